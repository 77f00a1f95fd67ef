"""What networks learn from labels, and what never reaches them."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from importlib import import_module

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info, threadpool_limits

from tests.teaching.invented import (
    ACTIVITY,
    CARD,
    ETHOGRAM,
    FACTS,
    FPS,
    POSTURE,
    QUICK,
    Said,
    alternating,
    lesson_of,
    make_video,
    one_video,
)
from vidmem.errors import SettingError
from vidmem.labels import NO_CLASS, Labels
from vidmem.models.baselines.on_features import WindowBaseline, windowed
from vidmem.teaching import linear
from vidmem.teaching.encoding import CancelledError
from vidmem.teaching.learners import LEARNERS
from vidmem.teaching.learning import (
    LearnConfig,
    Teacher,
    fit_heads,
    fit_heads_within,
    is_gain,
    use_heads,
    windowed_values,
)
from vidmem.teaching.linear import class_weights, fit_linear

ALL = list(LEARNERS)


@pytest.fixture(scope="module")
def said():
    return one_video()


def fresh(name, lesson, seed=0, facts=FACTS):
    torch.manual_seed(seed)
    learner = LEARNERS[name].make(facts)
    use_heads(
        learner, fit_heads_within(partial(fit_heads, lesson), learner.linear_head.reach_frames)
    )
    return learner


def shaken(name, seed=0):
    """With random weights everywhere, so that everything that it sees matters."""
    torch.manual_seed(seed)
    learner = LEARNERS[name].make(FACTS)
    for parameter in learner.network.parameters():
        torch.nn.init.normal_(parameter, std=0.3)
    learner.finish()
    return learner


def teach(name, lesson, config=QUICK, *, seed=0, is_cancelled=lambda: False):
    learner = fresh(name, lesson, seed)
    teacher = Teacher(learner, lesson, config, seed=seed, is_cancelled=is_cancelled)
    return learner, teacher.teach()


def test_where_held_out_time_is_looked_at_its_loss_is_told_from_the_linear_head_on():
    lesson, told = lesson_of(one_video(30.0), (0.0, 20.0), (20.0, 30.0)), []
    learner = fresh("spool", lesson, 0)
    teacher = Teacher(learner, lesson, QUICK, seed=0, is_cancelled=bool)
    first = float(teacher.stop_losses().mean())
    teacher.teach(lambda num_steps, loss: told.append((num_steps, loss)))
    assert told[0] == (0, first)
    looks = {num_steps for num_steps, loss in told if loss is not None}
    assert looks == {0, *range(QUICK.check_every, max(looks) + 1, QUICK.check_every)}


def weights(learner):
    return {name: one.clone() for name, one in learner.network.state_dict().items()}


def assert_equal(one, other):
    assert all(torch.equal(one[name], other[name]) for name in other)


@pytest.mark.parametrize("name", ALL)
def test_a_network_begins_as_its_linear_head(name, said):
    lesson = lesson_of(said)
    learner = fresh(name, lesson)
    heads = fit_heads_within(partial(fit_heads, lesson), learner.linear_head.reach_frames)
    learner.finish()
    video = said.videos[0]
    with torch.no_grad():
        got = learner.video(video.values, learner.full_memory)
    seen = windowed_values(video, learner.linear_head.reach_frames)
    want = torch.from_numpy(np.concatenate([head.logits(seen) for head in heads], 1))
    if name == "fam":  # a clip is judged as one
        want = want.unflatten(0, (-1, learner.segment_multiple)).mean(1)
        want = want.repeat_interleave(learner.segment_multiple, 0)
    torch.testing.assert_close(got, want, rtol=1e-4, atol=1e-4)
    # And that says a lot already.
    right = (got.argmax(1).numpy() == video.classes[0])[~lesson.learn[0].is_counted]
    assert right.mean() > 0.8


@pytest.mark.parametrize("name", ALL)
def test_what_is_unlabelled_or_kept_never_changes_what_is_learnt(name, said):
    lesson = lesson_of(said, stop=None)
    video = said.videos[0]
    is_counted = lesson.learn[0].is_counted & (np.arange(len(video.times_seconds)) % 3 > 0)
    other_classes = np.where(is_counted, video.classes, 1 - np.maximum(video.classes, 0))
    assert (other_classes != video.classes).any()
    unsaid = np.where(is_counted, video.classes, NO_CLASS)
    taught = []
    for classes in (unsaid, other_classes):
        one = replace(lesson.learn[0], video=replace(video, classes=classes), is_counted=is_counted)
        taught.append(weights(teach(name, replace(lesson, learn=(one,)))[0]))
    assert_equal(*taught)


def test_what_is_unlabelled_has_no_class_in_a_segment(said):
    lesson = lesson_of(said, stop=None)
    is_counted = np.arange(len(said.videos[0].times_seconds)) % 3 > 0
    lesson = replace(lesson, learn=(replace(lesson.learn[0], is_counted=is_counted),))
    learner = LEARNERS["gru"].make(FACTS)
    _, classes = Teacher(learner, lesson, QUICK, seed=0, is_cancelled=bool)._segment()
    assert abs(int((classes == NO_CLASS).sum()) - classes.shape[1] / 3) < 1


@pytest.mark.parametrize("name", ALL)
def test_the_same_seed_teaches_the_same_whatever_was_drawn_before(name, said):
    lesson = lesson_of(said)
    one = weights(teach(name, lesson)[0])
    learner = fresh(name, lesson)
    torch.manual_seed(99)
    Teacher(learner, lesson, QUICK, seed=0, is_cancelled=lambda: False).teach()
    assert_equal(weights(learner), one)
    other = teach(name, lesson, seed=1)[0]
    assert any(not torch.equal(value, one[key]) for key, value in weights(other).items())


@pytest.mark.parametrize("name", ALL)
def test_near_some_frames_it_says_what_it_says_of_the_whole(name, said):
    learner, values = shaken(name), said.videos[0].values
    is_wanted = np.zeros(len(values), bool)
    is_wanted[[0, 200, 201, 430, len(values) - 1]] = True
    with torch.no_grad():
        want = learner.video(values, learner.full_memory)
        got = learner.near(values, is_wanted, learner.full_memory)
    assert got.shape == want.shape
    # A recurrent network and a memory of memories have forgotten nearly all, not all.
    tolerance = 1e-4 if name in ("spool", "cbas") else 0.1
    rows = torch.from_numpy(is_wanted)
    torch.testing.assert_close(got[rows], want[rows], rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize("name", ALL)
def test_a_batch_of_segments_is_each_by_itself(name, said):
    learner, values = shaken(name), said.videos[0].values[:48].float()
    batch = values.unflatten(0, (3, 16))
    for memory in learner.memory_choices():
        with torch.no_grad():
            together = learner.segments(batch, memory)
            alone = [learner.segments(one[None], memory) for one in batch]
        torch.testing.assert_close(together, torch.cat(alone), rtol=1e-4, atol=1e-4)


def test_a_window_baseline_is_a_bidirectional_lstm_seen_in_the_middle():
    torch.manual_seed(0)
    network, reach = WindowBaseline(5, 3, 2, hidden=4).eval(), 2
    both = torch.nn.LSTM(5, 4, batch_first=True, bidirectional=True)
    for name, value in network.from_before.named_parameters():
        getattr(both, name).data.copy_(value)
    for name, value in network.from_after.named_parameters():
        getattr(both, f"{name}_reverse").data.copy_(value)
    features = torch.randn(2, 7, 3, 5)
    means = features.mean(2)
    padded = torch.cat([means[:, :1]] * reach + [means] + [means[:, -1:]] * reach, 1)
    with torch.no_grad():
        middles = [both(padded[:, at : at + 5])[0][:, reach] for at in range(7)]
        want = network.head(torch.stack(middles, 1)) + network.linear_head(features)
        torch.testing.assert_close(network(features), want)


def test_neighbours_of_a_window_are_in_order():
    values = torch.arange(4.0)[:, None]
    assert windowed(values, 1).tolist() == [[0, 0, 1], [0, 1, 2], [1, 2, 3], [2, 3, 3]]


def test_time_is_learnt_where_it_helps():
    """A frame shows what was a second ago: the linear head cannot know, a GRU can."""
    said = one_video(240.0, late=4, noise=0.05)
    config = LearnConfig(steps=60, batch=8, segment_seconds=12, check_every=20, learning_rate=1e-2)
    lesson = lesson_of(said, (0, 160), (160, 240))
    learner, taught = teach("cbas", lesson, config)
    before, after = (
        Teacher(one, lesson, config, seed=0, is_cancelled=bool).stop_losses().mean()
        for one in (fresh("cbas", lesson), learner)
    )
    assert taught.num_steps > 0
    assert after < 0.6 * before


def test_where_learning_does_harm_the_linear_head_stays(said):
    lesson = lesson_of(said)
    config = replace(QUICK, learning_rate=3.0, steps=12, check_every=2, patience=2)
    learner, taught = teach("gru", lesson, config)
    assert taught.num_steps == 0
    with torch.no_grad():
        got = learner.video(said.videos[0].values, 0)
        want = fresh("gru", lesson).video(said.videos[0].values, 0)
    torch.testing.assert_close(got, want)


def test_a_gain_that_luck_would_make_is_none():
    before = np.ones(20)
    assert is_gain(before, before - 0.05)
    assert not is_gain(before, before - np.tile([1.0, -0.9], 10))  # as much on average
    assert not is_gain(before, before - 0.001)


def test_the_last_step_is_looked_at_too():
    said = one_video(240.0, late=4, noise=0.05)
    config = LearnConfig(steps=15, batch=8, learning_rate=1e-2, check_every=50)
    assert teach("cbas", lesson_of(said, (0, 160), (160, 240)), config)[1].num_steps == 15


def test_it_stops_when_it_is_told_to(said):
    with pytest.raises(CancelledError):
        teach("gru", lesson_of(said), is_cancelled=lambda: True)


@pytest.mark.parametrize("name", ALL)
def test_a_video_shorter_than_a_segment_and_one_short_of_a_clip(name):
    labels = Labels(ETHOGRAM, alternating(3.25, 0.75))
    video = make_video(labels, (POSTURE,), seconds=3.25)
    lesson = lesson_of(Said(labels, (video,)), (0, 10), None)
    learner, _ = teach(name, lesson)
    with torch.no_grad():
        logits = learner.video(video.values, learner.full_memory)
    assert logits.shape == (13, 2)
    assert logits.isfinite().all()


@pytest.mark.parametrize("name", ALL)
def test_axes_that_are_labelled_apart_are_taught_together(name):
    bouts = (
        *alternating(60.0),
        *alternating(120.0, names=("nursing", "eating"), start=60.0),
    )
    labels, axes = Labels(ETHOGRAM, bouts), (POSTURE, ACTIVITY)
    said = Said(labels, (make_video(labels, axes, seconds=120.0),), axes)
    card = replace(CARD, class_names=(*POSTURE.class_names, *ACTIVITY.class_names), axes=axes)
    lesson = lesson_of(said, (0, 120), None)
    learner = fresh(name, lesson, facts=replace(FACTS, card=card))
    Teacher(learner, lesson, QUICK, seed=0, is_cancelled=bool).teach()
    with torch.no_grad():
        logits = learner.video(said.videos[0].values, learner.full_memory)
    assert logits.shape == (480, 5)
    assert logits.isfinite().all()
    # Nobody said that there is none of these, so it is never said.
    assert (logits[:, 2:].argmax(1) != 2).all()
    posture, activity = said.videos[0].classes
    assert (logits[:240, :2].argmax(1).numpy() == posture[:240]).mean() > 0.8
    assert (logits[240:, 2:].argmax(1).numpy() == activity[240:]).mean() > 0.8


def test_a_spool_scores_clips_as_it_does_their_frames(said):
    learner, _ = teach("spool", lesson_of(said, stop=None))
    with torch.no_grad():
        scores = learner.network.forward_features(said.videos[0].values[None, :8].float())
    torch.testing.assert_close(scores.clip_logits, scores.frame_logits.mean(1))


def test_rare_classes_weigh_more_up_to_a_limit():
    weights = class_weights(np.array([0] * 900 + [1] * 100 + [2]), 4)
    assert weights[1] == pytest.approx(3 * weights[0])
    assert weights[2] == pytest.approx(4 * weights[0])
    mean = (weights[:3] * [900, 100, 1]).sum() / 1001
    assert mean == pytest.approx(1)


def test_a_linear_head_is_fitted_on_one_thread_and_others_are_given_back(monkeypatch):
    def num_threads():
        return {one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"}

    solved, during = linear._solved, []

    def watched(*given):
        during.append(num_threads())
        return solved(*given)

    monkeypatch.setattr(linear, "_solved", watched)
    import_module("sklearn.linear_model")  # its libraries are among those that are limited
    values = np.random.default_rng(0).normal(size=(40, 3)).astype(np.float32)
    with threadpool_limits(2, user_api="blas"):
        before = num_threads()
        fit_linear(values, (values[:, 0] > 0).astype(np.int64), 2)
        assert num_threads() == before != {1}
    assert set(map(frozenset, during)) == {frozenset({1})}


def test_an_axis_without_a_label_says_nothing():
    head = fit_linear(np.zeros((0, 3), np.float32), np.zeros(0, np.int64), 2)
    assert not head.weight.any()
    one = fit_linear(np.ones((4, 3), np.float32), np.ones(4, np.int64), 2)
    assert one.logits(np.ones((1, 3), np.float32)).argmax() == 1


@pytest.mark.parametrize(
    "fields",
    [{"steps": 0}, {"batch": 0}, {"segment_seconds": 0}, {"noise": -1}, {"check_every": 0}],
)
def test_impossible_settings_are_refused(fields):
    with pytest.raises(SettingError, match="must be"):
        LearnConfig(**fields)


def test_segments_are_as_long_as_what_is_seen_makes_worth_it(said):
    lesson = lesson_of(said)
    for name, seconds in (("spool", 12 * 0.5 / 4 * 2 + 0.0), ("gru", 12.0)):
        learner = fresh(name, lesson)
        teacher = Teacher(
            learner, lesson, replace(QUICK, segment_seconds=12.0), seed=0, is_cancelled=bool
        )
        assert teacher._num_frames == round(seconds * FPS)
