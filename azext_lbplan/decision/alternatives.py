# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Other ways than the recommended one, each with what it costs (design section 4, Recommendation)."""

from dataclasses import dataclass, replace
from typing import Optional, Tuple

from . import flags
from ..facts import snat
from ..model.cluster import MANAGED, MANAGED_NAT_GATEWAY, USER_ASSIGNED_NAT_GATEWAY
from ..model.outbound import Case, Wanted
from .sizing import plan


@dataclass(frozen=True)
class Alternative:
    """Another way, with what it costs. `command` is None where one line cannot do it."""

    title: str
    flags: Tuple[str, ...]
    command: Optional[str]
    fits: Optional[bool]
    consequence: str


def alternatives(case: Case) -> Tuple[Alternative, ...]:
    """The other ways for a solved `case`: a shorter idle timeout where evidence calls for it, and where something
    has to change more IPs, fewer ports, or a NAT gateway."""
    ways = [_idle_timeout(case)]
    if case.obstacle or flags.flags(case):
        ways += [_more_ips(case), _fewer_ports(case), _nat_gateway(case)]
    return tuple(way for way in ways if way is not None)


def _variant(case, title, wanted, consequence):
    """The alternative that typing `wanted` would give; None where it changes nothing or has no command."""
    variant = plan(case.observed, case.scale, wanted, allow_decrease=True)
    argv = flags.flags(variant)
    if not argv:
        return None
    return Alternative(title, argv, flags.command(variant), variant.proposed.fits, consequence)


def _idle_timeout(case):
    """Only where idle flows hold the ports; it cuts quiet connections that have no keepalive."""
    evidence = case.demand.evidence
    if not evidence.idle_timeout_bound or not evidence.idle_timeout_relief:
        return None
    held = case.current.settings.idle_timeout_in_minutes
    return _variant(
        case, f'An idle timeout of {snat.MIN_IDLE_TIMEOUT} minutes instead of {held}',
        Wanted(idle_timeout_in_minutes=snat.MIN_IDLE_TIMEOUT),
        f'Idle flows hold the ports: it frees about {evidence.idle_timeout_relief:.0%} of them, and it cuts quiet '
        'connections without keepalives, such as those to databases and message brokers.')


def _more_ips(case):
    settings = case.proposed.settings
    if settings.ip_source != MANAGED or settings.automatic or \
            settings.managed_outbound_ip_count >= snat.MAX_MANAGED_IPS:
        return None
    count = settings.managed_outbound_ip_count + 1
    nodes = snat.available_ports(count) // settings.outbound_ports
    return _variant(case, f'{count} outbound IPs instead of {count - 1}',
                    replace(case.wanted, managed_outbound_ip_count=count, outbound_ports=settings.outbound_ports),
                    f'One IP more than needed: room for {nodes} nodes instead of {case.proposed.max_nodes}.')


def _fewer_ports(case):
    settings = case.current.settings
    if settings.outbound_ip_count is None:
        return None
    ports = snat.largest_ports(settings.outbound_ip_count, case.nodes.required, case.shared_rule_blocks)
    held = case.current.ports_per_node
    if not snat.PORT_BLOCK <= ports < case.proposed.settings.outbound_ports:
        return None
    cost = (f'instead of {held}: connections on the ports that are taken back die, and a node fails earlier'
            if held and ports < held else 'which is less than the demand: a node may still run out')
    return _variant(case, f'{ports} ports per node on the IPs of today', Wanted(outbound_ports=ports),
                    f'No new egress IPs, but each node has {ports} ports, {cost}.')


def _nat_gateway(case):
    """Not for node auto-provisioning, which cannot change its outbound type (azure-facts section 1)."""
    cluster, busiest = case.cluster, case.demand.cluster_peak_ports
    if cluster.node_auto_provisioning:
        return None
    count = snat.nat_gateway_ips(busiest or 0)
    if count > snat.NAT_GATEWAY_MAX_IPS:
        return None
    sized = (f'{count} IPs carry the {busiest} ports of the busiest minute of the whole cluster.' if busiest else
             f'{count} IPs are the fewest that are advised; demand was not measured.')
    consequence = (f'Ports are given on demand instead of per node. {sized} Egress IPs change, connections are '
                   'interrupted, and the idle timeout is 4 minutes unless set.')
    if cluster.own_vnet:
        return Alternative('A NAT gateway of your own on the subnets', ('--outbound-type', USER_ASSIGNED_NAT_GATEWAY),
                           None, None, consequence + ' Make the gateway and join it to every subnet of the cluster '
                                                     'first, then run az aks update with these flags.')
    argv = ('--outbound-type', MANAGED_NAT_GATEWAY, '--nat-gateway-managed-outbound-ip-count', str(count))
    return Alternative('A managed NAT gateway', argv, flags.update_line(cluster, argv), None, consequence)
