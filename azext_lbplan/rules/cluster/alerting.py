# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Metric alerts that exist: whether they would tell of a node that runs out of ports, at the allocation in force."""

from typing import Iterable, List, NamedTuple, Optional

from ...decision.alerts import PROTOCOLS, Allocation, allocation_of
from ...facts.links import TROUBLESHOOT_SNAT
from ...model.alerts import Condition, MetricAlert
from ...model.finding import INFO, WARNING, Finding
from ...model.metrics import AVERAGE, CONNECTIONS, MAXIMUM, NODE, PROTOCOL, USED
from ..engine import OBSERVATION, Rule, Rulebook
from .subject import CHECK, AtColumn, metric_alerts, standard_load_balancer

#: A threshold below this share of what a full node shows speaks up while most ports are free.
EARLY = 0.5

_UPWARDS = ('greaterthan', 'greaterthanorequal')
_MAKE = ("Make alerts for this allocation: 'az aks lb check --action-group ID' prints the lines. A rule that is made "
         'again without --action loses its action groups.')

RULES: Rulebook[AtColumn] = Rulebook(commands=(CHECK,), about=OBSERVATION, link=TROUBLESHOOT_SNAT,
                                     needs=(standard_load_balancer, metric_alerts))


class _Sight(NamedTuple):
    """What a condition shows of a node that has run full while the others are idle, and what hides the rest."""

    ports: float
    hidden_by: List[str]


def _sight(condition: Condition, allocation: Allocation) -> _Sight:
    """A mean over all that the condition is not split by; a maximum hides nothing."""
    ports, hidden = float(allocation.share), []
    if (condition.aggregation or '').lower() != MAXIMUM.lower():
        if NODE.lower() not in condition.split:
            ports, hidden = ports / max(1, allocation.nodes), [f'it is the mean of {allocation.nodes} nodes']
        if PROTOCOL.lower() not in condition.split:
            ports, hidden = ports / len(PROTOCOLS), [*hidden, 'the mean of TCP and UDP']
    return _Sight(ports, hidden)


def _alerts(subject: AtColumn) -> Iterable[MetricAlert]:
    return (alert for alert in subject.observed.metric_alerts or () if alert.enabled)


def _is_on(condition: Condition, metric: str) -> bool:
    return (condition.metric or '').lower() == metric.lower()


@RULES.rule('AlertThresholdMisfit', WARNING,
            title='An alert on used SNAT ports does not fit the allocation.',
            why='It stays silent while a node runs out of ports, or speaks up while most are free.',
            source='AZURE-FACTS section 4, alerts in the wild (a baseline of 900 for any allocation).')
def alert_threshold_misfit(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Each alert against what a full node would show in it."""
    allocation = allocation_of(subject.decision)
    if allocation is None:
        return
    for alert in _alerts(subject):
        for condition in alert.conditions:
            if _is_on(condition, USED) and (condition.operator or '').lower() in _UPWARDS and \
                    (condition.aggregation or AVERAGE).lower() in (AVERAGE.lower(), MAXIMUM.lower()):
                found = _misfit(rule, alert, condition, allocation)
                if found is not None:
                    yield found


def _misfit(rule: Rule[AtColumn], alert: MetricAlert, condition: Condition, allocation: Allocation
            ) -> Optional[Finding]:
    threshold, sight = condition.threshold, _sight(condition, allocation)
    if threshold is None:
        return None
    if threshold >= allocation.share:
        tells = f'can never fire: {_share(allocation)}'
    elif threshold >= sight.ports:
        tells = (f'does not see a node that runs full: {" and ".join(sight.hidden_by)}, in which that node shows as '
                 f'{sight.ports:.0f}')
    elif (alert.window or 1) > 1:
        tells = f'averages {alert.window} minutes: a node can be full in one of them and stay below the threshold'
    elif threshold < EARLY * sight.ports:
        tells = f'fires while more than half of the ports are free: {_share(allocation)}'
    else:
        return None
    blind = threshold >= sight.ports
    return rule.finding(
        f"The alert '{alert.name}', {condition.aggregation} {USED} above {threshold:g}, {tells}.",
        target='Microsoft.Insights/metricAlerts', severity=WARNING if blind else INFO, remediation=_MAKE,
        evidence={'alert': alert.id, 'threshold': threshold, 'portsPerNode': allocation.ports_per_node,
                  'frontends': allocation.frontends, 'fullNodeShowsAs': round(sight.ports, 1)})


def _share(allocation: Allocation) -> str:
    if allocation.frontends == 1:
        return f'a node has {allocation.ports_per_node} ports'
    return (f'a node has {allocation.ports_per_node} ports, about {allocation.share} of each of '
            f'{allocation.frontends} outbound frontends')


@RULES.rule('AlertNotifiesNobody', INFO,
            title='An alert on SNAT metrics has no action group.',
            why='It fires in the portal and tells nobody. Making a rule again without --action takes its groups away.',
            source='AZURE-FACTS section 4 [O], az monitor metrics alert create is a PUT.')
def alert_notifies_nobody(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Alerts without an action group; what alert processing rules add is not seen here."""
    for alert in _alerts(subject):
        if not alert.notifies and any(_is_on(condition, metric) for condition in alert.conditions
                                      for metric in (USED, CONNECTIONS)):
            yield rule.finding(f"The alert '{alert.name}' has no action group: unless an alert processing rule adds "
                               'one, it notifies nobody.', target='Microsoft.Insights/metricAlerts',
                               evidence={'alert': alert.id}, remediation=_MAKE)


@RULES.rule('NoSnatAlert', INFO,
            title='No alert looks at the SNAT metrics of the load balancer.',
            why='A shortage of ports is then learnt from those whose connections fail.',
            source='AZURE-FACTS section 4.')
def no_snat_alert(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Neither on used ports nor on connections."""
    if not any(_is_on(condition, metric) for alert in _alerts(subject) for condition in alert.conditions
               for metric in (USED, CONNECTIONS)):
        yield rule.finding('No alert would tell of a shortage of SNAT ports.', target='Microsoft.Insights/metricAlerts',
                           remediation=_MAKE)
