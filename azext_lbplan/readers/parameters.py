# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""Values for the parameters of a template, as `az deployment` takes them: KEY=VALUE, a file, or JSON."""

import json
from typing import Dict, Iterable, Mapping

from azure.cli.core.azclierror import InvalidArgumentValueError

from ..model.values import Json, get
from .json_file import read_document

_ADVICE = 'Give KEY=VALUE, or a file such as azuredeploy.parameters.json.'


def read_parameters(written: Iterable[str]) -> Mapping[str, Json]:
    """The values by the names of the parameters; of two for one name the last counts.

    Raises FileOperationError where a file cannot be read, InvalidArgumentValueError for what is neither.
    """
    values: Dict[str, Json] = {}
    for one in written:
        name, equals, value = one.partition('=')
        if one.lstrip().startswith('{'):
            values.update(_in(_parsed(one)))
        elif equals and name.isidentifier():
            values[name] = value
        else:
            values.update(read_document(one.lstrip('@'), _in, _ADVICE))
    return values


def _parsed(written: str) -> Json:
    try:
        return json.loads(written)
    except (ValueError, RecursionError) as error:
        raise InvalidArgumentValueError('--parameters: what begins with a brace is no JSON.', _ADVICE) from error


def _in(document: Json) -> Dict[str, Json]:
    """The values in a parameter file; a reference to a key vault stays open."""
    named = get(document, 'parameters')
    named = named if isinstance(named, dict) else document
    if not isinstance(named, dict):
        raise InvalidArgumentValueError('--parameters: there are no parameters in it.', _ADVICE)
    return {str(name): get(value, 'value') for name, value in named.items()
            if isinstance(value, dict) and 'value' in value}
