"""The SNAT peak of many clusters: batches of Azure Monitor, and one by one where there are none."""
import time
from types import SimpleNamespace

import pytest
from azure.core.pipeline.policies import SansIOHTTPPolicy
from knack.util import CLIError

from azext_lbplan.demand import measure_fleet
from azext_lbplan.model.cluster import parse_cluster
from azext_lbplan.readers import fleet_metrics
from azext_lbplan.readers.arm import ArmClient
from azext_lbplan.readers.fleet_metrics import FleetMetrics, endpoint_of
from tests.azure import OTHER_SUBSCRIPTION, Status, pool
from tests.azure.monitor import BadRequest, Monitor
from tests.end_to_end.test_metrics import METRICS, serve, workload
from tests.unit.views.test_fleet import _Bearer

BATCH = r'/subscriptions/(?P<subscription>[^/]+)/metrics:getBatch'


@pytest.fixture(name='measured')
def fixture_measured(arm, monkeypatch):
    """A function that measures clusters: (their demands, the notes)."""
    nothing = SansIOHTTPPolicy()
    client = ArmClient(None, base_url=arm.url, user_agent_policy=nothing, authentication_policy=_Bearer(arm.token),
                       custom_hook_policy=nothing, logging_policy=nothing, connection_verify=arm.ca_bundle)
    monkeypatch.setattr(fleet_metrics, 'connect', lambda *_: client)
    monkeypatch.setattr(fleet_metrics, 'get_mgmt_service_client', lambda *_, **__: client)
    endpoints = SimpleNamespace(resource_manager='https://management.example.com/')

    def run(ids):
        metrics = FleetMetrics(SimpleNamespace(cloud=SimpleNamespace(endpoints=endpoints)))
        clusters = [parse_cluster(arm.get(cluster_id)) for cluster_id in ids]
        return measure_fleet(clusters, metrics.read(clusters)), metrics.notes
    run.endpoints = endpoints
    return run


def serve_batches(arm, served, **switches):
    """Azure Monitor's batch API over the same workload; gives the sizes of the batches."""
    monitor, sizes = Monitor(served, now=int(time.time()) // 60, **switches), []

    def batch(request):
        wanted = request.json['resourceids']
        assert len(wanted) <= 50
        assert {one.split('/')[2] for one in wanted} == {request.params['subscription']}
        sizes.append(len(wanted))
        query = {name.lower(): value for name, value in request.query.items()}
        assert query['metricnamespace'] == 'Microsoft.Network/loadBalancers'
        query.update({'timespan': f"{query['starttime']}/{query['endtime']}", '$filter': query['filter']})
        try:
            return 200, {'values': [dict(monitor.answer(query, one), resourceid=one.lower()) for one in wanted]}, None
        except BadRequest as error:
            return 400, {'error': {'code': 'BadRequest', 'message': str(error)}}, None
    arm.route('POST', BATCH, batch)
    return sizes


def test_batches_and_single_calls_say_the_same(arm, measured):
    served = workload(nodes=2, days=1.5)
    ids = [arm.add_cluster(f'aks{index}', pools=[pool(count=2)], ports=1024) for index in range(3)]
    serve(arm, served)
    sizes = serve_batches(arm, served)
    batched, notes = measured(ids)
    assert notes == [] and sizes and not arm.seen(METRICS)
    arm.fault('getBatch', Status(403))
    alone, notes = measured(ids)
    assert 'one load balancer at a time' in notes[0] and arm.seen(METRICS)
    assert [one.evidence for one in batched] == [one.evidence for one in alone]
    assert batched[0].evidence.peak_ports_per_node > 900


def test_a_batch_is_of_one_subscription_and_region_and_of_50(arm, measured):
    ids = [arm.add_cluster(f'a{index}', pools=[pool(count=1)]) for index in range(52)]
    ids += [arm.add_cluster('b', 'rg1', OTHER_SUBSCRIPTION), arm.add_cluster('c', location='northeurope')]
    ids.insert(3, arm.add_cluster('nat', outbound_type='managedNATGateway'))
    ids.insert(4, arm.add_cluster('stopped', powerState={'code': 'Stopped'}))
    sizes = serve_batches(arm, workload(nodes=1, days=0.1))
    demands, notes = measured(ids)
    assert notes == [] and set(sizes) == {50, 2, 1}
    assert [index for index, demand in enumerate(demands) if demand is None] == [3, 4]


def test_means_are_taken_where_maxima_are_refused(arm, measured):
    ids = [arm.add_cluster('aks1', pools=[pool(count=2)])]
    for refusal in ('status', 'errorCode'):
        serve_batches(arm, workload(nodes=2, days=1.5), maximum=False, refusal=refusal)
        demands, notes = measured(ids)
        assert notes == [] and demands[0].evidence.peak_ports_per_node > 0


def test_what_keeps_batches_away_is_told_once(arm, measured, monkeypatch):
    ids = [arm.add_cluster(f'aks{index}', location=place) for index, place in enumerate(('westeurope', 'eastus'))]
    serve(arm, workload(nodes=2, days=0.1))

    def refused(*_, **__):
        raise CLIError('AADSTS500011: the audience is not known')
    monkeypatch.setattr(fleet_metrics, 'get_mgmt_service_client', refused)
    demands, notes = measured(ids)
    assert len(notes) == 1 and 'AADSTS500011' in notes[0] and all(demands)
    measured.endpoints.resource_manager = arm.url
    assert 'no known address' in measured(ids)[1][0]


def test_metrics_that_cannot_be_read_have_a_reason(arm, measured):
    serve_batches(arm, workload(nodes=1, days=0.1))
    arm.fault('getBatch|metrics', Status(403, action='Microsoft.Insights/metrics/read'))
    demands, _ = measured([arm.add_cluster('aks1')])
    assert demands[0].evidence.status == 'noData' and 'AuthorizationFailed' in demands[0].evidence.reason


def test_the_address_comes_from_the_cloud():
    assert endpoint_of('https://management.azure.com/', 'westeurope') == (
        'https://westeurope.metrics.monitor.azure.com', 'https://metrics.monitor.azure.com')
    for manager, region in (('https://127.0.0.1:8443', 'westeurope'), ('https://management.azure.com', 'a.evil.com/'),
                            ('https://management.azure.com', ''), ('nothing', 'westeurope')):
        assert endpoint_of(manager, region) is None


def test_with_metrics_as_a_user_runs_it(arm, az):
    arm.add_cluster('aks1', pools=[pool(count=2)], ports=1024)
    arm.add_cluster('nat', outbound_type='managedNATGateway')
    serve(arm, workload(nodes=2, days=1.5))
    done = az('aks lb list --with-metrics', check=True)
    peaks = {row['name']: row['snatPeak'] for row in done.json}
    assert peaks['nat'] is None and peaks['aks1']['portsPerNode'] > 900 and peaks['aks1']['reason'] is None
    assert 'one load balancer at a time' in done.stderr
    table = az('aks lb list --with-metrics -o table', check=True).stdout.splitlines()
    assert table[0].split()[5] == 'Peak' and max(map(len, table)) <= 80
