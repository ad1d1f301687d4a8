"""One cluster of the backtest, week by week: what its metrics would show, and what an allocation would have done."""
from copy import copy
from dataclasses import dataclass, replace
from typing import Callable, Dict, Tuple

from azext_lbplan.facts import snat
from azext_lbplan.demand import Demand
from azext_lbplan.model.metrics import minute_of
from tests.support.spoiled import Awaiting, Pending
from tests.support.workload import Node, Workload, addresses, simulate

from .workloads import DAY, TIMEOUT, WEEK, Cluster, View

#: A Monday, as the workloads want it.
START = minute_of('2026-08-03T00:00:00Z')

#: No node runs out of this many (AZURE-FACTS section 1).
PLENTY = snat.MAX_PORTS_PER_NODE

#: Minutes before a week from which on it is simulated: longer than any port is held.
WARM_UP = 2 * 60

#: Ports per node, 0 for automatic allocation by the size that the cluster has in a minute.
Allocation = int


@dataclass(frozen=True)
class Outcome:
    """What happened in some weeks: node-minutes, those with failed connections, failed connections, by sums."""

    node_minutes: int = 0
    bad_minutes: int = 0
    failed: int = 0

    def __add__(self, other):
        return Outcome(self.node_minutes + other.node_minutes, self.bad_minutes + other.bad_minutes,
                       self.failed + other.failed)


class Replay:
    """A cluster under any allocation, with what was simulated once kept."""

    def __init__(self, cluster: Cluster):
        self.cluster = cluster
        self._free = [simulate(flows, cluster.weeks * WEEK, PLENTY, TIMEOUT) for flows in cluster.nodes]
        self.demands: Dict[Tuple[int, Allocation], Demand] = {}
        self._weeks: Dict[Tuple[int, int, Allocation], Node] = {}

    def seen(self, view: View) -> 'Replay':
        """The same cluster with its metrics told as `view` has it; what was simulated is shared."""
        other = copy(self)
        other.cluster, other.demands = replace(self.cluster, view=view), {}
        return other

    def peak(self, week: int) -> int:
        """The most ports that any node would have used in `week`, had there been plenty."""
        return max(max(values[week * WEEK:(week + 1) * WEEK]) for node in self._free for values in node.used.values())

    def outcome(self, week: int, allocation: Allocation, first: int = 0, last: int = WEEK) -> Outcome:
        """What `allocation` does in `week`, from its minute `first` to before `last`."""
        total = Outcome()
        for index in range(len(self.cluster.nodes)):
            failed = self._node(index, week, allocation).failed[first:last]
            there = sum(value is not None for value in failed)
            total += Outcome(there, sum(map(bool, failed)), sum(filter(None, failed)))
        return total

    def metrics_after_a_day(self, before: Allocation, after: Allocation) -> Workload:
        """What Azure Monitor has of the seven days up to a day after the first week, when `before` became `after`."""
        first, second = self.metrics(0, before), self.metrics(1, after)
        nodes = {}
        for address in {**first.nodes, **second.nodes}:
            halves = [week.nodes.get(address) for week in (first, second)]
            empty = next(half for half in halves if half).without(0, WEEK)
            old, new = (half or empty for half in halves)
            nodes[address] = joined(_part(old, DAY, WEEK), _part(new, 0, DAY))
        return type(first)(START + DAY, nodes)

    def metrics(self, week: int, allocation: Allocation) -> Workload:
        """What Azure Monitor has of `week` under `allocation`."""
        view, count = self.cluster.view, len(self.cluster.nodes)
        kind = Pending if view.pending else Awaiting if view.awaiting else Workload
        nodes = [self._node(index, week, allocation) for index in range(count)]
        if view.upgrade is not None and week == 0:
            nodes = [node.without(view.upgrade, WEEK) for node in nodes] + [node.without(0, view.upgrade)
                                                                            for node in nodes]
        return kind(START + week * WEEK, dict(zip(addresses(len(nodes)), nodes)))

    def _node(self, index, week, allocation) -> Node:
        key = (index, week, allocation)
        if key not in self._weeks:
            self._weeks[key] = self._absent(index, self._simulated(*key), week)
        return self._weeks[key]

    def _simulated(self, index, week, allocation) -> Node:
        """The week of one node; what would have gone well anyway is not simulated again."""
        ports = self._ports(allocation)
        free = _part(self._free[index], week * WEEK, (week + 1) * WEEK)
        allocated = [ports(minute) for minute in range(week * WEEK, (week + 1) * WEEK)]
        first = max(0, week * WEEK - WARM_UP)
        if free.peak() <= min(allocated):
            return replace(free, allocated=dict.fromkeys(free.used, allocated))
        flows = [replace(one, rate=_later(one.rate, first)) for one in self.cluster.nodes[index]]
        node = simulate(flows, (week + 1) * WEEK - first, _later(ports, first), TIMEOUT)
        return _part(node, week * WEEK - first, node.minutes)

    def _ports(self, allocation) -> Callable[[int], int]:
        if allocation:
            return lambda minute: allocation
        return lambda minute: snat.automatic_ports(self.cluster.size(minute), 1)

    def _absent(self, index, node, week):
        """Nothing is reported of a node while it does not run."""
        present = self.cluster.present[index]
        if present is None:
            return node
        there = [present(week * WEEK + minute) for minute in range(node.minutes)]

        def cut(values):
            return [value if here else None for value, here in zip(values, there)]
        return Node({name: cut(values) for name, values in node.used.items()},
                    {name: cut(values) for name, values in node.allocated.items()},
                    cut(node.successful), cut(node.failed))


def joined(first: Node, second: Node) -> Node:
    """One node after the other."""
    return Node({name: first.used[name] + second.used[name] for name in first.used},
                {name: first.allocated[name] + second.allocated[name] for name in first.allocated},
                first.successful + second.successful, first.failed + second.failed)


def _later(function, minutes):
    return lambda minute: function(minute + minutes)


def _part(node: Node, first: int, last: int) -> Node:
    return Node({name: values[first:last] for name, values in node.used.items()},
                {name: values[first:last] for name, values in node.allocated.items()},
                node.successful[first:last], node.failed[first:last])
