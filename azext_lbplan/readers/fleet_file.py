# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""A fleet from a file: what `az graph query` prints, saved answers of Azure Resource Graph, or `az aks list`."""

from typing import Any, Iterator, List, Optional

from azure.cli.core.azclierror import InvalidArgumentValueError

from ..model.cluster import is_cluster
from ..model.fleet import Assembly
from ..model.graph import type_of
from ..model.observed import Observed
from ..model.values import count, get, id_segments, text
from .snapshot import read_json

_WAYS = ('Give the output of \'az graph query -q "resources | where type in~ '
         "('microsoft.containerservice/managedclusters', 'microsoft.network/loadbalancers', "
         "'microsoft.network/publicipaddresses', 'microsoft.network/publicipprefixes')\" --first 1000', "
         "or of 'az aks list --output json'.")


class FleetFile:  # pylint: disable=too-few-public-methods  # stands in for FleetReader
    """Reads the clusters of a file; `gaps` and `lost_clusters` are those of `readers.fleet.FleetReader`."""

    def __init__(self, path: str, resource_group: Optional[str] = None):
        self.gaps: List[str] = []
        self.lost_clusters = False
        self._path = path
        self._resource_group = (resource_group or '').lower()

    def read(self) -> Iterator[Observed]:
        """Each cluster once, with what the file holds around it. Raises an AzCLIError where it holds no fleet."""
        rows = self._rows(read_json(self._path, _WAYS))
        assembly = Assembly()
        yield from filter(None, (assembly.add_cluster(row) for row in rows if self._wanted(row)))
        yield from filter(None, map(assembly.add_network, rows))
        if assembly.unusable:
            self._miss(f'{assembly.unusable} clusters in the file have no id.')
        # A file without any row of a type was made without asking for it.
        yield from assembly.rest(looked_for={type_of(row) for row in rows})

    def _wanted(self, row):
        if not is_cluster(row):
            return False
        group = text(row, 'resourceGroup') or id_segments(text(row, 'id')).get('resourcegroups', '')
        return self._resource_group in ('', group.lower())

    def _rows(self, body: Any) -> List[Any]:
        """The rows of one answer, of a list of answers (pages), or a list of rows."""
        parts = body if isinstance(body, list) else [body]
        answers = [part for part in parts if isinstance(get(part, 'data'), list)]
        if not answers:
            if not isinstance(body, list) or not (body == [] or any(map(is_cluster, body))):
                raise InvalidArgumentValueError(f"'{self._path}' holds no fleet.", _WAYS)
            return body
        rows = [row for answer in answers for row in get(answer, 'data')]
        total = max(count(one, name) or 0 for one in answers for name in ('totalRecords', 'total_records'))
        cut = any(str(get(one, 'resultTruncated')).lower() == 'true' for one in answers)
        if total > len(rows) or cut or text(answers[-1], '$skipToken') or text(answers[-1], 'skip_token'):
            self._miss(f'The file holds {len(rows)} of {max(total, len(rows))} rows or more: it is one page of an '
                       'answer.')
        return rows

    def _miss(self, gap):
        self.gaps.append(gap)
        self.lost_clusters = True
