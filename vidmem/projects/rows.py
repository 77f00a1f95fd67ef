"""Labels as rows of tables and back, and what differs between two sets of rows.

A row is a plain tuple, so that what a change took away and put there is a difference of two sets,
and is put back by swapping them.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from vidmem.errors import ProjectError
from vidmem.labels import Behaviour, Bout, Ethogram, LabelledVideo, Labels, Span

Row = tuple[Any, ...]

Kind = Literal["behaviour", "bout", "span", "video"]

TICKS_PER_SECOND = 1_000_000
"""Of `vidmem.labels`, which keeps times to a microsecond."""

_BEHAVIOUR_FIELDS = ("name", "colour", "key", "kind", "axis", "description")
_BOUT_FIELDS = ("subject", "author", "comment", "score", "source")

_TABLES: dict[Kind, tuple[str, tuple[str, ...]]] = {
    "behaviour": ("behaviours", ("id", "position", *_BEHAVIOUR_FIELDS)),
    "bout": ("bouts", ("video_id", "start_us", "end_us", "behaviour_id", *_BOUT_FIELDS)),
    "span": ("spans", ("video_id", "what", "start_us", "end_us", "subject", "axis")),
}


@dataclass(frozen=True)
class RowDifference:
    """What a change took away and put there of one kind, and of one video."""

    of: Kind
    video_id: int | None
    """`None`: of behaviours."""

    removed: frozenset[Row]
    """Of bouts and spans without the video; of a video its id, where it is shown no more."""

    added: frozenset[Row]

    @property
    def is_empty(self) -> bool:
        """Whether nothing differs."""
        return not self.removed and not self.added

    def reversed(self) -> Self:
        """What undoes it."""
        return replace(self, removed=self.added, added=self.removed)

    def applied(self, rows: frozenset[Row]) -> frozenset[Row]:
        """Rows after it."""
        return (rows - self.removed) | self.added


@dataclass(frozen=True)
class Content:
    """All rows of the labels of one video."""

    bouts: frozenset[Row]
    """`(start_us, end_us, behaviour_id, subject, author, comment, score, source)`."""

    spans: frozenset[Row]
    """`(what, start_us, end_us, subject, axis)`."""

    def parts_to(self, after: Content, video_id: int) -> list[RowDifference]:
        """What makes another content of this one."""
        parts = [
            part_between("bout", video_id, self.bouts, after.bouts),
            part_between("span", video_id, self.spans, after.spans),
        ]
        return [part for part in parts if not part.is_empty]

    def applied(self, part: RowDifference) -> Content:
        """The content after a part of a change."""
        if part.of == "bout":
            return replace(self, bouts=part.applied(self.bouts))
        return replace(self, spans=part.applied(self.spans)) if part.of == "span" else self


def part_between(
    of: Kind, video_id: int | None, before: frozenset[Row], after: frozenset[Row]
) -> RowDifference:
    """What makes one set of rows of another."""
    return RowDifference(of, video_id, before - after, after - before)


def composed(parts: Iterable[RowDifference]) -> list[RowDifference]:
    """One part for each kind and video, of parts in the order in which they were made.

    What came and went again is in none.
    """
    found: dict[tuple[Kind, int | None], RowDifference] = {}
    for part in parts:
        key = (part.of, part.video_id)
        first = found.get(key)
        if first is None:
            found[key] = part
            continue
        removed = (part.removed - first.added) | first.removed
        added = (first.added - part.removed) | part.added
        found[key] = part_between(part.of, part.video_id, removed, added)
    return [part for part in found.values() if not part.is_empty]


# Values of rows, and rows of values.


def ethogram_of(rows: Iterable[Row]) -> Ethogram:
    """Of the rows of behaviours, in their order."""
    ordered = sorted(rows, key=lambda row: row[1])
    fields = (dict(zip(_BEHAVIOUR_FIELDS, row[2:], strict=True)) for row in ordered)
    return Ethogram(tuple(Behaviour(**one) for one in fields))


def behaviour_rows(ethogram: Ethogram, ids: Mapping[str, int]) -> frozenset[Row]:
    """The rows of an ethogram whose behaviours have these ids, by name."""
    return frozenset(
        (ids[one.name], position, *(getattr(one, name) for name in _BEHAVIOUR_FIELDS))
        for position, one in enumerate(ethogram)
    )


def ids_of(rows: Iterable[Row]) -> dict[str, int]:
    """The ids of behaviours, by name."""
    return {row[2]: row[0] for row in rows}


def content_of(labels: Labels, video: str, ids: Mapping[str, int]) -> Content:
    """The rows of what labels say of one video."""
    bouts = (
        (
            _ticks(one.start_seconds),
            _ticks(one.end_seconds),
            ids[one.behaviour],
            *(getattr(one, name) for name in _BOUT_FIELDS),
        )
        for one in labels.bouts
        if one.video == video
    )
    spans = (
        (what, _ticks(one.start_seconds), _ticks(one.end_seconds), one.subject, one.axis)
        for what, all_of_it in (("scored", labels.scored), ("not scored", labels.not_scored))
        for one in all_of_it
        if one.video == video
    )
    return Content(frozenset(bouts), frozenset(spans))


def labels_of(content: Content, behaviours: Iterable[Row], video: LabelledVideo) -> Labels:
    """The value that rows stand for."""
    rows = tuple(behaviours)
    bouts = bouts_of(content.bouts, rows, video.name)
    return Labels(
        ethogram_of(rows),
        tuple(bouts),
        not_scored=spans_of(content.spans, "not scored", video.name),
        scored=spans_of(content.spans, "scored", video.name),
        videos=(video,),
    )


def bouts_of(rows: Iterable[Row], behaviours: Iterable[Row], video: str) -> tuple[Bout, ...]:
    """Bouts, in order."""
    names = {row[0]: row[2] for row in behaviours}
    bouts = (
        Bout(video, _seconds(start), _seconds(end), names[behaviour], *rest)
        for start, end, behaviour, *rest in rows
    )
    return tuple(sorted(bouts, key=lambda one: one.sort_key))


def spans_of(rows: Iterable[Row], what: str, video: str) -> tuple[Span, ...]:
    """Spans of one kind, in order."""
    spans = (
        Span(video, _seconds(start), _seconds(end), subject, axis)
        for kind, start, end, subject, axis in rows
        if kind == what
    )
    return tuple(sorted(spans, key=lambda one: (one.track, one.interval)))


def _ticks(seconds: float) -> int:
    return round(seconds * TICKS_PER_SECOND)


def _seconds(ticks: int) -> float:
    return ticks / TICKS_PER_SECOND


# Rows in the database.


def read_behaviours(connection: sqlite3.Connection) -> frozenset[Row]:
    """All behaviours."""
    return frozenset(connection.execute(_select("behaviour")))


def read_content(connection: sqlite3.Connection, video_id: int) -> Content:
    """All that is said of a video."""
    bouts, spans = (
        frozenset(
            row[1:] for row in connection.execute(f"{_select(of)} WHERE video_id = ?", (video_id,))
        )
        for of in ("bout", "span")
    )
    return Content(bouts, spans)


def write_parts(connection: sqlite3.Connection, parts: Sequence[RowDifference]) -> None:
    """Make a change. What goes, goes first: what comes may have its name or its place.

    Raises:
        ProjectError: If a row that is to go is not there, so that history and labels do not agree.
    """
    for part in parts:
        if part.of == "video":
            _show(connection, part.removed, is_shown=False)
        elif part.removed:
            _delete(connection, part)
    for part in parts:
        if part.of == "video":
            _show(connection, part.added, is_shown=True)
        else:
            table, columns = _TABLES[part.of]
            marks = ", ".join("?" * len(columns))
            connection.executemany(
                f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})",
                (_whole(part, row) for row in sorted(part.added, key=repr)),
            )


def _delete(connection: sqlite3.Connection, part: RowDifference) -> None:
    table, columns = _TABLES[part.of]
    # IS: a score may be NULL, which equals nothing.
    condition = " AND ".join(f"{column} IS ?" for column in columns)
    gone = connection.executemany(
        f"DELETE FROM {table} WHERE {condition}", (_whole(part, row) for row in part.removed)
    )
    if gone.rowcount != len(part.removed):
        raise ProjectError(
            "the history of the project does not fit its labels, so nothing was changed; go back "
            "to a copy of the database"
        )


def _show(connection: sqlite3.Connection, rows: Iterable[Row], *, is_shown: bool) -> None:
    connection.executemany(
        "UPDATE videos SET is_shown = ? WHERE id = ?", ((is_shown, *row) for row in rows)
    )


def _whole(part: RowDifference, row: Row) -> Row:
    return row if part.of == "behaviour" else (part.video_id, *row)


def _select(of: Kind) -> str:
    table, columns = _TABLES[of]
    return f"SELECT {', '.join(columns)} FROM {table}"


def to_text(rows: Iterable[Row]) -> str:
    """Rows as JSON, the same for the same rows."""
    return json.dumps(sorted(rows, key=repr), separators=(",", ":"), ensure_ascii=False)


def from_text(text: str) -> frozenset[Row]:
    """Rows that `to_text` wrote."""
    return frozenset(map(tuple, json.loads(text)))
