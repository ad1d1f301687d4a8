"""The sum from the measured demand to ports and IPs: a pocket calculator comes to the same."""
from math import ceil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azext_lbplan.decision.decide import decide_with
from azext_lbplan.decision.sizing import sizing_steps
from azext_lbplan.demand import Demand, Evidence
from azext_lbplan.demand.measure import DemandRange
from azext_lbplan.options import Change, Options
from azext_lbplan.rules.cluster import findings
from azext_lbplan.views.recommendation import recommend
from azext_lbplan.views.tables import recommend_table
from tests.azure.builders import pool
from tests.support.cases import body, managed, observe


def measured(ports, estimate=None, days=7.0, **more):
    evidence = Evidence('sufficient', peak_ports_per_node=int(ports), peak_node='10.224.0.4', demand_node='10.224.0.5',
                        demand_ports_per_node=ceil(max(ports, estimate or 0)), demand_is_estimate=bool(estimate),
                        demand_is_capped=False, failed_connections=70, demand_node_failed_connections=30,
                        allocated_ports_per_node=1024, peak_protocol='TCP', peak_at='2026-08-17T00:00:00Z', **more)
    return Demand(evidence, float(ports), estimate, days=days)


def decided(demand, nodes=100, ports=1024, ips=2, **options):
    cluster = observe(body([pool(count=nodes)], **managed(ips), allocatedOutboundPorts=ports))
    return decide_with(cluster, Options(measure=True, **options), demand)


def retrace(steps):
    """Each step from the one before it, as a reader with a pocket calculator does."""
    for before, step in zip(steps, steps[1:]):
        if step.what == 'outbound IPs':
            assert step.ports == step.factor * 64000 >= before.ports
        elif step.factor is not None:
            assert step.ports == ceil(round(before.ports * step.factor, 6))
        elif step.what == 'the next multiple of 8':
            assert step.ports == max(8, ceil(before.ports / 8) * 8)


@settings(max_examples=200, deadline=None)
@given(st.floats(0, 20000), st.none() | st.floats(0, 20000), st.floats(0.5, 30), st.integers(1, 300),
       st.sampled_from([0, 256, 1024, 8000]), st.sampled_from([0, 5, 10, 12.5, 15, 25, 33, 400]), st.booleans())
def test_each_step_follows_from_the_one_before(ports, estimate, days, nodes, now, headroom, decrease):
    decision = decided(measured(ports, estimate, days), nodes, now, 40, headroom=headroom, allow_decrease=decrease)
    steps = sizing_steps(decision)
    retrace(steps)
    assert steps[0].ports == decision.demand.ports and steps[1].ports == decision.demand.trigger(headroom)
    if decision.demanded_ports is not None:
        assert steps[-2].ports == decision.demanded_ports * steps[-2].factor
        assert steps[-1].factor == decision.proposed.settings.outbound_ip_count


def test_the_sum_of_the_reason():
    decision = decided(measured(900, 1428.0), nodes=110, headroom=10)
    assert [(step.factor, step.ports) for step in sizing_steps(decision)] == [
        (None, 1428), (1.1, 1571), (None, 1576), (None, 1584), (121, 191664), (3, 192000)]
    result = recommend(decision, findings(decision))
    assert result['evidence']['steps'][1] == {'what': 'headroom of 10 %', 'factor': 1.1, 'ports': 1571}
    said = result['reasons'][0]
    assert '30 connections failed on it, so that it needed about 1428, an estimate: its ports, and those that' in said
    assert '70' not in said
    rows = [list(row.values()) for row in recommend_table(result)]
    first = [label for label, _ in rows].index('Sum')
    assert [text for _, text in rows[first:first + 6]] == [
        '1428: estimated demand of node 10.224.0.5', 'x 1.1 = 1571: headroom of 10 %', '1576: the next multiple of 8',
        '1584: free room of the same IPs, up to 1.5 x the demand', 'x 121 = 191664: nodes to size for',
        'of 192000: 3 outbound IPs']
    assert not any('estimate' in reason for reason in recommend(decided(measured(900)), ())['reasons'])


def test_an_estimate_without_connections_says_so():
    blind = measured(1024, 1280.0)
    blind = blind._replace(evidence=blind.evidence._replace(failed_connections=None,
                                                            demand_node_failed_connections=None))
    reason = recommend(decided(blind), ())['reasons'][0]
    assert 'an estimate: 1.25 x its ports, because connections could not be read' in reason


@pytest.mark.parametrize('demand, most', [(measured(400), 2), (measured(800, demand_node_gone=True), 2)])
def test_where_todays_ports_cover_it_the_sum_ends_with_the_headroom(demand, most):
    decision = decided(demand)
    assert len(sizing_steps(decision)) == most
    reason = recommend(decision, findings(decision))['reasons'][0]
    assert reason.endswith('ports that headroom of 15 % makes of it.')
    assert ('has gone since' in reason) == bool(demand.evidence.demand_node_gone)


def test_typed_ports_and_no_demand_have_no_sum_of_ours():
    assert len(sizing_steps(decided(measured(2000), change=Change(outbound_ports=4000)))) == 2
    assert sizing_steps(decided(Demand(Evidence('noData', 'not captured')))) == ()


def test_to_look_again_is_said_with_its_reason_and_only_where_ports_change():
    between = DemandRange(1100, 1300, 1428, '70% to 90% of the failures are connections, the others are retries')
    changes = decided(measured(900, 1428.0, demand_range=between))
    said = [reason for reason in recommend(changes, ())['reasons'] if 'run this again' in reason]
    assert len(said) == 1 and 'between 1100 and 1428 ports, most likely 1300' in said[0]
    one = DemandRange(1428, 1428, 1428, 'each failure is a connection of its own')
    said = recommend(decided(measured(900, 1428.0, demand_range=one)), ())['reasons'][-1]
    assert 'only be estimated: each failure is a connection of its own. Run this again' in said
    for enough in (decided(measured(900, 1428.0, demand_range=between), ports=4000, ips=7), decided(measured(900))):
        assert not any('again' in reason for reason in recommend(enough, ())['reasons'])


def test_old_failures_under_fewer_ports_ask_for_no_headroom_once_nodes_have_what_they_needed():
    grown = measured(900, 3900.0)._replace(outgrown=True)
    decision = decided(grown, ports=4000, ips=7)
    assert grown.trigger(15) == 3900 and decision.flags == () and len(sizing_steps(decision)) == 1
    busy = measured(3800, 3900.0)._replace(outgrown=True)
    steps = sizing_steps(decided(busy, ports=4000, ips=7))
    retrace(steps)
    assert steps[:2] == ((steps[0].what, None, 3800), ('headroom of 15 %', 1.15, 4370))
