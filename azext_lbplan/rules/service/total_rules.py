# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Rules on all Services together: the limits of a load balancer."""

from typing import Iterable, Iterator, NamedTuple, Optional, Set, Tuple, Union

from ...facts.links import LIMITS
from ...facts.networks import IPV4, IPV6
from ...facts.snat import MAX_FRONTENDS, MAX_RULES, MAX_RULES_PER_NIC
from ...model.finding import ERROR, WARNING, Finding
from ...model.service import Service
from ...model.service_context import ServiceContext
from ..engine import Rule
from .subject import LinkedRulebook, NewServices

RULES: LinkedRulebook[NewServices] = LinkedRulebook()

_Rule = Rule[NewServices]

_WHY = ('Azure refuses what is beyond. An error where the manifests alone exceed it, a warning where they do with what '
        'the cluster has.')


class _Needs(NamedTuple):
    """What Services take on a load balancer."""

    frontends: int
    rules: int


def _needs(services: Iterable[Service], cluster: ServiceContext) -> _Needs:
    """One frontend for each Service and IP family, where Services that ask for the same address share one; one rule
    for each port and IP family."""
    frontends: Set[Union[str, Tuple[int, int]]] = set()
    rules = 0
    for number, service in enumerate(services):
        count = _families(service, cluster)
        shared = [str(address) for _, address in service.addresses()] \
            or [name for name in map(service.annotation, ('azure-pip-name', 'azure-pip-name-ipv6')) if name]
        frontends.update(shared or [(number, family) for family in range(count)])
        rules += count * service.rules()
    return _Needs(len(frontends), rules)


def _families(service: Service, cluster: ServiceContext) -> int:
    """How many IP families a Service gets a frontend and rules for; high where it is unknown."""
    if not service.is_dual_stack:
        return 1
    return len(cluster.ip_families or (IPV4, IPV6))


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


def _balancers(subject: NewServices) -> Tuple[Tuple[str, _Needs], Tuple[str, _Needs]]:
    """What the public and what the internal load balancer get; they are two."""
    public = [service for service in subject.services if not service.internal]
    internal = [service for service in subject.services if service.internal]
    return (('The public load balancer', _needs(public, subject.cluster)),
            ('The internal load balancer', _needs(internal, subject.cluster)))


@RULES.rule('TooManyFrontends', ERROR, title=f'More than {MAX_FRONTENDS} frontends.', why=_WHY, source=LIMITS)
def too_many_frontends(rule: _Rule, subject: NewServices) -> Iterable[Finding]:
    """What is there is known of the public load balancer only."""
    for (where, needs), there in zip(_balancers(subject), (subject.cluster.frontends, None)):
        yield from _exceeded(rule, _Limit(MAX_FRONTENDS, 'frontends', where), needs.frontends, there)


@RULES.rule('TooManyRules', ERROR, title=f'More than {MAX_RULES:,} load balancing rules.', why=_WHY,
            source=LIMITS)
def too_many_rules(rule: _Rule, subject: NewServices) -> Iterable[Finding]:
    """What is there is known of the public load balancer only."""
    for (where, needs), there in zip(_balancers(subject), (subject.cluster.rules, None)):
        yield from _exceeded(rule, _Limit(MAX_RULES, 'load balancing rules', where), needs.rules, there)


@RULES.rule('TooManyRulesPerNic', ERROR,
            title=f'More than {MAX_RULES_PER_NIC} rules on the network interface of a node.', why=_WHY, source=LIMITS)
def too_many_rules_per_nic(rule: _Rule, subject: NewServices) -> Iterable[Finding]:
    """Every node is in the backend pool of every rule, of the public and of the internal load balancer."""
    limit = _Limit(MAX_RULES_PER_NIC, 'rules', 'The network interface of each node')
    return _exceeded(rule, limit, _needs(subject.services, subject.cluster).rules, subject.cluster.rules_per_nic)
