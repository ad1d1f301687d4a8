"""What is proposed as code: the smallest block, and applied to the input it makes the answer clean."""
import json
import re
import shutil
import subprocess

import pytest
import yaml

from azext_lbplan.decision import Reason, decide
from azext_lbplan.inputs.code.bodies import patched
from azext_lbplan.inputs.notation import parse_documents
from azext_lbplan.inputs.shapes import recognise
from azext_lbplan.model.origin import LANGUAGES
from azext_lbplan.options import Change, Options
from azext_lbplan.rules.cluster import findings
from azext_lbplan.views import hints
from azext_lbplan.views.fragments import fragments
from azext_lbplan.readers.json_file import LARGEST_FILE
from tests.support.cases import GROUP, body, managed, observe, own_ips, pool, prefix_bodies, prefix_ids, prefixes
from tests.support.terraform import change, cluster, node_pool, plan, state
from tests.unit.inputs.code.test_manifests_of_clusters import ASO, CAPZ

AKS = 'azurerm_kubernetes_cluster.this'
POOL = 'azurerm_kubernetes_cluster_node_pool.batch'
NO_NAMES = [{'resourceId': f'{GROUP}/{kind}', 'names': []} for kind in ('publicIPAddresses', 'publicIPPrefixes')]


def of(document, **options):
    (one,) = recognise([document] if isinstance(document, dict) else document)
    return decide(one.observed(), Options(Change(**options)))


def live(profile, **options):
    return decide(observe(body([pool(count=9)], **profile), publicIpPrefixes=prefix_bodies(31), lists=NO_NAMES),
                  Options(Change(**options)))


def numbers(fragment):
    """The numbers that a block of Terraform or Bicep sets."""
    return {key: int(value) for key, value in re.findall(r'(\w+)\s*[=:]\s*(\d+)', fragment)}


def test_nothing_to_do_has_no_fragments():
    assert fragments(live(managed(1))) == dict.fromkeys(LANGUAGES)


def test_a_cluster_that_is_read_has_all_languages():
    found = fragments(live({**managed(1), 'allocatedOutboundPorts': 8000}))
    assert numbers(found['terraform']) == {'managed_outbound_ip_count': 2}
    assert numbers(found['bicep']) == {'count': 2}
    (aso,), (capz,) = (list(yaml.safe_load_all(found[kind])) for kind in ('aso', 'capz'))
    assert aso['spec'] == {'networkProfile': {'loadBalancerProfile': {'managedOutboundIPs': {'count': 2}}}}
    assert capz['spec'] == {'loadBalancerProfile': {'managedOutboundIPs': 2}}


def test_what_terraform_gets():
    assert fragments(live(own_ips(1), outbound_ports=12000, idle_timeout_in_minutes=10))['terraform'] == '''\
resource "azurerm_public_ip" "aks1_outbound_1" {
  name                = "aks1-outbound-1"
  resource_group_name = "rg1"
  location            = "westeurope"
  sku                 = "Standard"
  allocation_method   = "Static"
}

resource "azurerm_kubernetes_cluster" "aks1" {
  network_profile {
    load_balancer_profile {
      outbound_ip_address_ids = [
        "/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg1/providers/Microsoft.Network/publicIPAddresses/own0",
        azurerm_public_ip.aks1_outbound_1.id,
      ]
      outbound_ports_allocated = 12000
      idle_timeout_in_minutes  = 10
    }
  }
}
'''


def test_new_prefixes_are_resources_of_the_language():
    found = fragments(live(prefixes(1), outbound_ports=24000, backend_pool_type='nodeIP'))
    assert 'azurerm_public_ip_prefix.aks1_outbound_1.id' in found['terraform']
    assert 'backend_pool_type        = "NodeIP"' in found['terraform']
    made, aso = yaml.safe_load_all(found['aso'])
    assert (made['kind'], made['spec']['prefixLength']) == ('PublicIPPrefix', 31)
    wanted = aso['spec']['networkProfile']['loadBalancerProfile']['outboundIPPrefixes']['publicIPPrefixes']
    assert wanted == [{'reference': {'armId': str(prefix_ids(1)[0])}}, {'reference': {
        'group': 'network.azure.com', 'kind': 'PublicIPPrefix', 'name': 'aks1-outbound-1'}}]
    assert "'Microsoft.Network/publicIPPrefixes@" in found['bicep'] and 'id: aks1_outbound_1.id' in found['bicep']
    assert found['capz'] is None, 'the backend pool type cannot be set there'


def test_another_kind_of_ips_takes_the_old_one_away():
    found = fragments(live(own_ips(1), managed_outbound_ip_count=1))
    assert '# Remove outbound_ip_address_ids' in found['terraform'] and '// Remove outboundIPs' in found['bicep']
    (aso,), (capz,) = (list(yaml.safe_load_all(found[kind])) for kind in ('aso', 'capz'))
    assert aso['spec']['networkProfile']['loadBalancerProfile']['outboundIPs'] is None
    assert capz['spec']['loadBalancerProfile'] == {'outboundIPs': None, 'managedOutboundIPs': 1}


def passes(decision):
    codes = {finding.code for finding in findings(decision) if finding.severity == 'error'}
    return decision.requested.fits is True and decision.reason is Reason.NOTHING_TO_DO and not codes


def test_a_plan_with_its_fragment_applied_passes():
    def of_plan(**more):
        values = cluster(ports=8000)
        values['network_profile'][0]['load_balancer_profile'][0].update(more)
        return of(plan(change(AKS, cluster(ports=8000), values), change(POOL, None, node_pool(most=20))))
    refused = of_plan()
    found = fragments(refused)
    assert [language for language, text in found.items() if text] == ['terraform']
    assert found['terraform'].startswith('resource "azurerm_kubernetes_cluster" "this" {')
    assert refused.requested.fits is False and passes(of_plan(**numbers(found['terraform'])))
    assert hints.of_plan(refused)[-1].text == '  }'


def test_a_state_without_the_profile_is_told_of():
    bare = cluster(ports=32000)
    bare['network_profile'][0]['load_balancer_profile'] = []
    for before, told in ((bare, True), (cluster(ports=0), False)):
        found = fragments(of(plan(change(AKS, before, cluster(ports=32000)))))['terraform']
        assert ('# The state has no load_balancer_profile' in found) == told


def test_a_what_if_with_its_fragment_applied_passes():
    def of_what_if(ips):
        after = body([pool('system', 3), pool('user', 2, max_count=20)], **managed(ips), allocatedOutboundPorts=8000)
        return of({'changes': [{'changeType': 'Modify', 'resourceId': after['id'], 'after': after, 'before': body(
            [pool('system', 3)], **managed(1), allocatedOutboundPorts=8000)}]})
    refused = of_what_if(1)
    found = fragments(refused)
    assert [language for language, text in found.items() if text] == ['bicep']
    assert refused.requested.fits is False and passes(of_what_if(numbers(found['bicep'])['count']))


@pytest.mark.parametrize('text, kind', [
    (CAPZ, 'capz'),
    (ASO.replace('{reference: {kind: PublicIPAddress, name: x}}, ', '').replace('2000', '4000'), 'aso')])
def test_a_manifest_with_its_fragment_applied_passes(text, kind):
    documents = parse_documents(text.encode(), LARGEST_FILE, '')
    refused = of(documents)
    assert refused.requested.fits is False
    *made, patch = yaml.safe_load_all(fragments(refused)[kind])
    assert (patch['apiVersion'], patch['metadata']['name']) == (documents[0]['apiVersion'], 'one')
    again = of([patched(documents[0], patch), *documents[1:]])
    assert again.requested.fits is True and again.requested.settings.outbound_ip_count > \
        refused.requested.settings.outbound_ip_count
    assert bool(made) == (kind == 'aso')


def module(source):
    return {'resources': [], 'module_calls': {'aks': {'source': source, 'module': {'resources': []}}}}


def test_a_resource_in_a_module_is_set_through_the_module():
    address = 'module.aks.azurerm_kubernetes_cluster.main'
    document = plan(change(address, None, cluster(ports=32000)), configuration=module('Azure/aks/azurerm'))
    assert fragments(of(document))['terraform'] == '''\
module "aks" {
  load_balancer_profile_enabled                   = true
  load_balancer_profile_managed_outbound_ip_count = 2
}
'''
    document = plan(change(address, None, cluster(ports=32000)), configuration=module('./aks'))
    found = fragments(of(document))['terraform']
    assert found.startswith(f'# {address} is inside of a module') and 'resource "' not in found


@pytest.mark.parametrize('version, begins', [('~> 1.12', 'body = jsonencode({'), ('~> 2.0', 'body = {'),
                                             (None, 'body = {')])
def test_azapi_has_the_form_of_its_version(version, begins):
    inner = {'properties': {'agentPoolProfiles': [{'name': 'a', 'count': 9}], 'networkProfile': {
        'loadBalancerProfile': {'allocatedOutboundPorts': 8000}}}}
    document = plan(change('azapi_resource.aks', None, {
        'type': 'Microsoft.ContainerService/managedClusters@2025-05-01', 'name': 'aks1', 'body': inner}))
    document['configuration']['provider_config'] = {'azapi': {'version_constraint': version}}
    found = fragments(of(document))['terraform']
    assert begins in found and numbers(found) == {'count': 2}
    assert found.count('(') == found.count(')') and found.count('{') == found.count('}')


@pytest.mark.parametrize('address', ['azurerm_kubernetes_cluster.x"\n}', 'azurerm_kubernetes_cluster.${x}', 'x', '',
                                     'azurerm_kubernetes_cluster.a b'])
def test_names_of_a_stranger_become_no_code(address):
    document = state((AKS, cluster(ports=32000)))
    document['values']['root_module']['resources'][0]['address'] = address
    found = fragments(of(document))['terraform']
    assert re.match(r'resource "azurerm_kubernetes_cluster" "\w+" \{\n', found) and '${' not in found
    documents = [dict(one) for one in parse_documents(CAPZ.encode(), LARGEST_FILE, '')]
    documents[0]['metadata'] = {'name': address or 'x y'}
    for one in documents[1:]:
        one['spec'] = {**one['spec'], 'clusterName': address or 'x y'}
    (patch,) = yaml.safe_load_all(fragments(of(documents))['capz'])
    assert re.fullmatch(r'[a-z0-9.-]+', patch['metadata']['name']) and json.dumps(patch)


@pytest.mark.skipif(not shutil.which('terraform'), reason='Terraform is not installed; what it gets is pinned above')
def test_terraform_takes_its_blocks_as_they_are():
    """Its own parser, and its own layout."""
    encoded = plan(change('azapi_resource.aks', None, {'type': 'Microsoft.ContainerService/managedClusters@2025-05-01',
                                                       'name': 'aks1', 'body': {'properties': {
                                                           'agentPoolProfiles': [{'name': 'a', 'count': 9}],
                                                           'networkProfile': {'loadBalancerProfile': {
                                                               'allocatedOutboundPorts': 8000}}}}}))
    encoded['configuration']['provider_config'] = {'azapi': {'version_constraint': '~> 1.12'}}
    inside = plan(change('module.aks.azurerm_kubernetes_cluster.x', None, cluster(ports=32000)),
                  configuration=module('Azure/aks/azurerm'))
    for decision in (
            live(managed(1), outbound_ports=8000), live(own_ips(1), outbound_ports=12000), of(inside), of(encoded),
            live(prefixes(1), outbound_ports=24000), live(own_ips(1), managed_outbound_ip_count=1)):
        done = subprocess.run(['terraform', 'fmt', '-check', '-diff', '-'], input=fragments(decision)['terraform'],
                              capture_output=True, text=True, check=False)
        assert (done.returncode, done.stdout) == (0, ''), done.stderr
