import pytest
import torch

from tests.conftest import make_tiny_model
from tests.inspection.subjects import make_clips, make_spool, make_stream
from vidmem.errors import SettingError
from vidmem.inspection import ClipEffect, RecordedReplay, Score, score_of, total_effects
from vidmem.inspection.attribution import work

MODELS = pytest.mark.parametrize("make", [make_tiny_model, make_spool], ids=["fam-swin", "spool"])


def replayed_plainly(model, clips, neutral):
    """Clip by clip from an empty memory, pixels replaced."""
    state = model.init_state(1)
    for number, clip in enumerate(clips):
        output = model.step(torch.zeros_like(clip) if number in neutral else clip, state)
        state = output.state
    return output.logits


@MODELS
@torch.no_grad()
def test_a_replay_is_the_stream_with_pixels_replaced(make):
    model = make()
    _, replay = make_stream(model, num_clips=6)
    clips = make_clips(model, 6)
    replays = [(0,), (2, 4), (), (4,), (1,)]  # not in order, too
    got = replay.logits(replays)
    want = torch.cat([replayed_plainly(model, clips, neutral) for neutral in replays])
    torch.testing.assert_close(got, want)


@MODELS
@torch.no_grad()
def test_a_replay_without_replacing_gives_no_effect(make):
    subject, replay = make_stream(make())
    assert replay.logits([()]).equal(subject.logits())
    same = RecordedReplay(**(vars(replay) | {"neutral": replay.clips[2].encoded}))
    effects = total_effects(same, [2], 1).run()
    assert effects.clips[0].log_odds == 0
    assert effects.score == subject.score()


@MODELS
@torch.no_grad()
def test_total_effects_are_score_with_less_score_without(make):
    model = make()
    subject, replay = make_stream(model, first_index=10)
    got = total_effects(replay, [12, 10], subject.class_index).run()
    assert [effect.clip for effect in got.clips] == [10, 12]
    for effect in got.clips:
        without = replayed_plainly(model, make_clips(model, 5), {effect.clip - 10})
        assert effect.without.log_odds == pytest.approx(score_of(without, 1).log_odds, abs=1e-5)
        assert effect.score == got.score == subject.score()
        moved = got.score.probability - effect.without.probability
        assert effect.probability == pytest.approx(moved)


def test_a_clip_that_has_left_the_queue_still_has_a_total_effect():
    subject, replay = make_stream(make_tiny_model(l_mem=2), num_clips=6)
    assert 1 not in subject.remembered
    assert abs(total_effects(replay, [1], 1).run().clips[0].log_odds) > 1e-4


def test_without_feedback_into_what_is_read_a_clip_beyond_the_window_has_none():
    _, replay = make_stream(make_spool(), num_clips=6)  # its features know no past
    effects = total_effects(replay, [0, 4], 1).run()
    assert effects.clips[0].log_odds == 0
    assert effects.clips[1].log_odds != 0


def test_with_the_gates_shut_nothing_past_has_an_effect():
    _, replay = make_stream(make_tiny_model(gate=0.0))
    effects = total_effects(replay, range(4), 1).run()
    assert [effect.log_odds for effect in effects.clips] == [0] * 4


@pytest.mark.parametrize("clips", [(0,), (3,), (0, 2, 3), (1, 2)])
def test_steps_are_counted_before_and_told_one_by_one(clips):
    _, replay = make_stream()
    job = total_effects(replay, clips, 1)
    told = []
    job.run(lambda *counts: told.append(counts))
    assert told == [(done, job.num_evaluations) for done in range(job.num_evaluations + 1)]


def test_stopping_stops_within_a_step(monkeypatch):
    class StoppedError(Exception):
        pass

    subject, replay = make_stream()
    steps = count_steps(monkeypatch, subject.model)

    def stop(done, total):
        if done == 2:
            raise StoppedError

    with pytest.raises(StoppedError):
        total_effects(replay, range(4), 1).run(stop)
    assert len(steps) == 2


def test_the_estimate_times_one_step(monkeypatch):
    subject, replay = make_stream()
    job = total_effects(replay, range(4), 1)
    steps = count_steps(monkeypatch, subject.model)
    moments = iter([10.0, 10.5])
    monkeypatch.setattr(work.time, "perf_counter", lambda: next(moments))
    assert job.estimate_seconds() == 0.5 * job.num_evaluations
    assert len(steps) == 1


def test_what_cannot_be_replayed_is_refused_before_any_work():
    _, replay = make_stream(first_index=5)
    with pytest.raises(SettingError, match="recorded from window 5 on, and window 9"):
        total_effects(replay, [4], 1)
    with pytest.raises(SettingError, match=r"windows \[9\] cannot be replayed"):
        total_effects(replay, [9], 1)
    with pytest.raises(SettingError, match="takes 19 evaluations of the model, at most 18"):
        total_effects(replay, replay.earlier, 1, max_evaluations=18)
    with pytest.raises(ValueError, match="in a row, at least one, got "):
        RecordedReplay(**(vars(replay) | {"clips": replay.clips[::2]}))


def count_steps(monkeypatch, model):
    """A list that grows with every step."""
    steps, step = [], model.step_trunk
    monkeypatch.setattr(model, "step_trunk", lambda *args: steps.append(1) or step(*args))
    return steps


def test_an_effect_is_above_zero_where_the_clip_spoke_for_the_class():
    effect = ClipEffect(clip=3, score=Score(2.0), without=Score(-0.5))
    assert effect.log_odds == 2.5
    assert effect.probability == pytest.approx(0.880797 - 0.377541, abs=1e-6)
