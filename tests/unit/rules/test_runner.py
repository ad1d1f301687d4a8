"""What keeps a rule from being applied is said; what breaks one does not stop the others."""
import json
from pathlib import Path

import pytest

from azext_lbplan.views import results, tables
from azext_lbplan.decision import decide
from azext_lbplan.options import Change, Options, Scale
from azext_lbplan.rules import catalogue
from azext_lbplan.rules.cluster import CHECK_CODES, RULES, check, findings
from azext_lbplan.rules.cluster.subject import (AtColumn, load_balancer, metrics, metrics_were_read, own_ips,
                                                standard_load_balancer)
from azext_lbplan.rules.engine import Rule, run
from azext_lbplan.rules.service import RULES as SERVICE_RULES
from azext_lbplan.model.cluster import is_cluster
from azext_lbplan.model.finding import ERROR, INFO, WARNING
from azext_lbplan.model.observed import Observed
from tests.support.cases import GROUP

from tests.support.asking_rules import ask, codes, decision_of
from tests.support.worlds import BALANCER, profile, with_, without_reading, world

SAMPLES = Path(__file__).resolve().parents[4] / 'shared' / 'samples'


def needing(*needs):
    return {rule.code for rule in RULES if rule.code in CHECK_CODES and set(needs) & {*rule.needs, *rule.needs_in_part}}


def skipped(report):
    return {one.code: one.reason for one in report.skipped}


def test_without_permission_on_the_node_resource_group_the_others_still_run():
    report = ask(without_reading(world(sku='standard', ports=8000, managed=1), BALANCER, 403))
    reasons = skipped(report)
    assert set(reasons) == needing(load_balancer, metrics, metrics_were_read)
    assert reasons['PortsDrift'] == ('The load balancer could not be read: Microsoft.Network/loadBalancers/read is '
                                     'missing on resource group MC_rg1_aks1_westeurope.')
    assert 'LoadBalancerNotReadable' in codes(report, WARNING)


def test_without_permission_on_metrics_the_permission_is_named():
    snapshot = world()
    snapshot['errors'].append({'resourceId': f'{BALANCER}/providers/Microsoft.Insights/metrics', 'status': 403,
                               'code': 'AuthorizationFailed', 'message': 'No.'})
    reasons = skipped(ask(snapshot))
    assert set(reasons) == needing(metrics, metrics_were_read)
    assert all('Microsoft.Insights/metrics/read' in reason for reason in reasons.values())


def test_own_ips_that_were_not_read_are_neither_passed_nor_in_the_way_of_the_others():
    snapshot = without_reading(with_(world(own=2), 'publicIpAddresses', 0, 'location', value='northeurope'),
                               f'{GROUP}/publicIPAddresses/own1', 403)
    report = ask(snapshot, only=needing(own_ips))
    assert codes(report) == ['OutboundIpOtherRegion']
    assert set(skipped(report)) == needing(own_ips)
    assert skipped(report)['OutboundIpNotStandard'] == (
        '1 of 2 own outbound IPs could not be read: Microsoft.Network/publicIPAddresses/read is missing on them.')


def test_a_prefix_of_unknown_length_leaves_capacity_open():
    report = ask(without_reading(world(prefix_lengths=[31], ports=40000), f'{GROUP}/publicIPPrefixes/prefix0', 403))
    assert {'PortsOvercommittedNow', 'PortsOvercommittedWithSurge'} <= set(skipped(report))


@pytest.mark.parametrize('snapshot, status, reason', [
    (world(outbound_type='userDefinedRouting'), 'notApplicable', 'The outbound type is userDefinedRouting, not'),
    (world(sku='basic'), 'warning', 'The load balancer is Basic, not Standard.'),
])
def test_other_egress_skips_what_does_not_apply(snapshot, status, reason):
    report = ask(snapshot)
    assert results.status_of(decision_of(snapshot), next(iter(report.findings), None)) == status
    assert set(skipped(report)) == needing(standard_load_balancer)
    assert all(one.startswith(reason) for one in skipped(report).values())


def breaking(rule, subject):
    yield rule.finding('Before.')
    raise ZeroDivisionError('by zero')


def working(rule, subject):
    yield rule.finding('Works.')


def test_a_rule_that_fails_never_ends_the_run(monkeypatch):
    rules = tuple(Rule(code, severity, 'Title.', 'Why.', 'Source.', judge, commands=('plan', 'check'))
                  for code, severity, judge in (('Breaking', ERROR, breaking), ('Working', WARNING, working)))
    decision = decision_of(world())
    report = run(rules, AtColumn(decision, decision.asked))
    assert codes(report) == ['Working']
    assert skipped(report) == {'Breaking': 'The rule failed (ZeroDivisionError: by zero). Please report this.'}
    monkeypatch.setattr('azext_lbplan.rules.cluster.RULES', rules)
    assert [(one.code, one.severity) for one in findings(decision)] == [('Working', WARNING), ('Breaking', WARNING)]


def test_what_a_failed_rule_quotes_never_steers_a_terminal():
    def hostile(rule, subject):
        raise ValueError('\x1b[2J\x07')
    decision = decision_of(world())
    report = run([Rule('Hostile', ERROR, 'Title.', 'Why.', 'Source.', hostile)], AtColumn(decision, decision.asked))
    assert skipped(report)['Hostile'].isprintable()


def test_no_rule_fails_on_a_plan_without_a_cluster():
    decision = decide(Observed(cluster=None), Options(Change(outbound_ports=1024), Scale(node_count=3)))
    assert [one.message for one in findings(decision) if 'failed' in one.message] == []


def test_rules_are_selected_by_their_codes():
    decision = decision_of(world())
    assert codes(check(decision, only=['AutomaticAllocation'])) == ['AutomaticAllocation']
    assert 'AutomaticAllocation' not in codes(check(decision, without=['AutomaticAllocation']))
    assert check(decision, only=['TcpResetOff'], without=['TcpResetOff']).findings == ()


def test_the_page_holds_every_rule_and_is_what_the_registry_makes():
    page = catalogue.page()
    rows = [row for row in page.splitlines() if row.startswith('| `')]
    assert [row.split('|')[1].strip(' `') for row in rows] == [rule.code for rule in (*RULES, *SERVICE_RULES)]
    assert Path(catalogue.__file__).with_name('README.md').read_text(encoding='utf-8') == page


@pytest.mark.parametrize('snapshot', [world(ports=8000, managed=1), world(outbound_type='none'),
                                      without_reading(world(own=1), BALANCER, 403)], ids=str)
def test_the_result_and_its_table(snapshot):
    decision = decision_of(snapshot)
    result = results.check(decision, check(decision))
    assert list(result) == ['cluster', 'verdict', 'egress', 'status', 'findings', 'skipped', 'summary', 'flags',
                            'prerequisites', 'command', 'commands', 'noCommand', 'moves', 'code', 'mended']
    assert json.loads(json.dumps(result)) == result
    for shown in (result, [result, result]):
        rows = tables.check_table(shown)
        labels = [list(row.values())[-2] for row in rows]
        assert labels[0] == 'Verdict' and {'Binds', 'Change', 'Skipped'} <= set(labels)
        text = ' '.join(list(row.values())[-1] for row in rows)
        assert all(one['code'] in text for one in result['findings'] if shown is result or one['severity'] != INFO)


def test_a_table_without_findings_is_the_verdict():
    decision = decision_of(world())
    result = results.check(decision, check(decision, only=['PortsDrift']))
    assert [row['Check'] for row in tables.check_table(result) if row['Check']] == ['Verdict', 'Binds', 'Change']


def clusters_in(body):
    if is_cluster(body):
        return [body]
    parts = body.values() if isinstance(body, dict) else body if isinstance(body, list) else ()
    return [cluster for part in parts for cluster in clusters_in(part)]


@pytest.mark.skipif(not SAMPLES.is_dir(), reason='the real payloads are not here')
def test_real_payloads_are_checked_without_a_crash():
    number = 0
    for path in sorted(SAMPLES.rglob('*.json')):
        for cluster in clusters_in(json.loads(path.read_text(encoding='utf-8'))):
            report = ask({'managedCluster': cluster})
            assert codes(report, ERROR) == [], path  # none of them was broken
            number += 1
    assert number > 10


def balancers():
    for path in sorted(SAMPLES.glob('network/*.json')):
        yield json.loads(path.read_text(encoding='utf-8'))


@pytest.mark.skipif(not SAMPLES.is_dir(), reason='the real payloads are not here')
def test_real_load_balancers_are_checked_without_a_crash():
    for body in balancers():
        for balancer in body if isinstance(body, list) else [body]:
            snapshot = with_(world(), 'loadBalancer', value=balancer)
            profile(snapshot).pop('effectiveOutboundIPs')
            ask(snapshot)
