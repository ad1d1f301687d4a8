# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What a rule has to say about a cluster or a manifest."""
# pylint: disable=too-many-instance-attributes  # records with the fields of what they stand for

from dataclasses import dataclass, field
from typing import Any, Mapping, Optional

ERROR = 'error'
WARNING = 'warning'
INFO = 'info'

#: From the worst to the mildest; the order in which findings are shown.
SEVERITIES = (ERROR, WARNING, INFO)


@dataclass(frozen=True)
class Finding:
    """One consequence of what was read, with its evidence and the way out.

    `severity` is about consequence. error: Azure refuses the next update, or outbound connections fail now.
    warning: it will fail at a scale the cluster may reach, cuts live connections, breaks allow-lists, or is retired.
    info: worth knowing.
    `target` is the path of the setting in ARM's spelling; `command` a line for a shell, or None.
    """

    code: str
    severity: str
    message: str
    target: Optional[str] = None
    evidence: Mapping[str, Any] = field(default_factory=dict)
    remediation: Optional[str] = None
    command: Optional[str] = None
    link: Optional[str] = None


def counted(count: int, noun: str) -> str:
    """'1 node', '2 nodes'."""
    return f'{count} {noun}' + ('' if count == 1 else 's')


def worst_first(findings):
    """Order `findings` by severity; within one severity they keep the order in which they came."""
    return tuple(sorted(findings, key=lambda finding: SEVERITIES.index(finding.severity)))


def count_by_severity(findings):
    """How many findings there are of each severity: `{'error': 0, 'warning': 2, 'info': 1}`."""
    return {severity: sum(finding.severity == severity for finding in findings) for severity in SEVERITIES}
