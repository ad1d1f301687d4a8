"""What a JSON document holds of a fleet, and what is missing in it."""
import pytest

from azext_lbplan.inputs.fleets import ADVICE, clusters_among, recognise_fleet
from azext_lbplan.inputs.unusable import UnusableDocument

ID = '/subscriptions/s/resourceGroups/{}/providers/Microsoft.ContainerService/managedClusters/{}'
ROWS = [{'id': ID.format('Rg1', 'a')}, {'id': ID.format('rg2', 'b'), 'resourceGroup': 'rg2'},
        {'id': '/subscriptions/s/resourceGroups/rg1/providers/Microsoft.Network/loadBalancers/kubernetes'},
        {'id': '/subscriptions/s/resourceGroups/rg1/providers/Microsoft.Compute/virtualMachines/vm'}]


@pytest.mark.parametrize('document', [
    ROWS,
    {'data': ROWS},
    {'data': ROWS, 'totalRecords': 4, 'resultTruncated': 'false'},
    {'data': ROWS, 'total_records': 4, 'skip_token': None},
    [{'data': ROWS[:1], 'totalRecords': 4, '$skipToken': 'more'}, {'data': ROWS[1:], 'totalRecords': 4}],
])
def test_rows_an_answer_and_all_its_pages_are_whole(document):
    rows, gaps = recognise_fleet(document)
    assert list(rows) == ROWS and gaps == ()


@pytest.mark.parametrize('said, total', [
    ({'totalRecords': 5}, 5), ({'total_records': 2000}, 2000), ({'resultTruncated': 'true'}, 4),
    ({'resultTruncated': True}, 4), ({'$skipToken': 'more'}, 4), ({'skip_token': 'more'}, 4)])
def test_one_page_of_several_is_a_gap(said, total):
    rows, gaps = recognise_fleet({'data': ROWS, **said})
    assert list(rows) == ROWS
    assert gaps == (f'The file holds 4 of {total} rows or more: it is one page of an answer.',)


def test_rows_that_are_nothing_are_a_gap():
    assert recognise_fleet([*ROWS, None, {'name': 'x'}]).gaps == ('2 rows of the file cannot be understood.',)


def test_an_empty_fleet_is_one():
    assert recognise_fleet([]) == recognise_fleet({'data': []}) == ([], ())


@pytest.mark.parametrize('document, words', [
    (None, 'no fleet'), ({}, 'no fleet'), ('data', 'no fleet'), ({'value': None}, 'no fleet'), (ROWS[0], 'no fleet'),
    ([1, 2], 'no managed cluster'), (ROWS[2:], 'no managed cluster'), ({'data': ROWS[2:]}, 'no managed cluster'),
    ({'data': 'x'}, "no list as its 'data'"), ({'data': None}, "no list as its 'data'"),
    ([{'data': ROWS}, {'data': None}], "no list as its 'data'"),
    ({'data': {'columns': [{'name': 'id', 'type': 'string'}], 'rows': [['x']]}}, "a table as its 'data'")])
def test_what_is_none_is_told(document, words):
    """Never an empty fleet, which is all clear."""
    with pytest.raises(UnusableDocument, match=words) as refused:
        recognise_fleet(document)
    assert refused.value.advice == ADVICE


def test_clusters_of_a_group_are_found_in_any_case():
    assert list(clusters_among(ROWS)) == ROWS[:2]
    assert list(clusters_among(ROWS, 'RG1')) == ROWS[:1]
    assert list(clusters_among(ROWS, 'rg2')) == ROWS[1:2]
    assert list(clusters_among(ROWS, 'rg3')) == []
