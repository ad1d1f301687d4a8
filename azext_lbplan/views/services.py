# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The check of manifests as the plain dicts that `check-service` returns, and in one line."""

from typing import List

from ..model.finding import counted
from ..rules.service import ManifestCheck
from .results import Result, finding


def check_service(check: ManifestCheck) -> List[Result]:
    """The result of `az aks lb check-service`."""
    return [{'file': checked.file, 'document': checked.document, 'namespace': checked.namespace, 'name': checked.name,
             'findings': [finding(found) for found in checked.findings]} for checked in check.results]


def summary(check: ManifestCheck) -> str:
    """How much was read and checked."""
    return (f'Read {counted(check.files, "file")} with {counted(check.objects, "object")}: checked '
            f'{counted(check.services, "Service")} of type LoadBalancer, skipped {check.skipped}.')
