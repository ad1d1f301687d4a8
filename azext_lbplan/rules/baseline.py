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

#: The same trouble as it grows, each stage found by a rule of its own.
_GROWING = ('PortsOvercommittedWithSurge', 'PortsOvercommittedAtMaximum', 'PortsOvercommittedNow')


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
    states = []
    for place in now:
        known = left.get(_key(place))
        states.append(_state(place.finding, known.pop(0).finding) if known else NEW)
    return Comparison(tuple(states), tuple(place for places in left.values() for place in places
                                           if is_looked_at(place)))


def _key(place: Place) -> Any:
    finding = place.finding
    code = _GROWING[0] if finding.code in _GROWING else finding.code
    return place.where, code, finding.target, str(finding.evidence.get('id'))


def _state(now: Finding, before: Finding) -> str:
    rank, was = _rank(now), _rank(before)
    if rank != was:
        return WORSE if rank > was else KNOWN
    missing, missed = _missing(now), _missing(before)
    return WORSE if missing is not None and missed is not None and missing > missed else KNOWN


def _rank(finding: Finding) -> Tuple[int, int]:
    """How bad it is, the worse the higher: by its severity, then by its stage."""
    stage = _GROWING.index(finding.code) if finding.code in _GROWING else 0
    return -SEVERITIES.index(finding.severity), stage


def _missing(finding: Finding) -> Optional[float]:
    """How much is missing; None where that is not what it is about."""
    for needed, there in _NEEDED:
        need, have = finding.evidence.get(needed), finding.evidence.get(there)
        if isinstance(need, (int, float)) and isinstance(have, (int, float)):
            return need - have
    return None
