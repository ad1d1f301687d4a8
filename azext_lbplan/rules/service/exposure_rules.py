# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Rules on the addresses that a Service asks for, and on its traffic policy."""

from typing import Iterable, Iterator, List, Optional, Tuple

from ...facts.links import AKS_INTERNAL, AKS_STATIC_IP, CLOUD_PROVIDER, KUBERNETES
from ...facts.networks import IPV4, IPV6
from ...model.fields import Path
from ...model.finding import ERROR, INFO, WARNING, Finding
from ...model.service import (PREFIX, annotation_path, ip_version, is_private, is_public, parse_address, quoted,
                              written_path)
from .subject import LinkedRulebook, ServiceInCluster, ServiceRule, asks_for_address, azure_class, specified

RULES: LinkedRulebook[ServiceInCluster] = LinkedRulebook(needs=(azure_class,), concerns=asks_for_address)


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


@RULES.rule('AddressNotPublic', ERROR,
            title='An address is asked for that no public IP can have: multicast, loopback, one of Azure\'s own, ...',
            why='The cloud provider refuses it or finds no such public IP: the service stays <pending>.',
            source=AKS_STATIC_IP)
def address_not_public(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Private addresses are another rule's. Source: cloud-provider-azure `azure_publicip_repo.go`."""
    service = subject.service
    for path, address in service.addresses():
        if not service.internal and not is_private(address) and not is_public(address):
            yield rule.finding(f'{address} cannot be the address of a public IP.', **subject.at(path),
                               remediation='Ask for the address of a public IP of yours.')


@RULES.rule('LoadBalancerIPInvalid', WARNING, up_to=ERROR,
            title='spec.loadBalancerIP that is no IP address; an error for a service that has IPv6 only.',
            why='Kubernetes takes it; the cloud provider passes it over, and the service gets some other address.',
            source=CLOUD_PROVIDER)
def load_balancer_ip_invalid(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Blanks around it make it none. Source: cloud-provider-azure `azure_utils.go`, getServiceLoadBalancerIP."""
    value = subject.service.spec.get('loadBalancerIP')
    if isinstance(value, str) and value and parse_address(value) is None:
        only_ipv6 = not subject.service.is_dual_stack and subject.families == (IPV6,)
        yield rule.finding(
            f'spec.loadBalancerIP is {quoted(value)}, which is no IP address'
            + ('.' if only_ipv6 else ', and is passed over.'), **subject.at(('spec', 'loadBalancerIP')),
            severity=ERROR if only_ipv6 else WARNING, remediation='Write the address without blanks or a port.')


@RULES.rule('AddressPassedOver', WARNING,
            title='Two settings for the IP of one family, of which one is passed over.',
            why='azure-pip-name wins over azure-pip-prefix-id, that over azure-load-balancer-ipv4 or -ipv6, and that '
                'over spec.loadBalancerIP.',
            source=CLOUD_PROVIDER)
def address_passed_over(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """A name and the address of the same public IP say the same. Source: determinePublicIPName."""
    for settings in _settings(subject):
        (winner, wanted), *others = settings
        for path, value in others:
            same = value == wanted or _same_ip(subject, wanted, value)
            if not same:
                yield rule.finding(
                    f'{written_path(path)} is passed over: {written_path(winner)} wins.', **subject.at(path),
                    severity=INFO if same is None else WARNING, remediation='Keep one of the two.')


def _settings(subject: ServiceInCluster) -> Iterator[List[Tuple[Path, str]]]:
    """For each IP family (path, text) of what asks for its IP, the one that wins first; where there are several."""
    service = subject.service
    for version, suffix in ((4, ''), (6, '-ipv6')):
        names = [f'azure-load-balancer-ipv{version}']
        if not service.internal:
            names = [f'azure-pip-name{suffix}', f'azure-pip-prefix-id{suffix}', *names]
        found = [(annotation_path(name), value) for name, value in ((name, service.annotation(name)) for name in names)
                 if value]
        field = service.spec.get('loadBalancerIP')
        address = parse_address(field)
        if address and ip_version(address) == version:
            found.append((('spec', 'loadBalancerIP'), str(field)))
        if len(found) > 1:
            yield found


def _same_ip(subject: ServiceInCluster, name: str, value: str) -> Optional[bool]:
    """Whether `name` is the public IP of the address `value`; None where that is not known, or it is no name."""
    if parse_address(name) or '/' in name or '/' in value:
        return False
    addresses = {address.address for address in subject.cluster.public_addresses
                 if address.name.lower() == name.lower()}
    return value in addresses if addresses else None


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


@RULES.rule('ExternalTrafficPolicyInvalid', ERROR, concerns=specified,
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
