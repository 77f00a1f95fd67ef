"""Edits of a project's ethogram, each one transaction that can be undone."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from vidmem.errors import LabelError, ProjectError, StaleEditError
from vidmem.labels import Behaviour, Ethogram, LabelledVideo, Labels
from vidmem.projects.feed import Changes, before, changes_since
from vidmem.projects.journal import (
    newest_revision,
    parts_of_labels_since,
    was_restored_since,
    write_edit,
)
from vidmem.projects.label_store import all_contents, ethogram_in
from vidmem.projects.rebasing import Operation
from vidmem.projects.rows import (
    Row,
    RowDifference,
    behaviour_rows,
    content_of,
    ids_of,
    labels_of,
    part_between,
    read_behaviours,
)
from vidmem.projects.storage.database import Database


class EthogramEditor:
    """The ethogram of a project.

    An edit may take the revision of what its writer looked at, and is refused where somebody else
    changed the same behaviour since then. It answers with all that is new since that revision.
    """

    def __init__(self, database: Database, now: Callable[[], datetime]) -> None:
        """Of a project; `now` is the clock."""
        self._database, self._now = database, now

    @property
    def value(self) -> Ethogram:
        """As it is now."""
        with self._database.reading() as connection:
            return ethogram_in(connection)

    def num_bouts(self, name: str) -> int:
        """How many bouts go if a behaviour is deleted, of all videos, those taken out too.

        Raises:
            LabelError: If there is no such behaviour.
        """
        with self._database.reading() as connection:
            return _num_bouts(connection, name)

    def counts(self) -> dict[str, int]:
        """How many bouts each behaviour has, as `num_bouts` counts, in the ethogram's order."""
        with self._database.reading() as connection:
            ids = ids_of(read_behaviours(connection))
            found = dict(
                connection.execute("SELECT behaviour_id, count(*) FROM bouts GROUP BY behaviour_id")
            )
            names = ethogram_in(connection).names
            return {name: found.get(ids[name], 0) for name in names}

    def add(
        self,
        behaviour: Behaviour,
        at: int | None = None,
        *,
        revision: int | None = None,
        author: str = "",
    ) -> Changes:
        """With one more behaviour, at a position or (`None`) at the end.

        Raises:
            LabelError: If its name or key is taken.
            ProjectError: If the project cannot be written; so all edits.
        """
        return self._edit(
            lambda labels: labels.with_ethogram(labels.ethogram.added(behaviour, at)),
            words=f"added the behaviour {behaviour.name}",
            revision=revision,
            author=author,
        )

    def unite(
        self,
        ethogram: Ethogram,
        *,
        of: str = "another ethogram",
        revision: int | None = None,
        author: str = "",
    ) -> Changes:
        """With the behaviours of another, such as a preset, that this one lacks.

        Args:
            ethogram: The other.
            of: What it is, for the list of changes.
            revision: Of what the writer looked at.
            author: Who makes the edit.

        Raises:
            LabelError: If a behaviour is a state in one and a point in the other.
        """
        return self._edit(
            lambda labels: labels.with_ethogram(labels.ethogram.united(ethogram)),
            words=f"added the behaviours of {of}",
            revision=revision,
            author=author,
        )

    def rename(
        self, name: str, new_name: str, *, revision: int | None = None, author: str = ""
    ) -> Changes:
        """With a behaviour under another name; its bouts stay its bouts.

        Raises:
            LabelError: If there is none of that name, or the new one is taken or not allowed.
            StaleEditError: If somebody changed it since the revision.
        """
        return self._edit(
            lambda labels: labels.with_ethogram(labels.ethogram.renamed(name, new_name)),
            words=f"renamed {name} to {new_name}",
            of=name,
            renamed={new_name: name},
            revision=revision,
            author=author,
        )

    def recolour(
        self, name: str, colour: str, *, revision: int | None = None, author: str = ""
    ) -> Changes:
        """With another colour, `#rrggbb`, of a behaviour; empty: the next default one.

        Raises:
            LabelError: If there is none of that name, or it is no colour.
            StaleEditError: If somebody changed it since the revision.
        """
        return self.change(name, colour=colour, revision=revision, author=author)

    def rekey(
        self,
        name: str,
        key: str,
        *,
        is_taken: bool = False,
        revision: int | None = None,
        author: str = "",
    ) -> Changes:
        """With another key of a behaviour, or (empty) none.

        Args:
            name: Of the behaviour.
            key: One character.
            is_taken: Whether a behaviour that has the key loses it; else it is refused.
            revision: Of what the writer looked at.
            author: Who makes the edit.

        Raises:
            LabelError: If there is none of that name, or the key is taken or not allowed.
            StaleEditError: If somebody changed it since the revision.
        """
        if not is_taken:
            return self.change(name, key=key, revision=revision, author=author)

        def operation(labels: Labels) -> Labels:
            ethogram, other = labels.ethogram, labels.ethogram.of_key(key)
            if other is not None and other.name != name:
                ethogram = ethogram.changed(other.name, key="")
            return labels.with_ethogram(ethogram.changed(name, key=key))

        return self._edit(
            operation, words=f"changed key of {name}", of=name, revision=revision, author=author
        )

    def change(
        self, name: str, /, *, revision: int | None = None, author: str = "", **fields: Any
    ) -> Changes:
        """With other fields of a behaviour than its name: `change("lying", axis="posture")`.

        Raises:
            LabelError: If there is none of that name, the result is not allowed, or states that
                would share an axis now overlap (the message names the first).
            StaleEditError: If somebody changed it since the revision.
        """
        if "name" in fields:
            raise ValueError("a name is changed with rename, which keeps the bouts")
        return self._edit(
            lambda labels: labels.with_ethogram(labels.ethogram.changed(name, **fields)),
            words=f"changed {' and '.join(fields)} of {name}",
            of=name,
            has_labels=not fields.keys() <= {"colour", "key", "description"},
            revision=revision,
            author=author,
        )

    def reorder(
        self, name: str, to: int, *, revision: int | None = None, author: str = ""
    ) -> Changes:
        """With a behaviour at another position, from 0; beyond the last is last.

        Raises:
            LabelError: If there is none of that name.
        """
        return self._edit(
            lambda labels: labels.with_ethogram(labels.ethogram.moved(name, to)),
            words=f"moved {name} to position {to + 1}",
            revision=revision,
            author=author,
        )

    def rename_axis(
        self, axis: str, new_axis: str, *, revision: int | None = None, author: str = ""
    ) -> Changes:
        """With an axis under another name, in behaviours and in what was scored.

        Raises:
            LabelError: If there is no such axis, or the new name is taken or not allowed.
        """
        return self._edit(
            lambda labels: labels.rename_axis(axis, new_axis),
            words=f"renamed the axis {axis} to {new_axis}",
            has_labels=True,
            revision=revision,
            author=author,
        )

    def delete(
        self,
        name: str,
        *,
        num_bouts: int | None = None,
        revision: int | None = None,
        author: str = "",
    ) -> Changes:
        """Without a behaviour and its bouts; what was scored of its axis goes with its last one.

        Args:
            name: Of the behaviour.
            num_bouts: How many the person was told will go; refused if it is another number by now.
            revision: Of what the writer looked at.
            author: Who makes the edit.

        Raises:
            LabelError: If there is none of that name.
            StaleEditError: If somebody changed it since the revision, or the number is another.
        """
        with self._database.writing() as connection:
            found = _num_bouts(connection, name)
            if num_bouts not in (None, found):
                raise StaleEditError(
                    f"{_counted(found, 'bout')} of {name} would go, not {num_bouts}: somebody "
                    "labelled meanwhile; nothing was deleted"
                )
            step = _Step(
                words=f"deleted the behaviour {name} with {_counted(found, 'bout')}",
                of=name,
                has_labels=True,
                revision=revision,
                author=author,
            )
            return self._write(connection, lambda labels: labels.without_behaviour(name), step)

    def _edit(self, operation: Operation, **fields: Any) -> Changes:
        with self._database.writing() as connection:
            return self._write(connection, operation, _Step(**fields))

    def _write(self, connection: sqlite3.Connection, operation: Operation, step: _Step) -> Changes:
        first = newest_revision(connection)
        since = first if step.revision is None else step.revision
        rows = read_behaviours(connection)
        if since != first:
            _check_is_fresh(connection, since, first, rows, step.of)
        after = operation(Labels(ethogram_in(connection))).ethogram
        ids = _ids_after(connection, after, rows, step.renamed)
        parts = [part_between("behaviour", None, rows, behaviour_rows(after, ids))]
        if step.has_labels:
            parts += _parts_of_labels(connection, operation, rows, ids)
        if not all(part.is_empty for part in parts):
            at = self._now()
            write_edit(connection, parts, words=step.words, author=step.author, at=at)
        return changes_since(connection, since)


@dataclass(frozen=True, kw_only=True)
class _Step:
    """About an edit of the ethogram."""

    words: str
    revision: int | None
    author: str
    of: str | None = None
    """The behaviour that it is about, which nobody may have changed since the revision."""

    renamed: Mapping[str, str] = field(default_factory=dict)
    """The old name of each new one: who keeps its id, and with it its bouts."""

    has_labels: bool = False
    """Whether it changes rows of labels too; another name of a behaviour changes none."""


def ids_with_new(
    connection: sqlite3.Connection, ethogram: Ethogram, known: Mapping[str, int]
) -> dict[str, int]:
    """Ids of all behaviours: those that are known, and new ones that were never given."""
    found = connection.execute("SELECT seq FROM sqlite_sequence WHERE name = 'behaviours'")
    (last,) = found.fetchone() or (0,)
    new = [name for name in ethogram.names if name not in known]
    kept = {name: known[name] for name in ethogram.names if name in known}
    return kept | {name: last + number for number, name in enumerate(new, start=1)}


def _ids_after(
    connection: sqlite3.Connection,
    ethogram: Ethogram,
    rows: frozenset[Row],
    renamed: Mapping[str, str],
) -> dict[str, int]:
    ids = ids_of(rows)
    known = {name: ids[old] for name in ethogram.names if (old := renamed.get(name, name)) in ids}
    return ids_with_new(connection, ethogram, known)


def _parts_of_labels(
    connection: sqlite3.Connection, operation: Operation, rows: frozenset[Row], ids: dict[str, int]
) -> list[RowDifference]:
    # Of one video after the other: no track reaches over two.
    parts = []
    for video_id, (name, content) in all_contents(connection).items():
        labels = operation(labels_of(content, rows, LabelledVideo(name)))
        parts += content.parts_to(content_of(labels, name, ids), video_id)
    return parts


def _check_is_fresh(
    connection: sqlite3.Connection, since: int, newest: int, rows: frozenset[Row], name: str | None
) -> None:
    if since > newest or was_restored_since(connection, since):
        raise StaleEditError("the project was put back to an earlier copy meanwhile; load it again")
    if name is None:
        return
    others = parts_of_labels_since(connection, since, video_id=-1)  # of the ethogram only
    seen = next((row for row in before(rows, others) if row[2] == name), None)
    if seen is None:
        raise ProjectError(f"there was no behaviour {name!r:.60} in what this edit was made on")
    now = next((row for row in rows if row[0] == seen[0]), None)
    if now is None or now[2:] != seen[2:]:  # its position alone is no reason
        raise StaleEditError(
            f"the behaviour {name} was changed elsewhere meanwhile; this edit was not done: "
            "look at the ethogram as it is now"
        )


def _num_bouts(connection: sqlite3.Connection, name: str) -> int:
    ids = ids_of(read_behaviours(connection))
    if name not in ids:
        raise LabelError(f"there is no behaviour {name!r:.60} in the ethogram")
    return connection.execute(
        "SELECT count(*) FROM bouts WHERE behaviour_id = ?", (ids[name],)
    ).fetchone()[0]


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
