# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Minutes at the ceiling: what was used is then a floor, and what was wanted is estimated (turnover.py)."""

from math import fsum
from typing import Collection, Dict, Iterator, List, Mapping, Optional, Sequence, Set, Tuple

from .coarse import judge_intervals
from .episodes import Episode, NodeDemand, Peak, highest, merged
from .full import EXPLAINED_SHARE, SATURATED_SHARE, turned_over
from .retries import NO_RETRIES, Retries
from .tables import Flows, NodeTables, Ports, Tables, beside
from .turnover import LEAD_MINUTES, Turnover, blind


def judge_node(tables: Tables, name: str, timeout: float, retries: Retries = NO_RETRIES) -> NodeDemand:
    """Every interval of a node, sorted into saturated and not; `timeout` is the idle timeout in minutes."""
    node = tables.node(name)
    return merged([_judge_minutes(node, timeout, retries), judge_intervals(node, timeout, retries)])


def _judge_minutes(node: NodeTables, timeout: float, retries: Retries) -> NodeDemand:
    """The one-minute points of `node`."""
    failed = {minute: flow.failed for minute, flow in node.flows.items() if flow.failed > 0}
    short = {minute for minute in failed if turned_over(node, node.flows[minute], minute)}
    # Most nodes are far from full: their highest use and their least allocation say so of all minutes at once.
    shares = _shares(node) if failed or not _at_ease(node) else {}
    explained = short.union(minute for minute in failed if _near(shares, minute) >= EXPLAINED_SHARE)
    at_ceiling = explained.union(minute for minute, share in shares.items() if share >= SATURATED_SHARE)
    every = _highest(node, ())
    return NodeDemand(every, _highest(node, at_ceiling) if at_ceiling else every,
                      _episodes(node, at_ceiling, short, timeout, retries) if at_ceiling else (),
                      fsum(failed.values()), fsum(failed[minute] for minute in failed.keys() - explained))


def _at_ease(node: NodeTables) -> bool:
    """Whether no minute comes near the allocation."""
    return all(inventory.allocation.is_above(max(inventory.used.values(), default=0.0), SATURATED_SHARE)
               for inventory in node.inventories.values())


def _shares(node: NodeTables) -> Ports:
    """For each minute the share of its allocation that was in use, of the fuller protocol."""
    shares: Dict[int, float] = {}
    for inventory in node.inventories.values():
        for minute, ports in inventory.used.items():
            allocated = inventory.allocation.at(minute)
            shares[minute] = max(shares.get(minute, 0.0), ports / allocated if allocated else 0.0)
    return shares


def _near(shares: Ports, minute: int) -> float:
    """The fullest of `minute` and its neighbours: a use is sampled once a minute, failures are counted all through."""
    if minute in shares:
        return max(shares.get(at, 0.0) for at in range(minute - 1, minute + 2))
    return beside(shares, minute) or 0.0


def _highest(node: NodeTables, without: Collection[int]) -> Optional[Peak]:
    """The highest use of any protocol, but for the minutes `without`."""
    found: Optional[Peak] = None
    for inventory in node.inventories.values():
        points = {minute: ports for minute, ports in inventory.used.items() if minute not in without} \
            if without else inventory.used
        if points:
            ports = max(points.values())
            minute = min(minute for minute, used in points.items() if used == ports)
            found = highest(found, Peak(ports, minute, node.name, inventory.protocol, inventory.allocation.at(minute)))
    return found


def _episodes(node: NodeTables, at_ceiling: Set[int], short: Set[int], timeout: float, retries: Retries
              ) -> Tuple[Episode, ...]:
    """The episodes of the saturated minutes; `short` are those that no sample of the use explains."""
    turnover = Turnover(node.flows, node.udp.used if node.udp else {}, timeout, retries)
    saturated = [_accused(node, minute, minute in short) for minute in sorted(at_ceiling)]
    return tuple(_episode(run, turnover, node.flows) for run in _runs(saturated))


def _accused(node: NodeTables, minute: int, short: bool) -> Peak:
    """The use in a saturated `minute`. The connection count has no protocol: the fuller one is held to account, or
    TCP where only its ports come free fast enough."""
    suspects = []
    for inventory in node.inventories.values():
        ports = beside(inventory.used, minute)
        if ports is not None:
            suspects.append(Peak(ports, minute, node.name, inventory.protocol, inventory.allocation.at(minute)))
    fullest = max(suspects, key=lambda peak: peak.fullness, default=None)
    if short and node.tcp and (fullest is None or fullest.fullness[0] < EXPLAINED_SHARE):
        allocated = node.tcp.allocation.at(minute)
        return Peak(allocated or 0.0, minute, node.name, node.tcp.protocol, allocated)
    if fullest is None:
        raise LookupError('a saturated minute was seen to be full')
    return fullest


def _runs(saturated: Sequence[Peak]) -> Iterator[List[Peak]]:
    """Adjoining saturated minutes of one protocol and allocation."""
    run: List[Peak] = []
    for peak in saturated:
        if run and (peak.minute, peak.protocol, peak.allocated) != (
                run[-1].minute + 1, run[-1].protocol, run[-1].allocated):
            yield run
            run = []
        run.append(peak)
    if run:
        yield run


def _episode(run: Sequence[Peak], turnover: Turnover, flows: Mapping[int, Flows]) -> Episode:
    """The episode of the saturated minutes `run`; of what its minutes call for, the most."""
    first, last = run[0].minute - LEAD_MINUTES, run[-1].minute + 1
    inside = [flows[minute] for minute in range(first, last) if minute in flows and flows[minute].accepted is not None]
    most = max(turnover.estimate(peak) for peak in run) if inside else blind(run[0].full_at)
    return Episode(run[0].node, run[0].protocol, run[0].minute, last, run[0].full_at,
                   fsum(flow.accepted or 0.0 for flow in inside), fsum(flow.failed for flow in inside), *most)
