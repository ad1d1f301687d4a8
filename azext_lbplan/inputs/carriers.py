# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Annotations for a Service that stand elsewhere than in a Service: in what a controller makes one from, in a patch, in
the values of a chart, or in text within a document."""

from typing import Iterator, List, NamedTuple, Optional, Tuple, Union

from ..model.fields import Fields, Items, Path
from ..model.service import PREFIX
from ..model.values import Json
from .documents import read_documents

#: How annotations of Azure's cloud provider begin; other clouds' are of no interest where no Service is.
_AZURE = tuple(PREFIX + name for name in ('azure-', 'port_', 'load-balancer-source-ranges'))

#: The prefix in a path of a JSON patch, where a slash is written ~1 (RFC 6901).
_POINTER = PREFIX.replace('/', '~1')

#: Text within text within a document: a patch in a Kustomization in a ConfigMap.
_DEEPEST_TEXT = 2

#: Kinds whose annotations no Service gets: those of pods and what makes them, and what is about access.
KINDS_WITHOUT_SERVICE = frozenset((
    'Deployment DaemonSet StatefulSet ReplicaSet ReplicationController Pod PodTemplate Job CronJob Ingress '
    'IngressClass Namespace ServiceAccount Role RoleBinding ClusterRole ClusterRoleBinding PersistentVolume '
    'PersistentVolumeClaim StorageClass NetworkPolicy HorizontalPodAutoscaler PodDisruptionBudget Endpoints '
    'EndpointSlice Node').split())

#: Kinds that are known to hand annotations on, and the key under which the annotations stand in them. Helm values have
#: no kind; in what holds values, and in kustomizations, any key that ends so will do.
KINDS_WITH_ANNOTATIONS = {
    'Gateway': 'spec.infrastructure.annotations', 'NginxIngressController': 'spec.loadBalancerAnnotations',
    'EnvoyProxy': 'annotations', 'IstioOperator': 'annotations', 'Kustomization': 'annotations',
    'HelmRelease': 'annotations', 'HelmChart': 'annotations', 'HelmChartConfig': 'annotations',
    'Application': 'annotations', 'ApplicationSet': 'annotations', 'ConfigMap': 'annotations',
    'KnativeServing': 'annotations', 'Component': 'annotations', 'Service': 'metadata.annotations',
    'ServiceTemplate': 'annotations', 'Kafka': 'annotations',
}


class Carrier(NamedTuple):
    """A mapping that holds annotations for a Service: where, and in what.

    `kind` is None for values of a chart; `line` is what its lines have to be counted on from: 0 but for text within a
    document. `known`: Services get them.
    """

    kind: Optional[str]
    namespace: Optional[str]
    name: Optional[str]
    path: Path
    annotations: Fields
    line: int
    known: bool

    @property
    def is_useless(self) -> bool:
        """Whether no Service ever gets them."""
        return self.kind in KINDS_WITHOUT_SERVICE


def mentions_azure(content: bytes) -> bool:
    """Whether a file may hold annotations of Azure's cloud provider; JSON may write the slash with another before "
      "it."""
    return PREFIX[:-1].encode() in content


def carriers_in(document: Json) -> Iterator[Carrier]:
    """Each mapping in `document` that holds annotations of Azure's cloud provider, wherever it stands."""
    yield from _carriers(document, 0, _DEEPEST_TEXT)


def _carriers(document: Json, line: int, deeper: int) -> Iterator[Carrier]:
    kind, namespace, name = _identity(document)
    waiting: List[Tuple[Json, Path]] = [(document, ())]
    while waiting:
        value, path = waiting.pop()
        children: List[Tuple[Union[str, int], Json, int]]
        if isinstance(value, Fields):
            if any(key.startswith(_AZURE) for key in value):
                yield Carrier(kind, namespace, name, path, value, line, _is_known(kind, path))
            children = [(key, item, value.lines.get(key, 0)) for key, item in value.items()]
        elif isinstance(value, Items):
            patch = _from_json_patch(value)
            if patch:
                yield Carrier(kind, namespace, name, path, patch, line, True)
            children = list(zip(range(len(value)), value, value.lines))
        else:
            continue
        for key, item, at in reversed(children):
            if isinstance(item, (Fields, Items)):
                waiting.append((item, (*path, key)))
            elif isinstance(item, str) and deeper and '\n' in item and PREFIX[:-1] in item:
                yield from _in_text(item, line + at, deeper, kind)


def _in_text(text: str, line: int, deeper: int, kind: Optional[str]) -> Iterator[Carrier]:
    """What stands in text that is YAML itself: a patch, or the values of a chart. Its first line is the next one."""
    for document in read_documents(text.encode('utf-8', 'replace')):
        for carrier in _carriers(document.value, line, deeper - 1):
            yield carrier if carrier.kind else carrier._replace(
                kind=kind, known=carrier.known or _is_known(kind, carrier.path))


def _identity(document: Json) -> Tuple[Optional[str], Optional[str], Optional[str]]:
    """(kind, namespace, name) of an object; Nones where there are none."""
    if not isinstance(document, Fields):
        return None, None, None
    metadata = document.fields('metadata')
    found = (document.get('kind'), metadata.get('namespace'), metadata.get('name'))
    kind, namespace, name = (value if isinstance(value, str) else None for value in found)
    return kind, namespace, name


def _is_known(kind: Optional[str], path: Path) -> bool:
    where = KINDS_WITH_ANNOTATIONS.get(kind or 'ConfigMap')
    if where is None:
        return False
    written = '.'.join(str(key) for key in path)
    return written == where if '.' in where else written.lower().endswith(where)


def _from_json_patch(operations: Items) -> Optional[Fields]:
    """The annotations that the operations of a JSON patch set; None where it is none."""
    found = Fields()
    for operation, line in zip(operations, operations.lines):
        path = operation.get('path') if isinstance(operation, Fields) else None
        if isinstance(path, str) and _POINTER in path and operation.get('op') in ('add', 'replace'):
            key = path.rpartition('/')[2].replace('~1', '/').replace('~0', '~')
            found[key] = operation.get('value')
            found.lines[key] = line
    return found or None
