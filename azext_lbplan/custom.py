# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The handlers on clusters: read, decide, view. They return data and never print.

What only one command needs is imported by its handler: `show` and `plan` shall not pay for the others.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Callable, Dict, List, NamedTuple, Optional, Tuple, Union

from azure.cli.core.azclierror import InvalidArgumentValueError
from knack.log import get_logger

from . import _printed
from ._outcome import Handling
from ._reporting import check_target, reported
from .decision import Decision, decide
from .facts.clusters import LOAD_BALANCER, STANDARD
from .facts.ids import ArmId
from .inputs.found import NOTHING, Given
from .model.cluster import Cluster
from .model.finding import Finding
from .model.observed import Observed, parse_observed
from .options import FLAGS, Change, Source, Typed, takes, typed_name
from .readers import cluster as cluster_reader
from .readers import saving
from .rules.baseline import Comparison, compared
from .rules.cluster import check, codes_of, findings, planned
from .rules.engine import Report
from .views import hints, results, since
from .views.answer import Answer
from .views.endings import Hint, Judged

if TYPE_CHECKING:
    from .inputs.earlier import Past
    from .readers.fleet import FleetReader
    from .readers.fleet_file import FleetFile

logger = get_logger(__name__)

Result = Dict[str, Any]


class _Made(NamedTuple):
    """What a handler makes of one cluster: the answer, what `--fail-on` looks at, and the lines to run."""

    answer: Answer
    judged: List[Judged]
    lines: List[Hint]


def _finished(handling: Handling, typed: Typed, made: List[_Made]) -> Union[Result, List[Result]]:
    """The result of all clusters, which ends the handler."""
    return handling.finish(_one_or_all(reported(typed, [one.answer for one in made])),
                           [judged for one in made for judged in one.judged],
                           [line for one in made for line in one.lines])


@takes('show')
def lb_show(cmd: Any, typed: Typed) -> Union[Result, List[Result]]:
    """What is in force."""
    with Handling(cmd.cli_ctx, typed) as handling:
        return handling.finish(_one_or_all([results.show(decision) for decision in _decisions(cmd.cli_ctx, typed)]))


@takes('plan')
def lb_plan(cmd: Any, typed: Typed) -> Union[Result, List[Result]]:
    """What if."""
    with Handling(cmd.cli_ctx, typed) as handling:
        earlier = _earlier(typed, 'plan', planned)
        return _finished(handling, typed, [_planned(decision, typed, earlier) for decision in
                                           _decisions(cmd.cli_ctx, typed, gateways=False)])


def _planned(decision: Decision, typed: Typed, earlier: Optional[List[Past]]) -> _Made:
    """Of several sizes those are what was asked about, and there is no line for all of them."""
    report = planned(decision)
    found = report.said()
    if typed.sizes is None:
        became = _since(decision, found, report, earlier)
        return _Made(_answer(typed, 'plan', since.told(results.plan(decision, found), became), decision),
                     since.counting(hints.judged(decision, found), became),
                     [*since.hint(became), *hints.of_plan(decision, found)])
    from .decision.curve import curve
    from .views.curve import rows
    points = curve(decision, typed.sizes)
    return _Made(_answer(typed, 'plan', results.plan(decision, found, rows(points)), decision),
                 [one for point in points for one in hints.judged(point.decision, findings(point.decision))], [])


@takes('recommend')
def lb_recommend(cmd: Any, typed: Typed) -> Union[Result, List[Result]]:
    """What should I set."""
    with Handling(cmd.cli_ctx, typed) as handling:
        return _finished(handling, typed, [_recommended(decision, typed) for decision in
                                           _decisions(cmd.cli_ctx, typed)])


def _recommended(decision: Decision, typed: Typed) -> _Made:
    from .views.recommendation import recommend
    found, alerts = findings(decision), _alerts(decision, typed)
    return _Made(_answer(typed, 'recommend', {**recommend(decision, found), 'alerts': alerts}, decision),
                 hints.judged(decision, found), hints.of_plan(decision, found) + hints.of_alerts(decision, alerts))


@takes('check')
def lb_check(cmd: Any, typed: Typed) -> Union[Result, List[Result]]:
    """What is wrong or risky."""
    with Handling(cmd.cli_ctx, typed) as handling:
        earlier = _earlier(typed, 'check', partial(check, only=typed.rules, without=typed.skip_rules))
        return _finished(handling, typed, [_checked(decision, typed, earlier) for decision in
                                           _decisions(cmd.cli_ctx, typed, alerts=True)])


def _checked(decision: Decision, typed: Typed, earlier: Optional[List[Past]]) -> _Made:
    report, alerts = check(decision, typed.rules, typed.skip_rules), _alerts(decision, typed)
    became = _since(decision, report.findings, report, earlier, codes_of(typed.rules, typed.skip_rules))
    result = {**since.told(results.check(decision, report), became), 'alerts': alerts}
    return _Made(
        _answer(typed, 'check', result, decision), since.counting(hints.judged(decision, report.findings), became),
        [*since.hint(became), *hints.of_check(decision, report.findings), *hints.of_alerts(decision, alerts)])


def _earlier(typed: Typed, command: str, judge: Callable[[Decision], Report]) -> Optional[List[Past]]:
    """What was found on clusters at the time of the baseline; None without one. What holds no findings is asked again,
    as it was: with the scale that was typed, and without the load balancer options, which are what is new."""
    if typed.baseline is None:
        return None
    from .inputs.earlier import Past, names_of
    from .readers.baseline import read_clusters
    past, observed = read_clusters(typed.baseline, command)
    options = typed.options._replace(change=Change())
    return past + [Past(names_of(one), judge(decide(one, options)).findings) for one in observed]


def _since(decision: Decision, found: Tuple[Finding, ...], report: Report, earlier: Optional[List[Past]],
           asked: Optional[Tuple[str, ...]] = None) -> Optional[Comparison]:
    """What became of the findings on a cluster since then; `asked` are the codes of the rules, None for all."""
    if earlier is None:
        return None
    from .inputs.earlier import names_of, the_same
    past = the_same(names_of(decision.observed), earlier)
    if past is None:
        name = decision.cluster.name if decision.cluster else None
        logger.warning(_printed.line(f"The baseline does not hold {name or 'this cluster'}: whatever is found is new."))
    skipped = {rule.code for rule in report.skipped}
    return compared(since.places_of(found), since.places_of(past.findings if past else ()),
                    lambda place: place.finding.code not in skipped and (asked is None or place.finding.code in asked))


@takes('list')
def lb_list(cmd: Any, typed: Typed) -> List[Result]:
    """The fleet, the riskiest first."""
    from .demand import measure_fleet
    from .readers.fleet_metrics import FleetMetrics
    from .views import fleet
    with Handling(cmd.cli_ctx, typed) as handling:
        check_target(typed)
        reader = _fleet_reader(cmd.cli_ctx, typed)
        clusters, rows, notes = [], [], []
        for observed in reader.read():
            rows.append(fleet.row(decide(observed, typed.options)))
            clusters += [observed.cluster] if typed.with_metrics and observed.cluster else []
        if typed.with_metrics:
            metrics = FleetMetrics(cmd.cli_ctx)
            rows, notes = fleet.with_peaks(rows, measure_fleet(clusters, metrics.read(clusters))), metrics.notes
        rows = fleet.riskiest_first(rows)
        for line in reader.gaps + notes + ([] if rows else [fleet.NOTHING]):
            logger.warning(_printed.line(line))
        reported(typed, [_answer(typed, 'list', rows)])
        return handling.finish(rows[:typed.top], hints.judged_rows(rows, reader.lost_clusters),
                               hints.of_fleet(rows, typed.top, live=not typed.source.from_file))


def _fleet_reader(cli_ctx: Any, typed: Typed) -> Union[FleetFile, FleetReader]:
    from .readers import fleet, fleet_file
    source = typed.source
    if source.from_file:
        return fleet_file.FleetFile(source.from_file, source.resource_group)
    scopes = fleet.scopes_of(cli_ctx, typed.subscriptions, typed.all_subscriptions, typed.management_groups)
    return fleet.FleetReader(cli_ctx, scopes, source.resource_group)


@takes('list-rules')
def lb_list_rules(_cmd: Any, _typed: Typed) -> List[Result]:
    """What the rules look for."""
    from .views.rules import list_rules
    return list_rules()


def _answer(typed: Typed, command: str, result: Any, decision: Optional[Decision] = None) -> Answer:
    """A result with what a report needs beside it."""
    return Answer(command, result, decision, typed.source.from_file, typed.fail_on,
                  codes_of(typed.rules, typed.skip_rules) if command == 'check' else ())


def _alerts(decision: Decision, typed: Typed) -> Optional[List[Result]]:
    """The alert rules for the allocation in force; None where no action group was named."""
    if typed.action_group is None:
        return None
    from .views.alerts import alerts
    return alerts(decision, typed.action_group)


def _one_or_all(found: List[Result]) -> Union[Result, List[Result]]:
    """The result of the one cluster, or a list of all, as the CLI has it for several `--ids`."""
    return found[0] if len(found) == 1 else found


def _decisions(cli_ctx: Any, typed: Typed, gateways: bool = True, alerts: bool = False) -> List[Decision]:
    """The decision for each cluster that was named or that a file holds."""
    check_target(typed)
    observed = _observe(cli_ctx, typed, gateways, alerts)
    for one in observed:
        _check_applicable(cli_ctx, one, typed)
    return [decide(one, typed.options) for one in observed]


def _observe(cli_ctx: Any, typed: Typed, gateways: bool, alerts: bool) -> List[Observed]:
    """What a file holds or Azure answers, with the metrics where they are asked for, with the NAT gateways where
    packets leave by some, which takes a round trip more, and with the metric alerts; with the metrics the quotas of
    public IPs; without a cluster only the public IPs and prefixes that were typed."""
    source, change = typed.source, typed.options.change
    check_target(typed)
    ids = (change.outbound_ips or ()) + (change.outbound_ip_prefixes or ())
    if source.from_file and source.resource_group:
        return [_on_live(cli_ctx, typed)]
    if source.from_file:
        from .readers import snapshot
        return snapshot.load(source.from_file, _given(source), source.name)
    if not source.name:
        return [parse_observed(cluster_reader.capture_addresses(cli_ctx, ids))]
    extent = cluster_reader.Extent(typed.offset, gateways, alerts, quotas=typed.offset is not None)
    return [_capture(cli_ctx, source, ids, extent).observed()]


def _on_live(cli_ctx: Any, typed: Typed) -> Observed:
    """A cluster as it is, and what code would make of it."""
    from .inputs.code.overlay import on_live
    from .readers import snapshot
    source, change = typed.source, typed.options.change
    path, name = source.from_file or '', source.name or ''
    found = snapshot.the_one_of(path, snapshot.find(path, _given(source)), name)
    wanted = found.observed().cluster
    ids = (change.outbound_ips or ()) + (change.outbound_ip_prefixes or ()) + (wanted.profile.own_ids if wanted else ())
    live = _capture(cli_ctx, source, ids, cluster_reader.Extent(typed.offset))
    return on_live(found, live.snapshot).observed()._replace(metrics=live.metrics)


def _given(source: Source) -> Given:
    """What was given beside the file."""
    if not source.parameters:
        return NOTHING
    from .readers.parameters import read_parameters
    return Given(read_parameters(source.parameters))


def _capture(cli_ctx: Any, source: Source, ids: Tuple[ArmId, ...], extent: cluster_reader.Extent
             ) -> cluster_reader.Captured:
    if source.save_to:
        saving.check_target(source.save_to, source.overwrite)
    captured = cluster_reader.capture(cli_ctx, source.resource_group or '', source.name or '', ids,
                                      extent._replace(to_be_saved=bool(source.save_to)))
    if source.save_to:
        from .readers import snapshot
        saved = captured.snapshot
        if source.anonymize:
            from .inputs.anonymity import anonymized
            saved = anonymized(saved)
        snapshot.save(source.save_to, saved, source.overwrite)
    return captured


def _check_applicable(cli_ctx: Any, observed: Observed, typed: Typed) -> None:
    """`az aks update` refuses load balancer options where egress takes another way (AZURE-FACTS section 1)."""
    cluster, change = observed.cluster, typed.options.change
    of_sizes = typed.sizes is not None and typed.sizes.option in FLAGS
    if cluster is None or not (change.anything or of_sizes):
        return
    inbound_only = change == Change(backend_pool_type=change.backend_pool_type) and not of_sizes
    if not cluster.on_standard_load_balancer and not (inbound_only and _has_pool_type(cluster)):
        raise InvalidArgumentValueError(
            f"Load balancer options do not apply to cluster '{cluster.name}': {_way_out(cluster)}.",
            'Leave them out, or see what applies there: az aks lb show.')
    if change.managed_outbound_ipv6_count is not None and not cluster.dual_stack:
        option = typed_name('managed_outbound_ipv6_count', cli_ctx.data.get('safe_params') or ())
        raise InvalidArgumentValueError(
            f"{option} does not apply to cluster '{cluster.name}': it has no IPv6.",
            'Leave it out; only dual-stack clusters have outbound IPv6 addresses.')


def _has_pool_type(cluster: Cluster) -> bool:
    """Whether there is a backend pool type to set: it is inbound, and of Standard load balancers."""
    return cluster.egress_known and cluster.load_balancer_sku == STANDARD


def _way_out(cluster: Cluster) -> str:
    """Which way egress takes instead."""
    if not cluster.egress_known:
        return 'its outbound type is not known'
    if cluster.outbound_type != LOAD_BALANCER:
        return f'its outbound type is {cluster.outbound_type}'
    return f'its load balancer is {cluster.load_balancer_sku}'
