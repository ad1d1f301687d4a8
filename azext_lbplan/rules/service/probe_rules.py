# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Rules on the health probes of a Service: what decides whether a node gets traffic at all."""

from typing import Iterable, Iterator, List, Set, Tuple

from ...facts.links import AKS, CLOUD_PROVIDER
from ...model.finding import ERROR, WARNING, Finding
from ...model.service import PREFIX, annotation_path, quoted
from . import probes as probing
from .probes import PortProbe, Probe
from .subject import LinkedRulebook, ServiceInCluster, ServiceRule, annotated, azure_class, specified

RULES: LinkedRulebook[ServiceInCluster] = LinkedRulebook(needs=(azure_class,))


def _probed(subject: ServiceInCluster) -> Iterator[Tuple[PortProbe, Probe]]:
    """Each port that has a probe."""
    for port in subject.probes:
        if port.probe:
            yield port, port.probe


@RULES.rule('AppProtocolProbesRoot', WARNING,
            title='appProtocol http or https without a request path for the health probe.',
            why='The port is probed by HTTP(S) on /: where the backend answers anything but 200 there (404, a '
                'redirect, 401), every node is taken out and nobody reaches the service.',
            source=CLOUD_PROVIDER)
def app_protocol_probes_root(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """One finding for all ports: they fail together. Reported in AKS#3210, #2903, #3503 and #3646."""
    service = subject.service
    ports = [(port, probe) for port, probe in _probed(subject)
             if probe.decided_by == probing.APP_PROTOCOL and probe.protocol != probing.TCP
             and service.annotation(probing.REQUEST_PATH) is None
             and service.annotation(f'port_{port.port}_health-probe_request-path') is None]
    if not ports:
        return
    first, probe = ports[0]
    numbers = ', '.join(str(port.port) for port, _ in ports)
    yield rule.finding(
        f'Because of appProtocol, port {numbers} is probed by {probe.protocol.upper()} GET / every '
        f'{probe.interval.value} seconds; {probe.probes.value} answers other than 200 take a node out.',
        **subject.at(('spec', 'ports', first.position, 'appProtocol'), ports=[port.port for port, _ in ports],
                     probe=probe.protocol, requestPath='/'),
        remediation=f'Name a path that answers 200 without a redirect or login: {PREFIX}{probing.REQUEST_PATH}: '
                    f'/healthz; or probe by TCP: {PREFIX}port_{first.port}_health-probe_protocol: tcp.')


@RULES.rule('ProbingTooLong', ERROR, concerns=annotated,
            title=f'Probe interval x number of probes reaches {probing.LONGEST_PROBING} seconds.',
            why='The cloud provider refuses it, and the service stays <pending>.',
            source=CLOUD_PROVIDER)
def probing_too_long(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Only of probes that are made: not of UDP ports, of ports without a rule, or of those that another one serves."""
    for _, probe in _probed(subject):
        interval, probes, seconds = probe.interval, probe.probes, probe.seconds
        if seconds is not None and seconds >= probing.LONGEST_PROBING:
            name = interval.annotation or probes.annotation or probing.INTERVAL
            yield rule.finding(
                f'{probes.value} probes every {interval.value} seconds take {seconds} seconds; it must be less than '
                f'{probing.LONGEST_PROBING}.',
                **subject.at(annotation_path(name), intervalInSeconds=interval.value, probes=probes.value),
                remediation='Lower the interval or the number of probes.')
            return


@RULES.rule('ProbePortUnknown', ERROR, concerns=annotated,
            title='port_{port}_health-probe_port is neither a port number nor the name of a port.',
            why='The cloud provider fails on it, and the service stays <pending>.',
            source=CLOUD_PROVIDER)
def probe_port_unknown(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """A name is compared without regard to case."""
    for port, probe in _probed(subject):
        if probe.goes_to == probing.GIVEN and probe.port is None:
            name = f'port_{port.port}_health-probe_port'
            yield rule.finding(
                f'The annotation {name} is {quoted(subject.service.annotation(name))}: neither a port number nor the '
                'name of a port of the service.', **subject.at(annotation_path(name)),
                remediation='Give a number up to 65535, or the name of a port.')


@RULES.rule('NoProbeCanBeMade', WARNING, concerns=annotated,
            title='High availability ports, and no port whose health probe can be made.',
            why='The cloud provider only logs what is wrong; the rule for all ports is written without a probe, and '
                'nodes that are down keep getting connections.',
            source=CLOUD_PROVIDER)
def no_probe_can_be_made(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """UDP alone has no probe in any case."""
    service = subject.service
    tcp = [port for _, port in service.ports if port.get('protocol') in (None, '', 'TCP')]
    if service.has_high_availability_ports and tcp and not subject.probes:
        yield rule.finding(
            'No health probe can be made from the annotations: the load balancing rule has none.',
            **subject.at(annotation_path('azure-load-balancer-enable-high-availability-ports')),
            remediation='Correct the annotations for the health probe.')


@RULES.rule('LocalIgnoresProbeAnnotations', WARNING, concerns=annotated,
            title='externalTrafficPolicy Local together with annotations for protocol, path or port settings of the '
                  'health probe.',
            why='A Local service is probed by HTTP on its healthCheckNodePort, at the general interval and number; '
                'only ports with port_{port}_health-probe_port heed the rest.',
            source=CLOUD_PROVIDER)
def local_ignores_probe_annotations(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """A private link service with proxy protocol is probed as a Cluster service is."""
    service = subject.service
    by_node = [probe for _, probe in _probed(subject) if probe.decided_by == probing.LOCAL]
    if not by_node:
        return
    heeded: Set[object] = {port.port for port, probe in _probed(subject) if probe.decided_by != probing.LOCAL}
    heeded.add(by_node[0].port)
    for key in service.annotations:
        name = key[len(PREFIX):] if key.startswith(PREFIX) else ''
        general = name in (probing.PROTOCOL, probing.REQUEST_PATH) and len(by_node) == len(subject.probes)
        if general or _of_ports(name, service_ports(subject)) - heeded:
            yield rule.finding(
                f'The annotation {name} has no effect on a service with externalTrafficPolicy Local.',
                **subject.at(annotation_path(name)),
                remediation='Remove it, or add port_{port}_health-probe_port to have the port probed by itself.')


def service_ports(subject: ServiceInCluster) -> List[object]:
    """The ports that get a rule."""
    return [port.port for port in subject.probes]


def _of_ports(name: str, ports: List[object]) -> Set[object]:
    """The port that an annotation for the probe of one port is about."""
    return {port for port in ports if name.startswith(f'port_{port}_health-probe_')}


@RULES.rule('NodePortsNotAllocated', ERROR, concerns=specified,
            title='allocateLoadBalancerNodePorts false where a health probe, or traffic without floating IP, needs a '
                  'node port; a warning where it is not known whether the cluster shares one probe.',
            why='Without node ports a Cluster service cannot be probed, and without floating IP not be reached.',
            source=AKS)
def node_ports_not_allocated(rule: ServiceRule, subject: ServiceInCluster) -> Iterable[Finding]:
    """Ports that have a node port of their own are not concerned, nor are UDP ports: they have no probe."""
    service = subject.service
    if service.spec.get('allocateLoadBalancerNodePorts') is not False:
        return
    without = any(not port.get('nodePort') for _, port in service.ports)
    unreachable = without and service.is_true('azure-disable-load-balancer-floating-ip')
    unprobed = any(probe.goes_to == probing.NODE_PORT and probe.port is None for _, probe in _probed(subject))
    if unreachable or unprobed:
        unknown = not unreachable and not service.is_local and subject.cluster.shared_probe is None
        yield rule.finding(
            'Without node ports, ' + ('traffic and probes do' if unreachable else 'health probes do')
            + ' not reach this service' + (', unless the cluster is in shared probe mode.' if unknown else '.'),
            **subject.at(('spec', 'allocateLoadBalancerNodePorts')), severity=WARNING if unknown else ERROR,
            remediation='Set externalTrafficPolicy: Local and keep floating IP, or leave the node ports allocated.')
