# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Tables for eyes: at most 120 columns, zero printed as 0, unknown as a dash, all rows always there."""

import sys
import textwrap
from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Tuple, Union

from .results import Result

#: A row as the CLI lays it out: its cells by column, in order.
Row = Dict[str, Any]

#: Widest cell of a column: a row of two values stays within 80 columns, one of three with a cluster within 120.
_WIDEST = {'Cluster': 24, 'Setting': 24, 'File': 20, 'Service': 16}
_WIDEST_VALUE = 19

#: Cells of the bar that shows used of allocated ports.
_BAR = 7

#: (label, key of a configuration) in the order of the rows.
_CONFIGURATION_ROWS = (
    ('Outbound type', 'outboundType'), ('Load balancer SKU', 'loadBalancerSku'), ('IP source', 'ipSource'),
    ('Outbound IPs (IPv4)', 'outboundIpCount'), ('Outbound IPs in force', 'effectiveOutboundIpCount'),
    ('Managed IPv6 IPs', 'managedOutboundIpv6Count'), ('Outbound ports', 'outboundPorts'),
    ('Ports per node', 'portsPerNode'), ('Ports per node at max', 'portsPerNodeAtMax'),
    ('Idle timeout (minutes)', 'idleTimeoutInMinutes'), ('TCP reset', 'enableTcpReset'),
    ('Backend pool type', 'backendPoolType'), ('Available ports', 'availablePorts'),
    ('Required ports', 'requiredPorts'), ('Headroom (ports)', 'headroomPorts'), ('Most nodes', 'maxNodes'),
    ('Headroom (nodes)', 'headroomNodes'), ('Most ports per node', 'maxPortsPerNode'), ('Fits', 'fits'),
)

_NODE_ROWS = (('Nodes now', 'current'), ('Nodes at most', 'max'), ('Upgrade surge', 'surge'),
              ('Nodes that AKS validates', 'validated'), ('Nodes to size for', 'required'),
              ('Nodes in backend pool', 'backendPool'))


def show_table(result: Any) -> List[Row]:
    """Setting / Current, one row per node count, pool and setting."""
    return _tables(result, lambda shown: _rows(shown, ('Current', shown['current'])))


def plan_table(result: Any) -> List[Row]:
    """Setting / Current / Requested / Proposed."""
    return _tables(result, lambda shown: _rows(shown, *((key.capitalize(), shown[key])
                                                        for key in ('current', 'requested', 'proposed'))))


def recommend_table(result: Any) -> List[Row]:
    """Setting / Current / Recommended, and the evidence in a few lines."""
    return _tables(result, lambda shown: [
        *_rows(shown, ('Current', shown['current']), ('Recommended', shown['proposed'])),
        *(_row(label, ('Current', measured), ('Recommended', of_recommended))
          for label, measured, of_recommended in _evidence(shown))])


def _tables(result: Any, rows: Callable[[Result], Iterable[Row]]) -> List[Row]:
    """The rows of one result, below its cluster's name; those of several `--ids` with a column for the name."""
    if isinstance(result, list):
        return [{'Cluster': _cell(_name(shown), 'Cluster'), **row} for shown in result for row in rows(shown)]
    found = list(rows(result))
    titles = list(found[0])
    return [_row('Cluster', (titles[1], _name(result)), *((title, '') for title in titles[2:])), *found]


def _name(result: Result) -> Optional[str]:
    return (result['cluster'] or {}).get('name')


def _rows(result: Result, *columns: Tuple[str, Optional[Result]]) -> Iterator[Row]:
    nodes = [(label, [result['nodes'][key]] * len(columns)) for label, key in _NODE_ROWS]
    pools = [(f"Pool {pool['name']}", [_pool(pool)] * len(columns)) for pool in result['nodes']['pools']]
    settings = [(label, [configuration and configuration[key] for _, configuration in columns])
                for label, key in _CONFIGURATION_ROWS]
    for label, values in nodes + pools + settings:
        yield _row(label, *((title, value) for (title, _), value in zip(columns, values)))


def _row(label: str, *columns: Tuple[str, Any]) -> Row:
    return {'Setting': _cell(label, 'Setting'), **{title: _cell(value) for title, value in columns}}


def _pool(pool: Result) -> str:
    return f"{pool['current']}/{pool['max']}+{pool['surge']}"


def _evidence(result: Result) -> Iterator[Tuple[str, Any, Any]]:
    """(label, as measured, against the recommended ports) of what the metrics show."""
    evidence, proposed = result['evidence'], result['proposed'] or {}
    yield 'Status', result['status'], None
    yield 'Metrics', evidence['status'], None
    yield 'Metrics cover', None if evidence['coverage'] is None else f"{evidence['coverage']:.0%}", None
    yield 'Peak ports per node', evidence['peakPortsPerNode'], None
    yield 'Peak at', (evidence['peakAt'] or '').replace('T', ' ').replace(':00Z', 'Z') or None, None
    yield 'Failed connections', evidence['failedConnections'], None
    about = 'about ' if evidence['demandIsEstimate'] else ''
    yield 'Demand (ports)', evidence['demandPortsPerNode'] and f"{about}{evidence['demandPortsPerNode']}", None
    for node in evidence['busiestNodes']:
        yield (f"Node {node['node']}", _used(node['peakPorts'], node['allocatedPorts']),
               _used(node['peakPorts'], proposed.get('portsPerNode')))


def _used(used: Optional[int], allocated: Optional[int]) -> Union[int, str, None]:
    """A bar and the numbers: ███▌    512/1024."""
    if not allocated or used is None:
        return used
    filled = min(_BAR, round(_BAR * used / allocated))
    full, empty = ('█', '░') if _prints('█░') else ('#', '.')
    return f'{full * filled}{empty * (_BAR - filled)} {used}/{allocated}'


def _prints(characters: str) -> bool:
    """Whether the terminal can show `characters`."""
    try:
        characters.encode(sys.stdout.encoding or 'ascii')
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def check_service_table(result: List[Result]) -> List[Row]:
    """File / Line / Service / Severity / Code / Message: a row per finding, or one that says ok."""
    return [row for service in result for row in _service_rows(service)]


def _service_rows(service: Result) -> Iterator[Row]:
    name = '/'.join(filter(None, (service['namespace'], service['name']))) or None
    for found in service['findings'] or [{'evidence': {}, 'severity': 'ok', 'code': '-', 'message': ''}]:
        # The message is what the row is there for: it goes on below, and is never cut.
        for number, line in enumerate(textwrap.wrap(found['message'], _WIDEST_SERVICE_MESSAGE) or ['']):
            cells = ('',) * 5 if number else (
                _cell(service['file'], 'File'), _cell(found['evidence'].get('line')), _cell(name, 'Service'),
                found['severity'], found['code'])
            yield dict(zip(('File', 'Line', 'Service', 'Severity', 'Code', 'Message'), (*cells, line)))


def _cell(value: Any, column: str = '') -> str:
    """Text of a cell: True as Yes, None as a dash, 0 as 0, and never wider than its column."""
    if value is None:
        return '-'
    if isinstance(value, bool):
        return 'Yes' if value else 'No'
    return _fit(value, _WIDEST.get(column, _WIDEST_VALUE))


def _fit(value: Any, widest: int) -> str:
    """`value` on one line of at most `widest` characters; None as a dash."""
    written = '-' if value is None else ' '.join(str(value).split())
    return written if len(written) <= widest else written[:widest - 1] + ('…' if _prints('…') else '~')


#: What is left of 120 columns for a message beside file (20), line (5), service (16), severity (8), code (28), gaps.
_WIDEST_SERVICE_MESSAGE = 33

#: What is left of 120 columns for a message beside cluster (24), severity (13), code (27) and the gaps.
_WIDEST_MESSAGE = 50


def check_table(result: Any) -> List[Row]:
    """Cluster / Severity / Code / Message: a row per finding and per reason for skipping, or one that says ok."""
    return [row for shown in (result if isinstance(result, list) else [result]) for row in _check_rows(shown)]


def _check_rows(result: Result) -> Iterator[Row]:
    found = [(finding['severity'], finding['code'], finding['message']) for finding in result['findings']]
    codes: Dict[str, List[str]] = {}
    for skipped in result['skipped']:
        codes.setdefault(skipped['reason'], []).append(skipped['code'])
    found = found or [(result['status'], '-', 'Nothing was found.')]
    found += [('skipped', skipped[0] if len(skipped) == 1 else f'{len(skipped)} rules', reason)
              for reason, skipped in codes.items()]
    for severity, code, message in found:
        # The message is what the row is there for: it goes on below, and is never cut.
        for number, line in enumerate(textwrap.wrap(message, _WIDEST_MESSAGE)):
            cells = ('', '', '') if number else (_cell(result['cluster']['name'], 'Cluster'), severity, code)
            yield dict(zip(('Cluster', 'Severity', 'Code', 'Message'), (*cells, line)))


#: Columns of a fleet. With two more for a title than its letters, and two between columns, they take 120.
_FLEET_WIDTHS = {'Status': 8, 'Cluster': 18, 'ResourceGroup': 15, 'IPs': 5, 'Peak': 6, 'Ports': 13, 'Nodes': 9,
                 'Headroom': 10, 'TopFinding': 27}


def list_table(rows: List[Result]) -> List[Row]:
    """A row per cluster; ports as allocated, for automatic allocation now→at most; nodes as now/to size for. The
    measured peak, where it was read, takes the place of the IPs."""
    return [{column: _fit(value, _FLEET_WIDTHS[column]) for column, value in _fleet_cells(row)} for row in rows]


def _fleet_cells(row: Result) -> Iterator[Tuple[str, Any]]:
    yield 'Status', 'n/a' if row['status'] == 'notApplicable' else row['status']
    yield 'Cluster', row['name']
    yield 'ResourceGroup', row['resourceGroup']
    if 'snatPeak' in row:
        yield 'Peak', (row['snatPeak'] or {}).get('portsPerNode')
    else:
        yield 'IPs', row['outboundIpCount']
    yield 'Ports', _ports(row)
    yield 'Nodes', f"{row['nodes']['current']}/{row['nodes']['required']}"
    yield 'Headroom', row['headroomNodes']
    yield 'TopFinding', row['topFinding']


def _ports(row: Result) -> Any:
    if row['outboundPorts'] != 0:
        return row['outboundPorts']
    now, at_max = (_cell(row[key]) for key in ('portsPerNode', 'portsPerNodeAtMax'))
    arrow = '→' if _prints('→') else '>'
    return f'auto {now}' if now == at_max else f'auto {now}{arrow}{at_max}'
