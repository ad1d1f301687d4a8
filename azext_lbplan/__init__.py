# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The loader of the extension. It imports nothing heavy: `az` loads it for commands that are not ours, too."""

from typing import Any, Dict, Optional

from azure.cli.core import AzCommandsLoader

from . import _help  # noqa: F401  # pylint: disable=unused-import  # knack finds the help texts by this import


class LbplanCommandsLoader(AzCommandsLoader):
    """Registers the commands of `az aks lb`."""

    def __init__(self, cli_ctx: Any = None):
        from azure.cli.core.commands import CliCommandType
        super().__init__(cli_ctx=cli_ctx,
                         custom_command_type=CliCommandType(operations_tmpl='azext_lbplan.custom#{}'))

    def load_command_table(self, args: Any) -> Dict[str, Any]:
        from .commands import load_command_table
        load_command_table(self, args)
        table: Dict[str, Any] = self.command_table
        return table

    def load_arguments(self, command: Optional[str]) -> None:
        from . import _ids, _params, _plain
        _params.load_arguments(self, command)
        if command is not None and command.startswith('aks lb '):
            _ids.register(self.cli_ctx)
            _plain.register(self.cli_ctx)


COMMAND_LOADER_CLS = LbplanCommandsLoader
