"""Labels from a file into a project: looked at first, then one step that can be undone.

Nothing that a person labelled here changes unless she chooses it, and a model's predictions never
come in: they become labels one by one, when a person confirms them.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import PurePosixPath, PureWindowsPath

from vidmem.errors import ProjectError, StaleEditError
from vidmem.labels import Bout, Conflict, LabelledVideo, Labels, OnConflict, merge
from vidmem.projects.ethogram_editor import ids_with_new
from vidmem.projects.feed import Changes, changes_since
from vidmem.projects.journal import newest_revision, write_edit
from vidmem.projects.label_store import LabelStore, shown_part
from vidmem.projects.rows import (
    Content,
    RowDifference,
    behaviour_rows,
    content_of,
    ids_of,
    part_between,
    read_behaviours,
    read_content,
    write_parts,
)
from vidmem.projects.storage.database import Database
from vidmem.projects.videos import VideoFacts, VideoList


@dataclass(frozen=True, kw_only=True)
class ImportPreview:
    """What an import would do; nothing is done yet."""

    labels: Labels
    """What comes in, with the project's names of videos; a model's bouts are left out."""

    revision: int
    """Of the project that it was compared with."""

    added: tuple[Bout, ...]
    """Bouts that are new and contradict nothing: added whatever is chosen for the others."""

    conflicts: tuple[Conflict, ...]
    """What contradicts the project's own labels."""

    num_equal: int
    """Bouts that the project has already."""

    num_predictions: int
    """A model's bouts, which do not come in."""

    new_behaviours: tuple[str, ...]
    """Which the ethogram gets."""

    has_new_spans: bool
    """Whether something is scored there, or could not be, of which that is not said here."""

    videos: Mapping[str, str]
    """The project's name of each video that was recognised, by its name in the file."""

    unknown_videos: tuple[str, ...]
    """Those that the project does not have."""

    @property
    def words(self) -> str:
        """Such as "41 bouts are added, 2 contradict labels that are here, 7 are here already"."""
        parts = [
            f"{_counted(len(self.added), 'bout')} added",
            f"{_counted(len(self.conflicts), 'contradiction')} with labels that are here",
            f"{_counted(self.num_equal, 'bout')} here already",
        ]
        if self.num_predictions:
            parts.append(f"{_counted(self.num_predictions, 'prediction')} of a model left out")
        if self.unknown_videos:
            names = ", ".join(self.unknown_videos[:5])
            parts.append(f"{_counted(len(self.unknown_videos), 'unknown video')}: {names}")
        return ", ".join(parts)


class Importer:
    """Imports into a project."""

    def __init__(
        self, database: Database, videos: VideoList, labels: LabelStore, now: Callable[[], datetime]
    ) -> None:
        """Of a project; `now` is the clock."""
        self._database, self._videos, self._labels, self._now = database, videos, labels, now

    def preview(self, labels: Labels, names: Mapping[str, str] | None = None) -> ImportPreview:
        """What would be added, and what contradicts the labels that are there.

        Args:
            labels: As a format read them.
            names: The project's name of a video, by its name there. Others are recognised by their
                name, with or without a folder or an ending, where only one video has it.

        Raises:
            LabelError: If a behaviour is a state there and a point here.
            ProjectError: If a name that was given is no video of the project.
        """
        with self._database.reading() as connection:
            known = tuple(one.name for one in self._videos.list())
            found, unknown = _recognised(labels, known, names or {})
            human = tuple(bout for bout in labels.bouts if bout.is_human)
            theirs = _renamed(replace(labels, bouts=human), found)
            mine = self._labels.all().labels
            inside = _of_videos(theirs, set(found.values()))
            merged = merge(mine, inside)
            own = set(mine.bouts)
            return ImportPreview(
                labels=theirs,
                revision=newest_revision(connection),
                added=tuple(bout for bout in merged.labels.bouts if bout not in own),
                conflicts=merged.conflicts,
                num_equal=sum(bout in own for bout in inside.bouts),
                num_predictions=len(labels.bouts) - len(human),
                new_behaviours=tuple(
                    name for name in theirs.ethogram.names if name not in mine.ethogram
                ),
                has_new_spans=(merged.labels.scored, merged.labels.not_scored)
                != (mine.scored, mine.not_scored),
                videos=found,
                unknown_videos=unknown,
            )

    def apply(
        self,
        preview: ImportPreview,
        *,
        on_conflict: OnConflict = "keep",
        add_unknown_videos: bool = False,
        author: str = "",
    ) -> Changes:
        """Do what was previewed, as one step that can be undone.

        Args:
            preview: Of this project.
            on_conflict: What becomes of what contradicts the labels that are here: see
                `vidmem.labels.OnConflict`. Only "take" changes a person's labels.
            add_unknown_videos: Whether videos that the project does not have are added, by name and
                without a file (`VideoList.locate` finds it); else their labels are left out.
            author: Who imports.

        Raises:
            StaleEditError: If the project was changed since the preview.
            LabelError: With "refuse", if there is a conflict.
            ProjectError: If the project cannot be written.
        """
        with self._database.writing() as connection:
            first = newest_revision(connection)
            if first != preview.revision:
                raise StaleEditError(
                    "the project was changed since this import was looked at, so nothing was "
                    "imported; look at it again"
                )
            unknown = preview.unknown_videos if add_unknown_videos else ()
            parts = self._add_videos(connection, preview.labels, unknown)
            mine = self._labels.all().labels
            theirs = _of_videos(preview.labels, {one.name for one in mine.videos})
            merged = merge(mine, theirs, on_conflict=on_conflict).labels
            parts += _parts(connection, merged)
            if any(not part.is_empty for part in parts):
                num = len(set(merged.bouts) - set(mine.bouts))
                words = f"imported {_counted(num, 'bout')}"
                write_edit(connection, parts, words=words, author=author, at=self._now())
            return changes_since(connection, first)

    def _add_videos(
        self, connection: sqlite3.Connection, theirs: Labels, unknown: Iterable[str]
    ) -> list[RowDifference]:
        """Videos that are known by name from now on; one that was taken out comes back."""
        parts = []
        for name in unknown:
            known = connection.execute("SELECT id FROM videos WHERE name = ?", (name,)).fetchone()
            if known is None:
                one = theirs.video(name)
                facts = VideoFacts(
                    duration_seconds=one.duration_seconds,
                    fps=one.fps,
                    start=one.start,
                    start_from=None if one.start is None else "metadata",
                )
                known = (self._videos.insert(connection, name, facts).video_id,)
            parts.append(shown_part(known[0], is_shown=True))
        # Before the labels are merged, so that those of a video which comes back are among them.
        write_parts(connection, parts)
        return parts


def _parts(connection: sqlite3.Connection, merged: Labels) -> list[RowDifference]:
    """What makes the stored labels the merged ones."""
    rows = read_behaviours(connection)
    ids = ids_with_new(connection, merged.ethogram, ids_of(rows))
    parts = [part_between("behaviour", None, rows, behaviour_rows(merged.ethogram, ids))]
    by_video = _by_video(merged)
    for name in sorted(by_video):
        (video_id,) = connection.execute("SELECT id FROM videos WHERE name = ?", (name,)).fetchone()
        content: Content = read_content(connection, video_id)
        parts += content.parts_to(content_of(by_video[name], name, ids), video_id)
    return parts


def _by_video(labels: Labels) -> dict[str, Labels]:
    return {video.name: labels.for_video(video.name) for video in labels.videos}


def _recognised(
    labels: Labels, known: tuple[str, ...], given: Mapping[str, str]
) -> tuple[dict[str, str], tuple[str, ...]]:
    found: dict[str, str] = {}
    unknown = []
    for video in labels.videos:
        name = given.get(video.name) or _like(video.name, known)
        if video.name in given and name not in known:
            raise ProjectError(f"there is no video {name!r:.100} in the project; add it first")
        if name is None:
            unknown.append(video.name)
        else:
            found[video.name] = name
    return found, tuple(unknown)


def _like(name: str, known: tuple[str, ...]) -> str | None:
    """The only video of the same name, else of the same without folders, else without an ending."""
    if name in known:
        return name
    for plain in (_base, _stem):
        alike = [one for one in known if plain(one) == plain(name)]
        if len(alike) == 1:
            return alike[0]
    return None


def _base(name: str) -> str:
    # Files come from other systems: a path of Windows is one there, and here.
    return PureWindowsPath(PurePosixPath(name).name).name.casefold()


def _stem(name: str) -> str:
    return PurePosixPath(_base(name)).stem


def _renamed(labels: Labels, names: Mapping[str, str]) -> Labels:
    """With other names of videos; facts of two that are one video now are put together."""
    videos: dict[str, LabelledVideo] = {}
    for video in labels.videos:
        name = names.get(video.name, video.name)
        one = replace(video, name=name)
        videos[name] = videos[name].completed(one) if name in videos else one
    return Labels(
        labels.ethogram,
        tuple(one.changed(video=names.get(one.video, one.video)) for one in labels.bouts),
        not_scored=tuple(
            one.changed(video=names.get(one.video, one.video)) for one in labels.not_scored
        ),
        scored=tuple(one.changed(video=names.get(one.video, one.video)) for one in labels.scored),
        videos=tuple(videos.values()),
    )


def _of_videos(labels: Labels, names: set[str]) -> Labels:
    return Labels(
        labels.ethogram,
        tuple(one for one in labels.bouts if one.video in names),
        not_scored=tuple(one for one in labels.not_scored if one.video in names),
        scored=tuple(one for one in labels.scored if one.video in names),
        videos=tuple(one for one in labels.videos if one.name in names),
    )


def _counted(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"
