"""A FAM Swin on features through the engine."""

from dataclasses import replace

import pytest

from tests.models.fam_on_features import make_tiny_fam
from tests.streaming.doubles import FakeVideo, source_file
from vidmem.errors import SettingError
from vidmem.streaming import Engine, RunFiles, StreamSettings

NUM_FRAMES = 43
"""Six clips of 8 sampled frames, the last one padded."""


@pytest.fixture(scope="module")
def model():
    return make_tiny_fam()


@pytest.fixture
def run(tmp_path, model):
    def make(**kwargs):
        feeds = FakeVideo(NUM_FRAMES, size=(48, 48))
        return Engine(source_file(tmp_path), model, open_feed=feeds, **kwargs)

    return make


def test_clips_hold_whole_tokens(model):
    settings = StreamSettings.for_model(model)
    assert (settings.clip_frames, settings.seconds_per_clip) == (8, 2.0)
    assert settings.changed(clip_frames=4).clip_frames == 4
    with pytest.raises(SettingError, match="multiple of 4"):
        settings.changed(clip_frames=6)


def test_every_window_is_judged_and_how_unlike_it_is_stands_beside_it(run, tmp_path):
    with run(files=RunFiles(out=tmp_path / "p.csv")) as engine:
        steps = list(engine)
    assert [one.num_real_frames for one in steps] == [8] * 5 + [3]
    assert [one.num_remembered for one in steps] == [0, 1, 2, 3, 4, 4]
    assert len({one.state_bytes for one in steps}) == 1
    lines = (tmp_path / "p.csv").read_text().splitlines()
    at = lines[0].split(",").index("unlikeness")
    assert all(float(line.split(",")[at]) > 0 for line in lines[1:])


def test_stopped_and_resumed_it_says_the_same(run, tmp_path):
    with run() as engine:
        want = [one.probabilities for one in engine]
    files = RunFiles(out=tmp_path / "p.csv", state_path=tmp_path / "p.state")
    with run(files=files) as engine:
        got = [next(engine).probabilities for _ in range(3)]
    with run(files=replace(files, resume=True)) as engine:
        got += [one.probabilities for one in engine]
    assert got == want
