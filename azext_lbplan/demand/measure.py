# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""From the answers of Azure Monitor to the demand for ports per node, with the evidence (ARCHITECTURE.md, Demand)."""

from collections import Counter
from math import ceil
from typing import Iterable, Mapping, NamedTuple, Optional, Sequence, Tuple

from ..facts.clusters import DEFAULT_IDLE_TIMEOUT_IN_MINUTES
from ..facts.snat import MAX_ARM_IDLE_TIMEOUT, MIN_IDLE_TIMEOUT, PORT_BLOCK, ceil8
from ..model.answers import Answer, Measurements, parse
from ..model.metrics import ALLOCATED, USED, timestamp
from .episodes import Episode, NodeDemand, Peak, highest
from .forecast import LEAST_DAYS, Forecast, daily_peaks, forecast
from .hold import Hold, judge_hold
from .retries import MOST_EXCESS, Judged, judge_retries
from .saturation import judge_node
from .statistics import Coverage, cluster_peak, cover, quantiles
from .tables import BOTH, Tables
from .tabulate import tabulate

SUFFICIENT = 'sufficient'
INSUFFICIENT = 'insufficientData'
NO_DATA = 'noData'
NOT_APPLICABLE = 'notApplicable'

#: Less than this is not enough to judge a daily rhythm. Source: ARCHITECTURE.md, Demand.
LEAST_HOURS = 24
LEAST_COVERAGE = 0.5

#: The IPs that the demand with its headroom takes have room to spare, which is filled up to this multiple of the
#: demand: it costs nothing and puts off the next change. In the tuning half of the backtest, with 15 % headroom and in
#: a week 15 % busier than the measured one, failing node-minutes of 100,000 went from 20 to 0.9; with 1.25 to 2.5, with
#: 2.0 no lower.
ROOM = 1.5

#: How many of the busiest nodes the evidence names: as many as a table shows at a glance.
BUSIEST = 5


class BusyNode(NamedTuple):
    """One of the busiest nodes: ports at its peak, allocated then; utilization 0 to about 1."""

    node: str
    peak_ports: int
    allocated_ports: Optional[int]
    utilization: Optional[float]
    failed_connections: Optional[int]


class DemandRange(NamedTuple):
    """Between what ports the demand lies: `low`, what is most `likely`, and `high`, None where nothing bounds it. `how`
    says in words where the range comes from."""

    low: int
    likely: int
    high: Optional[int]
    how: str


class Evidence(NamedTuple):
    """What the metrics show; the fields are those of `evidence` in the result, in Python's spelling.

    Times are ISO texts. `demand_ports_per_node` is before headroom and margin; with `demand_is_estimate` it is what
    refused connections would have needed too, and with `demand_is_capped` at least that. `demand_range` says how sure
    it is: the demand is the upper end. `demand_node` is the node that has it, `demand_node_gone` whether that stopped
    reporting before the end: what it ran may come back elsewhere, so that it counts all the same.
    Everything but status, reason, start and end is None where nothing was measured.
    """

    status: str
    reason: Optional[str] = None
    start: Optional[str] = None
    end: Optional[str] = None
    nodes_observed: Optional[int] = None
    points_observed: Optional[int] = None
    coverage: Optional[float] = None
    allocated_ports_per_node: Optional[int] = None
    peak_ports_per_node: Optional[int] = None
    peak_at: Optional[str] = None
    peak_node: Optional[str] = None
    peak_protocol: Optional[str] = None
    peak_utilization: Optional[float] = None
    median_ports_per_node: Optional[int] = None
    p999_ports_per_node: Optional[int] = None
    minute_grain_share: Optional[float] = None
    failed_connections: Optional[int] = None
    saturated: Optional[bool] = None
    demand_ports_per_node: Optional[int] = None
    demand_is_estimate: Optional[bool] = None
    demand_is_capped: Optional[bool] = None
    demand_range: Optional[DemandRange] = None
    demand_node: Optional[str] = None
    demand_node_failed_connections: Optional[int] = None
    demand_node_gone: Optional[bool] = None
    mean_port_hold_minutes: Optional[float] = None
    idle_timeout_bound: Optional[bool] = None
    idle_timeout_relief: Optional[float] = None
    busiest_nodes: Tuple[BusyNode, ...] = ()


class Demand(NamedTuple):
    """What the busiest node needs, in ports per node, and how it is known.

    unsaturated_peak: the highest use in minutes that were not saturated. estimate: the most that saturated episodes
    call for; None without any. days: time with data. peak_is_exact: False where the highest use may lie in a coarse
    interval (or protocols were not told apart), so that it is a bound. unexplained_failures: failed connections with
    ports to spare; they scale nothing. skew: the busiest node's peak over the median of the nodes' peaks.
    nodes_gone: nodes whose reports ended before the window did. cluster_peak_ports: the busiest minute of the whole
    cluster, of the larger protocol; an upper bound unless cluster_peak_is_exact. truncated: series may be missing.
    forecast: the trend of the daily peak; None where less than two weeks were measured.
    outgrown: the estimate is of a time with fewer ports per node than now, and is no more than there are now.
    """

    evidence: Evidence
    unsaturated_peak: Optional[float] = None
    estimate: Optional[float] = None
    days: float = 0.0
    peak_is_exact: bool = False
    unexplained_failures: Optional[int] = None
    skew: Optional[float] = None
    nodes_gone: Optional[int] = None
    cluster_peak_ports: Optional[int] = None
    cluster_peak_at: Optional[str] = None
    cluster_peak_is_exact: bool = False
    truncated: bool = False
    forecast: Optional[Forecast] = None
    outgrown: bool = False

    @property
    def sufficient(self) -> bool:
        """Whether enough was measured, so that silence means something."""
        return self.evidence.status == SUFFICIENT

    @property
    def actionable(self) -> bool:
        """Whether a decision may rest on it: enough data, or less with failures, which are a floor."""
        if self.evidence.status == INSUFFICIENT:
            return bool(self.evidence.saturated and self.evidence.failed_connections)
        return self.evidence.status == SUFFICIENT

    @property
    def ports(self) -> Optional[int]:
        """The demand in whole ports, as it is shown; None where nothing is known."""
        if self.unsaturated_peak is None and self.estimate is None:
            return None
        return _whole(max(self.unsaturated_peak or 0, self.estimate or 0))

    @property
    def cluster_ports(self) -> Optional[int]:
        """Ports of the whole cluster in its busiest minute. What full nodes refused is not in that: where the demand is
        an estimate, all are taken to have wanted as many times more as the busiest one did. None: nothing known."""
        used, ports, peak = self.cluster_peak_ports, self.ports, self.evidence.peak_ports_per_node
        if used is None or not self.evidence.demand_is_estimate or not ports or not peak:
            return used
        return _whole(used * max(1.0, ports / peak))

    @property
    def margin(self) -> float:
        """How much a peak may grow, for the shortness of the history: 2 for one day, 1.14 for seven."""
        return round(min(2.0, 1 + 1 / self.days), 3) if self.days > 0 else 2.0

    def trigger(self, headroom: float) -> Optional[int]:
        """Change only when today's allocation is below this many ports, the demand with `headroom` in percent; the
        IPs are those that it takes. None: nothing known."""
        if self.ports is None:
            return None
        if self.outgrown:
            # Old failures do not ask again for more: what is used since then is measured.
            return max(self.ports, _whole(_whole(self.unsaturated_peak or 0) * (1 + headroom / 100)))
        return _whole(self.ports * (1 + headroom / 100))

    def target(self, headroom: float) -> Optional[int]:
        """How far the free room of these IPs is filled: a multiple of 8, at least `trigger`. `headroom` in percent."""
        if self.ports is None:
            return None
        return max(PORT_BLOCK, ceil8(_exact(self.ports * max(ROOM, 1 + headroom / 100))))

    def spare(self, headroom: float) -> Optional[int]:
        """What must still be carried where ports are taken away: `trigger` with the margin for what so short a history
        did not show, so that the next week does not ask for them again."""
        trigger = self.trigger(headroom)
        return None if trigger is None else _whole(trigger * self.margin)


def _exact(ports: float) -> float:
    """`ports` without the noise of binary fractions, which must not round 1250.0000000000002 up to 1256."""
    return round(ports, 6)


def unmeasured(status: str, reason: str, start: Optional[int] = None, end: Optional[int] = None) -> Demand:
    """No data or not applicable, for a `reason` that the caller knows: 403, not captured, stopped, another type."""
    return Demand(Evidence(status, reason, _time(start), _time(end)))


def measure(answers: Iterable[Answer], idle_timeout: Optional[int] = None) -> Demand:
    """The demand that `answers` of both passes show, in any order; `idle_timeout` in minutes, as in force."""
    answers = tuple(answers)
    measured = parse(answers)
    if not answers:
        return unmeasured(NO_DATA, 'no metrics were captured')
    tables = tabulate(measured)
    window = _window(answers, measured)
    if window is None or not tables.used and not tables.buckets:
        return unmeasured(NO_DATA, _why_empty(measured), *(window or ()))
    start, end = window
    valid = idle_timeout is not None and MIN_IDLE_TIMEOUT <= idle_timeout <= MAX_ARM_IDLE_TIMEOUT
    timeout = idle_timeout if idle_timeout and valid else DEFAULT_IDLE_TIMEOUT_IN_MINUTES
    retries = judge_retries(tables.flows.values())
    nodes = {node: judge_node(tables, node, timeout, retries.fewest) for node in tables.nodes}
    coverage = cover(tables, end)
    demand = _add_demand(_describe(measured, tables, nodes, coverage), nodes, coverage)
    evidence = _add_hold(demand.evidence, judge_hold(tables, demand.evidence.peak_node, timeout))
    evidence = evidence._replace(start=_time(start), end=_time(end),
                                 demand_range=_range(demand, tables, timeout, retries))
    # A trend takes more days than most windows have, and the peak of each takes a look at every minute.
    trend = forecast(daily_peaks(tables)) if coverage.days >= LEAST_DAYS else None
    return demand._replace(evidence=evidence, forecast=trend)


def _add_hold(evidence: Evidence, hold: Hold) -> Evidence:
    """`evidence` with how long ports are held."""
    return evidence._replace(
        idle_timeout_bound=hold.idle_bound,
        mean_port_hold_minutes=None if hold.minutes is None else round(hold.minutes, 1),
        idle_timeout_relief=None if hold.relief is None else round(hold.relief, 2))


def _range(demand: Demand, tables: Tables, timeout: float, retries: Judged) -> Optional[DemandRange]:
    """How sure the demand is."""
    evidence, ports = demand.evidence, demand.ports
    if ports is None or evidence.demand_node is None:
        return None
    if not evidence.demand_is_estimate:
        return DemandRange(ports, ports, ports if demand.peak_is_exact else None, _measured_how(demand))
    low, likely = (min(ports, _whole(judge_node(tables, evidence.demand_node, timeout, some).ports))
                   for some in (retries.most, retries.likely))
    return DemandRange(low, likely, None if evidence.demand_is_capped else ports, _estimated_how(retries, evidence))


def _measured_how(demand: Demand) -> str:
    if demand.peak_is_exact:
        return 'the highest use of a node, measured with ports to spare'
    return 'the highest use that was read; minutes that were not read by themselves may have had more'


def _estimated_how(retries: Judged, evidence: Evidence) -> str:
    """Where the range of an estimate comes from."""
    if evidence.failed_connections is None:
        return 'a node had no port left, and connections could not be read'
    if retries.excess is None:
        return ('too few minutes with failures to tell connections from retries: at the most each failure is a '
                'connection of its own')
    most, fewest = ((1 - some.again) / some.attempts for some in (retries.most, retries.fewest))
    bursts = f', and connections come in clusters ({retries.excess:.1f} times the variance of chance)' \
        if retries.excess > MOST_EXCESS else ''
    return f'{most:.0%} to {fewest:.0%} of the failures are connections, the others are retries{bursts}'


def _window(answers: Sequence[Answer], measured: Measurements) -> Optional[Tuple[int, int]]:
    """The time that was asked about; where nobody says, from the first point to the last. None without any."""
    spans = [(answer.query.start, answer.query.end) for answer in answers
             if answer.query and USED in answer.query.metrics]
    if not spans:
        spans = [(series.minutes[0], series.minutes[-1] + series.interval) for series in measured.series
                 if series.metric == USED]
    return (min(start for start, _ in spans), max(end for _, end in spans)) if spans else None


def _why_empty(measured: Measurements) -> str:
    """Why there is nothing to judge, in words."""
    if measured.problems:
        return 'Azure Monitor reported errors: ' + ', '.join(measured.problems)
    if any(series.metric in (USED, ALLOCATED) for series in measured.series):
        return f'Azure Monitor has no {USED} split by node for this load balancer'
    return f'Azure Monitor has no {USED} for this load balancer in this time'


def _describe(measured: Measurements, tables: Tables, nodes: Mapping[str, NodeDemand], coverage: Coverage) -> Demand:
    """All but the demand itself and the hold time."""
    peaks = sorted((judged.peak for judged in nodes.values() if judged.peak),
                   key=lambda peak: (-peak.ports, peak.minutes, peak.minute, peak.node))
    top = peaks[0]
    counted = bool(tables.flows or tables.bucket_flows)
    failed = sum(judged.failed for judged in nodes.values())
    median, p999 = quantiles(tables, (0.5, 0.999))
    cluster = cluster_peak(tables)
    middle = sorted(peak.ports for peak in peaks)[(len(peaks) - 1) // 2]
    status, reason = _status(coverage)
    evidence = Evidence(
        status, reason, nodes_observed=coverage.nodes, points_observed=measured.points,
        coverage=round(coverage.share, 3), allocated_ports_per_node=_allocated(tables),
        peak_ports_per_node=_whole(top.ports), peak_at=_time(top.minute), peak_node=top.node,
        peak_protocol=top.protocol, peak_utilization=_share(top.utilization),
        median_ports_per_node=_whole(median), p999_ports_per_node=_whole(p999),
        minute_grain_share=round(coverage.minute_grain, 3),
        failed_connections=round(failed) if counted else None,
        saturated=any(judged.episodes for judged in nodes.values()), busiest_nodes=_busiest(peaks, nodes, counted))
    return Demand(evidence, days=coverage.minutes / 1440,
                  unexplained_failures=round(sum(judged.unexplained for judged in nodes.values())) if counted else None,
                  skew=round(top.ports / middle, 2) if middle else None, nodes_gone=len(coverage.gone),
                  cluster_peak_ports=_whole(cluster.ports), cluster_peak_at=_time(cluster.minute),
                  cluster_peak_is_exact=cluster.exact, truncated=measured.truncated)


def _add_demand(demand: Demand, nodes: Mapping[str, NodeDemand], coverage: Coverage) -> Demand:
    """The unsaturated peak and the estimate over all `nodes`, and what follows from them."""
    calm = highest(*(judged.unsaturated for judged in nodes.values()))
    worst = max((episode for judged in nodes.values() for episode in judged.episodes),
                key=lambda episode: (episode.estimate, episode.capped, -episode.start), default=None)
    unsaturated, estimate = calm.ports if calm else None, worst.estimate if worst else None
    evidence = demand.evidence._replace(demand_ports_per_node=_whole(max(unsaturated or 0, estimate or 0)),
                                        demand_is_estimate=False, demand_is_capped=False)
    if worst is not None and worst.estimate > (unsaturated or 0):
        # A node that was full and refused nothing is no estimate: that was all it wanted.
        evidence = _of_node(evidence, worst.node, nodes, coverage)._replace(
            demand_is_estimate=worst.estimate > worst.allocated, demand_is_capped=worst.capped)
    elif calm is not None:
        evidence = _of_node(evidence, calm.node, nodes, coverage)
    return demand._replace(evidence=evidence, unsaturated_peak=unsaturated, estimate=estimate,
                           outgrown=worst is not None and _outgrown(evidence, worst),
                           peak_is_exact=_is_exact(demand.evidence, nodes))


def _outgrown(evidence: Evidence, worst: Episode) -> bool:
    """Whether the estimate is that of an allocation which has grown past it since."""
    now = evidence.allocated_ports_per_node or 0
    return bool(evidence.demand_is_estimate) and worst.allocated < now and worst.estimate <= now


def _of_node(evidence: Evidence, node: str, nodes: Mapping[str, NodeDemand], coverage: Coverage) -> Evidence:
    """`evidence` with the node whose demand it is."""
    failed = None if evidence.failed_connections is None else round(nodes[node].failed)
    return evidence._replace(demand_node=node, demand_node_failed_connections=failed,
                             demand_node_gone=node in coverage.gone)


def _is_exact(evidence: Evidence, nodes: Mapping[str, NodeDemand]) -> bool:
    """Whether no unread interval may hide a higher use, and protocols were told apart."""
    ceiling = max((judged.ceiling for judged in nodes.values() if judged.ceiling is not None), default=0.0)
    return evidence.peak_protocol != BOTH and ceiling <= (evidence.peak_ports_per_node or 0)


def _status(coverage: Coverage) -> Tuple[str, Optional[str]]:
    """Whether what was measured is enough, and if not, why."""
    hours = coverage.minutes / 60
    if hours < LEAST_HOURS:
        return INSUFFICIENT, f'{hours:.1f} hours of metrics, at least {LEAST_HOURS} are needed'
    if coverage.share < LEAST_COVERAGE:
        return INSUFFICIENT, f'metrics cover {coverage.share:.0%} of the time, at least {LEAST_COVERAGE:.0%} are needed'
    return SUFFICIENT, None


def _allocated(tables: Tables) -> Optional[int]:
    """The allocation that most nodes had last; of the smaller one when two are as frequent."""
    last = [allocation.last for allocation in
            (tables.allocation(*key) for key in sorted({**tables.allocated, **tables.bucket_allocated}))
            if allocation.last]
    if not last:
        return None
    latest = max(minute for minute, _ in last)
    counts = Counter(round(ports) for minute, ports in last if minute > latest - 60)
    return max(counts, key=lambda ports: (counts[ports], -ports))


def _busiest(peaks: Sequence[Peak], nodes: Mapping[str, NodeDemand], counted: bool) -> Tuple[BusyNode, ...]:
    """The nodes with the highest peaks, those with failures first among equals."""
    order = sorted(peaks, key=lambda peak: (-peak.ports, -nodes[peak.node].failed, peak.node))
    return tuple(BusyNode(peak.node, _whole(peak.ports),
                          None if peak.allocated is None else _whole(peak.allocated), _share(peak.utilization),
                          round(nodes[peak.node].failed) if counted else None) for peak in order[:BUSIEST])


def _whole(ports: float) -> int:
    """Ports, rounded up: half a port is a port."""
    return ceil(_exact(ports))


def _share(value: Optional[float]) -> Optional[float]:
    return None if value is None else round(value, 3)


def _time(minute: Optional[int]) -> Optional[str]:
    return None if minute is None else timestamp(minute)
