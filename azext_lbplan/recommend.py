# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""From what is in force (and measured demand) to a configuration, with reasons and alternatives (design section 4)."""

from dataclasses import dataclass, replace
from typing import Optional, Tuple

from . import flags, snat
from .model.cluster import MANAGED, MANAGED_NAT_GATEWAY, USER_ASSIGNED_NAT_GATEWAY
from .model.observed import Observed
from .model.outbound import Case, Scale, Wanted
from .sizing import current_case, plan

CHANGE = 'change'
OK = 'ok'
INFEASIBLE = 'infeasible'
NOT_APPLICABLE = 'notApplicable'


@dataclass(frozen=True)
class Alternative:
    """Another way, with what it costs. `command` is None where one line cannot do it."""

    title: str
    flags: Tuple[str, ...]
    command: Optional[str]
    fits: Optional[bool]
    consequence: str


@dataclass(frozen=True)
class Recommendation:
    """What to set: the solved case, why, and the other ways."""

    case: Case
    status: str
    reasons: Tuple[str, ...]
    alternatives: Tuple[Alternative, ...] = ()


def recommend(observed: Observed, scale: Scale, wanted: Wanted, allow_decrease=False) -> Recommendation:
    """Recommend from the configuration: never fewer ports than nodes have today, on the fewest IPs that carry them.

    Automatic allocation that would drop within the node range becomes explicit at today's value.
    """
    before = current_case(observed, scale, wanted, allow_decrease)
    if not before.applicable:
        return Recommendation(plan(observed, scale, wanted, allow_decrease), NOT_APPLICABLE, _not_applicable(before))
    case = plan(observed, scale, wanted, allow_decrease, _target_ports(before))
    status = INFEASIBLE if case.obstacle else CHANGE if flags.flags(case) else OK
    return Recommendation(case, status, _reasons(case, status),
                          _alternatives(case) if status != OK else ())


def _not_applicable(case):
    cluster = case.cluster
    if cluster.outbound_type != 'loadBalancer':
        return (f'The outbound type is {cluster.outbound_type}: SNAT ports of the load balancer do not apply.',)
    return (f'The load balancer is {cluster.load_balancer_sku}: it has no outbound rules to size.',)


def _target_ports(case) -> Optional[int]:
    """Explicit ports that keep what nodes have today, where automatic allocation would take some away."""
    current = case.current
    if not current.settings.automatic or current.ports_per_node is None:
        return None
    at_max = current.ports_per_node_at_max
    return current.ports_per_node if at_max is None or at_max < current.ports_per_node else None


def _reasons(case, status):
    return tuple(filter(None, (_drop_reason(case), _capacity_reason(case), _growth_reason(case),
                               _ok_reason(case) if status == OK else None,
                               'No demand was measured: this rests on the configuration alone, so ports per node are '
                               'kept, not sized to what nodes use.')))


def _drop_reason(case):
    current = case.current
    if not current.settings.automatic or case.proposed.settings.automatic or current.max_nodes is None:
        return None
    return (f'Automatic allocation gives {current.ports_per_node} ports per node up to {current.max_nodes} nodes and '
            f'fewer beyond; the cluster may reach {case.nodes.required}. An explicit allocation keeps them.')


def _capacity_reason(case):
    current, settings = case.current, case.proposed.settings
    if settings.automatic or current.settings.outbound_ip_count is None:
        return None
    needed = settings.outbound_ports * case.nodes.required
    available = current.settings.outbound_ip_count * snat.PORTS_PER_IP - snat.PORT_BLOCK * case.shared_rule_blocks
    if needed <= available:
        return None
    return (f'{settings.outbound_ports} ports × {case.nodes.required} nodes = {needed} ports, but '
            f'{current.settings.outbound_ip_count} outbound IPs have {available}.')


def _growth_reason(case):
    """The node pool that binds: the one that adds most to what runs now."""
    pools = [pool for pool in case.nodes.pools if pool.validated > pool.current]
    if not pools:
        return None
    pool = max(pools, key=lambda one: one.validated - one.current)
    if pool.max > pool.current:
        return (f'Node pool `{pool.name}` may grow to {pool.max} nodes, and surges by {pool.surge} in an upgrade '
                f'({pool.current} run now).')
    return f'Node pool `{pool.name}` of {pool.max} nodes surges by {pool.surge} in an upgrade.'


def _ok_reason(case):
    current = case.current
    if current.settings.automatic:
        return (f'Automatic allocation gives {current.ports_per_node} ports per node now and at '
                f'{case.nodes.required} nodes.')
    return (f'{current.settings.outbound_ports} ports × {case.nodes.required} nodes fit '
            f'{current.settings.outbound_ip_count} outbound IPs.')


# Other ways

def _alternatives(case):
    return tuple(filter(None, (_more_ips(case), _fewer_ports(case), _nat_gateway(case))))


def _variant(case, title, wanted, consequence):
    """The alternative that typing `wanted` would give."""
    variant = plan(case.observed, case.scale, wanted, allow_decrease=True)
    argv = flags.flags(variant)
    if not argv:
        return None
    return Alternative(title, argv, flags.command(variant), variant.proposed.fits, consequence)


def _more_ips(case):
    settings = case.proposed.settings
    if settings.ip_source != MANAGED or settings.automatic or settings.managed_outbound_ip_count >= \
            snat.MAX_MANAGED_IPS:
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
    if not snat.PORT_BLOCK <= ports < case.proposed.settings.outbound_ports:
        return None
    return _variant(case, f'{ports} ports per node on the IPs of today', Wanted(outbound_ports=ports),
                    f'No new egress IPs, but each node has {ports} ports instead of '
                    f'{case.current.ports_per_node}: connections on the ports taken back die, and a node fails '
                    'earlier.')


def _nat_gateway(case):
    """Not for node auto-provisioning, which cannot change its outbound type (azure-facts section 1)."""
    cluster = case.cluster
    if cluster.node_auto_provisioning:
        return None
    consequence = ('Ports are given on demand instead of per node. Egress IPs change, connections are interrupted, '
                   'and the idle timeout is 4 minutes unless set.')
    if cluster.own_vnet:
        return Alternative('A NAT gateway of your own on the subnets', ('--outbound-type', USER_ASSIGNED_NAT_GATEWAY),
                           None, None, consequence + ' Create the gateway and join it to every subnet of the cluster '
                                                     'first, then run az aks update with these flags.')
    argv = ('--outbound-type', MANAGED_NAT_GATEWAY, '--nat-gateway-managed-outbound-ip-count',
            str(snat.nat_gateway_ips(0)))
    return Alternative('A managed NAT gateway', argv, flags.update_line(cluster, argv), None,
                       consequence + ' The number of IPs is the smallest that is advised: demand was not measured.')
