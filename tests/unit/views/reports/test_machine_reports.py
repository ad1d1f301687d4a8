"""SARIF and JUnit: valid by the schemas of others, the same bytes every time, and each finding in its place."""
import json
from functools import lru_cache
from xml.etree import ElementTree

import pytest

from azext_lbplan import _printed
from azext_lbplan.decision import decide
from azext_lbplan.inputs.manifests import ManifestFile
from azext_lbplan.inputs.notation import parse_documents
from azext_lbplan.inputs.shapes import recognise
from azext_lbplan.options import Options
from azext_lbplan.readers.json_file import LARGEST_FILE
from azext_lbplan.rules.cluster import RULES, check, codes_of, findings
from azext_lbplan.rules.service import RULES as SERVICE_RULES
from azext_lbplan.rules.service import check_manifests
from azext_lbplan.views import reports, results, services
from azext_lbplan.views.reports.entries import entries
from azext_lbplan.views.reports.sarif import uri_of
from tests.support.hostile import NAMES
from tests.support.reports import answered, fleet_of, sample
from tests.support.schemas import junit_problems, sarif_problems
from tests.support.terraform import change, cluster, node_pool, plan
from tests.unit.inputs.code.test_arm_template import cluster as arm_cluster, template
from tests.unit.inputs.code.test_manifests_of_clusters import ASO, CAPZ

AKS = 'azurerm_kubernetes_cluster.this'
SERVICE = '''\
apiVersion: v1
kind: Service
metadata:
  name: orders
  annotations:
    service.beta.kubernetes.io/azure-loadbalancer-internal: "true"
    service.beta.kubernetes.io/azure-load-balancer-tcp-idle-timeout: "1"
spec: {type: LoadBalancer, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: calm}
spec: {type: LoadBalancer, externalTrafficPolicy: Local, ports: [{port: 80, appProtocol: tcp}]}
'''


def of_code(command, written, source='input', **more):
    """The answers on a document of code, or on text of YAML."""
    documents = [written] if isinstance(written, dict) else parse_documents(written.encode(), LARGEST_FILE, '')
    answers = []
    for found in recognise(documents):
        decision = decide(found.observed(), Options(measure=command == 'check'))
        result = (results.check(decision, check(decision)) if command == 'check' else
                  results.plan(decision, findings(decision)))
        answers.append(reports.Answer(command, _printed.value(result), decision, source,
                                      rules=codes_of(None, ()) if command == 'check' else (), **more))
    return answers


@lru_cache(maxsize=None)
def measured(command, name):
    return answered(command, sample(name))


def of_manifests(written=SERVICE, name='deploy/orders.yaml', **more):
    checked = check_manifests([ManifestFile(name, written.encode(), None)])
    return [reports.Answer('check-service', _printed.value(services.check_service(checked)), **more)]


def refused(name='batch', **more):
    """A change that adds a pool for which the ports do not suffice."""
    return plan(change(AKS, cluster(ports=8000), cluster(ports=8000)),
                change('azurerm_kubernetes_cluster_node_pool.batch', None, node_pool(name, most=20)), **more)


def two():
    return plan(*(change(f'azurerm_kubernetes_cluster.{name}', None, {**cluster(ports=32000, name=name), 'id': name})
                  for name in ('east', 'west')))


ALL = {
    **{f'{command} {name}': lambda command=command, name=name: [measured(command, name)]
       for command, name in (('plan', 'calm'), ('recommend', 'saturated'), ('check', 'saturated'), ('check', 'nat'))},
    'list': lambda: [fleet_of(('automatic', 'nat'))], 'plan code': lambda: of_code('plan', refused()),
    'check code': lambda: of_code('check', refused()), 'aso': lambda: of_code('plan', ASO),
    'capz': lambda: of_code('check', CAPZ), 'check-service': of_manifests, 'several': lambda: of_code('plan', two()),
    'nothing': lambda: of_manifests('kind: ConfigMap\n'),
}


def sarif(answers):
    log = json.loads(reports.KINDS['.sarif'].render(answers))
    assert sarif_problems(log) == []
    return log['runs'][0]


def junit(answers):
    written = reports.KINDS['.xml'].render(answers)
    assert junit_problems(written) == []
    return ElementTree.fromstring(written)


@pytest.mark.parametrize('name', ALL)
def test_reports_are_valid_and_always_the_same(name):
    for ending in ('.sarif', '.xml', '.md'):
        assert reports.KINDS[ending].render(ALL[name]()) == reports.KINDS[ending].render(ALL[name]())
    run, suites, answers = sarif(ALL[name]()), junit(ALL[name]()), ALL[name]()
    found = [entry for answer in answers for entry in entries(answer)]
    assert [result['ruleId'] for result in run['results']] == [entry.code for entry in found]
    rules = run['tool']['driver']['rules']
    for result in run['results']:
        assert rules[result['ruleIndex']]['id'] == result['ruleId']
    cases = list(suites.iter('testcase'))
    assert len(cases) == int(suites.get('tests')) == sum(int(one.get('tests')) for one in suites)
    assert len(suites.findall('.//failure')) == int(suites.get('failures')) == sum(
        entry.severity == 'error' for entry in found)


@pytest.mark.parametrize('spoil', [
    lambda log: log.pop('version'), lambda log: log.update(version='2.0.0'), lambda log: log.update(more=1),
    lambda log: log['runs'][0]['tool'].pop('driver'), lambda log: log['runs'][0]['results'][0].update(level='bad'),
    lambda log: log['runs'][0]['results'][0].update(ruleIndex=-2),
    lambda log: log['runs'][0]['results'][0].update(ruleIndex=True),
    lambda log: log['runs'][0]['results'][0].pop('message'),
    lambda log: log['runs'][0]['results'][0]['message'].pop('text'),
    lambda log: log['runs'][0]['results'][0]['locations'].append(
        dict(log['runs'][0]['results'][0]['locations'][0], x=1)),
    lambda log: log['runs'][0]['results'][0]['locations'][0]['physicalLocation']['artifactLocation'].update(uri='a b'),
    lambda log: log['runs'][0]['results'][0]['locations'][0]['physicalLocation'].update(region={'startLine': 0}),
    lambda log: log['runs'][0]['tool']['driver']['rules'].append(log['runs'][0]['tool']['driver']['rules'][0]),
    lambda log: log['runs'][0]['results'][0].update(partialFingerprints={'a': 1}),
])
def test_the_schema_of_sarif_refuses_what_is_wrong(spoil):
    log = json.loads(reports.KINDS['.sarif'].render(of_code('plan', refused())))
    spoil(log)
    assert sarif_problems(log)


@pytest.mark.parametrize('old, new', [
    (' failures="1"', ' failures="1" more="1"'), ('<testcase', '<case'), ('</testcase>', 'x</testcase>'),
    (' tests="', ' test="'), ('<failure type', '<failure sort'), ('<failure', '<system-err/><failed'),
    ('<testsuite name', '<testsuite time="soon" name')])
def test_the_schema_of_junit_refuses_what_is_wrong(old, new):
    written = reports.KINDS['.xml'].render(of_code('plan', refused()))
    spoiled = written.replace(old, new)
    for tag in ('case', 'failed'):
        spoiled = spoiled.replace('</testcase>', f'</{tag}>') if f'<{tag} ' in spoiled and tag == 'case' else spoiled
    assert spoiled != written and junit_problems(spoiled)


def test_rules_are_those_of_the_registry():
    rules = {rule['id']: rule for rule in sarif(of_code('check', refused()))['tool']['driver']['rules']}
    ours = {rule.code: rule for rule in RULES if 'check' in rule.commands}
    assert set(rules) == set(ours)
    for code, rule in ours.items():
        assert rules[code]['shortDescription']['text'] == rule.title
        assert rules[code]['fullDescription']['text'] == rule.why
        assert rules[code]['defaultConfiguration']['level'] == {'info': 'note'}.get(rule.severity, rule.severity)
        assert rules[code].get('helpUri') == rule.link and rule.source in rules[code]['help']['text']
    assert {rule['id'] for rule in sarif(of_manifests())['tool']['driver']['rules']} == {
        rule.code for rule in SERVICE_RULES}


def test_skipped_rules_are_told_of_and_never_pass():
    (answer,) = of_code('check', refused())
    skipped = {rule['code'] for rule in answer.result['skipped']}
    told = sarif([answer])['invocations'][0]['toolExecutionNotifications']
    assert skipped and {one['associatedRule']['id'] for one in told} == skipped
    suites = junit([answer])
    found = {finding['code'] for finding in answer.result['findings']}
    assert {case.get('name') for case in suites.iter('testcase') if case.find('skipped') is not None} == skipped - found
    passed = {case.get('name') for case in suites.iter('testcase') if len(case) == 0}
    assert passed == set(codes_of(None, ())) - skipped - found and passed
    only = junit([answer._replace(rules=('TierDrop',))])
    assert {case.get('name') for case in only.iter('testcase')} == {'verdict', 'TierDrop', *found}


def lines(run):
    return {result['ruleId']: (result['locations'][0].get('physicalLocation') or {}).get('region', {}).get('startLine')
            for result in run['results']}


def test_findings_on_services_are_at_their_lines():
    run = sarif(of_manifests())
    assert lines(run)['UnknownAnnotation'] == 6
    for result in run['results']:
        place = result['locations'][0].get('physicalLocation')  # a notice about all files has none
        assert place is None or place['artifactLocation']['uri'] == 'deploy/orders.yaml'
    assert sarif(of_manifests(name='-'))['results'][0]['locations'][0].keys() == {'logicalLocations'}
    (failure,) = junit(of_manifests(fail_on='error')).findall('.//failure')[:1]
    assert failure.get('message').startswith('deploy/orders.yaml:6: ')
    assert {case.get('name').partition(':')[0] for case in junit(of_manifests()).iter('testcase')} >= {'orders', 'calm'}


HELD = ('apiVersion: infrastructure.cluster.x-k8s.io/v1beta1\nkind: AzureASOManagedControlPlane\n'
        'metadata: {name: held}\nspec:\n  resources:\n  - ' + ASO.partition('\n---')[0].strip().replace('\n', '\n    ')
        + '\n---' + ASO.partition('\n---')[2])


def written(name, ports, indent):
    """A template as people write one; a deployment in it has the cluster."""
    inner = template(arm_cluster(name, ports, 1))
    return json.dumps(template({'type': 'Microsoft.Resources/deployments', 'name': 'inner', 'properties': {
        'template': inner}}), indent=indent)


@pytest.mark.parametrize('text', [ASO, CAPZ, HELD, written('aks1', 2000, 2), written('aks1', 2000, '\t'),
                                  written('aks1', 2000, 4).replace('\n', '\r\n')])
def test_findings_on_code_that_people_write_are_at_their_lines(text):
    text = text.replace('2000', '32000').replace('8000', '32000')
    found = lines(sarif(of_code('plan', text, 'cluster')))
    over = next(line for code, line in found.items() if code.startswith('PortsOvercommitted'))
    assert 'allocatedOutboundPorts' in text.splitlines()[over - 1]


def test_a_plan_has_its_address_and_stands_for_itself():
    results = sarif(of_code('plan', refused(), '/a b/plan.json'))['results']
    (result,) = [one for one in results if one['level'] == 'error']
    assert result['locations'] == [{
        'physicalLocation': {'artifactLocation': {'uri': 'file:///a%20b/plan.json'}, 'region': {'startLine': 1}},
        'logicalLocations': [{'name': 'aks1', 'fullyQualifiedName': AKS, 'kind': 'resource'}]}]
    assert 'physicalLocation' not in sarif(of_code('plan', refused(), '-'))['results'][0]['locations'][0]


@pytest.mark.parametrize('path, uri', [
    ('plan.json', 'plan.json'), ('./a/../plan.json', 'plan.json'), ('../x y.json', '../x%20y.json'),
    ('/tmp/x.json', 'file:///tmp/x.json'), ('C:\\code\\x.json', 'file:///C:/code/x.json'), ('a:b.json', 'a%3Ab.json'),
    ('sub\\x.json', 'sub/x.json'), ('100%#1.json', '100%25%231.json')])
def test_paths_as_references(path, uri):
    assert uri_of(path) == uri


def prints(answers):
    return [(result['ruleId'], result['partialFingerprints']['lbplan/v1']) for result in sarif(answers)['results']]


def test_fingerprints_stay_while_numbers_move_and_differ_from_each_other():
    one, other = prints(of_code('plan', refused())), prints(of_code('plan', plan(
        change(AKS, cluster(ports=8000), cluster(ports=8008)),
        change('azurerm_kubernetes_cluster_node_pool.batch', None, node_pool(most=21))), 'elsewhere.json'))
    assert set(one) & set(other) == {(code, sign) for code, sign in one if code in dict(other)}
    assert len({sign for _, sign in prints(of_code('plan', two()))}) == len(prints(of_code('plan', two())))
    twice = prints(of_manifests(SERVICE.replace('calm', 'orders').replace('Local', 'x')))
    assert len(set(twice)) == len(twice)


def test_failures_are_what_fail_on_says():
    def failing(fail_on):
        return {failure.get('type') for failure in junit(of_code('plan', refused(), fail_on=fail_on)).iter('failure')}
    assert failing(None) == failing('none') == failing('error') == {'error'}
    assert failing('warning') == {'error', 'warning'}


@pytest.mark.parametrize('name', NAMES)
def test_names_of_a_stranger_stay_text(name):
    for answers in (of_code('plan', refused(name)), of_code('check', refused(name)),
                    of_manifests(SERVICE.replace('orders', json.dumps(name)), name)):
        sarif(answers), junit(answers)
