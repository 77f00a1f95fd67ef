import importlib
import json
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from vidmem.errors import MissingPackageError, SettingError
from vidmem.figures import block_mask_figure, mask_figure
from vidmem.figures.theme import DARK, LIGHT
from vidmem.inspection import (
    BandMaskSpec,
    ContextMaskSpec,
    CustomMaskSpec,
    FrameLayout,
    MemoryHistorySpec,
    MemoryMaskSpec,
    SpoolMaskSpec,
    WindowMaskSpec,
    view_mask,
)

BASE_CSS = Path(__file__).parents[2] / "app/pages/shared/base.css"
SPECS = [
    BandMaskSpec(),
    SpoolMaskSpec(),
    ContextMaskSpec(),
    WindowMaskSpec(),
    WindowMaskSpec(order="windows"),
    MemoryMaskSpec(),
    MemoryMaskSpec(l_mem=0),
    MemoryHistorySpec(),
]


def make_view(**changes):
    layout = FrameLayout(
        num_frames=5,
        tokens_per_frame=3,
        local_frame_range=1,
        num_lookback_heads=1,
        num_heads=2,
    )
    return view_mask(SpoolMaskSpec(layout=layout), **({"block_tokens": 4} | changes))


def cells_of(figure):
    return np.asarray(figure.data[0].z, dtype=float)


def words_of(figure):
    return f"{figure.layout.title.text} {figure.layout.title.subtitle.text}"


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.title)
def test_every_mask_is_drawn(spec, theme):
    view = view_mask(spec, block_tokens=8)
    for figure in (mask_figure(view, theme=theme), block_mask_figure(view, theme=theme)):
        assert json.loads(figure.to_json())["data"][0]["type"] == "heatmap"
        assert figure.layout.xaxis.title.text == f"key: {spec.keys.title}"
        assert figure.layout.yaxis.title.text == f"query: {spec.queries.title}"
        top, bottom = figure.layout.yaxis.range[::-1]
        assert top < bottom  # queries go down


def test_a_masked_pair_is_a_gap_over_hatching_and_no_colour_of_the_scale():
    view = make_view()
    figure = mask_figure(view)
    assert (np.isnan(cells_of(figure)) == ~view.allowed).all()
    (image,) = figure.layout.images
    assert image.layer == "below"
    assert image.source.startswith("data:image/svg+xml")
    assert "▨" in words_of(figure)
    assert "may not attend" in words_of(figure)


def test_a_weight_of_zero_is_drawn_and_a_masked_pair_is_not():
    view = make_view()
    scores = torch.randn(21, 21, generator=torch.Generator().manual_seed(0))
    scores = scores.masked_fill(~torch.from_numpy(view.allowed), float("-inf"))
    weights = scores.softmax(-1)
    query, key = (int(n) for n in np.argwhere(view.allowed)[5])
    weights[query, key] = 0.0
    figure = mask_figure(view, weights)
    cells = cells_of(figure)
    assert cells[query, key] == 0
    assert (np.isnan(cells) == ~view.allowed).all()
    np.testing.assert_allclose(cells[view.allowed], weights.numpy()[view.allowed], atol=1e-6)
    assert figure.data[0].zmin == 0
    assert figure.data[0].colorscale[0] == (0.0, LIGHT.sequential[0])
    assert "weight of zero" in words_of(figure)
    assert "weight 0.0000" in figure.data[0].hovertext[query][key]


def test_weights_may_be_of_all_tokens_or_of_those_drawn_and_hold_nan_where_masked():
    view = make_view(max_drawn_tokens=7)
    full = view_mask(view.spec, block_tokens=4)
    weights = np.where(full.allowed, 0.25, np.nan)
    drawn = weights[np.ix_(view.query_tokens, view.key_tokens)]
    want = cells_of(mask_figure(view, drawn))
    np.testing.assert_equal(cells_of(mask_figure(view, weights)), want)


def test_weights_that_do_not_fit_are_refused():
    view = make_view(max_drawn_tokens=7)
    with pytest.raises(ValueError, match=r"\[21, 21\] or \[7, 7\], as drawn, got \[3, 4\]"):
        mask_figure(view, np.zeros((3, 4)))
    with pytest.raises(ValueError, match=r"zero where masked, got 0\.5 at frame 1 to frame 2"):
        mask_figure(view, np.full((21, 21), 0.5))


def test_hover_says_why():
    view = make_view()
    figure = mask_figure(view)
    for query, key in ((4, 4), (10, 6), (10, 19), (0, 12)):
        words = re.sub("<.*?>", " ", figure.data[0].hovertext[query][key])
        assert str(view.explain(query, key)) in re.sub(" +", " ", words)
        assert f"query token {query}, key token {key}" in words


def test_hover_over_many_cells_says_what_their_block_holds():
    spec = CustomMaskSpec(predicate=lambda b, h, q, k: q >= k, num_queries=90, num_keys=80)
    view = view_mask(spec, block_tokens=32, max_drawn_tokens=90)
    cells, hover = mask_figure(view).data
    assert cells.hovertext is None
    assert np.shape(hover.hovertext) == (3, 3)
    assert list(hover.x) == [-0.5, 31.5, 63.5, 79.5]
    assert hover.hovertext[0][0].startswith("<b>partial: 528 of 1,024 pairs may attend")
    assert hover.hovertext[1][0].startswith("<b>full: 1,024 of 1,024")


def test_ticks_are_frames_and_not_tokens():
    figure = mask_figure(make_view())
    assert figure.layout.xaxis.ticktext == ("start", "1", "2", "3", "4", "5", "end")
    assert figure.layout.xaxis.tickvals == (1, 4, 7, 10, 13, 16, 19)
    assert figure.layout.yaxis.ticktext == figure.layout.xaxis.ticktext


def test_ticks_of_many_frames_are_round_numbers_that_do_not_touch():
    layout = FrameLayout(
        num_frames=200, tokens_per_frame=2, local_frame_range=1, num_lookback_heads=1, num_heads=1
    )
    figure = block_mask_figure(view_mask(SpoolMaskSpec(layout=layout)))
    names = figure.layout.xaxis.ticktext
    assert names[0] == "start"
    assert names[-1] == "end"
    assert all(int(name) % 20 == 0 for name in names[1:-1])
    assert len(names) > 5


def test_blocks_are_drawn_where_their_tokens_are():
    view = make_view()
    figure = block_mask_figure(view)
    states = np.nan_to_num(cells_of(figure))
    assert (states == view.blocks.states).all()
    assert (figure.data[0].x0, figure.data[0].dx) == (1.5, 4)
    assert figure.layout.xaxis.range == (-0.5, 23.5)  # the last block reaches beyond token 20
    assert f"{view.blocks.skipped_share:.0%} of the blocks are skipped" in words_of(figure)
    assert "queries: start context frame to frame 1, token 0" in figure.data[0].hovertext[0][0]


def test_a_kind_has_one_colour_in_every_mask():
    def colour(spec, kind, head=0):
        heatmap = mask_figure(view_mask(spec, head=head)).data[0]
        place = (spec.kinds.index(kind) + 1) / heatmap.zmax
        return next(c for edge, c in reversed(heatmap.colorscale) if edge <= place)

    assert colour(SpoolMaskSpec(), "context frame") == colour(ContextMaskSpec(), "context frame")
    ahead = BandMaskSpec(direction="lookahead")
    assert colour(SpoolMaskSpec(), "lookahead", head=3) == colour(ahead, "lookahead")
    assert colour(ahead, "lookahead") != colour(BandMaskSpec(), "lookback")


def test_rows_with_nothing_to_attend_to_are_outlined_and_named():
    spec = CustomMaskSpec(
        predicate=lambda b, h, q, k: (q >= k) & (q != 2), num_queries=6, num_keys=6
    )
    figure = mask_figure(view_mask(spec))
    (shape,) = figure.layout.shapes
    assert (shape.y0, shape.y1, shape.line.color) == (1.5, 2.5, LIGHT.mark)
    assert "rows that see nothing: 1 (token 2)" in words_of(figure)


def test_a_picked_pair_is_outlined_and_explained():
    figure = mask_figure(make_view(), picked=(10, 6))
    outlined = [shape for shape in figure.layout.shapes if shape.type == "rect"]
    assert [((s.x0 + s.x1) / 2, (s.y0 + s.y1) / 2) for s in outlined] == [(6, 10)]
    assert "frame 3 to frame 2, lookback, 1 back of 1: allowed" in words_of(figure)
    with pytest.raises(SettingError, match=r"query must be in \[0, 21\)"):
        mask_figure(make_view(), picked=(21, 0))


def test_a_users_own_mask_is_drawn_and_its_name_is_no_markup():
    spec = CustomMaskSpec(predicate=lambda b, h, q, k: q >= k, num_queries=5, num_keys=4)
    figure = mask_figure(view_mask(spec))
    assert cells_of(figure).shape == (5, 4)
    assert "&lt;lambda&gt;" in words_of(figure)
    assert "by &lt;lambda&gt;" in figure.data[0].hovertext[0][0]


def test_colours_are_those_of_the_app():
    light, dark = (
        dict(re.findall(r"--([\w-]+): (#\w+);", part))
        for part in BASE_CSS.read_text().split("html, body")[0].split("@media", 1)
    )
    for theme, css in ((LIGHT, light), (DARK, light | dark)):
        names = ("card", "ink", "dim", "line", "well")
        assert [getattr(theme, name) for name in names] == [css[name] for name in names]
        assert theme.mark == css["playhead"]
        assert list(theme.colours) == [css[f"c{n}"] for n in range(6)]


def test_themes_differ_and_an_unknown_one_is_refused():
    view = make_view()
    light, dark = (mask_figure(view, theme=name).to_json() for name in ("light", "dark"))
    assert LIGHT.card in light
    assert DARK.card in dark
    with pytest.raises(SettingError, match="light or dark, got 'sepia'"):
        block_mask_figure(view, theme="sepia")


def test_without_plotly_a_figure_says_how_to_install_it(monkeypatch):
    def missing(name):
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(importlib, "import_module", missing)
    with pytest.raises(MissingPackageError, match=r"pip install 'vidmem\[app\]'"):
        mask_figure(make_view())
