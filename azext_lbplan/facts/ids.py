# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Ids and names of Azure resources, by Azure's own patterns.

What comes from a body or a file may hold anything, and ends up in paths of requests and in lines for a shell: only what
parses here does. Source: learn.microsoft.com, "Naming rules and restrictions for Azure resources".
"""

import re
from functools import lru_cache
from typing import Optional, Pattern, Tuple

from .alerts import ACTION_GROUP_TYPE
from .clusters import CLUSTER_TYPE
from .networks import (LOAD_BALANCER_TYPE, NAT_GATEWAY_TYPE, PREFIX_TYPE, PUBLIC_IP_TYPE, ROUTE_TABLE_TYPE, SUBNET_TYPE,
                       VIRTUAL_NETWORK_TYPE)

#: A GUID, or what documents and redacted bodies put in its place.
_SUBSCRIPTION = re.compile(r'[A-Za-z0-9][-A-Za-z0-9]{0,63}')

#: Letters of every language; a period is not the last.
_GROUP = re.compile(r'[-\w.()]{0,89}[-\w()]')

_CLUSTER_NAME = re.compile(r'[A-Za-z0-9](?:[-A-Za-z0-9_]{0,61}[A-Za-z0-9])?')
_NETWORK_NAME = re.compile(r'[A-Za-z0-9](?:[-A-Za-z0-9_.]{0,78}[A-Za-z0-9_])?')

#: Stricter than Azure, which takes all but a few signs: no quote, so that it is plain in any code.
_ACTION_GROUP = re.compile(r'[-\w.() ]{0,259}[-\w()]')

#: `westeurope`, or as portals show it: `West Europe`.
_LOCATION = re.compile(r'[A-Za-z0-9]+(?: [A-Za-z0-9]+){0,5}')

#: The types that are read, in lower case, with the pattern of their names.
_NAMES = {CLUSTER_TYPE: _CLUSTER_NAME, ACTION_GROUP_TYPE: _ACTION_GROUP, **dict.fromkeys(
    (LOAD_BALANCER_TYPE, PUBLIC_IP_TYPE, PREFIX_TYPE, VIRTUAL_NETWORK_TYPE, SUBNET_TYPE, ROUTE_TABLE_TYPE,
     NAT_GATEWAY_TYPE), _NETWORK_NAME)}


class ArmId(str):
    """The id of a resource. It is text like any other, but only what parses becomes one: it names one resource of a
    known type, and can stand in a path and in a line."""

    __slots__ = ()

    @property
    def subscription_id(self) -> str:
        """The subscription that the resource is in."""
        return self.split('/')[2]

    @property
    def resource_group(self) -> str:
        """The resource group that the resource is in."""
        return self.split('/')[4]

    @property
    def type(self) -> str:
        """The resource type in lower case: `microsoft.network/publicipaddresses`."""
        segments = self.split('/')
        return '/'.join((*segments[6:8], *segments[9:10])).lower()

    @property
    def name(self) -> str:
        """The name of the resource; of a subnet its own, without that of its virtual network."""
        return self.rpartition('/')[2]

    @property
    def parent_name(self) -> str:
        """The name of what the resource is within: of a subnet its virtual network, else its own name."""
        return self.split('/')[8]

    @property
    def collection(self) -> str:
        """The path of all resources of this type in this resource group."""
        return self.rpartition('/')[0]

    def beside(self, name: str) -> 'ArmId':
        """The id of a resource of that name in the same place; `name` is valid."""
        return ArmId(f'{self.collection}/{name}')


def parse_id(written: Optional[str], *types: str) -> Optional[ArmId]:
    """The id that is `written`, of one of `types` (in lower case); None where it is not one."""
    return ArmId(written) if written and _pattern(types).fullmatch(written) else None


@lru_cache(maxsize=None)  # of the few types that are read
def _pattern(types: Tuple[str, ...]) -> Pattern[str]:
    """Ids of these types: names as they are, all else without regard to case."""
    kinds = '|'.join(map(_path, types))
    return re.compile(f'(?ai:/subscriptions/){_SUBSCRIPTION.pattern}(?ai:/resourceGroups/){_GROUP.pattern}'
                      f'(?ai:/providers/)(?:{kinds})')


def _path(resource_type: str) -> str:
    """The end of an id of that type; that of a resource within another one, as a subnet is, names both."""
    namespace, *kinds = resource_type.split('/')
    return f'(?ai:{re.escape(namespace)})' + ''.join(
        f"/(?ai:{kind})/{_NAMES['/'.join((namespace, *kinds[:depth]))].pattern}" for depth, kind in enumerate(kinds, 1))


def is_group_name(written: str) -> bool:
    """Whether a resource group can be named so."""
    return bool(_GROUP.fullmatch(written))


def is_cluster_name(written: str) -> bool:
    """Whether a managed cluster can be named so."""
    return bool(_CLUSTER_NAME.fullmatch(written))


def is_subscription_id(written: str) -> bool:
    """Whether a subscription can have this id."""
    return bool(_SUBSCRIPTION.fullmatch(written))


def is_location(written: str) -> bool:
    """Whether a region can be called so."""
    return bool(_LOCATION.fullmatch(written))
