# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The one parser of JSON for all that is taken in, files and answers of Azure alike: strict, and bounded in memory.

Python's own takes more than JSON (NaN, Infinity), makes infinity of 1e999, and lets a few bytes grow: `{"a":1},`
becomes an object of 200. What is refused says why.
Source: RFC 8259, sections 6 (numbers) and 8.1 (UTF-8).
"""

import json
import re
import sys
from typing import Any, Dict, NamedTuple, NoReturn

from ..model.values import Json, decoded

#: The most characters of a number. A 64-bit one has at most 24; more is a mistake, or meant to cost time.
LONGEST_NUMBER = 64

#: To look at numbers without parsing them: all digits alike, and `E` like `e`.
_ALIKE = bytes.maketrans(b'123456789E', b'000000000e')

#: A longer number has three runs of digits at most, and four other characters: one run has a third of the rest.
_LONG = b'0' * ((LONGEST_NUMBER + 1 - 4) // 3 + 1)

#: A shorter one is infinite only with an exponent of three digits. What looks like that may be a part of an id, which
#: has no such beginning. (To look for both at once takes thirty times as long.)
_LARGE = re.compile(rb'0e\+?000')
_BEGINNING = re.compile(rb'(?:\A|[:,\[\s])-?0[0.]*\Z')


class Bounds(NamedTuple):
    """The most of one text, and so of memory: bytes, and values, of which each takes up to 130 bytes (measured)."""

    bytes: int
    values: int


class NotTaken(ValueError):
    """A text that is not taken: why, as the rest of a sentence about it ("is no JSON: ...")."""


class TooLarge(NotTaken):
    """A text beyond its bounds."""


def parse_json(content: bytes, bounds: Bounds) -> Json:
    """The value that is written in `content`, in UTF-8, or in UTF-16 with its mark. Raises NotTaken."""
    return parse_text(text_of(content, bounds))


def text_of(content: bytes, bounds: Bounds) -> str:
    """The text in `content`, within `bounds`; not an empty one. Raises NotTaken."""
    if len(content) > bounds.bytes:
        raise too_many_bytes(bounds.bytes)
    if len(content) >= bounds.values and values_in(content) > bounds.values:  # none takes less than a byte
        raise TooLarge(f'holds more than {bounds.values:,} values')
    try:
        text = decoded(content)
    except UnicodeDecodeError as error:
        raise NotTaken('is no text in UTF-8, nor in UTF-16 with its mark') from error
    if sys.getsizeof(text) > 2 * bounds.bytes:  # one emoji, and each character takes four bytes
        raise TooLarge(f'takes more than {2 * bounds.bytes >> 20} MiB of memory as text')
    if not text.strip():
        raise NotTaken('is empty')
    return text


def parse_text(text: str) -> Json:
    """The value that is written in `text`. Raises NotTaken."""
    # To be asked for each number takes as long as all else.
    hooks: Dict[str, Any] = {'parse_float': _float, 'parse_int': _int} if _holds_odd_numbers(text) else {}
    try:
        return json.loads(text, parse_constant=_constant, **hooks)
    except NotTaken:
        raise
    except ValueError as error:
        raise NotTaken(f'is no JSON: {error}') from error
    except RecursionError as error:
        raise NotTaken('is no JSON: it is nested too deeply') from error


def values_in(content: bytes) -> int:
    """At least as many as the values in `content`: each but the first follows a bracket or a comma, texts hold some
    more of these. A colon's value is paid for by the object or the comma before its key."""
    return 1 + content.count(b',') + content.count(b'[') + content.count(b'{')


def too_many_bytes(most: int) -> TooLarge:
    """What is said of a text of more than `most` bytes."""
    return TooLarge(f'is larger than {most >> 20} MiB')


def _holds_odd_numbers(text: str) -> bool:
    """Whether a number in `text` may be too long, or infinite; texts in it may look so, too."""
    alike = text.encode('utf-8', 'surrogatepass').translate(_ALIKE)
    return _LONG in alike or any(
        _BEGINNING.search(alike, max(0, large.start() - LONGEST_NUMBER), large.start() + 1)
        for large in _LARGE.finditer(alike))


def _int(written: str) -> int:
    _check_length(written)
    return int(written)


def _float(written: str) -> float:
    _check_length(written)
    value = float(written)
    if value - value != 0:  # infinity
        raise NotTaken(f'holds the number {written}, which is out of range')
    return value


def _check_length(written: str) -> None:
    if len(written) > LONGEST_NUMBER:
        raise NotTaken(f'holds a number of {len(written)} characters')


def _constant(written: str) -> NoReturn:
    raise NotTaken(f'is no JSON: it holds {written}')
