# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What a person who looks at a table should mind or run: lines below it, each with the severity that it has."""

from typing import Iterable, List, NamedTuple, Optional

from ..decision import Decision
from ..model.finding import WARNING, Finding
from ..model.values import distinct
from .fleet import Row, summary


class Hint(NamedTuple):
    """A line below a table."""

    severity: str
    text: str


def of_plan(decision: Decision) -> List[Hint]:
    """The lines to run."""
    return _lines(decision)


def of_check(decision: Decision, findings: Iterable[Finding]) -> List[Hint]:
    """Lines that only reconcile, and the lines to run, which are the last."""
    others = distinct(finding.command for finding in findings
                      if finding.command is not None and finding.command != decision.command)
    hints = [Hint(WARNING, f'To let AKS set on {_name(decision)} what its profile says, run:')] if others else []
    return hints + [Hint(WARNING, f'  {line}') for line in others] + _lines(decision)


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
