# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Annotations whose Service is not there, judged by the rules that need no more than them."""

from typing import Iterable, Tuple

from ...inputs.carriers import Carrier
from ...inputs.objects import is_placeholder
from ...model.fields import Fields
from ...model.finding import Finding
from ...model.service import parse_service, written_path
from ...model.service_context import ServiceContext
from ..engine import batches, run_batches
from . import access_rules, annotation_rules
from .carried_rules import OF_ANNOTATIONS
from .subject import in_cluster

_RULES = batches(rule for rule in (*annotation_rules.RULES, *access_rules.RULES) if rule.code in OF_ANNOTATIONS)

_PLACE = 'metadata.annotations'


def judged_alone(carrier: Carrier, cluster: ServiceContext, most: int) -> Tuple[Finding, ...]:
    """What the rules say of the annotations, with their place in the object that holds them."""
    if any(isinstance(value, str) and is_placeholder(value) for value in carrier.annotations.values()):
        return ()
    found = run_batches(_RULES, in_cluster(parse_service(_service(carrier.annotations)), cluster), most).said()
    return tuple(_moved(found, carrier))


def _service(annotations: Fields) -> Fields:
    """A Service with the annotations and nothing else."""
    return _holding('metadata', _holding('annotations', annotations))


def _holding(key: str, value: Fields) -> Fields:
    fields = Fields()
    fields[key] = value
    fields.lines[key] = next(iter(value.lines.values()), 0)
    return fields


def _moved(findings: Iterable[Finding], carrier: Carrier) -> Iterable[Finding]:
    place = written_path(carrier.path) or ''
    for finding in findings:
        target = finding.target
        if target and target.startswith(_PLACE):
            target = (place + target[len(_PLACE):]).lstrip('.')
        line = finding.evidence.get('line')
        yield finding._replace(target=target or None, evidence={
            **finding.evidence, 'line': line + carrier.line if isinstance(line, int) else None})
