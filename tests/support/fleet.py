"""Fleets for tests of `az aks lb list`: clusters of every kind in the stand-in, and thousands made from the same."""
import gc
import itertools
import json

from tests.azure import ABSENT, SUBSCRIPTION, StandIn, pool
from tests.azure import ids
from tests.azure.graph import SUPPORTED_TYPES, row_of

#: How a kind of cluster is built: the name, and what `add_cluster` gets.
KINDS = {
    'healthy': {'pools': [pool(count=3)], 'managed': 2, 'ports': 4000},
    'overcommitted': {'pools': [pool(), pool('batch', 5, max_count=40, mode='User')], 'ports': 2048},
    'surge': {'pools': [pool(count=32, max_surge='33%')], 'ports': 2000},
    'automatic': {'pools': [pool('system', 45, max_count=120)]},
    'two-ips': {'pools': [pool(count=60)], 'managed': 2},
    'dual': {'dual_stack': True, 'ports': 10000},
    'nat': {'outbound_type': 'managedNATGateway'},
    'routed': {'outbound_type': 'userDefinedRouting'},
    'basic': {'sku': 'Basic'},
    'stopped': {'powerState': {'code': 'Stopped'}},
    'failed': {'provisioningState': 'Failed', 'ports': 1024},
    'node-ip': {'backend_pool_type': 'nodeIP', 'ports': 1024},
    'provisioned': {'extra_nodes': 7, 'nodeProvisioningProfile': {'mode': 'Auto'}},
    'machines': {'pools': [pool(count=None, kind='VirtualMachines', virtualMachinesProfile={
        'scale': {'manual': [{'size': 'a', 'count': 3}], 'autoscale': {'minCount': 1, 'maxCount': 6}}})]},
    'no-pools': {'agentPoolProfiles': ABSENT, 'nodeProvisioningProfile': {'mode': 'Auto'}},
    'short-timeout': {'idle': 4, 'ports': 1024},
}

#: Kinds with own addresses: how many public IPs, prefix lengths.
OWN_KINDS = {'own-ips': (2, ()), 'prefixes': (0, (30, 31)), 'mixed': (1, (31,))}


def add_kind(arm, kind, name=None, group='rg1', subscription=SUBSCRIPTION):
    """Add a cluster of `kind`; returns its id."""
    name = name or kind
    if kind in KINDS:
        return arm.add_cluster(name, group, subscription, **KINDS[kind])
    ips, lengths = OWN_KINDS[kind]
    return arm.add_cluster(
        name, group, subscription, ports=8000,
        outbound_ips=[arm.add_public_ip(f'{name}-ip{index}', group, subscription) for index in range(ips)],
        outbound_ip_prefixes=[arm.add_public_ip_prefix(f'{name}-prefix{index}', length, group, subscription)
                              for index, length in enumerate(lengths)])


def all_kinds(arm):
    """One cluster of each kind, and some that are in no order: {name: id}."""
    ids = {kind: add_kind(arm, kind) for kind in [*KINDS, *OWN_KINDS]}
    ids['shared'] = arm.add_cluster('shared', managed=2, ports=4000)
    arm.add_service(ids['shared'], shared_frontend=True)
    ids['services'] = arm.add_cluster('services', ports=1024)
    for index in range(20):
        arm.add_service(ids['services'], ports=range(8000 + 15 * index, 8015 + 15 * index))
    ids['drifted'] = arm.add_cluster('drifted', ports=1024)
    rule = arm.load_balancer(ids['drifted'])['properties']['outboundRules'][0]['properties']
    rule.update(allocatedOutboundPorts=2048, idleTimeoutInMinutes=5, enableTcpReset=False)
    ids['Mixed-Case'] = arm.add_cluster('Mixed-Case', 'RG-Upper', ports=1024)
    return ids


class Fleet:
    """`size` clusters in `subscriptions`, the kinds in turn, as rows of Resource Graph made while they are asked for.

    `kinds` are the names in turn; `kind_of(name)` tells that of a cluster.
    """

    def __init__(self, size, subscriptions=40, kinds=(*KINDS, *OWN_KINDS)):
        self.size = size
        self.kinds = kinds
        self.subscriptions = [f'{index:08d}-0000-4000-8000-000000000000' for index in range(1, subscriptions + 1)]
        with StandIn() as arm:
            self._templates = []
            for kind in kinds:
                add_kind(arm, kind, 'NAME-0000', 'GROUP-00')
                rows = [row_of(body) for body in arm.resources.values() if ids.parse(body['id'])]
                self._templates.append(json.dumps([row for row in rows if row['type'] in SUPPORTED_TYPES]))
                arm.reset()

    def kind_of(self, name):
        return self.kinds[int(name.rsplit('-', 1)[1]) % len(self.kinds)]

    def cluster(self, index):
        """(name, resource group, subscription) of cluster number `index`."""
        return f'aks-{index:05d}', f'rg-{index % 7}', self.subscriptions[index % len(self.subscriptions)]

    def rows(self):
        """The rows of all resources."""
        return itertools.chain.from_iterable(map(self._rows_of, range(self.size)))

    def remember(self):
        """Make the rows now, so that a measured command does not wait for them."""
        kept = list(self.rows())
        gc.freeze()  # else the collector walks through all of it, again and again, while a command is measured
        self.rows = lambda: kept
        return self

    def _rows_of(self, index):
        name, group, subscription = self.cluster(index)
        text = self._templates[index % len(self.kinds)]
        for old, new in (('NAME-0000', name), ('GROUP-00', group), ('group-00', group), (SUBSCRIPTION, subscription),
                         ('name-0000', name)):
            text = text.replace(old, new)
        return json.loads(text)

    def serve(self, arm):
        """Let the stand-in answer with this fleet, and list its subscriptions."""
        arm.graph.rows = self.rows
        arm.route('GET', '/subscriptions/?', lambda request: (200, {'value': [
            {'id': f'/subscriptions/{one}', 'subscriptionId': one, 'displayName': one, 'state': 'Enabled'}
            for one in self.subscriptions if one not in arm.graph.unreadable]}, None))
        return self
