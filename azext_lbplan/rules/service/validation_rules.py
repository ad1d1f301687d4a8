# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Rules on the values of a Service that the Kubernetes API server refuses, and on fields that it does not know.

Source: kubernetes `pkg/apis/core/validation/validation.go`, ValidateService, and `pkg/registry/core/service`, which
gives out node ports and IP families.
"""

import ipaddress
from functools import lru_cache
from typing import Any, Iterable, Iterator, List, Optional, Tuple

from ...facts import kubernetes as known
from ...facts.links import KUBERNETES, KUBERNETES_FIELDS, KUBERNETES_NAMES
from ...facts.networks import IPV4, IPV6
from ...model.fields import Fields, Path
from ...model.finding import ERROR, WARNING, Finding
from ...model.service import PREFIX, Service, parse_address, quoted, written_path
from . import annotations
from .advice import slip_of
from .subject import LinkedRulebook, ServiceInCluster, ServiceRule, annotated, specified

RULES: LinkedRulebook[ServiceInCluster] = LinkedRulebook()


def _levels(subject: ServiceInCluster) -> Iterator[Tuple[str, Path, Fields]]:
    """(name of the level in SERVICE_FIELDS, its path, its fields) of all that is looked at."""
    service = subject.service
    yield '', (), service.body
    yield 'metadata', ('metadata',), service.metadata
    yield 'spec', ('spec',), service.spec
    if 'sessionAffinityConfig' in service.spec:
        affinity = service.spec.fields('sessionAffinityConfig')
        yield 'spec.sessionAffinityConfig', ('spec', 'sessionAffinityConfig'), affinity
        yield 'spec.sessionAffinityConfig.clientIP', ('spec', 'sessionAffinityConfig', 'clientIP'), \
            affinity.fields('clientIP')
    for index, port in service.ports:
        yield 'spec.ports[]', ('spec', 'ports', index), port


def _out_of_place(subject: ServiceInCluster) -> bool:
    """A Service with fields that Kubernetes does not know, or with what is no label among labels."""
    service, known_fields = subject.service, known.SERVICE_FIELDS
    is_known = (known_fields[''].issuperset(service.body) and known_fields['metadata'].issuperset(service.metadata)
                and known_fields['spec'].issuperset(service.spec) and 'sessionAffinityConfig' not in service.spec
                and all(map(known_fields['spec.ports[]'].issuperset, [port for _, port in service.ports])))
    return not is_known or any(key.startswith(PREFIX) for fields in _labels(service) for key in fields)


def _labels(service: Service) -> Tuple[Fields, Fields]:
    return service.metadata.fields('labels'), service.spec.fields('selector')


@RULES.rule('UnknownField', ERROR, concerns=_out_of_place,
            title='A field that a Service does not have, such as loadbalancerSourceRanges, or one in the wrong place.',
            why='kubectl refuses it from 1.25 on. Other clients and older ones drop it in silence: a restriction that '
                'is misspelt restricts nobody.',
            source=KUBERNETES_FIELDS)
def unknown_field(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Directives of a patch ($patch, ...) are no fields."""
    for level, path, fields in _levels(subject):
        for key in fields:
            if key in known.SERVICE_FIELDS[level] or key.startswith('$'):
                continue
            where = level or 'a Service'
            last = known.FIELDS_OF_OLD.get(f'{level}.{key}')
            advice = _right_field(level, key)
            if last:
                advice = f'Kubernetes dropped it after {last[0]}.{last[1]}: remove it.'
            yield rule.finding(
                f'{where} has no field {quoted(key)}; clients that do not refuse it drop it in silence.',
                **subject.at((*path, key)), severity=WARNING if last else ERROR, remediation=advice)


def _right_field(level: str, key: str) -> str:
    """What to write instead: the field that is meant, or where it belongs."""
    folded = key.lower()
    right = next((name for name in known.SERVICE_FIELDS[level] if name.lower() == folded), None) \
        or slip_of(key, known.SERVICE_FIELDS[level])
    if right:
        return f'Write {right}.'
    elsewhere = next((other for other, names in known.SERVICE_FIELDS.items() if key in names), None)
    if elsewhere is None:
        return 'Remove it, or look up its name: kubectl explain service --recursive.'
    return f'Move it to {elsewhere or "the top of the manifest"}.'


@RULES.rule('MisplacedAnnotation', ERROR, concerns=_out_of_place,
            title='An annotation of Azure\'s cloud provider among the labels, or under spec; an error where it '
                  'restricts who may connect, else a warning.',
            why='The cloud provider reads metadata.annotations only.',
            source=KUBERNETES)
def misplaced_annotation(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Wherever in the object the key stands."""
    for path, fields in _other_places(subject.service):
        for key in fields:
            if key.startswith(PREFIX):
                row = annotations.find(key[len(PREFIX):])
                yield rule.finding(
                    f'{quoted(key)} stands in {written_path(path) or "the top of the manifest"}, where the cloud '
                    'provider does not read it.', **subject.at((*path, key)),
                    severity=ERROR if row and row.guards else WARNING, remediation='Move it to metadata.annotations.')


def _other_places(service: Service) -> Iterator[Tuple[Path, Fields]]:
    """(path, what stands there) of each place where annotations may stand by mistake."""
    labels, selector = _labels(service)
    yield ('metadata', 'labels'), labels
    yield ('metadata',), service.metadata
    yield ('spec',), service.spec
    yield ('spec', 'annotations'), service.spec.fields('annotations')
    yield ('annotations',), service.body.fields('annotations')
    yield ('spec', 'selector'), selector
    yield (), service.body


@RULES.rule('SpecValueInvalid', ERROR, concerns=specified,
            title='sessionAffinity, internalTrafficPolicy, ipFamilyPolicy or trafficDistribution with a value that '
                  'Kubernetes does not know.',
            why='The fields are case-sensitive: Kubernetes refuses "clientIP".',
            source=KUBERNETES)
def spec_value_invalid(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """externalTrafficPolicy has a rule of its own. Values of trafficDistribution came one by one."""
    spec, version = subject.service.spec, subject.cluster.kubernetes_version
    for name, values in known.SPEC_VALUES.items():
        value = spec.get(name)
        if value and name != 'externalTrafficPolicy' and isinstance(value, str) and value not in values:
            right = next((one for one in values if one.lower() == value.lower()), None)
            yield rule.finding(
                f'spec.{name} is {quoted(value)}; Kubernetes knows {", ".join(values)}.', **subject.at(('spec', name)),
                remediation=f'Write {right}.' if right else f'Write {" or ".join(values)}.')
    value = spec.get('trafficDistribution')
    if not isinstance(value, str):
        return
    since = known.TRAFFIC_DISTRIBUTIONS.get(value)
    if since is None or (version is not None and version < since):
        yield rule.finding(
            f'spec.trafficDistribution is {quoted(value)}; Kubernetes '
            + (f'takes that from {since[0]}.{since[1]} on.' if since else 'knows '
               + ', '.join(f'{name} (from {first[0]}.{first[1]} on)'
                           for name, first in known.TRAFFIC_DISTRIBUTIONS.items()) + '.'),
            **subject.at(('spec', 'trafficDistribution')), remediation='Write PreferClose, or remove the field.')


@RULES.rule('SessionAffinityInvalid', ERROR, concerns=specified,
            title='sessionAffinityConfig without sessionAffinity ClientIP, or a timeout out of range.',
            why=f'Kubernetes refuses it: timeoutSeconds is 1 to {known.LONGEST_AFFINITY}.',
            source=KUBERNETES)
def session_affinity_invalid(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Left out, sessionAffinity is None."""
    spec = subject.service.spec
    config, path = spec.get('sessionAffinityConfig'), ('spec', 'sessionAffinityConfig')
    if config is None:
        return
    if spec.get('sessionAffinity') in (None, '', 'None'):
        yield rule.finding(
            'sessionAffinityConfig needs sessionAffinity ClientIP.', **subject.at(path),
            remediation='Write sessionAffinity: ClientIP, or remove sessionAffinityConfig.')
        return
    client = spec.fields('sessionAffinityConfig').fields('clientIP')
    timeout = client.get('timeoutSeconds')
    if timeout is not None and not (_is_number(timeout) and 0 < timeout <= known.LONGEST_AFFINITY):
        yield rule.finding(
            f'timeoutSeconds is {quoted(timeout)}, not a whole number from 1 to {known.LONGEST_AFFINITY}.',
            **subject.at((*path, 'clientIP', 'timeoutSeconds')),
            remediation=f'Write a number from 1 to {known.LONGEST_AFFINITY}.')


@RULES.rule('IPFamiliesInvalid', ERROR, concerns=specified,
            title='ipFamilies with another value than IPv4 and IPv6, one twice, or two with a policy for one.',
            why='Kubernetes refuses it: two families need ipFamilyPolicy PreferDualStack or RequireDualStack.',
            source=KUBERNETES)
def ip_families_invalid(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Without a policy a new Service is SingleStack."""
    spec = subject.service.spec
    families = [family for family in _list(spec.get('ipFamilies')) if isinstance(family, str)]
    if not families:
        return
    for index, family in enumerate(families):
        wrong = family not in (IPV4, IPV6)
        if wrong or family in families[:index]:
            yield rule.finding(
                f'spec.ipFamilies[{index}] is {quoted(family)}' +
                ('; Kubernetes knows IPv4 and IPv6.' if wrong else ', which stands there already.'),
                **subject.at(('spec', 'ipFamilies', index)), remediation='Name each of IPv4 and IPv6 once at most.')
    policy = spec.get('ipFamilyPolicy')
    if set(families) == {IPV4, IPV6} and len(families) == 2 and policy in (None, '', 'SingleStack'):
        yield rule.finding(
            'Two IP families, and ' + ('no ipFamilyPolicy: the service is SingleStack then.' if not policy else
                                       'ipFamilyPolicy is SingleStack.'), **subject.at(('spec', 'ipFamilies')),
            remediation='Write ipFamilyPolicy: PreferDualStack or RequireDualStack.')


@RULES.rule('ClusterIPInvalid', ERROR, concerns=specified,
            title='clusterIP None on a service of type LoadBalancer, or cluster IPs that are no addresses or do not '
                  'fit together.',
            why='Kubernetes refuses it.',
            source=KUBERNETES)
def cluster_ip_invalid(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """clusterIPs[0] equals clusterIP; the families are those of ipFamilies. Left out, they are given out."""
    spec = subject.service.spec
    first, several = spec.get('clusterIP'), _list(spec.get('clusterIPs'))
    name = 'clusterIPs' if several else 'clusterIP'
    fault = None
    if several and first not in (None, several[0]):
        fault = f'begins with {quoted(several[0])}, and clusterIP is {quoted(first)}'
    elif several or first:
        fault = _address_fault(several or [first], _list(spec.get('ipFamilies')))
    if fault:
        yield rule.finding(f'spec.{name} {fault}.', **subject.at(('spec', name)),
                           remediation='Remove it: Kubernetes gives the service its cluster IPs.')


def _address_fault(values: List[Any], families: List[Any]) -> Optional[str]:
    """What is wrong with cluster IPs, as the rest of a sentence."""
    if 'None' in values:
        return 'is None, which a load balancer cannot serve' if len(values) == 1 else 'holds None beside an address'
    addresses = [parse_address(value) for value in values]
    versions = [address.version for address in addresses if address]
    if len(versions) < len(values):
        return 'holds what is no IP address'
    if len(set(versions)) < len(versions):
        return 'holds more than one address of an IP family'
    wanted = [{IPV4: 4, IPV6: 6}.get(family) if isinstance(family, str) else None for family in families]
    if any(want and version != want for version, want in zip(versions, wanted)):
        return 'does not go with spec.ipFamilies'
    return None


def _list(value: Any) -> List[Any]:
    return value if isinstance(value, list) else []


@RULES.rule('NodePortInvalid', ERROR,
            title='A node port outside of 30000 to 32767, or healthCheckNodePort without externalTrafficPolicy Local.',
            why='The API server gives out and takes node ports of its range only; AKS keeps the default. '
                'healthCheckNodePort is for Local services.',
            source=KUBERNETES)
def node_port_invalid(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """0 is as good as absent."""
    service = subject.service
    lowest, highest = known.NODE_PORTS
    health = service.spec.get('healthCheckNodePort')
    places: List[Tuple[Path, Any]] = [(('spec', 'ports', index, 'nodePort'), port['nodePort'])
                                      for index, port in service.ports if 'nodePort' in port]
    if health not in (None, 0) and not service.is_local:
        yield rule.finding(
            'spec.healthCheckNodePort is for externalTrafficPolicy Local only.',
            **subject.at(('spec', 'healthCheckNodePort')),
            remediation='Remove it, or write externalTrafficPolicy: Local.')
    elif health:
        places.append((('spec', 'healthCheckNodePort'), health))
    for path, value in places:
        if _is_number(value) and value != 0 and not lowest <= value <= highest:
            yield rule.finding(
                f'{path[-1]} is {value}; the API server takes {lowest} to {highest}.', **subject.at(path),
                remediation=f'Write a number from {lowest} to {highest}, or remove it: Kubernetes gives one out.')


@RULES.rule('QualifiedNameInvalid', ERROR,
            title='appProtocol, loadBalancerClass, or the key or value of a label, annotation or selector that is no '
                  'name to Kubernetes.',
            why='Kubernetes refuses it: letters, digits, "-", "_" and "." with at most one domain before a slash.',
            source=KUBERNETES_NAMES)
def qualified_name_invalid(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Values of annotations may be anything. The domain of an annotation may have capital letters."""
    service = subject.service
    labels, selector = _labels(service)
    labelled: Tuple[Tuple[Path, Fields], ...] = (('metadata', 'labels'), labels), (('spec', 'selector'), selector)
    for above, fields in labelled:
        for key, value in fields.items():
            if isinstance(value, str) and not _is_label(value):
                yield rule.finding(
                    f'{quoted(value)} is no value of a label.', **subject.at((*above, key)),
                    remediation='Use up to 63 letters, digits, "-", "_" and ".", a letter or digit first and last.')
    for above, key, name in _names(service, labelled):
        if isinstance(name, str) and not _is_qualified(name):
            yield rule.finding(
                f'{quoted(name)} is no name to Kubernetes.', **subject.at((*above, key)),
                remediation='Use up to 63 letters, digits, "-", "_" and "."; a domain in small letters may stand '
                            'before a slash.')


def _names(service: Service, labelled: Iterable[Tuple[Path, Fields]]) -> Iterator[Tuple[Path, str, Any]]:
    """(path of what holds it, key, name) of what has to be a qualified name."""
    for index, port in service.ports:
        if 'appProtocol' in port:
            yield ('spec', 'ports', index), 'appProtocol', port['appProtocol']
    if 'loadBalancerClass' in service.spec:
        yield ('spec',), 'loadBalancerClass', service.spec['loadBalancerClass']
    for above, fields in labelled:
        for key in fields:
            yield above, key, key
    for key in service.annotations:
        yield ('metadata', 'annotations'), key, key.lower()


@lru_cache(maxsize=4096)
def _is_label(value: str) -> bool:
    return known.LABEL_VALUE.fullmatch(value) is not None


@lru_cache(maxsize=4096)
def _is_qualified(value: str) -> bool:
    return known.QUALIFIED_NAME.fullmatch(value) is not None


@RULES.rule('ExternalIPInvalid', ERROR, concerns=specified,
            title='spec.externalIPs with what is no address, or one that no client can reach (loopback, link-local, '
                  '...).',
            why='Kubernetes refuses it.',
            source=KUBERNETES)
def external_ip_invalid(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """The addresses are not Azure's to serve."""
    for index, value in enumerate(_list(subject.service.spec.get('externalIPs'))):
        address = parse_address(value)
        if address is None or _is_special(address):
            yield rule.finding(
                f'{quoted(value)} is no address that a service can have.', **subject.at(('spec', 'externalIPs', index)),
                remediation='Give an address that is routed to the nodes, or remove it.')


def _is_special(address: Any) -> bool:
    mapped = getattr(address, 'ipv4_mapped', None) or address
    return bool(mapped.is_unspecified or mapped.is_loopback or mapped.is_link_local
                or (mapped.is_multicast and ipaddress.ip_address(mapped) in _LINK_LOCAL_MULTICAST[mapped.version]))


#: Source: ValidateNonSpecialIP: only the link-local part of multicast is refused.
_LINK_LOCAL_MULTICAST = {4: ipaddress.ip_network('224.0.0.0/24'), 6: ipaddress.ip_network('ff02::/16')}


@RULES.rule('TopologyAnnotationsDiffer', ERROR, concerns=annotated,
            title='service.kubernetes.io/topology-mode and topology-aware-hints with two values.',
            why='Kubernetes refuses it.',
            source=KUBERNETES)
def topology_annotations_differ(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """The second is the older name of the first."""
    mode, hints = 'service.kubernetes.io/topology-mode', 'service.kubernetes.io/topology-aware-hints'
    fields = subject.service.annotations
    if mode in fields and hints in fields and fields[mode] != fields[hints]:
        yield rule.finding(
            f'{mode} and {hints} have two values.', **subject.at(('metadata', 'annotations', mode)),
            remediation=f'Keep {mode} only.')


def _is_number(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
