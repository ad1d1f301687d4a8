# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The annotations that Azure's cloud provider reads on a Service, and what each may say.

Source: AZURE-FACTS section 6; cloud-provider-azure `pkg/consts/consts.go`, `pkg/provider/azure_loadbalancer*.go` and
its documentation pages `topics/loadbalancer` and `topics/pls-integration`.
"""

import re
from typing import Callable, NamedTuple, Optional, Pattern, Tuple

from ...model.finding import ERROR, WARNING
from ...model.service import parse_address, quoted
from .probes import FEWEST_PROBES, SHORTEST_INTERVAL

#: Minutes. The AKS article says up to 30; the cloud provider takes 100 since 1.28 (PR 4360, azure_loadbalancer.go).
SHORTEST_IDLE_TIMEOUT, DOCUMENTED_IDLE_TIMEOUT, LONGEST_IDLE_TIMEOUT = 4, 30, 100
LONGER_IDLE_TIMEOUT_FROM = (1, 28)

#: The largest number that the cloud provider can read.
_INT32 = 2 ** 31 - 1

_WHOLE = re.compile(r'\s*[-+]?[0-9]{1,18}\s*')
_DNS_LABEL = re.compile(r'[a-z][a-z0-9-]{1,61}[a-z0-9]')
_RESOURCE_NAME = re.compile(r'[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,78}[A-Za-z0-9_])?')
_GROUP_NAME = re.compile(r'[\w.()-]{0,89}[\w()-]')
_PREFIX_ID = re.compile(
    r'/subscriptions/[^/]+/resourceGroups/[^/]+/providers/Microsoft\.Network/publicIPPrefixes/[^/]+', re.IGNORECASE)
_PORT_ANNOTATION = re.compile(r'port_([0-9]{1,9})_(.+)')

INVALID, OUT_OF_RANGE = 'AnnotationValueInvalid', 'AnnotationOutOfRange'


class Fault(NamedTuple):
    """What is wrong with a value: under which rule, and in words."""

    code: str
    says: str


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
    warning where the value is passed over. `guards` marks those whose misspelling opens a service to more clients.
    `of_probe`: a bad value only counts where a health probe takes it."""

    name: str
    kind: Kind
    severity: str = WARNING
    since: Tuple[int, ...] = ()
    may_be_empty: bool = False
    needs: Optional[Need] = None
    public_only: bool = False
    guards: bool = False
    deprecated: Optional[str] = None
    of_probe: bool = False


def text(_value: str) -> Optional[Fault]:
    """Any text will do, or other rules look at it."""
    return None


def boolean(value: str) -> Optional[Fault]:
    """"true" or "false" without blanks; the cloud provider takes everything else for "false"."""
    return None if value.lower() in ('true', 'false') else Fault(
        INVALID, 'is neither "true" nor "false", and counts as "false"')


def trimmed_boolean(value: str) -> Optional[Fault]:
    """The same for the switches around which the cloud provider passes blanks over."""
    return boolean(value.strip())


def whole(low: int, high: int = _INT32) -> Kind:
    """A whole number from `low` to `high`; blanks around it are passed over."""
    def kind(value: str) -> Optional[Fault]:
        if not _WHOLE.fullmatch(value):
            return Fault(INVALID, 'is no whole number')
        if low <= int(value) <= high:
            return None
        return Fault(OUT_OF_RANGE, f'is below {low}' if high == _INT32 > int(value) else
                     f'is not within {low} to {high}')
    return kind


def address(version: int) -> Kind:
    """One address of the IP version."""
    def kind(value: str) -> Optional[Fault]:
        parsed = parse_address(value)
        return None if parsed and parsed.version == version else Fault(INVALID, f'is no IPv{version} address')
    return kind


def addresses(separator: Optional[str], version: Optional[int] = None) -> Kind:
    """A list of addresses; without a separator, with blanks between them. With one no blank may stand beside it."""
    def kind(value: str) -> Optional[Fault]:
        for part in (value if separator is None else value.strip()).split(separator):
            parsed = parse_address(part)
            if not parsed or version not in (None, parsed.version):
                return Fault(INVALID, f'holds {quoted(part)}, which is no IP{f"v{version}" if version else ""} '
                                      'address')
        return None
    return kind


def matching(pattern: Pattern[str], says: str, trimmed: bool = False) -> Kind:
    """A value that is a `pattern` as a whole; `trimmed`: blanks around it are passed over."""
    def kind(value: str) -> Optional[Fault]:
        return None if pattern.fullmatch(value.strip() if trimmed else value) else Fault(INVALID, says)
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
_GROUP = matching(_GROUP_NAME, 'is no name of a resource group', trimmed=True)
_TRIMMED_NAME = matching(_RESOURCE_NAME, 'is no name of an Azure resource (give the name, not the id)', trimmed=True)
_PUBLIC = Need('azure-load-balancer-internal', 'true', ERROR,
               'the service gets a public address instead of one in the subnet')
_LINK = Need('azure-pls-create', 'true', WARNING, 'no private link service is made')

_ROWS = (
    Annotation('azure-load-balancer-internal', boolean, ERROR, guards=True),
    Annotation('azure-load-balancer-internal-subnet', _NAME, ERROR, needs=_PUBLIC, guards=True),
    Annotation('azure-load-balancer-mode', text,
               deprecated='it only ever chose among Basic load balancers; remove it, or with several Standard load '
                          'balancers use azure-load-balancer-configurations'),
    Annotation('azure-load-balancer-configurations', text, since=(1, 28)),
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
               whole(SHORTEST_IDLE_TIMEOUT, LONGEST_IDLE_TIMEOUT), ERROR),
    Annotation('azure-load-balancer-disable-tcp-reset', boolean, since=(1, 29)),
    Annotation('azure-load-balancer-enable-high-availability-ports', boolean,
               needs=Need('azure-load-balancer-internal', 'true', WARNING,
                          'high availability ports exist on internal load balancers only')),
    Annotation('azure-disable-load-balancer-floating-ip', boolean),
    Annotation('azure-disable-load-balancer-nsg-rule', boolean, guards=True),
    Annotation('azure-additional-public-ips', addresses(','), ERROR),
    Annotation('azure-load-balancer-ipv4', address(4), ERROR),
    Annotation('azure-load-balancer-ipv6', address(6), ERROR),
    Annotation('azure-load-balancer-health-probe-protocol', probe_protocol),
    Annotation('azure-load-balancer-health-probe-interval', whole(SHORTEST_INTERVAL), ERROR, of_probe=True),
    Annotation('azure-load-balancer-health-probe-num-of-probe', whole(FEWEST_PROBES), ERROR, of_probe=True),
    Annotation('azure-load-balancer-health-probe-request-path', request_path),
    Annotation('azure-pls-create', trimmed_boolean),
    Annotation('azure-pls-name', _TRIMMED_NAME, ERROR, needs=_LINK),
    Annotation('azure-pls-resource-group', _GROUP, ERROR, needs=_LINK),
    Annotation('azure-pls-ip-configuration-subnet', _NAME, ERROR, needs=_LINK),
    Annotation('azure-pls-ip-configuration-ip-address-count', whole(1, 8), ERROR, needs=_LINK),
    Annotation('azure-pls-ip-configuration-ip-address', addresses(None, 4), ERROR, needs=_LINK),
    Annotation('azure-pls-fqdns', text, needs=_LINK),
    Annotation('azure-pls-proxy-protocol', trimmed_boolean, needs=_LINK),
    Annotation('azure-pls-visibility', text, needs=_LINK),
    Annotation('azure-pls-auto-approval', text, needs=_LINK),
)

_PORT_ROWS = (
    Annotation('no_lb_rule', boolean, since=(1, 24), guards=True),
    Annotation('no_probe_rule', boolean, since=(1, 24)),
    Annotation('health-probe_protocol', probe_protocol, since=(1, 24)),
    Annotation('health-probe_port', text, ERROR, since=(1, 24)),
    Annotation('health-probe_interval', whole(SHORTEST_INTERVAL), ERROR, of_probe=True),
    Annotation('health-probe_num-of-probe', whole(FEWEST_PROBES), ERROR, of_probe=True),
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
