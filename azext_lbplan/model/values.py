# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Reading JSON that came from elsewhere: keys in any case, values of any type, nothing trusted.

Azure spells one key in several ways (`outboundIPPrefixes`, `outboundIpPrefixes`), leaves keys out, or sends null;
files come from anywhere. Each function gives a value of the kind asked for, or None.
Source: AZURE-FACTS section 9.
"""

from functools import lru_cache
from typing import Any, Iterable, Mapping, NamedTuple, Optional, Sequence, Tuple, TypeVar

#: A value of JSON that came from elsewhere: of any type until one of these functions has looked.
Json = Any

Text = TypeVar('Text', bound=str)

#: Node, port and IP counts beyond this are no counts: Azure's largest cluster has 5,000 nodes.
LARGEST_COUNT = 10 ** 9

#: Stands in the place of a character that no name of Azure's holds.
REPLACED = '\ufffd'

#: Keys of a body whose spellings are kept in memory: no body that is read has more, and what comes may have millions.
_USUAL_KEYS = 64


def get(body: Json, *path: str) -> Json:
    """The value at `path`, each key compared without regard to case; None where anything on the way is missing."""
    for key in path:
        if not isinstance(body, dict):  # what JSON gives; a check against an abstract type takes ten times as long
            return None
        if key in body:
            body = body[key]
            continue
        names = tuple(body)
        name = _spelling(key, names) if len(names) <= _USUAL_KEYS else _spelling_among(key, names)
        if name is None:
            return None
        body = body[name]
    return body


def _spelling_among(key: str, names: Tuple[Json, ...]) -> Optional[str]:
    """The one of `names` that equals `key` without regard to case; YAML has names that are no text."""
    folded = key.lower()
    return next((name for name in names if isinstance(name, str) and name.lower() == folded), None)


#: The same from memory, in a third of the time: most keys are asked for in vain, of bodies with the same few keys.
_spelling = lru_cache(maxsize=1024)(_spelling_among)


class Unknown(NamedTuple):
    """Stands in a body of code in the place of a value that the code does not tell: why, in a few words."""

    why: str


def is_unknown(body: Json, *path: str) -> bool:
    """Whether the value at `path`, or what is around it, is not known."""
    for key in path:
        if not isinstance(body, dict):
            break
        body = body[key] if key in body else get(body, key)
    return isinstance(body, Unknown)


def unknown_fields(body: Json, fields: Mapping[str, Tuple[str, ...]]) -> Tuple[str, ...]:
    """The `fields` whose place in `body`, or what is around it, is held by an Unknown."""
    return tuple(field for field, path in fields.items() if is_unknown(body, *path))


def text(body: Json, *path: str) -> Optional[str]:
    """The non-empty string at `path`, in characters that a terminal prints."""
    # As `get` goes, without a call for each of the keys that are there: of all questions this is asked most.
    for key in path:
        if not isinstance(body, dict):
            return None
        body = body[key] if key in body else get(body, key)
    if not isinstance(body, str) or not body:
        return None
    return body if body.isprintable() else printable(body)


def decoded(content: bytes) -> str:
    """The text of a file, in UTF-8 or, as `>` of Windows PowerShell writes it, UTF-16 with a byte order mark.

    Raises UnicodeDecodeError.
    """
    return content.decode('utf-16' if content[:2] in (b'\xff\xfe', b'\xfe\xff') else 'utf-8-sig')


def printable(written: str) -> str:
    """`written` with a mark in the place of control characters: no name of Azure's holds any, and in a file, its path
    or an answer they could steer the terminal that the result is printed on."""
    if written.isprintable():
        return written
    return ''.join(character if character.isprintable() else REPLACED for character in written)


def count(body: Json, *path: str) -> Optional[int]:
    """The whole number at `path`, from 0 to LARGEST_COUNT; also where it is written as text or as 3.0."""
    value = get(body, *path)
    if isinstance(value, str):
        value = value.strip()
        value = int(value) if value.isascii() and value.isdigit() and len(value) < 20 else None
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        return None
    if not 0 <= value <= LARGEST_COUNT or value != int(value):
        return None
    return int(value)


def flag(body: Json, *path: str) -> Optional[bool]:
    """The boolean at `path`."""
    value = get(body, *path)
    return value if isinstance(value, bool) else None


def items(body: Json, *path: str) -> Sequence[Mapping[str, Json]]:
    """The objects of the list at `path`; what is no object is passed over."""
    value = get(body, *path)
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else ()


def texts(body: Json, *path: str) -> Tuple[str, ...]:
    """The non-empty strings of the list at `path`."""
    value = get(body, *path)
    found = value if isinstance(value, list) else ()
    return tuple(printable(item) for item in found if isinstance(item, str) and item)


def ids(body: Json, *path: str) -> Tuple[str, ...]:
    """The `id` of each reference in the list at `path`, in order, each once (compared without regard to case)."""
    return ids_of(items(body, *path))


def ids_of(references: Sequence[Json]) -> Tuple[str, ...]:
    """The same of references that are at hand."""
    return distinct(filter(None, [text(reference, 'id') for reference in references])) if references else ()


def distinct(resource_ids: Iterable[Text]) -> Tuple[Text, ...]:
    """`resource_ids` without repetitions, compared as ARM compares them: without regard to case."""
    once = list(resource_ids)
    if len(once) < 2:
        return tuple(once)
    return tuple({resource_id.lower(): resource_id for resource_id in reversed(once)}.values())[::-1]


def properties(body: Json) -> Json:
    """What a resource holds: its `properties` as ARM sends them, or the body itself as `az` flattens it."""
    inner = get(body, 'properties')
    return inner if isinstance(inner, dict) else body


def canonical(value: Optional[str], spellings: Iterable[str]) -> Optional[str]:
    """`value` in the spelling of `spellings` that equals it without regard to case; unknown values as they are."""
    if value is None:
        return None
    return next((spelling for spelling in spellings if spelling.lower() == value.lower()), value)


def id_segments(resource_id: Optional[str]) -> Mapping[str, str]:
    """The named parts of a resource id, keys in lower case: `{'subscriptions': …, 'resourcegroups': …}`."""
    parts = (resource_id or '').strip('/').split('/')
    return {key.lower(): value for key, value in zip(parts[::2], parts[1::2])}


def same_id(left: Optional[str], right: Optional[str]) -> bool:
    """Whether two ids name the same resource; ARM compares ids without regard to case."""
    return bool(left and right and left.lower() == right.lower())
