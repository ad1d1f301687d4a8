"""What is set for the weeks to come, from what one week showed: by hand, by rules of thumb, by lbplan, by foresight."""
from dataclasses import dataclass
from functools import partial
from typing import Callable, Dict, List, Optional

from azext_lbplan.decision.decide import decide_with
from azext_lbplan.facts import snat
from azext_lbplan.demand import measure
from azext_lbplan.decision.nodes import count_nodes
from azext_lbplan.options import DEFAULT_HEADROOM, Options, Scale
from tests.support.asking import Asked
from tests.support.spoiled import missing
from tests.support.cases import body, managed, observe
from tests.azure.builders import pool

from .replay import START, Replay
from .workloads import DAY, TIMEOUT, WEEK, Cluster

#: The largest share of a node's minutes that a high percentile leaves out.
PERCENTILE = 0.95

#: The article's example of an allocation: "--load-balancer-outbound-ports 4000".
ARTICLE_PORTS = 4000


@dataclass(frozen=True)
class Setting:
    """Ports per node (0: automatic) and managed outbound IPs."""

    ports: int
    ips: int


def observed(cluster: Cluster, setting: Setting):
    """The cluster under `setting`, as it is read from ARM. Its surge is set: what Azure does without is in doubt."""
    scales = {'max_count': cluster.max_count} if cluster.max_count > cluster.count else {}
    pools = [pool(count=cluster.count, max_surge=1, **scales)]
    return observe(body(pools, **managed(setting.ips), idleTimeoutInMinutes=TIMEOUT,
                        allocatedOutboundPorts=setting.ports))


def required(cluster: Cluster) -> int:
    """The nodes to size for: at most, with the surge of an upgrade."""
    return count_nodes(observed(cluster, Setting(0, 1)).cluster, Scale()).required


def fewest(cluster: Cluster, ports: float) -> Setting:
    """At least so many `ports` per node, on the fewest IPs."""
    ports = max(snat.PORT_BLOCK, snat.ceil8(ports))
    return Setting(ports, snat.ips_needed(ports, required(cluster)))


def own(cluster: Cluster) -> Setting:
    """What the cluster starts with."""
    return fewest(cluster, cluster.own_ports) if cluster.own_ports else Setting(0, 1)


class Metrics:
    """What can be known of one week: raw series for people, and both passes over Azure Monitor for lbplan."""

    def __init__(self, replay: Replay, week: int, setting: Setting, before: Optional[Setting] = None):
        """Of all of `week` under `setting`; with `before`, of the seven days up to the first of `week`, of which all
        but that were under `before`."""
        self.replay, self.setting = replay, setting
        self._end = START + (week + 1) * WEEK if before is None else START + week * WEEK + DAY
        self._key = (week, setting.ports, before and before.ports)
        self.workload = (replay.metrics(week, setting.ports) if before is None else
                         replay.metrics_after_a_day(before.ports, setting.ports))

    @property
    def demand(self):
        """lbplan's measured demand, from what both passes read."""
        known, key = self.replay.demands, self._key
        if key not in known:
            known[key] = measure(self.answers, TIMEOUT)
        return known[key]

    @property
    def answers(self):
        """What Azure Monitor says of the week, as far as the cluster's view goes."""
        view = self.replay.cluster.view
        spoil = missing(view.missing, view.alike) if view.missing else None
        return Asked(self.workload, self._end, timeout=TIMEOUT, spoil=spoil, maximum=view.maximum).answers

    def used(self) -> List[List[int]]:
        """Ports in use, sorted, of each node and protocol."""
        return [sorted(value for value in values if value is not None)
                for node in self.workload.nodes.values() for values in node.used.values()]


def automatic(metrics: Metrics) -> Setting:
    """Azure's default: by the size of the cluster, on one IP."""
    del metrics
    return Setting(0, 1)


def for_all(metrics: Metrics) -> Setting:
    """1024 ports for every node: what small clusters get, made explicit."""
    return fewest(metrics.replay.cluster, 1024)


def percentile(metrics: Metrics) -> Setting:
    """The 95th percentile of the busiest node's minutes, and 20 %."""
    return fewest(metrics.replay.cluster, 1.2 * max(values[int(PERCENTILE * len(values))] for values in metrics.used()))


def maximum(metrics: Metrics) -> Setting:
    """The observed maximum and 25 %, whether or not it was the ceiling."""
    return fewest(metrics.replay.cluster, 1.25 * max(values[-1] for values in metrics.used()))


def article(metrics: Metrics) -> Setting:
    """The article's troubleshooting: when connections failed, more IPs and ports, with the numbers of its example.

    Its formula asks for strictly more than nodes × ports.
    """
    if not any(any(filter(None, node.failed)) for node in metrics.workload.nodes.values()):
        return metrics.setting
    ports = max(ARTICLE_PORTS, metrics.setting.ports)
    return Setting(ports, ports * required(metrics.replay.cluster) // snat.PORTS_PER_IP + 1)


def ours(metrics: Metrics, allow_decrease=False, headroom=DEFAULT_HEADROOM) -> Setting:
    """`az aks lb recommend`, its command applied."""
    before = observed(metrics.replay.cluster, metrics.setting)
    decision = decide_with(before, Options(allow_decrease=allow_decrease, headroom=headroom, measure=True),
                           metrics.demand)
    if not decision.flags:
        return metrics.setting
    settings = decision.proposed.settings
    return Setting(settings.outbound_ports or 0, settings.outbound_ip_count)


def exact(metrics: Metrics) -> Setting:
    """What an estimator without fault would set: the default headroom over the true peak of the measured week."""
    return fewest(metrics.replay.cluster, metrics.replay.peak(0) * (1 + DEFAULT_HEADROOM / 100))


ours_decreasing = partial(ours, allow_decrease=True)

#: Headrooms of which the README says what they cost and carry.
HEADROOMS = (10, 25, 50)


#: From the metrics of the first week to a setting for all weeks after it.
POLICIES: Dict[str, Callable[[Metrics], Setting]] = {
    'automatic': automatic, '1024 for all': for_all, 'p95 + 20 %': percentile, 'maximum + 25 %': maximum,
    "article's rule": article, 'no error, default headroom': exact,
    'lbplan once': ours, 'lbplan once, decreasing': ours_decreasing,
    **{f'lbplan, headroom {percent} %': partial(ours, headroom=percent) for percent in HEADROOMS},
}

#: What users are told to do: apply, look again after a day, apply. (First, then.)
AFTER_A_DAY = {
    'lbplan, and after a day': (ours, ours), 'lbplan, and after a day decreasing': (ours, ours_decreasing),
    'lbplan, 10 %, and after a day': (partial(ours, headroom=10), partial(ours, headroom=10)),
    'lbplan, 10 %, and after a day decreasing': (partial(ours, headroom=10), partial(ours_decreasing, headroom=10)),
}

#: From the metrics of each week to a setting for the next.
WEEKLY = {'lbplan weekly': ours, 'lbplan weekly, decreasing': ours_decreasing}
