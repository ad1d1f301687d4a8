"""A week as one line of blocks."""
import pytest
from hypothesis import given, strategies as st

from azext_lbplan.decision import decide
from azext_lbplan.model.observed import parse_observed
from azext_lbplan.options import Options
from azext_lbplan.views.week import ASCII, BLOCKS, GAP, busiest_history, line, row
from tests.support.reports import sample


@pytest.mark.parametrize('blocks, expected', [(True, '▁▂▄▆▇█'), (False, '_.-+*#')])
def test_levels(blocks, expected):
    assert line([0, 200, 500, 800, 1023, 1024], 1024, 80, blocks) == expected


def test_the_full_block_is_kept_for_what_reaches_the_ceiling():
    assert BLOCKS[-1] not in line([1023] * 5, 1024, 80, True) and line([1024], 1024, 80, True) == BLOCKS[-1]
    assert line([5, 10], None, 80, True) == '▄█', 'without a ceiling the highest is the end'
    assert line([2000, 1000], 1000, 80, True) == '█▄', 'an allocation that has shrunk since'


def test_gaps_and_widths():
    assert line([None, 1, None], 10, 80, True) == f'{GAP}▁{GAP}'
    assert line([], 10, 80, True) == '' and line([1, 2], 10, 0, True) == '' and line([None] * 4, 10, 3, True) == GAP * 3
    assert line([1, 100, 1, 1], 100, 2, True) == '█▁', 'each character is the most of its part'


@given(st.lists(st.none() | st.floats(0, 1e6), max_size=300), st.none() | st.floats(0, 1e6), st.integers(0, 200),
       st.booleans())
def test_it_is_never_wider_and_holds_only_its_characters(ports, ceiling, width, blocks):
    found = line(ports, ceiling, width, blocks)
    assert len(found) == min(width, len(ports)) and set(found) <= set((BLOCKS if blocks else ASCII) + GAP)
    assert blocks or found.isascii()
    if ceiling and ports and width >= len(ports) and max((one or 0 for one in ports)) < ceiling and ceiling > 1:
        assert (BLOCKS if blocks else ASCII)[-1] not in found


def test_the_row_of_a_cluster():
    decision = decide(parse_observed(sample('saturated')), Options(measure=True))
    found = row(busiest_history(decision))
    assert (found['node'], found['allocatedPorts'], len(found['ports'])) == ('10.224.0.8', 1024, 168)
    assert max(found['ports']) == 1024 and None not in found['ports']
    drawn = line(found['ports'], found['allocatedPorts'], 60, True)
    assert len(drawn) == 60 and drawn.count('█') >= 5 and '█' not in drawn[45:], 'five days of work, a quiet weekend'
    assert row(busiest_history(decide(parse_observed(sample('nat')), Options(measure=True)))) is None
