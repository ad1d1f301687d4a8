"""Several sizes at once: each row is what its value alone would have given, and says what sets its limit."""
from argparse import ArgumentTypeError

import pytest

from azext_lbplan._params import numbers
from azext_lbplan.decision import decide
from azext_lbplan.decision.curve import NODE_POOLS, OUTBOUND_IPS, TIER, curve
from azext_lbplan.model.observed import Observed, parse_observed
from azext_lbplan.options import Change, Options, Scale, Sizes, gather
from azext_lbplan.views import tables
from tests.support.answers import answer, exit_code
from tests.support.generated import generate


def points(snapshot, sizes, options=Options()):
    return curve(decide(parse_observed(snapshot), options), sizes)


def snapshot(pools, profile):
    return {'schema': 1, 'managedCluster': {
        'id': '/subscriptions/11111111-1111-1111-1111-111111111111/resourcegroups/rg1/providers/'
              'Microsoft.ContainerService/managedClusters/aks1', 'name': 'aks1', 'location': 'westeurope',
        'properties': {'kubernetesVersion': '1.31.2', 'nodeResourceGroup': 'MC_rg1', 'provisioningState': 'Succeeded',
                       'networkProfile': {'loadBalancerSku': 'standard', 'outboundType': 'loadBalancer',
                                          'loadBalancerProfile': profile}, 'agentPoolProfiles': pools}}}


def pool(count, max_count=None, name='one'):
    return {'name': name, 'count': count, 'enableAutoScaling': max_count is not None, 'maxCount': max_count,
            'type': 'VirtualMachineScaleSets', 'mode': 'System'}


EXPLICIT = snapshot([pool(10)], {'managedOutboundIPs': {'count': 2}, 'allocatedOutboundPorts': 2000})
AUTOMATIC = snapshot([pool(10)], {'managedOutboundIPs': {'count': 1}})


def test_explicit_ports_are_bound_by_the_outbound_ips():
    found = points(EXPLICIT, Sizes('max_count', (20, 58, 64, 200)))
    assert [point.fits for point in found] == [True, True, False, False]  # 128,000 / 2000 = 64, surge included
    assert {point.binding for point in found} == {(OUTBOUND_IPS, 64)}
    assert [point.decision.proposed.settings.outbound_ip_count for point in found] == [2, 2, 3, 7]


def test_automatic_allocation_is_bound_by_its_tier():
    found = points(AUTOMATIC, Sizes('max_count', (20, 45, 46, 200)))
    assert [point.fits for point in found] == [True, True, False, False]  # with a tenth of surge: 22, 50, 51, 220
    assert {point.binding for point in found} == {(TIER, 50)}


def test_pools_that_may_grow_further_bind():
    small, large = points(snapshot([pool(10, 80)], {'managedOutboundIPs': {'count': 2},
                                                    'allocatedOutboundPorts': 1000}), Sizes('max_count', (50, 100)))
    assert small.binding == (NODE_POOLS, 88) and small.decision.nodes.required == 88
    assert large.binding == (OUTBOUND_IPS, 128)


def test_ports_that_are_too_many_for_the_ips_do_not_fit():
    found = points(EXPLICIT, Sizes('outbound_ports', (0, 1024, 16000)))
    assert [point.fits for point in found] == [True, True, False]
    assert [point.binding.nodes for point in found] == [100, 125, 8]
    assert [point.decision.proposed.settings.outbound_ip_count for point in found] == [2, 2, 3]


def test_a_cluster_that_does_not_exist_yet_has_a_curve_too():
    found = curve(decide(Observed(cluster=None), Options(Change(managed_outbound_ip_count=2), Scale(node_count=10))),
                  Sizes('max_count', (20, 200)))
    assert [point.decision.proposed.settings.outbound_ports for point in found] == [5816, 576]


@pytest.mark.parametrize('seed', range(60))
@pytest.mark.parametrize('sizes', [Sizes('max_count', (1, 80, 2000)), Sizes('outbound_ports', (0, 1024, 64000))])
def test_each_row_is_the_answer_to_its_value_alone(seed, sizes):
    here = generate(seed).snapshot()
    if not parse_observed(here).cluster.on_standard_load_balancer:
        return
    rows = answer('plan', here, **{sizes.option: sizes.values})
    plain = answer('plan', here)
    assert {**rows, 'curve': None} == plain, 'the rest is the answer without the option'
    for row, value in zip(rows['curve'], sizes.values):
        alone = answer('plan', here, **{sizes.option: value})
        proposed = alone['proposed'] or dict.fromkeys(('outboundIpCount', 'outboundPorts', 'fits'))
        assert (row['requiredNodes'], row['outboundIpCount'], row['outboundPorts'], row['proposedFits']) == (
            alone['nodes']['required'], proposed['outboundIpCount'], proposed['outboundPorts'], proposed['fits'])
        asked = alone['requested'] if sizes.option == 'outbound_ports' else alone['current']
        assert row['fits'] is not True or asked['fits'] is not False
    for table in (tables.plan_table(rows), tables.plan_table([rows, rows])):
        assert all(isinstance(cell, str) for line in table for cell in line.values())
        widths = [max(len(title), *(len(line[title]) for line in table)) for title in table[0]]
        assert sum(widths) + 2 * (len(widths) - 1) <= 80


def test_the_gate_judges_the_sizes():
    assert exit_code('plan', EXPLICIT, fail_on='error', outbound_ports=(1024, 2000)) == 0
    assert exit_code('plan', EXPLICIT, fail_on='error', outbound_ports=(1024, 16000)) == 4
    assert exit_code('plan', EXPLICIT, fail_on='error') == 0


def test_one_number_and_several():
    assert numbers('20') == 20 and numbers('20,50,20') == (20, 50) and numbers('20,20') == (20,)
    for written in ('', ',', '20,', '20;50', '1e3', '20,x'):
        with pytest.raises(ArgumentTypeError, match='no number and no numbers'):
            numbers(written)
    assert gather('plan', {'max_count': (20, 50)}).options.scale == Scale()
    assert gather('plan', {'max_count': (20, 50)}).sizes == Sizes('max_count', (20, 50))
    assert gather('plan', {'max_count': 20}).sizes is None
