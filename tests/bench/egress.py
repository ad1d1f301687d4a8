"""What it costs to know where packets leave: this tree beside an earlier commit, in turn on one stand-in. Requests and
rounds of the commands that read one cluster, and what `list` takes for a fleet.

    python3 tests/run.py python -m tests.bench.egress COMMIT [--sizes 1000 10000] [--runs 3] [--only requests|fleet]
"""
import argparse
import subprocess
import tempfile
from pathlib import Path

from tests.azure import StandIn
from tests.bench.measure import in_turn, median, run, table, times
from tests.support.az import Az, build_wheel
from tests.support.fleet import Fleet
from tests.support.ways import every_way

_ROOT = Path(__file__).resolve().parents[2]

#: Seconds that each answer takes: requests of one round then overlap, and those of the next start when it is over.
LATENCY = 2

#: Clusters of `every_way` that differ in what has to be read: nothing on the subnet, AKS's own route table, a NAT
#: gateway, a route table of the user's, two subnets.
CLUSTERS = ('plain', 'own', 'kubenet', 'nat', 'near', 'firewall', 'mixed')
COMMANDS = ('show', 'plan', 'recommend', 'check')

BEFORE, NOW = 'before', 'now'


def main():
    parser = argparse.ArgumentParser(prog='python -m tests.bench.egress', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('commit', help='the earlier one')
    parser.add_argument('--sizes', type=int, nargs='+', default=[1000, 10000], help='clusters of the fleet')
    parser.add_argument('--runs', type=int, default=3, help='counted runs of each size, in turn')
    parser.add_argument('--only', choices=['requests', 'fleet'], help='one of the two tables')
    options = parser.parse_args()
    with StandIn() as arm, tempfile.TemporaryDirectory(prefix='lbplan-') as folder:
        bare = Az(arm, Path(folder, 'bare')).log_in()
        both = {BEFORE: _installed(bare, folder, options.commit), NOW: _installed(bare, folder)}
        if options.only != 'fleet':
            print(_requests(arm, both), flush=True)
        if options.only != 'requests':
            print(_fleet(arm, both, options.sizes, options.runs))


def _installed(bare, folder, commit=None):
    """An `az` with this tree, or that of the commit."""
    place, root = Path(folder, commit or NOW), _ROOT
    place.mkdir()
    if commit:
        root = place / 'tree'
        root.mkdir()
        archive = subprocess.run(['git', 'archive', commit], cwd=_ROOT, check=True, capture_output=True).stdout
        subprocess.run(['tar', '-x', '-C', str(root)], input=archive, check=True)
    return bare.clone(place / 'az').install(build_wheel(place, root=root))


def _requests(arm, both):
    """Requests and rounds of each command on each cluster."""
    arm.reset()
    ids = every_way(arm)
    arm.latency(LATENCY)
    rows = []
    for cluster in CLUSTERS:
        for command in COMMANDS:
            found = [_rounds(arm, az, f'aks lb {command} --ids {ids[cluster]}') for az in both.values()]
            rows.append((f'{cluster}: {command}', *(f'{requests} in {rounds}' for requests, rounds in found)))
    arm.latency(0)
    return table(('cluster and command', *(f'requests in rounds, {name}' for name in both)), rows)


def _rounds(arm, az, command):
    """(requests, rounds): a request that starts after one of its round was answered belongs to the next."""
    known = len(arm.seen())
    run(az, command)
    requests = sorted(arm.seen()[known:], key=lambda one: one.started)
    rounds, answered = 0, 0
    for one in requests:
        if one.started >= answered:
            rounds, answered = rounds + 1, one.answered
    return len(requests), rounds


def _fleet(arm, both, sizes, runs):
    """CPU, memory and queries of `list`, and how many times what they were before."""
    rows = []
    for az in both.values():
        run(az, 'aks lb list -o json')  # what is compiled once shall not count
    for size in sizes:
        made = Fleet(size).remember()
        samples = in_turn({name: lambda az=az, made=made: _listed(arm, az, made) for name, az in both.items()}, runs,
                          warmup=0)
        cpus = {name: [sample.cpu for sample, _ in taken] for name, taken in samples.items()}
        for name, taken in samples.items():
            ratio = median(times(cpus[name], cpus[BEFORE]))
            rows.append((f'{size:,} clusters, {name}', f'{median(cpus[name]):.2f}', f'{ratio:.2f}',
                         f'{max(sample.peak for sample, _ in taken):.0f}', taken[-1][1]))
    return table(('az aks lb list', 'CPU seconds', '÷ before, of pairs', 'peak MiB', 'queries'), rows)


def _listed(arm, az, made):
    """(the run, its queries)."""
    arm.reset()
    made.serve(arm)
    done = run(az, ['aks', 'lb', 'list', '-o', 'json', '--subscriptions', *made.subscriptions])
    return done, len(arm.seen('/providers/Microsoft.ResourceGraph'))


if __name__ == '__main__':
    main()
