# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Counting nodes as AKS counts them when it validates ports. Sources: AZURE-FACTS sections 2 and 3."""

from typing import NamedTuple, Optional, Sequence, Tuple

from ..facts import snat
from ..model.agent_pool import AgentPool
from ..model.cluster import Cluster
from ..options import Scale

#: The pool that a cluster which does not exist yet gets: the default name and kind of `az aks create`.
FIRST_POOL = AgentPool(name='nodepool1', current=0, max=0, mode='System', type='VirtualMachineScaleSets')


class PoolNodes(NamedTuple):
    """One agent pool as AKS counts it; `low_validated` leaves out what AZURE-FACTS section 2 marks as unknown.

    `unknown` are fields that code leaves open: they hold the least that they can be.
    """

    name: str
    mode: Optional[str]
    type: Optional[str]
    priority: Optional[str]
    current: int
    max: int
    surge_setting: Optional[str]
    surge: int
    validated: int
    low_validated: int
    unknown: Tuple[str, ...] = ()

    @property
    def current_known(self) -> bool:
        """Whether the count of now is known."""
        return 'current' not in self.unknown


class Nodes(NamedTuple):
    """Nodes of a cluster.

    `max` leaves surge out. `validated` = the sum of (max + surge) over the pools: what AKS validates against.
    `required` = what to size for. `backend_pool` = live IPv4 members of the outbound backend pool, None where it was
    not read. `today` = the size that automatic allocation goes by. `bounded` is False where the maximum cannot be
    known: node auto-provisioning has none, and code may leave that of a pool open, which `most_known` tells (False).
    """

    current: int
    max: int
    surge: int
    validated: int
    low_validated: int
    required: int
    today: int
    backend_pool: Optional[int]
    bounded: bool
    pools: Tuple[PoolNodes, ...]
    most_known: bool = True

    @property
    def current_known(self) -> bool:
        """Whether the count of every pool is known."""
        return all(pool.current_known for pool in self.pools)


def count_nodes(cluster: Cluster, scale: Scale = Scale(), backend_pool: Optional[int] = None) -> Nodes:
    """Count the nodes of `cluster`, with the totals, surge and version of `scale` where they were typed.

    `validated` stays what AKS counts, whatever totals were typed: typed totals only raise `required`.
    """
    pools = tuple(_count_pool(pool, scale) for pool in cluster.pools)
    current = sum(pool.current for pool in pools)
    maximum = sum(pool.max for pool in pools)
    surge = sum(pool.surge for pool in pools)
    validated = sum(pool.validated for pool in pools)
    required = max(validated, backend_pool or 0)
    total = max(scale.node_count or 0, scale.max_count or 0)
    if scale.max_count is not None or total > maximum:
        total_surge = _surge_of_total(total, pools, scale, cluster.kubernetes_version)
        required = max(required, total + total_surge)
        if total > maximum:
            maximum, surge = total, total_surge
    return Nodes(
        current=current if scale.node_count is None else scale.node_count,
        max=maximum,
        surge=surge,
        validated=validated,
        low_validated=sum(pool.low_validated for pool in pools),
        required=required,
        today=_today(current, backend_pool, scale),
        backend_pool=backend_pool,
        bounded=scale.max_count is not None or _is_bounded(cluster),
        pools=pools,
        most_known=_most_known(cluster),
    )


def _is_bounded(cluster: Cluster) -> bool:
    return not cluster.node_auto_provisioning and _most_known(cluster)


def _most_known(cluster: Cluster) -> bool:
    """Whether the largest size of every pool is known; code may leave it open."""
    return 'pools' not in cluster.unknown and not any(
        {'max', 'max_surge'} & set(pool.unknown) for pool in cluster.pools)


def count_new_nodes(scale: Scale) -> Nodes:
    """Count the nodes of a cluster that does not exist yet: one pool of `node_count` to `max_count` nodes."""
    count = scale.node_count or 0
    pool = FIRST_POOL._replace(current=count, max=max(count, scale.max_count or 0),
                               kubernetes_version=scale.kubernetes_version)
    return count_nodes(Cluster(id=None, name=None, pools=(pool,)), scale._replace(node_count=None, max_count=None))


def _today(current: int, backend_pool: Optional[int], scale: Scale) -> int:
    """Automatic allocation goes by the live pool; where it was not read, by the nodes of the agent pools."""
    if scale.node_count is not None:
        return scale.node_count
    return current if backend_pool is None else backend_pool


def _count_pool(pool: AgentPool, scale: Scale) -> PoolNodes:
    surge, setting = _surge(pool, scale)
    in_doubt = pool.stopped or pool.gateway or pool.node_public_ip
    return PoolNodes(
        name=pool.name, mode=pool.mode, type=pool.type, priority=pool.priority, current=pool.current, max=pool.max,
        surge_setting=setting, surge=surge.nodes, validated=pool.max + surge.nodes,
        low_validated=0 if in_doubt else pool.max + surge.low, unknown=pool.unknown,
    )


def _surge(pool: AgentPool, scale: Scale) -> Tuple[snat.Surge, Optional[str]]:
    """The surge of `pool` and the setting it comes from. As typed totals do, a typed surge or version only raises the
    count: neither `az aks update` nor `az aks create` sets a surge, so AKS counts the one that the pool has.
    """
    own = snat.surge(pool.max_surge, pool.max, pool.kubernetes_version, pool.current)
    if scale.max_surge is None and scale.kubernetes_version is None:
        return own, pool.max_surge
    setting = scale.max_surge if scale.max_surge is not None else pool.max_surge
    asked = snat.surge(setting, pool.max, scale.kubernetes_version or pool.kubernetes_version, pool.current)
    low = max(own.low, asked.low)
    return (snat.Surge(own.nodes, low), pool.max_surge) if own.nodes > asked.nodes else \
        (snat.Surge(asked.nodes, low), setting)


def _surge_of_total(total: int, pools: Sequence[PoolNodes], scale: Scale, version: Optional[str]) -> int:
    """Typed totals take their surge in proportion, at least one node for each non-empty pool."""
    maximum, surge = sum(pool.max for pool in pools), sum(pool.surge for pool in pools)
    if maximum == 0:
        return snat.surge(scale.max_surge, total, scale.kubernetes_version or version).nodes
    return max(-(-total * surge // maximum), sum(pool.max > 0 for pool in pools))
