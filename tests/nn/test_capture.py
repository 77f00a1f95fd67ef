"""Capture: in one context only, without a trace, and without changing a number."""

import threading

import pytest
import torch

from tests.conftest import make_tiny_model
from tests.models.test_spool import CONFIGS, make_model
from vidmem.nn.capture import at, capture
from vidmem.nn.memory import MemoryAttention
from vidmem.nn.temporal import FrameAttention


def make_clips(num_clips=3, batch=2):
    torch.manual_seed(0)
    return torch.randn(num_clips, batch, 8, 3, 64, 64)


@torch.no_grad()
def run(model, clips, state=None):
    state = state or model.init_state(clips.shape[1])
    for clip in clips:
        output = model.step(clip, state)
        state = output.state
    return output


def attributes(model):
    return {name: set(vars(module)) for name, module in model.named_modules()}


def test_logits_of_a_fam_swin_are_bit_for_bit_the_same(tiny_model):
    clips = make_clips()
    want = run(tiny_model, clips)
    with capture() as seen:
        got = run(tiny_model, clips)
    assert torch.equal(got.logits, want.logits)
    assert torch.equal(got.state.queues[0].tokens, want.state.queues[0].tokens)
    assert len(seen.memory_reads) == 3 * 2


@torch.no_grad()
@pytest.mark.parametrize("backend", ["sdpa", "dense"])
def test_logits_of_a_spool_are_bit_for_bit_the_same(backend):
    model = make_model()
    model.backend = backend
    features = torch.randn(2, 6, 4, 12)
    want = model.forward_features(features)
    with capture() as seen:
        got = model.forward_features(features)
    assert torch.equal(got.clip_logits, want.clip_logits)
    assert torch.equal(got.frame_logits, want.frame_logits)
    assert [read.place.layer for read in seen.frame_reads] == [0, 1]


def test_nothing_is_handed_over_before_and_after(tiny_model):
    clips = make_clips()
    before = attributes(tiny_model)
    run(tiny_model, clips)
    with capture() as seen:
        assert not seen.memory_reads
    run(tiny_model, clips)
    assert not seen.memory_reads
    assert attributes(tiny_model) == before
    for module in tiny_model.modules():
        if isinstance(module, MemoryAttention):
            assert not module._forward_hooks


def test_a_step_that_fails_ends_the_capture(tiny_model):
    with pytest.raises(ValueError, match="streams"), capture() as seen:
        tiny_model.step(make_clips()[0], tiny_model.init_state(1))
    run(tiny_model, make_clips())
    assert not seen.memory_reads


def test_within_another_capture_only_the_inner_one_is_given_anything(tiny_model):
    clips = make_clips(1)
    with capture() as outer:
        with capture() as inner:
            run(tiny_model, clips)
        assert (len(outer.memory_reads), len(inner.memory_reads)) == (0, 2)
        run(tiny_model, clips)
    assert (len(outer.memory_reads), len(inner.memory_reads)) == (2, 2)


def test_two_threads_capture_apart_from_one_model():
    model, barrier, found = make_tiny_model(), threading.Barrier(3), {}

    def watch(number):
        clips = make_clips(number + 1, batch=number + 1)
        with capture() as seen:
            barrier.wait()
            run(model, clips)
            barrier.wait()
        found[number] = [len(read.query) for read in seen.memory_reads]

    def pass_by():
        barrier.wait()
        run(model, make_clips(2))
        barrier.wait()

    threads = [threading.Thread(target=watch, args=(number,)) for number in (0, 1)]
    threads.append(threading.Thread(target=pass_by))
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == {0: [1] * 2, 1: [2] * 4}


def test_reads_say_their_stage_their_tokens_and_the_picture(tiny_model):
    with capture() as seen:
        run(tiny_model, make_clips(1))
    places = [read.place for read in seen.memory_reads]
    assert [(one.stage, one.grid, one.picture) for one in places] == [
        (3, (4, 2, 2), (64, 64)),
        (4, (4, 1, 1), (64, 64)),
    ]
    grids = tiny_model.stage_grids(make_clips(1)[0])
    assert [grid.size for grid in grids[2:]] == [one.grid for one in places]


def test_streams_of_different_age_say_which_rows_they_are():
    model = make_model()
    clips = torch.randn(3, 3, 4, 12)
    with torch.no_grad():
        young = model.init_state(1, l_mem=4, clip_frames=3)
        old = model.step_features(clips[:1], young).state
        queue = type(old.queue)(
            tokens=torch.cat([s.queue.tokens for s in (young, old, young)]),
            slot_clips=torch.cat([s.queue.slot_clips for s in (young, old, young)]),
            slot_seconds=torch.cat([s.queue.slot_seconds for s in (young, old, young)]),
        )
        state = type(old)(
            queue=queue,
            clip_index=torch.tensor([0, 1, 0]),
            newest_frames=torch.tensor([3, 3, 3]),
            tokens_per_frame=4,
            local_frame_range=1,
        )
        with capture() as seen:
            model.step_features(clips, state)
    found = [(one.place.layer, one.place.rows.tolist()) for one in seen.frame_reads]
    assert found == [(0, [0, 2]), (1, [0, 2]), (0, [1]), (1, [1])]


def test_what_is_handed_over_carries_no_gradients():
    model = make_model(**CONFIGS[3])
    with capture() as seen:
        model.forward_features(torch.randn(1, 3, 4, 12)).clip_logits.sum().backward()
    for read in seen.frame_reads:
        assert not read.query.requires_grad
        assert not read.keys.requires_grad
        assert read.offset_bias is not None and not read.offset_bias.requires_grad
    assert all(
        module.qkv.weight.grad is not None
        for module in model.modules()
        if isinstance(module, FrameAttention)
    )


def test_a_place_holds_for_what_is_within_it():
    with capture() as seen:
        with at(stage=3), at(layer=1):
            assert (seen.place.stage, seen.place.layer) == (3, 1)
        assert (seen.place.stage, seen.place.layer) == (None, None)
