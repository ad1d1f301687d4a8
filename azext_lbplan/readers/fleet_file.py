# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""A fleet from a file: read, recognised by `inputs.fleets`, and put together like rows of Azure Resource Graph."""

from typing import Iterator, List, Optional

from ..inputs import fleets
from ..model.fleet import Assembly
from ..model.graph import type_of
from ..model.observed import Observed
from .json_file import read_document


class FleetFile:  # pylint: disable=too-few-public-methods  # stands in for FleetReader
    """Reads the clusters of a file; `gaps` and `lost_clusters` are those of `readers.fleet.FleetReader`."""

    def __init__(self, path: str, resource_group: Optional[str] = None):
        self.gaps: List[str] = []
        self._path = path
        self._resource_group = resource_group or ''

    @property
    def lost_clusters(self) -> bool:
        """Whether clusters may be among what is missing: of a file nobody knows better."""
        return bool(self.gaps)

    def read(self) -> Iterator[Observed]:
        """Each cluster once, with what the file holds around it. Raises an AzCLIError where it holds no fleet."""
        rows, gaps = read_document(self._path, fleets.recognise_fleet, fleets.ADVICE)
        self.gaps.extend(gaps)
        assembly = Assembly()
        yield from filter(None, map(assembly.add_cluster, fleets.clusters_among(rows, self._resource_group)))
        yield from filter(None, map(assembly.add_network, rows))
        if assembly.unusable:
            self.gaps.append(f'{assembly.unusable} clusters in the file have no id.')
        # A file without any row of a type was made without asking for it.
        yield from assembly.rest(looked_for={type_of(row) for row in rows})
