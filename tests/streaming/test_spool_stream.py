"""Spool through the engine: provisional predictions, final ones, and what is written when."""

from __future__ import annotations

import csv
import json
import sys
from dataclasses import replace

import pytest
import torch
from torch import nn

from tests.streaming.doubles import CARD, FakeModel, FakeVideo, source_file
from vidmem.errors import DecoderTimeoutError, SettingError
from vidmem.models import Spool, SpoolConfig
from vidmem.streaming import Engine, Prediction, RunFiles, Stream, StreamSettings, watch
from vidmem.streaming.batching import to_model_clip

NUM_FRAMES = 43
"""Eleven clips of 4, the last of 3 frames."""


class PixelEncoder(nn.Module):
    """Four tokens of a frame, all made of its mean colour."""

    embed_dim = 12

    def __init__(self):
        super().__init__()
        self.project = nn.Linear(3, 4 * self.embed_dim)

    def forward(self, clips):
        return self.project(clips.mean((-1, -2))).unflatten(-1, (4, -1)).sin()


def make_model(**changes):
    torch.manual_seed(0)
    fields = {
        "embed_dim": 12,
        "num_layers": 2,
        "num_heads": 3,
        "num_lookback_heads": 2,
        "num_lookahead_heads": 1,
        "local_frame_range": 3,
        "tokens_per_frame": 4,
        "window_frames": 16,
        "num_classes": 3,
    }
    model = Spool(SpoolConfig(**(fields | changes)), CARD, backbone=PixelEncoder()).eval()
    for parameter in model.parameters():
        nn.init.normal_(parameter, std=0.3)
    return model


@pytest.fixture
def video(tmp_path):
    return source_file(tmp_path)


def make_engine(video, model=None, settings=None, *, num_frames=NUM_FRAMES, **kwargs):
    feeds = kwargs.pop("feeds", None) or FakeVideo(num_frames)
    return Engine(video, model or make_model(), settings, open_feed=feeds, **kwargs)


def rows(path):
    with path.open(newline="") as file:
        return list(csv.reader(file))[1:]


def test_settings_of_spool_say_its_window_and_how_long_a_prediction_waits():
    settings = StreamSettings.for_model(make_model())
    assert (settings.l_mem, settings.window_frames, settings.local_frame_range) == (3, 16, 3)
    assert (settings.latency_clips, settings.latency_seconds) == (2, 2.0)
    assert settings.changed(local_frame_range=0).latency_clips == 0
    assert settings.changed(l_mem=1).latency_clips == 1
    assert settings.changed(window_frames=8).l_mem == 1
    assert settings.changed(window_stride=8).clip_frames == 8
    assert (
        StreamSettings.for_model(
            make_model(num_lookback_heads=3, num_lookahead_heads=0)
        ).latency_clips
        == 0
    )
    with pytest.raises(SettingError, match="multiple of clip_frames, 4, such as 8 or 12, got 10"):
        settings.changed(window_frames=10)
    with pytest.raises(SettingError, match="encodes every frame once, got 2 and 4"):
        settings.changed(window_stride=2, clip_frames=4)
    with pytest.raises(SettingError, match="local_frame_range must be a whole number from 0 to 64"):
        settings.changed(local_frame_range=65)
    with pytest.raises(SettingError, match="Fake has no local_frame_range"):
        StreamSettings.for_model(FakeModel(), local_frame_range=2)


def test_each_window_is_final_once_and_in_order(video):
    with make_engine(video) as engine:
        steps = list(engine)
    assert [p.index for p in steps] == list(range(11))
    assert [p.is_final for p in steps] == [False] * 10 + [True]
    assert [len(p.settled) for p in steps] == [0, 0, *[1] * 8, 3]
    settled = [one for step in steps for one in step.settled]
    assert [one.index for one in settled] == list(range(11))
    assert all(one.final_after_seconds == 2.0 for one in settled)
    assert len({p.state_bytes for p in steps}) == 1


def test_provisional_predictions_are_judged_anew_with_every_clip(video):
    with make_engine(video) as engine:
        steps = list(engine)
    said = [one.probabilities for s in steps for one in (*s.revised, s) if one.index == 4]
    assert len(said) == 3
    assert len(set(said)) == 3


def test_final_predictions_equal_the_whole_video_where_the_window_covers_it(video):
    model = make_model(window_frames=44)
    with make_engine(video, model) as engine:
        steps, pixels = [], []
        for step in engine:
            steps.append(step)
            pixels.append(engine.last_clip_pixels[: step.num_real_frames])
    with torch.no_grad():
        logits = model(to_model_clip(torch.cat(pixels), model)).frame_logits[0]
    want = torch.stack([logits[i : i + 4].mean(0) for i in range(0, NUM_FRAMES, 4)]).softmax(-1)
    got = torch.tensor([one.probabilities for one in steps[-1].settled])
    torch.testing.assert_close(got, want[-3:], rtol=1e-4, atol=1e-5)


def test_only_final_rows_are_written_while_it_runs_and_all_at_the_end(video, tmp_path):
    out = tmp_path / "predictions.csv"
    with make_engine(video, files=RunFiles(out=out)) as engine:
        for number, _ in enumerate(engine):
            assert len(rows(out)) == (max(number - 1, 0) if number < 10 else 11)
    assert [row[0] for row in rows(out)] == [f"{i:.3f}" for i in range(11)]


@pytest.mark.parametrize("num_before", [1, 2, 5, 10])
def test_stopped_and_resumed_writes_the_same_file(video, tmp_path, num_before):
    files = RunFiles(out=tmp_path / "whole.csv", state_path=tmp_path / "whole.state")
    with make_engine(video, files=files) as engine:
        list(engine)
    files = RunFiles(out=tmp_path / "cut.csv", state_path=tmp_path / "cut.state", resume=True)
    with make_engine(video, files=files) as engine:
        [next(engine) for _ in range(num_before)]
    assert len(rows(tmp_path / "cut.csv")) == num_before  # what is provisional is not lost either
    with make_engine(video, files=files) as engine:
        list(engine)
    assert (tmp_path / "cut.csv").read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_a_decoder_that_fails_loses_no_row(video, tmp_path):
    out = tmp_path / "predictions.csv"
    feeds = FakeVideo(NUM_FRAMES, error_at={21: DecoderTimeoutError("it hangs")})
    with make_engine(video, feeds=feeds, files=RunFiles(out=out)) as engine:
        steps = []
        with pytest.raises(DecoderTimeoutError):
            steps.extend(iter(engine))
    assert len(rows(out)) == 5


def test_a_jump_makes_final_what_nothing_comes_after(video, tmp_path):
    out = tmp_path / "predictions.csv"
    with make_engine(video, files=RunFiles(out=out)) as engine:
        [next(engine) for _ in range(4)]
        engine.seek(7.0)
        step = next(engine)
    assert [one.index for one in step.settled] == [2, 3]
    assert (step.index, step.is_final, step.num_remembered) == (4, False, 0)
    assert [row[0] for row in rows(out)] == ["0.000", "1.000", "2.000", "3.000", "7.000"]


def test_range_and_window_move_while_it_runs(video):
    with make_engine(video) as engine:
        [next(engine) for _ in range(4)]
        assert engine.update(local_frame_range=0).restarted is None
        step = next(engine)
        assert step.is_final
        assert [one.index for one in step.settled] == [2, 3, 4]
        engine.update(local_frame_range=5, l_mem=1)
        step = next(engine)
        assert (step.l_mem, step.num_remembered, step.final_after_seconds) == (1, 1, 1.0)
        change = engine.update(window_stride=8)
        assert change.restarted == "The window starts empty: clips now have 8 frames instead of 4."
        assert next(engine).window.num_frames == 8


def test_models_take_turns(video, tmp_path):
    out = tmp_path / "predictions.csv"
    with make_engine(video, FakeModel(), files=RunFiles(out=out)) as engine:
        next(engine)
        engine.update(model=make_model(), window_stride=None)
        steps = [next(engine) for _ in range(3)]
        assert steps[0].restarted is not None
        assert steps[0].l_mem == 3
        engine.update(model=FakeModel())
        step = next(engine)
        assert [one.index for one in step.settled] == [2, 3, 4]
        assert engine.settings.local_frame_range is None
        assert not engine.settings.is_back_to_back


def test_watch_gives_final_predictions_only(video, monkeypatch):
    module = sys.modules[watch.__module__]  # the package names the function like its file
    monkeypatch.setattr(module, "Engine", lambda *args, **kwargs: make_engine(video))
    predictions = list(watch(video, make_model()))
    assert [p.index for p in predictions] == list(range(11))
    assert all(p.is_final for p in predictions)


def test_a_prediction_survives_being_written_down(video):
    with make_engine(video) as engine:
        step = [next(engine) for _ in range(3)][-1]
    assert Prediction.from_dict(json.loads(json.dumps(step.as_dict()))) == step


def test_a_saved_stream_goes_on_with_what_was_provisional(video, tmp_path):
    model = make_model()
    with make_engine(video, model) as engine:
        pairs = [(step, engine.last_clip_pixels) for step in engine]
    stream = Stream(model, StreamSettings.for_model(model))
    got = []
    for number, (step, pixels) in enumerate(pairs):
        if number == 5:
            stream.save(tmp_path / "stream")
            stream = Stream.restore(tmp_path / "stream", model)
        got.append(stream.step(step.window, pixels))
    for (want, _), have in zip(pairs, got, strict=True):
        same = [(one.index, one.probabilities, one.is_final) for one in want.settled]
        assert [(one.index, one.probabilities, one.is_final) for one in have.settled] == same
    assert replace(got[-1], revised=()).is_final


def test_a_model_that_cannot_be_changed_to_leaves_the_run_as_it_was(video, tmp_path):
    files = RunFiles(out=tmp_path / "p.csv", state_path=tmp_path / "p.state", save_every_clips=1)
    feeds, opened = FakeVideo(NUM_FRAMES), []

    def open_once(request):
        if opened:
            raise DecoderTimeoutError("it hangs")
        opened.append(request)
        return feeds(request)

    model = make_model()
    with Engine(video, model, files=files, open_feed=open_once) as engine:
        [next(engine) for _ in range(4)]
        engine.update(model=FakeModel())
        with pytest.raises(DecoderTimeoutError):
            next(engine)
    resumed = replace(files, resume=True)
    with Engine(video, model, files=resumed, open_feed=FakeVideo(NUM_FRAMES)) as engine:
        assert len(list(engine)) == 7
    assert len(rows(tmp_path / "p.csv")) == 11


def test_watch_gives_what_was_judged_before_a_decoder_failed(video, monkeypatch):
    feeds = FakeVideo(NUM_FRAMES, error_at={21: DecoderTimeoutError("it hangs")})
    module = sys.modules[watch.__module__]
    monkeypatch.setattr(module, "Engine", lambda *a, **k: make_engine(video, feeds=feeds))
    seen = []
    with pytest.raises(DecoderTimeoutError):
        for prediction in watch(video, make_model()):
            seen.append(prediction)
    assert [one.index for one in seen] == list(range(5))
    assert all(one.is_final for one in seen)


def test_a_window_cut_and_enlarged_keeps_what_was_said(video):
    model = make_model()
    with make_engine(video, model) as engine:
        pairs = [(step, engine.last_clip_pixels) for step in engine]
    stream = Stream(model, StreamSettings.for_model(model))
    [stream.step(step.window, pixels) for step, pixels in pairs[:4]]
    stream.resize(0)
    stream.resize(3)
    step = stream.step(pairs[4][0].window, pairs[4][1])
    assert all(sum(one.probabilities) == pytest.approx(1) for one in (*step.revised, step))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"window_frames": 16, "clip_frames": 0}, "clip_frames must be a whole number"),
        ({"window_frames": float("nan")}, "window_frames must be a whole number"),
        ({"window_frames": "64"}, "window_frames must be a whole number"),
        ({"window_frames": 16, "l_mem": 3}, "give one of them"),
    ],
)
def test_impossible_windows_are_refused(changes, message):
    with pytest.raises(SettingError, match=message):
        StreamSettings.for_model(make_model()).changed(**changes)
