# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Outbound IPs: whether there are any, how many, and of how many kinds."""

from typing import Iterable

from ...decision import Reason
from ...facts import snat
from ...facts.clusters import MANAGED, MIXED
from ...facts.links import LARGE_CLUSTERS, USE_STANDARD_LB
from ...facts.networks import IPV6
from ...model.finding import ERROR, INFO, WARNING, Finding
from ...model.observed import Observed
from ..engine import OBSERVATION, Rule, Rulebook
from .subject import (CHECK, EFFECTIVE_IPS, PLAN, PROFILE, AtColumn, existing_cluster, kind_of, live, load_balancer,
                      standard_load_balancer)
from .ways_out import MEND_FIRST

#: From so many nodes on a cluster is called large. Source: the AKS page "Best practices for performance and scaling
#: for large workloads": "a cluster with 100 nodes … might be considered large".
LARGE_CLUSTER = 100

_NEXT_UPDATE = 'Azure will refuse the next update of the load balancer profile.'

RULES: Rulebook[AtColumn] = Rulebook(commands=(PLAN, CHECK), needs=(standard_load_balancer,), link=USE_STANDARD_LB)


@RULES.rule('NoOutboundIp', ERROR, needs=(standard_load_balancer, existing_cluster),
            title='There is no outbound IPv4 address.',
            why='Without one there is no egress, and no connection between nodes and control plane.',
            source='the article, limitations; AZURE-FACTS section 1 [D].')
def no_outbound_ip(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By what the profile asks for. What is in force carries traffic on until that is set; where Azure does not take
    the own addresses it is never set."""
    settings, current = subject.settings, subject.decision.current
    refused = subject.decision.reason is Reason.ADDRESS_UNUSABLE
    in_force = current.effective_outbound_ip_count if current else None
    if settings.outbound_ip_count != 0 or refused and in_force != 0:
        return
    need = ('At least one is needed.' if settings.ip_source == MANAGED else
            "Name an IPv4 address that exists: az aks lb plan with '--outbound-ips'.")
    yield rule.finding(
        'No own outbound IP can be used, and none is in force.' if refused else
        'The profile asks for no outbound IPv4 address.', target=PROFILE, remediation=MEND_FIRST if refused else need,
        consequence='Outbound connections fail.' if in_force == 0 else 'With that set, outbound connections fail.',
        evidence={'ipSource': settings.ip_source, 'outboundIpCount': 0, 'effectiveOutboundIpCount': in_force})


@RULES.rule('NoOutboundFrontend', ERROR, about=OBSERVATION,
            needs=(live, standard_load_balancer, existing_cluster, load_balancer),
            title='No outbound rule of the load balancer has an IPv4 frontend.',
            why='Outbound connections fail, although the profile asks for IPs.',
            source='AZURE-FACTS section 1 [D]: edits made on the load balancer itself.')
def no_outbound_frontend(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By what is in force."""
    settings = subject.current.settings
    if settings is None or settings.outbound_ip_count == 0 or _has_egress(subject.observed):
        return
    yield rule.finding('No outbound rule of the load balancer has an IPv4 frontend: outbound connections fail.',
                       target='loadBalancers/kubernetes/outboundRules', command=subject.decision.reconciling_line,
                       evidence={'outboundIpCount': settings.outbound_ip_count, 'frontends': 0},
                       remediation='Let AKS make it again from the profile.')


def _has_egress(observed: Observed) -> bool:
    balancer = observed.load_balancer
    if balancer is None:
        return True
    used = {frontend_id.lower() for rule in balancer.outbound_rules for frontend_id in rule.frontend_ids}
    return any(frontend.id.lower() in used and observed.version_of(frontend) != IPV6 for frontend in balancer.frontends)


@RULES.rule('ServicesNeedJoin', INFO, commands=(CHECK,), needs=(standard_load_balancer, existing_cluster),
            title="The cluster's identity needs the right to join its own outbound IPs for as long as it has Services.",
            why='Whenever a Service is reconciled, the whole load balancer is written, with the own IPs: without the '
                'right Azure refuses that (LinkedAuthorizationFailed), and Services stay pending.',
            source='AZURE-FACTS section 1 [O], Own IPs that are gone; AKS#1945.')
def services_need_join(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Own IPs. Whether the right is there would take reading role assignments."""
    ids = subject.settings.own_ids
    if ids:
        kinds = sorted({kind_of(resource_id) for resource_id in ids})
        actions = ' and '.join(f'Microsoft.Network/{kind}/join/action' for kind in kinds)
        yield rule.finding(
            f"Without {actions} on each of the {len(ids)} own outbound IPs or prefixes, the cluster's identity cannot "
            'reconcile Services of type LoadBalancer: they stay pending. Whether it has that was not checked.',
            target='identity', evidence={'identity': subject.cluster.identity_type if subject.cluster else None,
                                         'actions': [f'Microsoft.Network/{kind}/join/action' for kind in kinds]},
            remediation="Keep the identity's role on them, for example Network Contributor on their resource group.")


# How many, and of how many kinds

@RULES.rule('TooManyOutboundIps', ERROR, needs=(standard_load_balancer, existing_cluster),
            title='More outbound IPs are asked for than Azure allows.',
            why='AKS manages at most 100 IPs, and a load balancer has at most 600 frontends; it refuses the next '
                'update. Above 16 own IPs only an old limit stands, of aks-engine: whether AKS has it is not '
                'documented.',
            source='AZURE-FACTS section 1, table.')
def too_many_outbound_ips(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Of each kind."""
    settings, remediation = subject.settings, 'Use fewer, or prefixes (16 addresses each), or a NAT gateway.'
    own = len(settings.outbound_ips)
    for number, most, kind in ((settings.managed_outbound_ip_count or 0, snat.MAX_MANAGED_IPS, 'managed outbound IPs'),
                               (own, snat.MAX_FRONTENDS, 'own outbound IPs')):
        if number > most:
            yield rule.finding(f'{number} {kind} are asked for; at most {most} are allowed.', consequence=_NEXT_UPDATE,
                               target=PROFILE, evidence={'count': number, 'limit': most}, remediation=remediation)
    if snat.MOST_CERTAIN_OWN_IPS < own <= snat.MAX_FRONTENDS:
        yield rule.finding(f'{own} own outbound IPs: whether AKS takes more than {snat.MOST_CERTAIN_OWN_IPS} is not '
                           'documented.', severity=WARNING, target=PROFILE, remediation=remediation,
                           evidence={'count': own, 'limit': snat.MOST_CERTAIN_OWN_IPS})


@RULES.rule('SeveralIpOptions', WARNING, needs=(standard_load_balancer, existing_cluster),
            title='The profile holds several kinds of outbound IPs at once.',
            why='Only one kind is allowed; any IP option of az aks rebuilds the kind and removes the others, and live '
                'connections through those fail.',
            source='AZURE-FACTS section 1 [D], [O]; azure-powershell issue 25793.')
def several_ip_options(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Mixed mode."""
    settings = subject.settings
    if settings.ip_source != MIXED:
        return
    kinds = {'managed': settings.managed_outbound_ip_count, 'public IPs': len(settings.outbound_ips),
             'prefixes': len(settings.outbound_ip_prefixes)}
    listed = ', '.join(f'{number} {kind}' for kind, number in kinds.items() if number)
    yield rule.finding(
        f'The profile holds several kinds of outbound IPs at once ({listed}); any IP option of az aks removes all but '
        'one kind.', target=PROFILE, evidence={'ipSource': MIXED, 'outboundIpCount': settings.outbound_ip_count},
        remediation='Choose one kind that brings as many addresses, allow-list them, and set it when little traffic '
                    'flows. Until then change ports and timeout only.')


@RULES.rule('SingleOutboundIp', INFO, commands=(CHECK,), needs=(standard_load_balancer, existing_cluster),
            link=LARGE_CLUSTERS,
            title='A large cluster has one outbound IP.',
            why='Microsoft recommends at least two for large clusters on a load balancer: one IP is one budget of '
                '64,000 ports to each destination, and one address for a partner to block.',
            source='AZURE-FACTS section 1 [D]; large means 100 nodes, as in the AKS page on large workloads.')
def single_outbound_ip(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """At full scale."""
    required = subject.column.nodes.required
    if subject.settings.outbound_ip_count == 1 and required >= LARGE_CLUSTER:
        yield rule.finding(f'The cluster may reach {required} nodes on one outbound IP.', target=EFFECTIVE_IPS,
                           evidence={'required': required, 'outboundIpCount': 1},
                           remediation='At least two outbound IPs are recommended at this size.')
