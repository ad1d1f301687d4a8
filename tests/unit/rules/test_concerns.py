# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""What a rule does not concern it has nothing to say of: asked all the same, it is silent."""

import json
import re

import pytest

from azext_lbplan.decision import decide
from azext_lbplan.inputs.documents import read_documents
from azext_lbplan.inputs.objects import is_load_balancer, objects_in
from azext_lbplan.model.fields import Fields
from azext_lbplan.model.observed import parse_observed
from azext_lbplan.model.service import parse_service
from azext_lbplan.options import Options
from azext_lbplan.rules.cluster import RULES as CLUSTER_RULES
from azext_lbplan.rules.cluster.subject import AtColumn
from azext_lbplan.rules.service import RULES
from azext_lbplan.rules.service.subject import in_cluster

from tests.support.generated import generate
from tests.support.manifest_cases import ARTICLE, CASES, CLUSTER_CASES, CONTEXT, DOCUMENTED
from tests.unit.rules.test_rules import CASES as SNAPSHOTS

#: Manifests of every case, each without the annotations of Azure, without any, and without the address, too.
_TEXTS = [text for cases in (CASES, CLUSTER_CASES) for case in cases.values() for text in case[:2]]
_TEXTS += [*DOCUMENTED.values(), *ARTICLE.values()]
_LESS = (
    '', r'^    service\.beta\.kubernetes\.io/.*\n', r'^  annotations:\n(    .*\n)*', r'^  loadBalancer(IP|Source).*\n')


def services():
    for text in _TEXTS:
        for pattern in _LESS:
            less = re.sub(pattern, '', text, flags=re.MULTILINE) if pattern else text
            for document in read_documents(less.encode()):
                for body in objects_in(document.value):
                    if isinstance(body, Fields) and is_load_balancer(body):
                        yield in_cluster(parse_service(body), CONTEXT)
                        yield in_cluster(parse_service(body))


def said(rules, subject):
    """(code, findings) of the rules that do not concern `subject` and speak all the same."""
    unasked = [rule for rule in rules if rule.concerns is not None and not rule.concerns(subject)
               and not any(need(subject) for need in rule.needs)]
    return len(unasked), [(rule.code, found) for rule in unasked for found in rule.judge(rule, subject)]


def test_rules_on_services_are_silent_where_they_are_not_concerned():
    counts = []
    for subject in services():
        count, findings = said(RULES, subject)
        counts.append(count)
        assert findings == [], json.dumps(subject.service.body, default=str)
    assert max(counts) > 30 and min(counts) < 10


@pytest.mark.parametrize('decisions', [
    lambda: (decide(parse_observed(snapshot), Options()) for case in SNAPSHOTS for snapshot in case[2:]),
    lambda: (decide(parse_observed(generate(seed).snapshot()), Options()) for seed in range(60))],
    ids=['cases', 'generated'])
def test_rules_on_clusters_are_silent_where_they_are_not_concerned(decisions):
    counts = []
    for decision in decisions():
        count, findings = said(CLUSTER_RULES, AtColumn(decision, decision.asked))
        counts.append(count)
        assert findings == []
    assert max(counts) > 10 and min(counts) < max(counts)
