"""Files of every shape with the real `az`: what they hold, and what infrastructure code would make of a cluster."""
import json

import yaml

from tests.azure import pool
from tests.support.terraform import change, cluster, node_pool, plan
from tests.support.together import assert_refused, in_one_process

AKS = 'azurerm_kubernetes_cluster.this'
POOL = 'azurerm_kubernetes_cluster_node_pool.batch'


def write(az, **documents):
    for name, document in documents.items():
        (az.cwd / name).write_text(document if isinstance(document, str) else json.dumps(document))


def test_shapes_of_files_decide_alike_and_several_clusters_are_several_answers(arm, az):
    body = arm.get(arm.add_cluster('one', pools=[pool(count=3)], ports=1024))
    other = arm.get(arm.add_cluster('two', pools=[pool(count=3)], ports=8000))
    arm.reset()
    write(az, bare=body, yaml=yaml.safe_dump(body), noted=f'WARNING: preview\n{json.dumps(body)}', list=[body],
          value={'value': [body, other]})
    results = in_one_process(az, [f'plan --from-file {name}' for name in ('bare', 'yaml', 'noted', 'list')])
    assert {result.stdout for result in results} == {results[0].stdout} and results[0].json['cluster']['name'] == 'one'
    for command in ('show', 'plan', 'recommend', 'check', 'list'):
        both, table = in_one_process(az, [f'{command} --from-file value', f'{command} --from-file value -o table'])
        assert {(one.get('cluster') or one)['name'] for one in both.json} == {'one', 'two'}
        assert 'one' in table.stdout and 'two' in table.stdout
    piped = az('aks lb show --from-file -', input=json.dumps(body))
    assert piped.code == 0 and piped.json['cluster']['name'] == 'one'
    assert arm.requests == []


def test_a_pull_request_is_refused_by_the_name_of_the_pool_and_passes_once_there_is_room(arm, az):
    added = change(POOL, None, node_pool(most=20))
    write(az, bad=plan(change(AKS, cluster(ports=8000), cluster(ports=8000)), added),
          good=plan(change(AKS, cluster(ports=8000), cluster(ports=8000, ips=4)), added))
    bad, good = in_one_process(az, [f'plan --from-file {name} --fail-on error' for name in ('bad', 'good')])
    assert (bad.code, good.code) == (4, 0), str(good)
    assert 'batch' in json.dumps(bad.json['findings']) and bad.json['noCommand']['reason'] == 'managedByCode'
    assert bad.json['commands'] == [] and bad.json['current']['fits'] and bad.json['requested']['fits'] is False
    for command in ('show', 'check', 'recommend', 'list'):
        assert in_one_process(az, [f'{command} --from-file bad'])[0].code == 0
    assert arm.requests == []


def test_a_cluster_that_is_read_is_what_code_starts_from(arm, az):
    arm.add_cluster('aks1', 'rg1', pools=[pool('system', 3)], ports=1024)
    write(az, code=plan(change(AKS, None, cluster(ports=2048, name='aks1'))), bare=arm.get(
        arm.add_cluster('aks2', 'rg1')))
    done, wrong, bare, show, alone = in_one_process(az, [
        'plan --from-file code -g rg1 -n aks1 --save-to kept', 'plan --from-file code -g rg1 -n aks2',
        'plan --from-file bare -g rg1 -n aks2', 'show --from-file code -g rg1 -n aks1', 'plan --parameters a=b -c 3'])
    assert done.code == 0, str(done)
    assert (done.json['current']['outboundPorts'], done.json['requested']['outboundPorts']) == (1024, 2048)
    assert done.json['nodes']['backendPool'] == 3 and 'code' not in json.loads((az.cwd / 'kept').read_text())
    assert_refused(wrong, "describes aks1, and 0 clusters 'aks2'")
    assert_refused(bare, 'the file is no infrastructure code')
    assert_refused(show, 'A cluster and a file are both named')
    assert_refused(alone, '--parameters is about a template')


def test_a_template_takes_parameters_as_a_deployment_does(arm, az):
    kind = 'Microsoft.ContainerService/managedClusters'
    properties = {
        'agentPoolProfiles': [{'name': 'a', 'count': 1, 'enableAutoScaling': True, 'maxCount': "[parameters('most')]"}],
        'networkProfile': {'loadBalancerProfile': {'allocatedOutboundPorts': "[parameters('ports')]"}}}
    write(az, template={'$schema': 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#',
                        'parameters': {'ports': {'type': 'int'}, 'most': {'type': 'int'}},
                        'resources': [{'type': kind, 'name': 'aks1', 'properties': properties}]},
          values={'parameters': {'most': {'value': 100}}})
    lines = ['', '--parameters values', '--parameters values ports=800', '--parameters ports=8 --parameters @values']
    none, some, whole, typed = in_one_process(az, [f'plan --from-file template --fail-on warning {line}'
                                                   for line in lines])
    assert none.code == some.code == 4 and none.json['noCommand']['reason'] == 'unknownSettings'
    assert "'ports' has no value" in none.json['unverified'][0] and "'most'" not in some.json['unverified'][0]
    assert whole.json['requested']['fits'] is False and whole.json['requested']['outboundPorts'] == 800
    assert typed.code == 0 and typed.json['requested']['fits'] is True
