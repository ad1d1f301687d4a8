"""Which alert rules look at a load balancer, and what they compare."""
import pytest

from azext_lbplan.facts.ids import parse_id
from azext_lbplan.facts.networks import LOAD_BALANCER_TYPE
from azext_lbplan.model.alerts import looks_at, metric_alerts_id, parse_metric_alert
from tests.support.worlds import BALANCER, NODE_GROUP, alert, used

ID = parse_id(BALANCER, LOAD_BALANCER_TYPE)
GROUP = NODE_GROUP.split('/providers/')[0]
SUBSCRIPTION = GROUP.split('/resourceGroups/')[0]


@pytest.mark.parametrize('scopes, kind, expected', [
    ([BALANCER], None, True), ([BALANCER.upper()], None, True), ([BALANCER.lower() + '/'], None, True),
    ([BALANCER + '2'], None, False), ([], None, False), (None, None, False), ('x', None, False),
    ([GROUP.lower()], 'Microsoft.Network/loadBalancers', True), ([GROUP], 'microsoft.network/LOADBALANCERS', True),
    ([GROUP], 'Microsoft.Compute/virtualMachines', False), ([SUBSCRIPTION], 'Microsoft.Network/loadBalancers', True),
    (['/subscriptions/22222222-2222-2222-2222-222222222222'], 'Microsoft.Network/loadBalancers', False)])
def test_scopes_are_compared_without_case(scopes, kind, expected):
    body = alert(scopes=scopes, targetResourceType=kind)
    assert looks_at(body, ID) is expected
    assert metric_alerts_id(ID) == f'{SUBSCRIPTION}/providers/Microsoft.Insights/metricAlerts'


def test_a_rule_raw_and_as_az_prints_it():
    body = used(900, split=['BackendIPAddress'], window='PT5M', actions=[])
    flat = {**body, **body['properties']}
    del flat['properties']
    found = parse_metric_alert(body)
    assert found == parse_metric_alert(flat)
    assert (found.enabled, found.window, found.notifies) == (True, 5, False)
    assert found.conditions == (('UsedSnatPorts', 'Average', 'GreaterThan', 900.0, ('backendipaddress',)),)


@pytest.mark.parametrize('criterion', [
    {'criterionType': 'DynamicThresholdCriterion', 'threshold': 3}, {'threshold': '900'}, {'threshold': True}, {}])
def test_a_threshold_that_is_no_number_is_unknown(criterion):
    assert parse_metric_alert({'properties': {'criteria': {'allOf': [criterion]}}}).conditions[0].threshold is None
