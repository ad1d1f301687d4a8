"""Whether a result is the arithmetic's: computed again from nothing but the numbers that the result itself shows.

Written from AZURE-FACTS sections 1 to 3, and not from the code that it judges.
"""
import json
import shlex

from azext_lbplan.views import layout
from tests.support.contract import conform

_TABLE = ((50, 1024), (100, 512), (200, 256), (400, 128), (800, 64), (1000, 32))
_FLAG_RANGES = {'--load-balancer-managed-outbound-ip-count': range(1, 101),
                '--load-balancer-managed-outbound-ipv6-count': range(1, 101),
                '--load-balancer-outbound-ports': range(0, 64001, 8), '--load-balancer-idle-timeout': range(4, 101)}
_CODE = ('bicep', 'terraform', 'aso', 'capz')  # fragments of code, the only texts of several lines
_STATUSES = ('error', 'warning', 'ok', 'notApplicable')


def judge(command, result, rules_share_frontends=True):
    """Assert that `result` of `az aks lb COMMAND` is whole, can be printed, and adds up."""
    json.dumps(result, allow_nan=False)
    for key, one in _texts(result):
        lines = one.split('\n') if key in _CODE else [one]
        assert all(line.isprintable() for line in lines), f'{one!r} would reach a terminal'
    if command == 'list':
        for row in result:
            _row(row)
    elif command == 'check':
        _report(result)
    elif command != 'check-service':
        conform(command, result)
        _nodes(result['nodes'])
        for key in ('current', 'requested', 'proposed'):
            if result.get(key):
                _configuration(result[key], result['nodes'], rules_share_frontends)
                _fits(result[key], result, of_line=key == 'proposed')
        _flags(result)
    return result


def judge_table(rows, widest=None):
    """Assert that every cell is text on one line, and that the rows fit the terminal."""
    widths = {}
    for row in rows:
        for column, cell in row.items():
            assert isinstance(cell, str) and cell.isprintable(), f'{column}: {cell!r}'
            widths[column] = max(widths.get(column, len(column)), len(cell))
    assert sum(widths.values()) + 2 * (len(widths) - 1) <= (widest or layout.width()), widths


def _texts(value, key=None):
    """(the key it stands under, text) for each text in `value`; keys are texts too."""
    if isinstance(value, str):
        yield key, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield None, name
            yield from _texts(inner, name)
    elif isinstance(value, (list, tuple)):
        for inner in value:
            yield from _texts(inner, key)


def _nodes(nodes):
    pools = nodes['pools']
    assert nodes['current'] == sum(pool['current'] for pool in pools)
    assert nodes['max'] == sum(pool['max'] for pool in pools)
    assert nodes['validated'] == sum(pool['max'] + pool['surge'] for pool in pools) == \
        nodes['max'] + nodes['surge'], nodes
    assert nodes['required'] == max(nodes['validated'], nodes['backendPool'] or 0)
    for pool in pools:
        assert 0 <= pool['current'] <= pool['max'] and pool['validated'] == pool['max'] + pool['surge']
        assert pool['surge'] in _surges(pool['surgeSetting'], pool['max']), pool


def _surges(setting, most):
    """What a pool may surge by: 10 % or 1 where unset, by the version of Kubernetes."""
    if most == 0:
        return {0}
    digits = (setting or '').rstrip('%').strip()
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 9 and (setting or '').count('%') <= 1):
        return {1, _percent(10, most)}
    return {_percent(int(digits), most) if '%' in setting else max(1, int(digits))}


def _percent(percent, most):
    return max(1, (most * percent + 99) // 100)


def _configuration(one, nodes, rules_share_frontends):
    ips, ports, required = one['outboundIpCount'], one['outboundPorts'], nodes['required']
    if ports is None:
        for key in ('requiredPorts', 'availablePorts', 'maxNodes', 'maxPortsPerNode', 'fits'):
            assert one[key] is None, key
        return
    assert ports >= 0 and (ips is None or ips >= 0)
    assert (one['availablePorts'], one['headroomPorts']) == (
        (None, None) if ips is None else
        (64000 * ips, None if one['requiredPorts'] is None else 64000 * ips - one['requiredPorts']))
    if one['maxPortsPerNode'] is not None:
        most = one['maxPortsPerNode']
        assert most % 8 == 0 and 0 <= most <= 64000 and (most * required <= 64000 * ips or required == 0)
        assert rules_share_frontends or most == 64000 or (most + 8) * required > 64000 * ips
    if ports:
        assert one['requiredPorts'] == ports * nodes['validated']
        assert one['maxNodes'] == (None if ips is None else 64000 * ips // ports)
    else:
        _automatic(one, required)


def _automatic(one, required):
    frontends = one['managedOutboundIpCount'] if one['ipSource'] == 'managed' else None
    if frontends is not None:
        assert one['portsPerNodeAtMax'] == _by_table(required, frontends)
    at_max = one['portsPerNodeAtMax']
    assert one['requiredPorts'] == (None if at_max is None else at_max * required)


def _fits(one, result, of_line):
    """Of automatic allocation, which AKS does not validate; a proposal fits only with a line, or nothing to do."""
    if of_line and result['command'] is None and result['noCommand']['reason'] not in ('nothingToDo', 'managedByCode'):
        assert one['fits'] is not True
    elif one['outboundPorts'] == 0:
        expected = True if result['nodes']['required'] <= 1000 else None
        assert one['fits'] == (False if one['outboundIpCount'] == 0 else expected)


def _by_table(nodes, frontends):
    return next((min(ports * max(1, frontends), 1024) for most, ports in _TABLE if nodes <= most), None)


def _flags(result):
    """What is printed, `az aks update` takes: each value in its range, each line the argv that it stands for."""
    argv = list(result.get('flags', ()))
    for name, value in zip(argv[::2], argv[1::2]):
        assert name.startswith('--load-balancer-'), argv
        assert name not in _FLAG_RANGES or int(value) in _FLAG_RANGES[name], argv
    lines = [*result.get('commands', ()), *(finding['command'] for finding in result.get('findings', ())),
             *(one['command'] for one in result.get('alternatives', ()))]
    for line in filter(None, lines):
        for part in line.split(' && '):
            assert shlex.join(shlex.split(part)) == part, part


def _report(result):
    assert result['status'] in _STATUSES and set(result['summary']) == {'error', 'warning', 'info'}
    for severity, number in result['summary'].items():
        assert number == sum(finding['severity'] == severity for finding in result['findings'])
    for one in result['skipped']:
        assert 'The rule failed' not in one['reason'], one
    _flags(result)


def _row(row):
    assert row['status'] in _STATUSES
    ports, ips, validated = row['outboundPorts'], row['outboundIpCount'], row['nodes']['validated']
    assert validated == row['nodes']['max'] + row['nodes']['surge'] <= row['nodes']['required']
    assert row['availablePorts'] == (None if ips is None else 64000 * ips)
    if ports:
        assert row['requiredPorts'] == ports * validated
        counted = None if ips is None else ports * validated <= 64000 * ips
        # No IP at all, or a value that AKS refuses by itself, fits nobody.
        assert row['fits'] == counted or row['fits'] is False and row['status'] == 'error'
