# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Long results, past the copy that the CLI makes of every result in case there are models of an SDK in it.

It looks at each value in turn: an eighth of what the rows of a fleet take, a fifth of what Services do
(tests/bench/RESULTS.md). What is wrapped here it passes on as it is, and it is unwrapped before a query or a table
looks at it. Only for results of texts, numbers, lists and dicts.
"""

from typing import Any, Dict

from knack.events import EVENT_INVOKER_TRANSFORM_RESULT


class Plain:  # pylint: disable=too-few-public-methods  # a wrapper
    """A result that needs no copy. Without a `__dict__` the CLI takes it for a value."""

    __slots__ = ('result',)

    def __init__(self, result: Any):
        self.result = result


def register(cli_ctx: Any) -> None:
    """Have results unwrapped once the CLI has copied what it copies."""
    cli_ctx.register_event(EVENT_INVOKER_TRANSFORM_RESULT, _unwrap)


def _unwrap(_: Any, event_data: Dict[str, Any]) -> None:
    if isinstance(event_data['result'], Plain):
        event_data['result'] = event_data['result'].result
