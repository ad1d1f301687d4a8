# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Rules on all Services together: the limits of a load balancer."""

from typing import Dict, Iterable, Iterator, NamedTuple, Optional, Set, Tuple, Union

from ...facts.links import LIMITS, OUTBOUND_RULES
from ...facts.snat import (MAX_CONFIGURATIONS_PER_FRONTEND, MAX_FRONTENDS, MAX_RULES, MAX_RULES_PER_NIC,
                           PORT_BLOCK)
from ...model.finding import ERROR, WARNING, Finding
from ..engine import Rule
from .subject import LinkedRulebook
from .together import AllServices, Seen

RULES: LinkedRulebook[AllServices] = LinkedRulebook()

_Rule = Rule[AllServices]

_WHY = ('Azure refuses what is beyond. An error where the manifests alone exceed it, a warning where they do with what '
        'the cluster has.')


class _Needs(NamedTuple):
    """What Services take on a load balancer."""

    frontends: int
    rules: int


def _needs(services: Iterable[Seen]) -> _Needs:
    """One frontend for each Service and IP family, where Services that ask for the same address share one; one rule
    for each port and IP family."""
    shared: Set[Tuple[str, ...]] = set()
    own = rules = 0
    for service in services:
        if service.frontends:
            shared.update(service.frontends)
        else:
            own += service.families
        rules += service.families * service.rules
    return _Needs(own + len(shared), rules)


class _Limit(NamedTuple):
    """The most of something, and where."""

    most: int
    unit: str
    where: str


def _exceeded(rule: _Rule, limit: _Limit, needed: int, present: Optional[int]) -> Iterator[Finding]:
    """The finding where what is `needed` and what is `present` (unknown: None) exceed the limit together."""
    there = present or 0
    if needed + there > limit.most:
        # Services of the manifests may be on the load balancer already: only what is too many by itself is certain.
        yield rule.finding(
            f'{limit.where}: {needed:,} {limit.unit} for services without an address yet, and {there:,} that it has, '
            f'are more than {limit.most:,}.', severity=ERROR if needed > limit.most else WARNING,
            evidence={'line': None, 'needed': needed, 'present': there, 'limit': limit.most},
            remediation='Spread the services over several clusters or load balancers, or put an ingress controller or '
                        'gateway in front of them.')


def _balancers(subject: AllServices) -> Tuple[Tuple[str, _Needs], Tuple[str, _Needs]]:
    """What the public and what the internal load balancer get; they are two."""
    public = [service for service in subject.new if not service.internal]
    internal = [service for service in subject.new if service.internal]
    return (('The public load balancer', _needs(public)), ('The internal load balancer', _needs(internal)))


@RULES.rule('TooManyFrontends', ERROR, title=f'More than {MAX_FRONTENDS} frontends.', why=_WHY, source=LIMITS)
def too_many_frontends(rule: _Rule, subject: AllServices) -> Iterable[Finding]:
    """What is there is known of the public load balancer only."""
    for (where, needs), there in zip(_balancers(subject), (subject.cluster.frontends, None)):
        yield from _exceeded(rule, _Limit(MAX_FRONTENDS, 'frontends', where), needs.frontends, there)


@RULES.rule('TooManyRules', ERROR, title=f'More than {MAX_RULES:,} load balancing rules.', why=_WHY,
            source=LIMITS)
def too_many_rules(rule: _Rule, subject: AllServices) -> Iterable[Finding]:
    """What is there is known of the public load balancer only."""
    for (where, needs), there in zip(_balancers(subject), (subject.cluster.rules, None)):
        yield from _exceeded(rule, _Limit(MAX_RULES, 'load balancing rules', where), needs.rules, there)


@RULES.rule('TooManyRulesPerNic', ERROR,
            title=f'More than {MAX_RULES_PER_NIC} rules on the network interface of a node.', why=_WHY, source=LIMITS)
def too_many_rules_per_nic(rule: _Rule, subject: AllServices) -> Iterable[Finding]:
    """Every node is in the backend pool of every rule, of the public and of the internal load balancer."""
    limit = _Limit(MAX_RULES_PER_NIC, 'rules', 'The network interface of each node')
    return _exceeded(rule, limit, _needs(subject.new).rules, subject.cluster.rules_per_nic)


@RULES.rule('TooManyConfigurations', ERROR,
            title=f'With a cluster: more than {MAX_CONFIGURATIONS_PER_FRONTEND:,} backend IP configurations on a '
                  'frontend.',
            why='Each port of a service counts once for each node. An error where the nodes of now exceed it, a '
                'warning where those do that the cluster may have.',
            source=LIMITS)
def too_many_configurations(rule: _Rule, subject: AllServices) -> Iterable[Finding]:
    """The frontend with the most rules; what Services have there already is not known."""
    most, now = subject.cluster.nodes_at_most or 0, subject.cluster.nodes_now or 0
    nodes = max(most, now)
    if not nodes:
        return
    rules, label = max(_rules_by_frontend(subject), default=(0, ''))
    if rules * nodes > MAX_CONFIGURATIONS_PER_FRONTEND:
        yield rule.finding(
            f'The frontend of {label} gets {rules} rules; with {nodes} nodes these are {rules * nodes:,} backend IP '
            f'configurations, and it takes {MAX_CONFIGURATIONS_PER_FRONTEND:,}: the service stays <pending>.',
            severity=ERROR if rules * now > MAX_CONFIGURATIONS_PER_FRONTEND else WARNING,
            evidence={'line': None, 'rules': rules, 'nodes': nodes, 'limit': MAX_CONFIGURATIONS_PER_FRONTEND},
            remediation='Spread its ports over services with IPs of their own, or put an ingress controller in front.')


def _rules_by_frontend(subject: AllServices) -> Iterator[Tuple[int, str]]:
    """(rules, a Service on it) of each frontend that new Services get."""
    found: Dict[Tuple[Union[str, int], ...], Tuple[int, str]] = {}
    for number, service in enumerate(subject.new):
        for frontend in service.frontends or [(number,)]:
            rules, label = found.get(frontend, (0, service.label))
            found[frontend] = rules + service.rules, label
    return iter(found.values())


@RULES.rule('OutboundPortsShort', ERROR,
            title='With a cluster: rules on outbound IPs take SNAT ports that are given to nodes.',
            why='Each rule takes a block of 8 ports of an IP that also serves outbound connections. Where the rest '
                'does not reach for what each node is to have, Azure refuses the load balancer: an error for the nodes '
                'of now, a warning for those that the cluster may have.',
            source=OUTBOUND_RULES)
def outbound_ports_short(rule: _Rule, subject: AllServices) -> Iterable[Finding]:
    """All new Services together: one may fit where several do not."""
    cluster, outbound = subject.cluster, subject.cluster.outbound
    if outbound is None or cluster.nodes_now is None or cluster.nodes_at_most is None:
        return
    shared = cluster.outbound_ids
    rules = sum(service.rules for service in subject.new for frontend in service.frontends
                if frontend[0] == 'id' and frontend[1] in shared)
    short = [nodes for nodes in (cluster.nodes_now, cluster.nodes_at_most)
             if rules and nodes and outbound.left(nodes, rules) < outbound.per_node]
    if short:
        nodes, is_now = short[0], short[0] == cluster.nodes_now
        left = outbound.left(nodes, rules)
        yield rule.finding(
            f'{rules} rules on IPs that also serve outbound connections take {PORT_BLOCK * rules} SNAT ports: each of '
            f'{nodes} nodes could have {left}, and {outbound.per_node} are set. ' +
            ('Azure refuses these services, and every update of the load balancer with them.' if is_now else
             'Azure refuses the load balancer when the cluster grows to that.'),
            severity=ERROR if is_now else WARNING,
            evidence={'line': None, 'rules': rules, 'snatPorts': PORT_BLOCK * rules, 'nodes': nodes,
                      'outboundPorts': outbound.per_node, 'maxPortsPerNode': left},
            remediation='Give these services public IPs of their own.')
