"""The simulated inventories and the stand-in's Azure Monitor: what the tests of demand rest on."""
import pytest
from hypothesis import given, settings, strategies as st

from tests.azure.monitor import BadRequest, Monitor
from tests.azure.wire import Request
from tests.support.workload import (IDLE, RST, TCP, UDP, Placed, Traffic, Workload, addresses, bursts, exponential,
                                    simulate, steady, window)

START = 29786400  # 2026-08-20T00:00Z


def exact(rate, **more):
    return Traffic(rate=rate, noisy=False, **more)


# inventories

@pytest.mark.parametrize('traffic, held', [
    (exact(steady(10)), 40), (exact(steady(10), active=6), 100), (exact(steady(10), close=IDLE), 300),
    (exact(steady(10), protocol=UDP), 300), (exact(steady(10), active=[1, 3]), 60)])
def test_ports_in_use_are_rate_times_hold(traffic, held):
    assert simulate([traffic], 120, 1024, timeout=30).peak() == held


def test_a_reset_connection_lets_go_within_the_minute():
    node = simulate([exact(steady(40), close=RST)], 30, 1024, ticks=4)
    assert node.peak() == 10 and sum(node.failed) == 0


def test_flows_to_other_destinations_share_ports_but_udp_does_not():
    spread = simulate([exact(steady(10), spread=5)], 60, 1024)
    apart = simulate([exact(steady(10), destination='a'), exact(steady(5), destination='b')], 60, 1024)
    same = simulate([exact(steady(10)), exact(steady(5))], 60, 1024)
    udp = simulate([exact(steady(2), protocol=UDP, spread=5)], 60, 1024)
    assert (spread.peak(), apart.peak(), same.peak(), udp.peak()) == (8, 40, 60, 60)


def test_connections_fail_when_no_port_is_free():
    node = simulate([exact(window(0, 100, 10, 11))], 30, 64)
    assert (node.successful[10], node.failed[10], node.used[TCP][10]) == (64, 36, 64)
    assert node.used[TCP][13] == 64 and node.used[TCP][14] == 0


def test_retries_and_attempts_are_counted_as_failures():
    once = simulate([exact(window(0, 100, 10, 11))], 30, 64)
    often = simulate([exact(window(0, 100, 10, 11), retries=1.0, attempts=3)], 30, 64)
    assert sum(once.failed) == 36
    assert often.failed[10] == often.failed[11] == 108 and sum(often.successful) == 100


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 999), st.integers(8, 400), st.sampled_from([4, 30]), st.floats(0, 1), st.integers(1, 3))
def test_no_more_ports_than_there_are_and_every_connection_is_accounted_for(seed, ports, timeout, retries, spread):
    traffic = [Traffic(rate=bursts(10, 120, 30), retries=retries, spread=spread), Traffic(rate=steady(4), close=IDLE),
               Traffic(rate=steady(3), protocol=UDP)]
    node = simulate(traffic, 200, ports, timeout, seed)
    again = simulate(traffic, 200, ports, timeout, seed)
    assert node == again
    for protocol in (TCP, UDP):
        assert all(0 <= used <= ports for used in node.used[protocol])
    plenty = simulate(traffic, 200, 64000, timeout, seed)
    assert sum(plenty.failed) == 0
    assert sum(node.successful) <= sum(plenty.successful)
    assert sum(node.successful) + sum(node.failed) >= sum(plenty.successful)


def test_exponential_durations_have_their_mean():
    assert sum(exponential(10, 64)) / 64 == pytest.approx(10, rel=0.02)


# Azure Monitor

NODES = addresses(30)
WORKLOAD = Workload(START, {node: simulate([exact(steady(index))], 180, 1024) for index, node in enumerate(NODES)},
                    frontends=('20.0.0.1', '20.0.0.2'))


def ask(monitor=None, **parameters):
    asked = {'metricnames': 'UsedSnatPorts', 'timespan': '2026-08-20T00:00:00Z/2026-08-20T03:00:00Z',
             'interval': 'PT1H', 'aggregation': 'Average', **parameters}
    return (monitor or Monitor(WORKLOAD)).answer({name: text for name, text in asked.items() if text is not None})


def rows(body):
    return body['value'][0]['timeseries']


def dimension(row, name):
    return next(item['value'] for item in row['metadatavalues'] if item['name']['value'] == name)


def test_ten_series_without_top():
    assert len(rows(ask(**{'$filter': "BackendIPAddress eq '*'"}))) == 10
    assert len(rows(ask(**{'$filter': "BackendIPAddress eq '*'", 'top': '1000'}))) == 30


def test_the_busiest_come_first_where_asked_for():
    found = rows(ask(**{'$filter': "BackendIPAddress eq '*'", 'top': '2', 'orderby': 'average desc'}))
    assert [dimension(row, 'backendipaddress') for row in found] == NODES[:-3:-1]


def test_no_filter_is_one_series_over_all():
    found = rows(ask())
    assert len(found) == 1 and found[0]['metadatavalues'] == []


def test_aggregations_over_the_interval_and_over_what_is_not_split():
    node = NODES[10]
    both = rows(ask(aggregation='Average,Maximum,Total', **{'$filter': f"BackendIPAddress eq '{node}'"}))
    data = both[0]['data'][1]
    # 40 ports of TCP on two frontends and none of UDP: four samples a minute.
    assert (data['average'], data['maximum'], data['total']) == (10, 20, 2400)
    text = f"BackendIPAddress eq '{node}' and ProtocolType eq '6' and FrontendIPAddress eq '*'"
    split = rows(ask(**{'$filter': text}))
    assert [row['data'][1]['average'] for row in split] == [20, 20]


def test_filters_choose_and_combine():
    text = f"BackendIPAddress eq '{NODES[3]}' or BackendIPAddress eq '{NODES[4]}' and ProtocolType ne '17'"
    found = rows(ask(**{'$filter': text}))
    assert {dimension(row, 'backendipaddress') for row in found} == set(NODES[3:5])
    assert {dimension(row, 'protocoltype') for row in found} == {'6'}


def test_the_timespan_may_be_encoded_twice():
    twice = ask(timespan='2026-08-20T00%3A00%3A00Z%2F2026-08-20T03%3A00%3A00Z')
    assert twice == ask()


def test_nothing_is_known_of_the_future_or_of_minutes_that_were_not_reported():
    assert len(rows(ask(Monitor(WORKLOAD, now=START + 60)))[0]['data']) == 1
    node = simulate([exact(steady(5))], 180, 1024).without(60, 120)
    gaps = Monitor(Workload(START, {'10.224.0.4': node}))
    assert [sorted(point) for point in rows(ask(gaps))[0]['data']] == [
        ['average', 'timeStamp'], ['timeStamp'], ['average', 'timeStamp']]


def test_a_node_is_seen_from_when_it_is_there():
    late = Monitor(Workload(START, {'10.224.0.4': Placed(simulate([exact(steady(5))], 60, 1024), first=120)}))
    assert [point['timeStamp'] for point in rows(ask(late))[0]['data']] == ['2026-08-20T02:00:00Z']


@pytest.mark.parametrize('parameters, words', [
    ({'metricnames': 'SnatPorts'}, 'Failed to find metric configuration'),
    ({'interval': 'PT3M'}, 'Invalid time grain duration: PT3M'),
    ({'aggregation': 'Median'}, 'Invalid aggregation type'),
    ({'timespan': 'P7D'}, 'Invalid timespan'),
    ({'top': '2147483648'}, 'invalid TopN value'),
    ({'$filter': "NodeName eq '*'"}, 'dimension combination'),
    ({'$filter': "(BackendIPAddress eq '*')"}, 'Invalid filter clause'),
    ({'$filter': "BackendIPAddress eq '*' or ProtocolType eq '*'"}, 'cannot separate'),
    ({'metricnames': 'SnatConnectionCount', '$filter': "ProtocolType eq '*'"}, 'dimension combination')])
def test_bad_questions(parameters, words):
    with pytest.raises(BadRequest, match=words.replace('(', r'\(')):
        ask(**parameters)


def test_maximum_can_be_refused_in_both_ways():
    with pytest.raises(BadRequest, match='Maximum'):
        ask(Monitor(WORKLOAD, maximum=False), aggregation='Average,Maximum')
    inside = ask(Monitor(WORKLOAD, maximum=False, refusal='errorCode'), aggregation='Maximum')
    assert inside['value'][0]['errorCode'] == 'InvalidSamplingType' and rows(inside) == []


def test_the_handler_fits_the_stand_in():
    target = ('/subscriptions/s/resourceGroups/g/providers/Microsoft.Network/loadBalancers/kubernetes/providers/'
              'Microsoft.Insights/metrics?api-version=2023-10-01&metricnames=UsedSnatPorts&interval=PT2M'
              '&timespan=2026-08-20T00%253A00%253A00Z/2026-08-20T03:00:00Z')
    handler = Monitor(WORKLOAD)
    status, body, _ = handler(Request('GET', target, {}, b'', 'https://127.0.0.1'))
    assert (status, body['code']) == (400, 'BadRequest')
    status, body, _ = handler(Request('GET', target.replace('PT2M', 'PT1M'), {}, b'', 'https://127.0.0.1'))
    assert status == 200 and len(rows(body)[0]['data']) == 180
