# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What comes out of a decision: the steps to run, or the reason why there are none."""

import shlex
from enum import Enum
from typing import NamedTuple, Optional, Tuple


class Reason(Enum):
    """Why there is no line to run; the values are those of `noCommand.reason`."""

    NOTHING_TO_DO = 'nothingToDo'
    INFEASIBLE = 'infeasible'
    NEEDS_DECREASE = 'needsDecrease'
    MIXED_OUTBOUND_IPS = 'mixedOutboundIps'
    UNKNOWN_IP_COUNT = 'unknownIpCount'
    UNKNOWN_PLACE = 'unknownPlace'
    ADDRESS_UNUSABLE = 'addressUnusable'
    OTHER_EGRESS = 'otherEgress'
    UNKNOWN_CLUSTER = 'unknownCluster'
    UNKNOWN_SETTINGS = 'unknownSettings'
    MANAGED_BY_CODE = 'managedByCode'
    CONDITIONS_NOT_MET = 'conditionsNotMet'
    CLI_DROPS_OPTION = 'cliDropsOption'


class NoCommand(NamedTuple):
    """No line, and why. `ips_needed` and `fitting_ports` (per node, on the proposed IPs) are the ways out; `addresses`
    the ids that cannot be used; `options` those of a line that cannot name its cluster; `beyond_a_node`: all the ports
    that a node can have do not suffice."""

    reason: Reason
    ips_needed: Optional[int] = None
    fitting_ports: Optional[int] = None
    addresses: Tuple[str, ...] = ()
    options: Tuple[str, ...] = ()
    beyond_a_node: bool = False


class Step(NamedTuple):
    """A line to run, as argv."""

    argv: Tuple[str, ...]

    @property
    def line(self) -> str:
        """The same for a shell."""
        return shlex.join(self.argv)


class Update(NamedTuple):
    """The options that change, in argv form, and the steps in their order; the last one has the options."""

    flags: Tuple[str, ...]
    steps: Tuple[Step, ...]
