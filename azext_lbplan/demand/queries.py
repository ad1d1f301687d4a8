# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The questions that a demand is measured by: first the whole window coarsely, then the minutes of the hours that
matter.

A reader drives `questions` and knows nothing else of them, but that `weaker` gives what to ask where one is refused.

An hour's average hides a minute's peak (AZURE-FACTS section 4), and 1000 nodes over seven days at one minute are
several gigabytes of JSON. So the first pass asks at the finest grain that keeps its answers small, and the second
asks for one-minute points of the nodes and hours that the first one points at (ARCHITECTURE.md, Demand).
"""

from typing import Generator, NamedTuple, Optional, Sequence, Tuple

from ..model.answers import Answer, parse
from ..model.metrics import (ALLOCATED, AVERAGE, AWAITING, CONNECTIONS, FRONTEND, FULL, MAXIMUM, NODE, PROTOCOL, STATE,
                             TOTAL, USED, Query)

from . import choice
from .full import SATURATED_SHARE
from .tables import BOTH, Tables
from .tabulate import tabulate
from .turnover import LEAD_MINUTES

#: Without `top` a filtered query gives 10 series (AZURE-FACTS section 4). 2^31 - 1 is accepted (learn.microsoft.com,
#: answers 6005145); this is more than any load balancer has: 5,000 instances (AZURE-FACTS section 2) times
#: 2 protocols times 10 frontends.
TOP = 100000

#: Sizes in the JSON of an answer, in bytes: a point with one number, each further number, a series with its
#: dimensions. Measured on the bodies of samples/metrics and of tests/azure/monitor.py, rounded up.
POINT_BYTES = 62
NUMBER_BYTES = 32
SERIES_BYTES = 430

#: Bounds of the answers in bytes, by question; together with the second pass under the 30 MB of issue 3.
USED_BYTES = 7000000
ALLOCATED_BYTES = 3100000
STATES_BYTES = 6600000
ARRIVALS_BYTES = 10800000

#: Bounds of the second pass. It gets what the first one has left of ALL_BYTES, within these.
ALL_BYTES = 27500000
LEAST_SECOND_BYTES = 5000000
MOST_SECOND_BYTES = 8000000

#: The bound where no connection failed and no node was full: the maxima of the first pass tell then how high use went,
#: and minutes only where use is summed over IPs, and how long ports are held. In the tuning half of the backtest (42
#: clusters) ports, IPs and failures are the same as with 8 MB; of two clusters it stays open whether idle flows hold
#: ports.
CALM_SECOND_BYTES = 3000000

#: The grains of the first pass, from fine to coarse, in minutes.
GRAINS = (60, 360, 720, 1440, FULL)

#: Connection states that a cluster may report: pending, successful, failed (AZURE-FACTS section 4).
STATES = 3

PROTOCOLS = 2


class Window(NamedTuple):
    """The time to look at, from `start` to `end`, in minutes since 1970 (`model.metrics.minute_of`)."""

    start: int
    end: int


#: Rounds of queries. It yields those of one round, to be asked side by side in any order, and is sent their answers,
#: without those that failed; it ends when there is nothing left to ask.
Questions = Generator[Tuple[Query, ...], Sequence[Answer], None]


def questions(window: Window, nodes: int, frontends: int = 1, idle_timeout: Optional[int] = None) -> Questions:
    """What to ask about `window`, of a cluster of about so many nodes and outbound IP addresses. No round is empty.

    The numbers only choose the grain: nodes that have gone, or frontends that were not expected, are answered for.
    `idle_timeout` in minutes, as in force. Whoever stops after the first round has the whole window, coarsely.
    """
    answers = yield _first_pass(window, nodes, frontends)
    busy_minutes = _second_pass(answers, window, idle_timeout) if answers else ()
    if busy_minutes:
        yield busy_minutes


def weaker(query: Query) -> Optional[Query]:
    """What to ask instead of a query that the service refused: without maxima, then not split by whether ports await
    removal, then without protocols.

    None when nothing is left to do without. Means hide peaks, and both protocols together are an upper bound for
    each: the demand says so. Ports that await removal, which is rare, then count like the others.
    """
    if MAXIMUM in query.aggregations and len(query.aggregations) > 1:
        return query._replace(aggregations=tuple(name for name in query.aggregations if name != MAXIMUM))
    for name in (AWAITING, PROTOCOL):
        clause = f" and {name} eq '*'"
        if query.filter and clause in query.filter:
            return query._replace(filter=query.filter.replace(clause, ''))
    return None


def _first_pass(window: Window, nodes: int, frontends: int) -> Tuple[Query, ...]:
    """The coarse queries about all of `window`."""
    nodes, frontends = max(1, nodes), max(1, frontends)
    series = PROTOCOLS * nodes * frontends
    split = _bytes(window, series, FULL, 2) <= USED_BYTES and _grain(window, series, 2, USED_BYTES) != FULL
    if not split:
        # A mean over frontends still tells busy nodes from others; the minutes are then read frontend by frontend.
        series = PROTOCOLS * nodes
    by_node = _filter(frontend=split, protocol=True, ports=True)
    states = _grain(window, STATES * nodes, 1, STATES_BYTES)
    queries = [
        _query(window, (USED,), _grain(window, series, 2, USED_BYTES), (AVERAGE, MAXIMUM), by_node),
        _query(window, (ALLOCATED,), _grain(window, series, 1, ALLOCATED_BYTES), (AVERAGE,), by_node),
        _query(window, (CONNECTIONS,), states, (TOTAL,), _filter(state=True)),
    ]
    arrivals = _grain(window, nodes, 1, ARRIVALS_BYTES)
    if arrivals != FULL and (states == FULL or arrivals < states):
        queries.append(_query(window, (CONNECTIONS,), arrivals, (TOTAL,), _filter()))
    if not split:
        queries.append(_query(window, (ALLOCATED,), 1440, (AVERAGE,),
                              f"{FRONTEND} eq '*' and {AWAITING} eq '*'"))
    return tuple(queries)


def _second_pass(answers: Sequence[Answer], window: Window, idle_timeout: Optional[int]) -> Tuple[Query, ...]:
    """The one-minute queries that the answers of the first pass call for, within `window`; the worst hours first.

    Empty when there is nothing to look at. At most 2 × choice.MOST_BLOCKS queries.
    """
    measured = parse(answers)
    tables = tabulate(measured)
    frontends = len({series.frontend for series in measured.series if series.frontend}) or 1
    states = len({series.state for series in measured.series if series.state}) or 1
    protocols = {protocol for _, protocol in tables.buckets}
    spent = measured.points * POINT_BYTES + len(measured.series) * SERIES_BYTES
    left = CALM_SECOND_BYTES if _is_calm(tables) else \
        min(max(ALL_BYTES - spent, LEAST_SECOND_BYTES), MOST_SECOND_BYTES)
    hour = 60 * POINT_BYTES * (2 * max(1, len(protocols)) * frontends + states)
    queries = []
    for block in choice.choose(tables, window.start, window.end, left // hour, idle_timeout):
        span = Window(max(window.start, block.start - LEAD_MINUTES), min(window.end, block.end))
        split = _filter(block.nodes, frontend=True, protocol=protocols != {BOTH}, ports=True)
        queries.append(_query(span, (USED, ALLOCATED), 1, (AVERAGE,), split))
        queries.append(_query(span, (CONNECTIONS,), 1, (TOTAL,), _filter(block.nodes, state=True)))
    return tuple(queries)


def _is_calm(tables: Tables) -> bool:
    """Whether no connection failed, and every node had ports left all the time, as far as the first pass tells."""
    if any(flow.failed > 0 for flows in tables.bucket_flows.values() for flow in flows.values()):
        return False
    for key, buckets in tables.buckets.items():
        allocation = tables.allocation(*key)
        for start, bucket in buckets.items():
            ports = allocation.at(start)
            if bucket.ceiling is None or not ports or bucket.ceiling >= SATURATED_SHARE * ports:
                return False
    return bool(tables.buckets)


def _query(window: Window, metrics: Tuple[str, ...], interval: int, aggregations: Tuple[str, ...],
           filter_: str) -> Query:
    """A query that starts on a whole multiple of its interval, wherever the service would start to count."""
    start = window.start // interval * interval if interval else window.start
    return Query(metrics, start, window.end, interval, aggregations, filter_, TOP)


def _filter(nodes: Sequence[str] = ('*',), *, frontend: bool = False, protocol: bool = False,
            state: bool = False, ports: bool = False) -> str:
    """The filter for these `nodes`, split by further dimensions; `ports` sets those apart that await removal, which
    would otherwise be averaged in.

    The grammar is that of the REST reference: `A eq 'a' and B eq 'b1' or B eq 'b2' and C eq '*'`, `or` only between
    values of one dimension, without brackets.
    """
    parts = [' or '.join(f"{NODE} eq '{node}'" for node in nodes)]
    parts += [f"{name} eq '*'" for name, split in (
        (PROTOCOL, protocol), (FRONTEND, frontend), (STATE, state), (AWAITING, ports)) if split]
    return ' and '.join(parts)


def _bytes(window: Window, series: int, grain: int, numbers: int) -> int:
    """The size of an answer of so many series at `grain`, with so many numbers in each point."""
    points = max(1, (window.end - window.start) // grain) if grain else 1
    return series * (SERIES_BYTES + points * (POINT_BYTES + (numbers - 1) * NUMBER_BYTES))


def _grain(window: Window, series: int, numbers: int, limit: int) -> int:
    """The finest grain that keeps an answer within `limit` bytes; the coarsest where none does."""
    return next((grain for grain in GRAINS if _bytes(window, series, grain, numbers) <= limit), GRAINS[-1])
