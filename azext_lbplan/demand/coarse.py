# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Intervals of an hour or longer that were not read by the minute: of their course no more is known than how high use
went, and how many connections were accepted and failed."""

from math import fsum
from typing import Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence

from ..model.metrics import UDP
from .episodes import Episode, NodeDemand, Peak, highest
from .full import EXPLAINED_SHARE, SATURATED_SHARE, turned_over
from .retries import Retries
from .tables import Bucket, Flows, Inventory, Minutes, NodeTables
from .turnover import accepted_of, blind, estimated


class _Left(NamedTuple):
    """Connections of a coarse interval, less those of the minutes that were read; `covered` where that is all but a few
    gaps, so that the minutes have said what there is to say."""

    flow: Flows
    covered: bool


class _Interval(NamedTuple):
    """A coarse interval that was not read whole: its use, and whether that is `higher` than in all minutes read."""

    start: int
    bucket: Bucket
    peak: Peak
    higher: bool

    @property
    def full(self) -> bool:
        """Whether it had no port left at a use that no minute explains."""
        return self.higher and (self.peak.utilization or 0.0) >= SATURATED_SHARE

    @property
    def ceiling(self) -> float:
        """How high use may have gone: without maxima a mean says nothing about the largest minute."""
        return float('inf') if self.bucket.ceiling is None else self.bucket.ceiling


class _Suspect(NamedTuple):
    """What may explain failures: how full a protocol was, in which interval of its use."""

    fullness: float
    protocol: str
    start: int


def judge_intervals(node: NodeTables, timeout: float, retries: Retries) -> NodeDemand:
    """The coarse points of `node`, as far as no one-minute point says more."""
    left = _left(node)
    blamed = _blamed(node, left)
    failed = fsum(some.flow.failed for some in left.values())
    unexplained = fsum(some.flow.failed for start, some in left.items() if start not in blamed)
    peaks: List[Peak] = []
    calm: List[Peak] = []
    episodes: List[Episode] = []
    ceiling: Optional[float] = None
    for inventory in node.inventories.values():
        accused = {suspect.start for start, suspect in blamed.items()
                   if suspect.protocol == inventory.protocol and not left[start].covered}
        for interval in _unread(node, inventory):
            ceiling = max(ceiling or 0.0, interval.ceiling)
            peaks += [interval.peak] if interval.higher else []
            if (interval.full or interval.start in accused) and not _covered(left, interval.start):
                episodes.append(_episode(node, interval, left, timeout, retries))
            else:
                calm += [interval.peak] if interval.higher else []
    return NodeDemand(highest(*peaks), highest(*calm), tuple(episodes), failed, unexplained, ceiling)


def _covered(left: Mapping[int, _Left], start: int) -> bool:
    return start in left and left[start].covered


def _left(node: NodeTables) -> Dict[int, _Left]:
    """What the minutes leave of each coarse count of connections."""
    minutes = Minutes(node.flows)
    left = {}
    for start, flow in node.bucket_flows.items():
        read = minutes.within(start, flow.minutes)
        left[start] = _Left(_less(flow, [node.flows[minute] for minute in read]), minutes.cover(start, flow.minutes)) \
            if read else _Left(flow, False)
    return left


def _less(flow: Flows, read: Sequence[Flows]) -> Flows:
    accepted = fsum(minute.accepted or 0.0 for minute in read)
    return flow._replace(accepted=None if flow.accepted is None else max(0.0, flow.accepted - accepted),
                         failed=max(0.0, flow.failed - fsum(minute.failed for minute in read)))


def _unread(node: NodeTables, inventory: Inventory) -> Iterator[_Interval]:
    """The coarse intervals of which not every minute was read."""
    minutes = Minutes(inventory.used)
    for start, bucket in inventory.buckets.items():
        read = minutes.within(start, bucket.minutes)
        if len(read) < bucket.minutes:
            seen = max((inventory.used[minute] for minute in read), default=-1.0)
            peak = Peak(bucket.floor, start, node.name, inventory.protocol, inventory.allocation.at(start),
                        bucket.minutes)
            yield _Interval(start, bucket, peak, bucket.floor > seen)


def _blamed(node: NodeTables, left: Mapping[int, _Left]) -> Dict[int, _Suspect]:
    """What explains the failures of each interval that has any and that something explains."""
    found = {}
    for start, some in left.items():
        if some.flow.failed > 0:
            worst = max((suspect for inventory in node.inventories.values()
                         for suspect in _suspects(node, inventory, start, some.flow)), default=None)
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


def _episode(node: NodeTables, interval: _Interval, left: Mapping[int, _Left], timeout: float, retries: Retries
             ) -> Episode:
    """The episode of a coarse interval: no more than that it was full is known of its course."""
    start, end, peak = interval.start, interval.start + interval.bucket.minutes, interval.peak
    sides = [some.flow for at, some in left.items() if at < end and start < at + some.flow.minutes]
    counts = [flow.accepted for flow in sides if flow.accepted is not None]
    accepted, failed, allocated = fsum(counts), fsum(flow.failed for flow in sides), peak.full_at
    most = blind(allocated)
    if counts:
        own = accepted_of(peak.protocol, accepted, _udp_released(node, start, timeout), allocated)
        most = estimated(allocated, own, retries.connections(failed, failed))
    return Episode(peak.node, peak.protocol, start, end, allocated, accepted, failed, *most)


def _udp_released(node: NodeTables, start: int, timeout: float) -> float:
    """The UDP ports that came free in the interval from `start`: port-minutes over the idle timeout."""
    udp = node.udp.buckets.get(start) if node.udp else None
    return udp.mean * udp.minutes / timeout if udp else 0.0
