# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""One kind of rule, and the one engine that applies them, to clusters and to Services alike.

A rule is data and a function. The data is what catalogues, help, completion and documentation show; the function
looks at one subject and yields `rule.finding(...)` for each place where the rule does not hold.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import islice, repeat
from operator import itemgetter
from types import MappingProxyType
from typing import Any, Callable, Dict, Generic, Iterable, List, Mapping, NamedTuple, Optional, Tuple, TypeVar

from ..model.finding import SEVERITIES, WARNING, Finding, worst_first
from ..model.values import printable

#: What a rule is applied to: a column of a decision, or a Service in its cluster.
S = TypeVar('S')

#: Something that a rule cannot do without: why it is not there, in words, or None where it is.
Need = Callable[[S], Optional[str]]

#: Whether a rule can have anything to say of a subject at all; where it cannot, it passes without being asked.
Concern = Callable[[S], bool]

Judge = Callable[['Rule[S]', S], Iterable[Finding]]

#: What a rule speaks about. A configuration can be judged again where it is proposed; what the line changes, and what
#: was observed (drift, failed connections, a state), cannot.
CONFIGURATION = 'configuration'
CHANGE = 'change'
OBSERVATION = 'observation'


@dataclass(frozen=True)
class Rule(Generic[S]):  # pylint: disable=too-many-instance-attributes  # a record
    """A rule of a catalogue.

    `severity` is its usual one; a finding may be milder, and not worse but for a rule that tells by `up_to` how bad it
    can be. `title` says what is found, `why` why it matters, `source` where that comes from.
    `commands` are those that give it. Without what it `needs` a rule is skipped, never passed; without what it
    `needs_in_part` its findings count and its silence does not. `concerns` spares the many rules on what few subjects
    have (annotations, own IPs) the asking.
    """

    code: str
    severity: str
    title: str
    why: str
    source: str
    judge: Judge[S]
    about: str = CONFIGURATION
    commands: Tuple[str, ...] = ()
    needs: Tuple[Need[S], ...] = ()
    needs_in_part: Tuple[Need[S], ...] = ()
    concerns: Optional[Concern[S]] = None
    link: Optional[str] = None
    up_to: Optional[str] = None

    @property
    def worst(self) -> str:
        """The worst severity that a finding of it can have."""
        return self.up_to or self.severity

    def finding(self, message: str, *, target: Optional[str] = None, severity: Optional[str] = None,
                consequence: Optional[str] = None, evidence: Mapping[str, Any] = MappingProxyType({}),
                remediation: Optional[str] = None, command: Optional[str] = None,
                link: Optional[str] = None) -> Finding:
        """What the rule has found. `severity` and `link` are the rule's unless given."""
        return Finding(self.code, severity or self.severity, message, target, evidence, remediation, command,
                       link or self.link, consequence)


class Rulebook(List[Rule[S]]):
    """The rules of one subject, in the order in which they are written. `shared` holds what is the same for all."""

    def __init__(self, **shared: Any):
        super().__init__()
        self._shared = shared

    def rule(self, code: str, severity: str, *, title: str, why: str, source: str,
             **more: Any) -> Callable[[Judge[S]], Judge[S]]:
        """Add the decorated function as a rule; `more` are further fields of Rule."""
        def add(judge: Judge[S]) -> Judge[S]:
            self.append(Rule(code, severity, title, why, source, judge, **{**self._shared, **more}))
            return judge
        return add


class Skipped(NamedTuple):
    """A rule that was not applied, or not to everything, and why; `failed` when it broke. Never read it as passed."""

    code: str
    reason: str
    failed: bool = False


class Report(NamedTuple):
    """What rules say of one subject, the worst first."""

    findings: Tuple[Finding, ...]
    skipped: Tuple[Skipped, ...]

    def said(self) -> Tuple[Finding, ...]:
        """The findings of a result that lists no skipped rules: a rule that failed is a warning there, never silent."""
        failed = [Finding(rule.code, WARNING, rule.reason) for rule in self.skipped if rule.failed]
        return worst_first([*self.findings, *failed]) if failed else self.findings


class Batch(NamedTuple):
    """Rules that need the same and concern the same subjects: all are asked, or none. Each has its place among all."""

    needs: Tuple[Need[Any], ...]
    needs_in_part: Tuple[Need[Any], ...]
    concerns: Optional[Concern[Any]]
    rules: Tuple[Tuple[int, Rule[Any]], ...]


def batches(rules: Iterable[Rule[S]]) -> Tuple[Batch, ...]:
    """Rules as `run_batches` wants them: made once, where many subjects are judged."""
    alike: Dict[Any, List[Tuple[int, Rule[Any]]]] = {}
    for place, rule in enumerate(rules):
        alike.setdefault((rule.needs, rule.needs_in_part, rule.concerns), []).append((place, rule))
    return tuple(Batch(needs, needs_in_part, concerns, tuple(several))
                 for (needs, needs_in_part, concerns), several in alike.items())


def run(rules: Iterable[Rule[S]], subject: S, most: Optional[int] = None) -> Report:
    """Apply each of `rules`; one that raises, or lacks what it needs, is reported as skipped and never ends the run.

    No rule says more than `most` findings, where that is given, and none goes on after that.
    """
    return run_batches(batches(rules), subject, most)


def run_batches(rules: Iterable[Batch], subject: Any, most: Optional[int] = None) -> Report:
    """The same, of rules in batches; what they say has the order of the rules."""
    findings: List[Tuple[int, Finding]] = []
    skipped: List[Tuple[int, Skipped]] = []
    known: Dict[Need[Any], Optional[str]] = {}  # many rules have the same needs
    for needs, needs_in_part, concerns, several in rules:
        reason = _missing(needs, subject, known) if needs else None
        if reason is not None:
            skipped += [(place, Skipped(rule.code, reason)) for place, rule in several]
            continue
        asked = _is_concerned(concerns, subject)
        partly = _missing(needs_in_part, subject, known) if needs_in_part else None
        for place, rule in several if asked or partly is not None else ():
            try:
                judged = iter(rule.judge(rule, subject) if asked else ())
                first = next(judged, None)  # most rules have nothing to say of most subjects
                if first is not None:
                    findings += zip(repeat(place), (first, *islice(judged, most and most - 1)))  # all or nothing
            except Exception as error:  # pylint: disable=broad-except  # whatever it is: the others still have a say
                told = printable(f'{type(error).__name__}: {error}')  # it may quote what was read
                failed = Skipped(rule.code, f'The rule failed ({told}). Please report this.', failed=True)
                skipped.append((place, failed))
                continue
            if partly is not None:
                skipped.append((place, Skipped(rule.code, partly)))
    return _in_order(findings, skipped)


#: What most Services are told.
_SILENT = Report((), ())


def _in_order(findings: List[Tuple[int, Finding]], skipped: List[Tuple[int, Skipped]]) -> Report:
    """What rules say, each with the place of its rule, in the order of the rules."""
    if not findings and not skipped:
        return _SILENT
    by_place = itemgetter(0)
    return Report(worst_first(finding for _, finding in sorted(findings, key=by_place)),
                  tuple(rule for _, rule in sorted(skipped, key=by_place)))


class Lead(Generic[S]):  # pylint: disable=too-few-public-methods  # rules made ready for one question
    """What leads the report of some rules, for those who read no further: rules that can find nothing as bad are not
    asked, and what several rules need or concern is looked at once for all of them. A rule that raises says nothing.
    """

    def __init__(self, rules: Iterable[Rule[S]]):
        self._alike: Dict[str, _Alike[S]] = {severity: {} for severity in SEVERITIES}
        for place, rule in enumerate(rules):
            self._alike[rule.worst].setdefault((rule.needs, rule.concerns), []).append((place, rule))

    def of(self, subject: S) -> Optional[Finding]:
        """The first of the findings that `run` would put first; None where nothing is found."""
        known: Dict[Need[S], Optional[str]] = {}
        found: List[Tuple[int, Finding]] = []
        for severity, alike in self._alike.items():
            for (needs, concerns), rules in alike.items():
                if _missing(needs, subject, known) is None and _is_concerned(concerns, subject):
                    found += _judged(rules, subject)
            worst = [(place, finding) for place, finding in found if finding.severity == severity]
            if worst:
                return min(worst, key=lambda one: one[0])[1]
        return None


#: Rules with the same needs and concerns, each with its place among all.
_Alike = Dict[Tuple[Tuple[Need[S], ...], Optional[Concern[S]]], List[Tuple[int, Rule[S]]]]


def _is_concerned(concern: Optional[Concern[S]], subject: S) -> bool:
    """Whether rules of that concern have to be asked; where it breaks they are, and say what they can."""
    try:
        return concern is None or concern(subject)
    except Exception:  # pylint: disable=broad-except  # whatever it is: its rules still have a say
        return True


def _judged(rules: Iterable[Tuple[int, Rule[S]]], subject: S) -> List[Tuple[int, Finding]]:
    """What the rules find, each finding with the place of its rule."""
    found: List[Tuple[int, Finding]] = []
    for place, rule in rules:
        try:
            findings = list(rule.judge(rule, subject))
        except Exception:  # pylint: disable=broad-except  # whatever it is: the others still have a say
            continue
        if findings:  # most rules have nothing to say of most subjects
            found += [(place, finding) for finding in findings]
    return found


def _missing(needs: Tuple[Need[S], ...], subject: S, known: Dict[Need[S], Optional[str]]) -> Optional[str]:
    """Why the first of `needs` that is not there is missing; None where all are there. `known` are answers so far."""
    for need in needs:
        if need not in known:
            known[need] = need(subject)
        reason = known[need]
        if reason is not None:
            return reason
    return None
