# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The state of cluster and pools, and what could not be read."""

from typing import Iterable, Sequence

from ...decision.aim import is_busy
from ...facts.links import USE_STANDARD_LB
from ...model.agent_pool import AgentPool
from ...model.finding import ERROR, INFO, WARNING, Finding
from ...model.observed import ReadError, load_balancer_id
from ...model.values import id_segments
from ..engine import OBSERVATION, Rule, Rulebook
from .subject import CHECK, PLAN, POOLS, AtColumn, existing_cluster, kind_of, standard_load_balancer

RULES: Rulebook[AtColumn] = Rulebook(commands=(PLAN, CHECK), about=OBSERVATION, needs=(existing_cluster,),
                                     link=USE_STANDARD_LB)

_SUCCEEDED = 'succeeded'


def _pools(subject: AtColumn) -> Sequence[AgentPool]:
    return subject.cluster.pools if subject.cluster else ()


def _names(pools: Sequence[AgentPool]) -> str:
    return ', '.join(pool.name for pool in pools[:5])


@RULES.rule('ClusterNotSucceeded', WARNING,
            title="The cluster's last operation failed, was cancelled, or still runs.",
            why='An update is refused while another runs; after a failure, profile and load balancer may disagree.',
            source='AZURE-FACTS section 9, points 4 and 17.')
def cluster_not_succeeded(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By the provisioning state."""
    state = subject.cluster.provisioning_state if subject.cluster else None
    if state is None or state.lower() == _SUCCEEDED:
        return
    busy = is_busy(subject.cluster)
    yield rule.finding(
        f'The cluster is {state}: ' +
        ('an update is refused until that ends, and what was read may change.' if busy else
         'profile and load balancer may disagree, and the next update must first succeed.'),
        target='provisioningState', evidence={'provisioningState': state},
        command=None if busy else subject.decision.reconciling_line,
        remediation='Wait until it has ended: az aks wait --updated.' if busy else
        'Reconcile it, and see what fails.')


@RULES.rule('ClusterStopped', WARNING,
            title='The cluster is stopped.',
            why='It has no nodes now, so what is in force cannot be read from its load balancer; AKS refuses updates.',
            source='AZURE-FACTS section 9, point 10.')
def cluster_stopped(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By the power state."""
    if subject.cluster is not None and subject.cluster.stopped:
        yield rule.finding('The cluster is stopped: the numbers of today are those of no nodes, and AKS refuses '
                           'updates.', target='powerState.code',
                           evidence={'powerState': subject.cluster.power_state},
                           remediation='Start it first: az aks start.')


@RULES.rule('PoolNotSucceeded', WARNING,
            title="A node pool's last operation failed, was cancelled, or still runs.",
            why='Its count may not be the count that stays; an upgrade of it surges now.',
            source='AZURE-FACTS section 9, points 10 and 17.')
def pool_not_succeeded(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By the pools' provisioning states."""
    pools = [pool for pool in _pools(subject) if (pool.provisioning_state or _SUCCEEDED).lower() != _SUCCEEDED]
    if pools:
        listed = ', '.join(f'{pool.name} ({pool.provisioning_state})' for pool in pools[:5])
        yield rule.finding(f'Node pools that are not Succeeded: {listed}.', target=f'{POOLS}.provisioningState',
                           evidence={'pools': [pool.name for pool in pools]},
                           remediation='Wait for them, or repair them, before the update.')


@RULES.rule('PoolStopped', INFO, needs=(existing_cluster, standard_load_balancer),
            title='A node pool is stopped.',
            why='Whether AKS counts it when it validates ports is not documented; this answer counts it.',
            source='AZURE-FACTS section 2 [?].')
def pool_stopped(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By the pools' power states."""
    pools = [pool for pool in _pools(subject) if pool.stopped]
    if pools:
        yield rule.finding(f'Stopped node pools are counted in full: {_names(pools)}.', target=f'{POOLS}.powerState',
                           evidence={'pools': [pool.name for pool in pools]})


@RULES.rule('BlueGreenPool', INFO, needs=(existing_cluster, standard_load_balancer),
            title='A node pool upgrades blue-green, which doubles it.',
            why='The formula does not count the second set of nodes; during such an upgrade ports may not reach.',
            source='AZURE-FACTS section 3 [I].')
def blue_green_pool(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By the pools' upgrade strategy."""
    pools = [pool for pool in _pools(subject) if pool.blue_green]
    if pools:
        yield rule.finding(f'Node pools that upgrade blue-green run twice their nodes meanwhile, which is not in the '
                           f'count: {_names(pools)}.', target=f'{POOLS}.upgradeStrategy',
                           evidence={'pools': [pool.name for pool in pools]},
                           remediation="Allow for it: az aks lb plan ... --max-count with twice the pool's nodes.")


@RULES.rule('MalformedId', WARNING, up_to=ERROR,
            title='An id or a name that Azure cannot have given.',
            why='What is not of that form is counted nowhere and gets into no line. Where it stands for an own IP or '
                'prefix, Azure refuses the next update.',
            source='Azure, naming rules and restrictions for Azure resources.')
def malformed_id(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By the patterns of Azure."""
    cluster, balancer = subject.cluster, subject.observed.load_balancer
    own = set(cluster.profile.malformed_own_ids) if cluster else set()
    for target, written in (cluster.malformed if cluster else ()) + (balancer.malformed if balancer else ()):
        yield rule.finding(
            f"'{written[:200]}' stands at {target}, and Azure gives no such {_kind_of_name(target)}: it is left out.",
            severity=ERROR if written in own else None, target=target, evidence={'written': written[:200]},
            remediation='Correct it where it comes from; the output of az aks show --output json has it right.')


def _kind_of_name(target: str) -> str:
    return {'name': 'name of a cluster', 'location': 'region'}.get(target) or (
        'name of a resource group' if target.endswith('esourceGroup') else 'id')


@RULES.rule('LoadBalancerNotReadable', WARNING, needs=(existing_cluster, standard_load_balancer),
            title='The load balancer could not be read.',
            why='What is in force, the live backend pool and rules that share frontends are then unknown.',
            source='AZURE-FACTS section 1, names that AKS gives.')
def load_balancer_not_readable(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By the error of its read."""
    cluster = subject.cluster
    balancer = load_balancer_id(cluster) if cluster and subject.observed.errors else None
    error = subject.observed.error_of(balancer) if balancer else None
    if error is not None and cluster is not None:
        yield rule.finding(
            f'The load balancer could not be read ({error.code}): what is in force, the live backend pool and drift '
            'are not known. The answer rests on the cluster alone.', target=error.resource_id,
            evidence={'status': error.status, 'code': error.code},
            remediation=f'Ask for Microsoft.Network/loadBalancers/read on resource group {cluster.node_resource_group}.'
            if error.status == 403 else _again(error))


@RULES.rule('OutboundIpNotReadable', WARNING, needs=(),
            title='An own public IP or prefix could not be read, although it may exist.',
            why='Its family, its SKU or the number of its addresses are then unknown.',
            source='AZURE-FACTS section 9, point 1.')
def outbound_ip_not_readable(rule: Rule[AtColumn], subject: AtColumn) -> Iterable[Finding]:
    """By the errors of their reads."""
    for error in subject.observed.errors:
        segments = id_segments(error.resource_id)
        if error.status == 404 or not {'publicipaddresses', 'publicipprefixes'} & set(segments):
            continue
        yield rule.finding(
            f'{error.resource_id} could not be read ({error.code}): ' +
            ('how many addresses it brings is not known.' if 'publicipprefixes' in segments else
             'it is counted as one IPv4 address.'),
            target=error.resource_id, evidence={'status': error.status, 'code': error.code},
            remediation=f'Ask for Microsoft.Network/{kind_of(error.resource_id)}/read on it.'
            if error.status == 403 else _again(error))


def _again(error: ReadError) -> str:
    if error.status == 404:
        return 'It does not exist (any more): check the id.'
    return 'Run the command again; with --debug it shows the answer.'
