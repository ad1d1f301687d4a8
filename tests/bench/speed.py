"""How long the commands take, measured side by side in one run, in turn, against the stand-in.

    python3 tests/run.py python -m tests.bench.speed                   prints the tables
    python3 tests/run.py python -m tests.bench.speed --write           and renews the section in RESULTS.md
    python3 tests/run.py python -m tests.bench.speed --only commands   commands, unused, start or growth alone
"""
import argparse
import datetime
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.arm import StandIn
from tests.az import Az, build_wheel
from tests.bench import growth
from tests.bench.measure import in_turn, median, run, seconds, table

RESULTS = Path(__file__).with_name('RESULTS.md')
HEADING = '## Speed'

#: Nodes whose metrics `recommend` and `check` look at in the comparison of commands.
NODES = 100

#: Seconds that the stand-in waits before each answer.
LATENCIES = (0, 0.05, 0.1)

NAMED = '-g rg1 -n aks1'
NETWORK = '-g MC_rg1_aks1_westeurope'
METRICS = ('monitor metrics list --resource /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/'
           'MC_rg1_aks1_westeurope/providers/Microsoft.Network/loadBalancers/kubernetes --metric UsedSnatPorts '
           '--interval PT1H --offset 7d --aggregation Average')
SHOW = f'aks show {NAMED}'
ARTICLE = (SHOW, f'network lb outbound-rule list {NETWORK} --lb-name kubernetes', f'network public-ip list {NETWORK}')


def commands(arm, az, bare, runs):
    """Our commands beside `az aks show`, and beside the article's way: one process for each of its commands."""
    del bare
    growth.monitored(arm, NODES)
    ours = {f'az aks lb {name}': f'aks lb {name} {NAMED}' for name in ('show', 'plan', 'recommend', 'check')}
    rows = []
    for latency in LATENCIES:
        arm.latency(latency)
        jobs = {'az aks show': lambda: [run(az, SHOW)]}
        jobs.update({name: lambda line=line: [run(az, line)] for name, line in ours.items()})
        jobs['the article: 3 commands'] = lambda: [run(az, line) for line in ARTICLE]
        jobs['the article: 4, with metrics'] = lambda: [run(az, line) for line in (*ARTICLE, METRICS)]
        samples = in_turn(jobs, runs)
        base = samples['az aks show']
        for name, taken in samples.items():
            walls = [sum(one.wall for one in sample) for sample in taken]
            cpus = [sum(one.cpu for one in sample) for sample in taken]
            more = median(wall - sample[0].wall for wall, sample in zip(walls, base))
            ratio = median(cpu / sample[0].cpu for cpu, sample in zip(cpus, base))
            times = median(wall / sample[0].wall for wall, sample in zip(walls, samples['az aks lb plan']))
            rows.append((name, f'{latency * 1000:.0f} ms', seconds(walls), f'{more * 1000:+.0f} ms',
                         f'{median(cpus):.3f}', f'{ratio:.2f}', f'{times:.2f}'))
    arm.latency(0)
    return (f'Medians of {runs}; the cluster has {NODES} nodes and {growth.DAYS} days of metrics. The differences and ratios '
            'are medians of pairs of the same round.\n\n' + table(
                ('command', 'each answer after', 'seconds (spread)', 'over az aks show', 'CPU seconds',
                 'CPU ÷ az aks show', 'time ÷ az aks lb plan'), rows))


def unused(arm, az, bare, runs):
    """What it costs to have the extension installed, for commands that are not ours."""
    arm.add_cluster('aks1')
    jobs = {}
    for line in (SHOW, 'account show', 'aks -h', 'aks lb -h'):
        if line != 'aks lb -h':
            jobs[line, 'without'] = lambda line=line: run(bare, line)
        jobs[line, 'with'] = lambda line=line: run(az, line)
    samples = in_turn(jobs, runs)
    rows = []
    for line, which in jobs:
        taken = samples[line, which]
        base = samples.get((line, 'without'), taken)
        more = median(one.wall - other.wall for one, other in zip(taken, base))
        rows.append((f'az {line}'.replace(f' {NAMED}', ''), which, seconds(one.wall for one in taken),
                     f'{median(one.cpu for one in taken):.3f}',
                     f'{more * 1000:+.0f} ms' if which == 'with' and base is not taken else '–'))
    return f'Medians of {runs}, in turn.\n\n' + table(
        ('command', 'extension', 'seconds (spread)', 'CPU seconds', 'difference'), rows)


def imported(az, line):
    """(module, milliseconds that it took alone) of all that `az` imports for a command; the clock slows imports."""
    python = Path(sys.prefix, 'bin', 'python')
    done = subprocess.run([str(python), '-X', 'importtime', '-m', 'azure.cli', *line.split()], env=az.env, cwd=az.cwd,
                          capture_output=True, text=True, check=True)
    return [(name, int(alone) / 1000)
            for alone, name in re.findall(r'import time:\s+(\d+) \|\s+\d+ \|\s*(\S+)', done.stderr)]


def start(arm, az, bare, runs):
    """What our modules take to import when `az aks show` loads the extension, and when plan runs."""
    del bare, runs
    arm.add_cluster('aks1')
    rows = []
    for line in (SHOW, f'aks lb plan {NAMED}', f'aks lb recommend {NAMED}'):
        found = imported(az, line)
        own = sorted(((alone, name) for name, alone in found if name.startswith('azext_lbplan')), reverse=True)
        rows.append((f'az {line}'.replace(f' {NAMED}', ''), f'{sum(alone for alone, _ in own):.1f} ms',
                     f'{sum(alone for _, alone in found):.0f} ms',
                     ', '.join(f'{name.split(".", 1)[-1]} {alone:.1f}' for alone, name in own[:3])))
    return ('One run each with `-X importtime`, which slows imports down.\n\n' + table(
        ('command', 'our modules', 'all modules', 'our slowest (ms)'), rows))


SECTIONS = {'commands': ('Commands', commands), 'unused': ('Installed and not used', unused),
            'start': ('Start', start), 'growth': ('Growth', growth.measure)}


def section(title, text):
    return f'### {title}\n\n{text}\n'


def write(parts):
    """Renew the section in RESULTS.md; other sections stay."""
    made = (f'{HEADING}\n\n`python3 tests/run.py python -m tests.bench.speed --write` made this on '
            f'{datetime.date.today()}.\n\n' + '\n'.join(parts))
    old = RESULTS.read_text(encoding='utf-8') if RESULTS.exists() else '# Results\n'
    before, found, rest = old.partition(f'{HEADING}\n')
    after = re.search(r'^## ', rest, re.MULTILINE)
    RESULTS.write_text(before.rstrip() + '\n\n' + made + ('\n' + rest[after.start():] if found and after else ''),
                       encoding='utf-8')


def main():
    parser = argparse.ArgumentParser(prog='python -m tests.bench.speed', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--runs', type=int, default=7, help='counted runs of each command')
    parser.add_argument('--only', choices=SECTIONS, nargs='+', default=list(SECTIONS), help='what to measure')
    parser.add_argument('--write', action='store_true', help='renew the section in RESULTS.md')
    options = parser.parse_args()
    parts = []
    with StandIn() as arm, tempfile.TemporaryDirectory(prefix='lbplan-') as folder:
        bare = Az(arm, Path(folder, 'bare')).log_in()
        az = bare.clone(Path(folder, 'az')).install(build_wheel(folder))
        for name in options.only:
            title, measure = SECTIONS[name]
            parts.append(section(title, measure(arm, az, bare, options.runs)))
            print(parts[-1], flush=True)
            arm.reset()
    if options.write:
        write(parts)


if __name__ == '__main__':
    main()
