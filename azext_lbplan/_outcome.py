# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What happens after the result was printed: hints for a person, exit codes, and a line on stderr that says why.

With several `--ids` the CLI runs a handler once per id, side by side; all of them share one outcome.
"""

import gc
import threading
from types import TracebackType
from typing import Any, Iterable, List, NamedTuple, Optional, Tuple, Type, TypeVar

from knack.events import EVENT_CLI_POST_EXECUTE, EVENT_CLI_SUCCESSFUL_EXECUTE
from knack.log import get_logger
from knack.util import CLIError

from . import _printed
from .model.finding import ERROR, SEVERITIES
from .options import Typed
from .readers.interrupt import end_if_interrupted
from .views.endings import Hint, Judged, of_failures, of_gate

#: Exit code when a finding of the severity of `--fail-on` exists.
FAILED_EXIT_CODE = 4

#: Exit code when something that was named could not be read, as for the CLI's own errors.
ERROR_EXIT_CODE = 1

_KEY = 'lbplan_outcome'
_SEVERAL = 'lbplan_several'
_LOCK = threading.Lock()

_Result = TypeVar('_Result')

logger = get_logger(__name__)


class Ending(NamedTuple):
    """An exit code other than 0, and the lines that say why."""

    code: int
    reasons: Tuple[str, ...]


class Outcome:  # pylint: disable=too-many-instance-attributes  # what handlers leave behind
    """The outcome of one invocation of the CLI."""

    def __init__(self, invocation: Any):
        self._invocation = invocation
        self._running = 0
        self._finished = 0
        self._fail_on: Optional[str] = None
        self._judged: List[Judged] = []
        self._unread: List[str] = []
        self._failures: List[str] = []
        self._hints: List[Hint] = []

    def expect(self, fail_on: Optional[str]) -> None:
        """One more handler runs."""
        self._running += 1
        self._fail_on = fail_on

    def finish(self, judged: Iterable[Judged], unread: Iterable[str], hints: Iterable[Hint]) -> None:
        """A handler has ended with a result."""
        self._running -= 1
        self._finished += 1
        gate = SEVERITIES[:SEVERITIES.index(self._fail_on) + 1] if self._fail_on in SEVERITIES else ()
        self._judged.extend(one for one in judged if one.severity in gate)
        self._unread.extend(unread)
        self._hints.extend(hints)

    def fail(self, message: str) -> None:
        """A handler has ended with an error."""
        self._failures.append(message)

    def close(self, *_: Any, **__: Any) -> None:
        """After the output: why the exit code is not 0, then the hints, then the exit code."""
        self._invocation.data.pop(_KEY, None)
        ending = self._ending()
        for reason in ending.reasons:
            logger.error(_printed.line(reason))
        if self._invocation.data.get('output') == 'table' and not self._invocation.data.get('query_active'):
            for hint in self._hints:
                (logger.error if hint.severity == ERROR else logger.warning)(_printed.value(hint.text))
        if ending.code:
            raise SystemExit(ending.code)

    def _ending(self) -> Ending:
        """A handler that never finished counts as failed: the CLI may have lost its error."""
        failed = of_failures(self._running, self._running + self._finished, self._failures) if self._running else ()
        gating = self._fail_on in SEVERITIES
        if self._judged or (gating and self._running):
            gate = of_gate(self._fail_on or '', self._judged) if self._judged else ()
            return Ending(FAILED_EXIT_CODE, (*gate, *failed, *self._unread))
        if self._unread or (self._running and not self._finished):
            return Ending(ERROR_EXIT_CODE, (*failed, *self._unread))
        return Ending(0, ())


class Handling:
    """One handler at work, in a `with`. Its error is told of by name, and leaves printable."""

    def __init__(self, cli_ctx: Any, typed: Typed):
        self._cli_ctx = cli_ctx
        self._typed = typed
        self._several = bool(cli_ctx.invocation.data.get(_SEVERAL))
        with _LOCK:
            self._outcome = _outcome_of(cli_ctx)
            self._outcome.expect(typed.fail_on)

    def __enter__(self) -> 'Handling':
        end_if_interrupted()
        return self

    def __exit__(self, _: Optional[Type[BaseException]], error: Optional[BaseException],
                 __: Optional[TracebackType]) -> None:
        if isinstance(error, CLIError):
            message = _printed.line(_printed.message_of(error))
            if self._several:
                message = f'{message.rstrip(".")}. This is about {self._cluster_id}.'
            _printed.reword(error, message)
        if error is not None:
            with _LOCK:
                self._outcome.fail(_printed.line(error) or type(error).__name__)

    def finish(self, result: _Result, judged: Iterable[Judged] = (), hints: Iterable[Hint] = (),
               unread: Iterable[str] = ()) -> _Result:
        """Note the end of the handler, and give back `result` as it may be printed. `judged` is what `--fail-on`
        looks at, `unread` names what was to be read and could not."""
        with _LOCK:
            self._outcome.finish(judged, unread, map(self._named, hints) if self._several else hints)
        return _printed.value(result)

    def _named(self, hint: Hint) -> Hint:
        """Among hints on several clusters each says which one it is about; lines to run do so anyway."""
        source = self._typed.source
        if hint.text.startswith(' ') or (source.name or '') in hint.text:
            return hint
        return hint._replace(text=f'{source.name} in {source.resource_group}: {hint.text}')

    @property
    def _cluster_id(self) -> str:
        """The CLI labels the error of one id with another: it counts in the order in which they end."""
        source = self._typed.source
        return (f'/subscriptions/{self._cli_ctx.data.get("subscription_id")}/resourceGroups/{source.resource_group}'
                f'/providers/Microsoft.ContainerService/managedClusters/{source.name}')


def expect_several(cli_ctx: Any) -> None:
    """Several clusters will be handled."""
    cli_ctx.invocation.data[_SEVERAL] = True


def _outcome_of(cli_ctx: Any) -> Outcome:
    """The outcome of this invocation."""
    data = cli_ctx.invocation.data
    if _KEY not in data:
        _spare_the_collector()
        data[_KEY] = Outcome(cli_ctx.invocation)
        cli_ctx.register_event(EVENT_CLI_SUCCESSFUL_EXECUTE, data[_KEY].close)
        cli_ctx.register_event(EVENT_CLI_POST_EXECUTE, _tell_of_interrupt)
    outcome: Outcome = data[_KEY]
    return outcome


def _tell_of_interrupt(cli_ctx: Any, **_: Any) -> None:
    """The CLI ends with exit code 1, and without a word."""
    if isinstance(getattr(cli_ctx.result, 'error', None), KeyboardInterrupt):
        logger.error('Interrupted: there is no result.')


#: Objects that are made, and not freed, before the collector looks at them.
_BATCH = 50_000


def _spare_the_collector() -> None:
    """Reading makes hundreds of thousands of small objects. For each batch of them the collector would look through
    all that `az` has loaded by now, which lives until it ends: a quarter of the time of `recommend`. What is made holds
    no cycles, so that batches may be large: with those of 700 objects a fleet took a twentieth more."""
    if not gc.get_freeze_count():  # once: who runs many commands in one process wants its own garbage back
        gc.freeze()
        gc.set_threshold(_BATCH)
