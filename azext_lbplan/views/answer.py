# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What a report is made of: the result as every command returns it, and what it was made from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple, Optional, Tuple

if TYPE_CHECKING:  # what has no decision does not pay for it
    from ..decision import Decision


class Answer(NamedTuple):
    """The `result` of `command`: a dict, or the rows of a fleet or of manifests, which have no `decision`. `source` is
    the file that the cluster was read from, `fail_on` the severity from which on the command fails, `rules` the codes
    of those that `check` was asked for."""

    command: str
    result: Any
    decision: Optional[Decision] = None
    source: Optional[str] = None
    fail_on: Optional[str] = None
    rules: Tuple[str, ...] = ()
