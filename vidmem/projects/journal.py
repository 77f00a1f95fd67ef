"""Changes in the order in which they were made: what to undo, and what is new since a revision."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from vidmem.projects.rows import RowDifference, composed, from_text, to_text, write_parts

EditKind = Literal["edit", "undo", "redo", "restore"]


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One change of a project, as people are told of it."""

    revision: int
    """The number that the labels got by it; each later change has a higher one."""

    kind: EditKind
    """`restore`: a copy of the database was put back."""

    words: str
    """Such as "added lying, 00:10 to 00:20 in pen2.mp4"."""

    author: str
    """Who made it; empty: not said."""

    at: datetime
    edit_id: str = ""
    """By which its writer knows it again; empty: not said."""


@dataclass(frozen=True)
class EditMark:
    """How the writer of an edit knows it again."""

    edit_id: str
    """Of the writer's own, such as random letters: an edit of an id is made once, however often it
    is sent."""

    continues: str = ""
    """The id of an edit with which this one is undone as one step, if no other came in between."""


def newest_revision(connection: sqlite3.Connection) -> int:
    """Of the project; 0 before the first change."""
    return connection.execute("SELECT ifnull(max(revision), 0) FROM changes").fetchone()[0]


def revision_of(connection: sqlite3.Connection, video_id: int) -> int:
    """Of the last change of a video's labels, or of the ethogram that they are read with."""
    of_video, of_ethogram = (
        connection.execute(
            "SELECT ifnull(max(revision), 0) FROM parts WHERE video_id IS ?", (one,)
        ).fetchone()[0]
        for one in (video_id, None)
    )
    return max(of_video, of_ethogram)


def write_edit(
    connection: sqlite3.Connection,
    parts: Sequence[RowDifference],
    *,
    words: str,
    author: str,
    at: datetime,
    mark: EditMark | None = None,
) -> None:
    """Make a change that can be undone, and drop what was undone before it."""
    connection.execute("UPDATE changes SET state = 'dropped' WHERE state = 'undone'")
    edit_id = None if mark is None else mark.edit_id
    step = None if mark is None else _last_step_with(connection, mark.continues)
    _write(connection, parts, ("edit", words, author, at.isoformat(), "done", None, edit_id, step))


def was_made(connection: sqlite3.Connection, edit_id: str) -> bool:
    """Whether there was an edit of this id, undone since or not."""
    found = connection.execute("SELECT 1 FROM changes WHERE edit_id = ?", (edit_id,))
    return found.fetchone() is not None


def write_undo(connection: sqlite3.Connection, edit: Edit, *, author: str, at: datetime) -> None:
    """Undo an edit, the last one that is done."""
    step = _revisions_of_step(connection, edit.revision)
    parts = [part.reversed() for part in composed(_parts_of(connection, step))]
    words = f"undid: {edit.words}"
    change = ("undo", words, author, at.isoformat(), None, edit.revision, None, None)
    _write(connection, parts, change)
    _set_state(connection, step, "undone")


def write_redo(connection: sqlite3.Connection, edit: Edit, *, author: str, at: datetime) -> None:
    """Do an edit again, the first one that is undone."""
    step = _revisions_of_step(connection, edit.revision)
    parts = composed(_parts_of(connection, step))
    words = f"did again: {edit.words}"
    change = ("redo", words, author, at.isoformat(), None, edit.revision, None, None)
    _write(connection, parts, change)
    _set_state(connection, step, "done")


def next_undo(connection: sqlite3.Connection) -> Edit | None:
    """The last edit that is done; it stands for all of its step."""
    # Edits that are undone all came after those that are done: a new one drops them.
    return _one(connection, "WHERE state = 'done' ORDER BY revision DESC LIMIT 1")


def next_redo(connection: sqlite3.Connection) -> Edit | None:
    """The last edit of the first step that is undone."""
    first = "SELECT min(revision) FROM changes WHERE state = 'undone'"
    rest = f"WHERE state = 'undone' AND ifnull(step, revision) = ({first}) "
    return _one(connection, f"{rest} ORDER BY revision DESC LIMIT 1")


def edits_since(connection: sqlite3.Connection, revision: int) -> tuple[Edit, ...]:
    """Changes after a revision, the oldest first."""
    return _edits(connection, "WHERE revision > ? ORDER BY revision", revision)


def was_restored_since(connection: sqlite3.Connection, revision: int) -> bool:
    """Whether a copy of the database was put back after a revision."""
    found = connection.execute(
        "SELECT 1 FROM changes WHERE revision > ? AND kind = 'restore'", (revision,)
    )
    return found.fetchone() is not None


def last_edits(connection: sqlite3.Connection, count: int) -> tuple[Edit, ...]:
    """So many changes at most, the newest first."""
    return _edits(connection, "ORDER BY revision DESC LIMIT ?", count)


def parts_since(connection: sqlite3.Connection, revision: int) -> list[RowDifference]:
    """Of all changes after a revision, the oldest first."""
    # In the order of the index: ordered by id alone, SQLite looks through all of the table.
    return _parts(connection, "WHERE revision > ? ORDER BY revision, id", revision)


def parts_of_labels_since(
    connection: sqlite3.Connection, revision: int, video_id: int
) -> list[RowDifference]:
    """Of a video and of the ethogram, after a revision, the oldest first."""
    parts = [
        row
        for one in (video_id, None)
        for row in connection.execute(
            "SELECT id, of, video_id, removed, added FROM parts "
            "WHERE video_id IS ? AND revision > ?",
            (one, revision),
        )
    ]
    return [_part(row[1:]) for row in sorted(parts)]


def _write(connection: sqlite3.Connection, parts: Iterable[RowDifference], change: tuple) -> None:
    parts = [part for part in parts if not part.is_empty]
    write_parts(connection, parts)
    revision = connection.execute(
        "INSERT INTO changes (kind, words, author, at, state, edit, edit_id, step) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        change,
    ).lastrowid
    connection.executemany(
        "INSERT INTO parts (revision, of, video_id, removed, added) VALUES (?, ?, ?, ?, ?)",
        (
            (revision, part.of, part.video_id, to_text(part.removed), to_text(part.added))
            for part in parts
        ),
    )


def _set_state(connection: sqlite3.Connection, revisions: Iterable[int], state: str) -> None:
    connection.executemany(
        "UPDATE changes SET state = ? WHERE revision = ?", ((state, one) for one in revisions)
    )


def _last_step_with(connection: sqlite3.Connection, edit_id: str) -> int | None:
    """The first edit of the last step that is done, if the edit of an id is in it."""
    found = connection.execute(
        "SELECT ifnull(step, revision) FROM changes WHERE state = 'done' "
        "ORDER BY revision DESC LIMIT 1"
    ).fetchone()
    if not edit_id or found is None:
        return None
    is_in_it = connection.execute(
        "SELECT 1 FROM changes WHERE edit_id = ? AND ifnull(step, revision) = ?",
        (edit_id, *found),
    ).fetchone()
    return found[0] if is_in_it else None


def _revisions_of_step(connection: sqlite3.Connection, revision: int) -> list[int]:
    """All edits that are one step with an edit, the oldest first."""
    (first,) = connection.execute(
        "SELECT ifnull(step, revision) FROM changes WHERE revision = ?", (revision,)
    ).fetchone()
    rest = connection.execute("SELECT revision FROM changes WHERE step = ?", (first,)).fetchall()
    return [first, *sorted(row[0] for row in rest)]


def _parts_of(connection: sqlite3.Connection, revisions: Iterable[int]) -> list[RowDifference]:
    return [
        part
        for one in revisions
        for part in _parts(connection, "WHERE revision = ? ORDER BY id", one)
    ]


def _one(connection: sqlite3.Connection, rest: str) -> Edit | None:
    return next(iter(_edits(connection, rest)), None)


def _edits(connection: sqlite3.Connection, rest: str, *values: int) -> tuple[Edit, ...]:
    rows = connection.execute(
        f"SELECT revision, kind, words, author, at, ifnull(edit_id, '') FROM changes {rest}", values
    )
    return tuple(
        Edit(
            revision=row[0],
            kind=row[1],
            words=row[2],
            author=row[3],
            at=datetime.fromisoformat(row[4]),
            edit_id=row[5],
        )
        for row in rows
    )


def _parts(connection: sqlite3.Connection, rest: str, revision: int) -> list[RowDifference]:
    rows = connection.execute(f"SELECT of, video_id, removed, added FROM parts {rest}", (revision,))
    return [_part(row) for row in rows]


def _part(row: tuple) -> RowDifference:
    of, video_id, removed, added = row
    return RowDifference(of, video_id, from_text(removed), from_text(added))
