"""`az aks lb check-service` with the real az: every rule's bad and good manifest, without a login."""
import json

import pytest

from tests.azure.builders import cluster_body, pool
from tests.support.manifest_cases import ARTICLE, CASES, CLUSTER_CASES, CONTEXT, DOCUMENTED, manifest

#: Rules that count over all manifests of a call.
TOTALS = ('TooManyFrontends', 'TooManyRules', 'TooManyRulesPerNic', 'PublicServiceOpen', 'ClientIPNotPreserved',
          'PodsNotInRanges', 'ForeignAnnotation', 'CarriedAnnotations', 'AnnotationsNotUnderstood')

SUBSCRIPTION = '11111111-1111-1111-1111-111111111111'


@pytest.fixture(scope='module')
def out(wheel, arm_server, tmp_path_factory):
    """The real az that nobody is logged in to."""
    from tests.support.az import Az
    return Az(arm_server, tmp_path_factory.mktemp('no-login')).install(wheel)


def codes_by_file(result):
    found = {}
    for service in result:
        name = (service['file'] or '').rsplit('/', 1)[-1].rsplit('.', 1)[0]
        found.setdefault(name, set()).update(finding['code'] for finding in service['findings'])
    return found


def write(folder, manifests):
    folder.mkdir()
    for name, text in manifests.items():
        (folder / f'{name}.yaml').write_text(text, encoding='utf-8')
    return str(folder)


def test_each_rule_finds_its_bad_manifest_and_leaves_the_good_one(out, tmp_path):
    cases = {code: case for code, case in CASES.items() if code not in TOTALS}
    bad = write(tmp_path / 'bad', {code: case[0] for code, case in cases.items()})
    good = write(tmp_path / 'good', {code: case[1] for code, case in cases.items()})
    found = codes_by_file(out(['aks', 'lb', 'check-service', '-f', bad], check=True).json)
    assert {code for code in cases if code not in found.get(code, ())} == set()
    found = codes_by_file(out(['aks', 'lb', 'check-service', '-f', good], check=True).json)
    assert {code for code in cases if code in found.get(code, ())} == set()


@pytest.mark.parametrize('code', TOTALS)
def test_rules_on_all_manifests_together(out, code):
    for text, wanted in zip(CASES[code], (True, False)):
        result = out('aks lb check-service -f -', input=text, check=True).json
        assert (code in codes_by_file(result).get('', ())) is wanted


def test_each_rule_that_needs_a_cluster(out, tmp_path):
    for code, (bad, good, changes) in CLUSTER_CASES.items():
        file = tmp_path / f'{code}.json'
        file.write_text(json.dumps(snapshot(CONTEXT._replace(**changes))))
        for text, wanted in ((bad, True), (good, False)):
            result = out(['aks', 'lb', 'check-service', '-f', '-', '--from-file', str(file)], input=text, check=True)
            found = {finding['code'] for service in result.json for finding in service['findings']}
            assert (code in found) is wanted, f'{code}: {found}'


def snapshot(context):
    """A snapshot of a cluster with the facts of `context`."""
    network = {'loadBalancerSku': context.load_balancer_sku, 'outboundType': 'loadBalancer',
               'ipFamilies': list(context.ip_families), 'podCidrs': list(context.pod_cidrs),
               'loadBalancerProfile': {'backendPoolType': 'nodeIP' if context.node_ip_pool else 'nodeIPConfiguration',
                                       'enableMultipleStandardLoadBalancers': context.several_balancers,
                                       'allocatedOutboundPorts': context.outbound.per_node if context.outbound else 0}}
    pools = [pool(count=context.nodes_at_most - 1, max_surge='1') if context.nodes_at_most else pool()]
    body = cluster_body(SUBSCRIPTION, 'rg1', 'aks1', context.location, '.'.join(map(str, context.kubernetes_version)),
                        pools, network)
    body['properties']['nodeResourceGroup'] = context.node_resource_group
    return {'schema': 1, 'managedCluster': body, 'loadBalancer': balancer(context), 'publicIpAddresses': [
        {'id': one.id, 'location': one.location, 'sku': {'name': one.sku}, 'properties': {'ipAddress': one.address}}
        for one in context.public_addresses]}


def balancer(context):
    outbound = [{'id': f'/lb/frontends/out{index}', 'properties': {'publicIPAddress': {'id': one.id}}}
                for index, one in enumerate(context.public_addresses) if one.outbound]
    others = [{'id': f'/lb/frontends/{index}', 'properties': {}} for index in range(context.frontends - len(outbound))]
    rules = [{'id': f'/lb/rules/{index}', 'properties': {}} for index in range(context.rules)]
    return {'name': 'kubernetes', 'properties': {
        'frontendIPConfigurations': outbound + others, 'loadBalancingRules': rules,
        'outboundRules': [{'id': '/lb/out', 'name': 'aksOutboundRule', 'properties': {
            'allocatedOutboundPorts': context.outbound.per_node if context.outbound else 0,
            'frontendIPConfigurations': [{'id': one['id']} for one in outbound]}}],
        'backendAddressPools': [{'name': 'kubernetes', 'properties': {
            'backendIPConfigurations': [{'id': '/vmss/vm0/networkInterfaces/nic0/ipConfigurations/ip'}],
            'loadBalancingRules': [{'id': one['id']} for one in rules[:context.rules_per_nic]]}}]}}


def test_the_article_s_manifests_pass_and_documented_ones_have_no_error(out, tmp_path):
    article = out(['aks', 'lb', 'check-service', '-f', write(tmp_path / 'article', ARTICLE), '--fail-on', 'warning'])
    assert article.code == 0, str(article)
    documented = write(tmp_path / 'documented', DOCUMENTED)
    result = out(['aks', 'lb', 'check-service', '-f', documented, '--fail-on', 'error'])
    assert result.code == 0, str(result)


def test_the_kubernetes_version_decides_which_rules_hold(out, tmp_path):
    file = tmp_path / 'web.yaml'
    file.write_text(manifest('azure-load-balancer-tcp-idle-timeout: "45"'))
    severities = {}
    for version in (None, '1.27', '1.28', 'v1.33.2'):
        typed = ['--kubernetes-version', version] if version else []
        result = out(['aks', 'lb', 'check-service', '-f', str(file), *typed], check=True).json
        severities[version] = {finding['severity'] for service in result for finding in service['findings']
                               if finding['code'] == 'IdleTimeoutNeedsNewerKubernetes'}
    assert severities == {None: {'info'}, '1.27': {'error'}, '1.28': set(), 'v1.33.2': set()}
    wrong = out(['aks', 'lb', 'check-service', '-f', str(file), '-k', 'newest'])
    assert wrong.code == 1 and "'newest' is no version" in wrong.stderr


def test_the_probe_of_each_port_is_in_the_result(out):
    text = manifest(ports='  - {name: a, port: 80, appProtocol: http}\n  - {name: b, port: 53, protocol: UDP}\n')
    service, _ = out('aks lb check-service -f -', input=text, check=True).json
    assert [(port['port'], port['probe'] and port['probe']['protocol']) for port in service['probes']] == [
        (80, 'Http'), (53, None)]


def test_fail_on_prints_the_result_first(out, tmp_path):
    folder = write(tmp_path / 'both', {'bad': manifest(spec='externalTrafficPolicy: local'), 'good': manifest()})
    result = out(['aks', 'lb', 'check-service', '-f', folder, '--fail-on', 'error'])
    assert (result.code, len(result.json)) == (4, 3)
    finding = next(one for service in result.json for one in service['findings'] if one['severity'] == 'error')
    assert (finding['code'], finding['evidence']['line']) == ('ExternalTrafficPolicyInvalid', 9)


def test_what_cannot_be_read_is_one_line_each_and_the_rest_is_checked(out, tmp_path):
    folder = tmp_path / 'mixed'
    write(folder, {'good': manifest(), 'broken': 'a: [', 'template': 'name: {{ .Values.name }}'})
    (folder / 'binary.yaml').write_bytes(bytes(range(256)))
    missing = str(tmp_path / 'missing.yaml')
    table = out(['aks', 'lb', 'check-service', '-f', str(folder), '-f', missing, '-o', 'table'])
    assert table.code == 1 and f"ERROR: '{missing}' was not checked." in table.stderr, str(table)
    lines = table.stdout.splitlines()
    assert max(map(len, lines)) <= 120
    for code in ('ManifestNotParsed', 'ManifestNotText', 'TemplateNotRendered', 'ManifestNotReadable'):
        assert sum(code in line for line in lines) == 1, table.stdout
    assert 'Traceback' not in table.stderr and 'checked 1 Service' in table.stderr


def test_the_formats_and_bad_usage(out, tmp_path):
    file = tmp_path / 'web.yaml'
    file.write_text(manifest())
    query = ['--query', '[].findings[].code | sort(@)', '-o', 'tsv']
    assert out(['aks', 'lb', 'check-service', '-f', str(file), *query], check=True).stdout.split() == [
        'ClientIPNotPreserved', 'PublicServiceOpen']
    for form in ('json', 'jsonc', 'yaml', 'tsv', 'none'):
        result = out(['aks', 'lb', 'check-service', '-f', str(file), '-o', form], check=True)
        assert bool(result.stdout.strip()) is (form != 'none')
    nothing = out('aks lb check-service')
    assert nothing.code == 2 and '--filename' in nothing.stderr
    wrong = out(['aks', 'lb', 'check-service', '-f', str(file), '--from-file', str(file)])
    assert wrong.code == 1 and 'holds neither a snapshot' in wrong.stderr and 'Traceback' not in wrong.stderr
