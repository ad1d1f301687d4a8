"""A fork of tests.support.warm does as a process of `az` does."""
import subprocess
import sys
from threading import Thread

import pytest

from tests.support.az import _by_script
from tests.support.warm import Warm

pytestmark = pytest.mark.skipif(sys.platform != 'linux', reason='nothing is forked there')


@pytest.fixture(scope='module')
def run(az):
    """Runs Python with the environment of `az`."""
    return runner(az)


@pytest.fixture(scope='module')
def run_command(az):
    """The same where the extension has been imported, as `Az` does it."""
    return runner(az, az.folder / 'extensions' / 'lbplan')


def runner(az, *extension):
    warm = Warm(_by_script(az.env), az.cwd, *extension)

    def run_python(*arguments, text='', timeout=60, **env):
        return warm.run(arguments, text, {**_by_script(az.env), **env}, az.cwd, timeout, 'utf-8')
    return run_python


@pytest.mark.parametrize('command', ['aks lb plan -g rg1 -n aks1', 'aks lb check -g rg1 -n aks1 --fail-on info',
                                     'aks lb list -o table', 'aks lb plan --from-file missing.json',
                                     'aks lb show --nothing', 'aks show -g rg1 -n aks2', 'aks lb -h'])
def test_it_says_and_ends_with_the_same(arm, az, run_command, command):
    arm.add_cluster(ports=21000)
    forked, process = run_command('-m', 'azure.cli', *command.split()), az.popen(command)
    assert (forked.stdout, forked.stderr) == process.communicate()
    assert forked.returncode == process.returncode


def test_it_is_a_process_like_any_other(az, run):
    """The wheel's extension, its own streams, folder and variables, and nothing of the tests."""
    code = """
import os, sys
print(sys.stdin.read(), os.getcwd(), os.environ['COLUMNS'], *sys.argv, 'tests' in sys.modules,
      [name for name in sys.modules if name.startswith('azext')])
sys.stderr.write('é'), sys.exit(3)
"""
    done = run('-c', code, 'x', text='typed', COLUMNS='7')
    assert done.stdout == f'typed {az.cwd} 7 -c x False []\n'
    assert (done.stderr, done.returncode) == ('é', 3)
    assert run('-c', 'print(input())', text='a' * 200_000).stdout == 'a' * 200_000 + '\n'
    assert run('-c', 'import os; os.kill(os.getpid(), 9)').returncode == -9


def test_a_shell_has_the_same_az(arm, az):
    """In a fork; in a process of its own where one command waits for another, or more than the streams is open."""
    arm.add_cluster()
    az.python('')
    for script, code, said in (
            ('az aks lb show -g rg1 -n "aks1" --query nodes.current', 0, '3\n'), ('az aks show -g rg1 -n aks2', 3, ''),
            ('az aks show -g rg1 -n aks1 | az aks lb show --from-file - --query nodes.current', 0, '3\n'),
            ('az aks lb show --from-file <(az aks show -g rg1 -n aks1) --query nodes.current', 0, '3\n')):
        done = az.shell(script)
        assert (done.code, done.stdout) == (code, said), str(done)


def test_what_takes_too_long_is_ended(run):
    with pytest.raises(subprocess.TimeoutExpired):
        run('-c', 'import time; print(1, flush=True); time.sleep(60)', timeout=.5)
    assert run('-c', 'print(2)').stdout == '2\n'


def test_what_takes_a_process_of_its_own(run):
    """Variables that were read before, and a second command at the same time."""
    assert run('-c', 'print(1)', AZURE_CORE_OUTPUT='tsv') is None

    def wait():
        while run('-c', 'import time; time.sleep(3)') is None:
            pass
    waiting = Thread(target=wait)
    waiting.start()
    while waiting.is_alive() and run('-c', '') is not None:
        pass
    assert waiting.is_alive()
    waiting.join()
