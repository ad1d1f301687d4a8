# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Where settings stand in a file of infrastructure code."""

from typing import Callable, Tuple

from ...model.fields import Fields, Path
from ...model.values import Json

#: What findings point at, in ARM's spelling.
_TARGETS = ('', 'kubernetesVersion', 'agentPoolProfiles', 'networkProfile', 'networkProfile.outboundType',
            *(f'networkProfile.loadBalancerProfile{key}' for key in (
                '', '.allocatedOutboundPorts', '.idleTimeoutInMinutes', '.managedOutboundIPs', '.outboundIPs',
                '.outboundIPPrefixes', '.backendPoolType')))


def lines(body: Json, path_of: Callable[[str], Path]) -> Tuple[Tuple[str, int], ...]:
    """The lines of a resource that findings point at, or of what is around them; `path_of` gives the way to a target.
    None where its lines are not known."""
    found = [(target, body.line(path_of(target)) if isinstance(body, Fields) else None) for target in _TARGETS]
    return tuple((target, line) for target, line in found if line is not None)


def below(key: str) -> Callable[[str], Path]:
    """The ways to targets that stand as ARM spells them, below `key` of a resource."""
    return lambda target: (key, *target.split('.')) if target else ()
