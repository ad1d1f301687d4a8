# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Attributes of azurerm resources as bodies of ARM, for versions 3 to 5 of the provider.

Source: hashicorp/terraform-provider-azurerm, kubernetes_cluster_resource.go and kubernetes_nodepool.go.
"""

from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

from ...model.values import Json, Unknown, get
from .bodies import Body, one, without_nothing

CLUSTER = 'azurerm_kubernetes_cluster'
POOL = 'azurerm_kubernetes_cluster_node_pool'

#: (names of the attribute, the newest first; key of ARM) of a node pool.
_POOL_KEYS = (
    (('name',), 'name'), (('mode',), 'mode'), (('node_count',), 'count'),
    (('auto_scaling_enabled', 'enable_auto_scaling'), 'enableAutoScaling'), (('min_count',), 'minCount'),
    (('max_count',), 'maxCount'), (('type',), 'type'), (('priority',), 'scaleSetPriority'),
    (('orchestrator_version',), 'orchestratorVersion'), (('vnet_subnet_id',), 'vnetSubnetID'),
    (('node_public_ip_enabled', 'enable_node_public_ip'), 'enableNodePublicIP'),
)

_PROFILE = ('network_profile', 'load_balancer_profile')

#: Whether an attribute that is unknown is set at all: its path in the code.
IsSet = Callable[[Sequence[str]], bool]


class Attributes:
    """The attributes of a resource. An unknown one that is not set in the code has what it had `before`, or else what
    the provider makes of it: it is left out, and Azure's default counts."""

    def __init__(self, values: Json, before: Json, is_set: IsSet):
        self._values = values
        self._before = before
        self._is_set = is_set
        self.computed: List[str] = []

    def value(self, *path: str) -> Json:
        """The value at `path`; None for what is not set, and for the zeros that state has in its place."""
        value = one(self._values, *path)
        if not isinstance(value, Unknown):
            return value if value not in ('', [], {}) else None
        before = one(self._before, *path)
        if self._is_set(path):
            return value
        if before is None:
            begins = next(end for end in range(1, len(path) + 1)
                          if isinstance(one(self._values, *path[:end]), Unknown))
            self.computed.append('.'.join(path[:begins]))
        return before if before not in ('', [], {}) else None

    def first(self, names: Sequence[str], *prefix: str) -> Json:
        """The value by the first of several names that is there."""
        found = (self.value(*prefix, name) for name in names)
        return next((value for value in found if value is not None), None)


def cluster_body(attributes: Attributes) -> Body:
    """The body of an azurerm_kubernetes_cluster."""
    value = attributes.value
    network = without_nothing({
        'loadBalancerSku': value('network_profile', 'load_balancer_sku'),
        'outboundType': value('network_profile', 'outbound_type'),
        'ipFamilies': value('network_profile', 'ip_versions'),
        'natGatewayProfile': _nat_gateway(attributes),
        'loadBalancerProfile': _profile(attributes),
    })
    inner = without_nothing({
        'kubernetesVersion': value('kubernetes_version'),
        'currentKubernetesVersion': value('current_kubernetes_version'),
        'nodeResourceGroup': value('node_resource_group'),
        'networkProfile': network,
        'agentPoolProfiles': [_default_pool(attributes)],
        'apiServerAccessProfile': without_nothing({'authorizedIPRanges': (
            value('api_server_access_profile', 'authorized_ip_ranges') or value('api_server_authorized_ip_ranges'))}),
    })
    return {**without_nothing({'id': value('id'), 'name': value('name'), 'location': value('location'),
                               'resourceGroup': value('resource_group_name')}), 'properties': inner}


def _default_pool(attributes: Attributes) -> Json:
    """The default node pool, which every cluster has; open where the document does not hold it."""
    written = attributes.value('default_node_pool')
    if written is None or isinstance(written, Unknown):
        return written or Unknown('the default node pool is not there')
    return pool_body(attributes, 'default_node_pool', mode='System')


def _nat_gateway(attributes: Attributes) -> Json:
    """The number of IPs of a managed NAT gateway, where there is one."""
    count = attributes.value('network_profile', 'nat_gateway_profile', 'managed_outbound_ip_count')
    return {'managedOutboundIPProfile': {'count': count}} if isinstance(count, int) else None


def _profile(attributes: Attributes) -> Body:
    """The load balancer profile; zeros other than that of the ports stand for what is not set."""
    def value(name: str) -> Json:
        return attributes.value(*_PROFILE, name)
    managed = without_nothing({'count': value('managed_outbound_ip_count') or None,
                               'countIPv6': value('managed_outbound_ipv6_count') or None})
    return without_nothing({
        'allocatedOutboundPorts': value('outbound_ports_allocated'),
        'idleTimeoutInMinutes': value('idle_timeout_in_minutes') or None,
        'backendPoolType': value('backend_pool_type'),
        'managedOutboundIPs': managed,
        'outboundIPs': _references('publicIPs', value('outbound_ip_address_ids')),
        'outboundIPPrefixes': _references('publicIPPrefixes', value('outbound_ip_prefix_ids')),
        'effectiveOutboundIPs': (_references('ids', value('effective_outbound_ips')) or {}).get('ids'),
    })


def _references(key: str, ids: Json) -> Optional[Dict[str, Any]]:
    if isinstance(ids, Unknown):
        return {key: ids}
    return {key: [{'id': resource_id} for resource_id in ids]} if isinstance(ids, list) and ids else None


def pool_body(attributes: Attributes, *prefix: str, mode: str = 'User') -> Body:
    """The body of a node pool: of its own, or the default one of a cluster, which is a System pool."""
    body = without_nothing({key: attributes.first(names, *prefix) for names, key in _POOL_KEYS})
    body = {'mode': mode, 'enableAutoScaling': False, **body}
    surge = attributes.value(*prefix, 'upgrade_settings', 'max_surge')
    if attributes.value(*prefix, 'upgrade_settings', 'max_unavailable') not in (None, '0'):
        surge = '0'  # the provider sends that, since both exclude each other
    if surge is not None:
        body['upgradeSettings'] = {'maxSurge': surge}
    if 'count' not in body and any(path.endswith('node_count') for path in attributes.computed):
        body['count'] = Unknown('known only after apply')
    return body


def merged(values: Json, unknown: Json) -> Json:
    """`values` with an Unknown for each leaf that `after_unknown` marks."""
    if unknown is True:
        return _AFTER_APPLY
    if isinstance(unknown, dict) and unknown:
        known = values if isinstance(values, dict) else {}
        return {**known, **{key: merged(get(known, key), inner) for key, inner in unknown.items()
                            if inner not in (False, None)}}
    if isinstance(unknown, list):
        return _merged_list(values, unknown)
    return values


_AFTER_APPLY = Unknown('known only after apply')


def _merged_list(values: Json, unknown: List[Json]) -> Json:
    """A list; of a set only the known elements are left in `values`, and the unknown ones are marked."""
    known = values if isinstance(values, list) else []
    if len(known) == len(unknown):
        return [merged(value, inner) for value, inner in zip(known, unknown)]
    return [*known, *(_AFTER_APPLY for inner in unknown if inner is True)]


def is_unknown_address(kind: str) -> bool:
    """Whether the resource type is one of public addresses."""
    return kind in ('azurerm_public_ip', 'azurerm_public_ip_prefix')


def address_body(kind: str, values: Json) -> Tuple[str, Optional[Body]]:
    """The key of a snapshot and the body of a public IP or a prefix; None where its id is not known."""
    resource_id = get(values, 'id')
    if not isinstance(resource_id, str) or not resource_id:
        return '', None
    body = {'id': resource_id, 'name': get(values, 'name'), 'location': get(values, 'location'),
            'sku': {'name': get(values, 'sku')}}
    inner = {'publicIPAddressVersion': get(values, 'ip_version')}
    if kind == 'azurerm_public_ip':
        inner.update(publicIPAllocationMethod=get(values, 'allocation_method'), ipAddress=get(values, 'ip_address'))
        return 'publicIpAddresses', {**body, 'properties': inner}
    inner.update(prefixLength=get(values, 'prefix_length'), ipPrefix=get(values, 'ip_prefix'))
    return 'publicIpPrefixes', {**body, 'properties': inner}
