"""The page for people: well formed, complete, escaped, alone in the world, and small."""
import html
import re
from html.parser import HTMLParser

import pytest

from azext_lbplan.decision import decide
from azext_lbplan.model.observed import Observed, parse_observed
from azext_lbplan.options import Options, Scale
from azext_lbplan.rules.cluster import findings
from azext_lbplan.views import reports, results
from tests.support.generated import generate
from tests.support.reports import PAGES, SAMPLES, answered, sample, written
from tests.support.worlds import with_

VOID = {'meta', 'line', 'rect', 'polyline', 'polygon'}


class Page(HTMLParser):
    """What a browser would make of it: text, and each element with its attributes; nesting is checked."""

    def __init__(self, source):
        super().__init__()
        self.open, self.elements, self.words = [], [], []
        self.feed(source)
        self.close()
        assert self.open == [], self.open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag != 'meta':
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if 'style' not in self.open:
            self.words.append(data)

    @property
    def text(self):
        return ' '.join(' '.join(self.words).split())

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


@pytest.mark.parametrize('name', PAGES)
def test_a_page_stands_alone(name):
    source = written(name)
    page = Page(source)
    tags = {tag for tag, _ in page.elements}
    assert not tags & {'script', 'link', 'img', 'iframe', 'object', 'embed', 'form', 'input', 'use', 'image', 'base'}
    for _, attributes in page.elements:
        assert not {'src', 'href', 'srcset', 'style', 'xlink:href'} & set(attributes)
        assert not any(key.startswith('on') for key in attributes)
    assert 'url(' not in source and '@import' not in source
    policy = next(one['content'] for one in page.all('meta') if one.get('http-equiv') == 'Content-Security-Policy')
    assert policy == "default-src 'none'; style-src 'unsafe-inline'"
    assert page.all('html') == [{'lang': 'en'}] and len(page.all('h1')) == 1
    assert len(source) < 200_000


@pytest.mark.parametrize('name', PAGES)
def test_pictures_are_told_in_words_too(name):
    page = Page(written(name))
    drawn = [attributes for attributes in page.all('svg') if attributes.get('role') == 'img']
    assert len(drawn) == len(page.all('figure')) * 2, 'one for wide and one for narrow screens'
    for attributes in drawn:
        assert len(attributes['aria-label']) > 40
    assert all(attributes.get('aria-hidden') == 'true' for attributes in page.all('svg') if attributes not in drawn)


@pytest.mark.parametrize('name', SAMPLES)
def test_all_that_the_answer_says_is_there(name):
    answer, page = answered('recommend', sample(name)), Page(written(name))
    result = answer.result
    said = [*result['commands'], *result['reasons'], *(found['message'] for found in result['findings']),
            *(way['consequence'] for way in result['alternatives'])]
    said += [*(f'Assumed: {one}' for one in result['unverified']), *result['verdict'].values(),
             *(result['egress']['addresses'] or ()), *result['egress']['evidence']]
    for words in said:
        assert ' '.join(words.split()) in page.text, words


def test_the_verdict_comes_first_and_is_the_worst():
    assert 'class="verdict error"' in written('saturated') and 'connections failed' in written('saturated')
    assert 'class="verdict ok"' in written('calm')
    assert 'class="verdict warning"' in written('automatic')
    assert 'class="verdict warning"' in written('growing') and 'class="verdict info"' in written('nat')
    assert 'class="verdict error"' in written('check') and 'class="verdict error"' in written('plan')
    for name in PAGES:
        assert written(name).index('class="verdict') < written(name).index('<h2>')
    for name in SAMPLES:
        lead = Page(written(name)).text.partition('Lines to run' if 'Lines to run' in written(name) else 'Capacity')[0]
        sentences = answered('recommend', sample(name)).result['verdict'].values()
        assert all(sentence in lead for sentence in sentences), 'the same three as in the table'


def test_marks_stand_for_what_happened():
    assert written('saturated').count('class="full"') > 20 and 'class="band"' in written('saturated')
    assert written('calm').count('class="full"') == 1, 'only in the legend'
    assert 'estimated need' in written('saturated') and 'estimated need' not in written('calm')
    assert 'use coarse' in written('growing')


def test_sizes_have_their_rows():
    text = Page(written('sizes')).text
    assert 'Fits as it is' in text and ' 270 ' in text


@pytest.mark.parametrize('hostile', [
    '<script>alert(1)</script>', '"><img src=x onerror=alert(1)>', "' onload='x", '&lt;', ']]>', '--><b>', '${x}',
    '\u202e'])
def test_what_was_read_is_never_markup(hostile):
    snapshot = with_(sample('saturated'), 'managedCluster', 'properties', 'agentPoolProfiles', 1, 'name', value=hostile)
    snapshot = with_(snapshot, 'managedCluster', 'location', value=hostile)
    for command in ('recommend', 'plan', 'check'):
        page = Page(reports.KINDS['.html'].render([answered(command, snapshot)]))
        assert {tag for tag, _ in page.elements}.isdisjoint({'script', 'img', 'b'})
        assert not any(key.startswith('on') for _, attributes in page.elements for key in attributes)
    assert html.escape('<script>') not in hostile or page


@pytest.mark.parametrize('seed', range(0, 120, 3))
def test_every_cluster_has_a_page(seed):
    snapshot = generate(seed).snapshot(with_metrics=seed % 9 == 0)
    for command in ('recommend', 'plan', 'check'):
        source = reports.KINDS['.html'].render([answered(command, snapshot)])
        assert 'None' not in Page(source).text.replace('next hop None', '')
        assert 'nan' not in re.sub(r'[a-z]nan|nan[a-z]', '', source)


def test_a_cluster_that_does_not_exist_yet_has_a_page():
    decision = decide(Observed(cluster=None), Options(scale=Scale(node_count=30, max_count=90)))
    found = findings(decision)
    page = Page(reports.KINDS['.html'].render([reports.Answer('plan', results.plan(decision, found), decision, found)]))
    assert 'a new cluster' in page.text and 'az aks create' in page.text


def test_the_kind_follows_from_the_ending():
    assert reports.kind_of('x/REPORT.HTML', 'plan') is reports.KINDS['.html']
    assert reports.kind_of('report.pdf', 'plan') is None and reports.kind_of('html', 'plan') is None
    assert reports.kind_of('report.html', 'show') is None and reports.endings('list')[0] == '.html'


def test_an_old_snapshot_without_metrics_says_so():
    snapshot = dict(sample('calm'), metrics=[])
    text = Page(reports.KINDS['.html'].render([answered('recommend', snapshot)])).text
    assert 'no metrics were captured' in text and parse_observed(snapshot).metrics == ()
