# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""How long a port is held, and whether idle flows hold it: what a shorter idle timeout would free.

By Little's law the mean hold time is the mean number of ports in use over the connections accepted per minute, whether
nodes were full or not. A port is held 4 minutes after FIN and until the idle timeout T when nobody closes (AZURE-FACTS
section 2). A long mean hold may come from idle flows, or from connections that are simply in use that long. What sets
them apart is which ports come free: those of idle flows T minutes after they were taken, one for one; those of others
whenever their connections end. So the ports that come free in a minute (accepted, less the growth of use) are compared
with what was accepted T minutes before, against what was accepted a few minutes earlier and later than that.

    all connections idle                         share 0.9 to 1.0
    60 % idle, the rest closed at once                 0.5 to 0.6
    in use for 12 to 48 minutes, closed after it      -0.1 to 0.1
"""

from math import fsum, sqrt
from typing import Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence

from ..model.metrics import UDP
from .tables import Bucket, Flows, Ports, Tables

#: Minutes that a TCP port stays taken after FIN (240 s, AZURE-FACTS section 2).
FIN_MINUTES = 4

#: The idle timeout that the evidence's relief is reckoned for: Azure's shortest (AZURE-FACTS section 1).
SHORTEST_TIMEOUT = 4

#: No advice at or below this timeout, nor for less relief than this share. Source: ARCHITECTURE.md, Demand.
LEAST_TIMEOUT = 8
LEAST_RELIEF = 0.10

#: A mean hold beyond this share of the timeout is that of connections in use. Source: ARCHITECTURE.md, Demand.
MOST_HOLD = 1.2

#: UDP decides alone where the rest is below this share of the mean use: it would not change the relief noticeably.
MINOR_SHARE = 0.10

#: Minutes beside T, on either side, at which idle flows may be seen to let go, and at which they are not.
NEAR = (-1, 0, 1)
FAR = (-6, -5, -4, 4, 5, 6)

#: Idle flows hold the ports where they surely hold this share of them, and do not where they surely hold less.
IDLE_PART = 0.10
BUSY_PART = 0.25

#: On a full node what comes free is taken at once, so that a short hold comes back as an echo, T minutes later, too:
#: 5 minutes at T = 30, and goes on for a while. Where a node was never calm for an hour, only mean holds from this
#: share of T on are judged.
ECHO_HOLD = 0.5
ECHO_MINUTES = 60

#: Fewer minutes tell nothing.
LEAST_POINTS = 60

#: Standard errors that make it sure.
SURE = 3.0


class Hold(NamedTuple):
    """`minutes`: mean time a port is held; `idle_bound`: whether idle flows hold the ports, None when nothing tells;
    `relief`: the share of ports that SHORTEST_TIMEOUT would free, None where there is nothing to advise."""

    minutes: Optional[float]
    idle_bound: Optional[bool]
    relief: Optional[float]


class _Interval(NamedTuple):
    """An interval of one node, of which use and connections were measured."""

    start: int
    minutes: int
    port_minutes: float
    udp_port_minutes: float
    accepted: float


class _Sums(NamedTuple):
    """Port-minutes in all and of UDP alone, and accepted connections."""

    ports: float
    udp: float
    accepted: float


class _Release(NamedTuple):
    """A minute: ports that came free, connections accepted T minutes before, how these stand out from those of the
    minutes around, and whether no connection failed since ECHO_MINUTES before that."""

    freed: float
    taken: float
    contrast: float
    calm: bool


class _Share(NamedTuple):
    """The share of accepted connections that let go of their ports after T, and its standard error."""

    share: float
    error: float


def relief(hold: float, timeout: float, shorter: float) -> float:
    """The share of ports, 0 to 1, that are freed by a timeout of `shorter` minutes, if the long holds are idle.

    `hold` is the mean of what TCP and UDP hold together, in minutes. Source: ARCHITECTURE.md, Demand.
    """
    if not FIN_MINUTES < hold or not shorter < timeout or timeout <= FIN_MINUTES:
        return 0.0
    return min(1.0, (hold - FIN_MINUTES) / hold * (timeout - shorter) / (timeout - FIN_MINUTES))


def udp_relief(timeout: float, shorter: float) -> float:
    """The same where UDP alone decides: its ports are always held until the timeout (AZURE-FACTS section 2)."""
    return max(0.0, 1 - shorter / timeout)


def judge_hold(tables: Tables, node: Optional[str], timeout: float) -> Hold:
    """How long ports are held on `node`, whose use decides; where that cannot be told, on all nodes."""
    for group in ([node] if node in tables.nodes else [], list(tables.nodes)):
        sums = _littles_sums(tables, group, timeout)
        if sums.accepted > 0:
            break
    else:
        return Hold(None, None, None)
    minutes = sums.ports / sums.accepted
    if sums.udp >= (1 - MINOR_SHARE) * sums.ports:
        return _advise(minutes, timeout > LEAST_TIMEOUT or None, udp_relief(timeout, SHORTEST_TIMEOUT))
    return _advise(minutes, _idle_bound(tables, minutes, timeout), relief(minutes, timeout, SHORTEST_TIMEOUT))


def _advise(minutes: float, idle_bound: Optional[bool], freed: float) -> Hold:
    return Hold(minutes, idle_bound, freed if idle_bound and freed >= LEAST_RELIEF else None)


def _idle_bound(tables: Tables, minutes: float, timeout: float) -> Optional[bool]:
    """Whether a mean hold of `minutes` comes from idle flows."""
    if timeout <= LEAST_TIMEOUT:
        return None
    if minutes <= FIN_MINUTES or minutes > MOST_HOLD * timeout:
        return False
    found = _measured_share(tables, minutes, timeout)
    if found is None:
        return None
    part, error = found.share * timeout / minutes, SURE * found.error * timeout / minutes
    if part - error >= IDLE_PART:
        return True
    return False if part + error <= BUSY_PART else None


def _measured_share(tables: Tables, minutes: float, timeout: float) -> Optional[_Share]:
    """The share over all nodes, in calm minutes where there are enough."""
    releases = [release for node in sorted(tables.flows) for release in _releases(tables, node, int(timeout))]
    found = share_let_go([release for release in releases if release.calm])
    if found is None and minutes >= ECHO_HOLD * timeout:
        found = share_let_go(releases)
    return found


# Little's law

def _littles_sums(tables: Tables, nodes: Iterable[str], timeout: float) -> _Sums:
    """The sums over runs of at least 2 T: over shorter ones, what is in use came before or goes on after."""
    inside = [interval for node in nodes for run in _runs(tables, node)
              if sum(interval.minutes for interval in run) >= 2 * timeout for interval in run]
    return _Sums(fsum(interval.port_minutes for interval in inside),
                 fsum(interval.udp_port_minutes for interval in inside),
                 fsum(interval.accepted for interval in inside))


def _runs(tables: Tables, node: str) -> Iterator[List[_Interval]]:
    """Adjoining intervals of `node`."""
    run: List[_Interval] = []
    for interval in _intervals(tables, node):
        if run and interval.start != run[-1].start + run[-1].minutes:
            yield run
            run = []
        run.append(interval)
    if run:
        yield run


def _intervals(tables: Tables, node: str) -> Iterator[_Interval]:
    """The coarse intervals of which both use and connections were measured: they cover the whole window evenly, while
    minutes were read where much happened."""
    used = {protocol: tables.buckets.get((node, protocol), {}) for protocol in tables.protocols(node)}
    flows = tables.bucket_flows.get(node, {})
    for start in sorted(set().union(*used.values())):
        buckets = {protocol: points[start] for protocol, points in used.items() if start in points}
        length = max(bucket.minutes for bucket in buckets.values())
        accepted = _accepted(flows, start, length)
        if accepted is not None:
            yield _Interval(start, length, _port_minutes(buckets.values()),
                            _port_minutes(bucket for name, bucket in buckets.items() if name == UDP), accepted)


def _port_minutes(buckets: Iterable[Bucket]) -> float:
    return fsum(bucket.mean * bucket.minutes for bucket in buckets)


def _accepted(flows: Mapping[int, Flows], start: int, length: int) -> Optional[float]:
    """The connections accepted in an interval; None where a part of it is not known."""
    if start in flows and flows[start].minutes == length:
        return flows[start].accepted
    inside = [flow for at, flow in flows.items() if start <= at and at + flow.minutes <= start + length]
    known = [(flow.minutes, flow.accepted) for flow in inside if flow.accepted is not None]
    return fsum(accepted for _, accepted in known) if sum(minutes for minutes, _ in known) == length else None


# Which ports come free

def _releases(tables: Tables, node: str, timeout: int) -> Iterator[_Release]:
    """The minutes of `node` that can be compared with what was accepted `timeout` minutes before."""
    flows = tables.flows[node]
    accepted = {minute: flow.accepted for minute, flow in flows.items() if flow.accepted is not None}
    used, failed = _used(tables, node), None
    for minute in sorted(accepted):
        failed = minute if flows[minute].failed else failed
        known = minute in used and minute - 1 in used
        contrast = _contrast(accepted, minute - timeout) if known else None
        if contrast is not None:
            freed = accepted[minute] - used[minute] + used[minute - 1]
            calm = failed is None or failed < minute - timeout - ECHO_MINUTES
            yield _Release(freed, accepted[minute - timeout], contrast, calm)


def _contrast(accepted: Mapping[int, float], minute: int) -> Optional[float]:
    """How what was accepted at `minute` stands out from what was a little earlier and later; None in a gap."""
    try:
        near, far = (fsum([accepted[minute + offset] for offset in offsets]) for offsets in (NEAR, FAR))
    except KeyError:
        return None
    return near - far * len(NEAR) / len(FAR)


def _used(tables: Tables, node: str) -> Ports:
    """Ports in use on `node` by minute, of all protocols together; a minute that one of them lacks is a gap."""
    points = [tables.used[node, protocol] for protocol in tables.protocols(node) if (node, protocol) in tables.used]
    minutes = set(points[0]).intersection(*points[1:]) if points else set()
    return {minute: fsum(ports[minute] for ports in points) for minute in minutes}


def share_let_go(releases: Sequence[_Release]) -> Optional[_Share]:
    """The share of what was taken T minutes before that comes free, from how far both stand out; None where nothing
    stands out."""
    if len(releases) < LEAST_POINTS:
        return None
    moved = fsum(release.taken * release.contrast for release in releases)
    squares = fsum(release.contrast ** 2 for release in releases)
    if moved <= 0:
        return None
    share = fsum(release.freed * release.contrast for release in releases) / moved
    left = [release.freed - share * release.taken for release in releases]
    # From one minute to the next, so that the rhythm of a day is no part of it.
    variance = fsum((after - before) ** 2 for before, after in zip(left, left[1:])) / (len(left) - 1) / 2
    return _Share(share, sqrt(variance * squares) / moved)
