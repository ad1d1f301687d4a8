"""The comment on a pull request: short, complete, and a stranger's names in it are text and nothing else."""
import json
import re

import pytest

from azext_lbplan.facts.snat import PORTS_PER_IP
from azext_lbplan.model.values import printable
from azext_lbplan.views import reports
from azext_lbplan.views.reports.markdown import MOST_LINES, escaped
from tests.support.cases import body, managed, pool
from tests.support.hostile import NAMES
from tests.support.reports import fleet_of
from tests.support.terraform import change, cluster, node_pool, plan
from tests.unit.inputs.code.test_manifests_of_clusters import CAPZ
from tests.unit.views.reports.test_machine_reports import AKS, ALL, SERVICE, of_code, of_manifests, refused, two

GAP = '&#8203;'


def what_if():
    pools = [pool('system', 3)]
    before, after = (body(one, **managed(1), allocatedOutboundPorts=8000)
                     for one in (pools, [*pools, pool('user', 2, max_count=20)]))
    return {'changes': [{'changeType': 'Modify', 'resourceId': after['id'], 'before': before, 'after': after}]}


def markdown(answers):
    text = reports.KINDS['.md'].render(answers)
    assert text.endswith('\n') and len(text.splitlines()) == text.count('\n') <= MOST_LINES < 40
    return text


def outside(text):
    """(the text outside of fences, what is in them)."""
    kept, code, fence = [], [], None
    for line in text.split('\n'):
        found = re.match(r'(`{3,})(\w*)$', line)
        if fence is None and found:
            fence = found[1]
        elif fence is not None and line == fence:
            fence = None
        else:
            (kept if fence is None else code).append(line)
    assert fence is None, 'a fence that does not end'
    return kept, code


def assert_plain(text):
    """Outside of fences there is no markup but that of the report itself."""
    for line in outside(text)[0]:
        own = re.sub(r'^(### |- (\*\*(error|warning|info)\*\* )?|\*\*(?=.*\*\*))', '', line)
        if line.startswith('| '):
            own = line[2:-2].replace(' | ', ' ')
            assert not re.search(r'(?<!\\)\|', own), line
        assert printable(line) == line
        rest = own.replace(GAP, '\x01').replace('<span>$</span>', '').replace('**', '', 1)
        assert not re.search(r'@(?!\x01)|[#!](?=\d)|\bGH-(?=\d)|\bwww(?=\.)|:(?=//)', rest, re.IGNORECASE), line
        rest = re.sub(r'\\[!-/:-@\[-`{-~]|&(amp|lt|gt);|`(fragments|commands)`', '', rest)
        assert not re.search(r'[`*_\[\]<>|~$\\&]', rest), line


def test_the_answer_first():
    lines = markdown(of_code('plan', refused())).splitlines()
    assert lines[0] == '### Outbound traffic of aks1'
    assert lines[2].startswith('**Does not fit: Azure would refuse what the code makes.** 26 nodes x 8000 ports')
    assert lines[3] == 'In the code: 4 outbound IPs instead of 1.'
    assert '|  | current | requested | proposed |' in lines and '| Outbound IPs | 1 | 1 | 4 |' in lines
    of_one, of_four = PORTS_PER_IP, 4 * PORTS_PER_IP
    assert f'| Ports in all | 32000 of {of_one} | 208000 of {of_one} | 208000 of {of_four} |' in lines
    assert any(line.startswith('- **error** PortsOvercommittedAtMaximum: ') and 'batch' in line for line in lines)
    assert '    managed_outbound_ip_count = 4' in '\n'.join(outside('\n'.join(lines))[1])


@pytest.mark.parametrize('written, fence, holds', [
    (refused(), 'hcl', 'network_profile {'), (what_if(), 'bicep', 'count: 4'),
    (CAPZ, 'yaml', 'kind: AzureManagedControlPlane')])
def test_the_fragment_is_in_a_fence_of_its_language(written, fence, holds):
    text = markdown(of_code('plan', written))
    assert f'```{fence}\n' in text and any(holds in line for line in outside(text)[1])


@pytest.mark.parametrize('name', ALL)
def test_every_report_is_short_and_plain(name):
    assert_plain(markdown(ALL[name]()))


def test_lines_to_run_where_there_is_no_code():
    assert outside(markdown(ALL['plan calm']()))[1] == [], 'nothing to do'
    text = markdown(ALL['recommend saturated']())
    assert '```bash\n' in text and outside(text)[1][-1].startswith('az aks update ')


def test_what_takes_many_lines_is_named_instead():
    ids = [f'{AKS}/{number}' for number in range(40)]
    values = cluster(ports=8000)
    values['network_profile'][0]['load_balancer_profile'][0].update(
        managed_outbound_ip_count=None, outbound_ip_address_ids=[
            f'/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg1/providers/Microsoft.Network/'
            f'publicIPAddresses/ip{number}' for number in range(len(ids) // 4)])
    answers = of_code('plan', plan(change(AKS, values, values), change('azurerm_kubernetes_cluster_node_pool.a', None,
                                                                       node_pool(most=100))))
    text = markdown(answers)
    assert 'see `fragments` and `commands` of the JSON result' in text and outside(text)[1] == []
    assert answers[0].result['fragments']['terraform'].count('\n') > 20


def test_many_clusters_findings_and_services_are_cut_with_their_number():
    many = of_code('plan', two()) * 30
    assert 'and 35 more\n' in markdown(many) and '### Outbound traffic of 60 clusters' in markdown(many)
    fleet = fleet_of(('nat',))
    assert 'and 75 more\n' in markdown([fleet._replace(result=fleet.result * 100)])
    services = '---\n'.join(SERVICE.replace('orders', f'orders{number}') for number in range(40))
    assert re.search(r'- and \d+ more\n', markdown(of_manifests(services)))


@pytest.mark.parametrize('name', NAMES)
def test_names_of_a_stranger_stay_text(name):
    assert_plain(f'### {escaped(name)}')
    assert_plain(f'| {escaped(name)} | {escaped(name)} |')
    for text in (markdown(of_code('plan', refused(name))), markdown(of_code('check', refused(name))),
                 markdown(of_manifests(SERVICE.replace('orders', json.dumps(name)), name))):
        assert_plain(text)
    values = cluster(ports=32000, name=name, location=name, resource_group_name=name)
    document = plan(change(AKS, None, values), change('azurerm_kubernetes_cluster_node_pool.a', None, node_pool(name)))
    assert_plain(markdown(of_code('plan', document)))
    document['resource_changes'][0]['address'] = name
    document['resource_changes'][0]['change']['after_unknown'] = {'network_profile': [{'load_balancer_profile': [
        {'outbound_ports_allocated': True}]}], name: True}
    assert_plain(markdown(of_code('plan', document)))


@pytest.mark.parametrize('text, plain', [
    ('a | b', 'a \\| b'), ('[x](y)', '\\[x\\](y)'), ('@me', f'@{GAP}me'), ('<b>', '&lt;b&gt;'), ('a  \n b', 'a b'),
    ('1. one', '1\\. one'), ('1) one', '1\\) one'), ('- one', '\\- one'), ('-5', '\\-5'), ('a-b', 'a-b'),
    ('v1.2', 'v1.2'), ('#5', f'\\#{GAP}5'), ('https://x', f'https:{GAP}//x'),
    ('a $b$', 'a <span>$</span>b<span>$</span>'), ('R&D', 'R&amp;D'), ('node_pool', 'node\\_pool'),
    ('\u202ex', '\ufffdx'), ('x' * 700, f'{"x" * 298}...{"x" * 299}')])
def test_escaping(text, plain):
    assert escaped(text) == plain
