"""The parser of Azure Monitor's answers, on the oddities that were seen and on nonsense."""
import json
import math

import pytest
from hypothesis import given, settings, strategies as st

from azext_lbplan.demand import measure
from azext_lbplan.model import metrics
from azext_lbplan.model.answers import Answer, answers_from_snapshot, parse
from azext_lbplan.model.metrics import Query, minute_of, timestamp

NINE = minute_of('2026-08-20T09:00:00Z')


def body(timeseries, name='UsedSnatPorts', interval='PT1M', **more):
    return {'interval': interval, 'value': [{'name': {'value': name}, 'timeseries': timeseries, **more}]}


def series(points, **dimensions):
    return {'metadatavalues': [{'name': {'value': name, 'localizedValue': name}, 'value': value}
                               for name, value in dimensions.items()], 'data': points}


def point(minute=0, **numbers):
    return {'timeStamp': timestamp(NINE + minute), **numbers}


def only(response, query=None):
    found = parse([Answer(query, response)]).series
    assert len(found) == 1
    return found[0]


def test_a_series_by_node_and_protocol():
    one = only(body([series([point(0, average=3.0, maximum=4), point(1, average=5)],
                            backendipaddress='10.0.0.4', protocoltype='6', frontendipaddress='20.0.0.1')]))
    assert (one.metric, one.node, one.protocol, one.frontend, one.state, one.interval) == (
        'UsedSnatPorts', '10.0.0.4', 'TCP', '20.0.0.1', None, 1)
    assert list(one.minutes) == [NINE, NINE + 1]
    assert list(one.values['Average']) == [3, 5]
    assert one.values['Maximum'][0] == 4 and math.isnan(one.values['Maximum'][1])


@pytest.mark.parametrize('spelling, protocol', [('6', 'TCP'), ('TCP', 'TCP'), ('tcp', 'TCP'), (6, 'TCP'),
                                                ('17', 'UDP'), ('Udp', 'UDP'), ('Unknown', 'Unknown')])
def test_protocols_as_numbers_or_words(spelling, protocol):
    assert only(body([series([point(average=1)], BackendIPAddress='10.0.0.4',
                             ProtocolType=spelling)])).protocol == protocol


def test_a_gap_is_not_a_zero():
    one = only(body([series([point(0, average=0.0), point(1), point(2, average=None), point(3, average=7)],
                            backendipaddress='10.0.0.4')]))
    assert list(zip(one.minutes, one.values['Average'])) == [(NINE, 0), (NINE + 3, 7)]


@pytest.mark.parametrize('value', [-1, float('nan'), float('inf'), 1e300, True, '12', [], {}, None])
def test_numbers_that_are_none_are_gaps(value):
    assert parse([Answer(None, body([series([point(average=value)], backendipaddress='10.0.0.4')]))]).points == 0


@pytest.mark.parametrize('text', ['', 'yesterday', None, 7, '2026-13-01T00:00:00Z', '2026-02-30T00:00:00Z',
                                  '0001-01-01T00:00:00Z', '2026-01-01', [], '2026-08-20T25:00:00Z'])
def test_times_that_are_none_are_passed_over(text):
    assert parse([Answer(None, body([series([{'timeStamp': text, 'average': 1}], backendipaddress='a')]))]).points == 0


@pytest.mark.parametrize('text, minute', [
    ('2026-08-20T09:00:00Z', 0), ('2026-08-20T09:00:00.0000000Z', 0), ('2026-08-20T09:01Z', 1),
    ('2026-08-20T09:00:59Z', 0), ('2026-08-20T11:00:00+02:00', 0), ('2026-08-20T03:30:00-0530', 0),
    ('2026-08-20T09:00:00', 0)])
def test_times_in_the_forms_of_iso_8601(text, minute):
    assert minute_of(text) == NINE + minute


@pytest.mark.parametrize('interval, minutes', [('PT1M', 1), ('0:01:00', 1), ('01:00:00', 60), ('1.00:00:00', 1440),
                                               ('PT6H', 360), ('P1D', 1440), ('pt1h', 60)])
def test_intervals_as_the_service_and_as_the_cli_spell_them(interval, minutes):
    assert only(body([series([point(average=1)], backendipaddress='a')], interval=interval)).interval == minutes


def test_the_interval_that_was_asked_for_stands_in():
    query = Query(('UsedSnatPorts',), NINE, NINE + 600, metrics.FULL, ('Average',))
    for said in (None, 'FULL', 'PT3M', 7):
        assert only(body([series([point(average=1)], backendipaddress='a')], interval=said), query).interval == 600
    assert parse([Answer(None, body([series([point(average=1)], backendipaddress='a')], interval='soon'))]).points == 0


def test_empty_answers_and_missing_parts():
    for timeseries in ([], None, [{}], [{'metadatavalues': [], 'data': None}], [{'metadatavalues': None}], [None, 3]):
        assert parse([Answer(None, body(timeseries))]).points == 0
    for response in (None, [], 3, {}, {'value': None}, {'value': [None]}, {'value': [{'name': None}]}):
        assert parse([Answer(None, response)]).points == 0


def test_an_error_inside_of_a_200_is_told():
    response = body([], errorCode='InvalidSamplingType', errorMessage='Sampling type is not found.')
    assert parse([Answer(None, response)]).problems == ('UsedSnatPorts: InvalidSamplingType',)
    assert metrics.aggregation_refused(response)
    assert not metrics.aggregation_refused(body([], errorCode='Success'))
    assert metrics.aggregation_refused({'code': 'BadRequest', 'message': 'Aggregation type: Maximum is not supported'})
    assert metrics.aggregation_refused({'error': {'code': 'BadRequest', 'message': 'aggregation Maximum'}})


def test_the_same_minute_twice_counts_once_and_the_larger_counts():
    twice = [series([point(0, average=3), point(0, average=9)], backendipaddress='a'),
             series([point(0, average=5)], BackendIPAddress='A')]
    one = only(body(twice))
    assert list(one.values['Average']) == [9]


POINTS = st.lists(st.tuples(st.integers(0, 200), st.floats(0, 2000), st.floats(0, 2000)), max_size=20,
                  unique_by=lambda one: one[0])


@given(POINTS, st.booleans(), st.lists(st.integers(0, 20), max_size=3))
def test_points_are_the_same_whole_or_with_gaps_in_one_answer_or_in_several(points, sorted_by_time, cuts):
    """Neither what else is asked for, nor where answers are cut, nor the order makes a difference."""
    points = sorted(points) if sorted_by_time else points
    data = [point(minute, average=mean, maximum=most) for minute, mean, most in points]
    asked = Query(('UsedSnatPorts',), NINE, NINE + 300, 1, ('Average', 'Maximum'))
    whole = parse([Answer(asked, body([series(data, backendipaddress='a')]))])
    ends = sorted(min(cut, len(data)) for cut in cuts)
    parts = [data[start:end] for start, end in zip([0, *ends], [*ends, len(data)])]
    in_parts = [Answer(asked, body([series(part, backendipaddress='a')])) for part in parts]
    with_gaps = Answer(asked, body([series([*data, {'timeStamp': None}], backendipaddress='a')]))
    assert parse(in_parts) == parse(in_parts[::-1]) == parse([with_gaps]) == whole
    assert parse([with_gaps, *in_parts]) == whole and whole.points == len(points)
    for one in whole.series:
        assert dict(zip(one.minutes, zip(one.values['Average'], one.values['Maximum']))) == {
            NINE + minute: (mean, most) for minute, mean, most in points}


def test_the_series_of_one_node_are_those_of_it_alone():
    answer = Answer(None, body([series([point(average=1)], backendipaddress=node) for node in 'ab']))
    assert [one.node for one in parse([answer], node='b').series] == ['b']
    assert parse([answer], ('AllocatedSnatPorts',)).series == ()


def test_a_body_that_nobody_saves_is_given_up_once_it_is_parsed():
    response = body([series([point(average=1)], backendipaddress='a')])
    kept, given_up = Answer(None, response).parsed(keep=True), Answer(None, response).parsed(keep=False)
    assert (kept.response, given_up.response) == (response, None)
    assert parse([kept]) == parse([given_up]) and parse([given_up]).points == 1


def test_an_answer_as_long_as_top_may_be_cut():
    query = Query(('UsedSnatPorts',), NINE, NINE + 60, 1, ('Average',), top=2)
    rows = [series([point(average=1)], backendipaddress=node) for node in 'ab']
    assert parse([Answer(query, body(rows))]).truncated
    assert not parse([Answer(query, body(rows[:1]))]).truncated


def test_other_metrics_are_left_out():
    assert parse([Answer(None, body([series([point(average=1)], backendipaddress='a')], name='ByteCount'))]).points == 0


QUERIES = st.builds(
    Query, st.lists(st.sampled_from(metrics.METRICS), min_size=1, max_size=2, unique=True).map(tuple),
    st.integers(NINE - 10000, NINE), st.integers(NINE + 1, NINE + 10000),
    st.sampled_from(sorted(metrics.INTERVALS.values())),
    st.lists(st.sampled_from(['Average', 'Maximum', 'Total']), min_size=1, unique=True).map(tuple),
    st.none() | st.just("BackendIPAddress eq '*'"), st.none() | st.integers(1, 10 ** 6),
    st.none() | st.just('Maximum desc'))


@given(QUERIES)
def test_a_query_survives_the_snapshot(query):
    assert Query.from_parameters(json.loads(json.dumps(query.parameters()))) == query


JSON = st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
                    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(
                        st.sampled_from(['value', 'name', 'timeseries', 'metadatavalues', 'data', 'timeStamp',
                                         'average', 'maximum', 'total', 'interval', 'query', 'response', 'timespan',
                                         'errorCode']), inner, max_size=5), max_leaves=30)


@settings(max_examples=150)
@given(JSON, JSON)
def test_nonsense_never_breaks_anything(metrics_of_snapshot, response):
    measure(answers_from_snapshot(metrics_of_snapshot))
    measure(answers_from_snapshot([{'query': metrics_of_snapshot, 'response': response}]))


VALUES = st.none() | st.integers(-5, 2000) | st.floats(allow_nan=True, allow_infinity=True)


@settings(max_examples=150)
@given(st.lists(st.tuples(st.sampled_from(metrics.METRICS), st.sampled_from(['PT1M', 'PT1H', 'PT6H', 'P1D']),
                          st.sampled_from(['10.0.0.4', '10.0.0.5', 'fd00::1']), st.sampled_from(['6', 'udp', '']),
                          st.sampled_from(['Failed', 'Successful', '']),
                          st.lists(st.tuples(st.integers(0, 3000), VALUES, VALUES, VALUES), max_size=12)),
                max_size=8), st.none() | st.integers(-3, 200), st.randoms(use_true_random=False))
def test_odd_points_never_break_anything_and_their_order_makes_no_difference(parts, timeout, generator):
    answers = [Answer(None, body([series(
        [point(minute, average=one, maximum=two, total=three) for minute, one, two, three in points],
        BackendIPAddress=node, ProtocolType=protocol, ConnectionState=state)], name, interval))
        for name, interval, node, protocol, state, points in parts]
    demand = measure(answers, timeout)
    generator.shuffle(answers)
    assert measure(answers, timeout) == demand
    assert demand.evidence.status in ('sufficient', 'insufficientData', 'noData')
    if demand.target(25) is not None:
        assert demand.target(25) % 8 == 0 and demand.target(25) >= demand.trigger(25)
