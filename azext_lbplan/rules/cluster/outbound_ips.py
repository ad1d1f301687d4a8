# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Outbound IPs: whether there are any, how many, and whether Azure takes the user's own ones."""

from ...facts import snat
from ...model.cluster import BASIC, MANAGED, MIXED, STANDARD
from ...model.finding import ERROR, INFO, WARNING
from ...model.network import IPV6, PublicIp
from ...model.observed import load_balancer_id
from ...model.values import id_segments
from .fixes import change, reconcile
from .rule import CHECK, EFFECTIVE_IPS, OUTBOUND_IPS, PROFILE, STANDARD_LOAD_BALANCER, Hit, Rule

#: From so many nodes on a cluster is called large. Source: the AKS page "Best practices for performance and scaling
#: for large workloads": "a cluster with 100 nodes … might be considered large".
LARGE_CLUSTER = 100
_LARGE_CLUSTERS = 'https://learn.microsoft.com/azure/aks/best-practices-performance-scale-large'

_NEEDS = (STANDARD_LOAD_BALANCER, OUTBOUND_IPS)
_NEXT_UPDATE = 'Azure will refuse the next update of the load balancer profile.'


def no_outbound_ip(case):
    """There is no outbound IPv4 address.

    Why: without one there is no egress, and no connection between nodes and control plane.
    Source: the article, limitations; azure-facts section 1 [D].
    """
    current, balancer = case.current, case.observed.load_balancer
    if current is None:
        return
    if current.settings.outbound_ip_count == 0:
        yield Hit('The profile asks for no outbound IPv4 address: outbound connections fail.', target=PROFILE,
                  evidence={'ipSource': current.settings.ip_source, 'outboundIpCount': 0},
                  **(change(case, 'At least one is needed.', managed_outbound_ip_count=1)
                     if current.settings.ip_source == MANAGED else
                     {'remediation': "Name an IPv4 address: az aks update ... --load-balancer-outbound-ips ID."}))
    elif balancer and not _has_egress(balancer):
        yield Hit('No outbound rule of the load balancer has an IPv4 frontend: outbound connections fail.',
                  target='loadBalancers/kubernetes/outboundRules',
                  evidence={'outboundIpCount': current.settings.outbound_ip_count, 'frontends': 0},
                  **reconcile(case, 'Let AKS make it again from the profile.'))


def _has_egress(balancer):
    used = {frontend_id.lower() for rule in balancer.outbound_rules for frontend_id in rule.frontend_ids}
    return any(frontend.id.lower() in used and frontend.version != IPV6 for frontend in balancer.frontends)


def single_outbound_ip(case):
    """A large cluster has one outbound IP.

    Why: Microsoft recommends at least two for large clusters on a load balancer: one IP is one budget of 64,000 ports
    to each destination, and one address for a partner to block.
    Source: azure-facts section 1 [D]; large means 100 nodes, as in the AKS page on large workloads.
    """
    current = case.current
    if current is None or current.settings.outbound_ip_count != 1 or case.nodes.required < LARGE_CLUSTER:
        return
    advice = 'At least two outbound IPs are recommended at this size.'
    yield Hit(f'The cluster may reach {case.nodes.required} nodes on one outbound IP.', target=EFFECTIVE_IPS,
              evidence={'required': case.nodes.required, 'outboundIpCount': 1}, link=_LARGE_CLUSTERS,
              **(change(case, advice, managed_outbound_ip_count=2) if current.settings.ip_source == MANAGED else
                 {'remediation': advice}))


def several_ip_options(case):
    """The profile holds several kinds of outbound IPs at once.

    Why: only one kind is allowed; any IP option of `az aks` rebuilds the kind and removes the others, and live
    connections through those fail.
    Source: azure-facts section 1 [D], [O]; azure-powershell issue 25793.
    """
    current = case.current
    if current is None or current.settings.ip_source != MIXED:
        return
    settings = current.settings
    kinds = {'managed': settings.managed_outbound_ip_count, 'public IPs': len(settings.outbound_ips),
             'prefixes': len(settings.outbound_ip_prefixes)}
    held = ', '.join(f'{number} {kind}' for kind, number in kinds.items() if number)
    yield Hit(f'The profile holds several kinds of outbound IPs at once ({held}); any IP option of az aks removes all '
              'but one kind.', target=PROFILE, evidence={'ipSource': MIXED, 'outboundIpCount':
                                                         settings.outbound_ip_count},
              remediation='Choose one kind that brings as many addresses, allow-list them, and set it when little '
                          'traffic flows. Until then change ports and timeout only.')


# The user's own IPs and prefixes

def _own(case):
    """(id, what was read or None) of each own IP and prefix of the profile, and of those that were typed."""
    settings = [one.settings for one in (case.current, case.requested) if one and one.settings]
    ids = {resource_id.lower(): resource_id for one in settings
           for resource_id in one.outbound_ips + one.outbound_ip_prefixes}
    for resource_id in ids.values():
        yield resource_id, case.observed.public_ip(resource_id) or case.observed.prefix(resource_id)


def _read(case):
    return ((resource_id, ip) for resource_id, ip in _own(case) if ip is not None)


def _called(resource_id):
    """How a message calls an own IP: its kind and name."""
    kind = 'prefix' if 'publicipprefixes' in id_segments(resource_id) else 'IP'
    return f"Outbound {kind} '{resource_id.rsplit('/', 1)[-1]}'"


def _kind(ip):
    return 'outboundIPs.publicIPs' if isinstance(ip, PublicIp) else 'outboundIPPrefixes.publicIPPrefixes'


def _refused(resource_id, ip, what, remediation, severity=None, **evidence):
    """The hit for an own IP that Azure does not take."""
    end = f'. {_NEXT_UPDATE}' if severity is None else '.'
    return Hit(f'{_called(resource_id)} {what}{end}', target=f'{PROFILE}.{_kind(ip)}',
               evidence=dict(evidence, id=resource_id), remediation=remediation, severity=severity)


def outbound_ip_missing(case):
    """An own public IP or prefix does not exist.

    Why: Azure refuses the next update of the profile, and the ports of that IP are not there.
    Source: AKS error LoadBalancerProfileOutboundIPNotExist; azure-facts section 1.
    """
    for resource_id, ip in _own(case):
        error = case.observed.error_of(resource_id)
        if ip is None and error is not None and error.status == 404:
            yield Hit(f'{_called(resource_id)} does not exist. {_NEXT_UPDATE}', target=PROFILE,
                      evidence={'id': resource_id, 'status': error.status, 'code': error.code},
                      remediation='Make it again under the same id, or set the full list of the others: az aks update '
                                  "with '--load-balancer-outbound-ips' or '--load-balancer-outbound-ip-prefixes'.")


def outbound_ip_not_standard(case):
    """An own public IP or prefix is not of SKU Standard.

    Why: a Standard load balancer takes Standard IPs alone; Basic IPs are retired.
    Source: the article, limitations; AKS error LoadBalancerProfileOutboundIPNotStandardSKU.
    """
    for resource_id, ip in _read(case):
        if ip.sku == STANDARD or ip.sku is None:
            continue
        way = ('Upgrade it while it is attached to nothing: az network public-ip update --sku Standard.'
               if ip.sku == BASIC else 'Use one of SKU Standard.')
        yield _refused(resource_id, ip, f'is of SKU {ip.sku}, not Standard', way, sku=ip.sku)


def outbound_ip_not_static(case):
    """An own public IP is allocated dynamically.

    Why: Standard IPs are static; a dynamic address changes when it is detached, and allow-lists break.
    Source: issue 4; Azure, public IP addresses: Standard SKU IPs are always static.
    """
    for resource_id, ip in _read(case):
        if isinstance(ip, PublicIp) and ip.allocation_method == 'Dynamic':
            yield _refused(resource_id, ip, 'is allocated dynamically: its address can change, and Standard IPs are '
                           'static', 'Make it static: az network public-ip update --allocation-method Static.',
                           severity=WARNING, allocationMethod=ip.allocation_method)


def outbound_ip_other_region(case):
    """An own public IP or prefix is in another region than the cluster.

    Why: a load balancer takes IPs of its own region alone.
    Source: azure-facts section 1 [D]; AKS error LoadBalancerProfileOutboundIPNotInTheSameRegion.
    """
    here = _region(case.cluster.location) if case.cluster else None
    for resource_id, ip in _read(case):
        if here and ip.location and _region(ip.location) != here:
            yield _refused(resource_id, ip, f'is in {ip.location}, the cluster in {case.cluster.location}',
                           'Use one of the same region.', location=ip.location)


def _region(location):
    return location.replace(' ', '').lower() if location else None


def outbound_ip_other_subscription(case):
    """An own public IP or prefix is in another subscription than the cluster.

    Why: AKS refuses such prefixes; for single IPs that is not documented, so it may be refused too.
    Source: azure-facts section 1 [D] for prefixes, [?] for IPs.
    """
    here = (case.cluster.subscription_id or '').lower() if case.cluster else ''
    for resource_id, ip in _read(case):
        there = id_segments(resource_id).get('subscriptions', '')
        if not here or there.lower() == here or _attached_here(case, ip):
            continue
        prefix = not isinstance(ip, PublicIp)
        doubt = '' if prefix else '; whether AKS takes it is not documented'
        yield _refused(resource_id, ip, f'is in subscription {there}, not in that of the cluster{doubt}',
                       'Use one of the same subscription.', severity=None if prefix else WARNING, subscription=there)


def outbound_ip_made_by_aks(case):
    """An own public IP or prefix was made by AKS.

    Why: AKS deletes what it made; it refuses IPs that carry its tag, and removes the node resource group with all in
    it together with the cluster.
    Source: the article, limitations; AKS error LoadBalancerProfileOutboundIPHasManagedOutboundIPTag.
    """
    group = (case.cluster.node_resource_group or '').lower() if case.cluster else ''
    for resource_id, ip in _read(case):
        own = 'Make one of your own in another resource group and use that.'
        if isinstance(ip, PublicIp) and ip.made_by_aks:
            yield _refused(resource_id, ip, 'was made by AKS, which cannot use it as an own IP', own,
                           tags=dict(ip.tags))
        elif group and id_segments(resource_id).get('resourcegroups', '').lower() == group:
            yield _refused(resource_id, ip, "sits in the cluster's node resource group: it is deleted with the "
                           'cluster', own, severity=WARNING, resourceGroup=case.cluster.node_resource_group)


def outbound_ip_attached_elsewhere(case):
    """An own public IP or prefix is attached to something else.

    Why: an IP serves one resource at a time.
    Source: azure-facts section 1; AKS error LoadBalancerProfileOutboundIPAttachedToAnotherIPConfiguration.
    """
    if case.cluster is None or load_balancer_id(case.cluster) is None:
        return
    for resource_id, ip in _read(case):
        if ip.attached_to and not _attached_here(case, ip):
            yield _refused(resource_id, ip, f'is attached to {ip.attached_to}', 'Detach it there, or use another.',
                           attachedTo=ip.attached_to)


def _attached_here(case, ip):
    balancer = load_balancer_id(case.cluster)
    return bool(balancer and ip.attached_to and ip.attached_to.lower().startswith(f'{balancer.lower()}/'))


def too_many_outbound_ips(case):
    """More outbound IPs are asked for than Azure allows.

    Why: AKS manages at most 100 IPs and takes at most 16 own ones; it refuses the next update.
    Source: azure-facts section 1, table.
    """
    if case.current is None:
        return
    settings = case.current.settings
    for number, most, kind in ((settings.managed_outbound_ip_count or 0, snat.MAX_MANAGED_IPS, 'managed outbound IPs'),
                               (len(settings.outbound_ips), snat.MAX_OWN_IPS, 'own outbound IPs')):
        if number > most:
            yield Hit(f'{number} {kind} are asked for; at most {most} are allowed. {_NEXT_UPDATE}', target=PROFILE,
                      evidence={'count': number, 'limit': most},
                      remediation='Use fewer, or prefixes (16 addresses each), or a NAT gateway.')


RULES = (
    Rule('NoOutboundIp', ERROR, no_outbound_ip),
    Rule('OutboundIpMissing', ERROR, outbound_ip_missing, needs=_NEEDS),
    Rule('OutboundIpNotStandard', ERROR, outbound_ip_not_standard, needs=_NEEDS),
    Rule('OutboundIpNotStatic', WARNING, outbound_ip_not_static, needs=_NEEDS),
    Rule('OutboundIpOtherRegion', ERROR, outbound_ip_other_region, needs=_NEEDS),
    Rule('OutboundIpOtherSubscription', ERROR, outbound_ip_other_subscription, needs=_NEEDS),
    Rule('OutboundIpMadeByAks', ERROR, outbound_ip_made_by_aks, needs=_NEEDS),
    Rule('OutboundIpAttachedElsewhere', ERROR, outbound_ip_attached_elsewhere, needs=_NEEDS),
    Rule('TooManyOutboundIps', ERROR, too_many_outbound_ips),
    Rule('SeveralIpOptions', WARNING, several_ip_options),
    Rule('SingleOutboundIp', INFO, single_outbound_ip, commands=(CHECK,)),
)
