# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Limits of the load balancer that growth runs into: frontends, rules per network interface, pool size."""

from typing import Iterable

from ...facts.links import LIMITS
from ...facts.snat import MAX_FRONTENDS, MAX_POOL_SIZE, MAX_RULES_PER_NIC
from ...model.finding import WARNING, Finding
from ..engine import OBSERVATION, Rule, Rulebook
from .subject import CHECK, POOLS, AtColumn, existing_cluster, load_balancer, standard_load_balancer

#: A limit is near from this share on: room for one more Service with several ports is then not certain.
NEAR = 0.9

RULES: Rulebook[AtColumn] = Rulebook(commands=(CHECK,), about=OBSERVATION, link=LIMITS,
                                     needs=(standard_load_balancer, existing_cluster, load_balancer))


@RULES.rule('FrontendLimit', WARNING,
            title='The load balancer comes near its limit of 600 frontends.',
            why='Beyond it no Service of type LoadBalancer gets an IP, and no outbound IP can be added.',
            source='AZURE-FACTS section 2 [D], limits.')
def frontend_limit(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """All frontends."""
    balancer = subject.observed.load_balancer
    number = len(balancer.frontends) if balancer else 0
    if number >= NEAR * MAX_FRONTENDS:
        yield rule.finding(
            f'The load balancer has {number} of {MAX_FRONTENDS} frontends: beyond that neither a Service nor an '
            'outbound IP can be added.', target='loadBalancers/kubernetes/frontendIPConfigurations',
            evidence={'count': number, 'limit': MAX_FRONTENDS},
            remediation='Let Services share an IP (annotation azure-load-balancer-ipv4), or put them behind one '
                        'ingress.')


@RULES.rule('RulesPerNicLimit', WARNING,
            title="A node's network interface comes near its limit of 300 rules.",
            why='Each port of each Service is a rule on every node, outbound rules count too; beyond the limit '
                'Services stay pending.',
            source='AZURE-FACTS section 2 [D], limits.')
def rules_per_nic_limit(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """The interface with the most."""
    balancer = subject.observed.load_balancer
    number = balancer.rules_per_nic if balancer else 0
    if number >= NEAR * MAX_RULES_PER_NIC:
        yield rule.finding(
            f'A network interface of a node has {number} of {MAX_RULES_PER_NIC} rules: beyond that new Services stay '
            'pending.', target='loadBalancers/kubernetes/loadBalancingRules',
            evidence={'count': number, 'limit': MAX_RULES_PER_NIC},
            remediation='Put Services behind one ingress, or split the nodes over several Standard load balancers.')


@RULES.rule('PoolSizeLimit', WARNING, needs=(standard_load_balancer, existing_cluster),
            title='The cluster may outgrow the limit of 5,000 instances in a backend pool.',
            why='Nodes beyond it get no egress; AKS itself stops at 5,000 nodes and then blocks upgrades.',
            source='AZURE-FACTS section 2 [D], limits; the AKS page on large workloads.')
def pool_size_limit(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """At full scale."""
    required = subject.column.nodes.required
    if required > MAX_POOL_SIZE:
        yield rule.finding(
            f'The cluster may reach {required} nodes, upgrade surge included; a backend pool takes {MAX_POOL_SIZE}.',
            target=f'{POOLS}.maxCount', evidence={'required': required, 'limit': MAX_POOL_SIZE},
            remediation='Lower the maximum of node pools, or split the work over clusters.')
