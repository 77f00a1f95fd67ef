"""Memory of the process over the time of a run, in bounded room, and how fast it grows."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np

MAX_MARKS = 240
SETTLED_SECONDS = 180.0
"""Before that, one more page of memory would read as hundreds of MiB per hour."""


@dataclass(frozen=True)
class CostCurve:
    """Marks of a run, first to last."""

    seconds: list[float]
    mib: list[float]
    mib_per_hour: float | None
    """Over the later half; `None` in the first `SETTLED_SECONDS`."""


class CostMeter:
    """Marks at a spacing that doubles whenever there are too many."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._marks: list[tuple[float, float]] = []
        self._spacing_seconds = 0.25
        self._newest: tuple[float, float] | None = None

    def took(self, seconds: float, num_bytes: float) -> None:
        """Mark the memory at a time of the run."""
        mark = (seconds, num_bytes / 2**20)
        with self._lock:
            self._newest = mark
            if self._marks and seconds - self._marks[-1][0] < self._spacing_seconds:
                return
            self._marks.append(mark)
            if len(self._marks) > MAX_MARKS:
                self._marks = self._marks[::2]
                self._spacing_seconds *= 2

    def curve(self) -> CostCurve:
        """What to draw."""
        with self._lock:
            marks = list(self._marks)
            if self._newest and marks and self._newest != marks[-1]:
                marks.append(self._newest)
        seconds = [round(mark[0], 2) for mark in marks]
        mib = [round(mark[1], 2) for mark in marks]
        return CostCurve(seconds, mib, _slope(seconds, mib))


def _slope(seconds: list[float], mib: list[float]) -> float | None:
    if not seconds or seconds[-1] - seconds[0] < SETTLED_SECONDS:
        return None
    half = int(np.searchsorted(seconds, (seconds[0] + seconds[-1]) / 2))
    if len(seconds) - half < 3:
        return None
    return float(np.polyfit(seconds[half:], mib[half:], 1)[0]) * 3600
