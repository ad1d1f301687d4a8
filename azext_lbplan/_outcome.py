# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What happens after the result was printed: hints for a person, and exit code 4 for `--fail-on`.

With several `--ids` the CLI runs a handler once per id, side by side; all of them share one outcome.
"""

import gc
import threading
from typing import Any, Iterable, List, Optional, TypeVar

from knack.events import EVENT_CLI_SUCCESSFUL_EXECUTE
from knack.log import get_logger

from .model.finding import ERROR, SEVERITIES
from .views.hints import Hint

#: Exit code when a finding of the severity of `--fail-on` exists.
FAILED_EXIT_CODE = 4

_KEY = 'lbplan_outcome'
_LOCK = threading.Lock()

_Result = TypeVar('_Result')

logger = get_logger(__name__)


class Outcome:
    """The outcome of one invocation of the CLI."""

    def __init__(self, invocation: Any):
        self._invocation = invocation
        self._running = 0
        self._gating = False
        self._failed = False
        self._hints: List[Hint] = []

    @classmethod
    def start(cls, cli_ctx: Any, fail_on: Optional[str] = None) -> 'Outcome':
        """The outcome of this invocation, with one more handler running."""
        with _LOCK:
            data = cli_ctx.invocation.data
            if _KEY not in data:
                _spare_the_collector()
                data[_KEY] = cls(cli_ctx.invocation)
                cli_ctx.register_event(EVENT_CLI_SUCCESSFUL_EXECUTE, data[_KEY].close)
            outcome: Outcome = data[_KEY]
            outcome.expect(fail_on)
            return outcome

    def expect(self, fail_on: Optional[str]) -> None:
        """One more handler runs."""
        self._running += 1
        self._gating = self._gating or fail_on in SEVERITIES

    def finish(self, result: _Result, severities: Iterable[str] = (), fail_on: Optional[str] = None,
               hints: Iterable[Hint] = ()) -> _Result:
        """Note the end of one handler, and give back `result`. `severities` are those that `fail_on` judges."""
        with _LOCK:
            self._running -= 1
            self._hints.extend(hints)
            gate = SEVERITIES[:SEVERITIES.index(fail_on) + 1] if fail_on in SEVERITIES else ()
            self._failed = self._failed or any(severity in gate for severity in severities)
        return result

    def close(self, *_: Any, **__: Any) -> None:
        """After the output: the hints, and the exit code. A handler that never finished counts as failed."""
        self._invocation.data.pop(_KEY, None)
        if self._invocation.data.get('output') == 'table' and not self._invocation.data.get('query_active'):
            for hint in self._hints:
                (logger.error if hint.severity == ERROR else logger.warning)(hint.text)
        if self._failed or (self._gating and self._running):
            raise SystemExit(FAILED_EXIT_CODE)


def _spare_the_collector() -> None:
    """Reading makes hundreds of thousands of small objects. For each batch of them the collector would look through
    all that `az` has loaded by now, which lives until it ends: a quarter of the time of `recommend`."""
    if not gc.get_freeze_count():  # once: who runs many commands in one process wants its own garbage back
        gc.freeze()
