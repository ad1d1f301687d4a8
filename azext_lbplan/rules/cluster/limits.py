# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Limits of the load balancer that growth runs into: frontends, rules per network interface, pool size."""

from dataclasses import replace

from ...model.finding import WARNING
from ...facts.snat import MAX_FRONTENDS, MAX_POOL_SIZE, MAX_RULES_PER_NIC
from .rule import CHECK, LOAD_BALANCER, POOLS, STANDARD_LOAD_BALANCER, Hit, Rule

#: A limit is near from this share on: room for one more Service with several ports is then not certain.
NEAR = 0.9

_LIMITS = ('https://learn.microsoft.com/azure/azure-resource-manager/management/'
           'azure-subscription-service-limits#load-balancer')
_NEEDS = (STANDARD_LOAD_BALANCER, LOAD_BALANCER)


def _near(number, limit, hit):
    """`hit`, with how many of how many in its message, where `number` comes near `limit`."""
    if number >= NEAR * limit:
        yield replace(hit, message=hit.message.format(f'{number} of {limit}'), link=_LIMITS,
                      evidence={'count': number, 'limit': limit})


def frontend_limit(case):
    """The load balancer comes near its limit of 600 frontends.

    Why: beyond it no Service of type LoadBalancer gets an IP, and no outbound IP can be added.
    Source: azure-facts section 2 [D], limits.
    """
    return _near(len(case.observed.load_balancer.frontends), MAX_FRONTENDS, Hit(
        'The load balancer has {} frontends: beyond that neither a Service nor an outbound IP can be added.',
        target='loadBalancers/kubernetes/frontendIPConfigurations',
        remediation='Let Services share an IP (annotation azure-load-balancer-ipv4), or put them behind one ingress.'))


def rules_per_nic_limit(case):
    """A node's network interface comes near its limit of 300 rules.

    Why: each port of each Service is a rule on every node, outbound rules count too; beyond the limit Services stay
    pending.
    Source: azure-facts section 2 [D], limits.
    """
    return _near(case.observed.load_balancer.rules_per_nic, MAX_RULES_PER_NIC, Hit(
        'A network interface of a node has {} rules: beyond that new Services stay pending.',
        target='loadBalancers/kubernetes/loadBalancingRules',
        remediation='Put Services behind one ingress, or split the nodes over several Standard load balancers.'))


def pool_size_limit(case):
    """The cluster may outgrow the limit of 5,000 instances in a backend pool.

    Why: nodes beyond it get no egress; AKS itself stops at 5,000 nodes and then blocks upgrades.
    Source: azure-facts section 2 [D], limits; the AKS page on large workloads.
    """
    if case.nodes.required > MAX_POOL_SIZE:
        yield Hit(f'The cluster may reach {case.nodes.required} nodes, upgrade surge included; a backend pool takes '
                  f'{MAX_POOL_SIZE}.', target=f'{POOLS}.maxCount', link=_LIMITS,
                  evidence={'required': case.nodes.required, 'limit': MAX_POOL_SIZE},
                  remediation='Lower the maximum of node pools, or split the work over clusters.')


RULES = (
    Rule('FrontendLimit', WARNING, frontend_limit, commands=(CHECK,), needs=_NEEDS),
    Rule('RulesPerNicLimit', WARNING, rules_per_nic_limit, commands=(CHECK,), needs=_NEEDS),
    Rule('PoolSizeLimit', WARNING, pool_size_limit, commands=(CHECK,)),
)
