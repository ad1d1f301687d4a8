# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The check of manifests as the plain dicts that `check-service` returns, and in one line."""

from typing import List

from ..inputs.manifests import NOT_READABLE, TOO_LARGE
from ..model.finding import counted
from ..rules.service import ManifestCheck, PortProbe
from .endings import Judged
from .findings import Result, finding


def check_service(check: ManifestCheck) -> List[Result]:
    """The result of `az aks lb check-service`."""
    return [{'file': checked.file, 'document': checked.document, 'namespace': checked.namespace, 'name': checked.name,
             'findings': [finding(found) for found in checked.findings],
             'probes': [_port(port) for port in checked.probes], 'mended': None} for checked in check.results]


def _port(port: PortProbe) -> Result:
    """A port and the health probe that it gets; null for none, and for the number of a port that Kubernetes chooses."""
    probe = port.probe
    return {'port': port.port, 'protocol': port.protocol, 'probe': probe and {
        'protocol': probe.protocol, 'goesTo': probe.goes_to, 'port': probe.port, 'requestPath': probe.request_path,
        'intervalInSeconds': probe.interval.value, 'numberOfProbes': probe.probes.value,
        'decidedBy': probe.decided_by}}


def summary(check: ManifestCheck) -> str:
    """How much was read and checked."""
    return (f'Read {counted(check.files, "file")} with {counted(check.objects, "object")}: checked '
            f'{counted(check.services, "Service")} of type LoadBalancer, skipped {check.skipped}.')


def nothing_checked(check: ManifestCheck) -> str:
    """What to say where no Service was checked: silence would pass for all clear."""
    read = f'{counted(check.files, "file")} with {counted(check.objects, "object")} of Kubernetes'
    return f'No Service of type LoadBalancer was checked: {read} were read, and none is one.'


def judged(check: ManifestCheck) -> List[Judged]:
    """The findings for `--fail-on`, by file."""
    return [Judged(found.severity, found.code, checked.file or '')
            for checked in check.results for found in checked.findings]


def unread(check: ManifestCheck) -> List[str]:
    """What was named and could not be read, and why, one line each."""
    return [f"'{checked.file}' was not checked. {found.message}" for checked in check.results
            for found in checked.findings if checked.document is None and found.code in (NOT_READABLE, TOO_LARGE)]
