# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Where a cluster that infrastructure code describes comes from, and what the code leaves open."""

from typing import NamedTuple, Optional, Tuple

#: Languages that a change can be written in; the words are those of `fragments` in results.
TERRAFORM = 'terraform'
BICEP = 'bicep'
ASO = 'aso'
CAPZ = 'capz'
LANGUAGES = (TERRAFORM, BICEP, ASO, CAPZ)

#: What becomes of the cluster.
CREATE = 'create'
UPDATE = 'update'
REPLACE = 'replace'
DELETE = 'delete'
NO_CHANGE = 'noChange'


class Origin(NamedTuple):
    """The code that describes a cluster.

    `kind` names the shape (`terraform-plan`), `title` is its name in a sentence ("the Terraform plan"). `address` is
    the cluster's name in the code. `action` is what the code does, None where it does not say: a template or a
    manifest says what shall be, not what is. `recreated_by` are the settings that make the provider replace the
    cluster. `unknown` names what is not known; `notes` are sentences without their period,
    and so are `assumed`: defaults that count where the code says nothing. `is_live`: what it starts from was read.
    `lines` are the lines of the file that settings stand on, by their targets; that of '' is the resource's own.
    `removed_pools` are pools that the change deletes. `module` is the module
    that the resource is in, `module_source` where its code comes from, `version` that of the provider or of the API.
    """

    kind: str
    title: str
    language: str
    address: Optional[str] = None
    action: Optional[str] = None
    recreated_by: Tuple[str, ...] = ()
    unknown: Tuple[str, ...] = ()
    notes: Tuple[str, ...] = ()
    assumed: Tuple[str, ...] = ()
    removed_pools: Tuple[str, ...] = ()
    module: Optional[str] = None
    module_source: Optional[str] = None
    version: Optional[str] = None
    is_live: bool = False
    lines: Tuple[Tuple[str, int], ...] = ()

    def line_of(self, target: Optional[str]) -> Optional[int]:
        """The line of what a finding points at, or of what is around it; None where the file has no lines to name."""
        around = [(len(known), line) for known, line in self.lines
                  if not known or f'{target}.'.startswith(f'{known}.')]
        return max(around)[1] if around else None
