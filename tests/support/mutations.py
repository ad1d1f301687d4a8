"""Spoiling JSON: delete, null, retype, recase, duplicate, enlarge, swap. A mutation is plain data, so that hypothesis
draws, repeats and shrinks it: (where, how, with what), numbers that are taken modulo what there is."""
import copy
import math
import pickle
from collections import deque
from typing import Any, Callable, Dict, List, Tuple

Mutation = Tuple[int, str, int]

ID = '/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/{}/providers/Microsoft.Network/{}/{}'

#: What a shell, a terminal, a URL, a query and a file system would take for something else.
HOSTILE_TEXTS = (
    '$(touch pwned)', '`touch pwned`', "a'b", 'a"b', 'a b', 'a;touch pwned', 'a\nb', 'a\r\nb', 'a\tb', '--help', '-x',
    '&& touch pwned #', '| touch pwned', '> pwned', '${IFS}x', '!!', '*', '~', '\\', '%s%n', '{0}', '{}', '<b>',
    '../../x', '/', '?a=b', 'a#b', "x' or 1 eq 1", '\x1b[31mred\x1b[0m', '\x00', '\x7f', '\u202egnp.exe', '\u200b',
    '\ufeff', '\ud800', '\u2028', 'é', 'İ', 'ß', 'ﬀ', '٣', '²', 'Ⅷ', '😀', 'x' * 5000)

HOSTILE_IDS = tuple(ID.format(group, kind, name) for group, kind, name in (
    ("r'g", 'publicIPAddresses', 'ip"1'), ('r g', 'publicIPAddresses', '$(touch pwned)'),
    ('rg', 'publicIPAddresses', 'a\nb'), ('rg', 'publicIPPrefixes', '`x`'), ('..', 'publicIPAddresses', '..'),
    ('', 'publicIPAddresses', ''), ('rg', 'publicIPAddresses', 'a,b'), ('rg', 'PUBLICIPADDRESSES', 'İ'),
    ('rg', 'loadBalancers', 'kubernetes'), ('rg', 'publicIPPrefixes', '\x1b]0;x\x07')))

NUMBERS = (0, 1, -1, 7, 8, 30, 31, 32, 33, 127, 128, 1000, 1001, 5000, 63999, 64000, 64008, 10 ** 9, 10 ** 9 + 1,
           2 ** 31, 2 ** 53, 2 ** 63 - 1, 2 ** 63, -2 ** 63, 10 ** 40, 1.5, -0.5, -0.0, 8.0, 1e300, 5e-324, math.nan,
           math.inf, -math.inf)

NUMBERS_AS_TEXT = ('0', '1', '-1', '1.5', ' 8 ', '1e3', 'NaN', 'Infinity', '0x10', '007', '1_000', '9' * 18, '9' * 30,
                   '10%', '0%', '-5%', '101%', '1.5%', '%', '999999999%', '1.32', '1.32.6', 'v1', '1.x', '999.999.999')

WORDS = ('', ' ', 'Standard', 'BASIC', 'gateway', 'loadBalancer', 'LOADBALANCER', 'managedNATGateway', 'none',
         'userDefinedRouting', 'IPv6', 'ipv4', 'Stopped', 'Failed', 'Deleting', 'Auto', 'Spot', 'BlueGreen',
         'VirtualMachines', 'nodeIP', 'True', 'PT1M', 'FULL', '2026-01-01T00:00:00Z', '9999-99-99T99:99:99Z', '::1',
         '10.0.0.0/0', 'tcp', '17', 'failed')

SHAPES: Tuple[Any, ...] = ([], {}, [[]], [None], [{}], {'': None}, {'id': None}, {'count': '3'}, [1, 'a', None, {}],
                           {'properties': {}}, {'name': {'value': 5}})

#: Values that take the place of another.
ODD_VALUES = (None, True, False, *NUMBERS, *NUMBERS_AS_TEXT, *WORDS, *SHAPES, *HOSTILE_IDS, *HOSTILE_TEXTS)


#: No value is made larger than this. Two mutations made 400 MB of the metrics of a day, which take a minute to write.
MOST_CHARACTERS = 20_000_000

#: No text longer than this is made longer: lines for a shell are judged, and reading one of 20 MB took ten minutes.
MOST_TEXT = 20_000

#: So many of the outer places are what most mutations are for.
FEW = 400


def nodes(tree: Any) -> List[Tuple[Any, Any]]:
    """(container, key or index) of every value in `tree`, the outer ones first."""
    found, waiting = [], deque([tree])
    while waiting:
        one = waiting.popleft()
        keys, inner = (one, one.values()) if isinstance(one, dict) else (range(len(one)), one)
        found += [(one, key) for key in keys]
        waiting += [value for value in inner if isinstance(value, (dict, list))]
    return found


def spoil(tree: Any, mutations: List[Mutation]) -> Any:
    """A copy of `tree` with the `mutations` done one after the other."""
    root = [pickle.loads(pickle.dumps(tree))]  # a tenth of the time of a deep copy
    for where, how, what in mutations:
        places = nodes(root)
        # Nearly all places of a measured cluster are points of series: half of the mutations go to what is around.
        container, key = places[where % min(len(places), FEW) if where % 2 else where * 101 % len(places)]
        OPERATIONS[how](container, key, what)
    return root[0]


def _put(container, key, what):
    container[key] = copy.deepcopy(ODD_VALUES[what % len(ODD_VALUES)])


def _delete(container, key, _):
    if len(container) > 1 or isinstance(container, dict):
        del container[key]


def _null(container, key, _):
    container[key] = None


def _retype(container, key, what):
    """The same value as another type: 3 as "3", 3.0 or [3], text as a number, an object as a list of pairs."""
    value = container[key]
    forms: List[Callable[[Any], Any]] = [str, lambda one: [one], lambda one: {'value': one}, repr]
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        forms += [float, lambda one: -one, lambda one: one + 0.5, lambda one: f' {one} ', lambda one: bool(one)]
    if isinstance(value, dict):
        forms += [lambda one: list(one.values()), lambda one: [list(pair) for pair in one.items()]]
    if isinstance(value, list):
        forms += [lambda one: dict(enumerate(map(str, one))), lambda one: one[0] if one else None]
    container[key] = forms[what % len(forms)](value)


def _recase(container, key, what):
    """The key (or a text) in capitals, small letters or swapped case."""
    change = (str.upper, str.lower, str.swapcase, str.title)[what % 4]
    if isinstance(container, dict) and what % 8 < 4:
        container[change(str(key))] = container.pop(key)
    elif isinstance(container[key], str):
        container[key] = change(container[key])


def _duplicate(container, key, what):
    """Once more in a list, or under a second spelling of its key."""
    value = copy.deepcopy(container[key])
    if isinstance(container, list):
        container.insert(what % (len(container) + 1), value)
    else:
        container[str(key).swapcase()] = value


def _enlarge(container, key, what):
    """Longer, larger, or deeper, within what a test has time for."""
    value, times = container[key], (3, 20, 60)[what % 3]
    if isinstance(value, (list, str)):
        most = MOST_TEXT if isinstance(value, str) else MOST_CHARACTERS
        times = max(1, min(times, most // (len(str(value)) + 1)))
    if isinstance(value, list) and len(value) < 100:
        container[key] = [copy.deepcopy(one) for _ in range(times) for one in value]
    elif isinstance(value, str):
        container[key] = value * times
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        container[key] = value * 10 ** times
    elif isinstance(value, dict):
        for _ in range(times * 5):
            value = {'properties': value}
        container[key] = value


def _swap(container, key, what):
    """Another value of the same container in its place."""
    others = list(container) if isinstance(container, dict) else range(len(container))
    container[key] = copy.deepcopy(container[list(others)[what % len(others)]])


def _append(container, key, what):
    """A hostile text at its end, as in a name that somebody made up."""
    if isinstance(container[key], str):
        container[key] += HOSTILE_TEXTS[what % len(HOSTILE_TEXTS)]
    else:
        _put(container, key, what)


OPERATIONS: Dict[str, Callable[[Any, Any, int], None]] = {
    'put': _put, 'delete': _delete, 'null': _null, 'retype': _retype, 'recase': _recase, 'duplicate': _duplicate,
    'enlarge': _enlarge, 'swap': _swap, 'append': _append}
