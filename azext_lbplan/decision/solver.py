# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The one solver: settings to aim for, completed with the fewest outbound IPs that carry them, or what is in the way.

Sources: AZURE-FACTS sections 1 and 2.
"""

from typing import NamedTuple, Optional, Tuple

from ..facts import snat
from ..facts.clusters import MANAGED, MIXED, PREFIXES
from ..model.observed import Observed
from ..options import Options
from .aim import Aim
from .columns import Settings
from .new_addresses import NewAddress, largest_growth, new_prefixes, new_public_ips
from .nodes import Nodes
from .outcome import Reason


class Problem(NamedTuple):
    """What the solver looks at beside the aim. `ports_now` are ports that nodes have; 0 for a new cluster."""

    observed: Observed
    options: Options
    nodes: Nodes
    shared_rule_blocks: int
    ports_now: int
    changes_capacity: bool


class Solution(NamedTuple):
    """Settings, what has to be made for them, and why they are not to be had (None where they are). `beyond_a_node`:
    the demand is for more ports than a node can have, whatever the IPs."""

    settings: Settings
    new_addresses: Tuple[NewAddress, ...] = ()
    obstacle: Optional[Reason] = None
    beyond_a_node: bool = False


def complete(problem: Problem, aim: Aim) -> Solution:
    """The smallest completion of `aim` that fits at `nodes.required`; typed values stay."""
    settings = aim.settings
    if (settings.managed_outbound_ip_count or 0) > snat.MAX_MANAGED_IPS and not problem.options.allow_decrease:
        return Solution(settings, obstacle=Reason.INFEASIBLE)
    if settings.automatic:
        return Solution(_within_limits(settings))
    if settings.outbound_ip_count is None:
        return Solution(settings, obstacle=Reason.UNKNOWN_IP_COUNT if problem.changes_capacity else None)
    needed = ips_needed(problem, settings)
    if needed <= settings.outbound_ip_count:
        fewer = problem.options.allow_decrease and settings.ip_source == MANAGED and not problem.options.change.ipv4
        return Solution(_with_managed(settings, needed) if fewer else settings)
    return _raise_ips(problem, aim, needed)


def _raise_ips(problem: Problem, aim: Aim, needed: int) -> Solution:
    """More IPs, in the cluster's own mode; where the user has set their number, or modes are mixed, fewer ports."""
    settings, change = aim.settings, problem.options.change
    if change.ipv4 and change.outbound_ports is None:
        return _lower_ports(problem, aim, settings, Reason.NEEDS_DECREASE)
    if settings.ip_source == MIXED:  # any IP option would wipe the other kinds
        return _lower_ports(problem, aim, settings, Reason.MIXED_OUTBOUND_IPS)
    if settings.ip_source == MANAGED:
        return _raise_managed(problem, aim, needed)
    return _raise_own(problem, aim, needed)


def ips_needed(problem: Problem, settings: Settings) -> int:
    """The fewest IPv4 addresses that carry the ports of `settings` at `nodes.required`."""
    return snat.ips_needed(settings.outbound_ports, problem.nodes.required, problem.shared_rule_blocks)


def fitting_ports(problem: Problem, settings: Settings) -> Optional[int]:
    """The largest allocation that fits on the IPs of `settings`; None where their number is unknown."""
    if settings.outbound_ip_count is None:
        return None
    return snat.largest_ports(settings.outbound_ip_count, problem.nodes.required, problem.shared_rule_blocks)


def _within_limits(settings: Settings) -> Settings:
    """At least one managed IP, since a profile that asks for none leaves no way out, and at most a hundred."""
    if settings.ip_source != MANAGED or settings.outbound_ip_count is None:
        return settings
    count = min(max(1, settings.outbound_ip_count), snat.MAX_MANAGED_IPS)
    return settings if count == settings.outbound_ip_count else _with_managed(settings, count)


def _with_managed(settings: Settings, count: int) -> Settings:
    return settings._replace(managed_outbound_ip_count=count, outbound_ip_count=count, frontends=count)


def _raise_managed(problem: Problem, aim: Aim, needed: int) -> Solution:
    if needed <= snat.MAX_MANAGED_IPS:
        return Solution(_with_managed(aim.settings, needed))
    return _lower_ports(problem, aim, _with_managed(aim.settings, snat.MAX_MANAGED_IPS), Reason.INFEASIBLE)


def _raise_own(problem: Problem, aim: Aim, needed: int) -> Solution:
    """New public IPs or prefixes beside the own ones, whose full list the update names."""
    settings = aim.settings
    if settings.unnamed_ips:  # the full list is to be given, and is not known
        return Solution(settings, obstacle=Reason.UNKNOWN_PLACE)
    missing = needed - (settings.outbound_ip_count or 0)
    if settings.ip_source == PREFIXES:
        room = largest_growth(settings.outbound_ip_prefixes)
        new = new_prefixes(problem.observed, settings.outbound_ip_prefixes, min(missing, room))
    else:
        room = max(0, snat.MAX_FRONTENDS - len(settings.outbound_ips))
        new = new_public_ips(problem.observed, settings.outbound_ips, min(missing, room))
    if new is None:
        return Solution(settings, obstacle=Reason.UNKNOWN_PLACE)
    grown = _with_new(settings, new)
    if missing <= room:
        return Solution(grown, new)
    return _lower_ports(problem, aim, grown, Reason.INFEASIBLE, new)


def _with_new(settings: Settings, new: Tuple[NewAddress, ...]) -> Settings:
    ids = tuple(address.id for address in new)
    field = 'outbound_ip_prefixes' if settings.ip_source == PREFIXES else 'outbound_ips'
    return settings._replace(**{field: getattr(settings, field) + ids}, frontends=settings.frontends + len(new),
                             outbound_ip_count=(settings.outbound_ip_count or 0) + sum(one.addresses for one in new))


def _lower_ports(problem: Problem, aim: Aim, settings: Settings, obstacle: Reason,
                 new: Tuple[NewAddress, ...] = ()) -> Solution:
    """Fewer ports per node, where nothing else fits: only if nodes lose none, or with consent. Ports that were
    demanded are not met by fewer, but where the user has set the number of IPs."""
    fitting = fitting_ports(problem, settings) or 0
    typed = problem.options.change.outbound_ports is not None
    enough = not aim.demanded or obstacle is Reason.NEEDS_DECREASE
    allowed = problem.options.allow_decrease or fitting >= problem.ports_now
    if fitting < snat.PORT_BLOCK or typed or not allowed:
        return Solution(settings, new, obstacle)
    lowered = Solution(settings._replace(outbound_ports=fitting), new)
    return lowered if enough else lowered._replace(obstacle=obstacle)
