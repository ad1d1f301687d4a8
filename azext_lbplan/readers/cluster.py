# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Reading one cluster and what is around it into a snapshot: first the cluster, then the rest side by side."""

import datetime
from functools import partial
from typing import Optional, Sequence

from knack.util import CLIError

from ..model.network import collection_of
from ..model.cluster import is_cluster, parse_cluster
from ..model.observed import SCHEMA, load_balancer_id
from ..model.values import distinct, id_segments, items, text
from .arm import (MANAGED_CLUSTERS_API, NETWORK_API, ReadFailure, Request, cli_error, connect, resource_path,
                  side_by_side)
from .progress import Progress

#: What to do, by status, where the cluster itself cannot be read.
_ADVICE = {
    400: 'Check the name, the resource group and the subscription: az account show.',
    403: 'Ask for a role with Microsoft.ContainerService/managedClusters/read on the cluster, for example Reader.',
    404: 'Check the name, the resource group and the subscription: az aks list -o table.',
}


def capture(cli_ctx, resource_group: str, name: str, more_ids: Sequence[str] = (),
            offset: Optional[datetime.timedelta] = None) -> dict:
    """Read the cluster, its load balancer, its own public IPs and prefixes (and `more_ids`, typed ones), and with
    `offset` the metrics of so much time until now.

    Returns a snapshot (design section 3). Raises an AzCLIError where the cluster itself cannot be read; whatever
    else cannot be read stands in `errors`.
    """
    client = connect(cli_ctx)
    cluster_id = (f'/subscriptions/{client.subscription_id}/resourceGroups/{resource_group}'
                  f'/providers/Microsoft.ContainerService/managedClusters/{name}')
    answer = client.read_all([Request(resource_path(cluster_id), {'api-version': MANAGED_CLUSTERS_API})])[0]
    if not isinstance(answer, ReadFailure) and not is_cluster(answer):
        answer = ReadFailure(cluster_id, 200, 'InvalidAnswer', 'the answer is no managed cluster')
    if isinstance(answer, ReadFailure):
        raise cli_error(answer, f"Cluster '{name}' in resource group '{resource_group}' could not be read", _ADVICE)
    cluster, now = parse_cluster(answer), datetime.datetime.now(datetime.timezone.utc)
    metrics = _metrics(client, cluster, now, offset) if offset else None
    return {'schema': SCHEMA, 'capturedAt': now.strftime('%Y-%m-%dT%H:%M:%SZ'), 'managedCluster': answer,
            **_around(client, cluster, more_ids, metrics, Progress(cli_ctx))}


def _metrics(client, cluster, now, offset):
    """The reading of the metrics, where there can be any. What it imports, `show` and `plan` need not pay for."""
    from .metrics import MetricsReading
    if not cluster.on_standard_load_balancer or cluster.stopped or load_balancer_id(cluster) is None:
        return None
    return MetricsReading(client, cluster, now, offset)


def capture_addresses(cli_ctx, ids: Sequence[str]) -> dict:
    """Read public IPs and prefixes alone, for a plan without a cluster; without a login none of them is read."""
    if not ids:
        return {}
    try:
        client = connect(cli_ctx)
    except CLIError as error:
        return {'errors': [{'resourceId': one, 'status': None, 'code': 'NoLogin', 'message': str(error)}
                           for one in ids]}
    reads = _reads(client, None, distinct(ids))
    return _network(None, distinct(ids), dict(zip(dict(reads), side_by_side(reads))))


def _around(client, cluster, more_ids, metrics, progress: Progress) -> dict:
    """Network resources and, unless `metrics` is None, the first pass of the metrics side by side, then the second."""
    balancer = load_balancer_id(cluster) if cluster.on_standard_load_balancer else None
    own = distinct(cluster.profile.outbound_ips + cluster.profile.outbound_ip_prefixes + tuple(more_ids))
    reads = _reads(client, balancer, own)
    asked = metrics.first_jobs() if metrics else []
    with progress:
        answers = side_by_side(reads + asked, progress.show('Reading metrics') if asked else lambda: None)
        measured = answers[len(reads):]
        if measured:
            measured += metrics.second_answers(measured, progress.show('Reading busy minutes'))
    snapshot = _network(balancer, own, dict(zip(dict(reads), answers)))
    snapshot['errors'] += [answer.as_error() for answer in measured if isinstance(answer, ReadFailure)]
    snapshot['metrics'] = [answer.to_snapshot() for answer in measured if not isinstance(answer, ReadFailure)]
    return snapshot


def _reads(client, balancer: Optional[str], own: Sequence[str]) -> list:
    """Jobs by resource id: load balancer, own IPs and prefixes, and the names in use where new ones would be made."""
    collection = collection_of(own[0]) if own else None
    return [(resource_id, partial(client.send_pages, Request(resource_path(resource_id), {'api-version': NETWORK_API})))
            for resource_id in (balancer, *own, collection) if resource_id]


def _network(balancer: Optional[str], own: Sequence[str], read: dict) -> dict:
    """The part of a snapshot that the answers `read`, by resource id, make up."""
    bodies = {resource_id: answer for resource_id, answer in read.items() if not isinstance(answer, ReadFailure)}
    collection = collection_of(own[0]) if own else None
    names = [text(item, 'name') for item in items(bodies.get(collection), 'value')]
    return {
        'loadBalancer': bodies.get(balancer),
        'publicIpAddresses': [bodies[one] for one in own if one in bodies and _kind(one) == 'publicipaddresses'],
        'publicIpPrefixes': [bodies[one] for one in own if one in bodies and _kind(one) == 'publicipprefixes'],
        'lists': [{'resourceId': collection, 'names': list(filter(None, names))}] if collection in bodies else [],
        'errors': [dict(answer.as_error(), resourceId=resource_id) for resource_id, answer in read.items()
                   if isinstance(answer, ReadFailure)],
    }


def _kind(resource_id):
    return 'publicipprefixes' if 'publicipprefixes' in id_segments(resource_id) else 'publicipaddresses'
