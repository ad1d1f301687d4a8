"""A loopback proxy that leads every host of the world to the stand-in.

In Cloud Shell mode (`ACC_CLOUD`) `az` asks the public authority for its OpenID configuration, whatever cloud is
registered (facts §10), and newer ones a fixed port of localhost for the token. With this as HTTPS_PROXY and
HTTP_PROXY the stand-in answers for both, and nothing leaves the machine.
"""
import http.client
import socket
import ssl
import threading
from http.server import BaseHTTPRequestHandler
from socketserver import ThreadingTCPServer
from urllib.parse import urlsplit


class Proxy(ThreadingTCPServer):
    """`asked` holds the host:port of each request."""
    daemon_threads = True
    block_on_close = False

    def __init__(self, target_port):
        super().__init__(('127.0.0.1', 0), _Tunnel)
        self.target_port = target_port
        self.asked = []
        self.url = f'http://127.0.0.1:{self.server_address[1]}'
        threading.Thread(target=self.serve_forever, kwargs={'poll_interval': 0.05}, daemon=True).start()


class _Tunnel(BaseHTTPRequestHandler):
    disable_nagle_algorithm = True

    def do_CONNECT(self):
        """TLS: passed on unseen."""
        self.server.asked.append(self.path)
        self.close_connection = True
        with socket.create_connection(('127.0.0.1', self.server.target_port)) as target:
            target.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.wfile.write(b'HTTP/1.1 200 Connection established\r\n\r\n')
            back = threading.Thread(target=_pump, args=(target, self.connection), daemon=True)
            back.start()
            _pump(self.connection, target)
            back.join()

    def do_POST(self):
        """Plain HTTP: asked again over TLS."""
        parts = urlsplit(self.path)
        self.server.asked.append(parts.netloc)
        body = self.rfile.read(int(self.headers.get('Content-Length') or 0))
        target = http.client.HTTPSConnection('127.0.0.1', self.server.target_port,
                                             context=ssl._create_unverified_context())  # its own process
        target.request(self.command, parts.path, body, {'Content-Type': self.headers.get('Content-Type', '')})
        answer = target.getresponse()
        body = answer.read()
        self.wfile.write(b'HTTP/1.1 %d Answered\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s'
                         % (answer.status, len(body), body))

    def log_message(self, format, *args):  # the names of the base class
        """Quiet."""


def _pump(source, sink):
    """Copy until one end closes; the other end is told."""
    try:
        while data := source.recv(65536):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass
