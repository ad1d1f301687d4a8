# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Clusters of a fleet and what belongs to each, put together while rows come, in any order after the clusters.

What a cluster waits for is kept parsed; a raw row is gone as soon as it was looked at. A cluster leaves as soon as
all that concerns it is there, so that a large fleet is never held as a whole.
"""

from typing import Collection, Dict, Iterator, NamedTuple, Optional, Set, Tuple, Union

from ..facts.ids import ArmId
from .cluster import Cluster, parse_cluster
from .graph import parse_network
from .network import LoadBalancer, PublicIp, PublicIpPrefix
from .observed import Observed, ReadError, egress_load_balancer_id
from .values import Json

#: Code of what Resource Graph does not show: it does not exist, may not be read, or is too new.
NOT_SHOWN = 'NotInResourceGraph'
_NOT_SHOWN_MESSAGE = 'Azure Resource Graph does not show it: it may not be readable, or be newer than the Graph.'


class _Waiting(NamedTuple):
    """A cluster, the id of its load balancer, and that itself once it has come."""

    cluster: Cluster
    balancer_id: ArmId
    balancer: Optional[LoadBalancer] = None


class Assembly:
    """Joins clusters with their load balancers and own addresses. Ids are compared without regard to case.

    `unusable` counts clusters without an id, which nothing can be joined with.
    """

    def __init__(self) -> None:
        self.unusable = 0
        self._seen: Set[str] = set()
        self._waiting: Dict[str, _Waiting] = {}
        self._addresses: Dict[str, Union[PublicIp, PublicIpPrefix]] = {}
        self._own_ids: Dict[str, ArmId] = {}

    def add_cluster(self, body: Json) -> Optional[Observed]:
        """Take a cluster; it comes back at once where nothing more is to be read. A repeated one is passed over."""
        cluster = parse_cluster(body)
        if not cluster.id:
            self.unusable += 1
            return None
        key = cluster.id.lower()
        if key in self._seen:
            return None
        self._seen.add(key)
        balancer_id = egress_load_balancer_id(cluster)
        if balancer_id is None:
            return Observed(cluster)
        self._waiting[balancer_id.lower()] = _Waiting(cluster, balancer_id)
        self._own_ids.update((own_id.lower(), own_id) for own_id in cluster.profile.own_ids)
        return None

    @property
    def node_groups(self) -> Iterator[str]:
        """Node resource groups of the clusters that wait."""
        return (waiting.cluster.node_resource_group or '' for waiting in self._waiting.values())

    @property
    def address_names(self) -> Iterator[str]:
        """Names of the own public IPs and prefixes that clusters name."""
        return (own_id.name for own_id in self._own_ids.values())

    @property
    def subscriptions(self) -> Tuple[str, ...]:
        """Subscriptions of the load balancers and addresses that are still to be read, sorted."""
        waiting = [waiting.balancer_id for waiting in self._waiting.values()]
        return tuple(sorted({resource_id.subscription_id.lower() for resource_id in
                             (*waiting, *self._own_ids.values())}))

    def add_network(self, row: Json) -> Optional[Observed]:
        """Take a load balancer, public IP or prefix; with its load balancer a cluster without own addresses leaves."""
        resource = parse_network(row)
        key = (resource.id or '').lower() if resource else ''
        if isinstance(resource, LoadBalancer):
            return self._add_balancer(key, resource)
        if resource is not None and key in self._own_ids:
            self._addresses[key] = resource
        return None

    def _add_balancer(self, key: str, balancer: LoadBalancer) -> Optional[Observed]:
        waiting = self._waiting.get(key)
        if waiting is None:
            return None
        if waiting.cluster.profile.own_ids:
            self._waiting[key] = waiting._replace(balancer=balancer)
            return None
        return Observed(self._waiting.pop(key).cluster, balancer)

    def rest(self, looked_for: Optional[Collection[str]] = None) -> Iterator[Observed]:
        """The clusters that still wait, with what there is. What was not shown stands in their errors, where its
        type is one of those that were `looked_for` (all of them by default; a file may hold clusters alone)."""
        while self._waiting:
            _, (cluster, balancer_id, balancer) = self._waiting.popitem()
            own_ids = cluster.profile.own_ids
            found = [self._addresses[own_id.lower()] for own_id in own_ids if own_id.lower() in self._addresses]
            absent = [own_id for own_id in own_ids if own_id.lower() not in self._addresses]
            absent += [] if balancer else [balancer_id]
            yield Observed(
                cluster, balancer,
                public_ips=tuple(address for address in found if isinstance(address, PublicIp)),
                prefixes=tuple(address for address in found if isinstance(address, PublicIpPrefix)),
                errors=tuple(ReadError(resource_id, None, NOT_SHOWN, _NOT_SHOWN_MESSAGE)
                             for resource_id in absent if looked_for is None or resource_id.type in looked_for))
