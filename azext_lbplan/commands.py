# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The commands of `az aks lb`."""

from . import _format, _validators


def load_command_table(self, _):
    """Register each command with its validator and its table."""
    with self.command_group('aks lb') as group:
        group.custom_command('show', 'lb_show', validator=_validators.validate_show,
                             table_transformer=_format.show_table)
        group.custom_command('plan', 'lb_plan', validator=_validators.validate_plan,
                             table_transformer=_format.plan_table)
        group.custom_command('recommend', 'lb_recommend', validator=_validators.validate_recommend,
                             table_transformer=_format.recommend_table)
        group.custom_command('check', 'lb_check', validator=_validators.validate_check,
                             table_transformer=_format.check_table)
        group.custom_command('check-service', 'lb_check_service', table_transformer=_format.check_service_table)
        group.custom_command('list', 'lb_list', validator=_validators.validate_list,
                             table_transformer=_format.list_table)
