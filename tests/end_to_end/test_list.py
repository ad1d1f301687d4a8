"""`az aks lb list` as a user runs it: the real az against the stand-in's Resource Graph."""
import json

import pytest

from tests.azure import OTHER_SUBSCRIPTION, SUBSCRIPTION, Html, Status, pool
from tests.support.fleet import Fleet, all_kinds

GRAPH = '/providers/Microsoft.ResourceGraph/resources'
CURRENT_KEYS = ('outboundType', 'ipSource', 'outboundIpCount', 'outboundPorts', 'portsPerNode', 'portsPerNodeAtMax',
                'availablePorts', 'requiredPorts', 'headroomNodes', 'fits')
CLUSTER_KEYS = ('name', 'resourceGroup', 'subscriptionId', 'location')
ROW_KEYS = {*CLUSTER_KEYS, *CURRENT_KEYS, 'egress', 'nodes', 'status', 'topFinding'}

#: What no answer leads with, and what a list does not read.
NEVER_TOP = ('OutboundTypeMoves', 'NoSnatAlert')

EVERYWHERE = 'aks lb list --all-subscriptions'


def by_id(rows):
    return {tuple(row[key] for key in CLUSTER_KEYS[:3]): row for row in rows}


def test_a_row_equals_show_and_check(arm, az):
    ids = all_kinds(arm)
    ids['elsewhere'] = arm.add_cluster('elsewhere', 'rg2', OTHER_SUBSCRIPTION, ports=64000)
    rows = by_id(az(EVERYWHERE, check=True).json)
    assert len(rows) == len(ids)
    shown = az(['aks', 'lb', 'show', '--ids', *ids.values()], check=True).json
    checked = az(['aks', 'lb', 'check', '--ids', *ids.values()], check=True).json
    reports = by_id(dict(report['cluster'], **report) for report in checked)
    assert len(shown) == len(reports) == len(ids)
    for one in shown:
        row = rows[tuple(one['cluster'][key] for key in CLUSTER_KEYS[:3])]
        assert set(row) == ROW_KEYS
        assert {key: row[key] for key in CLUSTER_KEYS} == {key: one['cluster'][key] for key in CLUSTER_KEYS}
        assert {key: row[key] for key in CURRENT_KEYS} == {key: one['current'][key] for key in CURRENT_KEYS}, row
        assert row['egress'] == one['egress'], row
        assert row['nodes'] == {key: one['nodes'][key] for key in row['nodes']}, row
        report = reports[tuple(one['cluster'][key] for key in CLUSTER_KEYS[:3])]
        leading = [found['code'] for found in report['findings'] if found['code'] not in NEVER_TOP]
        first = leading[0] if leading else None
        assert (row['status'], row['topFinding']) == (report['status'], first), (row, report)


def test_the_riskiest_stand_first_and_a_script_gets_their_names(arm, az):
    all_kinds(arm)
    rows = az(EVERYWHERE, check=True).json
    order = ['error', 'warning', 'ok', 'notApplicable']
    assert [row['status'] for row in rows] == sorted((row['status'] for row in rows), key=order.index)
    script = az.shell("az aks lb list --query \"[?status=='error'].name\" -o tsv | sort", check=True)
    assert script.stdout.split() == sorted(row['name'] for row in rows if row['status'] == 'error')
    assert {'overcommitted', 'surge'} <= set(script.stdout.split())
    assert script.stderr == ''
    assert az('aks lb list --top 2', check=True).json == rows[:2]


def test_exit_codes_count_all_clusters_and_what_could_not_be_read(arm, az):
    arm.add_cluster('fits', pools=[pool(count=3)], managed=2, ports=4000)
    assert az('aks lb list --fail-on warning').code == 0
    arm.add_cluster('stopped', powerState={'code': 'Stopped'}, ports=1024)
    assert [az(f'aks lb list --fail-on {severity}').code for severity in ('none', 'error', 'warning')] == [0, 0, 4]
    over = arm.add_cluster('over', pools=[pool(count=40)], ports=2048)
    failed = az('aks lb list --fail-on error --top 1')
    assert (failed.code, [row['name'] for row in failed.json]) == (4, ['over'])
    arm.remove(over)
    assert az('aks lb list --fail-on error').code == 0
    arm.graph.truncate_after = 1
    assert az('aks lb list --fail-on error').code == 4


def test_the_table_fits_and_ends_with_a_summary(arm, az):
    all_kinds(arm)
    arm.add_cluster('a-name-as-long-as-AKS-takes-it-' + 32 * 'x', 'a-group-with-a-name-as-long-' + 50 * 'y',
                    pools=[pool(count=990, max_count=1000)], managed=100)
    done = az('aks lb list -o table', check=True)
    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ['Status', 'Cluster', 'ResourceGroup', 'Ports', 'Nodes', 'TopFinding']
    assert len(lines) == 2 + len(az('aks lb list').json)
    assert 'with errors' in done.stderr and 'az aks lb show' in done.stderr
    top = az('aks lb list -o table --top 1', check=True)
    assert '1 of ' in top.stderr and len(top.stdout.splitlines()) == 3
    assert az('aks lb list -o table --only-show-errors', check=True).stderr == ''


@pytest.mark.parametrize('options, words', [
    ('--subscriptions a --all-subscriptions', 'exclude each other'),
    ('--management-groups m --from-file f.json', 'exclude each other'),
    ('--subscriptions nobody', "'nobody' is no id, and no name in this login"),
    ('--management-groups "a/b"', "'a/b' is no name of a management group"),
    ("-g \"x' or '1\"", 'is no name of a resource group'),
    ('--top 0', '--top: 0 is out of range'),
    ('--from-file nothing.json', "'nothing.json' cannot be read"),
    ('--from-file f.json --with-metrics', '--with-metrics reads from Azure'),
])
def test_bad_options_get_one_clear_line(az, options, words):
    failed = az(f'aks lb list {options}')
    assert failed.code == 1 and words in failed.stderr, str(failed)
    assert 'Traceback' not in failed.stderr and failed.stdout == ''


def test_scopes(arm, az):
    arm.add_cluster('here', 'rg1')
    arm.add_cluster('also', 'RG2')
    arm.add_cluster('there', 'rg1', OTHER_SUBSCRIPTION)
    arm.graph.management_groups = {'mine': [OTHER_SUBSCRIPTION]}

    def names(options=''):
        return sorted(row['name'] for row in az(f'aks lb list {options}', check=True).json)

    assert names() == ['also', 'here']
    assert names('-g rg2') == ['also']
    assert names('--all-subscriptions') == ['also', 'here', 'there']
    assert names(f'--subscriptions {OTHER_SUBSCRIPTION.upper()} Stand-in') == ['also', 'here', 'there']
    assert names(f'--subscription {OTHER_SUBSCRIPTION}') == ['there']
    assert names('--management-groups mine') == ['there']
    assert names('--all-subscriptions -g RG1') == ['here', 'there']
    assert az('aks lb list -g nothing-there', check=True).json == []


def test_a_default_group_narrows_only_the_current_subscription(arm, az):
    arm.add_cluster('here', 'rg1')
    arm.add_cluster('also', 'rg2')
    env = {'AZURE_DEFAULTS_GROUP': 'rg2'}
    assert [row['name'] for row in az('aks lb list', env=env).json] == ['also']
    assert len(az('aks lb list --all-subscriptions', env=env).json) == 2


def test_nothing_can_be_read(arm, az):
    arm.add_cluster('aks1')
    for fault, words in ((Status(403), 'Reader'), (Status(429, retry_after=600), 'wait 600 seconds'),
                         (Html(), 'no JSON'), (Status(500), 'Azure Resource Graph could not be queried')):
        arm.fault(GRAPH, fault)
        failed = az('aks lb list')
        assert failed.code == 1 and words in failed.stderr, str(failed)
        assert 'Traceback' not in failed.stderr
    arm.reset()
    arm.graph.unreadable = (SUBSCRIPTION,)
    failed = az('aks lb list')
    assert failed.code == 1 and 'NoValidSubscriptions' in failed.stderr and 'Reader' in failed.stderr, str(failed)


def test_a_fleet_of_many_subscriptions(arm, az):
    fleet = Fleet(2500).serve(arm)
    done = az(['aks', 'lb', 'list', '--subscriptions', *fleet.subscriptions], check=True)
    rows = done.json
    expected = {fleet.cluster(index) for index in range(fleet.size)}
    assert len(rows) == fleet.size and set(by_id(rows)) == expected
    assert done.stderr == ''
    samples = {}
    for row in rows:
        same = {key: value for key, value in row.items() if key not in CLUSTER_KEYS}
        same['egress'] = {**row['egress'], 'evidence': None, 'via': None}  # names of its own network
        assert samples.setdefault(fleet.kind_of(row['name']), same) == same
    assert samples['overcommitted']['status'] == 'error' and samples['nat']['status'] == 'notApplicable'
    asked = [(count, 'managedclusters' in query) for query, _, count in arm.graph.queries]
    assert [count for count, clusters in asked if clusters] == [1000, 1000, 500]
    pages = {}
    for query, _, count in arm.graph.queries:
        pages.setdefault(query, []).append(count)
    for counts in pages.values():
        assert len(counts) <= max(1, -(-sum(counts) // 1000)), 'a request for each thousand rows of a kind'


def test_files(arm, az, tmp_path):
    all_kinds(arm)
    live = az('aks lb list', check=True).json
    arm.detached.clear()
    bodies = [body for body in arm.resources.values() if 'providers' in body['id']]
    answer = {'count': len(bodies), 'total_records': len(bodies), 'skip_token': None, 'data': bodies}
    paths = {}
    for name, content in (('answer', answer), ('pages', [dict(answer, data=bodies[:5]), dict(answer, data=bodies[5:])]),
                          ('rows', bodies), ('part', dict(answer, total_records=len(bodies) + 1))):
        paths[name] = tmp_path / f'{name}.json'
        paths[name].write_text(json.dumps(content))
    offline = {'AZURE_CONFIG_DIR': str(tmp_path / 'nobody')}
    for name in ('answer', 'pages', 'rows'):
        done = az(['aks', 'lb', 'list', '--from-file', str(paths[name])], env=offline, check=True)
        assert (done.json, done.stderr) == (live, ''), name
    part = az(['aks', 'lb', 'list', '--from-file', str(paths['part']), '--fail-on', 'error'], env=offline)
    assert part.code == 4 and 'one page' in part.stderr
    clusters = [body for body in bodies if body['type'].lower().endswith('managedclusters')]
    paths['rows'].write_text(json.dumps(clusters))
    done = az(['aks', 'lb', 'list', '--from-file', str(paths['rows']), '-g', 'RG-upper'], env=offline, check=True)
    assert [row['name'] for row in done.json] == ['Mixed-Case']
    for content in ('[1, 2]', '{}', '[]]', ''):
        paths['rows'].write_text(content)
        failed = az(['aks', 'lb', 'list', '--from-file', str(paths['rows'])], env=offline)
        assert failed.code == 1 and 'Traceback' not in failed.stderr, str(failed)
