"""What AKS refuses on create and update, with its own words (facts §1, §2).

This is the oracle of the extension's arithmetic: it is written from the facts alone. Error codes without a
quoted body in the facts have the names of the AKS provider's own list (InvalidLoadBalancerProfile...).
"""
from fractions import Fraction
from math import ceil

from tests.azure import ids
from .errors import aks_error, arm_error

PORTS_PER_IP = 64000             # [D] per outbound IPv4 address
MANAGED_IPS = range(1, 101)      # [D]
OWN_IPS = range(1, 601)          # [?] 16 in aks-engine alone; frontends end at 600 [D]
IDLE_MINUTES = range(4, 121)     # [D] ARM's own range
AUTHORIZED_RANGES = 200          # [D]
_PROFILE = 'networkProfile.loadBalancerProfile'
_KINDS = (('managedOutboundIPs', None), ('outboundIPs', 'publicIPs'), ('outboundIPPrefixes', 'publicIPPrefixes'))


# nodes

def maximum(pool):
    """The nodes that a pool may have: its autoscaler's maximum, else its count (facts §2, §3)."""
    if ids.same(pool.get('type'), 'VirtualMachines'):
        return _machines(pool, lambda part: part.get('maxCount') or 0)
    count = pool.get('count') or 0
    return max(count, pool.get('maxCount') or 0) if pool.get('enableAutoScaling') else count


def present(pool):
    """The nodes that a pool has now; a stopped pool has none."""
    if ids.same((pool.get('powerState') or {}).get('code'), 'Stopped'):
        return 0
    if ids.same(pool.get('type'), 'VirtualMachines'):
        return _machines(pool, lambda part: part.get('minCount') or 0)
    return pool.get('count') or 0


def _machines(pool, of_autoscale):
    """VirtualMachines pools keep their sizes apart; `autoscale` is an object or, earlier, an array (facts §9, 8)."""
    scale = (pool.get('virtualMachinesProfile') or {}).get('scale') or {}
    autoscale = scale.get('autoscale') or []
    autoscale = [autoscale] if isinstance(autoscale, dict) else autoscale
    return sum(part.get('count') or 0 for part in scale.get('manual') or []) + sum(map(of_autoscale, autoscale))


def surge(pool):
    """[?] Unset: 10 %, which is the higher of what sources say below Kubernetes 1.32. Percent of the size, rounded up,
    at least 1: all recorded errors agree with that.

    [?] An empty pool surges by none, `maxSurge` 0 by none, an integer above the size by that integer.
    """
    size = maximum(pool)
    if not size:
        return 0
    setting = (pool.get('upgradeSettings') or {}).get('maxSurge')
    if setting in (None, ''):
        setting = '10%'
    if str(setting).endswith('%'):
        return max(1, ceil(Fraction(str(setting)[:-1]) * size / 100))
    return int(setting)


def validated_nodes(properties):
    """N = Σ (maximum + surge) over all pools, Spot pools like the others (facts §2)."""
    return sum(maximum(pool) + surge(pool) for pool in properties.get('agentPoolProfiles') or [])


# outbound IPs

def wanted(profile):
    """-> (managed IPv4 count, managed IPv6 count, own IP ids, prefix ids) that a profile asks for."""
    managed, own, prefixes = (profile.get(kind) for kind, _ in _KINDS)
    own = _references(own, 'publicIPs')
    prefixes = _references(prefixes, 'publicIPPrefixes')
    if managed is None and (own or prefixes):
        return 0, 0, own, prefixes
    managed = managed or {}
    count = managed.get('count')
    return (1 if count is None else count), managed.get('countIPv6') or 0, own, prefixes


def ipv4_addresses(profile, resources):
    """Outbound IPv4 addresses: managed ones by their count, own ones singly, prefixes by their length."""
    count, _, own, prefixes = wanted(profile)
    addresses = [resources[item.lower()]['properties'] for item in own]
    blocks = [resources[item.lower()]['properties'] for item in prefixes]
    return (count + sum(ip.get('publicIPAddressVersion') != 'IPv6' for ip in addresses)
            + sum(2 ** (32 - block['prefixLength']) for block in blocks
                  if block.get('publicIPAddressVersion') != 'IPv6'))


def _references(part, key):
    return [item['id'] for item in (part or {}).get(key) or []]


# the verdict

def is_standard(network):
    return not ids.same(network.get('loadBalancerSku') or 'Standard', 'Basic')


def by_load_balancer(network):
    return ids.same(network.get('outboundType') or 'loadBalancer', 'loadBalancer') and is_standard(network)


def validate(new, old, resources):
    """Raise what AKS would answer to a PUT that turns the cluster `old` (None: there is none) into `new`."""
    _authorized_ranges(new['properties'])
    _outbound_type(new, old, resources)
    network = new['properties'].get('networkProfile') or {}
    profile = network.get('loadBalancerProfile') or {}
    before = ((old or {'properties': {}})['properties'].get('networkProfile') or {}).get('loadBalancerProfile') or {}
    if not by_load_balancer(network):
        _no_profile(network, profile, before)
        return
    _ip_kinds(profile, before)
    _managed(profile)
    _own_addresses(new, profile, resources)
    _own_prefixes(new, profile, resources)
    _idle(profile)
    _ports(new['properties'], profile, resources)


def _authorized_ranges(properties):
    """[D] At most 200, none for private clusters; `0.0.0.0/32` stands alone (facts §1)."""
    access = properties.get('apiServerAccessProfile') or {}
    ranges = access.get('authorizedIPRanges') or []
    if len(ranges) > AUTHORIZED_RANGES or (access.get('enablePrivateCluster') and ranges) or \
            ('0.0.0.0/32' in ranges and len(ranges) > 1):
        raise arm_error(400, 'InvalidParameter', 'The value of parameter apiServerAccessProfile.authorizedIPRanges is '
                        'invalid.')


#: Moves of the outbound type in a virtual network of AKS's; in one of the user's, all among those of _OWN_VNET (facts
#: §1, the tables alone).
_MANAGED_VNET = {'loadBalancer': ('managedNATGateway', 'managedNATGatewayV2', 'none', 'block'),
                 'managedNATGateway': ('managedNATGatewayV2', 'none', 'block'),
                 'none': ('loadBalancer', 'managedNATGatewayV2', 'managedNATGateway', 'block'),
                 'block': ('loadBalancer', 'managedNATGatewayV2', 'managedNATGateway', 'none')}
_OWN_VNET = ('loadBalancer', 'userAssignedNATGateway', 'userDefinedRouting', 'none')


def _outbound_type(new, old, resources):
    """[D] Which move is supported, and what has to be on each subnet before; [?] the codes."""
    types = [((one or {'properties': {}})['properties'].get('networkProfile') or {}).get('outboundType') for one in
             (old, new)]
    if old is None or types[0] == types[1] or types[0] is None:
        return
    subnets = [pool['vnetSubnetID'] for pool in new['properties']['agentPoolProfiles'] if pool.get('vnetSubnetID')]
    possible = _OWN_VNET if subnets else _MANAGED_VNET.get(types[0], ())
    if types[1] not in possible or (subnets and types[0] not in _OWN_VNET):
        raise arm_error(400, 'OutboundTypeMigrationNotSupported', f'A move from {types[0]} to {types[1]} is not '
                        'supported.')
    for subnet_id in subnets:
        _on_subnet(_subnet(subnet_id, resources), types[1], resources)


def _subnet(subnet_id, resources):
    network = resources[subnet_id.lower().rsplit('/subnets/', 1)[0]]
    return next(one for one in network['properties']['subnets'] if ids.same(one['id'], subnet_id))


def _on_subnet(subnet, outbound_type, resources):
    on_it = subnet['properties']
    if outbound_type == 'userAssignedNATGateway' and not on_it.get('natGateway'):
        raise arm_error(400, 'NATGatewayNotAttached', f"No NAT gateway is on subnet {subnet['id']}.")
    table = resources.get(((on_it.get('routeTable') or {}).get('id') or '').lower())
    routes = [route['properties'] for route in (table or {'properties': {}})['properties'].get('routes') or []]
    if outbound_type == 'userDefinedRouting' and not any(
            route['addressPrefix'] == '0.0.0.0/0' and route['nextHopType'] in (
                'VirtualAppliance', 'VirtualNetworkGateway') for route in routes):
        raise arm_error(400, 'RouteTableNotValid', f"No default route is on subnet {subnet['id']}.")


def _settings(profile):
    """A profile without what the service itself puts there."""
    given = {key: value for key, value in profile.items()
             if key not in ('effectiveOutboundIPs', 'backendPoolType') and value not in (None, {}, [])}
    return {**{'allocatedOutboundPorts': 0, 'idleTimeoutInMinutes': 30}, **given}


def validate_sent(sent, new):
    """What is refused for what a request holds, whatever is stored: [O] a load balancer profile with IPs or ports
    beside userDefinedRouting (bicep-registry-modules#5759, azurerm#28541). The pool type alone may stand there."""
    profile = ((sent.get('properties') or {}).get('networkProfile') or {}).get('loadBalancerProfile') or {}
    outbound_type = (new['properties'].get('networkProfile') or {}).get('outboundType')
    if ids.same(outbound_type, 'userDefinedRouting') and any(
            value not in (None, {}, [], 0) for key, value in profile.items() if key != 'backendPoolType'):
        raise aks_error('InvalidUserDefinedRoutingWithLoadBalancerProfile',
                        'UserDefinedRouting and load balancer profile are mutually exclusive.',
                        'networkProfile.loadBalancerProfile')


def _no_profile(network, profile, before):
    if _settings(profile) == _settings(before):
        return  # a stale profile may stay (facts §9, 5)
    if not is_standard(network):
        raise aks_error('UnexpectedLoadBalancerSkuForCurrentOutboundConfiguration',
                        'Load balancer sku must be Standard when load balancer profile is provided.',
                        'networkProfile.loadBalancerSku')
    raise aks_error('InvalidLoadBalancerProfile', 'Load balancer profile cannot be changed when outbound type is '
                    f"{network.get('outboundType')}.", _PROFILE)


def _ip_kinds(profile, before):
    """[D] One kind at a time; [O] profiles that have several already may keep them (facts §1)."""
    kinds = {kind: profile[kind] for kind, _ in _KINDS if profile.get(kind)}
    if len(kinds) > 1 and kinds != {kind: before[kind] for kind, _ in _KINDS if before.get(kind)}:
        raise aks_error('InvalidLoadBalancerProfile', 'Load balancer profile must specify exactly one of '
                        'ManagedOutboundIPs, OutboundIPPrefixes and OutboundIPs. Please refer to http://aka.ms/slb.',
                        _PROFILE)


def _managed(profile):
    managed = profile.get('managedOutboundIPs')
    if managed is None:
        return
    for key in ('count', 'countIPv6'):
        value = managed.get(key)
        if value is not None and value not in MANAGED_IPS and not (key == 'countIPv6' and value == 0):
            raise aks_error('InvalidLoadBalancerProfileManagedOutboundIPCount',
                            f'Load balancer profile managed outbound IP {key} {value} is not in the range [1, 100].',
                            f'{_PROFILE}.managedOutboundIPs.{key}')


def _own_addresses(cluster, profile, resources):
    own = wanted(profile)[2]
    if profile.get('outboundIPs') is not None and len(own) not in OWN_IPS:
        _refuse_addresses(f'{len(own)} outbound IPs given, allowed are 1 to {OWN_IPS[-1]}')
    for identifier in own:
        body = resources.get(identifier.lower())
        problem = _address_problem(cluster, body)
        if problem:
            _refuse_addresses(problem)


def _address_problem(cluster, body):
    """The subcode of AKS for an address that cannot be taken, or None."""
    if body is None:
        return 'LoadBalancerProfileOutboundIPNotExist'
    if not ids.same(body['location'], cluster['location']):
        return 'LoadBalancerProfileOutboundIPNotInTheSameRegion'
    if not ids.same((body.get('sku') or {'name': 'Basic'}).get('name'), 'Standard'):
        return 'LoadBalancerProfileOutboundIPNotStandardSKU'
    if (body.get('tags') or {}).get('aks-managed-type') == 'aks-slb-managed-outbound-ip':
        return 'LoadBalancerProfileOutboundIPHasManagedOutboundIPTag'
    attached = (body['properties'].get('ipConfiguration') or body['properties'].get('natGateway') or {}).get('id') or ''
    if attached and not attached.lower().startswith(load_balancer_id(cluster).lower() + '/'):
        return 'LoadBalancerProfileOutboundIPAttachedToAnotherIPConfiguration'
    return None


def _refuse_addresses(problem):
    raise aks_error('InvalidLoadBalancerProfileOutboundIPs', 'Error in validating load balancer profile outbound IPs, '
                    f'error details: {problem}', f'{_PROFILE}.outboundIPs', problem.split(' ')[-1])


def _own_prefixes(cluster, profile, resources):
    subscription = ids.parse(cluster['id'])['subscription']
    for identifier in wanted(profile)[3]:
        problem = _prefix_problem(cluster, subscription, resources.get(identifier.lower()))
        if problem:
            subcode = f'LoadBalancerProfileOutboundIPPrefix{problem}'
            raise aks_error('InvalidLoadBalancerProfileOutboundIPPrefixes',
                            'Error in validating load balancer profile outbound IP prefixes, '
                            f'error details: {subcode}', f'{_PROFILE}.outboundIPPrefixes', subcode)


def _prefix_problem(cluster, subscription, body):
    """What is wrong with a prefix, or None. [I] The words for SKU and use are made after those for single IPs: no
    answer to a prefix with public IPs in it is on record, only that it is refused (azurerm#5685)."""
    if body is None:
        return 'NotExist'
    inner = body['properties']
    attached = (inner.get('loadBalancerFrontendIpConfiguration') or inner.get('natGateway') or {}).get('id') or ''
    elsewhere = bool(attached) and not attached.lower().startswith(load_balancer_id(cluster).lower() + '/')
    problems = {
        'NotInTheSameRegion': not ids.same(body['location'], cluster['location']),
        'NotInTheSameSubscription': not ids.same(ids.parse(body['id'])['subscription'], subscription),
        'NotStandardSKU': not ids.same((body.get('sku') or {'name': 'Standard'}).get('name'), 'Standard'),
        'AttachedToAnotherIPConfiguration': elsewhere,
        'InUse': not attached and bool(inner.get('publicIPAddresses'))}
    return next((problem for problem, there in problems.items() if there), None)


def _idle(profile):
    minutes = profile.get('idleTimeoutInMinutes')
    if minutes and minutes not in IDLE_MINUTES:
        raise aks_error('InvalidLoadBalancerProfileIdleTimeoutInMinutes',
                        f'Load balancer profile idle timeout {minutes} is not in the range [4, 120].',
                        f'{_PROFILE}.idleTimeoutInMinutes')


def _ports(properties, profile, resources):
    """The multiple of 8 first, then the sum; equality is accepted, 0 and null skip the check (facts §2)."""
    ports = profile.get('allocatedOutboundPorts')
    if not ports:
        return
    code, target = 'InvalidLoadBalancerProfileAllocatedOutboundPorts', f'{_PROFILE}.allocatedOutboundPorts'
    if ports < 0:
        raise aks_error(code, f'Load balancer profile allocated ports {ports} cannot be negative.', target,
                        'LoadBalancerProfileAllocatedOutboundPortsCannotBeNegative')
    if ports % 8:
        raise aks_error(code, f'Load balancer profile allocated ports {ports} is not an integer multiple of 8.', target,
                        'LoadBalancerProfileAllocatedOutboundPortsMustBeMultipleOfEight')
    if ports > PORTS_PER_IP:
        raise aks_error(code, f'Load balancer profile allocated ports {ports} is not in the range [0, {PORTS_PER_IP}].',
                        target)
    nodes, addresses = validated_nodes(properties), ipv4_addresses(profile, resources)
    if ports * nodes > PORTS_PER_IP * addresses:
        raise aks_error(
            code, f'Load balancer profile allocated ports {ports} is not in an allowable range given the number of '
            f'nodes and IPs provisioned. Total node count {nodes} requires {ports * nodes} ports but only '
            f'{PORTS_PER_IP * addresses} ports are available given {addresses} outbound public IPs. '
            'Refer to https://aka.ms/aks/slb-ports for more details.', target, 'InsufficientOutboundPorts')


def load_balancer_id(cluster):
    subscription = ids.parse(cluster['id'])['subscription']
    return ids.resource_id(subscription, cluster['properties']['nodeResourceGroup'],
                           'Microsoft.Network/loadBalancers', 'kubernetes')


def check_rule_blocks(new, balancer, nodes, resources):
    """[I] What the network layer checks after AKS, against live nodes: a rule on a frontend that is also outbound
    eats a block of 8 ports (facts §2). Without such rules it refuses nothing that AKS lets pass."""
    network = new['properties'].get('networkProfile') or {}
    profile = network.get('loadBalancerProfile') or {}
    ports = profile.get('allocatedOutboundPorts') or 0
    shared = sum(len(frontend['properties'].get('loadBalancingRules') or [])
                 for frontend in (balancer or {'properties': {}})['properties'].get('frontendIPConfigurations') or []
                 if frontend['properties'].get('outboundRules'))
    if not (shared and ports and by_load_balancer(network)):
        return
    most = (PORTS_PER_IP * ipv4_addresses(profile, resources) - 8 * shared) // max(1, nodes) // 8 * 8
    if ports > most:
        raise arm_error(400, 'SpecifiedAllocatedOutboundPortsForOutboundRuleExceedsTotalNumberOfAvailablePorts',
                        f"Specified Allocated Outbound Ports {ports} for Outbound Rule {balancer['id']}/outboundRules/"
                        f'aksOutboundRule exceeds total number of available ports per backend instance of {most} based '
                        'upon desired pool size. Reduce allocated ports or increase number of IP addresses for '
                        'outbound rule.')
