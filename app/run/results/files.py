"""Files of predictions on disk and their addresses, also of runs that were freed."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.run import wording as run_wording
from app.run.board import Board
from app.run.results.file_facts import FileFacts, file_facts
from app.sources.names import clean_stem
from app.tools import EngineLike
from vidmem.streaming import Prediction

MAX_LINKS = 8
CHUNK_BYTES = 1 << 16
MAX_ROW_BYTES = 1 << 20
"""A row is shorter: the end of the last one is looked for in so many bytes."""

EarlierFile = tuple[str, str, dict[str, Any]]
"""Address, name, and what the page says beside it."""

_RUN_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class PredictionsFile:
    """A file up to the end of its last row at one moment; rows may be added meanwhile."""

    name: str
    num_bytes: int
    pieces: Iterator[bytes]


@dataclass(frozen=True)
class PlayFiles:
    """The files of one play."""

    out: Path
    state: Path
    """The stream as it was when the play was stopped, for as long as it can be resumed."""


class CsvFolder:
    """Files named `<run id>-<play>-<video>-predictions.csv`: the id of a run gives access to them.

    Nothing is held in memory, so they are there after a restart too, until the folder is swept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new_path(self, run_id: str, play: int, video: Path) -> Path:
        """Where a play of a video is written."""
        self._folder.mkdir(parents=True, exist_ok=True)
        return self._folder / f"{run_id}-{play}-{clean_stem(video.stem)}-predictions.csv"

    def links(self, run_id: str) -> list[tuple[str, str]]:
        """`(address, name)` of each file of a run, oldest first: the newest few."""
        names = self.names(run_id)[-MAX_LINKS:]
        return [(f"runs/{run_id}/{name}", _shown(name)) for name in names]

    def names(self, run_id: str) -> list[str]:
        """The last part of each address of a run's files, oldest first."""
        return [path.name.removeprefix(f"{run_id}-") for path in self._files(run_id)]

    def newest(self, run_id: str) -> str:
        """The whole name of a run's newest file, which it may be writing to; else empty."""
        return next((path.name for path in reversed(self._files(run_id))), "")

    def open(self, run_id: str, name: str) -> PredictionsFile | None:
        """A file of a run by the last part of its address, where there is one."""
        path = self._folder / f"{run_id}-{name}"
        # The name is from an address: only what the listing has is opened.
        if path not in self._files(run_id):
            return None
        num_bytes = _end_of_rows(path)
        return PredictionsFile(_shown(name), num_bytes, _pieces(path, num_bytes))

    def facts(self, run_id: str, name: str) -> FileFacts:
        """What a file of a run says of itself, by the last part of its address."""
        path = self._folder / f"{run_id}-{name}"
        return file_facts(path) if path in self._files(run_id) else FileFacts()

    def _files(self, run_id: str) -> list[Path]:
        if not _RUN_ID.fullmatch(run_id):  # from an address: it may be a pattern, or a path
            return []
        return sorted(self._folder.glob(f"{run_id}-*.csv"), key=_age)


class RunDownloads:
    """The files of one run on the board, and from when on nothing is saved any more."""

    def __init__(self, board: Board, folder: CsvFolder, run_id: str) -> None:
        self._board, self._folder, self._run_id = board, folder, run_id
        self._out: Path | None = None
        self._play: PlayFiles | None = None
        self._num_plays = 0
        # Not from the disk: most file systems tell only when a file was last written to.
        self._begun_at: dict[str, float] = {}
        self._unsaved_seconds: float | None = None
        self.show()

    @property
    def newest_play(self) -> PlayFiles:
        """The files of the newest play, which goes on; begin one before."""
        assert self._play is not None, "nothing was played"
        return self._play

    def begin(self, video: Path) -> PlayFiles:
        """Where the next play of a video is written."""
        self.drop_state()
        self._num_plays += 1
        self._set_unsaved(None)
        self._out = self._folder.new_path(self._run_id, self._num_plays, video)
        self._note_begin(self._out)
        self._play = PlayFiles(self._out, self._out.with_suffix(".state"))
        return self._play

    def drop_state(self) -> None:
        """The newest play will not go on any more."""
        if self._play is not None:
            self._play.state.unlink(missing_ok=True)

    def on_prediction(self, engine: EngineLike, prediction: Prediction) -> None:
        """A prediction was written, or could not be."""
        if engine.out not in (None, self._out):  # a model with other classes begins another file
            self._out = engine.out
            self._note_begin(engine.out)
            self.show()
        error = engine.storage_error
        if error is not None and self._unsaved_seconds is None:
            seconds = prediction.start_seconds
            self._set_unsaved(seconds, run_wording.storage_trouble(error, self._out, seconds))

    def leave(self) -> None:
        """Another video is chosen: what was written so far is of an earlier one."""
        self.drop_state()
        self._out = self._play = None
        self._set_unsaved(None)
        self.show()

    @property
    def unsaved(self) -> str:
        """A sentence from when on predictions are not saved; empty where they are."""
        return "" if self._unsaved_seconds is None else run_wording.not_saved(self._unsaved_seconds)

    def _set_unsaved(self, seconds: float | None, trouble: str = "") -> None:
        self._unsaved_seconds = seconds
        storage = {"text": trouble, "unsaved": self.unsaved} if self.unsaved else None
        self._board.put("storage", storage)

    def links_of(self, run_id: str) -> list[tuple[str, str]]:
        """The files of another run."""
        return self._folder.links(run_id)

    def show(self) -> None:
        """Put all files on the board; the newest is the one being watched, if there is one."""
        links = self._folder.links(self._run_id)
        newest = links.pop() if links and self._out is not None else None
        self._board.put("csv", {"newest": newest, "earlier": [*map(self._earlier, links)]})

    def _note_begin(self, out: Path) -> None:
        self._begun_at[out.name] = time.time()

    def _earlier(self, link: tuple[str, str]) -> EarlierFile:
        """What tells a file from the others: most often they are all of one video."""
        name = link[0].rsplit("/", 1)[-1]
        facts = self._folder.facts(self._run_id, name)
        begun = self._begun_at.get(f"{self._run_id}-{name}")
        return *link, {"begun": begun, "model": facts.model, "until": facts.end_seconds}


def _age(path: Path) -> tuple[int, int, str]:
    # By the number of the play; the second and third file of one play end in `-2` and `-3`.
    play = path.name.split("-")[1]
    return (int(play) if play.isdigit() else 0, len(path.name), path.name)


def _shown(name: str) -> str:
    # Without the number of the play.
    return name.split("-", 1)[-1]


def _end_of_rows(path: Path) -> int:
    # Up to the end of the last whole row: one that is half written may be taken back.
    with path.open("rb") as file:
        num_bytes = os.fstat(file.fileno()).st_size
        file.seek(max(0, num_bytes - MAX_ROW_BYTES))
        tail = file.read(num_bytes - file.tell())
    return num_bytes - len(tail) + tail.rfind(b"\n") + 1


def _pieces(path: Path, num_bytes: int) -> Iterator[bytes]:
    # No more than these, though rows are added meanwhile: the number is in a header sent before.
    with path.open("rb") as file:
        while num_bytes > 0 and (piece := file.read(min(CHUNK_BYTES, num_bytes))):
            num_bytes -= len(piece)
            yield piece
