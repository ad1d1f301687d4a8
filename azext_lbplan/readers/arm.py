# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The one door to Azure Resource Manager: raw JSON, bounded waits, reads side by side, errors as data.

The credential, the endpoint, the headers and the telemetry are the CLI's own, handed over by its client factory
(azure-facts section 10).
"""

import json
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

from ..model.values import Json, get, items, text
from .interrupt import end_if_interrupted
from .transport import shared_transport

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
            transport=shared_transport(connection_timeout=CONNECT_TIMEOUT, read_timeout=READ_TIMEOUT,
                                       **{key: kwargs[key] for key in ('connection_verify',) if key in kwargs}))

    def send(self, request: Request) -> Json:
        """The JSON object that answers `request`. Raises ReadFailure."""
        return self.exchange(request)[0]

    def exchange(self, request: Request) -> Tuple[Json, Mapping[str, str]]:
        """The JSON object that answers `request`, and the headers that came with it. Raises ReadFailure."""
        try:
            # A POST here asks, too: it may be repeated like a GET.
            response = self._pipeline.send_request(self._http_request(request), retry_on_methods=('GET', 'POST'))
            status, body, headers = response.status_code, response.content, response.headers
        except (AzureError, OSError, ValueError) as error:
            # The CLI asks for a token on the way: what `requests` and `json` raise there comes through as it is.
            raise ReadFailure(request.path, None, type(error).__name__, _one_line(str(error))) from error
        answer: Json = _parse(body)
        if status == 200 and isinstance(answer, dict):
            return answer, headers
        if status == 200:
            raise ReadFailure(request.path, status, 'InvalidJson', 'the answer is no JSON object')
        # Azure Monitor and AKS's validation send code and message without an `error` around them.
        problem = get(answer, 'error') or answer
        inner_codes = tuple(filter(None, (text(detail, 'code') for detail in items(problem, 'details'))))
        raise ReadFailure(request.path, status, text(problem, 'code') or f'Http{status}',
                          _one_line(text(problem, 'message') or f'HTTP status {status}'),
                          retry_after=_retry_after(headers.get('Retry-After')), inner_codes=inner_codes)

    def read(self, request: Request, follow_pages: bool = False) -> Union[Json, ReadFailure]:
        """The answer to `request` within the DEADLINE, or the ReadFailure that came instead.

        `follow_pages` makes one answer of all pages of a list.
        """
        send = self.send_pages if follow_pages else self.send
        return side_by_side([(request.path, partial(send, request))])[0]

    def send_pages(self, request: Request) -> Json:
        """The answer to `request`; where it is a page of a list, with the values of all its pages."""
        answer = self.send(request)
        values, page = list(items(answer, 'value')), answer
        for _ in range(MOST_PAGES):
            link = text(page, 'nextLink')
            if link is None:
                return answer if get(answer, 'value') is None else dict(answer, value=values)
            # Only the query of the link is followed: its host is not ours to trust with the credential.
            page = self.send(request._replace(query={**request.query, **dict(parse_qsl(urlsplit(link).query))}))
            values.extend(items(page, 'value'))
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
    answers: queue.Queue[Tuple[int, Union[T, Exception]]] = queue.Queue()

    def run(index: int, job: Callable[[], T]) -> None:
        try:
            answers.put((index, job()))
        except Exception as error:  # pylint: disable=broad-except
            # Whatever happens in a thread must reach the caller: an answer that never comes would stall the wait.
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
        if isinstance(answer, Exception) and not isinstance(answer, ReadFailure):
            raise answer
        results[index] = answer
        waiting -= 1
    return results


def _parse(body: bytes) -> Json:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return None


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
