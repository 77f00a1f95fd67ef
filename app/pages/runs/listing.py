"""The runs of the project as the page lists them, and what may be done with each."""

from __future__ import annotations

import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.pages.runs import wording
from app.projects.run_bouts import unlike_of_run
from app.run.kept.play import PAGE_RUN, STATE, prediction_files
from app.run.registry import RunRegistry
from app.run.wording import unlike_clips
from vidmem.errors import SettingError
from vidmem.projects import KeptRun, Project

MAX_LISTED = 300
"""Runs in one answer, the newest; the others stay in the project."""

_ENDED = ("interrupted", "stopped", "failed")


@dataclass(frozen=True)
class _Folder:
    num_bytes: int
    names: tuple[str, ...]
    """Of the files of predictions, oldest first."""

    has_state: bool

    @classmethod
    def look(cls, folder: Path) -> _Folder:
        try:
            num_bytes = sum(entry.stat().st_size for entry in os.scandir(folder))
        except OSError:  # somebody deleted it
            return cls(0, (), has_state=False)
        names = tuple(path.name for path in prediction_files(folder))
        return cls(num_bytes, names, has_state=any(folder.glob(f"*{STATE}")))


class RunListing:
    """All runs of a project, and which of them play in this app.

    Args:
        project: That keeps them.
        registry: Of the runs of this app.
    """

    def __init__(self, project: Project, registry: RunRegistry) -> None:
        self._project, self._registry = project, registry
        self._lock = threading.Lock()
        # What lies in the folder of a run changes only while it is noted.
        self._folders: dict[str, tuple[str, _Folder]] = {}

    def rows(self, video: str | None) -> dict[str, Any]:
        """All runs, or those of a video of the project, newest first.

        Raises:
            ProjectError: If the project cannot be read, or runs that were interrupted be marked.
        """
        self._project.interrupted_runs()
        kept = self._project.runs.list(video=video)
        lengths = {one.name: one.facts.duration_seconds for one in self._project.videos.list()}
        folders = self._look({one.run_id: one for one in kept}, is_all=video is None)
        return {
            "runs": [self._row(one, folders[one.run_id], lengths) for one in kept[:MAX_LISTED]],
            "num_more": max(0, len(kept) - MAX_LISTED),
            "num_runs": len(kept),
            "total_bytes": sum(folder.num_bytes for folder in folders.values()),
        }

    def _look(self, kept: dict[str, KeptRun], *, is_all: bool) -> dict[str, _Folder]:
        with self._lock:
            known = dict(self._folders)
        found: dict[str, tuple[str, _Folder]] = {}
        for run_id, one in kept.items():
            stamp = f"{one.state} {one.updated_at}"
            is_same = run_id in known and known[run_id][0] == stamp
            is_active = one.state in ("running", "paused")
            found[run_id] = (
                known[run_id] if is_same and not is_active else (stamp, _Folder.look(one.folder))
            )
        with self._lock:
            # Those that were deleted are forgotten.
            self._folders = found if is_all else {**self._folders, **found}
        return {run_id: folder for run_id, (_, folder) in found.items()}

    def _row(
        self, kept: KeptRun, folder: _Folder, lengths: dict[str, float | None]
    ) -> dict[str, Any]:
        is_active = kept.state in ("running", "paused")
        run = self._registry.find_playing(kept.run_id) if is_active else None
        can_go_on = kept.state in _ENDED and folder.has_state and kept.video is not None
        return {
            "id": kept.run_id,
            "video": kept.video,
            "source": wording.model_name(kept.source) if kept.video else kept.source,
            "model": wording.model_name(kept.model),
            "state": kept.state,
            "error": kept.error,
            "warning": unlike_clips(*unlike_of_run(kept)),
            "progress_seconds": kept.progress_seconds,
            "duration_seconds": lengths.get(kept.video) if kept.video else None,
            "created": kept.created_at.isoformat(),
            "settings": {k: v for k, v in kept.settings.items() if k != PAGE_RUN},
            "settings_words": wording.settings_words(kept.settings),
            "size_bytes": folder.num_bytes,
            "files": [[f"runs/{kept.run_id}/{name}", name] for name in folder.names],
            "is_here": run is not None,
            "has_page": run is not None and self._registry.has_page(run.run_id),
            "can_resume": can_go_on or (run is not None and kept.state == "paused"),
        }

    def stop(self, run_id: str) -> None:
        """Stop a run that plays in this app.

        Raises:
            SettingError: If it does not.
        """
        run = self._registry.find_playing(run_id)
        if run is None:
            raise SettingError(wording.NOT_HERE)
        with run.commands:
            run.stop()

    def delete(self, run_id: str) -> None:
        """Delete a run with its files, for good.

        Raises:
            SettingError: If it plays in this app.
            ProjectError: If there is none, it plays in another, or cannot be deleted.
        """
        if self._registry.find_playing(run_id) is not None:
            raise SettingError(wording.PLAYS)
        self._project.runs.delete(run_id)
        for run in self._registry.showing(run_id):
            with run.commands:
                run.forget_kept()

    def leave_interrupted(self) -> None:
        """Those that were interrupted are not offered any more; each can still be resumed.

        Raises:
            ProjectError: If the project cannot be written.
        """
        for one in self._project.interrupted_runs():
            self._project.runs.finish(one.run_id, "stopped")
