"""Ways to fail. A fault is called with (request, answer, wire): `answer()` does what the request asks for and
returns the response that it would have had; `wire` sends, or does not. Give them to `StandIn.fault`.
"""
import functools
import gzip
import struct
import zlib
from dataclasses import dataclass, field

from tests.azure import errors
from .ids import PRINCIPAL
from .wire import Response

_TEXTS = {
    401: ('AuthenticationFailed', "Authentication failed. The 'Authorization' header is missing or invalid."),
    404: ('ResourceNotFound', 'The resource was not found.'),
    409: ('OperationNotAllowed', 'Operation is not allowed because there is an operation in progress.'),
    429: ('TooManyRequests', 'The request is being throttled as the limit has been reached for operation type.'),
    500: ('InternalServerError', 'Encountered internal server error.'),
    502: ('BadGateway', 'The gateway did not receive a response in time.'),
    503: ('ServiceUnavailable', 'The service is temporarily unavailable. Please retry later.'),
    504: ('GatewayTimeout', 'The gateway did not receive a response within the specified time period.'),
}


@dataclass
class Status:
    """An HTTP status with ARM's error body. `action` makes it the real 403 over the request's own path;
    `body` (dict, text or bytes) replaces the error body; nothing is done to the resources."""
    status: int
    code: str = None
    message: str = None
    retry_after: str = None
    action: str = None
    body: object = None
    headers: dict = field(default_factory=dict)

    def __call__(self, request, answer, wire):
        headers = dict(self.headers)
        if self.retry_after is not None:
            headers['Retry-After'] = str(self.retry_after)
        wire.send(Response.of(self.status, self._body(request), headers))

    def _body(self, request):
        if self.body is not None:
            return self.body
        if self.action:
            return errors.forbidden(PRINCIPAL, self.action, request.path).body
        code, message = _TEXTS.get(self.status, (f'Status{self.status}', 'The request failed.'))
        return {'error': {'code': self.code or code, 'message': self.message or message}}


@dataclass
class Html:
    """A page of a proxy or a portal where JSON was expected."""
    status: int = 200

    def __call__(self, request, answer, wire):
        wire.send(Response.of(self.status, '<!DOCTYPE html><html><body><h1>Sign in</h1></body></html>',
                              {'Content-Type': 'text/html; charset=utf-8'}))


@dataclass
class Redirect:
    """To another place, `{base}` of which is this stand-in's own URL."""
    location: str = '{base}/elsewhere'
    status: int = 302

    def __call__(self, request, answer, wire):
        wire.send(Response.of(self.status, None, {'Location': self.location.format(base=request.base_url)}))


@dataclass
class Truncated:
    """JSON that ends in the middle, in a response that is complete as far as HTTP can tell."""
    share: float = 0.5

    def __call__(self, request, answer, wire):
        response = answer()
        response.body = response.body[:int(len(response.body) * self.share)]
        wire.send(response)


@dataclass
class Cut:
    """The connection is closed, politely, before Content-Length is reached."""
    share: float = 0.5

    def __call__(self, request, answer, wire):
        _part(answer(), self.share, wire)


@dataclass
class Reset:
    """The connection is reset in the middle of the body."""
    share: float = 0.5

    def __call__(self, request, answer, wire):
        _part(answer(), self.share, wire)
        wire.reset()


class Drop:
    """The connection is reset before anything was answered; nothing is done to the resources."""

    def __call__(self, request, answer, wire):
        wire.reset()


@dataclass
class Hang:
    """No answer, for so many seconds or until the stand-in is reset; with `after_head`, nothing after the head."""
    seconds: float = None
    after_head: bool = False

    def __call__(self, request, answer, wire):
        if self.after_head:
            wire.begin(200, {'Content-Type': 'application/json; charset=utf-8', 'Content-Length': '100000'})
        wire.wait(self.seconds)
        wire.keep_alive = False


@dataclass
class Endless:
    """A body that never ends: `chunk` every `interval` seconds, until the client goes away."""
    interval: float = 0.01
    chunk: bytes = b' ' * 1024

    def __call__(self, request, answer, wire):
        wire.begin(200, {'Content-Type': 'application/json; charset=utf-8', 'Transfer-Encoding': 'chunked'})
        piece = b'%x\r\n%s\r\n' % (len(self.chunk), self.chunk)
        while not wire.wait(self.interval):
            wire.write(piece)


@dataclass
class Gzip:
    """The answer as it would be, encoded as ARM encodes where it is asked to; `body` replaces it, `encoding` what its
    header says, `layers` are how often it is packed."""
    body: bytes = None
    encoding: str = 'gzip'
    layers: int = 1

    def __call__(self, request, answer, wire):
        body = answer().body if self.body is None else self.body
        for _ in range(self.layers):
            body = gzip.compress(body)
        wire.send(Response.of(200, body, {'Content-Type': 'application/json', 'Content-Encoding': self.encoding}))


@dataclass(frozen=True)
class Bomb:
    """A small gzip answer that unpacks to so many MiB: `filling`, over and over."""
    mebibytes: int = 1500
    filling: bytes = b' '
    head: bytes = b'{"a": "'
    tail: bytes = b'"}'

    def __call__(self, request, answer, wire):
        wire.send(Response.of(200, _packed(self), {'Content-Type': 'application/json', 'Content-Encoding': 'gzip'}))


@functools.lru_cache(maxsize=4)
def _packed(bomb):
    """A MiB is packed once and then repeated: what zlib has flushed in full stands alone."""
    pack = zlib.compressobj(9, zlib.DEFLATED, -15)
    head = pack.compress(bomb.head) + pack.flush(zlib.Z_FULL_FLUSH)
    mebibyte = bomb.filling * (2 ** 20 // len(bomb.filling))
    middle = pack.compress(mebibyte) + pack.flush(zlib.Z_FULL_FLUSH)
    content = [bomb.head, *[mebibyte] * bomb.mebibytes, bomb.tail]
    checksum = functools.reduce(lambda crc, part: zlib.crc32(part, crc), content, 0)
    end = pack.compress(bomb.tail) + pack.flush() + struct.pack('<II', checksum, sum(map(len, content)) % 2 ** 32)
    return b'\x1f\x8b\x08' + bytes(7) + head + middle * bomb.mebibytes + end


def _part(response, share, wire):
    wire.begin(response.status, {**response.headers, 'Content-Length': str(len(response.body))})
    wire.write(response.body[:int(len(response.body) * share)])
