# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The one solver: (what is there, what is wanted, consent to decrease) → configurations. `plan` and `recommend` use it.

Sources: design section 4, azure-facts sections 1 and 2.
"""

from dataclasses import replace
from typing import Optional, Tuple

from ..facts import snat
from .addresses import largest_growth, new_prefixes, new_public_ips
from ..model.cluster import (AUTOMATIC_PORTS, DEFAULT_IDLE_TIMEOUT_IN_MINUTES, DEFAULT_MANAGED_OUTBOUND_IP_COUNT,
                             LOAD_BALANCER, MANAGED, MIXED, PREFIXES, PUBLIC_IPS, STANDARD)
from ..model.network import IPV4, IPV6
from ..model.observed import Observed
from ..model.outbound import (INFEASIBLE, MIXED_MODE, NEEDS_DECREASE, NO_PLACE, UNKNOWN_IP_COUNT, Case, Configuration,
                              Scale, Settings, Wanted)
from .nodes import count_nodes, count_planned_nodes

#: Ports per node of a new cluster where nothing was typed: what the smallest tier gives. Source: design section 4.
DEFAULT_PORTS = 1024


def plan(observed: Observed, scale: Scale, wanted: Wanted, allow_decrease=False,
         target_ports: Optional[int] = None) -> Case:
    """Solve for what was not typed: the smallest completion that keeps the typed values and fits.

    Without a cluster `scale.node_count` must be set. `target_ports` are ports per node that
    somebody else derived (`recommend`): like a typed value they raise the IPs, but they yield to typed IPs.
    """
    if observed.cluster is None:
        return _plan_new(observed, scale, wanted)
    case = current_case(observed, scale, wanted, allow_decrease)
    if not case.applicable:
        return case
    requested = _apply(case.current.settings, wanted, observed)
    case = replace(case, requested=_evaluate(case, requested))
    if target_ports is not None and wanted.outbound_ports is None:
        requested = replace(requested, outbound_ports=target_ports)
    return _complete(case, requested)


def current_case(observed: Observed, scale: Scale, wanted: Wanted = Wanted(), allow_decrease=False) -> Case:
    """What is in force, with its arithmetic; nothing requested, nothing proposed."""
    load_balancer = observed.load_balancer
    pool = load_balancer.backend_pool if load_balancer else None
    case = Case(
        nodes=count_nodes(observed.cluster, scale, pool.ipv4_members if pool else None),
        observed=observed, wanted=wanted, scale=scale, allow_decrease=allow_decrease,
        shared_rule_blocks=load_balancer.shared_rule_blocks if load_balancer else 0,
    )
    return replace(case, current=_in_force(case))


def _plan_new(observed, scale, wanted):
    case = Case(nodes=count_planned_nodes(scale), observed=observed, wanted=wanted, scale=scale)
    first = Settings(managed_outbound_ip_count=DEFAULT_MANAGED_OUTBOUND_IP_COUNT, managed_outbound_ipv6_count=0,
                     outbound_ip_count=1)
    settings = _apply(first, wanted, observed)
    case = replace(case, requested=_evaluate(case, settings))
    if wanted.outbound_ports is None:
        ips = settings.outbound_ip_count
        fitting = snat.largest_ports(ips, case.nodes.required) if wanted.ipv4_typed and ips else 0
        settings = replace(settings, outbound_ports=fitting or DEFAULT_PORTS)
    return _complete(case, settings)


# What is in force

def settings_of(observed: Observed) -> Settings:
    """What the profile asks for; IPv4 addresses as AKS validates them (azure-facts sections 1, 2 and 9)."""
    profile = observed.cluster.profile
    source = profile.ip_source
    settings = Settings(
        ip_source=source,
        outbound_ips=profile.outbound_ips,
        outbound_ip_prefixes=profile.outbound_ip_prefixes,
        outbound_ports=profile.allocated_outbound_ports or AUTOMATIC_PORTS,
        idle_timeout_in_minutes=profile.idle_timeout_in_minutes or DEFAULT_IDLE_TIMEOUT_IN_MINUTES,
        backend_pool_type=profile.backend_pool_type,
    )
    if source in (MANAGED, MIXED):
        managed = profile.managed_outbound_ip_count
        if managed is None and source == MANAGED:
            managed = _effective_ips(observed) or DEFAULT_MANAGED_OUTBOUND_IP_COUNT
        settings = replace(settings, managed_outbound_ip_count=managed,
                           managed_outbound_ipv6_count=profile.managed_outbound_ipv6_count or 0)
    return _with_ip_count(settings, observed)


def _with_ip_count(settings, observed):
    """Fill in IPv4 addresses and frontends. With several options at once all effective IPs count (section 1 [O])."""
    if settings.ip_source == MANAGED:
        return replace(settings, outbound_ip_count=settings.managed_outbound_ip_count,
                       frontends=settings.managed_outbound_ip_count)
    own = _count_ipv4(settings.outbound_ips, observed)
    prefixed = _count_prefixed(settings.outbound_ip_prefixes, observed)
    frontends = own + len(settings.outbound_ip_prefixes)
    total = None if prefixed is None else own + prefixed
    if settings.ip_source == MIXED:
        managed = settings.managed_outbound_ip_count or 0
        effective = _effective_ips(observed)
        if effective is None:
            effective = None if total is None else total + managed
        return replace(settings, outbound_ip_count=effective, frontends=frontends + managed)
    return replace(settings, outbound_ip_count=total, frontends=frontends)


def _count_ipv4(resource_ids, observed):
    """Own IPs that are not known to be IPv6."""
    known = [observed.public_ip(resource_id) for resource_id in resource_ids]
    return sum(ip is None or ip.version != IPV6 for ip in known)


def _count_prefixed(resource_ids, observed) -> Optional[int]:
    """IPv4 addresses of prefixes, None where the length of one is unknown."""
    lengths = [prefix_addresses(observed, resource_id) for resource_id in resource_ids]
    return None if None in lengths else sum(lengths)


def prefix_addresses(observed: Observed, resource_id: str) -> Optional[int]:
    """IPv4 addresses that the prefix of that id brings; None where it could not be read."""
    prefix = observed.prefix(resource_id)
    return prefix.addresses if prefix else None


def _effective_ips(observed) -> Optional[int]:
    """IPv4 addresses in force: from the outbound rule's frontends where read, else from the profile.

    `effectiveOutboundIPs` holds prefixes too, and in dual-stack IPv6 addresses with nothing to tell them apart
    (azure-facts section 9, points 1 and 4); there the wanted IPv6 count is taken away.
    """
    if observed.load_balancer and observed.load_balancer.outbound_rule:
        frontends = [frontend for frontend in observed.load_balancer.outbound_frontends if frontend.version == IPV4]
        prefixed = _count_prefixed([frontend.prefix_id for frontend in frontends if frontend.prefix_id], observed)
        single = sum(1 for frontend in frontends if not frontend.prefix_id)
        return None if prefixed is None else single + prefixed
    profile = observed.cluster.profile
    prefixes = [one for one in profile.effective_ids if '/publicipprefixes/' in one.lower()]
    ips = [one for one in profile.effective_ids if one not in prefixes]
    if not profile.effective_ids:
        return None
    prefixed = _count_prefixed(prefixes, observed)
    single = _count_ipv4(ips, observed)
    if observed.cluster.dual_stack and profile.has_managed:
        single = max(0, single - (profile.managed_outbound_ipv6_count or 0))
    return None if prefixed is None else single + prefixed


def _in_force(case) -> Configuration:
    observed = case.observed
    cluster = observed.cluster
    if not cluster.on_standard_load_balancer:
        return Configuration(cluster.outbound_type, cluster.load_balancer_sku)
    configuration = _evaluate(case, settings_of(observed))
    rule = observed.load_balancer.outbound_rule if observed.load_balancer else None
    if rule is None:
        return configuration
    frontends = sum(frontend.version == IPV4 for frontend in observed.load_balancer.outbound_frontends)
    return replace(configuration, enable_tcp_reset=rule.enable_tcp_reset,
                   ports_per_node=rule.allocated_outbound_ports or snat.automatic_ports(case.nodes.today, frontends))


# Arithmetic of one configuration

def _evaluate(case: Case, settings: Settings) -> Configuration:
    """The arithmetic of `settings` (design section 2)."""
    cluster, nodes = case.cluster, case.nodes
    ips = settings.outbound_ip_count
    configuration = Configuration(
        outbound_type=cluster.outbound_type if cluster else LOAD_BALANCER,
        load_balancer_sku=cluster.load_balancer_sku if cluster else STANDARD,
        settings=settings,
        effective_outbound_ip_count=_in_force_count(case, settings),
        enable_tcp_reset=case.current.enable_tcp_reset if case.current else None,
        available_ports=None if ips is None else snat.available_ports(ips),
        max_ports_per_node=None if ips is None else snat.largest_ports(ips, nodes.required, case.shared_rule_blocks),
    )
    fill = _fill_automatic if settings.automatic else _fill_explicit
    configuration = fill(configuration, settings, nodes)
    available, required = configuration.available_ports, configuration.required_ports
    return replace(
        configuration,
        headroom_ports=None if None in (available, required) else available - required,
        headroom_nodes=None if configuration.max_nodes is None else configuration.max_nodes - nodes.required,
    )


def _in_force_count(case, settings) -> Optional[int]:
    """IPv4 addresses in force: today's, as long as the IPs stay; once they change, those that are asked for."""
    if case.cluster is None:
        return None
    if case.current is None or settings.ips == case.current.settings.ips:
        return _effective_ips(case.observed)
    return settings.outbound_ip_count


def _fill_explicit(configuration, settings, nodes):
    ports, available = settings.outbound_ports, configuration.available_ports
    required = ports * nodes.validated
    return replace(configuration, ports_per_node=ports, ports_per_node_at_max=ports, required_ports=required,
                   max_nodes=None if available is None else available // ports,
                   fits=None if available is None else required <= available)


def _fill_automatic(configuration, settings, nodes):
    """AKS does not validate automatic allocation; above 1000 nodes it is not documented (azure-facts section 2)."""
    at_max = snat.automatic_ports(nodes.required, settings.frontends)
    return replace(configuration,
                   ports_per_node=snat.automatic_ports(nodes.today, settings.frontends),
                   ports_per_node_at_max=at_max,
                   required_ports=None if at_max is None else at_max * nodes.required,
                   max_nodes=snat.nodes_before_drop(nodes.today, settings.frontends),
                   fits=True if nodes.required <= snat.LARGEST_TIER else None)


# From what was typed to a completion that fits

def _apply(settings: Settings, wanted: Wanted, observed: Observed) -> Settings:
    """`settings` with exactly the typed options: what `az aks update` would ask for (azure-facts section 1)."""
    plain = {'outbound_ports': wanted.outbound_ports, 'idle_timeout_in_minutes': wanted.idle_timeout_in_minutes,
             'backend_pool_type': wanted.backend_pool_type}
    settings = replace(settings, **{key: value for key, value in plain.items() if value is not None})
    if not wanted.ips_typed:
        return settings
    own = {'ip_source': PUBLIC_IPS if wanted.outbound_ips else PREFIXES, 'managed_outbound_ip_count': None,
           'managed_outbound_ipv6_count': None}
    if wanted.outbound_ips or wanted.outbound_ip_prefixes:
        settings = replace(settings, **own)
    else:
        settings = _apply_managed(settings, wanted)
    settings = replace(settings, outbound_ips=wanted.outbound_ips or (),
                       outbound_ip_prefixes=wanted.outbound_ip_prefixes or ())
    return _with_ip_count(settings, observed)


def _apply_managed(settings, wanted):
    """`az aks` keeps the count that was not typed, else takes 1."""
    count = wanted.managed_outbound_ip_count or settings.managed_outbound_ip_count
    ipv6 = wanted.managed_outbound_ipv6_count
    return replace(settings, ip_source=MANAGED, managed_outbound_ip_count=count or DEFAULT_MANAGED_OUTBOUND_IP_COUNT,
                   managed_outbound_ipv6_count=settings.managed_outbound_ipv6_count or 0 if ipv6 is None else ipv6)


def _complete(case: Case, settings: Settings) -> Case:
    """Propose the smallest completion of `settings` that fits at `nodes.required`, or say what stands in the way."""
    if settings.automatic:
        return _propose(case, settings)
    if settings.outbound_ip_count is None:
        return _propose(case, settings, UNKNOWN_IP_COUNT if _changes_capacity(case, settings) else None)
    needed = snat.ips_needed(settings.outbound_ports, case.nodes.required, case.shared_rule_blocks)
    spare = settings.outbound_ip_count - needed
    if spare > 0 and case.allow_decrease and settings.ip_source == MANAGED and _may_lower_ips(case, settings):
        return _propose(case, _with_managed(settings, needed))
    if spare >= 0:
        return _propose(case, settings)
    if case.wanted.ipv4_typed and case.wanted.outbound_ports is None:
        return _lower_ports(case, settings, NEEDS_DECREASE)
    return _RAISE[settings.ip_source](case, settings, needed)


def _changes_capacity(case, settings):
    current = case.current.settings if case.current else None
    return current is None or settings.outbound_ports != current.outbound_ports or settings.ips != current.ips


def _may_lower_ips(case, settings):
    """Fewer IPs are part of the smallest completion of other ports, unless the count itself was typed."""
    ports_change = case.current is not None and settings.outbound_ports != case.current.settings.outbound_ports
    return ports_change and not case.wanted.ipv4_typed


def _raise_managed(case, settings, needed):
    if needed <= snat.MAX_MANAGED_IPS:
        return _propose(case, _with_managed(settings, needed))
    return _lower_ports(case, _with_managed(settings, snat.MAX_MANAGED_IPS), INFEASIBLE)


def _raise_public_ips(case, settings, needed):
    missing = needed - settings.outbound_ip_count
    room = snat.MAX_OWN_IPS - len(settings.outbound_ips)
    added = new_public_ips(case, settings.outbound_ips, min(missing, room))
    if added is None:
        return _propose(case, settings, NO_PLACE)
    grown = replace(settings, outbound_ips=settings.outbound_ips + tuple(address.id for address in added),
                    outbound_ip_count=settings.outbound_ip_count + len(added),
                    frontends=settings.frontends + len(added))
    case = replace(case, new_addresses=added)
    return _propose(case, grown) if missing <= room else _lower_ports(case, grown, INFEASIBLE)


def _raise_prefixes(case, settings, needed):
    missing = needed - settings.outbound_ip_count
    room = largest_growth(settings.outbound_ip_prefixes)
    added = new_prefixes(case, settings.outbound_ip_prefixes, min(missing, room))
    if added is None:
        return _propose(case, settings, NO_PLACE)
    ids = settings.outbound_ip_prefixes + tuple(address.id for address in added)
    grown = replace(settings, outbound_ip_prefixes=ids, frontends=settings.frontends + len(added),
                    outbound_ip_count=settings.outbound_ip_count + sum(2 ** (32 - one.length) for one in added))
    case = replace(case, new_addresses=added)
    return _propose(case, grown) if missing <= room else _lower_ports(case, grown, INFEASIBLE)


def _raise_mixed(case, settings, needed):
    """Any IP flag would wipe the other IP options: ports and timeout are all that may change."""
    del needed
    return _lower_ports(case, settings, MIXED_MODE)


_RAISE = {MANAGED: _raise_managed, PUBLIC_IPS: _raise_public_ips, PREFIXES: _raise_prefixes, MIXED: _raise_mixed}


def _lower_ports(case, settings, obstacle):
    """Fewer ports per node, where nothing else fits: only if nodes lose none, or with consent."""
    fitting = snat.largest_ports(settings.outbound_ip_count, case.nodes.required, case.shared_rule_blocks)
    held = case.current.ports_per_node if case.current else 0
    may_lower = case.wanted.outbound_ports is None and (case.allow_decrease or fitting >= (held or 0))
    if may_lower and fitting >= snat.PORT_BLOCK:
        return _propose(case, replace(settings, outbound_ports=fitting))
    return _propose(case, settings, obstacle)


def _with_managed(settings, count):
    return replace(settings, managed_outbound_ip_count=count, outbound_ip_count=count, frontends=count)


def _propose(case: Case, settings: Settings, obstacle: Optional[str] = None) -> Case:
    return replace(case, proposed=_evaluate(case, settings), obstacle=obstacle)


# Decreases

def removed_ids(current: Settings, other: Settings) -> Tuple[str, ...]:
    """Own IPs and prefixes of `current` that `other` leaves out."""
    kept = {one.lower() for one in other.outbound_ips + other.outbound_ip_prefixes}
    return tuple(one for one in current.outbound_ips + current.outbound_ip_prefixes if one.lower() not in kept)
