"""One parser for all JSON that is taken in: what Python takes and JSON has not, and what grows, is refused by name."""
import json

import pytest
from hypothesis import given, strategies as st

from azext_lbplan.inputs import json_text
from azext_lbplan.inputs.json_text import Bounds, NotTaken, TooLarge, parse_json, values_in
from azext_lbplan.inputs.notation import parse_documents

BOUNDS = Bounds(1 << 20, 10_000)
NUMBERS = st.integers(-2 ** 64, 2 ** 64) | st.floats(allow_nan=False, allow_infinity=False)
VALUES = st.recursive(st.none() | st.booleans() | NUMBERS | st.text(),
                      lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=30)


@given(VALUES, st.booleans(), st.sampled_from(['utf-8', 'utf-8-sig', 'utf-16']))
def test_what_is_json_is_taken_as_it_is(value, ascii_only, encoding):
    written = json.dumps(value, ensure_ascii=ascii_only)
    assert json.dumps(parse_json(written.encode(encoding, 'surrogatepass'), BOUNDS)) == json.dumps(value)


@given(VALUES, st.sampled_from([None, 1, '\t']))
def test_a_template_is_taken_as_it_is_and_knows_its_lines(value, indent):
    wanted = {'$schema': 'x', 'resources': [value], '<<': {'$schema': 'y'}, 'outputs': {}}
    text = json.dumps(wanted, indent=indent)
    (document,) = parse_documents(text.encode(), BOUNDS, '')
    assert json.dumps(document) == json.dumps(wanted)
    assert document.lines['outputs'] == 1 + text[:text.rindex('"outputs"')].count('\n')


@given(VALUES)
def test_values_are_never_more_than_counted(value):
    def count(one):
        inner = one.values() if isinstance(one, dict) else one if isinstance(one, list) else ()
        return 1 + sum(map(count, inner))
    assert count(value) <= values_in(json.dumps(value).encode())


@pytest.mark.parametrize('written, words', [
    ('NaN', 'holds NaN'), ('[Infinity]', 'holds Infinity'), ('{"a": -Infinity}', 'holds -Infinity'),
    ('1e999', 'the number 1e999, which is out of range'), ('[-1e400]', 'the number -1e400'),
    ('1' * 400, 'a number of 400 characters'), ('-1' + '0' * 400, 'a number of 402 characters'),
    ('1' + '0' * 5000, 'a number of 5001 characters'),  # Python itself refuses from 4300 on
    ('0.' + '1' * 400, 'a number of 402 characters'), ('1' * 400 + '.0', 'a number of 402 characters'),
    ('1e' + '0' * 400 + '1', 'a number of 403 characters'),
    ('[' * 100_000, 'nested too deeply'), ('{"a":' * 9_999, 'nested too deeply'),
    ('', 'is empty'), (' \n\t', 'is empty'), ('{', 'is no JSON: '), ('{} {}', 'is no JSON: '), ('{"a": 1,}', 'no JSON'),
    ("{'a': 1}", 'is no JSON: '), ('01', 'is no JSON: '), ('+1', 'is no JSON: '), ('"\n"', 'is no JSON: '),
    ('nan', 'is no JSON: '), ('undefined', 'is no JSON: '), ('\0', 'is no JSON: ')])
def test_what_is_not_is_refused_by_name(written, words):
    with pytest.raises(NotTaken, match='.*') as refused:
        parse_json(written.encode(), Bounds(1 << 20, 200_000))
    assert words in str(refused.value) and len(str(refused.value)) < 200
    inside = f'{{"schema": 1, "more": [{written}'
    with pytest.raises(NotTaken):
        parse_json((inside + ']}').encode(), Bounds(1 << 20, 200_000)) if written.strip() else parse_json(
            inside.encode(), BOUNDS)


@pytest.mark.parametrize('content', [b'\xff', b'"\xc3', b'\xff\xfe1', b'\xed\xa0\x80'])
def test_what_is_no_text(content):
    with pytest.raises(NotTaken, match='is no text in UTF-8, nor in UTF-16 with its mark'):
        parse_json(content, BOUNDS)


@pytest.mark.parametrize('content, words', [
    (b'"' + b'x' * (1 << 20) + b'"', 'is larger than 1 MiB'), (b' ' * (1 << 20) + b'1', 'is larger than 1 MiB'),
    (b'[' + b'{},' * 10_000 + b'1]', 'holds more than 10,000 values'), (b'[' * 10_000, 'more than 10,000 values'),
    (('"\U0001f600' + 'x' * 600_000 + '"').encode(), 'takes more than 2 MiB of memory as text')])
def test_what_is_too_large_is_refused_before_it_is_read(monkeypatch, content, words):
    monkeypatch.setattr(json_text, 'json', None)
    with pytest.raises(TooLarge, match=words):
        parse_json(content, BOUNDS)


@given(st.from_regex(r'-?(0|[1-9][0-9]{0,70})(\.[0-9]{1,70})?([eE][-+]?[0-9]{1,70})?', fullmatch=True),
       st.sampled_from(['{}', '[{}]', '{{"3e123": "a 1-9e999",\n"b":\t{}}}', '[1, {}, 2]']))
def test_whatever_is_long_or_infinite_is_refused(number, around):
    written = around.format(number).encode()
    if len(number) > json_text.LONGEST_NUMBER or float(number) in (float('inf'), float('-inf')):
        with pytest.raises(NotTaken):
            parse_json(written, BOUNDS)
    else:
        assert parse_json(written, BOUNDS) == json.loads(written)


@pytest.mark.parametrize('written, asked', [
    ('[1024.0, 1e-7, 18446744073709551615]', False),
    ('{"id": "/subscriptions/3e123456-3333-3e12-aaaa-00000e123456"}', False),
    ('[1e100]', True), ('[-1.5E+100]', True), ('[' + '1' * 21 + ']', True)])
def test_only_numbers_that_may_be_odd_are_looked_at_one_by_one(monkeypatch, written, asked):
    looked_at = []
    monkeypatch.setattr(json_text, '_check_length', looked_at.append)
    assert parse_json(written.encode(), BOUNDS) == json.loads(written) and bool(looked_at) is asked


def test_numbers_that_azure_sends_are_taken():
    written = '[0, -0, 1024.0, 1E3, 1e-7, 18446744073709551615, 0.1000000000000000055511151231257827021181583404541015]'
    assert parse_json(written.encode(), BOUNDS) == [0, 0, 1024.0, 1000.0, 1e-7, 2 ** 64 - 1, 0.1]
