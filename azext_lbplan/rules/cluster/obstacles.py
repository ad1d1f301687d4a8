# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Why no safe line exists, in words: what is in the way, and the ways out."""

from typing import Dict, Iterable, Iterator

from ...decision import Configuration, Decision, NoCommand, Reason
from ...decision.pool_types import LEAST_VERSION, Unmet, leaves_nodes_out, unmet
from ...facts import snat
from ...facts.clusters import USER_DEFINED_ROUTING
from ...facts.links import OUTBOUND_TYPES
from ...model.finding import ERROR, WARNING, Finding, counted
from ..engine import CHANGE, CONFIGURATION, Rule, Rulebook
from .subject import CHECK, PLAN, PROFILE, AtColumn, existing_cluster, standard_load_balancer

RULES: Rulebook[AtColumn] = Rulebook(commands=(PLAN, CHECK), about=CHANGE, needs=(standard_load_balancer,),
                                     link=OUTBOUND_TYPES)

#: What is in the way, for each reason of a decision without a line.
_IN_THE_WAY: Dict[Reason, str] = {
    Reason.NOTHING_TO_DO: 'Nothing needs to change',
    Reason.INFEASIBLE: 'This does not fit within the limits of the load balancer',
    Reason.NEEDS_DECREASE: 'The ports per node do not fit on these IPs',
    Reason.MIXED_OUTBOUND_IPS: 'The ports do not fit, and the profile mixes several kinds of outbound IPs: any IP '
                               "option of 'az aks update' would remove the others",
    Reason.UNKNOWN_PLACE: "The ports do not fit, and where the cluster's own IPs are could not be told",
    Reason.UNKNOWN_IP_COUNT: 'The number of outbound IPs is not known, because the length of a prefix could not be '
                             'read',
    Reason.ADDRESS_UNUSABLE: 'No update passes until these own IPs can be used or are left out',
    Reason.UNKNOWN_CLUSTER: 'There is no line, because what was read does not name the cluster',
    Reason.UNKNOWN_SETTINGS: 'What the code sets is not known, so whether it fits is not known; unverified says what',
    Reason.MANAGED_BY_CODE: 'The change belongs into the code that the cluster is made from: a line for az would be '
                            'undone by the next deployment. The fragment in this answer sets it',
    Reason.OTHER_EGRESS: 'Egress does not go through a Standard load balancer',
    Reason.CONDITIONS_NOT_MET: 'The cluster does not meet what the backend pool type takes',
    Reason.CLI_DROPS_OPTION: 'On this outbound type az aks update (azure-cli 2.91) drops '
                             '--load-balancer-backend-pool-type without a word, so no line sets it',
}

#: What a change of the backend pool type takes. Source: AZURE-FACTS section 1.
_CONDITIONS: Dict[Unmet, str] = {
    Unmet.VERSION: f"Kubernetes {'.'.join(map(str, LEAST_VERSION))} or later",
    Unmet.SCALE_SETS: 'node pools of scale sets, not of availability sets',
    Unmet.SEVERAL_BALANCERS: 'nodeIP, as long as several Standard load balancers are enabled',
}


#: So many names stand in a sentence.
_MOST_NAMES = 5

#: What is said without a sum: nothing binds, or the numbers are not known.
_WITHOUT_NUMBERS = (Reason.NOTHING_TO_DO, Reason.OTHER_EGRESS, Reason.MANAGED_BY_CODE, Reason.UNKNOWN_SETTINGS,
                    Reason.CONDITIONS_NOT_MET, Reason.CLI_DROPS_OPTION)


def bypass(decision: Decision) -> str:
    """That the load balancer is not what to size, where packets leave by another way."""
    return f'Sizing the load balancer has no effect: outbound traffic leaves by {decision.egress.way}.'


def why_no_line(decision: Decision, no_command: NoCommand) -> str:
    """The sentence of `noCommand`."""
    if no_command.reason is Reason.OTHER_EGRESS and decision.egress.bypassed:
        return bypass(decision)
    if no_command.reason is Reason.CONDITIONS_NOT_MET:
        return f'{_IN_THE_WAY[no_command.reason]}: {conditions(decision)}.'
    if no_command.reason is Reason.CLI_DROPS_OPTION:
        return f'{_IN_THE_WAY[no_command.reason]}. {_what_sets_it(decision)}'
    return sentence(no_command, decision.proposed or decision.asked)


def conditions(decision: Decision) -> str:
    """What the backend pool type that was typed takes, and the cluster has not."""
    before, after = decision.base, decision.requested
    found = unmet(decision.cluster, before.backend_pool_type if before else None,
                  after.backend_pool_type if after else None) if decision.cluster else ()
    return ', '.join(_CONDITIONS[condition] for condition in found)


def _what_sets_it(decision: Decision) -> str:
    """The ways past the CLI; userDefinedRouting refuses a profile that holds more than the type."""
    wanted = decision.requested.backend_pool_type if decision.requested else None
    alone = ', alone in that profile' if decision.asked.outbound_type == USER_DEFINED_ROUTING else ''
    return (f'Set networkProfile.loadBalancerProfile.backendPoolType to {wanted}{alone}: in the code that the cluster '
            'is made from, by a PUT of the managed cluster (az rest), or with an aks-preview later than 22.0.0b1.')


def sentence(no_command: NoCommand, proposed: Configuration) -> str:
    """Why there is no line, with the numbers where they bind."""
    text, settings = _IN_THE_WAY[no_command.reason], proposed.settings
    if no_command.reason is Reason.ADDRESS_UNUSABLE:
        names = [resource_id.rsplit('/', 1)[-1] for resource_id in no_command.addresses]
        more = f' and {len(names) - _MOST_NAMES} more' if len(names) > _MOST_NAMES else ''
        return f"{text}: {', '.join(names[:_MOST_NAMES])}{more}."
    if no_command.reason is Reason.UNKNOWN_CLUSTER:
        return f"{text}: its name or its resource group is missing. The options are {' '.join(no_command.options)}."
    if settings is None or settings.outbound_ip_count is None or no_command.reason in _WITHOUT_NUMBERS:
        return f'{text}.'
    if no_command.beyond_a_node:
        text = f'The busiest node needs more than {settings.outbound_ports} ports, the most that a node can have'
    return (f'{text}: {settings.outbound_ports} ports x {proposed.nodes.required} nodes on '
            f'{counted(settings.outbound_ip_count, "IP")}.')


def ways_out(no_command: NoCommand, typed_ports: bool) -> str:
    """What a user can do about it. Consent to fewer ports changes nothing where a number of them was typed."""
    if no_command.beyond_a_node:
        return (f"'--outbound-ports {snat.MAX_PORTS_PER_NODE}' gives each node the most, on at least "
                f'{no_command.ips_needed} IPs. Spread the work over more nodes, reuse connections, or move to a NAT '
                'gateway, which gives ports on demand.')
    needed, fitting = no_command.ips_needed, no_command.fitting_ports
    how = f"'--outbound-ports {fitting}'" if typed_ports else f"'--allow-decrease' or '--outbound-ports {fitting}'"
    lower = '' if not fitting else (f' Allow fewer ports per node ({fitting} fit) with {how}: connections on the ports '
                                    'taken back die.')
    return {
        Reason.INFEASIBLE: f'It would take {needed} IPs.{lower} Or lower the maximum of the node pools, or move to a '
                           'NAT gateway, which gives ports on demand.',
        Reason.NEEDS_DECREASE: f'Give {needed} IPs.{lower}',
        Reason.MIXED_OUTBOUND_IPS: f'Choose one kind of outbound IP with {needed} addresses.{lower}',
        Reason.UNKNOWN_PLACE: "Name all IPs, the new ones too, with '--outbound-ips'.",
        Reason.UNKNOWN_IP_COUNT: "Ask for Microsoft.Network/publicIPPrefixes/read on the prefix. The output of 'az aks "
                                 "show' does not hold its length, a snapshot of '--save-to' does.",
    }.get(no_command.reason, '')


def _blocked(rule: Rule[AtColumn], subject: AtColumn, *reasons: Reason) -> Iterator[Finding]:
    outcome = subject.decision.outcome
    if isinstance(outcome, NoCommand) and outcome.reason in reasons:
        yield _in_the_way(rule, subject, outcome)


def _in_the_way(rule: Rule[AtColumn], subject: AtColumn, outcome: NoCommand) -> Finding:
    proposed = subject.decision.proposed or subject.column
    settings = proposed.settings
    refused = subject.column.fits is False or rule.severity != ERROR
    typed_ports = subject.decision.options.change.outbound_ports is not None
    return rule.finding(
        sentence(outcome, proposed), target=PROFILE, remediation=ways_out(outcome, typed_ports),
        severity=None if refused else WARNING,  # Azure takes it as it is; nodes will lack ports
        evidence={'outboundPorts': settings and settings.outbound_ports, 'required': proposed.nodes.required,
                  'outboundIpCount': settings and settings.outbound_ip_count, 'ipsNeeded': outcome.ips_needed,
                  'maxPortsPerNode': outcome.fitting_ports})


@RULES.rule('Infeasible', ERROR,
            title='No configuration within the limits fits.',
            why='More than 64,000 ports per node, 100 managed IPs or 600 frontends would be needed.',
            source='AZURE-FACTS sections 1 and 2, Limits.')
def infeasible(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Beyond the limits."""
    return _blocked(rule, subject, Reason.INFEASIBLE)


@RULES.rule('BackendPoolTypeConditions', ERROR, commands=(PLAN,), needs=(existing_cluster,),
            title='The backend pool type that was typed takes more than the cluster has.',
            why='Changing it takes Kubernetes 1.23 and node pools of scale sets; several load balancers take nodeIP.',
            source='AZURE-FACTS section 1 [D], Other outbound types; the article, "Change the inbound pool type".')
def backend_pool_type_conditions(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Where it changes."""
    decision = subject.decision
    if decision.reason is Reason.CONDITIONS_NOT_MET and decision.requested is not None:
        wanted = decision.requested.backend_pool_type
        yield rule.finding(
            f'The backend pool type cannot become {wanted}: that takes {conditions(decision)}.',
            target=f'{PROFILE}.backendPoolType', evidence={'backendPoolType': wanted},
            remediation="Leave '--backend-pool-type' out, or bring the cluster there first.")


@RULES.rule('NodeIpLeavesNodesOut', WARNING, about=CONFIGURATION, needs=(existing_cluster,),
            title='The backend pool type nodeIP with node auto-provisioning.',
            why='Nodes that are provisioned later are reported to stay out of the backend pool: they get no inbound '
                'traffic of Services.',
            source='AZURE-FACTS section 1 [O], Other outbound types; AKS#5569, AKS#5656.')
def node_ip_leaves_nodes_out(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """In force, or asked for; on any outbound type."""
    if subject.cluster is not None and leaves_nodes_out(subject.cluster, subject.column.backend_pool_type):
        yield rule.finding(
            'The backend pool type is nodeIP, and nodes are provisioned automatically: new ones are reported to stay '
            'out of the backend pool, and get no inbound traffic.', target=f'{PROFILE}.backendPoolType',
            evidence={'backendPoolType': subject.column.backend_pool_type},
            remediation='Compare the members of the backend pool with the nodes, or use nodeIPConfiguration.')


@RULES.rule('DecreaseNeeded', ERROR, commands=(PLAN,),
            title='Only fewer ports per node would fit, and nobody has consented to that.',
            why='Fewer ports cut live connections; the tool never does that on its own.',
            source='AZURE-FACTS section 2 [D].')
def decrease_needed(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """On the IPs that were typed."""
    return _blocked(rule, subject, Reason.NEEDS_DECREASE)


@RULES.rule('MixedOutboundIpsBlocked', ERROR,
            title='IPs are needed, but several kinds of outbound IPs are set at once.',
            why='Every IP option of az aks rebuilds the IP mode and removes the other kinds.',
            source='AZURE-FACTS section 1 [D, acs _loadbalancer.py]; azure-powershell issue 25793.')
def mixed_outbound_ips(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """In mixed mode."""
    return _blocked(rule, subject, Reason.MIXED_OUTBOUND_IPS)


@RULES.rule('OutboundIpsUnknown', WARNING,
            title='What the outbound IPs are could not be read: whether ports fit is not known, and no line can change '
                  'that.',
            why='A line that rests on a guess may detach IPs or be refused.',
            source='AZURE-FACTS section 9, point 1.')
def outbound_ips_unknown(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """An unknown number or place."""
    yield from _blocked(rule, subject, Reason.UNKNOWN_IP_COUNT, Reason.UNKNOWN_PLACE)
    proposed = subject.decision.proposed
    settings = proposed.settings if proposed else None
    known = settings is None or settings.automatic or settings.outbound_ip_count is not None
    if not known and subject.decision.reason in (None, Reason.NOTHING_TO_DO):
        yield _in_the_way(rule, subject, NoCommand(Reason.UNKNOWN_IP_COUNT))
