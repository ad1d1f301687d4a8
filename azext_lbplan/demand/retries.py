# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""How many failures one refused connection makes: attempts within a minute, and retries in the next one.

A failure count alone cannot tell a hundred connections that were refused from ten that tried ten times. What sets
them apart is how failures answer to one another and to the ports that come free. With `a` failed attempts of one
refused connection, the share `r` of failures that are there again in the next minute, and S accepted connections:

    F(t) + a S(t) = a new(t) + r F(t-1)

While all ports are taken, S is what comes free, which was settled a hold time earlier: it has nothing to do with what
is new now. Each minute is taken as its distance from a straight line through the hour around it, so that the rhythm
of a day does not stand for retries.

Two ways lead to `r`; the first is sharper, and holds only where new connections come one by one.
- Least squares of F(t) + a S(t) on F(t-1). New connections that come in clusters, or swell for some minutes, look like
  retries there. They show in what is left over: its variance over that of a Poisson count is `excess`.
- Instruments, where `excess` is high: S(t) and S(t-1) stand for S(t) and F(t-1), whatever rhythm new connections have.

What chose the numbers below, from tests/bench (160 clusters of the tuning half's workloads with 0 to 0.9 retries and 1
to 5 attempts, bursts aside; from each, six times 30 to 400 minutes of which 0, 5 or 30 % were missing): the measured
share of first refusals over the true one. Below 1, ports are too few; above, IPs too many.

    rule                                            least   1 % below   5 % below   median
    instruments, 1 standard error (before)           0.34        0.71        0.90     1.22
    the same, from 60 minutes on                     0.50        0.74        0.92     1.16
    instruments, 2 standard errors, 60 minutes       0.84        1.00        1.00     1.41
    both ways, 2 standard errors, 60 minutes         0.84        0.98        1.00     1.37

From whole weeks of the same clusters, the estimated demand is 1.00 to 2.05 times the true one, 1.07 in the median.
"""

from math import fsum, sqrt
from typing import Iterable, Iterator, List, Mapping, NamedTuple, Optional, Sequence

from .tables import Flows

#: Minutes are compared with the straight line through at most so many around them, so that the rhythm of a day does
#: not drown them.
CHUNK_MINUTES = 60

#: Fewer minutes together tell nothing: in bursts of 5 to 9 the line took the burst itself away, and estimates fell to
#: 0.54 of the true peak (backtest, 30 seeds).
LEAST_MINUTES = 10

#: So many minutes that were not reported end no chunk.
GAP_MINUTES = 5

#: With fewer minutes in all, every failure counts as a connection (the table above).
LEAST_IN_ALL = 60

#: Standard errors on the safe side: fewer retries, a larger demand.
CAUTION = 2.0

#: Least squares are for new connections that scatter at most so much more than a Poisson count.
MOST_EXCESS = 1.2

#: Attempts count where they are surely at least so many: in between, one is on the safe side.
LEAST_ATTEMPTS = 1.5

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


class Judged(NamedTuple):
    """Retries as they most likely are, and both ends of what they may be: `most` of them make the smallest demand,
    `fewest` the largest. `excess`: the variance of new connections over Poisson's, None where it was not told."""

    likely: Retries
    most: Retries
    fewest: Retries
    excess: Optional[float] = None


UNKNOWN = Judged(NO_RETRIES, Retries(1.0, MOST_AGAIN), NO_RETRIES)


class _Minute(NamedTuple):
    """A minute in which connections failed, as in the one before it: each number less its trend."""

    accepted: float
    accepted_before: float
    failed_before: float
    failed: float


class _Chunk(NamedTuple):
    """Minutes that share a trend, and their accepted and failed connections in all."""

    minutes: List[_Minute]
    accepted: float
    failed: float


class _Sums(NamedTuple):
    """Sums of products over all minutes: S accepted, B accepted before, R failed before, F failed."""

    ss: float
    sb: float
    bb: float
    sr: float
    br: float
    rr: float
    sf: float
    bf: float
    rf: float
    ff: float


def judge_retries(flows: Iterable[Mapping[int, Flows]]) -> Judged:
    """How refused connections behave, from the connections of each node by minute."""
    chunks = [chunk for node in flows for chunk in _chunks(node)]
    minutes = [minute for chunk in chunks for minute in chunk.minutes]
    if len(minutes) < LEAST_IN_ALL:
        return UNKNOWN
    sums = _sums(minutes)
    regular = _by_least_squares(sums, chunks, len(minutes), _attempts(sums, len(minutes), len(chunks)))
    if regular.excess is not None and regular.excess <= MOST_EXCESS:
        return regular
    return _by_instruments(sums, minutes)._replace(excess=regular.excess)


def _sums(minutes: Sequence[_Minute]) -> _Sums:
    accepted, before, failed_before, failed = zip(*minutes)
    return _Sums(_product(accepted, accepted), _product(accepted, before), _product(before, before),
                 _product(accepted, failed_before), _product(before, failed_before),
                 _product(failed_before, failed_before), _product(accepted, failed), _product(before, failed),
                 _product(failed_before, failed), _product(failed, failed))


def _product(left: Iterable[float], right: Iterable[float]) -> float:
    return fsum(first * second for first, second in zip(left, right))


def _attempts(sums: _Sums, count: int, chunks: int) -> float:
    """Attempts by least squares of F on S and on F before, on the safe side; 1 unless they are surely more."""
    divisor = sums.ss * sums.rr - sums.sr * sums.sr
    if divisor <= 0:
        return 1.0
    attempts = (sums.rf * sums.sr - sums.sf * sums.rr) / divisor
    again = (sums.rf * sums.ss - sums.sf * sums.sr) / divisor
    left = max(0.0, sums.ff + attempts * sums.sf - again * sums.rf) / max(1, count - 4 * chunks)
    sure = attempts - CAUTION * sqrt(left * sums.rr / divisor)
    return sure if sure >= LEAST_ATTEMPTS else 1.0


def _by_least_squares(sums: _Sums, chunks: Sequence[_Chunk], count: int, attempts: float) -> Judged:
    """Retries by least squares of F + attempts × S on F before; without `excess` where nothing can be told."""
    if sums.rr <= 0:
        return UNKNOWN
    both = sums.rf + attempts * sums.sr
    slope = both / sums.rr
    squares = sums.ff + 2 * attempts * sums.sf + attempts ** 2 * sums.ss
    left = max(0.0, squares - slope * both) / max(1, count - 3 * len(chunks))
    failed, accepted = fsum(chunk.failed for chunk in chunks), fsum(chunk.accepted for chunk in chunks)
    new = (failed * (1 - slope) + attempts * accepted) / count
    if new <= 0:
        return UNKNOWN
    excess = left / (attempts * new)
    # The straight line takes a part of each minute's own chance with it, which makes the slope too small by up to
    # (1 + slope) / length, and by nothing where ports come free in batches. Half of it is corrected for.
    half = len(chunks) / count / 2
    again, error = (slope + half) / (1 - half), CAUTION * sqrt(left / sums.rr)
    return Judged(_bounded(attempts, again), _bounded(attempts, again + error),
                  _bounded(attempts, again - error - max(0.0, excess - 1)), excess)


def _bounded(attempts: float, again: float) -> Retries:
    return Retries(attempts, min(MOST_AGAIN, max(0.0, again)))


def _by_instruments(sums: _Sums, minutes: Sequence[_Minute]) -> Judged:
    """Both unknowns from two equations: -attempts SS + again SR = SF, and -attempts SB + again BR = BF."""
    divisor = sums.sr * sums.sb - sums.ss * sums.br
    if not divisor:
        return UNKNOWN
    attempts = (sums.sf * sums.br - sums.sr * sums.bf) / divisor
    again = (sums.sf * sums.sb - sums.ss * sums.bf) / divisor
    left = fsum((minute.failed + attempts * minute.accepted - again * minute.failed_before) ** 2 for minute in minutes)
    attempts, again = max(1.0, attempts), min(MOST_AGAIN, max(0.0, again))
    first = (1 - again) / attempts
    # The variances of both unknowns and their covariance, as far as they differ; `first` is a function of the two.
    rest = sums.ss * sums.bb - sums.sb * sums.sb
    variance = sums.ss * rest + 2 * first * sums.sr * rest + first ** 2 * (
        sums.br ** 2 * sums.ss - 2 * sums.br * sums.sr * sums.sb + sums.sr ** 2 * sums.bb)
    scatter = sqrt(left / (len(minutes) - 2) * max(0.0, variance)) / abs(divisor) / attempts
    return Judged(Retries(attempts, again), _sharing(attempts, first, max(first / 10, first - CAUTION * scatter)),
                  _sharing(attempts, first, min(1.0, first + CAUTION * scatter)))


def _sharing(attempts: float, first: float, share: float) -> Retries:
    """As many attempts and retries as leave `share` of first refusals, where `first` was measured."""
    attempts = max(1.0, attempts * first / share)
    return _bounded(attempts, 1 - share * attempts)


def _chunks(flows: Mapping[int, Flows]) -> Iterator[_Chunk]:
    """Minutes in which connections failed, as in the minute before each of them, together for up to an hour."""
    chunk: List[int] = []
    for minute in _failing(flows):
        if chunk and (minute - chunk[0] >= CHUNK_MINUTES or not _goes_on(flows, chunk[-1], minute)):
            yield from _chunk(flows, chunk)
            chunk = []
        chunk.append(minute)
    yield from _chunk(flows, chunk)


def _failing(flows: Mapping[int, Flows]) -> Iterator[int]:
    """The minutes with failures, and with failures in the minute before, of which all is known."""
    failing = {minute for minute, flow in flows.items() if flow.failed > 0 and flow.accepted is not None}
    yield from (minute for minute in sorted(failing) if minute - 1 in failing)


def _goes_on(flows: Mapping[int, Flows], last: int, minute: int) -> bool:
    """Whether connections failed all the time between two minutes, as far as is known."""
    known = [flows[at].failed for at in range(last, minute) if at in flows]
    return minute - last <= GAP_MINUTES + 2 and all(known)


def _chunk(flows: Mapping[int, Flows], minutes: Sequence[int]) -> Iterator[_Chunk]:
    """The chunk of these `minutes`, where they are enough."""
    if len(minutes) < LEAST_MINUTES:
        return
    numbers = [(flows[minute].accepted or 0.0, flows[minute - 1].accepted or 0.0, flows[minute - 1].failed,
                flows[minute].failed) for minute in minutes]
    columns = list(zip(*numbers))
    rows = zip(*(_detrended(minutes, column) for column in columns))
    yield _Chunk([_Minute(*row) for row in rows], fsum(columns[0]), fsum(columns[3]))


def _detrended(minutes: Sequence[int], column: Sequence[float]) -> List[float]:
    """The numbers of a column less the straight line through them."""
    middle, mean = fsum(minutes) / len(minutes), fsum(column) / len(column)
    squares = fsum((minute - middle) ** 2 for minute in minutes)
    slope = fsum((minute - middle) * value for minute, value in zip(minutes, column)) / squares
    return [value - mean - slope * (minute - middle) for minute, value in zip(minutes, column)]
