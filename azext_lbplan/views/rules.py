# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The rules of both catalogues, as `list-rules` returns them, and as a table."""

import shutil
import textwrap
from typing import Any, Dict, Iterator, List, Tuple

from ..rules.cluster import RULES as CLUSTER_RULES
from ..rules.cluster.subject import CHECK, PLAN
from ..rules.engine import Rule
from ..rules.service import RULES as SERVICE_RULES
from .findings import Result

#: The commands behind a word of a rule's `commands`; `recommend` says what `plan` says.
_COMMANDS = {CHECK: ('check',), PLAN: ('plan', 'recommend')}
_CHECK_SERVICE = ('check-service',)

#: Columns of a terminal whose width is not known, and the least that a title gets. The CLI makes a column two wider
#: than its heading, and leaves two between columns.
_WIDTH, _NARROWEST = 80, 20
_SEVERITY = len('Severity') + 2
_GAP = 2


def list_rules() -> List[Result]:
    """The result of `az aks lb list-rules`, in the order of the catalogues."""
    return ([_result(rule, _commands(rule)) for rule in CLUSTER_RULES] +
            [_result(rule, _CHECK_SERVICE) for rule in SERVICE_RULES])


def _commands(rule: Rule[Any]) -> Tuple[str, ...]:
    return tuple(command for word in sorted(rule.commands) for command in _COMMANDS[word])


def _result(rule: Rule[Any], commands: Tuple[str, ...]) -> Result:
    """`command` is the first of `commands`: the one to run for this rule."""
    return {'code': rule.code, 'severity': rule.severity, 'title': rule.title, 'why': rule.why,
            'command': commands[0], 'commands': list(commands), 'source': rule.source, 'link': rule.link}


def list_rules_table(result: List[Result]) -> List[Dict[str, str]]:
    """Code / Severity / Finds: rules by the commands that give them, each group below their names."""
    groups: Dict[str, List[Result]] = {}
    for rule in result:
        groups.setdefault(', '.join(rule['commands']), []).append(rule)
    widest = max(len(rule['code']) for rule in result)
    room = max(_NARROWEST, shutil.get_terminal_size((_WIDTH, 0)).columns - widest - _SEVERITY - 2 * _GAP)
    return [row for commands, rules in groups.items() for row in _rows(f'[{commands}]', rules, room)]


def _rows(heading: str, rules: List[Result], room: int) -> Iterator[Dict[str, str]]:
    yield _row(heading, '', '')
    for rule in rules:
        for number, line in enumerate(textwrap.wrap(rule['title'], room)):
            yield _row('', '', line) if number else _row(rule['code'], rule['severity'], line)


def _row(*cells: str) -> Dict[str, str]:
    return dict(zip(('Code', 'Severity', 'Finds'), cells))
