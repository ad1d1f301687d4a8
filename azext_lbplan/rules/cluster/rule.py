# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What a rule is: a small pure function of a case, and what the catalogue says of it."""
# pylint: disable=too-many-instance-attributes  # records with the fields of what they stand for

from dataclasses import dataclass, field
from typing import Any, Callable, Iterable, Mapping, Optional, Tuple

from ...model.outbound import Case

#: Commands that a rule speaks up in.
PLAN = 'plan'
CHECK = 'check'

#: What a rule may need beside the cluster; without it the rule is skipped, never passed.
STANDARD_LOAD_BALANCER = 'a Standard load balancer as outbound type'
LOAD_BALANCER = 'the load balancer'
OUTBOUND_IPS = 'the own public IPs and prefixes'
IP_COUNT = 'the number of outbound IPs'
METRICS = 'metrics'

#: The pages that remediations point to.
USE_STANDARD_LB = 'https://learn.microsoft.com/azure/aks/configure-load-balancer-standard'
OUTBOUND_TYPES = 'https://learn.microsoft.com/azure/aks/egress-outboundtype'
TROUBLESHOOT_SNAT = 'https://learn.microsoft.com/troubleshoot/azure/azure-kubernetes/connectivity/snat-port-exhaustion'
OUTBOUND_RULES = 'https://learn.microsoft.com/azure/load-balancer/outbound-rules'

#: Paths that findings point at.
PROFILE = 'networkProfile.loadBalancerProfile'
PORTS = f'{PROFILE}.allocatedOutboundPorts'
IDLE_TIMEOUT = f'{PROFILE}.idleTimeoutInMinutes'
EFFECTIVE_IPS = f'{PROFILE}.effectiveOutboundIPs'
POOLS = 'agentPoolProfiles'


@dataclass(frozen=True)
class Hit:
    """What a rule has found: a finding without its code; `severity` None is the rule's own."""

    message: str
    target: Optional[str] = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    remediation: Optional[str] = None
    command: Optional[str] = None
    severity: Optional[str] = None
    link: Optional[str] = USE_STANDARD_LB


@dataclass(frozen=True)
class Rule:
    """A rule of the catalogue: code, usual severity, function, the commands that give it, and what it needs.

    The function's docstring says in its first line what is found, then `Why:` and `Source:`.
    """

    code: str
    severity: str
    apply: Callable[[Case], Iterable[Hit]]
    commands: Tuple[str, ...] = (PLAN, CHECK)
    needs: Tuple[str, ...] = (STANDARD_LOAD_BALANCER,)

    def _section(self, name):
        lines = [line.strip() for line in self.apply.__doc__.splitlines()]
        sections, current = {'What': []}, 'What'
        for line in lines:
            heading, colon, rest = line.partition(': ')
            if colon and heading in ('Why', 'Source'):
                current, line = heading, rest
            sections.setdefault(current, []).append(line)
        return ' '.join(line for line in sections.get(name, ()) if line)

    @property
    def what(self):
        """What the rule finds, in one sentence."""
        return self._section('What')

    @property
    def why(self):
        """Why it matters."""
        return self._section('Why')

    @property
    def source(self):
        """Where the rule comes from."""
        return self._section('Source')
