"""The loop closes: what `az aks lb recommend` prints is run as it stands by a shell, and then everything fits."""
import json
import shlex

import pytest

from tests.azure import Status, pool
from tests.support.contract import IP_OPTIONS, conform
from tests.support.spread import DROPPING, REPAIRABLE, SPREAD
from tests.support.together import assert_refused, in_one_process

MANAGED_COUNT = '--load-balancer-managed-outbound-ip-count'
LOOPS = {**REPAIRABLE, **DROPPING}


def where(cluster):
    """The options that name a cluster by its id."""
    parts = cluster.split('/')
    return f'--resource-group {shlex.quote(parts[4])} --name {parts[-1]} --subscription {parts[2]}'


def own(arm):
    """The user's IPs and prefixes, and where each is attached."""
    return {key: (body['properties'].get('ipConfiguration') or
                  body['properties'].get('loadBalancerFrontendIpConfiguration') or {}).get('id')
            for key, body in arm.resources.items()
            if '/publicip' in key and 'aks-managed-type' not in (body.get('tags') or {})}


@pytest.mark.parametrize('name', LOOPS)
def test_the_loop_closes(arm, az, name):
    cluster = LOOPS[name](arm)
    before, attached = arm.get(cluster), {key: at for key, at in own(arm).items() if at}
    said = az(f'aks lb recommend {where(cluster)} --query "commands[]" -o tsv', check=True)
    assert not arm.seen(method='PUT') and '\t' not in said.stdout
    az.shell(said.stdout, check=True)

    *created, updated = [record.path for record in arm.seen(method='PUT')]
    assert updated.lower() == cluster.lower() and len(created) == len(said.stdout.splitlines()) - 1
    assert arm.detached == [] and all(own(arm)[key] == at for key, at in attached.items())
    assert all(own(arm)[path.lower()] for path in created), 'what was made is used'
    assert set(own(arm)) == set(attached) | {path.lower() for path in created}

    after = conform('plan', az(f'aks lb plan {where(cluster)} --fail-on error', check=True).json)
    assert after['current']['fits'] is True and after['requested']['fits'] is True
    assert (after['flags'], after['command'], after['commands']) == ([], None, [])
    source = {'own-ips': 'publicIps', 'dropping-own': 'publicIps', 'prefixes': 'prefixes'}.get(name, 'managed')
    assert after['current']['ipSource'] == source and (source == 'managed' or MANAGED_COUNT not in said.stdout)
    for key in ('agentPoolProfiles', 'kubernetesVersion', 'nodeResourceGroup', 'nodeProvisioningProfile'):
        assert arm.get(cluster)['properties'][key] == before['properties'][key]
    settings = arm.get(cluster)['properties']['networkProfile']['loadBalancerProfile']
    if name == 'dual-stack':
        assert settings['managedOutboundIPs']['countIPv6'] == 3
    if name in DROPPING:
        assert settings['allocatedOutboundPorts'] == 1024


def test_rules_on_outbound_frontends_are_sized_for(arm, az):
    """AKS counts 64000 ports per IP; the network layer takes 8 for each rule on the frontend, and refuses the rest."""
    cluster = SPREAD['shared'](arm)
    script = az(f'aks lb plan {where(cluster)} --idle-timeout 10 --query "commands[]" -o tsv', check=True).stdout
    assert 'az aks update' in script, 'what is set does not fit beside the rules'
    refused = az(f'aks update {where(cluster)} --load-balancer-idle-timeout 10')
    assert 'exceeds total number of available ports per backend instance of 632' in refused.stderr
    az.shell(script, check=True)
    assert az(f'aks lb recommend {where(cluster)} --query "commands[]" -o tsv', check=True).stdout == ''


def test_a_name_that_is_taken_is_never_used_again(arm, az):
    """`create` on a name that exists would change it: the listing of the group decides, whatever its case."""
    ours = arm.add_public_ip('AKS1-OUTBOUND-1')
    arm.page_size = 1
    cluster = arm.add_cluster(outbound_ips=[arm.add_public_ip('ip1')], pools=[pool(count=9)], ports=12800)
    before = arm.get(ours)
    az.shell(az(f'aks lb recommend {where(cluster)} --query "commands[]" -o tsv', check=True).stdout, check=True)
    assert arm.get(ours) == before
    assert az(f'aks lb plan {where(cluster)} --query current.fits', check=True).json is True


def test_where_the_listing_is_refused_the_answer_says_so(arm, az):
    cluster = arm.add_cluster(outbound_ips=[arm.add_public_ip('ip1')], pools=[pool(count=9)], ports=12800)
    arm.fault('publicIPAddresses$', Status(403, action='Microsoft.Network/publicIPAddresses/read'))
    result = az(f'aks lb recommend {where(cluster)}', check=True).json
    assert result['commands'] and any('names of the new public IPs' in one for one in result['unverified'])


def test_own_ips_and_prefixes_are_never_traded_for_managed_ones(arm, az):
    """Whatever is asked, on stdout or stderr, in any format: only who types the managed count gets it."""
    commands = []
    for name in ('own-ips', 'prefixes', 'infeasible-own', 'dropping-own', 'mixed'):
        named = where(SPREAD[name](arm))
        commands += [f'{command} {named} {options}' for command, options in (
            ('show', '-o yaml'), ('plan', ''), ('plan', '--outbound-ports 64000 -o table'),
            ('plan', '--outbound-ports 64 --allow-decrease'), ('plan', '--max-count 500 --idle-timeout 4 -o table'),
            ('recommend', ''), ('recommend', '--max-count 900 --allow-decrease -o table'))]
    for result in in_one_process(az, commands):
        assert result.code == 0, str(result)
        assert MANAGED_COUNT not in result.stdout + result.stderr, str(result)
    asked = az(f'aks lb plan {where(SPREAD["own-ips"](arm))} --managed-ip-count 9', check=True).json
    assert asked['flags'] == [MANAGED_COUNT, '9'] and asked['requested']['ipSource'] == 'managed'
    assert {'EgressIpsChange', 'OutboundIpsDecrease'} <= {one['code'] for one in asked['findings']}


def test_what_cannot_be_helped_prints_no_command(arm, az):
    names = ['infeasible', 'infeasible-own', 'mixed', 'nat', 'udr', 'none', 'newer', 'basic']
    commands = [f'recommend {where(SPREAD[name](arm))}' for name in names]
    for name, result in zip(names, in_one_process(az, commands)):
        result = conform('recommend', result.json)
        assert result['commands'] == [] and result['status'] in ('infeasible', 'notApplicable'), name
        assert (result['proposed'] is None) == (result['status'] == 'notApplicable')
        if result['status'] == 'infeasible':
            assert result['proposed']['fits'] is False and result['findings'][0]['severity'] == 'error'
            assert any(one['remediation'] for one in result['findings'] if one['severity'] == 'error')
        assert not any(set(one['flags']) & set(IP_OPTIONS) for one in result['alternatives'] if name == 'mixed')


def test_options_are_constraints(arm, az):
    cluster = arm.add_cluster(pools=[pool(count=9)], ports=1024)
    ports, grown, count, gate, refused = in_one_process(az, [f'recommend {where(cluster)} {options}' for options in (
        '--outbound-ports 12800', '--max-count 300', '--managed-ip-count 3 --idle-timeout 10', '--fail-on error',
        '--outbound-ports 12800 --fail-on error')])
    assert ports.json['flags'] == [MANAGED_COUNT, '2', '--load-balancer-outbound-ports', '12800']
    assert grown.json['flags'] == [MANAGED_COUNT, '6'] and grown.json['nodes']['required'] == 334
    assert count.json['flags'] == [MANAGED_COUNT, '3', '--load-balancer-idle-timeout', '10']
    assert (gate.code, refused.code) == (0, 4) and refused.json == ports.json, 'what was typed is judged'


def test_the_profile_is_what_arm_users_deploy(arm, az):
    """Put into the body as it stands, AKS takes it and the cluster fits."""
    for name in ('managed', 'dual-stack'):
        cluster = SPREAD[name](arm)
        result = az(f'aks lb recommend {where(cluster)}', check=True).json
        body = arm.get(cluster)
        body['properties']['networkProfile']['loadBalancerProfile'] = result['profile']
        arm.put(json.loads(json.dumps(body)))
        arm.reconcile(cluster)
        az(f'aks update {where(cluster)} --tags a=b -o none', check=True)  # AKS validates the whole on any update
        assert az(f'aks lb plan {where(cluster)} --query "[current.fits, command]"', check=True).json == [True, None]


def test_no_cluster_no_recommendation(arm, az):
    assert_refused(az('aks lb recommend -g rg1'), 'A resource group is named, but no cluster.')
