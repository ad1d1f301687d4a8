"""From a path to what a document holds: every refusal is an error of the CLI's, with the path and what would do."""
import pytest
from azure.cli.core.azclierror import FileOperationError, InvalidArgumentValueError

from azext_lbplan.inputs.json_text import Bounds
from azext_lbplan.inputs.unusable import UnusableDocument
from azext_lbplan.readers import json_file
from azext_lbplan.readers.json_file import read_document


def refuse(document):
    raise UnusableDocument(f'holds {document}', 'Give another one.')


def test_what_is_recognised_is_given_back(tmp_path):
    (tmp_path / 'file').write_bytes('\ufeff{"ä": 1}'.encode('utf-8'))
    assert read_document(str(tmp_path / 'file'), dict.keys, '') == {'ä'}


@pytest.mark.parametrize('content, kind, message, advice', [
    (b'7', InvalidArgumentValueError, 'holds 7.', 'Give another one.'),
    (b' ', InvalidArgumentValueError, 'is empty.', 'Give JSON.'),
    (b'{', InvalidArgumentValueError, 'is no JSON: ', 'Give JSON.'),
    (b'\xff', InvalidArgumentValueError, 'is no text in UTF-8, nor in UTF-16 with its mark.', 'Give JSON.'),
    (b'{"a": NaN}', InvalidArgumentValueError, 'is no JSON: it holds NaN.', 'Give JSON.'),
    (b'[' * 9, InvalidArgumentValueError, 'holds more than 8 values.', 'Give JSON.'),
    (b' ' * (1 << 20) + b'1', FileOperationError, 'is larger than 1 MiB.', 'Give JSON.'),
    (None, FileOperationError, 'cannot be read: No such file or directory.', 'Check the path.'),
])
def test_what_is_not_is_told(tmp_path, monkeypatch, content, kind, message, advice):
    monkeypatch.setattr(json_file, 'LARGEST_FILE', Bounds(1 << 20, 8))
    path = tmp_path / 'file'
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(kind) as refused:
        read_document(str(path), refuse, 'Give JSON.')
    assert str(refused.value).startswith(f"'{path}' {message}")
    assert refused.value.recommendations == [advice]


@pytest.mark.parametrize('content, message', [
    (b'7', 'Standard input holds 7.'), (b'', 'Standard input is empty.'), (b'\xff', 'Standard input is no text in UTF'),
    (b'[' * 1001, 'Standard input is larger than 0 MiB.')])
def test_standard_input_is_a_file_like_any(monkeypatch, content, message):
    monkeypatch.setattr(json_file, 'LARGEST_FILE', Bounds(1000, 2000))
    monkeypatch.setattr(json_file, 'read_file', lambda path, most: content)
    with pytest.raises((FileOperationError, InvalidArgumentValueError)) as refused:
        read_document('-', refuse, 'Give JSON.')
    assert str(refused.value).startswith(message)
