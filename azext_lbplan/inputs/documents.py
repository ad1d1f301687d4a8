# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""From the bytes of a file to its documents, each value with the line that it stands on.

The parser's events are turned into values here, not by PyYAML: a document from anywhere may nest without end, name
itself, or grow without bound through its aliases, and the types have to be those that Kubernetes sees.
"""

import json
import re
from sys import intern
from typing import Dict, Iterator, List, Match, NamedTuple, Optional, Tuple

import yaml
from yaml.events import AliasEvent, MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent

from ..model.fields import Fields, Items
from ..model.values import Json, decoded
from .manifests import ALIAS_BOMB, NOT_PARSED, NOT_TEXT, TEMPLATE, TOO_LARGE, Problem
from .scalars import plain, tagged

#: libyaml's parser; every wheel of PyYAML on PyPI has it. Without it the same is read, about ten times slower.
LOADER = getattr(yaml, 'CSafeLoader', yaml.SafeLoader)

#: The most values that one file may hold: about 15,000 Services of a `kubectl get`, under 1 GB of memory.
MOST_VALUES = 2_000_000

#: The most values that aliases may add to one document; Go's yaml.v2 refuses beyond 400,000 too.
MOST_ALIASED_VALUES = 400_000

#: The deepest nesting; schemas of custom resources reach about 40.
DEEPEST = 200

# From the line end before it on, which is found ten times as fast as the beginning of a line.
_SEPARATOR = re.compile(r'\n---(?=\s|\Z)')
# The first of what is more than a licence or a %YAML directive.
_CONTENT = re.compile(r'^[^\S\n]*[^\s#%]', re.MULTILINE)
_SPACE = re.compile(r'\s*')
# Outside of quotes and comments: inside of them double braces are text like any other.
_TEMPLATE = re.compile(r'^[^"\'#\n]*?(\{\{)', re.MULTILINE)
_SURROGATE = re.compile(r'\\u[dD][89a-fA-F]')
_ESCAPES = re.compile(
    r'\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|u([dD][89a-fA-F][0-9a-fA-F]{2})|.)')


class Unreadable(Exception):
    """A document, or all of a file, that cannot be read: what it is or does, as the rest of a sentence about it, and
    the line where that is known."""

    def __init__(self, code: str, what: str, line: Optional[int] = None):
        super().__init__(what)
        self.code = code
        self.what = what
        self.line = line

    def problem(self) -> Problem:
        """The same as a record."""
        where = f'Line {self.line}: The document' if self.line else 'The file'
        return Problem(self.code, f'{where} {self.what}.', self.line)


class Document(NamedTuple):
    """One document of a file: its value, or why it has none. `number` counts from 1; None for the whole file."""

    number: Optional[int]
    value: Json
    problem: Optional[Problem] = None


#: The line that a document begins on, and its text.
_Part = Tuple[int, str]


def read_documents(content: bytes) -> Iterator[Document]:
    """The documents in `content`, in order. One that cannot be read does not keep the others from being read."""
    try:
        text = _decode(content)
    except Unreadable as unreadable:
        yield Document(None, None, unreadable.problem())
        return
    left = MOST_VALUES
    for number, (first_line, part) in enumerate(_parts(text), 1):
        builder = _Builder(first_line, left)
        try:
            yield Document(number, builder.build(part))
        except Unreadable as unreadable:
            yield Document(number, None, unreadable.problem())
            if unreadable.code == TOO_LARGE:
                return
        left -= builder.count


def _decode(content: bytes) -> str:
    try:
        text = decoded(content)
    except UnicodeDecodeError:
        text = '\0'
    if '\0' in text:
        raise Unreadable(NOT_TEXT, 'is no text: a manifest is YAML or JSON in UTF-8')
    return text


def _parts(text: str) -> Iterator[_Part]:
    """(line of its first character, text) of each document, split as kubectl does: at lines that begin with `---`.

    JSON is split into its values, as `jq -c '.items[]'` writes them one after the other.
    """
    if text[:64].lstrip()[:1] in ('{', '['):
        values = _json_values(text)
        if values:
            yield from values
            return
    line = 1
    begin = 0
    for end in [*(match.start() + 1 for match in _SEPARATOR.finditer(text)), len(text)]:
        part = text[begin:end]
        if not _CONTENT.search(part):  # it belongs to the document that follows
            continue
        yield line, part
        line += part.count('\n')
        begin = end


def _json_values(text: str) -> List[_Part]:
    """(line, text) of each JSON value; empty where the text is no JSON (flow YAML begins with a brace as well)."""
    decoder = json.JSONDecoder()
    values: List[_Part] = []
    end, line = 0, 1
    try:
        while True:
            begin = _end_of_space(text, end)
            line += text.count('\n', end, begin)
            if begin == len(text):
                return values
            _, end = decoder.raw_decode(text, begin)
            # JSON has tabs between its values only; YAML does not want them there.
            value = text[begin:end].replace('\t', ' ')
            values.append((line, _ESCAPES.sub(_joined, value) if _SURROGATE.search(value) else value))
            line += value.count('\n')
    except (ValueError, RecursionError):
        return []


def _end_of_space(text: str, begin: int) -> int:
    space = _SPACE.match(text, begin)
    return space.end() if space else begin


def _joined(match: Match[str]) -> str:
    """One character for a JSON escape of two UTF-16 halves, which YAML does not know; other escapes as they are."""
    high, low, lone = match.groups()
    if high:
        return chr(0x10000 + ((int(high, 16) - 0xD800) << 10) + int(low, 16) - 0xDC00)
    return '\ufffd' if lone else match.group()


def _too_deep(line: Optional[int]) -> Unreadable:
    return Unreadable(TOO_LARGE, f'nests deeper than {DEEPEST} levels', line)


def _key(value: Json, event: yaml.Event, line: int) -> str:
    """A key as it is written; an alias stands for a text, too."""
    if isinstance(value, (dict, list)):
        raise Unreadable(NOT_PARSED, 'is no valid manifest: a mapping or list stands where a key belongs', line)
    written = getattr(event, 'value', None)
    return written if isinstance(written, str) else str(value)


def _merge(fields: Fields, sources: Json, line: int) -> None:
    """Take over what a merge key (`<<: *defaults`) brings; the mapping's own keys win, then the first source."""
    for source in sources if isinstance(sources, list) else [sources]:
        if not isinstance(source, Fields):
            raise Unreadable(NOT_PARSED, 'is no valid YAML: a merge key (<<) needs a mapping', line)
        for key, inherited in source.items():
            if key not in fields:
                fields[key] = inherited
                fields.lines[key] = source.lines[key]


class _Builder:  # pylint: disable=too-few-public-methods, too-many-instance-attributes  # the state of one pass
    """Builds one document from the parser's events; `count` is how many values it has built.

    `aliased` values were taken over by aliases, `added` of them beyond the one that each alias counts for.
    """

    def __init__(self, first_line: int, most_values: int):
        self.first_line = first_line
        self.most_values = most_values
        self.count = self.aliased = self.added = self.depth = 0
        self.anchors: Dict[str, Optional[Tuple[Json, int]]] = {}
        self.events: Iterator[yaml.Event] = iter(())

    def build(self, text: str) -> Json:
        """The value of the document in `text`."""
        root: Json = None
        try:
            self.events = iter(LOADER(text).get_event, None)
            for event in self.events:
                if isinstance(event, yaml.NodeEvent):
                    root = self._value(event)
        except yaml.YAMLError as error:
            raise self._syntax_error(error, text) from error
        except UnicodeEncodeError as error:
            raise Unreadable(NOT_TEXT, 'holds half a UTF-16 character', self.first_line) from error
        except Unreadable as unreadable:
            if unreadable.code == NOT_PARSED:
                self._raise_if_template(text)
            raise
        return root

    def _value(self, event: yaml.NodeEvent) -> Json:
        """The value that begins with `event`; it is counted once it is complete."""
        kind = type(event)  # no event is of a subclass, and `isinstance` takes three times as long to say no
        if kind is ScalarEvent:
            value: Json = event.value
            if event.tag is not None:
                value = tagged(value, event.tag)
            elif not event.style:  # no quotes, and no block
                value = plain(value)
            if event.anchor:
                self.anchors[event.anchor] = value, 1
        elif kind is AliasEvent:
            value = self._alias(event)
        else:
            before = self._open(event)
            value = self._mapping() if kind is MappingStartEvent else self._sequence()
            self._close(event, value, before)
        self.count += 1
        if self.count > self.most_values:
            raise self._too_many(event)
        return value

    def _open(self, event: yaml.CollectionStartEvent) -> int:
        """Begin a mapping or sequence: how many values there are so far, aliases in full."""
        if self.depth >= DEEPEST:
            raise _too_deep(self._line(event))
        self.depth += 1
        if event.anchor:
            self.anchors[event.anchor] = None  # open: an alias to it now would contain itself
        return self.count + self.added

    def _close(self, event: yaml.CollectionStartEvent, value: Json, before: int) -> None:
        self.depth -= 1
        if event.anchor:
            self.anchors[event.anchor] = value, 1 + self.count + self.added - before

    def _mapping(self) -> Fields:
        """The rest of a mapping; the last of several values of a key wins, as in Kubernetes."""
        fields = Fields()
        lines, events, first_line = fields.lines, self.events, self.first_line
        merged: List[Tuple[Json, int]] = []
        for event in events:
            kind = type(event)
            if kind is MappingEndEvent:
                break
            line = first_line + event.start_mark.line
            if kind is ScalarEvent and not event.anchor:  # as nearly all keys: they go by as text
                key: str = intern(event.value)  # a dump has few keys, each thousands of times
                self.count += 1
                if self.count > self.most_values:
                    raise self._too_many(event)
            else:
                key = _key(self._value(event), event, line)
            value = self._value(next(events))
            if key == '<<':
                merged.append((value, line))
                continue
            if key in fields:
                fields.repeat(key, line)
            fields[key] = value
            lines[key] = line
        for sources, line in merged:
            _merge(fields, sources, line)
        return fields

    def _sequence(self) -> Items:
        """The rest of a sequence."""
        items = Items()
        for event in self.events:
            kind = type(event)
            if kind is SequenceEndEvent:
                break
            items.append(self._value(event))
            items.lines.append(self._line(event))
        return items

    def _alias(self, event: AliasEvent) -> Json:
        line, name = self._line(event), event.anchor or ''
        known = self.anchors.get(name)
        if known is None:
            why = 'names itself' if name in self.anchors else 'is not defined before its use'
            raise Unreadable(NOT_PARSED, f'is no valid YAML: the anchor "{name[:40]}" {why}', line)
        value, size = known
        self.aliased += size
        self.added += size - 1
        if self.aliased > MOST_ALIASED_VALUES:
            raise Unreadable(ALIAS_BOMB, f'grows beyond {MOST_ALIASED_VALUES:,} values through its aliases; '
                                         'Kubernetes refuses such a file too', line)
        return value

    def _too_many(self, event: yaml.Event) -> Unreadable:
        return Unreadable(TOO_LARGE, f'holds more than {MOST_VALUES:,} values; split it, for example by namespace',
                          self._line(event))

    def _line(self, event: yaml.Event) -> int:
        line: int = event.start_mark.line
        return self.first_line + line

    def _syntax_error(self, error: yaml.YAMLError, text: str) -> Unreadable:
        """One line for the parser's complaint, or what a template needs where one caused it."""
        self._raise_if_template(text)
        mark = getattr(error, 'problem_mark', None) or getattr(error, 'context_mark', None)
        said = getattr(error, 'problem', None) or getattr(error, 'reason', None) or 'cannot be parsed'
        line = self.first_line + mark.line if mark else None
        position = getattr(error, 'position', None)
        if line is None and isinstance(position, int):
            line = self.first_line + text.count('\n', 0, position)
        # libyaml from 0.2.6 on looks ahead, and refuses 1,000 levels before it shows the first.
        if 'nesting depth' in str(said):
            return _too_deep(line)
        return Unreadable(NOT_PARSED, f'is no valid YAML: {" ".join(str(said).split())}', line)

    def _raise_if_template(self, text: str) -> None:
        found = _TEMPLATE.search(text)
        if found:
            raise Unreadable(TEMPLATE, 'holds template expressions ({{ ... }}), which Kubernetes cannot read',
                             self.first_line + text.count('\n', 0, found.start(1)))
