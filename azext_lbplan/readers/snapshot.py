# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Clusters in files: load what a file holds, save a snapshot for its owner only, whole or not at all."""

import json
from functools import partial
from typing import Iterable, List, Optional

from azure.cli.core.azclierror import InvalidArgumentValueError

from ..inputs import shapes
from ..inputs.allowed import reduced
from ..inputs.found import NOTHING, Found, Given
from ..inputs.snapshots import ADVICE
from ..model.observed import Observed, Snapshot
from ..model.values import text
from . import saving
from .json_file import read_documents


def load(path: str, given: Given = NOTHING, name: Optional[str] = None) -> List[Observed]:
    """The clusters in the file at `path` (`-` for standard input), in their order; at least one. Those of the `name`,
    where that is given: other resource groups may have one of the same.

    Raises FileOperationError where it cannot be read, InvalidArgumentValueError where no such cluster is in it.
    """
    clusters = [found.observed() for found in find(path, given)]
    if name is None:
        return clusters
    names = [(one.cluster.name if one.cluster else None) or '' for one in clusters]
    same = [one for one, written in zip(clusters, names) if written.lower() == name.lower()]
    if not same:
        raise InvalidArgumentValueError(f"'{path}' holds {_listed(names)}, and no cluster '{name}'.",
                                        'Name one that it holds, or leave --name out to have all.')
    return same


def _listed(names: Iterable[Optional[str]]) -> str:
    """Names for an error, of a file that may hold many."""
    return ', '.join(sorted(set(filter(None, names)))[:5]) or 'clusters without a name'


def find(path: str, given: Given = NOTHING) -> List[Found]:
    """The same as they stand in the file."""
    return read_documents(path, partial(shapes.recognise, given=given), ADVICE)


def the_one_of(path: str, found: List[Found], name: str) -> Found:
    """The cluster in code that the cluster `name` is made from. Raises InvalidArgumentValueError where none is."""
    code = [one for one in found if one.origin is not None]
    if not code:
        raise InvalidArgumentValueError(
            'A cluster and a file are both named, and the file is no infrastructure code.',
            'Give either --resource-group and --name, or --from-file; --name alone picks a cluster of the file.')
    names = [text(one.snapshot, 'managedCluster', 'name') for one in code]
    same = [one for one, written in zip(code, names) if (written or '').lower() == name.lower()]
    if len(same) == 1 or code and names == [None]:
        return (same or code)[0]
    raise InvalidArgumentValueError(f"'{path}' describes {_listed(names)}, and {len(same)} clusters '{name}'.",
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
