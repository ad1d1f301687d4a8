# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What Kubernetes knows of a Service: its fields, the values that they take, and the syntax of names.

Source: kubernetes v1.36, `staging/src/k8s.io/api/core/v1/types.go` (Service, ServiceSpec, ServicePort),
`staging/src/k8s.io/apimachinery/pkg/apis/meta/v1/types.go` (ObjectMeta), `pkg/apis/core/validation/validation.go`.
"""

import re
from typing import Dict, FrozenSet, Tuple

#: The fields of a Service by the path of what holds them; `spec.ports[]` are the elements of the list.
SERVICE_FIELDS: Dict[str, FrozenSet[str]] = {where: frozenset(names.split()) for where, names in {
    '': 'apiVersion kind metadata spec status',
    'metadata': 'name generateName namespace selfLink uid resourceVersion generation creationTimestamp '
                'deletionTimestamp deletionGracePeriodSeconds labels annotations ownerReferences finalizers '
                'managedFields',
    'spec': 'ports selector clusterIP clusterIPs type externalIPs sessionAffinity loadBalancerIP '
            'loadBalancerSourceRanges externalName externalTrafficPolicy healthCheckNodePort '
            'publishNotReadyAddresses sessionAffinityConfig ipFamilies ipFamilyPolicy '
            'allocateLoadBalancerNodePorts loadBalancerClass internalTrafficPolicy trafficDistribution',
    'spec.ports[]': 'name protocol appProtocol port targetPort nodePort',
    'spec.sessionAffinityConfig': 'clientIP',
    'spec.sessionAffinityConfig.clientIP': 'timeoutSeconds',
}.items()}

#: Fields that older servers had, with the last minor version that took them: they are dropped since.
FIELDS_OF_OLD: Dict[str, Tuple[int, int]] = {
    'metadata.clusterName': (1, 23), 'spec.topologyKeys': (1, 21), 'spec.ipFamily': (1, 19)}

#: {field of spec: the values that it takes}; fields are case-sensitive.
SPEC_VALUES: Dict[str, Tuple[str, ...]] = {
    'externalTrafficPolicy': ('Cluster', 'Local'), 'internalTrafficPolicy': ('Cluster', 'Local'),
    'sessionAffinity': ('ClientIP', 'None'), 'ipFamilyPolicy': ('SingleStack', 'PreferDualStack', 'RequireDualStack'),
}

#: spec.trafficDistribution and the first version that takes the value unless a feature gate is set.
TRAFFIC_DISTRIBUTIONS: Dict[str, Tuple[int, int]] = {
    'PreferClose': (1, 31), 'PreferSameZone': (1, 34), 'PreferSameNode': (1, 34)}

#: Seconds. Source: validateClientIPAffinityConfig.
LONGEST_AFFINITY = 86400

#: The node ports that AKS's API server gives out and takes; the range cannot be set there.
#: Source: the default of kube-apiserver's --service-node-port-range.
NODE_PORTS = (30000, 32767)

_LABEL = r'[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?'
_SUBDOMAIN = r'(?=.{1,253}/)[a-z0-9](?:[a-z0-9-]*[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]*[a-z0-9])?)*'

#: A qualified name: keys of labels and annotations, appProtocol, loadBalancerClass. Source: IsQualifiedName.
QUALIFIED_NAME = re.compile(f'(?:{_SUBDOMAIN}/)?{_LABEL}')
#: The prefix of an annotation may have capital letters: the key is folded first. Source: ValidateAnnotations.
LABEL_VALUE = re.compile(f'(?:{_LABEL})?')
