# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Snapshots on disk: load one (or the output of `az aks show`), save one for its owner only, whole or not at all."""

import json
import os
import tempfile

from azure.cli.core.azclierror import FileOperationError

from ..inputs import snapshots
from ..model.observed import Snapshot
from .json_file import read_document


def load(path: str) -> Snapshot:
    """The snapshot in the file at `path`; a bare cluster becomes one without anything around it.

    Raises FileOperationError where it cannot be read, InvalidArgumentValueError where it is no snapshot and no
    cluster.
    """
    return read_document(path, snapshots.recognise_snapshot, snapshots.ADVICE)


def check_target(path: str, overwrite: bool) -> None:
    """Refuse a path that cannot take a snapshot before anything is read. Raises FileOperationError."""
    if os.path.exists(path) and not overwrite:
        raise FileOperationError(f"'{path}' exists.", "Choose another file, or add '--overwrite-existing'.")
    folder = os.path.dirname(os.path.abspath(path))
    # Replacing a device such as /dev/null would break whatever else uses it.
    if (os.path.exists(path) and not os.path.isfile(path)) or not os.path.isdir(folder):
        raise FileOperationError(f"'{path}' is no place for a file.", 'Name a file in a folder that exists.')


def save(path: str, snapshot: Snapshot, overwrite: bool) -> None:
    """Write `snapshot` to `path`, readable by its owner only, whole or not at all. Raises FileOperationError."""
    check_target(path, overwrite)
    folder = os.path.dirname(os.path.abspath(path))
    try:
        handle, temporary = tempfile.mkstemp(prefix='.lbplan-', dir=folder)  # made with mode 0600
        try:
            with os.fdopen(handle, 'w', encoding='utf-8') as file:
                json.dump(snapshot, file)
                file.write('\n')
            _publish(temporary, path, overwrite)
        finally:
            if os.path.exists(temporary):
                os.unlink(temporary)
    except FileExistsError as error:
        raise FileOperationError(f"'{path}' exists.", "Choose another file, or add '--overwrite-existing'.") from error
    except OSError as error:
        raise FileOperationError(f"'{path}' could not be written: {error.strerror}.",
                                 'Name a file in a folder that you may write to.') from error


def _publish(temporary: str, path: str, overwrite: bool) -> None:
    if overwrite:
        os.replace(temporary, path)
        return
    try:
        os.link(temporary, path)  # unlike a rename, never over a file that came in the meantime
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        os.rename(temporary, path)
