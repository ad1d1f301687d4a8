"""How often the true day lies in the range of a forecast, and how wide the range is, on growing workloads.

    python3 tests/run.py python -m tests.bench.forecasts --seeds 60

A cluster is simulated with plenty of ports for some weeks; the first weeks are the history, and the days after them say
when a level (1.1 to 2 times the highest peak so far) was really reached.
"""
import argparse
import math
import random
from dataclasses import dataclass
from typing import Callable, Dict, Iterator, Optional

from azext_lbplan.demand.forecast import HORIZON, Reach, forecast

#: Days of history, and the days after it in which the truth can be seen.
HISTORIES = (14, 21, 30)
AHEAD = 120
LEVELS = (1.1, 1.3, 1.6, 2.0)


@dataclass(frozen=True)
class Kind:
    """Growth from day to day, as a factor of the first, and the usual peak of each day of the week."""

    growth: Callable[[random.Random], Callable[[int], float]]
    weekend: Callable[[random.Random], float] = lambda chance: 1.0


def _by_share(low, high):
    def make(chance):
        rate = chance.uniform(low, high)
        return lambda day: (1 + rate) ** day
    return make


def _by_number(low, high):
    def make(chance):
        rate = chance.uniform(low, high)
        return lambda day: 1 + rate * day
    return make


KINDS: Dict[str, Kind] = {
    'grows by 0.5 to 2.5 % a day': Kind(_by_share(0.005, 0.025)),
    'the same, quiet weekends': Kind(_by_share(0.005, 0.025), lambda chance: chance.uniform(0.2, 0.5)),
    'grows by 6 to 12 % a day': Kind(_by_share(0.06, 0.12)),
    'grows along a straight line': Kind(_by_number(0.01, 0.05)),
    'the same, quiet weekends ': Kind(_by_number(0.01, 0.05), lambda chance: chance.uniform(0.2, 0.5)),
    'does not grow': Kind(_by_share(0, 0)),
    'does not grow, quiet weekends': Kind(_by_share(0, 0), lambda chance: chance.uniform(0.2, 0.5)),
}


def peaks(kind: Kind, seed: int, days: int) -> Dict[int, float]:
    """The peak of each day: growth, the day of the week, a factor for the day (7 %), for each of its busy hours (5 %),
    and the largest of the Poisson counts of some minutes, all as in `tests.bench.workloads`."""
    chance = random.Random(seed)
    growth, weekend, level = kind.growth(chance), kind.weekend(chance), chance.uniform(150, 800)
    found = {}
    for day in range(days):
        usual = level * growth(day) * (weekend if day % 7 >= 5 else 1) * math.exp(chance.gauss(0, 0.07))
        hours = [usual * share * math.exp(chance.gauss(0, 0.05)) for share in (0.96, 0.99, 1.0, 0.99, 0.96)]
        found[day] = max(chance.gauss(hour, math.sqrt(hour)) for hour in hours for _ in range(30))
    return found


@dataclass(frozen=True)
class Case:
    """One forecast of one level, and when it was really reached: days after the history, None: not in AHEAD."""

    trend: bool
    reach: Optional[Reach]
    truth: Optional[int]

    @property
    def right(self) -> Optional[bool]:
        """Whether the truth lies in the range; None where there is no range, or it ends beyond what was simulated."""
        if self.reach is None:
            return None
        last = HORIZON if self.reach.latest is None else self.reach.latest
        if self.truth is None:
            return None if last > AHEAD else False
        return self.reach.earliest <= self.truth <= last

    @property
    def width(self) -> Optional[int]:
        """Days between the ends of the range."""
        return None if self.reach is None or self.reach.latest is None else self.reach.latest - self.reach.earliest


def cases(kind: Kind, seeds: int, history: int) -> Iterator[Case]:
    """All of one kind."""
    for seed in range(seeds):
        found = peaks(kind, seed, history + AHEAD)
        known = {day: found[day] for day in range(history)}
        told = forecast(known)
        for level in LEVELS:
            ports = level * max(known.values())
            truth = next((day - history + 1 for day in range(history, history + AHEAD) if found[day] >= ports), None)
            yield Case(told is not None and told.trend, told.reach(ports) if told else None, truth)


def main():
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.partition('\n')[0])
    parser.add_argument('--seeds', type=int, default=60)
    seeds = parser.parse_args().seeds
    print('| workload | days of history | trend found | true day in the range | too early | too late | median width of '
          'the range, days |\n|---|--:|--:|--:|--:|--:|--:|')
    for name, kind in KINDS.items():
        for history in HISTORIES:
            found = list(cases(kind, seeds, history))
            judged = [case for case in found if case.right is not None]
            widths = sorted(case.width for case in found if case.width is not None)
            early = sum(not case.right and (case.truth is None or case.truth > (case.reach.latest or HORIZON))
                        for case in judged)
            late = sum(not case.right for case in judged) - early
            share = [f'{count / len(judged):.0%}' if judged else '-' for count in
                     (sum(bool(case.right) for case in judged), early, late)]
            print(f'| {name.strip()} | {history} | {sum(case.trend for case in found) / len(found):.0%} | '
                  f'{" | ".join(share)} | {widths[len(widths) // 2] if widths else "-"} |')


if __name__ == '__main__':
    main()
