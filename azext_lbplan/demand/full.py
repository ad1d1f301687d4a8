# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""When a node counts as full, by the minute and over coarse intervals."""

from .tables import Flows, NodeTables

#: A minute is saturated from this share of its allocation on. Source: ARCHITECTURE.md, Demand.
SATURATED_SHARE = 0.95

#: Failures below this share of the allocation have another cause than ports. Source: ARCHITECTURE.md, Demand.
EXPLAINED_SHARE = 0.80


def turned_over(node: NodeTables, flow: Flows, minute: int) -> bool:
    """Whether as many connections were accepted in each minute of `flow` as there are TCP ports at `minute`: such ports
    come free within seconds (15 after RST, AZURE-FACTS section 2), and may have run out between two samples."""
    allocated = node.tcp.allocation.at(minute) if node.tcp else None
    return bool(allocated and (flow.accepted or 0.0) >= SATURATED_SHARE * allocated * flow.minutes)
