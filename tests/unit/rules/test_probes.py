# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Health probes: what each port gets, and what is said of it."""

import pytest

from azext_lbplan.model.finding import ERROR, WARNING
from azext_lbplan.model.service_context import NO_CLUSTER, ServiceContext
from azext_lbplan.views.services import check_service
from tests.support.manifest_cases import INTERNAL, manifest
from tests.unit.rules.test_manifests import check, codes, findings, only

HTTP = '  - {port: 80, appProtocol: http}\n'
LOCAL = 'externalTrafficPolicy: Local'
HIGH = INTERNAL + '\nazure-load-balancer-enable-high-availability-ports: "true"'
SHARED = ServiceContext(shared_probe=True)


def probes(text, context=NO_CLUSTER):
    """The probes of the first Service in a result."""
    return check_service(check(text, context))[0]['probes']


def probe(text, context=NO_CLUSTER):
    """The probe of its first port, in short."""
    found = probes(text, context)[0]['probe']
    return found and (found['protocol'], found['requestPath'], found['goesTo'], found['port'],
                      found['intervalInSeconds'], found['numberOfProbes'], found['decidedBy'])


def test_shape_in_the_result():
    ports = '  - {name: a, port: 80, nodePort: 30080}\n  - {name: b, port: 53, protocol: UDP}\n'
    assert probes(manifest(ports=ports)) == [
        {'port': 80, 'protocol': 'TCP', 'probe': {
            'protocol': 'Tcp', 'goesTo': 'nodePort', 'port': 30080, 'requestPath': None, 'intervalInSeconds': 5,
            'numberOfProbes': 2, 'decidedBy': 'default'}},
        {'port': 53, 'protocol': 'UDP', 'probe': None}]


@pytest.mark.parametrize('text, wanted', [
    (manifest(), ('Tcp', None, 'nodePort', None, 5, 2, 'default')),
    (manifest(ports=HTTP), ('Http', '/', 'nodePort', None, 5, 2, 'appProtocol')),
    (manifest(ports='  - {port: 80, appProtocol: HTTPS}\n'), ('Https', '/', 'nodePort', None, 5, 2, 'appProtocol')),
    (manifest(ports='  - {port: 80, appProtocol: kubernetes.io/h2c}\n'),
     ('Tcp', None, 'nodePort', None, 5, 2, 'appProtocol')),
    (manifest('azure-load-balancer-health-probe-protocol: Http', ports='  - {port: 80, appProtocol: grpc}\n'),
     ('Tcp', None, 'nodePort', None, 5, 2, 'appProtocol')),
    (manifest('azure-load-balancer-health-probe-protocol: " Http "'),
     ('Http', '/', 'nodePort', None, 5, 2, 'annotation')),
    (manifest('port_80_health-probe_protocol: tcp', ports=HTTP),
     ('Tcp', None, 'nodePort', None, 5, 2, 'portAnnotation')),
    (manifest('azure-load-balancer-health-probe-request-path: /live\nport_80_health-probe_request-path: /ready',
              ports=HTTP), ('Http', '/ready', 'nodePort', None, 5, 2, 'appProtocol')),
    (manifest('port_80_health-probe_port: "15021"'), ('Tcp', None, 'port', 15021, 5, 2, 'default')),
    (manifest('port_80_health-probe_port: "80"', ports='  - {port: 80, nodePort: 30001}\n'),
     ('Tcp', None, 'nodePort', 30001, 5, 2, 'default')),
    (manifest('port_80_health-probe_port: STATUS', ports='  - {name: status, port: 80, nodePort: 30001}\n'),
     ('Tcp', None, 'nodePort', 30001, 5, 2, 'default')),
    (manifest('azure-load-balancer-health-probe-interval: " 10 "\nport_80_health-probe_num-of-probe: "4"'),
     ('Tcp', None, 'nodePort', None, 10, 4, 'default')),
    (manifest(spec=LOCAL), ('Http', '/healthz', 'healthCheckNodePort', None, 5, 2, 'externalTrafficPolicy')),
    (manifest('azure-load-balancer-health-probe-interval: "7"\nport_80_health-probe_interval: "9"',
              LOCAL + '\nhealthCheckNodePort: 30010', ports=HTTP),
     ('Http', '/healthz', 'healthCheckNodePort', 30010, 7, 2, 'externalTrafficPolicy')),
    (manifest('port_80_health-probe_port: "8080"', LOCAL, ports=HTTP),
     ('Http', '/', 'port', 8080, 5, 2, 'appProtocol')),
    (manifest('port_80_no_probe_rule: "true"', ports=HTTP), None),
    (manifest(ports='  - {port: 53, protocol: UDP}\n'), None),
    (manifest(spec=LOCAL, ports='  - {port: 53, protocol: UDP}\n'),
     ('Http', '/healthz', 'healthCheckNodePort', None, 5, 2, 'externalTrafficPolicy'))])
def test_probe_of_a_port(text, wanted):
    assert probe(text) == wanted


def test_shared_probe_mode():
    text = manifest('port_80_health-probe_port: "8080"\nazure-load-balancer-health-probe-interval: "1"', ports=HTTP)
    assert probe(text, SHARED) == ('Http', '/healthz', 'kubeProxy', 10256, 5, 2, 'shared')
    assert not codes(text, SHARED) & {'AppProtocolProbesRoot', 'ProbingTooLong'}
    assert probe(manifest(spec=LOCAL), SHARED)[2] == 'healthCheckNodePort'


def test_ports_without_a_rule_have_no_probe_and_no_fault():
    text = manifest('port_81_no_lb_rule: "true"\nport_81_health-probe_interval: "100"',
                    ports='  - {name: a, port: 80}\n  - {name: b, port: 81}\n')
    assert [port['port'] for port in probes(text)] == [80]
    assert 'ProbingTooLong' not in codes(text)


class TestAppProtocol:
    """The outage that is reported most."""

    def test_message_and_remedy(self):
        ports = '  - {name: a, port: 80, appProtocol: http}\n  - {name: b, port: 443, appProtocol: https}\n'
        finding = only(manifest('azure-load-balancer-health-probe-interval: "7"', ports=ports), 'AppProtocolProbesRoot')
        assert finding.severity == WARNING
        assert finding.message == ('Because of appProtocol, port 80, 443 is probed by HTTP GET / every 7 seconds; '
                                   '2 answers other than 200 take a node out.')
        assert 'azure-load-balancer-health-probe-request-path: /healthz' in finding.remediation
        assert 'port_80_health-probe_protocol: tcp' in finding.remediation
        assert finding.target == 'spec.ports[0].appProtocol'

    @pytest.mark.parametrize('text', [
        manifest('azure-load-balancer-health-probe-request-path: /healthz', ports=HTTP),
        manifest('azure-load-balancer-health-probe-request-path: /', ports=HTTP),
        manifest('port_80_health-probe_request-path: /healthz', ports=HTTP),
        manifest('port_80_health-probe_protocol: tcp', ports=HTTP),
        manifest('port_80_health-probe_protocol: http', ports=HTTP),
        manifest('port_80_no_probe_rule: "true"', ports=HTTP),
        manifest(spec=LOCAL, ports=HTTP),
        manifest(ports='  - {port: 80, appProtocol: tcp}\n'),
        manifest(ports='  - {port: 80, appProtocol: kubernetes.io/ws}\n'),
        manifest(ports='  - {port: 80, protocol: UDP, appProtocol: http}\n'),
        manifest(spec='loadBalancerClass: example.com/other', ports=HTTP),
        manifest(kind='ClusterIP', ports=HTTP)])
    def test_silent(self, text):
        assert 'AppProtocolProbesRoot' not in codes(text)


@pytest.mark.parametrize('lines, ports, severity', [
    ('azure-load-balancer-health-probe-interval: "4"', '  - port: 80\n', ERROR),
    ('azure-load-balancer-health-probe-interval: "4"', '  - {port: 53, protocol: UDP}\n', WARNING),
    ('azure-load-balancer-health-probe-interval: "4"\nport_80_health-probe_interval: "5"', '  - port: 80\n', WARNING),
    ('port_80_health-probe_num-of-probe: "1"\nport_80_no_probe_rule: "true"', '  - port: 80\n', WARNING),
    (HIGH + '\nport_80_health-probe_num-of-probe: "1"', '  - {name: a, port: 80}\n  - {name: b, port: 81}\n', WARNING),
    ('azure-load-balancer-health-probe-num-of-probe: "99999999999"', '  - port: 80\n', ERROR)])
def test_a_bad_number_fails_only_where_a_probe_takes_it(lines, ports, severity):
    assert [finding.severity for finding in findings(manifest(lines, ports=ports))
            if finding.code == 'AnnotationOutOfRange'] == [severity]


@pytest.mark.parametrize('text, found', [
    (manifest('azure-load-balancer-health-probe-interval: "60"'), True),
    (manifest('azure-load-balancer-health-probe-interval: "60"', LOCAL), True),
    (manifest('azure-load-balancer-health-probe-interval: "60"', ports='  - {port: 53, protocol: UDP}\n'), False),
    (manifest('azure-load-balancer-health-probe-interval: "60"\nport_80_health-probe_interval: "5"'), False),
    (manifest('port_80_health-probe_interval: "60"', LOCAL), False),
    (manifest('port_80_health-probe_interval: "60"\nport_80_no_probe_rule: "true"'), False),
    (manifest(HIGH + '\nport_80_health-probe_interval: "60"',
              ports='  - {name: a, port: 80}\n  - {name: b, port: 81}\n'), False)])
def test_probing_too_long_is_only_said_of_probes_that_are_made(text, found):
    assert ('ProbingTooLong' in codes(text)) is found
    assert 'NoProbeCanBeMade' not in codes(text)


@pytest.mark.parametrize('line, found', [
    ('azure-load-balancer-health-probe-interval: "7"', False),
    ('azure-load-balancer-health-probe-num-of-probe: "3"', False),
    ('azure-load-balancer-health-probe-protocol: http', True),
    ('azure-load-balancer-health-probe-request-path: /a', True),
    ('port_80_health-probe_interval: "7"', True), ('port_80_health-probe_protocol: http', True),
    ('port_80_health-probe_port: "8080"\nport_80_health-probe_protocol: http', False),
    ('port_80_health-probe_port: "8080"\nazure-load-balancer-health-probe-request-path: /a', False),
    ('port_30010_health-probe_interval: "7"', False)])
def test_what_a_local_service_heeds(line, found):
    text = manifest(line, LOCAL + '\nhealthCheckNodePort: 30010')
    assert ('LocalIgnoresProbeAnnotations' in codes(text)) is found


@pytest.mark.parametrize('spec, lines, context, severity', [
    ('', '', NO_CLUSTER, WARNING), ('', '', ServiceContext(shared_probe=False), ERROR), ('', '', SHARED, None),
    ('', 'azure-disable-load-balancer-floating-ip: "true"', SHARED, ERROR),
    ('', 'azure-disable-load-balancer-floating-ip: "true"', NO_CLUSTER, ERROR),
    ('', 'port_80_no_probe_rule: "true"', ServiceContext(shared_probe=False), None),
    ('', 'port_80_health-probe_port: "8080"', ServiceContext(shared_probe=False), None),
    (LOCAL, '', NO_CLUSTER, None), (LOCAL, 'azure-disable-load-balancer-floating-ip: "true"', NO_CLUSTER, ERROR)])
def test_no_node_ports(spec, lines, context, severity):
    text = manifest(lines, f'allocateLoadBalancerNodePorts: false\n{spec}')
    assert [finding.severity for finding in findings(text, context)
            if finding.code == 'NodePortsNotAllocated'] == ([severity] if severity else [])
    own = manifest(lines, f'allocateLoadBalancerNodePorts: false\n{spec}', ports='  - {port: 80, nodePort: 30080}\n')
    assert 'NodePortsNotAllocated' not in codes(own, context)
