# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What the rules on Services want to know of a cluster."""

from typing import FrozenSet, Iterable, List, NamedTuple, Optional, Tuple, Union

from ..facts.clusters import NODE_IP, SHARED_PROBE
from ..facts.networks import IPV4, IPV6
from ..facts.snat import PORT_BLOCK, floor8, minor_version
from .network import Frontend, PublicIp, PublicIpPrefix
from .observed import Observed
from .values import distinct, id_segments


class PublicAddress(NamedTuple):
    """A public IP, or prefix, that was read with the cluster; `outbound` where an outbound rule uses it."""

    id: str
    address: Optional[str] = None
    location: Optional[str] = None
    sku: Optional[str] = None
    outbound: bool = False

    @property
    def name(self) -> str:
        """Its name in Azure."""
        return self.id.rstrip('/').rpartition('/')[2]

    @property
    def resource_group(self) -> str:
        """Its resource group."""
        return id_segments(self.id).get('resourcegroups', '')


class OutboundPorts(NamedTuple):
    """The SNAT ports that are given to each node explicitly, those that the outbound IPs have, and how many rules on
    outbound frontends take a block of 8 of them."""

    per_node: int
    available: int
    shared_rules: int

    def left(self, nodes: int, more_rules: int) -> int:
        """The most ports that each of `nodes` nodes can have, with so many rules more."""
        return floor8(max(0, self.available - PORT_BLOCK * (self.shared_rules + more_rules)) // max(1, nodes))


class ServiceContext(NamedTuple):
    """The facts of a cluster around a Service. None or empty where unknown: the rule then says nothing.

    `kubernetes_version` is (major, minor). `frontends` and `rules` count those of the public load balancer,
    `rules_per_nic` the load balancing, inbound NAT and outbound rules of the busiest NIC. `shared_probe`: one health
    probe serves all Services of traffic policy Cluster. `node_ip_pool`: backend pools hold IPs instead of NICs.
    `nodes_now` and `nodes_at_most` are those of the outbound pool and those to size for; `outbound` is None where
    ports are allocated automatically.
    """

    load_balancer_sku: Optional[str] = None
    location: Optional[str] = None
    node_resource_group: Optional[str] = None
    kubernetes_version: Optional[Tuple[int, int]] = None
    ip_families: Tuple[str, ...] = ()
    pod_cidrs: Tuple[str, ...] = ()
    public_addresses: Tuple[PublicAddress, ...] = ()
    frontends: Optional[int] = None
    rules: Optional[int] = None
    rules_per_nic: Optional[int] = None
    shared_probe: Optional[bool] = None
    node_ip_pool: Optional[bool] = None
    several_balancers: Optional[bool] = None
    nodes_now: Optional[int] = None
    nodes_at_most: Optional[int] = None
    outbound: Optional[OutboundPorts] = None

    @property
    def outbound_ids(self) -> FrozenSet[str]:
        """The ids of the public IPs that serve outbound connections, in lower case."""
        return frozenset(address.id.lower() for address in self.public_addresses if address.outbound)


#: Of no cluster anything is known.
NO_CLUSTER = ServiceContext()


def context_of(observed: Observed) -> ServiceContext:
    """The facts in what was read of a cluster; what was not read stays None."""
    cluster, balancer = observed.cluster, observed.load_balancer
    if cluster is None:
        return NO_CLUSTER
    profile = cluster.profile
    return ServiceContext(
        load_balancer_sku=cluster.load_balancer_sku,
        location=cluster.location,
        node_resource_group=cluster.node_resource_group,
        kubernetes_version=minor_version(cluster.kubernetes_version),
        ip_families=(IPV4, IPV6) if cluster.dual_stack else (IPV4,),
        pod_cidrs=cluster.pod_cidrs,
        public_addresses=_public_addresses(observed, profile.effective_ids),
        frontends=len(balancer.frontends) if balancer else None,
        rules=balancer.load_balancing_rules if balancer else None,
        rules_per_nic=balancer.rules_per_nic if balancer else None,
        shared_probe=None if profile.health_probe_mode is None else profile.health_probe_mode == SHARED_PROBE,
        node_ip_pool=profile.backend_pool_type == NODE_IP,
        several_balancers=profile.multiple_standard_load_balancers,
    )


def _public_addresses(observed: Observed, effective_ids: Tuple[str, ...]) -> Tuple[PublicAddress, ...]:
    """Public IPs and prefixes that were read, and those that are known from frontends and the profile by id alone."""
    balancer = observed.load_balancer
    resources: List[Union[PublicIp, PublicIpPrefix]] = [*observed.public_ips, *observed.prefixes]
    read = {resource.id.lower(): resource for resource in resources}
    outbound = {used.lower() for used in (*_ids(balancer.outbound_frontends if balancer else ()), *effective_ids)}
    known = distinct([*(resource.id for resource in resources), *_ids(balancer.frontends if balancer else ()),
                      *effective_ids])
    return tuple(_public_address(known_id, read.get(known_id.lower()), known_id.lower() in outbound)
                 for known_id in known if known_id)


def _ids(frontends: Iterable[Frontend]) -> List[str]:
    """The ids of the public IPs and prefixes that frontends have."""
    return [used for used in (frontend.public_ip_id or frontend.prefix_id for frontend in frontends) if used]


def _public_address(resource_id: str, read: Union[PublicIp, PublicIpPrefix, None], outbound: bool) -> PublicAddress:
    if read is None:
        return PublicAddress(resource_id, outbound=outbound)
    return PublicAddress(resource_id, read.ip_address if isinstance(read, PublicIp) else None, read.location, read.sku,
                         outbound)
