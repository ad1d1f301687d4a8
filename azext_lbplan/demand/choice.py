# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Which nodes and hours to read minute by minute, from what the coarse pass showed (ARCHITECTURE.md, Demand).

In the order of what a missed minute would cost: hours with failed connections, the hours of highest use, hours of
unusually many new connections (a spike that a mean hides), falls in arrivals (they tell idle flows from busy ones,
see hold.py), and the last day of the busiest nodes.
"""

import re
from heapq import heapify, heappop
from operator import sub
from statistics import median
from typing import Any, Collection, Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Tuple, TypeVar

from .tables import DAY, HOUR, Flows, Tables

#: How many spans of time the second pass reads; each costs two requests. Azure Resource Manager lets a
#: subscription read 250 at once and 25 more per second (learn.microsoft.com, request limits and throttling).
MOST_BLOCKS = 16

#: Nodes in one filter: 16 addresses make a URL of about 1,500 characters, well below what proxies cut at (4,096).
MOST_NODES = 16

#: A block is made longer for one of its nodes only while it has few: the others are then read for nothing.
FEW_NODES = 4

#: The share of hours, and of blocks, that each kind may take, in the order of this module's text; what one leaves
#: goes to the next. Chosen so that each kind is seen even where the one before it could use up everything.
SHARES = (0.40, 0.65, 0.85, 0.90, 1.0)

#: How many of the busiest nodes are looked at for falls in arrivals. A fall is to half or less; what is read with it is
#: some minutes before, and after it the idle timeout 1.6 times: until idle flows have let go, and a while more.
FALL_NODES = 3
FALL_SHARE = 0.5
BEFORE_MINUTES = 15
LULL = 1.6

#: With so many days there is a usual for each time of day.
SEASON_DAYS = 3

_ADDRESS = re.compile(r'[0-9a-f.:]{2,45}$')


class Block(NamedTuple):
    """A span of time in minutes, and the nodes to read in it."""

    start: int
    end: int
    nodes: List[str]

    def hours(self) -> float:
        """Node-hours, which is what reading the block costs."""
        return (self.end - self.start) / HOUR * len(self.nodes)


#: What may be read minute by minute: node, first minute, minutes.
Candidate = Tuple[str, int, int]

T = TypeVar('T', bound=Tuple[Any, ...])


def choose(tables: Tables, start: int, end: int, hours: float, timeout: Optional[int]) -> Tuple[Block, ...]:
    """The blocks to read between `start` and `end`, of at most so many node-hours; nodes in order of address."""
    nodes = [node for node in _busiest_first(tables) if _ADDRESS.match(node)]
    first = start // HOUR * HOUR
    if len(nodes) * (end - first) / HOUR <= hours:
        blocks = [Block(first, end, nodes[at:at + MOST_NODES]) for at in range(0, len(nodes), MOST_NODES)]
    else:
        choice = _Choice(set(nodes), first, end)
        kinds: Tuple[Iterable[Candidate], ...] = (
            _failures(tables), _highest_use(tables), _spikes(tables),
            _falls(tables, nodes[:FALL_NODES], timeout or 30),
            ((node, max(first, end // HOUR * HOUR + HOUR - DAY), DAY) for node in nodes))
        for share, kind in zip(SHARES, kinds):
            choice.take(kind, share * hours, max(1, round(share * MOST_BLOCKS)))
        blocks = choice.blocks
    return tuple(Block(block.start, block.end, sorted(block.nodes)) for block in blocks)


class _Choice:  # pylint: disable=too-few-public-methods  # the state of one pass
    """Blocks that grow by candidates."""

    #: So many candidates in a row that do not fit end a kind: those after them matter less.
    PATIENCE = 200

    def __init__(self, nodes: Collection[str], start: int, end: int):
        self.blocks: List[Block] = []
        self._nodes, self._start, self._end = nodes, start, end
        self._spent = 0.0

    def take(self, candidates: Iterable[Candidate], hours: float, blocks: int) -> None:
        """Take `candidates` in their order, as long as no more than so many hours and blocks are used in all."""
        refused = 0
        for node, start, length in candidates:
            start, end = max(start, self._start), min(start + length, self._end)
            if node not in self._nodes or end <= start:
                continue
            refused = 0 if self._place(Block(start, end, [node]), hours, blocks) else refused + 1
            if refused > self.PATIENCE:
                return

    def _place(self, candidate: Block, hours: float, blocks: int) -> bool:
        """Put a candidate where it costs least; False when there is no room."""
        node = candidate.nodes[0]
        if any(node in block.nodes and _contains(block, candidate) for block in self.blocks):
            return True
        options = []
        for index, block in enumerate(self.blocks):
            grown = _grown(block, candidate)
            if grown:
                options.append((grown.hours() - block.hours(), index, grown))
        if len(self.blocks) < blocks:
            options.append((candidate.hours(), len(self.blocks), candidate))
        fitting = [option for option in options if self._spent + option[0] <= hours]
        if not fitting:
            return False
        cost, index, block = min(fitting, key=lambda option: option[:2])
        self.blocks[index:index + 1] = [block]
        self._spent += cost
        return True


def _contains(block: Block, candidate: Block) -> bool:
    return block.start <= candidate.start and candidate.end <= block.end


def _grown(block: Block, candidate: Block) -> Optional[Block]:
    """`block` with one node more, or made longer, so that it holds `candidate`, too; None where it shall not grow."""
    node = candidate.nodes[0]
    if _contains(block, candidate) and len(block.nodes) < MOST_NODES:
        return block._replace(nodes=block.nodes + [node])
    if (node in block.nodes and len(block.nodes) <= FEW_NODES
            and candidate.start <= block.end and block.start <= candidate.end):
        return block._replace(start=min(candidate.start, block.start), end=max(candidate.end, block.end))
    return None


def _busiest_first(tables: Tables) -> List[str]:
    """The nodes, by the highest that their use may have gone."""
    most: Dict[str, float] = dict.fromkeys(tables.nodes, 0.0)
    for (node, _), buckets in tables.buckets.items():
        most[node] = max(most[node], max((bucket.most for bucket in buckets.values()), default=0.0))
    return sorted(most, key=lambda node: (-most[node], node))


def _hours_of(tables: Tables, node: str, start: int, minutes: int) -> Iterator[Candidate]:
    """The hours of a coarse interval, those with the most new connections first, where that is known."""
    flows = tables.arrivals.get(node, {})
    hours = range(start // HOUR * HOUR, start + minutes, HOUR) if minutes <= DAY else ()
    known = {hour: flows[hour].tried for hour in hours if hour in flows}
    if len(known) < 2:
        yield node, start, minutes if minutes <= DAY else DAY
        return
    for hour in sorted(known, key=lambda at: (-known[at], at)):
        yield node, hour, HOUR


def _in_order(found: List[T]) -> Iterator[T]:
    """All of `found`, the least first, each looked for when it is asked for: of thousands some hundred are."""
    heapify(found)
    while found:
        yield heappop(found)


def _failures(tables: Tables) -> Iterator[Candidate]:
    """Intervals with failed connections, the most first."""
    found = [(-flow.failed, node, start, flow.minutes) for node, flows in tables.bucket_flows.items()
             for start, flow in flows.items() if flow.failed > 0]
    for _, node, start, minutes in _in_order(found):
        yield from _hours_of(tables, node, start, minutes)


def _highest_use(tables: Tables) -> Iterator[Candidate]:
    """Intervals of the highest use of either protocol, the highest first."""
    found = [(-bucket.most, node, start, place, bucket.minutes)
             for place, ((node, _), buckets) in enumerate(tables.buckets.items()) for start, bucket in buckets.items()]
    for _, node, start, _, minutes in _in_order(found):
        yield from _hours_of(tables, node, start, minutes)


def _spikes(tables: Tables) -> Iterator[Candidate]:
    """Hours with more new connections than their node has at that time of day, the most unusual first.

    A connection takes at most one port: where even all of the excess would not lift the node above what is known of
    the busiest one, there is nothing to find. Of the rest, the excess is weighed by the node's own scatter: a spike on
    a quiet node must not drown in the rhythm and the noise of busy ones.
    """
    known = max((bucket.floor for buckets in tables.buckets.values() for bucket in buckets.values()), default=0.0)
    found = []
    for node, highest in _highest_means(tables).items():
        flows = _finest_flows(tables, node)
        arrivals = _arrivals(flows)
        usual = _usual(arrivals)
        excess = list(map(sub, arrivals.values(), usual))
        scatter = median(map(abs, excess)) if excess else 0.0
        # At least the scatter of a count, or nodes that are silent but for a connection would come first.
        found += [(-more / max(scatter, often ** 0.5, 1.0), node, start, flows[start].minutes)
                  for start, more, often in zip(arrivals, excess, usual) if more > 0 and highest + more >= known]
    for _, node, start, minutes in _in_order(found):
        yield node, start, min(minutes, DAY)


def _finest_flows(tables: Tables, node: str) -> Mapping[int, Flows]:
    """The connections of `node` over the shortest intervals of the first pass."""
    return tables.arrivals.get(node) or tables.bucket_flows.get(node, {})


def _arrivals(flows: Mapping[int, Flows]) -> Dict[int, float]:
    """New connections by interval, refused ones included."""
    return {start: (accepted or 0.0) + failed for start, (_, accepted, failed) in flows.items()}


def _highest_means(tables: Tables) -> Dict[str, float]:
    """The highest mean use of each node."""
    highest: Dict[str, float] = {}
    for (node, _), buckets in tables.buckets.items():
        highest[node] = max(highest.get(node, 0.0), max((bucket.mean for bucket in buckets.values()), default=0.0))
    return highest


def _usual(arrivals: Mapping[int, float]) -> List[float]:
    """For each interval what is usual: the median at that time of day.

    With less than SEASON_DAYS the median of all stands in: of two days, one is no more usual than the other.
    """
    if not arrivals:
        return []
    if max(arrivals) - min(arrivals) < (SEASON_DAYS - 1) * DAY:
        return [median(arrivals.values())] * len(arrivals)
    groups: Dict[int, List[float]] = {}
    for start, count in arrivals.items():
        groups.setdefault(start % DAY, []).append(count)
    usual = {time: median(counts) for time, counts in groups.items()}
    return [usual[start % DAY] for start in arrivals]


def _falls(tables: Tables, nodes: Iterable[str], timeout: int) -> Iterator[Candidate]:
    """The largest fall in arrivals from one hour to the next, for each of `nodes`, with the lull that follows."""
    for node in nodes:
        flows = _finest_flows(tables, node)
        arrivals = _arrivals({start: flow for start, flow in flows.items() if flow.minutes == HOUR})
        drops = [(count - arrivals[start + HOUR], -start) for start, count in arrivals.items()
                 if count > 0 and arrivals.get(start + HOUR, count) <= FALL_SHARE * count]
        if drops:
            # The fall lies in one of the two hours; the lull may begin at the end of the second.
            yield node, -max(drops)[1] - BEFORE_MINUTES, 2 * HOUR + BEFORE_MINUTES + int(LULL * timeout)
