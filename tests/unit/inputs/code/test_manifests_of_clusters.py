"""Azure Service Operator and Cluster API: objects of Kubernetes become the same records."""
import pytest
import yaml

from azext_lbplan.decision import decide
from azext_lbplan.decision.code_changes import pool_changes
from azext_lbplan.inputs.notation import parse_documents
from azext_lbplan.inputs.shapes import recognise
from azext_lbplan.rules.cluster import findings
from azext_lbplan.readers.json_file import LARGEST_FILE

ASO = """
apiVersion: containerservice.azure.com/v1api20250801
kind: ManagedCluster
metadata: {name: one}
spec:
  azureName: aks-one
  location: westeurope
  owner: {name: group}
  kubernetesVersion: "1.33"
  agentPoolProfiles: [{name: sys, mode: System, count: 3}]
  networkProfile:
    loadBalancerProfile:
      allocatedOutboundPorts: 2000
      outboundIPs: {publicIPs: [{reference: {kind: PublicIPAddress, name: x}}, {reference: {armId: ID}}]}
---
apiVersion: containerservice.azure.com/v1api20250801
kind: ManagedClustersAgentPool
metadata: {name: one-batch}
spec: {azureName: batch, owner: {name: one}, count: 2, enableAutoScaling: true, maxCount: 20}
""".replace('ID', '/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/publicIPAddresses/y')

CAPZ = """
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: AzureManagedControlPlane
metadata: {name: one}
spec:
  location: westeurope
  resourceGroupName: rg1
  subscriptionID: 11111111-1111-1111-1111-111111111111
  version: v1.33.4
  loadBalancerProfile:
    managedOutboundIPs: 2
    allocatedOutboundPorts: ${PORTS:=8000}
---
apiVersion: cluster.x-k8s.io/v1beta1
kind: MachinePool
metadata: {name: one-a}
spec: {clusterName: one, replicas: 5, template: {spec: {infrastructureRef: {name: one-a}}}}
---
apiVersion: infrastructure.cluster.x-k8s.io/v1beta1
kind: AzureManagedMachinePool
metadata: {name: one-a}
spec:
  mode: User
  scaling: {minSize: 2, maxSize: 25}
  asoManagedClustersAgentPoolPatches: ['{"spec": {"upgradeSettings": {"maxSurge": "50%"}}}', 'no json', 7]
"""


def found(text):
    return [one.observed() for one in recognise(parse_documents(text.encode(), LARGEST_FILE, ''))]


def pools(one):
    return {pool.name: (pool.current, pool.max, pool.max_surge) for pool in one.cluster.pools}


def test_azure_service_operator():
    (one,) = found(ASO)
    settings = decide(one).requested.settings
    assert (one.cluster.name, settings.outbound_ip_count, settings.outbound_ports) == ('aks-one', 2, 2000)
    assert pools(one) == {'sys': (3, 3, None), 'batch': (2, 20, None)}
    assert 'PublicIPAddress x' in one.origin.unknown[0] and one.before is None


def test_the_status_of_an_object_is_what_it_starts_from():
    cluster, batch = yaml.safe_load_all(ASO)
    cluster['status'] = {'agentPoolProfiles': [{'name': 'sys', 'count': 3}], 'networkProfile': {'loadBalancerProfile': {
        'allocatedOutboundPorts': 1024, 'managedOutboundIPs': {'count': 1}}}}
    (one,) = found(yaml.safe_dump({'apiVersion': 'v1', 'kind': 'List', 'items': [cluster, batch]}))
    made = decide(one)
    assert made.current.settings.outbound_ports == 1024 and made.requested.settings.outbound_ports == 2000
    assert [change.name for change in pool_changes(made)] == ['batch']


def test_cluster_api():
    (one,) = found(CAPZ)
    assert pools(one) == {'one-a': (5, 25, '50%')}
    assert one.cluster.kubernetes_version == '1.33.4' and one.cluster.is_named
    made = decide(one)
    assert made.requested.settings.outbound_ports == 8000 and made.requested.fits is False
    assert 'one-a' in [finding for finding in findings(made) if finding.code.startswith('PortsOver')][0].message


@pytest.mark.parametrize('written', ['${PORTS}', '"a${PORTS}"'])
def test_a_variable_without_a_default_is_open(written):
    (one,) = found(CAPZ.replace('${PORTS:=8000}', written))
    assert 'PORTS' in one.origin.unknown[0] and decide(one).requested.fits is None


def test_aso_objects_within_cluster_api():
    cluster, batch = yaml.safe_load_all(ASO)
    del batch['spec']['owner'], batch['spec']['count']
    group = 'infrastructure.cluster.x-k8s.io/v1beta1'
    machines = {'apiVersion': 'cluster.x-k8s.io/v1beta1', 'kind': 'MachinePool', 'metadata': {'name': 'm'}, 'spec': {
        'replicas': 4, 'template': {'spec': {'infrastructureRef': {'name': 'held'}}}}}
    (one,) = found(yaml.safe_dump_all([
        {'apiVersion': group, 'kind': 'AzureASOManagedControlPlane', 'metadata': {'name': 'a'}, 'spec': {
            'resources': [cluster]}}, machines,
        {'apiVersion': group, 'kind': 'AzureASOManagedMachinePool', 'metadata': {'name': 'held'}, 'spec': {
            'resources': [batch]}}]))
    assert pools(one)['batch'] == (4, 20, None)


def test_several_clusters_are_told_apart():
    other = CAPZ.replace('name: one', 'name: two').replace('clusterName: one', 'clusterName: two')
    assert [(one.cluster.name, list(pools(one))) for one in found(f'{CAPZ}\n---\n{other}')] == [
        ('one', ['one-a']), ('two', ['two-a'])]


@pytest.mark.parametrize('text', [ASO, CAPZ])
@pytest.mark.parametrize('odd', [None, 7, 'x', [], {}, [[]], [7]])
def test_odd_values_are_no_reason_to_fall(text, odd):
    documents = list(yaml.safe_load_all(text))
    for document in documents:
        for key in list(document['spec']):
            kept, document['spec'][key] = document['spec'][key], odd
            for one in recognise(documents):
                findings(decide(one.observed()))
            document['spec'][key] = kept
