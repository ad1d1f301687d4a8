# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Bodies of ARM that are made from code: put together, completed with Azure's defaults, and what they leave open."""

from types import MappingProxyType
from typing import Any, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ...facts.clusters import CLUSTER_TYPE
from ...model.observed import SCHEMA
from ...model.origin import Origin
from ...model.values import Json, Unknown, get, is_unknown, items, printable, properties, text
from ..found import Found

Body = Dict[str, Json]

#: What a new cluster gets where code says nothing. Source: AZURE-FACTS section 1, table.
_DEFAULTS = (
    ('outboundType', 'outboundType', 'loadBalancer'),
    ('loadBalancerSku', 'loadBalancerSku', 'standard'),
    ('managedOutboundIPs.count', 'loadBalancerProfile.managedOutboundIPs.count', '1'),
    ('allocatedOutboundPorts', 'loadBalancerProfile.allocatedOutboundPorts', '0'),
    ('idleTimeoutInMinutes', 'loadBalancerProfile.idleTimeoutInMinutes', '30'),
)

#: What decides, below the properties of a cluster and in a pool; other values may stay open.
_NETWORK_KEYS = ('outboundType', 'loadBalancerSku', 'ipFamilies', 'natGatewayProfile')
_PROFILE_KEYS = ('allocatedOutboundPorts', 'idleTimeoutInMinutes', 'backendPoolType', 'effectiveOutboundIPs')
_IP_KEYS = (('managedOutboundIPs', 'count'), ('managedOutboundIPs', 'countIPv6'), ('outboundIPs', 'publicIPs'),
            ('outboundIPPrefixes', 'publicIPPrefixes'))
_POOL_KEYS = ('name', 'mode', 'count', 'enableAutoScaling', 'maxCount', 'scaleSetPriority', 'orchestratorVersion')


class Pool(NamedTuple):
    """A node pool of its own in code; `before` and `after` are None where it is not there."""

    address: str
    before: Optional[Body]
    after: Optional[Body]
    note: Optional[str] = None


class Draft(NamedTuple):
    """A cluster in code, on its way to a body: `after` and its pools; `before` None where nothing is known of it."""

    origin: Origin
    after: Body
    before: Optional[Body] = None
    pools: Sequence[Pool] = ()
    around: Mapping[str, List[Json]] = MappingProxyType({})

    def found(self) -> Found:
        """The same as what a file holds."""
        after = _with_pools(self.after, [pool.after for pool in self.pools])
        if get(after['properties'], 'agentPoolProfiles') == []:
            after['properties']['agentPoolProfiles'] = [Unknown('the code names none')]
        before = _with_pools(self.before, [pool.before for pool in self.pools]) if self.before is not None else None
        assumed = _complete(after)
        if before is not None:
            _complete(before)
        removed = tuple(name for name in _names(before) if name not in set(_names(after))) if before else ()
        origin = self.origin._replace(
            unknown=self.origin.unknown + tuple(unknown_names(after)),
            notes=self.origin.notes + tuple(pool.note for pool in self.pools if pool.note),
            assumed=self.origin.assumed + assumed,
            removed_pools=removed)
        return Found({'schema': SCHEMA, 'managedCluster': after, **self.around}, origin, before)


def shape(body: Mapping[str, Json]) -> Body:
    """A cluster's body with what makes it one."""
    inner = properties(body)
    known = dict(inner) if isinstance(inner, dict) else {}
    if isinstance(get(body, 'properties'), Unknown):
        known = {'networkProfile': get(body, 'properties'), 'agentPoolProfiles': get(body, 'properties')}
    outer = {key: value for key, value in body.items() if key != 'properties'} if inner is not body else {}
    return {**outer, 'type': CLUSTER_TYPE, 'properties': known}


def fields(body: Json, *path: str) -> Body:
    """The object at `path`; an empty one where there is none."""
    value = get(body, *path)
    return dict(value) if isinstance(value, dict) else {}


def opened(value: Json) -> Json:
    """`value` with an Unknown in the place of each expression of a template that is left in it."""
    if isinstance(value, dict):
        return {key: opened(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [opened(inner) for inner in value]
    if isinstance(value, str) and value.startswith('[') and value.endswith(']') and not value.startswith('[['):
        return Unknown(f'the expression {printable(value)[:80]}')
    return value


def without_nothing(body: Mapping[str, Json]) -> Body:
    """`body` without what is None or empty."""
    return {key: value for key, value in body.items() if isinstance(value, Unknown) or value not in (None, {}, [], '')}


def _with_pools(body: Body, pools: Iterable[Optional[Body]]) -> Body:
    """`body` with pools of their own beside those that it lists; one of the same name is the same pool."""
    inner = fields(body, 'properties')
    written = get(inner, 'agentPoolProfiles')
    if isinstance(written, Unknown):
        return {**body, 'properties': inner}
    found: List[Json] = [pool for pool in (written if isinstance(written, list) else ())
                         if isinstance(pool, (dict, Unknown))]
    for pool in pools:
        same = next((at for at, one in enumerate(found) if pool_name(one) == pool_name(pool) != ''), None)
        if pool is not None and same is not None:
            found[same] = {**found[same], **pool}
        elif pool is not None:
            found.append(dict(pool))
    inner['agentPoolProfiles'] = list(map(_with_count, found))
    return {**body, 'properties': inner}


def _with_count(pool: Json) -> Json:
    """A pool that says nothing of its size has one all the same."""
    if isinstance(pool, Unknown) or get(pool, 'count') is not None or get(pool, 'virtualMachinesProfile') is not None:
        return pool
    return {**pool, 'count': Unknown('the code does not say it')}


def patched(body: Json, patch: Json) -> Body:
    """`body` after a JSON merge patch (RFC 7396)."""
    result = dict(body) if isinstance(body, dict) else {}
    for key, value in patch.items() if isinstance(patch, dict) else ():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = patched(result.get(key), value) if isinstance(value, dict) else value
    return result


def pool_name(pool: Json) -> str:
    """The name of a pool in lower case: ARM compares names without regard to case."""
    return (text(pool, 'name') or '').lower()


def _names(body: Optional[Body]) -> Iterator[str]:
    return (text(pool, 'name') or '' for pool in items(get(body, 'properties'), 'agentPoolProfiles'))


def _complete(body: Body) -> Tuple[str, ...]:
    """Fill in the SKU that AKS gives a cluster where code says nothing; which defaults count, as notes."""
    inner = body['properties']
    network = get(inner, 'networkProfile')
    if isinstance(network, Unknown):
        return ()
    network = dict(network) if isinstance(network, dict) else {}
    profile = get(network, 'loadBalancerProfile')
    own = any(get(profile, outer) is not None for outer, _ in _IP_KEYS)
    absent = [f'{name} {default}' for name, path, default in _DEFAULTS
              if get(network, *path.split('.')) is None and not is_unknown(network, *path.split('.')) and
              not (own and name.startswith('managed'))]
    if get(network, 'loadBalancerSku') is None:
        network['loadBalancerSku'] = 'standard'
    inner['networkProfile'] = network
    return (f"Azure's default counts where the code says nothing: {', '.join(absent)}",) if absent else ()


def unknown_names(body: Body) -> Iterator[str]:
    """What decides and is open in `body`: the name of each value, and why."""
    inner = body['properties']
    network, pools = get(inner, 'networkProfile'), get(inner, 'agentPoolProfiles')
    yield from _open(body, 'name')
    yield from _open(inner, 'networkProfile', 'agentPoolProfiles', 'kubernetesVersion')
    yield from _open(network, *_NETWORK_KEYS, 'loadBalancerProfile')
    profile = get(network, 'loadBalancerProfile')
    yield from _open(profile, *_PROFILE_KEYS, *(path[0] for path in _IP_KEYS))
    for outer, key in _IP_KEYS:
        yield from _open(get(profile, outer), key, prefix=f'{outer}.')
        for reference in items(profile, outer, key):
            yield from _open(reference, 'id', prefix=f'{outer}.')
    for pool in pools if isinstance(pools, list) else ():
        if isinstance(pool, Unknown):
            yield f'a node pool ({pool.why})'
            continue
        prefix = f"{text(pool, 'name') or '?'}."
        yield from _open(pool, *_POOL_KEYS, 'upgradeSettings', prefix=prefix)
        yield from _open(get(pool, 'upgradeSettings'), 'maxSurge', prefix=prefix)


def _open(body: Json, *keys: str, prefix: str = '') -> Iterator[str]:
    for key in keys:
        value = get(body, key)
        if isinstance(value, Unknown):
            yield printable(f'{prefix}{key} ({value.why})')


def one(body: Json, *path: str) -> Any:
    """The value at `path`, through lists of one block each, as Terraform nests them; Unknown where that is on the way.
    """
    for key in path:
        if isinstance(body, list):
            body = body[0] if body else None
        if isinstance(body, Unknown):
            return body
        body = get(body, key)
    return body
