"""One truth: of a cluster from `tests.support.generated`, what any two commands, and any two lines of one answer, must
not contradict each other in; judged by `tests.support.oracle`, not by the package's own arithmetic.

    python3 tests/run.py python -m tests.support.one_truth                    the clusters that the tests take
    python3 tests/run.py python -m tests.support.one_truth --first 5000 --clusters 20000
    python3 tests/run.py python -m tests.support.one_truth --first 1234 --clusters 1 --save here.json

It prints what broke, by property, with the seeds, and keeps the snapshot of the first; exit code 1 where anything did.
"""
import argparse
import json
import os
import re
import sys
import tempfile
import traceback
from typing import NamedTuple

from tests.azure import aks_rules, ids
from tests.support.answers import answer
from tests.support.generated import generate
from tests.support.oracle import NEW_IP, NEW_PREFIX, UPDATE, Refused, parse

#: What holds for every cluster.
PROPERTIES = {
    'no crash': 'a command gives an answer',
    'plan is recommend': 'plan, and recommend and check without metrics, give the same line',
    'check is recommend': 'check and recommend give the same line from the same metrics',
    'options': 'plan and recommend without metrics give the same line for the same options',
    'show is plan': 'show, plan and list tell the same of what is in force',
    'one line': 'a result has one line with load balancer options at most, and every finding has that one',
    'command or reason': 'there is a command or a reason why there is none; the keys of a result agree',
    'fits is true': 'proposed.fits is true only where it holds at full scale and there is a way there; no way leads to '
                    'what does not fit',
    'taken': 'the CLI and AKS take what is printed',
    'mended': 'after the commands nothing is left that they claimed to mend',
    'nothing new': 'after the commands nothing is found that was not found before',
    'dropped': 'where the real az aks update drops an option in silence there is no line, and the reason says so',
    'settled': 'after the commands there is nothing to do',
    'as proposed': 'after the commands is in force what was proposed, and the cluster has the printed profile',
    'way back': 'after the commands rollback sets again what was in force, but for what it says',
    'fits is AKS\'s': 'current.fits is what AKS answers to the settings as they are',
    'nothing to do': 'where there is said to be nothing to do, AKS takes the cluster as it is',
    'requested': 'requested is what the real az aks update makes of the options, and its fits what AKS answers',
    'reconciled': 'a line that only reconciles mends what it stands beside',
}

_RANKS = {'error': 0, 'warning': 1, 'info': 2}
_MILDEST = 3  # not there at all
_ELSEWHERE = ('alternatives', 'moves', 'rollback')

#: Options of a handler as `az aks update` has them.
_FLAGS = {name: f"--load-balancer-{flag}" for name, flag in (
    ('managed_outbound_ip_count', 'managed-outbound-ip-count'), ('outbound_ips', 'outbound-ips'),
    ('managed_outbound_ipv6_count', 'managed-outbound-ipv6-count'), ('outbound_ip_prefixes', 'outbound-ip-prefixes'),
    ('outbound_ports', 'outbound-ports'), ('idle_timeout_in_minutes', 'idle-timeout'),
    ('backend_pool_type', 'backend-pool-type'))}

#: The same in a column of a result.
_COLUMNS = {'managed_outbound_ip_count': 'managedOutboundIpCount', 'outbound_ips': 'outboundIps',
            'managed_outbound_ipv6_count': 'managedOutboundIpv6Count', 'outbound_ip_prefixes': 'outboundIpPrefixes',
            'outbound_ports': 'outboundPorts', 'idle_timeout_in_minutes': 'idleTimeoutInMinutes',
            'backend_pool_type': 'backendPoolType'}

#: What a rule on the change says beforehand, and the one that then finds it.
_FORETOLD = {'ManyOutboundIps': 'TooManyOutboundIps'}

#: What compares the metrics of before with the settings of after.
_OF_OLD_METRICS = {'MeasuredAllocationDiffers', 'PortsHeldByIdleFlows'}

#: What a column says of the settings, whatever has come to be in force of them.
_SETTINGS = ('ipSource', 'outboundIpCount', 'managedOutboundIpCount', 'managedOutboundIpv6Count', 'outboundPorts',
             'idleTimeoutInMinutes', 'backendPoolType', 'availablePorts', 'requiredPorts', 'portsPerNodeAtMax',
             'maxNodes')
_ROW = ('ipSource', 'outboundType', 'outboundIpCount', 'outboundPorts', 'portsPerNode', 'portsPerNodeAtMax',
        'availablePorts', 'requiredPorts', 'headroomNodes', 'fits')


#: What AKS says where ports x nodes exceed what the IPs have.
_TOO_FEW_PORTS = 'ports are available given'

#: What AKS says of own addresses and of their mode, which is no matter of `fits`.
_ABOUT_ADDRESSES = re.compile('outbound IPs, error|outbound IP prefixes, |exactly one of')

#: What a reader of a failure does without.
_LONG_ID = re.compile(r'/subscriptions/[^/\s]+/resourceGroups/[^/\s]+/providers/Microsoft\.Network/', re.I)


class Violation(NamedTuple):
    """A property that does not hold for the cluster of a seed, and how."""

    property: str
    seed: int
    text: str


def judge(seed):
    """What does not hold for the cluster of that seed."""
    return _Judge(generate(seed)).violations()


def lines(result):
    """The different lines with load balancer options in `result`, outside of what speaks of other ways."""
    found = (part for text in _commands(result, _ELSEWHERE) for part in text.split(' && ')
             if '--load-balancer-' in part)
    return list(dict.fromkeys(found))


def _commands(value, without=()):
    """The lines to run anywhere in a result."""
    found = []
    left = [value]
    while left:
        one = left.pop()
        if isinstance(one, dict):
            for key, inner in one.items():
                if key in ('command', 'commands') and inner:
                    found += [inner] if isinstance(inner, str) else inner
                elif key not in without:
                    left.append(inner)
        elif isinstance(one, list):
            left += one
    return found


class _Judge:
    def __init__(self, world):
        self.world = world
        self._violations = []
        self._snapshot = world.snapshot()
        self._without_metrics = None
        self._by_metrics = set()
        self._parsed_lines = set()
        self._worlds = {}

    def violations(self):
        """All of them."""
        for step in (self._as_it_is, self._with_metrics, self._with_options):
            try:
                step()
            except Exception:  # whatever it is: the seed is to be told
                self._fail('no crash', traceback.format_exc(limit=-4))
        return self._violations

    def _fail(self, name, text):
        self._violations.append(Violation(name, self.world.seed, text))

    def _hold(self, name, truth, text):
        if not truth:
            self._fail(name, text)

    # what is asked

    def _as_it_is(self):
        plan, recommend, check, show = (answer(command, self._snapshot)
                                        for command in ('plan', 'recommend', 'check', 'show'))
        for command, result in (('plan', plan), ('recommend', recommend), ('check', check)):
            self._whole(command, result)
        self._same('plan is recommend', ('plan', plan), ('recommend', recommend))
        self._same('plan is recommend', ('recommend', recommend), ('check', check))
        self._without_metrics = check
        self._show(show, plan, check)
        self._current(plan)
        self._nothing_to_do(plan)
        self._apply({}, ('plan', plan), ('check', check))
        self._alternatives(recommend)
        self._reconcile(plan, check)

    def _with_metrics(self):
        if not self.world.metrics:
            return
        snapshot = self.world.snapshot(with_metrics=True)
        recommend, check = answer('recommend', snapshot), answer('check', snapshot)
        for command, result in (('recommend', recommend), ('check', check)):
            self._whole(command, result)
        self._same('check is recommend', ('recommend', recommend), ('check', check))
        self._by_metrics = _codes(check) - _codes(self._without_metrics)
        self._apply({}, ('recommend', recommend), ('check', check), metrics=True)
        self._alternatives(recommend)

    def _with_options(self):
        options = self.world.options
        if not options:
            return
        plan, recommend = (answer(command, self._snapshot, **options) for command in ('plan', 'recommend'))
        for command, result in (('plan', plan), ('recommend', recommend)):
            self._whole(f'{command} {options}', result)
        self._same('options', (f'plan {options}', plan), ('recommend', recommend))
        self._requested(options, plan)
        self._apply(options, ('plan', plan))
        self._alternatives(recommend)

    # one result

    def _whole(self, command, result):
        line, found = result.get('command'), lines(result)
        self._hold('one line', len(found) <= 1 and found in ([], [line]) and (line is None or found == [line]),
                   f'{command}: {line} is the command, and the lines are {found}')
        if not {'command', 'commands', 'noCommand', 'flags', 'prerequisites'} <= set(result):
            self._fail('command or reason', f'{command} has the keys {sorted(result)}')
        else:
            self._keys(command, result)
        if result.get('proposed'):
            self._fits(command, result)
        for text in dict.fromkeys(part for one in _commands(result) for part in one.split(' && ')):
            self._parsed(command, text)

    def _keys(self, command, result):
        line, reason = result['command'], result['noCommand']
        prerequisites = result['prerequisites']
        self._hold('command or reason', (line is None) != (reason is None), f'{command}: {line} and {reason}')
        self._hold('command or reason', result['commands'] == ([] if line is None else [*prerequisites, line]),
                   f"{command}: commands are {result['commands']}, the command is {line}")
        self._hold('command or reason', (result['flags'] == []) == (line is None) and
                   (line is not None or prerequisites == []),
                   f"{command}: flags are {result['flags']}, prerequisites {prerequisites}, the command is {line}")

    def _fits(self, command, result):
        proposed, required = result['proposed'], result['nodes']['required']
        self._hold('fits is true', result['command'] is None or proposed['fits'] is not False,
                   f"{command}: proposed.fits is false, and there is {result['command']}")
        if proposed['fits'] is not True:
            return
        self._hold('fits is true', result['command'] is not None or _nothing_to_do(result),
                   f"{command}: proposed.fits is true, no command, {result.get('noCommand')}")
        needed = (proposed['outboundPorts'] or 0) * required
        self._hold('fits is true', needed <= 64000 * (proposed['outboundIpCount'] or 0) or not needed,
                   f"{command}: proposed.fits is true, {required} nodes need {needed} ports of "
                   f"{proposed['outboundIpCount']} IPs")

    def _parsed(self, command, text):
        if not text.startswith(tuple(f'az {one} ' for one in (UPDATE, NEW_IP, NEW_PREFIX))):
            return
        if '--outbound-type' in text or text in self._parsed_lines:  # a move asks the cluster for more than its options
            return
        self._parsed_lines.add(text)
        try:
            parse(text)
        except Refused as error:
            self._fail('taken', f'{command}: {error}')

    def _same(self, name, one, other):
        (command, result), (other_command, other_result) = one, other
        for key in ('flags', 'command', 'commands', 'noCommand'):
            here, there = (_reason(value.get(key, 'no such key')) for value in (result, other_result))
            self._hold(name, here == there, f'{key}: {command} has {here}, {other_command} has {there}')

    def _show(self, show, plan, check):
        for key in ('cluster', 'nodes', 'current'):
            self._hold('show is plan', show[key] == plan[key], f'{key}: {show[key]}, {plan[key]}')
        if self._snapshot.get('errors'):
            return  # a list knows of no errors
        row = answer('list', self._snapshot)[0]
        nodes = {key: show['nodes'][key] for key in row['nodes']}
        self._hold('show is plan', row['nodes'] == nodes, f"nodes: list has {row['nodes']}, show {nodes}")
        for key in _ROW:
            self._hold('show is plan', row[key] == show['current'][key],
                       f"{key}: list has {row[key]}, show {show['current'][key]}")
        top = next((one['code'] for one in check['findings'] if one['code'] != 'OutboundTypeMoves'), None)
        self._hold('show is plan', (row['status'], row['topFinding']) == (check['status'], top),
                   f"list has {row['status']}, {row['topFinding']}; check {check['status']}, {top}")

    # against Azure

    def _current(self, plan):
        """`fits`, where as many nodes are counted."""
        fits, counted = plan['current']['fits'], aks_rules.validated_nodes(self.world.body['properties'])
        if not self.world.on_load_balancer or fits is None or plan['nodes']['validated'] != counted:
            return
        refusal = self.world.azure.refusal(self.world.cluster, with_network=False)
        if self.world.ip_count_is_known and not _ABOUT_ADDRESSES.search(refusal or ''):
            self._hold("fits is AKS's", fits == (refusal is None), f'current.fits is {fits}, and AKS says: {refusal}')

    def _nothing_to_do(self, plan):
        if _nothing_to_do(plan) and self.world.on_load_balancer:
            refusal = self.world.azure.refusal(self.world.cluster, with_network=self.world.balancer_was_read)
            self._hold('nothing to do', refusal is None, f'plan has nothing to do, and AKS says: {refusal}')

    def _apply(self, options, *named, metrics=False):
        """Run what each result says, ask again, and look."""
        for command, result in named:
            if not result.get('commands'):
                continue
            after = self._run(f'{command} {options}', result['commands'])
            if after is None:
                continue
            again = _as_answered(options, result.get('proposed'))
            new = answer(command, after.snapshot(metrics, again), **again)
            known = self.world.ip_count_is_known or (new.get('noCommand') or {}).get('reason') != 'unknownIpCount'
            bypassed = (new.get('noCommand') or {}).get('reason') == 'otherEgress'
            self._hold('settled', new.get('command') is None and (_nothing_to_do(new) or bypassed or not known),
                       f"{command} {options}: after {result['commands'][-1]} it says {new.get('command')}, "
                       f"{new.get('noCommand')}")
            self._mended(f'{command} {options}', result, new)
            self._nothing_new(f'{command} {options}', result, new)
            if result.get('proposed') and 'current' in new:
                self._as_proposed(command, result, new, after)
                self._back(f'{command} {options}', result)

    def _run(self, command, commands):
        """The world after these lines; None where they are refused."""
        key = tuple(commands)
        if key not in self._worlds:
            before = self._worlds.get(key[:-1])
            self._worlds[key] = after = (before or self.world).fork()
            try:
                for line in commands[-1:] if before else commands:
                    after.azure.run(line)
            except Refused as error:
                self._worlds[key] = None
                # How many ports prefixes bring that could not be read, nobody can tell.
                if self.world.ip_count_is_known or _TOO_FEW_PORTS not in str(error):
                    self._fail('taken', f'{command}: {commands} is refused: {error}')
        return self._worlds[key]

    def _mended(self, command, result, new):
        """Each finding that has the command is gone, or milder. What metrics have shown stays in the old metrics."""
        left = {}
        for finding in new['findings']:
            left[_place(finding)] = min(left.get(_place(finding), _MILDEST), _RANKS[finding['severity']])
        for finding in result['findings']:
            if '--load-balancer-' in (finding['command'] or '') and finding['code'] not in self._by_metrics:
                self._hold('mended', left.get(_place(finding), _MILDEST) > _RANKS[finding['severity']],
                           f"{command}: {finding['code']} is still there after {result['command']}")

    def _nothing_new(self, command, result, new):
        """Errors and warnings, by their codes. What was said of the line beforehand is not new."""
        known = _codes(result) | {_FORETOLD.get(code) for code in _codes(result)} | _OF_OLD_METRICS
        for finding in new['findings']:
            self._hold('nothing new', finding['severity'] == 'info' or finding['code'] in known,
                       f"{command}: {finding['code']} is new after {result['command']}: {finding['message']}")

    def _as_proposed(self, command, result, new, after):
        for key in _SETTINGS:
            before, now = result['proposed'][key], new['current'][key]
            self._hold('as proposed', before == now, f"{command}: {key} was proposed as {before}, and is {now} after "
                                                     f"{result['command']}")
        if 'profile' in result:
            printed, stored = _profile(result['profile']), _profile(after.profile)
            self._hold('as proposed', printed == stored, f'{command}: the profile is printed as {printed}, and is '
                                                         f'{stored}')

    def _back(self, command, result):
        """What the way back sets, after the commands."""
        back, lines_ = result['rollback'], result['commands']
        told = ' '.join(back['notRestored'])
        self._hold('way back', bool(told) and (back['command'] is None) == (back['flags'] == []), f'{command}: {back}')
        if back['command'] is None or 'may refuse' in told:
            return
        after = self._run(f'{command}, and back', [*lines_, back['command']])
        if after is None:
            self._fail('way back', f"{command}: {back['command']} is refused")
            return
        before, now = _column(result['current']), _profile(after.profile)
        if 'idle timeout' in told:
            now['idle'] = before['idle']
        self._hold('way back', before == now, f"{command}: {before} was in force, and {now} is after "
                                              f"{back['command']}")

    def _alternatives(self, recommend):
        """One that is said to fit is taken, as far as nothing must be made for it."""
        for other in recommend['alternatives']:
            line = other['command']
            if line and other['fits'] is True and '--outbound-type' not in line and not self._names_new(line):
                self._run(f"the alternative {other['title']}", [line])

    def _names_new(self, line):
        """Whether a line names addresses that are not there yet."""
        return any(part.startswith('/subscriptions/') and part.lower() not in self.world.azure.resources
                   for part in line.replace(',', ' ').split())

    def _reconcile(self, *results):
        """Lines beside findings that have no load balancer options make AKS set the profile again."""
        found = [finding['command'] or '' for result in results for finding in result['findings']]
        for line in dict.fromkeys(one for one in found if one.startswith(f'az {UPDATE} ') and
                                  '--load-balancer-' not in one):
            after = self._run('reconcile', [line])
            if after is None:
                continue
            for command, result in zip(('plan', 'check'), results):
                left = set(map(_place, answer(command, after.snapshot())['findings']))
                for finding in result['findings']:
                    self._hold('reconciled', finding['command'] != line or _place(finding) not in left,
                               f"{command}: {finding['code']} is still there after {line}")

    def _requested(self, options, plan):
        """What the real CLI makes of the options, and whether AKS takes it."""
        typed = _flags(options)
        if not typed or not plan.get('requested'):
            return
        if not self.world.on_load_balancer:
            self._dropped(options, typed, plan)
            return
        after = self.world.fork()
        requested = plan['requested']
        about = ids.parse(self.world.body['id'])
        try:
            after.azure.run(' '.join(['az', UPDATE, '--resource-group', about['group'], '--name', about['name'],
                                      '--subscription', about['subscription'], *typed]))
        except Refused as error:
            # What AKS refuses for other reasons than the sum of the ports says nothing about that.
            if _TOO_FEW_PORTS in str(error):
                self._hold('requested', requested['fits'] is not True, f'{options}: requested.fits is true; {error}')
            return
        counted = plan['nodes']['validated'] == aks_rules.validated_nodes(after.body['properties'])
        self._hold('requested', not (requested['fits'] is False and counted),
                   f'{options}: requested.fits is false, and AKS takes it')
        self._hold('requested', _column(requested) == _profile(after.profile),
                   f'{options}: requested is {_column(requested)}, az makes {_profile(after.profile)}')

    def _dropped(self, options, typed, plan):
        """The backend pool type is inbound, and the CLI sends no profile on other outbound types."""
        after = self.world.fork()
        about = ids.parse(self.world.body['id'])
        after.azure.run(' '.join(['az', UPDATE, '--resource-group', about['group'], '--name', about['name'],
                                  '--subscription', about['subscription'], *typed]))
        before, wanted = _profile(self.world.profile)['pool type'], options['backend_pool_type']
        self._hold('dropped', plan['command'] is None, f"{options}: there is {plan['command']}")
        if after.profile == self.world.profile:
            reason = 'nothingToDo' if before == wanted else 'cliDropsOption'
            self._hold('dropped', plan['noCommand']['reason'] == reason,
                       f"{options}: az changes nothing, and the reason is {plan['noCommand']}")


def _place(finding):
    """What makes a finding the same one later."""
    return finding['code'], finding['target']


def _codes(result):
    return {finding['code'] for finding in result['findings']}


def _nothing_to_do(result):
    return (result.get('noCommand') or {}).get('reason') == 'nothingToDo'


def _reason(value):
    """Of `noCommand` the reason: what the text says may differ."""
    return value['reason'] if isinstance(value, dict) else value


def _flags(options):
    """Load balancer options of a handler as `az aks update` takes them."""
    return [word for name, value in options.items() if name in _FLAGS
            for word in (_FLAGS[name], ','.join(value) if isinstance(value, tuple) else str(value))]


def _as_answered(options, proposed):
    """`options` with the values that are proposed for them: there may be more IPs than were typed."""
    return {name: _like(value, proposed[_COLUMNS[name]]) if name in _COLUMNS else value
            for name, value in options.items()}


def _like(value, proposed):
    return tuple(proposed) if isinstance(value, tuple) else proposed


def _profile(profile):
    """What a load balancer profile says, with Azure's defaults filled in."""
    count, ipv6, own, prefixes = aks_rules.wanted(profile)
    return {'count': count, 'ipv6': ipv6, 'ips': {one.lower() for one in own},
            'prefixes': {one.lower() for one in prefixes}, 'ports': profile.get('allocatedOutboundPorts') or 0,
            'idle': profile.get('idleTimeoutInMinutes') or 30,
            'pool type': profile.get('backendPoolType') or 'nodeIPConfiguration'}


def _column(column):
    """The same of a column of a result."""
    return {'count': column['managedOutboundIpCount'] or 0, 'ipv6': column['managedOutboundIpv6Count'] or 0,
            'ips': {one.lower() for one in column['outboundIps']},
            'prefixes': {one.lower() for one in column['outboundIpPrefixes']}, 'ports': column['outboundPorts'],
            'idle': column['idleTimeoutInMinutes'], 'pool type': column['backendPoolType']}


def report(violations, name=None, most=5):
    """What broke of a property (of all), and where the snapshot of the first is; None where nothing did."""
    chosen = [one for one in violations if name in (None, one.property)]
    if not chosen:
        return None
    seeds = list(dict.fromkeys(one.seed for one in chosen))
    texts = [f'{len(seeds)} clusters break it, such as the seeds {seeds[:8]}. '
             f'The snapshot of {seeds[0]} is in {save(seeds[0])}']
    texts += [f'[{one.seed}] {_LONG_ID.sub("", one.text)}' for one in chosen[:most]]
    return '\n\n'.join(texts)


def save(seed, path=None):
    """Write the snapshot of a seed, with its options beside it; returns the path."""
    world = generate(seed)
    path = path or os.path.join(tempfile.gettempdir(), f'lbplan-cluster-{seed}.json')
    with open(path, 'w', encoding='utf-8') as file:
        json.dump({**world.snapshot(with_metrics=True), 'seed': seed, 'options': world.options}, file)
    return path


def main(arguments=None):
    """Judge clusters; 1 where something broke."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--first', type=int, default=0, help='the first seed')
    parser.add_argument('--clusters', type=int, default=2000, help='how many')
    parser.add_argument('--save', metavar='FILE', help='write the snapshot of the first seed there')
    given = parser.parse_args(arguments)
    if given.save:
        print(save(given.first, given.save))
    violations = [one for seed in range(given.first, given.first + given.clusters) for one in judge(seed)]
    for name, meaning in PROPERTIES.items():
        seeds = {one.seed for one in violations if one.property == name}
        print(f'{name}: {meaning}: {len(seeds)} of {given.clusters} clusters break it')
        if seeds:
            print(report(violations, name), end='\n\n')
    return 1 if violations else 0


if __name__ == '__main__':
    sys.exit(main())
