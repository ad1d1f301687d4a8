# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The commands of `az aks lb`.

`az` registers them before every command under `az aks`, whoever's it is: what checks their options and draws their
tables is imported when one of them runs.
"""

from importlib import import_module
from typing import Any, Callable


def load_command_table(self: Any, _: Any) -> None:
    """Register each command with its validator and its table."""
    from azure.cli.core.commands import CliCommandType
    on_services = CliCommandType(operations_tmpl='azext_lbplan.custom_service#{}')
    with self.command_group('aks lb', is_preview=True) as group:
        group.custom_command('show', 'lb_show', validator=_validator('show'), table_transformer=_table('show'))
        group.custom_command('plan', 'lb_plan', validator=_validator('plan'), table_transformer=_table('plan'))
        group.custom_command('recommend', 'lb_recommend', validator=_validator('recommend'),
                             table_transformer=_table('recommend'))
        group.custom_command('check', 'lb_check', validator=_validator('check'), table_transformer=_table('check'))
        group.custom_command('check-service', 'lb_check_service', validator=_validator('check_service'),
                             table_transformer=_table('check_service'), transform=_plain,
                             custom_command_type=on_services)
        group.custom_command('list', 'lb_list', validator=_validator('list'), table_transformer=_table('list'),
                             transform=_plain)
        group.custom_command('list-rules', 'lb_list_rules', table_transformer=_table('list_rules', 'rules'))


def _plain(result: Any) -> Any:
    """A long result, which the CLI shall not copy."""
    from ._plain import Plain
    return Plain(result)


def _validator(name: str) -> Callable[[Any], None]:
    """`validate_NAME` of `_validators`. The CLI tells by the name of the argument what to call it with."""
    def validate(namespace: Any) -> None:
        from . import _printed, _validators
        with _printed.errors():
            getattr(_validators, f'validate_{name}')(namespace)
    return validate


def _table(name: str, view: str = 'tables') -> Callable[[Any], Any]:
    """`NAME_table` of a module of `views`."""
    def table(result: Any) -> Any:
        module = import_module(f'.views.{view}', __package__)
        return getattr(module, f'{name}_table')(result)
    return table
