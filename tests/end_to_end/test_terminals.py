"""What `az aks lb` prints on: a terminal, none, code pages that lack characters; and files as others write them."""
import fcntl
import json
import os
import pty
import re
import struct
import termios
from functools import partial

import pytest

from azext_lbplan.views.week import BLOCKS
from tests.azure import pool
from tests.azure.graph import row_of
from tests.support.az import without_preview
from tests.support.spread import snapshot_of
from tests.end_to_end.test_metrics import serve, workload
from tests.end_to_end.test_safety import SERVICE
from tests.support.together import in_one_process, lb, together

COLOR = re.compile(r'\x1b\[[0-9;]*m')
ERASED = re.compile('[^\n]*\r\x1b\\[K')  # progress, which is wiped before the result comes

#: Encodings of pipes on Windows and on bare systems, and what stands in them for characters that they lack.
CODE_PAGES = ('cp1252', 'cp437', 'cp1251', 'ascii')
INSTEAD = {'█': '#', '░': '.'}


def at_terminal(az, command, columns=80, **env):
    """(exit code, text) of a command on a terminal of its own."""
    ours, its = pty.openpty()
    fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack('HHHH', 24, columns, 0, 0))
    process = az.popen(command, env={'TERM': 'xterm', **env}, stdin=its, stdout=its, stderr=its)
    os.close(its)
    with os.fdopen(ours, 'rb', buffering=0) as terminal:
        written = b''.join(iter(lambda: _read(terminal), b''))
    return process.wait(), written.decode().replace('\r\n', '\n')


def _read(terminal):
    try:
        return terminal.read(65536)
    except OSError:  # Linux's end of a terminal that nobody writes to any more
        return b''


@pytest.fixture
def tight(arm):
    """A cluster that does not fit, under a name that no column holds, with metrics."""
    serve(arm, workload(nodes=2, days=1.2))
    arm.add_cluster('automatic', pools=[pool(count=40, max_count=300)])
    return arm.add_cluster('a-very-long-name-of-a-cluster', pools=[pool(count=2)], ports=32000)


def test_a_terminal_of_80_columns(arm, az, tight):
    """Tables as in a pipe, whole lines to paste, colors for errors and warnings, and progress that is wiped."""
    commands = [f'aks lb {command} --output table' for command in (
        'list', f'show --ids {tight}', f'plan --ids {tight}', f'check --ids {tight}')]
    shown = together(lambda command: at_terminal(az, command), commands)
    for (code, text), piped in zip(shown, in_one_process(az, commands)):
        assert code == piped.code == 0 and 'Traceback' not in text
        plain = without_preview(COLOR.sub('', ERASED.sub('', text)))
        assert '\x1b' not in plain and plain.startswith(piped.stdout)
        assert plain[len(piped.stdout):] == re.sub('^(ERROR|WARNING): ', '', piped.stderr, flags=re.MULTILINE)
    assert ERASED.search(shown[0][1]) and COLOR.search(shown[2][1])
    assert max(map(len, without_preview(COLOR.sub('', shown[1][1])).splitlines())) <= 80
    assert re.search(r'^  az aks update .* --load-balancer-managed-outbound-ip-count 2$', COLOR.sub('', shown[2][1]),
                     re.MULTILINE)


def test_a_terminal_that_nobody_types_at_is_not_waited_for(az):
    for name in ('-', '/dev/stdin'):
        code, text = at_terminal(az, f'aks lb show --from-file {name}')
        assert code == 1 and 'Standard input is a terminal.\nPipe the file in, or name it.' in COLOR.sub('', text)
    code, text = at_terminal(az, 'aks lb check-service -f - --fail-on error -o table')
    assert code == 4 and 'It is a terminal.' in text


def test_colors_are_those_of_az(arm, az, tight):
    """`az` has a setting against them, and does not heed NO_COLOR: neither for its own errors nor for ours."""
    commands = ('aks show -g rg1 -n nobody', 'aks lb show -g rg1 -n nobody', f'aks lb plan --ids {tight} -o table')
    for env, colored in (({'AZURE_CORE_NO_COLOR': 'yes'}, [False] * 3), ({'NO_COLOR': '1'}, None)):
        shown = [bool(COLOR.search(text)) for _, text in together(partial(at_terminal, az, **env), commands)]
        assert shown == (colored or [shown[0]] * 3)


def lines_for(cluster, service):
    """What is compared between code pages; `recommend` tells the minute."""
    lines = [f'{command} --ids {cluster} -o {output}' for command in ('plan', 'check') for output in ('table', 'json')]
    return [*lines, 'list -o table', f'check-service -f {service} -o table', 'list -h',
            'plan --node-count 3 --outbound-ips x', f'recommend --ids {cluster} -o table']


def test_code_pages_that_lack_characters(arm, az, tight, tmp_path):
    """Nothing falls and nothing is lost: `az` drops what cannot be printed from the whole of an output, and warns."""
    (tmp_path / 's.yaml').write_text(SERVICE)
    commands = lines_for(tight, tmp_path / 's.yaml')
    whole = in_one_process(az, commands)
    assert {character for result in whole for character in result.stdout + result.stderr} - set(map(chr, range(128))) \
        - set(BLOCKS) == set(INSTEAD) - set(BLOCKS), 'all that is printed beyond ASCII'
    for page in CODE_PAGES:
        lacking = {ord(one): other for one, other in INSTEAD.items() if not has(page, one)}
        for before, after in zip(whole, in_one_process(az, commands, PYTHONIOENCODING=page)):
            assert after.code == before.code and after.stderr == before.stderr, str(after)
            if after.argv[2] != 'recommend':  # what it draws over time is drawn with blocks or without
                assert after.stdout == before.stdout.translate(lacking), (page, str(after))
    bare = lb(az, env={'PYTHONIOENCODING': None, 'LC_ALL': 'C', 'PYTHONUTF8': '0'})('list -o table')
    assert bare.stdout == whole[4].stdout.translate({ord(one): other for one, other in INSTEAD.items()})


def has(page, character):
    try:
        return bool(character.encode(page))
    except UnicodeEncodeError:
        return False


def powershell(text):
    """As Windows PowerShell 5.1 writes what a command prints: UTF-16 with its mark, and other line ends."""
    return text.replace('\n', '\r\n').encode('utf-16')


def test_files_as_other_systems_write_them(arm, az, tight, tmp_path):
    """Snapshots, the output of `az aks show` and of `az graph query`, and manifests."""
    snapshot = json.dumps(snapshot_of(arm, tight), indent=2)
    shown = az(f'aks show -g rg1 -n {tight.split("/")[-1]} -o json', check=True).stdout
    rows = json.dumps({'count': 1, 'data': [row_of(arm.get(tight))], 'total_records': 1}, indent=2)
    lines = []
    for name, text in {'snapshot.json': snapshot, 'shown.json': shown, 'rows.json': rows, 'web.yaml': SERVICE}.items():
        option = {'rows.json': 'list --from-file', 'web.yaml': 'check-service -f'}.get(name, 'plan --from-file')
        for kind, content in {'plain': text.encode(), 'crlf': text.replace('\n', '\r\n').encode(),
                              'powershell': powershell(text)}.items():
            folder = tmp_path / kind
            folder.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)
            lines.append(f'{option} {folder / name}')
    results = in_one_process(az, lines)
    for index in range(0, len(results), 3):
        plain, *others = results[index:index + 3]
        assert plain.code == 0 and plain.json, str(plain)
        for other in others:
            assert other.code == 0 and without_file(other.json) == without_file(plain.json), str(other)


def without_file(result):
    """`check-service` names the file."""
    return [{**one, 'file': None} for one in result] if isinstance(result, list) else result


def test_names_as_windows_has_them(arm, az, tight):
    """Backslashes, drive letters and blanks are part of a name, and none of our business."""
    (az.cwd / 'C:\\my files').mkdir()
    (az.cwd / 'C:\\my files' / 'web.yaml').write_text(SERVICE)
    saved, loaded, checked = in_one_process(az, [
        ['show', '--ids', tight, '--save-to', 'C:\\my files\\s.json'],
        ['show', '--from-file', 'C:\\my files\\s.json'],
        ['check-service', '-f', 'C:\\my files', '--from-file', 'C:\\my files\\s.json']])
    assert saved.code == loaded.code == 0 and saved.json == loaded.json and (az.cwd / 'C:\\my files\\s.json').exists()
    assert checked.json[0]['file'] == os.path.join('C:\\my files', 'web.yaml')
