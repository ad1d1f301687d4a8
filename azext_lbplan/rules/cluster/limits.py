# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Limits of the load balancer that growth runs into: frontends, rules on one of them or per network interface, pool
size."""

from typing import Iterable

from ...facts.links import LIMITS
from ...facts.snat import MAX_CONFIGURATIONS_PER_FRONTEND, MAX_FRONTENDS, MAX_POOL_SIZE, MAX_RULES_PER_NIC
from ...model.finding import WARNING, Finding, counted
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


@RULES.rule('FrontendConfigurationLimit', WARNING,
            title='A frontend comes near its limit of 10,000 backend IP configurations.',
            why='Each node counts once for each rule on the frontend, so that a Service of 5 ports alone reaches it at '
                '2,000 nodes. Beyond it Azure refuses the load balancer: nodes stay without it, Services pending.',
            source='AZURE-FACTS section 2 [D], limits; best-practices-performance-scale-large.md.')
def frontend_configuration_limit(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """The frontend with the most rules, at full scale."""
    balancer, nodes = subject.observed.load_balancer, subject.column.nodes.required
    rules = balancer.rules_by_frontend if balancer else {}
    frontend = max(rules, key=lambda one: rules[one], default='')
    number = rules.get(frontend, 0) * nodes
    if number >= NEAR * MAX_CONFIGURATIONS_PER_FRONTEND:
        yield rule.finding(
            f'Frontend {frontend.rsplit("/", 1)[-1]} has {counted(rules[frontend], "rule")}; with {nodes} nodes these '
            f'are {number:,} of {MAX_CONFIGURATIONS_PER_FRONTEND:,} backend IP configurations.',
            target='loadBalancers/kubernetes/frontendIPConfigurations',
            evidence={'frontend': frontend, 'rules': rules[frontend], 'nodes': nodes, 'count': number,
                      'limit': MAX_CONFIGURATIONS_PER_FRONTEND},
            remediation='Spread the ports over Services with IPs of their own, or put them behind one ingress.')


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
