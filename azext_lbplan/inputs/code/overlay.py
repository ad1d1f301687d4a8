# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What code makes of a cluster that was read: the code says what shall be, the cluster the rest."""

from typing import Dict, Iterator, Set, Tuple

from ...model.observed import Snapshot
from ...model.values import Json, Unknown, get, items, properties, text
from ..found import Found
from .bodies import Body, fields, pool_name, shape, unknown_names

#: Each of these in code replaces all of them.
_IP_SOURCES = ('managedOutboundIPs', 'outboundIPs', 'outboundIPPrefixes')

#: What a pool in code says as a whole: without a bound there is none.
_BOUNDS = ('enableAutoScaling', 'minCount', 'maxCount')


def on_live(found: Found, live: Snapshot) -> Found:
    """`found` in code, with the snapshot `live` of the cluster as what it starts from."""
    before, code = live['managedCluster'], fields(found.snapshot, 'managedCluster', 'properties')
    inner = fields({'inner': properties(before)}, 'inner')
    network = {**fields(inner, 'networkProfile'), **fields(code, 'networkProfile')}
    network['loadBalancerProfile'] = _profile(get(inner, 'networkProfile', 'loadBalancerProfile'),
                                              get(code, 'networkProfile', 'loadBalancerProfile'))
    if isinstance(get(code, 'networkProfile'), Unknown):
        network = get(code, 'networkProfile')
    removed = {name.lower() for name in found.origin.removed_pools} if found.origin else set()
    pools, alone = _pools(inner, code, removed)
    body = shape({**{key: value for key, value in before.items() if key != 'properties'}, 'properties': {
        **inner, **{key: value for key, value in code.items() if key == 'kubernetesVersion' and value},
        'networkProfile': network, 'agentPoolProfiles': pools}})
    if 'kubernetesVersion' in code and isinstance(code['kubernetesVersion'], str):
        body['properties'].pop('currentKubernetesVersion', None)
    note = (f"Node pools that are in the cluster and not in the code are counted: {', '.join(alone)}",) if alone else ()
    origin = found.origin._replace(unknown=tuple(unknown_names(body)), assumed=(), is_live=True,
                                   notes=found.origin.notes + note) if found.origin else None
    return Found({**live, 'managedCluster': body}, origin, before)


def _profile(live: Json, code: Json) -> Json:
    if isinstance(code, Unknown):
        return code
    known = fields({'profile': live}, 'profile')
    if any(get(code, source) is not None for source in _IP_SOURCES):
        kinds = {source.lower() for source in _IP_SOURCES}
        known = {key: value for key, value in known.items() if key.lower() not in kinds}
    return {**known, **fields({'profile': code}, 'profile')}


def _pools(live: Body, code: Body, removed: Set[str]) -> Tuple[Json, Tuple[str, ...]]:
    """The pools after the change, and the names of those that only the cluster has."""
    if isinstance(get(code, 'agentPoolProfiles'), Unknown):
        return get(code, 'agentPoolProfiles'), ()
    wanted: Dict[str, Body] = {pool_name(pool): dict(pool) for pool in items(code, 'agentPoolProfiles')}
    there = {pool_name(pool): dict(pool) for pool in items(live, 'agentPoolProfiles')}
    merged = [_pool(there[name], wanted.pop(name)) if name in wanted else pool
              for name, pool in there.items() if name in wanted or name not in removed]
    alone = tuple(_alone(live, code, removed))
    opaque = [pool for pool in get(code, 'agentPoolProfiles') or () if isinstance(pool, Unknown)]
    return [*merged, *wanted.values(), *opaque], alone


def _alone(live: Body, code: Body, removed: Set[str]) -> Iterator[str]:
    named = {pool_name(pool) for pool in items(code, 'agentPoolProfiles')} | removed
    return (text(pool, 'name') or '' for pool in items(live, 'agentPoolProfiles') if pool_name(pool) not in named)


def _pool(live: Body, code: Body) -> Body:
    """A pool in both: an autoscaled one keeps its count, since the autoscaler sets it."""
    kept = {key: value for key, value in live.items() if key not in _BOUNDS}
    autoscaled = code.get('enableAutoScaling') is True
    written = {key: value for key, value in code.items()
               if not (key == 'count' and (autoscaled or isinstance(value, Unknown)) and 'count' in live)}
    return {**kept, **written}
