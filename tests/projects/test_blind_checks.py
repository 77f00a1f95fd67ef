"""Blind checks in a project: one counts as long as the label that it became is there."""

from __future__ import annotations

from dataclasses import replace

import pytest

from vidmem.errors import ProjectError
from vidmem.labels import NOT_SCORED, Bout
from vidmem.projects import EditMark, KeptBlindCheck, Project


@pytest.fixture
def run_id(project):
    run = project.runs.create(model="tiny", video="a.mp4")
    project.runs.finish(run.run_id, "finished")
    return run.run_id


def check_of(run_id: str, answer: str = "lying", right: float | None = 1.0) -> KeptBlindCheck:
    return KeptBlindCheck(
        run_id=run_id,
        axis="posture",
        subject="",
        start_seconds=1.25,
        end_seconds=3.5,
        predicted="lying",
        confidence=0.8,
        answer=answer,
        right_share=right,
        author="Zoë",
    )


def label(project: Project, edit_id: str, start: float = 1.25) -> None:
    bout = Bout("a.mp4", start, 3.5, "lying")
    mark = EditMark(edit_id)
    project.labels.edit("a.mp4", lambda labels: labels.add(bout), words="said", mark=mark)


def counted(project: Project, run_id: str) -> tuple[KeptBlindCheck, ...]:
    return project.blind_checks.of_run(run_id, axis="posture")


def test_a_check_and_its_label_come_and_go_together(project, run_id):
    check = check_of(run_id)
    project.blind_checks.add(check, edit_id="a")
    assert counted(project, run_id) == ()  # killed here, there would be neither
    label(project, "a")
    assert counted(project, run_id) == (check,)
    project.undo()
    assert counted(project, run_id) == ()
    project.redo()
    with Project.open(project.folder) as opened:
        assert counted(opened, run_id) == (check,)


def test_sent_again_it_is_kept_once_and_each_track_has_its_own(project, run_id):
    untold = check_of(run_id, NOT_SCORED, None)
    for one in (untold, replace(untold, answer="lying")):
        project.blind_checks.add(one, edit_id="a")
    project.blind_checks.add(replace(untold, subject="sow 12"), edit_id="b")
    label(project, "a")
    label(project, "b", start=2)
    assert counted(project, run_id) == (untold,)
    assert len(project.blind_checks.of_run(run_id, axis="posture", subject="sow 12")) == 1
    assert project.blind_checks.of_run(run_id, axis="activity") == ()


def test_checks_go_with_their_run(project, run_id):
    project.blind_checks.add(check_of(run_id), edit_id="a")
    label(project, "a")
    project.runs.delete(run_id)
    assert counted(project, run_id) == ()
    with pytest.raises(ProjectError, match="there is no run"):
        project.blind_checks.add(check_of(run_id), edit_id="b")
