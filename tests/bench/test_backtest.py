"""The backtest, small: that it judges rightly, that lbplan holds in a week it has not seen, and what it rests on."""
import random

import pytest

from azext_lbplan.demand.retries import UNKNOWN, judge_retries
from azext_lbplan.demand.tables import Flows
from tests.bench import report
from tests.bench.backtest import run
from tests.bench.policies import Setting, fewest, own
from tests.bench.replay import Replay
from tests.bench.workloads import KINDS, make
from tests.support.workload import UDP, Traffic, bursts, simulate, steady

#: One seed each of some kinds that start with too few ports; the large run has all kinds and many seeds.
SMALL = (('diurnal', 1), ('bursty', 2), ('incident', 4))


@pytest.fixture(scope='module', name='rows')
def _rows():
    return [run(kind, seed, weeks=2) for kind, seed in SMALL]


def test_lbplan_holds_where_what_people_do_fails(rows):
    assert report.failing(rows, 'automatic') > 100 and report.failing(rows, 'maximum + 25 %') > 10
    for policy in ('lbplan once', 'lbplan once, decreasing'):
        assert report.failing(rows, policy) <= 1
    assert report.ips(rows, 'lbplan once') <= 2


def test_foresight_fails_nothing_and_not_with_a_port_less(rows):
    assert report.failing(rows, 'clairvoyant') == 0
    replay = Replay(make('diurnal', 1, 2))
    assert replay.outcome(1, replay.peak(1)).failed == 0
    assert replay.outcome(1, replay.peak(1) - 1).failed > 0


def test_a_seed_is_the_same_cluster_every_time_and_weeks_differ():
    first, again = Replay(make('deploys', 5, 2)), Replay(make('deploys', 5, 2))
    assert first.metrics(0, 256).nodes == again.metrics(0, 256).nodes
    assert first.metrics(0, 256).nodes != first.metrics(1, 256).nodes


@pytest.mark.parametrize('kind', KINDS)
def test_every_kind_makes_traffic_on_a_cluster_with_room_for_its_setting(kind):
    cluster = make(kind, 0, 1)
    assert cluster.count <= cluster.max_count and all(cluster.nodes)
    assert own(cluster) == (fewest(cluster, cluster.own_ports) if cluster.own_ports else Setting(0, 1))


def test_the_tables_name_every_policy_and_workload(rows):
    text = report.tables(rows)
    once = [name for name in rows[0]['policies'] if 'weekly' not in name]  # in one week, weekly is once
    assert all(name in text for name in [*once, *(kind for kind, _ in SMALL)])


# How many failures one refused connection makes

def flows_of(ports=512, **more):
    node = simulate([Traffic(rate=bursts(30, 220, 120, 40), **more)], 3 * 1440, ports, seed=3)
    return {minute: Flows(1, accepted, failed)
            for minute, (accepted, failed) in enumerate(zip(node.successful, node.failed))}


@pytest.mark.parametrize('again, attempts', [(0.0, 1), (0.5, 1), (0.8, 2), (0.0, 3)])
def test_retries_are_told_from_connections(again, attempts):
    found = judge_retries([flows_of(retries=again, attempts=attempts)])
    true = (1 - again) / attempts
    first = [(1 - retries.again) / retries.attempts for retries in (found.most, found.likely, found.fewest)]
    assert first == sorted(first) and first[0] <= 1.05 * true and true <= 1.05 * first[2]
    assert 0.7 * true <= first[1] <= 1.3 * true


def test_without_refusals_there_is_nothing_to_tell():
    assert judge_retries([flows_of(ports=64000)]) == UNKNOWN


def test_demand_that_swells_is_not_taken_for_retries():
    def swelling(minute):
        return 100 + 300 * abs((minute % 60) - 30) / 30
    node = simulate([Traffic(rate=swelling)], 3 * 1440, 512, seed=1)
    found = judge_retries([{minute: Flows(1, accepted, failed) for minute, (accepted, failed)
                            in enumerate(zip(node.successful, node.failed))}])
    assert found.fewest.again <= 0.05 and found.fewest.attempts == 1
    assert judge_retries([{minute: Flows(1, 100, 0) for minute in range(100)}]) == UNKNOWN


@pytest.mark.parametrize('again, attempts', [(0.5, 1), (0.3, 3)])
def test_gaps_and_few_minutes_never_make_more_retries_than_there_are(again, attempts):
    flows = flows_of(retries=again, attempts=attempts)
    for seed in range(5):
        chance = random.Random(seed)
        for first in range(0, 3 * 1440 - 599, 600):
            some = {minute: flows[minute] for minute in range(first, first + 600) if chance.random() > 0.2}
            retries = judge_retries([some]).fewest
            assert (1 - retries.again) / retries.attempts >= 0.85 * (1 - again) / attempts


def test_ports_of_udp_tell_of_retries_too():
    traffic = [Traffic(rate=steady(40), protocol=UDP, retries=0.5), Traffic(rate=steady(60))]
    node = simulate(traffic, 2 * 1440, 512, seed=2)
    found = judge_retries([{minute: Flows(1, accepted, failed) for minute, (accepted, failed)
                            in enumerate(zip(node.successful, node.failed))}])
    assert found.fewest.attempts == 1 and 0.35 <= found.fewest.again <= 0.52
