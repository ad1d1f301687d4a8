# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Opening files: folders, standard input, and everything that is no readable file."""

import os
import socket
import sys

import pytest

from azext_lbplan.readers import manifests as reader, opening
from azext_lbplan.readers.manifests import read_manifests
from azext_lbplan.rules.service import RULES, check_manifests
from azext_lbplan.views.services import check_service
from tests.support.manifest_cases import manifest

POSIX = pytest.mark.skipif(os.name != 'posix', reason='needs a POSIX file system')
NOT_ROOT = pytest.mark.skipif(os.name != 'posix' or os.geteuid() == 0, reason='root may read everything')


@pytest.fixture(name='folder')
def _folder(tmp_path):
    for name in ('b.yaml', 'a.yml', 'c.json', 'notes.txt', 'D.YAML', 'deep/e.yaml', 'deep/deeper/f.yaml'):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(manifest(), encoding='utf-8')
    return tmp_path


def read(*paths, **options):
    """All entries as a list."""
    return list(read_manifests([str(path) for path in paths], **options))


def names(folder, entries):
    """Their paths in the folder."""
    return [os.path.relpath(name, folder) for name, _, _ in entries]


def only_problem(*paths):
    """The finding of the only entry."""
    (_, content, problem), = read(*paths)
    assert content is None and problem.message.isprintable() and problem.remediation
    assert problem.code in {rule.code for rule in RULES}
    return problem


class TestFolders:
    """In the order of names."""

    def test_one_level(self, folder):
        assert names(folder, read(folder)) == ['D.YAML', 'a.yml', 'b.yaml', 'c.json']

    def test_recursive(self, folder):
        assert names(folder, read(folder, recursive=True)) == [
            'D.YAML', 'a.yml', 'b.yaml', 'c.json', 'deep/e.yaml', 'deep/deeper/f.yaml']

    def test_without_manifests(self, tmp_path):
        (tmp_path / 'notes.txt').write_text('x', encoding='utf-8')
        (tmp_path / 'sub').mkdir()
        problem = only_problem(tmp_path)
        assert problem.code == 'NoManifests' and '--recursive' in problem.message
        assert '--recursive' not in read(tmp_path, recursive=True)[0][2].message

    def test_a_file_that_is_named_may_be_called_anything(self, folder):
        assert read(folder / 'notes.txt')[0][1] == manifest().encode()

    def test_each_file_once(self, folder):
        assert len(read(folder, folder / 'b.yaml', folder / 'deep' / '..' / 'b.yaml')) == 4

    @POSIX
    def test_links(self, folder):
        (folder / 'deep' / 'up').symlink_to(folder)
        (folder / 'deep' / 'loop.yaml').symlink_to('loop.yaml')
        (folder / 'deep' / 'gone.yaml').symlink_to('nowhere')
        (folder / 'deep' / 'folder.yaml').symlink_to(folder / 'deep' / 'deeper')
        (folder / 'deep' / 'same.yaml').symlink_to(folder / 'b.yaml')
        entries = read(folder, recursive=True)
        problems = {os.path.basename(name): problem for name, _, problem in entries if problem}
        assert set(problems) == {'loop.yaml', 'gone.yaml'}
        assert len(entries) == 8

    @POSIX
    def test_a_link_to_a_folder_that_is_named_is_followed(self, folder, tmp_path_factory):
        link = tmp_path_factory.mktemp('links') / 'link'
        link.symlink_to(folder)
        assert len(read(link)) == 4

    @POSIX
    def test_names_that_cannot_be_printed(self, tmp_path):
        path = os.path.join(os.fsencode(tmp_path), b'a\n\xff.yaml')
        try:
            with open(path, 'wb') as file:
                file.write(manifest().encode())
        except OSError:
            pytest.skip('the file system takes no such name')
        (name, content, _), = read(tmp_path)
        assert content and name.endswith('a\ufffd\ufffd.yaml') and name.encode()


class TestProblems:
    """One clear line each, and nothing hangs."""

    def test_missing(self, tmp_path):
        assert 'No such file' in only_problem(tmp_path / 'gone.yaml').message

    @pytest.mark.parametrize('path', ['', 'a\0b'])
    def test_no_path_at_all(self, path):
        assert list(read_manifests([path]))[0][2].code == 'ManifestNotReadable'

    @POSIX
    def test_fifo_socket_and_device(self, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        os.mkfifo('fifo.yaml')
        monkeypatch.setattr(opening, 'OPENING', 0.3)
        with socket.socket(socket.AF_UNIX) as server:
            server.bind('socket.yaml')
            named, in_folder = read('fifo.yaml', 'socket.yaml', '/dev/zero'), read('.')
        assert [problem.code for _, _, problem in named + in_folder] == ['ManifestNotReadable'] * 5
        assert [problem.message for _, _, problem in named] == [
            'It is a pipe that nobody has written to within 0 seconds.', 'It is no regular file but a socket.',
            'It is no regular file but a device.']
        assert in_folder[0][2].message == 'It is no regular file but a pipe.', 'it is not waited for'

    @NOT_ROOT
    def test_not_permitted(self, folder):
        (folder / 'b.yaml').chmod(0)
        (folder / 'deep').chmod(0)
        try:
            problems = [problem for _, _, problem in read(folder, recursive=True) if problem]
        finally:
            (folder / 'deep').chmod(0o755)
        assert ['Permission denied' in problem.message for problem in problems] == [True, True]

    def test_not_permitted_in_the_words_of_the_system(self, folder, monkeypatch):
        def refuse(*_, **__):
            raise PermissionError(13, 'Permission denied')
        monkeypatch.setattr(opening.os, 'open', refuse)
        assert only_problem(folder / 'b.yaml').message == 'It cannot be read: Permission denied.'

    def test_too_large(self, tmp_path):
        path = tmp_path / 'large.yaml'
        with open(path, 'wb') as file:
            file.truncate(50_000_000)
        problem = only_problem(path)
        assert problem.code == 'ManifestTooLarge' and '32 MiB' in problem.message

    def test_the_others_are_still_checked(self, folder):
        (folder / 'a.yml').write_bytes(b'\x00')
        (folder / 'c.json').write_text('{', encoding='utf-8')
        checked = check_manifests(read_manifests([str(folder), str(folder / 'gone')]))
        assert (checked.files, checked.services) == (4, 2)
        assert [one['findings'][0]['code'] for one in check_service(checked)
                if one['file'] and not one['name']] == [
            'ManifestNotText', 'ManifestNotParsed', 'ManifestNotReadable']


class TestStandardInput:
    """`-`"""

    @pytest.fixture(autouse=True)
    def piped(self, monkeypatch):
        reading, writing = os.pipe()
        os.write(writing, b'a: 1')
        os.close(writing)
        with open(reading, 'rb') as stream:
            monkeypatch.setattr(sys, 'stdin', stream)
            yield

    def test_it_is_read_once(self):
        assert read('-', '/dev/stdin', '-') == [('-', b'a: 1', None)]

    def test_closed(self, monkeypatch):
        monkeypatch.setattr(sys, 'stdin', None)
        assert only_problem('-').message == 'It is closed.'

    def test_too_large(self, monkeypatch):
        monkeypatch.setattr(reader, 'LARGEST_FILE', 3)
        assert read('-')[0][2].code == 'ManifestTooLarge'
