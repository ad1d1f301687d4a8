# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Rules that hold a Service against a cluster: what this cluster and its load balancer cannot give it."""

from dataclasses import dataclass
from typing import NamedTuple, Optional, Tuple

from ...model.finding import ERROR, WARNING
from ...model.network import IPV4, IPV6
from ...model.values import id_segments
from ...facts.snat import MAX_FRONTENDS, MAX_RULES, MAX_RULES_PER_NIC, PORT_BLOCK
from .catalogue import AKS, AKS_STATIC_IP, CLOUD_PROVIDER, LIMITS, Hit, Rulebook
from .service import PREFIX, annotation_path

RULES = Rulebook()

#: Rules on all Services together; their hits belong to no single one.
TOTAL_RULES = Rulebook()


@dataclass(frozen=True)
class PublicAddress:
    """A public IP, or prefix, that was read with the cluster; `outbound` where an outbound rule uses it."""

    id: str
    address: Optional[str] = None
    location: Optional[str] = None
    sku: Optional[str] = None
    outbound: bool = False

    @property
    def name(self):
        """Its name in Azure."""
        return self.id.rstrip('/').rpartition('/')[2]

    @property
    def resource_group(self):
        """Its resource group."""
        return id_segments(self.id).get('resourcegroups', '')


@dataclass(frozen=True)
class ServiceContext:  # pylint: disable=too-many-instance-attributes  # a record
    """What the rules want to know of a cluster. None or empty where unknown: the rule then says nothing.

    `kubernetes_version` is (major, minor). `frontends` and `rules` count those of the public load balancer,
    `rules_per_nic` the load balancing, inbound NAT and outbound rules of the busiest NIC.
    """

    load_balancer_sku: Optional[str] = None
    location: Optional[str] = None
    node_resource_group: Optional[str] = None
    kubernetes_version: Optional[Tuple[int, int]] = None
    ip_families: Tuple[str, ...] = ()
    pod_cidrs: Tuple[str, ...] = ()
    public_addresses: Tuple[PublicAddress, ...] = ()
    frontends: Optional[int] = None
    rules: Optional[int] = None
    rules_per_nic: Optional[int] = None


def _asked_for(service, context):
    """(path, public address) of each public IP or prefix of the context that the service asks for."""
    if service.internal:
        return
    wanted = {address: path for path, address in service.addresses()}
    wanted = {str(address): path for address, path in wanted.items()}
    names = {(service.annotation(name) or '').lower(): annotation_path(name)
             for name in ('azure-pip-name', 'azure-pip-name-ipv6')}
    ids = {(service.annotation(name) or '').lower(): annotation_path(name)
           for name in ('azure-pip-prefix-id', 'azure-pip-prefix-id-ipv6')}
    group = _group(service, context).lower()
    for known in context.public_addresses:
        path = wanted.get(known.address) or ids.get(known.id.lower())
        if not path and known.resource_group.lower() == group:
            path = names.get(known.name.lower())
        if path:
            yield path, known


def _group(service, context):
    """The resource group in which the cloud provider looks for the public IP of a service."""
    return service.annotation('azure-load-balancer-resource-group') or context.node_resource_group or ''


def _is_basic(sku):
    return (sku or '').lower() == 'basic'


@RULES.rule(
    'StandardSkuNeeded', ERROR, 'With a cluster: what only a Standard load balancer has, on a Basic one.',
    'High availability ports, public IP prefixes, private link services and SCTP need the Standard SKU; Basic has '
    'been retired.', CLOUD_PROVIDER)
def standard_sku_needed(service, context):
    """Only where the cluster is on Basic."""
    if not _is_basic(context.load_balancer_sku):
        return
    for name in ('azure-load-balancer-enable-high-availability-ports', 'azure-pls-create', 'azure-pip-prefix-id',
                 'azure-pip-prefix-id-ipv6'):
        value = service.annotation(name)
        if value and value.lower() != 'false':
            yield Hit(f'{name} needs a Standard load balancer; the cluster has a Basic one.', annotation_path(name),
                      'Move the cluster to a Standard load balancer: Basic has been retired.')
    for index, port in service.ports:
        if port.get('protocol') == 'SCTP':
            yield Hit('SCTP needs a Standard load balancer; the cluster has a Basic one.',
                      ('spec', 'ports', index, 'protocol'), 'Move the cluster to a Standard load balancer.')


@RULES.rule(
    'PublicIPInOtherRegion', ERROR, 'With a cluster: the public IP or prefix is in another region.',
    'A load balancer takes public IPs of its own region only: the service stays <pending>.', AKS_STATIC_IP)
def public_ip_in_other_region(service, context):
    """Regions are compared without blanks and case: "West Europe" is westeurope."""
    here = (context.location or '').replace(' ', '').lower()
    for path, known in _asked_for(service, context):
        there = (known.location or '').replace(' ', '').lower()
        if here and there and here != there:
            yield Hit(f'The public IP {known.name} is in {there}, the cluster in {here}.', path,
                      f'Use a public IP in {here}.')


@RULES.rule(
    'PublicIPSkuMismatch', ERROR, 'With a cluster: the public IP has another SKU than the load balancer.',
    'A Standard load balancer takes Standard public IPs only: the service stays <pending>.', AKS_STATIC_IP)
def public_ip_sku_mismatch(service, context):
    """Basic and Standard do not mix."""
    for path, known in _asked_for(service, context):
        if known.sku and context.load_balancer_sku and _is_basic(known.sku) != _is_basic(context.load_balancer_sku):
            yield Hit(f'The public IP {known.name} is {known.sku}, the load balancer {context.load_balancer_sku}.',
                      path, f'Use a {context.load_balancer_sku} public IP.')


@RULES.rule(
    'PublicIPInOtherResourceGroup', ERROR,
    'With a cluster: the address belongs to a public IP in a resource group that the service does not name.',
    'The cloud provider looks in the node resource group, or in the one that azure-load-balancer-resource-group '
    'names, and nowhere else: the service stays <pending>.', AKS_STATIC_IP)
def public_ip_in_other_resource_group(service, context):
    """A prefix is given by its id, wherever it is."""
    group = _group(service, context)
    for path, known in _asked_for(service, context):
        if group and known.address and known.resource_group.lower() != group.lower():
            yield Hit(f'{known.address} belongs to the public IP {known.name} in {known.resource_group}, not in '
                      f'{group}.', path, f'Set {PREFIX}azure-load-balancer-resource-group: "{known.resource_group}".')


@RULES.rule(
    'SharesOutboundIP', WARNING, 'With a cluster: the service asks for an IP that the cluster uses for outbound.',
    'Each load balancing rule on an outbound frontend takes 8 of its SNAT ports; where all are allocated, the update '
    'of the load balancer fails. An IP that AKS manages goes away when their number is lowered.', AKS)
def shares_outbound_ip(service, context):
    """Says what it costs."""
    for path, known in _asked_for(service, context):
        if known.outbound:
            rules = service.rules()
            ports = PORT_BLOCK * rules
            yield Hit(f'The IP {known.address or known.name} also serves outbound connections: {rules} rule(s) take '
                      f'{ports} SNAT ports.', path, 'Give the service a public IP of its own.', None,
                      {'rules': rules, 'snatPorts': ports, 'publicIp': known.id})


@RULES.rule(
    'IPFamilyNotInCluster', ERROR, 'With a cluster: an IP family that the cluster does not have.',
    'Kubernetes refuses the service.', AKS)
def ip_family_not_in_cluster(service, context):
    """PreferDualStack takes what there is."""
    if not context.ip_families:
        return
    families = service.families
    policy = service.spec.get('ipFamilyPolicy')
    if policy == 'RequireDualStack' and len(context.ip_families) < 2:
        yield Hit(f'The service requires two IP families, and the cluster has {context.ip_families[0]} only.',
                  ('spec', 'ipFamilyPolicy'), 'Write SingleStack or PreferDualStack.')
    for index, family in enumerate(families):
        if family not in context.ip_families and (index == 0 or policy != 'PreferDualStack'):
            yield Hit(f'The service wants {family}, and the cluster has {", ".join(context.ip_families)} only.',
                      ('spec', 'ipFamilies'), f'Remove {family}.')


def families_of(service, context):
    """How many IP families a service gets a frontend and rules for; high where it is unknown."""
    if not service.is_dual_stack:
        return 1
    return len(context.ip_families) if context and context.ip_families else len((IPV4, IPV6))


def _needs(services, context):
    """(frontends, rules) that services take which have no address yet; services with one are on the balancer."""
    frontends, rules = set(), 0
    for number, service in enumerate(services):
        count = families_of(service, context)
        shared = [str(address) for _, address in service.addresses()] \
            or [name for name in map(service.annotation, ('azure-pip-name', 'azure-pip-name-ipv6')) if name]
        frontends.update(shared or [(number, family) for family in range(count)])
        rules += count * service.rules()
    return len(frontends), rules


class _Limit(NamedTuple):
    """A limit: which of _needs it bounds, up to what number, of what."""

    index: int
    most: int
    unit: str


def _exceeded(limit, services, context, there, balancer):
    """The hit of a limit, where what `services` take and what is `there` exceed it together."""
    take = _needs(services, context)[limit.index]
    there = there or 0
    if take + there > limit.most:
        # Services of the manifests may be on the load balancer already: only what is too many by itself is certain.
        yield Hit(f'{balancer}: {take:,} {limit.unit} for services without an address yet, and {there:,} that it has, '
                  f'are more than {limit.most:,}.', (), 'Spread the services over several clusters or load balancers, '
                  'or put an ingress controller or gateway in front of them.', ERROR if take > limit.most else WARNING,
                  {'needed': take, 'present': there, 'limit': limit.most})


def _per_balancer(limit, services, context, there):
    """Public and internal services are on two load balancers; what is there is known of the public one."""
    yield from _exceeded(limit, [service for service in services if not service.internal], context, there,
                         'The public load balancer')
    yield from _exceeded(limit, [service for service in services if service.internal], context, None,
                         'The internal load balancer')


_TOTAL_WHY = ('Azure refuses what is beyond. An error where the manifests alone exceed it, a warning where they do '
              'with what the cluster has.')


@TOTAL_RULES.rule('TooManyFrontends', ERROR, f'More than {MAX_FRONTENDS} frontends.', _TOTAL_WHY, LIMITS)
def too_many_frontends(services, context):
    """One for each service and IP family; services that ask for the same address share one."""
    return _per_balancer(_Limit(0, MAX_FRONTENDS, 'frontends'), services, context, context and context.frontends)


@TOTAL_RULES.rule('TooManyRules', ERROR, f'More than {MAX_RULES:,} load balancing rules.', _TOTAL_WHY, LIMITS)
def too_many_rules(services, context):
    """One for each port and IP family."""
    return _per_balancer(_Limit(1, MAX_RULES, 'load balancing rules'), services, context, context and context.rules)


@TOTAL_RULES.rule(
    'TooManyRulesPerNic', ERROR, f'More than {MAX_RULES_PER_NIC} rules on the network interface of a node.',
    _TOTAL_WHY, LIMITS)
def too_many_rules_per_nic(services, context):
    """Every node is in the backend pool of every rule, of the public and of the internal load balancer."""
    return _exceeded(_Limit(1, MAX_RULES_PER_NIC, 'rules'), services, context, context and context.rules_per_nic,
                     'The network interface of each node')
