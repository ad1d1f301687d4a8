# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The pictures of a report. Lines differ by dashes and marks by shape: no colour has to be told from another."""

from typing import Dict, Iterable, List, NamedTuple, Optional, Sequence, Tuple

from ...decision import Configuration, Decision
from ...decision.curve import capacity
from ...demand import Evidence
from ...demand.history import History, Moment
from ...model.metrics import timestamp
from .svg import Content, Markup, Point, Scale, box, line, path, picture, text

#: Room around the drawing for labels, and the height of a row of them.
_LEFT, _RIGHT, _BOTTOM, _ROW = 46.0, 10.0, 30.0, 15.0

#: How wide a character of a label is at most, on average, in the fonts that browsers take.
_LETTER = 7.8

_DAY = 1440

#: The axis of nodes goes on to a limit that is at most so many times the nodes to size for.
_FAR = 2.5


class Size(NamedTuple):
    """Width and height of a picture in pixels."""

    width: float
    height: float

    @property
    def right(self) -> float:
        """Where the drawing ends."""
        return self.width - _RIGHT

    @property
    def bottom(self) -> float:
        """Where the drawing ends."""
        return self.height - _BOTTOM


#: On a screen or on paper, and on a phone: scaled down, the one would be too small to read there.
WIDE, NARROW = Size(720, 320), Size(340, 300)


def number(value: float) -> str:
    """A count with commas between thousands."""
    return f'{round(value):,}'


# Capacity

def capacity_chart(decision: Decision, size: Size) -> Optional[Markup]:
    """Ports per node by the number of nodes; None where egress does not go through the load balancer."""
    columns = [(name, column) for name, column in (('current', decision.current), ('proposed', decision.proposed))
               if column is not None and column.settings is not None]
    if not columns:
        return None
    up_to = _nodes_shown(decision, [column for _, column in columns])
    drawn = [(name, capacity(column, up_to)) for name, column in columns]
    ports = [held for _, one in drawn for _, held in one.allocated] or [1024]
    marks = _node_marks(decision)
    top = _ROW * (len(marks) + 1.7)
    across = Scale(0, up_to, _LEFT, size.right)
    upward = Scale(max(8, min(ports) / 4), max(ports) * 4, size.bottom, top, logarithmic=True)
    parts: List[Content] = [*_axes(across, upward, size, top, below='nodes', beside='ports per node')]
    for name, one in drawn:
        parts.append(path(_places(one.most, across, upward), f'most {name}'))
        parts.append(path(_places(one.allocated, across, upward), f'allocated {name}'))
    markers = [_marker(across.at(nodes), _ROW * (row + 1), size, words) for row, (nodes, words) in enumerate(marks)]
    parts += [stroke for stroke, _ in markers] + [words for _, words in markers]
    return picture(size.width, size.height, 'Ports per node as the cluster grows', _capacity_words(decision), *parts)


def _nodes_shown(decision: Decision, columns: Sequence[Configuration]) -> int:
    required = max(decision.nodes.required, decision.nodes.today, 1)
    limits = [column.max_nodes for column in columns if column.max_nodes and column.max_nodes <= required * _FAR]
    return max(10, round(max([required, *limits]) * 1.2))


def _places(corners: Iterable[Tuple[int, int]], across: Scale, upward: Scale) -> List[Point]:
    return [(across.at(nodes), upward.at(ports)) for nodes, ports in corners]


def _node_marks(decision: Decision) -> List[Tuple[int, str]]:
    """(nodes, words) of what a reader looks for: each once."""
    nodes, found = decision.nodes, decision.nodes.required
    marks = {nodes.today: f'now {nodes.today}', nodes.max: f'at most {nodes.max}', found: f'full scale {found}'}
    for name, column in (('current', decision.current), ('proposed', decision.proposed)):
        limit = column.max_nodes if column is not None else None
        if limit is not None and limit <= max(found, 1) * _FAR:
            marks.setdefault(limit, f'limit {limit} ({name})')
    return sorted(marks.items())


def _marker(x: float, y: float, size: Size, words: str) -> Tuple[Markup, Markup]:
    """A line down from its words, which stand on the side where there is room."""
    room = size.right - x > len(words) * _LETTER + 6
    return (line((x, y - 10), (x, size.bottom), 'marker'),
            text((x + 4 if room else x - 4, y), words, 'label strong', 'start' if room else 'end'))


def _capacity_words(decision: Decision) -> str:
    told = []
    for name, column in (('Now', decision.current), ('Proposed', decision.proposed)):
        if column is not None and column.settings is not None:
            kind = 'automatic' if column.settings.automatic else 'explicit'
            told.append(f'{name}: {kind} allocation, {_known(column.ports_per_node)} ports per node, '
                        f'{_known(column.ports_per_node_at_max)} at {decision.nodes.required} nodes, on '
                        f'{_known(column.settings.outbound_ip_count)} outbound IPs; limit at '
                        f'{_known(column.max_nodes)} nodes.')
    return ' '.join(told)


def _known(value: Optional[int]) -> str:
    return 'an unknown number of' if value is None else str(value)


# Demand

def demand_chart(found: History, evidence: Evidence, proposed: Optional[int], size: Size) -> Markup:
    """The ports that the busiest node had in use over time, with its allocation; `proposed` ports per node."""
    start, end = found.moments[0].start, found.moments[-1].start + found.moments[-1].minutes
    need = evidence.demand_ports_per_node or 0
    heights = [moment.used for moment in found.moments] + [moment.allocated or 0 for moment in found.moments] + [need]
    highest = max(heights) or 1
    if proposed is not None and proposed <= highest * 3:
        highest = max(highest, proposed)
    top = _ROW * 3.6
    across, upward = Scale(start, end, _LEFT, size.right), Scale(0, highest * 1.05, size.bottom, top)
    parts: List[Content] = [*_axes(across, upward, size, top, beside='ports in use', time=True),
                            *_bars(found.moments, across, upward, size), *_band(evidence, upward, size),
                            *_allocation(found.moments, across, upward)]
    if proposed is not None and proposed <= upward.high:
        parts.append(line((_LEFT, upward.at(proposed)), (size.right, upward.at(proposed)), 'allocated proposed'))
    parts += _events(found.moments, across)
    return picture(size.width, size.height, f'Ports in use on node {found.node} ({found.protocol})',
                   _demand_words(found, evidence), *parts)


def _bars(moments: Sequence[Moment], across: Scale, upward: Scale, size: Size) -> List[Markup]:
    """One bar for each column of pixels: the most in it, apart for what was read by the minute and what was not."""
    tallest: Dict[bool, Dict[int, float]] = {True: {}, False: {}}
    for moment in moments:
        columns, first = tallest[moment.exact], int(across.at(moment.start))
        for column in range(first, max(first + 1, int(across.at(moment.start + moment.minutes)))):
            columns[column] = max(columns.get(column, 0.0), moment.used)
    parts = []
    for exact, class_ in ((False, 'use coarse'), (True, 'use exact')):
        for run in _runs(tallest[exact]):
            places = [(float(run[0][0]), size.bottom)]
            for column, ports in run:
                places += [(float(column), upward.at(ports)), (column + 1.0, upward.at(ports))]
            parts.append(path([*places, (run[-1][0] + 1.0, size.bottom)], class_, closed=True))
    return parts


def _runs(columns: Dict[int, float]) -> List[List[Tuple[int, float]]]:
    """Neighbouring columns together."""
    runs: List[List[Tuple[int, float]]] = []
    for column in sorted(columns):
        if not runs or runs[-1][-1][0] != column - 1:
            runs.append([])
        runs[-1].append((column, columns[column]))
    return runs


def _band(evidence: Evidence, upward: Scale, size: Size) -> List[Markup]:
    """What refused connections would have needed, from what was seen up to the estimate."""
    seen, need = evidence.peak_ports_per_node, evidence.demand_ports_per_node
    if not evidence.demand_is_estimate or seen is None or need is None or need <= seen:
        return []
    upper, lower = upward.at(need), upward.at(seen)
    more = ' or more' if evidence.demand_is_capped else ''
    return [box((_LEFT, upper), size.right - _LEFT, lower - upper, 'band'),
            text((_LEFT + 4, upper + 12), f'estimated need {number(need)}{more}', 'label strong')]


def _allocation(moments: Sequence[Moment], across: Scale, upward: Scale) -> List[Markup]:
    places: List[Point] = []
    before: Optional[float] = None
    for moment in moments:
        if moment.allocated is not None and moment.allocated != before:
            x = across.at(moment.start)
            places += [(x, upward.at(before))] if before is not None else []
            places.append((x, upward.at(moment.allocated)))
            before = moment.allocated
    if before is not None:
        places.append((across.at(moments[-1].start + moments[-1].minutes), upward.at(before)))
    return [path(places, 'allocated current')]


def _events(moments: Sequence[Moment], across: Scale) -> List[Markup]:
    """A row of triangles where ports were used up, a row of crosses where connections failed."""
    full = sorted({int(across.at(moment.start)) // 4 * 4 for moment in moments if moment.saturated})
    failed = sorted({int(across.at(moment.start)) // 4 * 4 for moment in moments if moment.failed})
    marks = [path([(x - 3, _ROW * 0.4), (x + 3, _ROW * 0.4), (x, _ROW * 0.8)], 'full', closed=True) for x in full]
    for x in failed:
        marks += [line((x - 3, _ROW * 1.2), (x + 3, _ROW * 1.6), 'failed'),
                  line((x - 3, _ROW * 1.6), (x + 3, _ROW * 1.2), 'failed')]
    return marks


def _demand_words(found: History, evidence: Evidence) -> str:
    exact = sum(moment.minutes for moment in found.moments if moment.exact)
    whole = sum(moment.minutes for moment in found.moments)
    words = (f'From {timestamp(found.moments[0].start)} to '
             f'{timestamp(found.moments[-1].start + found.moments[-1].minutes)}. Peak {evidence.peak_ports_per_node} '
             f'ports at {evidence.peak_at}, of {_known(evidence.allocated_ports_per_node)} allocated. '
             f'{exact / whole:.0%} of the time was read minute by minute.')
    full = sum(moment.minutes for moment in found.moments if moment.saturated)
    failed = round(sum(moment.failed for moment in found.moments))
    words += f' Ports were used up, or connections failed, within {full} minutes; {failed} connections failed.'
    if evidence.demand_is_estimate:
        words += f' The estimated need is {evidence.demand_ports_per_node} ports.'
    return words


# Nodes

def nodes_chart(evidence: Evidence, width: float) -> Optional[Markup]:
    """The busiest nodes: a bar of ports in use at the peak in a frame of what was allocated."""
    if not evidence.busiest_nodes:
        return None
    row, left = 22.0, 104.0
    right = width - 104
    most = max([1, *(node.allocated_ports or node.peak_ports for node in evidence.busiest_nodes),
                *(node.peak_ports for node in evidence.busiest_nodes)])
    scale = Scale(0, most, left, right)
    parts: List[Content] = []
    for index, node in enumerate(evidence.busiest_nodes):
        y = row * index + 4
        parts += [text((left - 6, y + 11), node.node, 'label', 'end'),
                  box((left, y), scale.at(node.allocated_ports or 0) - left, 14, 'frame'),
                  box((left, y), scale.at(node.peak_ports) - left, 14, 'use exact'),
                  text((right + 6, y + 11), f'{number(node.peak_ports)} of {_share_of(node.allocated_ports)}', 'label')]
    told = '; '.join(f'{node.node}: {node.peak_ports} of {_share_of(node.allocated_ports)}'
                     for node in evidence.busiest_nodes)
    return picture(width, row * len(evidence.busiest_nodes) + 6, 'The busiest nodes at their peaks', told, *parts)


def _share_of(allocated: Optional[int]) -> str:
    return '?' if allocated is None else number(allocated)


# Axes

def _axes(across: Scale, upward: Scale, size: Size, top: float, *, below: str = '', beside: str, time: bool = False
          ) -> List[Markup]:
    """Lines and numbers; days with `time`."""
    parts: List[Markup] = []
    for value in upward.ticks(6):
        y = upward.at(value)
        parts += [line((_LEFT, y), (size.right, y), 'grid'), text((_LEFT - 5, y + 4), number(value), 'label', 'end')]
    places = _days(across, size) if time else [(value, number(value)) for value in across.ticks(int(size.width // 90))]
    for value, words in places:
        x, half = across.at(value), len(words) * _LETTER / 2
        anchor = 'end' if x + half > size.width else 'middle'
        parts += [line((x, size.bottom), (x, size.bottom + 4), 'axis'),
                  text((size.width if anchor == 'end' else x, size.bottom + 16), words, 'label', anchor)]
    parts += [line((_LEFT, size.bottom), (size.right, size.bottom), 'axis'),
              text((4, top - 12), beside, 'label muted')]
    return parts + ([text((size.right, size.bottom + 28), below, 'label muted', 'end')] if below else [])


def _days(across: Scale, size: Size) -> List[Tuple[float, str]]:
    """Midnights (UTC), as many as have room."""
    first, last = int(-(-across.low // _DAY)), int(across.high // _DAY)
    step = max(1, -(-(last - first + 1) * 60 // int(size.right - _LEFT)))
    return [(day * _DAY, timestamp(day * _DAY)[5:10]) for day in range(first, last + 1, step)]
