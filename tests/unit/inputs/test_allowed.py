"""The allow-list of snapshots: it keeps what the parsers read, all of it and nothing else, and no secret survives."""
import json
from contextlib import suppress

import pytest

from azext_lbplan.demand.gateways import gateway_use
from azext_lbplan.inputs.allowed import SNAPSHOT, Either, Leaf, Resource, reduced, reduced_part, without_secrets
from azext_lbplan.inputs.unusable import UnusableDocument
from azext_lbplan.inputs.snapshots import recognise_snapshot
from azext_lbplan.model.answers import answers_from_snapshot, parse
from azext_lbplan.model.observed import parse_observed
from azext_lbplan.model.values import text
from tests.support import shapes
from tests.support.answers import answers
from tests.support.generated import generate
from tests.support.reading import Reads, strings, table_paths

COMMANDS = ('show', 'plan', 'check')

ID = '/subscriptions/s/resourceGroups/g/providers/Microsoft.ContainerService/managedClusters/c'
SAMPLES = {Leaf.FLAG: True, Leaf.NUMBER: 4, Leaf.TIME: '2026-08-18T03:00:00Z', Leaf.ADDRESS: '10.1.2.3', Leaf.ID: ID,
           Leaf.NETWORK: '10.1.0.0/16', Leaf.MESSAGE: 'A message.', Leaf.FILTER: "BackendIPAddress eq '10.1.2.3'",
           Leaf.DIMENSION: '10.1.2.3'}

#: What one branch of a parser reads where another key is not there, and tags, which are gone through.
WITHOUT = ('managedcluster/properties/currentkubernetesversion', 'managedcluster/properties/networkprofile/podcidrs',
           'managedcluster/properties/agentpoolprofiles/*/currentorchestratorversion',
           'managedcluster/properties/agentpoolprofiles/*/count', 'managedcluster/id', 'managedcluster/type',
           'publicipaddresses/*/properties/ipconfiguration', 'publicipprefixes/*/properties/prefixlength',
           'publicipprefixes/*/properties/loadbalancerfrontendipconfiguration',
           'loadbalancer/properties/loadbalancingrules/*/id', 'loadbalancer/properties/inboundnatrules/*/id',
           'loadbalancer/properties/backendaddresspools/*/properties/backendipconfigurations',
           'loadbalancer/properties/backendaddresspools/*/properties/loadbalancerbackendaddresses/*/properties/'
           'networkinterfaceipconfiguration')
POOL = ('managedcluster', 'properties', 'agentpoolprofiles', '*')
TAGS = {f'{kind}/*/tags/aks-managed-type' for kind in ('publicipaddresses', 'publicipprefixes')}


def full(node=SNAPSHOT, raw=True, form=0):
    """A body with every key of the table, raw or flattened, in one of the forms where a value has several."""
    if isinstance(node, Leaf):
        return SAMPLES.get(node, 'word')
    if isinstance(node, Either):
        return full(node.forms[form % len(node.forms)], raw, form)
    if isinstance(node, list):
        return [full(node[0], raw, form)]
    if isinstance(node, Resource):
        node = {**node.outer, **({'properties': node.inner} if raw else node.inner)}
    return {key: full(inner, raw, form) for key, inner in node.items()}


def without(value, path):
    """`value` without what stands at `path`."""
    key, rest = path[0], path[1:]
    if key == '*':
        return [without(item, rest) for item in value]
    return {name: without(inner, rest) if name.lower() == key and rest else inner
            for name, inner in value.items() if rest or name.lower() != key}


def parsed(snapshot):
    """All that the parsers make of it."""
    with suppress(UnusableDocument):  # one without its pools, say: what is read of it matters all the same
        recognise_snapshot(snapshot)
    observed = parse_observed(snapshot)
    uses = [gateway_use(observed, text(one, 'resourceId')) for one in observed.gateway_metrics]
    return (observed._replace(metrics=(), gateway_metrics=()),
            parse(answers_from_snapshot(snapshot.get('metrics'))), uses)


def snapshots():
    """Snapshots of clusters of every kind, some with metrics; raw, and as `az` prints them."""
    found = {name: one if 'managedCluster' in one else {'schema': 1, 'managedCluster': one}
             for name, one in shapes.snapshots().items()}
    found.update((f'seed {seed}', generate(seed).snapshot(with_metrics=seed % 10 == 0)) for seed in range(40))
    return found


def test_the_table_is_what_the_parsers_read():
    """A key that a parser comes to read must have a row, and a row that nothing reads is to go."""
    reads = Reads()
    whole = full()
    uncounted = without(without(whole, [*POOL, 'count']), [*POOL, 'virtualmachinenodesstatus'])
    # Frontends, route tables and gateways are read on where their ids name such things.
    renamed = [json.loads(json.dumps(whole).replace('ContainerService/managedClusters', f'Network/{kind}'))
               for kind in ('publicIPAddresses', 'routeTables', 'natGateways')]
    for body in (whole, full(form=1), uncounted, *renamed, *(without(whole, path.split('/')) for path in WITHOUT),
                 *snapshots().values()):
        if 'properties' in body['managedCluster']:  # what `az` prints has paths of its own
            parsed(reads.record(dict(body, schema=1)))
    table = table_paths(SNAPSHOT)
    assert sorted(reads.paths - table) == [], 'read, but not kept'
    assert sorted(path for path in table - reads.paths - TAGS if not path.endswith('*')) == [], \
        'kept, but not read'


@pytest.mark.parametrize('raw', [True, False])
@pytest.mark.parametrize('form', [0, 1])
def test_what_is_in_the_table_stays_whatever_the_case_of_its_keys(raw, form):
    whole = dict(full(raw=raw, form=form), schema=1)
    assert reduced(whole) == whole
    upper = json.loads(json.dumps(whole), object_hook=lambda one: {key.upper(): value for key, value in one.items()})
    assert reduced(upper) == upper


def test_what_is_kept_decides_the_same():
    for name, snapshot in snapshots().items():
        kept = reduced(snapshot)
        assert parsed(kept)[1] == parsed(snapshot)[1] and reduced(kept) == kept, name
        before, after = answers(snapshot, COMMANDS), answers(kept, COMMANDS)
        assert before == after, name


class Planted:
    """A snapshot with a secret in each text that is not read, and in keys and values that nobody knows."""

    def __init__(self, snapshot):
        self.paths, self.number = table_paths(SNAPSHOT) | table_paths(SNAPSHOT, raw=False), 0
        self.snapshot = self.plant(snapshot)

    def secret(self):
        self.number += 1
        return f'hunter{self.number}two'

    def plant(self, value, *path):
        if isinstance(value, dict):
            planted = {key: self.plant(inner, *path, key.lower()) for key, inner in value.items()}
            return {**planted, self.secret(): self.secret(), 'config': {'key': self.secret(), 'keys': [self.secret()]},
                    'adminPassword': self.secret()}
        if isinstance(value, list):
            planted = [self.plant(item, *path, '*') for item in value]
            return planted if value and isinstance(value[0], str) else [*planted, self.secret(), [self.secret()]]
        return value if not isinstance(value, str) or '/'.join(path) in self.paths or path[-1:] == ('*',) and \
            '/'.join(path[:-1]) in self.paths else self.secret()


def test_no_secret_survives():
    """And what stays is what would have stayed without them."""
    number = 0
    for name, snapshot in snapshots().items():
        planted = Planted(json.loads(json.dumps(snapshot)))
        kept = reduced(planted.snapshot)
        assert [text for _, text in strings(kept) if 'hunter' in text] == [], name
        before, after = reduced(snapshot), kept
        assert parsed(before) == parsed(after), name
        number += planted.number
    assert number > 10000


@pytest.mark.parametrize('leaf', [leaf for leaf in Leaf if leaf is not Leaf.MESSAGE])
@pytest.mark.parametrize('hiding', [{'value': 'hunter2'}, ['hunter2'], [{'id': 'hunter2'}], 'hunter2 ' * 5000])
def test_nothing_hides_where_a_scalar_is_expected(leaf, hiding):
    body = json.loads(json.dumps(full()), object_hook=lambda one: {
        key: hiding if value == SAMPLES.get(leaf, 'word') else value for key, value in one.items()})
    assert 'hunter2' not in json.dumps(reduced(body))


@pytest.mark.parametrize('point', [{'average': 'hunter2'}, {'timeStamp': 'hunter2'}, {'hunter2': 1}, 'hunter2',
                                   {'average': {'hunter2': 1}}, {'timeStamp': ['hunter2']}, ['hunter2'], {1: 2}])
def test_nothing_hides_among_points(point):
    """Which are looked at together where they are plain."""
    plain = [{'timeStamp': '2026-08-18T03:00:00Z', 'average': 1.5}, {'timeStamp': '2026-08-18T03:01:00Z'},
             {'timeStamp': '2026-08-18T03:02:00Z', 'average': None, 'total': 3}]
    body = [{'response': {'value': [{'timeseries': [{'data': plain}, {'data': [*plain, point]}]}]}}]
    first, second = reduced_part('metrics', body)[0]['response']['value'][0]['timeseries']
    assert first['data'] == plain and second['data'][:3] == plain and 'hunter2' not in json.dumps(second)


@pytest.mark.parametrize('message, safe', [
    ('No  \n route.', 'No route.'),
    ('The client does not have authorization to perform action \'Microsoft.Network/loadBalancers/read\'.', None),
    ('Authorization: Bearer hunter2hunter2 here', 'Authorization: Bearer *** here'),
    ('proxy http://me:hunter2@proxy:3128/ refused', 'proxy http://*** refused'),
    ('Password=hunter2; AccountKey="hunter2"', 'Password=***; AccountKey="***"'),
    ('{"client_secret": "hunter2"}', '{"client_secret": "***"}'),
    ('key ' + 'hunter2hunter2hunter2hunter2hunter2==', 'key ***'),
    ('word ' * 1000, ('word ' * 60)),
])
def test_messages_are_bounded_and_hold_no_secret(message, safe):
    kept = reduced_part('errors', [{'resourceId': ID, 'status': 403, 'code': 'X', 'message': message}])[0]['message']
    assert kept == without_secrets(message) == (message if safe is None else safe) and 'hunter2' not in kept
    assert without_secrets(kept).strip() == kept.strip()


@pytest.mark.parametrize('body', [None, [], 'x', 5, {'id': 7}, {'properties': 'x'}, {'properties': []}, {1: 'x'}])
def test_odd_bodies_are_no_reason_to_fall(body):
    kept = reduced({**dict.fromkeys(SNAPSHOT, body), 7: 'x'})
    assert kept.keys() <= SNAPSHOT.keys() and reduced(kept) == kept
