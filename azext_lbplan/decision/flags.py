# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""A configuration as flags, as lines for a shell, and as the profile that ARM, Bicep and Terraform users need.

Whatever came from Azure or from a file is quoted, so that a shell sees exactly one argument.
"""

import shlex
from typing import Any, Dict, Optional, Tuple

from ..model import values
from ..model.cluster import MANAGED, MIXED, PREFIXES
from ..model.outbound import Case, NewAddress, Settings

#: The names that a create line has without a cluster; as in Microsoft's own examples.
PLACEHOLDER_GROUP = 'MyResourceGroup'
PLACEHOLDER_CLUSTER = 'MyCluster'


def flags(case: Case) -> Tuple[str, ...]:
    """The load balancer options that change, in argv form and by the names of `az aks update`; empty for none.

    Any IP option makes `az aks` rebuild the IP mode, so it is given only where IPs change, and then whole: the full
    list of ids, or both counts in dual-stack (azure-facts section 1).
    """
    if case.proposed is None or case.obstacle is not None:
        return ()
    wanted = case.proposed.settings
    held = case.current.settings if case.current else None
    argv = []
    if held is None or wanted.ips != held.ips:
        argv += _ip_flags(case, wanted)
    if held is None or wanted.outbound_ports != held.outbound_ports:
        argv += ['--load-balancer-outbound-ports', str(wanted.outbound_ports)]
    if wanted.idle_timeout_in_minutes != (held or Settings()).idle_timeout_in_minutes:
        argv += ['--load-balancer-idle-timeout', str(wanted.idle_timeout_in_minutes)]
    if wanted.backend_pool_type != (held or Settings()).backend_pool_type:
        argv += ['--load-balancer-backend-pool-type', wanted.backend_pool_type]
    return tuple(argv)


def _ip_flags(case, wanted):
    if wanted.ip_source == MANAGED:
        argv = ['--load-balancer-managed-outbound-ip-count', str(wanted.managed_outbound_ip_count)]
        if wanted.managed_outbound_ipv6_count or (case.cluster and case.cluster.dual_stack):
            argv += ['--load-balancer-managed-outbound-ipv6-count', str(wanted.managed_outbound_ipv6_count or 1)]
        return argv
    if wanted.ip_source == PREFIXES:
        return ['--load-balancer-outbound-ip-prefixes', ','.join(wanted.outbound_ip_prefixes)]
    return ['--load-balancer-outbound-ips', ','.join(wanted.outbound_ips)]


def command(case: Case) -> Optional[str]:
    """The line to run, shell-quoted; None when nothing needs to change or no safe line exists."""
    argv = flags(case)
    if not argv:
        return None
    return shlex.join((_create if case.cluster is None else _update)(case) + list(argv))


def summary(case: Case) -> str:
    """The options that change, as a reader sees them; ids are shortened to names."""
    return ' '.join(','.join(one.rsplit('/', 1)[-1] for one in option.split(',')) for option in flags(case))


def update_line(cluster, argv) -> str:
    """An `az aks update` line for `cluster` with the options `argv`, shell-quoted."""
    return shlex.join(_update_argv(cluster) + list(argv))


def _update(case):
    return _update_argv(case.cluster)


def _update_argv(cluster):
    return ['az', 'aks', 'update', *_option('--resource-group', cluster.resource_group or PLACEHOLDER_GROUP),
            *_option('--name', cluster.name or PLACEHOLDER_CLUSTER),
            *_option('--subscription', cluster.subscription_id)]


def _option(name, value):
    """`name` with a `value` that came from Azure or a file, in argv form; nothing without a value.

    A value with a hyphen in front (a resource group may have one) would be taken for an option, one with @ for a file
    to read: no name of Azure's begins so, and there is no way to escape it.
    """
    if not value:
        return []
    if value.startswith('@'):
        value = values.REPLACED + value[1:]
    return [f'{name}={value}'] if value.startswith('-') else [name, value]


def _create(case):
    pool = case.nodes.pools[0]
    argv = ['az', 'aks', 'create', '--resource-group', PLACEHOLDER_GROUP, '--name', PLACEHOLDER_CLUSTER,
            '--node-count', str(pool.current)]
    if pool.max > pool.current:
        argv += ['--enable-cluster-autoscaler', '--min-count', str(pool.current), '--max-count', str(pool.max)]
    if case.scale.kubernetes_version:
        argv += ['--kubernetes-version', case.scale.kubernetes_version]
    if case.proposed.settings.managed_outbound_ipv6_count:
        argv += ['--ip-families', 'IPv4,IPv6']
    return argv + ['--load-balancer-sku', 'standard', '--generate-ssh-keys']


def prerequisites(case: Case) -> Tuple[str, ...]:
    """Lines that make the public IPs and prefixes that the command names; empty where the command is None."""
    return tuple(shlex.join(_make(address)) for address in case.new_addresses) if flags(case) else ()


def _make(address: NewAddress):
    kind = ['create'] if address.length is None else ['prefix', 'create', '--length', str(address.length)]
    argv = ['az', 'network', 'public-ip', *kind, *_option('--resource-group', address.resource_group),
            *_option('--name', address.name), '--version', 'IPv4']
    if address.length is None:  # a prefix is Standard and static by itself; older CLIs know no --sku for it
        argv += ['--sku', 'Standard', '--allocation-method', 'Static']
    return argv + _option('--location', address.location) + _option('--subscription', address.subscription_id)


def commands(case: Case) -> Tuple[str, ...]:
    """Prerequisites and command in order; empty whenever the command is None, so that nothing runs alone."""
    line = command(case)
    return (*prerequisites(case), line) if line else ()


def profile(case: Case) -> Optional[Dict[str, Any]]:
    """The proposed `loadBalancerProfile` in ARM's spelling; None where nothing is proposed."""
    if case.proposed is None:
        return None
    settings = case.proposed.settings
    body = {}
    if settings.ip_source in (MANAGED, MIXED) and settings.managed_outbound_ip_count is not None:
        body['managedOutboundIPs'] = {'count': settings.managed_outbound_ip_count}
        if settings.managed_outbound_ipv6_count:
            body['managedOutboundIPs']['countIPv6'] = settings.managed_outbound_ipv6_count
    if settings.outbound_ips:
        body['outboundIPs'] = {'publicIPs': [{'id': one} for one in settings.outbound_ips]}
    if settings.outbound_ip_prefixes:
        body['outboundIPPrefixes'] = {'publicIPPrefixes': [{'id': one} for one in settings.outbound_ip_prefixes]}
    body.update(allocatedOutboundPorts=settings.outbound_ports, idleTimeoutInMinutes=settings.idle_timeout_in_minutes,
                backendPoolType=settings.backend_pool_type)
    return body
