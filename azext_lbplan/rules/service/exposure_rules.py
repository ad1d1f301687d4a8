# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Rules on the addresses that a Service asks for, and on its traffic policy."""

from typing import Iterable

from ...facts.links import AKS_INTERNAL, AKS_STATIC_IP, CLOUD_PROVIDER, KUBERNETES
from ...facts.networks import IPV4, IPV6
from ...model.finding import ERROR, WARNING, Finding
from ...model.service import PREFIX, annotation_path, is_private, quoted
from .subject import LinkedRulebook, ServiceInCluster, ServiceRule, azure_class

RULES: LinkedRulebook[ServiceInCluster] = LinkedRulebook(needs=(azure_class,))


@RULES.rule('PrivateAddressOnPublicService', ERROR,
            title='A private address is asked for, and the service is not internal.',
            why='No public IP has that address: the service stays <pending>.',
            source=AKS_INTERNAL)
def private_address_on_public_service(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """The annotation for internal is missing, or says something else than "true"."""
    service = subject.service
    for path, address in service.addresses():
        if not service.internal and is_private(address):
            yield rule.finding(
                f'{address} is a private address, and the service is public.', **subject.at(path),
                remediation=f'Add {PREFIX}azure-load-balancer-internal: "true", or ask for the address of a public IP.')


@RULES.rule('PublicAddressOnInternalService', WARNING,
            title='A public address is asked for, and the service is internal.',
            why='The address must lie in a subnet of the virtual network, which seldom has public ranges.',
            source=AKS_INTERNAL)
def public_address_on_internal_service(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """A virtual network may use public ranges, so this is no error."""
    service = subject.service
    for path, address in service.addresses():
        if service.internal and not is_private(address):
            yield rule.finding(
                f'{address} is no private address, and the service is internal.', **subject.at(path),
                remediation='Ask for an address in the subnet, or remove the annotation for internal.')


@RULES.rule('LoadBalancerIPDeprecated', WARNING,
            title='spec.loadBalancerIP is set.',
            why='Kubernetes has deprecated the field, it knows one IP family only, and the annotations win over it.',
            source=AKS_STATIC_IP)
def load_balancer_ip_deprecated(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """The address keeps working for now."""
    service = subject.service
    value = service.spec.get('loadBalancerIP')
    if isinstance(value, str) and value:
        family = 'ipv6' if ':' in value else 'ipv4'
        yield rule.finding(
            'spec.loadBalancerIP is deprecated.', **subject.at(('spec', 'loadBalancerIP')),
            remediation=f'Use the annotation {PREFIX}azure-load-balancer-{family}: {quoted(value)} instead.')


@RULES.rule('AddressFamilyMismatch', WARNING,
            title='An address or public IP is asked for in an IP family that the service lacks.',
            why='It is passed over: the service gets some other address.',
            source=CLOUD_PROVIDER)
def address_family_mismatch(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """A service of both families may ask for either."""
    service, families = subject.service, subject.families
    if service.is_dual_stack:
        return
    for name, family in (('azure-load-balancer-ipv4', IPV4), ('azure-load-balancer-ipv6', IPV6),
                         ('azure-pip-name-ipv6', IPV6), ('azure-pip-prefix-id-ipv6', IPV6)):
        if service.annotation(name) and family not in families:
            yield rule.finding(
                f'The annotation {name} asks for {family}, and the service has {", ".join(families)} only.',
                **subject.at(annotation_path(name)),
                remediation=f'Add {family} to spec.ipFamilies (and an ipFamilyPolicy for two families), or remove the '
                            'annotation.')


@RULES.rule('ExternalTrafficPolicyInvalid', ERROR,
            title='spec.externalTrafficPolicy is neither Cluster nor Local.',
            why='The field is case-sensitive: Kubernetes refuses "local".',
            source=KUBERNETES)
def external_traffic_policy_invalid(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """What is no text is another rule's."""
    service = subject.service
    value = service.spec.get('externalTrafficPolicy')
    if isinstance(value, str) and value and value not in ('Cluster', 'Local'):
        right = {'local': 'Local', 'cluster': 'Cluster'}.get(value.lower())
        yield rule.finding(
            f'spec.externalTrafficPolicy is {quoted(value)}; Kubernetes knows "Cluster" and "Local" only.',
            **subject.at(('spec', 'externalTrafficPolicy')),
            remediation=f'Write {right}.' if right else 'Write Cluster or Local.')
