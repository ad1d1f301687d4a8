"""Moves of the outbound type: which there are, in what order their steps come, and what they cost."""
import pytest

from azext_lbplan.decision import decide
from azext_lbplan.decision.moves import Cost, Stage, moves
from azext_lbplan.model.observed import parse_observed
from azext_lbplan.views.moves import rows
from tests.azure import aks_rules, pool
from tests.support.oracle import parse
from tests.support.ways import FIREWALL, address, gateway, gateway_id, routes, subnet, subnet_id, table_id
from tests.support.worlds import world

LISTED = {'apiServerAccessProfile': {'authorizedIPRanges': ['52.1.0.0/16']}}
LOAD_BALANCER, MANAGED, V2, NONE, BLOCK = ('loadBalancer', 'managedNATGateway', 'managedNATGatewayV2', 'none', 'block')
OWN_GATEWAY, ROUTED = 'userAssignedNATGateway', 'userDefinedRouting'


def decided(snapshot):
    return decide(parse_observed(snapshot))


def own(outbound_type=LOAD_BALANCER, on_subnet=None, hops=(), sku='Standard', **more):
    """A cluster in a VNet of the user's, with that gateway or those routes on its subnet."""
    made = address('out', '20.1.2.3')
    table = routes(*hops)
    return {**world(pool(vnetSubnetID=subnet_id()), outbound_type=outbound_type, **more), 'schema': 2, 'errors': [],
            'subnets': [subnet(subnet_id(), on_subnet, table_id() if hops else None)], 'routeTables': [table],
            'natGateways': [dict(gateway(made['id']), sku={'name': sku})], 'publicIpAddresses': [made]}


def stages(snapshot, to):
    return [step.stage for step in next(one for one in moves(decided(snapshot)) if one.to == to).steps]


def costs(snapshot, to):
    return set(next(one for one in moves(decided(snapshot)) if one.to == to).costs)


@pytest.mark.parametrize('outbound_type, to, disputed', [
    (LOAD_BALANCER, (MANAGED, V2, NONE, BLOCK), ()), (MANAGED, (LOAD_BALANCER, V2, NONE, BLOCK), (LOAD_BALANCER,)),
    (V2, (NONE, BLOCK), (NONE, BLOCK)), (NONE, (LOAD_BALANCER, MANAGED, V2, BLOCK), ()),
    (BLOCK, (LOAD_BALANCER, MANAGED, V2, NONE), ()), ('somethingNew', (), ())])
def test_moves_in_a_managed_vnet(outbound_type, to, disputed):
    """What is not disputed is what the stand-in takes: each is written from the facts by itself."""
    found = moves(decided(world(outbound_type=outbound_type)))
    assert tuple(one.to for one in found) == to
    assert tuple(one.to for one in found if Cost.DISPUTED in one.costs) == disputed
    assert set(to) - set(disputed) == set(aks_rules._MANAGED_VNET.get(outbound_type, ()))


@pytest.mark.parametrize('outbound_type', [LOAD_BALANCER, OWN_GATEWAY, ROUTED, NONE])
def test_in_a_vnet_of_ones_own_each_may_become_each_other(outbound_type):
    found = moves(decided(own(outbound_type)))
    assert {one.to for one in found} == set(aks_rules._OWN_VNET) - {outbound_type}
    assert not any(Cost.NO_WAY_BACK in one.costs for one in found)


@pytest.mark.parametrize('snapshot', [
    world(nodeProvisioningProfile={'mode': 'Auto'}), world(sku='basic'), world(pool(kind='AvailabilitySet')),
    own(MANAGED), own(BLOCK)])
def test_what_cannot_move(snapshot):
    assert moves(decided(snapshot)) == () and rows(decided(snapshot)) == []


def test_whoever_has_to_know_the_addresses_is_told_before_traffic_moves():
    assert stages(own(**LISTED), OWN_GATEWAY) == [
        Stage.MAKE_GATEWAY, Stage.ALLOW_KNOWN, Stage.AUTHORIZE_UNKNOWN, Stage.JOIN_GATEWAY, Stage.MOVE, Stage.VERIFY]
    assert stages(own(**LISTED), ROUTED) == [
        Stage.MAKE_ROUTE, Stage.ALLOW_KNOWN, Stage.AUTHORIZE_UNKNOWN, Stage.JOIN_ROUTE, Stage.MOVE, Stage.VERIFY]
    assert stages(world(**LISTED), MANAGED) == [Stage.ALLOW_LATER, Stage.AUTHORIZE_LATER, Stage.MOVE, Stage.VERIFY]
    assert stages(world(**LISTED), BLOCK) == [Stage.ISOLATE, Stage.MOVE, Stage.VERIFY]


def test_what_is_there_already_is_not_made_again():
    there = own(on_subnet=gateway_id(), **LISTED)
    assert stages(there, OWN_GATEWAY) == [Stage.ALLOW_KNOWN, Stage.AUTHORIZE, Stage.MOVE, Stage.VERIFY]
    authorize = next(one for one in moves(decided(there)) if one.to == OWN_GATEWAY).steps[1]
    assert parse(authorize.command)[1].api_server_authorized_ip_ranges == '52.1.0.0/16,20.1.2.3'
    assert stages(own(hops=[FIREWALL]), ROUTED) == [Stage.ALLOW_KNOWN, Stage.MOVE, Stage.VERIFY]


def test_a_route_wins_over_a_gateway_until_it_is_gone():
    assert stages(own(ROUTED, hops=[FIREWALL]), OWN_GATEWAY)[-4:] == [
        Stage.JOIN_BEHIND_ROUTE, Stage.LEAVE_ROUTE, Stage.MOVE, Stage.VERIFY]
    assert stages(own(ROUTED, hops=[FIREWALL]), LOAD_BALANCER)[-3:] == [Stage.MOVE, Stage.LEAVE_ROUTE, Stage.VERIFY]
    assert stages(own(OWN_GATEWAY, gateway_id()), LOAD_BALANCER)[-3:] == [Stage.MOVE, Stage.LEAVE_GATEWAY, Stage.VERIFY]


def test_zones_and_skus():
    assert {Cost.ZONAL, Cost.IPV4_ONLY} <= costs(world(dual_stack=True), MANAGED)
    assert Cost.IPV4_ONLY not in costs(world(), MANAGED)
    assert Cost.V2_ADDRESSES in costs(world(), V2) and Cost.ZONAL not in costs(world(), V2)
    assert Cost.V2_ADDRESSES in costs(own(on_subnet=gateway_id(), sku='StandardV2'), OWN_GATEWAY)


def test_the_idle_timeout_of_now_goes_along():
    lines = [next(one for one in moves(decided(world(idle=idle))) if one.to == MANAGED).command for idle in (4, 120)]
    assert '--nat-gateway-idle-timeout' not in lines[0] and lines[1].endswith('--nat-gateway-idle-timeout 120')


def test_types_that_az_does_not_know_have_no_line():
    found = {one.to: one.command for one in moves(decided(world()))}
    assert {to for to, command in found.items() if command is None} == {V2, BLOCK}


@pytest.mark.parametrize('snapshot', [world(**LISTED), own(**LISTED), own(ROUTED, hops=[FIREWALL]), world(
    outbound_type=MANAGED), own(on_subnet=gateway_id(), **LISTED)])
def test_all_is_said_in_whole_sentences(snapshot):
    for one in rows(decided(snapshot)):
        assert set(one) == {'to', 'steps', 'consequences'} and one['steps'] and one['consequences']
        for told in (*(step['what'] for step in one['steps']), *one['consequences']):
            assert told.endswith('.') and 'None' not in told and '  ' not in told
