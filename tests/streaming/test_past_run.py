"""What a run left in its files is read back as it was predicted."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.streaming.doubles import CARD, FakeModel, FakeVideo, source_file
from tests.streaming.test_spool_stream import make_model
from vidmem.errors import SettingError, StateError, StorageError
from vidmem.streaming import (
    Engine,
    RunFiles,
    SavedPlace,
    StreamSettings,
    read_class_names,
    read_predictions,
    write_predictions,
)
from vidmem.video.sampling import Gap

NUM_FRAMES = 43


@pytest.fixture
def video(tmp_path):
    return source_file(tmp_path)


def engine_over(video, tmp_path, model, **more):
    files = RunFiles(out=tmp_path / "p.csv", state_path=tmp_path / "p.state", **more)
    return Engine(video, model, open_feed=FakeVideo(NUM_FRAMES), files=files)


def told(prediction):
    """What a file has of a prediction."""
    return (
        prediction.index,
        prediction.label,
        round(prediction.start_seconds, 3),
        round(prediction.end_seconds, 3),
        prediction.num_remembered,
        tuple(round(one, 6) for one in prediction.probabilities),
        prediction.class_names,
        prediction.model_name,
        prediction.settings,
        prediction.num_real_frames,
        prediction.is_final,
    )


def test_predictions_are_read_back_as_they_were_given(video, tmp_path):
    model = FakeModel()
    with engine_over(video, tmp_path, model) as engine:
        first = [next(engine) for _ in range(4)]
        engine.update(l_mem=1, clip_frames=8)
        given = [*first, *engine]
        settings = engine.settings
    read = list(read_predictions(tmp_path / "p.csv", StreamSettings.for_model(model)))
    assert [told(one) for one in read] == [told(one) for one in given]
    assert read[-1].l_mem == settings.l_mem == 1
    assert read_class_names(tmp_path / "p.csv") == CARD.class_names
    gap = replace(given[0], gaps=(Gap(start_seconds=1.5, end_seconds=2.25, reason="damaged"),))
    write_predictions(tmp_path / "gap.csv", [replace(gap, unlikeness=1.25)])
    (again,) = read_predictions(tmp_path / "gap.csv", settings)
    assert again.gaps == (Gap(start_seconds=1.5, end_seconds=2.25, reason=""),)
    assert again.is_unlike_training


def test_what_is_no_row_is_left_out_and_what_is_no_file_of_predictions_is_refused(video, tmp_path):
    with engine_over(video, tmp_path, FakeModel()) as engine:
        given = list(engine)
    path, settings = tmp_path / "p.csv", StreamSettings()
    text = path.read_text()
    lines = text.splitlines(keepends=True)
    lines[2] = lines[2].replace(lines[2].split(",")[0], "soon", 1)
    path.write_text("".join(lines) + "10.000,11.000,stand")  # the last is half written
    assert len(list(read_predictions(path, settings))) == len(given) - 1
    for other in ("", "a,b\n1,2\n", "start_seconds,end_seconds,label,probability,remembered\n"):
        path.write_text(other)
        with pytest.raises(StorageError, match="no file of predictions"):
            next(read_predictions(path, settings))
    with pytest.raises(StorageError, match="cannot be read"):
        read_class_names(tmp_path / "none.csv")


def test_where_a_run_can_go_on_is_read_with_what_was_not_final(video, tmp_path):
    model = make_model()
    with engine_over(video, tmp_path, model) as engine:
        for _ in range(6):
            newest = next(engine)
    place = SavedPlace.read(tmp_path / "p.state", model, video)
    assert (place.next_index, place.seconds, place.is_finished) == (6, newest.end_seconds, False)
    waiting = [*(one for one in newest.revised if not one.is_final), newest]
    assert [one.index for one in place.pending] == [one.index for one in waiting]
    rows = list(
        read_predictions(tmp_path / place.file_name, place.settings, num_bytes=place.num_bytes)
    )
    # Behind it stands what was settled as the run was closed: a run that goes on judges it anew.
    assert [one.index for one in rows] == list(range(6 - len(place.pending)))
    assert len(rows) == place.num_rows
    with pytest.raises(StateError, match="another model"):
        SavedPlace.read(tmp_path / "p.state", FakeModel(), video)
    video.write_bytes(video.read_bytes()[::-1])
    with pytest.raises(StateError, match="another video"):
        SavedPlace.read(tmp_path / "p.state", model, video)


def test_a_summary_is_read_into_settings():
    settings = StreamSettings(fps=7.5, clip_frames=8, window_stride=4, l_mem=3)
    base = StreamSettings(min_bout_seconds=2.0)
    assert base.with_summary(settings.summary) == replace(settings, min_bout_seconds=2.0)
    ranged = replace(settings, local_frame_range=5)
    assert settings.with_summary(ranged.summary) == ranged
    assert base.with_summary("") == base
    for text, what in (("fps=fast", "fps"), ("speed=3", "speed"), ("l_mem=9999", "l_mem")):
        with pytest.raises(SettingError, match=what):
            base.with_summary(text)
