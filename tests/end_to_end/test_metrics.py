"""`az aks lb recommend` from measured demand, with the real az, Azure Monitor of the stand-in, and a workload."""
import json
import time

import pytest

from tests.azure import Status, pool
from tests.azure.monitor import Monitor
from tests.support.workload import DAY, Traffic, Workload, addresses, diurnal, simulate, steady

DAYS = 2
METRICS = r'.*/providers/microsoft\.insights/metrics'


def workload(ports=1024, days=DAYS, busy=400.0, nodes=3):
    """A few nodes until now; the first has `busy` new connections a minute, of four minutes each."""
    minutes = int(days * DAY)
    rates = [steady(busy)] + [diurnal(5, 30)] * (nodes - 1)
    return Workload(int(time.time()) // 60 - minutes, {
        address: simulate([Traffic(rate)], minutes, ports, seed=index)
        for index, (address, rate) in enumerate(zip(addresses(nodes), rates))})


def serve(arm, served, **switches):
    monitor = Monitor(served, now=int(time.time()) // 60, **switches)
    arm.route('GET', Monitor.PATH, monitor)
    return monitor


def recommend(az, *more, name='aks1', group='rg1'):
    result = az(['aks', 'lb', 'recommend', '-g', group, '-n', name, *more])
    assert result.code == 0, str(result)
    return result.json


def test_the_command_ends_the_failures_and_an_hour_later_all_is_clear(arm, az):
    cluster = arm.add_cluster(pools=[pool('system', 3)], ports=1024)
    serve(arm, workload())
    first = recommend(az)
    evidence = first['evidence']
    assert (first['status'], evidence['status'], evidence['saturated']) == ('change', 'sufficient', True)
    assert evidence['failedConnections'] > 0 and evidence['peakNode'] == addresses(1)[0]
    assert first['proposed']['outboundPorts'] > 1024 and first['proposed']['fits']
    az.shell('\n'.join(first['commands']), check=True)
    ports = arm.get(cluster)['properties']['networkProfile']['loadBalancerProfile']['allocatedOutboundPorts']
    assert ports == first['proposed']['outboundPorts']

    after = workload(ports=lambda minute: 1024 if minute < DAYS * DAY - 60 else ports)
    busiest = after.nodes[addresses(1)[0]]
    assert sum(busiest.failed[:-60]) > 0 and sum(busiest.failed[-55:]) == 0
    serve(arm, after)
    second = recommend(az)
    assert (second['status'], second['flags'], second['command']) == ('ok', [], None)


def test_a_node_below_its_ceiling_changes_nothing_while_its_ports_cover_the_trigger(arm, az):
    arm.add_cluster(pools=[pool('system', 3)], ports=1024)
    serve(arm, workload(busy=150))
    result = recommend(az)
    assert (result['status'], result['flags'], result['evidence']['failedConnections']) == ('ok', [], 0)
    assert 500 < result['evidence']['demandPortsPerNode'] < 800
    assert recommend(az, '--headroom', '100')['flags'][-2] == '--load-balancer-outbound-ports'


def test_evidence_and_consent_lower_ports_only_where_that_saves_an_ip(arm, az):
    arm.add_cluster(pools=[pool('system', 9)], managed=2, ports=8000)
    arm.add_cluster('small', pools=[pool('system', 5)], managed=1, ports=8000)
    serve(arm, workload(ports=8000, busy=150))
    assert recommend(az)['flags'] == []
    lowered = recommend(az, '--allow-decrease')
    assert lowered['flags'][:3] == ['--load-balancer-managed-outbound-ip-count', '1', '--load-balancer-outbound-ports']
    assert lowered['proposed']['fits'] and int(lowered['flags'][3]) >= 1.25 * lowered['evidence']['demandPortsPerNode']
    assert {'PortsDecrease', 'OutboundIpsDecrease'} <= {finding['code'] for finding in lowered['findings']}
    assert recommend(az, '--allow-decrease', name='small')['flags'] == []


@pytest.mark.parametrize('prepare, evidence, words', [
    (lambda arm: serve(arm, workload(), empty=True), 'noData', 'no UsedSnatPorts'),
    (lambda arm: arm.fault(METRICS, Status(403, action='Microsoft.Insights/metrics/read')), 'noData',
     'permission Microsoft.Insights/metrics/read'),
    (lambda arm: arm.fault(METRICS, Status(500)), 'noData', 'could not be read'),
    (lambda arm: serve(arm, workload(days=2 / 24, busy=100)), 'insufficientData', 'hours of metrics')])
def test_without_enough_metrics_the_configuration_decides_and_says_so(arm, az, prepare, evidence, words):
    arm.add_cluster(pools=[pool('system', 3), pool('batch', 3, max_count=90, mode='User')], ports=1024)
    prepare(arm)
    result = recommend(az)
    assert (result['status'], result['evidence']['status']) == ('change', evidence)
    assert words in result['evidence']['reason'] and any(words in reason for reason in result['reasons'])
    assert result['flags'] == ['--load-balancer-managed-outbound-ip-count', '2']


def test_not_applicable_is_an_answer_of_its_own(arm, az):
    arm.add_cluster('nat', outbound_type='managedNATGateway')
    arm.add_cluster('stopped', powerState={'code': 'Stopped'})
    nat, stopped = recommend(az, name='nat'), recommend(az, name='stopped')
    assert (nat['status'], nat['evidence']['status'], nat['proposed']) == ('notApplicable', 'notApplicable', None)
    assert (stopped['status'], stopped['evidence']['reason']) == ('notApplicable', 'the cluster is stopped')
    asked = [request.path.lower() for request in arm.requests if 'insights' in request.path.lower()]
    assert not [path for path in asked if 'natgateways' not in path]


def test_a_refused_maximum_falls_back_to_means(arm, az):
    arm.add_cluster(pools=[pool('system', 3)], ports=1024)
    serve(arm, workload(), maximum=False)
    result = recommend(az)
    assert (result['evidence']['status'], result['evidence']['peakPortsPerNode']) == ('sufficient', 1024)


def test_a_snapshot_gives_the_same_answer_byte_for_byte(arm, az, tmp_path):
    arm.add_cluster(pools=[pool('system', 3)], ports=1024)
    serve(arm, workload(), words=True, lower_case=False)
    file = str(tmp_path / 'snapshot.json')
    live = az(['aks', 'lb', 'recommend', '-g', 'rg1', '-n', 'aks1', '--save-to', file], check=True).stdout
    asked = len(arm.requests)
    for _ in range(2):
        assert az(['aks', 'lb', 'recommend', '--from-file', file], check=True).stdout == live
    assert len(arm.requests) == asked
    assert all(entry['query']['top'] for entry in json.loads(open(file, encoding='utf-8').read())['metrics'])


def test_the_table_fits_eighty_columns_and_shows_the_evidence(arm, az):
    arm.add_cluster(pools=[pool('system', 3)], ports=1024)
    serve(arm, workload())
    table = az('aks lb recommend -g rg1 -n aks1 --offset 1d12h -o table', check=True)
    lines = table.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert any(line.startswith(f'Node {addresses(1)[0]}') and '1024 of 1024' in line for line in lines)
    assert 'Traceback' not in table.stderr and 'az aks update' in table.stderr


@pytest.mark.parametrize('option, value', [('--offset', '31d'), ('--offset', '10m'), ('--offset', 'week'),
                                           ('--headroom', '-1'), ('--headroom', '1001')])
def test_bad_options(az, option, value):
    result = az(['aks', 'lb', 'recommend', '-g', 'rg1', '-n', 'aks1', option, value])
    assert result.code in (1, 2) and option in result.stderr and 'Traceback' not in result.stderr
