# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The check of manifests as the plain dicts that `check-service` returns, and in one line."""

from typing import List

from ..inputs.manifests import NOT_READABLE, TOO_LARGE
from ..model.finding import counted
from ..rules.service import ManifestCheck
from .hints import Judged
from .results import Result, finding


def check_service(check: ManifestCheck) -> List[Result]:
    """The result of `az aks lb check-service`."""
    return [{'file': checked.file, 'document': checked.document, 'namespace': checked.namespace, 'name': checked.name,
             'findings': [finding(found) for found in checked.findings]} for checked in check.results]


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
