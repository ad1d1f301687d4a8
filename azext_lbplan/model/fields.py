# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What a document from elsewhere is made of: mappings and sequences that know their lines."""

from __future__ import annotations

from typing import Any, Dict, List, Optional, Sequence, Tuple, Union

#: The way to a value: keys of mappings, and positions in sequences.
Path = Tuple[Union[str, int], ...]


class Fields(Dict[str, Any]):
    """A mapping that knows the line of each key, and which keys were written again, with the line of that."""

    __slots__ = ('lines', 'repeated')

    def __init__(self) -> None:  # an empty mapping has nothing else to set up
        self.lines: Dict[str, int] = {}
        self.repeated: Sequence[Tuple[str, int]] = ()

    def repeat(self, key: str, line: int) -> None:
        """Note that `key` was written again."""
        if isinstance(self.repeated, list):
            self.repeated.append((key, line))
        else:
            self.repeated = [(key, line)]

    def fields(self, key: str) -> Fields:
        """The mapping under `key`; an empty one where there is none."""
        value = self.get(key)
        return value if isinstance(value, Fields) else _EMPTY

    def line(self, path: Path) -> Optional[int]:
        """The line of the value at `path`, or of the nearest one around it that is there."""
        line = next(iter(self.lines.values()), None)
        container: Any = self
        for key in path:
            try:
                line = container.lines[key]
                container = container[key]
            except (AttributeError, KeyError, IndexError, TypeError):
                break
        return line


class Items(List[Any]):
    """A sequence that knows the line of each element."""

    __slots__ = ('lines',)

    def __init__(self) -> None:
        self.lines: List[int] = []


_EMPTY = Fields()
