# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What a change in code does to the nodes of a cluster, pool by pool."""

from typing import List, NamedTuple, Optional, Tuple

from .decide import Decision
from .nodes import PoolNodes


class PoolChange(NamedTuple):
    """A node pool that a change adds (`before` None), removes (`after` None), or makes count more or fewer nodes."""

    name: str
    before: Optional[PoolNodes]
    after: Optional[PoolNodes]

    @property
    def more(self) -> int:
        """Nodes that AKS counts more than before; negative where they are fewer."""
        return (self.after.validated if self.after else 0) - (self.before.validated if self.before else 0)


def pool_changes(decision: Decision) -> Tuple[PoolChange, ...]:
    """The pools that the code changes, those that add most first; empty where it does not tell what it starts from."""
    if decision.observed.origin is None or decision.current is None:
        return ()
    before = {pool.name.lower(): pool for pool in decision.current.nodes.pools}
    after = {pool.name.lower(): pool for pool in decision.nodes.pools}
    changes: List[PoolChange] = []
    for name in {**before, **after}:
        old, new = before.get(name), after.get(name)
        if old is None or new is None or (old.max, old.surge) != (new.max, new.surge):
            changes.append(PoolChange((new or old or before[name]).name, old, new))
    return tuple(sorted(changes, key=lambda change: -change.more))
