"""Help fits on a screen, rules are listed, words are completed, and errors name the option that was typed."""
import os
import subprocess

import pytest

from azext_lbplan.options import COMMANDS
from azext_lbplan.rules.cluster import CHECK_CODES, RULES
from azext_lbplan.rules.service import RULES as SERVICE_RULES
from tests.support.together import in_one_process, lb

#: Lines of `-h` at most. Beside the long names of `az aks update` the CLI leaves 29 columns for the texts of plan and
#: recommend, and has 48 lines of its own: an option of ours takes a line or two.
LONGEST_HELP = {'show': 48, 'plan': 121, 'recommend': 118, 'check': 68, 'list': 57, 'check-service': 59,
                'list-rules': 36}

#: Bad values of the options that have several names.
BAD = {'managed_outbound_ip_count': '101', 'managed_outbound_ipv6_count': '0', 'outbound_ips': 'ip1',
       'outbound_ip_prefixes': 'prefix1', 'outbound_ports': '1025', 'idle_timeout_in_minutes': '3',
       'node_count': '-1', 'kubernetes_version': 'latest'}


def test_help_fits_on_a_screen(az):
    assert set(LONGEST_HELP) == set(COMMANDS)
    for shown, (command, longest) in zip(in_one_process(az, [f'aks lb {command} -h' for command in LONGEST_HELP]),
                                         LONGEST_HELP.items()):
        lines = shown.stdout.strip().splitlines()
        assert 10 < len(lines) <= longest, (command, len(lines))
        assert max(map(len, lines)) <= 115, command
        assert shown.stdout.count('        az aks lb ') + shown.stdout.count('| az aks lb ') in (3, 4, 5), command


def test_the_rules_are_listed(az):
    rules, errors, why = (result.json for result in in_one_process(az, [
        'list-rules', 'list-rules --query "[?command==\'check\' && severity==\'error\'].code"',
        'list-rules --query "[?code==\'TierDrop\'].why | [0]"']))
    assert [rule['code'] for rule in rules] == [rule.code for rule in (*RULES, *SERVICE_RULES)]
    for rule in rules:
        assert set(rule) == {'code', 'severity', 'title', 'why', 'command', 'commands', 'source', 'link'}
        assert rule['command'] == rule['commands'][0] and set(rule['commands']) <= set(COMMANDS)
        assert rule['severity'] in ('error', 'warning', 'info') and rule['title'] and rule['why'] and rule['source']
    assert {rule['code'] for rule in rules if 'check' in rule['commands']} == set(CHECK_CODES)
    assert {rule['code'] for rule in rules if rule['command'] == 'check-service'} == {
        rule.code for rule in SERVICE_RULES}
    assert 'PortsOvercommittedNow' in errors and why.startswith('Crossing a tier')


@pytest.mark.parametrize('columns', [60, 80, 120])
def test_the_table_of_rules_fits_the_terminal(az, columns):
    lines = lb(az, env={'COLUMNS': str(columns)})('list-rules -o table').stdout.splitlines()
    longest = max(len(rule.code) for rule in (*RULES, *SERVICE_RULES))
    assert max(map(len, lines)) <= max(columns, longest + len('  Severity    ') + 20)  # no code is cut
    words = ' '.join(' '.join(lines).split())
    codes = {line.split()[0] for line in lines[2:] if not line.startswith((' ', '['))}
    assert codes == {rule.code for rule in (*RULES, *SERVICE_RULES)}
    assert [line for line in lines if line.startswith('[')] == [
        '[check, plan, recommend]', '[check]', '[plan, recommend]', '[check-service]']
    if columns == 120:
        assert all(' '.join(word for word in rule.title.split()) in words for rule in RULES if len(rule.title) < 60)


def completed(az, line):
    """What a shell is told to complete the line with."""
    env = az.environment({'_ARGCOMPLETE': '1', '_ARGCOMPLETE_SUPPRESS_SPACE': '1', '_ARGCOMPLETE_IFS': '\n',
                          'COMP_LINE': line, 'COMP_POINT': str(len(line)), 'COMP_TYPE': '9'})
    told, written = os.pipe()
    with os.fdopen(told, encoding='utf-8') as reader:
        process = subprocess.Popen(['bash', '-c', f'exec "$0" 8>&{written} 9>/dev/null', az.executable], env=env,
                                   cwd=az.cwd, pass_fds=[written], stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL)
        os.close(written)
        words = reader.read().split('\n')
        process.wait(timeout=60)
    return [word.strip() for word in words]


def test_words_are_completed(az):
    assert set(completed(az, 'az aks lb check --fail-on ')) == {'error', 'none', 'warning'}
    assert completed(az, 'az aks lb check --rules Tier') == ['TierDrop']
    assert set(completed(az, 'az aks lb check --skip-rules ')) == set(CHECK_CODES)
    assert completed(az, 'az aks lb list --subscriptions 1111') == ['11111111-1111-1111-1111-111111111111']
    assert 'list-rules' in completed(az, 'az aks lb li')


def refusals():
    """(command, the name that was typed, all names of the option)."""
    for option in COMMANDS['plan']:
        for flag in option.flags if option.name in BAD else ():
            yield f'plan -g rg1 -n aks1 {flag} {BAD[option.name]}', flag, option.flags
    yield 'plan -g rg1 -n aks1 --load-balancer-outbound-po 1025', '--load-balancer-outbound-ports', ()
    yield 'plan -g rg1 -n aks1 --outbound-ports=1025', '--outbound-ports', ()
    for flag in ('--name', '-n'):
        yield f'show -g rg1 {flag} a/b', flag, ('--name', '-n')
    for flag in ('--resource-group', '-g'):
        yield f'show {flag} a/b -n aks1', flag, ('--resource-group', '-g')
        yield f'list {flag} a/b', flag, ('--resource-group', '-g')


def test_errors_name_the_option_that_was_typed(arm, az):
    told = list(refusals())
    assert {option.name for option in COMMANDS['plan'] if len(option.flags) > 1} == {
        *BAD, 'backend_pool_type', 'resource_group_name', 'name'}  # its choices are the parser's
    for result, (_, flag, names) in zip(in_one_process(az, [command for command, *_ in told]), told):
        line = result.stderr.splitlines()[0]
        assert result.code == 1 and line.startswith(f'ERROR: {flag}: '), str(result)
        assert not [name for name in names if name != flag and name in line.split()], str(result)
    both = lb(az)('plan -g rg1 -n aks1 --managed-ip-count 2 --load-balancer-outbound-ips x')
    assert both.stderr.startswith('ERROR: --managed-ip-count and --load-balancer-outbound-ips exclude each other')
    arm.add_cluster()
    for flag in ('--managed-ipv6-count', '--load-balancer-managed-outbound-ipv6-count'):
        refused = az(f'aks lb plan -g rg1 -n aks1 {flag} 2')
        assert refused.stderr.startswith(f'ERROR: {flag} does not apply to cluster'), str(refused)
