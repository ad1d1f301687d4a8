# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Objects of Kubernetes that describe clusters, of Azure Service Operator and of Cluster API: found and made plain."""

import re
from typing import Iterator, List, Sequence

from ...model.values import Json, Unknown, get, printable, text
from ..scalars import plain

#: `${NAME}` and `${NAME:=default}`, which clusterctl and envsubst fill in.
_VARIABLE = re.compile(r'\$\{([A-Za-z_]\w*)(?::?[-=]([^}]*))?\}')

#: The deepest nesting that is followed; documents are bounded before.
_DEEPEST = 100

ASO_GROUP = 'containerservice.azure.com/'
CAPZ_GROUP = 'infrastructure.cluster.x-k8s.io/'


def objects(documents: Sequence[Json]) -> Iterator[Json]:
    """The objects in `documents`, those of lists, too."""
    for document in documents:
        if isinstance(document, list):
            yield from objects(document)
        elif isinstance(get(document, 'items'), list):
            yield from objects(get(document, 'items'))
        elif isinstance(document, dict):
            yield document


def group_of(body: Json) -> str:
    """`containerservice.azure.com/` of its apiVersion."""
    group, slash, _ = (text(body, 'apiVersion') or '').partition('/')
    return group.lower() + slash


def kind_of(body: Json) -> str:
    """Its kind."""
    return text(body, 'kind') or ''


def name_of(body: Json) -> str:
    """Its name, as it is written: a variable in it is the same in what refers to it."""
    return text(body, 'metadata', 'name') or ''


def filled(value: Json, depth: int = _DEEPEST) -> Json:
    """`value` with the defaults of its variables; one without a default is an Unknown."""
    if not depth:
        return Unknown('it nests too deep')
    if isinstance(value, dict):
        return {key: filled(inner, depth - 1) for key, inner in value.items()}
    if isinstance(value, list):
        return [filled(inner, depth - 1) for inner in value]
    return _filled_text(value) if isinstance(value, str) and '${' in value else value


def _filled_text(written: str) -> Json:
    whole = _VARIABLE.fullmatch(written)
    if whole and '${' not in (whole.group(2) or ''):
        return plain(whole.group(2)) if whole.group(2) else _open(whole.group(1))
    names = [name for name, default in _VARIABLE.findall(written) if not default or '${' in default]
    if names:
        return _open(*names)
    made = _VARIABLE.sub(lambda variable: variable.group(2) or '', written)
    return Unknown(f'the variable {printable(written)[:80]}') if '${' in made else made


def _open(*names: str) -> Unknown:
    return Unknown(f"the variable {printable(', '.join(names))[:80]} has no default")


def kinds(found: Sequence[Json], group: str, *wanted: str) -> List[Json]:
    """The objects of a group, of the `wanted` kinds."""
    return [one for one in found if group_of(one) == group and kind_of(one) in wanted]
