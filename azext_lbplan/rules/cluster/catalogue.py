# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The catalogue of rules as text: a table for the README, a list for the command's help. Both come from the rules."""

from typing import Iterable, Tuple

from .rule import Rule

_COLUMNS = ('Code', 'Severity', 'Given by', 'Finds', 'Why', 'Source')


def markdown(rules: Iterable[Rule]) -> str:
    """The rules as a Markdown table, without a line break at its end."""
    rows = [_COLUMNS, ('---',) * len(_COLUMNS)]
    rows += [(f'`{rule.code}`', rule.severity, ', '.join(f'`{command}`' for command in rule.commands),
              *map(_cell, (rule.what, rule.why, rule.source))) for rule in rules]
    return '\n'.join(f"| {' | '.join(row)} |" for row in rows)


def _cell(text):
    return text.replace('|', '\\|')


def help_lines(rules: Iterable[Rule]) -> Tuple[str, ...]:
    """The rules as lines of a help text: code, severity, what it finds."""
    return tuple(f'{rule.code} ({rule.severity}): {rule.what}' for rule in rules)
