"""A project: a folder that keeps the ethogram, videos, labels, models, runs and features."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

from vidmem.errors import ProjectError
from vidmem.holding import HeldFile
from vidmem.labels import Ethogram, Labels, OnConflict
from vidmem.labels import preset as preset_of
from vidmem.projects.blind_checks import BlindCheckList
from vidmem.projects.ethogram_editor import EthogramEditor
from vidmem.projects.feed import Changes, changes_since
from vidmem.projects.history import EditHistory
from vidmem.projects.importing import Importer, ImportPreview
from vidmem.projects.journal import newest_revision, write_edit
from vidmem.projects.label_store import LabelStore, shown_part
from vidmem.projects.opening import (
    bring_up,
    check_copy,
    check_place,
    copy_of_day,
    set_up,
    take_part,
)
from vidmem.projects.runs import KeptRun, RunList
from vidmem.projects.storage.copies import DatabaseCopy, list_copies, put_back
from vidmem.projects.storage.database import Database
from vidmem.projects.storage.failures import project_errors
from vidmem.projects.storage.places import (
    COPIES,
    DATABASE,
    FEATURES,
    LOCK,
    MODELS,
    RUNS,
    default_folder,
)
from vidmem.projects.videos import ProjectVideo, VideoFacts, VideoList


def local_now() -> datetime:
    """The time by the clock of the machine, with its offset from UTC."""
    return datetime.now().astimezone()


class Project:
    """A project that is open; several threads, and several processes, may have one open at once.

    What it keeps is under `videos`, `labels`, `behaviours` (the ethogram, to edit), `history`,
    `runs` and `blind_checks`; models and features are folders. All that is written is on the disk
    when the call returns, but for the progress of runs. It is closed by `close`, or as a context.
    """

    def __init__(
        self, database: Database, held: HeldFile, now: Callable[[], datetime] = local_now
    ) -> None:
        """Of a database that was checked; use `open` or `create`."""
        self.folder = database.folder
        self._database, self._held, self._now = database, held, now
        self.videos = VideoList(self.folder, database, now)
        self.labels = LabelStore(database, self.videos, now)
        self.behaviours = EthogramEditor(database, now)
        self.history = EditHistory(database, now)
        self.runs = RunList(self.folder, database, self.videos, now)
        self.blind_checks = BlindCheckList(database, now)
        self._importer = Importer(database, self.videos, self.labels, now)

    # Opening and closing.

    @classmethod
    def open(cls, folder: str | Path, *, now: Callable[[], datetime] = local_now) -> Self:
        """Open a project; at the first time of a day, a copy of its database is made.

        Args:
            folder: Of the project.
            now: The clock.

        Raises:
            ProjectError: If the folder is no project, its database is damaged (the message has the
                copies there are), of a newer version or another program, or cannot be written.
        """
        folder = Path(os.path.abspath(folder))
        check_place(folder)
        held = take_part(folder)
        database = Database(folder)
        try:
            bring_up(database, now().date())
            project = cls(database, held, now)
            project._make_folders()
            project.runs.sweep()
        except BaseException:
            database.close()
            held.release()
            raise
        return project

    @classmethod
    def create(
        cls,
        folder: str | Path,
        preset: str = "empty",
        *,
        now: Callable[[], datetime] = local_now,
    ) -> Self:
        """Make a project in a folder, which may be there and hold videos, and open it.

        Args:
            folder: Made if it is not there, for this user alone.
            preset: The ethogram to begin with, of `vidmem.labels.PRESETS`.
            now: The clock.

        Raises:
            LabelError: If there is no such preset.
            ProjectError: If there is a project already, or it cannot be written.
        """
        ethogram = preset_of(preset)
        folder = Path(os.path.abspath(folder))
        with project_errors(folder):
            folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if (folder / DATABASE).exists():
            check_place(folder)
        held = take_part(folder)
        database = Database(folder, is_new=True)
        try:
            set_up(database, ethogram)
        finally:
            database.close()
            held.release()
        return cls.open(folder, now=now)

    @classmethod
    def open_or_create(
        cls,
        folder: str | Path | None = None,
        preset: str = "empty",
        *,
        now: Callable[[], datetime] = local_now,
    ) -> Self:
        """Open a project, or make it where there is nothing yet; `None`: the user's default one.

        Raises:
            LabelError: If there is no such preset.
            ProjectError: As `open` and `create`; a project that lost its database is not made anew.
        """
        place = default_folder() if folder is None else Path(folder)
        if not list_copies(place):
            # Tried first: a file that is there may be of a process that makes the project just now.
            try:
                return cls.create(place, preset, now=now)
            except ProjectError:
                if not (place / DATABASE).exists():
                    raise
        return cls.open(place, now=now)

    @classmethod
    def restore(
        cls,
        folder: str | Path,
        copy: DatabaseCopy | str | Path,
        *,
        now: Callable[[], datetime] = local_now,
    ) -> Self:
        """Go back to a copy of the database, and open it.

        The database that was there is kept beside it, as `project.db.before-1` or the next number.

        Args:
            folder: Of the project, which nobody may have open.
            copy: One of `copies`, its name, or its path.
            now: The clock.

        Raises:
            ProjectError: If somebody has the project open, or the copy is damaged or no copy.
        """
        folder = Path(os.path.abspath(folder))
        path = copy.path if isinstance(copy, DatabaseCopy) else folder / COPIES / copy
        with project_errors(folder):
            held = HeldFile.take(folder / LOCK)
        if held is None:
            raise ProjectError(
                f"the project {folder} is open, here or in another program; close it there, and "
                "then go back to a copy"
            )
        try:
            check_copy(path)
            with project_errors(folder):
                put_back(folder, path, now())
        finally:
            held.release()
        return cls.open(folder, now=now)

    def close(self) -> None:
        """Close it; runs that this process runs count as interrupted then."""
        self.runs.close()
        self._database.close()
        self._held.release()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    # What it keeps.

    @property
    def ethogram(self) -> Ethogram:
        """As it is now; it is edited by `behaviours`."""
        return self.behaviours.value

    @property
    def revision(self) -> int:
        """Of the last change of labels, ethogram or videos; 0 before the first."""
        return self.labels.revision

    @property
    def models_folder(self) -> Path:
        """Where taught models are kept."""
        return self.folder / MODELS

    @property
    def features_folder(self) -> Path:
        """Where features of videos are kept."""
        return self.folder / FEATURES

    @property
    def copies(self) -> tuple[DatabaseCopy, ...]:
        """Daily copies of the database, newest first."""
        return list_copies(self.folder)

    def copy_today(self) -> Path | None:
        """Make the copy of today if it is not there, such as by an app that runs for weeks.

        Returns:
            The new copy; `None`: it was there, or could not be made, which is logged.
        """
        return copy_of_day(self._database, self._now().date())

    # Across what it keeps.

    def undo(
        self, edit: int | None = None, *, since: int | None = None, author: str = ""
    ) -> Changes:
        """As `EditHistory.undo`."""
        return self.history.undo(edit, since=since, author=author)

    def redo(
        self, edit: int | None = None, *, since: int | None = None, author: str = ""
    ) -> Changes:
        """As `EditHistory.redo`."""
        return self.history.redo(edit, since=since, author=author)

    def changes_since(self, revision: int) -> Changes:
        """As `LabelStore.changes_since`."""
        return self.labels.changes_since(revision)

    def add_video(self, path: str | Path, facts: VideoFacts | None = None) -> ProjectVideo:
        """As `VideoList.add`."""
        return self.videos.add(path, facts)

    def remove_video(self, name: str, *, author: str = "") -> Changes:
        """Take a video out, with its labels, which can be undone; its file stays where it is.

        Raises:
            ProjectError: If there is no such video, or the project cannot be written.
        """
        with self._database.writing() as connection:
            video = self.videos.find(connection, name)
            first = newest_revision(connection)
            parts = [shown_part(video.video_id, is_shown=False)]
            words = f"took {name} out of the project"
            write_edit(connection, parts, words=words, author=author, at=self._now())
            return changes_since(connection, first)

    def preview_import(
        self, labels: Labels, names: Mapping[str, str] | None = None
    ) -> ImportPreview:
        """As `Importer.preview`."""
        return self._importer.preview(labels, names)

    def apply_import(
        self,
        preview: ImportPreview,
        *,
        on_conflict: OnConflict = "keep",
        add_unknown_videos: bool = False,
        author: str = "",
    ) -> Changes:
        """As `Importer.apply`."""
        return self._importer.apply(
            preview, on_conflict=on_conflict, add_unknown_videos=add_unknown_videos, author=author
        )

    def locate(self, paths: Iterable[str | Path]) -> tuple[ProjectVideo, ...]:
        """As `VideoList.locate`."""
        return self.videos.locate(paths)

    def interrupted_runs(self) -> tuple[KeptRun, ...]:
        """As `RunList.interrupted`."""
        return self.runs.interrupted()

    def _make_folders(self) -> None:
        with project_errors(self.folder):
            for name in (MODELS, FEATURES):
                (self.folder / name).mkdir(exist_ok=True)
            # Names of runs give access to their files in the app: nobody else may list them.
            (self.folder / RUNS).mkdir(exist_ok=True, mode=0o700)
