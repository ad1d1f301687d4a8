# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""From series to tables: those of one kind side by side, frontends summed, gaps as gaps.

Ports are per node and protocol, whatever the frontend: the frontends of one node are summed at the same time, and
only then may a maximum be taken (ARCHITECTURE.md, Demand).
"""

from bisect import bisect_left
from functools import partial
from itertools import repeat
from math import fsum, isnan
from typing import Any, Dict, Iterable, Iterator, List, Mapping, Optional, Sequence, Tuple, Type, TypeVar

from ..model.answers import Measurements, Series
from ..model.metrics import ALLOCATED, AVERAGE, CONNECTIONS, FAILED, MAXIMUM, PENDING, TOTAL, USED
from .tables import BOTH, Bucket, Flows, NodeProtocol, Ports, Tables

#: Numbers of a series: the series, which aggregation of it, and how many frontends it stands for.
Column = Tuple[Series, str, int]

T = TypeVar('T')
Record = TypeVar('Record', bound=Tuple[Any, ...])

#: A frontend that lacks a point between two of its own, at most so many intervals apart, had ports all the same: what
#: lies between the two stands in, or the node would seem to have lost them. Ten: at 30 % of points missing, one run in
#: 20,000 is longer.
MENDED_POINTS = 10

#: Closer than this many intervals to its first or last point, nobody can tell a gap from a frontend that came or went.
EDGE_POINTS = 3


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
            _put(tables.bucket_allocated, key, _sum_means(group, interval, frontends))
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
    numbers = series.values.get(aggregation, ())
    pairs = zip(series.minutes, numbers)
    return ((minute, value) for minute, value in pairs if not isnan(value)) if isnan(sum(numbers)) else pairs


def _even(columns: Sequence[Column]) -> Optional[List[Sequence[float]]]:
    """The numbers of each of `columns`, times its share, where all have one at the same minutes, as nearly always; None
    for others, which have to be looked at minute by minute."""
    found: List[Sequence[float]] = []
    for series, aggregation, share in columns:
        numbers = series.values.get(aggregation)
        if numbers is None or isnan(sum(numbers)) or series.minutes != columns[0][0].minutes:
            return None
        found.append(numbers if share == 1 else [value * share for value in numbers])
    return found


def _sums(columns: Sequence[Sequence[float]]) -> Sequence[float]:
    """The sum of each row."""
    return columns[0] if len(columns) == 1 else list(map(fsum, zip(*columns)))


def _records(kind: Type[Record], *columns: Iterable[Any]) -> Iterator[Record]:
    """A named tuple of each row, several times as fast as by a call for each: a week has tens of thousands."""
    return map(partial(tuple.__new__, kind), zip(*columns))


def _sum_minutes(group: Sequence[Series], frontends: int) -> Ports:
    """Ports per minute over all frontends of `group`."""
    # At minute grain a point is one sample: mean and maximum are the same, and either will do.
    columns = [(series, AVERAGE if series.values.get(AVERAGE) else MAXIMUM, _share(series, frontends))
               for series in group]
    even = _even(columns)
    if even is not None:
        return dict(zip(group[0].minutes, _sums(even)))
    return {minute: fsum(values) for minute, values in _side_by_side(columns).items()}


def _side_by_side(columns: Sequence[Column]) -> Dict[int, List[float]]:
    """What each series has at each minute, times its share. A minute that one of them lacks is mended (MENDED_POINTS),
    or left out, as a gap, where nobody can tell (EDGE_POINTS)."""
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
    means, maxima = [(series, AVERAGE, share) for series in group], [(series, MAXIMUM, 1) for series in group]
    even_means, even_maxima = _even(means), _even(maxima)
    if even_means is None or even_maxima is None:
        return _uneven_buckets(_side_by_side(means), _side_by_side(maxima), interval, share)
    mean = _sums(even_means)
    floor = list(map(max, mean, *even_maxima))
    ceiling = map(max, [most * share for most in _sums(even_maxima)], floor)
    return dict(zip(group[0].minutes, _records(Bucket, repeat(interval), mean, floor, ceiling)))


def _uneven_buckets(means: Mapping[int, Sequence[float]], maxima: Mapping[int, Sequence[float]], interval: int,
                    share: int) -> Dict[int, Bucket]:
    """The same where some points or all maxima are missing."""
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


def _sum_means(group: Sequence[Series], interval: int, frontends: int) -> Ports:
    """Means over all frontends of `group`; where there is none, the least that is known."""
    even = _even([(series, AVERAGE, _share(group[0], frontends)) for series in group])
    if even is not None:
        return dict(zip(group[0].minutes, _sums(even)))
    return {start: bucket.mean for start, bucket in _sum_buckets(group, interval, frontends).items()}


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
    found: Dict[Tuple[str, int], Tuple[List[Series], List[Series]]] = {}
    for series in all_series:
        if series.metric == CONNECTIONS and series.node and series.state != PENDING:
            found.setdefault((series.node, series.interval), ([], []))[series.state == FAILED].append(series)
    return [(node, interval, _flows(interval, *both))
            for (node, interval), both in sorted(found.items(), key=lambda item: (item[0][0], -item[0][1]))]


def _flows(interval: int, accepted: Sequence[Series], failed: Sequence[Series]) -> Dict[int, Flows]:
    """Connections by the minute, from the series of all frontends."""
    if len(accepted) == len(failed) == 1:
        even = _even([(series, TOTAL, 1) for series in (*accepted, *failed)])
        if even is not None:
            return dict(zip(accepted[0].minutes, _records(Flows, repeat(interval), *even)))
    return _uneven_flows(interval, _counts(accepted), _counts(failed))


def _counts(all_series: Iterable[Series]) -> Ports:
    """The counts of all of these, by the minute."""
    counts: Ports = {}
    for series in all_series:
        for minute, value in _numbers(series, TOTAL):
            counts[minute] = counts.get(minute, 0) + value
    return counts


def _uneven_flows(interval: int, accepted: Ports, failed: Ports) -> Dict[int, Flows]:
    """An interval without a count of failures has none, unless both beside it have some: then it is a gap."""
    found = {}
    for start in sorted({**accepted, **failed}):
        if start in failed or not (failed.get(start - interval) and failed.get(start + interval)):
            found[start] = Flows(interval, accepted.get(start), failed.get(start, 0.0))
    return found
