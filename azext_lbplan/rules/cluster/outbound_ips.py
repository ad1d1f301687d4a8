# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Outbound IPs: whether there are any, how many, and whether Azure takes the user's own ones."""

from typing import Any, Iterable, Iterator, Mapping, Optional

from ...decision.own_addresses import Fault, OwnAddress
from ...facts import snat
from ...facts.clusters import BASIC, MANAGED, MIXED
from ...facts.links import LARGE_CLUSTERS, USE_STANDARD_LB
from ...facts.networks import IPV6
from ...model.finding import ERROR, INFO, WARNING, Finding
from ...model.network import PublicIp
from ...model.observed import Observed
from ..engine import OBSERVATION, Rule, Rulebook
from .subject import (CHECK, EFFECTIVE_IPS, PLAN, PROFILE, AtColumn, existing_cluster, kind_of, live, load_balancer,
                      own_ips, standard_load_balancer, with_own_addresses)

#: From so many nodes on a cluster is called large. Source: the AKS page "Best practices for performance and scaling
#: for large workloads": "a cluster with 100 nodes … might be considered large".
LARGE_CLUSTER = 100

_NEXT_UPDATE = 'Azure will refuse the next update of the load balancer profile.'

RULES: Rulebook[AtColumn] = Rulebook(commands=(PLAN, CHECK), needs=(standard_load_balancer,), link=USE_STANDARD_LB)
_OWN: Mapping[str, Any] = {'needs': (standard_load_balancer,), 'needs_in_part': (own_ips,),
                           'concerns': with_own_addresses}


@RULES.rule('NoOutboundIp', ERROR, needs=(standard_load_balancer, existing_cluster),
            title='There is no outbound IPv4 address.',
            why='Without one there is no egress, and no connection between nodes and control plane.',
            source='the article, limitations; AZURE-FACTS section 1 [D].')
def no_outbound_ip(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By what the profile asks for."""
    settings = subject.settings
    if settings.outbound_ip_count == 0:
        yield rule.finding(
            'The profile asks for no outbound IPv4 address.', consequence='Outbound connections fail.', target=PROFILE,
            evidence={'ipSource': settings.ip_source, 'outboundIpCount': 0},
            remediation='At least one is needed.' if settings.ip_source == MANAGED else
            "Name an IPv4 address that exists: az aks lb plan with '--outbound-ips'.")


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


# The user's own IPs and prefixes, which the decision has judged

def _own(subject: AtColumn) -> Iterator[OwnAddress]:
    """The own addresses of the column."""
    ids = {resource_id.lower() for resource_id in subject.settings.own_ids}
    return (address for address in subject.decision.own_addresses if address.id.lower() in ids)


def _with(subject: AtColumn, *faults: Fault) -> Iterator[OwnAddress]:
    return (address for address in _own(subject) if not set(faults).isdisjoint(address.faults))


def _refused(rule: Rule[AtColumn], address: OwnAddress, what: str, remediation: str, severity: Optional[str] = None,
             **evidence: Any) -> Finding:
    """An own address that Azure does not take; `severity` where it is not known to refuse it."""
    kind = 'prefix' if address.is_prefix else 'IP'
    collection = 'outboundIPPrefixes.publicIPPrefixes' if address.is_prefix else 'outboundIPs.publicIPs'
    return rule.finding(f"Outbound {kind} '{address.id.name}' {what}.",
                        consequence=None if severity else _NEXT_UPDATE, target=f'{PROFILE}.{collection}',
                        evidence=dict(evidence, id=address.id), remediation=remediation, severity=severity)


@RULES.rule('OutboundIpMissing', ERROR, **_OWN,
            title='An own public IP or prefix does not exist.',
            why='Azure refuses the next update of the profile, and the ports of that IP are not there.',
            source='AKS error LoadBalancerProfileOutboundIPNotExist; AZURE-FACTS section 1.')
def outbound_ip_missing(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Its read answered 404."""
    for address in _with(subject, Fault.MISSING):
        error = address.error
        yield _refused(rule, address, 'does not exist',
                       "Make it again under the same id, or give the full list of the others to az aks lb plan: "
                       "'--outbound-ips' or '--outbound-ip-prefixes'.",
                       status=error.status if error else None, code=error.code if error else None)


@RULES.rule('OutboundIpNotStandard', ERROR, **_OWN,
            title='An own public IP or prefix is not of SKU Standard.',
            why='A Standard load balancer takes Standard IPs alone; Basic IPs are retired.',
            source='the article, limitations; AKS error LoadBalancerProfileOutboundIPNotStandardSKU.')
def outbound_ip_not_standard(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By its SKU."""
    for address in _with(subject, Fault.NOT_STANDARD):
        sku = address.resource.sku if address.resource else None
        yield _refused(rule, address, f'is of SKU {sku}, not Standard',
                       'Upgrade it while it is attached to nothing: az network public-ip update --sku Standard.'
                       if sku == BASIC else 'Use one of SKU Standard.', sku=sku)


@RULES.rule('OutboundIpNotStatic', WARNING, **_OWN,
            title='An own public IP is allocated dynamically.',
            why='Standard IPs are static; a dynamic address changes when it is detached, and allow-lists break.',
            source='Azure, public IP addresses: Standard SKU IPs are always static.')
def outbound_ip_not_static(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By its allocation method."""
    for address in _with(subject, Fault.DYNAMIC):
        yield _refused(rule, address, 'is allocated dynamically: its address can change, and Standard IPs are static',
                       'Make it static: az network public-ip update --allocation-method Static.', severity=WARNING,
                       allocationMethod='Dynamic')


@RULES.rule('OutboundIpOtherRegion', ERROR, **_OWN,
            title='An own public IP or prefix is in another region than the cluster.',
            why='A load balancer takes IPs of its own region alone.',
            source='AZURE-FACTS section 1 [D]; AKS error LoadBalancerProfileOutboundIPNotInTheSameRegion.')
def outbound_ip_other_region(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By its location."""
    here = subject.cluster.location if subject.cluster else None
    for address in _with(subject, Fault.OTHER_REGION):
        location = address.resource.location if address.resource else None
        yield _refused(rule, address, f'is in {location}, the cluster in {here}', 'Use one of the same region.',
                       location=location)


@RULES.rule('OutboundIpOtherSubscription', ERROR, **_OWN,
            title='An own public IP or prefix is in another subscription than the cluster.',
            why='AKS refuses such prefixes; for single IPs that is not documented, so it may be refused too.',
            source='AZURE-FACTS section 1 [D] for prefixes, [?] for IPs.')
def outbound_ip_other_subscription(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By its id."""
    for address in _with(subject, Fault.PREFIX_OF_OTHER_SUBSCRIPTION, Fault.IP_OF_OTHER_SUBSCRIPTION):
        there = address.id.subscription_id
        doubt = Fault.IP_OF_OTHER_SUBSCRIPTION in address.faults
        yield _refused(rule, address, f'is in subscription {there}, not in that of the cluster' +
                       ('; whether AKS takes it is not documented' if doubt else ''),
                       'Use one of the same subscription.', severity=WARNING if doubt else None, subscription=there)


@RULES.rule('OutboundIpMadeByAks', ERROR, **_OWN,
            title='An own public IP or prefix was made by AKS.',
            why='AKS deletes what it made; it refuses IPs that carry its tag, and removes the node resource group with '
                'all in it together with the cluster.',
            source='the article, limitations; AKS error LoadBalancerProfileOutboundIPHasManagedOutboundIPTag.')
def outbound_ip_made_by_aks(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By its tags, or by where it is."""
    own = 'Make one of your own in another resource group and use that.'
    for address in _with(subject, Fault.MADE_BY_AKS):
        tags = address.resource.tags if isinstance(address.resource, PublicIp) else None
        yield _refused(rule, address, 'was made by AKS, which cannot use it as an own IP', own, tags=dict(tags or {}))
    for address in _with(subject, Fault.IN_NODE_RESOURCE_GROUP):
        yield _refused(rule, address, "sits in the cluster's node resource group: it is deleted with the cluster", own,
                       severity=WARNING,
                       resourceGroup=subject.cluster.node_resource_group if subject.cluster else None)


@RULES.rule('OutboundIpAttachedElsewhere', ERROR, **_OWN,
            title='An own public IP or prefix is attached to something else.',
            why='An IP serves one resource at a time.',
            source='AZURE-FACTS section 1; AKS error LoadBalancerProfileOutboundIPAttachedToAnotherIPConfiguration.')
def outbound_ip_attached_elsewhere(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By what it is attached to."""
    for address in _with(subject, Fault.ATTACHED_ELSEWHERE):
        attached_to = address.resource.attached_to if address.resource else None
        yield _refused(rule, address, f'is attached to {attached_to}', 'Detach it there, or use another.',
                       attachedTo=attached_to)


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
