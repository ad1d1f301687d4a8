# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Series of one kind side by side: per node and protocol, frontends summed, one-minute points apart from coarse ones.

Ports are per node and protocol, whatever the frontend: the frontends of one node are summed at the same time, and
only then may a maximum be taken (design section 4). A coarse point is an interval of which only the mean and the
largest minute are known; with several frontends the largest minutes need not coincide, so that the node's own
largest minute lies between a floor and a ceiling.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from math import fsum, isnan
from typing import Dict, Iterable, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from ..model import metrics
from ..model.metrics import ALLOCATED, AVERAGE, CONNECTIONS, FAILED, MAXIMUM, TOTAL, USED

#: Stands for the protocol where the answers are not split by it: both together, an upper bound for each.
BOTH = 'TCP+UDP'


class Bucket(NamedTuple):
    """The use of one node and protocol over a coarse interval: ports, the length in minutes.

    `mean` over the interval; the busiest minute is at least `floor` and at most `ceiling`, which is None where
    only means were served. One frontend and maxima: floor equals ceiling.
    """

    minutes: int
    mean: float
    floor: float
    ceiling: Optional[float]

    @property
    def most(self):
        """The best guess of how high the use may have gone."""
        return self.floor if self.ceiling is None else self.ceiling


class Flows(NamedTuple):
    """New connections of one node over an interval: the length in minutes, accepted and failed connections."""

    minutes: int
    accepted: float
    failed: float


@dataclass(frozen=True)
class Tables:  # pylint: disable=too-many-instance-attributes  # a record
    """All that was measured, by node (and protocol) and then by minute. Nothing there: a gap.

    used, allocated: ports per minute, from one-minute points. flows: connections per minute.
    buckets, bucket_allocated, bucket_flows: the same from coarser points, by the first minute of the interval.
    arrivals: all new connections over intervals that are finer than bucket_flows, where they were asked for.
    """

    used: Dict[Tuple[str, str], Dict[int, float]] = field(default_factory=dict)
    allocated: Dict[Tuple[str, str], Dict[int, float]] = field(default_factory=dict)
    flows: Dict[str, Dict[int, Flows]] = field(default_factory=dict)
    buckets: Dict[Tuple[str, str], Dict[int, Bucket]] = field(default_factory=dict)
    bucket_allocated: Dict[Tuple[str, str], Dict[int, float]] = field(default_factory=dict)
    bucket_flows: Dict[str, Dict[int, Flows]] = field(default_factory=dict)
    arrivals: Dict[str, Dict[int, Flows]] = field(default_factory=dict)

    _protocols: Dict[str, Tuple[str, ...]] = field(default_factory=dict, repr=False, compare=False)

    @property
    def nodes(self) -> Tuple[str, ...]:
        """Every node that was seen, those that have gone in the meantime included."""
        return tuple(sorted({node for node, _ in self.used} | {node for node, _ in self.buckets}
                            | {node for node, _ in self.allocated} | {node for node, _ in self.bucket_allocated}
                            | set(self.flows) | set(self.bucket_flows)))

    def protocols(self, node) -> Tuple[str, ...]:
        """The protocols that `node` was seen to use."""
        if not self._protocols:
            for one, name in sorted({*self.used, *self.buckets}):
                self._protocols[one] = self._protocols.get(one, ()) + (name,)
        return self._protocols.get(node, ())


def tabulate(measured: metrics.Measurements) -> Tables:
    """The tables of `measured`."""
    frontends = {one.frontend for one in measured.series if one.frontend}
    tables = Tables()
    for kind, fine, coarse in ((USED, tables.used, tables.buckets),
                               (ALLOCATED, tables.allocated, tables.bucket_allocated)):
        for (node, protocol, interval), group in _groups(measured, kind):
            key = (node, protocol)
            points = _sum_minutes(group, len(frontends)) if interval == 1 else \
                _sum_buckets(group, interval, len(frontends))
            if kind == ALLOCATED and interval > 1:
                points = {start: bucket.mean for start, bucket in points.items()}
            if points:
                (fine if interval == 1 else coarse)[key] = points
    _tabulate_connections(measured, tables)
    return tables


def _groups(measured, kind):
    """The series of `kind` by node, protocol and interval. Where a node is split by protocol, the rest is left out."""
    groups: Dict[Tuple[str, str, int], list] = {}
    for one in measured.series:
        if one.metric == kind and one.node:
            groups.setdefault((one.node, one.protocol or BOTH, one.interval), []).append(one)
    split = {(node, interval) for node, protocol, interval in groups if protocol != BOTH}
    # The finest of the coarse intervals comes last, and takes the place of the others.
    for key, group in sorted(groups.items(), key=lambda item: (item[0][:2], -item[0][2])):
        if key[1] != BOTH or (key[0], key[2]) not in split:
            yield key, [one for one in group if one.frontend] or group


def _sum_minutes(group, frontends):
    """Ports per minute over all frontends of `group`; a minute that one frontend lacks is the sum of the others."""
    total: Dict[int, float] = {}
    for one in group:
        # At minute grain a point is one sample: mean and maximum are the same, and either will do.
        points = one.values.get(AVERAGE) or one.values.get(MAXIMUM)
        share = frontends if not one.frontend and frontends > 1 else 1
        for minute, value in zip(one.minutes, points or ()):
            if not isnan(value):
                total[minute] = total.get(minute, 0) + value * share
    return total


def _sum_buckets(group, interval, frontends):
    """Buckets over all frontends of `group`.

    Series that were not split by frontend hold the mean and the maximum over frontends: their mean times the number
    of frontends is the node's mean.
    """
    share = frontends if not group[0].frontend and frontends > 1 else 1
    means: Dict[int, list] = {}
    tops: Dict[int, list] = {}
    for one in group:
        for name, kept in ((AVERAGE, means), (MAXIMUM, tops)):
            for minute, value in zip(one.minutes, one.values.get(name, ())):
                if not isnan(value):
                    kept.setdefault(minute, []).append(value * share if name == AVERAGE else value)
    buckets = {}
    for minute in sorted(set(means) | set(tops)):
        highest = max(tops.get(minute, (0,)))
        mean = fsum(means[minute]) if minute in means else 0.0
        ceiling = fsum(tops[minute]) * share if minute in tops else None
        floor = max(mean, highest)
        buckets[minute] = Bucket(interval, mean if minute in means else floor, floor,
                                 None if ceiling is None else max(ceiling, floor))
    return buckets


def _tabulate_connections(measured, tables):
    """Connections by node, for each length of interval: those split by state, and finer ones that are not."""
    found: Dict[Tuple[str, int], Dict[int, list]] = {}
    plain: Dict[Tuple[str, int], Dict[int, list]] = {}
    for one in measured.series:
        if one.metric != CONNECTIONS or not one.node:
            continue
        rows = (found if one.state else plain).setdefault((one.node, one.interval), {})
        side = 1 if one.state == FAILED else 0
        for minute, value in zip(one.minutes, one.values.get(TOTAL, ())):
            if not isnan(value):
                rows.setdefault(minute, [0, 0])[side] += value
    for rows, fine, coarse in ((plain, tables.arrivals, tables.arrivals), (found, tables.flows, tables.bucket_flows)):
        for (node, interval), points in sorted(rows.items(), key=lambda item: (item[0][0], -item[0][1])):
            target = fine if interval == 1 else coarse
            target[node] = {start: Flows(interval, *points[start]) for start in sorted(points)}


class Allocation:
    """The allocation of one node and protocol at any minute: that minute's own, else the last known before it."""

    def __init__(self, tables: Tables, node: str, protocol: str):
        self._fine: Mapping[int, float] = tables.allocated.get((node, protocol), {})
        coarse = tables.bucket_allocated.get((node, protocol), {})
        known = sorted({**coarse, **self._fine}.items())
        self._minutes = [minute for minute, _ in known]
        self._ports = [ports for _, ports in known]

    def at(self, minute: int) -> Optional[float]:
        """Ports allocated at `minute`; before the first known value that one; None when nothing was measured."""
        if minute in self._fine:
            return self._fine[minute]
        if not self._ports:
            return None
        return self._ports[max(0, bisect_right(self._minutes, minute) - 1)]

    @property
    def last(self) -> Optional[Tuple[int, float]]:
        """The latest known minute and its ports."""
        return (self._minutes[-1], self._ports[-1]) if self._ports else None


class Minutes:  # pylint: disable=too-few-public-methods  # sorted once, then asked for every interval
    """The one-minute points of a node in order of time."""

    def __init__(self, points: Iterable[int]):
        self._order = sorted(points)

    def within(self, start: int, length: int) -> Sequence[int]:
        """Those that lie in the interval of `length` minutes from `start`."""
        return self._order[bisect_left(self._order, start):bisect_left(self._order, start + length)]


def observed_minutes(tables: Tables, nodes: Optional[Set[str]] = None) -> Dict[str, Dict[int, int]]:
    """For each node the intervals in which its use was reported, as {first minute: length}; none overlaps another."""
    seen: Dict[str, Dict[int, int]] = {}
    for (node, _), buckets in tables.buckets.items():
        if nodes is None or node in nodes:
            seen.setdefault(node, {}).update((start, bucket.minutes) for start, bucket in buckets.items())
    for (node, _), minutes in tables.used.items():
        if nodes is not None and node not in nodes:
            continue
        spans = seen.setdefault(node, {})
        starts = sorted(start for start, length in spans.items() if length > 1)
        for minute in minutes:
            at = bisect_right(starts, minute) - 1
            if at < 0 or minute >= starts[at] + spans[starts[at]]:
                spans[minute] = 1
    return seen
