"""The way back: what it sets again, why there is none, and what it says that it leaves undone."""
import pytest

from azext_lbplan.decision.rollback import Obstacle, Remainder, rollback
from azext_lbplan.options import Change, Scale
from azext_lbplan.views.rollback import way_back
from tests.azure.builders import pool
from tests.support.cases import body, ip_ids, managed, own_ips, prefix_bodies, prefixes
from tests.unit.decision.test_decide import LISTED, new, solve

PORTS, COUNT, IDLE = (f'--load-balancer-{name}' for name in ('outbound-ports', 'managed-outbound-ip-count',
                                                            'idle-timeout'))
OWN = '--load-balancer-outbound-ips'
FULL = {'allocatedOutboundPorts': 8000, 'idleTimeoutInMinutes': 30}
TOO_FULL = {'allocatedOutboundPorts': 32000}


def back(cluster, change=Change(), **around):
    return rollback(solve(cluster, change, **around))


@pytest.mark.parametrize('cluster, change, flags, remainders', [
    (body(**managed(1)), Change(outbound_ports=4000), (PORTS, '0'), {Remainder.CONNECTIONS}),
    (body(**managed(1), **FULL), Change(outbound_ports=40000), (COUNT, '1', PORTS, '8000'),
     {Remainder.CONNECTIONS, Remainder.CHOSEN_IPS}),
    (body(**managed(3), **FULL), Change(managed_outbound_ip_count=1), (COUNT, '3'),
     {Remainder.CONNECTIONS, Remainder.DELETED_IPS}),
    (body(**managed(3), **FULL), Change(outbound_ips=tuple(ip_ids(2))), (COUNT, '3'),
     {Remainder.CONNECTIONS, Remainder.DELETED_IPS}),
    (body(**own_ips(2), **FULL), Change(managed_outbound_ip_count=2), (OWN, ','.join(ip_ids(2))),
     {Remainder.CONNECTIONS}),
    (body(**managed(1), **FULL), Change(idle_timeout_in_minutes=4), (IDLE, '30'), {Remainder.CONNECTIONS}),
    (body(**managed(1), **{**FULL, 'idleTimeoutInMinutes': 120}),
     Change(outbound_ports=8, idle_timeout_in_minutes=4), (PORTS, '8000'),
     {Remainder.CONNECTIONS, Remainder.IDLE_TIMEOUT}),
])
def test_what_is_set_again(cluster, change, flags, remainders):
    found = back(cluster, change)
    assert (found.flags, set(found.remainders), found.obstacle) == (flags, remainders, None)
    assert found.command.startswith('az aks update ') and flags[-1] in found.command


def test_public_ips_that_are_made_first_stay():
    decision = solve(body(**own_ips(1), **FULL), Change(outbound_ports=32000), **LISTED)
    found = rollback(decision)
    assert found.flags == (OWN, ip_ids(1)[0], PORTS, '8000') and Remainder.MADE_IPS in found.remainders
    assert any('aks1-outbound-1' in told for told in way_back(decision)['notRestored'])


@pytest.mark.parametrize('cluster, change, obstacle', [
    (body(**managed(1), **TOO_FULL), Change(), Obstacle.REFUSED),
    (body(**managed(1), allocatedOutboundPorts=1001), Change(), Obstacle.REFUSED),
    (body(**managed(1), **own_ips(1), **FULL), Change(managed_outbound_ip_count=2), Obstacle.SEVERAL_KINDS),
    (body(**managed(1), **{**FULL, 'idleTimeoutInMinutes': 120}), Change(idle_timeout_in_minutes=4),
     Obstacle.NOT_SETTABLE),
])
def test_why_there_is_no_line(cluster, change, obstacle):
    decision = solve(cluster, change)
    found = rollback(decision)
    assert (found.command, found.flags, found.obstacle) == (None, (), obstacle) and decision.command
    assert way_back(decision)['notRestored'][0].endswith('.')


def test_a_count_in_doubt_leaves_the_line_and_says_so():
    """Stopped pools may count or not: what fits without them may be set again."""
    pools = [pool('a', 4), pool('b', 5, powerState={'code': 'Stopped'})]
    found = back(body(pools, **managed(1), **FULL))
    assert found.flags[:2] == (COUNT, '1') and Remainder.MAYBE_REFUSED in found.remainders


def test_an_own_ip_that_is_gone_is_not_set_again():
    missing = [{'resourceId': ip_ids(1)[0], 'status': 404, 'code': 'ResourceNotFound', 'message': 'No.'}]
    found = back(body(**own_ips(1), **FULL), Change(managed_outbound_ip_count=1), errors=missing)
    assert found.obstacle is Obstacle.UNUSABLE_ADDRESS


def test_there_is_none_where_nothing_changes_or_nothing_was():
    assert back(body(**managed(1), **FULL)) is None
    assert rollback(new(Scale(node_count=3))) is None
    grown = solve(body(**prefixes(1), **TOO_FULL), publicIpPrefixes=prefix_bodies(28))
    assert grown.command is None and rollback(grown) is None
