"""Each rule: a cluster that has the fault, and one that just has not."""
import re

import pytest

from azext_lbplan.rules.cluster import CHECK_CODES, RULES, findings
from azext_lbplan.rules.cluster.code import RULES as CODE_RULES
from azext_lbplan.rules.cluster.subject import metrics, metrics_were_read
from azext_lbplan.model.finding import ERROR, INFO, SEVERITIES, WARNING
from azext_lbplan.rules.cluster.mending import MENDED
from azext_lbplan.views.results import status_of
from azext_lbplan.views.verdict import verdict
from tests.azure import pool
from tests.support.asking_rules import ask, codes, decision_of
from tests.support.cases import GROUP
from tests.support.ways import MANAGED_SUBNET, address, gateway, gateway_id, routes, subnet, subnet_id, table_id
from tests.support.worlds import (BALANCER, NODE_GROUP, OTHER_SUBSCRIPTION, alert, outbound_rule, over, profile,
                                  usages, used, with_, without_reading, world)

#: The rules that need metrics: those of test_measured.
MEASURED = {rule.code for rule in RULES if {metrics, metrics_were_read} & set(rule.needs)}
OWN = f'{GROUP}/publicIPAddresses/own0'
IP = ('publicIpAddresses', 0)
PREFIX = ('publicIpPrefixes', 0)
STATE = ('managedCluster', 'properties', 'provisioningState')
POOL = ('managedCluster', 'properties', 'agentPoolProfiles', 0)


#: Who may reach the API server.
LISTED = {'apiServerAccessProfile': {'authorizedIPRanges': ['52.1.0.0/16']}}


def leaving(ip):
    """A cluster with such a list, behind a NAT gateway of that address."""
    made = address('out', ip)
    return {**routed(world(pool(), **LISTED), gateway=gateway_id()), 'natGateways': [gateway(made['id'])],
            'publicIpAddresses': [made]}


def unread(snapshot, status=403):
    return without_reading(snapshot, BALANCER, status)


def shared(count, **settings):
    """A Service with `count` ports on the first outbound frontend."""
    snapshot = world(**settings)
    balancer = over(snapshot)
    for port in range(count):
        balancer.add_service_rule(balancer.properties['frontendIPConfigurations'][0], 1000 + port)
    return snapshot


def services(count, ports=1, **settings):
    """`count` Services with IPs of their own, of `ports` ports each."""
    snapshot = world(**settings)
    balancer = over(snapshot)
    for index in range(count):
        frontend = balancer.add_frontend(f'a{index}', 'publicIPAddress', f'{NODE_GROUP}/publicIPAddresses/a{index}')
        for port in range(ports):
            balancer.add_service_rule(frontend, 1000 + port)
    return snapshot


def foreign(name, dual_stack=False):
    snapshot = world(dual_stack=dual_stack)
    balancer = over(snapshot)
    balancer.add('outboundRules', name, {'allocatedOutboundPorts': 0, 'protocol': 'All',
                                         'frontendIPConfigurations': []})
    return snapshot


def hosted(members=2, **more):
    """With system pools that AKS hosts, in a backend pool and behind an outbound rule of their own."""
    snapshot = world(hostedSystemProfile={'enabled': True}, **more)
    balancer = over(snapshot)
    nodes = balancer.add_pool('aksHostedSystemPoolOutboundBackendPool', [
        f'{NODE_GROUP}/networkInterfaces/hosted{index}/ipConfigurations/one' for index in range(members)])
    frontend = balancer.add_frontend('hosted', 'publicIPAddress', f'{NODE_GROUP}/publicIPAddresses/hosted')
    balancer.add('outboundRules', 'hosted', {
        'allocatedOutboundPorts': 0, 'protocol': 'All', 'backendAddressPool': {'id': nodes['id']},
        'frontendIPConfigurations': [{'id': frontend['id']}]})
    return snapshot


def carried(failed):
    """Through a NAT gateway whose metrics were read."""
    minute = '2026-11-20T10:00:00Z'
    return {**routed(world(**NATTED), gateway=gateway_id()), 'natGatewayMetrics': [
        {'resourceId': gateway_id(), 'query': {'$filter': "ConnectionState eq 'Failed'"} if metric[0] == 'S' else {},
         'response': {'value': [{'name': {'value': metric}, 'timeseries': [
             {'data': [{'timeStamp': minute, 'total': value}]}]}]}}
        for metric, value in (('TotalConnectionCount', 9), ('SNATConnectionCount', failed))]}


def labelled(*labels):
    return world(pool(nodeLabels=dict.fromkeys(labels, 'false')))


def windows(disabled=True, **more):
    return world(pool(), pool('win', 2, mode='User', windowsProfile={'disableOutboundNat': disabled}), **more)


def basic(*pools, version='1.33.2', **more):
    return world(*pools, sku='basic', version=version, **more)


def elsewhere(snapshot, *place):
    """An own IP or prefix of another subscription."""
    body = snapshot
    for key in place:
        body = body[key]
    key, list_key = (('outboundIPs', 'publicIPs') if place == IP else ('outboundIPPrefixes', 'publicIPPrefixes'))
    body['id'] = body['id'].replace(body['id'].split('/')[2], OTHER_SUBSCRIPTION)
    profile(snapshot)[key][list_key][0]['id'] = body['id']
    del body['properties']['ipConfiguration' if place == IP else 'loadBalancerFrontendIpConfiguration']
    return snapshot


def node_ip(**more):
    snapshot = world(**more)
    profile(snapshot)['backendPoolType'] = 'nodeIP'
    return snapshot


def mixed(snapshot):
    profile(snapshot)['managedOutboundIPs'] = {'count': 1}
    return snapshot


def in_node_group(snapshot):
    body = snapshot['publicIpAddresses'][0]
    body['id'] = f'{NODE_GROUP}/publicIPAddresses/own0'
    profile(snapshot)['outboundIPs']['publicIPs'][0]['id'] = body['id']
    return snapshot


def placeless(snapshot):
    """Without a region, in which new IPs would be made."""
    del snapshot['managedCluster']['location']
    return snapshot


def leftover(**profile_body):
    snapshot = world(outbound_type='managedNATGateway')
    return with_(snapshot, 'managedCluster', 'properties', 'networkProfile', 'loadBalancerProfile',
                 value={'backendPoolType': 'nodeIPConfiguration', **profile_body})


def routed(snapshot, *hops, gateway=None, forgotten=False, propagates=True):
    """On a subnet of the user's, with these routes and that gateway; the last pool's may be `forgotten`."""
    pools = snapshot['managedCluster']['properties']['agentPoolProfiles']
    for one in pools:
        one['vnetSubnetID'] = subnet_id('forgotten' if forgotten and one is pools[-1] else 'nodes')
    return {**snapshot, 'subnets': [subnet(subnet_id(), gateway, table_id()), subnet(subnet_id('forgotten'))],
            'routeTables': [routes(*hops, propagates=propagates)]}


def two_pools(**more):
    return world(pool('a', 1), pool('b', 1), **more)


FIREWALL = ('0.0.0.0/0', 'VirtualAppliance', '10.0.0.4')
NOWHERE = ('0.0.0.0/0', 'None')
INTERNET = ('0.0.0.0/0', 'Internet')
NATTED = {'outbound_type': 'userAssignedNATGateway'}
ROUTED = {'outbound_type': 'userDefinedRouting'}


def alerted(*alerts, **cluster):
    """1024 ports per node, and these alerts."""
    return dict(world(ports=1024, **cluster), metricAlerts=list(alerts))


# (code, severity of the finding, the cluster that has the fault, the one that just has not)
CASES = [
    ('EgressBypassesLoadBalancer', WARNING, routed(world(), FIREWALL), routed(world(), ('20.1.2.3/32', 'Internet'))),
    ('EgressBypassesLoadBalancer', WARNING, routed(world(), gateway=gateway_id()), routed(world(), INTERNET)),
    ('EgressBypassesLoadBalancer', WARNING, routed(two_pools(), FIREWALL, forgotten=True), routed(two_pools())),
    ('EgressBypassesLoadBalancer', INFO, routed(world(pool(enableNodePublicIP=True))), routed(world())),
    ('EgressBlocked', ERROR, routed(world(), NOWHERE), routed(world(), INTERNET)),
    ('EgressBlocked', ERROR, routed(world(**ROUTED), propagates=False), routed(world(**ROUTED), FIREWALL)),
    ('EgressBlocked', WARNING, routed(world(**ROUTED)), routed(world(**ROUTED), gateway=gateway_id())),
    ('EgressBlocked', WARNING, routed(two_pools(**NATTED), gateway=gateway_id(), forgotten=True),
     routed(two_pools(**NATTED), gateway=gateway_id())),
    ('EgressNotAsDeclared', WARNING, routed(world(**NATTED), FIREWALL, gateway=gateway_id()),
     routed(world(**NATTED), gateway=gateway_id())),
    ('EgressNotReadable', INFO, without_reading(routed(world()), subnet_id(), 403), routed(world())),
    ('NatGatewayConnectionsFailed', WARNING, carried(failed=1), carried(failed=0)),
    ('ClusterNotSucceeded', WARNING, with_(world(), *STATE, value='Failed'), world()),
    ('ClusterNotSucceeded', WARNING, with_(world(), *STATE, value='Updating'), world()),
    ('ClusterStopped', WARNING, world(powerState={'code': 'Stopped'}), world(powerState={'code': 'Running'})),
    ('PoolNotSucceeded', WARNING, with_(world(), *POOL, 'provisioningState', value='Failed'), world()),
    ('PoolStopped', INFO, with_(world(), *POOL, 'powerState', value={'code': 'Stopped'}), world()),
    ('BlueGreenPool', INFO, with_(world(), *POOL, 'upgradeStrategy', value='BlueGreen'),
     with_(world(), *POOL, 'upgradeStrategy', value='Rolling')),
    ('LoadBalancerNotReadable', WARNING, unread(world()), world()),
    ('OutboundIpNotReadable', WARNING, without_reading(world(own=2), OWN, 403),
     without_reading(world(own=2), OWN, 404, 'ResourceNotFound')),

    # 8 nodes × 8000 ports are all ports of one IP; AKS counts one more of each pool of 10 % (facts section 2).
    ('PortsOvercommittedNow', ERROR, world(pool(count=9), ports=8000), world(pool(count=8), ports=8000)),
    ('PortsOvercommittedAtMaximum', ERROR, world(pool(count=3, max_count=9), ports=8000),
     world(pool(count=3, max_count=8), ports=8000)),
    ('PortsOvercommittedWithSurge', ERROR, world(pool(count=8), ports=8000), world(pool(count=7), ports=8000)),
    ('PortsOvercommittedNow', WARNING, world(pool('a', 4), pool('b', 5, powerState={'code': 'Stopped'}), ports=8000),
     world(pool('a', 4), pool('b', 3, powerState={'code': 'Stopped'}), ports=8000)),
    ('PortsInvalid', ERROR, world(ports=1001), world(ports=1000)),
    ('PortsInvalid', ERROR, world(managed=10, ports=64008), world(managed=10, ports=64000)),
    ('PortsShortAtRequired', WARNING, world(ports=8000, nodes=9), world(ports=8000, nodes=8)),
    # Below 1.32 an unset surge is 10 % or 1: an error only where 1 fails, too. The same of the base of a percentage.
    ('PortsOvercommittedWithSurge', WARNING, world(pool(count=19), ports=3200, version='1.31.3'),
     world(pool(count=19, max_surge='1'), ports=3200, version='1.31.3')),
    ('PortsOvercommittedWithSurge', WARNING, world(pool(count=2, max_count=19), ports=3200),
     world(pool(count=2, max_count=18), ports=3200)),
    ('PortsOvercommittedWithSurge', ERROR, world(pool(count=19), ports=3200),
     world(pool(count=18), ports=3200)),
    ('SharedFrontendPorts', WARNING, shared(2, ports=16000), shared(0, ports=16000)),
    ('SharedFrontendPorts', INFO, shared(1, ports=8000), services(1)),
    ('SharedFrontendPorts', INFO, shared(1), services(1)),
    ('UnboundedNodeCount', WARNING, world(nodeProvisioningProfile={'mode': 'Auto'}), world()),
    ('NodeIpLeavesNodesOut', WARNING, node_ip(nodeProvisioningProfile={'mode': 'Auto'}), node_ip()),
    ('Infeasible', ERROR, world(pool(count=129), managed=100, ports=64000),
     world(pool(count=90), managed=100, ports=64000)),
    ('MixedOutboundIpsBlocked', ERROR, mixed(world(pool(count=30), own=1, ports=8000)),
     mixed(world(own=1, ports=8000))),

    ('OutboundIpsUnknown', WARNING, placeless(world(pool(count=9), own=1, ports=8000)),
     placeless(world(own=1, ports=8000))),

    ('TierDrop', WARNING, world(pool(count=46)), world(pool(count=45))),
    ('TierDrop', WARNING, world(pool(count=3, max_count=46)), world(pool(count=3, max_count=46), ports=1024)),
    ('AutomaticAboveTable', WARNING, world(pool(count=910)), world(pool(count=909))),
    ('AutomaticAllocation', INFO, world(), world(ports=1024)),

    ('NoOutboundIp', ERROR, world(managed=0), world(managed=1)),
    ('NoOutboundFrontend', ERROR, with_(world(), 'loadBalancer', 'properties', 'outboundRules', value=[]), world()),
    ('OutboundIpMissing', ERROR, without_reading(world(own=2), OWN, 404, 'ResourceNotFound'),
     without_reading(world(own=2), OWN, 403)),
    ('OutboundIpNotStandard', ERROR, with_(world(own=1), *IP, 'sku', value={'name': 'Basic'}), world(own=1)),
    ('OutboundIpNotStandard', ERROR, with_(world(prefix_lengths=[31]), *PREFIX, 'sku', value={'name': 'StandardV2'}),
     world(prefix_lengths=[31])),
    ('OutboundIpNotStatic', WARNING, with_(world(own=1), *IP, 'properties', 'publicIPAllocationMethod',
                                           value='Dynamic'), world(own=1)),
    ('OutboundIpOtherRegion', ERROR, with_(world(own=1), *IP, 'location', value='northeurope'),
     with_(world(own=1), *IP, 'location', value='West Europe')),
    ('OutboundIpOtherRegion', ERROR, with_(world(prefix_lengths=[31]), *PREFIX, 'location', value='northeurope'),
     world(prefix_lengths=[31])),
    ('OutboundIpOtherSubscription', WARNING, elsewhere(world(own=1), *IP), world(own=1)),
    ('OutboundIpOtherSubscription', ERROR, elsewhere(world(prefix_lengths=[31]), *PREFIX),
     world(prefix_lengths=[31])),
    ('OutboundIpMadeByAks', ERROR,
     with_(world(own=1), *IP, 'tags', value={'aks-managed-type': 'aks-slb-managed-outbound-ip'}),
     with_(world(own=1), *IP, 'tags', value={'made-by': 'us'})),
    ('OutboundIpMadeByAks', WARNING, in_node_group(world(own=1)), world(own=1)),
    ('OutboundIpAttachedElsewhere', ERROR,
     with_(world(own=1), *IP, 'properties', 'ipConfiguration', 'id', value=f'{GROUP}/networkInterfaces/vm/x/y'),
     world(own=1)),
    ('OutboundIpAttachedElsewhere', ERROR,
     with_(world(prefix_lengths=[31]), *PREFIX, 'properties', value={
         'prefixLength': 31, 'natGateway': {'id': f'{GROUP}/natGateways/n'}}), world(prefix_lengths=[31])),
    ('OutboundPrefixInUse', ERROR, with_(world(prefix_lengths=[31]), *PREFIX, 'properties', value={
        'prefixLength': 31, 'publicIPAddresses': [{'id': f'{GROUP}/publicIPAddresses/web'}]}),
     with_(world(prefix_lengths=[31]), *PREFIX, 'properties', 'publicIPAddresses', value=[])),
    ('TooManyOutboundIps', ERROR, world(managed=101), world(managed=100)),
    ('TooManyOutboundIps', WARNING, world(own=17), world(own=16)),
    # 33 nodes take 17 IPs at 32,000 ports each, 31 nodes 16.
    ('ManyOutboundIps', WARNING, world(pool(count=30), own=1, ports=32000), world(pool(count=28), own=1, ports=32000)),
    ('SeveralIpOptions', WARNING, mixed(world(own=1)), world(own=1)),
    ('SingleOutboundIp', INFO, world(pool(count=91), ports=600), world(pool(count=90), ports=600)),
    ('SingleOutboundIp', INFO, world(pool(count=91), ports=600), world(pool(count=91), managed=2, ports=600)),

    ('PortsDrift', WARNING, with_(world(ports=1024), 'loadBalancer', 'properties', 'outboundRules', 0, 'properties',
                                  'allocatedOutboundPorts', value=0), world(ports=1024)),
    ('PortsDrift', INFO, with_(with_(world(ports=1024), *STATE, value='Updating'), 'loadBalancer', 'properties',
                               'outboundRules', 0, 'properties', 'allocatedOutboundPorts', value=2048), world()),
    ('IdleTimeoutDrift', WARNING, with_(world(), 'loadBalancer', 'properties', 'outboundRules', 0, 'properties',
                                        'idleTimeoutInMinutes', value=4), world()),
    ('FrontendDrift', WARNING, with_(world(managed=2), 'managedCluster', 'properties', 'networkProfile',
                                     'loadBalancerProfile', 'effectiveOutboundIPs', value=[
                                         {'id': f'{NODE_GROUP}/publicIPAddresses/managed0'}]), world(managed=2)),
    ('ForeignOutboundRule', WARNING, foreign('mine'), foreign('aksOutboundRule-ipv6')),
    ('OutboundIpsDiffer', WARNING, with_(world(), 'managedCluster', 'properties', 'networkProfile',
                                         'loadBalancerProfile', 'managedOutboundIPs', value={'count': 2}), world()),
    ('OutboundIpsDiffer', WARNING, with_(world(own=1), 'managedCluster', 'properties', 'networkProfile',
                                         'loadBalancerProfile', 'effectiveOutboundIPs', value=[
                                             {'id': f'{GROUP}/publicIPAddresses/old'}]), world(own=1)),
    ('OutboundIpsDiffer', WARNING, with_(world(dual_stack=True), 'managedCluster', 'properties', 'networkProfile',
                                         'loadBalancerProfile', 'managedOutboundIPs', 'count', value=2),
     world(dual_stack=True)),
    ('TcpResetOff', WARNING, with_(world(), 'loadBalancer', 'properties', 'outboundRules', 0, 'properties',
                                   'enableTcpReset', value=False), world()),

    ('IdleTimeoutOutOfRange', ERROR, world(idle=121), world(idle=100)),
    ('IdleTimeoutOutOfRange', ERROR, world(idle=3), world(idle=4)),
    ('IdleTimeoutOutOfRange', INFO, world(idle=101), world(idle=100)),
    ('ShortIdleTimeout', INFO, world(idle=9), world(idle=10)),

    ('FrontendLimit', WARNING, services(539), services(538)),
    ('RulesPerNicLimit', WARNING, services(1, ports=269), services(1, ports=268)),
    ('PoolSizeLimit', WARNING, world(*(pool(f'p{index}', 910) for index in range(5)), nodes=1),
     world(*(pool(f'p{index}', 909) for index in range(5)), nodes=1)),

    # Each rule on a frontend counts once for each node: AKS itself has one on each outbound frontend.
    ('FrontendConfigurationLimit', WARNING, services(1, ports=9, nodes=1000), services(1, ports=8, nodes=1000)),
    ('FrontendConfigurationLimit', WARNING, shared(8, nodes=1000), shared(7, nodes=1000)),
    # A surge of 10 %, rounded up; integers above the pool surge by its nodes, and 0 by none.
    ('ScaleSetLimit', WARNING, world(pool(count=910)), world(pool(count=909))),
    ('ScaleSetLimit', WARNING, world(pool(count=3, max_count=999, max_surge='2')),
     world(pool(count=3, max_count=998, max_surge='2'))),
    ('ScaleSetLimit', WARNING, world(pool(count=501, max_surge='900')), world(pool(count=500, max_surge='900'))),
    ('ScaleSetLimit', WARNING, world(pool(count=1000, max_surge='1')), world(pool(count=1000, max_surge='0'))),
    ('ScaleSetLimit', INFO, world(pool(count=910), version='1.31.3'),
     world(pool(count=910, kind='VirtualMachines', virtualMachinesProfile={'scale': {}}))),
    ('PoolExcludedFromLoadBalancers', INFO, labelled('node.kubernetes.io/exclude-from-external-load-balancers'),
     labelled('node.kubernetes.io/exclude')),
    ('WindowsOutboundNatDisabled', WARNING, windows(), windows(disabled=False)),
    ('WindowsOutboundNatDisabled', WARNING, routed(windows()), routed(windows(), gateway=gateway_id())),
    ('WindowsOutboundNatDisabled', WARNING, routed(windows()), windows(outbound_type='userDefinedRouting')),
    ('StaticEgressGateway', INFO, world(pool(), pool('egress', 2, mode='Gateway',
                                                     gatewayProfile={'publicIPPrefixSize': 31})),
     world(pool(), pool('egress', 2, mode='User'))),
    ('HostedSystemPool', INFO, hosted(), world()),
    ('HostedSystemPool', INFO, world(hostedSystemProfile={'enabled': True}),
     world(hostedSystemProfile={'enabled': False})),

    ('BasicLoadBalancer', WARNING, basic(), world()),
    ('ServicesNeedJoin', INFO, world(own=2), world(managed=2)),
    ('ServicesNeedJoin', INFO, world(prefix_lengths=[31]), world()),
    ('OtherOutboundType', INFO, world(outbound_type='userDefinedRouting'), world()),
    ('MalformedId', ERROR, with_(world(own=2, ports=8000), 'managedCluster', 'properties', 'networkProfile',
                                 'loadBalancerProfile', 'outboundIPs', 'publicIPs', 0, 'id', value='@/etc/passwd'),
     world(own=2, ports=8000)),
    ('MalformedId', WARNING, with_(world(), 'managedCluster', 'properties', 'nodeResourceGroup', value='..'), world()),
    ('StaleProfile', INFO, leftover(effectiveOutboundIPs=[{'id': OWN}]), leftover()),
    ('MultipleLoadBalancers', INFO, with_(world(), 'managedCluster', 'properties', 'networkProfile',
                                          'loadBalancerProfile', 'enableMultipleStandardLoadBalancers', value=True),
     world()),
    ('PublicIpQuota', ERROR, dict(world(pool(count=9), ports=8000), usages=usages(0)),
     dict(world(pool(count=9), ports=8000), usages=usages(1))),
    ('AuthorizedRangesLackNewIps', WARNING, world(pool(count=9), ports=8000, **LISTED),
     world(pool(count=9), ports=8000)),
    ('AuthorizedRangesLackEgress', ERROR, leaving('20.1.2.3'), leaving('52.1.2.3')),
    ('OutboundTypeMoves', INFO, world(), world(outbound_type='somethingNew')),

    # One frontend's share of 1024 ports; with three of them 341.
    ('AlertThresholdMisfit', WARNING, alerted(used(1024)), alerted(used(1023))),
    ('AlertThresholdMisfit', WARNING, alerted(used(341), managed=3), alerted(used(340), managed=3)),
    ('AlertThresholdMisfit', WARNING, alerted(used(900, split=())), alerted(used(900, split=(), enabled=False))),
    ('AlertThresholdMisfit', WARNING, alerted(used(600, split=['BackendIPAddress'])), alerted(used(600))),
    ('AlertThresholdMisfit', WARNING, alerted(used(900, split=['ProtocolType'])),
     alerted(used(900, split=['ProtocolType'], aggregation='Maximum'))),
    ('AlertThresholdMisfit', INFO, alerted(used(900, window='PT5M')), alerted(used(900))),
    ('AlertThresholdMisfit', INFO, alerted(used(511)), alerted(used(512))),
    ('AlertNotifiesNobody', INFO, alerted(used(900, actions=[])), alerted(used(900))),
    ('NoSnatAlert', INFO, alerted(alert(90, 'DipAvailability')), alerted(used(900))),
    ('NoSnatAlert', INFO, alerted(), alerted(alert())),
    ('NoSnatAlert', INFO, alerted(alert(enabled=False)), alerted(alert())),
]


@pytest.mark.parametrize('code, severity, faulty, fine', CASES,
                         ids=[f'{number}-{case[0]}' for number, case in enumerate(CASES)])
def test_a_rule_finds_its_fault_and_nothing_else(code, severity, faulty, fine):
    found = [one for one in ask(faulty).findings if one.code == code]
    assert [one.severity for one in found] == [severity]
    assert found[0].message.endswith('.') and '\n' not in found[0].message and 'None' not in found[0].message
    assert code not in codes(ask(fine))


def test_every_rule_has_a_case():
    elsewhere = MEASURED | {rule.code for rule in CODE_RULES}
    assert {case[0] for case in CASES} == set(CHECK_CODES) - elsewhere


@pytest.mark.parametrize('healthy', [
    world(), world(managed=2), world(own=2), world(prefix_lengths=[28, 31]), world(ports=1024), world(idle=4),
    world(dual_stack=True), world(pool(count=3, max_count=40), ports=1024, idle=10),
    world(pool('a', 3), pool('b', 0, min_count=0, max_count=20, priority='Spot'), ports=2000),
], ids=str)
def test_a_healthy_cluster_has_no_errors_and_no_warnings(healthy):
    report = ask(healthy)
    assert codes(report, ERROR, WARNING) == []
    assert status_of(decision_of(healthy), report.findings[0]) == 'ok'
    assert {one.code for one in report.skipped} == MEASURED


def test_the_catalogue_documents_each_rule():
    assert len({rule.code for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert re.fullmatch(r'[A-Z][A-Za-z0-9]+', rule.code) and rule.severity in SEVERITIES
        assert rule.title.endswith('.') and rule.why.endswith('.') and rule.source.endswith('.'), rule.code
        assert '\n' not in rule.title and len(rule.title) < 130, rule.code


def test_drift_says_that_the_profile_wins_and_the_command_never_cuts():
    more = with_(world(ports=1000), 'loadBalancer', 'properties', 'outboundRules', 0, 'properties',
                 'allocatedOutboundPorts', value=2000)
    kept = next(one for one in ask(more).findings if one.code == 'PortsDrift')
    assert kept.evidence['wins'] == 'profile' and kept.message.endswith(MENDED)
    assert (kept.evidence['portsPerNodeNow'], kept.evidence['portsPerNodeAfter']) == (2000, 1000)
    assert kept.command.endswith('--load-balancer-outbound-ports 2000')
    fewer = with_(world(ports=2000), 'loadBalancer', 'properties', 'outboundRules', 0, 'properties',
                  'allocatedOutboundPorts', value=1000)
    raised = next(one for one in ask(fewer).findings if one.code == 'PortsDrift')
    assert 'fall' not in raised.message and raised.command.endswith('--yes')


@pytest.mark.parametrize('change', [{'allocatedOutboundPorts': 2048}, {'idleTimeoutInMinutes': 60}])
def test_where_a_reconcile_would_cut_the_line_puts_what_is_in_force_into_the_profile(change):
    snapshot = world(ports=1024)
    outbound_rule(snapshot).update(enableTcpReset=False, **change)
    found = next(one for one in ask(snapshot).findings if one.code == 'TcpResetOff')
    assert found.command.endswith(f' {max(change.values())}') and '--yes' not in found.command


def test_ips_that_only_the_rule_has_are_not_taken_away():
    snapshot = world(managed=2)
    profile(snapshot)['effectiveOutboundIPs'].pop()
    found = next(one for one in ask(snapshot).findings if one.code == 'FrontendDrift')
    assert found.command is None and found.evidence['onlyInOutboundRules'] == [
        f'{NODE_GROUP}/publicIPAddresses/managed1']


@pytest.mark.parametrize('snapshot, before, line', [
    (basic(), [], '--load-balancer-sku Standard'), (basic(version='1.27.1'), [], '--load-balancer-sku Standard'),
    (basic(version='1.26.9'), ['upgrade Kubernetes from 1.26.9 to 1.27 or later'], '--load-balancer-sku Standard'),
    (basic(pool(kind='AvailabilitySet')), [], '--migrate-vmas-to-vms'),
    (basic(securityProfile={'azureKeyVaultKms': {'enabled': True, 'keyVaultNetworkAccess': 'Private'}}),
     ['turn off KMS, whose key vault is private (az aks update --disable-azure-keyvault-kms)'],
     '--load-balancer-sku Standard'),
    (basic(securityProfile={'azureKeyVaultKms': {'enabled': True, 'keyVaultNetworkAccess': 'Public'}}), [],
     '--load-balancer-sku Standard'),
])
def test_the_way_off_a_basic_load_balancer_begins_with_what_stands_in_the_way(snapshot, before, line):
    found = next(one for one in ask(snapshot).findings if one.code == 'BasicLoadBalancer')
    assert found.evidence['before'] == before
    assert line in found.remediation and all(one in found.remediation for one in before)


def test_hosted_system_pools_are_told_and_taken_for_nothing_foreign():
    found = ask(hosted(members=2))
    assert codes(found, ERROR, WARNING) == []
    told = next(one for one in found.findings if one.code == 'HostedSystemPool')
    assert told.evidence['members'] == 2 and '2 members' in told.message
    named = hosted()  # whether the profile names their IP is not known
    profile(named)['effectiveOutboundIPs'].append({'id': f'{NODE_GROUP}/publicIPAddresses/hosted'})
    assert 'FrontendDrift' not in codes(ask(named))


def test_the_members_of_the_outbound_pool_show_whether_excluded_nodes_left_it():
    label = {'node.kubernetes.io/exclude-from-external-load-balancers': 'true'}
    for live, advice in ((4, True), (5, False)):
        found = next(one for one in ask(world(pool(count=3), pool('b', 2, nodeLabels=label), nodes=live)).findings
                     if one.code == 'PoolExcludedFromLoadBalancers')
        assert found.evidence['pools'] == ['b'] and f'{live} members for 5 nodes' in found.message
        assert bool(found.remediation) is advice


def test_overcommitment_names_the_pools_that_make_it_so():
    snapshot = world(pool('system', 2), pool('batch', 1, max_count=200), ports=4000)
    found = next(one for one in ask(snapshot).findings if one.code == 'PortsOvercommittedAtMaximum')
    assert found.evidence['pools'] == ['batch'] and "'batch' (1 now, 200 at most, surge 20)" in found.message


@pytest.mark.parametrize('way, warned', [(gateway_id(), False), (None, True)])
def test_ips_that_no_packet_leaves_by_are_no_egress_ips(way, warned):
    snapshot = {**world(pool(count=9), ports=8000), 'subnets': [subnet(MANAGED_SUBNET, way)]}
    found = findings(decision_of(snapshot))
    assert ('EgressIpsChange' in {one.code for one in found}) is warned
    assert 'EgressBypassesLoadBalancer' in {one.code for one in found} or warned


@pytest.mark.parametrize('ports', [None, 8000])
@pytest.mark.parametrize('spoil', [
    lambda ports: with_(world(pool(count=5), own=1, ports=ports), *IP, 'sku', value={'name': 'Basic'}),
    lambda ports: with_(world(pool(count=20), prefix_lengths=[31, 31], ports=ports), *PREFIX, 'properties', value={
        'prefixLength': 31, 'publicIPAddresses': [{'id': f'{GROUP}/publicIPAddresses/web'}]})])
def test_what_is_in_force_carries_traffic_on_where_own_addresses_are_refused(spoil, ports):
    """Nothing is said of ports that AKS does not come to count, nor of connections that do not fail."""
    snapshot = spoil(ports)
    found, = codes(ask(snapshot), ERROR)
    assert found in ('OutboundIpNotStandard', 'OutboundPrefixInUse')
    assert 'can be used' in verdict(decision_of(snapshot)).binds or ports is None


def test_without_an_own_address_and_nothing_in_force_connections_fail():
    snapshot = without_reading(world(own=1, ports=8000), OWN, 404, 'ResourceNotFound')
    outbound_rule(snapshot)['frontendIPConfigurations'] = []
    found = {one.code: one for one in ask(snapshot).findings if one.severity == ERROR}
    assert set(found) == {'OutboundIpMissing', 'NoOutboundIp'}
    assert found['NoOutboundIp'].consequence == 'Outbound connections fail.'
    assert found['NoOutboundIp'].remediation == 'First mend or leave out those that cannot be used.'


def test_ports_are_not_multiplied_where_there_is_no_ip():
    snapshot = world(managed=0, ports=8000)
    assert codes(ask(snapshot), ERROR) == ['NoOutboundIp']
    assert verdict(decision_of(snapshot)).binds == 'No outbound IPv4 address.'
