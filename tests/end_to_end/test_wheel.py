"""The wheel as it is published: what is in it, what it says of itself, and its life in the real `az`."""
import email
import functools
import hashlib
import http.server
import json
import os
import re
import shutil
import threading
import zipfile
from pathlib import Path

import pytest

from tests.support import preview
from tests.support.az import build_wheel
from tests.support.together import lb

ROOT = Path(__file__).resolve().parents[2]
SHOW = f'show --from-file {ROOT}/tests/data/pool-added.json --query nodes.current'


@pytest.fixture(scope='module')
def metadata(wheel):
    with zipfile.ZipFile(wheel) as opened:
        name, = [name for name in opened.namelist() if name.endswith('/METADATA')]
        return email.message_from_bytes(opened.read(name))


def test_it_holds_the_package_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as opened:
        names = opened.namelist()
    package = {path.relative_to(ROOT).as_posix() for path in (ROOT / 'azext_lbplan').rglob('*')
               if path.suffix == '.py' or path.name == 'azext_metadata.json'}
    assert {name for name in names if '.dist-info/' not in name} == package
    assert [name for name in names if name.endswith('.dist-info/LICENSE')]
    assert re.fullmatch(r'lbplan-[\d.]+(b\d+)?-py3-none-any\.whl', Path(wheel).name)


def test_two_builds_have_one_hash(wheel, tmp_path):
    """Also of a copy of the tree that was made later, by somebody who lets nobody else read."""
    before = os.umask(0o077)
    try:
        again = build_wheel(tmp_path)
    finally:
        os.umask(before)
    assert len({hashlib.sha256(Path(built).read_bytes()).hexdigest() for built in (wheel, again)}) == 1
    with zipfile.ZipFile(wheel) as opened:
        assert {entry.date_time for entry in opened.infolist()} == {(2026, 1, 1, 0, 0, 0)}


def test_what_it_says_of_itself_is_true(metadata):
    assert metadata['Name'] == 'lbplan' and metadata['License'] == 'MIT' and metadata['Author']
    assert metadata['Home-page'] or metadata.get_all('Project-URL')
    assert not metadata.get_all('Requires-Dist')
    door = (ROOT / '.github' / 'CONTRIBUTING.md').read_text(encoding='utf-8')
    rows = re.findall(r'^\| 2\.\d+\.0 \| ([\d., ]+) \|', door, re.MULTILINE)
    tested = {minor for row in rows for minor in re.findall(r'3\.(\d+)', row)}
    classifiers = metadata.get_all('Classifier')
    assert {found[1] for found in re.finditer(r'Python :: 3\.(\d+)', '\n'.join(classifiers))} == tested
    assert metadata['Requires-Python'] == f'>=3.{min(map(int, tested))}'
    assert 'Operating System :: POSIX :: Linux' in classifiers  # the only one that it says it passes on
    commands = set(re.findall(r'[a-z]+(?:-[a-z]+)?', metadata.get_payload().partition('lb ')[2])) - {'and'}
    from azext_lbplan.options import COMMANDS
    assert commands == set(COMMANDS)


def test_a_version_with_a_letter_is_a_preview(metadata):
    says = json.loads((ROOT / 'azext_lbplan' / 'azext_metadata.json').read_text(encoding='utf-8'))
    assert says['azext.isPreview'] is bool(re.search('[a-z]', metadata['Version'])) is True
    assert re.fullmatch(r'2\.\d+\.0', says['azext.minCliCoreVersion'])


def test_the_history_has_this_version_on_top_and_dates(metadata):
    text = (ROOT / 'HISTORY.rst').read_text(encoding='utf-8')
    versions = re.findall(r'^([\d.]+(?:b\d+)?)\n\++\n\n(Not released yet|Released \d{4}-\d{2}-\d{2})\.\n', text,
                          re.MULTILINE)
    assert versions[0][0] == metadata['Version']
    assert len(versions) == len(re.findall(r'^\+{3,}$', text, re.MULTILINE))
    assert all(when.startswith('Released') for _, when in versions[1:])


def test_every_file_says_whose_it_is_and_under_what_licence():
    line = '# Copyright (c) the lbplan developers. Licensed under the MIT License.\n'
    assert '\nCopyright (c) 2026 the lbplan developers\n' in (ROOT / 'LICENSE').read_text(encoding='utf-8')
    for path in [ROOT / 'setup.py', *(ROOT / 'azext_lbplan').rglob('*.py')]:
        with open(path, encoding='utf-8') as file:
            assert next(file) == line, path


@pytest.fixture
def index(wheel, tmp_path):
    """The URL of an index of extensions with a later version of ours, as the CLI asks Microsoft's for."""
    served = tmp_path / 'served'
    served.mkdir()
    later = shutil.copy(build_wheel(tmp_path, '1.0.0b2'), served)
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=served)
    with http.server.ThreadingHTTPServer(('127.0.0.1', 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f'http://127.0.0.1:{server.server_port}'
        entry = {'filename': Path(later).name, 'downloadUrl': f'{url}/{Path(later).name}',
                 'sha256Digest': hashlib.sha256(Path(later).read_bytes()).hexdigest(),
                 'metadata': {'name': 'lbplan', 'version': '1.0.0b2', 'azext.isPreview': True,
                              'azext.minCliCoreVersion': '2.67.0'}}
        (served / 'index.json').write_text(json.dumps({'formatVersion': '1', 'extensions': {'lbplan': [entry]}}))
        yield f'{url}/index.json'
        server.shutdown()


def test_it_is_added_updated_and_removed_beside_aks_preview(bare_az, wheel, index, tmp_path):
    az = bare_az.clone(tmp_path / 'az').install(preview.build(tmp_path))
    az('config set extension.use_dynamic_install=no --only-show-errors', check=True)
    added = az(['extension', 'add', '--source', str(wheel), '-y'], check=True)
    assert 'in preview' in added.stderr

    def version():
        listed = az('extension list -o json', check=True).json
        assert 'aks-preview' in [one['name'] for one in listed]
        return [(one['version'], one['preview']) for one in listed if one['name'] == 'lbplan']
    assert version() == [('1.0.0b1', True)]
    shown = lb(az)(SHOW)
    assert shown.stdout == '9\n' and shown.preview
    quiet = lb(az)(f'{SHOW} --only-show-errors')
    assert quiet.stdout == '9\n' and quiet.stderr == '' and not quiet.preview
    updated = az('extension update -n lbplan --allow-preview true', env={'AZURE_EXTENSION_INDEX_URL': index})
    assert updated.code == 0 and version() == [('1.0.0b2', True)], str(updated)
    assert lb(az)(SHOW).stdout == '9\n'
    az('extension remove -n lbplan', check=True)
    assert version() == []
    gone = az('aks lb show -h')
    assert gone.code and "'lb' is misspelled or not recognized" in gone.stderr, str(gone)
    assert az('aks show -g rg1 -n aks1 --query shown -o tsv', check=True).stdout == 'by aks-preview\n'
