"""Alerts as code: the real `az monitor metrics alert create` makes of each line the rule that Bicep would deploy."""
import json
import re

from tests.azure import Status, pool
from tests.support.together import assert_refused, in_one_process

GROUP = '/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/ops/providers/Microsoft.Insights' \
        '/actionGroups/on call'
ASK = ['aks', 'lb', 'check', '-g', 'rg1', '-n', 'aks1', '--action-group', GROUP]


def from_bicep(text):
    """The body that the fragment holds, as JSON."""
    held = text[text.index('{'):]
    held = re.sub(r"^(\s*)(\w+|'[^']*'):", lambda found: f'{found[1]}"{found[2].strip(chr(39))}":', held, flags=re.M)
    held = re.sub(r"'([^']*)'", r'"\1"', held)
    return json.loads(re.sub(r'(?<=[^\[{,\s])\n(?=\s*[^\]}\s])', ',\n', held))


def test_each_line_makes_the_rule(arm, az):
    arm.add_cluster(pools=[pool(count=10)], managed=3, ports=2400)
    alerts = az(ASK, check=True).json['alerts']
    assert [(one['name'], one['severity'], one['threshold']) for one in alerts] == [
        ('aks1-snat-used-75', 2, 600), ('aks1-snat-used-90', 1, 720), ('aks1-snat-failed', 1, 0)]
    for alert in alerts:
        az.shell(alert['command'], check=True)
        put = arm.seen('metricAlerts', 'PUT')[-1]
        made = arm.get(f"/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg1/providers/"
                       f"Microsoft.Insights/metricAlerts/{alert['name']}")
        fragment = from_bicep(alert['bicep'])
        criterion = made['properties']['criteria']['allOf'][0]
        expected = fragment['properties']['criteria']['allOf'][0]
        assert expected.pop('metricNamespace') == 'Microsoft.Network/loadBalancers' and put.path
        assert criterion == expected
        for key in ('scopes', 'severity', 'enabled', 'evaluationFrequency', 'windowSize', 'description', 'actions'):
            assert made['properties'][key] == fragment['properties'][key], key
        assert made['properties']['windowSize'] == made['properties']['evaluationFrequency'] == 'PT1M'
        assert made['properties']['actions'] == [{'actionGroupId': GROUP}], 'made again, it still notifies'
        assert made['location'] == fragment['location'] == 'global' and fragment['name'] == alert['name']


def test_without_an_action_group_there_are_none_and_only_an_id_is_one(arm, az):
    arm.add_cluster()
    arm.add_cluster('nat', outbound_type='managedNATGateway')
    none, name, other, table = in_one_process(az, [
        'check -g rg1 -n aks1', 'check -g rg1 -n aks1 --action-group ops',
        f"recommend -g rg1 -n nat --action-group '{GROUP}'",
        f"recommend -g rg1 -n aks1 --action-group '{GROUP}' -o table"])
    assert none.json['alerts'] is None and other.json['alerts'] == []
    assert_refused(name, "'ops' is no id of an action group", 'az monitor action-group list')
    begun = [line.split()[:6] for line in table.stderr.splitlines()[-3:]]
    assert begun == [['WARNING:', 'az', 'monitor', 'metrics', 'alert', 'create']] * 3
    assert 'make them again' in table.stderr


def codes(result):
    return {finding['code'] for finding in result['findings']}


def test_check_knows_the_alerts_that_exist(arm, az, tmp_path):
    cluster = arm.add_cluster(pools=[pool(count=10)], managed=3, ports=2400)
    arm.add_cluster('other', ports=1024)
    assert 'NoSnatAlert' in codes(az(ASK, check=True).json), 'none is there'
    for alert in az(ASK, check=True).json['alerts']:
        az.shell(alert['command'], check=True)
    assert not codes(az(ASK, check=True).json) & {'NoSnatAlert', 'AlertThresholdMisfit', 'AlertNotifiesNobody'}
    az(['monitor', 'metrics', 'alert', 'create', '-g', 'rg1', '-n', 'baseline', '--scopes',
        arm.load_balancer(cluster)['id'].lower(), '--condition', 'avg UsedSnatPorts > 900'], check=True)
    arm.requests.clear()
    kept = tmp_path / 'kept.json'
    found = az([*ASK, '--save-to', str(kept)], check=True).json
    asked = arm.seen('metricAlerts')
    assert [record.path for record in asked] == [
        '/subscriptions/11111111-1111-1111-1111-111111111111/providers/Microsoft.Insights/metricAlerts'], 'one GET'
    misfit, = [one for one in found['findings'] if one['code'] == 'AlertThresholdMisfit']
    assert misfit['severity'] == 'warning'
    assert "'baseline'" in misfit['message'] and 'can never fire' in misfit['message']
    assert 'AlertNotifiesNobody' in codes(found)
    saved = json.loads(kept.read_text(encoding='utf-8'))
    assert len(saved['metricAlerts']) == 4 and 'description' not in json.dumps(saved['metricAlerts'])
    again = az(f'aks lb check --from-file {kept}', check=True).json
    assert again['findings'] == found['findings']
    assert 'NoSnatAlert' in codes(az('aks lb check -g rg1 -n other', check=True).json), 'those of others are nobody\'s'


def test_only_check_asks_for_alerts_and_a_refusal_is_a_named_gap(arm, az):
    arm.add_cluster(ports=1024)
    for command in ('show', 'plan', 'recommend'):
        az(f'aks lb {command} -g rg1 -n aks1', check=True)
    assert arm.seen('metricAlerts') == []
    arm.fault('/metricAlerts$', Status(403))
    result = az('aks lb check -g rg1 -n aks1', check=True).json
    reasons = {one['code']: one['reason'] for one in result['skipped']}
    assert 'Microsoft.Insights/metricAlerts/read is missing' in reasons['AlertThresholdMisfit']
    assert not codes(result) & {'NoSnatAlert', 'AlertThresholdMisfit'}
