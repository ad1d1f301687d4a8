"""Where packets really leave: each way out, what wins over what, and what is not known."""
import pytest

from azext_lbplan.decision.egress import egress_of
from tests.azure import pool
from tests.support.cases import body, managed, observe, own_ips, prefixes
from tests.support.ways import (MANAGED_SUBNET, MANAGED_TABLE, NODE_GROUP, address, gateway, gateway_id, routes, subnet,
                                subnet_id, table_id)

FIREWALL = ('0.0.0.0/0', 'VirtualAppliance', '10.0.0.4')
HALVES = (('0.0.0.0/1', 'VirtualAppliance', '10.0.0.4'), ('128.0.0.0/1', 'VirtualAppliance', '10.0.0.4'))
INTERNET = ('0.0.0.0/0', 'Internet')
VPN = ('0.0.0.0/0', 'VirtualNetworkGateway')
NOWHERE = ('0.0.0.0/0', 'None')
FIREWALLS_OWN = ('20.5.6.7/32', 'Internet')
PODS = ('10.244.1.0/24', 'VirtualAppliance', '10.224.0.5')


def of(*hops, gateway=None, outbound_type='loadBalancer', table=True, **more):
    """The egress of a cluster with one subnet of the user's, with these routes."""
    cluster = body([pool('system', vnetSubnetID=subnet_id(), **more)], outbound_type=outbound_type, **managed())
    return egress_of(observe(cluster, subnets=[subnet(subnet_id(), gateway, table_id() if table else None)],
                             routeTables=[routes(*hops)] if table else []))


@pytest.mark.parametrize('hops, gateway, more, effective, via', [
    ((), None, {}, 'loadBalancer', None),
    ((INTERNET,), None, {}, 'loadBalancer', None),
    ((FIREWALLS_OWN,), None, {}, 'loadBalancer', None),
    ((PODS,), None, {}, 'loadBalancer', None),
    ((FIREWALL,), None, {}, 'virtualAppliance', '10.0.0.4'),
    ((FIREWALL, FIREWALLS_OWN), None, {}, 'virtualAppliance', '10.0.0.4'),
    (HALVES, None, {}, 'virtualAppliance', '10.0.0.4'),
    ((INTERNET, *HALVES), None, {}, 'virtualAppliance', '10.0.0.4'),
    ((HALVES[0], ('128.0.0.0/1', 'VirtualAppliance', '10.0.0.5')), None, {}, 'virtualAppliance', None),
    ((HALVES[0], ('0.0.0.0/0', 'VirtualAppliance', '10.0.0.4')), None, {}, 'virtualAppliance', '10.0.0.4'),
    ((VPN,), None, {}, 'virtualNetworkGateway', None),
    ((NOWHERE,), None, {}, 'blocked', None),
    ((NOWHERE,), gateway_id(), {}, 'blocked', None),
    ((), gateway_id(), {}, 'natGateway', gateway_id()),
    ((INTERNET,), gateway_id(), {}, 'natGateway', gateway_id()),
    ((FIREWALL,), gateway_id(), {}, 'virtualAppliance', '10.0.0.4'),
    ((), None, {'enableNodePublicIP': True}, 'nodePublicIp', None),
    ((), gateway_id(), {'enableNodePublicIP': True}, 'natGateway', gateway_id()),
    ((FIREWALL,), None, {'enableNodePublicIP': True}, 'virtualAppliance', '10.0.0.4'),
    (HALVES[:1], None, {}, 'mixed', None),
    ((HALVES[0], NOWHERE), None, {}, 'mixed', None),
    ((('0.0.0.0/0', 'VnetLocal'),), None, {}, 'unknown', None),
    ((('0.0.0.0/0', 'Somewhere'),), None, {}, 'unknown', None),
])
def test_the_first_way_that_azure_takes(hops, gateway, more, effective, via):
    """A route to an appliance or a gateway, the NAT gateway, a public IP on the node, the outbound rule."""
    egress = of(*hops, gateway=gateway, **more)
    assert (egress.declared, egress.effective, egress.via) == ('loadBalancer', effective, via)
    assert egress.bypassed == (effective not in ('loadBalancer', 'mixed', 'unknown'))
    assert (egress.evidence == ()) == (effective == 'loadBalancer')
    assert egress.evidence == () or 'system' in egress.evidence[0]


@pytest.mark.parametrize('outbound_type, hops, gateway, effective, astray', [
    ('userDefinedRouting', (FIREWALL,), None, 'virtualAppliance', False),
    ('userDefinedRouting', (VPN,), None, 'virtualNetworkGateway', False),
    ('userDefinedRouting', (), None, 'blocked', True),
    ('userDefinedRouting', (INTERNET,), None, 'blocked', True),
    ('userDefinedRouting', (FIREWALLS_OWN,), None, 'blocked', True),
    ('userDefinedRouting', (NOWHERE,), None, 'blocked', True),
    ('userDefinedRouting', (), gateway_id(), 'natGateway', True),
    ('userAssignedNATGateway', (), gateway_id(), 'natGateway', False),
    ('userAssignedNATGateway', (), None, 'blocked', True),
    ('userAssignedNATGateway', (FIREWALL,), gateway_id(), 'virtualAppliance', True),
    ('managedNATGateway', (), gateway_id(), 'natGateway', False),
    ('managedNATGatewayV2', (), None, 'blocked', True),
    ('none', (), None, 'unknown', False),
    ('none', (FIREWALL,), None, 'virtualAppliance', False),
    ('block', (), gateway_id(), 'blocked', False),
    ('someFutureType', (), None, 'unknown', False),
])
def test_other_outbound_types_are_looked_at_as_well(outbound_type, hops, gateway, effective, astray):
    egress = of(*hops, gateway=gateway, outbound_type=outbound_type)
    assert (egress.declared, egress.effective, bool(egress.astray)) == (outbound_type, effective, astray)
    assert not egress.bypassed and egress.evidence


def managed_network(*subnets, outbound_type='loadBalancer', **around):
    return egress_of(observe(body(outbound_type=outbound_type, **managed()), subnets=list(subnets), **around))


def test_in_the_network_of_aks_its_own_subnet_and_its_own_routes_count():
    plain = managed_network(subnet(MANAGED_SUBNET, table=MANAGED_TABLE))
    assert (plain.effective, plain.evidence) == ('loadBalancer', ())
    assert managed_network(subnet(MANAGED_SUBNET.replace('aks-subnet', 'default'))).effective == 'loadBalancer'
    other = subnet(MANAGED_SUBNET.replace('aks-subnet', 'aks-apiserver'), gateway_id())
    assert managed_network(other, subnet(MANAGED_SUBNET)).effective == 'loadBalancer'
    two = managed_network(other, subnet(MANAGED_SUBNET.replace('aks-subnet', 'x')))
    assert two.effective == 'unknown' and 'could not be told' in two.evidence[0]
    theirs = managed_network(subnet(MANAGED_SUBNET, f'{NODE_GROUP}/natGateways/aks'), outbound_type='managedNATGateway')
    assert (theirs.effective, theirs.via) == ('natGateway', f'{NODE_GROUP}/natGateways/aks') and not theirs.astray


def test_pools_may_differ():
    pools = [pool('system', vnetSubnetID=subnet_id()), pool('batch', vnetSubnetID=subnet_id('b')),
             pool('web', vnetSubnetID=subnet_id())]
    bodies = [subnet(subnet_id(), gateway_id()), subnet(subnet_id('b'))]
    egress = egress_of(observe(body(pools, outbound_type='userAssignedNATGateway'), subnets=bodies))
    assert (egress.effective, egress.via, egress.addresses) == ('mixed', None, None)
    assert [path.pools for path in egress.astray] == [('batch',)]
    assert 'system, web' in egress.evidence[0] and 'vnet/b' in egress.evidence[1] and 'blocked' in egress.evidence[1]
    on_balancer = egress_of(observe(body(pools, **managed()), subnets=bodies))
    assert on_balancer.effective == 'mixed' and not on_balancer.bypassed
    assert [path.pools for path in on_balancer.astray] == [('system', 'web')]
    two_gateways = [subnet(subnet_id(), gateway_id()), subnet(subnet_id('b'), gateway_id('nat2'))]
    both = egress_of(observe(body(pools, **managed()), subnets=two_gateways))
    assert (both.effective, both.via, both.bypassed) == ('natGateway', None, True)


def test_pods_leave_by_their_own_subnet():
    pools = [pool('system', vnetSubnetID=subnet_id(), podSubnetID=subnet_id('pods'))]
    bodies = [subnet(subnet_id()), subnet(subnet_id('pods'), gateway_id())]
    egress = egress_of(observe(body(pools, **managed()), subnets=bodies))
    assert egress.effective == 'mixed' and not egress.bypassed
    assert egress.evidence[0].startswith('Pods of system (subnet vnet/pods): natGateway')
    assert egress.evidence[1].startswith('Nodes of system (subnet vnet/nodes): loadBalancer')


def unread(resource_id, status):
    return {'errors': [{'resourceId': resource_id, 'status': status, 'code': 'Code', 'message': 'No.'}]}


@pytest.mark.parametrize('around, words', [
    ({}, '--save-to'), (unread(subnet_id(), 403), 'Microsoft.Network/virtualNetworks/subnets/read'),
    (unread(subnet_id().upper(), 404), 'does not exist'), (unread(subnet_id(), 500), 'Code'),
    ({'subnets': [subnet(subnet_id(), table=table_id())]}, '--save-to'),
    ({'subnets': [subnet(subnet_id(), gateway_id(), table_id())], **unread(table_id(), 403)},
     'Microsoft.Network/routeTables/read'),
    ({'subnets': [{'id': subnet_id(), 'properties': {'natGateway': {'id': 'x'}}}]}, '--save-to')])
def test_what_was_not_read_makes_no_claim(around, words):
    egress = egress_of(observe(body([pool('system', vnetSubnetID=subnet_id())], **managed()), **around))
    assert (egress.effective, egress.via, egress.addresses) == ('unknown', None, None)
    assert words in egress.evidence[0] and not egress.astray and not egress.bypassed


@pytest.mark.parametrize('around, words', [
    ({}, '--save-to'), (unread(f'{NODE_GROUP}/virtualNetworks', 403), 'Microsoft.Network/virtualNetworks/read'),
    ({'lists': [{'resourceId': f'{NODE_GROUP}/virtualNetworks', 'names': []}]}, 'was found')])
def test_the_network_of_aks_may_be_unknown_too(around, words):
    egress = managed_network(**around)
    assert egress.effective == 'unknown' and words in egress.evidence[0]


def test_one_pool_that_is_unknown_leaves_the_whole_unknown_and_the_rest_told():
    pools = [pool('system', vnetSubnetID=subnet_id()), pool('batch', vnetSubnetID=subnet_id('b'))]
    egress = egress_of(observe(body(pools, **managed()), subnets=[subnet(subnet_id(), gateway_id())]))
    assert egress.effective == 'unknown' and not egress.bypassed
    assert [path.pools for path in egress.astray] == [('system',)]
    malformed = egress_of(observe(body([pool(vnetSubnetID='x')], **managed()), subnets=[subnet(MANAGED_SUBNET)]))
    assert malformed.effective == 'unknown' and 'malformed' in malformed.evidence[0]


@pytest.mark.parametrize('egress, learnt', [
    (of(table=False), True), (of(), True), (of(INTERNET), False), (of(FIREWALL), False), (of(*HALVES[:1]), True),
    (managed_network(subnet(MANAGED_SUBNET)), False),
    (egress_of(observe(body([pool(vnetSubnetID=subnet_id())]), subnets=[subnet(subnet_id(), table=table_id())],
                       routeTables=[routes(propagates=False)])), False)])
def test_where_routes_may_come_from_elsewhere(egress, learnt):
    """A route of the table wins over a learnt one for the same prefix; the network of AKS has no gateway."""
    assert [path.learnt for path in egress.paths] == [learnt]


MADE = [{'id': f'{NODE_GROUP}/publicIPAddresses/m{number}', 'properties': {'ipAddress': f'20.1.2.{number}'}}
        for number in range(2)]
FRONTENDS = [{'id': f'f{number}', 'properties': {'publicIPAddress': {'id': one['id']}}}
             for number, one in enumerate(MADE)]
BALANCER = {'id': 'lb', 'properties': {'frontendIPConfigurations': FRONTENDS, 'outboundRules': [
    {'name': 'aksOutboundRule', 'properties': {'frontendIPConfigurations': [{'id': 'f0'}]}},
    {'name': 'more', 'properties': {'frontendIPConfigurations': [{'id': 'F1'}]}}]}}


def addresses(cluster, *subnets, **around):
    return egress_of(observe(cluster, subnets=list(subnets) or [subnet(MANAGED_SUBNET)], **around)).addresses


def test_addresses_of_the_load_balancer():
    """Those in force, of every outbound rule; where it was not read, those that the profile calls effective."""
    cluster = body(effectiveOutboundIPs=[{'id': MADE[0]['id']}], **managed())
    assert addresses(cluster, publicIpAddresses=MADE) == ('20.1.2.0',)
    assert addresses(cluster, publicIpAddresses=MADE, loadBalancer=BALANCER) == ('20.1.2.0', '20.1.2.1')
    assert addresses(cluster, publicIpAddresses=MADE[:1], loadBalancer=BALANCER) is None, 'no part of a list'
    assert addresses(cluster) is None and addresses(body(**managed())) is None


def test_own_addresses_and_prefixes():
    own = address('own0', '20.1.2.9')
    assert addresses(body(**own_ips(1)), publicIpAddresses=[own]) == ('20.1.2.9',)
    prefix = {'id': prefixes(1)['outboundIPPrefixes']['publicIPPrefixes'][0]['id'],
              'properties': {'ipPrefix': '20.4.5.0/31', 'prefixLength': 31}}
    assert addresses(body(**prefixes(1)), publicIpPrefixes=[prefix]) == ('20.4.5.0/31',)
    prefix['properties'] = {'prefixLength': 31}
    assert addresses(body(**prefixes(1)), publicIpPrefixes=[prefix]) is None
    assert addresses(body(**own_ips(1)), publicIpAddresses=[address('own0', '20.1.2.9; rm')]) is None


def test_addresses_of_a_gateway_and_of_no_way():
    pools = [pool(vnetSubnetID=subnet_id())]
    behind = subnet(subnet_id(), gateway_id())
    out = address('out', '20.7.7.7')
    assert addresses(body(pools, **managed()), behind, natGateways=[gateway(out['id'])],
                     publicIpAddresses=[out]) == ('20.7.7.7',)
    assert addresses(body(pools, **managed()), behind, publicIpAddresses=[out]) is None
    assert of(FIREWALL).addresses is None and of(NOWHERE).addresses == ()
    natted = body(outbound_type='managedNATGateway')
    natted['properties']['networkProfile']['natGatewayProfile'] = {'effectiveOutboundIPs': [{'id': MADE[1]['id']}]}
    assert addresses(natted, subnet(MANAGED_SUBNET, gateway_id()), publicIpAddresses=MADE) == ('20.1.2.1',)


def test_in_dual_stack_a_gateway_leaves_ipv6_to_the_load_balancer():
    ipv6 = {'id': f'{NODE_GROUP}/publicIPAddresses/m-ipv6',
            'properties': {'ipAddress': '2001:db8::7', 'publicIPAddressVersion': 'IPv6'}}
    balancer = {'properties': {
        'frontendIPConfigurations': [*FRONTENDS, {'id': 'f6', 'properties': {'publicIPAddress': {'id': ipv6['id']}}}],
        'outboundRules': [{'name': name, 'properties': {'frontendIPConfigurations': [{'id': frontend}]}}
                          for name, frontend in (('aksOutboundRule', 'f0'), ('aksOutboundRule-ipv6', 'f6'))]}}
    out = address('out', '20.7.7.7')
    cluster = body([pool(vnetSubnetID=subnet_id())], dual_stack=True, **managed())
    around = {'loadBalancer': balancer, 'publicIpAddresses': [out, ipv6, *MADE], 'natGateways': [gateway(out['id'])]}
    egress = egress_of(observe(cluster, subnets=[subnet(subnet_id(), gateway_id())], **around))
    assert egress.addresses == ('20.7.7.7', '2001:db8::7') and 'IPv6 stays' in egress.evidence[-1]
    assert addresses(cluster, subnet(subnet_id()), **around) == ('20.1.2.0', '2001:db8::7')


def test_without_a_cluster_there_is_no_way_yet():
    assert egress_of(observe())[:2] == ('loadBalancer', 'unknown')
