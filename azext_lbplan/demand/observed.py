# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The demand of clusters from all that was read of them: no data, not applicable and all clear are different
answers."""

from typing import Iterable, List, Optional, Sequence, Tuple

from ..model.cluster import Cluster
from ..model.answers import ClusterMetrics
from ..model.observed import Observed, ReadError, metrics_id
from .measure import NO_DATA, NOT_APPLICABLE, Demand, measure, unmeasured

#: The permission that reading metrics takes.
METRICS_PERMISSION = 'Microsoft.Insights/metrics/read'


def measure_observed(observed: Observed) -> Demand:
    """The demand that the metrics in `observed` show, or why none can be told. The cluster must be there."""
    cluster = observed.cluster
    if cluster is None:
        raise LookupError('the demand is that of a cluster')
    if not cluster.on_standard_load_balancer:
        return unmeasured(NOT_APPLICABLE, f'egress does not go through a Standard Load Balancer: the outbound type is '
                                          f'{cluster.outbound_type}, the load balancer SKU {cluster.load_balancer_sku}')
    if cluster.stopped:
        return unmeasured(NOT_APPLICABLE, 'the cluster is stopped')
    error = observed.error_of(metrics_id(cluster) or '')
    if error is not None and not observed.metrics:
        return unmeasured(NO_DATA, _why_not_read(error))
    return measure(observed.metrics, cluster.profile.idle_timeout_in_minutes)


def measure_fleet(clusters: Sequence[Cluster], read: Iterable[Tuple[int, ClusterMetrics]]) -> List[Optional[Demand]]:
    """The demand of each of `clusters` in their order, from what was `read` of their metrics, by position; None where
    nothing was to be read, because SNAT ports do not matter there."""
    demands: List[Optional[Demand]] = [None] * len(clusters)
    for position, metrics in read:
        if metrics.failure is not None:
            demands[position] = unmeasured(NO_DATA, f'metrics could not be read: {metrics.failure}')
        else:
            demands[position] = measure(metrics.answers, clusters[position].profile.idle_timeout_in_minutes)
    return demands


def _why_not_read(error: ReadError) -> str:
    if error.status == 403:
        return f'metrics could not be read: the permission {METRICS_PERMISSION} on the load balancer is missing'
    return f'metrics could not be read: {(error.message or "").rstrip(".")} ({error.code})'
