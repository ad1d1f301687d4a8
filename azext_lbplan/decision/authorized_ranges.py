# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The ranges that may reach the API server, against the addresses that nodes reach it from.

Nodes of a public cluster reach the API server from their egress IPs. Source: AZURE-FACTS section 1.
"""

from __future__ import annotations

import ipaddress
from typing import Iterable, NamedTuple, Optional, Tuple

from ..facts.api_server import AUTHORIZED_RANGES_OPTION, MAX_AUTHORIZED_RANGES, ONLY_LOAD_BALANCER, is_taken
from ..facts.ids import ArmId
from ..model.cluster import Cluster
from . import steps
from .columns import Settings
from .decide import Decision
from .egress_addresses import addresses_of


class Extension(NamedTuple):
    """A list of ranges with more addresses: `missing` are those that it lacks, `refused` those of the whole that
    `az aks` does not take. `command` is None where nothing is missing, or where no line sets the whole list."""

    missing: Tuple[str, ...]
    refused: Tuple[str, ...]
    ranges: Tuple[str, ...]
    command: Optional[str]

    @property
    def too_long(self) -> bool:
        """Whether Azure does not take so many."""
        return len(self.ranges) > MAX_AUTHORIZED_RANGES


class NewAddresses(NamedTuple):
    """The addresses that a decision adds to those that traffic leaves from: those that are known, and how many are not.
    `managed`: AKS makes them. `to_make`: lines before the update do."""

    known: Tuple[str, ...]
    unknown: int
    managed: bool
    to_make: bool


def ranges_matter(cluster: Optional[Cluster]) -> bool:
    """Whether a list keeps nodes out that are not on it: of a cluster whose API server is public, with no way to it
    within the network."""
    return (cluster is not None and bool(cluster.authorized_ranges) and not cluster.private and
            not cluster.vnet_integration)


def extension(cluster: Cluster, addresses: Iterable[str], today: Iterable[str] = ()) -> Extension:
    """The list of `cluster` with `addresses`; with those of `today`, too, where the entry for the load balancer's own
    IPs has to go because it stands alone."""
    listed = cluster.authorized_ranges
    missing = _not_covered(addresses, listed)
    ranges = listed + missing
    if ONLY_LOAD_BALANCER in listed:
        kept = tuple(entry for entry in listed if entry != ONLY_LOAD_BALANCER)
        ranges = kept + _not_covered((*today, *missing), kept)
    refused = tuple(entry for entry in ranges if not is_taken(entry))
    settable = bool(missing) and not refused and len(ranges) <= MAX_AUTHORIZED_RANGES and cluster.is_named
    command = steps.update(cluster, (AUTHORIZED_RANGES_OPTION, ','.join(ranges))).line
    return Extension(missing, refused, ranges, command if settable else None)


def new_addresses_of(decision: Decision) -> Optional[NewAddresses]:
    """The addresses that the decision's line, or the code, adds; None where it adds none."""
    before, after = (column.settings if column else None for column in (decision.current, decision.leads_to))
    if before is None or after is None:
        return None
    more = max(0, (after.managed_outbound_ip_count or 0) - (before.managed_outbound_ip_count or 0))
    added = _own_beyond(before, after)
    if not more and not added:
        return None
    known = [addresses_of(decision.observed, [one]) for one in added]
    found = tuple(address for addresses in known for address in addresses or ())
    return NewAddresses(found, known.count(None) + more, more > 0, bool(decision.new_addresses))


def _own_beyond(before: Settings, after: Settings) -> Tuple[ArmId, ...]:
    there = {one.lower() for one in before.own_ids}
    return tuple(one for one in after.own_ids if one.lower() not in there)


def _not_covered(addresses: Iterable[str], ranges: Tuple[str, ...]) -> Tuple[str, ...]:
    return tuple(address for address in dict.fromkeys(addresses) if not _covered(address, ranges))


def _covered(address: str, ranges: Iterable[str]) -> bool:
    """Whether one of the ranges holds the address or prefix. IPv6 is no matter: the list takes IPv4 alone."""
    wanted = ipaddress.ip_network(address, strict=False)
    if wanted.version == 6:
        return True
    return any(_holds(entry, wanted) for entry in ranges)


def _holds(entry: str, wanted: ipaddress.IPv4Network) -> bool:
    try:
        network = ipaddress.ip_network(entry, strict=False)
    except ValueError:
        return False
    return network.version == 4 and wanted.subnet_of(network)
