"""What a file of predictions says of itself in its first and last rows, however long it is."""

from __future__ import annotations

import contextlib
import csv
import math
import os
from dataclasses import dataclass
from pathlib import Path

MAX_BYTES = 1 << 16
"""Read at either end of a file: a row of hundreds of classes takes a few thousand."""


@dataclass(frozen=True)
class FileFacts:
    """What tells one file of a video from another."""

    model: str = ""
    """That judged the last clip; empty where the file does not say."""

    end_seconds: float | None = None
    """Where that clip ends in the video; `None`: no clip was judged, or it cannot be read."""


def file_facts(path: Path) -> FileFacts:
    """What is known cheaply of a file of predictions; of what is none, nothing."""
    with contextlib.suppress(OSError, ValueError, KeyError, csv.Error):
        header, row = _ends(path)
        cells = dict(zip(header, row, strict=True))
        end_seconds = float(cells["end_seconds"])
        if math.isfinite(end_seconds):
            return FileFacts(cells.get("model", ""), end_seconds)
    return FileFacts()


def _ends(path: Path) -> list[list[str]]:
    """The cells of the first and of the last whole row."""
    with path.open("rb") as file:
        first = file.readline(MAX_BYTES)
        num_bytes = os.fstat(file.fileno()).st_size
        file.seek(max(len(first), num_bytes - MAX_BYTES))
        # What stands behind the last end of a line is half a row, or nothing.
        rows = file.read(MAX_BYTES).split(b"\n")[:-1]
    if not first.endswith(b"\n") or not rows:
        raise ValueError("there is no whole row")
    return list(csv.reader([first.decode().rstrip("\n"), rows[-1].decode()]))
