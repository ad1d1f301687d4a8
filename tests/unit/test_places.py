"""Where the code may run, read from the code itself: Pythons, CLIs, clouds, systems, code pages."""
import ast
import json
import re
from pathlib import Path

import yaml
from knack.help_files import helps

import azext_lbplan
from azext_lbplan.rules.cluster import RULES

PACKAGE = Path(azext_lbplan.__file__).parent
ROOT = PACKAGE.parent
TREES = {path.relative_to(PACKAGE).as_posix(): ast.parse(path.read_text(encoding='utf-8'))
         for path in sorted(PACKAGE.rglob('*.py'))}

#: Hosts of documentation that results link to.
DOCUMENTATION = {'learn.microsoft.com', 'kubernetes.io', 'cloud-provider-azure.sigs.k8s.io', 'helm.sh', 'yaml.org',
                 'docs.oasis-open.org'}

#: How the URLs begin that are put together, and the pattern that takes them apart: from a region and the host of the
#: cloud's Resource Manager. The transport names no more than the scheme.
PUT_TOGETHER = ('', 'metrics.monitor', r'management((?:\.[a-z0-9-]+)+)(?::443)?')

#: Domains of Azure's clouds, as `az cloud list` names them.
AZURE = re.compile(r'azure\.(com|net|us|cn|de)|windows\.net|microsoftonline|chinacloud|usgovcloud|cloudapi|azure-api')

#: The group of an API of Kubernetes, which is no address.
API_GROUPS = {'containerservice.azure.com/', 'network.azure.com/'}

#: Beyond ASCII: what tables draw where the terminal can, and the sign for a character that was taken out.
DRAWN, REPLACED = {'views/layout.py': set('█░'), 'views/week.py': set('▁▂▃▄▅▆▇█')}, {'\N{REPLACEMENT CHARACTER}'}

#: What the package uses of `os`; Windows has all of it.
OF_WINDOWS = {'DirEntry', 'path', 'open', 'close', 'fdopen', 'fstat', 'link', 'rename', 'replace', 'unlink', 'scandir',
              'O_RDONLY', 'O_WRONLY', 'O_CREAT', 'O_EXCL', 'access', 'W_OK', 'X_OK', 'isatty', 'read', 'stat'}
NOT_OF_WINDOWS = {'curses', 'fcntl', 'grp', 'posix', 'pty', 'pwd', 'readline', 'resource', 'syslog', 'termios', 'tty'}


def docstrings(tree):
    """The nodes of texts that nobody prints (those of rules are checked below)."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.Module, ast.ClassDef, ast.FunctionDef)) and node.body:
            if isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant):
                yield node.body[0].value


def texts(tree):
    """Every text that may be printed or asked for, the parts of f-strings too."""
    skipped = set(map(id, docstrings(tree)))
    return [node.value for node in ast.walk(tree)
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped]


def test_every_file_is_of_the_oldest_python_that_is_promised():
    oldest = re.search(r"python_requires='>=3\.(\d+)'", (ROOT / 'setup.py').read_text(encoding='utf-8'))
    for path in PACKAGE.rglob('*.py'):
        ast.parse(path.read_text(encoding='utf-8'), str(path), feature_version=(3, int(oldest[1])))


def test_what_is_promised_is_what_was_tested():
    """setup.py, the extension's metadata and tests/requirements.txt against the matrix of CONTRIBUTING.md."""
    readme = (ROOT / 'README.md').read_text(encoding='utf-8')
    door = (ROOT / '.github' / 'CONTRIBUTING.md').read_text(encoding='utf-8')
    section = door.partition('\n## Tested with\n')[2].partition('\n## ')[0]
    rows = re.findall(r'^\| (2\.\d+\.0) \| ([\d., ]+) \|', section, re.MULTILINE)
    clis = {cli: [int(minor) for minor in re.findall(r'3\.(\d+)', pythons)] for cli, pythons in rows}
    oldest, newest = (pick(clis, key=lambda cli: int(cli.split('.')[1])) for pick in (min, max))
    assert oldest == json.loads((PACKAGE / 'azext_metadata.json').read_text())['azext.minCliCoreVersion']
    assert f'Azure CLI {oldest[:-2]} or later' in readme
    assert f'azure-cli=={newest}\n' in (ROOT / 'tests' / 'requirements.txt').read_text()
    assert f"python_requires='>=3.{min(map(min, clis.values()))}'" in (ROOT / 'setup.py').read_text()
    assert f'with Python 3.{min(clis[newest])} or later' in readme
    assert 'AKS-preview' not in section and re.search('stand-in for `?aks-preview', section)


def test_no_address_of_azure_is_in_the_code():
    """Every URL comes from the cloud that is set: only links to documentation are written out."""
    seen = set()
    for name, tree in TREES.items():
        for text in texts(tree):
            assert text.startswith(tuple(API_GROUPS)) or not AZURE.search(text), f'{name}: {text}'
            seen.update((host, name) for host in re.findall(r'https?://([^/\s]*)', text))
    assert {host for host, _ in seen} - set(PUT_TOGETHER) == DOCUMENTATION
    assert {name for host, name in seen if host in PUT_TOGETHER} == {'readers/fleet_metrics.py', 'readers/transport.py'}


def test_what_is_printed_is_ascii():
    """What a code page lacks, `az` drops, and with it all else beyond ASCII in the same output."""
    for name, tree in TREES.items():
        for text in texts(tree):
            if name.startswith('views/reports/'):
                continue  # pages in UTF-8, for a browser
            assert text.isascii() or set(text) <= DRAWN.get(name, set()) | REPLACED, f'{name}: {text}'
    assert all((rule.code + rule.title).isascii() for rule in RULES)


def test_lines_of_help_are_broken_by_az_alone():
    """It wraps at 100 columns: lines that are broken elsewhere in the source would be broken twice."""
    ours = {name: yaml.safe_load(text) for name, text in helps.items() if name.startswith('aks lb')}
    assert len(ours) == 8
    for name, text in ours.items():
        assert '\n' not in text['long-summary'], name


def test_nothing_is_used_that_windows_lacks():
    for name, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == 'os':
                assert node.attr in OF_WINDOWS, f'{name}: os.{node.attr}'
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                modules = {getattr(node, 'module', None), *(alias.name for alias in node.names)}
                assert not NOT_OF_WINDOWS & modules, name
