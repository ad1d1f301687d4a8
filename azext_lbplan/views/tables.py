# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Tables for eyes, made from results: the verdict first, then what a reader compares. The rest is in JSON."""

from typing import Any, Callable, Dict, Iterable, Iterator, List, Optional, Tuple

from ..decision.egress import way_out
from ..model.finding import ERROR, INFO, WARNING, counted
from ..model.service import PREFIX
from ..model.values import distinct
from . import curve, sums, week
from .layout import Entry, Row, cell, columns, filled_bar, prints, sheet, sheets, text_width, width, wrapped
from .findings import Result

#: The most node pools, busy nodes and further targets of a finding that a table has; JSON has all.
_MOST_POOLS, _MOST_NODES, _MOST_ALIKE = 3, 3, 3

#: (label, key of a configuration) of what is compared only where it changes.
_WHERE_IT_CHANGES = (('Idle timeout', 'idleTimeoutInMinutes'), ('Backend pool', 'backendPoolType'),
                     ('IPv6 IPs', 'managedOutboundIpv6Count'))


def _codes(result: Result) -> Iterator[Entry]:
    """The findings of one among several clusters, by their codes."""
    for severity in (ERROR, WARNING):
        codes = distinct(finding['code'] for finding in result['findings'] if finding['severity'] == severity)
        if codes:
            yield f'{severity.capitalize()}s', [', '.join(codes)]
    if result.get('skipped'):
        yield 'Skipped', [f"{counted(len(result['skipped']), 'rule')} (-o json tells more)"]


def show_table(result: Any) -> List[Row]:
    """The verdict, and what is in force, by groups."""
    return _sheets(result, 'In force', _show, _in_force)


def plan_table(result: Any) -> List[Row]:
    """The verdict, what changes, and what to mind; of several sizes a row for each."""
    if isinstance(result, dict) and result['curve'] is not None:
        return curve.table(result)
    if isinstance(result, list) and result and result[0]['curve'] is not None:
        return [row for shown in result for row in curve.table(shown, _name(shown))]
    return _sheets(result, 'Plan', lambda shown: [
        *_verdict(shown), *_compared(shown, 'requested', 'proposed'), *_binding_pools(shown), *_findings(shown)])


def recommend_table(result: Any) -> List[Row]:
    """The verdict, why, the sum, what changes, what it rests on, and the other ways."""
    return _sheets(result, 'Advice', lambda shown: [
        *_verdict(shown), ('Because', shown['reasons']), *_sum(shown), *_compared(shown, 'proposed'),
        *_measured(shown, text_width()), *_findings(shown), *_alternatives(shown)])


def check_table(result: Any) -> List[Row]:
    """The verdict, and each finding; what is only worth knowing in one line."""
    return _sheets(result, 'Check', lambda shown: [
        *_verdict(shown), *_findings(shown, short=False), *_skipped(shown)])


def _sheets(result: Any, title: str, entries: Callable[[Result], Iterable[Entry]],
            brief: Callable[[Result], Iterable[Entry]] = _codes) -> List[Row]:
    """One result below its cluster's name; of several the verdicts, with `brief` of each and a column for the name."""
    if isinstance(result, list):
        return sheets((title, 'Answer, in brief'),
                      [(_name(shown), [*_verdict(shown), *brief(shown)]) for shown in result])
    return sheet((title, f'Cluster {_name(result)}' if result['cluster'] else 'New cluster'), entries(result))


def _name(result: Result) -> str:
    return (result['cluster'] or {}).get('name') or '-'


def _verdict(result: Result) -> Iterator[Entry]:
    """The three sentences; where there is no line and there are ways out, those in their order."""
    verdict = result['verdict']
    for label, key in (('Verdict', 'answer'), ('Binds', 'binds'), ('Change', 'change')):
        yield label, [verdict[key]]
    ways = (result.get('noCommand') or {}).get('waysOut') or ()
    if ways:
        yield 'Ways out', [f"{number}. {way['title']} {way['consequence']}" for number, way in enumerate(ways, 1)]


# What is in force

def _show(result: Result) -> Iterator[Entry]:
    current = result['current']
    yield from _verdict(result)
    yield from _egress(result)
    yield 'Nodes', [_nodes(result['nodes'])]
    yield from _pools(result['nodes']['pools'], len(result['nodes']['pools']))
    if current['outboundPorts'] is None:
        yield from _backend_pool(current)
        return
    in_force = current['effectiveOutboundIpCount']
    yield 'Outbound IPs', [f"{cell(current['outboundIpCount'])} ({current['ipSource']}), {cell(in_force)} in force"]
    yield 'Ports per node', [f"{_ports(current)} configured, {cell(current['portsPerNode'])} now, "
                             f"{cell(current['portsPerNodeAtMax'])} at full scale"]
    yield 'Ports in all', [_ports_in_all(current)]
    yield 'Room', [_room(current)]
    yield 'Idle timeout', [f"{cell(current['idleTimeoutInMinutes'])} minutes, TCP reset "
                           f"{ {True: 'on', False: 'off'}.get(current['enableTcpReset'], 'unknown')}"]
    yield from _backend_pool(current)
    yield from _unverified(result)


def _backend_pool(current: Result) -> Iterator[Entry]:
    if current['backendPoolType'] is not None:
        yield 'Backend pool', [current['backendPoolType']]


def _in_force(result: Result) -> Iterator[Entry]:
    """What is in force on one among several clusters."""
    yield 'Nodes', [_nodes(result['nodes'])]
    if result['current']['outboundPorts'] is not None:
        yield 'Ports per node', [f"{_ports(result['current'])}; {_room(result['current'])}"]


def _egress(result: Result) -> Iterator[Entry]:
    """Where packets leave, and from which addresses."""
    egress = result['egress']
    declared = '' if egress['effective'] == egress['declared'] else f" (declared: {egress['declared']})"
    yield 'Egress', [f"{way_out(egress['effective'], egress['via'])}{declared}", *egress['evidence']]
    if egress['addresses'] is not None:
        yield 'From', [', '.join(egress['addresses']) or 'no address']


def _room(current: Result) -> str:
    nodes, ports = current['headroomNodes'], current['maxPortsPerNode']
    if nodes is None:
        return 'unknown'
    more = f"{counted(nodes, 'node')} more" if nodes >= 0 else f"{counted(-nodes, 'node')} too many"
    return f'{more}; at most {ports} ports per node fit'


def _nodes(nodes: Result) -> str:
    sized = '' if nodes['required'] == nodes['validated'] else f", {nodes['required']} to size for"
    live = '' if nodes['backendPool'] in (None, nodes['current']) else f", {nodes['backendPool']} in the backend pool"
    return (f"{cell(nodes['current'])} now, {cell(nodes['max'])} at most, {cell(nodes['validated'])} with upgrade surge"
            f'{sized}{live}')


def _pools(pools: List[Result], most: int) -> Iterator[Entry]:
    """The pools that add most nodes to those of now lead, in every table."""
    growing = sorted(pools, key=lambda pool: (pool['current'] or 0) - (pool['validated'] or 0))
    for pool in growing[:most]:
        yield f"Pool {pool['name']}", [f"{cell(pool['current'])} now, {cell(pool['max'])} at most, "
                                       f"surge {cell(pool['surge'])}"]


def _ports(configuration: Result) -> str:
    return 'automatic' if configuration['outboundPorts'] == 0 else cell(configuration['outboundPorts'])


def _ports_in_all(configuration: Result) -> str:
    return f"{cell(configuration['requiredPorts'])} of {cell(configuration['availablePorts'])}"


# What changes

def _compared(result: Result, *others: str) -> Iterator[Entry]:
    """What is in force, was requested and is proposed, side by side."""
    steps = [(key, result[key]) for key in ('current', *others) if result[key]]
    if all(configuration['outboundPorts'] is None for _, configuration in steps):
        yield from _changing(steps)
        return
    rows: List[Tuple[str, Callable[[Result], Any]]] = [
        ('Outbound IPs', lambda one: one['outboundIpCount']), ('Ports per node', _ports),
        ('Ports in all', _ports_in_all), ('Most nodes', lambda one: one['maxNodes'])]
    for label, value in rows:
        yield label, [_steps([(key, cell(value(configuration))) for key, configuration in steps])]
    yield from _changing(steps)
    yield 'Nodes', [_nodes(result['nodes'])]


def _binding_pools(result: Result) -> Iterator[Entry]:
    """The pools that add most nodes, where something does not fit; `recommend` names the one that adds most."""
    if any((result[key] or {}).get('fits') is False for key in ('current', 'requested', 'proposed')):
        yield from _pools(result['nodes']['pools'], _MOST_POOLS)


def _changing(steps: List[Tuple[str, Result]]) -> Iterator[Entry]:
    """What is compared only where it changes."""
    for label, key in _WHERE_IT_CHANGES:
        values = [(name, cell(configuration[key])) for name, configuration in steps]
        if len({value for _, value in values}) > 1:
            yield label, [_steps(values)]


def _steps(values: List[Tuple[str, str]]) -> str:
    """`3 -> 4`; where what was requested is neither, all three by name."""
    texts = [value for _, value in values]
    if len(set(texts)) == 1:
        return texts[0]
    if len(texts) == 3 and texts[1] not in (texts[0], texts[2]):
        return f'{texts[0]} -> {texts[1]} requested -> {texts[2]} proposed'
    return f'{texts[0]} -> {texts[-1]}'


# Findings

def _findings(result: Result, short: bool = True) -> Iterator[Entry]:
    """Errors and warnings whole, each with what to do where no line does it; the rest by code. Where it is to be
    `short`, so is what the line mends: the verdict has said it."""
    infos, mended = [], []
    told: Dict[Tuple[str, ...], List[Result]] = {}
    for finding in result['findings']:
        if finding['severity'] == INFO:
            infos.append(finding['code'])
        elif finding['command'] and finding['command'] == result['command'] and short:
            mended.append(finding['code'])
        else:
            told.setdefault(_kind(finding), []).append(finding)
    yield from map(_told, told.values())
    if mended:
        yield 'Line mends', [', '.join(mended)]
    if infos:
        yield 'Info', [f"{', '.join(infos)} (-o json tells more)"]
    yield from _unverified(result)


def _kind(finding: Result) -> Tuple[str, ...]:
    """What findings that differ only in their target have in common."""
    target, message = finding['target'], finding['message']
    return (finding['severity'], finding['code'], finding['baseline'] or '',
            message.replace(target, '') if target else message)


def _told(alike: List[Result]) -> Entry:
    """A finding whole, with what to do where no line does it, and what else it is true of."""
    finding, *others = alike
    advice = f" {finding['remediation']}" if finding['remediation'] and not finding['command'] else ''
    state = f" ({finding['baseline']})" if finding['baseline'] else ''
    texts = [f"{finding['code']}{state}: {finding['message']}{advice}"]
    names = [other['target'].rsplit('/', 1)[-1] for other in others if other['target']]
    if names:
        more = f' and {len(names) - _MOST_ALIKE} more' if len(names) > _MOST_ALIKE else ''
        texts.append(f"The same of {', '.join(names[:_MOST_ALIKE])}{more}.")
    return finding['severity'].capitalize(), texts


def _unverified(result: Result) -> Iterator[Entry]:
    if result.get('unverified'):
        yield 'Assumed', result['unverified']


def _skipped(result: Result) -> Iterator[Entry]:
    codes: Dict[str, List[str]] = {}
    for skipped in result['skipped']:
        codes.setdefault(skipped['reason'], []).append(skipped['code'])
    for reason, found in codes.items():
        yield 'Skipped', [f"{found[0] if len(found) == 1 else counted(len(found), 'rule')}: {reason}"]


# What was measured

def _sum(result: Result) -> Iterator[Entry]:
    """From the demand to the IPs, a line for each step."""
    if result['evidence']['steps']:
        yield 'Sum', list(sums.lines(result['evidence']['steps']))


def _measured(result: Result, columns_of_text: int) -> Iterator[Entry]:
    evidence = result['evidence']
    if evidence['peakPortsPerNode'] is None:
        return
    coverage = None if evidence['coverage'] is None else f"{evidence['coverage']:.0%}"
    yield 'Measured', [f"{cell(evidence['start'])} to {cell(evidence['end'])}, {cell(coverage)} covered, "
                       f"{cell(evidence['failedConnections'])} connections failed"]
    yield from _week(result['week'], columns_of_text)
    for node in evidence['busiestNodes'][:_MOST_NODES]:
        yield f"Node {node['node']}", [_used(node)]


def _week(found: Optional[Result], columns_of_text: int) -> Iterator[Entry]:
    """The busiest node over the time that was measured; a full block is all that it has."""
    if found is not None:
        drawn = week.line(found['ports'], found['allocatedPorts'], columns_of_text, prints(week.BLOCKS))
        yield 'Over time', [drawn.replace(week.GAP, '?')]


def _used(node: Result) -> str:
    used, allocated = node['peakPorts'], node['allocatedPorts']
    return cell(used) if not allocated or used is None else f'{filled_bar(used, allocated)} {used} of {allocated} ports'


def _alternatives(result: Result) -> Iterator[Entry]:
    for other in result['alternatives']:
        misfit = ' Does not fit.' if other['fits'] is False else ''
        yield 'Or', [f"{other['title']}: {other['consequence']}{misfit}"]


# Services

def check_service_table(result: List[Result]) -> List[Row]:
    """A row per finding, the worst first; the same finding of many Services in one, what is only worth knowing
    counted."""
    folded: Dict[Tuple[str, str, str], List[str]] = {}
    infos: Dict[str, int] = {}
    for service in result:
        for found in service['findings']:
            if found['severity'] == INFO:
                infos[found['code']] = infos.get(found['code'], 0) + 1
            else:
                folded.setdefault((found['severity'], found['code'], found['message']), []).append(
                    _place(service, found))
    rows = [row for key in sorted(folded, key=lambda key: key[0]) for row in _service_rows(key, folded[key])]
    if infos:
        listed = ', '.join(f'{code} ({number})' for code, number in infos.items())
        rows += _service_rows(('info', '', f'{listed}: -o json tells more.'), [])
    return rows or _service_rows(('ok', '', f"{counted(len(result), 'Service')}: nothing was found."), [])


def _place(service: Result, found: Result) -> str:
    name = '/'.join(filter(None, (service['namespace'], service['name'])))
    line = found['evidence'].get('line')
    return f"{service['file'] or 'all files'}{f':{line}' if line else ''} {name}".strip()


def _service_rows(key: Tuple[str, str, str], places: List[str]) -> List[Row]:
    """Severity, where, and what; the text goes on below."""
    severity, code, message = key
    where_width = min(34, max(18, width() // 3))
    room = max(20, width() - 10 - where_width - 4)
    shown = places[:_MOST_POOLS] + ([f'and {len(places) - _MOST_POOLS} more'] if len(places) > _MOST_POOLS else [])
    where = [line for place in shown for line in wrapped(place, where_width)]
    told = message.replace(PREFIX, '')  # which all of these annotations have
    texts = wrapped(f'{code}: {told}' if code else told, room)
    return [{'Severity': severity if number == 0 else '', 'Where': part(where, number), 'Finding': part(texts, number)}
            for number in range(max(len(where), len(texts)))]


def part(lines: List[str], number: int) -> str:
    """A line, or nothing beyond the last."""
    return lines[number] if number < len(lines) else ''


# The fleet

#: Columns of a fleet, with the most letters of each; what the terminal has beyond goes to the names.
_FLEET_WIDTHS = {'Status': 7, 'Cluster': 14, 'ResourceGroup': 13, 'Ports': 9, 'Nodes': 9, 'TopFinding': 27}
_WITH_PEAK = {**{title: most for title, most in _FLEET_WIDTHS.items() if title != 'TopFinding'}, 'Peak': 5,
              'TopFinding': 27}


def list_table(rows: List[Result]) -> List[Row]:
    """A row per cluster; ports as allocated, for automatic allocation now and at most; nodes as now/to size for. The
    measured peak, where it was read, has a column of its own."""
    widths = _WITH_PEAK if any('snatPeak' in row for row in rows) else _FLEET_WIDTHS
    return columns([_fleet_cells(row) for row in rows], widths, ('Cluster', 'ResourceGroup', 'TopFinding'))


def _fleet_cells(row: Result) -> Dict[str, Any]:
    return {
        'Status': 'n/a' if row['status'] == 'notApplicable' else row['status'], 'Cluster': row['name'],
        'ResourceGroup': row['resourceGroup'],
        'Peak': (row.get('snatPeak') or {}).get('portsPerNode'), 'Ports': _fleet_ports(row),
        'Nodes': f"{row['nodes']['current']}/{row['nodes']['required']}", 'TopFinding': row['topFinding']}


def _fleet_ports(row: Result) -> Optional[str]:
    """Explicit ports as a number; automatic ones as such, with what becomes of them at full scale."""
    if row['outboundPorts'] != 0:
        return None if row['outboundPorts'] is None else str(row['outboundPorts'])
    now, at_max = (cell(row[key]) for key in ('portsPerNode', 'portsPerNodeAtMax'))
    return f'auto {now}' if now == at_max else f'{now}->{at_max}'
