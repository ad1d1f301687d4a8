# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""One Service of a manifest, read without trust: any field may be missing or of any type."""

import ipaddress
import json
import re
from functools import lru_cache
from typing import Iterable, Iterator, Mapping, NamedTuple, Optional, Tuple, Union

from ..facts.networks import IPV4, IPV6
from .fields import Fields, Path
from .values import Json, printable

Address = Union[ipaddress.IPv4Address, ipaddress.IPv6Address]
Network = Union[ipaddress.IPv4Network, ipaddress.IPv6Network]

#: All annotations that Azure's cloud provider reads on a Service begin with it. Source: AZURE-FACTS section 6.
PREFIX = 'service.beta.kubernetes.io/'

#: The networks that no client on the Internet has as its address (RFC 1918, 6598, 3927, 1122, 4193, 4291).
PRIVATE_NETWORKS: Tuple[Network, ...] = tuple(ipaddress.ip_network(network) for network in (
    '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16', '127.0.0.0/8',
    'fc00::/7', 'fe80::/10', '::1/128'))

#: Addresses that no client and no server has. Source: RFC 919; Azure's own DNS and health probes (virtual network FAQ).
_BROADCAST, _AZURE_DNS = ipaddress.IPv4Address('255.255.255.255'), ipaddress.IPv4Address('168.63.129.16')

#: The annotations that hold ranges: Azure's own, and the one that the field of the spec has replaced.
RANGE_ANNOTATIONS = ('azure-allowed-ip-ranges', 'load-balancer-source-ranges')

#: An annotation's name has at most 253 characters before its slash and 63 behind it.
LONGEST_KEY = 317

_CIDR = re.compile(r'[0-9a-fA-F:.]+/(?:0|[1-9][0-9]{0,2})')


class Service(NamedTuple):
    """A Service with its annotations and ports at hand; names of annotations are given without PREFIX.

    `texts` are the annotations under PREFIX that hold text, by name (null is empty text to Kubernetes); `by_port`: some
    of them are about one port. `ports` are pairs of the position in the manifest and what stands there.
    """

    body: Fields
    metadata: Fields
    spec: Fields
    annotations: Fields
    texts: Mapping[str, str]
    by_port: bool
    name: Optional[str]
    namespace: Optional[str]
    ports: Tuple[Tuple[int, Fields], ...]

    @property
    def internal(self) -> bool:
        """Whether the Service gets a private address: the cloud provider compares with exactly "true" here.

        Source: cloud-provider-azure `azure_loadbalancer.go`, requiresInternalLoadBalancer.
        """
        return self.annotation('azure-load-balancer-internal') == 'true'

    @property
    def load_balancer_class(self) -> Optional[str]:
        """The class that it names; None where Azure's cloud provider serves it."""
        return text_or_none(self.spec.get('loadBalancerClass'))

    @property
    def has_address(self) -> bool:
        """Whether it has its address: then its frontend and rules are on the load balancer already."""
        return bool(self.body.fields('status').fields('loadBalancer').get('ingress'))

    def annotation(self, name: str) -> Optional[str]:
        """The text of an annotation; None where it is absent or no text."""
        return self.texts.get(name)

    def is_true(self, name: str) -> bool:
        """Whether an annotation says "true", in any case and without blanks, as the cloud provider compares all
        switches but the one for internal. Source: cloud-provider-azure `pkg/consts/helpers.go`."""
        return self.texts.get(name, '').lower() == 'true'

    @property
    def wants_private_link(self) -> bool:
        """Whether it asks for a private link service; blanks around "true" are passed over here."""
        return (self.annotation('azure-pls-create') or '').strip().lower() == 'true'

    @property
    def has_high_availability_ports(self) -> bool:
        """Whether one rule for all ports takes the place of one for each port."""
        return self.internal and self.is_true('azure-load-balancer-enable-high-availability-ports')

    def of_port(self, port: Json, name: str) -> Optional[str]:
        """The text of an annotation for one port; None where it is absent or no text."""
        return self.texts.get(f'port_{port}_{name}') if self.by_port else None

    def is_true_of_port(self, port: Json, name: str) -> bool:
        """Whether an annotation for one port says "true"."""
        return self.by_port and self.is_true(f'port_{port}_{name}')

    @property
    def is_local(self) -> bool:
        """Whether traffic only goes to nodes with a pod of the Service."""
        return bool(self.spec.get('externalTrafficPolicy') == 'Local')

    @property
    def families(self) -> Tuple[str, ...]:
        """The IP families that the manifest names; empty where the cluster decides."""
        families = self.spec.get('ipFamilies')
        return tuple(family for family in families if family in (IPV4, IPV6)) if isinstance(families, list) else ()

    @property
    def is_dual_stack(self) -> bool:
        """Whether the Service asks for both families, where the cluster has them."""
        return self.spec.get('ipFamilyPolicy') in ('PreferDualStack', 'RequireDualStack') or len(self.families) > 1

    def addresses(self) -> Iterator[Tuple[Path, Address]]:
        """(path, address) of each address that the Service asks for, where it can be parsed: for each IP family the
        annotation, or else the field. Source: cloud-provider-azure `azure_utils.go`, getServiceLoadBalancerIP."""
        for version in (4, 6):
            name = f'azure-load-balancer-ipv{version}'
            annotated = self.annotation(name)
            address = parse_address(annotated or self.spec.get('loadBalancerIP'))
            if address and (annotated or ip_version(address) == version):
                yield annotation_path(name) if annotated else ('spec', 'loadBalancerIP'), address

    def source_ranges(self) -> Iterator[Tuple[Path, str]]:
        """(path, text) of each source range of the spec."""
        ranges = self.spec.get('loadBalancerSourceRanges')
        for index, value in enumerate(ranges if isinstance(ranges, list) else ()):
            if isinstance(value, str):
                yield ('spec', 'loadBalancerSourceRanges', index), value.strip()

    def allowed_ranges(self) -> Iterator[Tuple[Path, str]]:
        """(path, text) of each range of the annotations that restrict who may connect; an empty one is a range, too."""
        for name in RANGE_ANNOTATIONS:
            value = self.annotation(name)
            for part in () if value is None else value.split(','):
                yield annotation_path(name), part.strip()

    def allowed_tags(self) -> Tuple[str, ...]:
        """The service tags from which clients may connect; an empty one is a tag, too."""
        value = self.annotation('azure-allowed-service-tags')
        return () if value is None else tuple(part.strip() for part in value.split(','))

    def rules(self) -> int:
        """How many load balancing rules the Service takes for each IP family."""
        if self.has_high_availability_ports:
            return 1
        if not self.by_port:
            return len(self.ports)
        return sum(not self.is_true_of_port(port.get('port'), 'no_lb_rule') for _, port in self.ports)


def parse_service(body: Fields) -> Service:
    """The Service in an object of a manifest."""
    metadata, spec = body.fields('metadata'), body.fields('spec')
    ports, annotations = spec.get('ports'), metadata.fields('annotations')
    texts = {key[len(PREFIX):]: value or '' for key, value in annotations.items()
             if key.startswith(PREFIX) and (value is None or isinstance(value, str))}
    placed = [place for place in enumerate(ports) if isinstance(place[1], Fields)] if isinstance(ports, list) else ()
    return Service(
        body, metadata, spec, annotations, texts, bool(texts) and any(name.startswith('port_') for name in texts),
        _printable_text(metadata.get('name')), _printable_text(metadata.get('namespace')), tuple(placed))


def _printable_text(value: Json) -> Optional[str]:
    return printable(value) if isinstance(value, str) and value else None


def annotation_path(name: str) -> Path:
    """The path of an annotation of Azure's cloud provider."""
    return ('metadata', 'annotations', PREFIX + name)


def written_path(path: Path) -> Optional[str]:
    """A path as kubectl and JSONPath write it: `metadata.annotations["a.b/c"]`, `spec.ports[0].port`; None for none."""
    written = ''
    for key in path:
        if isinstance(key, int):
            written += f'[{key}]'
        elif re.fullmatch('[A-Za-z][A-Za-z0-9]*', key):
            written += f'.{key}' if written else key
        else:
            written += f'[{quoted(key, LONGEST_KEY)}]'
    return written or None


def quoted(value: Json, longest: int = 60) -> str:
    """A value of a manifest inside a message: on one line, never long, and harmless to a terminal (JSON escapes line
    ends, but not U+007F or U+202E)."""
    if isinstance(value, (dict, list)):
        return 'a list' if isinstance(value, list) else 'a mapping'
    if isinstance(value, str) and len(value) > longest:
        value = value[:longest - 3] + '...'
    return printable(json.dumps(value, ensure_ascii=False))


def text_or_none(value: Json) -> Optional[str]:
    """`value` where it is text and not empty."""
    return value if isinstance(value, str) and value else None


@lru_cache(maxsize=4096)
def _parse_network(value: str, strict: bool) -> Optional[Network]:
    try:
        return ipaddress.ip_network(value, strict=strict)
    except ValueError:
        return None


def parse_network(value: str, strict: bool = True) -> Optional[Network]:
    """The network that a CIDR names; None for what is no CIDR, or, when `strict`, has host bits set."""
    return _parse_network(value, strict) if _CIDR.fullmatch(value) else None


def parse_address(value: Json) -> Optional[Address]:
    """The IP address that a text names; with blanks around it, it is none."""
    if not isinstance(value, str) or '%' in value:
        return None
    try:
        return ipaddress.ip_address(value)
    except ValueError:
        return None


def covers_everything(networks: Iterable[Network], version: int) -> bool:
    """Whether `networks` hold every address of the IP version, one of them or several together."""
    mine = [network for network in networks if network.version == version]
    merged = ipaddress.collapse_addresses(mine)  # type: ignore[type-var]  # of one version, which mypy cannot see
    return any(not network.prefixlen for network in merged)


def ip_version(address: Address) -> int:
    """4 or 6; an IPv4 address that is mapped into IPv6 is one of IPv4, as it is to Go."""
    return 4 if getattr(address, 'ipv4_mapped', None) else address.version


def is_private(address: Union[Address, Network]) -> bool:
    """Whether an address or network lies in the private ranges."""
    network = ipaddress.ip_network(address)
    return any(is_within(network, private) for private in PRIVATE_NETWORKS)


def is_public(address: Address) -> bool:
    """Whether a public IP of Azure can have the address: global unicast, and neither private nor Azure's own.

    Source: cloud-provider-azure `azure_publicip_repo.go`, validatePublicIPCandidate.
    """
    plain = getattr(address, 'ipv4_mapped', None) or address
    special = plain.is_unspecified or plain.is_multicast or plain in (_BROADCAST, _AZURE_DNS)
    return not special and not is_private(plain)


def is_within(network: Network, other: Network) -> bool:
    """Whether `network` is `other` or a part of it; networks of two IP versions never are."""
    if isinstance(network, ipaddress.IPv4Network):
        return isinstance(other, ipaddress.IPv4Network) and network.subnet_of(other)
    return isinstance(other, ipaddress.IPv6Network) and network.subnet_of(other)
