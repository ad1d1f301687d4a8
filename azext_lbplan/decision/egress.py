# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Where packets really leave: the way out of each node pool, as far as what was read decides it.

For a destination Azure takes the first of: a route to an appliance or a gateway, a NAT gateway on the subnet, a public
IP on the node, the load balancer's outbound rule. So the outbound type alone decides nothing. It speaks of IPv4.
Source: AZURE-FACTS section 11.
"""

from typing import Dict, FrozenSet, Iterator, List, NamedTuple, Optional, Tuple

from ..facts.clusters import (BLOCK, LOAD_BALANCER, MANAGED_NAT_GATEWAYS, USER_ASSIGNED_NAT_GATEWAY,
                              USER_DEFINED_ROUTING)
from ..facts.ids import ArmId
from ..facts.networks import (DEFAULT_ROUTE, DROPPED, INTERNET, MANAGED_SUBNET_NAME, VIRTUAL_APPLIANCE,
                              VIRTUAL_NETWORK_GATEWAY)
from ..model.agent_pool import AgentPool
from ..model.cluster import Cluster
from ..model.observed import Observed, is_managed, managed_addresses, managed_networks
from ..model.subnets import Route, RouteTable, Subnet
from .egress_addresses import addresses_of, balancer_address_ids, balancer_ipv6_ids

#: Ways out; the words are those of `egress.effective` in results. Through the load balancer it is
#: `loadBalancer`, as the outbound type is called.
NAT_GATEWAY = 'natGateway'
APPLIANCE = 'virtualAppliance'
NETWORK_GATEWAY = 'virtualNetworkGateway'
NODE_PUBLIC_IP = 'nodePublicIp'
BLOCKED = 'blocked'
MIXED = 'mixed'
UNKNOWN = 'unknown'

#: The way that each outbound type means. Source: AZURE-FACTS section 1, Outbound types.
EXPECTED: Dict[str, FrozenSet[str]] = {
    LOAD_BALANCER: frozenset({LOAD_BALANCER}),
    USER_DEFINED_ROUTING: frozenset({APPLIANCE, NETWORK_GATEWAY}),
    **dict.fromkeys((*MANAGED_NAT_GATEWAYS, USER_ASSIGNED_NAT_GATEWAY), frozenset({NAT_GATEWAY})),
    BLOCK: frozenset({BLOCKED}),
}

#: What a route does with all of IPv4.
_BY_NEXT_HOP = {VIRTUAL_APPLIANCE: APPLIANCE, VIRTUAL_NETWORK_GATEWAY: NETWORK_GATEWAY, DROPPED: BLOCKED}

_NODES, _PODS = 'nodes', 'pods'

#: HTTP statuses of what may not be read, and of what does not exist.
_FORBIDDEN, _NOT_FOUND = 403, 404


class Path(NamedTuple):
    """The way of packets from some node pools: of their nodes, or of pods with a subnet of their own.

    `why` says in words what decides it. `subnet_id` is None where it is not known. `learnt`: a default route that a
    gateway has learnt would win, and no route table shows it. `error`: the code of what failed where it is not known.
    """

    way: str
    why: str
    via: Optional[str] = None
    subnet_id: Optional[ArmId] = None
    learnt: bool = False
    error: Optional[str] = None
    pools: Tuple[str, ...] = ()
    traffic: str = _NODES

    @property
    def about(self) -> str:
        """Whose packets these are, in words."""
        named = f"{'Pods' if self.traffic == _PODS else 'Nodes'} of {', '.join(self.pools)}" if self.pools else 'Nodes'
        return f'{named} (subnet {self.subnet_id.parent_name}/{self.subnet_id.name})' if self.subnet_id else named


def way_out(effective: str, via: Optional[str]) -> str:
    """A way out with the name of the gateway or the address of the appliance: `natGateway via nat`."""
    return f"{effective} via {via.rpartition('/')[2]}" if via else effective


class Egress(NamedTuple):
    """Where packets of a cluster leave: as its outbound type declares it, and in effect. The fields are those of
    `egress` in results; `paths` are the ways that differ, each once."""

    declared: str
    effective: str
    via: Optional[str] = None
    addresses: Optional[Tuple[str, ...]] = None
    evidence: Tuple[str, ...] = ()
    paths: Tuple[Path, ...] = ()

    @property
    def way(self) -> str:
        """The way out in effect, in words (`way_out`)."""
        return way_out(self.effective, self.via)

    @property
    def bypassed(self) -> bool:
        """Whether the outbound type is the load balancer and it is known that no packet goes through it."""
        return (self.declared == LOAD_BALANCER and bool(self.paths) and
                {path.way for path in self.paths}.isdisjoint((LOAD_BALANCER, MIXED, UNKNOWN)))

    @property
    def astray(self) -> Tuple[Path, ...]:
        """The paths that are known to be others than what the outbound type means."""
        expected = EXPECTED.get(self.declared)
        return tuple(path for path in self.paths
                     if expected is not None and path.way != UNKNOWN and path.way not in expected)

    @property
    def unread(self) -> Tuple[Path, ...]:
        """The paths that are not known."""
        return tuple(path for path in self.paths if path.way == UNKNOWN)


def egress_of(observed: Observed) -> Egress:
    """The egress of the cluster in `observed`, from the subnets, route tables and gateways that were read."""
    cluster = observed.cluster
    if cluster is None:
        return Egress(LOAD_BALANCER, UNKNOWN, evidence=('There is no cluster yet.',))
    paths = _paths(observed, cluster)
    ways = {path.way for path in paths}
    effective = UNKNOWN if UNKNOWN in ways else next(iter(ways)) if len(ways) == 1 else MIXED
    vias = {path.via for path in paths}
    via = next(iter(vias)) if len(vias) == 1 and effective not in (UNKNOWN, MIXED) else None
    ids = [address_ids_of(observed, cluster, path) for path in paths]
    known = [one for found in ids if found is not None for one in found]
    # A part of them would be no list to allow.
    addresses = None if None in ids else addresses_of(observed, known)
    egress = Egress(cluster.outbound_type, effective, via, addresses, (), paths)
    return egress._replace(evidence=tuple(_evidence(observed, cluster, egress)))


def address_ids_of(observed: Observed, cluster: Cluster, path: Path) -> Optional[Tuple[ArmId, ...]]:
    """The public IPs and prefixes of one way; None where they are not known."""
    if path.way == LOAD_BALANCER:
        return balancer_address_ids(observed, cluster)
    if path.way == NAT_GATEWAY:
        gateway = observed.nat_gateway(path.via) if path.via else None
        managed = cluster.nat_gateway_address_ids if cluster.outbound_type in MANAGED_NAT_GATEWAYS else ()
        own = gateway.address_ids if gateway else managed
        return own + balancer_ipv6_ids(observed, cluster) if own else None
    return () if path.way == BLOCKED else None


def _without_addresses(observed: Observed, cluster: Cluster, egress: Egress) -> Iterator[str]:
    """Why not all addresses are known, where they could be."""
    unread = [one for path in egress.paths for one in _unread(observed, cluster, path)]
    if not unread:
        return
    errors = [observed.error_of(one) for one in (*unread, managed_addresses(cluster) or '')]
    error = next((error for error in errors if error is not None), None)
    names = ', '.join(one.rsplit('/', 1)[-1] for one in unread[:3]) + (' ...' if len(unread) > 3 else '')
    if error is None:
        yield f"Addresses are not known: {names} was not read; 'az aks lb show' reads it."
    else:
        kind = (error.resource_id.split('/')[7:8] or [''])[0]
        yield (f'Addresses are not known: {names} could not be read ({error.code}); it takes Microsoft.Network/'
               f'{kind}/read on {error.resource_id}.')


def _unread(observed: Observed, cluster: Cluster, path: Path) -> List[str]:
    """What would have to be read for the addresses of one way: its gateway, or those of its addresses that were not."""
    ids = address_ids_of(observed, cluster, path)
    if ids is None:
        return [path.via] if path.way == NAT_GATEWAY and path.via else []
    return [one for one in ids if addresses_of(observed, [one]) is None]


def _evidence(observed: Observed, cluster: Cluster, egress: Egress) -> Iterator[str]:
    if not egress.declared == egress.effective == LOAD_BALANCER:
        yield from (f'{path.about}: {path.way}. {path.why}' for path in egress.paths)
    if egress.addresses is None:
        yield from _without_addresses(observed, cluster, egress)
    if egress.declared == LOAD_BALANCER and egress.unread:
        through_balancer = addresses_of(observed, balancer_address_ids(observed, cluster) or ())
        if through_balancer:
            yield f"Through the load balancer they would leave from {', '.join(through_balancer)}."
    if cluster.dual_stack and egress.declared == LOAD_BALANCER and NAT_GATEWAY in {path.way for path in egress.paths}:
        yield 'A Standard NAT gateway carries IPv4 only: IPv6 stays with the load balancer.'


# The way of each pool

def _paths(observed: Observed, cluster: Cluster) -> Tuple[Path, ...]:
    """The paths that differ, each with the names of all its pools."""
    if cluster.outbound_type == BLOCK:
        return (Path(BLOCKED, 'The outbound type is block: AKS blocks egress.'),)
    pools: Dict[Path, List[str]] = {}
    for pool in cluster.pools:
        if pool.pod_subnet_id is not None:
            pods = _path_from(observed, cluster, pool, pool.pod_subnet_id)._replace(traffic=_PODS)
            pools.setdefault(pods, []).append(pool.name)
        pools.setdefault(_path_of_nodes(observed, cluster, pool), []).append(pool.name)
    if not cluster.pools:
        pools[_path_of_nodes(observed, cluster, AgentPool('', 0, 0))] = []
    return tuple(path._replace(pools=tuple(names)) for path, names in pools.items())


def _path_of_nodes(observed: Observed, cluster: Cluster, pool: AgentPool) -> Path:
    if pool.subnet_id is not None:
        return _path_from(observed, cluster, pool, pool.subnet_id)
    if pool.own_subnet:
        return Path(UNKNOWN, 'The id of its subnet is malformed.')
    candidates = [subnet for subnet in observed.subnets if is_managed(subnet.id, cluster)]
    named = [subnet for subnet in candidates if subnet.id.name.lower() == MANAGED_SUBNET_NAME]
    if len(named) == 1 or len(candidates) == 1:
        return _path_through(observed, cluster, pool, (named or candidates)[0])
    if candidates:
        return Path(UNKNOWN, 'Which subnet of the node resource group is that of the nodes could not be told.')
    return _not_read(observed, 'virtual network of the node resource group', managed_networks(cluster),
                     'Microsoft.Network/virtualNetworks/read', cluster.node_resource_group or '')


def _path_from(observed: Observed, cluster: Cluster, pool: AgentPool, subnet_id: ArmId) -> Path:
    subnet = observed.subnet(subnet_id)
    if subnet is not None:
        return _path_through(observed, cluster, pool, subnet)
    return _not_read(observed, 'subnet', subnet_id, 'Microsoft.Network/virtualNetworks/subnets/read',
                     subnet_id)._replace(subnet_id=subnet_id)


def _not_read(observed: Observed, what: str, resource_id: Optional[str], permission: str, place: str) -> Path:
    error = observed.error_of(resource_id) if resource_id else None
    if error is None:
        if resource_id and observed.names_in(resource_id) is not None:
            return Path(UNKNOWN, f'No {what} was found.')
        return Path(UNKNOWN, f"The {what} was not read: what this rests on does not hold it. A snapshot of '--save-to' "
                             'does.')
    why = {_FORBIDDEN: f'The {what} could not be read: {permission} is missing on {place}.',
           _NOT_FOUND: f'The {what} does not exist (any more): {place}.'}.get(
               error.status or 0, f'The {what} could not be read ({error.code}): it takes {permission} on {place}.')
    return Path(UNKNOWN, why, error=error.code or 'Unknown')


def _path_through(observed: Observed, cluster: Cluster, pool: AgentPool, subnet: Subnet) -> Path:
    """The first that Azure takes: a route, the gateway on the subnet, a public IP on the node, the load balancer."""
    table = observed.route_table(subnet.route_table_id) if subnet.route_table_id else None
    if table is None and subnet.route_table_id is not None and not is_managed(subnet.route_table_id, cluster):
        return _not_read(observed, f'route table {subnet.route_table_id.name}', subnet.route_table_id,
                         'Microsoft.Network/routeTables/read', subnet.route_table_id)._replace(subnet_id=subnet.id)
    path = _routed(table) or _beyond_routes(cluster, pool, subnet)
    return path._replace(subnet_id=subnet.id, learnt=path.learnt or _may_have_learnt(cluster, table))


def _routed(table: Optional[RouteTable]) -> Optional[Path]:
    """The way that the route table decides; None where it leaves packets to what comes after routes."""
    if table is None:
        return None
    lower, upper = table.halves
    (way, via), (other_way, other_via) = _led(lower), _led(upper)
    words = ' and '.join(dict.fromkeys(map(_route_words, (lower, upper))))
    if way != other_way:
        return Path(MIXED, f'Routes of table {table.id.name} split IPv4: {words}.')
    if way is None or lower is None:
        return None
    if way == UNKNOWN:
        return Path(UNKNOWN, f'What {words} of table {table.id.name} does is not documented.')
    return Path(way, f'By {words} of table {table.id.name}.', via if via == other_via else None)


def _led(route: Optional[Route]) -> Tuple[Optional[str], Optional[str]]:
    """(way, next hop) by a route for half of IPv4; None where it is the normal way."""
    if route is None or route.next_hop_type == INTERNET:
        return None, None
    return _BY_NEXT_HOP.get(route.next_hop_type or '', UNKNOWN), route.next_hop_ip


def _route_words(route: Optional[Route]) -> str:
    if route is None:
        return 'no route'
    if route.next_hop_type == DROPPED:
        return f'route {route.prefix}, which drops packets,'
    return f"route {route.prefix} to {' '.join(filter(None, (route.next_hop_type, route.next_hop_ip)))}"


def _beyond_routes(cluster: Cluster, pool: AgentPool, subnet: Subnet) -> Path:
    if subnet.nat_gateway_id is not None:
        return Path(NAT_GATEWAY, f'The NAT gateway {subnet.nat_gateway_id.name} is on the subnet.',
                    subnet.nat_gateway_id)
    if pool.node_public_ip:
        return Path(NODE_PUBLIC_IP, 'Its nodes have public IPs of their own.')
    return _left_to_aks(cluster.outbound_type)


def _left_to_aks(outbound_type: str) -> Path:
    """What AKS itself sets up, where nothing of the network decides."""
    if outbound_type == LOAD_BALANCER:
        return Path(LOAD_BALANCER, 'Nothing on the subnet leads elsewhere.')
    if outbound_type == USER_DEFINED_ROUTING:
        return Path(BLOCKED, f'No route for {DEFAULT_ROUTE} leads to an appliance or a gateway, and no NAT gateway is '
                             'on the subnet.')
    if NAT_GATEWAY in EXPECTED.get(outbound_type, ()):
        return Path(BLOCKED, 'No NAT gateway is on the subnet.')
    return Path(UNKNOWN, f'The outbound type is {outbound_type}, and nothing on the subnet leads out: whether '
                         'anything else does is not known.')


def _may_have_learnt(cluster: Cluster, table: Optional[RouteTable]) -> bool:
    """Whether a default route that a gateway has learnt could win: a route of the table for the same prefix does not
    let it, and the virtual network that AKS makes has no gateway."""
    if table is None:
        return cluster.own_vnet
    return cluster.own_vnet and table.propagates and None in table.halves
