# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Rules on the shape of a Service: what the Kubernetes API server refuses, whatever cloud it runs on."""

import re
from itertools import chain
from typing import Dict, Iterable, Iterator, Optional, Tuple

from ...facts.links import CLOUD_PROVIDER, KUBERNETES, KUBERNETES_NAMES, YAML_MAPPING
from ...model.fields import Fields, Path
from ...model.finding import ERROR, INFO, WARNING, Finding
from ...model.service import Service, quoted, written_path
from ...model.values import Json
from .subject import LinkedRulebook, ServiceInCluster, ServiceRule, annotated, specified

RULES: LinkedRulebook[ServiceInCluster] = LinkedRulebook()

#: Names of Services are DNS labels of RFC 1035 (a letter first); namespaces and port names those of RFC 1123.
_SERVICE_NAME = re.compile(r'[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?')
_LABEL = re.compile(r'[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?')
#: The name of a container's port (IANA_SVC_NAME): up to 15 characters, one of them a letter.
_TARGET_NAME = re.compile(r'(?=.*[a-z])(?!.*--)[a-z0-9](?:[a-z0-9-]{0,13}[a-z0-9])?')

_PROTOCOLS = ('TCP', 'UDP', 'SCTP')

_KINDS: Dict[type, str] = {dict: 'a mapping', list: 'a list', str: 'text', bool: 'a boolean', int: 'a whole number'}

#: The fields that rules of this package look at, and the type that the API server insists on, by what holds them.
_OF_BODY: Dict[str, type] = {'metadata': dict, 'spec': dict}
_OF_METADATA: Dict[str, type] = {'annotations': dict, 'labels': dict, 'namespace': str}
_OF_SPEC: Dict[str, type] = {
    'ports': list, 'selector': dict, 'loadBalancerSourceRanges': list, 'loadBalancerIP': str,
    'externalTrafficPolicy': str, 'internalTrafficPolicy': str, 'trafficDistribution': str, 'ipFamilies': list,
    'ipFamilyPolicy': str, 'allocateLoadBalancerNodePorts': bool, 'loadBalancerClass': str, 'sessionAffinity': str,
    'sessionAffinityConfig': dict, 'clusterIP': str, 'clusterIPs': list, 'externalIPs': list,
    'healthCheckNodePort': int, 'publishNotReadyAddresses': bool}
_ELEMENTS: Tuple[Tuple[str, type], ...] = (
    ('loadBalancerSourceRanges', str), ('ipFamilies', str), ('clusterIPs', str), ('externalIPs', str), ('ports', dict))


#: What every Service of the type says, and where.
_SPELT = ('Service', 'v1', 'LoadBalancer')
_SPELT_AT = (('kind',), ('apiVersion',), ('spec', 'type'))


@RULES.rule('SpellingInvalid', ERROR,
            title='kind, spec.type or apiVersion is not spelt as Kubernetes spells it, or is missing.',
            why='The fields are case-sensitive: Kubernetes refuses "loadbalancer" and knows no kind "service".',
            source=KUBERNETES)
def spelling_invalid(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Meant for manifests that mean a Service of type LoadBalancer."""
    body, spec = subject.service.body, subject.service.spec
    written = body.get('kind'), body.get('apiVersion'), spec.get('type')
    if written == _SPELT:  # as nearly always
        return
    for path, value, right in zip(_SPELT_AT, written, _SPELT):
        if value != right:
            yield rule.finding(
                f'{".".join(path)} is {quoted(value)}; Kubernetes wants {quoted(right)}.', **subject.at(path),
                remediation=f'Write {path[-1]}: {right}.')


@RULES.rule('FieldTypeInvalid', ERROR,
            title='A field of another type than Kubernetes wants, such as text for a list.',
            why='Kubernetes refuses the manifest.',
            source=KUBERNETES)
def field_type_invalid(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """null is as good as absent, but in a list."""
    for path, value, kind in chain(_wrong_fields(subject.service), _wrong_parts(subject.service)):
        yield rule.finding(
            f'{written_path(path)} is {quoted(value)}; Kubernetes wants {_KINDS[kind]} there.', **subject.at(path),
            remediation=f'Write {_KINDS[kind]}.' if kind is not str else 'Write it in quotes.')


def _wrong_fields(service: Service) -> Iterator[Tuple[Path, Json, type]]:
    """(path, value, type that is wanted) of each field of another type."""
    for path, fields, types in (((), service.body, _OF_BODY), (('metadata',), service.metadata, _OF_METADATA),
                                (('spec',), service.spec, _OF_SPEC)):
        for key, value in fields.items():
            if key in types and value is not None and not _is_a(value, types[key]):
                yield (*path, key), value, types[key]


def _is_a(value: Json, kind: type) -> bool:
    return isinstance(value, kind) and not (kind is int and isinstance(value, bool))


def _wrong_parts(service: Service) -> Iterator[Tuple[Path, Json, type]]:
    """The same of what stands deeper and is text, then of each element of a list."""
    metadata, spec = service.metadata, service.spec
    for above, texts in ((('metadata', 'labels'), metadata.fields('labels')),
                         (('spec', 'selector'), spec.fields('selector'))):
        for key, value in texts.items():
            if not isinstance(value, str) and value is not None:
                yield (*above, key), value, str
    for index, port in service.ports:
        if 'appProtocol' in port and not isinstance(port['appProtocol'], (str, type(None))):
            yield ('spec', 'ports', index, 'appProtocol'), port['appProtocol'], str
    for name, kind in _ELEMENTS:
        values = spec.get(name)
        if values and isinstance(values, list):
            for index, value in enumerate(values):
                if not isinstance(value, kind):
                    yield ('spec', name, index), value, kind


@RULES.rule('RepeatedKey', WARNING,
            title='A key that stands twice in the same mapping.',
            why='The last one wins and the others are lost in silence.',
            source=YAML_MAPPING)
def repeated_key(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """In the parts of a Service that matter here."""
    service = subject.service
    parts: Tuple[Tuple[Path, Fields], ...] = (
        ((), service.body), (('metadata',), service.metadata), (('metadata', 'annotations'), service.annotations),
        (('spec',), service.spec), *((('spec', 'ports', index), port) for index, port in service.ports))
    for path, part in parts:
        for key, line in part.repeated:
            yield rule.finding(
                f'The key {quoted(key)} stands here again; the value before it is lost.',
                **subject.at((*path, key), line=line), remediation='Keep one of the two.')


@RULES.rule('NameInvalid', ERROR,
            title='A name or namespace that Kubernetes refuses, or no name.',
            why='Services are named by DNS labels: up to 63 small letters, digits and hyphens, a letter first, no '
                'hyphen last.',
            source=KUBERNETES_NAMES)
def name_invalid(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """generateName will do for kubectl create; it may end with a hyphen."""
    service = subject.service
    name, namespace = service.metadata.get('name'), service.metadata.get('namespace')
    prefix = service.metadata.get('generateName')
    if prefix and not (isinstance(prefix, str) and _SERVICE_NAME.fullmatch(
            prefix[:-1] + 'a' if prefix.endswith('-') else prefix)):
        yield rule.finding(
            f'The name prefix {quoted(prefix)} is no DNS label that begins with a letter.',
            **subject.at(('metadata', 'generateName')), remediation='Use small letters, digits and hyphens.')
    if name is None and not prefix:
        yield rule.finding(
            'The service has no name.', **subject.at(('metadata', 'name')), remediation='Give it a metadata.name.')
    elif name is not None and not (isinstance(name, str) and _SERVICE_NAME.fullmatch(name)):
        yield rule.finding(
            f'The name {quoted(name)} is no DNS label that begins with a letter.', **subject.at(('metadata', 'name')),
            remediation='Use up to 63 small letters, digits and hyphens; begin with a letter, do not end with a '
                        'hyphen.')
    if isinstance(namespace, str) and namespace and not _LABEL.fullmatch(namespace):
        yield rule.finding(
            f'The namespace {quoted(namespace)} is no DNS label.', **subject.at(('metadata', 'namespace')),
            remediation='Use up to 63 small letters, digits and hyphens, no hyphen first or last.')


@RULES.rule('NoPorts', ERROR,
            title='A Service without ports.',
            why='Kubernetes refuses it.',
            source=KUBERNETES)
def no_ports(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """An empty list counts as none."""
    if subject.service.spec.get('ports') in (None, []):
        yield rule.finding(
            'The service has no ports.', **subject.at(('spec', 'ports')),
            remediation='Add at least one port to spec.ports.')


@RULES.rule('PortInvalid', ERROR,
            title='A port, target port, node port or port name that Kubernetes refuses.',
            why='Ports are whole numbers from 1 to 65535, without quotes; with several ports each needs a name.',
            source=KUBERNETES)
def port_invalid(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """A targetPort may also be the name of a container's port."""
    several = len(subject.service.ports) > 1
    for index, port in subject.service.ports:
        path = ('spec', 'ports', index)
        for key, lowest in (('port', 1), ('nodePort', 0)):
            value = port.get(key)
            if not _is_port(value, lowest) and not (key == 'nodePort' and value is None):
                yield rule.finding(
                    f'{key} is {quoted(value)}, not a whole number from 1 to 65535.', **subject.at((*path, key)),
                    remediation='Write a number without quotes.')
        goal = port.get('targetPort')
        if goal is not None and not _is_port(goal, 0) and not _is_target_name(goal):
            yield rule.finding(
                f'targetPort is {quoted(goal)}, neither a port nor the name of one.',
                **subject.at((*path, 'targetPort')),
                remediation='Write a number without quotes, or a name of up to 15 small letters, digits and hyphens.')
        name = port.get('name')
        if name in (None, ''):
            if several:
                yield rule.finding('With several ports each needs a name.', **subject.at((*path, 'name')),
                                   remediation='Give it a name.')
        elif not (isinstance(name, str) and _LABEL.fullmatch(name)):
            yield rule.finding(
                f'The name {quoted(name)} of a port is no DNS label.', **subject.at((*path, 'name')),
                remediation='Use small letters, digits and hyphens.')


def _is_target_name(value: Json) -> bool:
    return isinstance(value, str) and (not value or _TARGET_NAME.fullmatch(value) is not None)


def _is_port(value: Json, lowest: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= 65535


@RULES.rule('DuplicatePort', ERROR,
            title='Two entries with the same port and protocol, node port and protocol, or name.',
            why='Kubernetes refuses it.',
            source=KUBERNETES)
def duplicate_port(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Protocols may share a port: 53/TCP and 53/UDP are two."""
    service = subject.service
    seen: Dict[Tuple[str, Json, Optional[str]], int] = {}
    for index, port in service.ports if len(service.ports) > 1 else ():
        protocol = port.get('protocol') or 'TCP'
        for key in ('port', 'nodePort', 'name'):
            value = port.get(key)
            if not value or not isinstance(value, (int, str)):
                continue
            first = seen.setdefault((key, value, None if key == 'name' else str(protocol)), index)
            if first != index:
                yield rule.finding(
                    f'{key} {quoted(value)} stands in spec.ports[{first}] already.',
                    **subject.at(('spec', 'ports', index, key)), remediation='Use another one, or remove the entry.')


@RULES.rule('ProtocolInvalid', ERROR,
            title='A protocol other than TCP, UDP and SCTP.',
            why='The field is case-sensitive: Kubernetes refuses "tcp".',
            source=KUBERNETES)
def protocol_invalid(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Left out it is TCP."""
    service = subject.service
    for index, port in service.ports:
        value = port.get('protocol')
        if value not in (None, '', *_PROTOCOLS):
            right = value.upper() if isinstance(value, str) and value.upper() in _PROTOCOLS else None
            yield rule.finding(
                f'The protocol is {quoted(value)}; Kubernetes knows TCP, UDP and SCTP.',
                **subject.at(('spec', 'ports', index, 'protocol')),
                remediation=f'Write {right}.' if right else 'Write TCP or UDP.')


@RULES.rule('SctpOnPublicService', ERROR,
            title='SCTP on a public service.',
            why='Azure\'s load balancer takes SCTP on internal Standard load balancers only.',
            source=CLOUD_PROVIDER)
def sctp_on_public_service(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """One finding per port."""
    service = subject.service
    for index, port in service.ports:
        if port.get('protocol') == 'SCTP' and not service.internal:
            yield rule.finding(
                'SCTP works on internal services only.', **subject.at(('spec', 'ports', index, 'protocol')),
                remediation='Make the service internal, or use another protocol.')


@RULES.rule('NoRuleOnEveryPort', ERROR, concerns=annotated,
            title='port_{port}_no_lb_rule "true" on every port.',
            why='The service gets an address and not one load balancing rule: nobody reaches it.',
            source=CLOUD_PROVIDER)
def no_rule_on_every_port(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Meant for a port that only serves health checks."""
    service = subject.service
    if service.ports and not service.rules():
        yield rule.finding(
            'No port of the service gets a load balancing rule.', **subject.at(('metadata', 'annotations')),
            remediation='Remove port_..._no_lb_rule from the ports that clients use.')


@RULES.rule('OtherLoadBalancerClass', INFO, concerns=specified,
            title='spec.loadBalancerClass is set.',
            why='Azure\'s cloud provider leaves such a service to somebody else; rules on Azure were not applied.',
            source=KUBERNETES)
def other_load_balancer_class(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """The other rules on Azure are passed over then."""
    name = subject.service.load_balancer_class
    if name is not None:
        yield rule.finding(
            f'The service is of the load balancer class {quoted(name)}, which is not Azure\'s.',
            **subject.at(('spec', 'loadBalancerClass')), remediation='Remove the field if Azure shall serve it.')
