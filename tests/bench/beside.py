"""What the commands take beside what they took at another commit, in one run and in turn, each over `az aks show`.

    python3 tests/run.py python -m tests.bench.beside COMMIT [--runs 5] [--only fleet manifests] [--write]

CPU and memory; the clock, which tells of whatever else the machine does, only as what a command takes longer than
`az aks show`. --write renews the section in RESULTS.md.
"""
import argparse
import datetime
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import NamedTuple, Optional

from tests.azure import StandIn
from tests.bench import growth
from tests.bench.measure import in_turn, median, milliseconds, more, run, table, times
from tests.bench.report import replace_section
from tests.bench.speed import NAMED, SHOW, trusted
from tests.support.az import Az, build_wheel

ROOT = Path(__file__).resolve().parents[2]
HEADING = '## Speed beside another commit'
TITLES = ('what', 'before ÷ az aks show', 'now ÷ az aks show', 'goal', 'now ÷ before', 'now over az aks show',
          'MiB before', 'MiB now', 'goal', 'answers')


class Compared(NamedTuple):
    """What is measured: its words, what fills the stand-in and gives the command and its input, and the goals: the most
    CPU over that of `az aks show`, where it is not that of before, and the most MiB."""

    title: str
    prepare: object
    most_cpu: Optional[float] = None
    most_memory: Optional[int] = None


def _of_nodes(command, nodes, arm):
    """A command about a cluster of so many nodes with a week of metrics."""
    growth.monitored(arm, nodes)
    return f'aks lb {command} {NAMED}', None


def _of_rows(prepare, size, arm):
    return prepare(arm, size)


COMPARED = {
    'show': Compared('show', partial(_of_nodes, 'show', 100)),
    'plan': Compared('plan', partial(_of_nodes, 'plan', 100)),
    'recommend': Compared('recommend, 100 nodes', partial(_of_nodes, 'recommend', 100), 1.5),
    'check': Compared('check, 100 nodes', partial(_of_nodes, 'check', 100), 1.5),
    'large': Compared('recommend, 1,000 nodes', partial(_of_nodes, 'recommend', 1000), 4, 200),
    'fleet': Compared('list, 10,000 clusters', partial(_of_rows, growth.fleet, 10000), 9, 100),
    'manifests': Compared('check-service, 5,000 Services', partial(_of_rows, growth.manifests, 5000), 1.6)}


def wheel_of(commit, folder):
    """The wheel of another commit, built by its own code."""
    source, target = Path(folder, 'source'), Path(folder, 'built')
    source.mkdir(parents=True)
    target.mkdir()
    archive = subprocess.run(['git', '-C', str(ROOT), 'archive', commit], capture_output=True, check=True).stdout
    subprocess.run(['tar', '-x', '-C', str(source)], input=archive, check=True)
    code = 'import sys; from tests.support.az import build_wheel; print(build_wheel(sys.argv[1]))'
    return subprocess.run([sys.executable, '-c', code, str(target)], cwd=source, capture_output=True, text=True,
                          check=True).stdout.strip()


def row(compared, samples):
    """One line of the table, from {before, after, show: runs}."""
    cpu = {which: [one.cpu for one in taken] for which, taken in samples.items()}
    wall = {which: [one.wall for one in taken] for which, taken in samples.items()}
    peaks = {which: max(one.peak for one in samples[which]) for which in ('before', 'after')}
    before, after = (median(times(cpu[which], cpu['show'])) for which in ('before', 'after'))
    same = all(one.output == other.output for one, other in zip(samples['before'], samples['after']))
    return (compared.title, f'{before:.2f}', f'{after:.2f}', _goal(compared.most_cpu, after),
            f'{median(times(cpu["after"], cpu["before"])):.2f}', milliseconds(more(wall['after'], wall['show'])),
            f'{peaks["before"]:.0f}', f'{peaks["after"]:.0f}', _goal(compared.most_memory, peaks['after']),
            'equal' if same else 'differ')


def _goal(most, measured):
    return '–' if most is None else f'{most:g}, {"met" if measured <= most else "missed"}'


def measure(arm, clis, compared, runs):
    """The line of one row; its stand-in is filled once for all runs."""
    arm.reset()
    command, text = compared.prepare(arm)
    if not arm.resources:
        arm.add_cluster('aks1')
    with tempfile.NamedTemporaryFile() as stdin:
        Path(stdin.name).write_text(text or '', encoding='utf-8')

        def one(which):
            with open(stdin.name, 'rb') as file:
                return run(clis.get(which, clis['after']), SHOW if which == 'show' else command, stdin=file)
        samples = in_turn({which: partial(one, which) for which in ('show', 'before', 'after')}, runs)
    return row(compared, samples)


def main():
    parser = argparse.ArgumentParser(prog='python -m tests.bench.beside', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('commit', help='the one to compare with')
    parser.add_argument('--runs', type=int, default=5, help='counted runs of each')
    parser.add_argument('--only', choices=COMPARED, nargs='+', default=list(COMPARED), help='what to measure')
    parser.add_argument('--write', action='store_true', help='renew the section in RESULTS.md')
    options = parser.parse_args()
    with StandIn() as arm, tempfile.TemporaryDirectory(prefix='lbplan-') as folder:
        arm.ca_bundle = trusted(arm, folder)
        bare = Az(arm, Path(folder, 'bare')).log_in()
        wheels = {'before': wheel_of(options.commit, Path(folder, 'other')), 'after': build_wheel(folder)}
        clis = {which: bare.clone(Path(folder, which)).install(wheel) for which, wheel in wheels.items()}
        text = table(TITLES, [measure(arm, clis, COMPARED[name], options.runs) for name in options.only])
    print(text)
    if options.write:
        intro = (f'`python3 tests/run.py python -m tests.bench.beside {options.commit} --write` made this on '
                 f'{datetime.date.today()}: medians of {options.runs} pairs, and the highest peaks.')
        replace_section(HEADING, f'{intro}\n\n{text}')


if __name__ == '__main__':
    main()
