# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The only way to an answer: what was read and what was typed, to one decision, from which every command prints."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any, Dict, Optional, Tuple, Union

from ..facts import snat
from ..facts.clusters import DEFAULT_MANAGED_OUTBOUND_IP_COUNT
from ..model.cluster import Cluster
from ..model.network import LoadBalancer
from ..model.observed import Observed
from ..options import Options, Scale
from . import pool_types, solver, steps
from .aim import Aim, aim_of, is_busy, less_kept, ports_now, unmet_trigger
from .columns import (Configuration, Settings, apply, changed, elsewhere, evaluate, in_force, settings_of,
                      shared_rule_blocks, without_addresses)
from .egress import Egress, egress_of
from .new_addresses import NewAddress
from .nodes import Nodes, count_nodes, count_new_nodes
from .outcome import NoCommand, Reason, Update
from .own_addresses import OwnAddress, judge_own_addresses

if TYPE_CHECKING:
    from ..demand import Demand

#: Ports per node of a new cluster where nothing was typed: what the smallest tier gives.
DEFAULT_PORTS = 1024


@dataclass(frozen=True)
class Decision:  # pylint: disable=too-many-instance-attributes  # a record
    """What was found and what follows from it.

    `demand` is None where it was not asked for. `current` is what is in force, None for a new cluster; `requested` is
    that with exactly the typed options, `proposed` the smallest completion that fits; both are None where egress takes
    another way than a Standard load balancer. Of code `requested` is what it makes, with the typed options. `egress` is
    where packets really leave. `outcome` is what to run, or why nothing.
    """

    observed: Observed
    options: Options
    egress: Egress
    nodes: Nodes
    demand: Optional[Demand]
    current: Optional[Configuration]
    requested: Optional[Configuration]
    proposed: Optional[Configuration]
    own_addresses: Tuple[OwnAddress, ...]
    new_addresses: Tuple[NewAddress, ...]
    outcome: Union[Update, NoCommand]

    @property
    def cluster(self) -> Optional[Cluster]:
        """The cluster; None for one that does not exist yet."""
        return self.observed.cluster

    @property
    def applicable(self) -> bool:
        """Whether SNAT ports of a Standard Load Balancer are what this is about."""
        return self.cluster is None or self.cluster.on_standard_load_balancer

    @property
    def asked(self) -> Configuration:
        """The column that the user asked about: what code or typed load balancer options would make, else what is in
        force; for a new cluster without any what is proposed."""
        wanted = self.options.change.anything or self.observed.origin is not None
        columns = (self.requested if wanted else None, self.current, self.proposed)
        return next(column for column in columns if column is not None)

    @property
    def reason(self) -> Optional[Reason]:
        """Why there is no line; None where there is one."""
        return self.outcome.reason if isinstance(self.outcome, NoCommand) else None

    @property
    def leads_to(self) -> Optional[Configuration]:
        """The column that comes of it: what code makes, else what the line makes; None where there is neither."""
        if self.observed.origin is not None:
            return self.requested
        return None if self.command is None else self.proposed

    @property
    def base(self) -> Optional[Configuration]:
        """What a change starts from: what code makes, else what is in force."""
        return self.requested if self.observed.origin is not None else self.current

    @property
    def flags(self) -> Tuple[str, ...]:
        """The load balancer options that change, in argv form; empty where there is no line."""
        return self.outcome.flags if isinstance(self.outcome, Update) else ()

    @cached_property
    def commands(self) -> Tuple[str, ...]:
        """The lines to run in their order, shell-quoted; empty where there is none, so that nothing runs alone."""
        return tuple(step.line for step in self.outcome.steps) if isinstance(self.outcome, Update) else ()

    @property
    def command(self) -> Optional[str]:
        """The line that changes the cluster; None where there is none."""
        return self.commands[-1] if self.commands else None

    @property
    def prerequisites(self) -> Tuple[str, ...]:
        """The lines before it, which make the public IPs that it names."""
        return self.commands[:-1]

    @property
    def profile(self) -> Optional[Dict[str, Any]]:
        """The proposed `loadBalancerProfile` in ARM's spelling; None where nothing is proposed, and where own addresses
        have to be mended first: a profile without them would take them away."""
        settings = self.proposed.settings if self.proposed else None
        return None if settings is None or self.reason is Reason.ADDRESS_UNUSABLE else steps.profile(settings)

    @cached_property
    def reconciling_line(self) -> Optional[str]:
        """The line after which the load balancer is in step with the profile: the decision's own, or an update without
        options. None where AKS would refuse that, where it would cut what the load balancer has beyond the profile, or
        where an operation runs that will do it by itself."""
        if self.command is not None:
            return self.command
        cluster = self.cluster
        if cluster is None or self.reason is not Reason.NOTHING_TO_DO or not _may_reconcile(self):
            return None
        if is_busy(cluster) or cluster.stopped or not cluster.is_named:
            return None
        return steps.update(cluster, ['--yes']).line

    @property
    def demanded_ports(self) -> Optional[int]:
        """The proposed ports per node where it is the measured demand that asks for others than today's; else None."""
        settings = self.proposed.settings if self.proposed else None
        typed = self.options.change.outbound_ports is not None
        if self.current is None or settings is None or settings.automatic or typed:
            return None
        fewer = settings.outbound_ports < (ports_now(self.observed, self.current, self.demand) or 0)
        return settings.outbound_ports if fewer or self.unmet_trigger is not None else None

    @property
    def unmet_trigger(self) -> Optional[int]:
        """Ports per node that the measured demand takes, where nodes have fewer; None where they do not."""
        if self.current is None:
            return None
        return unmet_trigger(self.observed, self.current, self.demand, self.options.headroom)


def decide(observed: Observed, options: Options = Options()) -> Decision:
    """Decide for one cluster. Without a cluster in `observed`, `options.scale.node_count` must be given."""
    return decide_with(observed, options, _measured(observed) if options.measure and observed.cluster else None)


def decide_again(decision: Decision, options: Options) -> Decision:
    """The decision that other `options` would have brought; what was measured is not measured again."""
    return decide_with(decision.observed, options, decision.demand if options.measure else None)


def decide_with(observed: Observed, options: Options, demand: Optional[Demand]) -> Decision:
    """The same with a demand that was measured before; None for none."""
    if observed.cluster is None:
        return _decide_for_new(observed, options)
    cluster = observed.cluster
    if observed.origin is not None:
        return _decide_for_code(observed, cluster, options, demand)
    nodes = count_nodes(cluster, options.scale, _members(observed))
    current = in_force(observed, cluster, nodes)
    if current.settings is None:
        decision = Decision(observed, options, egress_of(observed), nodes, demand, current, None, None, (), (),
                            NoCommand(Reason.OTHER_EGRESS))
        return _with_pool_type(decision, cluster, current)
    requested = changed(current, apply(current.settings, options.change, observed), cluster)
    return _unless_bypassed(_Deciding(observed, options, demand, current, requested).decision())


def _unless_bypassed(decision: Decision) -> Decision:
    """`decision`, without a line where it would only size a load balancer that no packet goes through. What makes Azure
    refuse the next update is still mended, and what was typed is still answered."""
    if not decision.egress.bypassed or decision.options.change.anything or decision.asked.fits is False or \
            decision.reason is Reason.ADDRESS_UNUSABLE:
        return decision
    return replace(decision, proposed=None, new_addresses=(), outcome=NoCommand(Reason.OTHER_EGRESS))


def _with_pool_type(decision: Decision, cluster: Cluster, start: Configuration) -> Decision:
    """`decision` on a cluster whose egress takes another way, with the backend pool type that was typed; `start` is
    what the change starts from."""
    wanted = decision.options.change.backend_pool_type
    reason = pool_types.why_no_line(cluster, start.backend_pool_type, wanted)
    if reason is None:
        return decision
    return replace(decision, requested=start._replace(inbound_pool_type=wanted), outcome=NoCommand(reason))


def _members(observed: Observed) -> Optional[int]:
    """Live IPv4 members of the outbound backend pool, where it was read."""
    pool = observed.load_balancer.backend_pool if observed.load_balancer else None
    return pool.ipv4_members if pool else None


def _decide_for_code(observed: Observed, cluster: Cluster, options: Options, demand: Optional[Demand]) -> Decision:
    """A cluster as code describes it: `current` is what the code starts from, None where that is not known or nothing,
    and `requested` what it makes. What is proposed is to be changed in the code."""
    before, members = observed.before, _members(observed)
    current = in_force(observed, before, count_nodes(before, Scale(), members)) if before else None
    nodes = count_nodes(cluster, options.scale, members)
    if not cluster.on_standard_load_balancer:
        made = elsewhere(cluster, nodes)
        reason = Reason.OTHER_EGRESS if cluster.egress_known else Reason.UNKNOWN_SETTINGS
        decision = Decision(observed, options, egress_of(observed), nodes, demand, current, made, None, (), (),
                            NoCommand(reason))
        return _with_pool_type(decision, cluster, made)
    made = evaluate(settings_of(observed, cluster), nodes, cluster, shared_rule_blocks(observed))
    requested = changed(made, apply(made.settings or Settings(), options.change, observed), cluster)
    return replace(_Deciding(observed, options, demand, made, requested).decision(), current=current)


def _decide_for_new(observed: Observed, options: Options) -> Decision:
    """A cluster that does not exist yet: the largest allocation that typed IPs give, else 1024 ports per node."""
    nodes = count_new_nodes(options.scale)
    default = Settings(managed_outbound_ip_count=DEFAULT_MANAGED_OUTBOUND_IP_COUNT, managed_outbound_ipv6_count=0,
                       outbound_ip_count=1)
    requested = evaluate(apply(default, options.change, observed), nodes)
    return _Deciding(observed, options, None, None, requested).decision()


def _measured(observed: Observed) -> Demand:
    from ..demand import measure_observed  # `show` and `plan` shall not pay for it
    return measure_observed(observed)


class _Deciding:  # pylint: disable=too-few-public-methods  # the state of one decision
    """One decision about a Standard load balancer, on the way from what was asked to what is proposed."""

    def __init__(self, observed: Observed, options: Options, demand: Optional[Demand],
                 current: Optional[Configuration], requested: Configuration):
        self._observed = observed
        self._options = options
        self._demand = demand
        self._current = current
        self._requested = requested
        self._asked = requested.settings or Settings()
        self._blocks = current.shared_rule_blocks if current else shared_rule_blocks(observed)

    def decision(self) -> Decision:
        """What comes out."""
        own = self._own_addresses()
        asked_ids = {resource_id.lower() for resource_id in self._asked.own_ids}
        unusable: Tuple[str, ...] = tuple(one.id for one in own if one.id.lower() in asked_ids and not one.usable)
        unusable += self._asked.malformed_own_ids
        if unusable:  # nothing is counted on, made or printed until they are replaced
            solution = solver.Solution(without_addresses(self._asked, unusable), obstacle=Reason.ADDRESS_UNUSABLE)
        elif self._unmet():
            solution = solver.Solution(self._asked, obstacle=Reason.CONDITIONS_NOT_MET)
        else:
            solution = self._solve()
        outcome = self._outcome(solution, unusable)
        proposed = self._column(solution.settings)
        proposed = proposed._replace(fits=_truth(proposed, outcome))
        return Decision(self._observed, self._options, egress_of(self._observed), self._requested.nodes, self._demand,
                        self._current, self._requested, proposed, own,
                        solution.new_addresses if _is_change(outcome) else (), outcome)

    def _unmet(self) -> bool:
        """Whether the backend pool type that was typed takes more than the cluster has."""
        cluster, before = self._observed.cluster, self._current.backend_pool_type if self._current else None
        return cluster is not None and bool(pool_types.unmet(cluster, before, self._asked.backend_pool_type))

    def _own_addresses(self) -> Tuple[OwnAddress, ...]:
        """Those of the profile, and those that were typed."""
        before = self._current.settings.own_ids if self._current and self._current.settings else ()
        ids = {resource_id.lower(): resource_id for resource_id in before + self._asked.own_ids}
        return judge_own_addresses(self._observed, ids.values())

    def _solve(self) -> solver.Solution:
        if not self._asked.ports_known or 'outbound_ip_count' in self._asked.unknown and not self._asked.automatic:
            return solver.Solution(self._asked, obstacle=Reason.UNKNOWN_SETTINGS)
        aim = self._aim()
        solution = solver.complete(self._problem(aim.settings), aim)
        if aim.over_limit and solution.obstacle is None:
            solution = solution._replace(obstacle=Reason.INFEASIBLE, beyond_a_node=True)
        if not aim.kept or solution.obstacle is None or not self._options.change.anything or self._current is None:
            return solution
        # What nodes have is kept where that fits what was typed; a finding says so where it does not.
        for ports in less_kept(self._current, self._asked):
            less = Aim(aim.settings._replace(outbound_ports=ports))
            found = solver.complete(self._problem(less.settings), less)
            if found.obstacle is None:
                return found
        return solution

    def _aim(self) -> Aim:
        if self._current is not None:
            return aim_of(self._observed, self._options, self._current, self._asked, self._demand)
        if self._options.change.outbound_ports is not None:
            return Aim(self._asked)
        ips, nodes = self._asked.outbound_ip_count, self._requested.nodes
        fitting = snat.largest_ports(ips, nodes.required) if self._options.change.ipv4 and ips else 0
        return Aim(self._asked._replace(outbound_ports=fitting or DEFAULT_PORTS))

    def _problem(self, settings: Settings) -> solver.Problem:
        before = self._current.settings if self._current else None
        changes = before is None or settings.outbound_ports != before.outbound_ports or settings.ips != before.ips
        ports = self._current.ports_per_node if self._current else None
        return solver.Problem(self._observed, self._options, self._requested.nodes, self._blocks, ports or 0, changes)

    def _column(self, settings: Settings) -> Configuration:
        if settings == self._requested.settings:  # the arithmetic of what is asked for is known
            return self._requested
        if self._current is not None and self._observed.cluster is not None:
            return changed(self._current, settings, self._observed.cluster)
        return evaluate(settings, self._requested.nodes)

    def _outcome(self, solution: solver.Solution, unusable: Tuple[str, ...]) -> Union[Update, NoCommand]:
        settings = solution.settings
        if solution.obstacle is not None:
            problem = self._problem(settings)
            needed = None if settings.automatic else solver.ips_needed(problem, settings)
            return NoCommand(solution.obstacle, needed, solver.fitting_ports(problem, settings), unusable,
                             beyond_a_node=solution.beyond_a_node)
        cluster = self._observed.cluster
        before = self._current.settings if self._current else None
        argv = steps.changed_options(before, settings, cluster is not None and cluster.dual_stack)
        if not argv:
            known = settings.automatic or settings.outbound_ip_count is not None
            if not self._requested.nodes.most_known:
                return NoCommand(Reason.UNKNOWN_SETTINGS)
            return NoCommand(Reason.NOTHING_TO_DO if known else Reason.UNKNOWN_IP_COUNT)
        if self._observed.origin is not None:
            return NoCommand(Reason.MANAGED_BY_CODE, options=argv)
        if cluster is not None and not cluster.is_named:
            return NoCommand(Reason.UNKNOWN_CLUSTER, options=argv)
        last = (steps.create(self._requested.nodes, self._options.scale, settings, argv) if cluster is None else
                steps.update(cluster, argv))
        return Update(argv, (*map(steps.make, solution.new_addresses), last))


def _is_change(outcome: Union[Update, NoCommand]) -> bool:
    """Whether something is to be set, by a line or in code."""
    return isinstance(outcome, Update) or outcome.reason is Reason.MANAGED_BY_CODE


#: Reasons after which it is not known whether what is proposed fits.
_UNDECIDED = (Reason.UNKNOWN_IP_COUNT, Reason.UNKNOWN_CLUSTER, Reason.UNKNOWN_SETTINGS)


def _truth(proposed: Configuration, outcome: Union[Update, NoCommand]) -> Optional[bool]:
    """`fits` of what is proposed: true only where it holds at `nodes.required` too, and there is a line for it or
    nothing to do."""
    if isinstance(outcome, NoCommand) and outcome.reason is not Reason.NOTHING_TO_DO:
        if outcome.reason is Reason.MANAGED_BY_CODE:
            return proposed.carries_required
        return None if outcome.reason in _UNDECIDED else False
    return proposed.carries_required


def _may_reconcile(decision: Decision) -> bool:
    """Whether AKS takes the profile as it is and setting it cuts nothing: the load balancer has no more ports per node,
    no longer idle timeout and no other IPs than the profile."""
    current, balancer, cluster = decision.current, decision.observed.load_balancer, decision.cluster
    if current is None or current.settings is None or current.fits is not True or cluster is None:
        return False
    rule = balancer.outbound_rule if balancer else None
    if balancer is None or rule is None:
        return True
    settings = current.settings
    ports = settings.outbound_ports or snat.automatic_ports(current.nodes.today, settings.frontends) or 0
    return ((current.ports_per_node or 0) <= ports and
            (rule.idle_timeout_in_minutes or 0) <= settings.idle_timeout_in_minutes and
            not _has_unknown_ips(balancer, cluster))


def _has_unknown_ips(balancer: LoadBalancer, cluster: Cluster) -> bool:
    """Whether traffic leaves by IPs that the profile does not call effective."""
    known = {resource_id.lower() for resource_id in cluster.profile.effective_ids}
    used = {(frontend.public_ip_id or frontend.prefix_id or '').lower() for frontend in balancer.outbound_frontends}
    return bool(known) and not used - {''} <= known
