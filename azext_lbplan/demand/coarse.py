# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Intervals of an hour or longer that were not read by the minute: of their course no more is known than how high use
went, and how many connections were accepted and failed."""

from math import fsum, inf
from typing import Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Set

from ..model.metrics import UDP
from .episodes import Episode, NodeDemand, Peak, highest
from .full import EXPLAINED_SHARE, SATURATED_SHARE, turned_over
from .retries import Retries
from .tables import Bucket, Flows, Inventory, Minutes, NodeTables
from .turnover import accepted_of, blind, estimated


class _Unread(NamedTuple):
    """The coarse intervals of which not every minute was read, by their start: `every` one, and those with a `higher`
    use than in all minutes that were."""

    every: Mapping[int, Bucket]
    higher: Mapping[int, Bucket]


class _Use(NamedTuple):
    """What such intervals show of one protocol: the highest use in all and in those that were not saturated, the use in
    those that were, and how high it may have gone; None for none."""

    peak: Optional[Peak]
    calm: Optional[Peak]
    saturated: Sequence[Peak]
    ceiling: Optional[float]


class _Suspect(NamedTuple):
    """What may explain failures: how full a protocol was, in which interval of its use."""

    fullness: float
    protocol: str
    start: int


class _Counts:
    """The coarse counts of connections, less those of the minutes that were read; looked at only where it matters."""

    def __init__(self, node: NodeTables):
        self._node = node
        self._minutes = Minutes(node.flows)

    def failing(self) -> Dict[int, Flows]:
        """What is left where connections failed, by the start of the interval."""
        return {start: self._left(start, flow) for start, flow in self._node.bucket_flows.items() if flow.failed > 0}

    def during(self, start: int, end: int) -> List[Flows]:
        """What is left of the intervals that have a part in that time."""
        return [self._left(at, flow) for at, flow in self._node.bucket_flows.items()
                if at < end and start < at + flow.minutes]

    def covered(self, start: int) -> bool:
        """Whether all but a few gaps of the interval from `start` was read, so that the minutes have said what there is
        to say."""
        flow = self._node.bucket_flows.get(start)
        return flow is not None and self._minutes.cover(start, flow.minutes)

    def _left(self, start: int, flow: Flows) -> Flows:
        read = [self._node.flows[minute] for minute in self._minutes.within(start, flow.minutes)]
        if not read:
            return flow
        accepted = fsum(minute.accepted or 0.0 for minute in read)
        return flow._replace(accepted=None if flow.accepted is None else max(0.0, flow.accepted - accepted),
                             failed=max(0.0, flow.failed - fsum(minute.failed for minute in read)))


def judge_intervals(node: NodeTables, timeout: float, retries: Retries) -> NodeDemand:
    """The coarse points of `node`, as far as no one-minute point says more."""
    counts = _Counts(node)
    failing = counts.failing()
    blamed = _blamed(node, failing)
    accused: Dict[str, Set[int]] = {}
    for start, suspect in blamed.items():
        if not counts.covered(start):
            accused.setdefault(suspect.protocol, set()).add(suspect.start)
    uses = [_use_of(node.name, inventory, counts, accused.get(protocol, set()))
            for protocol, inventory in node.inventories.items()]
    return NodeDemand(
        highest(*(use.peak for use in uses)), highest(*(use.calm for use in uses)),
        tuple(_episode(node, peak, counts, timeout, retries) for use in uses for peak in use.saturated),
        fsum(flow.failed for flow in failing.values()),
        fsum(flow.failed for start, flow in failing.items() if start not in blamed),
        max((use.ceiling for use in uses if use.ceiling is not None), default=None))


def _use_of(node: str, inventory: Inventory, counts: _Counts, accused: Set[int]) -> _Use:
    """What is left of one protocol of `node`; `accused` are the starts of intervals that explain failures."""
    every, higher = _unread(inventory)
    # Without maxima a mean says nothing about the largest minute.
    ceiling = max((inf if bucket.ceiling is None else bucket.ceiling for bucket in every.values()), default=None)
    peak, suspects = _highest(node, inventory, higher), accused | _full(node, inventory, higher)
    saturated = [start for start in every if start in suspects and not counts.covered(start)] if suspects else []
    calm = _highest(node, inventory, {start: higher[start] for start in higher.keys() - set(saturated)}) \
        if saturated else peak
    return _Use(peak, calm, [_peak(node, inventory, start) for start in saturated], ceiling)


def _unread(inventory: Inventory) -> _Unread:
    """The intervals that the minutes have left."""
    used, buckets = inventory.used, inventory.buckets
    if not used:
        return _Unread(buckets, buckets)
    minutes, every, higher = Minutes(used), {}, {}
    for start, bucket in buckets.items():
        read = minutes.within(start, bucket.minutes)
        if len(read) < bucket.minutes:
            every[start] = bucket
            if bucket.floor > max((used[minute] for minute in read), default=-1.0):
                higher[start] = bucket
    return _Unread(every, higher)


def _full(node: str, inventory: Inventory, higher: Mapping[int, Bucket]) -> Set[int]:
    """The intervals that had no port left at a use that no minute explains."""
    if inventory.allocation.is_above(max((bucket.floor for bucket in higher.values()), default=0.0), SATURATED_SHARE):
        return set()
    return {start for start in higher if (_peak(node, inventory, start).utilization or 0.0) >= SATURATED_SHARE}


def _highest(node: str, inventory: Inventory, buckets: Mapping[int, Bucket]) -> Optional[Peak]:
    """The highest use of these intervals."""
    if not buckets:
        return None
    most = max(bucket.floor for bucket in buckets.values())
    _, start = min((bucket.minutes, start) for start, bucket in buckets.items() if bucket.floor == most)
    return _peak(node, inventory, start)


def _peak(node: str, inventory: Inventory, start: int) -> Peak:
    bucket = inventory.buckets[start]
    return Peak(bucket.floor, start, node, inventory.protocol, inventory.allocation.at(start), bucket.minutes)


def _blamed(node: NodeTables, failing: Mapping[int, Flows]) -> Dict[int, _Suspect]:
    """What explains the failures of each interval of which some are left and that something explains."""
    found = {}
    for start, flow in failing.items():
        if flow.failed > 0:
            worst = max((suspect for inventory in node.inventories.values()
                         for suspect in _suspects(node, inventory, start, flow)), default=None)
            if worst is not None and worst.fullness >= EXPLAINED_SHARE:
                found[start] = worst
    return found


def _suspects(node: NodeTables, inventory: Inventory, start: int, flow: Flows) -> Iterator[_Suspect]:
    """The intervals of the use of one protocol at the time of `flow`."""
    for at, bucket in inventory.buckets.items():
        allocated = inventory.allocation.at(at)
        if allocated and at < start + flow.minutes and start < at + bucket.minutes:
            short = inventory.protocol != UDP and turned_over(node, flow, at)
            yield _Suspect(1.0 if short else bucket.most / allocated, inventory.protocol, at)


def _episode(node: NodeTables, peak: Peak, counts: _Counts, timeout: float, retries: Retries) -> Episode:
    """The episode of a coarse interval: no more than that it was full is known of its course."""
    start, end = peak.minute, peak.minute + peak.minutes
    sides = counts.during(start, end)
    known = [flow.accepted for flow in sides if flow.accepted is not None]
    accepted, failed, allocated = fsum(known), fsum(flow.failed for flow in sides), peak.full_at
    most = blind(allocated)
    if known:
        own = accepted_of(peak.protocol, accepted, _udp_released(node, start, timeout), allocated)
        most = estimated(allocated, own, retries.connections(failed, failed))
    return Episode(peak.node, peak.protocol, start, end, allocated, accepted, failed, *most)


def _udp_released(node: NodeTables, start: int, timeout: float) -> float:
    """The UDP ports that came free in the interval from `start`: port-minutes over the idle timeout."""
    udp = node.udp.buckets.get(start) if node.udp else None
    return udp.mean * udp.minutes / timeout if udp else 0.0
