"""What `az aks lb` does to Azure (it reads), what it may see there, and what it never lets out."""
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.azure import SUBSCRIPTION, Status, pool
from tests.support.spread import SPREAD
from tests.end_to_end.test_metrics import serve, workload
from tests.support.ways import every_way
from tests.support.together import in_one_process

README = Path(__file__).parents[2] / 'README.md'
GRAPH = '/providers/Microsoft.ResourceGraph/resources'

#: What Resource Graph shows is what one may read anyway: it asks for no permission of its own
#: (learn.microsoft.com, Azure Resource Graph, Permissions).
WITHOUT_PERMISSION = {'microsoft.resourcegraph/resources/read'}

SERVICE = """apiVersion: v1
kind: Service
metadata: {name: web}
spec: {type: LoadBalancer, ports: [{port: 80}], selector: {app: web}}
"""


def every_command(arm, folder):
    """Lines that run every command on clusters of every kind, with what makes it read more."""
    serve(arm, workload(nodes=2, days=1.2))
    clusters = [build(arm) for build in SPREAD.values()] + [every_way(arm)[name] for name in ('firewall', 'nat')]
    own = arm.add_public_ip('own'), arm.add_public_ip_prefix('prefix')
    (folder / 'service.yaml').write_text(SERVICE)
    arm.graph.management_groups = {'all': [SUBSCRIPTION]}
    return [f'{command} --ids {cluster}' for cluster in clusters
            for command in ('show', 'plan --max-count 300', 'recommend', 'check')] + [
        f'plan --node-count 9 --outbound-ips {own[0]}', f'plan --node-count 9 --outbound-ip-prefixes {own[1]}',
        f'recommend --ids {clusters[0]} --save-to {folder}/s.json', f'check --from-file {folder}/s.json',
        f'check-service -f {folder}/service.yaml --from-file {folder}/s.json',
        'list', 'list --with-metrics -o table', 'list --all-subscriptions', 'list --management-groups all']


def action_of(record):
    """The permission that a read takes: provider and types of the path."""
    provider, *rest = record.path.rsplit('/providers/', 1)[1].split('/')
    return '/'.join((provider, *rest[::2], 'read')).lower()


def role():
    """The role that the README tells to make."""
    section = README.read_text(encoding='utf-8').partition('\n## Permissions\n')[2]
    return json.loads(re.search(r'```json\n(.*?)```', section, re.DOTALL).group(1))


def test_every_command_only_reads_and_no_more_than_the_role_allows(arm, az, tmp_path):
    for result in in_one_process(az, every_command(arm, tmp_path)):
        assert result.code in (0, 1) and 'Traceback' not in result.stderr, str(result)
    asked = [record for record in arm.requests if record.path != '/msi']
    assert {record.method for record in asked if record.path != GRAPH} == {'GET'}
    assert {record.method for record in asked if record.path == GRAPH} == {'POST'}
    assert {action_of(record) for record in asked} - WITHOUT_PERMISSION == {one.lower() for one in role()['Actions']}


def test_the_role_is_one_that_az_can_make():
    """`az role definition create --role-definition @file` takes these keys."""
    assert set(role()) == {'Name', 'Description', 'Actions', 'AssignableScopes'}
    assert all(scope.startswith('/subscriptions/') for scope in role()['AssignableScopes'])


def test_permissions_that_are_asked_for_are_those_of_the_role(arm, az):
    clusters = [SPREAD[name](arm) for name in ('own-ips', 'prefixes')]
    ways = every_way(arm)
    arm.fault('/(routeTables|natGateways)/', Status(403))
    results = in_one_process(az, [f'check --ids {ways[name]}' for name in ('firewall', 'nat')])
    clusters.append(ways['firewall'])
    arm.fault('/providers/(?!Microsoft.ContainerService)[^/]+/', Status(403))
    results += in_one_process(az, [f'{command} --ids {cluster}' for cluster in clusters
                                   for command in ('check', 'recommend', 'plan')])
    arm.fault('/managedClusters/', Status(403))
    results += in_one_process(az, [f'show --ids {clusters[0]}'])
    texts = ' '.join(result.stdout + result.stderr for result in results)
    named = set(re.findall(r'Microsoft\.\w+/[\w/]+/read', texts))
    assert named == set(role()['Actions'])


def echo(request, *_):
    """A proxy's or a service's error that repeats what was sent to it."""
    return Status(400, message=f'cannot handle Authorization: {request.headers["Authorization"]} here')(request, *_)


SECRETS = {'IDENTITY_HEADER': 'secret-of-the-identity', 'MSI_SECRET': 'secret-of-the-identity'}


def assert_no_secret(arm, results, folder):
    """Neither in what is printed nor in a file."""
    texts = [result.stdout + result.stderr for result in results]
    texts += [path.read_text(encoding='utf-8') for path in folder.rglob('*') if path.is_file()]
    for text in texts:
        assert arm.token not in text and SECRETS['MSI_SECRET'] not in text, text[:300]


def test_no_secret_comes_out(arm, az, tmp_path):
    """Also with --verbose, in snapshots, and in the log file that the CLI can keep of all commands."""
    lines = [f'{line} --verbose' for line in every_command(arm, tmp_path)[:4]]
    lines.append(f'check -g rg1 -n managed --verbose --save-to {tmp_path}/s.json')
    results = in_one_process(az, lines, **SECRETS, AZURE_LOGGING_ENABLE_LOG_FILE='yes',
                             AZURE_LOGGING_LOG_DIR=str(tmp_path / 'logs'))
    assert (tmp_path / 'logs' / 'az.log').stat().st_size > 10000 and (tmp_path / 's.json').exists()
    assert_no_secret(arm, results, tmp_path)


def test_an_error_that_repeats_the_token_is_told_without_it(arm, az, tmp_path):
    arm.add_cluster('spoken')
    arm.add_cluster('balanced')
    arm.fault('/managedClusters/spoken$', echo)
    arm.fault('/loadBalancers/kubernetes$', echo)
    results = in_one_process(az, ['show -g rg1 -n spoken', f'plan -g rg1 -n balanced --save-to {tmp_path}/s.json'],
                             **SECRETS)
    assert 'cannot handle Authorization: Bearer *** here' in results[0].stderr
    assert 'Bearer *** here' in (tmp_path / 's.json').read_text()
    assert_no_secret(arm, results, tmp_path)


def test_a_snapshot_that_cannot_be_written_whole_leaves_what_was_there(tmp_path):
    """The disk is full half-way: here, no file may grow beyond 20,000 bytes."""
    script = ('import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))\n'
              'from azext_lbplan.readers import saving\n'
              'try: saving.save(sys.argv[1], "x" * 100000, True)\n'
              'except Exception as error: print(type(error).__name__, error)')
    for there in ('there', 'not there'):
        if there == 'there':
            (tmp_path / there).write_text('mine')
        done = subprocess.run([sys.executable, '-c', script, str(tmp_path / there)], cwd=README.parent, check=True,
                              capture_output=True, text=True)
        assert done.stdout.startswith('FileOperationError') and 'could not be written' in done.stdout
    assert [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [('there', 'mine')]


@pytest.mark.parametrize('group, name', [('-rg', 'aks1'), ('--rg.(x)', 'aks1')])
def test_a_group_that_looks_like_an_option_is_one_argument(arm, az, group, name):
    """Azure lets a resource group begin with a hyphen."""
    cluster = arm.add_cluster(name, group, pools=[pool(count=9)], ports=12800)
    planned = az(f'aks lb plan --ids {cluster}', check=True).json
    az.shell(planned['command'], check=True)
    assert az(f'aks lb plan --ids {cluster}', check=True).json['current']['fits'] is True


def test_a_name_that_az_would_take_for_a_file_is_none(arm, az, tmp_path):
    """`az` reads the file that an argument with @ in front names: no such name gets into a line."""
    (tmp_path / 'secret').write_text('hunter2')
    arm.add_cluster(pools=[pool(count=9)], ports=12800)
    in_one_process(az, [f'show -g rg1 -n aks1 --save-to {tmp_path}/s.json'])
    body = json.loads((tmp_path / 's.json').read_text())
    body['managedCluster'].update(id=None, name=f'@{tmp_path}/secret', resourceGroup='rg1')
    (tmp_path / 's.json').write_text(json.dumps(body))
    planned = in_one_process(az, [f'plan --from-file {tmp_path}/s.json'])[0].json
    assert (planned['commands'], planned['noCommand']['reason']) == ([], 'unknownCluster')
    assert 'hunter2' not in json.dumps(planned)
