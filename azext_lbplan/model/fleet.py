# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Clusters of a fleet and what belongs to each, put together while rows come, in any order after the clusters.

What a cluster waits for is kept parsed; a raw row is gone as soon as it was looked at. A cluster leaves as soon as
all that concerns it is there, so that a large fleet is never held as a whole.
"""

from typing import Collection, Dict, Iterator, List, NamedTuple, Optional, Set, Tuple, Union

from ..facts.ids import ArmId
from .cluster import Cluster, missing_in, parse_cluster
from .finding import counted
from .graph import parse_network
from .network import LoadBalancer, PublicIp, PublicIpPrefix
from .observed import Observed, ReadError, egress_load_balancer_id
from .values import Json

#: Code of what Resource Graph does not show: it does not exist, may not be read, or is too new.
NOT_SHOWN = 'NotInResourceGraph'
_NOT_SHOWN_MESSAGE = 'Azure Resource Graph does not show it: it may not be readable, or be newer than the Graph.'

#: So many clusters, and parts of one, are named in a gap.
MOST_NAMED = 5


class _Waiting(NamedTuple):
    """A cluster, the id of its load balancer, and that itself once it has come."""

    cluster: Cluster
    balancer_id: ArmId
    balancer: Optional[LoadBalancer] = None


class Assembly:
    """Joins clusters with their load balancers and own addresses. Ids are compared without regard to case.

    `gaps` tells, one line each, of clusters that are left out: nothing can be joined with one that has no id, and
    nothing can be said of one that lacks what decides.
    """

    def __init__(self) -> None:
        self._without_id = 0
        self._incomplete: List[str] = []
        self._seen: Set[str] = set()
        self._waiting: Dict[str, _Waiting] = {}
        self._addresses: Dict[str, Union[PublicIp, PublicIpPrefix]] = {}
        self._own_ids: Dict[str, ArmId] = {}

    def add_cluster(self, body: Json) -> Optional[Observed]:
        """Take a cluster; it comes back at once where nothing more is to be read. A repeated one is passed over."""
        cluster = parse_cluster(body)
        if not cluster.id:
            self._without_id += 1
            return None
        key = cluster.id.lower()
        if key in self._seen:
            return None
        self._seen.add(key)
        missing = missing_in(body)
        if missing:
            self._incomplete.append(f"{cluster.id} ({', '.join(missing[:MOST_NAMED])})")
            return None
        balancer_id = egress_load_balancer_id(cluster)
        if balancer_id is None:
            return Observed(cluster)
        self._waiting[balancer_id.lower()] = _Waiting(cluster, balancer_id)
        self._own_ids.update((own_id.lower(), own_id) for own_id in cluster.profile.own_ids)
        return None

    @property
    def gaps(self) -> Tuple[str, ...]:
        """What is missing among the clusters that were taken."""
        gaps = [f'{counted(self._without_id, "cluster")} came without an id.'] if self._without_id else []
        left = len(self._incomplete) - MOST_NAMED
        more = f' and {left} more' if left > 0 else ''
        return (*gaps, *([f'Clusters are left out, because they came without what decides: '
                          f"{', '.join(self._incomplete[:MOST_NAMED])}{more}."] if self._incomplete else []))

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
