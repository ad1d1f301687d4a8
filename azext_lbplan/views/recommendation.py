# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""`recommend` in words: its status, the reasons that lead to the numbers, and the other ways with what they cost."""

from typing import Callable, Dict, Iterable, Iterator, Optional, Tuple

from ..decision import Configuration, Decision, Reason, Settings
from ..decision.egress import NAT_GATEWAY as NAT_WAY
from ..decision.egress_addresses import gateway_ips
from ..decision.alternatives import (FEWER_PORTS, IDLE_TIMEOUT, MORE_IPS, NAT_GATEWAY, Alternative, alternatives)
from ..decision.code_changes import PoolChange, pool_changes
from ..decision.sizing import sizing_steps
from ..demand import Demand, Evidence
from ..demand.turnover import BLIND_FACTOR
from ..facts import snat
from ..facts.clusters import LOAD_BALANCER
from ..facts.ids import ArmId
from ..model.finding import Finding, counted
from ..rules.cluster.egress import LIMITS
from ..rules.cluster.obstacles import bypass
from . import results, trend, week
from .findings import Result
from .moves import consequences, steps_of

CHANGE = 'change'
INFEASIBLE = 'infeasible'
INSUFFICIENT_DATA = 'insufficientData'

#: The status where nothing needs to change, by what the metrics were worth: all clear is said only where they were.
_UNCHANGED = {'sufficient': results.OK, 'insufficientData': INSUFFICIENT_DATA, 'noData': INSUFFICIENT_DATA,
              'notApplicable': results.NOT_APPLICABLE}


def recommend(decision: Decision, findings: Iterable[Finding]) -> Result:
    """The result of `az aks lb recommend`."""
    result = results.plan(decision, findings)
    del result['requested'], result['curve']
    demand = _measured(decision)
    return dict(result, status=_status(decision, demand), reasons=list(_reasons(decision, demand)),
                evidence={**results.evidence(demand.evidence),
                          'steps': [step._asdict() for step in sizing_steps(decision)]},
                alternatives=[_alternative(decision, way) for way in alternatives(decision)],
                forecast=trend.row(decision),
                week=week.row(week.busiest_history(decision)))


def _measured(decision: Decision) -> Demand:
    """What `recommend` has always asked for."""
    if decision.demand is None:
        raise LookupError('no demand')
    return decision.demand


def _status(decision: Decision, demand: Demand) -> str:
    if decision.reason in (None, Reason.MANAGED_BY_CODE):
        return CHANGE
    if decision.reason in (Reason.OTHER_EGRESS, Reason.CLI_DROPS_OPTION):
        return results.NOT_APPLICABLE
    if decision.reason in (Reason.UNKNOWN_IP_COUNT, Reason.UNKNOWN_SETTINGS):
        return INSUFFICIENT_DATA
    return _UNCHANGED[demand.evidence.status] if decision.reason is Reason.NOTHING_TO_DO else INFEASIBLE


# Reasons

def _reasons(decision: Decision, demand: Demand) -> Tuple[str, ...]:
    current, proposed = decision.base, decision.proposed
    if current is None or current.settings is None or proposed is None or proposed.settings is None:
        return (_not_applicable(decision),)
    found = (*map(_pool_reason, pool_changes(decision)), _evidence_reason(demand), _demand_reason(decision, demand),
             _drop_reason(current, current.settings, proposed.settings),
             _capacity_reason(current, current.settings, proposed.settings), _growth_reason(decision),
             _automatic_reason(current, proposed.settings), _again_reason(decision, demand))
    return tuple(reason for reason in found if reason)


def _not_applicable(decision: Decision) -> str:
    column = decision.asked
    if decision.egress.bypassed:
        return f'{bypass(decision)} {" ".join(_limits(decision))}'
    if decision.reason is Reason.UNKNOWN_SETTINGS:
        return 'How traffic leaves the cluster is not known: the code does not tell its outbound type or SKU.'
    if column.outbound_type != LOAD_BALANCER:
        told = f'The outbound type is {column.outbound_type}: SNAT ports of the load balancer do not apply.'
        return ' '.join((told, *_limits(decision)))
    return f'The load balancer is {column.load_balancer_sku}: it has no outbound rules to size.'


def _limits(decision: Decision) -> Iterator[str]:
    """Whose limit it is instead, with the numbers of NAT gateways that were read."""
    for way in dict.fromkeys(path.way for path in decision.egress.paths):
        yield from (LIMITS[way],) if way in LIMITS else ()
    for via in dict.fromkeys(path.via for path in decision.egress.paths if path.way == NAT_WAY):
        gateway = decision.observed.nat_gateway(via or '')
        ips = gateway_ips(decision.observed, gateway) if gateway else None
        if gateway is not None and ips is not None:
            yield (f'{gateway.id.name} has {counted(ips, "IP")} x {snat.NAT_GATEWAY_PORTS_PER_IP} = '
                   f'{ips * snat.NAT_GATEWAY_PORTS_PER_IP} ports, and an idle timeout of '
                   f'{gateway.idle_timeout_in_minutes or snat.MIN_IDLE_TIMEOUT} minutes; it serves '
                   f'{counted(len(gateway.subnets), "subnet")}.')
            yield _gateway_use(decision, gateway.id, ips)


def _gateway_use(decision: Decision, gateway: ArmId, ips: int) -> str:
    """What its own metrics say of the IPs of a gateway."""
    from ..demand.gateways import gateway_use  # only where packets leave through one
    use = gateway_use(decision.observed, gateway)
    if use is None:
        place = f'{gateway}/providers/microsoft.insights/'.lower()
        codes = [error.code for error in decision.observed.errors if error.resource_id.lower().startswith(place)]
        return f'Its metrics were not read{f" ({codes[0]})" if codes else ""}, so its IPs are not judged.'
    told = (f'In {max(1, round(use.minutes / 1440))} days it carried at most {use.peak:,} connections at once '
            f'({use.peak_at})')
    if use.failed:
        return (f'{told}, and {use.failed:,} connections failed: give it more than {counted(ips, "IP")}, or find what '
                'makes so many connections to one destination.')
    failed = ', and none is known to have failed' if use.failed == 0 else ''
    if use.ips_for_one_destination > ips:
        return (f'{told}{failed}. Were all of them to one destination, they would take {use.ips_for_one_destination} '
                f'IPs of {snat.NAT_GATEWAY_CONNECTIONS:,} connections each.')
    return (f'{told}{failed}: its IPs carry that even to one destination '
            f'({snat.NAT_GATEWAY_CONNECTIONS:,} connections for each IP).')


def _evidence_reason(demand: Demand) -> Optional[str]:
    evidence = demand.evidence
    if evidence.status in ('noData', 'notApplicable'):
        return (f'No demand was measured: {evidence.reason}. This rests on the configuration alone, so ports per node '
                'are kept, not sized to what nodes use.')
    if evidence.status == 'insufficientData':
        acted = 'connections failed, so what was seen is taken as a floor' if demand.actionable else \
            'so ports per node are kept, not sized to what nodes use'
        return f'There is too little data: {evidence.reason}; {acted}.'
    return None


def _demand_reason(decision: Decision, demand: Demand) -> Optional[str]:
    if not demand.actionable or demand.ports is None:
        return None
    covered = decision.unmet_trigger is None and decision.demanded_ports is None
    used = f'{_used(demand.evidence)}.'
    if not covered:
        return used
    last = sizing_steps(decision)[-1]
    return f'{used} Nodes have the {last.ports} ports{f" that {last.what} makes of it" if last.factor else ""}.'


def _used(evidence: Evidence) -> str:
    """What the node with the demand used, and what it would have used."""
    used = (f'The busiest node, {evidence.peak_node}, used {evidence.peak_ports_per_node} {evidence.peak_protocol} '
            f'ports at {evidence.peak_at}')
    if evidence.allocated_ports_per_node:
        used += f' of {evidence.allocated_ports_per_node}'
    gone = ' That node has gone since; what ran on it may run elsewhere now' if evidence.demand_node_gone else ''
    if evidence.demand_is_estimate:
        more = ' or more' if evidence.demand_is_capped else ''
        failed = (f'{evidence.demand_node_failed_connections} connections failed on it'
                  if evidence.demand_node_failed_connections else 'it had no port left')
        who = '' if evidence.demand_node == evidence.peak_node else f'. Node {evidence.demand_node} asked for most'
        used += (f'{who}{":" if who else ", and"} {failed}, so that it needed about '
                 f'{evidence.demand_ports_per_node}{more}, an estimate: {_estimated(evidence)}')
    return f'{used}.{gone}' if gone else used


def _estimated(evidence: Evidence) -> str:
    """What an estimate adds to what was used."""
    if evidence.failed_connections is None:
        return f'{BLIND_FACTOR:g} x its ports, because connections could not be read'
    return 'its ports, and those that refused connections would have taken while these turn over once'


def _drop_reason(current: Configuration, before: Settings, proposed: Settings) -> Optional[str]:
    if not before.automatic or proposed.automatic or current.max_nodes is None or \
            current.nodes.required <= current.max_nodes:
        return None
    return (f'Automatic allocation gives {current.ports_per_node} ports per node up to {current.max_nodes} nodes and '
            f'fewer beyond; the cluster may reach {current.nodes.required}. An explicit allocation keeps them.')


def _capacity_reason(current: Configuration, before: Settings, proposed: Settings) -> Optional[str]:
    usable = current.usable_ports
    if proposed.automatic or usable is None:
        return None
    needed = proposed.outbound_ports * current.nodes.required
    verdict = 'fit in' if needed <= usable else 'exceed'
    return (f'{proposed.outbound_ports} ports x {current.nodes.required} nodes = {needed} ports {verdict} the '
            f'{usable} of the outbound IPs of today ({before.outbound_ip_count} x {snat.PORTS_PER_IP}).')


def _growth_reason(decision: Decision) -> Optional[str]:
    """The node pool that binds: the one that adds most to what runs now."""
    pools = [pool for pool in decision.nodes.pools if pool.validated > pool.current]
    if not pools:
        return None
    pool = max(pools, key=lambda pool: pool.validated - pool.current)
    if pool.max > pool.current:
        now = f' ({pool.current} run now)' if pool.current_known else ''
        return f'Node pool `{pool.name}` may grow to {pool.max} nodes, and surges by {pool.surge} in an upgrade{now}.'
    return f'Node pool `{pool.name}` ({pool.max} nodes) surges by {pool.surge} in an upgrade.'


def _pool_reason(change: PoolChange) -> Optional[str]:
    """What code does to a node pool, where that counts more nodes."""
    if change.more <= 0 or change.after is None:
        return None
    was = f'instead of {change.before.validated}' if change.before else 'and is new'
    return (f'The code lets node pool `{change.name}` have {change.after.max} nodes and a surge of '
            f'{change.after.surge}: AKS counts {change.after.validated} for it, {was}.')


def _automatic_reason(current: Configuration, proposed: Settings) -> Optional[str]:
    if not proposed.automatic or current.ports_per_node is None:
        return None
    return f'Automatic allocation gives {current.ports_per_node} ports per node, now and at full scale.'


def _again_reason(decision: Decision, demand: Demand) -> Optional[str]:
    """Why to look again: only where ports change because of an estimate, which a day with room replaces."""
    found = demand.evidence.demand_range
    if not demand.actionable or not demand.evidence.demand_is_estimate or found is None or \
            decision.unmet_trigger is None:
        return None
    if found.low == found.high:
        return (f'Demand beyond the ceiling can only be estimated: {found.how}. Run this again a day after the change, '
                'when it can be measured.')
    between = f'{found.low} and {found.high}' if found.high else f'{found.low} and more'
    return (f'Demand beyond the ceiling can only be estimated: between {between} ports, most likely {found.likely} '
            f'({found.how}). The upper end is taken; run this again a day after the change, when it can be measured.')


# Alternatives

def _alternative(decision: Decision, way: Alternative) -> Result:
    title, consequence = _WORDS[way.kind](decision, way)
    proposed = way.decision.proposed if way.decision else None
    return {'title': title, 'flags': list(way.flags), 'command': way.command,
            'fits': proposed.fits if proposed else None, 'consequence': consequence,
            'steps': steps_of(way.move) if way.move else []}


def _idle_timeout(decision: Decision, way: Alternative) -> Tuple[str, str]:
    settings, evidence = decision.asked.settings, _measured(decision).evidence
    return (f'An idle timeout of {way.number} minutes instead of {settings and settings.idle_timeout_in_minutes}',
            f'Idle flows hold the ports: it frees about {evidence.idle_timeout_relief:.0%} of them, and it cuts quiet '
            'connections without keepalives, such as those to databases and message brokers.')


def _more_ips(decision: Decision, way: Alternative) -> Tuple[str, str]:
    after = way.decision.proposed.max_nodes if way.decision and way.decision.proposed else None
    return (f'{way.number} outbound IPs instead of {way.number - 1}',
            f'One IP more than needed: room for {after} nodes instead of '
            f'{decision.proposed.max_nodes if decision.proposed else None}.')


def _fewer_ports(decision: Decision, way: Alternative) -> Tuple[str, str]:
    before = decision.current.ports_per_node if decision.current else None
    cost = (f'instead of {before}: connections on the ports that are taken back die, and a node fails earlier'
            if before and way.number < before else 'which is less than the demand: a node may still run out')
    return (f'{way.number} ports per node on the IPs of today',
            f'No new egress IPs, but each node has {way.number} ports, {cost}.')


def _nat_gateway(decision: Decision, way: Alternative) -> Tuple[str, str]:
    demand = _measured(decision)
    about = 'about ' if demand.evidence.demand_is_estimate else ''
    sized = (f'{way.number} IPs carry what the whole cluster wants in its busiest minute, {about}'
             f'{demand.cluster_ports} ports.' if demand.cluster_ports else
             f'{way.number} IPs are the fewest that are advised; demand was not measured.')
    told = ' '.join((sized, *consequences(decision, way.move))) if way.move else sized
    if way.command is None:
        return 'A NAT gateway of your own on the subnets', f'{told} Its steps are in -o json.'
    return 'A managed NAT gateway', told


_WORDS: Dict[str, Callable[[Decision, Alternative], Tuple[str, str]]] = {
    IDLE_TIMEOUT: _idle_timeout, MORE_IPS: _more_ips, FEWER_PORTS: _fewer_ports, NAT_GATEWAY: _nat_gateway}
