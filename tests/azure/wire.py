"""What goes over the line: requests as received, responses, and the means to misbehave."""
import json
import os
import socket
import struct
import time
from dataclasses import dataclass, field
from http.client import responses as REASONS
from urllib.parse import parse_qsl, unquote, urlsplit

from .ids import guid


@dataclass
class Request:
    """One request; `path` is decoded, `raw_path` and `raw_query` are as sent."""
    method: str
    target: str
    headers: dict
    body: bytes
    base_url: str
    params: dict = field(default_factory=dict)

    def __post_init__(self):
        parts = urlsplit(self.target)
        self.raw_path, self.raw_query = parts.path, parts.query
        self.path = unquote(parts.path)
        self.query = dict(parse_qsl(parts.query, keep_blank_values=True))

    @property
    def api_version(self):
        return self.query.get('api-version')

    @property
    def form(self):
        return dict(parse_qsl(self.body.decode('latin-1')))

    @property
    def json(self):
        return json.loads(self.body or b'null')


@dataclass
class Recorded:
    """A request as tests look at it afterwards: monotonic times of its arrival and of the first byte of its answer;
    `status` is None while unanswered, or when a fault sent none; `connection` is the same for requests that came over
    the same one."""
    method: str
    path: str
    query: dict
    headers: dict
    body: bytes
    api_version: str
    started: float
    connection: tuple
    answered: float = None
    status: int = None
    response_bytes: int = 0

    @property
    def body_length(self):
        return len(self.body)


@dataclass
class Response:
    status: int
    body: bytes = b''
    headers: dict = field(default_factory=dict)

    @classmethod
    def of(cls, status, body=None, headers=None):
        """From what a handler returned: dicts and lists become JSON."""
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body).encode()
            headers.setdefault('Content-Type', 'application/json; charset=utf-8')
        elif isinstance(body, str):
            body = body.encode()
        return cls(status, body or b'', headers)


class Wire:
    """The connection of one exchange, for answering well (`send`) or badly (the rest)."""

    def __init__(self, connection, record, released):
        self._connection = connection
        self._record = record
        self._released = released
        self.keep_alive = True

    def send(self, response):
        headers = {'Content-Length': str(len(response.body)), **response.headers}
        self.write(self._head(response.status, headers) + response.body)

    def begin(self, status, headers):
        """Send a status and headers alone; the caller writes the body and the connection ends after it."""
        self.keep_alive = False
        self.write(self._head(status, {**headers, 'Connection': 'close'}))

    def write(self, data):
        """In one piece: a head and a body in two segments is what Nagle and delayed acks stall on."""
        self._record.response_bytes += len(data)
        self._connection.sendall(data)

    def reset(self):
        """Abort the TCP connection (RST), without a TLS goodbye."""
        self.keep_alive = False
        self._connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        os.close(self._connection.detach())

    def wait(self, seconds=None):
        """Do nothing, until the time is over or the stand-in is reset; True when it was reset."""
        return self._released.wait(seconds)

    def _head(self, status, headers):
        self._record.status, self._record.answered = status, time.monotonic()
        number = guid('request', id(self._record))
        fixed = {'x-ms-request-id': number, 'x-ms-correlation-request-id': number, 'Cache-Control': 'no-cache'}
        lines = [f'HTTP/1.1 {status} {REASONS.get(status, "Unknown")}']
        lines += [f'{name}: {value}' for name, value in {**fixed, **headers}.items()]
        return ('\r\n'.join(lines) + '\r\n\r\n').encode('latin-1')
