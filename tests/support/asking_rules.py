"""What `check` says of a snapshot."""
from dataclasses import replace

from azext_lbplan.rules.cluster import check
from azext_lbplan.demand.observed import measure_observed
from azext_lbplan.model.observed import parse_observed
from azext_lbplan.model.outbound import Scale, Wanted
from azext_lbplan.decision.sizing import plan


def case_of(snapshot, demand=None):
    """The case of `az aks lb check`; `demand` stands in for metrics."""
    observed = parse_observed(snapshot)
    return replace(plan(observed, Scale(), Wanted()), demand=demand or measure_observed(observed))


def ask(snapshot, demand=None, **selection):
    """The report on a snapshot; no rule may fail on it."""
    report = check(case_of(snapshot, demand), **selection)
    assert [one for one in report.skipped if one.failed] == []
    return report


def codes(report, *severities):
    """The codes of the findings, of some severities."""
    return [one.code for one in report.findings if not severities or one.severity in severities]
