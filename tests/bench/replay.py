"""One cluster of the backtest, week by week: what its metrics would show, and what an allocation would have done."""
from dataclasses import dataclass, replace
from typing import Callable, Dict, Tuple

from azext_lbplan.facts import snat
from azext_lbplan.demand import Demand
from azext_lbplan.model.metrics import minute_of
from tests.support.workload import Node, Workload, addresses, simulate

from .workloads import DAY, TIMEOUT, WEEK, Cluster

#: A Monday, as the workloads want it.
START = minute_of('2026-08-03T00:00:00Z')

#: No node runs out of this many (azure-facts section 1).
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

    def peak(self, week: int) -> int:
        """The most ports that any node would have used in `week`, had there been plenty."""
        return max(max(values[week * WEEK:(week + 1) * WEEK]) for node in self._free for values in node.used.values())

    def outcome(self, week: int, allocation: Allocation) -> Outcome:
        """What `allocation` does in `week`."""
        total = Outcome()
        for index in range(len(self.cluster.nodes)):
            node = self._node(index, week, allocation)
            there = sum(value is not None for value in node.failed)
            total += Outcome(there, sum(bool(value) for value in node.failed), sum(filter(None, node.failed)))
        return total

    def metrics(self, week: int, allocation: Allocation) -> Workload:
        """What Azure Monitor has of `week` under `allocation`."""
        nodes = {address: self._node(index, week, allocation)
                 for index, address in enumerate(addresses(len(self.cluster.nodes)))}
        return Workload(START + week * WEEK, nodes)

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
            return replace(free, allocated={name: allocated for name in free.used})
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


def _later(function, minutes):
    return lambda minute: function(minute + minutes)


def _part(node: Node, first: int, last: int) -> Node:
    return Node({name: values[first:last] for name, values in node.used.items()},
                {name: values[first:last] for name, values in node.allocated.items()},
                node.successful[first:last], node.failed[first:last])
