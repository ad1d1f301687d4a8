# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Documents on disk or on standard input: read here, parsed and recognised by `inputs`; what is wrong is one error of
the CLI's."""

from typing import Callable, List, TypeVar

from azure.cli.core.azclierror import FileOperationError, InvalidArgumentValueError

from ..inputs.json_text import Bounds, NotTaken
from ..inputs.notation import parse_documents
from ..inputs.unusable import UnusableDocument
from ..model.values import Json
from ..options import STDIN
from .opening import NotRead, read_file

#: No snapshot comes near this: 1000 nodes with a week of metrics stay below 30 MB. `az aks list` prints some 10 KB and
#: 300 values for a cluster.
LARGEST_FILE = Bounds(512 << 20, 15_000_000)

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
    name = 'Standard input' if path in STDIN else f"'{path}'"
    try:
        return recognise(parse_documents(read_file(path, LARGEST_FILE.bytes), LARGEST_FILE, advice))
    except NotRead as error:
        raise FileOperationError(f'{name} {error.why}.', advice if error.too_large else error.remedy) from error
    except NotTaken as error:
        raise InvalidArgumentValueError(f'{name} {error}.', advice) from error
    except UnusableDocument as error:
        raise InvalidArgumentValueError(f'{name} {error.recognised}.', error.advice) from error
