# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Who may connect: internal or public, open to all, closed to all, and what stands in between."""

import pytest

from azext_lbplan.model.finding import ERROR, INFO, WARNING
from azext_lbplan.model.service_context import NO_CLUSTER, ServiceContext
from tests.support.manifest_cases import INTERNAL, PREFIX, manifest
from tests.unit.rules.test_manifests import codes, findings, only

ACCESS = {'PublicServiceOpen', 'NobodyCanConnect', 'RangesOpenToAll', 'InternalNotExact', 'SourceRangeNotCidr',
          'SourceRangeHostBits', 'FamilyWithoutRanges', 'AnnotationEmpty', 'AnnotationValueInvalid',
          'SourceRangeFamily'}


def said(text, context=NO_CLUSTER):
    """The codes about access."""
    return codes(text, context) & ACCESS


def ranges(*values, more=''):
    """A public Service with source ranges in its spec."""
    return manifest(spec='loadBalancerSourceRanges: [' + ', '.join(f'"{value}"' for value in values) + ']\n' + more)


@pytest.mark.parametrize('value, code', [
    ('True', 'InternalNotExact'), ('TRUE', 'InternalNotExact'), ('tRue', 'InternalNotExact'),
    ('yes', 'AnnotationValueInvalid'), ('1', 'AnnotationValueInvalid'), (' true', 'AnnotationValueInvalid'),
    ('true ', 'AnnotationValueInvalid'), ('on', 'AnnotationValueInvalid'), ('', 'AnnotationEmpty')])
def test_only_true_is_internal(value, code):
    text = manifest(f'azure-load-balancer-internal: "{value}"')
    assert only(text, code).severity == ERROR
    # Whose security rules are those of an internal service is not open, though it is public.
    assert ('PublicServiceOpen' in codes(text)) is (code != 'InternalNotExact')


@pytest.mark.parametrize('value', ['true', 'false', 'False', 'FALSE'])
def test_spellings_of_internal_that_do_what_they_say(value):
    assert said(manifest(f'azure-load-balancer-internal: "{value}"')) <= {'PublicServiceOpen'}


@pytest.mark.parametrize('name', [
    'azure-disable-load-balancer-floating-ip', 'azure-load-balancer-disable-tcp-reset', 'port_80_no_probe_rule',
    'azure-load-balancer-enable-high-availability-ports', 'azure-deny-all-except-load-balancer-source-ranges'])
@pytest.mark.parametrize('value, wrong', [('true', False), ('True', False), ('TRUE', False), ('false', False),
                                          ('yes', True), ('1', True), (' true', True)])
def test_other_switches_take_any_case_and_no_blanks(name, value, wrong):
    assert ('AnnotationValueInvalid' in codes(manifest(f'{INTERNAL}\n{name}: "{value}"'))) is wrong


@pytest.mark.parametrize('value, wrong', [('true', False), (' True ', False), ('yes', True)])
def test_private_link_switches_take_blanks(value, wrong):
    assert ('AnnotationValueInvalid' in codes(manifest(f'{INTERNAL}\nazure-pls-create: "{value}"'))) is wrong
    public = codes(manifest(f'azure-pls-create: "{value}"'))
    assert ('PrivateLinkOnPublicService' in public) is not wrong


@pytest.mark.parametrize('text, expected', [
    (manifest(), {'PublicServiceOpen'}),
    (manifest(spec='loadBalancerSourceRanges: []'), {'PublicServiceOpen'}),
    (ranges('0.0.0.0/0'), {'PublicServiceOpen'}),
    (ranges('0.0.0.0/0', '::/0'), {'PublicServiceOpen'}),
    (manifest('azure-allowed-ip-ranges: "0.0.0.0/0"'), {'PublicServiceOpen'}),
    (manifest('azure-allowed-service-tags: Internet'), {'PublicServiceOpen'}),
    (manifest('azure-allowed-service-tags: internet, AzureCloud'), {'PublicServiceOpen', 'RangesOpenToAll'}),
    (manifest('azure-allowed-service-tags: AzureCloud\nazure-allowed-ip-ranges: 0.0.0.0/0'), {'PublicServiceOpen'}),
    (ranges('0.0.0.0/1', '128.0.0.0/1'), {'PublicServiceOpen', 'RangesOpenToAll'}),
    (ranges('0.0.0.0/0', '203.0.113.0/24'), {'PublicServiceOpen', 'RangesOpenToAll'}),
    (ranges('0.0.0.0/2', '64.0.0.0/2', '128.0.0.0/2', '192.0.0.0/3'), set()),
    (ranges('203.0.113.0/24'), set()),
    (manifest('azure-allowed-service-tags: AzureCloud'), set()),
    (manifest(INTERNAL), set()),
    (manifest(INTERNAL + '\nazure-allowed-ip-ranges: "0.0.0.0/0"'), set())])
def test_open_to_all(text, expected):
    assert said(text) == expected


@pytest.mark.parametrize('text, expected', [
    (manifest('azure-allowed-ip-ranges: ""'), {'NobodyCanConnect'}),
    (manifest('azure-allowed-ip-ranges: "  "'), {'NobodyCanConnect'}),
    (manifest('load-balancer-source-ranges: ""'), {'NobodyCanConnect'}),
    (manifest('azure-allowed-service-tags: ""'), {'NobodyCanConnect'}),
    (manifest('azure-allowed-service-tags: ","'), {'NobodyCanConnect'}),
    (manifest('azure-allowed-ip-ranges: "office"'), {'NobodyCanConnect', 'SourceRangeNotCidr'}),
    (ranges('10.0.0.1/8'), {'NobodyCanConnect', 'SourceRangeHostBits'}),
    (ranges('10.0.0.1/8', '203.0.113.0/24'), {'SourceRangeHostBits'}),
    (manifest('azure-allowed-ip-ranges: "203.0.113.0/24,"'), {'SourceRangeNotCidr'}),
    (manifest('azure-allowed-ip-ranges: "::/0"', 'ipFamilies: [IPv4]'), {'NobodyCanConnect'}),
    (ranges('2001:db8::/32', more='ipFamilies: [IPv4]'), {'NobodyCanConnect', 'SourceRangeFamily'}),
    (manifest(INTERNAL + '\nazure-allowed-ip-ranges: ""'), {'NobodyCanConnect'}),
    (manifest(INTERNAL + '\nazure-allowed-service-tags: ""'), set()),
    (manifest('azure-allowed-service-tags: "AzureCloud,"'), set())])
def test_closed_to_all(text, expected):
    assert said(text) == expected
    if 'NobodyCanConnect' in expected:
        assert only(text, 'NobodyCanConnect').severity == ERROR


def test_the_virtual_network_is_denied_too_by_an_invalid_range():
    assert 'denies all the rest' in only(manifest('azure-allowed-ip-ranges: "x"'), 'NobodyCanConnect').message
    assert 'from the Internet' in only(manifest('azure-allowed-service-tags: ""'), 'NobodyCanConnect').message


@pytest.mark.parametrize('policy, context, found', [
    ('ipFamilyPolicy: RequireDualStack', NO_CLUSTER, True),
    ('ipFamilyPolicy: PreferDualStack', NO_CLUSTER, False),
    ('ipFamilyPolicy: PreferDualStack', ServiceContext(ip_families=('IPv4', 'IPv6')), True),
    ('ipFamilyPolicy: PreferDualStack', ServiceContext(ip_families=('IPv4',)), False),
    ('ipFamilyPolicy: PreferDualStack\nipFamilies: [IPv4, IPv6]', NO_CLUSTER, True)])
@pytest.mark.parametrize('value', ['0.0.0.0/0', '203.0.113.0/24'])
def test_dual_stack_with_ranges_of_one_family(policy, context, found, value):
    text = ranges(value, more=policy)
    assert ('FamilyWithoutRanges' in codes(text, context)) is found
    if found:
        assert 'over IPv6' in only(text, 'FamilyWithoutRanges', context).message


def test_conflicting_restrictions():
    both = 'loadBalancerSourceRanges: [203.0.113.0/24]'
    tags = manifest('azure-allowed-service-tags: AzureCloud', both)
    assert only(tags, 'SourceRangesWithServiceTags').severity == WARNING
    text = manifest('azure-allowed-ip-ranges: 198.51.100.0/24', both)
    assert only(text, 'SourceRangesWithAllowedRanges').severity == ERROR
    assert only(text, 'SourceRangesWithAllowedRanges').message.endswith('(From Kubernetes 1.29 on.)')
    known = only(text, 'SourceRangesWithAllowedRanges', ServiceContext(kubernetes_version=(1, 29)))
    assert not known.message.endswith(')')
    assert 'SourceRangesWithAllowedRanges' not in codes(text, ServiceContext(kubernetes_version=(1, 28)))
    # An invalid range is none: the two do not conflict then.
    assert 'SourceRangesWithAllowedRanges' not in codes(manifest('azure-allowed-ip-ranges: x', both))


@pytest.mark.parametrize('lines, spec, found', [
    ('', '', True), ('', 'loadBalancerSourceRanges: [10.0.0.0/8]', False),
    ('\nazure-allowed-ip-ranges: 10.0.0.0/8', '', False), ('\nazure-allowed-service-tags: AzureCloud', '', True)])
@pytest.mark.parametrize('value', ['true', 'TRUE'])
def test_deny_all_needs_ranges_and_tags_are_none(lines, spec, found, value):
    text = manifest(f'{INTERNAL}\nazure-deny-all-except-load-balancer-source-ranges: "{value}"{lines}', spec)
    assert ('DenyAllWithoutRanges' in codes(text)) is found


@pytest.mark.parametrize('version, severities', [
    (None, {INFO}), ((1, 34), {WARNING}), ((1, 35), {INFO}), ((1, 36), {INFO}), ((1, 37), set())])
def test_no_security_rule_by_version(version, severities):
    text = manifest('azure-disable-load-balancer-nsg-rule: "true"')
    assert {finding.severity for finding in findings(text, ServiceContext(kubernetes_version=version))
            if finding.code == 'NoSecurityRule'} == severities


def test_no_security_rule_beside_ranges():
    text = manifest('azure-disable-load-balancer-nsg-rule: "true"\nazure-allowed-ip-ranges: 10.0.0.0/8')
    assert only(text, 'NoSecurityRule', ServiceContext(kubernetes_version=(1, 37))).severity == WARNING


def test_what_every_service_would_be_told_is_said_once():
    text = '---\n'.join(manifest(name=f'web-{number}') for number in range(30))
    finding = only(text, 'PublicServiceOpen')
    assert (finding.evidence['count'], len(finding.evidence['names'])) == (30, 20)
    assert finding.message.startswith('30 Services that everybody on the Internet may connect to: web-0, web-1, web-2')
    assert len(findings(text)) == 2


def test_foreign_annotations_are_said_once():
    text = '---\n'.join(manifest('aws-load-balancer-type: nlb', name=f'web-{number}') for number in range(3))
    assert PREFIX + 'aws-load-balancer-type' in only(text, 'ForeignAnnotation').message
