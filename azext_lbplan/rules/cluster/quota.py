# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The quota for public IPs of the subscription, where a change needs more of them."""

from __future__ import annotations

from typing import Iterable, Optional

from ...decision.new_ips import NewIps, new_ips_of, quotas, shortages
from ...facts.links import NETWORK_LIMITS
from ...model.finding import ERROR, INFO, Finding, counted
from ..engine import CHANGE, Rule, Rulebook
from .subject import CHECK, EFFECTIVE_IPS, FROM_FILE, PLAN, AtColumn, standard_load_balancer

_FORBIDDEN = 403
_NOT_READ = 'The quota for public IPs was not read.'


def _why_unknown(subject: AtColumn, new: NewIps) -> Optional[str]:
    """Why it is not known whether the quota has room; None where it is."""
    if None not in quotas(subject.decision, new):
        return None
    error = subject.observed.error_of(new.usages_id or '')
    if error is None:
        return _NOT_READ
    if error.status == _FORBIDDEN:
        return ('The quota for public IPs could not be read: Microsoft.Network/locations/usages/read is missing on the '
                'subscription.')
    return f'The quota for public IPs could not be read ({error.code}).'


def _quota(subject: AtColumn) -> Optional[str]:
    """The quota, where it matters."""
    new = new_ips_of(subject.decision)
    why = _why_unknown(subject, new) if new else None
    return f'{_NOT_READ} {FROM_FILE}' if why == _NOT_READ else why


RULES: Rulebook[AtColumn] = Rulebook(about=CHANGE, link=NETWORK_LIMITS)


@RULES.rule('PublicIpQuota', ERROR, commands=(PLAN, CHECK), needs=(standard_load_balancer,), needs_in_part=(_quota,),
            title='More public IPs are needed than the quota of the subscription has left.',
            why='Azure makes none beyond the quota: the line fails, and where AKS was to make them the cluster is left '
                'Failed.',
            source='AZURE-FACTS section 11, quotas.')
def public_ip_quota(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Of public IPs, and of prefixes."""
    new = new_ips_of(subject.decision)
    for shortage in shortages(subject.decision, new) if new else ():
        usage = shortage.usage
        yield rule.finding(
            f'The change needs {shortage.needed} more of the quota {usage.name}, and {usage.free} are left '
            f'({usage.used} of {usage.limit} in {new.location if new else None}).', target=EFFECTIVE_IPS,
            evidence={'id': usage.name, 'needed': shortage.needed, 'used': usage.used, 'limit': usage.limit},
            remediation='Before the line have the quota raised (the page Quotas of the portal, or az quota), or delete '
                        'public IPs that nothing uses.')


@RULES.rule('QuotaNotChecked', INFO, commands=(PLAN,), needs=(standard_load_balancer,),
            title="More public IPs are needed than now, and the subscription's quota was not checked.",
            why='The update fails halfway when the quota for public IPs is used up or a policy forbids them.',
            source='AZURE-FACTS section 11, quotas; the article, limitations (Azure Policy).')
def quota_not_checked(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Beyond those of today, or beyond the one that a new cluster has anyway."""
    new = new_ips_of(subject.decision)
    why = _why_unknown(subject, new) if new else None
    if new is not None and why is not None:
        what = counted(new.ips, 'public IP') if new.ips else f'{new.prefixes} prefixes of public IPs'
        yield rule.finding(f'{what} more than now. {why}', target=EFFECTIVE_IPS,
                           evidence={'more': new.ips + new.prefixes},
                           remediation='az aks lb recommend and az aks lb check read it; az network list-usages '
                                       '--location LOCATION shows it.')
