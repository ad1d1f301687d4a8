# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""From files to findings: documents, the Services in them, and what the rules say of each."""

from typing import Iterable, List, NamedTuple, Optional, Tuple

from ...inputs.documents import read_documents
from ...inputs.manifests import NO_MANIFESTS, TEMPLATE, ManifestFile, Problem
from ...inputs.objects import is_load_balancer, is_template, objects_in
from ...model.finding import Finding, worst_first
from ...model.service import Service, parse_service
from ...model.service_context import NO_CLUSTER, ServiceContext
from ..engine import Rule, run
from . import (access_rules, annotation_rules, cluster_rules, exposure_rules, neighbour_rules, notice_rules,
               probe_rules, problem_rules, shape_rules, total_rules, validation_rules)
from .probes import PortProbe
from .subject import ServiceInCluster, in_cluster
from .together import AllServices, AmongOthers, Seen, claims_of, seen

#: No rule says more about one Service: nobody reads further, and hostile files stay cheap.
MOST_FINDINGS = 50

#: The rules on one Service, in the order in which findings of one severity are shown.
RULES: Tuple[Rule[ServiceInCluster], ...] = (
    *shape_rules.RULES, *validation_rules.RULES, *annotation_rules.RULES, *access_rules.RULES,
    *exposure_rules.RULES, *probe_rules.RULES, *cluster_rules.RULES)


class Checked(NamedTuple):
    """What the rules say of one Service, or of a file, document or set of Services as a whole.

    `document` counts from 1 in the file; None, like `name` and `namespace`, where there is none. `probes` are those of
    a Service that Azure's cloud provider serves.
    """

    file: Optional[str]
    document: Optional[int]
    namespace: Optional[str]
    name: Optional[str]
    findings: Tuple[Finding, ...]
    probes: Tuple[PortProbe, ...] = ()


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
    run_ = _Run(cluster)
    for file in files:
        run_.read(file)
    return run_.finished()


class _Run:
    """What was found so far."""

    def __init__(self, cluster: ServiceContext):
        self.cluster = cluster
        self.results: List[Checked] = []
        self.seen: List[Tuple[int, Seen]] = []
        self.files = self.documents = self.objects = self.services = 0

    def read(self, file: ManifestFile) -> None:
        """Check all that is in a file."""
        if file.problem is not None:
            self.results.append(Checked(file.name, None, None, None, _problem(file.problem)))
            return
        self.files += 1
        for document in read_documents(file.content or b''):
            self.documents += document.number is not None
            if document.problem is not None:
                self.results.append(Checked(file.name, document.number, None, None, _problem(document.problem)))
            for body in objects_in(document.value):
                self.objects += 1
                if is_load_balancer(body):
                    self.services += 1
                    self._check(file.name, document.number, parse_service(body))

    def _check(self, file: str, document: Optional[int], service: Service) -> None:
        if is_template(service):
            findings = _problem(Problem(TEMPLATE, 'Holds template expressions ({{ ... }}); not checked.',
                                        service.body.line(())))
            self.results.append(Checked(file, document, service.namespace, service.name, findings))
            return
        subject = in_cluster(service, self.cluster)
        is_azure = service.load_balancer_class is None
        if is_azure:
            self.seen.append((len(self.results), seen(subject, file)))
        self.results.append(Checked(file, document, service.namespace, service.name,
                                    run(RULES, subject, MOST_FINDINGS).said(), subject.probes if is_azure else ()))

    def finished(self) -> ManifestCheck:
        """The check with what the rules say of several Services together."""
        claims = claims_of(service for _, service in self.seen)
        for position, service in self.seen:
            if service.frontends or service.dns_label:
                more = run(neighbour_rules.RULES, AmongOthers(service, claims, self.cluster), MOST_FINDINGS).said()
                before = self.results[position]
                self.results[position] = before._replace(findings=worst_first([*before.findings, *more]))
        everything = AllServices(tuple(service for _, service in self.seen), self.cluster)
        findings = run((*total_rules.RULES, *notice_rules.RULES), everything).said()
        if findings:
            self.results.append(Checked(None, None, None, None, findings))
        if self.files and not self.objects and not self.results:
            self.results.append(Checked(None, None, None, None, _problem(Problem(
                NO_MANIFESTS, 'What was read holds no object of Kubernetes at all: nothing was checked.',
                remediation='Where another command prints the manifests, see why it printed none.'))))
        return ManifestCheck(tuple(self.results), self.files, self.documents, self.objects, self.services)


def _problem(problem: Problem) -> Tuple[Finding, ...]:
    return run(problem_rules.RULES, problem).said()
