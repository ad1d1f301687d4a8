"""Ids and names by Azure's own patterns."""
import pytest

from azext_lbplan.facts.clusters import CLUSTER_TYPE
from azext_lbplan.facts.ids import is_cluster_name, is_group_name, is_location, parse_id
from azext_lbplan.facts.networks import PREFIX_TYPE, PUBLIC_IP_TYPE
from tests.support.cases import SUBSCRIPTION
from tests.support.hostile import not_ids

IP = f'/subscriptions/{SUBSCRIPTION}/resourceGroups/my-group/providers/Microsoft.Network/publicIPAddresses/ip.1'


def test_an_id_names_one_resource():
    parsed = parse_id(IP, PUBLIC_IP_TYPE, PREFIX_TYPE)
    assert parsed == IP
    assert (parsed.subscription_id, parsed.resource_group, parsed.type, parsed.name) == (
        SUBSCRIPTION, 'my-group', PUBLIC_IP_TYPE, 'ip.1')
    assert parsed.beside('ip2') == parsed.collection + '/ip2'
    assert not hasattr(parsed, '__dict__'), 'az would print its attributes instead of the text'


@pytest.mark.parametrize('spelling', [IP.upper(), IP.lower(), IP.replace('resourceGroups', 'resourcegroups')])
def test_ids_are_the_same_in_any_case(spelling):
    assert parse_id(spelling, PUBLIC_IP_TYPE) is not None


@pytest.mark.parametrize('written', [None, *not_ids(IP)])
def test_what_azure_cannot_have_given_is_no_id(written):
    assert parse_id(written, PUBLIC_IP_TYPE) is None


def test_the_type_has_to_be_one_that_is_expected():
    assert parse_id(IP, PREFIX_TYPE, CLUSTER_TYPE) is None and parse_id(IP) is None


@pytest.mark.parametrize('is_valid, right, wrong', [
    (is_group_name, ['a', '-a', 'Größe', '(x)', 'a.b', 'x' * 90], ['', '.', '..', 'a.', 'a/b', 'a b', '@a', 'x' * 91]),
    (is_cluster_name, ['a', 'A_b-1', 'x' * 63], ['', '-a', 'a-', 'é', 'a.b', 'x' * 64, 'a\n']),
    (is_location, ['westeurope', 'West Europe', 'uksouth2'], ['', 'a.b', 'x@y', '-x', ' a', 'a/b', 'a\n']),
])
def test_names(is_valid, right, wrong):
    assert [name for name in right if not is_valid(name)] == []
    assert [name for name in wrong if is_valid(name)] == []
