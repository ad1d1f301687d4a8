"""One cluster, one decision: no two commands and no two lines of an answer contradict each other, and Azure agrees.

The first test judges 2,000 generated clusters by every property of `tests.support.one_truth`, in about a minute and a
half; those after it have the cases from which the properties come, and what AKS is known to take and refuse, by hand.
A failure names seeds and the file that the snapshot of the first is in. More clusters, or one alone:

    LBPLAN_CLUSTERS=20000 python3 tests/run.py test tests/unit/decision/test_one_truth.py
    python3 tests/run.py python -m tests.support.one_truth --help
"""
import os
from collections import Counter
from functools import lru_cache

import pytest

from tests.azure import aks_rules, pool
from tests.support.answers import answer, answers, exit_code
from tests.support.generated import generate, measured
from tests.support.one_truth import PROPERTIES, judge, lines, report
from tests.support.oracle import Azure, Refused
from tests.support.spread import snapshot_of

CLUSTERS = int(os.environ.get('LBPLAN_CLUSTERS', '2000'))

PORTS = '--load-balancer-outbound-ports'
COUNT = '--load-balancer-managed-outbound-ip-count'
IDLE_TIMEOUT = '--load-balancer-idle-timeout'


# generated clusters

@lru_cache(maxsize=None)
def violations():
    """What breaks any property, over all clusters: judged once for all tests."""
    return [one for seed in range(CLUSTERS) for one in judge(seed)]


@pytest.mark.parametrize('name', PROPERTIES)
def test_on_every_generated_cluster(name):
    broken = report(violations(), name)
    if broken:
        pytest.fail(f'Not so: {PROPERTIES[name]}.\n{broken}', pytrace=False)


def test_clusters_of_all_kinds_are_generated():
    """What never comes up is never judged."""
    seen = Counter(kind for seed in range(300) for kind in kinds(generate(seed)))
    expected = {
        'managed', 'own IPs', 'own prefixes', 'mixed', 'other outbound type', 'Basic', 'dual-stack', 'stopped',
        'automatic', 'explicit', 'refused', 'autoscaler', 'surge', 'VirtualMachines', 'more live nodes',
        'shared rules', 'drift', 'metrics', 'options', 'no options', 'balancer not read', 'address not read',
        'address missing', 'bare'}
    assert set(seen) == expected
    assert min(seen.values()) >= 3, seen


def kinds(world):
    """What a generated world is an example of."""
    properties, profile = world.body['properties'], world.profile
    pools, ports = properties['agentPoolProfiles'], profile.get('allocatedOutboundPorts') or 0
    if not world.on_load_balancer:
        yield 'other outbound type' if aks_rules.is_standard(world.network) else 'Basic'
        return
    own = [kind for kind, key in (('managed', 'managedOutboundIPs'), ('own IPs', 'outboundIPs'),
                                  ('own prefixes', 'outboundIPPrefixes')) if profile.get(key)]
    yield 'mixed' if len(own) > 1 else (own or ['managed'])[0]
    yield 'explicit' if ports else 'automatic'
    yield 'options' if world.options else 'no options'
    balancer = world.azure.load_balancer(world.cluster) or {'properties': {'outboundRules': []}}
    rules = [rule['properties'] for rule in balancer['properties']['outboundRules']]
    signs = {
        'dual-stack': 'IPv6' in world.network['ipFamilies'],
        'stopped': properties['powerState']['code'] == 'Stopped',
        'refused': world.azure.refusal(world.cluster) is not None,
        'autoscaler': any(one['enableAutoScaling'] for one in pools),
        'surge': any(one['upgradeSettings'] for one in pools),
        'VirtualMachines': any(one['type'] == 'VirtualMachines' for one in pools),
        'more live nodes': bool(world.azure.aks.extra_nodes),
        'shared rules': any({'outboundRules', 'loadBalancingRules'} <= set(one['properties']) for one in
                            balancer['properties'].get('frontendIPConfigurations', ())),
        'drift': any(rule['allocatedOutboundPorts'] != ports for rule in rules[:1]),
        'metrics': bool(world.metrics),
        'balancer not read': not world.balancer_was_read and not world.bare,
        'address not read': any(one.lower() in world.unreadable for one in world.own_ids),
        'address missing': any(one.lower() not in world.azure.resources for one in world.own_ids),
        'bare': world.bare,
    }
    yield from (name for name, present in signs.items() if present)


# what Azure is known to take and to refuse: recorded errors, and Microsoft's worked examples (AZURE-FACTS section 2)

FITS = None


def known(words, *pools, **cluster):
    """(a cluster, words of the refusal that it gets)."""
    return {'pools': list(pools), 'managed': 1, **cluster}, words


KNOWN = {
    # azure-cli#22374
    'surge': known(
        'Total node count 4 requires 84000 ports but only 64000 ports are available given 1 outbound public IPs',
        pool(count=3), version='1.31.3', ports=21000),
    # jenkins-infra/azure#580
    'autoscaler': known('Total node count 25 requires 80000 ports', pool('a', 2), pool('b', 1, max_count=10),
                        pool('c', 1, max_count=10), version='1.26.6', ports=3200),
    # SupportArticles-docs#2101
    'support article': known('Total node count 9 requires 72000 ports', pool(count=8), version='1.31.3', ports=8000),
    # the worked example of the AKS article: 100 nodes and two of surge, 408,000 of 448,000 ports
    'article': known(FITS, pool(count=100, max_surge='2'), managed=7, ports=4000),
    'equality': known(FITS, pool(count=15, max_surge='1'), ports=4000),
    'one node more': known('Total node count 17 requires 68000 ports', pool(count=16, max_surge='1'), ports=4000),
    'multiple of 8 first': known('not an integer multiple of 8', pool(count=100), ports=1001),
    'Spot counts': known('Total node count 17 requires', pool(count=8),
                         pool('spot', 7, priority='Spot', mode='User', max_surge='1'), version='1.31.3', ports=4000),
    'IPv6 adds nothing': known('64000 ports are available given 1 outbound', pool(count=3), version='1.31.3',
                               managed_ipv6=3, dual_stack=True, ports=21000),
    'automatic': known(FITS, pool(count=900)),
}


@pytest.mark.parametrize('name', KNOWN)
def test_what_azure_is_known_to_answer(name):
    given, words = KNOWN[name]
    azure = Azure()
    cluster = azure.add_cluster(**given)
    refusal = azure.refusal(cluster)
    assert (refusal is None) if words is FITS else (words in (refusal or ''))
    results = answers(snapshot_of(azure, cluster), ('show', 'plan'))
    for result in results.values():
        if 'multiple of 8' not in (words or ''):
            assert result['current']['fits'] == (words is FITS)
        assert result['nodes']['validated'] == aks_rules.validated_nodes(azure.get(cluster)['properties'])


@pytest.mark.parametrize('ports, ips, nodes', [(1000, 2, 128), (1000, 7, 448), (4000, 2, 32), (4000, 7, 112)])
def test_microsofts_maxima(ports, ips, nodes):
    for count, taken in ((nodes, True), (nodes + 1, False)):
        azure = Azure()
        cluster = azure.add_cluster(pools=[pool(count=count - 1, max_surge='1')], managed=ips, ports=ports)
        plan = answer('plan', snapshot_of(azure, cluster))
        assert plan['current']['maxNodes'] == nodes
        assert plan['current']['fits'] == taken == (azure.refusal(cluster) is None)


@pytest.mark.parametrize('options, words', [
    (f'{PORTS} 1001', 'multiple of 8'), (f'{PORTS} 64008', 'range'), (f'{IDLE_TIMEOUT} 121', 'range'),
    (f'{COUNT} 0', 'not in the range'), ('--load-balancer-outbound-ips ,', 'whitespace|NotExist'),
    ('--load-balancer-nothing 1', 'unknown')])
def test_the_oracle_refuses_what_the_cli_and_aks_refuse(options, words):
    azure = Azure()
    azure.add_cluster()
    with pytest.raises(Refused, match=words):
        azure.run(f'az aks update --resource-group rg1 --name aks1 {options}')


def test_the_oracle_keeps_and_clears_ips_as_the_cli_does():
    """AZURE-FACTS section 1: any IP option rebuilds the mode, others leave it alone (azure-cli#17638)."""
    azure = Azure()
    own = azure.add_public_ip('own')
    cluster = azure.add_cluster(outbound_ips=[own])
    azure.run(f'az aks update --resource-group rg1 --name aks1 {PORTS} 1024')
    assert azure.get(cluster)['properties']['networkProfile']['loadBalancerProfile']['outboundIPs']
    azure.run(f'az aks update --resource-group rg1 --name aks1 {COUNT} 2')
    profile = azure.get(cluster)['properties']['networkProfile']['loadBalancerProfile']
    assert 'outboundIPs' not in profile and profile['managedOutboundIPs']['count'] == 2
    assert azure.detached == [own]
    rule = azure.load_balancer(cluster)['properties']['outboundRules'][0]['properties']
    assert len(rule['frontendIPConfigurations']) == 2


# the cases

def build(**given):
    """(the in-process Azure, the id of a cluster on it, the snapshot)."""
    azure = Azure()
    cluster = azure.add_cluster(**given)
    return azure, cluster, snapshot_of(azure, cluster)


def own_ips(azure, number):
    return [azure.add_public_ip(f'own{index}', 'network') for index in range(number)]


def assert_no_way(result, reason):
    """No line anywhere, and the reason; what does not fit is not said to fit."""
    assert (result['command'], result['commands'], result['flags'], result['prerequisites']) == (None, [], [], [])
    assert result['noCommand']['reason'] == reason and result['noCommand']['message']
    assert result['proposed']['fits'] is False
    assert lines(result) == []


def test_more_own_ips_than_azure_takes_do_not_fit():
    """--outbound-ports 64000 --max-count 600: 800 nodes with surge need 800 own IPs, and frontends end at 600."""
    azure = Azure()
    cluster = azure.add_cluster(pools=[pool(count=3, max_surge='33%')], outbound_ips=own_ips(azure, 2), ports=8000)
    options = {'outbound_ports': 64000, 'max_count': 600}
    for command in ('plan', 'recommend'):
        result = answer(command, snapshot_of(azure, cluster), **options)
        assert result['nodes']['required'] == 800
        assert_no_way(result, 'infeasible')
        assert 'Infeasible' in [finding['code'] for finding in result['findings']]


def test_more_own_ips_than_are_known_to_be_taken_are_a_warning():
    """--outbound-ports 20000 --max-count 40: 54 nodes with surge need 17 own IPs, and only 16 are known to be taken."""
    azure = Azure()
    cluster = azure.add_cluster(pools=[pool(count=3, max_surge='33%')], outbound_ips=own_ips(azure, 2), ports=8000)
    for command in ('plan', 'recommend'):
        result = answer(command, snapshot_of(azure, cluster), outbound_ports=20000, max_count=40)
        assert result['proposed']['fits'] is True and lines(result)
        [finding] = [each for each in result['findings'] if each['code'] == 'ManyOutboundIps']
        assert finding['severity'] == 'warning' and finding['evidence'] == {'count': 17, 'limit': 16}


def test_more_live_nodes_than_the_pools_show_count():
    """12 IPs x 64,000 ports for 71 nodes, of which 105 are in the backend pool: 105 IPs are more than AKS manages."""
    _, _, snapshot = build(pools=[pool(count=70, max_surge='1')], managed=12, ports=64000, extra_nodes=35)
    for result in answers(snapshot, ('plan', 'recommend')).values():
        nodes = result['nodes']
        assert (nodes['validated'], nodes['backendPool'], nodes['required']) == (71, 105, 105)
        assert_no_way(result, 'infeasible')


def test_options_that_mend_todays_state_leave_no_error():
    azure, cluster, snapshot = build(pools=[pool(count=3)], version='1.31.3', ports=21000)
    assert 'requires 84000 ports' in azure.refusal(cluster)
    options = {'managed_outbound_ip_count': 2}
    result = answer('plan', snapshot, **options)
    assert result['requested']['fits'] is result['proposed']['fits'] is True
    assert [finding for finding in result['findings'] if finding['severity'] == 'error'] == []
    assert exit_code('plan', snapshot, fail_on='error', **options) == 0
    azure.run(result['command'])
    assert azure.refusal(cluster) is None


def test_what_is_in_force_and_what_was_asked_for_still_fail():
    _, _, snapshot = build(pools=[pool(count=3)], version='1.31.3', ports=21000)
    assert exit_code('plan', snapshot, fail_on='error') == 4
    assert exit_code('check', snapshot, fail_on='error') == 4
    assert exit_code('plan', snapshot, fail_on='error', outbound_ports=32000, managed_outbound_ip_count=1) == 4
    assert exit_code('plan', snapshot, fail_on='error', outbound_ports=32000, managed_outbound_ip_count=2) == 0


def test_a_message_whose_cure_is_printed_announces_no_refusal():
    _, _, snapshot = build(pools=[pool(count=3)], version='1.31.3', ports=21000)
    for result in answers(snapshot, ('plan', 'check')).values():
        mended = [finding for finding in result['findings'] if finding['code'].startswith('PortsOvercommitted')]
        assert [finding['command'] for finding in mended] == [result['command']] != [None]
        assert 'will refuse the next update' not in mended[0]['message']


def test_a_maximum_below_the_autoscalers_lowers_nothing_and_says_so():
    _, _, snapshot = build(pools=[pool('system', 4), pool('batch', 5, max_count=40, mode='User')], ports=1024)
    result = answer('plan', snapshot, max_count=20)
    assert result['nodes'] == {**answer('plan', snapshot)['nodes']} and result['nodes']['max'] == 44
    finding = next(one for one in result['findings'] if one['code'] == 'MaxCountBelowAutoscaler')
    assert 'batch' in finding['message'] + (finding['remediation'] or '')
    assert 'system' not in finding['message']
    above = answer('plan', snapshot, max_count=44)
    assert 'MaxCountBelowAutoscaler' not in [one['code'] for one in above['findings']]


def test_alternatives_keep_what_was_typed():
    _, _, snapshot = build(pools=[pool(count=3)], version='1.31.3', ports=21000)
    result = answer('recommend', snapshot, idle_timeout_in_minutes=10)
    assert result['flags'][-2:] == [IDLE_TIMEOUT, '10']
    ways = [one for one in result['alternatives'] if any(flag.startswith('--load-balancer-') for flag in one['flags'])]
    assert len(ways) >= 2
    for way in ways:
        assert way['flags'][way['flags'].index(IDLE_TIMEOUT) + 1] == '10', way


def test_after_typed_ips_the_proposed_frontends_are_judged():
    """Automatic ports of two mixed IPs fall from 1024 to 512 when the cluster grows; with four they do not."""
    azure, cluster, _ = build(pools=[pool(count=40, max_count=150, max_surge='1')])
    stored = azure.resources[cluster.lower()]['properties']['networkProfile']['loadBalancerProfile']
    stored['outboundIPs'] = {'publicIPs': [{'id': one} for one in own_ips(azure, 1)]}
    azure.reconcile(cluster)
    snapshot = snapshot_of(azure, cluster)
    current = answer('show', snapshot)['current']
    assert (current['portsPerNode'], current['portsPerNodeAtMax']) == (1024, 512)
    for command in ('plan', 'recommend'):
        result = answer(command, snapshot, managed_outbound_ip_count=4)
        assert result['flags'] == [COUNT, '4'], command
        assert (result['proposed']['outboundPorts'], result['proposed']['portsPerNodeAtMax']) == (0, 1024)


def test_what_drift_would_cut_and_a_second_ip_are_one_line():
    """The outbound rule gives 2048 ports, the profile 200 on one IP: keeping them takes ten IPs, not two."""
    azure, cluster, snapshot = build(pools=[pool(count=290, max_surge='1')], managed=1, ports=200)
    rule = snapshot['loadBalancer']['properties']['outboundRules'][0]['properties']
    rule['allocatedOutboundPorts'] = 2048
    check = answer('check', snapshot)
    codes = {finding['code']: finding for finding in check['findings']}
    assert {'PortsDrift', 'SingleOutboundIp'} <= set(codes)
    assert lines(check) == [check['command']]
    assert check['flags'] == [COUNT, '10', PORTS, '2048']
    assert codes['PortsDrift']['command'] == codes['SingleOutboundIp']['command'] == check['command']
    azure.run(check['command'])
    after = answer('check', snapshot_of(azure, cluster))
    assert not {'PortsDrift', 'SingleOutboundIp'} & {finding['code'] for finding in after['findings']}


@pytest.mark.parametrize('nodes', [20, 58, 90])
def test_check_and_recommend_advise_the_same_from_the_same_metrics(nodes):
    """With 58 nodes the target takes an IP more than what is needed: neither may ask for it."""
    azure, cluster, snapshot = build(pools=[pool(count=nodes, max_surge='1')], managed=2, ports=1024)
    snapshot['metrics'] = measured('saturated', 1024)
    recommend, check = answer('recommend', snapshot), answer('check', snapshot)
    assert recommend['status'] == 'change' and recommend['flags']
    assert (check['flags'], check['command']) == (recommend['flags'], recommend['command'])
    assert lines(check) == lines(recommend) == [recommend['command']]
    exhausted = next(finding for finding in check['findings'] if finding['code'] == 'SnatExhaustion')
    assert exhausted['command'] == check['command']
    azure.run(check['command'])
    assert azure.refusal(cluster) is None
    assert answer('plan', snapshot_of(azure, cluster))['noCommand']['reason'] == 'nothingToDo'
