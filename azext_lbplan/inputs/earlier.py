# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Earlier results of these commands, as `-o json` printed them: the findings in them, and what they are about."""

from typing import Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ..model.finding import SEVERITIES, Finding
from ..model.observed import Observed
from ..model.values import Json, get, items, text
from .unusable import UnusableDocument

#: A key that only results of a command have.
_TELLING = {'plan': 'requested', 'check': 'summary', 'recommend': 'status', 'show': 'current'}


class Past(NamedTuple):
    """What was found on a cluster at an earlier time. `names` are its id, its address in code and its name, as far as
    there are any, in lower case."""

    names: Tuple[str, ...]
    findings: Tuple[Finding, ...]


def names_of(observed: Observed) -> Tuple[str, ...]:
    """The names of a cluster as Past has them."""
    cluster, origin = observed.cluster, observed.origin
    return _lower(cluster.id if cluster else None, origin.address if origin else None,
                  cluster.name if cluster else None)


def the_same(names: Sequence[str], earlier: Sequence[Past]) -> Optional[Past]:
    """The cluster of one of those names, the most telling first; the only one where either has no name."""
    found = next((past for name in names for past in earlier if name in past.names), None)
    if found is None and len(earlier) == 1 and not (names and earlier[0].names):
        return earlier[0]
    return found


class PastService(NamedTuple):
    """What was found on a Service, or on a file or all of them as a whole."""

    file: Optional[str]
    namespace: Optional[str]
    name: Optional[str]
    findings: Tuple[Finding, ...]


def past_clusters(documents: Sequence[Json], command: str) -> Optional[List[Past]]:
    """The clusters in results of `command`; None where the documents are no results. Raises UnusableDocument where
    they are those of another command."""
    rows = _rows(documents)
    if not rows or not all(isinstance(get(row, 'verdict'), dict) and isinstance(row, dict) for row in rows):
        return None
    if any(_command_of(row) != command for row in rows):
        raise UnusableDocument(f'is no result of {command}, but of another command', advice(command))
    return [Past(_names(row), tuple(_findings(row))) for row in rows]


def past_services(documents: Sequence[Json]) -> List[PastService]:
    """The rows of a result of `check-service`. Raises UnusableDocument where it is none."""
    rows = _rows(documents)
    if any(not isinstance(get(row, 'findings'), list) or 'document' not in row for row in rows) or not documents:
        raise UnusableDocument('is no result of check-service', advice('check-service'))
    return [PastService(text(row, 'file'), text(row, 'namespace'), text(row, 'name'), tuple(_findings(row)))
            for row in rows]


def advice(command: str) -> str:
    """What a baseline may be."""
    others = '' if command == 'check-service' else ', a snapshot or code'
    return f"Give what 'az aks lb {command} ... -o json' has printed{others}."


def _rows(documents: Sequence[Json]) -> List[Json]:
    return [row for document in documents for row in (document if isinstance(document, list) else [document])]


def _command_of(row: Json) -> Optional[str]:
    return next((command for command, key in _TELLING.items() if key in row), None)


def _names(row: Json) -> Tuple[str, ...]:
    return _lower(text(row, 'cluster', 'id'), text(row, 'code', 'address'), text(row, 'cluster', 'name'))


def _lower(*names: Optional[str]) -> Tuple[str, ...]:
    return tuple(name.lower() for name in names if name)


def _findings(row: Json) -> Iterator[Finding]:
    for found in items(row, 'findings'):
        code, severity, evidence = text(found, 'code'), text(found, 'severity'), get(found, 'evidence')
        if code and severity in SEVERITIES:
            yield Finding(code, severity, text(found, 'message') or '', text(found, 'target'),
                          evidence if isinstance(evidence, dict) else {}, text(found, 'remediation'))
