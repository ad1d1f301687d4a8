# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The user's own public IPs and prefixes, judged once: which of them Azure takes as outbound IPs, and which not.

Sources: AZURE-FACTS section 1; the LoadBalancerProfileOutboundIP… errors of AKS.
"""

from enum import Enum
from typing import Iterable, List, NamedTuple, Optional, Tuple, Union

from ..facts.clusters import STANDARD
from ..facts.ids import ArmId
from ..facts.networks import PREFIX_TYPE
from ..model.cluster import Cluster
from ..model.network import PublicIp, PublicIpPrefix
from ..model.observed import Observed, ReadError, load_balancer_id


class Fault(Enum):
    """What is wrong with an address. Those that Azure refuses leave no safe line."""

    MISSING = 'missing'
    NOT_STANDARD = 'notStandard'
    OTHER_REGION = 'otherRegion'
    PREFIX_OF_OTHER_SUBSCRIPTION = 'prefixOfOtherSubscription'
    MADE_BY_AKS = 'madeByAks'
    ATTACHED_ELSEWHERE = 'attachedElsewhere'
    IN_USE = 'inUse'
    # Not refused, or not documented as refused.
    IP_OF_OTHER_SUBSCRIPTION = 'ipOfOtherSubscription'
    DYNAMIC = 'dynamic'
    IN_NODE_RESOURCE_GROUP = 'inNodeResourceGroup'


REFUSED = frozenset({Fault.MISSING, Fault.NOT_STANDARD, Fault.OTHER_REGION, Fault.PREFIX_OF_OTHER_SUBSCRIPTION,
                     Fault.MADE_BY_AKS, Fault.ATTACHED_ELSEWHERE, Fault.IN_USE})


class OwnAddress(NamedTuple):
    """An own public IP or prefix: what was read of it (None where nothing was), and what is wrong with it."""

    id: ArmId
    resource: Union[PublicIp, PublicIpPrefix, None]
    error: Optional[ReadError]
    faults: Tuple[Fault, ...]

    @property
    def usable(self) -> bool:
        """Whether nothing is known that Azure refuses."""
        return REFUSED.isdisjoint(self.faults)

    @property
    def is_prefix(self) -> bool:
        """Whether it is a prefix, by its id."""
        return self.id.type == PREFIX_TYPE


def judge_own_addresses(observed: Observed, ids: Iterable[ArmId]) -> Tuple[OwnAddress, ...]:
    """The own addresses of these ids, each judged against the cluster (or, for a new one, by itself)."""
    return tuple(_judge(resource_id, observed) for resource_id in ids)


def usable_ids(observed: Observed, ids: Iterable[ArmId]) -> Tuple[ArmId, ...]:
    """Those of `ids` of which nothing is known that Azure refuses."""
    return tuple(address.id for address in judge_own_addresses(observed, ids) if address.usable)


def _judge(resource_id: ArmId, observed: Observed) -> OwnAddress:
    resource = observed.public_ip(resource_id) or observed.prefix(resource_id)
    error = observed.error_of(resource_id)
    if resource is not None:
        return OwnAddress(resource_id, resource, error, tuple(_faults(resource_id, resource, observed.cluster)))
    return OwnAddress(resource_id, None, error, (Fault.MISSING,) if error is not None and error.means_gone else ())


def _faults(resource_id: ArmId, resource: Union[PublicIp, PublicIpPrefix], cluster: Optional[Cluster]) -> List[Fault]:
    """What is wrong with an address that was read, in the order of what weighs most."""
    faults = []
    if resource.sku not in (None, STANDARD):
        faults.append(Fault.NOT_STANDARD)
    if isinstance(resource, PublicIp) and resource.made_by_aks:
        faults.append(Fault.MADE_BY_AKS)
    if isinstance(resource, PublicIp) and resource.allocation_method == 'Dynamic':
        faults.append(Fault.DYNAMIC)
    return faults + (_faults_beside(resource_id, resource, cluster) if cluster else [])


def _faults_beside(resource_id: ArmId, resource: Union[PublicIp, PublicIpPrefix], cluster: Cluster) -> List[Fault]:
    """What is wrong with an address where the cluster is."""
    is_ip = isinstance(resource, PublicIp)
    attached_here = _is_attached_to(resource, cluster)
    found = (
        (Fault.OTHER_REGION, _differ(_region(cluster.location), _region(resource.location))),
        (Fault.IP_OF_OTHER_SUBSCRIPTION if is_ip else Fault.PREFIX_OF_OTHER_SUBSCRIPTION,
         not attached_here and _differ(cluster.subscription_id, resource_id.subscription_id)),
        (Fault.IN_NODE_RESOURCE_GROUP, _is_among_made_by_aks(resource_id, resource, cluster)),
        (Fault.ATTACHED_ELSEWHERE,
         not attached_here and bool(resource.attached_to) and load_balancer_id(cluster) is not None),
        # A load balancer takes a prefix as a whole: with an address of it in use elsewhere it takes none.
        (Fault.IN_USE, isinstance(resource, PublicIpPrefix) and not attached_here and bool(resource.allocated_ids)),
    )
    return [fault for fault, applies in found if applies]


def _differ(here: Optional[str], there: Optional[str]) -> bool:
    """Whether both are known and not the same."""
    return bool(here and there) and (here or '').lower() != (there or '').lower()


def _is_among_made_by_aks(resource_id: ArmId, resource: Union[PublicIp, PublicIpPrefix], cluster: Cluster) -> bool:
    """Whether a resource that does not bear AKS's tag sits in the node resource group."""
    group = (cluster.node_resource_group or '').lower()
    tagged = isinstance(resource, PublicIp) and resource.made_by_aks
    return bool(group) and not tagged and resource_id.resource_group.lower() == group


def _region(location: Optional[str]) -> Optional[str]:
    return location.replace(' ', '').lower() if location else None


def _is_attached_to(resource: Union[PublicIp, PublicIpPrefix], cluster: Cluster) -> bool:
    """Whether the cluster's own load balancer has it."""
    balancer = load_balancer_id(cluster)
    return bool(balancer and resource.attached_to and resource.attached_to.lower().startswith(f'{balancer.lower()}/'))
