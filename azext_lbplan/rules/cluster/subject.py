# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What rules on clusters look at: a decision at one of its columns; and what they may need beside it."""

from __future__ import annotations

from typing import NamedTuple, Optional

from ...decision import Configuration, Decision, Settings
from ...facts.clusters import LOAD_BALANCER
from ...model.alerts import metric_alerts_id
from ...model.cluster import Cluster
from ...model.observed import Observed, load_balancer_id
from ...model.values import id_segments

#: Commands that a rule speaks up in.
PLAN = 'plan'
CHECK = 'check'

#: Paths that findings point at.
PROFILE = 'networkProfile.loadBalancerProfile'
PORTS = f'{PROFILE}.allocatedOutboundPorts'
IDLE_TIMEOUT = f'{PROFILE}.idleTimeoutInMinutes'
EFFECTIVE_IPS = f'{PROFILE}.effectiveOutboundIPs'
POOLS = 'agentPoolProfiles'

FROM_FILE = "Not in the file: take a snapshot with '--save-to', or name the cluster."
_FORBIDDEN = 403


class AtColumn(NamedTuple):
    """A decision, and the column of it that is judged."""

    decision: Decision
    column: Configuration

    @property
    def observed(self) -> Observed:
        """What was read."""
        return self.decision.observed

    @property
    def cluster(self) -> Optional[Cluster]:
        """The cluster; None for one that does not exist yet."""
        return self.decision.observed.cluster

    @property
    def settings(self) -> Settings:
        """The settings of the column. Raises LookupError where egress takes another way (see standard_load_balancer).
        """
        if self.column.settings is None:
            raise LookupError('no load balancer settings')
        return self.column.settings

    @property
    def current(self) -> Configuration:
        """What is in force. Raises LookupError for a new cluster (see existing_cluster)."""
        if self.decision.current is None:
            raise LookupError('no cluster')
        return self.decision.current


# What a rule may need. Each says why it is not there.

def standard_load_balancer(subject: AtColumn) -> Optional[str]:
    """A Standard load balancer as the way out."""
    cluster = subject.cluster
    if cluster is None or cluster.on_standard_load_balancer:
        return None
    if cluster.outbound_type != LOAD_BALANCER:
        return f'The outbound type is {cluster.outbound_type}, not {LOAD_BALANCER}.'
    return f'The load balancer is {cluster.load_balancer_sku}, not Standard.'


def existing_cluster(subject: AtColumn) -> Optional[str]:
    """A cluster that exists."""
    return 'There is no cluster yet.' if subject.cluster is None else None


def live(subject: AtColumn) -> Optional[str]:
    """The cluster itself, and not what code would make of it."""
    return 'This answer is about code: ask about the cluster itself.' if subject.observed.origin else None


def start_of_change(subject: AtColumn) -> Optional[str]:
    """What a change in code starts from."""
    if subject.observed.origin and subject.observed.before is None:
        return 'The code does not tell what is in force.'
    return None


def load_balancer(subject: AtColumn) -> Optional[str]:
    """The load balancer, read."""
    cluster = subject.cluster
    if cluster is None or subject.observed.load_balancer is not None:
        return None
    error = subject.observed.error_of(load_balancer_id(cluster) or '')
    if error is None:
        return f'The load balancer was not read. {FROM_FILE}'
    if error.status == _FORBIDDEN:
        return ('The load balancer could not be read: Microsoft.Network/loadBalancers/read is missing on resource '
                f'group {cluster.node_resource_group}.')
    return f'The load balancer could not be read ({error.code}).'


def metric_alerts(subject: AtColumn) -> Optional[str]:
    """The metric alerts of the subscription, read."""
    cluster = subject.cluster
    if cluster is None or subject.observed.metric_alerts is not None:
        return None
    errors = subject.observed.errors
    error = subject.observed.error_of(metric_alerts_id(load_balancer_id(cluster)) or '') if errors else None
    if error is None:
        return f'The metric alerts were not read. {FROM_FILE}'
    if error.status == _FORBIDDEN:
        return ('The metric alerts could not be read: Microsoft.Insights/metricAlerts/read is missing on the '
                'subscription.')
    return f'The metric alerts could not be read ({error.code}).'


def own_ips(subject: AtColumn) -> Optional[str]:
    """The own IPs and prefixes of the column, read. One that does not exist (404) is known well enough."""
    ids = subject.column.settings.own_ids if subject.column.settings else ()
    unread = [resource_id for resource_id in ids
              if not subject.observed.public_ip(resource_id) and not subject.observed.prefix(resource_id)]
    errors = [error for error in map(subject.observed.error_of, unread) if error is not None]
    if any(error.status == _FORBIDDEN for error in errors):
        kinds = sorted({kind_of(error.resource_id) for error in errors if error.status == _FORBIDDEN})
        return (f'{len(unread)} of {len(ids)} own outbound IPs could not be read: ' +
                ' and '.join(f'Microsoft.Network/{kind}/read' for kind in kinds) + ' is missing on them.')
    if any(not error.means_gone for error in errors):
        return f'{len(unread)} of {len(ids)} own outbound IPs could not be read ({errors[0].code}).'
    if len(errors) < len(unread):
        return f'{len(unread)} of {len(ids)} own outbound IPs were not read. {FROM_FILE}'
    return None


def ip_count(subject: AtColumn) -> Optional[str]:
    """The number of outbound IPs: the length of a prefix may not have been read."""
    if subject.column.settings is None or subject.column.settings.outbound_ip_count is not None:
        return None
    return own_ips(subject) or 'How many outbound IPs there are is not known.'


def metrics(subject: AtColumn) -> Optional[str]:
    """Metrics that show something."""
    demand = subject.decision.demand
    if demand is None:
        return 'No metrics were read.'
    reason = demand.evidence.reason or ''
    return f'{reason[:1].upper()}{reason[1:]}.' if demand.evidence.peak_ports_per_node is None else None


def metrics_were_read(subject: AtColumn) -> Optional[str]:
    """Answers to questions about metrics, whatever they show."""
    return None if subject.observed.metrics else metrics(subject)


def enough_metrics(subject: AtColumn) -> Optional[str]:
    """So much measured that silence means something."""
    demand = subject.decision.demand
    return f'Not enough metrics: {demand.evidence.reason}.' if demand is not None and demand.evidence.reason else None


def trend_known(subject: AtColumn) -> Optional[str]:
    """So many days measured that a trend could be seen."""
    demand = subject.decision.demand
    if demand is None or demand.forecast is not None:
        return None
    return 'No trend under two weeks (live: --offset 30d).'


# What rules may concern.

def described_by_code(subject: AtColumn) -> bool:
    """A cluster that infrastructure code describes."""
    return subject.decision.observed.origin is not None


def with_own_addresses(subject: AtColumn) -> bool:
    """One with public IPs or prefixes of the user's own."""
    return bool(subject.decision.own_addresses)


def kind_of(resource_id: str) -> str:
    """The collection that an own address sits in, as permissions are named."""
    return 'publicIPPrefixes' if 'publicipprefixes' in id_segments(resource_id) else 'publicIPAddresses'
