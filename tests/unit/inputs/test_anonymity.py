"""A snapshot under other names: it decides the same, and nothing tells whose it is."""
import ipaddress
import json
import re

import pytest

from azext_lbplan.inputs.allowed import changed, reduced
from azext_lbplan.inputs.anonymity import Replacements, anonymized
from azext_lbplan.model.observed import parse_observed
from tests.support import shapes
from tests.support.answers import answers
from tests.support.cases import body, ip_ids, managed, observe, own_ips
from tests.support.generated import generate
from tests.support.ways import MANAGED_SUBNET, gateway, gateway_id, routes, subnet, subnet_id, table_id
from tests.azure import pool

#: Words that are names of pools and clusters here, and words of Azure's as well.
WORDS = {'system', 'spot', 'user', 'managed', 'basic', 'none', 'stopped', 'kubernetes', 'nat', 'routes'}


def snapshots(seeds):
    """Snapshots of clusters of every kind, some with metrics."""
    found = {name: one if 'managedCluster' in one else {'schema': 1, 'managedCluster': one}
             for name, one in shapes.snapshots().items()}
    found.update((f'seed {seed}', generate(seed).snapshot(with_metrics=seed % 10 == 0)) for seed in seeds)
    return {name: reduced(one) for name, one in found.items()}


class Renamed:
    """A reduced snapshot under other names, and the way back."""

    def __init__(self, snapshot):
        replacements = Replacements(snapshot)
        self.snapshot = changed(snapshot, replacements.of)
        self.originals = {original: other for table in (
            replacements.names, replacements.subscriptions, replacements.addresses, replacements.networks)
            for original, other in table.items() if other.lower() != original}
        self._back = {other.lower(): original for original, other in self.originals.items()}
        longest_first = sorted(map(re.escape, self._back), key=len, reverse=True)
        self._others = re.compile(rf"(?<![\w.])({'|'.join(longest_first)})(?!\w)")

    def back(self, text):
        """`text`, in lower case, with the names of the original."""
        return self._others.sub(lambda found: self._back[found[1]], text.lower())

    @property
    def survivors(self):
        """Originals that are still there, as whole words."""
        text = json.dumps(self.snapshot, ensure_ascii=False).lower()
        telling = (one for one in self.originals if len(one) > 2 and not one.isdigit() and one not in WORDS)
        return [one for one in telling if re.search(rf'(?<![\w.]){re.escape(one)}(?![\w.])', text)]


def unquoted(text):
    """Names of one kind need quotes in a shell, others do not."""
    return text.lower().replace("'", '')


def spelt_out(results):
    """Without fragments of code, whose labels are made of names by rules of their own."""
    for result in results.values():
        if isinstance(result, dict):
            result.pop('fragments', None)
    return results


def test_it_decides_the_same_and_names_nothing():
    for name, snapshot in snapshots(range(60)).items():
        renamed = Renamed(snapshot)
        assert renamed.snapshot == anonymized(snapshot) and renamed.survivors == [], name
        before, after = (spelt_out(answers(one)) for one in (snapshot, renamed.snapshot))
        for command, result in before.items():
            told = json.dumps(after[command], ensure_ascii=False)
            assert unquoted(renamed.back(told)) == unquoted(json.dumps(result, ensure_ascii=False)), (name, command)


def test_the_replacements_are_told_apart_and_stable():
    for name, snapshot in snapshots(range(60, 80)).items():
        renamed = Renamed(snapshot)
        assert len({other.lower() for other in renamed.originals.values()}) == len(renamed.originals), name
        assert anonymized(snapshot) == renamed.snapshot, name
        again = Renamed(renamed.snapshot)  # replacements of replacements are others once more
        assert not set(again.originals) & {other.lower() for other in again.originals.values()}, name


def test_case_makes_no_difference():
    cluster = body(**own_ips(1))
    addresses = [{'id': ip_ids(1)[0].upper(), 'properties': {'ipAddress': '20.1.2.3'}}]
    found = parse_observed(anonymized(reduced({'schema': 1, 'managedCluster': cluster,
                                               'publicIpAddresses': addresses})))
    assert found.public_ip(found.cluster.profile.outbound_ips[0]).ip_address == '192.0.2.100'


def test_names_that_mean_something_stay():
    balancer = '/subscriptions/s/resourceGroups/mc/providers/Microsoft.Network/loadBalancers/kubernetes'
    renamed = anonymized({'loadBalancer': {'id': balancer, 'name': 'kubernetes', 'properties': {
        'frontendIPConfigurations': [{'id': f'{balancer}/frontendIPConfigurations/web-IPv6', 'name': 'web-ipv6'}],
        'outboundRules': [{'id': f'{balancer}/outboundRules/{name}', 'name': name}
                          for name in ('aksOutboundRule', 'aksOutboundRule-ipv6', 'aksOutboundRuleMine', 'other')],
        'backendAddressPools': [{'name': name} for name in ('AksOutboundBackendPool', 'kubernetes', 'kubernetes-IPv6')],
    }}})['loadBalancer']
    inner = renamed['properties']
    assert renamed['id'] == ('/subscriptions/00000000-0000-0000-0000-000000000001/resourceGroups/group1/providers/'
                             'Microsoft.Network/loadBalancers/kubernetes')
    frontend, = inner['frontendIPConfigurations']
    assert frontend['name'] == 'frontend1-ipv6' and frontend['id'].endswith('/frontendIPConfigurations/frontend1-ipv6')
    assert [rule['name'] for rule in inner['outboundRules']] == [
        'aksOutboundRule', 'aksOutboundRule-ipv6', 'aksOutboundRule-name1', 'name2']
    assert [one['name'] for one in inner['backendAddressPools']] == [
        'aksOutboundBackendPool', 'kubernetes', 'kubernetes-ipv6']


def test_pools_keep_their_order_and_get_names_that_aks_takes():
    names = ['web', 'Web', 'batch', 'win', 'a' * 12, *(f'p{number}' for number in range(60))]
    for kept in (names[:5], names):
        renamed = anonymized(reduced({'managedCluster': body([pool(name) for name in kept])}))
        new = [one['name'] for one in renamed['managedCluster']['properties']['agentPoolProfiles']]
        assert all(re.match(r'[a-z][a-z0-9]{0,5}\Z', name) for name in new)
        places = range(len(kept))
        assert sorted(places, key=[name.lower() for name in kept].__getitem__) == sorted(places, key=new.__getitem__)


def test_addresses_keep_their_family_their_range_and_their_order():
    private = [f'10.{number // 250}.{number % 250}.4' for number in range(700)] + ['172.16.0.4', '192.168.1.1']
    public = [f'20.{number // 250}.{number % 250}.4' for number in range(700)] + ['198.51.100.101']
    others = ['fd12::4', 'fd12::5', '2603:1020::1', '2603:1020:5::1']
    given = private + public + others
    renamed = anonymized({'publicIpAddresses': [{'properties': {'ipAddress': one}} for one in given]})
    new = [one['properties']['ipAddress'] for one in renamed['publicIpAddresses']]
    assert len(set(new)) == len(given) and not set(new) & set(given)
    for these, networks in ((private, ['10.0.0.0/8']), (others[:2], ['fd00::/8']), (others[2:], ['2001:db8::/32']),
                            (public, ['192.0.2.0/24', '198.51.100.0/24', '203.0.113.0/24', '240.0.0.0/4'])):
        those = [new[given.index(one)] for one in these]
        assert all(any(ipaddress.ip_address(one) in ipaddress.ip_network(network) for network in networks)
                   for one in those)
        assert sorted(these) == [one for _, one in sorted(zip(those, these))]


@pytest.mark.parametrize('given, within', [
    ('10.244.0.0/16', '10.0.0.0/8'), ('10.0.0.0/16', '10.0.0.0/8'), ('192.168.4.0/24', '10.0.0.0/8'),
    ('20.1.2.0/28', '203.0.113.0/24'), ('20.0.0.0/12', '240.0.0.0/4'), ('fd00:244::/64', 'fd00::/8'),
    ('2603:1020::/64', '2001:db8::/32')])
def test_networks_keep_their_length_and_their_range(given, within):
    cluster = {'properties': {'networkProfile': {'podCidr': given, 'podCidrs': [given, given.upper(), '10.9.0.0/16']}}}
    network = anonymized({'managedCluster': cluster})['managedCluster']['properties']['networkProfile']
    first, second, third = map(ipaddress.ip_network, network['podCidrs'])
    assert network['podCidr'] == str(first) == str(second) != str(third)
    assert first.subnet_of(ipaddress.ip_network(within)) and str(first) != given
    assert first.prefixlen == ipaddress.ip_network(given).prefixlen


def test_dimensions_of_metrics_are_the_addresses_of_elsewhere():
    def dimension(name, value):
        return {'name': {'value': name}, 'value': value}
    renamed = anonymized({
        'publicIpAddresses': [{'properties': {'ipAddress': '20.1.2.3'}}],
        'metrics': [{'query': {'$filter': "BackendIPAddress eq '10.224.0.4' or BackendIPAddress eq '10.224.0.5' and "
                                          "ProtocolType eq '*'"},
                     'response': {'value': [{'timeseries': [{'metadatavalues': [
                         dimension('frontendipaddress', '20.1.2.3'), dimension('backendipaddress', '10.224.0.5'),
                         dimension('protocoltype', '6'), dimension('connectionstate', 'Failed'),
                         dimension('name', 'shop-prod')], 'data': [{'average': 3}]}]}]}}]})
    metrics, = renamed['metrics']
    series = metrics['response']['value'][0]['timeseries'][0]
    values = [one['value'] for one in series['metadatavalues']]
    assert values == [renamed['publicIpAddresses'][0]['properties']['ipAddress'], '10.100.100.101', '6', 'Failed',
                      'name1']
    assert metrics['query']['$filter'] == ("BackendIPAddress eq '10.100.100.100' or BackendIPAddress eq "
                                           "'10.100.100.101' and ProtocolType eq '*'")
    assert series['data'] == [{'average': 3}]


def test_a_network_keeps_what_decides_where_packets_leave():
    """The default route and its halves, next hops in private ranges, and the subnet that AKS names."""
    hops = [('0.0.0.0/0', 'VirtualAppliance', '10.9.0.4'), ('0.0.0.0/1', 'Internet'), ('128.0.0.0/1', 'None'),
            ('20.5.6.7/32', 'Internet')]
    renamed = anonymized(reduced({'subnets': [subnet(MANAGED_SUBNET, gateway_id('shop')),
                                              subnet(subnet_id(), None, table_id())],
                                  'routeTables': [routes(*hops)], 'natGateways': [gateway(ip_ids(1)[0], name='shop')]}))
    first, second = renamed['subnets']
    assert first['id'].endswith('/virtualNetworks/network1/subnets/aks-subnet')
    assert first['properties']['natGateway']['id'] == renamed['natGateways'][0]['id'] != gateway_id('shop')
    assert second['properties']['routeTable']['id'] == renamed['routeTables'][0]['id'] != table_id()
    found = [one['properties'] for one in renamed['routeTables'][0]['properties']['routes']]
    assert [one['addressPrefix'] for one in found[:3]] == ['0.0.0.0/0', '0.0.0.0/1', '128.0.0.0/1']
    assert found[3]['addressPrefix'] not in ('20.5.6.7/32', '0.0.0.0/0')
    assert found[0]['nextHopIpAddress'].startswith('10.') and '10.9.0.4' not in json.dumps(renamed)


def test_a_name_that_is_taken_stays_taken():
    """Of what is proposed for new public IPs."""
    collection = ip_ids(1)[0].rpartition('/')[0]
    snapshot = reduced({'schema': 1, 'managedCluster': body(**own_ips(1)), 'lists': [
        {'resourceId': collection, 'names': ['own0', 'aks1-outbound-1', 'AKS1-outbound-3', 'other-outbound-2']}]})
    assert anonymized(snapshot)['lists'][0]['names'] == ['ip1', 'cluster1-outbound-1', 'cluster1-outbound-3', 'name1']


@pytest.mark.parametrize('resource_id', ['shop', 'shop/prod', '/shop', '/subscriptions/shop/Shop-shop/shop',
                                         '/subscriptions/shop/resourceGroups/shop/providers/shop/shop.x/shop/shop'])
def test_what_is_no_id_of_azures_tells_nothing_either(resource_id):
    renamed = anonymized({'errors': [{'resourceId': resource_id, 'code': 'X', 'message': 'shop'}]})
    assert 'shop' not in json.dumps(renamed['errors'][0]).lower().replace('/shop/', '')
    assert renamed['errors'][0]['message'] is None
    assert observe(body(**managed()), **renamed).errors[0].code == 'X'
