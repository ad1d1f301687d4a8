"""The rules that need metrics: a demand that shows the fault, and one that just does not."""
import pytest

from azext_lbplan.rules.cluster import RULES
from azext_lbplan.rules.cluster.subject import metrics as METRICS
from azext_lbplan.demand import Demand, Evidence
from azext_lbplan.demand.failures import failures, hours_without_connections
from azext_lbplan.demand.forecast import forecast
from azext_lbplan.model.finding import ERROR, INFO, WARNING
from azext_lbplan.model.answers import Answer
from azext_lbplan.model.metrics import minute_of

from tests.support.asking_rules import ask, codes
from tests.support.ways import MANAGED_SUBNET, gateway_id, subnet
from tests.support.worlds import world

CALM = Evidence('sufficient', start='2026-08-01T00:00:00Z', end='2026-08-08T00:00:00Z', nodes_observed=3,
                points_observed=30000, coverage=1.0, allocated_ports_per_node=1024, peak_ports_per_node=400,
                peak_at='2026-08-05T09:31:00Z', peak_node='10.224.0.4', peak_protocol='TCP', peak_utilization=0.39,
                failed_connections=0, saturated=False, demand_ports_per_node=400, mean_port_hold_minutes=12.0)


def grown(per_day, last=400.0):
    """The forecast of three weeks that ended at `last` ports."""
    return forecast({day: last * per_day ** (day - 20) for day in range(21)})


STEADY = grown(1.0)


def demand(unsaturated_peak=400, estimate=None, unexplained=0, skew=1.2, trend=STEADY, **evidence):
    return Demand(CALM._replace(**evidence), unsaturated_peak=unsaturated_peak, estimate=estimate, days=7.0,
                  unexplained_failures=unexplained, skew=skew, forecast=trend)


def exhausted(**more):
    return demand(**{'estimate': 1500, 'failed_connections': 900, 'saturated': True, **more})


# (code, severity, the demand that shows the fault, the one that just does not); ports are explicit, 1024, idle 30
CASES = [
    ('SnatExhaustion', ERROR, exhausted(), demand(failed_connections=0)),
    ('SnatExhaustion', INFO, exhausted(estimate=800), exhausted(unexplained=900)),
    ('UnexplainedFailures', WARNING, demand(failed_connections=5, unexplained=5), exhausted()),
    ('SnatUseHigh', WARNING, demand(peak_utilization=0.901), demand(peak_utilization=0.75)),
    ('SnatUseHigh', INFO, demand(peak_utilization=0.9), demand(peak_utilization=0.75)),
    ('UdpPressure', WARNING, demand(peak_protocol='UDP', peak_utilization=0.76),
     demand(peak_protocol='UDP', peak_utilization=0.75)),
    ('UdpPressure', WARNING, demand(peak_protocol='UDP', peak_utilization=0.76), demand(peak_utilization=0.76)),
    ('PortsHeldByIdleFlows', WARNING, demand(idle_timeout_bound=True, idle_timeout_relief=0.8, peak_utilization=0.8),
     demand(idle_timeout_bound=None)),
    ('PortsHeldByIdleFlows', INFO, demand(idle_timeout_bound=True), demand(idle_timeout_bound=False)),
    ('MeasuredAllocationDiffers', WARNING, demand(allocated_ports_per_node=512), demand()),
    ('DefaultIdleTimeout', INFO, demand(peak_protocol='UDP'), demand()),
    ('DefaultIdleTimeout', INFO, demand(mean_port_hold_minutes=5.0), demand(mean_port_hold_minutes=5.1)),
    # 400 ports grow to 1024 in 30 days at 3.2 % a day, in 31 at 3.1 %.
    ('WillExhaustWithin30Days', WARNING, demand(trend=grown(1.032)), demand(trend=grown(1.03))),
    ('NodeSkew', INFO, demand(skew=3.0), demand(skew=2.9)),
    ('NodeSkew', INFO, demand(skew=3.0, peak_utilization=0.25), demand(skew=3.0, peak_utilization=0.24)),
]


@pytest.mark.parametrize('code, severity, faulty, fine', CASES,
                         ids=[f'{number}-{case[0]}' for number, case in enumerate(CASES)])
def test_a_rule_finds_its_fault_and_nothing_else(code, severity, faulty, fine):
    found = [one for one in ask(world(ports=1024), faulty).findings if one.code == code]
    assert [one.severity for one in found] == [severity]
    assert found[0].message.endswith('.') and 'None' not in found[0].message
    assert code not in codes(ask(world(ports=1024), fine))


def test_every_rule_has_a_case():
    assert {case[0] for case in CASES} == {rule.code for rule in RULES if METRICS in rule.needs}


def test_a_calm_cluster_has_no_errors_and_no_warnings_and_nothing_skipped():
    report = ask(world(ports=1024), demand())
    assert codes(report, ERROR, WARNING) == [] and report.skipped == ()


def test_less_than_two_weeks_tell_no_trend_and_say_so():
    report = ask(world(ports=1024), demand(trend=None))
    assert [one.code for one in report.skipped] == ['WillExhaustWithin30Days']
    assert '--offset 30d' in report.skipped[0].reason


def test_a_trend_says_when_and_how_much_room_it_takes():
    found, = [one for one in ask(world(ports=1024), demand(trend=grown(1.05))).findings
              if one.code == 'WillExhaustWithin30Days']
    assert (found.evidence['growthPerDay'], found.evidence['portsPerNode']) == (0.0488, 1024)  # ln 1.05
    assert found.evidence['earliest'] == '1970-02-10', '20 days after the 21st, at 5 % a day'
    assert '1970-02-22' < found.evidence['latest'] < '1970-04-01', 'along a straight line of 20 ports a day: 32 days'
    assert '--headroom 333' in found.remediation and found.command is None, 'a month at 5 % a day'


def test_exhaustion_gives_the_ports_that_were_measured_and_the_ips_that_they_take():
    found = ask(world(ports=1024), exhausted(estimate=30000)).findings[0]
    assert found.code == 'SnatExhaustion' and 'pool them' in found.remediation
    assert '--load-balancer-outbound-ports 4' in found.command or '--load-balancer-outbound-ports 3' in found.command
    assert '--load-balancer-managed-outbound-ip-count' in found.command


@pytest.mark.parametrize('estimate, told', [
    (60000, 'The busiest node needs more than 64000 ports, the most that a node can have'), (55000, None)])
def test_more_ports_than_a_node_can_have_are_told_as_such(estimate, told):
    """60000 x 1.15 are 69000; the IPs would suffice."""
    found = [one for one in ask(world(ports=1024), exhausted(estimate=estimate)).findings if one.code == 'Infeasible']
    assert [one.message.split(':')[0] for one in found] == ([told] if told else [])
    for one in found:
        assert "'--outbound-ports 64000' gives each node the most" in one.remediation
        assert 'decrease' not in one.remediation and 'more nodes' in one.remediation


def test_what_full_nodes_refused_is_wanted_of_a_gateway_too():
    """The busiest of nodes that are full wants 1500 ports and has 500."""
    calm = demand(peak_ports_per_node=500)._replace(cluster_peak_ports=4000)
    full = exhausted(peak_ports_per_node=500, demand_is_estimate=True)._replace(cluster_peak_ports=4000)
    assert (calm.cluster_ports, full.cluster_ports, demand().cluster_ports) == (4000, 12000, None)


def test_the_idle_timeout_is_no_default_where_it_was_set():
    assert 'DefaultIdleTimeout' not in codes(ask(world(ports=1024, idle=29), demand(peak_protocol='UDP')))


def test_with_too_few_metrics_findings_count_and_silence_does_not():
    few = {'status': 'insufficientData', 'reason': '3.0 hours of metrics, at least 24 are needed'}
    report = ask(world(ports=1024), exhausted(**few))
    assert codes(report, ERROR) == ['SnatExhaustion']
    assert {one.code for one in report.skipped} == {rule.code for rule in RULES if METRICS in rule.needs}
    assert {one.reason for one in report.skipped} == {
        'Not enough metrics: 3.0 hours of metrics, at least 24 are needed.'}


def series(node, interval, points, state='failed', frontend='198.18.0.1'):
    dimensions = {'BackendIPAddress': node, 'ConnectionState': state, 'FrontendIPAddress': frontend}
    return Answer(None, {'interval': interval, 'value': [{'name': {'value': 'SnatConnectionCount'}, 'timeseries': [{
        'metadatavalues': [{'name': {'value': name}, 'value': value} for name, value in dimensions.items()],
        'data': [{'timeStamp': at, 'total': total} for at, total in points]}]}]})


def idle(state='successful', total=0, hours=5, outbound=None, stopped=False):
    """A cluster whose connections were counted for some hours."""
    points = [(f'2026-08-05T{hour:02d}:00:00Z', 0) for hour in range(hours - 1)] + [
        (f'2026-08-05T{hours - 1:02d}:00:00Z', total)]
    snapshot = world(ports=1024, powerState={'code': 'Stopped' if stopped else 'Running'})
    answer = series('10.0.0.4', 'PT1H', points, state)
    return {**snapshot, 'metrics': [answer.to_snapshot()],
            'subnets': [subnet(MANAGED_SUBNET, outbound)]}


def test_no_connection_at_all_is_evidence_of_a_way_that_was_not_read():
    """Of a bypass that was read it says nothing new; nor of nodes that do not run."""
    found = [one for one in ask(idle()).findings if one.code == 'NoSnatConnections']
    assert [one.severity for one in found] == [WARNING] and 'in 5 hours' in found[0].message
    for calm in (idle(total=1), idle('failed', 1), idle(outbound=gateway_id()), idle(stopped=True), idle(hours=0)):
        assert 'NoSnatConnections' not in codes(ask(calm))
    assert hours_without_connections([]) is None
    assert hours_without_connections([series('a', 'PT1H', [])]) is None


def test_failures_are_counted_once_and_timed_by_the_finest_grain():
    found = failures([
        series('10.0.0.4', 'PT1H', [('2026-08-05T09:00:00Z', 50), ('2026-08-06T10:00:00Z', 0)]),
        series('10.0.0.4', 'PT1H', [('2026-08-05T09:00:00Z', 20)], frontend='198.18.0.2'),
        series('10.0.0.4', 'PT1M', [('2026-08-05T09:31:00Z', 30), ('2026-08-05T09:33:00Z', 40)]),
        series('10.0.0.5', 'PT1H', [('2026-08-05T07:00:00Z', 100)]),
        series('10.0.0.6', 'PT1H', [('2026-08-05T07:00:00Z', 900)], state='successful'),
    ])
    assert [tuple(one) for one in found] == [
        ('10.0.0.5', 100, '2026-08-05T07:00:00Z', '2026-08-05T07:00:00Z'),
        ('10.0.0.4', 70, '2026-08-05T09:31:00Z', '2026-08-05T09:33:00Z')]
    assert minute_of(found[0].first) is not None
