# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What a row of Azure Resource Graph holds: a resource of a fleet, whole or in the columns that were asked for.

Members of backend pools come as counts: they are most of a load balancer's body.
"""

from typing import Callable, Dict, Mapping, Optional, Tuple, Union

from ..facts.networks import (LOAD_BALANCER_TYPE, NAT_GATEWAY_TYPE, PREFIX_TYPE, PUBLIC_IP_TYPE, ROUTE_TABLE_TYPE,
                              SUBNET_TYPE, VIRTUAL_NETWORK_TYPE)
from .network import (BackendPool, LoadBalancer, PublicIp, PublicIpPrefix, address_version, is_understood,
                      parse_load_balancer, parse_public_ip, parse_public_ip_prefix)
from .subnets import NatGateway, RouteTable, Subnet, parse_nat_gateway, parse_route_table, parse_subnet, subnets_of
from .values import Json, count, get, id_segments, properties, text

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
    """A load balancer whose pools come as counts: put in the shape of ARM, and counted members filled in."""
    pools = [index for index in range(POOLS) if text(row, f'pool{index}Name')]
    balancer = parse_load_balancer({
        **{column: get(row, column) for column in _OUTER}, 'properties': {
            **{column: get(row, column) for column in _INNER}, **_NOT_ASKED_FOR,
            'backendAddressPools': [_pool(row, f'pool{index}') for index in pools]}})
    return balancer._replace(
        load_balancing_rules=count(row, 'loadBalancingRulesCount') or 0,
        backend_pools=tuple(_with_members(pool, row, f'pool{index}')
                            for pool, index in zip(balancer.backend_pools, pools)))


_OUTER = ('id', 'name', 'sku', 'location')
_INNER = ('provisioningState', 'frontendIPConfigurations', 'outboundRules')

#: What a row does not hold: a key that is there is found at once, one that is not is looked for in every spelling.
_NOT_ASKED_FOR: Mapping[str, Json] = {'loadBalancingRules': None, 'inboundNatRules': None}
_NO_MEMBERS: Mapping[str, Json] = {'backendIPConfigurations': None, 'loadBalancerBackendAddresses': None}


def _pool(row: Mapping[str, Json], column: str) -> Json:
    return {'id': get(row, f'{column}Id'), 'name': get(row, f'{column}Name'),
            'properties': {'loadBalancingRules': get(row, f'{column}LoadBalancingRules'),
                           'outboundRules': get(row, f'{column}OutboundRules'),
                           'inboundNatRules': get(row, f'{column}InboundNatRules'), **_NO_MEMBERS}}


def _with_members(pool: BackendPool, row: Mapping[str, Json], column: str) -> BackendPool:
    """AKS puts each node into all pools, once: a count of members is a count of nodes, and one network interface
    (called '*' here) stands for the rules that each of them has."""
    nics = count(row, f'{column}Nics') or 0
    return pool._replace(ipv4_members=nics or count(row, f'{column}Addresses') or 0,
                         nics=frozenset('*') if nics else frozenset())
