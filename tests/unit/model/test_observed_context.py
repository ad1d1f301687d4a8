# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What is known of a cluster around a Service."""

from azext_lbplan.model.observed import Observed, parse_observed
from azext_lbplan.model.observed_context import context_of
from azext_lbplan.model.service_context import NO_CLUSTER
from tests.support.worlds import world


def test_without_a_cluster_nothing_is_known():
    assert context_of(Observed(cluster=None)) == NO_CLUSTER


def test_what_was_read():
    context = context_of(parse_observed(world(own=2)))
    assert (context.load_balancer_sku, context.location, context.ip_families) == ('Standard', 'westeurope', ('IPv4',))
    assert [(address.name, address.outbound) for address in context.public_addresses] == [
        ('own0', True), ('own1', True)]
    assert context.frontends == 2


def test_what_was_not_read_is_known_by_its_id_or_not_at_all():
    snapshot = world(own=1)
    context = context_of(parse_observed({**snapshot, 'loadBalancer': None, 'publicIpAddresses': []}))
    assert (context.frontends, context.rules, context.rules_per_nic) == (None, None, None)
    address, = context.public_addresses
    assert (address.name, address.address, address.location, address.outbound) == ('own0', None, None, True)
