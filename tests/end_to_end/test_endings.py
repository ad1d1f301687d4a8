"""How commands end, by the real `az`: never silent where the exit code is not 0, and each cluster by its own name."""
import json
from itertools import product

import pytest

from tests.azure import Status, pool
from tests.support.manifest_cases import manifest
from tests.support.together import in_one_process

QUIET = [f'{form} {more}' for form, more in product(
    ('-o json', '-o table', '-o tsv', '-o yaml', '-o none', '--query nothing', '-o none --query "[]"'),
    ('', '--only-show-errors'))]


@pytest.fixture(name='failing')
def _failing(arm, tmp_path):
    """(command, exit code, what stderr names) of every way to end badly after something was read, or nothing was."""
    tight = arm.add_cluster('tight', pools=[pool(count=4)], ports=32000)
    fine = arm.add_cluster('fine', pools=[pool(count=3)], managed=2, ports=4000)
    gone = fine.replace('fine', 'gone')
    arm.add_cluster('broken')
    arm.fault('managedClusters/broken$', Status(500))
    (tmp_path / 'bad.yaml').write_text(manifest(spec='externalTrafficPolicy: local'))
    missing = tmp_path / 'missing.yaml'
    return [
        ('plan -g rg1 -n tight --fail-on error', 4, ['--fail-on error', 'tight', 'PortsOvercommitted']),
        ('check -g rg1 -n tight --fail-on warning', 4, ['--fail-on warning', 'tight', 'PortsOvercommitted']),
        ('list --fail-on error', 4, ['--fail-on error', 'tight']),
        (f'plan --ids {tight} {fine} --fail-on error', 4, ['--fail-on error', 'tight']),
        (f'check --ids {fine} {gone} --fail-on error', 4, ['gone', 'could not be read']),
        (f'show --ids {gone} {gone.replace("gone", "broken")}', 1, ['could not be read', '2 of 2']),
        ('show -g rg1 -n broken', 1, ['broken', 'could not be read']),
        ('show --ids ""', 1, ['--ids names no cluster']),
        (f'check-service -f {tmp_path} --fail-on error', 4, ['--fail-on error', 'bad.yaml', 'ExternalTrafficPolicy']),
        (f'check-service -f {missing}', 1, ['missing.yaml', 'No such file']),
        (f'check-service -f {missing} -f {tmp_path} --fail-on error', 4, ['missing.yaml', 'bad.yaml']),
    ]


@pytest.mark.parametrize('quiet', QUIET)
def test_whatever_is_shown_a_failure_says_why(az, failing, quiet):
    lines = [f'{command} {quiet}' for command, *_ in failing]
    for result, (_, code, words) in zip(in_one_process(az, lines), failing):
        assert result.code == code and 'Traceback' not in result.stderr, str(result)
        errors = [line for line in result.stderr.splitlines() if line.startswith('ERROR: ')]
        assert errors and all(word in result.stderr for word in words), f'{words} in {result}'


def test_nothing_is_said_where_all_is_well(arm, az):
    arm.add_cluster('fine', pools=[pool(count=3)], managed=2, ports=4000)
    for result in in_one_process(az, ['plan -g rg1 -n fine --fail-on error', 'check -g rg1 -n fine --fail-on error',
                                      'list --fail-on error', 'show -g rg1 -n fine -o none']):
        assert (result.code, result.stderr) == (0, ''), str(result)


def test_the_lines_to_run_are_the_last_ones_also_where_the_gate_fails(arm, az):
    arm.add_cluster('tight', pools=[pool(count=4)], ports=32000)
    result, = in_one_process(az, ['plan -g rg1 -n tight --fail-on error -o table'])
    assert result.code == 4 and result.stderr.splitlines()[-1].split()[1:4] == ['az', 'aks', 'update'], str(result)


def test_each_of_several_clusters_is_named_by_what_is_said_of_it(arm, az):
    """The CLI counts errors in the order in which they come: one that fails first has another's label."""
    names = ['slow', 'nat', 'tight', 'gone']
    ids = {name: arm.add_cluster(name, 'rg1', pools=[pool(count=4)], ports=32000,
                                 **({'outbound_type': 'managedNATGateway'} if name == 'nat' else {})) for name in names}
    arm.remove(ids['gone'])
    asked = f'--ids {" ".join(ids.values())}'
    plan, table = in_one_process(az, [f'plan {asked} --outbound-ports 16000', f'plan {asked} -o table'])
    for name, words in (('gone', 'could not be read'), ('nat', 'do not apply')):
        told, = [line for line in plan.stderr.splitlines() if words in line]
        assert f"'{name}'" in told and f'This is about {ids[name]}.'.lower() in told.lower(), told
    hints = [line for line in table.stderr.splitlines() if 'To set this' in line]
    assert hints and all(any(name in line for name in names) for line in hints), table.stderr


def test_manifests_that_are_none(arm, az, tmp_path):
    """A folder without Services, and nothing at all: each is said, whatever the format."""
    (tmp_path / 'other').mkdir()
    (tmp_path / 'other' / 'map.yaml').write_text(json.dumps({'apiVersion': 'v1', 'kind': 'ConfigMap'}))
    (tmp_path / 'empty').mkdir()
    (tmp_path / 'blank.yaml').write_text('# nothing\n')
    other, empty, blank = in_one_process(az, [f'check-service -f {tmp_path}/{name} --fail-on error'
                                              for name in ('other', 'empty', 'blank.yaml')])
    assert (other.code, other.json) == (0, [])
    assert 'No Service of type LoadBalancer was checked: 1 file with 1 object' in other.stderr
    for result in (empty, blank):
        assert result.code == 4 and 'NoManifests' in result.stderr and 'NoManifests' in result.stdout, str(result)
    quiet, = in_one_process(az, [f'check-service -f {tmp_path}/other -o none'])
    assert quiet.code == 0 and 'No Service' in quiet.stderr


def test_what_is_not_understood_is_no_all_clear(arm, az, tmp_path):
    """Answers of Azure and files, each in a form that holds nothing."""
    arm.add_cluster('aks1', managed=1, ports=1024)
    bare = {'id': arm.add_cluster('bare'), 'name': 'bare', 'type': 'Microsoft.ContainerService/ManagedClusters',
            'location': 'westeurope'}
    arm.fault('managedClusters/bare$', Status(200, body=bare))
    documents = {'bare': bare, 'null': {'data': None}, 'table': {'data': {'columns': [], 'rows': []}}, 'vms': {
        'data': [{'id': '/x', 'type': 'microsoft.compute/virtualmachines'}]}, 'value': {'value': None}}
    for name, document in documents.items():
        (tmp_path / name).write_text(json.dumps(document))
    asked = ['show -g rg1 -n bare', 'check -g rg1 -n bare --fail-on error', f'check --from-file {tmp_path}/bare',
             *(f'list --from-file {tmp_path}/{name}' for name in ('null', 'table', 'vms', 'value'))]
    results = in_one_process(az, asked)
    for result in results:
        assert result.code == 1 and result.stdout == '' and result.stderr.startswith('ERROR: '), str(result)
    assert all('networkProfile' in result.stderr for result in results[:3])
    for data in (None, {'columns': [], 'rows': []}, 'x'):
        arm.fault('/Microsoft.ResourceGraph/', Status(200, body={'totalRecords': 0, 'count': 0, 'data': data}))
        result, = in_one_process(az, ['list --fail-on error'])
        assert result.code == 1 and 'no list of resources' in result.stderr, str(result)


def test_nothing_steers_the_terminal(arm, az, tmp_path):
    """What somebody else wrote, in a body, a path and an option."""
    hostile = '\x1b[31m\x07\u202e'
    arm.add_cluster('aks1', pools=[{**pool(), 'upgradeSettings': {'maxSurge': hostile + '33%'}}])
    lines = [[*'aks lb show -g rg1 -n aks1 -o'.split(), form] for form in ('json', 'tsv', 'table', 'yaml')]
    lines += [['aks', 'lb', 'show', '--from-file', str(tmp_path / hostile)],
              ['aks', 'lb', 'show', '-g', 'rg1', '-n', 'aks1' + hostile],
              ['aks', 'lb', 'plan', '-g', 'rg1', '-n', 'aks1', '--max-surge', hostile],
              ['aks', 'lb', 'list', '--subscriptions', hostile],
              ['aks', 'lb', 'check-service', '-f', str(tmp_path / hostile)]]
    for argv in lines:
        result = az(argv)
        assert result.stdout or result.stderr
        for line in (result.stdout + result.stderr).replace('\t', ' ').split('\n'):
            assert line.isprintable(), f'{line!r} of {argv}'
