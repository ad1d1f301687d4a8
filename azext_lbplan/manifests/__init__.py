# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The inbound side: what is wrong with the manifests of Services of type LoadBalancer, before they are applied."""

from .catalogue import Rule
from .check import RULES, Checked, ManifestCheck, as_dicts, check_manifests, summary
from .cluster_rules import PublicAddress, ServiceContext

__all__ = ['RULES', 'Checked', 'ManifestCheck', 'PublicAddress', 'Rule', 'ServiceContext', 'as_dicts',
           'check_manifests', 'summary']
