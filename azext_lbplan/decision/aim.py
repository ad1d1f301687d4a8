# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What a cluster should be set to, before it is known what that takes: the typed values, and for what was not typed
valid values that cut nothing which is in force and that carry what was measured.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Optional, Tuple

from ..facts import snat
from ..facts.clusters import MANAGED
from ..model.cluster import Cluster
from ..model.observed import Observed
from ..options import Options
from .columns import Configuration, Settings

if TYPE_CHECKING:  # only what measures pays for it
    from ..demand import Demand

#: Provisioning states in which an operation runs. Meanwhile profile and load balancer differ, which mends itself
#: (AZURE-FACTS section 9, point 4).
_BUSY = ('creating', 'updating', 'upgrading', 'scaling', 'starting', 'stopping', 'deleting')


class Aim(NamedTuple):
    """Settings to be completed with the IPs that they take. `demanded`: the ports come from measured demand, so that
    fewer would not do, and are `over_limit` where no node can have as many; `kept`: they keep what nodes have now,
    which the settings as typed would take away."""

    settings: Settings
    demanded: bool = False
    over_limit: bool = False
    kept: bool = False


def is_busy(cluster: Optional[Cluster]) -> bool:
    """Whether an operation on the cluster runs."""
    return cluster is not None and (cluster.provisioning_state or '').lower() in _BUSY


def aim_of(observed: Observed, options: Options, current: Configuration, requested: Settings,
           demand: Optional[Demand]) -> Aim:
    """What to aim for from `requested`, the settings with the typed options."""
    settings = requested
    if observed.cluster is not None and observed.cluster.dual_stack and settings.ip_source == MANAGED:
        # Both counts are always given: without one its addresses would go.
        settings = settings._replace(managed_outbound_ipv6_count=settings.managed_outbound_ipv6_count or 1)
    if options.change.idle_timeout_in_minutes is None:
        settings = settings._replace(idle_timeout_in_minutes=_idle_timeout(observed, settings))
    if options.change.outbound_ports is not None:
        return Aim(settings)
    ports = _demanded_ports(observed, options, current, settings, demand)
    if ports is not None:
        return Aim(settings._replace(outbound_ports=min(ports, snat.MAX_PORTS_PER_NODE)), demanded=True,
                   over_limit=ports > snat.MAX_PORTS_PER_NODE)
    valid = settings._replace(outbound_ports=_valid(settings.outbound_ports))
    kept = _kept_ports(observed, current, valid, demand)
    return Aim(valid) if kept is None else Aim(valid._replace(outbound_ports=kept), kept=True)


def _idle_timeout(observed: Observed, settings: Settings) -> int:
    """A timeout that `az aks` takes; where the outbound rule has a longer one, that: the next update would otherwise
    cut quiet connections. Azure takes up to 120 minutes, which `az aks` cannot set: those stay."""
    minutes = settings.idle_timeout_in_minutes
    balancer = observed.load_balancer if observed.origin is None else None  # code says what it wants
    rule = balancer.outbound_rule if balancer else None
    if rule is not None and rule.idle_timeout_in_minutes is not None and not is_busy(observed.cluster) and \
            minutes < rule.idle_timeout_in_minutes <= snat.MAX_IDLE_TIMEOUT:
        return rule.idle_timeout_in_minutes
    if minutes < snat.MIN_IDLE_TIMEOUT:
        return snat.MIN_IDLE_TIMEOUT
    return minutes if minutes <= snat.MAX_ARM_IDLE_TIMEOUT else snat.MAX_IDLE_TIMEOUT


# Ports of what was measured

def ports_now(observed: Observed, current: Configuration, demand: Optional[Demand]) -> Optional[int]:
    """Ports that nodes have now, and that no operation which runs is about to change. Automatic allocation is best
    measured; explicit ports are what the rule says, which is newer than the last metric."""
    settings = current.settings
    measured = demand.evidence.allocated_ports_per_node if demand else None
    if settings is not None and settings.automatic and measured:
        return snat.ceil8(measured)
    if settings is not None and is_busy(observed.cluster):
        return settings.outbound_ports or snat.automatic_ports(current.nodes.today, settings.frontends)
    return current.ports_per_node


def unmet_trigger(observed: Observed, current: Configuration, demand: Optional[Demand],
                  headroom: float) -> Optional[int]:
    """The trigger of the demand, where today's ports do not cover it; None where they do or nothing is known."""
    trigger = demand.trigger(headroom) if demand and demand.actionable else None
    ports = ports_now(observed, current, demand)
    return trigger if trigger is not None and ports is not None and ports < trigger else None


def _demanded_ports(observed: Observed, options: Options, current: Configuration, settings: Settings,
                    demand: Optional[Demand]) -> Optional[int]:
    """Ports per node that the demand calls for; None where it calls for no change."""
    if demand is None:
        return None
    ports, target = ports_now(observed, current, demand), demand.target(options.headroom)
    trigger = unmet_trigger(observed, current, demand, options.headroom)
    if trigger is not None and target is not None and ports is not None:
        # The target of an estimate may lie below what some nodes already have.
        return max(_on_fewest_ips(current, trigger, target), ports, current.ports_per_node or 0)
    spare = demand.spare(options.headroom)
    if spare is not None and target is not None and ports is not None and spare < ports and \
            _saves_ips(options, current, settings, demand, spare=spare,
                       ips=_kept_ips(observed, current, settings, demand)):
        return min(ports, _on_fewest_ips(current, spare, target))
    return None


def _on_fewest_ips(current: Configuration, trigger: int, target: int) -> int:
    """The target, or what of it needs no IP more than the trigger does: the room between the two only puts off the next
    change."""
    least, required, blocks = snat.ceil8(trigger), current.nodes.required, current.shared_rule_blocks
    most = snat.largest_ports(snat.ips_needed(least, required, blocks), required, blocks)
    return max(least, min(target, most))


def _kept_ips(observed: Observed, current: Configuration, settings: Settings, demand: Demand) -> Optional[int]:
    """The outbound IPs that it takes to keep what nodes have: at least those of today. None where these are unknown."""
    valid = settings._replace(outbound_ports=_valid(settings.outbound_ports))
    ports = _kept_ports(observed, current, valid, demand) or valid.outbound_ports
    if settings.outbound_ip_count is None:
        return None
    return max(settings.outbound_ip_count,
               snat.ips_needed(ports, current.nodes.required, current.shared_rule_blocks))


def _saves_ips(options: Options, current: Configuration, settings: Settings, demand: Demand, *,
               ips: Optional[int], spare: int) -> bool:
    """Whether fewer ports, for which there is evidence and consent, would save one of the `ips` that keeping takes."""
    if not options.allow_decrease or not demand.sufficient or ips is None or options.change.any_ips:
        return False
    return (settings.ip_source == MANAGED and
            snat.ips_needed(snat.ceil8(spare), current.nodes.required, current.shared_rule_blocks) < ips)


# Ports that stay

def _kept_ports(observed: Observed, current: Configuration, settings: Settings,
                demand: Optional[Demand]) -> Optional[int]:
    """Explicit ports that keep what nodes have, where `settings` would take some away: automatic allocation that drops
    as the cluster grows, or a profile that an edit of the load balancer has overtaken. None where they keep it."""
    ports = ports_now(observed, current, demand)
    if ports is None:
        return None
    if not settings.automatic:
        kept = min(snat.floor8(ports), snat.MAX_PORTS_PER_NODE)
        return kept if settings.outbound_ports < kept else None
    # What nodes have once the line has run: where IPs change or a rule was edited, automatic allocation sets it anew.
    now = snat.automatic_ports(current.nodes.today, settings.frontends)
    at_max = snat.automatic_ports(current.nodes.required, settings.frontends)
    if now is None:
        return None
    kept = min(snat.floor8(max(ports, now, current.ports_per_node or 0)), snat.MAX_PORTS_PER_NODE)
    return kept if at_max is None or at_max < max(now, current.ports_per_node or 0) else None


def less_kept(current: Configuration, settings: Settings) -> Tuple[int, ...]:
    """What to fall back to, the better first, where ports that are to be kept do not fit what was typed: what automatic
    allocation gives now, made explicit, and the ports of `settings`."""
    now = snat.automatic_ports(current.nodes.today, settings.frontends) if settings.automatic else None
    return (*((now,) if now else ()), _valid(settings.outbound_ports))


def _valid(ports: int) -> int:
    """The nearest number of ports that Azure takes."""
    return min(snat.ceil8(ports), snat.MAX_PORTS_PER_NODE)
