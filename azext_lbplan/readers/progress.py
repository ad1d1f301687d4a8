# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The CLI's own progress for a person who waits; nothing where output is piped or it is switched off."""

import sys
from typing import Callable

from azure.cli.core import AzCli


class Progress:
    """Signs of life on stderr while reads run. Use it in a `with`; `show` gives the function to call meanwhile."""

    def __init__(self, cli_ctx: AzCli):
        visible = sys.stdout.isatty() and sys.stderr.isatty() and not cli_ctx.only_show_errors and \
            not cli_ctx.config.getboolean('core', 'disable_progress_bar', False)
        self._controller = cli_ctx.get_progress_controller() if visible else None
        self._shown = False

    def __enter__(self) -> 'Progress':
        return self

    def show(self, message: str) -> Callable[[], None]:
        """A function that shows `message`, to be called a few times a second."""
        def tick() -> None:
            if self._controller:
                self._controller.add(message=message)
                self._shown = True
        return tick

    def __exit__(self, *_: object) -> None:
        if self._controller and self._shown:
            self._controller.end()
