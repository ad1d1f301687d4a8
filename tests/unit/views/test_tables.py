"""Tables: the verdict first, no line wider than the terminal, and what they looked like when last looked at."""
from copy import deepcopy

import pytest

from azext_lbplan.views import layout, tables
from tests.support.answers import answer
from tests.support.tables import COMMANDS, KEPT, clusters, kept, pages, table, text


#: Commands that answer for one cluster.
ALONE = [command for command in COMMANDS if command != 'list']


def test_thirty_kinds_are_looked_at_with_each_command():
    assert len(clusters()) >= 30
    assert {command for _, command in kept()} == set(COMMANDS)
    for columns in (60, 80, 120):
        for command in COMMANDS:
            found = [answer(command, snapshot) for snapshot in clusters().values()]
            shown = [row for rows in found for row in rows] if command == 'list' else found
            assert max(map(len, table(command, shown, columns).splitlines())) <= max(columns, 72), command


def test_tables_look_as_they_did():
    """After a change that was wanted, make tests/data/tables.txt anew (its module says how) and read the difference."""
    assert text(kept()).splitlines() == KEPT.read_text(encoding='utf-8').splitlines()


@pytest.mark.parametrize('columns', [60, 80, 120])
def test_no_line_is_wider_than_the_terminal_and_no_word_is_broken(columns):
    for name, snapshot in clusters().items():
        for command in ALONE:
            result = answer(command, snapshot)
            for shown in (result, [result, result]):
                lines = table(command, shown, columns).splitlines()
                assert max(map(len, lines)) <= columns, (name, command)
            words = set(' '.join(result['verdict'].values()).split())
            assert words <= set(' '.join(table(command, result, columns).split()).split()), (name, command)


def test_the_first_three_rows_hold_verdict_binding_term_and_change():
    for (name, command), page in pages().items():
        labels = [line.split('  ', 1)[0] for line in page.splitlines()[2:]]
        if name.startswith('infeasible'):  # with a billion nodes, whose ports take two rows
            labels = list(filter(None, labels))
        assert labels[:3] == ['Verdict', 'Binds', 'Change'], (name, command)


@pytest.mark.parametrize('command', ALONE)
def test_several_clusters_have_a_block_of_a_few_lines_each(command):
    results = [answer(command, snapshot) for snapshot in clusters().values()]
    lines = table(command, results, 120).splitlines()[2:]
    for result in results:
        name = (result['cluster'] or {}).get('name') or '-'
        block = [line for line in lines if line.split()[0] == layout.shortened(name, 24)]
        same = [one for one in results if one['cluster'] == result['cluster']]
        assert [line.split()[1] for line in block if ' Verdict ' in line] == ['Verdict'] * len(same), name
        assert len(block) <= 9 * len(same), name
        words = ' '.join(' '.join(line.split()[1:]) for line in block)
        assert all(found['code'] in words for found in result.get('findings', ()) if found['severity'] != 'info'), name


def test_pools_come_in_one_order():
    for name, snapshot in clusters().items():
        listed = {command: [line.split()[1] for line in table(command, answer(command, snapshot)).splitlines()
                            if line.startswith('Pool ')] for command in ('show', 'plan')}
        assert listed['plan'] in ([], listed['show'][:3]), name


def test_what_can_be_known_of_a_whole_answer_by_its_verdict():
    """Verdict and figures never contradict each other."""
    for name, snapshot in clusters().items():
        for command in ('plan', 'check'):
            result = answer(command, snapshot)
            says, change = result['verdict']['answer'], result['verdict']['change']
            current = result.get('current')
            if current and current['fits'] is False:
                assert says.startswith(('Does not fit', 'May not fit', 'Azure refuses')), (name, says)
            if current and current['fits'] is True:
                assert says.startswith(('Fits', 'Azure refuses')), (name, says)
            if result['command'] is None:
                assert change == result['noCommand']['message'], name
            else:
                assert change != 'Nothing needs to change.', name


@pytest.mark.parametrize('value, most, expected', [
    ('short', 8, 'short'), ('a b\n c', 8, 'a b c'), ('x' * 9, 8, 'xxx~xxxx'),
    ('/subscriptions/1/ip1', 13, '/subs.../ip1'),
])
def test_shortened_in_the_middle(value, most, expected):
    found = layout.shortened(value, most)
    assert len(found) <= most
    assert found == expected or most == 13 and found.startswith('/sub') and found.endswith('ip1')


def test_what_is_true_of_many_addresses_alike_is_told_once():
    given = deepcopy(clusters()['unreadable'])
    ips = given['managedCluster']['properties']['networkProfile']['loadBalancerProfile']['outboundIPs']['publicIPs']
    more = [f"{ips[0]['id']}-{number}" for number in range(6)]
    ips += [{'id': one} for one in more]
    given['errors'] += [{**given['errors'][-1], 'resourceId': one} for one in more]
    result = answer('check', given)
    assert [found['code'] for found in result['findings']].count('OutboundIpNotReadable') == 8
    told = ' '.join(table('check', result).split())
    assert told.count('OutboundIpNotReadable:') == 1
    assert 'The same of own-ips-ip1, own-ips-ip0-0, own-ips-ip0-1 and 4 more.' in told


def test_a_finding_of_many_services_is_told_once():
    finding = {'code': 'X', 'severity': 'error', 'message': 'It is wrong.', 'evidence': {'line': 3}}
    info = dict(finding, code='Y', severity='info')
    services = [{'file': f'{number}.yaml', 'document': 0, 'namespace': None, 'name': f'web{number}',
                 'findings': [finding, info]} for number in range(40)]
    rows = tables.check_service_table(services)
    assert [row['Severity'] for row in rows if row['Severity']] == ['error', 'info']
    assert 'and 37 more' in [row['Where'] for row in rows] and 'Y (40)' in rows[-1]['Finding'] + rows[-2]['Finding']
