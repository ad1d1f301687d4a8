# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Azure's port arithmetic: how many SNAT ports there are, how they are given out, what AKS validates.

Every constant cites AZURE-FACTS. Counts are nodes, ports and IPv4 addresses; nothing here reads anything.
"""

import math
from functools import lru_cache
from typing import NamedTuple, Optional, Tuple

#: SNAT ports of one outbound IPv4 address, separately for TCP and for UDP. Source: AZURE-FACTS section 2 [D].
PORTS_PER_IP = 64000

#: An allocation is a multiple of 8; a rule on an outbound frontend eats one block of 8. Source: section 2 [D], [I].
PORT_BLOCK = 8

#: The most ports that one node can have. Source: AZURE-FACTS section 1, `allocatedOutboundPorts` [D].
MAX_PORTS_PER_NODE = 64000

#: Automatic allocation: up to so many nodes, so many ports per node and frontend. Source: section 2 [D].
TIERS = ((50, 1024), (100, 512), (200, 256), (400, 128), (800, 64), (1000, 32))

#: With several frontends, automatic allocation gives at most this. Source: AZURE-FACTS section 2 [D].
MAX_AUTOMATIC_PORTS = 1024

#: Above this pool size the automatic allocation is not documented. Source: AZURE-FACTS section 2 [?].
LARGEST_TIER = TIERS[-1][0]

#: Limits of the IP options. Source: AZURE-FACTS section 1 [D].
MAX_MANAGED_IPS = 100

#: More own IPs than this are in doubt: the limit of aks-engine, stated nowhere else. Source: AZURE-FACTS section 1 [?].
MOST_CERTAIN_OWN_IPS = 16

#: Limits of one Standard load balancer: frontends (and so the most prefixes), rules in all, rules on one network
#: interface, instances in one backend pool. Source: AZURE-FACTS section 2, Limits [D].
MAX_FRONTENDS = 600
MAX_RULES = 1500
MAX_RULES_PER_NIC = 300
MAX_POOL_SIZE = 5000

#: Backend IP configurations of one frontend: each member of a pool counts once for each rule. Source: section 2 [D].
MAX_CONFIGURATIONS_PER_FRONTEND = 10000

#: Instances of one scale set, surge included. Source: AZURE-FACTS section 3 [D].
MAX_SCALE_SET = 1000

#: What `az aks` accepts as idle timeout; ARM takes up to 120. Source: AZURE-FACTS section 1, table.
MIN_IDLE_TIMEOUT = 4
MAX_IDLE_TIMEOUT = 100
MAX_ARM_IDLE_TIMEOUT = 120

#: Lengths of IPv4 prefixes that Azure makes without a custom IP range: /31 (2) … /28 (16). Source: section 2 [D].
PREFIX_LENGTHS = (31, 30, 29, 28)

#: From this Kubernetes version an unset maxSurge is 10 %; below it sources say 10 % and 1. Source: AZURE-FACTS
#: section 2 (CHANGELOG 2025-03-16) [?].
PERCENT_SURGE_SINCE = (1, 32)
DEFAULT_SURGE_PERCENT = 10

#: A NAT gateway's ports per IP and most IPs. Source: AZURE-FACTS section 5 [D].
NAT_GATEWAY_PORTS_PER_IP = 64512
NAT_GATEWAY_MAX_IPS = 16

#: Connections of a NAT gateway to one destination, for each of its IPs. Source: AZURE-FACTS section 5 [D].
NAT_GATEWAY_CONNECTIONS = 50000

#: Ports that Azure Firewall gives per IP and instance. Source: AZURE-FACTS section 2 [D].
FIREWALL_PORTS_PER_IP = 2496


def floor8(ports: float) -> int:
    """The largest multiple of 8 that is at most `ports`."""
    return int(ports) // PORT_BLOCK * PORT_BLOCK


def ceil8(ports: float) -> int:
    """The smallest multiple of 8 that is at least `ports`."""
    return math.ceil(ports / PORT_BLOCK) * PORT_BLOCK


def is_valid_allocation(ports: int) -> bool:
    """Whether Azure takes `ports` per node: a multiple of 8 from 0 (automatic) to 64,000. Source: section 1 [D]."""
    return ports % PORT_BLOCK == 0 and 0 <= ports <= MAX_PORTS_PER_NODE


def automatic_ports(nodes: int, frontends: int) -> Optional[int]:
    """Ports per node under automatic allocation: `min(table × frontends, 1024)`; None above 1000 nodes (unknown)."""
    for largest, ports in TIERS:
        if nodes <= largest:
            return min(ports * max(frontends, 1), MAX_AUTOMATIC_PORTS)
    return None


def nodes_before_drop(nodes: int, frontends: int) -> Optional[int]:
    """The last node count at which automatic allocation still gives what it gives at `nodes`; None above 1000."""
    ports = automatic_ports(nodes, frontends)
    if ports is None:
        return None
    return max(largest for largest, _ in TIERS if automatic_ports(largest, frontends) == ports)


def available_ports(ips: int) -> int:
    """AKS's figure: 64,000 per outbound IPv4 address."""
    return PORTS_PER_IP * ips


def ips_needed(ports_per_node: int, nodes: int, shared_rule_blocks: int = 0) -> int:
    """The fewest outbound IPs that give `nodes` nodes `ports_per_node` ports each, at least 1.

    Rules on outbound frontends take `8 × shared_rule_blocks` ports away (AZURE-FACTS section 2 [I]).
    """
    return max(1, -(-(ports_per_node * nodes + PORT_BLOCK * shared_rule_blocks) // PORTS_PER_IP))


def largest_ports(ips: int, nodes: int, shared_rule_blocks: int = 0) -> int:
    """The largest explicit allocation that fits `nodes` nodes on `ips` IPs: a multiple of 8, at most 64,000."""
    if nodes < 1:
        return MAX_PORTS_PER_NODE
    left = max(0, available_ports(ips) - PORT_BLOCK * shared_rule_blocks)
    return min(MAX_PORTS_PER_NODE, floor8(left // nodes))


def nat_gateway_ips(ports: int) -> int:
    """NAT gateway IPs for `ports` ports at once in the whole cluster, at least 2: no cluster of size on one
    (AZURE-FACTS section 1)."""
    return max(2, -(-int(ports) // NAT_GATEWAY_PORTS_PER_IP))


@lru_cache(maxsize=256)  # a fleet has a handful, and asks for each pool
def minor_version(version: Optional[str]) -> Optional[Tuple[int, int]]:
    """`(1, 32)` of "1.32.6" or "v1.32"; None where it is no version."""
    parts = (version or '').lstrip('v').split('.')
    if len(parts) < 2 or not all(part.isascii() and part.isdigit() and len(part) < 6 for part in parts[:2]):
        return None
    return int(parts[0]), int(parts[1])


def default_surge_is_percent(version: Optional[str]) -> bool:
    """Whether an unset maxSurge means 10 % (Kubernetes 1.32 and later) and not 1.

    An unknown version counts as new: that is the larger of the two counts.
    """
    minor = minor_version(version)
    return minor is None or minor >= PERCENT_SURGE_SINCE


class Surge(NamedTuple):
    """Surge nodes of one pool as AKS counts them.

    `low` differs from `nodes` where AZURE-FACTS section 2 marks the count as unknown: an unset maxSurge below
    Kubernetes 1.32, the base of a percentage, maxSurge 0, and an integer above the pool's size. Verdicts count
    `nodes`; they are an error only if `low` fails too.
    """

    nodes: int
    low: int


def surge(setting: Optional[str], maximum: int, version: Optional[str], current: Optional[int] = None) -> Surge:
    """Surge nodes of a pool of at most `maximum` nodes, `current` of them now, whose maxSurge is `setting` ("3", "10%",
    None).

    Percent of `maximum`, or of `current`, rounded up, at least 1 for a non-empty pool; an empty pool has none. Unset:
    10 %, below Kubernetes 1.32 perhaps 1. Source: AZURE-FACTS section 2 [O], [I], [?].
    """
    if maximum < 1:
        return Surge(0, 0)
    parsed = _parse_surge(setting)
    number, is_percent = parsed or (DEFAULT_SURGE_PERCENT, True)
    if not is_percent:
        return Surge(max(1, number), min(number, maximum))
    nodes, low = (max(1, -(-base * number // 100)) for base in (maximum, maximum if current is None else current))
    if parsed is None and not default_surge_is_percent(version):
        low = 1
    return Surge(nodes, min(low, nodes) if number else 0)


def _parse_surge(setting: Optional[str]) -> Optional[Tuple[int, bool]]:
    """The number, and whether it is a percentage; None where it is unset or cannot be read."""
    written = (setting or '').strip()
    is_percent = written.endswith('%')
    digits = written[:-1].strip() if is_percent else written
    if not digits.isascii() or not digits.isdigit() or len(digits) > 9:
        return None
    return int(digits), is_percent
