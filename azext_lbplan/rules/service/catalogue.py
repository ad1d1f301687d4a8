# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What a rule on manifests is: a row that documents itself, and a function that looks."""

from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Callable, Mapping, NamedTuple, Optional, Tuple

CLOUD_PROVIDER = 'https://cloud-provider-azure.sigs.k8s.io/topics/loadbalancer/'
PRIVATE_LINK = 'https://cloud-provider-azure.sigs.k8s.io/topics/pls-integration/'
AKS = 'https://learn.microsoft.com/azure/aks/load-balancer-standard'
AKS_INTERNAL = 'https://learn.microsoft.com/azure/aks/internal-lb'
AKS_STATIC_IP = 'https://learn.microsoft.com/azure/aks/static-ip'
LIMITS = ('https://learn.microsoft.com/azure/azure-resource-manager/management/azure-subscription-service-limits'
          '#load-balancer')
KUBERNETES = 'https://kubernetes.io/docs/concepts/services-networking/service/'
KUBERNETES_NAMES = 'https://kubernetes.io/docs/concepts/overview/working-with-objects/names/'


class Hit(NamedTuple):
    """One place where a rule does not hold. `path` leads to the field; `severity` only where it is not the rule's."""

    message: str
    path: Tuple = ()
    remediation: Optional[str] = None
    severity: Optional[str] = None
    evidence: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True)
class Rule:
    """`severity` is the worst that the rule reports; `check(service, context)` gives the hits on one Service."""

    code: str
    severity: str
    what: str
    why: str
    source: str
    check: Optional[Callable] = field(default=None, compare=False, repr=False)


class Rulebook(list):
    """The rules of one subject, in the order in which they are written."""

    def rule(self, code, severity, what, why, source):
        """Add the decorated function as a rule."""
        def add(check):
            self.append(Rule(code, severity, what, why, source, check))
            return check
        return add
