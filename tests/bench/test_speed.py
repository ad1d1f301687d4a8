"""What the benchmark counts and no clock is needed for: requests, bytes, what `az` has to load and to read."""
from email.parser import Parser

import pytest

from tests.bench import beside, growth, pages, speed, targets
from tests.bench.measure import Run, in_turn
from tests.bench.targets import Target

#: What `az` may load of us for a command that is not ours.
FACE = {'azext_lbplan', '_help', 'commands'}


def requests(arm, az, prepare, *sizes):
    return [len(growth.one(arm, az, prepare, size)[1]) for size in sizes]


def connections(arm, az, prepare, size):
    return len({request.connection for request in growth.one(arm, az, prepare, size)[1]})


def test_requests_are_constant_in_pools_and_one_for_each_own_ip(arm, az):
    asked = growth.BOUNDED[growth.pools]
    assert requests(arm, az, growth.pools, 1, 100) == [asked, asked]
    few, many = requests(arm, az, growth.own_ips, 1, 16)
    assert many - few == 15


def test_requests_for_metrics_are_bounded_whatever_the_nodes(arm, az):
    """The metrics API answers for a few nodes at a time and minute by minute: more nodes make no more questions."""
    for asked in requests(arm, az, growth.metrics, 3, 200):
        assert 4 < asked <= growth.BOUNDED[growth.metrics]


def test_connections_are_used_again(arm, az):
    """One for a read after the other; beside each other as many as reads, of which the first pass left some open."""
    assert connections(arm, az, growth.pools, 1) < growth.BOUNDED[growth.pools]
    asked = growth.one(arm, az, growth.metrics, 200)[1]
    assert len({request.connection for request in asked}) <= len(asked) - 5


def test_a_fleet_takes_a_request_for_each_kind_and_one_for_each_thousand_rows(arm, az):
    few, many = requests(arm, az, growth.fleet, 100, 1000)
    assert few == growth.KINDS_OF_A_FLEET and many - few <= 1


def test_little_is_loaded_for_a_command_that_is_not_ours(arm, az):
    arm.add_cluster('aks1')
    loaded = {module for module, _ in speed.imported(az, speed.SHOW) if module.startswith('azext_lbplan')}
    assert {name.partition('.')[2] or name for name in loaded} <= FACE


def test_what_only_metrics_take_is_not_loaded_for_plan_and_show(arm, az):
    arm.add_cluster('aks1')
    for command in ('plan', 'show'):
        loaded = {module for module, _ in speed.imported(az, f'aks lb {command} {speed.NAMED}')}
        assert 'azext_lbplan.readers.cluster' in loaded
        assert not [name for name in loaded if name.startswith((
            'azext_lbplan.demand', 'azext_lbplan.readers.metrics', 'azext_lbplan.model.answers'))]


def test_the_wheel_has_little_text_for_az_to_parse(az):
    metadata, = (az.folder / 'extensions' / 'lbplan').glob('*.dist-info/METADATA')
    assert len(Parser().parsestr(metadata.read_text(encoding='utf-8')).get_payload()) < 200


@pytest.mark.parametrize('name', ['commands', 'unused', 'start'])
def test_the_benchmark_runs(arm, az, bare_az, name, monkeypatch):
    """One run of each command: that it measures what it says, not how long it takes."""
    monkeypatch.setattr(speed, 'in_turn', lambda jobs, runs: in_turn(jobs, min(runs, 1), warmup=0))
    monkeypatch.setattr(speed, 'LATENCIES', (0,))
    title, measure = speed.SECTIONS[name]
    text, found = measure(arm, az, bare_az, 1)
    assert speed.section(title, text).startswith('### ') and text.count('\n| az a') >= 3
    assert len(targets.verdicts(found).splitlines()) == 2 + len(found) + 2
    assert len(found) == {'commands': 7, 'unused': 2, 'start': 0}[name]


def test_growth_runs(arm, az, bare_az, monkeypatch):
    monkeypatch.setattr(growth, 'in_turn', lambda jobs, runs: in_turn(jobs, 1, warmup=0))
    monkeypatch.setattr(growth, 'ROWS', ((growth.pools, (1, 2, 3), 1),))
    text, (linear, bound) = growth.measure(arm, az, bare_az, 1)
    assert text.count('\n| Node pools') == 3 and linear.measured > 0
    assert bound.row() == ('Node pools of a cluster: requests', 'at most 4', '4', 'met')


def test_pages_run(arm, az, bare_az, monkeypatch):
    monkeypatch.setattr(pages, 'in_turn', lambda jobs, runs: in_turn(jobs, 1, warmup=0))
    monkeypatch.setattr(pages, 'NODES', 30)
    text, (ratio, size) = pages.measure(arm, az, bare_az, 1)
    assert text.count('\n| with') == 2 and ratio.measured > 0
    assert size.row()[-1] == 'met'


def test_a_verdict_says_by_how_much():
    rows = [Target('a', 75, 88.2, '{:+.0f} ms').row(), Target('b', 3.5, 3.1, '{:.2f}', at_least=True).row(),
            Target('c', 3.5, 3.6, '{:.2f}', at_least=True).row()]
    assert [row[-1] for row in rows] == ['missed by 13 ms', 'missed by 0.40', 'met']


def test_growth_is_told_beyond_the_start():
    assert targets.growth([0.5, 1.5, 11.5], [10, 100, 1000], 0.5) == pytest.approx(1.1)
    assert targets.growth([0.5, 0.49, 0.51], [10, 100, 1000], 0.5) == pytest.approx(0.2)
    assert targets.growth([0, 0, 0], [10, 100, 1000], 0) == 0


def test_what_is_written_by_hand_stays(tmp_path, monkeypatch):
    """And all other sections; a second time makes no difference."""
    results = tmp_path / 'RESULTS.md'
    results.write_text(f'# Results\n\n## Before\n\nx\n\n{speed.HEADING}\n\nold\n\n{speed.BY_HAND}\n\nwords\n\n'
                       '## After\n\ny\n')
    monkeypatch.setattr(speed, 'RESULTS', results)
    for _ in range(2):
        speed.write([speed.section('New', 'table')])
        text = results.read_text()
        assert text.startswith(f'# Results\n\n## Before\n\nx\n\n{speed.HEADING}\n\n') and 'old' not in text
        assert text.endswith(f'### New\n\ntable\n\n{speed.BY_HAND}\n\nwords\n\n## After\n\ny\n')


def test_beside_another_commit_ratios_are_of_pairs_and_answers_are_compared():
    def runs(*seconds, output='same'):
        return [Run(wall=9.0, cpu=cpu, peak=100 * cpu, beside=0.0, output=output) for cpu in seconds]
    samples = {'show': runs(1.0, 2.0, 1.0), 'before': runs(3.0, 8.0, 3.0), 'after': runs(1.5, 2.0, 1.5)}
    compared = beside.Compared('what', None, 1.4, 200)
    assert beside.row(compared, samples) == ('what', '3.00', '1.50', '1.4, missed', '0.50', '+0 ms (+0 to +0)', '800',
                                             '200', '200, met', 'equal')
    assert beside.row(compared, {**samples, 'after': runs(1, 1, 1, output='other')})[-1] == 'differ'


def test_what_is_compared_can_be_measured(arm):
    for compared in beside.COMPARED.values():
        if 'nodes' in compared.title or compared.title in ('show', 'plan'):
            arm.reset()
            command, text = compared.prepare(arm)
            assert arm.resources and text is None and compared.title.split(',')[0] in command
