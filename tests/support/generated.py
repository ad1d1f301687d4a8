"""Clusters by chance, one for each seed: all ways of outbound traffic, whole or with something wrong.

`generate(seed)` builds a cluster on the in-process Azure of `tests.support.oracle`, puts wrong what can be wrong, and
draws what a user might type. The same seed is the same cluster on every run.
"""
import json
import random
from functools import lru_cache

from tests.azure import OTHER_SUBSCRIPTION, SUBSCRIPTION, aks_rules, ids, pool
from tests.azure.balancer import IPV6_SUFFIX, Balancer
from tests.support.asking import Asked
from tests.support.oracle import Azure
from tests.support.workload import IDLE, UDP, Traffic, Workload, addresses, diurnal, simulate, steady, window

VERSIONS = ('1.26.6', '1.30.9', '1.31.9', '1.32.0', '1.33.2', '1.34.1')
OTHER_TYPES = ('userDefinedRouting', 'managedNATGateway', 'userAssignedNATGateway', 'none', 'block', 'someNewType')
PORTS = (8, 64, 128, 256, 504, 512, 1000, 1024, 2000, 2048, 4000, 8000, 16000, 32000, 64000)
INVALID_PORTS = (4, 1001, 2044, 64008, 70000)
IDLE_TIMEOUTS = (4, 10, 30, 30, 60, 100)
INVALID_IDLE_TIMEOUTS = (3, 121)
ARM_ONLY_IDLE_TIMEOUTS = (101, 120)  # ARM takes them, `az` cannot set them
_KINDS_OF_IPS = ('managedOutboundIPs', 'outboundIPs', 'outboundIPPrefixes')
NETWORK = 'network'  # the resource group of own addresses


class World:
    """A cluster as Azure has it, and how it is looked at.

    azure, cluster   the in-process Azure, and the cluster's id
    options          load balancer and scale options as handlers take them, {} for none
    metrics          what a snapshot holds of metrics; None where the cluster has no SNAT ports
    unreadable       ids (in lower case) that answer 403
    way              where its packets leave; None where that was not read
    bare             only the cluster itself was read, as with a file that `az aks show` has printed
    """

    def __init__(self, seed):
        self.seed = seed
        self.azure = Azure()
        self.cluster = None
        self.options = {}
        self.metrics = None
        self.unreadable = set()
        self.way = None
        self.bare = False
        self.listed = True

    @property
    def body(self):
        """The stored body of the cluster."""
        return self.azure.resources[self.cluster.lower()]

    @property
    def network(self):
        """Its network profile."""
        return self.body['properties']['networkProfile']

    @property
    def profile(self):
        """Its load balancer profile."""
        return self.network.get('loadBalancerProfile') or {}

    @property
    def on_load_balancer(self):
        """Whether SNAT ports of a Standard load balancer are what its egress uses."""
        return aks_rules.by_load_balancer(self.network)

    @property
    def own_ids(self):
        """The ids of own IPs and prefixes in its profile."""
        _, _, own, prefixes = aks_rules.wanted(self.profile) if self.on_load_balancer else (0, 0, [], [])
        return own + prefixes

    @property
    def ip_count_is_known(self):
        """Whether the length of every prefix was read."""
        prefixes = [one for one in self.own_ids if '/publicipprefixes/' in one.lower()]
        prefixes += self.options.get('outbound_ip_prefixes', ())
        return not any(self.bare or one.lower() in self.unreadable for one in prefixes)

    @property
    def balancer_was_read(self):
        """Whether a snapshot holds the load balancer."""
        return not self.bare and aks_rules.load_balancer_id(self.body).lower() not in self.unreadable

    def fork(self):
        """The same on an Azure of its own."""
        other = World(self.seed)
        other.__dict__.update(self.__dict__, azure=self.azure.fork())
        return other

    def snapshot(self, with_metrics=False, options=None):
        """What a read of the cluster brings; what is typed may name addresses, too."""
        options = self.options if options is None else options
        cluster = self.azure.get(self.cluster)
        if self.bare:
            return {'schema': 1, 'managedCluster': cluster, **self._metrics(with_metrics)}
        errors = []
        own_ids = dict.fromkeys([*self.own_ids, *options.get('outbound_ips', ()),
                                 *options.get('outbound_ip_prefixes', ())])
        own = [self._read(one, errors) for one in own_ids]
        own += [one for one in self._made() if one['id'].lower() not in map(str.lower, own_ids)]
        balancer = self._read(aks_rules.load_balancer_id(cluster), errors)
        return {'schema': 2, 'managedCluster': cluster, 'loadBalancer': balancer, 'errors': errors, **self._network(),
                'publicIpAddresses': [one for one in own if one and 'prefixLength' not in one['properties']],
                'publicIpPrefixes': [one for one in own if one and 'prefixLength' in one['properties']],
                'lists': self._lists() if self.listed and own_ids else [], **self._metrics(with_metrics)}

    def _made(self):
        """The public IPs that AKS made, where they were read."""
        return [json.loads(json.dumps(body)) for body in self.azure.resources.values()
                if self.way is not None and 'aks-managed-type' in (body.get('tags') or {})]

    def _network(self):
        """What decides where packets leave, where it was read."""
        def bodies(kind):
            return [json.loads(json.dumps(body)) for key, body in self.azure.resources.items() if f'/{kind}/' in key]
        if self.way is None:
            return {}
        return {'subnets': [one for body in bodies('virtualnetworks') for one in body['properties']['subnets']],
                'routeTables': bodies('routetables'), 'natGateways': bodies('natgateways')}

    def _read(self, resource_id, errors):
        body = self.azure.get(resource_id)
        if resource_id.lower() in self.unreadable:
            errors.append({'resourceId': resource_id, 'status': 403, 'code': 'AuthorizationFailed', 'message': 'No.'})
            return None
        if body is None:
            errors.append({'resourceId': resource_id, 'status': 404, 'code': 'ResourceNotFound', 'message': 'No.'})
        return body

    def _lists(self):
        names = {}
        for key, body in self.azure.resources.items():
            if f'/resourcegroups/{NETWORK}/' in key and '/publicip' in key:
                names.setdefault(key.rsplit('/', 1)[0], []).append(body['name'])
        return [{'resourceId': collection, 'names': sorted(found)} for collection, found in sorted(names.items())]

    def _metrics(self, wanted):
        return {'metrics': self.metrics} if wanted and self.metrics is not None else {}


def generate(seed):
    """The world of that seed."""
    return _Generator(seed).world


class _Generator:
    """Draws one world, step by step: each step finds the cluster whole, and puts something on it."""

    def __init__(self, seed):
        self.chance = random.Random(seed)
        self.world = World(seed)
        self.azure = self.world.azure
        self.shared_rules = False
        self._cluster()
        if self.world.on_load_balancer:
            self._ports_and_timeout()
        self._extra_nodes()
        self.azure.reconcile(self.world.cluster)
        self._services()
        self._state()
        if self.world.on_load_balancer:
            self._reading()
            self._own_address_faults()
            self._drift()
            self.world.metrics = self._metrics()
        self.world.options = self._options()
        self._way()

    def _way(self):
        """What is on the subnet of the network that AKS made."""
        self.world.way = self.chance.choices((None, 'aks', 'gateway', 'firewall', 'nowhere'), (30, 50, 9, 8, 3))[0]
        subnet = self.azure.managed_subnet(self.world.cluster)
        if self.world.way == 'gateway':
            self.azure.join(subnet, self.azure.add_nat_gateway(self.azure.add_public_ip('nat-out', NETWORK)))
        elif self.world.way in ('firewall', 'nowhere'):
            hop = ('VirtualAppliance', '10.0.0.4') if self.world.way == 'firewall' else ('None',)
            self.azure.join(subnet, table=self.azure.add_route_table(('0.0.0.0/0', *hop)))

    def often(self, percent):
        """True so many times out of a hundred."""
        return self.chance.randrange(100) < percent

    # the cluster

    def _cluster(self):
        chance = self.chance
        kind = chance.choices(('managed', 'own', 'prefixes', 'mixed', 'other', 'basic'), (45, 20, 13, 9, 9, 4))[0]
        given = {'pools': self._pools(), 'version': chance.choice(VERSIONS),
                 'backend_pool_type': 'nodeIP' if self.often(10) else 'nodeIPConfiguration'}
        if kind in ('managed', 'own') and self.often(25):
            given.update(dual_stack=True, managed_ipv6=chance.choice((1, 1, 2, 3)))
        number = chance.choice((1, 1, 1, 2, 2, 3, 4, 7, 12))
        if kind == 'managed':
            given.update(managed=number)
        elif kind in ('own', 'mixed'):
            given.update(outbound_ips=self._ips('own', number, ipv6=given.get('dual_stack')))
        elif kind == 'prefixes':
            given.update(outbound_ip_prefixes=self._prefixes('prefix', min(number, 3)))
        elif kind == 'basic':
            given.update(sku='Basic')
        else:
            given.update(outbound_type=chance.choice(OTHER_TYPES))
        self.world.cluster = self.azure.add_cluster(**given)
        if kind == 'mixed':
            self._mix()
        elif kind == 'managed' and self.often(6):
            self._odd_managed()
        elif kind == 'other' and self.often(40):  # a stale profile
            self.world.network['loadBalancerProfile'].update(managedOutboundIPs={'count': 2},
                                                             allocatedOutboundPorts=1024, idleTimeoutInMinutes=30)

    def _pools(self):
        return [self._pool(index) for index in range(self.chance.choice((1, 1, 2, 2, 3, 4)))]

    def _pool(self, index):
        chance = self.chance
        count = chance.choice((1, 1, 2, 2, 3, 3, 3, 5, 5, 8, 12, 20, chance.randint(1, 60), 0 if index else 1))
        more = {'max_surge': chance.choice((None, None, '1', '10%', '33%', '100%', '5', '0'))}
        if self.often(45):
            more.update(max_count=chance.choice((3, 10, 40, 48, 100, chance.randint(1, 250), 250, 900)),
                        min_count=0)
        if index:
            more.update(mode=chance.choice(('User', 'User', 'User', 'Gateway')),
                        priority=chance.choice((None, None, 'Spot')))
            if self.often(8):
                more.update(powerState={'code': 'Stopped'})
        if self.often(4):
            more.update(enableNodePublicIP=True)
        if self.often(3):
            more.update(upgradeStrategy='BlueGreen')
        if self.often(7):
            scale = {'manual': [{'size': 'Standard_D4s_v5', 'count': chance.randint(1, 9)}],
                     'autoscale': [{'minCount': 1, 'maxCount': chance.randint(1, 60)}] if self.often(50) else []}
            return pool(f'pool{index}', None, kind='VirtualMachines', virtualMachinesProfile={'scale': scale},
                        **{key: value for key, value in more.items() if key not in ('max_count', 'min_count')})
        return pool(f'pool{index}', count, **more)

    def _ips(self, stem, number, ipv6=False):
        found = [self.azure.add_public_ip(f'{stem}{index}', NETWORK) for index in range(number)]
        if ipv6:
            name = f"{stem}{self.chance.choice((IPV6_SUFFIX, 'six'))}"  # the user's own, whatever AKS would call it
            found.append(self.azure.add_public_ip(name, NETWORK, version='IPv6'))
        return found

    def _prefixes(self, stem, number):
        return [self.azure.add_public_ip_prefix(f'{stem}{index}', self.chance.choice((31, 31, 30, 29, 28)), NETWORK)
                for index in range(number)]

    def _mix(self):
        """Several kinds of outbound IPs at once."""
        if self.often(70):
            self.world.profile['managedOutboundIPs'] = {'count': self.chance.choice((1, 1, 2, 3))}
        else:
            self.world.profile['outboundIPPrefixes'] = {
                'publicIPPrefixes': [{'id': one} for one in self._prefixes('prefix', 1)]}

    def _odd_managed(self):
        """A profile that names no kind of outbound IPs, or a number of them that AKS refuses."""
        if self.often(60) and 'IPv6' not in self.world.network['ipFamilies']:
            del self.world.profile['managedOutboundIPs']
        else:
            self.world.profile['managedOutboundIPs']['count'] = self.chance.choice((0, 0, 101))

    def _ports_and_timeout(self):
        chance, profile = self.chance, self.world.profile
        ports = chance.choices((None, 0, chance.choice(PORTS), self._at_the_limit(), chance.choice(INVALID_PORTS)),
                               (18, 12, 40, 26, 4))[0]
        idle = chance.choices((None, chance.choice(IDLE_TIMEOUTS), chance.choice(ARM_ONLY_IDLE_TIMEOUTS),
                               chance.choice(INVALID_IDLE_TIMEOUTS)), (40, 52, 4, 4))[0]
        if ports is not None or idle is not None:
            profile.update(allocatedOutboundPorts=ports or 0, idleTimeoutInMinutes=idle or 30)

    def _at_the_limit(self):
        """The most ports that AKS takes on these IPs, or the next number above."""
        nodes = aks_rules.validated_nodes(self.world.body['properties'])
        available = 64000 * aks_rules.ipv4_addresses(self.world.profile, self.azure.resources)
        return max(8, min(64000, available // max(1, nodes) // 8 * 8 + self.chance.choice((-8, 0, 0, 8))))

    def _extra_nodes(self):
        if self.often(14):  # live nodes that no pool shows
            self.azure.aks.extra_nodes[self.world.cluster.lower()] = self.chance.choice((1, 5, 20, 20, 60))
            if self.often(60):
                self.world.body['properties']['nodeProvisioningProfile'] = {'mode': 'Auto'}

    def _services(self):
        balancer = self.azure.load_balancer(self.world.cluster)
        if self.world.on_load_balancer and balancer and balancer['properties']['outboundRules'] and self.often(18):
            self.shared_rules = self.often(70)
            self.azure.add_service(self.world.cluster, range(8000, 8000 + self.chance.choice((1, 2, 8, 30))),
                                   shared_frontend=self.shared_rules)

    def _state(self):
        properties = self.world.body['properties']
        if self.often(5):
            properties['powerState'] = {'code': 'Stopped'}
        if self.often(7):
            properties['provisioningState'] = self.chance.choice(('Updating', 'Failed', 'Canceled', 'Upgrading'))
        if self.often(5) and properties['agentPoolProfiles']:
            properties['agentPoolProfiles'][-1]['provisioningState'] = self.chance.choice(('Updating', 'Failed'))

    # how it is looked at, and what is wrong

    def _reading(self):
        chance, world = self.chance, self.world
        own = world.own_ids
        # Unread they count as IPv4: nobody could know better.
        ipv6 = [one for one in own
                if self.azure.resources[one.lower()]['properties'].get('publicIPAddressVersion') == 'IPv6']
        world.listed = self.often(75)
        shared = self.shared_rules  # who cannot read the load balancer does not know of them
        if self.often(6) and not ipv6 and not shared:
            world.bare = True
        elif self.often(6) and not shared:
            world.unreadable.add(aks_rules.load_balancer_id(world.body).lower())
        if own and not world.bare and self.often(10):
            world.unreadable.add(chance.choice([one for one in own if one not in ipv6]).lower())

    def _own_address_faults(self):
        own = self.world.own_ids
        if self.world.bare or not own or not self.often(30):
            return
        chosen = self.chance.choice(own).lower()
        if chosen in self.world.unreadable:
            return  # what cannot be read is whole, for the same reason
        body = self.azure.resources[chosen]
        fault = self.chance.choice(('missing', 'missing', 'basic', 'region', 'attached', 'made by aks', 'subscription',
                                    'dynamic'))
        if fault == 'missing':
            self.azure.remove(chosen)
            if self.often(50) and not self._mixed():
                self._out_of_force(chosen)
        elif fault == 'basic':
            body['sku'] = {'name': 'Basic', 'tier': 'Regional'}
        elif fault == 'region':
            body['location'] = 'eastus'
        elif fault == 'attached':
            key = 'ipConfiguration' if '/publicipaddresses/' in chosen else 'loadBalancerFrontendIpConfiguration'
            body['properties'][key] = {'id': f'{ids.group_id(SUBSCRIPTION, "other")}/providers/Microsoft.Network/'
                                             'loadBalancers/other/frontendIPConfigurations/one'}
        elif fault == 'made by aks':
            body['tags'] = {'aks-managed-type': 'aks-slb-managed-outbound-ip'}
        elif fault == 'subscription' and not self._mixed():
            self._move_to_other_subscription(chosen)
        else:
            body['properties']['publicIPAllocationMethod'] = 'Dynamic'

    def _move_to_other_subscription(self, resource_id):
        """The own IP or prefix is one of another subscription from the start, and never came into force."""
        body = self.azure.resources.pop(resource_id)
        old = body['id']
        body['id'] = old.replace(SUBSCRIPTION, OTHER_SUBSCRIPTION)
        self.azure.add_resource_group(NETWORK, OTHER_SUBSCRIPTION)
        body['properties'].pop('ipConfiguration', None)
        body['properties'].pop('loadBalancerFrontendIpConfiguration', None)
        self.azure.put(body)
        self._out_of_force(resource_id)
        for kind, key in (('outboundIPs', 'publicIPs'), ('outboundIPPrefixes', 'publicIPPrefixes')):
            for reference in (self.world.profile.get(kind) or {}).get(key, ()):
                if reference['id'] == old:
                    reference['id'] = body['id']

    def _out_of_force(self, resource_id):
        """Neither the load balancer nor the effective IPs know it."""
        profile = self.world.profile
        profile['effectiveOutboundIPs'] = [one for one in profile['effectiveOutboundIPs']
                                           if one['id'].lower() != resource_id]
        balancer = self.azure.load_balancer(self.world.cluster)
        inner = balancer['properties']
        gone = {one['id'] for one in inner['frontendIPConfigurations']
                if f'{resource_id}"' in json.dumps(one['properties']).lower()}
        inner['frontendIPConfigurations'] = [one for one in inner['frontendIPConfigurations'] if one['id'] not in gone]
        for rule in inner['outboundRules']:
            rule['properties']['frontendIPConfigurations'] = [
                one for one in rule['properties']['frontendIPConfigurations'] if one['id'] not in gone]

    def _mixed(self):
        """Of several kinds of IPs those in force count; how AKS counts them where some are not, nobody knows."""
        return sum(bool(self.world.profile.get(kind)) for kind in _KINDS_OF_IPS) > 1

    def _drift(self):
        """The load balancer was edited behind AKS's back."""
        body = self.azure.load_balancer(self.world.cluster)
        if body is None or not body['properties']['outboundRules'] or not self.often(28):
            return
        rule = body['properties']['outboundRules'][0]['properties']
        kind = self.chance.choice(('ports', 'ports', 'ports', 'idle', 'both', 'reset', 'foreign',
                                   *(() if self._mixed() else ('frontends', 'profile'))))
        if kind in ('ports', 'both'):
            rule['allocatedOutboundPorts'] = self.chance.choice((0, *PORTS))
        if kind in ('idle', 'both'):
            rule['idleTimeoutInMinutes'] = self.chance.choice(IDLE_TIMEOUTS + ARM_ONLY_IDLE_TIMEOUTS)
        if kind == 'reset':
            rule['enableTcpReset'] = False
        if kind == 'frontends' and not self.shared_rules:
            del rule['frontendIPConfigurations'][-1:]
        if kind == 'foreign':
            balancer = Balancer.over(body)
            address = self.azure.add_public_ip('foreign', NETWORK)
            balancer.add_outbound_rule('-mine', [balancer.add_frontend('foreign', 'publicIPAddress', address)], 512, 4)
            body['properties']['outboundRules'][-1]['name'] = 'mine'
        if kind == 'profile':
            self.world.profile['effectiveOutboundIPs'] = self.world.profile['effectiveOutboundIPs'][:-1]

    # metrics

    def _metrics(self):
        """Of the ports that nodes have, or of others; a snapshot may hold none that say anything."""
        kind = self.chance.choice((*KINDS, 'saturated', 'failing')) if self.often(45) else 'none'
        if kind == 'none':
            return []
        balancer = self.azure.load_balancer(self.world.cluster)
        rules = balancer['properties']['outboundRules'] if balancer else ()
        ports = rules[0]['properties']['allocatedOutboundPorts'] if rules else 0
        ports = ports or self.chance.choice((256, 512, 1024))
        if self.often(10):
            ports = self.chance.choice((128, 1024, 4000))
        return measured(kind, min(MEASURED_PORTS, key=lambda one: (abs(one - ports), one)))

    # what is typed

    def _options(self):
        chance = self.chance
        options = {}
        if self.often(35):
            options.update(node_count=chance.choice((1, 30, 60, 300)) if self.often(30) else None,
                           max_count=chance.choice((1, 20, 44, 60, 200, 1500)) if self.often(80) else None,
                           max_surge=chance.choice(('0', '1', '5', '33%', '100%')) if self.often(20) else None,
                           kubernetes_version=chance.choice(VERSIONS) if self.often(15) else None)
        if self.world.on_load_balancer and self.often(70):
            if self.often(60):
                options['outbound_ports'] = chance.choice((0, 8, 512, 1024, 2000, 4000, 20000, 64000,
                                                           self._at_the_limit() if self._countable() else 2048))
            if self.often(30):
                options['idle_timeout_in_minutes'] = chance.choice((4, 10, 30, 60, 100))
            if self.often(8):
                options['backend_pool_type'] = chance.choice(('nodeIP', 'nodeIPConfiguration'))
            if self.often(40):
                options.update(self._ip_options())
        elif aks_rules.is_standard(self.world.network) and self.often(50):  # it is an inbound setting
            options['backend_pool_type'] = chance.choice(('nodeIP', 'nodeIPConfiguration'))
        if self.often(25):
            options['allow_decrease'] = True
        return {name: value for name, value in options.items() if value is not None}

    def _countable(self):
        _, _, own, prefixes = aks_rules.wanted(self.world.profile)
        return all(one.lower() in self.azure.resources for one in own + prefixes)

    def _ip_options(self):
        chance = self.chance
        kind = chance.choice(('managed', 'managed', 'ips', 'prefixes', 'ipv6'))
        dual = 'IPv6' in (self.world.network.get('ipFamilies') or ())
        if kind == 'managed':
            return {'managed_outbound_ip_count': chance.choice((1, 1, 2, 3, 5, 10, 100)),
                    'managed_outbound_ipv6_count': chance.choice((1, 2)) if dual and self.often(30) else None}
        if kind == 'ipv6':
            return {'managed_outbound_ipv6_count': chance.choice((1, 2, 3))} if dual else {}
        _, _, own, prefixes = aks_rules.wanted(self.world.profile)
        kept, new = (own, self._ips) if kind == 'ips' else (prefixes, self._prefixes)
        kept = kept[:chance.randint(0, len(kept))] if self.often(30) else kept
        named = tuple(kept) + tuple(new(f'typed-{kind}', chance.choice((0, 1, 1, 2, 4) if kept else (1, 2, 4))))
        if not named:
            return {}
        if self.often(5) and named[-1] not in kept and not self.world.bare:
            self.azure.remove(named[-1])
        return {'outbound_ips' if kind == 'ips' else 'outbound_ip_prefixes': named}


# Metrics: the same few answers serve all clusters.

#: Ports per node that metrics are at hand for.
MEASURED_PORTS = (64, 256, 512, 1024, 2048, 8000)

_DAYS = 1.1
_START = 29_760_480  # minutes since 1970


def _traffic(kind, ports):
    """Connections per minute hold a port for four minutes: a rate of a quarter of the ports takes all of them."""
    full = ports / 4
    return {
        'calm': [Traffic(rate=diurnal(full * .05, full * .2))],
        'busy': [Traffic(rate=diurnal(full * .3, full * .85))],
        'saturated': [Traffic(rate=diurnal(full * .4, full * 1.7))],
        'bursts': [Traffic(rate=window(full * .2, full * 4, 1000, 1006))],
        'idle': [Traffic(rate=steady(ports * .8 / 30), close=IDLE)],
        'udp': [Traffic(rate=diurnal(full * .02, full * .12), protocol=UDP)],
        'failing': [Traffic(rate=steady(full * 1.5))],
    }[kind]


KINDS = ('calm', 'busy', 'saturated', 'bursts', 'idle', 'udp', 'failing')


@lru_cache(maxsize=None)
def measured(kind, ports):
    """What a snapshot keeps of both passes over two nodes with so many ports each; of `failing` only some hours."""
    days = .3 if kind == 'failing' else _DAYS
    minutes = int(days * 1440)
    names = addresses(2)
    nodes = [simulate([Traffic(**{**vars(one), 'rate': _scaled(one.rate, share)}) for one in _traffic(kind, ports)],
                      minutes, ports, 30, seed) for seed, share in enumerate((1, .6))]
    asked = Asked(Workload(_START, dict(zip(names, nodes))), _START + minutes, days)
    return [answer.to_snapshot() for answer in asked.answers]


def _scaled(rate, share):
    return lambda minute: rate(minute) * share
