# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""A managed cluster: its agent pools, its outbound type and its load balancer profile.

The same parser takes the body of a GET, a row of Resource Graph, a snapshot and the output of `az aks show` of any
age (flattened and spelt differently). Sources: azure-facts sections 1, 3 and 9.
"""
# pylint: disable=too-many-instance-attributes  # records with the fields of what they stand for

from dataclasses import dataclass
from typing import Any, Optional, Tuple

from .values import canonical, count, flag, get, id_segments, ids, items, properties, text, texts

LOAD_BALANCER = 'loadBalancer'
USER_DEFINED_ROUTING = 'userDefinedRouting'
MANAGED_NAT_GATEWAY = 'managedNATGateway'
USER_ASSIGNED_NAT_GATEWAY = 'userAssignedNATGateway'
OUTBOUND_TYPES = (LOAD_BALANCER, USER_DEFINED_ROUTING, MANAGED_NAT_GATEWAY, 'managedNATGatewayV2',
                  USER_ASSIGNED_NAT_GATEWAY, 'none', 'block')

STANDARD = 'Standard'
BASIC = 'Basic'

NODE_IP_CONFIGURATION = 'nodeIPConfiguration'
NODE_IP = 'nodeIP'
BACKEND_POOL_TYPES = (NODE_IP_CONFIGURATION, NODE_IP)

VIRTUAL_MACHINES = 'VirtualMachines'
POOL_TYPES = ('VirtualMachineScaleSets', 'AvailabilitySet', VIRTUAL_MACHINES)

#: Defaults of the profile: one managed IP, 30 minutes, automatic ports. Source: azure-facts section 1, table.
DEFAULT_MANAGED_OUTBOUND_IP_COUNT = 1
DEFAULT_IDLE_TIMEOUT_IN_MINUTES = 30
AUTOMATIC_PORTS = 0

#: Where the public IPs of a profile come from.
MANAGED = 'managed'
PUBLIC_IPS = 'publicIps'
PREFIXES = 'prefixes'
MIXED = 'mixed'
NONE = 'none'


@dataclass(frozen=True)
class AgentPool:
    """One agent pool, with its counts as AKS counts them for SNAT (azure-facts section 2)."""

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

    @property
    def stopped(self):
        """Whether the pool is stopped; whether AKS then counts it is not documented (azure-facts section 2)."""
        return (self.power_state or '').lower() == 'stopped'

    @property
    def gateway(self):
        """Whether it is a Gateway pool; whether AKS counts it is not documented (azure-facts section 2)."""
        return (self.mode or '').lower() == 'gateway'


@dataclass(frozen=True)
class LoadBalancerProfile:
    """`networkProfile.loadBalancerProfile`: what was asked for, and the ids that are in force.

    Counts and ports are None where the profile does not hold them. `effective_ids` are ids of public IPs, or of
    prefixes, IPv4 and IPv6 mixed (azure-facts section 9, points 1 and 4).
    """

    managed_outbound_ip_count: Optional[int] = None
    managed_outbound_ipv6_count: Optional[int] = None
    has_managed: bool = False
    outbound_ips: Tuple[str, ...] = ()
    outbound_ip_prefixes: Tuple[str, ...] = ()
    effective_ids: Tuple[str, ...] = ()
    allocated_outbound_ports: Optional[int] = None
    idle_timeout_in_minutes: Optional[int] = None
    backend_pool_type: str = NODE_IP_CONFIGURATION
    multiple_standard_load_balancers: bool = False

    @property
    def ip_source(self):
        """`managed`, `publicIps`, `prefixes`, or `mixed` where several options are set at once.

        A profile that names none of them is on AKS's default: managed IPs (azure-facts section 1).
        """
        sources = [source for source, wanted in ((MANAGED, self.has_managed), (PUBLIC_IPS, self.outbound_ips),
                                                 (PREFIXES, self.outbound_ip_prefixes)) if wanted]
        return MIXED if len(sources) > 1 else (sources or [MANAGED])[0]


@dataclass(frozen=True)
class Cluster:
    """A managed cluster, as far as its outbound traffic depends on it."""

    id: Optional[str]
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

    @property
    def on_standard_load_balancer(self):
        """Whether egress goes through a public Standard Load Balancer, so that its SNAT ports matter."""
        return self.outbound_type == LOAD_BALANCER and self.load_balancer_sku == STANDARD

    @property
    def own_vnet(self):
        """Whether the nodes sit in a VNet of the user's: some pool names its subnet."""
        return any(pool.own_subnet for pool in self.pools)

    @property
    def stopped(self):
        """Whether the whole cluster is stopped."""
        return (self.power_state or '').lower() == 'stopped'


def is_cluster(body: Any) -> bool:
    """Whether `body` looks like a managed cluster: by its type, its id, or what only clusters hold."""
    if (text(body, 'type') or '').lower() == 'microsoft.containerservice/managedclusters':
        return True
    if list(id_segments(text(body, 'id')))[-1:] == ['managedclusters']:  # no agent pool or other child of one
        return True
    inner = properties(body)
    return get(inner, 'agentPoolProfiles') is not None and get(inner, 'networkProfile') is not None


def parse_cluster(body: Any) -> Cluster:
    """The cluster in `body`: raw ARM JSON, or what `az aks show` prints."""
    inner = properties(body)
    network = get(inner, 'networkProfile')
    resource_id = text(body, 'id')
    segments = id_segments(resource_id)
    version = text(inner, 'currentKubernetesVersion') or text(inner, 'kubernetesVersion')
    return Cluster(
        id=resource_id,
        name=text(body, 'name') or segments.get('managedclusters'),
        resource_group=text(body, 'resourceGroup') or segments.get('resourcegroups'),
        subscription_id=text(body, 'subscriptionId') or segments.get('subscriptions'),
        node_resource_group=text(inner, 'nodeResourceGroup'),
        location=text(body, 'location'),
        kubernetes_version=version,
        provisioning_state=text(inner, 'provisioningState'),
        power_state=text(inner, 'powerState', 'code'),
        outbound_type=canonical(text(network, 'outboundType'), OUTBOUND_TYPES) or LOAD_BALANCER,
        load_balancer_sku=canonical(text(network, 'loadBalancerSku'), (STANDARD, BASIC)) or _default_sku(network),
        profile=_parse_profile(get(network, 'loadBalancerProfile')),
        pools=tuple(_parse_pool(pool, version) for pool in items(inner, 'agentPoolProfiles')),
        dual_stack='ipv6' in (family.lower() for family in texts(network, 'ipFamilies')),
        node_auto_provisioning=(text(inner, 'nodeProvisioningProfile', 'mode') or '').lower() == 'auto',
        identity_type=text(body, 'identity', 'type'),
        pod_cidrs=texts(network, 'podCidrs') or tuple(filter(None, [text(network, 'podCidr')])),
    )


def _default_sku(network):
    """Bodies from before the SKU existed hold no `loadBalancerSku`: they are Basic unless they have a profile."""
    return STANDARD if get(network, 'loadBalancerProfile') is not None else BASIC


def _parse_profile(body):
    managed = get(body, 'managedOutboundIPs')
    return LoadBalancerProfile(
        managed_outbound_ip_count=count(managed, 'count'),
        managed_outbound_ipv6_count=count(managed, 'countIPv6'),
        has_managed=managed is not None,
        outbound_ips=ids(body, 'outboundIPs', 'publicIPs'),
        outbound_ip_prefixes=ids(body, 'outboundIPPrefixes', 'publicIPPrefixes'),
        effective_ids=ids(body, 'effectiveOutboundIPs'),
        allocated_outbound_ports=count(body, 'allocatedOutboundPorts'),
        idle_timeout_in_minutes=count(body, 'idleTimeoutInMinutes'),
        backend_pool_type=canonical(text(body, 'backendPoolType'), BACKEND_POOL_TYPES) or NODE_IP_CONFIGURATION,
        multiple_standard_load_balancers=bool(flag(body, 'enableMultipleStandardLoadBalancers')),
    )


def _parse_pool(body, cluster_version):
    current, maximum = _pool_counts(body)
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
        own_subnet=text(body, 'vnetSubnetID') is not None,
    )


def _surge_setting(value):
    """`maxSurge` as text: "3", "10%"; some bodies hold it as a number."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    return str(value).strip() or None


def _pool_counts(body) -> Tuple[int, int]:
    """(nodes now, nodes at full scale, surge not included).

    max = max(count, maxCount) with the autoscaler on, else count: never below what runs now, since pools outside
    their own bounds exist (azure-facts section 9, point 10). VirtualMachines pools keep their counts in their scale
    profiles (section 3), where `autoscale` is an object or, in older answers, a list (section 9, point 8).
    """
    current = count(body, 'count')
    maximum = count(body, 'maxCount') if flag(body, 'enableAutoScaling') else None
    scale = get(body, 'virtualMachinesProfile', 'scale')
    if scale is not None:
        manual = sum(count(profile, 'count') or 0 for profile in items(scale, 'manual'))
        autoscale = get(scale, 'autoscale')
        profiles = [autoscale] if not isinstance(autoscale, list) else list(items(scale, 'autoscale'))
        running = [count(status, 'count') or 0 for status in items(body, 'virtualMachineNodesStatus')]
        if current is None:
            current = sum(running) if running else manual + sum(count(p, 'minCount') or 0 for p in profiles)
        maximum = max(maximum or 0, manual + sum(count(p, 'maxCount') or 0 for p in profiles))
    current = current or 0
    return current, max(current, maximum or 0)
