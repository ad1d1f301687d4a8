"""`az aks lb plan` says of options what `az aks update` then does with them, and its lines are taken as they stand."""
import pytest

from tests.azure import ABSENT, pool
from tests.support.contract import conform
from tests.support.spread import BATCH, SPREAD
from tests.support.together import in_one_process

GROUP = '/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/network/providers/Microsoft.Network'
IP, PREFIX = f'{GROUP}/publicIPAddresses/mine', f'{GROUP}/publicIPPrefixes/mine'
COUNT, COUNT6 = '--load-balancer-managed-outbound-ip-count', '--load-balancer-managed-outbound-ipv6-count'
IPS, PREFIXES = '--load-balancer-outbound-ips', '--load-balancer-outbound-ip-prefixes'
PORTS, IDLE = '--load-balancer-outbound-ports', '--load-balancer-idle-timeout'
KIND = '--load-balancer-backend-pool-type'

#: What is typed, on a cluster `{0}` that has an own IP and an own prefix to take.
ON_ALL = [f'{PORTS} 800', f'{PORTS} 16000', f'{PORTS} 0', f'{IDLE} 100', f'{KIND} nodeIP', f'{COUNT} 2',
          f'{COUNT} 12 {PORTS} 16000 {IDLE} 4', f'{IPS} {IP}-{{0}}', f'{PREFIXES} {PREFIX}-{{0}} {PORTS} 4000']
ON_DUAL_STACK = [*ON_ALL, f'{COUNT6} 2', f'{COUNT} 3 {COUNT6} 1']

MODES = {
    'managed': lambda arm, name: {'ports': 2048},
    'own': lambda arm, name: {'ports': 3000, 'outbound_ips': [arm.add_public_ip(f'{name}-ip{index}')
                                                              for index in range(2)]},
    'prefix': lambda arm, name: {'ports': 3000, 'outbound_ip_prefixes': [arm.add_public_ip_prefix(f'{name}-prefix')]},
    'mixed': lambda arm, name: {'ports': 2048, 'networkProfile': {'loadBalancerProfile': {
        'managedOutboundIPs': {'count': 1}, 'outboundIPs': {'publicIPs': [{'id': arm.add_public_ip(f'{name}-ip')}]}}}},
    'automatic': lambda arm, name: {},
    'dual': lambda arm, name: {'ports': 2048, 'dual_stack': True, 'managed_ipv6': 3},
}

SETTINGS = ('ipSource', 'outboundIpCount', 'effectiveOutboundIpCount', 'managedOutboundIpCount',
            'managedOutboundIpv6Count', 'outboundPorts', 'portsPerNode', 'idleTimeoutInMinutes', 'backendPoolType',
            'availablePorts', 'requiredPorts', 'fits')


@pytest.mark.parametrize('mode', MODES)
def test_requested_is_what_az_aks_update_does(arm, az, mode):
    """The same options, given to both: taken where `fits`, refused where not, and in force afterwards as foretold."""
    commands = []
    for index, options in enumerate(ON_DUAL_STACK if mode == 'dual' else ON_ALL):
        name = f'{mode}{index}'
        arm.add_public_ip(f'mine-{name}', resource_group='network')
        arm.add_public_ip_prefix(f'mine-{name}', 29, resource_group='network')
        arm.add_cluster(name, pools=BATCH, **MODES[mode](arm, name))
        named, options = f'-g rg1 -n {name}', options.format(name)
        commands += [f'plan {named} {options}', f'aks update {named} {options} -o none', f'plan {named}']
    results = in_one_process(az, commands)
    taken = [_foretold(*results[start:start + 3]) for start in range(0, len(results), 3)]
    assert True in taken and (False in taken or mode == 'automatic')


def _foretold(before, update, after):
    """Whether `az aks update` took the options, once it is clear that `az aks lb plan` had said so."""
    foretold, now = conform('plan', before.json), conform('plan', after.json)
    assert (update.code == 0) == (foretold['requested']['fits'] is not False), f'{before}{update.stderr}'
    refusals = [one for one in foretold['findings'] if one['code'] == 'RequestedRefused']
    if update.code:
        assert refusals and refusals[0]['severity'] == 'error'
        assert refusals[0]['message'].split('Total')[1].split('.')[0] in update.stderr, 'its own numbers'
        assert now['current'] == foretold['current']
        return False
    assert not refusals
    assert {key: now['current'][key] for key in SETTINGS} == {key: foretold['requested'][key] for key in SETTINGS}
    for key in ('outboundIps', 'outboundIpPrefixes'):
        assert [one.lower() for one in now['current'][key]] == [one.lower() for one in foretold['requested'][key]]
    return True


@pytest.mark.parametrize('options, expected', [
    ('--node-count 3', [COUNT, '1', PORTS, '1024']),
    ('--node-count 5 --max-count 60 --outbound-ports 4000', [COUNT, '5', PORTS, '4000']),
    ('--node-count 10 --managed-ip-count 7 --idle-timeout 10 --backend-pool-type nodeIP',
     [COUNT, '7', PORTS, '40720', IDLE, '10', KIND, 'nodeIP']),
    ('--node-count 3 --managed-ipv6-count 2', [COUNT, '1', COUNT6, '2', PORTS, '1024']),
    ('--node-count 49 -k 1.31.2 --outbound-ports 1152', [COUNT, '1', PORTS, '1152']),
    (f'--node-count 7 --outbound-ips {IP}', [IPS, IP, PORTS, '8000']),
    (f'--node-count 7 --outbound-ip-prefixes {PREFIX}', [PREFIXES, PREFIX, PORTS, '64000']),
    ('--node-count 100 --max-surge 1 --managed-ip-count 7', [COUNT, '7', PORTS, '4072']),  # create sets no surge
    ('--node-count 3 --outbound-ports 0', [COUNT, '1', PORTS, '0']),
])
def test_a_plan_without_a_cluster_ends_in_a_line_that_creates_it(arm, az, tmp_path, options, expected):
    arm.add_resource_group('MyResourceGroup')
    arm.add_public_ip('mine', resource_group='network')
    arm.add_public_ip_prefix('mine', 29, resource_group='network')
    result = conform('plan', az(f'aks lb plan {options}', check=True).json)
    assert (result['cluster'], result['current'], result['prerequisites']) == (None, None, [])
    assert result['flags'] == expected and result['proposed']['fits'] is True
    az.shell(result['command'], env={'HOME': str(tmp_path)}, check=True)  # it may make SSH keys
    after = az('aks lb plan -g MyResourceGroup -n MyCluster', check=True).json
    assert (after['current']['fits'], after['flags']) == (True, [])
    assert {**after['current'], 'effectiveOutboundIpCount': None, 'enableTcpReset': None} == result['proposed']
    assert after['nodes']['validated'] == result['nodes']['validated']


def test_a_smaller_surge_gives_no_line_that_azure_refuses(arm, az):
    """AKS counts the surge that the pools have: what is typed may only add to it."""
    cluster = arm.add_cluster(pools=[pool(count=100, max_surge='33%')], managed=3, ports=1024)
    result = conform('plan', az(f'aks lb plan --ids {cluster} --max-surge 1 --outbound-ports 1896', check=True).json)
    assert result['requested']['fits'] is False and result['nodes']['validated'] == 133
    az.shell(result['command'], check=True)
    assert az(f'aks lb plan --ids {cluster} --query "[current.fits, command]"', check=True).json == [True, None]


def test_several_sizes_are_a_row_each(arm, az):
    arm.add_cluster(pools=[pool(count=10)], managed=2, ports=2000)
    table, result = in_one_process(az, ['plan -g rg1 -n aks1 --max-count 20,58,200 -o table',
                                        'plan -g rg1 -n aks1 --max-count 20,58,200'])
    assert [' '.join(line.split()) for line in table.stdout.splitlines()[2:]] == [
        '20 22 2000 2 Yes, up to 64 nodes', '58 64 2000 2 Yes, up to 64 nodes',
        '200 220 2000 2 -> 7 No: 64 nodes fit on 2 IPs']
    assert [row['requiredNodes'] for row in conform('plan', result.json)['curve']] == [22, 64, 220]
    assert result.json['command'] is None, 'the rest is the answer without the option'


# decreases and egress

WARNINGS = [
    ('managed', '--outbound-ports 800', {'PortsDecrease'}, {'EgressIpsChange', 'OutboundIpsDecrease'}),
    ('managed', '--outbound-ports 2048', {'EgressIpsChange'}, {'PortsDecrease', 'OutboundIpsDecrease'}),
    ('managed', '--idle-timeout 4 --outbound-ports 800', {'IdleTimeoutDecrease', 'PortsDecrease'}, set()),
    ('managed', '--idle-timeout 100', set(), {'IdleTimeoutDecrease', 'PortsDecrease'}),
    ('fits', '--backend-pool-type nodeIP', {'BackendPoolTypeChange'}, {'EgressIpsChange', 'PortsDecrease'}),
    ('automatic', '--outbound-ports 576', {'PortsDecrease'}, {'EgressIpsChange'}),
    ('automatic', '--outbound-ports 1024', set(), {'PortsDecrease', 'EgressIpsChange'}),
    ('own-ips', f'--outbound-ips {IP} --outbound-ports 8', {'EgressIpsChange', 'OutboundIpsDecrease'}, set()),
    ('own-ips', f'--outbound-ip-prefixes {PREFIX}', {'EgressIpsChange', 'OutboundIpsDecrease'}, {'PortsDecrease'}),
    ('fits', f'--outbound-ips {IP}', {'EgressIpsChange', 'OutboundIpsDecrease'}, {'PortsDecrease'}),
    ('fits', f'--outbound-ip-prefixes {PREFIX}', {'EgressIpsChange', 'OutboundIpsDecrease'}, {'PortsDecrease'}),
    ('two-ips', '--managed-ip-count 1', {'EgressIpsChange', 'OutboundIpsDecrease'},
     {'PortsDecrease', 'MoreIpsNoPorts'}),
    ('two-ips', '--managed-ip-count 4', {'EgressIpsChange', 'MoreIpsNoPorts'}, {'PortsDecrease'}),
    ('two-ips', '--managed-ip-count 4 --outbound-ports 2048', {'EgressIpsChange'}, {'MoreIpsNoPorts'}),
    ('automatic', '--managed-ip-count 4', {'EgressIpsChange'}, {'MoreIpsNoPorts'}),
]


def test_what_cuts_connections_or_breaks_allow_lists_is_a_warning(arm, az):
    arm.add_public_ip('mine', resource_group='network')
    arm.add_public_ip_prefix('mine', 28, resource_group='network')
    made = {name: SPREAD[name](arm) for name in ('managed', 'fits', 'automatic', 'own-ips')}
    made['two-ips'] = arm.add_cluster('two-ips', managed=2, ports=1024)
    commands = [f'plan --ids {made[name]} {options}' for name, options, _, _ in WARNINGS]
    for result, (_, _, given, not_given) in zip(in_one_process(az, commands), WARNINGS):
        found = {one['code']: one for one in result.json['findings']}
        assert result.json['command'] and given <= set(found) and not not_given & set(found), str(result)
        assert all(found[code]['severity'] == 'warning' for code in given)
        if 'EgressIpsChange' in given:
            assert found['EgressIpsChange']['evidence']['egressIpsNow'], 'the old ones'


def test_more_ips_alone_give_no_node_a_port_more(arm, az):
    """azure-docs#81893: 4 IPs x 64,000 ports for 4 nodes are 64,000 each, and the allocation stays 1024."""
    arm.add_cluster(pools=[pool(count=3, max_surge='1')], managed=2, ports=1024)
    [finding] = [one for one in az('aks lb plan -g rg1 -n aks1 --managed-ip-count 4', check=True).json['findings']
                 if one['code'] == 'MoreIpsNoPorts']
    assert finding['evidence'] == {'ipsBefore': 2, 'ips': 4, 'portsPerNode': 1024, 'maxPortsPerNode': 64000}
    assert 'each keeps 1024' in finding['message'] and '--outbound-ports 64000' in finding['remediation']


def test_a_decrease_that_nobody_typed_needs_consent(arm, az):
    cluster = arm.add_cluster(pools=[pool(count=9)], managed=5, ports=32000)
    kept, consent, unneeded, no = in_one_process(az, [f'plan --ids {cluster} {options}' for options in (
        '--managed-ip-count 4', '--managed-ip-count 4 --allow-decrease', '--allow-decrease',
        '--managed-ip-count 4 --allow-decrease false')])
    for result in (kept.json, no.json):
        assert (result['proposed']['fits'], result['commands'], result['flags']) == (False, [], [])
        assert result['proposed']['outboundPorts'] == 32000
        finding, = [one for one in result['findings'] if one['code'] == 'DecreaseNeeded']
        assert finding['severity'] == 'error' and '--allow-decrease' in finding['remediation']
    assert consent.json['flags'] == [COUNT, '4', PORTS, '25600']
    assert {'PortsDecrease', 'OutboundIpsDecrease'} <= {one['code'] for one in consent.json['findings']}
    assert unneeded.json['flags'] == [], 'spare capacity is nobody\'s reason to cut'


def test_mixed_modes_get_ports_and_timeout_only(arm, az):
    cluster = SPREAD['mixed'](arm)
    none, ports, idle = in_one_process(az, [f'plan --ids {cluster} {options}' for options in (
        '', '--outbound-ports 800', '--outbound-ports 800 --idle-timeout 10 --allow-decrease')])
    assert none.json['commands'] == [] and none.json['current']['ipSource'] == 'mixed'
    finding, = [one for one in none.json['findings'] if one['code'] == 'MixedOutboundIpsBlocked']
    assert finding['severity'] == 'error' and finding['command'] is None
    assert ports.json['flags'] == [PORTS, '800'] and idle.json['flags'] == [PORTS, '800', IDLE, '10']
    az.shell(idle.json['command'], check=True)
    assert arm.detached == []


# the gate

def test_fail_on_ends_with_4_after_the_result_was_printed(arm, az):
    arm.add_cluster('clean', ports=1024)
    arm.add_cluster('warned', pools=[pool(count=40, max_count=90)])           # automatic allocation will drop
    arm.add_cluster('broken', pools=[pool(count=4)], ports=16000)
    arm.add_cluster('nat', outbound_type='managedNATGateway', networkProfile={'loadBalancerProfile': ABSENT})
    codes = {'clean': (0, 0, 0), 'warned': (0, 0, 4), 'broken': (0, 4, 4), 'nat': (0, 0, 0)}
    commands = [(name, code, f'plan -g rg1 -n {name} --fail-on {level} {output}') for name in codes
                for code, level in zip(codes[name], ('none', 'error', 'warning'))
                for output in ('-o json', '-o none', '--query cluster.name -o tsv')]
    for result, (name, code, command) in zip(in_one_process(az, [one for *_, one in commands]), commands):
        assert result.code == code, str(result)
        errors = [line for line in result.stderr.splitlines() if line.startswith('ERROR')]
        assert len(errors) == (code == 4) and all('--fail-on' in line for line in errors), str(result)
        assert 'Traceback' not in result.stderr
        if command.endswith('json'):
            assert conform('plan', result.json)['cluster']['name'] == name
        else:
            assert result.stdout == ('' if command.endswith('none') else f'{name}\n')
    assert az('aks lb plan -g rg1 -n broken --fail-on error --query "[].x"').code == 4, 'also of the real executable'
    assert az('aks lb plan --node-count 300 --outbound-ports 64000 --fail-on error -o none').code == 4
    assert az('aks lb plan --node-count 3 --fail-on error -o none').code == 0
