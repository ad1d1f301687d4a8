# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What a rule has to say about a cluster or a Service."""

from types import MappingProxyType
from typing import Any, Dict, Iterable, Mapping, NamedTuple, Optional, Tuple

ERROR = 'error'
WARNING = 'warning'
INFO = 'info'

#: From the worst to the mildest; the order in which findings are shown.
SEVERITIES = (ERROR, WARNING, INFO)


class Finding(NamedTuple):
    """One consequence of what was read, with its evidence and the way out.

    `severity` is about consequence. error: Azure refuses the next update, or outbound connections fail now.
    warning: it will fail at a scale the cluster may reach, cuts live connections, breaks allow-lists, or is retired.
    info: worth knowing.
    `target` is the path of the setting in ARM's spelling; `command` a line for a shell, or None. `consequence` is what
    happens unless something is done: the part of the message that is not true where the printed line mends it.
    """

    code: str
    severity: str
    message: str
    target: Optional[str] = None
    evidence: Mapping[str, Any] = MappingProxyType({})
    remediation: Optional[str] = None
    command: Optional[str] = None
    link: Optional[str] = None
    consequence: Optional[str] = None


def counted(count: int, noun: str) -> str:
    """'1 node', '2 nodes'."""
    return f'{count} {noun}' + ('' if count == 1 else 's')


def worst_first(findings: Iterable[Finding]) -> Tuple[Finding, ...]:
    """Order `findings` by severity; within one severity they keep the order in which they came."""
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def count_by_severity(findings: Iterable[Finding]) -> Dict[str, int]:
    """How many findings there are of each severity: `{'error': 0, 'warning': 2, 'info': 1}`."""
    found = [finding.severity for finding in findings]
    return {severity: found.count(severity) for severity in SEVERITIES}
