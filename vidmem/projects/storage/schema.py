"""The tables of `project.db`, and how a database of an earlier version becomes one of this.

    behaviours  id, position, name, colour, key, kind, axis, description
        ^
        |                  a bout names its behaviour by id, so that a new name touches one row
    bouts       video_id, start_us, end_us, behaviour_id, subject, author, comment, score, source
        |
        v
    videos      id, name, path, size, fingerprint, duration, fps, start of the recording, is_shown
        ^  ^
        |  |
        |  spans       video_id, what ("scored", "not scored"), start_us, end_us, subject, axis
        |
    runs        id, video_id, source, model, settings, state, progress, error; files in runs/ID
        ^
        |
    blind_checks    run_id, axis, subject, start_us, end_us, predicted, confidence, answer,
                    right_share, edit_id, author, at: what a person said, not knowing the model

    changes     revision, kind ("edit", "undo", "redo", "restore"), words, author, at, state, edit,
        ^       edit_id, step
        ^
        |                  what a change took away and put there, rows as JSON: enough to undo it,
        |                  to tell another page of it, and to see the labels as they were before
    parts       revision, of ("behaviour", "bout", "span", "video"), video_id, removed, added

Times in videos are whole microseconds (`_us`), the grid of `vidmem.labels`, so that what is read is
what was written. Times of the clock are texts, ISO 8601 with their offset.

A new version is one more entry of `MIGRATIONS`. What is there never changes: databases made by it
are in people's folders.
"""

from __future__ import annotations

import sqlite3

APPLICATION_ID = 0x7669644D
"""In the header of the file, "vidM": by it a project is told from any other database."""

_VERSION_1 = (
    """
    CREATE TABLE behaviours (
        id INTEGER PRIMARY KEY AUTOINCREMENT, -- never given twice: the history names them
        position INTEGER NOT NULL,
        name TEXT NOT NULL UNIQUE,
        colour TEXT NOT NULL,
        key TEXT NOT NULL,
        kind TEXT NOT NULL CHECK (kind IN ('state', 'point')),
        axis TEXT NOT NULL,
        description TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE videos (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        name TEXT NOT NULL UNIQUE,
        path, -- text, or bytes where it is no Unicode; NULL: known from labels only
        is_inside INTEGER NOT NULL, -- path is then relative to the project's folder
        size_bytes INTEGER,
        modified_ns INTEGER,
        fingerprint TEXT,
        duration_seconds REAL,
        fps REAL,
        start TEXT,
        start_from TEXT CHECK (start_from IN ('typed', 'metadata', 'name')),
        is_shown INTEGER NOT NULL, -- 0: taken out of the project, which can be undone
        added_at TEXT NOT NULL
    )
    """,
    """
    CREATE TABLE bouts (
        id INTEGER PRIMARY KEY,
        video_id INTEGER NOT NULL REFERENCES videos (id),
        start_us INTEGER NOT NULL,
        end_us INTEGER NOT NULL CHECK (end_us >= start_us),
        -- Deferred: an undo may put bouts and their behaviour back in either order.
        behaviour_id INTEGER NOT NULL REFERENCES behaviours (id) DEFERRABLE INITIALLY DEFERRED,
        subject TEXT NOT NULL,
        author TEXT NOT NULL,
        comment TEXT NOT NULL,
        score REAL,
        source TEXT NOT NULL CHECK (source IN ('human', 'model'))
    )
    """,
    "CREATE INDEX bouts_of_video ON bouts (video_id, start_us)",
    "CREATE INDEX bouts_of_behaviour ON bouts (behaviour_id)",
    """
    CREATE TABLE spans (
        id INTEGER PRIMARY KEY,
        video_id INTEGER NOT NULL REFERENCES videos (id),
        what TEXT NOT NULL CHECK (what IN ('scored', 'not scored')),
        start_us INTEGER NOT NULL,
        end_us INTEGER NOT NULL CHECK (end_us > start_us),
        subject TEXT NOT NULL,
        axis TEXT NOT NULL
    )
    """,
    "CREATE INDEX spans_of_video ON spans (video_id, start_us)",
    """
    CREATE TABLE changes (
        revision INTEGER PRIMARY KEY AUTOINCREMENT,
        kind TEXT NOT NULL CHECK (kind IN ('edit', 'undo', 'redo', 'restore')),
        words TEXT NOT NULL,
        author TEXT NOT NULL,
        at TEXT NOT NULL,
        -- Of an edit. Dropped: undone, and another edit came then.
        state TEXT CHECK (state IN ('done', 'undone', 'dropped')),
        edit INTEGER REFERENCES changes (revision) -- which edit was undone or redone
    )
    """,
    "CREATE INDEX changes_by_state ON changes (state, revision)",
    """
    CREATE TABLE parts (
        id INTEGER PRIMARY KEY,
        revision INTEGER NOT NULL REFERENCES changes (revision),
        of TEXT NOT NULL CHECK (of IN ('behaviour', 'bout', 'span', 'video')),
        video_id INTEGER REFERENCES videos (id), -- NULL: of a behaviour
        removed TEXT NOT NULL,
        added TEXT NOT NULL
    )
    """,
    "CREATE INDEX parts_of_revision ON parts (revision)",
    "CREATE INDEX parts_of_video ON parts (video_id, revision)",
    """
    CREATE TABLE runs (
        id TEXT PRIMARY KEY,
        video_id INTEGER REFERENCES videos (id), -- NULL: of a camera, an address, or no one's video
        source TEXT NOT NULL,
        model TEXT NOT NULL,
        settings TEXT NOT NULL,
        state TEXT NOT NULL CHECK (state IN
            ('running', 'paused', 'finished', 'stopped', 'failed', 'interrupted')),
        progress_seconds REAL NOT NULL,
        error TEXT NOT NULL,
        created_at TEXT NOT NULL,
        updated_at TEXT NOT NULL
    )
    """,
)

_VERSION_2 = (
    # Of the writer's own: an edit that is sent again, since its answer was lost, is made once.
    "ALTER TABLE changes ADD COLUMN edit_id TEXT",
    "CREATE UNIQUE INDEX changes_by_edit_id ON changes (edit_id) WHERE edit_id IS NOT NULL",
    # The first edit of those that are undone as one; NULL: an edit of its own, or that first one.
    "ALTER TABLE changes ADD COLUMN step INTEGER REFERENCES changes (revision)",
    "CREATE INDEX changes_of_step ON changes (step) WHERE step IS NOT NULL",
)

_VERSION_3 = (
    """
    CREATE TABLE blind_checks (
        id INTEGER PRIMARY KEY,
        -- A run that is deleted takes its checks along: they are about what it predicted.
        run_id TEXT NOT NULL REFERENCES runs (id) ON DELETE CASCADE,
        axis TEXT NOT NULL,
        subject TEXT NOT NULL,
        start_us INTEGER NOT NULL,
        end_us INTEGER NOT NULL CHECK (end_us > start_us),
        predicted TEXT NOT NULL,
        confidence REAL NOT NULL,
        answer TEXT NOT NULL,
        right_share REAL, -- NULL: it could not be told
        edit_id TEXT NOT NULL UNIQUE, -- of the edit that made a label of the answer: see `changes`
        author TEXT NOT NULL,
        at TEXT NOT NULL
    )
    """,
    "CREATE INDEX blind_checks_of_run ON blind_checks (run_id)",
)

MIGRATIONS: tuple[tuple[str, ...], ...] = (_VERSION_1, _VERSION_2, _VERSION_3)
"""Statements that make version 1 out of nothing, version 2 out of 1, and so on."""


def version_of(connection: sqlite3.Connection) -> int:
    """Of the tables that are there; 0: none yet."""
    return connection.execute("PRAGMA user_version").fetchone()[0]


def application_of(connection: sqlite3.Connection) -> int:
    """Whose database it is; `APPLICATION_ID` for a project."""
    return connection.execute("PRAGMA application_id").fetchone()[0]


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the tables to this version, inside of a transaction that the caller began.

    The version is written in the same transaction: whatever happens, tables and version agree.
    """
    for number in range(version_of(connection), len(MIGRATIONS)):
        for statement in MIGRATIONS[number]:
            connection.execute(statement)
    # These two take no parameters; both are numbers of ours.
    connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
