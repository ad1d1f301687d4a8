# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Applying rules to a case: what each found, and which could not be applied and why. No rule ends the run."""

from dataclasses import dataclass
from typing import Iterable, Optional, Tuple

from ...model.cluster import LOAD_BALANCER as LOAD_BALANCER_TYPE
from ...model.finding import ERROR, WARNING, Finding, count_by_severity, worst_first
from ...model.observed import load_balancer_id
from ...model.outbound import Case
from ...model.values import id_segments
from .rule import IP_COUNT, LOAD_BALANCER, METRICS, OUTBOUND_IPS, STANDARD_LOAD_BALANCER, Rule

#: Statuses of `check` beside the severities (design section 2).
OK = 'ok'
NOT_APPLICABLE = 'notApplicable'

_FROM_FILE = "The file does not hold it: take a snapshot with '--save-to', or name the cluster."


@dataclass(frozen=True)
class Skipped:
    """A rule that was not applied, or not to everything, and why; `failed` when it broke. Never read it as passed."""

    code: str
    reason: str
    failed: bool = False


@dataclass(frozen=True)
class Report:
    """What rules say of one cluster, the worst first."""

    findings: Tuple[Finding, ...]
    skipped: Tuple[Skipped, ...]
    applicable: bool

    @property
    def summary(self):
        """How many findings there are of each severity."""
        return count_by_severity(self.findings)

    @property
    def status(self):
        """The worst of the findings; without errors and warnings whether the rules apply to such a cluster at all."""
        counts = self.summary
        if counts[ERROR]:
            return ERROR
        if counts[WARNING]:
            return WARNING
        return OK if self.applicable else NOT_APPLICABLE


def run(rules: Iterable[Rule], case: Case) -> Report:
    """Apply each of `rules`; one that raises, or lacks what it needs, is reported as skipped."""
    findings, skipped = [], []
    for rule in rules:
        reason = _missing(rule, case, _BLOCKING)
        if reason is not None:
            skipped.append(Skipped(rule.code, reason))
            continue
        found, failure = _try(rule, case)
        findings += found
        # A rule that has seen only a part may have missed something: what it found counts, its silence does not.
        reason = failure or _missing(rule, case, _PARTIAL)
        if reason is not None:
            skipped.append(Skipped(rule.code, reason, failed=failure is not None))
    return Report(worst_first(findings), tuple(skipped), case.applicable)


def _try(rule, case):
    """(what the rule found, None), or (nothing, how it failed)."""
    try:
        return findings_of(rule, case), None
    except Exception as error:  # pylint: disable=broad-except  # whatever it is: the other rules still have a say
        return (), f'The rule failed ({type(error).__name__}: {error}). Please report this.'


def findings_of(rule: Rule, case: Case) -> Tuple[Finding, ...]:
    """What `rule` finds in `case`."""
    return tuple(Finding(rule.code, hit.severity or rule.severity, hit.message, hit.target, hit.evidence,
                         hit.remediation, hit.command, hit.link) for hit in rule.apply(case) or ())


def _missing(rule, case, needs) -> Optional[str]:
    """Why something that `rule` needs is not there; None where all of it is."""
    reasons = (why(case) for need, why in needs.items() if need in rule.needs)
    return next(filter(None, reasons), None)


def _why_other_egress(case):
    cluster = case.cluster
    if case.applicable:
        return None
    if cluster.outbound_type != LOAD_BALANCER_TYPE:
        return f'The outbound type is {cluster.outbound_type}, not {LOAD_BALANCER_TYPE}.'
    return f'The load balancer is {cluster.load_balancer_sku}, not Standard.'


def _why_no_load_balancer(case):
    if case.observed.load_balancer is not None:
        return None
    error = case.observed.error_of(load_balancer_id(case.cluster)) if case.cluster else None
    if error is None:
        return f'The load balancer was not read. {_FROM_FILE}'
    if error.status == 403:
        return ('The load balancer could not be read: Microsoft.Network/loadBalancers/read is missing on resource '
                f'group {case.cluster.node_resource_group}.')
    return f'The load balancer could not be read ({error.code}).'


def _why_no_outbound_ips(case):
    """Own IPs that were not read. One that does not exist (404) is known well enough."""
    settings = case.requested.settings if case.requested else None
    own = settings.outbound_ips + settings.outbound_ip_prefixes if settings else ()
    unread = [one for one in own if not case.observed.public_ip(one) and not case.observed.prefix(one)]
    errors = [error for error in map(case.observed.error_of, unread) if error is not None]
    if any(error.status == 403 for error in errors):
        kinds = sorted({_kind(error.resource_id) for error in errors if error.status == 403})
        return (f'{len(unread)} of {len(own)} own outbound IPs could not be read: ' +
                ' and '.join(f'Microsoft.Network/{kind}/read' for kind in kinds) + ' is missing on them.')
    if any(error.status != 404 for error in errors):
        return f'{len(unread)} of {len(own)} own outbound IPs could not be read ({errors[0].code}).'
    if len(errors) < len(unread):
        return f'{len(unread)} of {len(own)} own outbound IPs were not read. {_FROM_FILE}'
    return None


def _why_no_ip_count(case):
    """The length of a prefix that was not read; without a cluster nothing counts yet."""
    if case.current is None or case.current.settings.outbound_ip_count is not None:
        return None
    return _why_no_outbound_ips(case) or 'How many outbound IPs there are is not known.'


def _kind(resource_id):
    return 'publicIPPrefixes' if 'publicipprefixes' in id_segments(resource_id) else 'publicIPAddresses'


def _why_no_metrics(case):
    evidence = case.demand.evidence if case.demand else None
    if evidence is None:
        return 'No metrics were read.'
    return _sentence(evidence.reason) if evidence.peak_ports_per_node is None else None


def _why_few_metrics(case):
    """Too little was measured for silence to mean something."""
    evidence = case.demand.evidence
    return f'Not enough metrics: {evidence.reason}.' if evidence.reason else None


def _sentence(reason):
    return f'{reason[:1].upper()}{reason[1:]}.'


#: What keeps a rule from running, in the order of the better reason; and what leaves it with a part of the picture.
_BLOCKING = {STANDARD_LOAD_BALANCER: _why_other_egress, LOAD_BALANCER: _why_no_load_balancer,
             IP_COUNT: _why_no_ip_count, METRICS: _why_no_metrics}
_PARTIAL = {OUTBOUND_IPS: _why_no_outbound_ips, METRICS: _why_few_metrics}
