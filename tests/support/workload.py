"""SNAT inventories of nodes, simulated: what a workload does to ports, minute by minute (facts §2).

A node holds so many ports, separately for TCP and UDP. A flow takes one; flows to other destinations share it (TCP
only). A TCP port comes free 240 s after FIN, 15 s after RST, else at the idle timeout; a UDP port at the idle
timeout. A connection that finds no free port fails, and may be tried again.

    traffic = [Traffic(rate=diurnal(200, 800)), Traffic(rate=steady(5), close=IDLE, destination='database')]
    node = simulate(traffic, minutes=7 * 1440, ports=1024, timeout=30, seed=1)
    workload = Workload(start, {'10.224.0.4': node})      # what tests.azure.monitor serves

The arrivals of a seed are the same whatever the ports are: two settings can be compared on one workload. Time goes in
steps of a minute, or in `ticks` to each minute for traffic that is reset (15 s); a sample is taken at the end of each
minute, as a gauge is. Many nodes may share one simulated Node: 1000 nodes over a week need no more than a few.
"""
from __future__ import annotations

import math
import random
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Callable, Dict, Iterable, List, Optional, Sequence, Tuple, Union

TCP = 'TCP'
UDP = 'UDP'
FIN = 'fin'
RST = 'rst'
IDLE = 'idle'

#: Minutes for which a port stays taken after the close (facts §2); for IDLE it is the timeout.
AFTER = {FIN: 4.0, RST: 0.25}

DAY = 1440
NUMBERS = {TCP: '6', UDP: '17'}

Rate = Callable[[int], float]
Ports = Union[int, Callable[[int], int]]


@dataclass(frozen=True)
class Traffic:
    """One kind of connections of a node.

    rate: new connections in a minute, by the minute since the start; the actual number is drawn around it.
    active: minutes that a connection is in use, one number or several that are equally frequent.
    close: how it ends. destination, spread: flows to the same destination need a port each, those to others share;
    `spread` destinations take the connections evenly. retries: the share of failed ones that come again, in the next
    minute, or evenly after each of `again_after` minutes. every: where given, connections are kept until the next
    restart, once in so many minutes, whatever `active` and `close` say. attempts: how often a connection that finds no
    port fails before it gives up for this minute. noisy: False draws exactly the rate.
    """

    rate: Rate
    active: Union[float, Sequence[float]] = 0.0
    close: str = FIN
    protocol: str = TCP
    destination: str = 'service'
    spread: int = 1
    retries: float = 0.0
    again_after: Sequence[int] = (1,)
    every: Optional[int] = None
    attempts: int = 1
    noisy: bool = True


@dataclass(frozen=True)
class Node:
    """What was simulated for one node, by minute: ports in use and allocated by protocol, connections."""

    used: Dict[str, List[Optional[int]]]
    allocated: Dict[str, List[Optional[int]]]
    successful: List[Optional[int]]
    failed: List[Optional[int]]

    @property
    def minutes(self):
        return len(self.successful)

    def peak(self, protocol=None):
        """The most ports that one protocol used in any minute."""
        return max(max(filter(None, values), default=0) for name, values in self.used.items()
                   if protocol in (None, name))

    def without(self, first, last):
        """The same with nothing reported from minute `first` to before `last`."""
        def cut(values):
            return values[:first] + [None] * (min(last, len(values)) - first) + values[last:]
        return Node({name: cut(values) for name, values in self.used.items()},
                    {name: cut(values) for name, values in self.allocated.items()},
                    cut(self.successful), cut(self.failed))


@dataclass
class Placed:
    """A node in a cluster: it reports from minute `first` of the workload on, and `shares` gives what part of its
    ports each frontend carries in a minute (evenly when None)."""

    node: Node
    first: int = 0
    shares: Optional[Callable[[int], Sequence[float]]] = None


@dataclass
class Workload:
    """A cluster's nodes by address, as tests.azure.monitor wants them. `start` in minutes since 1970."""

    start: int
    nodes: Dict[str, Union[Node, Placed]]
    frontends: Sequence[str] = ('20.0.0.1',)
    zero_states: bool = True
    _split: dict = field(default_factory=dict, repr=False)

    def samples(self, metric) -> Iterable[Tuple[dict, int, Sequence[Optional[int]]]]:
        """(dimensions, first minute, values) of every series of `metric`."""
        for address, placed in self.nodes.items():
            placed = placed if isinstance(placed, Placed) else Placed(placed)
            first = self.start + placed.first
            if metric == 'SnatConnectionCount':
                yield from self._connections(address, placed.node, first)
                continue
            values = placed.node.used if metric == 'UsedSnatPorts' else placed.node.allocated
            for protocol, series in values.items():
                for frontend, part in zip(self.frontends, self._parts(series, placed, metric)):
                    yield {'FrontendIPAddress': frontend, 'BackendIPAddress': address,
                           'ProtocolType': NUMBERS[protocol], 'IsAwaitingRemoval': 'false'}, first, part

    def _connections(self, address, node, first):
        # Connections have a frontend too; all are told of the first, which the sum does not notice.
        for state, values in (('Successful', node.successful), ('Failed', node.failed)):
            if self.zero_states or any(values):
                yield {'FrontendIPAddress': self.frontends[0], 'BackendIPAddress': address,
                       'ConnectionState': state}, first, values

    def _parts(self, series, placed, metric):
        """`series` split over the frontends; the parts always add up to the whole."""
        count = len(self.frontends)
        if count == 1:
            return [series]
        key = (id(series), id(placed.shares))
        if key not in self._split:
            evenly = (1 / count,) * count
            shares = placed.shares if placed.shares and metric == 'UsedSnatPorts' else lambda _: evenly
            parts = [[None] * len(series) for _ in range(count)]
            for minute, value in enumerate(series):
                if value is not None:
                    for part, ports in zip(parts, _share_out(value, tuple(shares(minute)))):
                        part[minute] = ports
            self._split[key] = (parts, series)
        return self._split[key][0]

    def totals(self):
        """Ports of all nodes together by protocol and minute: what a NAT gateway would have to carry."""
        found: Dict[str, Dict[int, int]] = {}
        for placed in self.nodes.values():
            placed = placed if isinstance(placed, Placed) else Placed(placed)
            for protocol, series in placed.node.used.items():
                total = found.setdefault(protocol, {})
                for minute, value in enumerate(series, self.start + placed.first):
                    total[minute] = total.get(minute, 0) + (value or 0)
        return found


@lru_cache(maxsize=1 << 16)
def _share_out(value, shares):
    """`value` in whole numbers, about as `shares` say; the rest goes to the first."""
    parts = [int(value * share) for share in shares]
    parts[0] += value - sum(parts)
    return parts


def simulate(traffic: Sequence[Traffic], minutes: int, ports: Ports, timeout: int = 30, seed: int = 0,
             ticks: int = 1, both: bool = True) -> Node:
    """One node under `traffic`. `ports` allocated, fixed or by minute; `ticks` steps to a minute.

    `both` reports a protocol that is never used with zeros, as the service does; False leaves it out.
    """
    allocation = ports if callable(ports) else lambda minute: ports
    offered = [_drawn(one.rate, one.noisy, ticks, seed, index).first(minutes * ticks)
               for index, one in enumerate(traffic)]
    inventories = {protocol: _Inventory([(one, draws) for one, draws in zip(traffic, offered)
                                         if one.protocol == protocol], minutes, ticks, timeout)
                   for protocol in (TCP, UDP) if both or any(one.protocol == protocol for one in traffic)}
    successful, failed = [0] * minutes, [0] * minutes
    allocated = [allocation(minute) for minute in range(minutes)]
    for inventory in inventories.values():
        inventory.run(allocated, successful, failed)
    return Node({protocol: inventory.used for protocol, inventory in inventories.items()},
                {protocol: list(allocated) for protocol in inventories}, successful, failed)


@lru_cache(maxsize=64)
def _drawn(rate, noisy, ticks, seed, index):
    """Depends on the seed and the traffic's place, not on the ports: who simulates one setting after another, or one
    day more each time, draws once."""
    return _Draws(rate, ticks, random.Random(f'{seed}/{index}') if noisy else None)


class _Draws:
    """How many connections are tried in each tick: by chance, or exactly the rate where there is no `generator`."""

    def __init__(self, rate, ticks, generator):
        self._rate, self._ticks, self._generator = rate, ticks, generator
        self._rest = 0.0
        self._draws = []

    def first(self, count):
        """Those of the first `count` ticks."""
        for tick in range(len(self._draws), count):
            mean = self._rate(tick // self._ticks) / self._ticks
            self._draws.append(poisson(self._generator, mean) if self._generator else self._exactly(mean))
        return self._draws[:count]

    def _exactly(self, mean):
        self._rest += mean
        whole = int(self._rest + 1e-9)
        self._rest -= whole
        return whole


def poisson(generator, mean):
    """A draw from Poisson's distribution; the normal one stands in for it where the mean is large."""
    if mean <= 0:
        return 0
    if mean > 30:
        return max(0, round(generator.gauss(mean, math.sqrt(mean))))
    limit, count, product = math.exp(-mean), 0, generator.random()
    while product > limit:
        count += 1
        product *= generator.random()
    return count


class _Inventory:
    """The ports of one protocol of one node."""

    def __init__(self, traffic, minutes, ticks, timeout):
        self._minutes, self._ticks = minutes, ticks
        self._groups = {}
        for one, draws in traffic:
            after = timeout if one.protocol == UDP or one.close == IDLE else AFTER[one.close]
            active = one.active if isinstance(one.active, (list, tuple)) else [one.active]
            holds = [max(1, round((minutes_active + after) * ticks)) for minutes_active in active]
            name = (one.destination, one.spread) if one.protocol == TCP else 'all'
            self._groups.setdefault(name, _Group(one.spread if one.protocol == TCP else 1)).kinds.append(
                _Kind(one, draws, holds))
        self.used = [0] * minutes

    def run(self, allocated, successful, failed):
        """Fill `used`, and add to `successful` and `failed`."""
        for group in self._groups.values():
            used = group.run(allocated, successful, failed, self._ticks)
            # A port serves every destination: the destination with the most flows says how many are in use.
            self.used = list(map(max, self.used, used))


@dataclass
class _Kind:
    """One Traffic within a group: its draws, the holds in ticks, and the flows that end at each tick."""

    traffic: Traffic
    draws: List[int]
    holds: List[int]

    def __post_init__(self):
        self.turn = 0
        self.again = 0.0
        self.due: Dict[int, float] = {}

    def wish(self, tick):
        """Connections that are tried in `tick`, those that come again included."""
        if self.due:
            self.again += self.due.pop(tick, 0.0)
        return self.draws[tick] + int(self.again)

    def refuse(self, tick, refused):
        """Note when the refused ones of `tick` come again; what was less than one connection stays."""
        self.again -= int(self.again)
        part = refused * self.traffic.retries / len(self.traffic.again_after)
        for later in self.traffic.again_after if part else ():
            self.due[tick + later] = self.due.get(tick + later, 0.0) + part


class _Group:
    """The flows that cannot share ports with one another: those to the same destination, or all of UDP."""

    def __init__(self, spread):
        self.spread = spread
        self.kinds: List[_Kind] = []

    def run(self, allocated, successful, failed, ticks):
        """Ports in use at the end of each minute."""
        used = []
        flows = 0
        length = len(allocated) * ticks
        ends = [0] * (length + 1)
        for minute, ports in enumerate(allocated):
            for tick in range(minute * ticks, minute * ticks + ticks):
                flows -= ends[tick]
                free = max(0, ports * self.spread - flows)
                wishes = [kind.wish(tick) for kind in self.kinds]
                for kind, wanted, taken in zip(self.kinds, wishes, _grant(wishes, free)):
                    if wanted > taken or kind.again >= 1:
                        failed[minute] += (wanted - taken) * kind.traffic.attempts
                        kind.refuse(tick, wanted - taken)
                    if taken:
                        successful[minute] += taken
                        flows += taken
                        _schedule(kind, taken, tick, ends, length)
            used.append(min(-(-flows // self.spread), ports) if ports else 0)
        return used


def _grant(wishes, free):
    """What each kind gets of `free` ports: all of it where there is enough, else in proportion."""
    total = sum(wishes)
    if total <= free:
        return wishes
    granted = [wanted * free // total for wanted in wishes]
    for index in sorted(range(len(wishes)), key=lambda at: granted[at] - wishes[at]):
        granted[index] += min(wishes[index] - granted[index], free - sum(granted))
    return granted


def _schedule(kind, taken, tick, ends, length):
    """Note when `taken` flows end: each of the kind's holds in turn, so that over time all are equally frequent."""
    if kind.traffic.every:
        ends[min(length, (tick // kind.traffic.every + 1) * kind.traffic.every)] += taken
        return
    holds = kind.holds
    if len(holds) == 1:
        ends[min(length, tick + holds[0])] += taken
        return
    share, rest = divmod(taken, len(holds))
    for index, hold in enumerate(holds):
        count = share + (1 if (index - kind.turn) % len(holds) < rest else 0)
        if count:
            ends[min(length, tick + hold)] += count
    kind.turn = (kind.turn + rest) % len(holds)


# Rates: connections in a minute, by the minute since the start of the simulation (taken as midnight, a Monday).

def steady(level: float) -> Rate:
    return lambda minute: level


def diurnal(low: float, high: float, peak_hour: float = 14) -> Rate:
    """A smooth day, lowest twelve hours away from its peak."""
    def rate(minute):
        angle = (minute % DAY / 60 - peak_hour) / 24 * 2 * math.pi
        return low + (high - low) * (1 + math.cos(angle)) / 2
    return rate


def weekly(workday: Rate, weekend: float) -> Rate:
    """`workday`, at a share of `weekend` on days six and seven."""
    return lambda minute: workday(minute) * (weekend if minute // DAY % 7 >= 5 else 1)


def bursts(level: float, burst: float, every: int = 60, length: int = 5, at: int = 0) -> Rate:
    """A batch every so many minutes."""
    return lambda minute: burst if (minute - at) % every < length else level


def window(level: float, inside: float, first: int, last: int) -> Rate:
    """`inside` from minute `first` to before `last`, else `level`."""
    return lambda minute: inside if first <= minute < last else level


def growing(rate: Rate, per_day: float) -> Rate:
    """`rate`, larger by the share `per_day` with each day."""
    return lambda minute: rate(minute) * (1 + per_day) ** (minute / DAY)


def scaled(traffic: Sequence[Traffic], factor: float) -> List[Traffic]:
    """The same traffic at another volume: a hot node, or a quiet one."""
    def times(rate):
        return lambda minute: rate(minute) * factor
    return [replace(one, rate=times(one.rate)) for one in traffic]


def exponential(mean: float, parts: int = 8) -> List[float]:
    """Durations that together look like an exponential distribution: the middles of its equal parts."""
    return [-mean * math.log(1 - (part + 0.5) / parts) for part in range(parts)]


def addresses(count: int) -> List[str]:
    """Node addresses as AKS gives them in its default subnet."""
    return [f'10.224.{number // 250}.{number % 250 + 4}' for number in range(count)]
