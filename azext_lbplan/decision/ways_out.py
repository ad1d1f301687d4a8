# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The ways out where own public IPs or prefixes cannot be used: one list, in the order in which to try them. Mending an
address under its id comes before leaving it out, because it keeps the list, and mostly the address, as they are.

Source: AZURE-FACTS section 1: Own IPs that are gone.
"""

from enum import Enum
from typing import Dict, Iterator, List, NamedTuple, Optional, Sequence, Tuple

from ..facts.clusters import BASIC, PREFIXES, PUBLIC_IPS
from ..facts.ids import ArmId
from ..model.cluster import Cluster
from ..model.network import PublicIp
from ..options import CHANGE, SCALE, Options
from .columns import Settings
from .decide import Decision
from .new_addresses import NewAddress
from .outcome import NoCommand, Reason, Step
from .own_addresses import REFUSED, Fault, OwnAddress
from .steps import ask, make, option


class Way(Enum):
    """What can be done about addresses that Azure does not take."""

    MAKE_AGAIN = 'makeAgain'
    UPGRADE = 'upgrade'
    DETACH = 'detach'
    FREE = 'free'
    LEAVE_OUT = 'leaveOut'


class WayOut(NamedTuple):
    """A way out for some `addresses`, with the lines that it takes, as far as they are known. `ids` are those that
    cannot be told from an id of Azure, `rest` what the list then still holds."""

    way: Way
    addresses: Tuple[OwnAddress, ...]
    steps: Tuple[Step, ...] = ()
    ids: Tuple[str, ...] = ()
    rest: Tuple[ArmId, ...] = ()

    @property
    def names(self) -> Tuple[str, ...]:
        """What it is about, by name."""
        return (*(address.id.name for address in self.addresses), *self.ids)


#: What mends an address under its id; an address with a fault that is not here can only be left out.
_MENDS: Dict[Fault, Way] = {Fault.MISSING: Way.MAKE_AGAIN, Fault.NOT_STANDARD: Way.UPGRADE,
                            Fault.ATTACHED_ELSEWHERE: Way.DETACH, Fault.IN_USE: Way.FREE}


def ways_out(decision: Decision) -> Tuple[WayOut, ...]:
    """What can be done, in order; empty where no own address is in the way."""
    outcome, settings = decision.outcome, decision.asked.settings
    if not isinstance(outcome, NoCommand) or outcome.reason is not Reason.ADDRESS_UNUSABLE or settings is None:
        return ()
    unusable = {resource_id.lower() for resource_id in outcome.addresses}
    addresses = [address for address in decision.own_addresses if address.id.lower() in unusable]
    by_way: Dict[Way, List[OwnAddress]] = {}
    for address in addresses:
        way = mend_of(address)
        if way is not None:
            by_way.setdefault(way, []).append(address)
    mends = [WayOut(way, tuple(by_way[way]), tuple(_steps(way, by_way[way], decision.cluster)))
             for way in Way if way in by_way]
    rest = tuple(one for one in settings.own_ids if one.lower() not in unusable)
    return (*mends, WayOut(Way.LEAVE_OUT, tuple(addresses), _plan_again(decision, settings, rest),
                           settings.malformed_own_ids, rest))


def mend_of(address: OwnAddress) -> Optional[Way]:
    """What makes the address one that Azure takes, under its id; None where nothing does."""
    refused = [fault for fault in address.faults if fault in REFUSED]
    if len(refused) != 1 or refused[0] is Fault.NOT_STANDARD and not _is_basic(address):
        return None
    return _MENDS.get(refused[0])


def _is_basic(address: OwnAddress) -> bool:
    """Whether it is one that can become Standard: of other SKUs no such way is documented."""
    return isinstance(address.resource, PublicIp) and address.resource.sku == BASIC


def _steps(way: Way, addresses: Sequence[OwnAddress], cluster: Optional[Cluster]) -> Iterator[Step]:
    """The lines that mend `addresses`. None is printed where it would have to guess: the length of a prefix that is
    gone, the IP version in a dual-stack cluster, the command that detaches an address from whatever has it."""
    for address in addresses:
        if way is Way.MAKE_AGAIN and cluster is not None and cluster.location and not cluster.dual_stack and \
                not address.is_prefix:
            yield make(NewAddress(address.id, cluster.location, name_is_free=True))
        elif way is Way.UPGRADE:
            if Fault.DYNAMIC in address.faults:  # only a static one can be upgraded
                yield _update(address.id, '--allocation-method', 'Static')
            yield _update(address.id, '--sku', 'Standard')


def _update(resource_id: ArmId, *argv: str) -> Step:
    return Step(('az', 'network', 'public-ip', 'update', *option('--resource-group', resource_id.resource_group),
                 *option('--name', resource_id.name), *option('--subscription', resource_id.subscription_id), *argv))


def _plan_again(decision: Decision, settings: Settings, rest: Sequence[ArmId]) -> Tuple[Step, ...]:
    """The question that gives the line for the list without them; nothing where nothing is left of it, where the list
    is kept in code, or where it would take other kinds of IPs away."""
    cluster, source = decision.cluster, settings.ip_source
    if not rest or source not in (PUBLIC_IPS, PREFIXES) or cluster is None or not cluster.is_named or \
            decision.observed.origin is not None:
        return ()
    name = '--outbound-ips' if source == PUBLIC_IPS else '--outbound-ip-prefixes'
    return (ask('plan', cluster, (name, ','.join(rest), *_typed(decision.options))),)


def _typed(options: Options) -> Iterator[str]:
    """The options that were typed and that have nothing to do with IPs, by their short names."""
    for record, rows in ((options.change, CHANGE), (options.scale, SCALE)):
        for row in rows:
            value = getattr(record, row.name)
            if value is not None and 'outbound_ip' not in row.name:
                yield from (row.flags[-1] if row in CHANGE else row.flags[0], str(value))
    if options.allow_decrease:
        yield '--allow-decrease'
