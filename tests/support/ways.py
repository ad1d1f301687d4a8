"""Networks around a cluster: subnets, route tables and NAT gateways as snapshots hold them."""
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
