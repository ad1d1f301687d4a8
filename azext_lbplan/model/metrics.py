# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What Azure Monitor was asked, what it answered, and the one parser between raw JSON and series of numbers.

Time is counted in whole minutes since 1970-01-01T00:00Z, the grain of the SNAT metrics (AZURE-FACTS section 4).
A series is a few flat arrays, not an object per point: 1000 nodes over seven days are some 400,000 points.
The oddities that the parser lives with are those of AZURE-FACTS section 9, point 15.
"""
from __future__ import annotations

import math
import re
from array import array
from datetime import datetime, timedelta, timezone
from typing import Dict, Iterable, Mapping, NamedTuple, Optional, Sequence, Tuple

from . import values
from .values import Json

USED = 'UsedSnatPorts'
ALLOCATED = 'AllocatedSnatPorts'
CONNECTIONS = 'SnatConnectionCount'
METRICS = (USED, ALLOCATED, CONNECTIONS)

AVERAGE = 'Average'
MAXIMUM = 'Maximum'
TOTAL = 'Total'
AGGREGATIONS = (AVERAGE, MAXIMUM, TOTAL)

FRONTEND = 'FrontendIPAddress'
NODE = 'BackendIPAddress'
PROTOCOL = 'ProtocolType'
STATE = 'ConnectionState'
AWAITING = 'IsAwaitingRemoval'

TCP = 'TCP'
UDP = 'UDP'

#: Connection states (AZURE-FACTS section 4). A pending connection is told of again once it has succeeded or failed.
FAILED = 'failed'
PENDING = 'pending'

#: Values of IsAwaitingRemoval that say yes; how the service spells them is not documented.
_YES = ('true', '1', 'yes')

#: ProtocolType comes as an IANA number or as a word (AZURE-FACTS section 4).
PROTOCOLS = {'6': TCP, 'tcp': TCP, '17': UDP, 'udp': UDP}

#: The interval that stands for the whole timespan; the API spells it FULL (REST reference of Metrics - List).
FULL = 0

#: Time grains of the API, in minutes, by their name. Source: its own error message, "Invalid time grain duration:
#: PT10M, supported ones are: 00:01:00,00:05:00,00:15:00,00:30:00,01:00:00,06:00:00,12:00:00,1.00:00:00".
INTERVALS = {'PT1M': 1, 'PT5M': 5, 'PT15M': 15, 'PT30M': 30, 'PT1H': 60, 'PT6H': 360, 'PT12H': 720, 'P1D': 1440,
             'FULL': FULL}

#: Metrics are kept for 93 days (AZURE-FACTS section 4): no interval is longer.
RETENTION_MINUTES = 93 * 1440

_NAMES = {minutes: name for name, minutes in INTERVALS.items()}
_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_TIME = re.compile(r'(20\d\d)-(\d\d)-(\d\d)T(\d\d):(\d\d)(?::(\d\d)(?:\.\d+)?)?(Z|[+-]\d\d:?\d\d)?$', re.IGNORECASE)
_CLOCK = re.compile(r'(?:(\d{1,3})\.)?(\d{1,2}):(\d\d):00$')


#: Metric, interval, node, protocol, frontend and connection state of a series; '' where it is not split by one.
_Key = Tuple[str, int, str, str, str, str]

#: The numbers of one series, by aggregation and then by minute.
_Points = Dict[str, Dict[int, float]]

#: Times as they are written, and their minutes: each is parsed once for all series.
_Minutes = Dict[Optional[str], Optional[int]]


class Query(NamedTuple):
    """One question to Azure Monitor about the load balancer; `start` and `end` in minutes, `interval` of INTERVALS."""

    metrics: Tuple[str, ...]
    start: int
    end: int
    interval: int
    aggregations: Tuple[str, ...]
    filter: Optional[str] = None
    top: Optional[int] = None
    orderby: Optional[str] = None

    def parameters(self) -> Dict[str, str]:
        """The query string's parameters by name, not yet percent-encoded; also the form kept in a snapshot."""
        parameters = {'metricnames': ','.join(self.metrics),
                      'timespan': f'{timestamp(self.start)}/{timestamp(self.end)}',
                      'interval': _NAMES[self.interval],
                      'aggregation': ','.join(self.aggregations),
                      '$filter': self.filter,
                      'top': str(self.top) if self.top is not None else None,
                      'orderby': self.orderby}
        return {name: value for name, value in parameters.items() if value is not None}

    @classmethod
    def from_parameters(cls, body: Json) -> Optional[Query]:
        """The query whose `parameters` these are; None where what was asked cannot be made out."""
        begin, _, end = (values.text(body, 'timespan') or '').partition('/')
        start, stop = minute_of(begin), minute_of(end)
        interval = INTERVALS.get((values.text(body, 'interval') or '').upper())
        if start is None or stop is None or interval is None:
            return None
        return cls(_names(values.text(body, 'metricnames'), METRICS), start, stop, interval,
                   _names(values.text(body, 'aggregation'), AGGREGATIONS),
                   values.text(body, '$filter'), values.count(body, 'top'), values.text(body, 'orderby'))


class Answer(NamedTuple):
    """A query and the raw body that came back. `query` is None where a file did not say what had been asked."""

    query: Optional[Query]
    response: Json

    def to_snapshot(self) -> Dict[str, Json]:
        """This answer as an element of a snapshot's `metrics`."""
        return {'query': self.query.parameters() if self.query else None, 'response': self.response}


class ClusterMetrics(NamedTuple):
    """What was read of one cluster's metrics: the answers, and where there are none, why reading failed."""

    answers: Tuple[Answer, ...]
    failure: Optional[str] = None


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


class Measurements(NamedTuple):
    """Everything that the answers hold.

    `points` counts points with a value; `truncated` says that an answer was as long as `top` allows, so that series
    may be missing; `problems` holds the errors that came inside of answers with status 200.
    """

    series: Tuple[Series, ...] = ()
    points: int = 0
    truncated: bool = False
    problems: Tuple[str, ...] = ()


def timestamp(minute: int) -> str:
    """`minute` as Azure writes it: 2026-08-26T07:10:00Z."""
    return (_EPOCH + timedelta(minutes=minute)).strftime('%Y-%m-%dT%H:%M:%SZ')


def date_of(day: int) -> str:
    """The day of that number since 1970-01-01: 2026-08-26."""
    return timestamp(day * 1440)[:10]


def minute_of(text: Json) -> Optional[int]:
    """The minute that holds the time `text` (ISO 8601, UTC unless it says otherwise); None for anything else."""
    found = _TIME.match(text) if isinstance(text, str) else None
    if not found:
        return None
    offset = (found.group(7) or 'Z').upper().replace(':', '')
    year, month, day, hour, minute, second = (int(part or 0) for part in found.groups()[:6])
    try:
        moment = datetime(year, month, day, hour, minute, second, tzinfo=timezone.utc)
    except ValueError:
        return None
    ahead = 0 if offset == 'Z' else int(offset[0] + '1') * (int(offset[1:3]) * 60 + int(offset[3:5]))
    return (moment - _EPOCH) // timedelta(minutes=1) - ahead


def answers_from_snapshot(body: Json) -> Tuple[Answer, ...]:
    """The answers in a snapshot's `metrics`, whatever else the file may hold."""
    entries = body if isinstance(body, list) else []
    return tuple(Answer(Query.from_parameters(values.get(entry, 'query')), values.get(entry, 'response'))
                 for entry in entries if isinstance(entry, Mapping))


def of_node(answers: Iterable[Answer], node: str) -> Tuple[Answer, ...]:
    """`answers` with the series of one node only, so that looking at it again does not cost what all nodes do."""
    def only(body: Mapping[str, Json]) -> Dict[str, Json]:
        return {**body, 'timeseries': [raw for raw in values.items(body, 'timeseries')
                                       if _kind(_dimensions(raw))[0] == node]}
    return tuple(answer._replace(response={'interval': values.text(answer.response, 'interval'),
                                           'value': [only(body) for body in values.items(answer.response, 'value')]})
                 for answer in answers)


def aggregation_refused(body: Json) -> bool:
    """Whether this body, of status 400 or of status 200 with an error inside, refuses the aggregation asked for.

    Inside a 200 it is `InvalidSamplingType` at the metric (AZURE-FACTS section 9, point 15).
    """
    told = [body, values.get(body, 'error'), *values.items(body, 'value')]
    words = ' '.join(str(values.get(part, name)) for part in told
                     for name in ('code', 'message', 'errorCode', 'errorMessage')).lower()
    return 'samplingtype' in words or 'sampling type' in words or 'aggregation' in words


def is_answer(body: Json) -> bool:
    """Whether `body` is an answer at all: a list of metrics, which may be empty."""
    return isinstance(values.get(body, 'value'), list)


def parse(answers: Iterable[Answer], only: Sequence[str] = METRICS) -> Measurements:
    """All series of `only` these metrics in `answers`, those of the same kind joined; the order of the answers makes no
    difference."""
    collected: Dict[_Key, _Points] = {}
    problems = set()
    truncated = False
    minutes: _Minutes = {}
    for answer in answers:
        if not is_answer(answer.response):
            problems.add('an answer without a list of metrics')
        for body in values.items(answer.response, 'value'):
            code = values.text(body, 'errorCode')
            if code and code.lower() != 'success':
                problems.add(f"{values.text(body, 'name', 'value')}: {code}")
            count = _collect(body, answer, only, collected, minutes)
            truncated = truncated or bool(answer.query and answer.query.top and count >= answer.query.top)
    series = tuple(_series(key, points) for key, points in sorted(collected.items()) if any(points.values()))
    return Measurements(series, sum(len(each.minutes) for each in series), truncated, tuple(sorted(problems)))


def _collect(body: Json, answer: Answer, only: Sequence[str], collected: Dict[_Key, _Points],
             minutes: _Minutes) -> int:
    """Add the series of one metric's `body` to `collected`; gives how many series there were."""
    metric = values.canonical(values.text(body, 'name', 'value'), METRICS)
    interval = _interval(answer)
    names = [name for name in AGGREGATIONS if not answer.query or name in answer.query.aggregations]
    count = 0
    for raw in values.items(body, 'timeseries'):
        count += 1
        dimensions = _dimensions(raw)
        # Ports that are about to be taken away are none to plan with, and stand beside those that replace them.
        if metric is None or metric not in only or interval is None or \
                dimensions.get(AWAITING.lower(), '').lower() in _YES:
            continue
        points = collected.setdefault((metric, interval, *_kind(dimensions)), {})
        data = values.get(raw, 'data')
        if isinstance(data, list):
            _add_points(data, [(name.lower(), points.setdefault(name, {})) for name in names], minutes)
    return count


def _add_points(data: Sequence[Json], targets: Sequence[Tuple[str, Dict[int, float]]], minutes: _Minutes) -> None:
    """Add each valid number of `data` to its target: (key of the number, the numbers by minute). The hot loop: it
    looks keys up directly, in the spelling of every recorded answer; a number under another key is a gap."""
    for point in data:
        if not isinstance(point, dict):
            continue
        text = point.get('timeStamp')
        if not isinstance(text, str):
            text = values.text(point, 'timeStamp')
        if text not in minutes:
            minutes[text] = minute_of(text)
        minute = minutes[text]
        if minute is None:
            continue
        for name, numbers in targets:
            value = point.get(name)
            if value is None or value.__class__ not in (int, float) or not 0 <= value <= values.LARGEST_COUNT:
                continue
            # The same minute twice: the larger is the safe one, and the order of answers makes no difference.
            if value > numbers.get(minute, -1):
                numbers[minute] = value


def _series(key: _Key, points: _Points) -> Series:
    """The Series of one collected `key`; empty texts in the key stand for dimensions that were not split by."""
    metric, interval, node, protocol, frontend, state = key
    minutes = sorted(set().union(*points.values()))
    return Series(metric, node or None, protocol or None, frontend or None, state or None, interval,
                  array('q', minutes),
                  {name: array('d', [numbers.get(minute, math.nan) for minute in minutes])
                   for name, numbers in points.items() if numbers})


def _dimensions(raw: Json) -> Dict[str, str]:
    """The dimensions of a series, names in lower case."""
    found: Dict[str, str] = {}
    for entry in values.items(raw, 'metadatavalues'):
        name = values.text(entry, 'name', 'value') or values.text(entry, 'name')
        value = values.get(entry, 'value')
        if name and isinstance(value, (str, int)) and not isinstance(value, bool):
            found[name.lower()] = str(value).strip()
    return found


def _kind(found: Mapping[str, str]) -> Tuple[str, str, str, str]:
    """Node, protocol, frontend and connection state of a series; '' where it is not split by one."""
    protocol = found.get(PROTOCOL.lower(), '')
    return (found.get(NODE.lower(), '').lower(), PROTOCOLS.get(protocol.lower(), protocol),
            found.get(FRONTEND.lower(), '').lower(), found.get(STATE.lower(), '').lower())


def _interval(answer: Answer) -> Optional[int]:
    """The length of the points in minutes: as the answer says, else as was asked; None when neither is known."""
    said = values.text(answer.response, 'interval') or ''
    length = INTERVALS.get(said.upper())
    clock = _CLOCK.match(said)
    if clock:
        length = int(clock.group(1) or 0) * 1440 + int(clock.group(2)) * 60 + int(clock.group(3))
    if not length and answer.query:
        length = answer.query.interval or answer.query.end - answer.query.start
    return length if length and 0 < length <= RETENTION_MINUTES else None


def _names(text: Optional[str], spellings: Sequence[str]) -> Tuple[str, ...]:
    """The names in a comma-separated text, in the spelling of `spellings`; unknown ones as they are."""
    by_name = {spelling.lower(): spelling for spelling in spellings}
    names = [part.strip() for part in (text or '').split(',') if part.strip()]
    return tuple(by_name.get(name.lower(), name) for name in names)
