"""Citations lead somewhere: those of facts to .github/AZURE-FACTS.md, those of the house to .github/ARCHITECTURE.md."""
import ast
import io
import re
import tokenize
from pathlib import Path

import pytest

import azext_lbplan
from azext_lbplan.rules.cluster import RULES

PACKAGE = Path(azext_lbplan.__file__).parent
DOOR = PACKAGE.parent / '.github'
ROOMS = [path for folder in (PACKAGE, PACKAGE.parent / 'tests') for path in folder.rglob('*') if path.is_dir()]
FACTS = (DOOR / 'AZURE-FACTS.md').read_text(encoding='utf-8')
HOUSE = (DOOR / 'ARCHITECTURE.md').read_text(encoding='utf-8')
SECTIONS = {int(number): text for number, text in re.findall(
    r'^## (\d+)\. (.*?)(?=^## |\Z)', FACTS, re.MULTILINE | re.DOTALL)}

#: "section 9, points 4 and 17", "sections 1 and 2", "section 2 [D], limits", "section 1, Moves"; sections of the facts
#: are also cited without the page's name, those of standards not.
CITATION = re.compile(r'\bsections? (\d+(?:(?:, | and )\d+)*)((?: ?\[[^\]]+\],?)*)'
                      r'(?:,? points? (?P<points>\d+(?:(?:, | and )\d+)*)|(?:, |: | \()(?P<place>[^.;()]+))?')


def texts(path):
    """Each text and each comment of a file, on one line."""
    source = path.read_text(encoding='utf-8')
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield ' '.join(node.value.split())
    comment = ''
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            comment += ' ' + token.string.lstrip('#: ')
        elif token.type not in (tokenize.NL, tokenize.NEWLINE):
            yield comment.strip()
            comment = ''


def cited(text):
    """(section, points, place) of each citation of the facts in a text."""
    for found in CITATION.finditer(re.sub(r'RFC \d+, sections?', '', text)):
        numbers = [int(number) for number in re.findall(r'\d+', found[1])]
        points = [int(number) for number in re.findall(r'\d+', found['points'] or '')]
        for number in numbers:
            yield number, points, found['place'] if len(numbers) == 1 else None


CITED = {(path.relative_to(PACKAGE).as_posix(), *map(str, citation)): citation
         for path in sorted(PACKAGE.rglob('*.py')) for text in texts(path) for citation in cited(text)}


def plain(text):
    """Text without what Markdown and line breaks add, for comparing."""
    return ' '.join(re.sub(r'[*`|]', '', text).lower().split())


def test_there_is_something_to_check():
    assert len(CITED) > 80 and {number for number, *_ in CITED.values()} >= {1, 2, 3, 4, 5, 6, 9, 10}
    assert set(SECTIONS) == set(range(1, 12))


@pytest.mark.parametrize('where', sorted(CITED), ids=' '.join)
def test_a_citation_resolves(where):
    number, points, place = CITED[where]
    assert number in SECTIONS, where
    there = [int(point) for point in re.findall(r'^(\d+)\. ', SECTIONS[number], re.MULTILINE)]
    assert set(points) <= set(there), where
    for name in re.split('[,:]', re.sub(r'\[.\]', '', place or '')):
        assert plain(name) in plain(SECTIONS[number]), where


def test_what_is_marked_as_unknown_is_marked_so_on_the_page():
    """A source that claims a mark claims one that its section has."""
    for rule in RULES:
        for found in CITATION.finditer(rule.source):
            for mark in re.findall(r'\[([DOI?])', found[2]):
                assert f'[{mark}]' in SECTIONS[int(found[1].split()[0].rstrip(','))], rule.code


def test_no_page_outside_of_the_repository_is_cited():
    for path in sorted(PACKAGE.rglob('*.py')):
        for text in texts(path):
            assert not re.search(r'\bdesign\b(?! patterns)', text, re.IGNORECASE), f'{path.name}: {text}'
            for page, heading in re.findall(r'\b([A-Z]+\.md), ([A-Z][a-z]+)', text):
                assert page == 'ARCHITECTURE.md' and f'\n## {heading}\n' in HOUSE, f'{path.name}: {text}'


@pytest.mark.parametrize('name', [path.name for path in sorted(DOOR.glob('*.md'))])
def test_what_a_page_of_the_door_names_is_there(name):
    """Links, files and folders."""
    text = (DOOR / name).read_text(encoding='utf-8')
    root = PACKAGE.parent
    assert [link for link in re.findall(r'\]\((?!https?:)([^)#]+)\)', text) if not (DOOR / link).exists()] == []
    if name != 'AZURE-FACTS.md':  # there the paths are those of other repositories
        named = set(re.findall(r'(?<![\w./-])((?:[\w.]+/)+[\w.]*|[\w.]+\.(?:py|md|rst|json))', text))
        assert len(named) > 5
        assert [path for path in sorted(named) if not re.search(r'^(az|ARM|bin)|\.venv|^https?', path)
                and not any((folder / path).exists() for folder in (root, PACKAGE, DOOR, *ROOMS))] == []
