# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The pages that findings point to."""

#: Outbound traffic of a cluster.
USE_STANDARD_LB = 'https://learn.microsoft.com/azure/aks/configure-load-balancer-standard'
OUTBOUND_TYPES = 'https://learn.microsoft.com/azure/aks/egress-outboundtype'
TROUBLESHOOT_SNAT = 'https://learn.microsoft.com/troubleshoot/azure/azure-kubernetes/connectivity/snat-port-exhaustion'
OUTBOUND_RULES = 'https://learn.microsoft.com/azure/load-balancer/outbound-rules'
EGRESS_PRECEDENCE = 'https://learn.microsoft.com/azure/nat-gateway/nat-overview'
LARGE_CLUSTERS = 'https://learn.microsoft.com/azure/aks/best-practices-performance-scale-large'
BASIC_RETIREMENT = 'https://learn.microsoft.com/azure/aks/upgrade-basic-load-balancer-on-aks'
AUTHORIZED_RANGES = 'https://learn.microsoft.com/azure/aks/api-server-authorized-ip-ranges'
SEVERAL_BALANCERS = 'https://learn.microsoft.com/azure/aks/use-multiple-standard-load-balancer'
UPGRADES = 'https://learn.microsoft.com/azure/aks/upgrade-aks-node-pools-rolling'
STATIC_EGRESS_GATEWAY = 'https://learn.microsoft.com/azure/aks/configure-static-egress-gateway'
WINDOWS_OUTBOUND_NAT = 'https://learn.microsoft.com/azure/aks/nat-gateway#disable-outboundnat-for-windows'

#: Services of type LoadBalancer.
CLOUD_PROVIDER = 'https://cloud-provider-azure.sigs.k8s.io/topics/loadbalancer/'
PRIVATE_LINK = 'https://cloud-provider-azure.sigs.k8s.io/topics/pls-integration/'
AKS = 'https://learn.microsoft.com/azure/aks/load-balancer-standard'
AKS_INTERNAL = 'https://learn.microsoft.com/azure/aks/internal-lb'
AKS_STATIC_IP = 'https://learn.microsoft.com/azure/aks/static-ip'
KUBERNETES = 'https://kubernetes.io/docs/concepts/services-networking/service/'
KUBERNETES_FIELDS = 'https://kubernetes.io/docs/reference/using-api/api-concepts/#field-validation'
KUBERNETES_OBJECTS = 'https://kubernetes.io/docs/concepts/overview/working-with-objects/'
KUBERNETES_NAMES = 'https://kubernetes.io/docs/concepts/overview/working-with-objects/names/'
HELM_TEMPLATE = 'https://helm.sh/docs/helm/helm_template/'
YAML_MAPPING = 'https://yaml.org/spec/1.2.2/#mapping'

_LIMITS = 'https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits'

#: Limits of a load balancer, and of a subscription's network.
LIMITS = f'{_LIMITS}#load-balancer'
NETWORK_LIMITS = f'{_LIMITS}#networking-limits'
