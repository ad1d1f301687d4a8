# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Capacity: ports × nodes against outbound IPs, now, at the autoscaler's maximum and during an upgrade."""

from dataclasses import replace

from ...facts import snat
from ...model.finding import ERROR, INFO, WARNING
from ...model.outbound import INFEASIBLE, MIXED_MODE, NEEDS_DECREASE, NO_PLACE, UNKNOWN_IP_COUNT, Scale
from ...decision.nodes import count_nodes
from .fixes import change, repair
from .rule import (IP_COUNT, LOAD_BALANCER, OUTBOUND_TYPES, PLAN, POOLS, PORTS, PROFILE, STANDARD_LOAD_BALANCER, Hit,
                   Rule)

_WAYS_OUT = 'Lower the ports per node, lower the maximum of a node pool, or add outbound IPs.'


def _overcommitted(case, nodes, when, pools):
    """The hit for `nodes` nodes, where it is the first of the three counts that does not fit."""
    current = case.current
    needed = current.settings.outbound_ports * nodes
    low_fits = current.settings.outbound_ports * case.nodes.low_validated <= current.available_ports
    doubt = (' Whether AKS counts stopped pools, Gateway pools, pools with node public IPs and a maxSurge of 0 like '
             'that is not documented.' if low_fits else '')
    return Hit(
        f"Azure {'may' if low_fits else 'will'} refuse the next update of this cluster: {nodes} nodes {when} x "
        f'{current.settings.outbound_ports} ports = {needed} ports, but the outbound IPs have '
        f'{current.available_ports} ({current.settings.outbound_ip_count} x {snat.PORTS_PER_IP}).'
        f'{_named(pools)}{doubt}',
        target=PORTS, severity=WARNING if low_fits else ERROR,
        evidence={'nodes': nodes, 'outboundPorts': current.settings.outbound_ports, 'requiredPorts': needed,
                  'availablePorts': current.available_ports, 'pools': [pool.name for pool in pools]},
        **repair(case, _WAYS_OUT))


def _named(pools):
    if not pools:
        return ''
    listed = ', '.join(f"'{pool.name}' ({pool.current} now, {pool.max} at most, surge {pool.surge})"
                       for pool in pools[:5])
    more = f' and {len(pools) - 5} more' if len(pools) > 5 else ''
    return f' Node pool{"s" if len(pools) > 1 else ""} {listed}{more}.'


def _steps(case):
    """(now, at maximum, with surge): whether each of the three counts is over the IPs; None for automatic ports."""
    current = case.current
    if current is None or current.settings.automatic or current.available_ports is None:
        return None
    now = sum(pool.current for pool in case.nodes.pools)
    at_max = sum(pool.max for pool in case.nodes.pools)
    counts = (now, at_max, case.nodes.validated)
    return counts, tuple(current.settings.outbound_ports * count > current.available_ports for count in counts)


def ports_overcommitted_now(case):
    """The nodes of today need more ports than the outbound IPs have.

    Why: Azure refuses the next update of the cluster, and nodes may be without ports already.
    Source: azure-facts section 2, what AKS validates.
    """
    steps = _steps(case)
    if steps and steps[1][0]:
        yield _overcommitted(case, steps[0][0], 'now', _largest(case.nodes.pools, 'current'))


def ports_overcommitted_at_maximum(case):
    """The nodes at the autoscaler's maximum need more ports than the outbound IPs have.

    Why: AKS validates against the maximum: it refuses the next update although today's nodes fit.
    Source: azure-facts section 2, what AKS validates.
    """
    steps = _steps(case)
    if steps and steps[1][1] and not steps[1][0]:
        grown = [pool for pool in case.nodes.pools if pool.max > pool.current]
        yield _overcommitted(case, steps[0][1], "at the autoscaler's maximum", _largest(grown, 'max'))


def ports_overcommitted_with_surge(case):
    """The nodes at full scale and the surge nodes of an upgrade need more ports than the outbound IPs have.

    Why: AKS counts the surge of every pool: it refuses the next update, an upgrade included.
    Source: azure-facts section 2, what AKS validates; azure-cli issue 22374.
    """
    steps = _steps(case)
    if steps and steps[1][2] and not steps[1][1]:
        surging = [pool for pool in case.nodes.pools if pool.surge]
        yield _overcommitted(case, steps[0][2], 'at full scale with upgrade surge', _largest(surging, 'surge'))


def _largest(pools, key):
    return sorted(pools, key=lambda pool: -getattr(pool, key))


def ports_short_at_required(case):
    """The ports fit what AKS validates, but not the nodes that were asked for or that are in the backend pool.

    Why: the nodes beyond what fits get no ports, or Azure refuses the scaling.
    Source: design section 2, `required`; azure-facts section 3 (node auto-provisioning).
    """
    current, nodes = case.current, case.nodes
    if current is None or current.settings.automatic or not current.fits or nodes.required <= nodes.validated:
        return
    room = current.available_ports - snat.PORT_BLOCK * case.shared_rule_blocks
    if current.settings.outbound_ports * nodes.required <= room:
        return
    yield Hit(
        f'{nodes.required} nodes x {current.settings.outbound_ports} ports do not fit {room} ports of '
        f'{current.settings.outbound_ip_count} outbound IPs; AKS itself counts {nodes.validated} nodes.',
        target=PORTS, evidence={'required': nodes.required, 'validated': nodes.validated,
                                'maxNodes': current.max_nodes}, **repair(case, _WAYS_OUT))


def shared_frontend_ports(case):
    """Rules on outbound frontends take ports that AKS counts as free.

    Why: each load balancing or inbound NAT rule on a frontend that is also used for outbound takes a block of 8
    ports of that IP; the network layer refuses an allocation that AKS has accepted.
    Source: azure-facts section 2 [I], SpecifiedAllocatedOutboundPortsForOutboundRuleExceedsTotalNumberOfAvailablePorts.
    """
    current = case.current
    if current is None or not case.shared_rule_blocks or not current.fits or not current.settings.outbound_ip_count:
        return
    most = snat.largest_ports(current.settings.outbound_ip_count, case.nodes.required, case.shared_rule_blocks)
    taken = snat.PORT_BLOCK * case.shared_rule_blocks
    short = current.settings.outbound_ports > most
    yield Hit(
        f'Rules that share outbound frontends: {case.shared_rule_blocks}; they take {taken} SNAT ports.' +
        (f' At {case.nodes.required} nodes only {most} ports per node are left.' if short else ''),
        target='loadBalancers/kubernetes/frontendIPConfigurations', severity=WARNING if short else INFO,
        evidence={'rules': case.shared_rule_blocks, 'ports': taken, 'maxPortsPerNode': most},
        **repair(case, 'Give the services public IPs of their own.'))


def ports_invalid(case):
    """The ports per node are no multiple of 8, or more than 64,000.

    Why: Azure checks both before all else, and refuses the next update of the cluster.
    Source: azure-facts section 1, `allocatedOutboundPorts`; the article, requirements for customizing.
    """
    if case.current is None:
        return
    ports = case.current.settings.outbound_ports
    if ports % snat.PORT_BLOCK == 0 and ports <= snat.MAX_PORTS_PER_NODE:
        return
    nearest = min(snat.ceil8(ports), snat.MAX_PORTS_PER_NODE)
    yield Hit(f'{ports} ports per node are not valid: a multiple of 8 from 0 to {snat.MAX_PORTS_PER_NODE} is. Azure '
              'will refuse the next update of this cluster.', target=PORTS, evidence={'outboundPorts': ports},
              **change(case, f'The nearest valid number is {nearest}.', outbound_ports=nearest))


def requested_refused(case):
    """Azure would refuse the update with the options that were typed.

    Why: ports × validated nodes exceed the outbound IPs; Azure answers
    InvalidLoadBalancerProfileAllocatedOutboundPorts (InsufficientOutboundPorts).
    Source: azure-facts section 2; azure-cli issue 22374.
    """
    requested = case.requested
    if requested is None or requested.fits is not False or not case.wanted.anything_typed:
        return
    yield Hit(
        f'Azure would refuse this: Total node count {case.nodes.validated} requires {requested.required_ports} ports '
        f'but only {requested.available_ports} ports are available given {requested.settings.outbound_ip_count} '
        'outbound public IPs (InvalidLoadBalancerProfileAllocatedOutboundPorts).',
        target=PORTS, severity=ERROR if _fails_low(case, requested) else WARNING,
        evidence={'validated': case.nodes.validated, 'requiredPorts': requested.required_ports,
                  'availablePorts': requested.available_ports}, **repair(case, _WAYS_OUT))


def _fails_low(case, configuration):
    return configuration.settings.outbound_ports * case.nodes.low_validated > configuration.available_ports


def upgrade_changes_surge(case):
    """The ports fit today, but not once Kubernetes 1.32 makes 10 % of a pool its default surge.

    Why: below 1.32 an unset maxSurge counts one node per pool; after the upgrade it counts 10 %, and the update that
    follows is refused.
    Source: azure-facts section 2 (AKS CHANGELOG 2025-03-16).
    """
    current, cluster = case.current, case.cluster
    if cluster is None or current is None or current.settings.automatic or not current.fits:
        return
    since = '.'.join(str(part) for part in snat.PERCENT_SURGE_SINCE)
    upgraded = replace(cluster, pools=tuple(
        pool if snat.default_surge_is_percent(pool.kubernetes_version) else replace(pool, kubernetes_version=since)
        for pool in cluster.pools))
    validated = count_nodes(upgraded, Scale(max_surge=case.scale.max_surge)).validated
    if current.settings.outbound_ports * validated <= current.available_ports:
        return
    yield Hit(
        f'From Kubernetes {since} on AKS will count {validated} nodes instead of {case.nodes.validated}, because an '
        f'unset maxSurge becomes 10 %: {current.settings.outbound_ports * validated} ports needed, '
        f'{current.available_ports} available.',
        target=f'{POOLS}.upgradeSettings.maxSurge',
        evidence={'validatedNow': case.nodes.validated, 'validatedAfterUpgrade': validated,
                  'availablePorts': current.available_ports},
        **change(case, 'Before the upgrade set maxSurge on the pools, or make room.',
                 scale=replace(case.scale, kubernetes_version=since)))


def unbounded_node_count(case):
    """The maximum number of nodes cannot be known.

    Why: nodes of node auto-provisioning are in no agent pool; no port allocation is safe for a number that nothing
    bounds.
    Source: azure-facts section 3.
    """
    if case.nodes.bounded:
        return
    yield Hit(
        'Node auto-provisioning adds nodes that no agent pool shows, so the largest number of nodes is not known. '
        f'This answer sizes for {case.nodes.required}.',
        target='nodeProvisioningProfile.mode', evidence={'required': case.nodes.required,
                                                         'backendPool': case.nodes.backend_pool},
        remediation="Give the bound with '--max-count', and limit the node pools in Kubernetes to it.")


_OBSTACLES = {
    INFEASIBLE: 'This does not fit within the limits of the load balancer',
    NEEDS_DECREASE: 'The ports per node do not fit on these IPs',
    MIXED_MODE: 'The ports do not fit, and the profile mixes several kinds of outbound IPs: any IP option of '
                "'az aks update' would remove the others",
    NO_PLACE: 'The ports do not fit, and where the cluster\'s own IPs are could not be told',
    UNKNOWN_IP_COUNT: 'The number of outbound IPs is not known, because the length of a prefix could not be read',
}


def _blocked(case, *obstacles):
    if case.obstacle in obstacles:
        yield _in_the_way(case, case.obstacle)


def _in_the_way(case, obstacle):
    proposed, nodes = case.proposed, case.nodes
    ports = proposed.settings.outbound_ports
    ips = proposed.settings.outbound_ip_count
    fitting = None if ips is None else snat.largest_ports(ips, nodes.required, case.shared_rule_blocks)
    capacity = '' if ips is None else f': {ports} ports x {nodes.required} nodes on {ips} IPs'
    needed = snat.ips_needed(ports, nodes.required, case.shared_rule_blocks)
    return Hit(
        f'{_OBSTACLES[obstacle]}{capacity}.', target=PROFILE,
        evidence={'outboundPorts': ports, 'required': nodes.required, 'outboundIpCount': ips, 'ipsNeeded': needed,
                  'maxPortsPerNode': fitting},
        remediation=_ways_out(obstacle, fitting, needed), link=OUTBOUND_TYPES)


def _ways_out(obstacle, fitting, needed):
    lower = '' if fitting is None else (f" Allow fewer ports per node ({fitting} fit) with '--allow-decrease' or "
                                        f"'--outbound-ports {fitting}': connections on the ports taken back die.")
    return {
        INFEASIBLE: f'It would take {needed} IPs.{lower} Or lower the maximum of the node pools, or move to a NAT '
                    'gateway, which gives ports on demand.',
        NEEDS_DECREASE: f'Give {needed} IPs.{lower}',
        MIXED_MODE: f'Choose one kind of outbound IP with {needed} addresses.{lower}',
        NO_PLACE: "Name all IPs, the new ones too, with '--outbound-ips'.",
        UNKNOWN_IP_COUNT: "Ask for Microsoft.Network/publicIPPrefixes/read on the prefix. The output of 'az aks show' "
                          "does not hold its length, a snapshot of '--save-to' does.",
    }[obstacle]


def infeasible(case):
    """No configuration within the limits fits.

    Why: more than 64,000 ports per node, 100 managed IPs or 16 own IPs would be needed.
    Source: azure-facts section 1; design section 4.
    """
    return _blocked(case, INFEASIBLE)


def decrease_needed(case):
    """Only fewer ports per node would fit, and nobody has consented to that.

    Why: fewer ports cut live connections; the tool never does that on its own.
    Source: design section 4, Decrease.
    """
    return _blocked(case, NEEDS_DECREASE)


def mixed_outbound_ips(case):
    """IPs are needed, but several kinds of outbound IPs are set at once.

    Why: every IP option of `az aks` rebuilds the IP mode and removes the other kinds.
    Source: azure-facts section 1 [D, acs _loadbalancer.py]; azure-powershell issue 25793.
    """
    return _blocked(case, MIXED_MODE)


def outbound_ips_unknown(case):
    """What the outbound IPs are could not be read: whether ports fit is not known, and no command can change that.

    Why: a command that rests on a guess may detach IPs or be refused.
    Source: design section 2, `fits` is null; azure-facts section 9, point 1.
    """
    yield from _blocked(case, UNKNOWN_IP_COUNT, NO_PLACE)
    settings = case.proposed.settings if case.proposed else None
    if case.obstacle is None and settings and not settings.automatic and settings.outbound_ip_count is None:
        yield _in_the_way(case, UNKNOWN_IP_COUNT)


_COUNTED = (STANDARD_LOAD_BALANCER, IP_COUNT)

RULES = (
    Rule('PortsOvercommittedNow', ERROR, ports_overcommitted_now, needs=_COUNTED),
    Rule('PortsOvercommittedAtMaximum', ERROR, ports_overcommitted_at_maximum, needs=_COUNTED),
    Rule('PortsOvercommittedWithSurge', ERROR, ports_overcommitted_with_surge, needs=_COUNTED),
    Rule('PortsInvalid', ERROR, ports_invalid),
    Rule('RequestedRefused', ERROR, requested_refused, commands=(PLAN,)),
    Rule('Infeasible', ERROR, infeasible),
    Rule('DecreaseNeeded', ERROR, decrease_needed, commands=(PLAN,)),
    Rule('MixedOutboundIpsBlocked', ERROR, mixed_outbound_ips),
    Rule('OutboundIpsUnknown', WARNING, outbound_ips_unknown),
    Rule('PortsShortAtRequired', WARNING, ports_short_at_required, needs=_COUNTED),
    Rule('SharedFrontendPorts', WARNING, shared_frontend_ports, needs=_COUNTED + (LOAD_BALANCER,)),
    Rule('UpgradeChangesSurge', WARNING, upgrade_changes_surge, needs=_COUNTED),
    Rule('UnboundedNodeCount', WARNING, unbounded_node_count),
)
