"""Where Spool's heads look: by frame, by offset, as maps and as thumbnails."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.models.test_spool import CONFIGS, make_model
from vidmem.inspection import (
    HeadDetail,
    PictureBox,
    Spot,
    capture,
    frame_weights,
    inspect_heads,
    patch_grid,
    view_frame,
    view_heads,
)

GRID = (2, 2)
EVERYTHING = HeadDetail(max_side=None, patches_per_frame=None, max_queries=None)
CLOSE = {"rtol": 0, "atol": 1e-5}
WINDOWS = list(itertools.product(CONFIGS, (1, 2, 9)))


@torch.no_grad()
def see(model, num_frames=9, batch=2, reach=None):
    torch.manual_seed(1)
    features = torch.randn(batch, num_frames, 4, 12)
    with capture() as seen:
        model.forward_features(features, local_frame_range=reach)
    return seen


def frame_shares(read, row):
    """Plainly: the mean share `[A, F, F]` from each frame of the sequence to each, NaN: masked."""
    weights, tokens = frame_weights(read, row=row), read.layout.tokens_per_frame
    shares = weights.marked().unflatten(2, (-1, tokens)).sum(-1)
    return shares.unflatten(1, (-1, tokens)).mean(2).numpy()


@pytest.mark.parametrize(("changes", "num_frames"), WINDOWS)
def test_thumbnails_of_all_frames_are_their_attention(changes, num_frames):
    seen = see(make_model(**changes), num_frames)
    view = view_heads(seen, GRID, row=1, detail=EVERYTHING)
    for layer, read in enumerate(seen.frame_reads):
        np.testing.assert_allclose(view.thumbnails[layer], frame_shares(read, 1), **CLOSE)


@pytest.mark.parametrize(("changes", "num_frames"), WINDOWS)
@pytest.mark.parametrize("detail", [EVERYTHING, None, HeadDetail(max_side=5)])
def test_shares_sum_to_one_and_maps_to_shares(changes, num_frames, detail):
    seen = see(make_model(**changes), num_frames)
    view = view_heads(seen, GRID, detail=detail)
    by_offset = np.nansum(view.offset_share, -1) + np.nansum(view.context_share, -1)
    np.testing.assert_allclose(by_offset, 1, **CLOSE)
    np.testing.assert_allclose(np.nansum(view.thumbnails, -1), 1, **CLOSE)
    for frame in range(num_frames):
        look = view_frame(seen, GRID, Spot(frame), detail=detail)
        by_frame = np.nansum(look.frame_share, -1) + np.nansum(look.context_share, -1)
        np.testing.assert_allclose(by_frame, 1, **CLOSE)
        shown = [look.frames.index(one) for one in look.map_frames]
        sums = look.maps.sum((3, 4))
        np.testing.assert_allclose(sums, look.frame_share[:, :, shown], equal_nan=True, **CLOSE)


@pytest.mark.parametrize("changes", CONFIGS)
def test_shares_by_offset_are_means_over_the_frames(changes):
    model, num_frames = make_model(**changes), 7
    seen = see(model, num_frames, reach=2)
    view = view_heads(seen, GRID, detail=EVERYTHING)
    edge = view.layout.num_context_frames
    assert view.offsets.tolist() == [-2, -1, 0, 1, 2]
    for layer, read in enumerate(seen.frame_reads):
        shares = frame_shares(read, 0)
        for head in range(view.layout.num_heads):
            is_lookback = view.direction(head) == "lookback"
            for at, offset in enumerate(view.offsets.tolist()):
                pairs = [(q, q + offset) for q in range(num_frames) if 0 <= q + offset < num_frames]
                total = sum(shares[head, q + edge, k + edge] for q, k in pairs)
                may_look = offset <= 0 if is_lookback else offset >= 0
                want = total / num_frames if may_look else np.nan
                np.testing.assert_allclose(
                    view.offset_share[layer, head, at], want, equal_nan=True, **CLOSE
                )


def test_what_a_head_may_not_look_at_is_told_apart_from_zero():
    view = view_heads(see(make_model()), GRID)
    assert [view.direction(head) for head in range(3)] == ["lookback", "lookback", "lookahead"]
    assert np.isnan(view.offset_share[:, :2, 2]).all()
    assert np.isnan(view.offset_share[:, 2, 0]).all()
    assert np.isnan(view.context_share[:, :2, 1]).all()
    assert np.isnan(view.context_share[:, 2, 0]).all()
    look = view_frame(see(make_model()), GRID, Spot(4))
    assert look.frames == (3, 4, 5)
    assert np.isnan(look.maps[:, :2, 2]).all() and not np.isnan(look.maps[:, :2, :2]).any()
    assert np.isnan(look.maps[:, 2, 0]).all() and not np.isnan(look.maps[:, 2, 1:]).any()
    first = view_frame(see(make_model()), GRID, Spot(0))
    assert first.frames == (0, 1)


def test_a_patch_looks_where_the_dense_reference_says():
    seen = see(make_model(has_offset_bias=True))
    look = view_frame(seen, GRID, Spot(4, PictureBox.at(0.9, 0.1)), row=1)
    assert (look.num_tokens, look.num_queries) == (1, 1)
    for layer, read in enumerate(seen.frame_reads):
        query = (4 + 1) * 4 + 2
        weights = frame_weights(read, row=1).marked()[:, query].unflatten(1, (-1, 2, 2))
        np.testing.assert_allclose(look.maps[layer], weights[:, 4:7], equal_nan=True, **CLOSE)


def test_a_region_that_covers_all_is_the_whole_frame():
    seen = see(make_model())
    whole = view_frame(seen, GRID, Spot(-1))
    covering = view_frame(seen, GRID, Spot(8, PictureBox(top=0.2, bottom=0.8, left=0.1, right=0.9)))
    assert np.array_equal(whole.maps, covering.maps, equal_nan=True)
    assert covering.region == PictureBox() and covering.frame == 8


def test_streams_of_one_batch_are_told_apart():
    seen = see(make_model())
    alone = view_frame(seen, GRID, row=0), view_frame(seen, GRID, row=1)
    assert not np.allclose(alone[0].maps, alone[1].maps, equal_nan=True)
    with pytest.raises(ValueError, match="nothing was captured of stream 2"):
        view_heads(seen, GRID, row=2)


@pytest.mark.parametrize("changes", CONFIGS)
def test_groups_of_frames_are_the_sums_of_their_frames(changes):
    seen = see(make_model(**changes), 11, reach=3)
    detail = replace(EVERYTHING, max_side=6)
    view, whole = view_heads(seen, GRID, detail=detail), view_heads(seen, GRID, detail=EVERYTHING)
    edges, edge = view.edges.tolist(), view.layout.num_context_frames
    assert max(view.thumbnails.shape[2:]) <= 6
    assert (edges[0], edges[-1]) == (0, view.layout.attended_frames)
    for row, first in enumerate(edges[:-1]):
        for column, (start, stop) in enumerate(itertools.pairwise(edges)):
            seen_of_group = whole.thumbnails[:, :, first, start:stop]
            want = np.where(np.isnan(seen_of_group).all(-1), np.nan, np.nansum(seen_of_group, -1))
            got = view.thumbnails[:, :, row, column]
            np.testing.assert_allclose(got, want, equal_nan=True, **CLOSE)
    ends = [0, -1] if edge else []
    np.testing.assert_array_equal(view.gathered, view.thumbnails[:, :, ends])


def test_pieces_of_the_work_add_up_to_the_whole(monkeypatch):
    seen = see(make_model(has_offset_bias=True), 9, reach=2)
    want = view_heads(seen, GRID, detail=EVERYTHING)
    monkeypatch.setattr("vidmem.inspection.attention.band_shares.PIECE_SCORES", 500)
    got = view_heads(seen, GRID, detail=EVERYTHING)
    np.testing.assert_allclose(got.thumbnails, want.thumbnails, equal_nan=True, **CLOSE)


def test_many_frames_have_bounded_pictures():
    model = make_model()
    seen = see(model, 150, batch=1, reach=70)
    view, look = view_heads(seen, GRID), view_frame(seen, GRID, Spot(100))
    assert max(view.thumbnails.shape[2:]) <= 64
    assert len(look.frames) == 120 and len(look.map_frames) == 64
    assert look.map_frames == tuple(range(68, 132))
    every = view_frame(seen, GRID, Spot(100), detail=EVERYTHING)
    assert every.map_frames == every.frames == look.frames


def test_the_mean_distance_tells_how_much_of_the_range_is_used():
    model = make_model(has_offset_bias=True, local_frame_range=3)
    near, far = torch.tensor([50.0, 0, 0, 0]), torch.tensor([0.0, 0, 0, 50])
    with torch.no_grad():
        for block in model.blocks:
            block.attention.offset_bias.copy_(torch.stack([near, far, far]))
    view = view_heads(see(model, 40), GRID, detail=EVERYTHING)
    np.testing.assert_allclose(view.mean_distance[:, 0], 0, atol=1e-4)
    assert (view.mean_distance[:, 1:] > 2.5).all()


@torch.no_grad()
def test_a_step_is_inspected_as_the_stream_takes_it():
    model = make_model()
    torch.manual_seed(3)
    clips, state = torch.randn(2, 4, 3, 4, 12), model.init_state(2, l_mem=2, clip_frames=3)
    for number, clip in enumerate(clips.unbind(1)):
        seconds = torch.tensor([[3.0 * number, 3 * number + 3]] * 2, dtype=torch.float64)
        if number == 3:
            found = inspect_heads(model, clip, state, seconds, spot=Spot(5), row=1)
        state = model.step_features(clip, state, seconds).state
    with capture() as seen:
        model.forward_features(clips[1:, 1:].flatten(1, 2))
    want = view_frame(seen, patch_grid(model), Spot(5))
    np.testing.assert_allclose(found.look.maps, want.maps, equal_nan=True, **CLOSE)
    assert found.heads.frame_seconds is not None
    assert found.heads.frame_seconds.tolist() == [3, 4, 5, 6, 7, 8, 9, 10, 11]
    assert found.heads.layout.num_frames == 9
    assert json.loads(json.dumps(found.as_dict()))["look"]["frame"] == 5
    assert "heads.thumbnails" in found.as_arrays()


@torch.no_grad()
def test_the_first_clip_of_a_stream_is_a_window_of_its_own():
    model = make_model()
    found = inspect_heads(model, torch.randn(1, 3, 4, 12), model.init_state(1, clip_frames=3))
    assert found.heads.layout.num_frames == 3
    assert found.heads.frame_seconds is None


def test_what_does_not_fit_is_refused():
    seen = see(make_model())
    with pytest.raises(ValueError, match="a frame has 4 tokens"):
        view_heads(seen, (2, 3))
    with pytest.raises(IndexError, match=r"frame must be in \[0, 9\)"):
        view_frame(seen, GRID, Spot(9))
    with capture() as nothing:
        pass
    with pytest.raises(ValueError, match="inside capture"):
        view_frame(nothing, GRID)
