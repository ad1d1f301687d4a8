"""How well a recommendation holds in the weeks after it, beside other policies, on simulated clusters.

    python3 tests/run.py python -m tests.bench.backtest [--frozen COMMIT] [--seeds 10] [--kinds diurnal] [--rows FILE]

Some four seconds for each cluster. A cluster runs for a week under the setting that it has. From the metrics of that
week each policy sets ports per node and IPs; the second week, which nobody has seen, shows what came of it. With
--weeks, policies that look again each week go on for more. --write renews the section in tests/bench/RESULTS.md and the
plot beside it; that takes tests/bench/requirements.txt. --rows keeps the raw numbers of every cluster.
"""
import argparse
import hashlib
import json
import multiprocessing
import os
import sys
import time
from pathlib import Path

from tests.bench import report
from .policies import AFTER_A_DAY, POLICIES, WEEKLY, Metrics, Setting, fewest, own, required
from .replay import Outcome, Replay
from .workloads import DAY, KINDS, TUNING_SEEDS, make

#: The week that is measured and one that is not; with three, policies that look again each week are followed, too.
WEEKS = 2

#: The policies that are followed for all weeks; the others are too far off after the second already.
FOLLOWED = ('lbplan once', 'lbplan once, decreasing')

#: How much more happens in the other second week, in which what was set is judged, too.
BUSIER = 1.15

#: The machine is shared.
PROCESSES = 1
NICE = 10


def run(kind: str, seed: int, weeks: int = WEEKS) -> dict:
    """One cluster under every policy, as plain numbers; `second`: the week after the first, `later`: all after it."""
    replay, busier = Replay(make(kind, seed, weeks)), Replay(make(kind, seed, 2, BUSIER))
    cluster = replay.cluster
    first = Metrics(replay, 0, own(cluster))
    foreseen = [fewest(cluster, replay.peak(week)) for week in range(1, weeks)]
    policies = {'clairvoyant': _judge(replay, foreseen)}
    for name, policy in POLICIES.items():
        policies[name] = _judge(replay, [policy(first)] * (weeks - 1 if name in FOLLOWED else 1))
    for name, policy in WEEKLY.items() if weeks > 2 else ():
        policies[name] = _judge(replay, _week_by_week(policy, first, weeks))
    for name, steps in AFTER_A_DAY.items():
        policies[name] = _after_a_day(replay, first, *steps)
    for name, judged in policies.items():
        if name in FOLLOWED or name.startswith('lbplan, headroom'):
            ports = judged['second']['ports']
            judged['busier'] = _numbers([busier.outcome(1, ports)], [Setting(ports, judged['second']['ips'])])
    policies['clairvoyant']['busier'] = _numbers([busier.outcome(1, busier.peak(1))], [fewest(cluster, busier.peak(1))])
    demand = first.demand
    return {'kind': kind, 'seed': seed, 'nodes': cluster.count, 'required': required(cluster),
            'own': first.setting.ports,
            'peaks': [replay.peak(week) for week in range(weeks)], 'unsaturated': demand.unsaturated_peak,
            'idle': demand.evidence.idle_timeout_bound,
            'estimate': demand.estimate, 'capped': demand.evidence.demand_is_capped, 'policies': policies}


def _week_by_week(policy, metrics, weeks):
    """The settings of the weeks after the first, each from what the one before it showed."""
    settings = [policy(metrics)]
    for week in range(1, weeks - 1):
        metrics = Metrics(metrics.replay, week, settings[-1])
        settings.append(policy(metrics))
    return settings


def _after_a_day(replay, first, policy, again):
    """What is set after the first week by `policy`, and a day later by `again`."""
    one = policy(first)
    two = again(Metrics(replay, 1, one, before=first.setting))
    outcome = replay.outcome(1, one.ports, last=DAY) + replay.outcome(1, two.ports, first=DAY)
    return {'second': dict(_numbers([outcome], [two]), ips=(one.ips + 6 * two.ips) / 7), 'later': None}


def _judge(replay, settings):
    """What `settings` of the weeks after the first did, and the IPs they took; `later` None where not followed."""
    outcomes = [replay.outcome(week, setting.ports) for week, setting in enumerate(settings, 1)]
    followed = len(settings) == replay.cluster.weeks - 1
    return {'second': _numbers(outcomes[:1], settings[:1]),
            'later': _numbers(outcomes, settings) if followed else None}


def _numbers(outcomes, settings):
    total = sum(outcomes, Outcome())
    return {'nodeMinutes': total.node_minutes, 'badMinutes': total.bad_minutes, 'failed': total.failed,
            'ips': sum(setting.ips for setting in settings), 'ports': settings[-1].ports}


def run_all(kinds, seeds, weeks=WEEKS, processes=PROCESSES, progress=lambda done, total: None):
    """The rows of all `kinds` and `seeds`, in that order whatever the processes do."""
    tasks = [(kind, seed, weeks) for kind in kinds for seed in seeds]
    with multiprocessing.Pool(processes, os.nice, (NICE,)) as pool:
        rows = []
        for row in pool.imap(_run, tasks):
            rows.append(row)
            progress(len(rows), len(tasks))
        return rows


def _run(task):
    return run(*task)


def held_out_seeds(commit, count):
    """Seeds from the hash of the commit that froze the rule."""
    return [int(hashlib.sha256(f'{commit}/{number}'.encode()).hexdigest()[:8], 16) for number in range(count)]


def merged(files):
    """The rows of several files; those of one cluster that were run with other policies become one."""
    rows = {}
    for name in files:
        for row in json.loads(Path(name).read_text(encoding='utf-8')):
            known = rows.setdefault((row['kind'], row['seed']), row)
            known['policies'] = {**row['policies'], **known['policies']}
    return list(rows.values())


def main():
    parser = argparse.ArgumentParser(prog='python -m tests.bench.backtest', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--seeds', type=int, default=10, help='clusters of each kind')
    parser.add_argument('--frozen', metavar='COMMIT', help='run the held-out half on seeds from this hash; without it '
                        'the tuning half on its own seeds')
    parser.add_argument('--kinds', nargs='+', choices=list(KINDS), metavar='KIND')
    parser.add_argument('--weeks', type=int, default=WEEKS, help='with the one that is measured, at least 2')
    parser.add_argument('--rows', help='write the raw numbers to this file')
    parser.add_argument('--from-rows', nargs='+', metavar='FILE', help='report the numbers of these files, run nothing')
    parser.add_argument('--policies', nargs='+', metavar='NAME', help='run these alone, and the clairvoyant')
    parser.add_argument('--before', nargs='+', metavar=('COMMIT', 'FILE'),
                        help='rows that the package gave at another commit, to compare')
    parser.add_argument('--write', action='store_true', help='renew RESULTS.md and the plot')
    options = parser.parse_args()
    start = time.time()
    if options.from_rows:
        rows = merged(options.from_rows)
    else:
        seeds = (held_out_seeds(options.frozen, options.seeds) if options.frozen else
                 TUNING_SEEDS[:options.seeds])
        kinds = options.kinds or [name for name, kind in KINDS.items() if kind.tuning != bool(options.frozen)]
        for policies in (POLICIES, AFTER_A_DAY, WEEKLY) if options.policies else ():
            for name in set(policies).difference(options.policies):
                del policies[name]
        rows = run_all(kinds, seeds, options.weeks, progress=lambda done, total: print(
            f'\r{done} of {total}, {time.time() - start:.0f} s', end='', file=sys.stderr, flush=True))
        print(file=sys.stderr)
    if options.rows:
        with open(options.rows, 'w', encoding='utf-8') as file:
            json.dump(rows, file)
    commit, *before = options.before or ['']
    text = report.tables(rows, merged(before), commit)
    print(text)
    if options.write:
        from tests.bench import plot  # takes a library that nothing else here needs
        report.write(text, rows, options.frozen)
        plot.draw(rows)


if __name__ == '__main__':
    main()
