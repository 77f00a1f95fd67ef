"""Runs: kept, found again, and deleted with their files and no others."""

from __future__ import annotations

import pytest

from vidmem.errors import ProjectError
from vidmem.projects import Project


def test_a_run_is_found_again(project, clock):
    run = project.runs.create(model="spool-nano", video="a.mp4", settings={"l_mem": 25, "x": [1]})
    assert (run.state, run.source) == ("running", str(project.folder / "a.mp4"))
    assert run.folder.parent == project.folder / "runs"
    (run.folder / "predictions.csv").write_text("start\n")
    clock.wait(minutes=1)
    project.runs.update(run.run_id, progress_seconds=60.5, state="paused", settings={"l_mem": 5})
    project.close()
    with Project.open(project.folder, now=clock) as again:
        (found,) = again.interrupted_runs()  # it was closed under the run
        assert (found.progress_seconds, found.settings) == (60.5, {"l_mem": 5})
        assert (found.updated_at - found.created_at).total_seconds() == 60
        assert (found.folder / "predictions.csv").is_file()
        ended = again.runs.finish(again.runs.resume(run.run_id).run_id, "failed", error="no.")
        assert (ended.state, ended.error, ended.progress_seconds) == ("failed", "no.", 60.5)
        assert again.runs.resume(run.run_id).error == ""


def test_runs_are_listed_newest_first(project, clock):
    first = project.runs.create(model="m", source="rtsp://pen")
    second = project.runs.create(model="m", video="b.mp4")
    assert [one.run_id for one in project.runs.list()] == [second.run_id, first.run_id]
    assert project.runs.list(video="b.mp4") == (second,)
    assert first.video is None
    with pytest.raises(ProjectError, match="in this process"):
        project.runs.resume(first.run_id)
    project.runs.update(first.run_id, model="another")
    assert (project.runs[first.run_id].model, project.runs[second.run_id].model) == ("another", "m")


def test_a_run_is_deleted_with_its_files(project):
    run = project.runs.create(model="m")
    other = project.runs.create(model="m")
    (run.folder / "states").mkdir()
    (run.folder / "states" / "a").touch()
    with pytest.raises(ProjectError, match="is running"):
        project.runs.delete(run.run_id)
    project.runs.finish(run.run_id, "stopped")
    project.runs.delete(run.run_id)
    assert list((project.folder / "runs").iterdir()) == [other.folder]
    for act in (project.runs.delete, project.runs.resume, project.runs.__getitem__):
        with pytest.raises(ProjectError, match="there is no run"):
            act(run.run_id)
    with pytest.raises(ProjectError, match="there is no run"):
        project.runs.update(run.run_id, progress_seconds=1)


def test_a_link_leads_nobody_out_of_the_project(project, tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "mine.txt").touch()
    run = project.runs.create(model="m")
    project.runs.finish(run.run_id, "finished")
    (run.folder / "run.lock").unlink()
    run.folder.rmdir()
    run.folder.symlink_to(outside)
    project.runs.delete(run.run_id)
    assert (outside / "mine.txt").is_file()
    with project._database.writing() as connection:
        connection.execute(
            "INSERT INTO runs VALUES ('../../outside', NULL, '', '', '{}', 'finished', 0, '', "
            "'2026-05-01', '2026-05-01')"
        )
    with pytest.raises(ProjectError, match="there is no run"):
        project.runs.delete("../../outside")
    assert (outside / "mine.txt").is_file()


def test_what_a_cut_off_deletion_left_is_swept(project, clock):
    left = project.folder / "runs" / ".deleted-0123"
    left.mkdir()
    (left / "predictions.csv").touch()
    project.close()
    Project.open(project.folder, now=clock).close()
    assert not left.exists()


def test_a_run_that_cannot_begin_leaves_nothing(project):
    with pytest.raises(ProjectError, match=r"there is no video 'c\.mp4'"):
        project.runs.create(model="m", video="c.mp4")
    assert project.runs.list() == ()
    assert list((project.folder / "runs").iterdir()) == []


def test_states_that_are_none(project):
    run = project.runs.create(model="m")
    with pytest.raises(ValueError, match="'paused'"):
        project.runs.update(run.run_id, state="finished")
    with pytest.raises(ValueError, match="'failed'"):
        project.runs.finish(run.run_id, "running")
