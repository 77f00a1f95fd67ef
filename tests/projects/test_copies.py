"""Daily copies, and going back to one when the database is damaged."""

from __future__ import annotations

import contextlib
import logging
import shutil
import sqlite3
from datetime import date

import pytest

from vidmem.errors import ProjectError, StaleEditError
from vidmem.labels import Bout
from vidmem.projects import Project
from vidmem.projects.storage import copies

LYING = Bout("a.mp4", 1, 2, "lying")


def reopened(project, clock):
    project.close()
    return Project.open(project.folder, now=clock)


def test_one_copy_a_day_and_the_last_fourteen(project, clock):
    assert [copy.day for copy in project.copies] == [date(2026, 5, 1)]
    first = project.copies[0].path.read_bytes()
    for number in range(20):
        project = reopened(project, clock)  # twice a day
        project = reopened(project, clock)
        project.labels.add_bout(LYING.changed(start_seconds=2 * number, end_seconds=2 * number + 1))
        clock.wait(days=1)
    project.close()
    days = [copy.day for copy in project.copies]
    assert days == [date(2026, 5, day) for day in range(20, 6, -1)]
    assert first != project.copies[0].path.read_bytes()
    # Files of their own, whole: of each day as it began.
    assert sorted(path.name for path in (project.folder / "copies").iterdir()) == sorted(
        copy.path.name for copy in project.copies
    )
    for copy in project.copies:
        with contextlib.closing(sqlite3.connect(copy.path)) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
            (count,) = connection.execute("SELECT count(*) FROM bouts").fetchone()
            assert count == copy.day.day - 1


def test_a_program_that_runs_for_days_makes_copies_too(project, clock):
    assert project.copy_today() is None
    clock.wait(days=1)
    made = project.copy_today()
    assert made is not None and made.name == "project-2026-05-02.db"


def test_a_copy_that_cannot_be_made_stops_nobody(project, clock, caplog):
    shutil.rmtree(project.folder / "copies")
    (project.folder / "copies").touch()
    with caplog.at_level(logging.WARNING):
        project = reopened(project, clock)
    assert "no copy of" in caplog.text
    project.labels.add_bout(LYING)
    project.close()


def test_a_copy_is_whole_or_not_there(project, clock, monkeypatch, caplog):
    clock.wait(days=1)
    monkeypatch.setattr(copies, "_sync", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    assert project.copy_today() is None
    assert [path.name for path in (project.folder / "copies").iterdir()] == [
        "project-2026-05-01.db"
    ]


def test_a_damaged_database_is_said_and_a_copy_put_back(project, clock):
    project.labels.add_bout(LYING)
    clock.wait(days=1)
    project = reopened(project, clock)
    seen = project.labels.add_bout(LYING.changed(start_seconds=5, end_seconds=6)).revision
    project.close()
    damage(project.folder / "project.db")
    with pytest.raises(
        ProjectError, match=r"is damaged .*project-2026-05-02\.db, project-2026-05-01"
    ):
        Project.open(project.folder, now=clock)
    # Nothing was made of the damaged one, and no good copy went.
    assert len(project.copies) == 2
    back = Project.restore(project.folder, project.copies[0], now=clock)
    assert back.labels.of("a.mp4").labels.bouts == (LYING,)
    assert (project.folder / "project.db.before-1").is_file()
    # A page that saw what is lost is told, and does not take the new numbers for its own.
    changes = back.changes_since(seen)
    assert not changes.is_complete and changes.revision > seen
    assert changes.words == "went back to project-2026-05-02.db"
    with pytest.raises(StaleEditError, match="put back to an earlier copy"):
        back.labels.add_bout(LYING.changed(start_seconds=8, end_seconds=9), revision=seen)
    with pytest.raises(StaleEditError, match="put back to an earlier copy"):
        back.behaviours.recolour("lying", "#000000", revision=seen)
    back.labels.add_bout(LYING.changed(start_seconds=8, end_seconds=9), revision=changes.revision)
    back.undo()
    back.undo()  # of before the copy
    assert back.labels.of("a.mp4").labels.bouts == ()
    back.close()


def damage(path):
    """All pages but the first, whose header still says that it is a database of ours."""
    data = bytearray(path.read_bytes())
    data[4096:] = b"\xa5" * (len(data) - 4096)
    path.write_bytes(bytes(data))


@pytest.mark.parametrize("content", [b"", b"no database at all, but long enough" * 100])
def test_any_other_file_is_no_database(project, clock, content):
    project.close()
    (project.folder / "project.db").write_bytes(content)
    with pytest.raises(ProjectError, match=r"project-2026-05-01\.db"):
        Project.open(project.folder, now=clock)
    Project.restore(project.folder, "project-2026-05-01.db", now=clock).close()


def test_a_lost_database_is_not_made_anew(project, clock):
    project.close()
    (project.folder / "project.db").unlink()
    with pytest.raises(ProjectError, match=r"has lost its project\.db\. Go back to one"):
        Project.open_or_create(project.folder, now=clock)
    Project.restore(project.folder, project.copies[0].path, now=clock).close()


def test_nobody_goes_back_under_somebody(project):
    with pytest.raises(ProjectError, match="is open, here or in another program"):
        Project.restore(project.folder, project.copies[0])
    project.labels.add_bout(LYING)


def test_only_a_whole_copy_is_put_back(project):
    project.labels.add_bout(LYING)
    project.close()
    damage(project.copies[0].path)
    for copy in (project.copies[0], "project-1999-01-01.db", "../../etc/passwd"):
        with pytest.raises(ProjectError, match="is no whole copy"):
            Project.restore(project.folder, copy)
    with Project.open(project.folder) as same:
        assert same.labels.of("a.mp4").labels.bouts == (LYING,)
