"""What Azure refuses or drops beside ports and own IPs: a profile left over, outbound rules of others, an option that
the CLI passes over. Told before, live, from a snapshot and in a fleet; then done with the real CLI."""
import json
from importlib.metadata import version

import pytest

from tests.azure import pool
from tests.azure.balancer import Balancer
from tests.support.contract import conform
from tests.support.together import assert_refused, in_one_process
from tests.support.ways import FIREWALL

LEFT = {'managedOutboundIPs': {'count': 2}, 'allocatedOutboundPorts': 1024, 'idleTimeoutInMinutes': 30,
        'backendPoolType': 'nodeIPConfiguration'}
POOL_TYPE = '--load-balancer-backend-pool-type'


def routed(arm, name='routed', profile=None):
    """A cluster behind a firewall, on a subnet of the user's."""
    subnet, = arm.add_subnets('nodes', network=f'vnet-{name}')
    arm.join(subnet, table=arm.add_route_table(FIREWALL, name=f'routes-{name}'))
    more = {'networkProfile': {'loadBalancerProfile': profile}} if profile else {}
    return arm.add_cluster(name, pools=[pool(vnetSubnetID=subnet)], outbound_type='userDefinedRouting', **more)


def everywhere(az, name, tmp_path):
    """What `check` says live, which a snapshot says as well; and the cluster's row in the fleet."""
    file = tmp_path / f'{name}.json'
    live, = in_one_process(az, [f'check -g rg1 -n {name} --save-to {file}'])
    filed, fleet = in_one_process(az, [f'check --from-file {file}', 'list'])
    assert filed.json == live.json, str(live)
    return {one['code']: one for one in live.json['findings']}, next(row for row in fleet.json if row['name'] == name)


def put(az, arm, cluster, folder, **profile):
    """As code does: the stored body, with this load balancer profile, by a PUT."""
    body = arm.get(cluster)
    body['properties']['networkProfile']['loadBalancerProfile'] = profile or None
    file = folder / 'body.json'
    file.write_text(json.dumps(body), encoding='utf-8')
    return az(['rest', '--method', 'put', '--url', f"{body['id']}?api-version=2024-05-01", '--body', f'@{file}'])


# point 5: a profile that was left over

def test_updates_from_code_fail_while_a_profile_is_left_over(arm, az, tmp_path):
    cluster = routed(arm, profile=LEFT)
    found, row = everywhere(az, 'routed', tmp_path)
    stale = found['StaleProfile']
    assert stale['severity'] == 'warning' and 'InvalidUserDefinedRoutingWithLoadBalancerProfile' in stale['message']
    assert 'Take loadBalancerProfile out of the code' in stale['remediation']
    assert (row['status'], row['topFinding'], row['egress']['effective']) == (
        'warning', 'StaleProfile', 'virtualAppliance')
    refused = put(az, arm, cluster, tmp_path, **LEFT)
    assert refused.code != 0 and 'InvalidUserDefinedRoutingWithLoadBalancerProfile' in refused.stderr
    for profile in ({}, {'backendPoolType': 'nodeIPConfiguration'}):  # taken out of the code, or all but the type
        assert put(az, arm, cluster, tmp_path, **profile).code == 0
    az('aks update -g rg1 -n routed --tags a=b -o none', check=True)  # the CLI leaves it out


def test_on_other_types_it_has_no_effect(arm, az, tmp_path):
    cluster = arm.add_cluster('nat', outbound_type='managedNATGateway', networkProfile={'loadBalancerProfile': LEFT})
    found, row = everywhere(az, 'nat', tmp_path)
    assert found['StaleProfile']['severity'] == 'info' and 'no effect' in found['StaleProfile']['message']
    assert row['status'] == 'notApplicable'
    assert put(az, arm, cluster, tmp_path, **LEFT).code == 0


# point 9: outbound rules that AKS did not make

@pytest.fixture
def foreign(arm):
    """A cluster whose load balancer has an outbound rule of the user's."""
    cluster = arm.add_cluster('foreign', ports=1024)
    balancer = Balancer.over(arm.load_balancer(cluster))
    address = arm.add_public_ip('mine', 'network')
    rule = balancer.add_outbound_rule('', [balancer.add_frontend('mine', 'publicIPAddress', address)], 512, 4)
    rule.update(name='mine', id=balancer.child_id('outboundRules', 'mine'))
    return cluster


def test_rules_of_others_are_told_with_both_ends(az, foreign, tmp_path):
    found, row = everywhere(az, 'foreign', tmp_path)
    told = found['ForeignOutboundRule']
    assert told['severity'] == 'warning' and 'mine' in told['message'] and told['command'] is None
    assert 'removes them' in told['message'] and 'pools Failed' in told['message']
    assert (row['status'], row['topFinding']) == ('warning', 'ForeignOutboundRule')


def test_azure_removes_them(arm, az, foreign):
    """terraform-provider-azurerm#13886"""
    az('aks update -g rg1 -n foreign --load-balancer-idle-timeout 10 -o none', check=True)
    assert [rule['name'] for rule in arm.load_balancer(foreign)['properties']['outboundRules']] == ['aksOutboundRule']
    result = az('aks lb check -g rg1 -n foreign', check=True).json
    assert 'ForeignOutboundRule' not in str(result['findings'])


def test_or_keeps_them_and_refuses_the_update(arm, az, foreign):
    """AKS#5634: the pools are Failed afterwards, and what is in the way is still named."""
    arm.aks.keeps_foreign_rules = True
    refused = az('aks update -g rg1 -n foreign --load-balancer-idle-timeout 10 -o none')
    assert refused.code != 0 and 'InvalidResourceReference' in refused.stderr
    result = az('aks lb check -g rg1 -n foreign', check=True).json
    assert {'ForeignOutboundRule', 'ClusterNotSucceeded', 'PoolNotSucceeded'} <= {
        one['code'] for one in result['findings']}


# point 6: an option that the CLI passes over

def test_the_pool_type_on_another_outbound_type(arm, az, tmp_path):
    """No line: the real CLI takes the option, says nothing, and changes nothing. What noCommand says does it."""
    cluster = routed(arm)
    planned, recommended, shown, table = in_one_process(az, [
        f'plan -g rg1 -n routed --backend-pool-type nodeIP --save-to {tmp_path / "plan"}',
        'recommend -g rg1 -n routed --backend-pool-type nodeIP', 'show -g rg1 -n routed',
        'plan -g rg1 -n routed --backend-pool-type nodeIP -o table'])
    result = conform('plan', planned.json)
    filed = az(f'aks lb plan --from-file {tmp_path / "plan"} --backend-pool-type nodeIP', check=True).json
    assert filed == result
    assert (result['command'], result['noCommand']['reason']) == (None, 'cliDropsOption')
    assert recommended.json['noCommand'] == result['noCommand']
    assert shown.json['current']['backendPoolType'] == 'nodeIPConfiguration'
    told = ' '.join(table.stdout.split())
    assert 'Backend pool nodeIPConfiguration -> nodeIP' in told and 'inbound traffic' in told
    assert POOL_TYPE not in table.stderr
    if tuple(map(int, version('azure-cli-core').split('.')[:2])) >= (2, 91):
        dropped = az(f'aks update -g rg1 -n routed {POOL_TYPE} nodeIP -o none', check=True)
        assert 'backend' not in dropped.stderr and _pool_type(arm, cluster) == 'nodeIPConfiguration'
    assert put(az, arm, cluster, tmp_path, backendPoolType='nodeIP').code == 0
    assert _pool_type(arm, cluster) == 'nodeIP'
    after = az('aks lb plan -g rg1 -n routed --backend-pool-type nodeIP', check=True).json
    assert after['noCommand']['reason'] == 'nothingToDo' and after['current']['backendPoolType'] == 'nodeIP'


def _pool_type(arm, cluster):
    return arm.get(cluster)['properties']['networkProfile']['loadBalancerProfile']['backendPoolType']


def test_the_pool_type_on_a_load_balancer(arm, az):
    cluster = arm.add_cluster('plain', ports=1024)
    result = az('aks lb plan -g rg1 -n plain --backend-pool-type nodeIP', check=True).json
    assert result['flags'] == [POOL_TYPE, 'nodeIP']
    az.shell(f"{result['command']} -o none", check=True)
    assert _pool_type(arm, cluster) == 'nodeIP'
    after = az('aks lb plan -g rg1 -n plain --backend-pool-type nodeIP', check=True).json
    assert after['noCommand']['reason'] == 'nothingToDo' and after['findings'] == []


def test_other_load_balancer_options_still_do_not_apply(arm, az):
    routed(arm)
    arm.add_cluster('basic', sku='Basic')
    ports, basic = in_one_process(az, ['plan -g rg1 -n routed --backend-pool-type nodeIP --outbound-ports 1024',
                                       'plan -g rg1 -n basic --backend-pool-type nodeIP'])
    assert_refused(ports, 'its outbound type is userDefinedRouting')
    assert_refused(basic, 'its load balancer is Basic')
