# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What the decision's line, or its fragment of code, mends: findings that are gone or milder on what is proposed. They
carry the line and say so; all others say what happens unless something is done."""

from typing import Dict, Iterable, Mapping, Optional, Tuple

from ...decision import Decision, NoCommand, Reason
from ...decision.steps import shortened
from ...facts.clusters import MANAGED
from ...model.finding import SEVERITIES, Finding
from ..engine import CONFIGURATION, Report, Rule, run
from .subject import AtColumn

#: What a message says instead of announcing a consequence that does not come.
MENDED = 'The printed line mends that.'
MENDED_IN_CODE = 'The printed fragment of code mends that.'

#: What tells two findings of one rule apart: what they point at, and which resource.
_Key = Tuple[str, Optional[str], object]


def mend(decision: Decision, rules: Iterable[Rule[AtColumn]], report: Report) -> Report:
    """`report` with each finding in its final words, and with the line on those that it mends."""
    again = _judged_again(decision, rules, report)
    return report._replace(findings=tuple(
        _with_line(decision, finding) if _is_mended(decision, finding, again) else _announced(finding)
        for finding in report.findings))


def _judged_again(decision: Decision, rules: Iterable[Rule[AtColumn]],
                  report: Report) -> Optional[Mapping[_Key, Finding]]:
    """What the rules that found something find at what is proposed; None where there is no line."""
    if decision.proposed is None or decision.command is None and decision.reason is not Reason.MANAGED_BY_CODE:
        return None
    codes = {finding.code for finding in report.findings}
    concerned = [rule for rule in rules if rule.about == CONFIGURATION and rule.code in codes]
    after: Dict[_Key, Finding] = {
        _key(finding): finding for finding in run(concerned, AtColumn(decision, decision.proposed)).findings}
    # A rule about something else is never found again, and never counts as mended by that.
    unchanged = codes - {rule.code for rule in concerned}
    after.update({_key(finding): finding for finding in report.findings if finding.code in unchanged})
    return after


def _key(finding: Finding) -> _Key:
    return finding.code, finding.target, finding.evidence.get('id')


def _is_mended(decision: Decision, finding: Finding, again: Optional[Mapping[_Key, Finding]]) -> bool:
    """By the line; what was observed says itself that an update reconciles it."""
    if again is None:
        return False
    after = again.get(_key(finding))
    milder = after is None or SEVERITIES.index(after.severity) > SEVERITIES.index(finding.severity)
    return milder or (finding.command is not None and finding.command == decision.command)


def _announced(finding: Finding) -> Finding:
    if finding.consequence is None:
        return finding
    return finding._replace(message=f'{finding.message} {finding.consequence}')


def _with_line(decision: Decision, finding: Finding) -> Finding:
    observed = finding.command is not None
    advice = f'{finding.remediation} ' if observed and finding.remediation else ''
    mended = MENDED_IN_CODE if decision.reason is Reason.MANAGED_BY_CODE else MENDED
    return finding._replace(message=f'{finding.message} {mended}', command=decision.command,
                            remediation=f'{advice}{_what_to_set(decision)}')


def _what_to_set(decision: Decision) -> str:
    made = (f" New public IPs are made first: {', '.join(address.id.name for address in decision.new_addresses)}."
            if decision.new_addresses else '')
    outcome = decision.outcome
    if isinstance(outcome, NoCommand):
        return f'Set in the code what these options stand for: {shortened(outcome.options)}.{_egress(decision)}'
    return f'Set {shortened(decision.flags)}.{made}{_egress(decision)}'


def _egress(decision: Decision) -> str:
    """New egress IPs are refused where only the old ones are allowed (AZURE-FACTS section 1)."""
    current, proposed = decision.current, decision.proposed
    if current is None or current.settings is None or proposed is None or proposed.settings is None or \
            current.settings.ips == proposed.settings.ips:
        return ''
    when = ('their addresses are known only afterwards' if proposed.settings.ip_source == MANAGED else
            'allow the new ones first')
    return f' The egress IPs change: where firewalls or partners allow-list them, {when}.'
