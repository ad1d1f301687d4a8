# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What NAT gateways carry, by their own metrics: connections at once and connections that failed. No metric tells them
by destination or by subnet, so that no more than bounds follow from it. Source: AZURE-FACTS sections 4 and 5."""

from typing import Dict, Iterator, NamedTuple, Optional, Tuple

from ..facts.snat import NAT_GATEWAY_CONNECTIONS
from ..model.metrics import Query
from ..model.observed import Observed
from ..model.values import LARGEST_COUNT, Json, get, items, same_id, text

#: Connections at once, and new ones by state.
ACTIVE, NEW = 'TotalConnectionCount', 'SNATConnectionCount'
_FAILED = "ConnectionState eq 'Failed'"

#: Minutes that are asked for by the minute: a month of them would be megabytes.
MOST_MINUTES = 7 * 1440

_TOTAL, _HOUR = 'Total', 60


class GatewayUse(NamedTuple):
    """The most connections at once and when, how many failed (None where that was not read), and the minutes that were
    measured."""

    peak: int
    peak_at: str
    failed: Optional[int]
    minutes: int

    @property
    def ips_for_one_destination(self) -> int:
        """The IPs that the peak would take if all of it went to one destination: no case takes more."""
        return max(1, -(-self.peak // NAT_GATEWAY_CONNECTIONS))


def gateway_queries(start: int, end: int) -> Tuple[Query, Query]:
    """What is asked of a gateway, from minute `start` to `end`: connections by the minute, failures by the hour."""
    start = max(start, end - MOST_MINUTES)
    return (Query((ACTIVE,), start, end, 1, (_TOTAL,)), Query((NEW,), start, end, _HOUR, (_TOTAL,), _FAILED))


def gateway_use(observed: Observed, gateway_id: str) -> Optional[GatewayUse]:
    """What was measured of a gateway; None where nothing was."""
    answers = [entry for entry in observed.gateway_metrics if same_id(text(entry, 'resourceId'), gateway_id)]
    active: Dict[str, float] = {}
    failed: Optional[float] = None
    for entry in answers:
        of_failures = text(entry, 'query', '$filter') == _FAILED
        for metric, moment, value in _points(get(entry, 'response')):
            if metric == ACTIVE.lower():
                active[moment] = active.get(moment, 0) + value  # of each protocol, where it is split
            elif metric == NEW.lower() and of_failures:
                failed = (failed or 0) + value
    if not active:
        return None
    peak_at = max(active, key=lambda moment: (active[moment], moment))
    return GatewayUse(int(active[peak_at]), peak_at, None if failed is None else int(failed), len(active))


def _points(response: Json) -> Iterator[Tuple[str, str, float]]:
    """(metric in lower case, time, value) of each point that has one."""
    for metric in items(response, 'value'):
        name = (text(metric, 'name', 'value') or '').lower()
        for series in items(metric, 'timeseries'):
            for point in items(series, 'data'):
                moment, value = text(point, 'timeStamp'), get(point, 'total')
                if moment and value.__class__ in (int, float) and 0 <= value <= LARGEST_COUNT:
                    yield name, moment, value
