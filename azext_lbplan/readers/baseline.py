# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What `--baseline` names: an earlier result of the same command, or clusters as they were."""

from typing import List, Tuple

from ..inputs import shapes
from ..inputs.earlier import Past, PastService, advice, past_clusters, past_services
from ..model.observed import Observed
from ..model.values import Json
from .json_file import read_documents


def read_clusters(path: str, command: str) -> Tuple[List[Past], List[Observed]]:
    """What a result of `command` says of clusters, or the clusters to ask again.

    Raises FileOperationError where the file cannot be read, InvalidArgumentValueError where it holds neither.
    """
    def recognise(documents: List[Json]) -> Tuple[List[Past], List[Observed]]:
        past = past_clusters(documents, command)
        return ([], [found.observed() for found in shapes.recognise(documents)]) if past is None else (past, [])
    return read_documents(path, recognise, advice(command))


def read_services(path: str) -> List[PastService]:
    """What a result of `check-service` says. Raises the same."""
    return read_documents(path, past_services, advice('check-service'))
