# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What became of findings since the baseline: in results, and in a line below a table."""

from __future__ import annotations

from typing import TYPE_CHECKING, Dict, Iterable, List, Optional, Sequence, Tuple

from ..inputs.manifests import NO_MANIFESTS
from ..model.finding import WARNING, Finding
from ..rules.baseline import KNOWN, NEW, WORSE, Comparison, Place
from .endings import Hint, Judged
from .findings import Result, finding

if TYPE_CHECKING:  # only what compares Services pays for them
    from ..inputs.earlier import PastService
    from ..rules.service import ManifestCheck


def places_of(findings: Iterable[Finding]) -> List[Place]:
    """Findings on one cluster."""
    return [Place((), found) for found in findings]


def places_in(check: ManifestCheck) -> List[Place]:
    """Findings on Services, by their names in their files."""
    return [Place((row.file, row.namespace, row.name), found) for row in check.results for found in row.findings]


def places_before(rows: Iterable[PastService]) -> List[Place]:
    """The same of an earlier result. That nothing was read is never known: no gate passes by that."""
    return [Place((row.file, row.namespace, row.name), found) for row in rows for found in row.findings
            if found.code != NO_MANIFESTS]


def told(result: Result, since: Optional[Comparison]) -> Result:
    """The result of a cluster with what became of its findings, and with those that are gone."""
    if since is None:
        return result
    return {**result, 'findings': _with_states(result['findings'], since.states),
            'mended': [finding(place.finding) for place in since.mended]}


def told_of_services(rows: List[Result], since: Optional[Comparison]) -> List[Result]:
    """The same of Services; one that is gone has a row for what is mended by that."""
    if since is None:
        return rows
    mended: Dict[Tuple[Optional[str], ...], List[Result]] = {}
    for place in since.mended:
        mended.setdefault(place.where, []).append(finding(place.finding))
    shown, start = [], 0
    for row in rows:
        states = since.states[start:start + len(row['findings'])]
        start += len(states)
        shown.append({**row, 'findings': _with_states(row['findings'], states),
                      'mended': mended.pop((row['file'], row['namespace'], row['name']), [])})
    gone = [{'file': file, 'document': None, 'namespace': namespace, 'name': name, 'findings': [], 'probes': [],
             'mended': found} for (file, namespace, name), found in mended.items()]
    return shown + gone


def _with_states(findings: Sequence[Result], states: Sequence[str]) -> List[Result]:
    return [{**found, 'baseline': state} for found, state in zip(findings, states)]


def counting(judged: Sequence[Judged], since: Optional[Comparison]) -> List[Judged]:
    """What counts for `--fail-on`; `judged` has the order of the findings."""
    return list(judged) if since is None else [judged[number] for number in since.counting]


def hint(since: Optional[Comparison]) -> Tuple[Hint, ...]:
    """What became of all findings, in a line."""
    if since is None:
        return ()
    counts = ', '.join(f'{since.states.count(state)} {state}' for state in (NEW, WORSE, KNOWN))
    codes = ', '.join(dict.fromkeys(place.finding.code for place in since.mended))
    return (Hint(WARNING, f"Since the baseline: {counts}; mended: {codes or 'none'}."),)
