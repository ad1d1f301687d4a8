# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The way back in words: the line, and what is not as before once it has run."""

from typing import Any, Callable, Dict, Mapping, Optional

from ..decision import Decision
from ..decision.rollback import Obstacle, Remainder, rollback
from ..facts import snat


def way_back(decision: Decision) -> Optional[Dict[str, Any]]:
    """The value of `rollback`; null where there is nothing to go back from."""
    found = rollback(decision)
    if found is None:
        return None
    left = ([_OBSTACLES[found.obstacle](decision)] if found.obstacle else
            [_WORDS[one](decision) for one in found.remainders])
    return {'flags': list(found.flags), 'command': found.command, 'notRestored': left}


def _refused(decision: Decision) -> str:
    column = decision.current
    sum_of_ports = (f' ({column.required_ports} ports of {column.available_ports})'
                    if column and None not in (column.required_ports, column.available_ports) else '')
    return f'AKS refuses what is in force now{sum_of_ports}: no line sets it again.'


_OBSTACLES: Mapping[Obstacle, Callable[[Decision], str]] = {
    Obstacle.REFUSED: _refused,
    Obstacle.SEVERAL_KINDS: lambda _: 'Several kinds of outbound IPs are in force now: no line of az sets them again '
                                      'together.',
    Obstacle.UNUSABLE_ADDRESS: lambda _: 'One of the own IPs of now is none that Azure takes: no line sets it again.',
    Obstacle.NOT_SETTABLE: lambda decision: f'{_idle_timeout(decision)} Only the API or code sets it again.',
}


def _made(decision: Decision) -> str:
    names = ', '.join(address.id.name for address in decision.new_addresses)
    return f'The public IPs that were made first ({names}) stay, at a cost, until they are deleted.'


def _idle_timeout(decision: Decision) -> str:
    settings = decision.current.settings if decision.current else None
    return (f'The idle timeout of {settings and settings.idle_timeout_in_minutes} minutes: az aks update sets '
            f'{snat.MIN_IDLE_TIMEOUT} to {snat.MAX_IDLE_TIMEOUT}.')


_WORDS: Mapping[Remainder, Callable[[Decision], str]] = {
    Remainder.MAYBE_REFUSED: lambda _: 'AKS may refuse the line: how it counts these nodes is not documented.',
    Remainder.DELETED_IPS: lambda _: 'The addresses of the managed IPs that the change deletes: the way back makes IPs '
                                     'with others.',
    Remainder.CHOSEN_IPS: lambda _: 'The addresses of now, perhaps: which of the managed IPs AKS deletes is not '
                                    'documented.',
    Remainder.MADE_IPS: _made,
    Remainder.IDLE_TIMEOUT: _idle_timeout,
    Remainder.EDITS: lambda _: 'What was edited on the load balancer itself: the line sets what the profile says.',
    Remainder.CONNECTIONS: lambda _: 'Connections that the change or the way back cuts; which live ones either drops '
                                     'is not documented.',
}
