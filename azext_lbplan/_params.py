# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The options of the table in `options`, as the CLI declares them."""

from argparse import ArgumentTypeError
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

from argcomplete.completers import FilesCompleter
from azure.cli.core.commands.parameters import (file_type, get_enum_type, get_resource_name_completion_list,
                                                get_three_state_flag)
from azure.cli.core.decorators import Completer

from . import options
from .options import Option


def _rule_codes(_cmd: Any, prefix: str, _namespace: Any) -> List[str]:
    """Codes of rules, whatever the case of what was typed of them so far."""
    from .rules.cluster import CHECK_CODES  # only completion pays for it
    return [code for code in CHECK_CODES if code.lower().startswith(prefix.lower())]


def _subscriptions(cmd: Any, _prefix: str, _namespace: Any) -> List[str]:
    """Ids and names of the login's subscriptions, as `--subscription` completes them."""
    from azure.cli.core._profile import Profile
    known = Profile(cli_ctx=cmd.cli_ctx).load_cached_subscriptions()
    return [subscription[key] for subscription in known for key in ('id', 'name')]


def numbers(written: str) -> Union[int, Tuple[int, ...]]:
    """A number, or several that are separated by commas, each once."""
    try:
        found = tuple(dict.fromkeys(map(int, written.split(','))))
    except ValueError:
        raise ArgumentTypeError(f"'{written}' is no number and no numbers separated by commas, as in 20,50,100"
                                ) from None
    return found if ',' in written else found[0]


#: How the CLI is told what an option takes.
_KINDS: Dict[str, Callable[[Option], Dict[str, Any]]] = {
    options.TEXT: lambda option: {},
    options.INTEGER: lambda option: {'type': int},
    options.INTEGERS: lambda option: {'type': numbers},
    options.NUMBER: lambda option: {'type': float},
    options.SWITCH: lambda option: {'action': 'store_true'},
    options.YES_OR_NO: lambda option: {'arg_type': get_three_state_flag()},
    options.CHOICE: lambda option: {'arg_type': get_enum_type(option.choices, default=option.default)},
    options.WORDS: lambda option: {'nargs': '+'},
    options.RULE_CODES: lambda option: {'nargs': '+', 'completer': Completer(_rule_codes)},
    options.SUBSCRIPTIONS: lambda option: {'nargs': '+', 'completer': Completer(_subscriptions)},
    options.PAIRS: lambda option: {'nargs': '+', 'action': 'extend'},
    options.FILE: lambda option: {'type': file_type, 'completer': FilesCompleter()},
    options.FILES: lambda option: {'nargs': '+', 'action': 'extend', 'completer': FilesCompleter()},
    options.GROUP: lambda option: {'required': False},
    options.CLUSTER_NAME: lambda option: {
        'required': False, 'id_part': 'name',
        'completer': get_resource_name_completion_list('Microsoft.ContainerService/ManagedClusters')},
}


def load_arguments(self: Any, _: Optional[str]) -> None:
    """Declare the options of every command."""
    for name, declared in options.COMMANDS.items():
        with self.argument_context(f'aks lb {name}') as context:
            for option in declared:
                context.argument(option.name, options_list=list(option.flags), **_settings(option))


def _settings(option: Option) -> Dict[str, Any]:
    settings = _KINDS[option.takes](option)
    if option.help is not None:
        settings['help'] = option.help
    if option.group is not None:
        settings['arg_group'] = option.group
    return settings
