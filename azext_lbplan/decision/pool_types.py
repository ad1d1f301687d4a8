# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The backend pool type: an inbound setting, which every outbound type has. What has to be so before it is changed, and
what the CLI does with it.

Source: AZURE-FACTS section 1: Other outbound types.
"""

from enum import Enum
from typing import Optional, Tuple

from ..facts.clusters import AVAILABILITY_SET, NODE_IP, NODE_IP_CONFIGURATION
from ..facts.snat import minor_version
from ..model.cluster import Cluster
from .outcome import Reason

#: The first Kubernetes version whose clusters may change the type.
LEAST_VERSION = (1, 23)


class Unmet(Enum):
    """What a change of the type takes and the cluster has not."""

    VERSION = 'version'
    SCALE_SETS = 'scaleSets'
    SEVERAL_BALANCERS = 'severalBalancers'


def unmet(cluster: Cluster, before: Optional[str], after: Optional[str]) -> Tuple[Unmet, ...]:
    """What stands in the way of the change; empty where nothing is known to, or nothing changes."""
    if before is None or after is None or before == after:
        return ()
    version = minor_version(cluster.kubernetes_version)
    there = {
        Unmet.VERSION: version is not None and version < LEAST_VERSION,
        Unmet.SCALE_SETS: any(pool.type == AVAILABILITY_SET for pool in cluster.pools),
        Unmet.SEVERAL_BALANCERS: after == NODE_IP_CONFIGURATION and cluster.profile.multiple_standard_load_balancers,
    }
    return tuple(condition for condition, is_unmet in there.items() if is_unmet)


def why_no_line(cluster: Cluster, before: Optional[str], after: Optional[str]) -> Optional[Reason]:
    """Why no line sets the type that was typed, where egress takes another way; None where no type was typed, or there
    is none to set."""
    if before is None or after is None:
        return None
    if before == after:
        return Reason.NOTHING_TO_DO
    return Reason.CONDITIONS_NOT_MET if unmet(cluster, before, after) else Reason.CLI_DROPS_OPTION


def leaves_nodes_out(cluster: Cluster, pool_type: Optional[str]) -> bool:
    """Whether new nodes are reported to stay out of the backend pool: nodeIP with node auto-provisioning."""
    return pool_type == NODE_IP and cluster.node_auto_provisioning
