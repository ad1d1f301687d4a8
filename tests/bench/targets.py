"""What was to be reached, and what came of it."""
from typing import NamedTuple

from tests.bench.measure import table


class Target(NamedTuple):
    """A number to reach: `limit` is the most, or with `at_least` the least, that `measured` may be."""

    what: str
    limit: float
    measured: float
    form: str
    at_least: bool = False

    @property
    def missing(self):
        """How far it is from the limit, on the wrong side where positive."""
        return self.limit - self.measured if self.at_least else self.measured - self.limit

    def row(self):
        """Cells of a table: what, limit, measured, verdict."""
        verdict = 'met' if self.missing <= 0 else f'missed by {self.form.format(self.missing).lstrip("+")}'
        return (self.what, ('at least ' if self.at_least else 'at most ') + self.form.format(self.limit),
                self.form.format(self.measured), verdict)


def verdicts(targets):
    """A table of all targets, closed by a count."""
    met = sum(target.missing <= 0 for target in targets)
    return (table(('what', 'target', 'measured', 'verdict'), [target.row() for target in targets]) +
            f'\n\n{met} of {len(targets)} targets are met.')


def growth(values, sizes, least):
    """How many times as much the last value is beyond `least` than the one before it, over how many times as large it
    is: 1 where growth is linear. What does not grow by a hundredth of `least` counts as that: medians are off by more.
    """
    *_, middle, last = (max(value - least, least / 100) for value in values)
    return last / middle / (sizes[-1] / sizes[-2]) if middle else 0
