"""Own public IPs and prefixes that Azure does not take: they lead in every command, nothing else is to be set, and the
ways out are one list that works."""
import json

import pytest

from tests.azure import OTHER_SUBSCRIPTION, SUBSCRIPTION, Status, pool
from tests.support.contract import conform
from tests.support.together import in_one_process

NETWORK = f'/subscriptions/{SUBSCRIPTION}/resourceGroups/other/providers/Microsoft.Network'
ELSEWHERE = {'id': f'{NETWORK}/networkInterfaces/vm/ipConfigurations/one'}
GATEWAY = {'id': f'{NETWORK}/natGateways/nat'}


def _own(name, **body):
    """A cluster with an own IP that is whole, and one that is not: `body` is what is wrong with it."""
    def build(arm):
        whole, bad = (arm.add_public_ip(f'{name}-{which}', 'network') for which in ('whole', 'bad'))
        return _spoilt(arm, _cluster(arm, name, whole, bad), bad, body)
    return build


def _prefix(name, **body):
    """The same with prefixes."""
    def build(arm):
        whole, bad = (arm.add_public_ip_prefix(f'{name}-{which}', 31, 'network') for which in ('whole', 'bad'))
        return _spoilt(arm, _cluster(arm, name, whole, bad), bad, body)
    return build


def _spoilt(arm, cluster, resource_id, body):
    stored = arm.resources[resource_id.lower()]
    stored.update({key: {**stored['properties'], **value} if key == 'properties' else value
                   for key, value in body.items()})
    return cluster, resource_id


def _gone(build):
    """It does not exist any more, and is in force no more."""
    def remove(arm):
        cluster, bad = build(arm)
        arm.remove(bad)
        return cluster, bad
    return remove


def _allocated(arm):
    """A prefix that a public IP was made from."""
    whole, bad = (arm.add_public_ip_prefix(f'allocated-{which}', 31, 'network') for which in ('whole', 'bad'))
    arm.add_public_ip('web', 'network', prefix=bad)
    return _cluster(arm, 'allocated', whole, bad), bad


def _far(arm):
    """A prefix of another subscription."""
    whole = arm.add_public_ip_prefix('far-whole', 31, 'network')
    bad = arm.add_public_ip_prefix('far-bad', 31, 'network', OTHER_SUBSCRIPTION)
    return _cluster(arm, 'far', whole, bad), bad


def _cluster(arm, name, whole, bad):
    """One whose profile names both, and that goes on with the one that can be used."""
    kind, key = (('outboundIPPrefixes', 'publicIPPrefixes') if '/publicipprefixes/' in whole.lower() else
                 ('outboundIPs', 'publicIPs'))
    cluster = arm.add_cluster(name, pools=[pool(count=5)], ports=8000,
                              **{'outbound_ip_prefixes' if 'Prefixes' in kind else 'outbound_ips': [whole]})
    arm.resources[cluster.lower()]['properties']['networkProfile']['loadBalancerProfile'][kind][key].append({'id': bad})
    return cluster


#: Each kind of fault: how it is made, what is found, the word that AKS refuses with, and the ways out.
MAKE, UPGRADE, DETACH, FREE, LEAVE = 'Make', 'Upgrade', 'Detach', 'Delete the public IPs', 'Give the list without'
FAULTS = {
    'gone': (_gone(_own('gone')), 'OutboundIpMissing', 'NotExist', [MAKE, LEAVE]),
    'basic': (_own('basic', sku={'name': 'Basic'}), 'OutboundIpNotStandard', 'NotStandardSKU', [UPGRADE, LEAVE]),
    'abroad': (_own('abroad', location='eastus'), 'OutboundIpOtherRegion', 'NotInTheSameRegion', [LEAVE]),
    'made': (_own('made', tags={'aks-managed-type': 'aks-slb-managed-outbound-ip'}), 'OutboundIpMadeByAks',
             'HasManagedOutboundIPTag', [LEAVE]),
    'attached': (_own('attached', properties={'ipConfiguration': ELSEWHERE}), 'OutboundIpAttachedElsewhere',
                 'AttachedToAnotherIPConfiguration', [DETACH, LEAVE]),
    'prefix-gone': (_gone(_prefix('prefix-gone')), 'OutboundIpMissing', 'NotExist', [MAKE, LEAVE]),
    'prefix-abroad': (_prefix('prefix-abroad', location='eastus'), 'OutboundIpOtherRegion', 'NotInTheSameRegion',
                      [LEAVE]),
    'prefix-attached': (_prefix('prefix-attached', properties={'natGateway': GATEWAY}), 'OutboundIpAttachedElsewhere',
                        'AttachedToAnotherIPConfiguration', [DETACH, LEAVE]),
    'far': (_far, 'OutboundIpOtherSubscription', 'NotInTheSameSubscription', [LEAVE]),
    'allocated': (_allocated, 'OutboundPrefixInUse', 'InUse', [FREE, LEAVE]),
}
COMMANDS = ('show', 'plan', 'recommend', 'check')
REFUSED = 'Azure refuses every update: an own outbound IP cannot be used.'


@pytest.fixture
def broken(arm):
    """{name: (cluster, the address that is wrong)} of each kind."""
    return {name: build(arm) for name, (build, *_) in FAULTS.items()}


def test_it_leads_in_every_command_live_from_a_snapshot_and_in_a_fleet(arm, az, broken, tmp_path):
    rows = {row['name']: row for row in az('aks lb list', check=True).json}
    lines = [f'{command} -g rg1 -n {name} --save-to {tmp_path / name}.{command}'
             for name in broken for command in COMMANDS]
    live = in_one_process(az, lines)
    arm.reset()
    filed = in_one_process(az, [f'{command} --from-file {tmp_path / name}.{command}'
                                for name in FAULTS for command in COMMANDS])
    for number, (name, (_, code, _, ways)) in enumerate(FAULTS.items()):
        for command, now, again in zip(COMMANDS, live[4 * number:], filed[4 * number:]):
            result = now.json if command == 'check' else conform(command, now.json)
            assert again.json == result, (name, command)
            assert result['verdict']['answer'] == REFUSED, (name, command)
            assert f'{name}-bad' in result['verdict']['change'], result['verdict']
            if command != 'show':
                _assert_leads(result, code, ways)
            if command in ('plan', 'recommend'):
                _assert_not_counted(result, broken[name][1])
        # A fleet cannot tell what does not exist from what may not be seen.
        top = ('warning', 'OutboundIpNotReadable') if code == 'OutboundIpMissing' else ('error', code)
        assert (rows[name]['status'], rows[name]['topFinding']) == top, rows[name]


def _assert_leads(result, code, ways):
    first = result['findings'][0]
    assert (first['code'], first['severity'], first['command']) == (code, 'error', None)
    assert first['remediation']
    assert (result['command'], result['commands'], result['flags'], result['prerequisites']) == (None, [], [], [])
    assert result['noCommand']['reason'] == 'addressUnusable'
    assert [way['title'].split(' ')[0] for way in result['noCommand']['waysOut']] == [way.split(' ')[0] for way in ways]
    assert '--load-balancer-' not in json.dumps([result['findings'], result['noCommand']])


def _assert_not_counted(result, bad):
    assert result['proposed']['fits'] is False and result['profile'] is None
    proposed = result['proposed']['outboundIps'] + result['proposed']['outboundIpPrefixes']
    assert len(proposed) == 1 and bad.lower() not in map(str.lower, proposed)
    counts = {result[column]['outboundIpCount'] for column in ('current', 'proposed')}
    assert counts == {1 if '/publicipaddresses/' in bad.lower() else 2}, counts
    assert result.get('alternatives', []) == [] and not any(result['fragments'].values())


def test_the_table_leads_with_it_and_ends_with_the_lines_of_the_ways_out(az, broken):
    """Nothing is created beside it: the one line that creates something makes it again."""
    tables = in_one_process(az, [f'{command} -g rg1 -n {name} -o table'
                                 for name in broken for command in ('show', 'plan', 'check')])
    for number, (name, (_, bad)) in enumerate(broken.items()):
        shown, *others = tables[3 * number:3 * number + 3]
        for table in (shown, *others):
            assert table.stdout.splitlines()[2].endswith(REFUSED), str(table)
        for table in others:
            told = ' '.join(table.stdout.split())
            assert '1. ' in told and 'allow-list' in told
            lines = [line.removeprefix('WARNING:').strip() for line in table.stderr.splitlines() if ': az ' not in line]
            lines = [line for line in lines if line.startswith('az ')]
            assert lines[-1].startswith(f'az aks lb plan --resource-group rg1 --name {name} '), lines
            assert bad not in lines[-1] and f'{name}-whole' in lines[-1]
            made = [line for line in lines if ' create ' in line]
            assert len(made) == (name == 'gone') and all(f'--name {name}-bad ' in line for line in made)
            assert 'az aks update' not in table.stdout + table.stderr


def test_azure_refuses_every_update_until_then(az, broken):
    refused = in_one_process(az, [f'aks update -g rg1 -n {name} --load-balancer-idle-timeout 10' for name in broken])
    for result, (_, _, word, _) in zip(refused, FAULTS.values()):
        assert result.code != 0 and word in result.stderr, str(result)


def test_leaving_it_out_is_a_way_out(az, broken):
    """The plan of the last way gives a line that the real CLI and AKS take; then no own address is at fault."""
    plans = in_one_process(az, [f'plan -g rg1 -n {name} --outbound-ports 4000' for name in broken])
    asked = [plan.json['noCommand']['waysOut'][-1]['commands'] for plan in plans]
    again = in_one_process(az, [line.removeprefix('az ') for line, in asked])
    for name, result in zip(broken, again):
        assert result.json['command'] and 'whole' in result.json['command'], name
        assert result.json['proposed']['outboundPorts'] == 4000, 'what was typed stays typed'
    for result in in_one_process(az, [line.removeprefix('az ') for one in again for line in one.json['commands']]):
        assert result.code == 0, str(result)
    for result in in_one_process(az, [f'check -g rg1 -n {name}' for name in broken]):
        found = {one['code'] for one in result.json['findings'] if one['severity'] != 'info'}
        assert not found & {code for _, code, _, _ in FAULTS.values()}, found
        assert result.json['noCommand']['reason'] == 'nothingToDo'


def test_making_it_again_is_a_way_out(arm, az):
    """Under the same id, with another address; an update brings it into use."""
    _, bad = FAULTS['gone'][0](arm)
    before = az('aks lb plan -g rg1 -n gone', check=True).json
    made, = before['noCommand']['waysOut'][0]['commands']
    az.shell(made, check=True)
    assert arm.get(bad)['properties']['ipAddress']
    check = az('aks lb check -g rg1 -n gone', check=True).json
    assert check['noCommand']['reason'] == 'nothingToDo' and 'OutboundIpMissing' not in str(check['findings'])
    line, = {one['command'] for one in check['findings'] if one['code'] == 'OutboundIpsDiffer'}
    az.shell(line, check=True)
    after = az('aks lb check -g rg1 -n gone', check=True).json
    assert 'OutboundIpsDiffer' not in str(after['findings'])
    effective = arm.get(f'/subscriptions/{SUBSCRIPTION}/resourcegroups/rg1/providers/Microsoft.ContainerService/'
                        'managedClusters/gone')['properties']['networkProfile']['loadBalancerProfile']
    assert bad.lower() in str(effective['effectiveOutboundIPs'])


def test_upgrading_it_is_a_way_out(arm, az):
    """It keeps its address."""
    _, bad = _own('upgraded', sku={'name': 'Basic'}, properties={'publicIPAllocationMethod': 'Dynamic'})(arm)
    address = arm.get(bad)['properties']['ipAddress']
    way, _ = az('aks lb plan -g rg1 -n upgraded', check=True).json['noCommand']['waysOut']
    assert ['--allocation-method Static' in line for line in way['commands']] == [True, False]
    for line in way['commands']:
        az.shell(line, check=True)
    assert (arm.get(bad)['sku']['name'], arm.get(bad)['properties']['ipAddress']) == ('Standard', address)
    assert az('aks lb plan -g rg1 -n upgraded', check=True).json['noCommand']['reason'] == 'nothingToDo'


def test_what_may_not_be_read_is_unknown_and_not_gone(arm, az):
    """It is counted, and the line names it."""
    cluster, bad = _own('unseen')(arm)
    arm.fault('/unseen-bad$', Status(403, action='Microsoft.Network/publicIPAddresses/read'))
    result = conform('plan', az('aks lb plan -g rg1 -n unseen --outbound-ports 40000', check=True).json)
    assert result['current']['outboundIpCount'] == 2 and bad in result['command']
    codes = {one['code']: one for one in result['findings']}
    assert 'OutboundIpMissing' not in codes
    assert 'Microsoft.Network/publicIPAddresses/read' in codes['OutboundIpNotReadable']['remediation']
    assert any('not checked' in one for one in result['unverified'])


def test_an_id_that_was_typed_and_does_not_exist_is_named(arm, az):
    """It is no matter of every update, but of this one."""
    arm.add_cluster('typed', ports=1024)
    missing = f'{NETWORK}/publicIPAddresses/missing'
    result = az(f'aks lb plan -g rg1 -n typed --outbound-ips {missing}', check=True).json
    assert result['verdict']['answer'] == 'Azure would refuse this: an own outbound IP that was given cannot be used.'
    make, others = result['noCommand']['waysOut']
    assert make['title'] == 'Make missing under the same id.' and '--name missing ' in make['commands'][0]
    assert others['commands'] == [] and '--managed-ip-count' in others['title']
