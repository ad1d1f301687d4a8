# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The state of cluster and pools, and what could not be read."""

from ...model.finding import INFO, WARNING
from ...model.observed import load_balancer_id
from ...model.values import id_segments
from .fixes import reconcile
from .rule import POOLS, Hit, Rule

_SUCCEEDED = 'succeeded'
_BUSY = ('creating', 'updating', 'upgrading', 'scaling', 'starting', 'stopping', 'deleting')


def busy(cluster):
    """Whether an operation on the cluster runs."""
    return cluster is not None and (cluster.provisioning_state or '').lower() in _BUSY


def cluster_not_succeeded(case):
    """The cluster's last operation failed, was cancelled, or still runs.

    Why: an update is refused while another runs; after a failure, profile and load balancer may disagree.
    Source: azure-facts section 9, points 4 and 17.
    """
    cluster = case.cluster
    state = (cluster.provisioning_state or '').lower() if cluster else _SUCCEEDED
    if state in (_SUCCEEDED, ''):
        return
    yield Hit(f'The cluster is {cluster.provisioning_state}: ' +
              ('an update is refused until that ends, and what was read may change.' if busy(cluster) else
               'profile and load balancer may disagree, and the next update must first succeed.'),
              target='provisioningState', evidence={'provisioningState': cluster.provisioning_state},
              **({'remediation': 'Wait until it has ended: az aks wait --updated.'} if busy(cluster) else
                 reconcile(case, 'Reconcile it, and see what fails.')))


def cluster_stopped(case):
    """The cluster is stopped.

    Why: it has no nodes now, so what is in force cannot be read from its load balancer; AKS refuses updates.
    Source: azure-facts section 9, point 10.
    """
    if case.cluster and case.cluster.stopped:
        yield Hit('The cluster is stopped: the numbers of today are those of no nodes, and AKS refuses updates.',
                  target='powerState.code', evidence={'powerState': case.cluster.power_state},
                  remediation='Start it first: az aks start.')


def pool_not_succeeded(case):
    """A node pool's last operation failed, was cancelled, or still runs.

    Why: its count may not be the count that stays; an upgrade of it surges now.
    Source: azure-facts section 9, points 10 and 17.
    """
    pools = [pool for pool in (case.cluster.pools if case.cluster else ())
             if (pool.provisioning_state or _SUCCEEDED).lower() != _SUCCEEDED]
    if pools:
        yield Hit('Node pools that are not Succeeded: ' +
                  ', '.join(f'{pool.name} ({pool.provisioning_state})' for pool in pools[:5]) + '.',
                  target=f'{POOLS}.provisioningState', evidence={'pools': [pool.name for pool in pools]},
                  remediation='Wait for them, or repair them, before the update.')


def pool_stopped(case):
    """A node pool is stopped.

    Why: whether AKS counts it when it validates ports is not documented; this answer counts it.
    Source: azure-facts section 2 [?].
    """
    pools = [pool for pool in (case.cluster.pools if case.cluster else ()) if pool.stopped]
    if pools:
        yield Hit('Stopped node pools are counted in full: ' + ', '.join(pool.name for pool in pools[:5]) + '.',
                  target=f'{POOLS}.powerState', evidence={'pools': [pool.name for pool in pools]})


def blue_green_pool(case):
    """A node pool upgrades blue-green, which doubles it.

    Why: the formula does not hold the second set of nodes; during such an upgrade ports may not reach.
    Source: azure-facts section 3 [I].
    """
    pools = [pool for pool in (case.cluster.pools if case.cluster else ()) if pool.blue_green]
    if pools:
        yield Hit('Node pools that upgrade blue-green run twice their nodes meanwhile, which is not in the count: ' +
                  ', '.join(pool.name for pool in pools[:5]) + '.',
                  target=f'{POOLS}.upgradeStrategy', evidence={'pools': [pool.name for pool in pools]},
                  remediation="Plan for it: az aks lb plan ... --max-count with twice the pool's nodes.")


def load_balancer_not_readable(case):
    """The load balancer could not be read.

    Why: what is in force, the live backend pool and rules that share frontends are then unknown.
    Source: design section 3, Reading.
    """
    cluster = case.cluster
    error = case.observed.error_of(load_balancer_id(cluster)) if cluster and load_balancer_id(cluster) else None
    if error is not None:
        yield Hit(f'The load balancer could not be read ({error.code}): what is in force, the live backend pool and '
                  'drift are not known. The answer rests on the cluster alone.',
                  target=error.resource_id, evidence={'status': error.status, 'code': error.code},
                  remediation='Ask for Microsoft.Network/loadBalancers/read on resource group '
                              f'{cluster.node_resource_group}.' if error.status == 403 else _again(error))


def outbound_ip_not_readable(case):
    """An own public IP or prefix could not be read, although it may exist.

    Why: its family, its SKU or the number of its addresses are then unknown.
    Source: design section 3, Reading; azure-facts section 9, point 1.
    """
    errors = [error for error in case.observed.errors if error.status != 404 and
              {'publicipaddresses', 'publicipprefixes'} & set(id_segments(error.resource_id))]
    for error in errors:
        prefix = 'publicipprefixes' in id_segments(error.resource_id)
        kind = 'publicIPPrefixes' if prefix else 'publicIPAddresses'
        yield Hit(f'{error.resource_id} could not be read ({error.code}): ' +
                  ('how many addresses it brings is not known.' if prefix else 'it is counted as one IPv4 address.'),
                  target=error.resource_id, evidence={'status': error.status, 'code': error.code},
                  remediation=f'Ask for Microsoft.Network/{kind}/read on it.' if error.status == 403 else _again(error))


def _again(error):
    if error.status == 404:
        return 'It does not exist (any more): check the id.'
    return 'Run the command again; with --debug it shows the answer.'


RULES = (
    Rule('ClusterNotSucceeded', WARNING, cluster_not_succeeded, needs=()),
    Rule('ClusterStopped', WARNING, cluster_stopped, needs=()),
    Rule('PoolNotSucceeded', WARNING, pool_not_succeeded, needs=()),
    Rule('PoolStopped', INFO, pool_stopped),
    Rule('BlueGreenPool', INFO, blue_green_pool),
    Rule('LoadBalancerNotReadable', WARNING, load_balancer_not_readable),
    Rule('OutboundIpNotReadable', WARNING, outbound_ip_not_readable, needs=()),
)
