# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The SNAT metrics of the last day of many clusters: Azure Monitor's batch API, 50 load balancers a call.

A batch is of one subscription and region. Where batches are not to be had, each load balancer is asked for alone.
Source: learn.microsoft.com, REST reference "Metrics Batch - Batch" (2023-10-01).
"""

import datetime
import re
from functools import partial
from typing import Any, Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple, Union

from azure.cli.core import AzCli
from azure.cli.core.commands.client_factory import get_mgmt_service_client
from azure.core.credentials import TokenCredential
from azure.core.exceptions import AzureError
from azure.core.pipeline.policies import BearerTokenCredentialPolicy
from knack.util import CLIError

from ..demand import questions
from ..model.answers import Answer, ClusterMetrics
from ..model.cluster import Cluster
from ..model.metrics import Query
from ..model.observed import egress_load_balancer_id, has_snat_metrics
from ..model.values import Json, items, text
from .arm import ArmClient, ReadFailure, Request, connect, side_by_side
from .metrics import METRICS_API, MetricsReading, T, answers_in, ask, window_of
from .progress import Progress

#: Load balancers of one call. Source: the page "Migrate from the metrics API to the getBatch API".
BATCH = 50

#: Clusters that are asked for alone at the same time, three or four requests each.
SINGLES = 8

#: How far back they are read.
OFFSET = datetime.timedelta(days=1)

_NOT_IN_BATCH = 'the answer of the batch does not hold this load balancer'
_NAMESPACE = 'Microsoft.Network/loadBalancers'
_RESOURCE_MANAGER = re.compile(r'https://management((?:\.[a-z0-9-]+)+)(?::443)?/?\Z', re.IGNORECASE | re.ASCII)
_REGION = re.compile(r'[a-z0-9]{1,40}\Z')


class MetricsClient(ArmClient):
    """A client for the data plane of Azure Monitor: the CLI's policies, with a token for another audience."""

    def __init__(self, credential: TokenCredential, subscription_id: Optional[str] = None,
                 base_url: Optional[str] = None, audience: str = '', **kwargs: Any):
        kwargs['authentication_policy'] = BearerTokenCredentialPolicy(credential, f'{audience}/.default')
        super().__init__(credential, subscription_id, base_url, **kwargs)


class Endpoint(NamedTuple):
    """The metrics data plane of a region: its URL, and the audience that its tokens are for."""

    url: str
    audience: str


class _Member(NamedTuple):
    """One cluster of a batch: where it stands among all that are read, and its load balancer."""

    position: int
    cluster: Cluster
    load_balancer_id: str


class _Batch(NamedTuple):
    """Clusters that one call may ask about."""

    subscription: str
    region: str
    members: Sequence[_Member]


class _NoBatches(Exception):
    """Why batches are not to be had."""


def endpoint_of(resource_manager: str, region: str) -> Optional[Endpoint]:
    """The endpoint of a region, from the URL of the cloud's Resource Manager.

    Both share their suffix: management.SUFFIX and REGION.metrics.monitor.SUFFIX. None where the cloud names its
    Resource Manager otherwise: with a region, a port or a user in the URL, too. In a cloud where the two differ the
    login refuses a token for such an audience, so that nothing is sent to a wrong place.
    """
    found = _RESOURCE_MANAGER.match(resource_manager)
    if not found or not _REGION.match(region):
        return None
    suffix = found.group(1).lower()
    return Endpoint(f'https://{region}.metrics.monitor{suffix}', f'https://metrics.monitor{suffix}')


class FleetMetrics:  # pylint: disable=too-few-public-methods  # the state of one pass
    """Reads the metrics of clusters, the first round alone. `notes` tells, one line each, why batches were not used."""

    def __init__(self, cli_ctx: AzCli):
        self.notes: List[str] = []
        self._cli_ctx = cli_ctx
        self._without_batches: Set[str] = set()
        self._now = datetime.datetime.now(datetime.timezone.utc)
        self._progress = Progress(cli_ctx)

    def read(self, clusters: Sequence[Cluster]) -> Iterator[Tuple[int, ClusterMetrics]]:
        """The position in `clusters` and what was read of its metrics, where SNAT ports matter; batch by batch, because
        the answers of a whole fleet are too many to be kept."""
        done = 0
        with self._progress:
            for batch in _batches(clusters):
                tick = self._progress.show(f'Metrics of {done} clusters read')
                for member, metrics in zip(batch.members, self._read_batch(batch, tick)):
                    yield member.position, metrics
                done += len(batch.members)

    def _read_batch(self, batch: _Batch, tick: Callable[[], None]) -> List[ClusterMetrics]:
        if batch.subscription not in self._without_batches:
            try:
                return self._ask_together(batch, tick)
            except _NoBatches as reason:
                self._give_up(batch.subscription, str(reason))
        return self._ask_alone(batch, tick)

    def _ask_together(self, batch: _Batch, tick: Callable[[], None]) -> List[ClusterMetrics]:
        """What each cluster's part of the answers says. Raises _NoBatches."""
        endpoint = endpoint_of(self._cli_ctx.cloud.endpoints.resource_manager, batch.region)
        if endpoint is None:
            raise _NoBatches('this cloud has no known address for it')
        clusters = [member.cluster for member in batch.members]
        # The nodes of all: the grain that keeps one answer small must keep this one small.
        queries = next(questions(window_of(self._now, OFFSET),
                                 nodes=sum(pool.current for cluster in clusters for pool in cluster.pools),
                                 frontends=max(len(cluster.profile.effective_ids) for cluster in clusters)))
        try:
            client = get_mgmt_service_client(self._cli_ctx, MetricsClient, subscription_id=batch.subscription,
                                             base_url_bound=False, base_url=endpoint.url, audience=endpoint.audience)
            send = partial(_send_batch, client, batch)
            results = side_by_side([(endpoint.url, partial(ask, endpoint.url, send, query, _by_resource))
                                    for query in queries], tick)
        except (CLIError, AzureError) as error:
            raise _NoBatches(str(error)) from error
        failure = _failure_in(results)
        if failure is not None:
            raise _NoBatches(failure)
        parts = [result for result in results if not isinstance(result, ReadFailure)]
        ids = [member.load_balancer_id.lower() for member in batch.members]
        return [_metrics_in(parts, resource_id) for resource_id in ids]

    def _give_up(self, subscription: str, reason: str) -> None:
        self._without_batches.add(subscription)
        note = f'Metrics are read one load balancer at a time, the batch API was not to be had: {reason}.'
        if note not in self.notes:
            self.notes.append(note)

    def _ask_alone(self, batch: _Batch, tick: Callable[[], None]) -> List[ClusterMetrics]:
        client = connect(self._cli_ctx, batch.subscription)
        found: List[ClusterMetrics] = []
        for start in range(0, len(batch.members), SINGLES):
            jobs = [MetricsReading(client, member.cluster, self._now, OFFSET).first_jobs()
                    for member in batch.members[start:start + SINGLES]]
            results = iter(side_by_side([job for of_cluster in jobs for job in of_cluster], tick))
            found += [_metrics_of([next(results) for _ in of_cluster]) for of_cluster in jobs]
        return found


def _metrics_in(parts: Sequence[Mapping[str, Answer]], resource_id: str) -> ClusterMetrics:
    answers = tuple(part[resource_id] for part in parts if resource_id in part)
    return ClusterMetrics(answers, None if answers else _NOT_IN_BATCH)


def _metrics_of(results: Sequence[Union[Answer, ReadFailure]]) -> ClusterMetrics:
    answers = answers_in(results)
    return ClusterMetrics(answers, None if answers else _failure_in(results))


def _failure_in(results: Sequence[Union[T, ReadFailure]]) -> Optional[str]:
    """Why a read failed, the first that did; None where all went well."""
    failures = (result for result in results if isinstance(result, ReadFailure))
    return next((f'{failure.message} ({failure.code})' for failure in failures), None)


def _batches(clusters: Sequence[Cluster]) -> List[_Batch]:
    """Those of `clusters` that have SNAT metrics, in batches of one subscription and region."""
    places: Dict[Tuple[str, str], List[_Member]] = {}
    for position, cluster in enumerate(clusters):
        load_balancer_id = egress_load_balancer_id(cluster)
        if load_balancer_id is not None and has_snat_metrics(cluster):
            place = (cluster.subscription_id or '', (cluster.location or '').lower())
            places.setdefault(place, []).append(_Member(position, cluster, load_balancer_id))
    return [_Batch(subscription, region, members[start:start + BATCH])
            for (subscription, region), members in places.items() for start in range(0, len(members), BATCH)]


def _send_batch(client: MetricsClient, batch: _Batch, query: Query, take: Callable[[Json], T]) -> T:
    """What `take` makes of the batch API's answer to `query`, whose parameters it spells in its own way."""
    asked = query.parameters()
    start, _, end = asked.pop('timespan').partition('/')
    parameters = {'api-version': METRICS_API, 'metricnamespace': _NAMESPACE, 'starttime': start, 'endtime': end,
                  **{name.lstrip('$'): value for name, value in asked.items()}}
    return client.take(Request(f'/subscriptions/{batch.subscription}/metrics:getBatch', parameters,
                               {'resourceids': [member.load_balancer_id for member in batch.members]}), take)


def _by_resource(query: Query, body: Json) -> Dict[str, Answer]:
    """The part of a batch's answer for each resource, by its id in lower case."""
    return {(text(part, 'resourceid') or '').lower(): Answer(query, part).parsed(keep=False)
            for part in items(body, 'values')}
