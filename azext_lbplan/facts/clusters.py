# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Words and defaults of a managed cluster, in ARM's spelling."""

#: The resource type, in lower case.
CLUSTER_TYPE = 'microsoft.containerservice/managedclusters'

#: Outbound types. Source: AZURE-FACTS section 1, Outbound types [D].
LOAD_BALANCER = 'loadBalancer'
USER_DEFINED_ROUTING = 'userDefinedRouting'
MANAGED_NAT_GATEWAY = 'managedNATGateway'
MANAGED_NAT_GATEWAY_V2 = 'managedNATGatewayV2'
USER_ASSIGNED_NAT_GATEWAY = 'userAssignedNATGateway'
BLOCK = 'block'
MANAGED_NAT_GATEWAYS = (MANAGED_NAT_GATEWAY, MANAGED_NAT_GATEWAY_V2)
OUTBOUND_TYPES = (LOAD_BALANCER, USER_DEFINED_ROUTING, MANAGED_NAT_GATEWAY, MANAGED_NAT_GATEWAY_V2,
                  USER_ASSIGNED_NAT_GATEWAY, 'none', BLOCK)

#: SKUs of the load balancer. Source: AZURE-FACTS section 1; Basic is retired [D].
STANDARD = 'Standard'
BASIC = 'Basic'

#: How nodes join the inbound backend pool. Source: AZURE-FACTS section 1, table, `backendPoolType`.
NODE_IP_CONFIGURATION = 'nodeIPConfiguration'
NODE_IP = 'nodeIP'
BACKEND_POOL_TYPES = (NODE_IP_CONFIGURATION, NODE_IP)

#: How Services of traffic policy Cluster are probed: each port by its node port, or all by kube-proxy's own health.
#: Source: the API's enum ClusterServiceLoadBalancerHealthProbeMode [D].
SHARED_PROBE = 'Shared'
PROBE_MODES = ('ServiceNodePort', SHARED_PROBE)

#: Types of agent pools. Source: AZURE-FACTS section 9, point 8 [O].
VIRTUAL_MACHINES = 'VirtualMachines'
SCALE_SETS = 'VirtualMachineScaleSets'
AVAILABILITY_SET = 'AvailabilitySet'
POOL_TYPES = (SCALE_SETS, AVAILABILITY_SET, VIRTUAL_MACHINES)

#: Nodes with this label, whatever its value, are no backends of load balancers. Source: AZURE-FACTS section 2.
EXCLUDING_LABEL = 'node.kubernetes.io/exclude-from-external-load-balancers'

#: The Kubernetes version from which a Basic load balancer can be exchanged. Source: AZURE-FACTS section 1, Basic [D].
BASIC_MOVES_SINCE = (1, 27)

#: Defaults of the profile: one managed IP, 30 minutes, automatic ports. Source: AZURE-FACTS section 1, table.
DEFAULT_MANAGED_OUTBOUND_IP_COUNT = 1
DEFAULT_IDLE_TIMEOUT_IN_MINUTES = 30
AUTOMATIC_PORTS = 0

#: Where the public IPs of a profile come from: one of three options [D], or several, which exist anyway [O]. Source:
#: AZURE-FACTS section 1; the words are those of `ipSource` in results.
MANAGED = 'managed'
PUBLIC_IPS = 'publicIps'
PREFIXES = 'prefixes'
MIXED = 'mixed'
NONE = 'none'
