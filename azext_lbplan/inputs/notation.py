# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""From the text of a file to its documents: JSON, JSON after the notices of a command, or YAML."""

import re
from itertools import islice
from typing import List, Optional, Tuple

from ..model.values import Json
from .json_text import Bounds, NotTaken, parse_text, text_of
from .unusable import UnusableDocument

#: Where JSON may begin after notices, and how many such places are tried.
_BEGINNING = re.compile(r'^[ \t]*(?=[\[{])', re.MULTILINE)
_MOST_BEGINNINGS = 50

#: Notices that may stand before JSON, in characters.
_LONGEST_NOTICES = 64 * 1024

#: The largest text that is tried as YAML, in characters: it is read about fifty times slower than JSON.
_LONGEST_YAML = 32 * 1024 * 1024


def parse_documents(content: bytes, bounds: Bounds, advice: str) -> List[Json]:
    """The documents in `content`: one of JSON, also where a command has put notices before it, or those of YAML.

    Raises NotTaken where it is no text within `bounds`, UnusableDocument where it is neither.
    """
    text = text_of(content, bounds)
    document, problem = _json(text)
    if problem is None:
        return [document]
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
    from .documents import read_documents  # JSON shall not pay for it
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
