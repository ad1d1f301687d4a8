# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""One Service of a manifest, read without trust: any field may be missing or of any type."""

import ipaddress
import json
import re
from functools import lru_cache

from ...model.network import IPV4, IPV6
from ...model.values import printable
from ...inputs.documents import Fields

#: All annotations that Azure's cloud provider reads on a Service begin with it. Source: azure-facts section 6.
PREFIX = 'service.beta.kubernetes.io/'

#: The networks that no client on the Internet has as its address (RFC 1918, 6598, 3927, 1122, 4193, 4291).
PRIVATE_NETWORKS = tuple(ipaddress.ip_network(network) for network in (
    '10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', '169.254.0.0/16', '127.0.0.0/8',
    'fc00::/7', 'fe80::/10', '::1/128'))

#: An annotation's name has at most 253 characters before its slash and 63 behind it.
LONGEST_KEY = 317

_CIDR = re.compile(r'[0-9a-fA-F:.]+/(?:0|[1-9][0-9]{0,2})')
_EMPTY = Fields()


class Service:
    """A Service with its annotations and ports at hand; names are given without PREFIX."""

    def __init__(self, body):
        self.body = body
        self.metadata = _fields(body, 'metadata')
        self.spec = _fields(body, 'spec')
        self.annotations = _fields(self.metadata, 'annotations')
        self.name = printable(text_or_none(self.metadata.get('name')) or '') or None
        self.namespace = printable(text_or_none(self.metadata.get('namespace')) or '') or None
        ports = self.spec.get('ports')
        self.ports = tuple((index, port) for index, port in enumerate(ports if isinstance(ports, list) else ())
                           if isinstance(port, Fields))

    @property
    def internal(self):
        """Whether the Service asks for a private address."""
        return self.is_true('azure-load-balancer-internal')

    def annotation(self, name):
        """The text of an annotation; None where it is absent or no text (null is empty text to Kubernetes)."""
        key = PREFIX + name
        value = self.annotations.get(key)
        return '' if value is None and key in self.annotations else value if isinstance(value, str) else None

    def is_true(self, name):
        """Whether an annotation says "true", in any case, as the cloud provider compares."""
        return (self.annotation(name) or '').lower() == 'true'

    @property
    def is_local(self):
        """Whether traffic only goes to nodes with a pod of the Service."""
        return self.spec.get('externalTrafficPolicy') == 'Local'

    @property
    def families(self):
        """The IP families that the manifest names; empty where the cluster decides."""
        families = self.spec.get('ipFamilies')
        return tuple(family for family in (families if isinstance(families, list) else ()) if family in (IPV4, IPV6))

    @property
    def is_dual_stack(self):
        """Whether the Service asks for both families, where the cluster has them."""
        return self.spec.get('ipFamilyPolicy') in ('PreferDualStack', 'RequireDualStack') or len(self.families) > 1

    def addresses(self):
        """(path, address) of each address that the Service asks for, where it can be parsed."""
        for path, value in ((annotation_path('azure-load-balancer-ipv4'), self.annotation('azure-load-balancer-ipv4')),
                            (annotation_path('azure-load-balancer-ipv6'), self.annotation('azure-load-balancer-ipv6')),
                            (('spec', 'loadBalancerIP'), self.spec.get('loadBalancerIP'))):
            address = parse_address(value)
            if address:
                yield path, address

    def source_ranges(self):
        """(path, text) of each source range of the spec."""
        ranges = self.spec.get('loadBalancerSourceRanges')
        for index, value in enumerate(ranges if isinstance(ranges, list) else ()):
            if isinstance(value, str):
                yield ('spec', 'loadBalancerSourceRanges', index), value.strip()

    def allowed_ranges(self):
        """(path, text) of each range of the annotations that restrict who may connect."""
        for name in ('azure-allowed-ip-ranges', 'load-balancer-source-ranges'):
            value = self.annotation(name)
            for part in (value or '').split(','):
                if part.strip():
                    yield annotation_path(name), part.strip()

    def networks(self):
        """(path, network) of every range, of spec and annotations, that is a CIDR without host bits."""
        for path, value in (*self.source_ranges(), *self.allowed_ranges()):
            network = parse_network(value)
            if network is not None:
                yield path, network

    def has_ranges(self):
        """Whether anything restricts who may connect."""
        return any(True for _ in self.source_ranges()) or any(True for _ in self.allowed_ranges())

    def rules(self):
        """How many load balancing rules the Service takes for each IP family."""
        if self.internal and self.is_true('azure-load-balancer-enable-high-availability-ports'):
            return 1
        return sum(not self.is_true(f'port_{port.get("port")}_no_lb_rule') for _, port in self.ports)

    def line(self, path):
        """The line of the field at `path`, or of the nearest one around it that is there."""
        line = next(iter(self.body.lines.values()), None)
        container = self.body
        for key in path:
            lines = getattr(container, 'lines', None)
            try:
                line = lines[key]
                container = container[key]
            except (KeyError, IndexError, TypeError):
                break
        return line


def annotation_path(name):
    """The path of an annotation of Azure's cloud provider."""
    return ('metadata', 'annotations', PREFIX + name)


def target(path):
    """A path as kubectl and JSONPath write it: `metadata.annotations["a.b/c"]`, `spec.ports[0].port`."""
    written = ''
    for key in path:
        if isinstance(key, int):
            written += f'[{key}]'
        elif re.fullmatch('[A-Za-z]+', key):
            written += f'.{key}' if written else key
        else:
            written += f'[{quoted(key, LONGEST_KEY)}]'
    return written or None


def quoted(value, longest=60):
    """A value of a manifest inside a message: on one line, never long, and harmless to a terminal (JSON escapes line
    ends, but not U+007F or U+202E)."""
    if isinstance(value, (dict, list)):
        return 'a list' if isinstance(value, list) else 'a mapping'
    if isinstance(value, str) and len(value) > longest:
        value = value[:longest - 3] + '...'
    return printable(json.dumps(value, ensure_ascii=False))


def text_or_none(value):
    """`value` where it is text and not empty."""
    return value if isinstance(value, str) and value else None


@lru_cache(maxsize=4096)
def _parse_network(value, strict):
    try:
        return ipaddress.ip_network(value, strict=strict)
    except ValueError:
        return None


def parse_network(value, strict=True):
    """The network that a CIDR names; None for what is no CIDR, or, when `strict`, has host bits set."""
    return _parse_network(value, strict) if _CIDR.fullmatch(value) else None


def parse_address(value):
    """The IP address that a text names."""
    if not isinstance(value, str) or '%' in value:
        return None
    try:
        return ipaddress.ip_address(value.strip())
    except ValueError:
        return None


def is_private(network):
    """Whether an address or network lies in the private ranges."""
    network = ipaddress.ip_network(network)
    return any(network.version == private.version and network.subnet_of(private) for private in PRIVATE_NETWORKS)


def _fields(body, key):
    value = body.get(key)
    return value if isinstance(value, Fields) else _EMPTY
