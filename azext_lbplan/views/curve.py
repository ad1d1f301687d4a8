# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""An answer at several sizes: a row for each, as a dict and as a table."""

from typing import Any, Dict, Iterable, List

from ..decision.curve import NODE_POOLS, OUTBOUND_IPS, TIER, Point
from .results import Result

#: What sets the limit, in the words of a table; `{}` are nodes.
_BINDS = {OUTBOUND_IPS: 'outbound IPs, at {} nodes', TIER: 'tier, drops after {} nodes',
          NODE_POOLS: 'node pools, AKS counts {}'}


def rows(points: Iterable[Point]) -> List[Result]:
    """`curve` of a result. `fits` is that of what was asked about, as it is; ports and IPs are those proposed."""
    return [_row(point) for point in points]


def _row(point: Point) -> Result:
    proposed, binding = point.decision.proposed, point.binding
    settings = proposed.settings if proposed else None
    return {
        'maxCount': point.decision.options.scale.max_count, 'requiredNodes': point.decision.nodes.required,
        'outboundPorts': settings and settings.outbound_ports,
        'portsPerNodeAtMax': proposed and proposed.ports_per_node_at_max,
        'outboundIpCount': settings and settings.outbound_ip_count, 'fits': point.fits,
        'proposedFits': proposed and proposed.fits,
        'binds': binding and binding.what, 'bindsAtNodes': binding and binding.nodes,
    }


def table(curve: List[Result]) -> List[Dict[str, str]]:
    """MaxCount / Nodes / Ports / IPs / Fits / Proposed / Binds: at most 80 columns."""
    return [{'MaxCount': _cell(row['maxCount']), 'Nodes': _cell(row['requiredNodes']), 'Ports': _ports(row),
             'IPs': _cell(row['outboundIpCount']), 'Fits': _cell(row['fits']),
             'Proposed': _cell(row['proposedFits']), 'Binds': _binds(row)} for row in curve]


def _ports(row: Result) -> str:
    at_max = _cell(row['portsPerNodeAtMax'])
    return f'auto {at_max}' if row['outboundPorts'] == 0 else at_max


def _binds(row: Result) -> str:
    return '-' if row['binds'] is None else _BINDS[row['binds']].format(row['bindsAtNodes'])


def _cell(value: Any) -> str:
    return {None: '-', True: 'Yes', False: 'No'}[value] if value is None or isinstance(value, bool) else str(value)
