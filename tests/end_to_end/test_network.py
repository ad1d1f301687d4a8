"""The network failing under the real `az`: nothing there, strangers, refusals, silence; and an interrupt."""
import re
import signal
import time

import pytest

from tests.azure import Drop, Endless, Hang, Html, Reset, StandIn, Status, pool
from tests.support.az import NOWHERE, without_preview
from tests.support.together import assert_refused

#: The most that a command may take, start and all, on a slow machine: two round trips of a minute each, and reading
#: metrics twice a minute more.
LONGEST = 150
READ = 'aks lb plan -g rg1 -n aks1'


def add(arm):
    return arm.add_cluster(outbound_ips=[arm.add_public_ip()], pools=[pool(count=4)], ports=16000)


@pytest.fixture
def at(az, tmp_path):
    """An `az` whose cloud has its Resource Manager at another address; the login stays."""
    other = az.clone(tmp_path / 'other')

    def move(url):
        clouds = other.folder / 'config' / 'clouds.config'
        clouds.write_text(re.sub(r'(endpoint_resource_manager = ).*', rf'\g<1>{url}', clouds.read_text()))
        return other
    return move


def test_nobody_is_there(arm, at):
    for command, what in ((READ, "Cluster 'aks1'"), ('aks lb list', 'Azure Resource Graph')):
        assert_refused_among(at('https://127.0.0.1:9')(command), what, 'refused', 'Check the network, a proxy')
    no_proxy = {'HTTPS_PROXY': None, 'HTTP_PROXY': None}
    assert_refused(at('https://nowhere.invalid')(READ, env=no_proxy), 'nowhere.invalid', 'Check the network, a proxy')


def test_somebody_else_is_there(arm, at):
    """A certificate that nobody vouches for: no token is sent."""
    with StandIn() as stranger:
        assert_refused(at(stranger.url)(READ), 'CERTIFICATE_VERIFY_FAILED')
        assert stranger.requests == []


def test_a_cloud_without_tls_gets_no_token(arm, at):
    assert_refused(at(arm.url.replace('https:', 'http:'))(READ), 'not permitted for non-TLS')


def test_a_proxy_that_refuses(arm, at):
    """One that is not there, and one that lets nobody through."""
    moved = at('https://management.invalid')
    assert_refused(moved(READ), 'proxy', 'refused', 'Check the network, a proxy')
    assert_refused(moved(READ, env={'HTTPS_PROXY': arm.url}), 'roxy', 'Check the network, a proxy')
    assert moved.env['HTTPS_PROXY'] == NOWHERE


@pytest.mark.parametrize('fault', [Status(400), Status(500), Html(), Drop(), Reset(), Status(200, body='{}')])
def test_a_token_that_does_not_come_is_one_error(arm, az, fault):
    add(arm)
    arm.fault('/msi', fault)
    result = az(READ)
    assert result.code == 1 and result.stdout == '' and 'Traceback' not in result.stderr, str(result)
    assert result.stderr.count('ERROR: ') == 1 and arm.seen() == []


def assert_refused_among(result, *words):
    """As assert_refused, where a warning may name what failed as well."""
    result.stderr = ''.join(
        line for line in result.stderr.splitlines(True) if not line.startswith('WARNING: The query'))
    assert_refused(result, *words)


def test_waiting_is_bounded(arm, az):
    """Silence at every place, answers that never end, and requests to wait for ten minutes; all at the same time."""
    cases = {'hang': ('managedClusters/hang$', Hang()), 'half': ('managedClusters/half$', Hang(after_head=True)),
             'endless': ('managedClusters/endless$', Endless()),
             'lb': ('MC_rg1_lb_.*/loadBalancers/', Hang()), 'ip': ('/ip-ip$', Endless()),
             'all': ('MC_rg1_all_|/ip-all$', Hang()), 'metrics': ('MC_rg1_metrics_.*insights', Hang()),
             'later': ('MC_rg1_later_|/ip-later$|managedClusters/later/', Status(503, retry_after='600'))}
    running, started = {}, time.monotonic()
    for name, (path, fault) in cases.items():
        arm.add_cluster(name, outbound_ips=[arm.add_public_ip(f'ip-{name}')], pools=[pool(count=4)], ports=16000)
        arm.fault(path, fault)
        command = 'recommend' if name == 'metrics' else 'plan'
        running[name] = az.popen(['aks', 'lb', command, '-g', 'rg1', '-n', name, '--query', 'current.requiredPorts'])
    ended = {name: (*process.communicate(timeout=LONGEST), process.returncode) for name, process in running.items()}
    assert time.monotonic() - started < LONGEST
    for name, (stdout, stderr, code) in ended.items():
        assert 'Traceback' not in stderr, stderr
        if name in ('hang', 'half', 'endless'):
            assert (code, stdout) == (1, '') and 'could not be read' in stderr, f'{name}: {stderr}'
        else:
            assert (code, stdout) == (0, '80000\n'), f'{name}: {stderr}'


@pytest.mark.parametrize('path', ['managedClusters/aks1$', 'loadBalancers/kubernetes$'])
def test_an_interrupt_ends_the_command_at_once(arm, az, tmp_path, path):
    """While it waits for Azure; nothing is left behind."""
    add(arm)
    arm.fault(path, Hang())
    # Who runs the tests in the background has them ignore interrupts, and `az` would inherit that.
    process = az.popen([*READ.split(), '--save-to', str(tmp_path / 's.json')],
                       preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    wait_for(lambda: arm.seen(path))
    interrupted = time.monotonic()
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=30)
    assert time.monotonic() - interrupted < 5 and process.returncode == 1
    assert (stdout, without_preview(stderr)) == ('', 'ERROR: Interrupted: there is no result.\n')
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize('more', ['', '-o none --only-show-errors'])
def test_an_interrupt_ends_several_ids_at_once(arm, az, more):
    """Those that wait for Azure, and those beyond the ten that the CLI asks for at a time, which never start."""
    ids = [arm.add_cluster(f'aks{number}') for number in range(13)]
    for path in ('managedClusters/aks[0-4]$', 'loadBalancers/kubernetes$', '/microsoft.insights/'):
        arm.fault(path, Hang())
    process = az.popen([*'aks lb check --ids'.split(), *ids, *more.split()],
                       preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    wait_for(lambda: arm.seen('managedClusters/aks[0-4]$') and arm.seen('loadBalancers/kubernetes$'))
    interrupted = time.monotonic()
    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=60)
    assert time.monotonic() - interrupted < 5 and process.returncode == 1
    assert (stdout, without_preview(stderr)) == ('', 'ERROR: Interrupted: there is no result.\n')
    assert not arm.seen('managedClusters/aks12$')


def wait_for(condition, seconds=30):
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.02)
