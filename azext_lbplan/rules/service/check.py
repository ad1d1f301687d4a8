# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""From files to findings: documents, the Services in them, and what the rules say of each."""

from typing import Iterable, List, NamedTuple, Optional, Tuple

from ...inputs.carriers import Carrier, carriers_in, mentions_azure
from ...inputs.documents import read_documents
from ...inputs.manifests import NO_MANIFESTS, TEMPLATE, ManifestFile, Problem
from ...inputs.objects import (is_load_balancer, is_other_service, is_patch, may_hold_placeholders, objects_in,
                               unrendered)
from ...model.fields import Fields
from ...model.finding import Finding, worst_first
from ...model.service import Service, parse_service, quoted
from ...model.service_context import NO_CLUSTER, ServiceContext
from ...model.values import Json, printable
from ..baseline import Place
from ..engine import Rule, batches, run, run_batches
from . import (access_rules, annotation_rules, carried_rules, cluster_rules, exposure_rules, neighbour_rules,
               notice_rules, probe_rules, problem_rules, shape_rules, total_rules, validation_rules)
from .alone import judged_alone
from .probes import PortProbe
from .subject import ServiceInCluster, in_cluster, known_cluster
from .together import AllServices, AmongOthers, CarriedFrom, Seen, claims_of, seen

#: No rule says more about one Service: nobody reads further, and hostile files stay cheap.
MOST_FINDINGS = 50

#: The rules on one Service, in the order in which findings of one severity are shown.
RULES: Tuple[Rule[ServiceInCluster], ...] = (
    *shape_rules.RULES, *validation_rules.RULES, *annotation_rules.RULES, *access_rules.RULES,
    *exposure_rules.RULES, *probe_rules.RULES, *cluster_rules.RULES)

#: Those that hold for a part of a Service, too.
PATCH_RULES: Tuple[Rule[ServiceInCluster], ...] = tuple(
    rule for rule in RULES if rule.code not in carried_rules.OF_WHOLE_SERVICES)

_OF_OTHERS, _OF_CARRIERS = batches(carried_rules.OTHER_RULES), batches(carried_rules.CARRIER_RULES)
_AMONG_OTHERS = batches(neighbour_rules.RULES)


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
    """All that was checked, and how much was read: `objects` counts Kubernetes objects of every kind, `names` are those
    of the files."""

    results: Tuple[Checked, ...]
    files: int
    documents: int
    objects: int
    services: int
    names: Tuple[str, ...] = ()

    @property
    def skipped(self) -> int:
        """The objects that are no Service of type LoadBalancer."""
        return self.objects - self.services

    def looked_at(self, place: Place) -> bool:
        """Whether what an earlier check found could be found again: its file was read, or it is about all files."""
        file = place.where[0]
        return file is None or file in self.names


def check_manifests(files: Iterable[ManifestFile], cluster: ServiceContext = NO_CLUSTER) -> ManifestCheck:
    """Check `files`, one at a time; with a `cluster` what it cannot give the Services as well."""
    started = _Run(cluster)
    for file in files:
        started.read(file)
    return started.finished()


class _Place(NamedTuple):
    """A file and the number of a document in it."""

    file: str
    document: Optional[int]


class _Run:  # pylint: disable=too-many-instance-attributes  # a state
    """What was found so far."""

    def __init__(self, cluster: ServiceContext):
        self.cluster = cluster
        self.results: List[Checked] = []
        self.seen: List[Tuple[int, Seen]] = []
        self.carriers: List[CarriedFrom] = []
        self.names: List[str] = []
        self.files = self.documents = self.objects = self.services = 0
        self.rendered = False
        # Skipped rules are not listed: those that need a cluster are left out at once where there is none.
        self.rules, self.rules_on_parts = (
            batches(rule for rule in rules if cluster != NO_CLUSTER or known_cluster not in rule.needs)
            for rules in (RULES, PATCH_RULES))

    def read(self, file: ManifestFile) -> None:
        """Check all that is in a file."""
        if file.problem is not None:
            self.results.append(Checked(file.name, None, None, None, _problem(file.problem)))
            return
        self.files += 1
        self.names.append(file.name)
        content = file.content or b''
        azure = mentions_azure(content)
        self.rendered = not may_hold_placeholders(content)
        for document in read_documents(content):
            self.documents += document.number is not None
            place = _Place(file.name, document.number)
            if document.problem is not None:
                self.results.append(Checked(*place, None, None, _problem(document.problem)))
            objects: List[Json] = list(objects_in(document.value))
            self.objects += len(objects)
            # The values of a chart have no kind, nor has a JSON patch.
            for body in objects or ([document.value] if azure else []):
                self._check(place, body, azure)

    def _check(self, place: _Place, body: Json, azure: bool) -> None:
        """Check whatever it is; what does not mention Azure is only of interest where it is a Service."""
        if isinstance(body, Fields) and is_load_balancer(body):
            self.services += 1
            self._check_service(place, parse_service(body), is_patch(body))
        elif isinstance(body, Fields) and is_other_service(body):
            findings = run_batches(_OF_OTHERS, carried_rules.OtherService(body)).said()
            if findings:
                service = parse_service(body)
                self.results.append(Checked(*place, service.namespace, service.name, findings))
        elif azure:
            for carrier in carriers_in(body):
                self._check_carrier(place, carrier)

    def _check_service(self, place: _Place, service: Service, is_part: bool) -> None:
        text = None if self.rendered else unrendered(service)
        if text is not None:
            says = 'template expressions ({{ ... }})' if '{{' in text else f'placeholders ({quoted(text)})'
            findings = _problem(Problem(TEMPLATE, f'Holds {says}; not checked.', service.body.line(())))
            self.results.append(Checked(*place, service.namespace, service.name, findings))
            return
        subject = in_cluster(service, self.cluster)
        is_azure = service.load_balancer_class is None
        if is_part:
            self.carriers.append(CarriedFrom(place.file, service.body.line(('spec',)), 'patch of a Service', True))
        elif is_azure:
            self.seen.append((len(self.results), seen(subject, place.file)))
        self.results.append(Checked(*place, service.namespace, service.name,
                                    run_batches(self.rules_on_parts if is_part else self.rules, subject,
                                                MOST_FINDINGS).said(),
                                    subject.probes if is_azure else ()))

    def _check_carrier(self, place: _Place, carrier: Carrier) -> None:
        findings = run_batches(_OF_CARRIERS, carrier).said()
        if not carrier.is_useless:
            line = next(iter(carrier.annotations.lines.values()), None)
            self.carriers.append(CarriedFrom(place.file, None if line is None else line + carrier.line,
                                             printable(carrier.kind or 'values of a chart'), carrier.known))
            findings += judged_alone(carrier, self.cluster, MOST_FINDINGS)
        if findings:
            self.results.append(Checked(*place, printable(carrier.namespace or '') or None,
                                        printable(carrier.name or '') or None, worst_first(findings)))

    def finished(self) -> ManifestCheck:
        """The check with what the rules say of several Services together."""
        claims = claims_of(service for _, service in self.seen)
        for position, service in self.seen:
            if service.frontends or service.dns_label:
                more = run_batches(_AMONG_OTHERS, AmongOthers(service, claims, self.cluster), MOST_FINDINGS).said()
                before = self.results[position]
                self.results[position] = before._replace(findings=worst_first([*before.findings, *more]))
        everything = AllServices(tuple(service for _, service in self.seen), tuple(self.carriers), self.cluster)
        findings = run((*total_rules.RULES, *notice_rules.RULES), everything).said()
        if findings:
            self.results.append(Checked(None, None, None, None, findings))
        if self.files and not self.objects and not self.results:
            self.results.append(Checked(None, None, None, None, _problem(Problem(
                NO_MANIFESTS, 'What was read holds no object of Kubernetes at all: nothing was checked.',
                remediation='Where another command prints the manifests, see why it printed none.'))))
        return ManifestCheck(tuple(self.results), self.files, self.documents, self.objects, self.services,
                             tuple(self.names))


def _problem(problem: Problem) -> Tuple[Finding, ...]:
    return run(problem_rules.RULES, problem).said()
