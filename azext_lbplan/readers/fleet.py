# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Reading a fleet through Azure Resource Graph: a query for clusters, then one for what belongs to them.

Pages are read one after the other: each names the next. A row is handed on parsed and then gone. What does not come
never sinks the rest; it is told in `gaps`.
"""

import re
import time
from functools import partial
from typing import Callable, Dict, Iterator, List, Mapping, NamedTuple, Optional, Sequence, Tuple

from azure.cli.core import AzCli
from azure.cli.core._profile import Profile
from azure.cli.core.azclierror import AzCLIError, InvalidArgumentValueError
from azure.cli.core.commands.client_factory import get_subscription_id
from knack.log import get_logger

from ..facts.graph import MOST_MANAGEMENT_GROUPS, MOST_SUBSCRIPTIONS, PAGE
from ..model.fleet import Assembly
from ..model.graph import Resource, parse_made, parse_way
from ..model.observed import INVALID_ANSWER, Observed
from ..model.subnets import parse_subnet
from ..model.values import Json, count, get, items, text
from .arm import (ANSWER_TOO_LARGE, LONGEST_RETRY_AFTER, TICK, ArmClient, ReadFailure, Request, cli_error, connect,
                  side_by_side)
from .graph_queries import clusters_query, made_queries, network_queries, subnet_queries, way_queries
from .progress import Progress

logger = get_logger(__name__)

#: Served by all clouds; the newest that is no preview. Source: azure-rest-api-specs, resourcegraph/stable.
GRAPH_API = '2022-10-01'
SUBSCRIPTIONS_API = '2022-12-01'
_PATH = '/providers/Microsoft.ResourceGraph/resources'

#: What the service says of a page over 16 MiB, and we of one that is too much, which is then asked for in smaller
#: pieces.
_TOO_LARGE = {'ResponsePayloadTooLarge', ANSWER_TOO_LARGE}
_SMALLEST_PAGE = 10

#: What the service says where the login may read none of the subscriptions.
_NO_SUBSCRIPTION = 'NoValidSubscriptionsInQueryRequest'

#: Pages without a row in a row that are believed: an empty last one is normal, an endless chain is not.
_MOST_EMPTY_PAGES = 3

#: What is queried, in the words of its gaps.
_CLUSTERS = 'clusters'
_NETWORK = 'network resources'

_SUBSCRIPTION_ID = re.compile(r'[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}\Z')
_CLOCK = re.compile(r'(\d{1,2}):(\d\d):(\d\d)(?:\.\d+)?\Z')


class Scope(NamedTuple):
    """Where one query looks: subscriptions or management groups, with the tenant's login (a subscription of it)."""

    login: Optional[str]
    subscriptions: Tuple[str, ...] = ()
    management_groups: Tuple[str, ...] = ()

    @property
    def body(self) -> Mapping[str, List[str]]:
        """The scope as a query's body has it."""
        if self.management_groups:
            return {'managementGroups': list(self.management_groups)}
        return {'subscriptions': list(self.subscriptions)}

    @property
    def name(self) -> str:
        """The scope in a sentence."""
        if self.management_groups:
            return _named('management group', self.management_groups)
        return _named('subscription', self.subscriptions)


class Page(NamedTuple):
    """A page of a query's rows, how many the query has in all, the token of the next page, and how many queries the
    login has left (None where it is not said) until the quota is there again, in seconds."""

    rows: List[Json]
    total: Optional[int]
    next: Optional[str]
    truncated: bool
    queries_left: Optional[int]
    resets_after: int


def scopes_of(cli_ctx: AzCli, subscriptions: Optional[Sequence[str]] = None, everywhere: bool = False,
              management_groups: Sequence[str] = ()) -> List[Scope]:
    """What to query: the named subscriptions (ids or names of the login), all of the login, management groups, or
    the current subscription; in batches that the service takes, each within one tenant."""
    current: str = get_subscription_id(cli_ctx)
    if management_groups:
        return [Scope(current, management_groups=batch)
                for batch in _batches(management_groups, MOST_MANAGEMENT_GROUPS)]
    # A tenant without subscriptions stands in the list, too, under its own id.
    known: List[Mapping[str, str]] = [
        subscription for subscription in Profile(cli_ctx=cli_ctx).load_cached_subscriptions()
        if subscription['id'] != subscription['tenantId']]
    chosen = [subscription['id'] for subscription in known] if everywhere else \
        [_id_of(named, known) for named in subscriptions or [current]]
    tenants = {subscription['id'].lower(): subscription['tenantId'] for subscription in known}
    home = tenants.get(current.lower())
    by_tenant: Dict[Optional[str], List[str]] = {}
    for subscription_id in dict.fromkeys(subscription_id.lower() for subscription_id in chosen):
        by_tenant.setdefault(tenants.get(subscription_id, home), []).append(subscription_id)
    return [Scope(current if tenant == home else batch[0], subscriptions=batch)
            for tenant, ids in by_tenant.items() for batch in _batches(ids, MOST_SUBSCRIPTIONS)]


def _id_of(named: str, known: Sequence[Mapping[str, str]]) -> str:
    """The id of a subscription that is named by its id or its name."""
    ids = [subscription['id'] for subscription in known
           if named.lower() in (subscription['id'].lower(), subscription['name'].lower())]
    if len(ids) > 1:
        raise InvalidArgumentValueError(f"--subscriptions: several are named '{named}'.", 'Give the id.')
    if not ids and not _SUBSCRIPTION_ID.match(named):
        raise InvalidArgumentValueError(f"--subscriptions: '{named}' is no id, and no name in this login.",
                                        'See az account list -o table.')
    return ids[0] if ids else named


def _batches(values: Sequence[str], size: int) -> List[Tuple[str, ...]]:
    return [tuple(values[start:start + size]) for start in range(0, len(values), size)]


class FleetReader:  # pylint: disable=too-few-public-methods  # it holds what one reading gathers
    """Reads the clusters of some scopes. `gaps` tells, one line each, what did not come; `lost_clusters` whether
    clusters may be among it."""

    def __init__(self, cli_ctx: AzCli, scopes: Sequence[Scope], resource_group: Optional[str] = None):
        self.gaps: List[str] = []
        self.lost_clusters = False
        self._cli_ctx = cli_ctx
        self._scopes = scopes
        self._resource_group = resource_group
        self._progress = Progress(cli_ctx)
        self._failures: List[ReadFailure] = []

    def read(self) -> Iterator[Observed]:
        """Each cluster once, with what belongs to it. Raises an AzCLIError where no query at all was answered."""
        with self._progress:
            for scope in self._scopes:
                yield from self._read_scope(scope)
        if self._failures and len(self._failures) == len(self._scopes):
            raise _error(self._failures[0])

    def _read_scope(self, scope: Scope) -> Iterator[Observed]:
        client, assembly = connect(self._cli_ctx, scope.login), Assembly()
        silent, answered = dict.fromkeys(scope.subscriptions), False
        for page in self._pages(client, clusters_query(self._resource_group), scope, _CLUSTERS):
            answered = True
            for row in _each_of(page):
                silent.pop((text(row, 'subscriptionId') or '').lower(), None)
                observed = assembly.add_cluster(row)
                if observed is not None:
                    yield observed
        if not answered:
            return
        for gap in assembly.gaps:
            self._miss(gap, clusters=True)
        self._find_unreadable(client, list(silent))
        self._read_ways(client, scope, assembly)
        yield from assembly.without_balancers()
        for batch in _batches(assembly.subscriptions, MOST_SUBSCRIPTIONS):
            # All queries are made before the first is asked: clusters leave while rows come.
            for query in list(network_queries(assembly.node_groups, assembly.address_names)):
                for page in self._pages(client, query, Scope(scope.login, batch), _NETWORK):
                    yield from filter(None, map(assembly.add_network, _each_of(page)))
        yield from assembly.rest()

    def _read_ways(self, client: ArmClient, scope: Scope, assembly: Assembly) -> None:
        """What decides where packets leave: subnets, then what is on them, then the addresses of that and of AKS. It
        comes before load balancers, with which clusters leave."""
        steps: Tuple[Tuple[Callable[[], Iterator[str]], Callable[[Json], Optional[Resource]]], ...] = (
            # Each asks for what the one before has brought.
            (lambda: subnet_queries(assembly.managed_network_groups, assembly.network_names), parse_subnet),
            (lambda: way_queries(assembly.way_names), parse_way),
            (lambda: made_queries(assembly.made_names), parse_made))
        for queries, parse in steps:
            asked = list(queries())
            for batch in _batches(assembly.subscriptions, MOST_SUBSCRIPTIONS) if asked else ():
                for query in asked:
                    for page in self._pages(client, query, Scope(scope.login, batch), _NETWORK):
                        assembly.add_ways(map(parse, _each_of(page)))

    def _pages(self, client: ArmClient, query: str, scope: Scope, what: str) -> Iterator[Page]:
        """The pages of a query for `what`; where they end too early, a gap says so."""
        token, size, received, empty = None, PAGE, 0, 0
        while True:
            try:
                page = self._page(client, _request(query, scope, size, token), f'{received} {what} read')
            except ReadFailure as failure:
                if _TOO_LARGE & {failure.code, *failure.inner_codes} and size > _SMALLEST_PAGE:
                    size = max(_SMALLEST_PAGE, size // 2)
                    continue
                self._fail(failure, scope, what, received)
                return
            received, empty = received + len(page.rows), 0 if page.rows else empty + 1
            yield page
            if page.next is None or page.next == token or empty > _MOST_EMPTY_PAGES:
                break
            token = page.next
        self._check_whole(page, received, what)

    def _page(self, client: ArmClient, request: Request, progress: str) -> Page:
        answer = side_by_side([(_PATH, partial(client.exchange, request))], self._progress.show(progress))[0]
        if isinstance(answer, ReadFailure):
            raise answer
        body, headers = answer
        page = _parse_page(body, headers)
        if (headers.get('x-ms-tenant-subscription-limit-hit') or '').lower() == 'true':
            self._miss('The management groups hold more subscriptions than one query covers (10,000): name '
                       'subscriptions, or smaller management groups.', clusters=True)
        if page.queries_left == 0 and page.next:
            self._wait(min(page.resets_after, LONGEST_RETRY_AFTER), progress)
        return page

    def _wait(self, seconds: int, progress: str) -> None:
        """Until the quota of queries is there again, instead of running into a refusal."""
        logger.debug('The quota of Resource Graph is used up; waiting %s seconds.', seconds)
        show, until = self._progress.show(f'{progress}, waiting for quota'), time.monotonic() + seconds
        while time.monotonic() < until:
            show()
            time.sleep(min(TICK, max(0, until - time.monotonic())))

    def _check_whole(self, page: Page, received: int, what: str) -> None:
        """Whether all has come, by the last page of it."""
        if page.truncated and page.next is None:
            self._miss(f'Azure cut the answer short after {received} {what} (resultTruncated).', what == _CLUSTERS)
        elif page.total is not None and received < page.total:
            self._miss(f'Only {received} of {page.total} {what} came.', what == _CLUSTERS)

    def _fail(self, failure: ReadFailure, scope: Scope, what: str, received: int) -> None:
        after = f' after {received} rows' if received else ''
        wait = f' Azure asks to wait {failure.retry_after} seconds.' if failure.retry_after else ''
        self._miss(f'The query for {what} in {scope.name} failed{after}: {failure.message} ({failure.cause}).{wait}',
                   what == _CLUSTERS)
        if what == _CLUSTERS and not received:
            self._failures.append(failure)

    def _miss(self, gap: str, clusters: bool) -> None:
        self.gaps.append(gap)
        self.lost_clusters = self.lost_clusters or clusters

    def _find_unreadable(self, client: ArmClient, silent: Sequence[str]) -> None:
        """Resource Graph passes over subscriptions that the login may not read: of those that brought no cluster,
        the ones that are not in the list of readable subscriptions are named."""
        if not silent:
            return
        answer = client.read(Request('/subscriptions', {'api-version': SUBSCRIPTIONS_API}), follow_pages=True)
        if isinstance(answer, ReadFailure) or not isinstance(get(answer, 'value'), list):
            told = answer.message if isinstance(answer, ReadFailure) else 'the answer is no list'
            self._miss(f'Whether {_named("subscription", silent)} may be read is not known, and no cluster of '
                       f'{"it" if len(silent) == 1 else "them"} came: {told}.', clusters=True)
            return
        readable = {(text(subscription, 'subscriptionId') or '').lower() for subscription in items(answer, 'value')}
        missing = [subscription_id for subscription_id in silent if subscription_id not in readable]
        if missing:
            self._miss(f'No permission to read {_named("subscription", missing)}: ask for the role Reader there.', True)


def _named(kind: str, names: Sequence[str], most: int = 5) -> str:
    """`names` for a sentence, the first few of them."""
    more = f' and {len(names) - most} more' if len(names) > most else ''
    return f"{kind}{'' if len(names) == 1 else 's'} {', '.join(names[:most])}{more}"


def _request(query: str, scope: Scope, size: int, token: Optional[str]) -> Request:
    options: Dict[str, Json] = {'$top': size, 'resultFormat': 'objectArray', **({'$skipToken': token} if token else {})}
    if scope.management_groups:
        options['allowPartialScopes'] = True
    return Request(_PATH, {'api-version': GRAPH_API}, {**scope.body, 'query': query, 'options': options})


def _each_of(page: Page) -> Iterator[Json]:
    """The rows of a page, each let go once it was looked at: a thousand clusters take 30 MiB as they come."""
    page.rows.reverse()
    while page.rows:
        yield page.rows.pop()


def _parse_page(body: Json, headers: Mapping[str, str]) -> Page:
    """The page in an answer. Raises ReadFailure for one of another format, such as a table."""
    rows, token = get(body, 'data'), get(body, '$skipToken')
    if not isinstance(rows, list) or not isinstance(token, (str, type(None))):
        raise ReadFailure(_PATH, 200, INVALID_ANSWER, 'the answer is no list of resources')
    return Page(
        rows=rows,
        total=count(body, 'totalRecords'),
        next=text(body, '$skipToken'),
        truncated=str(get(body, 'resultTruncated')).lower() == 'true',
        queries_left=_whole(headers.get('x-ms-user-quota-remaining') or ''),
        resets_after=_seconds(headers.get('x-ms-user-quota-resets-after') or ''),
    )


def _whole(written: str) -> Optional[int]:
    return int(written) if written.isascii() and written.isdigit() and len(written) < 9 else None


def _seconds(clock: str) -> int:
    """Seconds of hh:mm:ss; 0 for anything else."""
    found = _CLOCK.match(clock)
    return int(found.group(1)) * 3600 + int(found.group(2)) * 60 + int(found.group(3)) if found else 0


def _error(failure: ReadFailure) -> AzCLIError:
    """The CLI's error where nothing could be read."""
    no_permission = failure.status if _NO_SUBSCRIPTION in failure.inner_codes else 403
    return cli_error(failure, 'Azure Resource Graph could not be queried',
                     {no_permission: 'Ask for the role Reader on the subscriptions.'})
