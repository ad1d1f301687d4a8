# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Opens the files that `check-service` is given. What cannot be read is said of that file; the others still are read.

Nothing here waits or grows: only regular files are read (a FIFO may have no writer, a device no end), and no more of
them than LARGEST_FILE. Only standard input is waited for, because the user says so.
"""

import os
import stat
import sys
from typing import BinaryIO, Iterable, Iterator, List, Optional, Set, Tuple

from ..inputs.manifests import NO_MANIFESTS, NOT_READABLE, TOO_LARGE, ManifestFile, Problem
from ..model.values import printable

#: The largest file that is read, in bytes: a dump of 10,000 Services by `kubectl get -o json` takes 20 million.
LARGEST_FILE = 32 * 1024 * 1024

#: The name of standard input, as kubectl has it.
STDIN = '-'

#: What counts as a manifest in a folder, as for kubectl. A file that is named itself may be called anything.
EXTENSIONS = ('.yaml', '.yml', '.json')

_PIPE = 'Pipe the manifests in, or name files.'

# Opening a FIFO must not wait for a writer, and Windows must not translate line ends.
_OPEN_FLAGS = os.O_RDONLY | getattr(os, 'O_NONBLOCK', 0) | getattr(os, 'O_CLOEXEC', 0) | getattr(os, 'O_BINARY', 0)


#: What a file holds, or why it was not read.
_Content = Tuple[Optional[bytes], Optional[Problem]]


def read_manifests(paths: Iterable[str], recursive: bool = False,
                   stdin: Optional[BinaryIO] = None) -> Iterator[ManifestFile]:
    """Each file in `paths`.

    A folder gives its manifests in the order of their names, with `recursive` those of the folders in it as well.
    Links to folders are not followed inside of folders, so no loop can arise. Each file is read once. `-` is
    `stdin`, a binary stream (by default the process's).
    """
    seen: Set[str] = set()
    for path in paths:
        if path == STDIN:
            if STDIN not in seen:
                seen.add(STDIN)
                yield ManifestFile(STDIN, *_read_stdin(stdin))
            continue
        for found, problem in _files(path, recursive):
            name = printable(found)
            if problem:
                yield ManifestFile(name, None, problem)
                continue
            real = os.path.realpath(found)
            if real not in seen:
                seen.add(real)
                yield ManifestFile(name, *_read(found))


def _files(path: str, recursive: bool) -> Iterator[Tuple[str, Optional[Problem]]]:
    """Each file that `path` stands for; where there is none, `path` and why."""
    if not path or '\0' in path:
        yield path, _problem(NOT_READABLE, 'The path is empty or holds a zero byte.', 'Give the path of a file.')
        return
    if not os.path.isdir(path):
        yield path, None
        return
    found = False
    for entry, problem in _walk(path, recursive):
        found = True
        yield entry, problem
    if not found:
        deeper = '' if recursive else '; the folders in it are read with --recursive'
        yield path, _problem(NO_MANIFESTS, f'The folder holds no {", ".join(EXTENSIONS)}{deeper}.',
                             'Name a folder with manifests, or the files.')


def _walk(folder: str, recursive: bool) -> Iterator[Tuple[str, Optional[Problem]]]:
    waiting = [folder]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as scan:
                entries: List[os.DirEntry[str]] = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            yield folder, _os_problem(error)
            continue
        folders = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
        if recursive:
            waiting.extend(reversed(folders))
        for entry in entries:
            if entry.name.lower().endswith(EXTENSIONS) and not os.path.isdir(entry.path):
                yield entry.path, None


def _read(path: str) -> _Content:
    """What a regular file holds."""
    try:
        descriptor = os.open(path, _OPEN_FLAGS)
    except OSError as error:
        return None, _os_problem(error)
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            return None, _problem(NOT_READABLE, 'This is no regular file but a pipe, a socket or a device.',
                                  'Give what a command prints by standard input: ... | az aks lb check-service -f -')
        with os.fdopen(descriptor, 'rb', closefd=False) as file:
            return _bounded(file.read(LARGEST_FILE + 1))
    except OSError as error:
        return None, _os_problem(error)
    finally:
        os.close(descriptor)


def _read_stdin(stdin: Optional[BinaryIO]) -> _Content:
    """The same of standard input."""
    stream = stdin or getattr(sys.stdin, 'buffer', None)
    if stream is None:
        return None, _problem(NOT_READABLE, 'Standard input is closed.', _PIPE)
    try:
        return _bounded(stream.read(LARGEST_FILE + 1))
    except (OSError, ValueError) as error:
        return None, _problem(NOT_READABLE, f'Standard input cannot be read: {error}.', _PIPE)


def _bounded(content: bytes) -> _Content:
    if len(content) > LARGEST_FILE:
        return None, _problem(TOO_LARGE, f'The file is larger than {LARGEST_FILE // 1024 ** 2} MiB.',
                              'Split it, for example by namespace.')
    return content, None


def _os_problem(error: OSError) -> Problem:
    """What is wrong in the words of the operating system, which name the cause but not the path."""
    reason = error.strerror or type(error).__name__
    remedies = {FileNotFoundError: 'Check the path, and where a link leads.',
                PermissionError: 'Make it readable for the user that runs az.'}
    return _problem(NOT_READABLE, f'It cannot be read: {reason}.',
                    remedies.get(type(error), 'Check the path, or name another one.'))


def _problem(code: str, message: str, remediation: str) -> Problem:
    return Problem(code, message, remediation=remediation)
