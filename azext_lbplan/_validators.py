# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What can be said of the options before anything is read: one clear line each, what, why, and what to do."""

import difflib
import re
from datetime import timedelta
from typing import Any, Optional, Sequence, Tuple, Union

from azure.cli.core.azclierror import (ArgumentUsageError, InvalidArgumentValueError, MutuallyExclusiveArgumentError,
                                       RequiredArgumentMissingError)
from knack.log import get_logger

from .facts import snat
from .facts.alerts import ACTION_GROUP_TYPE
from .facts.clusters import CLUSTER_TYPE
from .facts.ids import ArmId, is_cluster_name, is_group_name, parse_id
from .facts.networks import PREFIXES, PUBLIC_IPS
from .options import COMMANDS, DEFAULT_OFFSET, FLAGS, MOST_SIZES, SEVERAL, STDIN, Range, typed_name

logger = get_logger(__name__)

_MANAGEMENT_GROUP = re.compile(r'[-\w.()]{1,90}\Z')

_OFFSET = re.compile(r'(?=\d)(?:(?P<days>\d{1,4})d)?(?:(?P<hours>\d{1,6})h)?(?:(?P<minutes>\d{1,8})m)?\Z')

_SURGE = re.compile(r'[0-9]{1,4}%?\Z')
_VERSION = re.compile(r'v?[0-9]{1,3}\.[0-9]{1,3}(\.[0-9]{1,4})?\Z')

#: A number, or several that were separated by commas; None where the option was not given.
_Typed = Union[None, float, Tuple[int, ...]]

_NAME_A_CLUSTER = 'Name one: --resource-group MyResourceGroup --name MyCluster, or --ids ID, or --from-file FILE.'


def _name(namespace: Any, name: str) -> str:
    """What the user typed for the option of a parameter: messages name it, and no other name that it has."""
    command = getattr(namespace, '_cmd', None)
    return typed_name(name, command.cli_ctx.data.get('safe_params') or () if command is not None else ())


def validate_show(namespace: Any) -> None:
    """Options of `show`."""
    _validate_source(namespace)


def validate_recommend(namespace: Any) -> None:
    """Options of `recommend`."""
    validate_offset(namespace)
    _validate_source(namespace)
    _validate_report(namespace, 'recommend')
    _validate_action_group(namespace)
    _validate_load_balancer(namespace)
    _check_ranges(namespace, 'recommend')
    _validate_scale(namespace)


def validate_plan(namespace: Any) -> None:
    """Options of `plan`, which also works without a cluster."""
    _validate_source(namespace, without_cluster='node_count', takes_both=True)
    _validate_report(namespace, 'plan')
    _validate_baseline(namespace)
    _validate_sizes(namespace)
    _validate_load_balancer(namespace)
    _check_ranges(namespace, 'plan')
    _validate_scale(namespace)


def validate_check(namespace: Any) -> None:
    """Options of `check`."""
    validate_offset(namespace)
    _validate_source(namespace)
    _validate_report(namespace, 'check')
    _validate_baseline(namespace)
    _validate_action_group(namespace)
    namespace.rules = _codes(namespace.rules, '--rules')
    namespace.skip_rules = _codes(namespace.skip_rules, '--skip-rules')


def validate_list(namespace: Any) -> None:
    """Options of `list`: one scope at most. A group that the CLI fills in narrows only the current subscription, as
    it does for `az aks list`."""
    _validate_report(namespace, 'list')
    scopes = [option for option, value in (
        ('--subscriptions', namespace.subscriptions), ('--all-subscriptions', namespace.all_subscriptions),
        ('--management-groups', namespace.management_groups), ('--from-file', namespace.from_file)) if value]
    if len(scopes) > 1:
        raise MutuallyExclusiveArgumentError(f"{' and '.join(scopes)} exclude each other: each says where to look.",
                                             'Give one of them.')
    if namespace.with_metrics and namespace.from_file:
        raise MutuallyExclusiveArgumentError('--with-metrics reads from Azure, but --from-file does not.',
                                             'Leave one of them out.')
    group = namespace.resource_group_name
    if scopes and getattr(group, 'is_default', None):
        namespace.resource_group_name = None
    elif group and not is_group_name(group):
        raise _no_group(namespace)
    for name in namespace.management_groups or ():
        if not _MANAGEMENT_GROUP.match(name):
            raise InvalidArgumentValueError(f"--management-groups: '{name}' is no name of a management group.",
                                            'Names, not display names: az account management-group list -o table.')
    _check_ranges(namespace, 'list')


def _validate_report(namespace: Any, command: str) -> None:
    """A file of a kind that there is, of one answer."""
    path = namespace.report
    if path is None:
        return
    from .views import reports  # only who asks for one pays for it
    if reports.kind_of(path, command) is None:
        known = ', '.join(reports.endings(command))
        raise InvalidArgumentValueError(f"--report: '{path}' is no file that a report can be.",
                                        f'Give a name with one of these endings: {known}.')
    if len(getattr(namespace, '_ids', None) or []) > 1:
        raise ArgumentUsageError('--report takes one cluster at a time.', 'Give one id.')


def _validate_baseline(namespace: Any) -> None:
    """A file of its own, and one question at a time."""
    if namespace.baseline is None:
        return
    if namespace.baseline == '' or namespace.baseline in STDIN:
        raise InvalidArgumentValueError('--baseline takes a file, not standard input.', 'Give the path of a file.')
    listed = next((name for name in SEVERAL if isinstance(getattr(namespace, name, None), tuple)), None)
    if listed:
        raise MutuallyExclusiveArgumentError(
            f'--baseline and several values of {_name(namespace, listed)} exclude each other: each would need a '
            'baseline of its own.', 'Give one value.')


def _validate_action_group(namespace: Any) -> None:
    """An id, because a name alone could be that of a group in another place."""
    written = namespace.action_group
    if written is None:
        return
    namespace.action_group = parse_id(written, ACTION_GROUP_TYPE)
    if namespace.action_group is None:
        raise InvalidArgumentValueError(
            f"--action-group: '{written}' is no id of an action group.",
            'Take the id that this prints: az monitor action-group list --query "[].id" -o tsv.')


def validate_check_service(namespace: Any) -> None:
    """Options of `check-service`: standard input holds one thing."""
    _validate_version(namespace)
    _validate_report(namespace, 'check-service')
    _validate_baseline(namespace)
    if namespace.from_file in STDIN and set(STDIN) & set(namespace.filename):
        raise MutuallyExclusiveArgumentError('--filename and --from-file both name standard input.',
                                             'Give the path of a file for one of them.')


def _codes(written: Optional[Sequence[str]], option: str) -> Optional[Tuple[str, ...]]:
    """The codes of rules as the catalogue spells them; None where the option was not given."""
    if written is None:
        return None
    from .rules.cluster import CHECK_CODES  # only `check` pays for it
    known = {code.lower(): code for code in CHECK_CODES}
    codes = [code for part in written for code in part.split(',') if code]
    if not codes:
        raise InvalidArgumentValueError(f'{option} names no rule.', 'All codes: az aks lb list-rules -o table.')
    for code in codes:
        if code.lower() not in known:
            nearest = difflib.get_close_matches(code.lower(), known, 1, 0)
            raise InvalidArgumentValueError(f"{option}: '{code}' is no code of a rule.",
                                            f'The nearest is {known[nearest[0]]}; all: az aks lb list-rules -o table.')
    return tuple(known[code.lower()] for code in codes)


def validate_offset(namespace: Any) -> None:
    """`--offset`, written as in `az monitor metrics list`, becomes a timedelta."""
    if namespace.offset and namespace.from_file:
        logger.warning('--offset is passed over: a file brings the metrics that were saved with it.')
    written = namespace.offset or DEFAULT_OFFSET
    found = _OFFSET.match(written)
    offset = timedelta(**{unit: int(number) for unit, number in found.groupdict('0').items()}) if found else None
    if offset is None:
        raise InvalidArgumentValueError(f"--offset: '{written}' is no length of time.",
                                        'Give days, hours and minutes, for example 7d, 36h or 1d12h.')
    if not timedelta(hours=1) <= offset <= timedelta(days=30):
        raise InvalidArgumentValueError(f"--offset: '{written}' is out of range.", 'It goes from 1h to 30d.')
    namespace.offset = offset


def _validate_source(namespace: Any, without_cluster: Optional[str] = None, takes_both: bool = False) -> None:
    """Exactly one of a cluster and a file, of which a name alone picks a cluster; both where `takes_both` (a cluster,
    and code for it), or neither where `without_cluster` is given."""
    _validate_ids(namespace)
    _validate_paths(namespace)
    group = namespace.resource_group_name
    if getattr(group, 'is_default', None) and (namespace.from_file or not namespace.name):
        group = namespace.resource_group_name = None  # a group that the CLI fills in names no cluster
    if namespace.from_file and not (takes_both and namespace.name and group):
        _validate_file_alone(namespace, group)
    elif namespace.name or group:
        _validate_names(namespace)
    else:
        _validate_absence(namespace, without_cluster)


def _validate_paths(namespace: Any) -> None:
    """Files that are read and written, and what belongs to them."""
    for option, path in (('--from-file', namespace.from_file), ('--save-to', namespace.save_to)):
        if path == '':
            raise InvalidArgumentValueError(f'{option} names no file.', 'Give the path of a file.')
    if namespace.save_to == '-':
        raise InvalidArgumentValueError('--save-to takes a file, not standard output: the result goes there.',
                                        "Give the path of a file; one that is called '-' is './-'.")
    if namespace.anonymize and not namespace.save_to:
        raise RequiredArgumentMissingError('--anonymize is about the file that --save-to writes, and none is named.',
                                           'Add --save-to FILE, or leave it out.')
    if namespace.parameters and not namespace.from_file:
        raise RequiredArgumentMissingError('--parameters is about a template, and none is named.',
                                           'Add --from-file FILE, or leave it out.')


def _validate_file_alone(namespace: Any, group: Optional[str]) -> None:
    """A file holds the cluster, and nothing is read that could be saved."""
    if group:
        named = 'cluster' if namespace.name else 'resource group'
        raise MutuallyExclusiveArgumentError(
            f'A {named} and a file are both named.', 'Give either --resource-group and --name (or --ids), or '
            '--from-file; --name without a resource group picks a cluster of the file.')
    if namespace.name:
        _validate_name(namespace)
    if namespace.save_to:
        raise MutuallyExclusiveArgumentError('--save-to saves what was read from Azure, but --from-file reads nothing '
                                             'from there.', 'Leave one of them out.')


def _validate_absence(namespace: Any, without_cluster: Optional[str]) -> None:
    if without_cluster is None:
        raise RequiredArgumentMissingError('No cluster is named.', _NAME_A_CLUSTER)
    if getattr(namespace, without_cluster) is None:
        raise RequiredArgumentMissingError(
            'No cluster is named.', _NAME_A_CLUSTER + ' For a cluster that is not there yet give --node-count.')
    if namespace.save_to:
        raise ArgumentUsageError('--save-to needs a cluster to read.', _NAME_A_CLUSTER)


def _validate_names(namespace: Any) -> None:
    if not namespace.name:
        raise RequiredArgumentMissingError('A resource group is named, but no cluster.', _NAME_A_CLUSTER)
    if not namespace.resource_group_name:
        raise RequiredArgumentMissingError('A cluster is named, but no resource group.', _NAME_A_CLUSTER)
    _validate_name(namespace)
    if not is_group_name(namespace.resource_group_name):
        raise _no_group(namespace)


def _validate_name(namespace: Any) -> None:
    if not is_cluster_name(namespace.name):
        raise InvalidArgumentValueError(
            f"{_name(namespace, 'name')}: '{namespace.name}' is no name of a managed cluster.",
            'It has 1 to 63 letters, digits, hyphens and underscores, and starts and ends with a letter or digit.')


def _no_group(namespace: Any) -> InvalidArgumentValueError:
    return InvalidArgumentValueError(
        f"{_name(namespace, 'resource_group_name')}: '{namespace.resource_group_name}' is no name of a resource group.",
        'It has 1 to 90 letters, digits, hyphens, underscores, periods and parentheses, and no period at the end.')


def _validate_ids(namespace: Any) -> None:
    """The CLI takes the last segment of any id as the name: an id of another type would read the wrong thing."""
    ids = getattr(namespace, '_ids', None) or []
    for resource_id in ids:
        if parse_id(resource_id, CLUSTER_TYPE) is None:
            raise InvalidArgumentValueError(
                f"--ids: '{resource_id}' is no id of a managed cluster.",
                'It looks like /subscriptions/.../resourceGroups/.../providers/Microsoft.ContainerService/'
                'managedClusters/NAME.')
    if len(ids) > 1 and namespace.save_to:
        raise ArgumentUsageError('--save-to takes one cluster at a time.', 'Give one id.')


def _validate_load_balancer(namespace: Any) -> None:
    _validate_one_ip_option(namespace)
    _validate_multiple(namespace)
    namespace.outbound_ips = _resource_ids(namespace, 'outbound_ips', PUBLIC_IPS)
    if len(namespace.outbound_ips or ()) > snat.MAX_FRONTENDS:
        raise InvalidArgumentValueError(
            f"{_name(namespace, 'outbound_ips')}: {len(namespace.outbound_ips)} ids, but a load balancer takes at most "
            f'{snat.MAX_FRONTENDS} frontends.', f"Use prefixes: {FLAGS['outbound_ip_prefixes']}.")
    namespace.outbound_ip_prefixes = _resource_ids(namespace, 'outbound_ip_prefixes', PREFIXES)


def _validate_one_ip_option(namespace: Any) -> None:
    kinds = (('managed_outbound_ip_count', 'managed_outbound_ipv6_count'), ('outbound_ips',), ('outbound_ip_prefixes',))
    given = [_name(namespace, fields[0]) for fields in
             ([field for field in kind if getattr(namespace, field) is not None] for kind in kinds) if fields]
    if len(given) > 1:
        raise MutuallyExclusiveArgumentError(
            f"{' and '.join(given)} exclude each other: a load balancer has one kind of outbound IPs at a time.",
            'Give one of them.')


def _validate_multiple(namespace: Any) -> None:
    """As `az aks` does: the multiple of 8 first, then the range (AZURE-FACTS section 1)."""
    for ports in map(int, _each(namespace.outbound_ports)):
        if ports % snat.PORT_BLOCK:
            raise InvalidArgumentValueError(
                f"{_name(namespace, 'outbound_ports')}: {ports} is no multiple of {snat.PORT_BLOCK}.",
                f'The nearest are {max(0, snat.floor8(ports))} and {max(0, snat.ceil8(ports))}.')


def _validate_sizes(namespace: Any) -> None:
    """A row for each of several values: of one option, and not too many."""
    listed = [name for name in SEVERAL if isinstance(getattr(namespace, name), tuple)]
    if len(listed) > 1:
        raise MutuallyExclusiveArgumentError(
            f"{' and '.join(_name(namespace, name) for name in listed)} both name several values.",
            'Give several values of one of them, and one of the other.')
    for name in listed:
        count = len(getattr(namespace, name))
        if count > MOST_SIZES:
            raise InvalidArgumentValueError(
                f'{_name(namespace, name)}: {count} values, but at most {MOST_SIZES} are taken.', 'Give fewer of them.')


def _each(typed: _Typed) -> Tuple[float, ...]:
    """The values of an option that takes one or several; none where it was not given."""
    return () if typed is None else typed if isinstance(typed, tuple) else (typed,)


def _check_ranges(namespace: Any, command: str) -> None:
    """Numbers within what the table of options says."""
    for option in COMMANDS[command]:
        if option.range is not None:
            _in_range(namespace, option.name, option.range)


def _in_range(namespace: Any, name: str, allowed: Range) -> None:
    for value in _each(getattr(namespace, name)):
        if not allowed.lowest <= value <= allowed.highest:
            raise InvalidArgumentValueError(
                f'{_name(namespace, name)}: {value} is out of range.',
                f'It goes from {allowed.lowest} to {allowed.highest} {allowed.unit}'.rstrip() + '.')


def _resource_ids(namespace: Any, name: str, kind: str) -> Optional[Tuple[ArmId, ...]]:
    """The ids of a comma-separated list, each once; None where the option was not given."""
    written, option = getattr(namespace, name), _name(namespace, name)
    if written is None:
        return None
    ids = []
    example = (f'It looks like /subscriptions/.../resourceGroups/.../providers/Microsoft.Network/{kind}/NAME; several '
               'are separated by commas.')
    for typed in written.split(','):
        resource_id = parse_id(typed.strip(), f'microsoft.network/{kind.lower()}')
        if resource_id is None:
            raise InvalidArgumentValueError(f"{option}: '{typed.strip()}' is no id of one of the {kind}.", example)
        ids.append(resource_id)
    if len({resource_id.lower() for resource_id in ids}) < len(ids):
        raise InvalidArgumentValueError(f'{option} names an id twice.', 'Name each id once.')
    return tuple(ids)


def _validate_scale(namespace: Any) -> None:
    if not (namespace.name or namespace.from_file):  # a new cluster has a node
        _in_range(namespace, 'node_count', Range(1, 10 ** 6))
    for max_count in _each(namespace.max_count):
        if namespace.node_count is not None and max_count < namespace.node_count:
            raise InvalidArgumentValueError(
                f"--max-count {max_count} is below {_name(namespace, 'node_count')} {namespace.node_count}.",
                'The maximum counts the nodes of now, too.')
    if namespace.max_surge is not None and not _SURGE.match(namespace.max_surge):
        raise InvalidArgumentValueError(f"--max-surge: '{namespace.max_surge}' is neither a number nor a percentage.",
                                        'Give for example 3 or 33%.')
    _validate_version(namespace)


def _validate_version(namespace: Any) -> None:
    if namespace.kubernetes_version is not None and not _VERSION.match(namespace.kubernetes_version):
        raise InvalidArgumentValueError(
            f"{_name(namespace, 'kubernetes_version')}: '{namespace.kubernetes_version}' is no version.",
            'Give for example 1.32 or 1.32.6.')
