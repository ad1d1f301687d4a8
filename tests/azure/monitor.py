"""Azure Monitor on a load balancer: the metrics route, from any workload that can give its samples.

    monitor = Monitor(workload)
    arm.route('GET', Monitor.PATH, monitor)

A workload has `samples(metric)`, which yields (dimensions, first minute, values): a dict with the spelling that
Azure uses, minutes since 1970-01-01T00:00Z, and one value for each minute, None where nothing was reported. It may be
replaced at any time (`monitor.workload = ...`), or be a function without arguments that returns one.

Not known of the real service, and so chosen here: whether Maximum is served (`maximum=False` refuses it), and that
points start at the asked start (seen in samples/metrics/034, a PT4H point at 21:51).
"""
import re
from datetime import datetime, timedelta, timezone
from functools import lru_cache
from math import inf
from urllib.parse import unquote

METRICS = {
    'UsedSnatPorts': ('Used SNAT Ports', 'Total number of SNAT ports used within time period',
                      ('FrontendIPAddress', 'BackendIPAddress', 'ProtocolType', 'IsAwaitingRemoval')),
    'AllocatedSnatPorts': ('Allocated SNAT Ports', 'Total number of SNAT ports allocated within time period',
                           ('FrontendIPAddress', 'BackendIPAddress', 'ProtocolType', 'IsAwaitingRemoval')),
    'SnatConnectionCount': ('SNAT Connection Count',
                            'Total number of new SNAT connections created within time period',
                            ('FrontendIPAddress', 'BackendIPAddress', 'ConnectionState')),
}
OTHER_METRICS = ('PacketCount', 'ByteCount', 'SYNCount', 'VipAvailability', 'DipAvailability')
AGGREGATIONS = ('average', 'maximum', 'minimum', 'total', 'count')
INTERVALS = {'PT1M': 1, 'PT5M': 5, 'PT15M': 15, 'PT30M': 30, 'PT1H': 60, 'PT6H': 360, 'PT12H': 720, 'P1D': 1440}
DEFAULT_TOP = 10
RETENTION = 93 * 1440

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_CLAUSE = re.compile(r"\s*(\w+)\s+(eq|ne)\s+'((?:[^']|'')*)'\s*$", re.I)


class BadRequest(Exception):
    """Azure Monitor's own 400: code and message without an `error` around them."""


class Monitor:
    """The handler. `now` in minutes hides what has not happened yet; the switches make its answers odd (facts §9.15).

    maximum        False: Maximum is refused, with a 400 ('status') or inside a 200 ('errorCode') as `refusal` says
    empty          answer `timeseries: []`
    lower_case     dimension names in lower case, as the service mostly sends them
    words          protocols as words instead of 6 and 17
    pad_gaps       a minute without a report is a point with only its timeStamp, else it is left out
    """

    PATH = r'/(?P<resource>.+/loadBalancers/[^/]+)/providers/microsoft\.insights/metrics'

    def __init__(self, workload, now=None, **switches):
        self.workload = workload
        self.now = now
        self.maximum = self.lower_case = self.pad_gaps = True
        self.empty = self.words = False
        self.refusal = 'status'
        for name, value in switches.items():
            if not hasattr(self, name):
                raise TypeError(name)
            setattr(self, name, value)
        self._cache = {}

    def __call__(self, request):
        query = {name.lower(): value for name, value in request.query.items()}
        try:
            return 200, self.answer(query, request.params.get('resource', '')), {}
        except BadRequest as error:
            return 400, {'code': 'BadRequest', 'message': str(error)}, {}

    def answer(self, query, resource=''):
        """The body for the parameters of `query`, names in lower case. Raises BadRequest."""
        start, end = timespan(query.get('timespan'), self.now)
        interval = query.get('interval') or 'PT1M'
        length = _length(interval, start, end)
        names = _metric_names(query.get('metricnames'))
        aggregations = _aggregations(query.get('aggregation') or 'Average')
        refused = 'maximum' in aggregations and not self.maximum
        if refused and self.refusal == 'status':
            raise BadRequest('Aggregation type: Maximum is not supported for metric(s): ' + ','.join(names))
        conditions = _conditions(unquote(query['$filter'])) if query.get('$filter') else {}
        top = _top(query.get('top'), conditions)
        workload = self.workload() if callable(self.workload) else self.workload
        metrics = []
        for name in names:
            unknown = [one for one in conditions if one not in {known.lower() for known in METRICS[name][2]}]
            if unknown:
                raise BadRequest(f'Metric: {name} does not support requested dimension combination: '
                                 f"{','.join(sorted(unknown))}, supported ones are: {','.join(METRICS[name][2])}")
            series = [] if self.empty or refused else self._series(
                workload, name, conditions, (start, end, length), aggregations, top, query.get('orderby'))
            metrics.append(_metric(resource, name, series, refused))
        return {'cost': max(0, end - start - 1), 'timespan': f'{written(start)}/{written(end)}', 'interval': interval,
                'value': metrics, 'namespace': 'Microsoft.Network/loadBalancers', 'resourceregion': 'westeurope'}

    def _series(self, workload, name, conditions, window, aggregations, top, orderby):
        """The time series of one metric: grouped by the dimensions that the filter names, cut to `top`."""
        split = [dimension for dimension in METRICS[name][2] if dimension.lower() in conditions]
        groups = {}
        for dimensions, first, values in workload.samples(name):
            if all(_admits(conditions[one.lower()], self._word(one, dimensions.get(one, ''))) for one in split):
                key = tuple(self._word(one, dimensions.get(one, '')) for one in split)
                groups.setdefault(key, []).append((first, values))
        built = []
        for key, parts in groups.items():
            data = self._points(parts, window, aggregations)
            if data:
                built.append({'metadatavalues': [self._dimension(one, value) for one, value in zip(split, key)],
                              'data': data})
        if orderby:
            by, _, direction = orderby.strip().partition(' ')
            by = {'sum': 'total', 'avg': 'average', 'max': 'maximum'}.get(by.lower(), by.lower())
            built.sort(key=lambda one: max((point.get(by, -inf) for point in one['data']), default=-inf),
                       reverse=direction.strip().lower() == 'desc')
        return built[:top]

    def _word(self, dimension, value):
        """A protocol in this service's spelling."""
        return {'6': 'TCP', '17': 'UDP'}.get(value, value) if self.words and dimension == 'ProtocolType' else value

    def _dimension(self, name, value):
        name = name.lower() if self.lower_case else name
        return {'name': {'value': name, 'localizedValue': name}, 'value': value}

    def _points(self, parts, window, aggregations):
        """The data of one series: `parts` together, cut into intervals. Nodes that share samples share this work."""
        key = (tuple((first, id(values)) for first, values in parts), window, aggregations, self.pad_gaps, self.now)
        if len(self._cache) > 50000:
            self._cache.clear()
        if key not in self._cache:
            # The samples are kept too, or another list might get the same id.
            self._cache[key] = (self._aggregate(parts, window, aggregations), parts)
        return self._cache[key][0]

    def _aggregate(self, parts, window, aggregations):
        start, end, length = window
        data = []
        end = min(end, self.now) if self.now is not None else end
        if length == 1 and len(parts) == 1 and None not in parts[0][1] and 'count' not in aggregations:
            first, values = parts[0]
            return [{'timeStamp': written(minute), **dict.fromkeys(aggregations, float(values[minute - first]))}
                    for minute in range(max(start, first), min(end, first + len(values)))]
        for left in range(start, end, length):
            right = min(left + length, end)
            found = [value for first, values in parts for value in values[max(0, left - first):max(0, right - first)]
                     if value is not None]
            if found:
                data.append({'timeStamp': written(left), **{name: _OF[name](found) for name in aggregations}})
            elif self.pad_gaps and any(first < right and left < first + len(values) for first, values in parts):
                data.append({'timeStamp': written(left)})
        return data


#: An aggregation of values: floats for all but counts, as the service sends them.
_OF = {'average': lambda found: float(sum(found)) / len(found), 'maximum': lambda found: float(max(found)),
       'minimum': lambda found: float(min(found)), 'total': lambda found: float(sum(found)), 'count': len}


def _metric(resource, name, series, refused):
    title, description, _ = METRICS[name]
    body = {'id': f'/{resource.strip("/")}/providers/Microsoft.Insights/metrics/{name}',
            'type': 'Microsoft.Insights/metrics', 'name': {'value': name, 'localizedValue': title},
            'displayDescription': description, 'unit': 'Count', 'timeseries': series, 'errorCode': 'Success'}
    if refused:
        # samples/metrics/034
        body.update(errorCode='InvalidSamplingType',
                    errorMessage=f'Sampling type is not found. Metric:{name}, SamplingType:NullableMax.')
    return body


def _metric_names(text):
    names = [name.strip() for name in (text or '').split(',') if name.strip()]
    known = {name.lower(): name for name in METRICS}
    for name in names:
        if name.lower() not in known:
            raise BadRequest('Failed to find metric configuration for provider: Microsoft.Network, resource Type: '
                             f'loadBalancers, metric: {name}, Valid metrics: {",".join([*METRICS, *OTHER_METRICS])}')
    if not names:
        raise BadRequest('The metricnames parameter is required.')
    return [known[name.lower()] for name in names]


def _aggregations(text):
    names = tuple(name.strip().lower() for name in text.split(',') if name.strip())
    for name in names:
        if name not in AGGREGATIONS:
            raise BadRequest(f'Invalid aggregation type: {name}, supported ones are: '
                             'None,Average,Minimum,Maximum,Total,Count')
    return names


def _length(interval, start, end):
    if interval.upper() == 'FULL':
        return max(1, end - start)
    if interval.upper() not in INTERVALS:
        raise BadRequest(f'Invalid time grain duration: {interval}, supported ones are: '
                         '00:01:00,00:05:00,00:15:00,00:30:00,01:00:00,06:00:00,12:00:00,1.00:00:00')
    return INTERVALS[interval.upper()]


def timespan(text, now=None):
    """Start and end in minutes. `az monitor metrics list` sends it percent-encoded twice (facts §10)."""
    begin, _, end = unquote(text or '').replace(' ', '+').partition('/')
    try:
        start, stop = _minute(begin), _minute(end)
    except ValueError:
        raise BadRequest(f'Invalid timespan: {text}, it should be start/end in ISO 8601.') from None
    if stop <= start:
        raise BadRequest(f'Start time: {begin} should be before end time: {end}.')
    if now is not None and stop < now - RETENTION:
        raise BadRequest(f'Query endTime: {end} is out of the Max metrics retention period: 93.00:00:00')
    return start, stop


def _minute(text):
    moment = datetime.fromisoformat(re.sub('Z$', '+00:00', text.strip()))
    moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    return (moment - _EPOCH) // timedelta(minutes=1)


def _top(text, conditions):
    if text in (None, ''):
        return DEFAULT_TOP if conditions else None
    if not text.isdigit() or int(text) > 2 ** 31 - 1:
        raise BadRequest(f'Detected invalid TopN value {text}, should be Int value.')
    return int(text)


def _conditions(text):
    """The filter as {dimension: [(eq or ne, value)]}: `or` only between values of one dimension, no brackets."""
    found = {}
    for part in re.split(r'\s+and\s+', text.strip(), flags=re.I):
        names = set()
        for clause in re.split(r'\s+or\s+', part, flags=re.I):
            match = _CLAUSE.match(clause)
            if not match:
                raise BadRequest(f'Invalid filter clause: {clause.strip()}')
            name = match.group(1).lower()
            names.add(name)
            found.setdefault(name, []).append((match.group(2).lower(), match.group(3).replace("''", "'")))
        if len(names) > 1:
            raise BadRequest('The logical or operator cannot separate two different metadata names: ' + part)
    return found


def _admits(clauses, value):
    wanted = [text for operator, text in clauses if operator == 'eq']
    unwanted = [text.lower() for operator, text in clauses if operator == 'ne']
    return (value.lower() not in unwanted
            and (not wanted or '*' in wanted or value.lower() in [text.lower() for text in wanted]))


@lru_cache(maxsize=1 << 17)
def written(minute):
    return (_EPOCH + timedelta(minutes=minute)).strftime('%Y-%m-%dT%H:%M:%SZ')
