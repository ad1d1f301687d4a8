"""What Azure cannot have given gets into no line, no path and no count, and is named."""
import shlex

import pytest

from azext_lbplan.decision import Reason
from azext_lbplan.decision.alternatives import alternatives
from azext_lbplan.model.observed import load_balancer_id
from azext_lbplan.options import Change
from azext_lbplan.rules.cluster import check, findings
from azext_lbplan.views.results import plan
from tests.azure.builders import pool
from tests.support.cases import body, ip_ids, managed, own_ips, prefix_ids, prefixes
from tests.support.hostile import not_ids
from tests.unit.decision.test_decide import LISTED, solve

SMALL = [pool(count=9)]


def codes(decision):
    return {finding.code for finding in findings(decision)}


def lines_of(decision):
    """Every line that an answer holds, by any way."""
    found = [finding.command for finding in (*findings(decision), *check(decision).findings)]
    ways = [way.command for way in alternatives(decision)] if decision.cluster else []
    return [line for line in (*decision.commands, decision.reconciling_line, *found, *ways) if line]


@pytest.mark.parametrize('own, ids, keys', [
    (own_ips, ip_ids, ('outboundIPs', 'publicIPs')),
    (prefixes, prefix_ids, ('outboundIPPrefixes', 'publicIPPrefixes'))])
def test_an_own_address_that_is_none_leaves_no_line(own, ids, keys):
    for written in filter(None, not_ids(ids(1)[0])):
        cluster = body(SMALL, **own(2), allocatedOutboundPorts=16000)
        profile = cluster['properties']['networkProfile']['loadBalancerProfile']
        profile[keys[0]][keys[1]][0]['id'] = written
        decision = solve(cluster, **LISTED)
        assert decision.reason is Reason.ADDRESS_UNUSABLE and lines_of(decision) == [], written
        assert decision.current.settings.own_ids == tuple(ids(2)[1:]), 'neither counted nor listed'
        assert 'MalformedId' in codes(decision) and decision.proposed.fits is False


def test_typed_addresses_take_the_place_of_malformed_ones():
    cluster = body(SMALL, **own_ips(1), allocatedOutboundPorts=1024)
    cluster['properties']['networkProfile']['loadBalancerProfile']['outboundIPs']['publicIPs'][0]['id'] = '@x'
    decision = solve(cluster, Change(outbound_ips=tuple(ip_ids(2))))
    assert decision.command is not None and '@' not in decision.command


def test_effective_ids_of_another_type_are_not_counted():
    machine = ip_ids(1)[0].replace('Microsoft.Network/publicIPAddresses', 'Microsoft.Compute/virtualMachines')
    cluster = body(SMALL, effectiveOutboundIPs=[{'id': machine}, {'id': ip_ids(1)[0]}], managedOutboundIPs={})
    decision = solve(cluster)
    assert decision.current.effective_outbound_ip_count == 1 and 'MalformedId' in codes(decision)


@pytest.mark.parametrize('group', ['..', '.', '@x', "a'b", 'a/b', 'a\x1b[31mb', 'a\u202eb', ' '])
def test_the_node_resource_group_becomes_no_path(group):
    cluster = body(SMALL, **managed(1), allocatedOutboundPorts=16000)
    cluster['properties']['nodeResourceGroup'] = group
    decision = solve(cluster)
    assert load_balancer_id(decision.cluster) is None and 'MalformedId' in codes(decision)
    assert decision.command is not None, 'the line does not need it'


@pytest.mark.parametrize('change', [
    {'id': None, 'name': None}, {'id': None}, {'id': None, 'name': '@x', 'resourceGroup': 'rg1'},
    {'id': None, 'resourceGroup': '..'}, {'id': None, 'name': 'a\x07b', 'resourceGroup': 'rg1'},
    {'id': '/subscriptions/x/resourceGroups/../providers/Microsoft.ContainerService/managedClusters/a'}])
def test_without_the_name_of_its_cluster_there_is_no_line(change):
    cluster = {**body(SMALL, **managed(1), allocatedOutboundPorts=16000), **change}
    decision = solve(cluster)
    assert decision.reason is Reason.UNKNOWN_CLUSTER and lines_of(decision) == []
    result = plan(decision, findings(decision))
    assert result['command'] is None and result['commands'] == [] and result['flags'] == []
    assert '--load-balancer-managed-outbound-ip-count 3' in result['noCommand']['message']
    assert result['proposed']['fits'] is None and any('does not name' in said for said in result['unverified'])


def test_the_id_decides_about_names():
    cluster = body(SMALL, **managed(1), allocatedOutboundPorts=16000)
    cluster.update(name='other', resourceGroup='other-group')
    words = shlex.split(solve(cluster).command)
    assert words[words.index('--name') + 1] == 'aks1' and words[words.index('--resource-group') + 1] == 'rg1'


def test_a_new_ip_is_made_in_a_region_that_is_known():
    cluster = body([pool(count=99)], **own_ips(1), allocatedOutboundPorts=1024)
    assert solve(cluster, **LISTED).prerequisites
    for location in ('@x', '-x', 'a\x1bb', None):
        decision = solve({**cluster, 'location': location}, **LISTED)
        assert decision.reason is Reason.UNKNOWN_PLACE
        assert not [line for line in lines_of(decision) if 'public-ip' in line]
