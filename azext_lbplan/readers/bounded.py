# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Answers read piece by piece, and no further than is taken: a small gzip answer may unpack to any size.

`requests` unpacks whatever comes, in one go, and several layers of it. Here the bytes are taken as they came, and
unpacked up to the bound. The reading stays the session's: what fails is told in its own errors, so that the SDK
retries it as ever.
"""

import zlib
from typing import Any

import requests
from requests.exceptions import ChunkedEncodingError, ConnectionError as NoConnection, ContentDecodingError
from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError

from ..inputs.json_text import too_many_bytes

#: The one encoding that is asked for. Azure Resource Manager and Azure Monitor have it.
ENCODING = 'gzip'

#: Bytes that are read from the connection at a time.
_PIECE = 1 << 16

#: zlib's word for a gzip header and the largest window.
_GZIP = 31


def bound_answers(session: requests.Session, most: int) -> None:
    """Have `session` refuse answers of more than `most` bytes: TooLarge."""
    def read(response: requests.Response, *_: Any, **__: Any) -> None:
        try:
            content = _read(response, most)
        except BaseException:
            response.close()  # what is left of the answer must not become part of the next
            raise
        # What `Response.content` would keep. There is no other way to hand over what was read.
        response._content, response._content_consumed = content, True  # pylint: disable=protected-access

    session.headers['Accept-Encoding'] = ENCODING
    session.hooks['response'].append(read)


def _read(response: requests.Response, most: int) -> bytes:
    encoding = response.headers.get('Content-Encoding', '').strip().lower()
    if encoding not in ('', 'identity', ENCODING):
        raise ContentDecodingError(f'the answer is encoded as {encoding[:40]!r}, which was not asked for')
    content, came = bytearray(), 0
    take = _Gunzip() if encoding == ENCODING else _as_it_is
    try:
        response.raw.enforce_content_length = True  # older urllib3 takes half an answer for a whole one
        for piece in response.raw.stream(_PIECE, decode_content=False):
            came += len(piece)
            content += take(piece, most + 1 - len(content))
            if max(came, len(content)) > most:
                raise too_many_bytes(most)
    except (HTTPError, zlib.error) as error:
        raise _in_words_of_requests(error) from error
    if isinstance(take, _Gunzip) and came and not take.whole:
        raise ContentDecodingError('the answer ends before its gzip stream does')
    return bytes(content)


class _Gunzip:  # pylint: disable=too-few-public-methods  # the state of one stream
    """Unpacks piece by piece; `whole` says whether a stream has come to its end."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_GZIP)

    @property
    def whole(self) -> bool:
        """Whether nothing is missing."""
        return self._stream.eof

    def __call__(self, piece: bytes, most: int) -> bytes:
        """What `piece` holds, at most so many bytes of it."""
        content = b''
        while piece and len(content) < most:
            if self._stream.eof:  # RFC 1952: several streams in a row are one
                self._stream = zlib.decompressobj(_GZIP)
            content += self._stream.decompress(piece, most - len(content))
            piece = self._stream.unconsumed_tail or self._stream.unused_data
        return content


def _as_it_is(piece: bytes, _: int) -> bytes:
    return piece


def _in_words_of_requests(error: Exception) -> requests.RequestException:
    """The error that `requests` itself raises for one of urllib3's or zlib's while it reads."""
    if isinstance(error, ProtocolError):
        return ChunkedEncodingError(error)
    if isinstance(error, ReadTimeoutError):
        return NoConnection(error)
    return ContentDecodingError(error) if isinstance(error, zlib.error) else NoConnection(error)
