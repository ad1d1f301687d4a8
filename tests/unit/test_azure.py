"""The stand-in against the facts and against the real `az`: what later tests rest on."""
import http.client
import json
import socket
import ssl
import statistics
import time
import urllib.error
import urllib.request

import pytest

from tests.azure import (OTHER_SUBSCRIPTION, TENANT, Cut, Drop, Endless, Hang, Html, Redirect, Reset, Status,
                         Truncated, aks_rules, pool)
from tests.azure.errors import ArmError
from tests.support.az import Az

BROKEN = (OSError, http.client.HTTPException)  # OpenSSL reports a reset as an end of file
SILENCE = socket.timeout  # a TimeoutError only since Python 3.10
NODE_GROUP = 'MC_rg1_aks1_westeurope'


def ask(arm, path, method='GET', timeout=5, body=None):
    """One request without the CLI: (status, headers, body). Redirects are followed, as urllib does."""
    url = f"{arm.url}{path}{'&' if '?' in path else '?'}api-version=2024-05-01"
    request = urllib.request.Request(url, method=method, data=body, headers={'Authorization': f'Bearer {arm.token}'})
    context = ssl.create_default_context(cafile=arm.ca_bundle)
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}),
                                         urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(request, timeout=timeout) as response:
            return response.status, response.headers, response.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def profile(az):
    return az('aks show -g rg1 -n aks1 --query networkProfile.loadBalancerProfile', check=True).json


# the rules, against AZURE-FACTS section 2

@pytest.mark.parametrize('version, pools, nodes', [
    ('1.23.5', [pool(count=3)], 4),                                                            # azure-cli#22374
    ('1.26.6', [pool(count=2), pool(count=1, max_count=10), pool(count=1, max_count=10)], 25),  # azure#580
    ('1.31.3', [pool(count=100, max_surge='2')], 102),
    ('1.31.3', [pool(count=100)], 110),  # sources disagree: the stand-in refuses what Azure may refuse
    ('1.31.3', [pool(count=100, max_surge='1')], 101),
    ('1.32.0', [pool(count=100)], 110),
    ('1.32.0', [pool(count=3)], 4),
    ('1.31.3', [pool(count=11, max_surge='33%')], 15),
    ('1.31.3', [pool(count=2), pool(count=10, priority='Spot')], 14),
    ('1.31.3', [pool(count=12, max_count=10)], 14),
    ('1.31.3', [pool(count=0)], 0),
    ('1.31.3', [pool(count=None, kind='VirtualMachines', virtualMachinesProfile={
        'scale': {'manual': [{'size': 'a', 'count': 3}], 'autoscale': {'minCount': 1, 'maxCount': 6}}})], 10),
])
def test_nodes_are_counted_as_aks_counts_them(version, pools, nodes):
    assert aks_rules.validated_nodes({'currentKubernetesVersion': version, 'agentPoolProfiles': pools}) == nodes


def refused(arm, **profile_changes):
    """The error that a PUT of the changed profile gets, or None."""
    body = arm.get(arm.add_cluster(**profile_changes))
    try:
        aks_rules.validate(body, None, arm.resources)
    except ArmError as error:
        return error.body
    return None


def test_ports_are_refused_as_aks_refuses_them(arm):
    fifty = [pool(count=49, max_surge='1')]
    assert refused(arm, pools=fifty, ports=1280) is None  # equality is accepted
    error = refused(arm, pools=fifty, ports=1288)
    assert (error['code'], error['subcode']) == ('InvalidLoadBalancerProfileAllocatedOutboundPorts',
                                                 'InsufficientOutboundPorts')
    assert 'Total node count 50 requires 64400 ports but only 64000 ports are available' in error['message']
    assert refused(arm, pools=fifty, ports=60001)['subcode'].endswith('MustBeMultipleOfEight')  # before the sum
    assert refused(arm, pools=[pool(count=5000)], ports=0) is None
    assert refused(arm, pools=fifty, ports=1288, managed_ipv6=4, dual_stack=True)  # IPv6 adds nothing
    assert refused(arm, pools=fifty, ports=2560, outbound_ip_prefixes=[arm.add_public_ip_prefix(length=31)]) is None
    assert refused(arm, pools=fifty, ports=2568, outbound_ip_prefixes=[arm.add_public_ip_prefix(length=31)])
    assert refused(arm, managed=101)['code'] == 'InvalidLoadBalancerProfileManagedOutboundIPCount'
    own = [arm.add_public_ip(f'ip{index}') for index in range(601)]
    assert '601 outbound IPs' in refused(arm, outbound_ips=own)['message']
    assert refused(arm, outbound_ips=own[:17]) is None


# with the real az

def test_az_shows_and_updates_a_cluster(arm, bare_az):
    cluster = arm.add_cluster(pools=[pool(count=3)])
    assert profile(bare_az)['managedOutboundIPs']['count'] == 1
    no = bare_az('aks update -g rg1 -n aks1 --load-balancer-outbound-ports 21000')
    assert no.code == 1
    assert 'Total node count 4 requires 84000 ports but only 64000 ports are available given 1' in no.stderr
    assert arm.load_balancer(cluster)['properties']['outboundRules'][0]['properties']['allocatedOutboundPorts'] == 0
    bare_az('aks update -g rg1 -n aks1 --load-balancer-outbound-ports 21000 '
            '--load-balancer-managed-outbound-ip-count 2', check=True)
    after = profile(bare_az)
    assert (after['allocatedOutboundPorts'], after['idleTimeoutInMinutes']) == (21000, 30)
    assert len(after['effectiveOutboundIPs']) == 2
    rules = bare_az(f'network lb outbound-rule list -g {NODE_GROUP} --lb-name kubernetes', check=True).json
    assert [(rule['name'], rule['allocatedOutboundPorts'], len(rule['frontendIPConfigurations']))
            for rule in rules] == [('aksOutboundRule', 21000, 2)]
    assert [record.method for record in arm.seen('managedClusters')] == ['GET'] + ['GET', 'PUT'] * 2 + ['GET']


def test_a_pool_added_today_fails_the_next_update(arm, bare_az):
    arm.add_cluster(pools=[pool(count=3)], ports=16000)
    bare_az('aks nodepool add -g rg1 --cluster-name aks1 -n batch -c 4 -o none', check=True)
    assert 'Total node count 9 requires 144000' in bare_az('aks update -g rg1 -n aks1 --tags a=b').stderr


def test_own_ips_come_from_az_and_stay_attached(arm, bare_az):
    arm.add_cluster()
    bare_az('network public-ip create -g rg1 -n ip1 --sku Standard --allocation-method Static --zone 1 2 3', check=True)
    first, second = arm.get(arm.add_public_ip('ip2'))['id'], arm.seen('publicIPAddresses/ip1$')[0].path
    bare_az(f'aks update -g rg1 -n aks1 --load-balancer-outbound-ips {first},{second}', check=True)
    assert arm.get(first)['properties']['ipConfiguration'] and arm.get(second)['properties']['ipConfiguration']
    assert [ip['name'] for ip in bare_az(f'network public-ip list -g {NODE_GROUP}').json] == []  # managed one is gone
    assert arm.detached == []
    bare_az('aks update -g rg1 -n aks1 --load-balancer-managed-outbound-ip-count 1', check=True)
    assert sorted(arm.detached) == sorted([first, second])
    assert 'ipConfiguration' not in arm.get(first)['properties']
    missing = bare_az(f'aks update -g rg1 -n aks1 --load-balancer-outbound-ips {first}x')
    assert 'LoadBalancerProfileOutboundIPNotExist' in missing.stderr


def test_prefixes_count_by_their_length(arm, bare_az):
    cluster = arm.add_cluster(pools=[pool(count=3)])
    made = bare_az('network public-ip prefix create -g rg1 -n pre --length 30', check=True).json
    bare_az(f'aks update -g rg1 -n aks1 --load-balancer-outbound-ip-prefixes {made["id"]} '
            '--load-balancer-outbound-ports 64000', check=True)
    assert profile(bare_az)['effectiveOutboundIPs'][0]['id'] == made['id'].lower()
    frontend, = arm.load_balancer(cluster)['properties']['frontendIPConfigurations']
    assert frontend['properties']['publicIPPrefix']['id'] == made['id']


def test_az_creates_a_cluster(arm, bare_az):
    arm.add_resource_group()
    create = 'aks create -g rg1 -n aks1 --no-ssh-key -c 3 -o none --load-balancer-outbound-ports'
    assert 'Total node count 4 requires 64032' in bare_az(f'{create} 16008').stderr
    bare_az(f'{create} 16000', check=True)
    assert profile(bare_az)['allocatedOutboundPorts'] == 16000


def test_other_logins(arm, tmp_path):
    """A service principal, whose token `az` keeps; and Cloud Shell, where nothing may leave the machine either."""
    arm.add_cluster()
    principal = Az(arm, tmp_path / 'principal')
    principal.log_in('--service-principal', '-u', 'app', '-p', 'secret', '--tenant', TENANT)
    arm.requests.clear()
    assert profile(principal)
    assert [record.path.split('/')[-1] for record in arm.requests] == ['aks1']
    shell = Az(arm, tmp_path / 'shell')
    shell.log_in('--identity', env=shell.cloud_shell_env)
    assert shell('aks show -g rg1 -n aks1', env=shell.cloud_shell_env).code == 0
    assert 'login.microsoftonline.com:443' in arm.proxy.asked


def test_lists_have_pages_and_an_empty_last_one(arm, bare_az):
    for index in range(4):
        arm.add_cluster(f'c{index}', resource_group=f'rg{index % 2}')
    arm.add_cluster('elsewhere', subscription=OTHER_SUBSCRIPTION)
    arm.page_size, arm.empty_last_page = 2, True
    assert bare_az('aks list --query [].name').json == ['c0', 'c1', 'c2', 'c3']
    assert [len(record.query) for record in arm.seen()] == [1, 2, 2]
    assert bare_az(f'aks list -g rg1 --subscription {OTHER_SUBSCRIPTION} --query [].name').json == ['elsewhere']


def test_what_is_not_there_is_a_404(arm, bare_az):
    assert bare_az('aks show -g rg1 -n aks1').code == 3
    arm.add_resource_group()
    assert 'ResourceNotFound' in bare_az('aks show -g rg1 -n aks1').stderr
    group = '/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg1'
    assert b'InvalidResourceType' in ask(arm, f'{group}/providers/Microsoft.Compute/disks/x')[2]
    assert ask(arm, f'{group}/providers/Microsoft.Network/loadBalancers/x', 'DELETE')[0] == 405


# shapes

def test_a_dual_stack_load_balancer_has_two_rules(arm):
    cluster = arm.add_cluster(dual_stack=True, managed=2, pools=[pool(count=3), pool('b', 2)], extra_nodes=4)
    body = arm.load_balancer(cluster)['properties']
    assert [len(rule['properties']['frontendIPConfigurations']) for rule in body['outboundRules']] == [2, 1]
    assert [(item['name'], len(item['properties']['backendIPConfigurations']))
            for item in body['backendAddressPools']] == [
        ('aksOutboundBackendPool', 9), ('kubernetes', 9), ('aksOutboundBackendPool-ipv6', 9), ('kubernetes-ipv6', 9)]
    effective = arm.get(cluster)['properties']['networkProfile']['loadBalancerProfile']['effectiveOutboundIPs']
    assert [item['id'].endswith('-ipv6') for item in effective] == [False, False, True]


def test_services_survive_and_eat_ports_only_where_frontends_are_shared(arm, bare_az):
    cluster = arm.add_cluster(pools=[pool(count=4, max_surge=0)], ports=8)
    arm.add_service(cluster)
    update = 'aks update -g rg1 -n aks1 -o none --load-balancer-outbound-ports 16000'
    bare_az(update, check=True)
    arm.add_service(cluster, ports=[8080], shared_frontend=True)
    assert 'available ports per backend instance of 15992' in bare_az(update).stderr
    assert len(arm.load_balancer(cluster)['properties']['loadBalancingRules']) == 3


def test_other_outbound_types_have_no_load_balancer_settings(arm, bare_az):
    cluster = arm.add_cluster(outbound_type='managedNATGateway')
    assert arm.load_balancer(cluster) is None
    bare_az('aks update -g rg1 -n aks1 --load-balancer-outbound-ports 1024')  # 2.91 refuses, 2.67 drops the option
    assert arm.get(cluster)['properties']['networkProfile']['loadBalancerProfile'] == {
        'backendPoolType': 'nodeIPConfiguration'}
    bare_az('aks update -g rg1 -n aks1 --tags a=b -o none', check=True)
    wanted = arm.get(cluster)
    wanted['properties']['networkProfile']['loadBalancerProfile'] = {'allocatedOutboundPorts': 1024}
    assert b'InvalidLoadBalancerProfile' in ask(arm, cluster, 'PUT', body=json.dumps(wanted).encode())[2]


# failures

def test_faults_reach_az_and_pass(arm, bare_az):
    arm.add_cluster()
    arm.fault('managedClusters', Status(403, action='Microsoft.ContainerService/managedClusters/read'), times=1)
    no = bare_az('aks show -g rg1 -n aks1')
    assert no.code and "perform action 'Microsoft.ContainerService/managedClusters/read' over scope" in no.stderr
    arm.fault('managedClusters', Status(429, retry_after='0'), method='GET', times=2)
    assert profile(bare_az)
    assert [record.status for record in arm.seen()] == [403, 429, 429, 200]


@pytest.mark.parametrize('fault, outcome', [
    (Status(429, retry_after=600), 429), (Html(), b'<!DOCTYPE html>'), (Truncated(), b'{"id": '), (Redirect(), 404),
    (Status(200, body='null'), b'null'), (Cut(), BROKEN), (Reset(), BROKEN), (Drop(), BROKEN),
    (Hang(), SILENCE), (Hang(after_head=True), SILENCE), (Endless(interval=0, chunk=b' '), 'endless'),
])
def test_each_fault_fails_in_its_own_way(arm, fault, outcome):
    path = arm.add_cluster()
    arm.fault('managedClusters', fault)
    if outcome == 'endless':
        with pytest.raises(TimeoutError):
            read_for(arm, path, seconds=0.5)
    elif outcome in (BROKEN, SILENCE):
        with pytest.raises(outcome):
            ask(arm, path, timeout=0.5)
    elif isinstance(outcome, int):
        assert ask(arm, path)[0] == outcome
    else:
        status, _, body = ask(arm, path)
        assert status == 200 and body.startswith(outcome)
    arm.reset()
    assert ask(arm, '/subscriptions')[0] == 200


def read_for(arm, path, seconds):
    """Read a response that keeps coming, for so long."""
    request = urllib.request.Request(f'{arm.url}{path}?api-version=1', headers={'Authorization': f'Bearer {arm.token}'})
    end = time.monotonic() + seconds
    with urllib.request.urlopen(request, context=ssl.create_default_context(cafile=arm.ca_bundle)) as response:
        while response.read(1):
            if time.monotonic() > end:
                raise TimeoutError


def test_a_token_is_needed(arm):
    path = arm.add_cluster()
    request = urllib.request.Request(f'{arm.url}{path}?api-version=1', headers={'Authorization': 'Bearer x'})
    with pytest.raises(urllib.error.HTTPError, match='401'):
        urllib.request.urlopen(request, context=ssl.create_default_context(cafile=arm.ca_bundle))


def test_latency_is_what_was_set(arm):
    path = arm.add_cluster()
    arm.latency(0.1, 'managedClusters')
    for _ in range(3):
        ask(arm, path)
    assert 0.1 <= statistics.median(record.answered - record.started for record in arm.seen()) < 0.12


def test_routes_can_be_added(arm):
    path = arm.add_cluster()
    arm.route('GET', f'{path}/providers/Microsoft.Insights/(?P<what>[^/]+)',
              lambda request: (200, {'what': request.params['what']}, None))
    assert ask(arm, f'{path}/providers/Microsoft.Insights/met%2Frics')[2] == b'{"what": "met/rics"}'
