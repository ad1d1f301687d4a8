# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Reading the SNAT metrics of a load balancer: asking what `demand` wants to know, round by round."""

from datetime import datetime, timedelta
from functools import partial
from typing import Callable, List, Sequence, Tuple, TypeVar, Union

from ..demand import Window, questions, weaker
from ..model.answers import Answer
from ..model.cluster import Cluster
from ..model.metrics import Query, aggregation_refused, is_answer
from ..model.observed import INVALID_ANSWER, metrics_id
from ..model.values import Json, get, items
from .arm import ArmClient, Job, ReadFailure, Request, resource_path, side_by_side

#: The version of the metrics API; it knows FULL and percent-encoded filters (AZURE-FACTS section 4).
METRICS_API = '2023-10-01'

T = TypeVar('T')

#: Asks a query, and gives what the function makes of the body that comes. Raises ReadFailure.
Send = Callable[[Query, Callable[[Json], T]], T]


def window_of(now: datetime, offset: timedelta) -> Window:
    """The minutes from `offset` before `now` until then."""
    end = int(now.timestamp()) // 60
    return Window(end - int(offset.total_seconds()) // 60, end)


class MetricsReading:
    """The SNAT metrics of a cluster's load balancer, whose place must be known, from `offset` before `now` on. Bodies,
    which are megabytes, stay in the answers only where they are to be saved (`keep`)."""

    def __init__(self, client: ArmClient, cluster: Cluster, now: datetime, offset: timedelta, keep: bool = False):
        path = metrics_id(cluster)
        if path is None:
            raise LookupError('metrics are read of a load balancer whose place is known')
        self._path = path
        self._client = client
        self._keep = keep
        self._questions = questions(window_of(now, offset), nodes=sum(pool.current for pool in cluster.pools),
                                    frontends=len(cluster.profile.effective_ids),
                                    idle_timeout=cluster.profile.idle_timeout_in_minutes)

    def first_jobs(self) -> List[Job[Answer]]:
        """The reads of the first round, as jobs to be run beside other reads."""
        return self._jobs(next(self._questions))

    def further_answers(self, first: Sequence[Union[Answer, ReadFailure]], tick: Callable[[], None]
                        ) -> List[Union[Answer, ReadFailure]]:
        """The answers of all rounds after the `first`, whose answers lead to them; failures in place."""
        further: List[Union[Answer, ReadFailure]] = []
        latest = first
        while True:
            try:
                queries = self._questions.send(answers_in(latest))
            except StopIteration:
                return further
            latest = side_by_side(self._jobs(queries), tick)
            further += latest

    def _jobs(self, queries: Sequence[Query]) -> List[Job[Answer]]:
        return [(self._path, partial(ask, self._path, self._send, query, self._answer)) for query in queries]

    def _send(self, query: Query, take: Callable[[Json], T]) -> T:
        parameters = {'api-version': METRICS_API, **query.parameters()}
        return self._client.take(Request(resource_path(self._path), parameters), take)

    def _answer(self, query: Query, body: Json) -> Answer:
        return Answer(query, body).parsed(self._keep)


def answers_in(results: Sequence[Union[Answer, ReadFailure]]) -> Tuple[Answer, ...]:
    """The answers in `results`, without those that failed."""
    return tuple(result for result in results if isinstance(result, Answer))


def ask(path: str, send: Send[T], query: Query, make: Callable[[Query, Json], T]) -> T:
    """What `make` makes of the answer to `query`, or to a weaker one where the service refuses it. Raises ReadFailure,
    which is about `path`, also for what is no answer."""
    while True:
        try:
            return send(query, partial(_made, path, query, make))
        except ReadFailure as failure:
            instead = weaker(query) if failure.status == 400 else None
            if instead is None:
                raise
        query = instead


def _made(path: str, query: Query, make: Callable[[Query, Json], T], body: Json) -> T:
    """What `make` makes of the body of a good answer. Raises ReadFailure."""
    if _refused(body) and weaker(query):
        raise ReadFailure(path, 400, INVALID_ANSWER, 'the answer refuses the aggregation')
    if not all(map(is_answer, _bodies(body))):
        raise ReadFailure(path, 200, INVALID_ANSWER, 'the answer holds no list of metrics')
    return make(query, body)


def _refused(body: Json) -> bool:
    """Whether this body of status 200 refuses the aggregation."""
    return any(map(aggregation_refused, (body, *_bodies(body))))


def _bodies(body: Json) -> Sequence[Json]:
    """The body; one about several resources holds one for each."""
    return items(body, 'values') if isinstance(get(body, 'values'), list) else [body]
