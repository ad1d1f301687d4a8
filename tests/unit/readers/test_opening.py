"""Whatever a path leads to, reading it ends: with what it holds, or with why not."""
import io
import os
import socket
import sys
import threading
import time

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from azext_lbplan.readers import opening
from azext_lbplan.readers.opening import NotRead, read_file

pytestmark = pytest.mark.skipif(os.name != 'posix', reason='needs pipes with names')


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    for name, seconds in (('OPENING', 0.4), ('SILENCE', 0.8), ('DEADLINE', 2), ('PATIENCE', 0.2)):
        monkeypatch.setattr(opening, name, seconds)


class _System:
    """The operating system with other functions than its own; the rest of the process keeps those."""

    def __init__(self, **functions):
        vars(self).update(functions)

    def __getattr__(self, name):
        return getattr(os, name)


def refused(path, most=100, **more):
    """Why it was not read, and that it was told in time."""
    started = time.monotonic()
    with pytest.raises(NotRead) as error:
        read_file(str(path), most, **more)
    assert time.monotonic() - started < 3 and error.value.remedy.endswith('.')
    return error.value.why


def write(descriptor, *pieces, pause=0.1):
    """Write in the background, and close."""
    def run():
        for piece in pieces:
            time.sleep(pause)
            os.write(descriptor, piece)
        os.close(descriptor)
    threading.Thread(target=run, daemon=True).start()


@pytest.fixture(name='pipe')
def fixture_pipe():
    """(the path of its end to read, its end to write): what `<(...)` of a shell is."""
    reading, writing = os.pipe()
    yield f'/dev/fd/{reading}', writing
    os.close(reading)


@pytest.fixture(name='stdin')
def fixture_stdin(monkeypatch):
    """The other end of standard input."""
    reading, writing = os.pipe()
    with open(reading, 'rb') as stream:
        monkeypatch.setattr(sys, 'stdin', stream)
        yield writing


@settings(max_examples=30, deadline=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # each example writes its file anew
@given(st.binary(max_size=3000), st.integers(1, 3000))
def test_a_file_is_read_as_it_is_or_is_too_large(tmp_path, content, most):
    (tmp_path / 'file').write_bytes(content)
    if len(content) <= most:
        assert read_file(str(tmp_path / 'file'), most) == content
    else:
        assert refused(tmp_path / 'file', most) == 'is larger than 0 MiB'


def test_a_large_file_is_not_even_read(tmp_path, monkeypatch):
    with open(tmp_path / 'file', 'wb') as file:
        file.truncate(1 << 40)
    monkeypatch.setattr(opening, 'os', _System(read=None))
    assert refused(tmp_path / 'file', 32 << 20) == 'is larger than 32 MiB'


def test_kinds(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.symlink('loop', 'loop')
    with socket.socket(socket.AF_UNIX) as server:
        server.bind('socket')
        kinds = {'/': 'folder', 'socket': 'socket', **dict.fromkeys(
            ('/dev/zero', '/dev/random', '/dev/null', '/dev/tty'), 'device')}
        for path, kind in kinds.items():
            assert refused(path) == f'is no regular file but a {kind}', path
    for path, why in (('gone', 'No such file or directory'), ('loop', 'Too many levels of symbolic links'),
                      ('x' * 300, 'File name too long'), ('socket/x', 'Not a directory'), ('', 'No such file')):
        assert refused(path).startswith(f'cannot be read: {why}')
    assert refused('a\0b') == 'cannot be read: no file has such a path'


@pytest.mark.skipif(not os.access('/proc/kmsg', os.R_OK), reason='needs a log of the kernel, and to be its reader')
def test_a_regular_file_without_an_end():
    assert refused('/proc/kmsg', 1 << 24) in ('is no file that ends', 'cannot be read: Operation not permitted')


def test_a_file_that_would_block_is_no_file(tmp_path, monkeypatch):
    def block(*_):
        raise BlockingIOError(11, 'Resource temporarily unavailable')
    (tmp_path / 'file').write_bytes(b'x')
    monkeypatch.setattr(opening, 'os', _System(read=block))
    assert refused(tmp_path / 'file') == 'is no file that ends'


@pytest.mark.parametrize('name', ['open', 'stat', 'read'])
def test_a_file_system_that_does_not_answer(tmp_path, monkeypatch, name):
    ended = threading.Event()
    (tmp_path / 'file').write_bytes(b'x')
    monkeypatch.setattr(opening, 'os', _System(**{name: lambda *_: ended.wait(9) and None}))
    assert refused(tmp_path / 'file') == {'read': 'gave nothing within 1 seconds'}.get(
        name, 'could not be opened within 0 seconds')
    ended.set()


def test_an_error_that_nobody_expects(tmp_path, monkeypatch):
    monkeypatch.setattr(opening, 'os', _System(stat=lambda _: None))
    assert refused(tmp_path) == 'cannot be read: AttributeError'


def test_a_file_that_becomes_something_else(tmp_path, monkeypatch):
    os.mkfifo(tmp_path / 'fifo')
    (tmp_path / 'file').write_bytes(b'x')
    found = os.stat(tmp_path / 'file')
    monkeypatch.setattr(opening, 'os', _System(stat=lambda _: found))
    assert refused(tmp_path / 'fifo') == 'has just been replaced'


class TestPipes:
    """With a name or without; read as long as somebody writes."""

    def test_of_a_process(self, pipe):
        write(pipe[1], b'a', b'', b'bc')
        assert read_file(pipe[0], 3) == b'abc'

    def test_empty(self, pipe):
        write(pipe[1])
        assert read_file(pipe[0], 3) == b''

    def test_too_much(self, pipe):
        write(pipe[1], b'abc', b'd')
        assert refused(pipe[0], 3) == 'is larger than 0 MiB'

    def test_silent(self, pipe, caplog):
        assert refused(pipe[0]) == 'gave nothing within 1 seconds'
        assert f"Waiting for '{pipe[0]}' ..." in caplog.text
        os.close(pipe[1])

    def test_without_end(self, pipe):
        write(pipe[1], *[b'x'] * 30)
        assert refused(pipe[0]).startswith('gave nothing within')

    def test_with_a_name(self, tmp_path):
        os.mkfifo(tmp_path / 'fifo')
        assert refused(tmp_path / 'fifo') == 'is a pipe that nobody has written to within 0 seconds'
        assert refused(tmp_path / 'fifo', pipes=False) == 'is no regular file but a pipe'
        os.mkfifo(tmp_path / 'other')
        threading.Thread(target=lambda: (tmp_path / 'other').write_bytes(b'abc'), daemon=True).start()
        assert read_file(str(tmp_path / 'other'), 3) == b'abc'


@pytest.mark.parametrize('name', ['-', '/dev/stdin'])
class TestStandardInput:
    """By both of its names."""

    def test_a_pipe(self, stdin, name):
        write(stdin, b'abc', b'd')
        assert read_file(name, 4) == b'abcd'

    def test_a_pipe_that_is_not_blocking(self, stdin, name):
        """A parent may have made it so."""
        os.set_blocking(sys.stdin.fileno(), False)
        write(stdin, b'abc', b'd')
        assert read_file(name, 4) == b'abcd'

    def test_a_silent_pipe(self, stdin, name, caplog):
        assert refused(name) == 'gave nothing within 1 seconds' and 'Waiting for standard input ...' in caplog.text
        os.close(stdin)

    def test_a_device(self, name, monkeypatch):
        with open('/dev/zero', 'rb') as zero, open('/dev/null', 'rb') as null:
            monkeypatch.setattr(sys, 'stdin', zero)
            assert refused(name) == 'is larger than 0 MiB'
            monkeypatch.setattr(sys, 'stdin', null)
            assert read_file(name, 4) == b''

    def test_a_file(self, name, monkeypatch, tmp_path):
        (tmp_path / 'file').write_bytes(b'abc')
        with open(tmp_path / 'file', 'rb') as file:
            monkeypatch.setattr(sys, 'stdin', file)
            assert read_file(name, 4) == b'abc'

    def test_a_socket(self, name, monkeypatch):
        ours, its = socket.socketpair()
        with its, its.makefile('rb') as stream:
            ours.sendall(b'abc')
            ours.close()
            monkeypatch.setattr(sys, 'stdin', stream)
            assert read_file(name, 4) == b'abc'

    def test_a_terminal_is_not_waited_for(self, name, monkeypatch):
        ours, its = os.openpty()
        with open(its, 'rb', buffering=0) as terminal:
            monkeypatch.setattr(sys, 'stdin', terminal)
            assert refused(name) == 'is a terminal'
        os.close(ours)

    @pytest.mark.parametrize('nothing', [None, io.StringIO()])
    def test_closed(self, name, monkeypatch, nothing):
        monkeypatch.setattr(sys, 'stdin', nothing)
        assert refused(name) == 'is closed'
