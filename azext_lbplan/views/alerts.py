# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Alert rules as a line to run, and as fragments of Bicep and Terraform: all three from one body of ARM."""

import re
import shlex
from typing import Any, Dict, Iterable, List

from ..decision import Decision
from ..decision.alerts import AlertRule, alert_rules
from ..decision.steps import option
from ..facts.alerts import ALERT_TYPE, ALERTS_API, LOAD_BALANCER_NAMESPACE, MINUTE, SINGLE_RESOURCE
from ..facts.ids import ArmId
from ..model.metrics import AVERAGE
from ..model.observed import load_balancer_id
from .findings import Result

#: Aggregations as `az monitor metrics alert create` spells them.
_AGGREGATIONS = {AVERAGE: 'avg'}

_INDENT = '  '


def alerts(decision: Decision, action_group: ArmId) -> List[Result]:
    """`alerts` of a result: the rules for the allocation in force, each notifying `action_group`."""
    return [_alert(decision, rule, action_group) for rule in alert_rules(decision)]


def _alert(decision: Decision, rule: AlertRule, action_group: ArmId) -> Result:
    body = alert_body(decision, rule, action_group)
    return {'name': rule.name, 'severity': rule.severity, 'threshold': rule.threshold,
            'command': _command(decision, rule, action_group), 'bicep': _bicep(rule, body),
            'terraform': _terraform(decision, rule, body)}


def alert_body(decision: Decision, rule: AlertRule, action_group: ArmId) -> Result:
    """The rule as ARM takes it."""
    cluster = decision.cluster
    criterion = {
        'criterionType': 'StaticThresholdCriterion', 'name': 'cond0', 'metricNamespace': LOAD_BALANCER_NAMESPACE,
        'metricName': rule.metric, 'operator': 'GreaterThan', 'threshold': rule.threshold,
        'timeAggregation': rule.aggregation,
        'dimensions': [{'name': dimension.name, 'operator': 'Include', 'values': list(dimension.values)}
                       for dimension in rule.dimensions]}
    return {'name': rule.name, 'location': 'global', 'properties': {
        'description': rule.about, 'severity': rule.severity, 'enabled': True,
        'scopes': [str(load_balancer_id(cluster)) if cluster else None],
        'evaluationFrequency': MINUTE, 'windowSize': MINUTE,
        'criteria': {'odata.type': SINGLE_RESOURCE, 'allOf': [criterion]},
        'actions': [{'actionGroupId': str(action_group)}]}}


def _command(decision: Decision, rule: AlertRule, action_group: ArmId) -> str:
    """A PUT: what is not given is not kept, so that the action group is always there (AZURE-FACTS section 4)."""
    cluster = decision.cluster
    if cluster is None:
        raise LookupError('no cluster')
    where = ' and '.join(f'{dimension.name} includes {" or ".join(dimension.values)}'
                         for dimension in rule.dimensions)
    aggregation = _AGGREGATIONS.get(rule.aggregation, rule.aggregation.lower())
    return shlex.join([
        'az', 'monitor', 'metrics', 'alert', 'create', *option('--resource-group', cluster.resource_group),
        *option('--name', rule.name), *option('--subscription', cluster.subscription_id),
        '--scopes', str(load_balancer_id(cluster)),
        '--condition', f'{aggregation} {rule.metric} > {rule.threshold} where {where}',
        '--window-size', '1m', '--evaluation-frequency', '1m', '--severity', str(rule.severity),
        '--action', str(action_group), '--description', rule.about])


# Bicep

def _bicep(rule: AlertRule, body: Result) -> str:
    return f"resource {_symbol(rule.name)} '{ALERT_TYPE}@{ALERTS_API}' = {_bicep_value(body)}\n"


def _bicep_value(value: Any, depth: int = 0) -> str:
    inner, outer = _INDENT * (depth + 1), _INDENT * depth
    if isinstance(value, dict):
        lines = [f'{inner}{_bicep_key(key)}: {_bicep_value(item, depth + 1)}\n' for key, item in value.items()]
        return '{\n' + ''.join(lines) + outer + '}'
    if isinstance(value, list):
        return '[\n' + ''.join(f'{inner}{_bicep_value(item, depth + 1)}\n' for item in value) + outer + ']'
    return _bicep_text(value) if isinstance(value, str) else str(value).lower()


def _bicep_key(key: str) -> str:
    return key if key.isidentifier() else _bicep_text(key)


def _bicep_text(written: str) -> str:
    return "'" + written.replace('\\', '\\\\').replace("'", "\\'").replace('${', '\\${') + "'"


# Terraform, with the names of azurerm

def _terraform(decision: Decision, rule: AlertRule, body: Result) -> str:
    properties, cluster = body['properties'], decision.cluster
    plain = _assignments({
        'name': rule.name, 'resource_group_name': cluster.resource_group if cluster else None,
        'scopes': properties['scopes'], 'description': properties['description'], 'severity': rule.severity,
        'frequency': MINUTE, 'window_size': MINUTE})
    criterion = _assignments({
        'metric_namespace': LOAD_BALANCER_NAMESPACE, 'metric_name': rule.metric, 'aggregation': rule.aggregation,
        'operator': 'GreaterThan', 'threshold': rule.threshold})
    dimensions: List[str] = []
    for dimension in rule.dimensions:
        dimensions += ['', *_block('dimension', _assignments({
            'name': dimension.name, 'operator': 'Include', 'values': list(dimension.values)}))]
    action = _assignments({'action_group_id': properties['actions'][0]['actionGroupId']})
    return '\n'.join(_block(f'resource "azurerm_monitor_metric_alert" "{_symbol(rule.name)}"', [
        *plain, '', *_block('criteria', [*criterion, *dimensions]), '', *_block('action', action)])) + '\n'


def _block(head: str, lines: Iterable[str]) -> List[str]:
    return [f'{head} {{', *(f'{_INDENT}{line}' if line else '' for line in lines), '}']


def _assignments(values: Dict[str, Any]) -> List[str]:
    """Lines of `name = value`, the signs below one another as `terraform fmt` has them."""
    width = max(map(len, values))
    return [f'{name.ljust(width)} = {_terraform_value(value)}' for name, value in values.items()]


def _terraform_value(value: Any) -> str:
    if isinstance(value, list):
        return '[' + ', '.join(map(_terraform_value, value)) + ']'
    if not isinstance(value, str):
        return str(value)
    return '"' + value.replace('\\', '\\\\').replace('"', '\\"').replace('${', '$${').replace('%{', '%%{') + '"'


def _symbol(name: str) -> str:
    """A name in code: letters, digits and underscores, the first no digit."""
    return re.sub(r'\W', '_', re.sub(r'^(?=\d)', '_', name), flags=re.ASCII)
