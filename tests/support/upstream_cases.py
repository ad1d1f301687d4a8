# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What the cloud provider's and Kubernetes' own tests say of Services, as facts: the test, its case, what goes in and
what comes out.

Read at kubernetes-sigs/cloud-provider-azure 7b31c76c and kubernetes 000f2605. Only what the code decides is here; our
words for it are in the tests.
"""

from typing import Any, Dict, List, NamedTuple, Optional, Tuple


class Case(NamedTuple):
    """One case of an upstream test. Names of annotations are given without their prefix.

    `wants` are facts by name: see the tests. `basic` and `shared` are those of the cluster.
    """

    test: str
    name: str
    annotations: Dict[str, str]
    spec: Dict[str, Any]
    wants: Dict[str, Any]
    ports: Optional[List[Dict[str, Any]]] = None
    basic: bool = False
    shared: bool = False


INTERNAL = {'azure-load-balancer-internal': 'true'}
DENY = {'azure-deny-all-except-load-balancer-source-ranges': 'true'}
HIGH_AVAILABILITY = {**INTERNAL, 'azure-load-balancer-enable-high-availability-ports': 'true'}


def _ranges(*values: str) -> Dict[str, Any]:
    return {'loadBalancerSourceRanges': list(values)}


def _allowed(*values: str) -> Dict[str, str]:
    return {'azure-allowed-ip-ranges': ','.join(values)}


def _tags(*values: str) -> Dict[str, str]:
    return {'azure-allowed-service-tags': ','.join(values)}


_FROM_INTERNET = 'TestAccessControl_IsAllowFromInternet'
_NEW = 'TestNewAccessControl'
_DENIES = 'TestAccessControl_DenyAllExceptSourceRanges'
_PATCH = 'TestAccessControl_PatchSecurityGroup'

ACCESS = [
    Case(_FROM_INTERNET, 'public LB with no access control configuration', {}, {}, {'from_internet': True}),
    Case(_FROM_INTERNET, 'internal LB with no access control configuration', INTERNAL, {}, {'from_internet': False}),
    Case(_FROM_INTERNET, 'public LB with invalid access control configuration', {}, _ranges('10.10.10.1/24'),
         {'from_internet': False}),
    Case(_FROM_INTERNET, 'internal LB with invalid access control configuration', INTERNAL, _ranges('10.10.10.1/24'),
         {'from_internet': False}),
    Case(_FROM_INTERNET, 'public LB with spec.LoadBalancerSourceRanges specified but not allow all', {},
         _ranges('10.10.10.0/24'), {'from_internet': False}),
    Case(_FROM_INTERNET, 'public LB with spec.LoadBalancerSourceRanges specified and allow all', {},
         _ranges('0.0.0.0/0'), {'from_internet': True}),
    Case(_FROM_INTERNET, 'public LB with annotation allowedIPRanges specified but not allow all',
         _allowed('10.10.10.0/24'), {}, {'from_internet': False}),
    Case(_FROM_INTERNET, 'public LB with annotation allowedIPRanges specified and allow all', _allowed('0.0.0.0/0'),
         {}, {'from_internet': True}),
    Case(_FROM_INTERNET, 'public LB with annotation allowedIPRanges and allowedServiceTags specified and allow all',
         {**_allowed('0.0.0.0/0'), **_tags('tag-1')}, {}, {'from_internet': False}),
    Case(_FROM_INTERNET, 'internal LB with annotation allowedIPRanges specified',
         {**INTERNAL, **_allowed('0.0.0.0/0')}, {}, {'from_internet': True}),
    Case(_FROM_INTERNET, 'internal LB with spec.LoadBalancerSourceRanges specified', INTERNAL, _ranges('0.0.0.0/0'),
         {'from_internet': True}),
    Case(_FROM_INTERNET, 'internal LB with annotation allowedIPRanges and allowedServiceTags specified',
         {**INTERNAL, **_tags('tag-1')}, _ranges('0.0.0.0/0'), {'from_internet': False}),
    Case(_NEW, 'it should return error if using spec.LoadBalancerSourceRanges and azure-allowed-ip-ranges',
         _allowed('10.0.0.1/32'), _ranges('20.0.0.1/32'), {'error': 'SourceRangesWithAllowedRanges'}),
    Case(_NEW, 'it should emit warning event if invalid spec.LoadBalancerSourceRanges', {},
         _ranges('foo', '10.0.0.1/32', 'bar'), {'invalid': ['foo', 'bar'], 'denies': True}),
    Case(_NEW, 'it should emit warning event if invalid azure-allowed-ip-ranges',
         _allowed('foo', '10.0.0.1/32', 'bar'), {}, {'invalid': ['foo', 'bar'], 'denies': True}),
    Case(_NEW, 'it should emit warning event if using spec.LoadBalancerSourceRanges and azure-allowed-service-tags',
         _tags('AKS'), _ranges('20.0.0.1/32'), {'warning': 'SourceRangesWithServiceTags'}),
    Case(_DENIES, 'empty service', {}, {}, {'denies': False}),
    Case(_DENIES, 'with annotation specified but no allowed IP ranges specified', DENY, {}, {'denies': False}),
    Case(_DENIES, 'with annotation and spec.loadBalancerSourceRanges specified', DENY, _ranges('10.0.0.1/32'),
         {'denies': True}),
    Case(_DENIES, 'with annotation and allowedIPRanges specified', {**DENY, **_allowed('10.0.0.1/32')}, {},
         {'denies': True}),
    Case(_DENIES, 'without annotation but invalid allowedIPRanges specified', _allowed('10.0.0.1/24'), {},
         {'denies': True}),
    # Of the rules that are written, who is let in over which family; every case has frontends of both.
    Case(_PATCH, 'patch service without access control configuration', {}, {},
         {'everybody': (True, True), 'anybody': (True, True), 'denies': False}),
    Case(_PATCH, 'patch service with allowedServiceTag', _tags('tag-1', 'tag-2'), {},
         {'everybody': (False, False), 'anybody': (True, True), 'denies': False}),
    Case(_PATCH, 'patch service with allowedIPRanges on IPv4', _allowed('192.168.0.0/16', '20.0.0.1/32'), {},
         {'everybody': (False, False), 'anybody': (True, False), 'denies': False}),
    Case(_PATCH, 'patch service with allowedIPRanges on IPv6',
         _allowed('fd12:3456:789a::/48', 'fe80:1234:abcd::1c2d:3e4f/128'), {},
         {'everybody': (False, False), 'anybody': (False, True), 'denies': False}),
    Case(_PATCH, 'patch service with allowedIPRanges on IPv4 and IPv6',
         _allowed('192.168.0.0/16', '20.0.0.1/32', 'fd12:3456:789a::/48', 'fe80:1234:abcd::1c2d:3e4f/128'), {},
         {'everybody': (False, False), 'anybody': (True, True), 'denies': False}),
    Case(_PATCH, 'patch service with allowedIPRanges and allowedServiceTags',
         {**_allowed('192.168.0.0/16', '20.0.0.1/32', 'fd12:3456:789a::/48'), **_tags('tag-1', 'tag-2')}, {},
         {'everybody': (False, False), 'anybody': (True, True), 'denies': False}),
    Case(_PATCH, 'patch service with allowedIPRanges and allowedServiceTags and deny vnet traffic',
         {**DENY, **_allowed('192.168.0.0/16', '20.0.0.1/32', 'fd12:3456:789a::/48'), **_tags('tag-1', 'tag-2')}, {},
         {'everybody': (False, False), 'anybody': (True, True), 'denies': True}),
    Case(_PATCH, 'patch service with invalid allowedIPRanges', _allowed('foo'), {},
         {'everybody': (False, False), 'anybody': (False, False), 'denies': True}),
]

_FOUR = ('10.10.0.0/16', '10.11.0.0/16', '10.0.0.1/32')
_SIX = ('2001:db8:85a3::/64', 'fd12:3456:789a::/48', 'fe80:1234:abcd::1c2d:3e4f/128')
_BAD = ('20.10.0.1/16', 'fe80:1234:abcd::1c2d:3e4f/64')
_SETS: Tuple[Tuple[str, Tuple[str, ...], Tuple[str, ...]], ...] = (
    ('1 IPv4', _FOUR[:1], ()), ('N IPv4', _FOUR, ()), ('1 IPv6', _SIX[:1], ()),
    ('N IPv6', (*_SIX[:2], 'fe80:1234::/32'), ()), ('N IPv4 and N IPv6', _FOUR + _SIX, ()),
    ('N IPv4 and N IPv6 and invalid ranges', _FOUR + _SIX, _BAD))

ACCESS += [Case('TestAccessControl_AllowedRanges', 'empty service', {}, {}, {'ranges': []})]
ACCESS += [Case('TestAccessControl_AllowedRanges', f'spec.LoadBalancerSourceRanges = {name}', {},
                _ranges(*valid, *bad), {'ranges': list(valid), 'invalid': list(bad)}) for name, valid, bad in _SETS]
ACCESS += [Case('TestAccessControl_AllowedRanges',
                f'annotation allowedIPRanges = {name.replace("and invalid", "with invalid")}', _allowed(*valid, *bad),
                {}, {'ranges': list(valid), 'invalid': list(bad)}) for name, valid, bad in _SETS]

_OLD = 'load-balancer-source-ranges'
_CONTAINERS = 'Microsoft.ContainerInstance/containerGroups'

ACCESS += [
    Case('TestIsInternal', 'true', INTERNAL, {}, {'counts_as_internal': True, 'internal': True}),
    Case('TestIsInternal', 'TRUE', {'azure-load-balancer-internal': 'TRUE'}, {},
         {'counts_as_internal': True, 'internal': False}),
    Case('TestIsInternal', 'foobar', {'azure-load-balancer-internal': 'foobar'}, {},
         {'counts_as_internal': False, 'internal': False}),
    Case('TestIsInternal', 'no annotation', {}, {}, {'counts_as_internal': False, 'internal': False}),
    Case('TestAllowedServiceTags', 'no annotation', {}, {}, {'tags': []}),
    Case('TestAllowedServiceTags', 'with 1 service tag', _tags(_CONTAINERS), {}, {'tags': [_CONTAINERS]}),
    Case('TestAllowedServiceTags', 'with multiple service tags',
         {'azure-allowed-service-tags': f' {_CONTAINERS}, foo, bar '}, {}, {'tags': [_CONTAINERS, 'foo', 'bar']}),
    Case('TestAllowedIPRanges', 'no annotation', {}, {}, {'ranges': [], 'invalid': []}),
    Case('TestAllowedIPRanges', 'with 1 IPv4 range in allowed ip ranges', _allowed('10.10.0.0/24'), {},
         {'ranges': ['10.10.0.0/24'], 'invalid': []}),
    Case('TestAllowedIPRanges', 'with 1 IPv4 range in load balancer source ranges', {_OLD: '10.10.0.0/24'}, {},
         {'ranges': ['10.10.0.0/24'], 'invalid': []}),
    Case('TestAllowedIPRanges', 'with 1 IPv6 range in allowed ip ranges', _allowed('2001:db8::/32'), {},
         {'ranges': ['2001:db8::/32'], 'invalid': []}),
    Case('TestAllowedIPRanges', 'with 1 IPv6 range in load balancer source ranges', {_OLD: '2001:db8::/32'}, {},
         {'ranges': ['2001:db8::/32'], 'invalid': []}),
    Case('TestAllowedIPRanges', 'with multiple IP ranges',
         {'azure-allowed-ip-ranges': ' 10.10.0.0/24, 2001:db8::/32 ', _OLD: ' 10.20.0.0/24, 2002:db8::/32 '}, {},
         {'ranges': ['10.10.0.0/24', '2001:db8::/32', '10.20.0.0/24', '2002:db8::/32'], 'invalid': []}),
    Case('TestAllowedIPRanges', 'with invalid IP range',
         {'azure-allowed-ip-ranges': 'foobar,10.0.0.1/24', _OLD: 'barfoo,2002:db8::1/32'}, {},
         {'invalid': ['foobar', '10.0.0.1/24', 'barfoo', '2002:db8::1/32']}),
    Case('TestSourceRanges', 'not specified in spec', {}, {}, {'ranges': [], 'invalid': []}),
    Case('TestSourceRanges', 'specified in spec', {}, _ranges('10.10.0.0/24', '2001:db8::/32'),
         {'ranges': ['10.10.0.0/24', '2001:db8::/32'], 'invalid': []}),
    Case('TestSourceRanges', 'with invalid IP range in spec', {}, _ranges('foobar', '10.0.0.1/24'),
         {'invalid': ['foobar', '10.0.0.1/24']}),
    Case('TestParsePrefix', '1 ipv4 cidr', {}, _ranges('10.10.10.0/24'), {'ranges': ['10.10.10.0/24']}),
    Case('TestParsePrefix', '1 ipv6 cidr', {}, _ranges('2001:db8::/32'), {'ranges': ['2001:db8::/32']}),
    *(Case('TestParsePrefix', f'invalid cidr {value!r}', {}, _ranges(value), {'ranges': [], 'invalid': [value]})
      for value in ('', 'foo', '10.10.10.1/24', '2001:db8::5/32')),
    *(Case('TestIsPrefixesAllowAll', ' '.join(values), {}, _ranges(*values), {'from_internet': wanted})
      for values, wanted in (
          (('10.0.0.1/32', '10.0.0.2/32'), False), (('2001:db8::/32',), False),
          (('10.0.0.2/32', '2001:db8::/32'), False), (('0.0.0.0/0', '10.0.0.2/32'), True),
          (('::/0', '2001:db8::/32'), True), (('::/0', '10.0.0.2/32', '2001:db8::/32'), True))),
    *(Case('TestIsK8sServiceDisableLoadBalancerNSGRule', f'disable LoadBalancer NSG rule flag is {name}', annotations,
           {}, {'is_true': ('azure-disable-load-balancer-nsg-rule', wanted)})
      for name, annotations, wanted in (
          ('set', {'azure-disable-load-balancer-nsg-rule': 'true'}, True), ('not set', {}, False),
          ('corrupted', {'azure-disable-load-balancer-nsg-rule': 'truetrue'}, False))),
    *(Case('TestIsK8sServiceUsingInternalLoadBalancer', f'internal flag is {name}', annotations, {},
           {'counts_as_internal': wanted})
      for name, annotations, wanted in (('set', INTERNAL, True), ('not set', {}, False), (
          'corrupted', {'azure-load-balancer-internal': 'truetrue'}, False))),
    *(Case('TestIsK8sServiceHasHAModeEnabled', name, {key: value}, {},
           {'is_true': ('azure-load-balancer-enable-high-availability-ports', wanted)})
      for name, key, value, wanted in (
          ('ha mode is enabled', 'azure-load-balancer-enable-high-availability-ports', 'true', True),
          ('ha mode is missing', 'azure-pip-tags', 'a=b', False),
          ('ha mode is corrupted', 'azure-load-balancer-enable-high-availability-ports', 'true1', False),
          ('ha annotation key is missing', 'azure-load-balancer-enable-high-availability-ports1', 'true1', False))),
    *(Case('Test_expectAttributeInSvcAnnotationBeEqualTo', f'assertion is {name}', {key: value}, {},
           {'is_true': ('azure-load-balancer-enable-high-availability-ports', wanted)})
      for name, key, value, wanted in (
          ('successful', 'azure-load-balancer-enable-high-availability-ports', 'true', True),
          ('successful especially when value is not exactly equal',
           'azure-load-balancer-enable-high-availability-ports', 'True', True),
          ('unsuccessful when key is not equal', 'AZURE-LOAD-BALANCER-ENABLE-HIGH-AVAILABILITY-PORTS', 'True', False),
          ('unsuccessful when key is not found', 'azure-load-balancer-enable-high-availability-portsnotfound', 'True',
           False),
          ('unsuccessful when value is empty', 'azure-load-balancer-enable-high-availability-ports', '', False))),
]

_INT = 'Test_extractInt32FromString'
_COUNT = 'azure-pls-ip-configuration-ip-address-count'
_IPS = 'azure-pls-ip-configuration-ip-address'
_LINK = {**INTERNAL, 'azure-pls-create': 'true'}
_BAD_VALUE, _BAD_RANGE = 'AnnotationValueInvalid', 'AnnotationOutOfRange'

LINKS_AND_ADDRESSES = [
    *(Case(_INT, f'value is {name}', {'azure-load-balancer-tcp-idle-timeout': value}, {}, {'error': code})
      for name, value, code in (
          ('not a number', 'cookies', _BAD_VALUE), ('zero', '0', _BAD_RANGE), ('a float number', '0.1', _BAD_VALUE),
          ('a positive integer', '24', None), ('negative integer', '-6', _BAD_RANGE))),
    *(Case('TestAdditionalPublicIPs', name, {'azure-additional-public-ips': value}, {}, {'error': code})
      for name, value, code in (
          ('with 1 IPv4', '10.10.0.1', None), ('with 1 IPv6', '2001:db8::1', None),
          ('with multiple IPs', '10.10.0.1,2001:db8::1', None), ('with invalid IP', 'foobar', _BAD_VALUE))),
    *(Case('TestServiceRequiresPLS', f'Service with {name}', annotations, {}, {'private_link': wanted})
      for name, annotations, wanted in (
          ('empty annotations should return false', {}, False),
          ('false pls creation annotation should return false', {'azure-pls-create': 'False'}, False),
          ('true pls creation annotation should return true', {'azure-pls-create': 'True'}, True))),
    *(Case('TestGetPLSIPConfigCount', name, {**_LINK, **({_COUNT: value} if value else {})}, {}, {'error': code})
      for name, value, code in (
          ('Service with empty annotations should return default(1) without any error', '', None),
          ('Service with valid ip count specified should return it', '6', None),
          ('Service with < 1 ip count specified should return error', '0', _BAD_RANGE),
          ('Service with > 8 ip count specified should return error', '9', _BAD_RANGE),
          ('Redundant spaces should be removed', '   4   ', None),
          ('Service with not valid digit string specified should return error', 'test2', _BAD_VALUE))),
    *(Case('TestGetPLSStaticIPs', name, {**_LINK, _COUNT: '8', **({_IPS: value} if value else {})}, {},
           {'error': code})
      for name, value, code in (
          ('Service with empty annotations should return all empty result without any error', '', None),
          ('Service with just 1 static ip should include it in map and set as primary ip', '10.2.0.4', None),
          ('Service with multiple static ips should include them in map and set the first one as primary ip',
           '10.2.0.4 10.2.0.5 10.2.0.6', None),
          ('Service with invalid ip should return error', '10.2.0.4 300.1.2.9 10.2.0.6', _BAD_VALUE),
          ('Service with ipv6 address should return error', 'fc00:f853:ccd:e793::1', _BAD_VALUE),
          ('All redundant spaces should be removed', '   10.2.0.4    10.2.0.5     10.2.0.6 ', None))),
    *(Case(test, name, {**_LINK, key: value}, {}, {'error': None})
      for test, key, stem in (('TestGetPLSFqdns', 'azure-pls-fqdns', 'test-fqdns'),
                              ('TestGetPLSVisibility', 'azure-pls-visibility', 'test-sub-id'),
                              ('TestGetPLSAutoApproval', 'azure-pls-auto-approval', 'test-sub-id'))
      for name, value in (('just 1', stem), ('multiple', f'{stem}1 {stem}2 {stem}3'),
                          ('redundant spaces should be removed', f'   {stem}1    {stem}2   {stem}3   '))),
    Case('TestGetPLSVisibility', 'Visibility with * should include it in result, and set allow-all as true',
         {**_LINK, 'azure-pls-visibility': '*'}, {}, {'error': None}),
    Case('TestGetPLSVisibility', 'Visibility with * and other sub ids should only include * in result',
         {**_LINK, 'azure-pls-visibility': '   test-sub-id1     *  test-sub-id2'}, {}, {'error': None}),
    Case('TestReconcilePrivateLinkService', 'should do nothing if service does not create any PLS', {}, {},
         {'error': None}),
    Case('TestReconcilePrivateLinkService',
         'should return error if service requires PLS but needs external LB and floating ip enabled',
         {'azure-pls-create': 'true'}, {}, {'error': 'PrivateLinkOnPublicService'}),
    Case('TestReconcilePrivateLinkService', 'should create a new PLS for external service with floating ip disabled',
         {'azure-pls-create': 'true', 'azure-disable-load-balancer-floating-ip': 'true'}, {}, {'error': None}),
    Case('TestReconcilePrivateLinkService', 'should create a new PLS if no existing PLS attached to the LB frontend',
         {**_LINK, 'azure-pls-name': 'testpls'}, {}, {'error': None}),
    Case('TestReconcilePLSIpConfigs', 'should report error when ip count specified is fewer than number of static IPs',
         {**_LINK, 'azure-pls-ip-configuration-subnet': 'subnet', _COUNT: '1', _IPS: '10.2.0.4 10.2.0.5'}, {},
         {'error': 'PrivateLinkAddressCount'}),
    Case('TestReconcilePLSIpConfigs', 'should change existingPLS if its ipConfig count is different',
         {**_LINK, _COUNT: '2'}, {}, {'error': None}),
    Case('TestReconcilePLSIpConfigs',
         'should change existingPLS if ip allocation type is changed from dynamic to static',
         {**_LINK, _COUNT: '2', _IPS: '10.2.0.4'}, {}, {'error': None}),
    *(Case('TestFindMatchedPIPSkipsListForInvalidOrNonPublicLoadBalancerIP', f'{name} load balancer IP',
           {f'azure-load-balancer-ipv{6 if ":" in value else 4}': value},
           {'ipFamilies': ['IPv6' if ':' in value else 'IPv4']}, {'error': code})
      for name, value, code in (
          ('invalid', 'not-an-ip', _BAD_VALUE), ('non-public', '10.0.0.5', 'PrivateAddressOnPublicService'),
          ('RFC1918 172.16/12', '172.16.0.5', 'PrivateAddressOnPublicService'),
          ('RFC1918 192.168/16', '192.168.0.5', 'PrivateAddressOnPublicService'),
          ('IPv6 unique local address', 'fd00::5', 'PrivateAddressOnPublicService'),
          ('Azure shared address space', '100.100.0.202', 'PrivateAddressOnPublicService'),
          ('Azure internal DNS', '168.63.129.16', 'AddressNotPublic'),
          ('IPv4-mapped RFC1918', '::ffff:a00:5', 'AddressNotPublic'),
          ('IPv4-mapped Azure shared address space', '::ffff:100.100.0.202', 'AddressNotPublic'),
          ('IPv4-mapped Azure internal DNS', '::ffff:168.63.129.16', 'AddressNotPublic'))),
    Case('TestIsAzureReservedIP', 'public IP', {'azure-load-balancer-ipv4': '1.2.3.4'}, {}, {'error': None}),
    Case('TestIsAzureReservedIP', 'IPv6 global unicast', {'azure-load-balancer-ipv6': '2001:4860:4860::8888'},
         {'ipFamilies': ['IPv6']}, {'error': None}),
    *(Case('TestGetIPTagMap', name, {'azure-pip-ip-tags': value}, {}, {'warned': wanted})
      for name, value, wanted in (
          ('one tag pair', 'tag1=tagvalue1', False), ('spaces are trimmed', ' tag1 = tagvalue1 ', False),
          ('the same key, last write wins', 'tag1=tagvalue1,tag1=tagvalue1new', False),
          ('two tag pairs', 'tag1=tagvalue1,tag2=tagvalue2', False),
          ('two tag pairs and one malformation', 'tag1=tagvalue1,tag2=tagvalue2,tag3malformed', True),
          ('one has a blank value', 'tag1=tagvalue1,tag2=', False))),
]

_PIP, _PIP6 = {'azure-pip-name': 'pip-name'}, {'azure-pip-name-ipv6': 'pip-name-ipv6'}
_V4, _V6, _BOTH = ({'ipFamilies': families, **({'ipFamilyPolicy': 'RequireDualStack'} if len(families) > 1 else {})}
                   for families in (['IPv4'], ['IPv6'], ['IPv4', 'IPv6']))

LINKS_AND_ADDRESSES += [
    *(Case('TestGetServicePIPName', f'From ServiceAnnotationPIPName {name}', annotations, spec, {'frontends': wanted})
      for name, annotations, spec, wanted in (
          ('IPv4 single stack', _PIP, _V4, ['pip-name']),
          ('IPv6 single stack', _PIP6, _V6, ['pip-name-ipv6']),
          ('IPv4 and IPv6', {**_PIP, **_PIP6}, _BOTH, ['pip-name', 'pip-name-ipv6']),
          ('IPv6 single stack fallback', {'azure-pip-name': 'pip-name-ipv6'}, _V6, ['pip-name-ipv6']))),
    *(Case('TestGetServicePIPNames', name, annotations, spec, {'frontends': wanted})
      for name, annotations, spec, wanted in (
          ('no annotations returns empty slice', {}, _V4, []), ('IPv4 only', _PIP, _V4, ['pip-name']),
          ('IPv6 only', _PIP6, _V6, ['pip-name-ipv6']),
          ('dual-stack both set', {**_PIP, **_PIP6}, _BOTH, ['pip-name', 'pip-name-ipv6']))),
    Case('TestGetServiceLoadBalancerIP', 'IPv6',
         {**INTERNAL, 'azure-load-balancer-ipv4': '10.0.0.1', 'azure-load-balancer-ipv6': '2001::1'},
         {'loadBalancerIP': '10.0.0.2', **_BOTH}, {'frontends': ['10.0.0.1', '2001::1']}),
    Case('TestGetServiceLoadBalancerIP', 'IPv4 but from LoadBalancerIP', INTERNAL, {'loadBalancerIP': '10.0.0.2'},
         {'frontends': ['10.0.0.2']}),
    Case('TestGetServiceLoadBalancerIPs', 'Get IPv4 and IPv6 IPs',
         {**INTERNAL, 'azure-load-balancer-ipv4': '10.0.0.1', 'azure-load-balancer-ipv6': '2001::1'}, _BOTH,
         {'frontends': ['10.0.0.1', '2001::1']}),
    Case('TestDeterminePublicIPName',
         'shall get public IP from az.getPublicIPName if no specific loadBalancerIP is given',
         {}, {}, {'frontends': [], 'error': None}),
    Case('TestDeterminePublicIPName', 'shall report validation error for non-public LoadBalancer IP', {},
         {'loadBalancerIP': '10.0.0.5'}, {'error': 'PrivateAddressOnPublicService'}),
    Case('TestDeterminePublicIPName', 'shall return loadBalancerIP in service.Spec', {}, {'loadBalancerIP': '1.2.3.4'},
         {'frontends': ['1.2.3.4'], 'error': None}),
    Case('TestDeterminePublicIPName', 'shall use IPv6 pip annotation for IPv6 single stack service',
         {'azure-pip-name-ipv6': 'service-lb-public-IP3dbe-v6'}, _V6,
         {'frontends': ['service-lb-public-IP3dbe-v6'], 'error': None}),
    *(Case('TestGetIPFamiliesEnabled', name, {}, spec, {'families': wanted})
      for name, spec, wanted in (
          ('IPv4', {'ipFamilies': ['IPv4']}, {'IPv4'}), ('IPv6', {'ipFamilies': ['IPv6']}, {'IPv6'}),
          ('DualStack', {'ipFamilies': ['IPv4', 'IPv6']}, {'IPv4', 'IPv6'}),
          ('DualStack IPv6 first', {'ipFamilies': ['IPv6', 'IPv4']}, {'IPv4', 'IPv6'}),
          ('Empty IPFamilies - defaults to IPv4', {'ipFamilies': []}, {'IPv4'}),
          ('No IPFamilies field - defaults to IPv4', {}, {'IPv4'}),
          ('Multiple IPv4 entries', {'ipFamilies': ['IPv4', 'IPv4']}, {'IPv4'}),
          ('Multiple IPv6 entries', {'ipFamilies': ['IPv6', 'IPv6']}, {'IPv6'}),
          ('Mixed multiple entries', {'ipFamilies': ['IPv4', 'IPv6', 'IPv4']}, {'IPv4', 'IPv6'}))),
]

_RULES = 'TestReconcileLoadBalancerRuleCommon'
_P = 'azure-load-balancer-health-probe-'
_P80 = 'port_80_health-probe_'


def _port(number: int = 80, protocol: str = 'TCP', app: Optional[str] = None) -> Dict[str, Any]:
    """A port as getTestService makes it: its node port is 10000 more."""
    return {'name': f'port-{protocol.lower()}-{number}', 'port': number, 'protocol': protocol,
            'nodePort': number + 10000, **({'appProtocol': app} if app else {})}


def _probe(protocol: str = 'Tcp', path: Optional[str] = None, port: int = 10080, interval: int = 5,
           number: int = 2) -> Tuple[Any, ...]:
    return protocol, path, port, interval, number


def _http(path: str = '/', **more: int) -> Tuple[Any, ...]:
    return _probe('Http', path, **more)


def _https(path: str = '/', **more: int) -> Tuple[Any, ...]:
    return _probe('Https', path, **more)


def _probes(name: str, annotations: Dict[str, str], probes: List[Any], *ports: Dict[str, Any], basic: bool = False,
            spec: Optional[Dict[str, Any]] = None) -> Case:
    return Case(_RULES, f'getExpectedLBRules {name}', annotations, spec or {}, {'probes': probes},
                list(ports) or [_port()], basic)


def _fails(name: str, annotations: Dict[str, str], code: str, *ports: Dict[str, Any]) -> Case:
    return Case(_RULES, f'getExpectedLBRules {name}', annotations, {}, {'error': code}, list(ports) or [_port()])


_TIMED = {_P80 + 'interval': '20', _P80 + 'num-of-probe': '5'}
_LOCAL = {'externalTrafficPolicy': 'Local', 'healthCheckNodePort': 34567}
_PATHS = {_P + 'protocol': 'tcp', _P + 'request-path': '/broken/global/path', _P80 + 'protocol': 'https',
          _P80 + 'request-path': '/broken/local/path'}
_PROXY = {'azure-pls-create': 'true', 'azure-pls-proxy-protocol': 'true', **_PATHS, _P80 + 'interval': '7',
          _P80 + 'num-of-probe': '15'}
_EIGHT = _port(8000)

PROBES = [
    _probes('shall return corresponding probe and lbRule(blb)', {}, [_probe()], basic=True),
    _probes('shall return tcp probe on non supported protocols when basic lb SKU is used', {}, [_probe()],
            _port(app='Mongodb'), basic=True),
    _probes('shall return tcp probe on https protocols when basic lb SKU is used', {}, [_probe()], _port(app='Https'),
            basic=True),
    _fails('shall return error (slb with external mode and SCTP)', {}, 'SctpOnPublicService', _port(protocol='SCTP')),
    _probes('shall return corresponding probe and lbRule(slb with tcp reset)', {}, [_probe()]),
    _probes('shall respect the probe protocol and path configuration in the config file', {
        _P80 + 'request-path': '/healthy'}, [_http('/healthy')], _port(app='Http')),
    _probes('shall respect the probe protocol and path configuration in the config file (https)', {
        _P80 + 'request-path': '/healthy1'}, [_https('/healthy1')], _port(app='Https')),
    _probes('shall return corresponding probe and lbRule (slb with IPv6)', INTERNAL, [_probe()], spec=_V6),
    _probes('shall return corresponding probe and lbRule (slb with HA enabled)', HIGH_AVAILABILITY, [_probe()]),
    _probes('shall return corresponding probe and lbRule (slb with HA mode and SCTP)', HIGH_AVAILABILITY, [],
            _port(protocol='SCTP')),
    _probes('shall return corresponding probe and lbRule (slb with HA enabled multi-ports services)',
            HIGH_AVAILABILITY, [_probe()], _port(), _port(8080)),
    _probes('should leave probe path empty when using TCP probe', {}, [_probe()], _port(app='Tcp')),
    _probes('should return tcp probe when invalid protocol is defined', {_P80 + 'request-path': '/healthy1'},
            [_probe()], _port(app='TCP1')),
    _probes('should return tcp probe when invalid protocol is defined (basic)', {_P80 + 'request-path': '/healthy1'},
            [_probe()], _port(app='TCP1'), basic=True),
    *(_probes(f'should return correct rule when deprecated annotations are added ({protocol})', {
        _P80 + 'request-path': '/healthy1', _P + 'protocol': protocol}, [wanted])
      for protocol, wanted in (('https', _https('/healthy1')), ('http', _http('/healthy1')), ('tcp', _probe()))),
    _probes('should return correct rule when deprecated annotations are added (appProtocol)', {
        _P80 + 'request-path': '/healthy1'}, [_https('/healthy1')], _port(app='Https')),
    _probes('should overwrite value defined in deprecated annotation when deprecated annotations and probe path are '
            'defined', {_P + 'request-path': '/healthy1', _P80 + 'request-path': '/healthy2'}, [_https('/healthy2')],
            _port(app='Https')),
    _fails('should return error when probe interval * num > 120', {
        _P80 + 'interval': '10', _P80 + 'num-of-probe': '20', _P + 'protocol': 'https'}, 'ProbingTooLong',
           _port(app='Tcp')),
    _fails('should return error when probe interval * num ==  120', {
        _P80 + 'interval': '10', _P80 + 'num-of-probe': '20', _P + 'protocol': 'tcp'}, 'ProbingTooLong',
           _port(app='Tcp')),
    _probes('should return correct rule when health probe annotations are added', {
        **_TIMED, _P80 + 'request-path': '/healthy1'}, [_https('/healthy1', interval=20, number=5)],
            _port(app='Https')),
    _probes('should return correct rule when health probe annotations are added,default path should be /', _TIMED,
            [_http(interval=20, number=5)], _port(app='Http')),
    _probes('should return correct rule when tcp health probe annotations are added', _TIMED,
            [_probe(interval=20, number=5)], _port(app='Tcp')),
    *(_fails(f'should return error when invalid tcp health probe annotations are added ({interval}, {number})', {
        _P80 + 'interval': interval, _P80 + 'num-of-probe': number}, code, _port(app='Tcp'))
      for interval, number, code in (('20', '5a', _BAD_VALUE), ('1', '5', _BAD_RANGE), ('10', '1', _BAD_RANGE),
                                     ('10', '20', 'ProbingTooLong'))),
    _probes('should return correct rule when floating ip annotations are added', {
        'azure-disable-load-balancer-floating-ip': 'true'}, [_probe()]),
    _probes('should prioritize port specific probe protocol over defaults', {_P80 + 'protocol': 'HtTp'}, [_http()]),
    _probes('should disable tcp reset when annotation is set', {'azure-load-balancer-disable-tcp-reset': 'true'},
            [_probe()]),
    _probes('should prioritize port specific probe protocol over appProtocol', {_P80 + 'protocol': 'HtTp'}, [_http()],
            _port(app='Mongodb')),
    _probes('should prioritize port specific probe protocol over deprecated annotation', {
        _P80 + 'protocol': 'HtTpS', _P + 'protocol': 'TcP'}, [_https()], _port(app='Https')),
    _probes('should default to Tcp on invalid port specific probe protocol', {_P80 + 'protocol': 'FooBar'}, [_probe()],
            _port(app='Http')),
    _probes('should support customize health probe port in multi-port service', {
        'port_8000_health-probe_port': 'port-tcp-80'}, [_probe(), _probe()], _port(), _EIGHT),
    _probes('should support customize health probe port in multi-port service (number)', {
        'port_8000_health-probe_port': '80'}, [_probe(), _probe()], _port(), _EIGHT),
    _probes('should not generate probe rule when no health probe rule is specified.', {
        'port_8000_no_probe_rule': 'true'}, [_probe(), None], _port(), _EIGHT),
    _probes('should not generate lb rule and health probe rule when no lb rule is specified.', {
        'port_8000_no_lb_rule': 'true'}, [_probe()], _port(), _EIGHT),
    _probes('should support customize health probe port', {'port_8000_health-probe_port': '5080'},
            [_probe(), _probe(port=5080)], _port(), _EIGHT),
    _probes('should expected rules when timeout are added', {
        _P80 + 'interval': '10', _P80 + 'num-of-probe': '10', 'azure-load-balancer-tcp-idle-timeout': '5'},
            [_probe(interval=10, number=10)], _port(app='Tcp')),
    _probes('should expected rules when externalTrafficPolicy is local', {
        **_PATHS, _P80 + 'interval': '10', _P80 + 'num-of-probe': '10'}, [_http('/healthz', port=34567)] * 3,
            _port(app='Http'), _port(443), _port(421), spec=_LOCAL),
    _probes('should return expected rules when externalTrafficPolicy is local and azure-pls-proxy-protocol is enabled',
            _PROXY, [_https('/broken/local/path', interval=7, number=15)], _port(app='https'), spec=_LOCAL),
    _probes('should return expected rules when externalTrafficPolicy is local and a probe port is given', {
        **_PROXY, _P80 + 'port': '421'}, [_https('/broken/local/path', port=421, interval=7, number=15)],
            _port(app='https'), spec=_LOCAL),
    Case('TestGetExpectedLBRulesSharedProbe',
         'should return a shared rule for a cluster service when shared probe is enabled', {}, {},
         {'probes': [_http('/healthz', port=10256)] * 2}, [_port(), _port(81)], shared=True),
    Case('TestGetInt32HealthProbeConfigOfPortFromK8sSvcAnnotation',
         'get numeric value from health probe related annotation', {_P80 + 'num-of-probe': '2'}, {},
         {'probes': [_probe()]}, [_port()]),
    Case('TestGetInt32HealthProbeConfigOfPortFromK8sSvcAnnotation', 'health probe related annotation is not found', {},
         {}, {'probes': [_probe()]}, [_port()]),
]

PROVIDER = ACCESS + LINKS_AND_ADDRESSES + PROBES


class Pair(NamedTuple):
    """Two Services, by annotations and spec of each, and whether the second one fails."""

    test: str
    name: str
    first: Tuple[Dict[str, str], Dict[str, Any], int]
    second: Tuple[Dict[str, str], Dict[str, Any], int]
    conflict: bool


_CONFLICT, _OWNS = 'TestCheckLoadBalancerResourcesConflicted', 'TestServiceOwnsFrontendIP'
_AT4, _AT6 = {'azure-load-balancer-ipv4': '1.2.3.4'}, {'azure-load-balancer-ipv6': 'fd00::eef0'}

PAIRS = [
    Pair(_CONFLICT, 'should report the conflict error if there is a conflicted loadBalancing rule - IPv4',
         (_AT4, _V4, 80), (_AT4, _V4, 80), True),
    Pair(_CONFLICT, 'should report the conflict error if there is a conflicted loadBalancing rule - IPv6',
         ({**INTERNAL, **_AT6}, _V6, 80), ({**INTERNAL, **_AT6}, _V6, 80), True),
    Pair(_CONFLICT, 'should not report the conflict error if there is no conflicted loadBalancer resources',
         (_AT4, _V4, 90), (_AT4, _V4, 80), False),
    Pair(_OWNS, "should return false if the secondary external service doesn't set it's loadBalancer IP",
         (_AT4, _V4, 80), ({}, _V4, 80), False),
    Pair(_OWNS, 'should detect the secondary external service',
         (_AT4, _V4, 80), ({}, {'loadBalancerIP': '1.2.3.4'}, 80), True),
    Pair(_OWNS, 'should detect the secondary external service dual-stack',
         ({'azure-load-balancer-ipv4': '1.2.3.4', 'azure-load-balancer-ipv6': '2001:db8::7'}, _BOTH, 80),
         ({'azure-load-balancer-ipv6': '2001:db8::7'}, _V6, 80), True),
    Pair(_OWNS, 'should detect the secondary internal service', ({**INTERNAL, **_AT4}, _V4, 80),
         ({**INTERNAL, **_AT4}, _V4, 80), True),
    Pair(_OWNS, 'should detect the secondary internal service - dualstack',
         ({**INTERNAL, **_AT4, **_AT6}, _BOTH, 80), ({**INTERNAL, **_AT6}, _V6, 80), True),
    Pair(_OWNS, 'should support search pip by name', ({'azure-pip-name': 'pip1'}, _V4, 80),
         ({'azure-pip-name': 'pip1'}, _V4, 80), True),
    Pair(_OWNS, 'should return false if failed to find matched pip by name', ({'azure-pip-name': 'pip1'}, _V4, 80),
         ({'azure-pip-name': 'pip2'}, _V4, 80), False),
]
