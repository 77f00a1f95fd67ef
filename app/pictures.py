"""Pictures for people's eyes: the newest wish only, at a bounded share of the processor."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from app.videos import Video
from vidmem.errors import VidmemError

logger = logging.getLogger(__name__)

MIN_INTERVAL_SECONDS = 0.25
SHARE_OF_TIME = 0.15
IDLE_SECONDS = 30.0
REST_AFTER_ERROR_SECONDS = 8.0

numbers = itertools.count()
"""Of the pictures of the process."""


class Picture(Protocol):
    """A JPEG with its own time."""

    @property
    def jpeg(self) -> bytes:
        """The file."""
        ...

    @property
    def pts_seconds(self) -> float:
        """When its frame is shown."""
        ...


class PictureSource(Protocol):
    """What `vidmem.video.PictureReader` offers."""

    def picture(self, seconds: float) -> Picture:
        """The picture on display at a time."""
        ...

    def close(self) -> None:
        """Give the reader back."""
        ...


@dataclass(frozen=True)
class Shown:
    """A picture as the page gets it."""

    number: int
    """Rises with every picture of the process."""

    seconds: float
    jpeg: bytes


class PictureWorker:
    """One thread per run that fetches the picture last wished for.

    The reader (a child process) is opened with the first wish and given back after a while
    without one. An urgent wish (a hand on the timeline) is met at once; others keep decoding
    below `SHARE_OF_TIME` of the time, so that the model has the processor.
    """

    def __init__(
        self,
        video: Video,
        open_source: Callable[[Path], PictureSource],
        on_error: Callable[[Exception], None],
    ) -> None:
        self.video = video
        self._open, self._on_error = open_source, on_error
        self._changed = threading.Condition()
        self._wish: float | None = None
        self._is_urgent = False
        self._is_closed = False
        self._not_before = 0.0
        self._shown: Shown | None = None
        self._met: float | None = None  # the wish that it is the answer to: its own time is earlier
        self._thread = threading.Thread(target=self._work, name="pictures", daemon=True)
        self._thread.start()

    @property
    def shown(self) -> Shown | None:
        """The newest picture."""
        return self._shown

    def want(self, seconds: float, *, is_urgent: bool = False) -> None:
        """Wish for the picture at a time in the video; it replaces the wish before."""
        with self._changed:
            if self._wish is not None and self._is_urgent and not is_urgent:
                return
            if not is_urgent and self._met is not None and abs(self._met - seconds) < 0.02:
                return
            self._wish, self._is_urgent = seconds, is_urgent
            self._changed.notify_all()

    def close(self) -> None:
        """End the thread and its reader."""
        with self._changed:
            self._is_closed = True
            self._changed.notify_all()
        self._thread.join(timeout=5)

    def _next_wish(self) -> float | None:
        """The wish to meet next; `None` after a while without one, or at the end."""
        idle_since = time.monotonic()
        with self._changed:
            while not self._is_closed:
                now = time.monotonic()
                wait = IDLE_SECONDS - (now - idle_since)
                if self._wish is not None:
                    wait = 0.0 if self._is_urgent else self._not_before - now
                    if wait <= 0:
                        wish, self._wish, self._is_urgent = self._wish, None, False
                        return wish
                elif wait <= 0:
                    return None
                self._changed.wait(wait)
        return None

    def _work(self) -> None:
        source: PictureSource | None = None
        try:
            while not self._is_closed:
                wish = self._next_wish()
                if wish is None:
                    source = _closed(source)
                    continue
                started = time.monotonic()
                try:
                    source = source or self._open(self.video.path)
                    self._show(source.picture(wish))
                    self._met = wish
                except (VidmemError, OSError, EOFError) as error:
                    source = _closed(source)
                    self._rest(error)
                else:
                    now = time.monotonic()
                    cost = now - started
                    self._not_before = now + max(
                        MIN_INTERVAL_SECONDS - cost, cost * (1 / SHARE_OF_TIME - 1)
                    )
        finally:
            _closed(source)

    def _show(self, picture: Picture) -> None:
        self._shown = Shown(next(numbers), picture.pts_seconds, picture.jpeg)

    def _rest(self, error: Exception) -> None:
        logger.warning("no picture of %s: %s", self.video.path.name, error)
        self._not_before = time.monotonic() + REST_AFTER_ERROR_SECONDS
        self._on_error(error)


def _closed(source: PictureSource | None) -> None:
    if source is not None:
        source.close()
