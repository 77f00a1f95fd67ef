"""Spool clip by clip: its state, and what it says of clips whose future came in since."""

import pytest
import torch

from tests.models.test_spool import CONFIGS, make_model
from vidmem.errors import SettingError, StateError


def make_clips(num_clips=6, clip_frames=3, batch=2):
    torch.manual_seed(2)
    return torch.randn(batch, num_clips, clip_frames, 4, 12)


@torch.no_grad()
def run(model, clips, state=None, *, l_mem=9):
    state = state or model.init_state(len(clips), l_mem=l_mem, clip_frames=clips.shape[2])
    outputs = []
    for clip in clips.unbind(1):
        outputs.append(model.step_features(clip, state))
        state = outputs[-1].state
    return outputs, state


def clip_means(frame_logits, clip_frames=3):
    return frame_logits.unflatten(1, (-1, clip_frames)).mean(2)


def close(got, want):
    torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("changes", CONFIGS)
def test_a_window_that_covers_the_video_scores_as_the_whole_video(changes):
    model, clips = make_model(**changes), make_clips()
    outputs, _ = run(model, clips)
    whole = clip_means(model.forward_features(clips.flatten(1, 2)).frame_logits)
    close(outputs[-1].logits, whole[:, -1])
    earlier = outputs[-1].earlier_logits
    if model.config.num_lookahead_heads:
        assert earlier.shape[1] == -(-model.config.latency_frames() // 3)
        close(earlier, whole[:, -1 - earlier.shape[1] : -1])
    else:
        assert earlier is None


@torch.no_grad()
@pytest.mark.parametrize("reach", [1, 2, 4])
def test_final_scores_of_a_model_without_context_are_those_of_the_whole_video(reach):
    model = make_model(has_context_frames=False, local_frame_range=reach)
    clips = make_clips(9)
    whole = clip_means(model.forward_features(clips.flatten(1, 2)).frame_logits)
    num_waiting = -(-model.config.latency_frames() // 3)
    outputs, _ = run(model, clips, l_mem=2 * num_waiting)  # as far back as heads reach, and ahead
    for number, output in enumerate(outputs):
        if number >= num_waiting:
            close(output.earlier_logits[:, 0], whole[:, number - num_waiting])


@torch.no_grad()
def test_streams_of_different_age_in_one_batch_score_as_each_by_itself():
    model, clips = make_model(), make_clips()
    _, old = run(model, clips[:1, :4], l_mem=3)
    _, young = run(model, clips[1:, :1], l_mem=3)
    both = young.__class__(
        queue=old.queue.__class__(
            tokens=torch.cat([old.queue.tokens, young.queue.tokens]),
            slot_clips=torch.cat([old.slot_clips, young.slot_clips]),
            slot_seconds=torch.cat([old.slot_seconds, young.slot_seconds]),
        ),
        clip_index=torch.cat([old.clip_index, young.clip_index]),
        newest_frames=torch.cat([old.newest_frames, young.newest_frames]),
        tokens_per_frame=4,
        local_frame_range=1,
    )
    together = model.step_features(clips[:, 5], both)
    alone = [model.step_features(clips[r : r + 1, 5], s) for r, s in enumerate((old, young))]
    for name in ("logits", "earlier_logits"):
        want = torch.cat([getattr(one, name) for one in alone])
        torch.testing.assert_close(getattr(together, name), want, equal_nan=True)
    assert together.state.num_remembered.tolist() == [3, 2]
    picked = model.step_features(clips[:1, 5], both.select([0]))
    close(picked.logits, alone[0].logits)


@torch.no_grad()
def test_a_saved_state_goes_on_with_the_same_numbers():
    model, clips = make_model(), make_clips()
    whole, _ = run(model, clips, l_mem=2)
    _, state = run(model, clips[:, :3], l_mem=2)
    again = model.state_from_tensors(state.to_tensors())
    rest, _ = run(model, clips[:, 3:], again)
    assert all(torch.equal(a.logits, b.logits) for a, b in zip(whole[3:], rest, strict=True))


@torch.no_grad()
def test_the_state_stays_as_large_as_it_began():
    model = make_model()
    _, state = run(model, make_clips(2), l_mem=2)
    _, later = run(model, make_clips(9), l_mem=2)
    assert (
        state.num_bytes == later.num_bytes == model.init_state(2, l_mem=2, clip_frames=3).num_bytes
    )
    assert later.slot_clips[0].tolist() == [7, 8]
    assert (later.window_frames, later.clip_frames) == (9, 3)


@torch.no_grad()
def test_a_resized_window_keeps_the_newest_clips():
    model, clips = make_model(), make_clips()
    _, state = run(model, clips[:, :5], l_mem=4)
    for l_mem in (2, 0, 7):
        _, other = run(model, clips[:, 5 - min(l_mem, 4) : 5], l_mem=l_mem)
        resized = state.resized(l_mem)
        assert resized.l_mem == l_mem
        close(
            model.step_features(clips[:, 5], resized).logits,
            model.step_features(clips[:, 5], other).logits,
        )


@torch.no_grad()
def test_another_range_needs_no_other_features():
    model, clips = make_model(), make_clips()
    _, state = run(model, clips[:, :5])
    moved = model.step_features(clips[:, 5], state.with_range(3))
    whole = model.forward_features(clips.flatten(1, 2), local_frame_range=3)
    close(moved.logits, clip_means(whole.frame_logits)[:, -1])
    assert moved.earlier_logits.shape[1] == 2


@torch.no_grad()
def test_a_short_last_clip_counts_only_the_frames_it_has():
    model, clips = make_model(), make_clips()
    _, state = run(model, clips[:, :5])
    output = model.step_features(clips[:, 5, :2], state)
    whole = model.forward_features(clips.flatten(1, 2)[:, :17]).frame_logits
    close(output.logits, whole[:, -2:].mean(1))
    with pytest.raises(ValueError, match="it was the last of its video"):
        model.step_features(clips[:, 5], output.state)


def test_misuse_says_what_was_expected():
    model, clips = make_model(), make_clips()
    state = model.init_state(2, l_mem=2, clip_frames=3)
    with pytest.raises(ValueError, match="1 streams and the state of 2"):
        model.step_features(clips[:1, 0], state)
    with pytest.raises(ValueError, match=r"init_state\(clip_frames=18\)"):
        model.step_features(clips.flatten(1, 2), state)
    with pytest.raises(SettingError, match="l_mem must be at least 0"):
        model.init_state(1, l_mem=-1)
    with pytest.raises(SettingError, match="local_frame_range must be at least 0"):
        state.with_range(-1)
    with pytest.raises(StateError, match="lacks 'features'"):
        model.state_from_tensors({})
    tensors = state.to_tensors() | {"features": torch.zeros(2, 2, 13, 12)}
    with pytest.raises(StateError, match="this model wants frames of 4 tokens of 12"):
        model.state_from_tensors(tensors)


@pytest.mark.usefixtures("flex_as_graph")
@torch.no_grad()
def test_a_window_that_fills_is_compiled_once():
    model, clips = make_model(), make_clips()
    want, _ = run(model, clips, l_mem=3)
    model.backend = "flex"
    torch.compiler.reset()
    try:
        run(model, clips[:, :1], l_mem=3)
        with torch.compiler.set_stance("fail_on_recompile"):
            got, _ = run(model, clips, l_mem=3)
    finally:
        torch.compiler.reset()
    for a, b in zip(got, want, strict=True):
        close(a.logits, b.logits)
