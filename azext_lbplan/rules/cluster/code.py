# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What infrastructure code would do to the nodes, the version and the cluster itself, and what it leaves open."""

from typing import Iterable

from ...decision import Reason
from ...decision.code_changes import PoolChange, pool_changes
from ...facts import snat
from ...facts.links import OUTBOUND_TYPES, USE_STANDARD_LB
from ...model.finding import INFO, WARNING, Finding
from ...model.origin import REPLACE
from ...model.values import printable
from ..engine import CHANGE, Rule, Rulebook
from .subject import (CHECK, PLAN, POOLS, PROFILE, AtColumn, described_by_code, standard_load_balancer,
                      start_of_change)

RULES: Rulebook[AtColumn] = Rulebook(commands=(PLAN, CHECK), about=CHANGE, link=USE_STANDARD_LB,
                                     concerns=described_by_code)


@RULES.rule('ClusterRecreated', WARNING,
            title='The code change makes a new cluster in the place of the one that is there.',
            why='The provider deletes the cluster with its workloads; managed outbound IPs go with it.',
            source='Terraform, JSON output format: replace_paths.')
def cluster_recreated(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By the action of the plan."""
    origin = subject.observed.origin
    if origin is None or origin.action != REPLACE:
        return
    because = f" because of {', '.join(origin.recreated_by)}" if origin.recreated_by else ''
    yield rule.finding(
        f'{origin.title[:1].upper()}{origin.title[1:]} deletes the cluster and makes it anew{because}: its workloads '
        'are lost, and so are the outbound IPs that AKS manages.', target=origin.address,
        evidence={'address': origin.address, 'because': list(origin.recreated_by)},
        remediation='Undo the changes that force it, unless a new cluster is what you want.')


@RULES.rule('CodeRaisesNodes', INFO, up_to=WARNING, needs=(start_of_change, standard_load_balancer),
            title='The code change lets the cluster have more nodes.',
            why='AKS validates the ports against the maximum and the surge of every node pool: one pool more can make '
                'every later update fail.',
            source='AZURE-FACTS section 2, what AKS validates.')
def code_raises_nodes(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Pools that are new, and maxima and surges that grow."""
    raised = [change for change in pool_changes(subject.decision) if change.more > 0]
    if not raised:
        return
    before, after = subject.current, subject.column
    breaks = before.fits is True and after.fits is False
    yield rule.finding(
        f"The change {'; '.join(map(_raised, raised[:5]))}{' and more' if len(raised) > 5 else ''}. AKS then counts "
        f'{after.nodes.validated} nodes instead of {before.nodes.validated}' +
        (', for which the ports no longer suffice.' if breaks else '.'),
        severity=WARNING if breaks else None, target=POOLS,
        evidence={'validatedBefore': before.nodes.validated, 'validatedAfter': after.nodes.validated,
                  'pools': [change.name for change in raised]},
        remediation='Make room in the same change: fewer ports per node, a lower maximum, or more outbound IPs.' if
        breaks else None)


def _raised(change: PoolChange) -> str:
    before, after = change.before, change.after
    if before is None:
        return f"adds node pool '{change.name}' ({after.max if after else 0} nodes at most, surge " \
               f'{after.surge if after else 0})'
    if after is not None and after.max > before.max:
        return f"raises the maximum of node pool '{change.name}' from {before.max} to {after.max}"
    return f"raises the surge of node pool '{change.name}' from {before.surge} to {after.surge if after else 0}"


@RULES.rule('CodeRemovesPools', INFO, needs=(start_of_change, standard_load_balancer),
            title='The code change removes node pools.',
            why='What is counted after the change leaves them out; a pool that another deployment makes stays.',
            source='Azure/arm-template-whatif issue 128.')
def code_removes_pools(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Pools that are there before, and not after."""
    removed = [change.name for change in pool_changes(subject.decision) if change.after is None]
    if removed:
        yield rule.finding(f"The change removes node pools: {', '.join(removed[:5])}.", target=POOLS,
                           evidence={'pools': removed})


@RULES.rule('CodeMovesVersion', INFO, needs=(start_of_change,),
            title='The code change moves the cluster to another Kubernetes version.',
            why='From 1.32 on an unset maxSurge counts 10 % of a pool instead of one node.',
            source='AZURE-FACTS section 2 (CHANGELOG 2025-03-16).')
def code_moves_version(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Minor versions that are known."""
    before, cluster = subject.observed.before, subject.cluster
    old, new = (snat.minor_version(one.kubernetes_version) if one else None for one in (before, cluster))
    if old is None or new is None or old == new:
        return
    surge = ' An unset maxSurge then counts 10 % of a pool instead of one node.' if \
        old < snat.PERCENT_SURGE_SINCE <= new else ''
    yield rule.finding(
        f"The change moves Kubernetes from {'.'.join(map(str, old))} to {'.'.join(map(str, new))}: the nodes are "
        f'replaced with surge.{surge}', target='kubernetesVersion',
        evidence={'before': '.'.join(map(str, old)), 'after': '.'.join(map(str, new))})


@RULES.rule('CodeMovesEgress', WARNING, needs=(start_of_change,), link=OUTBOUND_TYPES,
            title='The code change moves the cluster to another outbound type.',
            why='Traffic then leaves by other addresses, and connections are interrupted.',
            source='AZURE-FACTS section 1, Outbound types.')
def code_moves_egress(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Before and after, where both are known."""
    before, after = subject.observed.before, subject.cluster
    if before is None or after is None or not after.egress_known or before.outbound_type == after.outbound_type:
        return
    yield rule.finding(
        f'The change moves the outbound type from {printable(before.outbound_type)} to '
        f'{printable(after.outbound_type)}: the egress IPs change, and connections are interrupted.',
        target='networkProfile.outboundType',
        evidence={'before': before.outbound_type, 'after': after.outbound_type},
        remediation='Allow the new addresses first, and make the change when little traffic flows.')


@RULES.rule('ProviderResetsIps', WARNING, needs=(start_of_change, standard_load_balancer),
            title='The azurerm provider may set one managed outbound IP instead of the number in the code.',
            why='Where own IPs are taken away in the same apply, the provider writes a count of 1 over the one that it '
                'has just taken from the code.',
            source='hashicorp/terraform-provider-azurerm, kubernetes_cluster_resource.go [I].')
def provider_resets_ips(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """From own IPs to more than one managed IP, by azurerm."""
    origin, before, after = subject.observed.origin, subject.observed.before, subject.cluster
    if origin is None or before is None or after is None or 'azurerm_kubernetes_cluster.' not in (origin.address or ''):
        return
    count = after.profile.managed_outbound_ip_count or 0
    if before.profile.own_ids and not after.profile.own_ids and count > 1:
        yield rule.finding(
            f'The change takes own outbound IPs away and asks for {count} managed ones: the provider may set 1.',
            target=f'{PROFILE}.managedOutboundIPs.count', evidence={'managedOutboundIpCount': count},
            remediation='Plan again after the apply: it shows whether the number has come.')


@RULES.rule('CodeLeavesOpen', WARNING,
            title='The code does not tell what decides, so whether the ports fit is not known.',
            why='A value that is only known at deployment may be any: a gate that passed would pass by accident.',
            source='Terraform, JSON output format: after_unknown; ARM, template functions.')
def code_leaves_open(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Where the decision could not be made."""
    origin = subject.observed.origin
    if origin is None or subject.decision.reason is not Reason.UNKNOWN_SETTINGS or not subject.column.nodes.most_known:
        return
    yield rule.finding(
        f"Whether the ports fit is not known, because {origin.title} does not tell: {', '.join(origin.unknown)}.",
        target=PROFILE, evidence={'unknown': list(origin.unknown)},
        remediation="Give the values that the deployment takes with '--parameters', or read a plan that knows them.")
