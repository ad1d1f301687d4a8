# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""SKU and outbound type: what applies where egress takes another way, and the ways from one to the other."""

from typing import Callable, Dict, Iterable, Tuple

from ...decision.moves import possible_moves
from ...facts.clusters import (AVAILABILITY_SET, BASIC, BASIC_MOVES_SINCE, LOAD_BALANCER, MANAGED_NAT_GATEWAY,
                               OUTBOUND_TYPES as ALL_TYPES, USER_ASSIGNED_NAT_GATEWAY, USER_DEFINED_ROUTING)
from ...facts.links import BASIC_RETIREMENT, OUTBOUND_TYPES, SEVERAL_BALANCERS
from ...facts.moves import DISPUTED
from ...facts.snat import NAT_GATEWAY_MAX_IPS, NAT_GATEWAY_PORTS_PER_IP, minor_version
from ...model.cluster import Cluster
from ...model.finding import INFO, WARNING, Finding
from ..engine import OBSERVATION, Rule, Rulebook
from .subject import CHECK, PLAN, PROFILE, AtColumn, existing_cluster, standard_load_balancer

RULES: Rulebook[AtColumn] = Rulebook(commands=(PLAN, CHECK), about=OBSERVATION, needs=(existing_cluster,),
                                     link=OUTBOUND_TYPES)

#: A rulebook of its own, that comes last: what it finds is never what an answer leads with.
MOVES: Rulebook[AtColumn] = Rulebook(about=OBSERVATION, needs=(existing_cluster,), link=OUTBOUND_TYPES)
MOVES_CODE = 'OutboundTypeMoves'

_TARGET = 'networkProfile.outboundType'
_NONE, _BLOCK, _MANAGED_V2 = 'none', 'block', 'managedNATGatewayV2'

_NAT_GATEWAY = (f'A NAT gateway gives {NAT_GATEWAY_PORTS_PER_IP} ports per IP to whichever node needs them, on at most '
                f'{NAT_GATEWAY_MAX_IPS} IPs. ')
_MANAGED_NAT = _NAT_GATEWAY + (f'Size it with az aks update --nat-gateway-managed-outbound-ip-count 1 to '
                               f'{NAT_GATEWAY_MAX_IPS} and --nat-gateway-idle-timeout 4 to 120 (default 4).')

#: What applies instead of the load balancer's settings. Source: AZURE-FACTS sections 1 and 5.
_INSTEAD: Dict[str, str] = {
    USER_DEFINED_ROUTING: 'The subnet needs a route table with a route for 0.0.0.0/0 to a firewall, gateway or proxy; '
                          'ports, IPs and timeouts are those of that device.',
    MANAGED_NAT_GATEWAY: _MANAGED_NAT,
    _MANAGED_V2: _MANAGED_NAT,
    USER_ASSIGNED_NAT_GATEWAY: _NAT_GATEWAY + "It is its owner's, on every subnet of the cluster: size it with az "
                                              'network nat gateway update (public IPs and --idle-timeout).',
    _NONE: 'AKS sets up no egress at all: what there is comes from the network around the cluster.',
    _BLOCK: 'AKS blocks egress: nothing has to be sized.',
}


@RULES.rule('BasicLoadBalancer', WARNING, link=BASIC_RETIREMENT,
            title='The cluster is on a Basic load balancer, which is retired.',
            why='Unsupported since 2025-09-30; it has no outbound rules, so none of the settings here exist.',
            source='AZURE-FACTS section 1 [D]; the article, "Moving from a basic SKU load balancer to standard SKU".')
def basic_load_balancer(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By the SKU, with what stands in the way of this cluster's move."""
    cluster = subject.cluster
    if cluster is None or cluster.outbound_type != LOAD_BALANCER or cluster.load_balancer_sku != BASIC:
        return
    first = [need.format(cluster=cluster) for applies, need in _BEFORE_STANDARD if applies(cluster)]
    line = ('--migrate-vmas-to-vms, which moves its availability sets as well'
            if any(pool.type == AVAILABILITY_SET for pool in cluster.pools) else '--load-balancer-sku Standard')
    yield rule.finding(
        'The cluster is on a Basic load balancer, unsupported since 2025-09-30. It has no outbound rules.',
        target='networkProfile.loadBalancerSku',
        evidence={'loadBalancerSku': cluster.load_balancer_sku, 'kubernetesVersion': cluster.kubernetes_version,
                  'before': first},
        remediation=f"In place, with CLI 2.76.0 or later: {'; '.join([*first, _WEBHOOKS])}; then az aks update {line}. "
                    'It takes downtime and there is no way back: inbound IPs stay, outbound IPs are new, so allow-list '
                    'them afterwards. It is not supported where a Service is internal. Else blue/green: a new cluster '
                    'on Standard, then the workloads, DNS and allow-lists.')


_WEBHOOKS = 'switch admission webhooks of your own off'

#: What has to be done before the move, and where. Source: AZURE-FACTS section 1, Basic [D].
_BEFORE_STANDARD: Tuple[Tuple[Callable[[Cluster], bool], str], ...] = (
    (lambda cluster: (minor_version(cluster.kubernetes_version) or BASIC_MOVES_SINCE) < BASIC_MOVES_SINCE,
     'upgrade Kubernetes from {cluster.kubernetes_version} to ' + '.'.join(map(str, BASIC_MOVES_SINCE)) + ' or later'),
    (lambda cluster: cluster.private_key_vault,
     'turn off KMS, whose key vault is private (az aks update --disable-azure-keyvault-kms)'),
)


@RULES.rule('OtherOutboundType', INFO,
            title="Egress does not go through the cluster's load balancer.",
            why='Ports per node, outbound IPs and idle timeout of the load balancer have no effect; az aks refuses '
                'them.',
            source='AZURE-FACTS section 1 [D].')
def other_outbound_type(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By the outbound type."""
    outbound_type = subject.cluster.outbound_type if subject.cluster else LOAD_BALANCER
    if outbound_type != LOAD_BALANCER:
        yield rule.finding(
            f'The outbound type is {outbound_type}: SNAT ports of the load balancer do not apply.', target=_TARGET,
            evidence={'outboundType': outbound_type},
            remediation=_INSTEAD.get(outbound_type, 'This type is not known here: see its documentation.'))


@RULES.rule('StaleProfile', WARNING, commands=(CHECK,),
            title='A cluster with another outbound type still carries a load balancer profile.',
            why='Its IPs and ports look as if they counted. With user-defined routing AKS refuses every update from '
                'code that sends it back; with other types it has no effect, which is worth knowing.',
            source='AZURE-FACTS section 1; section 9, point 5; bicep-registry-modules#5759, #5727, azurerm#28541.')
def stale_profile(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """What is left over."""
    cluster = subject.cluster
    if cluster is None or cluster.outbound_type == LOAD_BALANCER:
        return
    profile = cluster.profile
    if not (profile.has_managed or profile.outbound_ips or profile.outbound_ip_prefixes or profile.effective_ids or
            profile.allocated_outbound_ports):
        return
    left = (f'The outbound type is {cluster.outbound_type}, but a load balancer profile with outbound IPs or ports is '
            'left')
    refused = cluster.outbound_type == USER_DEFINED_ROUTING
    yield rule.finding(
        f'{left}. Updates from Bicep, Terraform or templates that send it back are refused '
        '(InvalidUserDefinedRoutingWithLoadBalancerProfile); az aks update leaves it out and passes.' if refused else
        f'{left} over. It has no effect.', severity=None if refused else INFO, target=PROFILE,
        evidence={'outboundType': cluster.outbound_type, 'effectiveOutboundIPs': list(profile.effective_ids),
                  'allocatedOutboundPorts': profile.allocated_outbound_ports},
        remediation='Take loadBalancerProfile out of the code (load_balancer_profile in Terraform), and do not read '
                    'egress IPs from it.' if refused else
        'Do not read egress IPs from it; allow-lists need those of the other way.')


@RULES.rule('MultipleLoadBalancers', INFO, commands=(CHECK,), link=SEVERAL_BALANCERS,
            needs=(existing_cluster, standard_load_balancer),
            title='The cluster spreads its Services over several Standard load balancers.',
            why='Egress still goes through the first one, kubernetes: the others add no SNAT ports.',
            source='AZURE-FACTS section 1 [D], enableMultipleStandardLoadBalancers.')
def multiple_load_balancers(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By the profile."""
    if subject.cluster is not None and subject.cluster.profile.multiple_standard_load_balancers:
        yield rule.finding("Several Standard load balancers are enabled. Egress goes through the first one, "
                           "'kubernetes', alone: the others add no SNAT ports.",
                           target=f'{PROFILE}.enableMultipleStandardLoadBalancers',
                           evidence={'enableMultipleStandardLoadBalancers': True})


@MOVES.rule(MOVES_CODE, INFO, commands=(CHECK,),
            title='Which other outbound types this cluster may move to.',
            why='It depends on whose VNet it is, and a move changes egress IPs and interrupts connections.',
            source='AZURE-FACTS section 1, Moves (egress-outboundtype.md, 2026-08-05).')
def outbound_type_moves(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By outbound type and VNet."""
    cluster = subject.cluster
    if cluster is None or cluster.outbound_type not in ALL_TYPES:
        return
    if cluster.outbound_type == LOAD_BALANCER and cluster.load_balancer_sku == BASIC:
        return  # its SKU comes first
    possible = possible_moves(cluster)
    disputed = [to for to in possible if (cluster.outbound_type, to) in DISPUTED]
    vnet = 'a VNet of your own' if cluster.own_vnet else 'a managed VNet'
    if cluster.node_auto_provisioning:
        told = 'A cluster with node auto-provisioning cannot change its outbound type.'
    elif any(pool.type == AVAILABILITY_SET for pool in cluster.pools):
        told = 'A cluster on availability sets cannot change its outbound type.'
    elif possible:
        told = f"In {vnet}, outbound type {cluster.outbound_type} may become {', '.join(possible)}."
    else:
        told = f'In {vnet}, no move away from outbound type {cluster.outbound_type} is documented.'
    doubt = f" About {', '.join(disputed)} documents disagree." if disputed else ''
    yield rule.finding(
        f'{told}{doubt}', target=_TARGET,
        evidence={'outboundType': cluster.outbound_type, 'ownVnet': cluster.own_vnet, 'moves': list(possible)},
        remediation='The key moves of this answer has the steps and the consequences of each.' if possible else None)
