# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Markdown for a comment on a pull request: the verdict, the columns side by side, why, and what to set, on one screen.

Names may come from a stranger's fork. All text is escaped as `escaped` says, and code stands in a fence that it cannot
close.
"""

import re
from typing import Any, List, Match, Sequence

from ...decision import Configuration, Decision
from ...model.finding import ERROR, SEVERITIES, WARNING, counted
from ...model.origin import ASO, BICEP, CAPZ, TERRAFORM
from ...model.values import printable
from ...rules.baseline import KNOWN
from ..answer import Answer
from ..fleet import summary
from ..fragments import own_fragment
from ..layout import shortened
from .entries import Entry, entries, mended, subject_of

#: The most lines of a report, of findings and of rows in it; and the letters of a text and of a cell.
MOST_LINES = 39
_FINDINGS, _FEWEST_FINDINGS, _ROWS = 6, 2, 25
_LONGEST_TEXT, _LONGEST_CELL = 600, 80

#: What the fence of a language is called.
_FENCES = {TERRAFORM: 'hcl', BICEP: 'bicep', ASO: 'yaml', CAPZ: 'yaml'}

#: Nothing to see, and yet enough to keep GitHub and Azure DevOps from reading a mention, a number or an address.
_GAP = '&#8203;'

#: What has a meaning in Markdown wherever it stands: what is kept apart from what follows it, what is escaped, and what
#: has a name of its own. Then what has one where a text begins.
_SPECIAL = re.compile(r'(?P<apart>@|:(?=//)|[#!](?=\d)|\bGH-(?=\d)|\bwww(?=\.))|(?P<escaped>[\\`*_{}\[\]|~])|[&<>$]',
                      re.IGNORECASE)
_NAMES = {'&': '&amp;', '<': '&lt;', '>': '&gt;', '$': '<span>$</span>'}
_BEGINNING = re.compile(r'^(\d*)([-+=.#)])')


def render(answers: Sequence[Answer]) -> str:
    """The comment."""
    first = answers[0]
    if first.command == 'check-service':
        lines = _manifests(first)
    elif first.command == 'list':
        lines = _fleet(first)
    else:
        lines = _cluster(first) if len(answers) == 1 else _clusters(answers)
    return '\n'.join([*lines, ''])


def escaped(text: object, longest: int = _LONGEST_TEXT) -> str:
    """A text from anywhere as plain text on one line: no markup, link, image, mention, reference or formula comes of
    it, and nothing that changes the direction of writing."""
    line = shortened(printable(' '.join(str(text).split())), longest)
    return _BEGINNING.sub(r'\1\\\2', _SPECIAL.sub(_plain, line))


def _plain(found: Match[str]) -> str:
    written = found.group()
    if found['apart']:
        return f'{written}{_GAP}'
    return f'\\{written}' if found['escaped'] else _NAMES[written]


# One cluster

def _cluster(answer: Answer) -> List[str]:
    verdict, found, decision = answer.result['verdict'], entries(answer), answer.decision
    head = [f'### Outbound traffic of {_cell(subject_of(answer))}', '',
            f"**{escaped(verdict['answer'])}** {escaped(verdict['binds'])}  ", escaped(verdict['change'])]
    head += _gone([answer])
    unknown = (answer.result['code'] or {}).get('unknown')
    if unknown:
        head += ['', f"Not told by the code: {escaped('; '.join(unknown))}"]
    columns = _columns(decision) if decision else []
    code = _code(answer)
    room = MOST_LINES - len(head) - len(columns) - len(code) - 2
    if room < _FEWEST_FINDINGS:
        code = ['', f'What to set takes {len(code)} lines: see `fragments` and `commands` of the JSON result.']
        room = MOST_LINES - len(head) - len(columns) - len(code) - 2
    return [*head, *columns, *_findings(_worst(found), min(room, _FINDINGS)), *code]


def _columns(decision: Decision) -> List[str]:
    """The columns side by side; nothing where no load balancer settings apply."""
    shown = [(name, column) for name, column in (('current', decision.current), ('requested', decision.requested),
                                                 ('proposed', decision.proposed)) if column and column.settings]
    if not shown:
        return []
    rows = [[label, *(_cell(tell(column)) for _, column in shown)] for label, tell in _ROWS_OF_COLUMNS]
    return ['', *_table(['', *(name for name, _ in shown)], rows, '--:')]


def _ports(column: Configuration) -> str:
    if column.settings is None:
        return _text(None)
    if 'outbound_ports' in column.settings.unknown:
        return 'unknown'
    if not column.settings.automatic:
        return str(column.settings.outbound_ports)
    now, at_max = _text(column.ports_per_node), _text(column.ports_per_node_at_max)
    return f'automatic: {now}' if now == at_max else f'automatic: {now}, {at_max} at full scale'


def _in_all(column: Configuration) -> str:
    return f'{_text(column.required_ports)} of {_text(column.available_ports)}'


def _validated(column: Configuration) -> str:
    return _text(column.nodes.validated if column.nodes.most_known else None)


_ROWS_OF_COLUMNS = (
    ('Outbound IPs', lambda column: _text(column.settings.outbound_ip_count)),
    ('Ports per node', _ports),
    ('Nodes that AKS counts', _validated),
    ('Ports in all', _in_all),
    ('Idle timeout, minutes', lambda column: _text(column.settings.idle_timeout_in_minutes)),
    ('Fits', lambda column: _text(column.fits)),
)


def _text(value: Any) -> str:
    if value is None:
        return 'unknown'
    if isinstance(value, bool):
        return 'yes' if value else 'no'
    return str(value)


def _code(answer: Answer) -> List[str]:
    """What to set: the block of the code's own language, else the lines to run."""
    decision = answer.decision
    fragment = own_fragment(decision) if decision else None
    if fragment is not None:
        language = _FENCES[answer.result['code']['language']]
        return ['', 'To set this, put into the code:', *_fenced(fragment, language)]
    commands = answer.result['commands']
    return ['', 'To set this, run:', *_fenced('\n'.join(commands), 'bash')] if commands else []


def _fenced(code: str, language: str) -> List[str]:
    """A block of code within more backticks than stand in it anywhere."""
    lines = [printable(line) for line in code.rstrip('\n').split('\n')]
    longest = max((len(found) for line in lines for found in re.findall('`+', line)), default=0)
    fence = '`' * max(3, longest + 1)
    return [f'{fence}{language}', *lines, fence]


def _findings(found: Sequence[Entry], room: int, named: bool = False) -> List[str]:
    """The worst findings, one a line, and how many more there are."""
    if not found:
        return []
    shown = found if len(found) <= room else found[:room - 1]
    lines = [f"- **{', '.join(filter(None, (entry.severity, entry.state)))}** {_cell(entry.code)}"
             f"{_where(entry, named)}: {escaped(entry.finding['message'])}" for entry in shown]
    more = len(found) - len(shown)
    return ['', *lines, *([f'- and {more} more'] if more else [])]


def _gone(answers: Sequence[Answer]) -> List[str]:
    """What was mended since the baseline."""
    codes = list(dict.fromkeys(entry.code for answer in answers for entry in mended(answer)))
    return ['', f"Mended since the baseline: {escaped(', '.join(codes))}"] if codes else []


def _where(entry: Entry, named: bool) -> str:
    place = f' ({entry.file}{f":{entry.line}" if entry.line else ""})' if entry.file else ''
    return f' {escaped(entry.subject + place)}' if named else ''


# Several clusters, fleets, manifests

def _clusters(answers: Sequence[Answer]) -> List[str]:
    rows = [[_cell(subject_of(answer)), escaped(answer.result['verdict']['answer'], _LONGEST_CELL),
             escaped(answer.result['verdict']['change'], _LONGEST_CELL)] for answer in answers]
    found = _worst([entry for answer in answers for entry in entries(answer)])
    head = [f'### Outbound traffic of {counted(len(answers), "cluster")}', '',
            *_table(['Cluster', 'Verdict', 'Change'], rows), *_gone(answers)]
    return [*head, *_findings(found, MOST_LINES - len(head) - 1, named=True)]


def _fleet(answer: Answer) -> List[str]:
    rows = [[row['status'], _cell(row['name']), _cell(row['resourceGroup']), _cell(row['outboundPorts']),
             f"{_cell(row['nodes']['current'])} / {_cell(row['nodes']['required'])}", _cell(row['topFinding'])]
            for row in answer.result]
    titles = ['Status', 'Cluster', 'Resource group', 'Ports per node', 'Nodes now / to size for', 'Worst finding']
    return ['### Outbound traffic of the fleet', '', escaped(summary(answer.result)), '', *_table(titles, rows)]


def _manifests(answer: Answer) -> List[str]:
    found = _worst(entries(answer))
    files = {row['file'] for row in answer.result if row['file']}
    services = sum(row['name'] is not None for row in answer.result)
    errors, warnings = (sum(entry.severity == severity for entry in found) for severity in (ERROR, WARNING))
    head = ['### Services of type LoadBalancer', '',
            f"**{counted(errors, 'error')}, {counted(warnings, 'warning')}** in {counted(services, 'Service')} of "
            f"{counted(len(files), 'file')}.", *_gone([answer])]
    return [*head, *_findings(found, MOST_LINES - len(head) - 1, named=True)]


def _worst(found: Sequence[Entry]) -> List[Entry]:
    """What the baseline has not, then the worst first; of equal ones in their order."""
    return sorted(found, key=lambda entry: (entry.state == KNOWN, SEVERITIES.index(entry.severity)))


def _cell(value: Any) -> str:
    return escaped(_text(value), _LONGEST_CELL)


def _table(titles: Sequence[str], rows: Sequence[Sequence[str]], side: str = '---') -> List[str]:
    """A table, cells but the first on that side; of rows beyond the most only their number."""
    lines = [titles, ['---', *[side] * (len(titles) - 1)], *rows[:_ROWS]]
    more = [f'and {len(rows) - _ROWS} more'] if len(rows) > _ROWS else []
    return [*(f"| {' | '.join(line)} |" for line in lines), *(['', *more] if more else [])]
