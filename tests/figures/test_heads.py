from dataclasses import replace

import numpy as np
import pytest

from tests.figures.views import check_drawable, make_head_inspection, words_of
from vidmem.figures import offset_figure
from vidmem.figures.theme import DARK, LIGHT
from vidmem.units import MINUS


@pytest.fixture(scope="module")
def heads():
    return make_head_inspection().heads


def bars_by_colour(figure):
    """Heights of all bars of each colour."""
    found = {}
    for bar in figure.data:
        found.setdefault(bar.marker.color, []).extend(bar.y)
    return found


def make_wide(heads, reach=100):
    """The same heads with a long range, by hand."""
    layout = replace(heads.layout, num_frames=3 * reach, local_frame_range=reach)
    generator = np.random.default_rng(0)
    share = generator.random((*heads.offset_share.shape[:2], 2 * reach + 1)).astype(np.float32)
    share[:, : layout.num_lookback_heads, reach + 1 :] = np.nan
    share[:, layout.num_lookback_heads :, :reach] = np.nan
    share /= np.nansum(share, -1, keepdims=True) * 2
    offsets = np.arange(-reach, reach + 1)
    context = np.where(np.isnan(heads.context_share), np.nan, 0.5).astype(np.float32)
    return replace(heads, layout=layout, offsets=offsets, offset_share=share, context_share=context)


def test_each_direction_and_its_context_frame_sum_to_one(heads):
    for view in (heads, make_wide(heads)):
        figure = check_drawable(offset_figure(view))
        back, start, ahead, end = figure.data
        assert sum(back.y) + sum(start.y) == pytest.approx(1, abs=1e-5)
        assert sum(ahead.y) + sum(end.y) == pytest.approx(1, abs=1e-5)
        assert max(back.x) < 0 < min(ahead.x)
        assert start.x[0] < min(back.x)
        assert end.x[0] > max(ahead.x)
        assert (back.marker.color, ahead.marker.color) == LIGHT.colours[:2]
        assert start.marker.color == end.marker.color == LIGHT.dim


def test_bars_are_the_shares_of_the_head(heads):
    first_ahead = heads.layout.num_lookback_heads
    for layer, head in ((0, 0), (1, first_ahead), (None, 0)):
        layers = slice(None) if layer is None else [layer]
        figure = check_drawable(offset_figure(heads, layer=layer, head=head))
        want = heads.offset_share[layers, head].mean(0)
        bars, context = figure.data
        np.testing.assert_allclose(bars.y, want[~np.isnan(want)], rtol=1e-5)
        assert [offset for offset, _ in bars.customdata] == heads.offsets[~np.isnan(want)].tolist()
        assert len(context.y) == 1


def test_where_a_head_may_not_look_is_hatched_and_holds_no_bar(heads):
    back = offset_figure(heads, layer=0, head=0)
    ahead = offset_figure(heads, layer=0, head=heads.layout.num_heads - 1)
    for figure, side in ((back, 1), (ahead, -1)):
        (image,) = figure.layout.images
        start, stop = image.x, image.x + image.sizex
        assert min(abs(start), abs(stop)) == 0.5
        assert (start + stop) * side > 0
        xs = [x for bar in figure.data for x in bar.x]
        assert not [x for x in xs if start < x < stop]
        assert "may not look" in words_of(figure)
    assert not offset_figure(heads).layout.images


def test_ticks_are_frames_and_seconds(heads):
    axis = offset_figure(heads).layout.xaxis
    assert axis.ticktext[0] == "start"
    assert axis.ticktext[-1] == "end"
    assert "0" in axis.ticktext
    assert any(
        text.startswith(f"{MINUS}1<br>{MINUS}") and text.endswith(" s") for text in axis.ticktext
    )
    untimed = offset_figure(replace(heads, frame_seconds=None)).layout.xaxis
    assert f"{MINUS}1" in untimed.ticktext


def test_hover_says_how_far_in_frames_and_seconds(heads):
    bars = offset_figure(heads, layer=0, head=0).data[0]
    assert bars.hovertext[-1].startswith("<b>the frame itself</b>")
    assert bars.hovertext[-2].startswith("<b>1 frame back (")
    assert "of lookback attention" in bars.hovertext[-2]


def test_a_long_range_is_drawn_in_groups(heads):
    wide = make_wide(heads)
    back, _, ahead, _ = offset_figure(wide).data
    assert len(back.y) + len(ahead.y) <= 64
    assert back.hovertext[-1].startswith("<b>the frame itself</b>")
    first = wide.offset_share[:, : wide.layout.num_lookback_heads].mean((0, 1))
    (low, high), number = back.customdata[0], len(wide.offsets) // 2
    assert low == -number
    assert back.y[0] == pytest.approx(first[: high - low + 1].sum(), rel=1e-5)


def test_without_context_frames_there_is_no_bar_for_them(heads):
    layout = replace(heads.layout, has_context_frames=False)
    bare = replace(heads, layout=layout, context_share=heads.context_share[..., :0])
    figure = check_drawable(offset_figure(bare))
    assert set(bars_by_colour(figure)) == set(LIGHT.colours[:2])
    assert "context" not in words_of(figure)
    assert "start" not in figure.layout.xaxis.ticktext


def test_colours_are_those_of_the_theme(heads):
    assert set(bars_by_colour(offset_figure(heads, theme="dark"))) == {
        *DARK.colours[:2],
        DARK.dim,
    }
