"""What one page's run writes: its plays are kept in the project, and their files are offered."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.projects.kept_videos import keep_video
from app.run import wording as run_wording
from app.run.board import Board
from app.run.kept.files import KeptFiles
from app.run.kept.play import (
    PAGE_RUN,
    PREDICTIONS,
    STATE,
    KeptPlay,
    prediction_files,
    settings_to_keep,
)
from app.run.results.files import MAX_LINKS
from app.sources.names import clean_stem
from app.sources.shelf import Video
from app.tools import EngineLike
from vidmem.errors import ProjectError, VidmemError
from vidmem.projects import KeptRun
from vidmem.streaming import Prediction, StreamSettings

EarlierFile = tuple[str, str, dict[str, Any]]
"""Address, name, and what the page says beside it."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class PlayFiles:
    """The files of one play; `None`: nothing of it is kept."""

    out: Path | None = None
    state: Path | None = None
    """The stream as it was a moment ago, so that it can go on; of a camera there is none."""


@dataclass(frozen=True, kw_only=True)
class PlayStart:
    """What a play begins with."""

    video: Video
    model: str
    settings: StreamSettings
    start_seconds: float


class RunDownloads:
    """The plays of one run of a page: kept, on the board, and from when on nothing is saved.

    A play that cannot be kept, since the disk is full or the project cannot be written, goes on
    without: the page says so.
    """

    def __init__(self, board: Board, files: KeptFiles, run_id: str) -> None:
        self._board, self._files, self._run_id = board, files, run_id
        self._out: Path | None = None
        self._play: PlayFiles | None = None
        self._kept: KeptPlay | None = None
        self._lock = threading.Lock()
        self._video_names: dict[str, str | None] = {}
        self._plays: list[str] = []
        """Ids of the plays before, oldest first."""

        # Not from the disk: most file systems tell only when a file was last written to.
        self._begun_at: dict[str, float] = {}
        self._unsaved_seconds: float | None = None
        self._why_unsaved = ""
        self.show()

    @property
    def kept_id(self) -> str:
        """Of the kept run of the newest play; empty where it is not kept."""
        kept = self._kept
        return kept.run_id if kept is not None else ""

    @property
    def has_state(self) -> bool:
        """Whether the newest play can go on once it is stopped."""
        return self._play is not None and self._play.state is not None

    def keep_video(self, video: Video, info: Any) -> str:
        """Put the file into the project; takes time, where it is an upload that must be copied.

        Returns:
            What went wrong, in words; empty: nothing did.
        """
        name: str | None = None
        trouble = ""
        if not video.is_live:
            try:
                name = keep_video(self._files.project, video, info).name
            except (VidmemError, OSError) as error:
                # The play is kept without its video then.
                logger.warning("%s is not kept in the project: %s", video.title, error)
                trouble = run_wording.video_not_kept(video.title)
        self._video_names = {video.key: name}
        return trouble

    def begin(self, start: PlayStart) -> PlayFiles:
        """Where the next play of a video is written; `keep_video` comes before."""
        self._leave_kept()
        self._set_unsaved(None)
        self._out, self._play = None, PlayFiles()
        video = start.video
        try:
            self._kept = KeptPlay.begin(
                self._files.project,
                video,
                video_name=self._video_names.get(video.key),
                model=start.model,
                settings=settings_to_keep(start.settings, start.start_seconds, self._run_id),
            )
        except ProjectError as error:
            logger.warning("a play of %s is not kept: %s", video.title, error)
            seconds = start.start_seconds
            self._set_unsaved(seconds, run_wording.project_trouble(error, seconds))
            return self._play
        folder, stem = self._kept.kept.folder, clean_stem(video.path.stem)
        self._out = folder / f"{stem}{PREDICTIONS}"
        self._note_begin(self._out)
        self._play = PlayFiles(self._out, None if video.is_live else folder / f"{stem}{STATE}")
        return self._play

    def resume(self) -> PlayFiles:
        """The newest play goes on, in its files.

        Raises:
            ProjectError: If another page or process runs it, or it cannot be noted that it does.
        """
        assert self._play is not None, "nothing was played"
        if self._kept is None:
            raise ProjectError("nothing of what was played was kept")
        self._kept.resume()
        return self._play

    def take_up(self, kept: KeptRun) -> PlayFiles:
        """A run of the project is the newest play, as after its stop."""
        self._leave_kept()
        self._set_unsaved(None)
        self._kept = KeptPlay(self._files.project, kept, is_held=False)
        written = prediction_files(kept.folder)
        self._out = written[-1] if written else None
        first = next((path for path in written if path.name.endswith(PREDICTIONS)), None)
        state = next(iter(kept.folder.glob(f"*{STATE}")), None)
        self._play = PlayFiles(first, state)
        self.show()
        return self._play

    def note(self, status: str, progress_seconds: float) -> None:
        """How the newest play is, and how far it came: what is not saved is not kept."""
        kept, unsaved = self._kept, self._unsaved_seconds
        if kept is None:
            return
        if unsaved is not None:
            progress_seconds = min(progress_seconds, unsaved)
            if status in {"finished", "stopped"}:
                status = "failed"
                kept.fail(self._why_unsaved)
        kept.note(status, progress_seconds)

    def note_failure(self, sentence: str) -> None:
        """Why it is about to fail."""
        kept = self._kept
        if kept is not None:
            kept.fail(sentence)

    def on_prediction(self, engine: EngineLike, prediction: Prediction, model: str) -> None:
        """A prediction was written, or could not be."""
        if engine.out not in (None, self._out):  # a model with other classes begins another file
            self._out = engine.out
            self._note_begin(engine.out)
            self.show()
        kept = self._kept
        if kept is not None:
            kept.note_settings(model, engine.settings)
        error = engine.storage_error
        if error is not None and self._unsaved_seconds is None:
            seconds = prediction.start_seconds
            reason = run_wording.why_unsaved(error, self._out, seconds)
            self._set_unsaved(seconds, run_wording.storage_trouble(reason, seconds))
            self._why_unsaved = reason

    def clean_up(self) -> None:
        """Nothing writes any more: what is of no use goes."""
        kept = self._kept
        if kept is not None:
            kept.clean_up()
            self.show()

    def let_go(self) -> None:
        """The app ends: what plays is interrupted, and offered when it is back."""
        kept = self._kept
        if kept is not None:
            kept.let_go()

    def leave(self) -> None:
        """Another video is chosen: what was written so far is of an earlier one."""
        self._leave_kept()
        self._out = self._play = None
        self._set_unsaved(None)
        self.show()

    def forget(self) -> None:
        """The newest play was deleted."""
        self._kept = self._out = self._play = None
        self.show()

    def _leave_kept(self) -> None:
        kept, self._kept = self._kept, None
        if kept is None:
            return
        # One that could not go on is as it was; one that ended has noted that already.
        kept.note("stopped", None)
        kept.clean_up()
        self._plays = [*(one for one in self._plays if one != kept.run_id), kept.run_id][
            -MAX_LINKS:
        ]

    @property
    def unsaved(self) -> str:
        """A sentence from when on predictions are not saved; empty where they are."""
        return "" if self._unsaved_seconds is None else run_wording.not_saved(self._unsaved_seconds)

    def _set_unsaved(self, seconds: float | None, trouble: str = "") -> None:
        self._unsaved_seconds = seconds
        storage = {"text": trouble, "unsaved": self.unsaved} if self.unsaved else None
        self._board.put("storage", storage)

    def plays_of(self, run_id: str) -> list[KeptRun]:
        """The plays of another run of a page, oldest first: the newest few."""
        runs = self._files.project.runs
        try:
            runs.interrupted()  # which marks them
            kept = [one for one in runs.list() if one.settings.get(PAGE_RUN) == run_id]
        except ProjectError as error:
            logger.warning("the runs of a page cannot be looked for: %s", error)
            return []
        return kept[:MAX_LINKS][::-1]

    def links_of(self, run_id: str) -> list[tuple[str, str]]:
        """The files of another run of a page."""
        links = [link for one in self.plays_of(run_id) for link in self._files.links(one.run_id)]
        return (links or self._files.before.links(run_id))[-MAX_LINKS:]

    def show(self) -> None:
        """Put all files on the board; the newest is the one being watched, if there is one."""
        with self._lock:
            links = self._files.links(self._kept.run_id) if self._kept is not None else []
            newest = links.pop() if links and self._out is not None else None
            earlier = [link for one in self._plays for link in self._files.links(one)] + links
            shown = [self._earlier(link) for link in earlier[-MAX_LINKS:]]
            self._board.put("csv", {"newest": newest, "earlier": shown})

    def _note_begin(self, out: Path) -> None:
        run_id = self._kept.run_id if self._kept is not None else ""
        self._begun_at[f"runs/{run_id}/{out.name}"] = time.time()

    def _earlier(self, link: tuple[str, str]) -> EarlierFile:
        """What tells a file from the others: most often they are all of one video."""
        address, name = link
        facts = self._files.facts(address.split("/")[1], name)
        begun = self._begun_at.get(address)
        return *link, {"begun": begun, "model": facts.model, "until": facts.end_seconds}
