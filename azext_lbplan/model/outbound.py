# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Node counts and outbound configurations: what the decisions speak about (design section 2)."""
# pylint: disable=too-many-instance-attributes  # records with the fields of what they stand for

from dataclasses import dataclass
from typing import Any, Optional, Tuple

from .cluster import AUTOMATIC_PORTS, DEFAULT_IDLE_TIMEOUT_IN_MINUTES, MANAGED, NODE_IP_CONFIGURATION
from .observed import Observed


@dataclass(frozen=True)
class PoolCount:
    """One agent pool as AKS counts it; `low_validated` leaves out what azure-facts section 2 marks as unknown."""

    name: str
    mode: Optional[str]
    type: Optional[str]
    priority: Optional[str]
    current: int
    max: int
    surge_setting: Optional[str]
    surge: int
    validated: int
    low_validated: int


@dataclass(frozen=True)
class NodeCounts:
    """Nodes of a cluster.

    `max` leaves surge out. `validated` = Σ (max + surge) over the pools: what AKS validates against. `required` =
    what to size for. `backend_pool` = live IPv4 members of the outbound backend pool, None where it was not read.
    `today` = the size that automatic allocation goes by. `bounded` is False where the maximum cannot be known.
    """

    current: int
    max: int
    surge: int
    validated: int
    low_validated: int
    required: int
    today: int
    backend_pool: Optional[int] = None
    bounded: bool = True
    pools: Tuple[PoolCount, ...] = ()


@dataclass(frozen=True)
class Scale:
    """Scale options that were typed: totals over all pools, and the surge and version of every pool."""

    node_count: Optional[int] = None
    max_count: Optional[int] = None
    max_surge: Optional[str] = None
    kubernetes_version: Optional[str] = None


@dataclass(frozen=True)
class Wanted:
    """Load balancer options that were typed, by the names of `az aks update`; None where not typed."""

    managed_outbound_ip_count: Optional[int] = None
    managed_outbound_ipv6_count: Optional[int] = None
    outbound_ips: Optional[Tuple[str, ...]] = None
    outbound_ip_prefixes: Optional[Tuple[str, ...]] = None
    outbound_ports: Optional[int] = None
    idle_timeout_in_minutes: Optional[int] = None
    backend_pool_type: Optional[str] = None

    @property
    def ips_typed(self):
        """Whether any IP option was typed: any of them makes `az aks` rebuild the IP mode (azure-facts section 1)."""
        return any(option is not None for option in (self.managed_outbound_ip_count, self.managed_outbound_ipv6_count,
                                                     self.outbound_ips, self.outbound_ip_prefixes))

    @property
    def ipv4_typed(self):
        """Whether the number of IPv4 addresses was typed; an IPv6 count alone leaves it open."""
        return any(option is not None for option in (self.managed_outbound_ip_count, self.outbound_ips,
                                                     self.outbound_ip_prefixes))

    @property
    def anything_typed(self):
        """Whether any load balancer option was typed."""
        return self != Wanted()


@dataclass(frozen=True)
class Settings:
    """What can be set on the outbound side of a load balancer.

    `outbound_ip_count` are IPv4 addresses; None where a prefix's length is unknown. `frontends` are frontend
    configurations of the outbound rule, a prefix counted as one.
    """

    ip_source: str = MANAGED
    outbound_ip_count: Optional[int] = None
    frontends: int = 1
    managed_outbound_ip_count: Optional[int] = None
    managed_outbound_ipv6_count: Optional[int] = None
    outbound_ips: Tuple[str, ...] = ()
    outbound_ip_prefixes: Tuple[str, ...] = ()
    outbound_ports: int = AUTOMATIC_PORTS
    idle_timeout_in_minutes: int = DEFAULT_IDLE_TIMEOUT_IN_MINUTES
    backend_pool_type: str = NODE_IP_CONFIGURATION

    @property
    def automatic(self):
        """Whether ports are allocated automatically, by the size of the backend pool."""
        return self.outbound_ports == AUTOMATIC_PORTS

    @property
    def ips(self):
        """The part of the settings that `az aks` sets as a whole: mode, counts, ids (compared without case)."""
        return (self.ip_source, self.managed_outbound_ip_count, self.managed_outbound_ipv6_count or 0,
                tuple(sorted(resource_id.lower() for resource_id in self.outbound_ips)),
                tuple(sorted(resource_id.lower() for resource_id in self.outbound_ip_prefixes)))


@dataclass(frozen=True)
class Configuration:
    """An outbound configuration and its arithmetic: `current`, `requested` or `proposed` (design section 2).

    None where unknown, or where the outbound type has no SNAT ports of a load balancer.
    """

    outbound_type: Optional[str]
    load_balancer_sku: Optional[str]
    settings: Optional[Settings] = None
    effective_outbound_ip_count: Optional[int] = None
    ports_per_node: Optional[int] = None
    ports_per_node_at_max: Optional[int] = None
    enable_tcp_reset: Optional[bool] = None
    available_ports: Optional[int] = None
    required_ports: Optional[int] = None
    headroom_ports: Optional[int] = None
    max_nodes: Optional[int] = None
    headroom_nodes: Optional[int] = None
    max_ports_per_node: Optional[int] = None
    fits: Optional[bool] = None


@dataclass(frozen=True)
class NewAddress:
    """A public IP (`length` None) or a prefix that has to be made before the command; `name_is_free` when a read
    of its resource group has shown that nothing there bears the name."""

    id: str
    name: str
    resource_group: str
    subscription_id: Optional[str]
    location: Optional[str]
    name_is_free: bool
    length: Optional[int] = None


#: Why no command can make a cluster fit.
INFEASIBLE = 'infeasible'
NEEDS_DECREASE = 'needsDecrease'
MIXED_MODE = 'mixedMode'
UNKNOWN_IP_COUNT = 'unknownIpCount'
NO_PLACE = 'noPlace'


@dataclass(frozen=True)
class Case:
    """A cluster (or none), what was asked, and what came out: all that rules and results are made from.

    `shared_rule_blocks` are blocks of 8 ports that rules take from outbound frontends. `obstacle` is why no safe
    command exists, None where one does or none is needed. `demand` is what was measured (a demand.Demand), None where
    no metrics were read.
    """

    nodes: NodeCounts
    observed: Observed
    wanted: Wanted = Wanted()
    scale: Scale = Scale()
    allow_decrease: bool = False
    current: Optional[Configuration] = None
    requested: Optional[Configuration] = None
    proposed: Optional[Configuration] = None
    new_addresses: Tuple[NewAddress, ...] = ()
    obstacle: Optional[str] = None
    shared_rule_blocks: int = 0
    demand: Any = None

    @property
    def cluster(self):
        """The cluster, None without one."""
        return self.observed.cluster

    @property
    def applicable(self):
        """Whether SNAT ports of a Standard Load Balancer are what this is about."""
        return self.cluster is None or self.cluster.on_standard_load_balancer
