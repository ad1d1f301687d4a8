# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Counting nodes as AKS counts them when it validates ports. Sources: azure-facts sections 2, 3; design section 4."""

from dataclasses import replace
from typing import Optional, Tuple

from ..facts import snat
from ..model.cluster import AgentPool, Cluster
from ..model.outbound import NodeCounts, PoolCount, Scale

#: The pool that a cluster which does not exist yet gets: the default name and kind of `az aks create`.
FIRST_POOL = AgentPool(name='nodepool1', current=0, max=0, mode='System', type='VirtualMachineScaleSets')


def count_nodes(cluster: Cluster, scale: Scale = Scale(), backend_pool: Optional[int] = None) -> NodeCounts:
    """Count the nodes of `cluster`, with the totals, surge and version of `scale` where they were typed.

    `validated` stays what AKS counts, whatever totals were typed: typed totals only raise `required`.
    """
    pools = tuple(_count_pool(pool, scale) for pool in cluster.pools)
    current = sum(pool.current for pool in pools)
    maximum = sum(pool.max for pool in pools)
    surge = sum(pool.surge for pool in pools)
    validated = sum(pool.validated for pool in pools)
    required = max(validated, backend_pool or 0)
    typed = max(scale.node_count or 0, scale.max_count or 0)
    if scale.max_count is not None or typed > maximum:
        typed_surge = _surge_of_total(typed, pools, scale, cluster.kubernetes_version)
        required = max(required, typed + typed_surge)
        if typed > maximum:
            maximum, surge = typed, typed_surge
    return NodeCounts(
        current=current if scale.node_count is None else scale.node_count,
        max=maximum,
        surge=surge,
        validated=validated,
        low_validated=sum(pool.low_validated for pool in pools),
        required=required,
        today=_today(current, backend_pool, scale),
        backend_pool=backend_pool,
        bounded=not cluster.node_auto_provisioning or scale.max_count is not None,
        pools=pools,
    )


def count_planned_nodes(scale: Scale) -> NodeCounts:
    """Count the nodes of a cluster that does not exist yet: one pool of `node_count` to `max_count` nodes."""
    pool = replace(FIRST_POOL, current=scale.node_count, max=max(scale.node_count, scale.max_count or 0),
                   kubernetes_version=scale.kubernetes_version)
    return count_nodes(Cluster(id=None, name=None, pools=(pool,)), replace(scale, node_count=None, max_count=None))


def _today(current, backend_pool, scale):
    """Automatic allocation goes by the live pool; where it was not read, by the nodes of the agent pools."""
    if scale.node_count is not None:
        return scale.node_count
    return current if backend_pool is None else backend_pool


def _count_pool(pool: AgentPool, scale: Scale) -> PoolCount:
    surge, setting = _surge(pool, scale)
    in_doubt = pool.stopped or pool.gateway or pool.node_public_ip
    return PoolCount(
        name=pool.name, mode=pool.mode, type=pool.type, priority=pool.priority, current=pool.current, max=pool.max,
        surge_setting=setting, surge=surge.nodes, validated=pool.max + surge.nodes,
        low_validated=0 if in_doubt else pool.max + surge.low,
    )


def _surge(pool, scale) -> Tuple[snat.Surge, Optional[str]]:
    """The surge of `pool` and the setting it comes from. As typed totals do, a typed surge or version only raises the
    count: neither `az aks update` nor `az aks create` sets a surge, so AKS counts the one that the pool has.
    """
    held = snat.surge(pool.max_surge, pool.max, pool.kubernetes_version)
    setting = scale.max_surge if scale.max_surge is not None else pool.max_surge
    typed = snat.surge(setting, pool.max, scale.kubernetes_version or pool.kubernetes_version)
    if held.nodes > typed.nodes:
        return held, pool.max_surge
    return snat.Surge(typed.nodes, max(typed.low, held.low)), setting


def _surge_of_total(total, pools, scale, version):
    """Typed totals take their surge in proportion, at least one node for each non-empty pool (design section 1)."""
    maximum, surge = sum(pool.max for pool in pools), sum(pool.surge for pool in pools)
    if maximum == 0:
        return snat.surge(scale.max_surge, total, scale.kubernetes_version or version).nodes
    return max(-(-total * surge // maximum), sum(pool.max > 0 for pool in pools))
