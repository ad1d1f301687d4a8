# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""ARM templates, also compiled from Bicep: clusters and their agent pools, in nested deployments, too.

Parameters have the values that were given, else their defaults. What Azure alone can tell is open.
"""

import json
from typing import Dict, Iterable, Iterator, List, Mapping, NamedTuple, Optional, Tuple

from ...facts.clusters import CLUSTER_TYPE
from ...model.origin import BICEP, Origin
from ...model.values import Json, Unknown, get, printable, text
from ..found import Found
from ..unusable import UnusableDocument
from .bodies import Body, Draft, Pool, fields, shape
from .expressions import Scope
from .places import below, lines

_POOL_TYPE = CLUSTER_TYPE + '/agentpools'
_DEPLOYMENT = 'microsoft.resources/deployments'

#: The deepest nesting of deployments, and the most copies of one resource; Azure's own limits are 5 and 800.
_DEEPEST = 10
_MOST_COPIES = 800

_ADVICE = ("Give a template that holds a managed cluster; of Bicep what 'az bicep build --file main.bicep --stdout' "
           'prints.')


class _Resource(NamedTuple):
    """A resource with its values; `written` is its name in the template, `entry` what stands there."""

    type: str
    name: Json
    written: str
    body: Body
    depends_on: Tuple[str, ...]
    entry: Json


def is_template(document: Json) -> bool:
    """A template of a deployment, at any scope."""
    schema = (text(document, '$schema') or '').lower()
    return 'deploymenttemplate.json' in schema and get(document, 'resources') is not None


def take_template(document: Json, parameters: Mapping[str, Json]) -> List[Found]:
    """The clusters of a template with their pools. Raises UnusableDocument where there is none, and where a parameter
    is given that it does not have: a deployment refuses that, too."""
    _check_names(parameters, fields(document, 'parameters'))
    resources = list(_Template(document, parameters).resources())
    clusters = [resource for resource in resources if resource.type == CLUSTER_TYPE]
    whole = [resource for resource in clusters if _is_whole(resource)]
    if not whole:
        what = 'updates a part of a managed cluster, without its nodes and network' if clusters else \
            'holds no managed cluster'
        raise UnusableDocument(f'is an ARM deployment template that {what}', _ADVICE)
    return [_draft(cluster, whole, resources).found() for cluster in whole]


def _check_names(given: Iterable[str], declared: Iterable[str]) -> None:
    known = {name.lower() for name in declared}
    unknown = next((name for name in given if name.lower() not in known), None)
    if unknown is not None:
        listed = ', '.join(printable(name)[:60] for name in sorted(declared))
        raise UnusableDocument(f"is an ARM deployment template without the parameter '{printable(unknown)[:60]}'",
                               f'It has: {listed}.' if listed else 'It has none.')


def _is_whole(cluster: _Resource) -> bool:
    inner = get(cluster.body, 'properties')
    return not isinstance(inner, dict) or get(inner, 'agentPoolProfiles') is not None or \
        get(inner, 'networkProfile') is not None or get(inner, 'dnsPrefix') is not None


class _Template:  # pylint: disable=too-few-public-methods  # what its expressions stand for
    """A template, and what its expressions stand for; `steps` are shared with those around it."""

    def __init__(self, document: Json, given: Mapping[str, Json], outer: Optional[Scope] = None, depth: int = _DEEPEST):
        self._document = document
        self._given = {name.lower(): value for name, value in given.items()}
        self._known: Dict[Tuple[str, str], Json] = {}
        self._depth = depth
        self.scope = Scope(self._parameter, self._variable, outer.steps if outer else None)

    def _parameter(self, name: str) -> Json:
        if name.lower() in self._given:
            return _typed(self._given[name.lower()], get(self._document, 'parameters', name, 'type'))
        declared = get(self._document, 'parameters', name)
        if get(declared, 'defaultValue') is not None:
            return self._once('parameters', name, get(declared, 'defaultValue'))
        if get(declared, 'nullable') is True:
            return None
        return Unknown(f"the parameter '{printable(name)[:60]}' has no value")

    def _variable(self, name: str) -> Json:
        written = get(self._document, 'variables', name)
        return Unknown(f"the variable '{printable(name)[:60]}'") if written is None else \
            self._once('variables', name, written)

    def _once(self, kind: str, name: str, written: Json) -> Json:
        """The value of a parameter or variable; one that needs itself is open."""
        key = (kind, name.lower())
        if key not in self._known:
            self._known[key] = Unknown(f"'{printable(name)[:60]}' needs itself")
            self._known[key] = self.scope.value(written)
        return self._known[key]

    def resources(self) -> Iterator[_Resource]:
        """All resources that are deployed, or may be."""
        written = get(self._document, 'resources')
        entries = list(written.items()) if isinstance(written, dict) else [
            ('', entry) for entry in written] if isinstance(written, list) else []
        for symbol, entry in entries:
            if isinstance(entry, dict) and get(entry, 'existing') is not True:
                yield from self._copies(entry, symbol)

    def _copies(self, entry: Json, symbol: str, parent: str = '') -> Iterator[_Resource]:
        copy = get(entry, 'copy')
        if not isinstance(copy, dict):
            yield from self._resource(entry, symbol, parent, {})
            return
        number, name = self.scope.value(get(copy, 'count')), str(get(copy, 'name')).lower()
        if not isinstance(number, int) or not 0 <= number <= _MOST_COPIES:
            yield from self._resource(entry, symbol, parent, {})
            return
        for index in range(number):
            yield from self._resource(entry, symbol, parent, {'$copy': index, f'$copy.{name}': index})

    def _resource(self, entry: Json, symbol: str, parent: str, local: Mapping[str, Json]) -> Iterator[_Resource]:
        if self.scope.value(get(entry, 'condition'), local) is False:
            return
        kind = (text(entry, 'type') or '').lower()
        kind = f'{parent}/{kind}' if parent else kind
        if kind == _DEPLOYMENT:
            yield from self._nested(entry, local)
        if kind in (CLUSTER_TYPE, _POOL_TYPE):
            yield self._valued(entry, kind, symbol, local)
        inner = get(entry, 'resources')
        for child in inner if isinstance(inner, list) and kind == CLUSTER_TYPE else ():
            if isinstance(child, dict):
                yield from self._copies(child, '', CLUSTER_TYPE if '/' not in (text(child, 'type') or '/') else '')

    def _valued(self, entry: Json, kind: str, symbol: str, local: Mapping[str, Json]) -> _Resource:
        """A cluster or an agent pool with its values."""
        depends = get(entry, 'dependsOn')
        body = {key: self.scope.value(get(entry, key), local) for key in ('location', 'properties')}
        return _Resource(kind, self.scope.value(get(entry, 'name'), local), symbol or text(entry, 'name') or '',
                         {key: value for key, value in body.items() if value is not None},
                         tuple(map(str, depends)) if isinstance(depends, list) else (), entry)

    def _nested(self, entry: Json, local: Mapping[str, Json]) -> Iterator[_Resource]:
        template = get(entry, 'properties', 'template')
        if not self._depth or not isinstance(template, dict):
            return
        inner = (text(entry, 'properties', 'expressionEvaluationOptions', 'scope') or '').lower() == 'inner'
        if not inner:  # its expressions are those of the template around it
            whole = {**fields(self._document), 'resources': get(template, 'resources')}
            yield from _Template(whole, self._given, self.scope, self._depth - 1).resources()
            return
        given = {name: self._argument(argument, local) for name, argument in
                 fields(entry, 'properties', 'parameters').items()}
        yield from _Template(template, given, self.scope, self._depth - 1).resources()

    def _argument(self, argument: Json, local: Mapping[str, Json]) -> Json:
        if isinstance(argument, str):  # the whole argument is one expression
            return get(self.scope.value(argument, local), 'value')
        if get(argument, 'reference') is not None:
            return Unknown('a secret of a key vault')
        return self.scope.value(get(argument, 'value'), local)


def _typed(value: Json, kind: Json) -> Json:
    """A value that was typed as text, as what its parameter takes."""
    if isinstance(value, str) and isinstance(kind, str) and kind.lower() in ('int', 'bool', 'array', 'object'):
        try:
            return json.loads(value.lower() if kind.lower() == 'bool' else value)
        except (ValueError, RecursionError):
            return Unknown(f'{printable(value)[:40]} is no {kind.lower()}')
    return value


# Clusters and their pools

def _draft(cluster: _Resource, clusters: List[_Resource], resources: List[_Resource]) -> Draft:
    pools, opaque = [], []
    for number, pool in enumerate(resource for resource in resources if resource.type == _POOL_TYPE):
        if _belongs(pool, cluster) or len(clusters) == 1:
            pools.append(Pool(pool.written, None, _pool_body(pool, number)))
        elif not any(_belongs(pool, other) for other in clusters):
            opaque.append(Unknown(f'the agent pool {printable(pool.written)[:80]} may belong to it'))
    origin = Origin('arm-template', 'the ARM deployment template', BICEP, printable(cluster.written)[:200],
                    lines=lines(cluster.entry, below('properties')))
    body = shape(cluster.body)
    listed = body['properties'].get('agentPoolProfiles')
    if opaque and not isinstance(listed, Unknown):
        body['properties']['agentPoolProfiles'] = [*(listed if isinstance(listed, list) else ()), *opaque]
    body['name'] = cluster.name
    return Draft(origin, body, pools=pools)


def _belongs(pool: _Resource, cluster: _Resource) -> bool:
    if isinstance(pool.name, str) and isinstance(cluster.name, str):
        return pool.name.partition('/')[0].lower() == cluster.name.lower()
    return any(cluster.written and cluster.written in dependency for dependency in pool.depends_on)


def _pool_body(pool: _Resource, number: int) -> Body:
    name = pool.name.rpartition('/')[2] if isinstance(pool.name, str) else f'agentpool-{number + 1}'
    inner = get(pool.body, 'properties')
    if isinstance(inner, Unknown):
        return {'name': name, 'count': inner, 'enableAutoScaling': inner, 'upgradeSettings': inner}
    return {**fields(pool.body, 'properties'), 'name': name}
