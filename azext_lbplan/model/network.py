# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The load balancer of a cluster, and public IPs and prefixes. Sources: AZURE-FACTS sections 1, 2 and 9."""

import ipaddress
from types import MappingProxyType
from typing import (Collection, Dict, FrozenSet, Iterable, List, Mapping, NamedTuple, Optional, Sequence, Set,
                    Tuple)

from ..facts.clusters import BASIC, STANDARD
from ..facts.ids import ArmId
from ..facts.networks import (ALLOCATION_METHODS, HOSTED_BACKEND_POOL_NAME, IPV4, IPV6, LOAD_BALANCER_TYPE,
                              MANAGED_IPV6_SUFFIX, MANAGED_TYPE_TAG, OUTBOUND_BACKEND_POOL_NAME, OUTBOUND_RULE_NAME,
                              PREFIX_TYPE, PUBLIC_IP_SKUS, PUBLIC_IP_TYPE)
from .names import Malformed, NameCheck
from .values import Json, canonical, count, distinct, flag, get, ids, items, properties, text

#: Rules that name a backend pool. An inbound NAT rule may name one node instead: AKS makes none of those.
_RULE_KINDS = ('loadBalancingRules', 'outboundRules', 'inboundNatRules')


class PublicIp(NamedTuple):
    """A public IP address resource."""

    id: str
    sku: Optional[str] = None
    allocation_method: Optional[str] = None
    version: str = IPV4
    location: Optional[str] = None
    ip_address: Optional[str] = None
    attached_to: Optional[str] = None
    tags: Mapping[str, Json] = MappingProxyType({})

    @property
    def made_by_aks(self) -> bool:
        """Whether AKS made it: it carries AKS's tags (AZURE-FACTS section 9, point 13)."""
        return any(tag.lower() == MANAGED_TYPE_TAG for tag in self.tags)


class PublicIpPrefix(NamedTuple):
    """A public IP prefix resource; `addresses` is None where its length could not be read. `allocated_ids` are public
    IPs that were made from it."""

    id: str
    length: Optional[int] = None
    sku: Optional[str] = None
    version: str = IPV4
    location: Optional[str] = None
    attached_to: Optional[str] = None
    tags: Mapping[str, Json] = MappingProxyType({})
    ip_prefix: Optional[str] = None
    allocated_ids: Tuple[str, ...] = ()

    @property
    def addresses(self) -> Optional[int]:
        """IPv4 addresses that it brings: /31 = 2 … /28 = 16; an IPv6 prefix brings none (AZURE-FACTS section 2)."""
        if self.version == IPV6:
            return 0
        return 2 ** (32 - self.length) if self.length is not None and 16 <= self.length <= 32 else None


class Frontend(NamedTuple):
    """A frontend IP configuration."""

    id: str
    name: Optional[str] = None
    public_ip_id: Optional[ArmId] = None
    prefix_id: Optional[ArmId] = None
    version: str = IPV4
    rules: Tuple[str, ...] = ()


class OutboundRule(NamedTuple):
    """An outbound rule; `allocated_outbound_ports` 0 is automatic allocation."""

    id: Optional[str]
    name: str
    allocated_outbound_ports: int
    idle_timeout_in_minutes: Optional[int]
    enable_tcp_reset: Optional[bool]
    protocol: Optional[str]
    frontend_ids: Tuple[str, ...]


class BackendPool(NamedTuple):
    """A backend pool: how many distinct IPv4 members it has, the ids of the rules on it, and the network interfaces
    in it (in lower case; a pool of type nodeIP names none)."""

    id: Optional[str]
    name: str
    ipv4_members: int
    rules: Tuple[str, ...] = ()
    nics: FrozenSet[str] = frozenset()


class LoadBalancer(NamedTuple):
    """The load balancer `kubernetes` of a cluster."""

    id: Optional[str]
    name: Optional[str]
    sku: Optional[str]
    location: Optional[str]
    frontends: Tuple[Frontend, ...]
    outbound_rules: Tuple[OutboundRule, ...]
    backend_pools: Tuple[BackendPool, ...]
    load_balancing_rules: int
    provisioning_state: Optional[str] = None
    malformed: Tuple[Malformed, ...] = ()

    @property
    def outbound_rule(self) -> Optional[OutboundRule]:
        """The rule that AKS made for IPv4 (in dual-stack a second one serves IPv6)."""
        named = [rule for rule in self.outbound_rules if rule.name.lower() == OUTBOUND_RULE_NAME.lower()]
        return named[0] if named else None

    @property
    def outbound_frontends(self) -> Tuple[Frontend, ...]:
        """The frontends of AKS's IPv4 outbound rule."""
        rule = self.outbound_rule
        used = {frontend_id.lower() for frontend_id in rule.frontend_ids} if rule else ()
        return tuple(frontend for frontend in self.frontends if frontend.id.lower() in used)

    @property
    def backend_pool(self) -> Optional[BackendPool]:
        """`aksOutboundBackendPool`, whose members share the ports. The same nodes sit in other pools too."""
        return next((pool for pool in self.backend_pools
                     if pool.name.lower() == OUTBOUND_BACKEND_POOL_NAME.lower()), None)

    @property
    def hosted_pool(self) -> Optional[BackendPool]:
        """The pool of the nodes of hosted system pools, where there is one."""
        return next((pool for pool in self.backend_pools
                     if pool.name.lower() == HOSTED_BACKEND_POOL_NAME.lower()), None)

    @property
    def hosted_rules(self) -> Tuple[OutboundRule, ...]:
        """The outbound rules on that pool."""
        on_pool = self.hosted_pool.rules if self.hosted_pool else ()
        return tuple(rule for rule in self.outbound_rules if (rule.id or rule.name).lower() in on_pool)

    @property
    def rules_by_frontend(self) -> Dict[str, int]:
        """How many rules each frontend has, by its id in lower case: load balancing, inbound NAT and outbound ones."""
        rules = {frontend.id.lower(): len(frontend.rules) for frontend in self.frontends}
        for rule in self.outbound_rules:
            for frontend_id in rule.frontend_ids:
                rules[frontend_id.lower()] = rules.get(frontend_id.lower(), 0) + 1
        return rules

    @property
    def shared_rule_blocks(self) -> int:
        """Blocks of 8 ports that load balancing and inbound NAT rules take from outbound frontends.

        A rule eats a block only where its frontend is also used for outbound. Source: AZURE-FACTS section 2.
        """
        return sum(len(frontend.rules) for frontend in self.outbound_frontends)

    @property
    def rules_per_nic(self) -> int:
        """The most rules that one network interface has: those of all backend pools that it sits in."""
        pools_of: Dict[str, List[int]] = {}
        for index, pool in enumerate(self.backend_pools):
            for nic in pool.nics:
                pools_of.setdefault(nic, []).append(index)
        # Thousands of nodes sit in a handful of combinations of pools.
        combinations = {tuple(indexes) for indexes in pools_of.values()}
        return max((len({rule for index in combination for rule in self.backend_pools[index].rules})
                    for combination in combinations), default=0)


#: What tells that a body is what it should be: one of these keys, with a value of that type.
_TELLING = {
    LOAD_BALANCER_TYPE: (('frontendIPConfigurations', list),),
    PUBLIC_IP_TYPE: (('publicIPAllocationMethod', str), ('ipAddress', str)),
    PREFIX_TYPE: (('ipPrefix', str), ('prefixLength', int)),
}


def is_understood(body: Json, resource_type: str) -> bool:
    """Whether `body` holds what every resource of that type has. Without it defaults would pass for what was read."""
    inner = properties(body)
    return any(isinstance(get(inner, key), kind) for key, kind in _TELLING[resource_type])


def parse_public_ip(body: Json) -> PublicIp:
    """The public IP in `body`, raw or flattened."""
    inner = properties(body)
    return PublicIp(
        id=text(body, 'id') or '',
        sku=canonical(text(body, 'sku', 'name'), PUBLIC_IP_SKUS),
        allocation_method=canonical(text(inner, 'publicIPAllocationMethod'), ALLOCATION_METHODS),
        version=address_version(inner),
        location=text(body, 'location'),
        ip_address=text(inner, 'ipAddress'),
        attached_to=text(inner, 'ipConfiguration', 'id') or text(inner, 'natGateway', 'id'),
        tags=_tags(body),
    )


def parse_public_ip_prefix(body: Json) -> PublicIpPrefix:
    """The public IP prefix in `body`, raw or flattened; its length from `prefixLength`, else from `ipPrefix`."""
    inner = properties(body)
    return PublicIpPrefix(
        id=text(body, 'id') or '',
        length=count(inner, 'prefixLength') or _length_of_cidr(text(inner, 'ipPrefix')),
        sku=canonical(text(body, 'sku', 'name'), PUBLIC_IP_SKUS),
        version=address_version(inner),
        location=text(body, 'location'),
        attached_to=text(inner, 'loadBalancerFrontendIpConfiguration', 'id') or text(inner, 'natGateway', 'id'),
        tags=_tags(body),
        ip_prefix=text(inner, 'ipPrefix'),
        allocated_ids=ids(inner, 'publicIPAddresses'),
    )


def parse_load_balancer(body: Json) -> LoadBalancer:
    """The load balancer in `body`, raw or flattened."""
    inner = properties(body)
    return load_balancer_of(body, inner, [_parse_backend_pool(pool) for pool in items(inner, 'backendAddressPools')],
                            len(items(inner, 'loadBalancingRules')))


def load_balancer_of(body: Json, inner: Json, pools: Sequence[BackendPool], load_balancing_rules: int) -> LoadBalancer:
    """The load balancer in `body`, whose properties are `inner`. Its `pools` hold the rules that they name themselves;
    `load_balancing_rules` is how many it has."""
    ipv6_rules = {rule for pool in pools if _is_ipv6_name(pool.name) for rule in pool.rules}
    rules = tuple(_parse_outbound_rule(rule) for rule in items(inner, 'outboundRules'))
    ipv6_frontends = {frontend.lower() for rule in rules
                      if (rule.id or '').lower() in ipv6_rules or _is_ipv6_name(rule.name)
                      for frontend in rule.frontend_ids}
    on_frontends, on_pools = _rules_by_frontend(inner), _rules_by_pool(inner)
    check = NameCheck()
    frontends = [_parse_frontend(frontend, on_frontends, ipv6_frontends, check)
                 for frontend in items(inner, 'frontendIPConfigurations')]
    return LoadBalancer(
        id=text(body, 'id'),
        name=text(body, 'name'),
        sku=canonical(text(body, 'sku', 'name'), (STANDARD, BASIC)),
        location=text(body, 'location'),
        frontends=tuple(frontend for frontend in frontends if frontend is not None),
        outbound_rules=rules,
        backend_pools=tuple(_with_rules(pool, on_pools) for pool in pools),
        load_balancing_rules=load_balancing_rules,
        provisioning_state=text(inner, 'provisioningState'),
        malformed=check.malformed,
    )


def _rules_by_frontend(load_balancer: Json) -> Dict[str, List[str]]:
    """Ids of load balancing and inbound NAT rules by the id of their frontend, in lower case."""
    return _rules_by(load_balancer, ('loadBalancingRules', 'inboundNatRules'), 'frontendIPConfiguration')


def _rules_by_pool(load_balancer: Json) -> Dict[str, List[str]]:
    """Ids of rules by the id of their backend pool, in lower case."""
    return _rules_by(load_balancer, _RULE_KINDS, 'backendAddressPool')


def _rules_by(load_balancer: Json, kinds: Iterable[str], key: str) -> Dict[str, List[str]]:
    found: Dict[str, List[str]] = {}
    for kind in kinds:
        for rule in items(load_balancer, kind):
            named = text(properties(rule), key, 'id')
            if named:
                found.setdefault(named.lower(), []).append(text(rule, 'id') or text(rule, 'name') or '')
    return found


def _parse_frontend(body: Json, referring: Mapping[str, Iterable[str]], ipv6_frontends: Collection[str],
                    check: NameCheck) -> Optional[Frontend]:
    """The frontend in `body`; None for one that points at something that is no address."""
    inner = properties(body)
    frontend_id = text(body, 'id') or ''
    named = [text(inner, key, 'id') for key in ('publicIPAddress', 'publicIPPrefix')]
    target = 'frontendIPConfigurations'
    public_ip_id, prefix_id = check.id(target, named[0], PUBLIC_IP_TYPE), check.id(target, named[1], PREFIX_TYPE)
    if any(named) and not (public_ip_id or prefix_id):
        return None
    is_ipv6 = (_version(inner, 'privateIPAddressVersion') == IPV6 or frontend_id.lower() in ipv6_frontends or
               _is_ipv6_name(public_ip_id))
    own = ids(inner, 'loadBalancingRules') + ids(inner, 'inboundNatRules')
    return Frontend(
        id=frontend_id,
        name=text(body, 'name'),
        public_ip_id=public_ip_id,
        prefix_id=prefix_id,
        version=IPV6 if is_ipv6 else IPV4,
        rules=distinct((*own, *referring.get(frontend_id.lower(), ()))),
    )


def _parse_outbound_rule(body: Json) -> OutboundRule:
    inner = properties(body)
    return OutboundRule(
        id=text(body, 'id'),
        name=text(body, 'name') or '',
        allocated_outbound_ports=count(inner, 'allocatedOutboundPorts') or 0,
        idle_timeout_in_minutes=count(inner, 'idleTimeoutInMinutes'),
        enable_tcp_reset=flag(inner, 'enableTcpReset'),
        protocol=text(inner, 'protocol'),
        frontend_ids=ids(inner, 'frontendIPConfigurations'),
    )


def _parse_backend_pool(body: Json) -> BackendPool:
    """The pool in `body`, with the rules that it names itself."""
    inner = properties(body)
    configurations, addresses = _members(inner)
    return BackendPool(
        id=text(body, 'id'),
        name=text(body, 'name') or '',
        ipv4_members=(sum(not _is_ipv6_name(configuration) for configuration in configurations) or
                      sum(':' not in address for address in addresses)),
        rules=tuple(rule.lower() for kind in _RULE_KINDS for rule in ids(inner, kind)),
        nics=frozenset(configuration.split('/ipconfigurations/')[0] for configuration in configurations),
    )


def _with_rules(pool: BackendPool, referring: Mapping[str, Iterable[str]]) -> BackendPool:
    """`pool` with the rules that name it, by its id, as well."""
    more = referring.get((pool.id or '').lower(), ())
    return pool._replace(rules=distinct((*pool.rules, *map(str.lower, more))))


def _members(pool: Json) -> Tuple[Set[str], Set[str]]:
    """(IP configurations of network interfaces, addresses) in a backend pool, each once and in lower case.

    A member is an IP configuration of a network interface (nodeIPConfiguration), or an address (nodeIP); pools of
    one kind list the other's key empty. Names of IPv6 configurations end as AKS names them.
    """
    configurations = {reference.lower() for reference in ids(pool, 'backendIPConfigurations')}
    addresses = set()
    for member in items(pool, 'loadBalancerBackendAddresses'):
        inner = properties(member)
        reference, address = text(inner, 'networkInterfaceIPConfiguration', 'id'), text(inner, 'ipAddress')
        if reference:
            configurations.add(reference.lower())
        elif address:
            addresses.add(address)
    return configurations, addresses


def address_version(body: Json) -> str:
    """The IP family of the public IP or prefix whose properties `body` holds."""
    return _version(body, 'publicIPAddressVersion')


def _version(body: Json, key: str) -> str:
    return canonical(text(body, key), (IPV4, IPV6)) or IPV4


def _is_ipv6_name(name: Optional[str]) -> bool:
    return (name or '').lower().endswith(MANAGED_IPV6_SUFFIX)


def _length_of_cidr(cidr: Optional[str]) -> Optional[int]:
    try:
        return ipaddress.ip_network(cidr or '', strict=False).prefixlen
    except ValueError:
        return None


def _tags(body: Json) -> Mapping[str, Json]:
    tags = get(body, 'tags')
    return {key: value for key, value in tags.items() if isinstance(key, str)} if isinstance(tags, dict) else {}
