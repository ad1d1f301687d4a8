# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Rules on a Service among others: what two of them cannot both have."""

from typing import Iterable, Iterator, Optional, Tuple

from ...facts.links import AKS_STATIC_IP, CLOUD_PROVIDER
from ...model.finding import ERROR, WARNING, Finding
from ...model.service import annotation_path, quoted, written_path
from ..engine import Rule
from .subject import LinkedRulebook
from .together import AmongOthers, Seen

RULES: LinkedRulebook[AmongOthers] = LinkedRulebook()

_Rule = Rule[AmongOthers]


def _before(service: Seen, asking: Iterable[Seen]) -> Optional[Seen]:
    """The first other Service that asks for the same, where `service` comes after it."""
    for other in asking:
        if other is service:
            return None
        if not other.is_same(service):
            return other
    return None


def _place(service: Seen, other: Seen) -> str:
    """Where the other Service is, and that the two may be meant for two clusters."""
    where = f'{other.label}' + (f' ({other.file}, line {other.line})' if other.file != service.file else
                                f' (line {other.line})')
    return where if service.folder == other.folder else f'{where}, if both are for one cluster'


def _severity(service: Seen, other: Seen) -> str:
    """Files of one folder are applied together; those of others may be for other clusters."""
    return ERROR if service.folder == other.folder else WARNING


@RULES.rule('PortTakenOnSharedIP', ERROR,
            title='Two services on one IP and port; a warning where their manifests are in two folders, or only one '
                  'of the two gets a load balancing rule there.',
            why='Services may share an IP, not a port of it: the one that comes second stays <pending>.',
            source=AKS_STATIC_IP)
def port_taken_on_shared_ip(rule: _Rule, subject: AmongOthers) -> Iterable[Finding]:
    """Reported in AKS#1621, #715 and #602. Source: cloud-provider-azure checkLoadBalancerResourcesConflicts."""
    service = subject.service
    for frontend, protocol, port, has_rule in _ports(service):
        other = _before(service, subject.claims.by_port.get((frontend, protocol, port), ()))
        if other is None:
            continue
        rules = (has_rule, *(ruled for known, number, ruled in other.ports if (known, number) == (protocol, port)))
        if not any(rules):
            continue
        yield rule.finding(
            f'Port {port}/{protocol} of {_written(frontend)} is asked for by {_place(service, other)} too.',
            target=written_path(('spec', 'ports')), severity=_severity(service, other) if all(rules) else WARNING,
            evidence={'line': service.line, 'port': port, 'protocol': protocol, 'otherFile': other.file,
                      'otherLine': other.line, 'otherService': other.label},
            remediation='Give one of the two another port or another IP.')


def _ports(service: Seen) -> Iterator[Tuple[Tuple[str, ...], str, int, bool]]:
    for frontend in service.frontends:
        for protocol, port, has_rule in service.ports:
            yield frontend, protocol, port, has_rule


def _written(frontend: Tuple[str, ...]) -> str:
    kind, *rest = frontend
    if kind in ('address', 'private'):
        return rest[0]
    return f'the public IP {quoted(rest[-1].rpartition("/")[2])}'


@RULES.rule('DnsLabelTaken', ERROR,
            title='One DNS label on two services that do not share an IP; a warning where their manifests are in two '
                  'folders.',
            why='A label belongs to one public IP: Azure refuses it on another, and the service stays <pending>.',
            source=CLOUD_PROVIDER)
def dns_label_taken(rule: _Rule, subject: AmongOthers) -> Iterable[Finding]:
    """Two services that share an IP may both name its label."""
    service = subject.service
    if not service.dns_label:
        return
    other = _before(service, [one for one in subject.claims.by_label.get(service.dns_label, ())
                              if one is service or not set(one.frontends) & set(service.frontends)])
    if other:
        yield rule.finding(
            f'The DNS label {quoted(service.dns_label)} is that of {_place(service, other)} too.',
            target=written_path(annotation_path('azure-dns-label-name')), severity=_severity(service, other),
            evidence={'line': service.line, 'otherFile': other.file, 'otherLine': other.line,
                      'otherService': other.label},
            remediation='Give each public IP a label of its own.')


@RULES.rule('DnsLabelsOnSharedIP', ERROR,
            title='Two services on one public IP, each with a DNS label of its own; a warning where their manifests '
                  'are in two folders.',
            why='A public IP has one label: on an IP of yours the service that is reconciled last sets it, and the '
                'other name is gone; on one that AKS made the second service is refused.',
            source=CLOUD_PROVIDER)
def dns_labels_on_shared_ip(rule: _Rule, subject: AmongOthers) -> Iterable[Finding]:
    """An empty label takes away the one that is there. Source: cloud-provider-azure reconcileDNSSettings."""
    service = subject.service
    if service.dns_label is None:
        return
    for frontend in service.frontends:
        other = _before(service, [one for one in subject.claims.labellers.get(frontend, ())
                                  if one is service or one.dns_label != service.dns_label])
        if other:
            yield rule.finding(
                f'This service gives {_written(frontend)} {_label(service)}, and {_place(service, other)} '
                f'{_label(other)}.',
                target=written_path(annotation_path('azure-dns-label-name')), severity=_severity(service, other),
                evidence={'line': service.line, 'otherFile': other.file, 'otherLine': other.line,
                          'otherService': other.label},
                remediation='Give the label to one of the two, or give each an IP of its own.')


def _label(service: Seen) -> str:
    return f'the DNS label {quoted(service.dns_label)}' if service.dns_label else 'no DNS label'
