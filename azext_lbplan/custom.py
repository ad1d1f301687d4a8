# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The handlers: read, decide, present. They return data and never print.

What only one command needs is imported by its handler: `show` and `plan` shall not pay for the others.
"""

from dataclasses import replace
from typing import NamedTuple, Optional

from azure.cli.core.azclierror import InvalidArgumentValueError
from knack.log import get_logger

from .views import results
from ._outcome import Outcome, check_hints, fleet_hints, plan_hints
from .model.cluster import LOAD_BALANCER
from .model.finding import ERROR, WARNING
from .model.observed import Observed, parse_observed
from .model.outbound import Scale, Wanted
from .readers import cluster as cluster_reader
from .readers import snapshot
from .decision.sizing import current_case, plan

logger = get_logger(__name__)


class _Source(NamedTuple):
    """Where a cluster is read from, and where what was read is kept."""

    resource_group: Optional[str]
    name: Optional[str]
    from_file: Optional[str]
    save_to: Optional[str]
    overwrite: bool


def lb_show(cmd, *, resource_group_name=None, name=None, from_file=None, save_to=None, overwrite_existing=False):
    """What is in force."""
    outcome = Outcome.start(cmd.cli_ctx)
    observed = _observe(cmd.cli_ctx, _Source(resource_group_name, name, from_file, save_to, overwrite_existing))
    return outcome.finish(results.show(current_case(observed, Scale())))


def lb_plan(cmd, *, resource_group_name=None, name=None, from_file=None, save_to=None, overwrite_existing=False,
            managed_outbound_ip_count=None, managed_outbound_ipv6_count=None, outbound_ips=None,
            outbound_ip_prefixes=None, outbound_ports=None, idle_timeout=None, backend_pool_type=None,
            node_count=None, max_count=None, max_surge=None, kubernetes_version=None, allow_decrease=False,
            fail_on=None):
    """What if."""
    outcome = Outcome.start(cmd.cli_ctx, fail_on)
    wanted = Wanted(managed_outbound_ip_count, managed_outbound_ipv6_count, outbound_ips, outbound_ip_prefixes,
                    outbound_ports, idle_timeout, backend_pool_type)
    scale = Scale(node_count, max_count, max_surge, kubernetes_version)
    observed = _observe(cmd.cli_ctx, _Source(resource_group_name, name, from_file, save_to, overwrite_existing),
                        wanted)
    result = results.plan(plan(observed, scale, wanted, bool(allow_decrease)))
    return outcome.finish(result, result['findings'], fail_on, plan_hints(result))


def lb_recommend(cmd, *, resource_group_name=None, name=None, from_file=None, save_to=None, overwrite_existing=False,
                 managed_outbound_ip_count=None, managed_outbound_ipv6_count=None, outbound_ips=None,
                 outbound_ip_prefixes=None, outbound_ports=None, idle_timeout=None, backend_pool_type=None,
                 node_count=None, max_count=None, max_surge=None, kubernetes_version=None, allow_decrease=False,
                 offset=None, headroom=None):
    """What should I set."""
    from .decision.recommend import recommend
    outcome = Outcome.start(cmd.cli_ctx)
    wanted = Wanted(managed_outbound_ip_count, managed_outbound_ipv6_count, outbound_ips, outbound_ip_prefixes,
                    outbound_ports, idle_timeout, backend_pool_type)
    observed = _observe(cmd.cli_ctx, _Source(resource_group_name, name, from_file, save_to, overwrite_existing),
                        wanted, offset)
    result = results.recommend(recommend(
        observed, _measure(observed), Scale(node_count, max_count, max_surge, kubernetes_version), wanted,
        bool(allow_decrease), headroom=headroom))
    return outcome.finish(result, hints=plan_hints(result))


def lb_check(cmd, *, resource_group_name=None, name=None, from_file=None, save_to=None, overwrite_existing=False,
             offset=None, rules=None, skip_rules=None, fail_on=None):
    """What is wrong or risky."""
    outcome = Outcome.start(cmd.cli_ctx, fail_on)
    observed = _observe(cmd.cli_ctx, _Source(resource_group_name, name, from_file, save_to, overwrite_existing),
                        offset=offset)
    case = replace(plan(observed, Scale(), Wanted()), demand=_measure(observed))
    result = results.check(case, rules, skip_rules or ())
    return outcome.finish(result, result['findings'], fail_on, check_hints(result))


def lb_list(cmd, *, resource_group_name=None, subscriptions=None, all_subscriptions=False, management_groups=None,
            from_file=None, top=None, with_metrics=False, fail_on=None):
    """The fleet, the riskiest first."""
    from .views import fleet
    from .readers.fleet import FleetReader, scopes_of
    from .readers.fleet_file import FleetFile
    from .readers.fleet_metrics import FleetMetrics
    outcome = Outcome.start(cmd.cli_ctx, fail_on)
    if from_file:
        reader = FleetFile(from_file, resource_group_name)
    else:
        scopes = scopes_of(cmd.cli_ctx, subscriptions, all_subscriptions, management_groups or ())
        reader = FleetReader(cmd.cli_ctx, scopes, resource_group_name)
    clusters, rows, notes = [], [], []
    for observed in reader.read():
        rows.append(fleet.row(observed))
        clusters += [observed.cluster] if with_metrics else []
    if with_metrics:
        metrics = FleetMetrics(cmd.cli_ctx)
        rows, notes = fleet.with_peaks(rows, metrics.measure(clusters)), metrics.notes
    rows = fleet.riskiest_first(rows)
    for line in reader.gaps + notes:
        logger.warning(line)
    # A cluster that could not be read may be the one to fail for (design section 1).
    found = fleet.severities(rows) + (({'severity': ERROR},) if reader.lost_clusters else ())
    return outcome.finish(rows[:top], found, fail_on, fleet_hints(rows, top, live=not from_file))


def lb_check_service(cmd, *, filename, recursive=False, from_file=None, fail_on=None):
    """What is wrong with manifests of Services."""
    from .rules.service import check_manifests, context_of, summary
    from .readers.manifests import read_manifests
    outcome = Outcome.start(cmd.cli_ctx, fail_on)
    context = context_of(parse_observed(snapshot.load(from_file))) if from_file else None
    check = check_manifests(read_manifests(filename, recursive), context)
    result = results.check_service(check)
    findings = [finding for service in result for finding in service['findings']]
    return outcome.finish(result, findings, fail_on, [(WARNING, summary(check))])


def _observe(cli_ctx, source, wanted=Wanted(), offset=None) -> Observed:
    """What a file holds or Azure answers, with `offset` metrics too; without a cluster only the public IPs and prefixes
    that were typed."""
    typed = (wanted.outbound_ips or ()) + (wanted.outbound_ip_prefixes or ())
    if source.from_file:
        observed = parse_observed(snapshot.load(source.from_file))
    elif source.name:
        observed = parse_observed(_capture(cli_ctx, source, typed, offset))
    else:
        observed = parse_observed(cluster_reader.capture_addresses(cli_ctx, typed))
    _check_applicable(observed.cluster, wanted)
    return observed


def _measure(observed):
    from .demand.observed import measure_observed
    return measure_observed(observed)


def _capture(cli_ctx, source, typed, offset):
    if source.save_to:
        snapshot.check_target(source.save_to, source.overwrite)
    captured = cluster_reader.capture(cli_ctx, source.resource_group, source.name, typed, offset)
    if source.save_to:
        snapshot.save(source.save_to, captured, source.overwrite)
    return captured


def _check_applicable(cluster, wanted):
    """`az aks update` refuses load balancer options where egress takes another way (azure-facts section 1)."""
    if cluster is None or not wanted.anything_typed:
        return
    if not cluster.on_standard_load_balancer:
        way = (f'its outbound type is {cluster.outbound_type}' if cluster.outbound_type != LOAD_BALANCER else
               f'its load balancer is {cluster.load_balancer_sku}')
        raise InvalidArgumentValueError(
            f"Load balancer options do not apply to cluster '{cluster.name}': {way}.",
            'Leave them out, or see what applies there: az aks lb show.')
    if wanted.managed_outbound_ipv6_count is not None and not cluster.dual_stack:
        raise InvalidArgumentValueError(
            f"--load-balancer-managed-outbound-ipv6-count does not apply to cluster '{cluster.name}': it has no IPv6.",
            'Leave it out; only dual-stack clusters have outbound IPv6 addresses.')
