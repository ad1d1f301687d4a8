"""The port arithmetic against Microsoft's worked examples, and properties that hold for every number."""
import pytest
from hypothesis import given
from hypothesis import strategies as st

from azext_lbplan.facts import snat

PORTS = st.integers(1, 8000).map(lambda blocks: 8 * blocks)
NODES = st.integers(1, 5000)
IPS = st.integers(1, 100)


@pytest.mark.parametrize('nodes, frontends, ports', [
    (1, 1, 1024), (50, 1, 1024), (51, 1, 512), (100, 1, 512), (101, 1, 256), (200, 1, 256), (201, 1, 128),
    (400, 1, 128), (401, 1, 64), (800, 1, 64), (801, 1, 32), (1000, 1, 32), (1001, 1, None),
    (51, 2, 1024), (101, 2, 512), (801, 16, 512), (50, 16, 1024), (0, 1, 1024)])
def test_automatic_allocation(nodes, frontends, ports):
    assert snat.automatic_ports(nodes, frontends) == ports


@pytest.mark.parametrize('nodes, frontends, last', [
    (3, 1, 50), (51, 1, 100), (3, 2, 100), (3, 16, 800), (3, 32, 1000), (900, 1, 1000), (1001, 1, None)])
def test_last_node_count_before_the_drop(nodes, frontends, last):
    assert snat.nodes_before_drop(nodes, frontends) == last


@pytest.mark.parametrize('ports, ips, most_nodes', [(1000, 2, 128), (1000, 7, 448), (4000, 2, 32), (4000, 7, 112)])
def test_examples_of_microsoft(ports, ips, most_nodes):
    assert snat.ips_needed(ports, most_nodes) == ips
    assert snat.ips_needed(ports, most_nodes + 1) == ips + 1


def test_the_article_s_example_of_three_ips():
    assert snat.ips_needed(50000, 3) == 3


@given(PORTS, NODES, st.integers(0, 300))
def test_the_fewest_ips_fit_and_one_less_does_not(ports, nodes, blocks):
    ips = snat.ips_needed(ports, nodes, blocks)
    assert ports * nodes + 8 * blocks <= 64000 * ips
    assert ips == 1 or ports * nodes + 8 * blocks > 64000 * (ips - 1)


@given(IPS, NODES, st.integers(0, 300))
def test_the_largest_allocation_fits_and_eight_more_do_not(ips, nodes, blocks):
    ports = snat.largest_ports(ips, nodes, blocks)
    assert ports % 8 == 0
    assert ports * nodes + 8 * blocks <= 64000 * ips or ports == 0
    assert ports == 64000 or (ports + 8) * nodes + 8 * blocks > 64000 * ips


@given(st.integers(1, 1000), st.integers(1, 16))
def test_automatic_allocation_never_grows_with_nodes_nor_shrinks_with_frontends(nodes, frontends):
    ports = snat.automatic_ports(nodes, frontends)
    assert ports >= (snat.automatic_ports(nodes + 1, frontends) or 0)
    assert ports <= snat.automatic_ports(nodes, frontends + 1)
    last = snat.nodes_before_drop(nodes, frontends)
    assert snat.automatic_ports(last, frontends) == ports != snat.automatic_ports(last + 1, frontends)


@pytest.mark.parametrize('setting, maximum, version, nodes, low', [
    (None, 3, '1.27.3', 1, 1), (None, 3, '1.32', 1, 1), (None, 100, '1.31.9', 10, 1), (None, 100, '1.32.0', 10, 10),
    (None, 11, 'v1.33', 2, 2), (None, 100, None, 10, 10), (None, 100, 'banana', 10, 10), ('', 100, '1.31', 10, 1),
    ('10%', 3, '1.31', 1, 1), ('33%', 10, '1.31', 4, 4), ('100%', 7, '1.31', 7, 7), ('3', 10, '1.31', 3, 3),
    ('0', 10, '1.31', 1, 0), ('0%', 10, '1.31', 1, 0), ('5', 2, '1.31', 5, 2), (None, 0, '1.32', 0, 0),
    ('5', 0, '1.31', 0, 0), ('10 %', 20, '1.31', 2, 2), ('-3', 20, '1.31', 2, 1), ('1e3', 20, '1.31', 2, 1)])
def test_surge(setting, maximum, version, nodes, low):
    assert snat.surge(setting, maximum, version) == snat.Surge(nodes, low)


@pytest.mark.parametrize('setting, current, version, nodes, low', [
    ('10%', 20, '1.33', 10, 2), (None, 20, '1.33', 10, 2), (None, 20, '1.31', 10, 1), ('3', 20, '1.33', 3, 3),
    ('10%', 0, '1.33', 10, 1), ('0%', 20, '1.33', 1, 0)])
def test_surge_of_a_pool_that_may_grow_to_100_nodes(setting, current, version, nodes, low):
    assert snat.surge(setting, 100, version, current) == snat.Surge(nodes, low)


@given(st.integers(1, 1000), st.integers(0, 100))
def test_percent_surge_rounds_up(maximum, percent):
    nodes = snat.surge(f'{percent}%', maximum, '1.30').nodes
    assert nodes >= 1
    assert nodes * 100 >= maximum * percent > (nodes - 1) * 100 or nodes == 1


def test_nat_gateway_ips_are_at_least_two():
    assert [snat.nat_gateway_ips(ports) for ports in (0, 64512 * 2, 64512 * 2 + 1)] == [2, 2, 3]
