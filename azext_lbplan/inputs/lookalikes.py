# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What people try that holds no cluster: what it is, and what would do instead."""

from typing import Callable, NamedTuple, Sequence

from ..facts.networks import LOAD_BALANCER_TYPE
from ..model.values import Json, get, items, printable, text
from .snapshots import ADVICE


class Lookalike(NamedTuple):
    """What a document was taken for, as the rest of a sentence about it, and what would do."""

    recognised: str
    advice: str


class _Row(NamedTuple):
    fits: Callable[[Json], bool]
    name: str
    advice: str


_SHOW_JSON = 'Give the plan as JSON: terraform plan -out plan && terraform show -json plan > plan.json.'


def lookalike(documents: Sequence[Json]) -> Lookalike:
    """What `documents` are, where no shape fits."""
    document = documents[0] if documents else None
    row = next((row for row in _ROWS if row.fits(document)), None)
    what = 'holds neither a snapshot nor a managed cluster'
    if row is None:
        return Lookalike(what, ADVICE)
    name = row.name.format(kind=printable(text(document, 'kind') or '')[:60])
    return Lookalike(f'{what}: it is {name}', row.advice)


def _elements(document: Json) -> Json:
    """The first element of a list, or the document."""
    return document[0] if isinstance(document, list) and document else document


def _ends_in(document: Json, ending: str) -> bool:
    return (text(_elements(document), 'type') or '').lower().endswith(ending)


def _is_flat_pool(document: Json) -> bool:
    """A pool as `az aks nodepool show` prints it, without a type."""
    return get(document, 'vmSize') is not None and get(document, 'maxPods') is not None


#: The more telling first.
_ROWS = (
    _Row(lambda document: document == [] or get(document, 'value') == [] or get(document, 'data') == [],
         'an empty list', ADVICE),
    _Row(lambda document: isinstance(get(document, 'error'), dict) and get(document, 'error', 'code') is not None,
         'an error of Azure', f'Run the command again and look at what it prints. {ADVICE}'),
    _Row(lambda document: 'deploymentparameters.json' in (text(document, '$schema') or '').lower(),
         'a parameter file of a deployment, without the template',
         "Give the template to '--from-file', and this file to '--parameters'."),
    _Row(lambda document: get(document, '@level') is not None,
         'what terraform prints with -json, line by line', _SHOW_JSON),
    _Row(lambda document: get(document, 'clusters') is not None and get(document, 'contexts') is not None,
         'a kubeconfig', ADVICE),
    _Row(lambda document: get(document, 'apiVersion') is not None and text(document, 'kind') == 'Service' or
         any(text(item, 'kind') == 'Service' for item in items(document, 'items')),
         'a manifest of a Service', "Manifests of Services are for 'az aks lb check-service --filename FILE'."),
    _Row(lambda document: text(document, 'kind') in ('ClusterClass', 'AzureManagedControlPlaneTemplate') or
         text(document, 'kind') == 'Cluster' and get(document, 'spec', 'topology') is not None,
         'a ClusterClass of Cluster API, or a cluster of one',
         'Its version and node pools come from a topology. Give what it becomes: kubectl get clusters,machinepools,'
         'azuremanagedcontrolplanes,azuremanagedmachinepools --all-namespaces --output yaml.'),
    _Row(lambda document: get(document, 'apiVersion') is not None and get(document, 'kind') is not None,
         'a Kubernetes manifest of kind {kind}',
         'Manifests are taken of Azure Service Operator (ManagedCluster) and of Cluster API '
         '(AzureManagedControlPlane), with their node pools in the same file.'),
    _Row(lambda document: _ends_in(document, '/agentpools') or _is_flat_pool(_elements(document)),
         'an agent pool without its cluster', ADVICE),
    _Row(lambda document: _ends_in(document, LOAD_BALANCER_TYPE) or
         get(_elements(document), 'frontendIPConfigurations') is not None, 'a load balancer without its cluster',
         ADVICE),
)
