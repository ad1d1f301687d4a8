# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What Kubernetes makes of an unquoted YAML scalar: text, number, boolean or null.

PyYAML and Kubernetes resolve differently (`1e3`, `0o17` and `y` are no text to Kubernetes; `1:30` and dates are),
and exactly this difference decides whether an annotation is refused.
Source: every line of the tests' table was run through kubectl 1.32, whose sigs.k8s.io/yaml reads YAML 1.1 as Go's
yaml.v2 does; the API server decodes what kubectl sends.
"""

import re
from typing import Dict, Union

Scalar = Union[str, int, float, bool, None]

_WORDS: Dict[str, Union[str, bool, None]] = {
    word: value
    for value, words in ((None, 'null Null NULL ~'),
                         (True, 'true True TRUE yes Yes YES on On ON y Y'),
                         (False, 'false False FALSE no No NO off Off OFF n N'))
    for word in words.split()}
_WORDS[''] = None
# What most Services say: one text for all of them takes less memory than one each, and is compared sooner.
_WORDS.update({word: word for word in 'v1 Service LoadBalancer TCP UDP Cluster Local IPv4 SingleStack None'.split()})

_WHOLE = re.compile(r'[-+]?(?:0[bB][01]+|0[oO]?[0-7]+|0[xX][0-9a-fA-F]+|[1-9][0-9]*|0)')
_DECIMAL = re.compile(r'[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?')
_NOT_FINITE = frozenset(sign + word for sign in ('', '+', '-') for word in ('.inf', '.Inf', '.INF')
                        ) | {'.nan', '.NaN', '.NAN'}

#: More digits than any 64-bit number has: such text is read as a float.
_WHOLE_DIGITS = 19

_RESOLVED_TAGS = frozenset('tag:yaml.org,2002:' + name for name in ('int', 'float', 'bool', 'null'))


def tagged(text: str, tag: str) -> Scalar:
    """The value of the scalar `text` with an explicit `tag`, in quotes or without."""
    return plain(text) if tag in _RESOLVED_TAGS else text


def plain(text: str) -> Scalar:
    """The value of the unquoted `text`."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in '+-.0123456789':
        return text
    return _number(text)


def _number(text: str) -> Union[str, int, float]:
    if text in _NOT_FINITE:
        return float(text.replace('.', '', 1))
    digits = text.replace('_', '') if text[0] != '_' else text
    if _WHOLE.fullmatch(digits) and len(digits) <= _WHOLE_DIGITS:
        return _whole(digits)
    if not _DECIMAL.fullmatch(digits):
        return text
    value = float(digits)
    if value in (float('inf'), float('-inf')):
        return text  # out of range: Kubernetes keeps the text
    # JSON has one kind of number: 1e3 reaches Kubernetes as 1000.
    return int(value) if value.is_integer() and abs(value) < 2 ** 53 else value


def _whole(digits: str) -> int:
    sign, digits = (-1, digits[1:]) if digits[0] == '-' else (1, digits.lstrip('+'))
    base = {'b': 2, 'o': 8, 'x': 16}.get(digits[1:2].lower())
    if base:
        return sign * int(digits[2:], base)
    return sign * int(digits, 8 if digits[0] == '0' else 10)
