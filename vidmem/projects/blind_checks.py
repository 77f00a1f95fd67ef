"""What people said of random spans while the model's opinion was hidden, run by run.

An answer becomes a label, by an edit like any other. Its check is written first, with the id of
that edit, and counts only while the edit is done: so killed at any moment there are both or
neither, an undo takes both back, and redo brings both again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from vidmem.errors import ProjectError
from vidmem.projects.storage.database import Database

_TICKS = 1_000_000
"""Times are whole microseconds, as in all of the database."""


@dataclass(frozen=True, kw_only=True)
class KeptBlindCheck:
    """One answer."""

    run_id: str
    axis: str
    subject: str
    start_seconds: float
    end_seconds: float
    predicted: str
    """What the model says there."""

    confidence: float
    """Its mean probability, 0 to 1."""

    answer: str
    """A behaviour, or what `vidmem.labels` calls none of these and not scored."""

    right_share: float | None
    """Of the time where the answer is what the model says, 0 to 1; `None`: it cannot be told."""

    author: str = ""


class BlindCheckList:
    """The blind checks of a project's runs."""

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        """Of a project; `now` is the clock."""
        self._database, self._now = database, now

    def add(self, check: KeptBlindCheck, *, edit_id: str) -> None:
        """Keep a check; it counts from when the edit of this id is made.

        Args:
            check: Of a run of the project. Sent again with the same id, it is kept once.
            edit_id: See `EditMark`.

        Raises:
            ProjectError: If there is no such run, or the project cannot be written.
        """
        start, end = (round(one * _TICKS) for one in (check.start_seconds, check.end_seconds))
        with self._database.writing() as connection:
            found = connection.execute("SELECT 1 FROM runs WHERE id = ?", (check.run_id,))
            if found.fetchone() is None:
                raise ProjectError(
                    f"there is no run {check.run_id!r:.60} in the project (any more)"
                )
            connection.execute(
                "INSERT INTO blind_checks (run_id, axis, subject, start_us, end_us, "
                "predicted, confidence, answer, right_share, edit_id, author, at) "
                "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (edit_id) DO NOTHING",
                (
                    *(check.run_id, check.axis, check.subject, start, end, check.predicted),
                    *(check.confidence, check.answer, check.right_share, edit_id, check.author),
                    self._now().isoformat(),
                ),
            )

    def of_run(self, run_id: str, *, axis: str, subject: str = "") -> tuple[KeptBlindCheck, ...]:
        """Those that count of an axis and a subject, the oldest first; of no run none.

        Raises:
            ProjectError: If the project cannot be read.
        """
        with self._database.reading() as connection:
            rows = connection.execute(
                "SELECT run_id, axis, subject, start_us, end_us, predicted, confidence, answer, "
                "right_share, blind_checks.author FROM blind_checks "
                "JOIN changes ON changes.edit_id = blind_checks.edit_id "
                "WHERE run_id = ? AND axis = ? AND subject = ? AND changes.state = 'done' "
                "ORDER BY blind_checks.id",
                (run_id, axis, subject),
            ).fetchall()
        return tuple(map(_check, rows))


def _check(row: tuple) -> KeptBlindCheck:
    run_id, axis, subject, start, end, predicted, confidence, answer, right_share, author = row
    return KeptBlindCheck(
        run_id=run_id,
        axis=axis,
        subject=subject,
        start_seconds=start / _TICKS,
        end_seconds=end / _TICKS,
        predicted=predicted,
        confidence=confidence,
        answer=answer,
        right_share=right_share,
        author=author,
    )
