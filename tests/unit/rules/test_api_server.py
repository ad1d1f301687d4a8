"""The list of the API server against the addresses that nodes leave from: what lacks, and the line, or why not."""
import shlex

import pytest

from azext_lbplan.decision import decide
from azext_lbplan.decision.authorized_ranges import extension
from azext_lbplan.model.cluster import parse_cluster
from azext_lbplan.model.finding import ERROR, WARNING
from azext_lbplan.model.observed import parse_observed
from azext_lbplan.options import Change, Options
from azext_lbplan.rules.cluster import findings
from tests.azure import pool
from tests.support.asking_rules import ask
from tests.support.cases import ip_ids
from tests.support.oracle import parse
from tests.support.ways import address, gateway, gateway_id, subnet, subnet_id
from tests.support.worlds import world

OFFICE = '52.1.0.0/16'
OPTION = '--api-server-authorized-ip-ranges'
NEW_IPS, EGRESS = 'AuthorizedRangesLackNewIps', 'AuthorizedRangesLackEgress'


def listed(*ranges, **more):
    """What the API server takes."""
    return {'apiServerAccessProfile': {'authorizedIPRanges': list(ranges), **more}}


def told(snapshot, change=Change(), code=NEW_IPS):
    """The finding of that code on a plan, None for none."""
    decision = decide(parse_observed(snapshot), Options(change))
    return next((one for one in findings(decision) if one.code == code), None)


def with_own(ips, *ranges, **more):
    """A cluster on managed IPs, and own ones that may be typed: their addresses."""
    snapshot = world(ports=1024, **listed(*ranges, **more))
    snapshot['publicIpAddresses'] = [address(f'own{index}', ip) for index, ip in enumerate(ips)]
    return snapshot


OWN = Change(outbound_ips=tuple(ip_ids(2)))


def test_the_line_names_the_whole_list():
    found = told(with_own(['20.1.2.3', '20.1.2.4'], OFFICE), OWN)
    assert found.severity == WARNING and found.evidence['missing'] == ['20.1.2.3', '20.1.2.4']
    assert shlex.split(found.command)[-2:] == [OPTION, f'{OFFICE},20.1.2.3,20.1.2.4']
    command, namespace = parse(found.command)  # by the parser and the validators of the real CLI
    assert (command, namespace.api_server_authorized_ip_ranges) == ('aks update', f'{OFFICE},20.1.2.3,20.1.2.4')
    assert told(with_own(['20.1.2.3', '20.1.2.4'], OFFICE, '20.1.2.3', '20.1.2.4/32'), OWN) is None


@pytest.mark.parametrize('ranges, more', [
    ([], {}), (['20.1.2.0/24'], {}), (['0.0.0.0/32'], {}), ([OFFICE], {'enablePrivateCluster': True}),
    ([OFFICE], {'enableVnetIntegration': True})])
def test_where_it_is_no_matter(ranges, more):
    assert told(with_own(['20.1.2.3', '20.1.2.4'], *ranges, **more), OWN) is None


def test_addresses_of_managed_ips_are_known_only_afterwards():
    found = told(world(pool(count=9), ports=8000, **listed(OFFICE)))
    assert found.command is None and found.evidence['notKnownBefore'] == 1
    assert 'known only afterwards' in found.remediation and '--load-balancer-outbound-ips' in found.remediation
    assert [one.code for one in ask(world(pool(count=9), ports=8000, **listed(OFFICE))).findings].count(NEW_IPS) == 1


def test_ips_that_are_to_be_made_come_first():
    snapshot = world(pool(count=9), own=1, ports=8000, **listed(OFFICE))
    snapshot['lists'] = [{'resourceId': ip_ids(1)[0].collection, 'names': ['own0']}]
    found = told(snapshot)
    assert found.command is None and found.remediation.startswith('Make the public IPs first')


@pytest.mark.parametrize('ranges, told_as', [
    (['10.0.0.0/8'], 'refuses 10.0.0.0/8'), (['20.1.2.3/24'], 'refuses 20.1.2.3/24'), (['x; rm'], 'refuses x; rm'),
    ([f'52.{index // 250}.{index % 250}.1' for index in range(199)], '201 ranges')])
def test_a_list_that_no_line_can_set(ranges, told_as):
    found = told(with_own(['30.1.2.3', '30.1.2.4'], *ranges), OWN)
    assert found.command is None and told_as in found.remediation
    if len(ranges) > 1:
        assert told(with_own(['30.1.2.3', '30.1.2.4'], *ranges[:-1]), OWN).command is not None


def test_an_own_ip_that_was_not_read_is_said_to_be_unknown():
    snapshot = with_own(['20.1.2.3'], OFFICE)
    found = told(snapshot, OWN)
    assert found.command.endswith(f'{OFFICE},20.1.2.3') and '1 own IP could not be read' in found.remediation


def behind_gateway(*ranges, ip='20.9.9.9'):
    """A cluster whose subnet has a NAT gateway with that address."""
    snapshot = world(pool(vnetSubnetID=subnet_id()), **listed(*ranges))
    made = address('out', ip)
    return {**snapshot, 'schema': 2, 'subnets': [subnet(subnet_id(), gateway_id())],
            'natGateways': [gateway(made['id'])], 'publicIpAddresses': [made]}


def test_a_gateway_that_the_api_server_does_not_let_in():
    found = next(one for one in ask(behind_gateway(OFFICE)).findings if one.code == EGRESS)
    assert found.severity == ERROR and found.command.endswith(f'{OPTION} {OFFICE},20.9.9.9')
    assert not [one for one in ask(behind_gateway(OFFICE, '20.9.0.0/16')).findings if one.code == EGRESS]


def test_the_entry_for_the_load_balancer_goes_where_others_come():
    """It stands with no other; what it let in is named instead, where it is known."""
    cluster = parse_cluster(world(**listed('0.0.0.0/32'))['managedCluster'])
    assert extension(cluster, ['20.9.9.9'], ['20.1.1.1']).ranges == ('20.1.1.1', '20.9.9.9')
    assert parse(extension(cluster, ['20.9.9.9'], ['20.1.1.1']).command)


def test_ipv6_is_no_matter():
    cluster = parse_cluster(world(**listed(OFFICE))['managedCluster'])
    assert extension(cluster, ['2603:1020::1', OFFICE]).missing == ()
