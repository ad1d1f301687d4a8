# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Opens the files that `check-service` is given. What cannot be read is said of that file; the others still are read.

How a file is opened, and how long it is waited for: `opening`.
"""

import os
from typing import Iterable, Iterator, List, Optional, Set, Tuple

from ..inputs.manifests import NO_MANIFESTS, NOT_READABLE, TOO_LARGE, ManifestFile, Problem
from ..model.values import printable
from ..options import STDIN
from .opening import NotRead, not_read, read_file

#: The largest file that is read, in bytes: a dump of 10,000 Services by `kubectl get -o json` takes 20 million.
LARGEST_FILE = 32 * 1024 * 1024

#: What counts as a manifest in a folder, as for kubectl. A file that is named itself may be called anything.
EXTENSIONS = ('.yaml', '.yml', '.json')

#: What a file holds, or why it was not read.
_Content = Tuple[Optional[bytes], Optional[Problem]]


def read_manifests(paths: Iterable[str], recursive: bool = False) -> Iterator[ManifestFile]:
    """Each file in `paths`.

    A folder gives its manifests in the order of their names, with `recursive` those of the folders in it as well.
    Links to folders are not followed inside of folders, so no loop can arise. Each file is read once. `-` is standard
    input.
    """
    seen: Set[str] = set()
    for path in paths:
        if path in STDIN:
            if STDIN[0] not in seen:
                seen.add(STDIN[0])
                yield ManifestFile(path, *_read(path))
            continue
        for found, problem in _files(path, recursive):
            name = printable(found)
            if problem:
                yield ManifestFile(name, None, problem)
                continue
            real = os.path.realpath(found)
            if real not in seen:
                seen.add(real)
                yield ManifestFile(name, *_read(found, named=found == path))


def _files(path: str, recursive: bool) -> Iterator[Tuple[str, Optional[Problem]]]:
    """Each file that `path` stands for; where there is none, `path` and why."""
    if not path or '\0' in path:
        yield path, Problem(NOT_READABLE, 'The path is empty or holds a zero byte.',
                            remediation='Give the path of a file.')
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
        yield path, Problem(NO_MANIFESTS, f'The folder holds no {", ".join(EXTENSIONS)}{deeper}.',
                            remediation='Name a folder with manifests, or the files.')


def _walk(folder: str, recursive: bool) -> Iterator[Tuple[str, Optional[Problem]]]:
    waiting = [folder]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as scan:
                entries: List[os.DirEntry[str]] = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            yield folder, _why(not_read(error))
            continue
        folders = [entry.path for entry in entries if entry.is_dir(follow_symlinks=False)]
        if recursive:
            waiting.extend(reversed(folders))
        for entry in entries:
            if entry.name.lower().endswith(EXTENSIONS) and not os.path.isdir(entry.path):
                yield entry.path, None


def _read(path: str, named: bool = True) -> _Content:
    """What a file holds, or why it was not read; a pipe is waited for where it was `named`."""
    try:
        return read_file(path, LARGEST_FILE, pipes=named), None
    except NotRead as error:
        return None, _why(error)


def _why(error: NotRead) -> Problem:
    if error.too_large:
        return Problem(TOO_LARGE, f'The file {error.why}.', remediation='Split it, for example by namespace.')
    return Problem(NOT_READABLE, f'It {error.why}.', remediation=error.remedy)
