# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""A finding as a plain dict, as every command shows it."""

from typing import Any, Dict

from ..model.finding import Finding

Result = Dict[str, Any]


def finding(found: Finding) -> Result:
    """A finding as every command shows it."""
    return {'code': found.code, 'severity': found.severity, 'message': found.message, 'target': found.target,
            'evidence': dict(found.evidence), 'remediation': found.remediation, 'command': found.command,
            'link': found.link, 'baseline': None}
