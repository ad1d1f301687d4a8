# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Rules on who may connect to a Service: ranges, service tags, and the network security group that comes of them."""

from typing import Iterable, List, Optional, Tuple

from ...facts.links import AKS, AKS_INTERNAL, CLOUD_PROVIDER, KUBERNETES
from ...facts.networks import IPV4, IPV6
from ...model.fields import Path
from ...model.finding import ERROR, INFO, WARNING, Finding
from ...model.service import (PREFIX, RANGE_ANNOTATIONS, Network, annotation_path, is_private, is_within, parse_network,
                              quoted)
from .access import EVERYBODY
from .subject import LinkedRulebook, ServiceInCluster, ServiceRule, annotated, azure_class, speaks_of_clients

RULES: LinkedRulebook[ServiceInCluster] = LinkedRulebook(needs=(azure_class,), concerns=speaks_of_clients)

_RANGES = ('spec', 'loadBalancerSourceRanges')
_TAGS = 'azure-allowed-service-tags'
_DENY_ALL = 'azure-deny-all-except-load-balancer-source-ranges'
_INTERNAL = 'azure-load-balancer-internal'
_NO_RULE = 'azure-disable-load-balancer-nsg-rule'

#: From this version on, pods that call the public IP of a service need to be in its source ranges.
#: Source: AZURE-FACTS section 6.
POD_RANGES_NEEDED_FROM = (1, 25)

#: The releases of the cloud provider with the annotation for no security rule: in the first two, late patches only.
#: Source: cloud-provider-azure `pkg/consts/consts.go` at v1.35.0, v1.35.6, v1.36.0 and v1.36.5.
NO_RULE_PARTLY_FROM, NO_RULE_FROM = (1, 35), (1, 37)

_VERSIONS = {IPV4: 4, IPV6: 6}


@RULES.rule('InternalNotExact', ERROR, concerns=annotated,
            title='azure-load-balancer-internal "True", "TRUE" or the like.',
            why='Only "true" makes the service internal. Otherwise it gets a public IP; but the network security '
                'group is written as for an internal service, and lets nobody in from the Internet.',
            source=AKS_INTERNAL)
def internal_not_exact(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Source: cloud-provider-azure requiresInternalLoadBalancer, and IsInternal of `loadbalancer/configuration.go`."""
    service = subject.service
    if service.is_true(_INTERNAL) and not service.internal:
        yield rule.finding(
            f'{_INTERNAL} is {quoted(service.annotation(_INTERNAL))}, and only "true" counts: the service gets a '
            'public IP, and its security rules are those of an internal one.', **subject.at(annotation_path(_INTERNAL)),
            remediation=f'Write {PREFIX}{_INTERNAL}: "true".')


@RULES.rule('SourceRangesWithServiceTags', WARNING,
            title='spec.loadBalancerSourceRanges together with azure-allowed-service-tags.',
            why='The cloud provider warns only, but kube-proxy enforces the ranges on the nodes and drops what the '
                'tags allow.',
            source=AKS)
def source_ranges_with_service_tags(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """The annotations for ranges and tags go together."""
    if subject.access.tags and subject.access.source_ranges:
        yield rule.finding(
            'Clients from azure-allowed-service-tags are dropped on the nodes, where they are not in '
            'spec.loadBalancerSourceRanges too.', **subject.at(_RANGES),
            remediation=f'Move the ranges to the annotation {PREFIX}azure-allowed-ip-ranges.')


@RULES.rule('SourceRangesWithAllowedRanges', ERROR, since=(1, 29),
            title='spec.loadBalancerSourceRanges together with azure-allowed-ip-ranges (or '
                  'load-balancer-source-ranges).',
            why='The cloud provider refuses the two together, and the service stays <pending>.',
            source=CLOUD_PROVIDER)
def source_ranges_with_allowed_ranges(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Only valid ranges count. Source: cloud-provider-azure `pkg/provider/loadbalancer/accesscontrol.go`."""
    if subject.access.source_ranges and subject.access.allowed_ranges:
        yield rule.finding(
            'spec.loadBalancerSourceRanges and the annotation for allowed ranges exclude each other.',
            **subject.at(_RANGES), remediation='Keep one of the two.')


@RULES.rule('SourceRangeNotCidr', ERROR,
            title='A source range that is no CIDR, or empty beside others.',
            why='Kubernetes refuses it in spec.loadBalancerSourceRanges. In an annotation it lets nobody in, and from '
                'Kubernetes 1.29 on denies everybody who is not in another range, the virtual network included.',
            source=KUBERNETES)
def source_range_not_cidr(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """A single address needs /32 or /128. An annotation that is empty as a whole is another rule's."""
    for path, value in subject.access.invalid:
        if not value and _is_blank(subject, path):
            continue
        if parse_network(value, strict=False) is None:
            yield rule.finding(
                f'{quoted(value)} is no range in CIDR notation.' if value else
                'The list of ranges holds an empty one: a comma is too many.', **subject.at(path),
                remediation='Write it as address/length, a single address with /32 (IPv6: /128).' if value else
                'Remove the comma.')


def _is_blank(subject: ServiceInCluster, path: Path) -> bool:
    """Whether all of the annotation at `path` is empty."""
    return any(path == annotation_path(name) and not (subject.service.annotation(name) or '').strip()
               for name in RANGE_ANNOTATIONS)


@RULES.rule('SourceRangeHostBits', ERROR,
            title='A source range with bits set beyond its length, such as 10.0.0.5/24.',
            why='The cloud provider takes it for invalid, leaves it out and denies everything that is not in another '
                'range.',
            source=CLOUD_PROVIDER)
def source_range_host_bits(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Source: cloud-provider-azure `pkg/util/iputil/prefix.go`."""
    for path, value in subject.access.invalid:
        loose = parse_network(value, strict=False)
        if loose is not None:
            yield rule.finding(
                f'{quoted(value)} has host bits set.', **subject.at(path, network=str(loose)),
                remediation=f'Write {loose}.')


@RULES.rule('NobodyCanConnect', ERROR,
            title='Ranges and tags that let nobody in: all of them empty, invalid or of another IP family.',
            why='An empty or invalid value does not stand for everybody: no rule lets anybody in, and an invalid range '
                'denies the virtual network too.',
            source=CLOUD_PROVIDER)
def nobody_can_connect(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """An internal service is reached from the virtual network unless a rule denies it."""
    service, access = subject.service, subject.access
    if not access.restricts or service.is_true(_NO_RULE) or (service.internal and not access.denies_the_rest):
        return
    if not any(access.admits_anybody(version) for version in _versions(subject)):
        path = _first_restriction(subject)
        yield rule.finding(
            'Nobody can connect: no range and no tag lets anybody in'
            + (', and a rule denies all the rest.' if access.denies_the_rest else ' from the Internet.'),
            **subject.at(path), remediation='Give valid ranges or tags; for everybody remove the setting.')


def _first_restriction(subject: ServiceInCluster) -> Path:
    access = subject.access
    places = [path for path, _ in (*access.invalid, *access.ranges)]
    return places[0] if places else annotation_path(_TAGS)


def _versions(subject: ServiceInCluster) -> Tuple[int, ...]:
    """The IP versions that the service has for certain, or may have where it takes what there is."""
    if subject.service.is_dual_stack:
        return tuple(_VERSIONS[family] for family in subject.cluster.ip_families or (IPV4, IPV6))
    return tuple(_VERSIONS[family] for family in subject.families)


@RULES.rule('FamilyWithoutRanges', WARNING,
            title='A dual-stack public service whose ranges are all of one IP family.',
            why='Nobody can connect over the other family: 0.0.0.0/0 lets no IPv6 client in.',
            source=CLOUD_PROVIDER)
def family_without_ranges(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Where the service has both families for certain."""
    service, access = subject.service, subject.access
    both = len(service.families) > 1 or service.spec.get('ipFamilyPolicy') == 'RequireDualStack' \
        or (service.is_dual_stack and len(subject.cluster.ip_families) > 1)
    if not both or service.internal or not access.ranges:
        return
    admitted = [version for version in (4, 6) if access.admits_anybody(version)]
    if len(admitted) == 1:
        missing = 10 - admitted[0]
        yield rule.finding(
            f'All ranges are of IPv{admitted[0]}: nobody can connect over IPv{missing}.',
            **subject.at(access.ranges[0][0]),
            remediation=f'Add the ranges of IPv{missing}' + (', ::/0 for everybody.' if missing == 6 else '.'))


@RULES.rule('RangesOpenToAll', WARNING,
            title='Ranges or tags that look like a restriction and let everybody in: 0.0.0.0/0 or the tag Internet '
                  'beside others, or ranges that together hold everything.',
            why='Everybody may connect; the others have no effect.',
            source=AKS)
def ranges_open_to_all(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """0.0.0.0/0 alone says what it means."""
    service, access = subject.service, subject.access
    tags = [tag for tag in access.tags if tag.lower() in EVERYBODY]
    if tags and not service.internal and (len(access.tags) > 1 or access.ranges):
        yield rule.finding(
            f'The tag {quoted(tags[0])} lets everybody in; the other tags and ranges have no effect.',
            **subject.at(annotation_path(_TAGS)), remediation=f'Remove {quoted(tags[0])}.')
    for version in (4, 6):
        mine = [(path, network) for path, network in access.ranges if network.version == version]
        if len(mine) > 1 and access.admits_everybody(version) and not tags:
            path, widest = min(mine, key=lambda one: one[1].prefixlen)
            yield rule.finding(
                f'{widest} lets everybody in; the other ranges have no effect.' if not widest.prefixlen else
                f'The ranges of IPv{version} together let everybody in.', **subject.at(path),
                remediation=f'Remove {widest}.' if not widest.prefixlen else
                'Write 0.0.0.0/0 if that is meant; else remove ranges.')


@RULES.rule('SourceRangeFamily', WARNING,
            title='A source range of an IP family that the service does not have.',
            why='Nobody ever comes from there.',
            source=KUBERNETES)
def source_range_family(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """A service of two families may have ranges of either; ::/0 beside 0.0.0.0/0 is for whatever comes."""
    families = subject.families
    if subject.service.is_dual_stack:
        return
    for path, network in subject.access.ranges:
        if f'IPv{network.version}' not in families and network.prefixlen:
            yield rule.finding(
                f'{network} is a range of IPv{network.version}, and the service has {", ".join(families)} only.',
                **subject.at(path), remediation='Remove the range, or add the family to spec.ipFamilies.')


@RULES.rule('PrivateRangesOnPublicService', WARNING,
            title='A public service whose ranges are all private.',
            why='No client on the Internet has a private address: only the cluster and its network can connect.',
            source=AKS)
def private_ranges_on_public_service(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """A private range beside public ones may be the pods'."""
    service, ranges = subject.service, subject.access.ranges
    if not service.internal and ranges and not any(subject.access.tags) \
            and all(is_private(network) for _, network in ranges):
        yield rule.finding(
            'All ranges are private, and the service is public: nobody on the Internet can connect.',
            **subject.at(ranges[0][0]),
            remediation=f'Add the public ranges of the clients, or make the service internal with '
                        f'{PREFIX}{_INTERNAL}: "true".')


@RULES.rule('PodRangeMissing', WARNING,
            title='With a cluster: the ranges of a public service leave out the cluster\'s pods.',
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


def _restricting(subject: ServiceInCluster) -> Optional[List[Network]]:
    """The source ranges of a public service, where all can be read and leave somebody out; else None."""
    networks = [network for _, network in subject.access.source_ranges]
    if subject.service.internal or not networks or subject.access.invalid:
        return None
    return networks if all(network.prefixlen for network in networks) else None


@RULES.rule('VnetBypassesRanges', INFO,
            title='An internal service with allowed ranges but without deny-all.',
            why='The network security group lets the whole virtual network in, whatever the ranges say.',
            source=CLOUD_PROVIDER)
def vnet_bypasses_ranges(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Concerns the annotation; spec.loadBalancerSourceRanges is enforced on the nodes as well."""
    access = subject.access
    if subject.service.internal and access.allowed_ranges and not access.denies_the_rest:
        yield rule.finding(
            'The virtual network reaches this internal service from outside of the ranges too.',
            **subject.at(access.allowed_ranges[0][0]), remediation=f'Add {PREFIX}{_DENY_ALL}: "true".')


@RULES.rule('DenyAllWithoutRanges', WARNING, concerns=annotated,
            title='azure-deny-all-except-load-balancer-source-ranges without any range.',
            why='It has no effect then: nothing is denied. Service tags are no ranges.',
            source=CLOUD_PROVIDER)
def deny_all_without_ranges(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Source: cloud-provider-azure `pkg/provider/loadbalancer/accesscontrol.go`."""
    if subject.service.is_true(_DENY_ALL) and not subject.access.denies_the_rest:
        yield rule.finding(
            f'{_DENY_ALL} denies nothing without source ranges.', **subject.at(annotation_path(_DENY_ALL)),
            remediation='Add spec.loadBalancerSourceRanges.')


@RULES.rule('NoSecurityRule', WARNING, concerns=annotated,
            title='azure-disable-load-balancer-nsg-rule, where the cloud provider may not know it yet, or beside '
                  'ranges that it makes useless.',
            why='Releases before the late patches of 1.35 and 1.36 pass it over and write their rules. Where it is '
                'known, no range and no tag gets into the network security group.',
            source=CLOUD_PROVIDER)
def no_security_rule(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Silent from 1.37 on, where there is nothing that it contradicts."""
    service, version = subject.service, subject.cluster.kubernetes_version
    if not service.is_true(_NO_RULE):
        return
    place = subject.at(annotation_path(_NO_RULE))
    if version is not None and version < NO_RULE_PARTLY_FROM:
        yield rule.finding(
            f'The cloud provider of Kubernetes {version[0]}.{version[1]} does not know {_NO_RULE}: it writes its '
            'security rules.', **place, remediation='Upgrade the cluster, or do without the annotation.')
        return
    if version is None or version < NO_RULE_FROM:
        yield rule.finding(
            f'Only late patch releases of 1.35 and 1.36 know {_NO_RULE} (1.35.6, 1.36.5); older ones write their '
            'security rules.', **place, severity=INFO,
            remediation='Look at the network security group after the service was made.')
    if subject.access.restricts:
        yield rule.finding(
            f'With {_NO_RULE} the ranges and tags do not get into the network security group.', **place,
            remediation='Keep them in rules of your own, or remove the annotation.')
