# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Outbound configurations and their arithmetic: what is in force, what was asked for, what is proposed.

Sources: AZURE-FACTS sections 1, 2 and 9.
"""

from typing import Any, Dict, NamedTuple, Optional, Sequence, Tuple

from ..facts import snat
from ..facts.clusters import (AUTOMATIC_PORTS, DEFAULT_IDLE_TIMEOUT_IN_MINUTES, DEFAULT_MANAGED_OUTBOUND_IP_COUNT,
                              LOAD_BALANCER, MANAGED, MIXED, NODE_IP_CONFIGURATION, PREFIXES, PUBLIC_IPS, STANDARD)
from ..facts.ids import ArmId
from ..facts.networks import IPV6, PREFIX_TYPE
from ..model.cluster import Cluster, LoadBalancerProfile
from ..model.observed import Observed
from ..options import Change
from .nodes import Nodes
from .own_addresses import usable_ids


class Settings(NamedTuple):
    """What can be set on the outbound side of a load balancer.

    `outbound_ip_count` are IPv4 addresses; None where a prefix's length is unknown. `frontends` are frontend
    configurations of the outbound rule, a prefix counted as one. `malformed_own_ids` stand in the place of own ids,
    `unnamed_ips` are own IPs whose ids code does not tell. `unknown` are fields that code leaves open; they hold what
    stands for nothing.
    """

    ip_source: str = MANAGED
    outbound_ip_count: Optional[int] = None
    frontends: int = 1
    managed_outbound_ip_count: Optional[int] = None
    managed_outbound_ipv6_count: Optional[int] = None
    outbound_ips: Tuple[ArmId, ...] = ()
    outbound_ip_prefixes: Tuple[ArmId, ...] = ()
    malformed_own_ids: Tuple[str, ...] = ()
    outbound_ports: int = AUTOMATIC_PORTS
    idle_timeout_in_minutes: int = DEFAULT_IDLE_TIMEOUT_IN_MINUTES
    backend_pool_type: str = NODE_IP_CONFIGURATION
    unnamed_ips: int = 0
    unknown: Tuple[str, ...] = ()

    @property
    def automatic(self) -> bool:
        """Whether ports are allocated automatically, by the size of the backend pool."""
        return self.ports_known and self.outbound_ports == AUTOMATIC_PORTS

    @property
    def ports_known(self) -> bool:
        """Whether the allocation is known; code may leave it open."""
        return 'outbound_ports' not in self.unknown

    @property
    def valid(self) -> bool:
        """Whether AKS takes each value by itself, before it counts ports (AZURE-FACTS section 1)."""
        count = self.managed_outbound_ip_count
        return (snat.is_valid_allocation(self.outbound_ports) and
                snat.MIN_IDLE_TIMEOUT <= self.idle_timeout_in_minutes <= snat.MAX_ARM_IDLE_TIMEOUT and
                (self.ip_source != MANAGED or count is None or 1 <= count <= snat.MAX_MANAGED_IPS))

    @property
    def managed_counts(self) -> Tuple[int, int]:
        """IPs that AKS makes, of IPv4 and of IPv6."""
        return self.managed_outbound_ip_count or 0, self.managed_outbound_ipv6_count or 0

    @property
    def own_ids(self) -> Tuple[ArmId, ...]:
        """The ids of the user's own public IPs and prefixes."""
        return self.outbound_ips + self.outbound_ip_prefixes

    @property
    def ips(self) -> Tuple[object, ...]:
        """The part of the settings that `az aks` sets as a whole: mode, counts, ids (compared without case)."""
        return (self.ip_source, self.managed_outbound_ip_count, self.managed_outbound_ipv6_count or 0,
                *(tuple(sorted(map(str.lower, own))) if own else () for own in (self.outbound_ips,
                                                                                self.outbound_ip_prefixes)))


def without_addresses(settings: Settings, ids: Sequence[str]) -> Settings:
    """`settings` without own addresses of these ids, which are not counted already."""
    left_out = {resource_id.lower() for resource_id in ids}
    return settings._replace(
        outbound_ips=tuple(one for one in settings.outbound_ips if one.lower() not in left_out),
        outbound_ip_prefixes=tuple(one for one in settings.outbound_ip_prefixes if one.lower() not in left_out),
        malformed_own_ids=tuple(one for one in settings.malformed_own_ids if one.lower() not in left_out))


class Configuration(NamedTuple):
    """A column: an outbound configuration, the nodes that it is for, and its arithmetic.

    `settings` is None where egress takes another way than a Standard load balancer. `ports_per_node` is what nodes
    have, `ports_per_node_at_max` what they would have at `nodes.required`. `fits` is AKS's own validation of ports and
    of each value; None where the IP count is unknown or nothing is documented. `shared_rule_blocks` are blocks of 8
    ports that rules take from outbound frontends, which AKS does not count. `inbound_pool_type` is the backend pool
    type where there are no settings: it is valid for every outbound type.
    """

    outbound_type: str
    load_balancer_sku: Optional[str]
    nodes: Nodes
    settings: Optional[Settings] = None
    effective_outbound_ip_count: Optional[int] = None
    ports_per_node: Optional[int] = None
    ports_per_node_at_max: Optional[int] = None
    enable_tcp_reset: Optional[bool] = None
    available_ports: Optional[int] = None
    required_ports: Optional[int] = None
    max_nodes: Optional[int] = None
    max_ports_per_node: Optional[int] = None
    fits: Optional[bool] = None
    shared_rule_blocks: int = 0
    inbound_pool_type: Optional[str] = None

    @property
    def backend_pool_type(self) -> Optional[str]:
        """How nodes join the inbound backend pool; None where there is no such choice (a Basic load balancer)."""
        return self.settings.backend_pool_type if self.settings else self.inbound_pool_type

    @property
    def headroom_ports(self) -> Optional[int]:
        """Ports that are left at what AKS validates; negative where they do not reach."""
        if self.available_ports is None or self.required_ports is None:
            return None
        return self.available_ports - self.required_ports

    @property
    def headroom_nodes(self) -> Optional[int]:
        """Nodes that could be added to those that the answer sizes for; negative where those do not fit."""
        return None if self.max_nodes is None else self.max_nodes - self.nodes.required

    @property
    def usable_ports(self) -> Optional[int]:
        """The ports of the outbound IPs without those that rules on shared frontends take."""
        if self.available_ports is None:
            return None
        return self.available_ports - snat.PORT_BLOCK * self.shared_rule_blocks

    @property
    def carries_required(self) -> Optional[bool]:
        """Whether the IPs have the ports of all nodes that the answer sizes for; None where `fits` is."""
        if self.fits is None or self.settings is None or self.settings.automatic or self.usable_ports is None:
            return self.fits
        return self.fits and self.settings.outbound_ports * self.nodes.required <= self.usable_ports


def shared_rule_blocks(observed: Observed) -> int:
    """Blocks of 8 ports that rules take from outbound frontends, as far as the load balancer was read."""
    return observed.load_balancer.shared_rule_blocks if observed.load_balancer else 0


# What is in force

def elsewhere(cluster: Cluster, nodes: Nodes) -> Configuration:
    """The column of a cluster whose egress takes another way than a Standard load balancer."""
    has_choice = cluster.egress_known and cluster.load_balancer_sku == STANDARD
    return Configuration(cluster.outbound_type, cluster.load_balancer_sku, nodes,
                         inbound_pool_type=cluster.profile.backend_pool_type if has_choice else None)


def in_force(observed: Observed, cluster: Cluster, nodes: Nodes) -> Configuration:
    """What the cluster has now: the profile's settings, and the ports that the outbound rule gives to nodes."""
    if not cluster.on_standard_load_balancer:
        return elsewhere(cluster, nodes)
    column = evaluate(settings_of(observed, cluster), nodes, cluster, shared_rule_blocks(observed))
    effective = effective_outbound_ips(observed, cluster)
    rule = observed.load_balancer.outbound_rule if observed.load_balancer else None
    if observed.load_balancer is None or rule is None:
        return column._replace(effective_outbound_ip_count=effective)
    return column._replace(
        effective_outbound_ip_count=effective, enable_tcp_reset=rule.enable_tcp_reset,
        ports_per_node=rule.allocated_outbound_ports or
        snat.automatic_ports(nodes.today, len(observed.outbound_ipv4_frontends)))


def settings_of(observed: Observed, cluster: Cluster) -> Settings:
    """What the profile asks for; IPv4 addresses as AKS validates them (AZURE-FACTS sections 1, 2 and 9)."""
    profile = cluster.profile
    source = profile.ip_source
    settings = Settings(
        ip_source=source,
        outbound_ips=profile.outbound_ips,
        outbound_ip_prefixes=profile.outbound_ip_prefixes,
        malformed_own_ids=profile.malformed_own_ids,
        outbound_ports=profile.allocated_outbound_ports or AUTOMATIC_PORTS,
        idle_timeout_in_minutes=profile.idle_timeout_in_minutes or DEFAULT_IDLE_TIMEOUT_IN_MINUTES,
        backend_pool_type=profile.backend_pool_type,
        unnamed_ips=profile.unnamed_ips,
        unknown=_left_open(profile),
    )
    if 'outbound_ip_count' in settings.unknown:
        return settings
    if source in (MANAGED, MIXED):
        managed = profile.managed_outbound_ip_count
        if managed is None and source == MANAGED:
            managed = effective_outbound_ips(observed, cluster) or DEFAULT_MANAGED_OUTBOUND_IP_COUNT
        ipv6 = profile.managed_outbound_ipv6_count or int(cluster.dual_stack)
        settings = settings._replace(managed_outbound_ip_count=managed, managed_outbound_ipv6_count=ipv6)
    return _with_ip_count(settings, observed, cluster)


def _left_open(profile: LoadBalancerProfile) -> Tuple[str, ...]:
    """The settings that code leaves open. One open kind of IPs is not the cluster's where another is named."""
    kinds = {'managed_outbound_ip_count': MANAGED, 'outbound_ips': PUBLIC_IPS, 'outbound_ip_prefixes': PREFIXES}
    kinds = {field: kind for field, kind in kinds.items() if field in profile.unknown}
    unknown = [name for name, field in (('outbound_ports', 'allocated_outbound_ports'),
                                        ('idle_timeout_in_minutes', 'idle_timeout_in_minutes'))
               if field in profile.unknown]
    if len(kinds) > 1 and not profile.names_ips:
        return (*unknown, 'ip_source', 'outbound_ip_count')
    if not profile.names_ips and kinds or profile.ip_source in (*kinds.values(), MIXED) and kinds:
        unknown.append('outbound_ip_count')
    return tuple(unknown)


def _with_ip_count(settings: Settings, observed: Observed, cluster: Optional[Cluster]) -> Settings:
    """Fill in IPv4 addresses and frontends; own addresses that Azure does not take bring none. With several options at
    once all effective IPs count (section 1 [O])."""
    if settings.ip_source == MANAGED:
        count = settings.managed_outbound_ip_count
        return settings._replace(outbound_ip_count=count, frontends=count or 0)
    prefixes = usable_ids(observed, settings.outbound_ip_prefixes)
    own = _count_ipv4(usable_ids(observed, settings.outbound_ips), observed) + settings.unnamed_ips
    prefixed = _count_prefixed(prefixes, observed)
    frontends = own + len(prefixes)
    total = _sum(own, prefixed)
    if settings.ip_source != MIXED:
        return settings._replace(outbound_ip_count=total, frontends=frontends)
    managed = settings.managed_outbound_ip_count or 0
    effective = effective_outbound_ips(observed, cluster) if cluster else None
    if effective is None and total is not None:
        effective = total + managed
    return settings._replace(outbound_ip_count=effective, frontends=frontends + managed)


def _count_ipv4(resource_ids: Sequence[str], observed: Observed) -> int:
    """Public IPs that are neither known to be IPv6 nor known not to exist."""
    return sum(_counts_as_ipv4(resource_id, observed) for resource_id in resource_ids)


def _counts_as_ipv4(resource_id: str, observed: Observed) -> bool:
    address = observed.public_ip(resource_id)
    return not observed.is_gone(resource_id) if address is None else address.version != IPV6


def _count_prefixed(resource_ids: Sequence[str], observed: Observed) -> Optional[int]:
    """IPv4 addresses of prefixes, None where the length of one is unknown. One that does not exist brings none."""
    total = 0
    for resource_id in resource_ids:
        prefix = observed.prefix(resource_id)
        if prefix is None and observed.is_gone(resource_id):
            continue
        if prefix is None or prefix.addresses is None:
            return None
        total += prefix.addresses
    return total


def effective_outbound_ips(observed: Observed, cluster: Cluster) -> Optional[int]:
    """IPv4 addresses in force: from the outbound rule's frontends where read, else from the profile.

    `effectiveOutboundIPs` holds prefixes too, and in dual-stack IPv6 addresses with nothing to tell them apart
    (AZURE-FACTS section 9, points 1 and 4); those that were not read are taken away by the IPv6 count of the profile.
    """
    balancer = observed.load_balancer
    if balancer is not None and balancer.outbound_rule is not None:
        frontends = observed.outbound_ipv4_frontends
        prefixes = [frontend.prefix_id for frontend in frontends if frontend.prefix_id]
        return _sum(len(frontends) - len(prefixes), _count_prefixed(prefixes, observed))
    return _effective_by_profile(observed, cluster)


def _effective_by_profile(observed: Observed, cluster: Cluster) -> Optional[int]:
    profile = cluster.profile
    if not profile.effective_ids:
        return None
    prefixes = [resource_id for resource_id in profile.effective_ids if resource_id.type == PREFIX_TYPE]
    single = _count_ipv4([resource_id for resource_id in profile.effective_ids if resource_id not in prefixes],
                         observed)
    if cluster.dual_stack and profile.has_managed:
        read = [observed.public_ip(resource_id) for resource_id in profile.effective_ids]
        known = sum(address is not None and address.version == IPV6 for address in read)
        single = max(0, single - max(0, (profile.managed_outbound_ipv6_count or 0) - known))
    return _sum(single, _count_prefixed(prefixes, observed))


def _sum(single: int, prefixed: Optional[int]) -> Optional[int]:
    return None if prefixed is None else single + prefixed


# The arithmetic of one configuration

def evaluate(settings: Settings, nodes: Nodes, cluster: Optional[Cluster] = None, blocks: int = 0) -> Configuration:
    """The arithmetic of `settings` for `nodes`."""
    ips = settings.outbound_ip_count
    column = Configuration(
        cluster.outbound_type if cluster else LOAD_BALANCER, cluster.load_balancer_sku if cluster else STANDARD,
        nodes, settings, shared_rule_blocks=blocks,
        effective_outbound_ip_count=ips if cluster else None,
        available_ports=None if ips is None else snat.available_ports(ips),
        max_ports_per_node=None if ips is None else snat.largest_ports(ips, nodes.required, blocks))
    if not settings.ports_known:
        return column
    column = _fill_automatic(column, settings) if settings.automatic else _fill_explicit(column, settings)
    if not settings.valid or ips == 0:
        return column._replace(fits=False)
    # What does not fit the fewest nodes that there can be fits no more of them.
    return column if nodes.most_known or column.fits is False else column._replace(fits=None)


def _allocated(settings: Settings, nodes: Nodes) -> Optional[int]:
    """The ports that nodes have today under `settings`."""
    if settings.automatic:
        return snat.automatic_ports(nodes.today, settings.frontends)
    return settings.outbound_ports if settings.ports_known else None


def _fill_explicit(column: Configuration, settings: Settings) -> Configuration:
    ports, available = settings.outbound_ports, column.available_ports
    required = ports * column.nodes.validated
    return column._replace(ports_per_node=ports, ports_per_node_at_max=ports, required_ports=required,
                           max_nodes=None if available is None else available // ports,
                           fits=None if available is None else required <= available)


def _fill_automatic(column: Configuration, settings: Settings) -> Configuration:
    """AKS does not validate automatic allocation; above 1000 nodes it is not documented (AZURE-FACTS section 2)."""
    nodes = column.nodes
    at_max = snat.automatic_ports(nodes.required, settings.frontends)
    return column._replace(ports_per_node=_allocated(settings, nodes),
                           ports_per_node_at_max=at_max,
                           required_ports=None if at_max is None else at_max * nodes.required,
                           max_nodes=snat.nodes_before_drop(nodes.today, settings.frontends),
                           fits=True if nodes.required <= snat.LARGEST_TIER else None)


def changed(current: Configuration, settings: Settings, cluster: Cluster) -> Configuration:
    """The column that `settings` would make of `current`: IPs that stay are those in force now."""
    if settings is current.settings:  # nothing was typed: the same, with the ports that the profile asks for
        return current._replace(ports_per_node=_allocated(settings, current.nodes))
    column = evaluate(settings, current.nodes, cluster, current.shared_rule_blocks)
    column = column._replace(enable_tcp_reset=current.enable_tcp_reset)
    if current.settings is not None and settings.ips == current.settings.ips:
        return column._replace(effective_outbound_ip_count=current.effective_outbound_ip_count)
    return column


# What `az aks update` would ask for

#: Options that `az aks` sets one by one, under the same names.
_PLAIN = ('outbound_ports', 'idle_timeout_in_minutes', 'backend_pool_type')


def apply(settings: Settings, change: Change, observed: Observed) -> Settings:
    """`settings` with exactly the options that were typed (AZURE-FACTS section 1)."""
    if not change.anything:
        return settings
    plain: Dict[str, Any] = {field: getattr(change, field) for field in _PLAIN}
    settings = settings._replace(**{field: value for field, value in plain.items() if value is not None})
    settings = settings._replace(unknown=tuple(
        field for field in settings.unknown if getattr(change, field, None) is None and not (
            change.any_ips and field in ('ip_source', 'outbound_ip_count'))))
    if not change.any_ips:
        return settings
    if change.outbound_ips or change.outbound_ip_prefixes:
        settings = settings._replace(ip_source=PUBLIC_IPS if change.outbound_ips else PREFIXES,
                                     managed_outbound_ip_count=None, managed_outbound_ipv6_count=None)
    else:
        settings = _apply_managed(settings, change)
    settings = settings._replace(outbound_ips=change.outbound_ips or (),
                                 outbound_ip_prefixes=change.outbound_ip_prefixes or (), malformed_own_ids=(),
                                 unnamed_ips=0)
    return _with_ip_count(settings, observed, observed.cluster)


def _apply_managed(settings: Settings, change: Change) -> Settings:
    """`az aks` keeps the count that was not typed, else takes 1; none of IPv6 addresses."""
    count = change.managed_outbound_ip_count or settings.managed_outbound_ip_count
    ipv6 = change.managed_outbound_ipv6_count or settings.managed_outbound_ipv6_count
    return settings._replace(
        ip_source=MANAGED, managed_outbound_ip_count=count or DEFAULT_MANAGED_OUTBOUND_IP_COUNT,
        managed_outbound_ipv6_count=ipv6 or 0)
