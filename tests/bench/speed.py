"""How long the commands take, measured side by side in one run, in turn, against the stand-in.

    python3 tests/run.py python -m tests.bench.speed                   prints the tables
    python3 tests/run.py python -m tests.bench.speed --write           and renews the section in RESULTS.md
    python3 tests/run.py python -m tests.bench.speed --only commands   commands, unused, start or growth alone

The whole takes about ten minutes, on a machine that does nothing else.
"""
import argparse
import datetime
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import certifi

from tests.azure import StandIn
from tests.support.az import Az, build_wheel
from tests.bench import growth, pages
from tests.bench.measure import in_turn, median, milliseconds, more, run, seconds, table, times, total
from tests.bench.targets import Target, verdicts

RESULTS = Path(__file__).with_name('RESULTS.md')
HEADING = '## Speed'

#: The part of the section that is written by hand, at its end.
BY_HAND = '### What was done, and what was tried'

#: Nodes whose metrics `recommend` and `check` look at in the comparison of commands.
NODES = 100

#: Seconds that the stand-in waits before each answer; the article's way is judged at the second of them.
LATENCIES = (0, 0.05, 0.1)

#: So many times the runs where milliseconds count: commands that are not ours.
UNUSED_TIMES = 4

#: Targets. For show and plan: times the latency, times the CPU of `az aks show`, and how many times the article's way
#: takes; for recommend: times the latency, and seconds; for commands that are not ours: seconds.
MOST_LATENCIES, MOST_CPU, LEAST_TIMES = 1.5, 1.15, 3.5
RECOMMEND_LATENCIES, RECOMMEND_SECONDS = 3.5, 1.0
MOST_UNUSED = 0.010

NAMED = '-g rg1 -n aks1'
NETWORK = '-g MC_rg1_aks1_westeurope'
METRICS = ('monitor metrics list --resource /subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/'
           'MC_rg1_aks1_westeurope/providers/Microsoft.Network/loadBalancers/kubernetes --metric UsedSnatPorts '
           '--interval PT1H --offset 7d --aggregation Average')
SHOW = f'aks show {NAMED}'
ARTICLE = (SHOW, f'network lb outbound-rule list {NETWORK} --lb-name kubernetes', f'network public-ip list {NETWORK}')
OURS = ('show', 'plan', 'recommend', 'check')
BASE, PLAN, THREE, FOUR = 'az aks show', 'az aks lb plan', 'the article: 3 commands', 'the article: 4, with metrics'


def commands(arm, az, bare, runs):
    """Our commands beside `az aks show`, and beside the article's way: one process for each of its commands."""
    del bare
    growth.monitored(arm, NODES)
    lines = {BASE: [SHOW], **{f'az aks lb {name}': [f'aks lb {name} {NAMED}'] for name in OURS}, THREE: ARTICLE,
             FOUR: (*ARTICLE, METRICS)}
    jobs = {name: lambda parts=parts: [run(az, line) for line in parts] for name, parts in lines.items()}
    rows, targets = [], []
    for latency in LATENCIES:
        arm.latency(latency)
        samples = in_turn(jobs, runs)
        rows += [_row(name, latency, samples) for name in samples]
        targets += _targets(latency, samples)
    arm.latency(0)
    return (f'Medians of {runs}; the cluster has {NODES} nodes and {growth.DAYS} days of metrics. Differences and '
            'ratios are medians of pairs of the same round, differences with their quartiles. The stand-in answers on '
            'the same processors: its CPU delays the seconds, but is not in the CPU of a command.\n\n' + table(
                ('command', 'each answer after', 'seconds (spread)', 'over az aks show', 'CPU seconds',
                 'CPU ÷ az aks show', 'time ÷ az aks lb plan', 'CPU of the stand-in'), rows)), targets


def _row(name, latency, samples):
    walls, cpus = total(samples[name], 'wall'), total(samples[name], 'cpu')
    base, plan = samples[BASE], samples[PLAN]
    return (name, f'{latency * 1000:.0f} ms', seconds(walls), milliseconds(more(walls, total(base, 'wall'))),
            f'{median(cpus):.3f}', f'{median(times(cpus, total(base, "cpu"))):.2f}',
            f'{median(times(walls, total(plan, "wall"))):.2f}', f'{median(total(samples[name], "beside")):.3f}')


def _targets(latency, samples):
    """What is to be reached at one latency."""
    walls, cpus = ({name: total(taken, what) for name, taken in samples.items()} for what in ('wall', 'cpu'))
    after = f'answers after {latency * 1000:.0f} ms'
    for name in ('az aks lb show', PLAN):
        yield Target(f'{name} over {BASE}, {after}', MOST_LATENCIES * latency * 1000,
                     1000 * median(more(walls[name], walls[BASE])), '{:+.0f} ms')
        yield Target(f'CPU of {name} ÷ {BASE}, {after}', MOST_CPU, median(times(cpus[name], cpus[BASE])), '{:.2f}')
        if latency == LATENCIES[min(1, len(LATENCIES) - 1)]:
            yield Target(f'{THREE} ÷ {name}, {after}', LEAST_TIMES, median(times(walls[THREE], walls[name])), '{:.2f}',
                         at_least=True)
    yield Target(f'az aks lb recommend over {BASE}, {after}',
                 1000 * (RECOMMEND_LATENCIES * latency + RECOMMEND_SECONDS),
                 1000 * median(more(walls['az aks lb recommend'], walls[BASE])), '{:+.0f} ms')


def unused(arm, az, bare, runs):
    """What it costs to have the extension installed, for commands that are not ours."""
    arm.add_cluster('aks1')
    rows, targets = [], []
    for lines, rounds in (((SHOW, 'account show'), runs * UNUSED_TIMES), (('aks -h', 'aks lb -h'), runs)):
        jobs = {(line, which): lambda line=line, which=which: [run(which, line)]
                for line in lines for which in (bare, az) if which is az or line != 'aks lb -h'}
        samples = in_turn(jobs, rounds)
        for (line, which), taken in samples.items():
            title, base = f'az {line}'.replace(f' {NAMED}', ''), samples.get((line, bare), taken)
            over = more(total(taken, 'wall'), total(base, 'wall'))
            cpu_over = more(total(taken, 'cpu'), total(base, 'cpu'))
            paired = which is az and base is not taken
            rows.append((title, 'with' if which is az else 'without', rounds, seconds(total(taken, 'wall')),
                         f'{median(total(taken, "cpu")):.3f}', milliseconds(over) if paired else '–',
                         milliseconds(cpu_over) if paired else '–'))
            if paired and line in (SHOW, 'account show'):
                targets.append(Target(f'{title} with the extension over without it', MOST_UNUSED * 1000,
                                      1000 * median(over), '{:+.0f} ms'))
    return 'In turn; differences are medians of pairs of the same round, with their quartiles.\n\n' + table(
        ('command', 'extension', 'runs', 'seconds (spread)', 'CPU seconds', 'difference', 'of it CPU'), rows), targets


def imported(az, line):
    """(module, milliseconds that it took alone) of all that `az` imports for a command; the clock slows imports."""
    python = Path(sys.prefix, 'bin', 'python')
    done = subprocess.run([str(python), '-X', 'importtime', '-m', 'azure.cli', *line.split()], env=az.env, cwd=az.cwd,
                          capture_output=True, text=True, check=True)
    return [(name, int(alone) / 1000)
            for alone, name in re.findall(r'import time:\s+(\d+) \|\s+\d+ \|\s*(\S+)', done.stderr)]


#: Whose a module is, by the beginning of its name; the rest is Python's own and other people's.
WHOSE = ('azext_lbplan', 'azure.cli.command_modules', 'azure.cli', 'azure', 'knack', 'msal', 'msrest', 'requests',
         'urllib3')


def start(arm, az, bare, runs):
    """What is imported for a command, and how much of it is ours."""
    del bare
    arm.add_cluster('aks1')
    rows, whose, runs = [], {}, min(runs, 3)
    for line in (SHOW, f'aks lb plan {NAMED}', f'aks lb recommend {NAMED}'):
        found = [dict(imported(az, line)) for _ in range(runs)]
        took = {name: median(one.get(name, 0) for one in found) for name in found[-1]}
        own = Counter({name: alone for name, alone in took.items() if _whose(name) == WHOSE[0]})
        title = f'az {line}'.replace(f' {NAMED}', '')
        rows.append((title, f'{len(own)} of {len(took)}', f'{sum(own.values()):.1f} of {sum(took.values()):.0f} ms',
                     ', '.join(f'{name.split(".", 1)[-1]} {alone:.1f}' for name, alone in own.most_common(3))))
        whose[title] = Counter()
        for name, alone in took.items():
            whose[title][_whose(name)] += alone
    by_owner = [(owner, *(f'{took[owner]:.1f}' for took in whose.values())) for owner in (*WHOSE, 'others')]
    return (f'Medians of {runs} with `-X importtime`, which slows imports down.\n\n' + table(
        ('command', 'modules of ours', 'time of ours', 'our slowest (ms)'), rows) + '\n\n' + table(
            ('whose modules (ms)', *whose), by_owner)), []


def _whose(module):
    return next((owner for owner in WHOSE if f'{module}.'.startswith(f'{owner}.')), 'others')


SECTIONS = {'commands': ('Commands', commands), 'unused': ('Installed and not used', unused),
            'start': ('Start', start), 'growth': ('Growth', growth.measure),
            'pages': ('Reports', pages.measure)}


def section(title, text):
    return f'### {title}\n\n{text}\n'


def write(parts):
    """Renew the section in RESULTS.md: other sections, and what is written by hand at its end, stay."""
    made = (f'{HEADING}\n\n`python3 tests/run.py python -m tests.bench.speed --write` made this on '
            f'{datetime.date.today()}.\n\n' + '\n'.join(parts))
    old = RESULTS.read_text(encoding='utf-8') if RESULTS.exists() else '# Results\n'
    before, found, rest = old.partition(f'{HEADING}\n')
    next_one = re.search(r'^## ', rest, re.MULTILINE)
    here, after = (rest[:next_one.start()], rest[next_one.start():]) if found and next_one else (rest, '')
    by_hand = ''.join(here.partition(f'{BY_HAND}\n')[1:])
    RESULTS.write_text('\n\n'.join(part.strip('\n') for part in (before, made, by_hand, after) if part) + '\n',
                       encoding='utf-8')


def trusted(arm, folder):
    """A bundle as everyone's: what `requests` ships, and the stand-in's certificate. How large it is counts."""
    bundle = Path(folder, 'bundle.pem')
    bundle.write_text(Path(certifi.where()).read_text(encoding='utf-8') +
                      Path(arm.ca_bundle).read_text(encoding='utf-8'), encoding='utf-8')
    return str(bundle)


def main():
    parser = argparse.ArgumentParser(prog='python -m tests.bench.speed', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--runs', type=int, default=7, help='counted runs of each command')
    parser.add_argument('--only', choices=SECTIONS, nargs='+', default=list(SECTIONS), help='what to measure')
    parser.add_argument('--write', action='store_true', help='renew the section in RESULTS.md')
    options = parser.parse_args()
    parts, targets = [], []
    with StandIn() as arm, tempfile.TemporaryDirectory(prefix='lbplan-') as folder:
        arm.ca_bundle = trusted(arm, folder)
        bare = Az(arm, Path(folder, 'bare')).log_in()
        az = bare.clone(Path(folder, 'az')).install(build_wheel(folder))
        for name in options.only:
            title, measure = SECTIONS[name]
            text, reached = measure(arm, az, bare, options.runs)
            parts.append(section(title, text))
            print(parts[-1], flush=True)
            targets += reached
            arm.reset()
    parts.insert(0, section('Targets', verdicts(targets)))
    print(parts[0], flush=True)
    if options.write:
        write(parts)


if __name__ == '__main__':
    main()
