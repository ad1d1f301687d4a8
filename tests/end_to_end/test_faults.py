"""Azure failing in every way, under the real `az`: an answer from what could be read, or one clear error."""
from email.utils import formatdate
import json
import sys
import time

import pytest

from tests.azure import SUBSCRIPTION, Bomb, Cut, Drop, Gzip, Html, Redirect, Reset, Status, Truncated, pool
from tests.bench.measure import run
from tests.support.contract import conform
from tests.support.together import assert_refused, in_one_process

COMMANDS = ('show', 'plan', 'recommend', 'check')

#: {name: (how Azure fails, exit code where the cluster itself fails, words of the error)}
FAULTS = {
    'unauthorized': (Status(401), 1, ['AuthenticationFailed', 'az login']),
    'forbidden': (Status(403, action='x/read'), 1, ['AuthorizationFailed']),
    'gone': (Status(404), 3, ['ResourceNotFound']),
    'conflict': (Status(409), 1, ['OperationNotAllowed', 'in progress']),
    'throttled': (Status(429, retry_after='600'), 1, ['TooManyRequests', 'asks to wait 600 seconds']),
    'throttled-until': (lambda *line: Status(429, retry_after=formatdate(time.time() + 600, usegmt=True))(*line), 1,
                        ['TooManyRequests', 'asks to wait ']),
    'throttled-briefly': (Status(429, retry_after='0'), 1, ['TooManyRequests', 'in a minute']),
    'broken': (Status(500), 1, ['InternalServerError', 'in a few minutes']),
    'gateway': (Status(502, body='<html>Bad Gateway</html>'), 1, ['HTTP status 502', 'in a few minutes']),
    'unavailable': (Status(503), 1, ['ServiceUnavailable', 'in a few minutes']),
    'html': (Html(), 1, ['the answer is no JSON: ']),
    'signed-out': (Html(401), 1, ['HTTP status 401', 'az login']),
    'elsewhere': (Redirect(), 1, ['HTTP status 302']),
    'stranger': (Redirect('https://example.invalid/', 307), 1, ['HTTP status 307']),
    'nowhere': (Redirect('https://[bad'), 1, ['Invalid IPv6 URL']),
    'half': (Truncated(), 1, ['the answer is no JSON: ']),
    'empty': (Status(200, body=b''), 1, ['the answer is empty']),
    'list': (Status(200, body=b'[]'), 1, ['the answer is no JSON object']),
    'nan': (Status(200, body=b'{"id": NaN}'), 1, ['the answer is no JSON: it holds NaN (InvalidJson)']),
    'digits': (Status(200, body=b'{"id": 1' + b'0' * 399 + b'}'), 1, ['the answer holds a number of 400 characters']),
    'deep': (Status(200, body=b'{"id":' * 100_000), 1, ['nested too deeply']),
    'bomb': (Bomb(100), 1, ['the answer is larger than 32 MiB (AnswerTooLarge)']),
    'values': (Bomb(30, b'{},', b'[', b'1]'), 1, ['the answer holds more than 1,000,000 values (AnswerTooLarge)']),
    'layers': (Gzip(b'{}', 'gzip, gzip', 2), 1, ['which was not asked for']),
    'cut': (Cut(), 1, ['az cloud show']),
    'reset': (Reset(), 1, ['az cloud show']),
    'dropped': (Drop(), 1, ['az cloud show'])}


def add(arm, name):
    """A cluster on an own IP, whose ports do not fit."""
    return arm.add_cluster(name, outbound_ips=[arm.add_public_ip(f'ip-{name}')], pools=[pool(count=4)], ports=16000)


def codes(result):
    return {one['code']: one for one in result['findings']}


@pytest.mark.parametrize('offset', [0, 2])
def test_a_cluster_that_cannot_be_read_is_one_clear_error(arm, az, offset):
    """Each fault under two of the commands."""
    asked = []
    for index, (name, (fault, code, words)) in enumerate(FAULTS.items()):
        add(arm, name)
        arm.fault(f'managedClusters/{name}$', fault)
        command = COMMANDS[(index + offset) % len(COMMANDS)]
        asked.append((f'{command} -g rg1 -n {name} --output {("json", "table")[index % 2]}', code, words))
    for result, (_, code, words) in zip(in_one_process(az, [line for line, *_ in asked]), asked):
        assert_refused(result, 'could not be read: ', *words, code=code)


def test_a_fleet_that_cannot_be_read_is_one_clear_error(arm, az):
    arm.graph.management_groups = {name: [SUBSCRIPTION] for name in FAULTS}
    arm.fault('/Microsoft.ResourceGraph/', lambda request, *line: FAULTS[request.json['managementGroups'][0]][0](
        request, *line))
    results = in_one_process(az, [f'list --management-groups {name} --fail-on warning' for name in FAULTS])
    for result, (_, code, words) in zip(results, FAULTS.values()):
        result.stderr = ''.join(line for line in result.stderr.splitlines(True) if 'The query for clusters' not in line)
        assert_refused(result, 'Azure Resource Graph could not be queried: ', *words, code=code)


def test_what_could_be_read_decides_and_the_rest_is_named(arm, az):
    """Load balancer, own IP and metrics fail, each in another way."""
    faults = list(FAULTS.items())
    for index, (name, (fault, _, _)) in enumerate(faults):
        add(arm, name)
        arm.fault(f'MC_rg1_{name}_.*loadBalancers/kubernetes$', fault)
        arm.fault(f'/ip-{name}$', faults[index - 3][1][0])
        arm.fault(f'MC_rg1_{name}_.*/microsoft.insights/', faults[index - 5][1][0])
    lines = [f'{COMMANDS[index % 4]} -g rg1 -n {name}' for index, name in enumerate(FAULTS)]
    for index, (name, result) in enumerate(zip(FAULTS, in_one_process(az, lines))):
        assert result.code == 0 and 'Traceback' not in result.stderr, str(result)
        command, answer = COMMANDS[index % 4], result.json
        if command != 'check':
            conform(command, answer)
            there = int(faults[index - 3][0] != 'gone')
            assert (answer['current']['requiredPorts'], answer['current']['outboundIpCount']) == (80000, there)
            assert answer['unverified'] or answer.get('findings'), 'what is missing is said'
        if command in ('plan', 'check'):
            missing = 'OutboundIpMissing' if faults[index - 3][0] == 'gone' else 'OutboundIpNotReadable'
            assert {'LoadBalancerNotReadable', missing} <= set(codes(answer)), (name, sorted(codes(answer)))
        if command == 'recommend':
            assert answer['evidence']['status'] == 'noData' and answer['evidence']['reason'], str(answer['evidence'])


def test_a_list_whose_next_page_is_nowhere_is_not_read(arm, az):
    """Its names are then unverified; the cluster is decided all the same."""
    add(arm, 'aks1')
    answers = {'bad': Status(200, body={'value': [], 'nextLink': 'https://[bad'}),
               'number': Status(200, body={'value': [], 'nextLink': 7}),
               'endless': Status(200, body={'value': [], 'nextLink': 'https://example.invalid/?a=1'})}
    for fault, code in zip(answers.values(), ('InvalidNextLink', 'InvalidNextLink', 'TooManyPages')):
        arm.fault('/publicIPAddresses$', fault)
        folder = az.cwd / 'next.json'
        result = in_one_process(az, [f'plan -g rg1 -n aks1 --save-to {folder} --overwrite-existing'])[0]
        assert result.code == 0 and any('name' in one for one in result.json['unverified']), str(result)
        assert code in [error['code'] for error in json.loads(folder.read_text())['errors']]


@pytest.mark.skipif(sys.platform != 'linux', reason='memory is told in other ways elsewhere')
@pytest.mark.parametrize('bomb', [Bomb(1500), Bomb(300, b'{"a":1.5},', b'{"properties":[', b'1]}')])
def test_an_answer_of_any_size_leaves_memory_alone(arm, az, bomb):
    """Of a load balancer, of metrics and of everything around: 1.5 MB that unpack to 1.5 GB."""
    add(arm, 'aks1')
    arm.fault('loadBalancers|publicIPAddresses|microsoft.insights', bomb)
    done = run(az, 'aks lb check -g rg1 -n aks1')
    print(f'{done.peak:.0f} MiB')
    assert done.peak < 400 and 'larger than 32 MiB (AnswerTooLarge)' in done.output, done


def test_what_is_forbidden_is_named_with_the_permission_that_helps(arm, az):
    forbidden = {'loadBalancers/kubernetes$': 'Microsoft.Network/loadBalancers/read',
                 '/ip-aks1$': 'Microsoft.Network/publicIPAddresses/read',
                 '/microsoft.insights/': 'Microsoft.Insights/metrics/read'}
    add(arm, 'aks1')
    for path, action in forbidden.items():
        arm.fault(path, Status(403, action=action))
    checked, recommended, planned = in_one_process(az, [f'{command} -g rg1 -n aks1' for command in (
        'check', 'recommend', 'plan')])
    for action in forbidden.values():
        assert action in checked.stdout, action
    assert 'Microsoft.Insights/metrics/read' in recommended.json['evidence']['reason']
    remedies = ' '.join(one['remediation'] for one in planned.json['findings'] if one['remediation'])
    assert all(action in remedies for action in list(forbidden.values())[:2]), remedies


def test_a_list_of_names_that_fails_leaves_the_names_of_new_ips_unverified(arm, az):
    add(arm, 'aks1')
    arm.fault('/publicIPAddresses$', Status(403, action='Microsoft.Network/publicIPAddresses/read'))
    planned = in_one_process(az, ['plan -g rg1 -n aks1'])[0].json
    assert planned['prerequisites'] and any('name' in one for one in planned['unverified']), planned['unverified']


def test_a_short_failure_is_repeated_and_then_forgotten(arm, az):
    for index, fault in enumerate((Status(503), Status(429, retry_after='1'), Drop(), Status(500))):
        add(arm, f'c{index}')
        arm.fault(f'managedClusters/c{index}$', fault, times=1)
        arm.fault(f'MC_rg1_c{index}_.*loadBalancers/kubernetes$', fault, times=2)
        arm.fault(f'/ip-c{index}$', fault, times=1)
    for result in in_one_process(az, [f'plan -g rg1 -n c{index}' for index in range(4)]):
        assert result.code == 0 and not {'LoadBalancerNotReadable', 'OutboundIpNotReadable'} & set(codes(result.json))


def test_several_clusters_of_which_some_fail(arm, az):
    """Those that could be read are there; each of the others is named, and fails the gate."""
    ids = [add(arm, name) for name in ('good', 'broken', 'gone', 'fine')]
    arm.fault('managedClusters/broken$', Status(500))
    arm.fault('managedClusters/gone$', Status(404))
    some, gated = (az(f'aks lb check --ids {" ".join(ids)} {more}') for more in ('', '--rules AutomaticAllocation '
                                                                                    '--fail-on warning'))
    assert (some.code, gated.code) == (0, 4) and 'Traceback' not in some.stderr + gated.stderr
    for result in (some, gated):
        assert sorted(one['cluster']['name'] for one in result.json) == ['fine', 'good']
        assert all(f"Cluster '{name}' in resource group 'rg1' could not be read" in result.stderr
                   for name in ('broken', 'gone'))


def test_a_snapshot_file_is_not_left_behind_by_a_cluster_that_fails(arm, az, tmp_path):
    arm.fault('managedClusters/aks1$', Reset())
    result, = in_one_process(az, [f'show -g rg1 -n aks1 --save-to {tmp_path}/s.json'])
    assert_refused(result, 'could not be read')
    assert list(tmp_path.iterdir()) == []
