# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Other ways than the proposed one: decisions with other options. What was typed stays as it is."""

from typing import Any, NamedTuple, Optional, Tuple

from ..facts import snat
from ..facts.clusters import MANAGED, MANAGED_NAT_GATEWAY
from .decide import Decision, decide_again
from .moves import Cost, Move, move_to_gateway
from .outcome import Reason

#: Kinds of alternatives; `number` is the idle timeout in minutes, the outbound IPs, the ports per node, the gateway's
#: IPs.
IDLE_TIMEOUT, MORE_IPS, FEWER_PORTS, NAT_GATEWAY = 'idleTimeout', 'moreIps', 'fewerPorts', 'natGateway'


class Alternative(NamedTuple):
    """Another way. `command` is None where one line cannot do it, `decision` where it leaves the load balancer,
    which `move` then does."""

    kind: str
    number: int
    flags: Tuple[str, ...]
    command: Optional[str]
    decision: Optional[Decision] = None
    move: Optional[Move] = None


def alternatives(decision: Decision) -> Tuple[Alternative, ...]:
    """The other ways: a shorter idle timeout where evidence calls for it, and where something has to change more IPs,
    fewer ports, or a NAT gateway."""
    if decision.cluster is None or decision.proposed is None or decision.reason is Reason.ADDRESS_UNUSABLE:
        return ()
    ways = [_idle_timeout(decision)]
    if decision.reason is not Reason.NOTHING_TO_DO:
        ways += [_more_ips(decision), _fewer_ports(decision), _nat_gateway(decision)]
    return tuple(way for way in ways if way is not None)


def _variant(decision: Decision, kind: str, number: int, **change: Any) -> Optional[Alternative]:
    """The way that typing `change` as well would give, instead of what was measured; None where it changes nothing or
    leads nowhere."""
    options = decision.options
    variant = decide_again(decision, options._replace(
        change=options.change._replace(**change), allow_decrease=True, measure=False))
    if variant.command is None or variant.flags == decision.flags:
        return None
    return Alternative(kind, number, variant.flags, variant.command, variant)


def _idle_timeout(decision: Decision) -> Optional[Alternative]:
    """Only where idle flows hold the ports; it cuts quiet connections that have no keepalive."""
    evidence = decision.demand.evidence if decision.demand else None
    if evidence is None or not evidence.idle_timeout_bound or not evidence.idle_timeout_relief or \
            decision.options.change.idle_timeout_in_minutes is not None:
        return None
    return _variant(decision, IDLE_TIMEOUT, snat.MIN_IDLE_TIMEOUT, idle_timeout_in_minutes=snat.MIN_IDLE_TIMEOUT)


def _more_ips(decision: Decision) -> Optional[Alternative]:
    """One IP more than needed: room to grow."""
    settings = decision.proposed.settings if decision.proposed else None
    if settings is None or settings.ip_source != MANAGED or settings.automatic or decision.options.change.any_ips:
        return None
    count = (settings.managed_outbound_ip_count or 0) + 1
    if not 1 < count <= snat.MAX_MANAGED_IPS:
        return None
    return _variant(decision, MORE_IPS, count, managed_outbound_ip_count=count,
                    outbound_ports=settings.outbound_ports)


def _fewer_ports(decision: Decision) -> Optional[Alternative]:
    """What the IPs of today give."""
    current, change = decision.current, decision.options.change
    settings, proposed = (column.settings if column else None for column in (current, decision.proposed))
    if current is None or settings is None or proposed is None or settings.outbound_ip_count is None:
        return None
    ports = snat.largest_ports(settings.outbound_ip_count, current.nodes.required, current.shared_rule_blocks)
    if change.any_ips or change.outbound_ports is not None or \
            not snat.PORT_BLOCK <= ports < proposed.outbound_ports:
        return None
    return _variant(decision, FEWER_PORTS, ports, outbound_ports=ports)


def _nat_gateway(decision: Decision) -> Optional[Alternative]:
    """The move to one, where the cluster may move and one gateway suffices."""
    move = move_to_gateway(decision)
    if move is None or Cost.TOO_SMALL in move.costs:
        return None
    one_line = move.to == MANAGED_NAT_GATEWAY
    return Alternative(NAT_GATEWAY, move.gateway_ips, move.flags, move.command if one_line else None, move=move)
