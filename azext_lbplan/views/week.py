# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The time that was measured as a row of numbers, and that row as one line of blocks for a terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Optional, Sequence

if TYPE_CHECKING:
    from ..decision import Decision
    from ..demand.history import History, Moment

#: From hardly any use to all of the ceiling, where the terminal has blocks, and where it has not.
BLOCKS = '\u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588'
ASCII = '_.:-=+*#'

#: Stands for a time of which nothing is known.
GAP = ' '

#: Numbers in a row: an hour each in a week.
CELLS = 168


def busiest_history(decision: Decision) -> Optional[History]:
    """What was read of the busiest node; None where nothing was measured."""
    from ..demand.history import history
    evidence = decision.demand.evidence if decision.demand else None
    if evidence is None or evidence.peak_node is None or evidence.peak_protocol is None:
        return None
    return history(decision.observed.metrics, evidence.peak_node, evidence.peak_protocol)


def row(found: Optional[History], cells: int = CELLS) -> Optional[Dict[str, Any]]:
    """The history as a result holds it: the most ports in use in each of equal parts of the time, null where nothing is
    known, and the allocation at its end. None for none."""
    if found is None:
        return None
    from ..model.metrics import timestamp
    start, end = found.moments[0].start, found.moments[-1].start + found.moments[-1].minutes
    count = max(1, min(cells, (end - start) // 60))
    allocated = [moment.allocated for moment in found.moments if moment.allocated is not None]
    return {'node': found.node, 'protocol': found.protocol, 'start': timestamp(start), 'end': timestamp(end),
            'allocatedPorts': round(allocated[-1]) if allocated else None,
            'ports': _most(found.moments, start, (end - start) / count, count)}


def _most(moments: Sequence[Moment], start: int, length: float, count: int) -> List[Optional[int]]:
    most: List[Optional[int]] = [None] * count
    for moment in moments:
        first = int((moment.start - start) / length)
        last = int((moment.start + moment.minutes - 1 - start) / length)
        for cell in range(first, min(last, count - 1) + 1):
            most[cell] = max(most[cell] or 0, -int(-moment.used // 1))
    return most


def line(ports: Sequence[Optional[float]], ceiling: Optional[float], width: int, blocks: bool) -> str:
    """`ports` over time as at most `width` characters, each the most of its part, on a scale that ends at the `ceiling`
    (the allocation), or at the highest of them where that is higher or none is known. The full block is kept for what
    reaches the end: a ceiling that is not touched is not drawn as touched. `blocks`: whether the terminal has them.
    """
    count = max(0, min(width, len(ports)))
    known = [value for value in ports if value is not None]
    if not count or not known:
        return GAP * count
    top = max(ceiling or 0, 1, *known)
    parts = [ports[len(ports) * cell // count:len(ports) * (cell + 1) // count] for cell in range(count)]
    return ''.join(_block([value for value in part if value is not None], top, BLOCKS if blocks else ASCII)
                   for part in parts)


def _block(values: Sequence[float], top: float, blocks: str) -> str:
    if not values:
        return GAP
    share = max(values) / top
    return blocks[-1] if share >= 1 else blocks[min(len(blocks) - 2, int(share * (len(blocks) - 1)))]
