# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Clusters of a fleet and what belongs to each, put together while rows come, in any order after the clusters.

What a cluster waits for is kept parsed; a raw row is gone as soon as it was looked at. A cluster leaves as soon as
all that concerns it is there, so that a large fleet is never held as a whole.
"""

from typing import Any, Collection, Dict, Iterator, Optional, Set, Tuple

from .cluster import Cluster, parse_cluster
from .graph import parse_network, type_of
from .network import LoadBalancer, PublicIp
from .observed import Observed, ReadError, load_balancer_id
from .values import id_segments

#: Code of what Resource Graph does not show: it does not exist, may not be read, or is too new.
NOT_SHOWN = 'NotInResourceGraph'
_NOT_SHOWN_MESSAGE = 'Azure Resource Graph does not show it: it may not be readable, or be newer than the Graph.'


class Assembly:
    """Joins clusters with their load balancers and own addresses. Ids are compared without regard to case.

    `unusable` counts clusters without an id, which nothing can be joined with.
    """

    def __init__(self):
        self.unusable = 0
        self._seen: Set[str] = set()
        self._waiting: Dict[Optional[str], Cluster] = {}
        self._balancers: Dict[str, LoadBalancer] = {}
        self._addresses: Dict[str, Any] = {}
        self._own: Set[str] = set()

    def add_cluster(self, body: Any) -> Optional[Observed]:
        """Take a cluster; it comes back at once where nothing more is to be read. A repeated one is passed over."""
        cluster = parse_cluster(body)
        key = (cluster.id or '').lower()
        if not cluster.id:
            self.unusable += 1
        if not cluster.id or key in self._seen:
            return None
        self._seen.add(key)
        balancer = load_balancer_id(cluster) if cluster.on_standard_load_balancer else None
        if balancer is None:
            return Observed(cluster)
        self._waiting[balancer.lower()] = cluster
        self._own.update(one.lower() for one in own_ids(cluster))
        return None

    @property
    def node_groups(self) -> Iterator[str]:
        """Node resource groups of the clusters that wait."""
        return (cluster.node_resource_group for cluster in self._waiting.values())

    @property
    def address_names(self) -> Iterator[str]:
        """Names of the own public IPs and prefixes that clusters name."""
        return (one.rsplit('/', 1)[-1] for one in self._own)

    @property
    def subscriptions(self) -> Tuple[str, ...]:
        """Subscriptions of the load balancers and addresses that are still to be read, sorted."""
        return tuple(sorted(filter(None, {id_segments(one).get('subscriptions')
                                          for one in (*self._waiting, *self._own)})))

    def add_network(self, row: Any) -> Optional[Observed]:
        """Take a load balancer, public IP or prefix; with its load balancer a cluster without own addresses leaves."""
        resource = parse_network(row)
        key = (resource.id or '').lower() if resource else ''
        if not isinstance(resource, LoadBalancer):
            if key in self._own:
                self._addresses[key] = resource
            return None
        if key not in self._waiting:
            return None
        if own_ids(self._waiting[key]):
            self._balancers[key] = resource
            return None
        return Observed(self._waiting.pop(key), resource)

    def rest(self, looked_for: Optional[Collection[str]] = None) -> Iterator[Observed]:
        """The clusters that still wait, with what there is. What was not shown stands in their errors, where its
        type is one of those that were `looked_for` (all of them by default; a file may hold clusters alone)."""
        while self._waiting:
            key, cluster = self._waiting.popitem()
            balancer = self._balancers.pop(key, None)
            wanted = own_ids(cluster)
            found = [self._addresses[one.lower()] for one in wanted if one.lower() in self._addresses]
            absent = [one for one in wanted if one.lower() not in self._addresses]
            absent += [] if balancer else [load_balancer_id(cluster)]
            yield Observed(
                cluster, balancer,
                public_ips=tuple(one for one in found if isinstance(one, PublicIp)),
                prefixes=tuple(one for one in found if not isinstance(one, PublicIp)),
                errors=tuple(ReadError(one, None, NOT_SHOWN, _NOT_SHOWN_MESSAGE)
                             for one in absent if looked_for is None or type_of({'id': one}) in looked_for))


def own_ids(cluster: Cluster) -> Tuple[str, ...]:
    """The ids of the user's own public IPs and prefixes that the profile names."""
    return cluster.profile.outbound_ips + cluster.profile.outbound_ip_prefixes
