"""Snapshots with the real `az`: what was read live decides the same from a file; whatever else a file holds is told."""
import json
import os
import stat

import pytest

from azext_lbplan.inputs.allowed import reduced_part
from tests.azure import Status, pool
from tests.support.contract import conform
from tests.support.spread import SPREAD, snapshot_of
from tests.support.together import assert_refused, in_one_process

NAMED = '-g rg1 -n aks1'
CLUSTER = ('/subscriptions/11111111-1111-1111-1111-111111111111/resourcegroups/rg1/providers/'
           'Microsoft.ContainerService/managedClusters/aks1')


def write(az, name, content):
    """A file in the folder that `az` runs in."""
    path = az.cwd / name
    path.write_bytes(content if isinstance(content, bytes) else
                     (content if isinstance(content, str) else json.dumps(content)).encode())
    return name


def test_a_snapshot_decides_byte_for_byte_as_live(arm, az, tmp_path):
    """And it is made by reads alone, for its owner alone, and needs no login, no network and no cluster afterwards."""
    clusters = {name: SPREAD[name](arm) for name in ('managed', 'own-ips', 'prefixes', 'dual-stack', 'basic',
                                                     'elsewhere')}
    arm.fault('publicIPAddresses/own-ips-ip1$', Status(403, action='Microsoft.Network/publicIPAddresses/read'))
    lines = (('plan --max-count 300 --ids {0} --save-to {1}', 'plan --max-count 300 --from-file {1}'),
             ('show -o yaml --ids {0}', 'show -o yaml --from-file {1}'),
             ('plan -o tsv --ids {0}', 'plan -o tsv --from-file {1}'),
             ('recommend --ids {0} --save-to {1}.r', 'recommend --from-file {1}.r'))
    commands, again = ([line[kind].format(cluster, tmp_path / name) for name, cluster in clusters.items()
                        for line in lines] for kind in (0, 1))
    live = in_one_process(az, commands)
    assert {record.method for record in arm.seen()} == {'GET'}
    assert sorted(os.listdir(tmp_path)) == sorted([*clusters, *(f'{name}.r' for name in clusters)]), 'nothing else'
    for name, cluster in clusters.items():
        written = (tmp_path / name).read_text()
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600 and arm.token not in written
        assert (json.loads(written)['schema'], json.loads(written)['managedCluster']) == (
            2, reduced_part('managedCluster', arm.get(cluster)))
    arm.reset()
    for before, after in zip(live, in_one_process(az, again)):
        assert before.code == 0 and before.stdout and (after.code, after.stdout) == (0, before.stdout), str(after)
    assert arm.requests == [], 'a file needs no login and no network'


def test_a_snapshot_holds_no_secret(arm, az, tmp_path):
    """And an anonymous one no name either, but the same numbers and findings."""
    cluster = arm.add_cluster('shop-prod', 'shop', pools=[pool('frontdoor', 60)], ports=2048, servicePrincipalProfile={
        'clientId': 'x', 'secret': 'hunter1'}, windowsProfile={'adminUsername': 'hunter2', 'adminPassword': 'hunter3'},
        addonProfiles={'omsagent': {'enabled': True, 'config': {'workspaceKey': 'hunter4'}}},
        httpProxyConfig={'httpsProxy': 'http://me:hunter5@proxy', 'trustedCa': 'hunter6'})
    arm.resources[cluster.lower()]['tags'] = {'hunter7': 'hunter8'}
    files = [tmp_path / name for name in ('own.json', 'public.json')]
    live = in_one_process(az, [f'plan --ids {cluster} --save-to {files[0]}',
                               f'plan --ids {cluster} --save-to {files[1]} --anonymize'])
    again = in_one_process(az, [f'plan --from-file {file}' for file in files])
    assert [one.code for one in (*live, *again)] == [0] * 4
    assert live[0].stdout == live[1].stdout == again[0].stdout, 'what is printed is never anonymous'
    assert 'hunter' not in files[0].read_text() and stat.S_IMODE(files[1].stat().st_mode) == 0o600
    for word in ('shop', 'frontdoor', '11111111'):
        assert word in live[0].stdout and word not in files[1].read_text() + again[1].stdout
    own, public = live[0].json, again[1].json
    assert public['proposed'] == own['proposed'] and public['flags'] == own['flags'] and [
        (one['code'], one['severity']) for one in public['findings']] == [
            (one['code'], one['severity']) for one in own['findings']]


def test_a_failed_read_is_in_the_snapshot_and_in_its_decision(arm, az, tmp_path):
    cluster = arm.add_cluster(ports=30000)
    arm.fault('loadBalancers/kubernetes', Status(403, action='Microsoft.Network/loadBalancers/read'))
    live = az(f'aks lb plan --ids {cluster} --save-to {tmp_path}/s.json', check=True).json
    finding, = [one for one in live['findings'] if one['code'] == 'LoadBalancerNotReadable']
    assert 'Microsoft.Network/loadBalancers/read' in finding['remediation'] and live['nodes']['backendPool'] is None
    error, = [one for one in json.loads((tmp_path / 's.json').read_text())['errors']
              if one['resourceId'].endswith('loadBalancers/kubernetes')]
    assert (error['status'], error['code']) == (403, 'AuthorizationFailed')
    assert az(f'aks lb plan --from-file {tmp_path}/s.json', check=True).json == live


def test_an_offset_beside_a_file_is_told_to_be_passed_over(arm, az):
    write(az, 'cluster.json', snapshot_of(arm, SPREAD['managed'](arm)))
    typed, plain = (az(f'aks lb recommend --from-file cluster.json{offset}') for offset in (' --offset 7d', ''))
    assert typed.code == 0 and typed.stdout == plain.stdout
    assert '--offset is passed over' in typed.stderr and '--offset' not in plain.stderr


def test_the_output_of_az_aks_show_is_a_file(arm, az):
    """Flattened and spelt differently, it gives the counts and the settings that the raw body gives."""
    names = ['managed', 'own-ips', 'prefixes', 'dual-stack', 'machines', 'basic', 'nat']
    for name in names:
        SPREAD[name](arm)
    for name, shown in zip(names, in_one_process(az, [f'aks show -g rg1 -n {name} -o json' for name in names])):
        write(az, f'{name}.json', shown.stdout)
    results = in_one_process(az, [f'plan {source}' for name in names
                                  for source in (f'-g rg1 -n {name}', f'--from-file {name}.json')])
    for name, live, result in zip(names, results[::2], results[1::2]):
        live, result = live.json, conform('plan', result.json)
        assert result['cluster'] == live['cluster'] and result['nodes']['pools'] == live['nodes']['pools']
        for key in ('outboundType', 'loadBalancerSku', 'ipSource', 'outboundIps', 'outboundIpPrefixes',
                    'outboundPorts', 'managedOutboundIpCount', 'managedOutboundIpv6Count', 'idleTimeoutInMinutes',
                    'requiredPorts', 'backendPoolType'):
            assert result['current'][key] == live['current'][key], (name, key)
        if name == 'prefixes':  # how long they are stands on the prefixes alone
            assert result['current']['fits'] is None and result['command'] is None
            assert 'OutboundIpsUnknown' in [one['code'] for one in result['findings']]
        else:
            assert result['current']['fits'] == live['current']['fits'] and (
                result['proposed'] is None or result['proposed']['fits'] == live['proposed']['fits'])


def test_a_snapshot_is_never_written_over_what_is_there(arm, az, tmp_path):
    arm.add_cluster()
    there = tmp_path / 'there.json'
    there.write_text('mine')
    os.mkfifo(tmp_path / 'fifo')
    plan = f'plan {NAMED} -o none --save-to'
    refused = in_one_process(az, [f'{plan} {there}', f'{plan} {tmp_path}/nowhere/x.json', f'{plan} {tmp_path}',
                                  f'{plan} {tmp_path} --overwrite-existing', f'{plan} {there}/x.json',
                                  f'{plan} {tmp_path}/fifo --overwrite-existing',
                                  f'{plan} /dev/null --overwrite-existing'])
    for result, words in zip(refused, ["exists. Choose another file, or add '--overwrite-existing'.", 'is no place',
                                       'is a folder', 'is a folder', 'is no place', 'is no place', 'is no place']):
        result.stderr = result.stderr.replace("exists.\n", 'exists. ')
        assert_refused(result, words)
    assert there.read_text() == 'mine' and arm.seen() == [], 'refused before anything is read'
    there.chmod(0o644)
    assert in_one_process(az, [f'{plan} {there} --overwrite-existing'])[0].code == 0
    assert json.loads(there.read_text())['schema'] == 2 and stat.S_IMODE(there.stat().st_mode) == 0o600
    assert sorted(os.listdir(tmp_path)) == ['fifo', 'there.json']


def test_a_cluster_that_cannot_be_read_leaves_no_file(arm, az, tmp_path):
    arm.add_resource_group()
    assert_refused(az(f'aks lb show {NAMED} --save-to {tmp_path}/x.json'), 'could not be read', code=3)
    assert os.listdir(tmp_path) == []


BAD_FILES = {
    'empty': (b'', 'is empty'),
    'blank': (b' \n\t', 'is empty'),
    'text': (b'managed cluster', 'is no JSON'),
    'html': (b'<!DOCTYPE html>', 'is no JSON'),
    'half': (b'{"schema": 1, "managedCluster": {"id": "/subs', 'is no JSON'),
    'two': (b'{} {}', 'is no JSON'),
    'binary': (b'\x00\xff\xfe\x80', 'is no text in UTF-8'),
    'utf16': ('{"schema": 1}'.encode('utf-16-le'), 'is no JSON'),
    'half-utf16': ('{"schema": 1}'.encode('utf-16')[:-1], 'is no text in UTF-8, nor in UTF-16 with its mark'),
    'deep': (b'[' * 200_000, 'is no JSON'),
    'deeper': (b'{"managedCluster":' * 100_000, 'is no JSON'),
    'digits': (b'{"schema": 1' + b'0' * 10_000 + b'}', 'holds a number of 10001 characters'),
    'fewer': (b'{"schema": 1' + b'0' * 399 + b'}', 'holds a number of 400 characters'),
    'infinite': (b'{"schema": 1, "a": 1e999}', 'holds the number 1e999, which is out of range'),
    'infinity': (b'{"schema": Infinity}', 'is no JSON: it holds Infinity'),
    'nan': (b'{"schema": 1, "managedCluster": [NaN]}', 'is no JSON: it holds NaN'),
    'null': (b'null', 'neither a snapshot nor a managed cluster'),
    'number': (b'1', 'neither a snapshot nor a managed cluster'),
    'list': (b'[{"id": "x"}]', 'neither a snapshot nor a managed cluster'),
    'object': (b'{}', 'neither a snapshot nor a managed cluster'),
    'error': (b'{"error": {"code": "ResourceNotFound"}}', 'neither a snapshot nor a managed cluster'),
    'pool': (json.dumps({'id': f'{CLUSTER}/agentPools/one', 'name': 'one', 'count': 3, 'mode': 'System', 'type':
                         'Microsoft.ContainerService/managedClusters/agentPools'}).encode(),
             'neither a snapshot nor a managed cluster'),
    'balancer': (b'{"type": "Microsoft.Network/loadBalancers", "frontendIPConfigurations": []}',
                 'neither a snapshot nor a managed cluster'),
    'schema-3': (b'{"schema": 3, "managedCluster": {"agentPoolProfiles": [], "networkProfile": {}}}', 'schema 3'),
    'schema-text': (b'{"schema": "one", "managedCluster": {}}', 'schema "one"'),
    'schema-true': (b'{"schema": true, "managedCluster": {"agentPoolProfiles": [], "networkProfile": {}}}',
                    'schema true'),
    'no-schema': (b'{"managedCluster": {"agentPoolProfiles": [], "networkProfile": {}}}', 'schema null'),
    'no-cluster': (b'{"schema": 1, "managedCluster": null}', 'without a managed cluster'),
    'pool-inside': (json.dumps({'schema': 1, 'managedCluster': {'id': f'{CLUSTER}/agentPools/one'}}).encode(),
                    'without a managed cluster'),
}


def test_a_file_that_holds_no_cluster_is_told_in_one_line(arm, az):
    for name, (content, _) in BAD_FILES.items():
        write(az, f'bad-{name}', content)
    commands = [f'{("show", "plan", "recommend")[index % 3]} --from-file bad-{name}'
                for index, name in enumerate(BAD_FILES)]
    for result, (_, words) in zip(in_one_process(az, commands), BAD_FILES.values()):
        assert_refused(result, words)
    assert arm.requests == []


def test_what_is_no_file_is_told_and_not_waited_for_long(arm, az, tmp_path):
    os.mkfifo(tmp_path / 'fifo')
    os.symlink('nowhere', tmp_path / 'dangling')
    for result, words in zip(in_one_process(az, [
            'show --from-file missing.json', f'plan --from-file {tmp_path}', f'plan --from-file {tmp_path}/fifo',
            'plan --from-file /dev/zero', 'check --from-file /dev/random', f'recommend --from-file {tmp_path}/dangling',
            f'show --from-file {tmp_path}/{"x" * 300}', 'plan --from-file missing.json --node-count 3']),
            ['No such file', 'no regular file but a folder', 'is a pipe that nobody has written to within 10 seconds',
             'no regular file but a device', 'no regular file but a device', 'No such file', 'too long',
             'No such file']):
        result.stderr = result.stderr.replace(f"WARNING: Waiting for '{tmp_path}/fifo' ...\n", '')
        assert_refused(result, words)


@pytest.mark.skipif(not os.access('/proc/kmsg', os.R_OK), reason='needs a log of the kernel, and to be its reader')
def test_a_file_without_an_end_is_told(az):
    """It passes for a regular file of no size."""
    result = az('aks lb show --from-file /proc/kmsg', timeout=30)
    assert_refused(result, "'/proc/kmsg' ")
    checked = az('aks lb check-service -f /proc/kmsg --fail-on error', timeout=30)
    assert checked.code == 4 and checked.json[0]['findings'][0]['code'] == 'ManifestNotReadable'


def test_standard_input_and_pipes_are_files(arm, az, tmp_path):
    """As `-` and as the system's name of it; of a pipe, a file, and a process."""
    cluster = arm.add_cluster(ports=1024)
    name = write(az, 'input.json', snapshot_of(arm, cluster))
    shown = az(f'aks lb show --from-file {name}', check=True).json
    read = 'az aks lb show --from-file'
    late = f'mkfifo g; {read} - < g 2> told & exec 3> g; until grep -q Waiting told; do sleep 0.1; done; ' \
           f'cat {name} >&3; exec 3>&-; wait; cat told >&2'
    for script in (f'cat {name} | {read} -', f'{read} - < {name}', f'cat {name} | {read} /dev/stdin',
                   f'{read} /dev/stdin < {name}', f'{read} <(cat {name})',
                   f'mkfifo f; cat {name} > f & sleep 0.1; {read} f', late):
        result = az.shell(script, check=True)
        assert result.json == shown, script
        assert ('Waiting for standard input' in result.stderr) == (script == late)
    for script, words in (('az aks lb show --from-file - < /dev/null', 'Standard input is empty'),
                          ('az aks lb show --from-file - <&-', 'Standard input is closed'),
                          ('echo x | az aks lb list --from-file -', 'Standard input is no JSON')):
        assert_refused(az.shell(f'{script} || true'), words, code=0)
    assert_refused(az('aks lb check-service -f - --from-file /dev/stdin'), 'both name standard input')


def _odd(arm):
    """A snapshot with every value of an odd type, and numbers that are none."""
    snapshot = snapshot_of(arm, arm.add_cluster(pools=[pool(), pool('b', 2)], ports=1024))
    text = json.dumps(snapshot)
    for old, new in (('"maxPods": 110', '"maxPods": []'),
                     ('"idleTimeoutInMinutes": 30', '"idleTimeoutInMinutes": [8]'),
                     ('"name": "b"', '"name": "\\ud800"'), ('"location": "westeurope"', '"location": 7')):
        text = text.replace(old, new)
    return text


def test_odd_values_in_a_file_are_no_reason_to_fall(arm, az):
    """Unknown is null; what decides and cannot be read is named; nothing is a traceback."""
    written = write(az, 'odd.json', _odd(arm))
    hollow = write(az, 'hollow.json', {'schema': 1, 'managedCluster': {
        'id': CLUSTER, 'name': None, 'properties': {'agentPoolProfiles': 'x', 'networkProfile': [], 'powerState': 5}},
        'loadBalancer': [], 'publicIpAddresses': {'id': 1}, 'publicIpPrefixes': 5, 'errors': [None, 3], 'lists': 'x',
        'metrics': [1, {'query': None, 'response': []}], 'future': True})
    huge = write(az, 'huge.json', json.dumps(snapshot_of(arm, arm.add_cluster('huge', ports=64000))).replace(
        '"count": 3', f'"count": {10 ** 9}'))
    uncounted = write(az, 'uncounted.json', _odd(arm).replace('"count": 3', '"count": "many"'))
    for result, words in zip(in_one_process(az, [f'{command} --from-file {name}' for command in ('show', 'plan')
                                                 for name in (hollow, uncounted)]),
                             2 * ['networkProfile, agentPoolProfiles', 'agentPoolProfiles[0].count']):
        assert_refused(result, 'holds a managed cluster without a readable ', words)
    commands = [f'{command} --from-file {name} {output}' for name in (written, huge)
                for command in ('show', 'plan', 'recommend') for output in ('-o json', '-o table')]
    for result in in_one_process(az, commands):
        assert result.code == 0 and 'Traceback' not in result.stderr, str(result)
        if result.argv[-1] == 'json':
            conform(result.argv[2], result.json)
            assert result.json['cluster']['id'].startswith('/subscriptions/')


def test_a_utf8_mark_and_unknown_keys_are_passed_over(arm, az):
    snapshot = dict(snapshot_of(arm, arm.add_cluster(ports=1024)), comment='mine', later={'a': 1})
    name = write(az, 'mark.json', b'\xef\xbb\xbf' + json.dumps(snapshot).encode())
    assert az(f'aks lb plan --from-file {name} --query current.outboundPorts', check=True).json == 1024


def test_a_default_group_does_no_harm(arm, az):
    """`defaults.group` names no cluster, neither beside a file nor in a plan without one; with a name it counts."""
    arm.add_cluster(ports=1024)
    name = write(az, 'default.json', snapshot_of(arm, CLUSTER))
    results = in_one_process(az, [
        f'plan --from-file {name} --query cluster.name', 'plan --node-count 3 --query cluster',
        'show -n aks1 --query cluster.resourceGroup', 'plan', f'plan --ids {CLUSTER} --query cluster.name'],
                             AZURE_DEFAULTS_GROUP='rg1')
    assert [result.code for result in results] == [0, 0, 0, 1, 0], [str(result) for result in results]
    assert [result.stdout.strip() for result in results] == ['"aks1"', '', '"rg1"', '', '"aks1"']
    assert_refused(results[3], 'No cluster is named.')


def test_a_name_alone_picks_a_cluster_of_a_file(arm, az):
    """Without a resource group, which names a cluster of Azure; one that the CLI fills in does not count."""
    bodies = [arm.get(arm.add_cluster(name, group)) for name, group in (('one', 'rg1'), ('two', 'rg1'), ('two', 'rg2'))]
    write(az, 'fleet', bodies)
    arm.requests.clear()
    one, default, both, lost, odd, live = in_one_process(az, [
        'plan --from-file fleet -n ONE', 'show --from-file fleet -n one', 'check --from-file fleet --name two',
        'recommend --from-file fleet -n three', 'show --from-file fleet -n a/b',
        'show --from-file fleet -g rg1 -n one'])
    assert one.json['cluster']['name'] == 'one' and default.json['cluster']['resourceGroup'] == 'rg1'
    assert [result['cluster']['resourceGroup'] for result in both.json] == ['rg1', 'rg2']
    assert_refused(lost, "'fleet' holds one, two, and no cluster 'three'", 'leave --name out')
    assert_refused(odd, "-n: 'a/b' is no name of a managed cluster")
    assert_refused(live, 'A cluster and a file are both named.', '--name without a resource group')
    assert az('aks lb plan --from-file fleet -n one --query cluster.name', env={'AZURE_DEFAULTS_GROUP': 'rg9'},
              check=True).json == 'one'
    assert arm.requests == []
