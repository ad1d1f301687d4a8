"""Where packets really leave, as a user sees it: from Azure, from a snapshot, and in a fleet."""
import json
import time
from datetime import datetime, timedelta

import pytest

from tests.azure import Status, pool
from tests.azure.monitor import Monitor, timespan
from tests.support.contract import conform, egress
from tests.support.together import in_one_process
from tests.support.ways import EFFECTIVE, FIREWALL, every_way
from tests.support.workload import Traffic, Workload, addresses, simulate, steady

#: What is known of the addresses: how many, None where packets leave by something whose addresses cannot be read.
ADDRESSES = {'plain': 2, 'own': 1, 'kubenet': 1, 'near': 1, 'managed-nat': 1, 'nat': 1, 'far': 1, 'mixed': 2,
             'pods': 2, 'forgotten': 1, 'lost': 0, 'dropped': 0, 'blocked': 0}

#: What `check` says of where packets leave, with its severity.
FOUND = {
    **dict.fromkeys(('nat', 'far', 'firewall', 'halves', 'vpn', 'mixed', 'pods'),
                    [('warning', 'EgressBypassesLoadBalancer')]),
    'public': [('info', 'EgressBypassesLoadBalancer')], 'dropped': [('error', 'EgressBlocked')],
    'lost': [('warning', 'EgressBlocked')], 'forgotten': [('warning', 'EgressBlocked')]}


def test_every_way_out_live_from_a_snapshot_and_in_a_fleet(arm, az, tmp_path):
    made = every_way(arm)
    rows = {row['name']: row for row in az('aks lb list', check=True).json}
    live = in_one_process(az, [f'{command} -g rg1 -n {name} --save-to {tmp_path / name}.{command}'
                               for name in made for command in ('show', 'plan', 'check')])
    arm.reset()
    again = in_one_process(az, [f'{command} --from-file {tmp_path / name}.{command}'
                                for name in made for command in ('show', 'plan', 'check')])
    for name, shown, planned, checked, *filed in zip(made, live[::3], live[1::3], live[2::3], again[::3], again[1::3],
                                                     again[2::3]):
        assert [result.json for result in filed] == [shown.json, planned.json, checked.json], name
        found = conform('show', shown.json)['egress']
        number = None if found['addresses'] is None else len(found['addresses'])
        assert (found['effective'], number) == (EFFECTIVE[name], ADDRESSES.get(name)), found
        assert found == checked.json['egress'] == rows[name]['egress'], name
        known = conform('plan', planned.json)['egress']
        assert known['addresses'] in (None, found['addresses']) and all(
            known[key] == found[key] for key in ('declared', 'effective', 'via')), name
        told = [(one['severity'], one['code']) for one in checked.json['findings'] if one['code'] in (
            'EgressBypassesLoadBalancer', 'EgressBlocked', 'EgressNotAsDeclared', 'EgressNotReadable')]
        assert told == FOUND.get(name, []), name


def test_plan_leads_with_what_has_no_effect(arm, az):
    """Of what was typed; without it nothing is printed to run. The table says so as well."""
    every_way(arm)
    typed, plain, table, recommended = in_one_process(az, [
        'plan -g rg1 -n firewall --outbound-ports 4000', 'plan -g rg1 -n firewall',
        'plan -g rg1 -n firewall --outbound-ports 4000 -o table', 'recommend -g rg1 -n nat -o table'])
    first = typed.json['findings'][0]
    assert (first['code'], first['severity']) == ('EgressBypassesLoadBalancer', 'warning')
    assert 'would have no effect' in first['message'] and '2496' in first['remediation']
    assert typed.json['flags'] == ['--load-balancer-outbound-ports', '4000']
    assert (plain.json['noCommand']['reason'], plain.json['commands']) == ('otherEgress', [])
    lines = table.stdout.splitlines()
    assert lines[2].endswith('The load balancer is not used: traffic leaves by an appliance.')
    assert lines[3].endswith('Egress is virtualAppliance via 10.0.0.4.')
    assert 'would have no effect' in ' '.join(table.stdout.split())
    assert 'traffic leaves by a NAT gateway' in recommended.stdout.splitlines()[2]
    assert '--load-balancer' not in recommended.stderr


#: What may not be read, on which cluster, and the permission that is named.
FORBIDDEN = [
    ('/subnets/', 'firewall', 'Microsoft.Network/virtualNetworks/subnets/read'),
    ('/routeTables/', 'firewall', 'Microsoft.Network/routeTables/read'),
    ('/virtualNetworks$', 'plain', 'Microsoft.Network/virtualNetworks/read'),
]


@pytest.mark.parametrize('what, name, permission', FORBIDDEN)
def test_what_may_not_be_read_makes_no_claim_either_way(arm, az, what, name, permission):
    every_way(arm)
    arm.fault(what, Status(403, action=permission))
    shown, planned, checked = in_one_process(az, [f'{one} -g rg1 -n {name}' for one in ('show', 'plan', 'check')])
    for result in (shown, planned, checked):
        assert result.code == 0, str(result)
        found = result.json['egress']
        egress(found)
        assert (found['effective'], found['addresses']) == ('unknown', None)
        assert any(permission in line for line in found['evidence'])
    assert shown.json['unverified'][0].startswith('Where packets really leave is not known')
    codes = {one['code']: one['severity'] for one in checked.json['findings']}
    assert codes['EgressNotReadable'] == 'info' and 'EgressBypassesLoadBalancer' not in codes
    assert any('they would leave from' in line for line in shown.json['egress']['evidence'])


def test_a_gateway_that_may_not_be_read_is_known_to_be_there(arm, az):
    every_way(arm)
    arm.fault('/natGateways/', Status(403, action='Microsoft.Network/natGateways/read'))
    found = az('aks lb show -g rg1 -n nat', check=True).json['egress']
    assert (found['effective'], found['addresses']) == ('natGateway', None) and found['via'].endswith('/nat')
    assert any('Microsoft.Network/natGateways/read' in line for line in found['evidence'])


def test_addresses_that_may_not_be_read_are_null_and_say_why(arm, az):
    every_way(arm)
    arm.fault('/publicIPAddresses$', Status(403, action='Microsoft.Network/publicIPAddresses/read'))
    found = az('aks lb show -g rg1 -n plain', check=True).json['egress']
    assert (found['effective'], found['addresses']) == ('loadBalancer', None)
    assert any('Microsoft.Network/publicIPAddresses/read' in line for line in found['evidence'])


def test_how_often_azure_is_asked(arm, az):
    """The cluster, then all at once; more only for a route table of one's own, and for a gateway where it is shown."""
    every_way(arm)
    wanted = {
        ('plain', 'show'): 4, ('plain', 'plan'): 4, ('near', 'plan'): 5, ('firewall', 'show'): 5, ('routed', 'plan'): 3,
        ('nat', 'plan'): 4, ('nat', 'show'): 6, ('managed-nat', 'plan'): 3, ('managed-nat', 'show'): 4,
        ('kubenet', 'show'): 4, ('blocked', 'show'): 1}
    for (name, command), number in wanted.items():
        arm.requests.clear()
        assert in_one_process(az, [f'{command} -g rg1 -n {name}'])[0].code == 0
        assert len(arm.seen()) == number, (name, command, [record.path for record in arm.seen()])
        assert {record.method for record in arm.seen()} == {'GET'}


def test_an_older_snapshot_is_read_and_says_what_it_lacks(arm, az, tmp_path):
    every_way(arm)
    file = tmp_path / 'old.json'
    az(f'aks lb show -g rg1 -n nat --save-to {file}', check=True)
    old = json.loads(file.read_text())
    for key in ('subnets', 'routeTables', 'natGateways'):
        del old[key]
    file.write_text(json.dumps({**old, 'schema': 1}))
    for command in ('show', 'plan', 'recommend', 'check'):
        result = az(f'aks lb {command} --from-file {file}', check=True).json
        assert result['egress']['effective'] == 'unknown'
        assert '--save-to' in result['egress']['evidence'][0], command


def test_an_anonymous_snapshot_leaves_by_the_same_way(arm, az, tmp_path):
    every_way(arm)
    for name in ('nat', 'firewall', 'halves', 'mixed', 'plain'):
        file = tmp_path / name
        az(f'aks lb show -g rg1 -n {name} --save-to {file} --anonymize', check=True)
        shown = az(f'aks lb show --from-file {file}', check=True).json['egress']
        assert shown['effective'] == EFFECTIVE[name]
        assert (shown['addresses'] is None) == (name in ('firewall', 'halves'))
        text = file.read_text()
        assert f'vnet-{name}' not in text and f'routes-{name}' not in text and '10.0.0.4' not in text
        assert '198.18.' not in text


def test_routes_that_cannot_be_read_are_told_by_what_is_not_counted(arm, az, tmp_path):
    """A default route learnt over BGP: nothing on the subnet leads elsewhere, and no connection was counted."""
    arm.add_cluster('learnt', pools=[pool(count=2)], ports=1024)
    end = int(time.time()) // 60
    idle = Workload(end - 1440, {address: simulate([Traffic(steady(0))], 1440, 1024) for address in addresses(2)})
    arm.route('GET', Monitor.PATH, Monitor(idle, now=end))
    live, = in_one_process(az, [f'check -g rg1 -n learnt --offset 1d --save-to {tmp_path / "learnt"}'])
    filed, = in_one_process(az, [f'check --from-file {tmp_path / "learnt"}'])
    for result in (live, filed):
        found = {one['code']: one for one in result.json['findings']}
        assert found['NoSnatConnections']['severity'] == 'warning', str(result)
        assert result.json['egress']['effective'] == 'loadBalancer', 'which is what the subnets say'


def test_a_firewall_route_that_comes_later_changes_the_verdict(arm, az):
    """The story of the reports: a cluster that fits, and a network team that adds a route."""
    subnet, = arm.add_subnets('nodes')
    arm.add_cluster('aks1', pools=[pool(count=40, max_count=150, vnetSubnetID=subnet)])
    before = az('aks lb recommend -g rg1 -n aks1', check=True).json
    assert before['status'] == 'change' and before['egress']['effective'] == 'loadBalancer'
    arm.join(subnet, table=arm.add_route_table(FIREWALL))
    after = az('aks lb recommend -g rg1 -n aks1', check=True).json
    assert (after['status'], after['command'], after['noCommand']['reason']) == ('notApplicable', None, 'otherEgress')
    assert 'Sizing the load balancer has no effect' in after['reasons'][0]


GATEWAY_METRICS = r'/.+/natGateways/nat/providers/microsoft\.insights/metrics'


def _gateway_metrics(request):
    """Connections of a NAT gateway: 800 in the middle of the time that is asked about, else 30; 5 failed in all."""
    query = {name.lower(): value for name, value in request.query.items()}
    start, end = timespan(query['timespan'])
    length = {'PT1M': 1, 'PT1H': 60}[query['interval']]
    values = [0] * -(-(end - start) // length)
    if query['metricnames'] == 'TotalConnectionCount':
        values = [30] * len(values)
        values[len(values) // 2] = 800
    elif query['$filter'] == "ConnectionState eq 'Failed'":
        values[0] = 5
    epoch = datetime(1970, 1, 1)
    series = [{'metadatavalues': [], 'data': [
        {'timeStamp': f'{epoch + timedelta(minutes=start + length * index):%Y-%m-%dT%H:%M:%SZ}', 'total': value}
        for index, value in enumerate(values)]}]
    return 200, {'timespan': query['timespan'], 'interval': query['interval'], 'value': [
        {'name': {'value': query['metricnames']}, 'unit': 'Count', 'timeseries': series, 'errorCode': 'Success'}]}, {}


def test_the_metrics_of_a_nat_gateway_reach_recommend_and_check(arm, az, tmp_path):
    """Live, and from the snapshot that was saved; what may not be read is said."""
    subnet, = arm.add_subnets('nodes')
    arm.join(subnet, arm.add_nat_gateway(arm.add_public_ip('out', 'network')))
    arm.add_cluster('aks1', pools=[pool(vnetSubnetID=subnet)], outbound_type='userAssignedNATGateway')
    arm.route('GET', GATEWAY_METRICS, _gateway_metrics)
    live, checked = in_one_process(az, [f'{command} -g rg1 -n aks1 --save-to {tmp_path}/{command}.json'
                                        for command in ('recommend', 'check')])
    told = live.json['reasons'][0]
    assert 'at most 800 connections at once' in told and '5 connections failed: give it more than 1 IP' in told
    found, = (one for one in checked.json['findings'] if one['code'] == 'NatGatewayConnectionsFailed')
    assert (found['severity'], found['evidence']['failed'], found['evidence']['peak']) == ('warning', 5, 800)
    arm.fault(GATEWAY_METRICS, Status(403, action='Microsoft.Insights/metrics/read'))
    again, filed, refused = in_one_process(az, [
        f'recommend --from-file {tmp_path}/recommend.json', f'check --from-file {tmp_path}/check.json',
        'recommend -g rg1 -n aks1'])
    assert (again.json['reasons'], filed.json['findings']) == (live.json['reasons'], checked.json['findings'])
    assert 'Its metrics were not read (AuthorizationFailed), so its IPs are not judged.' in refused.json['reasons'][0]
