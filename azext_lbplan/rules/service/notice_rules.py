# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Rules on what nearly every Service would be told: said once for all of them."""

from typing import Any, Iterable, Iterator, Sequence, Union

from ...facts.links import AKS, CLOUD_PROVIDER
from ...model.finding import INFO, Finding, counted
from ...model.service import quoted
from ..engine import Rule
from .subject import LinkedRulebook
from .together import AllServices, CarriedFrom, Seen

RULES: LinkedRulebook[AllServices] = LinkedRulebook()

_Rule = Rule[AllServices]

_SERVICE = 'Service'

#: The most that a notice names.
_MOST_NAMED = 20


def _notice(rule: _Rule, about: Sequence[Union[Seen, CarriedFrom]], noun: str, says: str,
            **more: Any) -> Iterator[Finding]:
    if about:
        labels = [one.label for one in about[:_MOST_NAMED]]
        named = ', '.join(labels[:3]) + (', ...' if len(about) > 3 else '')
        yield rule.finding(f'{counted(len(about), noun)} {says}: {named}.',
                           evidence={'line': None, 'count': len(about), 'names': labels}, **more)


@RULES.rule('PublicServiceOpen', INFO,
            title='Public services to which everybody may connect; said once for all.',
            why='Worth a thought: the Internet scans every public IP.',
            source=AKS)
def public_service_open(rule: _Rule, subject: AllServices) -> Iterable[Finding]:
    """No range and no tag, or one that holds everything."""
    return _notice(rule, [service for service in subject.services if service.is_open], _SERVICE,
                   'that everybody on the Internet may connect to',
                   remediation='Restrict those that are not for everybody, by spec.loadBalancerSourceRanges or the '
                               'annotation azure-allowed-ip-ranges.')


@RULES.rule('ClientIPNotPreserved', INFO,
            title='Services of traffic policy Cluster; said once for all.',
            why='By default a connection comes to the pod from a node\'s address: access logs and limits per client '
                'see nodes.',
            source=AKS)
def client_ip_not_preserved(rule: _Rule, subject: AllServices) -> Iterable[Finding]:
    """Local costs an even spread of the load."""
    return _notice(rule, [service for service in subject.services if service.hides_clients], _SERVICE,
                   "whose pods see the address of a node instead of the client's",
                   remediation="Where pods need the client's address, set spec.externalTrafficPolicy: Local.")


@RULES.rule('PodsNotInRanges', INFO,
            title='Without a cluster: public services whose source ranges hold no private one; said once for all.',
            why='From Kubernetes 1.25, pods that call such a service by its public IP are refused.',
            source=AKS)
def pods_not_in_ranges(rule: _Rule, subject: AllServices) -> Iterable[Finding]:
    """With a cluster, PodRangeMissing knows."""
    if subject.cluster.pod_cidrs:
        return []
    return _notice(rule, [service for service in subject.services if service.lacks_pods], _SERVICE,
                   'that pods cannot call by its public IP', remediation='Add the pod CIDR to '
                   'spec.loadBalancerSourceRanges, if pods call it.')


@RULES.rule('ForeignAnnotation', INFO,
            title='Annotations of other clouds; said once for all.',
            why='They have no effect on AKS. In a manifest that serves several clouds that is as it should be.',
            source=CLOUD_PROVIDER)
def foreign_annotation(rule: _Rule, subject: AllServices) -> Iterable[Finding]:
    """A chart may carry a dozen."""
    services = [service for service in subject.services if service.foreign]
    if services:
        keys = sorted({key for service in services for key in service.foreign})
        return _notice(rule, services, _SERVICE, f'with annotations of other clouds ({quoted(keys[0])}'
                       + (f' and {len(keys) - 1} more)' if len(keys) > 1 else ')'),
                       remediation='Keep them where the manifest serves other clouds too.')
    return []


@RULES.rule('CarriedAnnotations', INFO,
            title='Annotations for Services that something else makes: a gateway, a chart, a patch; said once for all.',
            why='Names and values are checked. What depends on ports, type, addresses and IP families of the Service, '
                'or on other annotations that it gets, is not.',
            source=CLOUD_PROVIDER)
def carried_annotations(rule: _Rule, subject: AllServices) -> Iterable[Finding]:
    """Where it is known that Services get them."""
    return _notice(rule, [carrier for carrier in subject.carriers if carrier.known], 'place',
                   'with annotations for Services that are made elsewhere, whose probes, addresses and ports were not '
                   'checked', remediation='Check the Services themselves: kubectl get svc -A -o yaml | az aks lb '
                   'check-service -f -')


@RULES.rule('AnnotationsNotUnderstood', INFO,
            title='Annotations of Azure\'s cloud provider in something that is not known here; said once for all.',
            why='Whether a Service gets them is not known. Names and values are checked, and nothing else.',
            source=CLOUD_PROVIDER)
def annotations_not_understood(rule: _Rule, subject: AllServices) -> Iterable[Finding]:
    """Another kind, or another place than the one that is known."""
    return _notice(rule, [carrier for carrier in subject.carriers if not carrier.known], 'place',
                   'with annotations of Azure of which it is not known whether a Service gets them',
                   remediation='Check the Services themselves: kubectl get svc -A -o yaml | az aks lb check-service '
                               '-f -')
