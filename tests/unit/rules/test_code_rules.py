"""Rules about infrastructure code: a change that has the fault, and one that just has not."""
import pytest

from azext_lbplan.decision import decide
from azext_lbplan.inputs.shapes import recognise
from azext_lbplan.model.finding import INFO, WARNING
from azext_lbplan.rules.cluster import check
from azext_lbplan.rules.cluster.code import RULES
from tests.support.cases import ip_ids
from tests.support.terraform import change, cluster, node_pool, plan, state

AKS = 'azurerm_kubernetes_cluster.this'
POOL = 'azurerm_kubernetes_cluster_node_pool.batch'


def moved(before, after, *more, **change_of):
    return plan(change(AKS, before, after, **change_of), *more)


def open_ports():
    values = cluster()
    values['network_profile'] = [{'load_balancer_profile': [{}]}]
    return plan(change(AKS, None, values, {'network_profile': [{'load_balancer_profile': [
        {'outbound_ports_allocated': True}]}]}), configuration={'resources': [{'address': AKS, 'expressions': {
            'network_profile': [{'load_balancer_profile': [{'outbound_ports_allocated': {
                'references': ['local.x', 'data.x.y']}}]}]}}]})


def behind(outbound_type):
    values = cluster()
    values['network_profile'] = [{**values['network_profile'][0], 'outbound_type': outbound_type}]
    return values


def own():
    values = cluster(ips=None)
    values['network_profile'][0]['load_balancer_profile'][0]['outbound_ip_address_ids'] = [str(ip_ids(1)[0])]
    return values


CASES = [
    ('ClusterRecreated', WARNING, moved(cluster(), cluster(), actions=['create', 'delete']),
     moved(cluster(), cluster(ports=8))),
    ('CodeRaisesNodes', WARNING, moved(cluster(ports=8000), cluster(ports=8000), change(POOL, None, node_pool(most=9))),
     moved(cluster(), cluster(), change(POOL, node_pool(), node_pool()))),
    ('CodeRaisesNodes', INFO, moved(cluster(), cluster(), change(POOL, node_pool(most=3), node_pool(most=4))),
     moved(cluster(), cluster(), change(POOL, node_pool(most=4), node_pool(most=3)))),
    ('CodeRaisesNodes', INFO, moved(cluster(), cluster(), change(POOL, node_pool(), node_pool(surge='2'))),
     plan(change(AKS, None, cluster()), change(POOL, None, node_pool()))),
    ('CodeRemovesPools', INFO, moved(cluster(), cluster(), change(POOL, node_pool(), None)),
     moved(cluster(), cluster(), change(POOL, node_pool(), node_pool(count=0)))),
    ('CodeMovesVersion', INFO, moved(cluster(), cluster(kubernetes_version='1.32')),
     moved(cluster(), cluster(kubernetes_version='1.31.9'))),
    ('CodeMovesEgress', WARNING, moved(cluster(), behind('userDefinedRouting')), moved(cluster(), cluster(ports=8))),
    ('ProviderResetsIps', WARNING, moved(own(), cluster(ips=3)), moved(own(), cluster(ips=1))),
    ('CodeLeavesOpen', WARNING, open_ports(), state((AKS, cluster()))),
]


def found_in(document, code):
    (one,) = recognise([document])
    report = check(decide(one.observed()))
    assert not [skipped for skipped in report.skipped if skipped.failed]
    return [finding for finding in report.findings if finding.code == code]


@pytest.mark.parametrize('code, severity, faulty, fine', CASES,
                         ids=[f'{number}-{case[0]}' for number, case in enumerate(CASES)])
def test_a_rule_finds_its_fault_and_nothing_else(code, severity, faulty, fine):
    found = found_in(faulty, code)
    assert [one.severity for one in found] == [severity]
    assert found[0].message.endswith('.') and 'None' not in found[0].message
    assert found_in(fine, code) == []


def test_every_rule_has_a_case():
    assert {case[0] for case in CASES} == {rule.code for rule in RULES}
