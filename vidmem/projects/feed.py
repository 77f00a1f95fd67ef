"""What is new since a revision, so that a page shows what another one did without loading all."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from vidmem.labels import Bout, Ethogram, Span
from vidmem.projects.journal import Edit, edits_since, newest_revision, parts_since
from vidmem.projects.rows import (
    Row,
    RowDifference,
    bouts_of,
    composed,
    ethogram_of,
    read_behaviours,
    read_content,
    spans_of,
)

MAX_EDITS = 1000
"""Beyond so many it is quicker to load all."""


@dataclass(frozen=True, kw_only=True)
class VideoChanges:
    """What differs in the labels of one video; a bout that was changed is removed and added."""

    video: str
    removed: tuple[Bout, ...]
    added: tuple[Bout, ...]

    scored: tuple[Span, ...]
    """All that there are now, not only new ones; so `not_scored`."""

    not_scored: tuple[Span, ...]


@dataclass(frozen=True, kw_only=True)
class Changes:
    """What is new since a revision. An edit of a page answers with it, too."""

    revision: int
    """To ask from, the next time; and what edits made on what is shown now say they are made on."""

    is_complete: bool = True
    """If not, all is to be loaded anew: behaviours got other names, axes or kinds, a copy of the
    database was put back, or there is too much."""

    edits: tuple[Edit, ...] = ()
    """The oldest first; empty: nothing happened, such as where an edit changed nothing."""

    ethogram: Ethogram | None = None
    """Where anything of it changed, such as a colour; `None`: nothing did."""

    videos: tuple[VideoChanges, ...] = ()
    shown_videos_changed: bool = False
    """Whether a video was taken out, or came back by an undo."""

    @property
    def words(self) -> str:
        """What was done last; empty: nothing."""
        return self.edits[-1].words if self.edits else ""


def changes_since(connection: sqlite3.Connection, revision: int) -> Changes:
    """What is new since a revision that this project gave."""
    newest = newest_revision(connection)
    if newest == revision:
        return Changes(revision=newest)
    edits = edits_since(connection, revision)
    is_lost = revision > newest or len(edits) > MAX_EDITS
    if is_lost or any(edit.kind == "restore" for edit in edits):
        return Changes(revision=newest, is_complete=False, edits=edits[-MAX_EDITS:])
    parts = composed(parts_since(connection, revision))
    behaviours = read_behaviours(connection)
    of_ethogram = [part for part in parts if part.of == "behaviour"]
    is_complete = all(map(_keeps_meaning, of_ethogram))
    video_ids = sorted({part.video_id or 0 for part in parts if part.of in ("bout", "span")})
    return Changes(
        revision=newest,
        is_complete=is_complete,
        edits=edits,
        ethogram=ethogram_of(behaviours) if of_ethogram else None,
        videos=tuple(_video_changes(connection, one, parts, behaviours) for one in video_ids)
        if is_complete
        else (),
        shown_videos_changed=any(part.of == "video" for part in parts),
    )


def before(rows: frozenset[Row], parts: Iterable[RowDifference]) -> frozenset[Row]:
    """Rows of one kind as they were before parts of changes, which come oldest first."""
    for part in reversed(list(parts)):
        rows = part.reversed().applied(rows)
    return rows


def _keeps_meaning(part: RowDifference) -> bool:
    """Whether behaviours are called and are what they were; new ones do no harm."""
    after = {row[0]: row for row in part.added}
    return all(row[0] in after and _meaning(after[row[0]]) == _meaning(row) for row in part.removed)


def _meaning(row: Row) -> Row:
    _, _, name, _, _, kind, axis, _ = row
    return name, kind, axis


def _video_changes(
    connection: sqlite3.Connection,
    video_id: int,
    parts: list[RowDifference],
    behaviours: frozenset[Row],
) -> VideoChanges:
    (name,) = connection.execute("SELECT name FROM videos WHERE id = ?", (video_id,)).fetchone()
    removed, added = (
        frozenset(
            row
            for part in parts
            if (part.of, part.video_id) == ("bout", video_id)
            for row in getattr(part, which)
        )
        for which in ("removed", "added")
    )
    spans = read_content(connection, video_id).spans
    return VideoChanges(
        video=name,
        removed=bouts_of(removed, behaviours, name),
        added=bouts_of(added, behaviours, name),
        scored=spans_of(spans, "scored", name),
        not_scored=spans_of(spans, "not scored", name),
    )
