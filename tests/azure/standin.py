"""The stand-in itself: its state, its switches, and the way of a request through it."""
import copy
import re
import tempfile
import threading
import time
import traceback
from collections import namedtuple
from urllib.parse import unquote

from tests.azure import errors, ids, tls
from .aks import Aks
from .alerts import Alerts
from .builders import Builders
from .generic import Generic
from .graph import Graph
from .identity import Identity, new_token
from .network import Network
from .proxy import Proxy
from .server import Server
from .vnets import VirtualNetworks
from .wire import Response

Route = namedtuple('Route', 'method pattern handler')
_Latency = namedtuple('_Latency', 'pattern seconds')


class _Fault:
    def __init__(self, pattern, fault, method, times):
        self.pattern, self.fault, self.method, self.left = pattern, fault, method, times

    def matches(self, request):
        return (self.left != 0 and self.method in (None, request.method)
                and re.search(self.pattern, request.path, re.I))


class StandIn(Builders):
    """An Azure of its own on https://127.0.0.1:PORT. A context manager; see the package's docstring.

    url, ca_bundle   where it is, and the PEM file that makes clients trust it
    resources        raw ARM bodies by lower-cased id: read and change them as you like
    requests         what was asked since the last reset (see `seen`)
    detached         ids of own IPs and prefixes that a reconcile took off the load balancer, in order
    token            the bearer token of the login, which must never show up in an output
    failures         tracebacks of handlers that broke: a bug in the stand-in, each answered with a 500
    page_size, empty_last_page   how lists are cut (None: one page; facts §9, 14)
    """

    def __init__(self, port=0):
        self._lock = threading.RLock()
        self._folder = tempfile.TemporaryDirectory(prefix='arm-')
        cert, key = tls.certificate(self._folder.name)
        self.ca_bundle = str(cert)
        self.token = new_token()
        self._released = threading.Event()
        self.reset()
        self._proxy = None
        self._server = Server(tls.server_context(cert, key), self._exchange, port)
        self.url = self._server.url

    def __enter__(self):
        return self

    @property
    def proxy(self):
        """A proxy (started when first asked for) that leads all hosts here: its `url`, and what was `asked`."""
        if self._proxy is None:
            self._proxy = Proxy(self._server.server_address[1])
        return self._proxy

    def __exit__(self, *_):
        self.close()

    def close(self):
        self._released.set()
        for server in filter(None, (self._proxy, self._server)):
            server.shutdown()
            server.server_close()
        self._folder.cleanup()

    # switches

    def reset(self):
        """Forget everything but the login: resources, faults, latencies, added routes, requests."""
        self._released.set()  # ends what hangs
        with self._lock:
            self._released = threading.Event()
            self.resources = {}
            self.requests = []
            self.detached = []
            self.failures = []
            self.page_size = None
            self.empty_last_page = False
            self._latencies = []
            self._faults = []
            self._start_services()

    def _start_services(self):
        """To add one (Azure Monitor, Resource Graph): a class with `routes()`, and a line here."""
        self.network = Network(self)
        self.aks = Aks(self)
        self.graph = Graph(self)
        self.networks = VirtualNetworks(self)
        services = [Identity(self), self.network, self.networks, self.aks, self.graph, Alerts(self),
                    Generic(self)]
        self._routes = [Route(method, re.compile(pattern, re.I), handler)
                        for service in services for method, pattern, handler in service.routes()]

    def route(self, method, path_regex, handler):
        """Answer paths that match as a whole with handler(request) -> (status, body, headers), until the reset.

        Named groups of the pattern arrive in request.params; later routes win over earlier ones.
        """
        with self._lock:
            self._routes.insert(0, Route(method, re.compile(path_regex, re.I), handler))

    def latency(self, seconds, path_regex='.*'):
        """Answer matching paths only after so many seconds; the last latency that matches counts."""
        with self._lock:
            self._latencies.insert(0, _Latency(path_regex, seconds))

    def fault(self, path_regex, fault, method=None, times=None):
        """Fail matching requests with one of `tests.azure.faults`, always or the next `times` times."""
        with self._lock:
            self._faults.insert(0, _Fault(path_regex, fault, method, times))

    def seen(self, path_regex='^/subscriptions/.+', method=None):
        """The recorded requests whose path matches: by default those to resources, without the login's."""
        with self._lock:
            return [record for record in self.requests
                    if re.search(path_regex, record.path, re.I) and method in (None, record.method)]

    # resources

    def put(self, body):
        """Keep any raw resource body as it stands; returns its id."""
        with self._lock:
            self.resources[body['id'].lower()] = body
        return body['id']

    def get(self, resource_id):
        """A copy of the raw body of a resource, or None."""
        with self._lock:
            return copy.deepcopy(self.resources.get(resource_id.lower()))

    def remove(self, resource_id):
        with self._lock:
            self.resources.pop(resource_id.lower(), None)

    # the way of a request

    def _exchange(self, request, record, wire_to):
        with self._lock:
            self.requests.append(record)
            released = self._released
            delay = next((item.seconds for item in self._latencies
                          if re.search(item.pattern, request.path, re.I)), 0)
            fault = next((item for item in self._faults if item.matches(request)), None)
            if fault and fault.left:
                fault.left -= 1
        wire = wire_to(released)
        if delay:
            time.sleep(delay)
        if fault:
            fault.fault(request, lambda: self._answer(request), wire)
        else:
            wire.send(self._answer(request))
        return wire.keep_alive

    def _answer(self, request):
        try:
            with self._lock:
                status, body, headers = self._dispatch(request)
                return Response.of(status, body, headers)
        except errors.ArmError as error:
            return Response.of(error.status, error.body, error.headers)
        except Exception:  # told as a failure of the stand-in
            self.failures.append(traceback.format_exc())
            return Response.of(500, errors.arm_error(500, 'StandInFailed', traceback.format_exc()).body)

    def _dispatch(self, request):
        known = False
        for route in self._routes:
            match = route.pattern.fullmatch(request.raw_path)
            if match and route.method == request.method:
                self._admit(request)
                request.params = {name: unquote(value or '') for name, value in match.groupdict().items()}
                return route.handler(request)
            known = known or bool(match)
        if known:
            raise errors.arm_error(405, 'MethodNotAllowed', f"The method '{request.method}' is not allowed here.")
        raise errors.arm_error(404, 'NotFound', f"No HTTP resource was found that matches '{request.path}'.")

    def _admit(self, request):
        """As ARM's front door: a token, an api-version, a known subscription. The rest of the host is the login's."""
        if not re.match('/(subscriptions|tenants|providers)(/|$)', request.path, re.I):
            return
        if request.headers.get('Authorization') != f'Bearer {self.token}':
            raise errors.unauthenticated()
        if not request.api_version:
            raise errors.arm_error(400, 'MissingApiVersionParameter',
                                   'The api-version query parameter (?api-version=) is required for all requests.')
        match = re.match('/subscriptions/([^/]+)', request.path, re.I)
        if match and match.group(1) not in (ids.SUBSCRIPTION, ids.OTHER_SUBSCRIPTION):
            raise errors.unknown_subscription(match.group(1))
