# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The ways out where own addresses cannot be used, in words: what to do, and what it means for allow-lists."""

from typing import Callable, Dict, NamedTuple, Tuple

from ...decision import Decision
from ...decision.own_addresses import OwnAddress
from ...decision.ways_out import Way, WayOut, mend_of, ways_out
from ...facts.clusters import MIXED
from ...model.network import PublicIpPrefix

#: What to do about whatever else is wrong meanwhile.
MEND_FIRST = 'First mend or leave out those that cannot be used.'

#: So many names stand in a sentence.
_MOST_NAMES = 5


class ToldWay(NamedTuple):
    """A way out: what to do, what follows for allow-lists, and the lines that do it, as far as they are known."""

    title: str
    consequence: str
    commands: Tuple[str, ...]


def told_ways(decision: Decision) -> Tuple[ToldWay, ...]:
    """The ways out, in their order."""
    return tuple(ToldWay(*_WORDS[way.way](decision, way), tuple(step.line for step in way.steps))
                 for way in ways_out(decision))


def first_aid(address: OwnAddress) -> str:
    """What to do about one address, in a sentence."""
    mend = mend_of(address)
    return f'{_FIRST_AID[mend]}, or give the list without it.' if mend else \
        'Give the list without it, or with another in its place.'


_FIRST_AID: Dict[Way, str] = {
    Way.MAKE_AGAIN: 'Make it again under the same id',
    Way.UPGRADE: 'Upgrade it to SKU Standard while it is attached to nothing',
    Way.DETACH: 'Detach it there',
    Way.FREE: 'Free those addresses',
}

_KEPT = 'The address stays, and with it all allow-lists'


def _listed(names: Tuple[str, ...]) -> str:
    more = f' and {len(names) - _MOST_NAMES} more' if len(names) > _MOST_NAMES else ''
    return ', '.join(name[:200] for name in names[:_MOST_NAMES]) + more


def _make_again(decision: Decision, way: WayOut) -> Tuple[str, str]:
    before = decision.base
    known = {one.lower() for one in before.settings.own_ids} if before and before.settings else set()
    again = ' again' if all(address.id.lower() in known for address in way.addresses) else ''
    length = ', a prefix with the length that it had' if any(address.is_prefix for address in way.addresses) else ''
    return (f'Make {_listed(way.names)}{again} under the same id{length}.',
            'The list stays as it is; the address is a new one: allow-list it. Then ask again: an update brings it '
            'into use.')


def _upgrade(_decision: Decision, way: WayOut) -> Tuple[str, str]:
    return f'Upgrade {_listed(way.names)} to SKU Standard, attached to nothing meanwhile.', f'{_KEPT}.'


def _detach(_decision: Decision, way: WayOut) -> Tuple[str, str]:
    holders = tuple(address.resource.attached_to or '' for address in way.addresses if address.resource)
    return (f'Detach {_listed(way.names)} from what has it now: {_listed(holders)}.',
            f'{_KEPT}; what has it now goes on without it.')


def _free(_decision: Decision, way: WayOut) -> Tuple[str, str]:
    used = tuple(one.rsplit('/', 1)[-1] for address in way.addresses
                 if isinstance(address.resource, PublicIpPrefix) for one in address.resource.allocated_ids)
    return (f'Delete the public IPs that were made from {_listed(way.names)}: {_listed(used)}.',
            'The prefix keeps its addresses, and allow-lists stay right; what uses those IPs loses its address.')


def _leave_out(decision: Decision, way: WayOut) -> Tuple[str, str]:
    names, settings = _listed(way.names), decision.asked.settings
    if decision.observed.origin is not None:
        return (f'Take {names} out of the code.',
                'Traffic leaves by what the code still names: allow-lists need no more than that.')
    if settings is not None and settings.ip_source == MIXED:
        return (f'Give one kind of outbound IPs, without {names}.',
                'Any IP option of az aks removes the other kinds: allow-list what is to stay first.')
    if not way.rest:
        return (f"Give others in place of {names}: '--outbound-ips', '--outbound-ip-prefixes' or "
                "'--managed-ip-count'.", 'All egress addresses are new: allow-list them first; those of managed IPs '
                                         'are known only afterwards.')
    return (f'Give the list without {names}.',
            'Traffic leaves by the others alone: their addresses stay, and what is left out can go from allow-lists. '
            'Where they do not carry the ports, that plan adds new IPs: allow-list those first.')


_WORDS: Dict[Way, Callable[[Decision, WayOut], Tuple[str, str]]] = {
    Way.MAKE_AGAIN: _make_again, Way.UPGRADE: _upgrade, Way.DETACH: _detach, Way.FREE: _free,
    Way.LEAVE_OUT: _leave_out}
