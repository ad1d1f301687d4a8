"""Reports of clusters of five kinds, and of a fleet, as `--report` writes them.

    python3 tests/run.py python -m tests.support.reports FOLDER
"""
import json
import os
import subprocess
import sys
from functools import lru_cache
from pathlib import Path

from azext_lbplan.decision import decide
from azext_lbplan.decision.curve import curve
from azext_lbplan.model.metrics import minute_of
from azext_lbplan.model.observed import parse_observed
from azext_lbplan.options import Change, Options, Sizes
from azext_lbplan.rules.cluster import check, codes_of, findings
from azext_lbplan.views import fleet, reports, results
from azext_lbplan.views.curve import rows
from azext_lbplan.views.recommendation import recommend
from tests.azure import pool
from tests.support.answers import remembering
from tests.support.asking import Asked
from tests.support.workload import DAY, Traffic, Workload, addresses, diurnal, growing, simulate, weekly
from tests.support.worlds import used, world

MONDAY = minute_of('2026-08-17T00:00:00Z')
POOLS = [pool('system', 3), pool('batch', 20, max_count=40, max_surge='33%')]


def measured(snapshot, hot, nodes, days=7):
    """The snapshot with the metrics of one hot node among calm ones."""
    calm = [simulate([Traffic(rate=diurnal(8, 45))], days * DAY, 1024, seed=seed) for seed in range(3)]
    placed = {address: calm[index % 3] for index, address in enumerate(addresses(nodes))}
    placed[addresses(nodes)[4]] = simulate(hot, days * DAY, 1024, seed=7)
    asked = Asked(Workload(MONDAY, placed), MONDAY + days * DAY, days)
    return {**snapshot, 'capturedAt': '2026-08-24T00:00:00Z', 'metrics': [
        json.loads(json.dumps(answer.to_snapshot())) for answer in asked.answers]}


@lru_cache(maxsize=None)
def sample(name):
    """A snapshot by its name."""
    explicit = world(*POOLS, managed=2 if name == 'growing' else 1, ports=1024, nodes=23)
    if name == 'calm':
        return measured(explicit, [Traffic(rate=diurnal(20, 90))], 23)
    if name == 'saturated':
        return measured(dict(explicit, metricAlerts=[used(900, split=[], name='baseline')]),
                        [Traffic(rate=weekly(diurnal(60, 330), 0.3), retries=0.4)], 23)
    if name == 'growing':
        return measured(explicit, [Traffic(rate=growing(diurnal(40, 110), 0.05))], 23, days=14)
    if name == 'automatic':
        return measured(world(pool('system', 3), pool('web', 43, max_count=120), nodes=46),
                        [Traffic(rate=diurnal(20, 90))], 46)
    return world(*POOLS, outbound_type='managedNATGateway')


SAMPLES = ('calm', 'saturated', 'growing', 'automatic', 'nat')


def answered(command, snapshot, change=Change(), sizes=None):
    """What a report of that command is made of."""
    with remembering():
        decision = decide(parse_observed(snapshot), Options(change, measure=command != 'plan'))
    if command == 'check':
        report = check(decision)
        return reports.Answer(command, {**results.check(decision, report), 'alerts': None}, decision,
                              rules=codes_of(None, ()))
    found = findings(decision)
    if command == 'recommend':
        return reports.Answer(command, {**recommend(decision, found), 'alerts': None}, decision)
    points = rows(curve(decision, sizes)) if sizes else None
    return reports.Answer(command, results.plan(decision, found, points), decision)


def fleet_of(names=SAMPLES):
    """The rows of a fleet of these samples."""
    found = [dict(fleet.row(decide(parse_observed(sample(name)))), name=name) for name in names]
    return reports.Answer('list', fleet.riskiest_first(found))


@lru_cache(maxsize=None)
def written(name):
    """The page of a sample as `recommend` writes it; of `check`, `plan`, `sizes` and `list` one each."""
    answer = {
        'check': lambda: answered('check', sample('saturated')),
        'plan': lambda: answered('plan', sample('calm'), Change(outbound_ports=4000)),
        'sizes': lambda: answered('plan', sample('calm'), sizes=Sizes('max_count', (20, 50, 100, 200))),
        'list': fleet_of}.get(name, lambda: answered('recommend', sample(name)))()
    return reports.KINDS['.html'].render([answer])


PAGES = (*SAMPLES, 'check', 'plan', 'sizes', 'list')


def main(folder):
    """Write every page into `folder`, to be looked at; where a browser is, with pictures of their upper part."""
    from tests.unit.views.reports.test_browser import BROWSER
    os.makedirs(folder, exist_ok=True)
    for name in PAGES:
        path = Path(folder, f'{name}.html').resolve()
        path.write_text(written(name), encoding='utf-8')
        if BROWSER:
            subprocess.run([BROWSER, '--headless=new', '--no-sandbox', '--disable-gpu', '--hide-scrollbars',
                            '--window-size=860,1240', f'--screenshot={path.with_suffix(".png")}', path.as_uri()],
                           check=True, capture_output=True)


if __name__ == '__main__':
    main(sys.argv[1])
