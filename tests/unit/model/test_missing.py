"""Bodies that do not hold what decides: an error or a named gap, never defaults that are all clear."""
import copy
import json
from types import SimpleNamespace

import pytest

from azext_lbplan.inputs.snapshots import recognise_snapshot
from azext_lbplan.inputs.unusable import UnusableDocument
from azext_lbplan.model.answers import Answer
from azext_lbplan.model.cluster import missing_in, parse_cluster
from azext_lbplan.model.fleet import Assembly
from azext_lbplan.model.observed import INVALID_ANSWER, parse_observed
from azext_lbplan.readers import arm
from azext_lbplan.readers.cluster import _read_network
from azext_lbplan.readers.metrics import ask
from tests.support import shapes
from tests.support.answers import answer


def own_ips():
    return copy.deepcopy(shapes.snapshots()['own-ips'])


@pytest.mark.parametrize('spoil, missing', [
    (lambda body: body.pop('properties'), ('networkProfile', 'agentPoolProfiles')),
    (lambda body: body.update(properties=None), ('networkProfile', 'agentPoolProfiles')),
    (lambda body: body['properties'].pop('networkProfile'), ('networkProfile',)),
    (lambda body: body['properties'].update(networkProfile='kubenet'), ('networkProfile',)),
    (lambda body: body['properties']['networkProfile'].update(outboundType=[]), ('networkProfile.outboundType',)),
    (lambda body: body['properties']['networkProfile'].update(loadBalancerSku=7), ('networkProfile.loadBalancerSku',)),
    (lambda body: body['properties']['networkProfile'].update(loadBalancerProfile={'allocatedOutboundPorts': [8]}),
     ('networkProfile.loadBalancerProfile.allocatedOutboundPorts',)),
    (lambda body: body['properties']['networkProfile'].update(
        loadBalancerProfile={'managedOutboundIPs': {'count': -1}}),
     ('networkProfile.loadBalancerProfile.managedOutboundIPs.count',)),
    (lambda body: body['properties'].update(agentPoolProfiles=None), ('agentPoolProfiles',)),
    (lambda body: body['properties'].update(agentPoolProfiles={}), ('agentPoolProfiles',)),
    (lambda body: body['properties']['agentPoolProfiles'].append(None), ('agentPoolProfiles[1]',)),
    (lambda body: body['properties']['agentPoolProfiles'][0].pop('count'), ('agentPoolProfiles[0].count',)),
    (lambda body: body['properties']['agentPoolProfiles'][0].update(count='many'), ('agentPoolProfiles[0].count',)),
    (lambda body: body['properties']['agentPoolProfiles'][0].update(enableAutoScaling=True, maxCount=None),
     ('agentPoolProfiles[0].maxCount',)),
])
def test_a_cluster_without_what_decides_is_an_error_that_names_it(spoil, missing):
    snapshot = own_ips()
    body = snapshot['managedCluster']
    body['properties']['agentPoolProfiles'] = body['properties']['agentPoolProfiles'][:1]
    assert missing_in(body) == ()
    spoil(body)
    assert missing_in(body) == missing
    for document in (snapshot, body):
        with pytest.raises(UnusableDocument) as refused:
            recognise_snapshot(document)
        assert all(one in refused.value.recognised for one in missing)
    assembly = Assembly()
    assert assembly.add_cluster(body) is None and list(assembly.rest()) == []
    assert all(one in assembly.gaps[0] for one in missing) and body['id'].lower() in assembly.gaps[0].lower()


@pytest.mark.parametrize('odd', [{}, [], 'x', 7, {'properties': None},
                                 {'properties': {'provisioningState': 'Succeeded'}},
                                 {'properties': {'frontendIPConfigurations': None}}])
def test_a_load_balancer_that_is_not_understood_was_not_read(odd):
    snapshot = dict(own_ips(), loadBalancer=odd)
    observed = parse_observed(snapshot)
    assert observed.load_balancer is None
    assert [error.code for error in observed.errors] == [INVALID_ANSWER]
    assert 'LoadBalancerNotReadable' in [one['code'] for one in answer('check', snapshot)['findings']]


@pytest.mark.parametrize('inner', [None, {}, {'ipAddress': 5}, {'provisioningState': 'Succeeded'}])
def test_an_own_ip_that_is_not_understood_was_not_read(inner):
    snapshot = own_ips()
    snapshot['publicIpAddresses'][0]['properties'] = inner
    observed = parse_observed(snapshot)
    assert len(observed.public_ips) == len(snapshot['publicIpAddresses']) - 1
    assert observed.error_of(snapshot['publicIpAddresses'][0]['id']).code == INVALID_ANSWER
    assert 'OutboundIpNotReadable' in [one['code'] for one in answer('check', snapshot)['findings']]


@pytest.mark.parametrize('body', [{}, {'value': None}, {'value': 'x'}, {'value': {}}, {'values': [{'value': None}]}])
def test_metrics_that_are_no_answer_are_a_failure(body):
    query = next(iter(shapes.metrics(1024)))
    with pytest.raises(arm.ReadFailure) as failed:
        ask('/path', lambda _, take: take(body), query, Answer)
    assert (failed.value.path, failed.value.code) == ('/path', INVALID_ANSWER)
    snapshot = dict(shapes.snapshots()['managed'], metrics=[{'query': query['query'], 'response': body}])
    evidence = answer('recommend', snapshot)['evidence']
    assert evidence['status'] == 'noData' and 'without a list of metrics' in evidence['reason']


def test_a_page_that_is_no_list_ends_no_list():
    pages = iter([{'value': [{'name': 'a'}], 'nextLink': 'https://x/?page=2'}, {'value': None}])
    client = arm.ArmClient.__new__(arm.ArmClient)
    client._receive = lambda request: (json.dumps(next(pages)).encode(), {})  # the wire
    with pytest.raises(arm.ReadFailure, match='a page of the list is no list'):
        client.send_pages(arm.Request('/x', {}))


def test_an_answer_about_another_resource_is_none():
    snapshot = own_ips()
    own = parse_cluster(snapshot['managedCluster']).profile.own_ids[0]
    for asked, body in ((own, snapshot['loadBalancer']), (own.collection, {'value': None})):
        client = SimpleNamespace(send_pages=lambda _, body=body: body)
        with pytest.raises(arm.ReadFailure) as failed:
            _read_network(client, asked)
        assert (failed.value.path, failed.value.code) == (asked, INVALID_ANSWER)
