"""The grid of all heads, and what the context frames gather."""

import json
from dataclasses import replace

import numpy as np
import pytest

from tests.figures.views import check_drawable, make_head_inspection, words_of
from vidmem.figures import gathered_figure, head_grid_figure
from vidmem.figures.theme import DARK, LIGHT


@pytest.fixture(scope="module")
def heads():
    return make_head_inspection().heads


def matrix_of(figure, heads):
    """`[layers, heads, groups, groups]` as drawn."""
    (num_layers, num_heads), z = heads.thumbnails.shape[:2], np.asarray(figure.data[0].z)
    side = z.shape[0] // num_layers
    return z.reshape(num_layers, side, num_heads, side).transpose(0, 2, 1, 3)


def test_masked_cells_are_gaps_over_hatching_and_zeros_are_not(heads):
    thumbnails = heads.thumbnails.copy()
    layer, head, row, column = np.argwhere(~np.isnan(thumbnails))[7]
    thumbnails[layer, head, row, column] = 0
    view = replace(heads, thumbnails=thumbnails)
    figure = check_drawable(head_grid_figure(view))
    drawn = matrix_of(figure, view)
    np.testing.assert_equal(np.isnan(drawn), np.isnan(thumbnails))
    assert np.isnan(drawn).any()
    assert drawn[layer, head, row, column] == 0
    assert figure.layout.images[0].layer == "below"
    assert "may not look" in words_of(figure)
    assert np.nanmin(drawn) >= 0
    assert np.nanmax(drawn) == 1


def test_cells_keep_their_order_within_a_head(heads):
    drawn = matrix_of(head_grid_figure(heads), heads)
    for own, shares in zip(drawn[0], heads.thumbnails[0], strict=True):
        allowed = ~np.isnan(shares)
        order = np.argsort(shares[allowed])
        assert (np.diff(own[allowed][order]) >= 0).all()


def test_a_thumbnail_tells_its_layer_and_head(heads):
    _, hover = head_grid_figure(heads).data
    assert list(hover.customdata[1][2]) == [1, 2]
    direction = heads.direction(2)
    assert hover.hovertext[1][2].startswith(f"<b>layer 1, head 2, {direction}</b>")
    assert hover.opacity == 0


def test_the_picked_head_is_marked(heads):
    *_, mark = head_grid_figure(heads, picked=(1, 2), theme="dark").layout.shapes
    assert (mark.x0, mark.x1, mark.y0, mark.y1) == (1.5, 2.5, 0.5, 1.5)
    assert mark.line.color == DARK.mark


def test_directions_are_told_by_colour_and_in_words(heads):
    axis = head_grid_figure(heads).layout.xaxis
    for head, text in enumerate(axis.ticktext):
        colour = LIGHT.colours[0 if heads.direction(head) == "lookback" else 1]
        assert colour in text
    assert "lookback" in axis.title.text
    assert "lookahead" in axis.title.text


def test_a_grid_of_many_heads_is_bounded(heads):
    generator = np.random.default_rng(0)
    thumbnails = generator.random((12, 16, 64, 64)).astype(np.float32)
    many = replace(
        heads,
        thumbnails=thumbnails,
        offset_share=np.zeros((12, 16, len(heads.offsets)), np.float32),
    )
    side = np.shape(head_grid_figure(many).data[0].z)
    assert max(side) <= 512


def test_what_a_context_frame_gathers_sums_to_one(heads):
    for layer, head in ((0, 0), (None, None)):
        figure = check_drawable(gathered_figure(heads, layer, head))
        layers, those = (slice(None) if one is None else [one] for one in (layer, head))
        want = heads.gathered[layers][:, those].mean((0, 1))
        for bars, shares, note in zip(figure.data, want, figure.layout.annotations, strict=True):
            np.testing.assert_allclose(bars.y, shares[1:-1], rtol=1e-5)
            of_context = shares[0] + shares[-1]
            assert sum(bars.y) + of_context == pytest.approx(1, abs=1e-5)
            assert f"{of_context:.0%} from the context frames" in note.text
        assert list(figure.data[0].customdata) == list(range(heads.layout.num_frames))
    assert figure.layout.yaxis.range == figure.layout.yaxis2.range


def test_moments_are_times_and_frames_where_none_is_known(heads):
    figure = gathered_figure(heads, 0, 0)
    assert figure.layout.xaxis.ticktext[0] == "00:00"
    assert figure.data[0].hovertext[0].startswith("<b>frame 0 · 00:00")
    untimed = gathered_figure(replace(heads, frame_seconds=None), 0, 0)
    assert untimed.layout.xaxis.ticktext[0] == "0"
    assert untimed.layout.xaxis.title.text == "frame"


def test_what_a_context_frame_may_not_look_at_is_hatched_and_has_no_bar(heads):
    assert not gathered_figure(heads, 0, 0).layout.images
    thumbnails = heads.thumbnails.copy()
    thumbnails[:, :, 0, 3:-1] = np.nan  # of scope local: the start frame sees the first two
    figure = check_drawable(gathered_figure(replace(heads, thumbnails=thumbnails), 0, 0))
    start, end = figure.data
    assert list(start.x) == [0, 1]
    assert len(end.x) == heads.layout.num_frames
    (image,) = figure.layout.images
    assert (image.x, image.x + image.sizex) == (1.5, heads.layout.num_frames - 0.5)
    assert "may not look" in words_of(figure)


def test_without_context_frames_it_says_so(heads):
    bare = replace(heads, layout=replace(heads.layout, has_context_frames=False))
    figure = gathered_figure(bare, 0, 0)
    assert not figure.data
    assert "no context frames" in words_of(figure)
    assert json.loads(figure.to_json())
