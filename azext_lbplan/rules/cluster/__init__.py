# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The catalogue of rules on clusters, grouped by subject, and how a decision is judged by them.

`check` gives all of them, `plan` and `recommend` those that concern a change. A rule judges one column of a decision:
what the user asked about. Asked again at what is proposed, a finding that is gone or milder there is one that the
decision's line mends; exactly those carry it.
"""

from typing import Collection, Iterable, Optional, Tuple

from ...decision import Decision
from ...model.finding import Finding
from ..engine import Lead, Report, Rule, run
from . import (alerting, api_server, automatic, capacity, changes, code, drift, egress, limits, measured, node_pools,
               obstacles, outbound_ips, outbound_types, own_addresses, quota, state, timeouts)
from .mending import mend
from .subject import CHECK, PLAN, AtColumn

#: Every rule, in the order in which findings of one severity are shown.
RULES: Tuple[Rule[AtColumn], ...] = tuple(
    rule for rules in (egress.RULES, own_addresses.RULES, state.RULES, measured.RULES, obstacles.RULES, capacity.RULES,
                       outbound_ips.RULES, drift.RULES, automatic.RULES, timeouts.RULES, limits.RULES, node_pools.RULES,
                       outbound_types.RULES, quota.RULES, changes.RULES, api_server.RULES, code.RULES, alerting.RULES,
                       outbound_types.MOVES)
    for rule in rules)

_OF_CHECK: Tuple[Rule[AtColumn], ...] = tuple(rule for rule in RULES if CHECK in rule.commands)

_LEAD: Lead[AtColumn] = Lead(rule for rule in _OF_CHECK if rule.code != outbound_types.MOVES_CODE)

#: The codes that `--rules` and `--skip-rules` of `check` know.
CHECK_CODES: Tuple[str, ...] = tuple(rule.code for rule in _OF_CHECK)


def check(decision: Decision, only: Optional[Collection[str]] = None, without: Collection[str] = ()) -> Report:
    """What `check` says of a cluster: all its rules, or `only` those of some codes, `without` those of others."""
    return mend(decision, RULES, run(_selected(only, without), AtColumn(decision, decision.asked)))


def lead(decision: Decision) -> Optional[Finding]:
    """What leads the findings of `check`, for a row of a fleet: the moves that there are never do."""
    return _LEAD.of(AtColumn(decision, decision.asked))


def planned(decision: Decision) -> Report:
    """What `plan` and `recommend` say of a cluster."""
    return mend(decision, RULES, run((rule for rule in RULES if PLAN in rule.commands),
                                     AtColumn(decision, decision.asked)))


def findings(decision: Decision) -> Tuple[Finding, ...]:
    """The same as findings. `plan` and `recommend` list no skipped rules: what they could not read is a finding of its
    own; a rule that failed becomes one."""
    return planned(decision).said()


def codes_of(only: Optional[Collection[str]], without: Collection[str]) -> Tuple[str, ...]:
    """The codes of the rules that `check` applies then."""
    return tuple(rule.code for rule in _selected(only, without))


def _selected(only: Optional[Collection[str]], without: Collection[str]) -> Iterable[Rule[AtColumn]]:
    return (rule for rule in RULES if CHECK in rule.commands and rule.code not in without and
            (only is None or rule.code in only))
