# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What to write instead of an annotation that Azure does not know: only what means the same.

A name that is nearly a known one is a slip of the pen. Names that are another thing, of an older release, or of another
cloud stand in tables: what is close in spelling can be far in meaning.
"""

import re
from functools import lru_cache
from typing import Dict, Iterable, List, NamedTuple, Optional

from .annotations import ANNOTATIONS, PORT_ANNOTATIONS

#: Names beyond this length are no slip of the pen.
_LONGEST_NAME = 100

#: How many letters may be wrong, missing, too many or swapped.
_MOST_SLIPS = 2

_DIGITS = re.compile('[0-9]+')
_BY_PORT = re.compile(r'(port_[0-9]{1,9}_)(.+)', re.DOTALL)


class Advice(NamedTuple):
    """What to do about a name: the annotation that means the same, if there is one, or what is true instead."""

    instead: Optional[str]
    says: str = ''


_SAME: Dict[str, str] = {
    'azure-allowed-ips': 'azure-allowed-ip-ranges', 'azure-allowed-ranges': 'azure-allowed-ip-ranges',
    'azure-allowed-source-ranges': 'azure-allowed-ip-ranges', 'azure-source-ranges': 'azure-allowed-ip-ranges',
    'azure-load-balancer-allowed-ip-ranges': 'azure-allowed-ip-ranges',
    'azure-load-balancer-source-ranges': 'azure-allowed-ip-ranges',
    'azure-load-balancer-allowed-service-tags': 'azure-allowed-service-tags',
    'azure-deny-all-except-source-ranges': 'azure-deny-all-except-load-balancer-source-ranges',
    'azure-dns-label': 'azure-dns-label-name', 'azure-dns-name': 'azure-dns-label-name',
    'azure-load-balancer-dns-label': 'azure-dns-label-name',
    'azure-load-balancer-dns-label-name': 'azure-dns-label-name',
    'azure-pip-dns-label': 'azure-dns-label-name', 'azure-pip-dns-label-name': 'azure-dns-label-name',
    'azure-internal': 'azure-load-balancer-internal', 'azure-internal-load-balancer': 'azure-load-balancer-internal',
    'azure-load-balancer-is-internal': 'azure-load-balancer-internal',
    'azure-internal-subnet': 'azure-load-balancer-internal-subnet',
    'azure-load-balancer-subnet': 'azure-load-balancer-internal-subnet',
    'azure-load-balancer-subnet-name': 'azure-load-balancer-internal-subnet',
    'azure-idle-timeout': 'azure-load-balancer-tcp-idle-timeout',
    'azure-load-balancer-idle-timeout': 'azure-load-balancer-tcp-idle-timeout',
    'azure-load-balancer-tcp-timeout': 'azure-load-balancer-tcp-idle-timeout',
    'azure-disable-tcp-reset': 'azure-load-balancer-disable-tcp-reset',
    'azure-load-balancer-disable-floating-ip': 'azure-disable-load-balancer-floating-ip',
    'azure-disable-floating-ip': 'azure-disable-load-balancer-floating-ip',
    'azure-load-balancer-disable-nsg-rule': 'azure-disable-load-balancer-nsg-rule',
    'azure-load-balancer-enable-ha-ports': 'azure-load-balancer-enable-high-availability-ports',
    'azure-load-balancer-ha-ports': 'azure-load-balancer-enable-high-availability-ports',
    'azure-load-balancer-ip': 'azure-load-balancer-ipv4', 'azure-load-balancer-ip-address': 'azure-load-balancer-ipv4',
    'azure-load-balancer-private-ip': 'azure-load-balancer-ipv4',
    'azure-load-balancer-static-ip': 'azure-load-balancer-ipv4',
    'azure-load-balancer-pip-name': 'azure-pip-name', 'azure-public-ip-name': 'azure-pip-name',
    'azure-load-balancer-public-ip-name': 'azure-pip-name', 'azure-pip-name-ipv4': 'azure-pip-name',
    'azure-load-balancer-pip-prefix-id': 'azure-pip-prefix-id', 'azure-pip-prefix': 'azure-pip-prefix-id',
    'azure-pip-resource-group': 'azure-load-balancer-resource-group',
    'azure-resource-group': 'azure-load-balancer-resource-group',
    'azure-load-balancer-rg': 'azure-load-balancer-resource-group',
    'azure-load-balancer-tags': 'azure-pip-tags', 'azure-load-balancer-pip-tags': 'azure-pip-tags',
    'azure-load-balancer-health-probe-path': 'azure-load-balancer-health-probe-request-path',
    'azure-health-probe-path': 'azure-load-balancer-health-probe-request-path',
    'azure-health-probe-protocol': 'azure-load-balancer-health-probe-protocol',
    'azure-health-probe-interval': 'azure-load-balancer-health-probe-interval',
    'azure-private-link-service-create': 'azure-pls-create', 'azure-pls-enabled': 'azure-pls-create',
    'azure-pls-subnet': 'azure-pls-ip-configuration-subnet', 'azure-pls-fqdn': 'azure-pls-fqdns',
}

#: What has no counterpart. Sources: kubernetes PR 97096 (mixed protocols), AKS#2811 (SKU), the cloud provider's list.
_MOVED: Dict[str, str] = {
    'azure-load-balancer-mixed-protocols': 'Remove it: it was dropped in Kubernetes 1.20, and TCP and UDP ports go '
                                           'together without it.',
    'azure-load-balancer-sku': 'Remove it: the SKU is the cluster\'s, and no service can choose it.',
    'azure-load-balancer-name': 'Remove it: with several Standard load balancers azure-load-balancer-configurations '
                                'chooses among them.',
    'azure-load-balancer-health-probe-port': 'Write port_{port}_health-probe_port: a probe port belongs to one port of '
                                             'the service.',
    'azure-load-balancer-enable-tcp-reset': 'Remove it: TCP reset is on, unless azure-load-balancer-disable-tcp-reset '
                                            'is "true".',
    'azure-load-balancer-enable-floating-ip': 'Remove it: floating IP is on, unless '
                                              'azure-disable-load-balancer-floating-ip is "true".',
    'azure-load-balancer-internal-subnet-id': 'Write azure-load-balancer-internal-subnet with the name of the subnet.',
    'azure-load-balancer-session-affinity': 'Write spec.sessionAffinity: ClientIP.',
    'azure-load-balancer-distribution': 'Write spec.sessionAffinity: ClientIP for distribution by the client\'s IP.',
    'azure-load-balancer-type': 'Write azure-load-balancer-internal: "true" for an internal load balancer; a public '
                                'one needs nothing.',
}

#: {annotation of another cloud: the value that asks for an internal load balancer there}.
INTERNAL_ELSEWHERE: Dict[str, str] = {
    'service.beta.kubernetes.io/aws-load-balancer-internal': r'(?!false$).+',
    'service.beta.kubernetes.io/aws-load-balancer-scheme': 'internal',
    'cloud.google.com/load-balancer-type': 'internal',
    'networking.gke.io/load-balancer-type': 'internal',
    'service.beta.kubernetes.io/openstack-internal-load-balancer': 'true',
    'service.beta.kubernetes.io/oci-load-balancer-internal': 'true',
    'service.beta.kubernetes.io/alibaba-cloud-loadbalancer-address-type': 'intranet',
    'service.beta.kubernetes.io/alicloud-loadbalancer-address-type': 'intranet',
    'service.kubernetes.io/ibm-load-balancer-cloud-provider-ip-type': 'private',
    'service.kubernetes.io/qcloud-loadbalancer-internal-subnetid': '.+',
}


def advise(name: str) -> Advice:
    """What to write instead of `name`, which is given without prefix and which Azure does not know."""
    if name in _MOVED:
        return Advice(None, _MOVED[name])
    return Advice(nearest(name))


@lru_cache(maxsize=4096)
def nearest(name: str) -> Optional[str]:
    """The known name that means the same as a misspelt one, or None."""
    if len(name) > _LONGEST_NAME:
        return None
    by_port = _BY_PORT.fullmatch(name)
    if by_port:
        found = slip_of(by_port[2], PORT_ANNOTATIONS)
        return by_port[1] + found if found else None
    plain = re.sub('[_. ]', '-', name.lower())
    return plain if plain in ANNOTATIONS else _SAME.get(plain) or slip_of(plain, ANNOTATIONS)


def slip_of(name: str, known: Iterable[str]) -> Optional[str]:
    """The only known name that `name` is a slip of: a few letters, never a digit, never another word."""
    folded = name.lower().replace('_', '-')
    digits = _DIGITS.findall(folded)
    close = {candidate: _slips(folded, candidate.lower().replace('_', '-')) for candidate in known
             if abs(len(candidate) - len(folded)) <= _MOST_SLIPS and _DIGITS.findall(candidate) == digits}
    best = min(close.values(), default=_MOST_SLIPS + 1)
    found = [candidate for candidate, slips in close.items() if slips == best]
    return found[0] if best <= _MOST_SLIPS and len(found) == 1 else None


def _slips(left: str, right: str) -> int:
    """How many letters differ, are missing, too many, or swapped with the next one (Damerau and Levenshtein)."""
    before: List[int] = []
    row = list(range(len(right) + 1))
    for i, mine in enumerate(left, 1):
        before, last, row = row, before, [i]
        for j, theirs in enumerate(right, 1):
            best = min(before[j] + 1, row[-1] + 1, before[j - 1] + (mine != theirs))
            if i > 1 and j > 1 and mine == right[j - 2] and left[i - 2] == theirs:
                best = min(best, last[j - 2] + 1)
            row.append(best)
    return row[-1]
