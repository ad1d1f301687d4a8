"""Clusters for tests of pure decisions: raw ARM bodies, through the one parser."""
from azext_lbplan.facts.ids import parse_id
from azext_lbplan.facts.networks import PREFIX_TYPE, PUBLIC_IP_TYPE
from azext_lbplan.model.observed import parse_observed
from tests.azure.builders import cluster_body, pool

SUBSCRIPTION = '11111111-1111-1111-1111-111111111111'
GROUP = f'/subscriptions/{SUBSCRIPTION}/resourceGroups/rg1/providers/Microsoft.Network'


def ip_ids(number):
    """Ids of `number` own public IPs."""
    return [parse_id(f'{GROUP}/publicIPAddresses/own{index}', PUBLIC_IP_TYPE) for index in range(number)]


def prefix_ids(number):
    """Ids of `number` own prefixes."""
    return [parse_id(f'{GROUP}/publicIPPrefixes/prefix{index}', PREFIX_TYPE) for index in range(number)]


def body(pools=(), version='1.31.3', dual_stack=False, outbound_type='loadBalancer', sku='standard', **profile):
    """A managed cluster; `profile` holds keys of the load balancer profile as ARM spells them."""
    network = {'outboundType': outbound_type, 'loadBalancerSku': sku, 'loadBalancerProfile': profile}
    if dual_stack:
        network['ipFamilies'] = ['IPv4', 'IPv6']
    return cluster_body(SUBSCRIPTION, 'rg1', 'aks1', 'westeurope', version, list(pools) or [pool()], network)


def managed(count=1, ipv6=None):
    """A profile on managed IPs."""
    return {'managedOutboundIPs': {'count': count, **({'countIPv6': ipv6} if ipv6 else {})}}


def own_ips(number):
    """A profile on own public IPs."""
    return {'outboundIPs': {'publicIPs': [{'id': one} for one in ip_ids(number)]}}


def prefixes(number):
    """A profile on own prefixes."""
    return {'outboundIPPrefixes': {'publicIPPrefixes': [{'id': one} for one in prefix_ids(number)]}}


def prefix_bodies(*lengths):
    """Bodies of own prefixes of these lengths."""
    return [{'id': resource_id, 'name': resource_id.rsplit('/', 1)[-1], 'properties': {'prefixLength': length}}
            for resource_id, length in zip(prefix_ids(len(lengths)), lengths)]


def observe(cluster=None, **around):
    """What was read, from a cluster's body and the other keys of a snapshot."""
    return parse_observed({'schema': 1, 'managedCluster': cluster, **around})
