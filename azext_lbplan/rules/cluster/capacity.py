# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Capacity: ports × nodes against outbound IPs, now, at the autoscaler's maximum and during an upgrade."""

from typing import Iterable, Iterator, List, NamedTuple, Optional

from ...decision import Reason
from ...decision.nodes import PoolNodes
from ...facts import snat
from ...facts.links import USE_STANDARD_LB
from ...model.finding import ERROR, INFO, WARNING, Finding
from ..engine import CHANGE, Rule, Rulebook
from .subject import (CHECK, PLAN, POOLS, PORTS, AtColumn, existing_cluster, ip_count, load_balancer,
                      standard_load_balancer)

_WAYS_OUT = 'Lower the ports per node, lower the maximum of a node pool, or add outbound IPs.'
_DOUBT = ('Not all of that count is documented: the base of a surge percentage, a surge that is not set below '
          'Kubernetes 1.32, stopped and Gateway pools, pools with node public IPs.')
_COUNTED = (standard_load_balancer, ip_count)

RULES: Rulebook[AtColumn] = Rulebook(commands=(PLAN, CHECK), needs=_COUNTED, link=USE_STANDARD_LB)


class _Counts(NamedTuple):
    """Nodes now, at the autoscaler's maximum, and with upgrade surge."""

    now: int
    at_max: int
    validated: int


def _counts(subject: AtColumn) -> _Counts:
    nodes = subject.column.nodes
    return _Counts(sum(pool.current for pool in nodes.pools), sum(pool.max for pool in nodes.pools), nodes.validated)


def _counts_ports(subject: AtColumn) -> bool:
    """Whether AKS comes to count ports: not without an IP, and not with own addresses that it does not take, of which
    rules of their own speak."""
    return subject.settings.outbound_ip_count != 0 and subject.decision.reason is not Reason.ADDRESS_UNUSABLE


def _over(subject: AtColumn, nodes: int) -> bool:
    """Whether the explicit ports of so many nodes exceed what the outbound IPs have."""
    available = subject.column.available_ports
    return (available is not None and _counts_ports(subject) and
            subject.settings.outbound_ports * nodes > available)


def _in_doubt(subject: AtColumn) -> bool:
    """Whether the ports fit where what is not documented is left out of the count."""
    return not _over(subject, subject.column.nodes.low_validated)


def _overcommitted(rule: Rule[AtColumn], subject: AtColumn, nodes: int, when: str,
                   pools: List[PoolNodes]) -> Iterator[Finding]:
    """The finding for `nodes` nodes, which is the first of the three counts that does not fit."""
    if subject.decision.options.change.anything:
        return  # what was typed is judged by requested_refused
    settings, available, doubt = subject.settings, subject.column.available_ports, _in_doubt(subject)
    needed, validated = settings.outbound_ports * nodes, subject.column.nodes.validated
    more = '' if nodes == validated else f'; AKS counts {validated}, at full scale with upgrade surge'
    yield rule.finding(
        f'{nodes} nodes {when} x {settings.outbound_ports} ports = {needed} ports, but the outbound IPs have '
        f'{available} ({settings.outbound_ip_count} x {snat.PORTS_PER_IP}){more}.{_named(pools)}'
        f'{f" {_DOUBT}" if doubt else ""}',
        consequence=f"Azure {'may' if doubt else 'will'} refuse the next update of this cluster.",
        target=PORTS, severity=WARNING if doubt else ERROR, remediation=_WAYS_OUT,
        evidence={'nodes': nodes, 'outboundPorts': settings.outbound_ports, 'requiredPorts': needed,
                  'availablePorts': available, 'pools': [pool.name for pool in pools]})


def _named(pools: List[PoolNodes]) -> str:
    if not pools:
        return ''
    listed = ', '.join(f"'{pool.name}' ({_range(pool)}, surge {pool.surge})" for pool in pools[:5])
    more = f' and {len(pools) - 5} more' if len(pools) > 5 else ''
    return f' Node pool{"s" if len(pools) > 1 else ""} {listed}{more}.'


def _range(pool: PoolNodes) -> str:
    return f"{f'{pool.current} now, ' if pool.current_known else ''}{pool.max} at most"


@RULES.rule('PortsOvercommittedNow', ERROR,
            title='The nodes of today need more ports than the outbound IPs have.',
            why='Azure refuses the next update of the cluster, and nodes may be without ports already.',
            source='AZURE-FACTS section 2, what AKS validates.')
def ports_overcommitted_now(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Today's nodes."""
    counts = _counts(subject)
    if _over(subject, counts.now):
        pools = sorted(subject.column.nodes.pools, key=lambda pool: -pool.current)
        yield from _overcommitted(rule, subject, counts.now, 'now', pools)


@RULES.rule('PortsOvercommittedAtMaximum', ERROR,
            title="The nodes at the autoscaler's maximum need more ports than the outbound IPs have.",
            why="AKS validates against the maximum: it refuses the next update although today's nodes fit.",
            source='AZURE-FACTS section 2, what AKS validates.')
def ports_overcommitted_at_maximum(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """All pools at their maximum."""
    counts = _counts(subject)
    if _over(subject, counts.at_max) and not _over(subject, counts.now):
        grown = sorted((pool for pool in subject.column.nodes.pools if pool.max > pool.current),
                       key=lambda pool: -pool.max)
        yield from _overcommitted(rule, subject, counts.at_max, "at the autoscaler's maximum", grown)


@RULES.rule('PortsOvercommittedWithSurge', ERROR,
            title='The nodes at full scale and the surge nodes of an upgrade need more ports than the outbound IPs '
                  'have.',
            why='AKS counts the surge of every pool: it refuses the next update, an upgrade included.',
            source='AZURE-FACTS section 2, what AKS validates; azure-cli issue 22374.')
def ports_overcommitted_with_surge(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """All pools at their maximum, each with its surge."""
    counts = _counts(subject)
    if _over(subject, counts.validated) and not _over(subject, counts.at_max):
        surging = sorted((pool for pool in subject.column.nodes.pools if pool.surge), key=lambda pool: -pool.surge)
        yield from _overcommitted(rule, subject, counts.validated, 'at full scale with upgrade surge', surging)


@RULES.rule('PortsInvalid', ERROR, needs=(standard_load_balancer,),
            title='The ports per node are no multiple of 8, or more than 64,000.',
            why='Azure checks both before all else, and refuses the next update of the cluster.',
            source='AZURE-FACTS section 1, `allocatedOutboundPorts`; the article, requirements for customizing.')
def ports_invalid(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """The multiple of 8, then the range."""
    ports = subject.settings.outbound_ports
    if snat.is_valid_allocation(ports):
        return
    nearest = min(snat.ceil8(ports), snat.MAX_PORTS_PER_NODE)
    yield rule.finding(
        f'{ports} ports per node are not valid: a multiple of 8 from 0 to {snat.MAX_PORTS_PER_NODE} is.',
        consequence='Azure will refuse the next update of this cluster.', target=PORTS,
        evidence={'outboundPorts': ports}, remediation=f'The nearest valid number is {nearest}.')


@RULES.rule('RequestedRefused', ERROR, commands=(PLAN,),
            title='Azure would refuse the update with the options that were typed.',
            why='Ports x validated nodes exceed the outbound IPs; Azure answers '
                'InvalidLoadBalancerProfileAllocatedOutboundPorts (InsufficientOutboundPorts).',
            source='AZURE-FACTS section 2; azure-cli issue 22374.')
def requested_refused(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """What was typed, and nothing else, with Azure's own numbers."""
    column, settings = subject.column, subject.settings
    nodes = column.nodes.validated
    if settings.automatic or not subject.decision.options.change.anything or not _over(subject, nodes):
        return
    yield rule.finding(
        f'What was typed does not fit by itself: Total node count {nodes} requires {column.required_ports} ports but '
        f'only {column.available_ports} ports are available given {settings.outbound_ip_count} outbound public IPs.',
        consequence='Azure would refuse it (InvalidLoadBalancerProfileAllocatedOutboundPorts).',
        target=PORTS, severity=WARNING if _in_doubt(subject) else ERROR, remediation=_WAYS_OUT,
        evidence={'validated': nodes, 'requiredPorts': column.required_ports,
                  'availablePorts': column.available_ports})


@RULES.rule('PortsShortAtRequired', WARNING, needs=(*_COUNTED, existing_cluster),
            title='The ports fit what AKS validates, but not the nodes that were asked for or that are in the backend '
                  'pool.',
            why='The nodes beyond what fits get no ports, or Azure refuses the scaling.',
            source='AZURE-FACTS section 3 (node auto-provisioning).')
def ports_short_at_required(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Nodes beyond those of the agent pools."""
    column, settings, nodes = subject.column, subject.settings, subject.column.nodes
    usable = column.usable_ports
    if settings.automatic or usable is None or not _counts_ports(subject) or _over(subject, nodes.validated):
        return
    if nodes.required <= nodes.validated or settings.outbound_ports * nodes.required <= usable:
        return
    yield rule.finding(
        f'{nodes.required} nodes x {settings.outbound_ports} ports do not fit {usable} ports of '
        f'{settings.outbound_ip_count} outbound IPs; AKS itself counts {nodes.validated} nodes.',
        target=PORTS, remediation=_WAYS_OUT,
        evidence={'required': nodes.required, 'validated': nodes.validated, 'maxNodes': column.max_nodes})


@RULES.rule('SharedFrontendPorts', WARNING, needs=(*_COUNTED, existing_cluster, load_balancer),
            title='Rules on outbound frontends take ports that AKS counts as free.',
            why='Each load balancing or inbound NAT rule on a frontend that is also used for outbound takes a block of '
                '8 ports of that IP; the network layer refuses an allocation that AKS has accepted.',
            source='AZURE-FACTS section 2 [O], '
                   'SpecifiedAllocatedOutboundPortsForOutboundRuleExceedsTotalNumberOfAvailablePorts.')
def shared_frontend_ports(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Rules that share an outbound frontend."""
    column, settings = subject.column, subject.settings
    blocks, most = column.shared_rule_blocks, column.max_ports_per_node
    if not blocks or not _counts_ports(subject) or _over(subject, column.nodes.validated) or most is None:
        return
    taken, short = snat.PORT_BLOCK * blocks, settings.outbound_ports > most
    yield rule.finding(
        f'Rules that share outbound frontends: {blocks}; they take {taken} SNAT ports.' +
        (f' At {column.nodes.required} nodes only {most} ports per node are left.' if short else ''),
        target='loadBalancers/kubernetes/frontendIPConfigurations', severity=WARNING if short else INFO,
        evidence={'rules': blocks, 'ports': taken, 'maxPortsPerNode': most},
        remediation='Give the services public IPs of their own.')


@RULES.rule('UnboundedNodeCount', WARNING, needs=(standard_load_balancer,),
            title='The maximum number of nodes cannot be known.',
            why='Nodes of node auto-provisioning are in no agent pool, and code may leave a maximum open; no port '
                'allocation is safe for a number that nothing bounds.',
            source='AZURE-FACTS section 3.')
def unbounded_node_count(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Node auto-provisioning, or a maximum that code leaves open, without a typed bound."""
    nodes = subject.column.nodes
    if nodes.bounded:
        return
    if not nodes.most_known:
        pools = [pool.name for pool in nodes.pools if {'max', 'max_surge'} & set(pool.unknown)]
        named = f" of node pool {', '.join(pools[:5])}" if pools else ''
        yield rule.finding(
            f'The code leaves the largest number of nodes{named} open. This answer sizes for {nodes.required}, the '
            'fewest that there can be.', target=f'{POOLS}.maxCount',
            evidence={'required': nodes.required, 'pools': pools},
            remediation="Give the values that the code takes, or the bound with '--max-count'.")
    else:
        yield rule.finding(
            'Node auto-provisioning adds nodes that no agent pool shows, so the largest number of nodes is not known. '
            f'This answer sizes for {nodes.required}.', target='nodeProvisioningProfile.mode',
            evidence={'required': nodes.required, 'backendPool': nodes.backend_pool},
            remediation="Give the bound with '--max-count', and limit the node pools in Kubernetes to it.")


@RULES.rule('MaxCountBelowAutoscaler', WARNING, commands=(PLAN,), about=CHANGE,
            needs=(standard_load_balancer, existing_cluster),
            title='The maximum that was typed is below what the node pools may reach.',
            why='AKS counts by the pools: a lower total lowers nothing until they are lowered.',
            source='AZURE-FACTS section 2, what AKS validates.')
def max_count_below_autoscaler(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """--max-count against the pools."""
    typed: Optional[int] = subject.decision.options.scale.max_count
    nodes = subject.column.nodes
    reach = sum(pool.max for pool in nodes.pools)
    if typed is None or typed >= reach:
        return
    pools = sorted(nodes.pools, key=lambda pool: (pool.current - pool.max, -pool.max))
    grown = [pool for pool in pools if pool.max > pool.current] or pools
    names = ', '.join(f"'{pool.name}' ({_range(pool)})" for pool in grown[:5])
    yield rule.finding(
        f'--max-count {typed} lowers nothing: the node pools may reach {reach} nodes, and AKS counts those.',
        target=f'{POOLS}.maxCount', evidence={'maxCount': typed, 'max': reach, 'pools': [pool.name for pool in grown]},
        remediation=f'Lower the maximum of node pools first: {names}.')
