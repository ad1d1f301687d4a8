"""The load balancer `kubernetes` as AKS builds it from a cluster (facts §1, §9 11-12; samples/network/003)."""
from tests.azure import ids
from .aks_rules import present

_TYPE = 'Microsoft.Network/loadBalancers'
OUTBOUND_POOL, INBOUND_POOL = 'aksOutboundBackendPool', 'kubernetes'
OUTBOUND_RULE = 'aksOutboundRule'
IPV6_SUFFIX = '-ipv6'  # of pools in Azure/karpenter-provider-azure; of the rule [?]


class Balancer:
    """Puts one load balancer together; `body` is the result."""

    def __init__(self, identifier, location, tags, sku):
        etag = f'W/"{ids.guid(identifier, "etag")}"'
        properties = {'provisioningState': 'Succeeded', 'resourceGuid': ids.guid(identifier, 'guid'),
                      'frontendIPConfigurations': [], 'backendAddressPools': [], 'loadBalancingRules': [],
                      'probes': [], 'inboundNatRules': [], 'outboundRules': [], 'inboundNatPools': []}
        self._wrap({'name': 'kubernetes', 'id': identifier, 'etag': etag, 'type': _TYPE, 'location': location,
                    'tags': tags, 'properties': properties, 'sku': sku})

    @classmethod
    def over(cls, body):
        """Over the body of one that is there, to add to it."""
        balancer = cls.__new__(cls)
        balancer._wrap(body)
        return balancer

    def _wrap(self, body):
        self.body, self.id, self.etag, self.properties = body, body['id'], body['etag'], body['properties']

    def child_id(self, collection, name):
        return f'{self.id}/{collection}/{name}'

    def add(self, collection, name, properties):
        child = {'name': name, 'id': self.child_id(collection, name), 'etag': self.etag,
                 'type': f'{_TYPE}/{collection}', 'properties': {'provisioningState': 'Succeeded', **properties}}
        self.properties[collection].append(child)
        return child

    def add_frontend(self, name, kind, resource_id):
        """`kind` is publicIPAddress or publicIPPrefix."""
        return self.add('frontendIPConfigurations', name,
                        {'privateIPAllocationMethod': 'Dynamic', kind: {'id': resource_id}})

    def add_pool(self, name, nodes, by_address=False):
        """Nodes are given by their ip configuration ids; `by_address` is the form of backendPoolType nodeIP."""
        pool = self.add('backendAddressPools', name, {'loadBalancerBackendAddresses': []})
        addresses = pool['properties']['loadBalancerBackendAddresses']
        for index, node in enumerate(nodes):
            number = ids.guid(pool['id'], node)
            where = ({'ipAddress': f'10.224.{index // 250}.{index % 250 + 4}'} if by_address
                     else {'networkInterfaceIPConfiguration': {'id': node}})
            addresses.append({'name': number, 'id': f"{pool['id']}/loadBalancerBackendAddresses/{number}",
                              'etag': self.etag, 'type': f'{_TYPE}/backendAddressPools/loadBalancerBackendAddresses',
                              'properties': {'provisioningState': 'Succeeded', **where}})
        if not by_address:
            pool['properties']['backendIPConfigurations'] = [{'id': node} for node in nodes]
        return pool

    def add_outbound_rule(self, suffix, frontends, ports, idle):
        rule = self.add('outboundRules', OUTBOUND_RULE + suffix, {
            'allocatedOutboundPorts': ports, 'protocol': 'All', 'enableTcpReset': True, 'idleTimeoutInMinutes': idle,
            'allocationPolicy': {'onDemandAllocation': False, 'portReuse': 'FirstAvailable'},
            'backendAddressPool': {'id': self.child_id('backendAddressPools', OUTBOUND_POOL + suffix)},
            'frontendIPConfigurations': [{'id': frontend['id']} for frontend in frontends]})
        for holder in frontends + [pool for pool in self.properties['backendAddressPools']
                                   if pool['name'] == OUTBOUND_POOL + suffix]:
            holder['properties'].setdefault('outboundRules', []).append({'id': rule['id']})
        return rule

    def add_service_rule(self, frontend, port):
        """An inbound rule as cloud-provider-azure makes it: [O] disableOutboundSnat is true."""
        name = f"a{ids.guid(frontend['id']).replace('-', '')}-TCP-{port}"
        rule = self.add('loadBalancingRules', name, {
            'frontendIPConfiguration': {'id': frontend['id']}, 'frontendPort': port, 'backendPort': port,
            'enableFloatingIP': True, 'idleTimeoutInMinutes': 4, 'protocol': 'Tcp', 'enableTcpReset': True,
            'loadDistribution': 'Default', 'disableOutboundSnat': True,
            'backendAddressPool': {'id': self.child_id('backendAddressPools', INBOUND_POOL)},
            'backendAddressPools': [{'id': self.child_id('backendAddressPools', INBOUND_POOL)}],
            'probe': {'id': self.child_id('probes', name)}})
        self.add('probes', name, {'protocol': 'Tcp', 'port': 30000 + port % 2000, 'intervalInSeconds': 5,
                                  'numberOfProbes': 2, 'probeThreshold': 2,
                                  'loadBalancingRules': [{'id': rule['id']}]})
        frontend['properties'].setdefault('loadBalancingRules', []).append({'id': rule['id']})
        self.refer_from_pool()

    def refer_from_pool(self):
        """Inbound rules are named by the pool that they lead to (REST reference of load balancers)."""
        for pool in self.properties['backendAddressPools']:
            if pool['name'] == INBOUND_POOL:
                pool['properties']['loadBalancingRules'] = [{'id': rule['id']}
                                                            for rule in self.properties['loadBalancingRules']]


def members(cluster, extra=0, configuration='ipconfig1'):
    """The ip configuration of each node: scale set instances, or standalone machines of VirtualMachines pools."""
    properties = cluster['properties']
    subscription, group = ids.parse(cluster['id'])['subscription'], properties['nodeResourceGroup']
    compute = f'{ids.group_id(subscription, group)}/providers/Microsoft.Compute'
    nics = f'{ids.group_id(subscription, group)}/providers/Microsoft.Network/networkInterfaces'
    mark = int(ids.guid(cluster['id'])[:6], 16)
    found = []
    stopped = ids.same((properties.get('powerState') or {}).get('code'), 'Stopped')
    for pool in [] if stopped else properties.get('agentPoolProfiles') or []:
        name = f"aks-{pool['name']}-{mark:08d}-vmss"
        if ids.same(pool.get('type') or 'VirtualMachineScaleSets', 'VirtualMachineScaleSets'):
            found += [f'{compute}/virtualMachineScaleSets/{name}/virtualMachines/{index}/networkInterfaces/{name}'
                      f'/ipConfigurations/{configuration}' for index in range(present(pool))]
        else:
            found += [f"{nics}/aks-{pool['name']}-{mark:08d}-nic-{index}/ipConfigurations/{configuration}"
                      for index in range(present(pool))]
    return found + [f'{nics}/aks-default-{ids.guid(cluster["id"], index)[:5]}/ipConfigurations/{configuration}'
                    for index in range(extra)]
