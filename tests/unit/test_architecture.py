"""The house (.github/ARCHITECTURE.md): imports run one way, decisions are pure, and nothing heavy loads at start."""
import ast
import subprocess
import sys
from pathlib import Path

import pytest

import azext_lbplan

ROOT = Path(azext_lbplan.__file__).parent
FACE = ('', '__init__', 'commands', '_params', '_validators', '_help', '_ids', '_plain')

#: The rooms from the top to the ground floor: each imports only from those below it.
FLOORS = (FACE, ('custom', 'custom_service'), ('_outcome', '_reporting'), ('_printed',), ('readers',), ('views',),
          ('rules',), ('decision',), ('demand',), ('inputs',), ('model',), ('options',), ('facts',))
PURE = ('views', 'rules', 'decision', 'demand', 'inputs', 'model', 'options', 'facts')

#: Readers know what a document is, what is read into, and what a demand asks for; no decision and no view.
READERS_KNOW = {'readers', 'inputs', 'model', 'demand', 'options', 'facts'}
STANDARD = getattr(sys, 'stdlib_module_names', None)  # since Python 3.10


def modules():
    for path in sorted(ROOT.rglob('*.py')):
        parts = path.relative_to(ROOT).with_suffix('').parts
        yield '.'.join(parts[:-1] if parts[-1] == '__init__' else parts), path


KNOWN = {name for name, _ in modules()}


def imports(name, path):
    """(modules of the package, modules from outside) that the file imports, wherever in it."""
    package = name.split('.') if path.name == '__init__.py' else name.split('.')[:-1]
    package = [part for part in package if part]
    inside, outside = set(), set()
    for node in ast.walk(ast.parse(path.read_text(encoding='utf-8'))):
        if isinstance(node, ast.Import):
            outside.update(alias.name.split('.')[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module.split('.')[0] != ROOT.name:
            outside.add(node.module.split('.')[0])
        elif isinstance(node, ast.ImportFrom):
            base = package[:len(package) - node.level + 1] if node.level else []
            base = base + [part for part in (node.module or '').split('.') if part and part != ROOT.name]
            for alias in node.names:
                target = '.'.join(base + [alias.name])
                inside.add(target if target in KNOWN else '.'.join(base))
    return inside - {name}, outside


GRAPH = {name: imports(name, path) for name, path in modules()}


def room(name):
    return name.split('.')[0]


def floor(name):
    return next(level for level, rooms in enumerate(FLOORS) if room(name) in rooms)


def reached(name, seen=()):
    for target in GRAPH[name][0]:
        if target not in seen:
            seen = (*seen, target)
            seen = reached(target, seen)
    return seen


def test_every_module_is_in_a_room():
    assert {room(name) for name in GRAPH} <= {name for rooms in FLOORS for name in rooms}


@pytest.mark.parametrize('name', sorted(GRAPH))
def test_arrows_run_one_way(name):
    for target in GRAPH[name][0]:
        assert floor(target) > floor(name) or room(target) == room(name) or floor(name) == 0, f'{name} -> {target}'


def test_no_import_cycle():
    assert len(GRAPH) > 20
    assert [name for name in GRAPH if name in reached(name)] == []


@pytest.mark.skipif(not STANDARD, reason='this Python has no list of its own modules; imports are the same on all')
def test_what_is_pure_imports_nothing_from_outside():
    for name in GRAPH:
        if room(name) in PURE:
            foreign = GRAPH[name][1] - STANDARD - {'yaml'}
            assert not foreign, f'{name} imports {foreign}'


def test_readers_know_no_decision():
    for name in GRAPH:
        if room(name) == 'readers':
            assert {room(target) for target in reached(name)} <= READERS_KNOW, name


def test_readers_know_what_a_demand_asks_and_not_what_it_is():
    for name, path in modules():
        if room(name) == 'readers':
            asked = {alias.name for node in ast.walk(ast.parse(path.read_text(encoding='utf-8')))
                     if isinstance(node, ast.ImportFrom) and node.level and (node.module or '').startswith('demand')
                     for alias in node.names}
            assert asked <= {'Window', 'questions', 'gateway_queries', 'weaker'}, name


def test_loading_the_extension_imports_neither_decisions_nor_readers():
    code = ('import sys, azext_lbplan; from azext_lbplan import commands; '
            'print([m for m in sys.modules if m.startswith("azext_lbplan.") and '
            f'm.split(".")[1] in {PURE + ("custom", "custom_service", "readers")}])')
    result = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True,
                            cwd=ROOT.parent)
    assert result.stdout.strip() == '[]'


def test_manifests_do_not_pay_for_clusters():
    code = ('import sys, azext_lbplan.custom_service; '
            'print([m for m in sys.modules if m.startswith(("azext_lbplan.decision", "azext_lbplan.demand", '
            '"azext_lbplan.rules.cluster", "azext_lbplan.model.observed"))])')
    result = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True,
                            cwd=ROOT.parent)
    assert result.stdout.strip() == '[]'
