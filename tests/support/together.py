"""Many commands of the real CLI for the price of few: side by side, or in one process that starts once."""
import json
import os
import shlex
from concurrent.futures import ThreadPoolExecutor

from tests.support.az import Result

#: What `az` itself does, once for each line of arguments; each output goes to files of its own.
_MANY = '''
import json, os, sys
from azure.cli.core import get_default_cli

def run(argv):
    outputs = [os.memfd_create(name) for name in ('out', 'err')] if hasattr(os, 'memfd_create') else [
        os.open(f'{os.getpid()}-{name}', os.O_RDWR | os.O_CREAT | os.O_TRUNC) for name in ('out', 'err')]
    saved = [os.dup(number) for number in (1, 2)]
    for number, output in zip((1, 2), outputs):
        os.dup2(output, number)
    try:
        code = get_default_cli().invoke(argv)
    except SystemExit as error:
        code = error.code
    finally:
        sys.stdout.flush(), sys.stderr.flush()
        for number, before in zip((1, 2), saved):
            os.dup2(before, number)
    texts = []
    for output in outputs:
        os.lseek(output, 0, 0)
        with os.fdopen(output, encoding=sys.stdout.encoding) as file:
            texts.append(file.read())
    return [argv, code, *texts]

json.dump([run(argv) for argv in json.load(sys.stdin)], sys.stdout)
'''


def together(run, commands):
    """`[run(command) for command in commands]`, side by side; the results keep the order."""
    with ThreadPoolExecutor(min(8, os.cpu_count() or 2)) as pool:
        return list(pool.map(run, commands))


def lb(az, **more):
    """Runs commands of `az aks lb`."""
    return lambda command: az(_argv(command), **more)


def in_one_process(az, commands, **env):
    """The results of many commands, by the code that `az` runs, in one process: a tenth of the time. `env` is added,
    None removes."""
    done = az.python(_MANY, input=json.dumps([_argv(one) for one in commands]), env=env, check=True,
                     timeout=None)
    return [Result(argv, code, stdout, stderr) for argv, code, stdout, stderr in json.loads(done.stdout)]


def _argv(command):
    argv = shlex.split(command) if isinstance(command, str) else list(command)
    return argv if argv[0] == 'aks' else ['aks', 'lb', *argv]


def assert_refused(result, *words, code=1):
    """One clear line (and what to do), the exit code, nothing on stdout, no traceback."""
    assert result.code == code, str(result)
    assert result.stdout == '', str(result)
    lines = [line for line in result.stderr.splitlines() if line]
    assert lines and lines[0].startswith('ERROR: ') and 'Traceback' not in result.stderr, str(result)
    assert len(lines) <= 2, str(result)
    for word in words:
        assert word in result.stderr, f'{word!r} is not in {result}'
