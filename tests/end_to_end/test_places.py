"""Where `az aks lb` runs: other logins, other clouds, a configuration that cannot be written, beside aks-preview."""
import ctypes
import os
import re
import subprocess

import pytest

from tests.support import preview
from tests.azure import TENANT, pool
from tests.azure.tls import DOMAIN
from tests.support.az import Az, without_preview
from tests.support.contract import conform
from tests.end_to_end.test_metrics import serve, workload
from tests.end_to_end.test_safety import SERVICE
from tests.unit.readers.test_fleet_metrics import serve_batches
from tests.support.together import in_one_process, lb

CLUSTER = ('show', 'plan', 'recommend', 'check')

#: How a process is kept from what root may do to files of others: prctl(2), capabilities(7).
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2

SHOW = 'show -g rg1 -n aks1 --query nodes.current'


def every_command(folder):
    """A line for each command."""
    (folder / 'service.yaml').write_text(SERVICE)
    return [f'{command} -g rg1 -n aks1' for command in CLUSTER] + [
        'list', 'list --with-metrics', f'check-service -f {folder}/service.yaml']


def assert_answers(results):
    for result in results:
        assert result.code == 0 and 'Traceback' not in result.stderr, str(result)
        if result.argv[2] in CLUSTER[:3]:
            conform(result.argv[2], result.json)
        assert result.json, str(result)


@pytest.fixture
def cluster(arm):
    """A cluster with metrics."""
    serve(arm, workload(nodes=2, days=1.2))
    return arm.add_cluster(pools=[pool(count=2)], ports=1024)


@pytest.mark.parametrize('how', ['Cloud Shell', 'service principal'])
def test_other_logins(arm, cluster, wheel, tmp_path, how):
    """In Cloud Shell the login comes from its environment; a service principal's token is kept by `az`."""
    az = Az(arm, tmp_path / 'az')
    if how == 'Cloud Shell':
        env = az.cloud_shell_env
        az.log_in('--identity', env=env)
    else:
        env = {'IDENTITY_ENDPOINT': None, 'IDENTITY_HEADER': None, 'MSI_ENDPOINT': None, 'MSI_SECRET': None}
        az.log_in('--service-principal', '-u', 'app', '-p', 'secret', '--tenant', TENANT, env=env)
    az.install(wheel)
    arm.requests.clear()
    assert lb(az, env=env)(SHOW).stdout == '2\n'
    assert_answers(in_one_process(az, every_command(tmp_path), **env))
    asked_for_a_token = {record.path for record in arm.requests if record.path.endswith('/token')
                         or record.path.startswith('/msi')}
    assert bool(asked_for_a_token) == (how == 'Cloud Shell'), 'who the token comes from'


def test_a_cloud_with_names_of_its_own(arm, cluster, az, tmp_path):
    """Whatever is asked for, also in batches of metrics, is asked for below the names of that cloud."""
    sizes = serve_batches(arm, workload(nodes=2, days=1.2))
    other = az.clone(tmp_path / 'other')
    clouds = other.folder / 'config' / 'clouds.config'
    clouds.write_text(re.sub('(endpoint_resource_manager = ).*', rf'\g<1>https://management.{DOMAIN}',
                             clouds.read_text()))
    asked_before = len(arm.proxy.asked)
    results = in_one_process(other, every_command(tmp_path), HTTPS_PROXY=arm.proxy.url, HTTP_PROXY=arm.proxy.url)
    assert_answers(results)
    assert sizes == [1] * len(sizes) != [] and results[5].json[0]['snatPeak']['portsPerNode'] > 900
    assert set(arm.proxy.asked[asked_before:]) == {f'management.{DOMAIN}:443',
                                                   f'westeurope.metrics.monitor.{DOMAIN}:443'}


def bound_by_modes():
    """Of the process that is about to become `az`: the modes of files bind it, also where the tests run as root."""
    if os.geteuid() == 0:
        for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
            assert ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) == 0


def test_a_configuration_that_cannot_be_written(arm, cluster, az, tmp_path):
    """`az` itself wants to keep a log of each command there. Without one it needs nothing, and nor do we."""
    other, snapshot = az.clone(tmp_path / 'other'), tmp_path / 's.json'
    lb(other)(f'{SHOW} --save-to {snapshot}')
    subprocess.run(['chmod', '-R', 'a-w', other.folder / 'config'], check=True)

    def run(command, **env):
        process = other.popen(command, env=env, preexec_fn=bound_by_modes)
        stdout, stderr = process.communicate()
        return stdout, without_preview(stderr), process.returncode
    for command in ('aks show -g rg1 -n aks1', f'aks lb {SHOW}', f'aks lb show --from-file {snapshot}'):
        stdout, stderr, code = run(command)
        assert code == 1 and stdout == '' and 'PermissionError' in stderr and 'lbplan' not in stderr
    for command in ('aks show -g rg1 -n aks1 --query agentPoolProfiles[0].count', f'aks lb {SHOW}',
                    f'aks lb show --from-file {snapshot} --query nodes.current'):
        assert run(command, AZURE_LOGGING_ENABLE_LOG_FILE='no') == ('2\n', '', 0)


def test_together_with_an_extension_like_aks_preview(arm, cluster, az, tmp_path):
    """One that registers commands and the group of `az aks` anew."""
    other = az.clone(tmp_path / 'other').install(preview.build(tmp_path))
    for command, said in (('aks show -g rg1 -n aks1 --query shown', '"by aks-preview"\n'), (f'aks lb {SHOW}', '2\n')):
        assert other(command, env={'AZURE_CORE_USE_COMMAND_INDEX': 'no'}).stdout == said
        assert other(command).stdout == said
    assert_answers(in_one_process(other, [*every_command(tmp_path), 'aks loadbalancer list -g rg1 -n aks1']))
    for text, words in zip(in_one_process(other, ['aks -h', 'aks lb -h', 'aks lb plan -h']), (
            ['in preview', ' lb ', ' loadbalancer '], ['check-service', 'list', 'plan', 'recommend', 'show'],
            ['--load-balancer-outbound-ports', 'extension: lbplan'])):
        assert text.code == 0 and all(word in text.stdout + text.stderr for word in words), str(text)
    planned = lb(other)('plan -g rg1 -n aks1 --outbound-ports 32000').json
    other.shell(planned['command'], check=True)
    assert lb(other)('plan -g rg1 -n aks1 --query "[current.outboundPorts, current.fits]"').json == [32000, True]
