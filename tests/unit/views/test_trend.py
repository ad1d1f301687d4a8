"""The forecast of a result: dates for both allocations, or the sentence that there are none."""
import html

import pytest

from azext_lbplan.decision import decide
from azext_lbplan.model.observed import parse_observed
from azext_lbplan.options import Options
from azext_lbplan.views.trend import row
from tests.support.reports import sample, written


def forecast_of(name):
    return row(decide(parse_observed(sample(name)), Options(measure=True)))


def test_growth_has_dates():
    found = forecast_of('growing')  # 5 % a day over two weeks, 941 of 1024 ports on the last day
    assert found['trend'] and found['lowest'] < 0.0488 < found['highest']
    assert found['lastDay'] == '2026-08-30' and found['current']['portsPerNode'] == 1024
    assert '2026-08-30' <= found['current']['earliest'] <= '2026-09-02' <= found['current']['latest'] < '2026-09-15'
    assert found['proposed']['earliest'] > found['current']['earliest']
    assert found['message'].startswith('The daily peak grows by about 4.') or '5.' in found['message']
    assert html.escape(found['message']) in written('growing')


@pytest.mark.parametrize('name', ['calm', 'nat'])
def test_a_week_or_nothing_gives_none(name):
    assert forecast_of(name) is None
