"""The time of `check-service` grows with what it is given, and no faster: whatever is repeated, four times as much of
it takes about four times as long. A square would take sixteen."""
import json
import time

import pytest

from azext_lbplan.inputs.manifests import ManifestFile
from azext_lbplan.rules.service import check_manifests
from azext_lbplan.views.services import check_service
from tests.support.manifest_cases import manifest

#: A Service whose field `{}` is filled.
_SERVICE = ('apiVersion: v1\nkind: Service\nmetadata:\n  name: a\n  annotations: {{{0}}}\nspec:\n  type: LoadBalancer\n'
            '  loadBalancerSourceRanges: [{1}]\n  ports: [{2}]\n')
_ONE = manifest()

#: {what is repeated: (a manifest with so many of it, how many take some hundredths of a second)}.
GROWING = {
    'services': (lambda n: f'{_ONE}\n---\n' * n, 150),
    'services of other names': (lambda n: ''.join(f'{manifest(name=f"s{i}")}\n---\n' for i in range(n)), 150),
    'a list': (lambda n: json.dumps({'kind': 'List', 'items': [{'kind': 'Service', 'apiVersion': 'v1', 'spec': {
        'type': 'LoadBalancer', 'ports': [{'port': 80}]}}] * n}), 150),
    'json': (lambda n: '{"kind": "Service", "spec": {"type": "LoadBalancer"}}\n' * n, 150),
    'json in one line': (lambda n: '{"a": 1}' * n, 1500),
    'json that is none': (lambda n: '{"a": 1}\n' * n + '{', 20_000),
    'documents': (lambda n: 'a: 1\n---\n' * n, 1500),
    'empty documents': (lambda n: '---\n' * n, 3000),
    'comments': (lambda n: '# a\n' * n + 'a: 1', 100_000),
    'documents that are none': (lambda n: 'a: [\n---\n' * n, 800),
    'templates': (lambda n: 'a: {{ b }}\n---\n' * n, 800),
    'keys': (lambda n: ''.join(f'k{i}: 1\n' for i in range(n)), 8000),
    'keys again': (lambda n: 'a: 1\n' * n, 8000),
    'levels': (lambda n: ('[' * 150 + ']' * 150 + '\n---\n') * n, 50),
    'anchors': (lambda n: ''.join(f'k{i}: &a{i} 1\n' for i in range(n)), 5000),
    'aliases': (lambda n: 'a: &a {b: 1}\nc: [' + '*a, ' * n + ']', 15_000),
    'elements with anchors': (lambda n: '- &a 1\n' * n, 8000),
    'elements with keys again': (lambda n: '- {a: 1, a: 2}\n' * n, 3000),
    'elements that are templates': (lambda n: '- "{{ x }}"\n' * n, 8000),
    'merges in one place': (lambda n: '<<: {b: 1}\n' * n, 4000),
    'directives': (lambda n: '%YAML 1.1\n---\na: 1\n...\n' * n, 1000),
    'merges': (lambda n: 'a: &a {b: 1}\n' + 'c: {<<: *a}\n' * n, 5000),
    'one merge': (lambda n: 'a: &a {b: 1}\nc: {<<: [' + '*a, ' * n + ']}', 15_000),
    'escapes': (lambda n: '{"a": "' + '\\ud83d\\ude00' * n + '"}', 80_000),
    'a long word': (lambda n: 'a: ' + 'b' * n, 3_000_000),
    'a long line': (lambda n: 'a: ' + 'b {' * n, 1_000_000),
    'blank lines': (lambda n: 'a: 1\n' + '\n' * n + 'b: 1', 1_000_000),
    'annotations': (lambda n: _SERVICE.format(', '.join(
        f'service.beta.kubernetes.io/azure-{i}: a' for i in range(n)), '', '{port: 80}'), 3000),
    'ranges': (lambda n: _SERVICE.format('', ', '.join(
        f'20.{i >> 16 & 255}.{i >> 8 & 255}.{i & 255}/32' for i in range(n)), '{port: 80}'), 5000),
    'ports': (lambda n: _SERVICE.format('', '', ', '.join(f'{{name: p{i}, port: {i}}}' for i in range(n))), 2000),
    'ports again': (lambda n: _SERVICE.format('', '', '{port: 80}, ' * n), 2000)}


def seconds(text):
    """Of this process, the least of three runs: what else the machine does adds, and never takes away."""
    taken = []
    for _ in range(3):
        started = time.process_time()
        check_service(check_manifests([ManifestFile('x', text.encode())]))
        taken.append(time.process_time() - started)
    return min(taken)


@pytest.mark.parametrize('name', GROWING)
def test_time_grows_with_the_size(name):
    make, size = GROWING[name]
    some, more = seconds(make(size)), seconds(make(4 * size))
    print(f'{name}: {some:.3f} s, {more:.3f} s, {more / some:.1f} times')
    assert more < 8 * some + 0.05
