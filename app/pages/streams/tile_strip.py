"""The predictions of a stream as pieces of its strip; a page gets those that it lacks."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from app.run.pacing import SpeedFacts
from app.run.results.predicted_timeline import PredictedTimeline
from app.run.results.timeline import Columns
from vidmem.streaming import Prediction, StreamSettings

MAX_POINTS = 4_000
"""Predictions kept of a stream; beyond it the older half is joined two by two, again and again."""
MAX_BUCKETS = 240
"""Pieces that a page gets at once: a strip is some 300 pixels wide."""
MAX_FRESH = 400
"""More newer pieces than these are sent as buckets of the whole."""

Piece = list[float]
"""`[start, end, column, is final]`."""


class TileStrip:
    """The predictions of one stream, and which of them came after which version.

    The pool's thread adds, requests read.
    """

    def __init__(self, columns: Columns, next_version: Callable[[], int]) -> None:
        """Begin with nothing.

        Args:
            columns: Shared by the streams of a page, so that a class has one colour.
            next_version: Gives the number of a change.
        """
        self._next_version = next_version
        self._lock = threading.Lock()
        self._predicted = PredictedTimeline(
            columns.class_names, max_points=MAX_POINTS, columns=columns
        )
        # Versions with the newest point at each: they tell which points a page lacks.
        self._marks: deque[tuple[int, int]] = deque([(0, -1)], maxlen=MAX_FRESH)

    def __len__(self) -> int:
        return len(self._predicted.timeline)

    def add_prediction(self, prediction: Prediction, settings: StreamSettings) -> int:
        """Add the newest prediction; returns the version from which on it is there."""
        with self._lock:
            self._predicted.add_prediction(prediction, settings)
            version = self._next_version()
            self._mark(version)
            return version

    def settle(self) -> None:
        """Make final what is provisional, since nothing more will be seen."""
        with self._lock:
            before = self._predicted.timeline.newest_number
            self._predicted.flush()
            self._predicted.settle()
            if self._predicted.timeline.newest_number != before:
                self._mark(self._next_version())

    def restart_meter(self) -> None:
        """Measure the speed anew, after a pause or a jump."""
        with self._lock:
            self._predicted.meter.restart()

    def speed(self) -> SpeedFacts:
        """How fast predictions come."""
        with self._lock:
            return self._predicted.meter.facts(None)

    def since(self, version: int) -> dict[str, Any] | None:
        """The pieces that came after a version, or the whole; `None` where there are none."""
        with self._lock:
            if version >= self._marks[-1][0]:
                return None
            # `None`: so old that its mark is gone, and the whole is sent.
            number = next((n for v, n in reversed(self._marks) if v <= version), None)
            timeline = self._predicted.timeline
            points = timeline.since(number) if number is not None and version > 0 else None
            if points is None or len(points) > MAX_FRESH:
                return {"whole": True, "pieces": self._whole()}
            pieces = [
                [round(p.start, 3), round(p.end, 3), p.column, int(p.is_final)] for p in points
            ]
            return {"whole": False, "pieces": pieces}

    def _whole(self) -> list[Piece]:
        buckets = self._predicted.timeline.range(0.0, float("inf"), MAX_BUCKETS)
        provisional = set(buckets["provisional"])
        columns = zip(buckets["start"], buckets["end"], buckets["column"], strict=True)
        return [[*one, int(place not in provisional)] for place, one in enumerate(columns)]

    def _mark(self, version: int) -> None:
        newest = self._predicted.timeline.newest_number
        if newest != self._marks[-1][1]:
            self._marks.append((version, newest))
