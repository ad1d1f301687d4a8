# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The inbound side: what is wrong with the manifests of Services of type LoadBalancer, before they are applied."""

from typing import Any, Tuple

from ..engine import Rule
from . import carried_rules, check, neighbour_rules, notice_rules, problem_rules, total_rules
from .check import Checked, ManifestCheck, check_manifests
from .probes import PortProbe

#: Every rule, in the order of the documentation: on one Service, on all together, on what cannot be checked.
RULES: Tuple[Rule[Any], ...] = (
    *check.RULES, *neighbour_rules.RULES, *carried_rules.OTHER_RULES, *carried_rules.CARRIER_RULES, *total_rules.RULES,
    *notice_rules.RULES, *problem_rules.RULES)

__all__ = ['RULES', 'Checked', 'ManifestCheck', 'PortProbe', 'check_manifests']
