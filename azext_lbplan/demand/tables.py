# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Series of one kind side by side: per node and protocol, frontends summed, one-minute points apart from coarse ones.

Ports are per node and protocol, whatever the frontend: the frontends of one node are summed at the same time, and
only then may a maximum be taken (ARCHITECTURE.md, Demand). A coarse point is an interval of which only the mean and the
largest minute are known; with several frontends the largest minutes need not coincide, so that the node's own
largest minute lies between a floor and a ceiling.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from math import fsum, isnan
from typing import Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple, TypeVar

from ..model.answers import Measurements, Series
from ..model.metrics import ALLOCATED, AVERAGE, CONNECTIONS, FAILED, MAXIMUM, PENDING, TCP, TOTAL, UDP, USED

#: A node and a protocol: what has an allocation of its own.
NodeProtocol = Tuple[str, str]

#: Ports by minute.
Ports = Dict[int, float]

T = TypeVar('T')

#: A frontend that lacks a point between two of its own, at most so many intervals apart, had ports all the same: what
#: lies between the two stands in, or the node would seem to have lost them. Ten: at 30 % of points missing, one run in
#: 20,000 is longer.
MENDED_POINTS = 10

#: Closer than this many intervals to its first or last point, nobody can tell a gap from a frontend that came or went.
EDGE_POINTS = 3

#: Stands for the protocol where the answers are not split by it: both together, an upper bound for each.
BOTH = 'TCP+UDP'

#: Minutes.
HOUR = 60


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
    def most(self) -> float:
        """The best guess of how high the use may have gone."""
        return self.floor if self.ceiling is None else self.ceiling


class Flows(NamedTuple):
    """New connections of one node over an interval: the length in minutes, accepted and failed connections.

    `accepted` is None where that was not reported, although failures were: how many there were is then unknown.
    """

    minutes: int
    accepted: Optional[float]
    failed: float

    @property
    def tried(self) -> float:
        """All new connections that were told of, refused ones included."""
        return (self.accepted or 0.0) + self.failed


@dataclass(frozen=True)
class Tables:  # pylint: disable=too-many-instance-attributes  # a record
    """All that was measured, by node (and protocol) and then by minute. Nothing there: a gap.

    used, allocated: ports per minute, from one-minute points. flows: connections per minute.
    buckets, bucket_allocated, bucket_flows: the same from coarser points, by the first minute of the interval.
    arrivals: all new connections over intervals that are finer than bucket_flows, where they were asked for.
    """

    used: Dict[NodeProtocol, Ports] = field(default_factory=dict)
    allocated: Dict[NodeProtocol, Ports] = field(default_factory=dict)
    flows: Dict[str, Dict[int, Flows]] = field(default_factory=dict)
    buckets: Dict[NodeProtocol, Dict[int, Bucket]] = field(default_factory=dict)
    bucket_allocated: Dict[NodeProtocol, Ports] = field(default_factory=dict)
    bucket_flows: Dict[str, Dict[int, Flows]] = field(default_factory=dict)
    arrivals: Dict[str, Dict[int, Flows]] = field(default_factory=dict)

    _protocols: Dict[str, Tuple[str, ...]] = field(default_factory=dict, repr=False, compare=False)

    def node(self, name: str) -> 'NodeTables':
        """All that was measured of one node."""
        inventories = {protocol: Inventory(protocol, self.used.get((name, protocol), {}),
                                           self.buckets.get((name, protocol), {}), Allocation(self, name, protocol))
                       for protocol in self.protocols(name)}
        return NodeTables(name, inventories, self.flows.get(name, {}), self.bucket_flows.get(name, {}))

    @property
    def nodes(self) -> Tuple[str, ...]:
        """Every node that was seen, those that have gone in the meantime included."""
        return tuple(sorted({node for node, _ in self.used} | {node for node, _ in self.buckets}
                            | {node for node, _ in self.allocated} | {node for node, _ in self.bucket_allocated}
                            | set(self.flows) | set(self.bucket_flows)))

    def protocols(self, node: str) -> Tuple[str, ...]:
        """The protocols that `node` was seen to use."""
        if not self._protocols:
            for seen, protocol in sorted({*self.used, *self.buckets}):
                self._protocols[seen] = self._protocols.get(seen, ()) + (protocol,)
        return self._protocols.get(node, ())


def tabulate(measured: Measurements) -> Tables:
    """The tables of `measured`."""
    frontends = len({series.frontend for series in measured.series if series.frontend})
    tables = Tables()
    for key, interval, group in _groups(measured, USED):
        if interval == 1:
            _put(tables.used, key, _sum_minutes(group, frontends))
        else:
            _put(tables.buckets, key, _sum_buckets(group, interval, frontends))
    for key, interval, group in _groups(measured, ALLOCATED):
        if interval == 1:
            _put(tables.allocated, key, _sum_minutes(group, frontends))
        else:
            buckets = _sum_buckets(group, interval, frontends)
            _put(tables.bucket_allocated, key, {start: bucket.mean for start, bucket in buckets.items()})
    _tabulate_connections(measured, tables)
    return tables


def _put(table: Dict[NodeProtocol, Dict[int, T]], key: NodeProtocol, points: Dict[int, T]) -> None:
    if points:
        table[key] = points


def _groups(measured: Measurements, metric: str) -> Iterator[Tuple[NodeProtocol, int, List[Series]]]:
    """The series of `metric` by node, protocol and interval; where a node is split by protocol, only those that are."""
    groups: Dict[Tuple[str, str, int], List[Series]] = {}
    for series in measured.series:
        if series.metric == metric and series.node:
            groups.setdefault((series.node, series.protocol or BOTH, series.interval), []).append(series)
    split = {(node, interval) for node, protocol, interval in groups if protocol != BOTH}
    # The finest of the coarse intervals comes last, and takes the place of the others.
    for (node, protocol, interval), group in sorted(groups.items(), key=lambda item: (item[0][:2], -item[0][2])):
        if protocol != BOTH or (node, interval) not in split:
            yield (node, protocol), interval, [series for series in group if series.frontend] or group


def _share(series: Series, frontends: int) -> int:
    """How many frontends a series stands for: without a split by frontend it has their mean, and their maximum."""
    return frontends if not series.frontend and frontends > 1 else 1


def _numbers(series: Series, aggregation: str) -> Iterable[Tuple[int, float]]:
    """The minutes of a series that have that aggregation, with it."""
    pairs = zip(series.minutes, series.values.get(aggregation, ()))
    return pairs if len(series.values) == 1 else ((minute, value) for minute, value in pairs if not isnan(value))


def _sum_minutes(group: Sequence[Series], frontends: int) -> Ports:
    """Ports per minute over all frontends of `group`."""
    # At minute grain a point is one sample: mean and maximum are the same, and either will do.
    return {minute: fsum(values) for minute, values in _side_by_side(
        [(series, AVERAGE if series.values.get(AVERAGE) else MAXIMUM, _share(series, frontends))
         for series in group]).items()}


def _side_by_side(columns: Sequence[Tuple[Series, str, int]]) -> Dict[int, List[float]]:
    """What each series has at each minute, times its share: (series, aggregation, share). A minute that one of them
    lacks is mended (MENDED_POINTS), or left out, as a gap, where nobody can tell (EDGE_POINTS)."""
    if len(columns) == 1:  # most clusters have one outbound IP, or one frontend for all
        (series, aggregation, share), = columns
        return {minute: [value * share] for minute, value in _numbers(series, aggregation)}
    found: Dict[int, List[float]] = {}
    for series, aggregation, share in columns:
        for minute, value in _numbers(series, aggregation):
            found.setdefault(minute, []).append(value * share)
    if any(len(values) < len(columns) for values in found.values()):
        for series, aggregation, share in columns:
            _mend(found, dict(_numbers(series, aggregation)), series.interval, share)
    return found


def _mend(found: Dict[int, List[float]], points: Ports, step: int, share: int) -> None:
    """Add to `found` what one series lacks, and drop the minutes in which it may have had something or not."""
    known = sorted(points)
    for minute in [at for at in found if at not in points] if known else ():
        after = bisect_left(known, minute)
        ends = known[max(0, after - 1):after + 1]
        if len(ends) == 2 and ends[0] < minute < ends[1] and ends[1] - ends[0] <= MENDED_POINTS * step:
            found[minute].append(share * _between(points, ends[0], ends[1], minute))
        elif min(abs(minute - end) for end in ends) <= EDGE_POINTS * step:
            del found[minute]


def _between(points: Ports, left: int, right: int, minute: int) -> float:
    """What lies on the straight line between two points."""
    return points[left] + (points[right] - points[left]) * (minute - left) / (right - left)


def _sum_buckets(group: Sequence[Series], interval: int, frontends: int) -> Dict[int, Bucket]:
    """Buckets over all frontends of `group`: the mean of a node is the sum of the means of its frontends."""
    share = _share(group[0], frontends)
    means = _side_by_side([(series, AVERAGE, share) for series in group])
    maxima = _side_by_side([(series, MAXIMUM, 1) for series in group])
    if not maxima:
        totals = sorted(zip(means, map(fsum, means.values())))
        return {minute: Bucket(interval, mean, mean, None) for minute, mean in totals}
    buckets = {}
    for minute in sorted(means.keys() | maxima.keys()):
        mean, most = fsum(means.get(minute, ())), maxima.get(minute)
        floor = max(mean, *most) if most else mean
        ceiling = max(fsum(most) * share, floor) if most else None
        buckets[minute] = Bucket(interval, mean if minute in means else floor, floor, ceiling)
    return buckets


def _tabulate_connections(measured: Measurements, tables: Tables) -> None:
    """Connections by node, for each length of interval: those split by state, and finer ones that are not."""
    by_state = _connections(series for series in measured.series if series.state)
    undivided = _connections(series for series in measured.series if not series.state)
    for node, interval, flows in by_state:
        (tables.flows if interval == 1 else tables.bucket_flows)[node] = flows
    for node, _, flows in undivided:
        tables.arrivals[node] = flows


def _connections(all_series: Iterable[Series]) -> List[Tuple[str, int, Dict[int, Flows]]]:
    """(node, interval, connections): the coarsest interval of each node first."""
    counts: Dict[Tuple[str, int], Tuple[Ports, Ports]] = {}
    for series in all_series:
        if series.metric == CONNECTIONS and series.node and series.state != PENDING:
            column = counts.setdefault((series.node, series.interval), ({}, {}))[series.state == FAILED]
            if column:  # of another frontend
                for minute, value in _numbers(series, TOTAL):
                    column[minute] = column.get(minute, 0) + value
            else:
                column.update(_numbers(series, TOTAL))
    return [(node, interval, _flows(interval, *columns))
            for (node, interval), columns in sorted(counts.items(), key=lambda item: (item[0][0], -item[0][1]))]


def _flows(interval: int, accepted: Mapping[int, float], failed: Mapping[int, float]) -> Dict[int, Flows]:
    """Connections by the minute. An interval without a count of failures has none, unless both beside it have some:
    then it is a gap."""
    if accepted.keys() == failed.keys():  # as nearly always
        return {start: Flows(interval, count, failed[start]) for start, count in sorted(accepted.items())}
    found = {}
    for start in sorted({**accepted, **failed}):
        if start in failed or not (failed.get(start - interval) and failed.get(start + interval)):
            found[start] = Flows(interval, accepted.get(start), failed.get(start, 0.0))
    return found


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


@dataclass(frozen=True)
class Inventory:
    """The ports of one protocol on one node: in use by minute and over coarse intervals, and allocated."""

    protocol: str
    used: Ports
    buckets: Mapping[int, Bucket]
    allocation: Allocation


@dataclass(frozen=True)
class NodeTables:
    """One node: its inventories by protocol, its new connections by minute and over coarse intervals."""

    name: str
    inventories: Mapping[str, Inventory]
    flows: Mapping[int, Flows]
    bucket_flows: Mapping[int, Flows]

    @property
    def udp(self) -> Optional[Inventory]:
        """The UDP ports; None where the node has none, or protocols were not told apart."""
        return self.inventories.get(UDP)

    @property
    def tcp(self) -> Optional[Inventory]:
        """The TCP ports, or all of them where protocols were not told apart."""
        return self.inventories.get(TCP) or self.inventories.get(BOTH)


class Minutes:
    """The one-minute points of a node in order of time: sorted once, then asked for every interval."""

    def __init__(self, points: Iterable[int]):
        self._order = sorted(points)

    def within(self, start: int, length: int) -> Sequence[int]:
        """Those that lie in the interval of `length` minutes from `start`."""
        if not self._order or self._order[-1] < start or start + length <= self._order[0]:
            return ()
        return self._order[bisect_left(self._order, start):bisect_left(self._order, start + length)]

    def cover(self, start: int, length: int) -> bool:
        """Whether that interval was read by the minute: half of each hour of it is there, the rest are gaps."""
        return bool(self.within(start, length)) and all(
            2 * len(self.within(at, min(HOUR, start + length - at))) >= min(HOUR, start + length - at)
            for at in range(start, start + length, HOUR))


def beside(points: Ports, minute: int) -> Optional[float]:
    """What `points` say at `minute`; in a gap the most of the two minutes on either side. None where they say nothing.
    """
    if minute in points:
        return points[minute]
    return max((points[at] for at in range(minute - 2, minute + 3) if at in points), default=None)


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
