# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Cluster API for Azure: AzureManagedControlPlane with its AzureManagedMachinePools.

Source: kubernetes-sigs/cluster-api-provider-azure, types_class.go, azure/scope/managedmachinepool.go and the webhooks.
"""

import json
from typing import Any, Dict, List, Optional, Sequence

from ...model.fields import Path
from ...model.origin import CAPZ, Origin
from ...model.values import Json, Unknown, get, printable, text
from ..found import Found
from .bodies import Body, Draft, Pool, patched, shape, without_nothing
from .kubernetes import CAPZ_GROUP, filled, kind_of, kinds, name_of, objects
from .places import lines

_CLUSTER = 'AzureManagedControlPlane'
_POOL = 'AzureManagedMachinePool'


def is_capz(documents: Sequence[Json]) -> bool:
    """Whether an AzureManagedControlPlane is among the objects."""
    return bool(kinds(list(objects(documents)), CAPZ_GROUP, _CLUSTER))


def take_capz(documents: Sequence[Json]) -> List[Found]:
    """The clusters with their pools."""
    found = list(objects(documents))
    clusters = kinds(found, CAPZ_GROUP, _CLUSTER)
    return [_draft(cluster, found, len(clusters) == 1).found() for cluster in clusters]


def _draft(cluster: Json, found: Sequence[Json], is_only: bool) -> Draft:
    pools = []
    for pool in kinds(found, CAPZ_GROUP, _POOL):
        machines = _machines_of(pool, found)
        owner = text(machines, 'spec', 'clusterName') or text(pool, 'metadata', 'labels',
                                                              'cluster.x-k8s.io/cluster-name')
        if owner is not None and _is_of(owner, cluster, found) or owner is None and is_only:
            note = None if owner else f'Node pool {name_of(pool)} is taken to belong to the only cluster'
            pools.append(Pool(name_of(pool), None, _pool_body(pool, machines), note))
    origin = Origin('capz', 'the manifest of Cluster API', CAPZ, printable(f'{_CLUSTER}/{name_of(cluster)}'),
                    version=text(cluster, 'apiVersion'), lines=lines(cluster, _path_of))
    return Draft(origin, _cluster_body(cluster), pools=pools)


def _path_of(target: str) -> Path:
    """Where a setting of ARM stands."""
    keys = target.replace('networkProfile.', '').replace('kubernetesVersion', 'version')
    return ('spec', *keys.split('.')) if target else ()


def _machines_of(pool: Json, found: Sequence[Json]) -> Json:
    """The MachinePool whose infrastructure the pool is."""
    return next((one for one in found if kind_of(one) == 'MachinePool' and text(
        one, 'spec', 'template', 'spec', 'infrastructureRef', 'name') == name_of(pool)), None)


def _is_of(owner: str, cluster: Json, found: Sequence[Json]) -> bool:
    """Whether the Cluster of that name has this control plane; without a Cluster in the file names are equal."""
    parent = next((one for one in found if kind_of(one) == 'Cluster' and name_of(one) == owner), None)
    control_plane = text(parent, 'spec', 'controlPlaneRef', 'name')
    return (control_plane or owner) == name_of(cluster)


def _cluster_body(cluster: Json) -> Body:
    spec = filled(get(cluster, 'spec'))
    name, group = filled(name_of(cluster)), get(spec, 'resourceGroupName')
    subscription = text(spec, 'subscriptionID')
    network = without_nothing({
        'loadBalancerSku': get(spec, 'loadBalancerSKU'), 'outboundType': get(spec, 'outboundType'),
        'loadBalancerProfile': _profile(get(spec, 'loadBalancerProfile'))})
    inner: Dict[str, Any] = {'networkProfile': network, 'kubernetesVersion': _version(get(spec, 'version')),
                             'agentPoolProfiles': [], 'nodeResourceGroup': get(spec, 'nodeResourceGroupName')}
    ranges = get(spec, 'apiServerAccessProfile', 'authorizedIPRanges')
    if ranges is not None:
        inner['apiServerAccessProfile'] = {'authorizedIPRanges': ranges}
    for patch in _patches(get(spec, 'asoManagedClusterPatches')):
        inner = patched(inner, get(patch, 'spec'))
    outer = {'name': name, 'location': get(spec, 'location'), 'resourceGroup': group}
    if subscription and isinstance(group, str) and isinstance(name, str):
        outer['id'] = (f'/subscriptions/{subscription}/resourceGroups/{group}/providers/Microsoft.ContainerService/'
                       f'managedClusters/{name}')
    return shape({**without_nothing(outer),
                  'properties': {key: value for key, value in inner.items() if value is not None}})


def _version(written: Json) -> Json:
    return written[1:] if isinstance(written, str) and written.startswith('v') else written


def _profile(written: Json) -> Json:
    if not isinstance(written, dict):
        return written
    managed = get(written, 'managedOutboundIPs')
    return without_nothing({
        'allocatedOutboundPorts': get(written, 'allocatedOutboundPorts'),
        'idleTimeoutInMinutes': get(written, 'idleTimeoutInMinutes'),
        'managedOutboundIPs': None if managed is None else {'count': managed},
        'outboundIPs': _ids('publicIPs', get(written, 'outboundIPs')),
        'outboundIPPrefixes': _ids('publicIPPrefixes', get(written, 'outboundIPPrefixes'))})


def _ids(key: str, written: Json) -> Optional[Body]:
    return {key: [{'id': resource_id} for resource_id in written]} if isinstance(written, list) and written else None


def _pool_body(pool: Json, machines: Json) -> Body:
    spec = filled(get(pool, 'spec'))
    scaling = get(spec, 'scaling')
    count = filled(get(machines, 'spec', 'replicas'))
    body = without_nothing({
        'name': get(spec, 'name') or filled(name_of(pool)), 'mode': get(spec, 'mode'),
        'scaleSetPriority': get(spec, 'scaleSetPriority'), 'count': 1 if count is None and machines else count,
        'enableAutoScaling': scaling is not None or None,
        'minCount': get(scaling, 'minSize'), 'maxCount': get(scaling, 'maxSize'),
        'vnetSubnetID': Unknown('the subnet of a custom network') if get(spec, 'subnetName') else None})
    if count is None and not machines:
        body['count'] = Unknown('no MachinePool of it is in the file')
    for patch in _patches(get(spec, 'asoManagedClustersAgentPoolPatches')):
        body = patched(body, get(patch, 'spec'))
    return body


def _patches(written: Json) -> List[Json]:
    """JSON merge patches, each in a string."""
    patches = []
    for patch in written if isinstance(written, list) else ():
        try:
            patches.append(json.loads(patch) if isinstance(patch, str) else patch)
        except (ValueError, RecursionError):
            continue
    return patches
