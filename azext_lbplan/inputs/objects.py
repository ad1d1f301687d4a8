# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The Kubernetes objects in a document, and which of them are Services of type LoadBalancer."""

import re
from typing import Iterator, List, Optional, Tuple

from ..model.fields import Fields
from ..model.service import PREFIX, Service
from ..model.values import Json

#: Variables as envsubst, kustomize and pipelines write them, and blanks as pages and scripts do.
_VARIABLE = re.compile(r'\$[{(][A-Za-z_]|\$[A-Za-z_]\w*\Z')
_BLANK = re.compile(r'<[^<>]{1,80}>|__[A-Z][A-Z0-9_]{0,80}__')

#: What a Service has, and a part of one does not.
_OF_WHOLE_SERVICES = frozenset(('ports', 'selector', 'externalName', 'clusterIP'))


def objects_in(document: Json) -> Iterator[Fields]:
    """The document itself, or what a List, a ServiceList or a plain list holds."""
    waiting: List[Tuple[Json, Optional[str]]] = [(document, None)]
    while waiting:
        value, kind = waiting.pop()
        if isinstance(value, list):
            waiting.extend((item, kind) for item in reversed(value))
            continue
        if not isinstance(value, Fields):
            continue
        if kind and 'kind' not in value:
            # The items of a ServiceList say neither kind nor apiVersion.
            value['kind'], value['apiVersion'] = kind, value.get('apiVersion', 'v1')
        own = value.get('kind')
        if isinstance(own, str) and own.endswith('List') and isinstance(value.get('items'), list):
            waiting.append((value['items'], own[:-len('List')] or None))
        elif own is not None:
            yield value


def is_load_balancer(body: Fields) -> bool:
    """Whether an object is, or is meant to be, a core Service of type LoadBalancer; other groups have Services too."""
    kind, version, service_type = body.get('kind'), body.get('apiVersion'), body.fields('spec').get('type')
    return (isinstance(service_type, str) and isinstance(kind, str) and kind.lower() == 'service'
            and (not isinstance(version, str) or '/' not in version)
            and service_type.lower().replace('-', '').replace('_', '') == 'loadbalancer')


def is_other_service(body: Fields) -> bool:
    """Whether an object is a core Service of another type; without one it is ClusterIP."""
    return (body.get('kind') == 'Service' and body.get('apiVersion') == 'v1' and not is_load_balancer(body)
            and not is_patch(body))


def is_patch(body: Fields) -> bool:
    """Whether an object holds a part of a Service only, as a patch does: no ports, no selector, no other name."""
    spec = body.fields('spec')
    return (body.get('kind') == 'Service' and _OF_WHOLE_SERVICES.isdisjoint(spec)
            and spec.get('type') in (None, 'LoadBalancer'))


def unrendered(service: Service) -> Optional[str]:
    """The first text in it that something else has to replace before it is applied: a template, as a chart writes it in
    quotes, or a placeholder of a script or a page; None where there is none."""
    waiting: List[Json] = [service.metadata, service.spec]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            # Other tools' annotations may hold templates of their own.
            waiting.extend(item for key, item in value.items() if not ('/' in key and not key.startswith(PREFIX)))
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, str) and is_placeholder(value):
            return value
    return None


def may_hold_placeholders(content: bytes) -> bool:
    """Whether a file may hold what `is_placeholder` finds; kubectl writes < as an escape into JSON."""
    return any(mark in content for mark in (b'{{', b'$', b'<', b'__', b'\\u003c', b'\0'))


def is_placeholder(value: str) -> bool:
    """Whether a text is, or holds, what something else has to replace."""
    return '{{' in value or ('$' in value and _VARIABLE.search(value) is not None) \
        or (value[:1] in ('<', '_') and _BLANK.fullmatch(value) is not None)
