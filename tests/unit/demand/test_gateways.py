"""What the metrics of a NAT gateway say of its IPs, and what they cannot."""
import pytest

from azext_lbplan.decision import decide
from azext_lbplan.demand.gateways import ACTIVE, MOST_MINUTES, NEW, gateway_queries, gateway_use
from azext_lbplan.model.observed import parse_observed
from azext_lbplan.options import Options
from azext_lbplan.views.recommendation import recommend
from tests.azure import pool
from tests.support.ways import address, gateway, gateway_id, subnet, subnet_id
from tests.support.worlds import world

MINUTES = ('2026-11-20T10:00:00Z', '2026-11-20T10:01:00Z')


def measured(metric, *series, failed=False, of=None):
    """An entry of a snapshot: each series has a value for each minute, None for none."""
    return {'resourceId': of or gateway_id(), 'query': {'$filter': "ConnectionState eq 'Failed'"} if failed else {},
            'response': {'value': [{'name': {'value': metric}, 'timeseries': [
                {'data': [{'timeStamp': minute, **({} if value is None else {'total': value})}
                          for minute, value in zip(MINUTES, values)]} for values in series]}]}}


def snapshot(*entries):
    made = world(pool(vnetSubnetID=subnet_id()), outbound_type='userAssignedNATGateway')
    out = [address(f'out{number}', f'20.0.0.{number}') for number in (1, 2)]
    return {**made, 'schema': 2, 'subnets': [subnet(subnet_id(), gateway_id())], 'publicIpAddresses': out,
            'natGateways': [gateway(*(one['id'] for one in out))], 'natGatewayMetrics': list(entries)}


def use(*entries):
    return gateway_use(parse_observed(snapshot(*entries)), gateway_id().upper())


def test_protocols_are_added_up_before_the_peak_is_taken():
    found = use(measured(ACTIVE, (30000, 5), (5, 40000)), measured(NEW, (3, None), (4, 0), failed=True))
    assert (found.peak, found.peak_at, found.failed, found.minutes) == (40005, MINUTES[1], 7, 2)


@pytest.mark.parametrize('peak, ips', [(0, 1), (50000, 1), (50001, 2), (100001, 3)])
def test_one_destination_takes_50000_connections_of_each_ip(peak, ips):
    assert use(measured(ACTIVE, (peak, 0))).ips_for_one_destination == ips


@pytest.mark.parametrize('entries', [
    (), (measured(ACTIVE, (5, 5), of=gateway_id('other')),), (measured(ACTIVE, (None, None)),),
    (measured(NEW, (5, 5), failed=True),), ({'resourceId': gateway_id(), 'response': {'value': 'x'}},),
    (measured(ACTIVE, ('5', -1)),), (measured(ACTIVE, (True, [])),)])
def test_what_was_not_measured_is_not_known(entries):
    assert use(*entries) is None


def test_attempts_are_no_failures():
    assert use(measured(ACTIVE, (5, 5)), measured(NEW, (9, 9))).failed is None


def test_by_the_minute_no_more_than_a_week_is_asked_for():
    active, new = gateway_queries(0, 30 * 1440)
    assert (active.end - active.start, new.start) == (MOST_MINUTES, active.start)
    assert gateway_queries(100, 1540)[0].start == 100


@pytest.mark.parametrize('entries, words', [
    ((), 'Its metrics were not read, so its IPs are not judged.'),
    ((measured(ACTIVE, (99, 100)), measured(NEW, (0, 0), failed=True)),
     'at most 100 connections at once (2026-11-20T10:01:00Z), and none is known to have failed: its IPs carry that '
     'even to one destination (50,000 connections for each IP).'),
    ((measured(ACTIVE, (100001, 0)),), 'Were all of them to one destination, they would take 3 IPs of 50,000'),
    ((measured(ACTIVE, (5, 0)), measured(NEW, (12, 0), failed=True)),
     '12 connections failed: give it more than 2 IPs')])
def test_recommend_says_what_follows_for_its_ips(entries, words):
    decision = decide(parse_observed(snapshot(*entries)), Options(measure=True))
    reasons = ' '.join(recommend(decision, ())['reasons'])
    assert words in reasons and 'no metric tells its connections by destination' in reasons
