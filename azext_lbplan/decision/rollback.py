# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The way back from a decision's line: the line that would set again what is in force now, and what it leaves undone.

Sources: AZURE-FACTS sections 1 and 11.
"""

from __future__ import annotations

from enum import Enum
from typing import Iterator, NamedTuple, Optional, Tuple

from ..facts import snat
from ..facts.clusters import MANAGED, MIXED
from . import steps
from .columns import Configuration, Settings
from .decide import Decision


class Obstacle(Enum):
    """Why no line would set it again."""

    REFUSED = 'AKS refuses what is in force now'
    SEVERAL_KINDS = 'no option of az sets several kinds of IPs'
    UNUSABLE_ADDRESS = 'Azure does not take one of the own IPs of now'
    NOT_SETTABLE = 'az sets no such value'


class Remainder(Enum):
    """What is not as before once the line has run."""

    MAYBE_REFUSED = 'by the higher of two counts AKS refuses it'
    DELETED_IPS = 'managed IPs that the change deletes come back with other addresses'
    CHOSEN_IPS = 'which of the managed IPs go on the way back'
    MADE_IPS = 'public IPs that were made for the change'
    IDLE_TIMEOUT = 'an idle timeout that az does not set'
    EDITS = 'what was edited on the load balancer itself'
    CONNECTIONS = 'connections that either way cuts'


class Rollback(NamedTuple):
    """The options and the line of the way back; without a line why not. `remainders` are what it leaves undone."""

    flags: Tuple[str, ...]
    command: Optional[str]
    obstacle: Optional[Obstacle]
    remainders: Tuple[Remainder, ...]


def rollback(decision: Decision) -> Optional[Rollback]:
    """The way back from the decision's line; None where there is no line, or no cluster yet."""
    cluster, current, proposed = decision.cluster, decision.current, decision.proposed
    if decision.command is None or cluster is None or current is None or proposed is None:
        return None
    before, after = current.settings, proposed.settings
    if before is None or after is None:
        return None
    settable = _settable(before, after)
    flags = steps.changed_options(after, settable, cluster.dual_stack)
    obstacle = _obstacle(decision, current, before, after) or (None if flags else Obstacle.NOT_SETTABLE)
    if obstacle is not None:
        return Rollback((), None, obstacle, ())
    line = steps.update(cluster, flags).line
    return Rollback(flags, line, None, tuple(_remainders(decision, current, before, after)))


def _settable(before: Settings, after: Settings) -> Settings:
    """`before` as far as `az` can set it: ARM takes idle timeouts that it does not."""
    minutes = before.idle_timeout_in_minutes
    fits = snat.MIN_IDLE_TIMEOUT <= minutes <= snat.MAX_IDLE_TIMEOUT
    return before._replace(idle_timeout_in_minutes=minutes if fits else after.idle_timeout_in_minutes)


def _obstacle(decision: Decision, current: Configuration, before: Settings, after: Settings) -> Optional[Obstacle]:
    if before.ips != after.ips:
        if before.ip_source == MIXED or before.malformed_own_ids:
            return Obstacle.SEVERAL_KINDS if before.ip_source == MIXED else Obstacle.UNUSABLE_ADDRESS
        own = {resource_id.lower() for resource_id in before.own_ids}
        if any(one.id.lower() in own and not one.usable for one in decision.own_addresses):
            return Obstacle.UNUSABLE_ADDRESS
    if not before.valid or _exceeds(current, before, current.nodes.low_validated) or \
            _exceeds_usable(current, before):
        return Obstacle.REFUSED
    return None


def _exceeds(current: Configuration, before: Settings, nodes: int) -> bool:
    """Whether the ports of so many nodes are more than AKS counts for the IPs."""
    return current.available_ports is not None and before.outbound_ports * nodes > current.available_ports


def _exceeds_usable(current: Configuration, before: Settings) -> bool:
    """Whether the network layer, which counts live nodes and rules on outbound frontends, refuses it."""
    usable = current.usable_ports
    return usable is not None and before.outbound_ports * (current.nodes.backend_pool or 0) > usable


def _remainders(decision: Decision, current: Configuration, before: Settings, after: Settings) -> Iterator[Remainder]:
    if _exceeds(current, before, current.nodes.validated):
        yield Remainder.MAYBE_REFUSED
    if before.ips != after.ips and before.ip_source == MANAGED:
        counts = list(zip(before.managed_counts, after.managed_counts))
        if any(now > then for now, then in counts):
            yield Remainder.DELETED_IPS
        if any(now < then for now, then in counts):
            yield Remainder.CHOSEN_IPS
    if decision.new_addresses:
        yield Remainder.MADE_IPS
    if _settable(before, after) != before:
        yield Remainder.IDLE_TIMEOUT
    if _edited(decision, current, before):
        yield Remainder.EDITS
    yield Remainder.CONNECTIONS


def _edited(decision: Decision, current: Configuration, before: Settings) -> bool:
    """Whether the outbound rule differs from the profile, which is what the line sets."""
    balancer = decision.observed.load_balancer
    rule = balancer.outbound_rule if balancer else None
    if rule is None:
        return False
    return (rule.allocated_outbound_ports != before.outbound_ports or
            rule.idle_timeout_in_minutes not in (None, before.idle_timeout_in_minutes) or
            None not in (current.effective_outbound_ip_count, before.outbound_ip_count) and
            current.effective_outbound_ip_count != before.outbound_ip_count)
