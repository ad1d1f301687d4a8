"""Documents held against the schemas in tests/data/schemas: what they break, as lines.

Just those words of JSON Schema (draft 4) and of XML Schema that these two use; any other word is an error here, so that
none is passed over. Both were held against the packages jsonschema and xmlschema once, with the same answers.
"""
import json
import re
from pathlib import Path
from xml.etree import ElementTree

SCHEMAS = Path(__file__).resolve().parents[1] / 'data' / 'schemas'
SARIF = json.loads((SCHEMAS / 'sarif-schema-2.1.0.json').read_text(encoding='utf-8'))
JUNIT = ElementTree.parse(SCHEMAS / 'junit-10.xsd').getroot()

# JSON Schema

_TYPES = {'object': dict, 'array': list, 'string': str, 'boolean': bool, 'integer': int, 'number': (int, float)}
_FORMATS = {'uri': r'[a-z][a-z0-9+.-]*:[^\s<>"{}|\\^`]*', 'uri-reference': r'[^\s<>"{}|\\^`]*',
            'date-time': r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z'}
_SILENT = {'$schema', 'id', 'title', 'description', 'default', 'definitions'}


def sarif_problems(log):
    """What the log breaks of the SARIF schema."""
    return list(_json(log, SARIF, '$'))


def _json(value, schema, at):
    if '$ref' in schema:
        schema = SARIF['definitions'][schema['$ref'].rpartition('/')[2]]
    for word, wanted in schema.items():
        if word in _SILENT:
            continue
        if word in _BRANCHES:
            yield from _BRANCHES[word](value, wanted, schema, at)
        elif not _CHECKS[word](value, wanted):
            yield f'{at}: {word} {wanted}'


def _is(value, wanted):
    kinds = wanted if isinstance(wanted, list) else [wanted]
    return any(isinstance(value, _TYPES[kind]) and (kind == 'boolean' or not isinstance(value, bool)) for kind in kinds)


_CHECKS = {
    'type': _is,
    'enum': lambda value, wanted: value in wanted,
    'pattern': lambda value, wanted: not isinstance(value, str) or re.search(wanted, value),
    'format': lambda value, wanted: not isinstance(value, str) or re.fullmatch(_FORMATS[wanted], value),
    'minimum': lambda value, wanted: not _is(value, 'number') or value >= wanted,
    'maximum': lambda value, wanted: not _is(value, 'number') or value <= wanted,
    'minItems': lambda value, wanted: not isinstance(value, list) or len(value) >= wanted,
    'uniqueItems': lambda value, wanted: not isinstance(value, list) or not wanted or len(
        {json.dumps(one, sort_keys=True) for one in value}) == len(value),
    'required': lambda value, wanted: not isinstance(value, dict) or set(wanted) <= set(value),
}


def _properties(value, wanted, _, at):
    for key in wanted if isinstance(value, dict) else ():
        if key in value:
            yield from _json(value[key], wanted[key], f'{at}.{key}')


def _more(value, wanted, schema, at):
    for key in set(value) - set(schema.get('properties', ())) if isinstance(value, dict) else ():
        if wanted is False:
            yield f'{at}: {key} is not known'
        elif wanted is not True:
            yield from _json(value[key], wanted, f'{at}.{key}')


def _items(value, wanted, _, at):
    for number, item in enumerate(value if isinstance(value, list) else ()):
        yield from _json(item, wanted, f'{at}[{number}]')


def _any(value, wanted, _, at):
    if all(list(_json(value, one, at)) for one in wanted):
        yield f'{at}: anyOf'


def _one(value, wanted, _, at):
    if sum(not list(_json(value, one, at)) for one in wanted) != 1:
        yield f'{at}: oneOf'


_BRANCHES = {'properties': _properties, 'additionalProperties': _more, 'items': _items, 'anyOf': _any, 'oneOf': _one}

# XML Schema

_XS = '{http://www.w3.org/2001/XMLSchema}'


def junit_problems(written):
    """What the document breaks of the JUnit schema."""
    root = ElementTree.fromstring(written)
    return list(_xml(root, _named('element', root.tag)))


def _named(kind, name):
    return next((one for one in JUNIT.findall(f'{_XS}{kind}') if one.get('name') == name), None)


def _xml(element, declared):
    if declared is None:
        yield f'{element.tag} is not known'
        return
    kind = declared.find(f'{_XS}complexType')
    kind = kind if kind is not None else _named('complexType', declared.get('type'))
    attributes = {} if kind is None else {one.get('name'): one for one in kind.findall(f'{_XS}attribute')}
    for name, one in attributes.items():
        if one.get('use') == 'required' and name not in element.attrib:
            yield f'{element.tag}: {name} is missing'
        pattern = _pattern(one.get('type'))
        if pattern and name in element.attrib and not re.fullmatch(pattern, element.get(name)):
            yield f'{element.tag}: {name} is {element.get(name)}'
    yield from (f'{element.tag}: {name} is not known' for name in set(element.attrib) - set(attributes))
    mixed = kind is None or kind.get('mixed') == 'true'
    if not mixed and any((text or '').strip() for text in (element.text, *(child.tail for child in element))):
        yield f'{element.tag}: text'
    inner = () if kind is None else [one for one in kind if one.tag != f'{_XS}attribute']
    allowed = {one.get('ref') or one.get('name') for group in inner for one in group.iter(f'{_XS}element')}
    for group in inner:  # each is a repeated choice, or a sequence of one repeated element: any order, any number
        _check_repeats(group)
    for child in element:
        if child.tag in allowed:
            yield from _xml(child, _named('element', child.tag))
        else:
            yield f'{element.tag}: {child.tag} does not belong there'


def _check_repeats(group):
    while len(group) == 1 and group.tag == f'{_XS}sequence' and group[0].tag != f'{_XS}element':
        group = group[0]
    repeated = group[0] if group.tag == f'{_XS}sequence' and len(group) == 1 else group
    if (repeated.get('minOccurs'), repeated.get('maxOccurs')) != ('0', 'unbounded'):
        raise NotImplementedError(f'{group.tag} is not such a group')


def _pattern(name):
    simple = _named('simpleType', name)
    return None if simple is None else simple.find(f'{_XS}restriction/{_XS}pattern').get('value')
