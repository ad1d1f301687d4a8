# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Drift: where the cluster's profile and its load balancer disagree. The profile wins, at the next reconcile.

AKS makes the load balancer from the profile whenever it reconciles the cluster: on update, upgrade, scaling, stop and
start (azure-facts section 1 [D]; AKS issues 1673, 3288, 5634). The commands here never cut: they put what is in force
into the profile where that is the larger value, and let AKS reconcile where the profile has it.
"""

from ...facts import snat
from ...model.cluster import MANAGED
from ...model.finding import INFO, WARNING
from ...model.network import OUTBOUND_RULE_NAME
from ...model.values import distinct
from .fixes import change, reconcile
from .rule import (CHECK, EFFECTIVE_IPS, IDLE_TIMEOUT, LOAD_BALANCER, OUTBOUND_RULES, PORTS, STANDARD_LOAD_BALANCER,
                   Hit, Rule)
from .state import busy

_NEEDS = (STANDARD_LOAD_BALANCER, LOAD_BALANCER)
_WINS = 'The profile wins at the next update, upgrade, scaling or restart of the cluster.'


def _rule(case):
    """AKS's outbound rule for IPv4; None where there is none, which no_outbound_ip reports."""
    return case.observed.load_balancer.outbound_rule


def _severity(case):
    """While an operation runs the two differ for a while, and that mends itself (azure-facts section 9, point 4)."""
    return INFO if busy(case.cluster) else None


def ports_drift(case):
    """The outbound rule allocates other ports than the profile.

    Why: the next reconcile sets the ports of the profile; where they are fewer, the connections on the ports that are
    taken back die.
    Source: azure-facts section 1 [D]; AKS issues 1673, 3288, 5634.
    """
    rule, current = _rule(case), case.current
    wanted = current.settings.outbound_ports
    if rule is None or rule.allocated_outbound_ports == wanted:
        return
    after = wanted or snat.automatic_ports(case.nodes.today, current.settings.frontends)
    before = current.ports_per_node
    loses = None not in (before, after) and after < before
    remedy = (change(case, 'Keep what nodes have now: put it into the profile.',
                     outbound_ports=rule.allocated_outbound_ports) if loses else
              reconcile(case, 'Let AKS set what the profile says.'))
    yield Hit(f'The outbound rule allocates {_ports(rule.allocated_outbound_ports)} ports per node, the profile '
              f'{_ports(wanted)}. {_WINS}' + (f' Nodes then fall from {before} to {after} ports.' if loses else ''),
              target=PORTS, severity=_severity(case), link=OUTBOUND_RULES,
              evidence={'profile': wanted, 'outboundRule': rule.allocated_outbound_ports, 'wins': 'profile',
                        'portsPerNodeNow': before, 'portsPerNodeAfter': after}, **remedy)


def _ports(number):
    return number or 'automatic'


def idle_timeout_drift(case):
    """The outbound rule has another idle timeout than the profile.

    Why: the next reconcile sets that of the profile; where it is shorter, quiet connections are cut.
    Source: azure-facts section 1 [D]; AKS issues 1673, 3288, 5634.
    """
    rule, wanted = _rule(case), case.current.settings.idle_timeout_in_minutes
    held = rule.idle_timeout_in_minutes if rule else None
    if held is None or held == wanted:
        return
    keep = wanted < held <= snat.MAX_IDLE_TIMEOUT
    remedy = (change(case, 'Keep what is in force: put it into the profile.', idle_timeout_in_minutes=held) if keep
              else reconcile(case, 'Let AKS set what the profile says.'))
    yield Hit(f'The outbound rule has an idle timeout of {held} minutes, the profile {wanted}. {_WINS}',
              target=IDLE_TIMEOUT, severity=_severity(case), link=OUTBOUND_RULES,
              evidence={'profile': wanted, 'outboundRule': held, 'wins': 'profile'}, **remedy)


def frontend_drift(case):
    """The outbound rules use other IPs than the profile calls effective.

    Why: the next reconcile takes away what the profile does not know; connections through it fail, and allow-lists
    hold the wrong addresses.
    Source: azure-facts section 1 [D]; AKS issues 1673, 3288.
    """
    balancer, profile = case.observed.load_balancer, case.cluster.profile
    used = {frontend_id.lower() for rule in _aks_rules(case) for frontend_id in rule.frontend_ids}
    held = distinct(one for frontend in balancer.frontends if frontend.id.lower() in used
                    for one in (frontend.public_ip_id or frontend.prefix_id,) if one)
    surplus, lacking = _difference(held, profile.effective_ids)
    if not used or not profile.effective_ids or not surplus and not lacking:
        return
    yield Hit('The outbound rules and the effective IPs of the profile differ: ' +
              _and((surplus, 'in the rules alone'), (lacking, 'in the profile alone')) + f' {_WINS}',
              target=EFFECTIVE_IPS, severity=_severity(case), link=OUTBOUND_RULES,
              evidence={'onlyInOutboundRules': list(surplus), 'onlyInProfile': list(lacking), 'wins': 'profile'},
              **reconcile(case, 'Let AKS set what the profile says.'))


def _difference(one, other):
    """Ids that only `one` has, ids that only `other` has; ARM compares them without regard to case."""
    ones, others = ({resource_id.lower() for resource_id in ids} for ids in (one, other))
    return (tuple(resource_id for resource_id in one if resource_id.lower() not in others),
            tuple(resource_id for resource_id in other if resource_id.lower() not in ones))


def _and(*parts):
    return ', '.join(f"{', '.join(one.rsplit('/', 1)[-1] for one in ids[:3])}{' ...' if len(ids) > 3 else ''} {where}"
                     for ids, where in parts if ids) + '.'


def _aks_rules(case):
    """AKS's own outbound rules: aksOutboundRule, and in dual-stack the one beside it, whose name is not documented."""
    rules = case.observed.load_balancer.outbound_rules
    own = [rule for rule in rules if rule.name.lower().startswith(OUTBOUND_RULE_NAME.lower())]
    if case.cluster.dual_stack and len(own) == 1:
        own += [rule for rule in rules if rule not in own][:1]
    return own


def foreign_outbound_rule(case):
    """The load balancer has outbound rules that AKS did not make.

    Why: AKS removes them at the next reconcile, and the egress that rests on them with them.
    Source: azure-facts section 1 [D]: edits made on the load balancer itself are wiped.
    """
    foreign = [rule for rule in case.observed.load_balancer.outbound_rules if rule not in _aks_rules(case)]
    if foreign:
        yield Hit('Outbound rules that AKS did not make: ' + ', '.join(rule.name for rule in foreign[:5]) +
                  '. AKS removes them at the next update, upgrade, scaling or restart of the cluster.',
                  target='loadBalancers/kubernetes/outboundRules', link=OUTBOUND_RULES,
                  evidence={'outboundRules': [rule.name for rule in foreign]},
                  remediation='Set ports, timeout and IPs through az aks update, and do without these rules.')


def outbound_ips_differ(case):
    """The outbound IPs in force are not those that the profile asks for.

    Why: while they are fewer, nodes have fewer ports than planned, or an update has stuck halfway; others mean that
    allow-lists hold the wrong addresses.
    Source: azure-facts section 9, point 4.
    """
    current = case.current
    if current is None:
        return
    settings, effective = current.settings, current.effective_outbound_ip_count
    counts_differ = None not in (settings.outbound_ip_count, effective) and settings.outbound_ip_count != effective
    own = settings.outbound_ips + settings.outbound_ip_prefixes
    lacking = _difference(own, case.cluster.profile.effective_ids)[0] if case.cluster.profile.effective_ids else ()
    if not counts_differ and not lacking:
        return
    others = f" ({', '.join(one.rsplit('/', 1)[-1] for one in lacking[:3])} not)" if lacking else ''
    yield Hit(f'Outbound IPs that the profile asks for: {settings.outbound_ip_count}, in force: {effective}{others}.',
              target=EFFECTIVE_IPS, severity=_severity(case),
              evidence={'outboundIpCount': settings.outbound_ip_count, 'effectiveOutboundIpCount': effective,
                        'notInForce': list(lacking)},
              **({'remediation': 'Wait until the operation that runs has ended.'} if busy(case.cluster) else
                 reconcile(case, 'Let AKS set what the profile says.' + (
                     '' if settings.ip_source == MANAGED else ' First check that the own IPs can be used.'))))


def tcp_reset_off(case):
    """The outbound rule sends no TCP reset when a connection has been idle for too long.

    Why: without it neither side learns that the connection is gone: requests hang until they time out. AKS turns it
    on, and sets it again at the next reconcile.
    Source: the article, "Configure the load balancer idle timeout"; azure-facts section 1 [D].
    """
    rule = _rule(case)
    if rule is not None and rule.enable_tcp_reset is False:
        yield Hit('TCP reset on idle is off: connections that time out vanish silently, and requests on them hang.',
                  target='loadBalancers/kubernetes/outboundRules/enableTcpReset', link=OUTBOUND_RULES,
                  evidence={'enableTcpReset': False}, **reconcile(case, 'Let AKS turn it on again.'))


RULES = (
    Rule('PortsDrift', WARNING, ports_drift, needs=_NEEDS),
    Rule('IdleTimeoutDrift', WARNING, idle_timeout_drift, needs=_NEEDS),
    Rule('FrontendDrift', WARNING, frontend_drift, needs=_NEEDS),
    Rule('ForeignOutboundRule', WARNING, foreign_outbound_rule, needs=_NEEDS),
    Rule('OutboundIpsDiffer', WARNING, outbound_ips_differ),
    Rule('TcpResetOff', WARNING, tcp_reset_off, commands=(CHECK,), needs=_NEEDS),
)
