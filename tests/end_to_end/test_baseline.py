"""`--baseline`: only what is new or worse counts, what was mended is listed, and a gate never passes by accident."""
import json

from tests.azure import pool
from tests.support.schemas import junit_problems, sarif_problems
from tests.support.terraform import change, cluster, node_pool, plan
from tests.support.together import assert_refused, in_one_process

AKS = 'azurerm_kubernetes_cluster.this'
POOL = 'azurerm_kubernetes_cluster_node_pool.batch'
BAD = '''\
{kind: Service, apiVersion: v1, metadata: {name: %s, annotations: {
  service.beta.kubernetes.io/azure-loadbalancer-internal: "true"}}, spec: {type: LoadBalancer, ports: [{port: 80}]}}
'''


def states(result):
    return {finding['code']: finding['baseline'] for finding in result.json['findings']}


def states_of_rows(result):
    return {finding['code']: finding['baseline'] for row in result.json for finding in row['findings']}


def code(most, ports=8000, name='aks1', **more):
    return plan(change(AKS.replace('this', name), cluster(ports=ports), {
        **cluster(ports=ports, **more), 'name': name, 'id': name}),
                change(POOL, None, node_pool(most=most, owner=name)))


def test_what_was_there_passes_what_is_worse_does_not(arm, az):
    for name, document in {'main': code(20), 'same': code(20), 'worse': code(40), 'better': code(10), 'good': code(2),
                           'other': code(20, name='other')}.items():
        (az.cwd / f'{name}.json').write_text(json.dumps(document))
    (az.cwd / 'result.json').write_text(in_one_process(az, ['plan --from-file main.json'])[0].stdout)
    ask = 'plan --fail-on error --baseline {} --from-file {}.json'
    for baseline in ('main.json', 'result.json'):
        same, worse, better, good, other = in_one_process(az, [
            ask.format(baseline, name) for name in ('same', 'worse', 'better', 'good', 'other')])
        assert (same.code, worse.code, better.code, good.code, other.code) == (0, 4, 0, 0, 4), [
            str(one) for one in (same, worse, better, good, other)]
        assert set(states(same).values()) == {'known'} and same.json['mended'] == []
        assert states(worse)['PortsOvercommittedAtMaximum'] == 'worse'
        assert 'PortsOvercommittedAtMaximum' in {one['code'] for one in good.json['mended']}
        assert set(states(other).values()) == {'new'}
        assert 'The baseline does not hold other: whatever is found is new.' in other.stderr
    table, without = in_one_process(az, [ask.format('result.json', 'good') + ' -o table', 'plan --from-file same.json'])
    assert 'Since the baseline: ' in table.stderr and 'mended: PortsOvercommittedAtMaximum' in table.stderr
    assert set(states(without).values()) == {None} and without.json['mended'] is None
    assert arm.requests == []


def test_a_snapshot_is_asked_again_by_the_same_rules(arm, az):
    made = arm.add_cluster(pools=[pool('system', 3)], ports=32000)
    az('aks lb show -g rg1 -n aks1 --save-to then.json', check=True)
    known, only = in_one_process(az, [f'check -g rg1 -n aks1 --baseline then.json --fail-on error {more}'
                                      for more in ('', '--rules TierDrop')])
    assert known.code == 0 and states(known)['PortsOvercommittedNow'] == 'known', str(known)
    assert only.code == 0 and only.json['mended'] == [], 'what is not looked at is not mended'
    arm.reset()
    arm.add_cluster(pools=[pool('system', 40)], ports=32000)
    (worse,) = in_one_process(az, ['check -g rg1 -n aks1 --baseline then.json --fail-on error'])
    assert worse.code == 4 and states(worse)['PortsOvercommittedNow'] == 'worse' and made, str(worse)


def test_what_is_typed_is_new_since_a_snapshot(arm, az):
    arm.add_cluster(pools=[pool('system', 3)], ports=8000)
    az('aks lb show -g rg1 -n aks1 --save-to typed.json', check=True)
    asked = 'plan --from-file typed.json --managed-ip-count 1 --baseline typed.json --fail-on error --outbound-ports'
    refused, fits = in_one_process(az, [f'{asked} {ports}' for ports in (40000, 4000)])
    assert refused.code == 4 and states(refused)['RequestedRefused'] == 'new', str(refused)
    assert fits.code == 0, str(fits)


def test_services_are_known_by_their_names_in_their_files(arm, az):
    for name in ('one', 'two'):
        (az.cwd / f'{name}.yaml').write_text(BAD % name)
    before, = in_one_process(az, ['check-service -f one.yaml two.yaml'])
    (az.cwd / 'before.json').write_text(before.stdout)
    ask = 'check-service --fail-on error --baseline before.json -f one.yaml '
    same, part = in_one_process(az, [f'{ask} two.yaml', ask])
    assert same.code == part.code == 0
    assert {one['baseline'] for row in same.json for one in row['findings']} == {'known'}
    assert 'two' not in {row['name'] for row in part.json}, 'what is not read is not mended'
    (az.cwd / 'two.yaml').write_text(BAD % 'three')
    new, *reports = in_one_process(az, [f'{ask} two.yaml', *(f'{ask} two.yaml --report r.{ending}'
                                                             for ending in ('md', 'xml', 'sarif'))])
    assert new.code == 4 and all(one.code == 4 for one in reports)
    rows = {row['name']: row for row in new.json}
    assert {one['baseline'] for one in rows['three']['findings']} == {'new'}
    assert rows['two']['findings'] == [] and rows['two']['mended'][0]['code'] == 'UnknownAnnotation'
    markdown, junit, sarif = ((az.cwd / f'r.{ending}').read_text() for ending in ('md', 'xml', 'sarif'))
    assert '- **error, new** UnknownAnnotation three' in markdown and 'Mended since the baseline: ' in markdown
    assert junit.count('<failure') == 1 and junit_problems(junit) == []
    log = json.loads(sarif)
    assert sarif_problems(log) == []
    assert {one['baselineState'] for one in log['runs'][0]['results']} == {'new', 'unchanged', 'updated'} - {'updated'}


def test_what_is_no_baseline_is_refused(arm, az):
    (az.cwd / 'plan.json').write_text(json.dumps(code(20)))
    plan_result, check_result = in_one_process(az, ['plan --from-file plan.json', 'check --from-file plan.json'])
    for name, text in (('planned', plan_result.stdout), ('checked', check_result.stdout), ('empty', '[]'),
                       ('words', 'a: b')):
        (az.cwd / name).write_text(text)
    ask = '--from-file plan.json --baseline'
    refusals = [(f'check {ask} planned', "'planned' is no result of check", "'az aks lb check ... -o json'"),
                (f'plan {ask} checked', 'is no result of plan'), (f'plan {ask} empty', 'it is an empty list'),
                (f'plan {ask} words', 'holds neither a snapshot nor a managed cluster'),
                (f'check {ask} nowhere', 'cannot be read'), (f'plan {ask} -', '--baseline takes a file'),
                (f'plan {ask} planned --max-count 20,30', 'exclude each other'),
                ('check-service -f plan.json --baseline planned', 'is no result of check-service')]
    for result, (_, *words) in zip(in_one_process(az, [line for line, *_ in refusals]), refusals):
        assert_refused(result, *words)
    nothing, = in_one_process(az, ['check-service -f empty -o json'])
    (az.cwd / 'nothing').write_text(nothing.stdout)
    (again,) = in_one_process(az, ['check-service -f empty --baseline nothing --fail-on error'])
    assert again.code == 4 and states_of_rows(again) == {'NoManifests': 'new'}, 'no gate passes by what was not read'
