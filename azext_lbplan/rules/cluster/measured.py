# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What the SNAT metrics show: exhaustion, use near the allocation, ports that idle flows and UDP hold, skew."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, Iterable, Mapping, Optional, Sequence

from ...facts import snat
from ...facts.clusters import DEFAULT_IDLE_TIMEOUT_IN_MINUTES
from ...facts.links import TROUBLESHOOT_SNAT, USE_STANDARD_LB
from ...model.finding import ERROR, INFO, WARNING, Finding, counted
from ...model.metrics import UDP, date_of
from ..engine import OBSERVATION, Rule, Rulebook
from .subject import (CHECK, IDLE_TIMEOUT, PLAN, PORTS, AtColumn, enough_metrics, metrics, standard_load_balancer,
                      trend_known)

if TYPE_CHECKING:  # only what measures pays for it
    from ...demand import Demand, Evidence
    from ...demand.failures import NodeFailures

#: Use of the allocation that is high, and that is near its end.
HIGH_USE = 0.75
NEAR_END = 0.90

#: The busiest node stands out from this multiple of the median node on, if it uses this share of its ports: below,
#: no port is scarce. Chosen so that ordinary daily differences between nodes stay below it.
SKEW = 3
SKEW_MATTERS = 0.25

#: Days ahead in which running out of ports is a warning: time for a change of egress IPs to be agreed on.
SOON = 30

#: A mean hold of at most so many minutes is that of short connections that are closed: a TCP port stays taken for
#: 4 minutes after FIN (AZURE-FACTS section 2).
SHORT_HOLD = 5

_TARGET = 'loadBalancers/kubernetes/metrics'

_PATTERNS = ('Reuse connections and pool them instead of one per request; never abandon a TCP flow silently, close it; '
             'let keepalives of one side hold the flows that must stay; let CoreDNS cache names; where UDP holds the '
             'ports, shorten the idle timeout.')
_COREDNS = ('Let CoreDNS cache (the cache plugin, with a good time to live) instead of asking servers outside of the '
            'cluster for each name; a shorter idle timeout, for example 4 minutes, gives UDP ports back sooner, but '
            'cuts quiet connections without keepalives.')

RULES: Rulebook[AtColumn] = Rulebook(commands=(CHECK,), about=OBSERVATION, link=TROUBLESHOOT_SNAT,
                                     needs=(standard_load_balancer, metrics), needs_in_part=(enough_metrics,))


def _demand(subject: AtColumn) -> Demand:
    """What was measured. Raises LookupError where nothing was, which the need for metrics rules out."""
    if subject.decision.demand is None:
        raise LookupError('no demand')
    return subject.decision.demand


def _evidence(subject: AtColumn) -> Evidence:
    return _demand(subject).evidence


def _more_ports(subject: AtColumn) -> Optional[str]:
    """The decision's line, where it gives nodes what was measured to be missing."""
    decision = subject.decision
    return decision.command if decision.unmet_trigger is not None else None


def _is_met(subject: AtColumn) -> bool:
    """Whether today's allocation carries what was measured, so that the past calls for nothing more."""
    trigger = _demand(subject).trigger(subject.decision.options.headroom)
    return trigger is not None and (subject.current.ports_per_node or 0) >= trigger


def _since(subject: AtColumn) -> str:
    """A sentence where the allocation has grown to what was measured."""
    grown = (subject.current.ports_per_node or 0) > (_evidence(subject).allocated_ports_per_node or 0)
    return ' Since then the allocation has grown beyond what was measured.' if grown and _is_met(subject) else ''


def _peak(evidence: Evidence) -> Mapping[str, Any]:
    return {'peakUtilization': evidence.peak_utilization, 'peakPortsPerNode': evidence.peak_ports_per_node,
            'peakNode': evidence.peak_node, 'peakAt': evidence.peak_at, 'peakProtocol': evidence.peak_protocol}


@RULES.rule('SnatExhaustion', ERROR, commands=(PLAN, CHECK),
            title='Outbound connections failed because nodes had no SNAT port left.',
            why='Applications see timeouts and refused connections, although the cluster is healthy.',
            source='the article, "Troubleshooting SNAT" and "Design patterns"; AZURE-FACTS section 4, '
                   'SnatConnectionCount.')
def snat_exhaustion(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Failures that full nodes explain."""
    demand = _demand(subject)
    failed = (demand.evidence.failed_connections or 0) - (demand.unexplained_failures or 0)
    if failed <= 0:
        return
    from ...demand.failures import failures  # only where there are metrics: `plan` need not pay for it
    nodes = failures(subject.observed.metrics)
    yield rule.finding(
        f'{counted(failed, "outbound connection")} failed for want of SNAT ports{_when(nodes)}.{_since(subject)}',
        target=_TARGET, severity=INFO if _is_met(subject) else None, command=_more_ports(subject),
        remediation=_PATTERNS, evidence={'failedConnections': failed, 'nodes': [node._asdict() for node in nodes[:10]],
                                         'nodesWithFailures': len(nodes),
                                         'demandPortsPerNode': demand.evidence.demand_ports_per_node})


def _when(nodes: Sequence[NodeFailures]) -> str:
    if not nodes:
        return ''
    first, last = min(node.first for node in nodes), max(node.last for node in nodes)
    worst = ', '.join(f'{node.node} ({node.failed})' for node in nodes[:3])
    return f' between {first} and {last}, on {counted(len(nodes), "node")}; most on {worst}'


@RULES.rule('UnexplainedFailures', WARNING,
            title='Outbound connections failed while ports were to spare.',
            why='More ports would not help; the cause lies elsewhere, for example many connections to one destination.',
            source='AZURE-FACTS section 2 [D], a port can be reused for another destination.')
def unexplained_failures(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Failures that no full node explains."""
    failed = _demand(subject).unexplained_failures or 0
    if failed:
        yield rule.finding(
            f'{counted(failed, "outbound connection")} failed while nodes used less than 80 % of their ports.',
            target=_TARGET, evidence={'failedConnections': failed},
            remediation='Look at the destinations: each port serves one connection to each of them at a time. Reuse '
                        'and pool connections.')


@RULES.rule('SnatUseHigh', WARNING,
            title='Nodes use more than 75 % or 90 % of their SNAT ports.',
            why='Beyond 100 % connections fail; the next busy day may bring that.',
            source='AZURE-FACTS section 4; the article, "Troubleshooting SNAT".')
def snat_use_high(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """The busiest node's peak."""
    evidence = _evidence(subject)
    use = evidence.peak_utilization
    if use is None or use <= HIGH_USE:
        return
    since = _since(subject)
    yield rule.finding(
        f'Node {evidence.peak_node} used {evidence.peak_ports_per_node} {evidence.peak_protocol} ports at '
        f'{evidence.peak_at}, {use:.0%} of its allocation.{since}', target=_TARGET,
        severity=WARNING if use > NEAR_END and not since else INFO, command=_more_ports(subject),
        remediation=_PATTERNS, evidence=_peak(evidence))


@RULES.rule('WillExhaustWithin30Days', WARNING, commands=(PLAN, CHECK),
            needs_in_part=(enough_metrics, trend_known),
            title='At the present trend the peak of the busiest node reaches its SNAT ports within 30 days.',
            why='The best time to add ports is before connections fail.',
            source='AZURE-FACTS section 4; tests/bench/FORECASTS.md, how often such a forecast is right.')
def will_exhaust(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """The trend of the daily peak against the allocation in force."""
    found, ports = _demand(subject).forecast, subject.current.ports_per_node
    reach = found.reach(ports) if found is not None and ports else None
    if found is None or reach is None or reach.earliest > SOON:
        return
    latest = 'an unknown day' if reach.latest is None else date_of(found.last_day + reach.latest)
    proposed = subject.decision.proposed
    more = proposed is not None and (proposed.ports_per_node or 0) > (ports or 0)
    percent = math.ceil((math.exp(found.high * SOON) - 1) * 100)
    yield rule.finding(
        f'The daily peak of ports in use grows by about {found.per_day:.1%} a day. It then reaches the {ports} ports '
        f'of a node between {date_of(found.last_day + reach.earliest)} and {latest}.', target=_TARGET,
        command=subject.decision.command if more else None,
        remediation=f'Give nodes more ports before that: --headroom {min(percent, 1000)} sizes for a month of this '
                    'trend.',
        evidence={'growthPerDay': round(found.per_day, 4), 'portsPerNode': ports,
                  'earliest': date_of(found.last_day + reach.earliest),
                  'latest': None if reach.latest is None else latest})


@RULES.rule('UdpPressure', WARNING,
            title='UDP, usually DNS, uses most of the SNAT ports of a node.',
            why='Each lookup outside of the cluster takes a port until the idle timeout; when they run out, names do '
                'not resolve.',
            source='the article, "Design patterns", on DNS and UDP; AZURE-FACTS section 2.')
def udp_pressure(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Where UDP has the peak."""
    evidence = _evidence(subject)
    use = evidence.peak_utilization
    if evidence.peak_protocol != UDP or use is None or use <= HIGH_USE:
        return
    since = _since(subject)
    yield rule.finding(
        f'UDP, usually DNS, used {evidence.peak_ports_per_node} ports on node {evidence.peak_node}, {use:.0%} of its '
        f'allocation.{since}', severity=INFO if since else None, target=_TARGET, remediation=_COREDNS,
        evidence={key: value for key, value in _peak(evidence).items() if key != 'peakAt'})


@RULES.rule('PortsHeldByIdleFlows', WARNING,
            title='Idle flows hold SNAT ports until the idle timeout.',
            why='Connections that nobody closes keep their ports, although nothing flows.',
            source='the article, "Troubleshooting SNAT", steps; AZURE-FACTS section 2.')
def ports_held_by_idle_flows(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By how long ports are held."""
    evidence, settings = _evidence(subject), subject.current.settings
    if not evidence.idle_timeout_bound or settings is None:
        return
    minutes = settings.idle_timeout_in_minutes
    default = ', the default' if minutes == DEFAULT_IDLE_TIMEOUT_IN_MINUTES else ''
    relief = (f' A timeout of {snat.MIN_IDLE_TIMEOUT} minutes would free about {evidence.idle_timeout_relief:.0%} of '
              'them.' if evidence.idle_timeout_relief else '')
    scarce = (evidence.peak_utilization or 0) > HIGH_USE
    yield rule.finding(
        f'A port is held for {evidence.mean_port_hold_minutes} minutes on average: idle flows hold ports until the '
        f'idle timeout of {minutes} minutes{default}.{relief}', target=IDLE_TIMEOUT,
        severity=WARNING if scarce else INFO,
        evidence={'meanPortHoldMinutes': evidence.mean_port_hold_minutes, 'idleTimeoutInMinutes': minutes,
                  'idleTimeoutRelief': evidence.idle_timeout_relief},
        remediation="Close connections that are done. Or set a shorter '--load-balancer-idle-timeout': it cuts quiet "
                    'connections without keepalives, such as those to databases.')


@RULES.rule('MeasuredAllocationDiffers', WARNING, link=USE_STANDARD_LB,
            title='Nodes have other numbers of SNAT ports than the profile says.',
            why='Then something else than the profile is in force: an edit on the load balancer, or a tier of '
                'automatic allocation that was crossed.',
            source='AZURE-FACTS sections 1 and 2; AKS issues 1673, 3288, 5634.')
def measured_allocation_differs(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Measured against the profile."""
    measured, current = _evidence(subject).allocated_ports_per_node, subject.current
    if current.settings is None:
        return
    profile = current.settings.outbound_ports or snat.automatic_ports(current.nodes.today, current.settings.frontends)
    if measured is None or profile is None or measured == profile:
        return
    yield rule.finding(
        f'Nodes have {measured} SNAT ports each as measured, the profile gives {profile}.', target=PORTS,
        evidence={'measuredPortsPerNode': measured, 'profilePortsPerNode': profile},
        command=subject.decision.reconciling_line,
        remediation='If no update has run in the last hour, let AKS set what the profile says' +
        (': connections on the ports that are taken back die.' if measured > profile else '.'))


@RULES.rule('DefaultIdleTimeout', INFO, link=USE_STANDARD_LB,
            title='The idle timeout is the default of 30 minutes, and traffic is short-lived or mostly UDP.',
            why='A UDP port stays taken for all of the timeout after its last packet; abandoned short connections do, '
                'too.',
            source='the article, "Configure the load balancer idle timeout" and "Design patterns".')
def default_idle_timeout(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By protocol and hold time."""
    evidence, settings = _evidence(subject), subject.current.settings
    hold = evidence.mean_port_hold_minutes
    if settings is None or settings.idle_timeout_in_minutes != DEFAULT_IDLE_TIMEOUT_IN_MINUTES:
        return
    if evidence.peak_protocol == UDP:
        why = 'the peak use of ports is UDP, which holds each port for all of it'
    elif hold is not None and hold <= SHORT_HOLD:
        why = f'connections are short-lived (a port is held for {hold} minutes on average)'
    else:
        return
    yield rule.finding(
        f'The idle timeout is the default of {DEFAULT_IDLE_TIMEOUT_IN_MINUTES} minutes, but {why}.',
        target=IDLE_TIMEOUT, evidence={'peakProtocol': evidence.peak_protocol, 'meanPortHoldMinutes': hold},
        remediation="Consider a shorter '--load-balancer-idle-timeout', for example 4 minutes, if no long quiet "
                    'connections (kubectl port-forward, databases without keepalives) rest on it.')


@RULES.rule('NodeSkew', INFO,
            title='One node uses far more SNAT ports than the others.',
            why='Ports are given per node: one hot workload decides how many all of them need.',
            source='AZURE-FACTS section 4.')
def node_skew(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """The busiest node against the median one."""
    demand, evidence = _demand(subject), _evidence(subject)
    if (demand.skew or 0) < SKEW or (evidence.peak_utilization or 0) < SKEW_MATTERS:
        return
    yield rule.finding(
        f'Node {evidence.peak_node} used {evidence.peak_ports_per_node} ports at its peak, {demand.skew:.1f} times the '
        'peak of the median node.', target=_TARGET,
        evidence={'skew': demand.skew, 'peakNode': evidence.peak_node,
                  'peakPortsPerNode': evidence.peak_ports_per_node, 'peakUtilization': evidence.peak_utilization},
        remediation='Spread what makes the connections over nodes (topology spread constraints, more replicas): ports '
                    'that it needs are then not multiplied by all nodes.')
