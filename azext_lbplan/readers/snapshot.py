# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Snapshots on disk: load one (or the output of `az aks show`), save one for its owner only, whole or not at all."""

import json
import os
import tempfile

from azure.cli.core.azclierror import FileOperationError, InvalidArgumentValueError

from ..model.cluster import is_cluster
from ..model.observed import SCHEMA
from ..model.values import decoded, get

#: No snapshot comes near this: 1000 nodes with a week of metrics stay below 30 MB.
LARGEST_FILE = 512 * 1024 * 1024

_WAYS = ("Give a file that '--save-to' of these commands wrote, or the output of "
         "'az aks show --resource-group MyResourceGroup --name MyCluster --output json'.")


def load(path: str) -> dict:
    """The snapshot in the file at `path`; a bare cluster becomes one without anything around it.

    Raises FileOperationError where it cannot be read, InvalidArgumentValueError where it is no snapshot and no
    cluster.
    """
    return _snapshot(path, read_json(path))


def read_json(path: str, ways: str = _WAYS):
    """What the JSON file at `path` holds; `ways` tells how to get a right one.

    Raises FileOperationError where it cannot be read, InvalidArgumentValueError where it is no JSON.
    """
    try:
        # A pipe or a device could block or never end; a regular file cannot.
        if os.path.exists(path) and not os.path.isfile(path):
            raise FileOperationError(f"'{path}' is no regular file.", ways)
        with open(path, 'rb') as file:
            if os.fstat(file.fileno()).st_size > LARGEST_FILE:
                raise FileOperationError(f"'{path}' is larger than {LARGEST_FILE >> 20} MiB.", ways)
            written = decoded(file.read())
    except OSError as error:
        raise FileOperationError(f"'{path}' could not be read: {error.strerror}.", 'Check the path.') from error
    except ValueError as error:
        raise InvalidArgumentValueError(f"'{path}' is no text in UTF-8, nor in UTF-16 with its mark.", ways) from error
    return _parse(path, written, ways)


def _parse(path, written, ways):
    if not written.strip():
        raise InvalidArgumentValueError(f"'{path}' is empty.", ways)
    try:
        return json.loads(written)
    except ValueError as error:
        raise InvalidArgumentValueError(f"'{path}' is no JSON: {error}.", ways) from error
    except RecursionError as error:
        raise InvalidArgumentValueError(f"'{path}' is no JSON: it is nested too deeply.", ways) from error


def _snapshot(path, body):
    if get(body, 'managedCluster') is not None or get(body, 'schema') is not None:
        schema = get(body, 'schema')
        if schema != SCHEMA:
            raise InvalidArgumentValueError(
                f"'{path}' is a snapshot of schema {repr(schema)[:20]}; this version reads schema {SCHEMA}.",
                "Upgrade: az extension update --name lbplan. Or save the snapshot again with '--save-to'.")
        if not is_cluster(get(body, 'managedCluster')):
            raise InvalidArgumentValueError(f"'{path}' is a snapshot without a managed cluster.", _WAYS)
        return body
    if not is_cluster(body):
        raise InvalidArgumentValueError(f"'{path}' holds neither a snapshot nor a managed cluster.", _WAYS)
    return {'schema': SCHEMA, 'managedCluster': body}


def check_target(path: str, overwrite: bool) -> None:
    """Refuse a path that cannot take a snapshot before anything is read. Raises FileOperationError."""
    if os.path.exists(path) and not overwrite:
        raise FileOperationError(f"'{path}' exists.", "Choose another file, or add '--overwrite-existing'.")
    folder = os.path.dirname(os.path.abspath(path))
    # Replacing a device such as /dev/null would break whatever else uses it.
    if (os.path.exists(path) and not os.path.isfile(path)) or not os.path.isdir(folder):
        raise FileOperationError(f"'{path}' is no place for a file.", 'Name a file in a folder that exists.')


def save(path: str, snapshot: dict, overwrite: bool) -> None:
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


def _publish(temporary, path, overwrite):
    if overwrite:
        os.replace(temporary, path)
        return
    try:
        os.link(temporary, path)  # unlike a rename, never over a file that came in the meantime
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        os.rename(temporary, path)
