"""The ways out where own addresses cannot be used: which there are, in what order, and with what lines."""
import pytest

from tests.support.answers import answer
from tests.support.cases import GROUP
from tests.support.worlds import profile, with_, without_reading, world

OWN, OTHER = (f'{GROUP}/publicIPAddresses/own{number}' for number in (0, 1))
PREFIX = f'{GROUP}/publicIPPrefixes/prefix0'
GONE = (404, 'ResourceNotFound')


def ways(snapshot, command='plan', **options):
    """Titles and lines of the ways out."""
    no_command = answer(command, snapshot, **options)['noCommand']
    assert no_command['reason'] == 'addressUnusable'
    return [(way['title'], way['commands']) for way in no_command['waysOut']]


def test_what_can_be_mended_comes_before_what_is_left_out():
    """One IP that is gone and one that is Basic: both are to be mended, or both left out."""
    snapshot = without_reading(world(own=3), OWN, *GONE)
    with_(snapshot, 'publicIpAddresses', 0, 'sku', value={'name': 'Basic'})
    (make, made), (upgrade, upgraded), (leave, asked) = ways(snapshot)
    assert (make, upgrade, leave) == (
        'Make own0 again under the same id.', 'Upgrade own1 to SKU Standard, attached to nothing meanwhile.',
        'Give the list without own0, own1.')
    assert all(part in made[0] for part in ('az network public-ip create ', '--name own0 ', '--location westeurope'))
    assert upgraded[0].startswith('az network public-ip update ') and upgraded[0].endswith('--sku Standard')
    assert asked[0].startswith('az aks lb plan ') and '/own2' in asked[0] and '/own0' not in asked[0]


@pytest.mark.parametrize('number, name', [(1, 'own0'), (7, 'own0, own1, own2, own3, own4 and 2 more')])
def test_without_any_other_there_is_no_list_to_give(number, name):
    snapshot = world(own=number)
    for index in range(number):
        snapshot = without_reading(snapshot, f'{GROUP}/publicIPAddresses/own{index}', *GONE)
    (_, made), (leave, asked) = ways(snapshot)
    assert len(made) == number and asked == []
    assert leave.startswith(f'Give others in place of {name}: ')


def test_what_cannot_be_known_gets_no_line():
    """The length of a prefix that is gone; the IP version in a dual-stack cluster."""
    (title, made), _ = ways(without_reading(world(prefix_lengths=[31, 30]), PREFIX, *GONE))
    assert made == [] and 'with the length that it had' in title
    (_, made), _ = ways(without_reading(world(own=2, dual_stack=True), OWN, *GONE))
    assert made == []


def test_one_kind_is_to_be_chosen_where_there_are_several():
    snapshot = without_reading(world(own=2), OWN, *GONE)
    profile(snapshot)['managedOutboundIPs'] = {'count': 1}
    *_, (title, asked) = ways(snapshot)
    assert title == 'Give one kind of outbound IPs, without own0.' and asked == []


def test_of_two_faults_on_one_address_neither_is_mended_alone():
    snapshot = with_(world(own=2), 'publicIpAddresses', 0, 'sku', value={'name': 'Basic'})
    with_(snapshot, 'publicIpAddresses', 0, 'location', value='eastus')
    assert [title for title, _ in ways(snapshot)] == ['Give the list without own0.']


def test_what_is_no_id_can_only_be_left_out():
    snapshot = with_(world(own=2), 'managedCluster', 'properties', 'networkProfile', 'loadBalancerProfile',
                     'outboundIPs', 'publicIPs', 0, 'id', value='@/etc/passwd')
    (title, asked), = ways(snapshot)
    assert title == 'Give the list without @/etc/passwd.' and '/own1' in asked[0] and '@' not in asked[0]


def test_what_was_typed_stays_in_the_question():
    """But for IPs, which are the question."""
    *_, (_, asked) = ways(without_reading(world(own=2), OWN, *GONE), outbound_ports=4000, max_count=20, max_surge='33%',
                          allow_decrease=True)
    assert asked[0].endswith('/own1 --outbound-ports 4000 --max-count 20 --max-surge 33% --allow-decrease')


def test_a_list_that_was_typed_is_the_one_that_is_shortened():
    snapshot = without_reading(world(own=1), OTHER, *GONE)
    (title, _), (leave, asked) = ways(snapshot, outbound_ips=(OWN, OTHER))
    assert (title, leave) == ('Make own1 under the same id.', 'Give the list without own1.')
    assert f'--outbound-ips {OWN}' in asked[0]


def test_where_nothing_is_wrong_there_are_no_ways():
    result = answer('plan', world(own=2))
    assert result['noCommand'] == {**result['noCommand'], 'reason': 'nothingToDo', 'waysOut': []}


def test_an_address_that_is_gone_is_not_said_to_be_counted():
    """Assumed is only what nobody could read."""
    def assumed(snapshot):
        return any('counted as one IPv4 address each' in one for one in answer('show', snapshot)['unverified'])
    assert not assumed(without_reading(world(own=2), OWN, *GONE))
    assert assumed(without_reading(world(own=2), OWN, 403))


def test_what_differs_is_told_of_those_that_can_be_used():
    snapshot = without_reading(world(own=2), OWN, *GONE)
    found, = [one for one in answer('check', snapshot)['findings'] if one['code'] == 'OutboundIpsDiffer']
    assert found['message'].startswith('Outbound IPs that the profile asks for and that can be used: 1, in force: 2')
    assert found['command'] is None and found['remediation'].startswith('First mend')


@pytest.mark.parametrize('fault', [{'location': 'eastus'}, {'sku': {'name': 'Basic'}}])
def test_no_address_that_is_refused_is_counted(fault):
    snapshot = world(own=2, ports=8000)
    snapshot['publicIpAddresses'][0].update(fault)
    current = answer('plan', snapshot)['current']
    assert (current['outboundIpCount'], current['availablePorts']) == (1, 64000)
    assert len(current['outboundIps']) == 2, 'what is wanted stays listed in what is in force'
