# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Rules on annotations: their names, their values, and what they need to have an effect."""

import re
from typing import Iterable, Iterator, Tuple

from ...facts.links import AKS, AKS_INTERNAL, CLOUD_PROVIDER, KUBERNETES_NAMES, PRIVATE_LINK
from ...facts.networks import IPV4
from ...model.finding import ERROR, INFO, WARNING, Finding
from ...model.service import PREFIX, RANGE_ANNOTATIONS, Service, annotation_path, quoted
from . import annotations as known
from .advice import INTERNAL_ELSEWHERE, advise
from .subject import (LinkedRulebook, ServiceInCluster, ServiceRule, annotated, azure_class, known_cluster,
                      written_version)

RULES: LinkedRulebook[ServiceInCluster] = LinkedRulebook(needs=(azure_class,), concerns=annotated)

_INTERNAL = 'azure-load-balancer-internal'

#: Annotations that let nobody in where they are empty.
_CLOSING = (*RANGE_ANNOTATIONS, 'azure-allowed-service-tags')


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
    for key, prefix, name in _unknown(subject.service):
        advice = advise(name)
        meant = advice.instead
        row = known.find(meant) if meant else None
        yield rule.finding(
            f'Azure does not know the annotation {quoted(key)} and passes it over'
            + (f'; did you mean {PREFIX}{meant}?' if meant else '.'),
            **subject.at(('metadata', 'annotations', key), prefix=prefix, nearest=PREFIX + meant if meant else None),
            severity=ERROR if row and row.guards else WARNING,
            remediation=f'Write {PREFIX}{meant}.' if meant else
                        advice.says or 'Remove it, or look up its name in the list of annotations.')


def _unknown(service: Service) -> Iterator[Tuple[str, str, str]]:
    """(key, prefix, name) of each annotation that is meant for Azure and that Azure does not know."""
    for key in service.annotations:
        prefix, _, name = key.rpartition('/')
        if key.startswith(PREFIX):
            name = key[len(PREFIX):]
            unknown = not known.find(name) and not name.startswith(known.OTHER_CLOUDS)
        else:
            unknown = name.startswith(('azure-', 'port_')) and known.find(name) is not None
        if unknown:
            yield key, prefix, name


@RULES.rule('InternalElsewhereOnly', WARNING,
            title='An annotation that asks another cloud for an internal load balancer, without Azure\'s.',
            why='On AKS the service is public.',
            source=AKS_INTERNAL)
def internal_elsewhere_only(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """In a manifest for several clouds Azure's annotation was forgotten."""
    service = subject.service
    if PREFIX + _INTERNAL in service.annotations:
        return
    for key, value in service.annotations.items():
        asks = INTERNAL_ELSEWHERE.get(key)
        if asks and isinstance(value, str) and re.fullmatch(asks, value.strip().lower()):
            yield rule.finding(
                f'{quoted(key)} makes the service internal in another cloud; on AKS it is public.',
                **subject.at(('metadata', 'annotations', key)), remediation=f'Add {PREFIX}{_INTERNAL}: "true".')
            return


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
    """The label of the public IP may be empty: that removes it. Empty ranges and tags are another rule's."""
    service = subject.service
    for name, row in _azure(service):
        value = service.annotation(name)
        if value is not None and not value.strip() and not row.may_be_empty and name not in _CLOSING:
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
            title='A number out of its range: idle timeout 4 to 100 minutes (30 before Kubernetes 1.28), probe '
                  'interval from 5 seconds, failures from 2, addresses of a private link service 1 to 8.',
            why='The cloud provider refuses the value, and the service stays <pending>.',
            source=CLOUD_PROVIDER)
def annotation_out_of_range(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """What the table of annotations says of the number."""
    return _faults(rule, subject)


def _faults(rule: ServiceRule, subject: ServiceInCluster) -> Iterator[Finding]:
    for name, row, value in _values(subject.service):
        fault = row.kind(value)
        if fault and fault.code == rule.code and not (name == _INTERNAL and value.lower() == 'true'):
            heeded = row.severity if not row.of_probe or _is_heeded(subject, name) else WARNING
            yield rule.finding(
                f'The annotation {name} is {quoted(value)}, which {fault.says}.',
                **subject.at(annotation_path(name), value=value[:200]), severity=heeded,
                remediation=f'Correct the value of {name}, or remove the annotation.')


def _is_heeded(subject: ServiceInCluster, name: str) -> bool:
    """Whether a probe that is made takes a number from the annotation: then the cloud provider fails on a bad one."""
    return any(port.probe and name in (port.probe.interval.annotation, port.probe.probes.annotation)
               for port in subject.probes)


@RULES.rule('IdleTimeoutNeedsNewerKubernetes', ERROR,
            title='An idle timeout above 30 minutes, which the cloud provider takes from Kubernetes 1.28 on; '
                  'information where the version is not known.',
            why='Before, the cloud provider refuses it, and the service stays <pending>. The article on AKS still '
                'says 30.',
            source=AKS)
def idle_timeout_needs_newer_kubernetes(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Source: cloud-provider-azure PR 4360."""
    name, version = 'azure-load-balancer-tcp-idle-timeout', subject.cluster.kubernetes_version
    value = (subject.service.annotation(name) or '').strip()
    if (version is not None and version >= known.LONGER_IDLE_TIMEOUT_FROM) or not value.isdigit() \
            or not value.isascii() or len(value) > 9:
        return
    if known.DOCUMENTED_IDLE_TIMEOUT < int(value) <= known.LONGEST_IDLE_TIMEOUT:
        yield rule.finding(
            f'An idle timeout of {value} minutes needs Kubernetes 1.28'
            + (f'; the cluster runs {written_version(version)}.' if version else '.'),
            **subject.at(annotation_path(name)), severity=ERROR if version else INFO,
            remediation=f'Lower it to {known.DOCUMENTED_IDLE_TIMEOUT}, or upgrade the cluster.')


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
        is_off = row.kind in (known.boolean, known.trimmed_boolean) and value.strip().lower() != 'true'
        if need and not is_off and not _is_met(service, need):
            yield rule.finding(
                f'The annotation {name} has no effect without {need.name} "{need.value}": {need.otherwise}.',
                **subject.at(annotation_path(name)), severity=need.severity,
                remediation=f'Add {PREFIX}{need.name}: "{need.value}", or remove {name}.')


def _is_met(service: Service, need: known.Need) -> bool:
    if need.name == _INTERNAL:
        return service.is_true(_INTERNAL)  # another rule says what "True" does
    return (service.annotation(need.name) or '').strip().lower() == need.value


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


@RULES.rule('PrivateLinkOnPublicService', ERROR,
            title='azure-pls-create on a public service that keeps floating IP.',
            why='The cloud provider refuses it, and the service stays <pending>.',
            source=PRIVATE_LINK)
def private_link_on_public_service(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Either way out is documented. Source: cloud-provider-azure `azure_privatelinkservice.go`, issue 4838."""
    service = subject.service
    if service.wants_private_link and not service.internal \
            and not service.is_true('azure-disable-load-balancer-floating-ip'):
        yield rule.finding(
            'A private link service needs an internal service, or floating IP disabled.',
            **subject.at(annotation_path('azure-pls-create')),
            remediation=f'Add {PREFIX}azure-load-balancer-internal: "true" '
                        f'or {PREFIX}azure-disable-load-balancer-floating-ip: "true".')


@RULES.rule('PrivateLinkNeedsIPv4', ERROR, since=(1, 27),
            title='azure-pls-create on a service that has IPv6 only.',
            why='Private link services have IPv4 only: the cloud provider refuses it, and the service stays <pending>.',
            source=PRIVATE_LINK)
def private_link_needs_ipv4(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """In dual-stack only the IPv4 frontend gets one."""
    service = subject.service
    if service.wants_private_link and not service.is_dual_stack and IPV4 not in subject.families:
        yield rule.finding(
            'A private link service needs IPv4, and the service has IPv6 only.',
            **subject.at(annotation_path('azure-pls-create')),
            remediation='Add IPv4 to spec.ipFamilies, or do without the private link service.')


@RULES.rule('PrivateLinkAddressCount', ERROR,
            title='More static addresses for a private link service than it shall have (by default 1).',
            why='The cloud provider refuses it, and the service stays <pending>.',
            source=PRIVATE_LINK)
def private_link_address_count(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """The same address twice counts once."""
    service = subject.service
    name = 'azure-pls-ip-configuration-ip-address'
    written = (service.annotation(f'{name}-count') or '1').strip()
    static = set((service.annotation(name) or '').split())
    if service.wants_private_link and written.isascii() and written.isdigit() and len(static) > int(written[:9]):
        yield rule.finding(
            f'{len(static)} static addresses for a private link service of {written}.',
            **subject.at(annotation_path(name)),
            remediation=f'Set {PREFIX}{name}-count: "{len(static)}" (at most 8), or name fewer addresses.')


@RULES.rule('PrivateLinkOnNodeIPPool', ERROR,
            title='With a cluster: azure-pls-create where backend pools hold the IPs of nodes.',
            why='A private link service cannot use a load balancer whose pools are of type nodeIP.',
            source=PRIVATE_LINK, needs=(azure_class, known_cluster))
def private_link_on_node_ip_pool(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Source: AZURE-FACTS section 1."""
    if subject.service.wants_private_link and subject.cluster.node_ip_pool:
        yield rule.finding(
            'The backend pools of the cluster are of type nodeIP: no private link service can use them.',
            **subject.at(annotation_path('azure-pls-create')),
            remediation='Switch the cluster to nodeIPConfiguration, or do without the private link service.')


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
                f'The annotation {name} needs Kubernetes {written_version(row.since)}; the cluster runs '
                f'{written_version(version)}.', **subject.at(annotation_path(name)),
                remediation='Upgrade the cluster, or do without the annotation.')
