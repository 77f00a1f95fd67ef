"""Files of predictions on disk and their addresses, also of runs that were freed.

The Streams page writes to a `CsvFolder`; so did the Watch page before there were projects, and what
it wrote there is still given out. What it writes now lies in the project (`app.run.kept`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.sources.names import clean_stem

MAX_LINKS = 8
CHUNK_BYTES = 1 << 16
MAX_ROW_BYTES = 1 << 20
"""A row is shorter: the end of the last one is looked for in so many bytes."""

_RUN_ID = re.compile(r"[0-9a-f]{32}")


@dataclass(frozen=True)
class PredictionsFile:
    """A file up to the end of its last row at one moment; rows may be added meanwhile."""

    name: str
    num_bytes: int
    pieces: Iterator[bytes]


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

    def open(self, run_id: str, name: str) -> PredictionsFile | None:
        """A file of a run by the last part of its address, where there is one."""
        path = self._folder / f"{run_id}-{name}"
        # The name is from an address: only what the listing has is opened.
        if path not in self._files(run_id):
            return None
        return opened(path, _shown(name))

    def _files(self, run_id: str) -> list[Path]:
        if not _RUN_ID.fullmatch(run_id):  # from an address: it may be a pattern, or a path
            return []
        return sorted(self._folder.glob(f"{run_id}-*.csv"), key=_age)


def opened(path: Path, name: str) -> PredictionsFile:
    """A file to be given out under a name, as it is now."""
    num_bytes = _end_of_rows(path)
    return PredictionsFile(name, num_bytes, _pieces(path, num_bytes))


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
