# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Words of the network resources around a cluster, and the names that AKS gives them."""

#: Resource types, in lower case.
LOAD_BALANCER_TYPE = 'microsoft.network/loadbalancers'
PUBLIC_IP_TYPE = 'microsoft.network/publicipaddresses'
PREFIX_TYPE = 'microsoft.network/publicipprefixes'
VIRTUAL_NETWORK_TYPE = 'microsoft.network/virtualnetworks'
SUBNET_TYPE = 'microsoft.network/virtualnetworks/subnets'
ROUTE_TABLE_TYPE = 'microsoft.network/routetables'
NAT_GATEWAY_TYPE = 'microsoft.network/natgateways'

#: Collections that own outbound addresses sit in, in ARM's spelling.
PUBLIC_IPS = 'publicIPAddresses'
PREFIXES = 'publicIPPrefixes'
VIRTUAL_NETWORKS = 'virtualNetworks'

#: SKUs and allocation methods of public IPs and prefixes. Source: ARM's `PublicIPAddressSkuName`, `IPAllocationMethod`.
STANDARD_V2 = 'StandardV2'
PUBLIC_IP_SKUS = ('Standard', 'Basic', STANDARD_V2)
ALLOCATION_METHODS = ('Static', 'Dynamic')

#: Quotas that public IPs count against, and prefixes, in lower case. Source: AZURE-FACTS section 11, quotas [O].
PUBLIC_IP_QUOTAS = ('publicipaddresses', 'staticpublicipaddresses', 'standardskupublicipaddresses',
                    'ipv4standardskupublicipaddresses')
PREFIX_QUOTAS = ('publicipprefixes',)

#: Versions of an address. Source: ARM's `publicIPAddressVersion`; Kubernetes' `ipFamilies` has the same words.
IPV4 = 'IPv4'
IPV6 = 'IPv6'

#: Names that AKS gives. Source: AZURE-FACTS section 1.
LOAD_BALANCER_NAME = 'kubernetes'
OUTBOUND_RULE_NAME = 'aksOutboundRule'
OUTBOUND_BACKEND_POOL_NAME = 'aksOutboundBackendPool'

#: The backend pool of the nodes of hosted system pools. Source: AZURE-FACTS section 3 [O].
HOSTED_BACKEND_POOL_NAME = 'aksHostedSystemPoolOutboundBackendPool'

#: AKS ends the name of the IPv6 addresses that it makes so. Source: samples, a dual-stack cluster's effective IPs.
MANAGED_IPV6_SUFFIX = '-ipv6'

#: The tag of public IPs that AKS made for outbound traffic. Source: AZURE-FACTS section 9, point 13.
MANAGED_TYPE_TAG = 'aks-managed-type'

#: The subnet of the nodes in a virtual network that AKS made [O]; where there is only one, it is that.
MANAGED_SUBNET_NAME = 'aks-subnet'

#: Where a route leads. Source: ARM's `RouteNextHopType`.
VIRTUAL_APPLIANCE = 'VirtualAppliance'
VIRTUAL_NETWORK_GATEWAY = 'VirtualNetworkGateway'
INTERNET = 'Internet'
DROPPED = 'None'
NEXT_HOPS = (VIRTUAL_APPLIANCE, VIRTUAL_NETWORK_GATEWAY, INTERNET, DROPPED, 'VnetLocal')

#: The route for all of IPv4, and those for its two halves, which are more specific and win over it. Source: AZURE-FACTS
#: section 11.
DEFAULT_ROUTE = '0.0.0.0/0'
HALF_ROUTES = ('0.0.0.0/1', '128.0.0.0/1')
