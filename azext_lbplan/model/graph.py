# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What a row of Azure Resource Graph holds: a resource of a fleet, whole or in the columns that were asked for.

Members of backend pools come as counts: they are most of a load balancer's body.
"""

from typing import Callable, Dict, Mapping, Optional, Tuple, Union

from ..facts.networks import (LOAD_BALANCER_TYPE, NAT_GATEWAY_TYPE, PREFIX_TYPE, PUBLIC_IP_TYPE, ROUTE_TABLE_TYPE,
                              SUBNET_TYPE, VIRTUAL_NETWORK_TYPE)
from .network import (BackendPool, LoadBalancer, PublicIp, PublicIpPrefix, address_version, is_understood,
                      load_balancer_of, parse_load_balancer, parse_public_ip, parse_public_ip_prefix)
from .subnets import NatGateway, RouteTable, Subnet, parse_nat_gateway, parse_route_table, parse_subnet, subnets_of
from .values import Json, count, id_segments, ids, properties, text

#: Types whose rows are looked at for what every such resource has.
_BALANCING = (LOAD_BALANCER_TYPE, PUBLIC_IP_TYPE, PREFIX_TYPE)

#: Pools of a load balancer that are asked for: AKS makes two, and two more in dual-stack (samples/network).
POOLS = 4


def type_of(row: Json) -> str:
    """The resource type of `row` in lower case, from its `type` or its id; '' where neither tells."""
    return (text(row, 'type') or type_of_id(text(row, 'id'))).lower()


def type_of_id(resource_id: Optional[str]) -> str:
    """The resource type that an id names, in lower case; '' where it names none."""
    segments = id_segments(resource_id)
    return '/'.join((segments.get('providers', ''), *list(segments)[3:])).lower() if len(segments) > 3 else ''


#: What belongs to clusters.
Resource = Union[LoadBalancer, PublicIp, PublicIpPrefix, Subnet, RouteTable, NatGateway]


def parse_network(row: Json) -> Tuple[Resource, ...]:
    """What `row` holds of what belongs to clusters: of a virtual network its subnets; nothing of anything else, and of
    a row that does not hold what every such resource has."""
    resource_type = type_of(row)
    if resource_type in _BALANCING and not is_understood(row, resource_type):
        return ()
    if resource_type == LOAD_BALANCER_TYPE:
        return (parse_load_balancer(row) if properties(row) is not row else _parse_reduced(row),)
    if resource_type == VIRTUAL_NETWORK_TYPE:
        return tuple(filter(None, map(parse_subnet, subnets_of(row))))
    parse = _PARSERS.get(resource_type)
    found = parse(row) if parse else None
    return (found,) if found is not None else ()


def parse_way(row: Json) -> Optional[Resource]:
    """The route table or NAT gateway in `row`."""
    return parse_nat_gateway(row) if type_of(row) == NAT_GATEWAY_TYPE else parse_route_table(row)


def parse_made(row: Json) -> Optional[Resource]:
    """The public IP or prefix in `row`, of which its address and family were asked for; None without an address."""
    resource_id, address, prefix = text(row, 'id'), text(row, 'ipAddress'), text(row, 'ipPrefix')
    if resource_id is None or not (address or prefix):
        return None
    if address is None:
        return parse_public_ip_prefix(row)
    return PublicIp(resource_id, version=address_version(row), ip_address=address)


_PARSERS: Dict[str, Callable[[Json], Optional[Resource]]] = {
    PUBLIC_IP_TYPE: parse_public_ip, PREFIX_TYPE: parse_public_ip_prefix, SUBNET_TYPE: parse_subnet,
    ROUTE_TABLE_TYPE: parse_route_table, NAT_GATEWAY_TYPE: parse_nat_gateway}


def _parse_reduced(row: Mapping[str, Json]) -> LoadBalancer:
    """A load balancer whose pools come as counts."""
    pools = [_pool(row, *columns) for columns in _POOL_COLUMNS]
    return load_balancer_of(row, {**_NOT_ASKED_FOR, **row}, [pool for pool in pools if pool is not None],
                            count(row, 'loadBalancingRulesCount') or 0)


#: What a row does not hold: a key that is there is found at once, one that is not is looked for in every spelling.
_NOT_ASKED_FOR: Mapping[str, Json] = {'loadBalancingRules': None, 'inboundNatRules': None}

#: What is asked of each pool, in the order in which `_pool` takes it; `readers.graph_queries` names the paths.
_POOL_COLUMNS = tuple(tuple(f'pool{index}{column}' for column in (
    'Id', 'Name', 'Nics', 'Addresses', 'LoadBalancingRules', 'OutboundRules', 'InboundNatRules'))
    for index in range(POOLS))


def _pool(row: Mapping[str, Json], id_column: str, name_column: str, nics_column: str, addresses_column: str,
          *rules_columns: str) -> Optional[BackendPool]:
    """The pool in these columns; None where there is none. AKS puts each node into all pools, once: a count of members
    is a count of nodes, and one network interface (called '*' here) stands for the rules that each of them has."""
    name = text(row, name_column)
    if name is None:
        return None
    nics = count(row, nics_column) or 0
    return BackendPool(text(row, id_column), name, nics or count(row, addresses_column) or 0,
                       tuple(rule.lower() for column in rules_columns for rule in ids(row, column)),
                       frozenset('*') if nics else frozenset())
