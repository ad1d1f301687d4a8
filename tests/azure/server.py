"""Transport: HTTP/1.1 with keep-alive over TLS on 127.0.0.1, a thread per connection."""
import socket
import ssl
import threading
import time
from http.server import BaseHTTPRequestHandler
from socketserver import TCPServer, ThreadingMixIn

from .wire import Recorded, Request, Wire


class Server(ThreadingMixIn, TCPServer):
    """Gives each request to `exchange(request, record, wire factory)`.

    The TLS handshake happens in the connection's own thread, so that a client that never finishes one
    keeps nobody else waiting; Nagle's algorithm is off, so that a measured latency is the one that was set.
    """
    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, context, exchange, port=0):
        super().__init__(('127.0.0.1', port), Handler)
        self.context = context
        self.exchange = exchange
        self.url = f'https://127.0.0.1:{self.server_address[1]}'
        threading.Thread(target=self.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True).start()

    def finish_request(self, request, client_address):
        request.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            connection = self.context.wrap_socket(request, server_side=True)
        except (OSError, ssl.SSLError):
            return  # a client that does not trust this certificate, or that went away
        try:
            self.RequestHandlerClass(connection, client_address, self)
        except OSError:
            pass  # the client went away, or a fault cut the line
        finally:
            connection.close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def exchange(self):
        body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        request = Request(self.command, self.path, dict(self.headers.items()), body, self.server.url)
        record = Recorded(request.method, request.path, request.query, request.headers, body, request.api_version,
                          time.monotonic(), self.client_address)
        self.close_connection = not self._wants_keep_alive()
        try:
            keep_alive = self.server.exchange(request, record,
                                              lambda released: Wire(self.connection, record, released))
        except OSError:
            keep_alive = False
        self.close_connection = self.close_connection or not keep_alive

    def _wants_keep_alive(self):
        return self.headers.get('Connection', '').lower() != 'close'

    do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = do_HEAD = exchange

    def log_message(self, format, *args):  # the names of the base class
        """Quiet: tests read `StandIn.requests` instead."""
