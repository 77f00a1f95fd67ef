"""The bouts of a kept run: of its newest file, with the project's behaviours, read seldom."""

from __future__ import annotations

import os
from dataclasses import replace
from datetime import timedelta

import pytest

from app.projects.run_bouts import (
    ReadPredictions,
    bouts_of_run,
    newest_predictions,
    predictions_of_run,
    read_processing,
    run_title,
    unlike_of_run,
)
from tests.labels.predictions import steps, write_predictions
from vidmem.errors import LabelError, ProjectError, SettingError
from vidmem.labels import Behaviour, Ethogram, PostProcessing
from vidmem.projects import Project

NAMES = ("lying", "nursing")
ETHOGRAM = Ethogram(
    (
        Behaviour("standing", axis="posture", colour="#111111"),
        Behaviour("nursing", axis="activity", colour="#222222"),
        Behaviour("lying", axis="posture", colour="#333333"),
    )
)


@pytest.fixture
def project(tmp_path):
    with Project.create(tmp_path / "project") as one:
        one.behaviours.unite(ETHOGRAM)
        path = one.folder / "pen.mp4"
        path.write_bytes(b"video" * 100)
        one.add_video(path)
        yield one


def test_a_model_of_several_axes_has_bouts_on_each(project):
    run = project.runs.create(model="two", video="pen.mp4", source="pen.mp4", settings={})
    names = ("lying", "standing", "nursing", "feeding")
    rows = [(0, 4, [0.9, 0.1, 0.8, 0.2]), (4, 8, [0.9, 0.1, 0.3, 0.7])]
    axes = "a: lying, standing; b: nursing, feeding"
    write_predictions(run.folder / "pen-predictions.csv", names, rows, axes=axes)
    labels = bouts_of_run(project, run.run_id)
    found = {(one.behaviour, one.start_seconds, one.end_seconds) for one in labels.bouts}
    assert found == {("lying", 0, 8), ("nursing", 0, 4), ("feeding", 4, 8)}
    # Those of the project; feeding, which it lacks, goes with the others of its axis.
    assert {one.name: one.axis for one in labels.ethogram} == {
        "lying": "posture",
        "standing": "posture",
        "nursing": "activity",
        "feeding": "activity",
    }
    assert {one.axis for one in labels.scored} == {"posture", "activity"}


def make_run(project, *labels, name="pen-predictions.csv", video="pen.mp4", **more):
    run = project.runs.create(model="tiny", video=video, source="rtsp://pen", settings={})
    write_predictions(run.folder / name, NAMES, steps(*labels), **more)
    return run


def test_names_that_match_have_the_projects_axes_and_colours(project):
    run = make_run(project, 0, 0, 1, 0, model="memvit")
    labels = bouts_of_run(project, run.run_id)
    assert [(one.behaviour, one.start_seconds, one.end_seconds) for one in labels.bouts] == [
        ("lying", 0, 8),
        ("nursing", 8, 12),
        ("lying", 12, 16),
    ]
    assert {(one.author, one.source, one.score) for one in labels.bouts} == {
        ("memvit", "model", 0.9)
    }
    assert {one.name: (one.axis, one.colour) for one in labels.ethogram} == {
        "lying": ("posture", "#333333"),
        "nursing": ("activity", "#222222"),
    }
    # It was asked about both axes, all the time.
    assert {(one.axis, one.interval) for one in labels.scored} == {
        ("posture", (0, 16)),
        ("activity", (0, 16)),
    }


def test_a_class_that_the_project_lacks_stays(project):
    run = project.runs.create(model="tiny", video="pen.mp4", settings={})
    path = run.folder / "pen-predictions.csv"
    write_predictions(path, ("lying", "flying"), steps(0, 1))
    labels = bouts_of_run(project, run.run_id)
    assert [one.behaviour for one in labels.bouts] == ["lying", "flying"]
    assert labels.ethogram["flying"].axis == "posture"


def test_bouts_are_made_as_is_asked_and_the_file_stays_as_it_is(project):
    run = make_run(project, 0, 1, 0, 0)
    path = newest_predictions(run.folder)
    before = path.read_bytes()
    joined = bouts_of_run(project, run.run_id, PostProcessing(join_seconds=4))
    assert [(one.start_seconds, one.end_seconds) for one in joined.bouts] == [(0, 16)]
    found = predictions_of_run(project, run.run_id)
    about = found.about(PostProcessing(join_seconds=4))
    assert about.settings == "fps=4; bouts: joined over up to 4 s"
    assert about.versions.startswith("vidmem ")
    assert path.read_bytes() == before
    assert len(bouts_of_run(project, run.run_id).bouts) == 3


def test_the_newest_of_several_files_counts_and_a_link_is_none(project):
    run = make_run(project, 0, 0)
    later = write_predictions(run.folder / "pen-predictions-2.csv", NAMES, steps(1))
    os.utime(run.folder / "pen-predictions.csv", (1, 1))
    (run.folder / "x-predictions.csv").symlink_to(run.folder / "pen-predictions.csv")
    assert newest_predictions(run.folder) == later
    assert [one.behaviour for one in bouts_of_run(project, run.run_id).bouts] == ["nursing"]


def test_a_run_without_a_file_or_without_a_run_is_said(project):
    run = project.runs.create(model="tiny", video="pen.mp4", settings={})
    with pytest.raises(LabelError, match="no predictions"):
        bouts_of_run(project, run.run_id)
    with pytest.raises(ProjectError, match="no run"):
        bouts_of_run(project, "0" * 32)


def test_a_run_of_no_video_of_the_project_is_named_after_its_source(project):
    run = make_run(project, 0, video=None)
    (bout,) = bouts_of_run(project, run.run_id).bouts
    assert bout.video == "rtsp://pen"


def test_a_file_is_read_once_and_anew_where_it_grew(tmp_path):
    now = [0.0]
    files = ReadPredictions(max_files=2, clock=lambda: now[0])
    path = write_predictions(tmp_path / "a.csv", NAMES, steps(0))
    first = files.read(path)
    assert files.read(path) is first
    write_predictions(path, NAMES, [(4, 8, (0.1, 0.9))], is_more=True)
    assert files.read(path).end_seconds == 8
    for name in "bcd":
        files.read(write_predictions(tmp_path / f"{name}.csv", NAMES, steps(0)))
    assert len(files._files) == 2


def test_a_file_that_grows_is_not_read_all_the_time(tmp_path):
    now = [0.0]

    def slow_clock():
        now[0] += 1.0  # so reading takes a second
        return now[0]

    files = ReadPredictions(clock=slow_clock)
    path = write_predictions(tmp_path / "a.csv", NAMES, steps(0))
    first = files.read(path, is_growing=True)
    write_predictions(path, NAMES, [(4, 8, (0.1, 0.9))], is_more=True)
    assert files.read(path, is_growing=True) is first
    now[0] += 20
    assert files.read(path, is_growing=True).end_seconds == 8
    write_predictions(path, NAMES, [(8, 12, (0.1, 0.9))], is_more=True)
    assert files.read(path).end_seconds == 12  # it has ended: nothing may be missing


def test_fields_become_post_processing():
    fields = {"threshold": 0.5, "join": 2.0}
    post = read_processing(fields.get)
    assert post == PostProcessing(threshold=0.5, join_seconds=2.0)
    with pytest.raises(SettingError, match="threshold must be from 0 to 1"):
        read_processing({"threshold": 3.0}.get)


def test_a_model_in_a_folder_is_called_by_its_name(project):
    run = project.runs.create(model="/data/models/my sows/", settings={})
    assert run_title(run).startswith("my sows, 20")


def test_two_runs_of_a_minute_have_two_titles(project):
    """Under one title nobody knows which of them was compared."""
    first, second = (project.runs.create(model="tiny", settings={}) for _ in range(2))
    second = replace(second, created_at=first.created_at + timedelta(seconds=1))
    assert run_title(first) != run_title(second)


def test_a_list_of_runs_says_which_saw_footage_that_is_unlike(project):
    run = make_run(project, 0, 1)
    path = newest_predictions(run.folder)
    header, *rows = path.read_text().splitlines()
    at = header.split(",").index("unlikeness")
    cells = [row.split(",") for row in rows]
    cells[0][at] = "3.5"
    path.write_text("\n".join([header, *map(",".join, cells)]) + "\n")
    assert unlike_of_run(run) == (0, 0)  # it may still grow, and its own page says it
    run = project.runs.finish(run.run_id, "finished")
    assert unlike_of_run(run) == (1, 2)
    path.write_text(header.replace("unlikeness", "x") + "\n")
    assert unlike_of_run(run) == (0, 0)
    path.unlink()
    assert unlike_of_run(run) == (0, 0)
