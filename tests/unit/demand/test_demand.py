"""Measured demand: what both passes find in simulated clusters, and what follows from it."""
import json
import random
import time
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings, strategies as st

from azext_lbplan.demand import Window, measure, questions, unmeasured, weaker
from azext_lbplan.demand.choice import MOST_BLOCKS
from azext_lbplan.demand.hold import _Release, relief, share_let_go, udp_relief
from azext_lbplan.demand.measure import ROOM
from azext_lbplan.demand.queries import CALM_SECOND_BYTES, LEAST_SECOND_BYTES, MOST_SECOND_BYTES
from azext_lbplan.demand.retries import NO_RETRIES, Retries
from azext_lbplan.demand.saturation import judge_node
from azext_lbplan.demand.tables import Bucket, Flows, Tables
from azext_lbplan.demand.turnover import BLIND_FACTOR, CAP_FACTOR, accepted_of, estimated
from azext_lbplan.model.answers import Answer, answers_from_snapshot
from azext_lbplan.model.metrics import minute_of, timestamp

from tests.support.asking import Asked, answered, next_round
from tests.support.workload import (DAY, IDLE, TCP, UDP, Placed, Traffic, Workload, addresses, bursts, diurnal,
                                    exponential, growing, simulate, steady, weekly, window)

MONDAY = minute_of('2026-08-17T00:00:00Z')
HEADROOM = 25


def cluster(*traffics, ports=1024, days=7, frontends=1, timeout=30):
    """One node for each of `traffics`, observed for so many days."""
    nodes = [simulate(traffic, days * DAY, ports, timeout, seed) for seed, traffic in enumerate(traffics)]
    return Workload(MONDAY, dict(zip(addresses(len(nodes)), nodes)), [f'20.0.0.{n}' for n in range(1, frontends + 1)])


def asked(workload, days=7, **more):
    return Asked(workload, MONDAY + days * DAY, days, **more)


def demand_of(*traffics, days=7, ports=1024, frontends=1, timeout=30, **more):
    return asked(cluster(*traffics, ports=ports, days=days, frontends=frontends, timeout=timeout), days,
                 timeout=timeout, **more).demand()


def peak_of(workload, protocol=None):
    return max(node.peak(protocol) for node in workload.nodes.values())


# Must show 1: large clusters, and the busiest minute

@pytest.fixture(scope='module', name='rhythm')
def _rhythm():
    """Sixteen nodes of one week that many addresses share, and one that has two busy minutes in it."""
    usual = [simulate([Traffic(rate=diurnal(5 + n, 60 + 3 * n)), Traffic(rate=steady(2), protocol=UDP)], 7 * DAY, 1024,
                      seed=n) for n in range(16)]
    return usual, simulate([Traffic(rate=window(8, 300, 4520, 4522))], 7 * DAY, 1024, seed=99)


def crowd(rhythm, nodes, frontends=1):
    usual, spike = rhythm
    names = addresses(nodes)
    workload = Workload(MONDAY, {name: usual[n % 16] for n, name in enumerate(names)},
                        [f'20.0.0.{n}' for n in range(1, frontends + 1)])
    workload.nodes[names[nodes // 2]] = spike
    return workload, names[nodes // 2]


@pytest.mark.parametrize('switches, ports', [({}, 512), ({'maximum': False}, 1024)])
def test_where_nothing_is_full_fewer_minutes_are_read(switches, ports):
    """All else equal: 512 ports fill up, and without maxima nobody knows."""
    def second_pass(allocated, **more):
        simulated = [simulate([Traffic(diurnal(20, 130))], 7 * DAY, allocated, seed=seed) for seed in range(4)]
        reading = asked(Workload(MONDAY, {name: simulated[n % 4] for n, name in enumerate(addresses(100))}), **more)
        return sum(len(json.dumps(answer.response, separators=(',', ':'))) for answer in reading.rounds[1])
    calm, other = second_pass(1024), second_pass(ports, **switches)
    assert calm <= CALM_SECOND_BYTES < LEAST_SECOND_BYTES < other <= MOST_SECOND_BYTES


@pytest.mark.parametrize('nodes, frontends, switches', [
    (1000, 1, {}), (1000, 1, {'maximum': False}), (200, 16, {}), (200, 3, {}),
    (200, 1, {'maximum': False, 'refusal': 'errorCode'})])
def test_a_short_spike_among_hundreds_of_nodes_is_found_in_bounded_bytes_and_time(rhythm, nodes, frontends, switches):
    workload, where = crowd(rhythm, nodes, frontends)
    reading = asked(workload, **switches)
    text = json.dumps([answer.to_snapshot() for answer in reading.answers])
    begin = time.process_time()
    answers = answers_from_snapshot(json.loads(text))
    asking = reading.questions(nodes, frontends)
    first = next(asking)
    next_round(asking, answers[:len(first)])
    evidence = measure(answers, 30).evidence
    seconds = time.process_time() - begin
    print(f'{nodes} nodes, {frontends} frontends, {switches}: {reading.bytes / 1e6:.1f} MB in {reading.requests} '
          f'requests, {seconds:.1f} s of CPU')
    assert evidence.peak_ports_per_node == peak_of(workload)
    assert (evidence.peak_node, evidence.peak_at) == (where, '2026-08-20T03:21:00Z')
    assert evidence.nodes_observed == nodes
    assert reading.bytes < 30e6
    assert seconds < 8
    assert reading.requests <= 2 * MOST_BLOCKS + 8


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10 ** 6), st.integers(1, 6), st.booleans(), st.integers(1, 3))
def test_the_busiest_minute_is_exact_wherever_maxima_are_served(seed, count, maximum, frontends):
    generator = random.Random(seed)
    traffics = [[Traffic(rate=diurnal(10, generator.randint(20, 150), generator.randint(0, 23))),
                 Traffic(rate=bursts(1, generator.randint(1, 8), 240, 30), protocol=UDP)] for _ in range(count)]
    workload = cluster(*traffics, days=2, frontends=frontends)
    demand = asked(workload, 2, maximum=maximum).demand()
    assert demand.evidence.peak_ports_per_node <= peak_of(workload)
    if maximum or demand.peak_is_exact:
        assert demand.evidence.peak_ports_per_node == peak_of(workload)
    total = max(max(minutes.values()) for minutes in workload.totals().values())
    assert demand.cluster_peak_ports >= total or not maximum
    assert demand.cluster_peak_ports == total or not demand.cluster_peak_is_exact


# Must show 2: the ceiling

def test_a_node_at_its_ceiling_gets_what_it_wanted():
    hot, others = [Traffic(rate=diurnal(50, 400))], [Traffic(rate=diurnal(50, 150))]
    demand = demand_of(hot, others, others)
    wanted = simulate(hot, 7 * DAY, 64000).peak()
    evidence = demand.evidence
    assert evidence.saturated and evidence.failed_connections > 0 and evidence.demand_is_estimate
    assert evidence.peak_ports_per_node == 1024 and evidence.peak_utilization == 1
    assert 0.9 * wanted <= evidence.demand_ports_per_node <= 1.1 * wanted
    assert demand.target(HEADROOM) >= wanted > 1024
    assert evidence.busiest_nodes[0].node == evidence.peak_node == '10.224.0.4'
    assert evidence.busiest_nodes[0].failed_connections == evidence.failed_connections
    assert demand.skew > 1.3


@pytest.mark.parametrize('traffic', [
    Traffic(rate=bursts(20, 300, 720, 10), active=3),          # a storm that ends while ports still turn over
    Traffic(rate=bursts(20, 500, 720, 3)),                     # one that is over before any port comes free
    Traffic(rate=steady(400)),                                 # full from the first minute that was read
    Traffic(rate=steady(20), close=IDLE, noisy=False)])        # held for as long as the timeout
def test_an_estimate_is_about_what_plenty_of_ports_would_have_held(traffic):
    demand = demand_of([traffic], days=2, ports=512)
    wanted = simulate([traffic], 2 * DAY, 64000).peak()
    assert demand.evidence.demand_is_estimate and not demand.evidence.demand_is_capped
    assert 0.95 * wanted <= demand.estimate <= 1.35 * wanted


def test_five_failures_for_one_connection_are_not_five_connections():
    traffic = Traffic(rate=diurnal(50, 400), retries=0.6, attempts=2)
    estimate = demand_of([traffic], days=2, ports=512).estimate
    wanted = simulate([traffic], 2 * DAY, 64000).peak()
    # Every failure as a connection would be 512 + 5 × 1200 ports.
    assert wanted <= estimate <= 1.6 * wanted


def test_a_node_below_its_ceiling_gets_its_peak_with_headroom_and_the_room_that_is_free():
    workload = cluster([Traffic(rate=diurnal(50, 150))])
    demand = asked(workload).demand()
    peak = peak_of(workload)
    assert demand.evidence.demand_ports_per_node == peak and not demand.evidence.saturated
    assert demand.estimate is None
    assert demand.trigger(HEADROOM) == -(-peak * 125 // 100)
    assert peak * ROOM <= demand.target(HEADROOM) < peak * ROOM + 8 <= demand.target(50 + HEADROOM)
    assert peak * 1.25 * 8 / 7 <= demand.spare(HEADROOM) < peak * 1.25 * 8 / 7 + 2
    assert demand.trigger(HEADROOM) < 1024  # nothing to change


def test_failures_with_ports_to_spare_are_unexplained_and_scale_nothing():
    workload = cluster([Traffic(rate=steady(50))])
    node = workload.nodes['10.224.0.4']
    node.failed[5000:5010] = [40] * 10
    demand = asked(workload).demand()
    assert demand.unexplained_failures == demand.evidence.failed_connections == 400
    assert not demand.evidence.saturated and demand.estimate is None


def test_each_minute_is_judged_by_its_own_allocation():
    traffic = [Traffic(rate=diurnal(50, 400))]
    grown = [simulate(traffic, 7 * DAY, lambda minute: 1024 if minute < 5 * DAY + 600 else 2400, seed=1)]
    workload = Workload(MONDAY, dict(zip(addresses(1), grown)))
    demand = asked(workload).demand()
    # The old failures are still seen, and no longer ask for more than there is.
    assert demand.evidence.saturated and demand.evidence.failed_connections > 0
    assert demand.evidence.allocated_ports_per_node == 2400
    assert demand.evidence.peak_ports_per_node > 1500 and demand.evidence.peak_utilization < 0.8
    assert demand.trigger(HEADROOM) <= 2400


@given(st.floats(8, 64000), st.floats(0, 1e7), st.floats(0, 1e7))
def test_an_estimate_is_bounded(allocated, accepted, failed):
    ports, capped = estimated(allocated, accepted, failed)
    assert allocated <= ports <= allocated * CAP_FACTOR
    assert not capped or ports == allocated * CAP_FACTOR


@given(st.floats(0, 1e6), st.floats(0, 1e6), st.floats(0, 64000))
def test_no_protocol_accepts_more_than_all(accepted, released, free):
    for protocol in (TCP, UDP):
        assert 0 <= accepted_of(protocol, accepted, released, free) <= accepted


def test_an_estimate_far_beyond_the_allocation_is_capped_and_said_to_be():
    demand = demand_of([Traffic(rate=diurnal(200, 1600))], ports=256)
    assert demand.evidence.demand_is_capped
    assert demand.evidence.demand_ports_per_node == 256 * CAP_FACTOR


def test_a_turnover_ends_within_a_minute():
    """Of the minute in which it begins only a part counts: 512 ports were taken in 4 minutes and a bit of the fifth."""
    flows = {minute: Flows(1, 128, 488) for minute in range(60)}
    flows[40] = Flows(1, 100, 488)
    tables = Tables(used={('a', TCP): dict.fromkeys(flows, 512.0)}, allocated={('a', TCP): {0: 512.0}},
                    flows={'a': flows})
    estimate = max(one.estimate for one in judge_node(tables, 'a', 30).episodes)
    assert estimate == pytest.approx(512 + 488 * (4 + 28 / 128))


def test_hours_that_were_not_read_by_the_minute_count_connections_too():
    tables = Tables(buckets={('a', TCP): {0: Bucket(60, 500, 512, 512)}}, bucket_allocated={('a', TCP): {0: 512.0}},
                    bucket_flows={'a': {0: Flows(60, 6000, 6000)}})
    every, few = (judge_node(tables, 'a', 30, retries).episodes[0] for retries in (NO_RETRIES, Retries(2.0, 0.5)))
    assert (every.estimate, few.estimate) == (1024, 640)


def test_an_estimate_does_not_look_across_time_that_was_not_read():
    """The second span begins with failures alone; what was accepted hours before says nothing of it."""
    flows = {minute: Flows(1, 128, 0) for minute in range(60)}
    flows.update({minute: Flows(1, 0 if minute < 304 else 128, 100) for minute in range(300, 360)})
    tables = Tables(used={('a', TCP): dict.fromkeys(flows, 512.0)}, allocated={('a', TCP): {0: 512.0}},
                    flows={'a': flows})
    estimate = max(one.estimate for one in judge_node(tables, 'a', 30).episodes)
    assert 512 + 400 <= estimate <= 512 + 800


def test_no_more_was_wanted_than_all_that_was_refused():
    """Ports that are held for hours: hardly any came free, and 300 connections were refused since the first."""
    flows = {minute: Flows(1, 1, 1 if minute >= 200 else 0) for minute in range(500)}
    tables = Tables(used={('a', TCP): {minute: 511.0 if minute < 200 else 512.0 for minute in flows}},
                    allocated={('a', TCP): {0: 512.0}}, flows={'a': flows})
    assert max(one.estimate for one in judge_node(tables, 'a', 30).episodes) == 812


# Must show 3: inventories

def test_tcp_and_udp_do_not_add_up():
    workload = cluster([Traffic(rate=steady(100)), Traffic(rate=steady(12), protocol=UDP)])
    demand = asked(workload).demand()
    assert demand.evidence.peak_ports_per_node == max(peak_of(workload, TCP), peak_of(workload, UDP)) < 520
    assert demand.evidence.peak_protocol == TCP


def test_udp_decides_where_it_is_larger_and_tcp_does_not_dilute_its_estimate():
    udp, tcp = Traffic(rate=diurnal(20, 80), protocol=UDP), Traffic(rate=diurnal(50, 100))
    demand = demand_of([tcp, udp])
    wanted = simulate([udp], 7 * DAY, 64000).peak(UDP)
    assert demand.evidence.peak_protocol == UDP
    assert 0.9 * wanted <= demand.evidence.demand_ports_per_node <= 1.2 * wanted


def test_frontends_add_up_at_the_same_minute_and_their_maxima_do_not():
    node = simulate([Traffic(rate=diurnal(50, 150))], 3 * DAY, 1024, seed=4)
    # All on one frontend for half an hour, then on the other: each reaches nearly all of it, never both at once.
    swing = Placed(node, shares=lambda minute: (0.95, 0.05) if minute // 30 % 2 else (0.05, 0.95))
    workload = Workload(MONDAY, {'10.224.0.4': swing}, ('20.0.0.1', '20.0.0.2'))
    demand = asked(workload, 3).demand()
    assert demand.evidence.peak_ports_per_node == node.peak()
    assert demand.evidence.allocated_ports_per_node == 1024
    halves = Workload(MONDAY, {'10.224.0.4': node}, ('20.0.0.1', '20.0.0.2'))
    assert asked(halves, 3).demand().evidence.peak_ports_per_node == node.peak()


def test_without_protocols_the_sum_is_called_an_upper_bound():
    def both(query):
        while "ProtocolType eq '*'" in (query.filter or ''):
            query = weaker(query)
        return query
    workload = cluster([Traffic(rate=steady(50)), Traffic(rate=steady(5), protocol=UDP)], days=2)
    reading = asked(workload, 2)
    first, *later = answered(reading.questions(), lambda queries: reading.ask([both(query) for query in queries]))
    assert later and all('Protocol' not in answer.query.filter for answers in later for answer in answers)
    demand = measure(first)
    assert demand.evidence.peak_protocol == 'TCP+UDP' and not demand.peak_is_exact


# Must show 4: the idle timeout

def batch(quiet, busy):
    """Twelve hours quiet, four hours busy, with a sharp end."""
    return bursts(quiet, busy, 720, 240)


def held(*traffic, timeout=30, ports=1024):
    return demand_of(list(traffic), timeout=timeout, ports=ports).evidence


def test_ports_held_by_idle_flows_call_for_a_shorter_timeout():
    evidence = held(Traffic(rate=diurnal(5, 20), close=IDLE))
    assert evidence.mean_port_hold_minutes == pytest.approx(30, abs=1)
    assert evidence.idle_timeout_bound is True
    assert evidence.idle_timeout_relief == pytest.approx(26 / 30, abs=0.02)


@pytest.mark.parametrize('traffic', [
    [Traffic(rate=diurnal(50, 150))], [Traffic(rate=batch(20, 160))],
    [Traffic(rate=batch(2, 6), active=exponential(90))], [Traffic(rate=diurnal(2, 6), active=60)]])
def test_short_holds_and_long_active_flows_do_not(traffic):
    evidence = held(*traffic)
    assert evidence.idle_timeout_bound is False and evidence.idle_timeout_relief is None


@pytest.mark.parametrize('seed', range(5))
def test_a_mixture_is_recognised_by_how_use_falls(seed):
    traffic = [Traffic(rate=lambda minute: 0.95 * batch(20, 160)(minute)),
               Traffic(rate=lambda minute: 0.05 * batch(20, 160)(minute), close=IDLE)]
    workload = Workload(MONDAY, {'10.224.0.4': simulate(traffic, 7 * DAY, 2048, seed=seed)})
    evidence = asked(workload).demand().evidence
    assert evidence.idle_timeout_bound is True
    # With a timeout of 4 minutes the same connections hold 4 minutes each.
    shorter = sum(simulate(traffic, 7 * DAY, 2048, timeout=4, seed=seed).used[TCP])
    before = sum(workload.nodes['10.224.0.4'].used[TCP])
    assert evidence.idle_timeout_relief == pytest.approx(1 - shorter / before, abs=0.08)


@pytest.mark.parametrize('traffic', [[Traffic(rate=diurnal(5, 60), close=IDLE)],
                                     [Traffic(rate=diurnal(45, 90), close=IDLE, retries=0.4)]])
def test_idle_flows_are_told_on_a_full_node_too(traffic):
    evidence = held(*traffic)
    assert evidence.saturated and evidence.idle_timeout_bound is True
    assert evidence.mean_port_hold_minutes == pytest.approx(30, abs=0.2)
    assert evidence.idle_timeout_relief == pytest.approx(26 / 30, abs=0.01)


@pytest.mark.parametrize('between', [(12, 48), (20, 40)])
@pytest.mark.parametrize('most', [20, 60])
def test_connections_in_use_for_about_as_long_as_the_timeout_are_not_idle(between, most):
    low, high = between
    minutes = [low + (high - low) * (part + 0.5) / 12 for part in range(12)]
    evidence = held(Traffic(rate=diurnal(5, most), active=minutes))
    assert evidence.idle_timeout_bound is False and evidence.idle_timeout_relief is None


@pytest.mark.parametrize('seed', range(3))
def test_an_echo_of_short_connections_on_a_full_node_is_not_idle(seed):
    """Five minutes come back after thirty."""
    node = simulate([Traffic(rate=diurnal(50, 400), active=1)], 7 * DAY, 1024, seed=seed)
    assert not asked(Workload(MONDAY, {'10.224.0.4': node})).demand().evidence.idle_timeout_bound


def test_cannot_tell():
    """A few idle ones among many, with nothing that stands out."""
    evidence = held(Traffic(rate=diurnal(47, 143)), Traffic(rate=diurnal(3, 7), close=IDLE))
    assert evidence.idle_timeout_bound is None and evidence.idle_timeout_relief is None
    assert share_let_go([]) is None
    assert share_let_go([_Release(1.0, 1.0, 0.0, True)] * 100) is None


def test_udp_alone_is_held_until_the_timeout():
    evidence = held(Traffic(rate=diurnal(5, 20), protocol=UDP))
    assert evidence.idle_timeout_bound is True and evidence.idle_timeout_relief == pytest.approx(26 / 30, abs=0.01)


def test_no_advice_where_the_timeout_is_short_already():
    evidence = held(Traffic(rate=steady(50), close=IDLE), timeout=8)
    assert evidence.idle_timeout_bound is None and evidence.idle_timeout_relief is None


@given(st.floats(0, 200), st.integers(4, 120), st.integers(4, 120))
def test_relief_is_a_share_and_no_longer_timeout_gives_any(hold, timeout, shorter):
    assert 0 <= relief(hold, timeout, shorter) <= 1
    assert shorter < timeout or relief(hold, timeout, shorter) == udp_relief(timeout, shorter) == 0


# Must show 5: not enough, nothing, not applicable

def test_two_hours_of_history_are_not_enough():
    workload = Workload(MONDAY, {node: Placed(simulate([Traffic(rate=steady(50))], 120, 1024), first=7 * DAY - 120)
                                 for node in addresses(3)})
    demand = asked(workload).demand()
    assert demand.evidence.status == 'insufficientData' and '2.0 hours' in demand.evidence.reason
    assert not demand.actionable and demand.evidence.peak_ports_per_node > 0


def test_two_hours_with_failures_are_a_floor_to_act_on():
    workload = Workload(MONDAY, {'10.224.0.4': Placed(simulate([Traffic(rate=steady(500))], 120, 1024),
                                                      first=7 * DAY - 120)})
    demand = asked(workload).demand()
    assert demand.evidence.status == 'insufficientData' and demand.actionable
    assert demand.target(HEADROOM) > 1024


def test_half_of_the_time_missing_is_not_enough():
    node = simulate([Traffic(rate=steady(50))], 7 * DAY, 1024).without(DAY, 6 * DAY)
    demand = asked(Workload(MONDAY, {'10.224.0.4': node})).demand()
    assert demand.evidence.status == 'insufficientData' and '8' in demand.evidence.reason
    assert demand.evidence.coverage < 0.5
    young = Workload(MONDAY, {'10.224.0.4': Placed(simulate([Traffic(rate=steady(50))], 2 * DAY, 1024), first=5 * DAY)})
    assert asked(young).demand().evidence.status == 'sufficient'  # two days of life, seen whole


def test_gaps_are_not_zeros():
    whole = simulate([Traffic(rate=steady(50))], 7 * DAY, 1024, seed=1)
    gaps = asked(Workload(MONDAY, {'10.224.0.4': whole.without(2 * DAY, 3 * DAY)})).demand().evidence
    assert gaps.status == 'sufficient' and gaps.coverage == pytest.approx(36 / 49, abs=0.01)
    assert gaps.median_ports_per_node == asked(Workload(MONDAY, {'10.224.0.4': whole})).demand().evidence \
        .median_ports_per_node
    idle = demand_of([Traffic(rate=steady(0))]).evidence
    assert (idle.status, idle.coverage, idle.peak_ports_per_node, idle.demand_ports_per_node) == ('sufficient', 1, 0, 0)


def test_nodes_that_have_gone_count():
    short = simulate([Traffic(rate=steady(180))], 2 * DAY, 1024)
    stays = simulate([Traffic(rate=steady(20))], 7 * DAY, 1024)
    demand = asked(Workload(MONDAY, {'10.224.0.4': stays, '10.224.0.5': Placed(short, first=DAY)})).demand()
    assert demand.evidence.peak_node == '10.224.0.5' and demand.evidence.peak_ports_per_node == short.peak()
    assert demand.nodes_gone == 1 and demand.evidence.nodes_observed == 2


def test_no_data_in_its_variants():
    assert measure(()).evidence.reason == 'no metrics were captured'
    nothing = asked(Workload(MONDAY, {})).demand().evidence
    assert nothing.status == 'noData' and nothing.start == '2026-08-17T00:00:00Z' and nothing.peak_at is None
    empty = asked(cluster([Traffic(rate=steady(5))], days=1), 1, empty=True)
    assert empty.demand().evidence.status == 'noData' and len(empty.rounds) == 1
    told = unmeasured('noData', 'no permission', MONDAY, MONDAY + DAY)
    assert (told.evidence.reason, told.trigger(25), told.target(25), told.actionable) == (
        'no permission', None, None, False)


def test_connections_that_could_not_be_read_are_unknown_and_not_none():
    reading = asked(cluster([Traffic(rate=diurnal(50, 400))], days=2), 2)
    demand = measure([answer for answer in reading.answers if 'SnatConnectionCount' not in answer.query.metrics])
    assert demand.evidence.failed_connections is None and demand.evidence.mean_port_hold_minutes is None
    assert demand.evidence.saturated and demand.estimate == 1024 * BLIND_FACTOR


def test_protocols_as_words_and_dimensions_in_any_case_make_no_difference():
    workload = cluster([Traffic(rate=diurnal(50, 150))], days=2)
    usual = asked(workload, 2).demand()
    assert asked(workload, 2, words=True, lower_case=False, pad_gaps=False).demand() == usual


# Must show 6: from day to day

MONTHS = {
    'diurnal': [[Traffic(rate=diurnal(50, 400))]],
    'far beyond': [[Traffic(rate=diurnal(200, 1600))]],
    'retries': [[Traffic(rate=diurnal(200, 1600), retries=0.9, attempts=3)]],
    'batches': [[Traffic(rate=bursts(20, 600, 60, 3))]],
    'leak': [[Traffic(rate=diurnal(20, 80), close=IDLE)]],
    'udp': [[Traffic(rate=diurnal(20, 80), protocol=UDP), Traffic(rate=diurnal(50, 100))]],
    'weekly': [[Traffic(rate=weekly(diurnal(50, 320), 0.3))]],
    'long active': [[Traffic(rate=diurnal(20, 90), active=exponential(20))]],
}


#: Asked daily for a month; the others for twelve days: what they do, they do in the first five.
WHOLE_MONTHS = ('diurnal',)


def live(traffics, days=30, first=3, frontends=1):
    """Ask daily and apply what is asked for: the allocations by day, and the failures of each day. What has not
    happened when it is asked is simulated as well, and anew where another allocation is applied."""
    def simulated():
        schedule = []
        for (since, ports), (until, _) in zip(applied, applied[1:] + [(days * DAY, None)]):
            schedule += [ports] * (until - since)
        nodes = [simulate(traffic, len(schedule), schedule.__getitem__, seed=seed)
                 for seed, traffic in enumerate(traffics)]
        return Workload(MONDAY, dict(zip(addresses(len(nodes)), nodes)),
                        [f'20.0.0.{n}' for n in range(1, frontends + 1)])
    applied, failures = [(0, 1024)], []
    workload = simulated()
    for day in range(first, days):
        end = day * DAY + 600
        failures.append(sum(sum(node.failed[end - DAY:end]) for node in workload.nodes.values()))
        demand = Asked(workload, MONDAY + end, min(7, day)).demand()
        if demand.actionable and applied[-1][1] < demand.trigger(HEADROOM):
            applied.append((end, demand.target(HEADROOM)))
            workload = simulated()
    return applied, failures


@pytest.mark.parametrize('name', sorted(MONTHS))
def test_failures_end_and_a_month_of_days_never_swings(name):
    applied, failures = live(MONTHS[name], days=30 if name in WHOLE_MONTHS else 12)
    ports = [allocation for _, allocation in applied]
    assert ports == sorted(ports)
    assert len(ports) <= 3 and (len(ports) < 3 or applied[2][0] <= applied[1][0] + 5 * DAY)
    assert failures[0] > 0 or name == 'weekly'
    assert sum(failures[3:]) == 0


def test_growth_is_followed_in_steps_before_it_fails():
    applied, failures = live([[Traffic(rate=growing(diurnal(50, 150), 0.06))]], days=20, frontends=2)
    assert sum(failures) == 0
    assert 3 <= len(applied) <= 6
    assert [ports for _, ports in applied] == sorted(ports for _, ports in applied)


def test_an_hour_after_the_change_nothing_is_left_to_change():
    traffic = [Traffic(rate=diurnal(50, 400))]
    first = Workload(MONDAY, dict(zip(addresses(1), [simulate(traffic, 7 * DAY, 1024)])))
    target = asked(first).demand().target(HEADROOM)
    later = simulate(traffic, 7 * DAY + 60, lambda minute: 1024 if minute < 7 * DAY else target)
    demand = Asked(Workload(MONDAY, {'10.224.0.4': later}), MONDAY + 7 * DAY + 60).demand()
    assert demand.evidence.failed_connections > 0
    assert demand.trigger(HEADROOM) <= target


# Must show 7: the same answers, the same demand

def test_from_the_file_and_in_any_order_the_same():
    reading = asked(cluster([Traffic(rate=diurnal(50, 400))], [Traffic(rate=diurnal(50, 150))], frontends=2))
    live_demand = reading.demand()
    for seed in range(3):
        entries = [answer.to_snapshot() for answer in reading.answers]
        random.Random(seed).shuffle(entries)
        assert measure(answers_from_snapshot(json.loads(json.dumps(entries))), 30) == live_demand
    first, second = reading.rounds
    asking = reading.questions(2, 2)
    assert next(asking) == tuple(answer.query for answer in first)
    assert next_round(asking, first[::-1]) == tuple(answer.query for answer in second)


# the questions

def test_questions_come_in_rounds_that_are_never_empty():
    reading = asked(cluster([Traffic(rate=diurnal(50, 150))], days=2), 2)
    assert len(reading.rounds) == 2 and all(reading.rounds)
    asking = reading.questions()
    next(asking)
    assert next_round(asking, reading.rounds[0][:1]) and not next_round(asking, ())
    asking = reading.questions()
    next(asking)
    assert not next_round(asking, ())  # nothing could be read


@settings(deadline=None)
@given(st.integers(0, 5000), st.integers(0, 16), st.integers(1, 30))
def test_the_first_round_is_few_queries_with_top_and_all_nodes(nodes, frontends, days):
    span = Window(MONDAY - days * DAY + 17, MONDAY + 17)
    queries = next(questions(span, nodes, frontends))
    assert 3 <= len(queries) <= 5
    for query in queries:
        assert query.top >= 10 and query.end == span.end and query.start <= span.start
        assert query.interval == 0 or query.start % query.interval == 0
    assert {name for query in queries for name in query.metrics} == {
        'UsedSnatPorts', 'AllocatedSnatPorts', 'SnatConnectionCount'}
    assert all("BackendIPAddress eq '*'" in query.filter for query in queries[:3])


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 10 ** 6), st.integers(1, 40), st.integers(1, 7))
def test_the_second_round_is_bounded_and_stays_in_the_window(seed, count, days):
    generator = random.Random(seed)
    usual = [simulate([Traffic(rate=bursts(3, generator.randint(5, 400), generator.choice([60, 240, 1440]), 5))],
                      days * DAY, 1024, seed=n) for n in range(3)]
    workload = Workload(MONDAY, {node: generator.choice(usual) for node in addresses(count)})
    reading = asked(workload, days)
    _, second = reading.rounds
    assert 0 < len(second) <= 2 * MOST_BLOCKS
    for answer in second:
        query = answer.query
        assert query.interval == 1 and reading.window.start <= query.start < query.end <= reading.window.end
        assert len(urlencode(query.parameters())) < 2000
    assert reading.bytes < 30e6


def test_a_small_cluster_is_read_whole():
    reading = asked(cluster([Traffic(rate=steady(20))], days=2), 2)
    assert reading.demand().evidence.minute_grain_share == 1
    assert reading.demand().cluster_peak_is_exact


def test_addresses_that_are_none_are_never_asked_for():
    text = timestamp(MONDAY)
    rows = [{'metadatavalues': [{'name': {'value': 'BackendIPAddress'}, 'value': node}],
             'data': [{'timeStamp': text, 'average': 900, 'maximum': 900}]}
            for node in ("10.0.0.4", "x' or BackendIPAddress eq '*", 'node')]
    answer = Answer(None, {'interval': 'PT1H', 'value': [{'name': {'value': 'UsedSnatPorts'}, 'timeseries': rows}]})
    asking = questions(Window(MONDAY, MONDAY + DAY), 3)
    next(asking)
    queries = next_round(asking, [answer])
    assert queries and all("'10.0.0.4'" in query.filter and 'node' not in query.filter and "x'" not in query.filter
                           for query in queries)


def test_what_is_refused_is_asked_again_more_weakly():
    query = next(questions(Window(MONDAY, MONDAY + DAY), 3))[0]
    means = weaker(query)
    assert means.aggregations == ('Average',) and means.filter == query.filter
    merged = weaker(means)
    assert 'IsAwaitingRemoval' not in merged.filter and 'ProtocolType' in merged.filter
    together = weaker(merged)
    assert 'ProtocolType' not in together.filter and weaker(together) is None
