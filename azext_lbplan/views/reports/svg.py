# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Drawings as text: elements of SVG and HTML, and scales between numbers and places. All text that goes in is escaped.
"""

import math
from html import escape
from typing import Callable, Iterable, List, NamedTuple, Tuple, Union

Point = Tuple[float, float]


class Markup(str):
    """Text that is markup already; all other text is escaped where it goes in."""

    __slots__ = ()


#: What an element holds: markup, text to be escaped, or a number.
Content = Union[str, int, float]


def element(name: str, *content: Content, **attributes: Union[str, int, float, None]) -> Markup:
    """An element. `class_` is the attribute `class`, other underscores are hyphens; None leaves an attribute out."""
    written = ''.join(f' {_attribute(key)}="{_value(value)}"' for key, value in attributes.items() if value is not None)
    return Markup(f'<{name}{written}>{join(content)}</{name}>')


def join(content: Iterable[Content]) -> Markup:
    """One after the other, text escaped."""
    return Markup(''.join(part if isinstance(part, Markup) else escape(str(part)) for part in content))


def _attribute(key: str) -> str:
    return {'class_': 'class', 'viewBox': 'viewBox'}.get(key, key.rstrip('_').replace('_', '-'))


def _value(value: Union[str, int, float]) -> str:
    if isinstance(value, float):
        return f'{value:.1f}'.rstrip('0').rstrip('.')
    return escape(str(value))


class Scale(NamedTuple):
    """From numbers between `low` and `high` to places between `start` and `end`; by logarithm where `logarithmic`.
    What lies outside is drawn at the border."""

    low: float
    high: float
    start: float
    end: float
    logarithmic: bool = False

    def at(self, value: float) -> float:
        """The place of `value`."""
        grown: Callable[[float], float] = (lambda number: math.log2(max(number, 1))) if self.logarithmic else float
        low, high = grown(self.low), grown(self.high)
        share = (grown(value) - low) / (high - low) if high > low else 0.0
        return self.start + min(1.0, max(0.0, share)) * (self.end - self.start)

    def ticks(self, most: int) -> List[float]:
        """At most about so many round numbers in between: 1, 2 or 5 times a power of ten, or powers of two."""
        if self.logarithmic:
            first, last = math.ceil(math.log2(max(self.low, 1))), math.floor(math.log2(max(self.high, 1)))
            step = max(1, math.ceil((last - first + 1) / max(most, 1)))
            return [float(2 ** exponent) for exponent in range(first, last + 1, step)]
        rough = max(self.high - self.low, 1e-9) / max(most, 1)
        power = 10 ** math.floor(math.log10(rough))
        size = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= rough)
        return [number * size for number in range(math.ceil(self.low / size), math.floor(self.high / size) + 1)]


def picture(width: float, height: float, title: str, description: str, *content: Content,
            class_: str = 'picture') -> Markup:
    """A drawing with its title and description for those who do not see it; it grows with the page."""
    return element('svg', element('title', title), element('desc', description), *content, class_=class_, role='img',
                   viewBox=f'0 0 {width:g} {height:g}', preserveAspectRatio='xMidYMid meet',
                   aria_label=f'{title}. {description}')


def line(start: Point, end: Point, class_: str) -> Markup:
    """A straight line."""
    return element('line', x1=start[0], y1=start[1], x2=end[0], y2=end[1], class_=class_)


def path(points: Iterable[Point], class_: str, closed: bool = False) -> Markup:
    """Straight lines from point to point; none where there are no points."""
    places = ' '.join(f'{x:.1f},{y:.1f}' for x, y in points)
    return element('polygon' if closed else 'polyline', points=places, class_=class_) if places else Markup('')


def box(corner: Point, width: float, height: float, class_: str) -> Markup:
    """A rectangle; nothing of a width or height below zero."""
    return element('rect', x=corner[0], y=corner[1], width=max(0.0, width), height=max(0.0, height), class_=class_)


def text(place: Point, words: Content, class_: str = 'label', anchor: str = 'start') -> Markup:
    """Words that start, end, or have their middle (`anchor`) at a place on their base line."""
    return element('text', words, x=place[0], y=place[1], class_=class_, text_anchor=anchor)
