# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Which nodes refused connections, how many, and when first and last; and whether there were any connections at all."""

from typing import Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..model.answers import Answer, parse
from ..model.metrics import CONNECTIONS, FAILED, TOTAL, timestamp


class NodeFailures(NamedTuple):
    """Failed connections of one node; `first` and `last` are the times (ISO) of the first and the last interval."""

    node: str
    failed: int
    first: str
    last: str


def failures(answers: Iterable[Answer]) -> Tuple[NodeFailures, ...]:
    """The nodes with failed connections in `answers` of both passes, the worst first."""
    totals: Dict[str, Dict[int, float]] = {}
    minutes: Dict[str, Dict[int, List[int]]] = {}
    for series in parse(answers, (CONNECTIONS,)).series:
        if series.state != FAILED or not series.node:
            continue
        # The grains tell of the same connections: frontends are added up within a grain, never across.
        grains, times = totals.setdefault(series.node, {}), minutes.setdefault(series.node, {})
        for minute, value in zip(series.minutes, series.values.get(TOTAL, ())):
            if value > 0:
                grains[series.interval] = grains.get(series.interval, 0) + value
                times.setdefault(series.interval, []).append(minute)
    found = [_of_node(node, grains, minutes[node]) for node, grains in totals.items() if grains]
    return tuple(sorted(found, key=lambda node: (-node.failed, node.node)))


def hours_without_connections(answers: Iterable[Answer]) -> Optional[float]:
    """The hours in which connections were counted, where all counts are 0; None where there are others, or none."""
    counted = [series for series in parse(answers, (CONNECTIONS,)).series if TOTAL in series.values]
    if not counted or any(any(series.values[TOTAL]) for series in counted):
        return None
    first = min(series.minutes[0] for series in counted)
    last, interval = max((series.minutes[-1], series.interval) for series in counted)
    return (last + interval - first) / 60


def _of_node(node: str, grains: Mapping[int, float], minutes: Mapping[int, Sequence[int]]) -> NodeFailures:
    """The coarse pass covers all of the time and has the count; the finest grain that saw any has the times."""
    finest = minutes[min(minutes)]
    return NodeFailures(node, round(max(grains.values())), timestamp(min(finest)), timestamp(max(finest)))
