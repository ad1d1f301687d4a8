# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Connections that share what they trust.

`requests` has the bundle of trusted certificates read anew for each connection. With the one that it ships that takes
eight times the CPU of all else about a connection, and `recommend` opens some 25. Whether to verify, and by which
bundle, remains its choice and the CLI's: the same bundle is only not read again.
"""

from threading import Lock

import requests
from azure.core.pipeline.transport import RequestsTransport
from requests.adapters import HTTPAdapter
from urllib3.util.retry import Retry
from urllib3.util.ssl_ import create_urllib3_context

#: Connections that are kept for the next reads: as many as one command opens at a time.
KEPT_CONNECTIONS = 64


def shared_transport(connection_verify=True, **settings) -> RequestsTransport:
    """The SDK's transport with these `settings`, around a session whose connections share a TLS context."""
    session = requests.Session()
    if connection_verify is not False:  # without verification there is no bundle to read
        session.mount('https://', _Adapter(pool_maxsize=KEPT_CONNECTIONS, max_retries=Retry(
            total=False, redirect=False, raise_on_status=False)))  # none, as in the SDK: its policy retries
    return RequestsTransport(session=session, connection_verify=connection_verify, **settings)


class _Adapter(HTTPAdapter):
    """What `requests` does, with one TLS context for all connections."""

    def __init__(self, **settings):
        self._context = create_urllib3_context()
        # Both are called for each connection. A context that others use already is better left as it is.
        self._context.load_verify_locations = _once(self._context.load_verify_locations)
        self._context.set_alpn_protocols = _once(self._context.set_alpn_protocols)
        super().__init__(**settings)

    def init_poolmanager(self, *args, **settings):
        super().init_poolmanager(*args, ssl_context=self._context, **settings)

    def proxy_manager_for(self, proxy, **settings):
        return super().proxy_manager_for(proxy, ssl_context=self._context, **settings)

    def cert_verify(self, conn, url, verify, cert):
        super().cert_verify(conn, url, verify, cert)
        if verify and not conn.ca_certs and not conn.ca_cert_dir:
            # requests 2.32.0 to 2.32.3 leave the default bundle to a context of their own, which this one replaces.
            conn.ca_certs = requests.certs.where()


def _once(function):
    """`function`, but what it has done with some arguments it does not do again; whoever comes meanwhile waits."""
    lock, done = Lock(), []

    def call(*args):
        with lock:
            if args not in done:
                function(*args)
                done.append(args)
    return call
