"""The house of the design: arrows of imports run one way, decisions are pure, nothing heavy loads at start."""
import ast
import subprocess
import sys
from pathlib import Path

import pytest

import azext_lbplan

ROOT = Path(azext_lbplan.__file__).parent
DECISIONS = ('snat', 'nodes', 'addresses', 'sizing', 'demand', 'recommend', 'alternatives', 'fleet', 'checks', 'manifests', 'flags',
             'unverified', 'results', 'model')
STANDARD = getattr(sys, 'stdlib_module_names', None)  # since Python 3.10


def modules():
    for path in sorted(ROOT.rglob('*.py')):
        parts = path.relative_to(ROOT).with_suffix('').parts
        yield '.'.join(parts[:-1] if parts[-1] == '__init__' else parts), path


def imports(name, path):
    """(modules of the package, modules from outside) that the file imports, wherever in it."""
    package = name.split('.') if path.name == '__init__.py' else name.split('.')[:-1]
    package = [part for part in package if part]
    inside, outside = set(), set()
    known = {module for module, _ in modules()}
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
                inside.add(target if target in known else '.'.join(base))
    return inside - {name}, outside


GRAPH = {name: imports(name, path) for name, path in modules()}


def reached(name, seen=()):
    for target in GRAPH[name][0]:
        if target not in seen:
            seen = (*seen, target)
            seen = reached(target, seen)
    return seen


def test_no_import_cycle():
    assert len(GRAPH) > 20
    assert [name for name in GRAPH if name in reached(name)] == []


@pytest.mark.skipif(not STANDARD, reason='this Python has no list of its own modules; imports are the same on all')
def test_decisions_reach_no_reader_no_face_and_nothing_of_azure():
    for name in GRAPH:
        if name.split('.')[0] not in DECISIONS:
            continue
        for target in (name, *reached(name)):
            assert target.split('.')[0] in DECISIONS, f'{name} reaches {target}'
            foreign = GRAPH[target][1] - STANDARD - {'yaml'}
            assert not foreign, f'{target} imports {foreign}'


def test_the_model_imports_no_decision():
    for name in GRAPH:
        if name.split('.')[0] == 'model':
            assert all(target.split('.')[0] == 'model' for target in reached(name)), name


def test_readers_reach_no_face():
    face = {'commands', '_params', '_validators', '_help', '_format', '_outcome', 'custom'}
    for name in GRAPH:
        if name.split('.')[0] == 'readers':
            assert not face & set(reached(name)), name


def test_loading_the_extension_imports_neither_decisions_nor_readers():
    code = ('import sys, azext_lbplan; from azext_lbplan import commands; '
            'print([m for m in sys.modules if m.startswith("azext_lbplan.") and '
            'm.split(".")[1] in ("custom", "readers", "sizing", "checks", "demand", "manifests")])')
    result = subprocess.run([sys.executable, '-c', code], capture_output=True, text=True, check=True,
                            cwd=ROOT.parent)
    assert result.stdout.strip() == '[]'
