# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The sum from the measured demand to the ports and IPs that are proposed, step by step, so that a pocket calculator
comes to the same."""

from math import ceil
from typing import List, NamedTuple, Optional, Tuple

from ..demand import Demand
from ..demand.measure import ROOM
from ..facts import snat
from .aim import ports_now
from .decide import Decision


#: What the last step is called.
OUTBOUND_IPS = 'outbound IPs'


class SizingStep(NamedTuple):
    """`what` leads to `ports`, from those of the step before; with `factor`, by multiplying, rounded up to whole ports.
    The last step divides: `factor` outbound IPs have `ports` in all."""

    what: str
    factor: Optional[float]
    ports: int


def sizing_steps(decision: Decision) -> Tuple[SizingStep, ...]:
    """The sum; as far as the headroom where today's ports cover that, empty where demand says nothing."""
    demand, headroom = decision.demand, decision.options.headroom
    trigger = demand.trigger(headroom) if demand and demand.actionable else None
    if demand is None or trigger is None or demand.ports is None:
        return ()
    if demand.outgrown and trigger == demand.ports:
        return (SizingStep(_demand(demand), None, demand.ports),)
    base = ceil(round(demand.unsaturated_peak or 0, 6)) if demand.outgrown else demand.ports
    steps = [SizingStep(_demand(demand), None, base),
             SizingStep(f'headroom of {headroom:g} %', _factor(1 + headroom / 100), trigger)]
    if decision.demanded_ports is not None:
        steps += _to_the_ips(decision, demand, trigger, decision.demanded_ports)
    return tuple(steps)


def _demand(demand: Demand) -> str:
    evidence = demand.evidence
    what = 'estimated demand' if evidence.demand_is_estimate else 'busiest minute'
    return f'{what} of node {evidence.demand_node}'


def _factor(value: float) -> float:
    return round(value, 6)


def _to_the_ips(decision: Decision, demand: Demand, trigger: int, ports: int) -> List[SizingStep]:
    """From the trigger to the IPs of the proposal."""
    steps, least = [], trigger
    before = ports_now(decision.observed, decision.current, demand) if decision.current else None
    if before is not None and ports < before:
        least = demand.spare(decision.options.headroom) or trigger
        steps.append(SizingStep(f'margin for {demand.days:.1f} days of history', demand.margin, least))
    least = max(snat.PORT_BLOCK, snat.ceil8(least))
    steps.append(SizingStep('the next multiple of 8', None, least))
    if ports > least:
        steps.append(SizingStep(_more(ports, before), None, ports))
    elif ports < least:
        steps.append(SizingStep('the most that is to be had', None, ports))
    proposed = decision.proposed
    if proposed is not None and proposed.settings is not None and proposed.usable_ports is not None:
        nodes = proposed.nodes.required
        steps += [SizingStep('nodes to size for', nodes, ports * nodes),
                  SizingStep(OUTBOUND_IPS, proposed.settings.outbound_ip_count, proposed.usable_ports)]
    return steps


def _more(ports: int, before: Optional[int]) -> str:
    if ports == before:
        return 'what nodes have today'
    return f'free room of the same IPs, up to {ROOM:g} x the demand'
