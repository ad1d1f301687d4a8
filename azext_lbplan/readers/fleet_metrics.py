# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The SNAT peak of the last day for many clusters: Azure Monitor's batch API, 50 load balancers a call.

A batch is of one subscription and region. Where batches are not to be had, each load balancer is asked for alone.
Source: learn.microsoft.com, REST reference "Metrics Batch - Batch" (2023-10-01).
"""

import datetime
import re
from functools import partial
from typing import Dict, List, Optional, Sequence, Tuple
from urllib.parse import urlsplit

from azure.cli.core.commands.client_factory import get_mgmt_service_client
from azure.core.exceptions import AzureError
from azure.core.pipeline.policies import BearerTokenCredentialPolicy
from knack.util import CLIError

from ..demand import Demand, first_pass, measure, unmeasured
from ..demand.measure import NO_DATA
from ..model.cluster import Cluster
from ..model.metrics import Answer, Query
from ..model.observed import load_balancer_id
from ..model.values import items, text
from .arm import ArmClient, ReadFailure, Request, connect, side_by_side
from .metrics import METRICS_API, MetricsReading, ask, window_of
from .progress import Progress

#: Load balancers of one call. Source: the page "Migrate from the metrics API to the getBatch API".
BATCH = 50

#: Clusters that are asked for alone at the same time, three or four requests each.
SINGLES = 8

#: How far back the peak is looked for.
OFFSET = datetime.timedelta(days=1)

_NAMESPACE = 'Microsoft.Network/loadBalancers'
_ARM_HOST = 'management.'
_REGION = re.compile(r'[a-z0-9]{1,40}\Z')


class MetricsClient(ArmClient):
    """A client for the data plane of Azure Monitor: the CLI's policies, with a token for another audience."""

    def __init__(self, credential, subscription_id=None, base_url=None, audience=None, **kwargs):
        kwargs['authentication_policy'] = BearerTokenCredentialPolicy(credential, f'{audience}/.default')
        super().__init__(credential, subscription_id, base_url, **kwargs)


def endpoint_of(resource_manager: str, region: str) -> Optional[Tuple[str, str]]:
    """(URL, audience) of the metrics data plane of a region, from the URL of the cloud's Resource Manager.

    Both share their suffix: management.SUFFIX and REGION.metrics.monitor.SUFFIX. None where the cloud names its
    Resource Manager otherwise. In a cloud where the two differ the login refuses a token for such an audience, so
    that nothing is sent to a wrong place.
    """
    host = urlsplit(resource_manager).hostname or ''
    if not host.startswith(_ARM_HOST) or not _REGION.match(region):
        return None
    suffix = host[len(_ARM_HOST):]
    return f'https://{region}.metrics.monitor.{suffix}', f'https://metrics.monitor.{suffix}'


class FleetMetrics:  # pylint: disable=too-few-public-methods  # the state of one pass
    """Measures clusters. `notes` tells, one line each, why batches were not used."""

    def __init__(self, cli_ctx):
        self.notes: List[str] = []
        self._cli_ctx = cli_ctx
        self._alone: Dict[str, bool] = {}
        self._now = datetime.datetime.now(datetime.timezone.utc)
        self._progress = Progress(cli_ctx)

    def measure(self, clusters: Sequence[Cluster]) -> List[Optional[Demand]]:
        """The demand of each of `clusters` in their order; None where SNAT ports do not matter."""
        demands: List[Optional[Demand]] = [None] * len(clusters)
        done = 0
        with self._progress:
            for batch in _batches(clusters):
                tick = self._progress.show(f'Metrics of {done} clusters read')
                for index, demand in zip(batch, self._measure([clusters[index] for index in batch], tick)):
                    demands[index] = demand
                done += len(batch)
        return demands

    def _measure(self, clusters, tick):
        subscription, region = clusters[0].subscription_id, (clusters[0].location or '').lower()
        answers = None if self._alone.get(subscription) else self._ask_batch(clusters, subscription, region, tick)
        if answers is None:
            return self._measure_alone(clusters, subscription, tick)
        return [_demand(cluster, [answer for answer in answers if answer is not None])
                for cluster, answers in zip(clusters, answers)]

    def _ask_batch(self, clusters, subscription, region, tick):
        """Answers for each cluster, None where a batch cannot be asked; then `notes` says why."""
        endpoint = endpoint_of(self._cli_ctx.cloud.endpoints.resource_manager, region)
        if endpoint is None:
            return self._give_up(subscription, 'this cloud has no known address for it')
        try:
            client = get_mgmt_service_client(self._cli_ctx, MetricsClient, subscription_id=subscription,
                                             base_url_bound=False, base_url=endpoint[0], audience=endpoint[1])
            send = partial(_send_batch, client, subscription, [load_balancer_id(cluster) for cluster in clusters])
            nodes = sum(pool.current for cluster in clusters for pool in cluster.pools)
            frontends = max(len(cluster.profile.effective_ids) for cluster in clusters)
            # The nodes of all: the grain that keeps one answer small must keep this one small.
            answered = side_by_side([(endpoint[0], partial(ask, send, query))
                                     for query in first_pass(window_of(self._now, OFFSET), nodes, frontends)], tick)
        except (CLIError, AzureError) as error:
            return self._give_up(subscription, str(error))
        failure = next((one for one in answered if isinstance(one, ReadFailure)), None)
        if failure is not None:
            return self._give_up(subscription, f'{failure.message} ({failure.code})')
        by_id = [_by_resource(answer) for answer in answered]
        return [[one.get(load_balancer_id(cluster).lower()) for one in by_id] for cluster in clusters]

    def _give_up(self, subscription, reason):
        self._alone[subscription] = True
        note = f'Metrics are read one load balancer at a time, the batch API was not to be had: {reason}.'
        if note not in self.notes:
            self.notes.append(note)

    def _measure_alone(self, clusters, subscription, tick):
        client = connect(self._cli_ctx, subscription)
        demands = []
        for start in range(0, len(clusters), SINGLES):
            part = clusters[start:start + SINGLES]
            jobs = [MetricsReading(client, cluster, self._now, OFFSET).first_jobs() for cluster in part]
            answers = iter(side_by_side([job for some in jobs for job in some], tick))
            demands += [_demand(cluster, [next(answers) for _ in some]) for cluster, some in zip(part, jobs)]
        return demands


def _demand(cluster, answers):
    good = [answer for answer in answers if isinstance(answer, Answer)]
    failure = next((answer for answer in answers if isinstance(answer, ReadFailure)), None)
    if failure is not None and not good:
        return unmeasured(NO_DATA, f'metrics could not be read: {failure.message} ({failure.code})')
    return measure(good, cluster.profile.idle_timeout_in_minutes)


def _batches(clusters):
    """Indexes of clusters that have SNAT metrics, in batches of one subscription and region."""
    places = {}
    for index, cluster in enumerate(clusters):
        if cluster.on_standard_load_balancer and not cluster.stopped and load_balancer_id(cluster):
            places.setdefault((cluster.subscription_id, (cluster.location or '').lower()), []).append(index)
    return [indexes[start:start + BATCH] for indexes in places.values() for start in range(0, len(indexes), BATCH)]


def _send_batch(client, subscription, resource_ids, query: Query):
    """The batch API's answer to `query`, whose parameters it spells in its own way."""
    asked = query.parameters()
    start, _, end = asked.pop('timespan').partition('/')
    parameters = {'api-version': METRICS_API, 'metricnamespace': _NAMESPACE, 'starttime': start, 'endtime': end,
                  **{name.lstrip('$'): value for name, value in asked.items()}}
    return client.send(Request(f'/subscriptions/{subscription}/metrics:getBatch', parameters,
                               {'resourceids': resource_ids}))


def _by_resource(answer: Answer) -> Dict[str, Answer]:
    """The part of a batch's answer for each resource, by its id in lower case."""
    return {(text(part, 'resourceid') or '').lower(): Answer(answer.query, part)
            for part in items(answer.response, 'values')}
