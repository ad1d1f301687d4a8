# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""A fleet in a JSON document: what `az graph query` prints, saved answers of Azure Resource Graph, or `az aks list`."""

from typing import Iterator, List, NamedTuple, Sequence, Tuple

from ..model.cluster import is_cluster
from ..model.finding import counted
from ..model.graph import type_of
from ..model.values import Json, count, get, id_segments, text
from .unusable import UnusableDocument

#: How to get a document that holds one.
ADVICE = ('Give the output of \'az graph query -q "resources | where type in~ '
          "('microsoft.containerservice/managedclusters', 'microsoft.network/loadbalancers', "
          "'microsoft.network/publicipaddresses', 'microsoft.network/publicipprefixes', "
          "'microsoft.network/virtualnetworks', 'microsoft.network/routetables', 'microsoft.network/natgateways')\" "
          "--first 1000', "
          "or of 'az aks list --output json'.")


class Rows(NamedTuple):
    """The resources in a document; `gaps` tells, one line each, what is missing there and may hold clusters."""

    resources: Sequence[Json]
    gaps: Tuple[str, ...] = ()


def recognise_fleet(document: Json) -> Rows:
    """The rows of one answer, of a list of answers (pages), or a list of rows. Raises UnusableDocument."""
    parts = document if isinstance(document, list) else [document]
    answers = [part for part in parts if isinstance(part, dict) and 'data' in part]
    if answers:
        others = [part for part in parts if not isinstance(get(part, 'data'), list)]
        if others:
            found = 'a table' if get(others[0], 'data', 'rows') is not None else 'no list'
            raise UnusableDocument(f"holds an answer of Azure Resource Graph with {found} as its 'data', where a list "
                                   'of resources belongs', ADVICE)
        return _with_clusters(_rows_of(answers))
    if isinstance(document, list):
        return _with_clusters(Rows(document))
    raise UnusableDocument('holds no fleet', ADVICE)


def _with_clusters(rows: Rows) -> Rows:
    """`rows`, where clusters are among them, or there are none at all. Raises UnusableDocument."""
    if rows.resources and not any(map(is_cluster, rows.resources)):
        raise UnusableDocument('holds no managed cluster', ADVICE)
    odd = sum(not (is_cluster(row) or type_of(row)) for row in rows.resources)
    return rows._replace(gaps=(*rows.gaps, f'{counted(odd, "row")} of the file cannot be understood.')) if odd else rows


def _rows_of(answers: List[Json]) -> Rows:
    """The rows of all pages; the API and `az graph query` spell what is said about them in two ways."""
    rows = [row for answer in answers for row in get(answer, 'data')]
    total = max(count(answer, name) or 0 for answer in answers for name in ('totalRecords', 'total_records'))
    cut_short = any(str(get(answer, 'resultTruncated')).lower() == 'true' for answer in answers)
    goes_on = text(answers[-1], '$skipToken') or text(answers[-1], 'skip_token')
    if total <= len(rows) and not cut_short and not goes_on:
        return Rows(rows)
    return Rows(rows, (f'The file holds {len(rows)} of {max(total, len(rows))} rows or more: it is one page of an '
                       'answer.',))


def clusters_among(rows: Sequence[Json], resource_group: str = '') -> Iterator[Json]:
    """The clusters among `rows`, of one resource group where it is given."""
    for cluster in filter(is_cluster, rows):
        group = text(cluster, 'resourceGroup') or id_segments(text(cluster, 'id')).get('resourcegroups', '')
        if resource_group.lower() in ('', group.lower()):
            yield cluster
