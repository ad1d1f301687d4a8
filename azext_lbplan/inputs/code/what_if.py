# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What `az deployment … what-if --no-pretty-print` prints: whole bodies before and after.

A pool that is deployed on its own is missing in the cluster's body of the template, and looks deleted: it is counted,
and the answer says so. Source: Azure/arm-template-whatif, issue 128.
"""

from typing import List, NamedTuple, Optional, Sequence, Tuple

from ...facts.clusters import CLUSTER_TYPE
from ...model.origin import BICEP, CREATE, NO_CHANGE, UPDATE, Origin
from ...model.values import Json, get, items, printable, same_id, text
from ..found import Found
from ..unusable import UnusableDocument
from .bodies import Body, Draft, Pool, fields, opened, pool_name, shape

_POOL_TYPE = CLUSTER_TYPE + '/agentpools'

_ADVICE = ("Give the output of 'az deployment group what-if --no-pretty-print --output json "
           "--result-format FullResourcePayloads' for a deployment with a managed cluster.")

_ACTIONS = {'create': CREATE, 'nochange': NO_CHANGE, 'ignore': NO_CHANGE}


class _Change(NamedTuple):
    id: str
    type: str
    kind: str
    before: Optional[Body]
    after: Optional[Body]


def is_what_if(document: Json) -> bool:
    """The result of a what-if, of the CLI or of the API."""
    return any(text(change, 'changeType') for change in _entries(document))


def _entries(document: Json) -> Sequence[Json]:
    return items(document, 'changes') if isinstance(get(document, 'changes'), list) else \
        items(document, 'properties', 'changes')


def take_what_if(document: Json) -> List[Found]:
    """The clusters that the deployment touches, before and after. Raises UnusableDocument where there is none."""
    changes = [_change(entry) for entry in _entries(document)]
    clusters = [change for change in changes if change.type == CLUSTER_TYPE]
    found = [change for change in clusters if change.after is not None]
    if not found:
        what = 'tells nothing of its managed clusters but their ids' if clusters else 'touches no managed cluster'
        raise UnusableDocument(f'is a what-if that {what}', _ADVICE)
    return [_draft(cluster, changes).found() for cluster in found]


def _change(entry: Json) -> _Change:
    kind = (text(entry, 'changeType') or '').lower()
    before, after = (body if isinstance(body, dict) else None for body in (get(entry, 'before'), get(entry, 'after')))
    if kind in ('ignore', 'nochange'):
        after = after or before
    elif kind == 'delete':
        after = None
    body = after or before or {}
    resource_id = text(entry, 'resourceId') or text(body, 'id') or ''
    return _Change(resource_id, (text(body, 'type') or _type_of(resource_id)).lower(), kind, before, after)


def _type_of(resource_id: str) -> str:
    """The type that an id names: `microsoft.containerservice/managedclusters/agentpools`."""
    parts = resource_id.rpartition('/providers/')[2].split('/')
    return '/'.join([parts[0], *parts[1::2]])


def _draft(cluster: _Change, changes: List[_Change]) -> Draft:
    pools = [_pool(change) for change in changes
             if change.type == _POOL_TYPE and same_id(change.id.rpartition('/agentPools/')[0] or
                                                      change.id.rpartition('/agentpools/')[0], cluster.id)]
    after, before = _body(cluster, cluster.after), _body(cluster, cluster.before)
    kept, note = _kept(before, after, pools)
    origin = Origin('arm-what-if', 'the what-if', BICEP, printable(cluster.id),
                    _ACTIONS.get(cluster.kind, UPDATE), notes=note)
    return Draft(origin, after or {}, before, [*kept, *pools])


def _body(cluster: _Change, body: Optional[Body]) -> Optional[Body]:
    return None if body is None else shape({**opened(body), 'id': cluster.id})


def _pool(change: _Change) -> Pool:
    name = change.id.rpartition('/')[2]
    before, after = ({**fields(opened(body), 'properties'), 'name': name} if body is not None else None
                     for body in (change.before, change.after))
    return Pool(change.id, before, after)


def _kept(before: Optional[Body], after: Optional[Body], pools: List[Pool]) -> Tuple[List[Pool], Tuple[str, ...]]:
    """Pools that are in force and missing in the template, without anybody who deletes them."""
    named = {pool_name(pool) for pool in items(after, 'properties', 'agentPoolProfiles')}
    alone = {pool_name(pool.before or pool.after): pool for pool in pools}
    kept = [Pool('', None, dict(pool)) for pool in items(before, 'properties', 'agentPoolProfiles')
            if pool_name(pool) not in named and pool_name(pool) not in alone]
    looks = [text(pool, 'name') or '' for pool in items(before, 'properties', 'agentPoolProfiles')
             if pool_name(pool) not in named and (pool_name(pool) not in alone or alone[pool_name(pool)].after)]
    note = (f"Node pools that the template of the cluster does not name are counted: {', '.join(looks)}. The what-if "
            'shows them as deleted, which it does for pools that are deployed on their own',) if looks else ()
    return kept, note
