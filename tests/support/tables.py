"""What tables look like at 80 columns: those of every kind of cluster, kept in tests/data/tables.txt.

    python3 tests/run.py python -m tests.support.tables > tests/data/tables.txt     after a change that was wanted
"""
import os
import sys
from pathlib import Path
from unittest.mock import patch

from tabulate import tabulate

from azext_lbplan.views import tables
from tests.support import shapes
from tests.support.answers import answer

KEPT = Path(__file__).resolve().parents[1] / 'data' / 'tables.txt'
COMMANDS = {'show': tables.show_table, 'plan': tables.plan_table, 'recommend': tables.recommend_table,
            'check': tables.check_table, 'list': tables.list_table}


def table(command, result, columns=80):
    """The table of a result, laid out as `az` does, on a terminal of so many columns that shows ASCII alone."""
    with open(os.devnull, 'w', encoding='ascii') as terminal, patch.object(sys, 'stdout', terminal), \
            patch.dict(os.environ, COLUMNS=str(columns)):
        rows = COMMANDS[command](result)
    return tabulate(rows, headers='keys', tablefmt='simple', disable_numparse=True)


def clusters():
    """{kind: snapshot} of every kind of cluster."""
    return {name: one if 'managedCluster' in one else {'schema': 1, 'managedCluster': one}
            for name, one in shapes.snapshots().items()}


def pages():
    """{(kind of cluster, command): table}."""
    return {(name, command): table(command, answer(command, snapshot))
            for name, snapshot in clusters().items() for command in COMMANDS if command != 'list'}


def fleets():
    """{('all of these', command): table} of all kinds at once; of plan at several sizes."""
    several = {command: [answer(command, snapshot, **({'max_count': (20, 200)} if command == 'plan' else {}))
                         for snapshot in clusters().values()] for command in COMMANDS}
    several['list'] = [row for rows in several['list'] for row in rows]
    return {('all of these', command): table(command, results) for command, results in several.items()}


def kept():
    """What is kept: the plan of every kind, the other tables of those that are measured or cannot be read, and every
    command of all kinds at once."""
    alone = {(name, command): page for (name, command), page in pages().items()
             if command == 'plan' or 'measured' in name or name in ('managed', 'nat', 'unreadable', 'dropping')}
    return {**alone, **fleets()}


def text(found):
    """All of them on one page."""
    return '\n\n'.join(f'## {name}: az aks lb {command}\n\n{page}' for (name, command), page in found.items()) + '\n'


if __name__ == '__main__':
    print(text(kept()), end='')
