# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""A page of HTML that stands alone: its style, and the parts that sections are made of. Nothing is fetched, nothing
runs; it can be read on a phone and on paper, by light and by dark."""

from typing import Iterable, Iterator, List, Optional, Sequence

from .svg import Content, Markup, element, join

#: What a browser may do with the page: show it with the style inside of it, and nothing else.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'"

#: Severities by shape and word, so that none is told by its colour alone.
_SIGNS = {'error': '\u2716', 'warning': '\u25b2', 'info': '\u25cf', 'ok': '\u2714'}

#: Contrasts of text are at least 4.5 to 1 on both grounds (WCAG 2.2, 1.4.3); those of marks 3 to 1 (1.4.11).
_STYLE = '''
:root { color-scheme: light dark; --ground: #ffffff; --ink: #1b1f24; --muted: #57606a; --edge: #d0d7de;
  --soft: #f3f5f8; --blue: #0b61c4; --orange: #b04a00; --red: #c01c28; --green: #1a7f37; --use: #4a8fe0; }
@media (prefers-color-scheme: dark) { :root { --ground: #14181d; --ink: #e8ebef; --muted: #a3adb8; --edge: #3b444e;
  --soft: #1f252c; --blue: #6cb2ff; --orange: #ffa657; --red: #ff7b72; --green: #5ccb74; --use: #3f7fca; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem; max-width: 60rem; background: var(--ground); color: var(--ink);
  font: 1rem/1.5 system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.5rem; line-height: 1.25; margin: 0 0 .25rem; } h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; }
p { margin: .4rem 0; } .muted { color: var(--muted); } a { color: var(--blue); }
.verdict { border: 1px solid var(--edge); border-left: .5rem solid var(--muted); background: var(--soft);
  padding: .75rem 1rem; margin: 1rem 0; border-radius: .25rem; } .verdict p:first-child { font-size: 1.15rem; }
.error { --tone: var(--red); } .warning { --tone: var(--orange); } .ok { --tone: var(--green); }
.info { --tone: var(--blue); } .verdict.error, .verdict.warning, .verdict.ok, .verdict.info {
  border-left-color: var(--tone); } .sign { color: var(--tone); font-weight: 700; margin-right: .35rem; }
pre { background: var(--soft); border: 1px solid var(--edge); border-radius: .25rem; padding: .6rem .75rem;
  white-space: pre-wrap; overflow-wrap: anywhere; font: .85rem/1.45 ui-monospace, Consolas, "DejaVu Sans Mono",
  monospace; } pre.line span { display: inline-block; max-width: 100%; }
table { border-collapse: collapse; width: 100%; font-size: .9rem; } th, td { text-align: left; vertical-align: top;
  padding: .3rem .6rem .3rem 0; border-bottom: 1px solid var(--edge); } th { color: var(--muted); font-weight: 600; }
th, td { overflow-wrap: break-word; } code { overflow-wrap: anywhere; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
ul { padding-left: 1.2rem; margin: .4rem 0; } details { margin: .4rem 0; } summary { cursor: pointer; }
.finding { border-left: .25rem solid var(--tone); padding: .1rem 0 .1rem .75rem; margin: .75rem 0; }
figure { margin: .5rem 0; } figcaption { color: var(--muted); font-size: .85rem; }
.picture { display: block; width: 100%; height: auto; } .narrow { display: none; } .legend { list-style: none;
  padding: 0; display: flex; flex-wrap: wrap; gap: .2rem 1.2rem; font-size: .85rem; } .legend svg { width: 2rem;
  height: .8rem; vertical-align: middle; margin-right: .4rem; }
.label { fill: var(--ink); font-size: 12px; } .label.muted { fill: var(--muted); } .label.strong { font-weight: 600;
  paint-order: stroke; stroke: var(--ground); stroke-width: 4px; stroke-linejoin: round; }
.grid { stroke: var(--edge); stroke-width: 1; } .axis { stroke: var(--muted); stroke-width: 1; }
.marker { stroke: var(--muted); stroke-width: 1; stroke-dasharray: 2 3; }
.allocated, .most { fill: none; stroke-width: 2.5; } .most { stroke-width: 1.5; stroke-dasharray: 1.5 3; }
.current { stroke: var(--blue); } .proposed { stroke: var(--orange); } .allocated.proposed { stroke-dasharray: 9 5; }
.use { fill: var(--use); stroke: none; } .use.over { fill: var(--red); } .use.coarse { opacity: .4; } .frame {
  fill: none; stroke: var(--muted); }
.band { fill: var(--red); opacity: .18; } .full { fill: var(--orange); } .failed { stroke: var(--red);
  stroke-width: 2; }
@media (max-width: 40rem) { .wide { display: none; } .narrow { display: block; } body { padding: .75rem; }
  table.cards thead { position: absolute; left: -9999px; } table.cards, table.cards tbody, table.cards tr,
  table.cards td, table.cards th { display: block; width: 100%; } table.cards td { border: 0; padding: .05rem 0;
  text-align: left; } table.cards td::before { content: attr(data-title) ": "; color: var(--muted); }
  table.cards tr { border-bottom: 1px solid var(--edge); padding: .4rem 0; } table.cards th { border: 0; padding: 0;
  color: var(--ink); } }
@media print { :root { --ground: #ffffff; --ink: #000000; --muted: #444444; --edge: #bbbbbb; --soft: #f6f6f6;
  --blue: #0b4a99; --orange: #8a3a00; --red: #a01018; --green: #14622b; --use: #4a8fe0; } body { max-width: none;
  padding: 0; font-size: 10pt; } .wide { display: block; } .narrow { display: none; } figure, .finding, .verdict, tr
  { break-inside: avoid; } h2 { break-after: avoid; } details > * { display: block; } a { color: inherit; } }
'''


def page(title: str, *content: Content) -> str:
    """The whole page."""
    head = element('head', Markup('<meta charset="utf-8">'), _meta('viewport', 'width=device-width, initial-scale=1'),
                   Markup(f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'),
                   element('title', title), element('style', Markup(_STYLE)))
    return f'<!DOCTYPE html>\n<html lang="en">{head}{element("body", element("main", *content))}</html>\n'


def _meta(name: str, content: str) -> Markup:
    return Markup(f'<meta name="{name}" content="{content}">')


def section(title: str, *content: Content) -> Markup:
    """A heading and what follows; nothing where nothing follows."""
    inner = join(content)
    return element('section', element('h2', title), inner) if inner else Markup('')


def sign(severity: str, word: Optional[str] = None) -> Markup:
    """The severity as a sign, with its word or another one."""
    return element('span', f"{_SIGNS[severity]} {word or severity}", class_='sign')


def paragraphs(words: Iterable[str]) -> Markup:
    """A list of sentences."""
    items = [element('li', one) for one in words]
    return element('ul', *items) if items else Markup('')


def lines(commands: Iterable[str]) -> Markup:
    """Lines to run, each in a place of its own, where it breaks between its words: an option has hyphens."""
    return join(element('pre', *_words(command), class_='line') for command in commands)


def _words(command: str) -> Iterator[Content]:
    for number, word in enumerate(command.split(' ')):
        yield from (' ',) if number else ()
        yield element('span', word)


def table(titles: Sequence[str], rows: Iterable[Sequence[Content]], numbers: Sequence[int] = ()) -> Markup:
    """A table; on a phone each row becomes a card. Columns in `numbers` are set to the right."""
    classes = ['number' if index in numbers else None for index in range(len(titles))]
    head = element('tr', *(element('th', title, class_=class_, scope='col')
                           for title, class_ in zip(titles, classes)))
    body = [element('tr', *(_cell(index, title, cell, class_) for index, (title, cell, class_)
                            in enumerate(zip(titles, row, classes)))) for row in rows]
    return element('table', element('thead', head), element('tbody', *body), class_='cards') if body else Markup('')


def _cell(index: int, title: str, cell: Content, class_: Optional[str]) -> Markup:
    if index == 0:
        return element('th', cell, scope='row', class_=class_)
    return element('td', cell, class_=class_, data_title=title)


def figure(wide: Optional[Markup], narrow: Optional[Markup], caption: str, legend: Sequence[Markup] = ()) -> Markup:
    """A picture in two sizes, of which a screen shows one; nothing where there is none."""
    if not wide or not narrow:
        return Markup('')
    parts: List[Content] = [element('div', wide, class_='wide'), element('div', narrow, class_='narrow')]
    if legend:
        parts.append(element('ul', *(element('li', one) for one in legend), class_='legend'))
    return element('figure', *parts, element('figcaption', caption))
