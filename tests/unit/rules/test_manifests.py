# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Rules on manifests: each with one manifest that breaks it and one that does not, and what must never be an error."""

import json

import pytest

from azext_lbplan.inputs.manifests import ManifestFile
from azext_lbplan.model.finding import ERROR, INFO, SEVERITIES, WARNING
from azext_lbplan.model.service_context import NO_CLUSTER, OutboundPorts
from azext_lbplan.rules.engine import Rule
from azext_lbplan.rules.service import RULES, check_manifests, problem_rules, shape_rules
from azext_lbplan.rules.service.advice import _MOVED, _SAME, nearest
from azext_lbplan.rules.service.annotations import ANNOTATIONS, PORT_ANNOTATIONS
from azext_lbplan.views.services import check_service, summary
from tests.support.manifest_cases import ARTICLE, CASES, CLUSTER_CASES, CONTEXT, DOCUMENTED, INTERNAL, PREFIX, manifest


def check(text, context=NO_CLUSTER):
    """The check of one file with `text`."""
    return check_manifests([ManifestFile('web.yaml', text.encode())], context)


def findings(text, context=NO_CLUSTER):
    """All findings on `text`."""
    return [finding for checked in check(text, context).results for finding in checked.findings]


def codes(text, context=NO_CLUSTER):
    """Their codes."""
    return {finding.code for finding in findings(text, context)}


def only(text, code, context=NO_CLUSTER):
    """The single finding with `code`."""
    found = [finding for finding in findings(text, context) if finding.code == code]
    assert len(found) == 1, found
    return found[0]


def test_a_name_cannot_steer_the_terminal():
    """In tab-separated output a name stands as it is."""
    body = {'apiVersion': 'v1', 'kind': 'Service', 'metadata': {'name': 'web\n\x1b[2J', 'namespace': 'a\tb'},
            'spec': {'type': 'LoadBalancer', 'ports': [{'port': 80}], 'selector': {'app': 'web'}}}
    result = check_service(check(json.dumps(body)))[0]
    assert (result['name'], result['namespace']) == ('web\ufffd\ufffd[2J', 'a\ufffdb')


def test_a_value_in_a_finding_cannot_steer_the_terminal():
    body = {'apiVersion': 'v1', 'kind': 'Service', 'metadata': {'name': 'web', 'annotations': {
        PREFIX + 'azure-load-balancer-internal': 'true\n\x7f'}},
        'spec': {'type': 'LoadBalancer', 'ports': '\x7f\u202e'}}
    found = {finding.code: finding for finding in findings(json.dumps(body))}
    assert '"\ufffd\ufffd"' in found['FieldTypeInvalid'].message
    assert found['AnnotationValueInvalid'].evidence['value'] == 'true\ufffd\ufffd'
    assert all(finding.message.isprintable() for finding in found.values())


class TestEachRule:
    """Must show 1."""

    @pytest.mark.parametrize('code', CASES)
    def test_breaks_and_holds(self, code):
        bad, good = CASES[code]
        assert code in codes(bad)
        assert code not in codes(good)

    @pytest.mark.parametrize('code', CLUSTER_CASES)
    def test_breaks_and_holds_with_a_cluster(self, code):
        bad, good, changes = CLUSTER_CASES[code]
        context = CONTEXT._replace(**changes)
        assert code in codes(bad, context)
        assert code not in codes(good, context)

    def test_all_rules_have_a_case(self):
        of_files = {rule.code for rule in problem_rules.RULES}
        assert {rule.code for rule in RULES} == {*CASES, *CLUSTER_CASES} | of_files

    def test_codes_are_distinct_and_rows_complete(self):
        assert len({rule.code for rule in RULES}) == len(RULES)
        for rule in RULES:
            assert rule.severity in SEVERITIES and rule.title and rule.why and rule.source.startswith('https://')

    @pytest.mark.parametrize('bad', [bad for bad, *_ in CASES.values()], ids=list(CASES))
    def test_each_finding_names_line_field_and_fix(self, bad):
        for finding in findings(bad, CONTEXT):
            assert finding.remediation and finding.link and finding.message.isprintable()
            if finding.target:
                assert 0 < finding.evidence['line'] <= bad.count('\n')
            json.dumps(dict(finding.evidence))


class TestNoFalseError:
    """Must show 1 and 2."""

    @pytest.mark.parametrize('name', ARTICLE)
    def test_article_passes(self, name):
        assert all(finding.severity == INFO for finding in findings(ARTICLE[name]))

    @pytest.mark.parametrize('name', DOCUMENTED)
    def test_documented_examples_have_no_error(self, name):
        assert [finding for finding in findings(DOCUMENTED[name]) if finding.severity == ERROR] == []

    def test_examples_use_every_annotation(self):
        together = ''.join(DOCUMENTED.values())
        assert [name for name in ANNOTATIONS if f'{PREFIX}{name}:' not in together] == []
        assert [name for name in PORT_ANNOTATIONS if f'_{name}:' not in together] == []


class TestAnnotations:
    """Names and values."""

    @pytest.mark.parametrize('written, meant, severity', [
        (f'{PREFIX}azure-load-balancer-Internal', 'azure-load-balancer-internal', ERROR),
        (f'{PREFIX}azure-loadbalancer-internal', 'azure-load-balancer-internal', ERROR),
        (f'{PREFIX}azure-allowed-ip-range', 'azure-allowed-ip-ranges', ERROR),
        (f'{PREFIX}azure-load-balancer-idle-timeout', 'azure-load-balancer-tcp-idle-timeout', WARNING),
        (f'{PREFIX}port_80_health-probe_requestpath', 'port_80_health-probe_request-path', WARNING),
        ('service.kubernetes.io/azure-load-balancer-internal', 'azure-load-balancer-internal', ERROR),
        ('azure-load-balancer-internal', 'azure-load-balancer-internal', ERROR),
    ])
    def test_misspelt_name(self, written, meant, severity):
        text = manifest(INTERNAL).replace(f'{PREFIX}azure-load-balancer-internal', written)
        finding = only(text, 'UnknownAnnotation')
        assert (finding.severity, finding.evidence['nearest']) == (severity, PREFIX + meant)
        assert finding.evidence['line'] == 6
        assert finding.target == f'metadata.annotations["{written}"]'

    @pytest.mark.parametrize('name, meant', [
        ('azure-load-balancer-sku', None), ('azure-load-balancer-mixed-protocols', None),
        ('azure-load-balancer-ip', 'azure-load-balancer-ipv4'), ('azure-load-balancer-ipv5', None),
        ('azure-load-balancer-dns-label-name', 'azure-dns-label-name'), ('azure-pip-name-ipv4', 'azure-pip-name'),
        ('azure-load-balancer-enable-tcp-reset', None), ('azure-load-balancer-health-probe-port', None),
        ('azure-load-balancer-type', None),
        ('azure-load-balancer-internal-subnets', 'azure-load-balancer-internal-subnet'),
        ('AZURE_LOAD_BALANCER_INTERNAL', 'azure-load-balancer-internal'), ('azure-pls-foo', None),
        ('azure-load-balancer-itnernal', 'azure-load-balancer-internal'), ('port_80_no_lb_rules', 'port_80_no_lb_rule'),
        ('port_80_health-probe_path', None), ('port_80_health_probe_port', 'port_80_health-probe_port')])
    def test_only_what_means_the_same_is_suggested(self, name, meant):
        finding = only(manifest(f'{name}: "x"'), 'UnknownAnnotation')
        assert finding.evidence['nearest'] == (PREFIX + meant if meant else None)
        assert finding.remediation

    def test_no_suggestion_of_the_tables_is_unknown(self):
        assert set(_SAME.values()) <= set(ANNOTATIONS)
        assert not (set(_SAME) | set(_MOVED)) & set(ANNOTATIONS)

    @pytest.mark.parametrize('key, value, found', [
        ('service.beta.kubernetes.io/aws-load-balancer-internal', 'true', True),
        ('service.beta.kubernetes.io/aws-load-balancer-internal', '0.0.0.0/0', True),
        ('service.beta.kubernetes.io/aws-load-balancer-internal', 'false', False),
        ('networking.gke.io/load-balancer-type', 'Internal', True),
        ('networking.gke.io/load-balancer-type', 'x', False)])
    def test_internal_in_another_cloud_only(self, key, value, found):
        text = manifest(INTERNAL).replace(f'{PREFIX}{INTERNAL}', f'{key}: "{value}"')
        assert ('InternalElsewhereOnly' in codes(text)) is found
        both = manifest(INTERNAL).replace(f'{PREFIX}{INTERNAL}', f'{PREFIX}{INTERNAL}\n    {key}: "{value}"')
        assert 'InternalElsewhereOnly' not in codes(both)

    def test_name_like_no_other(self):
        finding = only(manifest('frobnicate: "1"'), 'UnknownAnnotation')
        assert (finding.severity, finding.evidence['nearest']) == (WARNING, None)
        assert nearest('x' * 101) is None

    def test_names_of_other_tools_are_left_alone(self):
        text = manifest(INTERNAL).replace(f'{PREFIX}azure-load-balancer-internal', 'example.com/azure-thing')
        assert not codes(text) & {'UnknownAnnotation', 'ForeignAnnotation'}

    @pytest.mark.parametrize('value, refused', [
        ('true', True), ('on', True), ('Yes', True), ('y', True), ('4', True), ('1e3', True), ('0o17', True),
        ('08', True), ('.5', True), ('[a]', True), ('{a: b}', True), ('"true"', False), ("'4'", False),
        ('!!str 4', False), ('1:30', False), ('2001-01-01', False), ('1.0.0', False), ('~', False), ('', False)])
    def test_not_a_string(self, value, refused):
        assert ('AnnotationNotString' in codes(manifest(f'azure-pip-tags: {value}'))) == refused

    def test_not_a_string_in_json(self):
        text = json.dumps({'apiVersion': 'v1', 'kind': 'Service',
                           'metadata': {'name': 'web', 'annotations': {'example.com/a': 1.5}},
                           'spec': {'type': 'LoadBalancer', 'ports': [{'port': 80}]}}, indent='\t')
        finding = only(text, 'AnnotationNotString')
        assert finding.evidence['line'] == 7
        assert finding.target == 'metadata.annotations["example.com/a"]'

    @pytest.mark.parametrize('value, code, severity', [
        ('"4"', None, None), ('"30"', None, None), ('"+7"', None, None), ('" 7 "', None, None),
        ('"3"', 'AnnotationOutOfRange', ERROR), ('"31"', None, None), ('"100"', None, None),
        ('"101"', 'AnnotationOutOfRange', ERROR),
        ('"4.5"', 'AnnotationValueInvalid', ERROR), ('"4 min"', 'AnnotationValueInvalid', ERROR),
        ('"٤"', 'AnnotationValueInvalid', ERROR), ('""', 'AnnotationEmpty', ERROR), ('~', 'AnnotationEmpty', ERROR)])
    def test_idle_timeout(self, value, code, severity):
        found = [(finding.code, finding.severity)
                 for finding in findings(manifest(f'azure-load-balancer-tcp-idle-timeout: {value}'))
                 if finding.severity != INFO]
        assert found == ([(code, severity)] if code else [])

    @pytest.mark.parametrize('line', [
        'azure-load-balancer-health-probe-interval: "4"', 'azure-load-balancer-health-probe-num-of-probe: "1"',
        'port_80_health-probe_interval: "0"', 'azure-load-balancer-ipv4: "2001:db8::1"',
        'azure-load-balancer-ipv6: "20.0.0.1"', 'azure-load-balancer-ipv4: "20.0.0.256"',
        'azure-dns-label-name: "-web"', 'azure-dns-label-name: "web.westeurope"', 'azure-pip-prefix-id: egress',
        'azure-load-balancer-internal-subnet: /subscriptions/x/subnets/apps',
        'azure-additional-public-ips: "20.1.2.3,x"', 'port_80_health-probe_port: "70000"',
        'azure-pls-ip-configuration-ip-address-count: "9"',
        'azure-pls-ip-configuration-ip-address: "10.0.0.1 2001:db8::1"'])
    def test_values_that_fail(self, line):
        assert {finding.severity for finding in findings(manifest(line))
                if finding.code in ('AnnotationValueInvalid', 'AnnotationOutOfRange', 'ProbePortUnknown')} == {ERROR}

    @pytest.mark.parametrize('line', [
        'azure-load-balancer-health-probe-protocol: gopher', 'azure-load-balancer-disable-tcp-reset: "1"',
        'azure-load-balancer-health-probe-request-path: ready', 'azure-pip-tags: team'])
    def test_values_that_are_passed_over(self, line):
        assert only(manifest(line), 'AnnotationValueInvalid').severity == WARNING

    def test_probing_time_of_a_port_goes_by_both(self):
        lines = 'azure-load-balancer-health-probe-interval: "30"\nport_80_health-probe_num-of-probe: "4"'
        finding = only(manifest(lines), 'ProbingTooLong')
        assert (finding.evidence['intervalInSeconds'], finding.evidence['probes']) == (30, 4)


class TestExposure:
    """Addresses, ranges, policies."""

    def test_high_availability_ports_on_a_public_service(self):
        line = 'azure-load-balancer-enable-high-availability-ports: '
        assert only(manifest(line + '"true"'), 'AnnotationNeedsAnother').severity == WARNING
        assert 'AnnotationNeedsAnother' not in codes(manifest(line + '"false"'))

    def test_public_ranges_of_documentation_are_not_private(self):
        assert 'PrivateRangesOnPublicService' not in codes(
            manifest(spec='loadBalancerSourceRanges: [192.0.2.0/24, 198.51.100.0/24]'))

    @pytest.mark.parametrize('value', ['10.0.0.0', '10.0.0.0/33', '10.0.0.0/255.0.0.0', '10.0.0.0/08', 'x', '::/129',
                                       '10.0.0/8', '/8', 'fe80::%1/64', '10.0.0.0/-1'])
    def test_no_cidr(self, value):
        for text in (manifest(spec=f'loadBalancerSourceRanges: ["{value}"]'),
                     manifest(f'azure-allowed-ip-ranges: "{value}"')):
            assert only(text, 'SourceRangeNotCidr').severity == ERROR

    def test_blanks_around_a_range_are_allowed(self):
        assert not {ERROR, WARNING} & {finding.severity for finding in findings(
            manifest(spec='loadBalancerSourceRanges: [" 203.0.113.0/24 "]'))}

    def test_host_bits_name_the_network(self):
        finding = only(manifest(spec='loadBalancerSourceRanges:\n- 10.0.0.0/8\n- 203.0.113.7/24'),
                       'SourceRangeHostBits')
        assert finding.evidence == {'line': 11, 'network': '203.0.113.0/24'}
        assert finding.target == 'spec.loadBalancerSourceRanges[1]'

    def test_open_range(self):
        text = manifest(spec='loadBalancerSourceRanges: [0.0.0.0/0]')
        assert 'PublicServiceOpen' in codes(text)
        assert 'RangesOpenToAll' not in codes(text)

    def test_both_families(self):
        lines = 'azure-load-balancer-ipv4: 20.0.0.2\nazure-load-balancer-ipv6: "2001:db8::1"'
        assert only(manifest(lines), 'AddressFamilyMismatch').target.endswith('azure-load-balancer-ipv6"]')
        assert 'AddressFamilyMismatch' not in codes(manifest(lines, 'ipFamilyPolicy: PreferDualStack'))
        assert 'AddressFamilyMismatch' not in codes(manifest(
            'azure-load-balancer-ipv6: "2001:db8::1"'), CONTEXT._replace(ip_families=('IPv6',)))

    def test_pods_are_not_asked_about_before_1_25(self):
        text = manifest(spec='loadBalancerSourceRanges: [203.0.113.0/24]')
        assert only(text, 'PodsNotInRanges').severity == INFO
        assert only(text, 'PodRangeMissing', CONTEXT).severity == WARNING
        assert 'PodRangeMissing' not in codes(text, CONTEXT._replace(kubernetes_version=(1, 24)))

    def test_private_link_with_proxy_protocol_keeps_its_probe(self):
        lines = INTERNAL + '\nazure-load-balancer-health-probe-request-path: /a\nazure-pls-create: "true"'
        assert 'LocalIgnoresProbeAnnotations' in codes(manifest(lines, 'externalTrafficPolicy: Local'))
        assert 'LocalIgnoresProbeAnnotations' not in codes(
            manifest(lines + '\nazure-pls-proxy-protocol: "true"', 'externalTrafficPolicy: Local'))


class TestCluster:
    """With a cluster."""

    def test_snat_ports_that_a_shared_ip_costs(self):
        ports = '  - {name: a, port: 80}\n  - {name: b, port: 443}\n  - {name: c, port: 15021}\n'
        finding = only(manifest('azure-pip-name: OUTBOUND\nport_15021_no_lb_rule: "true"', ports=ports),
                       'SharesOutboundIP', CONTEXT)
        assert (finding.evidence['rules'], finding.evidence['snatPorts']) == (2, 16)

    @pytest.mark.parametrize('now, at_most, count, severity', [
        (7, 7, 1, None), (8, 9, 1, ERROR), (7, 8, 1, WARNING),
        (7, 7, 999, None), (7, 7, 1000, None), (7, 7, 1001, ERROR)])  # 64000 - 7 x 8000 are 1000 blocks
    def test_ports_that_shared_ips_take_from_nodes(self, now, at_most, count, severity):
        context = CONTEXT._replace(nodes_now=now, nodes_at_most=at_most, outbound=OutboundPorts(8000, 64000, 0))
        text = '---\n'.join(manifest('azure-load-balancer-ipv4: 20.0.0.1', name=f'web-{number}',
                                     ports=f'  - port: {number + 1}\n') for number in range(count))
        assert [one.severity for one in findings(text, context) if one.code == 'OutboundPortsShort'] == (
            [severity] if severity else [])

    @pytest.mark.parametrize('context', [
        {'nodes_now': 8, 'nodes_at_most': 8},  # automatic
        {'outbound': OutboundPorts(8000, 64000, 0)}, {}])
    def test_of_ports_that_are_not_known_to_be_set_nothing_is_said(self, context):
        text = manifest('azure-load-balancer-ipv4: 20.0.0.1')
        assert 'OutboundPortsShort' not in codes(text, CONTEXT._replace(**context))

    def test_deprecated_field_asks_for_the_ip_too(self):
        assert 'SharesOutboundIP' in codes(manifest(spec='loadBalancerIP: 20.0.0.1'), CONTEXT)

    def test_name_in_another_group_is_another_ip(self):
        text = manifest('azure-pip-name: outbound\nazure-load-balancer-resource-group: other')
        assert 'SharesOutboundIP' not in codes(text, CONTEXT)

    def test_services_with_an_address_are_on_the_load_balancer(self):
        one = manifest() + 'status:\n  loadBalancer:\n    ingress:\n    - ip: 20.0.0.9\n'
        assert 'TooManyFrontends' not in codes('---\n'.join([one] * 5), CONTEXT)

    def test_limits_count_services_that_share_an_address_once(self):
        one = manifest('azure-load-balancer-ipv4: 20.0.0.2')
        assert 'TooManyFrontends' not in codes('---\n'.join([one] * 3), CONTEXT)

    def test_both_families_count_twice(self):
        text = manifest(spec='ipFamilyPolicy: PreferDualStack')
        two = CONTEXT._replace(ip_families=('IPv4', 'IPv6'), frontends=599)
        assert 'TooManyFrontends' in codes(text, two)
        assert only(text, 'TooManyFrontends', two).severity == WARNING

    def test_internal_services_are_on_another_load_balancer(self):
        text = '---\n'.join([manifest(INTERNAL)] * 4)
        assert 'TooManyRules' not in codes(text, CONTEXT)
        assert 'TooManyRulesPerNic' in codes(text, CONTEXT)

    def test_an_empty_context_says_nothing_more(self):
        for bad, _, _ in CLUSTER_CASES.values():
            # Known, and empty but for what no rule looks at alone.
            assert codes(bad, NO_CLUSTER._replace(location='westeurope')) == codes(bad)


class TestResult:
    """What the command returns."""

    def test_shape(self):
        result = check_service(check(
            manifest(kind='ClusterIP') + '---\n' + manifest(INTERNAL, 'externalTrafficPolicy: local')))
        assert [{key: one[key] for key in ('file', 'document', 'namespace', 'name')} for one in result] == [
            {'file': 'web.yaml', 'document': 2, 'namespace': None, 'name': 'web'}]
        finding, = result[0]['findings']
        assert list(finding) == ['code', 'severity', 'message', 'target', 'evidence', 'remediation', 'command', 'link',
                                 'baseline']
        assert json.loads(json.dumps(result)) == result

    def test_services_without_findings_are_listed(self):
        text = manifest(INTERNAL, 'externalTrafficPolicy: Local')
        assert [one['findings'] for one in check_service(check(text))] == [[]]

    def test_worst_first(self):
        severities = [finding.severity for finding in findings(manifest(
            'azure-load-balancer-mode: x\nazure-load-balancer-tcp-idle-timeout: "1"'))]
        assert severities == sorted(severities, key=SEVERITIES.index)

    def test_summary_counts_what_was_skipped(self):
        text = manifest() + '---\n' + manifest(kind='ClusterIP') + '---\nkind: ConfigMap\napiVersion: v1\n---\na: b\n'
        result = check(text)
        assert (result.documents, result.objects, result.services, result.skipped) == (4, 3, 1, 2)
        assert summary(result) == 'Read 1 file with 3 objects: checked 1 Service of type LoadBalancer, skipped 2.'

    def test_other_groups_have_services_too(self):
        assert check(manifest().replace('v1', 'serving.knative.dev/v1')).services == 0

    @pytest.mark.parametrize('old, new', [('kind: Service', 'kind: service'), ('apiVersion: v1', 'apiVersion: V1'),
                                          ('apiVersion: v1\n', ''), ('type: LoadBalancer', 'type: Load-Balancer')])
    def test_misspelt_services_are_checked(self, old, new):
        assert only(manifest().replace(old, new), 'SpellingInvalid').severity == ERROR

    def test_services_of_other_classes_get_no_azure_rules(self):
        text = manifest('azure-load-balancer-interal: "true"', 'loadBalancerClass: example.com/other')
        assert codes(text) == {'OtherLoadBalancerClass'}


class TestFailures:
    """A rule that fails is said, and does not stop the others."""

    @pytest.fixture(autouse=True)
    def breaking(self, monkeypatch):
        def judge(rule, subject):
            yield rule.finding('Before.', **subject.at(('spec',)))
            raise ZeroDivisionError('by zero')
        rule = Rule('Breaking', ERROR, 'Title.', 'Why.', 'https://example.com', judge)
        monkeypatch.setattr('azext_lbplan.rules.service.check.RULES', (rule, *shape_rules.RULES))

    def test_it_is_a_warning_in_the_engine_s_words(self):
        finding = only(manifest(ports=''), 'Breaking')
        assert (finding.severity, finding.message) == (
            WARNING, 'The rule failed (ZeroDivisionError: by zero). Please report this.')

    def test_the_others_have_a_say(self):
        assert codes(manifest(INTERNAL, 'externalTrafficPolicy: Local', ports='')) == {'Breaking', 'NoPorts'}
