# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Everything that can be typed, once: what an option is called, what it takes, and where its value goes.

The command line is declared from the tables here (`_params`), checked by them (`_validators`), and printed by them:
an option that sets something on the load balancer has the name that `az aks update` knows it by. A handler names the
tables that it takes, and gets one record.
"""

from __future__ import annotations

import functools
from datetime import timedelta
from inspect import Parameter, Signature
from typing import Any, Callable, Dict, NamedTuple, Optional, Sequence, Tuple

from .facts import snat
from .facts.clusters import BACKEND_POOL_TYPES
from .facts.ids import ArmId

#: How far back metrics are read, where not typed.
DEFAULT_OFFSET = '7d'

#: Percent on top of measured demand, where not typed. In the tuning half of the backtest (130 clusters, 10 seeds of 13
#: workloads): IPs over a clairvoyant's, and failing node-minutes of 100,000 in a week 15 % busier than that which was
#: measured.
#:
#:     headroom   IPs    with --allow-decrease   failing
#:      5 %      1.17                     1.10        42
#:     10 %      1.21                     1.15       8.6
#:     15 %      1.25                     1.20       0.9
#:     20 %      1.29                     1.24         0
#:     25 %      1.34                     1.30         0
#:
#: In a week like the measured one none of them failed.
DEFAULT_HEADROOM = 15

#: Groups of options in the help.
WHAT_IF = 'What If'
SCALE_GROUP = 'Scale'
SNAPSHOT_GROUP = 'Snapshot'
FLEET_GROUP = 'Fleet'

#: What an option takes; `_params` knows how the CLI says so.
TEXT, INTEGER, INTEGERS, NUMBER, SWITCH, YES_OR_NO, FILE, WORDS, PAIRS, CHOICE, FILES, GROUP, CLUSTER_NAME = (
    'text', 'integer', 'integers', 'number', 'switch', 'yes or no', 'file', 'words', 'pairs', 'choice', 'files',
    'group', 'cluster name')
RULE_CODES, SUBSCRIPTIONS = 'rule codes', 'subscriptions'


class Range(NamedTuple):
    """What numbers are accepted, both ends included."""

    lowest: int
    highest: int
    unit: str = ''


class Option(NamedTuple):
    """An option: the parameter that its value goes to, its names (the long one first), what it takes, its help.

    `help` None leaves it to the CLI, which has a text of its own. `range` is checked before anything is read.
    """

    name: str
    flags: Tuple[str, ...]
    help: Optional[str] = None
    takes: str = TEXT
    group: Optional[str] = None
    range: Optional[Range] = None
    choices: Tuple[str, ...] = ()
    default: Any = None

    @property
    def flag(self) -> str:
        """The long name, which for load balancer options is that of `az aks update`."""
        return self.flags[0]


class Change(NamedTuple):
    """Load balancer options that were typed; None where not typed."""

    managed_outbound_ip_count: Optional[int] = None
    managed_outbound_ipv6_count: Optional[int] = None
    outbound_ips: Optional[Tuple[ArmId, ...]] = None
    outbound_ip_prefixes: Optional[Tuple[ArmId, ...]] = None
    outbound_ports: Optional[int] = None
    idle_timeout_in_minutes: Optional[int] = None
    backend_pool_type: Optional[str] = None

    @property
    def any_ips(self) -> bool:
        """Whether any IP option was typed: each makes `az aks` rebuild the IP mode (AZURE-FACTS section 1)."""
        return self.managed_outbound_ipv6_count is not None or self.ipv4

    @property
    def ipv4(self) -> bool:
        """Whether the number of IPv4 addresses was typed; an IPv6 count alone leaves it open."""
        return any(value is not None for value in (self.managed_outbound_ip_count, self.outbound_ips,
                                                   self.outbound_ip_prefixes))

    @property
    def anything(self) -> bool:
        """Whether any load balancer option was typed."""
        return self != _NO_CHANGE


_NO_CHANGE = Change()


class Scale(NamedTuple):
    """Scale options that were typed: totals over all node pools, and the surge and version of every pool."""

    node_count: Optional[int] = None
    max_count: Optional[int] = None
    max_surge: Optional[str] = None
    kubernetes_version: Optional[str] = None


class Options(NamedTuple):
    """All that was typed and that a decision depends on. `headroom` in percent; `measure` asks for the metrics."""

    change: Change = Change()
    scale: Scale = Scale()
    allow_decrease: bool = False
    headroom: float = DEFAULT_HEADROOM
    measure: bool = False


class Sizes(NamedTuple):
    """Several values that were typed for one option, a field of Change or of Scale: the same question at each."""

    option: str
    values: Tuple[int, ...]

    def apply(self, options: Options, value: int) -> Options:
        """`options` as if only `value` had been typed."""
        typed: Dict[str, Any] = {self.option: value}
        if self.option in Change._fields:
            return options._replace(change=options.change._replace(**typed))
        return options._replace(scale=options.scale._replace(**typed))


class Source(NamedTuple):
    """Where a cluster is read from, and where what was read is kept."""

    resource_group: Optional[str] = None
    name: Optional[str] = None
    from_file: Optional[str] = None
    save_to: Optional[str] = None
    overwrite: bool = False
    anonymize: bool = False
    parameters: Tuple[str, ...] = ()


class Typed(NamedTuple):
    """What the user typed for one command, by what it is for. A command that does not take an option has its default.
    """

    source: Source
    options: Options
    sizes: Optional[Sizes] = None
    offset: Optional[timedelta] = None
    fail_on: Optional[str] = None
    rules: Optional[Tuple[str, ...]] = None
    skip_rules: Tuple[str, ...] = ()
    subscriptions: Optional[Tuple[str, ...]] = None
    all_subscriptions: bool = False
    management_groups: Tuple[str, ...] = ()
    with_metrics: bool = False
    top: Optional[int] = None
    filename: Tuple[str, ...] = ()
    recursive: bool = False
    action_group: Optional[ArmId] = None
    report: Optional[str] = None
    baseline: Optional[str] = None


#: Standard input as a path: kubectl's name of it, and the system's, which not every system can open.
STDIN = ('-', '/dev/stdin')

OVERWRITE = Option('overwrite_existing', ('--overwrite-existing',),
                   'Replace files that are there.', SWITCH, SNAPSHOT_GROUP)

CLUSTER = (
    Option('resource_group_name', ('--resource-group', '-g'), takes=GROUP),
    Option('name', ('--name', '-n'), 'Name of the managed cluster; also of one in --from-file.', CLUSTER_NAME),
    Option('from_file', ('--from-file',),
           "Decide from a file ('-': standard input), with no login: a snapshot, what 'az aks show' prints, or "
           'infrastructure code.', FILE, SNAPSHOT_GROUP),
    Option('parameters', ('--parameters',),
           'Of a template in --from-file: KEY=VALUE, or files.', PAIRS, SNAPSHOT_GROUP),
    Option('save_to', ('--save-to',),
           'Write what was read, without secrets, for --from-file.', FILE, SNAPSHOT_GROUP),
    OVERWRITE,
    Option('anonymize', ('--anonymize',),
           'Replace names in --save-to.', SWITCH, SNAPSHOT_GROUP),
)

#: Each is a field of Change, and its flag an option of `az aks update`. Source: AZURE-FACTS section 1, table.
CHANGE = (
    Option('managed_outbound_ip_count', ('--load-balancer-managed-outbound-ip-count', '--managed-ip-count'),
           'Managed IPv4 IPs, 1 to 100.', INTEGER, WHAT_IF,
           Range(1, snat.MAX_MANAGED_IPS)),
    Option('managed_outbound_ipv6_count', ('--load-balancer-managed-outbound-ipv6-count', '--managed-ipv6-count'),
           'Managed IPv6 IPs, 1 to 100.', INTEGER, WHAT_IF,
           Range(1, snat.MAX_MANAGED_IPS)),
    Option('outbound_ips', ('--load-balancer-outbound-ips', '--outbound-ips'),
           'Own IPs: ids, by commas.', group=WHAT_IF),
    Option('outbound_ip_prefixes', ('--load-balancer-outbound-ip-prefixes', '--outbound-ip-prefixes'),
           'Own prefixes: ids, by commas.', group=WHAT_IF),
    Option('outbound_ports', ('--load-balancer-outbound-ports', '--outbound-ports'),
           'Per node: a multiple of 8, at most 64000; 0: automatic.', INTEGER, WHAT_IF,
           Range(0, snat.MAX_PORTS_PER_NODE, 'ports per node')),
    Option('idle_timeout_in_minutes', ('--load-balancer-idle-timeout', '--idle-timeout'),
           'Minutes, 4 to 100.', INTEGER, WHAT_IF,
           Range(snat.MIN_IDLE_TIMEOUT, snat.MAX_IDLE_TIMEOUT, 'minutes')),
    Option('backend_pool_type', ('--load-balancer-backend-pool-type', '--backend-pool-type'),
           'How nodes join the inbound pool; on any outbound type.', CHOICE, WHAT_IF, choices=BACKEND_POOL_TYPES),
)

CONSENT = (
    Option('allow_decrease', ('--allow-decrease',),
           'Allow fewer ports and IPs, which cuts connections.', YES_OR_NO, WHAT_IF),
)

#: Each is a field of Scale.
SCALE = (
    Option('node_count', ('--node-count', '-c'), 'Nodes now, in all.', INTEGER, SCALE_GROUP,
           Range(0, 10 ** 6)),
    Option('max_count', ('--max-count',), 'Nodes at most, surge aside.', INTEGER, SCALE_GROUP,
           Range(1, 10 ** 6)),
    Option('max_surge', ('--max-surge',), 'Surge of pools: 3, or 33%%.', group=SCALE_GROUP),
    Option('kubernetes_version', ('--kubernetes-version', '-k'), 'Version to size for.',
           group=SCALE_GROUP),
)

MEASURED = (
    Option('offset', ('--offset',),
           f'How far back metrics go, 1h to 30d. Default: {DEFAULT_OFFSET}.'),
)

ALERTS = (
    Option('action_group', ('--action-group',),
           'Id of an action group: adds metric alerts that fit.'),
)

REPORT = (
    Option('report', ('--report',),
           'Also write a file: .html, .md, .sarif or .xml (JUnit).', FILE),
)

BASELINE = (
    Option('baseline', ('--baseline',), 'Fail only on what is new or worse since this file.', FILE),
)

#: A page is about clusters.
REPORT_ON_SERVICES = (
    Option('report', ('--report',), 'Also write a file: .md (for a pull request), .sarif or .xml (JUnit).', FILE),
)

HEADROOM = (
    Option('headroom', ('--headroom',),
           f'Percent on top of measured demand. Default: {DEFAULT_HEADROOM}.', NUMBER,
           range=Range(0, 1000, 'percent')),
)

GATE = (
    Option('fail_on', ('--fail-on',),
           'Exit with code 4 on findings of this severity or worse.', CHOICE,
           choices=('none', 'error', 'warning'), default='none'),
)

RULES = (
    Option('rules', ('--rules',), 'Apply only the rules of these codes, separated by spaces.', RULE_CODES),
    Option('skip_rules', ('--skip-rules',), 'Leave out the rules of these codes.', RULE_CODES),
)

FLEET = (
    Option('resource_group_name', ('--resource-group', '-g'), 'Only clusters of this resource group.', GROUP),
    Option('subscriptions', ('--subscriptions',),
           'Ids or names of subscriptions, separated by spaces. Default: the current one.', SUBSCRIPTIONS,
           FLEET_GROUP),
    Option('all_subscriptions', ('--all-subscriptions',),
           "All subscriptions of the login, as in 'az account list'.", SWITCH, FLEET_GROUP),
    Option('management_groups', ('--management-groups',),
           'Names of management groups, separated by spaces: all subscriptions below them.', WORDS, FLEET_GROUP),
    Option('from_file', ('--from-file',),
           "Decide from this file instead of from Azure, without a login: the output of 'az graph query' (clusters, "
           'and where wanted load balancers, public IPs and prefixes), a saved answer of Azure Resource Graph, or the '
           "output of 'az aks list'. '-' is standard input.", FILE),
    Option('with_metrics', ('--with-metrics',),
           'Add the SNAT peak of the last day to each row, read from Azure Monitor in batches of 50 clusters.', SWITCH),
    Option('top', ('--top',), 'Show only so many clusters, the riskiest ones.', INTEGER,
           range=Range(1, 10 ** 6, 'clusters')),
)

MANIFESTS = (
    Option('filename', ('--filename', '-f'),
           "Files or folders with manifests in YAML or JSON, '-' for standard input. In a folder: *.yaml, *.yml and "
           '*.json. Files over 32 MiB are refused.', FILES),
    Option('recursive', ('--recursive', '-R'), 'Also read the folders inside of the folders.', SWITCH),
    Option('from_file', ('--from-file',),
           "The cluster that the manifests are for: a snapshot that --save-to wrote, or the output of 'az aks show'.",
           FILE),
    Option('kubernetes_version', ('--kubernetes-version', '-k'),
           'The Kubernetes version that the manifests are for; default: that of the cluster of --from-file. Without '
           'either, findings say from which version they hold.'),
)

#: Options of `plan` that take several values, for an answer at each.
SEVERAL = ('outbound_ports', 'max_count')

#: The most values of one option: more than a table is read for.
MOST_SIZES = 50


def _several(options: Tuple[Option, ...]) -> Tuple[Option, ...]:
    """`options`, those that may take several values declared so."""
    more = ' Several, by commas: a row each.'
    return tuple(option._replace(takes=INTEGERS, help=f'{option.help}{more}') if option.name in SEVERAL else option
                 for option in options)


#: The options of each command.
COMMANDS: Dict[str, Tuple[Option, ...]] = {
    'show': CLUSTER,
    'plan': CLUSTER + _several(CHANGE) + CONSENT + _several(SCALE) + GATE + BASELINE + REPORT,
    'recommend': CLUSTER + CHANGE + CONSENT + SCALE + MEASURED + HEADROOM + GATE + ALERTS + REPORT,
    'check': CLUSTER + MEASURED + RULES + GATE + BASELINE + ALERTS + REPORT,
    'list': FLEET + GATE + REPORT + (OVERWRITE,),
    'check-service': MANIFESTS + GATE + BASELINE + REPORT_ON_SERVICES + (OVERWRITE,),
    'list-rules': (),
}

#: The flag of `az aks update` for each field of Change.
FLAGS: Dict[str, str] = {option.name: option.flag for option in CHANGE}

#: All names of each option.
_NAMES: Dict[str, Tuple[str, ...]] = {option.name: option.flags for options in COMMANDS.values() for option in options}


def typed_name(name: str, words: Sequence[str]) -> str:
    """What the user calls the option of a parameter: the one of its names that is among `words` (the options of the
    command line), whole or cut short as argparse allows; the long name where it was not typed."""
    names = _NAMES[name]
    for word in words:
        for known in names:
            if known == word or (word.startswith('--') and known.startswith(word)):
                return known
    return names[0]


def takes(command: str) -> Callable[[Callable[[Any, Typed], Any]], Callable[..., Any]]:
    """Give a handler `(cmd, typed)` the signature that the CLI reads the options of `command` from."""
    options = COMMANDS[command]
    parameters = [Parameter('cmd', Parameter.POSITIONAL_OR_KEYWORD)]
    # Only -f of check-service must be given; a cluster may come from a file.
    parameters += [Parameter(option.name, Parameter.KEYWORD_ONLY,
                             default=Parameter.empty if option.takes == FILES else option.default)
                   for option in options]

    def decorate(handler: Callable[[Any, Typed], Any]) -> Callable[..., Any]:
        @functools.wraps(handler)
        def run(cmd: Any, **values: Any) -> Any:
            return handler(cmd, gather(command, values))
        vars(run)['__signature__'] = Signature(parameters)  # what the CLI's loader looks at
        return run
    return decorate


def gather(command: str, values: Dict[str, Any]) -> Typed:
    """The record of what was typed, from the values by parameter."""
    measure = any(option in COMMANDS[command] for option in MEASURED)
    headroom = values.get('headroom')
    sizes = next((Sizes(name, values[name]) for name in SEVERAL if isinstance(values.get(name), tuple)), None)
    if sizes is not None:  # the answer beside the rows is the one without that option
        values = {**values, sizes.option: None}
    return Typed(
        Source(values.get('resource_group_name'), values.get('name'), values.get('from_file'), values.get('save_to'),
               bool(values.get('overwrite_existing')), bool(values.get('anonymize')),
               tuple(values.get('parameters') or ())),
        Options(Change(*(values.get(field) for field in Change._fields)),
                Scale(*(values.get(field) for field in Scale._fields)), bool(values.get('allow_decrease')),
                DEFAULT_HEADROOM if headroom is None else headroom, measure),
        sizes, values.get('offset'), values.get('fail_on'), values.get('rules'), values.get('skip_rules') or (),
        values.get('subscriptions'), bool(values.get('all_subscriptions')), values.get('management_groups') or (),
        bool(values.get('with_metrics')), values.get('top'), values.get('filename') or (),
        bool(values.get('recursive')), values.get('action_group'), values.get('report'), values.get('baseline'))
