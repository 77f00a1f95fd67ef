"""Stopped at any moment and taken up again: the same file as in one go."""

from __future__ import annotations

import os
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from tests.streaming.doubles import FakeModel, FakeVideo, source_file
from vidmem.errors import StateError
from vidmem.streaming import Engine, RunFiles, StreamSettings
from vidmem.streaming.history import Snapshot
from vidmem.streaming.recorder import StateSaver
from vidmem.streaming.saved_run import Checkpoint
from vidmem.streaming.saving.identity import ModelIdentity, SourceIdentity
from vidmem.streaming.saving.predictions_csv import FileMark
from vidmem.streaming.saving.state_file import write_state_file
from vidmem.streaming.stream import Stream
from vidmem.streaming.windows import Position

NUM_FRAMES = 50


@pytest.fixture
def video(tmp_path):
    return source_file(tmp_path)


def make_engine(video, folder, *, model=None, settings=None, resume=False, **files):
    folder.mkdir(exist_ok=True)
    files = RunFiles(
        out=folder / "predictions.csv", state_path=folder / "state", resume=resume, **files
    )
    feeds = FakeVideo(NUM_FRAMES)
    return Engine(video, model or FakeModel(), settings, files=files, open_feed=feeds)


def result(folder):
    return (folder / "predictions.csv").read_bytes()


@pytest.mark.parametrize("window_stride", [1, 3, 4, 6])
@pytest.mark.parametrize("num_clips", [0, 1, 2, 5, 7])
def test_killed_at_any_clip_and_resumed_equals_one_run(video, tmp_path, num_clips, window_stride):
    settings = StreamSettings.for_model(FakeModel(), window_stride=window_stride)
    with make_engine(video, tmp_path / "whole", settings=settings) as engine:
        whole = list(engine)
    engine = make_engine(video, tmp_path / "run", settings=settings, save_every_clips=3)
    [next(engine) for _ in range(num_clips)]
    shutil.copytree(tmp_path / "run", tmp_path / "killed")  # as they lie when the power goes
    engine.close()
    with make_engine(video, tmp_path / "killed", resume=True) as engine:
        rest = list(engine)
    assert result(tmp_path / "killed") == result(tmp_path / "whole")
    assert rest[0].index == num_clips // 3 * 3
    assert [p.probabilities for p in rest] == [p.probabilities for p in whole[rest[0].index :]]


def test_a_clean_stop_loses_no_clip(video, tmp_path):
    with make_engine(video, tmp_path / "run", save_every_clips=1000) as engine:
        [next(engine) for _ in range(5)]
    with make_engine(video, tmp_path / "run", resume=True) as engine:
        assert engine.resumed == "Resumed after 5 predictions, at 5.00 s."
        assert next(engine).index == 5


def test_a_state_that_an_earlier_version_saved_is_gone_on_with(video, tmp_path):
    """Its facts are spelled out, since such files are on people's disks."""
    model = FakeModel()
    with make_engine(video, tmp_path / "whole") as engine:
        whole = list(engine)
    with make_engine(video, tmp_path / "run") as engine:
        [next(engine) for _ in range(2)]
        tensors = engine.stream.state.memory.to_tensors()
    settings = {
        "fps": 4.0,
        "clip_frames": 4,
        "window_stride": 4,
        "l_mem": 3,
        "min_bout_seconds": 0.0,
        "frames_multiple": 2,
        "memory_every": 1,
        "local_frame_range": None,
        "lookahead_layers": 0,
        "frame_step": 1,
        "is_back_to_back": False,
    }
    facts = {
        "model": ModelIdentity.of(model).as_dict(),
        "source": {
            "name": "pen.mp4",
            "size_bytes": 7,
            "ends_sha256": SourceIdentity.of(video).ends_sha256,
            "part": "",
        },
        "settings": settings,
        "first_settings": settings,
        "first_index": 0,
        "pending": [],
        "position": {"next_index": 2, "next_frame": 8, "covered_frame": 8},
        "is_finished": False,
        "mark": {
            "name": "predictions.csv",
            "num_rows": 2,
            "num_bytes": len(result(tmp_path / "run")),
        },
        "reader": "fake",
    }
    write_state_file(tmp_path / "run" / "state", tensors, facts)
    with make_engine(video, tmp_path / "run", resume=True) as engine:
        rest = list(engine)
    assert [p.probabilities for p in rest] == [p.probabilities for p in whole[2:]]
    assert result(tmp_path / "run") == result(tmp_path / "whole")


def test_a_finished_run_says_so_and_yields_nothing(video, tmp_path):
    with make_engine(video, tmp_path / "run") as engine:
        list(engine)
    before = result(tmp_path / "run")
    with make_engine(video, tmp_path / "run", resume=True) as engine:
        assert engine.resumed == "Nothing left to do: all 13 predictions were made already."
        assert list(engine) == []
    assert result(tmp_path / "run") == before


def test_resuming_before_anything_was_saved_starts_at_the_beginning(video, tmp_path):
    with make_engine(video, tmp_path / "run", resume=True) as engine:
        assert engine.resumed is None
        assert next(engine).index == 0


def test_resuming_without_the_state_does_not_touch_the_predictions(video, tmp_path):
    with make_engine(video, tmp_path / "run") as engine:
        list(engine)
    (tmp_path / "run" / "state").unlink()
    before = result(tmp_path / "run")
    with pytest.raises(
        StateError, match=r"there is no saved stream at .*state, though .* has pred"
    ):
        make_engine(video, tmp_path / "run", resume=True)
    assert result(tmp_path / "run") == before


def test_changes_made_while_running_are_part_of_what_is_resumed(video, tmp_path):
    changes = [
        (2, {"l_mem": 2}),
        (4, {"window_stride": 2}),
        (6, {"fps": 2.0}),
        (8, {"clip_frames": 2}),
    ]

    def run(folder, *, until=None):
        engine = make_engine(video, folder, save_every_clips=1000)
        for index, change in changes:
            while engine.position_seconds < 50 and index > len(engine_log):
                engine_log.append(next(engine))
            engine.update(**change)
        if until is not None:
            next(engine)
            shutil.copytree(folder, tmp_path / "killed")
        list(engine)

    engine_log = []
    run(tmp_path / "whole")
    engine_log = []
    run(tmp_path / "run", until=8)
    with make_engine(video, tmp_path / "killed", resume=True) as engine:
        assert engine.settings.clip_frames == 2
        assert (engine.settings.fps, engine.settings.l_mem) == (2.0, 2)
        list(engine)
    assert result(tmp_path / "killed") == result(tmp_path / "run") == result(tmp_path / "whole")


def test_the_settings_a_run_began_with_may_be_given_again(video, tmp_path):
    settings = StreamSettings.for_model(FakeModel(), fps=2.0)
    with make_engine(video, tmp_path / "run", settings=settings) as engine:
        next(engine)
        engine.update(l_mem=1)
        next(engine)
    with make_engine(video, tmp_path / "run", settings=settings, resume=True) as engine:
        assert engine.settings.l_mem == 1


@pytest.mark.parametrize(
    "other, difference",
    [
        (
            {"settings": StreamSettings(clip_frames=4, window_stride=4, l_mem=9)},
            "l_mem was 3, now 9",
        ),
        ({"model": FakeModel(seed=1)}, "another model: its weights differ"),
        ({"content": b"another vid"}, "another video: pen.mp4 had 7 bytes, pen.mp4 has 11"),
        ({"content": b"A VIDEO"}, "another video: pen.mp4 has other content"),
    ],
)
def test_another_model_video_or_setting_is_refused_with_the_difference(
    video, tmp_path, other, difference
):
    with make_engine(video, tmp_path / "run") as engine:
        next(engine)
    before = result(tmp_path / "run")
    content = other.pop("content", None)
    if content is not None:
        video.write_bytes(content)
    with pytest.raises(StateError, match=difference):
        make_engine(video, tmp_path / "run", resume=True, **other)
    assert result(tmp_path / "run") == before


def test_a_moved_video_is_still_the_same(video, tmp_path):
    with make_engine(video, tmp_path / "run") as engine:
        next(engine)
    moved = video.rename(tmp_path / "moved.mp4")
    with make_engine(moved, tmp_path / "run", resume=True) as engine:
        assert next(engine).index == 1


@pytest.mark.parametrize("wanted", ["auto", "pyav"])
def test_a_resumed_run_is_read_by_the_reader_it_had_at_last(video, tmp_path, wanted):
    files = RunFiles(out=tmp_path / "predictions.csv", state_path=tmp_path / "state")
    feeds = FakeVideo(NUM_FRAMES, reader_name="decord")
    with Engine(video, FakeModel(), files=files, open_feed=feeds) as engine:
        next(engine)
        feeds.feeds[0].reader_name = "pyav"  # decord met damage, or outgrew its limit
        next(engine)
    resumed = FakeVideo(NUM_FRAMES, reader_name="pyav")
    files = RunFiles(out=files.out, state_path=files.state_path, resume=True)
    with Engine(video, FakeModel(), reader=wanted, files=files, open_feed=resumed) as engine:
        next(engine)
    assert resumed.readers == ["pyav"]


def test_another_reader_is_refused_at_a_resume(video, tmp_path):
    files = RunFiles(out=tmp_path / "predictions.csv", state_path=tmp_path / "state")
    feeds = FakeVideo(NUM_FRAMES, reader_name="pyav")
    with Engine(video, FakeModel(), reader="pyav", files=files, open_feed=feeds) as engine:
        next(engine)
    files = RunFiles(out=files.out, state_path=files.state_path, resume=True)
    with pytest.raises(StateError, match="read with pyav; go on with that"):
        Engine(video, FakeModel(), reader="decord", files=files, open_feed=feeds)


class Saves:
    """When the default policy saves, by a clock that only clips and savings move on."""

    def __init__(self, tmp_path, monkeypatch, *, clip_seconds: float, cost_seconds: float) -> None:
        self.now = 0.0
        self.times: list[float] = []

        def write(file, tensors, facts):
            self.now += cost_seconds
            self.times.append(self.now)

        monkeypatch.setattr("vidmem.streaming.recorder.StateFile.write", write)
        files = RunFiles(state_path=tmp_path / "state")
        source = SourceIdentity.of(source_file(tmp_path))
        saver = StateSaver(files, source, FakeModel(), clock=lambda: self.now)
        settings = StreamSettings.for_model(FakeModel())
        saver.begin(settings, None)
        state = Stream(FakeModel(), settings).state
        while self.now < 600:
            self.now += clip_seconds
            if saver.is_due_after_clip():
                snapshot = Snapshot(state, settings, Position(), "fake")
                saver.save(Checkpoint(snapshot=snapshot, mark=FileMark()), lambda: None)
        saver.close()

    @property
    def pauses(self) -> list[float]:
        return [after - before for before, after in pairwise(self.times)]


def test_saving_takes_its_share_of_the_time_and_no_more(tmp_path, monkeypatch):
    """20 ms each: one after 2 s, so that it is 1 %; neither oftener, nor practically never."""
    saves = Saves(tmp_path, monkeypatch, clip_seconds=0.1, cost_seconds=0.02)
    assert min(saves.pauses) >= 2.0
    assert max(saves.pauses) <= 2.2


def test_a_state_that_costs_nothing_is_saved_once_a_second(tmp_path, monkeypatch):
    saves = Saves(tmp_path, monkeypatch, clip_seconds=0.1, cost_seconds=0.0)
    assert 0.99 <= min(saves.pauses) <= max(saves.pauses) <= 1.2


@pytest.mark.parametrize("cost_seconds", [1.0, 20.0, 45.0])
def test_no_more_than_half_a_minute_of_work_is_unsaved(tmp_path, monkeypatch, cost_seconds):
    saves = Saves(tmp_path, monkeypatch, clip_seconds=0.5, cost_seconds=cost_seconds)
    assert len(saves.times) > 5
    assert max(saves.pauses) <= max(30.0, cost_seconds) + 0.5


def test_rows_and_their_names_are_on_the_disk_before_the_state_counts_them(
    video, tmp_path, monkeypatch
):
    """A power cut between the two must never leave a state that counts rows that are lost."""
    (tmp_path / "rows").mkdir(), (tmp_path / "states").mkdir()
    out, state = tmp_path / "rows" / "p.csv", tmp_path / "states" / "state"
    log = []
    fsync, rename = os.fsync, Path.replace

    def name_of(descriptor):
        status = os.fstat(descriptor)
        paths = [out, out.parent, state.parent, *state.parent.iterdir()]
        there = [path for path in paths if path.exists()]
        return next(path.name for path in there if path.stat().st_ino == status.st_ino)

    monkeypatch.setattr(os, "fsync", lambda d: (log.append(name_of(d)), fsync(d))[1])
    monkeypatch.setattr(Path, "replace", lambda a, b: (log.append("renamed"), rename(a, b))[1])
    files = RunFiles(out=out, state_path=state, save_every_clips=2)
    with Engine(video, FakeModel(), files=files, open_feed=FakeVideo(NUM_FRAMES)) as engine:
        assert log == ["p.csv", "rows", ".state.tmp", "renamed", "states"]
        log.clear()
        [next(engine) for _ in range(2)]
        assert log == ["p.csv", ".state.tmp", "renamed", "states"]


def test_resume_without_a_state_file_is_misuse():
    with pytest.raises(ValueError, match="resume needs state_path"):
        RunFiles(resume=True)
