# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Metric alert rules that exist, as far as they look at the load balancer of a cluster."""

from typing import NamedTuple, Optional, Tuple

from ..facts.ids import ArmId
from .values import Json, flag, get, items, properties, text, texts

#: Windows and frequencies in minutes, by their names; Azure takes no others for metric alerts. Source: REST reference,
#: Metric Alerts - Create Or Update.
_MINUTES = {'PT1M': 1, 'PT5M': 5, 'PT15M': 15, 'PT30M': 30, 'PT1H': 60, 'PT6H': 360, 'PT12H': 720, 'P1D': 1440}

_STATIC = 'staticthresholdcriterion'
_LOAD_BALANCERS = 'microsoft.network/loadbalancers'


class Condition(NamedTuple):
    """One criterion: `aggregation` of `metric` compared with `threshold` by `operator` (GreaterThan, …).

    `split` are the dimensions that it tells apart, in lower case. `threshold` is None where it is learnt by Azure.
    """

    metric: Optional[str]
    aggregation: Optional[str]
    operator: Optional[str]
    threshold: Optional[float]
    split: Tuple[str, ...] = ()


class MetricAlert(NamedTuple):
    """An alert rule. `window` in minutes, None where unknown; `notifies` whether it has an action group."""

    id: Optional[str]
    name: Optional[str]
    enabled: bool
    window: Optional[int]
    notifies: bool
    conditions: Tuple[Condition, ...] = ()


def metric_alerts_id(load_balancer: Optional[ArmId]) -> Optional[str]:
    """The path of all metric alerts of the subscription that the load balancer is in, as `errors` names it."""
    return load_balancer and f'/subscriptions/{load_balancer.subscription_id}/providers/Microsoft.Insights/metricAlerts'


def looks_at(body: Json, load_balancer: ArmId) -> bool:
    """Whether an alert rule looks at the load balancer: at it alone, or at all of its resource group or subscription.
    Scopes are compared without regard to case."""
    group = load_balancer.lower().split('/providers/')[0]
    wide = (group, f'/subscriptions/{load_balancer.subscription_id.lower()}')
    scopes = {scope.lower().rstrip('/') for scope in texts(properties(body), 'scopes')}
    of_type = (text(properties(body), 'targetResourceType') or _LOAD_BALANCERS).lower() == _LOAD_BALANCERS
    return load_balancer.lower() in scopes or of_type and not scopes.isdisjoint(wide)


def parse_metric_alert(body: Json) -> MetricAlert:
    """The rule of a body of ARM, raw or as `az` prints it."""
    inner = properties(body)
    return MetricAlert(
        text(body, 'id'), text(body, 'name'), flag(inner, 'enabled') is not False,
        _MINUTES.get((text(inner, 'windowSize') or '').upper()),
        any(text(action, 'actionGroupId') for action in items(inner, 'actions')),
        tuple(_condition(criterion) for criterion in items(inner, 'criteria', 'allOf')))


def _condition(body: Json) -> Condition:
    threshold = get(body, 'threshold')
    static = (text(body, 'criterionType') or _STATIC).lower() == _STATIC
    known = static and isinstance(threshold, (int, float)) and not isinstance(threshold, bool)
    return Condition(text(body, 'metricName'), text(body, 'timeAggregation'), text(body, 'operator'),
                     float(threshold) if known else None,
                     tuple(sorted((text(dimension, 'name') or '').lower() for dimension in items(body, 'dimensions'))))
