# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Assumptions that an answer rests on and that azure-facts marks as unknown, in plain words."""

from typing import Tuple

from ..facts import snat
from ..model.network import collection_of
from ..model.cluster import MANAGED, MIXED
from ..model.outbound import Case


def assumptions(case: Case) -> Tuple[str, ...]:
    """The assumptions that the numbers of `case` rest on."""
    if not case.applicable:
        return ()
    return tuple(text for applies, text in _TABLE if applies(case))


def _pools(case):
    return case.cluster.pools if case.cluster else ()


def _settings(case):
    return [one.settings for one in (case.current, case.requested, case.proposed) if one and one.settings]


def _surge_in_doubt(case):
    return any(count.low_validated and count.low_validated < count.validated for count in case.nodes.pools)


def _ids_not_read(case):
    settings = (case.proposed or case.current).settings
    made = {address.id.lower() for address in case.new_addresses}
    return any(one.lower() not in made and not case.observed.public_ip(one)
               for one in settings.outbound_ips)


def _load_balancer_not_read(case):
    return case.cluster is not None and case.observed.load_balancer is None


def _effective_by_subtraction(case):
    return (_load_balancer_not_read(case) and case.cluster.dual_stack and
            case.cluster.profile.ip_source in (MANAGED, MIXED))


def _prefix_as_frontend(case):
    return any(settings.automatic and settings.outbound_ip_prefixes for settings in _settings(case))


def _range_without_listing(case):
    return any(not address.name_is_free for address in case.new_addresses)


def _mixed_subscription(case):
    """New IPs beside own ones of another subscription than the cluster's."""
    places = {collection_of(address.id) for address in case.new_addresses}
    own = (case.cluster.subscription_id or '').lower() if case.cluster else ''
    return any(place and own and f'/subscriptions/{own}/' not in f'{place.lower()}/' for place in places)


#: (when it applies, what is assumed). Source of each: the lines marked [?] in azure-facts.
_TABLE = (
    (lambda case: any(pool.stopped for pool in _pools(case)),
     'Stopped node pools are counted as if they ran; whether AKS counts them is not documented.'),
    (lambda case: any(pool.gateway for pool in _pools(case)),
     'Gateway node pools are counted; whether AKS counts them is not documented.'),
    (lambda case: any(pool.node_public_ip for pool in _pools(case)),
     'Node pools with node public IPs are counted, although their nodes use no SNAT ports; whether AKS counts them is '
     'not documented.'),
    (_surge_in_doubt,
     'A maxSurge of 0 is counted as 1, and an integer maxSurge above the size of its pool in full; how AKS counts '
     'them is not documented.'),
    (lambda case: case.cluster is not None and case.cluster.node_auto_provisioning,
     'Nodes of node auto-provisioning are in no agent pool; how AKS counts them is not documented.'),
    (lambda case: any(settings.automatic for settings in _settings(case)) and
     case.nodes.required > snat.LARGEST_TIER,
     'Automatic allocation above 1000 nodes is not documented.'),
    (_prefix_as_frontend,
     'For automatic allocation a prefix is counted as one frontend; that is not documented.'),
    (_load_balancer_not_read,
     'The load balancer was not read: what is in force is taken from the cluster, and the backend pool from its '
     'node counts.'),
    (_effective_by_subtraction,
     'In dual-stack the IPv4 addresses in force are those that are left when the wanted IPv6 ones are taken away.'),
    (_ids_not_read,
     'Own public IPs that were not read are counted as one IPv4 address each, and not checked for SKU and region.'),
    (_range_without_listing,
     'Whether the names of the new public IPs are free was not checked; creating one that exists would change it.'),
    (_mixed_subscription,
     'New IPs are made beside the own ones, in another subscription than the cluster.'),
    (lambda case: case.cluster is None,
     'Without a cluster nothing was read: quota, policies and the versions of the region were not checked.'),
)
