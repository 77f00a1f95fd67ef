"""Undo and redo without end, kept over restarts; one list for the whole project."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from vidmem.errors import ProjectError, StaleEditError
from vidmem.projects.feed import Changes, changes_since
from vidmem.projects.journal import (
    Edit,
    last_edits,
    newest_revision,
    next_redo,
    next_undo,
    write_redo,
    write_undo,
)
from vidmem.projects.storage.database import Database


class EditHistory:
    """What was edited in a project, by whoever has it open."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        """Of a project; `now` is the clock."""
        self._database, self._now = database, now

    @property
    def next_undo(self) -> Edit | None:
        """What `undo` would undo; `None`: nothing is left."""
        with self._database.reading() as connection:
            return next_undo(connection)

    @property
    def next_redo(self) -> Edit | None:
        """What `redo` would do again; `None`: nothing was undone, or another edit came then."""
        with self._database.reading() as connection:
            return next_redo(connection)

    def last(self, count: int = 100) -> tuple[Edit, ...]:
        """The last changes, newest first, undoing and redoing too."""
        with self._database.reading() as connection:
            return last_edits(connection, count)

    def undo(
        self, edit: int | None = None, *, since: int | None = None, author: str = ""
    ) -> Changes:
        """Undo the last edit that is done.

        Args:
            edit: The revision of the edit that is meant; refused if it is another by now. `None`:
                whichever it is.
            since: Of what the caller has seen: the answer has all that is new since then. `None`:
                only this.
            author: Who undoes it.

        Returns:
            What changed; its `words` say what was undone.

        Raises:
            StaleEditError: If the edit that is meant is not the last one any more.
            ProjectError: If there is nothing to undo, or the project cannot be written.
        """
        with self._database.writing() as connection:
            first = newest_revision(connection)
            found = _checked(next_undo(connection), edit, "undo")
            write_undo(connection, found, author=author, at=self._now())
            return changes_since(connection, first if since is None else since)

    def redo(
        self, edit: int | None = None, *, since: int | None = None, author: str = ""
    ) -> Changes:
        """Do again the edit that was undone last. As `undo`."""
        with self._database.writing() as connection:
            first = newest_revision(connection)
            found = _checked(next_redo(connection), edit, "redo")
            write_redo(connection, found, author=author, at=self._now())
            return changes_since(connection, first if since is None else since)


def _checked(found: Edit | None, meant: int | None, verb: str) -> Edit:
    if meant is not None and (found is None or found.revision != meant):
        other = f"; {verb} would be of another edit now: {found.words}" if found else ""
        raise StaleEditError(
            f"this cannot be the next {verb} any more, since others edited meanwhile{other}; "
            "nothing was changed"
        )
    if found is None:
        raise ProjectError(f"there is nothing to {verb}")
    return found
