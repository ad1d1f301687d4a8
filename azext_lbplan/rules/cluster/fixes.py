# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Remediations that are lines for a shell: the solver's answer to a change, as the end of a Hit."""

from typing import Dict, Optional

from ...decision import flags
from ...facts import snat
from ...model.cluster import MANAGED
from ...model.outbound import Case, Scale, Wanted
from ...decision.sizing import plan


def repair(case: Case, otherwise: str) -> Dict[str, Optional[str]]:
    """What `case` itself proposes; `otherwise` is the advice where it proposes nothing."""
    return _remedy(case, '', otherwise)


def change(case: Case, advice: str, scale: Optional[Scale] = None, **typed) -> Dict[str, Optional[str]]:
    """`advice` and the line that sets the options `typed` (names of Wanted) with whatever else they take."""
    return _remedy(plan(case.observed, scale or case.scale, Wanted(**typed)), f'{advice} ', advice)


def reconcile(case: Case, advice: str) -> Dict[str, Optional[str]]:
    """`advice` and the line that makes AKS bring its load balancer in step with the profile, and changes nothing
    else; no line where that would cut: AKS sets all of the profile at once."""
    if _would_cut(case):
        return {'remediation': f'{advice} First put into the profile what must stay: the load balancer has more than '
                               'the profile knows.', 'command': None}
    return {'remediation': advice, 'command': flags.update_line(case.cluster, ['--yes'])}


def _would_cut(case):
    """Whether the load balancer has more ports per node, a longer idle timeout or other IPs than the profile."""
    rule = case.observed.load_balancer.outbound_rule if case.observed.load_balancer else None
    if rule is None or case.current is None or case.current.settings is None:
        return False
    settings = case.current.settings
    ports = settings.outbound_ports or snat.automatic_ports(case.nodes.today, settings.frontends)
    known = {one.lower() for one in case.cluster.profile.effective_ids}
    used = [frontend.public_ip_id or frontend.prefix_id for frontend in case.observed.load_balancer.outbound_frontends]
    return ((case.current.ports_per_node or 0) > (ports or 0) or
            (rule.idle_timeout_in_minutes or 0) > settings.idle_timeout_in_minutes or
            bool(known) and any(one and one.lower() not in known for one in used))


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
