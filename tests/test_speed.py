"""What the benchmark counts and no clock is needed for: requests, bytes, what `az` has to load and to read."""
from email.parser import Parser

import pytest

from azext_lbplan.demand.choice import MOST_BLOCKS
from tests.bench import growth, speed
from tests.bench.measure import in_turn

#: What `az` may load of us for a command that is not ours.
FACE = {'azext_lbplan', '_help', 'commands', '_format', '_validators', 'snat', 'model', 'model.values'}

#: Questions of the first pass, at most, and of the second one for each block.
FIRST_PASS, PER_BLOCK = 5, 2


def requests(arm, az, prepare, *sizes):
    return [growth.one(arm, az, prepare, size)[2] for size in sizes]


def test_requests_are_constant_in_pools_and_one_for_each_own_ip(arm, az):
    assert requests(arm, az, growth.pools, 1, 100) == [2, 2]
    few, many = requests(arm, az, growth.own_ips, 1, 16)
    assert many - few == 15


def test_requests_for_metrics_are_bounded_whatever_the_nodes(arm, az):
    """The metrics API answers for a few nodes at a time and minute by minute: more nodes make no more questions."""
    for asked in requests(arm, az, growth.metrics, 3, 200):
        assert 4 < asked <= 2 + FIRST_PASS + PER_BLOCK * MOST_BLOCKS


def test_a_fleet_takes_a_request_for_each_thousand_clusters(arm, az):
    assert requests(arm, az, growth.fleet, 100, 1000) == [2, 3]


def test_little_is_loaded_for_a_command_that_is_not_ours(arm, az):
    arm.add_cluster('aks1')
    loaded = {module for module, _ in speed.imported(az, speed.SHOW) if module.startswith('azext_lbplan')}
    assert {name.partition('.')[2] or name for name in loaded} <= FACE


def test_the_wheel_has_little_text_for_az_to_parse(az):
    metadata, = (az.folder / 'extensions' / 'lbplan').glob('*.dist-info/METADATA')
    assert len(Parser().parsestr(metadata.read_text(encoding='utf-8')).get_payload()) < 200


@pytest.mark.parametrize('name', ['commands', 'unused', 'start'])
def test_the_benchmark_runs(arm, az, bare_az, name, monkeypatch):
    """One run of each command: that it measures what it says, not how long it takes."""
    monkeypatch.setattr(speed, 'in_turn', lambda jobs, runs: in_turn(jobs, runs, warmup=0))
    monkeypatch.setattr(speed, 'LATENCIES', (0,))
    title, measure = speed.SECTIONS[name]
    text = speed.section(title, measure(arm, az, bare_az, 1))
    assert text.startswith('### ') and text.count('\n| az aks') >= 3
