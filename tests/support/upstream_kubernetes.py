# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What Kubernetes' own tests say of Services, as facts: TestValidateServiceCreate and
TestValidateServiceExternalTrafficPolicy of `pkg/apis/core/validation/validation_test.go`, read at kubernetes 000f2605.

A case that does not name a type is carried over to LoadBalancer: the rest of what it is about does not depend on it.
"""

from typing import Any, Dict, List, NamedTuple, Optional


class Case(NamedTuple):
    """One case: what is set beside a valid Service, and whether Kubernetes refuses it. None removes a key."""

    name: str
    refused: bool
    spec: Dict[str, Any] = {}
    ports: Optional[List[Dict[str, Any]]] = None
    metadata: Dict[str, Any] = {}
    type: str = 'LoadBalancer'
    test: str = 'TestValidateServiceCreate'


_P = {'name': 'p', 'protocol': 'TCP', 'port': 8675, 'targetPort': 8675}
_Q = {'name': 'q', 'protocol': 'TCP', 'port': 12345, 'targetPort': 12345}


def _p(**changes: Any) -> List[Dict[str, Any]]:
    return [{key: value for key, value in {**_P, **changes}.items() if value is not None}]


def _more(*ports: Dict[str, Any]) -> List[Dict[str, Any]]:
    return [_P, *({**_Q, **port} for port in ports)]


def _annotated(key: str, value: str) -> Dict[str, Any]:
    return {'annotations': {key: value}}


_OLD_RANGES = 'service.beta.kubernetes.io/load-balancer-source-ranges'
_SINGLE, _PREFER, _REQUIRE = ({'ipFamilyPolicy': policy}
                              for policy in ('SingleStack', 'PreferDualStack', 'RequireDualStack'))


def _ips(*values: str) -> Dict[str, Any]:
    return {'clusterIP': values[0], 'clusterIPs': list(values)}


def _families(*values: str) -> Dict[str, Any]:
    return {'ipFamilies': list(values)}


CASES = [
    Case('missing namespace', True, metadata={'namespace': None}),
    Case('invalid namespace', True, metadata={'namespace': '-123'}),
    Case('missing name', True, metadata={'name': None}),
    Case('invalid name', True, metadata={'name': '-123'}),
    Case('too long name', True, metadata={'name': 'a' * 64}),
    Case('invalid generateName', True, metadata={'generateName': '-123'}),
    Case('too long generateName', True, metadata={'generateName': 'a' * 64}),
    Case('invalid label', True, metadata={'labels': {'NoUppercaseOrSpecialCharsLike=Equals': 'bar'}}),
    Case('invalid annotation', True, metadata=_annotated('NoSpecialCharsLike=Equals', 'bar')),
    Case('nil selector', False, {'selector': None}),
    Case('invalid selector', True, {'selector': {'NoSpecialCharsLike=Equals': 'bar'}}),
    Case('missing session affinity', True, {'sessionAffinity': None}),
    Case('missing type', True, {'type': ''}),
    Case('missing ports', True, {'ports': None}),
    Case('missing ports but headless', False, {'ports': None, **_ips('None')}, type='ClusterIP'),
    Case('empty port[0] name', False, ports=_p(name=None)),
    Case('empty port[1] name', True, ports=_more({'name': ''})),
    Case('empty multi-port port[0] name', True, ports=[*_p(name=None), {**_Q, 'name': 'p'}]),
    Case('invalid port name', True, ports=_p(name='INVALID')),
    Case('missing protocol', True, ports=_p(protocol=None)),
    Case('invalid protocol', True, ports=_p(protocol='INVALID')),
    Case('invalid cluster ip', True, _ips('invalid')),
    Case('missing port', True, ports=_p(port=0)),
    Case('invalid port', True, ports=_p(port=65536)),
    Case('invalid TargetPort int', True, ports=_p(targetPort=65536)),
    Case('valid port headless', False, _ips('None'), _p(port=11722, targetPort=11722), type='ClusterIP'),
    Case('invalid port headless 1', False, _ips('None'), _p(port=11722, targetPort=11721), type='ClusterIP'),
    Case('invalid port headless 2', False, _ips('None'), _p(port=11722, targetPort='target'), type='ClusterIP'),
    Case('invalid publicIPs localhost', True, {'externalIPs': ['127.0.0.1']}),
    Case('invalid publicIPs unspecified', True, {'externalIPs': ['0.0.0.0']}),
    Case('invalid publicIPs loopback', True, {'externalIPs': ['127.0.0.1']}),
    Case('invalid publicIPs host', True, {'externalIPs': ['myhost.mydomain']}),
    Case('valid publicIPs', False, {'externalIPs': ['1.2.3.4']}),
    Case('dup port name', True, ports=_more({'name': 'p'})),
    Case('valid load balancer protocol UDP 1', False, ports=_p(protocol='UDP')),
    Case('valid load balancer protocol UDP 2', False, ports=[{**_Q, 'protocol': 'UDP'}]),
    Case('load balancer with mix protocol', False, ports=_more({'protocol': 'UDP'})),
    Case('valid 1', False),
    Case('valid 2', False, ports=_p(protocol='UDP', targetPort=12345)),
    Case('valid 3', False, ports=_p(targetPort='http')),
    Case('valid cluster ip - none', False, _ips('None'), type='ClusterIP'),
    Case('valid cluster ip - empty', False, ports=_p(targetPort='http')),
    Case('valid type - clusterIP', False, type='ClusterIP'),
    Case('valid type - loadbalancer', False),
    Case('valid type - loadbalancer with allocateLoadBalancerNodePorts=false', False,
         {'allocateLoadBalancerNodePorts': False}),
    Case('invalid type - missing AllocateLoadBalancerNodePorts for loadbalancer type', True,
         {'allocateLoadBalancerNodePorts': None}),
    Case('valid type loadbalancer 2 ports', False, ports=_more({})),
    Case('valid external load balancer 2 ports', False, ports=_more({})),
    Case('duplicate nodeports', True, ports=_more({'port': 1, 'nodePort': 30001, 'name': 'q'},
                                                  {'port': 2, 'nodePort': 30001, 'name': 'r'})),
    Case('duplicate nodeports (different protocols)', False, ports=_more(
        {'port': 1, 'nodePort': 30001, 'name': 'q'}, {'port': 2, 'nodePort': 30001, 'name': 'r', 'protocol': 'UDP'})),
    Case('invalid duplicate ports (with same protocol)', True, ports=_more(
        {'name': 'q', 'targetPort': 8080}, {'name': 'r', 'targetPort': 80})),
    Case('valid duplicate ports (with different protocols)', False, ports=_more(
        {'name': 'q', 'targetPort': 8080}, {'name': 'r', 'targetPort': 80, 'protocol': 'UDP'})),
    Case('valid type - cluster', False, type='ClusterIP'),
    Case('valid type - nodeport', False, type='NodePort'),
    Case('valid type - loadbalancer with allocateLoadBalancerNodePorts=true', False,
         {'allocateLoadBalancerNodePorts': True}),
    Case('valid type loadbalancer with NodePort', False, ports=_more({'nodePort': 12345})),
    Case('valid type=NodePort service with NodePort', False, ports=_more({'nodePort': 12345}), type='NodePort'),
    Case('valid type=NodePort service without NodePort', False, ports=_more({}), type='NodePort'),
    Case('valid cluster service without NodePort', False, ports=_more({}), type='ClusterIP'),
    Case('invalid public service with duplicate NodePort', True, ports=_more(
        {'name': 'p1', 'port': 1, 'nodePort': 30001}, {'name': 'p2', 'port': 2, 'nodePort': 30001})),
    Case('valid type=LoadBalancer', False, ports=_more({})),
    Case('valid port type=LoadBalancer', False, ports=_more({'name': 'kubelet', 'port': 10250})),
    Case('valid LoadBalancer source range annotation', False, metadata=_annotated(
        _OLD_RANGES, '1.2.3.0/24,  5.6.0.0/16')),
    Case('valid empty LoadBalancer source range annotation', False, metadata=_annotated(_OLD_RANGES, '')),
    Case('valid whitespace-only LoadBalancer source range annotation', False, metadata=_annotated(_OLD_RANGES, '  ')),
    Case('invalid LoadBalancer source range annotation (hostname)', True, metadata=_annotated(_OLD_RANGES, 'foo.bar')),
    Case('invalid LoadBalancer source range annotation (invalid CIDR)', True, metadata=_annotated(
        _OLD_RANGES, '1.2.3.4/33')),
    Case('invalid LoadBalancer source range annotation for non LoadBalancer type service', True, metadata=_annotated(
        _OLD_RANGES, '1.2.3.0/24'), type='ClusterIP'),
    Case('invalid empty-but-set LoadBalancer source range annotation for non LoadBalancer type service', True,
         metadata=_annotated(_OLD_RANGES, ''), type='ClusterIP'),
    Case('valid LoadBalancer source range', False, {'loadBalancerSourceRanges': ['1.2.3.0/24', '5.6.0.0/16']}),
    Case('valid LoadBalancer source range with whitespace', False, {
        'loadBalancerSourceRanges': ['1.2.3.0/24  ', ' 5.6.0.0/16']}),
    Case('invalid empty LoadBalancer source range', True, {'loadBalancerSourceRanges': ['   ']}),
    Case('invalid LoadBalancer source range (hostname)', True, {'loadBalancerSourceRanges': ['foo.bar']}),
    Case('invalid LoadBalancer source range (invalid CIDR)', True, {'loadBalancerSourceRanges': ['1.2.3.4/33']}),
    Case('invalid source range for non LoadBalancer type service', True, {
        'loadBalancerSourceRanges': ['1.2.3.0/24', '5.6.0.0/16']}, type='ClusterIP'),
    Case('invalid source range annotation ignored with valid source range field', False, {
        'loadBalancerSourceRanges': ['1.2.3.0/24', '5.6.0.0/16']}, metadata=_annotated(_OLD_RANGES, 'foo.bar')),
    Case('LoadBalancer type cannot have None ClusterIP', True, _ips('None')),
    Case('invalid externalTraffic field', True, {'externalTrafficPolicy': 'invalid'}),
    Case('nil internalTraffic field when feature gate is on', True, {'internalTrafficPolicy': None}),
    Case('invalid internalTraffic field', True, {'internalTrafficPolicy': 'invalid'}),
    Case('internalTrafficPolicy field set to Cluster', False, {'internalTrafficPolicy': 'Cluster'}),
    Case('internalTrafficPolicy field set to Local', False, {'internalTrafficPolicy': 'Local'}),
    Case('negative healthCheckNodePort field', True, {'externalTrafficPolicy': 'Local', 'healthCheckNodePort': -1}),
    Case('negative healthCheckNodePort field (valid one)', False, {
        'externalTrafficPolicy': 'Local', 'healthCheckNodePort': 31100}),
    Case('invalid timeoutSeconds field', True, {
        'sessionAffinity': 'ClientIP', 'sessionAffinityConfig': {'clientIP': {'timeoutSeconds': -1}}}),
    Case("sessionAffinityConfig can't be set when session affinity is None", True, {
        'sessionAffinity': 'None', 'sessionAffinityConfig': {'clientIP': {'timeoutSeconds': 90}}}),
    Case('invalid, service with invalid ipFamilies', True, _families('not-a-valid-ip-family')),
    Case('invalid, service with invalid ipFamilies (2nd)', True, {
        **_REQUIRE, **_families('IPv4', 'not-a-valid-ip-family')}),
    Case('IPFamilyPolicy(singleStack) is set for two families', False, {**_SINGLE, **_families('IPv4', 'IPv6')}),
    Case('valid, IPFamilyPolicy(preferDualStack) is set for two families', False, {
        **_PREFER, **_families('IPv4', 'IPv6')}),
    Case('invalid, service with 2+ ipFamilies', True, {**_REQUIRE, **_families('IPv4', 'IPv6', 'IPv4')}),
    Case('invalid, service with same ip families', True, {**_REQUIRE, **_families('IPv6', 'IPv6')}),
    Case('valid, nil service ipFamilies', False),
    Case('valid, service with valid ipFamilies (v4)', False, _families('IPv4')),
    Case('valid, service with valid ipFamilies (v6)', False, _families('IPv6')),
    Case('valid, service with valid ipFamilies(v4,v6)', False, {**_REQUIRE, **_families('IPv4', 'IPv6')}),
    Case('valid, service with valid ipFamilies(v6,v4)', False, {**_REQUIRE, **_families('IPv6', 'IPv4')}),
    Case('valid, service preferred dual stack with single family', False, {**_PREFER, **_families('IPv6')}),
    Case('invalid, garbage single ip', True, _ips('garbage-ip')),
    Case('invalid, garbage ips', True, {**_REQUIRE, **_ips('garbage-ip', 'garbage-second-ip')}),
    Case('invalid, garbage first ip', True, {**_REQUIRE, **_ips('garbage-ip', '2001::1')}),
    Case('invalid, garbage second ip', True, {**_REQUIRE, **_ips('2001::1', 'garbage-ip')}),
    Case('invalid, NONE + IP', True, {**_REQUIRE, **_ips('None', '2001::1')}),
    Case('invalid, IP + NONE', True, {**_REQUIRE, **_ips('2001::1', 'None')}),
    Case('invalid, EMPTY STRING + IP', True, {**_REQUIRE, **_ips('', '2001::1')}),
    Case('invalid, IP + EMPTY STRING', True, {**_REQUIRE, **_ips('2001::1', '')}),
    Case('invalid, same ip family (v6)', True, {**_REQUIRE, **_ips('2001::1', '2001::4'), **_families('IPv4', 'IPv6')}),
    Case('invalid, same ip family (v4)', True, {
        **_REQUIRE, **_ips('10.0.0.1', '10.0.0.10'), **_families('IPv4', 'IPv6')}),
    Case('invalid, more than two ips', True, {
        **_REQUIRE, **_ips('10.0.0.1', '2001::1', '10.0.0.10'), **_families('IPv4', 'IPv6')}),
    Case(' multi ip, dualstack not set (request for downgrade)', False, {
        **_SINGLE, **_ips('10.0.0.1', '2001::1'), **_families('IPv4', 'IPv6')}),
    Case('valid, multi ip, single ipfamilies preferDualStack', False, {
        **_PREFER, **_ips('10.0.0.1', '2001::1'), **_families('IPv4')}),
    Case('valid, multi ip, single ipfamilies (must match when provided) + requireDualStack', False, {
        **_REQUIRE, **_ips('10.0.0.1', '2001::1'), **_families('IPv4')}),
    Case("invalid, families don't match (v4=>v6)", True, {**_ips('10.0.0.1'), **_families('IPv6')}),
    Case("invalid, families don't match (v6=>v4)", True, {**_ips('2001::1'), **_families('IPv4')}),
    Case('valid. no field set', False),
    Case('valid, single ip', False, {**_SINGLE, **_ips('10.0.0.1')}),
    Case('valid, single family', False, {**_SINGLE, **_families('IPv6')}),
    Case('valid, single ip + single family', False, {**_SINGLE, **_ips('2001::1'), **_families('IPv6')}),
    Case('valid, single ip + single family (dual stack requested)', False, {
        **_PREFER, **_ips('2001::1'), **_families('IPv6')}),
    Case('valid, single ip, multi ipfamilies', False, {**_REQUIRE, **_ips('10.0.0.1'), **_families('IPv4', 'IPv6')}),
    Case('valid, multi ips, multi ipfamilies (4,6)', False, {
        **_REQUIRE, **_ips('10.0.0.1', '2001::1'), **_families('IPv4', 'IPv6')}),
    Case('valid, ips, multi ipfamilies (6,4)', False, {
        **_REQUIRE, **_ips('2001::1', '10.0.0.1'), **_families('IPv6', 'IPv4')}),
    Case('valid, multi ips (6,4)', False, {**_REQUIRE, **_ips('2001::1', '10.0.0.1')}),
    Case('valid, multi ipfamilies (6,4)', False, {**_REQUIRE, **_families('IPv6', 'IPv4')}),
    Case('valid, multi ips (4,6)', False, {**_REQUIRE, **_ips('10.0.0.1', '2001::1')}),
    Case('valid,  multi ipfamilies (4,6)', False, {**_REQUIRE, **_families('IPv4', 'IPv6')}),
    Case('valid, dual stack', False, _REQUIRE),
    Case('valid appProtocol', False, ports=_p(appProtocol='HTTP')),
    Case('valid custom appProtocol', False, ports=_p(appProtocol='example.com/protocol')),
    Case('invalid appProtocol', True, ports=_p(appProtocol='example.com/protocol_with{invalid}[characters]')),
    Case('invalid cluster ip != clusterIP in multi ip service', True, {
        **_REQUIRE, 'clusterIP': '10.0.0.10', 'clusterIPs': ['10.0.0.1', '2001::1']}),
    Case('invalid cluster ip != clusterIP in single ip service', True, {
        'clusterIP': '10.0.0.10', 'clusterIPs': ['10.0.0.1']}),
    Case('Use AllocateLoadBalancerNodePorts when type is not LoadBalancer', True, {
        'allocateLoadBalancerNodePorts': True}, type='ClusterIP'),
    Case('valid LoadBalancerClass when type is LoadBalancer', False, {
        'loadBalancerClass': 'test.com/test-load-balancer-class'}),
    Case('invalid LoadBalancerClass', True, {'loadBalancerClass': 'Bad/LoadBalancerClass'}),
    Case('invalid: set LoadBalancerClass when type is not LoadBalancer', True, {
        'loadBalancerClass': 'test.com/test-load-balancer-class'}, type='ClusterIP'),
    Case('topology annotations are mismatched', True, metadata={'annotations': {
        'service.kubernetes.io/topology-aware-hints': 'original', 'service.kubernetes.io/topology-mode': 'different'}}),
    Case('valid: trafficDistribution field set to PreferClose', False, {'trafficDistribution': 'PreferClose'}),
    Case('invalid: trafficDistribution field set to Random', True, {'trafficDistribution': 'Random'}),
    *(Case(*case, test='TestValidateServiceExternalTrafficPolicy') for case in (
        ('valid loadBalancer service with externalTrafficPolicy and healthCheckNodePort set', False, {
            'externalTrafficPolicy': 'Local', 'healthCheckNodePort': 32567}, None, {}, 'LoadBalancer'),
        ('valid nodePort service with externalTrafficPolicy set', False, {'externalTrafficPolicy': 'Local'}, None, {},
         'NodePort'),
        ('cannot set healthCheckNodePort field on loadBalancer service with externalTrafficPolicy!=Local', True, {
            'externalTrafficPolicy': 'Cluster', 'healthCheckNodePort': 32567}, None, {}, 'LoadBalancer'),
        ('cannot set healthCheckNodePort field on nodePort service', True, {
            'externalTrafficPolicy': 'Local', 'healthCheckNodePort': 32567}, None, {}, 'NodePort'),
        ('cannot set externalTrafficPolicy or healthCheckNodePort fields on clusterIP service', True, {
            'externalTrafficPolicy': 'Local', 'healthCheckNodePort': 32567}, None, {}, 'ClusterIP'),
        ('externalTrafficPolicy is required on LoadBalancer service', True, {'externalTrafficPolicy': None}, None, {},
         'LoadBalancer'))),
]

_DEFAULT = 'the API server fills it in before it validates'
_ALLOCATED = 'refused by pkg/registry/core/service, which allocates after this validation'

#: {case: why our verdict is another one}.
ARGUED = {
    'missing namespace': _DEFAULT + ', from the request',
    'missing session affinity': _DEFAULT, 'missing protocol': _DEFAULT,
    'invalid type - missing AllocateLoadBalancerNodePorts for loadbalancer type': _DEFAULT,
    'nil internalTraffic field when feature gate is on': _DEFAULT,
    'externalTrafficPolicy is required on LoadBalancer service': _DEFAULT,
    'missing type': _DEFAULT + ', with ClusterIP: no load balancer is asked for',
    'valid type loadbalancer with NodePort': _ALLOCATED + ': AKS gives out 30000 to 32767',
    'IPFamilyPolicy(singleStack) is set for two families': _ALLOCATED,
    ' multi ip, dualstack not set (request for downgrade)': _ALLOCATED,
    'invalid source range annotation ignored with valid source range field':
        'Kubernetes passes the annotation over, the cloud provider does not: it denies everybody else',
}
