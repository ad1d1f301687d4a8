# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The answer in three sentences: whether it fits, what binds, what changes. Every result, table and report leads with
them; they word a decision, and decide nothing."""

from typing import Iterable, Iterator, NamedTuple, Optional, Sequence

from ..decision import Configuration, Decision, NoCommand, Reason, Settings
from ..decision.egress import APPLIANCE, BLOCKED, MIXED, NAT_GATEWAY, NETWORK_GATEWAY, NODE_PUBLIC_IP
from ..facts import snat
from ..model.finding import ERROR, Finding, counted
from ..rules.cluster.obstacles import why_no_line

#: Metrics that a size can rest on.
_SUFFICIENT = 'sufficient'


#: Where packets leave that do not go through the load balancer, in words.
_ELSEWHERE = {NAT_GATEWAY: 'a NAT gateway', APPLIANCE: 'an appliance', NETWORK_GATEWAY: 'a gateway of the network',
              NODE_PUBLIC_IP: 'public IPs of the nodes', BLOCKED: 'no way: routes drop it', MIXED: 'several ways'}


class Verdict(NamedTuple):
    """`answer`: does it fit, and at what scale; `binds`: the term that decides; `change`: what the lines change, or why
    there are none."""

    answer: str
    binds: str
    change: str


def verdict(decision: Decision, findings: Iterable[Finding] = ()) -> Verdict:
    """The verdict on what the user asked about. `findings` are those that were made, the worst first."""
    return Verdict(_answer(decision, tuple(findings)), _binds(decision), _change(decision))


# Does it fit?

def _answer(decision: Decision, findings: Sequence[Finding]) -> str:
    column, nodes, first = decision.asked, decision.nodes, _before_all_else(decision)
    if first is not None:
        return first
    errors = [finding for finding in findings if finding.severity == ERROR]
    if column.fits is False:
        return _misfit(decision, bool(errors) or not findings)
    if column.fits is None:
        return 'Unknown whether it fits.'
    if column.carries_required is False:
        return f'Fits the {nodes.validated} nodes that AKS counts, not the {nodes.required} that may come.'
    trouble = _trouble(decision, column)
    if trouble is None and errors:
        trouble = f'something else is wrong: {errors[0].code}'
    return f'Fits, but {trouble}.' if trouble else f'Fits, now and at full scale ({counted(nodes.required, "node")}).'


def _before_all_else(decision: Decision) -> Optional[str]:
    """Why whether it fits is not the question; None where it is."""
    refused = _refused_addresses(decision)
    if decision.egress.bypassed:
        told = f'The load balancer is not used: traffic leaves by {_ELSEWHERE[decision.egress.effective]}.'
        return f'{told} {refused}' if refused else told
    if decision.asked.settings is None:
        return 'Does not apply: no Standard load balancer carries its egress.'
    return refused


def _refused_addresses(decision: Decision) -> Optional[str]:
    """That own addresses stand in the way of all else; None where they do not."""
    outcome, current = decision.outcome, decision.current
    if not isinstance(outcome, NoCommand) or outcome.reason is not Reason.ADDRESS_UNUSABLE:
        return None
    if decision.observed.origin is not None:
        return 'Azure would refuse what the code makes: an own outbound IP cannot be used.'
    before = current.settings if current else None
    wanted = {one.lower() for one in (*before.own_ids, *before.malformed_own_ids)} if before else set()
    if wanted.isdisjoint(one.lower() for one in outcome.addresses):
        return 'Azure would refuse this: an own outbound IP that was given cannot be used.'
    return 'Azure refuses every update: an own outbound IP cannot be used.'


def _misfit(decision: Decision, sure: bool) -> str:
    if not sure:
        return 'May not fit: how AKS counts these nodes is not documented.'
    if decision.observed.origin is not None:
        return 'Does not fit: Azure would refuse what the code makes.'
    if decision.cluster is not None and not decision.options.change.anything:
        return 'Does not fit: Azure refuses the next update.'
    return 'Does not fit as typed: Azure would refuse it.'


def _trouble(decision: Decision, column: Configuration) -> Optional[str]:
    """What is wrong although AKS takes it."""
    evidence = decision.demand.evidence if decision.demand else None
    if evidence is not None and decision.unmet_trigger is not None:
        return 'connections fail: nodes run out of ports' if evidence.saturated else \
            'the busiest node needs more ports than it has'
    if _drops(column):
        return f'nodes lose ports beyond {column.max_nodes} nodes'
    if not decision.nodes.bounded:
        return 'how many nodes may come is not known'
    if evidence is not None and evidence.status != _SUFFICIENT:
        return 'too little was measured to size the ports'
    return None


def _drops(column: Configuration) -> bool:
    """Whether automatic allocation gives fewer ports at full scale."""
    return (column.settings is not None and column.settings.automatic and column.max_nodes is not None and
            column.max_nodes < column.nodes.required)


# What binds?

def _binds(decision: Decision) -> str:
    column = decision.asked
    settings = column.settings
    if decision.egress.bypassed:
        return f'Egress is {decision.egress.way}.'
    if settings is None:
        return f'Outbound type {column.outbound_type}, load balancer {column.load_balancer_sku or "unknown"}.'
    if decision.unmet_trigger is not None and column.fits is not False:
        return _demand(decision)
    taken = ' that can be used' if decision.reason is Reason.ADDRESS_UNUSABLE else ''
    if settings.outbound_ip_count == 0:
        return f'No outbound IPv4 address{taken}.'
    return _automatic(column) if settings.automatic else _product(column, settings, taken)


def _product(column: Configuration, settings: Settings, taken: str) -> str:
    """Explicit ports, counted as AKS does."""
    if column.usable_ports is None:
        return 'The number of outbound IPs is not known.'
    required, ips = column.nodes.required, settings.outbound_ip_count or 0
    return (f'{counted(required, "node")} x {settings.outbound_ports} ports = {settings.outbound_ports * required} of '
            f'{column.usable_ports} on {counted(ips, "IP")}{taken}.')


def _demand(decision: Decision) -> str:
    evidence = decision.demand.evidence if decision.demand else None
    if evidence is None:
        raise LookupError('a trigger without a demand')
    about = 'about ' if evidence.demand_is_estimate else ''
    return (f'Busiest node: {evidence.peak_ports_per_node} of {evidence.allocated_ports_per_node} ports used, '
            f'{about}{evidence.demand_ports_per_node} wanted.')


def _automatic(column: Configuration) -> str:
    if column.ports_per_node is None or column.max_nodes is None:
        return f'Automatic allocation is documented up to {snat.LARGEST_TIER} nodes.'
    return (f'Automatic: {column.ports_per_node} ports up to {column.max_nodes} nodes; {column.nodes.required} may '
            'come.')


# What changes?

def _change(decision: Decision) -> str:
    outcome, proposed = decision.outcome, decision.proposed
    settings = proposed.settings if proposed else None
    asked = decision.asked.settings
    if decision.reason is Reason.MANAGED_BY_CODE and settings is not None and asked is not None:
        return f'In the code: {", ".join(_differences(asked, settings))}.'
    if isinstance(outcome, NoCommand):
        return why_no_line(decision, outcome)
    if proposed is None or proposed.settings is None:
        raise LookupError('a line without what it proposes')
    before = decision.current.settings if decision.current else None
    if before is None:
        return (f'Create it with {_ports(proposed.settings)} on '
                f'{counted(proposed.settings.outbound_ip_count or 0, "outbound IP")}.')
    text = ', '.join(_differences(before, proposed.settings))
    return f'{text[:1].upper()}{text[1:]}.'


def _differences(before: Settings, after: Settings) -> Iterator[str]:
    """What a line changes, in words."""
    if before.ips != after.ips:
        yield _ips(before, after)
    if before.outbound_ports != after.outbound_ports:
        yield f'{_ports(after)} instead of {"automatic" if before.automatic else before.outbound_ports}'
    if before.idle_timeout_in_minutes != after.idle_timeout_in_minutes:
        yield (f'an idle timeout of {after.idle_timeout_in_minutes} minutes instead of '
               f'{before.idle_timeout_in_minutes}')
    if before.backend_pool_type != after.backend_pool_type:
        yield f'backend pool type {after.backend_pool_type}'


def _ips(before: Settings, after: Settings) -> str:
    was, now = before.outbound_ip_count, after.outbound_ip_count
    if was == now or now is None:
        return 'other outbound IPs'
    return f'{counted(now, "outbound IP")} instead of {"an unknown number" if was is None else was}'


def _ports(settings: Settings) -> str:
    return 'automatic ports' if settings.automatic else f'{settings.outbound_ports} ports per node'
