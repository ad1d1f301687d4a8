# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""A change as options, as steps of argv, and as the profile that ARM, Bicep and Terraform users need.

Whatever came from Azure or from a file becomes exactly one argument.
"""

from typing import Any, Dict, List, Optional, Sequence, Tuple

from ..facts.clusters import MANAGED, MIXED, PREFIXES
from ..model.cluster import Cluster
from ..options import FLAGS, Scale
from .columns import Settings
from .new_addresses import NewAddress
from .nodes import Nodes
from .outcome import Step

#: The names that a create line has without a cluster; as in Microsoft's own examples.
PLACEHOLDER_GROUP = 'MyResourceGroup'
PLACEHOLDER_CLUSTER = 'MyCluster'


def changed_options(current: Optional[Settings], settings: Settings, dual_stack: bool) -> Tuple[str, ...]:
    """The load balancer options that change, in argv form and by the names of `az aks update`; empty for none.

    Any IP option makes `az aks` rebuild the IP mode, so it is given only where IPs change, and then whole: the full
    list of ids, or both counts in dual-stack (AZURE-FACTS section 1). Without `current`, for a new cluster, IPs and
    ports are always given, the rest where it is not Azure's default.
    """
    before = current or Settings()
    argv: List[str] = []
    if current is None or settings.ips != current.ips:
        argv += _ip_options(settings, dual_stack)
    if current is None or settings.outbound_ports != current.outbound_ports:
        argv += [FLAGS['outbound_ports'], str(settings.outbound_ports)]
    if settings.idle_timeout_in_minutes != before.idle_timeout_in_minutes:
        argv += [FLAGS['idle_timeout_in_minutes'], str(settings.idle_timeout_in_minutes)]
    if settings.backend_pool_type != before.backend_pool_type:
        argv += [FLAGS['backend_pool_type'], settings.backend_pool_type]
    return tuple(argv)


def _ip_options(settings: Settings, dual_stack: bool) -> List[str]:
    if settings.ip_source == PREFIXES:
        return [FLAGS['outbound_ip_prefixes'], ','.join(settings.outbound_ip_prefixes)]
    if settings.ip_source != MANAGED:
        return [FLAGS['outbound_ips'], ','.join(settings.outbound_ips)]
    argv = [FLAGS['managed_outbound_ip_count'], str(settings.managed_outbound_ip_count)]
    if settings.managed_outbound_ipv6_count or dual_stack:
        argv += [FLAGS['managed_outbound_ipv6_count'], str(settings.managed_outbound_ipv6_count or 1)]
    return argv


def shortened(argv: Sequence[str]) -> str:
    """Options as a reader sees them; ids are shortened to names."""
    return ' '.join(','.join(part.rsplit('/', 1)[-1] for part in word.split(',')) for word in argv)


def update(cluster: Cluster, argv: Sequence[str]) -> Step:
    """`az aks update` for `cluster`, which is named, with the options `argv`."""
    return Step(('az', 'aks', 'update', *_named(cluster), *argv))


def ask(command: str, cluster: Cluster, argv: Sequence[str] = ()) -> Step:
    """`az aks lb` for `cluster`, which is named: the `command` that gives the next answer, with the options `argv`."""
    return Step(('az', 'aks', 'lb', command, *_named(cluster), *argv))


def _named(cluster: Cluster) -> List[str]:
    return (option('--resource-group', cluster.resource_group) + option('--name', cluster.name) +
            option('--subscription', cluster.subscription_id))


def option(name: str, value: Optional[str]) -> List[str]:
    """`name` with a `value` that came from Azure or a file, in argv form; nothing without a value.

    A value with a hyphen in front (a resource group may have one) would be taken for an option.
    """
    if not value:
        return []
    return [f'{name}={value}'] if value.startswith('-') else [name, value]


def create(nodes: Nodes, scale: Scale, settings: Settings, argv: Sequence[str]) -> Step:
    """`az aks create` for a cluster that is not there yet, with the options `argv`."""
    pool = nodes.pools[0]
    words = ['az', 'aks', 'create', '--resource-group', PLACEHOLDER_GROUP, '--name', PLACEHOLDER_CLUSTER,
             '--node-count', str(pool.current)]
    if pool.max > pool.current:
        words += ['--enable-cluster-autoscaler', '--min-count', str(pool.current), '--max-count', str(pool.max)]
    if scale.kubernetes_version:
        words += ['--kubernetes-version', scale.kubernetes_version]
    if settings.managed_outbound_ipv6_count:
        words += ['--ip-families', 'IPv4,IPv6']
    return Step((*words, '--load-balancer-sku', 'standard', '--generate-ssh-keys', *argv))


def make(address: NewAddress) -> Step:
    """The line that makes a public IP or prefix."""
    kind = ['create'] if address.length is None else ['prefix', 'create', '--length', str(address.length)]
    argv = ['az', 'network', 'public-ip', *kind, *option('--resource-group', address.id.resource_group),
            *option('--name', address.id.name), '--version', 'IPv4']
    if address.length is None:  # a prefix is Standard and static by itself; older CLIs know no --sku for it
        argv += ['--sku', 'Standard', '--allocation-method', 'Static']
    argv += option('--location', address.location) + option('--subscription', address.id.subscription_id)
    return Step(tuple(argv))


def profile(settings: Settings) -> Dict[str, Any]:
    """The `loadBalancerProfile` of `settings` in ARM's spelling."""
    body: Dict[str, Any] = {}
    if settings.ip_source in (MANAGED, MIXED) and settings.managed_outbound_ip_count is not None:
        body['managedOutboundIPs'] = {'count': settings.managed_outbound_ip_count}
        if settings.managed_outbound_ipv6_count:
            body['managedOutboundIPs']['countIPv6'] = settings.managed_outbound_ipv6_count
    if settings.outbound_ips:
        body['outboundIPs'] = {'publicIPs': [{'id': resource_id} for resource_id in settings.outbound_ips]}
    if settings.outbound_ip_prefixes:
        body['outboundIPPrefixes'] = {
            'publicIPPrefixes': [{'id': resource_id} for resource_id in settings.outbound_ip_prefixes]}
    body.update(allocatedOutboundPorts=settings.outbound_ports, idleTimeoutInMinutes=settings.idle_timeout_in_minutes,
                backendPoolType=settings.backend_pool_type)
    return body
