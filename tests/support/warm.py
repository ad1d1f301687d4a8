"""Python without its start: a process that has imported what every command of `az` imports, and forks for each.

A fork runs what it is given as a process of its own would: `python -m azure.cli` as the script `az` does, or
`python -c`, with the arguments, the environment, the folder and the standard streams of the command; and it ends as
Python ends, but for the modules, which nobody sees taken apart. So it is the CLI that is installed, and the extension
from its wheel, of which the process has imported what every command of it does; nothing of this repository is on its
path. A command takes a fifth to a third of its CPU. What must see the imports, signals or a terminal takes a process of
its own: `Az.popen`.

One thing is left out for `az aks lb`: the commands of `az aks connection`, whose table the CLI builds beside it in half
of the CPU of a command.
"""
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

_CONNECTION = 'azure.cli.command_modules.serviceconnector.commands'

#: What takes long of the imports of `az aks`, `az aks lb` and of requests to Azure.
_MODULES = (
    *(f'azure.cli.core.{name}' for name in (
        '_breaking_change', '_completers', '_help', '_help_loaders', '_output', 'aaz', 'auth.identity', 'azlogging',
        'command_recommender', 'commands.arm', 'commands.command_operation', 'extension.operations',
        'intercept_survey', 'parser', 'sdk.policies')),
    *(f'azure.cli.command_modules.acs.{name}' for name in (
        '_help', '_params', 'commands', 'custom', 'maintenanceconfiguration')),
    *(f'azure.cli.command_modules.serviceconnector.{name}' for name in ('_client_factory', '_help', 'commands')),
    'azure.core.pipeline.transport', 'azure.core.rest._requests_basic', 'azure.mgmt.containerservice', 'azure.mgmt.msi',
    'msal', 'msrest', 'pkginfo', 'requests', 'yaml')

#: What every command of the extension imports.
_EXTENSION = tuple(f'azext_lbplan.{name}' for name in ('_help', '_params', '_validators', 'commands', 'custom'))

#: Variables that are read when a command runs, and what a shell sets; the modules have read the others when they were
#: imported.
_READ_LATE = {'AZURE_DEFAULTS_GROUP', 'COLUMNS', 'HOME', 'HTTP_PROXY', 'HTTPS_PROXY', 'NO_PROXY', 'OLDPWD', 'PATH',
              'PWD', 'SHLVL', '_'}

_LARGEST = 1 << 18  # bytes of a request: arguments and an environment

_PROCESS = f'''
import atexit, gc, importlib, json, os, runpy, socket, sys, threading

control = socket.socket(fileno=int(sys.argv[1]))
modules, *extensions = sys.argv[2:]
sys.path += extensions  # as the CLI does, in each fork
for name in modules.split():
    try:
        importlib.import_module(name)
    except ImportError:  # other versions of the CLI have other modules
        pass
for extension in extensions:
    sys.path.remove(extension)
if {_CONNECTION!r} in sys.modules:
    connection = sys.modules[{_CONNECTION!r}]
    load = connection.load_command_table
    connection.load_command_table = lambda loader, args: args[:2] == ['aks', 'lb'] or load(loader, args)
gc.collect()
gc.freeze()  # else each fork looks through all of it, and copies it by that
gc.get_freeze_count = int  # what runs in a fork has frozen nothing yet
while True:
    request, streams, _, _ = socket.recv_fds(control, {_LARGEST}, 3)
    if not request:
        os._exit(0)
    child = os.fork()
    if not child:
        break
    for stream in streams:
        os.close(stream)
    control.send(str(child).encode())
    control.send(str(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])).encode())
control.close()
for number, stream in enumerate(streams):
    os.dup2(stream, number)
    os.close(stream)
(option, what, *arguments), environment, folder = json.loads(request)
os.chdir(folder)
os.environ.clear()
os.environ.update(environment)
sys.argv[:], sys.path[0] = [option, *arguments], folder
code = None
try:
    if option == '-c':
        exec(what, {{'__name__': '__main__'}})
    else:
        runpy.run_module(what, run_name='__main__', alter_sys=True)
except SystemExit as error:
    code = error.code
    if not isinstance(code, (int, type(None))):
        raise
threading._shutdown()
atexit._run_exitfuncs()
sys.stdout.flush()
sys.stderr.flush()
os._exit((code or 0) & 0xff)
'''

#: An `az` for shells: it has its command run in a fork, or becomes the other `az` where that is refused, and where a
#: shell has left it more open than the standard streams.
_CLIENT = """#!{python} -IS
import json, os, socket, sys

code = ''
if len(os.listdir('/proc/self/fd')) == 4:  # one is for the look
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as asked:
        asked.connect({address!r})
        request = json.dumps([sys.argv[1:], dict(os.environ), os.getcwd()]).encode()
        socket.send_fds(asked, [request], [0, 1, 2])
        code = asked.recv(16).decode()
if not code:
    os.execv({az!r}, [{az!r}, *sys.argv[1:]])
sys.exit(int(code))
"""


class Warm:
    """The process that forks, from `env`, with the extension in the folder `extension`; it ends with this object."""

    def __init__(self, env, cwd, extension=None):
        self._env = env
        self._busy = threading.Lock()
        modules = _MODULES + (_EXTENSION if extension else ())
        more = [str(extension)] if extension else []
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            process = subprocess.Popen(
                [sys.executable, '-c', _PROCESS, str(theirs.fileno()), ' '.join(modules), *more], env=env,
                cwd=cwd, pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        weakref.finalize(self, _end, self._control, process)

    def run(self, arguments, input, env, cwd, timeout, encoding):
        """What `subprocess.run` returns of Python with these arguments; None where that takes a process of its own:
        where variables differ that were read before, and where another thread waits for a command."""
        if not self._takes(env):
            return None
        try:
            with ThreadPoolExecutor(3) as pool:
                stdin, outputs = self._start([arguments, env, str(cwd)])
                pool.submit(_write, stdin, input, encoding)
                texts = [pool.submit(_read, output, encoding) for output in outputs]
                code = self._wait(arguments, timeout)
                return subprocess.CompletedProcess(arguments, code, *(each.result() for each in texts))
        finally:
            self._busy.release()

    def pass_on(self, arguments, env, cwd, streams):
        """The exit code of Python with these arguments, on standard streams that are there; None as for `run`."""
        if not self._takes(env):
            return None
        try:
            self._send([arguments, env, cwd], streams)
            return self._wait(arguments, None)
        finally:
            self._busy.release()

    def _takes(self, env):
        """Whether a command with this environment may be run in a fork now; then nobody else's is."""
        changed = {name for name in {*env, *self._env} if env.get(name) != self._env.get(name)}
        return changed <= _READ_LATE and self._busy.acquire(blocking=False)

    def _send(self, request, streams):
        """Start a fork on these standard streams, which are its alone from now on."""
        socket.send_fds(self._control, [json.dumps(request).encode()], streams)
        for stream in streams:
            os.close(stream)

    def _start(self, request):
        """Our ends of the standard streams of a fork."""
        (stdin, to_stdin), (of_stdout, stdout), (of_stderr, stderr) = (os.pipe() for _ in range(3))
        self._send(request, [stdin, stdout, stderr])
        return to_stdin, (of_stdout, of_stderr)

    def _wait(self, arguments, timeout):
        """The exit code of the fork."""
        child = int(self._control.recv(16))
        self._control.settimeout(timeout)
        try:
            return int(self._control.recv(16))
        except socket.timeout:
            os.kill(child, signal.SIGKILL)
            self._control.settimeout(None)
            self._control.recv(16)
            raise subprocess.TimeoutExpired(arguments, timeout) from None
        finally:
            self._control.settimeout(None)


def serve(folder, az, run):
    """Put an `az` into `folder` that has `run(arguments, environment, folder, streams)` run its commands: that closes
    the streams and gives the exit code, or None to have `az` do it."""
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind('')  # an address of the kernel's choice, and no file
    listening.listen()
    client = Path(folder, 'az')
    client.write_text(_CLIENT.format(python=sys.executable, address=listening.getsockname(), az=az), encoding='utf-8')
    client.chmod(0o755)

    def answer(asking):
        with asking:
            request, streams, _, _ = socket.recv_fds(asking, _LARGEST, 3)
            code = run(*json.loads(request), streams)
            asking.send(b'' if code is None else str(code if code >= 0 else 128 - code).encode())

    def listen():
        while True:
            threading.Thread(target=answer, args=[listening.accept()[0]], daemon=True).start()
    threading.Thread(target=listen, daemon=True).start()


def _write(stream, text, encoding):
    with suppress(BrokenPipeError), open(stream, 'w', encoding=encoding) as file:
        file.write(text)


def _read(stream, encoding):
    with open(stream, encoding=encoding) as file:
        return file.read()


def _end(control, process):
    control.close()
    process.wait()
