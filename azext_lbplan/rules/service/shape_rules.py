# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Rules on the shape of a Service: what the Kubernetes API server refuses, whatever cloud it runs on."""

import re

from ...model.finding import ERROR, INFO, WARNING
from .catalogue import CLOUD_PROVIDER, KUBERNETES, KUBERNETES_NAMES, Hit, Rulebook
from .service import quoted

RULES = Rulebook()

#: Names of Services are DNS labels of RFC 1035 (a letter first); namespaces and port names those of RFC 1123.
_SERVICE_NAME = re.compile(r'[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?')
_LABEL = re.compile(r'[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?')
#: The name of a container's port (IANA_SVC_NAME): up to 15 characters, one of them a letter.
_TARGET_NAME = re.compile(r'(?=.*[a-z])(?!.*--)[a-z0-9](?:[a-z0-9-]{0,13}[a-z0-9])?')

_PROTOCOLS = ('TCP', 'UDP', 'SCTP')

_KINDS = {dict: 'a mapping', list: 'a list', str: 'text', bool: 'a boolean', int: 'a whole number'}

#: The fields that rules of this package look at, and the type that the API server insists on.
_TYPES = (
    (('metadata',), dict), (('metadata', 'annotations'), dict), (('metadata', 'namespace'), str),
    (('spec',), dict), (('spec', 'ports'), list), (('spec', 'loadBalancerSourceRanges'), list),
    (('spec', 'loadBalancerIP'), str), (('spec', 'externalTrafficPolicy'), str), (('spec', 'ipFamilies'), list),
    (('spec', 'ipFamilyPolicy'), str), (('spec', 'allocateLoadBalancerNodePorts'), bool),
    (('spec', 'loadBalancerClass'), str), (('spec', 'selector'), dict),
)


@RULES.rule(
    'SpellingInvalid', ERROR, 'kind, spec.type or apiVersion is not spelt as Kubernetes spells it, or is missing.',
    'The fields are case-sensitive: Kubernetes refuses "loadbalancer" and knows no kind "service".', KUBERNETES)
def spelling_invalid(service, _context):
    """Meant for manifests that mean a Service of type LoadBalancer."""
    for path, value, right in ((('kind',), service.body.get('kind'), 'Service'),
                               (('apiVersion',), service.body.get('apiVersion'), 'v1'),
                               (('spec', 'type'), service.spec.get('type'), 'LoadBalancer')):
        if value != right:
            yield Hit(f'{".".join(path)} is {quoted(value)}; Kubernetes wants {quoted(right)}.', path,
                      f'Write {path[-1]}: {right}.')


@RULES.rule(
    'FieldTypeInvalid', ERROR, 'A field of another type than Kubernetes wants, such as text for a list.',
    'Kubernetes refuses the manifest.', KUBERNETES)
def field_type_invalid(service, _context):
    """null is as good as absent."""
    for path, kind in _TYPES:
        value = service.body
        for key in path:
            value = value.get(key) if isinstance(value, dict) else None
        if value is not None and not isinstance(value, kind):
            yield Hit(f'{".".join(path)} is {quoted(value)}; Kubernetes wants {_KINDS[kind]} there.', path,
                      f'Write {_KINDS[kind]}.')
    for name in ('loadBalancerSourceRanges', 'ipFamilies', 'ports'):
        values = service.spec.get(name)
        kind = dict if name == 'ports' else str
        for index, value in enumerate(values if isinstance(values, list) else ()):
            if not isinstance(value, kind):
                yield Hit(f'spec.{name}[{index}] is {quoted(value)}; Kubernetes wants {_KINDS[kind]} there.',
                          ('spec', name, index), f'Write {_KINDS[kind]}.')


@RULES.rule(
    'RepeatedKey', WARNING, 'A key that stands twice in the same mapping.',
    'The last one wins and the others are lost in silence.', 'https://yaml.org/spec/1.2.2/#mapping')
def repeated_key(service, _context):
    """In the parts of a Service that matter here."""
    parts = [((), service.body), (('metadata',), service.metadata),
             (('metadata', 'annotations'), service.annotations), (('spec',), service.spec)]
    parts += [(('spec', 'ports', index), port) for index, port in service.ports]
    for path, part in parts:
        for key, line in part.repeated:
            yield Hit(f'The key {quoted(key)} stands here again; the value before it is lost.', (*path, key),
                      'Keep one of the two.', None, {'line': line})


@RULES.rule(
    'NameInvalid', ERROR, 'A name or namespace that Kubernetes refuses, or no name.',
    'Services are named by DNS labels: up to 63 small letters, digits and hyphens, a letter first, no hyphen last.',
    KUBERNETES_NAMES)
def name_invalid(service, _context):
    """generateName will do for kubectl create."""
    name, namespace = service.metadata.get('name'), service.metadata.get('namespace')
    if name is None and not service.metadata.get('generateName'):
        yield Hit('The service has no name.', ('metadata', 'name'), 'Give it a metadata.name.')
    elif name is not None and not (isinstance(name, str) and _SERVICE_NAME.fullmatch(name)):
        yield Hit(f'The name {quoted(name)} is no DNS label that begins with a letter.', ('metadata', 'name'),
                  'Use up to 63 small letters, digits and hyphens; begin with a letter, do not end with a hyphen.')
    if isinstance(namespace, str) and namespace and not _LABEL.fullmatch(namespace):
        yield Hit(f'The namespace {quoted(namespace)} is no DNS label.', ('metadata', 'namespace'),
                  'Use up to 63 small letters, digits and hyphens, no hyphen first or last.')


@RULES.rule(
    'NoPorts', ERROR, 'A Service without ports.', 'Kubernetes refuses it.', KUBERNETES)
def no_ports(service, _context):
    """An empty list counts as none."""
    if service.spec.get('ports') in (None, []):
        yield Hit('The service has no ports.', ('spec', 'ports'), 'Add at least one port to spec.ports.')


@RULES.rule(
    'PortInvalid', ERROR, 'A port, target port, node port or port name that Kubernetes refuses.',
    'Ports are whole numbers from 1 to 65535, without quotes; with several ports each needs a name.', KUBERNETES)
def port_invalid(service, _context):
    """A targetPort may also be the name of a container's port."""
    for index, port in service.ports:
        for key, lowest in (('port', 1), ('nodePort', 0)):
            value = port.get(key)
            if not _is_port(value, lowest) and not (key == 'nodePort' and value is None):
                yield Hit(f'{key} is {quoted(value)}, not a whole number from 1 to 65535.',
                          ('spec', 'ports', index, key), 'Write a number without quotes.')
        goal = port.get('targetPort')
        if goal is not None and not _is_port(goal, 0) \
                and not (isinstance(goal, str) and (not goal or _TARGET_NAME.fullmatch(goal))):
            yield Hit(f'targetPort is {quoted(goal)}, neither a port nor the name of one.',
                      ('spec', 'ports', index, 'targetPort'),
                      'Write a number without quotes, or a name of up to 15 small letters, digits and hyphens.')
        name = port.get('name')
        if name in (None, '') and len(service.ports) > 1:
            yield Hit('With several ports each needs a name.', ('spec', 'ports', index, 'name'), 'Give it a name.')
        elif name not in (None, '') and not (isinstance(name, str) and _LABEL.fullmatch(name)):
            yield Hit(f'The name {quoted(name)} of a port is no DNS label.', ('spec', 'ports', index, 'name'),
                      'Use small letters, digits and hyphens.')


def _is_port(value, lowest):
    return isinstance(value, int) and not isinstance(value, bool) and lowest <= value <= 65535


@RULES.rule(
    'DuplicatePort', ERROR, 'Two entries with the same port and protocol, node port and protocol, or name.',
    'Kubernetes refuses it.', KUBERNETES)
def duplicate_port(service, _context):
    """Protocols may share a port: 53/TCP and 53/UDP are two."""
    seen = {}
    for index, port in service.ports:
        protocol = port.get('protocol') or 'TCP'
        for key in ('port', 'nodePort', 'name'):
            value = port.get(key)
            if not value or not isinstance(value, (int, str)):
                continue
            first = seen.setdefault((key, value, None if key == 'name' else str(protocol)), index)
            if first != index:
                yield Hit(f'{key} {quoted(value)} stands in spec.ports[{first}] already.',
                          ('spec', 'ports', index, key), 'Use another one, or remove the entry.')


@RULES.rule(
    'ProtocolInvalid', ERROR, 'A protocol other than TCP, UDP and SCTP.',
    'The field is case-sensitive: Kubernetes refuses "tcp".', KUBERNETES)
def protocol_invalid(service, _context):
    """Left out it is TCP."""
    for index, port in service.ports:
        value = port.get('protocol')
        if value not in (None, '', *_PROTOCOLS):
            right = value.upper() if isinstance(value, str) and value.upper() in _PROTOCOLS else None
            yield Hit(f'The protocol is {quoted(value)}; Kubernetes knows TCP, UDP and SCTP.',
                      ('spec', 'ports', index, 'protocol'), f'Write {right}.' if right else 'Write TCP or UDP.')


@RULES.rule(
    'SctpOnPublicService', ERROR, 'SCTP on a public service.',
    'Azure\'s load balancer takes SCTP on internal Standard load balancers only.', CLOUD_PROVIDER)
def sctp_on_public_service(service, _context):
    """One finding per port."""
    for index, port in service.ports:
        if port.get('protocol') == 'SCTP' and not service.internal:
            yield Hit('SCTP works on internal services only.', ('spec', 'ports', index, 'protocol'),
                      'Make the service internal, or use another protocol.')


@RULES.rule(
    'NoRuleOnEveryPort', ERROR, 'port_{port}_no_lb_rule "true" on every port.',
    'The service gets an address and not one load balancing rule: nobody reaches it.', CLOUD_PROVIDER)
def no_rule_on_every_port(service, _context):
    """Meant for a port that only serves health checks."""
    if service.ports and not service.rules():
        yield Hit('No port of the service gets a load balancing rule.', ('metadata', 'annotations'),
                  'Remove port_..._no_lb_rule from the ports that clients use.')


@RULES.rule(
    'OtherLoadBalancerClass', INFO, 'spec.loadBalancerClass is set.',
    'Azure\'s cloud provider leaves such a service to somebody else; rules on Azure were not applied.', KUBERNETES)
def other_load_balancer_class(service, _context):
    """The other rules on Azure are passed over then."""
    value = service.spec.get('loadBalancerClass')
    if isinstance(value, str) and value:
        yield Hit(f'The service is of the load balancer class {quoted(value)}, which is not Azure\'s.',
                  ('spec', 'loadBalancerClass'), 'Remove the field if Azure shall serve it.')
