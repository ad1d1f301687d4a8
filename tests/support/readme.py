"""README.md shows real output. Where that has changed, it is made anew:

    .venv/bin/python -m tests.support.readme     runs the commands that README.md shows, and draws .github/lbplan.svg

A block of README.md that begins with `$ az aks lb ...` holds what that command prints, stdout before stderr. A comment
above it may leave out lines in the middle: `<!-- first 8, last 1 lines -->`. The picture is described in a comment,
too.
"""
import re
import shlex
import tempfile
from html import escape
from pathlib import Path
from textwrap import wrap

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / 'README.md'
PICTURE = ROOT / '.github' / 'lbplan.svg'

_EXCERPT = r'first (?P<first>\d+), last (?P<last>\d+) lines'
_BLOCK = re.compile(
    rf'(?P<head>(?:<!-- {_EXCERPT} -->\n)?```\n\$ (?P<command>az aks lb [^\n]*)\n)(?P<shown>.*?)(?=```)', re.DOTALL)
_PICTURED = re.compile(rf'<!-- picture: (?P<command>az aks lb [^;]*); {_EXCERPT} -->')

#: The picture: columns of its terminal, and in pixels the width of a character, height of a line, and margin.
_COLUMNS, _CHARACTER, _LINE, _MARGIN = 92, 7.8, 19, 18
_COLOURS = (('$', '#7ee787'), ('ERROR', '#ff7b72'), ('WARNING', '#e3b341'))
_PLAIN, _PAPER = '#e6edf3', '#0d1117'


def commands(text):
    """What README.md runs."""
    return [found['command'] for found in (*_BLOCK.finditer(text), *_PICTURED.finditer(text))]


def rendered(text, run):
    """`text` with every block as `run(command)` prints it now."""
    return _BLOCK.sub(lambda found: found['head'] + '\n'.join(_lines(found, run)) + '\n', text)


def drawn(text, run):
    """The picture that `text` describes, as SVG."""
    found = _PICTURED.search(text)
    lines = [part for line in [f"$ {found['command']}", *_lines(found, run)] for part in _wrapped(line)]
    width, height = _COLUMNS * _CHARACTER + 2 * _MARGIN, len(lines) * _LINE + 2 * _MARGIN
    rows = [f'    <text x="{_MARGIN}" y="{_MARGIN + 14 + number * _LINE}" fill="{colour}">{_escaped(line)}</text>'
            for number, (line, colour) in enumerate(lines) if line.strip()]
    return '\n'.join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height}" width="{width:.0f}" role="img">',
        f"  <title>{escape(found['command'])}</title>",
        f'  <rect width="100%" height="100%" rx="8" fill="{_PAPER}"/>',
        '  <g font-family="ui-monospace, SFMono-Regular, Menlo, Consolas, monospace" font-size="13">', *rows, '  </g>',
        '</svg>', ''])


def _escaped(line):
    """Blanks that browsers do not fold."""
    return escape(line, quote=False).replace(' ', '\N{NO-BREAK SPACE}')


def _lines(found, run):
    lines = run(found['command'])
    first, last = (int(found[name]) if found[name] else len(lines) for name in ('first', 'last'))
    return lines if first + last >= len(lines) else [*lines[:first], '...', *lines[len(lines) - last:]]


def _wrapped(line):
    """A line as parts of the terminal's width, with its colour."""
    colour = next((colour for start, colour in _COLOURS if line.startswith(start)), _PLAIN)
    parts = [line] if len(line) <= _COLUMNS else wrap(line, _COLUMNS, subsequent_indent='    ', break_on_hyphens=False)
    return [(part, colour) for part in parts]


def runner(az):
    """Runs a command of README.md in the real az, in README.md's folder, as wide as the picture; gives its lines."""
    def run(command):
        result = az(shlex.split(command)[1:], cwd=ROOT, env={'COLUMNS': str(_COLUMNS)})
        assert result.code in (0, 4), str(result)
        return [line.rstrip() for line in (result.stdout + result.stderr).splitlines()]
    return run


def main():
    from tests.azure import StandIn
    from tests.support.az import Az, build_wheel
    with StandIn() as arm, tempfile.TemporaryDirectory() as folder:
        run = runner(Az(arm, Path(folder, 'az')).install(build_wheel(folder)))
        text = rendered(README.read_text(encoding='utf-8'), run)
        README.write_text(text, encoding='utf-8')
        PICTURE.write_text(drawn(text, run), encoding='utf-8')
    print(f'{README.name}: {README.stat().st_size} bytes, {PICTURE.name}: {PICTURE.stat().st_size} bytes')


if __name__ == '__main__':
    main()
