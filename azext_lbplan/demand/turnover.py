# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What a full node would have used: an estimate over one turnover of its ports (ARCHITECTURE.md, Demand).

New connections are a flow, ports in use a stock: they compare over one turnover, the time in which as many connections
were accepted as there are ports. While all ports are taken, the F connections that are turned away within a turnover
would all still hold a port at its end: `allocated + F` would have carried them. In a steady state this is exact
(a turnover lasts as long as a port is held), for one burst from empty too, and between them it follows demand that
swells and ebbs. The most over all saturated minutes counts. F is counted in connections, not in attempts: retries.py.

Chosen by the backtest (tests/bench, 30 seeds of each workload): the ratio of failed to accepted connections over whole
episodes, `allocated × (1 + F ÷ S)`, gave 0.70 to 1.57 times the true peak of plain workloads and up to 4.9 times that
of incidents with retries. Over a turnover, with attempts counted, it is 0.99 to 1.7 times (1.03 in the median), and on
incidents up to 2.1 times (1.27 in the median): a short incident tells little of how often a connection tries again.

The connection count has no protocol. A UDP port is always held until the idle timeout T (AZURE-FACTS section 2), so
that Little's law gives UDP's part of it: ports in use ÷ T per minute. Without that, a node full of UDP beside plenty
of short TCP connections had estimates of half of what it needed (simulated: 1395 ports for a demand of 2400).
"""

from bisect import bisect_left, bisect_right
from itertools import accumulate
from typing import List, Mapping, Sequence

from ..model.metrics import UDP
from .episodes import Estimate, Peak
from .retries import Retries
from .tables import Flows, Ports, beside

#: The most that an estimate is above the allocation, and what it is above where nobody counted connections
#: (ARCHITECTURE.md, Demand). Where they were counted and none was refused, no more than the allocation was wanted: 1.25
#: there took IPs for nothing, and in the backtest no cluster failed without it that did not with it.
CAP_FACTOR = 16.0
BLIND_FACTOR = 1.25

#: Minutes before the first saturated one that belong to an episode: what was accepted on the way up holds the ports
#: that are then missing (240 s after FIN, AZURE-FACTS section 2; ARCHITECTURE.md, Demand).
LEAD_MINUTES = 4

#: The longest turnover, in minutes, twice the default idle timeout of 30: ports that turn over more slowly than that
#: are held by connections in use, and only the rates of refused and accepted ones compare.
WINDOW_MINUTES = 60


def estimated(allocated: float, accepted: float, failed: float) -> Estimate:
    """Ports that would have carried `accepted` and `failed` connections (not attempts), and whether that was capped."""
    if failed <= 0:
        return Estimate(allocated, False)
    factor = 1 + failed / accepted if accepted > 0 else float('inf')
    return Estimate(allocated * min(factor, CAP_FACTOR), factor > CAP_FACTOR)


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


def blind(allocated: float) -> Estimate:
    """The estimate of a full node of which no connections are known."""
    return Estimate(allocated * BLIND_FACTOR, False)


class Turnover:  # pylint: disable=too-few-public-methods  # the state of one pass
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

    def estimate(self, peak: Peak) -> Estimate:
        """Ports that would have carried what came up to the saturated minute of `peak`, and whether capped."""
        allocated = peak.full_at
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
