"""Going back to a moment that is past."""

from __future__ import annotations

import pytest

from tests.streaming.doubles import FakeModel, FakeVideo, source_file
from tests.streaming.test_spool_stream import make_model
from vidmem.errors import SettingError
from vidmem.streaming import Engine
from vidmem.streaming.history import StateHistory, neutral_pixels, revisit

FEEDS = FakeVideo(400)


@pytest.fixture
def video(tmp_path):
    return source_file(tmp_path)


def run(video, model, num_clips, act=lambda engine, number: None, **bounds):
    """Predictions by index, with the history of the run."""
    history = StateHistory(**bounds)
    with Engine(video, model, open_feed=FEEDS) as engine:
        engine.keep_history(history)
        steps = []
        for number in range(num_clips):
            act(engine, number)
            steps.append(next(engine))
        return {step.index: step for step in steps}, history


def again(video, model, history, index, **kwargs):
    snapshot = history.before(min([index, *kwargs.get("neutral", ())]))
    return revisit(video, model, snapshot, index, open_feed=FEEDS, **kwargs)


@pytest.mark.parametrize("make", [FakeModel, make_model], ids=["fam-swin", "spool"])
def test_a_moment_is_judged_as_it_was(video, make):
    model = make()
    steps, history = run(video, model, 60, max_snapshots=5)
    assert len(history) <= 5
    for index in (0, 1, 17, 41, 59):
        moment = again(video, model, history, index)
        assert moment.window == steps[index].window
        assert moment.prediction.probabilities == steps[index].probabilities
        assert moment.prediction.remembered == steps[index].remembered


def test_snapshots_stay_bounded_and_evenly_spread(video):
    _, history = run(video, FakeModel(), 99, max_snapshots=8)
    starts = [history.before(index).index for index in range(99)]
    assert len(history) <= 8
    assert max(index - start for index, start in enumerate(starts)) < 32
    one = history.before(0).num_bytes
    _, history = run(video, FakeModel(), 99, max_bytes=5 * one)
    assert 2 <= len(history) <= 5
    assert history.num_bytes <= 5 * one


def test_changes_on_the_way_are_come_to_again(video):
    def act(engine, number):
        if number == 20:
            engine.update(l_mem=1)
        if number == 30:
            engine.seek(50.0)
        if number == 40:
            engine.update(window_stride=2)

    model = FakeModel()
    steps, history = run(video, model, 50, act, max_snapshots=8)
    for index in (5, 19, 20, 29, 30, 33, 39, 40, 47):
        moment = again(video, model, history, index)
        assert moment.window == steps[index].window
        assert moment.prediction.probabilities == steps[index].probabilities


def test_another_model_begins_a_history_of_its_own(video):
    other = FakeModel(seed=1)
    steps, history = run(
        video, FakeModel(), 9, lambda engine, n: n == 5 and engine.update(model=other)
    )
    with pytest.raises(SettingError, match="window 3 cannot be gone back to"):
        history.before(3)
    assert again(video, other, history, 7).prediction.probabilities == steps[7].probabilities


def test_a_neutral_clip_changes_what_comes_after_it(video):
    model = FakeModel()
    steps, history = run(video, model, 12, max_snapshots=2)
    without = again(video, model, history, 9, neutral={7})
    assert without.prediction.probabilities != steps[9].probabilities
    later = again(video, model, history, 9, neutral={10})
    assert later.prediction.probabilities == steps[9].probabilities
    pixels = neutral_pixels(without.pixels, model)
    assert pixels.shape == without.pixels.shape
    assert pixels[0, 0, 0].tolist() == [round(255 * mean) for mean in model.card.mean]


def test_progress_can_stop_it_and_the_feed_is_closed(video):
    class StoppedError(Exception):
        pass

    def stop(done, total):
        if done == 2:
            raise StoppedError

    model = FakeModel()
    _, history = run(video, model, 12, max_snapshots=2)
    with pytest.raises(StoppedError):
        again(video, model, history, 11, progress=stop)
    assert FEEDS.feeds[-1].is_closed


def test_what_cannot_be_come_to_is_said(video):
    model = FakeModel()
    _, history = run(video, model, 3)
    with pytest.raises(SettingError, match="the video ends before window 100"):
        again(video, model, history, 100)
    with pytest.raises(SettingError, match="comes before the snapshot"):
        revisit(video, model, history.before(2), 1, open_feed=FEEDS)
    with pytest.raises(ValueError, match="at least 2, got 1"):
        StateHistory(max_snapshots=1)


def test_many_changes_do_not_end_the_snapshots(video):
    def act(engine, number):
        if number < 30:
            engine.update(l_mem=1 + number % 2)

    _, history = run(video, FakeModel(), 90, act, max_snapshots=8)
    assert history.before(89).index > 60
