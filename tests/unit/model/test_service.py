# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""One Service, and where its fields stand."""

import ipaddress

import pytest

from azext_lbplan.inputs.documents import read_documents
from azext_lbplan.model.service import is_within, parse_service, written_path

TEXT = """\
kind: Service
metadata:
  name: web
  annotations: [odd]
spec:
  ports:
  - port: 80
  - odd
status:
  loadBalancer:
    ingress:
    - ip: 20.0.0.1
"""


@pytest.fixture(name='service')
def _service():
    document, = read_documents(TEXT.encode())
    return parse_service(document.value)


def test_fields_of_another_type_count_as_missing(service):
    assert (service.annotations, service.namespace, service.internal) == ({}, None, False)
    assert service.ports == ((0, {'port': 80}),)
    assert service.has_address


@pytest.mark.parametrize('path, line', [
    ((), 1), (('metadata', 'name'), 3), (('metadata', 'namespace'), 2), (('metadata', 'annotations', 'a/b'), 4),
    (('spec', 'ports', 1), 8), (('spec', 'ports', 7, 'port'), 6), (('spec', 'ports', 0, 'port'), 7), (('x', 'y'), 1)])
def test_the_line_of_a_field_or_of_what_is_around_it(service, path, line):
    assert service.body.line(path) == line


@pytest.mark.parametrize('path, written', [
    ((), None), (('spec', 'ports', 0, 'port'), 'spec.ports[0].port'),
    (('metadata', 'annotations', 'a.b/c"'), r'metadata.annotations["a.b/c\""]')])
def test_paths_as_kubectl_writes_them(path, written):
    assert written_path(path) == written


def test_networks_of_two_versions_never_hold_each_other():
    small, large, other = map(ipaddress.ip_network, ('10.1.0.0/16', '10.0.0.0/8', '::/0'))
    assert (is_within(small, large), is_within(large, small), is_within(small, other), is_within(other, other)) == (
        True, False, False, True)
