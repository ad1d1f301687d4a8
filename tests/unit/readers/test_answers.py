"""Answers of Azure, whatever they are: taken, or a named failure, within bounds; the token goes nowhere else."""
import gzip
import json
import subprocess
import sys
import zlib
from pathlib import Path
from types import SimpleNamespace

import pytest
from azure.cli.core.azclierror import AuthenticationError
from azure.core.pipeline.policies import SansIOHTTPPolicy
from hypothesis import HealthCheck, given, settings, strategies as st

from azext_lbplan.inputs.json_text import Bounds, TooLarge
from azext_lbplan.readers import arm as door, bounded
from azext_lbplan.readers.arm import ArmClient, ReadFailure, Request, side_by_side
from azext_lbplan.readers.fleet_metrics import endpoint_of
from tests.azure import SUBSCRIPTION, Bomb, Gzip, Redirect, Status
from tests.unit.views.test_fleet import _Bearer

PATH = f'/subscriptions/{SUBSCRIPTION}/resourceGroups'
ASKED = Request(PATH, {'api-version': '1'})

#: All examples of a test share its stand-in, which each of them sets anew.
SHARED = [HealthCheck.function_scoped_fixture]


@pytest.fixture(name='client')
def fixture_client(arm, monkeypatch):
    """It asks the stand-in, and does not wait before it asks again."""
    monkeypatch.setattr(door, 'RETRIES', 0)
    nothing = SansIOHTTPPolicy()
    return ArmClient(None, SUBSCRIPTION, arm.url, user_agent_policy=nothing, authentication_policy=_Bearer(arm.token),
                     connection_verify=arm.ca_bundle)


def failure(client, follow_pages=False):
    """Why a read brought nothing."""
    failed = client.read(ASKED, follow_pages)
    assert isinstance(failed, ReadFailure) and failed.path == PATH and failed.message.isprintable(), failed
    return failed


def answers(arm, *bodies):
    """The stand-in's answers to what is asked, one after the other, the last for all that follow."""
    left = list(bodies)
    arm.fault('/resourceGroups', lambda request, _, wire: Status(200, body=left.pop(0) if left[1:] else left[0])(
        request, _, wire))


class TestLinks:
    """To next pages, wherever they lead."""

    @pytest.mark.parametrize('link', ['https://[bad', 'https://[::1', '//[', 'https://[bad]/?a=1', 7, True, ['a'],
                                      {'a': 1}, 1.5])
    def test_no_url(self, arm, client, link):
        answers(arm, {'value': [], 'nextLink': link})
        failed = failure(client, follow_pages=True)
        assert (failed.code, failed.message) == ('InvalidNextLink', 'the link to the next page is no URL')

    @pytest.mark.parametrize('link', [None, '', 0, False, [], {}])
    def test_none(self, arm, client, link):
        answers(arm, {'value': [{'a': 1}], 'nextLink': link})
        assert client.read(ASKED, follow_pages=True)['value'] == [{'a': 1}]

    @pytest.mark.parametrize('place', [
        'https://evil.invalid/x', 'https://evil.invalid:443{path}', 'HTTPS://EVIL.INVALID{path}',
        '//evil.invalid{path}',
        'http://{host}{path}', 'https://{host}.evil.invalid{path}', 'https://{host}@evil.invalid{path}',
        'https://user:word@evil.invalid{path}', 'https://evil.invalid\\@{host}{path}', 'file:///etc/passwd',
        'javascript:alert(1)', 'https://127.0.0.1:1{path}', '/subscriptions/../..', '{path}', ''])
    def test_only_the_query_is_followed(self, arm, client, place):
        """Another host, scheme, port or path, user info: the second page is asked for where the first was."""
        link = place.format(path=PATH, host=arm.url[len('https://'):]) + '?$skiptoken=%2Fa%26b&api-version=1#part'
        answers(arm, {'value': [1, {'a': 1}], 'nextLink': link}, {'value': [{'a': 2}]})
        assert client.read(ASKED, follow_pages=True)['value'] == [{'a': 1}, {'a': 2}]
        first, second = arm.seen('')
        assert (first.path, second.path, second.query) == (PATH, PATH, {'api-version': '1', '$skiptoken': '/a&b'})

    @settings(max_examples=30, deadline=None, suppress_health_check=SHARED)
    @given(st.text() | st.from_regex(r'https?://[\[\]@:/?#a-z0-9%]{0,20}'))
    def test_whatever_it_is_reading_ends(self, arm, client, link):
        arm.reset()
        answers(arm, {'value': [], 'nextLink': link}, {'value': []})
        read = client.read(ASKED, follow_pages=True)
        assert read == {'value': [], 'nextLink': link} or read.code == 'InvalidNextLink'
        assert {record.path for record in arm.seen('')} == {PATH}

    def test_a_chain_without_end(self, arm, client):
        answers(arm, {'value': [], 'nextLink': '?a=1'})
        assert failure(client, follow_pages=True).code == 'TooManyPages'


@pytest.mark.parametrize('location', ['{base}/elsewhere', 'https://evil.invalid/', 'https://[bad', '//evil.invalid/',
                                      'http://\0', 'https://a:b@evil.invalid:99999/', '\xff', 'x' * 9000])
@pytest.mark.parametrize('status', [301, 302, 303, 307, 308])
def test_redirects_are_not_followed(arm, client, location, status):
    arm.fault('/resourceGroups', Redirect(location, status))
    assert failure(client).status in (status, None), 'None where not even requests can read where it leads'
    assert {record.path for record in arm.seen('')} == {PATH}


@pytest.mark.parametrize('resource_manager, url', [
    ('https://management.azure.com', 'https://eastus.metrics.monitor.azure.com'),
    ('https://management.azure.com/', 'https://eastus.metrics.monitor.azure.com'),
    ('HTTPS://MANAGEMENT.AZURE.COM', 'https://eastus.metrics.monitor.azure.com'),
    ('https://management.azure.com:443/', 'https://eastus.metrics.monitor.azure.com'),
    ('https://management.chinacloudapi.cn', 'https://eastus.metrics.monitor.chinacloudapi.cn'),
    ('https://management.azure.com:8443', None), ('https://management.azure.com:x', None),
    ('https://management.azure.com:99999', None), ('http://management.azure.com', None),
    ('https://me:word@management.azure.com', None), ('https://management.azure.com@evil.invalid', None),
    ('https://eastus.management.azure.com', None), ('https://evil.invalid/management.azure.com', None),
    ('https://evil.invalid?https://management.azure.com', None), ('https://[management.azure.com', None),
    ('https://127.0.0.1:8443', None), ('management.azure.com', None), ('https://management.', None),
    ('https://management.azure.com/x', None), ('', None)])
def test_the_token_for_metrics_goes_below_the_name_of_the_cloud(resource_manager, url):
    """A region's host only where the cloud's own name leaves no doubt."""
    endpoint = endpoint_of(resource_manager, 'eastus')
    assert endpoint == (url and (url, url.replace('eastus.', '')))


@pytest.mark.parametrize('region', ['', 'East US', 'evil.invalid/', 'evil.invalid#', 'a@b', 'a:b', 'EASTUS', 'é', 'a\n',
                                    '..', 'a' * 41])
def test_a_region_is_one_label_of_a_host(region):
    assert endpoint_of('https://management.azure.com', region) is None


@settings(max_examples=40, deadline=None, suppress_health_check=SHARED)
@given(st.text(max_size=40))
def test_no_path_leaves_the_endpoint(arm, client, resource_id):
    """Whatever an id holds, it is asked for at the cloud's Resource Manager."""
    url = client._http_request(Request(door.resource_path(resource_id), {'a': resource_id})).url
    assert url.startswith(f'{arm.url}/') and '\\' not in url and ' ' not in url


class TestThreads:
    """Whatever is raised in one is the failure of that read, and the others bring what they bring."""

    @pytest.mark.parametrize('error', [KeyError('a'), RecursionError('deep'), MemoryError(), SystemExit(3),
                                       AttributeError(), UnicodeDecodeError('utf-8', b'\xff', 0, 1, 'bad'),
                                       AssertionError('Bearer eyJabc.def.ghi'), ReadFailure('/x', 403, 'C', 'm')])
    def test_an_error_of_any_kind(self, error):
        def fail():
            raise error
        failed, good = side_by_side([('/x', fail), ('/y', lambda: 7)])
        assert good == 7 and isinstance(failed, ReadFailure) and failed.path == '/x' and failed.message
        assert failed.code == getattr(error, 'code', None) or failed.code == type(error).__name__
        assert 'eyJ' not in failed.message

    def test_an_error_of_the_cli_stays_its_own(self):
        """An expired login has the CLI's own advice."""
        def fail():
            raise AuthenticationError('expired', 'Log in again.')
        with pytest.raises(AuthenticationError):
            side_by_side([('/x', fail)])


@pytest.mark.parametrize('written', ['NaN', '1e999', '1' * 400, '[' * 90_000, '1' + '0' * 9_000])
def test_what_is_no_json_is_named(arm, client, written):
    answers(arm, f'{{"value": [{written}]}}')
    assert failure(client).code == 'InvalidJson' == failure(client, follow_pages=True).code
    assert failure(client).status == 200 and failure(client).message.startswith('the answer ')


class TestSize:
    """Packed or not, in one piece or in pages."""

    @pytest.fixture(autouse=True)
    def small(self, monkeypatch):
        monkeypatch.setattr(door, 'LARGEST_ANSWER', Bounds(1 << 20, 20_000))

    def test_gzip_is_taken(self, arm, client):
        arm.add_resource_group('rg1')
        arm.fault('/resourceGroups', Gzip())
        assert [group['name'] for group in client.read(ASKED)['value']] == ['rg1']
        assert arm.seen()[0].headers['Accept-Encoding'] == 'gzip'

    @settings(max_examples=60, deadline=None, suppress_health_check=SHARED)
    @given(st.lists(st.binary(max_size=300).map(lambda some: json.dumps(some.hex()).encode()), min_size=1, max_size=5),
           st.integers(1, 50), st.sampled_from([1, 7, 1 << 20]))
    def test_streams_in_a_row_cut_anywhere(self, monkeypatch, parts, size, unpacked):
        monkeypatch.setattr(bounded, '_UNPACKED', unpacked)
        packed = b''.join(gzip.compress(part) for part in (b'', *parts, b''))
        take, content = bounded._Gunzip(), b''
        for start in range(0, len(packed), size):
            content += b''.join(take.pieces(packed[start:start + size]))
        assert content == b''.join(parts) and take.whole

    @pytest.mark.parametrize('fault', [Bomb(5), Bomb(2, b'{},', b'[', b'1]'), Gzip(b' ' * (2 << 20)),
                                       Status(200, body=b' ' * (2 << 20)), Status(502, body=b'x' * (2 << 20))])
    def test_larger_than_the_bound(self, arm, client, fault):
        # The client was made with the bound that the package has: this one is told by the parser and by the session.
        bounded.bound_answers(client._pipeline._pipeline._transport.session, 1 << 20)
        client._pipeline._pipeline._transport.session.hooks['response'].pop(0)
        arm.fault('/resourceGroups', fault)
        failed = failure(client)
        assert (failed.code, failed.message) == ('AnswerTooLarge', 'the answer is larger than 1 MiB')

    def test_more_values_than_the_bound(self, arm, client):
        answers(arm, b'{"value": [' + b'{},' * 20_000 + b'1]}')
        failed = failure(client)
        assert (failed.code, failed.message) == ('AnswerTooLarge', 'the answer holds more than 20,000 values')

    @pytest.mark.parametrize('value', ['x' * 400_000, ['y'] * 8_000])
    def test_pages_count_together(self, arm, client, value):
        answers(arm, {'value': [{'a': value}], 'nextLink': '?a=1'})
        failed = failure(client, follow_pages=True)
        assert (failed.code, failed.message) == ('AnswerTooLarge', 'the pages of the list are too large together')
        assert len(arm.seen('')) == 3

    @pytest.mark.parametrize('fault', [
        Gzip(encoding='br'), Gzip(encoding='gzip, gzip', layers=2), Gzip(encoding='deflate'), Gzip(encoding='zstd'),
        Gzip(encoding='\xff' * 500)])
    def test_encodings_that_were_not_asked_for(self, arm, client, fault):
        arm.fault('/resourceGroups', fault)
        assert 'which was not asked for' in failure(client).message

    @pytest.mark.parametrize('packed', [b'no gzip', gzip.compress(b'{}')[:-9], zlib.compress(b'{}'),
                                        gzip.compress(b'{}') + b'x'], ids=['none', 'cut', 'zlib', 'more'])
    def test_what_cannot_be_unpacked(self, arm, client, packed):
        arm.fault('/resourceGroups', lambda request, _, wire: Status(200, body=packed, headers={
            'Content-Encoding': 'gzip'})(request, _, wire))
        assert failure(client).status is None
        arm.reset()
        arm.add_resource_group('rg1')
        assert client.read(ASKED)['value'], 'the next answer is whole'

    def test_the_session_is_told_what_is_too_large(self, arm, client):
        with pytest.raises(TooLarge):
            bounded._read(SimpleNamespace(headers={}, raw=SimpleNamespace(
                stream=lambda size, decode_content: iter([b'x' * 9] * 9))), 80)


#: Reads from the stand-in in a process of its own, and prints what came and the MiB that it took at most.
_READ = r'''
import re, sys
from azure.core.pipeline.policies import SansIOHTTPPolicy
from azext_lbplan.readers.arm import ArmClient, Request
import azext_lbplan.custom
nothing = SansIOHTTPPolicy()
client = ArmClient(None, 'x', sys.argv[1], user_agent_policy=nothing, authentication_policy=nothing,
                   connection_verify=sys.argv[2])
answer = client.read(Request('/big', {}), follow_pages=True)
# Its resource usage would count the process too of which it is a copy at first.
print(getattr(answer, 'code', 'taken'), int(re.search(r'VmHWM:\s+(\d+)', open('/proc/self/status').read())[1]) >> 10)
'''

MIB = 1 << 20


@pytest.mark.skipif(sys.platform != 'linux', reason='what a process took at most is told in other units elsewhere')
@pytest.mark.parametrize('name, fault, code', [
    ('bomb', Bomb(1500), 'AnswerTooLarge'),
    ('bomb of objects', Bomb(1500, b'{"a":1.5},', b'[', b'1]'), 'AnswerTooLarge'),
    ('endless', Status(200, body=b' ' * (200 * MIB)), 'AnswerTooLarge'),
    ('just small enough', Status(200, body=b'{"value": "' + b'x' * (31 * MIB) + b'"}'), 'taken'),
    ('one emoji', Status(200, body=b'{"a": "\xf0\x9f\x98\x80' + b'x' * (15 * MIB) + b'"}'), 'taken'),
    ('two emojis', Status(200, body=b'{"a": "\xf0\x9f\x98\x80' + b'x' * (17 * MIB) + b'"}'), 'AnswerTooLarge'),
    ('as many objects as may be', Status(200, body=json.dumps({'value': [
        {str(number): 1.5} for number in range(499_000)]}).encode()), 'taken'),
    ('more objects', Status(200, body=json.dumps({'value': [{'a': 1}] * 600_000}).encode()), 'AnswerTooLarge')])
def test_one_answer_of_any_size_takes_less_than_400_mib(arm, name, fault, code):
    arm.fault('/big', fault)
    done = subprocess.run([sys.executable, '-c', _READ, arm.url, arm.ca_bundle], capture_output=True, text=True,
                          cwd=Path(__file__).resolve().parents[3], env={'NO_PROXY': '127.0.0.1'}, check=False)
    said, peak = done.stdout.split() if done.returncode == 0 else (done.stderr, 0)
    print(f'{name}: {peak} MiB')
    assert said == code and int(peak) < 400, (said, peak)
