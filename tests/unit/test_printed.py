"""Everything printed is printable: hostile characters in every text of a body, every typed option, every file name."""
import copy
import json
import os
import tempfile
from types import SimpleNamespace
from unittest.mock import patch

import pytest
from hypothesis import given, settings, strategies as st
from knack import output
from knack.events import EVENT_CLI_SUCCESSFUL_EXECUTE
from knack.util import CLIError, CommandResultItem

from azext_lbplan import _outcome, _printed, custom, custom_service, options
from azext_lbplan.commands import _table, _validator
from tests.support import shapes
from tests.support.manifest_cases import CASES

#: Escape sequences, bells, nulls, direction changes, line ends, half characters, and what JSON does not escape.
HOSTILE = ('\x1b[31m', '\x07', '\x00', '\x7f', '\x9b2J', '\u202e', '\u2066', '\u200b', '\u2028', '\r', '\n', '\ud800',
           '\x1b]0;title\x07')

_FILES = {'show': 'managed', 'plan': 'own-ips', 'recommend': 'managed, measured', 'check': 'prefixes'}


def planted(tree, hostile, number):
    """A copy of `tree` with `hostile` in the text that stands at `number` (modulo), or in all of them for None."""
    places = []

    def walk(value):
        if isinstance(value, dict):
            return {key: walk(inner) for key, inner in value.items()}
        if isinstance(value, list):
            return [walk(inner) for inner in value]
        if not isinstance(value, str):
            return value
        places.append(value)
        return value + hostile if number is None or len(places) - 1 == number else value
    return walk(tree)


def texts_in(tree):
    if isinstance(tree, dict):
        return sum(map(texts_in, tree.values()))
    return sum(map(texts_in, tree)) if isinstance(tree, list) else isinstance(tree, str)


def printed(command, values):
    """All that the command prints, on stdout in every format, and on stderr."""
    said, endings = [], []
    context = SimpleNamespace(
        invocation=SimpleNamespace(data={'output': 'table', 'query_active': False}), data={}, only_show_errors=True,
        register_event=lambda event, handler: (event == EVENT_CLI_SUCCESSFUL_EXECUTE and endings.append(handler)))
    name = command.replace('-', '_')
    namespace = SimpleNamespace(_ids=None, **{option.name: option.default for option in options.COMMANDS[command]})
    vars(namespace).update(values)
    log = SimpleNamespace(warning=lambda *parts: said.append(parts[0] % parts[1:]), debug=lambda *_: None,
                          error=lambda *parts: said.append(parts[0] % parts[1:]))
    handlers = custom_service if name == 'check_service' else custom
    with patch.object(_outcome, 'logger', log), patch.object(handlers, 'logger', log):
        try:
            _validator(name)(namespace)
            taken = {key: value for key, value in vars(namespace).items() if key != '_ids'}
            result = getattr(handlers, f'lb_{name}')(SimpleNamespace(cli_ctx=context), **taken)
        except CLIError as error:
            return [str(error), *(getattr(error, 'recommendations', None) or ()), getattr(error, 'error_msg', '')]
        try:
            for ending in endings:
                ending()
        except SystemExit:
            pass
    return said + formatted(name, result)


def formatted(name, result):
    found = []
    for form in (output.format_json, output.format_yaml, output.format_tsv, output.format_table):
        table = _table(name)
        found += form(CommandResultItem(json.loads(json.dumps(result)), table_transformer=table)).split('\n')
    return [line.replace('\t', ' ').rstrip('\r') for line in found]


def assert_printable(lines):
    assert lines
    for line in lines:
        assert line.isprintable(), f'{line!r} would reach a terminal'


@settings(max_examples=120, deadline=None)
@given(command=st.sampled_from(sorted(_FILES)), hostile=st.sampled_from(HOSTILE), number=st.integers(0, 10 ** 6),
       everywhere=st.booleans())
def test_texts_of_a_body(command, hostile, number, everywhere):
    body = copy.deepcopy(shapes.snapshots()[_FILES[command]])  # all tests share it
    body['metrics'] = list(body.get('metrics') or ())[:2] if everywhere else body.get('metrics')
    for pool in body['managedCluster']['properties']['agentPoolProfiles']:
        pool['upgradeSettings'] = {'maxSurge': '33%'}
    tree = planted({key: value for key, value in body.items() if key != 'metrics'}, hostile,
                   None if everywhere else number % texts_in({**body, 'metrics': None}))
    with _file(json.dumps({**tree, 'metrics': body['metrics'], 'schema': 1})) as path:
        assert_printable(printed(command, {'from_file': path, **({'fail_on': 'warning'} if command in ('plan', 'check')
                                                                 else {})}))


@pytest.mark.parametrize('hostile', HOSTILE)
def test_the_surge_and_the_rows_of_a_fleet(hostile):
    rows = shapes.graph_rows()
    with _file(json.dumps(planted(rows, hostile, 3))) as path, _file(json.dumps([*rows, {'name': hostile}])) as other:
        for file in (path, other):
            assert_printable(printed('list', {'from_file': file, 'fail_on': 'warning'}))
    body = json.loads(json.dumps(shapes.snapshots()['managed']))
    body['managedCluster']['properties']['agentPoolProfiles'][0]['upgradeSettings'] = {'maxSurge': hostile + '3'}
    with _file(json.dumps(body)) as path:
        assert_printable(printed('show', {'from_file': path}))


@pytest.mark.parametrize('command', sorted(options.COMMANDS))
@pytest.mark.parametrize('hostile', HOSTILE)
def test_every_typed_option_and_file_name(command, hostile):
    hostile = hostile.replace('\ud800', '\udc9b')  # what Python makes of a byte of a path that is no text
    for option in options.COMMANDS[command]:
        if option.takes in (options.INTEGER, options.INTEGERS, options.NUMBER, options.SWITCH, options.YES_OR_NO,
                            options.CHOICE):
            continue  # the CLI's own parser has a say first
        typed = [hostile + 'x'] if option.takes in (options.WORDS, options.FILES) else hostile + 'x'
        base = {} if option.name in ('from_file', 'filename') else {'resource_group_name': 'rg1', 'name': 'aks1'} \
            if command not in ('list', 'check-service') else {}
        base = {**base, **({'filename': ['nothing.yaml']} if command == 'check-service' else {})}
        if option.name in ('save_to',) or command == 'list' and option.name == 'subscriptions':
            continue  # they need a login, and are tried with the real `az`
        if option.name == 'resource_group_name' and command == 'list':
            base['from_file'] = 'nothing.json'
        assert_printable(printed(command, {**base, option.name: typed}))


@pytest.mark.parametrize('hostile', HOSTILE)
def test_manifests(hostile):
    if hostile == '\ud800':
        return
    for text, _ in list(CASES.values())[:20]:
        with _file(text.replace('web', json.dumps('web' + hostile))) as path:
            assert_printable(printed('check-service', {'filename': [path], 'fail_on': 'warning'}))


class _file:
    def __init__(self, text):
        self._text = text

    def __enter__(self):
        handle, self._path = tempfile.mkstemp(suffix='.json')
        with os.fdopen(handle, 'w', encoding='utf-8', errors='surrogatepass') as file:
            file.write(self._text)
        return self._path

    def __exit__(self, *_):
        os.unlink(self._path)


def test_lines_of_code_stay_lines():
    """And nothing else does: a name within them cannot steer a terminal."""
    result = _printed.value({'alerts': [{'bicep': 'a\n  b\x1b[2J\n', 'name': 'a\nb'}], 'terraform': None})
    assert result == {'alerts': [{'bicep': 'a\n  b\ufffd[2J\n', 'name': 'a\ufffdb'}], 'terraform': None}


def test_an_error_is_short_enough_to_be_read():
    """The value may be a million letters: its beginning tells which, and the end says the rest."""
    body = json.loads(json.dumps(shapes.snapshots()['managed']))
    body['managedCluster']['properties']['networkProfile']['outboundType'] = 'tunnel' + 'x' * 1_000_000
    with _file(json.dumps(body)) as path:
        said = printed('plan', {'from_file': path, 'outbound_ports': 4000})
    assert all(len(one) < _printed.MOST_LETTERS + 10 for one in said)
    assert said[0].startswith("Load balancer options do not apply to cluster 'managed': its outbound type is tunnelxxx")
