# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""From files to findings: documents, the Services in them, and what the rules say of each."""

from typing import Iterable, Iterator, List, NamedTuple, Optional, Tuple

from ...inputs.documents import read_documents
from ...inputs.manifests import NO_MANIFESTS, TEMPLATE, ManifestFile, Problem
from ...inputs.objects import is_load_balancer, is_template, objects_in
from ...model.finding import Finding
from ...model.service import Service, parse_service
from ...model.service_context import NO_CLUSTER, ServiceContext
from ..engine import Rule, run
from . import annotation_rules, cluster_rules, exposure_rules, problem_rules, shape_rules, total_rules
from .subject import NewServices, ServiceInCluster

#: No rule says more about one Service: nobody reads further, and hostile files stay cheap.
MOST_FINDINGS = 50

#: The rules on one Service, in the order in which findings of one severity are shown.
RULES: Tuple[Rule[ServiceInCluster], ...] = (
    *shape_rules.RULES, *annotation_rules.RULES, *exposure_rules.RULES, *cluster_rules.RULES)


class Checked(NamedTuple):
    """What the rules say of one Service, or of a file, document or set of Services as a whole.

    `document` counts from 1 in the file; None, like `name` and `namespace`, where there is none.
    """

    file: Optional[str]
    document: Optional[int]
    namespace: Optional[str]
    name: Optional[str]
    findings: Tuple[Finding, ...]


class ManifestCheck(NamedTuple):
    """All that was checked, and how much was read: `objects` counts Kubernetes objects of every kind."""

    results: Tuple[Checked, ...]
    files: int
    documents: int
    objects: int
    services: int

    @property
    def skipped(self) -> int:
        """The objects that are no Service of type LoadBalancer."""
        return self.objects - self.services


def check_manifests(files: Iterable[ManifestFile], cluster: ServiceContext = NO_CLUSTER) -> ManifestCheck:
    """Check `files`, one at a time; with a `cluster` what it cannot give the Services as well."""
    results: List[Checked] = []
    new: List[Service] = []
    read = documents = objects = services = 0
    for file in files:
        if file.problem is not None:
            results.append(Checked(file.name, None, None, None, _problem(file.problem)))
            continue
        read += 1
        for document in read_documents(file.content or b''):
            documents += document.number is not None
            if document.problem is not None:
                results.append(Checked(file.name, document.number, None, None, _problem(document.problem)))
            for body in objects_in(document.value):
                objects += 1
                if not is_load_balancer(body):
                    continue
                services += 1
                service = parse_service(body)
                results.append(Checked(file.name, document.number, service.namespace, service.name,
                                       check_service(service, cluster)))
                if not service.has_address and service.load_balancer_class is None:
                    new.append(service)
    results.extend(_together(new, cluster))
    if read and not objects and not results:
        results.append(Checked(None, None, None, None, _problem(Problem(
            NO_MANIFESTS, 'What was read holds no object of Kubernetes at all: nothing was checked.',
            remediation='Where another command prints the manifests, see why it printed none.'))))
    return ManifestCheck(tuple(results), read, documents, objects, services)


def check_service(service: Service, cluster: ServiceContext = NO_CLUSTER) -> Tuple[Finding, ...]:
    """The findings on one Service, the worst first."""
    if is_template(service):
        return _problem(Problem(TEMPLATE, 'Holds template expressions ({{ ... }}); not checked.',
                                service.body.line(())))
    return run(RULES, ServiceInCluster(service, cluster), MOST_FINDINGS).said()


def _problem(problem: Problem) -> Tuple[Finding, ...]:
    return run(problem_rules.RULES, problem).said()


def _together(services: List[Service], cluster: ServiceContext) -> Iterator[Checked]:
    """What the rules say of all `services` together, which belongs to no file."""
    findings = run(total_rules.RULES, NewServices(tuple(services), cluster)).said()
    if findings:
        yield Checked(None, None, None, None, findings)
