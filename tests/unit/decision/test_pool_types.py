"""The backend pool type: inbound, valid for every outbound type, with conditions, and dropped by the CLI on most."""
import pytest

from tests.azure import pool
from tests.support.answers import answer, answers, exit_code
from tests.support.contract import conform
from tests.support.worlds import profile, world

OTHER_TYPES = ('userDefinedRouting', 'managedNATGateway', 'userAssignedNATGateway', 'none', 'block', 'someNewType')
AUTO = {'nodeProvisioningProfile': {'mode': 'Auto'}}


def typed(snapshot, pool_type='nodeIP', command='plan'):
    return answer(command, snapshot, backend_pool_type=pool_type)


def found(result):
    return {one['code']: one for one in result['findings']}


@pytest.mark.parametrize('outbound_type', OTHER_TYPES)
def test_on_other_outbound_types_no_line_sets_it_and_the_answer_says_what_does(outbound_type):
    result = conform('plan', typed(world(outbound_type=outbound_type)))
    assert (result['command'], result['noCommand']['reason']) == (None, 'cliDropsOption')
    for words in ('backendPoolType to nodeIP', 'az rest', 'aks-preview later than 22.0.0b1'):
        assert words in result['noCommand']['message']
    alone = 'alone in that profile' in result['noCommand']['message']
    assert alone == (outbound_type == 'userDefinedRouting'), 'which refuses a profile with more in it'
    types = [result[column]['backendPoolType'] for column in ('current', 'requested')]
    assert types == ['nodeIPConfiguration', 'nodeIP'] and result['proposed'] is None
    change = found(result)['BackendPoolTypeChange']
    assert 'inbound traffic' in change['message'] and 'Private Link Service' in change['message']


def test_what_is_there_already_is_nothing_to_do():
    result = typed(world(outbound_type='userDefinedRouting'), 'nodeIPConfiguration')
    assert result['noCommand']['reason'] == 'nothingToDo' and 'BackendPoolTypeChange' not in found(result)
    assert typed(world(ports=1024), 'nodeIPConfiguration')['noCommand']['reason'] == 'nothingToDo'


def test_recommend_takes_it_as_a_constraint():
    result = conform('recommend', typed(world(outbound_type='none'), command='recommend'))
    assert (result['status'], result['noCommand']['reason']) == ('notApplicable', 'cliDropsOption')


def test_on_a_load_balancer_there_is_a_line_and_a_warning():
    result = conform('plan', typed(world(ports=1024)))
    assert result['flags'] == ['--load-balancer-backend-pool-type', 'nodeIP']
    change = found(result)['BackendPoolTypeChange']
    assert change['severity'] == 'warning' and change['evidence'] == {
        'before': 'nodeIPConfiguration', 'after': 'nodeIP'}
    assert 'inbound traffic of Services is interrupted' in change['message'] and 'outbound' not in change['message']


def several(pool_type, **more):
    snapshot = world(**more)
    profile(snapshot).update(backendPoolType=pool_type, enableMultipleStandardLoadBalancers=True)
    return snapshot


@pytest.mark.parametrize('snapshot, pool_type, words', [
    (world(version='1.22.17'), 'nodeIP', 'Kubernetes 1.23 or later'),
    (world(pool(kind='AvailabilitySet')), 'nodeIP', 'node pools of scale sets'),
    (several('nodeIP'), 'nodeIPConfiguration', 'several Standard load balancers'),
    (world(version='1.22.17', outbound_type='none'), 'nodeIP', 'Kubernetes 1.23 or later'),
])
def test_without_what_it_takes_there_is_no_line(snapshot, pool_type, words):
    result = conform('plan', typed(snapshot, pool_type))
    assert (result['command'], result['noCommand']['reason']) == (None, 'conditionsNotMet')
    error = found(result)['BackendPoolTypeConditions']
    assert error['severity'] == 'error' and words in error['message'] and words in result['noCommand']['message']
    assert exit_code('plan', snapshot, fail_on='error', backend_pool_type=pool_type) == 4
    assert 'BackendPoolTypeConditions' not in found(answer('plan', snapshot)), 'what is in force is'


@pytest.mark.parametrize('snapshot', [
    world(version='1.23.5'), world(pool(kind='VirtualMachineScaleSets')), several('nodeIPConfiguration')])
def test_with_what_it_takes_there_is_one(snapshot):
    assert typed(snapshot)['flags'] == ['--load-balancer-backend-pool-type', 'nodeIP']


@pytest.mark.parametrize('outbound_type', ['loadBalancer', 'managedNATGateway'])
def test_node_auto_provisioning_leaves_new_nodes_out(outbound_type):
    """In force, and asked for."""
    plain = world(outbound_type=outbound_type, **AUTO)
    assert found(typed(plain))['NodeIpLeavesNodesOut']['severity'] == 'warning'
    in_force = world(outbound_type=outbound_type, **AUTO)
    in_force['managedCluster']['properties']['networkProfile'].setdefault('loadBalancerProfile', {})[
        'backendPoolType'] = 'nodeIP'
    for result in answers(in_force, ('plan', 'recommend', 'check')).values():
        assert 'NodeIpLeavesNodesOut' in found(result)
    for snapshot in (plain, world(outbound_type=outbound_type)):
        assert 'NodeIpLeavesNodesOut' not in found(answer('check', snapshot))


def test_a_basic_load_balancer_has_none():
    assert answer('show', world(sku='basic'))['current']['backendPoolType'] is None
