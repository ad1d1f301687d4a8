# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Moves of the outbound type in words: each step with its line, where one line does it, and what the move costs."""

from typing import Any, Callable, Dict, List, Mapping

from ..decision import Decision
from ..decision.moves import Cost, Move, MoveStep, Stage, moves
from ..facts import snat
from ..facts.api_server import AUTHORIZED_RANGES_OPTION
from ..facts.clusters import (BLOCK, LOAD_BALANCER, MANAGED_NAT_GATEWAY, MANAGED_NAT_GATEWAY_V2,
                              USER_ASSIGNED_NAT_GATEWAY, USER_DEFINED_ROUTING)


def rows(decision: Decision) -> List[Dict[str, Any]]:
    """The value of `moves`."""
    return [{'to': move.to, 'steps': steps_of(move), 'consequences': consequences(decision, move)}
            for move in moves(decision)]


def steps_of(move: Move) -> List[Dict[str, Any]]:
    """The steps in their order."""
    return [{'what': _STEPS[step.stage](move, step), 'command': step.command} for step in move.steps]


def consequences(decision: Decision, move: Move) -> List[str]:
    """What the move brings with it."""
    return [_COSTS[cost](decision, move) for cost in move.costs]


def _known(step: MoveStep) -> str:
    return ', '.join(step.about)


def _allow(_: Move, step: MoveStep) -> str:
    which = f'the new addresses, {_known(step)},' if step.about else 'the new public addresses'
    return f'Have {which} allowed wherever the egress addresses of today are: by firewalls and partners.'


def _allow_later(move: Move, _: MoveStep) -> str:
    if move.to == LOAD_BALANCER:
        return ('AKS makes the public IPs: their addresses are known only afterwards. To have them allowed before, '
                'make public IPs of your own, and add --load-balancer-outbound-ips to the line.')
    return ('AKS makes the public IPs of the gateway: their addresses are known only afterwards, and can be allowed '
            'then. A gateway of your own, in a VNet of your own, has addresses that are known before.')


def _move(move: Move, step: MoveStep) -> str:
    options = ' '.join(step.about)
    if move.to == MANAGED_NAT_GATEWAY_V2:
        return (f'Move, by the name that your CLI has: --outbound-type {MANAGED_NAT_GATEWAY} --outbound-type-sku '
                f'StandardV2 in azure-cli 2.91, --outbound-type {MANAGED_NAT_GATEWAY_V2} in aks-preview 20.0.0b1.')
    if move.to == BLOCK:
        return f'Move: {options}. azure-cli 2.91 does not know this type; aks-preview does.'
    return f'Move: {options}.'


def _verify(move: Move, _: MoveStep) -> str:
    if move.to == LOAD_BALANCER:
        return 'See that egress.effective is loadBalancer, and that its addresses are those that are allowed.'
    if move.to in (MANAGED_NAT_GATEWAY_V2, MANAGED_NAT_GATEWAY, USER_ASSIGNED_NAT_GATEWAY):
        return 'See that egress.effective is natGateway on each subnet, and that its addresses are allowed.'
    if move.to == USER_DEFINED_ROUTING:
        return 'See that egress.effective is virtualAppliance or virtualNetworkGateway on each subnet.'
    return 'See that nodes are ready and images are pulled; egress.evidence tells what is left of a way out.'


_STEPS: Mapping[Stage, Callable[[Move, MoveStep], str]] = {
    Stage.ISOLATE: lambda *_: 'Make the cluster a network isolated one first: the type is for no other. Whatever nodes '
                              'and pods fetch has to come from private endpoints and registries.',
    Stage.REGISTER_PREVIEW: lambda *_: 'Register the preview feature for StandardV2 gateways: the type is in preview, '
                                       'and needs scale sets.',
    Stage.MAKE_GATEWAY: lambda _, step: 'Make a NAT gateway of SKU Standard with public IPs or a prefix of SKU '
                                        f'Standard ({step.about[0]} IPs or more): az network nat gateway create '
                                        f'--idle-timeout {step.about[1]}. On no subnet yet, it carries nothing.',
    Stage.MAKE_ROUTE: lambda *_: 'Set up the firewall with what AKS needs outbound, and a route table with a route for '
                                 '0.0.0.0/0 to it, and leave the table off the subnets for now.',
    Stage.ALLOW_KNOWN: _allow,
    Stage.ALLOW_LATER: _allow_later,
    Stage.AUTHORIZE: lambda _, step: f'Let nodes reach the API server from there: the whole list is {_known(step)}.',
    Stage.AUTHORIZE_UNKNOWN: lambda *_: 'Add the new public addresses to the list of the API server '
                                        f'({AUTHORIZED_RANGES_OPTION} takes the whole list), or nodes lose it.',
    Stage.AUTHORIZE_LATER: lambda *_: 'The API server lets in a list of ranges alone, and the new addresses cannot be '
                                      'on it before: nodes lose the API server until they are. A gateway of your own, '
                                      'in a VNet of your own, can be listed before.',
    Stage.JOIN_GATEWAY: lambda _, step: f'Join the NAT gateway to {_known(step)}: traffic leaves by it from then on.',
    Stage.JOIN_BEHIND_ROUTE: lambda _, step: f'Join the NAT gateway to {_known(step)}; the route for 0.0.0.0/0 still '
                                             'wins.',
    Stage.JOIN_ROUTE: lambda _, step: f'Put the route table on {_known(step)}: traffic follows it from then on.',
    Stage.MOVE: _move,
    Stage.LEAVE_GATEWAY: lambda _, step: f'Take the NAT gateway off {_known(step)}: until then traffic leaves by it.',
    Stage.LEAVE_ROUTE: lambda _, step: f'Take the route for 0.0.0.0/0 away from {_known(step)}: until then traffic '
                                       'follows it.',
    Stage.VERIFY: _verify,
}


def _addresses(decision: Decision, _: Move) -> str:
    now = decision.egress.addresses
    told = f' from {", ".join(now[:5])}{" and more" if len(now) > 5 else ""} to others' if now else ''
    return f'Egress addresses change{told}.'


def _too_small(decision: Decision, _: Move) -> str:
    busiest = decision.demand.cluster_ports if decision.demand else None
    return (f'The whole cluster wants {busiest} ports in its busiest minute, and a NAT gateway has at most '
            f'{snat.NAT_GATEWAY_MAX_IPS} x {snat.NAT_GATEWAY_PORTS_PER_IP}: one does not suffice.')


#: What speaks for a disputed move, by where it leads.
_FOR_IT = {LOAD_BALANCER: 'the same page tells how it is done'}
_CHANGELOG = "AKS's changelog allows it"

_COSTS: Mapping[Cost, Callable[[Decision, Move], str]] = {
    Cost.DISPUTED: lambda _, move: 'Documents disagree about it: the table of the page on outbound types calls it '
                                   f'not supported, and {_FOR_IT.get(move.to, _CHANGELOG)}.',
    Cost.NEW_ADDRESSES: _addresses,
    Cost.INTERRUPTION: lambda *_: 'Connections are interrupted.',
    Cost.NO_EGRESS: lambda *_: 'AKS sets up no way out: without one of your own nothing outside is reached.',
    Cost.NO_WAY_BACK: lambda decision, _: f'A way back to {_declared(decision)} is not supported.',
    Cost.WAY_BACK_DISPUTED: lambda *_: 'Documents disagree about the way back.',
    Cost.ON_DEMAND: lambda *_: 'Ports are given on demand instead of per node, '
                               f'{snat.NAT_GATEWAY_PORTS_PER_IP} per IP.',
    Cost.ZONAL: lambda *_: 'A Standard gateway is in one zone or in none; StandardV2 is zone-redundant.',
    Cost.IPV4_ONLY: lambda *_: 'A Standard gateway takes IPv4 alone: IPv6 stays with the load balancer.',
    Cost.V2_ADDRESSES: lambda *_: 'StandardV2 is zone-redundant, and takes public IPs and prefixes of SKU StandardV2 '
                                  'alone: those of now cannot be taken along.',
    Cost.APPLIANCE_LIMITS: lambda *_: 'Ports are those of the appliance: Azure Firewall has '
                                      f'{snat.FIREWALL_PORTS_PER_IP} per IP and instance.',
    Cost.PROFILE_IN_CODE: lambda *_: 'Code that goes on to send a loadBalancerProfile is refused: take it out.',
    Cost.TOO_SMALL: _too_small,
}


def _declared(decision: Decision) -> str:
    return decision.egress.declared
