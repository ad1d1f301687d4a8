"""A snapshot is made in rounds: what is asked when, and what stands where. No az in between."""
import datetime
from types import SimpleNamespace

import pytest
from azure.cli.core.azclierror import AzCLIError, ResourceNotFoundError
from azure.core.pipeline.policies import SansIOHTTPPolicy
from knack.util import CLIError

from azext_lbplan.demand.gateways import gateway_use
from azext_lbplan.facts.ids import parse_id
from azext_lbplan.facts.networks import PUBLIC_IP_TYPE
from azext_lbplan.inputs.allowed import reduced
from azext_lbplan.model.observed import parse_observed
from azext_lbplan.readers import cluster as reading
from azext_lbplan.readers.arm import ArmClient, ReadFailure
from tests.azure import SUBSCRIPTION, Status, pool
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
    snapshot = reading.capture(CLI, 'rg1', 'aks1', own).snapshot
    assert list(snapshot) == ['schema', 'capturedAt', 'managedCluster', 'loadBalancer', 'publicIpAddresses',
                              'publicIpPrefixes', 'subnets', 'routeTables', 'natGateways', 'natGatewayMetrics',
                              'lists', 'metricAlerts', 'usages', 'errors', 'metrics']
    assert paths(arm)[0] == 'aks1'
    assert sorted(paths(arm)[1:]) == ['kubernetes', 'own-ip', 'publicIPAddresses', 'typed-ip', 'virtualNetworks']
    assert [body['id'] for body in snapshot['publicIpAddresses']] == own
    assert snapshot['lists'][0]['names'] == ['own-ip', 'typed-ip']
    assert snapshot['publicIpPrefixes'] == snapshot['errors'] == snapshot['metrics'] == []


def test_what_does_not_come_stands_among_the_errors(arm):
    prefix = arm.add_public_ip_prefix('own-prefix', 30, 'net')
    arm.add_cluster('aks1', outbound_ip_prefixes=[prefix], ports=1024)
    arm.fault('loadBalancers/kubernetes$', Status(403, action='Microsoft.Network/loadBalancers/read'))
    snapshot = reading.capture(CLI, 'rg1', 'aks1').snapshot
    assert snapshot['loadBalancer'] is None and [body['id'] for body in snapshot['publicIpPrefixes']] == [prefix]
    assert [(error['status'], error['resourceId'].rsplit('/', 1)[1]) for error in snapshot['errors']] == [
        (403, 'kubernetes')]


@pytest.mark.parametrize('more', [{'outbound_type': 'none'}, {'sku': 'Basic'}, {'powerState': {'code': 'Stopped'}}])
def test_metrics_are_asked_for_only_where_there_are_any(arm, more):
    arm.add_cluster('aks1', **more)
    assert reading.capture(CLI, 'rg1', 'aks1', extent=reading.Extent(datetime.timedelta(days=1))).metrics == ()
    assert 'metrics' not in paths(arm) and ('kubernetes' in paths(arm)) == ('powerState' in more)


def test_metrics_of_a_gateway_come_in_the_round_that_reads_it(arm):
    subnet, = arm.add_subnets('nodes')
    gateway = arm.add_nat_gateway(arm.add_public_ip('out', 'network'))
    arm.join(subnet, gateway)
    arm.add_cluster('aks1', pools=[pool(vnetSubnetID=subnet)], outbound_type='userAssignedNATGateway')
    arm.networks.carried[gateway.lower()] = (60000, 10, 7)
    assert reading.capture(CLI, 'rg1', 'aks1', extent=reading.Extent(gateways=True)).snapshot['natGatewayMetrics'] == []
    two_days = reading.Extent(datetime.timedelta(days=2), gateways=True)
    snapshot = reading.capture(CLI, 'rg1', 'aks1', extent=two_days).snapshot
    use = gateway_use(parse_observed(snapshot), gateway.upper())
    assert (use.peak, use.failed, use.minutes, use.ips_for_one_destination) == (60000, 7, 2, 2)
    assert snapshot['errors'] == [] and snapshot == reduced(snapshot)
    arm.fault('natGateways/.*/metrics$', Status(403, action='Microsoft.Insights/metrics/read'))
    snapshot = reading.capture(CLI, 'rg1', 'aks1', extent=two_days).snapshot
    assert snapshot['natGatewayMetrics'] == [] and [error['status'] for error in snapshot['errors']] == [403, 403]


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
    snapshot = reading.capture(CLI, 'rg1', 'aks1').snapshot
    assert snapshot == reduced(snapshot) and 'hunter2' not in str(snapshot)
    arm.resources[cluster.lower()].update(id=7, type=None)
    arm.resources[cluster.lower()]['properties']['agentPoolProfiles'] = 'hunter2'
    with pytest.raises(AzCLIError, match='is no managed cluster'):
        reading.capture(CLI, 'rg1', 'aks1')


@pytest.fixture(name='rounds')
def fixture_rounds(monkeypatch):
    """The reads of each round, by the last segments of their paths, as the reader starts them."""
    found = [['aks1']]
    side_by_side = reading.side_by_side

    def count(jobs, *more):
        if jobs and jobs[0][0] != 'network':  # the third rounds of network and metrics run beside each other
            found.append(sorted(path.rsplit('/', 1)[1] for path, _ in jobs))
        return side_by_side(jobs, *more)
    monkeypatch.setattr(reading, 'side_by_side', count)
    return found


def own_network(arm, gateway=None, table=None, **more):
    """A cluster on a subnet of the user's."""
    subnet, = arm.add_subnets('nodes')
    arm.join(subnet, gateway, table)
    return arm.add_cluster('aks1', pools=[pool(vnetSubnetID=subnet)], ports=1024, **more)


def observed(**more):
    return reading.capture(CLI, 'rg1', 'aks1', extent=reading.Extent(**more)).observed()


def test_the_network_of_aks_costs_no_round_trip(arm, rounds):
    """The virtual network, and the addresses of all managed IPs, side by side with the load balancer."""
    cluster = arm.add_cluster('aks1', managed=2, ports=1024)
    arm.add_service(cluster)
    found = observed(gateways=True)
    assert rounds == [['aks1'], ['kubernetes', 'publicIPAddresses', 'virtualNetworks']]
    assert [subnet.id for subnet in found.subnets] == [arm.managed_subnet(cluster)]
    assert len(found.public_ips) == 2 and all(ip.made_by_aks and ip.ip_address for ip in found.public_ips), \
        'those of Services are not kept'
    assert found.names_in(arm.managed_subnet(cluster).rsplit('/', 3)[0]) is not None


def test_subnets_of_pools_are_read_once_each(arm, rounds):
    nodes, batch, pods = arm.add_subnets('nodes', 'batch', 'pods')
    arm.add_cluster('aks1', pools=[pool('a', vnetSubnetID=nodes, podSubnetID=pods), pool('b', vnetSubnetID=batch),
                                   pool('c', vnetSubnetID=nodes.upper())], managed=1)
    found = observed()
    assert [[name.lower() for name in names] for names in rounds] == [
        ['aks1'], ['batch', 'kubernetes', 'nodes', 'pods', 'publicipaddresses']]
    assert {subnet.id for subnet in found.subnets} == {nodes, batch, pods}


def test_a_route_table_of_ones_own_is_a_third_round(arm, rounds):
    own_network(arm, table=arm.add_route_table(('0.0.0.0/0', 'VirtualAppliance', '10.0.0.4')))
    found = observed()
    assert rounds[2:] == [['routes']]
    assert found.route_tables[0].routes[0].next_hop_ip == '10.0.0.4' and found.route_tables[0].propagates


def test_a_route_table_of_aks_is_none(arm, rounds):
    arm.add_cluster('aks1', networkProfile={'networkPlugin': 'kubenet'})
    found = observed(gateways=True)
    assert len(rounds) == 2 and found.subnets[0].route_table_id and found.route_tables == ()


def test_gateways_are_read_only_where_they_are_asked_for(arm, rounds):
    """And of their addresses those that are not known yet."""
    ip, prefix = arm.add_public_ip('out', 'network'), arm.add_public_ip_prefix('block', 30, 'network')
    own_network(arm, gateway=arm.add_nat_gateway(ip, prefix))
    assert observed().nat_gateways == () and len(rounds) == 2
    del rounds[1:]
    found = observed(gateways=True)
    assert rounds[2:] == [['nat'], ['block', 'out']]
    assert found.nat_gateways[0].address_ids == (ip, prefix)
    assert found.public_ip(ip).ip_address and found.prefix(prefix).ip_prefix


def test_the_gateway_of_aks_has_its_addresses_where_all_of_aks_are(arm, rounds):
    arm.add_cluster('aks1', outbound_type='managedNATGateway')
    plan = observed()
    assert rounds == [['aks1'], ['publicIPAddresses', 'virtualNetworks']]
    assert plan.public_ips[0].id == plan.cluster.nat_gateway_address_ids[0]
    del rounds[1:]
    assert observed(gateways=True).nat_gateways and rounds[2:] == [['aks-natgateway']]


@pytest.mark.parametrize('more', [{'outbound_type': 'userDefinedRouting'}, {'outbound_type': 'none'}, {'sku': 'Basic'},
                                  {'outbound_type': 'userAssignedNATGateway'}])
def test_every_outbound_type_has_its_subnets_read(arm, rounds, more):
    own_network(arm, **more)
    assert observed().subnets and rounds == [['aks1'], ['nodes']]


def test_a_blocked_cluster_has_nothing_to_look_for(arm, rounds):
    arm.add_cluster('aks1', outbound_type='block')
    observed(gateways=True)
    assert sum(rounds, []) == ['aks1']


@pytest.mark.parametrize('what', ['subnets/nodes', 'routeTables', 'natGateways', 'publicIPAddresses$'])
def test_what_may_not_be_read_of_the_network_stands_among_the_errors(arm, what):
    own_network(arm, arm.add_nat_gateway(arm.add_public_ip('out')), arm.add_route_table())
    arm.fault(what, Status(403, action='Microsoft.Network/x/read'))
    found = observed(gateways=True)
    assert [error.status for error in found.errors] == [403]
    assert what.strip('$').split('/')[0].lower() in found.errors[0].resource_id.lower()


class _Metrics:
    """Stands in for the reading of metrics: a first pass that asks nothing, a second one that `answers`."""

    answers = []

    def first_jobs(self):
        return []

    def further_answers(self, *_):
        return self.answers


def test_what_subnets_lead_to_is_read_beside_the_second_pass_of_metrics(arm, monkeypatch):
    own_network(arm, table=arm.add_route_table())
    monkeypatch.setattr(reading, '_metrics_of', lambda *_: _Metrics())
    monkeypatch.setattr(_Metrics, 'answers', [ReadFailure('x/metrics', 429, 'Throttled', 'Later.')])
    found = observed(offset=datetime.timedelta(days=1))
    assert found.route_tables and [error.code for error in found.errors] == ['Throttled']


@pytest.mark.parametrize('late', ['network', 'metrics'])
def test_either_of_the_two_may_take_too_long(arm, monkeypatch, late):
    """Then it counts as not read, and the other is there."""
    own_network(arm, table=arm.add_route_table())
    side_by_side = reading.side_by_side

    def cut(jobs, *more):
        answers = side_by_side(jobs, *more)
        return [ReadFailure(path, None, 'Timeout', 'Too late.') if path == late else answer
                for (path, _), answer in zip(jobs, answers)]
    monkeypatch.setattr(reading, 'side_by_side', cut)
    monkeypatch.setattr(reading, '_metrics_of', lambda *_: _Metrics())
    found = observed(offset=datetime.timedelta(days=1))
    assert [error.code for error in found.errors] == ['Timeout'] and bool(found.route_tables) == (late == 'metrics')
