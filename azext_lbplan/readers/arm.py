# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The one door to Azure Resource Manager: raw JSON, bounded waits, reads side by side, errors as data.

The credential, the endpoint, the headers and the telemetry are the CLI's own, handed over by its client factory
(AZURE-FACTS section 10).
"""

import logging
import queue
import re
import threading
import time
from email.utils import parsedate_to_datetime
from functools import partial
from typing import (TYPE_CHECKING, Any, Callable, Dict, List, Mapping, NamedTuple, Optional, Sequence, Tuple, TypeVar,
                    Union)
from urllib.parse import parse_qsl, quote, urlsplit

from azure.cli.core import AzCli
from azure.cli.core.azclierror import (AzCLIError, AzureConnectionError, AzureInternalError, AzureResponseError,
                                       BadRequestError, ForbiddenError, ResourceNotFoundError, UnauthorizedError)
from azure.cli.core.commands.client_factory import get_mgmt_service_client
from azure.core.exceptions import AzureError
from azure.core.pipeline import PipelineResponse
from azure.core.pipeline.policies import HeadersPolicy, ProxyPolicy, RequestIdPolicy, RetryPolicy
from azure.core.rest import HttpRequest
from azure.mgmt.core import ARMPipelineClient
from knack.log import get_logger
from knack.util import CLIError

from ..inputs.json_text import Bounds, NotTaken, TooLarge, parse_json, values_in
from ..model.observed import INVALID_ANSWER
from ..model.values import Json, get, items, text
from .interrupt import end_if_interrupted
from .transport import shared_transport

logger = get_logger(__name__)

#: Seconds to wait for a connection, and for the next byte of an answer.
CONNECT_TIMEOUT = 10
READ_TIMEOUT = 20

#: Retries of one read, and the longest `Retry-After` that is waited for; a longer one is an error that says so.
RETRIES = 2
LONGEST_RETRY_AFTER = 15

#: Seconds after which a read is given up, retries and waiting included.
DEADLINE = 60

#: Seconds between two signs of life for a person who waits.
TICK = 0.2

#: Pages of a list that are followed before it counts as not read.
MOST_PAGES = 50

#: The most of one answer, or of all pages of one, so that it takes less than 400 MiB with all that `az` takes. Azure
#: Resource Graph refuses pages over 16 MiB; metrics are asked for in answers under 11 MB (`demand.queries`).
LARGEST_ANSWER = Bounds(32 << 20, 1_000_000)

#: The code of a failure because of it.
ANSWER_TOO_LARGE = 'AnswerTooLarge'

#: The API versions that are asked for; each is served by every cloud that has the fields read here.
MANAGED_CLUSTERS_API = '2025-05-01'
NETWORK_API = '2024-05-01'


class Request(NamedTuple):
    """A read: a path below the endpoint (its segments quoted), the query, and for a query POST its body."""

    path: str
    query: Mapping[str, object]
    body: Optional[Mapping[str, Json]] = None


#: A bearer token is a JWT (RFC 7519). Whoever answers an error may repeat what was sent, and messages end up in
#: tickets and snapshots.
_TOKEN = re.compile(r'\beyJ[\w-]+\.[\w-]+\.?[\w-]*')


class ReadFailure(Exception):
    """A read that brought no JSON object: HTTP status (None without an answer), code, message, the codes inside of
    the error, and for a request to wait its `Retry-After` in seconds."""

    def __init__(self, path: str, status: Optional[int], code: str, message: str, *,
                 retry_after: Optional[int] = None, inner_codes: Tuple[str, ...] = ()):
        super().__init__(message)
        self.path = path
        self.status = status
        self.code = code
        self.message = message
        self.retry_after = retry_after
        self.inner_codes = inner_codes

    @property
    def cause(self) -> str:
        """The code that says what is wrong: some services put it inside of a general one."""
        return ', '.join(self.inner_codes) or self.code

    def as_error(self) -> Dict[str, Json]:
        """The failure as a snapshot keeps it (ARCHITECTURE.md, Snapshot)."""
        return {'resourceId': self.path, 'status': self.status, 'code': self.code, 'message': self.message}


T = TypeVar('T')

#: One of the reads that run side by side: the path that it is about, and the function that does it.
Job = Tuple[str, Callable[[], T]]

#: What to do where a read has failed, by its status; None is no answer at all.
Advice = Mapping[Optional[int], str]


def resource_path(resource_id: str) -> str:
    """The path of a resource id, each segment quoted, so that no part of an id can name another resource."""
    return '/' + '/'.join(quote(segment, safe='') for segment in resource_id.strip('/').split('/'))


if TYPE_CHECKING:  # generic for the type checker; older releases of azure-core know no parameters
    _RetryPolicy = RetryPolicy[Any, Any]
    _Response = PipelineResponse[Any, Any]
else:
    _RetryPolicy, _Response = RetryPolicy, PipelineResponse


class _BoundedRetryPolicy(_RetryPolicy):
    """Retries as the SDK does, but never waits longer than LONGEST_RETRY_AFTER."""

    def get_retry_after(self, response: _Response) -> Optional[float]:
        try:
            seconds: Optional[float] = super().get_retry_after(response)
            return seconds
        except ValueError:  # neither seconds nor a date
            return None

    def is_retry(self, settings: Dict[str, Any], response: _Response) -> bool:
        seconds = self.get_retry_after(response)
        if seconds is not None and seconds > LONGEST_RETRY_AFTER:
            return False
        return bool(super().is_retry(settings, response))


class ArmClient:
    """What the CLI's client factory makes: its credential and policies around one pipeline."""

    def __init__(self, credential: object, subscription_id: Optional[str] = None, base_url: Optional[str] = None,
                 **kwargs: Any):
        del credential  # the CLI hands over a policy that holds it
        self.subscription_id = subscription_id
        self._unfolding = threading.Lock()
        # What the SDK warns of at each try, a ReadFailure says once.
        logging.getLogger('azure.core.pipeline.transport').setLevel(logging.ERROR)
        self._pipeline: ARMPipelineClient[Any, Any] = ARMPipelineClient(
            base_url=base_url or '',
            policies=[
                RequestIdPolicy(**kwargs), HeadersPolicy(**kwargs), kwargs['user_agent_policy'], ProxyPolicy(**kwargs),
                _BoundedRetryPolicy(retry_total=RETRIES, retry_backoff_factor=0.4),
                kwargs['authentication_policy'],
                # CLIs of some versions hand over no custom hook.
                *(kwargs[key] for key in ('custom_hook_policy', 'logging_policy') if key in kwargs),
            ],
            transport=shared_transport(LARGEST_ANSWER.bytes,
                                       connection_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT,
                                       **{key: kwargs[key] for key in ('connection_verify',) if key in kwargs}))

    def send(self, request: Request) -> Json:
        """The JSON object that answers `request`. Raises ReadFailure."""
        return self.exchange(request)[0]

    def take(self, request: Request, make: Callable[[Json], T]) -> T:
        """What `make` makes of the JSON object that answers `request`, for large ones that are not kept: of those that
        come in side by side one is unfolded at a time. Threads gain nothing from doing it at once. Raises ReadFailure.
        """
        content, _ = self._receive(request)
        with self._unfolding:
            return make(_parse(request.path, content))

    def exchange(self, request: Request) -> Tuple[Json, Mapping[str, str]]:
        """The JSON object that answers `request`, and the headers that came with it. Raises ReadFailure."""
        content, headers = self._receive(request)
        return _parse(request.path, content), headers

    def _receive(self, request: Request) -> Tuple[bytes, Mapping[str, str]]:
        """The content and the headers of a good answer. Raises ReadFailure."""
        try:
            # A POST here asks, too: it may be repeated like a GET.
            response = self._pipeline.send_request(self._http_request(request), retry_on_methods=('GET', 'POST'))
            status, content, headers = response.status_code, response.content, response.headers
        except NotTaken as error:
            raise _not_taken(request.path, error) from error
        except (AzureError, OSError, ValueError) as error:
            # The CLI asks for a token on the way: what `requests` and `json` raise there comes through as it is.
            raise _failure_of(request.path, error) from error
        if status != 200:
            raise _refusal(request.path, status, content, headers)
        return content, headers

    def read(self, request: Request, follow_pages: bool = False) -> Union[Json, ReadFailure]:
        """The answer to `request` within the DEADLINE, or the ReadFailure that came instead.

        `follow_pages` makes one answer of all pages of a list.
        """
        send = self.send_pages if follow_pages else self.send
        return side_by_side([(request.path, partial(send, request))])[0]

    def send_pages(self, request: Request) -> Json:
        """The answer to `request`; where it is a page of a list, with the values of all its pages."""
        answer: Json = None
        values: List[Json] = []
        left, asked = LARGEST_ANSWER, request
        for _ in range(MOST_PAGES):
            content, _headers = self._receive(asked)
            left = Bounds(left.bytes - len(content), left.values - values_in(content))
            if answer is not None and min(left) < 0:
                raise ReadFailure(request.path, 200, ANSWER_TOO_LARGE, 'the pages of the list are too large together')
            page = _parse(request.path, content)
            if answer is not None and not isinstance(get(page, 'value'), list):
                raise ReadFailure(request.path, 200, INVALID_ANSWER, 'a page of the list is no list')
            answer = page if answer is None else answer
            values.extend(items(page, 'value'))
            link = get(page, 'nextLink')
            if not link:
                return answer if get(answer, 'value') is None else dict(answer, value=values)
            # Only the query of the link is followed: its host is not ours to trust with the credential.
            asked = request._replace(query={**request.query, **_query_of(link, request.path)})
        raise ReadFailure(request.path, None, 'TooManyPages', f'the list has more than {MOST_PAGES} pages')

    def _http_request(self, request: Request) -> HttpRequest:
        query = {key: quote(str(value), safe='') for key, value in request.query.items()}  # the SDK quotes nothing
        url = self._pipeline.format_url(request.path)
        if request.body is None:
            return HttpRequest('GET', url, params=query, headers={'Accept': 'application/json'})
        return HttpRequest('POST', url, params=query, json=request.body)


def side_by_side(jobs: Sequence[Job[T]], tick: Callable[[], None] = lambda: None) -> List[Union[T, ReadFailure]]:
    """What each job of (path, function) gives, in their order, one thread each; a ReadFailure stands in its place.

    Threads are daemons: an interrupt ends the wait at once, and a read that hangs is given up after DEADLINE.
    `tick` is called a few times a second while the jobs run.
    """
    answers: queue.Queue[Tuple[int, Union[T, BaseException]]] = queue.Queue()

    def run(index: int, job: Callable[[], T]) -> None:
        try:
            answers.put((index, job()))
        except BaseException as error:  # pylint: disable=broad-except  # an answer that never comes stalls the wait
            answers.put((index, error))

    for index, (_, job) in enumerate(jobs):
        threading.Thread(target=run, args=(index, job), daemon=True).start()
    results: List[Union[T, ReadFailure]] = [
        ReadFailure(path, None, 'Timeout', f'no whole answer within {DEADLINE} seconds') for path, _ in jobs]
    waiting, deadline = len(jobs), time.monotonic() + DEADLINE
    while waiting and time.monotonic() < deadline:
        end_if_interrupted()
        tick()
        try:
            index, answer = answers.get(timeout=TICK)
        except queue.Empty:
            continue
        if isinstance(answer, CLIError):
            raise answer  # the CLI's own, with its advice: a login that has expired
        results[index] = _failure_of(jobs[index][0], answer) if isinstance(answer, BaseException) else answer
        waiting -= 1
    return results


def _failure_of(path: str, error: BaseException) -> ReadFailure:
    """The failure of a read that was to bring an answer and has raised `error` instead."""
    if isinstance(error, ReadFailure):
        return error
    logger.debug('Reading %s failed.', path, exc_info=error)
    return ReadFailure(path, None, type(error).__name__, _one_line(str(error)) or 'no answer')


def _refusal(path: str, status: int, content: bytes, headers: Mapping[str, str]) -> ReadFailure:
    """The failure that an answer with an error's status tells of."""
    try:
        answer: Json = parse_json(content, LARGEST_ANSWER)
    except NotTaken:  # a page of a proxy
        answer = None
    # Azure Monitor and AKS's validation send code and message without an `error` around them.
    problem = get(answer, 'error') or answer
    inner_codes = tuple(filter(None, (text(detail, 'code') for detail in items(problem, 'details'))))
    return ReadFailure(path, status, text(problem, 'code') or f'Http{status}',
                       _one_line(text(problem, 'message') or f'HTTP status {status}'),
                       retry_after=_retry_after(headers.get('Retry-After')), inner_codes=inner_codes)


def _parse(path: str, content: bytes) -> Json:
    """The JSON object in `content`. Raises ReadFailure."""
    try:
        answer: Json = parse_json(content, LARGEST_ANSWER)
    except NotTaken as error:
        raise _not_taken(path, error, 200) from error
    if not isinstance(answer, dict):
        raise ReadFailure(path, 200, 'InvalidJson', 'the answer is no JSON object')
    return answer


def _not_taken(path: str, error: NotTaken, status: Optional[int] = None) -> ReadFailure:
    return ReadFailure(path, status, ANSWER_TOO_LARGE if isinstance(error, TooLarge) else 'InvalidJson',
                       f'the answer {error}')


def _query_of(link: Json, path: str) -> Mapping[str, str]:
    """The query of the link to a list's next page. Raises ReadFailure where that is none."""
    try:
        return dict(parse_qsl(urlsplit(link).query))
    except (AttributeError, TypeError, ValueError) as error:
        raise ReadFailure(path, 200, 'InvalidNextLink', 'the link to the next page is no URL') from error


def _one_line(message: str) -> str:
    return _TOKEN.sub('***', ' '.join(message.split()))[:600]


def _retry_after(header: Optional[str]) -> Optional[int]:
    """Seconds to wait, from a `Retry-After` that names them or a date (RFC 9110, section 10.2.3); None for neither."""
    if header is None:
        return None
    if header.isascii() and header.isdigit() and len(header) < 9:
        return int(header)
    try:
        return max(0, round(parsedate_to_datetime(header).timestamp() - time.time()))
    except (TypeError, ValueError, OverflowError):
        return None


#: The CLI's errors by status: their classes decide its exit code.
_ERRORS: Mapping[Optional[int], Callable[[str, str], AzCLIError]] = {
    None: AzureConnectionError, 400: BadRequestError, 401: UnauthorizedError, 403: ForbiddenError,
    404: ResourceNotFoundError}

_ADVICE: Advice = {None: 'Check the network, a proxy, and the cloud: az cloud show.',
                   401: 'Log in again: az login.',
                   429: 'Azure throttles this login. Run the command again in a minute.'}


def cli_error(failure: ReadFailure, what: str, advice: Advice) -> AzCLIError:
    """The CLI's error where a command cannot do without a read: `what` failed, why, and what to do. `advice` tells it
    by status where only the caller knows."""
    status = failure.status
    kind = AzureInternalError if (status or 0) >= 500 else _ERRORS.get(status, AzureResponseError)
    if failure.retry_after is not None and failure.retry_after > LONGEST_RETRY_AFTER:
        todo = f'Azure asks to wait {failure.retry_after} seconds: run it again then.'
    elif kind is AzureInternalError:
        todo = 'Azure failed. Run the command again in a few minutes.'
    else:
        todo = {**_ADVICE, **advice}.get(status, 'Run the command with --debug to see the answer.')
    return kind(f'{what}: {failure.message} ({failure.cause})', todo)


def connect(cli_ctx: AzCli, subscription_id: Optional[str] = None) -> ArmClient:
    """A client for the CLI's login. Raises the CLI's own errors where there is none."""
    try:
        client: ArmClient = get_mgmt_service_client(cli_ctx, ArmClient, subscription_id=subscription_id)
        return client
    except (AzureError, OSError, ValueError, LookupError) as error:
        # Older CLIs (2.67 does) ask for a managed identity's token here, and raise what `requests` and `json` do.
        failure = ReadFailure('', None, type(error).__name__, _one_line(str(error)))
        raise cli_error(failure, 'The login gave no token', {}) from error
