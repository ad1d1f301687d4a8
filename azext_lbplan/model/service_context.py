# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What the rules on Services want to know of a cluster."""

from typing import FrozenSet, NamedTuple, Optional, Tuple

from ..facts.snat import PORT_BLOCK, floor8
from .values import id_segments


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
