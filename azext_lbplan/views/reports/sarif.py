# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""SARIF 2.1.0, which code scanning reads: findings as results, the registry as rules, skipped rules as notifications.

Nothing in it tells of the time of the run: the same input gives the same bytes.
Source: OASIS, Static Analysis Results Interchange Format 2.1.0, and its JSON schema.
"""

import json
import posixpath
from typing import Any, Dict, List, Sequence
from urllib.parse import quote

from ...model.finding import ERROR, WARNING
from ...rules.baseline import KNOWN, NEW, WORSE
from ..answer import Answer
from ..findings import Result
from .entries import Entry, entries, fingerprints, mended, rules_of

_SCHEMA = 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json'

#: What SARIF calls a severity.
_LEVELS = {ERROR: 'error', WARNING: 'warning'}

#: What SARIF calls what became of a finding.
_STATES = {NEW: 'new', WORSE: 'updated', KNOWN: 'unchanged'}

#: The name and the version of the fingerprint.
_FINGERPRINT = 'lbplan/v1'


def render(answers: Sequence[Answer]) -> str:
    """The log, with one run."""
    command = answers[0].command
    rules = rules_of(command)
    found = [entry for answer in answers for entry in entries(answer)]
    # A rule that failed is a finding with its code, so every code is one of the registry.
    positions = {code: number for number, code in enumerate(rules)}
    results = [_result(entry, positions[entry.code], fingerprint)
               for entry, fingerprint in zip(found, fingerprints(command, found))]
    log = {'$schema': _SCHEMA, 'version': '2.1.0', 'runs': [{
        'tool': {'driver': {'name': 'lbplan', 'fullName': f'lbplan: az aks lb {command}',
                            'rules': [_rule(rule) for rule in rules.values()]}},
        'invocations': [{'executionSuccessful': True, 'toolExecutionNotifications': [
            notification for answer in answers for notification in _notifications(answer, positions)]}],
        'columnKind': 'unicodeCodePoints', 'results': results}]}
    return json.dumps(log, indent=1, ensure_ascii=False) + '\n'


def _rule(rule: Result) -> Dict[str, Any]:
    """A rule of the registry."""
    described = {
        'id': rule['code'], 'name': rule['code'], 'shortDescription': {'text': rule['title']},
        'fullDescription': {'text': rule['why']}, 'help': {'text': f"{rule['why']} Source: {rule['source']}"},
        'helpUri': rule['link'], 'defaultConfiguration': {'level': _level(rule['severity'])}}
    return {key: value for key, value in described.items() if value is not None}


def _level(severity: str) -> str:
    return _LEVELS.get(severity, 'note')


def _result(entry: Entry, rule: int, fingerprint: str) -> Dict[str, Any]:
    """A finding."""
    found = entry.finding
    state = {'baselineState': _STATES[entry.state]} if entry.state else {}
    return {'ruleId': entry.code, 'ruleIndex': rule, 'level': _level(entry.severity),
            'message': {'text': f'{entry.subject}: {entry.text}'}, 'locations': [_location(entry)],
            'partialFingerprints': {_FINGERPRINT: fingerprint}, **state,
            'properties': {'target': found['target'], 'evidence': found['evidence'], 'command': found['command']}}


def _location(entry: Entry) -> Dict[str, Any]:
    """Where it is: in a file as far as it has one, and by its name."""
    location: Dict[str, Any] = {'logicalLocations': [
        {'name': entry.subject, 'fullyQualifiedName': entry.resource or entry.subject, 'kind': 'resource'}]}
    if entry.file is not None:
        # Code scanning of GitHub takes no place without a line: the first stands for the file.
        location['physicalLocation'] = {'artifactLocation': {'uri': uri_of(entry.file)},
                                        'region': {'startLine': entry.line or 1}}
    return location


def uri_of(path: str) -> str:
    """A path as it was typed, as a reference: relative where it is."""
    written = posixpath.normpath(path.replace('\\', '/'))
    if written[1:3] == ':/' and written[:1].isalpha():
        return f'file:///{written[:2]}{quote(written[2:])}'
    return f"file:///{quote(written.lstrip('/'))}" if written.startswith('/') else quote(written)


def _notifications(answer: Answer, positions: Dict[str, int]) -> List[Dict[str, Any]]:
    """The rules that were not applied, never to be read as passed; and what was mended, which readers that know no
    baseline would take for what is wrong if it were a result."""
    skipped = answer.result.get('skipped', ()) if isinstance(answer.result, dict) else ()
    told = [(rule['code'], f"{rule['code']} was not applied. {rule['reason']}") for rule in skipped]
    told += [(entry.code, f'Mended since the baseline: {entry.code} on {entry.subject}.') for entry in mended(answer)]
    return [{'level': 'note', 'message': {'text': text}, 'associatedRule': {
        'id': code, **({'index': positions[code]} if code in positions else {})}} for code, text in told]
