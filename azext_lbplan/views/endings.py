# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What stands below a result, and why an exit code is not 0: the records, and the lines that all commands share."""

from typing import Dict, Iterable, NamedTuple, Sequence, Tuple

from ..model.finding import counted


class Hint(NamedTuple):
    """A line below a table."""

    severity: str
    text: str


class Judged(NamedTuple):
    """What `--fail-on` looks at: how bad it is, what it is, and on which cluster or in which file ('' for none)."""

    severity: str
    what: str
    where: str = ''


#: So many names stand in a line that says why.
_MOST_NAMES = 5


def of_gate(fail_on: str, failing: Iterable[Judged]) -> Tuple[str, ...]:
    """Why `--fail-on` has failed, in one line."""
    places: Dict[str, Dict[str, None]] = {}
    for one in failing:
        places.setdefault(one.where, {})[one.what] = None
    told = [f'{where}: {_first(list(what))}' if where else _first(list(what)) for where, what in places.items()]
    return (f"--fail-on {fail_on} ends with exit code 4, because of {_first(told, '; ')}.",)


def of_failures(failed: int, total: int, messages: Sequence[str]) -> Tuple[str, ...]:
    """How many of several clusters have no result, and why the first has none, in one line."""
    why = f' The first error: {messages[0]}' if messages else ''
    return (f'{failed} of {counted(total, "cluster")} could not be read.{why}',)


def _first(names: Sequence[str], separator: str = ', ') -> str:
    more = f'{separator}and {len(names) - _MOST_NAMES} more' if len(names) > _MOST_NAMES else ''
    return separator.join(names[:_MOST_NAMES]) + more
