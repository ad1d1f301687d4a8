# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""How much was seen, what is usual, and the busiest minute of the whole cluster."""

from bisect import bisect_right
from collections import Counter
from itertools import accumulate
from math import fsum
from operator import add
from typing import Dict, FrozenSet, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from .tables import DAY, Bucket, Minutes, Ports, Tables, beside, observed_minutes

#: A node whose last report is older than this many minutes at the end of the window has gone. One coarse interval
#: of six hours may end that much before the window does, and metrics arrive a few minutes late.
GONE_MINUTES = 6 * 60 + 10


class Coverage(NamedTuple):
    """`minutes`: the time in which any node reported; `days`: on how many days (UTC) that may have been. `share`: of
    the time from the first report to the end of the window, and of each node's own life, both 0 to 1 and multiplied.
    `minute_grain`: the share of the nodes' reported time that was read minute by minute. `gone`: nodes that had stopped
    reporting before the end. `nodes`: the most that reported at one time; in dual-stack each node is seen twice and
    counts once."""

    minutes: int
    days: int
    share: float
    minute_grain: float
    gone: FrozenSet[str]
    nodes: int


class Life(NamedTuple):
    """The reports of one node: the minute of the first, the end of the last, the minute in which that began, and the
    minutes that all of them cover."""

    first: int
    end: int
    last: int
    seen: int


class ClusterPeak(NamedTuple):
    """The busiest minute of all nodes together, of the larger protocol; an upper bound unless `exact`."""

    ports: float
    minute: int
    exact: bool


def cover(tables: Tables, end: int) -> Coverage:
    """How much of the time up to `end` was seen."""
    spans_of = observed_minutes(tables)
    lives = {node: _life(spans) for node, spans in spans_of.items()}
    minutes = _union(_together(spans_of.values()))
    reported = sum(life.seen for life in lives.values())
    lived = sum(life.end - life.first for life in lives.values())
    first, last = min(life.first for life in lives.values()), max(life.end for life in lives.values())
    ipv4 = [life for node, life in lives.items() if ':' not in node]
    return Coverage(minutes, (last - 1) // DAY - first // DAY + 1,
                    min(1.0, minutes / max(1, end - first)) * min(1.0, reported / max(1, lived)),
                    min(1.0, _minutes_read(tables) / max(1, reported)),
                    frozenset(node for node, life in lives.items() if life.end < end - GONE_MINUTES),
                    _at_once(ipv4 or lives.values()))


def _together(all_spans: Iterable[Mapping[int, int]]) -> Dict[int, int]:
    """The spans in which any node reported."""
    together: Dict[int, int] = {}
    for spans in all_spans:
        for start, length in spans.items():
            together[start] = max(length, together.get(start, 0))
    return together


def _minutes_read(tables: Tables) -> int:
    """Node-minutes that were read one by one."""
    fine: Dict[str, Set[int]] = {}
    for (node, _), points in tables.used.items():
        fine.setdefault(node, set()).update(points)
    return sum(len(points) for points in fine.values())


def _life(spans: Mapping[int, int]) -> Life:
    """The life of a node that reported in `spans`, {start: length}."""
    last = max(spans)
    return Life(min(spans), max(start + length for start, length in spans.items()), last, sum(spans.values()))


def _at_once(lives: Iterable[Life]) -> int:
    """The most nodes at one time. Nodes that were replaced are no more nodes; the one that comes may report in the
    coarse interval in which the one that goes does for the last time."""
    steps: List[Tuple[int, int]] = []
    for life in lives:
        steps += [(life.first, 1), (max(life.last, life.first + 1), -1)]
    steps.sort()
    return max(accumulate(step for _, step in steps), default=0)


def _union(spans: Mapping[int, int]) -> int:
    """Minutes that lie in any of `spans`, {start: length}."""
    total = 0
    reached: Optional[int] = None
    for start in sorted(spans):
        end = start + spans[start]
        if reached is None or start >= reached:
            total += spans[start]
        elif end > reached:
            total += end - reached
        reached = end if reached is None else max(reached, end)
    return total


def quantiles(tables: Tables, shares: Sequence[float]) -> List[float]:
    """Ports per node at these shares of all node-minutes, each node with its larger protocol.

    A coarse interval counts with its mean, for the minutes of it that were not read one by one: the minutes that
    were read are those in which much happened, and counting them alone would make every node look busy.
    """
    weights: Dict[float, int] = {}
    for node in tables.nodes:
        fine: Ports = {}
        coarse: Dict[int, Tuple[float, int]] = {}
        for protocol in tables.protocols(node):
            for minute, ports in tables.used.get((node, protocol), {}).items():
                if ports >= fine.get(minute, 0):
                    fine[minute] = ports
            for start, bucket in tables.buckets.get((node, protocol), {}).items():
                coarse[start] = max((bucket.mean, bucket.minutes), coarse.get(start, (0, 0)))
        for ports, count in Counter(fine.values()).items():
            weights[ports] = weights.get(ports, 0) + count
        minutes = Minutes(fine)
        for start, (ports, length) in coarse.items():
            weights[ports] = weights.get(ports, 0) + length - len(minutes.within(start, length))
    order = sorted(weights)
    reached = list(accumulate(weights[ports] for ports in order))
    return [order[min(len(order) - 1, bisect_right(reached, share * reached[-1]))] for share in shares]


def cluster_peak(tables: Tables) -> ClusterPeak:
    """The highest sum over all nodes at one time: exact where every node was read by the minute at that time.

    A node that was not counts with the largest minute of the interval around, so that the sum is not too small;
    where only means were served it may be, and is never called exact.
    """
    peaks: List[ClusterPeak] = []
    bounded = True
    for protocol in sorted({name for _, name in [*tables.used, *tables.buckets]}):
        fine = {node: points for (node, name), points in tables.used.items() if name == protocol}
        coarse = {node: points for (node, name), points in tables.buckets.items() if name == protocol}
        if not coarse:
            peaks.append(_peak_of_minutes(fine))
        for start, buckets, rough in _intervals(fine, coarse):
            bounded = bounded and all(bucket.ceiling is not None for bucket in rough.values())
            peaks.append(_peak_between(fine, buckets, rough, start))
    best = max(peaks, key=_height)
    return best._replace(exact=best.exact and bounded)


def _height(peak: ClusterPeak) -> Tuple[float, int]:
    """The higher peak is greater; of equal ones the earlier."""
    return (peak.ports, -peak.minute)


def _intervals(fine: Mapping[str, Ports], coarse: Mapping[str, Mapping[int, Bucket]]
               ) -> Iterator[Tuple[int, Dict[str, Bucket], Dict[str, Bucket]]]:
    """Each coarse interval: its start, the buckets by node, and those of them that were not read by the minute."""
    minutes = {node: Minutes(points) for node, points in fine.items()}
    for start in sorted(set().union(*coarse.values())):
        buckets = {node: points[start] for node, points in coarse.items() if start in points}
        rough = {node: bucket for node, bucket in buckets.items()
                 if node not in minutes or not minutes[node].cover(start, bucket.minutes)}
        yield start, buckets, rough


def _peak_of_minutes(fine: Mapping[str, Ports]) -> ClusterPeak:
    """The largest total of nodes of which nothing but minutes is known."""
    totals: Ports = {}
    for points in fine.values():
        for minute, ports in points.items():
            totals[minute] = totals.get(minute, 0) + ports
    return max((ClusterPeak(ports, minute, True) for minute, ports in totals.items()), key=_height)


def _peak_between(fine: Mapping[str, Ports], buckets: Mapping[str, Bucket], rough: Mapping[str, Bucket], start: int
                  ) -> ClusterPeak:
    """The largest total of the interval from `start`: by the minute, and for the `rough` nodes by the interval."""
    totals = [0.0] * max(bucket.minutes for bucket in buckets.values())
    exact = all(bucket.most == 0 for bucket in rough.values())
    for node, bucket in buckets.items():
        if node not in rough:
            points, minutes = fine[node], range(start, start + bucket.minutes)
            used = [points[minute] for minute in minutes if minute in points]
            if len(used) < bucket.minutes:
                exact, used = False, [_at_most(points, minute, bucket) for minute in minutes]
            totals[:bucket.minutes] = map(add, totals, used)
    ports = max(totals)
    return ClusterPeak(ports + fsum(bucket.most for bucket in rough.values()), start + totals.index(ports), exact)


def _at_most(points: Ports, minute: int, bucket: Bucket) -> float:
    """What a node used in a minute of an interval that was read; in a long gap what it used in the interval."""
    ports = beside(points, minute)
    return bucket.most if ports is None else ports
