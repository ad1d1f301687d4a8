"""Drive the real `az` against the stand-in, in a configuration of its own."""
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from threading import Lock

from tests.support.warm import Warm, serve

CLOUD = 'StandIn'
_ROOT = Path(__file__).resolve().parents[2]
_PACKAGE = ('setup.py', 'setup.cfg', 'pyproject.toml', 'MANIFEST.in', 'README.md', 'HISTORY.rst', 'LICENSE',
            'azext_lbplan')
_ENDPOINTS = ('resource-manager', 'active-directory', 'active-directory-resource-id', 'management',
              'active-directory-graph-resource-id')
NOWHERE = 'http://127.0.0.1:9'  # what is not for the stand-in is refused before a name is even looked up
_INHERITED = ('PATH', 'HOME', 'LANG', 'LC_ALL', 'TMPDIR', 'TEMP', 'TMP', 'SYSTEMROOT')

#: The `az` of the running interpreter.
_OWN = str(Path(sys.prefix, 'bin', 'az'))

#: Commands of an `Az` that take processes of their own: whoever runs a few more gains by one process that stays.
_FIRST = 2


def az_executable():
    """`AZ` names another CLI than that of the running interpreter."""
    return os.environ.get('AZ') or _OWN


#: What the CLI says before every command of a group in preview.
_PREVIEW = re.compile(r"^(?:WARNING: )?Command group 'aks lb' is in preview[^\n]*\n?", re.MULTILINE)


def without_preview(text):
    """What a command wrote, without the CLI's note on the group."""
    return _PREVIEW.sub('', text)


@dataclass
class Result:
    """What a command left behind; that the group is in preview is told by `preview`, and not by stderr."""
    argv: list
    code: int
    stdout: str
    stderr: str
    preview: bool = False

    def __post_init__(self):
        told, self.stderr = self.stderr, without_preview(self.stderr)
        self.preview = told != self.stderr

    @property
    def json(self):
        try:
            return json.loads(self.stdout)
        except ValueError:
            raise AssertionError(f'no JSON from {self}') from None

    def __str__(self):
        return f'{shlex.join(self.argv)}\nexit code {self.code}\nstdout: {self.stdout}\nstderr: {self.stderr}'


class Az:
    """An `az` that is logged in to a stand-in: `az('aks show -g rg1 -n aks1').json`.

    Nothing of the caller's own configuration, extensions, proxies or PYTHON... variables reaches it, and it runs
    in its own empty folder, so that only an installed wheel can be what is imported. Who runs many commands runs them
    in forks of one process (warm.py), but for those of `popen`.
    """

    def __init__(self, arm, folder, executable=None):
        self.arm = arm
        self.folder = Path(folder)
        self.executable = executable or az_executable()
        self.cwd = self.folder / 'cwd'
        self.cwd.mkdir(parents=True, exist_ok=True)
        self._ran = 0
        self._warm = None
        self._extension = None
        self._starting = Lock()

    @property
    def env(self):
        """The whole environment of the commands: nothing is sent but to the stand-in."""
        token_url = f'{self.arm.url}/msi'
        return {
            **{name: os.environ[name] for name in _INHERITED if name in os.environ},
            'AZURE_CONFIG_DIR': str(self.folder / 'config'), 'AZURE_EXTENSION_DIR': str(self.folder / 'extensions'),
            'AZURE_CORE_COLLECT_TELEMETRY': '0', 'AZURE_CORE_SURVEY_MESSAGE': '0',
            'AZURE_CORE_INSTANCE_DISCOVERY': '0',  # would ask Microsoft whether a service principal's authority is real
            'AZURE_EXTENSION_USE_DYNAMIC_INSTALL': 'no', 'PYTHONIOENCODING': 'utf-8',
            'REQUESTS_CA_BUNDLE': self.arm.ca_bundle, 'NO_PROXY': '127.0.0.1',
            'HTTPS_PROXY': NOWHERE, 'HTTP_PROXY': NOWHERE, 'IDENTITY_ENDPOINT': token_url, 'IDENTITY_HEADER': 'x',
            'MSI_ENDPOINT': token_url, 'MSI_SECRET': 'x'}  # these two are for older CLIs and for Cloud Shell

    @property
    def cloud_shell_env(self):
        """What Cloud Shell sets, for `log_in('--identity', env=...)` and the commands after it."""
        proxy = self.arm.proxy.url
        return {'ACC_CLOUD': 'PROD', 'AZUREPS_HOST_ENVIRONMENT': 'cloud-shell/1.0', 'IDENTITY_ENDPOINT': None,
                'IDENTITY_HEADER': None, 'HTTPS_PROXY': proxy, 'HTTP_PROXY': proxy}

    def __call__(self, command, input=None, env=None, check=False, cwd=None, timeout=120):
        """Run `az` with a string (split as a shell would) or a list of arguments; `env` is added, None removes."""
        arguments = shlex.split(command) if isinstance(command, str) else list(command)
        return self._run([self.executable, *arguments], input, env, check, cwd, timeout,
                         python=['-m', 'azure.cli', *arguments])

    def python(self, code, input=None, env=None, check=False, cwd=None, timeout=120):
        """Run code in the interpreter of the tests, with all that a command of `az` gets."""
        return self._run([sys.executable, '-c', code], input, env, check, cwd, timeout, python=['-c', code])

    def shell(self, script, input=None, env=None, check=False, cwd=None, timeout=120):
        """Run lines as a user pastes them: `bash -e`, with this `az` first on the path."""
        path = f'{self._folder_of_az()}{os.pathsep}{os.environ.get("PATH", "")}'
        return self._run(['bash', '-ec', script], input, {'PATH': path, **(env or {})}, check, cwd, timeout)

    def popen(self, command, env=None, **more):
        """Start `az` without waiting for it, e.g. to interrupt it."""
        arguments = shlex.split(command) if isinstance(command, str) else list(command)
        return subprocess.Popen([self.executable, *arguments], env=self.environment(env), cwd=self.cwd, text=True,
                                encoding='utf-8', **{'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, **more})

    def _run(self, argv, text, env, check, cwd, timeout, python=None):
        env = self.environment(env)
        how = {'input': text or '', 'env': env, 'cwd': cwd or self.cwd, 'timeout': timeout,
               'encoding': env.get('PYTHONIOENCODING', 'utf-8')}
        done = self._fork(python, **how) if python else None
        done = done or subprocess.run(argv, text=True, capture_output=True, check=False, **how)
        result = Result(argv, done.returncode, done.stdout, done.stderr)
        assert not check or result.code == 0, str(result)
        return result

    def _fork(self, python, env, **how):
        """The same in a fork of the process that stays; None where it takes a process of its own."""
        warm = self._warmed()
        return warm and warm.run(python, env=_by_script(env), **how)

    def _warmed(self):
        """The process that stays, for one more command; None where there is none."""
        self._ran += 1
        if self._ran <= _FIRST or not self._may_fork:
            return None
        with self._starting:
            extension = self._installed()
            if self._warm is None or self._extension != extension:
                self._warm, self._extension = Warm(_by_script(self.env), self.cwd, *extension[:1]), extension
            return self._warm

    @property
    def _may_fork(self):
        return sys.platform == 'linux' and self.executable == _OWN

    def _folder_of_az(self):
        """Where a shell finds `az`: that of the process that stays, which leaves to the other what is not for it."""
        if not self._may_fork:
            return Path(self.executable).parent
        folder = self.folder / 'bin'
        with self._starting:
            if not folder.exists():
                folder.mkdir()
                serve(folder, self.executable, self._pass_on)
        return folder

    def _pass_on(self, arguments, env, cwd, streams):
        """The exit code of a command that a shell runs; None where it takes a process of its own."""
        warm = self._warmed()
        code = warm and warm.pass_on(['-m', 'azure.cli', *arguments], _by_script(env), cwd, streams)
        if code is None:
            for stream in streams:
                os.close(stream)
        return code

    def _installed(self):
        """The folder of the extension, and what tells this one from one that was installed before; () without any."""
        folder = self.folder / 'extensions' / 'lbplan'
        try:
            found = folder.stat()
        except FileNotFoundError:
            return ()
        return folder, found.st_ino, found.st_ctime_ns

    def environment(self, changes):
        """What a command gets: `changes` are added, None removes."""
        return {name: value for name, value in {**self.env, **(changes or {})}.items() if value is not None}

    def log_in(self, *how, env=None):
        """Register the stand-in as a cloud and log in, with its managed identity unless told how else."""
        endpoints = [part for name in _ENDPOINTS for part in (f'--endpoint-{name}', self.arm.url)]
        register = ['cloud', 'register', '-n', CLOUD, *endpoints]
        if self([*register, '--skip-endpoint-discovery']).code:
            self([*register, '--endpoint-gallery', self.arm.url], check=True)  # CLIs that lack the option
        self(['cloud', 'set', '-n', CLOUD, '--only-show-errors'], check=True)
        self(['login', *(how or ['--identity']), '-o', 'none'], env=env, check=True)
        return self

    def clone(self, folder):
        """Another `az` with the same login, and a configuration and extensions of its own."""
        # Not what commands have left in their folder: pipes, too.
        shutil.copytree(self.folder, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns('bin', 'cwd'))
        return Az(self.arm, folder, self.executable)

    def install(self, wheel):
        self(['extension', 'add', '--source', str(wheel), '-y', '--only-show-errors'], check=True)
        return self


def _by_script(env):
    """What the script `az` adds to the environment."""
    path = os.pathsep.join([str(Path(_OWN).parent / 'src'), *([env['PYTHONPATH']] if 'PYTHONPATH' in env else [])])
    return {'AZ_INSTALLER': 'PIP', **env, 'PYTHONPATH': path}


def build_wheel(folder, version=None, root=_ROOT):
    """Build the extension's wheel from a copy of the tree, so that no litter lands in the repository; as another
    `version` where that is given, or of the tree at another `root`."""
    source, target = Path(folder, 'source'), Path(folder, 'wheel')
    source.mkdir()
    for name in _PACKAGE:
        if (root / name).is_dir():
            shutil.copytree(root / name, source / name, ignore=shutil.ignore_patterns('__pycache__', '*.pyc'))
        elif (root / name).exists():
            shutil.copy(root / name, source)
    if version:
        setup = (source / 'setup.py').read_text(encoding='utf-8')
        (source / 'setup.py').write_text(re.sub("version='[^']+'", f"version='{version}'", setup), encoding='utf-8')
    offline = find_spec('setuptools') and find_spec('wheel')  # else pip fetches them
    done = subprocess.run([sys.executable, '-m', 'pip', 'wheel', '-q', '--disable-pip-version-check', '--no-deps',
                           *(['--no-index', '--no-build-isolation'] if offline else []), '-w', str(target),
                           str(source)], check=False, capture_output=True, text=True)
    assert done.returncode == 0, f'the wheel cannot be built: {done.stdout}{done.stderr}'
    return next(target.glob('*.whl'))
