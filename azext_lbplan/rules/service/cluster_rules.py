# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Rules on a Service in a cluster: what this cluster and its load balancer cannot give it."""

from typing import Iterable, Iterator, Optional, Tuple

from ...facts.links import AKS, AKS_STATIC_IP, CLOUD_PROVIDER, SEVERAL_BALANCERS
from ...facts.snat import PORT_BLOCK
from ...model.fields import Path
from ...model.finding import ERROR, WARNING, Finding
from ...model.service import PREFIX, annotation_path
from ...model.service_context import PublicAddress
from .subject import LinkedRulebook, ServiceInCluster, ServiceRule, azure_class, known_cluster

RULES: LinkedRulebook[ServiceInCluster] = LinkedRulebook(needs=(azure_class, known_cluster))


def _asked_for(subject: ServiceInCluster) -> Iterator[Tuple[Path, PublicAddress]]:
    """(path, public address) of each public IP or prefix of the cluster that the Service asks for."""
    service = subject.service
    if service.internal:
        return
    addresses = {str(address): path for path, address in service.addresses()}
    names = {(service.annotation(name) or '').lower(): annotation_path(name)
             for name in ('azure-pip-name', 'azure-pip-name-ipv6')}
    ids = {(service.annotation(name) or '').lower(): annotation_path(name)
           for name in ('azure-pip-prefix-id', 'azure-pip-prefix-id-ipv6')}
    group = _group(subject).lower()
    for known in subject.cluster.public_addresses:
        path = addresses.get(known.address or '') or ids.get(known.id.lower())
        if not path and known.resource_group.lower() == group:
            path = names.get(known.name.lower())
        if path:
            yield path, known


def _group(subject: ServiceInCluster) -> str:
    """The resource group in which the cloud provider looks for the public IP of the Service."""
    return (subject.service.annotation('azure-load-balancer-resource-group') or subject.cluster.node_resource_group
            or '')


def _is_basic(sku: Optional[str]) -> bool:
    return (sku or '').lower() == 'basic'


@RULES.rule('StandardSkuNeeded', ERROR,
            title='With a cluster: what only a Standard load balancer has, on a Basic one.',
            why='High availability ports, public IP prefixes, private link services and SCTP need the Standard SKU; '
                'Basic has been retired.',
            source=CLOUD_PROVIDER)
def standard_sku_needed(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Only where the cluster is on Basic."""
    service = subject.service
    if not _is_basic(subject.cluster.load_balancer_sku):
        return
    for name in ('azure-load-balancer-enable-high-availability-ports', 'azure-pls-create', 'azure-pip-prefix-id',
                 'azure-pip-prefix-id-ipv6'):
        value = service.annotation(name)
        if value and value.lower() != 'false':
            yield rule.finding(
                f'{name} needs a Standard load balancer; the cluster has a Basic one.',
                **subject.at(annotation_path(name)),
                remediation='Move the cluster to a Standard load balancer: Basic has been retired.')
    for index, port in service.ports:
        if port.get('protocol') == 'SCTP':
            yield rule.finding(
                'SCTP needs a Standard load balancer; the cluster has a Basic one.',
                **subject.at(('spec', 'ports', index, 'protocol')),
                remediation='Move the cluster to a Standard load balancer.')


@RULES.rule('PublicIPInOtherRegion', ERROR,
            title='With a cluster: the public IP or prefix is in another region.',
            why='A load balancer takes public IPs of its own region only: the service stays <pending>.',
            source=AKS_STATIC_IP)
def public_ip_in_other_region(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Regions are compared without blanks and case: "West Europe" is westeurope."""
    here = _region(subject.cluster.location)
    for path, known in _asked_for(subject):
        there = _region(known.location)
        if here and there and here != there:
            yield rule.finding(
                f'The public IP {known.name} is in {there}, the cluster in {here}.', **subject.at(path),
                remediation=f'Use a public IP in {here}.')


def _region(location: Optional[str]) -> str:
    return (location or '').replace(' ', '').lower()


@RULES.rule('PublicIPSkuMismatch', ERROR,
            title='With a cluster: the public IP has another SKU than the load balancer.',
            why='A Standard load balancer takes Standard public IPs only: the service stays <pending>.',
            source=AKS_STATIC_IP)
def public_ip_sku_mismatch(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Basic and Standard do not mix."""
    balancer = subject.cluster.load_balancer_sku
    for path, known in _asked_for(subject):
        if known.sku and balancer and _is_basic(known.sku) != _is_basic(balancer):
            yield rule.finding(
                f'The public IP {known.name} is {known.sku}, the load balancer {balancer}.', **subject.at(path),
                remediation=f'Use a {balancer} public IP.')


@RULES.rule('PublicIPInOtherResourceGroup', ERROR,
            title='With a cluster: the address belongs to a public IP in a resource group that the service does not '
                  'name.',
            why='The cloud provider looks in the node resource group, or in the one that '
                'azure-load-balancer-resource-group names, and nowhere else: the service stays <pending>.',
            source=AKS_STATIC_IP)
def public_ip_in_other_resource_group(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """A prefix is given by its id, wherever it is."""
    group = _group(subject)
    for path, known in _asked_for(subject):
        if group and known.address and known.resource_group.lower() != group.lower():
            yield rule.finding(
                f'{known.address} belongs to the public IP {known.name} in {known.resource_group}, not in {group}.',
                **subject.at(path),
                remediation=f'Set {PREFIX}azure-load-balancer-resource-group: "{known.resource_group}".')


@RULES.rule('SharesOutboundIP', WARNING,
            title='With a cluster: the service asks for an IP that the cluster uses for outbound.',
            why='Each load balancing rule on an outbound frontend takes 8 of its SNAT ports; where all are allocated, '
                'the update of the load balancer fails. An IP that AKS manages goes away when their number is lowered.',
            source=AKS)
def shares_outbound_ip(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Says what it costs."""
    for path, known in _asked_for(subject):
        if known.outbound:
            rules = subject.service.rules()
            ports = PORT_BLOCK * rules
            yield rule.finding(
                f'The IP {known.address or known.name} also serves outbound connections: {rules} rule(s) take {ports} '
                'SNAT ports.', **subject.at(path, rules=rules, snatPorts=ports, publicIp=known.id),
                remediation='Give the service a public IP of its own.')


@RULES.rule('LoadBalancerPinned', WARNING, up_to=ERROR,
            title='With a cluster: azure-load-balancer-configurations where there is one load balancer only; an error '
                  'beside a setting for the IP where there are several.',
            why='With one load balancer it is passed over. With several, the IP decides: from Kubernetes 1.33 on the '
                'cloud provider refuses both together, and the service stays <pending>.',
            source=SEVERAL_BALANCERS)
def load_balancer_pinned(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Source: cloud-provider-azure `azure_loadbalancer.go`, getAzureLoadBalancerName."""
    service, cluster, name = subject.service, subject.cluster, 'azure-load-balancer-configurations'
    if not (service.annotation(name) or '').strip() or cluster.several_balancers is None:
        return
    if not cluster.several_balancers:
        yield rule.finding(
            f'The cluster has one load balancer: {name} is passed over.', **subject.at(annotation_path(name)),
            remediation=f'Remove {name}, or give the cluster several load balancers.')
        return
    asked = [path for path, _ in service.addresses()]
    asked += [annotation_path(one) for one in ('azure-pip-name', 'azure-pip-name-ipv6') if service.annotation(one)]
    if asked and (cluster.kubernetes_version or (1, 33)) >= (1, 33):
        yield rule.finding(
            f'{name} and a setting for the IP exclude each other: the load balancer is that of the IP.',
            **subject.at(annotation_path(name)), severity=ERROR, remediation=f'Remove {name}, or the setting for the '
                                                                             'IP.')


@RULES.rule('IPFamilyNotInCluster', ERROR,
            title='With a cluster: an IP family that the cluster does not have.',
            why='Kubernetes refuses the service.',
            source=AKS)
def ip_family_not_in_cluster(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """PreferDualStack takes what there is."""
    there = subject.cluster.ip_families
    if not there:
        return
    policy = subject.service.spec.get('ipFamilyPolicy')
    if policy == 'RequireDualStack' and len(there) < 2:
        yield rule.finding(
            f'The service requires two IP families, and the cluster has {there[0]} only.',
            **subject.at(('spec', 'ipFamilyPolicy')), remediation='Write SingleStack or PreferDualStack.')
    for index, family in enumerate(subject.service.families):
        if family not in there and (index == 0 or policy != 'PreferDualStack'):
            yield rule.finding(
                f'The service wants {family}, and the cluster has {", ".join(there)} only.',
                **subject.at(('spec', 'ipFamilies')), remediation=f'Remove {family}.')
