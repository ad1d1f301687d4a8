# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Reading the SNAT metrics of a load balancer, in the two passes that `demand` asks for."""

from datetime import datetime, timedelta
from functools import partial
from typing import Any, Callable, List, Sequence, Tuple

from ..demand import Window, first_pass, second_pass, weaker
from ..model.cluster import Cluster
from ..model.metrics import Answer, Query, aggregation_refused
from ..model.observed import metrics_id
from ..model.values import items
from .arm import ArmClient, ReadFailure, Request, resource_path, side_by_side

#: The version of the metrics API; it knows FULL and percent-encoded filters (azure-facts section 4).
METRICS_API = '2023-10-01'


def window_of(now: datetime, offset: timedelta) -> Window:
    """The minutes from `offset` before `now` until then."""
    end = int(now.timestamp()) // 60
    return Window(end - int(offset.total_seconds()) // 60, end)


class MetricsReading:
    """The SNAT metrics of a cluster's load balancer from `offset` before `now` on, in two passes."""

    def __init__(self, client: ArmClient, cluster: Cluster, now: datetime, offset: timedelta):
        self._window = window_of(now, offset)
        self._client = client
        self._cluster = cluster

    def first_jobs(self) -> List[Tuple[str, Callable[[], Any]]]:
        """The reads of the first pass, as jobs to be run beside the other reads."""
        nodes = sum(pool.current for pool in self._cluster.pools)
        frontends = len(self._cluster.profile.effective_ids) or 1
        return self._jobs(first_pass(self._window, nodes, frontends))

    def second_answers(self, first: Sequence, tick: Callable[[], None]) -> list:
        """The answers of the second pass, which the answers `first` of the first one call for; failures in place."""
        answered = [answer for answer in first if isinstance(answer, Answer)]
        if not answered:
            return []
        queries = second_pass(answered, self._window, self._cluster.profile.idle_timeout_in_minutes)
        return side_by_side(self._jobs(queries), tick)

    def _jobs(self, queries):
        path = metrics_id(self._cluster)

        def send(query):
            return self._client.send(Request(resource_path(path), {'api-version': METRICS_API, **query.parameters()}))
        return [(path, partial(ask, send, query)) for query in queries]


def ask(send: Callable[[Query], Any], query: Query) -> Answer:
    """What `send` answers to `query`, or to a weaker one where the service refuses it. Raises ReadFailure."""
    while True:
        refused = None
        try:
            body = send(query)
            # An answer about several resources holds one in `values` for each.
            if not any(map(aggregation_refused, (body, *items(body, 'values')))):
                return Answer(query, body)
        except ReadFailure as failure:
            if failure.status != 400:
                raise
            refused = failure
        weaker_query = weaker(query)
        if weaker_query is None:
            if refused:
                raise refused
            return Answer(query, body)
        query = weaker_query
