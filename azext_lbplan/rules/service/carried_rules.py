# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Rules on what is meant for a load balancer and stands where Azure's cloud provider does not look, or in a Service of
another type; and which of the other rules hold for annotations whose Service is not there."""

from typing import Iterable, NamedTuple

from ...facts.links import CLOUD_PROVIDER, KUBERNETES
from ...inputs.carriers import Carrier
from ...model.fields import Fields, Path
from ...model.finding import ERROR, INFO, WARNING, Finding
from ...model.service import PREFIX, quoted, written_path
from ..engine import Rule
from . import annotations as known
from .subject import LinkedRulebook

#: The rules that look at annotations alone.
OF_ANNOTATIONS = frozenset((
    'UnknownAnnotation', 'AnnotationNotString', 'AnnotationEmpty', known.INVALID, known.OUT_OF_RANGE,
    'IdleTimeoutNeedsNewerKubernetes', 'AnnotationDeprecated', 'PrivateLinkAddressCount', 'InternalNotExact',
    'SourceRangeNotCidr', 'SourceRangeHostBits', 'RangesOpenToAll', 'AnnotationNeedsNewerKubernetes', 'NoSecurityRule'))

#: The rules that need all of a Service: what a patch lacks may stand in what it is for.
OF_WHOLE_SERVICES = frozenset((
    'SpellingInvalid', 'NoPorts', 'PortAnnotationWithoutPort', 'AnnotationNeedsAnother', 'PrivateLinkOnPublicService',
    'InternalElsewhereOnly', 'NodePortsNotAllocated', 'PrivateAddressOnPublicService', 'SessionAffinityInvalid',
    'NodePortInvalid', 'IPFamiliesInvalid', 'NobodyCanConnect', 'PrivateRangesOnPublicService', 'DenyAllWithoutRanges',
    'NoProbeCanBeMade', 'AddressNotPublic'))

CARRIER_RULES: LinkedRulebook[Carrier] = LinkedRulebook()


class OtherService(NamedTuple):
    """A Service of another type than LoadBalancer."""

    body: Fields

    @property
    def type(self) -> str:
        """Its type; left out it is ClusterIP."""
        return str(self.body.fields('spec').get('type') or 'ClusterIP')


OTHER_RULES: LinkedRulebook[OtherService] = LinkedRulebook()

#: The fields that are for load balancers only. Source: ValidateService.
_FIELDS = ('loadBalancerSourceRanges', 'allocateLoadBalancerNodePorts', 'loadBalancerClass', 'healthCheckNodePort')


@CARRIER_RULES.rule('AnnotationOnOtherObject', ERROR,
                    title='An annotation of Azure\'s cloud provider on a Deployment, a pod, an Ingress or the like; '
                          'an error where it restricts who may connect, else a warning.',
                    why='The cloud provider reads annotations of Services only: what it shall do is not done.',
                    source=CLOUD_PROVIDER)
def annotation_on_other_object(rule: Rule[Carrier], carrier: Carrier) -> Iterable[Finding]:
    """One finding for all of them."""
    keys = [key for key in carrier.annotations if key.startswith(PREFIX)]
    if not carrier.is_useless or not keys:
        return
    rows = [known.find(key[len(PREFIX):]) for key in keys]
    yield rule.finding(
        f'{quoted(keys[0])} has no effect on a {carrier.kind}.', target=written_path((*carrier.path, keys[0])),
        severity=ERROR if any(row and row.guards for row in rows) else WARNING,
        evidence={'line': carrier.line + carrier.annotations.lines.get(keys[0], 0), 'annotations': len(keys)},
        remediation='Move it to metadata.annotations of the Service.')


@OTHER_RULES.rule('NotALoadBalancer', ERROR,
                  title='A Service of another type with what is for load balancers: fields that Kubernetes refuses '
                        'there, or (information) annotations of Azure\'s cloud provider.',
                  why='Kubernetes refuses the fields; the annotations have no effect until the type is LoadBalancer.',
                  source=KUBERNETES)
def not_a_load_balancer(rule: Rule[OtherService], subject: OtherService) -> Iterable[Finding]:
    """0 and an empty list are as good as absent."""
    body = subject.body
    annotations = body.fields('metadata').fields('annotations')
    for name in _FIELDS:
        if body.fields('spec').get(name) not in (None, [], 0) or body.fields('spec').get(name) is False:
            yield _finding(rule, subject, ('spec', name), f'spec.{name} is for type LoadBalancer', ERROR)
    old = PREFIX + 'load-balancer-source-ranges'
    if old in annotations:
        yield _finding(rule, subject, ('metadata', 'annotations', old), f'The annotation {old} is for type '
                                                                        'LoadBalancer',
                       ERROR)
    azure = [key for key in annotations if key.startswith((PREFIX + 'azure-', PREFIX + 'port_'))]
    if azure:
        yield _finding(rule, subject, ('metadata', 'annotations', azure[0]), f'{quoted(azure[0])} has no effect', INFO)


def _finding(rule: Rule[OtherService], subject: OtherService, path: Path, says: str, severity: str) -> Finding:
    return rule.finding(
        f'{says}, and the Service is of type {subject.type}.', target=written_path(path), severity=severity,
        evidence={'line': subject.body.line(path)}, remediation='Write type: LoadBalancer, or remove it.')
