"""What `az aks lb list` takes for fleets of several sizes: time, CPU, peak memory, requests.

    python3 tests/run.py python -m tests.bench.fleet [--sizes 1000 10000] [--runs 3]
"""
import argparse
import json
import tempfile
from pathlib import Path

from tests.azure import StandIn
from tests.support.az import Az, build_wheel
from tests.bench.measure import run
from tests.support.fleet import Fleet

GRAPH = '/providers/Microsoft.ResourceGraph/resources'


def main():
    parser = argparse.ArgumentParser(prog='python -m tests.bench.fleet', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--sizes', type=int, nargs='+', default=[1000, 10000], help='clusters, in 40 subscriptions')
    parser.add_argument('--runs', type=int, default=3, help='counted runs of each size; the fastest is shown')
    options = parser.parse_args()
    with StandIn() as arm, tempfile.TemporaryDirectory(prefix='lbplan-') as folder:
        az = Az(arm, Path(folder, 'bare')).log_in().clone(Path(folder, 'az')).install(build_wheel(folder))
        run(az, 'aks lb list -o json')
        times = []
        for size in options.sizes:
            fleet = Fleet(size).remember()
            command = ['aks', 'lb', 'list', '-o', 'json', '--subscriptions', *fleet.subscriptions]
            runs = []
            for _ in range(options.runs):
                arm.reset()
                fleet.serve(arm)
                runs.append(run(az, command))
                rows = [tuple(row[key] for key in ('name', 'resourceGroup', 'subscriptionId'))
                        for row in json.loads(runs[-1].output)]
                assert sorted(rows) == sorted(map(fleet.cluster, range(size))), 'rows are lost or doubled'
            fastest = min(runs, key=lambda one: one.wall)
            times.append(fastest.wall)
            print(f'{size:6} clusters: {fastest.wall:6.2f} s, CPU {fastest.cpu:6.2f} s, peak {fastest.peak:4.0f} MiB, '
                  f'{len(arm.seen(GRAPH))} queries', flush=True)
    if len(times) > 1:
        print(f'{options.sizes[-1] / options.sizes[0]:g} times the clusters take {times[-1] / times[0]:.1f} times as '
              'long')


if __name__ == '__main__':
    main()
