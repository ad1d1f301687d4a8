"""Azure Resource Graph: `POST /providers/Microsoft.ResourceGraph/resources` over the stand-in's own resources.

It is no KQL engine. Of a query it understands `where` with types, names and resource groups (`=~`, `in~`, `and`,
`or` between two groups of them), `mv-expand` of one column, `project` with columns, paths, array_length and tostring,
and `order by id asc`; anything else is refused, as the service refuses what it does not know. Rows have the service's
shape: type and resourceGroup in lower case, `properties` as an object.
"""
import copy
import json
import re

from tests.azure import errors, ids

SUPPORTED_TYPES = ('microsoft.containerservice/managedclusters', 'microsoft.network/loadbalancers',
                   'microsoft.network/publicipaddresses', 'microsoft.network/publicipprefixes',
                   'microsoft.network/virtualnetworks', 'microsoft.network/routetables',
                   'microsoft.network/natgateways')
MOST_ROWS, MOST_SUBSCRIPTIONS, MOST_MANAGEMENT_GROUPS = 1000, 1000, 10
LARGEST_ANSWER = 16777216

_CONDITION = re.compile(r"\s*(\w+)\s+(=~|in~)\s+('[^']*'|\([^)]*\))\s*", re.I)
_PATH = re.compile(r'\w+(\.\w+|\[\d+\])*\Z')
_LENGTH = re.compile(r'array_length\((.+)\)\Z')


class Graph:
    """Switches, good until the reset:

    rows                 a function of nothing that yields rows, instead of the stand-in's resources
    unreadable           subscriptions whose rows nobody gets; the service passes over them in silence
    management_groups    {name: subscriptions}
    quota                queries left in the window, None for plenty; at 0 the next one is refused with 429
    resets_after         seconds until the quota is full again
    truncate_after       after so many rows an answer ends, truncated and without a $skipToken
    empty_last_page      a last full page still names a next one, which is empty
    limit_hit            management groups hold more subscriptions than are covered
    largest_answer       bytes of an answer; a larger one is refused
    queries              what was asked: (query, options, number of rows given)
    """

    def __init__(self, arm):
        self.arm = arm
        self.rows = self._resource_rows
        self.unreadable = ()
        self.management_groups = {}
        self.quota = None
        self.resets_after = 2
        self.truncate_after = None
        self.empty_last_page = False
        self.limit_hit = False
        self.largest_answer = LARGEST_ANSWER
        self.queries = []
        self._cache = {}

    def routes(self):
        return [('POST', '/providers/Microsoft.ResourceGraph/resources', self.ask)]

    def ask(self, request):
        asked = request.json
        self._spend()
        scope = self._scope(asked)
        options = asked.get('options') or {}
        size = options.get('$top', 100)
        if not 1 <= size <= MOST_ROWS:
            raise _bad_request('InvalidQuery', f"'$top' must be between 1 and {MOST_ROWS}.")
        start = int(options.get('$skipToken') or options.get('$skip') or 0)
        matching = self._matching(asked['query'], scope, anew=start == 0)
        end = min(start + size, self.truncate_after or len(matching))
        project = _Projection(asked['query'])
        data = [project(row) for row in matching[start:end]]
        body = {'totalRecords': len(matching), 'count': len(data), 'data': data, 'facets': [],
                'resultTruncated': 'true' if self.truncate_after and end == self.truncate_after else 'false'}
        more = end < len(matching) or (self.empty_last_page and data and len(data) == size)
        if more and body['resultTruncated'] == 'false':
            body['$skipToken'] = str(end)
        self.queries.append((asked['query'], options, len(data)))
        answer = json.dumps(body)
        if len(answer) > self.largest_answer:
            raise _bad_request('ResponsePayloadTooLarge', f'Response payload size is {len(answer)}, and has exceeded '
                               f'the limit of {self.largest_answer}. Please consider querying less data at a time and '
                               'make paginated call if needed.')
        return 200, answer, {'Content-Type': 'application/json; charset=utf-8', **self._headers()}

    def _headers(self):
        left = 15 if self.quota is None else self.quota
        headers = {'x-ms-user-quota-remaining': str(left),
                   'x-ms-user-quota-resets-after': f'00:00:{self.resets_after:02d}'}
        return {**headers, **({'x-ms-tenant-subscription-limit-hit': 'true'} if self.limit_hit else {})}

    def _spend(self):
        if self.quota == 0:
            raise errors.arm_error(429, 'RateLimiting', 'Please provide below info when asking for support. Client '
                                   'application has been throttled.', {'Retry-After': str(self.resets_after)})
        if self.quota:
            self.quota -= 1

    def _scope(self, asked):
        groups = asked.get('managementGroups') or []
        below = [one for group in groups for one in self.management_groups.get(group, ())]
        wanted = asked.get('subscriptions') or below
        if len(wanted) > MOST_SUBSCRIPTIONS or len(groups) > MOST_MANAGEMENT_GROUPS:
            raise _bad_request('TooManySubscriptions', 'The query has too many subscriptions or management groups.')
        scope = {one.lower() for one in wanted} - {one.lower() for one in self.unreadable}
        if not scope:
            raise _bad_request('NoValidSubscriptionsInQueryRequest', 'There must be at least one subscription that is '
                               'eligible to contain resources.')
        return scope

    def _matching(self, query, scope, anew):
        """Kept from page to page of one query, as the service does behind a $skipToken."""
        key = (query, frozenset(scope))
        if anew or key not in self._cache:
            admits, expanded = _filter(query), _expansion(query)
            self._cache = {key: sorted((one for row in self.rows()
                                        if row['subscriptionId'].lower() in scope and admits(row)
                                        for one in expanded(row)), key=lambda row: row['id'].lower())}
        return self._cache[key]

    def _resource_rows(self):
        return [row_of(body) for body in self.arm.resources.values()
                if (ids.parse(body['id']) or {}).get('type', '').lower() in SUPPORTED_TYPES]


def row_of(body):
    """A resource as a row of the table `resources`."""
    about, row = ids.parse(body['id']), copy.deepcopy(body)
    return {**row, 'type': about['type'].lower(), 'resourceGroup': about['group'].lower(),
            'subscriptionId': about['subscription'], 'tenantId': ids.TENANT}


def _filter(query):
    """Whether a row is wanted: a row must satisfy each `where`, and of its parts between `or` one."""
    steps = [[[_condition(part) for part in re.split(r'\s+and\s+', branch)]
              for branch in re.split(r'\s+or\s+', line[len('where '):])]
             for line in _lines(query) if line.startswith('where ')]
    return lambda row: all(any(all(condition(row) for condition in branch) for branch in step) for step in steps)


def _expansion(query):
    """The rows that `mv-expand NAME = PATH limit N` makes of one: one for each element; one where there is none."""
    line = next((line for line in _lines(query) if line.startswith('mv-expand ')), None)
    if line is None:
        return lambda row: [row]
    name, path, most = re.fullmatch(r'mv-expand (\w+) = ([\w.]+) limit (\d+)', line).groups()
    value = _reader(path)
    return lambda row: [{**row, name: element} for element in (value(row) or [None])[:int(most)]]


def _condition(text):
    match = _CONDITION.fullmatch(text)
    if not match:
        raise _bad_request('InvalidQuery', f'Query is invalid near: {text}')
    column, _, value = match.groups()
    wanted = {one.lower() for one in re.findall("'([^']*)'", value)}
    return lambda row: str(row.get(column) or '').lower() in wanted


def _lines(query):
    lines = [line.strip() for line in query.split('|')]
    if lines[0].lower() != 'resources' or not all(re.match('(where|mv-expand|project|order by) ', line)
                                                  for line in lines[1:]):
        raise _bad_request('InvalidQuery', 'Query is invalid.')
    return lines


class _Projection:
    """The columns of `project`; all of them without one."""

    def __init__(self, query):
        line = next((line for line in _lines(query) if line.startswith('project ')), None)
        self._columns = None
        if line is not None:
            self._columns = [tuple(part.strip() for part in (item.split('=') if '=' in item else (item, item)))
                             for item in line[len('project '):].split(',')]
            if 'id' not in [column for column, _ in self._columns]:
                raise _bad_request('InvalidQuery', 'Without the column id there is no paging.')
            self._columns = [(column, _reader(expression)) for column, expression in self._columns]

    def __call__(self, row):
        if self._columns is None:
            return row
        return {column: value(row) for column, value in self._columns}


def _reader(expression):
    """What takes the value of an expression from a row."""
    length = _LENGTH.match(expression)
    if length:
        counted = _reader(length.group(1))
        return lambda row: len(counted(row)) if isinstance(counted(row), list) else None
    if expression.startswith('tostring('):
        written = _reader(expression[len('tostring('):-1])
        return lambda row: str(written(row) or '')
    if not _PATH.match(expression):
        raise _bad_request('InvalidQuery', f'Query is invalid near: {expression}')
    steps = [int(step) if step.isdigit() else step for step in re.findall(r'\w+', expression)]

    def follow(row):
        for step in steps:
            if isinstance(step, int):
                row = row[step] if isinstance(row, list) and step < len(row) else None
            else:
                row = row.get(step) if isinstance(row, dict) else None
        return row
    return follow


def _bad_request(code, message):
    """The service's own form of a 400 (microsoft/ARI#199)."""
    error = errors.arm_error(400, 'BadRequest', 'Please provide below info when asking for support: timestamp = '
                             '2026-08-26T07:44:08.8214276Z, correlationId = fa7645b7-c780-42ca-96ad-4625e9879662.')
    error.body['error']['details'] = [{'code': code, 'message': message}]
    return error
