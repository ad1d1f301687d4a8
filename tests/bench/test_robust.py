"""Metrics on a bad day and idle flows, small: each as the large run does it."""
import pytest

from tests.bench import report, robust
from tests.bench.workloads import KINDS


def test_gaps_pending_connections_and_ports_awaiting_removal_do_not_sway_the_answer(monkeypatch):
    for name in ('1 % of the points missing', '5 % missing, in all series alike', '30 % missing'):
        monkeypatch.delitem(robust.VIEWS, name)
    row = robust.swayed('diurnal', 1)
    whole = row['settings']['']
    assert whole['ips'] > 1 and row['settings']['5 % missing']['ips'] <= robust.MOST_IPS * whole['ips']
    for name in ('as many connections pending as successful', 'ports awaiting removal'):
        assert row['settings'][name] == whole
    lines = robust.views_table([row]).splitlines()
    assert lines[2].startswith('| whole | 1 of 1 | 1.000 |') and len(lines) == 3 + len(robust.VIEWS)


@pytest.mark.parametrize('name', ['all left to the timeout', 'in use for 12 to 48 minutes'])
def test_idle_flows_are_told_from_connections_in_use(name):
    row = robust.told(name, 2)
    assert robust.is_right(row)
    assert '| 1 | ' in robust.idle_table([row, *({'kind': kind, 'seed': 0, 'idle': True, 'full': False}
                                                 for kind in ('UDP', 'closed after 0 to 3 minutes'))])


@pytest.mark.parametrize('name, answer, right', [
    ('UDP', True, True), ('UDP', None, False), ('half of the ports, the rest closed', None, True),
    ('half of the ports, the rest closed', False, False), ('in use for 20 to 40 minutes', None, True),
    ('in use for 20 to 40 minutes', True, False)])
def test_what_is_right(name, answer, right):
    assert robust.is_right({'kind': name, 'seed': 0, 'idle': answer, 'full': False}) is right


def test_only_whole_metrics_are_made_worse():
    assert robust.whole_kinds(False) == ['diurnal', 'skewed', 'growing', 'dns', 'incident', 'backing off', 'cron',
                                         'rotating', 'growing 10 %']
    assert not set(robust.whole_kinds(True)).difference(name for name, kind in KINDS.items() if kind.tuning)


def test_a_section_is_renewed_in_its_place_and_others_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(report, 'RESULTS', tmp_path / 'RESULTS.md')
    report.replace_section('## One', 'first')
    report.replace_section('## Two', 'second\n\n### Part\n\nof it')
    report.replace_section('## One', 'anew')
    assert report.RESULTS.read_text(encoding='utf-8') == (
        '# Results\n\n## One\n\nanew\n\n## Two\n\nsecond\n\n### Part\n\nof it\n')
