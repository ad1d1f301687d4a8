"""Workloads of the backtest: clusters with a rhythm that goes on for weeks, and noise that never repeats.

A seed makes one Cluster: its size, the setting that it starts with, how its connections behave, and the new
connections of every simulated node in every minute. The simulated nodes are a sample of a larger cluster; IPs are
counted for all of its nodes. Weeks begin on a Monday at midnight.

Noise, in all kinds: each node has a volume of its own (±15 %), each of its days another (7 %) and each hour again
(5 %), and the connections of a minute are a Poisson draw. Refused connections come again in the next minute with the
seed's own probability (0 to 0.5), which swells the count of failures as it does in life.
"""
import math
import random
from dataclasses import dataclass
from typing import Callable, Dict, List, Optional, Sequence, Tuple

from azext_lbplan.facts import snat
from tests.support.workload import DAY, FIN, IDLE, TCP, UDP, Traffic, diurnal, poisson

WEEK = 7 * DAY
TIMEOUT = 30

#: Simulated nodes of each cluster; the smallest number that shows skew and keeps 30 seeds of every kind affordable.
NODES = 3

#: The demand at its usual height, as a multiple of the allocation that the cluster starts with. Half of all clusters
#: start with too few ports: those that do not need a tool are the easy half.
PRESSURE = (0.3, 3.0)


@dataclass(frozen=True)
class Cluster:  # pylint: disable=too-many-instance-attributes
    """One seed of one kind.

    nodes: the traffic of each simulated node, over all weeks. present: for each node whether it runs in a minute
    (None: always). count, max_count: nodes of the whole cluster now and at most. size: its nodes by minute.
    own_ports: the explicit allocation that it starts with, 0 for automatic.
    """

    kind: str
    seed: int
    weeks: int
    nodes: Tuple[Tuple[Traffic, ...], ...]
    present: Tuple[Optional[Callable[[int], bool]], ...]
    count: int
    max_count: int
    size: Callable[[int], int]
    own_ports: int


@dataclass(frozen=True)
class Kind:
    """How to make the traffic of a cluster's nodes. `unpredictable`: why the first week cannot tell, None if it can."""

    build: Callable[['Draw'], None]
    unpredictable: Optional[str] = None


class Draw:  # pylint: disable=too-many-instance-attributes
    """What a seed decides. Kinds add flows to the nodes; `level` is the usual peak in ports of a plain node."""

    def __init__(self, kind: str, seed: int, weeks: int):
        self.random = random.Random(f'{kind}/{seed}')
        self.minutes = weeks * WEEK
        self.weeks = weeks
        self.count = self.max_count = self.random.randint(30, 200)
        explicit = self.random.choice([1024, 1536, 2048, 3072])
        self.own_ports = self.random.choice([0, explicit])
        held = self.own_ports or snat.automatic_ports(self.count, 1)
        low, high = (math.log(bound) for bound in PRESSURE)
        self.level = held * math.exp(self.random.uniform(low, high))
        self.active = self.random.choice([0, 1, 3])
        self.retries = self.random.uniform(0, 0.5)
        self.volumes = [self.random.uniform(0.85, 1.15) for _ in range(NODES)]
        self.flows: List[List[Traffic]] = [[] for _ in range(NODES)]
        self.present: List[Optional[Callable[[int], bool]]] = [None] * NODES
        self.size = lambda minute: self.count

    @property
    def hold(self):
        """Minutes that a connection which is closed in order holds its port (azure-facts section 2)."""
        return self.active + 4

    def add(self, ports: Callable[[int], float], hold: Optional[float] = None, nodes: Optional[Sequence[int]] = None,
            **more):
        """Add connections that hold about `ports(minute)` ports to the nodes, all of them when not named."""
        hold = hold or self.hold
        more = {'active': self.active if more.get('close', FIN) == FIN and more.get('protocol', TCP) == TCP else 0,
                'retries': self.retries, **more}
        for node in range(NODES) if nodes is None else nodes:
            draws = self._draws(ports, self.volumes[node] / hold, self.present[node])
            self.flows[node].append(Traffic(rate=draws.__getitem__, noisy=False, **more))

    def _draws(self, ports, factor, present) -> List[int]:
        """New connections in each minute."""
        draws = []
        for minute in range(self.minutes):
            if minute % DAY == 0:
                daily = factor * math.exp(self.random.gauss(0, 0.07))
            if minute % 60 == 0:
                hourly = daily * math.exp(self.random.gauss(0, 0.05))
            there = present is None or present(minute)
            draws.append(poisson(self.random, ports(minute) * hourly) if there else 0)
        return draws


def make(kind: str, seed: int, weeks: int) -> Cluster:
    """The cluster of one kind and seed."""
    draw = Draw(kind, seed, weeks)
    KINDS[kind].build(draw)
    return Cluster(kind, seed, weeks, tuple(tuple(flows) for flows in draw.flows), tuple(draw.present), draw.count,
                   draw.max_count, draw.size, draw.own_ports)


def _day(draw, low=0.1, high=0.4):
    """A day's rhythm between a share of the level and the level."""
    return diurnal(draw.random.uniform(low, high) * draw.level, draw.level, draw.random.uniform(8, 20))


def steady(draw):
    """The same all week."""
    draw.add(lambda minute: draw.level)


def daily(draw):
    """A smooth day."""
    draw.add(_day(draw))


def weekly(draw):
    """Working days and quiet weekends."""
    day, weekend = _day(draw), draw.random.uniform(0.2, 0.5)
    draw.add(lambda minute: day(minute) * (weekend if minute // DAY % 7 >= 5 else 1))


def bursty(draw):
    """A batch on the hour, or every few hours, of a size that varies by 15 %."""
    every, length = draw.random.choice([60, 60, 180, 360]), draw.random.randint(2, 5)
    sizes = [math.exp(draw.random.gauss(0, 0.15)) for _ in range(draw.minutes // every + 1)]
    base, burst = 0.15 * draw.level, 0.85 * draw.level * draw.hold / min(length, draw.hold)
    draw.add(lambda minute: base + (burst * sizes[minute // every] if minute % every < length else 0))


def skewed(draw):
    """One node carries two to four times as much as the others; the level is its own."""
    share = 1 / draw.random.uniform(2, 4)
    draw.volumes = [1.0] + [share * volume for volume in draw.volumes[1:]]
    draw.add(_day(draw))


def growing(draw):
    """Growth of 0.5 to 2.5 % a day: 4 to 19 % a week. The level is that of the first week's end."""
    _grow(draw, draw.random.uniform(0.005, 0.025))


def growing_fast(draw):
    """Growth of 6 to 12 % a day: 50 to 120 % a week."""
    _grow(draw, draw.random.uniform(0.06, 0.12))


def _grow(draw, per_day):
    day = _day(draw)
    draw.add(lambda minute: day(minute) * (1 + per_day) ** (minute / DAY - 7))


def leak(draw):
    """Most connections are never closed: their ports stay until the idle timeout."""
    day, share = _day(draw), draw.random.uniform(0.5, 0.95)
    draw.add(lambda minute: day(minute) * share, hold=TIMEOUT, close=IDLE)
    draw.add(lambda minute: day(minute) * (1 - share))


def dns(draw):
    """Lookups over UDP, each of which holds a port until the idle timeout, beside some TCP."""
    day, share = _day(draw), draw.random.uniform(0.2, 0.6)
    draw.add(day, hold=TIMEOUT, protocol=UDP)
    draw.add(lambda minute: day(minute) * share)


def deploys(draw):
    """Working days with one to three deploys, each a storm of new connections for 5 to 15 minutes."""
    boost = [0.0] * draw.minutes
    for day in range(draw.minutes // DAY):
        for _ in range(draw.random.randint(1, 3) if day % 7 < 5 else 0):
            start = day * DAY + draw.random.randint(9 * 60, 17 * 60)
            size = 0.6 * draw.level * draw.random.uniform(0.6, 1.0)
            for minute in range(start, start + draw.random.randint(5, 15)):
                boost[minute] = size
    calm = diurnal(0.1 * draw.level, 0.4 * draw.level)
    draw.add(lambda minute: calm(minute) + boost[minute])


def autoscaling(draw):
    """The cluster doubles or triples by day; nodes that come take their share of the load, and leave by night.

    Load follows the nodes, with a delay: nodes are fullest while others are still on their way.
    """
    draw.max_count = draw.random.randint(60, 220)
    draw.count = max(3, round(draw.max_count * draw.random.uniform(0.3, 0.5)))
    draw.size = lambda minute: round(diurnal(draw.count, draw.max_count)(minute))
    if not draw.own_ports:
        draw.level *= snat.automatic_ports(draw.max_count, 1) / snat.automatic_ports(draw.count, 1)
    late = draw.random.randint(10, 30)

    def load(minute):
        wanted = diurnal(draw.count, draw.max_count)
        return draw.level * (0.5 + 0.3 * wanted(minute) / draw.max_count) * wanted(minute) / wanted(minute - late)

    draw.present[1:] = [lambda minute: 8 * 60 <= minute % DAY < 20 * 60] * (NODES - 1)
    draw.add(load)


def _incidents(draw, first_week):
    """A slow dependency, once or twice a week: connections pile up for 20 to 60 minutes and are tried again."""
    boost = [0.0] * draw.minutes
    for week in range(first_week, draw.weeks):
        for _ in range(draw.random.randint(1, 2)):
            start = week * WEEK + draw.random.randint(0, WEEK - 61)
            size = draw.level * draw.random.uniform(0.5, 0.8)
            for minute in range(start, start + draw.random.randint(20, 60)):
                boost[minute] = size
    calm = diurnal(0.1 * draw.level, 0.25 * draw.level)
    draw.add(calm)
    draw.add(boost.__getitem__, retries=0.8, attempts=2)


def incident(draw):
    """Incidents, of a size that varies, in every week."""
    _incidents(draw, 0)


def first_incident(draw):
    """The same, but none in the week that was measured."""
    _incidents(draw, 1)


KINDS: Dict[str, Kind] = {
    'steady': Kind(steady), 'diurnal': Kind(daily), 'weekly': Kind(weekly), 'bursty': Kind(bursty),
    'skewed': Kind(skewed), 'growing': Kind(growing), 'leak': Kind(leak), 'dns': Kind(dns),
    'deploys': Kind(deploys), 'autoscaling': Kind(autoscaling), 'incident': Kind(incident),
    'growing fast': Kind(growing_fast, 'it grows beyond the horizon: 50 to 120 % in the week after the measured one'),
    'first incident': Kind(first_incident, 'nothing in the measured week is like it'),
}
