# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Who may connect to a Service, as the cloud provider computes it before it writes the network security group.

Source: cloud-provider-azure `pkg/provider/loadbalancer/accesscontrol.go` and `configuration.go`.
"""

from typing import Iterable, List, NamedTuple, Tuple

from ...model.fields import Path
from ...model.service import RANGE_ANNOTATIONS, Network, Service, covers_everything, parse_network

#: Source prefixes of a security rule that stand for the whole Internet.
EVERYBODY = ('internet', '*')


class Access(NamedTuple):
    """What a Service says of its clients, and what becomes of it.

    `source_ranges` are the valid ranges of the spec, `allowed_ranges` those of the annotations; `invalid` are all the
    others, each with its path. `from_internet`: a rule lets the service tag Internet in, or a range that holds
    everything does. `denies_the_rest`: a last rule denies everybody else, the virtual network included.
    """

    source_ranges: Tuple[Tuple[Path, Network], ...]
    allowed_ranges: Tuple[Tuple[Path, Network], ...]
    tags: Tuple[str, ...]
    invalid: Tuple[Tuple[Path, str], ...]
    from_internet: bool
    denies_the_rest: bool

    @property
    def ranges(self) -> Tuple[Tuple[Path, Network], ...]:
        """All valid ranges."""
        return self.source_ranges + self.allowed_ranges

    @property
    def networks(self) -> Tuple[Network, ...]:
        """The same without their paths."""
        return tuple(network for _, network in self.ranges)

    @property
    def restricts(self) -> bool:
        """Whether the manifest says anything about clients."""
        return bool(self.source_ranges or self.allowed_ranges or self.tags or self.invalid)

    def admits_everybody(self, version: int) -> bool:
        """Whether everybody on the Internet may connect over the IP version."""
        return self._internet_tag or covers_everything(self.networks, version)

    def admits_anybody(self, version: int) -> bool:
        """Whether there is any rule that lets somebody in over the IP version."""
        return self._internet_tag or any(self.tags) or any(network.version == version for network in self.networks)

    @property
    def _internet_tag(self) -> bool:
        """Whether a rule lets the service tag Internet in: one that was asked for, or the provider's own."""
        if not self.restricts:
            return self.from_internet
        if any(tag.lower() in EVERYBODY for tag in self.tags):
            return True
        return self.from_internet and not any(_holds_everything(ranges)
                                              for ranges in (self.source_ranges, self.allowed_ranges))


#: What most Services say: nothing.
_OPEN, _INTERNAL = (Access((), (), (), (), from_internet, False) for from_internet in (True, False))

_ABOUT_CLIENTS = (*RANGE_ANNOTATIONS, 'azure-allowed-service-tags')


def access_of(service: Service) -> Access:
    """Read what the Service says of its clients."""
    # The security group is written with another comparison than the load balancer is chosen: "True" counts here.
    internal = service.is_true('azure-load-balancer-internal')
    if not service.spec.get('loadBalancerSourceRanges') and service.texts.keys().isdisjoint(_ABOUT_CLIENTS):
        return _INTERNAL if internal else _OPEN
    invalid: List[Tuple[Path, str]] = []
    source = _valid(service.source_ranges(), invalid)
    allowed = _valid(service.allowed_ranges(), invalid)
    tags = service.allowed_tags()
    restricted = bool(tags or invalid) or any(ranges and not _holds_everything(ranges) for ranges in (source, allowed))
    deny_all = service.is_true('azure-deny-all-except-load-balancer-source-ranges')
    return Access(source, allowed, tags, tuple(invalid),
                  from_internet=not restricted and (not internal or bool(source or allowed)),
                  denies_the_rest=bool(invalid or (deny_all and (source or allowed))))


def _holds_everything(ranges: Tuple[Tuple[Path, Network], ...]) -> bool:
    """Whether one of the ranges is 0.0.0.0/0 or ::/0: the cloud provider looks at each alone."""
    return any(not network.prefixlen for _, network in ranges)


def _valid(ranges: Iterable[Tuple[Path, str]], invalid: List[Tuple[Path, str]]) -> Tuple[Tuple[Path, Network], ...]:
    valid: List[Tuple[Path, Network]] = []
    for path, text in ranges:
        network = parse_network(text)
        if network is None:
            invalid.append((path, text))
        else:
            valid.append((path, network))
    return tuple(valid)
