# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Ctrl-C while several clusters are read.

For several ids the CLI runs handlers in a pool of threads. An interrupt reaches its main thread alone, which then waits
for the whole pool: 25 to 40 seconds where Azure is slow. So it is noted here, and whoever waits for an answer looks.
"""

import signal
import threading
from typing import Callable

_NOTED = threading.Event()


def watch() -> Callable[[], None]:
    """Note interrupts from now on; gives the function that ends this. Only the main thread can.

    Who has them ignored (a job in the background) goes on doing so.
    """
    _NOTED.clear()
    before = signal.getsignal(signal.SIGINT)
    if not callable(before) or threading.current_thread() is not threading.main_thread():
        return lambda: None
    act = before

    def note(number: int, frame: object) -> None:
        _NOTED.set()
        act(number, frame)  # type: ignore[arg-type]

    def end() -> None:
        signal.signal(signal.SIGINT, before)

    signal.signal(signal.SIGINT, note)
    return end


def end_if_interrupted() -> None:
    """Raises KeyboardInterrupt where an interrupt was noted."""
    if _NOTED.is_set():
        raise KeyboardInterrupt
