# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""An agent pool of a cluster: its counts, its surge, its subnets. Sources: AZURE-FACTS sections 2, 3 and 9."""

from typing import Iterable, NamedTuple, Optional, Tuple

from ..facts.clusters import EXCLUDING_LABEL, POOL_TYPES
from ..facts.ids import ArmId
from ..facts.networks import SUBNET_TYPE
from .names import NameCheck
from .values import Json, canonical, count, flag, get, is_unknown, items, printable, text, unknown_fields


class AgentPool(NamedTuple):
    """One agent pool, with its counts as AKS counts them for SNAT (AZURE-FACTS section 2).

    `unknown` are fields that code leaves open (`current`, `max`, `max_surge`): counts are then the least they can be.
    `excluded`: its nodes bear the label that keeps them out of load balancers. `gateway_prefix` is the length of the
    public IP prefix of a Gateway pool. `without_windows_nat`: Windows does not translate the addresses of its pods.
    """

    name: str
    current: int
    max: int
    max_surge: Optional[str] = None
    mode: Optional[str] = None
    type: Optional[str] = None
    priority: Optional[str] = None
    kubernetes_version: Optional[str] = None
    provisioning_state: Optional[str] = None
    power_state: Optional[str] = None
    node_public_ip: bool = False
    blue_green: bool = False
    own_subnet: bool = False
    subnet_id: Optional[ArmId] = None
    pod_subnet_id: Optional[ArmId] = None
    excluded: bool = False
    gateway_prefix: Optional[int] = None
    without_windows_nat: bool = False
    unknown: Tuple[str, ...] = ()

    @property
    def stopped(self) -> bool:
        """Whether the pool is stopped; whether AKS then counts it is not documented (AZURE-FACTS section 2)."""
        return (self.power_state or '').lower() == 'stopped'

    @property
    def gateway(self) -> bool:
        """Whether it is a Gateway pool; whether AKS counts it is not documented (AZURE-FACTS section 2)."""
        return (self.mode or '').lower() == 'gateway'


def missing_in_pool(pool: Json) -> Iterable[str]:
    """What every agent pool has and this one does not hold, as the end of a path; '' where it holds nothing.

    VirtualMachines pools keep their counts in scale profiles (AZURE-FACTS section 3).
    """
    if not isinstance(pool, dict):
        yield ''
    elif not isinstance(get(pool, 'virtualMachinesProfile', 'scale'), dict) and not get(
            pool, 'virtualMachineNodesStatus'):
        if count(pool, 'count') is None:
            yield '.count'
        if flag(pool, 'enableAutoScaling') and count(pool, 'maxCount') is None:
            yield '.maxCount'


def parse_agent_pool(body: Json, cluster_version: Optional[str], check: NameCheck) -> AgentPool:
    """The pool in `body`, an element of `agentPoolProfiles`; ids that are none are told to `check`."""
    current, maximum = _pool_counts(body)
    subnet, pod_subnet = text(body, 'vnetSubnetID'), text(body, 'podSubnetID')
    return AgentPool(
        name=text(body, 'name') or '',
        current=current,
        max=maximum,
        max_surge=_surge_setting(get(body, 'upgradeSettings', 'maxSurge')),
        mode=text(body, 'mode'),
        type=canonical(text(body, 'type'), POOL_TYPES),
        priority=text(body, 'scaleSetPriority'),
        kubernetes_version=(text(body, 'currentOrchestratorVersion') or text(body, 'orchestratorVersion') or
                            cluster_version),
        provisioning_state=text(body, 'provisioningState'),
        power_state=text(body, 'powerState', 'code'),
        node_public_ip=bool(flag(body, 'enableNodePublicIP')),
        blue_green=(text(body, 'upgradeStrategy') or '').lower() == 'bluegreen',
        own_subnet=subnet is not None or is_unknown(body, 'vnetSubnetID'),
        subnet_id=check.id('agentPoolProfiles.vnetSubnetID', subnet, SUBNET_TYPE) if subnet else None,
        pod_subnet_id=check.id('agentPoolProfiles.podSubnetID', pod_subnet, SUBNET_TYPE) if pod_subnet else None,
        excluded=get(body, 'nodeLabels', EXCLUDING_LABEL) is not None,
        gateway_prefix=count(body, 'gatewayProfile', 'publicIPPrefixSize'),
        without_windows_nat=bool(flag(body, 'windowsProfile', 'disableOutboundNat')),
        unknown=_unknown_of_pool(body),
    )


def _unknown_of_pool(body: Json) -> Tuple[str, ...]:
    """The fields of a pool that code leaves open. Without the autoscaler, or where that is open, the count decides."""
    autoscaled = flag(body, 'enableAutoScaling')
    bound = (('enableAutoScaling',) if is_unknown(body, 'enableAutoScaling') else
             ('maxCount',) if autoscaled else ('count',))
    paths = {'current': ('count',), 'max': bound, 'max_surge': ('upgradeSettings', 'maxSurge')}
    return unknown_fields(body, paths)


def _surge_setting(value: Json) -> Optional[str]:
    """`maxSurge` as text: "3", "10%"; some bodies hold it as a number."""
    if isinstance(value, bool) or not isinstance(value, (str, int)):
        return None
    return printable(str(value).strip()) or None


def _pool_counts(body: Json) -> Tuple[int, int]:
    """(nodes now, nodes at full scale, surge not included).

    max = max(count, maxCount) with the autoscaler on, else count: never below what runs now, since pools outside
    their own bounds exist (AZURE-FACTS section 9, point 10). VirtualMachines pools keep their counts in their scale
    profiles (section 3), where `autoscale` is an object or, in older answers, a list (section 9, point 8).
    """
    current = count(body, 'count')
    autoscaled = flag(body, 'enableAutoScaling') or is_unknown(body, 'enableAutoScaling')
    maximum = count(body, 'maxCount') if autoscaled else None
    if autoscaled and is_unknown(body, 'count'):
        current = count(body, 'minCount')
    scale = get(body, 'virtualMachinesProfile', 'scale')
    if scale is not None:
        manual = _sum(items(scale, 'manual'), 'count')
        autoscale = get(scale, 'autoscale')
        profiles = items(scale, 'autoscale') if isinstance(autoscale, list) else [autoscale]
        running = [count(status, 'count') or 0 for status in items(body, 'virtualMachineNodesStatus')]
        if current is None:
            current = sum(running) if running else manual + _sum(profiles, 'minCount')
        maximum = max(maximum or 0, manual + _sum(profiles, 'maxCount'))
    current = current or 0
    return current, max(current, maximum or 0)


def _sum(bodies: Iterable[Json], key: str) -> int:
    return sum(count(body, key) or 0 for body in bodies)
