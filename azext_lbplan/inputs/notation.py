# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""From the text of a file to its documents: JSON, JSON after the notices of a command, or YAML."""

import re
from itertools import islice
from typing import List, Optional, Tuple

from ..model.fields import Fields, Items
from ..model.values import Json, get
from .json_text import Bounds, NotTaken, parse_text, text_of
from .unusable import UnusableDocument

#: Where JSON may begin after notices, and how many such places are tried.
_BEGINNING = re.compile(r'^[ \t]*(?=[\[{])', re.MULTILINE)
_MOST_BEGINNINGS = 50

#: Notices that may stand before JSON, in characters.
_LONGEST_NOTICES = 64 * 1024

#: The largest text that is tried as YAML, in characters: it is read about fifty times slower than JSON.
_LONGEST_YAML = 32 * 1024 * 1024

#: The largest JSON whose lines are looked for, in characters: what Azure Resource Manager takes of a template.
#: Source: AZURE-FACTS section 9, point 18.
_LONGEST_WITH_LINES = 4 * 1024 * 1024


def parse_documents(content: bytes, bounds: Bounds, advice: str) -> List[Json]:
    """The documents in `content`: one of JSON, also where a command has put notices before it, or those of YAML.

    Raises NotTaken where it is no text within `bounds`, UnusableDocument where it is neither.
    """
    text = text_of(content, bounds)
    document, problem = _json(text)
    if problem is None:
        return [_with_lines(document, text) if _is_of_people(document) else document]
    after = _after_notices(text)
    if after or text.lstrip()[:1] not in ('{', '['):
        return after or _yaml(text, problem, advice)
    raise UnusableDocument(problem, advice)


def _json(text: str) -> Tuple[Json, Optional[str]]:
    """The document, or what is wrong with it."""
    try:
        return parse_text(text), None
    except NotTaken as error:
        return None, str(error)


def _is_of_people(document: Json) -> bool:
    """Whether JSON is written by people, who look for a line of it: a template, rather than what a command printed."""
    return get(document, '$schema') is not None and get(document, 'resources') is not None


def _with_lines(document: Json, text: str) -> Json:
    """The document with the lines that its values stand on; as it is where the text is too long for that."""
    from .documents import read_documents
    if len(text) > _LONGEST_WITH_LINES:
        return document
    return _lined(document, next((read.value for read in read_documents(text.encode('utf-8', 'replace'))), None))


def _lined(value: Json, known: Json) -> Json:
    """A value with the lines that are `known` of the same."""
    if isinstance(value, dict) and isinstance(known, Fields):
        fields = Fields()
        fields.update((key, _lined(inner, known.get(key))) for key, inner in value.items())
        fields.lines = known.lines
        return fields
    if isinstance(value, list) and isinstance(known, Items) and len(value) == len(known):
        items = Items()
        items += map(_lined, value, known)
        items.lines = known.lines
        return items
    return value


def _after_notices(text: str) -> List[Json]:
    """The object or list that ends the text, where only notices stand before it; empty where there is none."""
    if text.lstrip()[:1] == '{':
        return []  # several documents, or a broken one
    for beginning in islice(_BEGINNING.finditer(text, 0, _LONGEST_NOTICES), _MOST_BEGINNINGS):
        if not text[:beginning.end()].strip():
            continue  # the whole text, which is none
        document, problem = _json(text[beginning.end():])
        if problem is None:
            return [document]
    return []


def _yaml(text: str, problem: str, advice: str) -> List[Json]:
    """The mappings and lists among the documents of YAML; `problem` is why it is no JSON."""
    from .documents import read_documents  # most JSON shall not pay for it
    if len(text) > _LONGEST_YAML:
        raise UnusableDocument(problem, advice)
    read = list(read_documents(text.encode('utf-8', 'replace')))
    documents = [document.value for document in read if isinstance(document.value, (dict, list))]
    wrong = next((document.problem for document in read if document.problem), None)
    if wrong is not None:
        raise UnusableDocument(f'{problem}, and no YAML: {wrong.message.rstrip(".")}', advice)
    if not documents:
        raise UnusableDocument(problem, advice)
    return documents
