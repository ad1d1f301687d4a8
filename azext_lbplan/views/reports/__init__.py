# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Answers as files: one kind of report for each ending of a name. A kind is a row of the table here."""

import os
from typing import Callable, Dict, NamedTuple, Optional, Sequence, Tuple

from ..answer import Answer
from . import html, junit, markdown, sarif

#: Writes the answers of one command, on a cluster each, as text.
Render = Callable[[Sequence[Answer]], str]

_ON_CLUSTERS = ('plan', 'recommend', 'check', 'list')
_ALL = (*_ON_CLUSTERS, 'check-service')


class Kind(NamedTuple):
    """A kind of report: how it is written, the commands that can be, and whether it takes several clusters."""

    render: Render
    commands: Tuple[str, ...]
    several: bool


#: By the ending of the file's name, in lower case.
KINDS: Dict[str, Kind] = {
    '.html': Kind(html.render, _ON_CLUSTERS, False),
    '.md': Kind(markdown.render, _ALL, True),
    '.sarif': Kind(sarif.render, _ALL, True),
    '.xml': Kind(junit.render, _ALL, True),
}


def kind_of(path: str, command: str) -> Optional[Kind]:
    """The kind of report that a file of this name is to be; None where `command` has none of such an ending."""
    kind = KINDS.get(os.path.splitext(path)[1].lower())
    return kind if kind is not None and command in kind.commands else None


def endings(command: str, several: bool = False) -> Tuple[str, ...]:
    """The endings that `command` knows; of `several` clusters."""
    return tuple(ending for ending, kind in KINDS.items() if command in kind.commands and (kind.several or not several))


__all__ = ['Answer', 'KINDS', 'Kind', 'endings', 'kind_of']
