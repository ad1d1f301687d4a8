"""Bring Azure in step with a managed cluster, as AKS does after each PUT: IPs, load balancer, effectiveOutboundIPs."""
from tests.azure import aks_rules, ids, vnets
from .balancer import INBOUND_POOL, IPV6_SUFFIX, OUTBOUND_POOL, Balancer, members

_MANAGED_TAG = 'aks-slb-managed-outbound-ip'


class Reconciler:
    """One pass over one cluster."""

    def __init__(self, arm, cluster, extra_nodes=0):
        self.arm = arm
        self.cluster = cluster
        self.extra_nodes = extra_nodes
        self.properties = cluster['properties']
        self.network = self.properties.get('networkProfile') or {}
        self.profile = self.network.get('loadBalancerProfile') or {}
        self.outbound = aks_rules.by_load_balancer(self.network)
        about = ids.parse(cluster['id'])
        self.subscription, self.group = about['subscription'], about['group']
        self.tags = {'aks-managed-cluster-name': cluster['name'], 'aks-managed-cluster-rg': self.group}
        self.balancer_id = aks_rules.load_balancer_id(cluster)

    def run(self):
        self.arm.add_resource_group(self.properties['nodeResourceGroup'], self.subscription, self.cluster['location'],
                                    self.tags)
        wanted = self._wanted_ips() if self.outbound else []
        self._delete_managed(except_for=wanted)
        self._build_balancer(wanted)
        self._detach(except_for=wanted)
        if self.outbound:
            self._write_profile(wanted)
        vnets.reconcile(self.arm, self.cluster)

    # outbound IPs: (kind, id, is IPv6), in the order of the profile

    def _wanted_ips(self):
        count, count_v6, own, prefixes = aks_rules.wanted(self.profile)
        managed = self._managed('IPv4', count) + self._managed('IPv6', count_v6)
        return ([('publicIPAddress', item, self._version(item) == 'IPv6') for item in managed + own]
                + [('publicIPPrefix', item, self._version(item) == 'IPv6') for item in prefixes])

    def _version(self, identifier):
        return self.arm.resources[identifier.lower()]['properties'].get('publicIPAddressVersion') or 'IPv4'

    def _managed(self, version, count):
        """Keep the first ones there are, add what is missing."""
        kept = [item for item in self._managed_now() if self._version(item) == version][:count]
        number = 0
        while len(kept) < count:
            name = ids.guid(self.cluster['id'], version, number) + (IPV6_SUFFIX if version == 'IPv6' else '')
            number += 1
            if not any(item.endswith(name) for item in kept):
                kept.append(self.arm.network.add_address(
                    self.subscription, self.properties['nodeResourceGroup'], name, self.cluster['location'],
                    version=version, tags={**self.tags, 'aks-managed-type': _MANAGED_TAG}, zones=['1', '2', '3'],
                    idle=30))
        return kept

    def _managed_now(self):
        prefix = ids.resource_id(self.subscription, self.properties['nodeResourceGroup'],
                                 'Microsoft.Network/publicIPAddresses', '').lower()
        return [body['id'] for key, body in self.arm.resources.items()
                if key.startswith(prefix) and (body.get('tags') or {}).get('aks-managed-type') == _MANAGED_TAG]

    def _delete_managed(self, except_for):
        keep = {identifier.lower() for _, identifier, _ in except_for}
        for identifier in self._managed_now():
            if identifier.lower() not in keep:
                self.arm.remove(identifier)

    # the load balancer

    def _build_balancer(self, wanted):
        old = self.arm.resources.get(self.balancer_id.lower())
        services = _service_frontends(old)
        if not (wanted or services or not aks_rules.is_standard(self.network)):
            self.arm.remove(self.balancer_id)  # NAT gateway, UDR, none, block: no service, no load balancer
            return
        sku = 'Standard' if aks_rules.is_standard(self.network) else 'Basic'
        balancer = Balancer(self.balancer_id, self.cluster['location'], self.tags,
                            {'name': sku, 'tier': 'Regional'})
        self._add_pools(balancer, dual=any(is_v6 for _, _, is_v6 in wanted))
        by_version = self._add_frontends(balancer, wanted)
        for suffix, frontends in by_version.items():
            if frontends:
                balancer.add_outbound_rule(suffix, frontends, self.profile.get('allocatedOutboundPorts') or 0,
                                           self.profile.get('idleTimeoutInMinutes') or 30)
        _copy_services(balancer, services, old)
        self.arm.put(balancer.body)

    def _add_pools(self, balancer, dual):
        by_address = ids.same(self.profile.get('backendPoolType'), 'nodeIP')  # [?] of the outbound pool too
        for suffix, configuration in (('', 'ipconfig1'), (IPV6_SUFFIX, 'ipconfig1v6')):
            if not suffix or dual:
                nodes = members(self.cluster, self.extra_nodes, configuration)
                if self.outbound:
                    balancer.add_pool(OUTBOUND_POOL + suffix, nodes)
                balancer.add_pool(INBOUND_POOL + suffix, nodes, by_address)

    def _add_frontends(self, balancer, wanted):
        by_version = {'': [], IPV6_SUFFIX: []}
        for kind, identifier, is_v6 in wanted:
            body = self.arm.resources[identifier.lower()]
            managed = (body.get('tags') or {}).get('aks-managed-type') == _MANAGED_TAG
            name = body['name'] if managed else ids.guid(self.cluster['id'], identifier)
            frontend = balancer.add_frontend(name, kind, body['id'])
            key = 'ipConfiguration' if kind == 'publicIPAddress' else 'loadBalancerFrontendIpConfiguration'
            body['properties'][key] = {'id': frontend['id']}
            by_version[IPV6_SUFFIX if is_v6 else ''].append(frontend)
        return by_version

    def _detach(self, except_for):
        """Free the addresses and prefixes that hung on this load balancer and do no longer."""
        keep = {identifier.lower() for _, identifier, _ in except_for}
        balancer = self.arm.resources.get(self.balancer_id.lower())
        frontends = {frontend['id'].lower() for frontend in
                     (balancer['properties']['frontendIPConfigurations'] if balancer else [])}
        for key, body in self.arm.resources.items():
            for name in ('ipConfiguration', 'loadBalancerFrontendIpConfiguration'):
                at = ((body.get('properties') or {}).get(name) or {}).get('id', '').lower()
                if key not in keep and at.startswith(self.balancer_id.lower() + '/') and at not in frontends:
                    del body['properties'][name]
                    self.arm.detached.append(body['id'])

    def _write_profile(self, wanted):
        """Own IPs and prefixes come back in lower case, prefixes as one element each (facts §9, 1-2)."""
        managed = {identifier.lower() for identifier in self._managed_now()}
        self.profile['effectiveOutboundIPs'] = [
            {'id': identifier if identifier.lower() in managed else identifier.lower()}
            for _, identifier, _ in wanted]
        if not any(self.profile.get(key) for key in ('managedOutboundIPs', 'outboundIPs', 'outboundIPPrefixes')):
            self.profile['managedOutboundIPs'] = {'count': 1}
        self.profile.setdefault('backendPoolType', 'nodeIPConfiguration')
        self.network['loadBalancerProfile'] = self.profile


def _service_frontends(old):
    """Frontends with inbound rules survive a reconcile; the rules on them are the cloud provider's."""
    if not old:
        return []
    return [frontend for frontend in old['properties']['frontendIPConfigurations']
            if frontend['properties'].get('loadBalancingRules')]


def _copy_services(balancer, services, old):
    new = {frontend['id'].lower(): frontend for frontend in balancer.properties['frontendIPConfigurations']}
    for frontend in services:
        kept = new.get(frontend['id'].lower())
        if kept:
            kept['properties']['loadBalancingRules'] = frontend['properties']['loadBalancingRules']
        else:
            frontend['properties'].pop('outboundRules', None)
            balancer.properties['frontendIPConfigurations'].append(frontend)
    if services:
        balancer.properties['loadBalancingRules'] = old['properties']['loadBalancingRules']
        balancer.properties['probes'] = old['properties']['probes']
        balancer.refer_from_pool()
