# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""A snapshot that can be shown to anybody: other names and addresses, and the same decision.

The same name gets the same replacement, compared without regard to case, as ARM compares. What decisions see in names
and addresses stays: what AKS calls its own things, families, private ranges, lengths of prefixes, and the order of node
pools and addresses, by which ties are broken.
"""

import ipaddress
import re
from itertools import count
from typing import Callable, Dict, Iterator, List, Optional, Set, Tuple

from ..facts.networks import (LOAD_BALANCER_NAME, MANAGED_IPV6_SUFFIX, MANAGED_SUBNET_NAME, OUTBOUND_BACKEND_POOL_NAME,
                              OUTBOUND_RULE_NAME)
from ..model.observed import Snapshot
from ..model.service import Network, is_private, parse_address
from ..model.values import Json
from .allowed import Leaf, changed

#: Names that AKS gives to its own things say nothing of whose they are.
_OF_AKS = {name.lower(): name for name in (LOAD_BALANCER_NAME, OUTBOUND_RULE_NAME, OUTBOUND_BACKEND_POOL_NAME,
                                           MANAGED_SUBNET_NAME)}

#: What the new name of a resource begins with, by the segment of the id before it.
_STEMS = {'resourcegroups': 'group', 'managedclusters': 'cluster', 'publicipaddresses': 'ip',
          'publicipprefixes': 'prefix', 'virtualnetworks': 'network', 'subnets': 'subnet',
          'routetables': 'routes', 'natgateways': 'nat',
          'frontendipconfigurations': 'frontend', 'virtualmachinescalesets': 'scaleset', 'networkinterfaces': 'nic'}

#: Words of a dimension of metrics: protocols and states of connections.
_DIMENSION = re.compile(r'\d{1,3}\Z|tcp\Z|udp\Z|all\Z|failed\Z|successful\Z|pending\Z|true\Z|false\Z', re.IGNORECASE)

#: A name that is proposed for a new public IP: its form must stay, so that no name is proposed twice.
_PROPOSED = re.compile(r'(.+)-outbound-([1-9]\d{0,5})\Z', re.DOTALL)

_ID = re.compile(r'/?subscriptions/', re.IGNORECASE)
_NAMESPACE = re.compile(r'microsoft\.[a-z]{1,40}\Z', re.IGNORECASE)
_SCOPES = ('subscriptions', 'resourcegroups', 'providers')
_TYPE = re.compile(r'[a-z]{3,60}\Z', re.IGNORECASE)
_QUOTED = re.compile(r"'([^']*)'")

#: Addresses are written with numbers of the same length, so that their order as text is that of their numbers.
_FIRST, _NUMBERS = 100, 155
_FIRST_IPV6, _NUMBERS_IPV6 = 0x1000, 0xf000

#: Ranges for documentation (RFC 5737, RFC 3849); where there are more addresses, one that is reserved (RFC 1112).
_DOCUMENTATION = ('192.0.2.', '198.51.100.', '203.0.113.')
_DOCUMENTATION_NETWORKS = {4: ipaddress.ip_network('203.0.113.0/24'), 6: ipaddress.ip_network('2001:db8::/32')}
_RESERVED = ipaddress.ip_network('240.0.0.0/4')
_PRIVATE_NETWORKS = {4: ipaddress.ip_network('10.0.0.0/8'), 6: ipaddress.ip_network('fd00::/8')}


def anonymized(snapshot: Snapshot) -> Snapshot:
    """A reduced `snapshot` under other names and addresses. Messages of errors are left out: they may name anything."""
    other: Snapshot = changed(snapshot, Replacements(snapshot).of)
    return other


class Replacements:  # pylint: disable=too-few-public-methods, too-many-instance-attributes  # a state
    """What stands for each name and address of a reduced snapshot: by kind, and then by the original in lower case."""

    def __init__(self, snapshot: Snapshot):
        self.names: Dict[str, str] = {}
        self.subscriptions: Dict[str, str] = {}
        self.networks: Dict[str, str] = {}
        self.addresses: Dict[str, str] = {}
        self._taken: Set[str] = set()
        self._cluster = ''
        self._numbers: Dict[str, Iterator[int]] = {}
        self._rules: Dict[Leaf, Callable[[str], Optional[str]]] = {
            Leaf.SUBSCRIPTION: self._subscription, Leaf.GROUP: lambda name: self._name(name, 'group'),
            Leaf.CLUSTER: lambda name: self._name(name, 'cluster'), Leaf.POOL: self._name, Leaf.NAME: self._name,
            Leaf.ID: self._id, Leaf.ADDRESS: self._address, Leaf.NETWORK: self._network,
            Leaf.DIMENSION: self._dimension, Leaf.FILTER: self._filter, Leaf.MESSAGE: lambda _: None}
        self._look_through(snapshot)

    def of(self, leaf: Leaf, value: Json) -> Json:
        """What stands for a value of that kind; the value itself where it names nothing."""
        rule = self._rules.get(leaf)
        return rule(value) if rule is not None and isinstance(value, str) else value

    def _look_through(self, snapshot: Snapshot) -> None:
        """Fix what depends on all of the snapshot: what is not to be taken for a replacement, and orders."""
        pools: Set[str] = set()
        addresses: Set[str] = set()

        def look(leaf: Leaf, value: Json) -> Json:
            if not isinstance(value, str) or leaf not in self._rules:
                return value
            for part in (value.lower(), *value.lower().split('/')):
                self._taken.update((part, part.removesuffix(MANAGED_IPV6_SUFFIX)))
            if leaf is Leaf.POOL:
                pools.add(value.lower())
            elif leaf is Leaf.CLUSTER:
                self._cluster = value.lower()
            elif leaf in (Leaf.ADDRESS, Leaf.DIMENSION):
                addresses.add(value.lower())
            elif leaf is Leaf.FILTER:
                addresses.update(quoted.lower() for quoted in _QUOTED.findall(value))
            return value

        changed(snapshot, look)
        self._taken |= addresses
        self._name_pools(sorted(pools))
        self._readdress(sorted(addresses))

    def _name_pools(self, names: List[str]) -> None:
        """Names that AKS takes, of six characters: Windows has no room for more."""
        width = 2 if len(names) <= 50 else 5
        free = self._free(f'{"pool" if width == 2 else "p"}{number:0{width}}' for number in count(1))
        self.names.update(zip(names, free))

    def _readdress(self, texts: List[str]) -> None:
        streams: Dict[Tuple[int, bool], Iterator[str]] = {}
        for text in texts:
            address = parse_address(text.strip())
            if address is not None:
                kind = (address.version, is_private(address))
                if kind not in streams:
                    streams[kind] = self._free(_addresses(*kind))
                self.addresses[text] = next(streams[kind])

    def _free(self, candidates: Iterator[str]) -> Iterator[str]:
        return (candidate for candidate in candidates if candidate not in self._taken)

    def _subscription(self, value: str) -> str:
        key = value.lower()
        if key not in self.subscriptions:
            self.subscriptions[key] = self._next('00000000-0000-0000-0000-', 12)
        return self.subscriptions[key]

    def _next(self, stem: str, width: int = 0) -> str:
        """The stem with the next number, which no original has."""
        numbers = self._numbers.setdefault(stem, count(1))
        return next(self._free(f'{stem}{number:0{width}}' for number in numbers))

    def _name(self, value: str, stem: str = 'name') -> str:
        key = value.lower()
        if key in _OF_AKS:
            return _OF_AKS[key]
        if key not in self.names:
            self.names[key] = self._new_name(key, stem)
        return self.names[key]

    def _new_name(self, key: str, stem: str) -> str:
        if key.endswith(MANAGED_IPV6_SUFFIX) and key != MANAGED_IPV6_SUFFIX:
            return self._name(key[:-len(MANAGED_IPV6_SUFFIX)], stem) + MANAGED_IPV6_SUFFIX
        if key.startswith(OUTBOUND_RULE_NAME.lower()):
            return f'{OUTBOUND_RULE_NAME}-{self._name(key[len(OUTBOUND_RULE_NAME):], stem)}'
        proposed = _PROPOSED.match(key)
        if proposed and proposed.group(1) == self._cluster:
            return f'{self._name(self._cluster, "cluster")}-outbound-{proposed.group(2)}'
        return self._next(stem)

    def _id(self, value: str) -> str:
        """An id, segment by segment; types of resources stay. What has another form is one name."""
        if not _ID.match(value):
            return self._name(value)
        start = '/' if value.startswith('/') else ''
        segments = value.strip('/').split('/')
        kinds, values = segments[::2], segments[1::2]
        written: List[str] = []
        typed = False
        for position, kind in enumerate(kinds):
            written.append(kind if kind.lower() in _SCOPES or typed and _TYPE.match(kind) else self._name(kind))
            for named in values[position:position + 1]:
                typed = typed or bool(_NAMESPACE.match(named))
                written.append(self._segment(kind.lower(), named))
        return start + '/'.join(written)

    def _segment(self, kind: str, value: str) -> str:
        if kind == 'subscriptions':
            return self._subscription(value)
        if kind == 'providers' and _NAMESPACE.match(value) or kind == 'locations':
            return value
        return self._name(value, _STEMS.get(kind, 'name'))

    def _address(self, value: str) -> str:
        return self.addresses.get(value.lower()) or self._name(value)

    def _dimension(self, value: str) -> str:
        return value if _DIMENSION.match(value.strip()) else self._address(value)

    def _filter(self, value: str) -> str:
        return _QUOTED.sub(lambda found: f"'{found[1] if found[1] == '*' else self._dimension(found[1])}'", value)

    def _network(self, value: str) -> str:
        key = value.lower()
        if key not in self.networks:
            try:
                network = ipaddress.ip_network(value, strict=False)
            except ValueError:
                return self._name(value)
            if str(network.network_address) in self.addresses and network.num_addresses == 1:
                return self.addresses[str(network.network_address)]  # a list that holds it goes on to hold it
            self.networks[key] = next(self._free(_networks(network)), str(network))
            self._taken.add(self.networks[key])
        return self.networks[key]


def _addresses(version: int, private: bool) -> Iterator[str]:
    """Addresses of that kind, in the order of their texts."""
    if version == 6:
        stem = 'fd00' if private else '2001:db8'
        return (f'{stem}::{_FIRST_IPV6 + number // _NUMBERS_IPV6:x}:{_FIRST_IPV6 + number % _NUMBERS_IPV6:x}'
                for number in count())
    if private:
        return (f'10.{_triple(number)}' for number in count())
    return _documentation()


def _documentation() -> Iterator[str]:
    for stem in _DOCUMENTATION:
        yield from (f'{stem}{_FIRST + number}' for number in range(_NUMBERS))
    yield from (f'240.{_triple(number)}' for number in count())


def _triple(number: int) -> str:
    high, low = divmod(number, _NUMBERS)
    return f'{_FIRST + high // _NUMBERS}.{_FIRST + high % _NUMBERS}.{_FIRST + low}'


def _networks(network: Network) -> Iterator[str]:
    """Networks as long as that one, private where it is; none where it is too large for that."""
    version, length = network.version, network.prefixlen
    ranges = [_PRIVATE_NETWORKS[version]] if is_private(network) else [_DOCUMENTATION_NETWORKS[version]]
    ranges += [_RESERVED] if version == 4 and not is_private(network) else []
    for inside in ranges:
        if length >= inside.prefixlen:
            yield from map(str, inside.subnets(new_prefix=length))
