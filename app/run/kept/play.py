"""A play as the project keeps it: what runs over which video, how far it came, and how it ended."""

from __future__ import annotations

import logging
import platform
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import vidmem
from app.run.folders import has_rows
from app.sources.shelf import Video
from vidmem.errors import ProjectError
from vidmem.projects import KeptRun, Project
from vidmem.streaming import StreamSettings

NOTE_SECONDS = 3.0
"""Between two notes of how far a play came: so much of a progress bar a power cut may cost."""

PREDICTIONS, STATE = "-predictions.csv", "-predictions.state"
"""How names of a run's files end; a model with other classes begins `-predictions-2.csv`."""

PAGE_RUN = "page_run"
"""In the settings of a kept run, the run of the page that it was played in; told to nobody."""

_ENDS = ("finished", "stopped", "failed")

logger = logging.getLogger(__name__)


def settings_to_keep(
    settings: StreamSettings, start_seconds: float, page_run: str
) -> dict[str, Any]:
    """What a kept run says of itself beside its model, as plain values."""
    versions = {"vidmem": vidmem.__version__, "python": platform.python_version()}
    return {
        **settings.as_dict(),
        "start_seconds": start_seconds,
        "versions": versions,
        PAGE_RUN: page_run,
    }


def prediction_files(folder: Path) -> list[Path]:
    """The files of predictions in the folder of a kept run, in the order in which they began."""
    return sorted(folder.glob("*-predictions*.csv"), key=lambda path: (len(path.name), path.name))


class KeptPlay:
    """One play, noted in a project as it goes; what cannot be noted stops nothing.

    Requests and the engine's thread call it; each note says all there is to say.
    """

    def __init__(
        self,
        project: Project,
        kept: KeptRun,
        *,
        is_held: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """A run of the project.

        Args:
            project: That keeps it.
            kept: The run.
            is_held: Whether this process runs it; else it is one that was, until `resume`.
            clock: In seconds.
        """
        self.kept = kept
        self._project, self._clock = project, clock
        self._lock = threading.RLock()
        self._is_held = is_held
        self._state: str = kept.state
        self._due = clock() + NOTE_SECONDS
        self._settings: tuple[str, StreamSettings] | None = None
        self._error = ""

    @classmethod
    def begin(
        cls,
        project: Project,
        video: Video,
        *,
        video_name: str | None,
        model: str,
        settings: dict[str, Any],
    ) -> KeptPlay:
        """A new run of a project.

        Raises:
            ProjectError: If the project cannot be written.
        """
        kept = project.runs.create(
            model=model, video=video_name, source=video.title, settings=settings
        )
        return cls(project, kept, is_held=True)

    @property
    def run_id(self) -> str:
        """Of the kept run."""
        return self.kept.run_id

    @property
    def is_finished(self) -> bool:
        """Whether it came to the end of its video."""
        return self._state == "finished"

    def resume(self) -> None:
        """This process runs it again.

        Raises:
            ProjectError: If another one does, it was deleted, or the project cannot be written.
        """
        with self._lock:
            if not self._is_held:
                self.kept = self._project.runs.resume(self.run_id)
                self._is_held, self._state, self._error = True, "running", ""

    def let_go(self) -> None:
        """The app ends under it: it stays under way, and is offered when the app is back."""
        with self._lock:
            self._is_held = False

    def fail(self, sentence: str) -> None:
        """Why it is about to fail."""
        self._error = sentence

    def note(self, status: str, progress_seconds: float | None) -> None:
        """Note how the play is, as the player says it, and how far it came; `None`: as noted."""
        with self._lock:
            try:
                if status in ("playing", "paused"):
                    self._note_active(
                        "running" if status == "playing" else "paused", progress_seconds
                    )
                elif status in _ENDS and self._is_held:
                    self._end(status, progress_seconds)
            except ProjectError as error:
                # Once per note that is due, so not with each clip; the play goes on.
                self._due = self._clock() + NOTE_SECONDS
                logger.warning("the run %s goes on, and cannot be noted: %s", self.run_id, error)

    def _note_active(self, state: Any, progress_seconds: float | None) -> None:
        if not self._is_held:
            if self._state not in ("finished", "failed"):
                return
            self.resume()  # by a jump back from its end
        if state == self._state and self._clock() < self._due:
            return
        self._project.runs.update(self.run_id, progress_seconds=progress_seconds, state=state)
        self._state, self._due = state, self._clock() + NOTE_SECONDS

    def _end(self, status: Any, progress_seconds: float | None) -> None:
        self._is_held, self._state = False, status
        error = self._error if status == "failed" else ""
        self.kept = self._project.runs.finish(
            self.run_id, status, progress_seconds=progress_seconds, error=error
        )

    def note_settings(self, model: str, settings: StreamSettings) -> None:
        """Note the model and the settings that judge from here on, where they are others."""
        with self._lock:
            if self._settings == (model, settings):
                return
            is_first, self._settings = self._settings is None, (model, settings)
            kept = {**self.kept.settings, **settings.as_dict()}
            is_same = (model, kept) == (self.kept.model, self.kept.settings)
            if not self._is_held or (is_first and is_same):
                return
            try:
                self._project.runs.update(self.run_id, model=model, settings=kept)
            except ProjectError as error:
                logger.warning("the settings of %s cannot be noted: %s", self.run_id, error)

    def clean_up(self) -> None:
        """Delete what is of no use, once nothing writes any more.

        That is the state of a run that came to its end; and of one that somebody stopped before its
        first clip was judged, all.
        """
        with self._lock:
            if self._is_held or self._state not in ("finished", "stopped"):
                return
            folder = self.kept.folder
            try:
                if self._state == "stopped" and not any(map(has_rows, prediction_files(folder))):
                    self._project.runs.delete(self.run_id)
                elif self._state == "finished":
                    for state in folder.glob(f"*{STATE}"):
                        state.unlink(missing_ok=True)
            except (ProjectError, OSError) as error:
                logger.warning("what the run %s left cannot be deleted: %s", self.run_id, error)
