"""The commands as one process asks them: a snapshot goes in, results come out; no login, no network, no file.

The only module of these tests that knows how a handler is reached. Options are those of the handlers, by their names.
"""
import gc
import inspect
import json
import os
import tempfile
from contextlib import ExitStack, contextmanager
from functools import lru_cache
from types import SimpleNamespace
from unittest.mock import patch

from knack.events import EVENT_CLI_SUCCESSFUL_EXECUTE

from azext_lbplan import custom, demand
from azext_lbplan.demand import observed as measuring
from azext_lbplan.facts.ids import parse_id
from azext_lbplan.facts.networks import PREFIX_TYPE, PUBLIC_IP_TYPE
from azext_lbplan.model import answers as metric_answers
from azext_lbplan.model.observed import parse_observed
from azext_lbplan.options import DEFAULT_HEADROOM
from azext_lbplan.readers import snapshot as snapshot_file

#: What the validators of the commands fill in.
_FILLED_IN = {'recommend': {'headroom': DEFAULT_HEADROOM}}

#: What a snapshot holds of what Azure Resource Graph knows as well.
_NETWORK = ('publicIpAddresses', 'publicIpPrefixes', 'subnets', 'routeTables', 'natGateways')

#: Demands by the metrics that they were measured from: the same few serve thousands of clusters. The metrics stand
#: beside each, so that no other object comes to have their identity.
_MEASURED = {}
_measure = measuring.measure_observed

#: The metrics of the snapshot before, parsed: most often it is asked about again.
_PARSED = {}
_parse = metric_answers.answers_from_snapshot


def answer(command, snapshot, **options):
    """What `az aks lb COMMAND --from-file` prints of `snapshot`; `list` of its cluster as the only one."""
    return _run(command, snapshot, options)[0]


def answers(snapshot, commands=('show', 'plan', 'recommend', 'check'), **options):
    """The results of several commands with the same options, by command."""
    return {command: answer(command, snapshot, **options) for command in commands}


def exit_code(command, snapshot, **options):
    """The exit code of the CLI, after the result was printed."""
    try:
        for handler in _run(command, snapshot, options)[1]:
            handler()
    except SystemExit as error:
        return error.code
    return 0


def _run(command, snapshot, options):
    after_output = []
    context = SimpleNamespace(data={}, invocation=SimpleNamespace(data={'output': 'json'}),
                              register_event=lambda event, handler: after_output.append(handler)
                              if event == EVENT_CLI_SUCCESSFUL_EXECUTE else None)
    handler = getattr(custom, f'lb_{command}')
    with ExitStack() as stack:
        path = stack.enter_context(_fleet_file(snapshot)) if command == 'list' else 'snapshot.json'
        stack.enter_context(patch.object(snapshot_file, 'load', lambda *_: [parse_observed(snapshot)]))
        stack.enter_context(remembering())
        # What is good for a process that runs one command takes milliseconds of each of thousands.
        stack.enter_context(patch.object(gc, 'get_freeze_count', lambda: 1))
        result = handler(SimpleNamespace(cli_ctx=context), from_file=path,
                         **_as_taken(handler, {**_FILLED_IN.get(command, {}), **_validated(options)}))
    return json.loads(json.dumps(result, allow_nan=False)), after_output


@contextmanager
def remembering():
    """Meanwhile, metrics that were parsed and measured before are not once more."""
    with ExitStack() as stack:
        for module in (demand, measuring):
            if hasattr(module, 'measure_observed'):
                stack.enter_context(patch.object(module, 'measure_observed', _remembered))
        stack.enter_context(patch.object(metric_answers, 'answers_from_snapshot', _parsed))
        yield


def _validated(options):
    """The options as the validators leave them: ids parsed."""
    return {name: tuple(parse_id(one, PUBLIC_IP_TYPE, PREFIX_TYPE) for one in value)
            if name in ('outbound_ips', 'outbound_ip_prefixes') and value else value for name, value in options.items()}


def _as_taken(handler, options):
    """The idle timeout by the name that the handler has for it."""
    names = {} if 'idle_timeout_in_minutes' in _parameters(handler) else {
        'idle_timeout_in_minutes': 'idle_timeout'}
    return {names.get(name, name): value for name, value in options.items()}


@lru_cache(maxsize=None)
def _parameters(handler):
    return inspect.signature(handler).parameters


@contextmanager
def _fleet_file(snapshot):
    """A file with the resources of the snapshot as Azure Resource Graph would give them."""
    rows = [row for row in (snapshot['managedCluster'], snapshot.get('loadBalancer'),
                            *(row for key in _NETWORK for row in snapshot.get(key, ()))) if row]
    handle, path = tempfile.mkstemp(suffix='.json')
    with os.fdopen(handle, 'w', encoding='utf-8') as file:
        file.write(json.dumps(rows))  # unlike dump, in C
    try:
        yield path
    finally:
        os.unlink(path)


def _remembered(observed):
    if not observed.metrics:
        return _measure(observed)
    cluster = observed.cluster
    key = (tuple(id(answer.response) for answer in observed.metrics), cluster.on_standard_load_balancer,
           cluster.stopped, cluster.profile.idle_timeout_in_minutes)
    if key not in _MEASURED:
        _MEASURED[key] = observed.metrics, _measure(observed)
    return _MEASURED[key][1]


def _parsed(metrics):
    if _PARSED.get('metrics') is not metrics:
        _PARSED.update(metrics=metrics, answers=_parse(metrics))
    return _PARSED['answers']
