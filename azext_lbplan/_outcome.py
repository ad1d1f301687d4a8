# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What happens after the result was printed: hints for a person, and exit code 4 for `--fail-on`.

With several `--ids` the CLI runs a handler once per id, side by side; all of them share one outcome.
"""

import gc
import threading

from knack.events import EVENT_CLI_SUCCESSFUL_EXECUTE
from knack.log import get_logger

from .model.finding import ERROR, INFO, SEVERITIES, WARNING

#: Exit code when a finding of the severity of `--fail-on` exists (design section 1).
FAILED_EXIT_CODE = 4

_KEY = 'lbplan_outcome'
_LOCK = threading.Lock()

logger = get_logger(__name__)


class Outcome:
    """The outcome of one invocation of the CLI."""

    def __init__(self, invocation):
        self._invocation = invocation
        self._running = 0
        self._gating = False
        self._failed = False
        self._hints = []

    @classmethod
    def start(cls, cli_ctx, fail_on=None):
        """The outcome of this invocation, with one more handler running."""
        with _LOCK:
            data = cli_ctx.invocation.data
            if _KEY not in data:
                _spare_the_collector()
                data[_KEY] = cls(cli_ctx.invocation)
                cli_ctx.register_event(EVENT_CLI_SUCCESSFUL_EXECUTE, data[_KEY].close)
            data[_KEY].expect(fail_on)
            return data[_KEY]

    def expect(self, fail_on):
        """One more handler runs."""
        self._running += 1
        self._gating = self._gating or fail_on in SEVERITIES

    def finish(self, result, findings=(), fail_on=None, hints=()):
        """Note the end of one handler, and give back `result`. `findings` are those that `fail_on` judges,
        `hints` pairs of severity and text."""
        with _LOCK:
            self._running -= 1
            self._hints.extend(hints)
            gate = SEVERITIES[:SEVERITIES.index(fail_on) + 1] if fail_on in SEVERITIES else ()
            self._failed = self._failed or any(finding['severity'] in gate for finding in findings)
        return result

    def close(self, *_, **__):
        """After the output: the hints, and the exit code. A handler that never finished counts as failed."""
        self._invocation.data.pop(_KEY, None)
        if self._invocation.data.get('output') == 'table' and not self._invocation.data.get('query_active'):
            for severity, hint in self._hints:
                (logger.error if severity == ERROR else logger.warning)(hint)
        if self._failed or (self._gating and self._running):
            raise SystemExit(FAILED_EXIT_CODE)


def _spare_the_collector():
    """Reading makes hundreds of thousands of small objects. For each batch of them the collector would look through
    all that `az` has loaded by now, which lives until it ends: a quarter of the time of `recommend`."""
    if not gc.get_freeze_count():  # once: who runs many commands in one process wants its own garbage back
        gc.freeze()


def fleet_hints(rows, top, live):
    """(severity, text) that close a fleet, all `rows` of it, of which `top` are shown."""
    from .views.fleet import summary
    hints = [(WARNING, summary(rows))]
    if top is not None and top < len(rows):
        hints.append((WARNING, f'{top} of {len(rows)} clusters are shown, the riskiest first.'))
    if live:
        hints.append((WARNING, 'Azure Resource Graph may lag some minutes behind; the live truth of one cluster: '
                               'az aks lb show, az aks lb check.'))
    return hints


def check_hints(result):
    """(severity, text) of what to do about errors and warnings, for a person who looks at a table."""
    cluster = result['cluster']['name']
    hints = []
    for finding in result['findings']:
        if finding['severity'] != INFO and finding['remediation']:
            hints.append((finding['severity'], f"{cluster}, {finding['code']}: {finding['remediation']}"))
            hints += [(WARNING, f"  {finding['command']}")] if finding['command'] else []
    return hints


def plan_hints(result):
    """(severity, text) of what to mind and of the lines to run, for a person who looks at a table."""
    cluster = (result['cluster'] or {}).get('name') or 'the new cluster'
    hints = []
    for finding in result['findings']:
        advice = f" {finding['remediation']}" if finding['remediation'] and not finding['command'] else ''
        if finding['severity'] != INFO:
            hints.append((finding['severity'], finding['message'] + advice))
    hints += [(WARNING, f'Assumed: {assumption}') for assumption in result['unverified']]
    if result['command'] is not None:
        hints.append((WARNING, f'To set this on {cluster}, run:'))
        hints += [(WARNING, f'  {line}') for line in result['commands']]
    return hints
