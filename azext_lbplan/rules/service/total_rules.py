# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Rules on all Services together: the limits of a load balancer."""

from typing import Iterable, Iterator, NamedTuple, Optional, Set, Tuple, Union

from ...facts.links import LIMITS
from ...facts.snat import MAX_FRONTENDS, MAX_RULES, MAX_RULES_PER_NIC
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
    frontends: Set[Tuple[Union[str, int], ...]] = set()
    rules = 0
    for number, service in enumerate(services):
        frontends.update(service.frontends or [(number, family) for family in range(service.families)])
        rules += service.families * service.rules
    return _Needs(len(frontends), rules)


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
