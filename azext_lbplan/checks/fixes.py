# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Remediations that are lines for a shell: the solver's answer to a change, as the end of a Hit."""

from typing import Dict, Optional

from .. import flags
from ..model.cluster import MANAGED
from ..model.outbound import Case, Scale, Wanted
from ..sizing import plan


def repair(case: Case, otherwise: str) -> Dict[str, Optional[str]]:
    """What `case` itself proposes; `otherwise` is the advice where it proposes nothing."""
    return _remedy(case, '', otherwise)


def change(case: Case, advice: str, scale: Optional[Scale] = None, **typed) -> Dict[str, Optional[str]]:
    """`advice` and the line that sets the options `typed` (names of Wanted) with whatever else they take."""
    return _remedy(plan(case.observed, scale or case.scale, Wanted(**typed)), f'{advice} ', advice)


def reconcile(case: Case, advice: str) -> Dict[str, Optional[str]]:
    """`advice` and the line that makes AKS bring its load balancer in step with the profile, and changes nothing."""
    return {'remediation': advice, 'command': flags.update_line(case.cluster, ['--yes'])}


def _remedy(solved, lead, otherwise):
    lines = flags.commands(solved)
    if not lines:
        return {'remediation': otherwise, 'command': None}
    made = (f" New public IPs are made first: {', '.join(address.name for address in solved.new_addresses)}."
            if solved.new_addresses else '')
    return {'remediation': f'{lead}Set {flags.summary(solved)}.{made}{_egress(solved)}', 'command': ' && '.join(lines)}


def _egress(solved):
    """New egress IPs are refused where only the old ones are allowed (design section 4, IP modes)."""
    if solved.current is None or solved.current.settings.ips == solved.proposed.settings.ips:
        return ''
    when = ('their addresses are known only afterwards' if solved.proposed.settings.ip_source == MANAGED else
            'allow the new ones first')
    return f' Egress IPs are added: where firewalls or partners allow-list them, {when}.'
