# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The catalogue of findings: one small function per rule, grouped by subject.

`rule` says what a rule is, `runner` applies rules, `fixes` makes the lines that repair, `catalogue` prints them all.
"""

from typing import Collection, Optional, Tuple

from ...model.finding import WARNING, Finding, worst_first
from ...model.outbound import Case
from . import (automatic, capacity, catalogue, changes, drift, limits, measured, outbound_ips, outbound_types, state,
               timeouts)
from .rule import CHECK, PLAN, Rule
from .runner import Report, run

#: Every rule, in the order in which findings of one severity are shown.
RULES: Tuple[Rule, ...] = (
    state.RULES + measured.RULES + capacity.RULES + outbound_ips.RULES + drift.RULES + automatic.RULES +
    timeouts.RULES + limits.RULES + outbound_types.RULES + changes.RULES)

#: The codes that `--rules` and `--skip-rules` of `check` know.
CHECK_CODES: Tuple[str, ...] = tuple(rule.code for rule in RULES if CHECK in rule.commands)


def check(case: Case, only: Optional[Collection[str]] = None, without: Collection[str] = ()) -> Report:
    """What `check` says of a cluster: all its rules, or `only` those of some codes, `without` those of others."""
    return run((rule for rule in RULES if CHECK in rule.commands and rule.code not in without and
                (only is None or rule.code in only)), case)


def plan_findings(case: Case) -> Tuple[Finding, ...]:
    """What `plan` and `recommend` say beside their numbers, the worst first. They list no skipped rules: what they
    could not read is a finding of its own; a rule that failed becomes one."""
    report = run((rule for rule in RULES if PLAN in rule.commands), case)
    failed = tuple(Finding(one.code, WARNING, one.reason) for one in report.skipped if one.failed)
    return worst_first(report.findings + failed)


def rules_table() -> str:
    """All rules as a Markdown table, for the README."""
    return catalogue.markdown(RULES)


def rules_help() -> Tuple[str, ...]:
    """The rules of `check`, a line each, for its help."""
    return catalogue.help_lines(rule for rule in RULES if CHECK in rule.commands)
