# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The inbound side: what is wrong with the manifests of Services of type LoadBalancer, before they are applied."""

from .catalogue import Rule
from .check import RULES, Checked, ManifestCheck, check_manifests, summary
from .cluster_rules import PublicAddress, ServiceContext
from .context import context_of

__all__ = ['RULES', 'Checked', 'ManifestCheck', 'PublicAddress', 'Rule', 'ServiceContext', 'check_manifests',
           'context_of', 'summary']
