# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""All Services of a run, each in short: what rules on several of them look at, when their manifests are gone."""

import posixpath
from typing import Dict, Hashable, Iterable, List, NamedTuple, Optional, Tuple

from ...facts.networks import IPV4, IPV6
from ...model.service import PREFIX, Service, ip_version, is_private
from ...model.service_context import ServiceContext
from . import annotations as known
from .subject import ServiceInCluster

#: A frontend that a Service asks for: a public IP by its id, by group and name, or by address; or a private address.
Frontend = Tuple[str, ...]


class Seen(NamedTuple):
    """A Service of the run.

    `families` counts the IP families that it gets a frontend for, high where that is unknown; `rules` the load
    balancing rules for each. `frontends` are those that it asks for, the others are its own. `ports` are (protocol,
    port, whether it gets a rule). `is_open`: everybody on the Internet may connect. `hides_clients`: pods see the
    address of a node. `lacks_pods`: its ranges hold no private one. `foreign` are annotations of other clouds.
    `dns_label` is empty where it takes the label away.
    """

    file: Optional[str]
    line: Optional[int]
    namespace: Optional[str]
    name: Optional[str]
    internal: bool
    has_address: bool
    families: int
    rules: int
    frontends: Tuple[Frontend, ...]
    ports: Tuple[Tuple[str, int, bool], ...]
    dns_label: Optional[str]
    is_open: bool
    hides_clients: bool
    lacks_pods: bool
    foreign: Tuple[str, ...]

    @property
    def label(self) -> str:
        """`namespace/name` for a message."""
        return '/'.join(filter(None, (self.namespace, self.name))) or 'a Service without a name'

    @property
    def folder(self) -> str:
        """The folder of its file."""
        return posixpath.dirname((self.file or '').replace('\\', '/'))

    def is_same(self, other: 'Seen') -> bool:
        """Whether both are one Service, as in a base and its overlays; an unknown namespace may be any."""
        return self.name == other.name and (self.namespace == other.namespace or None in (self.namespace,
                                                                                          other.namespace))


class CarriedFrom(NamedTuple):
    """Where annotations for a Service stand that is made elsewhere; `known` where it is known that Services get "
      "them."""

    file: Optional[str]
    line: Optional[int]
    kind: str
    known: bool

    @property
    def label(self) -> str:
        """What it is, and where, for a message."""
        return f'{self.kind} ({self.file}, line {self.line})'


class AllServices(NamedTuple):
    """All Services that Azure's cloud provider serves, what carries annotations for others, and the cluster."""

    services: Tuple[Seen, ...]
    carriers: Tuple[CarriedFrom, ...]
    cluster: ServiceContext

    @property
    def new(self) -> Tuple[Seen, ...]:
        """Those that have no address yet, and so nothing on a load balancer."""
        return tuple(service for service in self.services if not service.has_address)


class Claims(NamedTuple):
    """Who asks for what, in the order of the run: Services by frontend, protocol and port, by DNS label, and those with
    a say on the label of a frontend."""

    by_port: Dict[Hashable, List[Seen]]
    by_label: Dict[str, List[Seen]]
    labellers: Dict[Frontend, List[Seen]]


class AmongOthers(NamedTuple):
    """One Service, and what the others ask for."""

    service: Seen
    claims: Claims
    cluster: ServiceContext


def seen(subject: ServiceInCluster, file: Optional[str]) -> Seen:
    """The Service in short."""
    service, internal = subject.service, subject.service.internal
    return Seen(
        file, service.body.line(('metadata', 'name')), service.namespace, service.name, internal,
        service.has_address, _families(subject), service.rules(), frontends_of(subject), _ports(service),
        dns_label=None if internal else _dns_label(service), is_open=_is_open(subject),
        hides_clients=service.spec.get('externalTrafficPolicy') in (None, '', 'Cluster'),
        lacks_pods=not internal and _lacks_pods(subject), foreign=_foreign(service) if service.annotations else ())


def _foreign(service: Service) -> Tuple[str, ...]:
    return tuple(key for key in service.annotations
                 if key.startswith(PREFIX) and key[len(PREFIX):].startswith(known.OTHER_CLOUDS))


def _dns_label(service: Service) -> Optional[str]:
    label = service.annotation('azure-dns-label-name')
    return None if label is None else label.lower()


def _families(subject: ServiceInCluster) -> int:
    return len(subject.cluster.ip_families or (IPV4, IPV6)) if subject.service.is_dual_stack else 1


def _ports(service: Service) -> Tuple[Tuple[str, int, bool], ...]:
    return tuple((str(port.get('protocol') or 'TCP'), port['port'],
                  not service.is_true_of_port(port['port'], 'no_lb_rule'))
                 for _, port in service.ports if isinstance(port.get('port'), int))


def _is_open(subject: ServiceInCluster) -> bool:
    service, access = subject.service, subject.access
    if service.texts and (service.is_true('azure-load-balancer-internal')
                          or service.is_true('azure-disable-load-balancer-nsg-rule')):
        return False
    return any(access.admits_everybody(4 if family == IPV4 else 6) for family in subject.families)


def _lacks_pods(subject: ServiceInCluster) -> bool:
    ranges = subject.access.source_ranges
    return bool(ranges) and not any(is_private(network) or not network.prefixlen for _, network in ranges)


def frontends_of(subject: ServiceInCluster) -> Tuple[Frontend, ...]:
    """The frontends that a Service asks for, by the cloud provider's precedence: name, prefix, address.

    Source: cloud-provider-azure `azure_loadbalancer.go`, determinePublicIPName, and `azure_utils.go`. A prefix gives
    each Service an IP of its own.
    """
    service = subject.service
    if not service.texts and not service.spec.get('loadBalancerIP'):
        return ()
    addresses = {ip_version(address): str(address) for _, address in service.addresses()}
    if service.internal:
        return tuple(('private', address) for address in addresses.values())
    wanted = (_public_frontend(subject, version, addresses.get(version)) for version, family in ((4, IPV4), (6, IPV6))
              if service.is_dual_stack or family in subject.families)
    return tuple(frontend for frontend in wanted if frontend is not None)


def _public_frontend(subject: ServiceInCluster, version: int, address: Optional[str]) -> Optional[Frontend]:
    """That of one IP version; None where the Service names none, or a prefix."""
    service, suffix = subject.service, '' if version == 4 else '-ipv6'
    fallback = None if service.is_dual_stack else service.annotation('azure-pip-name')
    name = service.annotation(f'azure-pip-name{suffix}') or fallback
    if name:
        group = service.annotation('azure-load-balancer-resource-group') or ''
        return _by_name(subject.cluster, group.strip(), name)
    if address is not None and not service.annotation(f'azure-pip-prefix-id{suffix}'):
        return _by_address(subject.cluster, address)
    return None


def _by_name(cluster: ServiceContext, group: str, name: str) -> Frontend:
    here = (group or cluster.node_resource_group or '').lower()
    for address in cluster.public_addresses:
        if address.name.lower() == name.lower() and address.resource_group.lower() == here:
            return 'id', address.id.lower()
    return 'name', here, name.lower()


def _by_address(cluster: ServiceContext, written: str) -> Frontend:
    for address in cluster.public_addresses:
        if address.address == written:
            return 'id', address.id.lower()
    return 'address', written


def claims_of(services: Iterable[Seen]) -> Claims:
    """Who asks for what."""
    claims = Claims({}, {}, {})
    for service in services:
        for frontend in service.frontends:
            for protocol, port, _ in service.ports:
                claims.by_port.setdefault((frontend, protocol, port), []).append(service)
            if service.dns_label is not None:
                claims.labellers.setdefault(frontend, []).append(service)
        if service.dns_label:
            claims.by_label.setdefault(service.dns_label, []).append(service)
    return claims
