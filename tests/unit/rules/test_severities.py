# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""A rule that may find worse than its own severity says so: a row of a fleet asks no rule that cannot lead."""

import ast
import inspect
from importlib import import_module
from pkgutil import iter_modules

import pytest

from azext_lbplan.model.finding import SEVERITIES
from azext_lbplan.rules import cluster, service

MODULES = [import_module(f'{package.__name__}.{found.name}') for package in (cluster, service)
           for found in iter_modules(package.__path__)]
WORST = {rule.code: rule.worst for rule in (*cluster.RULES, *service.RULES)}
NAMES = {severity.upper(): severity for severity in SEVERITIES}


def named_severities(function, functions, seen=()):
    """Those that a function, or one of the same module that it names, gives to a finding."""
    for node in ast.walk(function):
        if isinstance(node, ast.keyword) and node.arg == 'severity':
            yield from (NAMES[part.id] for part in ast.walk(node.value)
                        if isinstance(part, ast.Name) and part.id in NAMES)
        if isinstance(node, ast.Name) and node.id in functions and node.id not in seen:
            yield from named_severities(functions[node.id], functions, (*seen, node.id))


def declared(function, module):
    """The codes that a function is declared to judge."""
    for call in function.decorator_list:
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == 'rule':
            yield eval(ast.unparse(call.args[0]), vars(module))  # source of our own


@pytest.mark.parametrize('module', MODULES, ids=lambda module: module.__name__)
def test_no_finding_is_worse_than_its_rule_says(module):
    functions = {node.name: node for node in ast.parse(inspect.getsource(module)).body
                 if isinstance(node, ast.FunctionDef)}
    for name, function in functions.items():
        for code in declared(function, module):
            for severity in named_severities(function, functions, (name,)):
                assert SEVERITIES.index(severity) >= SEVERITIES.index(WORST[code]), code
