# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""JSON documents on disk: opened and parsed here, recognised by `inputs`; what is wrong is one error of the CLI's."""

import json
import os
from typing import Callable, TypeVar

from azure.cli.core.azclierror import FileOperationError, InvalidArgumentValueError

from ..inputs.unusable import UnusableDocument
from ..model.values import Json, decoded

#: No snapshot comes near this: 1000 nodes with a week of metrics stay below 30 MB.
LARGEST_FILE = 512 * 1024 * 1024

T = TypeVar('T')


def read_document(path: str, recognise: Callable[[Json], T], advice: str) -> T:
    """What `recognise` makes of the JSON file at `path`; `advice` tells how to get a right one.

    Raises FileOperationError where it cannot be read, InvalidArgumentValueError where it is no JSON or not recognised.
    """
    try:
        return recognise(_parse(path, _read(path, advice), advice))
    except UnusableDocument as error:
        raise InvalidArgumentValueError(f"'{path}' {error.recognised}.", error.advice) from error


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


def _parse(path: str, written: str, advice: str) -> Json:
    if not written.strip():
        raise InvalidArgumentValueError(f"'{path}' is empty.", advice)
    try:
        return json.loads(written)
    except ValueError as error:
        raise InvalidArgumentValueError(f"'{path}' is no JSON: {error}.", advice) from error
    except RecursionError as error:
        raise InvalidArgumentValueError(f"'{path}' is no JSON: it is nested too deeply.", advice) from error
