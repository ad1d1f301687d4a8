# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""A fleet: one row per cluster, the one that breaks first on top. The rules and the arithmetic are those of `check`
and `show`, so that a row never says something else than they do."""

from collections import Counter
from typing import Any, Dict, Iterable, List, Optional, Tuple

from ..rules.cluster import check
from ..demand import Demand
from ..model.cluster import NONE
from ..model.finding import ERROR, WARNING, counted
from ..model.observed import Observed
from ..model.outbound import Scale, Wanted
from ..decision.sizing import plan

OK = 'ok'
NOT_APPLICABLE = 'notApplicable'

#: From the riskiest to those that nothing can be said of.
STATUSES = (ERROR, WARNING, OK, NOT_APPLICABLE)


def row(observed: Observed) -> Dict[str, Any]:
    """The row of one cluster (design section 2)."""
    case = plan(observed, Scale(), Wanted())
    report = check(case)
    cluster, nodes, current = observed.cluster, case.nodes, case.current
    settings = current.settings
    return {
        'name': cluster.name, 'resourceGroup': cluster.resource_group, 'subscriptionId': cluster.subscription_id,
        'location': cluster.location, 'outboundType': current.outbound_type,
        'ipSource': settings.ip_source if settings else NONE,
        'outboundIpCount': settings and settings.outbound_ip_count,
        'outboundPorts': settings and settings.outbound_ports,
        'portsPerNode': current.ports_per_node, 'portsPerNodeAtMax': current.ports_per_node_at_max,
        'nodes': {'current': nodes.current, 'max': nodes.max, 'surge': nodes.surge, 'validated': nodes.validated,
                  'required': nodes.required},
        'availablePorts': current.available_ports, 'requiredPorts': current.required_ports,
        'headroomNodes': current.headroom_nodes, 'fits': current.fits, 'status': report.status,
        'topFinding': report.findings[0].code if report.findings else None,
    }


def with_peaks(rows: Iterable[Dict[str, Any]], demands: Iterable[Optional[Demand]]) -> List[Dict[str, Any]]:
    """`rows` with what was measured of each: `snatPeak`, null where SNAT ports do not matter. The status stays that
    of the configuration: one day of coarse metrics is less than `check` reads."""
    return [dict(one, snatPeak=_peak(demand)) for one, demand in zip(rows, demands)]


def _peak(demand):
    if demand is None:
        return None
    evidence = demand.evidence
    return {'portsPerNode': evidence.peak_ports_per_node, 'allocatedPortsPerNode': evidence.allocated_ports_per_node,
            'utilization': evidence.peak_utilization, 'at': evidence.peak_at, 'node': evidence.peak_node,
            'failedConnections': evidence.failed_connections, 'reason': evidence.reason}


def riskiest_first(rows: Iterable[Dict[str, Any]]) -> List[Dict[str, Any]]:
    """`rows` by status; within one status by the share of growth that is left, so that what breaks first stands
    first. Where that is not known, the larger cluster first; then by name, so that the order is always the same."""
    return sorted(rows, key=_risk)


def _risk(one):
    headroom, required = one['headroomNodes'], one['nodes']['required']
    left = float('inf') if headroom is None else headroom / max(required, 1)
    return (STATUSES.index(one['status']), one['fits'] is not False, left, -required,
            tuple((one[key] or '').lower() for key in ('name', 'resourceGroup', 'subscriptionId')))


def severities(rows: Iterable[Dict[str, Any]]) -> Tuple[Dict[str, str], ...]:
    """The severities in `rows`, each once, as `--fail-on` judges findings."""
    return tuple({'severity': status} for status in sorted({one['status'] for one in rows} & {ERROR, WARNING}))


def summary(rows: List[Dict[str, Any]]) -> str:
    """The fleet in one line: how many clusters, how many at risk, and what is found most often."""
    counts = Counter(one['status'] for one in rows)
    places = len({one['subscriptionId'] for one in rows})
    common = Counter(one['topFinding'] for one in rows if one['status'] in (ERROR, WARNING)).most_common(3)
    text = (f"{counted(len(rows), 'cluster')} in {counted(places, 'subscription')}: {counts[ERROR]} with errors, "
            f'{counts[WARNING]} with warnings, {counts[OK]} ok, {counts[NOT_APPLICABLE]} without SNAT ports of a '
            'Standard Load Balancer.')
    return text + (f" Most often: {', '.join(f'{code} ({number})' for code, number in common)}." if common else '')
