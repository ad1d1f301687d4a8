# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Rules on who reaches a Service, at which address, and as whom: addresses, source ranges, traffic policy."""

from ...model.finding import ERROR, INFO, WARNING
from ...model.network import IPV4, IPV6
from .catalogue import AKS, AKS_INTERNAL, AKS_STATIC_IP, CLOUD_PROVIDER, KUBERNETES, Hit, Rulebook
from .service import PREFIX, annotation_path, is_private, parse_network, quoted

RULES = Rulebook()

_RANGES = ('spec', 'loadBalancerSourceRanges')

#: From this version on, pods that call the public IP of a service need to be in its source ranges.
#: Source: azure-facts section 6.
POD_RANGES_NEEDED_FROM = (1, 25)


@RULES.rule(
    'PrivateAddressOnPublicService', ERROR, 'A private address is asked for, and the service is not internal.',
    'No public IP has that address: the service stays <pending>.', AKS_INTERNAL)
def private_address_on_public_service(service, _context):
    """The annotation for internal is missing, or says something else than "true"."""
    for path, address in service.addresses():
        if not service.internal and is_private(address):
            yield Hit(f'{address} is a private address, and the service is public.', path,
                      f'Add {PREFIX}azure-load-balancer-internal: "true", or ask for the address of a public IP.')


@RULES.rule(
    'PublicAddressOnInternalService', WARNING, 'A public address is asked for, and the service is internal.',
    'The address must lie in a subnet of the virtual network, which seldom has public ranges.', AKS_INTERNAL)
def public_address_on_internal_service(service, _context):
    """A virtual network may use public ranges, so this is no error."""
    for path, address in service.addresses():
        if service.internal and not is_private(address):
            yield Hit(f'{address} is no private address, and the service is internal.', path,
                      'Ask for an address in the subnet, or remove the annotation for internal.')


@RULES.rule(
    'LoadBalancerIPDeprecated', WARNING, 'spec.loadBalancerIP is set.',
    'Kubernetes has deprecated the field, it knows one IP family only, and the annotations win over it.',
    AKS_STATIC_IP)
def load_balancer_ip_deprecated(service, _context):
    """The address keeps working for now."""
    value = service.spec.get('loadBalancerIP')
    if isinstance(value, str) and value:
        family = 'ipv6' if ':' in value else 'ipv4'
        yield Hit('spec.loadBalancerIP is deprecated.', ('spec', 'loadBalancerIP'),
                  f'Use the annotation {PREFIX}azure-load-balancer-{family}: {quoted(value)} instead.')


@RULES.rule(
    'AddressFamilyMismatch', WARNING, 'An address or public IP is asked for in an IP family that the service lacks.',
    'It is passed over: the service gets some other address.', CLOUD_PROVIDER)
def address_family_mismatch(service, context):
    """Without ipFamilies a service has the cluster's first family: IPv4, unless the cluster is known."""
    families = service.families or ((context.ip_families if context else ()) or (IPV4,))[:1]
    if service.is_dual_stack:
        return
    for name, family in (('azure-load-balancer-ipv4', IPV4), ('azure-load-balancer-ipv6', IPV6),
                         ('azure-pip-name-ipv6', IPV6), ('azure-pip-prefix-id-ipv6', IPV6)):
        if service.annotation(name) and family not in families:
            yield Hit(f'The annotation {name} asks for {family}, and the service has {", ".join(families)} only.',
                      annotation_path(name), f'Add {family} to spec.ipFamilies (and an ipFamilyPolicy for two '
                                             'families), or remove the annotation.')


@RULES.rule(
    'SourceRangesWithServiceTags', ERROR,
    'spec.loadBalancerSourceRanges together with azure-allowed-service-tags.',
    'AKS refuses the two together: kube-proxy would drop what the tags allow.', AKS)
def source_ranges_with_service_tags(service, _context):
    """The annotations for ranges and tags go together."""
    if service.annotation('azure-allowed-service-tags') and any(True for _ in service.source_ranges()):
        yield Hit('spec.loadBalancerSourceRanges and azure-allowed-service-tags exclude each other.', _RANGES,
                  f'Move the ranges to the annotation {PREFIX}azure-allowed-ip-ranges.')


@RULES.rule(
    'SourceRangesWithAllowedRanges', ERROR,
    'spec.loadBalancerSourceRanges together with azure-allowed-ip-ranges (or load-balancer-source-ranges).',
    'The cloud provider refuses the two together, and the service stays <pending>.', CLOUD_PROVIDER)
def source_ranges_with_allowed_ranges(service, _context):
    """Source: cloud-provider-azure `pkg/provider/loadbalancer/accesscontrol.go`."""
    if any(True for _ in service.source_ranges()) and any(True for _ in service.allowed_ranges()):
        yield Hit('spec.loadBalancerSourceRanges and the annotation for allowed ranges exclude each other.', _RANGES,
                  'Keep one of the two.')


@RULES.rule(
    'SourceRangeNotCidr', ERROR, 'A source range that is no CIDR.',
    'Kubernetes refuses it in spec.loadBalancerSourceRanges; in an annotation it shuts everybody out.', KUBERNETES)
def source_range_not_cidr(service, _context):
    """A single address needs /32 or /128."""
    for path, value in (*service.source_ranges(), *service.allowed_ranges()):
        if parse_network(value, strict=False) is None:
            yield Hit(f'{quoted(value)} is no range in CIDR notation.', path,
                      'Write it as address/length, a single address with /32 (IPv6: /128).')


@RULES.rule(
    'SourceRangeHostBits', ERROR, 'A source range with bits set beyond its length, such as 10.0.0.5/24.',
    'The cloud provider takes it for invalid, leaves it out and denies everything that is not in another range.',
    CLOUD_PROVIDER)
def source_range_host_bits(service, _context):
    """Source: cloud-provider-azure `pkg/provider/loadbalancer/iputil/prefix.go`."""
    for path, value in (*service.source_ranges(), *service.allowed_ranges()):
        loose = parse_network(value, strict=False)
        if loose is not None and parse_network(value) is None:
            yield Hit(f'{quoted(value)} has host bits set.', path, f'Write {loose}.', None, {'network': str(loose)})


@RULES.rule(
    'OpenRangeBesideOthers', WARNING, '0.0.0.0/0 or ::/0 beside other ranges of the same family.',
    'Everybody may connect; the other ranges only look like a restriction.', AKS)
def open_range_beside_others(service, _context):
    """Within one family."""
    networks = list(service.networks())
    for path, network in networks:
        if not network.prefixlen and any(other.prefixlen and other.version == network.version
                                         for _, other in networks):
            yield Hit(f'{network} lets everybody in; the other ranges have no effect.', path, f'Remove {network}.')


@RULES.rule(
    'SourceRangeFamily', WARNING, 'A source range of an IP family that the service does not have.',
    'Nobody ever comes from there.', KUBERNETES)
def source_range_family(service, context):
    """Without ipFamilies a service has the cluster's first family: IPv4, unless the cluster is known."""
    families = service.families or ((context.ip_families if context else ()) or (IPV4,))[:1]
    if service.is_dual_stack:
        return
    for path, network in service.networks():
        if f'IPv{network.version}' not in families:
            yield Hit(f'{network} is a range of IPv{network.version}, and the service has {", ".join(families)} only.',
                      path, 'Remove the range, or add the family to spec.ipFamilies.')


@RULES.rule(
    'PublicServiceOpen', INFO, 'A public service to which everybody may connect.',
    'Worth a thought: the Internet scans every public IP.', AKS)
def public_service_open(service, _context):
    """No range and no tag, or a range of everything."""
    if service.internal or service.annotation('azure-allowed-service-tags') \
            or service.is_true('azure-disable-load-balancer-nsg-rule'):
        return
    networks = [network for _, network in service.networks()]
    if not service.has_ranges() or any(not network.prefixlen for network in networks):
        yield Hit('Everybody on the Internet may connect to this service.', _RANGES,
                  f'If it is not for everybody, restrict it: spec.loadBalancerSourceRanges, or the annotation {PREFIX}'
                  'azure-allowed-ip-ranges.')


@RULES.rule(
    'PrivateRangesOnPublicService', WARNING, 'A public service whose ranges are all private.',
    'No client on the Internet has a private address: only the cluster and its network can connect.', AKS)
def private_ranges_on_public_service(service, _context):
    """A private range beside public ones may be the pods'."""
    networks = list(service.networks())
    if not service.internal and networks and not service.annotation('azure-allowed-service-tags') \
            and all(is_private(network) for _, network in networks):
        yield Hit('All ranges are private, and the service is public: nobody on the Internet can connect.',
                  networks[0][0], f'Add the public ranges of the clients, or make the service internal with '
                                  f'{PREFIX}azure-load-balancer-internal: "true".')


@RULES.rule(
    'PodRangeMissing', WARNING,
    'The ranges of a public service leave out the pods; a warning where the cluster\'s pod ranges are known, '
    'else information.',
    'From Kubernetes 1.25, pods that call the service by its public IP are refused without their range.', AKS)
def pod_range_missing(service, context):
    """Concerns spec.loadBalancerSourceRanges, which kube-proxy enforces on the nodes."""
    ranges = list(service.source_ranges())
    networks = [parse_network(value) for _, value in ranges]
    if service.internal or not ranges or not all(networks) or any(not network.prefixlen for network in networks):
        return
    if context and context.kubernetes_version and context.kubernetes_version < POD_RANGES_NEEDED_FROM:
        return
    pods = [pod for pod in map(parse_network, context.pod_cidrs if context else ()) if pod]
    missing = [pod for pod in pods if not any(network.version == pod.version and pod.subnet_of(network)
                                              for network in networks)]
    if missing:
        yield Hit(f'The ranges leave out the pods ({", ".join(map(str, missing))}): they cannot call this service by '
                  'its public IP.', _RANGES, f'Add {missing[0]} to spec.loadBalancerSourceRanges, if pods call it.')
    elif not pods and not any(is_private(network) for network in networks):
        yield Hit('No range is private: from Kubernetes 1.25 pods cannot call this service by its public IP.', _RANGES,
                  'Add the pod CIDR to spec.loadBalancerSourceRanges, if pods call it.', INFO)


@RULES.rule(
    'VnetBypassesRanges', INFO, 'An internal service with allowed ranges but without deny-all.',
    'The network security group lets the whole virtual network in, whatever the ranges say.', CLOUD_PROVIDER)
def vnet_bypasses_ranges(service, _context):
    """Concerns the annotation; spec.loadBalancerSourceRanges is enforced on the nodes as well."""
    hit = next(service.allowed_ranges(), None)
    if service.internal and hit and not service.is_true('azure-deny-all-except-load-balancer-source-ranges'):
        yield Hit('The virtual network reaches this internal service from outside of the ranges too.', hit[0],
                  f'Add {PREFIX}azure-deny-all-except-load-balancer-source-ranges: "true".')


@RULES.rule(
    'DenyAllWithoutRanges', WARNING, 'azure-deny-all-except-load-balancer-source-ranges without any range.',
    'It has no effect then: nothing is denied.', CLOUD_PROVIDER)
def deny_all_without_ranges(service, _context):
    """Source: cloud-provider-azure `pkg/provider/loadbalancer/accesscontrol.go`."""
    name = 'azure-deny-all-except-load-balancer-source-ranges'
    if service.is_true(name) and not service.has_ranges():
        yield Hit(f'{name} denies nothing without source ranges.', annotation_path(name),
                  'Add spec.loadBalancerSourceRanges.')


@RULES.rule(
    'ExternalTrafficPolicyInvalid', ERROR, 'spec.externalTrafficPolicy is neither Cluster nor Local.',
    'The field is case-sensitive: Kubernetes refuses "local".', KUBERNETES)
def external_traffic_policy_invalid(service, _context):
    """What is no text is another rule's."""
    value = service.spec.get('externalTrafficPolicy')
    if isinstance(value, str) and value and value not in ('Cluster', 'Local'):
        right = {'local': 'Local', 'cluster': 'Cluster'}.get(value.lower())
        yield Hit(f'spec.externalTrafficPolicy is {quoted(value)}; Kubernetes knows "Cluster" and "Local" only.',
                  ('spec', 'externalTrafficPolicy'), f'Write {right}.' if right else 'Write Cluster or Local.')


@RULES.rule(
    'ClientIPNotPreserved', INFO, 'spec.externalTrafficPolicy is not Local.',
    'By default a connection comes to the pod from a node\'s address: access logs and limits per client see nodes.',
    AKS)
def client_ip_not_preserved(service, _context):
    """Local costs an even spread of the load."""
    if service.spec.get('externalTrafficPolicy') in (None, '', 'Cluster'):
        yield Hit('Pods see the address of a node instead of the client\'s.', ('spec', 'externalTrafficPolicy'),
                  'Where pods need the client\'s address, set spec.externalTrafficPolicy: Local.')


@RULES.rule(
    'LocalIgnoresProbeAnnotations', WARNING,
    'externalTrafficPolicy Local together with annotations for the health probe.',
    'A Local service is probed by HTTP on its healthCheckNodePort; only ports with port_{port}_health-probe_port '
    'heed the annotations.', CLOUD_PROVIDER)
def local_ignores_probe_annotations(service, _context):
    """A private link service with proxy protocol is probed as a Cluster service is."""
    if not service.is_local or (service.is_true('azure-pls-create') and service.is_true('azure-pls-proxy-protocol')):
        return
    probed = {str(port.get('port')) for _, port in service.ports
              if service.annotation(f'port_{port.get("port")}_health-probe_port')}
    for key in service.annotations:
        name = key[len(PREFIX):] if key.startswith(PREFIX) else ''
        general = name.startswith('azure-load-balancer-health-probe-')
        by_port = name.startswith('port_') and '_health-probe_' in name
        if (general and not probed) or (by_port and name.split('_')[1] not in probed):
            yield Hit(f'The annotation {name} has no effect on a service with externalTrafficPolicy Local.',
                      annotation_path(name),
                      'Remove it, or add port_{port}_health-probe_port to have the port probed by itself.')


@RULES.rule(
    'NodePortsNotAllocated', ERROR,
    'allocateLoadBalancerNodePorts false without externalTrafficPolicy Local, or with floating IP disabled.',
    'Without node ports a Cluster service cannot be probed, and without floating IP not be reached.', CLOUD_PROVIDER)
def node_ports_not_allocated(service, _context):
    """Both conditions are documented."""
    if service.spec.get('allocateLoadBalancerNodePorts') is False \
            and (not service.is_local or service.is_true('azure-disable-load-balancer-floating-ip')):
        yield Hit('Without node ports, traffic and probes do not reach this service.',
                  ('spec', 'allocateLoadBalancerNodePorts'),
                  'Set externalTrafficPolicy: Local and keep floating IP, or leave the node ports allocated.')
