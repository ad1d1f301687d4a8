# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What rules on Services look at: one Service, or all that are new, in a cluster; and what they may need."""

from __future__ import annotations

from typing import Any, Callable, Mapping, NamedTuple, Optional, Tuple, TypedDict, TypeVar

from ...facts.networks import IPV4
from ...model.fields import Path
from ...model.service import Service, written_path
from ...model.service_context import NO_CLUSTER, ServiceContext
from ...model.values import printable
from ..engine import Judge, Rule, Rulebook

S = TypeVar('S')


class Place(TypedDict):
    """Where a finding is, as arguments of `rule.finding`."""

    target: Optional[str]
    evidence: Mapping[str, Any]


class ServiceInCluster(NamedTuple):
    """A Service, and what is known of the cluster that it is meant for."""

    service: Service
    cluster: ServiceContext = NO_CLUSTER

    def at(self, path: Path, **evidence: Any) -> Place:
        """The field at `path`, with its line and more `evidence`: `rule.finding('...', **subject.at(path))`."""
        shown = {key: printable(value) if isinstance(value, str) else value for key, value in evidence.items()}
        return {'target': written_path(path), 'evidence': {'line': self.service.body.line(path), **shown}}

    @property
    def families(self) -> Tuple[str, ...]:
        """The IP families of the Service; left out, the first one of the cluster: IPv4, unless the cluster is known."""
        return self.service.families or (self.cluster.ip_families or (IPV4,))[:1]


class NewServices(NamedTuple):
    """All Services that have no address yet, and so nothing on a load balancer."""

    services: Tuple[Service, ...]
    cluster: ServiceContext = NO_CLUSTER


ServiceRule = Rule[ServiceInCluster]


class LinkedRulebook(Rulebook[S]):
    """Rules whose findings link to their source."""

    def rule(self, code: str, severity: str, *, title: str, why: str, source: str,
             **more: Any) -> Callable[[Judge[S]], Judge[S]]:
        return super().rule(code, severity, title=title, why=why, source=source, link=source, **more)


# What a rule may need. Each says why it is not there.

def azure_class(subject: ServiceInCluster) -> Optional[str]:
    """Azure's cloud provider as the one that serves it."""
    name = subject.service.load_balancer_class
    return None if name is None else 'The Service is of another load balancer class.'


def known_cluster(subject: ServiceInCluster) -> Optional[str]:
    """A cluster of which something is known."""
    return 'No cluster was given.' if subject.cluster == NO_CLUSTER else None
