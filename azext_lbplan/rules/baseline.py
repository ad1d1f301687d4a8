# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What is new or worse than at an earlier time, and what was mended since.

A finding is found again by its rule, what it points at, and the resource that it names. Numbers may move: what makes it
worse is its severity, or that more is missing.
"""

from typing import Any, Callable, Dict, List, NamedTuple, Optional, Sequence, Tuple

from ..model.finding import SEVERITIES, Finding

#: What became of a finding since.
NEW, WORSE, KNOWN = 'new', 'worse', 'known'

#: What is needed and what there is, as evidence names them: what is missing is their difference.
_NEEDED = (('requiredPorts', 'availablePorts'), ('required', 'maxNodes'), ('portsBefore', 'portsAfter'),
           ('count', 'limit'), ('required', 'limit'), ('needed', 'limit'))


class Place(NamedTuple):
    """A finding, and what it was made about: a Service by its file, namespace and name; empty for a cluster."""

    where: Tuple[Optional[str], ...]
    finding: Finding


class Comparison(NamedTuple):
    """What became of each finding, in their order, and those that are gone."""

    states: Tuple[str, ...]
    mended: Tuple[Place, ...]

    @property
    def counting(self) -> Tuple[int, ...]:
        """The positions of those that are new or worse."""
        return tuple(number for number, state in enumerate(self.states) if state != KNOWN)


def compared(now: Sequence[Place], before: Sequence[Place], is_looked_at: Callable[[Place], bool]) -> Comparison:
    """`now` against `before`; what is not looked at any more is not mended by that."""
    left: Dict[Any, List[Place]] = {}
    for place in before:
        left.setdefault(_key(place), []).append(place)
    same = [_taken(left, _key(place)) for place in now]
    rest: Dict[Any, List[Place]] = {}
    for places in left.values():
        for place in places:
            rest.setdefault(_around(place), []).append(place)
    # The same trouble may be found by another rule as it grows or shrinks: it takes the place of the first.
    states = tuple(_state(place.finding, known.finding) if known else
                   _instead(place, _taken(rest, _around(place)) if place.finding.target else None)
                   for place, known in zip(now, same))
    return Comparison(states, tuple(place for places in rest.values() for place in places if is_looked_at(place)))


def _key(place: Place) -> Any:
    return place.finding.code, *_around(place)


def _around(place: Place) -> Any:
    return place.where, place.finding.target, str(place.finding.evidence.get('id'))


def _taken(places: Dict[Any, List[Place]], key: Any) -> Optional[Place]:
    found = places.get(key)
    return found.pop(0) if found else None


def _state(now: Finding, before: Finding) -> str:
    rank, was = SEVERITIES.index(now.severity), SEVERITIES.index(before.severity)
    if rank != was:
        return WORSE if rank < was else KNOWN
    missing, missed = _missing(now), _missing(before)
    return WORSE if missing is not None and missed is not None and missing > missed else KNOWN


def _instead(now: Place, before: Optional[Place]) -> str:
    if before is None:
        return NEW
    return KNOWN if SEVERITIES.index(now.finding.severity) > SEVERITIES.index(before.finding.severity) else WORSE


def _missing(finding: Finding) -> Optional[float]:
    """How much is missing; None where that is not what it is about."""
    for needed, there in _NEEDED:
        need, have = finding.evidence.get(needed), finding.evidence.get(there)
        if isinstance(need, (int, float)) and isinstance(have, (int, float)):
            return need - have
    return None
