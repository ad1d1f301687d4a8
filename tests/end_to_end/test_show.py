"""How results reach a user: every output format, queries, tables for eyes, hints on stderr; and what `show` reads."""
import json
import re

import pytest
import yaml

from tests.azure import Cut, Drop, Html, Status, Truncated, pool
from tests.support.contract import conform
from tests.support.spread import SPREAD
from tests.support.together import in_one_process

NAMED = '-g rg1 -n aks1'
COMMANDS = ('show', 'plan', 'recommend')
NEXT = 'az aks update'


def tight(arm):
    """A cluster that needs a change, with zeros in it."""
    return arm.add_cluster(pools=[pool(count=4), pool('empty', 0, mode='User')], ports=16000)


@pytest.mark.parametrize('command', COMMANDS)
def test_every_output_format_holds_the_result_and_nothing_else(arm, az, command):
    tight(arm)
    formats = ('json', 'jsonc', 'yaml', 'yamlc', 'tsv', 'none', 'table')
    results = dict(zip(formats, in_one_process(az, [f'{command} {NAMED} -o {name}' for name in formats])))
    for name, result in results.items():
        assert result.code == 0 and (name == 'table' or result.stderr == ''), str(result)
    held = conform(command, results['json'].json)
    for name in ('jsonc', 'yaml', 'yamlc'):
        plain = re.sub('\x1b\\[[0-9;]*m', '', results[name].stdout)
        read = json.loads(plain) if name == 'jsonc' else yaml.safe_load(plain)
        assert without_times(read) == without_times(held)
    assert results['none'].stdout == ''
    line, = results['tsv'].stdout.splitlines()
    assert len(line.split('\t')) == len(held), 'a column for each key, in the order of their names'


def without_times(result):
    """`recommend` measures until now: two runs may see two minutes."""
    return {key: value for key, value in result.items() if key not in ('evidence', 'reasons')}


@pytest.mark.parametrize('command', COMMANDS)
def test_a_query_gives_numbers_as_numbers_and_no_hints(arm, az, command):
    tight(arm)
    picked, text, table, nothing, bad = in_one_process(az, [f'{command} {NAMED} {more}' for more in (
        '--query "[nodes.current, nodes.pools[1].current, current.outboundPorts, current.fits]"',
        '--query current.headroomPorts -o tsv', '--query "{ports: current.outboundPorts, empty: nodes.pools[1].max}" '
        '-o table', '--query nodes.nothing', '--query "nodes[" -o json')])
    assert picked.json == [4, 0, 16000, False] and text.stdout == '-16000\n' and nothing.stdout == ''
    assert table.stdout.splitlines()[2].split()[0] == '16000'
    assert not any(result.stderr for result in (picked, text, table, nothing))
    assert bad.code == 2 and 'Traceback' not in bad.stderr and bad.stdout == ''


@pytest.mark.parametrize('command', COMMANDS)
def test_a_table_fits_its_page_and_prints_a_zero_as_0(arm, az, command):
    """On the widest names that Azure allows, alone and among several, and where there is next to nothing to say."""
    names = {'x' * 63: {'pools': [pool('x' * 12, 0, max_count=1000), pool('y' * 12, 4)]},
             'own': {'outbound_ips': [arm.add_public_ip('z' * 80)], 'ports': 64000, 'pools': [pool(count=4)]},
             'nat': {'outbound_type': 'managedNATGateway'}, 'basic': {'sku': 'Basic'}}
    made = [arm.add_cluster(name, **more) for name, more in names.items()]
    *alone, several = in_one_process(az, [f'{command} --ids {one} -o table' for one in made + [' '.join(made)]])
    for result in (*alone, several):
        assert result.code == 0 and max(map(len, result.stdout.splitlines())) <= 80, str(result)
    rows = dict(row.split('  ', 1) for row in alone[0].stdout.splitlines()[2:])
    assert rows['Nodes'].strip().startswith('4 now, 1004 at most')
    for result in alone:
        labels = [row.split('  ')[0] for row in result.stdout.splitlines()[2:] if not row.startswith(' ')]
        assert labels[:3] == ['Verdict', 'Binds', 'Change']
    assert {row.split()[0][:9] for row in several.stdout.splitlines()[2:]} == {'x' * 9, 'own', 'nat', 'basic'}


def test_hints_are_for_tables_only_and_on_stderr_only(arm, az):
    tight(arm)
    table, queried, plain = in_one_process(az, [f'plan {NAMED} {more}' for more in (
        '-o table', '-o table --query "findings[].{c: code}"', '')])
    quiet = az(f'aks lb plan {NAMED} -o table --only-show-errors', check=True)
    line = plain.json['command']
    assert line.startswith(NEXT) and line in table.stderr
    assert table.stderr.rstrip().endswith(line), 'the line to run comes last'
    assert NEXT not in table.stdout + quiet.stderr and quiet.stdout == table.stdout
    assert quiet.stderr == ''
    assert queried.stdout and queried.stderr == ''


def test_only_reads_and_few_of_them(arm, az):
    """`show` and `plan`: the cluster, then the rest side by side; managed IPs are read as one list."""
    for name in ('managed', 'own-ips', 'nat'):
        cluster = SPREAD[name](arm)
        for command in ('show', 'plan'):
            arm.requests.clear()
            assert in_one_process(az, [f'{command} --ids {cluster}'])[0].code == 0
            kinds = sorted(record.path.split('/')[7 if '/providers/' in record.path else -1] for record in arm.seen())
            gateway = ['natGateways'] if command == 'show' else []
            assert kinds == {
                'managed': ['loadBalancers', 'managedClusters', 'publicIPAddresses', 'virtualNetworks'],
                'nat': ['managedClusters', *gateway, 'publicIPAddresses', 'virtualNetworks'],
                'own-ips': ['loadBalancers', 'managedClusters', *['publicIPAddresses'] * 3, 'virtualNetworks'],
            }[name], kinds
            assert {(record.method, record.body) for record in arm.seen()} == {('GET', b'')}
            assert all(record.api_version for record in arm.seen())


FAULTS = {'forbidden': Status(403, action='Microsoft.Network/loadBalancers/read'), 'gone': Status(404), 'html': Html(),
          'half': Truncated(), 'throttled': Status(429, retry_after='600'), 'cut': Cut(), 'dropped': Drop(),
          'odd': Status(200, body='{"properties": {"outboundRules": 5, "backendAddressPools": [null, {}]}}')}


def test_what_cannot_be_read_never_sinks_the_answer(arm, az):
    """Without the load balancer and an own IP, the cluster alone decides, and the answer says what was missing."""
    for name, fault in FAULTS.items():
        arm.add_cluster(name, outbound_ips=[arm.add_public_ip(f'ip-{name}')], pools=[pool(count=4)], ports=16000)
        arm.fault(f'MC_rg1_{name}_westeurope/.*/loadBalancers/|/ip-{name}$', fault)
    results = in_one_process(az, [f'{command} -g rg1 -n {name}' for name in FAULTS for command in ('show', 'plan')])
    for name, shown, planned in zip(FAULTS, results[::2], results[1::2]):
        assert (shown.code, planned.code) == (0, 0), f'{shown}{planned}'
        shown, planned = conform('show', shown.json), conform('plan', planned.json)
        assert shown['current'] == planned['current'] and shown['nodes']['validated'] == 5
        gone = name == 'gone'  # an IP that does not exist is not counted, and leaves no line
        assert (planned['current']['outboundIpCount'], planned['current']['requiredPorts']) == (int(not gone), 80000)
        assert planned['current']['fits'] is False and ('--load-balancer-outbound-ips' in planned['flags']) != gone
        assert (planned['noCommand'] or {}).get('reason') == ('addressUnusable' if gone else None)
        codes = {one['code']: one for one in planned['findings']}
        missing = 'OutboundIpMissing' if name == 'gone' else 'OutboundIpNotReadable'
        assert name == 'odd' or {'LoadBalancerNotReadable', missing} <= set(codes)
        if name == 'forbidden':
            assert 'Microsoft.Network/loadBalancers/read' in codes['LoadBalancerNotReadable']['remediation']
            assert 'Microsoft.Network/publicIPAddresses/read' in codes['OutboundIpNotReadable']['remediation']
        assert name == 'odd' or shown['unverified'], 'show says it, too'


def test_show_on_every_kind_of_cluster(arm, az):
    """Live, through the wire; what each has in force."""
    made = {name: build(arm) for name, build in SPREAD.items() if not name.startswith('infeasible-')}
    results = in_one_process(az, [f'show --ids {cluster}' for cluster in made.values()])
    shown = {name: conform('show', result.json) for name, result in zip(made, results)}
    assert all(shown[name]['cluster']['id'] == arm.get(cluster)['id'] for name, cluster in made.items())
    sources = {'own-ips': 'publicIps', 'prefixes': 'prefixes', 'mixed': 'mixed', 'dropping-own': 'publicIps',
               **dict.fromkeys(('nat', 'udr', 'none', 'newer', 'basic'), 'none')}
    for name, result in shown.items():
        assert result['current']['ipSource'] == sources.get(name, 'managed'), name
        assert (result['current']['requiredPorts'] is None) == (sources.get(name) == 'none')
        if sources.get(name) != 'none':
            assert result['nodes']['backendPool'] == (0 if name in ('stopped', 'no-pools') else
                                                      len(_members(arm, made[name])))
            assert result['current']['effectiveOutboundIpCount'] == result['current']['outboundIpCount']
    assert shown['prefixes']['current']['outboundIpCount'] == 6
    assert shown['dual-stack']['current']['managedOutboundIpv6Count'] == 3
    assert shown['unbounded']['nodes'] == {**shown['unbounded']['nodes'], 'bounded': False, 'validated': 4,
                                           'required': 63, 'backendPool': 63}
    assert shown['newer']['current']['outboundType'] == 'someFutureType'


def _members(arm, cluster):
    pools = arm.load_balancer(cluster)['properties']['backendAddressPools']
    outbound, = [one for one in pools if one['name'] == 'aksOutboundBackendPool']
    return outbound['properties']['backendIPConfigurations']
