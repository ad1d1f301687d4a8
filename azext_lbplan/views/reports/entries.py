# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What the reports for machines and for pull requests list: findings, each with the place that it is about."""

import hashlib
from typing import Any, Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ...model.finding import ERROR, INFO, SEVERITIES, WARNING
from ...options import STDIN
from ...rules.baseline import KNOWN
from ..answer import Answer
from ..findings import Result
from ..rules import list_rules

#: What a cluster is called that has no name.
NEW_CLUSTER = 'the new cluster'


class Entry(NamedTuple):
    """A finding and what it is about: `subject` for people, `resource` as it is known in Azure, in code or in
    Kubernetes; `file` and `line` where there are any."""

    finding: Result
    subject: str
    resource: str
    file: Optional[str] = None
    line: Optional[int] = None

    @property
    def code(self) -> str:
        """The code of its rule."""
        return str(self.finding['code'])

    @property
    def severity(self) -> str:
        """Its severity."""
        return str(self.finding['severity'])

    @property
    def text(self) -> str:
        """What is found, and what to do."""
        return ' '.join(filter(None, (self.finding['message'], self.finding['remediation'])))

    @property
    def state(self) -> Optional[str]:
        """What became of it since the baseline; None without one."""
        state: Optional[str] = self.finding['baseline']
        return state

    def fails(self, fail_on: Optional[str]) -> bool:
        """Whether it counts where a command fails from a severity on; where it does not, errors count."""
        gate = fail_on if fail_on in SEVERITIES else ERROR
        return self.state != KNOWN and SEVERITIES.index(self.severity) <= SEVERITIES.index(gate)


def entries(answer: Answer) -> List[Entry]:
    """The findings of an answer, in its order."""
    if not isinstance(answer.result, list):
        return [Entry(found, *_of_cluster(answer), *_place(answer, found)) for found in answer.result['findings']]
    return [entry for row in answer.result for entry in (_of_row(row) if 'topFinding' in row else _of_manifest(row))]


def mended(answer: Answer) -> List[Entry]:
    """What the baseline has and the answer has not; empty without one."""
    if isinstance(answer.result, dict):
        return [Entry(found, *_of_cluster(answer)) for found in answer.result['mended'] or ()]
    return [entry for row in answer.result if row.get('mended')
            for entry in _of_manifest({**row, 'findings': row['mended']})]


def subject_of(answer: Answer) -> str:
    """What the answer of one cluster is about."""
    return _of_cluster(answer)[0]


def _of_cluster(answer: Answer) -> Tuple[str, str]:
    cluster, code = answer.result['cluster'] or {}, answer.result['code'] or {}
    name = cluster.get('name') or code.get('address') or NEW_CLUSTER
    return name, code.get('address') or cluster.get('id') or name


def _place(answer: Answer, found: Result) -> Tuple[Optional[str], Optional[int]]:
    origin = answer.decision.observed.origin if answer.decision else None
    if answer.source is None or answer.source in STDIN:
        return None, None
    return answer.source, origin.line_of(found['target']) if origin else None


def _of_row(row: Result) -> Iterator[Entry]:
    """A row of a fleet names its worst finding only."""
    if row['topFinding'] is None:
        return
    rule = rules_of('check').get(row['topFinding'], {})
    name = row['name'] or NEW_CLUSTER
    severity = row['status'] if row['status'] in (ERROR, WARNING) else INFO
    yield Entry({'code': row['topFinding'], 'severity': severity, 'target': None, 'evidence': {},
                 'message': rule.get('title', row['topFinding']), 'remediation': None, 'command': None,
                 'baseline': None}, name,
                '/'.join(filter(None, (row['subscriptionId'], row['resourceGroup'], name))))


def _of_manifest(row: Result) -> Iterator[Entry]:
    name = '/'.join(filter(None, (row['namespace'], row['name'])))
    file = None if row['file'] in STDIN else row['file']
    for found in row['findings']:
        yield Entry(found, name or row['file'] or 'all files', name, file, found['evidence'].get('line'))


def rules_of(command: str) -> Dict[str, Result]:
    """The rules that a command may speak of, by their codes; a fleet has those of `check`."""
    asked = 'check' if command == 'list' else command
    return {rule['code']: rule for rule in list_rules() if asked in rule['commands']}


def fingerprints(command: str, found: Sequence[Entry]) -> List[str]:
    """What tells a finding from others in every run: its rule, its resource and what it points at, and no number that
    was counted. Of equal ones the second has another."""
    seen: Dict[Any, int] = {}
    made = []
    for entry in found:
        file = entry.file if command == 'check-service' else None  # a plan is written to any file
        key = (entry.code, file, entry.resource, entry.finding['target'], entry.finding['evidence'].get('id'))
        seen[key] = seen.get(key, 0) + 1
        made.append(hashlib.sha256(repr((*key, seen[key])).encode('utf-8')).hexdigest())
    return made
