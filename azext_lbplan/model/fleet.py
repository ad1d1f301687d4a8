# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Clusters of a fleet and what belongs to each, put together while rows come, in any order after the clusters.

What a cluster waits for is kept parsed; a raw row is gone as soon as it was looked at. A cluster leaves as soon as
all that concerns it is there, so that a large fleet is never held as a whole.
"""

from itertools import chain
from typing import Collection, Dict, Iterable, Iterator, List, NamedTuple, Optional, Set, Tuple, Type, TypeVar

from ..facts.clusters import BLOCK
from ..facts.ids import ArmId
from ..facts.networks import SUBNET_TYPE, VIRTUAL_NETWORK_TYPE
from .cluster import Cluster, missing_in, parse_cluster
from .finding import counted
from .graph import Resource, parse_network
from .network import LoadBalancer, PublicIp, PublicIpPrefix
from .observed import Observed, ReadError, egress_load_balancer_id, is_managed, managed_networks
from .subnets import NatGateway, RouteTable, Subnet
from .values import Json

#: Code of what Resource Graph does not show: it does not exist, may not be read, or is too new.
NOT_SHOWN = 'NotInResourceGraph'
_NOT_SHOWN_MESSAGE = 'Azure Resource Graph does not show it: it may not be readable, or be newer than the Graph.'

#: So many clusters, and parts of one, are named in a gap.
MOST_NAMED = 5


R = TypeVar('R', PublicIp, PublicIpPrefix, RouteTable, NatGateway)


class _Waiting(NamedTuple):
    """A cluster, the id of its load balancer where packets leave through one, and that itself once it has come."""

    cluster: Cluster
    balancer_id: Optional[ArmId]
    balancer: Optional[LoadBalancer] = None

    @property
    def own_ids(self) -> Tuple[ArmId, ...]:
        """The own public IPs and prefixes that its packets leave from."""
        return self.cluster.profile.own_ids if self.balancer_id else ()


class Assembly:
    """Joins clusters with their load balancers, addresses and subnets. Ids are compared without regard to case.

    Subnets, route tables, NAT gateways and public IPs that AKS made are to be added before load balancers, with which
    clusters leave. What was not shown stands in their errors, where its type is one of those that were `looked_for`
    (all of them by default; a file may hold clusters alone). `gaps` tells, one line each, of clusters that are left
    out: nothing can be joined with one that has no id, and nothing can be said of one that lacks what decides.
    """

    def __init__(self, looked_for: Optional[Collection[str]] = None) -> None:
        self._without_id = 0
        self._incomplete: List[str] = []
        self._looked_for = looked_for
        self._seen: Set[str] = set()
        self._waiting: Dict[str, _Waiting] = {}
        self._found: Dict[str, Resource] = {}
        self._subnets_of_groups: Dict[Tuple[str, str], List[Subnet]] = {}

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
        if balancer_id is None and (cluster.outbound_type == BLOCK or
                                    not (cluster.subnet_ids or managed_networks(cluster))):
            return Observed(cluster)
        self._waiting[balancer_id.lower() if balancer_id else key] = _Waiting(cluster, balancer_id)
        return None

    # what is still to be asked for

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
        """Node resource groups of the clusters that wait for a load balancer."""
        return (waiting.cluster.node_resource_group or '' for waiting in self._waiting.values() if waiting.balancer_id)

    @property
    def managed_network_groups(self) -> Iterator[str]:
        """Node resource groups in which AKS keeps the virtual network."""
        return (waiting.cluster.node_resource_group or '' for waiting in self._waiting.values()
                if not waiting.cluster.own_vnet)

    @property
    def network_names(self) -> Iterator[str]:
        """Names of the virtual networks that node pools are in."""
        return (subnet_id.parent_name for waiting in self._waiting.values() for subnet_id in waiting.cluster.subnet_ids)

    @property
    def way_names(self) -> Iterator[str]:
        """Names of the route tables and NAT gateways on the subnets that have come."""
        return (way_id.name for way_id in self._way_ids())

    @property
    def made_names(self) -> Iterator[str]:
        """Names of the public IPs that AKS made, and of the addresses of the NAT gateways that have come."""
        own = {own_id.lower() for own_id in self._own_ids()}
        made = (made_id for waiting in self._waiting.values() for made_id in _made_ids(waiting.cluster)
                if made_id.lower() not in own)
        return (made_id.name for made_id in (*made, *self._gateway_address_ids()))

    @property
    def address_names(self) -> Iterator[str]:
        """Names of the own public IPs and prefixes that clusters name."""
        return (own_id.name for own_id in self._own_ids())

    @property
    def subscriptions(self) -> Tuple[str, ...]:
        """Subscriptions of all that is still to be read, sorted."""
        ids = (one for cluster, balancer_id, _ in self._waiting.values()
               for one in (cluster.id, balancer_id, *cluster.subnet_ids) if one)
        return tuple(sorted({resource_id.subscription_id.lower() for resource_id in chain(
            ids, self._own_ids(), self._way_ids(), self._gateway_address_ids())}))

    def _own_ids(self) -> Iterator[ArmId]:
        return (own_id for waiting in self._waiting.values() for own_id in waiting.own_ids)

    def _way_ids(self) -> Iterator[ArmId]:
        return (way_id for found in self._found.values() if isinstance(found, Subnet)
                for way_id in (found.nat_gateway_id, found.route_table_id) if way_id)

    def _gateway_address_ids(self) -> Iterator[ArmId]:
        return (address_id for found in self._found.values() if isinstance(found, NatGateway)
                for address_id in found.address_ids)

    # what comes

    def add_network(self, row: Json) -> Optional[Observed]:
        """Take what is around clusters; with its load balancer a cluster without own addresses leaves."""
        for resource in parse_network(row):
            if isinstance(resource, LoadBalancer):
                return self._add_balancer(resource)
            self.add_ways((resource,))
        return None

    def add_ways(self, resources: Iterable[Optional[Resource]]) -> None:
        """Take what no cluster leaves with: subnets, what is on them, and addresses; None is passed over."""
        for resource in resources:
            if isinstance(resource, Subnet):
                segments = resource.id.lower().split('/')
                self._subnets_of_groups.setdefault((segments[2], segments[4]), []).append(resource)
            if resource is not None:
                self._found[(resource.id or '').lower()] = resource

    def _add_balancer(self, balancer: LoadBalancer) -> Optional[Observed]:
        key = (balancer.id or '').lower()
        waiting = self._waiting.get(key)
        if waiting is None:
            return None
        if waiting.cluster.profile.own_ids:
            self._waiting[key] = waiting._replace(balancer=balancer)
            return None
        return self._observed(self._waiting.pop(key)._replace(balancer=balancer))

    def without_balancers(self) -> Iterator[Observed]:
        """The clusters that wait for no load balancer, once subnets and what is on them have come."""
        for key in [key for key, waiting in self._waiting.items() if waiting.balancer_id is None]:
            yield self._observed(self._waiting.pop(key))

    def rest(self) -> Iterator[Observed]:
        """The clusters that still wait, with what there is."""
        while self._waiting:
            yield self._observed(self._waiting.popitem()[1])

    def _observed(self, waiting: _Waiting) -> Observed:
        cluster, balancer_id, balancer = waiting
        own_ids = waiting.own_ids
        subnets = self._subnets(cluster)
        ways = self._shown(one for subnet in subnets for one in (subnet.nat_gateway_id, subnet.route_table_id) if one)
        gateways = _of_type(ways, NatGateway)
        addresses = self._shown((*own_ids, *_made_ids(cluster), *(
            one for gateway in gateways for one in gateway.address_ids)))
        absent = [(own_id.type, str(own_id)) for own_id in own_ids if own_id.lower() not in self._found]
        absent += [(balancer_id.type, str(balancer_id))] if balancer_id and balancer is None else []
        absent += _absent_subnets(cluster, subnets) + self._absent_tables(cluster, subnets)
        return Observed(
            cluster, balancer, _of_type(addresses, PublicIp), _of_type(addresses, PublicIpPrefix),
            subnets=tuple(subnets), nat_gateways=gateways, route_tables=_of_type(ways, RouteTable),
            errors=tuple(ReadError(resource_id, None, NOT_SHOWN, _NOT_SHOWN_MESSAGE)
                         for kind, resource_id in absent if self._looked_for is None or kind in self._looked_for))

    def _shown(self, ids: Iterable[ArmId]) -> List[Resource]:
        """Those of these ids that have come, each once."""
        keys = dict.fromkeys(map(str.lower, ids))
        return [self._found[key] for key in keys if key in self._found]

    def _absent_tables(self, cluster: Cluster, subnets: Iterable[Subnet]) -> List[Tuple[str, str]]:
        """(type, id) of the route tables that were not shown; that of AKS holds nothing to be read."""
        tables = [subnet.route_table_id for subnet in subnets if subnet.route_table_id]
        return [(table.type, str(table)) for table in tables
                if not is_managed(table, cluster) and table.lower() not in self._found]

    def _subnets(self, cluster: Cluster) -> List[Subnet]:
        """The subnets of its pools; of one in the network of AKS those in its node resource group."""
        if not cluster.own_vnet:
            place = (cluster.subscription_id or '').lower(), (cluster.node_resource_group or '').lower()
            return self._subnets_of_groups.get(place, [])
        found = (self._found.get(subnet_id.lower()) for subnet_id in cluster.subnet_ids)
        return [subnet for subnet in found if isinstance(subnet, Subnet)]


def _of_type(found: Iterable[Resource], kind: Type[R]) -> Tuple[R, ...]:
    return tuple(one for one in found if isinstance(one, kind))


def _made_ids(cluster: Cluster) -> Tuple[ArmId, ...]:
    """The public IPs in force that AKS may have made."""
    return cluster.profile.effective_ids + cluster.nat_gateway_address_ids


def _absent_subnets(cluster: Cluster, subnets: Iterable[Subnet]) -> List[Tuple[str, str]]:
    """(type, id) of the subnets, or of the virtual networks of AKS, that were not shown."""
    came = {subnet.id.lower() for subnet in subnets}
    if not cluster.own_vnet:
        networks = None if came else managed_networks(cluster)
        return [(VIRTUAL_NETWORK_TYPE, networks)] if networks else []
    return [(SUBNET_TYPE, str(subnet_id)) for subnet_id in cluster.subnet_ids if subnet_id.lower() not in came]
