"""Types of the package and style of all code, where the tools are installed: on the Pythons that they run on."""
import importlib.util
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

#: All code: tests are read as often as what they test.
CODE = ('azext_lbplan', 'tests', 'setup.py')

#: What silences a tool, without a comment after it that says why.
SILENCED = re.compile(r'(?:# (?:noqa|type: ignore|pylint: disable)\b|suppress_health_check=[l\[])[^#]*$')

#: The most branches of a function, as radon counts them.
MOST_BRANCHES = 15


def needs(name):
    return pytest.mark.skipif(importlib.util.find_spec(name) is None, reason=f'{name} is not for this Python')


def run(*arguments):
    done = subprocess.run([sys.executable, '-m', *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout + done.stderr


@needs('mypy')
def test_types(tmp_path):
    code, output = run('mypy', '--cache-dir', str(tmp_path))
    assert code == 0, output


@needs('ruff')
def test_style():
    code, output = run('ruff', 'check', '--no-cache', *CODE)
    assert code == 0, output


def test_what_is_silenced_has_its_reason_beside_it():
    files = [ROOT / 'setup.py', *(ROOT / 'azext_lbplan').rglob('*.py'), *(ROOT / 'tests').rglob('*.py')]
    assert not [f'{file.relative_to(ROOT)}: {line}' for file in files
                for line in file.read_text(encoding='utf-8').splitlines() if SILENCED.search(line)]


def test_the_tools_find_their_settings_by_themselves():
    """Where ruff and mypy look, and where no packaging tool does."""
    for name in ('.editorconfig', '.mypy.ini', '.ruff.toml'):
        assert (ROOT / name).is_file()
    assert not [name for name in ('setup.cfg', 'pyproject.toml', 'tox.ini') if (ROOT / name).exists()]
    widths = {re.search(r'(?:line-length|max_line_length) = (\d+)', (ROOT / name).read_text(encoding='utf-8'))[1]
              for name in ('.editorconfig', '.ruff.toml')}
    assert widths == {'120'}


@needs('radon')
def test_no_function_hides_more_than_a_reader_can_hold():
    from radon.complexity import cc_visit
    found = {block.name: block.complexity for path in sorted((ROOT / 'azext_lbplan').rglob('*.py'))
             for block in cc_visit(path.read_text(encoding='utf-8')) if block.complexity > MOST_BRANCHES}
    assert not found
