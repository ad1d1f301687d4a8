"""Builders of resources in the shapes of the real service (facts §9)."""
import pickle

from tests.azure import ids, vnets
from .aks_rules import load_balancer_id
from .balancer import INBOUND_POOL, Balancer, members

LOCATION = 'westeurope'
ABSENT = object()  # as a value in overrides: take the key away
_MANAGED_CLUSTER = 'Microsoft.ContainerService/managedClusters'


def pool(name='nodepool1', count=3, min_count=None, max_count=None, autoscale=None, max_surge=None, mode='System',
         version=None, priority=None, kind='VirtualMachineScaleSets', **more):
    """An agentPoolProfile. `autoscale` is on when `max_count` is given; `more` sets or, with ABSENT, removes keys."""
    autoscale = max_count is not None if autoscale is None else autoscale
    body = {'name': name, 'count': count, 'vmSize': 'Standard_D4s_v5', 'osDiskSizeGB': 128, 'osDiskType': 'Managed',
            'kubeletDiskType': 'OS', 'workloadRuntime': 'OCIContainer', 'maxPods': 110, 'type': kind,
            'enableAutoScaling': autoscale, 'scaleDownMode': 'Delete', 'provisioningState': 'Succeeded',
            'powerState': {'code': 'Running'}, 'enableNodePublicIP': False, 'mode': mode, 'osType': 'Linux',
            'osSKU': 'Ubuntu', 'upgradeSettings': {} if max_surge is None else {'maxSurge': str(max_surge)},
            'enableFIPS': False}
    if autoscale:
        body.update(minCount=1 if min_count is None else min_count, maxCount=max_count)
    if version:
        body.update(orchestratorVersion=version, currentOrchestratorVersion=version)
    if priority:
        body['scaleSetPriority'] = priority
        if priority == 'Spot':
            body.update(scaleSetEvictionPolicy='Delete', spotMaxPrice=-1.0,
                        nodeTaints=['kubernetes.azure.com/scalesetpriority=spot:NoSchedule'])
    return _overridden(body, more)


def cluster_body(subscription, group, name, location, version, pools, network=None):
    """A managed cluster without its load balancer profile; `resourcegroups` and the type in the real casing."""
    node_group = f'MC_{group}_{name}_{location}'
    identity = f'/subscriptions/{subscription}/resourcegroups/{node_group}/providers/Microsoft.ManagedIdentity' \
               f'/userAssignedIdentities/{name}-agentpool'
    pools = [_versioned(item, version) for item in pools]
    return {
        'id': f'/subscriptions/{subscription}/resourcegroups/{group}/providers/{_MANAGED_CLUSTER}/{name}',
        'location': location, 'name': name, 'type': 'Microsoft.ContainerService/ManagedClusters', 'kind': 'Base',
        'properties': {
            'provisioningState': 'Succeeded', 'powerState': {'code': 'Running'}, 'kubernetesVersion': version,
            'currentKubernetesVersion': version, 'dnsPrefix': name,
            'fqdn': f'{name}-{ids.guid(name)[:8]}.hcp.{location}.azmk8s.io', 'agentPoolProfiles': pools,
            'linuxProfile': {'adminUsername': 'azureuser', 'ssh': {'publicKeys': [{'keyData': 'ssh-rsa AAAA'}]}},
            'servicePrincipalProfile': {'clientId': 'msi'}, 'nodeResourceGroup': node_group, 'enableRBAC': True,
            'supportPlan': 'KubernetesOfficial',
            'networkProfile': {'networkPlugin': 'azure', 'networkPluginMode': 'overlay', 'networkPolicy': 'none',
                               'networkDataplane': 'azure', 'loadBalancerSku': 'standard',
                               'podCidr': '10.244.0.0/16', 'serviceCidr': '10.0.0.0/16', 'dnsServiceIP': '10.0.0.10',
                               'outboundType': 'loadBalancer', 'podCidrs': ['10.244.0.0/16'],
                               'serviceCidrs': ['10.0.0.0/16'], 'ipFamilies': ['IPv4'], **(network or {})},
            'maxAgentPools': 100,
            'identityProfile': {'kubeletidentity': {'resourceId': identity, 'clientId': ids.guid(identity, 'client'),
                                                    'objectId': ids.guid(identity, 'object')}},
            'autoUpgradeProfile': {'nodeOSUpgradeChannel': 'NodeImage'}, 'disableLocalAccounts': False,
            'securityProfile': {}, 'storageProfile': {}, 'oidcIssuerProfile': {'enabled': False},
            'workloadAutoScalerProfile': {}, 'resourceUID': ids.guid(group, name).replace('-', '')[:24],
            'nodeProvisioningProfile': {'mode': 'Manual'}},
        'identity': {'type': 'SystemAssigned', 'principalId': ids.guid(identity, 'principal'), 'tenantId': ids.TENANT},
        'sku': {'name': 'Base', 'tier': 'Standard'}}


class Builders:
    """The `add_...` methods of the stand-in. Nothing here is validated: clusters that do not fit can be built."""

    def add_cluster(self, name='aks1', resource_group='rg1', subscription=ids.SUBSCRIPTION, location=LOCATION,
                    version='1.31.3', pools=None, outbound_type='loadBalancer', sku='Standard', managed=1,
                    managed_ipv6=None, outbound_ips=(), outbound_ip_prefixes=(), ports=None, idle=None,
                    dual_stack=False, backend_pool_type='nodeIPConfiguration', extra_nodes=0, **overrides):
        """A cluster with its node resource group, managed IPs and load balancer; returns its id.

        `managed` counts only without own IPs and prefixes (a mixed profile: override
        networkProfile.loadBalancerProfile). `extra_nodes` are live nodes that no pool shows (node
        auto-provisioning). `overrides` are merged into `properties`, ABSENT removes a key; those of a load
        balancer profile are merged before the load balancer is built.
        """
        self.add_resource_group(resource_group, subscription, location)
        network = {'outboundType': outbound_type, 'loadBalancerSku': sku.lower()}
        if dual_stack:
            network.update(podCidrs=['10.244.0.0/16', 'fd00:244::/64'], ipFamilies=['IPv4', 'IPv6'],
                           serviceCidrs=['10.0.0.0/16', 'fd00:10::/108'])
        profile = _profile(managed, managed_ipv6 or (1 if dual_stack else None), outbound_ips, outbound_ip_prefixes,
                           ports, idle, backend_pool_type)
        if sku.lower() == 'standard':
            network['loadBalancerProfile'] = (profile if outbound_type.lower() == 'loadbalancer'
                                              else {'backendPoolType': backend_pool_type})
        body = cluster_body(subscription, resource_group, name, location, version, pools or [pool()], network)
        body['properties'] = _overridden(body['properties'], overrides)
        self.put(body)
        if extra_nodes:
            self.aks.extra_nodes[body['id'].lower()] = extra_nodes
        self.reconcile(body['id'])
        return body['id']

    def reconcile(self, cluster_id):
        """Bring IPs and load balancer in step with the stored body, e.g. after it was edited by hand."""
        self.aks.reconcile(self.resources[cluster_id.lower()])

    def load_balancer(self, cluster_id):
        """The stored body (not a copy) of a cluster's load balancer, or None."""
        about = ids.parse(cluster_id)
        group = self.resources[cluster_id.lower()]['properties']['nodeResourceGroup']
        identifier = ids.resource_id(about['subscription'], group, 'Microsoft.Network/loadBalancers', 'kubernetes')
        return self.resources.get(identifier.lower())

    def add_public_ip(self, name='ip1', resource_group='rg1', subscription=ids.SUBSCRIPTION, location=LOCATION,
                      version='IPv4', sku='Standard', tags=None, prefix=None):
        """A static public IP address of the user's, out of a `prefix` where its id is given; returns its id."""
        self.add_resource_group(resource_group, subscription, location)
        return self.network.add_address(subscription, resource_group, name, location, version=version,
                                        sku={'name': sku, 'tier': 'Regional'}, tags=tags, prefix=prefix)

    def add_public_ip_prefix(self, name='prefix1', length=31, resource_group='rg1', subscription=ids.SUBSCRIPTION,
                             location=LOCATION, version='IPv4', tags=None):
        """A public IP prefix of the user's; returns its id."""
        self.add_resource_group(resource_group, subscription, location)
        return self.network.add_prefix(subscription, resource_group, name, location, length, version=version,
                                       tags=tags)

    def add_subnets(self, *names, network='vnet', resource_group='network', subscription=ids.SUBSCRIPTION,
                    location=LOCATION):
        """A virtual network of the user's with these subnets; returns their ids."""
        self.add_resource_group(resource_group, subscription, location)
        return vnets.add_network(self, network, names, resource_group, subscription, location)

    def add_route_table(self, *routes, name='routes', resource_group='network', subscription=ids.SUBSCRIPTION,
                        location=LOCATION, propagates=True):
        """A route table of the user's, from (prefix, next hop type[, address]); returns its id."""
        self.add_resource_group(resource_group, subscription, location)
        return vnets.add_table(self, name, routes, resource_group, subscription, location, propagates)

    def add_nat_gateway(self, *addresses, name='nat', resource_group='network', subscription=ids.SUBSCRIPTION,
                        location=LOCATION, idle=4):
        """A NAT gateway of the user's with these public IPs and prefixes; returns its id."""
        self.add_resource_group(resource_group, subscription, location)
        return vnets.add_gateway(self, name, addresses, resource_group, subscription, location, idle)

    def join(self, subnet_id, gateway=None, table=None):
        """Put a NAT gateway, a route table, or neither on a subnet; returns its id."""
        return vnets.join(self, subnet_id, gateway, table)

    def managed_subnet(self, cluster_id):
        """The id of the subnet in the network that AKS made for a cluster."""
        prefix = ids.resource_id(ids.parse(cluster_id)['subscription'],
                                 self.resources[cluster_id.lower()]['properties']['nodeResourceGroup'],
                                 vnets.VIRTUAL_NETWORK, '').lower()
        network = next(body for key, body in self.resources.items() if key.startswith(prefix))
        return network['properties']['subnets'][0]['id']

    def add_resource_group(self, name='rg1', subscription=ids.SUBSCRIPTION, location=LOCATION, tags=None):
        """Unless it is there already; returns its id."""
        identifier = ids.group_id(subscription, name)
        if identifier.lower() not in self.resources:
            self.put({'id': identifier, 'name': name, 'type': 'Microsoft.Resources/resourceGroups',
                      'location': location, 'tags': tags or {}, 'properties': {'provisioningState': 'Succeeded'}})
        return identifier

    def add_service(self, cluster_id, ports=(80, 443), shared_frontend=False):
        """Inbound rules of a Service on the load balancer, on an IP of its own or on the first outbound frontend."""
        balancer = Balancer.over(self.load_balancer(cluster_id) or self._empty_balancer(cluster_id))
        frontends = balancer.properties['frontendIPConfigurations']
        if shared_frontend:
            frontend = next(item for item in frontends if item['properties'].get('outboundRules'))
        else:
            about, number = ids.parse(balancer.id), len(frontends)
            address = self.add_public_ip(f'kubernetes-a{number:031d}', about['group'], about['subscription'],
                                         balancer.body['location'], tags={'k8s-azure-service': f'default/web{number}'})
            frontend = balancer.add_frontend(f'a{number:031d}', 'publicIPAddress', address)
            self.resources[address.lower()]['properties']['ipConfiguration'] = {'id': frontend['id']}
        for port in ports:
            balancer.add_service_rule(frontend, port)

    def _empty_balancer(self, cluster_id):
        """Of a cluster whose egress goes elsewhere: its first Service makes the load balancer."""
        cluster = self.resources[cluster_id.lower()]
        balancer = Balancer(load_balancer_id(cluster), cluster['location'], {},
                            {'name': 'Standard', 'tier': 'Regional'})
        balancer.add_pool(INBOUND_POOL, members(cluster))
        self.put(balancer.body)
        return balancer.body


def _profile(managed, managed_ipv6, own, prefixes, ports, idle, backend_pool_type):
    profile = {}
    if own:
        profile['outboundIPs'] = {'publicIPs': [{'id': item} for item in own]}
    if prefixes:
        profile['outboundIPPrefixes'] = {'publicIPPrefixes': [{'id': item} for item in prefixes]}
    if not profile:
        profile['managedOutboundIPs'] = {'count': managed}
        if managed_ipv6:
            profile['managedOutboundIPs']['countIPv6'] = managed_ipv6
    if ports is not None or idle is not None:
        profile.update(allocatedOutboundPorts=ports or 0, idleTimeoutInMinutes=idle or 30)  # facts §9, 3
    return {**profile, 'backendPoolType': backend_pool_type}


def copied(body):
    """What `copy.deepcopy` makes of a body, in a quarter of the time."""
    return pickle.loads(pickle.dumps(body, pickle.HIGHEST_PROTOCOL))


def _versioned(item, version):
    item = copied(item)
    item.setdefault('orchestratorVersion', version)
    item.setdefault('currentOrchestratorVersion', version)
    return item


def _overridden(body, changes):
    """A copy with the changes merged in, dict by dict."""
    merged = dict(body)
    for key, value in changes.items():
        if value is ABSENT:
            merged.pop(key, None)
        elif isinstance(value, dict) and isinstance(merged.get(key), dict):
            merged[key] = _overridden(merged[key], value)
        else:
            merged[key] = value
    return merged
