"""README, its picture and help stay in step with the code."""
import re
import shlex

import pytest

from azext_lbplan.options import COMMANDS
from tests.azure import pool
from tests.support.az import Az
from tests.support.readme import PICTURE, README, commands, drawn, rendered, runner
from tests.support.together import in_one_process

TEXT = README.read_text(encoding='utf-8')
BLOCKS = re.findall(r'```bash\n(.*?)```', TEXT, re.DOTALL)
MOST_BYTES = 12 * 1024

#: Where README.md says that output was made anew.
ANEW = 'python -m tests.support.readme makes it anew'


@pytest.fixture(scope='module')
def fresh(wheel, arm_server, tmp_path_factory):
    """An az without a login, as who tries the README has it."""
    return Az(arm_server, tmp_path_factory.mktemp('readme')).install(wheel)


@pytest.fixture(scope='module')
def help_of(fresh):
    """The help of a command, as a user sees it."""
    shown = in_one_process(fresh, [f'aks lb {command} -h' for command in COMMANDS])
    return {command: one.stdout for command, one in zip(COMMANDS, shown)}.__getitem__


@pytest.fixture(scope='module')
def run(fresh):
    """Runs what README.md shows, once each."""
    asked, once = runner(fresh), {}

    def remembered(command):
        if command not in once:
            once[command] = asked(command)
        return once[command]
    return remembered


def test_it_is_short():
    assert len(TEXT.encode()) <= MOST_BYTES


def test_its_links_lead_somewhere():
    links = re.findall(r'\]\((?!https?:)([^)#]+)\)', TEXT)
    assert {'azext_lbplan/rules/README.md', '.github/lbplan.svg', '.github/AZURE-FACTS.md'} <= set(links)
    assert [link for link in links if not (README.parent / link).exists()] == []


def lines():
    """(command, options) of every `az aks lb` line that README.md shows."""
    for line in [*'\n'.join(BLOCKS).splitlines(), *commands(TEXT)]:
        for found in re.finditer(r'az aks lb ([-a-z]+)([^|;)]*)', line):
            words = re.sub(r'"[^"]*"', 'X', found[2]).split()
            yield found[1], [word for word in words if word.startswith('-') and len(word) > 1]


def test_every_line_uses_commands_and_options_that_exist(help_of):
    seen = set()
    for command, options in lines():
        seen.add(command)
        for option in options:
            assert re.search(rf'(?<![-\w]){re.escape(option)}\b', help_of(command)), f'{command} {option}'
    assert seen == set(COMMANDS)


def test_every_command_has_a_section_with_output_help_and_examples(help_of):
    for command in COMMANDS:
        section = TEXT.partition(f'\n### {command}\n')[2].partition('\n##')[0]
        assert f'\n$ az aks lb {command} ' in section, command
        assert 'Examples' in help_of(command) and f'az aks lb {command}' in help_of(command)


def test_every_option_of_our_own_is_in_the_readme(help_of):
    globals_ = {'--debug', '--help', '--only-show-errors', '--output', '--query', '--verbose', '--subscription',
                '--change-reference', '--acquire-policy-token'}
    for command in COMMANDS:
        for line in help_of(command).splitlines():
            shown = line.split(' : ')[0] if line.startswith('    --') else ''
            names = re.findall(r'(?<![-\w])--[a-z][-a-z0-9]+', shown)
            if names and not globals_ & set(names):
                short = re.findall(r'(?<![-\w])-[a-zA-Z]\b', shown)
                assert any(re.search(rf'(?<![-\w]){name}\b', TEXT) for name in names + short), (command, names)


def test_the_output_that_it_shows_is_real(run):
    assert len(commands(TEXT)) > 6
    assert rendered(TEXT, run) == TEXT, ANEW


def test_its_picture_is_real(run):
    picture = PICTURE.read_text(encoding='utf-8')
    assert picture == drawn(TEXT, run), ANEW
    written = picture.replace('\N{NO-BREAK SPACE}', ' ')
    assert 'az aks update --resource-group shop' in written and written.count('<text') > 10


def test_its_pipeline_tells_nothing_to_do_from_no_safe_line(arm, az, tmp_path):
    script, = [block for block in BLOCKS if 'noCommand.reason' in block]
    ids = {'tight': arm.add_cluster('tight', pools=[pool(count=4)], ports=16000),
           'fine': arm.add_cluster('fine', ports=1024),
           'other': arm.add_cluster('other', outbound_type='managedNATGateway')}
    ran = {name: az.shell(f'ID={shlex.quote(resource_id)}\ncd "$(mktemp -d)"\n{script}')
           for name, resource_id in ids.items()}
    assert {name: result.code for name, result in ran.items()} == {'tight': 0, 'fine': 0, 'other': 1}, str(ran)
    profile = arm.get(ids['tight'])['properties']['networkProfile']['loadBalancerProfile']
    assert profile['managedOutboundIPs']['count'] == 2
    assert ran['fine'].stdout == 'nothing to do\n'
    assert 'no safe line: otherEgress' in ran['other'].stderr
