"""What a FAM Swin reads in memory: shares, maps, ages, and whose question it was."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

from tests.conftest import make_tiny_model
from vidmem.inspection import MemoryDetail, PictureBox, capture, inspect_memory, view_memory
from vidmem.nn.attention import attention_weights

CLOSE = {"rtol": 0, "atol": 1e-5}


def make_clips(num_clips=6, batch=2, size=(64, 64)):
    torch.manual_seed(1)
    return torch.randn(num_clips, batch, 8, 3, *size)


@torch.no_grad()
def run(model, clips, state=None):
    """The state after some clips, two seconds each."""
    state = state or model.init_state(clips.shape[1])
    for clip in clips:
        start = state.clip_index.double() * 2
        state = model.step(clip, state, torch.stack([start, start + 2], 1)).state
    return state


@torch.no_grad()
def step(model, clip, state):
    with capture() as seen:
        model.step(clip, state)
    return seen


def check_sums(view):
    for stage in view.stages:
        total = stage.clip_share.sum(-1) + stage.no_memory_share
        np.testing.assert_allclose(total, 1, **CLOSE)
        np.testing.assert_allclose(stage.maps.sum((2, 3, 4)), stage.clip_share, **CLOSE)
        np.testing.assert_allclose(stage.grouped(2)[0].sum(-1), stage.clip_share.sum(-1), **CLOSE)


@pytest.mark.parametrize("num_clips", [0, 1, 3, 6])
@pytest.mark.parametrize("max_queries", [3, 256, None])
def test_maps_sum_to_shares_and_shares_with_no_memory_to_one(num_clips, max_queries):
    model, clips = make_tiny_model(), make_clips()
    state = run(model, clips[:num_clips])
    view = inspect_memory(
        model, clips[-1], state, row=1, detail=MemoryDetail(max_queries=max_queries)
    )
    check_sums(view)
    assert [stage.stage for stage in view.stages] == [3, 4]
    assert len(view.clips) == min(num_clips, 4)
    assert view.stage(3).maps.shape == (2, min(num_clips, 4), 2, 2, 2)
    assert view.stage(4).maps.shape == (4, min(num_clips, 4), 2, 2, 2)


def test_shares_are_the_means_of_the_dense_reference():
    model, clips = make_tiny_model(), make_clips()
    state = run(model, clips[:3])
    seen = step(model, clips[3], state)
    view = view_memory(seen, model.config, state, row=1, detail=MemoryDetail(max_queries=None))
    for stage, read in zip(view.stages, seen.memory_reads, strict=True):
        want = attention_weights(read.query, read.keys)[1].mean(1)
        np.testing.assert_allclose(stage.no_memory_share, want[:, 0], **CLOSE)
        np.testing.assert_allclose(stage.token_share.reshape(len(want), -1), want[:, 1:], **CLOSE)
        assert stage.num_queries == stage.num_tokens == read.query.shape[2]


def test_a_slot_that_is_empty_has_no_share():
    model, clips = make_tiny_model(), make_clips()
    state = run(model, clips[:1])
    view = inspect_memory(model, clips[1], state)
    assert [clip.slot for clip in view.clips] == [3]
    assert view.stage(3).clip_share.shape == (2, 1)
    first = inspect_memory(model, clips[0], model.init_state(2))
    assert first.clips == ()
    np.testing.assert_allclose(first.stage(3).no_memory_share, 1, **CLOSE)
    assert np.isnan(first.stage(3).mean_age_clips).all()
    assert (abs(first.stage(4).drawn) < 1e-5).all()


def test_streams_of_one_batch_are_told_apart():
    model, clips = make_tiny_model(), make_clips()
    young, old = run(model, clips[:1, :1]), run(model, clips[:3, 1:])
    queues = tuple(
        replace(
            ours,
            tokens=torch.cat([ours.tokens, theirs.tokens]),
            slot_clips=torch.cat([ours.slot_clips, theirs.slot_clips]),
            slot_seconds=torch.cat([ours.slot_seconds, theirs.slot_seconds]),
        )
        for ours, theirs in zip(young.queues, old.queues, strict=True)
    )
    both = replace(young, queues=queues, clip_index=torch.tensor([1, 3]))
    seen = step(model, clips[4], both)
    for row, alone in enumerate((young, old)):
        view = view_memory(seen, model.config, both, row=row)
        want = inspect_memory(model, clips[4, row : row + 1], alone)
        assert view.clips == want.clips
        check_sums(view)
        for ours, theirs in zip(view.stages, want.stages, strict=True):
            np.testing.assert_allclose(ours.token_share, theirs.token_share, **CLOSE)
        chosen = inspect_memory(model, clips[4], both, row=row)
        np.testing.assert_allclose(chosen.stage(3).token_share, want.stage(3).token_share, **CLOSE)


def test_clips_say_their_number_their_age_and_their_time():
    model, clips = make_tiny_model(memory_every=2, l_mem=2), make_clips()
    state = run(model, clips[:5])
    now = torch.tensor([[10.0, 12.0]] * 2)
    view = inspect_memory(model, clips[5], state, now)
    assert view.clip_index == 5
    assert [(c.slot, c.index, c.age_clips) for c in view.clips] == [(0, 2, 3), (1, 4, 1)]
    assert [(c.start_seconds, c.end_seconds) for c in view.clips] == [(4, 6), (8, 10)]
    assert [c.age_seconds for c in view.clips] == [6, 2]
    for stage in view.stages:
        share = stage.clip_share / stage.clip_share.sum(-1, keepdims=True)
        np.testing.assert_allclose(stage.mean_age_clips, share @ [3, 1], rtol=1e-5)
        np.testing.assert_allclose(stage.mean_age_seconds, share @ [6, 2], rtol=1e-5)
    assert json.loads(json.dumps(view.as_dict()))["clips"][0]["age_clips"] == 3
    unknown = inspect_memory(model, clips[5], state)
    assert unknown.clips[0].age_seconds is None
    assert np.isnan(unknown.stage(3).mean_age_seconds).all()


def test_a_region_that_covers_all_is_the_whole_clip():
    model, clips = make_tiny_model(), make_clips()
    state = run(model, clips[:4])
    whole = inspect_memory(model, clips[4], state)
    covering = inspect_memory(
        model, clips[4], state, region=PictureBox(top=0.1, bottom=0.9, left=0.3, right=0.6)
    )
    for ours, theirs in zip(whole.stages, covering.stages, strict=True):
        assert np.array_equal(ours.token_share, theirs.token_share)
    assert covering.stage(3).region == PictureBox()


def test_a_region_asks_for_its_own_tokens_only():
    model, clips = make_tiny_model(), make_clips(size=(96, 160))
    state = run(model, clips[:3])
    seen = step(model, clips[3], state)
    ask = PictureBox(top=0.4, bottom=0.6, left=0.0, right=0.3)
    view = view_memory(
        seen, model.config, state, region=ask, detail=MemoryDetail(max_queries=None)
    ).stage(3)
    read = seen.memory_reads[0]
    assert read.place.grid == (4, 3, 5)
    tokens = [time * 15 + 1 * 5 + column for time in range(4) for column in (0, 1)]
    want = attention_weights(read.query, read.keys)[0][:, tokens].mean(1)
    np.testing.assert_allclose(view.token_share.reshape(2, -1), want[:, 1:], **CLOSE)
    assert (view.num_tokens, view.drawn.shape) == (8, (2, 1, 2))
    assert (view.region.top, view.region.right) == (pytest.approx(1 / 3), pytest.approx(0.4))


def test_parts_of_the_picture_average_to_the_whole():
    model, clips = make_tiny_model(), make_clips(size=(96, 160))
    state = run(model, clips[:3])
    seen = step(model, clips[3], state)
    whole = view_memory(seen, model.config, state, detail=MemoryDetail(max_queries=None)).stage(3)
    parts = [
        view_memory(
            seen, model.config, state, region=region, detail=MemoryDetail(max_queries=None)
        ).stage(3)
        for region in (PictureBox(bottom=1 / 3), PictureBox(top=1 / 3))
    ]
    mean = sum(one.token_share * one.num_tokens for one in parts) / whole.num_tokens
    np.testing.assert_allclose(mean, whole.token_share, **CLOSE)
    drawn = np.concatenate([one.drawn for one in parts], 1)
    np.testing.assert_allclose(drawn, whole.drawn, **CLOSE)
    np.testing.assert_allclose(whole.drawn.mean((1, 2)), 1 - whole.no_memory_share, **CLOSE)


def test_stages_beyond_the_picture_say_how_far_they_reach():
    model, clips = make_tiny_model(), make_clips(1, size=(96, 160))
    view = inspect_memory(model, clips[0], model.init_state(2))
    assert view.stage(3).extent == (1.0, 1.0)
    assert view.stage(4).extent == (pytest.approx(4 / 3), pytest.approx(1.2))


def test_queries_are_bounded_unless_more_are_asked_for():
    model, clips = make_tiny_model(), make_clips(size=(160, 160))
    state = run(model, clips[:2])
    seen = step(model, clips[2], state)
    some = view_memory(seen, model.config, state, detail=MemoryDetail(max_queries=12)).stage(3)
    every = view_memory(seen, model.config, state, detail=MemoryDetail(max_queries=None)).stage(3)
    assert some.num_queries <= 12 < every.num_queries == every.num_tokens == 100
    assert some.drawn.shape[1] * some.drawn.shape[2] <= 12


def test_stages_that_nobody_asks_for_are_left_out():
    model, clips = make_tiny_model(), make_clips(1)
    detail = MemoryDetail(stages=(4,))
    view = inspect_memory(model, clips[0], model.init_state(2), detail=detail)
    assert [stage.stage for stage in view.stages] == [4]


def test_many_clips_are_grouped_for_a_picture():
    model, clips = make_tiny_model(l_mem=5), make_clips(6)
    view = inspect_memory(model, clips[5], run(model, clips[:5])).stage(4)
    share, edges = view.grouped(2)
    assert edges.tolist() == [0, 2, 5]
    np.testing.assert_allclose(share[:, 1], view.clip_share[:, 2:].sum(1), **CLOSE)


def test_memory_that_is_off_has_nothing_to_look_at():
    model, clips = make_tiny_model(), make_clips(1)
    view = inspect_memory(model, clips[0], model.init_state(2, l_mem=0))
    assert view.stages == () and view.clips == ()
    with pytest.raises(KeyError, match="the view is of stages"):
        view.stage(3)


def test_a_view_of_nothing_and_of_another_state_is_refused():
    model, clips = make_tiny_model(), make_clips()
    state = run(model, clips[:2])
    with capture() as nothing:
        pass
    with pytest.raises(ValueError, match="inside capture"):
        view_memory(nothing, model.config, state)
    seen = step(model, clips[2], state)
    with pytest.raises(ValueError, match="not the one that this step was given"):
        view_memory(seen, model.config, run(model, clips[:3]))


def test_looking_leaves_the_state_as_it_was():
    model, clips = make_tiny_model(), make_clips()
    state = run(model, clips[:2])
    before = {name: tensor.clone() for name, tensor in state.to_tensors().items()}
    inspect_memory(model, clips[2], state)
    for name, tensor in state.to_tensors().items():
        assert torch.equal(tensor, before[name])
