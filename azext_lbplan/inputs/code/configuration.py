# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The `configuration` of a Terraform plan: what expressions refer to, through modules.

Addresses there have neither module prefix nor index; a reference names the longest path first. Locals are not in the
JSON at all, and `dynamic` blocks are missing. Source: Terraform's JSON output format; tried with Terraform 1.11.
"""

import re
from typing import Iterator, List, NamedTuple, Optional, Sequence, Set, Tuple

from ...model.values import Json, get, text

#: Modules from the root to one: the names of their calls.
ModulePath = Tuple[str, ...]

_STEP = re.compile(r'module\.([^.\[]+)(?:\[(?:"(?:[^"\\]|\\.)*"|[^\]]*)\])?\.?')
_RESOURCE = re.compile(r'([a-z][a-z0-9_]*)\.([A-Za-z_][\w-]*)(?:\[("(?:[^"\\]|\\.)*"|\d+)\])?')

#: The most references that are followed from one expression.
_MOST_REFERENCES = 500

#: Heads of references that are known when a plan is made, and of those that lead to no resource.
_ALWAYS_KNOWN = ('each', 'count', 'path', 'terraform')
_NO_RESOURCES = (*_ALWAYS_KNOWN, 'local', 'data', 'self')


class Target(NamedTuple):
    """A resource that an expression refers to; `instance` is its index as it is written, None where none is."""

    modules: ModulePath
    type: str
    name: str
    instance: Optional[str]


def module_path(address: Optional[str]) -> ModulePath:
    """`module.a["x"].module.b` as ('a', 'b')."""
    return tuple(_STEP.findall(address or ''))


class Configuration:
    """Answers what the expressions of a plan refer to. Without a configuration nothing is known."""

    def __init__(self, configuration: Json):
        self._root = get(configuration, 'root_module')
        self._providers = get(configuration, 'provider_config')

    def provider_version(self, name: str) -> Optional[str]:
        """The constraint on the version of a provider in the root module: `~> 4.0`."""
        return text(self._providers, name, 'version_constraint')

    def _module(self, path: ModulePath) -> Json:
        module = self._root
        for name in path:
            module = get(module, 'module_calls', name, 'module')
        return module

    def _resource(self, path: ModulePath, kind: str, name: str) -> Json:
        resources = get(self._module(path), 'resources')
        return next((resource for resource in resources if get(resource, 'address') == f'{kind}.{name}'),
                    None) if isinstance(resources, list) else None

    def source(self, path: ModulePath) -> Optional[str]:
        """Where the code of a module comes from; None for the root."""
        return text(self._module(path[:-1]), 'module_calls', path[-1], 'source') if path else None

    def targets(self, path: ModulePath, kind: str, name: str, attribute: str) -> List[Target]:
        """The resources that an attribute of a resource refers to, as far as they can be told."""
        resource = self._resource(path, kind, name)
        references = _references(get(resource, 'expressions', attribute))
        if any(reference.startswith('each.') for reference in references):
            references += _references(get(resource, 'for_each_expression'))
        return list(dict.fromkeys(self._follow(references, path)))

    def _follow(self, references: Sequence[str], start: ModulePath) -> Iterator[Target]:
        waiting = [(start, reference) for reference in references]
        seen: Set[Tuple[ModulePath, str]] = set()
        while waiting and len(seen) < _MOST_REFERENCES:
            path, reference = waiting.pop(0)
            if (path, reference) in seen:
                continue
            seen.add((path, reference))
            head, _, rest = reference.partition('.')
            if head in ('module', 'var'):
                inner, expression = self._hop(path, head, rest)
                waiting += [(inner, one) for one in _references(expression)]
                continue
            found = _RESOURCE.match(reference)
            if found and head not in _NO_RESOURCES:
                yield Target(path, found.group(1), found.group(2), found.group(3))

    def _hop(self, path: ModulePath, head: str, rest: str) -> Tuple[ModulePath, Json]:
        """The expression behind a module's output, or behind a variable at the call of its module."""
        if head == 'var':
            caller = self._module(path[:-1]) if path else None
            return path[:-1], get(caller, 'module_calls', path[-1], 'expressions', _first(rest)) if path else None
        call, _, output = rest.partition('.')
        call = _first(call)
        return (*path, call), get(self._module(path), 'module_calls', call, 'module', 'outputs', _first(output),
                                  'expression')

    def may_be_open(self, path: ModulePath, kind: str, name: str, attribute: Sequence[str]) -> bool:
        """Whether an attribute is set to what is known only after apply. False means that it is not set, so that the
        provider's default counts. What a `dynamic` block sets cannot be seen."""
        expression = get(self._resource(path, kind, name), 'expressions')
        for key in attribute:
            if isinstance(expression, list):
                expression = expression[0] if expression else None
            expression = get(expression, key)
        waiting = [(path, reference) for reference in _references(expression)]
        seen: Set[Tuple[ModulePath, str]] = set()
        while waiting and len(seen) < _MOST_REFERENCES:
            here, reference = waiting.pop(0)
            if (here, reference) in seen:
                continue
            seen.add((here, reference))
            head, _, rest = reference.partition('.')
            if head == 'var':
                caller, argument = self._hop(here, head, rest)
                waiting += [(caller, one) for one in _references(argument)]
            elif head not in _ALWAYS_KNOWN:
                return True
        return False


def _first(rest: str) -> str:
    """The first name of a reference: `a` of `a.b` and of `a["x"]`."""
    return re.split(r'[.\[]', rest, maxsplit=1)[0]


def _references(expression: Json) -> List[str]:
    found = get(expression, 'references')
    return [reference for reference in found if isinstance(reference, str)] if isinstance(found, list) else []
