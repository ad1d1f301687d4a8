# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""A managed cluster: its agent pools, its outbound type and its load balancer profile.

The same parser takes the body of a GET, a row of Resource Graph, a snapshot and the output of `az aks show` of any
age (flattened and spelt differently). Sources: AZURE-FACTS sections 1, 3 and 9.
"""

from typing import Callable, Iterable, Mapping, NamedTuple, Optional, Tuple

from ..facts.clusters import (BACKEND_POOL_TYPES, BASIC, CLUSTER_TYPE, EXCLUDING_LABEL, LOAD_BALANCER, MANAGED, MIXED,
                              NODE_IP_CONFIGURATION, OUTBOUND_TYPES, POOL_TYPES, PREFIXES, PROBE_MODES, PUBLIC_IPS,
                              STANDARD)
from ..facts.ids import ArmId, is_cluster_name, is_group_name, is_location, is_subscription_id
from ..facts.networks import PREFIX_TYPE, PUBLIC_IP_TYPE, SUBNET_TYPE
from .names import Malformed, NameCheck
from .values import (Json, Unknown, canonical, count, distinct, flag, get, id_segments, ids, ids_of, is_unknown, items,
                     printable, properties, text, texts)


class AgentPool(NamedTuple):
    """One agent pool, with its counts as AKS counts them for SNAT (AZURE-FACTS section 2).

    `unknown` are fields that code leaves open (`current`, `max`, `max_surge`): counts are then the least they can be.
    `excluded`: its nodes bear the label that keeps them out of load balancers. `gateway_prefix` is the length of the
    public IP prefix of a Gateway pool. `without_windows_nat`: Windows does not translate the addresses of its pods.
    """

    name: str
    current: int
    max: int
    max_surge: Optional[str] = None
    mode: Optional[str] = None
    type: Optional[str] = None
    priority: Optional[str] = None
    kubernetes_version: Optional[str] = None
    provisioning_state: Optional[str] = None
    power_state: Optional[str] = None
    node_public_ip: bool = False
    blue_green: bool = False
    own_subnet: bool = False
    subnet_id: Optional[ArmId] = None
    pod_subnet_id: Optional[ArmId] = None
    excluded: bool = False
    gateway_prefix: Optional[int] = None
    without_windows_nat: bool = False
    unknown: Tuple[str, ...] = ()

    @property
    def stopped(self) -> bool:
        """Whether the pool is stopped; whether AKS then counts it is not documented (AZURE-FACTS section 2)."""
        return (self.power_state or '').lower() == 'stopped'

    @property
    def gateway(self) -> bool:
        """Whether it is a Gateway pool; whether AKS counts it is not documented (AZURE-FACTS section 2)."""
        return (self.mode or '').lower() == 'gateway'


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
                        for lacking in _missing_in_pool(pool)))


def _missing_in_pool(pool: Json) -> Iterable[str]:
    """VirtualMachines pools keep their counts in scale profiles (AZURE-FACTS section 3)."""
    if not isinstance(pool, dict):
        yield ''
    elif not isinstance(get(pool, 'virtualMachinesProfile', 'scale'), dict) and not get(
            pool, 'virtualMachineNodesStatus'):
        if count(pool, 'count') is None:
            yield '.count'
        if flag(pool, 'enableAutoScaling') and count(pool, 'maxCount') is None:
            yield '.maxCount'


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
        pools=tuple(_parse_pool(pool, version, check) for pool in items(inner, 'agentPoolProfiles')),
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
        unknown=_unknown(inner, _CLUSTER_FIELDS) + (('pools',) if _holds_unknown(inner, 'agentPoolProfiles') else ()),
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


def _unknown(body: Json, fields: Mapping[str, Tuple[str, ...]]) -> Tuple[str, ...]:
    """The `fields` whose place in `body`, or what is around it, is held by an Unknown."""
    return tuple(field for field, path in fields.items() if is_unknown(body, *path))


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
        unknown=_unknown(body, _PROFILE_FIELDS) + (
            ('outbound_ip_prefixes',) if any(is_unknown(reference, 'id') for reference in prefixes) else ()),
    )


def _parse_pool(body: Json, cluster_version: Optional[str], check: NameCheck) -> AgentPool:
    current, maximum = _pool_counts(body)
    subnet, pod_subnet = text(body, 'vnetSubnetID'), text(body, 'podSubnetID')
    return AgentPool(
        name=text(body, 'name') or '',
        current=current,
        max=maximum,
        max_surge=_surge_setting(get(body, 'upgradeSettings', 'maxSurge')),
        mode=text(body, 'mode'),
        type=canonical(text(body, 'type'), POOL_TYPES),
        priority=text(body, 'scaleSetPriority'),
        kubernetes_version=(text(body, 'currentOrchestratorVersion') or text(body, 'orchestratorVersion') or
                            cluster_version),
        provisioning_state=text(body, 'provisioningState'),
        power_state=text(body, 'powerState', 'code'),
        node_public_ip=bool(flag(body, 'enableNodePublicIP')),
        blue_green=(text(body, 'upgradeStrategy') or '').lower() == 'bluegreen',
        own_subnet=subnet is not None or is_unknown(body, 'vnetSubnetID'),
        subnet_id=check.id('agentPoolProfiles.vnetSubnetID', subnet, SUBNET_TYPE) if subnet else None,
        pod_subnet_id=check.id('agentPoolProfiles.podSubnetID', pod_subnet, SUBNET_TYPE) if pod_subnet else None,
        excluded=get(body, 'nodeLabels', EXCLUDING_LABEL) is not None,
        gateway_prefix=count(body, 'gatewayProfile', 'publicIPPrefixSize'),
        without_windows_nat=bool(flag(body, 'windowsProfile', 'disableOutboundNat')),
        unknown=_unknown_of_pool(body),
    )


def _unknown_of_pool(body: Json) -> Tuple[str, ...]:
    """The fields of a pool that code leaves open. Without the autoscaler, or where that is open, the count decides."""
    autoscaled = flag(body, 'enableAutoScaling')
    bound = (('enableAutoScaling',) if is_unknown(body, 'enableAutoScaling') else
             ('maxCount',) if autoscaled else ('count',))
    paths = {'current': ('count',), 'max': bound, 'max_surge': ('upgradeSettings', 'maxSurge')}
    return _unknown(body, paths)


def _surge_setting(value: Json) -> Optional[str]:
    """`maxSurge` as text: "3", "10%"; some bodies hold it as a number."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    return printable(str(value).strip()) or None


def _pool_counts(body: Json) -> Tuple[int, int]:
    """(nodes now, nodes at full scale, surge not included).

    max = max(count, maxCount) with the autoscaler on, else count: never below what runs now, since pools outside
    their own bounds exist (AZURE-FACTS section 9, point 10). VirtualMachines pools keep their counts in their scale
    profiles (section 3), where `autoscale` is an object or, in older answers, a list (section 9, point 8).
    """
    current = count(body, 'count')
    autoscaled = flag(body, 'enableAutoScaling') or is_unknown(body, 'enableAutoScaling')
    maximum = count(body, 'maxCount') if autoscaled else None
    if autoscaled and is_unknown(body, 'count'):
        current = count(body, 'minCount')
    scale = get(body, 'virtualMachinesProfile', 'scale')
    if scale is not None:
        manual = _sum(items(scale, 'manual'), 'count')
        autoscale = get(scale, 'autoscale')
        profiles = [autoscale] if not isinstance(autoscale, list) else list(items(scale, 'autoscale'))
        running = [count(status, 'count') or 0 for status in items(body, 'virtualMachineNodesStatus')]
        if current is None:
            current = sum(running) if running else manual + _sum(profiles, 'minCount')
        maximum = max(maximum or 0, manual + _sum(profiles, 'maxCount'))
    current = current or 0
    return current, max(current, maximum or 0)


def _sum(bodies: Iterable[Json], key: str) -> int:
    return sum(count(body, key) or 0 for body in bodies)
