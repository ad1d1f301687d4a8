# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The public IPs and prefixes that packets leave from, by their ids and as the addresses that allow-lists take."""

import ipaddress
import re
from typing import Iterable, List, Optional, Tuple

from ..facts.clusters import LOAD_BALANCER
from ..facts.ids import ArmId
from ..facts.networks import IPV6, PREFIX_TYPE
from ..model.cluster import Cluster
from ..model.network import Frontend, LoadBalancer
from ..model.observed import Observed
from ..model.subnets import NatGateway
from ..model.values import distinct


#: The usual one, told at a tenth of what `ipaddress` takes.
_OCTET = r'(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])'
_IPV4 = re.compile(rf'{_OCTET}(?:\.{_OCTET}){{3}}\Z')


def balancer_address_ids(observed: Observed, cluster: Cluster) -> Optional[Tuple[ArmId, ...]]:
    """Those of the frontends of all outbound rules where the load balancer was read, else those that the profile calls
    effective, else the own ones that it names. None where they are not known."""
    balancer = observed.load_balancer
    if balancer is not None and balancer.outbound_rules:
        return _ids_of(_outbound_frontends(balancer))
    if cluster.outbound_type != LOAD_BALANCER:
        return None
    return cluster.profile.effective_ids or cluster.profile.own_ids or None


def balancer_ipv6_ids(observed: Observed, cluster: Cluster) -> Tuple[ArmId, ...]:
    """Those that IPv6 leaves from, where a NAT gateway takes IPv4 away from the load balancer."""
    if observed.load_balancer is None or not cluster.dual_stack:
        return ()
    frontends = _outbound_frontends(observed.load_balancer) or ()
    return _ids_of(frontend for frontend in frontends if frontend.version == IPV6) or ()


def gateway_ips(observed: Observed, gateway: NatGateway) -> Optional[int]:
    """IPv4 addresses of a NAT gateway; None where the length of a prefix is not known."""
    ips = [one for one in gateway.address_ids if one.type != PREFIX_TYPE]
    prefixes = [observed.prefix(one) for one in gateway.address_ids if one.type == PREFIX_TYPE]
    lengths = [prefix.addresses if prefix else None for prefix in prefixes]
    if None in lengths:
        return None
    return sum(_version(observed, one) != IPV6 for one in ips) + sum(filter(None, lengths))


def _version(observed: Observed, address_id: ArmId) -> Optional[str]:
    address = observed.public_ip(address_id)
    return address.version if address else None


def addresses_of(observed: Observed, address_ids: Optional[Iterable[ArmId]]) -> Optional[Tuple[str, ...]]:
    """The addresses and prefixes of these ids, as text; None where one is not known."""
    if address_ids is None:
        return None
    texts = [_text(observed, address_id) for address_id in distinct(address_ids)]
    known = tuple(text for text in texts if text is not None)
    return known if len(known) == len(texts) else None


def _outbound_frontends(balancer: LoadBalancer) -> Optional[List[Frontend]]:
    """The frontends of all outbound rules; None where one of them was not understood."""
    used = {one.lower() for rule in balancer.outbound_rules for one in rule.frontend_ids}
    frontends = [frontend for frontend in balancer.frontends if frontend.id.lower() in used]
    return frontends if len(frontends) == len(used) else None


def _ids_of(frontends: Optional[Iterable[Frontend]]) -> Optional[Tuple[ArmId, ...]]:
    if frontends is None:
        return None
    ids = (one for frontend in frontends for one in (frontend.public_ip_id, frontend.prefix_id) if one is not None)
    return distinct(ids) or None


def _text(observed: Observed, address_id: ArmId) -> Optional[str]:
    if address_id.type == PREFIX_TYPE:
        prefix = observed.prefix(address_id)
        return _valid(prefix.ip_prefix if prefix else None)
    address = observed.public_ip(address_id)
    return _valid(address.ip_address if address else None)


def _valid(written: Optional[str]) -> Optional[str]:
    """An address or a prefix, and nothing else that a file may hold in its place."""
    written = written or ''
    if _IPV4.match(written):
        return written
    try:
        ipaddress.ip_network(written, strict=False) if '/' in written else ipaddress.ip_address(written)
    except ValueError:
        return None
    return written
