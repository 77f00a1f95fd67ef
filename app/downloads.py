"""Predictions of runs on disk, and the way to them: also of runs that are gone."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app import text
from app.board import Board

MAX_LINKS = 8
CHUNK_BYTES = 1 << 16
MAX_ROW_BYTES = 1 << 20
_RUN_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class Download:
    """A file up to a row's end, as it was when it was asked for; rows may be added meanwhile."""

    name: str
    num_bytes: int
    pieces: Iterator[bytes]


class CsvFolder:
    """Files named `<run id>-<play>-<video>-predictions.csv`: who knows a run's id finds its files.

    Nothing is held in memory, so they are found after a restart too, until the folder is swept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def new_path(self, run_id: str, play: int, video: Path) -> Path:
        """Where a play of a video is written."""
        self._folder.mkdir(parents=True, exist_ok=True)
        stem = re.sub(r"[^\w. ()-]+", "_", video.stem)[:60].strip() or "video"
        return self._folder / f"{run_id}-{play}-{stem}-predictions.csv"

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

    def open(self, run_id: str, name: str) -> Download | None:
        """A file of a run by the last part of its address, where there is one."""
        path = self._folder / f"{run_id}-{name}"
        if path not in self._files(run_id):
            return None
        num_bytes = _end_of_rows(path)
        return Download(_shown(name), num_bytes, _pieces(path, num_bytes))

    def _files(self, run_id: str) -> list[Path]:
        if not _RUN_ID.fullmatch(run_id):
            return []
        return sorted(self._folder.glob(f"{run_id}-*.csv"), key=_age)


class RunFiles:
    """The files of one run, told to the board."""

    def __init__(self, board: Board, folder: CsvFolder, run_id: str) -> None:
        self._board, self._folder, self._run_id = board, folder, run_id
        self._out: Path | None = None
        self._num_plays = 0
        self._unsaved_seconds: float | None = None
        self.show()

    def begin(self, video: Path) -> Path:
        """Where the next play of a video is written."""
        self._num_plays += 1
        self._set_unsaved(None)
        self._out = self._folder.new_path(self._run_id, self._num_plays, video)
        return self._out

    def went_on(self, out: Path | None) -> None:
        """An engine writes to `out` now: a model with other classes begins another file."""
        if out not in (None, self._out):
            self._out = out
            self.show()

    def leave(self) -> None:
        """What was written is of another video from here on."""
        self._out = None
        self._set_unsaved(None)
        self.show()

    @property
    def unsaved(self) -> str:
        """What to say where predictions are not saved; empty where they are."""
        return "" if self._unsaved_seconds is None else text.not_saved(self._unsaved_seconds)

    def failed(self, error: Exception, seconds: float) -> None:
        """From a time on nothing is saved; said until the next play, whatever else is said."""
        if self._unsaved_seconds is None:
            self._set_unsaved(seconds, text.storage_trouble(error, self._out, seconds))

    def _set_unsaved(self, seconds: float | None, trouble: str = "") -> None:
        self._unsaved_seconds = seconds
        storage = {"text": trouble, "unsaved": self.unsaved} if self.unsaved else None
        self._board.put("storage", storage)

    def links_of(self, run_id: str) -> list[tuple[str, str]]:
        """The files of another run."""
        return self._folder.links(run_id)

    def show(self) -> None:
        """Tell of all files; the newest is the one being watched, if there is one."""
        links = self._folder.links(self._run_id)
        newest = links.pop() if links and self._out is not None else None
        self._board.put("csv", {"newest": newest, "earlier": links})


def _age(path: Path) -> tuple[int, int, str]:
    """Plays are counted, and so are the files of one play: `-2`, `-3`."""
    play = path.name.split("-")[1]
    return (int(play) if play.isdigit() else 0, len(path.name), path.name)


def _shown(name: str) -> str:
    """The name without the number of the play."""
    return name.split("-", 1)[-1]


def _end_of_rows(path: Path) -> int:
    """Bytes up to the last row's end: a row that is half written may be taken back."""
    with path.open("rb") as file:
        num_bytes = os.fstat(file.fileno()).st_size
        file.seek(max(0, num_bytes - MAX_ROW_BYTES))
        tail = file.read(num_bytes - file.tell())
    return num_bytes - len(tail) + tail.rfind(b"\n") + 1


def _pieces(path: Path, num_bytes: int) -> Iterator[bytes]:
    """So many bytes and no more: the length was told before the first of them is sent."""
    with path.open("rb") as file:
        while num_bytes > 0 and (piece := file.read(min(CHUNK_BYTES, num_bytes))):
            num_bytes -= len(piece)
            yield piece
