"""A snapshot is made in rounds: what is asked when, and what stands where. No az in between."""
import datetime
from types import SimpleNamespace

import pytest
from azure.cli.core.azclierror import AzCLIError, ResourceNotFoundError
from azure.core.pipeline.policies import SansIOHTTPPolicy
from knack.util import CLIError

from azext_lbplan.facts.ids import parse_id
from azext_lbplan.facts.networks import PUBLIC_IP_TYPE
from azext_lbplan.inputs.allowed import reduced
from azext_lbplan.readers import cluster as reading
from azext_lbplan.readers.arm import ArmClient
from tests.azure import SUBSCRIPTION, Status
from tests.unit.views.test_fleet import _Bearer

CLI = SimpleNamespace(only_show_errors=True)


@pytest.fixture(autouse=True)
def connected(arm, monkeypatch):
    """The reader's client asks the stand-in."""
    nothing = SansIOHTTPPolicy()
    client = ArmClient(None, SUBSCRIPTION, arm.url, user_agent_policy=nothing, authentication_policy=_Bearer(arm.token),
                       connection_verify=arm.ca_bundle)
    monkeypatch.setattr(reading, 'connect', lambda _: client)


def paths(arm):
    """Last segments of the paths that were asked for, in the order of the rounds."""
    return [request.path.rsplit('/', 1)[1] for request in arm.seen()]


def test_first_the_cluster_then_what_is_around_it(arm):
    own = [parse_id(arm.add_public_ip(name, 'net'), PUBLIC_IP_TYPE) for name in ('own-ip', 'typed-ip')]
    arm.add_cluster('aks1', outbound_ips=own[:1], ports=1024)
    snapshot = reading.capture(CLI, 'rg1', 'aks1', own)
    assert list(snapshot) == ['schema', 'capturedAt', 'managedCluster', 'loadBalancer', 'publicIpAddresses',
                              'publicIpPrefixes', 'lists', 'errors', 'metrics']
    assert paths(arm)[0] == 'aks1'
    assert sorted(paths(arm)[1:]) == ['kubernetes', 'own-ip', 'publicIPAddresses', 'typed-ip']
    assert [body['id'] for body in snapshot['publicIpAddresses']] == own
    assert snapshot['lists'][0]['names'] == ['own-ip', 'typed-ip']
    assert snapshot['publicIpPrefixes'] == snapshot['errors'] == snapshot['metrics'] == []


def test_what_does_not_come_stands_among_the_errors(arm):
    prefix = arm.add_public_ip_prefix('own-prefix', 30, 'net')
    arm.add_cluster('aks1', outbound_ip_prefixes=[prefix], ports=1024)
    arm.fault('loadBalancers/kubernetes$', Status(403, action='Microsoft.Network/loadBalancers/read'))
    snapshot = reading.capture(CLI, 'rg1', 'aks1')
    assert snapshot['loadBalancer'] is None and [body['id'] for body in snapshot['publicIpPrefixes']] == [prefix]
    assert [(error['status'], error['resourceId'].rsplit('/', 1)[1]) for error in snapshot['errors']] == [
        (403, 'kubernetes')]


@pytest.mark.parametrize('more', [{'outbound_type': 'none'}, {'sku': 'Basic'}, {'powerState': {'code': 'Stopped'}}])
def test_metrics_are_asked_for_only_where_there_are_any(arm, more):
    arm.add_cluster('aks1', **more)
    assert reading.capture(CLI, 'rg1', 'aks1', offset=datetime.timedelta(days=1))['metrics'] == []
    assert 'metrics' not in paths(arm) and ('kubernetes' in paths(arm)) == ('powerState' in more)


def test_without_the_cluster_there_is_no_snapshot(arm):
    arm.add_resource_group()
    with pytest.raises(ResourceNotFoundError, match="Cluster 'x' in resource group 'rg1' could not be read"):
        reading.capture(CLI, 'rg1', 'x')


def test_addresses_alone_need_neither_a_cluster_nor_a_login(arm, monkeypatch):
    own = parse_id(arm.add_public_ip('own-ip', 'net'), PUBLIC_IP_TYPE)
    assert reading.capture_addresses(CLI, []) == {} and paths(arm) == []
    snapshot = reading.capture_addresses(CLI, [own, parse_id(own.upper(), PUBLIC_IP_TYPE)])
    assert [body['id'] for body in snapshot['publicIpAddresses']] == [own] and snapshot['errors'] == []

    def refuse(_):
        raise CLIError('No login.')
    monkeypatch.setattr(reading, 'connect', refuse)
    assert reading.capture_addresses(CLI, [own]) == {
        'errors': [{'resourceId': own, 'status': None, 'code': 'NoLogin', 'message': 'No login.'}]}


def test_what_is_read_is_reduced_to_what_decisions_read(arm):
    """For the decision of now as well as for a file; what is no cluster without the rest is none."""
    cluster = arm.add_cluster('aks1', ports=1024, windowsProfile={'adminPassword': 'hunter2'})
    snapshot = reading.capture(CLI, 'rg1', 'aks1')
    assert snapshot == reduced(snapshot) and 'hunter2' not in str(snapshot)
    arm.resources[cluster.lower()].update(id=7, type=None)
    arm.resources[cluster.lower()]['properties']['agentPoolProfiles'] = 'hunter2'
    with pytest.raises(AzCLIError, match='is no managed cluster'):
        reading.capture(CLI, 'rg1', 'aks1')
