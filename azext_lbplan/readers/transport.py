# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Connections that share what they trust, and answers of bounded size.

`requests` has the bundle of trusted certificates read anew for each connection. With the one that it ships that takes
eight times the CPU of all else about a connection, and `recommend` opens some 25. Whether to verify, and by which
bundle, remains its choice and the CLI's: the same bundle is only not read again.
"""

from threading import Lock
from typing import Any, Callable, List, Tuple, Union

import requests
from azure.core.pipeline.transport import RequestsTransport
from requests import adapters
from urllib3.util.retry import Retry
from urllib3.util.ssl_ import create_urllib3_context

from .bounded import bound_answers

#: Connections that are kept for the next reads: as many as one command opens at a time.
KEPT_CONNECTIONS = 64


def shared_transport(largest_answer: int, connection_verify: Union[bool, str] = True,
                     **settings: float) -> RequestsTransport:
    """The SDK's transport with these `settings`, around a session whose connections share a TLS context, and that
    refuses answers of more than so many bytes (`bounded`)."""
    session = requests.Session()
    bound_answers(session, largest_answer)
    if connection_verify is not False:  # without verification there is no bundle to read
        session.mount('https://', _Adapter(pool_maxsize=KEPT_CONNECTIONS, max_retries=Retry(
            total=False, redirect=False, raise_on_status=False)))  # none, as in the SDK: its policy retries
    # The SDK cuts what was read into pieces of 4 KiB, and puts them together again.
    return RequestsTransport(session=session, connection_verify=connection_verify,
                             connection_data_block_size=largest_answer, **settings)


class _Adapter(adapters.HTTPAdapter):
    """What `requests` does, with one TLS context for all connections."""

    def __init__(self, **settings: Any):
        self._context = create_urllib3_context()
        # Both are called for each connection. A context that others use already is better left as it is.
        for name in ('load_verify_locations', 'set_alpn_protocols'):
            setattr(self._context, name, _once(getattr(self._context, name)))
        super().__init__(**settings)

    def init_poolmanager(self, *args: Any, **settings: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **settings)

    def proxy_manager_for(self, proxy: str, **settings: Any) -> Any:
        return super().proxy_manager_for(proxy, ssl_context=self._context, **settings)

    def cert_verify(self, conn: Any, url: str, verify: Union[bool, str], cert: Any) -> None:
        check: Callable[..., None] = super().cert_verify
        check(conn, url, verify, cert)
        if verify and not conn.ca_certs and not conn.ca_cert_dir:
            # requests 2.32.0 to 2.32.3 leave the default bundle to a context of their own, which this one replaces.
            conn.ca_certs = adapters.DEFAULT_CA_BUNDLE_PATH


def _once(function: Callable[..., None]) -> Callable[..., None]:
    """`function`, but what it has done with some arguments it does not do again; whoever comes meanwhile waits."""
    lock = Lock()
    done: List[Tuple[Any, ...]] = []

    def call(*args: Any) -> None:
        with lock:
            if args not in done:
                function(*args)
                done.append(args)
    return call
