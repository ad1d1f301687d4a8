"""One decision: what it keeps, what it raises, what it never does without consent."""
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from azext_lbplan.decision import Reason, decide
from azext_lbplan.decision.decide import decide_with
from azext_lbplan.demand import Demand, Evidence
from azext_lbplan.facts import snat
from azext_lbplan.options import Change, Options, Scale
from azext_lbplan.rules.cluster import findings
from azext_lbplan.views.recommendation import recommend
from tests.azure.builders import pool
from tests.support.answers import answer
from tests.support.cases import (GROUP, SUBSCRIPTION, body, ip_ids, managed, observe, own_ips, prefix_bodies,
                                 prefix_ids, prefixes)
from tests.support.oracle import Azure
from tests.support.spread import snapshot_of

LISTED = {'lists': [{'resourceId': f'{GROUP}/{kind}', 'names': []} for kind in ('publicIPAddresses',
                                                                                'publicIPPrefixes')]}


def solve(cluster, change=Change(), scale=Scale(), consent=False, **around):
    return decide(observe(cluster, **around), Options(change, scale, consent))


def new(scale, change=Change(), **around):
    return decide(observe(None, **around), Options(change, scale))


def recommended(cluster, consent=False, **around):
    return decide(observe(cluster, **around), Options(allow_decrease=consent, measure=True))


def figures(configuration):
    return (configuration.required_ports, configuration.available_ports, configuration.fits)


@pytest.mark.parametrize('pools, version, profile, expected', [
    ([pool(count=3)], '1.27.1', dict(managed(1), allocatedOutboundPorts=21000), (84000, 64000, False)),
    ([pool('a', 2), pool('b', 1, max_count=10), pool('c', 1, max_count=10)], '1.26.3',
     dict(managed(1), allocatedOutboundPorts=3200), (80000, 64000, False)),
    ([pool(count=49, max_surge='1')], '1.27.1', dict(managed(1), allocatedOutboundPorts=1280), (64000, 64000, True)),
    ([pool(count=49, max_surge='1')], '1.27.1', dict(managed(1), allocatedOutboundPorts=1288), (64400, 64000, False)),
    ([pool(count=49)], '1.27.1', dict(managed(1), allocatedOutboundPorts=1280), (69120, 64000, False)),
    ([pool(count=100, max_surge='2')], '1.27.1', dict(managed(7), allocatedOutboundPorts=4000),
     (408000, 448000, True)),
    ([pool('a', 40, max_surge='1'), pool('s', 8, priority='Spot')], '1.27.1',
     dict(managed(1), allocatedOutboundPorts=1280), (64000, 64000, True)),
    ([pool('a', 41, max_surge='1'), pool('s', 8, priority='Spot')], '1.27.1',
     dict(managed(1), allocatedOutboundPorts=1280), (65280, 64000, False))])
def test_aks_verdicts(pools, version, profile, expected):
    assert figures(solve(body(pools, version, **profile)).current) == expected


@pytest.mark.parametrize('count, most, ports', [(40, 110, 0), (40, 110, 1024), (40, 40, 0)])
def test_a_quiet_cluster_needs_no_second_ip_where_decreases_are_allowed(count, most, ports):
    """What fewer ports save is measured against the IPs that it takes to keep what nodes have at full scale."""
    quiet = Demand(Evidence('sufficient', peak_ports_per_node=46, allocated_ports_per_node=1024), 46.0, days=7)
    cluster = observe(body([pool(count=count, max_count=most)], **managed(1), allocatedOutboundPorts=ports))
    kept, fewer = (decide_with(cluster, Options(allow_decrease=consent, measure=True), quiet).proposed.settings
                   for consent in (False, True))
    assert kept.outbound_ip_count == (1 if most == 40 else 2)
    assert fewer.outbound_ip_count == 1
    assert fewer.outbound_ports == kept.outbound_ports if most == 40 else 46 < fewer.outbound_ports < 1024


def test_prefixes_count_by_their_length_and_ipv6_not_at_all():
    decision = solve(body([pool(count=3)], **prefixes(2), allocatedOutboundPorts=8000),
                 publicIpPrefixes=prefix_bodies(29, 31))
    assert decision.current.settings.outbound_ip_count == 10
    ipv6 = [dict(one, properties={'publicIPAllocationMethod': 'Static', 'publicIPAddressVersion': 'IPv6'}) for one in
            [{'id': ip_ids(2)[1].upper(), 'name': 'own1'}]]
    decision = solve(body([pool(count=3)], dual_stack=True, **own_ips(2), allocatedOutboundPorts=8000),
                 publicIpAddresses=ipv6)
    assert decision.current.settings.outbound_ip_count == 1
    decision = solve(body([pool(count=3)], dual_stack=True, **managed(2, ipv6=5), allocatedOutboundPorts=8000))
    assert decision.current.available_ports == 128000


def test_without_options_requested_is_current_and_repair_adds_ips_only():
    decision = solve(body([pool(count=50)], **managed(1), allocatedOutboundPorts=4000, idleTimeoutInMinutes=120))
    assert decision.requested.settings == decision.current.settings
    assert decision.flags == ('--load-balancer-managed-outbound-ip-count', '4')


def test_a_cluster_that_fits_needs_nothing():
    decision = solve(body([pool(count=9)], **managed(1), allocatedOutboundPorts=6400))
    assert (decision.current.fits, decision.flags, decision.command, decision.commands) == (True, (), None, ())


def test_typed_ports_raise_the_ips():
    decision = solve(body([pool(count=9)], **managed(1)), Change(outbound_ports=8000))
    assert decision.requested.fits is False and decision.proposed.fits is True
    assert decision.flags == ('--load-balancer-managed-outbound-ip-count', '2', '--load-balancer-outbound-ports',
                                 '8000')


def test_ports_win_over_a_typed_count_that_is_too_small():
    decision = solve(body([pool(count=9)], **managed(1)), Change(outbound_ports=32000, managed_outbound_ip_count=2))
    assert decision.proposed.settings.managed_outbound_ip_count == 5


def test_typed_ips_keep_the_ports_that_fit_and_never_lower_them_without_consent():
    cluster = body([pool(count=9)], **managed(5), allocatedOutboundPorts=32000)
    decision = solve(cluster, Change(managed_outbound_ip_count=4))
    assert (decision.reason, decision.proposed.fits, decision.flags) == (Reason.NEEDS_DECREASE, False, ())
    decision = solve(cluster, Change(managed_outbound_ip_count=4), consent=True)
    assert (decision.proposed.settings.outbound_ports, decision.proposed.fits) == (25600, True)
    decision = solve(cluster, Change(managed_outbound_ip_count=6))
    assert decision.proposed.settings.outbound_ports == 32000


def test_consent_takes_the_ips_that_fewer_typed_ports_leave_over():
    cluster = body([pool(count=9)], **managed(5), allocatedOutboundPorts=32000)
    assert solve(cluster, Change(outbound_ports=6400)).flags == ('--load-balancer-outbound-ports', '6400')
    assert '1' in solve(cluster, Change(outbound_ports=6400), consent=True).flags
    spare = body([pool(count=9)], **managed(5), allocatedOutboundPorts=6400)
    assert solve(spare).flags == ()
    assert solve(spare, consent=True).flags == recommended(spare, consent=True).flags == (
        '--load-balancer-managed-outbound-ip-count', '1')


def test_own_ips_are_listed_whole_with_new_ones_beside_them():
    decision = solve(body([pool(count=9)], **own_ips(2), allocatedOutboundPorts=16000), **LISTED)
    option, ids = decision.flags
    assert option == '--load-balancer-outbound-ips'
    assert ids.split(',') == ip_ids(2) + [f'{GROUP}/publicIPAddresses/aks1-outbound-1']
    create, update = decision.commands
    assert create == (f'az network public-ip create --resource-group rg1 --name aks1-outbound-1 --version IPv4 '
                      f'--sku Standard --allocation-method Static --location westeurope --subscription {SUBSCRIPTION}')
    assert update.startswith('az aks update --resource-group rg1 --name aks1 ')


def test_a_new_ip_never_bears_a_name_that_is_in_use():
    names = [{'resourceId': f'{GROUP}/publicIPAddresses', 'names': ['AKS1-outbound-1', 'aks1-outbound-2']}]
    decision = solve(body([pool(count=9)], **own_ips(1), allocatedOutboundPorts=12800), lists=names)
    assert [(one.id.name, one.name_is_free) for one in decision.new_addresses] == [('aks1-outbound-3', True)]
    decision = solve(body([pool(count=9)], **own_ips(1), allocatedOutboundPorts=12800))
    assert [one.name_is_free for one in decision.new_addresses] == [False]


@pytest.mark.parametrize('count, ports, lengths', [
    (9, 16000, [31]), (9, 32000, [30]), (9, 64000, [29]), (49, 32000, [28, 29]), (49, 64000, [28, 28, 28])])
def test_prefixes_grow_by_the_fewest_prefixes(count, ports, lengths):
    decision = solve(body([pool(count=count, max_surge='1')], **prefixes(1), allocatedOutboundPorts=ports),
                     publicIpPrefixes=prefix_bodies(31), **LISTED)
    assert [one.length for one in decision.new_addresses] == lengths
    assert decision.proposed.fits and '--load-balancer-managed-outbound-ip-count' not in decision.flags


def test_a_prefix_that_could_not_be_read_gives_no_command_but_leaves_other_options_alone():
    cluster = body([pool(count=9)], **prefixes(1), allocatedOutboundPorts=16000)
    decision = solve(cluster, Change(outbound_ports=8000))
    assert (decision.current.fits, decision.reason, decision.command) == (None, Reason.UNKNOWN_IP_COUNT, None)
    assert solve(cluster, Change(idle_timeout_in_minutes=4)).flags == ('--load-balancer-idle-timeout', '4')
    for change in (Change(), Change(idle_timeout_in_minutes=4), Change(outbound_ports=8000)):
        assert [one.code for one in findings(solve(cluster, change))].count('OutboundIpsUnknown') == 1
    automatic = body([pool(count=9)], **prefixes(1))
    assert 'OutboundIpsUnknown' not in [one.code for one in findings(solve(automatic))]


def test_mixed_options_never_get_an_ip_flag():
    cluster = body([pool(count=9)], **managed(1), **own_ips(1), allocatedOutboundPorts=32000)
    decision = solve(cluster)
    assert (decision.reason, decision.commands) == (Reason.MIXED_OUTBOUND_IPS, ())
    decision = solve(cluster, consent=True)
    assert decision.flags == ('--load-balancer-outbound-ports', '12800')
    assert solve(cluster, Change(outbound_ports=8000)).flags == ('--load-balancer-outbound-ports', '8000')


@pytest.mark.parametrize('cluster, best', [
    (body([pool(count=999)], **managed(3), allocatedOutboundPorts=64000), 100),
    (body([pool(count=999)], **own_ips(2), allocatedOutboundPorts=64000), 600)])
def test_beyond_the_limits_the_best_is_shown_but_no_flags(cluster, best):
    decision = solve(cluster, **LISTED)
    assert (decision.reason, decision.proposed.settings.outbound_ip_count, decision.proposed.fits) == (
        Reason.INFEASIBLE, best, False)
    assert (decision.flags, decision.prerequisites, decision.commands) == ((), (), ())


def test_dual_stack_always_prints_both_counts():
    cluster = body([pool(count=9)], dual_stack=True, **managed(1, ipv6=3), allocatedOutboundPorts=12800)
    assert solve(cluster).flags == ('--load-balancer-managed-outbound-ip-count', '2',
                                           '--load-balancer-managed-outbound-ipv6-count', '3')
    assert solve(cluster, Change(managed_outbound_ipv6_count=2)).flags == (
        '--load-balancer-managed-outbound-ip-count', '2', '--load-balancer-managed-outbound-ipv6-count', '2')


def test_shared_frontends_take_ports_away():
    rules = [{'id': f'rule{index}', 'properties': {'frontendIPConfiguration': {'id': '/lb/frontend'}}}
             for index in range(10)]
    balancer = {'name': 'kubernetes', 'properties': {
        'frontendIPConfigurations': [{'id': '/LB/frontend', 'properties': {'publicIPAddress': {'id': ip_ids(1)[0]}}}],
        'outboundRules': [{'name': 'aksOutboundRule', 'id': '/r', 'properties': {
            'allocatedOutboundPorts': 1280, 'frontendIPConfigurations': [{'id': '/lb/frontend'}]}}],
        'loadBalancingRules': rules, 'backendAddressPools': []}}
    decision = solve(body([pool(count=49, max_surge='1')], **managed(1), allocatedOutboundPorts=1280),
                     loadBalancer=balancer)
    assert decision.current.fits and decision.current.available_ports == 64000
    assert decision.current.max_ports_per_node == 1272
    assert decision.proposed.settings.managed_outbound_ip_count == 2


def test_a_plan_without_a_cluster():
    assert new(Scale(node_count=3)).proposed.settings.outbound_ports == 1024
    settings = new(Scale(node_count=100, max_surge='20', kubernetes_version='1.31'),
                   Change(managed_outbound_ip_count=7)).proposed.settings
    assert (settings.outbound_ports, settings.managed_outbound_ip_count) == (3728, 7)
    decision = new(Scale(node_count=10, max_count=99, kubernetes_version='1.31'), Change(outbound_ports=4000))
    assert decision.proposed.settings.managed_outbound_ip_count == 7
    assert decision.command == (
        'az aks create --resource-group MyResourceGroup --name MyCluster --node-count 10 '
        '--enable-cluster-autoscaler --min-count 10 --max-count 99 --kubernetes-version 1.31 '
        '--load-balancer-sku standard --generate-ssh-keys --load-balancer-managed-outbound-ip-count 7 '
        '--load-balancer-outbound-ports 4000')


def test_a_plan_without_a_cluster_on_prefixes_needs_their_length():
    change = Change(outbound_ip_prefixes=tuple(prefix_ids(1)))
    assert new(Scale(node_count=9), change).proposed.fits is None
    decision = new(Scale(node_count=9, kubernetes_version='1.31'), change, publicIpPrefixes=prefix_bodies(31))
    assert (decision.proposed.settings.outbound_ports, decision.proposed.fits) == (12800, True)


def test_recommend_keeps_what_automatic_allocation_would_take_away():
    cluster = body([pool(count=10, max_count=120, max_surge='1')])
    decision = recommended(cluster)
    assert decision.flags == (
        '--load-balancer-managed-outbound-ip-count', '2', '--load-balancer-outbound-ports', '1024')
    assert solve(cluster).flags == decision.flags  # without evidence `plan` says the same
    result = recommend(decision, ())
    assert any('`nodepool1` may grow to 120 nodes' in reason for reason in result['reasons'])
    unchanged = recommended(body([pool(count=10, max_count=49, max_surge='1')]))
    assert (recommend(unchanged, ())['status'], unchanged.flags) == ('insufficientData', ())


@pytest.mark.parametrize('peak, ports, ips, closes', [
    # 1150 are called for, more would be better, and 1280 fit
    (1000, 1280, 1, ('outbound IPs', 1, 64000)),
    # 1277 are called for, rounded up no more than fits
    (1110, 1280, 1, ('outbound IPs', 1, 64000)),
    # 1288 do not fit: a second IP carries all that would be better
    (1120, 1680, 2, ('outbound IPs', 2, 128000)),
    # what nodes have suffices
    (800, 1000, 1, ('headroom of 15 %', 1.15, 920))])
def test_what_is_more_than_called_for_takes_no_ip_of_its_own(peak, ports, ips, closes):
    observed = observe(body([pool(count=49, max_surge='1')], **managed(1), allocatedOutboundPorts=1000))
    evidence = Evidence('sufficient', peak_node='10.224.0.4', peak_ports_per_node=peak, demand_ports_per_node=peak)
    decision = decide_with(observed, Options(measure=True), Demand(evidence, unsaturated_peak=peak, days=7))
    settings, result = decision.proposed.settings, recommend(decision, ())
    assert (settings.outbound_ports, settings.outbound_ip_count) == (ports, ips)
    *_, last = result['evidence']['steps']
    assert (last['what'], last['factor'], last['ports']) == closes


KINDS = st.sampled_from(['managed', 'dual', 'own', 'prefix'])


@st.composite
def clusters(draw):
    kind, number = draw(KINDS), draw(st.integers(1, 6))
    profile = {'managed': managed(number), 'dual': managed(number, ipv6=2), 'own': own_ips(number),
               'prefix': prefixes(number)}[kind]
    ports = draw(st.integers(0, 400)) * 8
    pools = [pool(f'p{index}', draw(st.integers(0, 60)), max_count=draw(st.none() | st.integers(0, 200)),
                  max_surge=draw(st.sampled_from([None, '1', '10%', '33%', '7'])))
             for index in range(draw(st.integers(1, 4)))]
    version = draw(st.sampled_from(['1.27.3', '1.31.1', '1.32.0', '1.34.2']))
    return body(pools, version, dual_stack=kind == 'dual', **profile, allocatedOutboundPorts=ports)


@settings(max_examples=300, deadline=None)
@given(clusters())
def test_a_recommendation_fits_on_the_fewest_ips_and_is_stable(cluster):
    around = dict(LISTED, publicIpPrefixes=prefix_bodies(*[30] * 6))
    decision = recommended(cluster, **around)
    configuration, nodes = decision.proposed, decision.nodes.required
    if decision.reason not in (None, Reason.NOTHING_TO_DO) or configuration.settings.automatic:
        return
    assert configuration.fits and configuration.headroom_nodes >= 0
    held, ips = decision.current.settings.outbound_ip_count, configuration.settings.outbound_ip_count
    grain = 16 if configuration.settings.ip_source == 'prefixes' else 1
    assert ips == held or (ips - grain) * 64000 < configuration.settings.outbound_ports * nodes
    assert configuration.ports_per_node >= (decision.current.ports_per_node or 0)
    profile = decision.profile
    again = {**cluster, 'properties': {**cluster['properties'], 'networkProfile': {
        **cluster['properties']['networkProfile'], 'loadBalancerProfile': profile}}}
    lengths = prefix_bodies(*[30] * 6) + [
        {'id': one.id, 'properties': {'prefixLength': one.length}} for one in decision.new_addresses if one.length]
    after = recommended(again, publicIpPrefixes=lengths)
    assert (after.flags, after.current.fits) == ((), True)


@given(st.integers(1, 500), st.integers(1, 8000).map(lambda blocks: 8 * blocks))
def test_one_ip_less_than_the_plan_s_never_fits(nodes, ports):
    decision = new(Scale(node_count=nodes, kubernetes_version='1.31'), Change(outbound_ports=ports))
    count = decision.proposed.settings.managed_outbound_ip_count
    if decision.reason is None:
        assert decision.proposed.fits
        assert count == 1 or ports * decision.nodes.required > (count - 1) * snat.PORTS_PER_IP


def test_a_frontend_is_of_the_family_of_its_public_ip():
    """Whatever it is called: AKS puts no IPv6 into the name of the user's own."""
    azure = Azure()
    ips = [azure.add_public_ip('four', 'net'), azure.add_public_ip('six', 'net', version='IPv6')]
    cluster = azure.add_cluster(outbound_ips=ips, ports=1024)
    snapshot = snapshot_of(azure, cluster)
    balancer = snapshot['loadBalancer']['properties']
    frontends = [{'id': frontend['id']} for frontend in balancer['frontendIPConfigurations']]
    balancer['outboundRules'] = balancer['outboundRules'][:1]
    balancer['outboundRules'][0]['properties']['frontendIPConfigurations'] = frontends
    assert len(frontends) == 2
    assert answer('show', snapshot)['current']['effectiveOutboundIpCount'] == 1
