# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The verdicts of the cloud provider's and of Kubernetes' own tests, one by one; where ours differ, why."""

import json

import pytest

from azext_lbplan.inputs.documents import read_documents
from azext_lbplan.inputs.manifests import ManifestFile
from azext_lbplan.model.finding import ERROR, WARNING
from azext_lbplan.model.service import parse_service
from azext_lbplan.model.service_context import NO_CLUSTER
from azext_lbplan.rules.service import check_manifests, shape_rules, validation_rules
from azext_lbplan.rules.service.subject import in_cluster
from azext_lbplan.rules.service.together import frontends_of
from tests.support.manifest_cases import PREFIX
from tests.support.upstream_cases import PAIRS, PROVIDER
from tests.support.upstream_kubernetes import ARGUED
from tests.support.upstream_kubernetes import CASES as UPSTREAM

#: What the cases of upstream cannot say: node ports of their own range, and where the name of a public IP is.
_NOT_UPSTREAM = {'NodePortInvalid'}


def body(annotations, spec, ports=None, name='test1'):
    """A Service in JSON."""
    return json.dumps({
        'apiVersion': 'v1', 'kind': 'Service',
        'metadata': {'name': name, 'annotations': {PREFIX + key: value for key, value in annotations.items()}},
        'spec': {'type': 'LoadBalancer', 'selector': {'app': 'web'}, 'ports': ports or [{'port': 80}], **spec}})


def context(case):
    """The cluster of a case."""
    if case.basic:
        return NO_CLUSTER._replace(load_balancer_sku='Basic')
    return NO_CLUSTER._replace(shared_probe=True) if case.shared else NO_CLUSTER


def subject_of(case):
    """The Service of a case with what we make of it."""
    document, = read_documents(body(case.annotations, case.spec, case.ports).encode())
    return in_cluster(parse_service(document.value), context(case))


def codes(text, severity, cluster=NO_CLUSTER):
    """The codes of findings of a severity."""
    checked = check_manifests([ManifestFile('f', text.encode())], cluster)
    return {finding.code for result in checked.results for finding in result.findings
            if finding.severity == severity} - _NOT_UPSTREAM


#: {name of a fact: what we say of it}.
FACTS = {
    'internal': lambda subject: subject.service.internal,
    'counts_as_internal': lambda subject: subject.service.is_true('azure-load-balancer-internal'),
    'private_link': lambda subject: subject.service.wants_private_link,
    'from_internet': lambda subject: subject.access.from_internet,
    'denies': lambda subject: subject.access.denies_the_rest,
    'ranges': lambda subject: [str(network) for network in subject.access.networks],
    'invalid': lambda subject: [text for _, text in subject.access.invalid],
    'tags': lambda subject: list(subject.access.tags),
    'everybody': lambda subject: tuple(subject.access.admits_everybody(version) for version in (4, 6)),
    'anybody': lambda subject: tuple(subject.access.admits_anybody(version) for version in (4, 6)),
    # Names of Azure's resources are compared without regard to case.
    'frontends': lambda subject: [frontend[-1].lower() for frontend in frontends_of(subject)],
    'families': lambda subject: set(subject.families),
    'probes': lambda subject: [port.probe and (
        port.probe.protocol, port.probe.request_path, port.probe.port, port.probe.interval.value,
        port.probe.probes.value) for port in subject.probes],
}


@pytest.mark.parametrize('case', PROVIDER, ids=lambda case: f'{case.test}: {case.name}')
def test_cloud_provider(case):
    subject = subject_of(case)
    for fact, wanted in case.wants.items():
        if fact == 'error':
            found = codes(body(case.annotations, case.spec, case.ports), ERROR, context(case))
            assert (wanted in found) if wanted else not found
        elif fact == 'warning':
            assert wanted in codes(body(case.annotations, case.spec, case.ports), WARNING)
        elif fact == 'warned':
            assert ('AnnotationValueInvalid' in codes(body(case.annotations, case.spec), WARNING)) is wanted
        elif fact == 'is_true':
            name, value = wanted
            assert subject.service.is_true(name) is value
        else:
            wanted = [name.lower() for name in wanted] if fact == 'frontends' else wanted
            assert FACTS[fact](subject) == wanted


@pytest.mark.parametrize('pair', PAIRS, ids=lambda pair: f'{pair.test}: {pair.name}')
def test_services_that_share_an_ip(pair):
    text = '\n'.join(body(annotations, spec, [{'port': port}], name)
                     for name, (annotations, spec, port) in (('a', pair.first), ('b', pair.second)))
    assert ('PortTakenOnSharedIP' in codes(text, ERROR)) is pair.conflict


def test_there_are_enough_cases():
    assert len(PROVIDER) + len(PAIRS) >= 190
    assert len({(case.test, case.name) for case in [*PROVIDER, *PAIRS]}) == len(PROVIDER) + len(PAIRS)


def kubernetes_body(case):
    """The Service of a case of Kubernetes' tests."""
    metadata = {'name': 'valid', 'namespace': 'valid', **case.metadata}
    spec = {'type': case.type, 'selector': {'key': 'val'}, 'ports': case.ports or [
        {'name': 'p', 'protocol': 'TCP', 'port': 8675, 'targetPort': 8675}], **case.spec}
    return json.dumps({'apiVersion': 'v1', 'kind': 'Service',
                       **{key: {name: value for name, value in fields.items() if value is not None}
                          for key, fields in (('metadata', metadata), ('spec', spec))}})


#: The rules about what Kubernetes refuses; what the cloud provider then makes of a Service is no matter of these tests.
KUBERNETES = {rule.code for rule in (*shape_rules.RULES, *validation_rules.RULES)} - {
    'SctpOnPublicService', 'NoRuleOnEveryPort'} | {
    'SourceRangeNotCidr', 'ExternalTrafficPolicyInvalid', 'AnnotationNotString', 'NotALoadBalancer'}


@pytest.mark.parametrize('case', UPSTREAM, ids=lambda case: f'{case.test}: {case.name}')
def test_kubernetes(case):
    checked = check_manifests([ManifestFile('f', kubernetes_body(case).encode())])
    refused = {finding.code for result in checked.results for finding in result.findings
               if finding.severity == ERROR} & KUBERNETES
    assert bool(refused) is (case.refused != (case.name in ARGUED)), refused


def test_each_argument_is_about_a_case():
    assert set(ARGUED) <= {case.name for case in UPSTREAM}
    assert len(PROVIDER) + len(PAIRS) + len(UPSTREAM) >= 350
