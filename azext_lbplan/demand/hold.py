# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""How long a port is held, and whether idle flows hold it: what a shorter idle timeout would free.

By Little's law the mean hold time is the mean number of ports in use over the new connections per minute. A port is
held 4 minutes after FIN and until the idle timeout T when nobody closes (azure-facts section 2): a mean near T says
that idle flows hold the ports. A mean below T may be a mixture of both, or connections that are simply in use that
long. What sets them apart is how use falls after arrivals have: ports of short flows are free within about
4 minutes, those of idle flows come free one by one until T has passed, and then nothing is left.
"""

from math import fsum
from typing import Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..model.metrics import UDP
from .saturation import EXPLAINED_SHARE
from .tables import Allocation, Ports, Tables

#: Minutes that a TCP port stays taken after FIN (240 s, azure-facts section 2).
FIN_MINUTES = 4

#: The idle timeout that the evidence's relief is reckoned for: Azure's shortest (azure-facts section 1).
SHORTEST_TIMEOUT = 4

#: No advice at or below this timeout, nor for less relief than this share. Source: ARCHITECTURE.md, Demand.
LEAST_TIMEOUT = 8
LEAST_RELIEF = 0.10

#: A mean hold between these shares of the timeout is taken as idle flows. Source: ARCHITECTURE.md, Demand.
NEAR_TIMEOUT = (0.8, 1.2)

#: UDP decides alone where the rest is below this share of the mean use: it would not change the relief noticeably.
MINOR_SHARE = 0.10

#: Minutes of steady arrivals before a fall, and of smoothing after it; a fall is to half or less.
BEFORE_MINUTES = 15
SMOOTH_MINUTES = 5
FALL_SHARE = 0.5

#: The minute after a fall from which on only slow holds are left: FIN_MINUTES, and two for the sampling.
SETTLED = FIN_MINUTES + 2

#: What is left at SETTLED, as a share of the whole fall in use: below it the holds are short. A mixture of 95 % short
#: and 5 % idle connections leaves 0.22 at T = 30.
SLOW_SHARE = 0.10

#: How an idle remainder falls, relative to SETTLED: at T ÷ 2 still more than the first (a straight line to T gives
#: 0.62 at T = 30; connections in use for 10 minutes on average give 0.41), four minutes after T at most the second.
HALFWAY_SHARE = 0.55
GONE_SHARE = 0.15


class Hold(NamedTuple):
    """`minutes`: mean time a port is held; `idle_bound`: whether idle flows hold the ports, None when nothing tells;
    `relief`: the share of ports that SHORTEST_TIMEOUT would free, None where there is nothing to advise."""

    minutes: Optional[float]
    idle_bound: Optional[bool]
    relief: Optional[float]


class _Interval(NamedTuple):
    """An interval of one node, of which use and connections were measured and which was not saturated."""

    start: int
    minutes: int
    port_minutes: float
    udp_port_minutes: float
    accepted: float


def relief(hold: float, timeout: float, shorter: float) -> float:
    """The share of ports, 0 to 1, that are freed by a timeout of `shorter` minutes, if the long holds are idle.

    `hold` is the mean of what TCP and UDP hold together, in minutes. Source: ARCHITECTURE.md, Demand.
    """
    if not FIN_MINUTES < hold or not shorter < timeout or timeout <= FIN_MINUTES:
        return 0.0
    return min(1.0, (hold - FIN_MINUTES) / hold * (timeout - shorter) / (timeout - FIN_MINUTES))


def udp_relief(timeout: float, shorter: float) -> float:
    """The same where UDP alone decides: its ports are always held until the timeout (azure-facts section 2)."""
    return max(0.0, 1 - shorter / timeout)


def lull_minutes(timeout: float) -> int:
    """How long arrivals must stay low after a fall: until idle flows have let go, and a while more for the level."""
    return max(int(1.6 * timeout), int(timeout) + SETTLED + SMOOTH_MINUTES)


def judge_hold(tables: Tables, node: Optional[str], timeout: float) -> Hold:
    """How long ports are held on `node`, whose use decides; where it was too full to tell, on all nodes."""
    nodes = tables.nodes
    ports = flows = 0.0
    for group in ([node] if node in nodes else [], nodes):
        ports, udp, flows = _littles_sums(tables, group, timeout)
        if flows > 0:
            break
    if flows <= 0:
        return Hold(None, None, None)
    minutes = ports / flows
    if udp >= (1 - MINOR_SHARE) * ports:
        return _advise(minutes, timeout > LEAST_TIMEOUT or None, udp_relief(timeout, SHORTEST_TIMEOUT))
    return _advise(minutes, _idle_bound(tables, minutes, timeout), relief(minutes, timeout, SHORTEST_TIMEOUT))


def _advise(minutes: float, idle_bound: Optional[bool], freed: float) -> Hold:
    return Hold(minutes, idle_bound, freed if idle_bound and freed >= LEAST_RELIEF else None)


def _idle_bound(tables: Tables, minutes: float, timeout: float) -> Optional[bool]:
    """Whether a mean hold of `minutes` comes from idle flows."""
    if timeout <= LEAST_TIMEOUT:
        return None
    if minutes <= FIN_MINUTES or minutes > NEAR_TIMEOUT[1] * timeout:
        return False
    if minutes >= NEAR_TIMEOUT[0] * timeout:
        return True
    return decays_with_timeout(_falls(tables, timeout), timeout)


def _littles_sums(tables: Tables, nodes: Iterable[str], timeout: float) -> Tuple[float, float, float]:
    """Port-minutes in all and of UDP alone, and accepted connections, over unsaturated runs of at least 2 T."""
    long_runs = [run for node in nodes for run in _calm_runs(tables, node)
                 if sum(interval.minutes for interval in run) >= 2 * timeout]
    return (fsum(interval.port_minutes for run in long_runs for interval in run),
            fsum(interval.udp_port_minutes for run in long_runs for interval in run),
            sum((sum(interval.accepted for interval in run) for run in long_runs), 0.0))


def _calm_runs(tables: Tables, node: str) -> Iterator[List[_Interval]]:
    """Adjoining intervals of `node` without saturation."""
    run: List[_Interval] = []
    for interval in _intervals(tables, node):
        if run and (interval is None or interval.start != run[-1].start + run[-1].minutes):
            yield run
            run = []
        if interval is not None:
            run.append(interval)


def _intervals(tables: Tables, node: str) -> Iterator[Optional[_Interval]]:
    """The intervals of which both use and connections were measured, coarse ones first choice; None where calm ends.

    Coarse points cover the whole window evenly, while minutes were read where much happened.
    """
    allocations = {protocol: Allocation(tables, node, protocol) for protocol in tables.protocols(node)}
    used = {protocol: tables.buckets.get((node, protocol), {}) for protocol in allocations}
    flows = tables.bucket_flows.get(node, {})
    for start in sorted(set().union(*used.values())):
        buckets = {protocol: points[start] for protocol, points in used.items() if start in points}
        length = max(bucket.minutes for bucket in buckets.values())
        inside = [flow for at, flow in flows.items() if start <= at and at + flow.minutes <= start + length] \
            if len(flows) < 2 or start not in flows or flows[start].minutes != length else [flows[start]]
        full = any((allocations[protocol].at(start) or float('inf')) * EXPLAINED_SHARE <= bucket.most
                   for protocol, bucket in buckets.items())
        accepted = [flow.accepted for flow in inside if flow.accepted is not None]
        if full or len(accepted) < len(inside) or sum(flow.minutes for flow in inside) != length or \
                any(flow.failed for flow in inside):
            yield None
        else:
            yield _Interval(
                start, length, fsum(bucket.mean * length for bucket in buckets.values()),
                buckets[UDP].mean * length if UDP in buckets else 0.0, sum(accepted))
    yield None


def _falls(tables: Tables, timeout: float) -> List[List[float]]:
    """Use from the minute of each sudden fall in arrivals to `lull_minutes` after it, node by node."""
    length = lull_minutes(timeout)
    curves = []
    for node in sorted(tables.flows):
        arrivals = {minute: flow.tried for minute, flow in tables.flows[node].items()}
        refused = {minute for minute, flow in tables.flows[node].items() if flow.failed}
        used = _used(tables, node)
        after = 0
        for minute in sorted(arrivals):
            if minute >= after and _falls_at(arrivals, minute, length):
                span = range(minute - 1, minute + length)
                if all(at in used for at in span) and not refused.intersection(span):
                    curves.append([used[at] for at in span])
                    after = minute + length
    return curves


def _used(tables: Tables, node: str) -> Ports:
    """Ports in use on `node` by minute, of all protocols together."""
    used: Ports = {}
    for protocol in tables.protocols(node):
        for minute, ports in tables.used.get((node, protocol), {}).items():
            used[minute] = used.get(minute, 0) + ports
    return used


def _falls_at(arrivals: Mapping[int, float], minute: int, length: int) -> bool:
    """Whether arrivals are steady before `minute`, fall there to half or less, and stay there for `length` minutes."""
    # The cheap question first: most minutes are no fall, and all of this is asked for every minute.
    if arrivals[minute] > FALL_SHARE * arrivals.get(minute - 1, 0):
        return False
    if not all(at in arrivals for at in range(minute - BEFORE_MINUTES, minute + length)):
        return False
    before = [arrivals[at] for at in range(minute - BEFORE_MINUTES, minute)]
    after = [arrivals[at] for at in range(minute, minute + length)]
    level = sum(before) / len(before)
    blocks = [sum(after[at:at + SMOOTH_MINUTES]) / SMOOTH_MINUTES
              for at in range(0, length - SMOOTH_MINUTES + 1, SMOOTH_MINUTES)]
    return level > 0 and max(blocks) <= FALL_SHARE * level


def decays_with_timeout(curves: Sequence[Sequence[float]], timeout: float) -> Optional[bool]:
    """Whether use falls as idle flows let go: True, False for short holds, None where nothing tells.

    Each of `curves` is the ports in use minute by minute, from the minute before arrivals fell, for `lull_minutes`.
    They are added up: noise goes down, and large falls weigh more.
    """
    if not curves:
        return None
    curve = [fsum(values) for values in zip(*curves)]
    rest = curve[int(timeout) + SETTLED:]
    level = fsum(rest) / len(rest)
    fall = curve[0] - level
    # Three standard deviations of a count: below that a fall is no fall.
    if fall <= 3 * max(curve[0], 1.0) ** 0.5:
        return None
    left = _mean_around(curve, SETTLED) - level
    if left < SLOW_SHARE * fall:
        return False
    halfway = _mean_around(curve, int(timeout / 2)) - level
    gone = _mean_around(curve, int(timeout) + FIN_MINUTES) - level
    return True if halfway >= HALFWAY_SHARE * left and gone <= GONE_SHARE * left else None


def _mean_around(curve: Sequence[float], minute: int) -> float:
    """The mean of three minutes: ports of one count jitter by their square root."""
    return fsum(curve[minute - 1:minute + 2]) / 3
