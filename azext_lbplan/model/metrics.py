# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The words of Azure Monitor about SNAT ports, what it is asked, and its times (the answers: model.answers).

Time is counted in whole minutes since 1970-01-01T00:00Z, the grain of the SNAT metrics (AZURE-FACTS section 4).
"""
from __future__ import annotations

import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from typing import Dict, NamedTuple, Optional, Sequence, Tuple

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


def timestamp(minute: int) -> str:
    """`minute` as Azure writes it: 2026-08-26T07:10:00Z."""
    return (_EPOCH + timedelta(minutes=minute)).strftime('%Y-%m-%dT%H:%M:%SZ')


def date_of(day: int) -> str:
    """The day of that number since 1970-01-01: 2026-08-26."""
    return timestamp(day * 1440)[:10]


def minute_of(text: Json) -> Optional[int]:
    """The minute that holds the time `text` (ISO 8601, UTC unless it says otherwise); None for anything else."""
    return _minute_of(text) if isinstance(text, str) else None


@lru_cache(maxsize=1 << 14)  # a week of minutes, which all series have
def _minute_of(text: str) -> Optional[int]:
    found = _TIME.match(text)
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


def _names(text: Optional[str], spellings: Sequence[str]) -> Tuple[str, ...]:
    """The names in a comma-separated text, in the spelling of `spellings`; unknown ones as they are."""
    by_name = {spelling.lower(): spelling for spelling in spellings}
    names = [part.strip() for part in (text or '').split(',') if part.strip()]
    return tuple(by_name.get(name.lower(), name) for name in names)
