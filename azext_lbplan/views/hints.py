# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What a person who looks at a table should mind or run: lines below it, each with the severity that it has."""

from typing import Iterable, List, Optional

from ..decision import Decision
from ..model.finding import ERROR, WARNING, Finding
from ..model.values import distinct
from ..rules.cluster.api_server import EGRESS_NOT_LISTED, NEW_IPS_NOT_LISTED
from ..rules.cluster.ways_out import told_ways
from .endings import Hint, Judged
from .findings import Result
from .fleet import Row, summary
from .fragments import own_fragment


def judged(decision: Decision, findings: Iterable[Finding]) -> List[Judged]:
    """Findings on one cluster for `--fail-on`."""
    return [Judged(finding.severity, finding.code, _name(decision)) for finding in findings]


def of_plan(decision: Decision, findings: Iterable[Finding] = ()) -> List[Hint]:
    """The lines to run; what has to be run before them comes before them."""
    return _lines_before(decision, findings) + _lines(decision)


def of_check(decision: Decision, findings: Iterable[Finding]) -> List[Hint]:
    """Lines that only reconcile, and the lines to run, which are the last."""
    found = tuple(findings)
    others = distinct(finding.command for finding in found if finding.code not in _BEFORE
                      and finding.command is not None and finding.command != decision.command)
    hints = [Hint(WARNING, f'To let AKS set on {_name(decision)} what its profile says, run:')] if others else []
    return hints + [Hint(WARNING, f'  {line}') for line in others] + of_plan(decision, found)


#: Findings with a line that is to be run before all others, and what it is for.
_BEFORE = {NEW_IPS_NOT_LISTED: 'So that the nodes of {} reach the API server from the new IPs, run first:',
           EGRESS_NOT_LISTED: 'So that the nodes of {} reach the API server, run first:'}


def _lines_before(decision: Decision, findings: Iterable[Finding]) -> List[Hint]:
    return [Hint(WARNING, line) for finding in findings if finding.code in _BEFORE and finding.command
            for line in (_BEFORE[finding.code].format(_name(decision)), f'  {finding.command}')]


def of_alerts(decision: Decision, alerts: Optional[List[Result]]) -> List[Hint]:
    """The lines that make the alerts, below those that change the cluster; nothing where no action group was named."""
    if alerts is None:
        return []
    if not alerts:
        return [Hint(WARNING, f'There are no alerts for {_name(decision)}: its SNAT ports are not known.')]
    again = ('The alerts are for the allocation of now: after the lines above ask for them again.' if decision.command
             else 'The alerts are for the allocation of now: make them again when it changes.')
    return [Hint(WARNING, again), Hint(WARNING, 'To be told before ports run out, run:'),
            *(Hint(WARNING, f"  {alert['command']}") for alert in alerts)]


def _lines(decision: Decision) -> List[Hint]:
    fragment = own_fragment(decision)
    if fragment is not None:
        return [Hint(WARNING, f'To set this on {_name(decision)}, put into its code:'),
                *(Hint(WARNING, f'  {line}') for line in fragment.rstrip().splitlines())]
    if decision.command is None:
        return _ways_out(decision)
    return [Hint(WARNING, f'To set this on {_name(decision)}, run:'),
            *(Hint(WARNING, f'  {line}') for line in decision.commands)]


def _ways_out(decision: Decision) -> List[Hint]:
    """The lines of each way out, where own addresses stand in the way of all others; numbered as in the table."""
    return [Hint(WARNING, text) for number, way in enumerate(told_ways(decision), 1) if way.commands
            for text in (f'Way out {number}: {way.title}', *(f'  {line}' for line in way.commands))]


def _name(decision: Decision) -> str:
    return (decision.cluster.name if decision.cluster else None) or 'the new cluster'


def of_fleet(rows: List[Row], top: Optional[int], live: bool) -> List[Hint]:
    """What closes a fleet, all `rows` of it, of which `top` are shown."""
    hints = [Hint(WARNING, summary(rows))]
    if top is not None and top < len(rows):
        hints.append(Hint(WARNING, f'{top} of {len(rows)} clusters are shown, the riskiest first.'))
    if live:
        hints.append(Hint(WARNING, 'Azure Resource Graph may lag some minutes behind; the live truth of one cluster: '
                                   'az aks lb show, az aks lb check.'))
    return hints


def judged_rows(rows: Iterable[Row], lost_clusters: bool) -> List[Judged]:
    """A fleet for `--fail-on`. A cluster that could not be read may be the one to fail for."""
    lost = [Judged(ERROR, 'clusters that could not be read')] if lost_clusters else []
    return lost + [Judged(row['status'], row['topFinding'], row['name'] or '') for row in rows
                   if row['status'] in (ERROR, WARNING)]
