# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The health probe that each port of a Service gets, as the cloud provider makes it.

Source: cloud-provider-azure `azure_loadbalancer_healthprobe.go`, buildHealthProbeRulesForPort, and
`azure_loadbalancer.go`, getExpectedLBRules.
"""

import re
from typing import Iterator, NamedTuple, Optional, Tuple

from ...model.fields import Fields
from ...model.service import Service

#: Seconds between two probes, failures until a node is out; their product must stay below the last one.
SHORTEST_INTERVAL, FEWEST_PROBES, LONGEST_PROBING = 5, 2, 120
DEFAULT_INTERVAL, DEFAULT_PROBES = 5, 2

TCP, HTTP, HTTPS = 'Tcp', 'Http', 'Https'

#: What a probe goes to: the port that Kubernetes opens on each node for the port of the Service; the one where
#: kube-proxy says whether a node has a pod of a Local Service; kube-proxy's own health; a number that was given.
NODE_PORT, HEALTH_CHECK_NODE_PORT, KUBE_PROXY, GIVEN = 'nodePort', 'healthCheckNodePort', 'kubeProxy', 'port'

#: What decided the protocol of a probe.
PORT_ANNOTATION, APP_PROTOCOL, ANNOTATION, DEFAULT = 'portAnnotation', 'appProtocol', 'annotation', 'default'
LOCAL, SHARED = 'externalTrafficPolicy', 'shared'

#: kube-proxy's answer, which one probe for all Services asks for in shared probe mode.
KUBE_PROXY_PORT, KUBE_PROXY_PATH = 10256, '/healthz'

INTERVAL, PROBES = 'azure-load-balancer-health-probe-interval', 'azure-load-balancer-health-probe-num-of-probe'
PROTOCOL, REQUEST_PATH = 'azure-load-balancer-health-probe-protocol', 'azure-load-balancer-health-probe-request-path'

_INT32 = 2 ** 31 - 1
_WHOLE = re.compile(r'[-+]?[0-9]{1,18}')
_PROTOCOLS = {'tcp': TCP, 'http': HTTP, 'https': HTTPS}


class Number(NamedTuple):
    """A number of a probe: its value, or None where the cloud provider cannot take it, and the annotation that it
    comes from (None: the default)."""

    value: Optional[int]
    annotation: Optional[str]


_DEFAULTS = Number(DEFAULT_INTERVAL, None), Number(DEFAULT_PROBES, None)


class Probe(NamedTuple):
    """One probe. `port` is None where it is not known yet or is no port; `request_path` where the protocol has none."""

    protocol: str
    goes_to: str
    port: Optional[int]
    request_path: Optional[str]
    interval: Number
    probes: Number
    decided_by: str

    @property
    def seconds(self) -> Optional[int]:
        """How long a node that is down stays in, at most; None where a number is bad."""
        interval, probes = self.interval.value, self.probes.value
        return None if interval is None or probes is None else interval * probes

    @property
    def is_accepted(self) -> bool:
        """Whether the cloud provider makes it, instead of failing."""
        return self.seconds is not None and self.seconds < LONGEST_PROBING and (
            self.goes_to != GIVEN or self.port is not None)


#: What a port gets that says nothing of it, in a manifest that leaves the node port to Kubernetes.
_USUAL = Probe(TCP, NODE_PORT, None, None, *_DEFAULTS, DEFAULT)


class PortProbe(NamedTuple):
    """A port of a Service, with its position in the manifest, and its probe; None where it has none.

    With high availability ports there is one for all ports: `position`, `port` and `protocol` are those of the port
    that it goes to.
    """

    position: int
    port: Optional[int]
    protocol: str
    probe: Optional[Probe]


def probes_of(service: Service, shared: bool = False, basic: bool = False) -> Tuple[PortProbe, ...]:
    """The probe of each port that gets a load balancing rule; `shared`: the cluster is in shared probe mode; `basic`:
    its load balancer is a Basic one, which has no HTTPS probes."""
    all_ports = _node_probe(service, shared)
    if service.has_high_availability_ports and not basic:
        return tuple(_of_high_availability_ports(service, all_ports))
    probes = [_of_port(service, index, port, all_ports) for index, port in service.ports
              if not service.is_true_of_port(port.get('port'), 'no_lb_rule')]
    return tuple(map(_without_https, probes) if basic else probes)


def _without_https(port: PortProbe) -> PortProbe:
    if port.probe and port.probe.protocol == HTTPS:
        return port._replace(probe=port.probe._replace(protocol=TCP, request_path=None))
    return port


def _of_port(service: Service, index: int, port: Fields, all_ports: Optional[Probe]) -> PortProbe:
    probe = None if service.is_true_of_port(port.get('port'), 'no_probe_rule') else \
        _own_probe(service, port, all_ports) or all_ports
    return PortProbe(index, _number(port.get('port')), _transport(port), probe)


def _of_high_availability_ports(service: Service, all_ports: Optional[Probe]) -> Iterator[PortProbe]:
    """The one rule takes the first probe that can be made; what is wrong with the others is only logged."""
    for index, port in service.ports:
        probe = all_ports or _own_probe(service, port, None)
        if probe and (all_ports or probe.is_accepted):
            yield PortProbe(index, _number(port.get('port')), _transport(port), probe)
            return


def _node_probe(service: Service, shared: bool) -> Optional[Probe]:
    """The probe that all ports share because it asks for the node and not for the port; None where there is none."""
    if service.is_local:
        if service.is_true('azure-pls-create') and service.is_true('azure-pls-proxy-protocol'):
            return None
        health_port = _number(service.spec.get('healthCheckNodePort'))
        return Probe(HTTP, HEALTH_CHECK_NODE_PORT, health_port or None, KUBE_PROXY_PATH,
                     *_timing(service, health_port), LOCAL)
    if shared:
        return Probe(HTTP, KUBE_PROXY, KUBE_PROXY_PORT, KUBE_PROXY_PATH, Number(DEFAULT_INTERVAL, None),
                     Number(DEFAULT_PROBES, None), SHARED)
    return None


def _own_probe(service: Service, port: Fields, all_ports: Optional[Probe]) -> Optional[Probe]:
    """The probe of the port itself; None where it has none, or that of all ports."""
    number = _number(port.get('port'))
    given = service.of_port(number, 'health-probe_port')
    if _transport(port) != 'TCP' or (all_ports and (all_ports.decided_by == SHARED or given is None)):
        return None
    if not service.texts and port.get('appProtocol') is None and port.get('nodePort') is None:
        return _USUAL
    protocol, decided_by = _protocol(service, port)
    path = None
    if protocol != TCP:
        path = service.of_port(number, 'health-probe_request-path')
        path = service.annotation(REQUEST_PATH) if path is None else path
        path = '/' if path is None else path
    return Probe(protocol, *_goal(service, port, given), path, *_timing(service, number), decided_by)


def _protocol(service: Service, port: Fields) -> Tuple[str, str]:
    """(protocol, what decided it)."""
    app_protocol = port.get('appProtocol')
    if app_protocol is None and not service.texts:
        return TCP, DEFAULT
    for value, decided_by in (
            (service.of_port(port.get('port'), 'health-probe_protocol'), PORT_ANNOTATION),
            (app_protocol if isinstance(app_protocol, str) else None, APP_PROTOCOL),
            (service.annotation(PROTOCOL), ANNOTATION)):
        if value is not None:
            return _PROTOCOLS.get(value.strip().lower(), TCP), decided_by
    return TCP, DEFAULT


def _goal(service: Service, port: Fields, given: Optional[str]) -> Tuple[str, Optional[int]]:
    """(what the probe goes to, its port): a port of the Service stands for that port's node port."""
    if given is None:
        return NODE_PORT, _node_port(port)
    number = int(given) if _WHOLE.fullmatch(given) else None
    for _, other in service.ports:
        if other.get('port') == number if number is not None else _name(other) == given.lower():
            return NODE_PORT, _node_port(other)
    return GIVEN, number if number is not None and 0 <= number <= 65535 else None


def _name(port: Fields) -> str:
    name = port.get('name')
    return name.lower() if isinstance(name, str) else ''


def _node_port(port: Fields) -> Optional[int]:
    return _number(port.get('nodePort')) or None


def _timing(service: Service, port: Optional[int]) -> Tuple[Number, Number]:
    if not service.texts:
        return _DEFAULTS
    of_port = f'port_{port}_health-probe_' if service.by_port else ''
    return (_setting(service, of_port and of_port + 'interval', INTERVAL, SHORTEST_INTERVAL, _DEFAULTS[0]),
            _setting(service, of_port and of_port + 'num-of-probe', PROBES, FEWEST_PROBES, _DEFAULTS[1]))


def _setting(service: Service, of_port: str, of_all: str, lowest: int, default: Number) -> Number:
    for name in (of_port, of_all):
        value = service.texts.get(name)
        if value is not None:
            value = value.strip()
            number = int(value) if _WHOLE.fullmatch(value) else None
            return Number(number if number is not None and lowest <= number <= _INT32 else None, name)
    return default


def _transport(port: Fields) -> str:
    value = port.get('protocol')
    return value if isinstance(value, str) and value else 'TCP'


def _number(value: object) -> Optional[int]:
    return value if isinstance(value, int) and not isinstance(value, bool) else None
