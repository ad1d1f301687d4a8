"""ARM templates: values as the deployment has them, what Azure alone knows stays open by name."""
import copy
import time

import pytest

from azext_lbplan.decision import Reason, decide
from azext_lbplan.inputs.code.expressions import Scope
from azext_lbplan.inputs.found import Given
from azext_lbplan.inputs.shapes import recognise
from azext_lbplan.inputs.unusable import UnusableDocument
from azext_lbplan.model.values import Unknown
from azext_lbplan.rules.cluster import findings

KIND = 'Microsoft.ContainerService/managedClusters'
SCHEMA = 'https://schema.management.azure.com/schemas/2019-04-01/deploymentTemplate.json#'


def cluster(name="[parameters('name')]", ports="[parameters('ports')]", count="[variables('ips')]", **inner):
    return {'type': KIND, 'name': name, 'location': "[resourceGroup().location]", 'properties': {
        'agentPoolProfiles': [{'name': 'sys', 'mode': 'System', 'count': 3}], 'networkProfile': {
            'loadBalancerProfile': {'allocatedOutboundPorts': ports, 'managedOutboundIPs': {'count': count}}}, **inner}}


def pool(name="[format('{0}/{1}', parameters('name'), 'user')]", most=9, **more):
    return {'type': f'{KIND}/agentPools', 'name': name, 'properties': {
        'count': 2, 'enableAutoScaling': True, 'maxCount': most}, **more}


def template(*resources, **more):
    return {'$schema': SCHEMA, 'parameters': {'name': {'type': 'string', 'defaultValue': 'aks1'},
                                              'ports': {'type': 'int', 'defaultValue': "[mul(8, 128)]"},
                                              'most': {'type': 'int'}},
            'variables': {'ips': "[add(1, 1)]"}, 'resources': list(resources), **more}


def observed(document, **parameters):
    return [one.observed() for one in recognise([document], Given(parameters))]


def only(document, **parameters):
    (one,) = observed(document, **parameters)
    return one


def pools(one):
    return {pool.name: (pool.current, pool.max) for pool in one.cluster.pools}


def test_defaults_variables_and_functions_are_resolved():
    settings = decide(only(template(cluster(), pool()))).requested.settings
    assert (settings.outbound_ports, settings.outbound_ip_count) == (1024, 2)
    one = only(template(cluster(), pool()))
    assert (one.cluster.name, pools(one)) == ('aks1', {'sys': (3, 3), 'user': (2, 9)})


@pytest.mark.parametrize('given', [{'ports': '2048', 'NAME': 'other', 'most': '30'},
                                   {'ports': 2048, 'name': 'other', 'most': 30}])
def test_given_parameters_count(given):
    one = only(template(cluster(), pool(most="[parameters('most')]")), **given)
    assert one.cluster.profile.allocated_outbound_ports == 2048
    assert (one.cluster.name, pools(one)['user']) == ('other', (2, 30)) and one.origin.unknown == ()


@pytest.mark.parametrize('document, words, advice', [
    (template(cluster()), "without the parameter 'moist'", 'It has: most, name, ports.'),
    (template(cluster(), parameters={}), "without the parameter 'moist'", 'It has none.'),
    ({'managedCluster': cluster()}, 'holds a snapshot or a managed cluster; --parameters is about a template',
     'Leave --parameters out.')])
def test_a_parameter_that_is_not_there_is_refused_as_a_deployment_does(document, words, advice):
    with pytest.raises(UnusableDocument, match=words) as raised:
        observed(document, moist=2)
    assert raised.value.advice == advice


def test_a_parameter_without_a_value_is_open_by_name():
    one = only(template(cluster(), pool(most="[parameters('most')]")))
    assert one.origin.unknown == ("user.maxCount (the parameter 'most' has no value)",)
    made = decide(one)
    assert made.requested.fits is None and made.reason is Reason.UNKNOWN_SETTINGS
    assert 'UnboundedNodeCount' in [finding.code for finding in findings(made)]


def test_what_does_not_fit_the_fewest_nodes_fits_no_more():
    assert decide(only(template(cluster(ports=32000, count=1), pool(most="[parameters('most')]")))
                  ).requested.fits is False


@pytest.mark.parametrize('expression', ["[reference('x').ports]", '[odd(]', "[parameters('nowhere')]", "[div(8, 0)]",
                                        "[variables('loop')]", '[' + "add(" * 500 + '1' + ', 1)' * 500 + ']'])
def test_what_cannot_be_resolved_is_open_and_never_guessed(expression):
    document = template(cluster(ports=expression))
    document['variables']['loop'] = "[variables('loop')]"
    made = decide(only(document))
    assert made.reason is Reason.UNKNOWN_SETTINGS and made.requested.fits is None and made.observed.origin.unknown


def test_a_whole_body_that_is_open_leaves_all_open():
    entry = cluster()
    entry['properties'] = "[reference('x')]"
    made = decide(only(template(entry)))
    assert not made.cluster.egress_known and made.reason is Reason.UNKNOWN_SETTINGS


@pytest.mark.parametrize('wrap', [
    lambda inner: {'type': 'Microsoft.Resources/deployments', 'properties': {
        'expressionEvaluationOptions': {'scope': 'inner'}, 'parameters': {
            'ports': {'value': "[mul(2, 1024)]"}, 'name': {'value': "[parameters('name')]"}}, 'template': inner}},
    lambda inner: {'type': 'Microsoft.Resources/deployments', 'properties': {'template': {
        **inner, 'resources': [cluster(ports=2048), pool()]}}}])
def test_nested_deployments(wrap):
    one = only(template(wrap(template(cluster(), pool()))))
    assert one.cluster.profile.allocated_outbound_ports == 2048 and set(pools(one)) == {'sys', 'user'}


def test_symbolic_names_conditions_copies_and_children():
    document = template()
    document['resources'] = {
        'aks': {**cluster(), 'resources': [{'type': 'agentPools', 'name': 'child', 'properties': {'count': 4}}]},
        'old': {**cluster(name='gone'), 'existing': True},
        'off': pool(name='aks1/off', condition="[equals(parameters('name'), 'x')]"),
        'many': pool(name="[format('aks1/p{0}', copyIndex(1))]",
                     copy={'name': 'c', 'count': "[length(createArray(1, 2))]"})}
    assert set(pools(only(document))) == {'sys', 'child', 'p1', 'p2'}


def test_lists_of_pools_that_are_made_by_functions():
    entry = cluster(agentPoolProfiles="[map(range(0, 2), lambda('i', createObject('name', format('p{0}', "
                                      "lambdaVariables('i')), 'count', add(lambdaVariables('i'), 3))))]")
    assert pools(only(template(entry))) == {'p0': (3, 3), 'p1': (4, 4)}
    entry = cluster()
    entry['properties'] = "[union(createObject('agentPoolProfiles', createArray(createObject('name', 'a', 'count', " \
                          "5))), if(true(), createObject('dnsPrefix', 'x'), createObject()))]"
    assert pools(only(template(entry))) == {'a': (5, 5)}
    entry = cluster()
    del entry['properties']['agentPoolProfiles']
    entry['properties']['copy'] = [{'name': 'agentPoolProfiles', 'count': 2, 'input': {
        'name': "[concat('p', copyIndex('agentPoolProfiles'))]", 'count': 2}}]
    assert pools(only(template(entry))) == {'p0': (2, 2), 'p1': (2, 2)}


def test_own_ips_by_their_names_count():
    entry = cluster()
    entry['properties']['networkProfile']['loadBalancerProfile'] = {'allocatedOutboundPorts': 1024, 'outboundIPs': {
        'publicIPs': [{'id': "[resourceId('Microsoft.Network/publicIPAddresses', 'a')]"}]}}
    settings = decide(only(template(entry))).requested.settings
    assert (settings.ip_source, settings.outbound_ip_count) == ('publicIps', 1)


def test_several_clusters_have_their_own_pools():
    found = observed(template(cluster(name='a'), cluster(name='b'), pool(name='b/user'), pool(name='c/lost')))
    assert [set(pools(one)) for one in found] == [{'sys'}, {'sys', 'user'}]
    assert all('c/lost may belong to it' in one.origin.unknown[0] for one in found)
    assert all(not decide(one).nodes.most_known for one in found)


@pytest.mark.parametrize('document, recognised', [
    (template(), 'holds no managed cluster'),
    (template({'type': KIND, 'name': 'x', 'properties': {'addonProfiles': {}}}),
     'updates a part of a managed cluster')])
def test_what_holds_no_cluster_is_told(document, recognised):
    with pytest.raises(UnusableDocument, match=recognised):
        recognise([document])


@pytest.mark.parametrize('expression, value', [
    ("format('{0}-{1:x}', 'a', 7)", 'a-7'), ("concat(createArray(1), createArray(2))", [1, 2]),
    ("json('{\"a\": [1, {\"b\": 2}]}').a[1].b", 2), ("if(not(empty('')), 1, 2)", 2), ("'it''s'", "it's"),
    ("equals(1, true())", False), ("coalesce(null(), 4)", 4), ("tryGet(createObject('a', 1), 'b')", None),
    ("union(createObject('a', createObject('x', 1)), createObject('a', createObject('y', 2)))",
     {'a': {'x': 1, 'y': 2}}),
    ("filter(createArray(1, 5), lambda('n', greater(lambdaVariables('n'), 2)))", [5]), ("sub(1, -2)", 3),
    ("contains(createArray('a'), 'a')", True), ("join(split('a,b', ','), '-')", 'a-b'), ("mod(-7, 3)", -1),
    ("or(true(), reference('x'))", True), ("and(false(), reference('x'))", False)])
def test_functions(expression, value):
    assert Scope(lambda _: None, lambda _: None).value(f'[{expression}]') == value


@pytest.mark.parametrize('expression', [
    "range(0, 999999999)", "concat(variables('big'), variables('big'))", "json('[')", "createArray(1)[3]",
    "mul('a', createObject())", "int('x')", "first(createArray())", "lambdaVariables('x')"])
def test_functions_that_would_break_give_an_unknown(expression):
    scope = Scope(lambda _: None, lambda _: 'x' * 99_999)
    assert isinstance(scope.value(f'[{expression}]'), Unknown)


def test_a_text_that_begins_with_two_brackets_is_a_text():
    assert Scope(lambda _: None, lambda _: None).value('[[x]') == '[x]'


def test_a_template_that_grows_without_end_is_given_up():
    document = template(cluster(ports="[length(variables('v30'))]"))
    document['variables'] = {'v0': ['x'], **{
        f'v{number + 1}': f"[concat(variables('v{number}'), variables('v{number}'))]" for number in range(30)}}
    begun = time.monotonic()
    assert decide(only(document)).reason is Reason.UNKNOWN_SETTINGS
    nested = "[map(range(0, 9999), lambda('a', length(map(range(0, 9999), lambda('b', 1)))))]"
    assert decide(only(template(cluster(ports=nested)))).requested.settings.outbound_ports == 0
    assert time.monotonic() - begun < 10


@pytest.mark.parametrize('odd', [None, 7, 'x', [], {}, [[]], [7], '[', '[[', '[]'])
def test_odd_values_are_no_reason_to_fall(odd):
    for place in ('resources', 'parameters', 'variables'):
        try:
            observed({**template(cluster(), pool()), place: odd})
        except UnusableDocument:
            pass
    for key in ('name', 'properties', 'copy', 'condition', 'dependsOn', 'resources', 'type', 'location'):
        for index in (0, 1):
            document = copy.deepcopy(template(cluster(), pool()))
            document['resources'][index][key] = odd
            try:
                for one in observed(document):
                    findings(decide(one))
            except UnusableDocument:
                pass


def test_a_pool_without_a_size_is_open_and_two_of_one_name_are_two():
    entry = cluster(agentPoolProfiles=[{'name': 'a', 'maxCount': 6}, {'name': 'a', 'count': 2}])
    one = only(template(entry))
    assert [pool.max for pool in one.cluster.pools] == [0, 2]
    assert 'a.count (the code does not say it)' in one.origin.unknown
    assert decide(one).requested.fits is None
