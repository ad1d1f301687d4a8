"""`python3 tests/run.py demo`: three answers on a snapshot with metrics, without a login."""
import re

from tests import run
from tests.support.az import without_preview

#: Lines of one answer at most, its command and the lines below the table included.
MOST_LINES = 15


def test_the_demo_shows_three_answers(capfd):
    assert run.demo([]) == 0
    shown = capfd.readouterr()
    answers = dict(re.findall(r'^\$ az aks lb (\w+) --from-file tests/data/pool-added.json [^\n]*\n(.*?)\n\n',
                              shown.out, re.MULTILINE | re.DOTALL))
    assert list(answers) == list(run.ANSWERS) == ['plan', 'recommend', 'check']
    assert all(5 < len(answer.splitlines()) <= MOST_LINES for answer in answers.values())
    assert without_preview(shown.err) == shown.err and 'Traceback' not in shown.err
    lines = re.findall(r'az aks update --resource-group shop --name shop-prod .*', shown.err)
    assert len(lines) == 3 and lines[1] == lines[2] != lines[0]  # what was measured asks for more ports
    assert '--load-balancer-outbound-ports' in lines[1] and '--load-balancer-outbound-ports' not in lines[0]
    assert 'Because ' in answers['recommend'], 'the reason is not what is cut'
    assert answers['recommend'].splitlines()[-1].endswith(f'more lines: {run.ALL}')
    assert 'SnatExhaustion' in answers['check']


def test_its_options_go_to_all_three(capfd):
    assert run.demo(['--query', 'cluster.name', '--output', 'tsv']) == 0
    assert capfd.readouterr().out.count('\nshop-prod\n') == 3
