# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Answers as files: one kind of report for each ending of a name. A kind is a row of the table here."""

import os
from typing import Callable, Dict, NamedTuple, Optional, Tuple

from . import html
from .answer import Answer

#: Writes an answer as text.
Render = Callable[[Answer], str]


class Kind(NamedTuple):
    """A kind of report: how it is written, and the commands that can be."""

    render: Render
    commands: Tuple[str, ...]


#: By the ending of the file's name, in lower case.
KINDS: Dict[str, Kind] = {
    '.html': Kind(html.render, ('plan', 'recommend', 'check', 'list')),
}


def kind_of(path: str, command: str) -> Optional[Kind]:
    """The kind of report that a file of this name is to be; None where `command` has none of such an ending."""
    kind = KINDS.get(os.path.splitext(path)[1].lower())
    return kind if kind is not None and command in kind.commands else None


def endings(command: str) -> Tuple[str, ...]:
    """The endings that `command` knows."""
    return tuple(ending for ending, kind in KINDS.items() if command in kind.commands)


__all__ = ['Answer', 'KINDS', 'Kind', 'endings', 'kind_of']
