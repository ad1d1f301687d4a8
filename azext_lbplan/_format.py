# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Tables for eyes: at most 120 columns, zero printed as 0, unknown as a dash, all rows always there."""

from collections import OrderedDict

#: Widest cell of a column, so that a row stays within 120 columns.
_WIDEST = {'Cluster': 24, 'Setting': 26}
_WIDEST_VALUE = 20

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


def show_table(result):
    """Setting / Current, one row per node count, pool and setting."""
    return _tables(result, lambda one: _rows(one, ('Current', one['current'])))


def plan_table(result):
    """Setting / Current / Requested / Proposed."""
    return _tables(result, lambda one: _rows(one, ('Current', one['current']), ('Requested', one['requested']),
                                             ('Proposed', one['proposed'])))


def recommend_table(result):
    """Setting / Current / Recommended."""
    return _tables(result, lambda one: _rows(one, ('Current', one['current']), ('Recommended', one['proposed'])))


def _tables(result, rows):
    """The rows of one result, or of each of several `--ids`."""
    return [row for one in (result if isinstance(result, list) else [result]) for row in rows(one)]


def _rows(one, *columns):
    cluster = (one['cluster'] or {}).get('name')
    nodes = [(label, [one['nodes'][key]] * len(columns)) for label, key in _NODE_ROWS]
    pools = [(f"Pool {pool['name']}", [_pool(pool)] * len(columns)) for pool in one['nodes']['pools']]
    settings = [(label, [configuration and configuration[key] for _, configuration in columns])
                for label, key in _CONFIGURATION_ROWS]
    for label, values in nodes + pools + settings:
        row = OrderedDict([('Cluster', _cell(cluster, 'Cluster')), ('Setting', _cell(label, 'Setting'))])
        row.update((title, _cell(value)) for (title, _), value in zip(columns, values))
        yield row


def _pool(pool):
    return f"{pool['current']}/{pool['max']}+{pool['surge']}"


def _cell(value, column=None):
    """Text of a cell: True as Yes, None as a dash, 0 as 0, and never wider than its column."""
    if value is None:
        return '-'
    if isinstance(value, bool):
        return 'Yes' if value else 'No'
    written = ' '.join(str(value).split())
    widest = _WIDEST.get(column, _WIDEST_VALUE)
    return written if len(written) <= widest else written[:widest - 1] + '…'
