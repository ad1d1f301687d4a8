# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Alert rules for the allocation that is in force: what they look at, and from which threshold on they speak.

A rule sees a node that runs full only where nothing is averaged away: not over frontends, nodes and protocols, and not
over minutes. So conditions are split by all of them, and a threshold is one frontend's share of a node's allocation.
Source: AZURE-FACTS section 4.
"""

from typing import NamedTuple, Optional, Tuple

from ..facts.alerts import MOST_SERIES
from ..facts.snat import PORT_BLOCK
from ..model.metrics import AVERAGE, CONNECTIONS, FRONTEND, NODE, PROTOCOL, STATE, TOTAL, USED
from ..model.observed import load_balancer_id
from .decide import Decision

#: Azure's numbers of severities. Source: learn.microsoft.com, "Overview of Azure Monitor alerts": 0 critical, 1 error,
#: 2 warning, 3 informational, 4 verbose.
SEVERITY_ERROR, SEVERITY_WARNING = 1, 2

#: Use of the allocation, in percent, and the severity that it calls for; the same that `SnatUseHigh` goes by.
USE = ((75, SEVERITY_WARNING), (90, SEVERITY_ERROR))

#: Stands for each value of a dimension that there is.
EACH = '*'

#: As REST writes them, and as `az monitor metrics alert create` conditions and portals do: whether the service compares
#: without regard to case is not documented, and a word that never occurs costs nothing.
_FAILED = ('Failed', 'failed')

#: Protocols as IANA numbers and as words (AZURE-FACTS section 4).
PROTOCOLS = (('tcp', ('6', 'TCP')), ('udp', ('17', 'UDP')))


class Dimension(NamedTuple):
    """A dimension that a condition is split by, and the values that it looks at."""

    name: str
    values: Tuple[str, ...] = (EACH,)


class AlertRule(NamedTuple):
    """An alert rule: it fires where a minute's `aggregation` of `metric` is above `threshold`, for any combination of
    `dimensions`. `severity` is Azure's number; `about` says what it means, and what it was made for."""

    name: str
    severity: int
    metric: str
    aggregation: str
    threshold: int
    dimensions: Tuple[Dimension, ...]
    about: str


class Allocation(NamedTuple):
    """What alert rules are made for: ports per node, the frontends that a node's ports come from, and how many nodes
    there may be."""

    ports_per_node: int
    frontends: int
    nodes: int
    automatic: bool

    @property
    def share(self) -> int:
        """One frontend's share of a node's ports, at least a block. Whether the share is an even one is not documented.
        """
        return max(PORT_BLOCK, self.ports_per_node // self.frontends)


def allocation_of(decision: Decision) -> Optional[Allocation]:
    """The allocation in force; None where there is none, or where nodes have no ports that are known."""
    current = decision.current
    if current is None or current.settings is None or not current.ports_per_node:
        return None
    frontends = len(decision.observed.outbound_ipv4_frontends) or current.settings.frontends
    return Allocation(current.ports_per_node, max(1, frontends), current.nodes.required, current.settings.automatic)


def alert_rules(decision: Decision) -> Tuple[AlertRule, ...]:
    """The rules for the allocation in force; none where a rule could not name its load balancer or its place."""
    cluster, allocation = decision.cluster, allocation_of(decision)
    if cluster is None or allocation is None or not cluster.is_named or load_balancer_id(cluster) is None:
        return ()
    made_for = _made_for(allocation)
    rules = [AlertRule(f'{cluster.name}-snat-used-{percent}{suffix}', severity, USED, AVERAGE,
                       allocation.share * percent // 100, dimensions,
                       f'A node of {cluster.name} uses more than {percent} % of its SNAT ports. {made_for}')
             for percent, severity in USE for suffix, dimensions in _splits(allocation)]
    failed = AlertRule(f'{cluster.name}-snat-failed', SEVERITY_ERROR, CONNECTIONS, TOTAL, 0, _failed_split(allocation),
                       f'Outbound connections of a node of {cluster.name} fail for want of SNAT ports.')
    return (*rules, failed)


def _made_for(allocation: Allocation) -> str:
    kind = 'automatic' if allocation.automatic else 'explicit'
    share = (f', {allocation.share} of each of {allocation.frontends} outbound frontends'
             if allocation.frontends > 1 else '')
    return (f'Made for an {kind} allocation of {allocation.ports_per_node} ports per node{share}: make it again when '
            'that changes.')


def _splits(allocation: Allocation) -> Tuple[Tuple[str, Tuple[Dimension, ...]], ...]:
    """The finest splits that stay within what one rule takes in, each with the suffix of its name: by frontend, node
    and protocol; without frontends, whose mean is then looked at; and a rule for each protocol."""
    node, protocol = Dimension(NODE), Dimension(PROTOCOL)
    if allocation.nodes * allocation.frontends * len(PROTOCOLS) <= MOST_SERIES:
        return (('', (Dimension(FRONTEND), node, protocol)),)
    if allocation.nodes * len(PROTOCOLS) <= MOST_SERIES:
        return (('', (node, protocol)),)
    return tuple((f'-{name}', (node, Dimension(PROTOCOL, values))) for name, values in PROTOCOLS)


def _failed_split(allocation: Allocation) -> Tuple[Dimension, ...]:
    """Counts add up over what they are not split by: frontends can be left out."""
    state = Dimension(STATE, _FAILED)
    if allocation.nodes * allocation.frontends <= MOST_SERIES:
        return (Dimension(FRONTEND), Dimension(NODE), state)
    return (Dimension(NODE), state)
