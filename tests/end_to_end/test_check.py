"""`az aks lb check` with the real az: what it prints, how it exits, and lines that mend what they say they mend."""
import json
import time

import pytest

from tests.azure import Status, pool
from tests.azure.monitor import Monitor
from tests.support.asking_rules import ask, codes, decision_of
from tests.support.spread import snapshot_of
from tests.support.workload import DAY, Traffic, Workload, addresses, simulate, steady


def balancer(arm, cluster):
    return arm.load_balancer(cluster)['properties']


def rule(arm, cluster):
    return balancer(arm, cluster)['outboundRules'][0]['properties']


def test_findings_are_printed_and_the_pipeline_fails(arm, az):
    arm.add_cluster(ports=8000, pools=[pool(count=3, max_count=9)])
    result = az('aks lb check -g rg1 -n aks1 --fail-on warning')
    assert result.code == 4
    assert result.json['status'] == 'error' and result.json['cluster']['name'] == 'aks1'
    first = result.json['findings'][0]
    assert set(first) == {'code', 'severity', 'message', 'target', 'evidence', 'remediation', 'command', 'link',
                          'baseline'}
    assert first['code'] == 'PortsOvercommittedAtMaximum'
    assert sum(result.json['summary'].values()) == len(result.json['findings'])
    assert all(set(one) == {'code', 'reason'} for one in result.json['skipped'])
    assert arm.seen(method='PUT') == []


def test_the_table_fits_a_screen_and_says_what_to_do_on_stderr(arm, az):
    arm.add_cluster(ports=8000, pools=[pool(count=3, max_count=9)])
    result = az('aks lb check -g rg1 -n aks1 --fail-on error -o table')
    lines = result.stdout.splitlines()
    assert result.code == 4 and lines[0].split() == ['Check', 'Cluster', 'aks1']
    assert max(map(len, lines)) <= 80
    assert 'az aks update' not in result.stdout and '--load-balancer-managed-outbound-ip-count 2' in result.stderr


def test_rules_are_selected_from_a_file_without_a_login(arm, az, tmp_path):
    cluster = arm.add_cluster(ports=8000, pools=[pool(count=3, max_count=9)])
    file = tmp_path / 'cluster.json'
    file.write_text(json.dumps(arm.get(cluster)), encoding='utf-8')
    only = az(f'aks lb check --from-file {file} --rules outboundtypemoves,PortsDrift --fail-on warning').json
    assert [one['code'] for one in only['findings']] == ['OutboundTypeMoves']
    assert [one['code'] for one in only['skipped']] == ['PortsDrift'] and only['status'] == 'ok'
    wrong = az(f'aks lb check --from-file {file} --skip-rules PortDrift')
    assert wrong.code == 1 and wrong.stdout == ''
    assert "'PortDrift' is no code of a rule." in wrong.stderr and 'The nearest is PortsDrift' in wrong.stderr
    assert 'Traceback' not in wrong.stderr


def test_without_permission_on_the_node_resource_group(arm, az):
    arm.add_cluster(ports=8000, pools=[pool(count=3, max_count=9)])
    arm.fault('MC_rg1_aks1', Status(403, action='Microsoft.Network/loadBalancers/read'))
    result = az('aks lb check -g rg1 -n aks1').json
    found = [one['code'] for one in result['findings']]
    assert found[:2] == ['PortsOvercommittedAtMaximum', 'LoadBalancerNotReadable']
    reasons = {one['code']: one['reason'] for one in result['skipped']}
    assert 'Microsoft.Network/loadBalancers/read is missing' in reasons['PortsDrift']
    assert 'Microsoft.Insights/metrics/read' in reasons['SnatExhaustion']


def test_exhaustion_is_found_in_the_metrics_with_when_where_and_how_many(arm, az):
    cluster = arm.add_cluster(pools=[pool(count=3)], ports=1024)
    now, minutes = int(time.time()) // 60, DAY * 5 // 4
    rates = {address: steady(rate) for address, rate in zip(addresses(3), (400, 20, 20))}
    served = Workload(now - minutes, {address: simulate([Traffic(rate)], minutes, 1024, seed=1)
                                      for address, rate in rates.items()})
    arm.route('GET', Monitor.PATH, Monitor(served, now=now))
    result = az('aks lb check -g rg1 -n aks1 --offset 1d6h --fail-on error')
    found = {one['code']: one for one in result.json['findings']}
    failed = found['SnatExhaustion']['evidence']
    assert result.code == 4 and failed['nodes'][0]['node'] == addresses(1)[0] and failed['nodesWithFailures'] == 1
    assert failed['failedConnections'] > 1000 and failed['nodes'][0]['first'] in found['SnatExhaustion']['message']
    assert {'SnatUseHigh', 'NodeSkew'} <= set(found)
    assert 'No metrics' not in str(result.json['skipped'])
    az.shell(found['SnatExhaustion']['command'], check=True)
    assert arm.get(cluster)['properties']['networkProfile']['loadBalancerProfile']['allocatedOutboundPorts'] > 1600


# (code, a cluster with that fault): its command goes through the real az, and the finding is gone

def overcommitted(arm):
    return arm.add_cluster(ports=8000, pools=[pool(count=3, max_count=9)])


def overcommitted_on_own_ips(arm):
    return arm.add_cluster(ports=8000, pools=[pool(count=9)], outbound_ips=[arm.add_public_ip('own0')])


def overcommitted_on_prefixes(arm):
    return arm.add_cluster(ports=40000, pools=[pool(count=4)],
                           outbound_ip_prefixes=[arm.add_public_ip_prefix('prefix0', 31)])


def overcommitted_in_dual_stack(arm):
    return arm.add_cluster(ports=8000, pools=[pool(count=8)], dual_stack=True)


def sharing(arm):
    cluster = arm.add_cluster(ports=16000, pools=[pool(count=3)])
    arm.add_service(cluster, shared_frontend=True)
    return cluster


def invalid(arm):
    cluster = arm.add_cluster(ports=1000)
    arm.resources[cluster.lower()]['properties']['networkProfile']['loadBalancerProfile'][
        'allocatedOutboundPorts'] = 1001
    arm.reconcile(cluster)
    return cluster


def growing(arm):
    return arm.add_cluster(pools=[pool(count=3, max_count=70)])


def without_ip(arm):
    cluster = arm.add_cluster()
    balancer(arm, cluster)['outboundRules'].clear()
    return cluster


def edited(**changes):
    def edit(arm):
        cluster = arm.add_cluster(ports=1024, idle=10)
        rule(arm, cluster).update(changes)
        return cluster
    return edit


def with_frontend_taken_away(arm):
    cluster = arm.add_cluster(managed=2)
    rule(arm, cluster)['frontendIPConfigurations'].pop()
    return cluster


def stuck(arm):
    cluster = arm.add_cluster()
    properties = arm.resources[cluster.lower()]['properties']
    properties['networkProfile']['loadBalancerProfile']['managedOutboundIPs']['count'] = 2
    return cluster


def failed(arm):
    return arm.add_cluster(provisioningState='Failed')


FAULTS = [
    ('PortsOvercommittedAtMaximum', overcommitted), ('PortsOvercommittedNow', overcommitted_on_own_ips),
    ('PortsOvercommittedNow', overcommitted_on_prefixes), ('PortsOvercommittedWithSurge', overcommitted_in_dual_stack),
    ('SharedFrontendPorts', sharing), ('PortsInvalid', invalid), ('TierDrop', growing),
    ('NoOutboundFrontend', without_ip), ('PortsDrift', edited(allocatedOutboundPorts=2048)),
    ('PortsDrift', edited(allocatedOutboundPorts=512)), ('IdleTimeoutDrift', edited(idleTimeoutInMinutes=60)),
    ('IdleTimeoutDrift', edited(idleTimeoutInMinutes=4)), ('TcpResetOff', edited(enableTcpReset=False)),
    ('FrontendDrift', with_frontend_taken_away), ('OutboundIpsDiffer', stuck), ('ClusterNotSucceeded', failed),
]


@pytest.mark.parametrize('code, fault', FAULTS, ids=[f'{index}-{code}' for index, (code, _) in enumerate(FAULTS)])
def test_the_command_of_a_finding_mends_it(arm, az, code, fault):
    cluster = fault(arm)
    decision = decision_of(snapshot_of(arm, cluster))
    before = ask(snapshot_of(arm, cluster))
    found = next(one for one in before.findings if one.code == code)
    kept = set(arm.resources)
    lines = decision.commands if found.command == decision.command else [found.command]
    az.shell(' && '.join(lines), check=True)
    after = ask(snapshot_of(arm, cluster))
    # Ports of a shared frontend are still taken, but no longer missed.
    assert (code, found.severity) not in [(one.code, one.severity) for one in after.findings]
    assert set(codes(after, 'error', 'warning')) < {*codes(before, 'error', 'warning'), code}
    assert kept <= set(arm.resources) and arm.detached == []
