# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What a change would cut or break: fewer ports, fewer IPs, other egress IPs, a shorter idle timeout."""

from typing import Iterable, NamedTuple, Optional, Tuple

from ...decision import Configuration, Reason, Settings
from ...facts import snat
from ...facts.clusters import MANAGED, NODE_IP
from ...facts.links import OUTBOUND_TYPES, USE_STANDARD_LB
from ...model.finding import INFO, WARNING, Finding, counted
from ..engine import CHANGE, Rule, Rulebook
from .subject import (CHECK, EFFECTIVE_IPS, IDLE_TIMEOUT, PLAN, PORTS, PROFILE, AtColumn, existing_cluster,
                      standard_load_balancer)

RULES: Rulebook[AtColumn] = Rulebook(commands=(PLAN,), about=CHANGE, needs=(standard_load_balancer,),
                                     link=USE_STANDARD_LB)


class _Change(NamedTuple):
    """Settings before and after the decision's line."""

    before: Settings
    after: Settings


def _change(subject: AtColumn) -> Optional[_Change]:
    """What the line or the code changes on a cluster; None where there is neither or no cluster yet."""
    current, after = subject.decision.current, _after(subject)
    if current is None or after is None or current.settings is None or after.settings is None:
        return None
    return _Change(current.settings, after.settings)


def _after(subject: AtColumn) -> Optional[Configuration]:
    """The column that the change leads to: what code makes, or what the line makes."""
    return subject.decision.leads_to


@RULES.rule('EgressIpsChange', WARNING,
            title='The change adds, removes or replaces egress IPs.',
            why='Firewalls and partners allow-list the addresses that traffic comes from; a new address is refused '
                'there.',
            source='AZURE-FACTS section 1.')
def egress_ips_change(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Any change of the IPs, where packets leave by them."""
    change, cluster = _change(subject), subject.observed.before or subject.cluster
    if change is None or cluster is None or change.before.ips == change.after.ips or subject.decision.egress.bypassed:
        return
    ids = {resource_id.lower(): resource_id for resource_id in cluster.profile.effective_ids}
    addresses = [ip.ip_address for ip in subject.observed.public_ips if ip.ip_address and ip.id.lower() in ids]
    yield rule.finding(
        'The egress IPs of the cluster change: firewalls and partners that allow-list them must know the new.',
        target=EFFECTIVE_IPS, evidence={'egressIpsNow': list(ids.values()), 'addressesNow': addresses},
        remediation='New managed IPs get addresses that nobody knows before.' if change.after.ip_source == MANAGED else
        'Own IPs can be allow-listed before they are used: make them first, allow them, then update.')


@RULES.rule('PortsDecrease', WARNING,
            title='The change leaves nodes fewer ports than they have now.',
            why='Connections on the ports that are taken back die.',
            source='AZURE-FACTS section 2 [D].')
def ports_decrease(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Per node, as in force and as proposed."""
    if _change(subject) is None:
        return
    column = _after(subject)
    before, after = subject.current.ports_per_node, column.ports_per_node if column else None
    if before is not None and after is not None and after < before:
        yield rule.finding(
            f'Ports per node fall from {before} to {after}: connections on the ports that are taken back die.',
            target=PORTS, evidence={'portsBefore': before, 'portsAfter': after},
            remediation='Make the change when little traffic flows, and let clients reconnect.')


@RULES.rule('OutboundIpsDecrease', WARNING,
            title='The change removes outbound IPs.',
            why='AKS deletes managed IPs that are no longer counted and detaches own ones; live connections through '
                'them fail.',
            source='AZURE-FACTS section 1 [D].')
def outbound_ips_decrease(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Fewer managed ones, or own ones that are no longer named."""
    change = _change(subject)
    if change is None:
        return
    before, after = change.before.outbound_ip_count, change.after.outbound_ip_count
    removed = _removed_ids(change)
    fewer = before is not None and after is not None and after < before
    if removed or _fewer_managed(change) or fewer:
        yield rule.finding('The change removes outbound IPs: live connections through them fail.', target=EFFECTIVE_IPS,
                           evidence={'ipsBefore': before, 'ipsAfter': after, 'removed': list(removed)},
                           remediation='Make the change when little traffic flows.')


def _fewer_managed(change: _Change) -> bool:
    before, after = change
    return ((after.managed_outbound_ip_count or 0) < (before.managed_outbound_ip_count or 0) or
            (after.managed_outbound_ipv6_count or 0) < (before.managed_outbound_ipv6_count or 0))


def _removed_ids(change: _Change) -> Tuple[str, ...]:
    """Own IPs and prefixes that are no longer named."""
    after = {resource_id.lower() for resource_id in change.after.own_ids}
    return tuple(resource_id for resource_id in change.before.own_ids if resource_id.lower() not in after)


@RULES.rule('IdleTimeoutDecrease', WARNING,
            title='The change shortens the idle timeout.',
            why='Quiet connections without keepalives, to databases or message brokers, are cut earlier.',
            source='the article, section on the idle timeout.')
def idle_timeout_decrease(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Before and after."""
    change = _change(subject)
    if change is None:
        return
    before, after = change.before.idle_timeout_in_minutes, change.after.idle_timeout_in_minutes
    if after < before:
        yield rule.finding(f'The idle timeout falls from {before} to {after} minutes: connections quiet for longer are '
                           'cut.', target=IDLE_TIMEOUT, evidence={'before': before, 'after': after},
                           remediation='Turn on keepalives on one side of long quiet connections; one side is enough.')


@RULES.rule('BackendPoolTypeChange', WARNING, needs=(existing_cluster,),
            title='The change switches how nodes join the inbound backend pool.',
            why='Inbound traffic of Services is interrupted while the nodes change places, the longer the more nodes '
                'there are.',
            source='the article, "Change the inbound pool type"; AZURE-FACTS section 1 [D].')
def backend_pool_type_change(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Before and after, on any outbound type: by a line, by code, or by what does it where no line can."""
    decision = subject.decision
    before = decision.current.backend_pool_type if decision.current else None
    after = decision.requested if decision.reason is Reason.CLI_DROPS_OPTION else _after(subject)
    pool_type = after.backend_pool_type if after else None
    if before is None or pool_type is None or before == pool_type:
        return
    yield rule.finding(
        f'The backend pool type changes from {before} to {pool_type}: inbound traffic of Services is interrupted '
        'meanwhile, the longer the more nodes there are.' +
        (' A Private Link Service cannot use a nodeIP pool; whether the cluster has one was not read.'
         if pool_type == NODE_IP else ''),
        target=f'{PROFILE}.backendPoolType', evidence={'before': before, 'after': pool_type},
        remediation='Make the change when little traffic flows.')


@RULES.rule('IdentityMustJoin', INFO,
            title="The cluster's identity must be able to join the own IPs.",
            why='Without Microsoft.Network/publicIPAddresses/join/action on them the update fails halfway, and later '
                'Services stay pending.',
            source='AZURE-FACTS section 1 [O]; AKS issue 1945.')
def identity_must_join(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Where own IPs change."""
    change, cluster = _change(subject), subject.cluster
    if change is None or cluster is None or change.before.ips == change.after.ips or \
            change.after.ip_source == MANAGED:
        return
    kind = 'publicIPPrefixes' if change.after.outbound_ip_prefixes else 'publicIPAddresses'
    yield rule.finding(
        f"The cluster's identity must have Microsoft.Network/{kind}/join/action on each of the own IPs, for the update "
        'and for as long as there are Services.',
        target='identity', evidence={'identity': cluster.identity_type},
        remediation='For example the role Network Contributor on their resource group.')


@RULES.rule('ManyOutboundIps', INFO, up_to=WARNING, link=OUTBOUND_TYPES, commands=(PLAN, CHECK),
            title='Many IPs for one cluster: a NAT gateway gives ports on demand.',
            why='It gives 64,512 ports per IP to whichever node needs them, instead of a fixed share per node.',
            source='AZURE-FACTS section 5.')
def many_outbound_ips(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """More than a NAT gateway can have."""
    proposed = subject.decision.proposed
    settings = proposed.settings if proposed else None
    count = settings.outbound_ip_count if settings else None
    own = len(settings.outbound_ips) if settings else 0
    if own > snat.MOST_CERTAIN_OWN_IPS and subject.decision.command is not None:
        yield rule.finding(f'The line names {own} own outbound IPs: whether AKS takes more than '
                           f'{snat.MOST_CERTAIN_OWN_IPS} is not documented.', severity=WARNING, target=PROFILE,
                           evidence={'count': own, 'limit': snat.MOST_CERTAIN_OWN_IPS},
                           remediation='Use prefixes (16 addresses each), or a NAT gateway.')
    elif (count or 0) > snat.NAT_GATEWAY_MAX_IPS:
        yield rule.finding(f'{count} outbound IPs are many: a NAT gateway gives ports on demand and is recommended at '
                           'this scale.', target='networkProfile.outboundType',
                           remediation='az aks lb recommend shows it among the alternatives.')


@RULES.rule('MoreIpsNoPorts', WARNING,
            title='More IPs are asked for, and the ports of each node stay as they are.',
            why='With an explicit allocation each node has the ports that are set, however many IPs there are: a node '
                'that runs out of ports runs out as before.',
            source='AZURE-FACTS section 2; AKS helpdesk#3908, azure-docs#81893.')
def more_ips_no_ports(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Where the IPs that are asked for would carry more ports for each node."""
    before, column = subject.decision.current, subject.decision.requested
    if before is None or column is None or before.settings is None or column.settings is None:
        return
    ips_before, ips = before.settings.outbound_ip_count, column.settings.outbound_ip_count
    ports, most = column.settings.outbound_ports, column.max_ports_per_node
    if not ports or ports != before.settings.outbound_ports:
        return
    if ips_before is not None and ips is not None and ips > ips_before and most is not None and most > ports:
        yield rule.finding(
            f'{ips} outbound IPs instead of {ips_before} give no node one port more: each keeps {ports}.', target=PORTS,
            evidence={'ipsBefore': ips_before, 'ips': ips, 'portsPerNode': ports, 'maxPortsPerNode': most},
            remediation=f'These IPs carry {most} ports for each of {counted(column.nodes.required, "node")}: add '
                        f'--outbound-ports {most}.')


@RULES.rule('ChangedAsCode', INFO,
            title='Whoever keeps the cluster in Bicep, ARM or Terraform must change it there.',
            why='The next deployment of the code would take the change back.',
            source='AZURE-FACTS section 1, the profile.')
def changed_as_code(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Any change."""
    if _change(subject) is not None and subject.observed.origin is None:
        yield rule.finding('If this cluster is kept in Bicep, ARM templates or Terraform, change it there: the key '
                           'profile of this answer is the loadBalancerProfile to set.', target=PROFILE)
