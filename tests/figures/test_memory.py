import re

import numpy as np
import pytest

from tests.figures.views import (
    check_drawable,
    make_effects,
    make_long_view,
    make_memory_view,
    without_times,
    words_of,
)
from vidmem.errors import SettingError
from vidmem.figures import head_clip_figure, mean_age_figure, memory_share_figure
from vidmem.figures.theme import DARK, LIGHT
from vidmem.inspection import DirectEffects, TotalEffects
from vidmem.units import MINUS

FIGURES = [memory_share_figure, head_clip_figure, mean_age_figure]


@pytest.fixture(scope="module")
def view():
    return make_memory_view()


def stage_of(view):
    return view.stages[-1].stage


def bar_of(figure):
    return figure.data[0]


def test_bars_are_the_shares_of_the_clips_and_sum_with_no_memory_to_one(view):
    memory = view.stages[-1]
    for head in (None, 0, 1):
        figure = check_drawable(memory_share_figure(view, memory.stage, head=head))
        heads = slice(None) if head is None else [head]
        np.testing.assert_allclose(bar_of(figure).y, memory.clip_share[heads].mean(0), rtol=1e-6)
        no_memory = float(memory.no_memory_share[heads].mean())
        assert sum(bar_of(figure).y) + no_memory == pytest.approx(1, abs=1e-5)
        assert f"{no_memory:.0%} goes to no memory" in words_of(figure)


def test_a_bar_tells_its_clip_its_time_and_its_age(view):
    bar = bar_of(memory_share_figure(view, stage_of(view)))
    assert list(bar.customdata) == [clip.index for clip in view.clips] == [0, 1, 2, 3]
    assert bar.hovertext[1].startswith("<b>clip 1 · 00:04 to 00:08</b><br>began 12 s (3 clips) ")
    assert re.search(r"\d\.\d% of attention$", bar.hovertext[1])


def test_ticks_are_seconds_ago_and_clips_ago_where_no_time_is_known(view):
    figure = memory_share_figure(view, stage_of(view))
    assert figure.layout.xaxis.ticktext == tuple(f"{MINUS}{n} s" for n in (16, 12, 8, 4))
    untimed = memory_share_figure(without_times(view), stage_of(view))
    assert untimed.layout.xaxis.ticktext == tuple(f"{MINUS}{n}" for n in (4, 3, 2, 1))
    assert "counted back" in untimed.layout.xaxis.title.text
    assert bar_of(untimed).hovertext[0].startswith("<b>clip 0</b><br>began 4 clips before")


def test_the_picked_clip_is_marked_and_no_other(view):
    bar = bar_of(memory_share_figure(view, stage_of(view), picked=2))
    assert bar.marker.line.width == (0, 0, 2, 0)
    assert bar.marker.line.color == LIGHT.mark
    assert bar.marker.color[2] != bar.marker.color[1] == bar.marker.color[3]
    unmarked = bar_of(memory_share_figure(view, stage_of(view), picked=99))
    assert set(unmarked.marker.line.width) == {0}


def test_effects_lie_over_their_clips_on_an_axis_with_the_same_zero(view):
    direct = make_effects(DirectEffects, {0: 0.1, 1: -0.4, 2: 0.0, 3: 0.2})
    total = make_effects(TotalEffects, {1: 3.0, 3: -1.5})
    figure = memory_share_figure(view, stage_of(view), direct=direct, total=total)
    bar, ours, theirs = check_drawable(figure).data
    assert list(ours.x) == [0, 1, 2, 3]
    np.testing.assert_allclose(ours.y, [0.1, -0.4, 0.0, 0.2], atol=1e-12)
    assert list(theirs.x) == list(theirs.customdata) == [1, 3]
    assert ours.marker.symbol != theirs.marker.symbol
    assert ours.marker.color != theirs.marker.color
    assert {ours.yaxis, theirs.yaxis} == {"y2"}
    (low, high), (low2, high2) = figure.layout.yaxis.range, figure.layout.yaxis2.range
    assert low / high == pytest.approx(low2 / high2)
    assert low2 < -1.5 < 3.0 < high2
    assert max(bar.y) < high
    assert min(figure.layout.yaxis.tickvals) == 0  # there is no share below zero
    assert "direct effect" in words_of(figure)
    assert "total effect +3.00" in theirs.hovertext[0]


@pytest.mark.parametrize("effect", [-5.0, -0.01, 0.0, 1e-6, 40.0])
def test_all_dots_and_bars_are_within_their_axes(view, effect):
    direct = make_effects(DirectEffects, {0: effect, 1: effect})
    figure = memory_share_figure(view, stage_of(view), direct=direct)
    (low, high), (low2, high2) = figure.layout.yaxis.range, figure.layout.yaxis2.range
    assert low2 <= effect <= high2
    assert low <= 0 < max(bar_of(figure).y) < high
    assert high / (high - low) > 0.4  # the bars keep their room


def test_effects_of_clips_that_have_left_memory_are_counted_and_not_drawn(view):
    total = make_effects(TotalEffects, {-2: 1.0, -1: 1.0, 3: 0.5})
    figure = memory_share_figure(view, stage_of(view), total=total)
    assert list(figure.data[1].x) == [3]
    assert "2 tested clips are not in memory any more" in words_of(figure)


def test_many_clips_are_drawn_in_groups_that_sum_to_the_same():
    view = make_long_view()
    memory = view.stages[0]
    bar = bar_of(check_drawable(memory_share_figure(view, 4)))
    assert len(bar.y) == len(bar.customdata) == 64
    shares = memory.clip_share.mean(0)
    assert sum(bar.y) == pytest.approx(shares.sum(), rel=1e-5)
    np.testing.assert_allclose(bar.y, memory.grouped(64)[0].mean(0), rtol=1e-5)
    assert bar.hovertext[0].startswith("<b>clips 7 to 8 · 00:28 to 00:36</b>")
    strongest = max((0, 1), key=lambda at: shares[at])
    assert bar.customdata[0] == view.clips[strongest].index
    direct = make_effects(DirectEffects, {7: -0.2, 8: 0.1, 156: 0.3})
    dots = memory_share_figure(view, 4, direct=direct).data[1]
    assert list(dots.x) == [0, 63]
    np.testing.assert_allclose(dots.y, [-0.2, 0.3], atol=1e-12)


def test_rows_of_heads_and_their_column_of_no_memory_sum_to_one(view):
    memory = view.stages[-1]
    cells, column = check_drawable(head_clip_figure(view, memory.stage)).data
    np.testing.assert_allclose(cells.z, memory.clip_share, rtol=1e-6)
    sums = np.sum(cells.z, 1) + np.asarray(column.z)[:, 0]
    np.testing.assert_allclose(sums, 1, atol=1e-5)
    assert (cells.zmin, column.zmin, column.zmax) == (0, 0, 1)
    assert cells.zmax == pytest.approx(memory.clip_share.max())
    assert column.xaxis == "x2"  # set apart
    assert np.isfinite(np.asarray(cells.z, dtype=float)).all()


def test_a_cell_tells_head_and_clip(view):
    cells, column = head_clip_figure(view, stage_of(view)).data
    assert list(cells.customdata[1][2]) == [1, 2]
    assert list(column.customdata[1][0]) == [1, None]
    assert cells.hovertext[1][2].startswith("<b>clip 2 · 00:08 to 00:12</b>")
    assert "head 1's attention" in cells.hovertext[1][2]


def test_a_heat_map_of_many_clips_is_bounded():
    view = make_long_view()
    cells, _ = head_clip_figure(view, 4).data
    assert np.shape(cells.z) == (3, 64)
    np.testing.assert_allclose(cells.z, view.stages[0].grouped(64)[0], rtol=1e-5)


def test_the_picked_head_is_marked(view):
    (mark,) = head_clip_figure(view, stage_of(view), picked_head=1).layout.shapes
    assert (mark.y0, mark.y1, mark.line.color) == (0.5, 1.5, LIGHT.mark)
    bar = bar_of(mean_age_figure(view, stage_of(view), picked_head=1))
    assert [bool(width) for width in bar.marker.line.width] == [
        head == 1 for head in range(len(bar.x))
    ]


def test_mean_ages_are_in_seconds_and_in_clips_where_no_time_is_known(view):
    memory = view.stages[-1]
    figure = check_drawable(mean_age_figure(view, memory.stage))
    np.testing.assert_allclose(bar_of(figure).x, memory.mean_age_seconds, rtol=1e-6)
    assert list(bar_of(figure).customdata) == list(range(len(memory.no_memory_share)))
    assert figure.layout.xaxis.ticksuffix == " s"
    untimed = check_drawable(mean_age_figure(without_times(view), memory.stage))
    np.testing.assert_allclose(bar_of(untimed).x, memory.mean_age_clips, rtol=1e-6)
    assert "in clips" in words_of(untimed)
    assert bar_of(untimed).text[0].endswith(" clips")


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("make", FIGURES)
def test_with_nothing_remembered_they_say_so(make, theme):
    first = make_memory_view(0)
    figure = check_drawable(make(first, stage_of(first), theme=theme))
    assert not figure.data
    assert "Nothing is remembered yet." in words_of(figure)
    off = make_memory_view(2, l_mem=0)
    figure = check_drawable(make(off, 4, theme=theme))
    assert not figure.data
    assert "Memory is off" in words_of(figure)


@pytest.mark.parametrize("make", FIGURES)
def test_colours_are_those_of_the_theme(view, make):
    light, dark = (make(view, stage_of(view), theme=theme) for theme in ("light", "dark"))
    assert light.layout.template.layout.paper_bgcolor == LIGHT.card
    assert dark.layout.template.layout.paper_bgcolor == DARK.card
    with pytest.raises(SettingError, match="light or dark, got 'blue'"):
        make(view, stage_of(view), theme="blue")


@pytest.mark.parametrize("make", FIGURES)
def test_a_stage_that_is_not_there_is_refused(view, make):
    with pytest.raises(KeyError, match="got 1"):
        make(view, 1)
