# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The user's own public IPs and prefixes: whether Azure takes them. While one cannot be used every update is refused,
so these lead; what to do about all of them is one list, in `ways_out`."""

from typing import Any, Iterable, Iterator, Optional

from ...decision.own_addresses import Fault, OwnAddress
from ...facts.links import USE_STANDARD_LB
from ...model.finding import ERROR, WARNING, Finding, counted
from ...model.network import PublicIp, PublicIpPrefix
from ..engine import Rule, Rulebook
from .subject import CHECK, PLAN, PROFILE, AtColumn, own_ips, standard_load_balancer, with_own_addresses
from .ways_out import first_aid

_EVERY_UPDATE = 'Azure refuses every update with it, whatever the update changes.'

RULES: Rulebook[AtColumn] = Rulebook(commands=(PLAN, CHECK), needs=(standard_load_balancer,), needs_in_part=(own_ips,),
                                     concerns=with_own_addresses, link=USE_STANDARD_LB)


def _own(subject: AtColumn) -> Iterator[OwnAddress]:
    """The own addresses of the column."""
    ids = {resource_id.lower() for resource_id in subject.settings.own_ids}
    return (address for address in subject.decision.own_addresses if address.id.lower() in ids)


def _with(subject: AtColumn, *faults: Fault) -> Iterator[OwnAddress]:
    return (address for address in _own(subject) if not set(faults).isdisjoint(address.faults))


def _refused(rule: Rule[AtColumn], address: OwnAddress, what: str, remediation: Optional[str] = None,
             severity: Optional[str] = None, **evidence: Any) -> Finding:
    """An own address that Azure does not take; `severity` and `remediation` where it is not known to refuse it."""
    kind = 'prefix' if address.is_prefix else 'IP'
    collection = 'outboundIPPrefixes.publicIPPrefixes' if address.is_prefix else 'outboundIPs.publicIPs'
    return rule.finding(f"Outbound {kind} '{address.id.name}' {what}.",
                        consequence=None if severity else _EVERY_UPDATE, target=f'{PROFILE}.{collection}',
                        evidence=dict(evidence, id=address.id), remediation=remediation or first_aid(address),
                        severity=severity)


@RULES.rule('OutboundIpMissing', ERROR,
            title='An own public IP or prefix does not exist.',
            why='Azure refuses every update, whatever it changes, and the ports of that IP are not there.',
            source='AKS error LoadBalancerProfileOutboundIPNotExist; AZURE-FACTS section 1; AKS#3247.')
def outbound_ip_missing(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Its read answered 404."""
    for address in _with(subject, Fault.MISSING):
        error = address.error
        yield _refused(rule, address, 'does not exist', status=error.status if error else None,
                       code=error.code if error else None)


@RULES.rule('OutboundIpNotStandard', ERROR,
            title='An own public IP or prefix is not of SKU Standard.',
            why='A Standard load balancer takes Standard IPs alone; Basic IPs are retired.',
            source='the article, limitations; AKS error LoadBalancerProfileOutboundIPNotStandardSKU.')
def outbound_ip_not_standard(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By its SKU."""
    for address in _with(subject, Fault.NOT_STANDARD):
        sku = address.resource.sku if address.resource else None
        yield _refused(rule, address, f'is of SKU {sku}, not Standard', sku=sku)


@RULES.rule('OutboundIpNotStatic', WARNING,
            title='An own public IP is allocated dynamically.',
            why='Standard IPs are static; a dynamic address changes when it is detached, and allow-lists break.',
            source='Azure, public IP addresses: Standard SKU IPs are always static.')
def outbound_ip_not_static(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By its allocation method."""
    for address in _with(subject, Fault.DYNAMIC):
        yield _refused(rule, address, 'is allocated dynamically: its address can change, and Standard IPs are static',
                       'Make it static: az network public-ip update --allocation-method Static.', severity=WARNING,
                       allocationMethod='Dynamic')


@RULES.rule('OutboundIpOtherRegion', ERROR,
            title='An own public IP or prefix is in another region than the cluster.',
            why='A load balancer takes IPs of its own region alone.',
            source='AZURE-FACTS section 1 [D]; AKS error LoadBalancerProfileOutboundIPNotInTheSameRegion.')
def outbound_ip_other_region(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By its location."""
    here = subject.cluster.location if subject.cluster else None
    for address in _with(subject, Fault.OTHER_REGION):
        location = address.resource.location if address.resource else None
        yield _refused(rule, address, f'is in {location}, the cluster in {here}', location=location)


@RULES.rule('OutboundIpOtherSubscription', ERROR,
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
                       'Use one of the same subscription.' if doubt else None, severity=WARNING if doubt else None,
                       subscription=there)


@RULES.rule('OutboundIpMadeByAks', ERROR,
            title='An own public IP or prefix was made by AKS.',
            why='AKS deletes what it made; it refuses IPs that carry its tag, and removes the node resource group with '
                'all in it together with the cluster.',
            source='the article, limitations; AKS error LoadBalancerProfileOutboundIPHasManagedOutboundIPTag.')
def outbound_ip_made_by_aks(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By its tags, or by where it is."""
    for address in _with(subject, Fault.MADE_BY_AKS):
        tags = address.resource.tags if isinstance(address.resource, PublicIp) else None
        yield _refused(rule, address, 'was made by AKS, which cannot use it as an own IP', tags=dict(tags or {}))
    for address in _with(subject, Fault.IN_NODE_RESOURCE_GROUP):
        yield _refused(rule, address, "sits in the cluster's node resource group: it is deleted with the cluster",
                       'Make one of your own in another resource group and use that.', severity=WARNING,
                       resourceGroup=subject.cluster.node_resource_group if subject.cluster else None)


@RULES.rule('OutboundIpAttachedElsewhere', ERROR,
            title='An own public IP or prefix is attached to something else.',
            why='An IP serves one resource at a time.',
            source='AZURE-FACTS section 1; AKS error LoadBalancerProfileOutboundIPAttachedToAnotherIPConfiguration.')
def outbound_ip_attached_elsewhere(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By what it is attached to."""
    for address in _with(subject, Fault.ATTACHED_ELSEWHERE):
        attached_to = address.resource.attached_to if address.resource else None
        yield _refused(rule, address, f'is attached to {attached_to}', attachedTo=attached_to)


@RULES.rule('OutboundPrefixInUse', ERROR,
            title='Public IPs were made from an own prefix, so that a load balancer cannot take it.',
            why='A load balancer takes a prefix as a whole: with one of its addresses in use elsewhere it is refused.',
            source='AZURE-FACTS section 1 [O]; terraform-provider-azurerm#5685.')
def outbound_prefix_in_use(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By the public IPs that it names."""
    for address in _with(subject, Fault.IN_USE):
        used = address.resource.allocated_ids if isinstance(address.resource, PublicIpPrefix) else ()
        names = ', '.join(one.rsplit('/', 1)[-1] for one in used[:3]) + (' ...' if len(used) > 3 else '')
        yield _refused(rule, address, f"is in use elsewhere: {counted(len(used), 'public IP')} made from it ({names})",
                       inUse=list(used))
