"""What every result holds, on every cluster: keys, types, and the arithmetic between the numbers."""
import ipaddress
import shlex
from functools import lru_cache

from azext_lbplan.rules.cluster import RULES

_TEXT, _COUNT, _FLAG, _LIST = (str, type(None)), (int, type(None)), (bool, type(None)), (list,)

CLUSTER = dict.fromkeys(('id', 'name', 'resourceGroup', 'nodeResourceGroup', 'subscriptionId', 'location',
                         'kubernetesVersion', 'provisioningState', 'powerState'), _TEXT)
NODES = {**dict.fromkeys(('current', 'max', 'surge', 'validated', 'required'), (int,)), 'backendPool': _COUNT,
         'bounded': (bool,), 'pools': _LIST}
POOL = {'name': (str,), **dict.fromkeys(('mode', 'type', 'priority', 'surgeSetting'), _TEXT),
        **dict.fromkeys(('current', 'max', 'surge', 'validated'), (int,))}
CONFIGURATION = {
    **dict.fromkeys(('outboundType', 'loadBalancerSku', 'backendPoolType'), _TEXT), 'ipSource': (str,),
    'outboundIps': _LIST, 'outboundIpPrefixes': _LIST, 'enableTcpReset': _FLAG, 'fits': _FLAG,
    **dict.fromkeys((
        'outboundIpCount', 'effectiveOutboundIpCount', 'managedOutboundIpCount', 'managedOutboundIpv6Count',
        'outboundPorts', 'portsPerNode', 'portsPerNodeAtMax', 'idleTimeoutInMinutes', 'availablePorts',
        'requiredPorts', 'headroomPorts', 'maxNodes', 'headroomNodes', 'maxPortsPerNode'), _COUNT)}
FINDING = {**dict.fromkeys(('code', 'severity', 'message'), (str,)), 'evidence': (dict,),
           **dict.fromkeys(('target', 'remediation', 'command', 'link', 'baseline'), _TEXT)}
WORST = {rule.code: rule.worst for rule in RULES}  # a row of a fleet asks nothing else of a rule
ALTERNATIVE = {'title': (str,), 'flags': _LIST, 'command': _TEXT, 'fits': _FLAG, 'consequence': (str,),
               'steps': _LIST}
ANY = (dict, type(None))
EGRESS = {'declared': (str,), 'effective': (str,), 'via': _TEXT, 'addresses': (list, type(None)), 'evidence': _LIST}
WAYS = ('loadBalancer', 'natGateway', 'virtualAppliance', 'virtualNetworkGateway', 'mixed', 'nodePublicIp', 'blocked',
        'unknown')
SHOW = {'cluster': ANY, 'egress': (dict,), 'nodes': (dict,), 'current': ANY, 'unverified': _LIST, 'code': ANY,
        'verdict': (dict,)}
DECISION = {**SHOW, 'proposed': ANY, 'findings': _LIST, 'flags': _LIST, 'prerequisites': _LIST, 'command': _TEXT,
            'commands': _LIST, 'noCommand': ANY, 'rollback': ANY, 'profile': ANY, 'fragments': (dict,),
            'mended': (list, type(None))}
ROLLBACK = {'flags': _LIST, 'command': _TEXT, 'notRestored': _LIST}
RESULTS = {'show': SHOW, 'plan': {**DECISION, 'requested': ANY, 'curve': (list, type(None))},
           'recommend': {**DECISION, 'status': (str,), 'reasons': _LIST, 'evidence': ANY, 'alternatives': _LIST,
                         'week': ANY, 'forecast': ANY}}
IP_SOURCES = ('managed', 'publicIps', 'prefixes', 'mixed', 'none')
STATUSES = ('change', 'ok', 'insufficientData', 'infeasible', 'notApplicable')
IP_OPTIONS = ('--load-balancer-managed-outbound-ip-count', '--load-balancer-managed-outbound-ipv6-count',
              '--load-balancer-outbound-ips', '--load-balancer-outbound-ip-prefixes')


def conform(command, result):
    """Assert that `result` of that command keeps the contract; gives it back."""
    _shape(result, RESULTS[command])
    egress(result['egress'])
    _shape(result['nodes'], NODES)
    for pool in result['nodes']['pools']:
        _shape(pool, POOL)
    if result['cluster'] is not None:
        _shape(result['cluster'], CLUSTER)
        assert result['current'] is not None, 'current is always an object on a cluster'
    for key in ('current', 'requested', 'proposed'):
        if result.get(key) is not None:
            _configuration(result[key], result['nodes'], is_proposed=key == 'proposed')
    if command != 'show':
        _decision(result)
    if command == 'recommend':
        assert result['status'] in STATUSES and result['reasons'] and all(result['reasons'])
        assert (result['status'] == 'change') == bool(result['flags'])
        for alternative in result['alternatives']:
            _shape(alternative, ALTERNATIVE)
    return result


def egress(one):
    """Assert the contract of `egress`, of any command: what is not as declared, or not known, has evidence."""
    _shape(one, EGRESS)
    assert one['effective'] in WAYS and all(one['evidence'])
    assert one['evidence'] or one['effective'] == one['declared'] == 'loadBalancer', one
    if one['effective'] in ('unknown', 'virtualAppliance', 'virtualNetworkGateway', 'nodePublicIp'):
        assert one['addresses'] is None
    for address in one['addresses'] or ():
        ipaddress.ip_network(address)


def _shape(value, keys):
    assert set(keys) <= set(value), f'missing: {set(keys) - set(value)}'
    for key, kinds in keys.items():
        assert isinstance(value[key], kinds), f'{key} is {value[key]!r}'
        assert bool in kinds or not isinstance(value[key], bool), f'{key} is {value[key]!r}'


def _is_taken(one):
    """Whether AKS takes each value by itself, before it counts ports; no IP at all carries nobody."""
    managed = one['managedOutboundIpCount']
    return (one['outboundPorts'] % 8 == 0 and one['outboundPorts'] <= 64000 and
            4 <= one['idleTimeoutInMinutes'] <= 120 and one['outboundIpCount'] != 0 and
            (one['ipSource'] != 'managed' or managed is None or 1 <= managed <= 100))


def _configuration(one, nodes, is_proposed=False):
    _shape(one, CONFIGURATION)
    assert one['ipSource'] in IP_SOURCES
    available, required = one['availablePorts'], one['requiredPorts']
    if None not in (available, required):
        assert one['headroomPorts'] == available - required
    if one['maxNodes'] is not None:
        assert one['headroomNodes'] == one['maxNodes'] - nodes['required']
    if one['outboundIpCount'] is not None:
        assert available == 64000 * one['outboundIpCount']
    if one['outboundPorts']:
        assert required == one['outboundPorts'] * nodes['validated']
        if not is_proposed:
            counted = None if available is None else required <= available
            assert one['fits'] == (counted if _is_taken(one) else False)
        elif one['fits']:
            assert one['outboundPorts'] * nodes['required'] <= available
        assert available is None or one['maxNodes'] == available // one['outboundPorts']


def _decision(result):
    assert set(result['fragments']) == {'terraform', 'bicep', 'aso', 'capz'}
    assert any(result['fragments'].values()) == bool(result['flags']), 'a line and its fragments go together'
    no_command = result['noCommand']
    assert (result['command'] is None) == (no_command is not None)
    if no_command is not None:
        _shape(no_command, {'reason': (str,), 'message': (str,), 'waysOut': _LIST})
        assert bool(no_command['waysOut']) == (no_command['reason'] == 'addressUnusable')
        for way in no_command['waysOut']:
            _shape(way, {'title': (str,), 'consequence': (str,), 'commands': _LIST})
            assert way['title'] and way['consequence']
            assert not any('--load-balancer-' in line for line in way['commands'])
    if result['proposed'] and result['proposed']['fits']:
        assert no_command is None or no_command['reason'] == 'nothingToDo', no_command
    lines = {finding['command'] for finding in result['findings'] if '--load-balancer-' in (finding['command'] or '')}
    assert lines <= {result['command']}, 'one line with load balancer options, everywhere the same'
    assert (result['command'] is None) == (result['commands'] == []) == (result['flags'] == [])
    assert result['commands'] == [*result['prerequisites'], *filter(None, [result['command']])]
    severities = ('error', 'warning', 'info')
    ranks = [severities.index(finding['severity']) for finding in result['findings']]
    assert ranks == sorted(ranks), 'the worst finding comes first'
    for finding in result['findings']:
        _shape(finding, FINDING)
        assert severities.index(finding['severity']) >= severities.index(WORST[finding['code']]), finding
    assert (result['rollback'] is None) == (result['command'] is None or result['cluster'] is None)
    if result['rollback']:
        _way_back(result['rollback'], result)
    if result['command']:
        _command(result)


def _way_back(back, result):
    """Its line is the command with other options; it says what it does not bring back, or why there is none."""
    _shape(back, ROLLBACK)
    assert back['notRestored'] and (back['command'] is None) == (back['flags'] == [])
    if back['command']:
        argv, there = _words(back['command']), _words(result['command'])
        assert argv == there[:-len(result['flags'])] + back['flags']


@lru_cache(maxsize=4096)
def _words(line):
    """What a shell makes of a line; thousands of results share theirs."""
    return shlex.split(line)


def option(name, value):
    """What az takes for this option and value: @ in front would be a file to read, a hyphen another option."""
    value = f'\ufffd{value[1:]}' if value[0] == '@' else value
    return [f'{name}={value}'] if value[0] == '-' else [name, value]


def _command(result):
    """One line that a shell takes apart into exactly what was meant, naming the cluster and the flags as they are."""
    argv, cluster, flags = _words(result['command']), result['cluster'], result['flags']
    assert argv[:3] == ['az', 'aks', 'create' if cluster is None else 'update'] and argv[-len(flags):] == flags
    if cluster and cluster['name'] and cluster['subscriptionId'] and cluster['resourceGroup']:
        assert argv[3:-len(flags)] == [*option('--resource-group', cluster['resourceGroup']),
                                       *option('--name', cluster['name']),
                                       *option('--subscription', cluster['subscriptionId'])]
    if result['proposed']['ipSource'] == 'mixed':
        assert not set(flags) & set(IP_OPTIONS), 'an IP option would remove the other IPs of a mixed profile'
    for line in result['prerequisites']:
        assert _words(line)[:3] == ['az', 'network', 'public-ip']
