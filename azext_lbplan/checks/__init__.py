# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The catalogue of findings: one small function per rule, grouped by subject."""

from typing import Tuple

from ..model.finding import Finding, worst_first
from ..model.outbound import Case
from . import capacity, changes, state
from .rule import PLAN, STANDARD_LOAD_BALANCER, Rule

#: Every rule, in the order in which findings of one severity are shown.
RULES: Tuple[Rule, ...] = state.RULES + capacity.RULES + changes.RULES


def plan_findings(case: Case) -> Tuple[Finding, ...]:
    """What `plan` and `recommend` say beside their numbers, the worst first."""
    rules = [rule for rule in RULES if PLAN in rule.commands and _applies(rule, case)]
    return worst_first(finding for rule in rules for finding in findings_of(rule, case))


def _applies(rule, case):
    return case.applicable or STANDARD_LOAD_BALANCER not in rule.needs


def findings_of(rule: Rule, case: Case) -> Tuple[Finding, ...]:
    """What `rule` finds in `case`."""
    return tuple(Finding(rule.code, hit.severity or rule.severity, hit.message, hit.target, hit.evidence,
                         hit.remediation, hit.command, hit.link) for hit in rule.apply(case) or ())
