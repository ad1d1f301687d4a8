# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Terraform: plans and state as `terraform show -json` prints them, and raw state; azurerm and azapi resources.

Raw state holds passwords in clear: only the attributes that are mapped are looked at, and nothing is echoed.
"""

import json
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ...facts.clusters import CLUSTER_TYPE
from ...model.origin import CREATE, DELETE, NO_CHANGE, REPLACE, TERRAFORM, UPDATE, Origin
from ...model.values import Json, Unknown, get, items, printable, same_id, text
from ..found import Found
from ..unusable import UnusableDocument
from . import azurerm
from .bodies import Body, Draft, Pool, fields, patched, shape
from .configuration import Configuration, ModulePath, Target, module_path

_AZAPI = ('azapi_resource', 'azapi_update_resource')
_AZAPI_POOL = CLUSTER_TYPE + '/agentpools'

#: The deepest nesting of modules that is followed.
_DEEPEST = 50

_ADVICE = ("Give 'terraform show -json PLAN' of a plan or a state with an azurerm_kubernetes_cluster, or an "
           'azapi_resource of Microsoft.ContainerService/managedClusters.')

_ACTIONS = {('create',): CREATE, ('update',): UPDATE, ('no-op',): NO_CHANGE, ('read',): NO_CHANGE,
            ('delete', 'create'): REPLACE, ('create', 'delete'): REPLACE, ('delete',): DELETE, ('forget',): DELETE}


class Resource(NamedTuple):
    """A managed resource; `key` is its index of count or for_each, `before` and `after` are attributes, `after` with an
    Unknown for what is open."""

    address: str
    module: Optional[str]
    type: str
    name: str
    key: Json
    action: str
    before: Json
    after: Json
    replaced_by: Tuple[str, ...] = ()

    @property
    def modules(self) -> ModulePath:
        """The modules that it is in."""
        return module_path(self.module)


def is_plan(document: Json) -> bool:
    """A plan in JSON."""
    return get(document, 'format_version') is not None and (
        get(document, 'resource_changes') is not None or get(document, 'planned_values') is not None)


def is_state(document: Json) -> bool:
    """A state in JSON; an empty one has no values."""
    return get(document, 'format_version') is not None and get(document, 'terraform_version') is not None and \
        not is_plan(document)


def is_raw_state(document: Json) -> bool:
    """A file terraform.tfstate."""
    return get(document, 'terraform_version') is not None and isinstance(get(document, 'resources'), list) and \
        get(document, 'serial') is not None


def take_plan(document: Json) -> List[Found]:
    """The clusters of a plan, before and after. Raises UnusableDocument where there is none."""
    _check_format(document)
    resources = {resource.address: resource for resource in _changes(document)}
    for resource in _values(get(document, 'planned_values', 'root_module')):
        resources.setdefault(resource.address, resource)
    kind = ('terraform-plan', 'the Terraform plan')
    return _clusters(list(resources.values()), Configuration(get(document, 'configuration')), kind)


def take_state(document: Json) -> List[Found]:
    """The clusters of a state in JSON."""
    _check_format(document)
    return _clusters(list(_values(get(document, 'values', 'root_module'))), Configuration(None),
                     ('terraform-state', 'the Terraform state'))


def take_raw_state(document: Json) -> List[Found]:
    """The clusters of a file terraform.tfstate."""
    resources = [resource for entry in items(document, 'resources') for resource in _raw(entry)]
    return _clusters(resources, Configuration(None), ('terraform-state', 'the Terraform state'))


def _check_format(document: Json) -> None:
    version = str(get(document, 'format_version'))
    if version.partition('.')[0] not in ('0', '1'):
        raise UnusableDocument(f'is of Terraform with format_version {printable(version)[:20]}; this version reads 1',
                               'Upgrade: az extension update --name lbplan.')


# Resources

def _changes(document: Json) -> Iterator[Resource]:
    for entry in items(document, 'resource_changes'):
        change = get(entry, 'change')
        actions = get(change, 'actions')
        action = _ACTIONS.get(tuple(map(str, actions)) if isinstance(actions, list) else (), UPDATE)
        before, after = get(change, 'before'), get(change, 'after')
        if get(entry, 'mode') == 'data' or not isinstance(get(entry, 'type'), str):
            continue
        merged = None if action == DELETE else azurerm.merged(after, get(change, 'after_unknown'))
        yield Resource(text(entry, 'address') or '', text(entry, 'module_address'), get(entry, 'type'),
                       text(entry, 'name') or '', get(entry, 'index'), action,
                       before if isinstance(before, dict) else None, merged, _replaced_by(change))


def _replaced_by(change: Json) -> Tuple[str, ...]:
    paths = get(change, 'replace_paths')
    return tuple(printable('.'.join(str(step) for step in path if not isinstance(step, int)))
                 for path in paths[:10] if isinstance(path, list)) if isinstance(paths, list) else ()


def _values(module: Json, address: Optional[str] = None, depth: int = _DEEPEST) -> Iterator[Resource]:
    """The resources of a module and of those in it, as they are."""
    for entry in items(module, 'resources'):
        if get(entry, 'mode') != 'data' and isinstance(get(entry, 'type'), str):
            values = get(entry, 'values')
            yield Resource(text(entry, 'address') or '', address, get(entry, 'type'), text(entry, 'name') or '',
                           get(entry, 'index'), NO_CHANGE, values, values)
    for child in items(module, 'child_modules') if depth else ():
        yield from _values(child, text(child, 'address'), depth - 1)


def _raw(entry: Json) -> Iterator[Resource]:
    kind, name, module = get(entry, 'type'), text(entry, 'name') or '', text(entry, 'module')
    if get(entry, 'mode') == 'data' or not isinstance(kind, str):
        return
    for instance in items(entry, 'instances'):
        index = get(instance, 'index_key')
        suffix = '' if index is None else f'[{json.dumps(index)}]'
        values = get(instance, 'attributes')
        yield Resource('.'.join(filter(None, (module, kind, name))) + suffix, module, kind, name, index, NO_CHANGE,
                       values, values)


# Clusters and their pools

class _Cluster(NamedTuple):
    resource: Resource
    before: Optional[Body]
    after: Optional[Body]
    computed: Tuple[str, ...] = ()


def _clusters(resources: Sequence[Resource], configuration: Configuration, kind: Tuple[str, str]) -> List[Found]:
    clusters = [_cluster(resource, configuration) for resource in resources if _is_cluster(resource)]
    kept = [cluster for cluster in clusters if cluster.after is not None]
    if not kept:
        what = 'deletes its managed clusters' if clusters else 'holds no managed cluster'
        raise UnusableDocument(f'is {kind[1].replace("the", "a", 1)}, and {what}', _ADVICE)
    pools: Dict[str, List[Pool]] = {cluster.resource.address: [] for cluster in kept}
    for resource in filter(_is_pool, resources):
        _join(resource, kept, configuration, pools)
    kept = [_with_patches(cluster, kept, resources, configuration) for cluster in kept]
    around = _addresses(resources)
    return [_draft(cluster, pools[cluster.resource.address], kind, configuration, around).found() for cluster in kept]


def _draft(cluster: _Cluster, pools: List[Pool], kind: Tuple[str, str], configuration: Configuration,
           around: Dict[str, List[Json]]) -> Draft:
    resource, after = cluster.resource, cluster.after or {}
    origin = Origin(kind[0], kind[1], TERRAFORM, printable(resource.address), resource.action,
                    resource.replaced_by if resource.action == REPLACE else (), module=resource.module,
                    module_source=configuration.source(resource.modules),
                    version=configuration.provider_version(resource.type.partition('_')[0]))
    computed = (f"Known only after apply, and not set in the code: {', '.join(cluster.computed)}",) \
        if cluster.computed else ()
    return Draft(origin._replace(assumed=computed), after, cluster.before, pools, around)


def _cluster(resource: Resource, configuration: Configuration) -> _Cluster:
    computed: List[str] = []
    before, after = _bodies(resource, configuration, computed)
    deciding = [name for name in computed if name.startswith(('network_profile', 'kubernetes_version'))]
    return _Cluster(resource, before, after, tuple(dict.fromkeys(deciding)))


def _with_patches(cluster: _Cluster, clusters: Sequence[_Cluster], resources: Sequence[Resource],
                  configuration: Configuration) -> _Cluster:
    """The cluster with what azapi_update_resource sets on it beside the resource itself."""
    for patch in resources:
        if patch.type != 'azapi_update_resource' or _azapi_type(patch) != CLUSTER_TYPE:
            continue
        targets = configuration.targets(patch.modules, patch.type, patch.name, 'resource_id')
        owner = text(patch.after, 'resource_id') or text(patch.before, 'resource_id')
        mine = same_id(owner, text(cluster.after, 'id')) or any(_is_at(cluster.resource, one) for one in targets)
        if mine or len(clusters) == 1:
            before, after = ({} if values is None else _azapi_body(values, None) for values in (patch.before,
                                                                                                patch.after))
            cluster = cluster._replace(after=_patched(cluster.after, after), before=_patched(cluster.before, before))
    return cluster


def _patched(body: Optional[Body], patch: Body) -> Optional[Body]:
    inner = get(patch, 'properties')
    return body if body is None else {**body, 'properties': patched(get(body, 'properties'), inner)}


def _is_cluster(resource: Resource) -> bool:
    return resource.type == azurerm.CLUSTER or (resource.type == 'azapi_resource' and
                                                _azapi_type(resource) == CLUSTER_TYPE)


def _is_pool(resource: Resource) -> bool:
    return resource.type == azurerm.POOL or (resource.type == 'azapi_resource' and
                                             _azapi_type(resource) == _AZAPI_POOL)


def _azapi_type(resource: Resource) -> str:
    written = text(resource.after, 'type') or text(resource.before, 'type') or ''
    return written.partition('@')[0].lower() if resource.type in _AZAPI else ''


def _bodies(resource: Resource, configuration: Configuration,
            computed: Optional[List[str]] = None) -> Tuple[Optional[Body], Optional[Body]]:
    """The body before and after; None where the cluster or pool is not there. `computed` gets the attributes that the
    provider makes."""
    before = None if resource.before is None else _body(resource, resource.before, None, configuration)[0]
    after, made = (None, []) if resource.after is None else _body(resource, resource.after, resource.before,
                                                                  configuration)
    if computed is not None:
        computed.extend(made)
    return before, after


def _body(resource: Resource, values: Json, before: Json, configuration: Configuration) -> Tuple[Body, List[str]]:
    if resource.type in _AZAPI:
        return _azapi_body(values, before), []
    attributes = azurerm.Attributes(values, before, lambda path: configuration.may_be_open(
        resource.modules, resource.type, resource.name, path))
    body = (azurerm.pool_body(attributes) if resource.type == azurerm.POOL else
            shape(azurerm.cluster_body(attributes)))
    return body, attributes.computed


def _azapi_body(values: Json, before: Json) -> Body:
    """The body as it is written: an object, or until 2.0 JSON in a string."""
    body = get(values, 'body')
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except (ValueError, RecursionError):
            body = Unknown('its body is no JSON')
    outer: Dict[str, Any] = {key: get(values, key) for key in ('name', 'location') if text(values, key)}
    parent = text(values, 'parent_id') or text(before, 'parent_id')
    name = text(values, 'name')
    inner = body if isinstance(body, Unknown) else fields(body, 'properties')
    if _azapi_kind(values) == _AZAPI_POOL:
        pool = {'enableAutoScaling': inner, 'count': inner, 'upgradeSettings': inner} \
            if isinstance(inner, Unknown) else inner
        return {**pool, **({'name': name} if name else {})}
    if parent and name:
        outer['id'] = text(values, 'id') or f'{parent}/providers/Microsoft.ContainerService/managedClusters/{name}'
    return shape({**outer, 'properties': inner})


def _azapi_kind(values: Json) -> str:
    return (text(values, 'type') or '').partition('@')[0].lower()


def _addresses(resources: Sequence[Resource]) -> Dict[str, List[Json]]:
    """Public IPs and prefixes whose ids are known, by their keys in a snapshot."""
    around: Dict[str, List[Json]] = {}
    for resource in resources:
        if azurerm.is_unknown_address(resource.type):
            key, body = azurerm.address_body(resource.type, resource.after)
            if body is not None:
                around.setdefault(key, []).append(body)
    return around


# Which cluster a pool belongs to

def _join(resource: Resource, clusters: Sequence[_Cluster], configuration: Configuration,
          pools: Dict[str, List[Pool]]) -> None:
    """Give the pool to its cluster: by the id, else by what the code refers to, else to the only cluster."""
    before, after = _bodies(resource, configuration)
    name = printable(text(after, 'name') or text(before, 'name') or resource.address)
    found = _by_id(resource, clusters) or _by_reference(resource, clusters, configuration)
    note = None
    if len(found) != 1:
        if len(clusters) == 1:
            note = f'Node pool {name} is taken to belong to the only cluster'
        else:
            opaque = Unknown(f'{name} may belong to it')
            for cluster in found or clusters:
                _leave_open(cluster, opaque)
            return
    owner = (found or clusters)[0]
    pools[owner.resource.address].append(Pool(resource.address, before, after, note))


def _leave_open(cluster: _Cluster, pool: Unknown) -> None:
    inner = (cluster.after or {}).get('properties', {})
    if isinstance(inner.get('agentPoolProfiles'), list):
        inner['agentPoolProfiles'].append(pool)


def _by_id(resource: Resource, clusters: Sequence[_Cluster]) -> List[_Cluster]:
    key = 'kubernetes_cluster_id' if resource.type == azurerm.POOL else 'parent_id'
    owner = text(resource.after, key) or text(resource.before, key)
    return [cluster for cluster in clusters if same_id(text(cluster.after, 'id') or text(cluster.before, 'id'), owner)]


def _by_reference(resource: Resource, clusters: Sequence[_Cluster], configuration: Configuration) -> List[_Cluster]:
    key = 'kubernetes_cluster_id' if resource.type == azurerm.POOL else 'parent_id'
    targets = configuration.targets(resource.modules, resource.type, resource.name, key)
    found = [cluster for cluster in clusters if any(_is_at(cluster.resource, target) for target in targets)]
    if len(found) > 1:  # instances of one resource, or of one module
        nearer = [cluster for cluster in found if cluster.resource.module == resource.module]
        found = nearer or found
        equal = [cluster for cluster in found if cluster.resource.key == resource.key]
        found = equal if len(equal) == 1 else found
    return found


def _is_at(resource: Resource, target: Target) -> bool:
    index = None if resource.key is None else json.dumps(resource.key)
    return ((resource.modules, resource.type, resource.name) == (target.modules, target.type, target.name) and
            target.instance in (None, index))
