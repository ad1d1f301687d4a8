"""Workloads of the backtest: clusters with a rhythm that goes on for weeks, and noise that never repeats.

A seed makes one Cluster: its size, the setting that it starts with, how its connections behave, and the new
connections of every simulated node in every minute. The simulated nodes are a sample of a larger cluster; IPs are
counted for all of its nodes. Weeks begin on a Monday at midnight.

Noise, in all kinds: each node has a volume of its own (±15 %), each of its days another (7 %) and each hour again
(5 %), and the connections of a minute are a Poisson draw. Refused connections come again in the next minute with the
seed's own probability (0 to 0.5), which swells the count of failures as it does in life. Each week draws from a
generator of its own: `busier` multiplies what comes after the first week, which stays the same.

Half of the kinds are for tuning; the others were looked at once, when the rule was frozen.
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

#: The seeds of the tuning half. Those of the held-out half come from the hash of the commit that froze the rule: see
#: backtest.held_out_seeds.
TUNING_SEEDS = tuple(range(1000, 1010))


@dataclass(frozen=True)
class View:
    """How the first week's metrics are told: the share of points that are missing, of all series `alike` or of each on
    its own; whether maxima are served; whether there are connections that are pending, and ports that await removal;
    the minute of an upgrade that gives all nodes new addresses."""

    missing: float = 0.0
    alike: bool = False
    maximum: bool = True
    pending: bool = False
    awaiting: bool = False
    upgrade: Optional[int] = None


@dataclass(frozen=True)
class Cluster:
    """One seed of one kind.

    nodes: the traffic of each simulated node, over all weeks. present: for each node whether it runs in a minute
    (None: always). count, max_count: nodes of the whole cluster now and at most. size: its nodes by minute.
    own_ports: the explicit allocation that it starts with, 0 for automatic. view: what its metrics lack.
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
    view: View = View()


@dataclass(frozen=True)
class Kind:
    """How to make the traffic of a cluster's nodes. `tuning`: whether the rule was tuned on it. `unpredictable`: why
    the first week cannot tell, None if it can."""

    build: Callable[['Draw'], None]
    tuning: bool
    unpredictable: Optional[str] = None


class Draw:
    """What a seed decides. Kinds add flows to the nodes; `level` is the usual peak in ports of a plain node."""

    def __init__(self, kind: str, seed: int, weeks: int, busier: float = 1.0):
        self.name, self.busier = f'{kind}/{seed}', busier
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
        self.retries, self.more = self.random.uniform(0, 0.5), {}
        self.view = View()
        self.dispersion = 1.0
        self.volumes = [self.random.uniform(0.85, 1.15) for _ in range(NODES)]
        self.flows: List[List[Traffic]] = [[] for _ in range(NODES)]
        self.present: List[Optional[Callable[[int], bool]]] = [None] * NODES
        self.size = lambda minute: self.count

    @property
    def hold(self):
        """Minutes that a connection which is closed in order holds its port (AZURE-FACTS section 2)."""
        return self.active + 4

    def add(self, ports: Callable[[int], float], hold: Optional[float] = None, nodes: Optional[Sequence[int]] = None,
            **more):
        """Add connections that hold about `ports(minute)` ports to the nodes, all of them when not named."""
        hold = hold or self.hold
        more = {'active': self.active if more.get('close', FIN) == FIN and more.get('protocol', TCP) == TCP else 0,
                'retries': self.retries, **self.more, **more}
        for node in range(NODES) if nodes is None else nodes:
            draws = self._draws(ports, self.volumes[node] / hold, self.present[node],
                                f'{self.name}/{node}/{len(self.flows[node])}')
            self.flows[node].append(Traffic(rate=draws.__getitem__, noisy=False, **more))

    def _draws(self, ports, factor, present, name) -> List[int]:
        """New connections in each minute."""
        draws = []
        for minute in range(self.minutes):
            if minute % WEEK == 0:
                generator = random.Random(f'{name}/{minute // WEEK}')
                volume = factor * (self.busier if minute else 1.0)
            if minute % DAY == 0:
                daily = volume * math.exp(generator.gauss(0, 0.07))
            if minute % 60 == 0:
                hourly = daily * math.exp(generator.gauss(0, 0.05))
            there = present is None or present(minute)
            draws.append(self._draw(generator, ports(minute) * hourly) if there else 0)
        return draws

    def _draw(self, generator, mean):
        """A number of connections with the variance of `dispersion` times Poisson's."""
        if self.dispersion > 1 and mean > 0:
            # A mean that is itself drawn, with variance mean × (dispersion - 1).
            spread = self.dispersion - 1
            mean = generator.gammavariate(mean / spread, spread)
        return poisson(generator, mean)


def make(kind: str, seed: int, weeks: int, busier: float = 1.0) -> Cluster:
    """The cluster of one kind and seed, with `busier` times the connections after the first week."""
    return built(kind, KINDS[kind].build, seed, weeks, busier)


def built(kind: str, build: Callable[[Draw], None], seed: int, weeks: int, busier: float = 1.0) -> Cluster:
    """The same, where `build` makes the traffic."""
    draw = Draw(kind, seed, weeks, busier)
    build(draw)
    return Cluster(kind, seed, weeks, tuple(tuple(flows) for flows in draw.flows), tuple(draw.present), draw.count,
                   draw.max_count, draw.size, draw.own_ports, draw.view)


def day_of(draw, low=0.1, high=0.4):
    """A day's rhythm between a share of the level and the level."""
    return diurnal(draw.random.uniform(low, high) * draw.level, draw.level, draw.random.uniform(8, 20))


def steady(draw):
    """The same all week."""
    draw.add(lambda minute: draw.level)


def daily(draw):
    """A smooth day."""
    draw.add(day_of(draw))


def weekly(draw):
    """Working days and quiet weekends."""
    day, weekend = day_of(draw), draw.random.uniform(0.2, 0.5)
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
    draw.add(day_of(draw))


def growing(draw):
    """Growth of 0.5 to 2.5 % a day: 4 to 19 % a week. The level is that of the first week's end."""
    _grow(draw, draw.random.uniform(0.005, 0.025))


def growing_fast(draw):
    """Growth of 6 to 12 % a day: 50 to 120 % a week."""
    _grow(draw, draw.random.uniform(0.06, 0.12))


def _grow(draw, per_day):
    day = day_of(draw)
    draw.add(lambda minute: day(minute) * (1 + per_day) ** (minute / DAY - 7))


def leak(draw):
    """Most connections are never closed: their ports stay until the idle timeout."""
    day, share = day_of(draw), draw.random.uniform(0.5, 0.95)
    draw.add(lambda minute: day(minute) * share, hold=TIMEOUT, close=IDLE)
    draw.add(lambda minute: day(minute) * (1 - share))


def dns(draw):
    """Lookups over UDP, each of which holds a port until the idle timeout, beside some TCP."""
    day, share = day_of(draw), draw.random.uniform(0.2, 0.6)
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


def retrying(draw):
    """Refused connections fail one to five times each, and 0 to 0.9 of them come again in the next minute."""
    draw.more = {'retries': draw.random.uniform(0, 0.9), 'attempts': draw.random.choice([1, 1, 2, 3, 5])}
    draw.add(day_of(draw))


def backing_off(draw):
    """The same, but they come again after 1, 2 and 4 minutes."""
    draw.more = {'retries': draw.random.uniform(0, 0.9), 'attempts': draw.random.choice([1, 1, 2, 3]),
                 'again_after': (1, 2, 4)}
    draw.add(day_of(draw))


def overdispersed(draw):
    """Connections that come in clusters: 2 to 5 times the variance of Poisson's."""
    draw.dispersion = draw.random.uniform(2, 5)
    draw.add(day_of(draw))


def cron(draw):
    """Jobs of different lengths at minutes of their own, some every hour, some every few, on a smooth day."""
    jobs = [(draw.random.choice([60, 60, 120, 240, DAY]), draw.random.randint(0, 59), draw.random.randint(1, 20),
             draw.random.uniform(0.1, 0.35)) for _ in range(4)]
    day = diurnal(0.1 * draw.level, 0.35 * draw.level)
    draw.dispersion = draw.random.uniform(1, 3)
    draw.add(lambda minute: day(minute) + draw.level * sum(
        share for every, at, length, share in jobs if (minute - at) % every < length))


def step_seen(draw):
    """A step of +40 % on a day of the first week."""
    _step(draw, draw.random.randint(2, 5) * DAY)


def step_unseen(draw):
    """A step of +40 % on a day of the second week."""
    _step(draw, WEEK + draw.random.randint(1, 5) * DAY)


def _step(draw, at):
    day = day_of(draw)
    draw.add(lambda minute: day(minute) * (1.0 if minute >= at else 1 / 1.4))


def growing_slowly(draw):
    """Growth of 3 % a week."""
    _grow(draw, 1.03 ** (1 / 7) - 1)


def growing_steadily(draw):
    """Growth of 10 % a week."""
    _grow(draw, 1.10 ** (1 / 7) - 1)


def rotating(draw):
    """A hot workload, two to four times the others, that moves to another node each day."""
    day, share = day_of(draw), 1 / draw.random.uniform(2, 4)
    draw.volumes = [1.0] * NODES
    for node in range(NODES):
        draw.add(lambda minute, node=node: day(minute) * (1 if minute // DAY % NODES == node else share), nodes=[node])


def leak_until_restart(draw):
    """Connections that are never closed, until what holds them is restarted once in one to three days."""
    every = draw.random.choice([1, 2, 3]) * DAY
    calm = diurnal(0.1 * draw.level, 0.3 * draw.level)
    draw.add(calm)
    draw.add(lambda minute: 0.7 * draw.level, hold=every, every=every)


def udp_beside_tcp(draw):
    """Any share of UDP, both with a day of their own."""
    share = draw.random.uniform(0.1, 0.9)
    udp, tcp = day_of(draw), day_of(draw)
    draw.add(lambda minute: udp(minute) * share, hold=TIMEOUT, protocol=UDP)
    draw.add(lambda minute: tcp(minute) * (1 - share))


def gaps(draw):
    """1 to 30 % of all points are missing, each on its own."""
    draw.view = View(missing=draw.random.uniform(0.01, 0.3))
    draw.add(day_of(draw))


def gaps_alike(draw):
    """1 to 30 % of all points are missing, at the same times in all series."""
    draw.view = View(missing=draw.random.uniform(0.01, 0.3), alike=True)
    draw.add(day_of(draw))


def averages_only(draw):
    """Maxima are not served."""
    draw.view = View(maximum=False)
    draw.add(day_of(draw))


def pending(draw):
    """As many connections are pending as were successful."""
    draw.view = View(pending=True)
    draw.add(day_of(draw))


def awaiting(draw):
    """Ports await removal, on the same frontend and on another one."""
    draw.view = View(awaiting=True)
    draw.add(day_of(draw))


def upgraded(draw):
    """An upgrade in the first week gives all nodes new addresses."""
    draw.view = View(upgrade=draw.random.randint(1, 5) * DAY + draw.random.randint(0, DAY))
    draw.add(day_of(draw))


_HORIZON = 'it grows beyond the horizon: 50 to 120 % in the week after the measured one'
_RESTART = 'what is held grows until a restart, and a full node says nothing of when that would have been'

KINDS: Dict[str, Kind] = {
    'steady': Kind(steady, True), 'weekly': Kind(weekly, True), 'bursty': Kind(bursty, True),
    'leak': Kind(leak, True), 'deploys': Kind(deploys, True), 'autoscaling': Kind(autoscaling, True),
    'retrying': Kind(retrying, True), 'overdispersed': Kind(overdispersed, True),
    'step seen': Kind(step_seen, True), 'growing slowly': Kind(growing_slowly, True),
    'UDP beside TCP': Kind(udp_beside_tcp, True), 'gaps': Kind(gaps, True), 'upgraded': Kind(upgraded, True),
    'diurnal': Kind(daily, False), 'skewed': Kind(skewed, False), 'growing': Kind(growing, False),
    'dns': Kind(dns, False), 'incident': Kind(incident, False), 'backing off': Kind(backing_off, False),
    'cron': Kind(cron, False), 'rotating': Kind(rotating, False), 'growing 10 %': Kind(growing_steadily, False),
    'gaps alike': Kind(gaps_alike, False), 'averages only': Kind(averages_only, False),
    'pending': Kind(pending, False), 'awaiting removal': Kind(awaiting, False),
    'first incident': Kind(first_incident, True, 'nothing in the measured week is like it'),
    'growing fast': Kind(growing_fast, False, _HORIZON),
    'step unseen': Kind(step_unseen, False, 'the step of +40 % comes after the measured week'),
    'leak until restart': Kind(leak_until_restart, False, _RESTART),
}
