"""Subnets, route tables and NAT gateways, from bodies that may be anything."""
import pytest

from azext_lbplan.facts.ids import parse_id
from azext_lbplan.facts.networks import ROUTE_TABLE_TYPE, SUBNET_TYPE
from azext_lbplan.model.cluster import parse_cluster
from azext_lbplan.model.subnets import parse_nat_gateway, parse_route_table, parse_subnet
from tests.azure import pool
from tests.support.cases import GROUP, body

SUBNET = f'{GROUP}/virtualNetworks/vnet/subnets/nodes'
TABLE = f'{GROUP}/routeTables/routes'
GATEWAY = f'{GROUP}/natGateways/nat'


def test_a_subnet_is_within_its_network():
    parsed = parse_id(SUBNET, SUBNET_TYPE)
    assert (parsed.type, parsed.name, parsed.parent_name) == (SUBNET_TYPE, 'nodes', 'vnet')
    assert parse_id(SUBNET.upper(), SUBNET_TYPE) == SUBNET.upper()


@pytest.mark.parametrize('written', [
    f'{GROUP}/virtualNetworks/vnet', f'{GROUP}/virtualNetworks/vnet/subnets', f'{SUBNET}/', f'{SUBNET}/x/y',
    f'{GROUP}/virtualNetworks/../subnets/nodes', f'{GROUP}/virtualNetworks/vnet/subnets/..',
    f'{GROUP}/publicIPAddresses/vnet/subnets/nodes', f'{GROUP}/virtualNetworks/vnet/routeTables/nodes',
    f'{GROUP}/virtualNetworks/vnet/subnets/a b', f'{GROUP}/virtualNetworks/vnet/subnets/nodes\n'])
def test_what_is_no_subnet(written):
    assert parse_id(written, SUBNET_TYPE) is None
    assert parse_id(SUBNET, ROUTE_TABLE_TYPE) is None


@pytest.mark.parametrize('flat', [False, True])
def test_what_is_on_a_subnet(flat):
    inner = {'natGateway': {'id': GATEWAY}, 'routeTable': {'id': TABLE}}
    subnet = parse_subnet({'id': SUBNET, **(inner if flat else {'properties': inner})})
    assert (subnet.id, subnet.nat_gateway_id, subnet.route_table_id) == (SUBNET, GATEWAY, TABLE)
    assert parse_subnet({'id': SUBNET, 'properties': {}}) == (SUBNET, None, None)


@pytest.mark.parametrize('broken', [
    {}, {'id': 5}, {'id': TABLE}, {'id': SUBNET, 'natGateway': {'id': TABLE}},
    {'id': SUBNET, 'routeTable': {'id': '/etc/passwd'}}])
def test_what_does_not_parse_counts_as_not_read(broken):
    """Else a gateway that cannot be named would be no gateway."""
    assert parse_subnet(broken) is None


def route(prefix, hop='VirtualAppliance', address='10.0.0.4'):
    return {'name': 'r', 'properties': {'addressPrefix': prefix, 'nextHopType': hop, 'nextHopIpAddress': address}}


@pytest.mark.parametrize('prefixes, lower, upper', [
    ([], None, None), (['10.0.0.0/8'], None, None), (['0.0.0.0/0'], '0.0.0.0/0', '0.0.0.0/0'),
    (['0.0.0.0/1', '128.0.0.0/1'], '0.0.0.0/1', '128.0.0.0/1'), (['0.0.0.0/1'], '0.0.0.0/1', None),
    (['0.0.0.0/0', '128.0.0.0/1', 'AzureCloud'], '0.0.0.0/0', '128.0.0.0/1')])
def test_a_half_wins_over_the_whole(prefixes, lower, upper):
    table = parse_route_table({'id': TABLE, 'properties': {'routes': [route(prefix) for prefix in prefixes]}})
    assert [found.prefix if found else None for found in table.halves] == [lower, upper]


@pytest.mark.parametrize('inner, propagates', [
    ({}, True), ({'disableBgpRoutePropagation': False}, True), ({'disableBgpRoutePropagation': True}, False),
    ({'disableBgpRoutePropagation': 'yes'}, True)])
def test_learnt_routes_apply_unless_that_is_off(inner, propagates):
    assert parse_route_table({'id': TABLE, 'properties': inner}).propagates is propagates


def test_a_gateway_with_its_addresses():
    ip, prefix = f'{GROUP}/publicIPAddresses/a', f'{GROUP}/publicIPPrefixes/b'
    inner = {'publicIpAddresses': [{'id': ip}], 'publicIpPrefixes': [{'id': prefix}], 'idleTimeoutInMinutes': 10,
             'subnets': [{'id': SUBNET}]}
    gateway = parse_nat_gateway({'id': GATEWAY, 'sku': {'name': 'standard'}, 'properties': inner})
    assert gateway == (GATEWAY, 'Standard', 10, (ip, prefix), (SUBNET,))
    inner['publicIpAddresses'].append({'id': SUBNET})
    assert parse_nat_gateway({'id': GATEWAY, 'properties': inner}) is None
    assert parse_nat_gateway({'properties': inner}) is None


def test_pools_name_the_subnets_of_nodes_and_of_pods():
    pods = SUBNET.replace('nodes', 'pods')
    cluster = parse_cluster(body([
        pool('a', vnetSubnetID=SUBNET, podSubnetID=pods), pool('b', vnetSubnetId=SUBNET.upper()),
        pool('c', vnetSubnetID='/x')]))
    assert sorted(cluster.subnet_ids) == [SUBNET, pods]
    assert [one.own_subnet for one in cluster.pools] == [True] * 3 and cluster.pools[2].subnet_id is None
    assert [one.target for one in cluster.malformed] == ['agentPoolProfiles.vnetSubnetID']
