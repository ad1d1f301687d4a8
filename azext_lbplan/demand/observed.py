# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The demand of a cluster from all that was read of it: no data, not applicable and all clear are different answers."""

from ..model.metrics import answers_from_snapshot
from ..model.observed import Observed, metrics_id
from .measure import NO_DATA, NOT_APPLICABLE, Demand, measure, unmeasured

#: The permission that reading metrics takes.
METRICS_PERMISSION = 'Microsoft.Insights/metrics/read'


def measure_observed(observed: Observed) -> Demand:
    """The demand that the metrics in `observed` show, or why none can be told."""
    cluster = observed.cluster
    if not cluster.on_standard_load_balancer:
        return unmeasured(NOT_APPLICABLE, f'egress does not go through a Standard Load Balancer: the outbound type is '
                                          f'{cluster.outbound_type}, the load balancer SKU {cluster.load_balancer_sku}')
    if cluster.stopped:
        return unmeasured(NOT_APPLICABLE, 'the cluster is stopped')
    error = observed.error_of(metrics_id(cluster) or '')
    if error is not None and not observed.metrics:
        return unmeasured(NO_DATA, _why_not_read(error))
    return measure(answers_from_snapshot(list(observed.metrics)), cluster.profile.idle_timeout_in_minutes)


def _why_not_read(error):
    if error.status == 403:
        return f'metrics could not be read: the permission {METRICS_PERMISSION} on the load balancer is missing'
    return f'metrics could not be read: {(error.message or "").rstrip(".")} ({error.code})'
