"""Plans and states of Terraform: the same records as from Azure, before and after, and what they leave open by name."""
import json

import pytest

from azext_lbplan.decision import Reason, decide
from azext_lbplan.inputs.shapes import recognise
from azext_lbplan.inputs.unusable import UnusableDocument
from azext_lbplan.options import Options
from azext_lbplan.rules.cluster import findings
from azext_lbplan.views import results
from azext_lbplan.views.recommendation import recommend
from tests.support.terraform import CLUSTER_ID, change, cluster, node_pool, plan, reference, state

AKS = 'azurerm_kubernetes_cluster.this'
POOL = 'azurerm_kubernetes_cluster_node_pool.batch'


def observed(document):
    return [one.observed() for one in recognise([document])]


def only(document):
    (one,) = observed(document)
    return one


def decision(document):
    return decide(only(document))


def pools(one):
    return {pool.name: (pool.current, pool.max, pool.max_surge, pool.unknown) for pool in one.pools}


def test_an_update_has_the_plan_on_both_sides():
    one = only(plan(change(AKS, cluster(ports=1024), cluster(ports=2048, ips=3)),
                    change(POOL, node_pool(most=5), node_pool(most=9, surge='50%'))))
    assert one.before.profile.allocated_outbound_ports == 1024
    assert one.cluster.profile.allocated_outbound_ports == 2048
    assert (one.before.profile.managed_outbound_ip_count, one.cluster.profile.managed_outbound_ip_count) == (1, 3)
    assert pools(one.before)['batch'] == (2, 5, None, ()) and pools(one.cluster)['batch'] == (2, 9, '50%', ())
    assert one.cluster.id == CLUSTER_ID and (one.origin.action, one.origin.address) == ('update', AKS)


def test_a_pool_that_is_added_is_refused_by_its_name_and_the_code_is_what_to_change():
    made = decision(plan(change(AKS, cluster(ports=8000), cluster(ports=8000)), change(POOL, None, node_pool(most=20))))
    assert made.current.fits and made.requested.fits is False and made.proposed.fits
    assert made.reason is Reason.MANAGED_BY_CODE and made.command is None and made.commands == ()
    found = {finding.code: finding for finding in findings(made)}
    assert found['PortsOvercommittedAtMaximum'].severity == 'error'
    assert "adds node pool 'batch' (20 nodes at most" in found['CodeRaisesNodes'].message
    result = results.plan(made, findings(made))
    assert result['noCommand']['reason'] == 'managedByCode' and result['current']['fits'] is True
    assert result['code']['address'] == AKS


def test_a_maximum_and_a_version_that_move_are_named():
    made = decision(plan(change(AKS, cluster(), cluster(kubernetes_version='1.32')),
                         change(POOL, node_pool(most=5), node_pool(most=9))))
    messages = {finding.code: finding.message for finding in findings(made)}
    assert "the maximum of node pool 'batch' from 5 to 9" in messages['CodeRaisesNodes']
    assert 'from 1.31 to 1.32' in messages['CodeMovesVersion'] and '10 %' in messages['CodeMovesVersion']


def test_a_cluster_that_is_made_anew_is_said():
    made = decision(plan(change(AKS, cluster(), cluster(), actions=['delete', 'create'],
                                replace_paths=[['network_profile', 0, 'load_balancer_sku']])))
    (found,) = [finding for finding in findings(made) if finding.code == 'ClusterRecreated']
    assert 'network_profile.load_balancer_sku' in found.message and found.severity == 'warning'


def test_pools_that_go_are_not_counted_after():
    one = only(plan(change(AKS, cluster(), cluster()), change(POOL, node_pool(), None)))
    assert set(pools(one.before)) == {'system', 'batch'} and set(pools(one.cluster)) == {'system'}
    assert one.origin.removed_pools == ('batch',)


def test_an_unset_network_profile_means_azures_defaults():
    values = cluster()
    del values['network_profile'], values['id']
    made = decision(plan(change(AKS, None, values, {'network_profile': True, 'id': True})))
    settings = made.requested.settings
    assert made.current is None
    assert (settings.ip_source, settings.outbound_ip_count, settings.outbound_ports) == ('managed', 1, 0)
    assert "Azure's default counts" in ' '.join(made.observed.origin.assumed)


def test_a_value_from_a_resource_is_open_and_never_guessed():
    values, unknown = cluster(), {'network_profile': [{'load_balancer_profile': [{'outbound_ports_allocated': True}]}]}
    del values['network_profile'][0]['load_balancer_profile'][0]['outbound_ports_allocated']
    configuration = {'resources': [{**reference(AKS), 'expressions': {'network_profile': [{'load_balancer_profile': [
        {'outbound_ports_allocated': {'references': ['random_integer.ports.result', 'random_integer.ports']}}]}]}}]}
    made = decision(plan(change(AKS, None, values, unknown), configuration=configuration))
    assert made.reason is Reason.UNKNOWN_SETTINGS and made.requested.fits is None
    result = results.plan(made, findings(made))
    assert result['requested']['outboundPorts'] is None and 'allocatedOutboundPorts' in result['unverified'][0]
    assert 'CodeLeavesOpen' in [finding['code'] for finding in result['findings']]
    # A variable of the root module is known when the plan is made: what is unknown then is not set.
    configuration['resources'][0]['expressions']['network_profile'][0]['load_balancer_profile'][0][
        'outbound_ports_allocated']['references'] = ['var.ports']
    assert decision(plan(change(AKS, None, values, unknown), configuration=configuration)).requested.settings.automatic


def test_what_stays_computed_in_an_update_has_what_it_had():
    before, after = cluster(ips=4), cluster()
    del after['network_profile'][0]['load_balancer_profile']
    one = only(plan(change(AKS, before, after, {'network_profile': [{'load_balancer_profile': True}]})))
    assert one.cluster.profile.managed_outbound_ip_count == 4


def test_own_ips_that_are_made_in_the_plan_count():
    values = cluster(ips=None)
    del values['network_profile'][0]['load_balancer_profile'][0]['outbound_ip_address_ids']
    unknown = {'network_profile': [{'load_balancer_profile': [{'outbound_ip_address_ids': [True, True]}]}]}
    configuration = {'resources': [{**reference(AKS), 'expressions': {'network_profile': [{'load_balancer_profile': [
        {'outbound_ip_address_ids': {'references': ['azurerm_public_ip.a.id', 'azurerm_public_ip.a']}}]}]}}]}
    settings = decision(plan(change(AKS, None, values, unknown), configuration=configuration)).requested.settings
    assert (settings.ip_source, settings.outbound_ip_count, settings.unnamed_ips) == ('publicIps', 2, 2)


def test_zeros_of_state_mean_that_nothing_is_set():
    values = cluster(ips=0, ports=0)
    values['network_profile'][0]['load_balancer_profile'][0].update(
        idle_timeout_in_minutes=0, effective_outbound_ips=[CLUSTER_ID.replace('ContainerService/managedClusters',
                                                                              'Network/publicIPAddresses')])
    values['default_node_pool'][0].update(max_count=0, min_count=0)
    one = only(state((AKS, values), (POOL, node_pool(count=7, most=12, surge='2'))))
    assert one.before == one.cluster
    assert (one.cluster.profile.idle_timeout_in_minutes, one.cluster.profile.has_managed) == (None, False)
    assert pools(one.cluster) == {'system': (3, 3, None, ()), 'batch': (7, 12, '2', ())}


def test_version_3_of_the_provider_spells_the_autoscaler_otherwise():
    values = node_pool(most=9)
    values['enable_auto_scaling'] = values.pop('auto_scaling_enabled')
    assert pools(only(state((AKS, cluster()), (POOL, values))).cluster)['batch'][1] == 9


def test_raw_state_is_taken_and_nothing_of_its_secrets_comes_out():
    secret = 'hunter2' * 5
    document = {'version': 4, 'terraform_version': '1.5.0', 'serial': 3, 'resources': [
        {'mode': 'managed', 'type': 'azurerm_kubernetes_cluster', 'name': 'this', 'module': 'module.a',
         'instances': [{'index_key': 'x', 'attributes': cluster(kube_config_raw=secret, kube_config=[
             {'password': secret}])}]}]}
    made = decision(document)
    assert made.observed.origin.address == 'module.a.azurerm_kubernetes_cluster.this["x"]'
    assert secret not in json.dumps(results.plan(made, findings(made)))
    assert secret not in repr(recognise([document]))


# Which cluster a pool belongs to, where its id is known only after apply

def linked(configuration, *addresses, pool=POOL):
    """The clusters at `addresses` that get the pool, by their names."""
    found = observed(plan(
        *(change(address, None, {**cluster(), 'id': None, 'name': f'aks-{number}'}, {'id': True})
          for number, address in enumerate(addresses)),
        change(pool, None, {**node_pool(), 'kubernetes_cluster_id': None}, {'kubernetes_cluster_id': True}),
        configuration=configuration))
    return [one.cluster.name for one in found if 'batch' in pools(one.cluster)], found


def module(name, outputs=None, resources=(), **arguments):
    return {name: {'expressions': {key: {'references': found} for key, found in arguments.items()},
                   'module': {'outputs': {key: {'expression': {'references': found}}
                                          for key, found in (outputs or {}).items()}, 'resources': list(resources)}}}


OTHER = 'azurerm_kubernetes_cluster.other'
OWNER = 'kubernetes_cluster_id'


@pytest.mark.parametrize('configuration, addresses, pool, expected', [
    ({'resources': [reference(POOL, **{OWNER: [f'{AKS}.id', AKS]})]}, (OTHER, AKS), POOL, ['aks-1']),
    ({'resources': [reference(POOL, **{OWNER: ['module.a.cluster_id', 'module.a']})],
      'module_calls': module('a', {'cluster_id': [f'{AKS}[0].id', f'{AKS}[0]', AKS]})},
     (f'module.a.{AKS}[0]', OTHER), POOL, ['aks-0']),
    ({'module_calls': {**module('pools', resources=[reference(POOL, **{OWNER: ['var.owner']})],
                                owner=[f'{OTHER}.id', OTHER])}}, (AKS, OTHER), f'module.pools.{POOL}', ['aks-1']),
    ({'resources': [reference(POOL, **{OWNER: ['local.owner']})]}, (AKS,), POOL, ['aks-0']),
    ({'resources': [{**reference(POOL, **{OWNER: ['each.value.id', 'each.value']}),
                     'for_each_expression': {'references': [AKS]}}]}, (AKS, OTHER), POOL, ['aks-0']),
    (None, (AKS,), POOL, ['aks-0'])])
def test_a_pool_is_joined_by_what_the_code_refers_to(configuration, addresses, pool, expected):
    assert linked(configuration, *addresses, pool=pool)[0] == expected


def test_instances_are_joined_by_their_index_and_by_their_module():
    configuration = {'resources': [reference(POOL, **{OWNER: [AKS]})]}
    entry = change(f'{POOL}["b"]', None, {**node_pool(), OWNER: None}, {OWNER: True})
    clusters = [change(f'{AKS}["{key}"]', None, {**cluster(), 'id': None, 'name': key}) for key in 'abc']
    for key, one in zip('abc', clusters):
        one['index'] = key
    entry['index'] = 'b'
    found = observed(plan(*clusters, entry, configuration=configuration))
    assert [one.cluster.name for one in found if 'batch' in pools(one.cluster)] == ['b']


def test_a_pool_of_nobody_leaves_the_nodes_of_all_open():
    names, found = linked({'resources': [reference(POOL, **{OWNER: ['local.owner']})]}, AKS, OTHER)
    assert names == [] and all(not decide(one).nodes.most_known for one in found)
    assert 'UnboundedNodeCount' in [finding.code for finding in findings(decide(found[0]))]


def test_references_in_a_circle_end():
    configuration = {'resources': [reference(POOL, **{OWNER: ['module.a.x']})],
                     'module_calls': module('a', {'x': ['module.a.x', 'var.y']}, y=['module.a.x'])}
    assert linked(configuration, AKS, OTHER)[0] == []


@pytest.mark.parametrize('body', [
    {'properties': {'agentPoolProfiles': [{'name': 'sys', 'count': 3}], 'networkProfile': {
        'loadBalancerProfile': {'allocatedOutboundPorts': 2048, 'managedOutboundIPs': {'count': 3}}}}},
])
@pytest.mark.parametrize('written', [dict, json.dumps])
def test_azapi_holds_bodies_of_arm(body, written):
    kind = 'Microsoft.ContainerService/managedClusters'
    document = plan(
        change('azapi_resource.aks', None, {'type': f'{kind}@2025-05-01', 'name': 'aks1', 'parent_id':
                                            CLUSTER_ID.partition('/providers')[0], 'body': written(body)}),
        change('azapi_resource.batch', None, {'type': f'{kind}/agentPools@2025-05-01', 'name': 'batch', 'body': written(
            {'properties': {'count': 2, 'enableAutoScaling': True, 'maxCount': 40}})}, {'parent_id': True}),
        configuration={'resources': [reference('azapi_resource.batch', parent_id=['azapi_resource.aks.id'])]})
    one = only(document)
    assert (one.cluster.id, one.cluster.profile.allocated_outbound_ports) == (CLUSTER_ID, 2048)
    assert pools(one.cluster)['batch'][:2] == (2, 40)


def test_an_azapi_body_that_is_open_leaves_all_open():
    document = plan(change('azapi_resource.aks', None, {
        'type': 'Microsoft.ContainerService/managedClusters@2025-05-01', 'name': 'aks1'}, {'body': True}))
    made = decision(document)
    assert made.reason is Reason.UNKNOWN_SETTINGS and not made.cluster.egress_known
    assert results.plan(made, findings(made))['unverified']


@pytest.mark.parametrize('document, recognised', [
    (plan(), 'is a Terraform plan, and holds no managed cluster'), (state(), 'is a Terraform state, and holds no'),
    (plan(change(AKS, cluster(), None)), 'is a Terraform plan, and deletes its managed clusters'),
    ({**plan(), 'format_version': '2.0'}, 'is of Terraform with format_version 2.0'),
    ({'format_version': '1.0', 'terraform_version': '1.2.3'}, 'holds no managed cluster')])
def test_what_holds_no_cluster_is_told(document, recognised):
    with pytest.raises(UnusableDocument) as refused:
        recognise([document])
    assert recognised in refused.value.recognised


@pytest.mark.parametrize('odd', [None, 7, 'x', [], {}, [[]], [{'a': 7}], {'x': True}])
def test_odd_values_are_no_reason_to_fall(odd):
    for key in ('before', 'after', 'after_unknown', 'replace_paths'):
        entry = change(AKS, cluster(), cluster(), actions=['delete', 'create'])
        entry['change'][key] = odd
        try:
            found = observed({**plan(entry), 'configuration': odd})
        except UnusableDocument:
            continue
        for one in found:
            results.plan(decide(one), findings(decide(one)))
    for key in ('default_node_pool', 'network_profile', 'id', 'name'):
        made = decision(plan(change(AKS, None, cluster(**{key: odd})), change(POOL, None, node_pool(**{
            'upgrade_settings': odd, 'kubernetes_cluster_id': odd}))))
        results.plan(made, findings(made))


def test_an_update_resource_of_azapi_is_part_of_the_cluster():
    profile = {'loadBalancerProfile': {'allocatedOutboundPorts': 4000}}
    patch = {'type': 'Microsoft.ContainerService/managedClusters@2025-05-01',
             'body': {'properties': {'networkProfile': profile}}}
    document = plan(change(AKS, cluster(), cluster()),
                    change('azapi_update_resource.ports', None, {**patch, 'resource_id': CLUSTER_ID.upper()}))
    one = only(document)
    assert (one.before.profile.allocated_outbound_ports, one.cluster.profile.allocated_outbound_ports) == (1024, 4000)
    assert one.cluster.profile.managed_outbound_ip_count == 1


def test_a_state_without_the_default_pool_leaves_the_nodes_open():
    values = cluster()
    del values['default_node_pool']
    made = decision(state((AKS, values)))
    assert not made.nodes.most_known and made.reason is Reason.UNKNOWN_SETTINGS


def test_recommend_names_the_pools_too():
    made = decide(only(plan(change(AKS, cluster(ports=8000), cluster(ports=8000)),
                            change(POOL, None, node_pool(most=20)))), Options(measure=True))
    result = recommend(made, findings(made))
    assert result['status'] == 'change' and '`batch`' in result['reasons'][0]
    assert not any(way['command'] for way in result['alternatives'])
