# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What one node showed: how high its use went, and when it had no port left."""

from math import fsum
from typing import NamedTuple, Optional, Sequence, Tuple


class Estimate(NamedTuple):
    """Ports that would have carried what came, and whether that was capped."""

    ports: float
    capped: bool


class Peak(NamedTuple):
    """A use in ports, when (the first of so many `minutes`, more than one in a coarse interval), where, and the
    allocation at the time."""

    ports: float
    minute: int
    node: str
    protocol: str
    allocated: Optional[float]
    minutes: int = 1

    @property
    def utilization(self) -> Optional[float]:
        """Share of the allocation, 0 to about 1; None where the allocation is not known."""
        return self.ports / self.allocated if self.allocated else None

    @property
    def full_at(self) -> float:
        """The allocation of a full node; where that is not known, its use."""
        return self.allocated or self.ports

    @property
    def height(self) -> Tuple[float, int, int]:
        """Sorts by ports; of equal peaks that is the higher of which more is known, then the earlier."""
        return (self.ports, -self.minutes, -self.minute)

    @property
    def fullness(self) -> Tuple[float, float]:
        """Sorts by the share of the allocation, then by ports."""
        return (self.utilization or 0.0, self.ports)


class Episode(NamedTuple):
    """Adjoining saturated minutes of one node, from `start` to `end` (exclusive); of one allocation and protocol.

    `estimate` in ports is what would have carried the refused connections too; `capped` says that it was more.
    """

    node: str
    protocol: str
    start: int
    end: int
    allocated: float
    accepted: float
    failed: float
    estimate: float
    capped: bool


class NodeDemand(NamedTuple):
    """What one node showed: its highest use, its highest use in minutes that were not saturated, its episodes.

    `ceiling`: what use may have reached at most in intervals of which no minute is known; None without any.
    """

    peak: Optional[Peak]
    unsaturated: Optional[Peak]
    episodes: Tuple[Episode, ...]
    failed: float
    unexplained: float
    ceiling: Optional[float] = None

    @property
    def ports(self) -> float:
        """What the node needed: the highest use with ports to spare, or the most that an episode calls for."""
        return max(self.unsaturated.ports if self.unsaturated else 0.0,
                   max((episode.estimate for episode in self.episodes), default=0.0))


def highest(*peaks: Optional[Peak]) -> Optional[Peak]:
    """The highest of those that there are."""
    return max((peak for peak in peaks if peak), key=lambda peak: peak.height, default=None)


def merged(parts: Sequence[NodeDemand]) -> NodeDemand:
    """What all of `parts` show together."""
    return NodeDemand(highest(*(part.peak for part in parts)), highest(*(part.unsaturated for part in parts)),
                      tuple(episode for part in parts for episode in part.episodes),
                      fsum(part.failed for part in parts), fsum(part.unexplained for part in parts),
                      max((part.ceiling for part in parts if part.ceiling is not None), default=None))
