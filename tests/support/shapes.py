"""Real-shaped input for the fuzzer: what reads of clusters of every kind bring, from the stand-in, without the wire."""
import json
from functools import lru_cache

from azext_lbplan.model.metrics import minute_of
from tests.azure import StandIn
from tests.support.asking import Asked
from tests.support.manifest_cases import CASES
from tests.support.spread import SPREAD, snapshot_of
from tests.support.workload import DAY, TCP, UDP, Traffic, Workload, addresses, bursts, simulate, steady

NOW = minute_of('2026-08-18T03:00:00Z')


@lru_cache(maxsize=None)
def snapshots():
    """{name: snapshot} of every kind of cluster, some with a day of metrics."""
    with StandIn() as arm:
        found = {}
        for name, add in SPREAD.items():
            arm.reset()
            found[name] = json.loads(json.dumps(snapshot_of(arm, add(arm))))
    for name, ports in (('managed', 2048), ('automatic', 1024), ('own-ips', 8000), ('prefixes', 16000)):
        found[f'{name}, measured'] = {**found[name], 'metrics': metrics(ports), 'capturedAt': '2026-08-18T03:00:00Z'}
    found['as az shows it'] = flattened(found['own-ips']['managedCluster'])
    found['unreadable'] = {**found['own-ips'], 'loadBalancer': None, 'publicIpAddresses': [], 'lists': [], 'errors': [
        {'resourceId': one['id'], 'status': 403, 'code': 'AuthorizationFailed', 'message': 'No.'}
        for one in (found['own-ips']['loadBalancer'], *found['own-ips']['publicIpAddresses'])]}
    return found


def metrics(ports):
    """The metrics of a snapshot: two nodes for a day, one of them at its ceiling now and then."""
    minutes = DAY
    nodes = [simulate([Traffic(bursts(ports / 20, ports, 240, 4)), Traffic(steady(2), protocol=UDP)], minutes, ports),
             simulate([Traffic(steady(20), protocol=TCP)], minutes, ports)]
    workload = Workload(NOW - minutes, dict(zip(addresses(2), nodes)))
    return [json.loads(json.dumps(answer.to_snapshot())) for answer in Asked(workload, NOW, days=1).answers]


def flattened(body):
    """A resource as `az aks show` prints it: no `properties`, a `resourceGroup`, keys re-spelt (facts §9, 16)."""
    inner = dict(body['properties'])
    text = json.dumps({**{key: value for key, value in body.items() if key != 'properties'}, **inner,
                       'resourceGroup': 'rg1'})
    for arm, cli in (('outboundIPPrefixes', 'outboundIpPrefixes'), ('publicIPPrefixes', 'publicIpPrefixes'),
                     ('outboundIPs', 'outboundIPs'), ('countIPv6', 'countIpv6')):
        text = text.replace(arm, cli)
    return json.loads(text)


@lru_cache(maxsize=None)
def graph_rows():
    """Rows of Resource Graph for the whole spread, as the two queries of the extension bring them."""
    from azext_lbplan.readers.graph_queries import clusters_query, network_queries
    from tests.azure import OTHER_SUBSCRIPTION, SUBSCRIPTION
    with StandIn() as arm:
        for name in SPREAD:
            SPREAD[name](arm)
        rows = []
        for query in (clusters_query(), *network_queries((), ['own-ips-ip0', 'prefixes-prefix0'])):
            request = _Asked({'query': query, 'subscriptions': [SUBSCRIPTION, OTHER_SUBSCRIPTION],
                              'options': {'$top': 1000}})
            rows += json.loads(arm.graph.ask(request)[1])['data']
    return rows


class _Asked:
    def __init__(self, body):
        self.json = body


@lru_cache(maxsize=None)
def manifests():
    """Texts of manifests that break rules, and that do not."""
    return [text for pair in CASES.values() for text in pair if len(text) < 3000]
