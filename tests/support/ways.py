"""Networks around a cluster: subnets, route tables and NAT gateways as snapshots hold them."""
from tests.azure import OTHER_SUBSCRIPTION, pool
from tests.support.cases import GROUP, SUBSCRIPTION

NODE_GROUP = f'/subscriptions/{SUBSCRIPTION}/resourceGroups/MC_rg1_aks1_westeurope/providers/Microsoft.Network'
MANAGED_SUBNET = f'{NODE_GROUP}/virtualNetworks/aks-vnet-1/subnets/aks-subnet'
MANAGED_TABLE = f'{NODE_GROUP}/routeTables/aks-agentpool-1-routetable'


def subnet_id(name='nodes'):
    """A subnet of the user's."""
    return f'{GROUP}/virtualNetworks/vnet/subnets/{name}'


def table_id(name='routes'):
    """A route table of the user's."""
    return f'{GROUP}/routeTables/{name}'


def gateway_id(name='nat'):
    """A NAT gateway of the user's."""
    return f'{GROUP}/natGateways/{name}'


def subnet(identifier, gateway=None, table=None):
    """The body of a subnet; `gateway` and `table` are ids."""
    found = {'natGateway': {'id': gateway} if gateway else None, 'routeTable': {'id': table} if table else None}
    return {'id': identifier, 'name': identifier.rsplit('/', 1)[-1],
            'properties': {'addressPrefix': '10.224.0.0/16', **{key: one for key, one in found.items() if one}}}


def routes(*hops, name='routes', propagates=True):
    """The body of a route table, from (prefix, next hop type) or (prefix, next hop type, address)."""
    return {'id': table_id(name), 'properties': {'disableBgpRoutePropagation': not propagates, 'routes': [
        {'name': f'route{number}', 'properties': dict(zip(('addressPrefix', 'nextHopType', 'nextHopIpAddress'), hop))}
        for number, hop in enumerate(hops)]}}


def gateway(*addresses, name='nat', idle=4):
    """The body of a NAT gateway with public IPs of these ids."""
    return {'id': gateway_id(name), 'sku': {'name': 'Standard'}, 'properties': {
        'idleTimeoutInMinutes': idle, 'publicIpAddresses': [{'id': one} for one in addresses]}}


def address(name, ip, **more):
    """The body of a public IP of the user's."""
    return {'id': f'{GROUP}/publicIPAddresses/{name}', 'name': name, 'location': 'westeurope',
            'sku': {'name': 'Standard'}, 'properties': {'ipAddress': ip, 'publicIPAllocationMethod': 'Static', **more}}


# The same in the stand-in

FIREWALL = ('0.0.0.0/0', 'VirtualAppliance', '10.0.0.4')

#: Where packets of the clusters of `every_way` leave.
EFFECTIVE = {'plain': 'loadBalancer', 'own': 'loadBalancer', 'kubenet': 'loadBalancer', 'near': 'loadBalancer',
             'nat': 'natGateway', 'managed-nat': 'natGateway', 'far': 'natGateway', 'firewall': 'virtualAppliance',
             'halves': 'virtualAppliance', 'vpn': 'virtualNetworkGateway', 'routed': 'virtualAppliance',
             'lost': 'blocked', 'dropped': 'blocked', 'blocked': 'blocked', 'mixed': 'mixed', 'forgotten': 'mixed',
             'pods': 'mixed', 'public': 'nodePublicIp'}


def every_way(arm):
    """Clusters whose packets leave by each way: {name: id}."""
    def on(name, *hops, gateway=None, **more):
        subnet_, = arm.add_subnets('nodes', network=f'vnet-{name}')
        table = arm.add_route_table(*hops, name=f'routes-{name}') if hops else None
        arm.join(subnet_, gateway, table)
        return arm.add_cluster(name, pools=[pool(vnetSubnetID=subnet_)], ports=1024, **more)

    def two(name, **more):
        first, second = arm.add_subnets('a', 'b', network=f'vnet-{name}')
        arm.join(first, nat)
        return arm.add_cluster(name, pools=[pool('a', vnetSubnetID=first), pool('b', vnetSubnetID=second)], **more)

    def pods_apart(name):
        nodes, pods = arm.add_subnets('nodes', 'pods', network=f'vnet-{name}')
        arm.join(pods, nat)
        return arm.add_cluster(name, pools=[pool(vnetSubnetID=nodes, podSubnetID=pods)])

    nat = arm.add_nat_gateway(arm.add_public_ip('out', 'network'))
    far, = arm.add_subnets('nodes', network='far', subscription=OTHER_SUBSCRIPTION)
    block = arm.add_public_ip_prefix('block', 30, 'network', OTHER_SUBSCRIPTION)
    arm.join(far, arm.add_nat_gateway(block, name='far', subscription=OTHER_SUBSCRIPTION))
    routed = {'outbound_type': 'userDefinedRouting'}
    return {
        'plain': arm.add_cluster('plain', managed=2, ports=1024),
        'own': arm.add_cluster('own', outbound_ips=[arm.add_public_ip('own0')], ports=1024),
        'managed-nat': arm.add_cluster('managed-nat', outbound_type='managedNATGateway'),
        'kubenet': arm.add_cluster('kubenet', networkProfile={'networkPlugin': 'kubenet'}),
        'public': arm.add_cluster('public', pools=[pool(enableNodePublicIP=True)]),
        'blocked': arm.add_cluster('blocked', outbound_type='block'),
        'far': arm.add_cluster('far', pools=[pool(vnetSubnetID=far)], ports=1024),
        'near': on('near', ('20.5.6.7/32', 'Internet')), 'nat': on('nat', gateway=nat),
        'firewall': on('firewall', FIREWALL),
        'halves': on('halves', *((half, *FIREWALL[1:]) for half in ('0.0.0.0/1', '128.0.0.0/1'))),
        'vpn': on('vpn', ('0.0.0.0/0', 'VirtualNetworkGateway')), 'dropped': on('dropped', ('0.0.0.0/0', 'None')),
        'routed': on('routed', FIREWALL, **routed), 'lost': on('lost', ('20.5.6.7/32', 'Internet'), **routed),
        'pods': pods_apart('pods'), 'mixed': two('mixed'),
        'forgotten': two('forgotten', outbound_type='userAssignedNATGateway'),
    }
