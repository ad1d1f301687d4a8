# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The one place that everything printed goes through: results, errors, and lines on stderr.

What was typed, read or found in a file may hold characters that steer a terminal (escape sequences, a bell, a change
of writing direction). Here a mark takes their place, whatever the text is part of.
"""

from contextlib import contextmanager
from typing import Any, Iterable, Iterator, TypeVar

from azure.cli.core.azclierror import AzCLIError
from knack.util import CLIError

from .model.values import printable

Value = TypeVar('Value')

#: Letters of an error that are printed: a screen of them. What was read may hold a million.
MOST_LETTERS = 2000

#: Keys of texts that are code: their lines stay lines.
_CODE = frozenset({'bicep', 'terraform', 'aso', 'capz'})


def line(written: object) -> str:
    """`written` on one line: the CLI's own errors come on several."""
    return printable(' '.join(part.strip() for part in str(written).split('\n')).strip())


def value(written: Value) -> Value:
    """A result, with every text in it printable; keys, too. A copy only where it takes one: it may be large."""
    return written if _is_printable(written) else _value(written)


def _is_printable(written: Any) -> bool:
    if isinstance(written, str):
        return written.isprintable()
    if isinstance(written, dict):
        return ''.join(written).isprintable() and _are_printable(written.values())
    if isinstance(written, list):
        return _are_printable(written)
    return not isinstance(written, tuple)  # a query takes none for a list


#: The types of most values of a long result, where a call for each is felt.
_NO_TEXT = frozenset(map(type, (None, True, 0, 0.0)))


def _are_printable(several: Iterable[Any]) -> bool:
    for one in several:
        kind = type(one)
        if kind is str:
            if not one.isprintable():
                return False
        elif kind not in _NO_TEXT and not _is_printable(one):
            return False
    return True


def _value(written: Any) -> Any:
    if isinstance(written, str):
        return written if written.isprintable() else printable(written)
    if isinstance(written, dict):
        return {_value(key): inner if inner is None else _code(inner) if key in _CODE and isinstance(inner, str)
                else _value(inner) for key, inner in written.items()}
    if isinstance(written, (list, tuple)):
        return [_value(inner) for inner in written]
    return written


def _code(written: str) -> str:
    return '\n'.join(map(printable, written.split('\n')))


@contextmanager
def errors() -> Iterator[None]:
    """Errors of the CLI that pass through here leave printable."""
    try:
        yield
    except CLIError as error:
        reword(error, message_of(error))
        raise


def message_of(error: CLIError) -> str:
    """What the CLI prints of `error`."""
    return str(error.error_msg if isinstance(error, AzCLIError) else error)


def reword(error: CLIError, message: str) -> None:
    """Give `error` another message, printable as its recommendations are then. The CLI prints the one or the other form
    of the message."""
    error.args = (_readable(message),)
    if isinstance(error, AzCLIError):
        error.error_msg = _readable(message)
        error.recommendations = [_readable(recommendation) for recommendation in error.recommendations]


def _readable(written: object) -> str:
    """On one line, and without its middle where it is too long to be read."""
    text = line(written)
    kept = MOST_LETTERS // 2
    return text if len(text) <= MOST_LETTERS else f'{text[:kept]} ... {text[-kept:]}'
