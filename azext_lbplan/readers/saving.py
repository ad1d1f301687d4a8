# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Files that a user asks for: written for their owner only, whole or not at all, and never over one that is there."""

import os
import tempfile

from azure.cli.core.azclierror import FileOperationError

_ADVICE = 'Name a file in a folder that you may write to.'


def check_target(path: str, overwrite: bool) -> None:
    """Refuse a path that cannot take a file before anything is read. Raises FileOperationError."""
    if os.path.isdir(path) or not os.path.basename(path):
        raise FileOperationError(f"'{path}' is a folder.", 'Name a file in it.')
    if os.path.lexists(path) and not overwrite:
        raise _exists(path)
    target = os.path.realpath(path)
    folder = os.path.dirname(target)
    # Replacing a device such as /dev/null would break whatever else uses it; a link that is left leads in a circle.
    if os.path.islink(target) or (os.path.exists(target) and not os.path.isfile(target)) or not os.path.isdir(folder):
        raise FileOperationError(f"'{path}' is no place for a file.", 'Name a file in a folder that exists.')
    if not os.access(folder, os.W_OK | os.X_OK):
        raise FileOperationError(f"'{path}' could not be written: the folder '{folder}' is read-only for you.", _ADVICE)


def save(path: str, written: str, overwrite: bool) -> None:
    """Write the text to `path`, readable by its owner only, whole or not at all. Raises FileOperationError.

    Where `path` is a symbolic link, the link stays and what it leads to is written.
    """
    check_target(path, overwrite)
    target = os.path.realpath(path)
    try:
        handle, temporary = tempfile.mkstemp(prefix='.lbplan-', dir=os.path.dirname(target))  # made with mode 0600
        try:
            with os.fdopen(handle, 'w', encoding='utf-8') as file:
                file.write(written)  # in one piece: writing piece by piece takes seconds
            if overwrite:
                os.replace(temporary, target)
            else:
                _publish(temporary, target)
        finally:
            if os.path.exists(temporary):
                os.unlink(temporary)
    except FileExistsError as error:
        raise _exists(path) from error
    except OSError as error:
        raise FileOperationError(f"'{path}' could not be written: {error.strerror}.", _ADVICE) from error


def _exists(path: str) -> FileOperationError:
    return FileOperationError(f"'{path}' exists.", "Choose another file, or add '--overwrite-existing'.")


def _publish(temporary: str, target: str) -> None:
    """Give a finished file its name, never over a file that came in the meantime. Raises FileExistsError."""
    try:
        os.link(temporary, target)
    except FileExistsError:
        raise
    except OSError:  # a file system without hard links
        os.close(os.open(target, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            os.replace(temporary, target)  # over the empty file that was just made to hold the name
        except BaseException:
            os.unlink(target)
            raise
