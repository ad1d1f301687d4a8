# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The ways from one outbound type to another, as steps in their order, and what each costs.

A NAT gateway on a subnet, or a route, takes traffic over as soon as it is there, whatever the outbound type says: so
what has to know the new addresses is told before that. Source: AZURE-FACTS section 1, Moves; sections 5 and 11.
"""

from __future__ import annotations

from enum import Enum
from typing import Iterator, NamedTuple, Optional, Sequence, Tuple

from ..facts import snat
from ..facts.clusters import (AVAILABILITY_SET, BASIC, BLOCK, LOAD_BALANCER, MANAGED_NAT_GATEWAY,
                              MANAGED_NAT_GATEWAY_V2, MANAGED_NAT_GATEWAYS, USER_ASSIGNED_NAT_GATEWAY,
                              USER_DEFINED_ROUTING)
from ..facts.ids import ArmId
from ..facts.moves import DISPUTED, NO_EGRESS, moves_from
from ..facts.networks import STANDARD_V2
from ..model.cluster import Cluster
from . import steps
from .authorized_ranges import extension, ranges_matter
from .decide import Decision
from .egress import APPLIANCE, NETWORK_GATEWAY
from .egress_addresses import addresses_of
from .outcome import Step

_ISOLATED = (NO_EGRESS, BLOCK)


class Stage(Enum):
    """What a step does."""

    ISOLATE = 'a network isolated cluster'
    REGISTER_PREVIEW = 'a feature in preview'
    MAKE_GATEWAY = 'a NAT gateway with public IPs'
    MAKE_ROUTE = 'a firewall, and a route table that leads to it'
    ALLOW_KNOWN = 'the new addresses, for those who allow-list them'
    ALLOW_LATER = 'new addresses that are known only afterwards'
    AUTHORIZE = "the API server's list, with the new addresses"
    AUTHORIZE_UNKNOWN = "the API server's list, with addresses that have to be looked up"
    AUTHORIZE_LATER = "the API server's list, with addresses that are known only afterwards"
    JOIN_GATEWAY = 'the NAT gateway on a subnet: traffic moves'
    JOIN_BEHIND_ROUTE = 'the NAT gateway on a subnet whose route still wins'
    JOIN_ROUTE = 'the route table on the subnets: traffic moves'
    MOVE = 'the outbound type'
    LEAVE_GATEWAY = 'the NAT gateway off the subnets'
    LEAVE_ROUTE = 'the default route off the subnets'
    VERIFY = 'a look at where packets leave'


class Cost(Enum):
    """What a move brings with it."""

    DISPUTED = 'documents disagree whether it is supported'
    NEW_ADDRESSES = 'other egress addresses'
    INTERRUPTION = 'connections that are interrupted'
    NO_EGRESS = 'no way out'
    NO_WAY_BACK = 'no way back'
    WAY_BACK_DISPUTED = 'documents disagree about the way back'
    ON_DEMAND = 'ports on demand'
    ZONAL = 'a gateway in one zone or none'
    IPV4_ONLY = 'IPv6 stays with the load balancer'
    V2_ADDRESSES = 'StandardV2 addresses alone'
    APPLIANCE_LIMITS = 'the limits of the appliance'
    PROFILE_IN_CODE = 'a profile in code that is refused'
    TOO_SMALL = 'more ports than a gateway has'


class MoveStep(NamedTuple):
    """A step: `about` are the addresses or the names that it speaks of; `command` is None where no line can do it."""

    stage: Stage
    command: Optional[str] = None
    about: Tuple[str, ...] = ()


class Move(NamedTuple):
    """A way to the outbound type `to`. `flags` are the options of the line that moves, `gateway_ips` those of a gateway
    that AKS makes."""

    to: str
    steps: Tuple[MoveStep, ...]
    costs: Tuple[Cost, ...]
    flags: Tuple[str, ...]
    gateway_ips: int

    @property
    def command(self) -> Optional[str]:
        """The line that moves."""
        return next(step.command for step in self.steps if step.stage is Stage.MOVE)


def possible_moves(cluster: Cluster) -> Tuple[str, ...]:
    """The outbound types that the cluster may move to. Node auto-provisioning excludes moves; so do availability sets
    and a Basic load balancer."""
    if cluster.node_auto_provisioning or not cluster.egress_known or cluster.load_balancer_sku == BASIC or \
            any(pool.type == AVAILABILITY_SET for pool in cluster.pools):
        return ()
    return moves_from(cluster.outbound_type, cluster.own_vnet)


def moves(decision: Decision) -> Tuple[Move, ...]:
    """All moves of the cluster; none of one that does not exist yet."""
    cluster = decision.cluster
    return tuple(_Moving(decision, cluster, to).move() for to in possible_moves(cluster)) if cluster else ()


def move_to_gateway(decision: Decision) -> Optional[Move]:
    """The move to a NAT gateway of Standard SKU; None where the cluster cannot move to one."""
    return next((one for one in moves(decision) if one.to in (MANAGED_NAT_GATEWAY, USER_ASSIGNED_NAT_GATEWAY)), None)


class _Moving:  # pylint: disable=too-few-public-methods  # the state of one move
    """One move of one cluster."""

    def __init__(self, decision: Decision, cluster: Cluster, to: str):
        self._decision, self._cluster, self._to = decision, cluster, to
        self._observed = decision.observed
        busiest = decision.demand.cluster_ports if decision.demand else None
        self._wanted_ips = snat.nat_gateway_ips(busiest or 0)

    def move(self) -> Move:
        """The steps in their order, and what they cost."""
        return Move(self._to, tuple(self._steps()), tuple(self._costs()), self._flags(),
                    min(self._wanted_ips, snat.NAT_GATEWAY_MAX_IPS))

    def _steps(self) -> Iterator[MoveStep]:
        yield from self._before()
        if self._to not in _ISOLATED:
            yield from self._announced()
        yield from self._traffic_moves()
        yield MoveStep(Stage.MOVE, self._line(), self._flags())
        yield from self._after()
        yield MoveStep(Stage.VERIFY, self._look(), (self._to,))

    # what must be there first

    def _before(self) -> Iterator[MoveStep]:
        if self._to in _ISOLATED:
            yield MoveStep(Stage.ISOLATE)
        elif self._to == MANAGED_NAT_GATEWAY_V2:
            yield MoveStep(Stage.REGISTER_PREVIEW)
        elif self._to == USER_ASSIGNED_NAT_GATEWAY and self._gateway is None:
            yield MoveStep(Stage.MAKE_GATEWAY, about=(str(self._wanted_ips), str(self._idle_timeout)))
        elif self._to == USER_DEFINED_ROUTING and not self._routed:
            yield MoveStep(Stage.MAKE_ROUTE)

    # who has to know the new addresses

    def _announced(self) -> Iterator[MoveStep]:
        known = self._new_addresses()
        later = self._to in (LOAD_BALANCER, *MANAGED_NAT_GATEWAYS)
        yield MoveStep(Stage.ALLOW_LATER if later else Stage.ALLOW_KNOWN, about=known)
        if not ranges_matter(self._cluster) or self._to == LOAD_BALANCER:
            return
        if later:
            yield MoveStep(Stage.AUTHORIZE_LATER)
        elif not known:
            yield MoveStep(Stage.AUTHORIZE_UNKNOWN)
        else:
            found = extension(self._cluster, known, self._decision.egress.addresses or ())
            if found.missing:
                yield MoveStep(Stage.AUTHORIZE, None if self._in_code else found.command, found.ranges)

    def _new_addresses(self) -> Tuple[str, ...]:
        """Those of a gateway that is there already; none where they are not known."""
        gateway = self._observed.nat_gateway(self._gateway) if self._gateway else None
        known = addresses_of(self._observed, gateway.address_ids) if gateway else None
        return known or () if self._to == USER_ASSIGNED_NAT_GATEWAY else ()

    # what takes traffic over by itself

    def _traffic_moves(self) -> Iterator[MoveStep]:
        if self._to == USER_DEFINED_ROUTING and not self._routed:
            yield MoveStep(Stage.JOIN_ROUTE, about=self._subnet_names(self._cluster.subnet_ids))
        if self._to != USER_ASSIGNED_NAT_GATEWAY:
            return
        without, gateway = [one for one in self._cluster.subnet_ids if self._gateway_on(one) is None], self._gateway
        join = Stage.JOIN_BEHIND_ROUTE if self._routed else Stage.JOIN_GATEWAY
        for subnet_id in without if gateway else ():
            argv = ('az', 'network', 'vnet', 'subnet', 'update', '--ids', subnet_id, '--nat-gateway', gateway or '')
            yield MoveStep(join, None if self._in_code else Step(argv).line, self._subnet_names([subnet_id]))
        if without and not gateway:
            yield MoveStep(join, about=self._subnet_names(without))
        if self._routed:
            yield MoveStep(Stage.LEAVE_ROUTE, about=self._subnet_names(self._cluster.subnet_ids))

    def _after(self) -> Iterator[MoveStep]:
        """What would go on to take traffic away from the load balancer."""
        if self._to != LOAD_BALANCER or not self._cluster.own_vnet:
            return
        if self._routed:
            yield MoveStep(Stage.LEAVE_ROUTE, about=self._subnet_names(self._cluster.subnet_ids))
        on_subnets = [one for one in self._cluster.subnet_ids if self._gateway_on(one)]
        if on_subnets:
            yield MoveStep(Stage.LEAVE_GATEWAY, about=self._subnet_names(on_subnets))

    @property
    def _gateway(self) -> Optional[ArmId]:
        """The NAT gateway that is on a subnet of the cluster already, where it is one."""
        found = {gateway for gateway in map(self._gateway_on, self._cluster.subnet_ids) if gateway is not None}
        return found.pop() if len(found) == 1 else None

    def _gateway_on(self, subnet_id: ArmId) -> Optional[ArmId]:
        subnet = self._observed.subnet(subnet_id)
        return subnet.nat_gateway_id if subnet else None

    @property
    def _routed(self) -> bool:
        """Whether routes lead all traffic to an appliance or a gateway already."""
        paths = self._decision.egress.paths
        return bool(paths) and all(path.way in (APPLIANCE, NETWORK_GATEWAY) for path in paths)

    @staticmethod
    def _subnet_names(subnet_ids: Sequence[ArmId]) -> Tuple[str, ...]:
        return tuple(f'{one.parent_name}/{one.name}' for one in subnet_ids)

    # the lines

    @property
    def _in_code(self) -> bool:
        return self._observed.origin is not None or not self._cluster.is_named

    def _flags(self) -> Tuple[str, ...]:
        """The options of the line. A gateway that AKS makes keeps the idle timeout of now: its own default is 4."""
        flags: Tuple[str, ...] = ('--outbound-type', self._to)
        if self._to != MANAGED_NAT_GATEWAY:
            return flags
        count = min(self._wanted_ips, snat.NAT_GATEWAY_MAX_IPS)
        flags += ('--nat-gateway-managed-outbound-ip-count', str(count))
        if self._idle_timeout == snat.MIN_IDLE_TIMEOUT:
            return flags
        return (*flags, '--nat-gateway-idle-timeout', str(self._idle_timeout))

    @property
    def _idle_timeout(self) -> int:
        """The idle timeout of now, in minutes, as far as a gateway takes it; its own default where there is none."""
        settings = self._decision.current.settings if self._decision.current else None
        minutes = settings.idle_timeout_in_minutes if settings else snat.MIN_IDLE_TIMEOUT
        return min(max(minutes, snat.MIN_IDLE_TIMEOUT), snat.MAX_ARM_IDLE_TIMEOUT)

    def _line(self) -> Optional[str]:
        """None for types that `az aks` does not know, or knows by several names."""
        if self._in_code or self._to in (BLOCK, MANAGED_NAT_GATEWAY_V2):
            return None
        return steps.update(self._cluster, self._flags()).line

    def _look(self) -> Optional[str]:
        return None if self._in_code else steps.ask('check', self._cluster).line

    # what it costs

    def _costs(self) -> Iterator[Cost]:
        to, moved = self._to, self._cluster.outbound_type
        if (moved, to) in DISPUTED:
            yield Cost.DISPUTED
        yield Cost.NO_EGRESS if to in _ISOLATED else Cost.NEW_ADDRESSES
        yield Cost.INTERRUPTION
        back = moves_from(to, self._cluster.own_vnet)
        if moved not in back:
            yield Cost.NO_WAY_BACK
        elif (to, moved) in DISPUTED:
            yield Cost.WAY_BACK_DISPUTED
        yield from self._costs_of_gateway()
        if to == USER_DEFINED_ROUTING:
            yield from (Cost.APPLIANCE_LIMITS, Cost.PROFILE_IN_CODE)

    def _costs_of_gateway(self) -> Iterator[Cost]:
        if self._to not in (USER_ASSIGNED_NAT_GATEWAY, *MANAGED_NAT_GATEWAYS):
            return
        yield Cost.ON_DEMAND
        if self._wanted_ips > snat.NAT_GATEWAY_MAX_IPS:
            yield Cost.TOO_SMALL
        gateway = self._observed.nat_gateway(self._gateway) if self._gateway else None
        if self._to == MANAGED_NAT_GATEWAY_V2 or gateway is not None and gateway.sku == STANDARD_V2:
            yield Cost.V2_ADDRESSES
            return
        yield Cost.ZONAL
        if self._cluster.dual_stack:
            yield Cost.IPV4_ONLY
