# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What manifests are held against: the facts of a cluster that the rules on Services want to know."""

from ...model.network import IPV4, IPV6
from ...model.observed import Observed
from ...model.values import distinct
from ...facts.snat import minor_version
from .cluster_rules import PublicAddress, ServiceContext


def context_of(observed: Observed) -> ServiceContext:
    """The facts in what was read of a cluster; what was not read stays None, and its rules say nothing."""
    cluster, balancer = observed.cluster, observed.load_balancer
    return ServiceContext(
        load_balancer_sku=cluster.load_balancer_sku,
        location=cluster.location,
        node_resource_group=cluster.node_resource_group,
        kubernetes_version=minor_version(cluster.kubernetes_version),
        ip_families=(IPV4, IPV6) if cluster.dual_stack else (IPV4,),
        pod_cidrs=cluster.pod_cidrs,
        public_addresses=_addresses(observed),
        frontends=len(balancer.frontends) if balancer else None,
        rules=balancer.load_balancing_rules if balancer else None,
        rules_per_nic=balancer.rules_per_nic if balancer else None,
    )


def _addresses(observed):
    """Public IPs and prefixes that were read, and those that are known from frontends and the profile by id alone."""
    frontends = observed.load_balancer.frontends if observed.load_balancer else ()
    outbound = [one.public_ip_id or one.prefix_id for one in
                (observed.load_balancer.outbound_frontends if observed.load_balancer else ())]
    outbound = {one.lower() for one in (*outbound, *observed.cluster.profile.effective_ids) if one}
    read = {one.id.lower(): one for one in observed.public_ips + observed.prefixes}
    ids = distinct([one.id for one in observed.public_ips + observed.prefixes] +
                   [one.public_ip_id or one.prefix_id or '' for one in frontends] +
                   list(observed.cluster.profile.effective_ids))
    return tuple(_address(one, read.get(one.lower()), one.lower() in outbound) for one in ids if one)


def _address(resource_id, read, outbound):
    return PublicAddress(resource_id, getattr(read, 'ip_address', None), read and read.location, read and read.sku,
                         outbound)
