"""README and help stay in step with the code."""
import re
import shlex

import pytest

from tests.support.readme import README

TEXT = README.read_text(encoding='utf-8')
BLOCKS = re.findall(r'```bash\n(.*?)```', TEXT, re.DOTALL)
COMMANDS = ('show', 'plan', 'recommend', 'check', 'list', 'check-service', 'list-rules')


@pytest.fixture(scope='module')
def help_of(wheel, arm_server, tmp_path_factory):
    """The help of a command, as a user sees it."""
    from tests.support.az import Az
    az = Az(arm_server, tmp_path_factory.mktemp('help')).install(wheel)
    texts = {command: az(['aks', 'lb', command, '-h'], check=True).stdout for command in COMMANDS}
    return texts.__getitem__


def test_its_links_lead_somewhere():
    links = re.findall(r'\]\((?!https?:)([^)#]+)\)', TEXT)
    assert 'azext_lbplan/rules/README.md' in links
    assert [link for link in links if not (README.parent / link).exists()] == []


def lines():
    """(command, options) of every `az aks lb` line in README's blocks for a shell."""
    for line in '\n'.join(BLOCKS).splitlines():
        found = re.search(r'az aks lb ([-a-z]+)(.*)', line)
        if found:
            words = shlex.split(found[2].split('|')[0].replace('$(', '').replace(')', ''))
            yield found[1], [word for word in words if word.startswith('-') and len(word) > 1]


def test_every_line_uses_commands_and_options_that_exist(help_of):
    seen = set()
    for command, options in lines():
        seen.add(command)
        for option in options:
            assert re.search(rf'(?<![-\w]){re.escape(option)}\b', help_of(command)), f'{command} {option}'
    assert seen == set(COMMANDS)


def test_every_command_has_a_row_a_section_help_and_examples(help_of):
    for command in COMMANDS:
        assert f'| `az aks lb {command}` |' in TEXT
        assert f'### {command}\n' in TEXT
        assert 'Examples' in help_of(command) and f'az aks lb {command}' in help_of(command)


def test_every_option_of_our_own_is_in_the_readme(help_of):
    globals_ = {'--debug', '--help', '--only-show-errors', '--output', '--query', '--verbose', '--subscription',
                '--change-reference', '--acquire-policy-token'}
    for command in COMMANDS:
        for line in help_of(command).splitlines():
            names = re.findall(r'(?<![-\w])--[a-z][-a-z0-9]+', line.split(' : ')[0]) if line.startswith('    --') else []
            if names and not globals_ & set(names):
                short = re.findall(r'(?<![-\w])-[a-zA-Z]\b', line.split(' : ')[0])
                assert any(re.search(rf'(?<![-\w]){name}\b', TEXT) for name in names + short), (command, names)


def test_the_output_that_it_shows_is_real(wheel, arm_server, tmp_path_factory):
    from tests.support.az import Az
    shown = re.search(r'```\n\$ (az aks lb plan [^\n]*)\n(.*?)```', TEXT, re.DOTALL)
    az = Az(arm_server, tmp_path_factory.mktemp('demo')).install(wheel)
    result = az(shlex.split(shown[1])[1:], cwd=README.parent, check=True)
    real = {line.rstrip() for line in (result.stdout + result.stderr).splitlines()}
    lines_shown = [line.rstrip() for line in shown[2].splitlines()]
    assert len(lines_shown) > 8
    assert [line for line in lines_shown if line not in real] == []
