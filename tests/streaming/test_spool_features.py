"""A Spool on features through the engine: its times, what it says of other footage, one pass."""

from dataclasses import replace

import pytest
import torch

from tests.models.features.tiny import SIDE, tiny_spool
from tests.streaming.doubles import FakeVideo, source_file
from vidmem.console import settings_text
from vidmem.errors import SettingError
from vidmem.models import FeatureStore
from vidmem.streaming import Engine, RunFiles, StreamSettings, watch_whole, whole
from vidmem.streaming.batching import StepInput, step_batch

NUM_FRAMES = 43
"""Eleven clips of 4 sampled frames, the last of 3."""


@pytest.fixture
def video(tmp_path, monkeypatch):
    monkeypatch.setattr(whole, "open_file_feed", FakeVideo(NUM_FRAMES, size=(SIDE, SIDE)))
    return source_file(tmp_path)


def make_engine(video, model=None, **kwargs):
    return Engine(
        video, model or tiny_spool(), open_feed=FakeVideo(NUM_FRAMES, size=(SIDE, SIDE)), **kwargs
    )


def probabilities(predictions):
    return torch.tensor([one.probabilities for one in predictions])


def test_settings_in_frames_count_groups_and_in_seconds_are_those_of_the_video():
    settings = StreamSettings.for_model(tiny_spool())  # 4 sampled frames a second, 2 of them seen
    assert (settings.l_mem, settings.window_frames, settings.local_frame_range) == (3, 8, 1)
    # Two layers look a feature frame ahead each: a second, that of the next clip.
    assert (settings.latency_clips, settings.latency_seconds) == (1, 1.0)
    assert settings.changed(local_frame_range=2).latency_seconds == 2.0
    assert settings.memory_span_seconds + settings.seconds_per_clip == 4.0
    assert settings.changed(window_frames=4).l_mem == 1
    assert "sees the last 8 frames at once: 4 s" in settings_text(settings)
    with pytest.raises(SettingError, match="a multiple of 2: this model sees one frame for 2 of"):
        settings.changed(window_frames=5)
    with pytest.raises(SettingError, match="clip_frames must be a multiple of 2 for this model"):
        settings.changed(clip_frames=5)


def test_every_window_is_judged_and_final_after_its_latency(video):
    with make_engine(video) as engine:
        steps = list(engine)
    assert [p.index for p in steps] == list(range(11))
    assert [len(p.settled) for p in steps] == [0, *[1] * 9, 2]
    assert steps[-1].num_real_frames == 3
    assert len({p.state_bytes for p in steps}) == 1


def test_what_the_model_says_of_other_footage_is_in_the_predictions(video, tmp_path):
    model = tiny_spool()
    model.encoder.reduction.distance_limit.fill_(1e-3)
    model.look = pytest  # would fail where it were asked
    files = RunFiles(out=tmp_path / "p.csv")
    with make_engine(video, model, files=files) as engine:
        assert all(one.is_unlike_training for one in engine)
    lines = (tmp_path / "p.csv").read_text().splitlines()
    at = lines[0].split(",").index("unlikeness")
    assert all(float(line.split(",")[at]) > 1 for line in lines[1:])


def test_clips_of_several_streams_in_one_step_are_judged_as_each_alone():
    model = tiny_spool()
    clips = []
    for row in range(3):
        torch.manual_seed(row)
        pixels = torch.randint(0, 255, (4, SIDE, SIDE, 3), dtype=torch.uint8)
        clips.append(
            StepInput(pixels=pixels, seconds=(0.0, 1.0), memory=model.init_state(1, l_mem=row))
        )
    together = step_batch(model, clips)
    for clip, result in zip(clips, together, strict=True):
        alone = step_batch(model, [clip])[0]
        assert result.unlikeness == pytest.approx(alone.unlikeness, rel=1e-3)
        assert result.probabilities[-1] == pytest.approx(alone.probabilities[-1], rel=1e-3)


def test_one_pass_says_what_the_stream_says_in_the_end(video):
    model = tiny_spool(has_context_frames=False, window_frames=20)
    with make_engine(video, model) as engine:
        streamed = [one for step in engine for one in step.settled]
    at_once = watch_whole(video, model)
    assert [one.window for one in at_once] == [one.window for one in streamed]
    torch.testing.assert_close(
        probabilities(at_once), probabilities(streamed), rtol=1e-3, atol=1e-4
    )
    assert [one.unlikeness for one in at_once] == pytest.approx(
        [one.unlikeness for one in streamed], rel=1e-3
    )


def test_a_second_pass_decodes_nothing_unless_the_features_are_others(video, tmp_path, monkeypatch):
    model, cache = tiny_spool(), FeatureStore(folder=tmp_path / "kept")
    first = watch_whole(video, model, cache=cache)
    monkeypatch.setattr(whole, "open_file_feed", None)
    second = watch_whole(video, model, cache=cache)
    assert torch.equal(probabilities(second), probabilities(first))
    assert [one.unlikeness for one in second] == [one.unlikeness for one in first]
    model.encoder.reduction.cell_mean.add_(1)
    with pytest.raises(TypeError, match="not callable"):
        watch_whole(video, model, cache=cache)


def test_stopped_and_resumed_it_says_the_same(video, tmp_path):
    with make_engine(video) as engine:
        want = [one.probabilities for one in engine]
    files = RunFiles(out=tmp_path / "p.csv", state_path=tmp_path / "p.state")
    with make_engine(video, files=files) as engine:
        got = [next(engine).probabilities for _ in range(5)]
    again = replace(files, resume=True)
    with make_engine(video, files=again) as engine:
        got += [one.probabilities for one in engine]
    assert got == want
