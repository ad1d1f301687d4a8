# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Rules on annotations: their names, their values, and what they need to have an effect."""

from typing import Iterable, Iterator, Tuple

from ...facts.links import AKS, AKS_INTERNAL, CLOUD_PROVIDER, KUBERNETES_NAMES, PRIVATE_LINK
from ...model.finding import ERROR, INFO, WARNING, Finding
from ...model.service import PREFIX, Service, annotation_path, quoted
from . import annotations as known
from .subject import LinkedRulebook, ServiceInCluster, ServiceRule, azure_class, known_cluster

RULES: LinkedRulebook[ServiceInCluster] = LinkedRulebook(needs=(azure_class,))


def _azure(service: Service) -> Iterator[Tuple[str, known.Annotation]]:
    """(name without prefix, row of the table) of each annotation that the cloud provider knows."""
    for key in service.annotations:
        row = known.find(key[len(PREFIX):]) if key.startswith(PREFIX) else None
        if row:
            yield key[len(PREFIX):], row


def _values(service: Service) -> Iterator[Tuple[str, known.Annotation, str]]:
    """(name, row, text) of each known annotation that holds text and is not empty."""
    for name, row in _azure(service):
        value = service.annotation(name)
        if value and value.strip():
            yield name, row, value


@RULES.rule('UnknownAnnotation', ERROR,
            title='An annotation under service.beta.kubernetes.io/ that Azure does not know, or a known one under '
                  'another prefix; an error where the known name restricts who may connect, else a warning.',
            why='Unknown names are passed over in silence: with azure-load-balancer-internal misspelt the service is '
                'public.',
            source=CLOUD_PROVIDER)
def unknown_annotation(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """The name is in no list of the cloud provider's annotations."""
    service = subject.service
    for key in service.annotations:
        prefix, _, name = key.rpartition('/')
        ours = key.startswith(PREFIX)
        name = key[len(PREFIX):] if ours else name
        if ours and (known.find(name) or name.startswith(known.OTHER_CLOUDS)):
            continue
        if not ours and not (name.startswith(('azure-', 'port_')) and known.find(name)):
            continue
        meant = known.nearest(name)
        row = known.find(meant) if meant else None
        yield rule.finding(
            f'Azure does not know the annotation {quoted(key)} and passes it over'
            + (f'; did you mean {PREFIX}{meant}?' if meant else '.'),
            **subject.at(('metadata', 'annotations', key), prefix=prefix, nearest=PREFIX + meant if meant else None),
            severity=ERROR if row and row.guards else WARNING,
            remediation=f'Write {PREFIX}{meant}.' if meant else
                        'Remove it, or look up its name in the list of annotations.')


@RULES.rule('ForeignAnnotation', INFO,
            title='An annotation of another cloud.',
            why='It has no effect on AKS. In a manifest that serves several clouds that is as it should be.',
            source=CLOUD_PROVIDER)
def foreign_annotation(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """One finding for all of them: a chart may carry a dozen."""
    service = subject.service
    foreign = [key for key in service.annotations
               if key.startswith(PREFIX) and key[len(PREFIX):].startswith(known.OTHER_CLOUDS)]
    if foreign:
        yield rule.finding(
            f'{len(foreign)} annotation(s) of other clouds have no effect on AKS: '
            + ', '.join(quoted(key) for key in foreign[:3]) + (', ...' if len(foreign) > 3 else '.'),
            **subject.at(('metadata', 'annotations', foreign[0])),
            remediation='Keep them where the manifest serves other clouds too.')


@RULES.rule('AnnotationNotString', ERROR,
            title='An annotation whose value is a boolean, a number, a list or a mapping.',
            why='Annotations are text: Kubernetes refuses the whole manifest. true, yes, on, 4 and 1e3 need quotes in '
                'YAML.',
            source=KUBERNETES_NAMES)
def annotation_not_string(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Every annotation counts here, whoever reads it."""
    service = subject.service
    for key, value in service.annotations.items():
        if value is None or isinstance(value, str):
            continue
        is_scalar = isinstance(value, (bool, int, float))
        kind = ('a boolean' if isinstance(value, bool) else 'a number') if is_scalar else quoted(value)
        yield rule.finding(
            f'The annotation {quoted(key)} is {kind}, not text; Kubernetes refuses the manifest.',
            **subject.at(('metadata', 'annotations', key)),
            remediation=f'Write it in quotes: "{str(value).lower()[:40]}".' if is_scalar else 'Write it as text.')


@RULES.rule('AnnotationEmpty', ERROR,
            title='A known annotation without a value; an error where the service then fails or is public, else a '
                  'warning.',
            why='An empty value is no default: numbers and addresses cannot be parsed, and everything else counts as '
                'not set.',
            source=CLOUD_PROVIDER)
def annotation_empty(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """The label of the public IP may be empty: that removes it."""
    service = subject.service
    for name, row in _azure(service):
        value = service.annotation(name)
        if value is not None and not value.strip() and not row.may_be_empty:
            yield rule.finding(
                f'The annotation {name} is empty.', **subject.at(annotation_path(name)), severity=row.severity,
                remediation='Give it a value, or remove the annotation.')


@RULES.rule(known.INVALID, ERROR,
            title='A value of the wrong kind: no "true" or "false", no whole number, no address, no name, ...; an '
                  'error where the service then fails or is exposed, else a warning.',
            why='The cloud provider either fails (the service stays <pending>) or takes the value for "false", tcp or '
                'nothing.',
            source=CLOUD_PROVIDER)
def annotation_value_invalid(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """What the table of annotations says of the value."""
    return _faults(rule, subject)


@RULES.rule(known.OUT_OF_RANGE, ERROR,
            title='A number out of its range: idle timeout 4 to 30 minutes, probe interval from 5 seconds, failures '
                  'from 2, addresses of a private link service 1 to 8.',
            why='The cloud provider refuses the value, and the service stays <pending>.',
            source=AKS)
def annotation_out_of_range(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """What the table of annotations says of the number."""
    return _faults(rule, subject)


def _faults(rule: ServiceRule, subject: ServiceInCluster) -> Iterator[Finding]:
    for name, row, value in _values(subject.service):
        fault = row.kind(value)
        if fault and fault.code == rule.code:
            yield rule.finding(
                f'The annotation {name} is {quoted(value)}, which {fault.says}.',
                **subject.at(annotation_path(name), value=value[:200]), severity=fault.severity or row.severity,
                remediation=f'Correct the value of {name}, or remove the annotation.')


@RULES.rule('ProbingTooLong', ERROR,
            title='Probe interval x number of probes reaches 120 seconds.',
            why='The cloud provider refuses it, and the service stays <pending>.',
            source=CLOUD_PROVIDER)
def probing_too_long(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Per port, where the port has annotations of its own; a port without them goes by the general ones."""
    service = subject.service
    general = (_number(service, 'azure-load-balancer-health-probe-interval', known.DEFAULT_INTERVAL),
               _number(service, 'azure-load-balancer-health-probe-num-of-probe', known.DEFAULT_PROBES))
    probing = [(*general, annotation_path('azure-load-balancer-health-probe-interval'))]
    for port in sorted({port for port in (known.port_of(name) for name, _ in _azure(service)) if port is not None}):
        probing.append((_number(service, f'port_{port}_health-probe_interval', general[0]),
                        _number(service, f'port_{port}_health-probe_num-of-probe', general[1]),
                        annotation_path(f'port_{port}_health-probe_interval')))
    for interval, probes, path in probing:
        if interval * probes >= known.LONGEST_PROBING:
            yield rule.finding(
                f'{probes} probes every {interval} seconds take {interval * probes} seconds; it must be less '
                f'than {known.LONGEST_PROBING}.', **subject.at(path, intervalInSeconds=interval, probes=probes),
                remediation='Lower the interval or the number of probes.')
            return


def _number(service: Service, name: str, default: int) -> int:
    value = (service.annotation(name) or '').strip()
    return int(value) if value.isascii() and value.isdigit() and len(value) < 10 else default


@RULES.rule('AnnotationDeprecated', WARNING,
            title='An annotation that is no longer of use.',
            why='It has no effect on a Standard load balancer and misleads who reads the manifest.',
            source=CLOUD_PROVIDER)
def annotation_deprecated(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Marked in the table of annotations."""
    service = subject.service
    for name, row in _azure(service):
        if row.deprecated:
            yield rule.finding(
                f'The annotation {name} is deprecated: {row.deprecated}.', **subject.at(annotation_path(name)),
                remediation=f'Remove {name}.')


@RULES.rule('AnnotationNeedsAnother', ERROR,
            title='An annotation without the one that gives it its effect: internal-subnet without internal "true" (an '
                  'error: the service is public), high availability ports without internal, azure-pls-... without '
                  'azure-pls-create.',
            why='Alone it is passed over in silence.',
            source=AKS_INTERNAL)
def annotation_needs_another(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """The needs in the table of annotations."""
    service = subject.service
    for name, row, value in _values(service):
        need = row.needs
        if need and not (row.kind is known.boolean and value.lower() != 'true') \
                and (service.annotation(need.name) or '').strip().lower() != need.value:
            yield rule.finding(
                f'The annotation {name} has no effect without {need.name} "{need.value}": {need.otherwise}.',
                **subject.at(annotation_path(name)), severity=need.severity,
                remediation=f'Add {PREFIX}{need.name}: "{need.value}", or remove {name}.')


@RULES.rule('PublicSettingOnInternalService', WARNING,
            title='A DNS label, or another setting of the public IP, on an internal service.',
            why='An internal service has no public IP: the setting is passed over in silence.',
            source=AKS_INTERNAL)
def public_setting_on_internal_service(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Marked in the table of annotations."""
    service = subject.service
    if service.internal:
        for name, row, _ in _values(service):
            if row.public_only:
                yield rule.finding(
                    f'The annotation {name} is about a public IP, and the service is internal.',
                    **subject.at(annotation_path(name)), remediation=f'Remove {name}, or make the service public.')


@RULES.rule('PrivateLinkOnPublicService', WARNING,
            title='azure-pls-create on a public service that keeps floating IP.',
            why='Connections through the private link are broken then.',
            source=PRIVATE_LINK)
def private_link_on_public_service(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Either way out is documented."""
    service = subject.service
    if service.is_true('azure-pls-create') and not service.internal \
            and not service.is_true('azure-disable-load-balancer-floating-ip'):
        yield rule.finding(
            'A private link service does not work behind a public service with floating IP.',
            **subject.at(annotation_path('azure-pls-create')),
            remediation=f'Add {PREFIX}azure-load-balancer-internal: "true" '
                        f'or {PREFIX}azure-disable-load-balancer-floating-ip: "true".')


@RULES.rule('PortAnnotationWithoutPort', WARNING,
            title='A port_{port}_... annotation for a port that the service does not have.',
            why='It is passed over in silence.',
            source=CLOUD_PROVIDER)
def port_annotation_without_port(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """{port} is the port of the service, not the target port."""
    service = subject.service
    ports = {number for number in (port.get('port') for _, port in service.ports) if isinstance(number, int)}
    for name, _ in _azure(service):
        port = known.port_of(name)
        if port is not None and port not in ports:
            yield rule.finding(
                f'The annotation {name} is for port {port}, which is no port of the service.',
                **subject.at(annotation_path(name), ports=sorted(ports)[:20]),
                remediation='Name a port of spec.ports[].port (not the targetPort).')


@RULES.rule('ProbePortUnknown', ERROR,
            title='port_{port}_health-probe_port is neither a port number nor the name of a port.',
            why='The cloud provider fails on it, and the service stays <pending>.',
            source=CLOUD_PROVIDER)
def probe_port_unknown(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """A name is compared without regard to case."""
    service = subject.service
    names = {port['name'].lower() for _, port in service.ports if isinstance(port.get('name'), str)}
    for name, row, value in _values(service):
        if row.name == 'health-probe_port' and value.lower() not in names \
                and not (value.isascii() and value.isdigit() and len(value) < 9 and int(value) <= 65535):
            yield rule.finding(
                f'The annotation {name} is {quoted(value)}: neither a port number nor the name of a port of the '
                'service.', **subject.at(annotation_path(name)),
                remediation='Give a number up to 65535, or the name of a port.')


@RULES.rule('AnnotationNeedsNewerKubernetes', WARNING,
            title='With a cluster: an annotation that came with a later Kubernetes than the cluster runs.',
            why='The cluster passes it over in silence.',
            source=CLOUD_PROVIDER, needs=(azure_class, known_cluster))
def annotation_needs_newer_kubernetes(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """From the documentation's column of versions."""
    version = subject.cluster.kubernetes_version
    if version is None:
        return
    for name, row in _azure(subject.service):
        if row.since > version:
            yield rule.finding(
                f'The annotation {name} needs Kubernetes {_version(row.since)}; the cluster runs '
                f'{_version(version)}.', **subject.at(annotation_path(name)),
                remediation='Upgrade the cluster, or do without the annotation.')


def _version(numbers: Iterable[int]) -> str:
    return '.'.join(map(str, numbers))
