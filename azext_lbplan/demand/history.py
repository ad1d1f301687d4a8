# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What was read of one node and protocol over time, for those who want to see it: the only door to it."""

from typing import Iterable, Iterator, List, NamedTuple, Optional, Tuple

from ..model.answers import Answer, parse
from .full import SATURATED_SHARE
from .tables import Minutes, Tables
from .tabulate import tabulate


class Moment(NamedTuple):
    """An interval of `minutes` from `start` (minutes since 1970): the most ports in use in it, as far as is known, the
    ports allocated (None where not measured), and failed connections. `exact`: it was read minute by minute."""

    start: int
    minutes: int
    used: float
    allocated: Optional[float]
    failed: float
    exact: bool

    @property
    def saturated(self) -> bool:
        """Whether the ports were used up, or connections failed."""
        full = self.allocated is not None and self.allocated > 0 and self.used >= SATURATED_SHARE * self.allocated
        return full or self.failed > 0


class History(NamedTuple):
    """The moments of one node and protocol, in order of time; none overlaps another."""

    node: str
    protocol: str
    moments: Tuple[Moment, ...]


def history(answers: Iterable[Answer], node: str, protocol: str) -> Optional[History]:
    """What `answers` hold of that node and protocol; None where that is nothing. Failures are told of the node: they
    are counted for both protocols together."""
    tables = tabulate(parse(answers, node=node))
    moments = _moments(tables, node, protocol)
    return History(node, protocol, tuple(moments)) if moments else None


def _moments(tables: Tables, node: str, protocol: str) -> List[Moment]:
    key = (node, protocol)
    used, flows = tables.used.get(key, {}), tables.flows.get(node, {})
    allocation, read = tables.allocation(node, protocol), Minutes(used)
    found = [Moment(minute, 1, ports, allocation.at(minute), flows[minute].failed if minute in flows else 0.0, True)
             for minute, ports in used.items()]
    for start, bucket in tables.buckets.get(key, {}).items():
        exact = read.within(start, bucket.minutes)
        # Where a minute that was read explains the bucket's highest use, no more than the mean is known of the rest.
        explained = max((used[minute] for minute in exact), default=-1.0) >= bucket.floor
        failed = _failed(tables, node, start, bucket.minutes) - sum(flows[minute].failed for minute in exact
                                                                    if minute in flows)
        for first, last in _gaps(start, start + bucket.minutes, exact):
            found.append(Moment(first, last - first, bucket.mean if explained else bucket.most, allocation.at(first),
                                max(0.0, failed), False))
            failed = 0.0
    return sorted(found)


def _gaps(start: int, end: int, minutes: Iterable[int]) -> Iterator[Tuple[int, int]]:
    """What of the time from `start` to before `end` no one of the ascending `minutes` covers."""
    for minute in minutes:
        if minute > start:
            yield start, minute
        start = minute + 1
    if start < end:
        yield start, end


def _failed(tables: Tables, node: str, start: int, minutes: int) -> float:
    """Failed connections in that time, by the coarse counts."""
    return sum(flow.failed for at, flow in tables.bucket_flows.get(node, {}).items() if start <= at < start + minutes)
