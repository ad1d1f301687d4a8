# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""From bytes to documents: types as Kubernetes sees them, lines, hostile input, and time."""

import json
import time
import tracemalloc

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from azext_lbplan.inputs import documents as reading
from azext_lbplan.inputs.documents import read_documents
from azext_lbplan.inputs.manifests import ManifestFile, Problem
from azext_lbplan.inputs.scalars import plain
from azext_lbplan.model.service_context import NO_CLUSTER
from azext_lbplan.rules.service import check_manifests
from azext_lbplan.rules.service.check import MOST_FINDINGS
from azext_lbplan.views.services import check_service
from tests.support.manifest_cases import CASES, CONTEXT, INTERNAL, PREFIX, manifest

#: Unquoted scalars and the JSON that kubectl 1.32 makes of them: `kubectl annotate --local -f FILE -o json`.
KUBECTL = {
    'true': 'true', 'TRUE': 'true', 'tRUE': '"tRUE"', 'yes': 'true', 'Yes': 'true', 'yES': '"yES"', 'y': 'true',
    'Y': 'true', 'on': 'true', 'on1': '"on1"', 'n': 'false', 'N': 'false', 'NO': 'false', 'off': 'false',
    '~': 'null', 'null': 'null', 'Null': 'null', 'NULL': 'null', 'nULL': '"nULL"', '': 'null',
    '4': '4', '+12': '12', '-0': '0', '+0': '0', '00': '0', '017': '15', '-017': '-15', '0o17': '15', '0O17': '15',
    '0o8': '"0o8"', '08': '8', '09.5': '9.5', '0x1F': '31', '0X1f': '31', '-0x1F': '-31', '0x': '"0x"', '0x_1': '1',
    '0b101': '5', '0B1': '1', '-0b11': '-3', '0b2': '"0b2"', '1_000': '1000', '1__0': '10', '0_1': '1', '_1': '"_1"',
    '1e3': '1000', '1E+2': '100', '1_e3': '1000', '1e-3': '0.001', '1e': '"1e"', 'e3': '"e3"', '.e3': '".e3"',
    '.5': '0.5', '-.5': '-0.5', '+.5e1': '5', '12.': '12', '1.5': '1.5', '1.5_5': '1.55', '0.0': '0', '.': '"."',
    '..': '".."', '+': '"+"', '-a': '"-a"', '--1': '"--1"', '+-1': '"+-1"', '=': '"="', '.inf1': '".inf1"',
    '1e400': '"1e400"', '0xFFFFFFFFFFFFFFFFFF': '"0xFFFFFFFFFFFFFFFFFF"', '9223372036854775807': '9223372036854775807',
    '1:30': '"1:30"', '2001-01-01': '"2001-01-01"', '1.0.0': '"1.0.0"', '10.0.0.0/8': '"10.0.0.0/8"', '30s': '"30s"',
    '4min': '"4min"', '1,000': '"1,000"', '1 2': '"1 2"',
}


def values(text):
    """The values of all documents; the problem where there is one."""
    content = text if isinstance(text, bytes) else text.encode()
    return [document.problem or document.value for document in read_documents(content)]


def problem(text):
    """The only problem in a file."""
    found = [value for value in values(text) if isinstance(value, Problem)]
    assert len(found) == 1, found
    assert found[0].message.isprintable()
    return found[0]


@pytest.mark.parametrize('written', KUBECTL)
def test_scalars_are_what_kubectl_makes_of_them(written):
    wanted = json.loads(KUBECTL[written])
    assert plain(written) == wanted
    assert type(plain(written)) is type(wanted)


@pytest.mark.parametrize('written, value', [
    ('"true"', 'true'), ("'4'", '4'), ('!!str true', 'true'), ('! 4', '4'), ('!!int "3"', 3), ('!!bool "yes"', True),
    ('!own 4', '4'), ('!!timestamp 2001-01-01', '2001-01-01'), ('|\n  4\n', '4\n'), ('"<<"', '<<')])
def test_tags_and_quotes(written, value):
    assert values(f'a: {written}') == [{'a': value}]


def test_huge_numbers_stay_cheap():
    assert plain('1' * 10_000) == '1' * 10_000
    assert plain('1' * 30) == float('1' * 30)


class TestDocuments:
    """Several documents in one file, and where they begin."""

    @pytest.mark.parametrize('text, wanted', [
        ('a: 1', [{'a': 1}]), ('', []), ('# nothing\n', []), ('---\n---\na: 1', [None, {'a': 1}]),
        ('# licence\n---\na: 1\n', [{'a': 1}]), ('%YAML 1.1\n---\na: 1\n', [{'a': 1}]),
        ('---\na: 1\n...\n---\nb: 2\n', [{'a': 1}, {'b': 2}]), ('a: 1\r\n---\r\nb: 2\r\n', [{'a': 1}, {'b': 2}]),
        ('--- {a: 1}\n--- # two\nb: 2', [{'a': 1}, {'b': 2}]), ('a: |\n  ---\n  x\n', [{'a': '---\nx\n'}]),
        ('{"a": 1}\n{"b":\n 2}\n', [{'a': 1}, {'b': 2}]), ('{a: 1}', [{'a': 1}]), ('[{"a": 1}]', [[{'a': 1}]]),
        ('{\n\t"a":\t1\n}', [{'a': 1}]), ('\ufeffa: 1', [{'a': 1}])])
    def test_split(self, text, wanted):
        assert values(text) == wanted

    def test_utf_16_as_powershell_writes_it(self):
        assert values('a: é\n'.encode('utf-16')) == [{'a': 'é'}]

    def test_json_escapes(self):
        text = r'{"a": "\ud83d\ude00 \\ud83d \ud800 \/ \u003c \""}'
        assert values(text) == [{'a': '😀 \\ud83d \ufffd / < "'}]

    def test_lines_count_from_the_top_of_the_file(self):
        text = '# 1\n---\na: 1\n---\n# 5\nb:\n- c: 7\n  d: 8\n'
        second = list(read_documents(text.encode()))[1]
        assert second.number == 2
        assert second.value.lines == {'b': 6}
        assert second.value['b'].lines == [7]
        assert second.value['b'][0].lines == {'c': 7, 'd': 8}

    def test_lines_in_json(self):
        first, second = values('{"a": 1}\n\n{"b": {\n "c": [1,\n 2]}}')
        assert (first.lines, second.lines, second['b'].lines) == ({'a': 1}, {'b': 3}, {'c': 4})
        assert second['b']['c'].lines == [4, 5]

    def test_a_broken_document_leaves_the_others(self):
        found = values('a: 1\n---\nb: [\n---\nc: 3\n')
        assert found[0] == {'a': 1} and found[2] == {'c': 3}
        assert found[1].code == 'ManifestNotParsed' and found[1].line in (3, 4)

    def test_repeated_keys(self):
        value, = values('a: 1\nb: 2\na: 3\n')
        assert value == {'a': 3, 'b': 2} and value.repeated == [('a', 3)]


class TestAliases:
    """Ordinary ones work, others are refused."""

    def test_anchors_aliases_and_merge_keys(self):
        text = ('base: &base {x: 1, y: 2}\nmore: &more {y: 3, z: 4}\none: *base\n'
                'two:\n  <<: [*base, *more]\n  x: 5\nlist: &list [1]\nagain: *list\n')
        value, = values(text)
        assert value['one'] == {'x': 1, 'y': 2}
        assert value['two'] == {'x': 5, 'y': 2, 'z': 4}
        assert value['again'] == [1]
        assert value['two'].lines['z'] == 2

    def test_annotations_from_a_merge_key_are_checked(self):
        text = manifest(INTERNAL).replace('  annotations:\n', '  annotations:\n    <<: &a {a/b: 4}\n')
        checked = check_manifests([ManifestFile('f', text.encode())])
        assert 'AnnotationNotString' in {finding.code for finding in checked.results[0].findings}

    @pytest.mark.parametrize('first, join', [
        ('[1, 1, 1, 1, 1, 1, 1, 1, 1]', '[{}]'), ('{x: 1, y: 2, z: 3, a: 4, b: 5, c: 6, d: 7, e: 8}', '[{}]'),
        ('{x: 1, y: 2, z: 3, a: 4, b: 5, c: 6, d: 7, e: 8}', '{{{}}}'), ('"text"', '[{}]')])
    def test_bombs(self, first, join):
        lines = [f'a0: &a0 {first}']
        for level in range(1, 30):
            item = f'*a{level - 1}' if join == '[{}]' else f'<<: *a{level - 1}'
            lines.append(f'a{level}: &a{level} {join.format(", ".join([item] * 9))}')
        tracemalloc.start()
        begin = time.perf_counter()
        assert problem('\n'.join(lines)).code == 'AliasBomb'
        assert time.perf_counter() - begin < 2
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
        tracemalloc.stop()

    @pytest.mark.parametrize('text', [
        'a: &a [*a]', 'a: &a {b: *a}', 'a: *b', 'a: &x 1\n<<: *x\n', '<<: [1]', 'x: {<<: 1}'])
    def test_senseless_ones(self, text):
        assert problem(text).code == 'ManifestNotParsed'

    def test_nested_lists_of_objects_stay_bounded(self):
        item = manifest().replace('\n', '\n    ')
        text = f'kind: List\nitems:\n  - &one\n    {item}\n' + '  - *one\n' * 1000
        assert check_manifests([ManifestFile('f', text.encode())]).services == 1001


class TestRefused:
    """One clear line each."""

    @pytest.mark.parametrize('content, code', [
        (b'\x00\x01\x02', 'ManifestNotText'), (b'\x89PNG\r\n\x1a\n\x00', 'ManifestNotText'),
        (b'\xff\xfe\x00', 'ManifestNotText'),
        (b'a: \xff', 'ManifestNotText'), (b'a: b\n\tc: d\n', 'ManifestNotParsed'), (b'a: "\x07"', 'ManifestNotParsed'),
        (b'{"a": 1', 'ManifestNotParsed'), (b'? [a]\n: b', 'ManifestNotParsed'), (b'a: b: c', 'ManifestNotParsed'),
        (b'[' * 100_000, 'ManifestTooLarge'), (b'- ' * 100_000, 'ManifestTooLarge'),
        (b'{"a":' * 100_000, 'ManifestTooLarge'), (b'a: !!x!<> &', 'ManifestNotParsed'),
        (b'%YAML 9.0\n---\na', 'ManifestNotParsed'),
        (b'a: &\xe2\x80\xa8b *c', 'ManifestNotParsed')])
    def test_hostile(self, content, code):
        assert problem(content).code == code

    def test_line_of_a_broken_one(self):
        finding, = check_service(check_manifests([ManifestFile('f', b'# 1\n---\na: 1\nb: c: d\n')]))[0]['findings']
        assert finding['evidence'] == {'line': 4}
        assert finding['message'] == ('Line 4: The document is no valid YAML: mapping values are not allowed in this '
                                      'context.')

    @pytest.mark.parametrize('text', [
        'name: {{ .Values.name }}\n', 'name: {{ .Values.name }}-web\n', '{{- if .Values.on }}\na: 1\n{{- end }}\n',
        'selector:\n  {{- include "web.labels" . | nindent 2 }}\n'])
    def test_templates(self, text):
        assert problem(text).code == 'TemplateNotRendered'

    def test_quoted_templates_in_a_service(self):
        text = manifest('azure-load-balancer-internal: "{{ .Values.internal }}"')
        finding, = check_manifests([ManifestFile('f', text.encode())]).results[0].findings
        assert finding.code == 'TemplateNotRendered'
        text = manifest(INTERNAL).replace('annotations:\n',
                                          'annotations:\n    example.com/alert: "{{ $labels.pod }}"\n')
        assert 'TemplateNotRendered' not in {finding.code for finding in
                                             check_manifests([ManifestFile('f', text.encode())]).results[0].findings}

    @pytest.mark.parametrize('value, found', [
        ('${IP}', True), ('10.${NET}.4', True), ('$IP', True), ('$(IP)', True), ('<your-ip>', True), ('__IP__', True),
        ('a$b', True), ('$', False), ('a$', False), ('<', False), ('__', False), ('costs $5', False)])
    def test_placeholders_are_no_errors(self, value, found):
        result = check_manifests([ManifestFile('f', manifest(f'azure-pip-name: "{value}"').encode())]).results[0]
        assert (result.findings[0].code == 'TemplateNotRendered') is found

    def test_braces_in_quotes_do_not_make_a_template(self):
        assert problem('a: "{{ x }}"\n b: c\n').code == 'ManifestNotParsed'

    def test_too_many_values(self, monkeypatch):
        monkeypatch.setattr(reading, 'MOST_VALUES', 1000)
        found = values('---\n'.join(['[' + '1, ' * 400 + ']\n'] * 5))
        assert [isinstance(value, Problem) for value in found] == [False, False, True]
        assert found[-1].code == 'ManifestTooLarge'


class TestLists:
    """What kubectl writes."""

    def test_list_and_lists_in_lists(self):
        item = yaml.safe_load(manifest())
        inner = {'kind': 'List', 'items': [item, None]}
        text = json.dumps({'kind': 'List', 'apiVersion': 'v1', 'items': [item, inner]})
        checked = check_manifests([ManifestFile('f', text.encode())])
        assert (checked.objects, checked.services) == (2, 2)

    def test_service_list_whose_items_name_no_kind(self):
        item = yaml.safe_load(manifest('azure-load-balancer-tcp-idle-timeout: "3"'))
        del item['kind'], item['apiVersion']
        text = yaml.safe_dump({'kind': 'ServiceList', 'apiVersion': 'v1', 'items': [item]})
        checked = check_manifests([ManifestFile('f', text.encode())])
        assert checked.services == 1
        assert {finding.code for finding in checked.results[0].findings} >= {'AnnotationOutOfRange'}
        assert 'SpellingInvalid' not in {finding.code for finding in checked.results[0].findings}


def dump(number):
    """`number` Services as `kubectl get svc -A` prints them."""
    items = []
    for index in range(number):
        items.append({
            'apiVersion': 'v1', 'kind': 'Service',
            'metadata': {
                'annotations': {
                    'kubectl.kubernetes.io/last-applied-configuration': json.dumps(yaml.safe_load(manifest())) + '\n',
                    PREFIX + 'azure-load-balancer-health-probe-request-path': '/healthz',
                    PREFIX + 'azure-load-balancer-tcp-idle-timeout': '10'},
                'creationTimestamp': '2026-01-01T00:00:00Z',
                'finalizers': ['service.kubernetes.io/load-balancer-cleanup'],
                'labels': {'app': f'web-{index}'}, 'name': f'web-{index}', 'namespace': f'team-{index % 50}',
                'resourceVersion': str(index), 'uid': f'00000000-0000-0000-0000-{index:012}'},
            'spec': {
                'allocateLoadBalancerNodePorts': True, 'clusterIP': '10.0.1.2', 'clusterIPs': ['10.0.1.2'],
                'externalTrafficPolicy': 'Cluster', 'internalTrafficPolicy': 'Cluster', 'ipFamilies': ['IPv4'],
                'ipFamilyPolicy': 'SingleStack', 'loadBalancerSourceRanges': [f'203.0.{index % 256}.0/24'],
                'ports': [{'name': 'http', 'nodePort': 31000, 'port': 80, 'protocol': 'TCP', 'targetPort': 8080},
                          {'name': 'https', 'nodePort': 31001, 'port': 443, 'protocol': 'TCP', 'targetPort': 8443}],
                'selector': {'app': f'web-{index}'}, 'sessionAffinity': 'None', 'type': 'LoadBalancer'},
            'status': {'loadBalancer': {'ingress': [{'ip': '20.1.2.3', 'ipMode': 'VIP'}]}}})
    return {'apiVersion': 'v1', 'items': items, 'kind': 'List', 'metadata': {'resourceVersion': ''}}


@pytest.mark.parametrize('write', [
    lambda body: yaml.dump(body, Dumper=getattr(yaml, 'CSafeDumper', yaml.SafeDumper)),
    lambda body: json.dumps(body, indent=4)], ids=['yaml', 'json'])
def test_time_grows_with_the_number_of_services(write):
    """Must show 4, with room for a busy machine; measured alone 5,000 take about 2 seconds in either format."""
    seconds = []
    for number in (500, 2000):
        content = write(dump(number)).encode()
        begin = time.process_time()
        assert check_manifests([ManifestFile('dump', content)]).services == number
        seconds.append(time.process_time() - begin)
    assert seconds[1] < 6
    assert seconds[1] < 4 * 2.5 * max(seconds[0], 0.1)


def test_a_flood_of_misspellings_is_cut_short():
    lines = '\n'.join(f'azure-load-balancer-x{number}: "1"' for number in range(20_000))
    begin = time.process_time()
    found = check_manifests([ManifestFile('f', manifest(lines).encode())]).results[0].findings
    assert sum(finding.code == 'UnknownAnnotation' for finding in found) == MOST_FINDINGS
    assert time.process_time() - begin < 6


ODD = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(['', 'Local', 'IPv6', 'SCTP', '0.0.0.0/0', '10.0.0.1/8', '::/0', 'true', '80', '{{', '20.0.0.1',
                       'LoadBalancer', 'PreferDualStack', '<<']),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5) | st.sampled_from(
        ['port', 'name', 'protocol', 'nodePort', 'targetPort', 'ingress', 'items']), inner, max_size=3), max_leaves=6)
NAMES = st.sampled_from(sorted({line.split(':')[0].strip() for bad, *_ in CASES.values() for line in bad.splitlines()
                                if PREFIX in line})) | st.text(max_size=10)
SERVICES = st.fixed_dictionaries({}, optional={
    'kind': st.just('Service') | ODD, 'apiVersion': st.just('v1') | ODD, 'status': ODD,
    'metadata': ODD | st.fixed_dictionaries({}, optional={
        'name': ODD, 'namespace': ODD, 'annotations': ODD | st.dictionaries(NAMES, ODD, max_size=4)}),
    'spec': ODD | st.fixed_dictionaries({'type': st.just('LoadBalancer') | ODD}, optional=dict.fromkeys((
        'ports', 'loadBalancerSourceRanges', 'ipFamilies', 'ipFamilyPolicy', 'loadBalancerIP', 'externalTrafficPolicy',
        'allocateLoadBalancerNodePorts', 'loadBalancerClass'), ODD))})


@settings(max_examples=400, deadline=None)
@given(SERVICES, st.booleans())
def test_odd_types_anywhere(body, in_list):
    text = json.dumps({'kind': 'List', 'items': [body, body]} if in_list else body)
    for context in (NO_CLUSTER, CONTEXT):
        checked = check_manifests([ManifestFile('f', text.encode())], context)
        json.dumps(check_service(checked)).encode()
        for result in checked.results:
            assert all(finding.message and '\n' not in finding.message for finding in result.findings)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=60) | st.text(alphabet='ab:- \n\t[]{},&*"\'|>%#!?<0\x85\ufeff', max_size=60).map(str.encode))
def test_any_bytes(content):
    json.dumps(check_service(check_manifests([ManifestFile('f', content)]))).encode()


@settings(max_examples=200, deadline=None)
@given(ODD)
def test_values_survive(value):
    text = json.dumps({'a': value}).replace('NaN', '1').replace('-Infinity', '1').replace('Infinity', '1')
    found, = values(text)
    assert isinstance(found, Problem) or _same(json.loads(text), found)


def _same(one, other):
    """Whether JSON and what was read are the same; halves of UTF-16 characters become the replacement character."""
    if isinstance(one, dict):
        return len(one) == len(other) and all(_same(value, other.get(key)) for key, value in one.items() if key != '<<')
    if isinstance(one, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, float) or isinstance(other, float):
        return one == pytest.approx(other)
    return one == other
