# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""A file with manifests, and why it, or a document in it, is not checked.

What each code means stands with the rules on Services.
"""

from typing import NamedTuple, Optional

NOT_READABLE = 'ManifestNotReadable'
NO_MANIFESTS = 'NoManifests'
TOO_LARGE = 'ManifestTooLarge'
NOT_TEXT = 'ManifestNotText'
NOT_PARSED = 'ManifestNotParsed'
ALIAS_BOMB = 'AliasBomb'
TEMPLATE = 'TemplateNotRendered'


class Problem(NamedTuple):
    """What was found, in a sentence; the `line` counts from 1 in the file. `remediation` is None where what the rule
    says is all that is known."""

    code: str
    message: str
    line: Optional[int] = None
    remediation: Optional[str] = None


class ManifestFile(NamedTuple):
    """A file by its name: its bytes, or why there are none."""

    name: str
    content: Optional[bytes]
    problem: Optional[Problem] = None
