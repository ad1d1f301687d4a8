# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""All that was read of one cluster, live or from a snapshot: one shape, one parser (ARCHITECTURE.md, Snapshot)."""
from __future__ import annotations

from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Dict, List, Mapping, NamedTuple, Optional, Tuple, TypeVar

from ..facts.ids import ArmId, parse_id
from ..facts.networks import (IPV4, LOAD_BALANCER_NAME, LOAD_BALANCER_TYPE, PREFIX_TYPE, PUBLIC_IP_TYPE, PUBLIC_IPS,
                              VIRTUAL_NETWORKS)
from .alerts import MetricAlert, parse_metric_alert
from .cluster import Cluster, parse_cluster
from .network import (Frontend, LoadBalancer, PublicIp, PublicIpPrefix, is_understood, parse_load_balancer,
                      parse_public_ip, parse_public_ip_prefix)
from .origin import Origin
from .subnets import NatGateway, RouteTable, Subnet, parse_nat_gateway, parse_route_table, parse_subnet
from .usages import Usage, parse_usage
from .values import Json, count, get, items, same_id, text, texts

if TYPE_CHECKING:  # see _parse_metrics
    from .answers import Answer

#: The schema of snapshots that this version writes, and those that it reads: schema 1 knew nothing of subnets.
SCHEMA = 2
SCHEMAS = (1, SCHEMA)

#: A snapshot as JSON (ARCHITECTURE.md, Snapshot).
Snapshot = Dict[str, Json]

#: The code of an answer that came, and is none that can be understood.
INVALID_ANSWER = 'InvalidAnswer'


#: HTTP status of a resource that does not exist.
NOT_FOUND = 404


class ReadError(NamedTuple):
    """A resource that could not be read: HTTP status (None without an answer), Azure's code and message."""

    resource_id: str
    status: Optional[int]
    code: Optional[str]
    message: Optional[str]

    @property
    def means_gone(self) -> bool:
        """Whether the resource does not exist; whatever else was answered leaves that open."""
        return self.status == NOT_FOUND


class Observed(NamedTuple):
    """A cluster and what was read around it. None or absent means: not read; `errors` says why.

    `cluster` is None in a plan for a cluster that does not exist yet. Where infrastructure code describes the cluster,
    `origin` tells of the code, `cluster` is what the code makes, and `before` what it starts from, where that is known.
    """

    cluster: Optional[Cluster]
    load_balancer: Optional[LoadBalancer] = None
    public_ips: Tuple[PublicIp, ...] = ()
    prefixes: Tuple[PublicIpPrefix, ...] = ()
    names_in_use: Mapping[str, Tuple[str, ...]] = MappingProxyType({})
    errors: Tuple[ReadError, ...] = ()
    metrics: Tuple[Answer, ...] = ()
    metric_alerts: Optional[Tuple[MetricAlert, ...]] = None
    usages: Optional[Tuple[Usage, ...]] = None
    captured_at: Optional[str] = None
    subnets: Tuple[Subnet, ...] = ()
    route_tables: Tuple[RouteTable, ...] = ()
    nat_gateways: Tuple[NatGateway, ...] = ()
    gateway_metrics: Tuple[Mapping[str, Json], ...] = ()
    origin: Optional[Origin] = None
    before: Optional[Cluster] = None

    def subnet(self, resource_id: str) -> Optional[Subnet]:
        """The subnet of that id, where it was read."""
        return _of_id(self.subnets, resource_id)

    def route_table(self, resource_id: str) -> Optional[RouteTable]:
        """The route table of that id, where it was read."""
        return _of_id(self.route_tables, resource_id)

    def nat_gateway(self, resource_id: str) -> Optional[NatGateway]:
        """The NAT gateway of that id, where it was read."""
        return _of_id(self.nat_gateways, resource_id)

    def public_ip(self, resource_id: str) -> Optional[PublicIp]:
        """The public IP of that id, where it was read."""
        return _of_id(self.public_ips, resource_id)

    @property
    def outbound_ipv4_frontends(self) -> Tuple[Frontend, ...]:
        """The frontends of AKS's outbound rule that bring IPv4 addresses: what the public IP or prefix says where it
        was read, else what the frontend does."""
        balancer = self.load_balancer
        return tuple(frontend for frontend in (balancer.outbound_frontends if balancer else ())
                     if self.version_of(frontend) == IPV4)

    def version_of(self, frontend: Frontend) -> str:
        """The IP family of a frontend."""
        address = (self.public_ip(frontend.public_ip_id or '') or self.prefix(frontend.prefix_id or ''))
        return address.version if address else frontend.version

    def prefix(self, resource_id: str) -> Optional[PublicIpPrefix]:
        """The prefix of that id, where it was read."""
        return _of_id(self.prefixes, resource_id)

    def error_of(self, resource_id: str) -> Optional[ReadError]:
        """Why the resource of that id could not be read, where it could not."""
        return next((error for error in self.errors if same_id(error.resource_id, resource_id)), None)

    def is_gone(self, resource_id: str) -> bool:
        """Whether the resource of that id is known not to exist."""
        error = self.error_of(resource_id)
        return error is not None and error.means_gone

    def names_in(self, collection_id: str) -> Optional[Tuple[str, ...]]:
        """Names in use in a collection (`…/resourceGroups/x/providers/Microsoft.Network/publicIPAddresses`),
        in lower case; None where it was not listed."""
        return self.names_in_use.get(collection_id.lower())


R = TypeVar('R', PublicIp, PublicIpPrefix, Subnet, RouteTable, NatGateway)


def _of_id(resources: Tuple[R, ...], resource_id: str) -> Optional[R]:
    """The one of that id; ARM compares ids without regard to case."""
    wanted = resource_id.lower()
    for resource in resources if wanted else ():
        if resource.id.lower() == wanted:
            return resource
    return None


def load_balancer_id(cluster: Cluster) -> Optional[ArmId]:
    """The id of the cluster's load balancer `kubernetes`; None where the body does not name its place."""
    return _load_balancer_in(cluster.subscription_id, cluster.node_resource_group)


@lru_cache(maxsize=128)  # each cluster of a fleet is asked several times in a row
def _load_balancer_in(subscription_id: Optional[str], node_resource_group: Optional[str]) -> Optional[ArmId]:
    if not subscription_id or not node_resource_group:
        return None
    return parse_id(f'/subscriptions/{subscription_id}/resourceGroups/{node_resource_group}'
                    f'/providers/Microsoft.Network/loadBalancers/{LOAD_BALANCER_NAME}', LOAD_BALANCER_TYPE)


def managed_networks(cluster: Cluster) -> Optional[str]:
    """Where AKS keeps the virtual network that it made: the collection of those of the node resource group. None where
    the nodes are in a VNet of the user's, or the body does not name the place."""
    return None if cluster.own_vnet else _collection(cluster, VIRTUAL_NETWORKS)


def managed_addresses(cluster: Cluster) -> Optional[str]:
    """Where AKS keeps the public IPs that it made; None where the body does not name the place."""
    return _collection(cluster, PUBLIC_IPS)


def _collection(cluster: Cluster, kind: str) -> Optional[str]:
    balancer = load_balancer_id(cluster)
    return f'{balancer.collection.rpartition("/")[0]}/{kind}' if balancer else None


def is_managed(resource_id: ArmId, cluster: Cluster) -> bool:
    """Whether a resource is in the node resource group, where AKS keeps what it makes."""
    return resource_id.resource_group.lower() == (cluster.node_resource_group or '').lower()


def egress_load_balancer_id(cluster: Cluster) -> Optional[ArmId]:
    """The id of the load balancer whose SNAT ports matter; None where egress takes another way, or its place is
    unknown."""
    return load_balancer_id(cluster) if cluster.on_standard_load_balancer else None


def has_snat_metrics(cluster: Cluster) -> bool:
    """Whether there are SNAT metrics to read: nodes run, and leave through a load balancer whose place is known."""
    return egress_load_balancer_id(cluster) is not None and not cluster.stopped


def metrics_id(cluster: Cluster) -> Optional[str]:
    """Where the metrics of the cluster's load balancer are read, as `errors` names it."""
    balancer = load_balancer_id(cluster)
    return f'{balancer}/providers/Microsoft.Insights/metrics' if balancer else None


def parse_observed(snapshot: Json) -> Observed:
    """What a snapshot holds. Unknown keys are ignored; missing ones are null or empty."""
    body, load_balancer = get(snapshot, 'managedCluster'), get(snapshot, 'loadBalancer')
    cluster = parse_cluster(body) if isinstance(body, Mapping) else None
    balancer_known = is_understood(load_balancer, LOAD_BALANCER_TYPE)
    unclear = [] if balancer_known or load_balancer is None or cluster is None else [load_balancer_id(cluster)]
    addresses, unclear_addresses = _sorted(snapshot, 'publicIpAddresses', PUBLIC_IP_TYPE)
    prefixes, unclear_prefixes = _sorted(snapshot, 'publicIpPrefixes', PREFIX_TYPE)
    return Observed(
        cluster=cluster,
        load_balancer=parse_load_balancer(load_balancer) if balancer_known else None,
        public_ips=tuple(map(parse_public_ip, addresses)),
        prefixes=tuple(map(parse_public_ip_prefix, prefixes)),
        names_in_use={(text(listing, 'resourceId') or '').lower():
                      tuple(name.lower() for name in texts(listing, 'names'))
                      for listing in items(snapshot, 'lists')},
        errors=(*map(_parse_error, items(snapshot, 'errors')),
                *(not_understood(resource_id) for resource_id in (*unclear, *unclear_addresses, *unclear_prefixes)
                  if resource_id)),
        metrics=_parse_metrics(snapshot),
        metric_alerts=_parse_alerts(snapshot),
        usages=_parse_usages(snapshot),
        captured_at=text(snapshot, 'capturedAt'),
        subnets=tuple(filter(None, map(parse_subnet, items(snapshot, 'subnets')))),
        route_tables=tuple(filter(None, map(parse_route_table, items(snapshot, 'routeTables')))),
        nat_gateways=tuple(filter(None, map(parse_nat_gateway, items(snapshot, 'natGateways')))),
        gateway_metrics=tuple(items(snapshot, 'natGatewayMetrics')),
    )


def _sorted(snapshot: Json, key: str, resource_type: str) -> Tuple[List[Json], List[Optional[str]]]:
    """(bodies that hold what such a resource has, ids of the others) in a list of the snapshot."""
    bodies = list(items(snapshot, key))
    known = [body for body in bodies if is_understood(body, resource_type)]
    return known, [text(body, 'id') for body in bodies if not is_understood(body, resource_type)]


def not_understood(resource_id: str) -> ReadError:
    """What is said of a resource whose body does not hold what every one has."""
    return ReadError(resource_id, None, INVALID_ANSWER, 'What came does not hold what every such resource has.')


def _parse_alerts(snapshot: Json) -> Optional[Tuple[MetricAlert, ...]]:
    if get(snapshot, 'metricAlerts') is None:
        return None
    return tuple(parse_metric_alert(alert) for alert in items(snapshot, 'metricAlerts'))


def _parse_metrics(snapshot: Json) -> Tuple[Answer, ...]:
    entries = get(snapshot, 'metrics')
    if not entries:  # which `show` need not pay for
        return ()
    from .answers import answers_from_snapshot
    return answers_from_snapshot(entries)


def _parse_usages(snapshot: Json) -> Optional[Tuple[Usage, ...]]:
    if get(snapshot, 'usages') is None:
        return None
    return tuple(filter(None, map(parse_usage, items(snapshot, 'usages'))))


def _parse_error(body: Json) -> ReadError:
    return ReadError(resource_id=text(body, 'resourceId') or '', status=count(body, 'status'),
                     code=text(body, 'code'), message=text(body, 'message'))
