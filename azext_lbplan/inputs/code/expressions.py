# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Expressions of ARM templates, as far as they can be told without Azure: text to a tree, and the tree to a value.

What cannot be told (a `reference()`, a parameter without a value) is an Unknown, and what is made of it is one, too.
Source: learn.microsoft.com, ARM template syntax and functions.
"""

import json
import re
from types import MappingProxyType
from typing import Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, Union

from ...model.values import Json, Unknown, get, printable

#: The longest expression, the deepest nesting, and the most steps in one template; real ones stay far below.
_LONGEST = 200_000
_DEEPEST = 120
_MOST_STEPS = 200_000

#: The largest text and the longest list that a function may make.
_LARGEST = 100_000

_TOKEN = re.compile(r"""\s*(?:(?P<text>'(?:[^']|'')*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<name>[A-Za-z_$][\w$]*)"""
                    r"""|(?P<sign>\.\?|\[\?|[()\[\].,]))""")


class _Broken(Exception):
    """An expression that cannot be read."""


class Call(NamedTuple):
    """A function with its arguments."""

    name: str
    arguments: Tuple[Any, ...]


class Access(NamedTuple):
    """A property or an element of a value."""

    of: Any
    key: Any


class Literal(NamedTuple):
    """A text or a number."""

    value: Union[str, int, float]


class _Parser:  # pylint: disable=too-few-public-methods  # the state of one expression
    """Reads one expression."""

    def __init__(self, text: str):
        self._tokens = self._split(text)
        self._at = 0

    @staticmethod
    def _split(text: str) -> List[Tuple[str, str]]:
        tokens, at = [], 0
        text = text.rstrip()
        while at < len(text):
            found = _TOKEN.match(text, at)
            if not found:
                raise _Broken
            tokens.append((found.lastgroup or '', found.group(found.lastgroup or 0)))
            at = found.end()
        return tokens

    def tree(self) -> Any:
        """The tree of the whole text."""
        tree = self._value(_DEEPEST)
        if self._at != len(self._tokens):
            raise _Broken
        return tree

    def _next(self) -> Tuple[str, str]:
        if self._at >= len(self._tokens):
            raise _Broken
        self._at += 1
        return self._tokens[self._at - 1]

    def _peek(self) -> str:
        return self._tokens[self._at][1] if self._at < len(self._tokens) and \
            self._tokens[self._at][0] == 'sign' else ''

    def _value(self, depth: int) -> Any:
        if not depth:
            raise _Broken
        kind, written = self._next()
        if kind == 'text':
            tree: Any = Literal(written[1:-1].replace("''", "'"))
        elif kind == 'number':
            tree = Literal(float(written) if '.' in written else int(written[:20]))
        elif kind == 'name' and self._peek() == '(':
            tree = Call(written.lower(), self._arguments(depth))
        else:
            raise _Broken
        while self._peek() in ('.', '[', '.?', '[?'):
            tree = Access(tree, self._key(depth))
        return tree

    def _key(self, depth: int) -> Any:
        if self._next()[1] in ('.', '.?'):
            kind, name = self._next()
            if kind != 'name':
                raise _Broken
            return Literal(name)
        key = self._value(depth - 1)
        if self._next()[1] != ']':
            raise _Broken
        return key

    def _arguments(self, depth: int) -> Tuple[Any, ...]:
        self._next()
        found: List[Any] = []
        while self._peek() != ')':
            if found and self._next()[1] != ',':
                raise _Broken
            found.append(self._value(depth - 1))
        self._next()
        return tuple(found)


#: No names of lambdas and copies.
_NO_NAMES: Mapping[str, Json] = MappingProxyType({})

#: Looks up what an expression names: a parameter or a variable, by its name.
Lookup = Callable[[str], Json]


class Scope:
    """Evaluates the values of one template. Names of parameters and variables are looked up through functions."""

    def __init__(self, parameter: Lookup, variable: Lookup, steps: Optional[List[int]] = None):
        self._special: Dict[str, Callable[[Call, Mapping[str, Json]], Json]] = {
            'parameters': lambda call, local: self._named(call, local, parameter),
            'variables': lambda call, local: self._named(call, local, variable),
            'if': self._if, 'map': self._map, 'filter': self._filter, 'coalesce': self._coalesce,
            'lambdavariables': self._local, 'copyindex': self._copy_index, 'and': self._all, 'or': self._any,
            'tryget': self._try_get}
        self.steps = steps if steps is not None else [_MOST_STEPS]

    def value(self, written: Json, local: Mapping[str, Json] = _NO_NAMES, depth: int = _DEEPEST) -> Json:
        """`written` with its expressions in their values; `[[` begins a text with one bracket."""
        if not depth:
            return Unknown('it nests too deep')
        if isinstance(written, dict):
            return self._object(written, local, depth)
        if isinstance(written, list):
            return [self.value(inner, local, depth - 1) for inner in written]
        if not isinstance(written, str) or not written.startswith('[') or not written.rstrip().endswith(']'):
            return written
        if written.startswith('[['):
            return written[1:]
        return self.expression(written.strip()[1:-1], local)

    def _object(self, written: Json, local: Mapping[str, Json], depth: int) -> Json:
        found = {key: self.value(inner, local, depth - 1) for key, inner in written.items() if key != 'copy'}
        copies = get(written, 'copy')
        for copy in copies if isinstance(copies, list) else ():
            if isinstance(copy, dict) and isinstance(copy.get('name'), str):
                found[copy['name']] = self._copied(copy, local, depth)
        return found

    def _copied(self, copy: Json, local: Mapping[str, Json], depth: int) -> Json:
        number = self.value(get(copy, 'count'), local)
        if not isinstance(number, int) or not 0 <= number <= 800:
            return number if isinstance(number, Unknown) else Unknown('the number of its copies')
        return [self.value(get(copy, 'input'), {**local, '$copy': index, f"$copy.{copy['name'].lower()}": index},
                           depth - 1) for index in range(number)]

    def expression(self, text: str, local: Mapping[str, Json] = _NO_NAMES) -> Json:
        """The value of an expression without its brackets."""
        if len(text) > _LONGEST:
            return Unknown('an expression that is too long')
        try:
            return self._eval(_Parser(text).tree(), local)
        except _Broken:
            return Unknown(f'the expression {printable(text)[:80]}')
        except (ArithmeticError, ValueError, TypeError, KeyError, IndexError, RecursionError):
            return Unknown(f'the expression {printable(text)[:80]}')

    def _eval(self, tree: Any, local: Mapping[str, Json]) -> Json:
        self.steps[0] -= 1
        if self.steps[0] < 0:
            return Unknown('the template takes too many steps')
        if isinstance(tree, Literal):
            return tree.value
        if isinstance(tree, Access):
            return _element(self._eval(tree.of, local), self._eval(tree.key, local))
        special = self._special.get(tree.name)
        if special is not None:
            return special(tree, local)
        return _called(tree.name, [self._eval(argument, local) for argument in tree.arguments])

    def _named(self, call: Call, local: Mapping[str, Json], lookup: Lookup) -> Json:
        name = self._eval(call.arguments[0], local)
        return lookup(name) if isinstance(name, str) else Unknown('a name that is not known')

    def _if(self, call: Call, local: Mapping[str, Json]) -> Json:
        condition = self._eval(call.arguments[0], local)
        if isinstance(condition, Unknown):
            yes, no = (self._eval(argument, local) for argument in call.arguments[1:3])
            return yes if yes == no and not isinstance(yes, Unknown) else condition
        return self._eval(call.arguments[1 if condition is True else 2], local)

    def _coalesce(self, call: Call, local: Mapping[str, Json]) -> Json:
        for argument in call.arguments:
            value = self._eval(argument, local)
            if value is not None:
                return value
        return None

    def _all(self, call: Call, local: Mapping[str, Json]) -> Json:
        values = [self._eval(argument, local) for argument in call.arguments]
        return False if False in values else next((one for one in values if isinstance(one, Unknown)), True)

    def _any(self, call: Call, local: Mapping[str, Json]) -> Json:
        values = [self._eval(argument, local) for argument in call.arguments]
        return True if True in values else next((one for one in values if isinstance(one, Unknown)), False)

    def _try_get(self, call: Call, local: Mapping[str, Json]) -> Json:
        value = self._eval(call.arguments[0], local)
        for argument in call.arguments[1:]:
            value = _element(value, self._eval(argument, local), missing=None)
        return value

    def _local(self, call: Call, local: Mapping[str, Json]) -> Json:
        name = self._eval(call.arguments[0], local)
        return local.get(f'$lambda.{name}', Unknown('a name that is not known'))

    def _copy_index(self, call: Call, local: Mapping[str, Json]) -> Json:
        arguments = [self._eval(argument, local) for argument in call.arguments]
        name = arguments.pop(0) if arguments and isinstance(arguments[0], str) else ''
        index = local.get(f'$copy.{name.lower()}' if name else '$copy')
        return Unknown('the index of a copy') if index is None else index + (arguments[0] if arguments else 0)

    def _map(self, call: Call, local: Mapping[str, Json]) -> Json:
        values, (name, body) = self._eval(call.arguments[0], local), _lambda(call.arguments[1])
        if isinstance(values, Unknown):
            return values
        return _bounded([self._eval(body, {**local, f'$lambda.{name}': value}) for value in values])

    def _filter(self, call: Call, local: Mapping[str, Json]) -> Json:
        values, (name, body) = self._eval(call.arguments[0], local), _lambda(call.arguments[1])
        if isinstance(values, Unknown):
            return values
        kept = [(value, self._eval(body, {**local, f'$lambda.{name}': value})) for value in values]
        unknown = next((found for _, found in kept if isinstance(found, Unknown)), None)
        return unknown if unknown is not None else [value for value, found in kept if found is True]


def _called(name: str, arguments: List[Json]) -> Json:
    """The value of a function; an Unknown among its arguments makes it one, unless what it makes holds them."""
    function = _FUNCTIONS.get(name)
    if function is None:
        return Unknown(f'what {name}() gives is known to Azure alone')
    unknown = next((argument for argument in arguments if isinstance(argument, Unknown)), None)
    return unknown if unknown is not None and name not in _TAKE_UNKNOWN else _bounded(function(*arguments))


def _lambda(tree: Any) -> Tuple[str, Any]:
    if not isinstance(tree, Call) or tree.name != 'lambda' or len(tree.arguments) < 2 or \
            not isinstance(tree.arguments[0], Literal):
        raise _Broken
    return str(tree.arguments[0].value), tree.arguments[-1]


_REQUIRED = Unknown('a property that is not there')


def _element(value: Json, key: Json, missing: Json = _REQUIRED) -> Json:
    if isinstance(value, Unknown) or isinstance(key, Unknown):
        return value if isinstance(value, Unknown) else key
    if isinstance(value, dict):
        folded = {str(name).lower(): inner for name, inner in value.items()}
        return folded.get(str(key).lower(), missing)
    if isinstance(value, list) and isinstance(key, int) and -len(value) <= key < len(value):
        return value[key]
    return missing


def _bounded(value: Json) -> Json:
    if isinstance(value, (str, list, dict)) and len(value) > _LARGEST:
        return Unknown('a value that is too large')
    return value


def _union(*values: Json) -> Json:
    """Objects are merged into each other; lists have each element once."""
    if all(isinstance(value, list) for value in values):
        found: List[Json] = []
        for value in values:
            found += [element for element in value if element not in found]
        return found
    unknown = next((value for value in values if isinstance(value, Unknown)), None)
    if unknown is not None:
        return unknown
    merged: Dict[str, Json] = {}
    for value in values:
        for key, inner in value.items():
            both = isinstance(merged.get(key), dict) and isinstance(inner, dict)
            merged[key] = _union(merged[key], inner) if both else inner
    return merged


def _format(pattern: str, *values: Json) -> str:
    return re.sub(r'\{(\d{1,2})(?::[^}]*)?\}', lambda found: _written(values[int(found.group(1))]), pattern)


def _written(value: Json) -> str:
    if isinstance(value, bool):
        return 'True' if value else 'False'
    return value if isinstance(value, str) else json.dumps(value, separators=(',', ':'))


def _concat(*values: Json) -> Json:
    if values and isinstance(values[0], list):
        return [element for value in values for element in value]
    return ''.join(_written(value) for value in values)


def _contains(container: Json, item: Json) -> bool:
    if isinstance(container, dict):
        return str(item).lower() in (str(key).lower() for key in container)
    return str(item) in container if isinstance(container, str) else item in container


def _equals(left: Json, right: Json) -> bool:
    return left == right and isinstance(left, bool) == isinstance(right, bool)


def _create_object(*values: Json) -> Json:
    return dict(zip(values[::2], values[1::2]))


def _int(value: Json) -> int:
    return int(str(value)[:20])


def _bool(value: Json) -> bool:
    return value.lower() in ('true', '1') if isinstance(value, str) else bool(value)


def _range(first: int, number: int) -> List[int]:
    if not 0 <= number <= 10_000:
        raise ValueError
    return list(range(first, first + number))


def _numbers(*values: Json) -> Sequence[Json]:
    return values[0] if len(values) == 1 and isinstance(values[0], list) else values


def _divided(left: int, right: int) -> int:
    quotient = abs(left) // abs(right)
    return quotient if (left < 0) == (right < 0) else -quotient


def _resource_id(*values: Json) -> Json:
    """Without the ids of subscription and group, which only the deployment knows."""
    kinds = [value for value in values if isinstance(value, str) and '/' in value]
    name = values[-1] if values else ''
    return Unknown(f'the id of {printable(kinds[0])[:60]} {printable(str(name))[:60]}' if kinds else 'an id')


#: Functions whose arguments may be unknown: what they make holds them.
_TAKE_UNKNOWN = ('createobject', 'createarray', 'array', 'union')

_FUNCTIONS: Dict[str, Callable[..., Json]] = {
    'true': lambda: True, 'false': lambda: False, 'null': lambda: None,
    'add': lambda left, right: left + right, 'sub': lambda left, right: left - right,
    'mul': lambda left, right: left * right, 'div': _divided,
    'mod': lambda left, right: left - right * _divided(left, right),
    'min': lambda *values: min(_numbers(*values)), 'max': lambda *values: max(_numbers(*values)),
    'int': _int, 'bool': _bool, 'string': _written, 'json': json.loads, 'not': lambda value: not value,
    'equals': _equals, 'less': lambda left, right: left < right, 'greater': lambda left, right: left > right,
    'lessorequals': lambda left, right: left <= right, 'greaterorequals': lambda left, right: left >= right,
    'empty': lambda value: value in (None, '', [], {}), 'length': len, 'contains': _contains, 'concat': _concat,
    'format': _format, 'tolower': str.lower, 'toupper': str.upper, 'trim': str.strip,
    'startswith': lambda value, part: value.lower().startswith(part.lower()),
    'endswith': lambda value, part: value.lower().endswith(part.lower()),
    'replace': lambda value, old, new: value.replace(old, new) if old else value,
    'split': lambda value, mark: re.split('|'.join(map(re.escape, [mark] if isinstance(mark, str) else mark)), value),
    'join': lambda values, mark: mark.join(map(_written, values)), 'first': lambda values: values[0],
    'last': lambda values: values[-1], 'take': lambda values, number: values[:number],
    'skip': lambda values, number: values[number:],
    'substring': lambda value, start, number=None: value[start:] if number is None else value[start:start + number],
    'array': lambda value: value if isinstance(value, list) else [value],
    'createarray': lambda *values: list(values), 'createobject': _create_object, 'union': _union,
    'range': _range, 'flatten': lambda values: [inner for value in values for inner in value],
    'resourceid': _resource_id, 'shallowmerge': lambda values: _union(*values),
}
