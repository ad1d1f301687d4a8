# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The annotations that Azure's cloud provider reads on a Service, and what each may say.

Source: azure-facts section 6; cloud-provider-azure `pkg/consts/consts.go`, `pkg/provider/azure_loadbalancer*.go` and
its documentation pages `topics/loadbalancer` and `topics/pls-integration`.
"""

import difflib
import re
from functools import lru_cache
from typing import Callable, NamedTuple, Optional, Pattern, Tuple

from ...model.finding import ERROR, WARNING
from ...model.service import parse_address, quoted

#: Minutes. The AKS article and the cloud provider's code say 30; azure-facts section 6 has 100 as [?].
SHORTEST_IDLE_TIMEOUT, LONGEST_IDLE_TIMEOUT, DISPUTED_IDLE_TIMEOUT = 4, 30, 100

#: Health probes: seconds between two, failures until a node is out, their product must stay below this.
#: Source: cloud-provider-azure `azure_loadbalancer_healthprobe.go`.
SHORTEST_INTERVAL, FEWEST_PROBES, LONGEST_PROBING = 5, 2, 120
DEFAULT_INTERVAL, DEFAULT_PROBES = 5, 2

_WHOLE = re.compile(r'\s*[-+]?[0-9]{1,18}\s*')
_DNS_LABEL = re.compile(r'[a-z][a-z0-9-]{1,61}[a-z0-9]')
_RESOURCE_NAME = re.compile(r'[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?')
_GROUP_NAME = re.compile(r'[\w.()-]{0,89}[\w()-]')
_PREFIX_ID = re.compile(
    r'/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Network/publicIPPrefixes/[^/]+', re.IGNORECASE)
_PORT_ANNOTATION = re.compile(r'port_([0-9]{1,9})_(.+)')

INVALID, OUT_OF_RANGE = 'AnnotationValueInvalid', 'AnnotationOutOfRange'


class Fault(NamedTuple):
    """What is wrong with a value: under which rule, in words, and where it is milder than the annotation's rank."""

    code: str
    says: str
    severity: Optional[str] = None


#: What is wrong with a text as the value of an annotation; None where nothing is.
Kind = Callable[[str], Optional[Fault]]


class Need(NamedTuple):
    """Another annotation without which this one has no effect: its name, its value, what happens otherwise."""

    name: str
    value: str
    severity: str
    otherwise: str


class Annotation(NamedTuple):
    """One annotation. `severity` is the consequence of a bad value: error where the service fails or is exposed,
    warning where the value is passed over. `guards` marks those whose misspelling opens a service to more clients."""

    name: str
    kind: Kind
    severity: str = WARNING
    since: Tuple[int, ...] = ()
    may_be_empty: bool = False
    needs: Optional[Need] = None
    public_only: bool = False
    guards: bool = False
    deprecated: Optional[str] = None


def text(_value: str) -> Optional[Fault]:
    """Any text will do, or other rules look at it."""
    return None


def boolean(value: str) -> Optional[Fault]:
    """"true" or "false"; the cloud provider takes everything else for "false"."""
    return None if value.lower() in ('true', 'false') else Fault(
        INVALID, 'is neither "true" nor "false", and counts as "false"')


def whole(low: int, high: Optional[int] = None, disputed: Optional[int] = None) -> Kind:
    """A whole number from `low` to `high`; up to `disputed` sources differ."""
    def kind(value: str) -> Optional[Fault]:
        if not _WHOLE.fullmatch(value):
            return Fault(INVALID, 'is no whole number')
        number = int(value)
        if number >= low and (high is None or number <= high):
            return None
        bounds = f'below {low}' if high is None else f'not within {low} to {high}'
        if disputed and high is not None and high < number <= disputed:
            return Fault(OUT_OF_RANGE, f'is {bounds}, which Azure documents (unverified: newer versions may take up '
                                       f'to {disputed})', WARNING)
        return Fault(OUT_OF_RANGE, f'is {bounds}')
    return kind


def address(version: int) -> Kind:
    """One address of the IP version."""
    def kind(value: str) -> Optional[Fault]:
        parsed = parse_address(value)
        return None if parsed and parsed.version == version else Fault(INVALID, f'is no IPv{version} address')
    return kind


def addresses(separator: Optional[str], version: Optional[int] = None) -> Kind:
    """A list of addresses; without a separator, with blanks between them."""
    def kind(value: str) -> Optional[Fault]:
        for part in value.split(separator):
            parsed = parse_address(part)
            if not parsed or version not in (None, parsed.version):
                return Fault(INVALID, f'holds {quoted(part.strip())}, which is no IP{f"v{version}" if version else ""} '
                                      'address')
        return None
    return kind


def matching(pattern: Pattern[str], says: str) -> Kind:
    """A value that is a `pattern` as a whole."""
    def kind(value: str) -> Optional[Fault]:
        return None if pattern.fullmatch(value) else Fault(INVALID, says)
    return kind


def tags(value: str) -> Optional[Fault]:
    """`key=value` pairs."""
    return None if all('=' in part for part in value.split(',')) else Fault(
        INVALID, 'is no list of key=value pairs with commas between them')


def probe_protocol(value: str) -> Optional[Fault]:
    """The protocols of a health probe; anything else becomes Tcp."""
    return None if value.strip().lower() in ('tcp', 'http', 'https') else Fault(
        INVALID, 'is none of tcp, http and https, and counts as tcp')


def request_path(value: str) -> Optional[Fault]:
    """The path that an HTTP probe asks for."""
    return None if value.startswith('/') else Fault(INVALID, 'does not begin with a slash')


_NAME = matching(_RESOURCE_NAME, 'is no name of an Azure resource (give the name, not the id)')
_ID = matching(_PREFIX_ID, 'is no id of a public IP prefix '
                           '(/subscriptions/.../providers/Microsoft.Network/publicIPPrefixes/NAME)')
_LABEL = matching(_DNS_LABEL, 'is no DNS label: 3 to 63 small letters, digits and hyphens, a letter first, '
                              'no hyphen last')
_GROUP = matching(_GROUP_NAME, 'is no name of a resource group')
_PUBLIC = Need('azure-load-balancer-internal', 'true', ERROR,
               'the service gets a public address instead of one in the subnet')
_LINK = Need('azure-pls-create', 'true', WARNING, 'no private link service is made')

_ROWS = (
    Annotation('azure-load-balancer-internal', boolean, ERROR, guards=True),
    Annotation('azure-load-balancer-internal-subnet', _NAME, ERROR, needs=_PUBLIC, guards=True),
    Annotation('azure-load-balancer-mode', text,
               deprecated='it only ever chose among Basic load balancers; remove it, or with several Standard load '
                          'balancers use azure-load-balancer-configurations'),
    Annotation('azure-load-balancer-configurations', text),
    Annotation('azure-dns-label-name', _LABEL, ERROR, may_be_empty=True, public_only=True),
    Annotation('azure-shared-securityrule', boolean,
               deprecated='AKS no longer documents it, and security rules are shared without it; remove it'),
    Annotation('azure-load-balancer-resource-group', _GROUP, ERROR, public_only=True),
    Annotation('azure-pip-name', _NAME, ERROR, public_only=True),
    Annotation('azure-pip-name-ipv6', _NAME, ERROR, since=(1, 27), public_only=True),
    Annotation('azure-pip-prefix-id', _ID, ERROR, public_only=True),
    Annotation('azure-pip-prefix-id-ipv6', _ID, ERROR, since=(1, 27), public_only=True),
    Annotation('azure-pip-tags', tags, public_only=True),
    Annotation('azure-pip-ip-tags', tags, public_only=True),
    Annotation('azure-allowed-service-tags', text, ERROR, guards=True),
    Annotation('azure-allowed-ip-ranges', text, ERROR, since=(1, 29), guards=True),
    Annotation('load-balancer-source-ranges', text, ERROR, guards=True),
    Annotation('azure-deny-all-except-load-balancer-source-ranges', boolean, ERROR, guards=True),
    Annotation('azure-load-balancer-tcp-idle-timeout',
               whole(SHORTEST_IDLE_TIMEOUT, LONGEST_IDLE_TIMEOUT, DISPUTED_IDLE_TIMEOUT), ERROR),
    Annotation('azure-load-balancer-disable-tcp-reset', boolean),
    Annotation('azure-load-balancer-enable-high-availability-ports', boolean,
               needs=Need('azure-load-balancer-internal', 'true', WARNING,
                          'high availability ports exist on internal load balancers only')),
    Annotation('azure-disable-load-balancer-floating-ip', boolean),
    Annotation('azure-disable-load-balancer-nsg-rule', boolean, guards=True),
    Annotation('azure-additional-public-ips', addresses(','), ERROR),
    Annotation('azure-load-balancer-ipv4', address(4), ERROR),
    Annotation('azure-load-balancer-ipv6', address(6), ERROR),
    Annotation('azure-load-balancer-health-probe-protocol', probe_protocol),
    Annotation('azure-load-balancer-health-probe-interval', whole(SHORTEST_INTERVAL), ERROR),
    Annotation('azure-load-balancer-health-probe-num-of-probe', whole(FEWEST_PROBES), ERROR),
    Annotation('azure-load-balancer-health-probe-request-path', request_path),
    Annotation('azure-pls-create', boolean),
    Annotation('azure-pls-name', _NAME, ERROR, needs=_LINK),
    Annotation('azure-pls-resource-group', _GROUP, ERROR, needs=_LINK),
    Annotation('azure-pls-ip-configuration-subnet', _NAME, ERROR, needs=_LINK),
    Annotation('azure-pls-ip-configuration-ip-address-count', whole(1, 8), ERROR, needs=_LINK),
    Annotation('azure-pls-ip-configuration-ip-address', addresses(None, 4), ERROR, needs=_LINK),
    Annotation('azure-pls-fqdns', text, needs=_LINK),
    Annotation('azure-pls-proxy-protocol', boolean, needs=_LINK),
    Annotation('azure-pls-visibility', text, needs=_LINK),
    Annotation('azure-pls-auto-approval', text,
               needs=Need('azure-pls-visibility', '*', WARNING, 'nothing is approved by itself')),
)

_PORT_ROWS = (
    Annotation('no_lb_rule', boolean, since=(1, 24), guards=True),
    Annotation('no_probe_rule', boolean, since=(1, 24)),
    Annotation('health-probe_protocol', probe_protocol, since=(1, 24)),
    Annotation('health-probe_port', text, ERROR, since=(1, 24)),
    Annotation('health-probe_interval', whole(SHORTEST_INTERVAL), ERROR),
    Annotation('health-probe_num-of-probe', whole(FEWEST_PROBES), ERROR),
    Annotation('health-probe_request-path', request_path),
)

ANNOTATIONS = {row.name: row for row in _ROWS}
PORT_ANNOTATIONS = {row.name: row for row in _PORT_ROWS}

#: Other clouds' annotations under the same prefix: without effect on AKS, and common in charts for many clouds.
OTHER_CLOUDS = ('aws-', 'do-', 'oci-', 'openstack-', 'linode-', 'vultr-', 'brightbox-', 'cce-', 'alibaba', 'alicloud-',
                'ibm-', 'scw-', 'yandex-', 'qcloud-', 'tencent', 'huawei-', 'exoscale-', 'cloudstack-', 'upcloud-')


def find(name: str) -> Optional[Annotation]:
    """The row of an annotation, given without its prefix; None where the cloud provider knows no such name."""
    by_port = _PORT_ANNOTATION.fullmatch(name)
    return PORT_ANNOTATIONS.get(by_port[2]) if by_port else ANNOTATIONS.get(name)


def port_of(name: str) -> Optional[int]:
    """The port that a per-port annotation is about, or None."""
    by_port = _PORT_ANNOTATION.fullmatch(name)
    return int(by_port[1]) if by_port and by_port[2] in PORT_ANNOTATIONS else None


@lru_cache(maxsize=4096)
def nearest(name: str) -> Optional[str]:
    """The known name that a misspelt one is closest to, or None; names beyond 100 characters are no misspelling."""
    if len(name) > 100:
        return None
    by_port = re.match(r'port_([0-9]{1,9})_', name)
    if by_port:
        found = difflib.get_close_matches(name[by_port.end():], PORT_ANNOTATIONS, 1)
        return by_port[0] + found[0] if found else None
    found = difflib.get_close_matches(name.lower(), ANNOTATIONS, 1, 0.75)
    return found[0] if found else None
