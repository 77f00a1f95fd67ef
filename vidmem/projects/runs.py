"""The runs of a project: what ran over which video, how far it came, and where its files are.

A process holds `runs/ID/run.lock` for as long as it runs a run. So a run that is marked as running
or paused and that nobody holds was interrupted: its process was killed, or the machine went off.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import threading
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, get_args

from vidmem.errors import ProjectError
from vidmem.holding import HeldFile, is_held
from vidmem.plain import to_json
from vidmem.projects.storage.database import Database
from vidmem.projects.storage.failures import project_errors
from vidmem.projects.storage.places import RUNS
from vidmem.projects.videos import VideoList

RunState = Literal["running", "paused", "finished", "stopped", "failed", "interrupted"]
"""`stopped`: by a person, before its end; `interrupted`: its process is gone."""

ActiveState = Literal["running", "paused"]
EndState = Literal["finished", "stopped", "failed"]

LOCK = "run.lock"
_DELETED = ".deleted-"
_RUN_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True, kw_only=True)
class KeptRun:
    """A run of a project, as it is known now."""

    run_id: str
    """32 hexadecimal digits; who knows it may see the files of the run."""

    video: str | None
    """The project's name of its video; `None`: a camera, an address, or no video of the project."""

    source: str
    """What was watched, in words: a path, an address."""

    model: str
    settings: Mapping[str, Any]
    """Plain values, as the caller gave them."""

    state: RunState
    progress_seconds: float
    """How far it came in its source, from the start."""

    error: str
    """Why it failed, in a sentence; empty: it did not."""

    created_at: datetime
    updated_at: datetime
    folder: Path
    """Where its files are; not there any more if somebody deleted it."""


class RunList:
    """The runs of a project."""

    def __init__(
        self, folder: Path, database: Database, videos: VideoList, now: Callable[[], datetime]
    ) -> None:
        """Of a project; `now` is the clock."""
        self._runs = folder / RUNS
        self._folder, self._database, self._videos, self._now = folder, database, videos, now
        self._held: dict[str, HeldFile] = {}
        self._held_lock = threading.Lock()

    def create(
        self,
        *,
        model: str,
        video: str | None = None,
        source: str = "",
        settings: Mapping[str, Any] | None = None,
    ) -> KeptRun:
        """A run that begins now, of this process until `finish`; its folder is made.

        Args:
            model: By its name.
            video: The project's name of its video.
            source: What is watched, where that is no video of the project.
            settings: Plain values, as JSON has them.

        Raises:
            ProjectError: If there is no such video, or the project cannot be written.
        """
        run_id = uuid.uuid4().hex
        text, at = to_json(settings or {}), self._now().isoformat()
        with project_errors(self._folder):
            (self._runs / run_id).mkdir(mode=0o700)
        try:
            self._hold(run_id)
            with self._database.writing() as connection:
                known = None if video is None else self._videos.find(connection, video)
                if known is not None and not source:
                    source = str(known.path or known.name)
                video_id = None if known is None else known.video_id
                connection.execute(
                    "INSERT INTO runs VALUES (?, ?, ?, ?, ?, 'running', 0, '', ?, ?)",
                    (run_id, video_id, _storable(source), model, text, at, at),
                )
        except BaseException:
            self._release(run_id)
            shutil.rmtree(self._runs / run_id, ignore_errors=True)
            raise
        return self[run_id]

    def update(
        self,
        run_id: str,
        *,
        progress_seconds: float | None = None,
        state: ActiveState | None = None,
        model: str | None = None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        """Note how far a run came, that it pauses, or goes on with another model or settings.

        `None`: as before. The caller throttles it.

        Quick, and not on the disk at once: a power cut may cost the last seconds of it.

        Raises:
            ProjectError: If there is no such run, or the project cannot be written.
        """
        if state is not None and state not in get_args(ActiveState):
            raise ValueError(f"state must be of {get_args(ActiveState)}, got {state!r}")
        values = {
            "progress_seconds": progress_seconds,
            "state": state,
            "model": model,
            "settings": None if settings is None else to_json(settings),
        }
        with self._database.writing(is_durable=False) as connection:
            self._set(connection, run_id, {k: v for k, v in values.items() if v is not None})

    def finish(
        self,
        run_id: str,
        state: EndState,
        *,
        progress_seconds: float | None = None,
        error: str = "",
    ) -> KeptRun:
        """A run has ended, and why; this process lets go of it.

        Args:
            run_id: Of a run.
            state: How it ended.
            progress_seconds: How far it came; `None`: as noted.
            error: A sentence, of one that failed.

        Raises:
            ProjectError: If there is no such run, or the project cannot be written; the process
                lets go of it even so.
        """
        if state not in get_args(EndState):
            raise ValueError(f"state must be of {get_args(EndState)}, got {state!r}")
        values: dict[str, Any] = {"state": state, "error": error}
        if progress_seconds is not None:
            values["progress_seconds"] = progress_seconds
        try:
            with self._database.writing() as connection:
                self._set(connection, run_id, values)
        finally:
            self._release(run_id)
        return self[run_id]

    def resume(self, run_id: str) -> KeptRun:
        """A run goes on, in this process; its files and its progress are as they were.

        Raises:
            ProjectError: If there is no such run, it is running already, or the project cannot be
                written.
        """
        self[run_id]
        self._hold(run_id)
        try:
            with self._database.writing() as connection:
                self._set(connection, run_id, {"state": "running", "error": ""})
        except BaseException:
            self._release(run_id)
            raise
        return self[run_id]

    def __getitem__(self, run_id: str) -> KeptRun:
        """The run of an id.

        Raises:
            ProjectError: If there is none.
        """
        with self._database.reading() as connection:
            row = connection.execute(f"{_SELECT} WHERE runs.id = ?", (run_id,)).fetchone()
        if row is None:
            raise _no_run(run_id)
        return self._run(row)

    def list(self, *, video: str | None = None) -> tuple[KeptRun, ...]:
        """All runs, the newest first, or those of a video."""
        with self._database.reading() as connection:
            rows = connection.execute(
                f"{_SELECT} WHERE ? IS NULL OR videos.name = ? ORDER BY runs.created_at DESC, "
                "runs.rowid DESC",
                (video, video),
            ).fetchall()
        return tuple(map(self._run, rows))

    def interrupted(self) -> tuple[KeptRun, ...]:
        """Those whose process is gone, to be offered for resuming; they are marked so.

        Raises:
            ProjectError: If the project cannot be written.
        """
        gone = [
            one.run_id
            for one in self.list()
            if one.state in get_args(ActiveState) and not self._is_held(one.run_id)
        ]
        if gone:
            with self._database.writing() as connection:
                for run_id in gone:
                    connection.execute(
                        "UPDATE runs SET state = 'interrupted' WHERE id = ? "
                        "AND state IN ('running', 'paused')",
                        (run_id,),
                    )
        return tuple(one for one in self.list() if one.state == "interrupted")

    def delete(self, run_id: str) -> None:
        """Delete a run and its folder, for good.

        Raises:
            ProjectError: If there is no such run, it is running, or its files cannot be deleted.
        """
        folder = self[run_id].folder
        if self._is_held(run_id):
            raise ProjectError(f"the run {run_id} is running; stop it before you delete it")
        # Renamed first: killed in between, there is either the run with its files, or neither, and
        # what is left is swept when the project is opened.
        aside = folder.with_name(f"{_DELETED}{run_id}")
        with project_errors(self._folder):
            # A link would lead out of the project: then only the link itself goes.
            if folder.is_symlink():
                folder.unlink()
            elif folder.exists():
                folder.rename(aside)
        with self._database.writing() as connection:
            connection.execute("DELETE FROM runs WHERE id = ?", (run_id,))
        shutil.rmtree(aside, ignore_errors=True)

    def sweep(self) -> None:
        """Delete what is left of runs whose deletion was cut off."""
        if self._runs.is_dir() and not self._runs.is_symlink():
            for path in self._runs.glob(f"{_DELETED}*"):
                if not path.is_symlink():
                    shutil.rmtree(path, ignore_errors=True)

    def close(self) -> None:
        """Let go of all runs of this process; those that run are interrupted then."""
        with self._held_lock:
            held = list(self._held.values())
            self._held.clear()
        for one in held:
            one.release()

    # Inner workings.

    def _hold(self, run_id: str) -> None:
        with self._held_lock:
            if run_id in self._held:
                raise ProjectError(f"the run {run_id} is running already, in this process")
            with project_errors(self._folder):
                folder = self._folder_of(run_id)
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
                held = HeldFile.take(folder / LOCK)
            if held is None:
                raise ProjectError(f"the run {run_id} is running already, in another process")
            self._held[run_id] = held

    def _release(self, run_id: str) -> None:
        with self._held_lock:
            held = self._held.pop(run_id, None)
        if held is not None:
            held.release()

    def _is_held(self, run_id: str) -> bool:
        if run_id in self._held:
            return True
        with project_errors(self._folder):
            return is_held(self._folder_of(run_id) / LOCK)

    def _set(self, connection: sqlite3.Connection, run_id: str, values: dict[str, Any]) -> None:
        values = {**values, "updated_at": self._now().isoformat()}
        columns = ", ".join(f"{column} = ?" for column in values)
        done = connection.execute(
            f"UPDATE runs SET {columns} WHERE id = ?", (*values.values(), run_id)
        )
        if done.rowcount == 0:
            raise _no_run(run_id)

    def _folder_of(self, run_id: str) -> Path:
        """Inside of the project, whatever stands in the database."""
        if not _RUN_ID.fullmatch(run_id):
            raise _no_run(run_id)
        return Path(os.path.abspath(self._runs)) / run_id

    def _run(self, row: tuple) -> KeptRun:
        run_id, video, source, model, settings, state, progress, error, created, updated = row
        return KeptRun(
            run_id=run_id,
            video=video,
            source=source,
            model=model,
            settings=json.loads(settings),
            state=state,
            progress_seconds=progress,
            error=error,
            created_at=datetime.fromisoformat(created),
            updated_at=datetime.fromisoformat(updated),
            folder=self._folder_of(run_id),
        )


_SELECT = (
    "SELECT runs.id, videos.name, source, model, settings, state, progress_seconds, error, "
    "created_at, updated_at FROM runs LEFT JOIN videos ON videos.id = video_id"
)


def _no_run(run_id: str) -> ProjectError:
    return ProjectError(f"there is no run {run_id!r:.60} in the project (any more)")


def _storable(text: str) -> str:
    """A path that is no Unicode, as it can be shown."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")
