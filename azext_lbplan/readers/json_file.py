# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Documents on disk or on standard input: opened here, parsed and recognised by `inputs`; what is wrong is one error of
the CLI's."""

import os
import sys
from typing import Callable, List, TypeVar

from azure.cli.core.azclierror import FileOperationError, InvalidArgumentValueError

from ..inputs.notation import parse_documents
from ..inputs.unusable import UnusableDocument
from ..model.values import Json, decoded

#: No snapshot comes near this: 1000 nodes with a week of metrics stay below 30 MB.
LARGEST_FILE = 512 * 1024 * 1024

#: The name of standard input.
STDIN = '-'

T = TypeVar('T')


def read_document(path: str, recognise: Callable[[Json], T], advice: str) -> T:
    """The same of a file with one document; of several, the list of them is recognised."""
    return read_documents(path, lambda documents: recognise(documents[0] if len(documents) == 1 else documents), advice)


def read_documents(path: str, recognise: Callable[[List[Json]], T], advice: str) -> T:
    """What `recognise` makes of the documents in the file at `path`, `-` for standard input; `advice` tells how to get
    a right one.

    Raises FileOperationError where it cannot be read, InvalidArgumentValueError where it is neither JSON nor YAML, or
    not recognised.
    """
    name = 'Standard input' if path == STDIN else f"'{path}'"
    written = _read_stdin(advice) if path == STDIN else _read(path, advice)
    if not written.strip():
        raise InvalidArgumentValueError(f'{name} is empty.', advice)
    try:
        return recognise(parse_documents(written, advice))
    except UnusableDocument as error:
        raise InvalidArgumentValueError(f'{name} {error.recognised}.', error.advice) from error


def _read_stdin(advice: str) -> str:
    stream = getattr(sys.stdin, 'buffer', None)
    try:
        content = stream.read(LARGEST_FILE + 1) if stream else b''
        if len(content) > LARGEST_FILE:
            raise FileOperationError(f'Standard input is larger than {LARGEST_FILE >> 20} MiB.', advice)
        return decoded(content)
    except OSError as error:
        raise FileOperationError(f'Standard input could not be read: {error.strerror}.', advice) from error
    except ValueError as error:
        raise InvalidArgumentValueError('Standard input is no text in UTF-8, nor in UTF-16 with its mark.',
                                        advice) from error


def _read(path: str, advice: str) -> str:
    try:
        # A pipe or a device could block or never end; a regular file cannot.
        if os.path.exists(path) and not os.path.isfile(path):
            raise FileOperationError(f"'{path}' is no regular file.", advice)
        with open(path, 'rb') as file:
            if os.fstat(file.fileno()).st_size > LARGEST_FILE:
                raise FileOperationError(f"'{path}' is larger than {LARGEST_FILE >> 20} MiB.", advice)
            return decoded(file.read())
    except OSError as error:
        raise FileOperationError(f"'{path}' could not be read: {error.strerror}.", 'Check the path.') from error
    except ValueError as error:
        raise InvalidArgumentValueError(f"'{path}' is no text in UTF-8, nor in UTF-16 with its mark.",
                                        advice) from error
