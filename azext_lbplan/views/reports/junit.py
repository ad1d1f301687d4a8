# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""JUnit XML, which pipelines show as tests: a suite for each cluster, file or fleet, and a test for each finding.

What counts for `--fail-on` is a failure, errors where nothing does; other findings are tests that pass, with their
message. Nothing in it tells of time.
Source: the schema that Jenkins reads it by (xunit-plugin, junit-10.xsd).
"""

from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence
from xml.sax.saxutils import escape, quoteattr

from ..answer import Answer
from .entries import Entry, entries, mended, subject_of


class _Case(NamedTuple):
    """A test. `failure` or `skipped` says why it has not passed; `said` is what it says all the same. `kind` is the
    severity of the finding."""

    name: str
    failure: Optional[str] = None
    skipped: Optional[str] = None
    said: Optional[str] = None
    kind: str = ''


def render(answers: Sequence[Answer]) -> str:
    """The report."""
    command = f'az aks lb {answers[0].command}'
    suites = [suite for answer in answers for suite in _suites(answer).items()]
    cases = [case for _, of_suite in suites for case in of_suite]
    head = f'<testsuites name={quoteattr(command)} tests="{len(cases)}" failures="{_failures(cases)}" errors="0">'
    return '\n'.join(['<?xml version="1.0" encoding="UTF-8"?>', head,
                      *(line for name, of_suite in suites for line in _suite(name, of_suite, command)),
                      '</testsuites>', ''])


# From an answer to tests

def _suites(answer: Answer) -> Dict[str, List[_Case]]:
    """The tests by the name of their suite: the cluster, the fleet, or the file of manifests."""
    if isinstance(answer.result, dict):
        verdict = answer.result['verdict']
        said = _Case('verdict', said=' '.join((verdict['answer'], verdict['binds'], verdict['change'])))
        return {subject_of(answer): [said, *_found(answer, ''), *_mended(answer, ''), *_others(answer)]}
    suites: Dict[str, List[_Case]] = {}
    for row in answer.result:
        name = '/'.join(filter(None, (row.get('namespace'), row['name'])))
        alone = answer._replace(result=[row])
        cases = [*_found(alone, name), *_mended(alone, name)]
        suites.setdefault(row.get('file') or 'all', []).extend(cases or [_Case(name or 'all')])
    return suites


def _found(answer: Answer, name: str) -> Iterator[_Case]:
    """A test for each finding on what has that name."""
    for entry in entries(answer):
        case = _Case(': '.join(filter(None, (name, entry.code))), kind=entry.severity)
        told = f"{_where(entry)}{f'{entry.state} since the baseline: ' if entry.state else ''}{entry.text}"
        yield case._replace(failure=told) if entry.fails(answer.fail_on) else case._replace(said=told)


def _mended(answer: Answer, name: str) -> Iterator[_Case]:
    """A test that passes for each finding that is gone."""
    for entry in mended(answer):
        yield _Case(': '.join(filter(None, (name, entry.code))), said='Mended since the baseline.')


def _where(entry: Entry) -> str:
    if entry.file is None:
        return ''
    return f'{entry.file}:{entry.line}: ' if entry.line else f'{entry.file}: '


def _others(answer: Answer) -> Iterator[_Case]:
    """The rules of `check` that were not applied, and those that found nothing."""
    reasons = {rule['code']: rule['reason'] for rule in answer.result.get('skipped', ())}
    found = {finding['code'] for finding in answer.result['findings']}
    for code in answer.rules:
        if code not in found:
            yield _Case(code, skipped=reasons.get(code))


# From tests to XML

def _suite(name: str, cases: Sequence[_Case], command: str) -> Iterator[str]:
    skipped = sum(case.skipped is not None for case in cases)
    yield (f'  <testsuite name={quoteattr(name)} tests="{len(cases)}" failures="{_failures(cases)}" errors="0" '
           f'skipped="{skipped}">')
    for case in cases:
        inner = ''.join(_inner(case))
        head = f'    <testcase classname={quoteattr(command)} name={quoteattr(case.name)}'
        yield f'{head}>{inner}</testcase>' if inner else f'{head}/>'
    yield '  </testsuite>'


def _inner(case: _Case) -> Iterator[str]:
    if case.failure is not None:
        yield f'<failure type={quoteattr(case.kind)} message={quoteattr(case.failure)}/>'
    if case.skipped is not None:
        yield f'<skipped message={quoteattr(case.skipped)}/>'
    if case.said is not None:
        yield f'<system-out>{escape(case.said)}</system-out>'


def _failures(cases: Sequence[_Case]) -> int:
    return sum(case.failure is not None for case in cases)
