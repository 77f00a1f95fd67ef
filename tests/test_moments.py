import pytest

from tests.streaming.doubles import FakeModel, FakeVideo, source_file
from tests.streaming.test_history import again, run
from tests.streaming.test_spool_stream import make_model
from vidmem.errors import SettingError
from vidmem.inspection import score_of, total_effects
from vidmem.moments import record_replay

FEEDS = FakeVideo(400)
MODELS = pytest.mark.parametrize("make", [FakeModel, make_model], ids=["fam-swin", "spool"])


@pytest.fixture
def video(tmp_path):
    return source_file(tmp_path)


def record(video, model, history, index, **kwargs):
    return record_replay(video, model, history, index, open_feed=FEEDS, **kwargs)


@MODELS
def test_a_recorded_moment_is_the_moment(video, make):
    model = make()
    steps, history = run(video, model, 30, max_snapshots=5)
    recorded = record(video, model, history, 23)
    assert recorded.moment.prediction.probabilities == steps[23].probabilities
    subject = recorded.subject()
    assert subject.remembered == steps[23].remembered
    assert subject.model.card.class_names[subject.class_index] == steps[23].label
    got = subject.score().probability
    assert got == pytest.approx(steps[23].probabilities[subject.class_index], abs=1e-6)
    assert recorded.subject(0).class_index == 0


@MODELS
def test_a_recorded_replay_is_that_of_the_stream_without_its_clips(video, make):
    model = make()
    _, history = run(video, model, 30, max_snapshots=5)
    recorded = record(video, model, history, 23, first=17)
    for neutral in ((20,), (18, 22), (17,)):
        want = again(video, model, history, 23, neutral=neutral).prediction.probabilities
        got = recorded.replay.logits([neutral])[0].softmax(-1).tolist()
        assert got == pytest.approx(want, abs=1e-6)
    effects = total_effects(recorded.replay, recorded.subject().remembered, 0).run()
    assert [effect.clip for effect in effects.clips] == [20, 21, 22]
    assert effects.score == score_of(recorded.replay.logits([()]), 0)


def test_all_that_is_remembered_can_be_taken_away(video):
    model = FakeModel()
    steps, history = run(video, model, 60, max_snapshots=4)
    for index in (0, 1, 2, 31, 59):
        earlier = record(video, model, history, index).replay.earlier
        assert set(steps[index].remembered) <= set(earlier)


def test_the_recording_begins_after_a_jump(video):
    def act(engine, number):
        if number == 20:
            engine.seek(50.0)
        if number == 26:
            engine.update(window_stride=2)

    model = FakeModel()
    steps, history = run(video, model, 35, act)
    for index, first in ((19, 10), (24, 20), (33, 26)):
        recorded = record(video, model, history, index, first=10)
        assert recorded.replay.earlier.start == first
        assert recorded.moment.window == steps[index].window
        with pytest.raises(SettingError, match=f"recorded from window {first} on"):
            recorded.replay.logits([(9,)])


def test_progress_can_stop_the_recording(video):
    class StoppedError(Exception):
        pass

    def stop(done, total):
        if done == 2:
            raise StoppedError

    model = FakeModel()
    _, history = run(video, model, 12, max_snapshots=2)
    with pytest.raises(StoppedError):
        record(video, model, history, 11, first=0, progress=stop)
    assert FEEDS.feeds[-1].is_closed
