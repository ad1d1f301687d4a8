# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Clusters in files: load what a file holds, save a snapshot for its owner only, whole or not at all."""

import json
from functools import partial
from typing import List

from azure.cli.core.azclierror import InvalidArgumentValueError

from ..inputs import shapes
from ..inputs.allowed import reduced
from ..inputs.found import NOTHING, Found, Given
from ..inputs.snapshots import ADVICE
from ..model.observed import Observed, Snapshot
from ..model.values import text
from . import saving
from .json_file import read_documents


def load(path: str, given: Given = NOTHING) -> List[Observed]:
    """The clusters in the file at `path` (`-` for standard input), in their order; at least one.

    Raises FileOperationError where it cannot be read, InvalidArgumentValueError where no cluster is in it.
    """
    return [found.observed() for found in find(path, given)]


def find(path: str, given: Given = NOTHING) -> List[Found]:
    """The same as they stand in the file."""
    return read_documents(path, partial(shapes.recognise, given=given), ADVICE)


def the_one_of(path: str, found: List[Found], name: str) -> Found:
    """The cluster in code that the cluster `name` is made from. Raises InvalidArgumentValueError where none is."""
    code = [one for one in found if one.origin is not None]
    if not code:
        raise InvalidArgumentValueError(
            'A cluster and a file are both named, and the file is no infrastructure code.',
            'Give either --resource-group and --name, or --from-file.')
    names = [text(one.snapshot, 'managedCluster', 'name') for one in code]
    same = [one for one, written in zip(code, names) if (written or '').lower() == name.lower()]
    if len(same) == 1 or code and names == [None]:
        return (same or code)[0]
    known = ', '.join(sorted(filter(None, names))[:5]) or 'clusters without a name'
    raise InvalidArgumentValueError(f"'{path}' describes {known}, and {len(same)} clusters '{name}'.",
                                    'Name the cluster that the code is for.')


def load_one(path: str) -> Observed:
    """The one cluster in the file. Raises the same, and InvalidArgumentValueError where there are several."""
    clusters = load(path)
    if len(clusters) > 1:
        raise InvalidArgumentValueError(f"'{path}' holds {len(clusters)} clusters, and one is needed.",
                                        'Give a file that holds one.')
    return clusters[0]


def save(path: str, snapshot: Snapshot, overwrite: bool) -> None:
    """Write what decisions read of `snapshot` to `path`, as `saving.save` does. Raises FileOperationError."""
    saving.save(path, json.dumps(reduced(snapshot)) + '\n', overwrite)
