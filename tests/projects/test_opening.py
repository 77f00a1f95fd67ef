"""Opening: what is no project, or a damaged one, is said; what is old is brought up."""

from __future__ import annotations

import contextlib
import errno
import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from vidmem.errors import LabelError, ProjectError
from vidmem.labels import Bout, preset
from vidmem.projects import Project, default_folder, opening
from vidmem.projects.storage import schema
from vidmem.projects.storage.failures import project_errors

VERSION_1 = Path(__file__).with_name("version_1.sql")


def test_a_project_is_found_as_it_was_left(tmp_path):
    with Project.create(tmp_path / "ñandú 豚 'x';--", "sow") as project:
        assert project.ethogram == preset("sow")
        assert project.history.next_undo is None
        (project.folder / "a.mp4").write_bytes(b"a")
        project.add_video(project.folder / "a.mp4")
        project.labels.add_bout(
            Bout("a.mp4", 0.0000019, 1001 / 30000, "standing", comment="é\n\t%")
        )
        labels = project.labels.of("a.mp4").labels
        assert {path.name for path in project.folder.iterdir()} >= {"models", "runs", "features"}
    with Project.open(project.folder) as project:
        assert project.labels.of("a.mp4").labels == labels == project.labels.all().labels
        assert project.undo().words.startswith("undid: added standing, ")
    # All of the log is in the database by now: a copy of the folder is a copy of the project.
    assert not list(project.folder.glob("project.db-*"))


def test_what_a_closed_project_is_asked_is_said(project):
    project.close()
    with pytest.raises(ProjectError, match="was closed"):
        project.ethogram  # noqa: B018
    project.close()


def test_a_project_is_made_once(tmp_path):
    with Project.create(tmp_path / "p"), pytest.raises(ProjectError, match="is a project already"):
        Project.create(tmp_path / "p")
    with pytest.raises(LabelError, match="presets: sow"):
        Project.create(tmp_path / "q", "sows")
    assert not (tmp_path / "q").exists()


def test_what_is_no_project_is_said(tmp_path):
    with pytest.raises(ProjectError, match=r"there is no folder .*gone"):
        Project.open(tmp_path / "gone")
    with pytest.raises(ProjectError, match=r"is no project: it has no project\.db"):
        Project.open(tmp_path)
    assert list(tmp_path.iterdir()) == []  # and nothing is made of it
    (tmp_path / "project.db").touch()  # killed while it was made
    with pytest.raises(ProjectError, match="is no project"):
        Project.open(tmp_path)
    Project.create(tmp_path).close()
    (tmp_path / "file").touch()
    with pytest.raises(ProjectError, match="cannot be used"):
        Project.create(tmp_path / "file")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "project.db")
    for make in (Project.open, Project.create):
        with pytest.raises(ProjectError, match="is a pipe"):
            make(tmp_path)


def test_a_database_of_another_program_is_left_alone(tmp_path):
    with contextlib.closing(sqlite3.connect(tmp_path / "project.db")) as other:
        other.execute("CREATE TABLE cookies (name)")
    with pytest.raises(ProjectError, match="of another program"):
        Project.open(tmp_path)
    with pytest.raises(ProjectError, match="is a project already"):
        Project.create(tmp_path)
    with contextlib.closing(sqlite3.connect(tmp_path / "project.db")) as other:
        assert other.execute("SELECT name FROM sqlite_master").fetchall() == [("cookies",)]


def test_a_newer_version_is_said(project):
    with project._database.writing() as connection:
        connection.execute("PRAGMA user_version = 99")
    project.close()
    with pytest.raises(ProjectError, match=r"written by a newer vidmem \(its version is 99"):
        Project.open(project.folder)


# Versions.


def of_version_1(folder):
    """A project as version 1 wrote it."""
    folder.mkdir()
    with contextlib.closing(sqlite3.connect(folder / "project.db")) as connection:
        connection.executescript(VERSION_1.read_text(encoding="utf-8"))
        connection.execute("PRAGMA user_version = 1")
        connection.execute(f"PRAGMA application_id = {schema.APPLICATION_ID}")
    return folder


def test_a_project_of_version_1_is_read(tmp_path):
    with Project.open(of_version_1(tmp_path / "p")) as project:
        bouts = project.labels.of("pen 2.mp4").labels.bouts
        assert [str(one) for one in bouts] == [
            "liegen 🐖, 0.033367 to 12.5 s in pen 2.mp4",
            "rolling of sow 12, at 3 s in pen 2.mp4",
        ]
        assert bouts[0].comment == "two\nlines"
        assert len(project.labels.all().labels.not_scored) == 1
        assert project.history.next_redo is not None
        (run,) = project.runs.list()
        assert (run.model, run.settings, run.state) == ("spool-nano", {"l_mem": 25}, "finished")
        while project.history.next_undo:
            project.undo()
        assert project.labels.all().labels.bouts == ()


def test_a_version_is_brought_up_whole_or_not_at_all(tmp_path, monkeypatch):
    folder = of_version_1(tmp_path / "p")
    faulty = ("CREATE TABLE taught (name TEXT)", "CREATE TABLE taught (name TEXT)")
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS, faulty))
    monkeypatch.setattr(opening, "MIGRATIONS", schema.MIGRATIONS)
    with pytest.raises(ProjectError, match="taught already exists"):
        Project.open(folder)
    monkeypatch.setattr(schema, "MIGRATIONS", (*schema.MIGRATIONS[:1], faulty[:1]))
    monkeypatch.setattr(opening, "MIGRATIONS", schema.MIGRATIONS)
    with Project.open(folder) as project, project._database.reading() as connection:
        assert schema.version_of(connection) == 2
        assert connection.execute("SELECT count(*) FROM taught").fetchone() == (0,)
        assert len(project.labels.all().labels.bouts) == 2
    assert (folder / "copies" / "before-version-2.db").is_file()


# What the disk and the system do.


@pytest.mark.parametrize(
    ("code", "message"),
    [
        (sqlite3.SQLITE_FULL, "is full: this was not saved, what was saved before is safe"),
        (sqlite3.SQLITE_READONLY_DIRECTORY, "read-only"),
        (sqlite3.SQLITE_CANTOPEN, "cannot be opened or written"),
        (sqlite3.SQLITE_BUSY_SNAPSHOT, "has been writing to the project"),
        (sqlite3.SQLITE_IOERR_WRITE, "the disk failed"),
        (sqlite3.SQLITE_CORRUPT_INDEX, "There is no copy of it yet"),
        (sqlite3.SQLITE_NOTADB, "is damaged"),
        (sqlite3.SQLITE_ERROR, "failed: x"),
    ],
)
def test_failures_of_the_database_are_sentences(tmp_path, code, message):
    error = sqlite3.OperationalError("x")
    error.sqlite_errorcode = code
    with pytest.raises(ProjectError, match=message), project_errors(tmp_path):
        raise error


@pytest.mark.parametrize(
    ("number", "message"),
    [(errno.ENOSPC, "is full"), (errno.EROFS, "read-only"), (errno.EIO, "cannot be used")],
)
def test_failures_of_the_system_are_sentences(tmp_path, number, message):
    with pytest.raises(ProjectError, match=message), project_errors(tmp_path):
        raise OSError(number, "x")


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write")
def test_a_read_only_folder_is_said(project):
    project.close()
    project.folder.chmod(0o500)
    (project.folder / "project.lock").unlink(missing_ok=True)
    try:
        with pytest.raises(ProjectError, match="read-only"):
            Project.open(project.folder)
    finally:
        project.folder.chmod(0o700)


def test_a_full_disk_costs_only_what_was_being_saved(project):
    project.labels.add_bout(Bout("a.mp4", 1, 2, "lying"))
    before = project.labels.of("a.mp4")
    connection = project._database.plain()
    (pages,) = connection.execute("PRAGMA page_count").fetchone()
    connection.execute(f"PRAGMA max_page_count = {pages}")
    many = [Bout("a.mp4", 10 + n, 10.5 + n, "lying", comment="x" * 300) for n in range(300)]
    with pytest.raises(ProjectError, match="is full: this was not saved"):
        project.labels.edit("a.mp4", lambda labels: labels.add(*many), words="many")
    assert project.labels.of("a.mp4") == before
    connection.execute("PRAGMA max_page_count = 100000")  # some space was freed
    project.labels.edit("a.mp4", lambda labels: labels.add(*many), words="many")
    project.close()
    with Project.open(project.folder) as again:
        assert len(again.labels.of("a.mp4").labels.bouts) == 301


def test_several_that_begin_at_once_have_one_project(tmp_path):
    folders, faults = [], []

    def begin():
        try:
            with Project.open_or_create(tmp_path / "p", "cattle") as project:
                folders.append(len(project.ethogram))
        except BaseException as error:
            faults.append(error)

    threads = [threading.Thread(target=begin) for _ in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults
    assert folders == [len(preset("cattle"))] * 5


# Where the default one is.


def test_the_default_folder(tmp_path, monkeypatch):
    monkeypatch.setenv("VIDMEM_PROJECT", str(tmp_path / "mine"))
    assert default_folder() == tmp_path / "mine"
    monkeypatch.delenv("VIDMEM_PROJECT")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    assert default_folder() == tmp_path / "vidmem" / "project"
    with Project.open_or_create(preset="mouse") as first:
        assert (first.folder, len(first.ethogram)) == (default_folder(), len(preset("mouse")))
    with Project.open_or_create() as again:
        assert again.ethogram == preset("mouse")
    monkeypatch.setenv("XDG_DATA_HOME", "relative")  # to be ignored, by its standard
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    assert default_folder() == tmp_path / ".local" / "share" / "vidmem" / "project"


def test_importing_it_is_quick():
    """Neither torch nor anything that decodes: a page that lists labels waits for none of it."""
    code = "import sys, vidmem.projects; print(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=240
    )
    assert not {"torch", "numpy", "av", "psutil"} & set(done.stdout.split())
