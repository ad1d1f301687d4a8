# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""A fleet: one row per cluster, the one that breaks first on top. Each row is a view of the cluster's decision, judged
by the rules of `check`, so that it never says something else than they do."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Dict, Iterable, List, Optional, Tuple

from ..decision import Decision
from ..facts.clusters import NONE
from ..model.finding import ERROR, WARNING, counted
from ..rules.cluster import lead
from .results import NOT_APPLICABLE, OK, egress, status_of

if TYPE_CHECKING:
    from ..demand import Demand

Row = Dict[str, Any]

#: Said of a fleet without clusters.
NOTHING = 'No cluster was found.'

#: From the riskiest to those that nothing can be said of.
STATUSES = (ERROR, WARNING, OK, NOT_APPLICABLE)


def row(decision: Decision) -> Row:
    """The row of one cluster."""
    leading = lead(decision)
    cluster, nodes, column = decision.cluster, decision.nodes, decision.asked
    if cluster is None:
        raise LookupError('a row is of a cluster')
    settings = column.settings
    return {
        'name': cluster.name, 'resourceGroup': cluster.resource_group, 'subscriptionId': cluster.subscription_id,
        'location': cluster.location, 'egress': egress(decision), 'outboundType': column.outbound_type,
        'ipSource': settings.ip_source if settings else NONE,
        'outboundIpCount': settings and settings.outbound_ip_count,
        'outboundPorts': settings and settings.outbound_ports,
        'portsPerNode': column.ports_per_node, 'portsPerNodeAtMax': column.ports_per_node_at_max,
        'nodes': {'current': nodes.current, 'max': nodes.max, 'surge': nodes.surge, 'validated': nodes.validated,
                  'required': nodes.required},
        'availablePorts': column.available_ports, 'requiredPorts': column.required_ports,
        'headroomNodes': column.headroom_nodes, 'fits': column.fits, 'status': status_of(decision, leading),
        'topFinding': leading.code if leading else None,
    }


def with_peaks(rows: Iterable[Row], demands: Iterable[Optional[Demand]]) -> List[Row]:
    """`rows` with what was measured of each: `snatPeak`, null where SNAT ports do not matter. The status stays that
    of the configuration: one day of coarse metrics is less than `check` reads."""
    return [dict(found, snatPeak=_peak(demand)) for found, demand in zip(rows, demands)]


def _peak(demand: Optional[Demand]) -> Optional[Row]:
    if demand is None:
        return None
    evidence = demand.evidence
    return {'portsPerNode': evidence.peak_ports_per_node, 'allocatedPortsPerNode': evidence.allocated_ports_per_node,
            'utilization': evidence.peak_utilization, 'at': evidence.peak_at, 'node': evidence.peak_node,
            'failedConnections': evidence.failed_connections, 'reason': evidence.reason}


def riskiest_first(rows: Iterable[Row]) -> List[Row]:
    """`rows` by status; within one status by the share of growth that is left, so that what breaks first stands
    first. Where that is not known, the larger cluster first; then by name, so that the order is always the same."""
    return sorted(rows, key=_risk)


def _risk(found: Row) -> Tuple[Any, ...]:
    headroom, required = found['headroomNodes'], found['nodes']['required']
    left = float('inf') if headroom is None else headroom / max(required, 1)
    return (STATUSES.index(found['status']), found['fits'] is not False, left, -required,
            tuple((found[key] or '').lower() for key in ('name', 'resourceGroup', 'subscriptionId')))


def summary(rows: List[Row]) -> str:
    """The fleet in one line: how many clusters, how many at risk, and what is found most often."""
    counts = Counter(found['status'] for found in rows)
    places = len({found['subscriptionId'] for found in rows})
    common = Counter(found['topFinding'] for found in rows if found['status'] in (ERROR, WARNING)).most_common(3)
    text = (f"{counted(len(rows), 'cluster')} in {counted(places, 'subscription')}: {counts[ERROR]} with errors, "
            f'{counts[WARNING]} with warnings, {counts[OK]} ok, {counts[NOT_APPLICABLE]} without SNAT ports of a '
            'Standard Load Balancer.')
    return text + (f" Most often: {', '.join(f'{code} ({number})' for code, number in common)}." if common else '')
