# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""One cluster in a JSON document: a snapshot, or the bare body of a managed cluster."""

import json

from ..model.cluster import is_cluster, missing_in
from ..model.observed import SCHEMA, SCHEMAS, Snapshot
from ..model.values import Json, get
from .unusable import UnusableDocument

#: How to get a document that holds one.
ADVICE = ("Give a file that '--save-to' of these commands wrote, or the output of "
          "'az aks show --resource-group MyResourceGroup --name MyCluster --output json'.")

_ADVICE_ON_SCHEMA = "Upgrade: az extension update --name lbplan. Or save the snapshot again with '--save-to'."


def recognise_snapshot(document: Json) -> Snapshot:
    """The snapshot in `document`; a bare cluster becomes one without anything around it. Raises UnusableDocument."""
    schema, cluster = get(document, 'schema'), get(document, 'managedCluster')
    if schema is None and cluster is None:
        if not is_cluster(document):
            raise UnusableDocument('holds neither a snapshot nor a managed cluster', ADVICE)
        return {'schema': SCHEMA, 'managedCluster': _whole(document)}
    if type(schema) is not int or schema not in SCHEMAS:  # pylint: disable=unidiomatic-typecheck  # true equals 1
        readable = ' and '.join(map(str, SCHEMAS))
        raise UnusableDocument(f'is a snapshot of schema {_written(schema)}; this version reads schema {readable}',
                               _ADVICE_ON_SCHEMA)
    if not is_cluster(cluster):
        raise UnusableDocument('is a snapshot without a managed cluster', ADVICE)
    _whole(cluster)
    snapshot: Snapshot = document
    return snapshot


def _whole(cluster: Json) -> Json:
    """The cluster, where it holds what every one has. Raises UnusableDocument."""
    missing = missing_in(cluster)
    if missing:
        raise UnusableDocument(f"holds a managed cluster without a readable {', '.join(missing[:5])}", ADVICE)
    return cluster


def _written(schema: Json) -> str:
    """`schema` as it stands in the document; it may be anything."""
    if isinstance(schema, (dict, list)):
        return 'a list' if isinstance(schema, list) else 'an object'
    return json.dumps(schema)[:20]
