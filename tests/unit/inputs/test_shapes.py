"""What a file may hold: each shape is told from the others, and gives its clusters."""
import json

import pytest
import yaml

from azext_lbplan.inputs.notation import parse_documents
from azext_lbplan.inputs.shapes import recognise
from azext_lbplan.inputs.unusable import UnusableDocument
from azext_lbplan.model.observed import SCHEMA
from azext_lbplan.readers.json_file import LARGEST_FILE
from tests.support.cases import GROUP, body, managed, own_ips, pool

CLUSTER = body([pool('system', 3)], **managed(2), allocatedOutboundPorts=1024)
SNAPSHOT = {'schema': SCHEMA, 'managedCluster': CLUSTER, 'errors': []}
NOTICES = 'WARNING: [Warning] This command is in preview.\nThe behavior will change.\n\n'


def found(text):
    return recognise(parse_documents(text.encode(), LARGEST_FILE, ''))


def names(text):
    return [one.observed().cluster.name for one in found(text)]


@pytest.mark.parametrize('document, clusters', [
    (CLUSTER, 1), (SNAPSHOT, 1), ([CLUSTER], 1), ([CLUSTER, SNAPSHOT], 2), ({'value': [CLUSTER, CLUSTER]}, 2),
    ({'data': [CLUSTER], 'count': 1}, 1), ({'value': [SNAPSHOT], 'nextLink': None}, 1),
    ([{'data': [CLUSTER]}, {'data': [CLUSTER]}], 2), ([{'id': 'x'}, CLUSTER, 7], 1)])
def test_clusters_and_snapshots_alone_in_lists_and_in_answers(document, clusters):
    """In JSON, after notices of the CLI, and in YAML."""
    written = json.dumps(document, indent=1)
    for text in (written, NOTICES + written, f'[Notice] x\n{written}', yaml.safe_dump(document)):
        assert names(text) == ['aks1'] * clusters
    assert found(written)[0].observed() == found(yaml.safe_dump(document))[0].observed()


def test_documents_of_yaml_are_clusters_each():
    assert names(yaml.safe_dump_all([CLUSTER, SNAPSHOT])) == ['aks1', 'aks1']


def test_rows_around_a_cluster_belong_to_it():
    cluster = body([pool()], **own_ips(1))
    node_group = cluster['properties']['nodeResourceGroup']
    balancer = {'id': f'/subscriptions/{cluster["id"].split("/")[2]}/resourceGroups/{node_group.upper()}/providers/'
                      'Microsoft.Network/loadBalancers/kubernetes', 'type': 'microsoft.network/loadbalancers',
                'properties': {'frontendIPConfigurations': []}}
    address = {'id': f'{GROUP}/publicIPAddresses/OWN0', 'type': 'Microsoft.Network/publicIPAddresses',
               'properties': {'publicIPAllocationMethod': 'Static'}}
    stranger = {'id': f'{GROUP}/publicIPAddresses/other', 'type': 'Microsoft.Network/publicIPAddresses'}
    (one,) = recognise([{'data': [stranger, address, cluster, balancer]}])
    observed = one.observed()
    assert observed.load_balancer is not None
    assert [ip.id for ip in observed.public_ips] == [address['id']]


@pytest.mark.parametrize('text, recognised', [
    ('null', None), ('7', None), ('{}', None), ('[]', 'an empty list'), ('{"value": []}', 'an empty list'),
    ('[{"id": "x"}]', None), ('{"error": {"code": "ResourceNotFound"}}', 'an error of Azure'),
    ('{"$schema": "https://schema.management.azure.com/schemas/2019-04-01/deploymentParameters.json#"}',
     'a parameter file of a deployment, without the template'),
    ('apiVersion: v1\nkind: Service\n', 'a manifest of a Service'),
    ('apiVersion: v1\nkind: List\nitems: [{kind: Service}]\n', 'a manifest of a Service'),
    ('apiVersion: apps/v1\nkind: Deployment\n', 'a Kubernetes manifest of kind Deployment'),
    ('apiVersion: cluster.x-k8s.io/v1beta1\nkind: ClusterClass\n',
     'a ClusterClass of Cluster API, or a cluster of one'),
    ('apiVersion: cluster.x-k8s.io/v1beta1\nkind: Cluster\nspec: {topology: {class: x}}\n',
     'a ClusterClass of Cluster API, or a cluster of one'),
    ('apiVersion: cluster.x-k8s.io/v1beta1\nkind: Cluster\n', 'a Kubernetes manifest of kind Cluster'),
    ('apiVersion: v1\nkind: Config\nclusters: []\ncontexts: []\n', 'a kubeconfig'),
    ('[{"vmSize": "x", "maxPods": 110, "count": 3}]', 'an agent pool without its cluster'),
    ('{"type": "Microsoft.Network/loadBalancers"}', 'a load balancer without its cluster')])
def test_what_holds_no_cluster_is_called_by_its_name(text, recognised):
    with pytest.raises(UnusableDocument) as refused:
        found(text)
    assert refused.value.recognised == 'holds neither a snapshot nor a managed cluster' + (
        f': it is {recognised}' if recognised else '')
    assert refused.value.advice


@pytest.mark.parametrize('text', ['managed cluster', '<!DOCTYPE html>', '{"half": ', '{} {}', '{}\n{}', '[' * 200_000,
                                  'a: &a [*a]', 'a: [', '[Notice] one\n{"half":'])
def test_what_is_neither_json_nor_yaml_is_told(text):
    with pytest.raises(UnusableDocument, match='is no JSON: '):
        parse_documents(text.encode(), LARGEST_FILE, 'Advice.')


def test_a_snapshot_of_another_schema_in_a_list_is_told():
    with pytest.raises(UnusableDocument, match='schema 99'):
        recognise([[CLUSTER, {'schema': 99, 'managedCluster': CLUSTER}]])
