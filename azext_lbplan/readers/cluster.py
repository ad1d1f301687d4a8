# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Reading one cluster and what is around it into a snapshot, in rounds: first the cluster; then its network resources
and the first pass of its metrics side by side; then what that pass asks for."""
from __future__ import annotations

import datetime
from functools import partial
from typing import TYPE_CHECKING, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from azure.cli.core import AzCli
from knack.util import CLIError

from ..facts.ids import ArmId
from ..facts.networks import PREFIX_TYPE
from ..inputs.allowed import reduced, reduced_part
from ..model.cluster import Cluster, is_cluster, parse_cluster
from ..model.observed import SCHEMA, Snapshot, egress_load_balancer_id, has_snat_metrics
from ..model.values import Json, distinct, items, text
from .arm import (MANAGED_CLUSTERS_API, NETWORK_API, Advice, ArmClient, Job, ReadFailure, Request, cli_error, connect,
                  resource_path, side_by_side)
from .progress import Progress

if TYPE_CHECKING:  # `show` and `plan` need not pay for it
    from ..model.metrics import Answer
    from .metrics import MetricsReading

#: What to do, by status, where the cluster itself cannot be read.
_ADVICE: Advice = {
    400: 'Check the name, the resource group and the subscription: az account show.',
    403: 'Ask for a role with Microsoft.ContainerService/managedClusters/read on the cluster, for example Reader.',
    404: 'Check the name, the resource group and the subscription: az aks list -o table.',
}


class _Network(NamedTuple):
    """The ids of what is read around a cluster: its load balancer, and public IPs and prefixes of the user's own."""

    balancer: Optional[ArmId]
    addresses: Tuple[ArmId, ...]

    @property
    def collection(self) -> Optional[str]:
        """Where new addresses would be made, to be listed for the names in use."""
        return self.addresses[0].collection if self.addresses else None

    @property
    def all_ids(self) -> List[str]:
        """All of them, each to be read by one request."""
        return [resource_id for resource_id in (self.balancer, *self.addresses, self.collection) if resource_id]


def capture(cli_ctx: AzCli, resource_group: str, name: str, more_ids: Sequence[ArmId] = (),
            offset: Optional[datetime.timedelta] = None) -> Snapshot:
    """Read the cluster, its load balancer, its own public IPs and prefixes (and `more_ids`, typed ones), and with
    `offset` the metrics of so much time until now.

    Returns a snapshot (ARCHITECTURE.md, Snapshot), for a file and for the decision of now: both are the same. Its
    bodies hold what decisions read and nothing else; answers of the metrics are megabytes, and reduced where they
    are saved. Raises an AzCLIError where the cluster itself cannot be read; whatever else cannot be read stands in
    `errors`.
    """
    client = connect(cli_ctx)
    body = _read_cluster(client, resource_group, name)
    cluster, now = parse_cluster(body), datetime.datetime.now(datetime.timezone.utc)
    network = _Network(egress_load_balancer_id(cluster), distinct(cluster.profile.own_ids + tuple(more_ids)))
    metrics = _metrics_of(client, cluster, now, offset) if offset else None
    with Progress(cli_ctx) as progress:
        resources, measured = _read_around(client, network, metrics, progress)
        measured += _read_further(metrics, measured, progress)
    snapshot = {'schema': SCHEMA, 'capturedAt': now.strftime('%Y-%m-%dT%H:%M:%SZ'), 'managedCluster': body,
                **_network_part(network, resources)}
    snapshot['errors'] += [answer.as_error() for answer in measured if isinstance(answer, ReadFailure)]
    return {**reduced(snapshot),
            'metrics': [answer.to_snapshot() for answer in measured if not isinstance(answer, ReadFailure)]}


def capture_addresses(cli_ctx: AzCli, ids: Sequence[ArmId]) -> Snapshot:
    """Read public IPs and prefixes alone, for a plan without a cluster; without a login none of them is read."""
    if not ids:
        return {}
    try:
        client = connect(cli_ctx)
    except CLIError as error:
        return {'errors': [{'resourceId': resource_id, 'status': None, 'code': 'NoLogin', 'message': str(error)}
                           for resource_id in ids]}
    network = _Network(None, distinct(ids))
    return _network_part(network, dict(zip(network.all_ids, side_by_side(_network_jobs(client, network)))))


def _read_cluster(client: ArmClient, resource_group: str, name: str) -> Json:
    """The first round: the cluster's body. Raises an AzCLIError."""
    cluster_id = (f'/subscriptions/{client.subscription_id}/resourceGroups/{resource_group}'
                  f'/providers/Microsoft.ContainerService/managedClusters/{name}')
    answer = client.read(Request(resource_path(cluster_id), {'api-version': MANAGED_CLUSTERS_API}))
    if not isinstance(answer, ReadFailure) and not is_cluster(reduced_part('managedCluster', answer)):
        answer = ReadFailure(cluster_id, 200, 'InvalidAnswer', 'the answer is no managed cluster')
    if isinstance(answer, ReadFailure):
        raise cli_error(answer, f"Cluster '{name}' in resource group '{resource_group}' could not be read", _ADVICE)
    return answer


def _read_around(client: ArmClient, network: _Network, metrics: Optional[MetricsReading], progress: Progress
                 ) -> Tuple[Dict[str, Union[Json, ReadFailure]], List[Union[Answer, ReadFailure]]]:
    """The second round: (network resources by id, answers of the first pass of the metrics), failures in place."""
    about_network = _network_jobs(client, network)
    about_metrics = metrics.first_jobs() if metrics else []
    answers = side_by_side(about_network + about_metrics,
                           progress.show('Reading metrics') if about_metrics else lambda: None)
    return dict(zip(network.all_ids, answers)), answers[len(about_network):]


def _read_further(metrics: Optional[MetricsReading], first_pass: Sequence[Union[Answer, ReadFailure]],
                  progress: Progress) -> List[Union[Answer, ReadFailure]]:
    """The third round: what the first pass of the metrics calls for, minute by minute."""
    return metrics.further_answers(first_pass, progress.show('Reading busy minutes')) if metrics else []


def _metrics_of(client: ArmClient, cluster: Cluster, now: datetime.datetime, offset: datetime.timedelta
                ) -> Optional[MetricsReading]:
    """The reading of the metrics, where there are any."""
    from .metrics import MetricsReading
    return MetricsReading(client, cluster, now, offset) if has_snat_metrics(cluster) else None


def _network_jobs(client: ArmClient, network: _Network) -> List[Job[Json]]:
    return [(resource_id, partial(client.send_pages, Request(resource_path(resource_id), {'api-version': NETWORK_API})))
            for resource_id in network.all_ids]


def _network_part(network: _Network, answers: Mapping[str, Union[Json, ReadFailure]]) -> Snapshot:
    """What a snapshot holds of the network resources, from the answers by resource id."""
    bodies = {resource_id: answer for resource_id, answer in answers.items() if not isinstance(answer, ReadFailure)}
    addresses = [resource_id for resource_id in network.addresses if resource_id in bodies]
    lists = []
    if network.collection in bodies:
        names = [text(item, 'name') for item in items(bodies[network.collection], 'value')]
        lists = [{'resourceId': network.collection, 'names': list(filter(None, names))}]
    return {
        'loadBalancer': bodies.get(network.balancer) if network.balancer else None,
        'publicIpAddresses': [bodies[address] for address in addresses if address.type != PREFIX_TYPE],
        'publicIpPrefixes': [bodies[address] for address in addresses if address.type == PREFIX_TYPE],
        'lists': lists,
        'errors': [dict(answer.as_error(), resourceId=resource_id) for resource_id, answer in answers.items()
                   if isinstance(answer, ReadFailure)],
    }
