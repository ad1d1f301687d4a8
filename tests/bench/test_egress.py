"""The benchmark of the egress path: how its rounds are told."""
from types import SimpleNamespace

import pytest

from tests.bench import egress


@pytest.mark.parametrize('times, rounds', [
    ([], 0), ([(0, 2)], 1), ([(0, 2), (2, 4), (2.1, 4.1)], 2), ([(2.1, 4.1), (0, 2), (2, 4)], 2),
    ([(0, 2), (2, 4), (4.2, 6.2), (6.3, 8)], 4), ([(0, 2), (2, 9), (3, 4), (9, 10)], 3)])
def test_a_request_after_an_answer_begins_a_round(monkeypatch, times, rounds):
    """Of those that overlap it is the first whose answer counts."""
    asked = [SimpleNamespace(started=start, answered=end) for start, end in times]
    seen = [['before'], ['before', *asked]]
    monkeypatch.setattr(egress, 'run', lambda az, command: None)
    assert egress._rounds(SimpleNamespace(seen=lambda: seen.pop(0)), None, 'show') == (len(times), rounds)
