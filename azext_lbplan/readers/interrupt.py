# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Ctrl-C while several clusters are read.

For several ids the CLI runs handlers in a pool of threads. An interrupt reaches its main thread alone, which then waits
for the whole pool: 25 to 40 seconds where Azure is slow. So it is noted here, and whoever waits for an answer looks.
"""

import signal
import socket
import threading
from typing import Callable

_NOTED = threading.Event()


def watch() -> Callable[[], None]:
    """Note interrupts from now on; gives the function that ends this. Only the main thread can.

    By a socket that is written to at once: a handler of Python's would have to wait for the main thread, which misses
    an interrupt that comes just as it begins to wait for the pool. Who has interrupts ignored goes on doing so.
    """
    _NOTED.clear()
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    receiving, sending = socket.socketpair()
    sending.setblocking(False)
    before = signal.set_wakeup_fd(sending.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_note, args=(receiving,), daemon=True).start()

    def end() -> None:
        signal.set_wakeup_fd(before)
        sending.close()

    return end


def _note(receiving: socket.socket) -> None:
    """Until an interrupt is among the signals that come, or none can come any more."""
    with receiving:
        while numbers := receiving.recv(64):
            if signal.SIGINT in numbers:
                _NOTED.set()
                return


def end_if_interrupted() -> None:
    """Raises KeyboardInterrupt where an interrupt was noted."""
    if _NOTED.is_set():
        raise KeyboardInterrupt
