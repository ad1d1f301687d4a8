"""Reading a fleet: pages and their borders, faults, limits of the service, hostile rows. No az in between."""
import json
from types import SimpleNamespace

import pytest
from azure.cli.core.azclierror import AzureResponseError, ForbiddenError
from azure.core.pipeline.policies import SansIOHTTPPolicy
from hypothesis import given, settings
from hypothesis import strategies as st

from azext_lbplan.decision import decide
from azext_lbplan.views import fleet, hints
from azext_lbplan.views.results import egress
from azext_lbplan.model.fleet import NOT_SHOWN, Assembly
from azext_lbplan.readers import cluster as alone
from azext_lbplan.readers import fleet as reading
from azext_lbplan.readers.arm import ArmClient
from azext_lbplan.readers.fleet import FleetReader, Scope
from azext_lbplan.readers.graph_queries import MOST_NAMES, clusters_query, network_queries
from tests.azure import OTHER_SUBSCRIPTION, SUBSCRIPTION, Cut, Status, pool
from tests.azure.graph import _filter, _Projection
from tests.support.fleet import Fleet, all_kinds
from tests.support.ways import EFFECTIVE, every_way

GRAPH = '/providers/Microsoft.ResourceGraph/resources'


class _Bearer(SansIOHTTPPolicy):
    def __init__(self, token):
        self.token = token

    def on_request(self, request):
        request.http_request.headers['Authorization'] = f'Bearer {self.token}'


@pytest.fixture(name='read')
def fixture_read(arm, monkeypatch):
    """A function that reads scopes: (rows by name, the reader)."""
    nothing = SansIOHTTPPolicy()
    client = ArmClient(None, base_url=arm.url, user_agent_policy=nothing, authentication_policy=_Bearer(arm.token),
                       custom_hook_policy=nothing, logging_policy=nothing, connection_verify=arm.ca_bundle)
    monkeypatch.setattr(reading, 'connect', lambda *_: client)
    monkeypatch.setattr(reading, 'LONGEST_RETRY_AFTER', 1)

    def run(*scopes, **more):
        reader = FleetReader(SimpleNamespace(), scopes or [Scope(None, (SUBSCRIPTION,))], **more)
        rows = [fleet.row(decide(observed)) for observed in reader.read()]
        assert len({(row['name'], row['resourceGroup'], row['subscriptionId']) for row in rows}) == len(rows)
        return {row['name']: row for row in rows}, reader
    return run


@pytest.fixture(name='big', scope='module')
def fixture_big():
    """2,500 clusters in 40 subscriptions."""
    return Fleet(2500).remember()


def whole(big):
    return Scope(None, tuple(big.subscriptions))


#: What tells the queries of a kind from the others.
KINDS_OF_QUERIES = {'clusters': 'managedclusters', 'subnets': 'mv-expand', 'ways': 'routetables',
                    'network': 'loadbalancers', 'made': ''}


def asked(arm, kind):
    """How many rows each answered query of a kind brought."""
    kinds = [next(kind for kind, mark in KINDS_OF_QUERIES.items() if mark in query)
             for query, _, _ in arm.graph.queries]
    return [rows for (_, _, rows), found in zip(arm.graph.queries, kinds) if found == kind]


def expected(big):
    return {big.cluster(index)[0] for index in range(big.size)}


# pages

@pytest.mark.parametrize('size', [999, 1000, 1001, 2000])
def test_nothing_is_lost_or_doubled_at_page_borders(arm, read, size):
    for empty_last_page in (False, True):
        few = Fleet(size, 3, ('nat', 'healthy')).serve(arm)
        arm.graph.queries.clear()
        arm.graph.empty_last_page = empty_last_page
        rows, reader = read(whole(few))
        assert set(rows) == expected(few) and reader.gaps == []
        pages = -(-size // 1000)
        assert len(asked(arm, 'clusters')) == pages + (empty_last_page and size % 1000 == 0)


def test_at_most_one_query_per_page_of_rows_and_kind(arm, read, big):
    big.serve(arm)
    rows, reader = read(whole(big))
    assert set(rows) == expected(big) and reader.gaps == []
    for kind in KINDS_OF_QUERIES:
        brought = asked(arm, kind)
        assert 0 < len(brought) <= -(-sum(brought) // 1000), brought


def test_rows_repeated_by_pages_that_moved_come_once(arm, read):
    ids = all_kinds(arm)
    plain = arm.graph.rows
    arm.graph.rows = lambda: [row for row in plain() for _ in range(2)]
    rows, _ = read()
    assert set(rows) == set(ids)


def test_an_answer_that_is_too_large_is_asked_for_in_pieces(arm, read):
    few = Fleet(300, 3).serve(arm)
    arm.graph.largest_answer = 200000
    rows, reader = read(whole(few))
    assert set(rows) == expected(few) and reader.gaps == []


def test_scopes_are_batched_to_the_limits_of_the_service(monkeypatch):
    known = [{'id': f'sub-{index:04d}', 'name': f'n{index}', 'tenantId': 'one' if index % 2 else 'two'}
             for index in range(3001)]
    monkeypatch.setattr(reading, 'get_subscription_id', lambda _: 'sub-0001')
    monkeypatch.setattr(reading, 'Profile', lambda cli_ctx: SimpleNamespace(load_cached_subscriptions=lambda: known))
    scopes = reading.scopes_of(None, everywhere=True)
    assert sorted(len(scope.subscriptions) for scope in scopes) == [500, 501, 1000, 1000]
    assert {one for scope in scopes for one in scope.subscriptions} == {one['id'] for one in known}
    for scope in scopes:
        tenants = {known[int(one[4:])]['tenantId'] for one in (scope.login, *scope.subscriptions)}
        assert len(tenants) == 1
    assert [len(scope.management_groups) for scope in
            reading.scopes_of(None, management_groups=[f'm{index}' for index in range(25)])] == [10, 10, 5]
    assert reading.scopes_of(None)[0].subscriptions == ('sub-0001',)
    assert reading.scopes_of(None, ['N7', 'sub-0007'])[0].subscriptions == ('sub-0007',)


# faults: the rest arrives, and what is missing is named

@pytest.mark.parametrize('fault, times', [
    (Status(429, retry_after='1'), 1), (Status(429), 1), (Status(500), 2), (Status(503), 2), (Cut(), 1)])
def test_passing_faults_leave_no_trace(arm, read, big, fault, times):
    big.serve(arm)
    arm.fault(GRAPH, fault, times=times)
    rows, reader = read(whole(big))
    assert set(rows) == expected(big) and reader.gaps == [] and not reader.lost_clusters


def test_a_page_that_stays_away_is_named(arm, read):
    few = Fleet(1500, 3, ('nat',)).serve(arm)
    answers = []

    def second_page_fails(request, answer, wire):
        answers.append(request)
        (wire.send(answer()) if len(answers) == 1 else Status(500)(request, answer, wire))
    arm.fault(GRAPH, second_page_fails)
    rows, reader = read(whole(few))
    assert len(rows) == 1000 and reader.lost_clusters
    assert 'failed after 1000 rows' in reader.gaps[0] and few.subscriptions[0] in reader.gaps[0]


def test_one_scope_that_fails_leaves_the_others(arm, read):
    arm.add_cluster('here')
    rows, reader = read(Scope(None, ('00000000-0000-4000-8000-00000000dead',)), Scope(None, (SUBSCRIPTION,)))
    assert set(rows) == {'here'} and reader.lost_clusters
    assert '00000000-0000-4000-8000-00000000dead' in reader.gaps[0]


def test_no_answer_at_all_is_an_error(arm, read):
    arm.fault(GRAPH, Status(403))
    with pytest.raises(ForbiddenError) as raised:
        read()
    assert raised.value.recommendations == ['Ask for the role Reader on the subscriptions.']


def test_load_balancers_that_do_not_come(arm, read):
    all_kinds(arm)
    plain, _ = read()
    arm.fault(GRAPH, _only_clusters)
    rows, reader = read()
    assert set(rows) == set(plain) and not reader.lost_clusters
    assert 'network resources' in reader.gaps[0]
    assert rows['healthy']['topFinding'] == 'LoadBalancerNotReadable'
    for row in (rows['nat'], plain['nat']):
        del row['egress'], row['topFinding']
    assert rows['nat'] == plain['nat']


def _only_clusters(request, answer, wire):
    if 'managedclusters' in json.loads(request.body)['query']:
        wire.send(answer())
    else:
        Status(403)(request, answer, wire)


def test_a_truncated_answer_is_told(arm, read):
    few = Fleet(30, 3, ('nat',)).serve(arm)
    arm.graph.truncate_after = 10
    rows, reader = read(whole(few))
    assert len(rows) == 10 and reader.lost_clusters
    assert reader.gaps[0] == 'Azure cut the answer short after 10 clusters (resultTruncated).'


def test_a_subscription_without_permission_is_named(arm, read, big):
    big.serve(arm)
    arm.graph.unreadable = big.subscriptions[3:5]
    rows, reader = read(whole(big))
    assert {row['subscriptionId'] for row in rows.values()} == set(big.subscriptions) - set(big.subscriptions[3:5])
    assert reader.lost_clusters and len(reader.gaps) == 1
    assert all(one in reader.gaps[0] for one in big.subscriptions[3:5]) and 'Reader' in reader.gaps[0]


def test_a_subscription_without_clusters_is_no_gap(arm, read):
    arm.add_cluster('here')
    few = Fleet(0, 2)
    few.serve(arm)
    arm.graph.rows = arm.graph._resource_rows  # the rows of the stand-in
    few.subscriptions.append(SUBSCRIPTION)
    assert read(whole(few))[1].gaps == []


def test_management_groups_that_are_too_large_are_told(arm, read):
    arm.add_cluster('here')
    arm.graph.management_groups = {'mine': [SUBSCRIPTION]}
    arm.graph.limit_hit = True
    rows, reader = read(Scope(None, management_groups=('mine',)))
    assert set(rows) == {'here'} and '10,000' in reader.gaps[0]
    assert arm.graph.queries[0][1]['allowPartialScopes'] is True


def test_the_quota_is_waited_for_before_it_is_overrun(arm, read, monkeypatch):
    few = Fleet(3000, 3, ('nat',)).serve(arm)
    waited = []

    def wait(self, seconds, progress):
        waited.append((seconds, progress))
        arm.graph.quota = 15
    monkeypatch.setattr(FleetReader, '_wait', wait)
    arm.graph.quota = 2
    rows, reader = read(whole(few))
    assert len(rows) == 3000 and reader.gaps == []
    assert waited == [(1, '1000 clusters read')]
    assert [one.status for one in arm.seen(GRAPH)] == [200] * len(arm.seen(GRAPH))


# what belongs to a cluster

def test_what_the_graph_does_not_show_is_not_readable(arm, read):
    own = [arm.add_public_ip(f'own{index}') for index in range(2)]
    arm.add_cluster('own', outbound_ips=own, ports=1024)
    bare = arm.add_cluster('bare', ports=1024)
    arm.remove(own[1])
    arm.remove(arm.load_balancer(bare)['id'])
    rows, _ = read()
    assert (rows['own']['status'], rows['own']['topFinding']) == ('warning', 'OutboundIpNotReadable')
    assert (rows['bare']['status'], rows['bare']['topFinding']) == ('warning', 'LoadBalancerNotReadable')


def test_addresses_in_another_subscription_are_found(arm, read):
    other = '22222222-2222-2222-2222-222222222222'
    own = arm.add_public_ip_prefix('far', 30, 'net', other)
    arm.add_cluster('aks1', outbound_ip_prefixes=[own], ports=8000)
    rows, _ = read()
    assert rows['aks1']['outboundIpCount'] == 4


def test_a_fleet_has_the_egress_that_each_cluster_has_alone(arm, read, monkeypatch):
    made = every_way(arm)
    rows, reader = read(Scope(None, (SUBSCRIPTION, OTHER_SUBSCRIPTION)))
    assert set(rows) == set(made) and reader.gaps == []
    client = reading.connect()
    client.subscription_id = SUBSCRIPTION
    monkeypatch.setattr(alone, 'connect', lambda _: client)
    for name in made:
        live = alone.capture(SimpleNamespace(only_show_errors=True), 'rg1', name, extent=alone.Extent(gateways=True))
        assert rows[name]['egress'] == egress(decide(live.observed())), name
    assert {name: row['egress']['effective'] for name, row in rows.items()} == EFFECTIVE
    assert len(rows['plain']['egress']['addresses']) == 2 and rows['far']['egress']['addresses'][0].endswith('/30')
    for name in ('plain', 'own', 'managed-nat', 'kubenet', 'nat', 'mixed'):
        assert rows[name]['egress']['addresses'], name
    assert {rows[name]['topFinding'] for name in ('nat', 'far', 'firewall', 'mixed')} == {'EgressBypassesLoadBalancer'}
    assert rows['lost']['topFinding'] == 'EgressBlocked'


def test_a_network_that_the_graph_does_not_show_makes_no_claim(arm, read):
    every_way(arm)
    arm.graph.unreadable = (OTHER_SUBSCRIPTION,)
    rows, _ = read()
    assert rows['far']['egress']['effective'] == 'unknown'
    assert 'Microsoft.Network/virtualNetworks/subnets/read' in rows['far']['egress']['evidence'][0]
    arm.fault(GRAPH, _without_subnets)
    rows, reader = read()
    assert {row['egress']['effective'] for name, row in rows.items() if name != 'blocked'} == {'unknown'}
    assert len(reader.gaps) == 2 and not reader.lost_clusters


def _without_subnets(request, answer, wire):
    if 'mv-expand' in json.loads(request.body)['query']:
        Status(403)(request, answer, wire)
    else:
        wire.send(answer())


def test_a_resource_group_narrows_both_queries(arm, read):
    all_kinds(arm)
    rows, _ = read(resource_group='RG-Upper')
    assert set(rows) == {'Mixed-Case'}
    assert asked(arm, 'network') == [1]


def test_queries_name_only_what_cannot_end_a_string():
    assert list(network_queries([], ["it's", 'x' * 201, "a' or '1"])) == list(network_queries([], []))
    names = [f'ip{index}' for index in range(2 * MOST_NAMES + 1)]
    queries = list(network_queries(['g'], names))
    assert len(queries) == 3 and all(f"'{name}'" in ''.join(queries) for name in names)
    assert len(list(network_queries((f'g{index}' for index in range(MOST_NAMES + 1)), []))) == 1
    assert 'resourceGroup' not in next(network_queries((f'g{index}' for index in range(MOST_NAMES + 1)), []))
    assert "resourceGroup =~ 'rg1'" in clusters_query('rg1')


# hostile rows

_ODD = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
                    max_leaves=6)


def _places(body, path=()):
    yield path
    children = body.items() if isinstance(body, dict) else enumerate(body) if isinstance(body, list) else ()
    for key, value in children:
        yield from _places(value, (*path, key))


def _with(body, path, value):
    if not path:
        return value
    copied = dict(body) if isinstance(body, dict) else list(body)
    copied[path[0]] = _with(copied[path[0]], path[1:], value)
    return copied


@pytest.fixture(name='sample', scope='module')
def fixture_sample():
    """The rows of one cluster with own addresses, as the queries bring them."""
    rows = list(Fleet(1, 1, ('mixed',)).rows())
    found = []
    assembly = Assembly()
    for query in [clusters_query(), *network_queries([], ['aks-00000-ip0', 'aks-00000-prefix0'])]:
        found.append([_Projection(query)(row) for row in rows if _filter(query)(row)])
    assert [len(part) for part in found] == [1, 3] and not assembly.gaps
    return found


@settings(max_examples=300, deadline=None)
@given(data=st.data(), odd=_ODD)
def test_odd_values_never_break_a_row(sample, data, odd):
    which = data.draw(st.integers(0, 1))
    path = data.draw(st.sampled_from(list(_places(sample[which]))[1:]))
    parts = list(sample)
    parts[which] = _with(parts[which], path, odd)
    assembly = Assembly()
    observed = [assembly.add_cluster(row) for row in parts[0]]
    observed += [assembly.add_network(row) for row in parts[1]] + list(assembly.rest())
    rows = [fleet.row(decide(one)) for one in observed if one]
    assert len(rows) + len(assembly.gaps) == 1, 'a cluster that is not in the list is named'
    json.dumps(fleet.riskiest_first(rows))
    assert fleet.summary(rows)


def all_clear(read):
    try:
        rows, reader = read()
    except AzureResponseError as error:
        assert 'the answer is no list of resources' in str(error)
        return False
    return rows == {} and not reader.lost_clusters


@pytest.mark.parametrize('body', [
    {}, {'data': None}, {'data': 'rows'}, {'data': {'rows': [], 'columns': []}}, {'data': [], '$skipToken': 5},
    {'totalRecords': 'many', 'data': [None, 7]}])
def test_odd_answers_never_break_a_read(arm, read, body):
    arm.route('POST', GRAPH, lambda request: (200, body, {'x-ms-user-quota-remaining': 'none',
                                                          'x-ms-user-quota-resets-after': 'soon'}))
    assert all_clear(read) is False


def test_a_token_that_never_ends(arm, read):
    arm.route('POST', GRAPH, lambda request: (200, {'data': [], '$skipToken': 'a', 'totalRecords': 3}, None))
    assert read()[1].gaps == ['Only 0 of 3 clusters came.']
    numbers = iter(range(10 ** 6))
    arm.route('POST', GRAPH, lambda request: (200, {'data': [], '$skipToken': str(next(numbers))}, None))
    read()
    assert next(numbers) < 10


# the order and the summary

def test_what_breaks_first_stands_first():
    def row(name, status='ok', fits=True, headroom=0, required=10):
        return {'name': name, 'resourceGroup': 'g', 'subscriptionId': 's', 'status': status, 'fits': fits,
                'headroomNodes': headroom, 'nodes': {'required': required}, 'topFinding': 'X'}
    wanted = [row('over', 'error', False, -5), row('edge', 'error', True, 1), row('unknown', 'error', None, None),
              row('near', 'warning', True, 2, 100), row('far', 'warning', True, 2), row('A'), row('b'),
              row('none', 'notApplicable', None, None)]
    for rows in (wanted, wanted[::-1]):
        assert [one['name'] for one in fleet.riskiest_first(rows)] == [one['name'] for one in wanted]
    assert fleet.summary(wanted).startswith('8 clusters in 1 subscription: 3 with errors, 2 with warnings, 2 ok, 1 ')
    assert [one.severity for one in hints.judged_rows(wanted, False)] == 3 * ['error'] + 2 * ['warning']
    assert [one.severity for one in hints.judged_rows(wanted[-1:], True)] == ['error']


def test_clusters_leave_as_soon_as_they_can(arm):
    arm.add_cluster('nat', outbound_type='managedNATGateway')
    arm.add_cluster('blocked', outbound_type='block')
    arm.add_cluster('plain', pools=[pool()])
    rows = {row['name']: row for row in arm.graph.rows() if row['type'].endswith('managedclusters')}
    balancers = [row for row in arm.graph.rows() if row['type'].endswith('loadbalancers')]
    assembly = Assembly()
    assert assembly.add_cluster(rows['blocked']) is not None
    assert assembly.add_cluster(rows['nat']) is assembly.add_cluster(rows['plain']) is None
    assert [one.cluster.name for one in assembly.without_balancers()] == ['nat']
    assert [one for one in map(assembly.add_network, balancers) if one][0].load_balancer is not None
    assert list(assembly.rest()) == []
    assembly = Assembly()
    assembly.add_cluster(rows['plain'])
    assert [error.code for error in next(assembly.rest()).errors] == [NOT_SHOWN] * 2
