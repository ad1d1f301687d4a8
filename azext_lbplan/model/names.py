# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Names and ids in a body, taken as far as Azure could have given them. Whatever else stands there is noted: it gets
into no line, no path and no count."""

from typing import Callable, Iterable, List, NamedTuple, Optional, Tuple

from ..facts.ids import ArmId, parse_id
from .values import distinct


class Malformed(NamedTuple):
    """A name or an id that Azure cannot have given: the path of the setting, and what is written there."""

    target: str
    written: str


class NameCheck:
    """Takes names and ids of one body, and notes those that do not parse."""

    def __init__(self) -> None:
        self._malformed: List[Malformed] = []

    @property
    def malformed(self) -> Tuple[Malformed, ...]:
        """What did not parse, in the order in which it was looked at."""
        return tuple(self._malformed)

    def name(self, target: str, written: Optional[str], is_valid: Callable[[str], bool]) -> Optional[str]:
        """The name that is `written` at `target`; None where there is none that is valid."""
        if written is None or is_valid(written):
            return written
        self._malformed.append(Malformed(target, written))
        return None

    def id(self, target: str, written: Optional[str], *types: str) -> Optional[ArmId]:
        """The id that is `written` at `target`; None where there is none of these types."""
        resource_id = parse_id(written, *types)
        if written and resource_id is None:
            self._malformed.append(Malformed(target, written))
        return resource_id

    def ids(self, target: str, written: Iterable[str], *types: str) -> Tuple[ArmId, ...]:
        """Those of the ids that are `written` at `target` that are of one of `types`, each once."""
        parsed = [self.id(target, text, *types) for text in written]
        return distinct([resource_id for resource_id in parsed if resource_id is not None]) if parsed else ()
