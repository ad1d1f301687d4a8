"""The trend of daily peaks: found where there is one, silent where there is none, right about as often as it says."""
import math
import random

import pytest

from azext_lbplan.demand.forecast import HORIZON, LEAST_DAYS, Reach, daily_peaks, forecast
from azext_lbplan.demand.tables import Bucket, Tables
from azext_lbplan.demand.tabulate import tabulate
from azext_lbplan.model.answers import parse
from azext_lbplan.model.metrics import minute_of
from tests.bench.forecasts import KINDS, cases
from tests.support.asking import Asked
from tests.support.workload import DAY, Placed, Traffic, Workload, diurnal, growing, simulate

MONDAY = minute_of('2026-08-03T00:00:00Z')


def days(count, peak):
    return {day: peak(day) for day in range(count)}


def test_exact_growth_by_a_share_is_found():
    found = forecast(days(21, lambda day: 100 * 1.02 ** day))
    assert found.trend and found.per_day == pytest.approx(math.log(1.02)) and found.low == pytest.approx(found.high)
    level = 100 * 1.02 ** 20
    assert found.level == pytest.approx(level) and found.scatter == pytest.approx(1)
    reach = found.reach(level * 1.5)
    assert reach.earliest == math.ceil(math.log(1.5) / math.log(1.02)) == 21
    assert 21 < reach.latest < 35, 'along a straight line it comes later'


def test_what_is_reached_already_is_reached_now():
    found = forecast(days(21, lambda day: 100 * 1.02 ** day))
    assert found.reach(120) == Reach(0, 0) and found.reach(0) is None


@pytest.mark.parametrize('peak', [lambda day: 100, lambda day: 100 - day, lambda day: 100 if day % 7 < 5 else 20,
                                  lambda day: 100 + random.Random(day).gauss(0, 15)])
def test_without_a_trend_there_is_no_date(peak):
    found = forecast(days(28, peak))
    assert not found.trend and found.reach(110) is None


def test_quiet_weekends_at_the_start_are_no_trend():
    """An ordinary regression from Saturday to Friday would rise."""
    found = forecast(days(14, lambda day: 20 if day in (0, 1, 7, 8) else 100))
    assert not found.trend and found.per_day == 0


def test_one_day_that_stands_out_does_not_make_one():
    assert not forecast(days(28, lambda day: 1000 if day == 27 else 100)).trend


@pytest.mark.parametrize('peaks', [{}, days(LEAST_DAYS - 1, lambda day: 100), days(30, lambda day: 0)])
def test_too_little_is_none(peaks):
    assert forecast(peaks) is None


def test_slow_growth_gives_no_date_beyond_a_year():
    found = forecast(days(28, lambda day: 100 * 1.0005 ** day))
    assert found.trend and found.reach(200) is None
    assert found.reach(112).latest is not None and found.reach(112).earliest <= HORIZON


def test_peaks_are_those_of_whole_days_over_all_nodes():
    nodes = [simulate([Traffic(rate=growing(diurnal(20, 60), rate))], 16 * DAY, 64000, seed=seed)
             for seed, rate in enumerate((0.02, 0.0))]
    workload = Workload(MONDAY, {'10.0.0.4': Placed(nodes[0]), '10.0.0.5': Placed(nodes[1])})
    asked = Asked(workload, MONDAY + 15 * DAY + 300, 15)
    found = daily_peaks(tabulate(parse(asked.answers)))
    first = MONDAY // DAY
    assert sorted(found) == list(range(first + 1, first + 15)), 'the first and the last day are cut'
    for day, peak in found.items():
        part = slice((day - first) * DAY, (day - first + 1) * DAY)
        assert peak == max(max(node.used['TCP'][part]) for node in nodes)
    assert forecast(found).trend


def test_an_interval_of_several_days_tells_nothing_of_each():
    week = {('n', 'TCP'): {0: Bucket(7 * DAY, 5, 9, 9)}}
    assert daily_peaks(Tables(buckets=week)) == {}
    assert daily_peaks(Tables(buckets={('n', 'TCP'): {DAY: Bucket(DAY, 5, 9, 9)}})) == {1: 9}


def test_ranges_hold_the_truth_about_as_often_as_they_say():
    """Less than the nominal 90 %, because a trend is a model: what is measured is in tests/bench/FORECASTS.md."""
    growing_kinds = [kind for name, kind in KINDS.items() if not name.startswith('does not')]
    found = [case for kind in growing_kinds for case in cases(kind, 15, 21)]
    judged = [case.right for case in found if case.right is not None]
    assert len(judged) > 100 and sum(judged) / len(judged) > 0.8
    still = [case for name, kind in KINDS.items() if name.startswith('does not') for case in cases(kind, 40, 21)]
    assert sum(case.trend for case in still) / len(still) < 0.12
