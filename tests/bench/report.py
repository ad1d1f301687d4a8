"""The numbers of the backtest as tables, and as a section of RESULTS.md."""
import datetime
import re
from pathlib import Path
from statistics import median

from azext_lbplan.facts import snat
from azext_lbplan.options import DEFAULT_HEADROOM

from .workloads import KINDS

RESULTS = Path(__file__).with_name('RESULTS.md')
PLOT = 'backtest.png'
HEADING = '## Backtest'
REFERENCE = 'clairvoyant'

#: The policies that have targets, and what people do without a tool.
OURS = ('lbplan once', 'lbplan once, decreasing')
IN_USE = ('automatic', '1024 for all', 'p95 + 20 %', 'maximum + 25 %', "article's rule")

#: The targets: failing node-minutes of 10,000, in a second week like the first and in a busier one, and IPs over the
#: clairvoyant's, of all workloads together and of each.
MOST_FAILING = 1.0
MOST_IPS = 1.27
MOST_IPS_OF_ONE = 1.5

#: Where failures and IPs are counted.
SPANS = {'second': 'a second week', 'busier': 'a second week that is 15 % busier', 'later': 'all weeks after the first'}


def predictable(rows):
    """The rows of workloads that the first week can tell of."""
    return [row for row in rows if KINDS[row['kind']].unpredictable is None]


def names(rows, span='second'):
    """The policies that all rows have in that span, in the order in which they ran."""
    return [name for name, judged in rows[0]['policies'].items()
            if judged.get(span) and all(row['policies'].get(name, {}).get(span) for row in rows)]


def complete(rows):
    """The rows that have every policy: not all of them are run on all clusters."""
    every = set().union(*(row['policies'] for row in rows))
    return [row for row in rows if every <= set(row['policies'])]


def failing(rows, policy, span='second'):
    """Node-minutes with failed connections among 10,000."""
    parts = [row['policies'][policy][span] for row in rows]
    return 1e4 * sum(one['badMinutes'] for one in parts) / sum(one['nodeMinutes'] for one in parts)


def ips(rows, policy, span='second'):
    """Outbound IPs over those of the clairvoyant, all clusters together."""
    return _total(rows, policy, span, 'ips') / _total(rows, REFERENCE, span, 'ips')


def _total(rows, policy, span, key):
    return sum(row['policies'][policy][span][key] for row in rows)


def quantile(values, share):
    """The value below which `share` of all lie."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


def overall(rows, span):
    """One row for each policy: the failures, their spread over clusters, and the IPs."""
    lines = ['| policy | failing node-minutes of 10,000 | of one cluster: median, p90, worst | clusters with failures '
             '| failed connections | of one cluster: median, p90, worst | IPs ÷ clairvoyant\'s '
             '| of one cluster: median, p90, worst |', '|---|--:|--:|--:|--:|--:|--:|--:|']
    for name in names(rows, span):
        shares = [failing([row], name, span) for row in rows]
        failed = [row['policies'][name][span]['failed'] for row in rows]
        ratios = [ips([row], name, span) for row in rows]
        lines.append(f'| {name} | {failing(rows, name, span):.2f} | {_spread(shares, ".1f")} '
                     f'| {sum(map(bool, failed)) / len(rows):.0%} | {sum(failed):,} | {_spread(failed, ",")} '
                     f'| {ips(rows, name, span):.2f} | {_spread(ratios, ".2f")} |')
    return '\n'.join(lines)


def _spread(values, form):
    middle = median(values) if form != ',' else int(median(values))
    return ', '.join(format(value, form) for value in (middle, quantile(values, 0.9), max(values)))


def by_kind(rows, policies, span='second'):
    """For each kind and policy the failing node-minutes of 10,000, and the IPs over the clairvoyant's."""
    return _by_kind(rows, [(name, rows, name) for name in policies], span)


def _by_kind(rows, columns, span='second'):
    """A table of (title, rows, policy)."""
    lines = ['| workload | ' + ' | '.join(title for title, _, _ in columns) + ' |', '|---|' + '--:|' * len(columns)]
    for kind in [*dict.fromkeys(row['kind'] for row in rows), None]:
        cells = []
        for _, some, policy in columns:
            chosen = [row for row in some if row['kind'] == kind] if kind else predictable(some)
            cells.append(f'{failing(chosen, policy, span):.2f} / {ips(chosen, policy, span):.2f}')
        star = ' *' if kind and KINDS[kind].unpredictable else ''
        lines.append(f'| {kind or "all but *"}{star} | ' + ' | '.join(cells) + ' |')
    return '\n'.join(lines)


def compared(rows, before):
    """For each kind what lbplan did before, and does now, on the same clusters."""
    common = {(row['kind'], row['seed']) for row in before}
    now = [row for row in rows if (row['kind'], row['seed']) in common]
    return _by_kind(now, [(f'{name}, {title}', some, name) for name in OURS
                          for title, some in (('before', before), ('now', now))])


def verdict(rows):
    """The targets and what came of them, on workloads that can be predicted."""
    lines = []
    for name in OURS:
        bad, busier, ratio = failing(rows, name), failing(rows, name, 'busier'), ips(rows, name)
        kinds = {kind: ips([row for row in rows if row['kind'] == kind], name)
                 for kind in dict.fromkeys(row['kind'] for row in rows)}
        most = max(kinds, key=kinds.get)
        lines.append(
            f'- {name}: {bad:.2f} failing node-minutes of 10,000, target {MOST_FAILING:g}: {_met(bad, MOST_FAILING)}; '
            f'{busier:.2f} where the second week is 15 % busier: {_met(busier, MOST_FAILING)}; {ratio:.2f} times the '
            f'IPs of the clairvoyant, target {MOST_IPS:g}: {_met(ratio, MOST_IPS)}; at most {kinds[most]:.2f} times '
            f'({most}), target {MOST_IPS_OF_ONE:g}: {_met(kinds[most], MOST_IPS_OF_ONE)}.')
    return '\n'.join(lines + beaten(complete(rows)))


def beaten(rows):
    """Whether a policy that is in use fails less and takes no more IPs, as a line where all of them were run."""
    if not set(IN_USE) <= set(names(rows)):
        return []
    ours = failing(rows, OURS[0]), ips(rows, OURS[0])
    better = [name for name in IN_USE if failing(rows, name) <= ours[0] and ips(rows, name) <= ours[1]]
    least = min(IN_USE, key=lambda name: failing(rows, name))
    return [f'- Policies in use that are as good on both axes as lbplan once: {", ".join(better) or "none"}. Of these '
            f"{least} fails least: {failing(rows, least):.2f} failing node-minutes of 10,000 at {ips(rows, least):.2f} "
            f'times the IPs of the clairvoyant.']


def reasons(rows):
    """Why more IPs than the clairvoyant's: what the headroom alone takes, and what each group of clusters takes."""
    known = [snat.ceil8((1 + DEFAULT_HEADROOM / 100) * row['peaks'][0]) for row in rows]
    least = sum(snat.ips_needed(ports, row['required']) for ports, row in zip(known, rows))
    short = sum(ports < row['peaks'][1] for ports, row in zip(known, rows))
    lines = [f'- {DEFAULT_HEADROOM} % headroom over the true peak of the first week, known exactly, takes '
             f'{least / _total(rows, REFERENCE, "second", "ips"):.2f} times the IPs of the clairvoyant, and is too '
             f'little in the second week in {short} of {len(rows)} clusters.']
    lines.append(_bound(rows))
    groups = {'that filled all ports of a node, so that what they wanted beyond has to be estimated':
              [row for row in rows if row['estimate']],
              'that never did, and keep what they have where it suffices':
              [row for row in rows if not row['estimate']]}
    for name, some in groups.items():
        if some:
            ratios = ', '.join(f'{policy} {ips(some, policy):.2f}' for policy in OURS)
            lines.append(f'- {len(some)} clusters {name}: {ratios}.')
    found = sorted(max(row['estimate'], row['unsaturated'] or 0) / row['peaks'][0] for row in rows if row['estimate'])
    if found:
        lines.append(f'- Estimates over the true peak of the first week: {found[0]:.2f} at the least, '
                     f'{quantile(found, 0.1):.2f} p10, {median(found):.2f} in the median, {quantile(found, 0.9):.2f} '
                     f'p90, {found[-1]:.2f} at the most.')
    return '\n'.join(lines)


def _bound(rows):
    """How lbplan compares with a clairvoyant that leaves nodes the ports that they have, as lbplan does unless told."""
    kept = [snat.ips_needed(max(row['own'], snat.ceil8(row['peaks'][1])), row['required']) for row in rows]
    once = [row['policies']['lbplan once']['second']['ips'] for row in rows]
    kinds = {}
    for row, least, taken in zip(rows, kept, once):
        kinds.setdefault(row['kind'], []).append((least, taken))
    ratios = {kind: sum(taken for _, taken in pairs) / sum(least for least, _ in pairs)
              for kind, pairs in kinds.items()}
    most = max(ratios, key=ratios.get)
    return (f'- A clairvoyant that takes no ports away from nodes, as lbplan once does not, takes '
            f'{sum(kept) / _total(rows, REFERENCE, "second", "ips"):.2f} times the IPs of the clairvoyant. lbplan once '
            f'takes {sum(once) / sum(kept):.2f} times the IPs of that one, at most {ratios[most]:.2f} times ({most}).')


def _met(value, most):
    return 'met' if value <= most else f'missed by {value / most - 1:.0%}'


def tables(rows, before=(), commit=''):
    """All tables, as Markdown; `before`: rows of the package at `commit`, to compare."""
    known, all_policies = predictable(rows), complete(rows)
    parts = [f'### Targets, workloads that the first week can tell of\n\n{verdict(known)}',
             f'Where the IPs go:\n\n{reasons(known)}'] if known else []
    spans = [span for span in SPANS if span != 'later' or len(rows[0]['peaks']) > 2]  # of two weeks, later is second
    for span, title in ((span, SPANS[span]) for span in spans):
        some = predictable(all_policies if span == 'second' else rows)
        if some and len(names(some, span)) > 1:
            parts.append(f'### {title.capitalize()}, workloads that the first week can tell of: {len(some)} clusters'
                         f'\n\n{overall(some, span)}')
    parts += [f'### By workload, {SPANS[span]}: failing node-minutes of 10,000 / IPs over the clairvoyant\'s\n\n'
              + by_kind(rows, [name for name in names(rows, span) if name != REFERENCE], span)
              for span in ('second', 'busier')]
    if before:
        parts.append('### Before and now, a second week: failing node-minutes of 10,000 / IPs over the clairvoyant\'s, '
                     f'the same {len(before)} clusters\n\nBefore: the package at {commit}, with the tests of now.\n\n'
                     + compared(rows, before))
    notes = [f'\\* {kind}: cannot be predicted; {KINDS[kind].unpredictable}.'
             for kind in dict.fromkeys(row['kind'] for row in rows) if KINDS[kind].unpredictable]
    return '\n\n'.join(parts + notes)


def write(text, rows, frozen):
    """Renew the section in RESULTS.md; other sections stay."""
    seeds = list(dict.fromkeys(row['seed'] for row in rows))
    half = f'the held-out half, seeds from the hash {frozen}' if frozen else 'the tuning half'
    intro = (
        f'`python3 tests/run.py python -m pip install -r tests/bench/requirements.txt` and then\n'
        f'`python3 tests/run.py python -m tests.bench.backtest {f"--frozen {frozen} " if frozen else ""}'
        f'--seeds {len(seeds)} --write`\n'
        f'made this on {datetime.date.today()}: {len(rows)} clusters, {half}:\n'
        f'{", ".join(map(str, seeds))}.\n\n{_ABOUT}\n\n![Failures and IPs of each policy]({PLOT})\n\n')
    replace_section(HEADING, intro + text)


def replace_section(heading, text):
    """Put `text` under `heading` of RESULTS.md, at its end where the heading is new; other sections stay."""
    old = RESULTS.read_text(encoding='utf-8') if RESULTS.exists() else '# Results\n'
    parts = re.split(r'^(?=## )', old, flags=re.M)
    at = next((index for index, part in enumerate(parts) if part.startswith(f'{heading}\n')), len(parts))
    parts[at:at + 1] = [f'{heading}\n\n{text}\n']
    RESULTS.write_text('\n\n'.join(part.strip() for part in parts) + '\n', encoding='utf-8')


_ABOUT = '''A cluster runs for a week under the setting it has (half of them: automatic; the others: 1024 to 3072 ports,
explicit), with a demand of 0.3 to 3 times that. Each policy sees the metrics of that week alone and sets ports per
node and IPs. Failures are counted in the second week, which no policy but the clairvoyant has seen, under what was
set. `lbplan` sees what Azure Monitor would answer to its two passes; the other policies see every minute.

- Three nodes of each cluster are simulated, a sample of 30 to 220; a node-minute is one of theirs. IPs are those that
  the ports take for all nodes at most, with the surge node of an upgrade.
- automatic: Azure's table by the size of the cluster, one IP. p95 + 20 %: of the busiest node's minutes. maximum +
  25 %: the highest use seen, also where that was the ceiling. article's rule: where connections failed, 4000 ports
  (its example) on the IPs of its formula; else what is set. clairvoyant: the fewest ports that fail nothing, each
  week anew. no error: the default headroom over the true peak of the measured week. "once": set after the first week;
  "after a day": looked at again a day later, on the same seven days' window; "weekly": after each week. "decreasing":
  with `--allow-decrease`; without it lbplan never takes ports away, so that what a cluster has too much, it keeps.
- Workloads and seeds are split. Numbers were chosen on the tuning half alone (tests/bench/workloads.py says which);
  then a commit froze the rule, and the seeds of the other half came from its hash. (It was rebased since, so that no
  history has that hash; the seeds follow from it all the same.)
- A cluster with an allocation that is already large enough keeps it, and the other policies set theirs whatever was
  there: that counts against `lbplan once` in IPs.'''
