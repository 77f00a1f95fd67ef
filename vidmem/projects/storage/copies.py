"""Copies of the database, one a day, and going back to one.

A copy is a database of a single file. It is made under another name, checked, on the disk, and then
renamed: there is a whole copy of a day, or none.
"""

from __future__ import annotations

import contextlib
import os
import re
import sqlite3
import threading
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from vidmem.projects.storage.places import COPIES, DATABASE

NUM_DAYS_KEPT = 14

RESTORED_REVISIONS = 1_000_000
"""How far revisions jump when a copy is restored: beyond all that were given since the copy."""

_DAILY = re.compile(r"project-(\d{4}-\d{2}-\d{2})\.db")


@dataclass(frozen=True, kw_only=True)
class DatabaseCopy:
    """The database of a project as it was."""

    path: Path
    day: date
    """When it was made, by the clock of the machine."""

    size_bytes: int

    def __str__(self) -> str:
        return self.path.name


def list_copies(folder: Path) -> tuple[DatabaseCopy, ...]:
    """The daily copies of a project, newest first; of a damaged one too."""
    copies = []
    with contextlib.suppress(OSError):  # no folder: no copies
        for path in (folder / COPIES).iterdir():
            if match := _DAILY.fullmatch(path.name):
                with contextlib.suppress(OSError, ValueError):
                    day = date.fromisoformat(match[1])
                    size = path.stat().st_size
                    copies.append(DatabaseCopy(path=path, day=day, size_bytes=size))
    return tuple(sorted(copies, key=lambda one: one.day, reverse=True))


def copy_today(folder: Path, connection: sqlite3.Connection, today: date) -> Path | None:
    """Make the copy of a day if it is not there, and delete those before the last 14 days of use.

    Returns:
        The new copy; `None` where there was one already.

    Raises:
        OSError: If it cannot be written.
        sqlite3.Error: If the database cannot be read or the disk is full.
    """
    path = folder / COPIES / f"project-{today.isoformat()}.db"
    if path.exists():
        return None
    copy_to(path, connection)
    for old in list_copies(folder)[NUM_DAYS_KEPT:]:
        with contextlib.suppress(OSError):
            old.path.unlink()
    return path


def copy_to(path: Path, connection: sqlite3.Connection) -> None:
    """Write the database as it is now into a file, which is whole or not there.

    Others may write meanwhile: the copy is of one moment.

    Raises:
        OSError: If it cannot be written.
        sqlite3.Error: If the database cannot be read or the disk is full.
    """
    path.parent.mkdir(exist_ok=True)
    _sweep(path.parent)
    # Of this thread alone: two may open the project at once.
    part = path.with_name(f".{path.name}.{os.getpid()}-{threading.get_ident()}.part")
    try:
        part.unlink(missing_ok=True)
        with contextlib.closing(sqlite3.connect(part)) as copy:
            connection.backup(copy)
            # Else a reader of the copy would lay two files beside it.
            copy.execute("PRAGMA journal_mode = DELETE")
            check_whole(copy)
        _sync(part, os.O_RDWR)
        part.replace(path)
        if os.name != "nt":  # a name is on the disk once its folder is
            _sync(path.parent, os.O_RDONLY)
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def check_whole(connection: sqlite3.Connection) -> None:
    """See that a database has all its pages in order.

    Raises:
        sqlite3.DatabaseError: If not.
    """
    if (found := connection.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
        raise sqlite3.DatabaseError(f"malformed: {found}")


def put_back(folder: Path, copy: Path, at: datetime) -> Path | None:
    """Put a whole copy in the place of the database, which nobody may have open; that is kept.

    Killed at any moment, it can be done again: the database is the old one, the new one, or not
    there.

    Returns:
        What the database before is called now; `None`: there was none.

    Raises:
        OSError: If a file cannot be renamed or written.
        sqlite3.Error: If the copy cannot be read, or the disk is full.
    """
    database = folder / DATABASE
    part = folder / f".{DATABASE}.restored"
    for left in folder.glob(f"{part.name}*"):
        left.unlink()
    uri = f"{copy.absolute().as_uri()}?mode=ro"
    with (
        contextlib.closing(sqlite3.connect(uri, uri=True)) as old,
        contextlib.closing(sqlite3.connect(part)) as new,
    ):
        old.backup(new)
        new.execute("PRAGMA journal_mode = DELETE")
        _note_restore(new, copy, at, _last_revision(database))
    _sync(part, os.O_RDWR)
    kept = _put_aside(folder)
    part.replace(database)
    return kept


def _put_aside(folder: Path) -> Path | None:
    """Rename the database with its log. First the database: no other may come to lie by its log."""
    number = 1
    while any(folder.glob(f"{DATABASE}.before-{number}*")):
        number += 1
    kept = folder / f"{DATABASE}.before-{number}"
    is_there = False
    for ending in ("", "-wal", "-shm"):
        with contextlib.suppress(FileNotFoundError):
            (folder / f"{DATABASE}{ending}").rename(f"{kept}{ending}")
            is_there = True
    return kept if is_there else None


def _note_restore(
    connection: sqlite3.Connection, copy: Path, at: datetime, last_revision: int
) -> None:
    """Go on with revisions that no page has seen, so that each knows that it must look again."""
    (newest,) = connection.execute("SELECT ifnull(max(revision), 0) FROM changes").fetchone()
    revision = max(newest, last_revision) + RESTORED_REVISIONS
    connection.execute(
        "INSERT INTO changes (revision, kind, words, author, at) VALUES (?, 'restore', ?, '', ?)",
        (revision, f"went back to {copy.name}", at.isoformat()),
    )
    connection.commit()


def _last_revision(database: Path) -> int:
    with contextlib.suppress(sqlite3.Error, OSError):
        uri = f"{database.absolute().as_uri()}?mode=ro"
        with contextlib.closing(sqlite3.connect(uri, uri=True)) as connection:
            return connection.execute("SELECT max(revision) FROM changes").fetchone()[0] or 0
    return 0  # damaged: `RESTORED_REVISIONS` has room for a day's edits


def _sweep(folder: Path) -> None:
    """Delete what a killed process left of copies; a living one writes to its copy."""
    for part in folder.glob(".*.part*"):
        with contextlib.suppress(OSError):
            age_seconds = datetime.now().timestamp() - part.stat().st_mtime
            if age_seconds > 3600:
                part.unlink()


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
