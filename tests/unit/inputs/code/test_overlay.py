"""Code over a cluster that was read: the code says what shall be, the cluster the rest."""
from azext_lbplan.decision import decide
from azext_lbplan.inputs.code.overlay import on_live
from azext_lbplan.inputs.shapes import recognise
from azext_lbplan.model.observed import SCHEMA
from azext_lbplan.rules.cluster import findings
from tests.support.cases import body, managed, own_ips, pool
from tests.support.terraform import change, cluster, node_pool, plan, state

AKS = 'azurerm_kubernetes_cluster.this'
POOL = 'azurerm_kubernetes_cluster_node_pool.batch'


def over(document, live):
    (found,) = recognise([document])
    return on_live(found, {'schema': SCHEMA, 'managedCluster': live}).observed()


def pools(one):
    return {pool.name: (pool.current, pool.max, pool.max_surge) for pool in one.pools}


def test_the_cluster_is_what_it_starts_from_and_the_code_what_it_makes():
    live = body([pool('system', 3), pool('batch', 7, max_count=9), pool('other', 2, max_surge='2')], **managed(2),
                allocatedOutboundPorts=1024)
    one = over(plan(change(AKS, None, cluster(ports=4000)), change(POOL, None, node_pool(count=1, most=20))), live)
    assert pools(one.before) == {'system': (3, 3, None), 'batch': (7, 9, None), 'other': (2, 2, '2')}
    assert pools(one.cluster) == {'system': (3, 3, None), 'batch': (7, 20, None), 'other': (2, 2, '2')}
    assert (one.before.profile.allocated_outbound_ports, one.cluster.profile.allocated_outbound_ports) == (1024, 4000)
    assert 'other' in ' '.join(one.origin.notes) and one.origin.assumed == ()
    made = decide(one)
    assert made.current.settings.outbound_ip_count == 2 and made.requested.settings.outbound_ip_count == 1
    assert {'CodeRaisesNodes', 'EgressIpsChange'} <= {finding.code for finding in findings(made)}


def test_another_kind_of_ips_replaces_that_of_the_cluster_and_silence_keeps_it():
    values = cluster(ips=None)
    one = over(state((AKS, values)), body([pool('system')], **own_ips(2), allocatedOutboundPorts=8))
    assert one.cluster.profile.ip_source == 'publicIps' and one.cluster.profile.allocated_outbound_ports == 1024
    one = over(state((AKS, cluster(ips=3))), body([pool('system')], **own_ips(2)))
    assert one.cluster.profile.ip_source == 'managed' and one.cluster.profile.outbound_ips == ()


def test_what_the_plan_deletes_is_not_counted_and_what_it_leaves_open_is_read():
    live = body([pool('system', 3), pool('batch', 7)], **managed(1))
    values = cluster()
    values['default_node_pool'][0].update(auto_scaling_enabled=True, max_count=5, min_count=1)
    del values['default_node_pool'][0]['node_count']
    one = over(plan(change(AKS, cluster(), values, {'default_node_pool': [{'node_count': True}]}),
                    change(POOL, node_pool(), None)), live)
    assert pools(one.cluster) == {'system': (3, 5, None)} and one.origin.unknown == ()
