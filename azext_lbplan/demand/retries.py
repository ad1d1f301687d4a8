# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""How many failures one refused connection makes: attempts within a minute, and retries in the next one.

A failure count alone cannot tell a hundred connections that were refused from ten that tried ten times. What sets
them apart is what a port that happens to come free spares: one that comes free in a minute is taken at once
(accepted S up by one) and spares the `a` failed attempts of one connection in this minute, and in the next those of
the share `r` of the refused that would have come again:

    F(t) = a (offered(t) - S(t)) + r F(t-1)

While all ports are taken, S is what comes free, which was settled a hold time earlier: it has nothing to do with what
is offered now. So S(t) and S(t-1) are instruments for S(t) and F(t-1), and both unknowns follow from two linear
equations, whatever rhythm the offered connections have. A plain regression on F(t-1) would take traffic that swells
for a few minutes for retries.
"""

from math import fsum, sqrt
from typing import Iterable, Iterator, List, Mapping, NamedTuple, Sequence, Tuple

from .tables import Flows

#: Minutes are compared with the straight line through at most so many around them, so that the rhythm of a day does
#: not drown them.
CHUNK_MINUTES = 60

#: Fewer minutes in a row tell nothing: in bursts of 5 to 9 the line took the burst itself away, and estimates fell to
#: 0.54 of the true peak (backtest, 30 seeds).
LEAST_MINUTES = 10

#: The share of failures that are connections refused for the first time is taken this many standard errors on the safe
#: side: fewer retries, a larger demand. Of 330 clusters of the backtest (seeds 100 to 129) none had too few ports with
#: 2, 1 and 0.5, at 1.36, 1.34 and 1.33 times the clairvoyant's IPs; with 0 one had, at 1.32. With 0.5 a node whose
#: connections fail five times each (tests/test_demand.py) was 10 % below its demand, with 1 above it.
CAUTION = 1.0

#: No more than this share of refused connections is taken to come again: at 0.9 one makes ten failures. A bound for
#: what is measured badly.
MOST_AGAIN = 0.9


class Retries(NamedTuple):
    """`attempts`: failures of one refused connection in its minute, at least 1; `again`: the share of failures that
    are there again in the next minute, 0 to MOST_AGAIN."""

    attempts: float
    again: float

    def connections(self, failed: float, before: float) -> float:
        """The connections that were refused for the first time, of `failed` failures after `before` in the minute
        before."""
        return max(0.0, failed - self.again * before) / self.attempts


NO_RETRIES = Retries(1.0, 0.0)


def judge_retries(flows: Iterable[Mapping[int, Flows]]) -> Retries:
    """How refused connections behave, from the `flows` of several nodes by minute (saturation.telling_flows)."""
    points = [point for node in flows for point in _deviations(node)]
    if len(points) < 2 * LEAST_MINUTES:
        return NO_RETRIES
    now, before, failed_before, failed = zip(*points)
    nn, nb, bb = _product(now, now), _product(now, before), _product(before, before)
    nr, br = _product(now, failed_before), _product(before, failed_before)
    nf, bf = _product(now, failed), _product(before, failed)
    # Two equations: -attempts nn + again nr = nf, and -attempts nb + again br = bf.
    divisor = nr * nb - nn * br
    if not divisor:
        return NO_RETRIES
    attempts, again = (nf * br - nr * bf) / divisor, (nf * nb - nn * bf) / divisor
    error = fsum((f + attempts * s - again * r) ** 2 for s, r, f in zip(now, failed_before, failed))
    attempts, again = max(1.0, attempts), min(MOST_AGAIN, max(0.0, again))
    first = (1 - again) / attempts
    # The variances of both unknowns and their covariance, as far as they differ; `first` is a function of the two.
    rest = nn * bb - nb * nb
    variance = nn * rest + 2 * first * nr * rest + first ** 2 * (br * br * nn - 2 * br * nr * nb + nr * nr * bb)
    scatter = sqrt(error / (len(points) - 2) * max(0.0, variance)) / abs(divisor) / attempts
    return _sharing(attempts, first, min(1.0, first + CAUTION * scatter))


def _sharing(attempts: float, first: float, cautious: float) -> Retries:
    """As many attempts, or fewer, that leave the share `cautious` of first refusals where `first` was measured."""
    attempts = max(1.0, attempts * first / cautious)
    return Retries(attempts, max(0.0, 1 - cautious * attempts))


def _product(left: Iterable[float], right: Iterable[float]) -> float:
    return fsum(first * second for first, second in zip(left, right))


def _deviations(flows: Mapping[int, Flows]) -> List[Tuple[float, ...]]:
    """Accepted in a minute and in the one before, failed in the one before and in this, each less its trend."""
    found: List[Tuple[float, ...]] = []
    for chunk in _chunks(flows):
        rows = [(flows[minute].accepted or 0.0, flows[minute - 1].accepted or 0.0, flows[minute - 1].failed,
                 flows[minute].failed) for minute in chunk]
        found.extend(zip(*map(_detrended, zip(*rows))))
    return found


def _detrended(values: Sequence[float]) -> List[float]:
    """`values` less the straight line through them."""
    count = len(values)
    mean, middle = fsum(values) / count, (count - 1) / 2
    slope = fsum(value * (at - middle) for at, value in enumerate(values)) * 12 / (count * (count * count - 1))
    return [value - mean - slope * (at - middle) for at, value in enumerate(values)]


def _chunks(flows: Mapping[int, Flows]) -> Iterator[List[int]]:
    """Minutes in a row in which connections failed, as in the minute before each of them."""
    chunk: List[int] = []
    for minute in sorted(minute for minute, flow in flows.items() if flow.failed > 0 and flow.accepted is not None):
        if chunk and (minute != chunk[-1] + 1 or len(chunk) == CHUNK_MINUTES):
            if len(chunk) >= LEAST_MINUTES:
                yield chunk
            chunk = []
        if minute - 1 in flows and flows[minute - 1].failed > 0 and flows[minute - 1].accepted is not None:
            chunk.append(minute)
    if len(chunk) >= LEAST_MINUTES:
        yield chunk
