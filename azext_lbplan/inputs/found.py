# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""A cluster that was found in a file, and what was given beside the file."""

from types import MappingProxyType
from typing import Mapping, NamedTuple, Optional

from ..model.cluster import parse_cluster
from ..model.observed import Observed, Snapshot, parse_observed
from ..model.origin import Origin
from ..model.values import Json


class Given(NamedTuple):
    """What the user gave beside the file: values for the parameters of a template."""

    parameters: Mapping[str, Json] = MappingProxyType({})


#: Nothing was given.
NOTHING = Given()


class Found(NamedTuple):
    """A cluster in a file.

    `snapshot` holds it as it is, or as code would have it; `origin` tells of the code, and `before` is the body that
    the change starts from. Both are None where the file holds what Azure or these commands wrote.
    """

    snapshot: Snapshot
    origin: Optional[Origin] = None
    before: Json = None

    def observed(self) -> Observed:
        """The same as records, through the one parser."""
        return parse_observed(self.snapshot)._replace(
            origin=self.origin, before=parse_cluster(self.before) if isinstance(self.before, dict) else None)
