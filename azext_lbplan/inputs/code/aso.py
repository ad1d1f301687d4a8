# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Azure Service Operator: ManagedCluster with its ManagedClustersAgentPools, also inside of Cluster API's
AzureASOManaged kinds. A `spec` has the names of ARM, flattened; an object that was read from Kubernetes has a `status`,
which is what is in force. Source: Azure/azure-service-operator, v2/samples/containerservice.
"""

from copy import copy
from typing import Any, Iterator, List, Optional, Sequence, Tuple

from ...model.origin import ASO, Origin
from ...model.values import Json, Unknown, get, items, printable, text
from ..found import Found
from .bodies import Body, Draft, Pool, shape
from .kubernetes import ASO_GROUP, CAPZ_GROUP, filled, group_of, kind_of, kinds, name_of, objects
from .places import below, lines

_CLUSTER = 'ManagedCluster'
_POOL = 'ManagedClustersAgentPool'


def is_aso(documents: Sequence[Json]) -> bool:
    """Whether a ManagedCluster is among the objects."""
    return bool(kinds(_all(documents), ASO_GROUP, _CLUSTER))


def _all(documents: Sequence[Json]) -> List[Json]:
    """The objects, and those that AzureASOManaged kinds of Cluster API hold."""
    return [inner for outer in objects(documents) for inner in _with_held(outer)]


def _with_held(outer: Json) -> Iterator[Json]:
    yield outer
    if group_of(outer) == CAPZ_GROUP and kind_of(outer).startswith('AzureASOManaged'):
        for held in items(outer, 'spec', 'resources'):
            marked: Any = copy(held)  # which keeps its lines
            marked['heldBy'] = name_of(outer)
            yield marked


def take_aso(documents: Sequence[Json]) -> List[Found]:
    """The clusters with their pools."""
    found = _all(documents)
    clusters, pools = kinds(found, ASO_GROUP, _CLUSTER), kinds(found, ASO_GROUP, _POOL)
    return [_draft(cluster, clusters, pools, found).found() for cluster in clusters]


def _draft(cluster: Json, clusters: Sequence[Json], pools: Sequence[Json], found: Sequence[Json]) -> Draft:
    mine = [_pool(pool, found, len(clusters) == 1) for pool in pools if _belongs(pool, cluster, clusters)]
    before = get(cluster, 'status')
    in_force = isinstance(before, dict) and isinstance(get(before, 'networkProfile'), dict)
    origin = Origin('aso', 'the manifest of Azure Service Operator', ASO,
                    printable(f'ManagedCluster/{name_of(cluster)}'), version=text(cluster, 'apiVersion'),
                    lines=lines(cluster, below('spec')))
    start = shape({'properties': before, **_outer(before)}) if in_force else None
    return Draft(origin, _cluster(cluster, found), start, mine)


def _outer(status: Json) -> Body:
    return {key: get(status, key) for key in ('id', 'name', 'location') if text(status, key)}


def _belongs(pool: Json, cluster: Json, clusters: Sequence[Json]) -> bool:
    owner = text(pool, 'spec', 'owner', 'name')
    if owner is not None:
        return owner == name_of(cluster)
    arm_id = text(pool, 'spec', 'owner', 'armId')
    if arm_id is not None:
        return (text(cluster, 'status', 'id') or '').lower() == arm_id.lower() or len(clusters) == 1
    return len(clusters) == 1


def _cluster(cluster: Json, found: Sequence[Json]) -> Body:
    spec = filled(get(cluster, 'spec'))
    body = shape({'properties': _with_ids(spec) if isinstance(spec, dict) else {}})
    name, location = text(spec, 'azureName') or filled(name_of(cluster)), text(spec, 'location')
    group_id, group = _group(spec, found)
    body.update({key: value for key, value in (('name', name), ('location', location), ('resourceGroup', group))
                 if isinstance(value, Unknown) or value})
    if group_id and isinstance(name, str):
        body['id'] = f'{group_id}/providers/Microsoft.ContainerService/managedClusters/{name}'
    return body


def _group(spec: Json, found: Sequence[Json]) -> Tuple[Optional[str], Optional[str]]:
    """The id of the cluster's resource group, or its name, where the file tells."""
    arm_id = text(spec, 'owner', 'armId')
    if arm_id:
        return arm_id, None
    owner = text(spec, 'owner', 'name')
    group = next((one for one in found if kind_of(one) == 'ResourceGroup' and name_of(one) == owner), None)
    return None, (text(group, 'spec', 'azureName') or name_of(group)) if group is not None else None


def _with_ids(spec: Body) -> Body:
    """`spec` with ids of ARM in the place of references."""
    profile = get(spec, 'networkProfile', 'loadBalancerProfile')
    if isinstance(profile, dict):
        replaced = dict(profile)
        for outer, key in (('outboundIPs', 'publicIPs'), ('outboundIPPrefixes', 'publicIPPrefixes')):
            if get(profile, outer) is not None:
                replaced[outer] = {key: [{'id': _id(reference)} for reference in items(profile, outer, key)]}
        spec = {**spec, 'networkProfile': {**get(spec, 'networkProfile'), 'loadBalancerProfile': replaced}}
    pools = get(spec, 'agentPoolProfiles')
    if isinstance(pools, list):
        spec = {**spec, 'agentPoolProfiles': [_pool_body(pool) if isinstance(pool, dict) else pool for pool in pools]}
    return spec


def _id(reference: Json) -> Json:
    """The id that a reference names; of an object of Kubernetes it is known only in the cluster that runs it."""
    inner = get(reference, 'reference')
    return text(inner, 'armId') or Unknown(
        f"the id of {text(inner, 'kind') or 'an object'} {text(inner, 'name') or ''} of Kubernetes".replace('  ', ' '))


def _pool_body(spec: Body) -> Body:
    subnet = get(spec, 'vnetSubnetReference')
    if subnet is None:
        return dict(spec)
    return {**spec, 'vnetSubnetID': text(subnet, 'armId') or Unknown('the id of an object of Kubernetes')}


def _pool(pool: Json, found: Sequence[Json], is_only: bool) -> Pool:
    spec, status = filled(get(pool, 'spec')), get(pool, 'status')
    after = _pool_body(spec) if isinstance(spec, dict) else {}
    name = text(spec, 'azureName') or text(spec, 'name') or filled(name_of(pool))
    after['name'] = name
    replicas = _replicas(pool, found)
    if replicas is not None and get(after, 'count') is None:
        after['count'] = replicas
    before = {**status, 'name': text(status, 'name') or name} if isinstance(status, dict) else None
    unowned = get(pool, 'spec', 'owner') is None and is_only
    note = f'Node pool {name if isinstance(name, str) else name_of(pool)} is taken to belong to the only cluster'
    return Pool(name_of(pool), before, after, note if unowned and get(pool, 'heldBy') is None else None)


def _replicas(pool: Json, found: Sequence[Json]) -> Json:
    """The replicas of the MachinePool that an AzureASOManagedMachinePool belongs to."""
    holder = get(pool, 'heldBy')
    return next((filled(get(one, 'spec', 'replicas')) for one in found if kind_of(one) == 'MachinePool' and
                 holder is not None and text(one, 'spec', 'template', 'spec', 'infrastructureRef', 'name') == holder),
                None)
