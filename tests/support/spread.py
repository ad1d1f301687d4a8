"""Clusters of every kind on the stand-in, one builder each: `SPREAD[name](arm)` returns the cluster's id."""
from tests.azure import ABSENT, OTHER_SUBSCRIPTION, pool

BATCH = [pool('system', 3), pool('batch', 5, max_count=40, mode='User')]


def _own(arm, name, count=1, ports=3000, pools=None):
    ids = [arm.add_public_ip(f'{name}-ip{index}', resource_group='network') for index in range(count)]
    return arm.add_cluster(name, outbound_ips=ids, pools=pools or BATCH, ports=ports)


def _prefixes(arm, name, lengths=(31,), ports=8000, **more):
    ids = [arm.add_public_ip_prefix(f'{name}-prefix{index}', length, resource_group='network')
           for index, length in enumerate(lengths)]
    return arm.add_cluster(name, outbound_ip_prefixes=ids, pools=BATCH, ports=ports, **more)


def _shared(arm, name):
    """AKS lets it pass; the network layer does not, once rules share its only outbound frontend."""
    cluster = arm.add_cluster(name, pools=[pool(count=99, max_surge='1')], ports=640)
    arm.add_service(cluster, ports=range(8000, 8100), shared_frontend=True)
    return cluster


#: They do not fit, and a command makes them fit.
REPAIRABLE = {
    'managed': lambda arm: arm.add_cluster('managed', pools=BATCH, ports=2048),
    'dual-stack': lambda arm: arm.add_cluster('dual-stack', pools=BATCH, ports=2048, dual_stack=True, managed_ipv6=3),
    'own-ips': lambda arm: _own(arm, 'own-ips', count=2),
    'prefixes': lambda arm: _prefixes(arm, 'prefixes', lengths=(31, 30), ports=16000),
    'surge': lambda arm: arm.add_cluster('surge', pools=[pool(count=3)], ports=21000),
    'odd.names': lambda arm: arm.add_cluster('a-_Z9', resource_group='rg.(x)_-é', pools=BATCH, ports=2048),
    'elsewhere': lambda arm: arm.add_cluster('elsewhere', subscription=OTHER_SUBSCRIPTION, pools=BATCH, ports=2048),
    'unbounded': lambda arm: arm.add_cluster('unbounded', pools=[pool(count=3)], extra_nodes=60, ports=2048,
                                             nodeProvisioningProfile={'mode': 'Auto'}),
}

#: Automatic allocation that falls as the cluster grows: `plan` lets it be, `recommend` makes it explicit.
DROPPING = {
    'dropping': lambda arm: arm.add_cluster('dropping', pools=[pool(count=40, max_count=300)]),
    'dropping-own': lambda arm: _own(arm, 'dropping-own', ports=None, pools=[pool(count=40, max_count=90)]),
}

#: They need nothing, or no command can help.
OTHERS = {
    'fits': lambda arm: arm.add_cluster('fits', pools=[pool(count=49, max_surge='1')], ports=1280),
    'automatic': lambda arm: arm.add_cluster('automatic'),
    'shared': lambda arm: _shared(arm, 'shared'),
    'infeasible': lambda arm: arm.add_cluster('infeasible', pools=[pool(count=300)], ports=64000, managed=100),
    'infeasible-own': lambda arm: _own(arm, 'infeasible-own', ports=64000, pools=[pool(count=3, max_count=600)]),
    'infeasible-prefixes': lambda arm: _prefixes(arm, 'infeasible-prefixes', ports=64000, agentPoolProfiles=[
        pool(count=3, max_count=10 ** 9)]),
    'nat': lambda arm: arm.add_cluster('nat', outbound_type='managedNATGateway'),
    'udr': lambda arm: arm.add_cluster('udr', outbound_type='userDefinedRouting'),
    'none': lambda arm: arm.add_cluster('none', outbound_type='none'),
    'newer': lambda arm: arm.add_cluster('newer', outbound_type='someFutureType'),
    'basic': lambda arm: arm.add_cluster('basic', sku='Basic'),
    'stopped': lambda arm: arm.add_cluster('stopped', pools=BATCH, ports=2048, powerState={'code': 'Stopped'}),
    'no-pools': lambda arm: arm.add_cluster('no-pools', agentPoolProfiles=ABSENT,
                                               nodeProvisioningProfile={'mode': 'Auto'}),
    'node-ip': lambda arm: arm.add_cluster('node-ip', backend_pool_type='nodeIP', pools=BATCH, ports=2048),
    'mixed': lambda arm: arm.add_cluster('mixed', pools=BATCH, ports=8000, networkProfile={
        'loadBalancerProfile': {'managedOutboundIPs': {'count': 1}, 'outboundIPs': {'publicIPs': [
            {'id': arm.add_public_ip('mixed-ip')}]}}}),
    'machines': lambda arm: arm.add_cluster('machines', ports=2048, pools=[pool('vms', None, kind='VirtualMachines',
        virtualMachinesProfile={'scale': {'manual': [{'size': 'a', 'count': 4}],
                                          'autoscale': [{'minCount': 1, 'maxCount': 60}]}})]),
    'odd-pools': lambda arm: arm.add_cluster('odd-pools', ports=1024, pools=[
        pool('gone', 0), pool('spot', 5, priority='Spot', mode='User'), pool('gate', 2, mode='Gateway'),
        pool('halted', 2, powerState={'code': 'Stopped'}), pool('still', 4, max_surge='0'),
        pool('green', 4, upgradeStrategy='BlueGreen'), pool('beyond', 12, max_count=10, max_surge='33%')]),
}

SPREAD = {**REPAIRABLE, **DROPPING, **OTHERS}


def snapshot_of(arm, cluster_id, listed=True):
    """What a read of that cluster brings, without the wire."""
    def bodies(kind):
        return [arm.get(key) for key in list(arm.resources) if f'/{kind}/'.lower() in key]
    collections = {key.rsplit('/', 1)[0] for key in arm.resources if '/publicip' in key}
    return {'schema': 2, 'managedCluster': arm.get(cluster_id), 'loadBalancer': arm.load_balancer(cluster_id),
            'publicIpAddresses': bodies('publicIPAddresses'), 'publicIpPrefixes': bodies('publicIPPrefixes'),
            'subnets': [one for body in bodies('virtualNetworks') for one in body['properties']['subnets']],
            'routeTables': bodies('routeTables'), 'natGateways': bodies('natGateways'),
            'lists': [{'resourceId': collection, 'names': [key.rsplit('/', 1)[1] for key in arm.resources
                                                           if key.startswith(f'{collection}/')]}
                      for collection in sorted(collections)] if listed else []}
