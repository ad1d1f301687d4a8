"""Before and after a change: the API server's list, the quota, the way back, moves of the outbound type; each printed
line is run with the real `az`."""
import json

import pytest

from tests.azure import OTHER_SUBSCRIPTION, Status, pool
from tests.support.together import in_one_process
from tests.support.ways import every_way

OFFICE = '52.1.0.0/16'
LISTED = {'apiServerAccessProfile': {'authorizedIPRanges': [OFFICE]}}
NEW_IPS, EGRESS = 'AuthorizedRangesLackNewIps', 'AuthorizedRangesLackEgress'


def public(arm, resource_id, address):
    """An address of the Internet for a public IP: those of the stand-in belong to nobody."""
    arm.resources[resource_id.lower()]['properties']['ipAddress'] = address
    return resource_id


def found(result, code):
    """The finding of that code; None for none."""
    return next((one for one in result['findings'] if one['code'] == code), None)


def set_of(arm, cluster):
    """What a profile holds that can be set."""
    profile = arm.get(cluster)['properties']['networkProfile']['loadBalancerProfile']
    return {key: value for key, value in profile.items() if key != 'effectiveOutboundIPs'}


def test_the_list_first_then_the_change_then_the_way_back(arm, az, tmp_path):
    cluster = arm.add_cluster('aks1', managed=2, ports=1024, idle=30, **LISTED)
    own = ','.join(public(arm, arm.add_public_ip(name), address) for name, address in (('a', '20.1.2.3'),
                                                                                      ('b', '20.1.2.4')))
    before, file = set_of(arm, cluster), tmp_path / 'saved.json'
    plan = f'aks lb plan -g rg1 -n aks1 --outbound-ips {own} --outbound-ports 2048'
    planned = az(f'{plan} --save-to {file}', check=True).json
    assert az(f'aks lb plan --from-file {file} --outbound-ips {own} --outbound-ports 2048', check=True).json == planned
    table = az(f'{plan} -o table', check=True)
    assert table.stderr.index('--api-server-authorized-ip-ranges') < table.stderr.index('--load-balancer-outbound-ips')
    first = found(planned, NEW_IPS)
    assert first['severity'] == 'warning' and first['command'].endswith(f'{OFFICE},20.1.2.3,20.1.2.4')
    az.shell(first['command'], check=True)
    assert arm.get(cluster)['properties']['apiServerAccessProfile']['authorizedIPRanges'] == [
        OFFICE, '20.1.2.3', '20.1.2.4']
    again = az(plan, check=True).json
    codes = [{one['code'] for one in result['findings']} for result in (planned, again)]
    assert codes[0] - codes[1] == {NEW_IPS} and codes[1] <= codes[0] and again['command'] == planned['command']
    az.shell('\n'.join(again['commands']), check=True)
    assert set_of(arm, cluster) != before
    back = again['rollback']
    assert back['flags'] == ['--load-balancer-managed-outbound-ip-count', '2', '--load-balancer-outbound-ports', '1024']
    assert any('addresses of the managed IPs' in told for told in back['notRestored'])
    az.shell(back['command'], check=True)
    assert set_of(arm, cluster) == before


def test_recommend_has_the_way_back_and_says_what_stays(arm, az):
    cluster = arm.add_cluster('aks1', pools=[pool(count=3, max_count=12)], ports=4000,
                              outbound_ips=[public(arm, arm.add_public_ip('a'), '20.1.2.3')], **LISTED)
    before = set_of(arm, cluster)
    recommended = az('aks lb recommend -g rg1 -n aks1 --outbound-ports 8000', check=True).json
    assert 'Make the public IPs first' in found(recommended, NEW_IPS)['remediation']
    assert any('aks1-outbound-1' in told for told in recommended['rollback']['notRestored'])
    az.shell('\n'.join(recommended['commands']), check=True)
    az.shell(recommended['rollback']['command'], check=True)
    assert set_of(arm, cluster) == before


def test_a_gateway_that_the_api_server_does_not_let_in(arm, az, tmp_path):
    """From Azure, from a snapshot, anonymous or not, and in a fleet; the line lets it in."""
    made = every_way(arm)
    address = next(key for key in arm.resources if key.endswith('/publicipaddresses/out'))
    public(arm, address, '20.1.2.3')
    for name in ('nat', 'plain'):
        arm.resources[made[name].lower()]['properties'].update(LISTED)
    checked = az(f'aks lb check -g rg1 -n nat --save-to {tmp_path}/nat.json', check=True).json
    one = found(checked, EGRESS)
    assert (one['severity'], checked['status']) == ('error', 'error') and '20.1.2.3' in one['message']
    az(f'aks lb check -g rg1 -n nat --save-to {tmp_path}/hidden.json --anonymize', check=True)
    filed, hidden, plain = in_one_process(az, [f'check --from-file {tmp_path}/nat.json',
                                               f'check --from-file {tmp_path}/hidden.json', 'check -g rg1 -n plain'])
    assert filed.json == checked and found(hidden.json, EGRESS)['severity'] == 'error'
    assert '20.1.2.3' not in json.dumps(hidden.json) and found(plain.json, EGRESS) is None
    rows = {row['name']: row for row in az('aks lb list', check=True).json}
    assert (rows['nat']['status'], rows['nat']['topFinding']) == ('error', checked['findings'][0]['code'])
    az.shell(one['command'], check=True)
    after = az('aks lb check -g rg1 -n nat', check=True).json
    assert {one['code'] for one in checked['findings']} - {one['code'] for one in after['findings']} == {EGRESS}


# the quota for public IPs

def overfull(arm, **more):
    """A cluster that needs an IP more."""
    return arm.add_cluster('aks1', pools=[pool(count=9)], ports=8000, **more)


@pytest.mark.parametrize('own', [False, True])
def test_a_quota_that_does_not_suffice_is_an_error_and_azure_says_so_too(arm, az, tmp_path, own):
    overfull(arm, **({'outbound_ips': [arm.add_public_ip('a')]} if own else {}))
    arm.network.quotas['StandardSkuPublicIpAddresses'] = 1
    recommended = az(f'aks lb recommend -g rg1 -n aks1 --save-to {tmp_path}/saved.json', check=True).json
    checked = az('aks lb check -g rg1 -n aks1', check=True).json
    for result in (recommended, checked):
        one = found(result, 'PublicIpQuota')
        assert one['severity'] == 'error' and '0 are left (1 of 1 in westeurope)' in one['message'], one
        assert found(result, 'QuotaNotChecked') is None and one['command'] is None
    asked = arm.seen('/usages$')
    assert [record.path.rsplit('/', 3)[-2] for record in asked] == ['westeurope'] * 2
    refused = az.shell('\n'.join(recommended['commands']))
    assert refused.code != 0 and 'PublicIPCountLimitReached' in refused.stderr
    filed = az(f'aks lb recommend --from-file {tmp_path}/saved.json', check=True).json
    assert filed == recommended
    arm.network.quotas.clear()
    roomy = az('aks lb recommend -g rg1 -n aks1', check=True).json
    assert {one['code'] for one in recommended['findings']} - {one['code'] for one in roomy['findings']} == {
        'PublicIpQuota'}
    az.shell('\n'.join(roomy['commands']), check=True)


def test_a_quota_that_may_not_be_read_names_the_permission(arm, az):
    overfull(arm)
    arm.fault('/usages$', Status(403, action='Microsoft.Network/locations/usages/read'))
    recommended, checked, planned = in_one_process(az, [f'{one} -g rg1 -n aks1'
                                                        for one in ('recommend', 'check', 'plan')])
    assert 'Microsoft.Network/locations/usages/read is missing' in found(recommended.json, 'QuotaNotChecked')['message']
    skipped = {one['code']: one['reason'] for one in checked.json['skipped']}
    assert 'Microsoft.Network/locations/usages/read is missing' in skipped['PublicIpQuota']
    assert 'was not read' in found(planned.json, 'QuotaNotChecked')['message']
    assert len(arm.seen('/usages$')) == 2, 'plan does not ask'


def test_prefixes_have_a_quota_of_their_own_where_they_are_made(arm, az, tmp_path):
    cluster = overfull(arm, outbound_ip_prefixes=[arm.add_public_ip_prefix('p', 31)])
    arm.resources[cluster.lower()]['location'] = 'West Europe'
    arm.network.quotas['PublicIpPrefixes'] = 1
    typed = '--outbound-ports 16000 --save-to'
    one = found(az(f'aks lb recommend -g rg1 -n aks1 {typed} {tmp_path}/a.json', check=True).json, 'PublicIpQuota')
    assert one is not None and 'PublicIpPrefixes' in one['message']
    az(f'aks lb recommend -g rg1 -n aks1 {typed} {tmp_path}/b.json --anonymize', check=True)
    again = az(f'aks lb recommend --from-file {tmp_path}/b.json --outbound-ports 16000', check=True).json
    assert found(again, 'PublicIpQuota')['evidence'] == one['evidence'] and found(again, 'QuotaNotChecked') is None


def test_the_quota_is_that_of_the_subscription_where_ips_are_made(arm, az):
    own = arm.add_public_ip('a', 'net', OTHER_SUBSCRIPTION)
    overfull(arm, outbound_ips=[own])
    az('aks lb recommend -g rg1 -n aks1', check=True)
    assert arm.seen('/usages$')[0].path.split('/')[2] == OTHER_SUBSCRIPTION


# moves of the outbound type

def move_to(result, to):
    """The move to that outbound type."""
    return next(one for one in result['moves'] if one['to'] == to)


def lines_of(move):
    """Its lines, without those that only look."""
    return [step['command'] for step in move['steps'] if step['command'] and ' aks lb ' not in step['command']]


def test_a_move_to_a_managed_gateway_and_its_alternative_are_the_same(arm, az, tmp_path):
    cluster = arm.add_cluster('aks1', pools=[pool(count=40, max_count=200)], idle=30)
    checked = az(f'aks lb check -g rg1 -n aks1 --save-to {tmp_path}/a.json', check=True).json
    filed, recommended = in_one_process(az, [f'check --from-file {tmp_path}/a.json', 'recommend -g rg1 -n aks1'])
    assert filed.json['moves'] == checked['moves']
    assert [one['to'] for one in checked['moves']] == ['managedNATGateway', 'managedNATGatewayV2', 'none', 'block']
    move = move_to(checked, 'managedNATGateway')
    way = next(one for one in recommended.json['alternatives'] if 'NAT gateway' in one['title'])
    assert way['steps'] == move['steps'] and [way['command']] == lines_of(move)
    assert way['command'].endswith('--nat-gateway-idle-timeout 30')
    az.shell('\n'.join(lines_of(move)), check=True)
    assert arm.get(cluster)['properties']['networkProfile']['outboundType'] == 'managedNATGateway'
    after = az.shell(move['steps'][-1]['command'], check=True).json
    assert (after['egress']['effective'], len(after['egress']['addresses'])) == ('natGateway', 1)
    back = move_to(after, 'loadBalancer')
    assert any('Documents disagree' in told for told in back['consequences'])
    assert az.shell('\n'.join(lines_of(back))).code != 0, 'the stand-in goes by the table'


def test_a_move_to_a_gateway_of_ones_own_lists_it_first_and_joins_what_was_forgotten(arm, az, tmp_path):
    first, second = arm.add_subnets('a', 'b')
    gateway = arm.add_nat_gateway(public(arm, arm.add_public_ip('out', 'network'), '20.1.2.3'))
    arm.join(first, gateway)
    arm.add_cluster('aks1', pools=[pool('a', vnetSubnetID=first), pool('b', vnetSubnetID=second)], **LISTED)
    checked = az(f'aks lb check -g rg1 -n aks1 --save-to {tmp_path}/a.json', check=True).json
    assert az(f'aks lb check --from-file {tmp_path}/a.json', check=True).json['moves'] == checked['moves']
    lines = lines_of(move_to(checked, 'userAssignedNATGateway'))
    assert [line.split()[1:3] for line in lines] == [['aks', 'update'], ['network', 'vnet'], ['aks', 'update']]
    assert '--api-server-authorized-ip-ranges' in lines[0] and lines[2].endswith('userAssignedNATGateway')
    assert az.shell(lines[2]).code != 0, 'Azure wants the gateway on each subnet before'
    az.shell('\n'.join(lines), check=True)
    after = az('aks lb check -g rg1 -n aks1', check=True).json
    assert (after['egress']['effective'], after['egress']['addresses']) == ('natGateway', ['20.1.2.3'])
    assert found(after, EGRESS) is None and found(after, 'EgressBlocked') is None
    back = move_to(after, 'loadBalancer')
    assert 'until then traffic leaves by it' in back['steps'][-2]['what']
    az.shell('\n'.join(lines_of(back)), check=True)
    assert az('aks lb show -g rg1 -n aks1', check=True).json['egress']['declared'] == 'loadBalancer'


def test_what_cannot_move_has_no_moves_and_no_answer_leads_with_them(arm, az):
    arm.add_cluster('auto', nodeProvisioningProfile={'mode': 'Auto'})
    arm.add_cluster('basic', sku='Basic')
    arm.add_cluster('fine', ports=1024)
    auto, basic, fine = in_one_process(az, [f'check -g rg1 -n {name}' for name in ('auto', 'basic', 'fine')])
    assert auto.json['moves'] == basic.json['moves'] == [] and len(fine.json['moves']) == 4
    assert 'node auto-provisioning' in found(auto.json, 'OutboundTypeMoves')['message']
    assert fine.json['findings'][-1]['code'] == 'OutboundTypeMoves'
    rows = az('aks lb list', check=True).json
    assert 'OutboundTypeMoves' not in {row['topFinding'] for row in rows}
