"""Drawings: places, round numbers on axes, and text that stays text."""
import pytest
from hypothesis import given, strategies as st

from azext_lbplan.views.reports.svg import Markup, Scale, box, element, join, path, picture, text


def test_text_is_escaped_and_markup_is_not_escaped_twice():
    inner = element('b', '<&>"', title='"<')
    assert inner == '<b title="&quot;&lt;">&lt;&amp;&gt;&quot;</b>'
    assert element('p', inner, 1, '<') == f'<p>{inner}1&lt;</p>' and isinstance(join(['<']), Markup)
    assert element('p', class_='a', data_title='t', role=None) == '<p class="a" data-title="t"></p>'
    assert 'viewBox="0 0 10 20"' in picture(10, 20, 'T', 'D')
    assert '<title>T</title><desc>D</desc>' in picture(1, 1, 'T', 'D')


def test_places():
    scale = Scale(0, 100, 50, 250)
    assert [scale.at(value) for value in (0, 50, 100, -10, 1000)] == [50, 150, 250, 50, 250]
    powers = Scale(16, 256, 100, 0, logarithmic=True)
    assert [powers.at(value) for value in (16, 64, 256, 0)] == [100, 50, 0, 100]
    assert Scale(5, 5, 1, 2).at(5) == 1
    assert powers.ticks(5) == [16, 32, 64, 128, 256] and powers.ticks(2) == [16, 128]
    assert scale.ticks(5) == [0, 20, 40, 60, 80, 100]


@given(st.floats(0, 1e6), st.floats(0.1, 1e6), st.integers(1, 20), st.booleans())
def test_ticks_lie_within_and_are_few(low, length, most, logarithmic):
    low += logarithmic  # which begins at 1
    scale = Scale(low, low + length, 0, 100, logarithmic)
    ticks = scale.ticks(most)
    assert ticks == sorted(ticks) and len(ticks) <= most + 1
    slack = 1e-6 * (low + length)
    assert all(low - slack <= tick <= low + length + slack for tick in ticks)


def test_nothing_to_draw_is_nothing():
    assert path([], 'x') == '' and 'width="0"' in box((0, 0), -5, 5, 'x')
    assert path([(1, 2), (3.25, 4)], 'x') == '<polyline points="1.0,2.0 3.2,4.0" class="x"></polyline>'
    assert text((1, 2), 'a<b', anchor='end') == '<text x="1" y="2" class="label" text-anchor="end">a&lt;b</text>'


@pytest.mark.parametrize('value, expected', [(1.0, '1'), (1.25, '1.2'), (10, '10'), (0.04, '0')])
def test_numbers_are_short(value, expected):
    assert element('a', x=value) == f'<a x="{expected}"></a>'
