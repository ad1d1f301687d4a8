# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""How many public IPs and prefixes a decision asks Azure for, and whether the quota has room for them."""

from __future__ import annotations

from typing import NamedTuple, Optional, Tuple

from ..facts.clusters import DEFAULT_MANAGED_OUTBOUND_IP_COUNT
from ..facts.networks import PREFIX_QUOTAS, PUBLIC_IP_QUOTAS
from ..model.cluster import Cluster
from ..model.usages import Usage, tightest, usages_id
from .columns import Settings
from .decide import Decision


#: A cluster that does not exist yet: the IP that it has anyway, and no place that is known.
_NEW_CLUSTER = Settings(managed_outbound_ip_count=DEFAULT_MANAGED_OUTBOUND_IP_COUNT)
_NOWHERE = Cluster(id=None, name=None)


class NewIps(NamedTuple):
    """Public IPs and prefixes that have to be made, by AKS or by lines before the update, and where."""

    ips: int
    prefixes: int
    subscription_id: Optional[str]
    location: Optional[str]

    @property
    def usages_id(self) -> Optional[str]:
        """The path of the quotas that they count against."""
        return usages_id(self.subscription_id, self.location)


class Shortage(NamedTuple):
    """A quota with room for fewer than are needed."""

    needed: int
    usage: Usage


def new_ips_of(decision: Decision) -> Optional[NewIps]:
    """What has to be made; None where nothing is, or where there is no line. A new cluster has a managed IP anyway."""
    current, after = decision.current, decision.proposed.settings if decision.proposed else None
    if decision.command is None or after is None:
        return None
    before = current.settings if current and current.settings else _NEW_CLUSTER
    made, place = decision.new_addresses, decision.cluster or _NOWHERE
    prefixes = sum(address.length is not None for address in made)
    ips = len(made) - prefixes + sum(
        max(0, more - there) for there, more in zip(before.managed_counts, after.managed_counts))
    if not ips and not prefixes:
        return None
    return NewIps(ips, prefixes, made[0].id.subscription_id if made else place.subscription_id, place.location)


def quotas(decision: Decision, new: NewIps) -> Tuple[Optional[Usage], ...]:
    """The quotas that `new` counts against; None in the place of one that was not read."""
    usages = decision.observed.usages or ()
    wanted = [names for number, names in ((new.ips, PUBLIC_IP_QUOTAS), (new.prefixes, PREFIX_QUOTAS)) if number]
    return tuple(tightest(usages, new.subscription_id, names) for names in wanted)


def shortages(decision: Decision, new: NewIps) -> Tuple[Shortage, ...]:
    """The quotas that do not suffice, of those that were read."""
    needed = [number for number in (new.ips, new.prefixes) if number]
    return tuple(Shortage(number, usage) for number, usage in zip(needed, quotas(decision, new))
                 if usage is not None and usage.free < number)
