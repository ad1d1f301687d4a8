# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""From files to findings: documents, the Services in them, and what the rules say of each."""

from dataclasses import dataclass
from itertools import islice
from typing import Optional, Tuple

from . import annotation_rules, cluster_rules, exposure_rules, shape_rules
from .catalogue import Rule
from ...inputs.documents import ALIAS_BOMB, NOT_PARSED, NOT_TEXT, TEMPLATE, TOO_LARGE, Fields, read_documents
from .service import Service, target
from ...model.finding import ERROR, WARNING, Finding, counted, worst_first
from ...model.values import printable

NOT_READABLE = 'ManifestNotReadable'
NO_MANIFESTS = 'NoManifests'

#: No rule says more about one Service: nobody reads further, and hostile files stay cheap.
MOST_HITS = 50

_YAML = 'https://kubernetes.io/docs/concepts/overview/working-with-objects/'
_HELM = 'https://helm.sh/docs/helm/helm_template/'

#: What keeps a file or a document from being checked; the reader finds the first three.
PROBLEMS = (
    Rule(NOT_READABLE, ERROR, 'A path that is missing, not permitted, or no regular file.',
         'It was not checked.', _YAML),
    Rule(NO_MANIFESTS, ERROR, 'A folder without *.yaml, *.yml or *.json.', 'Nothing was checked.', _YAML),
    Rule(TOO_LARGE, ERROR, 'A file that is too large, holds too many values, or nests too deeply.',
         'It was not checked: memory is bounded.', _YAML),
    Rule(NOT_TEXT, ERROR, 'A file that is no text.', 'It was not checked.', _YAML),
    Rule(NOT_PARSED, ERROR, 'A document that is neither YAML nor JSON.', 'Kubernetes refuses it.', _YAML),
    Rule(ALIAS_BOMB, ERROR, 'A document that grows without bound through its aliases.', 'Kubernetes refuses it.',
         _YAML),
    Rule(TEMPLATE, WARNING, 'A template that was not rendered.', 'It is no manifest yet, and was not checked.', _HELM),
)

_REMEDIES = {
    TEMPLATE: 'Render it first, for example: helm template CHART | az aks lb check-service -f -',
    TOO_LARGE: 'Split it, for example by namespace.',
    NOT_TEXT: 'Name files with manifests only.',
    ALIAS_BOMB: 'Write the values out.',
    NOT_PARSED: 'Correct the line; kubectl would not take the file either.',
}

_SHAPE_RULES = tuple(shape_rules.RULES)
_AZURE_RULES = (*annotation_rules.RULES, *exposure_rules.RULES)
_CLUSTER_RULES = tuple(cluster_rules.RULES)
_TOTAL_RULES = tuple(cluster_rules.TOTAL_RULES)

#: Every rule, in the order of the documentation.
RULES = (*_SHAPE_RULES, *_AZURE_RULES, *_CLUSTER_RULES, *_TOTAL_RULES, *PROBLEMS)

_SEVERITIES = {rule.code: rule.severity for rule in PROBLEMS}
_LINKS = {rule.code: rule.source for rule in PROBLEMS}


@dataclass(frozen=True)
class Checked:
    """What the rules say of one Service, or of a file, document or set of Services as a whole.

    `document` counts from 1 in the file; None, like `name` and `namespace`, where there is none.
    """

    file: Optional[str]
    document: Optional[int]
    namespace: Optional[str]
    name: Optional[str]
    findings: Tuple[Finding, ...]


@dataclass(frozen=True)
class ManifestCheck:
    """All that was checked, and how much was read: `objects` counts Kubernetes objects of every kind."""

    results: Tuple[Checked, ...]
    files: int
    documents: int
    objects: int
    services: int

    @property
    def skipped(self):
        """The objects that are no Service of type LoadBalancer."""
        return self.objects - self.services


def check_manifests(files, context=None) -> ManifestCheck:
    """Check `files`, an iterable of (name, content, problem): bytes and None, or None and a Finding.

    With a `context` the Services are held against a cluster as well. Files are taken one at a time.
    """
    results = []
    pending = []
    counts = {'files': 0, 'documents': 0, 'objects': 0, 'services': 0}
    for name, content, problem in files:
        if problem is not None:
            results.append(Checked(name, None, None, None, (problem,)))
            continue
        counts['files'] += 1
        for document in read_documents(content):
            counts['documents'] += document.number is not None
            if document.problem:
                results.append(Checked(name, document.number, None, None, (_problem(document.problem),)))
            for body in _objects(document.value):
                counts['objects'] += 1
                if not _is_load_balancer(body):
                    continue
                counts['services'] += 1
                service = Service(body)
                results.append(Checked(name, document.number, service.namespace, service.name,
                                       check_service(service, context)))
                if not _has_address(body) and not _is_other_class(service):
                    pending.append(service)
    results.extend(_totals(pending, context))
    return ManifestCheck(tuple(results), **counts)


def check_service(service, context=None) -> Tuple[Finding, ...]:
    """The findings on one Service, the worst first."""
    if _is_template(service.metadata) or _is_template(service.spec):
        return (Finding(TEMPLATE, WARNING, 'Holds template expressions ({{ ... }}); not checked.',
                        evidence={'line': service.line(())}, remediation=_REMEDIES[TEMPLATE], link=_HELM),)
    rules = _SHAPE_RULES
    if not _is_other_class(service):
        rules = (*rules, *_AZURE_RULES, *(_CLUSTER_RULES if context else ()))
    return worst_first(_finding(rule, hit, service.line(hit.path))
                       for rule in rules for hit in islice(rule.check(service, context), MOST_HITS))


def summary(check: ManifestCheck) -> str:
    """How much was read and checked, in one line."""
    return (f'Read {counted(check.files, "file")} with {counted(check.objects, "object")}: checked '
            f'{counted(check.services, "Service")} of type LoadBalancer, skipped {check.skipped}.')


def _finding(rule, hit, line):
    evidence = {key: printable(value) if isinstance(value, str) else value for key, value in hit.evidence.items()}
    return Finding(rule.code, hit.severity or rule.severity, hit.message, target(hit.path),
                   {'line': line, **evidence}, hit.remediation, None, rule.source)


def _problem(problem):
    at = f'Line {problem.line}: ' if problem.line else ''
    where = 'The document ' if problem.line else 'The file '
    return Finding(problem.code, _SEVERITIES[problem.code], f'{at}{where}{problem.message}.',
                   evidence={'line': problem.line}, remediation=_REMEDIES[problem.code], link=_LINKS[problem.code])


def _totals(services, context):
    """The findings on all Services together, which belong to no file."""
    findings = [_finding(rule, hit, None) for rule in _TOTAL_RULES for hit in rule.check(services, context)]
    if findings:
        yield Checked(None, None, None, None, worst_first(findings))


def _objects(value):
    """The Kubernetes objects in a document: itself, or what a List, a ServiceList or a plain list holds."""
    waiting = [(value, None)]
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


def _is_load_balancer(body):
    """Whether an object is, or is meant to be, a core Service of type LoadBalancer; other groups have Services too."""
    kind, version = body.get('kind'), body.get('apiVersion')
    spec = body.get('spec')
    kind_of_service = spec.get('type') if isinstance(spec, Fields) else None
    return (isinstance(kind, str) and kind.lower() == 'service'
            and (not isinstance(version, str) or '/' not in version)
            and isinstance(kind_of_service, str)
            and kind_of_service.lower().replace('-', '').replace('_', '') == 'loadbalancer')


def _is_other_class(service):
    value = service.spec.get('loadBalancerClass')
    return isinstance(value, str) and bool(value)


def _has_address(body):
    """Whether a Service has its address: then its frontend and rules are on the load balancer already."""
    for key in ('status', 'loadBalancer', 'ingress'):
        body = body.get(key) if isinstance(body, Fields) else None
    return bool(body)


def _is_template(value):
    """Whether a text in `value` is a template, as a chart writes it in quotes."""
    waiting = [value]
    while waiting:
        value = waiting.pop()
        if isinstance(value, dict):
            # Other tools' annotations may hold templates of their own.
            waiting.extend(item for key, item in value.items()
                           if not ('/' in key and not key.startswith('service.beta.kubernetes.io/')))
        elif isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, str) and '{{' in value:
            return True
    return False
