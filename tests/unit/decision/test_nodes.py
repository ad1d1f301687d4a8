"""Node counts as AKS counts them."""
import pytest

from azext_lbplan.options import Scale
from azext_lbplan.decision.nodes import count_nodes, count_new_nodes
from tests.azure.builders import ABSENT, pool
from tests.support.cases import body, observe


def counts(pools, version='1.31.3', scale=Scale(), backend_pool=None, **network):
    return count_nodes(observe(body(pools, version, **network)).cluster, scale, backend_pool)


def test_real_error_of_three_fixed_nodes():
    assert counts([pool(count=3)], '1.27.1').validated == 4


def test_real_error_of_three_pools_on_1_26():
    pools = [pool('one', 2), pool('two', 3, max_count=10), pool('three', 1, max_count=10)]
    assert counts(pools, '1.26.6').validated == 25


def test_the_same_pools_surge_by_ten_percent_from_1_32():
    pools = [pool('one', 2), pool('two', 3, max_count=10), pool('three', 1, max_count=30)]
    assert counts(pools, '1.32.1').validated == 42 + 1 + 1 + 3


def test_spot_pools_count_with_surge():
    assert counts([pool('one', 2), pool('spot', 5, priority='Spot', mode='User')]).validated == 2 + 1 + 5 + 1


def test_a_pool_outside_its_bounds_counts_what_runs():
    assert counts([pool(count=12, max_count=10)]).max == 12
    assert counts([pool(count=0, min_count=1, max_count=10)]).current == 0


def test_an_autoscaler_that_is_off_leaves_its_maximum_out():
    assert counts([pool(count=3, max_count=10, autoscale=False)]).max == 3


def scale_profile(scale, **more):
    return pool('vms', kind='VirtualMachines', **{'count': ABSENT, 'virtualMachinesProfile': {'scale': scale}, **more})


@pytest.mark.parametrize('scale, current, maximum', [
    ({'manual': [{'size': 'a', 'count': 3}, {'sizes': ['b'], 'count': 2}]}, 5, 5),
    ({'autoscale': {'size': 'a', 'minCount': 1, 'maxCount': 3}}, 1, 3),
    ({'autoscale': [{'minCount': 1, 'maxCount': 3}, {'minCount': 2, 'maxCount': 4}]}, 3, 7),
    ({'manual': [{'count': 2}], 'autoscale': None}, 2, 2), ({}, 0, 0), ({'manual': None, 'autoscale': 7}, 0, 0)])
def test_virtual_machines_pools_sum_their_scale_profiles(scale, current, maximum):
    nodes = counts([scale_profile(scale)])
    assert (nodes.current, nodes.max) == (current, maximum)


def test_live_nodes_of_a_virtual_machines_pool_win_over_its_minimum():
    status = [{'size': 'a', 'count': 2}, {'size': 'b', 'count': 1}]
    assert counts([scale_profile({'autoscale': {'minCount': 1, 'maxCount': 9}},
                                 virtualMachineNodesStatus=status)]).current == 3


def test_what_azure_does_not_document_is_counted_high_and_remembered_low():
    nodes = counts([pool('plain', 2), pool('stopped', 2, powerState={'code': 'Stopped'}),
                    pool('public', 2, enableNodePublicIP=True), pool('gate', 2, mode='Gateway'),
                    pool('none', 2, max_surge='0')])
    assert (nodes.validated, nodes.low_validated) == (5 * 3, 3 + 2)


def test_the_backend_pool_raises_what_to_size_for_but_not_what_aks_validates():
    nodes = counts([pool(count=3)], backend_pool=20)
    assert (nodes.validated, nodes.required, nodes.today) == (4, 20, 20)


def test_an_override_of_the_maximum_takes_its_surge_in_proportion():
    pools = [pool('one', 10, max_surge='50%'), pool('two', 10)]
    nodes = counts(pools, scale=Scale(max_count=100))
    assert (nodes.max, nodes.surge, nodes.validated, nodes.required) == (100, 30, 26, 130)


def test_an_override_surges_by_at_least_one_node_for_each_pool():
    assert counts([pool('one', 500, max_surge='1'), pool('two', 500, max_surge='1')],
                  scale=Scale(max_count=2)).required == 1002
    assert counts([pool('one', 1), pool('two', 0)], scale=Scale(max_count=10)).required == 10 + 10
    assert counts([pool('one', 400, max_surge='1'), pool('two', 400, max_surge='1')],
                  scale=Scale(max_count=801)).required == 801 + 3


def test_a_smaller_override_never_lowers_what_to_size_for():
    assert counts([pool(count=40)], scale=Scale(max_count=5)).required == 44


def test_overrides_of_surge_and_version_reach_every_pool():
    pools = [pool('one', 20), pool('two', 20, max_surge='5')]
    assert counts(pools, scale=Scale(kubernetes_version='1.32')).validated == 20 + 2 + 20 + 5
    assert counts(pools, scale=Scale(max_surge='50%')).validated == 60


def test_a_smaller_surge_or_version_never_lowers_what_aks_counts():
    """No option of `az aks update` or `az aks create` sets a surge: AKS counts the one that is there."""
    pools = [pool('one', 100, max_surge='33%'), pool('two', 100)]
    for scale in (Scale(max_surge='1'), Scale(kubernetes_version='1.29'), Scale(max_surge='0')):
        nodes = counts(pools, '1.33.1', scale=scale)
        assert (nodes.validated, nodes.low_validated) == (243, 243)
        assert [one.surge_setting for one in nodes.pools] == ['33%', None]
    assert count_new_nodes(Scale(node_count=100, max_surge='1')).validated == 110


def test_the_low_count_takes_the_surge_that_is_typed():
    """The pool's own surge counts 10 of the maximum when high and 1 when low: 2 that are typed are between them."""
    nodes = counts([pool('one', 100)], '1.31.3', scale=Scale(max_surge='2'))
    assert (nodes.validated, nodes.low_validated) == (110, 102)


def test_node_auto_provisioning_has_no_bound_until_one_is_given():
    cluster = body([pool()])
    cluster['properties']['nodeProvisioningProfile'] = {'mode': 'Auto'}
    assert not count_nodes(observe(cluster).cluster).bounded
    assert count_nodes(observe(cluster).cluster, Scale(max_count=50)).bounded


def test_a_cluster_without_pools_takes_the_given_maximum():
    cluster = body()
    cluster['properties']['agentPoolProfiles'] = None
    nodes = count_nodes(observe(cluster).cluster, Scale(max_count=50))
    assert (nodes.current, nodes.validated, nodes.required) == (0, 0, 55)


@pytest.mark.parametrize('scale, validated', [
    (Scale(node_count=100), 110), (Scale(node_count=3, max_count=50), 55),
    (Scale(node_count=100, kubernetes_version='1.31'), 110),
    (Scale(node_count=100, max_surge='20', kubernetes_version='1.31'), 120)])
def test_a_planned_cluster_is_one_pool_with_a_tenth_of_surge(scale, validated):
    assert count_new_nodes(scale).validated == validated


@pytest.mark.parametrize('version, low', [('1.31.3', 101), ('1.32.0', 102), (None, 102)])
def test_a_tenth_of_surge_is_counted_of_the_maximum_and_remembered_low(version, low):
    """Of the nodes of now, or 1 below 1.32: what the sources disagree about."""
    nodes = counts([pool(count=20, max_count=100)], version)
    assert (nodes.validated, nodes.low_validated) == (110, low)
    assert counts([pool(count=20, max_count=100, max_surge='10%')], version).low_validated == 102
