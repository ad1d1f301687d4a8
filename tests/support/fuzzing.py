"""Spoilt input to every command: files and answers of Azure that are anything but right.

    python3 tests/run.py python -m tests.support.fuzzing --cases 20000 --seed 7

Each case takes the shape of something real (shapes.py), spoils it (mutations.py), gives it to the handlers
that `az` calls, and judges what comes out (judging.py): no exception but the CLI's own errors, no case slower
than SLOWEST, no number that is not the arithmetic's. The same seed makes the same cases; a failure is shrunk.
"""
import argparse
import faulthandler
import json
import logging
import os
import tempfile
import time
from functools import partial
from types import SimpleNamespace
from unittest.mock import patch

import yaml
from hypothesis import HealthCheck, Phase, given, seed, settings, strategies as st
from knack.util import CLIError

from azext_lbplan.views import tables as _format
from azext_lbplan import custom, custom_service
from azext_lbplan.readers import arm as door, cluster as cluster_reader
from tests.support import shapes
from tests.support.judging import judge, judge_table
from tests.support.mutations import ODD_VALUES, OPERATIONS, spoil

#: Seconds of this process for the slowest case; a machine that does other things as well does not count against it.
SLOWEST = 20

#: Seconds after which a case hangs, for good: the run ends and shows where.
HANGS = 600

_TABLES = {'show': _format.show_table, 'plan': _format.plan_table, 'recommend': _format.recommend_table,
           'check': _format.check_table, 'list': _format.list_table, 'check-service': _format.check_service_table}
_HANDLERS = {'show': custom.lb_show, 'plan': custom.lb_plan, 'recommend': custom.lb_recommend, 'check': custom.lb_check}

#: What may be typed, besides the cluster.
_TYPED = ({}, {'outbound_ports': 4000}, {'outbound_ports': 64000}, {'outbound_ports': 0}, {'outbound_ports': 8},
          {'idle_timeout': 4}, {'allow_decrease': True}, {'outbound_ports': 1024, 'allow_decrease': True},
          {'managed_outbound_ip_count': 3}, {'managed_outbound_ip_count': 1, 'outbound_ports': 32000},
          {'backend_pool_type': 'nodeIP'})

_MUTATIONS = st.lists(st.tuples(st.integers(0, 9999), st.sampled_from(sorted(OPERATIONS)),
                                st.integers(0, len(ODD_VALUES) - 1)), min_size=1, max_size=6)


def file_cases():
    """(name of a shape, mutations, what is typed): a snapshot, or the output of `az aks show`."""
    return st.tuples(st.just('file'), st.sampled_from(sorted(shapes.snapshots())), _MUTATIONS, st.sampled_from(_TYPED))


def live_cases():
    """The same as answers of Azure."""
    return st.tuples(st.just('live'), st.sampled_from(sorted(shapes.snapshots())), _MUTATIONS, st.just({}))


def fleet_cases():
    """Rows of Resource Graph in a file."""
    return st.tuples(st.just('fleet'), st.booleans(), _MUTATIONS, st.just({}))


def manifest_cases():
    """A manifest, spoilt as a tree or as text."""
    return st.tuples(st.just('manifest'), st.integers(0, 10 ** 6), _MUTATIONS,
                     st.sampled_from(('tree', 'json', 'text')))


def cases():
    """Every kind; files and answers more often than the rest."""
    return st.one_of(file_cases(), file_cases(), live_cases(), fleet_cases(), manifest_cases())


def run(case):
    """Give one case to the handlers and judge what comes out."""
    kind, what, mutations, more = case
    started = time.process_time()
    with tempfile.TemporaryDirectory(prefix='lbplan-fuzz-') as folder:
        _KINDS[kind](folder, what, mutations, more)
    assert time.process_time() - started < SLOWEST, 'it took too long'


def _file(folder, name, mutations, typed):
    body = spoil(shapes.snapshots()[name], mutations)
    path = _write(folder, json.dumps(body))
    for command, handler in _HANDLERS.items():
        options = {**_options(command), **(typed if command in ('plan', 'recommend') else {})}
        _attempt(command, partial(handler, _cmd(), from_file=path, **options), _shares_rules(body))


def _live(folder, name, mutations, _):
    """What is read live is saved, and decides the same from the file."""
    snapshot = spoil(shapes.snapshots()[name], mutations)
    snapshot = snapshot if isinstance(snapshot, dict) and 'managedCluster' in snapshot else {'managedCluster': snapshot}
    for number, (command, handler) in enumerate(_HANDLERS.items()):
        file = os.path.join(folder, f'{number}.json')
        ask = partial(handler, _cmd(), **_options(command))
        with patch.object(cluster_reader, 'connect', lambda _, __=None: _Client(snapshot)):
            live = _attempt(command, partial(ask, resource_group_name='rg1', name='aks1', save_to=file))
        if live is not None:
            again = _attempt(command, partial(ask, from_file=file))
            assert json.dumps(again) == json.dumps(live), 'a snapshot decides otherwise than live'


class _Client(door.ArmClient):
    """The door to ARM with answers that were read before: a part of the snapshot for each path, or none."""

    def __init__(self, snapshot):  # not that of its class, which opens the door to Azure
        self.subscription_id = '11111111-1111-1111-1111-111111111111'
        self._snapshot = snapshot
        self._metrics = list(snapshot.get('metrics') or ()) if isinstance(snapshot.get('metrics'), list) else []

    def _receive(self, request):
        return json.dumps(self._answer(request.path.lower())).encode(), {}

    def _answer(self, path):
        if path.endswith('/metrics'):
            entry = self._metrics.pop(0) if self._metrics else None
            return entry.get('response') if isinstance(entry, dict) else entry
        if '/managedclusters/' in path:
            return self._snapshot['managedCluster']
        if path.endswith('/loadbalancers/kubernetes'):
            return self._snapshot.get('loadBalancer')
        key = 'publicIpPrefixes' if 'publicipprefixes' in path else 'publicIpAddresses'
        bodies = self._snapshot.get(key)
        if path.endswith(('/publicipprefixes', '/publicipaddresses')):
            return {'value': bodies}
        return bodies[0] if isinstance(bodies, list) and bodies else None


def _fleet(folder, as_answer, mutations, _):
    rows = shapes.graph_rows()
    body = spoil({'totalRecords': len(rows), 'data': rows} if as_answer else rows, mutations)
    path = _write(folder, json.dumps(body))
    _attempt('list', lambda: custom.lb_list(_cmd(), from_file=path))


def _manifest(folder, which, mutations, form):
    text = shapes.manifests()[which % len(shapes.manifests())]
    if form == 'text':
        for where, _, what in mutations:
            place = where % (len(text) + 1)
            text = text[:place] + str(ODD_VALUES[what]) + text[place + where % 3:]
    else:
        body = spoil(list(yaml.safe_load_all(text)), mutations)
        text = json.dumps(body[0] if body and isinstance(body, list) else body) if form == 'json' else _yaml(body)
    path = os.path.join(folder, 'file.yaml')
    with open(path, 'wb') as file:
        file.write(text.encode('utf-8', 'surrogatepass'))
    for cluster in (None, _write(folder, json.dumps(shapes.snapshots()['managed']))):
        _attempt('check-service', partial(custom_service.lb_check_service, _cmd(), filename=[path], from_file=cluster))


def _yaml(body):
    try:
        return yaml.safe_dump_all(body if isinstance(body, list) else [body], allow_unicode=True)
    except (yaml.YAMLError, ValueError, RecursionError):  # what YAML cannot hold, or its writer not reach
        return json.dumps(body)


_KINDS = {'file': _file, 'live': _live, 'fleet': _fleet, 'manifest': _manifest}


def _options(command):
    """What the validators fill in."""
    from datetime import timedelta
    filled = {'recommend': {'offset': timedelta(days=1), 'headroom': 25}, 'check': {'offset': timedelta(days=1)}}
    return filled.get(command, {})


def _attempt(command, handle, rules_share_frontends=True):
    """The judged result of a handler, None where it refused with an error of the CLI's own."""
    try:
        result = handle()
    except CLIError as error:
        lines = str(error).splitlines()
        assert len(lines) == 1 and lines[0].isprintable() and len(lines[0]) < 8000, f'one clear line: {error!r}'
        return None
    judge_table(_TABLES[command](result))
    return judge(command, result, rules_share_frontends)


def _shares_rules(body):
    """Whether rules may take ports from outbound frontends: only where a load balancer was read."""
    return not isinstance(body, dict) or any(str(key).lower() == 'loadbalancer' and body[key] for key in body)


def _cmd():
    invocation = SimpleNamespace(data={'output': 'json', 'query_active': False})
    return SimpleNamespace(cli_ctx=SimpleNamespace(
        invocation=invocation, register_event=lambda *_: None, only_show_errors=True))


def _write(folder, text):
    path = os.path.join(folder, f'{len(os.listdir(folder))}.json')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
    return path


def fuzz(strategy, number, start=0):
    """Run `number` cases of `strategy`, those of the seed `start`."""
    @seed(start)
    @settings(max_examples=number, deadline=None, database=None, phases=[Phase.generate, Phase.shrink],
              suppress_health_check=list(HealthCheck),  # whole commands are slow, and shapes are large
              report_multiple_bugs=False)
    @given(strategy)
    def each(case):
        faulthandler.dump_traceback_later(HANGS, exit=True)
        run(case)
    try:
        each()
    finally:
        faulthandler.cancel_dump_traceback_later()


def main():
    """Long runs."""
    parser = argparse.ArgumentParser(prog='python -m tests.support.fuzzing', description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--cases', type=int, default=20000)
    parser.add_argument('--seed', type=int, default=0)
    options = parser.parse_args()
    logging.disable(logging.CRITICAL)
    shares = {file_cases: 0.4, live_cases: 0.2, fleet_cases: 0.15, manifest_cases: 0.25}
    for kind, share in shares.items():
        started, number = time.monotonic(), max(1, round(options.cases * share))
        fuzz(kind(), number, options.seed)
        print(f'{kind.__name__}: {number} cases, seed {options.seed}, {time.monotonic() - started:.0f} s', flush=True)


if __name__ == '__main__':
    main()
