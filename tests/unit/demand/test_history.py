"""What can be seen of a node over time: minutes where they were read, else intervals, and nothing twice."""
import pytest

from azext_lbplan.demand.history import history
from azext_lbplan.model.metrics import minute_of
from tests.support.asking import Asked
from tests.support.workload import (DAY, UDP, Placed, Traffic, Workload, addresses, diurnal, simulate, steady, window)

MONDAY = minute_of('2026-08-17T00:00:00Z')


def read(workload, days, **more):
    return Asked(workload, MONDAY + days * DAY, days, **more)


@pytest.fixture(scope='module', params=[1, 3])
def busy(request):
    """A node among 400 with a storm that fails, seen by one or three frontends."""
    hot = simulate([Traffic(rate=window(40, 400, 3000, 3030)), Traffic(rate=steady(2), protocol=UDP)], 7 * DAY, 1024)
    calm = simulate([Traffic(rate=diurnal(5, 40))], 7 * DAY, 1024, seed=1)
    nodes = {**dict.fromkeys(addresses(400), calm), '10.224.0.9': hot}
    frontends = [f'20.0.0.{number}' for number in range(request.param)]
    return hot, read(Workload(MONDAY, nodes, frontends), 7, frontends=request.param)


def test_it_holds_all_of_the_time_once(busy):
    hot, asked = busy
    found = history(asked.answers, '10.224.0.9', 'TCP')
    assert found.moments[0].start == MONDAY and found.moments[-1].start + found.moments[-1].minutes == MONDAY + 7 * DAY
    for one, other in zip(found.moments, found.moments[1:]):
        assert one.start + one.minutes == other.start
    for moment in found.moments:
        if moment.exact:
            assert moment.minutes == 1 and moment.used == hot.used['TCP'][moment.start - MONDAY]
    assert max(moment.used for moment in found.moments) == 1024
    assert sum(moment.failed for moment in found.moments) == sum(hot.failed)
    saturated = [moment for moment in found.moments if moment.saturated]
    assert saturated and all(moment.exact and 3000 <= moment.start - MONDAY < 3040 for moment in saturated)
    assert any(not moment.exact for moment in found.moments), 'not all of a week of 400 nodes is read by the minute'


def test_of_another_protocol_or_node_there_is_another_or_none(busy):
    _, asked = busy
    assert max(moment.used for moment in history(asked.answers, '10.224.0.9', 'UDP').moments) < 110
    assert history(asked.answers, '10.9.9.9', 'TCP') is None
    assert history((), '10.224.0.9', 'TCP') is None


def test_a_gap_stays_a_gap():
    node = simulate([Traffic(rate=steady(50))], 2 * DAY, 1024)
    found = history(read(Workload(MONDAY, {'10.224.0.4': Placed(node, first=600)}), 2).answers, '10.224.0.4', 'TCP')
    assert found.moments[0].start == MONDAY + 600
