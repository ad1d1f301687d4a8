# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The forecast in words and dates: when today's allocation and the proposed one are reached, or why nobody can tell."""

from typing import Any, Dict, Optional

from ..decision import Configuration, Decision
from ..demand.forecast import Forecast
from ..model.metrics import date_of


def row(decision: Decision) -> Optional[Dict[str, Any]]:
    """`forecast` of a result; None where too few days were measured."""
    found = decision.demand.forecast if decision.demand else None
    if found is None:
        return None
    return {'growthPerDay': round(found.per_day, 4), 'lowest': round(found.low, 4), 'highest': round(found.high, 4),
            'trend': found.trend, 'lastDay': date_of(found.last_day), 'current': _reach(found, decision.current),
            'proposed': _reach(found, decision.proposed), 'message': _message(found, decision)}


def _reach(found: Forecast, column: Optional[Configuration]) -> Optional[Dict[str, Any]]:
    """The days between which the daily peak reaches the ports of a column; None for none within a year."""
    ports = column.ports_per_node if column else None
    reach = found.reach(ports) if ports else None
    if reach is None:
        return None
    return {'portsPerNode': ports, 'earliest': date_of(found.last_day + reach.earliest),
            'latest': None if reach.latest is None else date_of(found.last_day + reach.latest)}


def _message(found: Forecast, decision: Decision) -> str:
    if not found.trend:
        return 'The daily peak shows no upward trend, so there is no date on which ports run out.'
    told = [f'The daily peak grows by about {found.per_day:.1%} a day (between {found.low:.1%} and {found.high:.1%}).']
    columns = [('today\'s', decision.current)]
    if decision.proposed and decision.current and decision.proposed.ports_per_node != decision.current.ports_per_node:
        columns.append(('the proposed', decision.proposed))
    for name, column in columns:
        reach, ports = _reach(found, column), column.ports_per_node if column else None
        if ports and reach is None:
            told.append(f'It does not reach {name} {ports} ports within a year.')
        elif reach is not None:
            latest = f"and {reach['latest']}" if reach['latest'] else 'and a day more than a year away'
            told.append(f"It reaches {name} {ports} ports between {reach['earliest']} {latest}.")
    return ' '.join(told)
