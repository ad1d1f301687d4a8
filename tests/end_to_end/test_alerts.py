"""Alerts as code: the real `az monitor metrics alert create` makes of each line the rule that Bicep would deploy."""
import json
import re

from tests.azure import pool
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
    lines = table.stderr.splitlines()
    assert [line.split()[:6] for line in lines[-3:]] == [['WARNING:', 'az', 'monitor', 'metrics', 'alert', 'create']] * 3
    assert 'make them again' in table.stderr
