"""What `az aks lb list` takes for fleets of several sizes: time, CPU, peak memory, requests.

    python3 tests/run.py python -m tests.bench.fleet [--sizes 1000 10000] [--runs 3]
"""
import argparse
import json
import os
import re
import tempfile
import time
from pathlib import Path

from tests.arm import StandIn
from tests.az import Az, build_wheel
from tests.fleet import Fleet

GRAPH = '/providers/Microsoft.ResourceGraph/resources'


def measure(az, command):
    """(wall seconds, CPU seconds, peak MiB, what was printed) of one run."""
    output = Path(az.folder, 'output.json')
    with open(output, 'w', encoding='utf-8') as file:
        start, peak = time.perf_counter(), 0
        process = az.popen(command, stdout=file, stderr=None)
        while True:
            done, status, usage = os.wait4(process.pid, os.WNOHANG)
            if done:
                break
            peak = _peak(process.pid) or peak
            time.sleep(0.01)
        wall = time.perf_counter() - start
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0, process.returncode
    return wall, usage.ru_utime + usage.ru_stime, peak, output.read_text(encoding='utf-8')


def _peak(pid):
    """The most memory that a process has had so far, in MiB (Linux). Its resource usage would count this process
    too, of which it is a copy at first."""
    found = re.search(r'VmHWM:\s+(\d+) kB', Path(f'/proc/{pid}/status').read_text(encoding='utf-8'))
    return found and int(found.group(1)) / 1024


def main():
    parser = argparse.ArgumentParser(prog='python -m tests.bench.fleet', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--sizes', type=int, nargs='+', default=[1000, 10000], help='clusters, in 40 subscriptions')
    parser.add_argument('--runs', type=int, default=3, help='counted runs of each size; the fastest is shown')
    options = parser.parse_args()
    with StandIn() as arm, tempfile.TemporaryDirectory(prefix='lbplan-') as folder:
        az = Az(arm, Path(folder, 'bare')).log_in().clone(Path(folder, 'az')).install(build_wheel(folder))
        measure(az, 'aks lb list -o json')
        times = []
        for size in options.sizes:
            fleet = Fleet(size).remember()
            command = ['aks', 'lb', 'list', '-o', 'json', '--subscriptions', *fleet.subscriptions]
            runs = []
            for _ in range(options.runs):
                arm.reset()
                fleet.serve(arm)
                runs.append(measure(az, command))
                rows = [(row['name'], row['resourceGroup'], row['subscriptionId']) for row in json.loads(runs[-1][3])]
                assert sorted(rows) == sorted(map(fleet.cluster, range(size))), 'rows are lost or doubled'
            wall, cpu, peak, _ = min(runs)
            times.append(wall)
            print(f'{size:6} clusters: {wall:6.2f} s, CPU {cpu:6.2f} s, peak {peak:4.0f} MiB, '
                  f'{len(arm.seen(GRAPH))} queries', flush=True)
    if len(times) > 1:
        print(f'{options.sizes[-1] / options.sizes[0]:g} times the clusters take {times[-1] / times[0]:.1f} times as '
              'long')


if __name__ == '__main__':
    main()
