# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Results that go to a file as well, as a report of the kind that its ending says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Dict, List, Sequence

from azure.cli.core.azclierror import ArgumentUsageError

from . import _printed
from .options import Typed
from .readers import saving
from .views.answer import Answer

if TYPE_CHECKING:  # only who asks for one pays for it
    from .views.reports import Kind

Result = Dict[str, Any]


def check_target(typed: Typed) -> None:
    """A report that cannot be written is told before anything is read."""
    if typed.report is not None:
        saving.check_target(typed.report, typed.source.overwrite)


def reported(typed: Typed, answers: Sequence[Answer]) -> List[Result]:
    """The results, written to the file that was asked for as well, as what its ending says."""
    if typed.report is not None:
        written = _kind_of_report(typed.report, answers).render(
            [answer._replace(result=_printed.value(answer.result)) for answer in answers])
        saving.save(typed.report, written, typed.source.overwrite)
    return [answer.result for answer in answers]


def _kind_of_report(path: str, answers: Sequence[Answer]) -> Kind:
    from .views import reports
    kind = reports.kind_of(path, answers[0].command)
    if kind is None:
        raise LookupError('a report of a kind that the validator has let pass')
    if len(answers) > 1 and not kind.several:
        known = ', '.join(reports.endings(answers[0].command, several=True))
        raise ArgumentUsageError(f'Such a report is about one cluster, and the file holds {len(answers)}.',
                                 f'Pick one with --name, or give a report of all one of these endings: {known}.')
    return kind
