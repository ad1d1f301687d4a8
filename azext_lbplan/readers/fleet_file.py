# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""A fleet from a file: rows that `inputs.fleets` recognises are put together like those of Azure Resource Graph; what
else holds clusters is a fleet, too."""

from typing import Iterator, List, Optional, Union

from ..facts.networks import LOAD_BALANCER_TYPE, SUBNET_TYPE, VIRTUAL_NETWORK_TYPE
from ..inputs import fleets, shapes
from ..inputs.unusable import Unrecognised, UnusableDocument
from ..model.cluster import Cluster
from ..model.fleet import Assembly
from ..model.graph import type_of
from ..model.observed import Observed
from ..model.values import Json
from .json_file import read_document


class FleetFile:
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
        fleet = read_document(self._path, _recognise, fleets.ADVICE)
        if not isinstance(fleet, fleets.Rows):
            yield from (one for one in fleet if one.cluster and self._is_wanted(one.cluster))
            return
        rows, gaps = fleet
        self.gaps.extend(gaps)
        kinds = {type_of(row) for row in rows}
        # A file without any row of a type was made without asking for it.
        assembly = Assembly(looked_for=kinds | ({SUBNET_TYPE} if VIRTUAL_NETWORK_TYPE in kinds else set()))
        yield from filter(None, map(assembly.add_cluster, fleets.clusters_among(rows, self._resource_group)))
        # Clusters leave with their load balancers: those come last.
        for row in sorted(rows, key=lambda row: type_of(row) == LOAD_BALANCER_TYPE):
            leaving = assembly.add_network(row)
            if leaving is not None:
                yield leaving
        self.gaps.extend(assembly.gaps)
        yield from assembly.rest()

    def _is_wanted(self, cluster: Cluster) -> bool:
        return self._resource_group.lower() in ('', (cluster.resource_group or '').lower())


def _recognise(document: Json) -> Union[fleets.Rows, List[Observed]]:
    """The rows of a fleet, or the clusters of any other file that holds some. Raises UnusableDocument."""
    try:
        return fleets.recognise_fleet(document)
    except UnusableDocument as no_fleet:
        try:
            return [found.observed() for found in shapes.recognise([document])]
        except Unrecognised:
            raise no_fleet from None
