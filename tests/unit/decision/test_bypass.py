"""What a decision is worth where packets do not leave through the load balancer."""
import pytest

from tests.azure import pool
from tests.support.answers import answer, answers
from tests.support.contract import conform, egress
from tests.support.ways import address, gateway, gateway_id, routes, subnet, subnet_id, table_id
from tests.support.worlds import profile, world

FIREWALL = ('0.0.0.0/0', 'VirtualAppliance', '10.0.0.4')
OUT = address('out', '20.7.7.7')


def behind(snapshot, *hops, nat=False):
    """The cluster on a subnet of the user's, with these routes, or with a NAT gateway."""
    for one in snapshot['managedCluster']['properties']['agentPoolProfiles']:
        one['vnetSubnetID'] = subnet_id()
    body = gateway(OUT['id'])
    body['properties']['subnets'] = [{'id': subnet_id()}]
    snapshot.setdefault('publicIpAddresses', []).append(OUT)
    return {**snapshot, 'subnets': [subnet(subnet_id(), gateway_id() if nat else None, table_id())],
            'routeTables': [routes(*hops)], 'natGateways': [body] if nat else []}


def codes(result):
    return [one['code'] for one in result['findings']]


@pytest.mark.parametrize('around, effective, limit', [
    ({'nat': True}, 'natGateway', '64512'), ({'hops': FIREWALL}, 'virtualAppliance', '2496')])
def test_a_load_balancer_that_nothing_goes_through_is_not_sized(around, effective, limit):
    """Automatic ports that would drop as the cluster grows: no reason to set any. The limit is another's."""
    hops = [around.pop('hops')] if 'hops' in around else []
    found = answers(behind(world(pool(count=40, max_count=150)), *hops, **around))
    for command in ('plan', 'recommend', 'check'):
        result = found[command]
        egress(result['egress'])
        assert result['egress']['effective'] == effective
        assert (result['noCommand']['reason'], result['commands']) == ('otherEgress', [])
        assert effective in result['noCommand']['message'] and 'no effect' in result['noCommand']['message']
        bypass, = [one for one in result['findings'] if one['code'] == 'EgressBypassesLoadBalancer']
        assert bypass['severity'] == 'warning' and limit in bypass['remediation'] and 'change' not in bypass['message']
        first_warning = next(one for one in result['findings'] if one['severity'] == 'warning')
        assert first_warning is bypass, 'it leads'
    recommend = conform('recommend', found['recommend'])
    assert (recommend['status'], recommend['proposed'], recommend['alternatives']) == ('notApplicable', None, [])
    assert limit in recommend['reasons'][0]
    assert found['show']['current']['outboundPorts'] == 0, 'what is set is still told'


def test_a_gateway_is_told_with_its_own_numbers():
    result = answer('recommend', behind(world(), nat=True))
    assert 'nat has 1 IP x 64512 = 64512 ports' in result['reasons'][0] and '1 subnet' in result['reasons'][0]
    assert result['egress']['addresses'] == ['20.7.7.7'] and result['egress']['via'] == gateway_id()


def test_what_was_typed_is_answered_and_said_to_have_no_effect():
    snapshot = behind(world(), FIREWALL)
    for command in ('plan', 'recommend'):
        result = answer(command, snapshot, outbound_ports=4000)
        assert result['flags'] == ['--load-balancer-outbound-ports', '4000']
        bypass = result['findings'][0]
        assert bypass['code'] == 'EgressBypassesLoadBalancer' and 'would have no effect' in bypass['message']


def test_what_azure_would_refuse_is_still_mended():
    """The formula is asked whatever packets do: the next update fails."""
    result = answer('plan', behind(world(ports=32000), nat=True))
    assert result['current']['fits'] is False and result['command']
    assert {'PortsOvercommittedNow', 'EgressBypassesLoadBalancer'} <= set(codes(result))


def test_addresses_that_cannot_be_used_still_lead():
    snapshot = behind(world(own=1, ports=1024), FIREWALL)
    snapshot['publicIpAddresses'][0]['sku'] = {'name': 'Basic'}
    assert answer('plan', snapshot)['noCommand']['reason'] == 'addressUnusable'


def test_where_part_of_the_packets_leave_through_it_the_load_balancer_is_sized():
    snapshot = behind(world(pool('a', 40, max_count=150), pool('b', 3)), nat=True)
    snapshot['managedCluster']['properties']['agentPoolProfiles'][1]['vnetSubnetID'] = subnet_id('b')
    snapshot['subnets'].append(subnet(subnet_id('b')))
    result = answer('recommend', snapshot)
    assert result['egress']['effective'] == 'mixed' and result['status'] == 'change'
    assert 'Part of the outbound traffic' in next(
        one for one in result['findings'] if one['code'] == 'EgressBypassesLoadBalancer')['message']


def test_a_snapshot_from_before_makes_no_claim():
    snapshot = world(pool(count=40, max_count=150))
    found = answers(snapshot)
    for command, result in found.items():
        egress(result['egress'])
        assert result['egress']['effective'] == 'unknown' and '--save-to' in result['egress']['evidence'][0], command
        assert command == 'show' or not {'EgressBypassesLoadBalancer', 'EgressNotReadable'} & set(codes(result))
    assert 'Where packets really leave is not known' in found['show']['unverified'][0]
    assert found['recommend']['status'] == 'change', 'it is decided as if they left through the load balancer'


@pytest.mark.parametrize('outbound_type', ['userDefinedRouting', 'userAssignedNATGateway', 'none'])
def test_other_outbound_types_have_an_egress_as_well(outbound_type):
    found = answers(behind(world(outbound_type=outbound_type), FIREWALL))
    for result in found.values():
        egress(result['egress'])
        assert (result['egress']['declared'], result['egress']['effective']) == (outbound_type, 'virtualAppliance')
    assert 'EgressBypassesLoadBalancer' not in codes(found['plan'])
    assert ('EgressNotAsDeclared' in codes(found['plan'])) == (outbound_type == 'userAssignedNATGateway')
    assert '2496' in found['recommend']['reasons'][0]


def test_routes_from_elsewhere_are_unverified():
    snapshot = behind(world())
    told = [one for one in answer('show', snapshot)['unverified'] if 'BGP' in one]
    assert told and 'virtual WAN' in told[0]
    snapshot['routeTables'] = [routes(propagates=False)]
    assert [one for one in answer('show', snapshot)['unverified'] if 'BGP' in one] == []


def test_what_is_in_force_is_as_before_when_the_way_is_as_declared():
    plain, known = world(ports=1024), behind(world(ports=1024))
    for command, result in answers(known).items():
        before = answer(command, plain)
        for key in ('current', 'flags', 'command', 'status', 'noCommand'):
            assert result.get(key) == before.get(key), (command, key)
    assert profile(known) == profile(plain)


def test_ipv6_addresses_that_were_read_are_not_taken_away_twice():
    """In dual-stack, where the load balancer may not be read and the addresses that AKS made may."""
    snapshot = world(dual_stack=True, managed=3, ports=1024)
    made = profile(snapshot)['effectiveOutboundIPs']
    snapshot['loadBalancer'] = None
    unread = answer('show', snapshot)['current']['effectiveOutboundIpCount']
    snapshot['publicIpAddresses'] = [{'id': one['id'], 'properties': {
        'ipAddress': '20.1.2.3', 'publicIPAddressVersion': 'IPv6' if one['id'].endswith('-ipv6') else 'IPv4'}}
        for one in made]
    assert answer('show', snapshot)['current']['effectiveOutboundIpCount'] == unread == 3
