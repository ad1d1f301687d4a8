# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""From what is in force and measured demand to a configuration, with reasons (design section 4, Recommendation)."""

from dataclasses import dataclass, replace
from typing import Optional, Tuple

from . import flags
from ..facts import snat
from .alternatives import Alternative, alternatives
from ..demand import Demand
from ..model.cluster import LOAD_BALANCER, MANAGED
from ..model.observed import Observed
from ..model.outbound import INFEASIBLE as NO_ROOM
from ..model.outbound import Case, Scale, Wanted
from .sizing import current_case, plan

CHANGE = 'change'
OK = 'ok'
INSUFFICIENT_DATA = 'insufficientData'
INFEASIBLE = 'infeasible'
NOT_APPLICABLE = 'notApplicable'

#: The status where nothing needs to change, by what the metrics were worth: all clear is said only where they were.
_UNCHANGED = {'sufficient': OK, 'insufficientData': INSUFFICIENT_DATA, 'noData': INSUFFICIENT_DATA,
              'notApplicable': NOT_APPLICABLE}


@dataclass(frozen=True)
class Recommendation:
    """What to set: the solved case, the demand it rests on, why, and the other ways."""

    case: Case
    status: str
    demand: Demand
    reasons: Tuple[str, ...]
    alternatives: Tuple[Alternative, ...] = ()


def recommend(observed: Observed, demand: Demand, scale: Scale = Scale(), wanted: Wanted = Wanted(),
              allow_decrease: bool = False, *, headroom: float = 25) -> Recommendation:
    """Recommend ports per node and IPs for a cluster; `headroom` in percent, `wanted` as constraints.

    Ports = max(today's, the target of the demand where today's do not cover its trigger), on the fewest IPs that
    carry them; fewer than today only with evidence and consent, and only where that saves an IP.
    """
    before = replace(current_case(observed, scale, wanted, allow_decrease), demand=demand)
    if not before.applicable:
        return Recommendation(before, NOT_APPLICABLE, demand, (_not_applicable(before),))
    target = _target_ports(before, headroom)
    case = replace(_solve(before, min(target or 0, snat.MAX_PORTS_PER_NODE) or None), demand=demand)
    if target and target > snat.MAX_PORTS_PER_NODE and wanted.outbound_ports is None:
        case = replace(case, obstacle=NO_ROOM, proposed=replace(case.proposed, fits=False))
    changes = bool(flags.flags(case))
    status = INFEASIBLE if case.obstacle else CHANGE if changes else _UNCHANGED[demand.evidence.status]
    return Recommendation(case, status, demand, _reasons(case, headroom), alternatives(case))


def _solve(before: Case, target: Optional[int]) -> Case:
    """The solver's answer for `target` ports; with consent on the fewest IPs that carry it."""
    solved = plan(before.observed, before.scale, before.wanted, before.allow_decrease, target)
    settings = solved.proposed.settings
    if not before.allow_decrease or before.wanted.ips_typed or settings.automatic or settings.ip_source != MANAGED:
        return solved
    needed = snat.ips_needed(settings.outbound_ports, solved.nodes.required, solved.shared_rule_blocks)
    if solved.obstacle or needed >= settings.managed_outbound_ip_count:
        return solved
    fewest = replace(before.wanted, managed_outbound_ip_count=needed, outbound_ports=settings.outbound_ports)
    return replace(plan(before.observed, before.scale, fewest, True), wanted=before.wanted)


def held_ports(case: Case) -> Optional[int]:
    """Ports that nodes have now. Automatic allocation is best measured; explicit ports are what the rule says, which
    is newer than the last metric."""
    measured = case.demand.evidence.allocated_ports_per_node
    if case.current.settings.automatic and measured:
        return snat.ceil8(measured)
    return case.current.ports_per_node


def short_of(case: Case, headroom: float) -> Optional[int]:
    """The trigger of the demand, where today's ports do not cover it; None where they do or nothing is known."""
    trigger = case.demand.trigger(headroom) if case.demand.actionable else None
    held = held_ports(case)
    return trigger if trigger is not None and held is not None and held < trigger else None


def _target_ports(case, headroom) -> Optional[int]:
    """Ports per node to set, or None to leave what is set."""
    held, target = held_ports(case), case.demand.target(headroom)
    if short_of(case, headroom) is not None:
        # The target of an estimate may lie below what some nodes already have.
        return max(_on_fewest_ips(case, headroom), held)
    if _saves_ips(case, target):
        return target
    return _kept_ports(case)


def _on_fewest_ips(case, headroom) -> int:
    """The target, or what of it needs no IP more than the trigger does: the room between the two only puts off the next
    change. Chosen by the backtest: without this, 1.42 times the clairvoyant's IPs instead of 1.38, and no cluster less
    that failed."""
    least = snat.ceil8(short_of(case, headroom))
    ips = snat.ips_needed(least, case.nodes.required, case.shared_rule_blocks)
    most = snat.largest_ports(ips, case.nodes.required, case.shared_rule_blocks)
    return max(least, min(case.demand.target(headroom), most))


def _saves_ips(case, target) -> bool:
    """Whether fewer ports, for which there is evidence and consent, would save an outbound IP."""
    ips, blocks = case.current.settings.outbound_ip_count, case.shared_rule_blocks
    if not case.allow_decrease or case.demand.evidence.status != 'sufficient' or target is None or ips is None:
        return False
    return (case.current.settings.ip_source == MANAGED and target < (held_ports(case) or 0) and
            snat.ips_needed(target, case.nodes.required, blocks) < ips)


def _kept_ports(case) -> Optional[int]:
    """Explicit ports that keep what nodes have today, where automatic allocation would take some away."""
    current = case.current
    if not current.settings.automatic or current.ports_per_node is None:
        return None
    at_max = current.ports_per_node_at_max
    return held_ports(case) if at_max is None or at_max < current.ports_per_node else None


# Reasons, in plain words

def _not_applicable(case):
    cluster = case.cluster
    if cluster.outbound_type != LOAD_BALANCER:
        return f'The outbound type is {cluster.outbound_type}: SNAT ports of the load balancer do not apply.'
    return f'The load balancer is {cluster.load_balancer_sku}: it has no outbound rules to size.'


def _reasons(case, headroom):
    return tuple(filter(None, (
        _evidence_reason(case), _demand_reason(case, headroom), _drop_reason(case), _capacity_reason(case),
        _growth_reason(case), _kept_reason(case), _again_reason(case))))


def _evidence_reason(case):
    evidence = case.demand.evidence
    if evidence.status in ('noData', 'notApplicable'):
        return (f'No demand was measured: {evidence.reason}. This rests on the configuration alone, so ports per node '
                'are kept, not sized to what nodes use.')
    if evidence.status == 'insufficientData':
        acted = 'connections failed, so what was seen is taken as a floor' if case.demand.actionable else \
            'so ports per node are kept, not sized to what nodes use'
        return f'There is too little data: {evidence.reason}; {acted}.'
    return None


def _demand_reason(case, headroom):
    demand, evidence = case.demand, case.demand.evidence
    if not demand.actionable or evidence.demand_ports_per_node is None:
        return None
    used = (f'The busiest node, {evidence.peak_node}, used {evidence.peak_ports_per_node} {evidence.peak_protocol} '
            f'ports at {evidence.peak_at}')
    if evidence.allocated_ports_per_node:
        used += f' of {evidence.allocated_ports_per_node}'
    if evidence.demand_is_estimate:
        used += (f', and {evidence.failed_connections} connections failed: it needed about '
                 f'{evidence.demand_ports_per_node}{" or more" if evidence.demand_is_capped else ""}, an estimate')
    trigger = demand.trigger(headroom)
    if short_of(case, headroom) is None:
        return f'{used}. With {headroom:g} % headroom that takes {trigger} ports, which it has.'
    least, ports = snat.ceil8(trigger), _on_fewest_ips(case, headroom)
    room = f'{ports} leave room for what {demand.days:.1f} days did not show' if ports > least else \
        f'{ports} are what the outbound IPs for that give'
    return f'{used}. With {headroom:g} % headroom that takes {trigger} ports; {room}.'


def _drop_reason(case):
    current = case.current
    if not current.settings.automatic or case.proposed.settings.automatic or current.max_nodes is None:
        return None
    if case.nodes.required <= current.max_nodes:
        return None
    return (f'Automatic allocation gives {current.ports_per_node} ports per node up to {current.max_nodes} nodes and '
            f'fewer beyond; the cluster may reach {case.nodes.required}. An explicit allocation keeps them.')


def _capacity_reason(case):
    current, settings = case.current, case.proposed.settings
    if settings.automatic or current.settings.outbound_ip_count is None:
        return None
    needed = settings.outbound_ports * case.nodes.required
    available = snat.available_ports(current.settings.outbound_ip_count) - snat.PORT_BLOCK * case.shared_rule_blocks
    verdict = 'fit in' if needed <= available else 'exceed'
    return (f'{settings.outbound_ports} ports x {case.nodes.required} nodes = {needed} ports {verdict} the '
            f'{available} of the outbound IPs of today ({current.settings.outbound_ip_count} x {snat.PORTS_PER_IP}).')


def _growth_reason(case):
    """The node pool that binds: the one that adds most to what runs now."""
    pools = [pool for pool in case.nodes.pools if pool.validated > pool.current]
    if not pools:
        return None
    pool = max(pools, key=lambda one: one.validated - one.current)
    if pool.max > pool.current:
        return (f'Node pool `{pool.name}` may grow to {pool.max} nodes, and surges by {pool.surge} in an upgrade '
                f'({pool.current} run now).')
    return f'Node pool `{pool.name}` ({pool.max} nodes) surges by {pool.surge} in an upgrade.'


def _kept_reason(case):
    current = case.current
    if not case.proposed.settings.automatic or current.ports_per_node is None:
        return None
    return f'Automatic allocation gives {current.ports_per_node} ports per node, now and at full scale.'


def _again_reason(case):
    if case.demand.actionable and case.demand.evidence.demand_is_estimate:
        return 'Demand beyond the ceiling can only be estimated: run this again a day after the change.'
    return None
