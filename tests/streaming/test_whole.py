"""A whole video in one pass: as the stream, and decoded and encoded once."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from tests.streaming.doubles import FakeModel, FakeVideo, source_file
from tests.streaming.test_spool_stream import NUM_FRAMES, make_engine, make_model
from vidmem.errors import SettingError
from vidmem.models import FeatureStore
from vidmem.models.look import Look
from vidmem.streaming import StreamSettings, watch_whole, whole, write_predictions
from vidmem.video.sampling import Gap


@pytest.fixture
def video(tmp_path, monkeypatch):
    monkeypatch.setattr(whole, "open_file_feed", FakeVideo(NUM_FRAMES))
    return source_file(tmp_path)


def with_fingerprint(model):
    model.backbone.fingerprint = lambda: "made up"
    return model


def probabilities(predictions):
    return torch.tensor([one.probabilities for one in predictions])


def test_without_context_it_says_what_the_stream_says_in_the_end(video):
    model = make_model(has_context_frames=False, window_frames=20)
    with make_engine(video, model) as engine:
        streamed = [one for step in engine for one in step.settled]
    at_once = watch_whole(video, model)
    assert [one.window for one in at_once] == [one.window for one in streamed]
    assert all(one.is_final for one in at_once)
    torch.testing.assert_close(
        probabilities(at_once), probabilities(streamed), rtol=1e-4, atol=1e-5
    )


def test_the_second_pass_decodes_nothing_and_says_the_same(video, tmp_path, monkeypatch):
    model, cache = with_fingerprint(make_model()), FeatureStore(folder=tmp_path / "kept")
    first = watch_whole(video, model, cache=cache)
    monkeypatch.setattr(whole, "open_file_feed", None)
    second = watch_whole(video, model, cache=cache)
    assert [one.window for one in second] == [one.window for one in first]
    assert torch.equal(probabilities(second), probabilities(first))
    with pytest.raises(TypeError, match="not callable"):  # another file has to be decoded
        watch_whole(source_file(tmp_path, b"another video"), model, cache=cache)


def test_how_unlike_its_training_footage_is_depends_on_the_look(video, tmp_path):
    model, cache = with_fingerprint(make_model()), FeatureStore(folder=tmp_path / "kept")
    assert {one.unlikeness for one in watch_whole(video, model, cache=cache)} == {None}
    frames = torch.randint(0, 255, (6, 16, 16, 3), dtype=torch.uint8)
    for limit in (1.0, 2.0):
        model.look = Look.fit(frames, limit)
        found = [one.unlikeness for one in watch_whole(video, model, cache=cache)]
        assert found == [one.unlikeness for one in watch_whole(video, model, cache=cache)]
        with make_engine(video, model) as engine:
            streamed = [one.unlikeness for step in engine for one in step.settled]
        assert found == pytest.approx(streamed)


def test_features_of_a_damaged_file_are_not_kept(video, tmp_path, monkeypatch):
    gap = Gap(start_seconds=2.0, end_seconds=2.5, reason="a hole")
    monkeypatch.setattr(whole, "open_file_feed", FakeVideo(NUM_FRAMES, gap_at={9: gap}))
    cache = FeatureStore(folder=tmp_path / "kept")
    predictions = watch_whole(video, with_fingerprint(make_model()), cache=cache)
    assert predictions[-1].gaps == (gap,)
    assert cache.num_bytes == 0


def test_too_long_a_video_is_refused_before_memory_runs_out(video):
    with pytest.raises(SettingError, match="stream the video instead"):
        watch_whole(video, make_model(), max_bytes=100_000)


def test_a_model_that_has_no_such_pass_is_refused(video):
    with pytest.raises(SettingError, match="needs a Spool"):
        watch_whole(video, FakeModel())


def test_predictions_are_written_at_once(video, tmp_path):
    predictions = watch_whole(video, make_model())
    write_predictions(tmp_path / "out.csv", predictions)
    lines = (tmp_path / "out.csv").read_text().splitlines()
    assert len(lines) == 1 + len(predictions)
    with pytest.raises(ValueError, match="no predictions"):
        write_predictions(tmp_path / "none.csv", [])


def test_features_are_those_of_the_cards_pictures(video, tmp_path):
    model, cache = with_fingerprint(make_model()), FeatureStore(folder=tmp_path / "kept")
    watch_whole(video, model, cache=cache)
    kept = cache.num_bytes
    model.card = replace(model.card, mean=(0.1, 0.2, 0.3))
    assert torch.equal(
        probabilities(watch_whole(video, model, cache=cache)),
        probabilities(watch_whole(video, model)),
    )
    assert cache.num_bytes > kept


def test_windows_that_overlap_are_refused(video):
    with pytest.raises(SettingError, match="encodes every frame once"):
        watch_whole(video, make_model(), StreamSettings(clip_frames=4, window_stride=2))


def test_a_cache_that_cannot_be_written_stops_nothing(video, tmp_path, caplog):
    cache = FeatureStore(folder=tmp_path / "kept", max_bytes=100)
    assert len(watch_whole(video, with_fingerprint(make_model()), cache=cache)) == 11
    assert "are not kept" in caplog.text
