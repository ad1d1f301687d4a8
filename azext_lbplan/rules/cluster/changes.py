# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What a change would cut or break: fewer ports, fewer IPs, other egress IPs, a shorter idle timeout."""

from ...facts import snat
from ...model.cluster import MANAGED, NODE_IP
from ...model.finding import INFO, WARNING
from ...model.outbound import Settings
from ...decision.sizing import removed_ids
from .rule import EFFECTIVE_IPS, IDLE_TIMEOUT, OUTBOUND_TYPES, PLAN, PORTS, PROFILE, Hit, Rule


def _change(case):
    """(settings now, settings after), or None where nothing is proposed or no command is given."""
    if case.current is None or case.current.settings is None or case.proposed is None or case.obstacle is not None:
        return None
    held, after = case.current.settings, case.proposed.settings
    return None if held == after else (held, after)


def ports_decrease(case):
    """The change leaves nodes fewer ports than they have now.

    Why: connections on the ports that are taken back die.
    Source: azure-facts section 2 [D]; design section 4, Decrease.
    """
    if _change(case) is None:
        return
    before, after = case.current.ports_per_node, case.proposed.ports_per_node
    if before is None or after is None or after >= before:
        return
    yield Hit(f'Ports per node fall from {before} to {after}: connections on the ports that are taken back die.',
              target=PORTS, evidence={'portsBefore': before, 'portsAfter': after},
              remediation='Make the change when little traffic flows, and let clients reconnect.')


def outbound_ips_decrease(case):
    """The change removes outbound IPs.

    Why: AKS deletes managed IPs that are no longer counted and detaches own ones; live connections through them fail.
    Source: azure-facts section 1 [D].
    """
    change = _change(case)
    if change is None:
        return
    before, after = (settings.outbound_ip_count for settings in change)
    removed = removed_ids(*change)
    fewer_managed = any((getattr(change[1], count) or 0) < (getattr(change[0], count) or 0)
                        for count in ('managed_outbound_ip_count', 'managed_outbound_ipv6_count'))
    if not removed and not fewer_managed and (before is None or after is None or after >= before):
        return
    yield Hit('The change removes outbound IPs: live connections through them fail.',
              target=EFFECTIVE_IPS, evidence={'ipsBefore': before, 'ipsAfter': after, 'removed': list(removed)},
              remediation='Make the change when little traffic flows.')


def egress_ips_change(case):
    """The change adds, removes or replaces egress IPs.

    Why: firewalls and partners allow-list the addresses that traffic comes from; a new address is refused there.
    Source: design section 4, IP modes; azure-facts section 1.
    """
    change = _change(case)
    if change is None or change[0].ips == change[1].ips:
        return
    held = case.cluster.profile.effective_ids
    addresses = [ip.ip_address for ip in case.observed.public_ips if ip.ip_address and
                 any(ip.id.lower() == one.lower() for one in held)]
    advice = ('New managed IPs get addresses that nobody knows before.' if change[1].ip_source == MANAGED else
              'Own IPs can be allow-listed before they are used: make them first, allow them, then update.')
    yield Hit('The egress IPs of the cluster change: firewalls and partners that allow-list them must know the new.',
              target=EFFECTIVE_IPS, evidence={'egressIpsNow': list(held), 'addressesNow': addresses},
              remediation=advice)


def idle_timeout_decrease(case):
    """The change shortens the idle timeout.

    Why: quiet connections without keepalives, to databases or message brokers, are cut earlier.
    Source: design section 4, Decrease; the article, section on the idle timeout.
    """
    change = _change(case)
    if change is None:
        return
    before, after = (settings.idle_timeout_in_minutes for settings in change)
    if after >= before:
        return
    yield Hit(f'The idle timeout falls from {before} to {after} minutes: connections quiet for longer are cut.',
              target=IDLE_TIMEOUT, evidence={'before': before, 'after': after},
              remediation='Turn on keepalives on one side of long quiet connections; one side is enough.')


def backend_pool_type_change(case):
    """The change switches how nodes join the backend pool.

    Why: AKS takes the nodes out of the pool and puts them back; connections are interrupted.
    Source: the backend pool type of the AKS article on load balancers.
    """
    change = _change(case)
    if change is None or change[0].backend_pool_type == change[1].backend_pool_type:
        return
    yield Hit(f'The backend pool type changes to {change[1].backend_pool_type}: outbound traffic is interrupted while '
              'nodes change places.' + (' Nodes then join by IP address.' if change[1].backend_pool_type == NODE_IP
                                        else ''),
              target=f'{PROFILE}.backendPoolType', remediation='Make the change when little traffic flows.')


def identity_must_join(case):
    """The cluster's identity must be able to join the own IPs.

    Why: without Microsoft.Network/publicIPAddresses/join/action on them the update fails halfway.
    Source: design section 4, Before a command is pasted.
    """
    change = _change(case)
    if change is None or change[0].ips == change[1].ips or change[1].ip_source == MANAGED:
        return
    kind = 'publicIPPrefixes' if change[1].outbound_ip_prefixes else 'publicIPAddresses'
    yield Hit(f'The cluster\'s identity must have Microsoft.Network/{kind}/join/action on each of the own IPs.',
              target='identity', evidence={'identity': case.cluster.identity_type},
              remediation='For example the role Network Contributor on their resource group.')


def quota_not_checked(case):
    """More public IPs are needed than now, and the subscription's quota was not checked.

    Why: the update fails halfway when the quota for public IPs is used up or a policy forbids them.
    Source: design section 4; the article, limitations (Azure Policy).
    """
    if case.proposed is None or case.obstacle is not None:
        return
    held = case.current.settings if case.current else Settings(outbound_ip_count=1)
    more = (case.proposed.settings.outbound_ip_count or 0) - (held.outbound_ip_count or 0)
    if more <= 0:
        return
    yield Hit(f'{more} more public IPs are needed; the quota of the subscription and its policies were not checked.',
              target=EFFECTIVE_IPS, evidence={'more': more},
              remediation='az network list-usages --location LOCATION -o table')


def changed_as_code(case):
    """Whoever keeps the cluster in Bicep, ARM or Terraform must change it there.

    Why: the next deployment of the code would take the change back.
    Source: design section 2, `profile`.
    """
    if _change(case) is None:
        return
    yield Hit('If this cluster is kept in Bicep, ARM templates or Terraform, change it there: the key profile of this '
              'answer is the loadBalancerProfile to set.', target=PROFILE)


def nat_gateway_hint(case):
    """Many IPs for one cluster: a NAT gateway gives ports on demand.

    Why: it gives 64,512 ports per IP to whichever node needs them, instead of a fixed share per node.
    Source: azure-facts section 5.
    """
    if case.proposed is None or (case.proposed.settings.outbound_ip_count or 0) <= snat.NAT_GATEWAY_MAX_IPS:
        return
    yield Hit(f'{case.proposed.settings.outbound_ip_count} outbound IPs are many: a NAT gateway gives ports on demand '
              'and is recommended at this scale.', target='networkProfile.outboundType', link=OUTBOUND_TYPES,
              remediation='az aks lb recommend shows it among the alternatives.')


RULES = (
    Rule('EgressIpsChange', WARNING, egress_ips_change, commands=(PLAN,)),
    Rule('PortsDecrease', WARNING, ports_decrease, commands=(PLAN,)),
    Rule('OutboundIpsDecrease', WARNING, outbound_ips_decrease, commands=(PLAN,)),
    Rule('IdleTimeoutDecrease', WARNING, idle_timeout_decrease, commands=(PLAN,)),
    Rule('BackendPoolTypeChange', WARNING, backend_pool_type_change, commands=(PLAN,)),
    Rule('IdentityMustJoin', INFO, identity_must_join, commands=(PLAN,)),
    Rule('QuotaNotChecked', INFO, quota_not_checked, commands=(PLAN,)),
    Rule('ManyOutboundIps', INFO, nat_gateway_hint, commands=(PLAN,)),
    Rule('ChangedAsCode', INFO, changed_as_code, commands=(PLAN,)),
)
