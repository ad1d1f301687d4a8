# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What the SNAT metrics show: exhaustion, use near the allocation, ports that idle flows and UDP hold, skew."""

from ...facts import snat
from ...model.cluster import DEFAULT_IDLE_TIMEOUT_IN_MINUTES
from ...model.finding import ERROR, INFO, WARNING, counted
from ...model.metrics import UDP, answers_from_snapshot
from .fixes import change, reconcile
from .rule import CHECK, IDLE_TIMEOUT, METRICS, PORTS, STANDARD_LOAD_BALANCER, TROUBLESHOOT_SNAT, Hit, Rule

#: Use of the allocation that is high, and that is near its end. Source: issue 4.
HIGH_USE = 0.75
NEAR_END = 0.90

#: The busiest node stands out from this multiple of the median node on, if it uses this share of its ports: below,
#: no port is scarce. Chosen so that ordinary daily differences between nodes stay below it.
SKEW = 3
SKEW_MATTERS = 0.25

#: A mean hold of at most so many minutes is that of short connections that are closed: a TCP port stays taken for
#: 4 minutes after FIN (azure-facts section 2).
SHORT_HOLD = 5

#: Percent of ports on top of the measured demand, as `recommend` has it by default. Source: design section 1.
HEADROOM = 25

_TARGET = 'loadBalancers/kubernetes/metrics'
_NEEDS = (STANDARD_LOAD_BALANCER, METRICS)

_PATTERNS = ('Reuse connections and pool them instead of one per request; never abandon a TCP flow silently, close it; '
             'let keepalives of one side hold the flows that must stay; let CoreDNS cache names; where UDP holds the '
             'ports, shorten the idle timeout.')
_COREDNS = ('Let CoreDNS cache (the cache plugin, with a good time to live) instead of asking servers outside of the '
            'cluster for each name; a shorter idle timeout, for example 4 minutes, gives UDP ports back sooner, but '
            'cuts quiet connections without keepalives.')


def _more_ports(case, advice):
    """The line that gives nodes what was measured, where that is more than they have."""
    target = case.demand.target(HEADROOM) if case.demand.actionable else None
    held = case.current.ports_per_node or 0
    if target is None or target <= held or target > snat.MAX_PORTS_PER_NODE:
        return {'remediation': advice}
    return change(case, advice, outbound_ports=target)


def _met_since(case):
    """Whether today's allocation is beyond what was measured, so that old failures call for nothing more."""
    trigger = case.demand.trigger(HEADROOM)
    return trigger is not None and (case.current.ports_per_node or 0) >= trigger


def snat_exhaustion(case):
    """Outbound connections failed because nodes had no SNAT port left.

    Why: applications see timeouts and refused connections, although the cluster is healthy.
    Source: the article, "Troubleshooting SNAT" and "Design patterns"; azure-facts section 4, SnatConnectionCount.
    """
    failed = (case.demand.evidence.failed_connections or 0) - (case.demand.unexplained_failures or 0)
    if failed <= 0:
        return
    from ...demand.failures import failures  # only where there are metrics: `plan` need not pay for it
    nodes = failures(answers_from_snapshot(list(case.observed.metrics)))
    since = (' Since then the allocation has grown beyond what was measured.' if _met_since(case) else '')
    yield Hit(f'{counted(failed, "outbound connection")} failed for want of SNAT ports{_when(nodes)}.{since}',
              target=_TARGET, severity=INFO if since else None, link=TROUBLESHOOT_SNAT,
              evidence={'failedConnections': failed, 'nodes': [one._asdict() for one in nodes[:10]],
                        'nodesWithFailures': len(nodes),
                        'demandPortsPerNode': case.demand.evidence.demand_ports_per_node},
              **_more_ports(case, _PATTERNS))


def _when(nodes):
    if not nodes:
        return ''
    first, last = min(one.first for one in nodes), max(one.last for one in nodes)
    worst = ', '.join(f'{one.node} ({one.failed})' for one in nodes[:3])
    return f' between {first} and {last}, on {counted(len(nodes), "node")}; most on {worst}'


def unexplained_failures(case):
    """Outbound connections failed while ports were to spare.

    Why: more ports would not help; the cause lies elsewhere, for example many connections to one destination.
    Source: design section 4, Saturation; azure-facts section 2 [D], a port can be reused for another destination.
    """
    failed = case.demand.unexplained_failures or 0
    if failed:
        yield Hit(f'{counted(failed, "outbound connection")} failed while nodes used less than 80 % of their ports.',
                  target=_TARGET, evidence={'failedConnections': failed}, link=TROUBLESHOOT_SNAT,
                  remediation='Look at the destinations: each port serves one connection to each of them at a time. '
                              'Reuse and pool connections.')


def snat_use_high(case):
    """Nodes use more than 75 % or 90 % of their SNAT ports.

    Why: beyond 100 % connections fail; the next busy day may bring that.
    Source: issue 4; azure-facts section 4; the article, "Troubleshooting SNAT".
    """
    evidence = case.demand.evidence
    use = evidence.peak_utilization
    if use is None or use <= HIGH_USE:
        return
    yield Hit(f'Node {evidence.peak_node} used {evidence.peak_ports_per_node} {evidence.peak_protocol} ports at '
              f'{evidence.peak_at}, {use:.0%} of its allocation.', target=_TARGET, link=TROUBLESHOOT_SNAT,
              severity=WARNING if use > NEAR_END else INFO,
              evidence={'peakUtilization': use, 'peakPortsPerNode': evidence.peak_ports_per_node,
                        'peakNode': evidence.peak_node, 'peakAt': evidence.peak_at,
                        'peakProtocol': evidence.peak_protocol}, **_more_ports(case, _PATTERNS))


def ports_held_by_idle_flows(case):
    """Idle flows hold SNAT ports until the idle timeout.

    Why: connections that nobody closes keep their ports, although nothing flows.
    Source: the article, "Troubleshooting SNAT", steps; azure-facts section 2.
    """
    evidence = case.demand.evidence
    if not evidence.idle_timeout_bound:
        return
    minutes = case.current.settings.idle_timeout_in_minutes
    default = ', the default' if minutes == DEFAULT_IDLE_TIMEOUT_IN_MINUTES else ''
    relief = (f' A timeout of 4 minutes would free about {evidence.idle_timeout_relief:.0%} of them.'
              if evidence.idle_timeout_relief else '')
    scarce = (evidence.peak_utilization or 0) > HIGH_USE
    yield Hit(f'A port is held for {evidence.mean_port_hold_minutes} minutes on average: idle flows hold ports until '
              f'the idle timeout of {minutes} minutes{default}.{relief}', target=IDLE_TIMEOUT,
              severity=WARNING if scarce else INFO, link=TROUBLESHOOT_SNAT,
              evidence={'meanPortHoldMinutes': evidence.mean_port_hold_minutes, 'idleTimeoutInMinutes': minutes,
                        'idleTimeoutRelief': evidence.idle_timeout_relief},
              remediation="Close connections that are done. Or set a shorter '--load-balancer-idle-timeout': it cuts "
                          'quiet connections without keepalives, such as those to databases.')


def default_idle_timeout(case):
    """The idle timeout is the default of 30 minutes, and traffic is short-lived or mostly UDP.

    Why: a UDP port stays taken for all of the timeout after its last packet; abandoned short connections do, too.
    Source: the article, "Configure the load balancer idle timeout" and "Design patterns".
    """
    evidence = case.demand.evidence
    hold = evidence.mean_port_hold_minutes
    if case.current.settings.idle_timeout_in_minutes != DEFAULT_IDLE_TIMEOUT_IN_MINUTES:
        return
    if evidence.peak_protocol == UDP:
        why = 'the peak use of ports is UDP, which holds each port for all of it'
    elif hold is not None and hold <= SHORT_HOLD:
        why = f'connections are short-lived (a port is held for {hold} minutes on average)'
    else:
        return
    yield Hit(f'The idle timeout is the default of {DEFAULT_IDLE_TIMEOUT_IN_MINUTES} minutes, but {why}.',
              target=IDLE_TIMEOUT, evidence={'peakProtocol': evidence.peak_protocol, 'meanPortHoldMinutes': hold},
              remediation="Consider a shorter '--load-balancer-idle-timeout', for example 4 minutes, if no long quiet "
                          'connections (kubectl port-forward, databases without keepalives) rest on it.')


def udp_pressure(case):
    """UDP, usually DNS, uses most of the SNAT ports of a node.

    Why: each lookup outside of the cluster takes a port until the idle timeout; when they run out, names do not
    resolve.
    Source: the article, "Design patterns", on DNS and UDP; azure-facts section 2.
    """
    evidence = case.demand.evidence
    if evidence.peak_protocol != UDP or (evidence.peak_utilization or 0) <= HIGH_USE:
        return
    yield Hit(f'UDP, usually DNS, used {evidence.peak_ports_per_node} ports on node {evidence.peak_node}, '
              f'{evidence.peak_utilization:.0%} of its allocation.', target=_TARGET, link=TROUBLESHOOT_SNAT,
              evidence={'peakPortsPerNode': evidence.peak_ports_per_node, 'peakNode': evidence.peak_node,
                        'peakUtilization': evidence.peak_utilization, 'peakProtocol': evidence.peak_protocol},
              remediation=_COREDNS)


def node_skew(case):
    """One node uses far more SNAT ports than the others.

    Why: ports are given per node: one hot workload decides how many all of them need.
    Source: issue 4; design section 4, Demand.
    """
    demand, evidence = case.demand, case.demand.evidence
    if (demand.skew or 0) < SKEW or (evidence.peak_utilization or 0) < SKEW_MATTERS:
        return
    yield Hit(f"Node {evidence.peak_node} used {evidence.peak_ports_per_node} ports at its peak, {demand.skew:.1f} "
              'times the peak of the median node.', target=_TARGET, link=TROUBLESHOOT_SNAT,
              evidence={'skew': demand.skew, 'peakNode': evidence.peak_node,
                        'peakPortsPerNode': evidence.peak_ports_per_node,
                        'peakUtilization': evidence.peak_utilization},
              remediation='Spread what makes the connections over nodes (topology spread constraints, more replicas): '
                          'ports that it needs are then not multiplied by all nodes.')


def measured_allocation_differs(case):
    """Nodes have other numbers of SNAT ports than the profile says.

    Why: then something else than the profile is in force: an edit on the load balancer, or a tier of automatic
    allocation that was crossed.
    Source: azure-facts sections 1 and 2; AKS issues 1673, 3288, 5634.
    """
    measured, current = case.demand.evidence.allocated_ports_per_node, case.current
    wanted = current.settings.outbound_ports or snat.automatic_ports(case.nodes.today, current.settings.frontends)
    if measured is None or wanted is None or measured == wanted:
        return
    yield Hit(f'Nodes have {measured} SNAT ports each as measured, the profile gives {wanted}.', target=PORTS,
              evidence={'measuredPortsPerNode': measured, 'profilePortsPerNode': wanted},
              **reconcile(case, 'If no update has run in the last hour, let AKS set what the profile says' + (
                  ': connections on the ports that are taken back die.' if measured > wanted else '.')))


RULES = (
    Rule('SnatExhaustion', ERROR, snat_exhaustion, commands=(CHECK,), needs=_NEEDS),
    Rule('UnexplainedFailures', WARNING, unexplained_failures, commands=(CHECK,), needs=_NEEDS),
    Rule('SnatUseHigh', WARNING, snat_use_high, commands=(CHECK,), needs=_NEEDS),
    Rule('UdpPressure', WARNING, udp_pressure, commands=(CHECK,), needs=_NEEDS),
    Rule('PortsHeldByIdleFlows', WARNING, ports_held_by_idle_flows, commands=(CHECK,), needs=_NEEDS),
    Rule('MeasuredAllocationDiffers', WARNING, measured_allocation_differs, commands=(CHECK,), needs=_NEEDS),
    Rule('DefaultIdleTimeout', INFO, default_idle_timeout, commands=(CHECK,), needs=_NEEDS),
    Rule('NodeSkew', INFO, node_skew, commands=(CHECK,), needs=_NEEDS),
)
