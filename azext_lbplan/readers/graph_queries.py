# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What Azure Resource Graph is asked about a fleet: clusters, then what belongs to them, in the columns that
`model.graph` reads.

Columns are plain paths, `array_length`, and of subnets what `mv-expand` makes of the networks that hold them. Members
of backend pools are counted there: they are most of a load balancer's body, and an answer over 16 MiB is refused.
Source: learn.microsoft.com, "Understanding the Azure Resource Graph query language" and "Working with large Azure
resource data sets".
"""

import re
from typing import Iterable, Iterator, List, Optional

from ..facts.clusters import CLUSTER_TYPE
from ..facts.networks import (LOAD_BALANCER_NAME, LOAD_BALANCER_TYPE, NAT_GATEWAY_TYPE, PREFIX_TYPE, PUBLIC_IP_TYPE,
                              ROUTE_TABLE_TYPE, VIRTUAL_NETWORK_TYPE)
from ..model.graph import POOLS

#: Names in one `in~ (…)`, as many as a page has rows: of usual length (30 characters) they make 35 KB of query. The
#: limit of the service is not documented.
MOST_NAMES = 1000

#: Names of groups and addresses: without quotes, which would end a string of the query.
_NAME = re.compile(r'[-\w.()]{1,200}\Z')

_CLUSTER_PROPERTIES = ('provisioningState', 'powerState', 'kubernetesVersion', 'currentKubernetesVersion',
                       'nodeResourceGroup', 'networkProfile', 'agentPoolProfiles', 'nodeProvisioningProfile',
                       'apiServerAccessProfile')

_NETWORK_PROPERTIES = ('provisioningState', 'frontendIPConfigurations', 'outboundRules', 'publicIPAddressVersion',
                       'publicIPAllocationMethod', 'ipAddress', 'ipConfiguration', 'natGateway', 'prefixLength',
                       'ipPrefix', 'loadBalancerFrontendIpConfiguration', 'publicIPAddresses')

#: The most rows that the service makes of one. Source: "Understanding the Azure Resource Graph query language".
MOST_SUBNETS = 2000

_WAY_PROPERTIES = ('routes', 'disableBgpRoutePropagation', 'publicIpAddresses', 'publicIpPrefixes',
                   'publicIpAddressesV6', 'publicIpPrefixesV6', 'idleTimeoutInMinutes')
_MADE_PROPERTIES = ('ipAddress', 'ipPrefix', 'publicIPAddressVersion')

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


def subnet_queries(node_groups: Iterable[str], network_names: Iterable[str]) -> Iterator[str]:
    """The queries for the subnets of the virtual networks in these node resource groups, and of those so named: one
    row for each, since the members of a subnet are most of a network's body."""
    for column, names in (('resourceGroup', node_groups), ('name', network_names)):
        for batch in _batches(names):
            yield '\n| '.join(['resources', f"where type =~ '{VIRTUAL_NETWORK_TYPE}' and {_among(column, batch)}",
                               f'mv-expand subnet = properties.subnets limit {MOST_SUBNETS}',
                               'project id = tostring(subnet.id), natGateway = subnet.properties.natGateway, '
                               'routeTable = subnet.properties.routeTable', 'order by id asc'])


def way_queries(names: Iterable[str]) -> Iterator[str]:
    """The queries for route tables and NAT gateways so named."""
    for batch in _batches(names):
        yield '\n| '.join(['resources', f"where type in~ ('{ROUTE_TABLE_TYPE}', '{NAT_GATEWAY_TYPE}') and "
                           f"{_among('name', batch)}", _project(('id', 'type', 'sku'), _WAY_PROPERTIES),
                           'order by id asc'])


def made_queries(names: Iterable[str]) -> Iterator[str]:
    """The queries for the addresses of public IPs and prefixes so named."""
    for batch in _batches(names):
        yield '\n| '.join(['resources', f"where type in~ ('{PUBLIC_IP_TYPE}', '{PREFIX_TYPE}') and "
                           f"{_among('name', batch)}", _project(('id',), _MADE_PROPERTIES), 'order by id asc'])


def _batches(names: Iterable[str]) -> Iterator[List[str]]:
    quotable = _quotable(names)
    return (quotable[start:start + MOST_NAMES] for start in range(0, len(quotable), MOST_NAMES))


def network_queries(node_groups: Iterable[str], address_names: Iterable[str]) -> Iterator[str]:
    """The query for load balancers of clusters in these node resource groups, and addresses and prefixes so named;
    more than one where the names are too many for one."""
    groups, names = _quotable(node_groups), _quotable(address_names)
    # Where the groups are too many, rows that do not matter are left out after they came: few things bear this name.
    among = f' and {_among("resourceGroup", groups)}' if 0 < len(groups) <= MOST_NAMES else ''
    balancers = f"type =~ '{LOAD_BALANCER_TYPE}' and name =~ '{LOAD_BALANCER_NAME}'{among}"
    addresses = [f"type in~ ('{PUBLIC_IP_TYPE}', '{PREFIX_TYPE}') and {_among('name', batch)}"
                 for batch in _batches(names)]
    yield _network_query(' or '.join([balancers, *addresses[:1]]))
    yield from map(_network_query, addresses[1:])


def _network_query(condition: str) -> str:
    pools = [f'{column} = {expression}'.format(index) for index in range(POOLS)
             for column, expression in _POOL_COLUMNS]
    rules = 'loadBalancingRulesCount = array_length(properties.loadBalancingRules)'
    return '\n| '.join(['resources', f'where {condition}',
                        _project(('id', 'name', 'type', 'location', 'sku', 'tags'), _NETWORK_PROPERTIES,
                                 [rules, *pools]), 'order by id asc'])


def _quotable(names: Iterable[str]) -> List[str]:
    return sorted({name.lower() for name in names if _NAME.match(name)})


def _among(column: str, names: Iterable[str]) -> str:
    return f'{column} in~ (' + ', '.join(f"'{name}'" for name in names) + ')'


def _project(columns: Iterable[str], names: Iterable[str], more: Iterable[str] = ()) -> str:
    return 'project ' + ', '.join([*columns, *(f'{name} = properties.{name}' for name in names), *more])
