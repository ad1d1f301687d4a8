# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What the rules on Services want to know of a cluster, from what was read of it."""

from typing import Iterable, List, Tuple, Union

from ..facts.clusters import NODE_IP, SHARED_PROBE
from ..facts.networks import IPV4, IPV6
from ..facts.snat import minor_version
from .network import Frontend, PublicIp, PublicIpPrefix
from .observed import Observed
from .service_context import NO_CLUSTER, PublicAddress, ServiceContext
from .values import distinct


def context_of(observed: Observed) -> ServiceContext:
    """The facts in what was read of a cluster; what was not read stays None."""
    cluster, balancer = observed.cluster, observed.load_balancer
    if cluster is None:
        return NO_CLUSTER
    profile = cluster.profile
    return ServiceContext(
        load_balancer_sku=cluster.load_balancer_sku,
        location=cluster.location,
        node_resource_group=cluster.node_resource_group,
        kubernetes_version=minor_version(cluster.kubernetes_version),
        ip_families=(IPV4, IPV6) if cluster.dual_stack else (IPV4,),
        pod_cidrs=cluster.pod_cidrs,
        public_addresses=_public_addresses(observed, profile.effective_ids),
        frontends=len(balancer.frontends) if balancer else None,
        rules=balancer.load_balancing_rules if balancer else None,
        rules_per_nic=balancer.rules_per_nic if balancer else None,
        shared_probe=None if profile.health_probe_mode is None else profile.health_probe_mode == SHARED_PROBE,
        node_ip_pool=profile.backend_pool_type == NODE_IP,
        several_balancers=profile.multiple_standard_load_balancers,
    )


def _public_addresses(observed: Observed, effective_ids: Tuple[str, ...]) -> Tuple[PublicAddress, ...]:
    """Public IPs and prefixes that were read, and those that are known from frontends and the profile by id alone."""
    balancer = observed.load_balancer
    resources: List[Union[PublicIp, PublicIpPrefix]] = [*observed.public_ips, *observed.prefixes]
    read = {resource.id.lower(): resource for resource in resources}
    outbound = {used.lower() for used in (*_ids(balancer.outbound_frontends if balancer else ()), *effective_ids)}
    known = distinct([*(resource.id for resource in resources), *_ids(balancer.frontends if balancer else ()),
                      *effective_ids])
    return tuple(_public_address(known_id, read.get(known_id.lower()), known_id.lower() in outbound)
                 for known_id in known if known_id)


def _ids(frontends: Iterable[Frontend]) -> List[str]:
    """The ids of the public IPs and prefixes that frontends have."""
    return [used for used in (frontend.public_ip_id or frontend.prefix_id for frontend in frontends) if used]


def _public_address(resource_id: str, read: Union[PublicIp, PublicIpPrefix, None], outbound: bool) -> PublicAddress:
    if read is None:
        return PublicAddress(resource_id, outbound=outbound)
    return PublicAddress(resource_id, read.ip_address if isinstance(read, PublicIp) else None, read.location, read.sku,
                         outbound)
