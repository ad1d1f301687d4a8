# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Answers read piece by piece, and no further than is taken: a small gzip answer may unpack to any size.

`requests` unpacks whatever comes, in one go, and several layers of it. Here the bytes are taken as they came, and
unpacked up to the bound. The reading stays the session's: what fails is told in its own errors, so that the SDK
retries it as ever.
"""

import zlib
from typing import Any, Iterator

import requests
from requests.exceptions import ChunkedEncodingError, ConnectionError as NoConnection, ContentDecodingError
from urllib3.exceptions import HTTPError, ProtocolError, ReadTimeoutError

from ..inputs.json_text import too_many_bytes

#: The one encoding that is asked for. Azure Resource Manager and Azure Monitor have it.
ENCODING = 'gzip'

#: Bytes that are read from the connection, and unpacked, at a time.
_PIECE = 1 << 16
_UNPACKED = 1 << 20

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
        response._content, response._content_consumed = content, True

    session.headers['Accept-Encoding'] = ENCODING
    session.hooks['response'].append(read)


def _read(response: requests.Response, most: int) -> bytes:
    encoding = response.headers.get('Content-Encoding', '').strip().lower()
    if encoding not in ('', 'identity', ENCODING):
        raise ContentDecodingError(f'the answer is encoded as {encoding[:40]!r}, which was not asked for')
    content, came = bytearray(), 0
    gunzip = _Gunzip() if encoding == ENCODING else None
    try:
        response.raw.enforce_content_length = True  # older urllib3 takes half an answer for a whole one
        for piece in response.raw.stream(_PIECE, decode_content=False):
            came += len(piece)
            for unpacked in gunzip.pieces(piece) if gunzip else (piece,):
                content += unpacked
                if max(came, len(content)) > most:
                    raise too_many_bytes(most)
    except (HTTPError, zlib.error) as error:
        raise _in_words_of_requests(error) from error
    if gunzip and came and not gunzip.whole:
        raise ContentDecodingError('the answer ends before its gzip stream does')
    return bytes(content)


class _Gunzip:
    """Unpacks piece by piece."""

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(_GZIP)

    @property
    def whole(self) -> bool:
        """Whether the last stream has come to its end."""
        return self._stream.eof

    def pieces(self, packed: bytes) -> Iterator[bytes]:
        """What `packed` holds, in pieces that are never large."""
        full = False
        while packed or full:
            if self._stream.eof:  # RFC 1952, section 2.2: several streams in a row are one
                self._stream = zlib.decompressobj(_GZIP)
            unpacked = self._stream.decompress(packed, _UNPACKED)
            packed = self._stream.unconsumed_tail or self._stream.unused_data
            full = len(unpacked) == _UNPACKED and not self._stream.eof  # then some more may come of what is taken
            yield unpacked


def _in_words_of_requests(error: Exception) -> requests.RequestException:
    """The error that `requests` itself raises for one of urllib3's or zlib's while it reads."""
    if isinstance(error, ProtocolError):
        return ChunkedEncodingError(error)
    if isinstance(error, ReadTimeoutError):
        return NoConnection(error)
    return ContentDecodingError(error) if isinstance(error, zlib.error) else NoConnection(error)
