"""Snapshots of a cluster whose profile, outbound IPs and load balancer agree; tests then put one thing wrong."""
from tests.azure import pool
from tests.azure.balancer import Balancer, members
from tests.azure.builders import cluster_body
from tests.support.cases import GROUP, SUBSCRIPTION

NODE_GROUP = f'/subscriptions/{SUBSCRIPTION}/resourceGroups/MC_rg1_aks1_westeurope/providers/Microsoft.Network'
BALANCER = f'{NODE_GROUP}/loadBalancers/kubernetes'
OTHER_SUBSCRIPTION = '22222222-2222-2222-2222-222222222222'


def world(*pools, managed=1, own=0, prefix_lengths=(), ports=None, idle=None, version='1.33.2', nodes=None,
          dual_stack=False, outbound_type='loadBalancer', sku='standard', **properties):
    """A snapshot without a fault; three nodes unless `pools` or live `nodes` are given."""
    network = {'outboundType': outbound_type, 'loadBalancerSku': sku, **(
        {'ipFamilies': ['IPv4', 'IPv6']} if dual_stack else {})}
    cluster = cluster_body(SUBSCRIPTION, 'rg1', 'aks1', 'westeurope', version, list(pools) or [pool()], network)
    cluster['properties'].update(properties)
    if outbound_type != 'loadBalancer' or sku != 'standard':
        return {'schema': 1, 'managedCluster': cluster}
    ips = [_public_ip(f'own{index}') for index in range(own)]
    prefixes = [_prefix(f'prefix{index}', length) for index, length in enumerate(prefix_lengths)]
    made = [f'{NODE_GROUP}/publicIPAddresses/managed{index}' for index in range(0 if own or prefixes else managed)]
    profile = _profile(made, ips, prefixes, ports, idle, dual_stack)
    cluster['properties']['networkProfile']['loadBalancerProfile'] = profile
    balancer = _balancer(cluster, made, ips, prefixes, ports or 0, idle or 30, nodes)
    return {'schema': 1, 'managedCluster': cluster, 'usages': usages(), 'loadBalancer': balancer.body,
            'publicIpAddresses': ips, 'publicIpPrefixes': prefixes, 'metricAlerts': [alert()], 'errors': []}


def usages(free=900):
    """The quota of public IPs, with room for so many."""
    return [{'id': f'/subscriptions/{SUBSCRIPTION}/providers/Microsoft.Network/locations/westeurope/usages/{name}',
             'currentValue': 1000 - free, 'limit': 1000, 'name': {'value': name}}
            for name in ('PublicIPAddresses', 'StandardSkuPublicIpAddresses', 'PublicIpPrefixes')]


def alert(threshold=0, metric='SnatConnectionCount', aggregation='Total', split=None, window='PT1M', name='watch',
          **properties):
    """A metric alert on the load balancer; without anything given one that fits every allocation."""
    split = ('BackendIPAddress', 'FrontendIPAddress', 'ProtocolType') if split is None else split
    return {'id': f'/subscriptions/{SUBSCRIPTION}/resourceGroups/ops/providers/Microsoft.Insights/metricAlerts/{name}',
            'name': name, 'type': 'Microsoft.Insights/metricAlerts', 'location': 'global', 'properties': {
                'severity': 2, 'enabled': True, 'scopes': [BALANCER.upper()], 'evaluationFrequency': 'PT1M',
                'windowSize': window, 'actions': [{'actionGroupId': 'group'}], 'criteria': {'allOf': [
                    {'criterionType': 'StaticThresholdCriterion', 'name': 'cond0', 'metricName': metric,
                     'operator': 'GreaterThan', 'threshold': threshold, 'timeAggregation': aggregation,
                     'dimensions': [{'name': one, 'operator': 'Include', 'values': ['*']} for one in split]}]},
                **properties}}


def used(threshold, **more):
    """One on used ports."""
    return alert(threshold, 'UsedSnatPorts', more.pop('aggregation', 'Average'), **more)


def _public_ip(name):
    return {'id': f'{GROUP}/publicIPAddresses/{name}', 'name': name, 'location': 'westeurope',
            'sku': {'name': 'Standard', 'tier': 'Regional'},
            'properties': {'publicIPAllocationMethod': 'Static', 'publicIPAddressVersion': 'IPv4',
                           'ipAddress': '198.18.0.1',
                           'ipConfiguration': {'id': f'{BALANCER}/frontendIPConfigurations/{name}'}}}


def _prefix(name, length):
    return {'id': f'{GROUP}/publicIPPrefixes/{name}', 'name': name, 'location': 'westeurope',
            'sku': {'name': 'Standard', 'tier': 'Regional'},
            'properties': {'prefixLength': length, 'publicIPAddressVersion': 'IPv4',
                           'loadBalancerFrontendIpConfiguration': {
                               'id': f'{BALANCER}/frontendIPConfigurations/{name}'}}}


def _profile(made, ips, prefixes, ports, idle, dual_stack):
    ids = [*made, *(one['id'].lower() for one in ips + prefixes)]
    profile = {'effectiveOutboundIPs': [{'id': one} for one in ids], 'backendPoolType': 'nodeIPConfiguration'}
    if ips:
        profile['outboundIPs'] = {'publicIPs': [{'id': one['id']} for one in ips]}
    if prefixes:
        profile['outboundIPPrefixes'] = {'publicIPPrefixes': [{'id': one['id']} for one in prefixes]}
    if not ips and not prefixes:
        profile['managedOutboundIPs'] = {'count': len(made), **({'countIPv6': 1} if dual_stack else {})}
    if dual_stack:
        profile['effectiveOutboundIPs'].append({'id': f'{NODE_GROUP}/publicIPAddresses/managed0-ipv6'})
    if ports is not None or idle is not None:
        profile.update(allocatedOutboundPorts=ports or 0, idleTimeoutInMinutes=idle or 30)
    return profile


def _balancer(cluster, made, ips, prefixes, ports, idle, nodes):
    balancer = Balancer(BALANCER, 'westeurope', {}, {'name': 'Standard', 'tier': 'Regional'})
    live = members(cluster)
    if nodes is not None:
        live = [f'{NODE_GROUP}/networkInterfaces/nic{index}/ipConfigurations/ipconfig1' for index in range(nodes)]
    for name in ('aksOutboundBackendPool', 'kubernetes'):
        balancer.add_pool(name, live)
    frontends = [balancer.add_frontend(one.rsplit('/', 1)[-1], 'publicIPAddress', one)
                 for one in [*made, *(ip['id'] for ip in ips)]]
    frontends += [balancer.add_frontend(one['name'], 'publicIPPrefix', one['id']) for one in prefixes]
    balancer.add_outbound_rule('', frontends, ports, idle)
    if len(cluster['properties']['networkProfile'].get('ipFamilies') or ()) > 1:
        balancer.add_pool('aksOutboundBackendPool-ipv6', [])
        balancer.add_outbound_rule('-ipv6', [balancer.add_frontend(
            'managed0-ipv6', 'publicIPAddress', f'{NODE_GROUP}/publicIPAddresses/managed0-ipv6')], ports, idle)
    return balancer


# The places where tests put something wrong

def profile(snapshot):
    """The load balancer profile of a snapshot."""
    return snapshot['managedCluster']['properties']['networkProfile']['loadBalancerProfile']


def outbound_rule(snapshot):
    """The properties of aksOutboundRule."""
    return snapshot['loadBalancer']['properties']['outboundRules'][0]['properties']


def over(snapshot):
    """The load balancer, to add to it."""
    return Balancer.over(snapshot['loadBalancer'])


def with_(snapshot, *path, value):
    """`snapshot` with `value` at `path`."""
    body = snapshot
    for key in path[:-1]:
        body = body[key]
    body[path[-1]] = value
    return snapshot


def without_reading(snapshot, resource_id, status, code='AuthorizationFailed'):
    """`snapshot` as if reading the resource of that id had failed."""
    if resource_id == BALANCER:
        snapshot['loadBalancer'] = None
    for key in ('publicIpAddresses', 'publicIpPrefixes', 'subnets', 'routeTables', 'natGateways'):
        snapshot[key] = [one for one in snapshot.get(key, ()) if one['id'].lower() != resource_id.lower()]
    snapshot['errors'].append({'resourceId': resource_id, 'status': status, 'code': code, 'message': 'No.'})
    return snapshot
