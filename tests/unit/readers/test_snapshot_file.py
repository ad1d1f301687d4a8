"""A snapshot on disk: never over a file that is not to be replaced, for its owner only, whole or not at all."""
import errno
import json
import os
import stat

import pytest
from azure.cli.core.azclierror import FileOperationError

from azext_lbplan.readers import saving, snapshot

SNAPSHOT = {'schema': 1, 'lists': [{'names': ['x' * 50] * 20}]}


@pytest.fixture(params=['hard links', 'no hard links'])
def links(request, monkeypatch):
    """File systems of both kinds."""
    def refuse(*_):
        raise PermissionError(errno.EPERM, 'Operation not permitted')
    if request.param == 'no hard links':
        monkeypatch.setattr(os, 'link', refuse)


def mode(path):
    return stat.S_IMODE(path.lstat().st_mode)


def saved(path):
    """The only file in its folder, and nothing but the snapshot."""
    assert json.loads(path.read_text()) == SNAPSHOT and mode(path) == 0o600
    return True


def fail(error):
    def failing(*_, **__):
        raise error
    return failing


@pytest.mark.usefixtures('links')
def test_a_new_file_is_for_its_owner_only(tmp_path):
    snapshot.save(str(tmp_path / 's.json'), SNAPSHOT, False)
    assert saved(tmp_path / 's.json') and os.listdir(tmp_path) == ['s.json']


@pytest.mark.usefixtures('links')
def test_a_file_that_came_in_the_meantime_stays(tmp_path, monkeypatch):
    """It was not there when the path was checked."""
    path = tmp_path / 's.json'
    path.write_text('mine')
    monkeypatch.setattr(saving, 'check_target', lambda *_: None)
    with pytest.raises(FileOperationError, match='exists'):
        snapshot.save(str(path), SNAPSHOT, False)
    assert path.read_text() == 'mine' and os.listdir(tmp_path) == ['s.json']


def test_what_is_replaced_becomes_its_owners_only(tmp_path):
    path = tmp_path / 's.json'
    path.write_text('{"longer": "' + 'x' * 5000 + '"}')
    path.chmod(0o666)
    snapshot.save(str(path), SNAPSHOT, True)
    assert saved(path) and os.listdir(tmp_path) == ['s.json']


def test_what_no_decision_reads_is_not_saved(tmp_path):
    answer = {'query': {'metricnames': 'UsedSnatPorts'}, 'response': {'value': [], 'token': 'hunter2'}}
    snapshot.save(str(tmp_path / 's.json'), {**SNAPSHOT, 'tags': 'hunter2', 'metrics': [answer]}, False)
    text = (tmp_path / 's.json').read_text()
    assert 'UsedSnatPorts' in text and 'hunter2' not in text


@pytest.mark.parametrize('target', ['there.json', 'not there.json'])
def test_a_link_stays_and_what_it_leads_to_is_written(tmp_path, target):
    """Also where that is not there yet."""
    (tmp_path / 'there.json').write_text('mine')
    link = tmp_path / 'links' / 'link.json'
    link.parent.mkdir()
    link.symlink_to(os.path.join('..', target))
    with pytest.raises(FileOperationError, match='exists'):
        saving.check_target(str(link), False)
    snapshot.save(str(link), SNAPSHOT, True)
    assert link.is_symlink() and saved(tmp_path / target) and os.listdir(link.parent) == ['link.json']


@pytest.mark.parametrize('path, words', [
    ('', 'is a folder'), ('new/', 'is a folder'), ('circle', 'is no place for a file'), ('nowhere/s.json', 'no place'),
    ('astray', 'is no place for a file'), ('fifo', 'is no place for a file'), ('file/s.json', 'is no place'),
])
def test_what_cannot_take_a_file_is_told(tmp_path, path, words):
    (tmp_path / 'file').write_text('mine')
    (tmp_path / 'circle').symlink_to('circle')
    (tmp_path / 'astray').symlink_to('nowhere/s.json')
    os.mkfifo(tmp_path / 'fifo')
    before = sorted(os.listdir(tmp_path))
    with pytest.raises(FileOperationError, match=words):
        snapshot.save(f'{tmp_path}/{path}', SNAPSHOT, True)
    assert sorted(os.listdir(tmp_path)) == before


def test_a_folder_that_may_not_be_written_is_told_before_anything_is_read(tmp_path, monkeypatch):
    monkeypatch.setattr(os, 'access', lambda *_: False)
    with pytest.raises(FileOperationError, match='is read-only for you'):
        saving.check_target(str(tmp_path / 's.json'), False)


@pytest.mark.usefixtures('links')
@pytest.mark.parametrize('overwrite', [False, True])
@pytest.mark.parametrize('step', ['fdopen', 'replace', 'link'])
@pytest.mark.parametrize('error', [OSError(errno.ENOSPC, 'No space left on device'), KeyboardInterrupt()])
def test_what_fails_half_way_leaves_nothing(tmp_path, monkeypatch, step, error, overwrite):
    """A full disk, or an interrupt, at any step."""
    path = tmp_path / 's.json'
    if overwrite:
        path.write_text('mine')
    before = sorted(os.listdir(tmp_path))
    for function in ('link', 'replace') if step == 'link' else (step,):  # without links a file is made otherwise
        monkeypatch.setattr(os, function, fail(error))
    try:
        snapshot.save(str(path), SNAPSHOT, overwrite)
    except FileOperationError as told:
        assert 'could not be written: No space left on device.' in str(told)
    except KeyboardInterrupt:
        pass
    else:
        assert step == 'replace' and not overwrite and saved(path), 'a hard link was made'
        return
    assert sorted(os.listdir(tmp_path)) == before and (not overwrite or path.read_text() == 'mine')
