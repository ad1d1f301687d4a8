# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""When ports will run out, from the peak of each day: a robust trend, with its uncertainty, or none.

Days are compared with the same days of other weeks only, so that quiet weekends are no trend (the seasonal estimator
of Hirsch, Slack and Smith, Water Resources Research 18, 1982, with Sen's median of slopes). The slope is that of the
logarithm: growth by a share each day. Growth by a number each day is reached later, so that the late end of a range
goes on along the straight line and the early one along the curve. How often the true day lies in the range is measured
by `tests/bench/forecasts.py`.
"""

import math
from statistics import NormalDist, median
from typing import Dict, List, Mapping, NamedTuple, Optional, Sequence, Set, Tuple

from .tables import DAY, HOUR, Tables

WEEK = 7

#: Fewer days than two weeks tell a trend from a weekend no more.
LEAST_DAYS = 2 * WEEK

#: A day counts where so many of its hours are covered: all but a short gap.
LEAST_HOURS = 22

#: How sure a range is meant to be. Wide enough to be right, narrow enough to be of use.
CONFIDENCE = 0.9

#: Days ahead beyond which nothing is said: a year of growth as it was in some weeks is no forecast.
HORIZON = 365


class Reach(NamedTuple):
    """When a level is reached, in days after the last one of the history: between `earliest` and `latest`. `latest` is
    None where it may be later than HORIZON; 0 is: it is reached now."""

    earliest: int
    latest: Optional[int]


class Forecast(NamedTuple):
    """The trend of the daily peak as a share per day: the most likely one, and the ends of its range.

    `trend` is whether the range leaves zero out and points upwards; without that, nothing is said of dates. `slowest`
    is the lower end along a straight line, as a share of today's peak per day. `level` is the usual peak of the
    busiest day of the week by now, in ports; `scatter` the factor by which single days stand out. `last_day` is the
    number of the last day that was measured.
    """

    per_day: float
    low: float
    high: float
    trend: bool
    slowest: float
    level: float
    scatter: float
    last_day: int

    def reach(self, ports: float) -> Optional[Reach]:
        """When the daily peak reaches so many ports; None without a trend, or where it is not before HORIZON."""
        if not self.trend or ports <= 0:
            return None
        # A day that stands out upwards comes first; on the last one no day does.
        early = _days(math.log(ports / (self.level * self.scatter)), self.high)
        late = _days(ports / self.level * math.sqrt(self.scatter) - 1, self.slowest)
        if early is None or early > HORIZON:
            return None
        return Reach(early, late if late is not None and late <= HORIZON else None)


def _days(distance: float, per_day: float) -> Optional[int]:
    if distance <= 0:
        return 0
    return math.ceil(distance / per_day) if per_day > 0 and distance / per_day < 10 * HORIZON else None


def forecast(by_day: Mapping[int, float]) -> Optional[Forecast]:
    """The trend of the peaks of days, by the number of the day; None where they do not tell one: fewer than LEAST_DAYS
    of them, or peaks of nothing."""
    peaks = {day: peak for day, peak in by_day.items() if peak > 0}
    grown = {day: math.log(peak) for day, peak in peaks.items()}
    slopes = _slopes(grown)
    if len(peaks) < LEAST_DAYS or not slopes:
        return None
    deviation = _deviation(peaks)
    per_day, (low, high) = median(slopes), _range(slopes, deviation)
    level, scatter = _level(grown, per_day)
    return Forecast(per_day, low, high, low > 0, _slowest(peaks, deviation), level, scatter,
                    max(peaks))


def daily_peaks(tables: Tables) -> Dict[int, float]:
    """The highest use of any node and protocol on each day (UTC, by its number since 1970). Days that are hardly
    covered, such as the first and the last one of a window, have none: their peak may lie in what is missing."""
    most: Dict[Tuple[int, int], float] = {}
    for minutes in tables.used.values():
        for minute, ports in minutes.items():
            most[minute, 1] = max(most.get((minute, 1), 0.0), ports)
    for buckets in tables.buckets.values():
        for start, bucket in buckets.items():
            most[start, bucket.minutes] = max(most.get((start, bucket.minutes), 0.0), bucket.most)
    peaks: Dict[int, float] = {}
    seen: Dict[int, Set[int]] = {}
    for (start, length), ports in most.items():
        day, first = divmod(start, DAY)
        if first + length <= DAY:
            peaks[day] = max(peaks.get(day, 0.0), ports)
            seen.setdefault(day, set()).update(range(first // HOUR, (first + length - 1) // HOUR + 1))
    return {day: peaks[day] for day in sorted(peaks) if len(seen[day]) >= LEAST_HOURS}


def _slowest(peaks: Mapping[int, float], deviation: float) -> float:
    """The lower end of growth by a number each day. Days of the week are weighed alike: each as a share of its median,
    which is that of the middle of the history."""
    usual = {weekday: median(found) for weekday, found in _by_weekday(peaks).items()}
    slopes = _slopes({day: peak / usual[day % WEEK] for day, peak in peaks.items()})
    since_middle = (max(peaks) - min(peaks)) / 2
    return _range(slopes, deviation)[0] / max(1.0, 1 + median(slopes) * since_middle)


def _by_weekday(peaks: Mapping[int, float]) -> Dict[int, List[float]]:
    found: Dict[int, List[float]] = {}
    for day, peak in peaks.items():
        found.setdefault(day % WEEK, []).append(peak)
    return found


def _slopes(peaks: Mapping[int, float]) -> List[float]:
    """The slope between each two peaks of the same day of the week, ascending."""
    slopes: List[float] = []
    for weekday in range(WEEK):
        days = sorted(day for day in peaks if day % WEEK == weekday)
        slopes += [(peaks[later] - peaks[day]) / (later - day)
                   for index, day in enumerate(days) for later in days[index + 1:]]
    return sorted(slopes)


def _deviation(peaks: Mapping[int, float]) -> float:
    """The standard deviation of the number of rising slopes less the falling ones, where there is no trend."""
    counts = [len(found) for found in _by_weekday(peaks).values()]
    return math.sqrt(sum(count * (count - 1) * (2 * count + 5) / 18 for count in counts))


def _range(slopes: Sequence[float], deviation: float) -> Tuple[float, float]:
    """The ends of the slope's confidence interval, by the ranks of the slopes (Hollander and Wolfe, section 9.3)."""
    reach = NormalDist().inv_cdf(0.5 + CONFIDENCE / 2) * deviation
    low = max(0, math.floor((len(slopes) - reach) / 2))
    high = min(len(slopes) - 1, math.ceil((len(slopes) + reach) / 2))
    return slopes[low], slopes[high]


def _level(peaks: Mapping[int, float], per_day: float) -> Tuple[float, float]:
    """The peak of the busiest day of the week as it would be on the last day, and by how much single days stand out
    above their usual: a factor, at least 1. `peaks` are logarithms."""
    last = max(peaks)
    carried = _by_weekday({day: peak + per_day * (last - day) for day, peak in peaks.items()})
    usual = {weekday: median(found) for weekday, found in carried.items()}
    above = sorted(one - usual[weekday] for weekday, found in carried.items() for one in found)
    return math.exp(max(usual.values())), math.exp(max(0.0, above[int(CONFIDENCE * (len(above) - 1))]))
