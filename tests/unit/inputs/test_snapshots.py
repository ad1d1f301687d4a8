"""What a JSON document holds of one cluster, or what it was taken for."""
import pytest

from azext_lbplan.inputs.snapshots import ADVICE, recognise_snapshot
from azext_lbplan.inputs.unusable import UnusableDocument
from azext_lbplan.model.observed import SCHEMA

CLUSTER = {'agentPoolProfiles': [], 'networkProfile': {}}


def test_a_snapshot_is_taken_as_it_is():
    snapshot = {'schema': SCHEMA, 'managedCluster': CLUSTER, 'later': 1}
    assert recognise_snapshot(snapshot) is snapshot


def test_a_bare_cluster_becomes_a_snapshot():
    assert recognise_snapshot(CLUSTER) == {'schema': SCHEMA, 'managedCluster': CLUSTER}


@pytest.mark.parametrize('document, recognised', [
    (None, 'holds neither a snapshot nor a managed cluster'),
    ([CLUSTER], 'holds neither a snapshot nor a managed cluster'),
    ({'id': '/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c/agentPools/p'},
     'holds neither a snapshot nor a managed cluster'),
    ({'schema': SCHEMA}, 'is a snapshot without a managed cluster'),
    ({'schema': SCHEMA, 'managedCluster': {'id': 'x'}}, 'is a snapshot without a managed cluster'),
    *(({'schema': schema, 'managedCluster': CLUSTER},
       f'is a snapshot of schema {written}; this version reads schema 1 and 2')
      for schema, written in ((True, 'true'), (False, 'false'), (1.0, '1.0'), ('1', '"1"'), (None, 'null'), (3, '3'),
                              (10 ** 60, '1' + '0' * 19), ([[1]], 'a list'), ({'a': 1}, 'an object'),
                              ('x' * 99, '"' + 'x' * 19), ('\ud800\x1b', '"\\ud800\\u001b"'))),
])
def test_what_is_none_is_told(document, recognised):
    with pytest.raises(UnusableDocument) as refused:
        recognise_snapshot(document)
    assert refused.value.recognised == recognised
    assert (refused.value.advice == ADVICE) == ('schema ' not in recognised)
