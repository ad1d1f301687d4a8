# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What decides where packets leave: the subnets of the nodes, with their route tables and NAT gateways.

What does not parse counts as not read: nothing is said of where packets leave then. Source: AZURE-FACTS section 11.
"""

from typing import NamedTuple, Optional, Sequence, Tuple

from ..facts.ids import ArmId, parse_id
from ..facts.networks import (DEFAULT_ROUTE, HALF_ROUTES, NAT_GATEWAY_TYPE, NEXT_HOPS, PREFIX_TYPE, PUBLIC_IP_SKUS,
                              PUBLIC_IP_TYPE, ROUTE_TABLE_TYPE, SUBNET_TYPE)
from .values import Json, canonical, count, flag, ids, items, properties, text


class Subnet(NamedTuple):
    """A subnet, with the ids of the NAT gateway and the route table on it."""

    id: ArmId
    nat_gateway_id: Optional[ArmId] = None
    route_table_id: Optional[ArmId] = None


class Route(NamedTuple):
    """A route: where packets to `prefix` (in CIDR notation, or a service tag) go next."""

    prefix: str
    next_hop_type: Optional[str]
    next_hop_ip: Optional[str] = None


class RouteTable(NamedTuple):
    """A route table. `propagates`: routes that gateways learn, over BGP or from a virtual WAN, apply beside its own."""

    id: ArmId
    routes: Tuple[Route, ...] = ()
    propagates: bool = True

    @property
    def halves(self) -> Tuple[Optional[Route], ...]:
        """The routes of this table for the two halves of IPv4; None where the table has none."""
        by_prefix = {route.prefix: route for route in self.routes}
        return tuple(by_prefix.get(half) or by_prefix.get(DEFAULT_ROUTE) for half in HALF_ROUTES)


class NatGateway(NamedTuple):
    """A NAT gateway: its public IPs and prefixes, and the ids of the subnets that it serves."""

    id: ArmId
    sku: Optional[str] = None
    idle_timeout_in_minutes: Optional[int] = None
    address_ids: Tuple[ArmId, ...] = ()
    subnets: Tuple[str, ...] = ()


def parse_subnet(body: Json) -> Optional[Subnet]:
    """The subnet in `body`, raw or flattened; None where it, or what is on it, has an id that Azure cannot have given.
    """
    inner = properties(body)
    subnet_id = parse_id(text(body, 'id'), SUBNET_TYPE)
    gateway, table = text(inner, 'natGateway', 'id'), text(inner, 'routeTable', 'id')
    gateway_id, table_id = parse_id(gateway, NAT_GATEWAY_TYPE), parse_id(table, ROUTE_TABLE_TYPE)
    if subnet_id is None or (gateway and not gateway_id) or (table and not table_id):
        return None
    return Subnet(subnet_id, gateway_id, table_id)


def subnets_of(virtual_network: Json) -> Sequence[Json]:
    """The bodies of the subnets in that of a virtual network."""
    return items(properties(virtual_network), 'subnets')


def parse_route_table(body: Json) -> Optional[RouteTable]:
    """The route table in `body`, raw or flattened; None where its id is none."""
    inner = properties(body)
    table_id = parse_id(text(body, 'id'), ROUTE_TABLE_TYPE)
    if table_id is None:
        return None
    return RouteTable(table_id, tuple(_parse_route(route) for route in items(inner, 'routes')),
                      not flag(inner, 'disableBgpRoutePropagation'))


def _parse_route(body: Json) -> Route:
    inner = properties(body)
    return Route((text(inner, 'addressPrefix') or '').replace(' ', ''),
                 canonical(text(inner, 'nextHopType'), NEXT_HOPS), text(inner, 'nextHopIpAddress'))


def parse_nat_gateway(body: Json) -> Optional[NatGateway]:
    """The NAT gateway in `body`, raw or flattened; None where its id, or that of one of its addresses, is none."""
    inner = properties(body)
    gateway_id = parse_id(text(body, 'id'), NAT_GATEWAY_TYPE)
    sku, idle_timeout = canonical(text(body, 'sku', 'name'), PUBLIC_IP_SKUS), count(inner, 'idleTimeoutInMinutes')
    subnets = ids(inner, 'subnets')
    named = [written for key in ('publicIpAddresses', 'publicIpPrefixes', 'publicIpAddressesV6', 'publicIpPrefixesV6')
             for written in ids(inner, key)]
    parsed = [parse_id(written, PUBLIC_IP_TYPE, PREFIX_TYPE) for written in named]
    address_ids = tuple(address_id for address_id in parsed if address_id is not None)
    if gateway_id is None or len(address_ids) < len(named):
        return None
    return NatGateway(gateway_id, sku, idle_timeout, address_ids, subnets)
