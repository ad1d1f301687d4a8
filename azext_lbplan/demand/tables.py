# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What was measured, by node and protocol and then by minute, one-minute points apart from coarse ones.

A coarse point is an interval of which only the mean and the largest minute are known; with several frontends the
largest minutes need not coincide, so that the node's own largest minute lies between a floor and a ceiling.
"""

from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field
from functools import cached_property
from typing import Dict, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from ..model.metrics import TCP, UDP

#: A node and a protocol: what has an allocation of its own.
NodeProtocol = Tuple[str, str]

#: Ports by minute.
Ports = Dict[int, float]

#: Stands for the protocol where the answers are not split by it: both together, an upper bound for each.
BOTH = 'TCP+UDP'

#: Minutes.
HOUR = 60
DAY = 24 * HOUR


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
class Tables:
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

    def node(self, name: str) -> 'NodeTables':
        """All that was measured of one node."""
        inventories = {protocol: Inventory(protocol, self.used.get((name, protocol), {}),
                                           self.buckets.get((name, protocol), {}), self.allocation(name, protocol))
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
        return self._protocols.get(node, ())

    @cached_property
    def _protocols(self) -> Mapping[str, Tuple[str, ...]]:
        found: Dict[str, Tuple[str, ...]] = {}
        for node, protocol in sorted({*self.used, *self.buckets}):
            found[node] = found.get(node, ()) + (protocol,)
        return found

    def allocation(self, node: str, protocol: str) -> 'Allocation':
        """What `node` had of `protocol`, made once."""
        key = (node, protocol)
        if key not in self._allocations:
            self._allocations[key] = Allocation(self.allocated.get(key, {}), self.bucket_allocated.get(key, {}))
        return self._allocations[key]

    @cached_property
    def _allocations(self) -> Dict[NodeProtocol, 'Allocation']:
        return {}


class Allocation:
    """The allocation of one node and protocol at any minute: that minute's own, else the last known before it."""

    def __init__(self, fine: Ports, coarse: Ports):
        self._fine = fine
        known = {**coarse, **fine}
        self._minutes = sorted(known)
        self._ports = [known[minute] for minute in self._minutes]

    def at(self, minute: int) -> Optional[float]:
        """Ports allocated at `minute`; before the first known value that one; None when nothing was measured."""
        if minute in self._fine:
            return self._fine[minute]
        if not self._ports:
            return None
        return self._ports[max(0, bisect_right(self._minutes, minute) - 1)]

    def is_above(self, ports: float, share: float) -> bool:
        """Whether that `share` of what was allocated is more than so many `ports` at all times; where nothing was, they
        are no share of it."""
        least = min(filter(None, self._ports), default=None)
        return least is None or ports / least < share

    @property
    def last(self) -> Optional[Tuple[int, float]]:
        """The latest known minute and its ports."""
        return (self._minutes[-1], self._ports[-1]) if self._ports else None


class Inventory(NamedTuple):
    """The ports of one protocol on one node: in use by minute and over coarse intervals, and allocated."""

    protocol: str
    used: Ports
    buckets: Mapping[int, Bucket]
    allocation: Allocation


class NodeTables(NamedTuple):
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

    def outside(self, spans: Mapping[int, int]) -> List[int]:
        """Those that lie in none of `spans`, {start: length}, which ascend."""
        found: List[int] = []
        after = 0
        for start, length in spans.items():
            found += self._order[after:bisect_left(self._order, start)]
            after = bisect_left(self._order, start + length)
        return found + self._order[after:]

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
        coarse = sorted(start for start, length in spans.items() if length > 1)
        spans.update(dict.fromkeys(Minutes(minutes).outside({start: spans[start] for start in coarse}), 1))
    return seen
