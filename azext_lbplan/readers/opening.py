# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The one way to read a file: snapshots, fleets and manifests.

Nothing hangs or grows. What is no file is refused by its kind; a pipe is waited for, but not forever. All that may
block is done by a thread that is left behind where it takes too long, so that an interrupt ends the wait at once.
"""

import os
import queue
import select
import stat
import sys
import threading
import time
from typing import Dict, Iterator, NamedTuple, Type, Union

from knack.log import get_logger

from ..options import STDIN

logger = get_logger(__name__)

#: Seconds to wait for somebody who writes to a named pipe, or for a file system to open a file at all.
OPENING = 10

#: Seconds without a byte after which a pipe is given up, and seconds for all of it: who writes to it may be reading a
#: cluster or many subscriptions.
SILENCE = 300
DEADLINE = 900

#: Seconds of silence after which a person is told what is waited for.
PATIENCE = 5

_PIECE = 1 << 20

# Windows must not translate line ends.
_FLAGS = os.O_RDONLY | getattr(os, 'O_CLOEXEC', 0) | getattr(os, 'O_BINARY', 0)

# Some files of the system (/proc/kmsg) pass for regular ones and never end: this makes them say so.
_NEVER_WAIT = getattr(os, 'O_NONBLOCK', 0)

_KINDS = {stat.S_IFDIR: 'a folder', stat.S_IFSOCK: 'a socket', stat.S_IFIFO: 'a pipe'}

_REMEDY = 'Give the path of a file, or - and pipe it in.'


class NotRead(Exception):
    """A file that was not read: why, as the rest of a sentence about it ("is a folder"), and what to do. `too_large`
    says whether there was too much of it."""

    def __init__(self, why: str, remedy: str = _REMEDY, too_large: bool = False):
        super().__init__(why)
        self.why = why
        self.remedy = remedy
        self.too_large = too_large


class _Open(NamedTuple):
    """A file that is open, and whether it is a pipe: then an empty one is waited for."""

    descriptor: int
    waits: bool


def read_file(path: str, most: int, pipes: bool = True) -> bytes:
    """All of the file at `path`, or of standard input where STDIN names it: at most so many bytes. A pipe is waited for
    where `pipes` are expected. Raises NotRead."""
    reading = _Reading(path, most, pipes)
    threading.Thread(target=reading.run, daemon=True).start()
    content = bytearray()
    for piece in reading.pieces():
        content += piece
        if len(content) > most:
            raise _too_large(most)
    return bytes(content)


class _Reading:
    """A file that a thread reads (`run`) and its caller waits for (`pieces`)."""

    def __init__(self, path: str, most: int, pipes: bool):
        self._path = path
        self._most = most
        self._pipes = pipes
        self._came: 'queue.Queue[Union[bytes, Exception]]' = queue.Queue(maxsize=4)
        self._patience = OPENING
        self._patient_with = 'could not be opened'

    def pieces(self) -> Iterator[bytes]:
        """What is read, piece by piece. Raises NotRead."""
        started = time.monotonic()
        while True:
            piece = self._next(started)
            if isinstance(piece, Exception):
                raise not_read(piece) from piece
            if not piece:
                return
            yield piece

    def _next(self, started: float) -> Union[bytes, Exception]:
        silent, told = time.monotonic(), False
        while True:
            try:
                return self._came.get(timeout=0.1)
            except queue.Empty:
                now = time.monotonic()
            if now - silent > PATIENCE and not told:
                logger.warning('Waiting for %s ...', 'standard input' if self._path in STDIN else f"'{self._path}'")
                told = True
            if now - silent > self._patience or now - started > DEADLINE:
                raise NotRead(f'{self._patient_with} within {round(now - silent)} seconds', 'Write it to a file first.')

    def run(self) -> None:
        """Read to the end, or one byte more than is taken."""
        try:
            file = _standard_input() if self._path in STDIN else self._open()
        except Exception as error:  # pylint: disable=broad-except  # whatever it is: somebody waits for it
            self._came.put(error)
            return
        self._patience, self._patient_with = SILENCE, 'gave nothing'
        try:
            self._read(file)
        except Exception as error:  # pylint: disable=broad-except  # whatever it is: somebody waits for it
            self._came.put(error)
        finally:
            if self._path not in STDIN:
                os.close(file.descriptor)

    def _open(self) -> _Open:
        found = os.stat(self._path)
        waits = stat.S_ISFIFO(found.st_mode)
        if not stat.S_ISREG(found.st_mode) and not (waits and self._pipes):
            raise NotRead(f'is no regular file but {_KINDS.get(stat.S_IFMT(found.st_mode), "a device")}')
        if waits:
            self._patient_with = 'is a pipe that nobody has written to'
        descriptor = os.open(self._path, _FLAGS if waits else _FLAGS | _NEVER_WAIT)
        opened = os.fstat(descriptor)
        if stat.S_IFMT(opened.st_mode) == stat.S_IFMT(found.st_mode) and opened.st_size <= self._most:
            return _Open(descriptor, waits)
        os.close(descriptor)
        raise _too_large(self._most) if opened.st_size > self._most else NotRead('has just been replaced')

    def _read(self, file: _Open) -> None:
        left = self._most + 1
        while left > 0:
            try:
                piece = os.read(file.descriptor, min(_PIECE, left))
            except BlockingIOError:
                if not file.waits:
                    raise NotRead('is no file that ends') from None
                select.select([file.descriptor], [], [])
                continue
            self._came.put(piece)
            left = left - len(piece) if piece else 0


def _standard_input() -> _Open:
    try:
        descriptor = sys.stdin.fileno()
    except (AttributeError, OSError, ValueError):  # closed
        raise NotRead('is closed', 'Pipe the file in, or name it.') from None
    if os.isatty(descriptor):
        raise NotRead('is a terminal', 'Pipe the file in, or name it.')
    return _Open(descriptor, True)


def not_read(error: Exception) -> NotRead:
    """Why, in the words of the system, which name the cause but not the path."""
    if isinstance(error, NotRead):
        return error
    remedies: Dict[Type[Exception], str] = {
        FileNotFoundError: 'Check the path.',
        PermissionError: 'Make it readable for the user that runs az.'}
    if isinstance(error, ValueError):
        why = 'no file has such a path'  # it holds a zero byte
    else:
        why = getattr(error, 'strerror', None) or type(error).__name__
    return NotRead(f'cannot be read: {why}', remedies.get(type(error), 'Check the path, or name another one.'))


def _too_large(most: int) -> NotRead:
    return NotRead(f'is larger than {most >> 20} MiB', too_large=True)
