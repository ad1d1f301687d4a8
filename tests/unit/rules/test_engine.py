# Copyright (c) the lbplan developers. Licensed under the MIT License.
"""The engine: needs, failures, and how much a rule may say."""

from azext_lbplan.model.finding import ERROR, INFO, WARNING
from azext_lbplan.rules.engine import Lead, Rule, Skipped, batches, run, run_batches


def rule(code, judge, severity=ERROR, **more):
    return Rule(code, severity, 'Title.', 'Why.', 'Source.', judge, **more)


def endless(its_rule, _subject):
    while True:
        yield its_rule.finding('Again.')


def failing(its_rule, _subject):
    yield its_rule.finding('Before.')
    raise ValueError('no')


def test_no_rule_says_more_than_it_may():
    assert len(run([rule('A', endless), rule('B', endless)], None, 3).findings) == 6


def test_a_rule_that_fails_says_nothing_and_is_a_warning_where_skipped_rules_are_not_listed():
    report = run([rule('A', failing), rule('B', lambda its_rule, _: [its_rule.finding('B.')], INFO)], None)
    reason = 'The rule failed (ValueError: no). Please report this.'
    assert report.skipped == (Skipped('A', reason, failed=True),)
    assert [found.code for found in report.findings] == ['B']
    assert [(found.code, found.severity, found.message) for found in report.said()] == [
        ('A', WARNING, reason), ('B', INFO, 'B.')]


def test_a_need_is_asked_once_for_all_rules():
    asked = []

    def need(subject):
        asked.append(subject)
        return 'Not there.'
    report = run([rule(code, endless, needs=(need,)) for code in 'ABC'], 'subject')
    assert report.skipped == tuple(Skipped(code, 'Not there.') for code in 'ABC')
    assert asked == ['subject']


def test_what_leads_a_report_is_found_without_asking_for_what_is_milder():
    asked = []

    def finding(code, *severities, usual=INFO, **more):
        def judge(its_rule, _subject):
            asked.append(code)
            return [its_rule.finding(f'{code} {number}.', severity=one) for number, one in enumerate(severities)]
        return rule(code, judge, usual, **more)
    rules = [finding('A', INFO), finding('B', INFO, WARNING, WARNING, usual=ERROR),
             finding('C', WARNING, usual=WARNING), finding('D', INFO, up_to=ERROR), rule('E', failing, ERROR),
             finding('F', ERROR, usual=ERROR, needs=(lambda _: 'Not there.',)),
             finding('G', ERROR, usual=ERROR, concerns=lambda _: False)]
    assert Lead(rules).of(None).message == 'B 1.' == run(rules, None).findings[0].message
    assert asked[:3] == ['B', 'D', 'C'] and Lead([]).of(None) is None


def test_rules_whose_concern_breaks_are_asked():
    def concern(_subject):
        raise ValueError('no')
    report = run([rule('A', lambda its_rule, _: [its_rule.finding('A.')], concerns=concern)], None)
    assert [found.code for found in report.findings] == ['A'] and not report.skipped


def test_what_is_needed_in_part_is_missed_by_rules_that_are_not_concerned_too():
    report = run([rule(code, endless, concerns=lambda _: False, needs_in_part=(lambda _: 'Not all.',))
                  for code in 'AB'], None)
    assert report == ((), (Skipped('A', 'Not all.'), Skipped('B', 'Not all.')))


def test_rules_in_batches_speak_in_their_order():
    def says(code, *needs):
        return rule(code, lambda its_rule, _: [its_rule.finding(code)], needs=needs)
    missing, there = (lambda _: 'Not there.'), (lambda _: None)
    rules = [says('A'), says('B', there), rule('C', endless, concerns=lambda _: False), says('D', missing), says('E'),
             says('F', there, missing), says('G', missing)]
    report = run_batches(batches(rules), None)
    assert [len(batch.rules) for batch in batches(rules)] == [2, 1, 1, 2, 1]
    assert [found.code for found in report.findings] == ['A', 'B', 'E']
    assert [skipped.code for skipped in report.skipped] == ['D', 'F', 'G']
