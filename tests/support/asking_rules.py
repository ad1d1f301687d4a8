"""What is decided of a snapshot, and what `check` says of it."""
from azext_lbplan.decision import decide
from azext_lbplan.decision.decide import decide_with
from azext_lbplan.model.observed import parse_observed
from azext_lbplan.options import Options
from azext_lbplan.rules.cluster import check


def decision_of(snapshot, demand=None):
    """The decision of `az aks lb check`; `demand` stands in for metrics."""
    observed, options = parse_observed(snapshot), Options(measure=True)
    return decide(observed, options) if demand is None else decide_with(observed, options, demand)


def ask(snapshot, demand=None, **selection):
    """The report on a snapshot; no rule may fail on it."""
    report = check(decision_of(snapshot, demand), **selection)
    assert [one for one in report.skipped if one.failed] == []
    return report


def codes(report, *severities):
    """The codes of the findings, of some severities."""
    return [one.code for one in report.findings if not severities or one.severity in severities]
