# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The report for people: what an answer says, with its pictures, on one page."""

import json
from typing import Any, Callable, Dict, Iterable, List, NamedTuple, Optional, Sequence

from ...decision import Decision
from ...decision.egress import UNKNOWN, way_out
from ...demand.history import History
from ...facts.clusters import NONE
from ...facts.snat import PORTS_PER_IP
from ...model.finding import ERROR, INFO, WARNING, counted
from .. import sums
from ..fleet import summary
from ..findings import Result
from ..results import NOT_APPLICABLE, OK
from ..week import busiest_history
from ..answer import Answer
from .charts import NARROW, WIDE, Size, capacity_chart, demand_chart, nodes_chart
from .page import figure, lines, page, paragraphs, section, sign, table
from .svg import Content, Markup, box, element, join, line, path, picture, text

#: What a reader compares: label and key of a configuration.
_SETTINGS = (
    ('Outbound IPs (IPv4)', 'outboundIpCount'), ('Outbound ports', 'outboundPorts'),
    ('Ports per node', 'portsPerNode'), ('Ports per node at full scale', 'portsPerNodeAtMax'),
    ('Idle timeout (minutes)', 'idleTimeoutInMinutes'), ('Available ports', 'availablePorts'),
    ('Required ports', 'requiredPorts'), ('Most nodes', 'maxNodes'), ('Nodes to spare', 'headroomNodes'),
    ('Fits', 'fits'))

_COLUMNS = ('current', 'requested', 'proposed')

#: How a page calls what has no SNAT ports of a load balancer.
_NOT_APPLICABLE = 'not applicable'


def render(answers: Sequence[Answer]) -> str:
    """The page, of one answer."""
    (answer,) = answers
    return _fleet(answer) if isinstance(answer.result, list) else _cluster(answer)


def _cluster(answer: Answer) -> str:
    result, decision = answer.result, answer.decision
    name = (result['cluster'] or {}).get('name') or 'a new cluster'
    seen = busiest_history(decision) if decision else None
    return page(
        f'Outbound traffic of {name}', element('h1', f'Outbound traffic of {name}'), _place(answer),
        _verdict(result), section('Lines to run', _lines(result)), section('Capacity', _capacity(decision)),
        section('Demand', _demand(decision, seen), _trend(result)), section('Busiest nodes', _nodes(decision)),
        section('Side by side', _columns(result)), section('Egress', _egress(result)),
        section('Node pools', _pools(result)), section('Sizes', _curve(result)), section('Findings', _findings(result)),
        section('Alternatives', _alternatives(result)), section('How the numbers came about', _reasons(result)),
        section('Alerts', _alerts(result)), section('As code', _profile(result)),
        section('What was not read', _gaps(result)))


def _place(answer: Answer) -> Markup:
    cluster = answer.result['cluster'] or {}
    decision = answer.decision
    captured = decision.observed.captured_at if decision else None
    said = [f"az aks lb {answer.command}", cluster.get('resourceGroup'), cluster.get('subscriptionId'),
            cluster.get('location'), f"Kubernetes {cluster['kubernetesVersion']}" if cluster.get('kubernetesVersion')
            else None, f'read {captured}' if captured else None]
    return element('p', ' \u00b7 '.join(part for part in said if part), class_='muted')


# The verdict

class _Judged(NamedTuple):
    """How bad it is, as a severity and in a word."""

    severity: str
    word: str


def _verdict(result: Result) -> Markup:
    """The three sentences that every answer leads with; of a check how much was found, too."""
    judged, verdict = _judged(result), result['verdict']
    told = [element('p', sign(judged.severity, judged.word), verdict['answer']),
            element('p', verdict['binds']), element('p', verdict['change'])]
    told += [element('p', f"{number}. {way['title']} {way['consequence']}")
             for number, way in enumerate((result.get('noCommand') or {}).get('waysOut') or (), 1)]
    if 'summary' in result:
        counts = result['summary']
        told.append(element('p', f"{counted(counts['error'], 'error')}, {counted(counts['warning'], 'warning')}, "
                                 f"{counts['info']} worth knowing.", class_='muted'))
    return element('div', *told, class_=f'verdict {judged.severity}')


def _judged(result: Result) -> _Judged:
    severities = [found['severity'] for found in result['findings']]
    worst = next((severity for severity in (ERROR, WARNING) if severity in severities), OK)
    column = next(filter(None, (result.get(name) for name in ('requested', 'current', 'proposed'))), None)
    if result.get('status') == NOT_APPLICABLE or column is not None and column['ipSource'] == NONE:
        return _Judged(INFO, _NOT_APPLICABLE)
    evidence = result.get('evidence') or {}
    if evidence.get('saturated') and evidence['failedConnections']:
        worst = ERROR
    elif worst == OK and evidence and result['command']:
        return _Judged(INFO, 'change')
    return _Judged(worst, worst)


def _egress(result: Result) -> Markup:
    """Where packets leave, and from which addresses."""
    egress = result['egress']
    addresses = egress['addresses']
    known = 'The addresses are not known.' if addresses is None else f"From {', '.join(addresses) or 'no address'}."
    way = 'The way is not known' if egress['effective'] == UNKNOWN else \
        f"By {way_out(egress['effective'], egress['via'])}"
    return paragraphs([f"{way}; the cluster declares {egress['declared']}.",
                       *egress['evidence'], known])


def _lines(result: Result) -> Markup:
    return lines(result.get('commands') or [])


# Pictures

def _both(draw: Callable[[Size], Optional[Markup]], caption: str, legend: Sequence[Markup] = ()) -> Markup:
    return figure(draw(WIDE), draw(NARROW), caption, legend)


def _key(words: str, *drawing: Markup) -> Markup:
    """An entry of a legend: a small drawing, and what it means."""
    return join([element('svg', *drawing, viewBox='0 0 32 12', aria_hidden='true'), words])


def _stroke(words: str, class_: str) -> Markup:
    return _key(words, line((0, 6), (32, 6), class_))


def _capacity(decision: Optional[Decision]) -> Markup:
    if decision is None:
        return Markup('')
    legend = [_stroke('ports per node, current', 'allocated current'),
              _stroke('ports per node, proposed', 'allocated proposed'),
              _stroke('the most that the current IPs give', 'most current'),
              _stroke('the most that the proposed IPs give', 'most proposed')]
    return _both(lambda size: capacity_chart(decision, size),
                 'Ports are on a scale of powers of two. Where a thick line meets its dotted one, the IPs have no '
                 'more.',
                 legend)


def _demand(decision: Optional[Decision], seen: Optional[History]) -> Markup:
    demand = decision.demand if decision else None
    if decision is None or demand is None:
        return Markup('')
    if seen is None:
        return element('p', f'Demand was not measured: {demand.evidence.reason}.')
    proposed = decision.proposed.settings.outbound_ports if decision.proposed and decision.proposed.settings else None
    legend = [_key('read minute by minute', box((0, 1), 32, 10, 'use exact')),
              _key('known only over longer intervals', box((0, 1), 32, 10, 'use coarse')),
              _stroke('allocated', 'allocated current'), _stroke('proposed allocation', 'allocated proposed'),
              _key('ports used up', path([(12, 2), (20, 2), (16, 9)], 'full', closed=True)),
              _key('connections failed', line((12, 2), (20, 10), 'failed'), line((12, 10), (20, 2), 'failed'))]
    if demand.evidence.demand_is_estimate:
        legend.append(_key('estimated need beyond what was seen', box((0, 1), 32, 10, 'band')))
    return _both(lambda size: demand_chart(seen, demand.evidence, proposed or None, size),
                 f'Node {seen.node}, {seen.protocol}, times in UTC. '
                 f'{demand.evidence.minute_grain_share or 0:.1%} of all node time was read minute by minute.', legend)


def _trend(result: Result) -> Markup:
    forecast = result.get('forecast')
    return element('p', forecast['message']) if forecast else Markup('')


def _nodes(decision: Optional[Decision]) -> Markup:
    demand = decision.demand if decision else None
    if demand is None:
        return Markup('')
    seen = demand.evidence.nodes_observed
    return _both(lambda size: nodes_chart(demand.evidence, size.width),
                 f'Ports at the peak in a frame of those allocated; {seen} nodes were seen.')


# Tables

def _columns(result: Result) -> Markup:
    shown = [(name, result[name]) for name in _COLUMNS if result.get(name) and result[name]['ipSource'] != NONE]
    if not shown:
        return Markup('')
    return table(['', *(name.capitalize() for name, _ in shown)],
                 ([label, *(_setting(key, column[key]) for _, column in shown)] for label, key in _SETTINGS),
                 range(1, len(shown) + 1))


def _setting(key: str, value: Any) -> str:
    return 'automatic' if key == 'outboundPorts' and value == 0 else _text(value)


def _pools(result: Result) -> Markup:
    nodes = result.get('nodes')
    if not nodes:
        return Markup('')
    rows = [(pool['name'], *(_text(pool[key]) for key in ('current', 'max', 'surge', 'validated')))
            for pool in nodes['pools']]
    whole = ('All', *(_text(nodes[key]) for key in ('current', 'max', 'surge', 'validated')))
    return table(['Node pool', 'Now', 'At most', 'Surge', 'AKS counts'], [*rows, whole], range(1, 5))


def _curve(result: Result) -> Markup:
    rows = result.get('curve') or []
    keys = ('maxCount', 'requiredNodes', 'outboundPorts', 'portsPerNodeAtMax', 'outboundIpCount', 'fits',
            'proposedFits')
    return table(['Nodes at most', 'With surge', 'Outbound ports', 'Ports per node', 'IPs', 'Fits as it is',
                  'Fits as proposed'], ([_text(row[key]) for key in keys] for row in rows), range(0, 5))


def _alternatives(result: Result) -> Markup:
    return table(['Way', 'Consequence', 'Fits', 'Line'],
                 ((way['title'], way['consequence'], _text(way['fits']),
                   element('code', way['command'] or ' '.join(way['flags'])))
                  for way in result.get('alternatives', ())))


def _findings(result: Result) -> Markup:
    found = result['findings']
    if not found:
        return element('p', sign(OK), 'Nothing was found.')
    return join(_finding(one, result.get('command')) for one in found)


def _finding(found: Result, printed: Optional[str]) -> Markup:
    """A finding, with its line where that is not the one `printed` above."""
    parts: List[Content] = [element('p', sign(found['severity']), element('strong', found['code']), '. ',
                                    found['message'])]
    if found['remediation']:
        parts.append(element('p', found['remediation']))
    if found['command'] and found['command'] != printed:
        parts.append(lines([found['command']]))
    if found['link']:
        parts.append(element('p', found['link'], class_='muted'))
    return element('div', *parts, class_=f"finding {found['severity']}")


# Words

def _reasons(result: Result) -> Markup:
    reasons, column = list(result.get('reasons', ())), result.get('proposed')
    steps = list(sums.lines((result.get('evidence') or {}).get('steps', ())))
    if column and column['outboundPorts'] and column['availablePorts'] is not None:
        reasons.append(f"{column['outboundPorts']} ports x {result['nodes']['validated']} nodes that AKS validates = "
                       f"{column['requiredPorts']} of the {column['availablePorts']} ports that "
                       f"{counted(column['outboundIpCount'], 'IP')} have at {PORTS_PER_IP} each.")
    return join([paragraphs(reasons), element('pre', '\n'.join(steps)) if steps else ''])


def _alerts(result: Result) -> Markup:
    return lines([alert['command'] for alert in result.get('alerts') or ()])


def _profile(result: Result) -> Markup:
    code = (result.get('fragments') or {}).get((result.get('code') or {}).get('language'))
    if code:
        return element('pre', code)
    profile = result.get('profile')
    return element('pre', json.dumps({'loadBalancerProfile': profile}, indent=2)) if profile else Markup('')


def _gaps(result: Result) -> Markup:
    skipped: Dict[str, List[str]] = {}
    for rule in result.get('skipped', ()):
        skipped.setdefault(rule['reason'], []).append(rule['code'])
    evidence = result.get('evidence') or {}
    words = [f"{', '.join(codes)}: {reason}" for reason, codes in skipped.items()]
    words += [f'Assumed: {assumption}' for assumption in result.get('unverified', ())]
    if evidence.get('reason'):
        words.append(f"Metrics: {evidence['reason']}.")
    return paragraphs(words)


def _text(value: Any) -> str:
    if value is None:
        return '\u2013'
    if isinstance(value, bool):
        return 'yes' if value else 'no'
    return f'{value:,}' if isinstance(value, int) else str(value)


# A fleet

def _fleet(answer: Answer) -> str:
    rows = answer.result
    titles = ['Cluster', 'Status', 'Resource group', 'IPs', 'Ports per node', 'Nodes', 'Full scale', 'Nodes to spare',
              'Worst finding']
    cells = ((row['name'] or '\u2013', _status(row['status']), row['resourceGroup'] or '\u2013',
              _text(row['outboundIpCount']), _text(row['portsPerNode']), _text(row['nodes']['current']),
              _text(row['nodes']['required']), _text(row['headroomNodes']), row['topFinding'] or '\u2013')
             for row in rows)
    worst = next((severity for severity in (ERROR, WARNING) if any(row['status'] == severity for row in rows)), OK)
    return page('Outbound traffic of the fleet', element('h1', 'Outbound traffic of the fleet'),
                element('div', element('p', sign(worst), summary(rows)), class_=f'verdict {worst}'),
                section('Headroom', _headroom(rows)), section('Clusters', table(titles, cells, range(3, 8))))


def _status(status: str) -> Markup:
    severity = status if status in (ERROR, WARNING, OK) else INFO
    return element('span', sign(severity) if status != NOT_APPLICABLE else _NOT_APPLICABLE, class_=severity)


#: Clusters that the picture shows: those that break first.
_SHOWN = 20


def _headroom(rows: Iterable[Result]) -> Markup:
    """A bar of nodes to size for in a frame of the most nodes, for the clusters that break first."""
    known = [row for row in rows if row['headroomNodes'] is not None][:_SHOWN]
    return _both(lambda size: _headroom_picture(known, size), 'Nodes to size for in a frame of the most nodes that the '
                 'outbound IPs carry, in percent of that most; the riskiest first.') if known else Markup('')


def _headroom_picture(rows: Sequence[Result], size: Size) -> Markup:
    row_height, left, right = 22.0, min(180.0, size.width * 0.4), size.width - 60
    parts: List[Content] = []
    told = []
    for index, row in enumerate(rows):
        required = row['nodes']['required']
        most = max(required + row['headroomNodes'], 0)
        share = required / most if most else 2.0
        y, letters = row_height * index + 4, int(left / 7)
        name = row['name'] or ''
        name = name if len(name) <= letters else f'{name[:letters - 1]}\u2026'
        over = ' over' if share > 1 else ''
        parts += [text((left - 6, y + 11), name, 'label', 'end'),
                  box((left, y), (right - left) * min(1.0, share), 14, f'use{over}'),
                  box((left, y), right - left, 14, 'frame'),
                  text((right + 6, y + 11), f'{min(share, 9.99):.0%}{" !" if over else ""}')]
        told.append(f'{name}: {required} of {most}')
    return picture(size.width, row_height * len(rows) + 6, 'Nodes to size for against the most nodes', '; '.join(told),
                   *parts)
