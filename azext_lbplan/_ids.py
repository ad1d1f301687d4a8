# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What `--ids` takes beyond the CLI's own handling of it, which runs one handler per id, several in threads."""

from typing import Any

from azure.cli.core.azclierror import RequiredArgumentMissingError
from knack.events import EVENT_CLI_POST_EXECUTE, EVENT_INVOKER_POST_PARSE_ARGS

from .readers import interrupt


def register(cli_ctx: Any) -> None:
    """Have the ids looked at once the CLI has parsed them."""
    cli_ctx.register_event(EVENT_INVOKER_POST_PARSE_ARGS, look_at_ids)


def look_at_ids(cli_ctx: Any, args: Any, **_: Any) -> None:
    """Refuse ids that name nothing; with several note that, and watch for an interrupt.

    The CLI answers an empty list of ids (another command printed none) with an empty result and exit code 0: a gate
    that looked at nothing would pass.
    """
    name = getattr(args, 'name', None)
    if getattr(args, '_ids', None) is None or not isinstance(name, list):
        return
    if not name:
        raise RequiredArgumentMissingError('--ids names no cluster: nothing was looked at.',
                                           'Where another command prints the ids, see why it printed none.')
    if len(name) > 1:
        from ._outcome import expect_several
        expect_several(cli_ctx)
        end = interrupt.watch()
        cli_ctx.register_event(EVENT_CLI_POST_EXECUTE, lambda *_, **__: end())
