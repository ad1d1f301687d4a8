"""Bad input to the real `az`: one clear line with the way out, the CLI's usual exit code, never a traceback."""
from tests.azure import Html, Status, pool
from tests.support.az import Az
from tests.support.together import assert_refused, in_one_process, lb, together

GROUP = '/subscriptions/11111111-1111-1111-1111-111111111111/resourceGroups/rg1/providers'
IP = f'{GROUP}/Microsoft.Network/publicIPAddresses/ip1'
PREFIX = f'{GROUP}/Microsoft.Network/publicIPPrefixes/prefix1'
CLUSTER = f'{GROUP}/Microsoft.ContainerService/managedClusters/aks1'
NAMED = '-g rg1 -n aks1'
NAME_ONE = 'Name one: --resource-group MyResourceGroup --name MyCluster, or --ids ID, or --from-file FILE.'

#: (what is wrong, words of the answer). Nothing may be asked of Azure for any of them.
OPTIONS = [
    ('--outbound-ports 1025', 'no multiple of 8', 'The nearest are 1024 and 1032.'),
    ('--outbound-ports 64001', 'no multiple of 8'),
    ('--outbound-ports 64008', '64008 is out of range', 'from 0 to 64000'),
    ('--outbound-ports -8', '-8 is out of range', 'from 0 to 64000'),
    ('--outbound-ports -1', 'no multiple of 8'),
    ('--outbound-ports 99999999999999999999992', 'out of range'),
    ('--managed-ip-count 0', '0 is out of range', 'from 1 to 100'),
    ('--managed-ip-count 101', '101 is out of range'),
    ('--managed-ipv6-count 0', '0 is out of range'),
    ('--managed-ipv6-count 101', '101 is out of range'),
    ('--idle-timeout 3', '3 is out of range', 'from 4 to 100 minutes'),
    ('--idle-timeout 101', '101 is out of range'),
    (f'--managed-ip-count 2 --outbound-ips {IP}', 'exclude each other'),
    (f'--managed-ipv6-count 2 --outbound-ip-prefixes {PREFIX}', 'exclude each other'),
    (f'--outbound-ips {IP} --outbound-ip-prefixes {PREFIX}', 'exclude each other'),
    ('--outbound-ips ip1', "'ip1' is no id of one of the publicIPAddresses"),
    (f'--outbound-ips {PREFIX}', 'is no id of one of the publicIPAddresses'),
    (f'--outbound-ip-prefixes {IP}', 'is no id of one of the publicIPPrefixes'),
    (f'--outbound-ips {IP},', "'' is no id"),
    ('--outbound-ips ""', "'' is no id"),
    (f'--outbound-ips {IP}/../../x', 'is no id'),
    (f'--outbound-ips {IP},{IP.upper()}', 'names an id twice'),
    ('--outbound-ips ' + ','.join(f'{IP}{index}' for index in range(601)), '601 ids', 'at most 600'),
    ('--node-count -1', '-1 is out of range'),
    ('--max-count 0', '0 is out of range'),
    ('--max-count 1000001', 'out of range'),
    ('--node-count 5 --max-count 4', '--max-count 4 is below --node-count 5'),
    ('--max-surge 10%%', 'neither a number nor a percentage'),
    ('--max-surge ""', 'neither a number nor a percentage'),
    ('--max-surge -1', 'neither a number nor a percentage'),
    ('--max-surge ٣', 'neither a number nor a percentage'),
    ('--kubernetes-version latest', "'latest' is no version"),
    ('--kubernetes-version ١.٣٢', 'is no version'),
]

#: Several values of one option, which only `plan` takes.
OPTIONS += [
    ('--outbound-ports 1024,1025', '1025 is no multiple of 8'),
    ('--outbound-ports 1024,64008', '64008 is out of range'),
    ('--max-count 20,0', '0 is out of range'),
    ('--node-count 30 --max-count 50,20', '--max-count 20 is below --node-count 30'),
    ('--outbound-ports 8,16 --max-count 20,30', '--outbound-ports and --max-count both name several'),
    ('--max-count ' + ','.join(map(str, range(1, 52))), '51 values, but at most 50'),
]

#: The command as a whole, and the words of the answer.
COMMANDS = [
    ('show', 'No cluster is named.', NAME_ONE),
    ('recommend', 'No cluster is named.', NAME_ONE),
    ('plan', 'No cluster is named.', NAME_ONE, 'give --node-count'),
    ('plan --outbound-ports 1024', 'No cluster is named.'),
    ('plan --node-count 0', '0 is out of range'),
    ('show -g rg1', 'A resource group is named, but no cluster.'),
    ('plan -g rg1 --node-count 3', 'A resource group is named, but no cluster.'),
    ('plan -n aks1', 'A cluster is named, but no resource group.'),
    ('show -g rg1 -n ""', 'A resource group is named, but no cluster.'),
    ('show -g "" -n aks1', 'A cluster is named, but no resource group.'),
    ('show -g "" -n ""', 'No cluster is named.'),
    ('show -g rg1 -n ../../x', "'../../x' is no name of a managed cluster"),
    ('show -g rg1 -n aks1/agentPools/x', 'is no name of a managed cluster'),
    ('show -g rg1 -n aks1?api-version=1', 'is no name of a managed cluster'),
    ('show -g rg1 -n "aks1 "', 'is no name of a managed cluster'),
    ('show -g ../rg1 -n aks1', "'../rg1' is no name of a resource group"),
    ('show -g rg1. -n aks1', 'is no name of a resource group'),
    (f'show --ids {CLUSTER} --from-file cluster.json', 'A cluster and a file are both named.'),
    ('check -g rg1 -n aks1 --from-file cluster.json', 'A cluster and a file are both named.'),
    ('plan -g rg1 --from-file cluster.json', 'A resource group and a file are both named.'),
    ('show --from-file ""', '--from-file names no file'),
    ('plan -g rg1 -n aks1 --from-file ""', '--from-file names no file'),
    ('plan --node-count 3 --from-file ""', '--from-file names no file'),
    ('plan -g rg1 -n aks1 --save-to ""', '--save-to names no file'),
    ('plan -g rg1 -n aks1 --anonymize', '--anonymize is about the file that --save-to writes, and none is named.'),
    ('plan --from-file cluster.json --anonymize', '--anonymize is about the file that --save-to writes'),
    ('plan -g rg1 -n aks1 --save-to -', '--save-to takes a file, not standard output'),
    ('plan --node-count 3 --save-to x.json', '--save-to needs a cluster to read.'),
    ('show --from-file cluster.json --save-to x.json', 'Leave one of them out.'),
    ('show --ids aks1', 'aks1'),
    (f'show --ids {GROUP}/Microsoft.Network/loadBalancers/kubernetes', 'is no id of a managed cluster'),
    (f'plan --ids {CLUSTER}/agentPools/pool1', 'is no id of a managed cluster'),
    (f'plan --ids {CLUSTER.rsplit("/", 2)[0]}', 'invalid resource ID'),
    (f'plan --ids {CLUSTER} {IP}', 'is no id of a managed cluster'),
    (f'recommend --ids {CLUSTER.replace("rg1", "..")}', 'is no id of a managed cluster'),
    (f'show --ids {CLUSTER} {CLUSTER}2 --save-to x.json', '--save-to takes one cluster at a time.'),
    ('plan -g rg1 -n aks1 --subscription nobody', "Subscription 'nobody' not found"),
]


def test_options_out_of_range_are_refused_before_anything_is_asked(arm, az):
    refusals = [(f'{command} {NAMED} {options}', *words) for index, (options, *words) in enumerate(OPTIONS)
                for command in (('plan', 'recommend') if index % 8 == 0 and ',' not in options else ('plan',))]
    for result, (_, *words) in zip(in_one_process(az, [command for command, *_ in refusals]), refusals):
        assert_refused(result, *words)
    assert arm.seen() == []


def test_commands_that_name_nothing_or_too_much_are_refused(arm, az):
    for result, (_, *words) in zip(in_one_process(az, [command for command, *_ in COMMANDS]), COMMANDS):
        result.stderr = result.stderr.replace("WARNING: Subscription 'nobody' not recognized.\n", '')  # the CLI's own
        assert_refused(result, *words)
    assert arm.seen() == []


def test_what_the_parser_refuses_has_its_exit_code_and_an_example(arm, az):
    for result in in_one_process(az, [
            f'plan {NAMED} --outbound-ports many', f'plan {NAMED} --max-count 20,many',
            f'recommend {NAMED} --max-count 20,30', f'plan {NAMED} --backend-pool-type x',
            f'plan {NAMED} --fail-on sometimes', f'recommend {NAMED} --allow-decrease perhaps',
            f'plan {NAMED} --outbound-prots 8', f'show {NAMED} --outbound-ports 8']):
        assert result.code == 2 and result.stdout == '' and 'Traceback' not in result.stderr, str(result)
        assert result.stderr.startswith('ERROR: ')


def test_ids_that_name_no_cluster_are_no_all_clear(arm, az):
    """What another command printed where it found nothing, in every form that the CLI takes."""
    asked = [f'{command} --ids {nothing}' for command in ('show', 'plan --fail-on warning', 'recommend',
                                                          'check --fail-on error') for nothing in ('""', '[]', 'null')]
    for result in in_one_process(az, asked):
        assert_refused(result, '--ids names no cluster: nothing was looked at.')
    assert arm.seen() == []


def test_without_a_login(az, arm, tmp_path):
    """The clear line of the CLI itself; what needs no login works without one."""
    stranger = Az(arm, tmp_path)
    stranger_env = {'AZURE_EXTENSION_DIR': az.env['AZURE_EXTENSION_DIR']}
    for command in (f'show {NAMED}', f'plan --ids {CLUSTER}'):  # in turn: two first starts of `az` trip each other up
        assert_refused(lb(stranger, env=stranger_env)(command), "az login")
    made = lb(stranger, env=stranger_env)(f'plan --node-count 3 --outbound-ips {IP}').json
    assert made['command'] and 'NoLogin' in [one['evidence'].get('code') for one in made['findings']]
    assert arm.requests == []


def test_load_balancer_options_where_they_do_not_apply(arm, az):
    reasons = {'nat': 'its outbound type is managedNATGateway', 'udr': 'its outbound type is userDefinedRouting',
               'newer': 'its outbound type is someFutureType', 'basic': 'its load balancer is Basic'}
    for name, (*_, outbound_type) in ((name, reason.split()) for name, reason in reasons.items()):
        arm.add_cluster(name, **({'sku': 'Basic'} if name == 'basic' else {'outbound_type': outbound_type}))
    commands = {f'{command} -g rg1 -n {name} {option}': name for name in reasons
                for command, option in (('plan', '--outbound-ports 1024'), ('plan', '--outbound-ports 8,16'),
                                        ('recommend', '--idle-timeout 10'))}
    for result, name in zip(in_one_process(az, commands), commands.values()):
        assert_refused(result, f"Load balancer options do not apply to cluster '{name}': {reasons[name]}.",
                       'az aks lb show')


def test_ipv6_needs_a_dual_stack_cluster(arm, az):
    arm.add_cluster()
    assert_refused(az(f'aks lb plan {NAMED} --managed-ipv6-count 2'), "cluster 'aks1': it has no IPv6.")


FAULTS = [
    (Status(404), 3, ['ResourceNotFound', 'Check the name']),
    (Status(401), 1, ['AuthenticationFailed', 'az login']),
    (Status(403, action='Microsoft.ContainerService/managedClusters/read'), 1,
     ['AuthorizationFailed', 'Ask for a role with Microsoft.ContainerService/managedClusters/read']),
    (Status(429, retry_after='0'), 1, ['TooManyRequests', 'in a minute']),
    (Status(429, retry_after='600'), 1, ['Azure asks to wait 600 seconds']),
    (Status(429, retry_after='soon'), 1, ['TooManyRequests']),
    (Status(500), 1, ['InternalServerError', 'in a few minutes']),
    (Status(403, body={'error': {'code': 5, 'message': ['x']}}), 1, ['HTTP status 403']),
    (Status(400, body=b'\xff\xfe'), 1, ['HTTP status 400']),
    (Status(200, body='{}'), 1, ['the answer is no managed cluster']),
    (Status(200, body='[]'), 1, ['the answer is no JSON']),
    (Status(200, body='{"a":' * 5000 + '1' + '}' * 5000), 1, ['the answer is no']),
    (Html(), 1, ['the answer is no JSON'])]


def test_a_cluster_that_cannot_be_read_is_one_line(arm, az):
    for index, (fault, _, _) in enumerate(FAULTS):
        arm.add_cluster(f'c{index}')
        arm.fault(f'managedClusters/c{index}$', fault)
    results = in_one_process(az, [f'plan -g rg1 -n c{index} --fail-on warning' for index in range(len(FAULTS))])
    for index, (result, (_, code, words)) in enumerate(zip(results, FAULTS)):
        assert_refused(result, f"Cluster 'c{index}' in resource group 'rg1' could not be read: ", *words, code=code)


def test_a_cluster_or_group_that_is_not_there(arm, az):
    arm.add_cluster()
    for result in in_one_process(az, ['show -g rg1 -n gone', 'plan -g gone -n aks1', 'recommend -g rg1 -n gone']):
        assert_refused(result, 'could not be read', 'az aks list', code=3)


def test_among_several_ids_one_that_fails_is_named_and_fails_the_gate(arm, az):
    arm.add_cluster(ports=1024)
    arm.add_cluster('tight', pools=[pool(count=4)], ports=16000)
    gone, tight = CLUSTER.replace('aks1', 'gone'), CLUSTER.replace('aks1', 'tight')
    plain, gated, clean, error, table = together(lb(az), [
        f'plan --ids {CLUSTER} {gone} {tight}', f'plan --ids {CLUSTER} {gone} --fail-on error',
        f'plan --ids {CLUSTER} {CLUSTER.replace("rg1", "RG1")} --fail-on warning',
        f'plan --ids {CLUSTER} {tight} --fail-on error', f'plan --ids {CLUSTER} {tight} -o table'])
    assert (plain.code, gated.code, clean.code, error.code) == (0, 4, 0, 4)
    assert sorted(one['cluster']['name'] for one in plain.json) == ['aks1', 'tight']
    assert "Cluster 'gone' in resource group 'rg1' could not be read" in plain.stderr
    assert gated.json['cluster']['name'] == 'aks1'  # the CLI unwraps a single result
    rows = table.stdout.splitlines()[2:]
    assert {row.split()[0] for row in rows} == {'aks1', 'tight'} and 'az aks update' in table.stderr
