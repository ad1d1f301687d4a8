"""What-if: bodies before and after, pools from wherever they are told, and what only looks deleted."""
import pytest

from azext_lbplan.decision import Reason, decide
from azext_lbplan.inputs.shapes import recognise
from azext_lbplan.inputs.unusable import UnusableDocument
from azext_lbplan.rules.cluster import findings
from tests.support.cases import body, managed, pool

CLUSTER = body([pool('system', 3)], **managed(1), allocatedOutboundPorts=1024)
POOL_ID = f"{CLUSTER['id']}/agentPools/user"


def change(kind, before, after, resource_id=CLUSTER['id']):
    return {'changeType': kind, 'resourceId': resource_id, 'before': before, 'after': after}


def alone(count=2, most=9):
    return {'name': 'user', 'type': 'Microsoft.ContainerService/managedClusters/agentPools',
            'properties': {'count': count, 'enableAutoScaling': True, 'maxCount': most, 'mode': 'User'}}


def only(*changes):
    (one,) = recognise([{'status': 'Succeeded', 'changes': list(changes)}])
    return one.observed()


def names(cluster):
    return [one.name for one in cluster.pools]


def test_a_change_has_both_sides_and_the_code_is_what_to_change():
    after = body([pool('system', 3)], **managed(2), allocatedOutboundPorts=24000)
    one = only(change('Modify', CLUSTER, after))
    made = decide(one)
    assert (made.current.settings.outbound_ports, made.requested.settings.outbound_ports) == (1024, 24000)
    assert made.requested.settings.outbound_ip_count == 2 and made.reason is Reason.NOTHING_TO_DO or \
        made.reason is Reason.MANAGED_BY_CODE
    assert one.origin.action == 'update' and one.cluster.is_named


def test_a_pool_that_is_deployed_alone_only_looks_deleted():
    before = body([pool('system', 3), pool('user', 6, max_count=10)], **managed(1))
    for more in ([], [change('Ignore', alone(6, 10), None, POOL_ID)]):
        one = only(change('Modify', before, CLUSTER), *more)
        assert names(one.cluster) == ['system', 'user'] and one.origin.removed_pools == ()
        assert 'user' in ' '.join(one.origin.notes) and 'deleted' in ' '.join(one.origin.notes)


def test_a_pool_that_is_deleted_for_itself_is_gone():
    before = body([pool('system', 3), pool('user', 6, max_count=10)], **managed(1))
    one = only(change('Modify', before, CLUSTER), change('Delete', alone(), None, POOL_ID))
    assert names(one.cluster) == ['system'] and one.origin.notes == () or 'counted' not in ' '.join(one.origin.notes)


def test_a_pool_that_is_made_is_a_reason_by_name():
    fat = body([pool('system', 3)], **managed(1), allocatedOutboundPorts=8000)
    made = decide(only(change('NoChange', fat, None), change('Create', None, alone(2, 40), POOL_ID)))
    assert made.current.fits and made.requested.fits is False
    assert "'user'" in [finding for finding in findings(made) if finding.code == 'CodeRaisesNodes'][0].message


def test_an_expression_that_is_left_is_open():
    after = body([pool('system', 3)], **managed(1), allocatedOutboundPorts="[reference('x').ports]")
    made = decide(only(change('Create', None, after)))
    assert made.current is None and made.reason is Reason.UNKNOWN_SETTINGS


def test_the_answer_of_the_api_is_one_too():
    (one,) = recognise([{'properties': {'changes': [change('Create', None, CLUSTER)]}}])
    assert one.origin.action == 'create'


@pytest.mark.parametrize('changes, recognised', [
    ([change('Create', None, {'type': 'Microsoft.Storage/storageAccounts'}, '/x')], 'touches no managed cluster'),
    ([change('Delete', CLUSTER, None)], 'tells nothing of its managed clusters but their ids'),
    ([{'changeType': 'Deploy', 'resourceId': CLUSTER['id']}], 'tells nothing of its managed clusters but their ids')])
def test_what_holds_no_cluster_is_told(changes, recognised):
    with pytest.raises(UnusableDocument, match=recognised):
        recognise([{'changes': changes}])


@pytest.mark.parametrize('odd', [
    None, 7, 'x', [], {}, [[]], {'properties': 7}, {'properties': {'agentPoolProfiles': 7}}])
def test_odd_values_are_no_reason_to_fall(odd):
    for entry in (change('Modify', odd, CLUSTER), change('Modify', CLUSTER, odd), change(odd, CLUSTER, CLUSTER, odd),
                  change('Modify', CLUSTER, CLUSTER)):
        try:
            found = recognise([{'changes': [entry, change('Modify', odd, odd, POOL_ID), odd,
                                            {'changeType': 'Modify'}]}])
        except UnusableDocument:
            continue
        for one in found:
            findings(decide(one.observed()))
