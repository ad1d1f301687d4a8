# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Where packets really leave, against what the outbound type says."""

from __future__ import annotations

from typing import Any, Dict, Iterable, Mapping, Sequence, Tuple

from ...decision.egress import (APPLIANCE, BLOCKED, MIXED, NAT_GATEWAY, NETWORK_GATEWAY, NODE_PUBLIC_IP, UNKNOWN,
                                Egress, Path)
from ...facts.clusters import (BLOCK, LOAD_BALANCER, MANAGED_NAT_GATEWAYS, USER_ASSIGNED_NAT_GATEWAY,
                               USER_DEFINED_ROUTING)
from ...facts.links import EGRESS_PRECEDENCE
from ...facts.snat import FIREWALL_PORTS_PER_IP, NAT_GATEWAY_MAX_IPS, NAT_GATEWAY_PORTS_PER_IP
from ...model.finding import ERROR, INFO, WARNING, Finding
from ..engine import OBSERVATION, Rule, Rulebook
from .subject import CHECK, PLAN, AtColumn, existing_cluster, metrics_were_read, standard_load_balancer

RULES: Rulebook[AtColumn] = Rulebook(commands=(PLAN, CHECK), about=OBSERVATION, needs=(existing_cluster,),
                                     link=EGRESS_PRECEDENCE)

_TARGET = 'egress'

#: Connections that are counted for less than this say nothing.
_LEAST_HOURS = 1

#: Whose limit it is, by the way out. Source: AZURE-FACTS sections 2 and 5.
LIMITS: Mapping[str, str] = {
    NAT_GATEWAY: f'A NAT gateway gives {NAT_GATEWAY_PORTS_PER_IP} ports per IP, on at most {NAT_GATEWAY_MAX_IPS} IPs, '
                 'to all subnets that it serves; no metric tells its connections by destination.',
    APPLIANCE: f'The limit is that of the appliance; Azure Firewall has {FIREWALL_PORTS_PER_IP} ports per IP and '
               'instance.',
    NETWORK_GATEWAY: 'The limit is that of whatever the gateway leads to.',
    NODE_PUBLIC_IP: 'Each node has the ports of its own public IP.',
}

#: What to do, by the way out of a cluster whose outbound type is loadBalancer.
_INSTEAD: Mapping[str, str] = {
    NAT_GATEWAY: 'Take the NAT gateway off the subnet, or size it (az network nat gateway update) and say so with az '
                 f'aks update --outbound-type {USER_ASSIGNED_NAT_GATEWAY}.',
    APPLIANCE: 'Size the appliance, and say so with az aks update --outbound-type '
               f'{USER_DEFINED_ROUTING}, or take the route for 0.0.0.0/0 away.',
    NETWORK_GATEWAY: f'Say so with az aks update --outbound-type {USER_DEFINED_ROUTING}, or take the route for '
                     '0.0.0.0/0 away.',
    NODE_PUBLIC_IP: 'Size the load balancer only for node pools without node public IPs.',
    MIXED: 'Let routes for both halves of IPv4 lead to the same place.',
}


def _facts(paths: Sequence[Path], egress: Egress) -> Dict[str, Any]:
    return {'declared': egress.declared, 'effective': egress.effective, 'via': egress.via,
            'paths': [{'pools': list(path.pools), 'traffic': path.traffic, 'subnet': path.subnet_id,
                       'effective': path.way, 'via': path.via} for path in paths]}


def _told(paths: Sequence[Path]) -> str:
    """The paths in a sentence or two, the first few of them."""
    told = ' '.join(f'{path.about}: {path.way}. {path.why}' for path in paths[:3])
    return told + (f' And {len(paths) - 3} more.' if len(paths) > 3 else '')


def _astray(subject: AtColumn, blocked: bool = False) -> Tuple[Path, ...]:
    return tuple(path for path in subject.decision.egress.astray if (path.way == BLOCKED) == blocked)


@RULES.rule('EgressBlocked', ERROR,
            title='Nothing that was read leads packets out.',
            why='A route that drops all, or an outbound type whose route or gateway is missing on a subnet: outbound '
                'connections fail, of one node pool alone where only its subnet was forgotten.',
            source='AZURE-FACTS section 11.')
def egress_blocked(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Paths that end. Where a gateway may have learnt a default route, it is a warning."""
    paths, egress = _astray(subject, blocked=True), subject.decision.egress
    if not paths:
        return
    learnt = all(path.learnt for path in paths)
    yield rule.finding(
        f'Outbound connections have no way out. {_told(paths)}' +
        (' Only a default route that a gateway has learnt would help: that was not read.' if learnt else ''),
        severity=WARNING if learnt else None, target=_TARGET, evidence=_facts(paths, egress),
        remediation={
            USER_DEFINED_ROUTING: 'Put a route for 0.0.0.0/0 to the firewall or gateway into the route table of each '
                                  'subnet of the cluster.',
            USER_ASSIGNED_NAT_GATEWAY: 'Join the NAT gateway to each subnet of the cluster: az network vnet subnet '
                                       'update --nat-gateway.',
            LOAD_BALANCER: 'Take the route with next hop None away.',
        }.get(egress.declared, 'Let AKS set it up again, and see what fails: az aks update.'))


@RULES.rule('EgressBypassesLoadBalancer', WARNING,
            title='Packets do not leave through the load balancer, although the outbound type says so.',
            why='A route to an appliance, a NAT gateway on the subnet or a public IP on the node comes before the '
                'outbound rule. Ports, IPs and timeout of the load balancer then have no effect on new connections.',
            source='AZURE-FACTS section 11 [D]; jenkins-infra/azure-net#198, AKS#1122, azure-docs#72338, #54803.')
def egress_bypasses_load_balancer(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """All or part of the paths. Node public IPs alone were asked for: that is worth knowing."""
    paths, egress = _astray(subject), subject.decision.egress
    if not paths or egress.declared != LOAD_BALANCER or not subject.decision.applicable:
        return
    typed = subject.decision.options.change.anything
    asked_for = {path.way for path in paths} == {NODE_PUBLIC_IP} and not typed
    whole = ('Outbound traffic does not' if egress.bypassed else 'Part of the outbound traffic does not')
    effect = ('The change would have no effect on it' if typed else
              'Ports, IPs and idle timeout of the load balancer have no effect on it')
    ways = list(dict.fromkeys(path.way for path in paths))
    yield rule.finding(
        f'{whole} leave through the load balancer. {_told(paths)} {effect}.', severity=INFO if asked_for else None,
        target=_TARGET, evidence=_facts(paths, egress),
        remediation=' '.join(part for way in ways for part in (LIMITS.get(way), _INSTEAD.get(way)) if part))


@RULES.rule('EgressNotAsDeclared', WARNING,
            title='Packets leave by another way than the outbound type says.',
            why='A route to an appliance comes before a NAT gateway, and a NAT gateway before what is left to AKS: '
                'sizes and allow-lists are then those of another thing.',
            source='AZURE-FACTS section 11 [D].')
def egress_not_as_declared(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Of other outbound types than loadBalancer."""
    paths, egress = _astray(subject), subject.decision.egress
    if not paths or egress.declared in (LOAD_BALANCER, BLOCK):
        return
    ways = list(dict.fromkeys(path.way for path in paths))
    fix = ('' if egress.declared in MANAGED_NAT_GATEWAYS else
           ' Put the same on each subnet of the cluster, or change the outbound type to what is meant.')
    yield rule.finding(
        f'The outbound type is {egress.declared}, and packets leave by another way. {_told(paths)}', target=_TARGET,
        evidence=_facts(paths, egress),
        remediation=' '.join(LIMITS[way] for way in ways if way in LIMITS) + fix)


@RULES.rule('EgressNotReadable', INFO,
            title='Where packets leave could not be read.',
            why='A NAT gateway or a route on a subnet would make all that is said of the load balancer pointless; so '
                'no claim is made either way.',
            source='AZURE-FACTS section 11.')
def egress_not_readable(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By the errors of the reads: a file that does not hold them is told in `egress.evidence` alone."""
    egress = subject.decision.egress
    unread = [path for path in egress.unread if path.error is not None]
    if unread:
        yield rule.finding(
            f'Where packets leave is not known. {_told(unread)}', target=_TARGET,
            evidence={'status': unread[0].error, **_facts(unread, egress)},
            remediation='Reading subnets, route tables and NAT gateways takes the role Reader on the virtual network.')


@RULES.rule('NatGatewayConnectionsFailed', WARNING, commands=(CHECK,), link=EGRESS_PRECEDENCE,
            title='Connections through a NAT gateway on the subnets failed.',
            why='It had no port left for their destination; a gateway that serves other subnets counts those, too, and '
                'no metric tells destinations.',
            source='AZURE-FACTS section 4, SNATConnectionCount; section 5 [D].')
def nat_gateway_connections_failed(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By the gateway's own metrics, where packets leave through it."""
    vias = dict.fromkeys(path.via for path in subject.decision.egress.paths if path.way == NAT_GATEWAY and path.via)
    if not subject.observed.gateway_metrics:
        return
    from ...demand.gateways import gateway_use  # only where there are metrics
    for via in vias:
        use = gateway_use(subject.observed, via)
        if use is not None and use.failed:
            yield rule.finding(
                f'{use.failed:,} connections through NAT gateway {via.rsplit("/", 1)[-1]} failed; at most {use.peak:,} '
                f'were open at once ({use.peak_at}).', target=via,
                evidence={'failed': use.failed, 'peak': use.peak, 'peakAt': use.peak_at},
                remediation='Give it more IPs, or find what makes so many connections to one destination.')


@RULES.rule('NoSnatConnections', WARNING, commands=(CHECK,),
            needs=(existing_cluster, standard_load_balancer, metrics_were_read),
            title='No connection left through the load balancer, although nodes run.',
            why='Nodes always connect to something. So packets take another way, perhaps by a route that a gateway has '
                'learnt (BGP, virtual WAN), which no route table shows.',
            source='AZURE-FACTS section 11; SnatConnectionCount.')
def no_snat_connections(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Counts that are all zero. A bypass that was read says enough."""
    egress, nodes = subject.decision.egress, subject.current.nodes.today
    if egress.bypassed or nodes == 0 or (subject.cluster is not None and subject.cluster.stopped):
        return
    from ...demand.failures import hours_without_connections  # only where there are metrics
    hours = hours_without_connections(subject.observed.metrics)
    if hours is None or hours < _LEAST_HOURS:
        return
    known = '' if egress.effective == UNKNOWN else ' Nothing on the subnets that were read leads elsewhere.'
    yield rule.finding(
        f'{nodes} nodes run, and in {hours:.0f} hours no connection left through the load balancer: packets take a way '
        f'that was not read.{known}', target=_TARGET, evidence={'hours': round(hours, 1), 'nodes': nodes},
        remediation='Look at the effective routes of a node (az network nic show-effective-route-table, or the portal '
                    'for scale sets): a default route from a gateway or a virtual WAN leads past the outbound rule.')
