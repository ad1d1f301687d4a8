"""What becomes of findings since a baseline: new, worse, known or mended."""
import pytest

from azext_lbplan.inputs.earlier import Past, past_clusters, past_services, the_same
from azext_lbplan.inputs.unusable import UnusableDocument
from azext_lbplan.model.finding import ERROR, INFO, WARNING, Finding
from azext_lbplan.rules.baseline import KNOWN, NEW, WORSE, Place, compared


def place(code='A', severity=WARNING, target='t', where=(), **evidence):
    return Place(where, Finding(code, severity, 'said', target, evidence))


@pytest.mark.parametrize('now, before, state', [
    (place(), place(), KNOWN), (place(), place('B', target='u'), NEW), (place(severity=ERROR), place(), WORSE),
    (place(severity=INFO), place(), KNOWN), (place(where=('x',)), place(where=('y',)), NEW),
    (place(id='1'), place(id='2'), NEW), (place(target='u'), place(target='t'), NEW),
    (place(requiredPorts=9, availablePorts=5), place(requiredPorts=8, availablePorts=5), WORSE),
    (place(requiredPorts=9, availablePorts=6), place(requiredPorts=8, availablePorts=5), KNOWN),
    (place(requiredPorts=8, availablePorts=5), place(requiredPorts=9, availablePorts=5), KNOWN),
    (place(severity=WARNING, count=9, limit=5), place(severity=ERROR, count=6, limit=5), KNOWN),
    (place(requiredPorts=9, availablePorts=5), place(requiredPorts='x', availablePorts=None), KNOWN),
    # the same trouble, found by the next rule as it grows or shrinks
    (place('PortsOvercommittedNow'), place('PortsOvercommittedWithSurge'), WORSE),
    (place('PortsOvercommittedWithSurge', requiredPorts=9, availablePorts=1), place('PortsOvercommittedNow'), KNOWN),
    (place('PortsOvercommittedNow', WARNING), place('PortsOvercommittedWithSurge', ERROR), KNOWN),
    (place('B'), place('A'), NEW)])
def test_states(now, before, state):
    found = compared([now], [before], lambda _: True)
    assert found.states == (state,) and found.counting == ((0,) if state != KNOWN else ())
    assert found.mended == ((before,) if state == NEW else ())


def test_each_finding_is_known_once():
    found = compared([place(), place(), place()], [place(), place()], lambda _: True)
    assert found.states == (KNOWN, KNOWN, NEW) and found.mended == ()
    assert compared([], [place(), place('B')], lambda one: one.finding.code == 'B').mended == (place('B'),)


def test_clusters_are_found_again_by_the_most_telling_name():
    one, two = Past(('/id/1', 'aks'), ()), Past(('/id/2', 'aks'), ())
    assert the_same(('/id/2', 'aks'), [one, two]) is two and the_same(('aks',), [one, two]) is one
    assert the_same(('other',), [one]) is None and the_same((), [one, two]) is None
    assert the_same((), [one]) is one and the_same(('other',), [Past((), ())]) == Past((), ())


@pytest.mark.parametrize('document', [
    {}, [], None, 'x', [1], {'verdict': 1}, {'verdict': {}, 'findings': 3}, [{'findings': []}], {'findings': []},
    [{'document': 1, 'findings': [
        {'code': 1}, 2, {'code': 'A', 'severity': 'bad'}, {'code': 'A', 'severity': 'error'}]}]])
def test_what_comes_from_outside_is_not_trusted(document):
    for read in (lambda: past_clusters([document], 'plan'), lambda: past_services([document])):
        try:
            found = read()
        except UnusableDocument:
            continue
        for row in found or ():
            assert all(one.code and one.severity == 'error' for one in row.findings)
