# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""How a table is laid out for eyes: as wide as the terminal and never wider, words whole, long ids shortened in the
middle, zero printed as 0, unknown as a dash."""

import shutil
import sys
import textwrap
from typing import Any, Dict, Iterable, Iterator, List, Sequence, Tuple

#: A row as the CLI lays it out: its cells by column, in order.
Row = Dict[str, str]

#: What a row says, and of what: one label, and one paragraph for each text.
Entry = Tuple[str, Sequence[str]]

#: Columns where the terminal does not tell how wide it is, and the fewest that a text gets.
USUAL_WIDTH, NARROWEST = 80, 20

#: Most letters of a label, and of a cluster's name beside it.
_WIDEST_LABEL, _WIDEST_CLUSTER = 16, 24

#: Blanks between two columns. The CLI gives a column at least so many more than its title has letters.
_GAP = 2

#: Cells of the bar that shows used of allocated ports.
_BAR = 10


def width() -> int:
    """Columns of the terminal."""
    return shutil.get_terminal_size((USUAL_WIDTH, 24)).columns


def text_width() -> int:
    """Columns that a text of a sheet has at least."""
    return max(NARROWEST, width() - _WIDEST_LABEL - _GAP)


def sheet(titles: Tuple[str, str], entries: Iterable[Entry]) -> List[Row]:
    """Two columns, label and text, a row for each line of text."""
    known = _labelled(entries)
    room = max(NARROWEST, width() - _widest(titles[0], (label for label, _ in known)) - _GAP)
    return _rows(titles, known, room)


def sheets(titles: Tuple[str, str], found: Iterable[Tuple[str, Iterable[Entry]]]) -> List[Row]:
    """The sheets of several clusters, one below the other, with a column that names the cluster in each row."""
    known = [(shortened(cluster, _WIDEST_CLUSTER), _labelled(entries)) for cluster, entries in found]
    taken = (_widest('Cluster', (cluster for cluster, _ in known)) + _GAP +
             _widest(titles[0], (label for _, entries in known for label, _ in entries)))
    room = max(NARROWEST, width() - taken - _GAP)
    return [{'Cluster': cluster, **row} for cluster, entries in known for row in _rows(titles, entries, room)]


def _labelled(entries: Iterable[Entry]) -> List[Entry]:
    return [(shortened(label, _WIDEST_LABEL), texts) for label, texts in entries]


def _widest(title: str, cells: Iterable[str]) -> int:
    return max([len(title) + _GAP, *map(len, cells)])


def _rows(titles: Tuple[str, str], entries: Iterable[Entry], room: int) -> List[Row]:
    title = shortened(titles[1], room - _GAP)
    return [{titles[0]: label if number == 0 else '', title: line}
            for label, texts in entries for number, line in enumerate(_lines(texts, room))]


def columns(rows: Iterable[Dict[str, Any]], widths: Dict[str, int], flexible: Sequence[str]) -> List[Row]:
    """A table of several columns, with the most letters of each. The columns `flexible` share what is left of the
    terminal beside the others; one that needs less than its share leaves the rest to the others."""
    known = [{title: cell(row.get(title)) for title in widths} for row in rows]
    fitting, left = dict(widths), width() - _GAP * (len(widths) - 1)
    left -= sum(max(most, len(title) + _GAP) for title, most in widths.items() if title not in flexible)
    needed = {title: _widest(title, (row[title] for row in known)) for title in flexible}
    for number, title in enumerate(sorted(flexible, key=needed.__getitem__)):
        fitting[title] = max(len(title) + _GAP, min(needed[title], left // (len(flexible) - number)))
        left -= fitting[title]
    return [{title: shortened(text, fitting[title]) for title, text in row.items()} for row in known]


def wrapped(text: str, room: int) -> List[str]:
    """`text` in lines of at most `room` columns; no word is broken, and a word that is longer than that is shortened
    in its middle."""
    words = ' '.join(shortened(word, room) for word in text.split())
    return textwrap.wrap(words, room, break_long_words=False, break_on_hyphens=False) or ['']


def _lines(texts: Sequence[str], room: int) -> Iterator[str]:
    return (line for text in texts for line in wrapped(text, room))


def shortened(text: str, most: int) -> str:
    """`text` on one line of at most `most` columns; what does not fit is left out in the middle."""
    line = ' '.join(text.split())
    if len(line) <= most:
        return line
    mark = '...' if most > 8 else '~'
    head = (most - len(mark)) // 2
    return line[:head] + mark + line[len(line) - (most - len(mark) - head):]


def cell(value: Any) -> str:
    """A value as text: True as Yes, None as a dash, 0 as 0."""
    if value is None:
        return '-'
    if isinstance(value, bool):
        return 'Yes' if value else 'No'
    return str(value)


def filled_bar(used: int, allocated: int) -> str:
    """`used` of `allocated` as a bar: ████░░░░░░, or ####...... where the terminal cannot show that."""
    filled = min(_BAR, round(_BAR * used / allocated)) if allocated else 0
    full, empty = '█░' if prints('█░') else '#.'
    return full * filled + empty * (_BAR - filled)


def prints(characters: str) -> bool:
    """Whether the terminal can show `characters`."""
    try:
        characters.encode(sys.stdout.encoding or 'ascii')
    except (UnicodeEncodeError, LookupError):
        return False
    return True
