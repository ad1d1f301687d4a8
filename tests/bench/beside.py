"""What the commands take beside what they took at another commit, in one run and in turn, each over `az aks show`.

    python3 tests/run.py python -m tests.bench.beside COMMIT [--runs 5] [--only fleet manifests metrics] [--size 100]

CPU and memory alone: the clock tells of whatever else the machine does. The largest size of each row of `growth`, or
the one that is given.
"""
import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.azure import StandIn
from tests.bench import growth
from tests.bench.measure import in_turn, median, run, table, times
from tests.bench.speed import SHOW, trusted
from tests.support.az import Az, build_wheel

ROWS = {prepare.__name__: (prepare, sizes[-1]) for prepare, sizes, _ in growth.ROWS}
ROOT = Path(__file__).resolve().parents[2]
TITLES = ('what', 'before ÷ az aks show', 'after ÷ az aks show', 'after ÷ before', 'MiB before', 'MiB after', 'answers')


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


def row(title, samples):
    """One line of the table, from {before, after, show: runs}."""
    cpu = {which: [one.cpu for one in taken] for which, taken in samples.items()}
    peaks = [f'{max(one.peak for one in samples[which]):.0f}' for which in ('before', 'after')]
    same = all(before.output == after.output for before, after in zip(samples['before'], samples['after']))
    return (title, *(f'{median(times(cpu[which], cpu["show"])):.2f}' for which in ('before', 'after')),
            f'{median(times(cpu["after"], cpu["before"])):.2f}', *peaks, 'equal' if same else 'differ')


def measure(arm, clis, name, size, runs):
    """The line of one row; its stand-in is filled once for all runs."""
    prepare, largest = ROWS[name]
    size = size or largest
    arm.reset()
    command, text = prepare(arm, size)
    if not arm.resources:
        arm.add_cluster('aks1')
    with tempfile.NamedTemporaryFile() as stdin:
        Path(stdin.name).write_text(text or '', encoding='utf-8')

        def one(which):
            with open(stdin.name, 'rb') as file:
                return run(clis.get(which, clis['after']), SHOW if which == 'show' else command, stdin=file)
        samples = in_turn({which: lambda which=which: one(which) for which in ('show', 'before', 'after')}, runs)
    return row(f'{growth.title(prepare)}: {size:,}', samples)


def main():
    parser = argparse.ArgumentParser(prog='python -m tests.bench.beside', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('commit', help='the one to compare with')
    parser.add_argument('--runs', type=int, default=5, help='counted runs of each')
    parser.add_argument('--only', choices=ROWS, nargs='+', default=list(ROWS), help='what to measure')
    parser.add_argument('--size', type=int, help='how large, instead of the largest of each')
    options = parser.parse_args()
    with StandIn() as arm, tempfile.TemporaryDirectory(prefix='lbplan-') as folder:
        arm.ca_bundle = trusted(arm, folder)
        bare = Az(arm, Path(folder, 'bare')).log_in()
        wheels = {'before': wheel_of(options.commit, Path(folder, 'other')), 'after': build_wheel(folder)}
        clis = {which: bare.clone(Path(folder, which)).install(wheel) for which, wheel in wheels.items()}
        print(table(TITLES, [measure(arm, clis, name, options.size, options.runs) for name in options.only]))


if __name__ == '__main__':
    main()
