# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Rules on annotations: their names, their values, and what they need to have an effect."""

from ...model.finding import ERROR, INFO, WARNING
from . import annotations as known
from .catalogue import AKS, AKS_INTERNAL, CLOUD_PROVIDER, KUBERNETES_NAMES, PRIVATE_LINK, Hit, Rulebook
from .service import PREFIX, annotation_path, quoted

RULES = Rulebook()


def _azure(service):
    """(name without prefix, row of the table) of each annotation that the cloud provider knows."""
    for key in service.annotations:
        row = known.find(key[len(PREFIX):]) if key.startswith(PREFIX) else None
        if row:
            yield key[len(PREFIX):], row


def _values(service):
    """(name, row, text) of each known annotation that holds text and is not empty."""
    for name, row in _azure(service):
        value = service.annotation(name)
        if value and value.strip():
            yield name, row, value


@RULES.rule(
    'UnknownAnnotation', ERROR,
    'An annotation under service.beta.kubernetes.io/ that Azure does not know, or a known one under another prefix; '
    'an error where the known name restricts who may connect, else a warning.',
    'Unknown names are passed over in silence: with azure-load-balancer-internal misspelt the service is public.',
    CLOUD_PROVIDER)
def unknown_annotation(service, _context):
    """The name is in no list of the cloud provider's annotations."""
    for key in service.annotations:
        prefix, _, name = key.rpartition('/')
        ours = key.startswith(PREFIX)
        name = key[len(PREFIX):] if ours else name
        if ours and (known.find(name) or name.startswith(known.OTHER_CLOUDS)):
            continue
        if not ours and not (name.startswith(('azure-', 'port_')) and known.find(name)):
            continue
        meant = known.nearest(name)
        guards = meant and known.find(meant) and known.find(meant).guards
        yield Hit(f'Azure does not know the annotation {quoted(key)} and passes it over'
                  + (f'; did you mean {PREFIX}{meant}?' if meant else '.'),
                  ('metadata', 'annotations', key),
                  f'Write {PREFIX}{meant}.' if meant else 'Remove it, or look up its name in the list of annotations.',
                  ERROR if guards else WARNING, {'prefix': prefix, 'nearest': PREFIX + meant if meant else None})


@RULES.rule(
    'ForeignAnnotation', INFO, 'An annotation of another cloud.',
    'It has no effect on AKS. In a manifest that serves several clouds that is as it should be.', CLOUD_PROVIDER)
def foreign_annotation(service, _context):
    """One finding for all of them: a chart may carry a dozen."""
    foreign = [key for key in service.annotations
               if key.startswith(PREFIX) and key[len(PREFIX):].startswith(known.OTHER_CLOUDS)]
    if foreign:
        yield Hit(f'{len(foreign)} annotation(s) of other clouds have no effect on AKS: '
                  + ', '.join(quoted(key) for key in foreign[:3]) + (', ...' if len(foreign) > 3 else '.'),
                  ('metadata', 'annotations', foreign[0]), 'Keep them where the manifest serves other clouds too.')


@RULES.rule(
    'AnnotationNotString', ERROR, 'An annotation whose value is a boolean, a number, a list or a mapping.',
    'Annotations are text: Kubernetes refuses the whole manifest. true, yes, on, 4 and 1e3 need quotes in YAML.',
    KUBERNETES_NAMES)
def annotation_not_string(service, _context):
    """Every annotation counts here, whoever reads it."""
    for key, value in service.annotations.items():
        if value is None or isinstance(value, str):
            continue
        is_scalar = isinstance(value, (bool, int, float))
        kind = ('a boolean' if isinstance(value, bool) else 'a number') if is_scalar else quoted(value)
        yield Hit(f'The annotation {quoted(key)} is {kind}, not text; Kubernetes refuses the manifest.',
                  ('metadata', 'annotations', key),
                  f'Write it in quotes: "{str(value).lower()[:40]}".' if is_scalar else 'Write it as text.')


@RULES.rule(
    'AnnotationEmpty', ERROR,
    'A known annotation without a value; an error where the service then fails or is public, else a warning.',
    'An empty value is no default: numbers and addresses cannot be parsed, and everything else counts as not set.',
    CLOUD_PROVIDER)
def annotation_empty(service, _context):
    """The label of the public IP may be empty: that removes it."""
    for name, row in _azure(service):
        value = service.annotation(name)
        if value is not None and not value.strip() and not row.may_be_empty:
            yield Hit(f'The annotation {name} is empty.', annotation_path(name),
                      'Give it a value, or remove the annotation.', row.severity)


@RULES.rule(
    known.INVALID, ERROR,
    'A value of the wrong kind: no "true" or "false", no whole number, no address, no name, ...; an error where the '
    'service then fails or is exposed, else a warning.',
    'The cloud provider either fails (the service stays <pending>) or takes the value for "false", tcp or nothing.',
    CLOUD_PROVIDER)
def annotation_value_invalid(service, _context):
    """What the table of annotations says of the value."""
    return _faults(service, known.INVALID)


@RULES.rule(
    known.OUT_OF_RANGE, ERROR,
    'A number out of its range: idle timeout 4 to 30 minutes, probe interval from 5 seconds, failures from 2, '
    'addresses of a private link service 1 to 8.',
    'The cloud provider refuses the value, and the service stays <pending>.', AKS)
def annotation_out_of_range(service, _context):
    """What the table of annotations says of the number."""
    return _faults(service, known.OUT_OF_RANGE)


def _faults(service, code):
    for name, row, value in _values(service):
        fault = row.kind(value)
        if fault and fault.code == code:
            yield Hit(f'The annotation {name} is {quoted(value)}, which {fault.says}.', annotation_path(name),
                      f'Correct the value of {name}, or remove the annotation.', fault.severity or row.severity,
                      {'value': value[:200]})


@RULES.rule(
    'ProbingTooLong', ERROR, 'Probe interval x number of probes reaches 120 seconds.',
    'The cloud provider refuses it, and the service stays <pending>.', CLOUD_PROVIDER)
def probing_too_long(service, _context):
    """Per port, where the port has annotations of its own; a port without them goes by the general ones."""
    general = (_number(service, 'azure-load-balancer-health-probe-interval', known.DEFAULT_INTERVAL),
               _number(service, 'azure-load-balancer-health-probe-num-of-probe', known.DEFAULT_PROBES))
    ports = sorted({port for port in map(known.port_of, (name for name, _ in _azure(service))) if port is not None})
    for interval, probes, path in [
            (*general, annotation_path('azure-load-balancer-health-probe-interval')),
            *((_number(service, f'port_{port}_health-probe_interval', general[0]),
               _number(service, f'port_{port}_health-probe_num-of-probe', general[1]),
               annotation_path(f'port_{port}_health-probe_interval')) for port in ports)]:
        if interval * probes >= known.LONGEST_PROBING:
            yield Hit(f'{probes} probes every {interval} seconds take {interval * probes} seconds; it must be less '
                      f'than {known.LONGEST_PROBING}.', path, 'Lower the interval or the number of probes.',
                      None, {'intervalInSeconds': interval, 'probes': probes})
            return


def _number(service, name, default):
    value = (service.annotation(name) or '').strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else default


@RULES.rule(
    'AnnotationDeprecated', WARNING, 'An annotation that is no longer of use.',
    'It has no effect on a Standard load balancer and misleads who reads the manifest.', CLOUD_PROVIDER)
def annotation_deprecated(service, _context):
    """Marked in the table of annotations."""
    for name, row in _azure(service):
        if row.deprecated:
            yield Hit(f'The annotation {name} is deprecated: {row.deprecated}.', annotation_path(name),
                      f'Remove {name}.')


@RULES.rule(
    'AnnotationNeedsAnother', ERROR,
    'An annotation without the one that gives it its effect: internal-subnet without internal "true" (an error: the '
    'service is public), high availability ports without internal, azure-pls-... without azure-pls-create.',
    'Alone it is passed over in silence.', AKS_INTERNAL)
def annotation_needs_another(service, _context):
    """The needs in the table of annotations."""
    for name, row, value in _values(service):
        need = row.needs
        if need and not (row.kind is known.boolean and value.lower() != 'true') \
                and (service.annotation(need.name) or '').strip().lower() != need.value:
            yield Hit(f'The annotation {name} has no effect without {need.name} "{need.value}": {need.otherwise}.',
                      annotation_path(name), f'Add {PREFIX}{need.name}: "{need.value}", or remove {name}.',
                      need.severity)


@RULES.rule(
    'PublicSettingOnInternalService', WARNING,
    'A DNS label, or another setting of the public IP, on an internal service.',
    'An internal service has no public IP: the setting is passed over in silence.', AKS_INTERNAL)
def public_setting_on_internal_service(service, _context):
    """Marked in the table of annotations."""
    if service.internal:
        for name, row, _ in _values(service):
            if row.public_only:
                yield Hit(f'The annotation {name} is about a public IP, and the service is internal.',
                          annotation_path(name), f'Remove {name}, or make the service public.')


@RULES.rule(
    'PrivateLinkOnPublicService', WARNING,
    'azure-pls-create on a public service that keeps floating IP.',
    'Connections through the private link are broken then.', PRIVATE_LINK)
def private_link_on_public_service(service, _context):
    """Either way out is documented."""
    if service.is_true('azure-pls-create') and not service.internal \
            and not service.is_true('azure-disable-load-balancer-floating-ip'):
        yield Hit('A private link service does not work behind a public service with floating IP.',
                  annotation_path('azure-pls-create'),
                  f'Add {PREFIX}azure-load-balancer-internal: "true" '
                  f'or {PREFIX}azure-disable-load-balancer-floating-ip: "true".')


@RULES.rule(
    'PortAnnotationWithoutPort', WARNING, 'A port_{port}_... annotation for a port that the service does not have.',
    'It is passed over in silence.', CLOUD_PROVIDER)
def port_annotation_without_port(service, _context):
    """{port} is the port of the service, not the target port."""
    ports = {port.get('port') for _, port in service.ports if isinstance(port.get('port'), int)}
    for name, _ in _azure(service):
        port = known.port_of(name)
        if port is not None and port not in ports:
            yield Hit(f'The annotation {name} is for port {port}, which is no port of the service.',
                      annotation_path(name), 'Name a port of spec.ports[].port (not the targetPort).', None,
                      {'ports': sorted(ports)[:20]})


@RULES.rule(
    'ProbePortUnknown', ERROR, 'port_{port}_health-probe_port is neither a port number nor the name of a port.',
    'The cloud provider fails on it, and the service stays <pending>.', CLOUD_PROVIDER)
def probe_port_unknown(service, _context):
    """A name is compared without regard to case."""
    names = {port['name'].lower() for _, port in service.ports if isinstance(port.get('name'), str)}
    for name, row, value in _values(service):
        if row.name == 'health-probe_port' and value.lower() not in names \
                and not (value.isascii() and value.isdigit() and len(value) < 9 and int(value) <= 65535):
            yield Hit(f'The annotation {name} is {quoted(value)}: neither a port number nor the name of a port of the '
                      'service.', annotation_path(name), 'Give a number up to 65535, or the name of a port.')


@RULES.rule(
    'AnnotationNeedsNewerKubernetes', WARNING,
    'With a cluster: an annotation that came with a later Kubernetes than the cluster runs.',
    'The cluster passes it over in silence.', CLOUD_PROVIDER)
def annotation_needs_newer_kubernetes(service, context):
    """From the documentation's column of versions."""
    if not context or not context.kubernetes_version:
        return
    for name, row in _azure(service):
        if row.since > context.kubernetes_version:
            yield Hit(f'The annotation {name} needs Kubernetes {_version(row.since)}; the cluster runs '
                      f'{_version(context.kubernetes_version)}.', annotation_path(name),
                      'Upgrade the cluster, or do without the annotation.')


def _version(numbers):
    return '.'.join(map(str, numbers))
