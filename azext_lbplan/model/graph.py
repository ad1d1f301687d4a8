# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Azure Resource Graph: the two queries about a fleet, with only the columns that are needed, and what a row holds.

Columns are plain paths and `array_length`, which every version of the service has. Members of backend pools are
counted there: they are most of a load balancer's body, and an answer over 16 MiB is refused.
Source: learn.microsoft.com, "Understanding the Azure Resource Graph query language" and "Working with large Azure
resource data sets".
"""

import re
from dataclasses import replace
from typing import Any, Iterable, Iterator, Mapping, Optional, Union

from .network import (LOAD_BALANCER_NAME, LoadBalancer, PublicIp, PublicIpPrefix, parse_load_balancer, parse_public_ip,
                      parse_public_ip_prefix)
from .values import count, get, id_segments, properties, text

CLUSTER_TYPE = 'microsoft.containerservice/managedclusters'
LOAD_BALANCER_TYPE = 'microsoft.network/loadbalancers'
PUBLIC_IP_TYPE = 'microsoft.network/publicipaddresses'
PREFIX_TYPE = 'microsoft.network/publicipprefixes'

#: Names in one `in~ (…)`, as many as a page has rows: of usual length (30 characters) they make 35 KB of query. The
#: limit of the service is not documented.
MOST_NAMES = 1000

#: Pools of a load balancer that are asked for: AKS makes two, and two more in dual-stack (samples/network).
POOLS = 4

#: Names of groups and addresses: without quotes, which would end a string of the query.
_NAME = re.compile(r'[-\w.()]{1,200}\Z')

_CLUSTER_PROPERTIES = ('provisioningState', 'powerState', 'kubernetesVersion', 'currentKubernetesVersion',
                       'nodeResourceGroup', 'networkProfile', 'agentPoolProfiles', 'nodeProvisioningProfile')

_NETWORK_PROPERTIES = ('provisioningState', 'frontendIPConfigurations', 'outboundRules', 'publicIPAddressVersion',
                       'publicIPAllocationMethod', 'ipAddress', 'ipConfiguration', 'natGateway', 'prefixLength',
                       'ipPrefix', 'loadBalancerFrontendIpConfiguration')

#: Columns of backend pool number {0}, as (column, expression).
_POOL_COLUMNS = (
    ('pool{0}Id', 'properties.backendAddressPools[{0}].id'),
    ('pool{0}Name', 'properties.backendAddressPools[{0}].name'),
    ('pool{0}LoadBalancingRules', 'properties.backendAddressPools[{0}].properties.loadBalancingRules'),
    ('pool{0}OutboundRules', 'properties.backendAddressPools[{0}].properties.outboundRules'),
    ('pool{0}InboundNatRules', 'properties.backendAddressPools[{0}].properties.inboundNatRules'),
    ('pool{0}Nics', 'array_length(properties.backendAddressPools[{0}].properties.backendIPConfigurations)'),
    ('pool{0}Addresses', 'array_length(properties.backendAddressPools[{0}].properties.loadBalancerBackendAddresses)'),
)


def clusters_query(resource_group: Optional[str] = None) -> str:
    """The query for clusters, of one resource group where it is given."""
    return '\n| '.join([
        'resources', f"where type =~ '{CLUSTER_TYPE}'",
        *([f"where resourceGroup =~ '{resource_group}'"] if resource_group else []),
        _project(('id', 'name', 'type', 'location', 'subscriptionId'), _CLUSTER_PROPERTIES), 'order by id asc'])


def network_queries(node_groups: Iterable[str], address_names: Iterable[str]) -> Iterator[str]:
    """The query for load balancers of clusters in these node resource groups, and addresses and prefixes so named;
    more than one where the names are too many for one."""
    groups, names = _quotable(node_groups), _quotable(address_names)
    # Where the groups are too many, rows that do not matter are left out after they came: few things bear this name.
    among = f' and {_among("resourceGroup", groups)}' if 0 < len(groups) <= MOST_NAMES else ''
    balancers = f"type =~ '{LOAD_BALANCER_TYPE}' and name =~ '{LOAD_BALANCER_NAME}'{among}"
    batches = [names[start:start + MOST_NAMES] for start in range(0, len(names), MOST_NAMES)]
    addresses = [f"type in~ ('{PUBLIC_IP_TYPE}', '{PREFIX_TYPE}') and {_among('name', batch)}" for batch in batches]
    yield _network_query(' or '.join([balancers, *addresses[:1]]))
    yield from map(_network_query, addresses[1:])


def _network_query(condition):
    pools = [f'{column} = {expression}'.format(index) for index in range(POOLS)
             for column, expression in _POOL_COLUMNS]
    counts = [f'{name}Count = array_length(properties.{name})' for name in ('loadBalancingRules', 'inboundNatRules')]
    return '\n| '.join(['resources', f'where {condition}',
                        _project(('id', 'name', 'type', 'location', 'sku', 'tags'), _NETWORK_PROPERTIES,
                                 counts + pools), 'order by id asc'])


def _quotable(names):
    return sorted({name.lower() for name in names if _NAME.match(name)})


def _among(column, names):
    return f'{column} in~ (' + ', '.join(f"'{name}'" for name in names) + ')'


def _project(columns, names, more=()):
    return 'project ' + ', '.join([*columns, *(f'{name} = properties.{name}' for name in names), *more])


def type_of(row: Any) -> str:
    """The resource type of `row` in lower case, from its `type` or its id; '' where neither tells."""
    kind = text(row, 'type')
    if kind is None:
        segments = id_segments(text(row, 'id'))
        kind = f"{segments.get('providers', '')}/{list(segments)[-1]}" if len(segments) > 3 else ''
    return kind.lower()


def parse_network(row: Any) -> Union[LoadBalancer, PublicIp, PublicIpPrefix, None]:
    """The load balancer, public IP or prefix in `row`: the columns of `network_query`, or a whole resource."""
    kind = type_of(row)
    if kind == LOAD_BALANCER_TYPE:
        return parse_load_balancer(row) if properties(row) is not row else _parse_reduced(row)
    parse = {PUBLIC_IP_TYPE: parse_public_ip, PREFIX_TYPE: parse_public_ip_prefix}.get(kind)
    return parse(row) if parse else None


def _parse_reduced(row):
    """A load balancer whose pools come as counts: put in the shape of ARM, and counted members filled in."""
    pools = [index for index in range(POOLS) if text(row, f'pool{index}Name')]
    balancer = parse_load_balancer({**row, 'backendAddressPools': [_pool(row, f'pool{index}') for index in pools]})
    return replace(
        balancer, load_balancing_rules=count(row, 'loadBalancingRulesCount') or 0,
        inbound_nat_rules=count(row, 'inboundNatRulesCount') or 0,
        backend_pools=tuple(_with_members(pool, row, f'pool{index}')
                            for pool, index in zip(balancer.backend_pools, pools)))


def _pool(row: Mapping, column: str):
    return {'id': get(row, f'{column}Id'), 'name': get(row, f'{column}Name'),
            'properties': {'loadBalancingRules': get(row, f'{column}LoadBalancingRules'),
                           'outboundRules': get(row, f'{column}OutboundRules'),
                           'inboundNatRules': get(row, f'{column}InboundNatRules')}}


def _with_members(pool, row, column):
    """AKS puts each node into all pools, once: a count of members is a count of nodes, and one network interface
    (called '*' here) stands for the rules that each of them has."""
    nics = count(row, f'{column}Nics') or 0
    return replace(pool, ipv4_members=nics or count(row, f'{column}Addresses') or 0,
                   nics=frozenset('*') if nics else frozenset())
