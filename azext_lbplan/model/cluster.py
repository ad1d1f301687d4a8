# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""A managed cluster: its outbound type, its load balancer profile, its agent pools (agent_pool).

The same parser takes the body of a GET, a row of Resource Graph, a snapshot and the output of `az aks show` of any
age (flattened and spelt differently). Sources: AZURE-FACTS sections 1, 3 and 9.
"""

from typing import Callable, Mapping, NamedTuple, Optional, Tuple

from ..facts.clusters import (BACKEND_POOL_TYPES, BASIC, CLUSTER_TYPE, LOAD_BALANCER, MANAGED, MIXED,
                              NODE_IP_CONFIGURATION, OUTBOUND_TYPES, PREFIXES, PROBE_MODES, PUBLIC_IPS,
                              STANDARD)
from ..facts.ids import ArmId, is_cluster_name, is_group_name, is_location, is_subscription_id
from ..facts.networks import PREFIX_TYPE, PUBLIC_IP_TYPE
from .agent_pool import AgentPool, missing_in_pool, parse_agent_pool
from .names import Malformed, NameCheck
from .values import (Json, Unknown, canonical, count, distinct, flag, get, id_segments, ids, ids_of, is_unknown, items,
                     properties, text, texts, unknown_fields)

#: Where the profile names own addresses.
OUTBOUND_IPS = 'networkProfile.loadBalancerProfile.outboundIPs.publicIPs'
OUTBOUND_IP_PREFIXES = 'networkProfile.loadBalancerProfile.outboundIPPrefixes.publicIPPrefixes'
EFFECTIVE_OUTBOUND_IPS = 'networkProfile.loadBalancerProfile.effectiveOutboundIPs'


class LoadBalancerProfile(NamedTuple):
    """`networkProfile.loadBalancerProfile`: what was asked for, and the ids that are in force.

    Counts and ports are None where the profile does not hold them, like `health_probe_mode`: `Shared` where one probe
    serves all Services of traffic policy Cluster, `ServiceNodePort` where each port has its own. `effective_ids` are
    ids of public IPs, or of prefixes, IPv4 and IPv6 mixed (AZURE-FACTS section 9, points 1 and 4). `unnamed_ips` are
    own public IPs whose ids code does not tell; `unknown` are fields that it leaves open.
    """

    managed_outbound_ip_count: Optional[int] = None
    managed_outbound_ipv6_count: Optional[int] = None
    has_managed: bool = False
    outbound_ips: Tuple[ArmId, ...] = ()
    outbound_ip_prefixes: Tuple[ArmId, ...] = ()
    effective_ids: Tuple[ArmId, ...] = ()
    allocated_outbound_ports: Optional[int] = None
    idle_timeout_in_minutes: Optional[int] = None
    backend_pool_type: str = NODE_IP_CONFIGURATION
    multiple_standard_load_balancers: bool = False
    health_probe_mode: Optional[str] = None
    malformed: Tuple[Malformed, ...] = ()
    unnamed_ips: int = 0
    unknown: Tuple[str, ...] = ()

    @property
    def ip_source(self) -> str:
        """`managed`, `publicIps`, `prefixes`, or `mixed` where several options are set at once.

        A profile that names none of them is on AKS's default: managed IPs (AZURE-FACTS section 1).
        """
        targets = {malformed.target for malformed in self.malformed}
        sources = [source for source, named in (
            (MANAGED, self.has_managed), (PUBLIC_IPS, self.outbound_ips or self.unnamed_ips or OUTBOUND_IPS in targets),
            (PREFIXES, self.outbound_ip_prefixes or OUTBOUND_IP_PREFIXES in targets)) if named]
        return MIXED if len(sources) > 1 else (sources or [MANAGED])[0]

    @property
    def names_ips(self) -> bool:
        """Whether the profile says where its IPs come from."""
        return self.has_managed or bool(self.own_ids or self.unnamed_ips or self.malformed_own_ids)

    @property
    def own_ids(self) -> Tuple[ArmId, ...]:
        """The ids of the user's own public IPs and prefixes that the profile names."""
        return self.outbound_ips + self.outbound_ip_prefixes

    @property
    def malformed_own_ids(self) -> Tuple[str, ...]:
        """What the profile names as own public IPs and prefixes, and is no id of one."""
        return tuple(malformed.written for malformed in self.malformed
                     if malformed.target in (OUTBOUND_IPS, OUTBOUND_IP_PREFIXES))


class Cluster(NamedTuple):
    """A managed cluster, as far as its outbound traffic depends on it.

    `hosted_system_pools`: AKS runs the system pools, which no agent pool then shows. `private_key_vault`: its secrets
    are encrypted with a key of a vault in a private network. `authorized_ranges` may reach the API server, none means
    all; it is `private`, or reached within the network (`vnet_integration`). `unknown` are fields that code leaves open
    (`outbound_type`, `load_balancer_sku`, `profile`, `pools`).
    """

    id: Optional[ArmId]
    name: Optional[str]
    resource_group: Optional[str] = None
    subscription_id: Optional[str] = None
    node_resource_group: Optional[str] = None
    location: Optional[str] = None
    kubernetes_version: Optional[str] = None
    provisioning_state: Optional[str] = None
    power_state: Optional[str] = None
    outbound_type: str = LOAD_BALANCER
    load_balancer_sku: Optional[str] = None
    profile: LoadBalancerProfile = LoadBalancerProfile()
    pools: Tuple[AgentPool, ...] = ()
    dual_stack: bool = False
    node_auto_provisioning: bool = False
    identity_type: Optional[str] = None
    pod_cidrs: Tuple[str, ...] = ()
    nat_gateway_address_ids: Tuple[ArmId, ...] = ()
    hosted_system_pools: bool = False
    private_key_vault: bool = False
    authorized_ranges: Tuple[str, ...] = ()
    private: bool = False
    vnet_integration: bool = False
    malformed: Tuple[Malformed, ...] = ()
    unknown: Tuple[str, ...] = ()

    @property
    def is_named(self) -> bool:
        """Whether a line can name it."""
        return None not in (self.name, self.resource_group)

    @property
    def on_standard_load_balancer(self) -> bool:
        """Whether egress goes through a public Standard Load Balancer, so that its SNAT ports matter."""
        return self.egress_known and self.outbound_type == LOAD_BALANCER and self.load_balancer_sku == STANDARD

    @property
    def egress_known(self) -> bool:
        """Whether outbound type and SKU are known; code may leave them open."""
        return not {'outbound_type', 'load_balancer_sku'} & set(self.unknown)

    @property
    def subnet_ids(self) -> Tuple[ArmId, ...]:
        """The subnets that pools name, of nodes and of pods, each once."""
        return distinct(subnet_id for pool in self.pools for subnet_id in (pool.subnet_id, pool.pod_subnet_id)
                        if subnet_id is not None)

    @property
    def own_vnet(self) -> bool:
        """Whether the nodes sit in a VNet of the user's: some pool names its subnet."""
        return any(pool.own_subnet for pool in self.pools)

    @property
    def stopped(self) -> bool:
        """Whether the whole cluster is stopped."""
        return (self.power_state or '').lower() == 'stopped'


def is_cluster(body: Json) -> bool:
    """Whether `body` looks like a managed cluster: by its type, its id, or what only clusters hold."""
    if (text(body, 'type') or '').lower() == CLUSTER_TYPE:
        return True
    if list(id_segments(text(body, 'id')))[-1:] == ['managedclusters']:  # no agent pool or other child of one
        return True
    inner = properties(body)
    return get(inner, 'agentPoolProfiles') is not None and get(inner, 'networkProfile') is not None


def _is_count_or_absent(value: Json) -> bool:
    return value is None or count({'value': value}, 'value') is not None


def _is_text_or_absent(value: Json) -> bool:
    return value is None or isinstance(value, str)


#: What must be readable below `networkProfile`: a default for each would decide.
_READABLE: Mapping[Tuple[str, ...], Callable[[Json], bool]] = {
    (): lambda value: isinstance(value, dict),
    ('outboundType',): _is_text_or_absent,
    ('loadBalancerSku',): _is_text_or_absent,
    ('loadBalancerProfile',): lambda value: value is None or isinstance(value, dict),
    ('loadBalancerProfile', 'allocatedOutboundPorts'): _is_count_or_absent,
    ('loadBalancerProfile', 'managedOutboundIPs', 'count'): _is_count_or_absent,
}


def missing_in(body: Json) -> Tuple[str, ...]:
    """What every managed cluster has and `body` does not hold, or not so that it can be understood; as paths.

    Where it is missing, defaults would stand in for it: no nodes, or the load balancer of a cluster from before its SKU
    was told. All would be clear, and nothing was read.
    """
    inner = properties(body)
    pools = get(inner, 'agentPoolProfiles')
    network = get(inner, 'networkProfile')
    missing = ['.'.join(['networkProfile', *path]) for path, is_readable in _READABLE.items()
               if not is_readable(get(network, *path))]
    if pools is None and _provisions_nodes(inner):
        return tuple(missing)  # Automatic clusters whose system pools are hosted (AZURE-FACTS section 9, point 8)
    if not isinstance(pools, list):
        return (*missing, 'agentPoolProfiles')
    return (*missing, *(f'agentPoolProfiles[{index}]{lacking}' for index, pool in enumerate(pools)
                        for lacking in missing_in_pool(pool)))


def parse_cluster(body: Json) -> Cluster:
    """The cluster in `body`: raw ARM JSON, or what `az aks show` prints."""
    inner = properties(body)
    network, api_server = get(inner, 'networkProfile'), get(inner, 'apiServerAccessProfile')
    check = NameCheck()
    resource_id = check.id('id', text(body, 'id'), CLUSTER_TYPE)
    profile = _parse_profile(network if isinstance(network, Unknown) else get(network, 'loadBalancerProfile'))
    version = text(inner, 'currentKubernetesVersion') or text(inner, 'kubernetesVersion')
    return Cluster(
        id=resource_id,
        name=_name(resource_id, check.name('name', text(body, 'name'), is_cluster_name)),
        resource_group=resource_id.resource_group if resource_id else
        check.name('resourceGroup', text(body, 'resourceGroup'), is_group_name),
        subscription_id=resource_id.subscription_id if resource_id else
        check.name('subscriptionId', text(body, 'subscriptionId'), is_subscription_id),
        node_resource_group=check.name('nodeResourceGroup', text(inner, 'nodeResourceGroup'), is_group_name),
        location=check.name('location', text(body, 'location'), is_location),
        kubernetes_version=version,
        provisioning_state=text(inner, 'provisioningState'),
        power_state=text(inner, 'powerState', 'code'),
        outbound_type=canonical(text(network, 'outboundType'), OUTBOUND_TYPES) or LOAD_BALANCER,
        load_balancer_sku=canonical(text(network, 'loadBalancerSku'), (STANDARD, BASIC)) or _default_sku(network),
        profile=profile,
        pools=tuple(parse_agent_pool(pool, version, check) for pool in items(inner, 'agentPoolProfiles')),
        dual_stack='ipv6' in (family.lower() for family in texts(network, 'ipFamilies')),
        node_auto_provisioning=_provisions_nodes(inner),
        identity_type=text(body, 'identity', 'type'),
        pod_cidrs=texts(network, 'podCidrs') or tuple(filter(None, [text(network, 'podCidr')])),
        nat_gateway_address_ids=check.ids(
            'networkProfile.natGatewayProfile.effectiveOutboundIPs',
            ids(network, 'natGatewayProfile', 'effectiveOutboundIPs'), PUBLIC_IP_TYPE, PREFIX_TYPE),
        hosted_system_pools=bool(flag(inner, 'hostedSystemProfile', 'enabled')),
        private_key_vault=_has_private_key_vault(get(inner, 'securityProfile', 'azureKeyVaultKms')),
        authorized_ranges=texts(api_server, 'authorizedIPRanges'),
        private=bool(flag(api_server, 'enablePrivateCluster')),
        vnet_integration=bool(flag(api_server, 'enableVnetIntegration')),
        malformed=check.malformed + profile.malformed,
        unknown=unknown_fields(inner, _CLUSTER_FIELDS) + (
            ('pools',) if _holds_unknown(inner, 'agentPoolProfiles') else ()),
    )


def _has_private_key_vault(body: Json) -> bool:
    return bool(flag(body, 'enabled')) and (text(body, 'keyVaultNetworkAccess') or '').lower() == 'private'


def _provisions_nodes(inner: Json) -> bool:
    return (text(inner, 'nodeProvisioningProfile', 'mode') or '').lower() == 'auto'


def _holds_unknown(body: Json, key: str) -> bool:
    """Whether an element of the list at `key` is not known."""
    value = get(body, key)
    return isinstance(value, list) and any(isinstance(element, Unknown) for element in value)


#: Where a field that code may leave open stands in a body.
_CLUSTER_FIELDS = {'outbound_type': ('networkProfile', 'outboundType'),
                   'load_balancer_sku': ('networkProfile', 'loadBalancerSku'), 'pools': ('agentPoolProfiles',)}
_PROFILE_FIELDS = {
    'managed_outbound_ip_count': ('managedOutboundIPs', 'count'), 'outbound_ips': ('outboundIPs', 'publicIPs'),
    'outbound_ip_prefixes': ('outboundIPPrefixes', 'publicIPPrefixes'),
    'allocated_outbound_ports': ('allocatedOutboundPorts',), 'idle_timeout_in_minutes': ('idleTimeoutInMinutes',)}


def _name(resource_id: Optional[ArmId], written: Optional[str]) -> Optional[str]:
    """The name of the cluster: the id decides, and `written` may spell it better."""
    if resource_id is None or (written is not None and written.lower() == resource_id.name.lower()):
        return written
    return resource_id.name


def _default_sku(network: Json) -> str:
    """Bodies from before the SKU existed hold no `loadBalancerSku`: they are Basic unless they have a profile."""
    return STANDARD if get(network, 'loadBalancerProfile') is not None else BASIC


def _parse_profile(body: Json) -> LoadBalancerProfile:
    managed = get(body, 'managedOutboundIPs')
    own, prefixes = items(body, 'outboundIPs', 'publicIPs'), items(body, 'outboundIPPrefixes', 'publicIPPrefixes')
    check = NameCheck()
    return LoadBalancerProfile(
        managed_outbound_ip_count=count(managed, 'count'),
        managed_outbound_ipv6_count=count(managed, 'countIPv6'),
        has_managed=managed is not None,
        outbound_ips=check.ids(OUTBOUND_IPS, ids_of(own), PUBLIC_IP_TYPE),
        outbound_ip_prefixes=check.ids(OUTBOUND_IP_PREFIXES, ids_of(prefixes), PREFIX_TYPE),
        effective_ids=check.ids(EFFECTIVE_OUTBOUND_IPS, ids(body, 'effectiveOutboundIPs'),
                                PUBLIC_IP_TYPE, PREFIX_TYPE),
        allocated_outbound_ports=count(body, 'allocatedOutboundPorts'),
        idle_timeout_in_minutes=count(body, 'idleTimeoutInMinutes'),
        backend_pool_type=canonical(text(body, 'backendPoolType'), BACKEND_POOL_TYPES) or NODE_IP_CONFIGURATION,
        multiple_standard_load_balancers=bool(flag(body, 'enableMultipleStandardLoadBalancers')),
        health_probe_mode=canonical(text(body, 'clusterServiceLoadBalancerHealthProbeMode'), PROBE_MODES),
        malformed=check.malformed,
        unnamed_ips=sum(is_unknown(reference, 'id') for reference in own),
        unknown=unknown_fields(body, _PROFILE_FIELDS) + (
            ('outbound_ip_prefixes',) if any(is_unknown(reference, 'id') for reference in prefixes) else ()),
    )
