# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""How much was seen, what is usual, and the busiest minute of the whole cluster."""

from bisect import bisect_right
from collections import Counter
from math import fsum
from typing import Dict, List, NamedTuple, Sequence, Tuple

from .tables import Minutes, Tables, observed_minutes

#: A node whose last report is older than this many minutes at the end of the window has gone. One coarse interval
#: of six hours may end that much before the window does, and metrics arrive a few minutes late.
GONE_MINUTES = 6 * 60 + 10


class Coverage(NamedTuple):
    """`minutes`: the time in which any node reported. `share`: of the time from the first report to the end of the
    window, and of each node's own life, both 0 to 1 and multiplied. `minute_grain`: the share of the nodes' reported
    time that was read minute by minute. `gone`: nodes that had stopped reporting before the end."""

    minutes: int
    share: float
    minute_grain: float
    gone: int


class ClusterPeak(NamedTuple):
    """The busiest minute of all nodes together, of the larger protocol; an upper bound unless `exact`."""

    ports: float
    minute: int
    exact: bool


def cover(tables: Tables, end: int) -> Coverage:
    """How much of the time up to `end` was seen."""
    lives: List[Tuple[int, int, int]] = []
    together: Dict[int, int] = {}
    for spans in observed_minutes(tables).values():
        first, last = min(spans), max(start + length for start, length in spans.items())
        lives.append((first, last, sum(spans.values())))
        for start, length in spans.items():
            together[start] = max(length, together.get(start, 0))
    minutes = _union(together)
    reported = sum(seen for _, _, seen in lives)
    lived = sum(last - first for first, last, _ in lives)
    whole = max(1, end - min(first for first, _, _ in lives))
    fine: Dict[str, set] = {}
    for (node, _), points in tables.used.items():
        fine.setdefault(node, set()).update(points)
    return Coverage(minutes, min(1.0, minutes / whole) * min(1.0, reported / max(1, lived)),
                    min(1.0, sum(len(points) for points in fine.values()) / max(1, reported)),
                    sum(last < end - GONE_MINUTES for _, last, _ in lives))


def _union(spans):
    """Minutes that lie in any of `spans`, {start: length}."""
    total, reached = 0, None
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
    weights: Dict[float, int] = Counter()
    for node in tables.nodes:
        fine: Dict[int, float] = {}
        coarse: Dict[int, Tuple[float, int]] = {}
        for protocol in tables.protocols(node):
            for minute, ports in tables.used.get((node, protocol), {}).items():
                if ports >= fine.get(minute, 0):
                    fine[minute] = ports
            for start, bucket in tables.buckets.get((node, protocol), {}).items():
                coarse[start] = max((bucket.mean, bucket.minutes), coarse.get(start, (0, 0)))
        weights.update(fine.values())
        minutes = Minutes(fine)
        for start, (ports, length) in coarse.items():
            weights[ports] += length - len(minutes.within(start, length))
    order = sorted(weights)
    reached: List[int] = []
    for ports in order:
        reached.append((reached[-1] if reached else 0) + weights[ports])
    return [order[min(len(order) - 1, bisect_right(reached, share * reached[-1]))] for share in shares]


def cluster_peak(tables: Tables) -> ClusterPeak:
    """The highest sum over all nodes at one time: exact where every node was read by the minute at that time.

    A node that was not counts with the largest minute of the interval around, so that the sum is not too small;
    where only means were served it may be, and is never called exact.
    """
    found: List[ClusterPeak] = []
    bounded = True
    for protocol in sorted({name for _, name in [*tables.used, *tables.buckets]}):
        fine = {node: points for (node, name), points in tables.used.items() if name == protocol}
        coarse = {node: points for (node, name), points in tables.buckets.items() if name == protocol}
        minutes = {node: Minutes(fine.get(node, ())) for node in coarse}
        for start in sorted(set().union(*coarse.values())):
            buckets = {node: points[start] for node, points in coarse.items() if start in points}
            rough = {node: bucket for node, bucket in buckets.items()
                     if len(minutes[node].within(start, bucket.minutes)) < bucket.minutes}
            bounded = bounded and all(bucket.ceiling is not None for bucket in rough.values())
            found.append(_peak_between(fine, buckets, rough, start))
        if not coarse:
            found.append(_peak_of_minutes(fine))
    best = max(found, key=lambda peak: (peak.ports, -peak.minute))
    return best._replace(exact=best.exact and bounded)


def _peak_of_minutes(fine):
    """The largest total of nodes of which nothing but minutes is known."""
    totals: Dict[int, float] = {}
    for points in fine.values():
        for minute, ports in points.items():
            totals[minute] = totals.get(minute, 0) + ports
    return max((ClusterPeak(ports, minute, True) for minute, ports in totals.items()),
               key=lambda peak: (peak.ports, -peak.minute))


def _peak_between(fine, buckets, rough, start):
    """The largest total of the interval from `start`: by the minute, and for the `rough` nodes by the interval."""
    totals = [0.0] * max(bucket.minutes for bucket in buckets.values())
    for node, bucket in buckets.items():
        if node not in rough:
            for offset in range(bucket.minutes):
                totals[offset] += fine[node][start + offset]
    ports, offset = max((total, -offset) for offset, total in enumerate(totals))
    exact = all(bucket.most == 0 for bucket in rough.values())
    return ClusterPeak(ports + fsum(bucket.most for bucket in rough.values()), start - offset, exact)
