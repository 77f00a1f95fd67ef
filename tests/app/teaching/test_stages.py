"""Stages of teaching as a page shows them, from what the library tells."""

from __future__ import annotations

import pytest

from app.teaching.request import TeachRequest
from app.teaching.stages import Stages, message_of
from vidmem.teaching import Split, TeachProgress

SPLIT = Split(method="blocks", pieces=(), seconds={"learn": 60.0, "stop": 10.0, "test": 20.0})


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


def tell(stages, stage, done=0.0, left=None, *, is_quick_told=True, **more):
    progress = TeachProgress(stage=stage, done=done, seconds_left=left, **more)
    stages.add(message_of(progress, is_quick_told=is_quick_told))


def begun(clock, videos, **more):
    stages = Stages(TeachRequest(name="m", **more), clock)
    stages.begin(videos)
    return stages


def states(stages):
    return {one["key"]: one["state"] for one in stages.rows()}


def row(stages, key):
    return next(one for one in stages.rows() if one["key"] == key)


def test_stages_follow_each_other_and_the_whole_only_grows(clock):
    stages = begun(clock, {"a.mp4": 30.0, "b.mp4": 10.0})
    assert list(states(stages)) == ["features", "quick", "model", "baselines", "scores"]
    told = [
        ("encoding a.mp4", 0.5, "features"),
        ("encoding b.mp4", 0.5, "features"),
        ("split", 1.0, "quick"),
        ("linear heads", 1.0, "model"),
        ("Spool: how long to learn", 0.5, "model"),
        ("linear heads", 0.0, "model"),
        ("Spool: learning", 1.0, "model"),
        ("GRU, causal: how long to learn", 0.5, "baselines"),
        ("CBAS head (biLSTM): learning", 0.5, "baselines"),
        ("scores", 0.0, "scores"),
        ("what more labels bring", 0.5, "scores"),
    ]
    reached = 0.0
    for name, done, now in told:
        clock.now += 1
        more = {"split": SPLIT} if name == "split" else {}
        if (name, done) == ("linear heads", 1.0):
            more = {"quick_f1": 0.78, "is_quick_told": False}
        tell(stages, name, done, **more)
        assert [key for key, state in states(stages).items() if state == "now"] == [now], name
        assert stages.done >= reached
        reached = stages.done
    assert 0.9 < reached < 1
    assert row(stages, "quick")["note"] == "0.78 after 1 s"
    assert row(stages, "features")["title"] == "Features of 2 videos"
    assert stages.split_words.startswith("blocks: 1 min to learn from")


def test_time_left_is_of_all_videos_at_the_pace_so_far(clock):
    stages = begun(clock, {"a.mp4": 30.0, "b.mp4": 10.0})
    tell(stages, "encoding a.mp4", 0.0)
    assert row(stages, "features")["seconds_left"] is None
    clock.now = 6.0
    tell(stages, "encoding a.mp4", 0.5)
    assert row(stages, "features")["seconds_left"] == pytest.approx(10.0)  # 15 of 40 s in 6 s
    assert row(stages, "features")["note"] == "a.mp4, 1 of 2"
    tell(stages, "waiting for b.mp4, which another program encodes")
    assert "another program" in row(stages, "features")["note"]


def test_features_from_before_are_said_to_be_so(clock):
    stages = begun(clock, {"a.mp4": 30.0}, has_baselines=False)
    tell(stages, "split", 1.0, split=SPLIT)
    assert row(stages, "features") == {
        "key": "features",
        "title": "Features of the video",
        "state": "done",
        "done": 1.0,
        "note": "kept from before",
        "seconds_left": None,
    }
    assert "baselines" not in states(stages)


def test_the_error_while_the_model_learns_is_kept_from_step_to_step(clock):
    stages = begun(clock, {"a.mp4": 30.0})
    told = [
        ("Spool: how long to learn", 0, 0.9),
        ("Spool: how long to learn", 10, None),
        ("Spool: how long to learn", 20, 0.71234),
        ("GRU, causal: how long to learn", 20, 0.5),
    ]
    for name, num_steps, loss in told:
        tell(stages, name, num_steps / 160, num_steps=num_steps, stop_loss=loss)
    assert stages.stop_losses == [[0, 0.9], [20, 0.7123]]
