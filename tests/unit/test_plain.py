# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Long results pass the CLI uncopied, and come out as they went in."""

from azure.cli.core.commands import AzCliCommandInvoker
from azure.cli.core.util import todict
from knack.cli import CLI
from knack.events import EVENT_INVOKER_TRANSFORM_RESULT

from azext_lbplan import _plain


def passed(result):
    """What the CLI makes of a handler's result, up to where a query looks at it."""
    cli_ctx = CLI()
    _plain.register(cli_ctx)
    event_data = {'result': todict(result, AzCliCommandInvoker.remove_additional_prop_layer)}
    cli_ctx.raise_event(EVENT_INVOKER_TRANSFORM_RESULT, event_data=event_data)
    return event_data['result']


def test_a_long_result_is_not_copied():
    rows = [{'name': 'aks1', 'nodes': {'max': 3}, 'addresses': ['20.1.2.3', None, 1.5]}]
    assert passed(_plain.Plain(rows)) is rows


def test_other_results_are_left_alone():
    rows = [{'name': 'aks1'}]
    assert passed(rows) == rows and passed(rows) is not rows
