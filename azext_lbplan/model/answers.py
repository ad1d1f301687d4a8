# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What Azure Monitor answered: the one parser between raw JSON and series of numbers.

A series is a few flat arrays, not an object per point: 1000 nodes over seven days are some 400,000 points. Each answer
is parsed by itself and once, where it comes in; what several say of one series is joined.
The oddities that the parser lives with are those of AZURE-FACTS section 9, point 15.
"""
from __future__ import annotations

import math
import re
from array import array
from operator import itemgetter
from typing import Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from . import values
from .metrics import (AGGREGATIONS, AWAITING, FRONTEND, INTERVALS, METRICS, NODE, PROTOCOL, PROTOCOLS,
                      RETENTION_MINUTES, STATE, Query, is_answer, minute_of)
from .values import Json

#: Values of IsAwaitingRemoval that say yes; how the service spells them is not documented.
_YES = ('true', '1', 'yes')

_CLOCK = re.compile(r'(?:(\d{1,3})\.)?(\d{1,2}):(\d\d):00$')
_NUMBERS = {int, float}

#: Minutes, ascending, and the numbers at these by aggregation.
_Columns = Tuple['array[int]', Dict[str, 'array[float]']]


class Series(NamedTuple):
    """The points of one metric for one combination of dimensions. A dimension that was not split by is None.

    `minutes` is ascending and without repetitions; each array in `values` (by aggregation) has the same length,
    NaN where a point lacks that aggregation. `interval` is the length of each point in minutes.
    A time without a point is a gap, not a zero.
    """

    metric: str
    node: Optional[str]
    protocol: Optional[str]
    frontend: Optional[str]
    state: Optional[str]
    interval: int
    minutes: array[int]
    values: Mapping[str, array[float]]

    @property
    def kind(self) -> Tuple[str, int, str, str, str, str]:
        """What two series must share to be one: all but their points."""
        return (self.metric, self.interval, self.node or '', self.protocol or '', self.frontend or '', self.state or '')


class Measurements(NamedTuple):
    """Everything that the answers hold.

    `points` counts points with a value; `truncated` says that an answer was as long as `top` allows, so that series
    may be missing; `problems` holds the errors that came inside of answers with status 200.
    """

    series: Tuple[Series, ...] = ()
    points: int = 0
    truncated: bool = False
    problems: Tuple[str, ...] = ()


class Answer:
    """A query and the raw body that came back. `query` is None where a file did not say what had been asked, `response`
    where the body was given up after it was parsed."""

    def __init__(self, query: Optional[Query], response: Json):
        self.query = query
        self.response = response
        self._measured: Optional[Measurements] = None

    @property
    def measured(self) -> Measurements:
        """The series in this answer, parsed when they are first asked for."""
        if self._measured is None:
            self._measured = _parse(self.query, self.response)
        return self._measured

    def parsed(self, keep: bool) -> Answer:
        """This answer, parsed now; without the body, which takes ten times the memory, unless it is to be kept."""
        self._measured = _parse(self.query, self.response)
        if not keep:
            self.response = None
        return self

    def to_snapshot(self) -> Dict[str, Json]:
        """This answer as an element of a snapshot's `metrics`."""
        return {'query': self.query.parameters() if self.query else None, 'response': self.response}


class ClusterMetrics(NamedTuple):
    """What was read of one cluster's metrics: the answers, and where there are none, why reading failed."""

    answers: Tuple[Answer, ...]
    failure: Optional[str] = None


def answers_from_snapshot(body: Json) -> Tuple[Answer, ...]:
    """The answers in a snapshot's `metrics`, whatever else the file may hold."""
    entries = body if isinstance(body, list) else []
    return tuple(Answer(Query.from_parameters(values.get(entry, 'query')), values.get(entry, 'response'))
                 for entry in entries if isinstance(entry, Mapping))


def parse(answers: Iterable[Answer], only: Sequence[str] = METRICS, node: Optional[str] = None) -> Measurements:
    """All series of `only` these metrics, and of one `node` where it is given, in `answers`, those of the same kind
    joined; the order of the answers makes no difference."""
    found = [answer.measured for answer in answers]
    return _measurements((series for one in found for series in one.series
                          if series.metric in only and node in (None, series.node)),
                         any(one.truncated for one in found), (problem for one in found for problem in one.problems))


def _measurements(all_series: Iterable[Series], truncated: bool, problems: Iterable[str]) -> Measurements:
    kinds: Dict[Tuple[str, int, str, str, str, str], List[Series]] = {}
    for series in all_series:
        kinds.setdefault(series.kind, []).append(series)
    joined = tuple(_joined(kinds[kind]) for kind in sorted(kinds))
    return Measurements(joined, sum(len(each.minutes) for each in joined), truncated, tuple(sorted(set(problems))))


def _joined(parts: List[Series]) -> Series:
    """One series of several of the same kind."""
    if len(parts) == 1:
        return parts[0]
    parts.sort(key=lambda part: part.minutes[0])
    if all(one.minutes[-1] < after.minutes[0] and one.values.keys() == after.values.keys()
           for one, after in zip(parts, parts[1:])):
        minutes, numbers = parts[0].minutes[:], {name: column[:] for name, column in parts[0].values.items()}
        for part in parts[1:]:
            minutes.extend(part.minutes)
            for name, column in part.values.items():
                numbers[name].extend(column)
        return parts[0]._replace(minutes=minutes, values=numbers)
    points: Dict[str, Dict[int, float]] = {}
    for part in parts:
        for name, column in part.values.items():
            _add(points.setdefault(name, {}), zip(part.minutes, column))
    minutes, numbers = _columns(points)
    return parts[0]._replace(minutes=minutes, values=numbers)


def _parse(query: Optional[Query], response: Json) -> Measurements:
    """The series in one answer."""
    found: List[Series] = []
    problems = [] if is_answer(response) else ['an answer without a list of metrics']
    names = [name for name in AGGREGATIONS if not query or name in query.aggregations]
    interval, truncated, times = _interval(query, response), False, _Times()
    for body in values.items(response, 'value'):
        code = values.text(body, 'errorCode')
        if code and code.lower() != 'success':
            problems.append(f"{values.text(body, 'name', 'value')}: {code}")
        metric = values.canonical(values.text(body, 'name', 'value'), METRICS) or ''
        rows = values.items(body, 'timeseries')
        truncated = truncated or bool(query and query.top and len(rows) >= query.top)
        if metric in METRICS and interval is not None:
            found += _series(metric, interval, rows, names, times)
    return _measurements(found, truncated, problems)


def _series(metric: str, interval: int, rows: Iterable[Json], names: Sequence[str], times: _Times) -> Iterator[Series]:
    """The series of one metric that have a point."""
    for raw in rows:
        dimensions, data = _dimensions(raw), values.get(raw, 'data')
        # Ports that are about to be taken away are none to plan with, and stand beside those that replace them.
        if not isinstance(data, list) or dimensions.get(AWAITING.lower(), '').lower() in _YES:
            continue
        minutes, numbers = _whole(data, names, times) or _with_gaps(data, names)
        if numbers:
            node, protocol, frontend, state = _kind(dimensions)
            yield Series(metric, node, protocol, frontend, state, interval, minutes, numbers)


class _Times:  # pylint: disable=too-few-public-methods  # the state of one pass
    """Times as they are written, and their minutes. All series of an answer have the same, as a rule."""

    def __init__(self) -> None:
        self._written: List[Json] = []
        self._minutes: Optional[array[int]] = None

    def minutes(self, written: List[Json]) -> Optional[array[int]]:
        """The minutes of these times, where they ascend; None for others."""
        if written != self._written:
            found = [minute_of(text) for text in written]
            known = [minute for minute in found if minute is not None]
            ascending = len(known) == len(found) and all(map(int.__lt__, known, known[1:]))
            self._written, self._minutes = written, array('q', known) if ascending else None
        return self._minutes


def _whole(data: List[Json], names: Sequence[str], times: _Times) -> Optional[_Columns]:
    """The points where none lacks anything, as in nearly all answers, taken column by column, which is several times as
    fast; None for others."""
    try:
        minutes = times.minutes(list(map(itemgetter('timeStamp'), data)))
        columns = [list(map(itemgetter(name.lower()), data)) for name in names]
    except (KeyError, TypeError):
        return None
    if not minutes or not all(map(_are_counts, columns)):
        return None
    return minutes, {name: array('d', column) for name, column in zip(names, columns)}


def _are_counts(column: List[Json]) -> bool:
    return (set(map(type, column)) <= _NUMBERS and min(column) >= 0 and max(column) <= values.LARGEST_COUNT
            and sum(column) >= 0)  # the last one is for NaN, which neither of the others sees


def _with_gaps(data: Sequence[Json], names: Sequence[str]) -> _Columns:
    """The points that are valid, in any order."""
    points: Dict[str, Dict[int, float]] = {name: {} for name in names}
    for point in data:
        minute = minute_of(values.get(point, 'timeStamp')) if isinstance(point, dict) else None
        if minute is None:
            continue
        for name, numbers in points.items():
            value = point.get(name.lower())
            if isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= values.LARGEST_COUNT:
                _add(numbers, ((minute, value),))
    return _columns(points)


def _add(numbers: Dict[int, float], more: Iterable[Tuple[int, float]]) -> None:
    """Add numbers by minute. The same minute twice: the larger is the safe one, and the order makes no difference."""
    for minute, value in more:
        if value > numbers.get(minute, -1):
            numbers[minute] = value


def _columns(points: Mapping[str, Mapping[int, float]]) -> _Columns:
    """Numbers by aggregation and minute as columns; an aggregation without any is none."""
    minutes = sorted(set().union(*points.values()))
    return array('q', minutes), {name: array('d', [numbers.get(minute, math.nan) for minute in minutes])
                                 for name, numbers in points.items() if numbers}


def _dimensions(raw: Json) -> Dict[str, str]:
    """The dimensions of a series, names in lower case."""
    found: Dict[str, str] = {}
    for entry in values.items(raw, 'metadatavalues'):
        name = values.text(entry, 'name', 'value') or values.text(entry, 'name')
        value = values.get(entry, 'value')
        if name and isinstance(value, (str, int)) and not isinstance(value, bool):
            found[name.lower()] = str(value).strip()
    return found


def _kind(found: Mapping[str, str]) -> Tuple[Optional[str], Optional[str], Optional[str], Optional[str]]:
    """Node, protocol, frontend and connection state of a series; None where it is not split by one."""
    protocol = found.get(PROTOCOL.lower(), '')
    node, frontend, state = (found.get(name.lower(), '').lower() or None for name in (NODE, FRONTEND, STATE))
    return node, PROTOCOLS.get(protocol.lower(), protocol) or None, frontend, state


def _interval(query: Optional[Query], response: Json) -> Optional[int]:
    """The length of the points in minutes: as the answer says, else as was asked; None when neither is known."""
    said = values.text(response, 'interval') or ''
    length = INTERVALS.get(said.upper())
    clock = _CLOCK.match(said)
    if clock:
        length = int(clock.group(1) or 0) * 1440 + int(clock.group(2)) * 60 + int(clock.group(3))
    if not length and query:
        length = query.interval or query.end - query.start
    return length if length and 0 < length <= RETENTION_MINUTES else None
