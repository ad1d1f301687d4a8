# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Minutes at the ceiling: what was used is then a floor, and what was wanted has to be estimated.

New connections are a flow, ports in use a stock: they compare over one turnover, the time in which as many connections
were accepted as there are ports. While all ports are taken, the F connections that are turned away within a turnover
would all still hold a port at its end: `allocated + F` would have carried them. In a steady state this is exact
(a turnover lasts as long as a port is held), for one burst from empty too, and between them it follows demand that
swells and ebbs. The most over all saturated minutes counts. F is counted in connections, not in attempts: retries.py.

Chosen by the backtest (tests/bench, 30 seeds of each workload): the ratio of failed to accepted connections over whole
episodes, `allocated × (1 + F ÷ S)`, gave 0.70 to 1.57 times the true peak of plain workloads and up to 4.9 times that
of incidents with retries. Over a turnover, with attempts counted, it is 0.99 to 1.7 times (1.03 in the median), and on
incidents up to 2.1 times (1.27 in the median): a short incident tells little of how often a connection tries again.

The connection count has no protocol. A UDP port is always held until the idle timeout T (azure-facts section 2), so
that Little's law gives UDP's part of it: ports in use ÷ T per minute. Without that, a node full of UDP beside plenty
of short TCP connections had estimates of half of what it needed (simulated: 1395 ports for a demand of 2400).
"""

from bisect import bisect_left, bisect_right
from itertools import accumulate
from math import fsum
from typing import Collection, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..model.metrics import TCP, UDP
from .retries import NO_RETRIES, Retries
from .tables import BOTH, Allocation, Bucket, Flows, Minutes, Ports, Tables, beside

#: A minute is saturated from this share of its allocation on. Source: ARCHITECTURE.md, Demand.
SATURATED_SHARE = 0.95

#: Failures below this share of the allocation have another cause than ports. Source: ARCHITECTURE.md, Demand.
EXPLAINED_SHARE = 0.80

#: The most that an estimate is above the allocation, and what it is above where nobody counted connections
#: (ARCHITECTURE.md, Demand). Where they were counted and none was refused, no more than the allocation was wanted: 1.25
#: there took IPs for nothing, in the backtest no cluster failed without it that did not with it.
CAP_FACTOR = 16.0
BLIND_FACTOR = 1.25

#: Minutes before the first saturated one that belong to an episode: what was accepted on the way up holds the ports
#: that are then missing (240 s after FIN, azure-facts section 2).
LEAD_MINUTES = 4

#: The longest turnover, in minutes, twice the default idle timeout of 30: ports that turn over more slowly than that
#: are held by connections in use, and only the rates of refused and accepted ones compare.
WINDOW_MINUTES = 60


#: The allocation of one node, by protocol.
Allocations = Mapping[str, Allocation]


class Episode(NamedTuple):
    """Adjoining saturated minutes of one node, from `start` to `end` (exclusive); of one allocation and protocol.

    `estimate` in ports is what would have carried the refused connections too; `capped` says that it was more.
    """

    node: str
    protocol: str
    start: int
    end: int
    allocated: float
    accepted: float
    failed: float
    estimate: float
    capped: bool


class Peak(NamedTuple):
    """A use in ports, when (minute, or first minute of a coarse interval), where, and the allocation at the time."""

    ports: float
    minute: int
    node: str
    protocol: str
    allocated: Optional[float]

    @property
    def utilization(self) -> Optional[float]:
        """Share of the allocation, 0 to about 1; None where the allocation is not known."""
        return self.ports / self.allocated if self.allocated else None


class NodeDemand(NamedTuple):
    """What one node showed: its highest use, its highest use in minutes that were not saturated, its episodes.

    `ceiling`: what use may have reached at most in intervals of which no minute is known; None without any.
    """

    peak: Optional[Peak]
    unsaturated: Optional[Peak]
    episodes: Tuple[Episode, ...]
    failed: float
    unexplained: float
    ceiling: Optional[float] = None

    @property
    def ports(self) -> float:
        """What the node needed: the highest use with ports to spare, or the most that an episode calls for."""
        return max(self.unsaturated.ports if self.unsaturated else 0.0,
                   max((episode.estimate for episode in self.episodes), default=0.0))


def estimated(allocated: float, accepted: float, failed: float) -> Tuple[float, bool]:
    """Ports that would have carried `accepted` and `failed` connections (not attempts), and whether that was capped."""
    if failed <= 0:
        return allocated, False
    factor = 1 + failed / accepted if accepted > 0 else float('inf')
    return allocated * min(factor, CAP_FACTOR), factor > CAP_FACTOR


def accepted_of(protocol: str, accepted: float, udp_released: float, free_before: float) -> float:
    """The part of the `accepted` connections of an episode that took ports of `protocol`.

    `udp_released` are the UDP ports that came free in that time, port-minutes ÷ T; `free_before` the ports that were
    free when it began.
    """
    if protocol == UDP:
        # What came in took the ports that were free and those that came free.
        return min(accepted, udp_released + free_before)
    # The difference of two counts is not known better than their scatter: nothing left of a large count would make
    # the estimate boundless.
    scatter: float = 3 * accepted ** 0.5
    return max(accepted - udp_released, min(accepted, scatter))


def judge_node(tables: Tables, node: str, timeout: float, retries: Retries = NO_RETRIES) -> NodeDemand:
    """Every interval of `node`, sorted into saturated and not; `timeout` is the idle timeout in minutes."""
    allocations = {protocol: Allocation(tables, node, protocol) for protocol in tables.protocols(node)}
    fine = _judge_minutes(tables, node, allocations, timeout, retries)
    coarse = _judge_buckets(tables, node, allocations, timeout, retries)
    peaks = [peak for part in (fine, coarse) for peak in (part.peak, part.unsaturated) if peak]
    calm = [part.unsaturated for part in (fine, coarse) if part.unsaturated]
    return NodeDemand(max(peaks, key=_height, default=None), max(calm, key=_height, default=None),
                      fine.episodes + coarse.episodes, fine.failed + coarse.failed,
                      fine.unexplained + coarse.unexplained, coarse.ceiling)


def _height(peak: Peak) -> Tuple[float, int]:
    """The higher peak is greater; of equal ones the earlier."""
    return (peak.ports, -peak.minute)


def _judge_minutes(tables: Tables, node: str, allocations: Allocations, timeout: float, retries: Retries
                   ) -> NodeDemand:
    """The one-minute points of `node`."""
    flows = tables.flows.get(node, {})
    failed = {minute: flow.failed for minute, flow in flows.items() if flow.failed > 0}
    turned_over = {minute for minute in failed if _turned_over(flows[minute], allocations, minute)}
    shares = _shares(tables, node, allocations)
    explained = {minute for minute in failed if _near(shares, minute) >= EXPLAINED_SHARE} | turned_over
    at_ceiling = explained.union(minute for minute, share in shares.items() if share >= SATURATED_SHARE)
    every = _highest(tables, node, allocations, ())
    calm = _highest(tables, node, allocations, at_ceiling) if at_ceiling else every
    episodes: Tuple[Episode, ...] = ()
    if at_ceiling:
        turnover = _Turnover(flows, tables.used.get((node, UDP), {}), timeout, retries)
        saturated = [_accused(tables, node, allocations, minute, minute in turned_over)
                     for minute in sorted(at_ceiling)]
        episodes = tuple(_episode(run, turnover, flows) for run in _runs(saturated))
    unexplained = fsum(failed[minute] for minute in failed.keys() - explained)
    return NodeDemand(every, calm, episodes, fsum(failed.values()), unexplained)


def _shares(tables: Tables, node: str, allocations: Allocations) -> Dict[int, float]:
    """For each minute the share of its allocation that was in use, of the fuller protocol."""
    shares: Dict[int, float] = {}
    for protocol, allocation in allocations.items():
        for minute, ports in tables.used.get((node, protocol), {}).items():
            allocated = allocation.at(minute)
            share = ports / allocated if allocated else 0.0
            if share >= shares.get(minute, 0.0):
                shares[minute] = share
    return shares


def _turned_over(flow: Flows, allocations: Allocations, minute: int) -> bool:
    """Whether as many connections were accepted within `minute` as there are TCP ports: such ports come free within
    seconds (15 after RST, azure-facts section 2), and may have run out between two samples of their use."""
    allocated = next((allocations[name].at(minute) for name in (TCP, BOTH) if name in allocations), None)
    return bool(allocated and (flow.accepted or 0.0) >= SATURATED_SHARE * allocated * flow.minutes)


def _accused(tables: Tables, node: str, allocations: Allocations, minute: int, turned_over: bool) -> Peak:
    """The use in a saturated `minute`. The connection count has no protocol: the fuller one is held to account, or
    TCP where only its ports come free fast enough."""
    suspects = []
    for protocol, allocation in allocations.items():
        ports = beside(tables.used.get((node, protocol), {}), minute)
        if ports is not None:
            suspects.append(Peak(ports, minute, node, protocol, allocation.at(minute)))
    fullest = max(suspects, key=_fullness, default=None)
    if turned_over and (fullest is None or _fullness(fullest)[0] < EXPLAINED_SHARE):
        protocol = TCP if TCP in allocations else BOTH
        allocated = allocations[protocol].at(minute)
        return Peak(allocated or 0.0, minute, node, protocol, allocated)
    if fullest is None:
        raise LookupError('a saturated minute was seen to be full')
    return fullest


def _fullness(peak: Peak) -> Tuple[float, float]:
    """Share of the allocation, then ports."""
    return (peak.utilization or 0.0, peak.ports)


def _near(shares: Ports, minute: int) -> float:
    """The fullest of `minute` and its neighbours: a use is sampled once a minute, failures are counted all through."""
    if minute in shares:
        return max(shares.get(at, 0.0) for at in range(minute - 1, minute + 2))
    return beside(shares, minute) or 0.0


def _highest(tables: Tables, node: str, allocations: Allocations, without: Collection[int]) -> Optional[Peak]:
    """The highest use of any protocol, but for the minutes `without`."""
    peaks = []
    for protocol, allocation in allocations.items():
        points = tables.used.get((node, protocol), {})
        if without:
            points = {minute: ports for minute, ports in points.items() if minute not in without}
        if points:
            ports = max(points.values())
            minute = min(minute for minute, used in points.items() if used == ports)
            peaks.append(Peak(ports, minute, node, protocol, allocation.at(minute)))
    return max(peaks, key=_height, default=None)


def _runs(saturated: Sequence[Peak]) -> Iterator[List[Peak]]:
    """Adjoining saturated minutes of one protocol and allocation."""
    run: List[Peak] = []
    for peak in saturated:
        if run and (peak.minute != run[-1].minute + 1 or peak.protocol != run[-1].protocol
                    or peak.allocated != run[-1].allocated):
            yield run
            run = []
        run.append(peak)
    if run:
        yield run


def _episode(run: Sequence[Peak], turnover: '_Turnover', flows: Mapping[int, Flows]) -> Episode:
    """The episode of the saturated minutes `run`; of what its minutes call for, the most."""
    first, last = run[0].minute - LEAD_MINUTES, run[-1].minute + 1
    inside = [flows[minute] for minute in range(first, last) if minute in flows and flows[minute].accepted is not None]
    most = max(turnover.estimate(peak) for peak in run) if inside else _blind(_allocated(run[0]))
    return Episode(run[0].node, run[0].protocol, run[0].minute, last, _allocated(run[0]),
                   fsum(flow.accepted or 0.0 for flow in inside), fsum(flow.failed for flow in inside), *most)


def _blind(allocated: float) -> Tuple[float, bool]:
    """The estimate of a full node of which no connections are known."""
    return allocated * BLIND_FACTOR, False


def _allocated(peak: Peak) -> float:
    """Without a known allocation its use is what a full node had."""
    return peak.allocated or peak.ports


class _Turnover:  # pylint: disable=too-few-public-methods  # the state of one pass
    """The connections of one node by minute, added up, to look back from any minute over one turnover of its ports."""

    def __init__(self, flows: Mapping[int, Flows], udp: Ports, timeout: float, retries: Retries):
        known = {minute: flow.accepted for minute, flow in flows.items() if flow.accepted is not None}
        self._minutes = sorted(known)
        self._since = _run_starts(self._minutes)
        accepted = [known[minute] for minute in self._minutes]
        released = [(beside(udp, minute) or 0.0) / timeout for minute in self._minutes]
        self._failed = [0.0, *accumulate(
            retries.connections(flows[minute].failed, flows.get(minute - 1, flows[minute]).failed)
            for minute in self._minutes)]
        self._udp = [0.0, *accumulate(map(min, accepted, released))]
        self._others = [0.0, *accumulate(max(0.0, total - udp_part) for total, udp_part in zip(accepted, released))]

    def estimate(self, peak: Peak) -> Tuple[float, bool]:
        """Ports that would have carried what came up to the saturated minute of `peak`, and whether capped."""
        allocated = _allocated(peak)
        taken = self._udp if peak.protocol == UDP else self._others
        end = bisect_right(self._minutes, peak.minute)
        limit = max(bisect_left(self._minutes, peak.minute + 1 - WINDOW_MINUTES), self._since[end - 1] if end else 0)
        start = max(limit, bisect_right(taken, taken[end] - allocated) - 1)
        failed = self._failed[end] - self._failed[start]
        if taken[end] - taken[start] > allocated:  # of the first minute only the part that completes the turnover
            beyond = (taken[end] - allocated - taken[start]) / (taken[start + 1] - taken[start])
            failed -= beyond * (self._failed[start + 1] - self._failed[start])
        turned = taken[end] - taken[start]
        whole = (start == limit < end and self._failed[start + 1] > self._failed[start]
                 and self._minutes[start] <= peak.minute + 1 - WINDOW_MINUTES + LEAD_MINUTES)
        if whole and turned < allocated:
            # Held longer than the window: the rates compare. But no more ports were wanted than all that was refused.
            every = self._refused_since_calm(end)
            return min(estimated(allocated, turned, failed), estimated(allocated, allocated, every))
        return estimated(allocated, allocated, failed)

    def _refused_since_calm(self, end: int) -> float:
        """Connections refused up to the minute at `end`, since the last one without failures that is known; boundless
        where none is."""
        begin = end
        while begin > self._since[end - 1] and self._failed[begin] > self._failed[begin - 1]:
            begin -= 1
        return self._failed[end] - self._failed[begin] if begin > self._since[end - 1] else float('inf')


def _run_starts(minutes: Sequence[int]) -> List[int]:
    """For each of `minutes` where the run that it belongs to begins: time that was not read is not looked across."""
    starts: List[int] = []
    for at, minute in enumerate(minutes):
        starts.append(starts[-1] if at and minute - minutes[at - 1] <= LEAD_MINUTES + 1 else at)
    return starts


def _judge_buckets(tables: Tables, node: str, allocations: Allocations, timeout: float, retries: Retries
                   ) -> NodeDemand:
    """The coarse points of `node`, as far as no one-minute point says more."""
    peak: Optional[Peak] = None
    calm: Optional[Peak] = None
    ceiling: Optional[float] = None
    episodes = []
    failed = unexplained = 0.0
    flows = tables.flows.get(node, {})
    minutes = Minutes(flows)
    left = {start: _unread(flow, [flows[minute] for minute in minutes.within(start, flow.minutes)])
            for start, flow in tables.bucket_flows.get(node, {}).items()}
    covered = {start for start, flow in left.items() if minutes.cover(start, flow.minutes)}
    blamed = _blame(tables, node, allocations, left)
    for start, flow in left.items():
        failed += flow.failed
        if flow.failed > 0 and start not in blamed:
            unexplained += flow.failed
    for protocol, allocation in allocations.items():
        accused = {start for at, (start, who) in blamed.items() if who == protocol and at not in covered}
        for start, bucket, seen in _unread_buckets(tables, node, protocol):
            # Without maxima a mean says nothing about the largest minute.
            ceiling = max(ceiling or 0.0, float('inf') if bucket.ceiling is None else bucket.ceiling)
            found = Peak(bucket.floor, start, node, protocol, allocation.at(start))
            higher = bucket.floor > seen
            if higher:
                peak = max(peak or found, found, key=_height)
            if start not in covered and (start in accused or (
                    higher and found.allocated and _fullness(found)[0] >= SATURATED_SHARE)):
                released = _udp_released(tables, node, start, timeout)
                episodes.append(_coarse_episode(found, bucket.minutes, left, released, retries))
            elif higher:
                calm = max(calm or found, found, key=_height)
    return NodeDemand(peak, calm, tuple(episodes), failed, unexplained, ceiling)


def _unread_buckets(tables: Tables, node: str, protocol: str) -> Iterator[Tuple[int, Bucket, float]]:
    """The coarse intervals that were not read minute by minute: first minute, bucket, the most in minutes read."""
    points = tables.used.get((node, protocol), {})
    minutes = Minutes(points)
    for start, bucket in tables.buckets.get((node, protocol), {}).items():
        read = minutes.within(start, bucket.minutes)
        if len(read) < bucket.minutes:
            yield start, bucket, max((points[minute] for minute in read), default=-1.0)


def _unread(flow: Flows, read: Sequence[Flows]) -> Flows:
    """What is left of a coarse count of connections when those of the minutes that were `read` are taken off."""
    if not read:
        return flow
    accepted = sum(minute.accepted or 0.0 for minute in read)
    return flow._replace(accepted=None if flow.accepted is None else max(0.0, flow.accepted - accepted),
                         failed=max(0.0, flow.failed - sum(minute.failed for minute in read)))


def _udp_released(tables: Tables, node: str, start: int, timeout: float) -> float:
    """The UDP ports that came free in the coarse interval from `start`: port-minutes ÷ the idle timeout."""
    udp = tables.buckets.get((node, UDP), {}).get(start)
    return udp.mean * udp.minutes / timeout if udp else 0.0


def _coarse_episode(peak: Peak, minutes: int, left: Mapping[int, Flows], udp_released: float, retries: Retries
                    ) -> Episode:
    """The episode of a coarse interval of so many minutes: no more than that it was full is known of its course."""
    sides = [flow for at, flow in left.items() if at < peak.minute + minutes and peak.minute < at + flow.minutes]
    counts = [flow.accepted for flow in sides if flow.accepted is not None]
    accepted, failed = sum(counts), sum(flow.failed for flow in sides)
    allocated = _allocated(peak)
    own = accepted_of(peak.protocol, accepted, udp_released, allocated)
    most = estimated(allocated, own, retries.connections(failed, failed)) if counts else _blind(allocated)
    return Episode(peak.node, peak.protocol, peak.minute, peak.minute + minutes, allocated, accepted, failed, *most)


def _blame(tables: Tables, node: str, allocations: Allocations, left: Mapping[int, Flows]
           ) -> Dict[int, Tuple[int, str]]:
    """For each coarse interval with failures that no minute explains: the bucket and protocol that may."""
    blamed: Dict[int, Tuple[int, str]] = {}
    for start, flow in left.items():
        if flow.failed <= 0:
            continue
        suspects = []
        for protocol, allocation in allocations.items():
            for bucket_start, bucket in tables.buckets.get((node, protocol), {}).items():
                allocated = allocation.at(bucket_start)
                if allocated and bucket_start < start + flow.minutes and start < bucket_start + bucket.minutes:
                    full = protocol != UDP and _turned_over(flow, allocations, bucket_start)
                    suspects.append((1.0 if full else bucket.most / allocated, protocol, bucket_start))
        if suspects and max(suspects)[0] >= EXPLAINED_SHARE:
            _, protocol, bucket_start = max(suspects)
            blamed[start] = (bucket_start, protocol)
    return blamed
