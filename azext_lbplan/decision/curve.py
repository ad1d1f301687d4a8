# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The same question at several sizes: a decision for each, and what sets its limit; and what a column gives to a node
as the cluster grows."""

from typing import Iterator, NamedTuple, Optional, Tuple

from ..facts import snat
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
            return column.fits is not False and column.nodes.required <= column.max_nodes
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


class Capacity(NamedTuple):
    """Ports per node by the number of nodes, as corners of a line of (nodes, ports). `allocated`: what nodes get;
    `most`: what the outbound IPs could give to so many; empty where their number is not known."""

    allocated: Tuple[Tuple[int, int], ...]
    most: Tuple[Tuple[int, int], ...]


#: Corners of the line of what the IPs could give: more do not show.
_CORNERS = 80


def capacity(column: Configuration, up_to: int) -> Capacity:
    """What nodes get as a cluster grows `up_to` so many: under an explicit allocation the same until the IPs have no
    more, under automatic allocation less with each tier."""
    settings = column.settings
    if settings is None or up_to < 1:
        return Capacity((), ())
    most: Tuple[Tuple[int, int], ...] = ()
    if settings.outbound_ip_count:
        counts = sorted({max(1, round(up_to * step / _CORNERS)) for step in range(_CORNERS + 1)})
        most = tuple((nodes, snat.largest_ports(settings.outbound_ip_count, nodes, column.shared_rule_blocks))
                     for nodes in counts)
    if not settings.automatic:
        last = up_to if column.max_nodes is None else min(up_to, _most_nodes(column) or 0)
        ports = settings.outbound_ports
        return Capacity(((1, ports), (last, ports)) if last >= 1 else (), most)
    return Capacity(tuple(_tiers(settings.frontends, up_to)), most)


def _tiers(frontends: int, up_to: int) -> Iterator[Tuple[int, int]]:
    """Both ends of each tier of automatic allocation."""
    first = 1
    while first <= up_to:
        ports, last = snat.automatic_ports(first, frontends), snat.nodes_before_drop(first, frontends)
        if ports is None or last is None:
            return
        yield first, ports
        yield min(last, up_to), ports
        first = last + 1
