# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Services among others: one IP and port, one DNS label; and which of several settings for an IP wins."""

import itertools

import pytest

from azext_lbplan.inputs.manifests import ManifestFile
from azext_lbplan.model.finding import ERROR, INFO, WARNING
from azext_lbplan.model.service_context import NO_CLUSTER
from azext_lbplan.rules.service import check_manifests
from tests.support.manifest_cases import CONTEXT, INTERNAL, PREFIX_ID, manifest
from tests.unit.rules.test_manifests import codes, only

#: Ways to ask for the public IP `inbound` of CONTEXT.
WAYS = {'name': ('azure-pip-name: inbound', ''), 'field': ('', 'loadBalancerIP: 20.0.0.2'),
        'annotation': ('azure-load-balancer-ipv4: 20.0.0.2', '')}


def together(files, context=NO_CLUSTER, code='PortTakenOnSharedIP'):
    """(file, name, severity) of each finding with `code` on the files, {name: text}."""
    checked = check_manifests([ManifestFile(name, text.encode()) for name, text in files.items()], context)
    return [(result.file, result.name, finding.severity) for result in checked.results for finding in result.findings
            if finding.code == code]


@pytest.mark.parametrize('one, other', list(itertools.product(WAYS, WAYS)))
def test_one_ip_however_it_is_asked_for(one, other):
    files = {'a.yaml': manifest(*WAYS[one], name='a'), 'b.yaml': manifest(*WAYS[other], name='b')}
    assert together(files, CONTEXT) == [('b.yaml', 'b', ERROR)]
    # Without a cluster nobody knows the address of a public IP that is named.
    assert bool(together(files)) is ((one == 'name') is (other == 'name'))


@pytest.mark.parametrize('first, second, found', [
    (manifest(INTERNAL, 'loadBalancerIP: 10.0.0.4', 'a'), manifest(INTERNAL, 'loadBalancerIP: 10.0.0.4', 'b'), True),
    (manifest(INTERNAL, 'loadBalancerIP: 10.0.0.4', 'a'), manifest('', 'loadBalancerIP: 10.0.0.4', 'b'), False),
    (manifest('azure-pip-name: x', name='a'), manifest('azure-pip-name: x\nazure-load-balancer-resource-group: other',
                                                      name='b'), False),
    (manifest('azure-pip-name: x', name='a'), manifest('azure-pip-name: X', name='b', ports='  - port: 443\n'), False),
    (manifest('azure-pip-name: x', name='a'),
     manifest('azure-pip-name: x', name='b', ports='  - {port: 80, protocol: UDP}\n'), False),
    (manifest('azure-pip-name: x\nazure-load-balancer-ipv4: 20.0.0.2', name='a'),
     manifest('azure-load-balancer-ipv4: 20.0.0.2', name='b'), False),
    (manifest(f'azure-pip-prefix-id: {PREFIX_ID}\nazure-load-balancer-ipv4: 20.0.0.2', name='a'),
     manifest('azure-load-balancer-ipv4: 20.0.0.2', name='b'), False),
    (manifest('azure-load-balancer-ipv4: 20.0.0.2', 'loadBalancerIP: 20.0.0.3', 'a'),
     manifest('azure-load-balancer-ipv4: 20.0.0.3', name='b'), False),
    (manifest(name='a'), manifest(name='b'), False),
    (manifest('azure-pip-name: x', name='a'), manifest('azure-pip-name: x', name='a'), False),
    (manifest('azure-pip-name: x', name='a'),
     manifest('azure-pip-name: x', 'loadBalancerClass: example.com/other', name='b'), False)])
def test_what_conflicts(first, second, found):
    assert bool(together({'all.yaml': f'{first}---\n{second}'})) is found


def test_files_of_two_folders_may_be_for_two_clusters():
    text = {name: manifest('azure-pip-name: x', name=name) for name in 'ab'}
    assert together({'dev/a.yaml': text['a'], 'dev/b.yaml': text['b']}) == [('dev/b.yaml', 'b', ERROR)]
    assert together({'dev/a.yaml': text['a'], 'prod/b.yaml': text['b']}) == [('prod/b.yaml', 'b', WARNING)]
    assert together({'dev\\a.yaml': text['a'], 'dev\\b.yaml': text['b']}) == [('dev\\b.yaml', 'b', ERROR)]


def test_namespaces_tell_services_of_one_name_apart():
    one, other = (manifest('azure-pip-name: x').replace('  name: web', f'  name: web\n  namespace: {namespace}')
                  for namespace in ('shop', 'blog'))
    finding = only(f'{one}---\n{other}', 'PortTakenOnSharedIP')
    assert finding.message == "Port 80/TCP of the public IP \"x\" is asked for by shop/web (line 4) too."
    assert finding.evidence['otherService'] == 'shop/web'
    assert not together({'a.yaml': one, 'b.yaml': manifest('azure-pip-name: x')})


def test_a_port_without_a_rule_is_a_warning():
    text = manifest('azure-pip-name: x', name='a') + '---\n' + manifest(
        'azure-pip-name: x\nport_80_no_lb_rule: "true"', name='b')
    assert only(text, 'PortTakenOnSharedIP').severity == WARNING


@pytest.mark.parametrize('first, second, severity', [
    ('azure-dns-label-name: shop', 'azure-dns-label-name: SHOP', ERROR),
    ('azure-dns-label-name: shop', 'azure-dns-label-name: blog', None),
    ('azure-dns-label-name: ""', 'azure-dns-label-name: ""', None),
    ('azure-dns-label-name: shop', f'{INTERNAL}\nazure-dns-label-name: shop', None),
    ('azure-dns-label-name: shop\nazure-pip-name: x', 'azure-dns-label-name: shop\nazure-pip-name: x', None),
    ('azure-dns-label-name: shop\nazure-pip-name: x', 'azure-dns-label-name: shop\nazure-pip-name: y', ERROR)])
def test_dns_label_twice(first, second, severity):
    files = {'a.yaml': manifest(first, name='a'), 'b.yaml': manifest(second, name='b', ports='  - port: 443\n')}
    assert together(files, code='DnsLabelTaken') == ([('b.yaml', 'b', severity)] if severity else [])


_ON_X = 'azure-pip-name: x\nazure-dns-label-name: '


@pytest.mark.parametrize('first, second, severity', [
    (_ON_X + 'shop', _ON_X + 'blog', ERROR),
    (_ON_X + 'shop', _ON_X + '""', ERROR),
    (_ON_X + '""', _ON_X + '""', None),
    (_ON_X + 'shop', _ON_X + 'SHOP', None),
    (_ON_X + 'shop', 'azure-pip-name: x', None),
    (_ON_X + 'shop', 'azure-pip-name: y\nazure-dns-label-name: blog', None),
    (_ON_X + 'shop', f'{INTERNAL}\n{_ON_X}blog', None)])
def test_two_dns_labels_on_one_ip(first, second, severity):
    text = {'a': manifest(first, name='a'), 'b': manifest(second, name='b', ports='  - port: 443\n')}
    found = together({f'{name}.yaml': text[name] for name in text}, code='DnsLabelsOnSharedIP')
    assert found == ([('b.yaml', 'b', severity)] if severity else [])
    elsewhere = together({f'{name}/{name}.yaml': text[name] for name in text}, code='DnsLabelsOnSharedIP')
    assert elsewhere == ([('b/b.yaml', 'b', WARNING)] if severity else [])


def test_who_gives_which_label():
    text = manifest(_ON_X + 'shop', name='a') + '---\n' + manifest(_ON_X + '""', name='b', ports='  - port: 443\n')
    finding = only(text, 'DnsLabelsOnSharedIP')
    assert finding.message == 'This service gives the public IP "x" no DNS label, and a (line 4) the DNS label "shop".'


@pytest.mark.parametrize('lines, spec, context, severity, target', [
    ('azure-pip-name: inbound\nazure-load-balancer-ipv4: 20.0.0.2', '', CONTEXT, None, None),
    ('azure-pip-name: inbound\nazure-load-balancer-ipv4: 20.0.0.3', '', CONTEXT, WARNING, 'ipv4'),
    ('azure-pip-name: inbound\nazure-load-balancer-ipv4: 20.0.0.2', '', NO_CLUSTER, INFO, 'ipv4'),
    ('azure-pip-name: inbound', 'loadBalancerIP: 20.0.0.3', CONTEXT, WARNING, 'loadBalancerIP'),
    (f'azure-pip-name: inbound\nazure-pip-prefix-id: {PREFIX_ID}', '', NO_CLUSTER, WARNING, 'prefix-id'),
    ('azure-load-balancer-ipv4: 20.0.0.2', 'loadBalancerIP: 20.0.0.3', NO_CLUSTER, WARNING, 'loadBalancerIP'),
    (INTERNAL + '\nazure-load-balancer-ipv4: 10.0.0.4', 'loadBalancerIP: 10.0.0.5', NO_CLUSTER, WARNING,
     'loadBalancerIP'),
    ('azure-load-balancer-ipv6: "2001:db8::1"', 'loadBalancerIP: 20.0.0.3\nipFamilyPolicy: PreferDualStack',
     NO_CLUSTER, None, None),
    ('', 'loadBalancerIP: 20.0.0.3', NO_CLUSTER, None, None)])
def test_which_setting_wins(lines, spec, context, severity, target):
    text = manifest(lines, spec)
    if severity is None:
        assert 'AddressPassedOver' not in codes(text, context)
    else:
        finding = only(text, 'AddressPassedOver', context)
        assert finding.severity == severity and target in finding.target
