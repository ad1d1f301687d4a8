# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""An answer at several sizes: a row for each, as a dict and as a table."""

from typing import Iterable, List, Optional

from ..decision.curve import NODE_POOLS, OUTBOUND_IPS, TIER, Point
from ..model.finding import counted
from .layout import NARROWEST, Row, cell, shortened, width, wrapped
from .findings import Result

#: What sets the limit, in the words of a table, where it fits as it is and where it does not; `{}` are nodes, then IPs.
_FITS = {OUTBOUND_IPS: 'Yes, up to {} nodes', TIER: 'Yes; ports drop beyond {} nodes',
         NODE_POOLS: 'Yes; AKS counts {} by the pools'}
_FITS_NOT = {OUTBOUND_IPS: 'No: {} nodes fit on {}', TIER: 'No: ports drop beyond {} nodes',
             NODE_POOLS: 'No: AKS counts {} by the pools'}

#: Columns beside the answer with the letters of the longest cell of each, and of a cluster's name.
_BESIDE = {'MaxCount': 8, 'WithSurge': 9, 'Ports': 9, 'IPs': 8}
_CLUSTER = 14


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


def table(result: Result, cluster: Optional[str] = None) -> List[Row]:
    """MaxCount / WithSurge / Ports / IPs / Fits: ports and IPs are those proposed, after the IPs that are there; with
    `cluster`, a column that names it in each row."""
    beside = _BESIDE if cluster is None else {'Cluster': _CLUSTER, **_BESIDE}
    room = max(NARROWEST, width() - sum(max(most, len(title) + 2) + 2 for title, most in beside.items()))
    laid_out: List[Row] = []
    for size in result['curve']:
        cells = {'MaxCount': cell(size['maxCount']), 'WithSurge': cell(size['requiredNodes']), 'Ports': _ports(size),
                 'IPs': _ips(size, result)}
        named = cells if cluster is None else {'Cluster': shortened(cluster, _CLUSTER), **cells}
        below = dict.fromkeys(named, '')
        laid_out += [{**(below if number else named), 'Fits': line}
                     for number, line in enumerate(wrapped(_fits(size, result), room))]
    return laid_out


def _ports(size: Result) -> str:
    at_max = cell(size['portsPerNodeAtMax'])
    return f'auto {at_max}' if size['outboundPorts'] == 0 else at_max


def _ips(size: Result, result: Result) -> str:
    """`1 -> 3` where more are needed than what was asked about has."""
    asked = _asked_ips(result)
    more = asked is not None and size['fits'] is False and size['outboundIpCount'] not in (None, asked)
    return f"{asked} -> {size['outboundIpCount']}" if more else cell(size['outboundIpCount'])


def _asked_ips(result: Result) -> Optional[int]:
    ips: Optional[int] = (result['requested'] or {}).get('outboundIpCount')
    return ips


def _fits(size: Result, result: Result) -> str:
    if size['fits'] is None or size['binds'] is None:
        return cell(size['fits'])
    told = (_FITS if size['fits'] else _FITS_NOT)[size['binds']].format(
        size['bindsAtNodes'], counted(_asked_ips(result) or 0, 'IP'))
    return told if size['fits'] or size['proposedFits'] else f'{told}, and no way was found'
