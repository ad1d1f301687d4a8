"""How long the commands take beside `az aks show`, measured side by side in one run, in turn.

    python3 tests/run.py python -m tests.bench.speed [--latency 0.1] [--runs 7]
"""
import argparse
import resource
import statistics
import tempfile
import time
from pathlib import Path

from tests.arm import StandIn, pool
from tests.az import Az, build_wheel

COMMANDS = {'az aks show': 'aks show -g rg1 -n aks1', 'az aks lb show': 'aks lb show -g rg1 -n aks1',
            'az aks lb plan': 'aks lb plan -g rg1 -n aks1'}


def measure(az, command):
    """(wall seconds, CPU seconds) of one run."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    az(command, check=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def compare(az, commands, runs):
    """{name: [(wall, cpu), …]}: the commands in turn, after one round that is not counted."""
    samples = {name: [] for name in commands}
    for number in range(runs + 1):
        for name, command in commands.items():
            sample = measure(az, command)
            if number:
                samples[name].append(sample)
    return samples


def main():
    parser = argparse.ArgumentParser(prog='python -m tests.bench.speed', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--latency', type=float, default=0.1, help='seconds before each answer')
    parser.add_argument('--runs', type=int, default=7, help='counted runs of each command')
    options = parser.parse_args()
    with StandIn() as arm, tempfile.TemporaryDirectory(prefix='lbplan-') as folder:
        az = Az(arm, Path(folder, 'bare')).log_in().clone(Path(folder, 'az')).install(build_wheel(folder))
        arm.add_cluster('aks1', pools=[pool('system', 3), pool('user', 10, max_count=40, mode='User')], ports=1024)
        arm.latency(options.latency)
        samples = compare(az, COMMANDS, options.runs)
    base = statistics.median(wall for wall, _ in samples['az aks show'])
    print(f'{options.latency * 1000:.0f} ms per answer, median of {options.runs} (minimum to maximum)')
    for name, runs in samples.items():
        walls = [wall for wall, _ in runs]
        wall, cpu = statistics.median(walls), statistics.median(cpu for _, cpu in runs)
        print(f'{name:16} {wall:.3f} s ({min(walls):.3f} to {max(walls):.3f}), CPU {cpu:.3f} s, '
              f'{(wall - base) * 1000:+.0f} ms')


if __name__ == '__main__':
    main()
