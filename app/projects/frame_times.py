"""When the frames of the project's videos are shown, read once and kept for the pages."""

from __future__ import annotations

import math
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from app.sources.kept import FileKey, file_key
from vidmem.errors import SettingError, VideoNotFoundError
from vidmem.video import FrameTimes, read_frame_times

BLOCK_SECONDS = 300.0
"""Of files that are read in parts, so much at a time."""

MAX_ANSWER = 20_000
"""Times in one answer: five minutes at 60 frames per second."""

MAX_KEPT_TIMES = 8_000_000
"""Of all files: 64 MB."""

TIMEOUT_SECONDS = 60.0
MARGIN_SECONDS = 1.0
PART_COST = 100
"""What a part takes besides its times, in times."""

DIGITS = 6

Read = Callable[..., FrameTimes]


@dataclass(frozen=True)
class _Part:
    start: float
    end: float
    times: FrameTimes


class KeptFrameTimes:
    """Times of frames of the files asked for last; safe to use from all threads.

    Args:
        read: `vidmem.video.read_frame_times`.
        max_times: Kept at most.
    """

    def __init__(self, read: Read = read_frame_times, max_times: int = MAX_KEPT_TIMES) -> None:
        self._read, self._max_times = read, max_times
        self._lock = threading.Lock()
        self._turns: dict[FileKey, threading.Lock] = {}
        self._parts: OrderedDict[tuple[FileKey, float], _Part] = OrderedDict()

    @property
    def num_kept(self) -> int:
        """Times that are kept now, and what their parts take."""
        with self._lock:
            return self._num_kept()

    def between(self, path: Path, start: float, end: float) -> dict[str, Any]:
        """The times of frames in a half-open part of a video, in plain values.

        Args:
            path: Of the file.
            start: Seconds, from the first frame.
            end: Where the part ends; it is cut where it has more than `MAX_ANSWER` frames.

        Returns:
            `from` and `to` of the part, its `times`, the time of the frame `before` and of the one
            `after` (`null`: there is none), the `end` of a video whose last frame is known, whether
            times are certain (`is_certain`), and the container's time of the first frame
            (`container_seconds`).

        Raises:
            SettingError: If the times are not in order.
            VidmemError: If the file cannot be read.
        """
        if not 0 <= start < end:
            raise SettingError(f"a part must begin at 0 s or later, got {start:g} to {end:g} s")
        part = self._part(path, start, end)
        seconds, end = part.times.seconds, min(end, part.end)
        first, last = (int(np.searchsorted(seconds, edge)) for edge in (start, end))
        if last - first > MAX_ANSWER:
            last = first + MAX_ANSWER
            end = float(seconds[last])
        after = float(seconds[last]) if last < len(seconds) else None
        return {
            "from": start,
            "to": end if math.isfinite(end) else part.times.end_seconds,
            "times": [round(float(one), DIGITS) for one in seconds[first:last]],
            "before": round(float(seconds[first - 1]), DIGITS) if first else None,
            "after": None if after is None else round(after, DIGITS),
            "end": round(part.times.end_seconds, DIGITS) if after is None else None,
            "is_certain": part.times.is_certain,
            "container_seconds": round(part.times.container_seconds, DIGITS),
        }

    def _part(self, path: Path, start: float, end: float) -> _Part:
        key = file_key(path)
        if key is None:
            raise VideoNotFoundError(f"{path} does not exist (any more)")
        with self._lock:
            turn = self._turns.setdefault(key, threading.Lock())
        try:
            with turn:  # one reads, others wait for it
                return self._find(key, start) or self._read_part(path, key, start)
        finally:
            with self._lock:
                self._turns.pop(key, None)

    def _find(self, key: FileKey, start: float) -> _Part | None:
        with self._lock:
            for place in (-1.0, _block(start)):
                if (part := self._parts.get((key, place))) is not None:
                    self._parts.move_to_end((key, place))
                    return part
            return None

    def _read_part(self, path: Path, key: FileKey, start: float) -> _Part:
        begin = _block(start)
        stop = begin + BLOCK_SECONDS
        # From a little earlier: the frame before the first one is asked for, too.
        earlier = max(0.0, begin - MARGIN_SECONDS)
        times = self._read(path, earlier, stop, timeout_seconds=TIMEOUT_SECONDS)
        part = _Part(0.0, math.inf, times) if times.is_whole else _Part(begin, stop, times)
        with self._lock:
            self._parts[key, -1.0 if times.is_whole else begin] = part
            while self._num_kept() > self._max_times and len(self._parts) > 1:
                self._parts.popitem(last=False)
        return part

    def _num_kept(self) -> int:
        return sum(len(part.times.seconds) + PART_COST for part in self._parts.values())


def _block(seconds: float) -> float:
    return math.floor(seconds / BLOCK_SECONDS) * BLOCK_SECONDS
