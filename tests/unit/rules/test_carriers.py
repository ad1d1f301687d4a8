# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Annotations for a Service that stand elsewhere: recognised, checked with the same rules, and what is not is said."""

import textwrap

import pytest

from azext_lbplan.inputs.manifests import ManifestFile
from azext_lbplan.model.finding import ERROR, INFO, WARNING
from azext_lbplan.rules.service import check_manifests
from tests.support.manifest_cases import INTERNAL, PREFIX, manifest
from tests.unit.rules.test_manifests import codes, findings, only

WRONG = f'{PREFIX}azure-load-balancer-internal: "True"'

#: {what: (text with one wrong annotation, where it stands, its line)}.
CARRIERS = {
    'gateway': (f"""\
        apiVersion: gateway.networking.k8s.io/v1
        kind: Gateway
        metadata: {{name: shop, namespace: web}}
        spec:
          infrastructure:
            annotations:
              {WRONG}
        """, 'spec.infrastructure.annotations', 7),
    'ingress controller': (f"""\
        apiVersion: approuting.kubernetes.azure.com/v1alpha1
        kind: NginxIngressController
        metadata: {{name: nginx}}
        spec:
          loadBalancerAnnotations:
            {WRONG}
        """, 'spec.loadBalancerAnnotations', 6),
    'kustomization': (f"""\
        apiVersion: kustomize.config.k8s.io/v1beta1
        kind: Kustomization
        commonAnnotations:
          {WRONG}
        """, 'commonAnnotations', 4),
    'patch in a kustomization': (f"""\
        kind: Kustomization
        patches:
        - target: {{kind: Service}}
          patch: |
            apiVersion: v1
            kind: Service
            metadata:
              name: web
              annotations:
                {WRONG}
        """, 'metadata.annotations', 10),
    'JSON patch in a kustomization': (f"""\
        kind: Kustomization
        patches:
        - patch: |-
            - op: add
              path: /metadata/annotations/{PREFIX.replace('/', '~1')}azure-load-balancer-internal
              value: "True"
        """, '', 4),
    'JSON patch': (f"""\
        - op: replace
          path: /metadata/annotations/{PREFIX.replace('/', '~1')}azure-load-balancer-internal
          value: "True"
        """, '', 1),
    'values of a chart': (f"""\
        controller:
          service:
            annotations:
              {WRONG}
        """, 'controller.service.annotations', 4),
    'istio operator': (f"""\
        apiVersion: install.istio.io/v1alpha1
        kind: IstioOperator
        spec:
          components:
            ingressGateways:
            - name: gateway
              k8s:
                serviceAnnotations:
                  {WRONG}
        """, 'spec.components.ingressGateways[0].k8s.serviceAnnotations', 9),
    'helm release': (f"""\
        apiVersion: helm.toolkit.fluxcd.io/v2
        kind: HelmRelease
        metadata: {{name: nginx}}
        spec:
          values:
            controller:
              service:
                annotations:
                  {WRONG}
        """, 'spec.values.controller.service.annotations', 9),
    'values in an application': (f"""\
        apiVersion: argoproj.io/v1alpha1
        kind: Application
        spec:
          source:
            helm:
              values: |
                controller:
                  service:
                    annotations:
                      {WRONG}
        """, 'controller.service.annotations', 10),
    'values in a config map': (f"""\
        apiVersion: v1
        kind: ConfigMap
        data:
          values.yaml: |
            service:
              annotations:
                {WRONG}
        """, 'service.annotations', 7),
    'patch': (f"""\
        apiVersion: v1
        kind: Service
        metadata:
          name: web
          annotations:
            {WRONG}
        """, 'metadata.annotations', 6),
}


@pytest.mark.parametrize('name', CARRIERS)
def test_recognised_and_checked_where_it_stands(name):
    text, place, line = CARRIERS[name]
    text = textwrap.dedent(text)
    finding = only(text, 'InternalNotExact')
    assert finding.severity == ERROR
    assert finding.evidence['line'] == line
    key = f'["{PREFIX}azure-load-balancer-internal"]'
    assert finding.target == place + key
    notice = only(text, 'CarriedAnnotations')
    assert notice.severity == INFO and 'were not checked' in notice.message
    right = text.replace('"True"', '"true"')
    assert codes(right) == {'CarriedAnnotations'}


def test_name_and_namespace_of_what_holds_them():
    checked = check_manifests([ManifestFile('f', textwrap.dedent(CARRIERS['gateway'][0]).encode())])
    assert (checked.results[0].namespace, checked.results[0].name) == ('web', 'shop')


@pytest.mark.parametrize('line, code, severity', [
    ('azure-load-balancer-interal: "true"', 'UnknownAnnotation', ERROR),
    ('azure-load-balancer-internal: true', 'AnnotationNotString', ERROR),
    ('azure-load-balancer-tcp-idle-timeout: "3"', 'AnnotationOutOfRange', ERROR),
    ('azure-allowed-ip-ranges: "10.0.0.1/8"', 'SourceRangeHostBits', ERROR),
    ('azure-load-balancer-mode: "auto"', 'AnnotationDeprecated', WARNING)])
def test_the_same_rules(line, code, severity):
    text = f'service:\n  annotations:\n    {PREFIX}{line}\n'
    assert only(text, code).severity == severity


@pytest.mark.parametrize('line', [
    # What these need may come from elsewhere: the base of a patch, the defaults of a chart.
    'azure-load-balancer-internal-subnet: apps', 'azure-pls-create: "true"', 'port_80_no_lb_rule: "true"',
    'azure-load-balancer-health-probe-interval: "60"'])
def test_what_needs_the_service_is_not_guessed(line):
    assert codes(f'service:\n  annotations:\n    {PREFIX}{line}\n') == {'CarriedAnnotations'}


@pytest.mark.parametrize('kind', ['Deployment', 'StatefulSet', 'Ingress', 'Pod'])
def test_objects_that_no_service_comes_from(kind):
    text = manifest(INTERNAL).replace('kind: Service', f'kind: {kind}')
    finding = only(text, 'AnnotationOnOtherObject')
    assert (finding.severity, finding.evidence['line']) == (ERROR, 6)
    mild = manifest('azure-pip-tags: a=b').replace('kind: Service', f'kind: {kind}')
    assert only(mild, 'AnnotationOnOtherObject').severity == WARNING
    assert not codes(manifest('aws-load-balancer-type: nlb').replace('kind: Service', f'kind: {kind}'))


def test_annotations_in_the_pod_template():
    text = textwrap.dedent(f"""\
        apiVersion: apps/v1
        kind: Deployment
        metadata: {{name: web}}
        spec:
          template:
            metadata:
              annotations:
                {PREFIX}{INTERNAL}
        """)
    finding = only(text, 'AnnotationOnOtherObject')
    assert finding.target.startswith('spec.template.metadata.annotations[') and finding.evidence['line'] == 8


@pytest.mark.parametrize('text', [
    f'kind: Balancer\napiVersion: example.com/v1\nspec:\n  annotations:\n    {PREFIX}{INTERNAL}\n',
    f'kind: Gateway\napiVersion: gateway.networking.k8s.io/v1\nmetadata:\n  annotations:\n    {PREFIX}{INTERNAL}\n'])
def test_what_is_not_understood_is_said(text):
    finding = only(text, 'AnnotationsNotUnderstood')
    assert 'web.yaml, line 5' in finding.message
    assert 'InternalNotExact' in codes(text.replace('"true"', '"TRUE"'))


def test_templates_in_values_are_left_alone():
    assert codes(f'service:\n  annotations:\n    {PREFIX}azure-load-balancer-internal: "{{{{ .x }}}}"\n') == {
        'CarriedAnnotations'}


class TestPatches:
    """A part of a Service is no Service without ports."""

    PATCH = manifest(INTERNAL, ports='').replace('  selector:\n    app: web\n', '')

    def test_nothing_is_missing(self):
        assert codes(self.PATCH) == {'CarriedAnnotations'}
        assert codes(self.PATCH.replace(PREFIX + INTERNAL, PREFIX + 'azure-load-balancer-internal-subnet: apps')) == {
            'CarriedAnnotations'}

    def test_what_is_there_is_checked(self):
        text = self.PATCH + '  loadBalancerSourceRanges: [203.0.113.7]\n  externalTrafficPolicy: local\n  port: 80\n'
        assert {'SourceRangeNotCidr', 'ExternalTrafficPolicyInvalid', 'UnknownField'} <= codes(text)

    def test_directives_are_no_fields(self):
        assert 'UnknownField' not in codes(self.PATCH + '  $patch: replace\n')

    @pytest.mark.parametrize('more', ['  selector:\n    app: web\n', '  ports: []\n'])
    def test_a_service_without_ports_is_one(self, more):
        assert 'NoPorts' in codes(self.PATCH + more)


class TestOtherTypes:
    """Services of other types."""

    @pytest.mark.parametrize('spec, severity', [
        ('loadBalancerSourceRanges: [203.0.113.0/24]', ERROR), ('loadBalancerClass: example.com/other', ERROR),
        ('allocateLoadBalancerNodePorts: false', ERROR), ('healthCheckNodePort: 30010', ERROR),
        ('healthCheckNodePort: 0', None), ('loadBalancerSourceRanges: []', None), ('', None)])
    @pytest.mark.parametrize('kind', ['ClusterIP', 'NodePort'])
    def test_fields_for_load_balancers(self, spec, severity, kind):
        found = findings(manifest(spec=spec, kind=kind))
        assert [(finding.code, finding.severity) for finding in found] == (
            [('NotALoadBalancer', severity)] if severity else [])

    def test_annotations(self):
        assert only(manifest(INTERNAL, kind='ClusterIP'), 'NotALoadBalancer').severity == INFO
        untyped = manifest(INTERNAL).replace('  type: LoadBalancer\n', '')
        assert 'of type ClusterIP' in only(untyped, 'NotALoadBalancer').message

    def test_other_groups_have_services_too(self):
        other = manifest(kind='ClusterIP', spec='loadBalancerClass: x').replace('v1', 'serving.knative.dev/v1')
        assert not codes(other)
