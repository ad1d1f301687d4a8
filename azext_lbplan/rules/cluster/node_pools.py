# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Node pools that differ from the others: excluded, hosted, gateways, Windows without its NAT, beyond a scale set."""

from typing import Iterable, Iterator, List, NamedTuple, Optional

from ...decision.egress import UNKNOWN, Path
from ...facts import snat
from ...facts.clusters import EXCLUDING_LABEL, LOAD_BALANCER, SCALE_SETS
from ...facts.links import STATIC_EGRESS_GATEWAY, UPGRADES, USE_STANDARD_LB, WINDOWS_OUTBOUND_NAT
from ...model.agent_pool import AgentPool
from ...model.finding import INFO, WARNING, Finding, counted
from ..engine import OBSERVATION, Rule, Rulebook
from .subject import CHECK, POOLS, AtColumn, existing_cluster, standard_load_balancer

RULES: Rulebook[AtColumn] = Rulebook(commands=(CHECK,), about=OBSERVATION, link=USE_STANDARD_LB,
                                     needs=(existing_cluster, standard_load_balancer))


def _pools(subject: AtColumn) -> Iterator[AgentPool]:
    return iter(subject.cluster.pools if subject.cluster else ())


def _names(pools: Iterable[AgentPool]) -> List[str]:
    return [pool.name for pool in pools]


def _listed(names: List[str]) -> str:
    return ', '.join(names[:5]) + (f' and {len(names) - 5} more' if len(names) > 5 else '')


class _Upgrade(NamedTuple):
    """A pool at its maximum while it is upgraded; `low_surge` leaves out what is not documented."""

    pool: AgentPool
    surge: int
    low_surge: int


def _upgrade(pool: AgentPool) -> _Upgrade:
    """An upgrade surges by no more nodes than it upgrades, and with a maxSurge of 0 by none (AZURE-FACTS section 2)."""
    surge = snat.surge(pool.max_surge, pool.max, pool.kubernetes_version, pool.max)
    if (pool.max_surge or '').rstrip('%').strip() == '0':
        return _Upgrade(pool, 0, 0)
    return _Upgrade(pool, min(surge.nodes, pool.max), min(surge.low, pool.max))


@RULES.rule('ScaleSetLimit', WARNING, link=UPGRADES,
            title='A node pool at its maximum has no room for the surge of an upgrade.',
            why='A scale set holds 1,000 instances. AKS rejects an upgrade whose surge would not fit before it starts: '
                'the pool then stays on its version.',
            source='AZURE-FACTS section 3 [D], upgrade-aks-node-pools-rolling.md.')
def scale_set_limit(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Each pool at its maximum; worth knowing only, where a surge that is not set may be smaller."""
    # A surge is no larger than the pool.
    upgrades = [_upgrade(pool) for pool in _pools(subject)
                if 2 * pool.max > snat.MAX_SCALE_SET and pool.type in (SCALE_SETS, None)]
    over = [one for one in upgrades if one.pool.max + one.surge > snat.MAX_SCALE_SET]
    if not over:
        return
    certain = any(one.pool.max + one.low_surge > snat.MAX_SCALE_SET for one in over)
    told = ', '.join(f"'{one.pool.name}' ({one.pool.max} nodes and {one.surge} of surge)" for one in over[:5])
    yield rule.finding(
        f'A scale set holds {snat.MAX_SCALE_SET:,} nodes, surge included, and an upgrade that would exceed it is '
        f'rejected: node pools {told}.' +
        ('' if certain else ' Sources disagree about a surge that is not set: this counts 10 %.'),
        severity=None if certain else INFO, target=f'{POOLS}.maxCount',
        evidence={'limit': snat.MAX_SCALE_SET, 'pools': [
            {'name': one.pool.name, 'max': one.pool.max, 'surge': one.surge} for one in over]},
        remediation='Lower the maximum, or the surge (az aks nodepool update --max-surge), or split the pool.')


@RULES.rule('PoolExcludedFromLoadBalancers', INFO,
            title='A node pool is excluded from load balancers.',
            why='Its nodes leave the backend pools of Services. Whether they leave the outbound one, too, and have no '
                'way out, is not documented; a node with the label is excluded whatever the value.',
            source='AZURE-FACTS section 2 [D], [O], [?]; the article, "Exclude node pool from Load Balancer backend '
                   'pool".')
def pool_excluded(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By the label on the pool. What the load balancer shows of it is told."""
    names = _names(pool for pool in _pools(subject) if pool.excluded)
    if not names:
        return
    members, nodes = subject.column.nodes.backend_pool, sum(pool.current for pool in subject.column.nodes.pools)
    shown = ('whether also the one for outbound connections is not documented.' if members is None else
             f'the one for outbound connections has {members} members for {counted(nodes, "node")}.')
    yield rule.finding(
        f'Nodes of {_listed(names)} are excluded from load balancers: they leave the backend pools of Services, and '
        f'{shown}', target=f'{POOLS}.nodeLabels',
        evidence={'pools': names, 'label': EXCLUDING_LABEL, 'backendPool': members, 'nodes': nodes},
        remediation='Where nodes are missing there, see that they have another way out: a NAT gateway on their subnet.'
        if members is not None and members < nodes else None)


@RULES.rule('WindowsOutboundNatDisabled', WARNING, needs=(existing_cluster,), link=WINDOWS_OUTBOUND_NAT,
            title='Windows nodes without OutboundNAT have the load balancer as their way out.',
            why='AKS supports that with a NAT gateway or user-defined routing only: addresses of pods are not '
                'translated to that of their node, and the load balancer knows none of them.',
            source='AZURE-FACTS section 3 [D], nat-gateway.md, "Disable OutboundNAT for Windows".')
def windows_outbound_nat_disabled(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """Where packets of such a pool leave through the load balancer; in doubt where that could not be read."""
    without = _names(pool for pool in _pools(subject) if pool.without_windows_nat)
    cluster = subject.cluster
    if not without or cluster is None or cluster.outbound_type != LOAD_BALANCER:
        return
    ways = {name: _way_of_pods(subject.decision.egress.paths, name) for name in without}
    wrong = [name for name, way in ways.items() if way in (LOAD_BALANCER, UNKNOWN, None)]
    if wrong:
        unknown = all(ways[name] != LOAD_BALANCER for name in wrong)
        yield rule.finding(
            f'OutboundNAT of Windows is disabled on {_listed(wrong)}, which AKS does not support with outbound type '
            f'{LOAD_BALANCER}: connections of pods there have no way out' +
            (', unless something on the subnet gives one: that was not read.' if unknown else '.'),
            target=f'{POOLS}.windowsProfile.disableOutboundNat', evidence={'pools': wrong},
            remediation='Put a NAT gateway on their subnet, or make the pool anew without '
                        '--disable-windows-outbound-nat.')


def _way_of_pods(paths: Iterable[Path], name: str) -> Optional[str]:
    """By which way packets of pods leave: that of their own subnet, else that of the nodes."""
    ways = {path.traffic: path.way for path in paths if name in path.pools}
    return ways.get('pods', ways.get('nodes'))


@RULES.rule('StaticEgressGateway', INFO, needs=(existing_cluster,), link=STATIC_EGRESS_GATEWAY,
            title='Some pods may leave through a static egress gateway.',
            why='They leave from the prefixes of Gateway node pools, use no SNAT port of the load balancer, and '
                'allow-lists need those prefixes, too. Which pods do is known in Kubernetes alone.',
            source='AZURE-FACTS section 3 [D], configure-static-egress-gateway.md.')
def static_egress_gateway(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By Gateway pools."""
    gateways = [pool for pool in _pools(subject) if pool.gateway]
    if not gateways:
        return
    told = _listed([pool.name + ('' if pool.gateway_prefix is None else f' (/{pool.gateway_prefix})')
                    for pool in gateways])
    yield rule.finding(
        f'Pods that a StaticGatewayConfiguration covers leave through the gateway pools {told}: from a prefix of their '
        'own, and past the load balancer.', target=f'{POOLS}.gatewayProfile',
        evidence={'pools': [{'name': pool.name, 'prefixLength': pool.gateway_prefix} for pool in gateways]},
        remediation='The prefixes for allow-lists: kubectl get staticgatewayconfigurations -A -o yaml '
                    '(status.egressIpPrefix).')


@RULES.rule('HostedSystemPool', INFO,
            title='The system node pools are hosted.',
            why='Their nodes are in no agent pool, but in a backend pool and behind an outbound rule of their own, and '
                'share no ports with other nodes. Whether AKS counts them when it validates ports is not documented.',
            source='AZURE-FACTS section 3 [O], [?].')
def hosted_system_pool(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By the cluster, or by its load balancer."""
    balancer = subject.observed.load_balancer
    pool = balancer.hosted_pool if balancer else None
    if pool is None and not (subject.cluster is not None and subject.cluster.hosted_system_pools):
        return
    members = pool.ipv4_members if pool else None
    yield rule.finding(
        'AKS hosts the system node pools: their nodes are in no agent pool and not in the numbers here' +
        (f'; the backend pool {pool.name} has {counted(pool.ipv4_members, "member")}.' if pool else '.'),
        target='hostedSystemProfile', evidence={'backendPool': pool.name if pool else None, 'members': members})
