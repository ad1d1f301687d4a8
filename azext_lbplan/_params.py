# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Options. Those that set something bear the names of `az aks create/update`, and a short alias."""

from argcomplete.completers import FilesCompleter
from azure.cli.core.commands.parameters import (file_type, get_enum_type, get_resource_name_completion_list,
                                                get_three_state_flag)

from ._help import add_rules_to_help
from ._validators import DEFAULT_HEADROOM, DEFAULT_OFFSET
from .model.cluster import BACKEND_POOL_TYPES

_WHAT_IF = 'What If'
_SCALE = 'Scale'
_SOURCE = 'Snapshot'
_SCOPE = 'Fleet'

#: Commands that read one cluster, and those of them that take what-if and scale options.
_CLUSTER_COMMANDS = ('aks lb show', 'aks lb plan', 'aks lb recommend', 'aks lb check')
_WHAT_IF_COMMANDS = ('aks lb plan', 'aks lb recommend')


def load_arguments(self, command):
    """Declare the options of every command; of `check` the rules, too, which are in its help."""
    if command in (None, 'aks lb check'):
        add_rules_to_help()
    for name in _CLUSTER_COMMANDS:
        with self.argument_context(name) as context:
            _cluster_arguments(context)
    for name in _WHAT_IF_COMMANDS:
        with self.argument_context(name) as context:
            _load_balancer_arguments(context)
            _scale_arguments(context)
    with self.argument_context('aks lb plan') as context:
        _fail_on(context)
    with self.argument_context('aks lb check-service') as context:
        _manifest_arguments(context)
        _fail_on(context)
    with self.argument_context('aks lb recommend') as context:
        _offset(context)
        context.argument('headroom', type=float, options_list=['--headroom'],
                         help='Percent of ports on top of measured demand, 0 to 1000. Default: '
                              f'{DEFAULT_HEADROOM}.')
    with self.argument_context('aks lb list') as context:
        _fleet_arguments(context)
        _fail_on(context)
    with self.argument_context('aks lb check') as context:
        _offset(context)
        _fail_on(context)
        context.argument('rules', nargs='+', options_list=['--rules'],
                         help='Apply only these rules, by their codes, separated by spaces.')
        context.argument('skip_rules', nargs='+', options_list=['--skip-rules'],
                         help='Do not apply these rules, by their codes, separated by spaces.')


def _cluster_arguments(context):
    context.argument('resource_group_name', options_list=['--resource-group', '-g'], required=False)
    context.argument('name', options_list=['--name', '-n'], id_part='name', required=False,
                     help='Name of the managed cluster.',
                     completer=get_resource_name_completion_list('Microsoft.ContainerService/ManagedClusters'))
    context.argument('from_file', options_list=['--from-file'], arg_group=_SOURCE, type=file_type,
                     completer=FilesCompleter(),
                     help='Decide from this file instead of from Azure, without a login: a snapshot that --save-to '
                          "wrote, or the output of 'az aks show --output json'.")
    context.argument('save_to', options_list=['--save-to'], arg_group=_SOURCE, type=file_type,
                     completer=FilesCompleter(),
                     help='Write all that was read of the cluster to this file, as a snapshot for --from-file. It is '
                          'readable by its owner only.')
    context.argument('overwrite_existing', options_list=['--overwrite-existing'], arg_group=_SOURCE,
                     action='store_true', help='Let --save-to replace a file that is there.')


def _fleet_arguments(context):
    context.argument('resource_group_name', options_list=['--resource-group', '-g'], required=False,
                     help='Only clusters of this resource group.')
    context.argument('subscriptions', nargs='+', options_list=['--subscriptions'], arg_group=_SCOPE,
                     help='Ids or names of subscriptions, separated by spaces. Default: the current subscription.')
    context.argument('all_subscriptions', action='store_true', options_list=['--all-subscriptions'], arg_group=_SCOPE,
                     help="All subscriptions of the login, as in 'az account list'.")
    context.argument('management_groups', nargs='+', options_list=['--management-groups'], arg_group=_SCOPE,
                     help='Names of management groups, separated by spaces: all subscriptions below them.')
    context.argument('from_file', options_list=['--from-file'], type=file_type, completer=FilesCompleter(),
                     help="Decide from this file instead of from Azure, without a login: the output of 'az graph "
                          "query' (clusters, and where wanted load balancers, public IPs and prefixes), a saved answer "
                          "of Azure Resource Graph, or the output of 'az aks list --output json'.")
    context.argument('with_metrics', action='store_true', options_list=['--with-metrics'],
                     help='Add the SNAT peak of the last day to each row, read from Azure Monitor in batches of 50 '
                          'clusters.')
    context.argument('top', type=int, options_list=['--top'], help='Show only so many clusters, the riskiest ones.')


def _load_balancer_arguments(context):
    context.argument('managed_outbound_ip_count', type=int, arg_group=_WHAT_IF,
                     options_list=['--load-balancer-managed-outbound-ip-count', '--managed-ip-count'],
                     help='Number of outbound IPv4 addresses that AKS manages, 1 to 100.')
    context.argument('managed_outbound_ipv6_count', type=int, arg_group=_WHAT_IF,
                     options_list=['--load-balancer-managed-outbound-ipv6-count', '--managed-ipv6-count'],
                     help='Number of outbound IPv6 addresses that AKS manages, 1 to 100; dual-stack clusters only.')
    context.argument('outbound_ips', arg_group=_WHAT_IF,
                     options_list=['--load-balancer-outbound-ips', '--outbound-ips'],
                     help='Resource ids of own outbound public IPs, separated by commas, at most 16.')
    context.argument('outbound_ip_prefixes', arg_group=_WHAT_IF,
                     options_list=['--load-balancer-outbound-ip-prefixes', '--outbound-ip-prefixes'],
                     help='Resource ids of own outbound public IP prefixes, separated by commas.')
    context.argument('outbound_ports', type=int, arg_group=_WHAT_IF,
                     options_list=['--load-balancer-outbound-ports', '--outbound-ports'],
                     help='SNAT ports per node: a multiple of 8 from 0 to 64000; 0 means automatic allocation by the '
                          'size of the backend pool.')
    context.argument('idle_timeout', type=int, arg_group=_WHAT_IF,
                     options_list=['--load-balancer-idle-timeout', '--idle-timeout'],
                     help='Idle timeout of outbound connections in minutes, 4 to 100.')
    context.argument('backend_pool_type', arg_type=get_enum_type(BACKEND_POOL_TYPES), arg_group=_WHAT_IF,
                     options_list=['--load-balancer-backend-pool-type', '--backend-pool-type'],
                     help='How nodes join the backend pool.')
    context.argument('allow_decrease', arg_type=get_three_state_flag(), arg_group=_WHAT_IF,
                     options_list=['--allow-decrease'],
                     help='Consent to fewer ports per node or fewer IPs where the solution needs that. It cuts live '
                          'connections. Values that are typed are consent by themselves.')


def _scale_arguments(context):
    context.argument('node_count', type=int, arg_group=_SCALE, options_list=['--node-count', '-c'],
                     help='Nodes now, over all node pools.')
    context.argument('max_count', type=int, arg_group=_SCALE, options_list=['--max-count'],
                     help='Nodes at full scale, over all node pools, upgrade surge not included.')
    context.argument('max_surge', arg_group=_SCALE, options_list=['--max-surge'],
                     help='Upgrade surge of every node pool: a number of nodes, or a percentage such as 33%%. One '
                          'below that of a pool does not lower its count, because AKS counts what the pool has.')
    context.argument('kubernetes_version', arg_group=_SCALE, options_list=['--kubernetes-version', '-k'],
                     help='Kubernetes version to plan for. From 1.32 on an unset maxSurge means 10%%, before it 1 '
                          'node.')


def _manifest_arguments(context):
    context.argument('filename', options_list=['--filename', '-f'], nargs='+', action='extend',
                     completer=FilesCompleter(),
                     help="Files or folders with manifests in YAML or JSON, '-' for standard input. In a folder: "
                          '*.yaml, *.yml and *.json. Files over 32 MiB are refused.')
    context.argument('recursive', options_list=['--recursive', '-R'], action='store_true',
                     help='Also read the folders inside of the folders.')
    context.argument('from_file', options_list=['--from-file'], type=file_type, completer=FilesCompleter(),
                     help="The cluster that the manifests are for: a snapshot that --save-to wrote, or the output of "
                          "'az aks show --output json'.")


def _offset(context):
    context.argument('offset', options_list=['--offset'],
                     help='How far back metrics are read, such as 7d, 36h or 1d12h: 1 hour to 30 days. Default: '
                          f'{DEFAULT_OFFSET}.')


def _fail_on(context):
    context.argument('fail_on', arg_type=get_enum_type(['none', 'error', 'warning'], default='none'),
                     options_list=['--fail-on'],
                     help='Exit with code 4 when a finding of this severity or worse exists, after the result was '
                          'printed.')
