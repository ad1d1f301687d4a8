"""Points that are missing, pending connections, ports that await removal: the demand stays what it is."""
import random

import pytest
from hypothesis import given, settings, strategies as st

from azext_lbplan.demand.saturation import judge_node
from azext_lbplan.demand.statistics import cover
from azext_lbplan.demand.tables import Allocation, Bucket, Flows, Minutes, Tables, beside
from azext_lbplan.demand.tabulate import tabulate
from azext_lbplan.model.answers import Measurements, Series, parse
from azext_lbplan.model.metrics import UDP

from tests.support.asking import Asked
from tests.support.spoiled import Awaiting, Pending, missing
from tests.support.workload import (DAY, RST, TCP, Placed, Traffic, Workload, addresses, bursts, diurnal, poisson,
                                    simulate, steady)
from .test_demand import HEADROOM, MONDAY, asked, cluster, demand_of

#: A node that is full of TCP every day, beside some UDP and a node with room.
FULL = ([Traffic(rate=diurnal(50, 400), retries=0.4), Traffic(rate=steady(3), protocol=UDP)],
        [Traffic(rate=diurnal(20, 100))])


@pytest.fixture(scope='module', name='full')
def _full():
    workload = cluster(*FULL, days=3)
    return workload, asked(workload, 3).demand()


def hourly_successes(name, query):
    return query.interval == 60 and 'Successful' in name


def minutes(name, query):
    del name
    return query.interval == 1


@pytest.mark.parametrize('alike', [False, True])
@pytest.mark.parametrize('share, only, off',
                         [(0.01, hourly_successes, 0.05), (0.05, minutes, 0.1), (0.3, minutes, 0.3)])
def test_a_gap_is_a_gap(full, share, alike, only, off):
    workload, whole = full
    for seed in range(3):
        demand = asked(workload, 3, spoil=missing(share, alike, seed, only)).demand()
        assert demand.trigger(HEADROOM) == pytest.approx(whole.trigger(HEADROOM), rel=off)
        assert demand.evidence.allocated_ports_per_node == 1024 and not demand.evidence.demand_is_capped


def test_frontends_that_miss_points_on_their_own_lose_no_ports(full):
    workload, whole = full
    three = Workload(MONDAY, workload.nodes, ['20.0.0.1', '20.0.0.2', '20.0.0.3'])
    demand = asked(three, 3, spoil=missing(0.05)).demand()
    assert demand.trigger(HEADROOM) == pytest.approx(whole.trigger(HEADROOM), rel=0.1)
    assert demand.evidence.allocated_ports_per_node == 1024
    assert demand.evidence.coverage > 0.95


def used(*frontends):
    """The use of one node by minute, from {minute: ports} of each frontend."""
    series = tuple(Series('UsedSnatPorts', 'a', TCP, str(number), None, 1, sorted(points),
                          {'Average': [points[minute] for minute in sorted(points)]})
                   for number, points in enumerate(frontends))
    return tabulate(Measurements(series)).used['a', TCP]


def test_a_frontend_with_a_gap_is_mended_and_one_that_goes_is_gone():
    one = dict.fromkeys(range(30), 100.0)
    assert used(one, {minute: 10.0 * minute for minute in range(30) if minute not in (7, 8)})[8] == 180
    going = used(one, dict.fromkeys(range(20), 50.0))
    assert (going[19], going[25], set(range(30)) - set(going)) == (150, 100, {20, 21, 22})


def test_failures_without_a_count_of_successes_are_told_of_and_scale_nothing():
    tables = Tables(used={('a', TCP): dict.fromkeys(range(60), 512.0)}, allocated={('a', TCP): {0: 512.0}},
                    flows={'a': {minute: Flows(1, None, 50) for minute in range(60)}})
    judged = judge_node(tables, 'a', 30)
    assert judged.failed == 3000 and [episode.estimate for episode in judged.episodes] == [640]


@given(st.dictionaries(st.integers(0, 59), st.floats(0, 100), max_size=60), st.integers(0, 59))
@settings(max_examples=50)
def test_what_lies_beside_a_gap_is_never_more_than_the_minutes_around(points, minute):
    around = [points[at] for at in range(minute - 2, minute + 3) if at in points]
    assert beside(points, minute) == (points[minute] if minute in points else max(around, default=None))


def test_an_interval_counts_as_read_when_half_of_each_of_its_hours_is_there():
    assert Minutes(range(0, 360, 2)).cover(0, 360)
    assert not Minutes(range(60, 360)).cover(0, 360)


@given(st.sets(st.integers(0, 200), max_size=60), st.sets(st.integers(0, 20)))
@settings(max_examples=50)
def test_minutes_outside_of_the_intervals_are_those_in_none_of_them(points, intervals):
    spans = {10 * number: 7 for number in sorted(intervals)}
    assert Minutes(points).outside(spans) == [minute for minute in sorted(points) if not any(
        start <= minute < start + length for start, length in spans.items())]


@given(st.dictionaries(st.integers(0, 59), st.integers(0, 8).map(lambda eighth: 128 * eighth)), st.integers(0, 1024))
@settings(max_examples=50)
def test_ports_below_a_share_of_every_allocation_are_below_that_of_each(allocated, ports):
    allocation = Allocation(allocated, {})
    shares = [ports / there for there in map(allocation.at, range(60)) if there]
    assert allocation.is_above(ports, 0.95) == all(share < 0.95 for share in shares)


def test_pending_connections_are_none_of_the_accepted(full):
    workload, whole = full
    assert asked(Pending(MONDAY, workload.nodes), 3).demand()._replace(evidence=None) == whole._replace(evidence=None)


def test_ports_that_await_removal_are_none_to_plan_with(full):
    workload, whole = full
    reading = asked(Awaiting(MONDAY, workload.nodes), 3, lower_case=False)
    demand = reading.demand()
    assert demand.trigger(HEADROOM) == whole.trigger(HEADROOM) and demand.evidence.allocated_ports_per_node == 1024
    assert {series.frontend for series in parse(reading.answers).series} <= {'20.0.0.1', None}


# Short connections that are reset

def reset_every_minute(failed=476):
    """1500 connections at the full minute, each over within 15 seconds: 1024 ports, of which the mean use is 256."""
    node = simulate([Traffic(rate=steady(0))], 2 * DAY, 1024)
    node.used[TCP][:] = [256] * (2 * DAY)
    node.successful[:] = [1024] * (2 * DAY)
    node.failed[:] = [failed] * (2 * DAY)
    return Workload(MONDAY, {'10.224.0.4': node})


def test_ports_that_come_free_within_seconds_may_run_out_between_two_samples():
    demand = asked(reset_every_minute(), 2).demand()
    assert demand.unexplained_failures == 0 and demand.evidence.demand_is_estimate
    assert 1450 <= demand.evidence.demand_ports_per_node <= 1550
    assert demand.evidence.demand_node_failed_connections == 476 * 2 * DAY


def test_many_short_connections_without_failures_ask_for_nothing():
    demand = asked(reset_every_minute(0), 2).demand()
    assert not demand.evidence.saturated and demand.evidence.demand_ports_per_node == 256


def test_the_same_from_hours_that_were_not_read_by_the_minute():
    tables = Tables(buckets={('a', TCP): {0: Bucket(60, 256, 300, 300)}}, bucket_allocated={('a', TCP): {0: 1024.0}},
                    bucket_flows={'a': {0: Flows(60, 61440, 28560)}})
    judged = judge_node(tables, 'a', 30)
    assert judged.unexplained == 0 and judged.episodes[0].estimate == pytest.approx(1500)


# Nodes

def test_nodes_that_are_replaced_daily_are_no_more_nodes():
    day = simulate([Traffic(rate=diurnal(10, 50))], DAY, 1024)
    names = addresses(42)
    workload = Workload(MONDAY, {name: Placed(day, first=number // 6 * DAY) for number, name in enumerate(names)})
    demand = asked(workload).demand()
    assert demand.evidence.nodes_observed == 6 and demand.nodes_gone == 36


def test_in_dual_stack_a_node_counts_once():
    tables = Tables(used={(node, TCP): {0: 1.0, 1: 1.0} for node in ('10.0.0.4', 'fd00::4', '10.0.0.5')})
    assert cover(tables, 2).nodes == 2
    assert cover(Tables(used={('fd00::4', TCP): {0: 1.0}}), 1).nodes == 1


def test_the_demand_names_its_own_node_and_the_failures_on_it():
    calm, hot = [Traffic(rate=steady(200))], [Traffic(rate=bursts(20, 300, 720, 10), active=3)]
    nodes = {'10.224.0.4': simulate(calm, 3 * DAY, 1024), '10.224.0.5': Placed(simulate(hot, DAY, 512), first=DAY),
             '10.224.0.6': simulate([Traffic(rate=steady(140))], 3 * DAY, 512)}
    evidence = Asked(Workload(MONDAY, nodes), MONDAY + 3 * DAY, 3).demand().evidence
    assert evidence.peak_node == '10.224.0.4' and evidence.demand_node == '10.224.0.5' and evidence.demand_node_gone
    assert evidence.demand_node_failed_connections == sum(nodes['10.224.0.5'].node.failed)
    assert evidence.failed_connections > evidence.demand_node_failed_connections


def test_short_connections_that_a_node_carries_are_simulated_as_such():
    node = simulate([Traffic(rate=steady(1000), close=RST)], DAY, 1024, ticks=4)
    assert node.peak(TCP) < 400 and demand_of([Traffic(rate=steady(100), close=RST)], days=2).estimate is None


# How sure it is

def test_the_range_holds_the_demand_and_says_where_it_comes_from(full):
    workload, whole = full
    found = whole.evidence.demand_range
    wanted = max(simulate(traffic, 3 * DAY, 64000, seed=seed).peak() for seed, traffic in enumerate(FULL))
    assert found.low <= found.likely <= found.high == whole.evidence.demand_ports_per_node
    assert found.low <= wanted <= 1.02 * found.high and 'of the failures are connections' in found.how
    calm = asked(cluster([Traffic(rate=diurnal(20, 100))], days=2), 2).demand()
    exact = calm.evidence.demand_range
    assert (exact.low, exact.likely, exact.high) == (calm.ports,) * 3 and 'ports to spare' in exact.how


def test_a_full_node_that_refused_nothing_is_no_estimate():
    node = simulate([Traffic(rate=steady(0))], 2 * DAY, 1024)
    node.used[TCP][100:110] = [1024] * 10
    demand = asked(Workload(MONDAY, {'10.224.0.4': node}), 2).demand()
    assert demand.evidence.saturated and not demand.evidence.demand_is_estimate
    assert demand.ports == demand.evidence.demand_ports_per_node == 1024


def test_bursts_of_connections_and_few_of_them_widen_the_range():
    few = asked(cluster([Traffic(rate=bursts(20, 500, 720, 3))], days=2, ports=512), 2).demand().evidence.demand_range
    assert few.low < few.likely == few.high and 'too few minutes' in few.how


def clustered(rate, spread, minutes, seed=1):
    """`rate` as exact numbers of connections with `spread` times the variance of Poisson's."""
    chance = random.Random(seed)
    means = [chance.gammavariate(rate(minute) / (spread - 1), spread - 1) if spread > 1 else rate(minute)
             for minute in range(minutes)]
    return [poisson(chance, mean) for mean in means]


def test_connections_that_come_in_clusters_widen_the_range():
    ranges = []
    for spread in (1, 4):
        draws = clustered(diurnal(50, 400), spread, 3 * DAY)
        traffic = [Traffic(rate=draws.__getitem__, noisy=False, retries=0.5)]
        found = asked(cluster(traffic, days=3), 3).demand().evidence.demand_range
        wanted = simulate(traffic, 3 * DAY, 64000).peak()
        assert wanted <= 1.02 * found.high
        ranges.append((found.high - found.low) / wanted)
        assert ('come in clusters' in found.how) == (spread > 1)
    assert ranges[1] > 2 * ranges[0]
