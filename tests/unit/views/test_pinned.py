"""The keys and the words of results, pinned: scripts rely on them. Keys may be added; none is renamed or lost.

    .venv/bin/python -m tests.unit.views.test_pinned     pins them anew, after keys were added
"""
import json
from pathlib import Path

import pytest

from azext_lbplan.decision import Reason
from azext_lbplan.demand.measure import INSUFFICIENT, NO_DATA, NOT_APPLICABLE, SUFFICIENT
from azext_lbplan.model.finding import SEVERITIES
from azext_lbplan.views import fleet, recommendation, results
from azext_lbplan.views.rules import list_rules
from tests.support.answers import answer

ROOT = Path(__file__).resolve().parents[3]
PINNED = ROOT / 'tests' / 'data' / 'keys.json'
SNAPSHOT = json.loads((ROOT / 'tests' / 'data' / 'pool-added.json').read_text(encoding='utf-8'))
README = (ROOT / 'README.md').read_text(encoding='utf-8')
COMMANDS = ('show', 'plan', 'recommend', 'check', 'list')


def keys(value):
    """The keys of a result, those of what it lists merged; None for what has none. Evidence differs by rule."""
    if isinstance(value, dict):
        return {key: None if key == 'evidence' and 'code' in value else keys(below) for key, below in value.items()}
    merged = {}
    for below in value if isinstance(value, list) else ():
        merged.update(keys(below) or {})
    return {'[]': merged} if merged else None


def all_keys():
    found = {command: keys(answer(command, SNAPSHOT)) for command in COMMANDS}
    return {**found, 'list-rules': keys(list_rules())}


def lost(pinned, there, path=''):
    """The paths of what is pinned and not there."""
    for key, below in (pinned or {}).items():
        if key not in (there or {}):
            yield f'{path}.{key}'
        else:
            yield from lost(below, there[key], f'{path}.{key}')


@pytest.mark.parametrize('command', [*COMMANDS, 'list-rules'])
def test_no_key_is_renamed_or_lost(command):
    pinned = json.loads(PINNED.read_text(encoding='utf-8'))
    assert len(str(pinned[command])) > 80
    assert list(lost(pinned[command], all_keys()[command])) == []


def test_a_renamed_key_would_be_noticed():
    assert list(lost({'a': {'[]': {'b': None}}}, {'a': {'[]': {'c': None}}})) == ['.a.[].b']


def test_no_word_is_renamed_or_lost():
    assert (recommendation.CHANGE, results.OK, recommendation.INSUFFICIENT_DATA, recommendation.INFEASIBLE,
            results.NOT_APPLICABLE) == ('change', 'ok', 'insufficientData', 'infeasible', 'notApplicable')
    assert fleet.STATUSES == ('error', 'warning', 'ok', 'notApplicable')
    assert SEVERITIES == ('error', 'warning', 'info')
    assert (SUFFICIENT, INSUFFICIENT, NO_DATA, NOT_APPLICABLE) == (
        'sufficient', 'insufficientData', 'noData', 'notApplicable')
    assert {'nothingToDo', 'infeasible', 'needsDecrease', 'mixedOutboundIps', 'unknownIpCount', 'unknownPlace',
            'addressUnusable', 'otherEgress', 'unknownCluster'} <= {reason.value for reason in Reason}


def test_the_readme_names_every_reason_and_status():
    for reason in Reason:
        assert f'`{reason.value}`' in README
    for status in ('change', 'ok', 'insufficientData', 'infeasible', 'notApplicable'):
        assert f'`{status}`' in README


if __name__ == '__main__':
    PINNED.write_text(json.dumps(all_keys(), indent=1) + '\n', encoding='utf-8')
