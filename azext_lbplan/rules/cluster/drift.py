# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Drift: where the cluster's profile and its load balancer disagree. The profile wins, at the next reconcile.

AKS makes the load balancer from the profile whenever it reconciles the cluster: on update, upgrade, scaling, stop and
start (AZURE-FACTS section 1 [D]; AKS issues 1673, 3288, 5634). What the load balancer has beyond the profile the
decision puts into the profile, so that no update cuts it; the rest any update sets right.
"""

from typing import Collection, Iterable, List, Optional, Sequence, Tuple

from ...decision import Reason
from ...decision.aim import is_busy
from ...facts import snat
from ...facts.clusters import MANAGED
from ...facts.ids import ArmId
from ...facts.links import OUTBOUND_RULES
from ...facts.networks import OUTBOUND_RULE_NAME
from ...model.cluster import Cluster
from ...model.finding import INFO, WARNING, Finding
from ...model.network import LoadBalancer, OutboundRule
from ...model.values import distinct
from ..engine import OBSERVATION, Rule, Rulebook
from .subject import (CHECK, EFFECTIVE_IPS, IDLE_TIMEOUT, PLAN, PORTS, AtColumn, existing_cluster, live, load_balancer,
                      standard_load_balancer)
from .ways_out import MEND_FIRST

RULES: Rulebook[AtColumn] = Rulebook(commands=(PLAN, CHECK), about=OBSERVATION, link=OUTBOUND_RULES,
                                     needs=(live, standard_load_balancer, existing_cluster, load_balancer))

_WINS = 'The profile wins at the next update, upgrade, scaling or restart of the cluster.'
_RECONCILE = 'Let AKS set what the profile says.'
_FIRST = 'First put into the profile what must stay: the load balancer has more than the profile knows.'


def _outbound_rule(subject: AtColumn) -> Optional[OutboundRule]:
    """AKS's outbound rule for IPv4; None where there is none, which no_outbound_ip reports."""
    balancer = subject.observed.load_balancer
    return balancer.outbound_rule if balancer else None


def _severity(subject: AtColumn) -> Optional[str]:
    """While an operation runs the two differ for a while, and that mends itself (AZURE-FACTS section 9, point 4)."""
    return INFO if is_busy(subject.cluster) else None


def _advice(subject: AtColumn, line: Optional[str]) -> str:
    return _RECONCILE if line is not None or is_busy(subject.cluster) else _FIRST


def _kept(subject: AtColumn, field: str, value: int) -> Optional[str]:
    """The decision's line, where it puts at least `value` into the profile; else it would cut what is in force."""
    proposed = subject.decision.proposed
    settings = proposed.settings if proposed else None
    kept = settings is not None and getattr(settings, field) >= value
    return subject.decision.command if kept else None


@RULES.rule('PortsDrift', WARNING,
            title='The outbound rule allocates other ports than the profile.',
            why='The next reconcile sets the ports of the profile; where they are fewer, the connections on the ports '
                'that are taken back die.',
            source='AZURE-FACTS section 1 [D]; AKS issues 1673, 3288, 5634.')
def ports_drift(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Rule against profile."""
    outbound, current = _outbound_rule(subject), subject.current
    settings = current.settings
    if outbound is None or settings is None or outbound.allocated_outbound_ports == settings.outbound_ports:
        return
    profile = settings.outbound_ports
    before, after = current.ports_per_node, profile or snat.automatic_ports(current.nodes.today, settings.frontends)
    loses = before is not None and after is not None and after < before
    line = _kept(subject, 'outbound_ports', snat.floor8(before or 0)) if loses else subject.decision.reconciling_line
    yield rule.finding(
        f'The outbound rule allocates {outbound.allocated_outbound_ports or "automatic"} ports per node, the profile '
        f'{profile or "automatic"}.', severity=_severity(subject), target=PORTS, command=line,
        consequence=_WINS + (f' Nodes then fall from {before} to {after} ports.' if loses else ''),
        remediation='Keep what nodes have now: put it into the profile.' if loses else _advice(subject, line),
        evidence={'profile': profile, 'outboundRule': outbound.allocated_outbound_ports, 'wins': 'profile',
                  'portsPerNodeNow': before, 'portsPerNodeAfter': after})


@RULES.rule('IdleTimeoutDrift', WARNING,
            title='The outbound rule has another idle timeout than the profile.',
            why='The next reconcile sets that of the profile; where it is shorter, quiet connections are cut.',
            source='AZURE-FACTS section 1 [D]; AKS issues 1673, 3288, 5634.')
def idle_timeout_drift(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Rule against profile."""
    outbound, settings = _outbound_rule(subject), subject.current.settings
    minutes = outbound.idle_timeout_in_minutes if outbound else None
    if settings is None or minutes is None or minutes == settings.idle_timeout_in_minutes:
        return
    longer = minutes > settings.idle_timeout_in_minutes
    line = _kept(subject, 'idle_timeout_in_minutes', minutes) if longer else subject.decision.reconciling_line
    yield rule.finding(
        f'The outbound rule has an idle timeout of {minutes} minutes, the profile '
        f'{settings.idle_timeout_in_minutes}.', consequence=_WINS, severity=_severity(subject), target=IDLE_TIMEOUT,
        command=line, remediation='Keep what is in force: put it into the profile.' if longer else
        _advice(subject, line),
        evidence={'profile': settings.idle_timeout_in_minutes, 'outboundRule': minutes, 'wins': 'profile'})


@RULES.rule('FrontendDrift', WARNING,
            title='The outbound rules use other IPs than the profile calls effective.',
            why='The next reconcile takes away what the profile does not know; connections through it fail, and '
                'allow-lists hold the wrong addresses.',
            source='AZURE-FACTS section 1 [D]; AKS issues 1673, 3288.')
def frontend_drift(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Frontends against effectiveOutboundIPs."""
    balancer, cluster = subject.observed.load_balancer, subject.cluster
    if balancer is None or cluster is None:
        return
    used = {frontend_id.lower() for outbound in _aks_rules(subject) for frontend_id in outbound.frontend_ids}
    in_rules = _addresses_of(balancer, used)
    if in_rules == cluster.profile.effective_ids:
        return  # as nearly everywhere
    effective = _effective_ids(balancer, cluster)
    surplus, lacking = _difference(in_rules, effective)
    if not used or not effective or not surplus and not lacking:
        return
    line = None if surplus else subject.decision.reconciling_line
    yield rule.finding(
        'The outbound rules and the effective IPs of the profile differ: ' +
        _names((surplus, 'in the rules alone'), (lacking, 'in the profile alone')), consequence=_WINS,
        target=EFFECTIVE_IPS, severity=_severity(subject), command=line, remediation=_advice(subject, line),
        evidence={'onlyInOutboundRules': list(surplus), 'onlyInProfile': list(lacking), 'wins': 'profile'})


def _effective_ids(balancer: LoadBalancer, cluster: Cluster) -> Tuple[ArmId, ...]:
    """What the profile calls effective, but for the addresses of hosted system pools: whether it names those is not
    documented."""
    hosted = {one.lower() for one in _addresses_of(balancer, {
        frontend_id.lower() for outbound in balancer.hosted_rules for frontend_id in outbound.frontend_ids})}
    return tuple(one for one in cluster.profile.effective_ids if one.lower() not in hosted)


def _addresses_of(balancer: LoadBalancer, used: Collection[str]) -> Tuple[str, ...]:
    """The ids of the public IPs and prefixes of the frontends `used`, ids in lower case."""
    return distinct(resource_id for frontend in balancer.frontends if frontend.id.lower() in used
                    for resource_id in (frontend.public_ip_id or frontend.prefix_id,) if resource_id)


def _difference(some: Sequence[str], others: Sequence[str]) -> Tuple[Tuple[str, ...], Tuple[str, ...]]:
    """Ids that only `some` has, ids that only `others` has; ARM compares them without regard to case."""
    left, right = ({resource_id.lower() for resource_id in ids} for ids in (some, others))
    return (tuple(resource_id for resource_id in some if resource_id.lower() not in right),
            tuple(resource_id for resource_id in others if resource_id.lower() not in left))


def _names(*parts: Tuple[Sequence[str], str]) -> str:
    return ', '.join(
        f"{', '.join(resource_id.rsplit('/', 1)[-1] for resource_id in ids[:3])}{' ...' if len(ids) > 3 else ''} "
        f'{where}' for ids, where in parts if ids) + '.'


def _aks_rules(subject: AtColumn) -> List[OutboundRule]:
    """AKS's own outbound rules: aksOutboundRule, and in dual-stack the one beside it, whose name is not documented."""
    balancer, cluster = subject.observed.load_balancer, subject.cluster
    hosted = balancer.hosted_rules if balancer else ()
    rules = [outbound for outbound in balancer.outbound_rules if outbound not in hosted] if balancer else []
    own = [outbound for outbound in rules if outbound.name.lower().startswith(OUTBOUND_RULE_NAME.lower())]
    if cluster is not None and cluster.dual_stack and len(own) == 1:
        own += [outbound for outbound in rules if outbound not in own][:1]
    return own


@RULES.rule('ForeignOutboundRule', WARNING,
            title='The load balancer has outbound rules that AKS did not make.',
            why='At the next reconcile AKS removes them, and the egress that rests on them; or the load balancer keeps '
                'them and refuses the change, which leaves node pools Failed. Both were reported.',
            source='AZURE-FACTS section 1 [D], [O]: Edits made on the load balancer itself; AKS#5634, azurerm#13886.')
def foreign_outbound_rule(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """All but AKS's own, and those of hosted system pools."""
    balancer, own = subject.observed.load_balancer, _aks_rules(subject)
    hosted = balancer.hosted_rules if balancer else ()
    foreign = [outbound.name for outbound in (balancer.outbound_rules if balancer else ())
               if outbound not in own and outbound not in hosted]
    if foreign:
        yield rule.finding(
            f"Outbound rules that AKS did not make: {', '.join(foreign[:5])}. At the next update, upgrade, scaling or "
            'restart of the cluster AKS removes them, or is refused because of them, which leaves node pools Failed.',
            target='loadBalancers/kubernetes/outboundRules',
            evidence={'outboundRules': foreign},
            remediation='Set ports, timeout and IPs on the cluster itself, and take these rules away before that.')


@RULES.rule('OutboundIpsDiffer', WARNING, needs=(live, standard_load_balancer, existing_cluster),
            title='The outbound IPs in force are not those that the profile asks for.',
            why='While they are fewer, nodes have fewer ports than the profile promises, or an update has stuck '
                'halfway; others mean that allow-lists hold the wrong addresses.',
            source='AZURE-FACTS section 9, point 4.')
def outbound_ips_differ(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Asked for against in force."""
    current, cluster = subject.current, subject.cluster
    settings, effective = current.settings, current.effective_outbound_ip_count
    if settings is None or cluster is None:
        return
    count, ids = settings.outbound_ip_count, cluster.profile.effective_ids
    lacking = _difference(settings.own_ids, ids)[0] if ids else ()
    if (count is None or effective is None or count == effective) and not lacking:
        return
    others = f" ({', '.join(resource_id.rsplit('/', 1)[-1] for resource_id in lacking[:3])} not)" if lacking else ''
    busy = is_busy(cluster)
    line = None if busy else subject.decision.reconciling_line
    unusable = subject.decision.reason is Reason.ADDRESS_UNUSABLE
    own = '' if settings.ip_source == MANAGED else ' First check that the own IPs can be used.'
    advice = MEND_FIRST if unusable else f'{_RECONCILE}{own}'
    asked = 'Outbound IPs that the profile asks for' + (' and that can be used' if unusable else '')
    yield rule.finding(
        f'{asked}: {count}, in force: {effective}{others}.',
        target=EFFECTIVE_IPS, severity=_severity(subject), command=line,
        remediation='Wait until the operation that runs has ended.' if busy else advice,
        evidence={'outboundIpCount': count, 'effectiveOutboundIpCount': effective, 'notInForce': list(lacking)})


@RULES.rule('TcpResetOff', WARNING, commands=(CHECK,),
            title='The outbound rule sends no TCP reset when a connection has been idle for too long.',
            why='Without it neither side learns that the connection is gone: requests hang until they time out. AKS '
                'turns it on, and sets it again at the next reconcile.',
            source='the article, "Configure the load balancer idle timeout"; AZURE-FACTS section 1 [D].')
def tcp_reset_off(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """On AKS's own rule."""
    outbound = _outbound_rule(subject)
    if outbound is not None and outbound.enable_tcp_reset is False:
        line = subject.decision.reconciling_line
        yield rule.finding(
            'TCP reset on idle is off: connections that time out vanish silently, and requests on them hang.',
            target='loadBalancers/kubernetes/outboundRules/enableTcpReset', evidence={'enableTcpReset': False},
            command=line, remediation='Let AKS turn it on again.' if line else _advice(subject, line))
