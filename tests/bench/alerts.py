"""When alerts fire: the rules of `--action-group`, and Microsoft's baseline rule, on workloads that fail and on calm
ones.

    python3 tests/run.py python -m tests.bench.alerts        the table in ALERTS.md
"""
from dataclasses import dataclass
from typing import Callable, Dict, Optional, Sequence

from azext_lbplan.decision import decide
from azext_lbplan.decision.alerts import alert_rules
from azext_lbplan.facts.alerts import ACTION_GROUP_TYPE
from azext_lbplan.facts.ids import parse_id
from azext_lbplan.model.observed import parse_observed
from azext_lbplan.views.alerts import alert_body
from tests.support.alerting import fired
from tests.support.workload import (DAY, IDLE, UDP, Placed, Traffic, Workload, addresses, bursts, diurnal, growing,
                                    simulate, steady, window)

GROUP = parse_id('/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/ops/providers/'
                 'microsoft.insights/actionGroups/ops', ACTION_GROUP_TYPE)

PORTS = 1024
NODES = 10

#: As Azure Monitor Baseline Alerts have it: one average of all nodes over five minutes (facts §4).
BASELINE = {'properties': {'windowSize': 'PT5M', 'evaluationFrequency': 'PT1M', 'criteria': {'allOf': [
    {'metricName': 'UsedSnatPorts', 'timeAggregation': 'Average', 'operator': 'GreaterThan', 'threshold': 900,
     'dimensions': []}]}}}


@dataclass(frozen=True)
class Case:
    """A workload: the traffic of the hot nodes and of the others, and what is expected of the alerts.

    `ahead`: at least so many minutes between the first alert and the first failure; None where nothing fails and
    nothing may fire.
    """

    hot: Sequence[Traffic]
    ahead: Optional[int]
    others: Optional[Sequence[Traffic]] = None
    hot_nodes: int = 1
    days: int = 1
    frontends: int = 1
    shares: Optional[Callable[[int], Sequence[float]]] = None


def _ports(rate, hold=4, **more):
    """Traffic that takes about so many ports."""
    return [Traffic(rate=lambda minute: rate(minute) / hold, **more)]


_CALM = _ports(diurnal(100, 400))

CASES: Dict[str, Case] = {
    'calm day': Case(_CALM, None, hot_nodes=NODES),
    'steady at 60 %': Case(_ports(steady(615)), None, hot_nodes=NODES),
    'calm, three frontends': Case(_CALM, None, hot_nodes=NODES, frontends=3),
    'batches to 60 %': Case(_ports(bursts(100, 615, every=60, length=5)), None, _CALM),
    'growth of 8 % a day, all nodes': Case(_ports(growing(diurnal(200, 600), 0.08)), 60, hot_nodes=NODES, days=9),
    'growth of 8 % a day, one node': Case(_ports(growing(diurnal(200, 600), 0.08)), 60, _CALM, days=9),
    'growth, one node, three frontends': Case(_ports(growing(diurnal(200, 600), 0.08)), 60, _CALM, days=9,
                                              frontends=3),
    'growth, one frontend does most': Case(_ports(growing(diurnal(200, 600), 0.08)), 60, _CALM, days=9, frontends=2,
                                           shares=lambda _: (0.8, 0.2)),
    'leak until the idle timeout': Case(_ports(lambda minute: 300 + minute * 0.7, hold=30, close=IDLE), 60, _CALM),
    'UDP on one node': Case(_ports(lambda minute: 300 + minute * 0.7, hold=30, protocol=UDP), 60, _CALM),
    'sudden storm on one node': Case(_ports(window(200, 3000, 700, 720)), 0, _CALM),
    'storm of two minutes, one node': Case(_ports(window(200, 4500, 700, 702)), 0, _CALM),
}


def workload(case: Case, seed: int = 1) -> Workload:
    """The cluster's metrics."""
    minutes = case.days * DAY
    hot = [simulate(case.hot, minutes, PORTS, seed=seed + index) for index in range(min(2, case.hot_nodes))]
    other = simulate(case.others, minutes, PORTS, seed=seed + 9) if case.others else None
    nodes = {}
    for index, address in enumerate(addresses(NODES)):
        node = hot[index % len(hot)] if index < case.hot_nodes else other
        nodes[address] = Placed(node, shares=case.shares)
    return Workload(0, nodes, frontends=[f'20.0.0.{index + 1}' for index in range(case.frontends)])


def rules(case: Case, ports: int = PORTS):
    """The rules that `--action-group` gives for a cluster with this allocation, by name."""
    decision = decide(parse_observed({'managedCluster': {
        'id': '/subscriptions/11111111-1111-1111-1111-111111111111/resourcegroups/rg1/providers/'
              'Microsoft.ContainerService/managedClusters/aks1', 'name': 'aks1', 'location': 'westeurope',
        'properties': {'nodeResourceGroup': 'MC_rg1', 'networkProfile': {
            'loadBalancerSku': 'standard', 'outboundType': 'loadBalancer', 'loadBalancerProfile': {
                'managedOutboundIPs': {'count': case.frontends}, 'allocatedOutboundPorts': ports}},
            'agentPoolProfiles': [{'name': 'one', 'count': NODES}]}}}))
    return {rule.name.removeprefix('aks1-snat-'): alert_body(decision, rule, GROUP) for rule in alert_rules(decision)}


def first_failure(load: Workload) -> Optional[int]:
    """The first minute with a refused connection."""
    found = [minute for placed in load.nodes.values() for minute, failed in enumerate(placed.node.failed, 1) if failed]
    return min(found, default=None)


def evaluate(name: str):
    """(first failure, {rule: first minute that it fired, or None}) of one case."""
    case = CASES[name]
    load = workload(case)
    made = {**rules(case), 'baseline 900': BASELINE}
    return first_failure(load), {rule: next(iter(fired(body, load)), None) for rule, body in made.items()}


def _when(minute, failure):
    if minute is None:
        return 'silent'
    if failure is None:
        return f'fired at {minute // 60} h'
    if minute >= failure:
        return 'at once' if minute == failure else f'{minute - failure} min after'
    early = failure - minute
    return f'{early / 60:.1f} h before' if early >= 60 else f'{early} min before'


def main():
    """Print the table."""
    columns = ['used-75', 'used-90', 'failed', 'baseline 900']
    print('| workload | first failure | ' + ' | '.join(columns) + ' |\n|---|---|' + '---|' * len(columns))
    for name in CASES:
        failure, found = evaluate(name)
        told = 'none' if failure is None else f'day {failure // DAY + 1}, {failure % DAY // 60:02}:{failure % 60:02}'
        print(f'| {name} | {told} | ' + ' | '.join(_when(found[rule], failure) for rule in columns) + ' |')


if __name__ == '__main__':
    main()
