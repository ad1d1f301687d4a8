# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Reading one cluster and what is around it into a snapshot, in rounds: first the cluster; then its network resources
and the first pass of its metrics side by side; then what these lead to: route tables and NAT gateways of the subnets,
and what the first pass of the metrics asks for."""
from __future__ import annotations

import datetime
from functools import partial
from typing import (TYPE_CHECKING, Any, Callable, Dict, FrozenSet, Iterator, List, Mapping, NamedTuple, Optional,
                    Sequence, Tuple, Union)

from azure.cli.core import AzCli
from knack.util import CLIError

from ..facts.alerts import ALERTS_API
from ..facts.clusters import BLOCK, MANAGED_NAT_GATEWAYS, PREFIXES, PUBLIC_IPS
from ..facts.ids import ArmId, parse_id
from ..facts.networks import NAT_GATEWAY_TYPE, PREFIX_TYPE, PUBLIC_IP_TYPE, ROUTE_TABLE_TYPE
from ..inputs.allowed import reduced, reduced_part
from ..model.alerts import looks_at, metric_alerts_id
from ..model.cluster import Cluster, is_cluster, missing_in, parse_cluster
from ..model.network import parse_public_ip
from ..model.observed import (INVALID_ANSWER, SCHEMA, Observed, Snapshot, egress_load_balancer_id, has_snat_metrics,
                              is_managed, managed_addresses, managed_networks, parse_observed)
from ..model.subnets import parse_nat_gateway, parse_subnet, subnets_of
from ..model.usages import is_about_addresses, usages_id
from ..model.values import Json, distinct, get, items, same_id, text
from .arm import (MANAGED_CLUSTERS_API, NETWORK_API, Advice, ArmClient, Job, ReadFailure, Request, cli_error, connect,
                  resource_path, side_by_side)
from .progress import Progress

if TYPE_CHECKING:  # `show` and `plan` need not pay for it
    from ..demand import Window
    from ..model.answers import Answer
    from ..model.metrics import Query
    from .metrics import MetricsReading

#: What to do, by status, where the cluster itself cannot be read.
_ADVICE: Advice = {
    400: 'Check the name, the resource group and the subscription: az account show.',
    403: 'Ask for a role with Microsoft.ContainerService/managedClusters/read on the cluster, for example Reader.',
    404: 'Check the name, the resource group and the subscription: az aks list -o table.',
}


#: Where the metrics of a resource are.
_METRICS = '/providers/Microsoft.Insights/metrics/'


class _Network(NamedTuple):
    """The ids of what is read around a cluster: its load balancer, public IPs and prefixes of the user's own, the
    subnets that its pools name, the collections that AKS keeps its own virtual network and public IPs in, that of the
    subscription's metric alerts, and the quotas that new public IPs would count against."""

    balancer: Optional[ArmId]
    addresses: Tuple[ArmId, ...]
    subnets: Tuple[ArmId, ...] = ()
    networks: Optional[str] = None
    made: Optional[str] = None
    alerts: Optional[str] = None
    usages: Optional[str] = None

    @property
    def collection(self) -> Optional[str]:
        """Where new addresses would be made, to be listed for the names in use."""
        return self.addresses[0].collection if self.addresses else None

    @property
    def all_ids(self) -> Tuple[str, ...]:
        """All of them, each to be read by one request."""
        return distinct(resource_id for resource_id in (self.balancer, *self.addresses, self.collection, *self.subnets,
                                                        self.networks, self.made, self.alerts, self.usages)
                        if resource_id)


#: Answers by resource id, failures in place.
_Answers = Dict[str, Union[Json, ReadFailure]]


class Extent(NamedTuple):
    """What is read beyond what every decision needs: with `offset` the metrics of so much time until now, with
    `gateways` the NAT gateways where packets leave by some (a round trip more), with `alerts` the metric alerts that
    look at the load balancer, with `quotas` those of public IPs. `to_be_saved`: the snapshot holds the metrics, too."""

    offset: Optional[datetime.timedelta] = None
    gateways: bool = False
    alerts: bool = False
    quotas: bool = False
    to_be_saved: bool = False


NOTHING_MORE = Extent()


class Captured(NamedTuple):
    """What was read: as a snapshot (ARCHITECTURE.md, Snapshot), and the answers of the metrics, which are megabytes and
    stand in the snapshot only where it is to be saved."""

    snapshot: Snapshot
    metrics: Tuple[Answer, ...] = ()

    def observed(self) -> Observed:
        """The same as records, for the decision of now."""
        return parse_observed({**self.snapshot, 'metrics': []})._replace(metrics=self.metrics)


def capture(cli_ctx: AzCli, resource_group: str, name: str, more_ids: Sequence[ArmId] = (),
            extent: Extent = NOTHING_MORE) -> Captured:
    """Read the cluster, its load balancer, its own public IPs and prefixes (and `more_ids`, typed ones), where its
    packets leave, and what `extent` asks for.

    The snapshot's bodies hold what decisions read and nothing else; answers of the metrics are reduced where they are
    saved. Raises an AzCLIError where the cluster itself cannot be read; whatever else cannot be read stands in
    `errors`.
    """
    client = connect(cli_ctx)
    body = _read_cluster(client, resource_group, name)
    cluster, now = parse_cluster(body), datetime.datetime.now(datetime.timezone.utc)
    network = _network_of(cluster, more_ids)
    if extent.alerts:
        network = network._replace(alerts=metric_alerts_id(network.balancer))
    if extent.quotas and network.balancer:
        place = network.addresses[0] if network.addresses else network.balancer  # where new public IPs would be made
        network = network._replace(usages=usages_id(place.subscription_id, cluster.location))
    metrics = _metrics_of(client, cluster, now, extent)
    with Progress(cli_ctx) as progress:
        resources, measured = _read_around(client, network, metrics, progress)
        following = _following(cluster, network, resources, extent.gateways)
        if extent.offset is not None and not cluster.stopped:
            following = following._replace(window=_window_of(now, extent.offset))
        further, minutes = _read_further(client, following, metrics, measured, progress)
    resources.update(further)
    measured += minutes
    snapshot = {'schema': SCHEMA, 'capturedAt': now.strftime('%Y-%m-%dT%H:%M:%SZ'), 'managedCluster': body,
                **_network_part(network, resources, cluster)}
    snapshot['errors'] += [answer.as_error() for answer in measured if isinstance(answer, ReadFailure)]
    answers = tuple(answer for answer in measured if not isinstance(answer, ReadFailure))
    return Captured({**reduced(snapshot), 'metrics': [answer.to_snapshot() for answer in answers]
                     if extent.to_be_saved else []}, answers)


def capture_addresses(cli_ctx: AzCli, ids: Sequence[ArmId]) -> Snapshot:
    """Read public IPs and prefixes alone, for a plan without a cluster; without a login none of them is read."""
    if not ids:
        return {}
    try:
        client = connect(cli_ctx)
    except CLIError as error:
        return {'errors': [{'resourceId': resource_id, 'status': None, 'code': 'NoLogin', 'message': str(error)}
                           for resource_id in ids]}
    network = _Network(None, distinct(ids))
    return _network_part(network, dict(zip(network.all_ids, side_by_side(_network_jobs(client, network.all_ids)))))


def _read_cluster(client: ArmClient, resource_group: str, name: str) -> Json:
    """The first round: the cluster's body. Raises an AzCLIError."""
    cluster_id = (f'/subscriptions/{client.subscription_id}/resourceGroups/{resource_group}'
                  f'/providers/Microsoft.ContainerService/managedClusters/{name}')
    answer = client.read(Request(resource_path(cluster_id), {'api-version': MANAGED_CLUSTERS_API}))
    if not isinstance(answer, ReadFailure) and not is_cluster(reduced_part('managedCluster', answer)):
        answer = ReadFailure(cluster_id, 200, INVALID_ANSWER, 'the answer is no managed cluster')
    missing = () if isinstance(answer, ReadFailure) else missing_in(answer)
    if missing:
        answer = ReadFailure(cluster_id, 200, INVALID_ANSWER,
                             f"the answer is a managed cluster without a readable {', '.join(missing[:5])}")
    if isinstance(answer, ReadFailure):
        raise cli_error(answer, f"Cluster '{name}' in resource group '{resource_group}' could not be read", _ADVICE)
    return answer


def _network_of(cluster: Cluster, more_ids: Sequence[ArmId]) -> _Network:
    """What is read around `cluster`. Public IPs that AKS made are read where packets may leave from them."""
    makes_addresses = (cluster.outbound_type in MANAGED_NAT_GATEWAYS or
                       cluster.on_standard_load_balancer and cluster.profile.ip_source not in (PUBLIC_IPS, PREFIXES))
    network = _Network(egress_load_balancer_id(cluster), distinct(cluster.profile.own_ids + tuple(more_ids)),
                       made=managed_addresses(cluster) if makes_addresses else None)
    if cluster.outbound_type == BLOCK:  # that decides alone
        return network
    return network._replace(subnets=cluster.subnet_ids, networks=managed_networks(cluster))


def _read_around(client: ArmClient, network: _Network, metrics: Optional[MetricsReading], progress: Progress
                 ) -> Tuple[_Answers, List[Union[Answer, ReadFailure]]]:
    """The second round: (network resources by id, answers of the first pass of the metrics), failures in place."""
    about_network = _network_jobs(client, network.all_ids)
    about_metrics = metrics.first_jobs() if metrics else []
    answers = side_by_side(about_network + about_metrics,
                           progress.show('Reading metrics') if about_metrics else lambda: None)
    return dict(zip(network.all_ids, answers)), answers[len(about_network):]


class _Following(NamedTuple):
    """What the subnets lead to: ids to be read next, those that are known, in lower case, and the time that metrics of
    NAT gateways among them are read of (None for none)."""

    ids: Tuple[ArmId, ...]
    known: FrozenSet[str]
    window: Optional[Window] = None


def _following(cluster: Cluster, network: _Network, answers: _Answers, gateways: bool) -> _Following:
    """The route tables that are not AKS's own, and with `gateways` the NAT gateways on the subnets."""
    subnets = list(filter(None, map(parse_subnet, _subnet_bodies(network, answers))))
    tables = [subnet.route_table_id for subnet in subnets
              if subnet.route_table_id and not is_managed(subnet.route_table_id, cluster)]
    on_subnets = [subnet.nat_gateway_id for subnet in subnets if subnet.nat_gateway_id] if gateways else []
    made = items(answers.get(network.made or ''), 'value')
    return _Following(distinct(tables + on_subnets), frozenset(
        (resource_id or '').lower() for resource_id in (*answers, *(text(one, 'id') for one in made))))


def _read_further(client: ArmClient, following: _Following, metrics: Optional[MetricsReading],
                  first_pass: List[Union[Answer, ReadFailure]], progress: Progress
                  ) -> Tuple[_Answers, List[Union[Answer, ReadFailure]]]:
    """The third round: (what the subnets lead to, what the first pass of the metrics calls for), side by side."""
    if metrics is None:
        return _read_following(client, following), []
    tick = progress.show('Reading busy minutes')
    if not following.ids:
        return {}, metrics.further_answers(first_pass, tick)
    jobs: List[Job[Any]] = [('network', partial(_read_following, client, following)),
                            ('metrics', partial(metrics.further_answers, first_pass, lambda: None))]
    network, minutes = side_by_side(jobs, tick)
    # Either may have taken too long as a whole.
    return (dict.fromkeys(following.ids, network) if isinstance(network, ReadFailure) else network,
            [minutes] if isinstance(minutes, ReadFailure) else minutes)


def _read_following(client: ArmClient, following: _Following) -> _Answers:
    """Route tables and NAT gateways; then, of the gateways, the public IPs and prefixes that are not known."""
    jobs = _network_jobs(client, following.ids)
    if following.window is not None:
        jobs += _gateway_jobs(client, following.ids, following.window)
    answers: _Answers = dict(zip((resource_id for resource_id, _ in jobs), side_by_side(jobs)))
    gateways = filter(None, map(parse_nat_gateway, answers.values()))
    ids = distinct(one for gateway in gateways for one in gateway.address_ids if one.lower() not in following.known)
    answers.update(zip(ids, side_by_side(_network_jobs(client, ids))))
    return answers


def _window_of(now: datetime.datetime, offset: datetime.timedelta) -> Window:
    from .metrics import window_of
    return window_of(now, offset)


def _gateway_jobs(client: ArmClient, ids: Sequence[ArmId], window: Window) -> List[Job[Json]]:
    """The metrics of the NAT gateways among `ids`, one read for each question, named after what it asks for."""
    from ..demand.gateways import gateway_queries
    return [(f'{gateway}{_METRICS}{query.metrics[0]}', partial(_read_gateway_metrics, client, gateway, query))
            for gateway in ids if gateway.type == NAT_GATEWAY_TYPE for query in gateway_queries(*window)]


def _read_gateway_metrics(client: ArmClient, gateway: ArmId, query: Query) -> Json:
    """The answer as a snapshot holds it. Raises ReadFailure, also for what is no answer."""
    from ..model.answers import Answer
    from .metrics import METRICS_API, ask
    path = f'{gateway}{_METRICS}'.rstrip('/')

    def send(asked: Query, take: Callable[[Json], Any]) -> Any:
        return client.take(Request(resource_path(path), {'api-version': METRICS_API, **asked.parameters()}), take)
    return {'resourceId': str(gateway), **ask(path, send, query, Answer).to_snapshot()}


def _metrics_of(client: ArmClient, cluster: Cluster, now: datetime.datetime, extent: Extent
                ) -> Optional[MetricsReading]:
    """The reading of the metrics, where there are any."""
    if extent.offset is None or not has_snat_metrics(cluster):
        return None
    from .metrics import MetricsReading  # `show` and `plan` need not pay for it
    return MetricsReading(client, cluster, now, extent.offset, extent.to_be_saved)


def _network_jobs(client: ArmClient, ids: Sequence[str]) -> List[Job[Json]]:
    return [(resource_id, partial(_read_network, client, resource_id)) for resource_id in ids]


def _read_network(client: ArmClient, resource_id: str) -> Json:
    """The resource, or all that is in the collection. Raises ReadFailure, also where it is another answer than the one
    that was asked for."""
    api = ALERTS_API if resource_id.endswith('/metricAlerts') else NETWORK_API
    answer = client.send_pages(Request(resource_path(resource_id), {'api-version': api}))
    if len(resource_id.split('/')) % 2 == 0:  # a collection: the last name is missing
        if not isinstance(get(answer, 'value'), list):
            raise ReadFailure(resource_id, 200, INVALID_ANSWER, 'the answer is no list')
    elif not same_id(text(answer, 'id'), resource_id):
        raise ReadFailure(resource_id, 200, INVALID_ANSWER, 'the answer is about another resource')
    return answer


def _network_part(network: _Network, answers: _Answers, cluster: Optional[Cluster] = None) -> Snapshot:
    """What a snapshot holds of the network resources, from the answers by resource id."""
    bodies = {resource_id: answer for resource_id, answer in answers.items() if not isinstance(answer, ReadFailure)}
    by_type: Dict[str, List[Json]] = {}
    for resource_id, body in bodies.items():
        parsed = parse_id(resource_id, PUBLIC_IP_TYPE, PREFIX_TYPE, ROUTE_TABLE_TYPE, NAT_GATEWAY_TYPE)
        by_type.setdefault(parsed.type if parsed else '', []).append(body)
    lists = [{'resourceId': listed, 'names': [text(item, 'name') or '' for item in items(bodies[listed], 'value')]}
             for listed in distinct(filter(None, (network.collection, network.networks))) if listed in bodies]
    return {
        'loadBalancer': bodies.get(network.balancer) if network.balancer else None,
        'publicIpAddresses': by_type.get(PUBLIC_IP_TYPE, []) + _made_addresses(network, bodies, cluster),
        'publicIpPrefixes': by_type.get(PREFIX_TYPE, []),
        'subnets': list(_subnet_bodies(network, answers)),
        'routeTables': by_type.get(ROUTE_TABLE_TYPE, []),
        'natGateways': by_type.get(NAT_GATEWAY_TYPE, []),
        'natGatewayMetrics': [body for resource_id, body in bodies.items() if _METRICS in resource_id],
        'lists': lists,
        'metricAlerts': _alerts_part(network, bodies),
        'usages': _usages_part(network, bodies),
        'errors': [dict(answer.as_error(), resourceId=resource_id) for resource_id, answer in answers.items()
                   if isinstance(answer, ReadFailure)],
    }


def _subnet_bodies(network: _Network, answers: _Answers) -> Iterator[Json]:
    """The subnets that were read, one by one or in the virtual network that AKS made."""
    yield from (answers[subnet_id] for subnet_id in network.subnets
                if not isinstance(answers[subnet_id], ReadFailure))
    for virtual_network in items(answers.get(network.networks or ''), 'value'):
        yield from subnets_of(virtual_network)


def _made_addresses(network: _Network, bodies: Mapping[str, Json], cluster: Optional[Cluster]) -> List[Json]:
    """The public IPs in the node resource group that packets may leave from: Services have theirs there, too."""
    if network.made is None or cluster is None:
        return []
    effective = {one.lower() for one in (*cluster.profile.effective_ids, *cluster.nat_gateway_address_ids)}
    read = {resource_id.lower() for resource_id in bodies}
    found = ((parse_public_ip(body), body) for body in items(bodies.get(network.made), 'value'))
    return [body for address, body in found if address.id.lower() not in read and
            (address.made_by_aks or parse_id(address.attached_to, NAT_GATEWAY_TYPE) or address.id.lower() in effective)]


def _usages_part(network: _Network, bodies: Mapping[str, Json]) -> Optional[List[Json]]:
    """The quotas that public IPs and prefixes count against; None where they were not read."""
    if network.usages is None or network.usages not in bodies:
        return None
    return [usage for usage in items(bodies[network.usages], 'value') if is_about_addresses(usage)]


def _alerts_part(network: _Network, bodies: Mapping[str, Json]) -> Optional[List[Json]]:
    """The alert rules that look at the load balancer; None where they were not read. Others are nobody's business."""
    balancer, path = network.balancer, network.alerts
    if balancer is None or path is None or path not in bodies:
        return None
    return [alert for alert in items(bodies[path], 'value') if looks_at(alert, balancer)]
