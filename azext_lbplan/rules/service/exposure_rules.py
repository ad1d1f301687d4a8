# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Rules on who reaches a Service, at which address, and as whom: addresses, source ranges, traffic policy."""

from typing import Iterable, List, Optional

from ...facts.links import AKS, AKS_INTERNAL, AKS_STATIC_IP, CLOUD_PROVIDER, KUBERNETES
from ...facts.networks import IPV4, IPV6
from ...model.finding import ERROR, INFO, WARNING, Finding
from ...model.service import PREFIX, Network, annotation_path, is_private, is_within, parse_network, quoted
from .subject import LinkedRulebook, ServiceInCluster, ServiceRule, azure_class

RULES: LinkedRulebook[ServiceInCluster] = LinkedRulebook(needs=(azure_class,))

_RANGES = ('spec', 'loadBalancerSourceRanges')

#: From this version on, pods that call the public IP of a service need to be in its source ranges.
#: Source: azure-facts section 6.
POD_RANGES_NEEDED_FROM = (1, 25)


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


@RULES.rule('SourceRangesWithServiceTags', ERROR,
            title='spec.loadBalancerSourceRanges together with azure-allowed-service-tags.',
            why='AKS refuses the two together: kube-proxy would drop what the tags allow.',
            source=AKS)
def source_ranges_with_service_tags(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """The annotations for ranges and tags go together."""
    service = subject.service
    if service.annotation('azure-allowed-service-tags') and any(True for _ in service.source_ranges()):
        yield rule.finding(
            'spec.loadBalancerSourceRanges and azure-allowed-service-tags exclude each other.', **subject.at(_RANGES),
            remediation=f'Move the ranges to the annotation {PREFIX}azure-allowed-ip-ranges.')


@RULES.rule('SourceRangesWithAllowedRanges', ERROR,
            title='spec.loadBalancerSourceRanges together with azure-allowed-ip-ranges (or '
                  'load-balancer-source-ranges).',
            why='The cloud provider refuses the two together, and the service stays <pending>.',
            source=CLOUD_PROVIDER)
def source_ranges_with_allowed_ranges(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Source: cloud-provider-azure `pkg/provider/loadbalancer/accesscontrol.go`."""
    service = subject.service
    if any(True for _ in service.source_ranges()) and any(True for _ in service.allowed_ranges()):
        yield rule.finding(
            'spec.loadBalancerSourceRanges and the annotation for allowed ranges exclude each other.',
            **subject.at(_RANGES), remediation='Keep one of the two.')


@RULES.rule('SourceRangeNotCidr', ERROR,
            title='A source range that is no CIDR.',
            why='Kubernetes refuses it in spec.loadBalancerSourceRanges; in an annotation it shuts everybody out.',
            source=KUBERNETES)
def source_range_not_cidr(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """A single address needs /32 or /128."""
    service = subject.service
    for path, value in (*service.source_ranges(), *service.allowed_ranges()):
        if parse_network(value, strict=False) is None:
            yield rule.finding(
                f'{quoted(value)} is no range in CIDR notation.', **subject.at(path),
                remediation='Write it as address/length, a single address with /32 (IPv6: /128).')


@RULES.rule('SourceRangeHostBits', ERROR,
            title='A source range with bits set beyond its length, such as 10.0.0.5/24.',
            why='The cloud provider takes it for invalid, leaves it out and denies everything that is not in another '
                'range.',
            source=CLOUD_PROVIDER)
def source_range_host_bits(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Source: cloud-provider-azure `pkg/provider/loadbalancer/iputil/prefix.go`."""
    service = subject.service
    for path, value in (*service.source_ranges(), *service.allowed_ranges()):
        loose = parse_network(value, strict=False)
        if loose is not None and parse_network(value) is None:
            yield rule.finding(
                f'{quoted(value)} has host bits set.', **subject.at(path, network=str(loose)),
                remediation=f'Write {loose}.')


@RULES.rule('OpenRangeBesideOthers', WARNING,
            title='0.0.0.0/0 or ::/0 beside other ranges of the same family.',
            why='Everybody may connect; the other ranges only look like a restriction.',
            source=AKS)
def open_range_beside_others(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Within one family."""
    service = subject.service
    networks = list(service.networks())
    for path, network in networks:
        if not network.prefixlen and any(other.prefixlen and other.version == network.version
                                         for _, other in networks):
            yield rule.finding(
                f'{network} lets everybody in; the other ranges have no effect.', **subject.at(path),
                remediation=f'Remove {network}.')


@RULES.rule('SourceRangeFamily', WARNING,
            title='A source range of an IP family that the service does not have.',
            why='Nobody ever comes from there.',
            source=KUBERNETES)
def source_range_family(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """A service of two families may have ranges of either."""
    service, families = subject.service, subject.families
    if service.is_dual_stack:
        return
    for path, network in service.networks():
        if f'IPv{network.version}' not in families:
            yield rule.finding(
                f'{network} is a range of IPv{network.version}, and the service has {", ".join(families)} only.',
                **subject.at(path), remediation='Remove the range, or add the family to spec.ipFamilies.')


@RULES.rule('PublicServiceOpen', INFO,
            title='A public service to which everybody may connect.',
            why='Worth a thought: the Internet scans every public IP.',
            source=AKS)
def public_service_open(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """No range and no tag, or a range of everything."""
    service = subject.service
    if service.internal or service.annotation('azure-allowed-service-tags') \
            or service.is_true('azure-disable-load-balancer-nsg-rule'):
        return
    networks = [network for _, network in service.networks()]
    if not service.has_ranges() or any(not network.prefixlen for network in networks):
        yield rule.finding(
            'Everybody on the Internet may connect to this service.', **subject.at(_RANGES),
            remediation='If it is not for everybody, restrict it: spec.loadBalancerSourceRanges, or the annotation '
                        f'{PREFIX}azure-allowed-ip-ranges.')


@RULES.rule('PrivateRangesOnPublicService', WARNING,
            title='A public service whose ranges are all private.',
            why='No client on the Internet has a private address: only the cluster and its network can connect.',
            source=AKS)
def private_ranges_on_public_service(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """A private range beside public ones may be the pods'."""
    service = subject.service
    networks = list(service.networks())
    if not service.internal and networks and not service.annotation('azure-allowed-service-tags') \
            and all(is_private(network) for _, network in networks):
        yield rule.finding(
            'All ranges are private, and the service is public: nobody on the Internet can connect.',
            **subject.at(networks[0][0]),
            remediation=f'Add the public ranges of the clients, or make the service internal with '
                        f'{PREFIX}azure-load-balancer-internal: "true".')


@RULES.rule('PodRangeMissing', WARNING,
            title='The ranges of a public service leave out the pods; a warning where the cluster\'s pod ranges are '
                  'known, else information.',
            why='From Kubernetes 1.25, pods that call the service by its public IP are refused without their range.',
            source=AKS)
def pod_range_missing(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Concerns spec.loadBalancerSourceRanges, which kube-proxy enforces on the nodes."""
    networks = _restricting(subject)
    version = subject.cluster.kubernetes_version
    if networks is None or (version is not None and version < POD_RANGES_NEEDED_FROM):
        return
    pods = [pod for pod in map(parse_network, subject.cluster.pod_cidrs) if pod]
    missing = [pod for pod in pods if not any(is_within(pod, network) for network in networks)]
    if missing:
        yield rule.finding(
            f'The ranges leave out the pods ({", ".join(map(str, missing))}): they cannot call this service by '
            'its public IP.', **subject.at(_RANGES),
            remediation=f'Add {missing[0]} to spec.loadBalancerSourceRanges, if pods call it.')
    elif not pods and not any(is_private(network) for network in networks):
        yield rule.finding(
            'No range is private: from Kubernetes 1.25 pods cannot call this service by its public IP.',
            **subject.at(_RANGES), severity=INFO,
            remediation='Add the pod CIDR to spec.loadBalancerSourceRanges, if pods call it.')


def _restricting(subject: ServiceInCluster) -> Optional[List[Network]]:
    """The source ranges of a public service, where they can be read and leave somebody out; else None."""
    networks = [parse_network(value) for _, value in subject.service.source_ranges()]
    readable = [network for network in networks if network is not None]
    if subject.service.internal or not networks or len(readable) < len(networks):
        return None
    return readable if all(network.prefixlen for network in readable) else None


@RULES.rule('VnetBypassesRanges', INFO,
            title='An internal service with allowed ranges but without deny-all.',
            why='The network security group lets the whole virtual network in, whatever the ranges say.',
            source=CLOUD_PROVIDER)
def vnet_bypasses_ranges(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Concerns the annotation; spec.loadBalancerSourceRanges is enforced on the nodes as well."""
    service = subject.service
    first = next((path for path, _ in service.allowed_ranges()), None)
    if service.internal and first and not service.is_true('azure-deny-all-except-load-balancer-source-ranges'):
        yield rule.finding(
            'The virtual network reaches this internal service from outside of the ranges too.', **subject.at(first),
            remediation=f'Add {PREFIX}azure-deny-all-except-load-balancer-source-ranges: "true".')


@RULES.rule('DenyAllWithoutRanges', WARNING,
            title='azure-deny-all-except-load-balancer-source-ranges without any range.',
            why='It has no effect then: nothing is denied.',
            source=CLOUD_PROVIDER)
def deny_all_without_ranges(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Source: cloud-provider-azure `pkg/provider/loadbalancer/accesscontrol.go`."""
    service = subject.service
    name = 'azure-deny-all-except-load-balancer-source-ranges'
    if service.is_true(name) and not service.has_ranges():
        yield rule.finding(
            f'{name} denies nothing without source ranges.', **subject.at(annotation_path(name)),
            remediation='Add spec.loadBalancerSourceRanges.')


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


@RULES.rule('ClientIPNotPreserved', INFO,
            title='spec.externalTrafficPolicy is not Local.',
            why='By default a connection comes to the pod from a node\'s address: access logs and limits per client '
                'see nodes.',
            source=AKS)
def client_ip_not_preserved(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Local costs an even spread of the load."""
    if subject.service.spec.get('externalTrafficPolicy') in (None, '', 'Cluster'):
        yield rule.finding(
            'Pods see the address of a node instead of the client\'s.', **subject.at(('spec', 'externalTrafficPolicy')),
            remediation='Where pods need the client\'s address, set spec.externalTrafficPolicy: Local.')


@RULES.rule('LocalIgnoresProbeAnnotations', WARNING,
            title='externalTrafficPolicy Local together with annotations for the health probe.',
            why='A Local service is probed by HTTP on its healthCheckNodePort; only ports with '
                'port_{port}_health-probe_port heed the annotations.',
            source=CLOUD_PROVIDER)
def local_ignores_probe_annotations(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """A private link service with proxy protocol is probed as a Cluster service is."""
    service = subject.service
    if not service.is_local or (service.is_true('azure-pls-create') and service.is_true('azure-pls-proxy-protocol')):
        return
    probed = {str(port.get('port')) for _, port in service.ports
              if service.annotation(f'port_{port.get("port")}_health-probe_port')}
    for key in service.annotations:
        name = key[len(PREFIX):] if key.startswith(PREFIX) else ''
        general = name.startswith('azure-load-balancer-health-probe-')
        by_port = name.startswith('port_') and '_health-probe_' in name
        if (general and not probed) or (by_port and name.split('_')[1] not in probed):
            yield rule.finding(
                f'The annotation {name} has no effect on a service with externalTrafficPolicy Local.',
                **subject.at(annotation_path(name)),
                remediation='Remove it, or add port_{port}_health-probe_port to have the port probed by itself.')


@RULES.rule('NodePortsNotAllocated', ERROR,
            title='allocateLoadBalancerNodePorts false without externalTrafficPolicy Local, or with floating IP '
                  'disabled.',
            why='Without node ports a Cluster service cannot be probed, and without floating IP not be reached.',
            source=CLOUD_PROVIDER)
def node_ports_not_allocated(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Both conditions are documented."""
    service = subject.service
    if service.spec.get('allocateLoadBalancerNodePorts') is False \
            and (not service.is_local or service.is_true('azure-disable-load-balancer-floating-ip')):
        yield rule.finding(
            'Without node ports, traffic and probes do not reach this service.',
            **subject.at(('spec', 'allocateLoadBalancerNodePorts')),
            remediation='Set externalTrafficPolicy: Local and keep floating IP, or leave the node ports allocated.')
