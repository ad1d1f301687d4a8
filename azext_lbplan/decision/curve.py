# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The same question at several sizes: a decision for each, and what sets its limit."""

from typing import NamedTuple, Optional, Tuple

from ..options import Sizes
from .columns import Configuration
from .decide import Decision, decide_again

#: What sets the limit of a size. outboundIps: ports x nodes against what the IPs have. tier: automatic allocation,
#: which drops beyond so many nodes. nodePools: the pools may reach more nodes than were typed, and AKS counts those.
OUTBOUND_IPS, TIER, NODE_POOLS = 'outboundIps', 'tier', 'nodePools'


class Binding(NamedTuple):
    """What sets the limit, and the most nodes that it allows; for the node pools those that AKS counts instead."""

    what: str
    nodes: int


class Point(NamedTuple):
    """One of the values, and what would be decided if it alone had been typed."""

    value: int
    decision: Decision

    @property
    def binding(self) -> Optional[Binding]:
        """What sets the limit of what was asked about; None where nothing is known."""
        column, typed = self.decision.asked, self.decision.options.scale.max_count
        reach = sum(pool.max for pool in column.nodes.pools)
        if self.decision.cluster is not None and typed is not None and typed < reach:
            return Binding(NODE_POOLS, column.nodes.validated)
        nodes = _most_nodes(column)
        if column.settings is None or nodes is None:
            return None
        return Binding(TIER if column.settings.automatic else OUTBOUND_IPS, nodes)

    @property
    def fits(self) -> Optional[bool]:
        """Whether what was asked about carries all nodes of this size, as it is; for automatic allocation: without a
        drop. None where that is not known."""
        column = self.decision.asked
        if column.settings is not None and column.settings.automatic and column.max_nodes is not None:
            return column.nodes.required <= column.max_nodes
        return column.carries_required


def curve(decision: Decision, sizes: Sizes) -> Tuple[Point, ...]:
    """A point for each of `sizes`, in their order; nothing is measured again."""
    return tuple(Point(value, decide_again(decision, sizes.apply(decision.options, value))) for value in sizes.values)


def _most_nodes(column: Configuration) -> Optional[int]:
    """The most nodes that a column carries: its own figure, without the ports that rules on its frontends take."""
    settings, usable = column.settings, column.usable_ports
    if settings is None or settings.automatic or usable is None:
        return column.max_nodes
    return max(0, usable) // settings.outbound_ports
