# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The one recogniser: what the documents of a file are, and the clusters that they hold.

Each row of the table is a shape: how it is told, and how its clusters are taken. The first that fits is it.
"""

from typing import Callable, List, NamedTuple, Optional, Sequence, Tuple

from ..facts.networks import PREFIX_TYPE, PUBLIC_IP_TYPE
from ..model.cluster import is_cluster, parse_cluster
from ..model.observed import Snapshot, load_balancer_id
from ..model.values import Json, get, text
from .found import NOTHING, Found, Given
from .lookalikes import lookalike
from .snapshots import recognise_snapshot
from .unusable import Unrecognised, UnusableDocument

Documents = Sequence[Json]


class Shape(NamedTuple):
    """A kind of file: its name in a sentence, whether documents are it, the clusters in them, and whether it has
    parameters that values are given for.

    `take` raises UnusableDocument where the shape is right and no cluster is in it.
    """

    name: str
    fits: Callable[[Documents], bool]
    take: Callable[[Documents, Given], List[Found]]
    has_parameters: bool = False


def recognise(documents: Documents, given: Given = NOTHING) -> List[Found]:
    """The clusters in the documents of a file, in their order; at least one. Raises UnusableDocument."""
    shape = next((shape for shape in SHAPES if shape.fits(documents)), None)
    if shape is None:
        raise Unrecognised(*lookalike(documents))
    if given.parameters and not shape.has_parameters:
        raise UnusableDocument(f'holds {shape.name}; --parameters is about a template', 'Leave --parameters out.')
    return shape.take(documents, given)


# Snapshots, clusters, and lists of either

def _is_single(documents: Documents) -> bool:
    return bool(documents) and all(map(_is_one, documents))


def _is_one(document: Json) -> bool:
    return (get(document, 'managedCluster') is not None or is_cluster(document) or
            (isinstance(get(document, 'schema'), (int, str)) and rows_of(document) is None))


def _take_single(documents: Documents, _: Given) -> List[Found]:
    return [Found(recognise_snapshot(document)) for document in documents]


def rows_of(document: Json) -> Optional[List[Json]]:
    """The elements of a list, or of what `az rest` and `az graph query` put around one; None where it is none."""
    if isinstance(document, list):
        return document
    for key in ('value', 'data'):
        rows = get(document, key)
        if isinstance(rows, list):
            return rows
    return None


def _all_rows(documents: Documents) -> List[Json]:
    """The elements of all lists; those of pages within a list, too."""
    rows: List[Json] = []
    for document in documents:
        for row in rows_of(document) or ():
            inner = rows_of(row) if isinstance(row, dict) and not _is_one(row) else None
            rows += [row] if inner is None else inner
    return rows


def _is_rows(documents: Documents) -> bool:
    return bool(documents) and all(rows_of(document) is not None for document in documents) and \
        any(map(_is_one, _all_rows(documents)))


def _take_rows(documents: Documents, _: Given) -> List[Found]:
    rows = _all_rows(documents)
    around = _Around(rows)
    return [Found(around.complete(recognise_snapshot(row))) for row in rows if _is_one(row)]


class _Around:  # pylint: disable=too-few-public-methods  # rows by what they are
    """Network resources that stand beside clusters in a list, as rows of Azure Resource Graph do."""

    def __init__(self, rows: Sequence[Json]):
        self._rows = {(text(row, 'id') or '').lower(): row for row in rows if isinstance(row, dict)}

    def complete(self, snapshot: Snapshot) -> Snapshot:
        """A bare cluster's snapshot with what the list holds of its network."""
        if set(snapshot) != {'schema', 'managedCluster'}:
            return snapshot
        cluster = parse_cluster(snapshot['managedCluster'])
        own = [self._rows[own_id.lower()] for own_id in cluster.profile.own_ids if own_id.lower() in self._rows]
        return {**snapshot, 'loadBalancer': self._rows.get((load_balancer_id(cluster) or '').lower()),
                'publicIpAddresses': [row for row in own if _type(row) == PUBLIC_IP_TYPE],
                'publicIpPrefixes': [row for row in own if _type(row) == PREFIX_TYPE]}


def _type(row: Json) -> str:
    return (text(row, 'type') or '').lower()


# Infrastructure code: each module is imported when a file may be of its kind

def _terraform(name: str) -> Shape:
    """A shape of Terraform: one document, told and taken by functions of the same ending."""
    def fits(documents: Documents) -> bool:
        if len(documents) != 1 or get(documents[0], 'terraform_version') is None and \
                get(documents[0], 'format_version') is None:
            return False
        from .code import terraform
        return bool(getattr(terraform, f'is_{name}')(documents[0]))

    def take(documents: Documents, _: Given) -> List[Found]:
        from .code import terraform
        found: List[Found] = getattr(terraform, f'take_{name}')(documents[0])
        return found
    return Shape(f'a Terraform {name}', fits, take)


def _is_what_if(documents: Documents) -> bool:
    if len(documents) != 1 or get(documents[0], 'changes') is None and get(documents[0], 'properties') is None:
        return False
    from .code import what_if
    return what_if.is_what_if(documents[0])


def _take_what_if(documents: Documents, _: Given) -> List[Found]:
    from .code import what_if
    return what_if.take_what_if(documents[0])


def _is_template(documents: Documents) -> bool:
    if len(documents) != 1 or get(documents[0], '$schema') is None:
        return False
    from .code import arm_template
    return arm_template.is_template(documents[0])


def _take_template(documents: Documents, given: Given) -> List[Found]:
    from .code import arm_template
    return arm_template.take_template(documents[0], given.parameters)


def _is_kubernetes(documents: Documents) -> bool:
    """Objects of Kubernetes, alone, in a list, or as documents of YAML."""
    first = documents[0] if documents else None
    first = first[0] if isinstance(first, list) and first else first
    return get(first, 'apiVersion') is not None and get(first, 'kind') is not None


def _is_manifests(documents: Documents) -> bool:
    if not _is_kubernetes(documents):
        return False
    from .code import aso, capz
    return aso.is_aso(documents) or capz.is_capz(documents)


def _take_manifests(documents: Documents, _: Given) -> List[Found]:
    from .code import aso, capz
    return ((aso.take_aso(documents) if aso.is_aso(documents) else []) +
            (capz.take_capz(documents) if capz.is_capz(documents) else []))


#: All shapes, the more telling first.
SHAPES: Tuple[Shape, ...] = (
    _terraform('plan'), _terraform('state'), _terraform('raw_state'),
    Shape('a what-if', _is_what_if, _take_what_if),
    Shape('an ARM deployment template', _is_template, _take_template, has_parameters=True),
    Shape('manifests of Azure Service Operator or Cluster API', _is_manifests, _take_manifests),
    Shape('a snapshot or a managed cluster', _is_single, _take_single),
    Shape('a list of clusters', _is_rows, _take_rows),
)
