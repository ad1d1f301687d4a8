"""The alerts of `--action-group`: what they are split by, and that they fire where ports run out and nowhere else."""
import json
import re
import shlex

import pytest

from azext_lbplan.decision import decide
from azext_lbplan.decision.alerts import alert_rules, allocation_of
from azext_lbplan.facts.alerts import ACTION_GROUP_TYPE, MOST_SERIES
from azext_lbplan.facts.ids import parse_id
from azext_lbplan.model.observed import parse_observed
from azext_lbplan.views.alerts import alerts
from tests.bench.alerts import BASELINE, CASES, GROUP, evaluate, rules
from tests.support.generated import generate


def cluster(nodes=10, ips=1, ports=1024, name='aks1', outbound_type='loadBalancer'):
    return decide(parse_observed({'managedCluster': {
        'id': f'/subscriptions/11111111-1111-1111-1111-111111111111/resourcegroups/rg1/providers/'
              f'Microsoft.ContainerService/managedClusters/{name}', 'name': name, 'location': 'westeurope',
        'properties': {'nodeResourceGroup': 'MC_rg1', 'kubernetesVersion': '1.31', 'networkProfile': {
            'loadBalancerSku': 'standard', 'outboundType': outbound_type, 'loadBalancerProfile': {
                'managedOutboundIPs': {'count': ips}, 'allocatedOutboundPorts': ports}},
            'agentPoolProfiles': [{'name': 'one', 'count': nodes}]}}}))


@pytest.mark.parametrize('name', CASES)
def test_they_fire_where_ports_run_out_and_nowhere_else(name):
    failure, found = evaluate(name)
    expected = CASES[name].ahead
    if expected is None:
        assert failure is None and set(found.values()) == {None}
        return
    assert failure is not None and found['failed'] == failure, 'in the very minute'
    assert found['used-75'] <= failure - expected and found['used-75'] <= found['used-90'] <= failure + 1
    assert found['baseline 900'] is None, 'the average of all nodes and protocols hides it'


def test_a_wider_window_or_fewer_dimensions_would_hide_it():
    """Each of what the rules insist on is needed: the evaluator can tell."""
    from tests.bench.alerts import workload
    from tests.support.alerting import fired
    case = CASES['storm of two minutes, one node']
    load, rule = workload(case), rules(case)['used-75']
    assert fired(rule, load)
    for change in ({'windowSize': 'PT15M'}, {'dimensions': []}, {'dimensions': ['BackendIPAddress']}):
        other = json.loads(json.dumps(rule))
        if 'windowSize' in change:
            other['properties'].update(change)
        else:
            criterion, = other['properties']['criteria']['allOf']
            criterion['dimensions'] = [one for one in criterion['dimensions'] if one['name'] in change['dimensions']]
        assert not fired(other, load), change


@pytest.mark.parametrize('nodes, ips, splits, names', [
    (10, 1, ['FrontendIPAddress', 'BackendIPAddress', 'ProtocolType'], 3),
    (720, 3, ['FrontendIPAddress', 'BackendIPAddress', 'ProtocolType'], 3),
    (1000, 3, ['BackendIPAddress', 'ProtocolType'], 3), (3000, 100, ['BackendIPAddress', 'ProtocolType'], 5)])
def test_no_rule_takes_in_more_series_than_azure_allows(nodes, ips, splits, names):
    decision = cluster(nodes, ips, ports=8)
    made = alert_rules(decision)
    used = [rule for rule in made if rule.metric == 'UsedSnatPorts']
    assert [dimension.name for dimension in used[0].dimensions] == splits and len(made) == names
    allocation = allocation_of(decision)
    for rule in made:
        sizes = {'FrontendIPAddress': allocation.frontends, 'BackendIPAddress': allocation.nodes, 'ProtocolType': 2,
                 'ConnectionState': 1}
        series = 1
        for dimension in rule.dimensions:
            series *= sizes[dimension.name] if dimension.values == ('*',) else 1
        assert series <= MOST_SERIES


def test_thresholds_are_one_frontends_share():
    assert [rule.threshold for rule in alert_rules(cluster(ips=1, ports=1024))] == [768, 921, 0]
    assert [rule.threshold for rule in alert_rules(cluster(ips=4, ports=1024))] == [192, 230, 0]
    assert '256 of each of 4 outbound frontends' in alert_rules(cluster(ips=4, ports=1024))[0].about
    assert [rule.threshold for rule in alert_rules(cluster(ips=100, ports=64))] == [6, 7, 0], 'a block of 8 at least'
    automatic = alert_rules(cluster(nodes=60, ips=1, ports=0))
    assert automatic[0].threshold == 384 and 'automatic allocation of 512' in automatic[0].about


def test_none_where_there_is_nothing_to_watch():
    assert alert_rules(cluster(outbound_type='managedNATGateway')) == ()
    assert alert_rules(cluster(name='-x')) == ()


@pytest.mark.parametrize('seed', range(40))
def test_each_line_is_one_line_for_a_shell_and_names_the_group(seed):
    decision = decide(parse_observed(generate(seed).snapshot()))
    for alert in alerts(decision, GROUP):
        argv = shlex.split(alert['command'])
        assert argv[:5] == ['az', 'monitor', 'metrics', 'alert', 'create']
        assert argv[argv.index('--action') + 1] == GROUP and alert['command'].isprintable()
        assert f"> {alert['threshold']} where " in argv[argv.index('--condition') + 1]
        for fragment in (alert['bicep'], alert['terraform']):
            assert fragment.count('{') == fragment.count('}') and GROUP in fragment
            assert re.search(r'threshold *[:=] *' + str(alert['threshold']) + r'\n', fragment)


def test_an_action_group_is_named_by_its_id():
    group = '/subscriptions/1/resourceGroups/ops/providers/Microsoft.Insights/actionGroups/'
    assert parse_id(f'{group}on-call (EU)', ACTION_GROUP_TYPE)
    for name in ("a'b", 'a"b', '${x}', 'a/b', '', 'a ', 'a\nb'):
        assert parse_id(group + name, ACTION_GROUP_TYPE) is None
    assert BASELINE['properties']['windowSize'] == 'PT5M'
