"""`--report`: a file beside the usual result, written as snapshots are, and told early where it cannot be."""
import json
import stat

from tests.azure import pool
from tests.end_to_end.test_metrics import serve, workload
from tests.support.schemas import junit_problems, sarif_problems
from tests.support.terraform import change, cluster, node_pool, plan
from tests.support.together import assert_refused, in_one_process

NAMED = '-g rg1 -n aks1'


def test_a_page_beside_the_same_result(arm, az, tmp_path):
    arm.add_cluster(pools=[pool('system', 3)], ports=1024)
    serve(arm, workload())
    commands = [f'plan {NAMED}', f'plan {NAMED} --max-count 5,50', f'recommend {NAMED}', f'check {NAMED}']
    files = [tmp_path / f'{index}.html' for index in range(len(commands))]
    with_page = in_one_process(az, [f'{command} --report {file}' for command, file in zip(commands, files)])
    for result, plain, file in zip(with_page, in_one_process(az, commands), files):
        assert result.code == 0 and set(result.json) == set(plain.json), str(result)
        page = file.read_text(encoding='utf-8')
        assert page.startswith('<!DOCTYPE html>') and 'aks1' in page
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert 'Demand' in files[2].read_text() and 'Demand' not in files[0].read_text(), 'plan does not measure'


def test_a_fleet_has_one_too(arm, az, tmp_path):
    for name in ('one', 'two'):
        arm.add_cluster(name, ports=1024)
    result = az(f'aks lb list --report {tmp_path}/fleet.html', check=True)
    assert len(result.json) == 2 and 'Clusters' in (tmp_path / 'fleet.html').read_text()


def test_reports_for_machines_and_pull_requests_beside_the_same_result(arm, az, tmp_path):
    arm.add_cluster(pools=[pool('system', 3)], ports=1024)
    serve(arm, workload())
    code = plan(*(change(f'azurerm_kubernetes_cluster.{name}', None, {**cluster(ports=32000, name=name), 'id': name})
                  for name in ('east', 'west')),
                change('azurerm_kubernetes_cluster_node_pool.b', None, node_pool(owner='east')))
    (az.cwd / 'plan.json').write_text(json.dumps(code))
    (az.cwd / 'service.yaml').write_text(
        '{kind: Service, apiVersion: v1, metadata: {name: x}, spec: {type: LoadBalancer}}')
    commands = [f'plan {NAMED}', f'recommend {NAMED}', f'check {NAMED}', 'list', 'plan --from-file plan.json',
                'check --from-file plan.json', 'check-service -f service.yaml']
    files = [(command, tmp_path / f'{index}.{ending}') for index, command in enumerate(commands)
             for ending in ('sarif', 'xml', 'md')]
    for result, (_, file) in zip(in_one_process(az, [f'{command} --report {file}' for command, file in files]), files):
        assert result.code == 0 and result.json, str(result)
        written = file.read_text(encoding='utf-8')
        assert file.suffix != '.sarif' or sarif_problems(json.loads(written)) == []
        assert file.suffix != '.xml' or junit_problems(written) == []
        assert file.suffix != '.md' or written.count('\n') < 40
    again = [(command, file) for command, file in files if ' -f' in command or '--from-file' in command]
    before = [file.read_bytes() for _, file in again]
    *_, page = in_one_process(az, [f'{command} --report {file} --overwrite-existing' for command, file in again] +
                              ['plan --from-file plan.json --report x.html'])
    assert [file.read_bytes() for _, file in again] == before
    assert_refused(page, 'Such a report is about one cluster, and the file holds 2', '.sarif')


def test_what_cannot_be_written_is_told_before_anything_is_read(arm, az, tmp_path):
    arm.add_cluster()
    (tmp_path / 'there.html').write_text('mine')
    cluster = ('/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg1/providers/'
               'Microsoft.ContainerService/managedClusters/aks1')
    refusals = [
        (f'check-service -f x.yaml --report {tmp_path}/x.html', 'is no file that a report can be', '.sarif'),
        (f'plan {NAMED} --report {tmp_path}/x.pdf', "x.pdf' is no file that a report can be.", '.html'),
        (f'plan {NAMED} --report -', 'is no file that a report can be'),
        (f'check {NAMED} --report ""', 'is no file that a report can be'),
        (f'recommend {NAMED} --report {tmp_path}/there.html', "there.html' exists.", '--overwrite-existing'),
        (f'list --report {tmp_path}/there.html', "there.html' exists."),
        (f'check {NAMED} --report {tmp_path}/nowhere/x.html', 'is no place for a file'),
        (f'plan --ids {cluster} {cluster}2 --report {tmp_path}/x.html', '--report takes one cluster at a time.')]
    for result, (_, *words) in zip(in_one_process(az, [command for command, *_ in refusals]), refusals):
        assert_refused(result, *words)
    assert arm.seen() == [] and [path.name for path in tmp_path.iterdir()] == ['there.html']
    az(f'aks lb plan {NAMED} --report {tmp_path}/there.html --overwrite-existing', check=True)
    assert (tmp_path / 'there.html').read_text().startswith('<!DOCTYPE html>')
