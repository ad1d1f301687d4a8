# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Assumptions that an answer rests on and that AZURE-FACTS marks as unknown, in plain words."""

from typing import Callable, List, Sequence, Tuple

from ..facts import snat
from ..facts.clusters import MANAGED, MIXED
from ..model.agent_pool import AgentPool
from ..model.observed import is_managed
from .columns import Settings
from .decide import Decision
from .egress import UNKNOWN


def assumptions(decision: Decision) -> Tuple[str, ...]:
    """The assumptions that the numbers and the lines of `decision` rest on."""
    return assumptions_in_force(decision) + (_those(_OF_LINES, decision) if decision.applicable else ())


def assumptions_in_force(decision: Decision) -> Tuple[str, ...]:
    """The assumptions that what is said of today rests on."""
    return (_of_code(decision) + _those(_OF_EGRESS, decision) +
            (_those(_IN_FORCE, decision) if decision.applicable else ()))


def _of_code(decision: Decision) -> Tuple[str, ...]:
    """What the code leaves open, and what counts in its place."""
    origin = decision.observed.origin
    if origin is None:
        return ()
    title = origin.title[:1].upper() + origin.title[1:]
    unknown = (f"{title} does not tell: {', '.join(origin.unknown)}.",) if origin.unknown else ()
    return unknown + tuple(f'{note}.' for note in origin.notes + origin.assumed)


def _those(table: '_Table', decision: Decision) -> Tuple[str, ...]:
    return tuple(text for applies, text in table if applies(decision))


def _pools(decision: Decision) -> Sequence[AgentPool]:
    return decision.cluster.pools if decision.cluster else ()


def _settings(decision: Decision) -> List[Settings]:
    columns = (decision.current, decision.requested, decision.proposed)
    return [column.settings for column in columns if column is not None and column.settings is not None]


def _surge_in_doubt(decision: Decision) -> bool:
    return any(pool.low_validated and pool.low_validated < pool.validated and pool.surge_setting is not None and
               '%' not in pool.surge_setting for pool in decision.nodes.pools)


def _ids_not_read(decision: Decision) -> bool:
    made = {address.id.lower() for address in decision.new_addresses}
    ids = _settings(decision)[-1].outbound_ips
    return any(resource_id.lower() not in made and not decision.observed.public_ip(resource_id) and
               not decision.observed.is_gone(resource_id) for resource_id in ids)


def _has_lines(decision: Decision) -> bool:
    """Whether there may be lines for `az`: what code makes is changed in the code."""
    return decision.observed.origin is None


def _load_balancer_not_read(decision: Decision) -> bool:
    origin = decision.observed.origin
    return decision.cluster is not None and decision.observed.load_balancer is None and (
        origin is None or origin.is_live)


def _effective_by_subtraction(decision: Decision) -> bool:
    return (_load_balancer_not_read(decision) and decision.cluster is not None and decision.cluster.dual_stack and
            decision.cluster.profile.ip_source in (MANAGED, MIXED))


def _prefix_as_frontend(decision: Decision) -> bool:
    return any(settings.automatic and settings.outbound_ip_prefixes for settings in _settings(decision))


def _above_table(decision: Decision) -> bool:
    return (decision.nodes.required > snat.LARGEST_TIER and
            any(settings.automatic for settings in _settings(decision)))


def _name_not_asked_for(decision: Decision) -> bool:
    return any(not address.name_is_free for address in decision.new_addresses)


def _other_subscription(decision: Decision) -> bool:
    """New IPs beside own ones of another subscription than the cluster's."""
    places = {address.id.subscription_id.lower() for address in decision.new_addresses}
    own = (decision.cluster.subscription_id or '').lower() if decision.cluster else ''
    return bool(own and places - {own})


def _moves_flows(decision: Decision) -> bool:
    """Whether the line or the code sets other ports or IPs on what runs now."""
    before, after = (column.settings if column else None for column in (decision.current, decision.leads_to))
    if before is None or after is None:
        return False
    return before.outbound_ports != after.outbound_ports or before.ips != after.ips


def _surge_unset(decision: Decision) -> bool:
    return any(pool.surge_setting is None and pool.validated != pool.low_validated for pool in decision.nodes.pools)


def _surge_by_percent(decision: Decision) -> bool:
    return any('%' in (pool.surge_setting or '') and pool.validated != pool.low_validated and pool.max > pool.current
               for pool in decision.nodes.pools)


def _hosts_system_pools(decision: Decision) -> bool:
    balancer = decision.observed.load_balancer
    return (decision.cluster is not None and decision.cluster.hosted_system_pools or
            balancer is not None and balancer.hosted_pool is not None)


def _way_not_known(decision: Decision) -> bool:
    return decision.cluster is not None and decision.egress.effective == UNKNOWN


def _own_routes_not_read(decision: Decision) -> bool:
    """AKS keeps the routes between pods there (kubenet); whoever else edits that table is on their own."""
    cluster, observed = decision.cluster, decision.observed
    tables = [subnet.route_table_id for subnet in observed.subnets if subnet.route_table_id]
    return cluster is not None and any(is_managed(table, cluster) and observed.route_table(table) is None
                                       for table in tables)


_Table = Tuple[Tuple[Callable[[Decision], bool], str], ...]

#: (when it applies, what is assumed). Source of each: the lines marked [?] in AZURE-FACTS.
_OF_EGRESS: _Table = (
    (lambda decision: _way_not_known(decision) and decision.applicable,
     'Where packets really leave is not known; this answer assumes the load balancer.'),
    (lambda decision: _way_not_known(decision) and not decision.applicable,
     'Where packets really leave is not known.'),
    (lambda decision: any(path.learnt for path in decision.egress.paths),
     'Routes that gateways learn, over BGP or from a virtual WAN, are in no route table and were not read: one for '
     '0.0.0.0/0 would lead packets elsewhere.'),
    (_own_routes_not_read,
     "AKS's own route table on the subnet was not read; it is taken to hold nothing but routes between pods."),
)

_IN_FORCE: _Table = (
    (lambda decision: _has_lines(decision) and decision.cluster is not None and not decision.cluster.is_named,
     'What was read does not name the cluster with its resource group: no line can be printed.'),
    (lambda decision: _has_lines(decision) and decision.cluster is not None and decision.cluster.is_named and
     decision.cluster.subscription_id is None,
     'What was read does not say the subscription: a line goes to the one that the CLI is set to.'),
    (lambda decision: any(pool.stopped for pool in _pools(decision)),
     'Stopped node pools are counted as if they ran; whether AKS counts them is not documented.'),
    (lambda decision: any(pool.gateway for pool in _pools(decision)),
     'Gateway node pools are counted; whether AKS counts them is not documented.'),
    (lambda decision: any(pool.node_public_ip for pool in _pools(decision)),
     'Node pools with node public IPs are counted, although their nodes use no SNAT ports; whether AKS counts them is '
     'not documented.'),
    (_surge_in_doubt,
     'A maxSurge of 0 is counted as 1, and an integer maxSurge above the size of its pool in full; how AKS counts '
     'them is not documented.'),
    (_surge_unset,
     'Sources disagree about a maxSurge that is not set (1 or 10 %, of the maximum or of the nodes of now); this '
     'counts 10 % of the maximum.'),
    (_surge_by_percent,
     'Whether AKS takes a surge percentage of the maximum or of the nodes of now is not documented; this takes the '
     'maximum.'),
    (lambda decision: decision.cluster is not None and decision.cluster.node_auto_provisioning,
     'Nodes of node auto-provisioning are in no agent pool; how AKS counts them is not documented.'),
    (_hosts_system_pools,
     'Nodes of hosted system pools are in no agent pool and not counted; whether AKS counts them is not documented.'),
    (_above_table,
     'Automatic allocation above 1000 nodes is not documented.'),
    (_prefix_as_frontend,
     'For automatic allocation a prefix is counted as one frontend; that is not documented.'),
    (_load_balancer_not_read,
     'The load balancer was not read: what is in force is taken from the cluster, and the backend pool from its '
     'node counts.'),
    (_effective_by_subtraction,
     'In dual-stack the IPv4 addresses in force are those that are left when the IPv6 ones of the profile are taken '
     'away.'),
    (_ids_not_read,
     'Own public IPs that were not read are counted as one IPv4 address each, and not checked for SKU and region.'),
)

#: The same of lines that are printed.
_OF_LINES: _Table = (
    (_moves_flows,
     'Which live connections a change of ports or IPs drops is not documented; some were reported to drop.'),
    (_name_not_asked_for,
     'Whether the names of the new public IPs are free was not checked; creating one that exists would change it.'),
    (_other_subscription,
     'New IPs are made beside the own ones, in another subscription than the cluster.'),
    (lambda decision: decision.cluster is None,
     'Without a cluster nothing was read: quota, policies and the versions of the region were not checked.'),
)
