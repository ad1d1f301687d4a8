"""Set everything up in a virtual environment of its own and run something there.

    python3 tests/run.py demo [OPTION …]        what plan, recommend and check say of a snapshot, without a login
    python3 tests/run.py test [PYTEST OPTION …]  run the tests, and close with 'N passed, N failed'
    python3 tests/run.py python ARGUMENT …       run that Python, for example -m tests.bench.speed

It needs Python 3.10 or later and pip; the first run takes a few minutes, because it installs the Azure CLI.

    LBPLAN_CLI=2.67.0 python3.9 tests/run.py test    the same with another version of the CLI, on another Python

keeps an environment for each such pair; what a version of the CLI asks of Python is its own.
"""
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from xml.etree import ElementTree

ROOT = Path(__file__).resolve().parents[1]
REQUIREMENTS = ROOT / 'tests' / 'requirements.txt'
ANSWERS = ('plan', 'recommend', 'check')
SNAPSHOT = ROOT / 'tests' / 'data' / 'pool-added.json'
CLI = os.environ.get('LBPLAN_CLI')
FOLDER = ROOT / ('.venv' + (f'-{CLI}-{sys.version_info[0]}.{sys.version_info[1]}' if CLI else ''))
BIN = FOLDER / ('Scripts' if os.name == 'nt' else 'bin')


#: More than there are processors, as a good part of the tests waits; a file stays with one of them.
WORKERS = ('--numprocesses=3', '--dist=loadfile', '--no-loadscope-reorder')

#: Lines that the demo shows of each answer, and how to see all of them.
LINES = 11
ALL = 'python3 tests/run.py demo -o table'


def main(arguments):
    """Run what the first argument names; returns the exit code."""
    doings = {'demo': demo, 'test': test, 'python': run_python}
    if not arguments or arguments[0] not in doings:
        print(__doc__, file=sys.stderr)
        return 2
    make_environment()
    return doings[arguments[0]](arguments[1:])


def make_environment():
    """Make the virtual environment, unless one with these requirements is there already."""
    needed = requirements()
    wanted = hashlib.sha256('\n'.join([*needed, sys.version]).encode()).hexdigest()
    stamp = FOLDER / 'lbplan-requirements'
    if stamp.exists() and stamp.read_text() == wanted:
        return
    print(f'Setting up {FOLDER.name} (once) …', file=sys.stderr, flush=True)
    shutil.rmtree(FOLDER, ignore_errors=True)
    try:
        venv.create(FOLDER, with_pip=True, symlinks=os.name != 'nt')
        pip = [str(BIN / 'python'), '-m', 'pip']
    except (subprocess.CalledProcessError, ImportError):
        # Debian ships Python without ensurepip: the pip that is there installs into the environment from outside.
        venv.create(FOLDER, with_pip=False, symlinks=os.name != 'nt', clear=True)
        pip = [sys.executable, '-m', 'pip', '--python', str(BIN / 'python')]
        install(pip, 'pip')
    install(pip, 'setuptools', 'wheel', *needed)
    stamp.write_text(wanted)


def requirements():
    """The lines of tests/requirements.txt, with the version of the CLI that LBPLAN_CLI asks for."""
    return [f'azure-cli=={CLI}' if CLI and line.startswith('azure-cli==') else line
            for line in REQUIREMENTS.read_text(encoding='utf-8').splitlines()]


def install(pip, *what):
    """Install packages; what pip has to say appears only when it fails."""
    done = subprocess.run([*pip, 'install', '--quiet', *what], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, check=False)
    if done.returncode:
        print(done.stdout, file=sys.stderr)
        raise SystemExit(f'pip install {" ".join(what)} failed.')


def environment(folder):
    """The environment of commands: the CLI's state in a temporary folder, nothing reported to anyone."""
    return {**os.environ, 'AZURE_CONFIG_DIR': str(Path(folder) / 'config'), 'PYTHONIOENCODING': 'utf-8',
            'AZURE_EXTENSION_DIR': str(Path(folder) / 'extensions'), 'AZURE_CORE_COLLECT_TELEMETRY': '0'}


def demo(arguments):
    """The extension, built and installed, on the snapshot."""
    with tempfile.TemporaryDirectory(prefix='lbplan-') as folder:
        source = Path(folder) / 'source'
        shutil.copytree(ROOT, source, ignore=shutil.ignore_patterns('.*', 'tests'))  # leaves no build litter behind
        env = environment(folder)
        quiet = {'env': env, 'check': True, 'stdout': subprocess.DEVNULL, 'stderr': subprocess.DEVNULL}
        python = str(BIN / 'python')
        subprocess.run([python, '-m', 'pip', 'wheel', '--no-deps', '--no-build-isolation', '-w', folder, str(source)],
                       **quiet)
        wheel = next(Path(folder).glob('lbplan-*.whl'))
        az = [python, '-m', 'azure.cli']
        subprocess.run([*az, 'extension', 'add', '--yes', '--source', str(wheel)], **quiet)
        return max(answer(az, ['aks', 'lb', command, '--from-file', str(SNAPSHOT),
                               *(arguments or ['--output', 'table'])], env, folder, not arguments)
                   for command in ANSWERS)


def answer(az, command, env, folder, shortened):
    """Print a command and what it prints, stdout first (the beginning of it where it is to be shortened); without the
    note that it is in preview. Its exit code."""
    print(f"$ az {' '.join(command).replace(str(ROOT) + os.sep, '')}", flush=True)
    # In a folder of its own: 'python -m' would import the package from the checkout instead of the wheel.
    done = subprocess.run([*az, *command], env=env, cwd=folder, check=False, capture_output=True)
    lines = done.stdout.decode('utf-8', 'replace').splitlines()
    left = len(lines) - LINES if shortened else 0
    print('\n'.join(lines[:LINES] + [f'... and {left} more lines: {ALL}'] if left > 1 else lines), flush=True)
    said = done.stderr.decode('utf-8', 'replace').splitlines(keepends=True)
    sys.stderr.write(''.join(line for line in said if "'aks lb' is in preview" not in line))
    sys.stderr.flush()
    print(flush=True)
    return done.returncode


def test(arguments):
    """The tests; the last line counts them."""
    with tempfile.TemporaryDirectory(prefix='lbplan-') as folder:
        report = Path(folder) / 'report.xml'
        code = run_python(['-m', 'pytest', '--quiet', *WORKERS, f'--junitxml={report}', *(arguments or ['tests'])])
        if not report.exists():
            return code or 1
        counts = {key: sum(int(suite.get(key, 0)) for suite in ElementTree.parse(report).iter('testsuite'))
                  for key in ('tests', 'failures', 'errors', 'skipped')}
    failed = counts['failures'] + counts['errors']
    print(f"{counts['tests'] - failed - counts['skipped']} passed, {failed} failed"
          + (f", {counts['skipped']} skipped" if counts['skipped'] else ''))
    return code


def run_python(arguments):
    """Any Python program of this repository."""
    return subprocess.run([str(BIN / 'python'), *arguments], cwd=ROOT, check=False).returncode


if __name__ == '__main__':
    raise SystemExit(main(sys.argv[1:]))
