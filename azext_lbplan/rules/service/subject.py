# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What rules on Services look at: one Service, or all that are new, in a cluster; and what they may need."""

from __future__ import annotations

from typing import Any, Callable, Iterable, Iterator, Mapping, NamedTuple, Optional, Tuple, TypedDict, TypeVar

from ...facts.networks import IPV4
from ...model.fields import Path
from ...model.finding import Finding
from ...model.service import Service, written_path
from ...model.service_context import NO_CLUSTER, ServiceContext
from ...model.values import printable
from ..engine import Judge, Rule, Rulebook
from .access import Access, access_of
from .probes import PortProbe, probes_of

S = TypeVar('S')

#: What every Service of type LoadBalancer says in its spec.
_LEAST_FIELDS = frozenset(('type', 'ports', 'selector'))

#: The annotations that ask for an address or a public IP.
_ADDRESS_ANNOTATIONS = frozenset((
    'azure-load-balancer-ipv4', 'azure-load-balancer-ipv6', 'azure-pip-name', 'azure-pip-name-ipv6',
    'azure-pip-prefix-id', 'azure-pip-prefix-id-ipv6'))

#: (major, minor) of Kubernetes, and so of the cloud provider; empty for any.
Version = Tuple[int, ...]


class Place(TypedDict):
    """Where a finding is, as arguments of `rule.finding`."""

    target: Optional[str]
    evidence: Mapping[str, Any]


class ServiceInCluster(NamedTuple):
    """A Service with what the cloud provider makes of it, and what is known of the cluster that it is meant for."""

    service: Service
    cluster: ServiceContext
    access: Access
    probes: Tuple[PortProbe, ...]

    def at(self, path: Path, **evidence: Any) -> Place:
        """The field at `path`, with its line and more `evidence`: `rule.finding('...', **subject.at(path))`."""
        shown = {key: printable(value) if isinstance(value, str) else value for key, value in evidence.items()}
        return {'target': written_path(path), 'evidence': {'line': self.service.body.line(path), **shown}}

    @property
    def families(self) -> Tuple[str, ...]:
        """The IP families of the Service; left out, the first one of the cluster: IPv4, unless the cluster is known."""
        return self.service.families or (self.cluster.ip_families or (IPV4,))[:1]


def in_cluster(service: Service, cluster: ServiceContext = NO_CLUSTER) -> ServiceInCluster:
    """The Service in the cluster."""
    basic = (cluster.load_balancer_sku or '').lower() == 'basic'
    return ServiceInCluster(service, cluster, access_of(service),
                            probes_of(service, bool(cluster.shared_probe), basic))


ServiceRule = Rule[ServiceInCluster]


class LinkedRulebook(Rulebook[S]):
    """Rules whose findings link to their source, and that know from which Kubernetes version they hold."""

    def rule(self, code: str, severity: str, *, title: str, why: str, source: str, since: Version = (),
             **more: Any) -> Callable[[Judge[S]], Judge[S]]:
        if since:
            why = f'{why} From Kubernetes {written_version(since)} on.'
            more['needs'] = (*more.get('needs', self._shared.get('needs', ())), from_version(since))
        add = super().rule(code, severity, title=title, why=why, source=source, link=source, **more)

        def decorate(judge: Judge[S]) -> Judge[S]:
            add(_saying_since(judge, since) if since else judge)
            return judge
        return decorate


def _saying_since(judge: Judge[S], since: Version) -> Judge[S]:
    """`judge`, whose findings say from which version they hold where the version of the cluster is not known."""
    def said(rule: Rule[S], subject: S) -> Iterator[Finding]:
        for finding in judge(rule, subject):
            yield finding if _version_of(subject) else finding._replace(
                message=f'{finding.message} (From Kubernetes {written_version(since)} on.)')
    return said


def _version_of(subject: Any) -> Optional[Tuple[int, int]]:
    version: Optional[Tuple[int, int]] = subject.cluster.kubernetes_version
    return version


def written_version(numbers: Iterable[int]) -> str:
    """1.29 for (1, 29)."""
    return '.'.join(map(str, numbers))


# What a rule may need. Each says why it is not there.

def azure_class(subject: ServiceInCluster) -> Optional[str]:
    """Azure's cloud provider as the one that serves it."""
    name = subject.service.load_balancer_class
    return None if name is None else 'The Service is of another load balancer class.'


def known_cluster(subject: ServiceInCluster) -> Optional[str]:
    """A cluster of which something is known."""
    return 'No cluster was given.' if subject.cluster == NO_CLUSTER else None


# What rules may concern.

def annotated(subject: ServiceInCluster) -> bool:
    """A Service with annotations, whoever's."""
    return bool(subject.service.annotations)


def specified(subject: ServiceInCluster) -> bool:
    """One whose spec says more than every Service of the type has to."""
    return not _LEAST_FIELDS.issuperset(subject.service.spec)


def speaks_of_clients(subject: ServiceInCluster) -> bool:
    """One that says who may connect."""
    return subject.access.restricts


def asks_for_address(subject: ServiceInCluster) -> bool:
    """One that asks for an address or a public IP, in the spec or by an annotation."""
    service = subject.service
    return bool(service.spec.get('loadBalancerIP')) or not _ADDRESS_ANNOTATIONS.isdisjoint(service.texts)


def from_version(since: Version) -> Callable[[Any], Optional[str]]:
    """A Kubernetes version from `since` on, or one that is not known."""
    def need(subject: Any) -> Optional[str]:
        version = _version_of(subject)
        if version is None or version >= since:
            return None
        return f'The cluster runs Kubernetes {written_version(version)}.'
    return need
