# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Which outbound type may become which. Source: AZURE-FACTS section 1, Moves (egress-outboundtype.md, 2026-08-05)."""

from typing import FrozenSet, Mapping, Tuple

from .clusters import (BLOCK, LOAD_BALANCER, MANAGED_NAT_GATEWAY, MANAGED_NAT_GATEWAY_V2, USER_ASSIGNED_NAT_GATEWAY,
                       USER_DEFINED_ROUTING)

NO_EGRESS = 'none'

#: In a virtual network that AKS made, [D] and [?].
IN_MANAGED_VNET: Mapping[str, Tuple[str, ...]] = {
    LOAD_BALANCER: (MANAGED_NAT_GATEWAY, MANAGED_NAT_GATEWAY_V2, NO_EGRESS, BLOCK),
    MANAGED_NAT_GATEWAY: (LOAD_BALANCER, MANAGED_NAT_GATEWAY_V2, NO_EGRESS, BLOCK),
    MANAGED_NAT_GATEWAY_V2: (NO_EGRESS, BLOCK),
    NO_EGRESS: (LOAD_BALANCER, MANAGED_NAT_GATEWAY, MANAGED_NAT_GATEWAY_V2, BLOCK),
    BLOCK: (LOAD_BALANCER, MANAGED_NAT_GATEWAY, MANAGED_NAT_GATEWAY_V2, NO_EGRESS),
}

#: Those of which one document says that they are not supported, and another how they are made [?].
DISPUTED: FrozenSet[Tuple[str, str]] = frozenset({
    (MANAGED_NAT_GATEWAY, LOAD_BALANCER), (MANAGED_NAT_GATEWAY_V2, NO_EGRESS), (MANAGED_NAT_GATEWAY_V2, BLOCK)})

#: In a virtual network of the user's each of these may become each other one [D].
IN_OWN_VNET = (LOAD_BALANCER, USER_ASSIGNED_NAT_GATEWAY, USER_DEFINED_ROUTING, NO_EGRESS)


def moves_from(outbound_type: str, own_vnet: bool) -> Tuple[str, ...]:
    """The outbound types that `outbound_type` may become, those that are disputed among them."""
    if not own_vnet:
        return IN_MANAGED_VNET.get(outbound_type, ())
    return tuple(one for one in IN_OWN_VNET if one != outbound_type) if outbound_type in IN_OWN_VNET else ()
