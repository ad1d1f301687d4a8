"""What Services are held against: the nodes of a cluster, and the ports that are given to them."""
import pytest

from azext_lbplan.decision import decide
from azext_lbplan.decision.service_room import service_context
from azext_lbplan.model.observed import parse_observed
from azext_lbplan.model.service_context import OutboundPorts
from tests.azure import pool
from tests.support.worlds import outbound_rule, over, world


def room(snapshot):
    return service_context(decide(parse_observed(snapshot)))


def test_explicit_ports_on_the_ips_in_force():
    snapshot = world(pool(count=3, max_count=5, max_surge='1'), ports=8000, managed=2)
    balancer = over(snapshot)
    balancer.add_service_rule(balancer.properties['frontendIPConfigurations'][0], 80)
    found = room(snapshot)
    assert (found.nodes_now, found.nodes_at_most, found.outbound) == (3, 6, OutboundPorts(8000, 128000, 1))
    assert found.outbound.left(6, 0) == 21328 and found.outbound.left(6, 1999) == 18664


def test_what_the_outbound_rule_gives_counts_and_not_what_the_profile_asks_for():
    snapshot = world(ports=8000)
    outbound_rule(snapshot)['allocatedOutboundPorts'] = 16000
    assert room(snapshot).outbound.per_node == 16000


@pytest.mark.parametrize('snapshot', [world(), world(outbound_type='userDefinedRouting'), world(sku='basic')])
def test_without_explicit_ports_there_is_nothing_to_run_out_of(snapshot):
    found = room(snapshot)
    assert found.outbound is None and found.nodes_now == 3
