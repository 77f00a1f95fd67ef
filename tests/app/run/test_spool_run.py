"""A run with a model that looks ahead: controls, switching to it and back, stopping, failing."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest

from app.run.kept.files import KeptFiles
from app.run.results.files import CsvFolder
from app.run.run import Run
from app.run.sections import model_section
from app.sources.shelf import Video
from app.tools import vidmem_tools
from tests.app.conftest import wait_until
from tests.app.fakes import FakeSpool
from tests.app.pages.test_watch import sections
from tests.app.run.test_run import step
from tests.app.tiny_spool import make_tiny_spool
from tests.data.footage import write_pen
from vidmem.errors import DecoderTimeoutError
from vidmem.projects import Project

SHARED = ["l_mem", "clip_frames", "fps", "min_bout_seconds"]


@pytest.fixture
def run(desk):
    desk.machine.models["spool"] = FakeSpool()
    made = desk.open()
    made.chosen.change_model("spool")
    return made


def provisional(run) -> list[int]:
    return run.view.timeline.range(0, 1000)["provisional"]


def rows_of(path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def test_each_model_has_the_controls_that_mean_something_to_it(desk, run):
    assert sorted(run.board.get("settings")["allowed"]) == sorted(["local_frame_range", *SHARED])
    assert run.board.get("settings")["values"]["local_frame_range"] == 8
    assert run.board.get("model")["heads"] == {
        "lookback": 2,
        "lookahead": 2,
        "has_context_frames": True,
        "sees_whole_window": True,
    }
    run.chosen.change_model("fake")
    assert sorted(run.board.get("settings")["allowed"]) == sorted(["window_stride", *SHARED])
    assert run.board.get("settings")["values"]["local_frame_range"] is None
    assert run.board.get("model")["heads"] is None


def test_a_model_of_one_side_says_so(desk):
    heads = model_section("spool", FakeSpool(num_lookahead_heads=0))["heads"]
    assert (heads["lookback"], heads["lookahead"]) == (4, 0)


def test_an_empty_window_has_a_place_for_the_newest_clip(desk, run):
    assert run.board.get("memory")["num_places"] == 17
    run.chosen.update(l_mem=0)
    assert run.board.get("memory")["num_places"] == 1
    run.chosen.change_model("fake")
    run.chosen.update(l_mem=0)
    assert run.board.get("memory")["num_places"] == 0


def test_it_is_watched_to_the_end_and_all_is_final(desk, run):
    run.play()
    wait_until(lambda: run.status == "finished")
    assert provisional(run) == []
    assert len(run.view.timeline) == 15
    assert sum(row[3] for row in run.board.get("bouts")["rows"]) == 60
    rows = rows_of(desk.machine.engines[-1].out)
    assert [float(row["start_seconds"]) for row in rows] == [4.0 * i for i in range(15)]
    told = [run.view.prediction_at(float(row["start_seconds"]))["label"] for row in rows]
    assert told == [row["label"] for row in rows]


def test_stopped_and_resumed_it_has_what_it_would_have_had(desk, run):
    other = desk.open("another page")
    other.chosen.change_model("spool")
    for _ in range(7):
        step(run)
    run.stop()
    assert run.board.get("play")["resume_seconds"] == 28
    for one in (run, other):
        one.play()
        wait_until(lambda one=one: one.status == "finished")
    assert desk.machine.requests[-2].is_resumed
    assert run.board.get("bouts")["rows"] == other.board.get("bouts")["rows"]
    everything = [one.view.timeline.range(0, 1000) for one in (run, other)]
    for key in ("start", "end", "column", "values", "provisional"):
        assert everything[0][key] == everything[1][key]
    assert rows_of(desk.machine.engines[-2].out) == rows_of(desk.machine.engines[-1].out)
    assert run.board.get("play")["resume_seconds"] is None


def test_the_range_is_felt_at_once_and_empties_nothing(desk, run):
    for _ in range(6):
        step(run)
    assert len(provisional(run)) == 4
    run.chosen.update(local_frame_range=2)
    assert desk.machine.engines[-1].settings.latency_clips == 1
    assert run.board.get("notice") is None
    step(run)
    assert provisional(run) == [6]
    assert run.view.newest.num_remembered == 6
    run.chosen.update(local_frame_range=0)
    step(run)
    assert provisional(run) == []


def test_a_range_is_refused_for_a_model_without(desk):
    run = desk.open()
    desk.ask(run, ("set", {"setting": "local_frame_range", "value": 4}))
    assert "has no local_frame_range" in run.board.get("notice")["text"]
    assert run.board.get("settings")["values"]["local_frame_range"] is None


def test_the_clip_length_is_the_distance_between_predictions(desk, run):
    run.chosen.update(clip_frames=4)
    assert run.board.get("settings")["values"]["window_stride"] == 4
    step(run)
    step(run)
    assert run.view.newest.start_seconds == 2


def test_models_are_switched_while_it_plays_and_nothing_is_lost(desk, run):
    run.chosen.change_model("fake")
    for name in ("fake", "spool", "fake", "spool"):
        run.chosen.change_model(name)
        for _ in range(3):
            step(run)
    run.play()
    wait_until(lambda: run.status == "finished")
    drawn = run.view.timeline.range(0, 1000)
    assert drawn["provisional"] == []
    assert drawn["start"][1:] == drawn["end"][:-1]
    assert sum(row[3] for row in run.board.get("bouts")["rows"]) == 60
    rows = rows_of(desk.machine.engines[-1].out)
    assert sorted(float(row["start_seconds"]) for row in rows) == drawn["start"]


def test_pages_are_sent_what_changed_and_what_is_final(desk, run):
    for _ in range(6):
        step(run)
    answer = desk.ask(run)
    newest = answer["points"][-1][0]
    assert [point[5] for point in answer["points"][-5:]] == [1, 0, 0, 0, 0]
    assert sections(answer)["now"]["is_final"] is False
    step(run)
    later = desk.ask(run, epoch=answer["epoch"], point=newest)["points"]
    assert {point[1] for point in later} <= {8.0, 12.0, 16.0, 20.0, 24.0}
    assert [point[1] for point in later if point[5]] == [8.0]
    drawn = desk.ask(run, ("view", {"from": 0, "to": 60}))["range"]
    assert drawn["provisional"] == [3, 4, 5, 6]


def test_stopped_it_counts_what_the_file_has(desk, run):
    for _ in range(7):
        step(run)
    assert sum(row[3] for row in run.board.get("bouts")["rows"]) <= 12
    run.stop()
    assert provisional(run) == []
    assert run.board.get("now")["is_final"]
    assert all(slot["is_final"] for slot in run.board.get("memory")["slots"])
    assert sum(row[3] for row in run.board.get("bouts")["rows"]) == 28
    assert "newest 4 clips count as judged last" in run.board.get("bouts")["note"]
    rows = rows_of(desk.machine.engines[-1].out)
    assert len(rows) == 7
    told = [run.view.prediction_at(float(row["start_seconds"]))["label"] for row in rows]
    assert told == [row["label"] for row in rows]


def test_where_reading_failed_it_stays_provisional_until_a_jump(desk, run):
    desk.machine.error_at = (20.0, DecoderTimeoutError("the decoder gave nothing for 30 s"))
    run.play()
    wait_until(lambda: run.status == "failed")
    assert len(provisional(run)) == 4
    desk.machine.engines[-1].error_at = None
    run.jump(40, is_playing=True)
    wait_until(lambda: run.status == "finished")
    assert provisional(run) == []
    assert sum(row[3] for row in run.board.get("bouts")["rows"]) == 40


def test_the_label_of_a_picture_says_that_it_is_provisional(desk, run):
    for _ in range(6):
        step(run)
    assert run.view.prediction_at(2)["is_final"]
    assert not run.view.prediction_at(22)["is_final"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_a_real_engine_stopped_in_the_middle_of_a_clip_tells_what_it_writes(tmp_path):
    path = write_pen(tmp_path / "barn.mp4", 48, width=96, height=64, fps=4)
    tools = replace(
        vidmem_tools(), load_model=lambda name: make_tiny_spool(), fit_threads=lambda model: None
    )
    project = Project.open_or_create(tmp_path / "project")
    files = KeptFiles(project, CsvFolder(tmp_path / "runs"))
    run = Run("f" * 32, tools, "tiny-spool", files)
    run.chosen.load()
    run.choose(Video("sample", "barn", path))
    run.play()
    wait_until(lambda: run.view.newest is not None and run.view.newest.index > 3)
    run.close()
    (kept,) = project.runs.list()
    (out,) = kept.folder.glob("*.csv")
    project.close()
    rows = rows_of(out)
    assert len(rows) == len(run.view.timeline) >= 5
    told = [run.view.prediction_at(float(row["start_seconds"])) for row in rows]
    assert [one["label"] for one in told] == [row["label"] for row in rows]
    assert all(one["is_final"] for one in told)
