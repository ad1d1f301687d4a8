# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""For each rule on manifests one that breaks it and one that does not; documented examples in our own words.

Plain data, for the unit tests here and for the tests through the real `az`.
"""

from azext_lbplan.model.service_context import OutboundPorts, PublicAddress, ServiceContext

PREFIX = 'service.beta.kubernetes.io/'


def manifest(annotations='', spec='', name='web', ports='  - port: 80\n', kind='LoadBalancer'):
    """A Service in YAML; `annotations` and `spec` are lines of `name: value`, the former without their prefix."""
    lines = ''.join(f'    {PREFIX}{line}\n' for line in annotations.splitlines())
    return (f'apiVersion: v1\nkind: Service\nmetadata:\n  name: {name}\n'
            + (f'  annotations:\n{lines}' if lines else '')
            + f'spec:\n  type: {kind}\n' + (f'  ports:\n{ports}' if ports else '')
            + ''.join(f'  {line}\n' for line in spec.splitlines()) + '  selector:\n    app: web\n')


INTERNAL = 'azure-load-balancer-internal: "true"'
_HIGH_AVAILABILITY = INTERNAL + '\nazure-load-balancer-enable-high-availability-ports: "true"'
PREFIX_ID = ('/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/ips/providers/Microsoft.Network/'
             'publicIPPrefixes/egress')
_IP_ID = ('/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/{}/providers/Microsoft.Network/'
          'publicIPAddresses/{}')

#: What a cluster in West Europe has, for the rules that need one.
CONTEXT = ServiceContext(
    load_balancer_sku='Standard', location='westeurope', node_resource_group='MC_nodes', kubernetes_version=(1, 28),
    ip_families=('IPv4',), pod_cidrs=('10.244.0.0/16',), frontends=598, rules=1497, rules_per_nic=297,
    public_addresses=(
        PublicAddress(_IP_ID.format('MC_nodes', 'outbound'), '20.0.0.1', 'westeurope', 'Standard', True),
        PublicAddress(_IP_ID.format('MC_nodes', 'inbound'), '20.0.0.2', 'westeurope', 'Standard'),
        PublicAddress(_IP_ID.format('ips', 'elsewhere'), '20.0.0.3', 'westeurope', 'Standard'),
        PublicAddress(_IP_ID.format('MC_nodes', 'north'), '20.0.0.4', 'northeurope', 'Standard'),
        PublicAddress(_IP_ID.format('MC_nodes', 'old'), '20.0.0.5', 'westeurope', 'Basic')))

_MANY_PORTS = ''.join(f'  - name: p{port}\n    port: {port}\n' for port in range(1, 302))
_FEW_PORTS = ''.join(f'  - name: p{port}\n    port: {port}\n' for port in range(1, 301))


def _many(count, ports='  - port: 80\n'):
    return '---\n'.join(manifest(name=f'web-{number}', ports=ports) for number in range(count))


#: {code: (a manifest that breaks the rule, the same one put right)}; all of them without a cluster.
CASES = {
    'SpellingInvalid': (manifest(kind='loadbalancer'), manifest()),
    'FieldTypeInvalid': (manifest(spec='loadBalancerSourceRanges: 203.0.113.0/24'),
                         manifest(spec='loadBalancerSourceRanges:\n- 203.0.113.0/24')),
    'RepeatedKey': (manifest(INTERNAL + '\nazure-load-balancer-internal: "false"'), manifest(INTERNAL)),
    'NameInvalid': (manifest(name='Web_1'), manifest(name='web-1')),
    'NoPorts': (manifest(ports=''), manifest()),
    'PortInvalid': (manifest(ports='  - port: "80"\n'), manifest(ports='  - port: 80\n    targetPort: http\n')),
    'DuplicatePort': (manifest(ports='  - {name: a, port: 53}\n  - {name: b, port: 53, protocol: TCP}\n'),
                      manifest(ports='  - {name: a, port: 53, protocol: UDP}\n  - {name: b, port: 53}\n')),
    'ProtocolInvalid': (manifest(ports='  - port: 80\n    protocol: tcp\n'),
                        manifest(ports='  - port: 80\n    protocol: TCP\n')),
    'UnknownField': (manifest(spec='loadbalancerSourceRanges: [203.0.113.0/24]'),
                     manifest(spec='loadBalancerSourceRanges: [203.0.113.0/24]')),
    'MisplacedAnnotation': (manifest().replace('metadata:', f'metadata:\n  labels:\n    {PREFIX}{INTERNAL}'),
                            manifest(INTERNAL)),
    'SpecValueInvalid': (manifest(spec='sessionAffinity: clientIP'), manifest(spec='sessionAffinity: ClientIP')),
    'SessionAffinityInvalid': (
        manifest(spec='sessionAffinityConfig: {clientIP: {timeoutSeconds: 90}}'),
        manifest(spec='sessionAffinity: ClientIP\nsessionAffinityConfig: {clientIP: {timeoutSeconds: 90}}')),
    'IPFamiliesInvalid': (manifest(spec='ipFamilies: [IPv4, IPv6]'),
                          manifest(spec='ipFamilies: [IPv4, IPv6]\nipFamilyPolicy: PreferDualStack')),
    'ClusterIPInvalid': (manifest(spec='clusterIP: None'), manifest(spec='clusterIP: 10.0.0.10')),
    'NodePortInvalid': (manifest(ports='  - {port: 80, nodePort: 8080}\n'),
                        manifest(ports='  - {port: 80, nodePort: 30080}\n')),
    'QualifiedNameInvalid': (manifest(ports='  - {port: 80, appProtocol: "a b"}\n'),
                             manifest(ports='  - {port: 80, appProtocol: kubernetes.io/h2c}\n')),
    'ExternalIPInvalid': (manifest(spec='externalIPs: [127.0.0.1]'), manifest(spec='externalIPs: [192.0.2.7]')),
    'TopologyAnnotationsDiffer': (
        manifest(INTERNAL).replace(PREFIX + INTERNAL, 'service.kubernetes.io/topology-mode: Auto\n'
                                                      '    service.kubernetes.io/topology-aware-hints: Disabled'),
        manifest(INTERNAL).replace(PREFIX + INTERNAL, 'service.kubernetes.io/topology-mode: Auto\n'
                                                      '    service.kubernetes.io/topology-aware-hints: Auto')),
    'NotALoadBalancer': (manifest(INTERNAL, kind='ClusterIP'), manifest(kind='ClusterIP')),
    'AnnotationOnOtherObject': (manifest(INTERNAL).replace('kind: Service', 'kind: Deployment'), manifest(INTERNAL)),
    'CarriedAnnotations': (f'controller:\n  service:\n    annotations:\n      {PREFIX}{INTERNAL}\n',
                           'controller:\n  service:\n    annotations: {}\n'),
    'AnnotationsNotUnderstood': (
        f'kind: Balancer\napiVersion: example.com/v1\nspec:\n  service:\n    {PREFIX}{INTERNAL}\n',
        'kind: Balancer\napiVersion: example.com/v1\n'),
    'SctpOnPublicService': (manifest(ports='  - port: 9000\n    protocol: SCTP\n'),
                            manifest(INTERNAL, ports='  - port: 9000\n    protocol: SCTP\n')),
    'NoRuleOnEveryPort': (manifest('port_80_no_lb_rule: "true"'),
                          manifest('port_81_no_lb_rule: "true"', ports='  - {name: a, port: 80}\n'
                                                                       '  - {name: b, port: 81}\n')),
    'OtherLoadBalancerClass': (manifest(spec='loadBalancerClass: example.com/other'), manifest()),
    'UnknownAnnotation': (manifest('azure-load-balancer-interal: "true"'), manifest(INTERNAL)),
    'InternalElsewhereOnly': (manifest('aws-load-balancer-internal: "true"'),
                              manifest(INTERNAL + '\naws-load-balancer-internal: "true"')),
    'ForeignAnnotation': (manifest('aws-load-balancer-type: nlb'), manifest()),
    'AnnotationNotString': (manifest('azure-load-balancer-internal: true'), manifest(INTERNAL)),
    'AnnotationEmpty': (manifest('azure-load-balancer-internal: ""'), manifest('azure-dns-label-name: ""')),
    'AnnotationValueInvalid': (manifest('azure-load-balancer-internal: "yes"'),
                               manifest('azure-disable-load-balancer-floating-ip: "True"')),
    'IdleTimeoutNeedsNewerKubernetes': (manifest('azure-load-balancer-tcp-idle-timeout: "31"'),
                                        manifest('azure-load-balancer-tcp-idle-timeout: "30"')),
    'InternalNotExact': (manifest('azure-load-balancer-internal: "True"'), manifest(INTERNAL)),
    'AnnotationOutOfRange': (manifest('azure-load-balancer-tcp-idle-timeout: "3"'),
                             manifest('azure-load-balancer-tcp-idle-timeout: "100"')),
    'ProbingTooLong': (manifest('azure-load-balancer-health-probe-interval: "60"'),
                       manifest('azure-load-balancer-health-probe-interval: "59"')),
    'AnnotationDeprecated': (manifest('azure-load-balancer-mode: "__auto__"'),
                             manifest('azure-load-balancer-configurations: "team1"')),
    'AnnotationNeedsAnother': (manifest('azure-load-balancer-internal-subnet: apps'),
                               manifest(INTERNAL + '\nazure-load-balancer-internal-subnet: apps')),
    'PublicSettingOnInternalService': (manifest(INTERNAL + '\nazure-dns-label-name: web'),
                                       manifest('azure-dns-label-name: web')),
    'PrivateLinkOnPublicService': (manifest('azure-pls-create: "true"'),
                                   manifest(INTERNAL + '\nazure-pls-create: "true"')),
    'PrivateLinkNeedsIPv4': (manifest(INTERNAL + '\nazure-pls-create: "true"', 'ipFamilies: [IPv6]'),
                             manifest(INTERNAL + '\nazure-pls-create: "true"',
                                      'ipFamilyPolicy: RequireDualStack\nipFamilies: [IPv6, IPv4]')),
    'PrivateLinkAddressCount': (
        manifest(INTERNAL + '\nazure-pls-create: "true"\nazure-pls-ip-configuration-ip-address: "10.0.0.4 10.0.0.5"'),
        manifest(INTERNAL + '\nazure-pls-create: " True"\nazure-pls-ip-configuration-ip-address: "10.0.0.4 10.0.0.5"\n'
                 'azure-pls-ip-configuration-ip-address-count: " 2 "')),
    'PortAnnotationWithoutPort': (manifest('port_8080_no_probe_rule: "true"'),
                                  manifest('port_80_no_probe_rule: "true"')),
    'ProbePortUnknown': (manifest('port_80_health-probe_port: "status"'),
                         manifest('port_80_health-probe_port: "15021"')),
    'PrivateAddressOnPublicService': (manifest('azure-load-balancer-ipv4: 10.240.0.25'),
                                      manifest(INTERNAL + '\nazure-load-balancer-ipv4: 10.240.0.25')),
    'PublicAddressOnInternalService': (manifest(INTERNAL + '\nazure-load-balancer-ipv4: 20.0.0.2'),
                                       manifest('azure-load-balancer-ipv4: 20.0.0.2')),
    'AddressNotPublic': (manifest('azure-load-balancer-ipv4: 168.63.129.16'),
                         manifest('azure-load-balancer-ipv4: 168.63.129.17')),
    'LoadBalancerIPInvalid': (manifest(spec='loadBalancerIP: "20.0.0.2 "'), manifest(spec='loadBalancerIP: 20.0.0.2')),
    'AddressPassedOver': (manifest('azure-load-balancer-ipv4: 20.0.0.2', 'loadBalancerIP: 20.0.0.3'),
                          manifest('azure-load-balancer-ipv4: 20.0.0.2', 'loadBalancerIP: 20.0.0.2')),
    'LoadBalancerIPDeprecated': (manifest(spec='loadBalancerIP: 20.0.0.2'),
                                 manifest('azure-load-balancer-ipv4: 20.0.0.2')),
    'AddressFamilyMismatch': (manifest('azure-load-balancer-ipv6: "2001:db8::1"', 'ipFamilies: [IPv4]'),
                              manifest('azure-load-balancer-ipv6: "2001:db8::1"', 'ipFamilies: [IPv6]')),
    'SourceRangesWithServiceTags': (
        manifest('azure-allowed-service-tags: AzureCloud', 'loadBalancerSourceRanges: [203.0.113.0/24]'),
        manifest('azure-allowed-service-tags: AzureCloud\nazure-allowed-ip-ranges: 203.0.113.0/24')),
    'SourceRangesWithAllowedRanges': (
        manifest('azure-allowed-ip-ranges: 198.51.100.0/24', 'loadBalancerSourceRanges: [203.0.113.0/24]'),
        manifest('azure-allowed-ip-ranges: 198.51.100.0/24,203.0.113.0/24')),
    'SourceRangeNotCidr': (manifest(spec='loadBalancerSourceRanges: [203.0.113.7]'),
                           manifest(spec='loadBalancerSourceRanges: [203.0.113.7/32]')),
    'SourceRangeHostBits': (manifest(spec='loadBalancerSourceRanges: [203.0.113.7/24]'),
                            manifest(spec='loadBalancerSourceRanges: [203.0.113.0/24]')),
    'RangesOpenToAll': (manifest(spec='loadBalancerSourceRanges: [0.0.0.0/1, 128.0.0.0/1]'),
                        manifest(spec='loadBalancerSourceRanges: [0.0.0.0/0]')),
    'NobodyCanConnect': (manifest('azure-allowed-service-tags: ""'),
                         manifest('azure-allowed-service-tags: AzureCloud')),
    'FamilyWithoutRanges': (
        manifest(spec='ipFamilyPolicy: RequireDualStack\nloadBalancerSourceRanges: [203.0.113.0/24]'),
        manifest(spec='ipFamilyPolicy: RequireDualStack\nloadBalancerSourceRanges: [203.0.113.0/24, "2001:db8::/32"]')),
    'NoSecurityRule': (manifest('azure-disable-load-balancer-nsg-rule: "true"'),
                       manifest('azure-disable-load-balancer-nsg-rule: "false"')),
    'SourceRangeFamily': (manifest(spec='loadBalancerSourceRanges: ["2001:db8::/32"]'),
                          manifest(spec='loadBalancerSourceRanges: ["2001:db8::/32"]\nipFamilies: [IPv6]')),
    'PublicServiceOpen': (manifest(), manifest(spec='loadBalancerSourceRanges: [203.0.113.0/24]')),
    'PrivateRangesOnPublicService': (manifest(spec='loadBalancerSourceRanges: [10.0.0.0/8]'),
                                     manifest(spec='loadBalancerSourceRanges: [10.0.0.0/8, 203.0.113.0/24]')),
    'PodsNotInRanges': (manifest(spec='loadBalancerSourceRanges: [203.0.113.0/24]'),
                        manifest(spec='loadBalancerSourceRanges: [10.244.0.0/16, 203.0.113.0/24]')),
    'VnetBypassesRanges': (
        manifest(INTERNAL + '\nazure-allowed-ip-ranges: 10.1.0.0/16'),
        manifest(INTERNAL + '\nazure-allowed-ip-ranges: 10.1.0.0/16\n'
                 'azure-deny-all-except-load-balancer-source-ranges: "true"')),
    'DenyAllWithoutRanges': (
        manifest(INTERNAL + '\nazure-deny-all-except-load-balancer-source-ranges: "true"'),
        manifest(INTERNAL + '\nazure-deny-all-except-load-balancer-source-ranges: "true"',
                 'loadBalancerSourceRanges: [10.1.0.0/16]')),
    'ExternalTrafficPolicyInvalid': (manifest(spec='externalTrafficPolicy: local'),
                                     manifest(spec='externalTrafficPolicy: Local')),
    'ClientIPNotPreserved': (manifest(), manifest(spec='externalTrafficPolicy: Local')),
    'AppProtocolProbesRoot': (
        manifest(ports='  - {port: 80, appProtocol: http}\n'),
        manifest('azure-load-balancer-health-probe-request-path: /healthz',
                 ports='  - {port: 80, appProtocol: http}\n')),
    'NoProbeCanBeMade': (manifest(_HIGH_AVAILABILITY + '\nazure-load-balancer-health-probe-interval: "1"'),
                         manifest(_HIGH_AVAILABILITY)),
    'LocalIgnoresProbeAnnotations': (
        manifest('azure-load-balancer-health-probe-request-path: /ready', 'externalTrafficPolicy: Local'),
        manifest('port_80_health-probe_port: "30000"\nport_80_health-probe_request-path: /ready',
                 'externalTrafficPolicy: Local')),
    'NodePortsNotAllocated': (
        manifest(spec='allocateLoadBalancerNodePorts: false'),
        manifest(spec='allocateLoadBalancerNodePorts: false\nexternalTrafficPolicy: Local')),
    'PortTakenOnSharedIP': (
        manifest('azure-pip-name: shop', name='a') + '---\n' + manifest('azure-pip-name: SHOP', name='b'),
        manifest('azure-pip-name: shop', name='a') + '---\n' + manifest('azure-pip-name: shop', name='b',
                                                                        ports='  - port: 443\n')),
    'DnsLabelTaken': (
        manifest('azure-dns-label-name: shop', name='a') + '---\n' + manifest('azure-dns-label-name: shop', name='b'),
        manifest('azure-dns-label-name: shop', name='a') + '---\n' + manifest('azure-dns-label-name: shop', name='a')),
    'DnsLabelsOnSharedIP': (
        manifest('azure-pip-name: ip\nazure-dns-label-name: shop', name='a') + '---\n' + manifest(
            'azure-pip-name: ip\nazure-dns-label-name: blog', name='b', ports='  - port: 443\n'),
        manifest('azure-pip-name: ip\nazure-dns-label-name: shop', name='a') + '---\n' + manifest(
            'azure-pip-name: ip', name='b', ports='  - port: 443\n')),
    'TooManyFrontends': (_many(601), _many(300)),
    'TooManyRules': (_many(6, _MANY_PORTS), _many(1, _MANY_PORTS)),
    'TooManyRulesPerNic': (_many(1, _MANY_PORTS), _many(1, _FEW_PORTS)),
}

#: The same for the rules that hold a manifest against a cluster, and what is to be changed in CONTEXT for them.
CLUSTER_CASES = {
    'AnnotationNeedsNewerKubernetes': (manifest('azure-allowed-ip-ranges: 203.0.113.0/24'),
                                       manifest('azure-pip-name-ipv6: web6'), {}),
    'PrivateLinkOnNodeIPPool': (manifest(INTERNAL + '\nazure-pls-create: "true"'), manifest(INTERNAL),
                                {'node_ip_pool': True}),
    'LoadBalancerPinned': (manifest('azure-load-balancer-configurations: team1\nazure-pip-name: inbound'),
                           manifest('azure-load-balancer-configurations: team1'),
                           {'several_balancers': True, 'kubernetes_version': (1, 33)}),
    'StandardSkuNeeded': (manifest(f'azure-pip-prefix-id: {PREFIX_ID}'), manifest('azure-pip-name: old'),
                          {'load_balancer_sku': 'Basic'}),
    'PublicIPInOtherRegion': (manifest('azure-pip-name: north'), manifest('azure-pip-name: inbound'), {}),
    'PublicIPSkuMismatch': (manifest('azure-pip-name: old'), manifest('azure-pip-name: inbound'), {}),
    'PublicIPInOtherResourceGroup': (
        manifest('azure-load-balancer-ipv4: 20.0.0.3'),
        manifest('azure-load-balancer-ipv4: 20.0.0.3\nazure-load-balancer-resource-group: IPS'), {}),
    'SharesOutboundIP': (manifest('azure-load-balancer-ipv4: 20.0.0.1'),
                         manifest('azure-load-balancer-ipv4: 20.0.0.2'), {}),
    'IPFamilyNotInCluster': (manifest(spec='ipFamilyPolicy: RequireDualStack'),
                             manifest(spec='ipFamilyPolicy: PreferDualStack'), {}),
    'PodRangeMissing': (manifest(spec='loadBalancerSourceRanges: [10.0.0.0/16, 203.0.113.0/24]'),
                        manifest(spec='loadBalancerSourceRanges: [10.244.0.0/15, 203.0.113.0/24]'), {}),
    # 2 ports for each of 5,000 nodes are all of them; one rule leaves 63,992 ports, in blocks of 8 for each node.
    'TooManyConfigurations': (manifest(ports='  - {name: a, port: 1}\n  - {name: b, port: 2}\n'
                                             '  - {name: c, port: 3}\n'),
                              manifest(ports='  - {name: a, port: 1}\n  - {name: b, port: 2}\n'),
                              {'nodes_now': 5000, 'nodes_at_most': 5000}),
    'OutboundPortsShort': (manifest('azure-load-balancer-ipv4: 20.0.0.1'),
                           manifest('azure-load-balancer-ipv4: 20.0.0.2'),
                           {'nodes_now': 8, 'nodes_at_most': 8, 'outbound': OutboundPorts(8000, 64000, 0)}),
    'TooManyFrontends': (_many(3), _many(2), {}),
    'TooManyRules': (_many(4), _many(3), {}),
    'TooManyRulesPerNic': (_many(4), _many(3), {}),
}

#: The manifests of the article "Use a public Standard Load Balancer in AKS", with the lines that its text lost.
ARTICLE = {
    'public': """\
apiVersion: v1
kind: Service
metadata:
  name: public-svc
spec:
  type: LoadBalancer
  ports:
  - port: 80
  selector:
    app: public-app
""",
    'restricted': """\
apiVersion: v1
kind: Service
metadata:
  name: azure-vote-front
spec:
  type: LoadBalancer
  ports:
  - port: 80
  selector:
    app: azure-vote-front
  loadBalancerSourceRanges:
  - 203.0.113.0/24
""",
    'client-ip': """\
apiVersion: v1
kind: Service
metadata:
  name: azure-vote-front
spec:
  type: LoadBalancer
  externalTrafficPolicy: Local
  ports:
  - port: 80
  selector:
    app: azure-vote-front
""",
}

_ID = '00000000-0000-0000-0000-000000000000'

#: Manifests in the manner of cloud-provider-azure's pages; together they use every documented annotation.
DOCUMENTED = {
    'internal in a subnet': manifest(
        INTERNAL + '\nazure-load-balancer-internal-subnet: apps-subnet\nazure-load-balancer-ipv4: 10.240.1.4'),
    'public settings': manifest(
        'azure-dns-label-name: shop-frontend\nazure-load-balancer-resource-group: shared-ips\n'
        'azure-pip-name: shop-ip\nazure-pip-tags: team=shop,env=prod\nazure-pip-ip-tags: RoutingPreference=Internet\n'
        'azure-load-balancer-tcp-idle-timeout: "15"\nazure-load-balancer-disable-tcp-reset: "true"\n'
        'azure-shared-securityrule: "true"\nazure-load-balancer-mode: "__auto__"\n'
        'azure-load-balancer-configurations: "kubernetes,team1"'),
    'prefix': manifest(f'azure-pip-prefix-id: "{PREFIX_ID}"'),
    'dual stack': manifest(
        f'azure-pip-name: shop-ip\nazure-pip-name-ipv6: shop-ip6\nazure-pip-prefix-id: {PREFIX_ID}\n'
        f'azure-pip-prefix-id-ipv6: {PREFIX_ID}6\nazure-load-balancer-ipv4: 20.10.10.10\n'
        'azure-load-balancer-ipv6: "2603:1030::7"',
        'ipFamilyPolicy: PreferDualStack\nipFamilies:\n- IPv4\n- IPv6'),
    'tags and ranges': manifest(
        'azure-allowed-service-tags: AzureFrontDoor.Backend,AzureMonitor\n'
        'azure-allowed-ip-ranges: 198.51.100.0/24, 2001:db8::/32\nazure-additional-public-ips: 20.1.2.3,20.1.2.4'),
    'deny all': manifest(
        INTERNAL + '\nazure-deny-all-except-load-balancer-source-ranges: "true"',
        'loadBalancerSourceRanges:\n- 10.1.0.0/16'),
    'old ranges': manifest('load-balancer-source-ranges: 198.51.100.0/24'),
    'no security rule': manifest('azure-disable-load-balancer-nsg-rule: "true"'),
    'high availability ports': manifest(
        INTERNAL + '\nazure-load-balancer-enable-high-availability-ports: "true"'),
    'sctp': manifest(INTERNAL, ports='  - name: signalling\n    protocol: SCTP\n    port: 30102\n'
                                     '    targetPort: 30102\n', name='sctp-gateway'),
    'probes': manifest(
        'azure-load-balancer-health-probe-protocol: Http\nazure-load-balancer-health-probe-interval: "10"\n'
        'azure-load-balancer-health-probe-num-of-probe: "5"\nazure-load-balancer-health-probe-request-path: /live\n'
        'port_443_health-probe_num-of-probe: "4"\nport_443_health-probe_interval: "6"',
        ports='  - {name: http, protocol: TCP, port: 80, targetPort: 30102}\n'
              '  - {name: https, protocol: TCP, appProtocol: HTTPS, port: 443, targetPort: 30104}\n'),
    'ports without rules': manifest(
        'port_15021_no_lb_rule: "true"\nport_80_no_probe_rule: "true"',
        ports='  - {name: status, port: 15021}\n  - {name: http, port: 80}\n  - {name: https, port: 443}\n'),
    'mesh gateway': manifest(
        INTERNAL + '\nport_443_health-probe_protocol: "http"\nport_443_health-probe_port: "30000"\n'
        'port_443_health-probe_request-path: "/healthz/ready"',
        'externalTrafficPolicy: Local\nipFamilies:\n- IPv4\nipFamilyPolicy: SingleStack\nsessionAffinity: None\n'
        'allocateLoadBalancerNodePorts: true\ninternalTrafficPolicy: Cluster',
        ports='  - {name: https, protocol: TCP, port: 443, targetPort: 8443, appProtocol: https}\n'),
    'no node ports': manifest(spec='allocateLoadBalancerNodePorts: false\nexternalTrafficPolicy: Local'),
    'no floating ip': manifest('azure-disable-load-balancer-floating-ip: "true"'),
    'shared address': manifest(spec='loadBalancerIP: 20.3.4.5'),
    'private link': manifest(
        INTERNAL + '\nazure-pls-create: "true"\nazure-pls-name: orders-link\nazure-pls-resource-group: links\n'
        'azure-pls-ip-configuration-subnet: link-subnet\nazure-pls-ip-configuration-ip-address-count: "2"\n'
        'azure-pls-ip-configuration-ip-address: "10.240.0.9  10.240.0.10"\nazure-pls-fqdns: "a.example b.example"\n'
        f'azure-pls-proxy-protocol: "false"\nazure-pls-visibility: "*"\nazure-pls-auto-approval: "{_ID}"'),
}
