# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What a snapshot keeps: the keys that decisions read, and nothing else.

Bodies of Azure hold passwords, workspace keys, proxy URLs, tags and labels, and snapshots end up in tickets. So the
keys are listed that stay, in one table, which follows the parsers in `model`; a test compares both. A value stays only
where it is of the kind that the table names. What stays keeps its shape, raw or as `az` flattens it: the parsers make
the same of it.
"""

import re
from enum import Enum
from functools import lru_cache
from itertools import chain
from typing import Any, Callable, Dict, List, NamedTuple, Tuple, Union

from ..facts.clusters import EXCLUDING_LABEL
from ..facts.networks import MANAGED_TYPE_TAG
from ..model.values import Json, properties


class Leaf(Enum):
    """What a value is."""

    FLAG = 'true or false'
    NUMBER = 'a number, also as text'
    TIME = 'a time'
    WORD = 'a word of Azure\'s: a kind, a state, a code, a version, a place'
    SUBSCRIPTION = 'the id of a subscription'
    GROUP = 'the name of a resource group'
    CLUSTER = 'the name of a cluster'
    POOL = 'the name of a node pool'
    NAME = 'another name'
    ID = 'the id of a resource'
    ADDRESS = 'an IP address'
    NETWORK = 'IP addresses in CIDR notation'
    DIMENSION = 'a value of a dimension of metrics: a word, or an IP address'
    FILTER = 'the filter of a query for metrics, which names dimensions and IP addresses'
    MESSAGE = 'the message of an error, in words of its own'


class Resource(NamedTuple):
    """An object of ARM's: `inner` stands below its `properties`, or, as `az` flattens it, beside the others."""

    outer: Dict[str, Any]
    inner: Dict[str, Any]


class Either(NamedTuple):
    """A value that comes in several forms."""

    forms: Tuple[Any, ...]


#: A leaf; the keys of an object, as ARM spells them; a list with the one node of all its elements; or one of the above.
Node = Union[Leaf, Dict[str, Any], List[Any], Resource, Either]

#: Makes something else of a value that is allowed.
Change = Callable[[Leaf, Json], Json]

_REFERENCE = {'id': Leaf.ID}
_REFERENCES = [_REFERENCE]
_SKU = {'name': Leaf.WORD}
_TAGS = {MANAGED_TYPE_TAG: Leaf.WORD}
_POWER_STATE = {'code': Leaf.WORD}
_AUTOSCALE = {'minCount': Leaf.NUMBER, 'maxCount': Leaf.NUMBER}

_AGENT_POOL = {
    'name': Leaf.POOL, 'count': Leaf.NUMBER, 'maxCount': Leaf.NUMBER, 'enableAutoScaling': Leaf.FLAG,
    'mode': Leaf.WORD, 'type': Leaf.WORD, 'scaleSetPriority': Leaf.WORD, 'upgradeStrategy': Leaf.WORD,
    'upgradeSettings': {'maxSurge': Either((Leaf.WORD, Leaf.NUMBER))},
    'orchestratorVersion': Leaf.WORD, 'currentOrchestratorVersion': Leaf.WORD,
    'provisioningState': Leaf.WORD, 'powerState': _POWER_STATE,
    'enableNodePublicIP': Leaf.FLAG, 'vnetSubnetID': Leaf.ID, 'podSubnetID': Leaf.ID,
    'virtualMachinesProfile': {'scale': {'manual': [{'count': Leaf.NUMBER}],
                                         'autoscale': Either((_AUTOSCALE, [_AUTOSCALE]))}},
    'virtualMachineNodesStatus': [{'count': Leaf.NUMBER}], 'nodeLabels': {EXCLUDING_LABEL: Leaf.WORD},
    'gatewayProfile': {'publicIPPrefixSize': Leaf.NUMBER}, 'windowsProfile': {'disableOutboundNat': Leaf.FLAG},
}

_LOAD_BALANCER_PROFILE = {
    'managedOutboundIPs': {'count': Leaf.NUMBER, 'countIPv6': Leaf.NUMBER},
    'outboundIPs': {'publicIPs': _REFERENCES},
    'outboundIPPrefixes': {'publicIPPrefixes': _REFERENCES},
    'effectiveOutboundIPs': _REFERENCES,
    'allocatedOutboundPorts': Leaf.NUMBER, 'idleTimeoutInMinutes': Leaf.NUMBER, 'backendPoolType': Leaf.WORD,
    'enableMultipleStandardLoadBalancers': Leaf.FLAG, 'clusterServiceLoadBalancerHealthProbeMode': Leaf.WORD,
}

_CLUSTER = Resource(
    {'id': Leaf.ID, 'name': Leaf.CLUSTER, 'type': Leaf.WORD, 'location': Leaf.WORD, 'resourceGroup': Leaf.GROUP,
     'subscriptionId': Leaf.SUBSCRIPTION, 'identity': {'type': Leaf.WORD}},
    {'kubernetesVersion': Leaf.WORD, 'currentKubernetesVersion': Leaf.WORD, 'nodeResourceGroup': Leaf.GROUP,
     'provisioningState': Leaf.WORD, 'powerState': _POWER_STATE, 'nodeProvisioningProfile': {'mode': Leaf.WORD},
     'hostedSystemProfile': {'enabled': Leaf.FLAG},
     'securityProfile': {'azureKeyVaultKms': {'enabled': Leaf.FLAG, 'keyVaultNetworkAccess': Leaf.WORD}},
     'networkProfile': {'outboundType': Leaf.WORD, 'loadBalancerSku': Leaf.WORD, 'ipFamilies': [Leaf.WORD],
                        'podCidr': Leaf.NETWORK, 'podCidrs': [Leaf.NETWORK],
                        'loadBalancerProfile': _LOAD_BALANCER_PROFILE,
                        'natGatewayProfile': {'effectiveOutboundIPs': _REFERENCES}},
     'apiServerAccessProfile': {'authorizedIPRanges': [Leaf.NETWORK], 'enablePrivateCluster': Leaf.FLAG,
                                'enableVnetIntegration': Leaf.FLAG},
     'agentPoolProfiles': [_AGENT_POOL]})

_RULE = Resource({'id': Leaf.ID, 'name': Leaf.NAME},
                 {'frontendIPConfiguration': _REFERENCE, 'backendAddressPool': _REFERENCE})

_LOAD_BALANCER = Resource(
    {'id': Leaf.ID, 'name': Leaf.NAME, 'sku': {'name': Leaf.WORD}, 'location': Leaf.WORD},
    {'provisioningState': Leaf.WORD, 'loadBalancingRules': [_RULE], 'inboundNatRules': [_RULE],
     'frontendIPConfigurations': [Resource({'id': Leaf.ID, 'name': Leaf.NAME}, {
         'publicIPAddress': _REFERENCE, 'publicIPPrefix': _REFERENCE, 'privateIPAddressVersion': Leaf.WORD,
         'loadBalancingRules': _REFERENCES, 'inboundNatRules': _REFERENCES})],
     'outboundRules': [Resource({'id': Leaf.ID, 'name': Leaf.NAME}, {
         'allocatedOutboundPorts': Leaf.NUMBER, 'idleTimeoutInMinutes': Leaf.NUMBER, 'enableTcpReset': Leaf.FLAG,
         'protocol': Leaf.WORD, 'frontendIPConfigurations': _REFERENCES, 'backendAddressPool': _REFERENCE})],
     'backendAddressPools': [Resource({'id': Leaf.ID, 'name': Leaf.NAME}, {
         'loadBalancingRules': _REFERENCES, 'outboundRules': _REFERENCES, 'inboundNatRules': _REFERENCES,
         'backendIPConfigurations': _REFERENCES,
         'loadBalancerBackendAddresses': [Resource({}, {
             'networkInterfaceIPConfiguration': _REFERENCE, 'ipAddress': Leaf.ADDRESS})]})]})

_ADDRESS = {'id': Leaf.ID, 'sku': _SKU, 'location': Leaf.WORD, 'tags': _TAGS}

_PUBLIC_IP = Resource(_ADDRESS, {
    'publicIPAllocationMethod': Leaf.WORD, 'publicIPAddressVersion': Leaf.WORD, 'ipAddress': Leaf.ADDRESS,
    'ipConfiguration': _REFERENCE, 'natGateway': _REFERENCE})

_PREFIX = Resource(_ADDRESS, {
    'prefixLength': Leaf.NUMBER, 'ipPrefix': Leaf.NETWORK, 'publicIPAddressVersion': Leaf.WORD,
    'loadBalancerFrontendIpConfiguration': _REFERENCE, 'natGateway': _REFERENCE, 'publicIPAddresses': _REFERENCES})

_SUBNET = Resource({'id': Leaf.ID}, {'natGateway': _REFERENCE, 'routeTable': _REFERENCE})

_ROUTE_TABLE = Resource({'id': Leaf.ID}, {
    'disableBgpRoutePropagation': Leaf.FLAG,
    'routes': [Resource({}, {'addressPrefix': Leaf.NETWORK, 'nextHopType': Leaf.WORD,
                             'nextHopIpAddress': Leaf.ADDRESS})]})

_NAT_GATEWAY = Resource({'id': Leaf.ID, 'sku': _SKU}, {
    'idleTimeoutInMinutes': Leaf.NUMBER, 'publicIpAddresses': _REFERENCES, 'publicIpPrefixes': _REFERENCES,
    'publicIpAddressesV6': _REFERENCES, 'publicIpPrefixesV6': _REFERENCES, 'subnets': _REFERENCES})

_DIMENSIONS = [{'name': Leaf.WORD}]

_METRIC_ALERT = Resource({'id': Leaf.ID, 'name': Leaf.NAME}, {
    'enabled': Leaf.FLAG, 'windowSize': Leaf.WORD, 'actions': [{'actionGroupId': Leaf.ID}],
    'criteria': {'allOf': [{'criterionType': Leaf.WORD, 'metricName': Leaf.WORD, 'timeAggregation': Leaf.WORD,
                            'operator': Leaf.WORD, 'threshold': Leaf.NUMBER, 'dimensions': _DIMENSIONS}]}})

_USAGE = {'id': Leaf.ID, 'name': {'value': Leaf.WORD}, 'currentValue': Leaf.NUMBER, 'limit': Leaf.NUMBER}

_LIST = {'resourceId': Leaf.ID, 'names': [Leaf.NAME]}

_ERROR = {'resourceId': Leaf.ID, 'status': Leaf.NUMBER, 'code': Leaf.WORD, 'message': Leaf.MESSAGE}

_POINT = {'timeStamp': Leaf.TIME, 'average': Leaf.NUMBER, 'maximum': Leaf.NUMBER, 'total': Leaf.NUMBER}
_POINTS = [_POINT]
_TYPES_OF_POINTS = {int, float, str, type(None)}

_METRICS = {
    'query': {'metricnames': Leaf.WORD, 'timespan': Leaf.WORD, 'interval': Leaf.WORD, 'aggregation': Leaf.WORD,
              '$filter': Leaf.FILTER, 'top': Leaf.NUMBER, 'orderby': Leaf.WORD},
    'response': {'interval': Leaf.WORD, 'value': [{
        'name': {'value': Leaf.WORD}, 'errorCode': Leaf.WORD, 'timeseries': [{
            'metadatavalues': [{'name': Either(({'value': Leaf.WORD}, Leaf.WORD)), 'value': Leaf.DIMENSION}],
            'data': _POINTS}]}]},
}

_GATEWAY_METRICS = {
    'resourceId': Leaf.ID, 'query': {'$filter': Leaf.FILTER},
    'response': {'value': [{'name': {'value': Leaf.WORD}, 'timeseries': [{
        'data': [{'timeStamp': Leaf.TIME, 'total': Leaf.NUMBER}]}]}]}}

#: All that a snapshot may hold: one row for each kind of body.
SNAPSHOT: Dict[str, Node] = {
    'schema': Leaf.NUMBER,
    'capturedAt': Leaf.TIME,
    'managedCluster': _CLUSTER,
    'loadBalancer': _LOAD_BALANCER,
    'publicIpAddresses': [_PUBLIC_IP],
    'publicIpPrefixes': [_PREFIX],
    'subnets': [_SUBNET],
    'routeTables': [_ROUTE_TABLE],
    'natGateways': [_NAT_GATEWAY],
    'natGatewayMetrics': [_GATEWAY_METRICS],
    'lists': [_LIST],
    'metrics': [_METRICS],
    'metricAlerts': [_METRIC_ALERT],
    'usages': [_USAGE],
    'errors': [_ERROR],
}

#: The longest texts that stay: a longer one is something else. Ids of ARM have at most some 1000 characters.
_LONGEST = {Leaf.WORD: 200, Leaf.SUBSCRIPTION: 64, Leaf.GROUP: 90, Leaf.CLUSTER: 63, Leaf.POOL: 63, Leaf.NAME: 260,
            Leaf.ID: 2000, Leaf.ADDRESS: 64, Leaf.NETWORK: 64, Leaf.DIMENSION: 200, Leaf.FILTER: 30000}

#: Characters of a message that stay.
_LONGEST_MESSAGE = 300

#: As close as it takes: `model.metrics`, which reads times, is nothing that `show` should load.
_TIME = re.compile(r'[-+:.\dTZ]{10,40}\Z', re.ASCII | re.IGNORECASE)
_DIGITS = re.compile(r'\s*\d{1,19}\s*\Z', re.ASCII)

#: What may be a secret in words: the rest of a URL, what follows a telling word, and long words without a slash.
_SECRETS = (
    (re.compile(r'\b(\w+://)[^\s\'"]+'), r'\1***'),
    (re.compile(r'(\b(?:bearer|basic)\s+)[^\s\'",;]+', re.IGNORECASE), r'\1***'),
    (re.compile(r'((?:key|secret|passw(?:or)?d|pwd|token|sig|signature|credentials?)["\']?\s*[:=]\s*["\']?)'
                r'[^\s\'",;&]+', re.IGNORECASE), r'\1***'),
    (re.compile(r'[\w.+=~%-]{32,}'), '***'),
)

#: A message is looked at so far: it may be a whole page.
_LONGEST_LOOKED_AT = 3000

_ABSENT = object()

#: The keys of a node in lower case, with and without a `properties` around the inner ones.
_folded: Dict[Tuple[int, bool], Dict[str, Any]] = {}


def reduced(snapshot: Json) -> Json:
    """`snapshot` with nothing but what the table allows."""
    return _walk(SNAPSHOT, snapshot, _checked)


def reduced_part(kind: str, body: Json) -> Json:
    """What a snapshot would keep of `body` under the key `kind`; None where that is nothing."""
    return reduced({kind: body}).get(kind)


def changed(snapshot: Json, change: Change) -> Json:
    """A reduced `snapshot` with `change` applied to its values; not to the points of metrics, which name nothing."""
    return _walk(SNAPSHOT, snapshot, lambda leaf, value: value if value is None else change(leaf, value))


def _walk(node: Node, value: Json, change: Change) -> Json:
    """What the node allows of `value`, with `change` applied to leaves; _ABSENT where that is nothing.

    Null stays where it is: it says nothing, and keys stand for what was asked.
    """
    if value is None:
        return None
    if isinstance(node, Leaf):
        return _ABSENT if isinstance(value, (dict, list)) else change(node, value)
    if isinstance(node, Either):
        found = (_walk(form, value, change) for form in node.forms)
        return next((one for one in found if one is not _ABSENT), _ABSENT)
    if isinstance(node, list):
        return _walk_list(node, value, change)
    if not isinstance(value, dict):
        return _ABSENT
    return _walk_object(_keys_of(node, value), value, change)


def _walk_list(node: List[Any], value: Json, change: Change) -> Json:
    if not isinstance(value, list):
        return _ABSENT
    if node is _POINTS and (change is not _checked or _are_points(value)):
        return value
    walked = [_walk(node[0], item, change) for item in value]
    return [item for item in walked if item is not _ABSENT]


def _walk_object(keys: Dict[str, Any], value: Dict[Any, Json], change: Change) -> Dict[str, Json]:
    kept = {}
    for key, inner in value.items():
        node = keys.get(key.lower()) if isinstance(key, str) else None
        if node is not None:
            walked = _walk(node, inner, change)
            if walked is not _ABSENT:
                kept[key] = walked
    return kept


def _keys_of(node: Union[Dict[str, Any], Resource], value: Dict[Any, Json]) -> Dict[str, Any]:
    """The keys of an object in lower case, each with its node."""
    raw = isinstance(node, Resource) and properties(value) is not value
    known = (id(node), raw)
    if known not in _folded:
        keys = node if isinstance(node, dict) else {
            **node.outer, **({'properties': node.inner} if raw else node.inner)}
        _folded[known] = {key.lower(): inner for key, inner in keys.items()}
    return _folded[known]


def _checked(leaf: Leaf, value: Json) -> Json:
    """`value` where it is what the leaf says, else _ABSENT."""
    if leaf is Leaf.FLAG:
        return value if isinstance(value, bool) else _ABSENT
    if isinstance(value, str):
        return _checked_text(leaf, value)
    takes_numbers = leaf in (Leaf.NUMBER, Leaf.DIMENSION)
    return value if takes_numbers and not isinstance(value, bool) else _ABSENT


def _checked_text(leaf: Leaf, value: str) -> Json:
    if leaf is Leaf.MESSAGE:
        return without_secrets(value)
    if leaf is Leaf.NUMBER:
        return value if _DIGITS.match(value) else _ABSENT
    if leaf is Leaf.TIME:
        return value if _is_time(value) else _ABSENT
    return value if len(value) <= _LONGEST[leaf] else _ABSENT


def without_secrets(message: str) -> str:
    """`message` on one line, bounded, with marks in the place of all that looks like a secret."""
    message = ' '.join(message[:_LONGEST_LOOKED_AT].split())
    for pattern, mark in _SECRETS:
        message = pattern.sub(mark, message)
    return message[:_LONGEST_MESSAGE]


def _are_points(data: List[Json]) -> bool:
    """Whether all of `data` are plain points of metrics. There may be half a million of them, so that each step here
    is one over all of them."""
    try:
        keys = set(chain.from_iterable(map(dict.keys, data)))
        found = list(chain.from_iterable(map(dict.values, data)))
    except TypeError:  # what is no object
        return False
    return (keys <= _POINT.keys() and set(map(type, found)) <= _TYPES_OF_POINTS and
            all(map(_is_time, {value for value in found if value.__class__ is str})))


@lru_cache(maxsize=50000)  # a week of minutes, and some: all series have the same
def _is_time(text: str) -> bool:
    return bool(_TIME.match(text))
