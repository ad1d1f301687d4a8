"""The routes of Microsoft.ContainerService: PUT of clusters, agent pools."""
from tests.azure import aks_rules, errors, ids
from .balancer import OUTBOUND_RULE, members
from .builders import cluster_body, copied, pool as new_pool
from .network import PUBLIC_IP
from .reconcile import Reconciler

MANAGED_CLUSTER = 'Microsoft.ContainerService/managedClusters'
_CLUSTER = ('/subscriptions/(?P<subscription>[^/]+)/resourcegroups/(?P<group>[^/]+)/providers/'
            + MANAGED_CLUSTER + '/(?P<name>[^/]+)')
_POOL = _CLUSTER + '/agentPools/(?P<pool>[^/]+)'


class Aks:
    """GET and LIST of clusters are those of any resource (generic.py).

    keeps_foreign_rules   outbound rules that AKS did not make stay in what it sends to the network, while their
                          frontends go: the network refuses that (AKS#5634). Else they go (azurerm#13886).
    """

    def __init__(self, arm):
        self.arm = arm
        self.extra_nodes = {}
        self.keeps_foreign_rules = False

    def routes(self):
        return [
            ('PUT', _CLUSTER, self.put_cluster),
            ('GET', _CLUSTER + '/agentPools', self.pools),
            ('GET', _POOL, self.pool),
            ('PUT', _POOL, self.put_pool),
        ]

    def put_cluster(self, request):
        """Takes effect at once: the answer says Succeeded, so that no client polls."""
        identifier = _cluster_id(request)
        old = self.arm.resources.get(identifier.lower())
        if ids.group_id(request.params['subscription'], request.params['group']).lower() not in self.arm.resources:
            raise errors.group_not_found(request.params['group'])
        new = _merged(old or _created(request), request.json)
        aks_rules.validate_sent(request.json, new)
        aks_rules.validate(new, old, self.arm.resources)
        aks_rules.check_rule_blocks(new, self.arm.resources.get(aks_rules.load_balancer_id(new).lower()),
                                    len(members(new, self._extra(new))), self.arm.resources)
        self.arm.network.check_quota(PUBLIC_IP, request.params['subscription'], new['location'],
                                     _managed_ips(new) - (_managed_ips(old) if old else 0))
        if self.keeps_foreign_rules:
            self._refuse_foreign_rules(old)
        self.reconcile(new)
        self.arm.put(new)
        return (200 if old else 201), new, None

    def _refuse_foreign_rules(self, cluster):
        """The node pools are Failed afterwards, and the cluster with them."""
        balancer = self.arm.resources.get(aks_rules.load_balancer_id(cluster).lower()) if cluster else None
        foreign = [rule for rule in (balancer or {'properties': {}})['properties'].get('outboundRules') or []
                   if not rule['name'].startswith(OUTBOUND_RULE)]
        if not foreign:
            return
        for part in (cluster['properties'], *cluster['properties']['agentPoolProfiles']):
            part['provisioningState'] = 'Failed'
        frontend = foreign[0]['properties']['frontendIPConfigurations'][0]['id']
        raise errors.arm_error(400, 'InvalidResourceReference', f"Resource {frontend} referenced by resource "
                               f"{foreign[0]['id']} was not found.")

    def pools(self, request):
        cluster = self._cluster(request)
        return 200, {'value': [_pool_body(cluster, pool)
                               for pool in cluster['properties'].get('agentPoolProfiles') or []]}, None

    def pool(self, request):
        cluster = self._cluster(request)
        for pool in cluster['properties'].get('agentPoolProfiles') or []:
            if ids.same(pool['name'], request.params['pool']):
                return 200, _pool_body(cluster, pool), None
        raise errors.not_found(f'{MANAGED_CLUSTER}/{cluster["name"]}/agentPools', request.params['pool'],
                               request.params['group'])

    def put_pool(self, request):
        """[O] Adding or growing a pool is not checked against the ports: the next update of the cluster is."""
        cluster = self._cluster(request)
        pools = cluster['properties'].setdefault('agentPoolProfiles', [])
        name, sent = request.params['pool'], request.json.get('properties') or {}
        old = next((pool for pool in pools if ids.same(pool['name'], name)), None)
        version = cluster['properties'].get('currentKubernetesVersion')
        pool = _overlaid(old or new_pool(name, mode='User', version=version), {**sent, 'name': name})
        cluster['properties']['agentPoolProfiles'] = [item for item in pools if item is not old] + [pool]
        self.reconcile(cluster)
        return (200 if old else 201), _pool_body(cluster, pool), None

    def reconcile(self, cluster):
        Reconciler(self.arm, cluster, self._extra(cluster)).run()

    def _extra(self, cluster):
        return self.extra_nodes.get(cluster['id'].lower(), 0)

    def _cluster(self, request):
        cluster = self.arm.resources.get(_cluster_id(request).lower())
        if cluster is None:
            raise errors.not_found(MANAGED_CLUSTER, request.params['name'], request.params['group'])
        return cluster


def _managed_ips(cluster):
    """How many public IPs AKS makes for the outbound rule."""
    network = cluster['properties'].get('networkProfile') or {}
    if not aks_rules.by_load_balancer(network):
        return 0
    count, count_v6, _, _ = aks_rules.wanted(network.get('loadBalancerProfile') or {})
    return count + count_v6


def _cluster_id(request):
    params = request.params
    return ids.resource_id(params['subscription'], params['group'], MANAGED_CLUSTER, params['name'])


def _created(request):
    """What AKS fills in for `az aks create`; the pools are those that were sent."""
    params, sent = request.params, request.json
    version = (sent.get('properties') or {}).get('kubernetesVersion') or '1.33.2'
    return cluster_body(params['subscription'], params['group'], params['name'], sent['location'], version, [])


def _merged(old, sent):
    """A PUT as AKS takes it: what is not sent stays, in pools too; the read-only rest is the service's."""
    new = copied(old)
    fixed = ('properties', 'id', 'name', 'type', 'identity')
    new.update({key: value for key, value in sent.items() if key not in fixed})
    wanted = dict(sent.get('properties') or {})
    pools, network = wanted.pop('agentPoolProfiles', None), wanted.pop('networkProfile', None)
    properties = new['properties']
    properties.update({key: value for key, value in wanted.items() if value is not None})
    if pools is not None:
        stored = {pool['name']: pool for pool in properties.get('agentPoolProfiles') or []}
        version = properties.get('currentKubernetesVersion')
        properties['agentPoolProfiles'] = [
            _overlaid(stored.get(pool['name']) or new_pool(pool['name'], version=version), pool) for pool in pools]
    if network is not None:
        before = properties.get('networkProfile') or {}
        properties['networkProfile'] = {**before, **_given(network)}
        properties['networkProfile']['loadBalancerProfile'] = _profile(
            before.get('loadBalancerProfile') or {}, network.get('loadBalancerProfile'))
    properties['provisioningState'] = 'Succeeded'
    return new


def _profile(old, sent):
    """The IP kinds are replaced as a whole; [O] once anything was set, ports and timeout are both there."""
    if sent is None:
        return copied(old)
    sent = _given(sent)
    kinds = ('managedOutboundIPs', 'outboundIPs', 'outboundIPPrefixes')
    keep = {key: value for key, value in old.items() if key not in kinds or not any(kind in sent for kind in kinds)}
    new = {**keep, **sent}
    touched = any(sent.get(key) is not None and sent.get(key) != old.get(key)
                  for key in kinds + ('allocatedOutboundPorts', 'idleTimeoutInMinutes'))
    if touched:
        new.setdefault('allocatedOutboundPorts', 0)
        new.setdefault('idleTimeoutInMinutes', 30)
    return new


def _overlaid(pool, sent):
    pool = {**copied(pool), **_given(sent)}
    if not pool.get('enableAutoScaling'):
        pool.pop('minCount', None)
        pool.pop('maxCount', None)
    return pool


def _given(part):
    return {key: value for key, value in part.items() if value is not None}


def _pool_body(cluster, pool):
    return {'id': f"{cluster['id']}/agentPools/{pool['name']}", 'name': pool['name'],
            'type': 'Microsoft.ContainerService/managedClusters/agentPools',
            'properties': {key: value for key, value in pool.items() if key != 'name'}}
