# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Public IPs and prefixes that have to be made first: how many, where, and under which names."""

from itertools import count, islice
from typing import Iterator, NamedTuple, Optional, Sequence, Set, Tuple

from ..facts import snat
from ..facts.ids import ArmId
from ..model.observed import Observed

#: IPv4 addresses of the largest prefix that can be made.
_LARGEST_PREFIX: int = 2 ** (32 - snat.PREFIX_LENGTHS[-1])


class NewAddress(NamedTuple):
    """A public IP (`length` None) or a prefix that has to be made before the update; `name_is_free` when a read of its
    resource group has shown that nothing there bears the name."""

    id: ArmId
    location: Optional[str]
    name_is_free: bool
    length: Optional[int] = None

    @property
    def addresses(self) -> int:
        """IPv4 addresses that it brings."""
        return 1 if self.length is None else int(2 ** (32 - self.length))


def new_public_ips(observed: Observed, existing: Sequence[ArmId], number: int) -> Optional[Tuple[NewAddress, ...]]:
    """`number` public IPs to be made beside those that the cluster has; None where their place cannot be told."""
    return _new(observed, existing, [None] * number)


def new_prefixes(observed: Observed, existing: Sequence[ArmId], addresses: int) -> Optional[Tuple[NewAddress, ...]]:
    """The fewest prefixes that bring at least `addresses` IPv4 addresses; None where their place cannot be told."""
    whole, rest = divmod(addresses, _LARGEST_PREFIX)
    lengths = [snat.PREFIX_LENGTHS[-1]] * whole
    if rest:
        lengths.append(next(length for length in snat.PREFIX_LENGTHS if 2 ** (32 - length) >= rest))
    return _new(observed, existing, lengths)


def largest_growth(existing: Sequence[ArmId]) -> int:
    """IPv4 addresses that new prefixes can bring at most: each is a frontend of the load balancer."""
    return max(0, snat.MAX_FRONTENDS - len(existing)) * _LARGEST_PREFIX


def _new(observed: Observed, existing: Sequence[ArmId],
         lengths: Sequence[Optional[int]]) -> Optional[Tuple[NewAddress, ...]]:
    cluster = observed.cluster
    # Without a region the resource group's would be taken, and Azure refuses an IP of another region.
    if not existing or (cluster is not None and not (cluster.name and cluster.location)):
        return None
    in_use = observed.names_in(existing[0].collection)
    names = _free_names(observed, existing, set(in_use or ()))
    return tuple(NewAddress(
        id=existing[0].beside(name), location=cluster.location if cluster else None, name_is_free=in_use is not None,
        length=length) for name, length in zip(islice(names, len(lengths)), lengths))


def _free_names(observed: Observed, existing: Sequence[ArmId], in_use: Set[str]) -> Iterator[str]:
    """`CLUSTER-outbound-1`, `-2`, ...: names that nothing in the resource group is known to bear."""
    cluster = observed.cluster
    stem = f'{cluster.name if cluster and cluster.name else "MyCluster"}-outbound'
    taken = in_use | {resource_id.name.lower() for resource_id in existing}
    return (name for name in (f'{stem}-{number}' for number in count(1)) if name.lower() not in taken)
