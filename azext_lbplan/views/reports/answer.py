# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What a report is made of: the result as every command returns it, and what it was made from."""

from typing import Any, NamedTuple, Optional, Tuple

from ...decision import Decision
from ...model.finding import Finding


class Answer(NamedTuple):
    """The `result` of `command`: a dict, or the rows of a fleet. `decision` is None for a fleet."""

    command: str
    result: Any
    decision: Optional[Decision] = None
    findings: Tuple[Finding, ...] = ()
