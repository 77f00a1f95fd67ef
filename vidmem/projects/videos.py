"""The videos of a project: where they lie, and how they are known again.

A video's name is what its labels call it: the name of its file, or, where that is taken, with its
folder or a number. It stays when the file moves.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

from vidmem.errors import ProjectError, VideoNotFoundError
from vidmem.files import other_kind
from vidmem.labels import LabelledVideo
from vidmem.projects.fingerprint import fingerprint
from vidmem.projects.storage.database import Database
from vidmem.units import visible

StartFrom = Literal["typed", "metadata", "name"]
"""How a recording's start is known: a person typed it, or the file's metadata or name say so."""

VideoState = Literal["here", "missing", "changed"]
"""`changed`: there is a file at its place, and it has other content."""

MAX_NAME_CHARACTERS = 200


@dataclass(frozen=True, kw_only=True)
class VideoFacts:
    """What the caller knows of a video; the rest is `None`."""

    duration_seconds: float | None = None
    """From its first frame to the end of its last."""

    fps: float | None = None
    start: datetime | None = None
    """When the recording began, by the clock."""

    start_from: StartFrom | None = None
    """How that is known; `None` without a start."""

    def __post_init__(self) -> None:
        LabelledVideo("a video", self.duration_seconds, self.fps, self.start)  # checks them
        if self.start_from is not None and self.start_from not in get_args(StartFrom):
            raise ValueError(f"start_from must be of {get_args(StartFrom)}, got {self.start_from}")
        if (self.start is None) != (self.start_from is None):
            raise ValueError("start and start_from go together: say how the start is known")


@dataclass(frozen=True, kw_only=True)
class ProjectVideo:
    """A video of a project."""

    video_id: int
    name: str
    """As its bouts call it."""

    path: Path | None
    """Where it was seen last; `None`: known from labels only."""

    is_inside: bool
    """Whether it lies in the project's folder, and moves with it."""

    size_bytes: int | None
    fingerprint: str | None
    """See `vidmem.projects.fingerprint`; `None`: never seen."""

    facts: VideoFacts

    @property
    def labelled(self) -> LabelledVideo:
        """As labels know it."""
        facts = self.facts
        return LabelledVideo(self.name, facts.duration_seconds, facts.fps, facts.start)


class VideoList:
    """The videos of a project, in the order in which they were added."""

    def __init__(self, folder: Path, database: Database, now: Callable[[], datetime]) -> None:
        """Of a project; `now` is the clock."""
        self._folder, self._database, self._now = folder, database, now

    def list(self) -> tuple[ProjectVideo, ...]:
        """All, also those whose file is missing; looks at no file."""
        with self._database.reading() as connection:
            return tuple(
                map(self._video, connection.execute(f"{_SELECT} WHERE is_shown ORDER BY id"))
            )

    def __getitem__(self, name: str) -> ProjectVideo:
        """The video of a name.

        Raises:
            ProjectError: If there is none.
        """
        with self._database.reading() as connection:
            return self.find(connection, name)

    def find(self, connection: sqlite3.Connection, name: str) -> ProjectVideo:
        """The video of a name, inside of a transaction.

        Raises:
            ProjectError: If there is none.
        """
        row = connection.execute(f"{_SELECT} WHERE is_shown AND name = ?", (name,)).fetchone()
        if row is None:
            raise ProjectError(f"there is no video {name!r:.100} in the project; add it first")
        return self._video(row)

    def add(self, path: str | Path, facts: VideoFacts | None = None) -> ProjectVideo:
        """A video that is there from now on. Reads one MiB of it.

        One that the project has already, by its content, is that video, at its new place if it is
        gone from the old one; facts that were not known are filled in. One that was taken out comes
        back with its labels. A video that is known from labels only, by an import, and is called
        like this file is this file.

        Args:
            path: Stored relative to the project where it lies inside.
            facts: Such as from `vidmem.video.probe`.

        Raises:
            VideoNotFoundError: If it cannot be read, or is no regular file.
            ProjectError: If a video of this place had other content when it was added, or the
                project cannot be written.
        """
        place = Path(os.path.abspath(path))
        mark = _look_at(place)
        with self._database.writing() as connection:
            known = self._known(connection, place, mark)
            if known is None:
                self._refuse_changed(connection, place)
                name = _free_name(connection, place)
                return self.insert(connection, name, facts or VideoFacts(), place, mark)
            if known.path is None or known.path == place or not known.path.exists():
                self._set(connection, known, {**self._place(place), **mark})
            merged = _filled(known.facts, facts or VideoFacts())
            self._set(connection, known, {**_fact_values(merged), "is_shown": True})
            return self.find(connection, known.name)

    def insert(
        self,
        connection: sqlite3.Connection,
        name: str,
        facts: VideoFacts,
        place: Path | None = None,
        mark: dict[str, Any] | None = None,
    ) -> ProjectVideo:
        """One more video, inside of a transaction; without a place it is known from labels only."""
        values = {
            "name": name,
            "path": None,
            "is_inside": False,
            **(self._place(place) if place else {}),
            **(mark or {}),
            **_fact_values(facts),
            "is_shown": True,
            "added_at": self._now().isoformat(),
        }
        marks = ", ".join("?" * len(values))
        video_id = connection.execute(
            f"INSERT INTO videos ({', '.join(values)}) VALUES ({marks})", tuple(values.values())
        ).lastrowid
        return self._video(connection.execute(f"{_SELECT} WHERE id = ?", (video_id,)).fetchone())

    def set_facts(self, name: str, facts: VideoFacts) -> ProjectVideo:
        """Another duration, rate or start of the recording, in place of what was known.

        Raises:
            ProjectError: If there is no such video, or the project cannot be written.
        """
        with self._database.writing() as connection:
            self._set(connection, self.find(connection, name), _fact_values(facts))
            return self.find(connection, name)

    def files_of(self, names: Iterable[str]) -> dict[str, Path]:
        """The files of some videos, each with the content that was labelled.

        Raises:
            ProjectError: If there is no such video, or its file has changed.
            VideoNotFoundError: If its file is not there.
        """
        found = {}
        for name in names:
            video = self[name]
            state = self.state_of(video)
            if state == "changed":
                raise ProjectError(
                    f"{video.path} has other content than when it was labelled as {name}; put the "
                    "old file back, or see in the app whether its labels still fit"
                )
            if state == "missing" or video.path is None:
                where = f"it was {video.path}" if video.path else "it is known from labels only"
                raise VideoNotFoundError(
                    f"the file of {name} is not there ({where}); show the app where it is, or take "
                    "the video out of the project"
                )
            found[name] = video.path
        return found

    # Files that moved or changed.

    def state_of(self, video: ProjectVideo) -> VideoState:
        """Whether its file is where it was; reads one MiB of a file with another time or size."""
        if video.path is None or not video.path.is_file():
            return "missing"
        with self._database.reading() as connection:
            row = connection.execute(
                "SELECT size_bytes, modified_ns FROM videos WHERE id = ?", (video.video_id,)
            ).fetchone()
        try:
            status = video.path.stat()
            if row == (status.st_size, status.st_mtime_ns):
                return "here"
            if fingerprint(video.path) != video.fingerprint:
                return "changed"
        except OSError:
            return "missing"
        # Else it would be read again each time.
        with self._database.writing(is_durable=False) as connection:
            self._set(connection, video, {"modified_ns": status.st_mtime_ns})
        return "here"

    def missing(self) -> tuple[ProjectVideo, ...]:
        """Those whose file is not where it was."""
        return tuple(one for one in self.list() if self.state_of(one) == "missing")

    def changed(self) -> tuple[ProjectVideo, ...]:
        """Those at whose place a file of other content lies; their labels may not fit it."""
        return tuple(one for one in self.list() if self.state_of(one) == "changed")

    def accept(self, name: str) -> ProjectVideo:
        """The file at a video's place is the video from now on, such as one that has grown.

        Raises:
            VideoNotFoundError: If it cannot be read.
            ProjectError: If there is no such video, or the project cannot be written.
        """
        video = self[name]
        if video.path is None:
            raise VideoNotFoundError(f"{name} has no file yet; name a folder to look for it")
        return self._put_at(video, video.path, _look_at(video.path))

    def locate(self, paths: Iterable[str | Path]) -> tuple[ProjectVideo, ...]:
        """Look for missing videos in files and folders, and take over where they are.

        A file is known by its content, whatever it is called now; a video that is known from labels
        only, by its name. Folders are looked through whole, links to folders are not followed.

        Returns:
            Those that were found.

        Raises:
            ProjectError: If the project cannot be written.
        """
        missing = list(self.missing())
        sizes = {one.size_bytes for one in missing}
        names = {one.name for one in missing if one.fingerprint is None}
        found = []
        for path in _files_of(paths):
            if not missing:
                break
            with contextlib.suppress(OSError, VideoNotFoundError):
                # Only those of a size that is looked for are read.
                if path.stat().st_size not in sizes and path.name not in names:
                    continue
                mark = _look_at(path)
                if (video := _fitting(missing, path, mark["fingerprint"])) is not None:
                    missing.remove(video)
                    found.append(self._put_at(video, path, mark))
        return tuple(found)

    # Inner workings.

    def _put_at(self, video: ProjectVideo, path: Path, mark: dict[str, Any]) -> ProjectVideo:
        with self._database.writing() as connection:
            self._set(connection, video, {**self._place(path), **mark})
            return self.find(connection, video.name)

    def _set(
        self, connection: sqlite3.Connection, video: ProjectVideo, values: dict[str, Any]
    ) -> None:
        columns = ", ".join(f"{column} = ?" for column in values)
        connection.execute(
            f"UPDATE videos SET {columns} WHERE id = ?", (*values.values(), video.video_id)
        )

    def _known(
        self, connection: sqlite3.Connection, place: Path, mark: dict[str, Any]
    ) -> ProjectVideo | None:
        """The video of this content, else one that is known from labels only and is called so.

        Of several, the one at this place; of others, rather one that was not taken out.
        """
        rows = connection.execute(
            f"{_SELECT} WHERE fingerprint = ? ORDER BY is_shown DESC, id", (mark["fingerprint"],)
        )
        videos = [self._video(row) for row in rows]
        if not videos:
            row = connection.execute(
                f"{_SELECT} WHERE fingerprint IS NULL AND name = ?", (safe_name(place.name),)
            ).fetchone()
            return None if row is None else self._video(row)
        return next((one for one in videos if one.path == place), videos[0])

    def _refuse_changed(self, connection: sqlite3.Connection, place: Path) -> None:
        values = tuple(self._place(place).values())
        row = connection.execute(
            f"{_SELECT} WHERE is_shown AND path = ? AND is_inside = ?", values
        ).fetchone()
        if row is not None:
            raise ProjectError(
                f"{place} has other content than when it was added as {row[1]}; if it is the same "
                "recording, such as one that has grown, accept it; else give the new file another "
                "name"
            )

    def _place(self, path: Path) -> dict[str, Any]:
        path = Path(os.path.abspath(path))
        for folder in (Path(os.path.abspath(self._folder)), Path(os.path.realpath(self._folder))):
            if path.is_relative_to(folder):
                return {"path": _stored(path.relative_to(folder).as_posix()), "is_inside": True}
        return {"path": _stored(str(path)), "is_inside": False}

    def _video(self, row: sqlite3.Row | tuple) -> ProjectVideo:
        video_id, name, stored, is_inside, size_bytes, mark, duration, fps, start, start_from = row
        path = None if stored is None else Path(os.fsdecode(stored))
        if path is not None and is_inside:
            path = Path(os.path.abspath(self._folder)) / path
        return ProjectVideo(
            video_id=video_id,
            name=name,
            path=path,
            is_inside=bool(is_inside),
            size_bytes=size_bytes,
            fingerprint=mark,
            facts=VideoFacts(
                duration_seconds=duration,
                fps=fps,
                start=None if start is None else datetime.fromisoformat(start),
                start_from=start_from,
            ),
        )


_SELECT = (
    "SELECT id, name, path, is_inside, size_bytes, fingerprint, duration_seconds, fps, start, "
    "start_from FROM videos"
)


def safe_name(name: str) -> str:
    """A name of a file as one that labels can have: one line, of what can be shown."""
    shown = visible(name.encode("utf-8", "backslashreplace").decode("utf-8")).strip()
    return shown[:MAX_NAME_CHARACTERS].strip() or "video"


def _free_name(connection: sqlite3.Connection, path: Path) -> str:
    taken = {row[0] for row in connection.execute("SELECT name FROM videos")}
    name = safe_name(path.name)
    if name in taken and path.parent.name:
        name = safe_name(f"{path.parent.name}/{path.name}")
    plain, number = name, 1
    while name in taken:
        number += 1
        name = f"{plain} ({number})"
    return name


def _look_at(path: Path) -> dict[str, Any]:
    """Size, time and fingerprint, as columns.

    Raises:
        VideoNotFoundError: If it cannot be read, or is no regular file.
    """
    try:
        if (kind := other_kind(path)) is not None:
            raise VideoNotFoundError(f"{path} is {kind}; name a video file")
        # The time first: of a file that grows meanwhile, it is noticed that it changed.
        status = path.stat()
        return {
            "size_bytes": status.st_size,
            "modified_ns": status.st_mtime_ns,
            "fingerprint": fingerprint(path),
        }
    except (OSError, ValueError) as error:  # a name with a NUL is a ValueError
        words = error.strerror if isinstance(error, OSError) else error
        raise VideoNotFoundError(f"{path} cannot be read: {words}") from error


def _fitting(videos: Iterable[ProjectVideo], path: Path, mark: str) -> ProjectVideo | None:
    by_content = (one for one in videos if one.fingerprint == mark)
    by_name = (one for one in videos if one.fingerprint is None and one.name == path.name)
    return next(by_content, None) or next(by_name, None)


def _files_of(paths: Iterable[str | Path]) -> Iterator[Path]:
    for given in paths:
        path = Path(os.path.abspath(given))
        if not path.is_dir():
            yield path
            continue
        for folder, folders, names in os.walk(path):
            folders.sort()
            for name in sorted(names):
                yield Path(folder) / name


def _filled(known: VideoFacts, given: VideoFacts) -> VideoFacts:
    """What is known, and of the rest what is given."""
    start = known if known.start is not None else given
    return VideoFacts(
        duration_seconds=given.duration_seconds
        if known.duration_seconds is None
        else known.duration_seconds,
        fps=given.fps if known.fps is None else known.fps,
        start=start.start,
        start_from=start.start_from,
    )


def _fact_values(facts: VideoFacts) -> dict[str, Any]:
    return {
        "duration_seconds": facts.duration_seconds,
        "fps": facts.fps,
        "start": None if facts.start is None else facts.start.isoformat(),
        "start_from": facts.start_from,
    }


def _stored(path: str) -> str | bytes:
    """As text where it is Unicode, as nearly all are; else the bytes that the system has."""
    try:
        path.encode("utf-8")
    except UnicodeEncodeError:
        return os.fsencode(path)
    return path
