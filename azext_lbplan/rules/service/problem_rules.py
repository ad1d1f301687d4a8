# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Rules on what keeps a file, a document or a Service from being checked."""

from typing import Iterator, Optional

from ...facts.links import HELM_TEMPLATE, KUBERNETES_OBJECTS
from ...inputs.manifests import (ALIAS_BOMB, NO_MANIFESTS, NOT_PARSED, NOT_READABLE, NOT_TEXT, TEMPLATE, TOO_LARGE,
                                 Problem)
from ...model.finding import ERROR, WARNING, Finding
from ..engine import Rule


def _rule(code: str, severity: str, title: str, why: str, remediation: Optional[str] = None, *,
          source: str = KUBERNETES_OBJECTS) -> Rule[Problem]:
    """The rule on the problems of one code. They were found by what reads; the rule says what they mean."""
    def judge(rule: Rule[Problem], problem: Problem) -> Iterator[Finding]:
        if problem.code != code:
            return
        # What the file system says is no matter of any page.
        link = rule.source if problem.remediation is None else None
        yield rule.finding(problem.message, evidence={'line': problem.line},
                           remediation=problem.remediation or remediation, link=link)
    return Rule(code, severity, title, why, source, judge)


RULES = (
    _rule(NOT_READABLE, ERROR, 'A path that is missing, not permitted, or no regular file.', 'It was not checked.'),
    _rule(NO_MANIFESTS, ERROR, 'No manifest: a folder without *.yaml, *.yml or *.json, or nothing in what was read.',
          'Nothing was checked.'),
    _rule(TOO_LARGE, ERROR, 'A file that is too large, holds too many values, or nests too deeply.',
          'It was not checked: memory is bounded.', 'Split it, for example by namespace.'),
    _rule(NOT_TEXT, ERROR, 'A file that is no text.', 'It was not checked.', 'Name files with manifests only.'),
    _rule(NOT_PARSED, ERROR, 'A document that is neither YAML nor JSON.', 'Kubernetes refuses it.',
          'Correct the line; kubectl would not take the file either.'),
    _rule(ALIAS_BOMB, ERROR, 'A document that grows without bound through its aliases.', 'Kubernetes refuses it.',
          'Write the values out.'),
    _rule(TEMPLATE, WARNING, 'A template that was not rendered, or placeholders such as ${NAME} and <name>.',
          'It is no manifest yet, and was not checked.',
          'Render it first, for example: helm template CHART | az aks lb check-service -f -', source=HELM_TEMPLATE),
)
