# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What a person who looks at a table should mind or run: lines below it, each with the severity that it has."""

from typing import Iterable, List, NamedTuple, Optional

from ..decision import Decision
from ..decision.assumptions import assumptions
from ..model.finding import INFO, WARNING, Finding
from .fleet import Row, summary


class Hint(NamedTuple):
    """A line below a table."""

    severity: str
    text: str


def of_plan(decision: Decision, findings: Iterable[Finding]) -> List[Hint]:
    """What to mind, and the lines to run, which are the last."""
    hints = []
    for finding in findings:
        advice = f' {finding.remediation}' if finding.remediation and not finding.command else ''
        if finding.severity != INFO:
            hints.append(Hint(finding.severity, finding.message + advice))
    hints += [Hint(WARNING, f'Assumed: {assumption}') for assumption in assumptions(decision)]
    return hints + _lines(decision)


def of_check(decision: Decision, findings: Iterable[Finding]) -> List[Hint]:
    """What to do about errors and warnings; the lines to run are the last."""
    cluster = _name(decision)
    hints = []
    for finding in findings:
        if finding.severity != INFO and finding.remediation:
            hints.append(Hint(finding.severity, f'{cluster}, {finding.code}: {finding.remediation}'))
            if finding.command is not None and finding.command != decision.command:
                hints.append(Hint(WARNING, f'  {finding.command}'))
    return hints + _lines(decision)


def _lines(decision: Decision) -> List[Hint]:
    if decision.command is None:
        return []
    return [Hint(WARNING, f'To set this on {_name(decision)}, run:'),
            *(Hint(WARNING, f'  {line}') for line in decision.commands)]


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
