"""Every key, on every cluster, for every command; own IPs never lost; what `fits` says is what AKS answers."""
import json
import random
import subprocess
from pathlib import Path

import pytest

from azext_lbplan import decision
from azext_lbplan.decision import Reason
from azext_lbplan.model.cluster import is_cluster
from azext_lbplan.model.observed import parse_observed
from azext_lbplan.options import Change, Options, Scale
from azext_lbplan.rules.cluster import findings
from azext_lbplan.views import layout, results, tables
from azext_lbplan.views.recommendation import recommend
from tests.azure import aks_rules, pool
from tests.azure.errors import ArmError
from tests.support.contract import conform
from tests.support.spread import SPREAD, snapshot_of

SAMPLES = Path(__file__).resolve().parents[3] / 'shared' / 'samples'
MANAGED_COUNT = '--load-balancer-managed-outbound-ip-count'
TABLES = {'show': tables.show_table, 'plan': tables.plan_table, 'recommend': tables.recommend_table}

#: What a user may type without asking for other IPs, and how big the cluster may become.
TYPED = [Change(), Change(outbound_ports=0), Change(outbound_ports=8), Change(outbound_ports=1024),
         Change(outbound_ports=64000), Change(idle_timeout_in_minutes=4), Change(backend_pool_type='nodeIP'),
         Change(outbound_ports=4000, idle_timeout_in_minutes=100)]
SCALES = [Scale(), Scale(node_count=0), Scale(max_count=1), Scale(max_count=60), Scale(max_count=10 ** 6),
          Scale(node_count=1001), Scale(max_surge='0'), Scale(max_surge='100%', kubernetes_version='1.32'),
          Scale(kubernetes_version='1.29')]


def decide(snapshot):
    """The three results, as `az` prints them."""
    observed = parse_observed(snapshot)
    return {'show': show(observed), **decide_observed(observed)}


def show(observed):
    """What `show` prints: nothing that is typed reaches it."""
    return conform('show', json.loads(json.dumps(results.show(decision.decide(observed)))))


def decide_observed(observed, change=Change(), scale=Scale(), consent=False):
    """What `plan` and `recommend` print."""
    plan, measured = (decision.decide(observed, Options(change, scale, consent, measure=measure))
                      for measure in (False, True))
    found = {'plan': results.plan(plan, findings(plan)), 'recommend': recommend(measured, findings(measured))}
    return {command: conform(command, json.loads(json.dumps(result))) for command, result in found.items()}


def assert_table(command, result):
    """As one result, and as one of several `--ids`: each cell a text, and no wider than the terminal."""
    for several in (False, True):
        rows = list(TABLES[command]([result, result] if several else result))
        columns = list(rows[0])
        assert all(list(row) == columns and all(isinstance(cell, str) for cell in row.values()) for row in rows)
        widths = [max(len(column), *(len(row[column]) for row in rows)) for column in columns]
        assert sum(widths) + 2 * (len(columns) - 1) <= layout.width()
        assert [row[columns[-2]] for row in rows if row[columns[-2]]][:3] == ['Verdict', 'Binds', 'Change']


@pytest.mark.parametrize('name', SPREAD)
def test_every_key_is_there_whatever_was_typed(arm, name):
    observed = parse_observed(snapshot_of(arm, SPREAD[name](arm)))
    own = bool(observed.cluster.profile.outbound_ips or observed.cluster.profile.outbound_ip_prefixes)
    shown = show(observed)
    assert_table('show', shown)
    assert not own or MANAGED_COUNT not in json.dumps(shown)
    for consent in (False, True):
        for change in TYPED:
            for scale in SCALES:
                for command, result in decide_observed(observed, change, scale, consent).items():
                    assert_table(command, result)
                    assert not own or MANAGED_COUNT not in json.dumps(result)
                    assert len(result.get('command') or '') < 100_000, 'longer than a shell takes'


@pytest.mark.skipif(not SAMPLES.is_dir(), reason='the recorded answers are not here')
def test_every_key_is_there_on_recorded_clusters():
    seen = 0
    for path in sorted(SAMPLES.glob('*/*.json')):
        for body in _clusters(json.loads(path.read_text(encoding='utf-8'))):
            seen += 1
            for snapshot in ({'schema': 1, 'managedCluster': body}, {'managedCluster': _with_nulls(body)}):
                observed = parse_observed(snapshot)
                assert_table('show', show(observed))
                for change in TYPED[:4]:
                    for command, result in decide_observed(observed, change, Scale(max_count=200)).items():
                        assert_table(command, result)
    assert seen >= 13


def _clusters(value):
    """Managed clusters anywhere in a recorded file."""
    if isinstance(value, dict) and is_cluster(value):
        yield value
    elif isinstance(value, (dict, list)):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _clusters(item)


def _with_nulls(value):
    """The same, with a null beside every key, as the CLI's own output has them."""
    if isinstance(value, list):
        return [_with_nulls(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {**{key: _with_nulls(item) for key, item in value.items()}, 'nothing': None, 'countIpv6Extra': None}


# what AKS says

def _draw(arm, chance):
    """A cluster of any kind that AKS can be asked about."""
    pools = [pool(f'p{index}', chance.randint(0, 30),
                  max_count=chance.choice([None, None, chance.randint(1, 60)]),
                  max_surge=chance.choice([None, None, '1', '7', '10%', '33%', '100%']),
                  mode='System' if index == 0 else 'User', priority=chance.choice([None, 'Spot']))
             for index in range(chance.randint(1, 4))] + [pool('last', chance.randint(1, 9))]
    number = chance.randint(1, 5)
    kind = chance.choice(['managed', 'dual', 'own', 'prefixes'])
    ips = [arm.add_public_ip(f'ip{index}', version='IPv6' if kind == 'own' and index == 1 else 'IPv4')
           for index in range(number)]
    blocks = [arm.add_public_ip_prefix(f'block{index}', chance.choice([28, 29, 30, 31])) for index in range(number)]
    profile = {'managed': {'managed': number}, 'dual': {'managed': number, 'managed_ipv6': 2, 'dual_stack': True},
               'own': {'outbound_ips': ips, 'dual_stack': True}, 'prefixes': {'outbound_ip_prefixes': blocks}}[kind]
    return arm.add_cluster(pools=pools, version=chance.choice(['1.26.6', '1.31.9', '1.32.0', '1.34.1']), **profile)


def accepted(arm, body):
    try:
        aks_rules.validate(body, None, arm.resources)
    except ArmError as error:
        assert error.body['subcode'] == 'InsufficientOutboundPorts'
        return False
    return True


@pytest.mark.parametrize('seed', range(4))
def test_fits_is_what_aks_answers_to_the_node(arm, seed):
    chance = random.Random(seed)
    for _ in range(40):
        arm.reset()
        cluster = _draw(arm, chance)
        body = arm.get(cluster)
        nodes = aks_rules.validated_nodes(body['properties'])
        profile = body['properties']['networkProfile']['loadBalancerProfile']
        most = min(64000, aks_rules.ipv4_addresses(profile, arm.resources) * 64000 // nodes // 8 * 8)
        for ports in {most, min(64000, most + 8)}:
            profile['allocatedOutboundPorts'] = ports
            for more in range(3):  # the last pool grows by a node at a time
                body['properties']['agentPoolProfiles'][-1]['count'] += bool(more)
                arm.put(body)
                result = decide(snapshot_of(arm, cluster))['plan']
                assert result['nodes']['validated'] == aks_rules.validated_nodes(body['properties'])
                assert result['current']['fits'] == accepted(arm, body)
            body['properties']['agentPoolProfiles'][-1]['count'] -= 2


@pytest.mark.parametrize('seed', range(4))
def test_aks_takes_what_is_proposed(arm, seed):
    """The proposed profile, as ARM users would deploy it, is never refused; nor are typed options that fit."""
    chance = random.Random(100 + seed)
    for _ in range(40):
        arm.reset()
        cluster = _draw(arm, chance)
        change = Change(outbound_ports=8 * chance.randint(0, 1500))
        decided = decision.decide(parse_observed(snapshot_of(arm, cluster)), Options(change))
        for address in decided.new_addresses:
            add = arm.add_public_ip if address.length is None else arm.add_public_ip_prefix
            assert add(address.id.name, **({} if address.length is None else {'length': address.length})) == address.id
        body = arm.get(cluster)
        for column, profile in ((decided.proposed, decided.profile),
                                (decided.requested, dict(body['properties']['networkProfile'][
                                    'loadBalancerProfile'], allocatedOutboundPorts=change.outbound_ports))):
            if decided.reason in (None, Reason.NOTHING_TO_DO):
                body['properties']['networkProfile']['loadBalancerProfile'] = profile
                assert column.fits == accepted(arm, body)


# what a shell makes of it

HOSTILE = ['a b', "it's", '$(touch pwned)', '`touch pwned`', '"; touch pwned; "', 'two\nlines', '*', '~', '\\', '%s{0}',
           "'$(touch pwned)'", '-x', '@x', '@-', 'ü\u202e', '$HOME', '|touch pwned', '#', '!!', 'a\tb']


@pytest.mark.parametrize('hostile', HOSTILE)
def test_a_shell_sees_one_argument_whatever_a_file_holds(arm, hostile, tmp_path):
    arm.add_cluster(outbound_ips=[arm.add_public_ip('ip1')], pools=[pool(count=9)], ports=12800)
    written = json.dumps(snapshot_of(arm, '/subscriptions/11111111-1111-1111-1111-111111111111/resourcegroups/rg1/'
                                          'providers/Microsoft.ContainerService/managedClusters/aks1'))
    for held in ('aks1', 'westeurope', '/rg1/', '11111111-1111-1111-1111-111111111111', 'ip1'):
        put = json.dumps(f'/{hostile}/' if held == '/rg1/' else hostile)[1:-1]
        result = decide(json.loads(written.replace(held, put)))['recommend']
        for command, table in decide(json.loads(written.replace(held, put))).items():
            assert_table(command, table)
        if not result['commands']:  # a name that Azure cannot have given
            assert result['noCommand']['reason'] in ('unknownCluster', 'addressUnusable', 'unknownPlace')
            continue
        script = 'az() { printf "%s\\0" az "$@"; }\n' + '\n'.join(result['commands'])
        done = subprocess.run(['bash', '-ec', script], cwd=tmp_path, capture_output=True, check=True)
        assert done.stdout.decode().split('\0')[-1 - len(result['flags']):-1] == result['flags']
        assert done.stderr == b'' and not list(tmp_path.iterdir())
