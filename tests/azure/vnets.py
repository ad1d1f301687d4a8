"""Virtual networks with their subnets, route tables and NAT gateways: what decides where packets leave (facts §11).

A subnet is a part of the body of its virtual network, as in ARM, and can be read alone.
"""
from tests.azure import errors, ids, monitor

VIRTUAL_NETWORK = 'Microsoft.Network/virtualNetworks'
ROUTE_TABLE = 'Microsoft.Network/routeTables'
NAT_GATEWAY = 'Microsoft.Network/natGateways'
MANAGED_SUBNET = 'aks-subnet'
_SUBNET = ('/subscriptions/(?P<subscription>[^/]+)/resourcegroups/(?P<group>[^/]+)/providers/' + VIRTUAL_NETWORK +
           '/(?P<network>[^/]+)/subnets/(?P<name>[^/]+)')
_NAT_TAG = 'aks-nat-managed-outbound-ip'


class VirtualNetworks:
    """Virtual networks, route tables and gateways as wholes are read as any resource (generic.py).

    carried    {id of a NAT gateway: (connections at once in a minute before now and in all others, failed ones)}
    """

    def __init__(self, arm):
        self.arm = arm
        self.carried = {}

    def routes(self):
        return [('GET', _SUBNET, self.show_subnet), ('PUT', _SUBNET, self.put_subnet),
                ('GET', r'(?P<gateway>/subscriptions/.+/natGateways/[^/]+)/providers/microsoft\.insights/metrics',
                 self.show_metrics)]

    def show_metrics(self, request):
        """Of a gateway that carries nothing, no series."""
        query = {name.lower(): value for name, value in request.query.items()}
        name, states = query['metricnames'], 'ConnectionState' in query.get('$filter', '')
        if name not in ('TotalConnectionCount', 'SNATConnectionCount') or states and name[0] == 'T':
            message = f'Metric: {name} is not known, or has no such dimension.'
            return 400, {'code': 'BadRequest', 'message': message}, None
        last = monitor.timespan(query['timespan'])[1] - 60
        peak, rest, failed = self.carried.get(request.params['gateway'].lower(), (None, None, None))
        values = {'T': [(last - 1, rest), (last, peak)], 'S': [(last // 60 * 60, failed)]}[name[0]]
        series = [] if peak is None else [{
            'metadatavalues': [{'name': {'value': 'connectionstate'}, 'value': 'Failed'}] if states else [],
            'data': [{'timeStamp': monitor.written(minute), 'total': float(value)} for minute, value in values]}]
        return 200, {'interval': query['interval'], 'value': [
            {'name': {'value': name}, 'errorCode': 'Success', 'timeseries': series}]}, None

    def show_subnet(self, request):
        params = request.params
        network = self.arm.resources.get(ids.resource_id(
            params['subscription'], params['group'], VIRTUAL_NETWORK, params['network']).lower())
        if network is None:
            raise errors.not_found(VIRTUAL_NETWORK, params['network'], params['group'])
        found = next((one for one in network['properties']['subnets'] if ids.same(one['name'], params['name'])), None)
        if found is None:
            raise errors.arm_error(404, 'NotFound', f"Resource {params['name']} not found.")
        return 200, found, None

    def put_subnet(self, request):
        """What is on a subnet that is there."""
        _, subnet, _ = self.show_subnet(request)
        wanted = request.json.get('properties') or {}
        gateway, table = ((wanted.get(key) or {}).get('id') for key in ('natGateway', 'routeTable'))
        for missing in (one for one in (gateway, table) if one and one.lower() not in self.arm.resources):
            raise errors.arm_error(400, 'InvalidResourceReference', f'Resource {missing} was not found.')
        join(self.arm, subnet['id'], gateway, table)
        return 200, subnet, None


def add_network(arm, name, subnets, group, subscription, location, tags=None):
    """A virtual network with subnets of these names; returns the ids of the subnets."""
    identifier = ids.resource_id(subscription, group, VIRTUAL_NETWORK, name)
    inner = {'provisioningState': 'Succeeded', 'addressSpace': {'addressPrefixes': ['10.224.0.0/12']},
             'virtualNetworkPeerings': [], 'enableDdosProtection': False, 'subnets': [
                 {'name': subnet, 'id': f'{identifier}/subnets/{subnet}', 'etag': 'W/"1"',
                  'type': f'{VIRTUAL_NETWORK}/subnets', 'properties': {
                      'provisioningState': 'Succeeded', 'addressPrefix': f'10.{224 + number}.0.0/16', 'delegations': [],
                      'privateEndpointNetworkPolicies': 'Disabled', 'privateLinkServiceNetworkPolicies': 'Enabled'}}
                 for number, subnet in enumerate(subnets)]}
    arm.put(_body(identifier, name, VIRTUAL_NETWORK, location, inner, tags))
    return [one['id'] for one in inner['subnets']]


def add_table(arm, name, routes, group, subscription, location, propagates=True):
    """A route table, from (prefix, next hop type[, address]); returns its id."""
    identifier = ids.resource_id(subscription, group, ROUTE_TABLE, name)
    inner = {'provisioningState': 'Succeeded', 'disableBgpRoutePropagation': not propagates, 'routes': [
        {'name': f'route{number}', 'id': f'{identifier}/routes/route{number}', 'type': f'{ROUTE_TABLE}/routes',
         'properties': {'provisioningState': 'Succeeded', 'hasBgpOverride': False,
                        **dict(zip(('addressPrefix', 'nextHopType', 'nextHopIpAddress'), route))}}
        for number, route in enumerate(routes)]}
    return arm.put(_body(identifier, name, ROUTE_TABLE, location, inner))


def add_gateway(arm, name, addresses, group, subscription, location, idle=4):
    """A NAT gateway with these public IPs and prefixes, which come to hang on it; returns its id."""
    identifier = ids.resource_id(subscription, group, NAT_GATEWAY, name)
    inner = {'provisioningState': 'Succeeded', 'idleTimeoutInMinutes': idle}
    for address in addresses:
        key = 'publicIpPrefixes' if '/publicipprefixes/' in address.lower() else 'publicIpAddresses'
        inner.setdefault(key, []).append({'id': address})
        arm.resources[address.lower()]['properties']['natGateway'] = {'id': identifier}
    body = _body(identifier, name, NAT_GATEWAY, location, inner)
    return arm.put({**body, 'sku': {'name': 'Standard'}})


def join(arm, subnet_id, gateway=None, table=None):
    """Put a NAT gateway, a route table, or neither on a subnet; each names the subnet then."""
    network = arm.resources[subnet_id.lower().rsplit('/subnets/', 1)[0]]
    subnet = next(one for one in network['properties']['subnets'] if ids.same(one['id'], subnet_id))
    for key, joined in (('natGateway', gateway), ('routeTable', table)):
        subnet['properties'].pop(key, None)
        if joined:
            subnet['properties'][key] = {'id': joined}
            arm.resources[joined.lower()]['properties'].setdefault('subnets', []).append({'id': subnet['id']})
    return subnet_id


def reconcile(arm, cluster):
    """The network that AKS makes where pools name no subnet, with its NAT gateway (managedNATGateway) and its route
    table (kubenet), all in the node resource group."""
    properties, about = cluster['properties'], ids.parse(cluster['id'])
    pools, network = properties.get('agentPoolProfiles') or [], properties.get('networkProfile') or {}
    if any(pool.get('vnetSubnetID') for pool in pools):
        return
    place = (properties['nodeResourceGroup'], about['subscription'], cluster['location'])
    mark = int(ids.guid(cluster['id'])[:6], 16)
    name = f'aks-vnet-{mark:08d}'
    subnet = ids.resource_id(place[1], place[0], VIRTUAL_NETWORK, name) + f'/subnets/{MANAGED_SUBNET}'
    if subnet.rsplit('/subnets/', 1)[0].lower() not in arm.resources:
        add_network(arm, name, [MANAGED_SUBNET], *place)
    gateway = _managed_gateway(arm, cluster, place) if (network.get('outboundType') or '').lower().startswith(
        'managednatgateway') else None
    table = add_table(arm, f'aks-agentpool-{mark:08d}-routetable',
                      [('10.244.0.0/24', 'VirtualAppliance', '10.224.0.4')], *place) if ids.same(
                          network.get('networkPlugin'), 'kubenet') else None
    if gateway or table:  # what else is on the subnet stays
        join(arm, subnet, gateway, table)


def _managed_gateway(arm, cluster, place):
    group, subscription, location = place
    profile = cluster['properties']['networkProfile'].setdefault('natGatewayProfile', {
        'managedOutboundIPProfile': {'count': 1}, 'idleTimeoutInMinutes': 4})
    name = ids.guid(cluster['id'], 'nat')
    identifier = ids.resource_id(subscription, group, 'Microsoft.Network/publicIPAddresses', name)
    if identifier.lower() not in arm.resources:
        arm.network.add_address(subscription, group, name, location, tags={'aks-managed-type': _NAT_TAG})
    profile['effectiveOutboundIPs'] = [{'id': identifier}]
    return add_gateway(arm, 'aks-natgateway', [identifier], *place)


def _body(identifier, name, kind, location, inner, tags=None):
    return {'name': name, 'id': identifier, 'etag': 'W/"1"', 'type': kind, 'location': location, 'tags': tags or {},
            'properties': {'resourceGuid': ids.guid(identifier, 'guid'), **inner}}
