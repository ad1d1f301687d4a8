# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The CLI's own progress for a person who waits; nothing where output is piped or nobody wants it."""

import sys


class Progress:
    """Signs of life on stderr while reads run. Use it in a `with`; `show` gives the function to call meanwhile."""

    def __init__(self, cli_ctx):
        wanted = sys.stdout.isatty() and sys.stderr.isatty() and not cli_ctx.only_show_errors and \
            not cli_ctx.config.getboolean('core', 'disable_progress_bar', False)
        self._controller = cli_ctx.get_progress_controller() if wanted else None
        self._shown = False

    def __enter__(self):
        return self

    def show(self, message):
        """A function that shows `message`, to be called a few times a second."""
        def tick():
            if self._controller:
                self._controller.add(message=message)
                self._shown = True
        return tick

    def __exit__(self, *_):
        if self._shown:
            self._controller.end()
